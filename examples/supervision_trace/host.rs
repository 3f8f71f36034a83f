//! What drives the localities of a scenario.

use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::{App, Locality, StartError, Supervisor};

/// Localities on one thread, and their clock.
pub trait Host {
    /// The localities, the root's first.
    fn localities(&self) -> Vec<Locality>;
    /// Starts the tree.
    ///
    /// # Errors
    /// What is wrong with it.
    fn start(&mut self, tree: Supervisor) -> Result<App, StartError>;
    /// Runs until nothing is left to do at this time.
    fn run(&mut self);
    /// Moves the clock on to the next deadline. False if there is none.
    fn skip(&mut self) -> bool;
    /// Lets time pass.
    fn sleep(&mut self, time: Duration);
}

/// The simulation of rotor-core.
pub struct Simulated {
    sim: Sim,
    localities: Vec<Locality>,
}

impl Simulated {
    /// As many localities as the supervisors are to be spread over.
    pub fn new(spread: usize) -> Self {
        let mut sim = Sim::new(spread as u64);
        let localities = (0..spread.max(1)).map(|i| sim.locality(format!("place {i}")));
        let localities = localities.collect();
        Simulated { sim, localities }
    }
}

impl Host for Simulated {
    fn localities(&self) -> Vec<Locality> {
        self.localities.clone()
    }

    fn start(&mut self, tree: Supervisor) -> Result<App, StartError> {
        self.sim.start(tree)
    }

    fn run(&mut self) {
        self.sim.run_until_idle();
    }

    fn skip(&mut self) -> bool {
        let due = self.sim.next_deadline();
        let wait = due.map(|due| due.saturating_duration_since(self.sim.now()));
        wait.inspect(|&wait| self.sim.run_for(wait)).is_some()
    }

    fn sleep(&mut self, time: Duration) {
        self.sim.run_for(time);
    }
}
