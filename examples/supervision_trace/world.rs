//! What is known of a tree from outside: who started, ended and runs, as the observer is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rotor_core::{Addr, Address, Exit, ExitReason, Observer};

use crate::line::{Event, Line};
use crate::worker::Worker;

/// The trace so far, with the numbers of attempts.
#[derive(Default)]
pub struct World {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: Vec<Event>,
    /// Attempts to start, by name.
    attempts: HashMap<String, u32>,
    running: HashMap<String, Running>,
    workers: HashMap<String, Addr<Worker>>,
    /// Instances of pools: their names and pools.
    instances: HashMap<Address, (String, String)>,
    /// The process that a pool's instance stood for last.
    last: HashMap<(String, String), (Address, u64)>,
    /// Which attempt an instance was started by.
    started_by: HashMap<(Address, u64), u32>,
}

#[derive(Clone, Copy)]
struct Running {
    address: Address,
    n: u32,
}

impl World {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic under this lock")
    }

    /// Takes the events since the last call.
    pub fn events(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().events)
    }

    /// The number of the attempt to start `name` that is under way.
    pub fn attempt(&self, name: &str) -> u32 {
        self.state().attempts.get(name).copied().unwrap_or(0) + 1
    }

    /// An instance of a pool is going to be started at this address.
    pub fn instance(&self, address: Address, name: &str, pool: &str) {
        let names = (name.to_owned(), pool.to_owned());
        self.state().instances.insert(address, names);
    }

    pub fn worker(&self, name: &str, addr: Addr<Worker>) {
        self.state().workers.insert(name.to_owned(), addr);
    }

    /// Where something runs.
    pub fn running(&self, name: &str) -> Option<Address> {
        self.state().running.get(name).map(|at| at.address)
    }

    /// A worker that runs.
    pub fn running_worker(&self, name: &str) -> Option<Addr<Worker>> {
        let state = self.state();
        state.running.get(name)?;
        state.workers.get(name).copied()
    }

    /// The instance that was started last under this name in a pool.
    pub fn last_instance(&self, pool: &str, name: &str) -> Option<(Address, u64)> {
        let key = (pool.to_owned(), name.to_owned());
        self.state().last.get(&key).copied()
    }

    /// The name that goes with an address: the one in its spec, or that of an instance.
    pub fn name(&self, address: Address, name: &str) -> String {
        self.state().name(address, name)
    }

    /// The attempt that started what runs under a name.
    pub fn n(&self, name: &str) -> Option<u32> {
        self.state().running.get(name).map(|at| at.n)
    }

    /// Whether an instance of a pool lives or has lived at this address.
    pub fn is_instance(&self, address: Address) -> bool {
        self.state().instances.contains_key(&address)
    }

    pub fn started_by(&self, address: Address, instance: u64) -> Option<u32> {
        self.state().started_by.get(&(address, instance)).copied()
    }

    /// A start that came to nothing before anything was tried.
    pub fn refused(&self, name: &str) {
        self.state().attempted(name.to_owned(), "error");
    }
}

impl State {
    fn name(&self, address: Address, name: &str) -> String {
        let instance = self.instances.get(&address);
        instance.map_or_else(|| name.to_owned(), |(name, _)| name.clone())
    }

    fn push(&mut self, line: Line) {
        self.events.push(Event { line, pool: None });
    }

    fn attempted(&mut self, child: String, result: &'static str) -> u32 {
        let attempts = self.attempts.entry(child.clone()).or_default();
        *attempts += 1;
        let n = *attempts;
        self.push(Line::Start { child, n, result });
        n
    }

    fn n(&self, name: &str) -> u32 {
        self.running.get(name).map_or(0, |at| at.n)
    }
}

impl Observer for World {
    fn started(&self, who: Address, name: &str, instance: u64) {
        let mut state = self.state();
        let name = state.name(who, name);
        let n = state.attempted(name.clone(), "ok");
        state.started_by.insert((who, instance), n);
        if let Some((name, pool)) = state.instances.get(&who).cloned() {
            state.last.insert((pool, name), (who, instance));
        }
        state.running.insert(name, Running { address: who, n });
    }

    fn start_failed(&self, who: Address, name: &str, _: &Exit) {
        let mut state = self.state();
        let name = state.name(who, name);
        state.attempted(name, "error");
    }

    fn start_ignored(&self, who: Address, name: &str) {
        let mut state = self.state();
        let name = state.name(who, name);
        state.attempted(name, "ignore");
    }

    fn exited(&self, who: Address, name: &str, exit: &Exit) {
        let mut state = self.state();
        let child = state.name(who, name);
        let n = state.n(&child);
        state.running.remove(&child);
        let pool = state.instances.get(&who).map(|(_, pool)| pool.clone());
        let reason = text(exit);
        let line = Line::Exit { child, n, reason };
        state.events.push(Event { line, pool });
    }

    fn gave_up(&self, who: Address, name: &str, child: Address, child_name: &str) {
        let mut state = self.state();
        let sup = state.name(who, name);
        let child = state.name(child, child_name);
        let n = state.n(&sup);
        state.push(Line::GaveUp { sup, n, child });
    }

    fn auto_shutdown(&self, who: Address, name: &str) {
        let mut state = self.state();
        let sup = state.name(who, name);
        let n = state.n(&sup);
        state.push(Line::AutoShutdown { sup, n });
    }
}

/// An exit as it stands in a trace.
fn text(exit: &Exit) -> String {
    match exit.reason() {
        ExitReason::Failed(error) => format!("crash:{error}"),
        ExitReason::ShutdownWith(detail) => format!("shutdown:{detail}"),
        other => other.to_string(),
    }
}

/// A world that many may look at.
pub type Shared = Arc<World>;
