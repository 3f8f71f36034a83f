//! `lives MODE`: what ties actors and widgets. `guarded` has closures of all kinds panic, `unguarded`
//! one that nobody guards; `windows` ends actors with windows, and a window with its actor.

mod closures;
mod windows;

use gtk::prelude::*;
use gtk::{gio, glib};

fn main() -> glib::ExitCode {
    let open: fn(&gtk::Application) = match std::env::args().nth(1).as_deref() {
        Some("guarded") => closures::guarded,
        Some("unguarded") => closures::unguarded,
        Some("windows") => windows::open,
        _ => panic!("lives MODE"),
    };
    let program = gtk::Application::new(None::<&str>, gio::ApplicationFlags::NON_UNIQUE);
    program.connect_activate(move |program| {
        std::mem::forget(program.hold()); // the test ends it
        open(program);
    });
    program.run_with_args::<&str>(&[])
}
