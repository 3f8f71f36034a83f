//! What the programs here are made of.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rotor_core::*;

/// A loop that looks by itself.
pub struct Quiet;

impl Wake for Quiet {
    fn wake(&self) {}
}

/// A driver that has a locality open.
pub fn open(locality: &Locality) -> Driver {
    let driver = Driver::new(Arc::new(Quiet), Clock::manual());
    driver.open(locality).expect("a fresh locality");
    driver
}

/// A root.
pub fn one(name: &'static str) -> Supervisor {
    Supervisor::one_for_one(name)
}

/// Does as it is told, and keeps what it is asked.
#[derive(Default)]
pub struct Puppet(pub Vec<Ask<Question>>);

type Job = Box<dyn FnOnce(&mut Puppet, &mut Context<Puppet>) + Send>;

impl Actor for Puppet {}

impl Handler<Job> for Puppet {
    fn handle(&mut self, job: Job, cx: &mut Context<Self>) {
        job(self, cx);
    }
}

impl Handler<u32> for Puppet {
    fn handle(&mut self, _: u32, _: &mut Context<Self>) {}
}

/// What a puppet keeps.
pub struct Question;

impl Request for Question {
    type Reply = u32;
}

impl Handler<Ask<Question>> for Puppet {
    fn handle(&mut self, ask: Ask<Question>, _: &mut Context<Self>) {
        self.0.push(ask);
    }
}

impl Handler<Down> for Puppet {
    fn handle(&mut self, _: Down, _: &mut Context<Self>) {}
}

/// The spec of a puppet.
pub fn puppet(name: &'static str, at: Addr<Puppet>) -> Child<Puppet> {
    Child::new(name, Puppet::default).at(at)
}

/// Has a puppet do something.
pub fn tell(
    to: Addr<Puppet>,
    job: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static,
) {
    to.send(Box::new(job) as Job);
}

/// Panics when it is dropped; counts how often that was.
#[derive(Debug, Default)]
pub struct Bomb(pub Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("in a drop");
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bomb")
    }
}

impl std::error::Error for Bomb {}
