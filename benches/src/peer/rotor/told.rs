//! An observer that counts.

use std::sync::atomic::{AtomicU64, Ordering};

use rotor_core::{Address, Exit, Late, Lifecycle, Observer, Undeliverable};

/// How often a tree has told of each kind of event.
#[derive(Default)]
pub struct Told {
    changed: Count,
    started: Count,
    restarted: Count,
    exited: Count,
    abnormal: Count,
    auto_shutdown: Count,
    /// What no workload makes.
    others: Count,
}

#[derive(Default)]
struct Count(AtomicU64);

impl Count {
    fn one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Told {
    /// Whether that is what a workload makes: actors that all end, and start again if they have failed.
    ///
    /// # Panics
    /// If not.
    pub fn check(&self) {
        let exits = self.exited.value();
        assert!(exits > 0);
        assert_eq!(self.started.value(), exits);
        assert!(self.changed.value() >= 3 * exits);
        assert_eq!(self.restarted.value(), self.abnormal.value());
        assert_eq!(self.auto_shutdown.value(), 1);
        assert_eq!(self.others.value(), 0);
    }
}

impl Observer for Told {
    fn undelivered(&self, _: &Undeliverable) {
        self.others.one();
    }

    fn changed(&self, _: Address, _: &str, _: Lifecycle) {
        self.changed.one();
    }

    fn restarted(&self, _: Address, _: &str, _: u32) {
        self.restarted.one();
    }

    fn started(&self, _: Address, _: &str, _: u64) {
        self.started.one();
    }

    fn start_failed(&self, _: Address, _: &str, _: &Exit) {
        self.others.one();
    }

    fn start_ignored(&self, _: Address, _: &str) {
        self.others.one();
    }

    fn gave_up(&self, _: Address, _: &str, _: Address, _: &str) {
        self.others.one();
    }

    fn escalated(&self, _: Address, _: &str, _: Address, _: &str) {
        self.others.one();
    }

    fn auto_shutdown(&self, _: Address, _: &str) {
        self.auto_shutdown.one();
    }

    fn registered(&self, _: Address, _: &str) {
        self.others.one();
    }

    fn linked(&self, _: Address, _: Address) {
        self.others.one();
    }

    fn unlinked(&self, _: Address, _: Address) {
        self.others.one();
    }

    fn late(&self, _: &Late) {
        self.others.one();
    }

    fn exited(&self, _: Address, _: &str, exit: &Exit) {
        self.exited.one();
        if exit.is_abnormal() {
            self.abnormal.one();
        }
    }
}
