//! Holds: what keeps a start or a stop from completing.

use std::fmt;

use crate::gate::Gate;
use crate::locality::{Control, Local};

/// Keeps the start or the stop of an instance open until it is dropped, under the child's limit.
///
/// Made by [`Context::hold`](crate::Context::hold). `Send`: it may be dropped on any thread. It
/// belongs to one instance, and means nothing to the next one.
#[must_use = "dropping it lets the start or the stop complete"]
pub struct Hold {
    gate: &'static Gate,
    slot: u32,
    serial: u64,
}

impl Hold {
    pub(crate) fn new(here: &Local, slot: u32, why: &'static str) -> Self {
        let id = here.things.borrow_mut().serial();
        here.seat(slot, |seat| {
            seat.holds.push((id, why));
        });
        Hold {
            gate: here.gate,
            slot,
            serial: id,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        Control::post(
            self.gate,
            Control::Release {
                slot: self.slot,
                serial: self.serial,
            },
        );
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}
