//! A flag that many threads set, and that one takes.
//!
//! This file uses nothing else of the crate, so that a loom model can include it, as it does
//! `entrance.rs`.

#[cfg(all(rotor_loom, test))]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(all(rotor_loom, test)))]
use std::sync::atomic::{AtomicBool, Ordering};

/// Whoever takes it sees what was done before each time that it was set until then.
#[derive(Debug)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn new(set: bool) -> Self {
        Flag(AtomicBool::new(set))
    }

    /// Sets it. Any thread.
    pub(crate) fn set(&self) {
        if cfg!(rotor_mutant = "no_flag_set_swap") {
            return self.0.store(true, Ordering::Release);
        }
        // A swap, not a store: a store in the place of another thread's would hide that one from the swap
        // in `take`, and with it what that thread has done. Pairs with that swap.
        self.0.swap(true, Ordering::Release);
    }

    /// Whether it is set, as far as this thread knows: a plain load.
    #[inline(always)]
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes it. True if it was set.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        if cfg!(rotor_mutant = "no_flag_take_swap") {
            self.0.store(false, Ordering::Release);
            return true;
        }
        let order = match cfg!(rotor_mutant = "no_flag_acquire") {
            true => Ordering::Relaxed,
            false => Ordering::Acquire, // pairs with the swap in `set`
        };
        self.is_set() && self.0.swap(false, order)
    }
}
