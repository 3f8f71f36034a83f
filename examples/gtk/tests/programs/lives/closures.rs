//! Closures of all kinds panic, one after the other, each in a guard of the actor that has it called.

use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;
use std::time::Duration;

use gtk::prelude::*;
use gtk::{gio, glib};
use rotor_core::{Actor, Child, Context, Result, Supervisor};
use rotor_glib::{GlibLoop, Guard};

/// The widgets that the closures belong to.
#[derive(Clone)]
struct Widgets {
    window: gtk::ApplicationWindow,
    button: gtk::Button,
    area: gtk::DrawingArea,
    list: gtk::ListBox,
    items: gtk::ListView,
    action: gio::SimpleAction,
}

impl Widgets {
    fn new(program: &gtk::Application) -> Self {
        let widgets = Self {
            window: gtk::ApplicationWindow::new(program),
            button: gtk::Button::with_label("Button"),
            area: gtk::DrawingArea::new(),
            list: gtk::ListBox::new(),
            items: gtk::ListView::new(None::<gtk::NoSelection>, None::<gtk::ListItemFactory>),
            action: gio::SimpleAction::new("act", None),
        };
        widgets.list.append(&gtk::Label::new(Some("one")));
        widgets.list.append(&gtk::Label::new(Some("two")));
        widgets.area.set_vexpand(true);
        let content = gtk::Box::new(gtk::Orientation::Vertical, 0);
        content.append(&widgets.button);
        content.append(&widgets.area);
        content.append(&widgets.list);
        content.append(&widgets.items);
        widgets.window.set_title(Some("Lives"));
        widgets.window.set_child(Some(&content));
        widgets
    }
}

/// Has a closure of one kind panic, and leaves the next kind to the next instance.
struct View {
    widgets: Widgets,
    kinds: Rc<Cell<usize>>,
}

/// Connects a closure that panics, and has it called.
type Kind = fn(&Widgets, &Guard);

const KINDS: [(&str, Kind); 10] = [
    ("a signal", |w, guard| {
        let run = guard.clone();
        let id = w.button.connect_clicked(move |_| run.run((), bug));
        guard.keep(&w.button, id);
        w.button.emit_clicked();
    }),
    ("a change of a property", |w, guard| {
        let run = guard.clone();
        let id = w.button.connect_label_notify(move |_| run.run((), bug));
        guard.keep(&w.button, id);
        w.button.set_label("Changed");
    }),
    ("a signal with an answer", |w, guard| {
        let run = guard.clone();
        let id = w
            .window
            .connect_close_request(move |_| run.run(glib::Propagation::Stop, bug));
        guard.keep(&w.window, id);
        w.window.close();
    }),
    ("an action", |w, guard| {
        let run = guard.clone();
        let id = w.action.connect_activate(move |_, _| run.run((), bug));
        guard.keep(&w.action, id);
        w.action.activate(None);
    }),
    ("the focus", |w, guard| {
        let (run, focus) = (guard.clone(), gtk::EventControllerFocus::new());
        focus.connect_enter(move |_| run.run((), bug));
        gtk::prelude::GtkWindowExt::set_focus(&w.window, None::<&gtk::Widget>);
        w.button.add_controller(focus);
        w.button.grab_focus();
    }),
    ("a tick", |w, guard| {
        let run = guard.clone();
        w.area
            .add_tick_callback(move |_, _| run.run(glib::ControlFlow::Break, bug));
    }),
    ("a drawing", |w, guard| {
        let run = guard.clone();
        w.area.set_draw_func(move |_, _, _, _| run.run((), bug));
        w.area.queue_draw();
    }),
    ("a time", |_, guard| {
        let run = guard.clone();
        glib::timeout_add_local_once(Duration::from_millis(1), move || run.run((), bug));
    }),
    ("an order of lines", |w, guard| {
        let run = guard.clone();
        w.list
            .set_sort_func(move |_, _| run.run(Ordering::Equal, bug).into());
    }),
    ("items of a list", |w, guard| {
        let (run, factory) = (guard.clone(), gtk::SignalListItemFactory::new());
        factory.connect_bind(move |_, _| run.run((), bug));
        w.items.set_factory(Some(&factory));
        let model = gtk::StringList::new(&["one", "two"]);
        w.items.set_model(Some(&gtk::NoSelection::new(Some(model))));
    }),
];

fn bug<R>() -> R {
    panic!("a bug in a closure")
}

impl Actor for View {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let Some((name, kind)) = KINDS.get(self.kinds.get()) else {
            println!("alive: {}", self.widgets.window.is_visible());
            return Ok(());
        };
        println!("kind: {name}");
        self.kinds.set(self.kinds.get() + 1);
        let (guard, widgets) = (Guard::of(cx), self.widgets.clone());
        cx.defer_to_host(move || kind(&widgets, &guard));
        Ok(())
    }
}

/// Every closure panics in a guard.
pub fn guarded(program: &gtk::Application) {
    let widgets = Widgets::new(program);
    widgets.window.present();
    let kinds = Rc::new(Cell::new(0));
    let ui = GlibLoop::attach().expect("this thread's loop is free");
    let make = move || View {
        widgets: widgets.clone(),
        kinds: kinds.clone(),
    };
    let tree = Supervisor::one_for_one("app")
        .intensity(KINDS.len() as u32, Duration::from_secs(600))
        .child(Child::new("view", make));
    ui.start(tree).expect("a good tree");
}

/// One panics without.
pub fn unguarded(program: &gtk::Application) {
    let widgets = Widgets::new(program);
    widgets.button.connect_clicked(|_| bug());
    widgets.button.emit_clicked();
}
