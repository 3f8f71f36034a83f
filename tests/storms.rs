//! Storms: trees drawn from a seed, under panics, removals by force, lost loops and late messages, while
//! children are started, terminated, restarted, deleted, listed and counted, find each other by name and
//! are linked.
//!
//! Whatever comes: nothing hangs, nothing leaks, every monitor gets one `Down`, every request one answer
//! or refusal, no name leads to who has ended, and a shutdown ends; where it was calm before, with each
//! service after its clients.
//! `STORMS=10000` sets how many schedules are run in all, `STORM_SEED=7` runs that one alone.

mod requests;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::puppet::ms;
use requests::{Inside, Known, Life, Outside, administer};

/// How many schedules are run unless it is said otherwise.
const SCHEDULES: u64 = 400;
/// Longer than all limits of a tree together.
const AGES: Duration = Duration::from_secs(3600);
/// Longer than what keeps one request waiting.
const CALM: Duration = Duration::from_secs(100);

/// What a storm is made of.
#[derive(Clone, Copy, Default)]
struct Weather {
    panics: bool,
    kills: bool,
    losses: bool,
    delays: bool,
}

/// Numbers drawn from a seed.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        // splitmix64, a published generator.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn restart(&mut self) -> Restart {
        self.one_of(&[
            Restart::Permanent,
            Restart::Permanent,
            Restart::Transient,
            Restart::Temporary,
        ])
    }
}

/// What everything in a storm shares.
#[derive(Clone)]
struct World(Arc<Shared>);

struct Shared {
    seed: u64,
    weather: Weather,
    places: Vec<Locality>,
    /// The gulls that are in the tree from the start.
    gulls: Vec<Addr<Gull>>,
    witness: Addr<Witness>,
    news: Topic<News>,
    /// Nothing fails in the first start.
    raging: AtomicBool,
    /// Instances have numbers, which their decisions are drawn from.
    born: AtomicU64,
    alive: AtomicI64,
    /// Instances, messages and closures that have not been dropped.
    counted: AtomicI64,
    /// What must not be.
    wrong: Mutex<Vec<String>>,
    /// Each instance, as the witness was told of it.
    watched: Mutex<Vec<Watched>>,
    known: Mutex<Known>,
    /// Administrative requests of gulls that have no answer yet.
    open: AtomicI64,
    /// Clients and their services, as far as they have not ended.
    links: Mutex<BTreeSet<(Address, Address)>>,
    /// Nothing is under way but the end of the tree: the links are as they are told.
    ending: AtomicBool,
}

impl World {
    fn count(&self) -> Counted {
        self.0.counted.fetch_add(1, Relaxed);
        Counted(self.clone())
    }

    fn panics(&self) -> bool {
        self.0.weather.panics && self.0.raging.load(Relaxed)
    }

    fn place(&self, dice: &mut Dice) -> Locality {
        let places = &self.0.places;
        places[dice.below(places.len() as u64) as usize].clone()
    }

    /// Every other gull has a name.
    fn name(number: usize) -> Name<Gull> {
        Name::from(format!("name {number}"))
    }

    fn any_name(&self, dice: &mut Dice) -> Name<Gull> {
        Self::name(dice.below(self.0.gulls.len() as u64) as usize & !1)
    }

    /// Nobody is found who has ended, or under the name of another one.
    fn check_names(&self, app: &App) {
        for (number, gull) in self.0.gulls.iter().enumerate() {
            let Ok(found) = app.lookup(Self::name(number)) else {
                continue;
            };
            let state = found.address().state();
            if found != *gull || matches!(state, Lifecycle::Down | Lifecycle::Gone) {
                self.wrong(format!("name {number} leads to {found:?}, {state:?}"));
            }
        }
    }

    fn wrong(&self, text: String) {
        self.0.wrong.lock().unwrap().push(text);
    }
}

/// Something that must be dropped in the end.
struct Counted(World);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.count()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.counted.fetch_sub(1, Relaxed);
    }
}

/// A panic that the hook does not print.
fn squall() -> ! {
    resume_unwind(Box::new("a squall"))
}

/// The actor of the tree: does what its dice say.
struct Gull {
    world: World,
    /// Its address, once it starts.
    me: Option<Address>,
    dice: Dice,
    asks: Vec<Ask<Squawk>>,
    /// Services that wait for it to leave them.
    unlinks: Vec<Unlink>,
    /// Downs that it waits for, by address.
    awaits: BTreeMap<Address, u32>,
    life: Life,
    _counted: Counted,
}

struct Gust {
    left: u32,
    _counted: Counted,
}

struct Release(#[allow(dead_code, reason = "it is dropped")] Hold);

#[derive(Clone)]
struct News(#[allow(dead_code, reason = "it is cloned and dropped")] Counted);

struct Squawk(#[allow(dead_code, reason = "it is dropped")] Counted);

impl Request for Squawk {
    type Reply = Counted;
}

impl Gull {
    fn hatch(world: &World) -> Result<Gull> {
        let number = world.0.born.fetch_add(1, Relaxed);
        let mut dice = Dice(world.0.seed ^ number << 32);
        if world.panics() && dice.one_in(12) {
            if dice.one_in(2) {
                squall();
            }
            return Err(Error::message("a bad egg"));
        }
        world.0.alive.fetch_add(1, Relaxed);
        Ok(Gull {
            me: None,
            dice,
            asks: Vec::new(),
            unlinks: Vec::new(),
            awaits: BTreeMap::new(),
            life: Life::default(),
            _counted: world.count(),
            world: world.clone(),
        })
    }

    /// Sometimes keeps a start or a stop open for a while, or for good.
    fn hold(&mut self, cx: &mut Context<Self>) {
        if self.dice.one_in(6) {
            let hold = cx.hold("the wind");
            let long = self.dice.one_in(8) && self.world.panics();
            let delay = if long { 60_000 } else { self.dice.below(20) };
            cx.after(ms(delay), Release(hold));
        }
    }

    fn gust(&self, left: u32) -> Gust {
        Gust {
            left,
            _counted: self.world.count(),
        }
    }

    fn deed(&mut self, left: u32, cx: &mut Context<Self>) {
        let peer = self.dice.one_of(&self.world.0.gulls);
        let weather = self.world.0.weather;
        match self.dice.below(19) {
            0..=2 if left > 0 => peer.send(self.gust(left - 1)),
            3 if left > 0 => {
                let gust = self.gust(left - 1);
                cx.after(ms(self.dice.below(50)), gust);
            }
            4..=5 => {
                let token = self.world.count();
                let limit = ms(self.dice.below(500));
                cx.request(peer, Squawk(self.world.count()), limit, move |_, _, _| {
                    drop(token);
                });
            }
            6 => {
                let (token, mut left) = (self.world.count(), self.dice.below(4));
                let future = poll_fn(move |cx| {
                    cx.waker().wake_by_ref();
                    left = left.saturating_sub(1);
                    if left > 0 {
                        Poll::Pending
                    } else {
                        Poll::Ready(())
                    }
                });
                cx.spawn(future, move |_, (), _| drop(token));
            }
            7 => {
                let world = self.world.clone();
                let chick = Child::new(format!("chick {}", self.dice.roll()), move || {
                    Gull::hatch(&world)
                });
                let chick = cx.child(match self.dice.below(3) {
                    0 => chick,
                    1 => chick.transient(),
                    _ => chick.temporary(),
                });
                chick.send(self.gust(left / 2));
            }
            8 => self.world.0.news.publish(News(self.world.count())),
            9 => {
                *self.awaits.entry(peer.address()).or_insert(0) += 1;
                cx.monitor(peer.address());
            }
            10 if weather.kills => peer.address().kill(),
            11 if weather.panics => match self.dice.below(3) {
                0 => cx.stop(),
                1 => cx.fail(Error::message("a broken wing")),
                _ => squall(),
            },
            12 => {
                let (token, raging) = (self.world.count(), self.world.panics());
                let bad = raging && self.dice.one_in(4);
                cx.defer_to_host(move || {
                    drop(token);
                    if bad {
                        squall();
                    }
                });
            }
            13 => self.asks.clear(),
            14..=15 => self.administer(peer.address(), cx),
            16 => {
                let (name, token) = (self.world.any_name(&mut self.dice), self.world.count());
                cx.find(name, move |me, found, _| {
                    drop(token);
                    found.send(me.gust(left / 2));
                });
            }
            17 => drop(cx.link_with(peer.address())),
            18 => {
                let (name, token) = (self.world.any_name(&mut self.dice), self.world.count());
                cx.find_linked(name, move |_, _, _| drop(token));
            }
            _ => {}
        }
    }

    /// Asks for something of its own children, a peer's, its siblings, or of whoever is known.
    fn administer(&mut self, peer: Address, cx: &mut Context<Self>) {
        let world = self.world.clone();
        let of = match self.dice.below(5) {
            0 => Some(cx.addr().address()),
            1 => Some(peer),
            2 => world.0.known.lock().unwrap().supervisor(&mut self.dice),
            _ => cx.supervisor(),
        };
        let mut asker = Inside {
            world: world.clone(),
            life: Life::downgrade(&self.life),
            limit: Inside::limit(&mut self.dice),
            cx,
        };
        if let Some(of) = of {
            administer(of, &world, &mut self.dice, &mut asker);
        }
    }
}

impl Actor for Gull {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let me = cx.addr().address();
        self.me = Some(me);
        self.world.0.witness.send(Born(me));
        if self.dice.one_in(4) {
            cx.subscribe(self.world.0.news);
        }
        self.hold(cx);
        if self.world.panics() && self.dice.one_in(20) {
            squall();
        }
        Ok(())
    }

    fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
        self.hold(cx);
        if self.world.panics() && self.dice.one_in(20) {
            squall();
        }
    }
}

impl Drop for Gull {
    fn drop(&mut self) {
        self.world.0.alive.fetch_sub(1, Relaxed);
        // Its links end with it, also if its stop has failed and its children are still there.
        let mut links = self.world.0.links.lock().unwrap();
        links.retain(|&(client, _)| Some(client) != self.me);
        drop(links);
        if self.world.panics() && self.dice.one_in(30) && !std::thread::panicking() {
            squall();
        }
    }
}

impl Handler<Gust> for Gull {
    fn handle(&mut self, gust: Gust, cx: &mut Context<Self>) {
        for _ in 0..=self.dice.below(3) {
            self.deed(gust.left, cx);
        }
    }
}

impl Handler<Release> for Gull {
    fn handle(&mut self, _: Release, _: &mut Context<Self>) {}
}

impl Handler<News> for Gull {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, _: News, _: &mut Context<Self>) {
        if self.world.panics() && self.dice.one_in(9) {
            squall();
        }
    }
}

impl Handler<Ask<Squawk>> for Gull {
    fn handle(&mut self, ask: Ask<Squawk>, _: &mut Context<Self>) {
        match self.dice.below(3) {
            0 => ask.reply(self.world.count()),
            1 => self.asks.push(ask),
            _ => drop(ask),
        }
    }
}

impl Handler<Down> for Gull {
    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        match self.awaits.get_mut(&down.who) {
            Some(n) if *n > 0 => *n -= 1,
            _ => self
                .world
                .wrong(format!("a Down that nobody asked for: {down:?}")),
        }
    }
}

impl Handler<Unlink> for Gull {
    fn handle(&mut self, unlink: Unlink, cx: &mut Context<Self>) {
        match self.dice.below(3) {
            0 => {
                let link = (cx.addr().address(), unlink.service);
                self.world.0.links.lock().unwrap().remove(&link);
                drop(unlink);
            }
            n => {
                self.unlinks.push(unlink);
                if n == 1 {
                    cx.stop();
                }
            }
        }
    }
}

/// A hook that now and then keeps a gull waiting, lets something not come to it, or fails.
struct Warden {
    world: World,
    dice: Dice,
    _counted: Counted,
}

impl Warden {
    fn new(number: usize, world: &World) -> Self {
        Warden {
            world: world.clone(),
            dice: Dice(world.0.seed ^ (number as u64) << 16),
            _counted: world.count(),
        }
    }

    fn wait(&mut self, cx: &mut Context<Gull>) -> Result {
        if self.dice.one_in(6) {
            let hold = cx.hold("the warden");
            cx.after(ms(self.dice.below(20)), Release(hold));
        }
        match self.dice.below(40) {
            0 if self.world.panics() => squall(),
            1 if self.world.panics() => Err(Error::message("no")),
            _ => Ok(()),
        }
    }
}

impl Hook<Gull> for Warden {
    fn start(&mut self, cx: &mut Context<Gull>) -> Result {
        self.wait(cx)
    }

    fn message(&mut self, _: &'static str, message: &dyn Any, cx: &mut Context<Gull>) -> bool {
        // Who does not get word of its service's end has left it.
        message.is::<Unlink>() || self.wait(cx).is_ok() && !self.dice.one_in(12)
    }

    fn stop(&mut self, _: &Exit, cx: &mut Context<Gull>) -> Result {
        self.wait(cx)
    }
}

/// Watches every instance of every gull, from a tree of its own that no storm reaches: each with an eye
/// of its own, so that a `Down` too many does not make up for one that is missing.
struct Witness(World);
struct Born(Address);

impl Actor for Witness {}

impl Handler<Born> for Witness {
    fn handle(&mut self, Born(who): Born, cx: &mut Context<Self>) {
        let mut watched = self.0.0.watched.lock().unwrap();
        let number = watched.len();
        watched.push(Watched {
            who,
            downs: 0,
            late: false,
        });
        drop(watched);
        let world = self.0.clone();
        let eye = Child::new("eye", move || Eye(world.clone(), number));
        cx.child(eye.temporary());
    }
}

struct Watched {
    who: Address,
    /// How many its eye has got.
    downs: u32,
    /// It had ended when its eye came, and its address waited for the next one.
    late: bool,
}

impl Watched {
    /// What is watched for the end of the next one is told of none, if nothing is built there any more.
    fn is_told(&self) -> bool {
        let waits = || self.late && self.who.state() == Lifecycle::Waiting;
        self.downs == 1 || self.downs == 0 && waits()
    }
}

/// With the number of what it watches.
struct Eye(World, usize);

impl Actor for Eye {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let watched = &mut self.0.0.watched.lock().unwrap()[self.1];
        watched.late = watched.who.state() == Lifecycle::Waiting;
        cx.monitor(watched.who);
        Ok(())
    }
}

impl Handler<Down> for Eye {
    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        let watched = &mut self.0.0.watched.lock().unwrap()[self.1];
        watched.downs += 1;
        if watched.downs > 1 || down.who != watched.who {
            self.0.wrong(format!("a Down too many: {down:?}"));
        }
    }
}

/// A tree that can be built any number of times.
#[derive(Clone)]
enum Shape {
    /// With its address, if it is known from the start.
    Gull(Option<Addr<Gull>>, Restart),
    /// Gulls that are asked for.
    Pool(Restart),
    Flock(Flock),
}

#[derive(Clone)]
struct Flock {
    strategy: u64,
    restart: Restart,
    intensity: u32,
    period: Duration,
    stop_limit: bool,
    synchronized: bool,
    /// Where it is, if not where its parent is.
    place: Option<Locality>,
    children: Vec<Shape>,
}

/// Draws a tree; its gulls get addresses.
struct Artist<'a> {
    dice: Dice,
    places: &'a [Locality],
    gulls: Vec<Addr<Gull>>,
}

impl Artist<'_> {
    fn flock(&mut self, depth: u32, above: usize) -> Flock {
        let away = self.dice.below(self.places.len() as u64) as usize;
        let at = if depth == 0 || self.dice.one_in(2) {
            above
        } else {
            away
        };
        let mut flock = Flock::bare(&mut self.dice);
        flock.place = (at != above).then(|| self.places[at].clone());
        for _ in 0..=self.dice.below(3) {
            let nested = depth < 3 && self.dice.one_in(2);
            flock.children.push(if nested {
                Shape::Flock(self.flock(depth + 1, at))
            } else {
                let place = &self.places[at];
                let bound = Bound::reject(1 + self.dice.below(4) as usize);
                let gull = match self.dice.below(6) {
                    0 => place.reserve_bounded(bound),
                    1 => place.reserve_bounded(Bound::drop_oldest(2)),
                    2 => place.reserve_bounded(Bound::fail(3)),
                    _ => place.reserve(),
                };
                self.gulls.push(gull);
                Shape::Gull(Some(gull), self.dice.restart())
            });
        }
        if self.dice.one_in(4) {
            flock.children.push(Shape::Pool(self.dice.restart()));
        }
        flock
    }
}

impl Flock {
    /// Without children, where its parent is.
    fn bare(dice: &mut Dice) -> Self {
        let (intensity, period) = dice.one_of(&[(0, 5), (2, 1), (10, 1), (1000, 5), (1000, 5)]);
        Flock {
            strategy: dice.below(3),
            restart: dice.restart(),
            intensity,
            period: Duration::from_secs(period),
            stop_limit: dice.one_in(5),
            synchronized: dice.one_in(3),
            place: None,
            children: Vec::new(),
        }
    }

    fn supervisor(&self, name: String, world: &World) -> Supervisor {
        let mut bare = match self.strategy {
            0 => Supervisor::one_for_one(name),
            1 => Supervisor::one_for_all(name),
            _ => Supervisor::rest_for_one(name),
        };
        bare = bare.intensity(self.intensity, self.period);
        if self.stop_limit {
            bare = bare.stop_limit(ms(15));
        }
        if self.synchronized {
            bare = bare.synchronize_start();
        }
        bare = match self.restart {
            Restart::Permanent => bare,
            Restart::Transient => bare.transient(),
            Restart::Temporary => bare.temporary(),
        };
        let (children, theirs) = (self.children.clone(), world.clone());
        let fill = move |mut s: Supervisor| {
            for (i, shape) in children.iter().enumerate() {
                s = match shape {
                    Shape::Flock(flock) => s.child(flock.supervisor(format!("flock {i}"), &theirs)),
                    Shape::Gull(gull, restart) => s.child(nest(i, *gull, *restart, &theirs)),
                    Shape::Pool(restart) => s.child(pool(i, *restart, &theirs)),
                };
            }
            s
        };
        match &self.place {
            Some(place) => bare.on(place, fill),
            None => fill(bare),
        }
    }
}

fn pool(i: usize, restart: Restart, world: &World) -> Supervisor {
    let theirs = world.clone();
    let hatch = move |_: Counted, _: &mut Context<Gull>| Gull::hatch(&theirs);
    Supervisor::simple_one_for_one(format!("pool {i}"), hatch)
        .instances(restart)
        .instances_at_most(4)
}

fn nest(i: usize, gull: Option<Addr<Gull>>, restart: Restart, world: &World) -> Child<Gull> {
    let theirs = world.clone();
    let child = Child::new(format!("gull {i}"), move || Gull::hatch(&theirs));
    let child = match gull {
        Some(gull) => child.at(gull),
        None => child,
    };
    // Some have one hook, some two.
    let child = (0..i % 3).fold(child, |child, n| child.hook(Warden::new(i + n, world)));
    let number = gull.and_then(|gull| world.0.gulls.iter().position(|known| *known == gull));
    let child = match number {
        Some(number) if number % 2 == 0 => child.named(World::name(number)),
        Some(number) if number % 5 == 3 => child.needs(World::name(number - 1)),
        _ => child,
    };
    match restart {
        Restart::Permanent => child,
        Restart::Transient => child.transient(),
        Restart::Temporary => child.temporary(),
    }
}

/// Notes who is linked. Not a word of what is undelivered: in a storm much is.
struct Notary(World);

impl Observer for Notary {
    fn linked(&self, client: Address, service: Address) {
        self.0.0.links.lock().unwrap().insert((client, service));
    }

    fn unlinked(&self, service: Address, client: Address) {
        // It has waited as long as it may.
        self.0.0.links.lock().unwrap().remove(&(client, service));
    }

    fn exited(&self, who: Address, _: &str, exit: &Exit) {
        let in_order = matches!(exit.reason(), ExitReason::Normal | ExitReason::Shutdown);
        let mut links = self.0.0.links.lock().unwrap();
        let before = links.len();
        links.retain(|&(_, service)| service != who);
        if self.0.0.ending.load(Relaxed) && in_order && links.len() < before {
            self.0.wrong(format!("{who:?} ends before its clients"));
        }
    }
}

/// A tree in a storm.
struct Storm {
    sim: Sim,
    dice: Dice,
    world: World,
    app: App,
    lost: Vec<Locality>,
    asked: Outside,
}

impl Storm {
    fn new(seed: u64, weather: Weather) -> Self {
        let mut sim = Sim::new(seed);
        let mut dice = Dice(seed);
        let witness = sim.locality("witness").reserve();
        let places: Vec<_> = (0..=1 + dice.below(3))
            .map(|i| sim.locality(format!("place {i}")))
            .collect();
        let mut artist = Artist {
            dice: dice.clone(),
            places: &places,
            gulls: Vec::new(),
        };
        let root = loop {
            let root = artist.flock(0, 0);
            if artist.gulls.len() > 2 {
                break root;
            }
        };
        let world = World(Arc::new(Shared {
            seed,
            weather,
            witness,
            news: dice.one_of(&places.iter().collect::<Vec<_>>()).topic(),
            gulls: artist.gulls,
            places,
            raging: AtomicBool::new(false),
            born: AtomicU64::new(0),
            alive: AtomicI64::new(0),
            counted: AtomicI64::new(0),
            wrong: Mutex::default(),
            watched: Mutex::default(),
            known: Mutex::default(),
            open: AtomicI64::new(0),
            links: Mutex::default(),
            ending: AtomicBool::new(false),
        }));
        let theirs = world.clone();
        let watch = Child::new("witness", move || Witness(theirs.clone())).at(witness);
        sim.start(Supervisor::one_for_one("watch").child(watch))
            .expect("a sound tree");
        // Something stays placed everywhere, so that what is lost can be opened again.
        let anchors = world.0.places.iter().enumerate();
        let tree = anchors.fold(
            root.supervisor("root".to_owned(), &world),
            |tree, (i, place)| {
                tree.child(Supervisor::one_for_one(format!("anchor {i}")).on(place, |s| s))
            },
        );
        let tree = tree.observer(Arc::new(Notary(world.clone())));
        let app = sim.start(tree).expect("a sound tree");
        Storm {
            sim,
            dice,
            asked: Outside::new(&world),
            world,
            app,
            lost: Vec::new(),
        }
    }

    fn rage(&mut self) {
        if self.dice.one_in(4) {
            // Into the first start.
            for _ in 0..self.dice.below(60) {
                self.sim.step();
            }
        } else {
            self.sim.run_for(ms(100));
        }
        self.world.0.raging.store(true, Relaxed);
        for _ in 0..20 + self.dice.below(60) {
            if self.app.root().state() == Lifecycle::Gone {
                return; // it gave up, or its loop is lost
            }
            self.event();
            self.world.check_names(&self.app);
        }
    }

    fn event(&mut self) {
        let (world, weather) = (self.world.0.clone(), self.world.0.weather);
        let gull = self.dice.one_of(&world.gulls);
        match self.dice.below(13) {
            0..=2 => gull.send(Gust {
                left: 6,
                _counted: self.world.count(),
            }),
            3 if weather.panics && self.sim.with(gull, |_| ()).is_some() => {
                let n = 1 + self.dice.below(4) as u32;
                self.sim.panic_at(gull.address(), n);
            }
            4 if weather.kills => match self.dice.below(3) {
                0 => gull.stop(),
                1 => gull.drain(ms(8)),
                _ => gull.address().kill(),
            },
            5 if weather.losses => {
                // Without the root's locality nothing is left to watch.
                let first = !self.dice.one_in(20) as usize;
                let left = &world.places[first..];
                let place = &left[self.dice.below(left.len() as u64) as usize];
                if !self.lost.contains(place) {
                    self.sim.lose(place);
                    self.lost.push(place.clone());
                }
            }
            6..=7 => {
                if let Some(place) = self.lost.pop() {
                    self.sim.open(place);
                }
            }
            8 if weather.delays => {
                let from = &world.places[self.dice.below(world.places.len() as u64) as usize];
                let to = &world.places[self.dice.below(world.places.len() as u64) as usize];
                let by = ms(self.dice.below(2) * self.dice.below(30));
                if from != to {
                    self.sim.delay(from, to, by);
                }
            }
            9 => self.sim.run_for(ms(self.dice.below(30))),
            10..=11 => self.administer(),
            _ => {
                for _ in 0..self.dice.below(60) {
                    self.sim.step();
                }
            }
        }
    }

    /// Asks through the handle of the tree: its root, a gull, or whoever is known.
    fn administer(&mut self) {
        let known = self.world.0.known.lock().unwrap();
        let of = match self.dice.below(3) {
            0 => None,
            1 => Some(self.dice.one_of(&self.world.0.gulls).address()),
            _ => known.supervisor(&mut self.dice),
        };
        drop(known);
        let of = of.unwrap_or(self.app.root());
        administer(of, &self.world, &mut self.dice, &mut self.asked);
    }

    /// Whoever has asked has an answer, even if something is started again and again.
    fn settle(&mut self, time: Duration) {
        self.sim.run_for(time);
        self.world.check_names(&self.app);
        assert_eq!(self.asked.unanswered(), 0, "requests through the handle");
        let open = self.world.0.open.load(Relaxed);
        assert_eq!(open, 0, "requests of gulls");
    }

    fn end(mut self) -> World {
        let calm = self.dice.one_in(3);
        while calm || self.dice.one_in(2) {
            let Some(place) = self.lost.pop() else { break };
            self.sim.open(place);
        }
        if calm {
            self.settle(CALM);
            self.world.0.ending.store(true, Relaxed);
        }
        self.app.shutdown();
        for _ in 0..self.dice.below(3) {
            self.administer();
        }
        self.settle(AGES);
        let tree = self.app.tree();
        assert!(tree.ended.is_some(), "the shutdown does not end:\n{tree}");
        let shared = &self.world.0;
        assert_eq!(shared.alive.load(Relaxed), 0, "instances are left");
        assert_eq!(*shared.wrong.lock().unwrap(), [""; 0]);
        for watched in &*shared.watched.lock().unwrap() {
            let Watched { who, downs, .. } = watched;
            assert!(watched.is_told(), "{downs} Downs of an instance of {who:?}");
        }
        self.world
    }
}

fn schedule(seed: u64, weather: Weather) {
    let mut storm = Storm::new(seed, weather);
    storm.rage();
    let world = storm.end();
    let left = world.0.counted.load(Relaxed);
    assert_eq!(left, 0, "messages or closures were leaked");
}

/// Runs a quarter of all schedules.
fn storms(weather: Weather) {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse().expect("a number"))
    };
    let seeds = match number("STORM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("STORMS").unwrap_or(SCHEDULES) / 4,
    };
    for seed in seeds {
        let run = catch_unwind(AssertUnwindSafe(|| schedule(seed, weather)));
        assert!(run.is_ok(), "it was the storm of STORM_SEED={seed}");
    }
}

#[test]
fn l20_a_storm_of_panics_ends_in_order() {
    storms(Weather {
        panics: true,
        ..Weather::default()
    });
}

#[test]
fn m10_a_storm_of_kills_ends_in_order() {
    storms(Weather {
        kills: true,
        delays: true,
        ..Weather::default()
    });
}

#[test]
fn m11_a_storm_of_lost_loops_ends_in_order() {
    storms(Weather {
        losses: true,
        ..Weather::default()
    });
}

#[test]
fn m12_a_storm_of_everything_ends_in_order() {
    storms(Weather {
        panics: true,
        kills: true,
        losses: true,
        delays: true,
    });
}
