//! The chooser: opens the dialogs in which folders are chosen.

use std::path::PathBuf;
use std::rc::Rc;

use gtk::prelude::*;
use mirror_engine::Strike;
use rotor_core::{Actor, Context, Handler, Lane};

use crate::session::{Folder, Session};

/// Has a dialog open, or none.
pub struct Chooser {
    session: Rc<Session>,
    dialog: Option<gtk::FileChooserNative>,
}

/// From the buttons: opens a dialog.
pub struct Choose(pub Folder);

/// From the dialog: nothing if it was cancelled.
struct Chosen(Folder, Option<PathBuf>);

impl Chooser {
    /// A chooser without a dialog.
    pub fn new(session: Rc<Session>) -> Self {
        Self {
            session,
            dialog: None,
        }
    }
}

impl Actor for Chooser {}

/// A dialog does not outlive the instance that is to hear of it, however that ends.
impl Drop for Chooser {
    fn drop(&mut self) {
        if let Some(dialog) = self.dialog.take() {
            dialog.destroy();
        }
    }
}

impl Handler<Choose> for Chooser {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, Choose(folder): Choose, cx: &mut Context<Self>) {
        let dialog = gtk::FileChooserNative::new(
            Some("Choose a folder"),
            Some(&self.session.widgets.window),
            gtk::FileChooserAction::SelectFolder,
            None,
            None,
        );
        dialog.set_modal(true);
        let me = cx.addr();
        dialog.connect_response(move |dialog, response| {
            let accepted = response == gtk::ResponseType::Accept;
            let file = dialog.file().filter(|_| accepted);
            me.send(Chosen(folder, file.and_then(|file| file.path())));
        });
        self.dialog = Some(dialog.clone());
        dialog.show();
        println!("dialog");
    }
}

impl Handler<Chosen> for Chooser {
    fn handle(&mut self, Chosen(folder, path): Chosen, _: &mut Context<Self>) {
        self.dialog = None;
        let Some(path) = path else { return };
        println!("folder: {}", path.display());
        self.session.choose_folder(folder, path);
    }
}

impl Handler<Strike> for Chooser {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}
