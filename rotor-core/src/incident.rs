//! Failures and the messages they came with.

use crate::exit::Exit;
use crate::fixed_map::FixedMap;
use crate::here::Caught;
use crate::locality::Local;

/// Message types that are counted for one actor; a further one takes the place of the rarest.
const KINDS: usize = 8;

/// How often each actor has failed on which types of messages. Empty while nobody fails.
#[derive(Default)]
pub(crate) struct Incidents {
    by_slot: FixedMap<u32, Vec<(&'static str, u32)>>,
}

impl Incidents {
    /// Counts a failure; how many that makes.
    fn count(&mut self, slot: u32, message: &'static str) -> u32 {
        let kinds = self.by_slot.entry(slot).or_default();
        let at = match kinds.iter().position(|(known, _)| *known == message) {
            Some(at) => at,
            None if kinds.len() < KINDS => {
                kinds.push((message, 0));
                kinds.len() - 1
            }
            None => {
                let rarest = (0..KINDS).min_by_key(|&at| kinds[at].1).unwrap_or(0);
                kinds[rarest] = (message, 0);
                rarest
            }
        };
        kinds[at].1 = kinds[at].1.saturating_add(1);
        kinds[at].1
    }

    /// The actor in a slot is gone for good.
    pub(crate) fn forget(&mut self, slot: u32) {
        if !self.by_slot.is_empty() {
            self.by_slot.remove(&slot);
        }
    }
}

impl Local {
    /// The exit of an instance whose code has panicked in a slice.
    pub(crate) fn panicked(&self, slot: u32, caught: Caught) -> Exit {
        let exit = Exit::panicked(caught);
        let Some(message) = self.handling.take() else {
            return exit;
        };
        let message = message();
        // A failure that it has said in the same handler has been counted.
        let (name, said) = self.seat(slot, |seat| (seat.name.to_cow(), seat.exit.clone()));
        let of_this = |said: &Exit| {
            let incident = said.incident().filter(|one| one.message == Some(message));
            incident.map(|one| one.times)
        };
        match said.and_then(|said| Some((of_this(&said)?, said))) {
            None => self.exit_on(slot, message, exit),
            Some((times_so_far, said)) => exit.on(message, times_so_far).because(name, said),
        }
    }

    /// The exit of an instance that fails by itself, in a handler or a hook: with the message that it
    /// handles.
    #[cold]
    pub(crate) fn fail(&self, slot: u32, exit: Exit) {
        let message = self.handling.get().or_else(|| self.running_message());
        // The first reason wins: a second one is not counted.
        let first = self.seat(slot, |seat| seat.exit.is_none());
        self.exit_after(
            slot,
            match message.filter(|_| first) {
                None => exit,
                Some(message) => self.exit_on(slot, message(), exit),
            },
        );
    }

    fn exit_on(&self, slot: u32, message: &'static str, exit: Exit) -> Exit {
        let times = self.incidents.borrow_mut().count(slot, message);
        exit.on(message, times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_that_fail_most_are_kept() {
        let mut incidents = Incidents::default();
        for _ in 0..3 {
            incidents.count(1, "often");
        }
        for _ in 0..2 {
            for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
                incidents.count(1, name);
            }
        }
        assert_eq!(incidents.count(1, "often"), 4);
        assert_eq!(incidents.by_slot[&1].len(), KINDS);
        assert_eq!(
            incidents.count(2, "often"),
            1,
            "each actor has counts of its own"
        );
        incidents.forget(1);
        assert_eq!(incidents.count(1, "often"), 1);
    }
}
