//! The loops that the actors run on.

use std::sync::Arc;
use std::time::Duration;

use rotor_core::{AutoShutdown, Exit, Locality, Supervisor, ThreadLoop};
use rotor_glib::GlibLoop;
use rotor_mio::MioLoop;
use rotor_smol::SmolLoop;

use super::told::Told;

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

impl Host for MioLoop {
    fn here() -> Self {
        MioLoop::new().expect("a poll")
    }

    fn locality(&self) -> Locality {
        MioLoop::locality(self).clone()
    }

    fn run(self, tree: Supervisor) -> Exit {
        MioLoop::run(self, tree).expect("a sound tree")
    }

    fn elsewhere() -> Locality {
        MioLoop::spawn("elsewhere").expect("a thread")
    }
}

impl Host for GlibLoop {
    fn here() -> Self {
        GlibLoop::new()
    }

    fn locality(&self) -> Locality {
        GlibLoop::locality(self).clone()
    }

    fn run(self, tree: Supervisor) -> Exit {
        GlibLoop::run(self, tree).expect("a sound tree")
    }

    fn elsewhere() -> Locality {
        GlibLoop::spawn("elsewhere").expect("a thread")
    }
}

impl Host for SmolLoop {
    fn here() -> Self {
        SmolLoop::new()
    }

    fn locality(&self) -> Locality {
        SmolLoop::locality(self).clone()
    }

    fn run(self, tree: Supervisor) -> Exit {
        SmolLoop::run(self, tree).expect("a sound tree")
    }

    fn elsewhere() -> Locality {
        SmolLoop::spawn("elsewhere").expect("a thread")
    }
}

/// A loop that can be told to spin before it parks.
pub trait Spin: Host {
    /// This loop, which spins for up to this long.
    fn spins(self, most: Duration) -> Self;

    /// [`Host::elsewhere`], with a loop that spins.
    fn elsewhere_spins(most: Duration) -> Locality;
}

impl Spin for ThreadLoop {
    fn spins(self, most: Duration) -> Self {
        self.spin(most)
    }

    fn elsewhere_spins(most: Duration) -> Locality {
        ThreadLoop::spawn_with("elsewhere", move |this| this.spin(most)).expect("a thread")
    }
}

impl Spin for MioLoop {
    fn spins(self, most: Duration) -> Self {
        self.spin(most)
    }

    fn elsewhere_spins(most: Duration) -> Locality {
        MioLoop::spawn_with("elsewhere", move |this| this.spin(most)).expect("a thread")
    }
}

/// A loop that spins before it parks.
pub struct Spinning<H>(H);

const MOST: Duration = Duration::from_micros(20);

impl<H: Spin> Host for Spinning<H> {
    fn here() -> Self {
        Spinning(H::here().spins(MOST))
    }

    fn locality(&self) -> Locality {
        self.0.locality()
    }

    fn run(self, tree: Supervisor) -> Exit {
        self.0.run(tree)
    }

    fn elsewhere() -> Locality {
        H::elsewhere_spins(MOST)
    }
}

/// A loop whose tree has an observer, which counts all that it is told.
pub struct Observed<H>(H);

impl<H: Host> Host for Observed<H> {
    fn here() -> Self {
        Observed(H::here())
    }

    fn locality(&self) -> Locality {
        self.0.locality()
    }

    fn run(self, tree: Supervisor) -> Exit {
        let told = Arc::new(Told::default());
        let exit = self.0.run(tree.observer(told.clone()));
        told.check();
        exit
    }

    fn elsewhere() -> Locality {
        H::elsewhere()
    }
}

/// The root of every tree: ends when its significant child does.
pub fn root() -> Supervisor {
    Supervisor::one_for_one("bench").auto_shutdown(AutoShutdown::Any)
}
