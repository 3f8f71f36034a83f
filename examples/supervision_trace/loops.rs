//! The loops of a backend, for a scenario.

use std::error::Error;
use std::time::Duration;

use rotor_core::{App, Clock, Locality, StartError, Supervisor};

use crate::host::Host;
use crate::stepped::{Loop, Make};

/// Loops of one backend, the root's first.
pub struct Loops {
    clock: Clock,
    loops: Vec<Box<dyn Loop>>,
}

impl Loops {
    /// As many loops as the supervisors are to be spread over.
    ///
    /// # Errors
    /// The system cannot make one.
    pub fn new(make: Make, spread: usize) -> Result<Self, Box<dyn Error>> {
        let clock = Clock::manual();
        let loops = (0..spread.max(1)).map(|_| make(clock.clone(), None));
        let loops = loops.collect::<Result<_, _>>()?;
        Ok(Loops { clock, loops })
    }

    /// Whether a round over all loops found something to do.
    fn round(&mut self) -> bool {
        let mut busy = false;
        for one in &mut self.loops {
            while one.step() {
                busy = true;
            }
        }
        busy
    }
}

impl Host for Loops {
    fn localities(&self) -> Vec<Locality> {
        self.loops.iter().map(|one| one.locality()).collect()
    }

    fn start(&mut self, tree: Supervisor) -> Result<App, StartError> {
        let (root, others) = self.loops.split_first_mut().expect("at least one");
        for other in others {
            // It stays when nothing of the scenario is there for a while.
            other.start(Supervisor::one_for_one("place"))?;
            while other.step() {}
        }
        root.start(tree)
    }

    fn run(&mut self) {
        while self.round() {}
    }

    fn skip(&mut self) -> bool {
        let due = self.clock.next_deadline();
        due.inspect(|&due| self.clock.advance(due - self.clock.now()))
            .is_some()
    }

    fn sleep(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        self.run();
        while let Some(due) = self.clock.next_deadline().filter(|due| *due <= end) {
            self.clock.advance(due - self.clock.now());
            self.run();
        }
        self.clock.advance(end - self.clock.now());
    }
}
