//! Whether the loop of a locality is needed by anybody.
//!
//! This file uses nothing else of the crate, so that a loom model can include it, as it does
//! `entrance.rs`.

#[cfg(all(rotor_loom, test))]
use loom::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};
#[cfg(not(all(rotor_loom, test)))]
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};

/// What keeps a loop that hosts. Whoever has placed something, or has given a job, holds the locality as well.
pub(crate) struct Vacancy {
    /// [`FOREVER`], [`HELD`] or [`USED`]; goes up in the life of a gate.
    hosted: AtomicU8,
    /// Live specs that place a subtree here.
    placements: AtomicUsize,
    /// Jobs that have not been run.
    jobs: AtomicUsize,
}

/// The loop does not host: it goes on whatever is placed here.
const FOREVER: u8 = 0;
/// It ends when nobody holds the locality: something is still to be placed.
const HELD: u8 = 1;
/// Something was: it ends when nothing is.
const USED: u8 = 2;

impl Vacancy {
    pub(crate) fn new() -> Self {
        Vacancy {
            hosted: AtomicU8::new(FOREVER),
            placements: AtomicUsize::new(0),
            jobs: AtomicUsize::new(0),
        }
    }

    /// The next life of the gate begins. Nobody holds the locality, so nothing is placed, and no job is left.
    pub(crate) fn renew(&self) {
        self.hosted.store(FOREVER, Ordering::Relaxed);
    }

    /// From now on the loop ends, or detaches, when nobody needs it. On its thread, or before it has one.
    pub(crate) fn host(&self, used: bool) {
        let state = if used { USED } else { HELD };
        let _ = self
            .hosted
            .compare_exchange(FOREVER, state, Ordering::AcqRel, Ordering::Relaxed);
        if !cfg!(rotor_mutant = "no_host_fence") {
            // Pairs with the fence in `is_told`: either the loop sees that the other one has let go of the
            // locality, or that one sees that the loop hosts.
            fence(Ordering::SeqCst);
        }
    }

    /// Whether the loop hosts.
    pub(crate) fn is_hosted(&self) -> bool {
        self.hosted.load(Ordering::Acquire) > FOREVER
    }

    /// Whether the loop is to be told that somebody has let go of the locality.
    pub(crate) fn is_told(&self) -> bool {
        if !cfg!(rotor_mutant = "no_gone_fence") {
            fence(Ordering::SeqCst); // pairs with that in `host`
        }
        self.hosted.load(Ordering::Relaxed) > FOREVER
    }

    /// Something is placed here.
    pub(crate) fn place(&self) {
        self.placements.fetch_add(1, Ordering::AcqRel);
    }

    /// It is not any more. True if it was the last that was.
    pub(crate) fn clear(&self) -> bool {
        let _ = self
            .hosted
            .compare_exchange(HELD, USED, Ordering::AcqRel, Ordering::Relaxed);
        // Pairs with the load in `is_placed`.
        self.placements.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// A job is given.
    pub(crate) fn give(&self) {
        self.jobs.fetch_add(1, Ordering::AcqRel);
    }

    /// It was run, or will not be.
    pub(crate) fn done(&self) {
        self.jobs.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether something is placed here.
    pub(crate) fn is_placed(&self) -> bool {
        self.placements.load(Ordering::Acquire) > 0
    }

    /// Whether nobody needs the loop. Asked by its thread; `unheld`: nobody else holds the locality.
    pub(crate) fn is_vacant(&self, unheld: bool) -> bool {
        let is_idle = || self.jobs.load(Ordering::Acquire) == 0;
        let early = cfg!(rotor_mutant = "early_jobs") && is_idle();
        let used = self.hosted.load(Ordering::Acquire) == USED;
        // Jobs last: whoever has given one may have had something placed here until then.
        (unheld || used) && !self.is_placed() && (early || is_idle())
    }
}
