//! The wake of a future: remembered while nobody waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

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
        // A clone, and a drop, are foreign code.
        let new = waker.clone();
        let old = slot().replace(new);
        drop(old);
    }

    /// Takes the note that somebody has called.
    pub(crate) fn take(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Bell {
    fn wake(&self) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        // Cloned out: a waker is foreign code and runs with nothing locked.
        let waker = self
            .waker
            .lock()
            .expect("no foreign code under this lock")
            .clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
