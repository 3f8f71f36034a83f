//! What a cell of wakers says of its task to other threads.
//!
//! This file uses nothing else of the crate but `scheduled.rs`, so that a loom model can include both,
//! as it does `entrance.rs`.

#[cfg(all(rotor_loom, test))]
use loom::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::ptr;
#[cfg(not(all(rotor_loom, test)))]
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::scheduled::Scheduled;

/// Where a wake of the task goes, and whether it is on its way. Written by the owner.
///
/// A stale waker may read it while it is aimed anew, and find a mixture.
pub(crate) struct Aim<G> {
    gate: AtomicPtr<G>,
    /// Slot and generation, as in a header.
    target: AtomicU64,
    serial: AtomicU64,
    scheduled: Scheduled,
}

impl<G> Aim<G> {
    pub(crate) fn new() -> Self {
        Aim {
            gate: AtomicPtr::new(ptr::null_mut()),
            target: AtomicU64::new(0),
            serial: AtomicU64::new(0),
            scheduled: Scheduled::new(),
        }
    }

    /// Aims at the next task, of which no poll is on its way.
    pub(crate) fn set(&self, gate: *mut G, target: u64, serial: u64) {
        if cfg!(rotor_mutant = "early_aim") {
            self.scheduled.begin();
        }
        self.gate.store(gate, Ordering::Relaxed);
        self.target.store(target, Ordering::Relaxed);
        self.serial.store(serial, Ordering::Relaxed);
        if cfg!(rotor_mutant = "early_aim") {
            return;
        }
        // Last: a stale waker that asks from now on takes the place of one of this task, and sees all
        // that.
        self.scheduled.begin();
    }

    /// Its task is over.
    pub(crate) fn clear(&self) {
        self.serial.store(0, Ordering::Relaxed);
        self.gate.store(ptr::null_mut(), Ordering::Relaxed);
    }

    pub(crate) fn gate(&self) -> *mut G {
        self.gate.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn target(&self) -> u64 {
        self.target.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn serial(&self) -> u64 {
        self.serial.load(Ordering::Relaxed)
    }

    /// See [`Scheduled::ask`].
    pub(crate) fn ask(&self) -> bool {
        self.scheduled.ask()
    }

    /// See [`Scheduled::begin`].
    pub(crate) fn begin(&self) {
        self.scheduled.begin();
    }
}
