//! The window as the host of a copy.

use std::rc::Rc;
use std::time::Duration;

use mirror_engine::Host;

use crate::session::Session;

/// The window goes on when a copy ends, and shows the tree all the time.
pub struct Guest(Rc<Session>);

impl Guest {
    /// A host for a copy of this session.
    pub fn new(session: Rc<Session>) -> Self {
        Self(session)
    }
}

impl Host for Guest {
    fn tree(&self) -> String {
        let tree = self.0.tree.borrow();
        tree.as_ref().map_or_else(String::new, ToString::to_string)
    }

    /// Nobody waits: a writer that a disk holds is disowned by its supervisor.
    fn quit_within(&self, _: Duration) {}
}
