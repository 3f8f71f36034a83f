//! The backends, one line each, and what a body may ask of one.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rotor_core::*;
use rotor_glib::GlibLoop;
use rotor_mio::MioLoop;
use rotor_smol::SmolLoop;

use crate::log::Log;
use crate::puppet::chain;
use crate::world::World;

/// Every backend: a further one is one line.
pub const BACKENDS: &[&dyn Backend] = &[
    &Looped {
        name: "loop-less",
        signs: true,
        counts: false,
        run: loop_less,
        serve: serve_loop_less,
        spawn: spawn_loop_less,
        world: || World::stepped("driver"),
    },
    &Looped {
        name: "thread",
        signs: false,
        counts: false,
        run: thread,
        serve: || ThreadLoop::new().serve(),
        spawn: |name| ThreadLoop::spawn(name),
        world: World::threaded,
    },
    &Looped {
        name: "mio",
        signs: false,
        counts: true,
        run: mio,
        serve: || MioLoop::new()?.serve(),
        spawn: |name| MioLoop::spawn(name),
        world: || World::stepped("mio"),
    },
    &Looped {
        name: "glib",
        signs: true,
        counts: true,
        run: glib,
        serve: || GlibLoop::new().serve(),
        spawn: |name| GlibLoop::spawn(name),
        world: || World::stepped("glib"),
    },
    &Looped {
        name: "smol",
        signs: false,
        counts: false,
        run: smol,
        serve: || SmolLoop::new().serve(),
        spawn: |name| SmolLoop::spawn(name),
        world: || World::stepped("smol"),
    },
];

/// What a body needs of a backend. Bodies run on a thread of their own, with a time limit.
pub trait Backend: Sync {
    /// Its name, for failures.
    fn name(&self) -> &'static str;
    /// Whether the observer of its trees asks for senders: all must hold with and without.
    fn signs(&self) -> bool;
    /// The same for counts.
    fn counts(&self) -> bool;
    /// Makes a loop on this thread, builds a tree for its locality and runs that until it ends.
    fn run_tree(&self, build: Build<'_>) -> std::result::Result<Exit, StartError>;
    /// Makes a loop on this thread, and has it serve until nobody can use it.
    fn serve(&self) -> std::result::Result<Exit, StartError>;
    /// Makes a locality with a loop on a thread of its own.
    fn spawn_locality(&self, name: &'static str) -> std::io::Result<Locality>;
    /// Loops whose time the body moves.
    fn world(&self) -> World;
}

/// Builds a tree for a locality.
pub type Build<'a> = &'a mut dyn FnMut(&Locality) -> Supervisor;

struct Looped {
    name: &'static str,
    signs: bool,
    counts: bool,
    run: fn(Build<'_>) -> std::result::Result<Exit, StartError>,
    serve: fn() -> std::result::Result<Exit, StartError>,
    spawn: fn(&'static str) -> std::io::Result<Locality>,
    world: fn() -> World,
}

impl Backend for Looped {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signs(&self) -> bool {
        self.signs
    }

    fn counts(&self) -> bool {
        self.counts
    }

    fn run_tree(&self, build: Build<'_>) -> std::result::Result<Exit, StartError> {
        (self.run)(build)
    }

    fn serve(&self) -> std::result::Result<Exit, StartError> {
        (self.serve)()
    }

    fn spawn_locality(&self, name: &'static str) -> std::io::Result<Locality> {
        (self.spawn)(name)
    }

    fn world(&self) -> World {
        (self.world)()
    }
}

/// What came of a tree.
pub struct Played {
    pub exit: Exit,
    /// `type to reason`, in the order in which it was noticed.
    pub undelivered: Vec<(String, Reason)>,
    /// `name: exit` of every instance, in order of its end; also of those that could not start.
    pub exits: Vec<String>,
    /// How many clients were left behind by their services.
    pub unlinked: usize,
}

impl dyn Backend + '_ {
    /// Runs a tree that must end in order.
    pub fn run(&self, build: impl FnOnce(&Locality) -> Supervisor) -> Played {
        self.try_run(build).expect("a sound tree")
    }

    /// Runs a tree of which nothing may be left: no message undelivered, no puppet alive, and
    /// which ends because a significant child has ended in order.
    pub fn run_clean(&self, log: &Log, build: impl FnOnce(&Locality) -> Supervisor) -> Played {
        let played = self.run(build);
        let what = format!(
            "{}; exits: {:?}; log: {:?}",
            chain(&played.exit),
            played.exits,
            log.all()
        );
        assert_eq!(played.undelivered, [], "undelivered; {what}");
        assert!(!played.exit.is_failure(), "{what}");
        assert_eq!(log.live(), 0, "puppets are left; {what}");
        played
    }

    /// Runs a tree, if it is sound.
    pub fn try_run(
        &self,
        build: impl FnOnce(&Locality) -> Supervisor,
    ) -> std::result::Result<Played, StartError> {
        let watch = Arc::new(Watch {
            signs: self.signs(),
            counts: self.counts(),
            seen: Mutex::default(),
        });
        let mut build = Some(build);
        let observer = watch.clone();
        let exit = self.run_tree(&mut |here| {
            let build = build.take().expect("a tree is built once");
            build(here).observer(observer.clone())
        })?;
        let seen = std::mem::take(&mut *watch.seen.lock().unwrap());
        // What an actor asserts is the body's: a restart must not hide it.
        let asserts = |exit: &&String| exit.contains("assertion") || exit.contains("called `");
        let wrong: Vec<_> = seen.exits.iter().filter(asserts).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        Ok(Played {
            exit,
            undelivered: seen.undelivered,
            exits: seen.exits,
            unlinked: seen.unlinked,
        })
    }

    /// A locality with a loop on a thread of its own.
    pub fn spawn(&self, name: &'static str) -> Locality {
        self.spawn_locality(name).expect("a thread can be started")
    }
}

impl Played {
    /// The undelivered messages of one reason, by the last part of their type's name.
    pub fn lost(&self, reason: Reason) -> Vec<&str> {
        let of_reason = self.undelivered.iter().filter(|(_, r)| *r == reason);
        of_reason.map(|(name, _)| name.as_str()).collect()
    }
}

/// Notes what would go unnoticed.
struct Watch {
    signs: bool,
    counts: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    undelivered: Vec<(String, Reason)>,
    exits: Vec<String>,
    unlinked: usize,
}

impl Observer for Watch {
    fn wants_sender(&self) -> bool {
        self.signs
    }

    fn wants_counts(&self) -> bool {
        self.counts
    }

    fn undelivered(&self, what: &Undeliverable) {
        let name = what.message.rsplit("::").next().unwrap_or_default();
        if name != "Stale" {
            let all = std::iter::repeat_n((name.to_owned(), what.reason), what.times as usize);
            self.seen.lock().unwrap().undelivered.extend(all);
        }
    }

    fn start_failed(&self, who: Address, name: &str, exit: &Exit) {
        self.exited(who, name, exit);
    }

    fn unlinked(&self, _: Address, _: Address) {
        self.seen.lock().unwrap().unlinked += 1;
    }

    fn exited(&self, _: Address, name: &str, exit: &Exit) {
        self.seen
            .lock()
            .unwrap()
            .exits
            .push(format!("{name}: {}", chain(exit)));
    }
}

/// A wake for a thread that waits by itself.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<bool>,
    waiting: Condvar,
}

impl Wake for Bell {
    fn wake(&self) {
        *self.rung.lock().unwrap() = true;
        self.waiting.notify_one();
    }
}

impl Bell {
    /// Waits for a wake, or for a time.
    pub fn wait(&self, until: Option<Instant>) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = match until {
                None => self.waiting.wait(rung).unwrap(),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.waiting.wait_timeout(rung, left).unwrap().0
                }
            };
        }
        *rung = false;
    }
}

/// A driver that is turned by hand: nobody waits for its bell.
pub fn driver() -> Driver {
    Driver::new(Arc::new(Bell::default()), Clock::real())
}

/// Turns a driver until it is done.
pub fn drive(driver: &Driver, bell: &Bell) -> Exit {
    loop {
        match driver.run_until_idle() {
            Turn::Done(exit) => return exit,
            Turn::Park(until) => bell.wait(until),
            turn => unreachable!("{turn:?}"),
        }
    }
}

fn loop_less(build: Build<'_>) -> std::result::Result<Exit, StartError> {
    let bell = Arc::new(Bell::default());
    let driver = Driver::new(bell.clone(), Clock::real());
    let here = Locality::new("here");
    driver.open(&here).expect("a fresh locality");
    if driver.is_nested() {
        return Err(StartError::Nested);
    }
    let app = driver.start(build(&here))?;
    let exit = drive(&driver, &bell);
    drop(driver);
    let same = app.wait().expect("no loop is left on this thread"); // for the threads of the tree
    assert_eq!(same.to_string(), exit.to_string());
    Ok(exit)
}

fn spawn_loop_less(name: &'static str) -> std::io::Result<Locality> {
    Locality::spawn(name, |locality| {
        serve(locality).map(drop).map_err(std::io::Error::other)
    })
}

fn serve_loop_less() -> std::result::Result<Exit, StartError> {
    serve(Locality::new("here"))
}

fn serve(locality: Locality) -> std::result::Result<Exit, StartError> {
    let bell = Arc::new(Bell::default());
    let driver = Driver::new(bell.clone(), Clock::real());
    driver.open(&locality).expect("a fresh locality");
    drop(locality);
    if driver.is_nested() {
        return Err(StartError::Nested);
    }
    driver.host();
    Ok(drive(&driver, &bell))
}

fn thread(build: Build<'_>) -> std::result::Result<Exit, StartError> {
    let main = ThreadLoop::new();
    let tree = build(main.locality());
    main.run(tree)
}

fn mio(build: Build<'_>) -> std::result::Result<Exit, StartError> {
    let main = MioLoop::new()?;
    let tree = build(main.locality());
    main.run(tree)
}

fn glib(build: Build<'_>) -> std::result::Result<Exit, StartError> {
    let main = GlibLoop::new();
    let tree = build(main.locality());
    main.run(tree)
}

fn smol(build: Build<'_>) -> std::result::Result<Exit, StartError> {
    let main = SmolLoop::new();
    let tree = build(main.locality());
    main.run(tree)
}
