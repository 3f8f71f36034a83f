//! What the tests share.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use glib::{ControlFlow, MainContext, MainLoop, Priority};
use rotor_core::*;
use rotor_glib::GlibLoop;

#[path = "../../../tests/shared.rs"]
mod shared;

pub use shared::*;

/// A doer as a guest of a context, and a loop for that, which is quit when the doer has ended.
pub fn guest(context: &MainContext) -> (App, Addr<Doer>, MainLoop) {
    let guest = GlibLoop::attach_to(context).unwrap();
    let a = guest.locality().reserve();
    let app = guest.start(only(doer(a))).unwrap();
    let main_loop = main_loop(context);
    quit_at_end(&app, &main_loop);
    (app, a, main_loop)
}

/// Calls `f` in the context's loop, once, when nothing else is to be done there.
pub fn when_idle(context: &MainContext, f: impl FnOnce() + Send + 'static) {
    let mut f = Some(f);
    let once = move || {
        f.take().expect("called once")();
        ControlFlow::Break
    };
    glib::idle_source_new(None, Priority::DEFAULT_IDLE, once).attach(Some(context));
}

/// A loop for a context.
pub fn main_loop(context: &MainContext) -> MainLoop {
    MainLoop::new(Some(context), false)
}

/// Quits a main loop once the tree has ended.
pub fn quit_at_end(app: &App, main_loop: &MainLoop) {
    let main_loop = main_loop.clone();
    app.on_exit(move |_| main_loop.quit());
}

/// Runs the context's loop for a time; how often it went round.
pub fn rounds(context: &MainContext, open: Duration) -> u32 {
    let closed = Arc::new(AtomicBool::new(false));
    let close = closed.clone();
    let close = move || {
        close.store(true, Ordering::Relaxed);
        ControlFlow::Break
    };
    glib::timeout_source_new(open, None, Priority::DEFAULT, close).attach(Some(context));
    let mut rounds = 0;
    while !closed.load(Ordering::Relaxed) {
        context.iteration(true);
        rounds += 1;
    }
    rounds
}

/// Whether nobody owns a context, so that another thread can have it.
pub fn is_free(context: MainContext) -> bool {
    let other = std::thread::spawn(move || context.acquire().is_ok());
    other.join().unwrap()
}
