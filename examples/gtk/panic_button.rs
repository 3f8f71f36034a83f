//! One window: a view on GTK's own loop, a worker on smol, one tree. The button makes the worker
//! panic; a new one takes its place, and the label says so.

use gtk::{glib, prelude::*};
use rotor_core::*;
use rotor_glib::GlibLoop;
use rotor_smol::SmolLoop;
use std::{error::Error, time::Duration};

/// On smol; it knows the view.
struct Worker(Addr<View>);

impl Actor for Worker {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.0.send(Ready);
        Ok(())
    }
}

struct Clicked;

impl Handler<Clicked> for Worker {
    fn handle(&mut self, _: Clicked, _: &mut Context<Self>) {
        panic!("the button was pressed");
    }
}

/// On GTK's loop; it owns a widget, which never leaves its thread, and counts workers.
struct View(gtk::Label, u32);

impl Actor for View {}

struct Ready;

impl Handler<Ready> for View {
    fn handle(&mut self, _: Ready, _: &mut Context<Self>) {
        self.1 += 1;
        let text = format!("worker {} is ready; restarts: {}", self.1, self.1 - 1);
        println!("{text}");
        self.0.set_text(&text);
    }
}

fn main() -> Result<Exit, Box<dyn Error>> {
    gtk::init()?;
    let (bar, button) = (gtk::HeaderBar::new(), gtk::Button::with_label("Panic"));
    bar.pack_start(&button);
    let label = gtk::Label::new(None);
    let window = gtk::Window::new();
    window.set_title(Some("Panic button"));
    window.set_default_size(400, 150);
    window.set_titlebar(Some(&bar));
    window.set_child(Some(&label));

    let (ui, work) = (GlibLoop::attach()?, SmolLoop::spawn("work")?);
    let (view, worker) = (ui.locality().reserve(), work.reserve());
    let workers = Supervisor::one_for_one("work").intensity(9, Duration::from_secs(1));
    let tree = Supervisor::rest_for_one("app")
        .child(Child::new("view", move || View(label.clone(), 0)).at(view))
        .child(workers.on(&work, move |s| {
            s.child(Child::new("worker", move || Worker(view)).at(worker))
        }));
    let app = ui.start(tree)?;
    let gtk_loop = glib::MainLoop::new(None, false);
    let quit = gtk_loop.clone();
    app.on_exit(move |_| quit.quit());

    button.connect_clicked(move |_| worker.send(Clicked)); // a signal only sends
    let closed = app.clone();
    window.connect_close_request(move |_| {
        closed.shutdown(); // the loop is quit when the tree has ended
        glib::Propagation::Stop
    });
    window.present();
    gtk_loop.run();
    Ok(app.wait()?) // a failure is printed, and makes the exit code 1
}
