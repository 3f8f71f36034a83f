//! The log: who ended and why, and what was asked for.

use std::rc::Rc;

use gtk::prelude::*;
use mirror_engine::Strike;
use rotor_core::{Actor, Context, Handler, Result};

use crate::session::Session;

/// Lines that the widget has at most; the oldest go.
const MOST_LINES: i32 = 500;

/// Shows the log.
pub struct Log {
    session: Rc<Session>,
}

/// A line for people.
pub struct Line(pub String);

impl Log {
    /// A log of what happened before, too.
    pub fn new(session: Rc<Session>) -> Self {
        Self { session }
    }

    fn scroll(&self) {
        let view = &self.session.widgets.log;
        let buffer = view.buffer();
        buffer.place_cursor(&buffer.end_iter());
        view.scroll_mark_onscreen(&buffer.get_insert());
    }
}

impl Actor for Log {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.session
            .widgets
            .log
            .buffer()
            .set_text(&self.session.text());
        self.scroll();
        Ok(())
    }
}

impl Handler<Line> for Log {
    fn handle(&mut self, Line(line): Line, _: &mut Context<Self>) {
        println!("log: {line}");
        let buffer = self.session.widgets.log.buffer();
        buffer.insert(&mut buffer.end_iter(), &format!("{line}\n"));
        if buffer.line_count() > MOST_LINES
            && let Some(mut second) = buffer.iter_at_line(1)
        {
            buffer.delete(&mut buffer.start_iter(), &mut second);
        }
        self.session.keep(line);
        self.scroll();
    }
}

impl Handler<Strike> for Log {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}
