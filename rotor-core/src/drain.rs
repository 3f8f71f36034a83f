//! Draining: a stop behind what is queued.

use std::time::Duration;

use crate::address::Address;
use crate::exit::Exit;
use crate::lane::NORMAL;
use crate::locality::{Control, Local};
use crate::slot::State;
use crate::things::{Body, Key};
use crate::timer::nanos;

/// How far the drain of an actor has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drain {
    No,
    /// It handles what is queued. What comes now is for the next instance, or for nobody.
    Begun,
    /// What its locality itself had queued has been taken out, and what came from elsewhere is left.
    Far,
    /// What came from elsewhere has been taken out, and what its locality itself had queued is left.
    Near,
    /// One of both has been taken out, and was parked, or is: what is in the other one will be.
    Half,
    /// Of what was queued, only what is parked for it is left.
    Parked,
}

impl Local {
    /// An actor is to stop soon: it refuses what comes from now on, if nobody is started after it.
    pub(crate) fn begin_drain(&self, to: Address, limit: Duration) {
        let Some(slot) = self.find(to) else { return };
        let begun = self.seat(slot, |seat| {
            let may = !matches!(seat.state, State::Stopping | State::Down | State::Vacant);
            let begun = may && seat.drain == Drain::No;
            if begun {
                seat.drain = Drain::Begun;
            }
            begun && seat.state.has_instance()
        });
        if begun && limit < Duration::MAX {
            let key = self.add_thing(slot, Body::DrainLimit);
            self.things
                .borrow_mut()
                .arm_later(key, nanos(limit), &self.clock);
        }
    }

    /// All has been taken out that was queued when the drain began, in the queue through which this comes. What is
    /// in the other one is still to be handled: a second word, in that one, is the last.
    pub(crate) fn drained(&self, to: Address, last: bool) {
        let far = self.far.get();
        let other_is_empty = match far {
            true => self.lanes[NORMAL].is_empty(),
            false => self.is_lane_empty(NORMAL),
        };
        let Some(slot) = self.find(to).filter(|_| !last) else {
            return self.all_is_drained(to);
        };
        let is_first = self.seat(slot, |seat| match seat.drain {
            // The last word of an earlier order is on its way.
            Drain::Far | Drain::Near | Drain::Half => Some(false),
            Drain::Begun if !other_is_empty => {
                seat.drain = match seat.is_free() {
                    true if far => Drain::Near,
                    true => Drain::Far,
                    false => Drain::Half,
                };
                Some(true)
            }
            _ => None,
        });
        match is_first {
            None => return self.all_is_drained(to),
            Some(false) => return,
            Some(true) => self.slots.shut(slot),
        }
        let word = Control::Drained { to, last: true };
        match far {
            true => Control::post_in(self.gate, NORMAL, word),
            false => Control::post_far(self.gate, NORMAL, word),
        }
    }

    /// Whether a message comes later than those that a drain waits for, through the queue that is run, and will
    /// find nobody. Of an actor that comes back it is handled with the others: it is not lost either way.
    pub(crate) fn is_late(&self, slot: u32) -> bool {
        let far = self.far.get();
        let cut = if far { Drain::Near } else { Drain::Far };
        self.seat(slot, |seat| {
            seat.drain == cut && seat.state == State::Running && !seat.comes_back()
        })
    }

    /// Whether some messages for an actor are late, and others are not.
    pub(crate) fn is_half_drained(&self, slot: u32) -> bool {
        self.seat(slot, |seat| matches!(seat.drain, Drain::Far | Drain::Near))
    }

    /// All that was queued when the drain began has been taken out.
    fn all_is_drained(&self, to: Address) {
        let waits = self.find(to).is_some_and(|slot| {
            self.seat(slot, |seat| {
                let waits = seat.drain != Drain::No && seat.parked.is_some();
                if waits {
                    seat.drain = Drain::Parked;
                }
                waits
            })
        });
        if !waits {
            self.stop_self(to, Exit::shutdown());
        }
    }

    /// Nothing is parked any more for an actor that runs.
    pub(crate) fn unparked(&self, slot: u32) {
        if self.seat(slot, |seat| seat.drain == Drain::Parked) {
            self.stop_self(self.address_of(slot), Exit::shutdown());
        } else {
            self.open(slot);
        }
    }

    /// What is still queued is not handled.
    pub(crate) fn drain_limit_passed(&self, slot: u32, key: Key) {
        drop(self.remove_thing(key, slot));
        self.stop_self(self.address_of(slot), Exit::shutdown());
    }
}
