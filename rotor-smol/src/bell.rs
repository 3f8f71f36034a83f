//! The wake of a future: remembered while nobody waits.
//!
//! A loom model of core includes this file.

use std::sync::Arc;
#[cfg(not(all(rotor_loom, test)))]
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
use std::task::Waker;

#[cfg(all(rotor_loom, test))]
use loom::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
use rotor_core::Wake;

/// Wakes the pump's task.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Bell {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Notes whom to wake. A wake that came before must be looked for afterwards.
    pub(crate) fn listen(&self, waker: &Waker) {
        let slot = || self.waker.lock().expect("no foreign code under this lock");
        let same = |noted: &Waker| noted.will_wake(waker);
        if slot().as_ref().is_some_and(same) {
            return;
        }
        // A clone, and a drop, are foreign code, which runs with nothing locked.
        let new = waker.clone();
        let old = slot().replace(new);
        drop(old);
    }

    /// Takes the note that somebody has called.
    pub(crate) fn take(&self) -> bool {
        if cfg!(rotor_mutant = "no_future_swap") {
            let rung = self.rung.load(Ordering::Relaxed);
            self.rung.store(false, Ordering::Release);
            return rung;
        }
        self.rung.swap(false, Ordering::AcqRel)
    }

    /// Whom to wake. Taken out, not cloned: the poll that follows notes it again.
    fn noted(&self) -> Option<Waker> {
        let mut waker = self.waker.lock().expect("no foreign code under this lock");
        waker.take()
    }
}

impl Wake for Bell {
    fn wake(&self) {
        let early = cfg!(rotor_mutant = "early_waker").then(|| self.noted());
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(waker) = early.unwrap_or_else(|| self.noted()) {
            waker.wake();
        }
    }
}
