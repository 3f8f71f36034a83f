//! Faults that a simulation puts into an actor's way.

use std::panic::resume_unwind;

use crate::locality::Local;

/// A panic that waits for an actor. Meanwhile its slot is shut, so that its messages are counted on
/// the cold path and nobody else pays for it.
pub(crate) struct Fault {
    slot: u32,
    /// Which of the coming messages is the one.
    left: u32,
}

impl Local {
    /// Has the actor in a slot panic in the place of its `n`th message from now on.
    pub(crate) fn panic_at(&self, slot: u32, n: u32) {
        self.faults.borrow_mut().push(Fault { slot, left: n });
        self.slots.shut(slot);
    }

    /// Whether faults wait for the actor in a slot.
    pub(crate) fn is_at_risk(&self, slot: u32) -> bool {
        self.faults.borrow().iter().any(|fault| fault.slot == slot)
    }

    /// Lets messages for a slot be handled without a look at its seat, if nothing stands against it.
    pub(crate) fn open(&self, slot: u32) {
        let is_shut = self.is_at_risk(slot) || self.is_metered() || self.is_hooked(slot);
        if !is_shut && !self.is_half_drained(slot) {
            self.slots.open(slot);
        }
    }

    /// Whether a message for a slot that is shut can be handled all the same: the slot is shut for
    /// its faults or its hooks, or so that its messages are counted.
    pub(crate) fn is_free(&self, slot: u32) -> bool {
        self.seat(slot, |seat| seat.is_free())
    }

    /// Counts a message that is about to be handled; drops it and panics if a fault is due.
    pub(crate) fn risk(&self, slot: u32, discard: impl FnOnce()) {
        self.count(slot);
        let mut due = false;
        self.faults.borrow_mut().retain_mut(|fault| {
            if fault.slot == slot {
                fault.left -= 1;
                due |= fault.left == 0;
            }
            fault.left > 0
        });
        if due {
            self.current.set(slot);
            discard();
            resume_unwind(Box::new("a panic of the simulation"));
        }
    }

    /// The actor in a slot is gone for good, and what waits for it.
    pub(crate) fn end_risk(&self, slot: u32) {
        self.faults.borrow_mut().retain(|fault| fault.slot != slot);
    }
}
