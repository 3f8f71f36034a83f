//! `mirror-gtk`: the window for mirror. One supervision tree over GTK's own loop and the loops of
//! the copy; what crashes is restarted in the running window, and the copy goes on.
//!
//! ```text
//! mirror-gtk (GTK)
//! ├─ window (GTK)       log  picture  progress  controls  chooser  script
//! ├─ hand (GTK)         does what is asked for: crash, restart, stop
//! ├─ eye (thread)       lens: takes a picture of this tree, ten times a second at most
//! └─ mirror (GTK)       while a copy runs: the tree of the program mirror
//! ```

mod chooser;
mod controls;
mod diary;
mod guest;
mod hand;
mod lens;
mod log;
mod order;
mod picture;
mod progress;
mod row;
mod script;
mod session;
mod step;
mod style;
mod widgets;
mod words;

use std::error::Error;
use std::panic;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gtk::prelude::*;
use gtk::{gio, glib};
use mirror_engine::told_to_end;
use rotor_core::{Child, Supervisor, ThreadLoop, install_panic_hook};
use rotor_glib::GlibLoop;

use crate::chooser::Chooser;
use crate::controls::Controls;
use crate::diary::Diary;
use crate::hand::{HAND, Hand};
use crate::lens::Lens;
use crate::log::Log;
use crate::picture::Picture;
use crate::progress::Progress;
use crate::script::Script;
use crate::session::Session;
use crate::widgets::Widgets;
use crate::words::{Wanted, Words};

/// What views say that are told to crash.
const ASKED: &str = "asked to crash";

/// Crashes of views that are borne: nobody clicks that often, and a view that cannot start any more
/// is given up after a moment.
const BORNE: (u32, Duration) = (5_000, Duration::from_secs(10));

fn main() -> ExitCode {
    let words = match Words::parse(std::env::args_os().skip(1)) {
        Ok(Wanted::Run(words)) => words,
        Ok(Wanted::Say(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(text) => {
            eprintln!("mirror-gtk: {text} (see mirror-gtk --help)");
            return ExitCode::from(2);
        }
    };
    hush();
    install_panic_hook();
    let program = gtk::Application::new(None::<&str>, gio::ApplicationFlags::NON_UNIQUE);
    let failed = Arc::new(AtomicBool::new(false));
    let fail = failed.clone();
    program.connect_activate(move |program| {
        if let Err(e) = open(program, &words, &fail) {
            eprintln!("mirror-gtk: {e}");
            fail.store(true, Ordering::Relaxed);
            program.quit();
        }
    });
    let code = program.run_with_args::<&str>(&[]);
    if failed.load(Ordering::Relaxed) {
        return ExitCode::FAILURE;
    }
    code.into()
}

/// Crashes that were asked for are in the log; all others are printed as well.
fn hush() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let text = info.payload_as_str().unwrap_or_default();
        if text != ASKED && !text.starts_with("chaos: ") {
            print(info);
        }
    }));
}

/// Builds the window and the tree behind it. `failed` is set if that gives up.
fn open(
    program: &gtk::Application,
    words: &Words,
    failed: &Arc<AtomicBool>,
) -> Result<(), Box<dyn Error>> {
    let widgets = Widgets::new(program);
    let (ui, eye) = (GlibLoop::attach()?, ThreadLoop::spawn("eye")?);
    let here = ui.locality();
    let wiring = session::Wiring {
        controls: here.reserve(),
        chooser: here.reserve(),
        progress: here.reserve(),
        picture: here.reserve(),
        log: here.reserve(),
        script: here.reserve(),
        hand: here.reserve(),
        lens: eye.reserve(),
    };
    let session = Rc::new(Session::new(words, widgets.clone(), wiring, failed.clone()));
    let seen = Arc::new(OnceLock::new());

    let views = Supervisor::one_for_one("window").intensity(BORNE.0, BORNE.1);
    let views = views
        .child(view("log", &session, Log::new).at(wiring.log))
        .child(view("picture", &session, Picture::new).at(wiring.picture))
        .child(view("progress", &session, Progress::new).at(wiring.progress))
        .child(view("controls", &session, Controls::new).at(wiring.controls))
        .child(view("chooser", &session, Chooser::new).at(wiring.chooser))
        .child(view("script", &session, Script::new).at(wiring.script));
    let app_seen = seen.clone();
    let tree = Supervisor::one_for_one("mirror-gtk")
        .intensity(BORNE.0, BORNE.1)
        .observer(Arc::new(Diary::new(wiring)))
        .child(views)
        .child(view(HAND, &session, Hand::new).at(wiring.hand))
        .child(Supervisor::one_for_one("eye").on(&eye, move |s| {
            let (app, picture) = (app_seen.clone(), wiring.picture.to());
            s.child(Child::new("lens", move || Lens::new(app.clone(), picture)).at(wiring.lens))
        }));
    drop(eye);
    let app = ui.start(tree)?;
    let _ = (session.app.set(app.clone()), seen.set(app.clone()));
    let failed = failed.clone();
    app.on_exit(move |exit| {
        if exit.is_failure() {
            eprintln!("mirror-gtk: gave up: {exit}");
            failed.store(true, Ordering::Relaxed);
        }
        gio::Application::default().expect("it runs").quit();
    });

    order::connect(program, &session);
    let style = style::follow_desktop();
    let (told, end) = (told_to_end()?, app.clone());
    glib::spawn_future_local(async move {
        told.await;
        end.shutdown();
    });
    widgets.window.connect_close_request(move |_| {
        let _ = &style; // as long as the window
        app.shutdown(); // the program quits when the tree has ended
        glib::Propagation::Stop
    });
    widgets.window.present();
    Ok(())
}

/// A child that works on the session, which outlives its instances.
fn view<A: rotor_core::Actor>(
    name: &'static str,
    session: &Rc<Session>,
    make: fn(Rc<Session>) -> A,
) -> Child<A> {
    let session = session.clone();
    Child::new(name, move || make(session.clone()))
}
