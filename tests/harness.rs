//! Runs every body on every backend and on every mixed pair.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{LazyLock, Mutex, OnceLock};
use std::time::Duration;

use crate::backend::{BACKENDS, Backend};
use crate::log::{Log, Logs};
use crate::world::World;

/// Bodies that fail because of an open bug: name, where (see [`is_at`]), and what is wrong. The
/// run fails when one of them passes, unless the text begins with `sometimes: `.
pub const KNOWN_FAILING: &[(&str, &str, &str)] = &[];

/// How long a body may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(20);
/// The same for one that is known to fail, or that has hung before.
const SHORT: Duration = Duration::from_secs(2);
/// How many seeds each simulation is run with.
const SEEDS: u64 = 8;

/// A test: a name, and what it needs.
#[derive(Clone, Copy)]
pub struct Body {
    pub name: &'static str,
    /// Its function: a body that proves several rules has a name for each.
    pub function: &'static str,
    pub run: Run,
}

/// What a body runs on.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each file uses some of them")]
pub enum Run {
    /// Each backend.
    Each(fn(&dyn Backend)),
    /// Each pair of backends: the first runs the root, the second a locality of its own.
    Pair(fn(&dyn Backend, &dyn Backend)),
    /// Virtual time, with several seeds.
    Sim(fn(u64)),
    /// A clock that the body moves: each backend, and the simulation with several seeds.
    World(fn(&mut World)),
}

/// Lists the bodies of a file, and makes a test of each: `name as another` is a test under each name.
macro_rules! bodies {
    ($($kind:ident: [$($name:ident $(as $other:ident)*),* $(,)?])*) => {
        pub const BODIES: &[crate::harness::Body] = &[$($(
            crate::harness::Body {
                name: stringify!($name),
                function: stringify!($name),
                run: crate::harness::Run::$kind($name),
            },
            $(crate::harness::Body {
                name: stringify!($other),
                function: stringify!($name),
                run: crate::harness::Run::$kind($name),
            },)*
        )*)*];

        mod on_every_backend {
            $($(
                #[test]
                fn $name() {
                    crate::harness::check(stringify!($name));
                }
                $(#[test]
                fn $other() {
                    crate::harness::check(stringify!($other));
                })*
            )*)*
        }
    };
}
pub(crate) use bodies;

/// One run: on which backends, or with which seed.
#[derive(Clone, Copy)]
struct Cell {
    body: Body,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    One(usize),
    Two(usize, usize),
    Seed(u64),
}

type Outcome = Result<(), String>;

/// Bodies that have hung: the next place need not take as long.
static HUNG: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

struct Table {
    cells: Vec<(Cell, OnceLock<Outcome>)>,
    by_body: HashMap<&'static str, Vec<usize>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let (mut cells, mut by_body) = (Vec::new(), HashMap::<_, Vec<_>>::new());
    for body in all_bodies() {
        let before = by_body.len();
        let mine = by_body.entry(body.name).or_default();
        assert!(mine.is_empty(), "two bodies are named {}", body.name);
        for place in body.places() {
            mine.push(cells.len());
            cells.push((Cell { body, place }, OnceLock::new()));
        }
        assert_eq!(by_body.len(), before + 1);
    }
    for (name, ..) in KNOWN_FAILING {
        assert!(by_body.contains_key(name), "no body is named {name}");
    }
    Table { cells, by_body }
});

fn all_bodies() -> impl Iterator<Item = Body> {
    crate::FILES.iter().flat_map(|file| file.iter()).copied()
}

impl Body {
    /// Whether it runs on the loops of every backend, not in simulations alone.
    pub fn is_on_every_backend(self) -> bool {
        !matches!(self.run, Run::Sim(_))
    }

    fn places(self) -> Vec<Place> {
        let n = BACKENDS.len();
        match self.run {
            Run::Each(_) => (0..n).map(Place::One).collect(),
            Run::Pair(_) => (0..n * n).map(|i| Place::Two(i / n, i % n)).collect(),
            Run::Sim(_) => (1..=SEEDS).map(Place::Seed).collect(),
            Run::World(_) => {
                let seeds = (1..=SEEDS).map(Place::Seed);
                (0..n).map(Place::One).chain(seeds).collect()
            }
        }
    }
}

impl Cell {
    fn place_name(self) -> String {
        match self.place {
            Place::One(i) => BACKENDS[i].name().to_owned(),
            Place::Two(i, j) => format!("{}+{}", BACKENDS[i].name(), BACKENDS[j].name()),
            Place::Seed(seed) => format!("seed {seed}"),
        }
    }

    fn known(self) -> Option<&'static str> {
        let place = self.place_name();
        let known = KNOWN_FAILING
            .iter()
            .find(|(name, at, _)| *name == self.body.name && is_at(&place, at));
        known.map(|(.., why)| *why)
    }

    fn call(self) {
        match (self.body.run, self.place) {
            (Run::Each(f), Place::One(i)) => f(BACKENDS[i]),
            (Run::Pair(f), Place::Two(i, j)) => f(BACKENDS[i], BACKENDS[j]),
            (Run::Sim(f), Place::Seed(seed)) => f(seed),
            (Run::World(f), Place::One(i)) => f(&mut BACKENDS[i].world()),
            (Run::World(f), Place::Seed(seed)) => f(&mut World::simulated(seed)),
            _ => unreachable!("places are made for their body"),
        }
    }

    /// Runs the body on a thread of its own, so that one that hangs is a failure.
    fn run(self) -> Outcome {
        let (told, done) = mpsc::channel();
        let logs = Logs::default();
        let theirs = logs.clone();
        let body = std::thread::Builder::new().name(self.body.name.to_owned());
        let body = body.spawn(move || {
            Log::collect_into(theirs);
            let result = catch_unwind(AssertUnwindSafe(|| self.call()));
            let _ = told.send(result.map_err(|payload| {
                let text = payload.downcast_ref::<String>().cloned();
                let text = text.or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string()));
                text.unwrap_or_else(|| "a panic without text".to_owned())
            }));
        });
        let body = body.expect("a thread can be started");
        let hung = HUNG.lock().unwrap().contains(self.body.name);
        let limit = if hung || self.known().is_some() {
            SHORT
        } else {
            LIMIT
        };
        let outcome = match done.recv_timeout(limit) {
            Ok(outcome) => {
                body.join().expect("its panic was caught");
                outcome
            }
            Err(RecvTimeoutError::Timeout) => {
                HUNG.lock().unwrap().insert(self.body.name);
                let logs = logs.lock().unwrap();
                let said: Vec<_> = logs.iter().map(Log::all).collect();
                Err(format!(
                    "has not ended after {limit:?}; its log so far: {said:?}"
                ))
            }
            Err(RecvTimeoutError::Disconnected) => Err("its thread died".to_owned()),
        };
        match (self.known(), outcome) {
            (None, outcome) => outcome,
            (Some(_), Err(_)) => Ok(()),
            (Some(why), Ok(())) if why.starts_with("sometimes: ") => Ok(()),
            (Some(why), Ok(())) => Err(format!("passes now: take it out of KNOWN_FAILING ({why})")),
        }
        .map_err(|text| {
            let text = text.replace('\n', " ");
            format!("{} on {}: {text}", self.body.name, self.place_name())
        })
    }
}

/// Whether a place is meant: `*` is any, `*+b` any pair with `b` as the second.
fn is_at(place: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => place.ends_with(end),
        None => place == pattern,
    }
}

/// Runs a body wherever it must run; a failure names the place.
pub fn check(name: &str) {
    let table = &*TABLE;
    let cells = table
        .by_body
        .get(name)
        .expect("the file is listed in FILES");
    let failures: Vec<&str> = cells
        .iter()
        .filter_map(|&i| {
            let (cell, outcome) = &table.cells[i];
            outcome
                .get_or_init(|| cell.run())
                .as_ref()
                .err()
                .map(String::as_str)
        })
        .collect();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

#[test]
fn every_body_runs_on_every_backend() {
    let (mut each, mut pairs, mut sims, mut worlds) = (0, 0, 0, 0);
    for body in all_bodies() {
        match body.run {
            Run::Each(_) => each += 1,
            Run::Pair(_) => pairs += 1,
            Run::Sim(_) => sims += 1,
            Run::World(_) => worlds += 1,
        }
    }
    let mut runs = 0;
    let mut failed = Vec::new();
    for (cell, outcome) in &TABLE.cells {
        match outcome.get_or_init(|| cell.run()) {
            Ok(()) => runs += 1,
            Err(_) => failed.push(format!("{} on {}", cell.body.name, cell.place_name())),
        }
    }
    let m = BACKENDS.len();
    println!("{each} bodies x {m} backends = {} runs", each * m);
    println!(
        "{pairs} bodies x {} pairs of backends = {} runs",
        m * m,
        pairs * m * m
    );
    println!(
        "{sims} bodies x {SEEDS} seeds = {} runs",
        sims * SEEDS as usize
    );
    let in_worlds = worlds * (m + SEEDS as usize);
    println!("{worlds} bodies x ({m} backends + {SEEDS} seeds) = {in_worlds} runs");
    println!(
        "{} bodies, {} runs in all",
        each + pairs + sims + worlds,
        runs + failed.len()
    );
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(
        runs,
        each * m + pairs * m * m + sims * SEEDS as usize + in_worlds
    );
}
