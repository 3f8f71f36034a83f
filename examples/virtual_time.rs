//! A unit test on virtual time: an actor that retries for minutes, tested in no time.
//!
//! `cargo test -p rotor-examples --bin virtual_time` runs the test; the program runs the same
//! scenario and prints it.

use std::time::Duration;

use rotor_core::sim::{Probe, Sim};
use rotor_core::*;

struct Job;

#[derive(Clone)]
struct Retry;

#[derive(Debug, PartialEq)]
struct GaveUp {
    tries: u32,
}

/// Retries a job after 1, 2, 4 and 8 minutes, then gives up. Knows nothing of tests.
struct Worker {
    tries: u32,
    out: Recipient<GaveUp>,
}

impl Actor for Worker {}

impl Handler<Job> for Worker {
    fn handle(&mut self, _: Job, cx: &mut Context<Self>) {
        self.tries += 1;
        match self.tries {
            5 => self.out.send(GaveUp { tries: 5 }),
            n => drop(cx.after(Duration::from_secs(60 << (n - 1)), Retry)),
        }
    }
}

impl Handler<Retry> for Worker {
    fn handle(&mut self, _: Retry, cx: &mut Context<Self>) {
        self.handle(Job, cx);
    }
}

fn bench() -> Result<(Sim, Addr<Worker>, Probe<GaveUp>), StartError> {
    let mut sim = Sim::new(7); // the seed of the order in which localities take turns
    let (worker, out) = (sim.locality("here").reserve(), sim.probe());
    let to = out.recipient();
    let make = move || Worker { tries: 0, out: to };
    sim.start(Supervisor::one_for_one("test").child(Child::new("worker", make).at(worker)))?;
    Ok((sim, worker, out))
}

fn main() -> Result<(), StartError> {
    let (mut sim, worker, out) = bench()?;
    let begin = sim.now();
    worker.send(Job);
    sim.run_until_idle();
    let mut seen = 0;
    while out.take().is_empty() {
        let tries = sim.with(worker, |w| w.tries).unwrap_or(0); // none: it is not running
        if tries > seen {
            seen = tries;
            println!("try {tries} after {:?}", sim.now() - begin);
        }
        sim.run_for(Duration::from_secs(1));
    }
    println!("given up after {:?}", sim.now() - begin);
    Ok(())
}

#[test]
fn it_gives_up_after_a_quarter_of_an_hour() -> Result<(), StartError> {
    let (mut sim, worker, out) = bench()?;
    worker.send(Job);
    sim.run_for(Duration::from_secs(15 * 60 - 1));
    assert_eq!(sim.with(worker, |w| w.tries), Some(4));
    assert_eq!(out.take(), []);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(out.take(), [GaveUp { tries: 5 }]);
    Ok(())
}
