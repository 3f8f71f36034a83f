//! The handle of a running tree.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::actor::Actor;
use crate::address::{Addr, Address};
use crate::exit::Exit;
use crate::here;
use crate::locality::{Local, Locality};
use crate::lock::{lock, sound};
use crate::name::{Name, NameError};
use crate::observe::Observer;
use crate::registry::{Registry, TREE};
use crate::spin::processors;
use crate::tree::{Sitting, Tree};

/// A running tree, from outside. Owns nothing: dropping it stops nothing.
///
/// `Clone + Send + Sync`.
///
/// ```
/// use rotor_core::*;
/// # let main = ThreadLoop::new();
/// main.run_with(Supervisor::one_for_one("app"), |app: App| {
///     let handle = app.clone(); // for a thread that is no actor, such as a signal handler
///     std::thread::spawn(move || handle.shutdown());
/// })?;
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone)]
pub struct App {
    pub(crate) shared: Arc<AppShared>,
}

/// What the handles of a tree and its driver share.
pub(crate) struct AppShared {
    root: OnceLock<Address>,
    pub(crate) home: Locality,
    /// Told of what happens on all of its localities.
    observer: Option<Arc<dyn Observer>>,
    /// Localities that the tree places something on.
    pub(crate) places: Mutex<Vec<Locality>>,
    /// Pictures of it that are being taken.
    pub(crate) sittings: Mutex<Vec<Arc<Sitting>>>,
    state: Mutex<AppState>,
    ended: Condvar,
    /// The limit of the whole tree has passed: what may hang on is not waited for.
    forsaken: AtomicBool,
    /// Threads that somebody is [joining](App::join), and where others wait until that is done.
    joining: Mutex<Vec<ThreadId>>,
    joined: Condvar,
    pub(crate) registry: Arc<Registry>,
}

#[derive(Default)]
struct AppState {
    /// The root's exit, before it is made known.
    pending: Option<Exit>,
    exit: Option<Exit>,
    hooks: Vec<Box<dyn FnOnce(Exit) + Send>>,
}

/// [`App::wait`] was called on a thread that drives a part of the tree, or inside a handler.
///
/// ```
/// use rotor_core::*;
/// let main = ThreadLoop::new();
/// main.run_with(Supervisor::one_for_one("app"), |app| {
///     assert_eq!(app.wait().unwrap_err(), WouldDeadlock); // it would wait for itself
///     app.shutdown();
/// })?;
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WouldDeadlock;

impl fmt::Display for WouldDeadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "refused: waiting for a tree would block a loop that it runs on, or a handler: use `App::on_exit`",
        )
    }
}

impl std::error::Error for WouldDeadlock {}

impl App {
    pub(crate) fn new(home: Locality, observer: Option<Arc<dyn Observer>>) -> Self {
        let shared = Arc::new_cyclic(|app| AppShared {
            root: OnceLock::new(),
            home,
            observer,
            places: Mutex::new(Vec::new()),
            sittings: Mutex::new(Vec::new()),
            state: Mutex::default(),
            ended: Condvar::new(),
            forsaken: AtomicBool::new(false),
            joining: Mutex::default(),
            joined: Condvar::new(),
            registry: Arc::new(Registry::of(app.clone())),
        });
        App { shared }
    }

    pub(crate) fn set_root(&self, root: Address) {
        self.shared.root.set(root).expect("a tree has one root");
    }

    /// The address of the root supervisor.
    ///
    /// ```
    /// # use rotor_core::{*, sim::Sim};
    /// # fn main() -> Result<(), StartError> {
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let app = sim.start(Supervisor::one_for_one("app"))?;
    /// sim.run_until_idle();
    /// assert_eq!(app.root().state(), Lifecycle::Running);
    /// # Ok(())
    /// # }
    /// ```
    pub fn root(&self) -> Address {
        *self
            .shared
            .root
            .get()
            .expect("set before the handle is given out")
    }

    /// Stops the whole tree in order: children in reverse start order, each within its limit.
    ///
    /// Any thread; returns at once. A second call joins the first.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Part { log: Recipient<&'static str>, name: &'static str }
    /// impl Actor for Part {
    ///     fn stop(&mut self, _: &Exit, _: &mut Context<Self>) { self.log.send(self.name) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let probe = sim.probe();
    /// # let log = probe.recipient();
    /// let app = sim.start(Supervisor::one_for_one("app")
    ///     .child(Child::new("first", move || Part { log, name: "first" }))
    ///     .child(Child::new("second", move || Part { log, name: "second" })))?;
    /// sim.run_until_idle();
    /// app.shutdown();
    /// sim.run_until_idle();
    /// assert_eq!(probe.take(), ["second", "first"]); // in reverse
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn shutdown(&self) {
        self.root().stop();
    }

    /// Blocks until the tree has ended, and the threads that were spawned for it have; not for those if the
    /// tree as a whole was given up at the [stop limit](crate::Supervisor::stop_limit) of its root.
    ///
    /// # Errors
    /// [`WouldDeadlock`] on a thread that drives a part of the tree, or inside a handler.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use std::{sync::mpsc, thread};
    /// let (give, handle) = mpsc::channel();
    /// thread::spawn(move || {
    ///     ThreadLoop::new().run_with(Supervisor::one_for_one("app"), move |app| {
    ///         give.send(app).unwrap();
    ///     })
    /// });
    /// let app = handle.recv()?;
    /// app.shutdown();
    /// assert!(!app.wait()?.is_failure()); // on a thread that runs no actor of the tree
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> Result<Exit, WouldDeadlock> {
        if here::in_turn() || self.shared.needs_this_thread() {
            return Err(WouldDeadlock);
        }
        let mut state = lock(&self.shared.state);
        let exit = loop {
            if let Some(exit) = &state.exit {
                break exit.clone();
            }
            state = sound(self.shared.ended.wait(state));
        };
        drop(state);
        self.join();
        Ok(exit)
    }

    /// Calls `f` once the tree has ended: on the thread of the root's loop, or at once, here, if it
    /// has ended already.
    ///
    /// On a loop that goes on, the application's, it may start the next tree, as the guest of that loop
    /// that the last one was.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::sync::{Arc, OnceLock};
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let app = sim.start(Supervisor::one_for_one("app"))?;
    /// let end = Arc::new(OnceLock::new());
    /// let told = end.clone();
    /// app.on_exit(move |exit| { let _ = told.set(exit); }); // where a GUI quits its main loop
    /// app.shutdown();
    /// sim.run_until_idle();
    /// assert!(end.get().is_some_and(|exit| !exit.is_failure()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn on_exit(&self, f: impl FnOnce(Exit) + Send + 'static) {
        let mut state = lock(&self.shared.state);
        match &state.exit {
            None => state.hooks.push(Box::new(f)),
            Some(exit) => {
                let exit = exit.clone();
                drop(state);
                f(exit);
            }
        }
    }

    /// Finds an actor of the tree by its name, now.
    ///
    /// Any thread; never blocks. A child has its name when its first start is over: an actor that
    /// should wait for it uses [`Context::find`](crate::Context::find), with [`Name::of`] for this
    /// tree if it is in another one.
    ///
    /// # Errors
    /// [`NameError::NotFound`], [`NameError::TreeEnded`], or [`NameError::WrongType`] if the owner is not
    /// an `A`.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Clock;
    /// impl Actor for Clock {}
    /// const CLOCK: Name<Clock> = Name::new("clock");
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let app = sim.start(Supervisor::one_for_one("app")
    ///     .child(Child::new("clock", || Clock).named(CLOCK)))?;
    /// assert!(matches!(app.lookup(CLOCK), Err(NameError::NotFound { .. }))); // it has not started yet
    /// sim.run_until_idle();
    /// let clock: Addr<Clock> = app.lookup(CLOCK)?;
    /// # let _ = clock;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn lookup<A: Actor>(&self, name: Name<A>) -> Result<Addr<A>, NameError> {
        let name = name.spec();
        let registry = name.registry.as_ref().unwrap_or(&self.shared.registry);
        let entry = registry.entry(&name.text, &[TREE]);
        let entry = entry.ok_or_else(|| registry.missing(&name.text))?;
        Ok(Addr::new(entry.found(name.actor)?))
    }

    /// The live tree as data.
    ///
    /// Any thread. It asks every other locality of the tree and waits up to a second for all of them:
    /// one that is stuck in a handler is shown as not answering. Nobody waits for one that is lost
    /// meanwhile, nor for a tree that ends meanwhile, which is shown as ended. Handlers that take it at
    /// the same time do not wait for each other.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Part;
    /// impl Actor for Part {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let app = sim.start(Supervisor::one_for_one("app").child(Child::new("part", || Part)))?;
    /// sim.run_until_idle();
    /// let now = app.tree();
    /// assert_eq!(now.nodes[1].name, "part");
    /// println!("{now}"); // or `now.dot()` for Graphviz
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn tree(&self) -> Tree {
        crate::tree::take(self, PATIENCE)
    }

    /// Waits for the threads that were spawned for this tree, unless one may never end.
    pub(crate) fn join(&self) {
        let shared = &*self.shared;
        if shared.forsaken.load(Ordering::Acquire) {
            return;
        }
        let me = thread::current().id();
        let mut joining = lock(&shared.joining);
        let places = std::mem::take(&mut *lock(&shared.places));
        let threads: Vec<_> = places.iter().filter_map(Locality::take_thread).collect();
        joining.extend(threads.iter().map(|thread| thread.thread().id()));
        drop(joining);
        drop(places); // the last handle may be what a thread waits for
        for thread in threads {
            let id = thread.thread().id();
            if id != me {
                // A panic of the loop was reported when it happened, as the locality's loss.
                let _ = thread.join();
            }
            lock(&shared.joining).retain(|other| *other != id);
            shared.joined.notify_all();
        }
        // The others are with somebody else; one of them does not wait for itself.
        let mut joining = lock(&shared.joining);
        while !joining.is_empty() && !joining.contains(&me) {
            joining = sound(shared.joined.wait(joining));
        }
    }
}

impl AppShared {
    /// The tree places something on a locality.
    pub(crate) fn add_place(self: &Arc<Self>, place: Locality) {
        place.gate().join(self, self.observer.clone());
        let mut over = Vec::new();
        let mut places = lock(&self.places);
        if !places.contains(&place) {
            over.extend(places.extract_if(.., |place| place.is_over()));
            places.push(place);
            tell_crowded(&places);
        }
        drop(places);
        for thread in over.iter().filter_map(Locality::take_thread) {
            let _ = thread.join(); // at once: it has ended
        }
    }

    /// One of its localities has got a loop, or has none any more.
    pub(crate) fn count_loops(&self) {
        tell_crowded(&lock(&self.places));
    }

    /// The limit of the whole tree has passed.
    pub(crate) fn forsake(&self) {
        self.forsaken.store(true, Ordering::Release);
    }

    /// The root has ended; [`finish`](Self::finish) makes it known.
    pub(crate) fn root_ended(&self, exit: Exit) {
        let mut state = lock(&self.state);
        state.pending.get_or_insert(exit);
    }

    /// Whether the tree cannot end while this thread waits for it.
    fn needs_this_thread(&self) -> bool {
        let is_driven = |place: &Locality| here::with_local(place.gate(), |local| local.is_some());
        if is_driven(&self.home) {
            return true;
        }
        // A driver that is being dropped has let go of the root before it says how the tree ended.
        let ends = || self.home.gate().owner.load(Ordering::Relaxed) == here::thread();
        let places = || lock(&self.places);
        self.exit().is_none() && (ends() || places().iter().any(is_driven))
    }

    /// How the tree ended, if it has.
    pub(crate) fn exit(&self) -> Option<Exit> {
        lock(&self.state).exit.clone()
    }

    /// Whether the root has ended, and that is not known yet.
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.state).pending.is_some()
    }

    /// Makes the end known, once. The exit, if this call did it.
    pub(crate) fn finish(&self) -> Option<Exit> {
        let mut state = lock(&self.state);
        let exit = state.pending.take()?;
        let places = lock(&self.places).clone(); // before whoever waits for the end takes them
        state.exit = Some(exit.clone());
        let hooks = std::mem::take(&mut state.hooks);
        drop(state);
        for sitting in &*lock(&self.sittings) {
            sitting.end();
        }
        self.registry.end();
        // The loop of the root has ended, or is lost: what comes there in its next life is another tree's.
        for place in places {
            if place != self.home {
                place.gate().call_in_some_life(Local::tree_ended);
            }
        }
        self.ended.notify_all();
        for hook in hooks {
            let exit = exit.clone();
            let _ = here::guard(move || hook(exit));
        }
        Some(exit)
    }
}

/// Tells localities whether there are more of them than processors: of those that have a loop, or get one.
fn tell_crowded(places: &[Locality]) {
    let crowded = places.iter().filter(|place| place.is_live()).count() > processors();
    for place in places {
        place.gate().crowded.store(crowded, Ordering::Relaxed);
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("App").field(&self.root()).finish()
    }
}

/// How long the picture of a tree waits for a locality.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Sim;
    use crate::*;

    struct Part;
    impl Actor for Part {}

    fn group(name: &'static str) -> Supervisor {
        Supervisor::one_for_one(name)
    }

    #[test]
    fn the_end_of_a_tree_reaches_a_loop_that_was_lost_before() {
        let mut sim = Sim::new(1);
        let [home, far] = ["home", "far"].map(|name| sim.locality(name));
        let at = far.reserve();
        let part = group("far").on(&far, move |s| s.child(Child::new("part", || Part).at(at)));
        sim.start(group("app").child(part)).expect("a sound tree");
        sim.run_until_idle();
        sim.lose(&far);
        sim.lose(&home);
        sim.open(far);
        sim.run_until_idle();
        assert_eq!(at.address().state(), Lifecycle::Gone);
    }

    /// Another tree has come to the loop of its supervisor later.
    #[test]
    fn a_loop_that_is_added_is_of_the_tree_that_has_added_it() {
        let mut sim = Sim::new(1);
        let [_, _, far, more] = ["a", "b", "far", "more"].map(|name| sim.locality(name));
        let [a, b] = ["a", "b"].map(|name| {
            let part = group("part").on(&far, |s| s);
            sim.start(group(name).child(part)).expect("a sound tree")
        });
        sim.run_until_idle();
        let admin = a.tree().nodes[1].address.admin();
        let place = more.clone();
        let start = StartChild::new(move || group("added").on(&place, |s| s));
        let started = sim.block_on(admin.ask(start, Duration::from_secs(1)));
        assert!(matches!(started, Some(Ok(Ok(_)))), "{started:?}");
        assert_eq!(a.tree().nodes[2].state, "running");
        let is_of = |app: &App| lock(&app.shared.places).contains(&more);
        assert_eq!([&a, &b].map(is_of), [true, false]);
    }

    /// The closure of a subtree is called by the check, and each time the subtree is built.
    #[test]
    fn a_loop_that_the_check_has_not_seen_is_of_the_tree_all_the_same() {
        for name in ["home", "mid"] {
            let mut sim = Sim::new(1);
            let all = ["home", "mid", "more"].map(|name| sim.locality(name));
            let built = all.iter().find(|place| place.name() == name);
            let (more, mut calls) = (all[2].clone(), 0);
            let part = group("part").on(built.expect("one of them"), move |s| {
                calls += 1;
                match calls {
                    1 => s,
                    _ => s.child(group("below").on(&more, |s| s)),
                }
            });
            let app = sim.start(group("app").child(part)).expect("a sound tree");
            sim.run_until_idle();
            let nodes = app.tree().nodes;
            let below = nodes.iter().find(|node| node.name == "below");
            assert_eq!(below.map(|below| below.state), Some("running"), "on {name}");
            assert!(lock(&app.shared.places).contains(&all[2]), "on {name}");
        }
    }

    /// Each has a thread, which is joined, and a line in pictures.
    #[test]
    fn a_loop_that_has_ended_is_forgotten_when_the_next_one_comes() {
        let driver = Driver::new(Arc::new(std::thread::current()), Clock::real());
        driver.open(&Locality::new("main")).unwrap();
        let app = driver.start(Supervisor::one_for_one("app")).unwrap();
        let turn_until = |done: &dyn Fn() -> bool| {
            while !done() {
                driver.run_until_idle();
                std::thread::yield_now();
            }
        };
        for _ in 0..5 {
            let far = ThreadLoop::spawn("far").unwrap();
            let place = far.clone();
            let part = move || {
                Supervisor::one_for_one("part")
                    .temporary()
                    .on(&place, |s| s)
            };
            let started = app.root().admin().ask(StartChild::new(part), Duration::MAX);
            turn_until(&|| far.is_placed());
            let picture = std::thread::spawn({
                let app = app.clone();
                move || app.tree().localities.len()
            });
            turn_until(&|| picture.is_finished());
            assert_eq!(picture.join().unwrap(), 2);
            assert!(lock(&app.shared.places).len() <= 2);
            let end = app.root().admin();
            let ended = end.ask(TerminateChild::named("part"), Duration::MAX);
            turn_until(&|| far.is_over());
            drop((started, ended));
        }
        app.shutdown();
        turn_until(&|| app.shared.exit().is_some());
    }
}
