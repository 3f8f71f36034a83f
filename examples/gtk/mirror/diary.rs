//! Writes down who ended, and why. As the tree's observer it also has messages counted.

use rotor_core::{Address, Exit, Observer};

use crate::log::Line;
use crate::script::Started;
use crate::session::Wiring;

/// Tells the log and the script; called on any loop.
pub struct Diary(Wiring);

impl Diary {
    /// A diary for these.
    pub fn new(wiring: Wiring) -> Self {
        Self(wiring)
    }
}

impl Observer for Diary {
    /// The picture shows them.
    fn wants_counts(&self) -> bool {
        true
    }

    fn started(&self, who: Address, _: &str, _: u64) {
        self.0.script.send(Started(who));
    }

    fn start_failed(&self, _: Address, name: &str, exit: &Exit) {
        self.0
            .log
            .send(Line(format!("{name} could not start: {exit}")));
    }

    fn gave_up(&self, _: Address, name: &str, _: Address, child: &str) {
        self.0
            .log
            .send(Line(format!("{name} gave up: {child} crashes too often")));
    }

    fn exited(&self, _: Address, name: &str, exit: &Exit) {
        self.0.log.send(Line(format!("{name} ended: {exit}")));
    }
}
