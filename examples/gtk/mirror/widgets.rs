//! The window's widgets, without any behaviour.

use gtk::prelude::*;
use gtk::{gdk, gio, pango};

use crate::row;

/// Files on their way that are shown.
pub const FILES: usize = 6;

/// What the actors work on. Clones are the same widgets.
#[derive(Clone)]
pub struct Widgets {
    pub window: gtk::ApplicationWindow,
    pub source: gtk::Entry,
    pub target: gtk::Entry,
    pub choose_source: gtk::Button,
    pub choose_target: gtk::Button,
    pub pause: gtk::Button,
    pub overall: gtk::ProgressBar,
    pub status: gtk::Label,
    pub files: Vec<gtk::ProgressBar>,
    pub tree: gtk::ListBox,
    /// Says that the tree is not as it is shown.
    pub old: gtk::Label,
    pub menu: gtk::PopoverMenu,
    pub log: gtk::TextView,
}

impl Widgets {
    /// A window that is not shown yet.
    pub fn new(program: &gtk::Application) -> Self {
        let window = gtk::ApplicationWindow::new(program);
        window.set_title(Some("Mirror"));
        let (width, height) = size();
        window.set_default_size(width, height);
        let pause = button("_Pause", "win.pause");
        window.set_titlebar(Some(&bar(&pause)));

        let (source, choose_source) = folder();
        let (target, choose_target) = folder();
        let overall = gtk::ProgressBar::new();
        overall.set_show_text(true);
        let status = left("choose two folders");
        let files: Vec<_> = (0..FILES).map(|_| file()).collect();
        let tree = gtk::ListBox::new();
        tree.set_activate_on_single_click(false); // that only chooses
        let old = gtk::Label::new(None);
        let actors = actors(&tree, &old);
        let menu = menu(&actors);
        let log = gtk::TextView::new();
        log.set_left_margin(6);
        log.set_right_margin(6);
        log.set_top_margin(6);
        log.set_editable(false);
        log.set_cursor_visible(false);
        log.set_monospace(true);

        let content = column();
        content.set_margin_top(12);
        content.set_margin_bottom(12);
        content.set_margin_start(12);
        content.set_margin_end(12);
        content.append(&folders(
            ("So_urce", &source, &choose_source),
            ("_Target", &target, &choose_target),
        ));
        overall.set_margin_top(6);
        content.append(&overall);
        status.set_margin_bottom(6);
        content.append(&status);
        let parts = gtk::Paned::new(gtk::Orientation::Vertical);
        parts.set_vexpand(true);
        parts.set_start_child(Some(&actors));
        parts.set_end_child(Some(&pages(&log, &files)));
        parts.set_resize_end_child(false); // what a larger window has is for the tree
        content.append(&parts);
        window.set_child(Some(&content));
        Self {
            window,
            source,
            target,
            choose_source,
            choose_target,
            pause,
            overall,
            status,
            files,
            tree,
            old,
            menu,
            log,
        }
    }

    /// Says whether an action of the window can be asked for.
    pub fn enable(&self, action: &str, enabled: bool) {
        let action = self.window.lookup_action(action);
        if let Some(action) = action.and_downcast::<gio::SimpleAction>() {
            action.set_enabled(enabled);
        }
    }

    /// The same of what can be done to the chosen actor.
    pub fn enable_deeds(&self, enabled: bool) {
        for (_, action) in DEEDS {
            self.enable(action, enabled);
        }
    }

    /// Says why the tree is not as it is shown, or that it is.
    pub fn set_old(&self, why: Option<&str>) {
        self.old.set_visible(why.is_some());
        self.tree.set_opacity(if why.is_some() { 0.4 } else { 1.0 });
        if let Some(why) = why {
            println!("old: {why}");
            self.old.set_text(why);
        }
    }
}

/// Room for the tree of a copy, where the screen has it.
fn size() -> (i32, i32) {
    const WANTED: (i32, i32) = (820, 1024);
    /// For what else is on the screen.
    const REST: i32 = 56;
    let display = gdk::Display::default();
    let monitor = display.and_then(|display| display.monitors().item(0));
    let Some(monitor) = monitor.and_downcast::<gdk::Monitor>() else {
        return (800, 600);
    };
    let screen = monitor.geometry();
    (
        WANTED.0.min(screen.width()),
        WANTED.1.min((screen.height() - REST).max(600)),
    )
}

fn bar(pause: &gtk::Button) -> gtk::HeaderBar {
    let bar = gtk::HeaderBar::new();
    let start = button("_Start", "win.start");
    start.add_css_class("suggested-action");
    bar.pack_start(&start);
    bar.pack_start(pause);
    bar.pack_start(&button("_Cancel", "win.cancel"));
    bar
}

fn button(label: &str, action: &str) -> gtk::Button {
    let button = gtk::Button::with_mnemonic(label);
    button.set_action_name(Some(action));
    button
}

fn folder() -> (gtk::Entry, gtk::Button) {
    let entry = gtk::Entry::new();
    entry.set_hexpand(true);
    (entry, gtk::Button::with_label("Choose…"))
}

type Folder<'a> = (&'a str, &'a gtk::Entry, &'a gtk::Button);

fn folders(source: Folder<'_>, target: Folder<'_>) -> gtk::Grid {
    let grid = gtk::Grid::new();
    grid.set_row_spacing(6);
    grid.set_column_spacing(6);
    for (at, (title, entry, choose)) in (0..).zip([source, target]) {
        let label = gtk::Label::with_mnemonic(title);
        label.set_xalign(0.0);
        label.set_mnemonic_widget(Some(entry));
        grid.attach(&label, 0, at, 1, 1);
        grid.attach(entry, 1, at, 1, 1);
        grid.attach(choose, 2, at, 1, 1);
    }
    grid
}

/// The picture of the tree, and above it what is to be said of it.
fn actors(tree: &gtk::ListBox, old: &gtk::Label) -> gtk::Box {
    old.add_css_class("toolbar");
    old.add_css_class("osd");
    old.set_halign(gtk::Align::Center);
    old.set_valign(gtk::Align::Center);
    old.set_wrap(true);
    old.set_visible(false);
    let list = gtk::Overlay::new();
    list.set_child(Some(&scroll(tree)));
    list.add_overlay(old);
    list.set_vexpand(true);
    let all = column();
    all.append(&row::titles());
    all.append(&list);
    all
}

/// What can be done to the chosen actor, with the action for it.
const DEEDS: [(&str, &str); 3] = [
    ("C_rash", "crash"),
    ("R_estart", "restart"),
    ("St_op", "stop"),
];

fn deeds() -> gtk::Box {
    let deeds = gtk::Box::new(gtk::Orientation::Horizontal, 6);
    for (label, action) in DEEDS {
        deeds.append(&button(label, &format!("win.{action}")));
    }
    deeds
}

/// Its place is not in the list: that would scroll to what has the focus in the menu.
fn menu(place: &gtk::Box) -> gtk::PopoverMenu {
    let model = gio::Menu::new();
    for (label, action) in DEEDS {
        model.append(Some(label), Some(&format!("win.{action}")));
    }
    let menu = gtk::PopoverMenu::from_model(Some(&model));
    menu.set_parent(place);
    menu
}

fn pages(log: &gtk::TextView, files: &[gtk::ProgressBar]) -> gtk::Notebook {
    let list = column();
    list.set_margin_top(6);
    list.set_margin_start(6);
    list.set_margin_end(6);
    files.iter().for_each(|file| list.append(file));
    let pages = gtk::Notebook::new();
    pages.set_action_widget(&deeds(), gtk::PackType::End); // right below the tree
    for (content, title) in [(scroll(&list), "_Files"), (scroll(log), "_Log")] {
        content.set_min_content_height(100); // four files, a few lines
        pages.append_page(&content, Some(&gtk::Label::with_mnemonic(title)));
    }
    pages
}

fn file() -> gtk::ProgressBar {
    let bar = gtk::ProgressBar::new();
    bar.set_show_text(true);
    bar.set_ellipsize(pango::EllipsizeMode::Middle);
    bar.set_visible(false);
    bar
}

/// What is larger than its place moves nothing else.
fn scroll(content: &impl IsA<gtk::Widget>) -> gtk::ScrolledWindow {
    let scroll = gtk::ScrolledWindow::new();
    scroll.set_child(Some(content));
    scroll
}

fn column() -> gtk::Box {
    gtk::Box::new(gtk::Orientation::Vertical, 6)
}

fn left(text: &str) -> gtk::Label {
    let label = gtk::Label::new(Some(text));
    label.set_xalign(0.0);
    label.set_ellipsize(pango::EllipsizeMode::End);
    label
}
