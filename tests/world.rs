//! Trees whose time a body moves: in a simulation, and on the loops of every backend.

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::puppet::{LONG, chain};
use crate::stepped::{BACKENDS, Loop};

/// Localities, each with a loop of its own, and one clock, which stands still unless a body moves it.
pub struct World(Box<dyn Loops>);

/// Builds a tree on the thread of its root.
type Build = Box<dyn FnOnce() -> Supervisor + Send>;

/// What drives the localities of a world. A loop begins when a tree is started on it.
trait Loops {
    fn locality(&mut self) -> Locality;
    /// A locality of a loop that can be lost.
    fn mortal(&mut self) -> Locality {
        self.locality()
    }
    fn start(&mut self, at: &Locality, build: Build) -> Result<App, StartError>;
    fn lose(&mut self, at: &Locality);
    fn reopen(&mut self, at: &Locality);
    /// Lets one of them do something, if that can be told.
    fn step(&mut self);
    /// Lets them run until it is so, of the next deadline. False if they rest, and it is not.
    fn run_until(&mut self, is_so: &mut dyn FnMut(Option<Instant>) -> bool) -> bool;
    fn pass(&mut self, time: Duration);
    fn now(&self) -> Instant;
}

impl World {
    /// A simulation.
    pub fn simulated(seed: u64) -> Self {
        World(Box::new(Simulated {
            sim: Sim::new(seed),
            waiting: Vec::new(),
        }))
    }

    /// Loops of a backend, stepped without waiting on this thread.
    pub fn stepped(backend: &str) -> Self {
        let known = BACKENDS.iter().find(|(name, _)| *name == backend);
        let (_, make) = known.expect("it can be stepped");
        World(Box::new(Stepped {
            make: *make,
            clock: Clock::manual(),
            waiting: Vec::new(),
            running: Vec::new(),
            next: 0,
        }))
    }

    /// Thread loops, each on a thread of its own: nothing can step those, and nobody can tell from
    /// outside whether they rest.
    pub fn threaded() -> Self {
        World(Box::new(Threads {
            clock: Clock::manual(),
            waiting: Vec::new(),
            running: Vec::new(),
            mortal: Vec::new(),
            serving: Vec::new(),
        }))
    }

    /// A locality whose loop begins with the tree that is started there.
    pub fn locality(&mut self) -> Locality {
        self.0.locality()
    }

    /// A locality whose loop runs, for parts of trees that are started elsewhere.
    pub fn place(&mut self) -> Locality {
        let place = self.locality();
        self.start(&place, || Supervisor::one_for_one("place"));
        place
    }

    /// A locality whose loop can be lost.
    pub fn mortal(&mut self) -> Locality {
        self.0.mortal()
    }

    /// The loop of a locality is gone, with all that lived there.
    pub fn lose(&mut self, at: &Locality) {
        self.0.lose(at);
    }

    /// A new loop of the same backend takes over a locality whose loop is lost.
    pub fn reopen(&mut self, at: &Locality) {
        self.0.reopen(at);
    }

    /// Starts a sound tree with its root on a locality, once each.
    pub fn start(
        &mut self,
        at: &Locality,
        build: impl FnOnce() -> Supervisor + Send + 'static,
    ) -> App {
        self.try_start(at, build).expect("a sound tree")
    }

    /// Starts a tree, if it is sound.
    pub fn try_start(
        &mut self,
        at: &Locality,
        build: impl FnOnce() -> Supervisor + Send + 'static,
    ) -> Result<App, StartError> {
        self.0.start(at, Box::new(build))
    }

    /// Lets the loops go on a little. Only a simulation can tell how far.
    pub fn step(&mut self) {
        self.0.step();
    }

    /// Lets the loops run, without a moment passing, until something is so; where they can be stepped,
    /// until they rest: then it must be so.
    #[track_caller]
    pub fn until(&mut self, mut is_so: impl FnMut() -> bool) {
        assert!(self.0.run_until(&mut |_| is_so()), "the loops rest");
    }

    /// The same until a loop rests that waits for a time, this long from now; none waits for an
    /// earlier one, or for any.
    #[track_caller]
    pub fn until_due_in(&mut self, time: Option<Duration>) {
        let due = time.map(|time| self.now() + time);
        let is_so = self.0.run_until(&mut |next| next == due);
        assert!(is_so, "something else is due");
    }

    /// The same if it need not be exactly then: how long from now it is.
    #[track_caller]
    pub fn until_due_within(&mut self, times: RangeInclusive<Duration>) -> Duration {
        let (now, mut due) = (self.now(), None);
        let is_so = self.0.run_until(&mut |next| {
            due = next.map(|next| next - now);
            due.is_some_and(|due| times.contains(&due))
        });
        assert!(is_so, "due in {due:?}");
        due.expect("within these times")
    }

    /// The same until a tree has ended.
    #[track_caller]
    pub fn end(&mut self, app: &App) -> Exit {
        self.until(|| app.tree().ended.is_some());
        app.wait().expect("no loop of it is left on this thread")
    }

    /// Tells a tree to end, and lets it do so.
    #[track_caller]
    pub fn shut_down(&mut self, app: &App) {
        app.shutdown();
        let exit = self.end(app);
        assert_eq!(chain(&exit), "shutdown");
    }

    /// The same until a future is ready.
    #[track_caller]
    pub fn answer<F: Future>(&mut self, future: F) -> F::Output {
        let (mut future, mut answer) = (pin!(future), None);
        let mut cx = TaskContext::from_waker(Waker::noop());
        self.until(|| match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => {
                answer = Some(output);
                true
            }
            Poll::Pending => false,
        });
        answer.expect("it was ready")
    }

    /// Lets time pass; each timer that is due sees its own time, but on threads.
    pub fn pass(&mut self, time: Duration) {
        self.0.pass(time);
    }

    pub fn now(&self) -> Instant {
        self.0.now()
    }
}

/// Takes out what belongs to a locality.
fn take<T>(waiting: &mut Vec<(Locality, T)>, at: &Locality) -> T {
    let place = waiting.iter().position(|(locality, _)| locality == at);
    waiting.swap_remove(place.expect("one tree each")).1
}

/// The simulation of core: its seed decides who is next.
struct Simulated {
    sim: Sim,
    waiting: Vec<(Locality, ())>,
}

impl Loops for Simulated {
    fn locality(&mut self) -> Locality {
        let locality = Locality::new("simulated");
        self.waiting.push((locality.clone(), ()));
        locality
    }

    fn start(&mut self, at: &Locality, build: Build) -> Result<App, StartError> {
        take(&mut self.waiting, at);
        self.sim.open(at.clone());
        self.sim.start(build()).inspect_err(|_| self.sim.lose(at))
    }

    fn lose(&mut self, at: &Locality) {
        self.sim.lose(at);
    }

    fn reopen(&mut self, at: &Locality) {
        self.sim.open(at.clone());
    }

    fn step(&mut self) {
        self.sim.step();
    }

    fn run_until(&mut self, is_so: &mut dyn FnMut(Option<Instant>) -> bool) -> bool {
        self.sim.run_until_idle();
        is_so(self.sim.next_deadline())
    }

    fn pass(&mut self, time: Duration) {
        self.sim.run_for(time);
    }

    fn now(&self) -> Instant {
        self.sim.now()
    }
}

/// Loops on this thread, each in its turn.
struct Stepped {
    make: crate::stepped::Make,
    clock: Clock,
    waiting: Vec<(Locality, Box<dyn Loop>)>,
    running: Vec<Box<dyn Loop>>,
    next: usize,
}

impl Stepped {
    fn rest(&mut self) {
        let mut idle = 0;
        while idle < self.running.len() {
            idle = if self.step_next() { 0 } else { idle + 1 };
        }
    }

    fn step_next(&mut self) -> bool {
        self.next = (self.next + 1) % self.running.len();
        self.running[self.next].step()
    }

    fn advance_to(&self, time: Instant) {
        self.clock.advance(time - self.clock.now());
    }
}

impl Loops for Stepped {
    fn locality(&mut self) -> Locality {
        let new = (self.make)(self.clock.clone(), None).expect("a loop can be made");
        let locality = new.locality();
        self.waiting.push((locality.clone(), new));
        locality
    }

    fn start(&mut self, at: &Locality, build: Build) -> Result<App, StartError> {
        let mut begins = take(&mut self.waiting, at);
        let app = begins.start(build())?;
        self.running.push(begins);
        Ok(app)
    }

    fn lose(&mut self, at: &Locality) {
        let place = self.running.iter().position(|one| one.locality() == *at);
        drop(self.running.swap_remove(place.expect("it runs")));
    }

    fn reopen(&mut self, at: &Locality) {
        let again = (self.make)(self.clock.clone(), Some(at));
        let mut again = again.expect("its loop is lost");
        let place = again.start(Supervisor::one_for_one("place"));
        place.expect("a sound tree");
        self.running.push(again);
    }

    fn step(&mut self) {
        self.step_next();
    }

    fn run_until(&mut self, is_so: &mut dyn FnMut(Option<Instant>) -> bool) -> bool {
        self.rest();
        is_so(self.clock.next_deadline())
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now() + time;
        self.rest();
        while let Some(due) = self.clock.next_deadline().filter(|due| *due <= end) {
            self.advance_to(due);
            self.rest();
        }
        self.advance_to(end);
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// Thread loops.
struct Threads {
    clock: Clock,
    waiting: Vec<(Locality, Begins)>,
    running: Vec<(App, JoinHandle<()>)>,
    /// Those that can be lost, from when they are made.
    mortal: Vec<(Locality, Mortal)>,
    /// Those that have taken over what was lost.
    serving: Vec<JoinHandle<()>>,
}

/// A thread that turns a driver, which is what a thread loop is made of, until that is lost. A thread
/// loop cannot be: what its actors do does not end its thread.
struct Mortal {
    die: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Mortal {
    /// Drives a locality, with a tree if one comes. Returns when it is open.
    fn open(locality: Locality, clock: Clock, Starts { tree, app }: Starts) -> Self {
        let (opened, is_open) = mpsc::channel();
        let die = Arc::new(AtomicBool::new(false));
        let told = die.clone();
        let thread = std::thread::spawn(move || {
            let driver = Driver::new(Arc::new(std::thread::current()), clock);
            driver.open(&locality).expect("no loop has it");
            drop(locality);
            opened.send(()).expect("it waits for that");
            let Ok(build) = tree.recv() else {
                return; // the body needs no tree there
            };
            let _ = app.send(driver.start(build()));
            while !told.load(Ordering::SeqCst) {
                match driver.run_until_idle() {
                    Turn::Done(_) => break,
                    _ => std::thread::park(),
                }
            }
        });
        is_open.recv().expect("it is opened");
        Mortal { die, thread }
    }

    /// Its driver is dropped, as if the thread had unwound.
    fn end(self) {
        self.die.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        self.thread.join().expect("nothing of it fails");
    }
}

/// How a thread gets its tree, and tells what came of it.
struct Starts {
    tree: Receiver<Build>,
    app: Sender<Result<App, StartError>>,
}

/// A thread that waits for its tree.
struct Begins {
    tree: Sender<Build>,
    app: Receiver<Result<App, StartError>>,
    /// None if the thread can be lost: then it is known as such.
    thread: Option<JoinHandle<()>>,
}

impl Loops for Threads {
    fn locality(&mut self) -> Locality {
        let (known, locality) = mpsc::channel();
        let (tree, build) = mpsc::channel::<Build>();
        let (started, app) = mpsc::channel();
        let clock = self.clock.clone();
        let thread = std::thread::spawn(move || {
            let main = ThreadLoop::with_clock(clock);
            let _ = known.send(main.locality().clone());
            let Ok(build) = build.recv() else {
                return; // the body needs no tree there
            };
            let told = main.run_with(build(), |app| drop(started.send(Ok(app))));
            if let Err(wrong) = told {
                let _ = started.send(Err(wrong));
            }
        });
        let locality = locality.recv().expect("it has a loop");
        let thread = Some(thread);
        let begins = Begins { tree, app, thread };
        self.waiting.push((locality.clone(), begins));
        locality
    }

    fn mortal(&mut self) -> Locality {
        let locality = Locality::new("mortal");
        let (tree, build) = mpsc::channel();
        let (started, app) = mpsc::channel();
        let starts = Starts {
            tree: build,
            app: started,
        };
        let mortal = Mortal::open(locality.clone(), self.clock.clone(), starts);
        self.mortal.push((locality.clone(), mortal));
        let thread = None;
        let begins = Begins { tree, app, thread };
        self.waiting.push((locality.clone(), begins));
        locality
    }

    fn start(&mut self, at: &Locality, build: Build) -> Result<App, StartError> {
        let Begins { tree, app, thread } = take(&mut self.waiting, at);
        tree.send(build).expect("it waits for that");
        let app = app.recv().expect("it tells what came of it")?;
        let running = thread.map(|thread| (app.clone(), thread));
        self.running.extend(running);
        Ok(app)
    }

    fn lose(&mut self, at: &Locality) {
        take(&mut self.mortal, at).end();
    }

    fn reopen(&mut self, at: &Locality) {
        let (place, clock) = (at.clone(), self.clock.clone());
        let (opened, is_open) = mpsc::channel();
        let serves = std::thread::spawn(move || {
            let again = ThreadLoop::with_clock(clock);
            again.open(&place).expect("its loop is lost");
            opened.send(()).expect("it waits for that");
            let exit = again.serve().expect("it is called inside no handler");
            assert_eq!(chain(&exit), "normal");
        });
        self.serving.push(serves);
        is_open.recv().expect("it is opened");
    }

    fn step(&mut self) {
        std::thread::yield_now();
    }

    fn run_until(&mut self, is_so: &mut dyn FnMut(Option<Instant>) -> bool) -> bool {
        while !is_so(self.clock.next_deadline()) {
            std::thread::yield_now();
        }
        true
    }

    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// Nothing of a body runs on, unless it has failed.
impl Drop for Threads {
    fn drop(&mut self) {
        for (app, _) in &self.running {
            app.shutdown();
        }
        while !std::thread::panicking() && !self.running.is_empty() {
            self.clock.advance(LONG);
            self.running.retain(|(_, thread)| !thread.is_finished());
            std::thread::yield_now();
        }
        self.waiting.clear();
        if !std::thread::panicking() {
            self.mortal.drain(..).for_each(|(_, mortal)| mortal.end());
            let ended = |serves: JoinHandle<()>| serves.join().expect("nothing of it fails");
            self.serving.drain(..).for_each(ended);
        }
    }
}
