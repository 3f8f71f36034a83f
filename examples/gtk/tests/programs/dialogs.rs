//! Two ways to open a dialog that runs a loop of its own: after the turn, where the actors go on, and
//! inside a handler, where they wait. A worker on another loop sends all the time.

use std::time::Duration;

use gtk::prelude::*;
use gtk::{gio, glib};
use rotor_core::*;
use rotor_glib::GlibLoop;

/// Counts what it gets.
struct View {
    counted: u64,
    sent: u64,
}

/// Sends numbers in order.
struct Worker {
    view: Addr<View>,
    sent: u64,
}

#[derive(Clone)]
struct Tick;
struct Number(u64);
struct Deferred;
struct Inside;
struct Closed(&'static str, u64);

impl Actor for Worker {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.every(Duration::from_millis(1), Tick);
        Ok(())
    }
}

impl Handler<Tick> for Worker {
    fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        self.sent += 1;
        self.view.send(Number(self.sent));
    }
}

impl Actor for View {}

impl Handler<Number> for View {
    fn handle(&mut self, Number(n): Number, _: &mut Context<Self>) {
        self.sent += 1;
        assert_eq!(n, self.sent, "none is lost, none comes twice");
        self.counted += 1;
    }
}

impl Handler<Deferred> for View {
    fn handle(&mut self, _: Deferred, cx: &mut Context<Self>) {
        let (me, before) = (cx.addr(), self.counted);
        cx.defer_to_host(move || {
            dialog();
            me.send(Closed("deferred", before));
        });
    }
}

impl Handler<Inside> for View {
    fn handle(&mut self, _: Inside, cx: &mut Context<Self>) {
        let before = self.counted;
        dialog();
        println!("inside: {} while it was open", self.counted - before);
        // What came meanwhile is handled by then.
        cx.after(Duration::from_millis(50), Closed("after inside", before));
    }
}

impl Handler<Closed> for View {
    fn handle(&mut self, Closed(which, before): Closed, _: &mut Context<Self>) {
        println!("{which}: {} while it was open", self.counted - before);
    }
}

/// A modal window; returns when it is closed.
fn dialog() {
    let inner = glib::MainLoop::new(None, false);
    let (window, button) = (gtk::Window::new(), gtk::Button::with_label("Close"));
    window.set_title(Some("Dialog"));
    window.set_default_size(200, 100);
    window.set_modal(true);
    window.set_child(Some(&button));
    let quit = inner.clone();
    button.connect_clicked(move |_| quit.quit());
    button.set_sensitive(false);
    window.present();
    glib::timeout_add_local_once(Duration::from_millis(300), move || {
        button.set_sensitive(true);
        button.grab_focus();
        println!("opened");
    });
    inner.run();
    window.destroy();
}

fn open(program: &gtk::Application) {
    let ui = GlibLoop::attach().expect("this thread's loop is free");
    let work = ThreadLoop::spawn("work").expect("a thread");
    let (view, worker) = (ui.locality().reserve(), work.reserve());
    let tree = Supervisor::one_for_one("app")
        .intensity(0, Duration::from_secs(1))
        .child(
            Child::new("view", || View {
                counted: 0,
                sent: 0,
            })
            .at(view),
        )
        .child(Supervisor::one_for_one("work").on(&work, move |s| {
            s.child(Child::new("worker", move || Worker { view, sent: 0 }).at(worker))
        }));
    drop(work);
    let app = ui.start(tree).expect("a good tree");
    app.on_exit(|exit| {
        println!("exit: {exit}");
        gio::Application::default().expect("it runs").quit();
    });
    let window = gtk::ApplicationWindow::new(program);
    window.set_title(Some("Dialogs"));
    window.set_default_size(300, 100);
    let (deferred, inside) = (
        gtk::Button::with_label("Deferred"),
        gtk::Button::with_label("Inside"),
    );
    let content = gtk::Box::new(gtk::Orientation::Vertical, 0);
    content.append(&deferred);
    content.append(&inside);
    window.set_child(Some(&content));
    deferred.connect_clicked(move |_| view.send(Deferred));
    inside.connect_clicked(move |_| view.send(Inside));
    let end = gtk::Button::with_label("End");
    content.append(&end);
    end.connect_clicked(move |_| app.shutdown());
    window.present();
}

fn main() -> glib::ExitCode {
    let program = gtk::Application::new(None::<&str>, gio::ApplicationFlags::NON_UNIQUE);
    program.connect_activate(open);
    program.run()
}
