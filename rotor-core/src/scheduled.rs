//! Whether a poll of a task is on its way.
//!
//! This file uses nothing else of the crate, so that a loom model can include it, as it does
//! `entrance.rs`.

#[cfg(all(rotor_loom, test))]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(all(rotor_loom, test)))]
use std::sync::atomic::{AtomicBool, Ordering};

/// Set from the first wake to the poll that answers it.
pub(crate) struct Scheduled(AtomicBool);

impl Scheduled {
    /// A poll is on its way already.
    pub(crate) fn new() -> Self {
        Scheduled(AtomicBool::new(true))
    }

    /// A waker asks for a poll. True if none is on its way: then the caller sends one.
    pub(crate) fn ask(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// The poll begins: the future sees all that was done before it was asked for, and whoever asks
    /// from now on gets another one.
    pub(crate) fn begin(&self) {
        if cfg!(rotor_mutant = "no_poll_swap") {
            self.0.store(false, Ordering::Release);
            return;
        }
        // A swap, not a store: a store may come to the notice of wakers after the future's first
        // look, and a wake in between would be taken for one that this poll answers.
        self.0.swap(false, Ordering::AcqRel);
    }
}
