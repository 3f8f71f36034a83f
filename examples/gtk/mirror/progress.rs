//! The progress: of each file and of all.

use std::rc::Rc;

use gtk::glib;
use gtk::prelude::*;
use mirror_engine::{Fuse, Moving, Role, Show, Snapshot, Strike, Up};
use rotor_core::{Actor, Context, Handler, Result};

use crate::log::Line;
use crate::session::Session;

/// Draws how far a copy is.
pub struct Progress {
    session: Rc<Session>,
    fuse: Fuse,
}

impl Progress {
    /// The progress of a copy that may be under way.
    pub fn new(session: Rc<Session>) -> Self {
        Self {
            session,
            fuse: Fuse::default(),
        }
    }

    /// Draws what all files have in place, and those on their way.
    fn overall(&self, now: &Snapshot, files: &[Moving]) {
        let widgets = &self.session.widgets;
        let moved = files.iter().map(|file| file.moved).sum::<u64>();
        let bytes = now.totals.bytes + moved;
        let all = now.found_bytes.max(bytes);
        let part = if all == 0 {
            0.0
        } else {
            bytes as f64 / all as f64
        };
        widgets.overall.set_fraction(part.clamp(0.0, 1.0));
        let more = if now.walked { "" } else { " or more" };
        widgets.overall.set_text(Some(&format!(
            "{} files, {} of {}{more}, {} failed, {} restarts",
            now.totals.files(),
            glib::format_size(bytes),
            glib::format_size(all),
            now.totals.failed,
            now.restarts,
        )));
    }

    fn files(&self, files: &[Moving]) {
        let mut files = files.iter();
        for bar in &self.session.widgets.files {
            let file = files.next();
            bar.set_visible(file.is_some());
            if let Some(file) = file {
                let part = file.moved as f64 / file.size.max(1) as f64;
                bar.set_fraction(part.clamp(0.0, 1.0));
                bar.set_text(Some(&file.path.to_string_lossy()));
            }
        }
    }
}

impl Actor for Progress {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        if let Some(run) = &*self.session.run.borrow() {
            run.wiring.plan().send(Up(Role::Progress));
        }
        self.files(&[]);
        if let Some(now) = self.session.snapshot.get() {
            self.overall(&now, &[]);
        }
        Ok(())
    }
}

impl Handler<Show> for Progress {
    fn handle(&mut self, Show { now, files, lines }: Show, _: &mut Context<Self>) {
        for line in lines {
            self.session.wiring.log.send(Line(line));
        }
        // Kept first: it may be the last one, and this instance may not come to draw it.
        self.session.snapshot.set(Some(now));
        self.fuse.burn(Role::Progress, "before it draws");
        self.overall(&now, &files);
        self.files(&files);
        self.session.changed();
    }
}

impl Handler<Strike> for Progress {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        self.fuse.light(strike, Role::Progress);
    }
}
