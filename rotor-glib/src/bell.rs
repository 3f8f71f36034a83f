//! The wake of a main context.
//!
//! A loom model of core includes this file, with a stand-in for the context.

use std::sync::Arc;
#[cfg(not(all(rotor_loom, test)))]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(all(rotor_loom, test)))]
use std::thread::{self, ThreadId};

use glib::MainContext;
#[cfg(all(rotor_loom, test))]
use loom::{
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, ThreadId},
};
use rotor_core::Wake;

/// Wakes the loop of a context.
#[derive(Debug)]
pub(crate) struct Bell {
    rung: AtomicBool,
    /// The source has said that it is not due, and was not asked again: the loop may be about to wait.
    /// Of the owner's thread only.
    waits: AtomicBool,
    context: MainContext,
    owner: ThreadId,
}

impl Bell {
    pub(crate) fn new(context: &MainContext) -> Arc<Self> {
        let (context, owner) = (context.clone(), thread::current().id());
        // Rung from the start: there may be something to do before anybody calls.
        Arc::new(Bell {
            rung: AtomicBool::new(true),
            waits: AtomicBool::new(false),
            context,
            owner,
        })
    }

    pub(crate) fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    pub(crate) fn take(&self) -> bool {
        if cfg!(rotor_mutant = "no_context_swap") {
            self.rung.store(false, Ordering::Release);
            return true;
        }
        self.rung.swap(false, Ordering::AcqRel)
    }

    /// Whether the loop may wait from now on; on the owner's thread. The model has others only.
    #[cfg(not(all(rotor_loom, test)))]
    pub(crate) fn set_waits(&self, waits: bool) {
        self.waits.store(waits, Ordering::Relaxed);
    }

    /// Has the source dispatched once more; on the owner's thread.
    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
    }
}

impl Wake for Bell {
    fn wake(&self) {
        // As a rule the owner's thread looks at the flag before it waits, so no eventfd need be written
        // for a send from a signal handler; but another source may send when it is asked whether it
        // is due, and so may a program between the steps of a loop of its own.
        let first = !self.rung.swap(true, Ordering::AcqRel);
        if first && (thread::current().id() != self.owner || self.waits.load(Ordering::Relaxed)) {
            self.context.wakeup();
        }
    }
}
