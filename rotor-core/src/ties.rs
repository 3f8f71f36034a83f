//! What hangs on other localities: the loss of one touches what was there, and nothing else.
//!
//! Whatever has to do with another locality is noted (`notes`): nothing is paid for what is here alone.
//! Requests are not noted, which would be paid by each: see `Things::asked`.

use crate::address::Address;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::locality::Local;
use crate::notes::Notes;
use crate::slot::Parent;
use crate::strategy::ChildId;
use crate::things::Key;

/// What hangs on other localities, by their gates.
pub(crate) type Ties = FixedMap<&'static Gate, Tie>;

/// What hangs on one of them.
#[derive(Default)]
pub(crate) struct Tie {
    /// Its children of parents here, by the parents' slots.
    children: Notes<(u32, ChildId)>,
    /// Slots here whose parents are there.
    subtrees: Notes<u32>,
    /// Monitors of its actors, and links to them.
    things: Notes<Named>,
    /// Its clients of services here, by the services' slots.
    clients: Notes<(u32, Named)>,
    /// Its addresses that are subscribed to here, and those of here that are subscribed to there.
    topics: Notes<Address>,
}

/// A key by its age: its serial, then its index.
type Named = (u64, u32);

fn name(Key { index, serial }: Key) -> Named {
    (serial, index)
}

fn key((serial, index): Named) -> Key {
    Key { index, serial }
}

/// What a note is about.
pub(crate) enum About {
    Child(u32, ChildId),
    Subtree(u32),
    Thing(Key),
    Client(u32, Key),
    Topic(Address),
}

impl Local {
    /// Notes something that has to do with the locality of `gate`, unless that is this one.
    #[inline]
    pub(crate) fn tie(&self, gate: &'static Gate, about: About) {
        if gate != self.gate {
            self.tie_to(gate, about);
        }
    }

    fn tie_to(&self, gate: &'static Gate, about: About) {
        let mut ties = self.ties.borrow_mut();
        let tie = ties.entry(gate).or_default();
        match about {
            About::Child(slot, child) => {
                let is_there = |&(slot, child): &_| self.has_child_at(gate, slot, child);
                tie.children.add((slot, child), is_there);
            }
            About::Subtree(slot) => {
                tie.subtrees
                    .add(slot, |&slot| self.has_parent_at(gate, slot));
            }
            About::Thing(one) => tie.things.add(name(one), |&one| self.has_thing(key(one))),
            About::Client(slot, one) => {
                let is_there = |&(slot, one): &_| self.has_client(slot, gate, key(one));
                tie.clients.add((slot, name(one)), is_there);
            }
            About::Topic(at) => tie.topics.add(at, |&at| self.has_topic(at)),
        }
    }

    fn has_child_at(&self, gate: &Gate, slot: u32, child: ChildId) -> bool {
        self.seat(slot, |seat| {
            let entry = seat.kin.as_mut().and_then(|kin| kin.entry(child));
            entry.is_some_and(|entry| entry.place.gate() == gate)
        })
    }

    pub(crate) fn has_parent_at(&self, gate: &Gate, slot: u32) -> bool {
        self.seat(
            slot,
            |seat| matches!(&seat.parent, Parent::Actor { address, .. } if address.gate() == gate),
        )
    }

    fn has_thing(&self, key: Key) -> bool {
        self.things.borrow().slot_of(key).is_some()
    }

    /// What is noted of a gate, without what has ended.
    fn noted<T: Copy + Ord>(
        &self,
        gate: &'static Gate,
        notes: impl Fn(&mut Tie) -> &mut Notes<T>,
        is_there: impl Fn(&T) -> bool,
    ) -> Vec<T> {
        let mut ties = self.ties.borrow_mut();
        let Some(tie) = ties.get_mut(gate) else {
            return Vec::new();
        };
        notes(tie).sweep(is_there).to_vec()
    }

    /// Children there of parents here, by the parents' slots.
    pub(crate) fn children_at(&self, gate: &'static Gate) -> Vec<(u32, ChildId)> {
        let is_there = |&(slot, child): &_| self.has_child_at(gate, slot, child);
        self.noted(gate, |tie| &mut tie.children, is_there)
    }

    /// Slots here whose parents are there.
    pub(crate) fn subtrees_of(&self, gate: &'static Gate) -> Vec<u32> {
        let is_there = |&slot: &_| self.has_parent_at(gate, slot);
        self.noted(gate, |tie| &mut tie.subtrees, is_there)
    }

    /// Monitors of actors there, and links to them, with serials below a number, in the order in which
    /// they were made.
    pub(crate) fn things_at(&self, gate: &'static Gate, until: u64) -> Vec<Key> {
        let is_there = |&one: &_| self.has_thing(key(one));
        let all = self.noted(gate, |tie| &mut tie.things, is_there);
        let all = all.into_iter().map(key);
        all.filter(|key| key.serial < until).collect()
    }

    /// Clients there of services here, with serials below a number, by the services' slots.
    pub(crate) fn clients_at(&self, gate: &'static Gate, before: u64) -> Vec<(u32, Key)> {
        let is_there = |&(slot, one): &_| self.has_client(slot, gate, key(one));
        let all = self.noted(gate, |tie| &mut tie.clients, is_there);
        let all = all.into_iter().map(|(slot, one)| (slot, key(one)));
        all.filter(|(_, key)| key.serial < before).collect()
    }

    /// Addresses there that are subscribed to here, and those of here that are subscribed to there.
    pub(crate) fn topics_at(&self, gate: &'static Gate) -> Vec<Address> {
        self.noted(gate, |tie| &mut tie.topics, |&at| self.has_topic(at))
    }
}
