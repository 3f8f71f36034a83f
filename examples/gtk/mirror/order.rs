//! What people can ask for, by buttons, menus and keys. All of it only sends.

use std::rc::Rc;
use std::time::Duration;

use gtk::prelude::*;
use gtk::{gio, glib};
use rotor_core::RestartChild;

use crate::chooser::Choose;
use crate::controls::Go;
use crate::hand::{Deed, HAND};
use crate::session::{Folder, Session};

/// The actions of the window, with their keys.
pub fn connect(program: &gtk::Application, session: &Rc<Session>) {
    let (widgets, wiring) = (&session.widgets, session.wiring);
    let add = |name: &str, keys: &[&str], ask: Box<dyn Fn()>| {
        let action = gio::SimpleAction::new(name, None);
        action.connect_activate(move |_, _| ask());
        widgets.window.add_action(&action);
        program.set_accels_for_action(&format!("win.{name}"), keys);
    };
    for (name, key, go) in [
        ("start", "<Control>s", Go::Start),
        ("pause", "<Control>p", Go::Pause),
        ("cancel", "<Control>e", Go::Cancel),
    ] {
        add(name, &[key], Box::new(move || wiring.controls.send(go)));
    }
    for (name, key, deed) in [
        ("crash", "<Control>k", Deed::Crash),
        ("restart", "<Control>r", Deed::Restart),
        ("stop", "<Control>t", Deed::Stop),
    ] {
        let session = session.clone();
        add(name, &[key], Box::new(move || give(deed, &session)));
    }
    widgets.enable_deeds(false); // nobody is chosen
    program.set_accels_for_action("window.close", &["<Control>w", "<Control>q"]);
    for (button, folder) in [
        (&widgets.choose_source, Folder::Source),
        (&widgets.choose_target, Folder::Target),
    ] {
        button.connect_clicked(move |_| wiring.chooser.send(Choose(folder)));
    }
}

/// Gives the hand something to do. If it was stopped, it is started again first: nobody else could.
fn give(deed: Deed, session: &Session) {
    let hand = session.wiring.hand;
    if let (Err(_), Some(app)) = (hand.try_send(deed), session.app.get()) {
        let start = app
            .root()
            .admin()
            .ask(RestartChild::named(HAND), Duration::MAX);
        glib::spawn_future_local(async move {
            let _ = start.await; // a failure is in the log
            hand.send(deed);
        });
    }
}
