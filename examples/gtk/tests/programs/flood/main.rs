//! `flood MODE SECONDS`: a window that draws all the time, beside an actor that does nothing
//! (`idle`), that always has 20 000 messages queued (`flood`), or that has them while the loop's
//! source is held at its priority (`eager`, to show what that does). Counts frames and times slices.

mod frames;
mod sink;
mod time;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use gtk::prelude::*;
use gtk::{gio, glib};
use rotor_core::{Addr, Child, Outbox, Supervisor};
use rotor_glib::GlibLoop;

use crate::frames::Frames;
use crate::sink::{Begin, Clicked, Sink, Water};

/// Messages that are kept queued.
const QUEUED: u64 = 20_000;
/// Frames before it begins, so that the window is there.
const WARM: u32 = 20;

/// What the actor has to take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Idle,
    Flood,
    Eager,
}

fn open(program: &gtk::Application, mode: Mode, time: Duration) {
    let (window, button) = (gtk::ApplicationWindow::new(program), gtk::Button::new());
    button.set_label("Click");
    let area = gtk::DrawingArea::new();
    area.set_vexpand(true);
    let content = gtk::Box::new(gtk::Orientation::Vertical, 0);
    content.append(&button);
    content.append(&area);
    window.set_child(Some(&content));
    window.set_title(Some("Flood"));
    window.set_default_size(300, 300);

    let ui = GlibLoop::attach().expect("this thread's loop is free");
    let (here, sink) = (ui.locality().clone(), ui.locality().reserve());
    let frames = Rc::new(RefCell::new(Frames::default()));
    let handled = Arc::new(AtomicU64::new(0));
    let make = {
        let (frames, handled) = (frames.clone(), handled.clone());
        move || Sink::new(frames.clone(), handled.clone(), mode == Mode::Eager)
    };
    let tree = Supervisor::one_for_one("app").child(Child::new("sink", make).at(sink));
    ui.start(tree).expect("a good tree");

    button.connect_clicked(move |_| sink.send(Clicked(Instant::now(), here.slices())));
    area.set_draw_func(move |area, cairo, width, height| {
        let clock = area.frame_clock().expect("it is drawn");
        let n = frames.borrow_mut().drawn(&clock);
        let grey = f64::from(n % 100) / 100.0;
        cairo.set_source_rgb(grey, grey, grey);
        cairo.rectangle(0.0, 0.0, width.into(), height.into());
        cairo.fill().expect("a picture");
    });
    let warm = Cell::new(0);
    area.add_tick_callback(move |area, _| {
        warm.set(warm.get() + 1);
        if warm.get() == WARM {
            sink.send(Begin(time));
            if mode != Mode::Idle {
                pour(sink, handled.clone());
            }
        }
        area.queue_draw();
        glib::ControlFlow::Continue
    });
    window.present();
}

/// Keeps messages queued, from another thread.
fn pour(sink: Addr<Sink>, handled: Arc<AtomicU64>) {
    thread::spawn(move || {
        let (mut outbox, mut sent) = (Outbox::new(), 0);
        loop {
            while sent < handled.load(Ordering::Relaxed) + QUEUED {
                outbox.send(sink, Water(sent));
                sent += 1;
            }
            outbox.flush();
            thread::sleep(Duration::from_micros(500));
        }
    });
}

fn main() -> glib::ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let mode = match words.first().map(String::as_str) {
        Some("idle") => Mode::Idle,
        Some("flood") => Mode::Flood,
        Some("eager") => Mode::Eager,
        _ => panic!("flood MODE SECONDS"),
    };
    let time = Duration::from_secs(words[1].parse().expect("a number"));
    let program = gtk::Application::new(None::<&str>, gio::ApplicationFlags::NON_UNIQUE);
    program.connect_activate(move |program| open(program, mode, time));
    program.run_with_args::<&str>(&[])
}
