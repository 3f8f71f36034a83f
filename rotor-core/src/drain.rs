//! Draining: a stop behind what is queued.

use std::time::Duration;

use crate::address::Address;
use crate::exit::Exit;
use crate::locality::Local;
use crate::slot::State;
use crate::things::{Body, Key};
use crate::timer::nanos;

/// How far the drain of an actor has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drain {
    No,
    /// It handles what is queued. What comes now is for the next instance, or for nobody.
    Begun,
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

    /// All that was queued when the drain began has been taken out.
    pub(crate) fn drained(&self, to: Address) {
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
