//! Virtual time: any number of localities in one thread, with a seeded order.

#![expect(unsafe_code)]

mod link;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use crate::actor::{Actor, Handler};
use crate::address::{Addr, Address};
use crate::app::App;
use crate::child::Child;
use crate::clock::Clock;
use crate::context::Context;
use crate::driver::{Budget, Driver, Turn};
use crate::entrance::Wake;
use crate::error::{Result, StartError};
use crate::gate::Gate;
use crate::here::{self, Reach};
use crate::locality::{Local, Locality};
use crate::lock::lock;
use crate::message::LOCALITY;
use crate::observe::{Losses, Undeliverable};
use crate::random::Random;
use crate::recipient::Recipient;
use crate::slot::State;
use crate::supervisor::Supervisor;
use crate::topic::Topic;
use link::Link;

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
    /// Dropped before the drivers, which reject what was under way.
    links: Vec<Link>,
    drivers: Vec<Stepped>,
    clock: Clock,
    random: Random,
    seed: u64,
    /// The seed of what the locality draws that was opened last.
    source: u64,
    /// Steps at one time after which the tree never comes to rest.
    endless: u64,
    /// What was undelivered, if that is a failure.
    losses: Option<Losses>,
}

#[derive(Debug)]
struct Stepped {
    locality: Locality,
    driver: Driver,
    ready: Arc<Flag>,
    used: bool,
}

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The steps at one time, and of the last of them whose they were.
#[derive(Default)]
struct Unrest {
    steps: u64,
    busy: HashMap<(usize, u32), u64>,
}

/// How many of the last of these steps are looked at for who is busy.
const LOOKED_AT: u64 = 10_000;

impl Sim {
    /// An empty simulation.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// struct Dice(u32);
    /// impl Actor for Dice {}
    /// /// Who is first, of two that are sent something at the same time on two loops.
    /// fn order(seed: u64) -> Vec<u32> {
    ///     let mut sim = Sim::new(seed);
    ///     let (a, b) = (sim.locality("a"), sim.locality("b"));
    ///     let probe = sim.probe();
    ///     let (out, a, b) = (probe.recipient(), a.reserve(), b.reserve());
    ///     for (dice, n) in [(a, 1), (b, 2)] {
    ///         let child = Child::new("dice", move || Dice(n)).at(dice);
    ///         sim.start(Supervisor::one_for_one("app").child(child)).expect("a sound tree");
    ///         dice.send(out);
    ///     }
    ///     sim.run_until_idle();
    ///     probe.take()
    /// }
    /// # impl Handler<Recipient<u32>> for Dice {
    /// #     fn handle(&mut self, out: Recipient<u32>, _: &mut Context<Self>) { out.send(self.0) }
    /// # }
    /// assert_eq!(order(7), order(7)); // the same seed, the same run
    /// assert!((0..20).any(|seed| order(seed) != order(7))); // another one may differ
    /// ```
    pub fn new(seed: u64) -> Self {
        Sim {
            links: Vec::new(),
            drivers: Vec::new(),
            clock: Clock::manual(),
            random: Random::of(seed),
            source: seed,
            seed,
            endless: 10_000_000,
            losses: None,
        }
    }

    /// Makes it a failure when a message cannot be delivered, from now on: the step that notices it
    /// panics.
    ///
    /// Everything counts that an observer is told as undelivered, late answers too.
    ///
    /// # Examples
    /// ```should_panic
    /// use rotor_core::{sim::Sim, *};
    /// let mut sim = Sim::new(1);
    /// sim.strict();
    /// let prices = sim.locality("here").topic::<u32>();
    /// prices.publish(3); // nobody has subscribed
    /// sim.run_until_idle();
    /// ```
    pub fn strict(&mut self) {
        self.losses.get_or_insert_default();
        for stepped in &self.drivers {
            self.note_losses(&stepped.locality);
        }
    }

    /// Makes a locality with a driver of its own.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// let mut sim = Sim::new(1);
    /// let (ui, disk) = (sim.locality("ui"), sim.locality("disk")); // two loops, one thread
    /// sim.start(Supervisor::one_for_one("app") // on the first
    ///     .child(Supervisor::one_for_one("files").on(&disk, |s| s)))?;
    /// sim.run_until_idle();
    /// assert!(ui.slices() > 0 && disk.slices() > 0);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn locality(&mut self, name: impl Into<Cow<'static, str>>) -> Locality {
        let locality = Locality::new(name);
        self.open(locality.clone());
        locality
    }

    /// Drives a locality that was made elsewhere, or reopens one whose loop was
    /// [lost](Self::lose).
    ///
    /// # Panics
    /// If another driver has it open, or it has ended, which it also has when it was lost while nothing
    /// lived there.
    ///
    /// # Examples
    /// For a program that makes its localities itself:
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// struct Places { ui: Locality, disk: Locality }
    /// fn tree(places: &Places) -> Supervisor {
    ///     Supervisor::one_for_one("app")
    ///         .child(Supervisor::one_for_one("files").on(&places.disk, |s| s))
    /// }
    /// let places = Places { ui: Locality::new("ui"), disk: Locality::new("disk") };
    /// let mut sim = Sim::new(1);
    /// sim.open(places.ui.clone());
    /// sim.open(places.disk.clone());
    /// let app = sim.start(tree(&places))?;
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().nodes[1].locality, "disk");
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn open(&mut self, locality: Locality) {
        let ready = Arc::new(Flag::default());
        let driver = Driver::new(ready.clone(), self.clock.clone());
        self.source = self.source.wrapping_add(0xD1B5_4A32_D192_ED03);
        let random = Random::of(self.source);
        let opened = driver.open_with(&locality, random);
        if let Err(error) = opened {
            panic!("locality {} cannot be opened: {error}", locality.name());
        }
        set_reach(&locality, Reach::Outside);
        self.note_losses(&locality);
        ready.wake();
        self.drivers.push(Stepped {
            locality,
            driver,
            ready,
            used: false,
        });
    }

    /// Drops the driver of a locality, as if its thread had died.
    ///
    /// One on which nothing lives, and no subtree is placed, has nothing to lose: it ends, as with any
    /// driver that is dropped, and cannot be opened again.
    ///
    /// Whoever is started there again fails at once, until [`open`](Self::open) is called: a tree that is
    /// to outlive the loss needs a [backoff](crate::Supervisor::backoff), and the intensity for its attempts, or
    /// it gives up.
    ///
    /// # Panics
    /// If this simulation does not drive it: it is lost already, or of another simulation.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let (home, far) = (sim.locality("home"), sim.locality("far"));
    /// let worker = far.reserve();
    /// let app = sim.start(Supervisor::one_for_one("app").child(Supervisor::one_for_one("away")
    ///     .on(&far, move |s| s.child(Child::new("worker", || Worker).at(worker)))))?;
    /// sim.run_until_idle();
    /// sim.lose(&far); // as if its thread had died
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().ended.unwrap().root_cause().to_string(), "locality far was lost");
    /// # let _ = home;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lose(&mut self, locality: &Locality) {
        let (lost, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.drivers)
            .into_iter()
            .partition(|stepped| stepped.locality == *locality);
        self.drivers = kept;
        assert!(
            !lost.is_empty(),
            "locality {} cannot be lost: this simulation does not drive it",
            locality.name()
        );
        self.set_reach(Reach::Itself);
        self.during(locality.gate(), |_| drop(lost));
        self.set_reach(Reach::Outside);
        // Rejected, as what had arrived was: nothing of an earlier life reaches a later one.
        let to_it = self.links.iter_mut().filter(|link| link.to == *locality);
        to_it.for_each(Link::cut_short);
    }

    /// Has an actor panic in the place of its `n`th message from now on; 1 is the next one. That
    /// message is lost with the instance, as by a panic of its handler.
    ///
    /// Counted are messages, timers, answers and progress of futures, also over restarts, but not
    /// what supervisors send. Several may wait for one actor.
    ///
    /// # Panics
    /// If `n` is 0, or if no locality of this simulation has the address.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Sum(u32);
    /// impl Actor for Sum {}
    /// impl Handler<u32> for Sum {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.0 += n }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let sum = sim.locality("here").reserve();
    /// sim.start(Supervisor::one_for_one("test").child(Child::new("sum", || Sum(0)).at(sum)))?;
    /// sim.panic_at(sum.address(), 2);
    /// for n in [1, 2, 4, 8] {
    ///     sum.send(n);
    /// }
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(sum, |sum| sum.0), Some(4 + 8)); // of the second instance
    /// # Ok(())
    /// # }
    /// ```
    pub fn panic_at(&mut self, actor: Address, n: u32) {
        assert!(n > 0, "the first message is number 1, not 0");
        let known = self.local(actor.gate(), |local| {
            let slot = local.find(actor)?;
            local.panic_at(slot, n);
            Some(())
        });
        assert!(
            known.is_some(),
            "no locality of this simulation has {actor:?}"
        );
    }

    /// Makes what one locality hands over to another arrive this much later, from now on; zero is
    /// at once again. Order is kept, as between real loops. Supervision takes this way, too, but
    /// for removal by force. It holds while the simulation drives both, also if it [opens](Self::open) one
    /// later, or again.
    ///
    /// # Panics
    /// If both are the same, or if another loop drives one of them.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Relay { to: Recipient<u32> }
    /// impl Actor for Relay {}
    /// impl Handler<u32> for Relay {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.to.send(n) }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let (here, probe) = (sim.locality("here"), sim.probe());
    /// let (relay, to) = (here.reserve(), probe.recipient());
    /// sim.start(Supervisor::one_for_one("test")
    ///     .child(Child::new("relay", move || Relay { to }).at(relay)))?;
    /// sim.delay(&here, probe.locality(), Duration::from_millis(20));
    /// relay.send(7);
    /// sim.run_for(Duration::from_millis(19));
    /// assert_eq!(probe.take(), []);
    /// sim.run_for(Duration::from_millis(1));
    /// assert_eq!(probe.take(), [7]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn delay(&mut self, from: &Locality, to: &Locality, by: Duration) {
        assert!(
            from != to,
            "a locality has no way to itself: name two different ones"
        );
        for end in [from, to] {
            let is_elsewhere = end.is_open() && !self.drives(end);
            assert!(
                !is_elsewhere,
                "no way from or to locality {} can be delayed: another loop drives it",
                end.name()
            );
        }
        let known = self
            .links
            .iter()
            .position(|link| (&link.from, &link.to) == (from, to));
        let at = known.unwrap_or_else(|| {
            self.links.push(Link::new(from.clone(), to.clone()));
            self.links.len() - 1
        });
        self.links[at].set_delay(by);
    }

    /// Starts a tree on the first locality that has none yet.
    ///
    /// # Errors
    /// What is wrong with the tree; [`StartError::NoLocality`] and [`StartError::NoneFree`] if there is no
    /// locality for it.
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # struct Part;
    /// # impl Actor for Part {}
    /// let mut sim = Sim::new(1);
    /// sim.locality("here");
    /// let app = sim.start(Supervisor::one_for_one("test").child(Child::new("part", || Part)))?;
    /// assert_eq!(app.root().state(), Lifecycle::Waiting); // nothing has run yet
    /// sim.run_until_idle();
    /// assert_eq!(app.root().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn start(&mut self, tree: Supervisor) -> Result<App, StartError> {
        let Some(stepped) = self.drivers.iter_mut().find(|stepped| !stepped.used) else {
            let all = &self.drivers;
            return Err(match all.is_empty() {
                true => StartError::NoLocality,
                false => StartError::NoneFree {
                    ended: all.iter().all(|stepped| stepped.driver.is_done()),
                },
            });
        };
        let app = stepped.driver.start(tree)?;
        stepped.used = true;
        Ok(app)
    }

    /// The simulated time.
    ///
    /// ```
    /// # use rotor_core::sim::Sim;
    /// # use std::time::Duration;
    /// let mut sim = Sim::new(1);
    /// let before = sim.now();
    /// sim.run_for(Duration::from_secs(86_400));
    /// assert_eq!(sim.now() - before, Duration::from_secs(86_400));
    /// ```
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// When the next timer or limit is due, if any is set. Known when nothing is left to do before.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// struct Retry;
    /// struct Sender;
    /// impl Actor for Sender {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.after(Duration::from_secs(30), Retry);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Retry> for Sender { fn handle(&mut self, _: Retry, _: &mut Context<Self>) {} }
    /// let mut sim = Sim::new(1);
    /// sim.locality("here");
    /// sim.start(Supervisor::one_for_one("test").child(Child::new("sender", || Sender)))?;
    /// sim.run_until_idle();
    /// assert_eq!(sim.next_deadline(), Some(sim.now() + Duration::from_secs(30)));
    /// sim.run_for(Duration::from_secs(30));
    /// assert_eq!(sim.next_deadline(), None); // it waits for nothing any more
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn next_deadline(&self) -> Option<Instant> {
        self.clock.next_deadline()
    }

    /// Moves the clock by `by`, from deadline to deadline, running everything on the way. What is
    /// due exactly at the end fires.
    ///
    /// It takes as long as there are deadlines: with a periodic timer of a period of zero, which counts as a
    /// nanosecond, that is a thousand million for each second, so that it does not return in practice.
    ///
    /// # Panics
    /// As [`run_until_idle`](Self::run_until_idle), if the tree does not come to rest at one point in time.
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// #[derive(Clone)] struct Beat;
    /// struct Heart(u32);
    /// impl Actor for Heart {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.every(Duration::from_secs(1), Beat);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Beat> for Heart { fn handle(&mut self, _: Beat, _: &mut Context<Self>) { self.0 += 1 } }
    /// let mut sim = Sim::new(1);
    /// let heart = sim.locality("here").reserve();
    /// sim.start(Supervisor::one_for_one("test").child(Child::new("heart", || Heart(0)).at(heart)))?;
    /// sim.run_for(Duration::from_secs(3600)); // takes no time
    /// assert_eq!(sim.with(heart, |heart| heart.0), Some(3600));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn run_for(&mut self, by: Duration) {
        let end = self.clock.now().checked_add(by);
        loop {
            self.run_until_idle();
            match self.due() {
                Some(due) if end.is_none_or(|end| due <= end) => self.advance_to(due),
                _ => break,
            }
        }
        if let Some(end) = end {
            self.advance_to(end);
        }
        self.run_until_idle();
    }

    /// Runs until the simulation has settled: no message is queued anywhere, no timer is due and no
    /// future is ready, at this time. The clock stands still.
    ///
    /// # Panics
    /// If that takes more than ten million messages; the text names the busiest actors.
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// struct Relay { next: Recipient<u32> }
    /// impl Actor for Relay {}
    /// impl Handler<u32> for Relay {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.next.send(n + 1) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let probe = sim.probe();
    /// # let (first, second) = (here.reserve::<Relay>(), here.reserve());
    /// # let (middle, last) = (second.to(), probe.recipient());
    /// # sim.start(Supervisor::one_for_one("test")
    /// #     .child(Child::new("first", move || Relay { next: middle }).at(first))
    /// #     .child(Child::new("second", move || Relay { next: last }).at(second)))?;
    /// first.send(1);
    /// sim.run_until_idle(); // the whole way, over as many actors as it takes
    /// assert_eq!(probe.take(), [3]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn run_until_idle(&mut self) {
        let mut unrest = Unrest::default();
        while let Some(ran) = self.step_one() {
            self.check_rest(&mut unrest, ran);
        }
    }

    /// Fails if there is no end to the steps at one time.
    fn check_rest(&self, unrest: &mut Unrest, ran: (usize, u32)) {
        unrest.steps += 1;
        if unrest.steps + LOOKED_AT > self.endless {
            *unrest.busy.entry(ran).or_insert(0) += 1;
        }
        assert!(
            unrest.steps < self.endless,
            "seed {}: the tree does not come to rest; of the last {LOOKED_AT} messages went {}",
            self.seed,
            self.busiest(std::mem::take(&mut unrest.busy))
        );
    }

    /// The two actors that were busiest, as text.
    fn busiest(&self, busy: HashMap<(usize, u32), u64>) -> String {
        let mut busy: Vec<_> = busy
            .into_iter()
            .filter(|((_, slot), _)| *slot != LOCALITY)
            .collect();
        busy.sort_unstable_by_key(|&(who, n)| (std::cmp::Reverse(n), who));
        busy.truncate(2);
        let texts = busy.into_iter().map(|((at, slot), n)| {
            let locality = &self.drivers[at].locality;
            let name = |local: Option<&Local>| {
                local.map(|local| local.seat(slot, |seat| seat.name.to_cow()))
            };
            let name = here::with_local(locality.gate(), name).unwrap_or_default();
            format!("{n} to {name} [{}]", locality.name())
        });
        texts.collect::<Vec<_>>().join(" and ")
    }

    fn note_losses(&self, locality: &Locality) {
        let mut losses = lock(&locality.gate().losses);
        losses.clone_from(&self.losses);
    }

    fn check_losses(&self) {
        let Some(losses) = &self.losses else { return };
        let losses = std::mem::take(&mut *lock(losses));
        let texts: Vec<String> = losses.iter().map(|loss| self.text_of(loss)).collect();
        assert!(
            texts.is_empty(),
            "seed {}: undelivered: {}",
            self.seed,
            texts.join("; ")
        );
    }

    fn text_of(&self, loss: &Undeliverable) -> String {
        let from = loss.from.map_or(String::new(), |from| {
            format!(" from {}", self.name_of(from))
        });
        let (message, to) = (loss.message, self.name_of(loss.to));
        format!("{message}{from} to {to}: {}", loss.reason)
    }

    /// Name and locality of an actor; of one that is gone the number of its address.
    fn name_of(&self, address: Address) -> String {
        let here = |stepped: &&Stepped| stepped.locality.gate() == address.gate();
        let Some(stepped) = self.drivers.iter().find(here) else {
            return format!("{address:?}");
        };
        let name = self.local(address.gate(), |local| {
            let name = local.seat(local.find(address)?, |seat| seat.name.to_cow());
            Some(name).filter(|name| !name.is_empty())
        });
        let name = name.unwrap_or_else(|| format!("{address:?}").into());
        format!("{name} [{}]", stepped.locality.name())
    }

    /// Runs one message of one locality. False if there was none, or inside a handler of any loop:
    /// turns do not nest.
    ///
    /// To look at what is between two messages:
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// struct Account(i64);
    /// impl Actor for Account {}
    /// impl Handler<i64> for Account {
    ///     fn handle(&mut self, n: i64, _: &mut Context<Self>) { self.0 += n }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let account = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("test").child(Child::new("account", || Account(0)).at(account)))?;
    /// # sim.run_until_idle();
    /// account.send(10);
    /// account.send(-10);
    /// while sim.step() {
    ///     assert!(sim.with(account, |account| account.0).unwrap() >= 0); // never overdrawn
    /// }
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn step(&mut self) -> bool {
        self.step_one().is_some()
    }

    /// Runs one message; of which locality and slot, if there was one.
    fn step_one(&mut self) -> Option<(usize, u32)> {
        let ran = self.run_one();
        self.check_losses();
        ran
    }

    fn run_one(&mut self) -> Option<(usize, u32)> {
        if here::in_turn() {
            return None; // every turn would be refused
        }
        let ready: Vec<usize> = (0..self.drivers.len())
            .filter(|&i| self.drivers[i].ready.0.load(Ordering::Relaxed))
            .collect();
        if ready.is_empty() {
            return None;
        }
        let pick = ready[(self.random.next() % ready.len() as u64) as usize];
        let gate = self.drivers[pick].locality.gate();
        self.during(gate, |sim| sim.drivers[pick].turn());
        let ran = |local: Option<&Local>| local.map(|local| local.ran.get());
        Some((pick, here::with_local(gate, ran).unwrap_or(LOCALITY)))
    }

    /// Does something that a locality does: what it hands over takes its ways.
    fn during<R>(&mut self, from: &'static Gate, f: impl FnOnce(&mut Self) -> R) -> R {
        self.ways_from(from).for_each(Link::begin);
        let result = f(self);
        let now = self.clock.now();
        self.ways_from(from).for_each(|link| link.end(now));
        result
    }

    /// The ways from a locality to those that are driven here now: what comes to another one is for its own
    /// loop to take, on whatever thread that is.
    fn ways_from(&mut self, from: &'static Gate) -> impl Iterator<Item = &mut Link> {
        let Sim { links, drivers, .. } = self;
        let links = links
            .iter_mut()
            .filter(move |link| link.from.gate() == from);
        links.filter(|link| drivers.iter().any(|stepped| stepped.drives(&link.to)))
    }

    /// Whether it has a locality open.
    fn drives(&self, locality: &Locality) -> bool {
        self.drivers.iter().any(|stepped| stepped.drives(locality))
    }

    /// Looks into a running actor of this simulation. `None` if it does not run, or inside a turn.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// struct Cart { items: Vec<&'static str> }
    /// impl Actor for Cart {}
    /// impl Handler<&'static str> for Cart {
    ///     fn handle(&mut self, item: &'static str, _: &mut Context<Self>) { self.items.push(item) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let cart = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("test")
    /// #     .child(Child::new("cart", || Cart { items: Vec::new() }).at(cart)))?;
    /// cart.send("tea");
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(cart, |cart| cart.items.len()), Some(1));
    /// sim.with(cart, |cart| cart.items.clear()); // or to set something up
    /// # assert_eq!(sim.with(cart, |cart| cart.items.len()), Some(0));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn with<A: Actor, R>(&mut self, addr: Addr<A>, f: impl FnOnce(&mut A) -> R) -> Option<R> {
        if here::in_turn() {
            return None;
        }
        let actor = self.local(addr.address().gate(), |local| {
            let slot = local.find(addr.address())?;
            let runs = local.seat(slot, |seat| seat.state == State::Running);
            NonNull::new(local.slots.actor(slot)).filter(|_| runs)
        })?;
        // SAFETY: the address is valid, so the instance is an `A`. No turn runs on this thread, to
        // which its locality is pinned, so nothing else refers to it.
        Some(f(unsafe { &mut *actor.as_ptr().cast::<A>() }))
    }

    /// Runs the simulation until a future is ready, such as [`Addr::ask`](crate::Addr::ask); the
    /// clock moves from deadline to deadline as needed. `None` if it never gets ready.
    ///
    /// # Panics
    /// As [`run_until_idle`](Self::run_until_idle), if the tree does not come to rest at one time.
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// struct Never;
    /// impl Request for Never { type Reply = (); }
    /// #[derive(Default)] struct Silent { asked: Vec<Ask<Never>> }
    /// impl Actor for Silent {}
    /// impl Handler<Ask<Never>> for Silent {
    ///     fn handle(&mut self, ask: Ask<Never>, _: &mut Context<Self>) { self.asked.push(ask) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let silent = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("test").child(Child::new("silent", Silent::default).at(silent)))?;
    /// let before = sim.now();
    /// let answer = sim.block_on(silent.ask(Never, Duration::from_secs(60)));
    /// assert!(matches!(answer, Some(Err(RequestError::Timeout))));
    /// assert_eq!(sim.now() - before, Duration::from_secs(60)); // of simulated time
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn block_on<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut cx = TaskContext::from_waker(Waker::noop());
        let mut unrest = Unrest::default();
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return Some(output);
            }
            if let Some(ran) = self.step_one() {
                self.check_rest(&mut unrest, ran);
                continue;
            }
            let due = self.due()?;
            self.advance_to(due);
            unrest = Unrest::default();
        }
    }

    /// An address that collects what is sent to it, in a locality of its own.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// struct Fetch(&'static str);
    /// impl Request for Fetch { type Reply = String; }
    /// struct Page { net: Recipient<Ask<Fetch>>, text: String }
    /// impl Actor for Page {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let limit = std::time::Duration::from_secs(5);
    ///         cx.request_from(self.net, Fetch("index"), limit, |me, answer, _| {
    ///             me.text = answer.unwrap_or_else(|error| error.to_string());
    ///         });
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let page = sim.locality("here").reserve();
    /// let requests = sim.probe(); // stands for the network
    /// let net = requests.recipient();
    /// sim.start(Supervisor::one_for_one("test")
    ///     .child(Child::new("page", move || Page { net, text: String::new() }).at(page)))?;
    /// sim.run_until_idle();
    /// let ask: Ask<Fetch> = requests.take().remove(0);
    /// assert_eq!(ask.request.0, "index");
    /// ask.reply("hello".to_owned()); // the test answers
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(page, |page| page.text.clone()).as_deref(), Some("hello"));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn probe<M: Send + 'static>(&mut self) -> Probe<M> {
        self.collect(|_| Ok(()))
    }

    /// Collects what is published to a topic, once it has settled: call
    /// [`run_until_idle`](Self::run_until_idle) first.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::sim::Sim;
    /// let mut sim = Sim::new(1);
    /// let prices = sim.locality("here").topic::<u32>();
    /// let heard = sim.listen(prices);
    /// sim.run_until_idle();
    /// prices.publish(3);
    /// sim.run_until_idle();
    /// assert_eq!(heard.take(), [3]);
    /// ```
    pub fn listen<M: Clone + Send + 'static>(&mut self, topic: Topic<M>) -> Probe<M> {
        self.collect(move |cx| {
            cx.subscribe(topic);
            Ok(())
        })
    }

    fn collect<M: Send + 'static>(
        &mut self,
        start: impl Fn(&mut Context<Collector<M>>) -> Result + 'static,
    ) -> Probe<M> {
        let start: Rc<Begin<M>> = Rc::new(start);
        let log = Rc::new(RefCell::new(Vec::new()));
        let locality = self.locality("probe");
        let addr = locality.reserve();
        let collected = log.clone();
        let stepped = self.drivers.last_mut().expect("made just now");
        stepped.used = true;
        let tree = Supervisor::one_for_one("probe").child(
            Child::new("probe", move || Collector {
                log: collected.clone(),
                start: start.clone(),
            })
            .at(addr),
        );
        let app = stepped.driver.start(tree).expect("a sound tree");
        Probe {
            recipient: addr.to(),
            locality,
            log,
            _app: app,
        }
    }

    fn set_reach(&self, reach: Reach) {
        for stepped in &self.drivers {
            set_reach(&stepped.locality, reach);
        }
    }

    /// Looks into a locality of this simulation.
    fn local<R>(&self, gate: &'static Gate, f: impl FnOnce(&Local) -> Option<R>) -> Option<R> {
        let ours = self
            .drivers
            .iter()
            .any(|stepped| stepped.locality.gate() == gate);
        here::with_local(gate, |local| f(local.filter(|_| ours)?))
    }

    /// When something happens next without a message.
    fn due(&self) -> Option<Instant> {
        let arrivals = self.links.iter().filter_map(Link::due);
        arrivals.chain(self.clock.next_deadline()).min()
    }

    fn advance_to(&mut self, time: Instant) {
        let by = time.saturating_duration_since(self.clock.now());
        self.clock.advance(by);
        let now = self.clock.now();
        self.links.iter_mut().for_each(|link| link.arrive(now));
    }
}

fn set_reach(locality: &Locality, reach: Reach) {
    here::with_local(locality.gate(), |local| {
        // None: its tree has ended, and its driver with it.
        if let Some(local) = local {
            local.reach.set(reach);
        }
    });
}

impl Stepped {
    /// Whether it has the locality open. One whose tree is over has not, though another may have placed
    /// something there, so that it may be opened again.
    fn drives(&self, locality: &Locality) -> bool {
        self.locality == *locality && !self.driver.is_done()
    }

    /// Runs one message.
    fn turn(&mut self) {
        self.ready.0.store(false, Ordering::Relaxed);
        let one = Budget {
            messages: 1,
            time: Duration::MAX,
        };
        if let Turn::Again = self.driver.turn(one) {
            self.ready.wake();
        }
    }
}

/// Runs a test once for each seed, each time in a simulation of its own.
///
/// # Panics
/// As the test does, with the seed before the text.
///
/// # Examples
/// ```
/// use rotor_core::{sim, *};
/// sim::explore(0..100, |sim| {
///     sim.locality("here");
///     sim.start(Supervisor::one_for_one("test")).expect("a sound tree");
///     sim.run_until_idle();
/// });
/// ```
pub fn explore(seeds: impl IntoIterator<Item = u64>, mut test: impl FnMut(&mut Sim)) {
    for seed in seeds {
        if let Err(caught) = here::guard(|| test(&mut Sim::new(seed))) {
            panic!("seed {seed}: {}", caught.text);
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
///
/// ```
/// # use rotor_core::sim::{Probe, Sim};
/// let mut sim = Sim::new(1);
/// let probe: Probe<u32> = sim.probe();
/// probe.recipient().send(7);
/// assert!(probe.take().is_empty()); // it is still on its way
/// sim.run_until_idle();
/// assert_eq!(probe.take(), [7]);
/// ```
#[derive(Debug)]
pub struct Probe<M> {
    recipient: Recipient<M>,
    locality: Locality,
    log: Rc<RefCell<Vec<M>>>,
    _app: App,
}

impl<M: Send + 'static> Probe<M> {
    /// Where to send what it should collect.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// struct Valve { state: Recipient<&'static str> }
    /// impl Actor for Valve {
    ///     fn start(&mut self, _: &mut Context<Self>) -> Result {
    ///         self.state.send("open");
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let states = sim.probe();
    /// let state = states.recipient(); // `Copy`: the factory captures it
    /// sim.start(Supervisor::one_for_one("test").child(Child::new("valve", move || Valve { state })))?;
    /// sim.run_until_idle();
    /// assert_eq!(states.take(), ["open"]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn recipient(&self) -> Recipient<M> {
        self.recipient
    }

    /// The locality that it has for itself.
    ///
    /// To have what it is sent come late:
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// struct Sensor { out: Recipient<u32> }
    /// impl Actor for Sensor {
    ///     fn start(&mut self, _: &mut Context<Self>) -> Result {
    ///         self.out.send(7);
    ///         Ok(())
    ///     }
    /// }
    /// let mut sim = Sim::new(1);
    /// let here = sim.locality("here");
    /// let probe = sim.probe();
    /// let out = probe.recipient();
    /// sim.delay(&here, probe.locality(), Duration::from_secs(2));
    /// sim.start(Supervisor::one_for_one("test").child(Child::new("sensor", move || Sensor { out })))?;
    /// sim.run_for(Duration::from_secs(1));
    /// assert!(probe.take().is_empty());
    /// sim.run_for(Duration::from_secs(1));
    /// assert_eq!(probe.take(), [7]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn locality(&self) -> &Locality {
        &self.locality
    }

    /// Takes what has arrived, in order.
    ///
    /// ```
    /// # use rotor_core::sim::Sim;
    /// let mut sim = Sim::new(1);
    /// let probe = sim.probe();
    /// for n in 1..=3 {
    ///     probe.recipient().send(n);
    /// }
    /// sim.run_until_idle();
    /// assert_eq!(probe.take(), [1, 2, 3]);
    /// assert!(probe.take().is_empty()); // taken
    /// ```
    pub fn take(&self) -> Vec<M> {
        std::mem::take(&mut *self.log.borrow_mut())
    }
}

struct Collector<M> {
    log: Rc<RefCell<Vec<M>>>,
    start: Rc<Begin<M>>,
}

type Begin<M> = dyn Fn(&mut Context<Collector<M>>) -> Result;

impl<M: 'static> Actor for Collector<M> {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        (self.start.clone())(cx)
    }
}

impl<M: 'static> Handler<M> for Collector<M> {
    fn handle(&mut self, message: M, _: &mut Context<Self>) {
        self.log.borrow_mut().push(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo {
        to: Addr<Echo>,
    }

    impl Actor for Echo {}

    impl Handler<()> for Echo {
        fn handle(&mut self, (): (), _: &mut Context<Self>) {
            self.to.send(());
        }
    }

    /// The text says what to do, which depends on why there is none.
    #[test]
    fn a_tree_without_a_locality_is_told_why_there_is_none() {
        let tree = || Supervisor::one_for_one("app");
        let mut sim = Sim::new(1);
        let none = sim.start(tree());
        assert!(matches!(none, Err(StartError::NoLocality)), "{none:?}");
        sim.locality("here");
        let app = sim.start(tree()).expect("a sound tree");
        let all_ended = |told| match told {
            Err(StartError::NoneFree { ended }) => ended,
            other => panic!("{other:?}"),
        };
        assert!(!all_ended(sim.start(tree())));
        app.shutdown();
        sim.run_until_idle();
        assert!(all_ended(sim.start(tree())));
        sim.locality("another");
        assert!(sim.start(tree()).is_ok());
    }

    #[test]
    #[should_panic(expected = "locality idle cannot be opened: the locality has ended")]
    fn a_locality_that_was_lost_with_nothing_on_it_has_ended() {
        let mut sim = Sim::new(1);
        let idle = sim.locality("idle");
        sim.lose(&idle);
        sim.open(idle);
    }

    #[test]
    #[should_panic(expected = "locality far cannot be lost: this simulation does not drive it")]
    fn a_locality_is_lost_once() {
        let mut sim = Sim::new(1);
        let (_, far) = (sim.locality("home"), sim.locality("far"));
        let away = Supervisor::one_for_one("away").on(&far, |s| s);
        sim.start(Supervisor::one_for_one("test").child(away))
            .expect("a sound tree");
        sim.lose(&far);
        sim.lose(&far);
    }

    #[test]
    #[should_panic(expected = "locality far cannot be lost: this simulation does not drive it")]
    fn a_locality_of_another_simulation_is_not_lost() {
        let far = Sim::new(1).locality("far");
        Sim::new(2).lose(&far);
    }

    /// Sends what it gets to an address elsewhere.
    struct Relay(Recipient<u32>);

    impl Actor for Relay {}

    impl Handler<u32> for Relay {
        fn handle(&mut self, n: u32, _: &mut Context<Self>) {
            self.0.send(n);
        }
    }

    /// A relay on `a`, and a part of its tree on `b`, to which the way from `a` takes long.
    fn delayed() -> (Sim, Addr<Relay>, Locality, Probe<u32>) {
        let mut sim = Sim::new(1);
        let (a, b) = (sim.locality("a"), sim.locality("b"));
        let (probe, relay) = (sim.probe(), a.reserve());
        let there = b.reserve::<Relay>();
        let (to, out) = (there.to(), probe.recipient());
        let far = Supervisor::one_for_one("far").on(&b, move |s| {
            s.child(Child::new("there", move || Relay(out)).at(there))
        });
        let again = crate::Backoff::fixed(Duration::from_secs(3));
        let tree = Supervisor::one_for_one("test").intensity(9, Duration::MAX);
        let near = Child::new("relay", move || Relay(to)).at(relay);
        sim.start(tree.child(near).child(far.backoff(again)))
            .expect("a sound tree");
        sim.run_until_idle();
        sim.delay(&a, &b, Duration::from_secs(1));
        (sim, relay, b, probe)
    }

    #[test]
    #[should_panic(expected = "to locality far can be delayed: another loop drives it")]
    fn a_way_to_a_locality_of_another_loop_is_not_delayed() {
        let (mut sim, mut other) = (Sim::new(1), Sim::new(2));
        let (near, far) = (sim.locality("near"), other.locality("far"));
        sim.delay(&near, &far, Duration::ZERO);
    }

    #[test]
    #[should_panic(expected = "to locality far can be delayed: another loop drives it")]
    fn nor_is_one_from_there() {
        let (mut sim, mut other) = (Sim::new(1), Sim::new(2));
        let (near, far) = (sim.locality("near"), other.locality("far"));
        sim.delay(&far, &near, Duration::ZERO);
    }

    /// Nobody takes from its gate but who drives it, on whatever thread that is.
    #[test]
    fn a_way_to_a_locality_that_another_loop_drives_now_is_none_of_the_simulation() {
        for ended in [false, true] {
            let (mut sim, relay, b, _probe) = delayed();
            if ended {
                // Lost as well, for the sake of what the other tree has there.
                let own = sim
                    .start(Supervisor::one_for_one("own"))
                    .expect("b is free");
                own.shutdown();
                sim.run_until_idle();
            } else {
                sim.lose(&b);
            }
            let driver = Driver::new(Arc::new(crate::entrance::Nothing), Clock::manual());
            driver.open(&b).expect("it is lost");
            set_reach(&b, Reach::Outside); // as if it were on another thread
            let waiting = || b.gate().entrance.lane_len(crate::lane::NORMAL);
            let before = waiting();
            relay.send(1);
            sim.run_until_idle();
            assert_eq!(waiting(), before + 1, "{ended}");
        }
    }

    #[test]
    fn a_way_takes_its_time_when_a_lost_locality_is_opened_again() {
        let (mut sim, relay, b, probe) = delayed();
        sim.lose(&b);
        sim.open(b);
        sim.run_for(Duration::from_secs(9));
        relay.send(1);
        sim.run_until_idle();
        assert_eq!(probe.take(), []);
        sim.run_for(Duration::from_secs(1));
        assert_eq!(probe.take(), [1]);
    }

    /// Whoever has it next would have messages late, or taken from it on another thread.
    #[test]
    fn the_gate_of_a_locality_is_nobody_elses_while_there_is_a_way_to_it() {
        let mut sim = Sim::new(1);
        let (a, b) = (sim.locality("a"), sim.locality("b"));
        sim.delay(&a, &b, Duration::from_secs(1));
        let (gate, life) = (b.gate(), b.gate().base());
        sim.lose(&b); // it ends: nothing lives there
        drop(b);
        assert_eq!(gate.base(), life);
        drop(sim);
        assert!(gate.base() > life, "it is given back in the end");
    }

    /// Two actors do not come to rest.
    fn endless(run: impl FnOnce(&mut Sim)) {
        let mut sim = Sim::new(3);
        sim.endless = 20_000;
        let here = sim.locality("here");
        let (loud, shrill) = (here.reserve(), here.reserve());
        let tree = Supervisor::one_for_one("test")
            .child(Child::new("silent", move || Echo { to: loud }))
            .child(Child::new("loud", move || Echo { to: shrill }).at(loud))
            .child(Child::new("shrill", move || Echo { to: loud }).at(shrill));
        sim.start(tree).unwrap();
        loud.send(());
        run(&mut sim);
    }

    #[test]
    #[cfg_attr(
        miri,
        ignore = "twenty thousand steps, which other tests take one by one"
    )]
    #[should_panic(
        expected = "seed 3: the tree does not come to rest; of the last 10000 messages \
                               went 5000 to loud [here] and 5000 to shrill [here]"
    )]
    fn t05_endless_activity_is_reported_with_the_two_busiest_actors() {
        endless(Sim::run_until_idle);
    }

    #[test]
    #[cfg_attr(
        miri,
        ignore = "twenty thousand steps, which other tests take one by one"
    )]
    #[should_panic(expected = "seed 3: the tree does not come to rest")]
    fn t05_a_future_is_not_waited_for_beside_endless_activity() {
        endless(|sim| _ = sim.block_on(std::future::pending::<()>()));
    }
}
