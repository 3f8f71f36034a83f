//! The loops that the actors run on.

use rotor_core::{AutoShutdown, Exit, Locality, Supervisor, ThreadLoop};

/// A loop, with the verbs that all backends share.
pub trait Host: Sized {
    /// A loop for this thread.
    fn here() -> Self;

    /// The locality that the loop drives.
    fn locality(&self) -> Locality;

    /// Runs a tree on this thread until it has ended.
    fn run(self, tree: Supervisor) -> Exit;

    /// A further loop on a thread of its own.
    fn elsewhere() -> Locality;
}

impl Host for ThreadLoop {
    fn here() -> Self {
        ThreadLoop::new()
    }

    fn locality(&self) -> Locality {
        ThreadLoop::locality(self).clone()
    }

    fn run(self, tree: Supervisor) -> Exit {
        ThreadLoop::run(self, tree).expect("a sound tree")
    }

    fn elsewhere() -> Locality {
        ThreadLoop::spawn("elsewhere").expect("a thread")
    }
}

/// The root of every tree: ends when its significant child, the referee, does.
pub fn root() -> Supervisor {
    Supervisor::one_for_one("bench").auto_shutdown(AutoShutdown::Any)
}
