//! What people can ask for, by buttons, menus and keys. All of it only sends.

use gtk::gio;
use gtk::prelude::*;

use crate::chooser::Choose;
use crate::controls::Go;
use crate::hand::Deed;
use crate::session::{Folder, Wiring};
use crate::widgets::Widgets;

/// The actions of the window, with their keys.
pub fn connect(program: &gtk::Application, widgets: &Widgets, wiring: Wiring) {
    let (controls, chooser, hand) = (wiring.controls, wiring.chooser, wiring.hand);
    let add = |name: &str, keys: &[&str], send: Box<dyn Fn()>| {
        let action = gio::SimpleAction::new(name, None);
        action.connect_activate(move |_, _| send());
        widgets.window.add_action(&action);
        program.set_accels_for_action(&format!("win.{name}"), keys);
    };
    add(
        "start",
        &["<Control>s"],
        Box::new(move || controls.send(Go::Start)),
    );
    add(
        "pause",
        &["<Control>p"],
        Box::new(move || controls.send(Go::Pause)),
    );
    add(
        "cancel",
        &["<Control>e"],
        Box::new(move || controls.send(Go::Cancel)),
    );
    add(
        "crash",
        &["<Control>k"],
        Box::new(move || hand.send(Deed::Crash)),
    );
    add(
        "restart",
        &["<Control>r"],
        Box::new(move || hand.send(Deed::Restart)),
    );
    add(
        "stop",
        &["<Control>t"],
        Box::new(move || hand.send(Deed::Stop)),
    );
    widgets.enable_deeds(false); // nobody is chosen
    program.set_accels_for_action("window.close", &["<Control>w", "<Control>q"]);
    widgets
        .choose_source
        .connect_clicked(move |_| chooser.send(Choose(Folder::Source)));
    widgets
        .choose_target
        .connect_clicked(move |_| chooser.send(Choose(Folder::Target)));
}
