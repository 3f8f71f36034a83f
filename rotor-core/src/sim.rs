//! Virtual time: any number of localities in one thread, with a seeded order.

use std::borrow::Cow;
use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use crate::actor::{Actor, Handler};
use crate::address::Addr;
use crate::app::App;
use crate::child::Child;
use crate::clock::Clock;
use crate::context::Context;
use crate::driver::{Budget, Driver, Turn};
use crate::entrance::Wake;
use crate::error::StartError;
use crate::here;
use crate::locality::Locality;
use crate::recipient::Recipient;
use crate::slot::State;
use crate::supervisor::Supervisor;

/// Drives localities in one thread with a clock that stands still unless it is told to move.
///
/// Which locality takes its next message is drawn from the seed: the same seed gives the same run.
/// Actors are tested with it unchanged.
///
/// ```
/// use rotor_core::{*, sim::Sim};
/// use std::time::Duration;
/// struct Job;
/// #[derive(Clone)] struct Retry;
/// #[derive(Debug, PartialEq)] struct Done(u32);
/// struct Worker { tries: u32, out: Recipient<Done> }
/// impl Actor for Worker {}
/// impl Handler<Job> for Worker {
///     fn handle(&mut self, _: Job, cx: &mut Context<Self>) {
///         cx.after(Duration::from_secs(60), Retry);
///     }
/// }
/// impl Handler<Retry> for Worker {
///     fn handle(&mut self, _: Retry, _: &mut Context<Self>) {
///         self.tries += 1;
///         self.out.send(Done(self.tries));
///     }
/// }
/// # fn main() -> Result<(), StartError> {
/// let mut sim = Sim::new(7);
/// let here = sim.locality("here");
/// let done = sim.probe();
/// let (worker, out) = (here.reserve(), done.recipient());
/// sim.start(Supervisor::one_for_one("test")
///     .child(Child::new("worker", move || Worker { tries: 0, out }).at(worker)))?;
/// worker.send(Job);
/// sim.run_for(Duration::from_secs(59));
/// assert!(done.take().is_empty());
/// sim.run_for(Duration::from_secs(1));
/// assert_eq!(done.take(), [Done(1)]);
/// assert_eq!(sim.with(worker, |w| w.tries), Some(1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sim {
    drivers: Vec<Stepped>,
    clock: Clock,
    random: u64,
    seed: u64,
}

#[derive(Debug)]
struct Stepped {
    locality: Locality,
    driver: Driver,
    ready: Arc<Flag>,
    due: Option<Instant>,
    used: bool,
}

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Steps after which `run_until_idle` says that the tree never comes to rest.
const ENDLESS: u64 = 50_000_000;

impl Sim {
    /// An empty simulation.
    pub fn new(seed: u64) -> Self {
        let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Sim {
            drivers: Vec::new(),
            clock: Clock::manual(),
            random,
            seed,
        }
    }

    /// Makes a locality with a driver of its own.
    pub fn locality(&mut self, name: impl Into<Cow<'static, str>>) -> Locality {
        let locality = Locality::new(name);
        self.open(locality.clone());
        locality
    }

    /// Drives a locality that was made elsewhere, or reopens one whose loop was
    /// [lost](Self::lose).
    pub fn open(&mut self, locality: Locality) {
        let ready = Arc::new(Flag::default());
        let driver = Driver::new(ready.clone(), self.clock.clone());
        driver.open(&locality).expect("the locality is not open");
        ready.wake();
        self.drivers.push(Stepped {
            locality,
            driver,
            ready,
            due: None,
            used: false,
        });
    }

    /// Drops the driver of a locality, as if its thread had died.
    pub fn lose(&mut self, locality: &Locality) {
        self.drivers.retain(|stepped| stepped.locality != *locality);
    }

    /// Starts a tree on the first locality that has none yet.
    ///
    /// # Errors
    /// What is wrong with the tree.
    pub fn start(&mut self, tree: Supervisor) -> Result<App, StartError> {
        let Some(stepped) = self.drivers.iter_mut().find(|stepped| !stepped.used) else {
            return Err(StartError::NoLocality);
        };
        stepped.used = true;
        stepped.driver.start(tree)
    }

    /// The simulated time.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Moves the clock by `by`, from deadline to deadline, running everything on the way. What is
    /// due exactly at the end fires.
    pub fn run_for(&mut self, by: Duration) {
        let end = self.clock.now() + by;
        loop {
            self.run_until_idle();
            let due = self.drivers.iter().filter_map(|stepped| stepped.due).min();
            match due {
                Some(due) if due <= end => {
                    self.clock
                        .advance(due.saturating_duration_since(self.clock.now()));
                    self.wake_due();
                }
                _ => break,
            }
        }
        self.clock
            .advance(end.saturating_duration_since(self.clock.now()));
        self.wake_due();
        self.run_until_idle();
    }

    /// Runs until nothing is left to do at this time.
    ///
    /// # Panics
    /// If that takes more than fifty million messages.
    pub fn run_until_idle(&mut self) {
        let mut steps = 0;
        while self.step() {
            steps += 1;
            assert!(
                steps < ENDLESS,
                "seed {}: the tree does not come to rest",
                self.seed
            );
        }
    }

    /// Runs one message of one locality. False if there was none.
    pub fn step(&mut self) -> bool {
        let ready: Vec<usize> = (0..self.drivers.len())
            .filter(|&i| self.drivers[i].ready.0.load(Ordering::Relaxed))
            .collect();
        if ready.is_empty() {
            return false;
        }
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let pick = ready[(self.random % ready.len() as u64) as usize];
        let stepped = &mut self.drivers[pick];
        stepped.ready.0.store(false, Ordering::Relaxed);
        match stepped.driver.turn(Budget {
            messages: 1,
            time: Duration::MAX,
        }) {
            Turn::Again => stepped.ready.wake(),
            Turn::Park(due) => stepped.due = due,
            Turn::Nested => {}
            Turn::Done(_) => stepped.due = None,
        }
        true
    }

    /// Looks into a running actor of this simulation. `None` if it does not run.
    pub fn with<A: Actor, R>(&mut self, addr: Addr<A>, f: impl FnOnce(&mut A) -> R) -> Option<R> {
        let gate = addr.address().gate;
        if !self
            .drivers
            .iter()
            .any(|stepped| stepped.locality.gate() == gate)
        {
            return None;
        }
        let actor = here::with_local(gate, |local| {
            let local = local?;
            let slot = local.find(addr.address())?;
            let runs = local.seat(slot, |seat| seat.state == State::Running);
            NonNull::new(local.slots.actor(slot)).filter(|_| runs)
        })?;
        // SAFETY: the address is valid, so the instance is an `A`. It belongs to a driver of this
        // simulation, which is borrowed exclusively: no slice of it can run meanwhile.
        Some(f(unsafe { &mut *actor.as_ptr().cast::<A>() }))
    }

    /// Runs the simulation until a future is ready, such as [`Addr::ask`](crate::Addr::ask); the
    /// clock moves from deadline to deadline as needed. `None` if it never gets ready.
    pub fn block_on<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut cx = TaskContext::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return Some(output);
            }
            if self.step() {
                continue;
            }
            let due = self
                .drivers
                .iter()
                .filter_map(|stepped| stepped.due)
                .min()?;
            self.clock
                .advance(due.saturating_duration_since(self.clock.now()));
            self.wake_due();
        }
    }

    /// An address that collects what is sent to it, in a locality of its own.
    pub fn probe<M: Send + 'static>(&mut self) -> Probe<M> {
        let log = Rc::new(RefCell::new(Vec::new()));
        let locality = self.locality("probe");
        let addr = locality.reserve();
        let collected = log.clone();
        let stepped = self.drivers.last_mut().expect("made just now");
        stepped.used = true;
        let tree = Supervisor::one_for_one("probe").child(
            Child::new("probe", move || Collector {
                log: collected.clone(),
            })
            .at(addr),
        );
        let app = stepped.driver.start(tree).expect("a sound tree");
        Probe {
            recipient: addr.to(),
            log,
            _app: app,
        }
    }

    fn wake_due(&mut self) {
        let now = self.clock.now();
        for stepped in &mut self.drivers {
            if stepped.due.is_some_and(|due| due <= now) {
                stepped.due = None;
                stepped.ready.wake();
            }
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the simulation's seed was {}", self.seed);
        }
    }
}

/// Collects messages; made by [`Sim::probe`].
#[derive(Debug)]
pub struct Probe<M> {
    recipient: Recipient<M>,
    log: Rc<RefCell<Vec<M>>>,
    _app: App,
}

impl<M: Send + 'static> Probe<M> {
    /// Where to send what it should collect.
    pub fn recipient(&self) -> Recipient<M> {
        self.recipient
    }

    /// Takes what has arrived, in order.
    pub fn take(&self) -> Vec<M> {
        std::mem::take(&mut *self.log.borrow_mut())
    }
}

struct Collector<M> {
    log: Rc<RefCell<Vec<M>>>,
}

impl<M: 'static> Actor for Collector<M> {}

impl<M: 'static> Handler<M> for Collector<M> {
    fn handle(&mut self, message: M, _: &mut Context<Self>) {
        self.log.borrow_mut().push(message);
    }
}
