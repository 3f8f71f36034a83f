//! Ends of clients that made way for a service of the same supervisor.
//!
//! Such an end is reported after that of the service: started again before, the client would wait for the
//! service, and the start of that for the client's. Meanwhile other events go on. A client that the
//! supervisor stops for another reason has ended already: it is reported then.

use std::collections::VecDeque;

use crate::exit::Exit;
use crate::fixed_map::FixedMap;
use crate::strategy::{ChildId, Stops};

/// The end of a client that made way for its service: of a child, because of another one.
pub(crate) struct Early {
    pub(crate) child: ChildId,
    pub(crate) incarnation: u64,
    pub(crate) exit: Exit,
    pub(crate) service: ChildId,
}

/// Those that wait, of one supervisor.
#[derive(Default)]
pub(crate) struct Waiting {
    ends: FixedMap<ChildId, Early>,
    /// The clients of each service.
    clients: FixedMap<ChildId, Vec<ChildId>>,
    /// Those that wait no more, and are to be reported.
    due: VecDeque<Early>,
    /// Somebody reports them.
    reporting: bool,
}

impl Waiting {
    pub(crate) fn add(&mut self, early: Early) {
        let clients = self.clients.entry(early.service).or_default();
        clients.push(early.child);
        self.ends.insert(early.child, early);
    }

    /// Lets those go whose service has ended, and those that are to be stopped: declared ones in start
    /// order. Whether the caller is to report them: nobody does so far.
    pub(crate) fn let_go(&mut self, ended: Option<ChildId>, stops: Stops) -> bool {
        let before = self.due.len();
        match stops {
            Stops::Nobody => {}
            Stops::One(child) => self.due.extend(self.ends.remove(&child)),
            // To look at what has been emptied takes as long as what was there.
            Stops::Many if self.ends.is_empty() => {}
            Stops::Many => {
                self.due.extend(self.ends.drain().map(|(_, early)| early));
                self.clients.clear();
            }
        }
        let clients = ended.and_then(|service| self.clients.remove(&service));
        for client in clients.into_iter().flatten() {
            let is_so = |early: &Early| Some(early.service) == ended;
            if self.ends.get(&client).is_some_and(is_so) {
                self.due.extend(self.ends.remove(&client));
            }
        }
        let mut due: Vec<_> = self.due.drain(before..).collect();
        due.sort_unstable_by_key(|early| early.child);
        self.due.extend(due);
        !self.due.is_empty() && !std::mem::replace(&mut self.reporting, true)
    }

    /// The next one to be reported.
    pub(crate) fn next(&mut self) -> Option<Early> {
        let next = self.due.pop_front();
        self.reporting = next.is_some();
        next
    }

    /// Whether none is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.ends.is_empty()
    }

    /// Nobody waits for them any more.
    pub(crate) fn into_exits(self) -> impl Iterator<Item = Exit> {
        let ends = self.ends.into_values().chain(self.due);
        ends.map(|early| early.exit)
    }
}
