//! Ends of clients that made way for services of the same supervisor, or failed with them.
//!
//! Such an end, if a restart follows from it, is reported when those services run again, are down, or have
//! failed a restart, but for one into a loop that is lost: started again before, the client would wait for
//! them, and their start for the client's. Meanwhile other events go on. A client that the supervisor stops for
//! another reason has ended already: the order to stop is answered with its end. One that has overrun its limit
//! does not wait. A restart that has failed because of services which do not run is tried again when they are
//! over their own restarts: before, it could but fail, and count.

use std::collections::{HashSet, VecDeque};

use smallvec::SmallVec;

use crate::decision::Decision;
use crate::exit::Exit;
use crate::fixed_map::FixedMap;
use crate::strategy::{ChildId, Family, RowState};

/// The end of an instance of a child, or the attempt that follows a failed one.
pub(crate) struct Early {
    pub(crate) child: ChildId,
    pub(crate) incarnation: u64,
    /// Its exit, and what the supervising actor says to it; none of an attempt.
    pub(crate) end: Option<(Exit, Decision)>,
}

/// Services, as children of the supervisor of their client: few have more than one that ends at a time.
pub(crate) type Siblings = SmallVec<[ChildId; 2]>;

/// Those that wait, of one supervisor.
#[derive(Default)]
pub(crate) struct Waiting {
    /// With how many services each waits for.
    ends: FixedMap<ChildId, (Early, usize)>,
    /// The clients of each service, and their incarnations. Some may have been taken.
    clients: FixedMap<ChildId, Vec<(ChildId, u64)>>,
    /// Those that wait no more, and are to be reported.
    due: VecDeque<Early>,
    /// Somebody reports them.
    reporting: bool,
}

/// Whether a service [is settled](Family::is_settled), and the next attempt to start it is not put off.
pub(crate) fn is_settled(waiting: Option<&Waiting>, family: &Family, service: ChildId) -> bool {
    let row = family.row(service);
    let put_off = |waiting: &Waiting| waiting.is_put_off(service, row.incarnation);
    let is_put_off = row.state == RowState::Restarting && waiting.is_some_and(put_off);
    family.is_settled(service) && !is_put_off
}

impl Waiting {
    pub(crate) fn add(&mut self, early: Early, services: &[ChildId]) {
        for service in services {
            let clients = self.clients.entry(*service).or_default();
            clients.push((early.child, early.incarnation));
        }
        self.ends.insert(early.child, (early, services.len()));
    }

    /// Services run again, or are down. Those that wait for nothing else are due, declared ones in start
    /// order.
    pub(crate) fn settle(&mut self, services: impl Iterator<Item = ChildId>) {
        let clients = services.filter_map(|service| self.clients.remove(&service));
        let mut clients: Vec<_> = clients.flatten().collect();
        clients.sort_unstable();
        for (client, incarnation) in clients {
            let Some((early, left)) = self.ends.get_mut(&client) else {
                continue;
            };
            if early.incarnation == incarnation {
                *left -= 1;
                if *left == 0 {
                    let due = self.ends.remove(&client);
                    self.due.extend(due.map(|(early, _)| early));
                }
            }
        }
    }

    /// The end of a client that waits, and is not waited for any more.
    pub(crate) fn take(&mut self, client: ChildId, incarnation: u64) -> Option<Exit> {
        let (early, _) = self.ends.get_mut(&client)?;
        let (exit, _) = early.end.take_if(|_| early.incarnation == incarnation)?;
        self.ends.remove(&client);
        Some(exit)
    }

    /// Whether the end of this instance of a client waits.
    pub(crate) fn has_ended(&self, client: ChildId, incarnation: u64) -> bool {
        let waits = self.ends.get(&client);
        waits.is_some_and(|(early, _)| early.end.is_some() && early.incarnation == incarnation)
    }

    /// Who waits.
    pub(crate) fn all(&self) -> impl Iterator<Item = ChildId> {
        self.ends.keys().copied()
    }

    /// Whether the next attempt to start a client waits.
    pub(crate) fn is_put_off(&self, client: ChildId, incarnation: u64) -> bool {
        let waits = self.ends.get(&client);
        waits.is_some_and(|(early, _)| early.end.is_none() && early.incarnation == incarnation)
    }

    /// A client is not started again.
    pub(crate) fn call_off(&mut self, client: ChildId) {
        self.ends.remove(&client);
    }

    /// Whether a client that waits does so for another child, or for one that does.
    pub(crate) fn is_behind(&self, family: &Family, client: ChildId, child: ChildId) -> bool {
        if !self.ends.contains_key(&client) {
            return false; // as most
        }
        // A pass may have come to one that waited for its next attempt.
        let waits = |early: &Early| {
            let row = family.row(early.child);
            let restarts = row.state == RowState::Restarting;
            early.end.is_some() || restarts && row.incarnation == early.incarnation
        };
        let (mut found, mut seen) = (vec![child], HashSet::from([child]));
        while let Some(service) = found.pop() {
            for (behind, incarnation) in self.clients.get(&service).into_iter().flatten() {
                let early = self.ends.get(behind).map(|(early, _)| early);
                let early = early.filter(|early| early.incarnation == *incarnation);
                if early.is_some_and(waits) && seen.insert(*behind) {
                    found.push(*behind);
                }
            }
        }
        seen.contains(&client)
    }

    /// Whether the caller is to report those that are due: nobody does so far.
    pub(crate) fn is_due(&mut self) -> bool {
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
        let ends = self.ends.into_values().map(|(early, _)| early);
        let ends = ends.chain(self.due).filter_map(|early| early.end);
        ends.map(|(exit, _)| exit)
    }
}
