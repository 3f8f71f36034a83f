//! Subtrees below each other on several loops, which are lost and come again, while the supervisors are
//! told to stop, start and forget them: what is wanted comes back, at the addresses reserved for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

const LEVELS: [&str; 4] = ["one", "two", "three", "four"];
const BELOW: [&str; 4] = ["below one", "below two", "below three", "below four"];

/// A chain of supervisors, each on a locality, with the next one below it and two puppets.
struct Plan {
    log: Log,
    places: Vec<Locality>,
    leaves: Vec<[Addr<Puppet>; 2]>,
    /// How long the stop of a puppet takes.
    slow: Vec<u64>,
}

impl Plan {
    fn new(log: &Log, places: Vec<Locality>, slow: Vec<u64>) -> Arc<Self> {
        let two = |place: &Locality| [place.reserve(), place.reserve_bounded(Bound::reject(9))];
        Arc::new(Plan {
            log: log.clone(),
            leaves: places.iter().map(two).collect(),
            places,
            slow,
        })
    }

    fn leaf(&self, level: usize, n: usize) -> Child<Puppet> {
        let role = Role::new(["x", "y"][n], &self.log).slow(self.slow[level]);
        role.child().at(self.leaves[level][n])
    }

    fn level(self: &Arc<Self>, n: usize) -> Supervisor {
        self.place(n, patient(LEVELS[n]))
    }

    fn place(self: &Arc<Self>, n: usize, level: Supervisor) -> Supervisor {
        let mine = self.clone();
        level.on(&self.places[n], move |s| {
            let s = s
                .child(mine.leaf(n, 0))
                .child(patient(BELOW[n]).child(mine.leaf(n, 1)));
            if n + 1 < mine.places.len() {
                s.child(mine.level(n + 1))
            } else {
                s
            }
        })
    }
}

/// It tries again as often as it takes.
pub fn patient(name: &'static str) -> Supervisor {
    Supervisor::one_for_one(name)
        .intensity(u32::MAX, LONG)
        .backoff(Backoff::fixed(ms(5)))
}

/// Keeps what starts have failed of, but the loss of a loop.
#[derive(Default)]
pub struct Refusals(pub Mutex<Vec<String>>);

impl Observer for Refusals {
    fn start_failed(&self, _: Address, name: &str, exit: &Exit) {
        if !chain(exit).contains("lost") {
            let text = format!("{name}: {}", chain(exit));
            self.0.lock().unwrap().push(text);
        }
    }
}

/// A chain, and what happens to it.
struct Chain {
    sim: Sim,
    app: App,
    plan: Arc<Plan>,
    refusals: Arc<Refusals>,
    asked: Vec<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Chain {
    fn new(seed: u64, at: &[usize], slow: Vec<u64>) -> Self {
        let mut sim = Sim::new(seed);
        sim.locality("home");
        let all = ["mid", "far", "low"].map(|name| sim.locality(name));
        let places = at.iter().map(|&n| all[n].clone()).collect();
        let plan = Plan::new(&Log::new(), places, slow);
        let refusals = Arc::new(Refusals::default());
        // Something stays placed everywhere, so that what is lost can be opened again.
        let anchor = |(name, place)| patient(name).on(place, |s| s);
        let anchors = ["anchor mid", "anchor far", "anchor low"]
            .into_iter()
            .zip(&all);
        let root = patient("root").child(plan.level(0));
        let tree = anchors.map(anchor).fold(root, Supervisor::child);
        let app = sim.start(tree.observer(refusals.clone())).unwrap();
        sim.run_for(ms(10));
        Chain {
            sim,
            app,
            plan,
            refusals,
            asked: Vec::new(),
        }
    }

    /// The supervisors that can be asked now.
    fn supervisors(&self) -> Vec<Address> {
        let all = self.app.tree().nodes.into_iter();
        let runs = |node: &TreeNode| node.state == "running" && !["x", "y"].contains(&&*node.name);
        all.filter(runs).map(|node| node.address).collect()
    }

    fn ask<Q: AdminRequest>(&mut self, of: Address, request: Q)
    where
        Q::Reply: 'static,
    {
        let asking = of.admin().ask(request, LONG);
        self.asked.push(Box::pin(async move { drop(asking.await) }));
    }

    fn node(&self, name: &str) -> Address {
        let nodes = self.app.tree().nodes;
        let node = nodes.iter().find(|node| node.name == name);
        node.expect("it is there").address
    }

    /// The same, and it is done.
    #[track_caller]
    fn done<Q: AdminRequest<Reply = Result<T, AdminError>>, T>(&mut self, of: Address, request: Q) {
        let asked = self.sim.block_on(of.admin().ask(request, LONG));
        assert!(matches!(asked, Some(Ok(Ok(_)))));
    }

    #[track_caller]
    fn all_are(&self, state: Lifecycle, what: &str) {
        for leaf in self.plan.leaves.iter().flatten() {
            assert_eq!(leaf.address().state(), state, "{what}: {}", self.app.tree());
        }
    }

    /// Starts everything that is down, from the top to the bottom. What was deleted is not listed.
    fn restart_all(&mut self) {
        for _ in 0..2 * LEVELS.len() {
            for of in self.supervisors() {
                let children = self.sim.block_on(of.admin().ask(WhichChildren, LONG));
                for child in children.expect("an answer").unwrap_or_default() {
                    if child.state == ChildState::Down {
                        let start = RestartChild::named(child.name);
                        drop(self.sim.block_on(of.admin().ask(start, LONG)));
                    }
                }
            }
        }
    }

    #[track_caller]
    fn all_is_well(&mut self, seed: u64) {
        self.sim.run_for(ms(1_000));
        self.restart_all();
        self.sim.run_for(ms(1_000));
        let tree = self.app.tree();
        assert_eq!(
            *self.refusals.0.lock().unwrap(),
            [""; 0],
            "seed {seed}: {tree}"
        );
        for of in self.supervisors() {
            let children = self.sim.block_on(of.admin().ask(WhichChildren, LONG));
            for child in children.expect("an answer").expect("it runs") {
                let runs = matches!(child.state, ChildState::Running { .. });
                assert!(runs, "seed {seed}: {child:?}\n{tree}");
            }
        }
    }
}

/// What is two loops below the one that is lost is told to go by an orphan.
fn m11_what_is_two_loops_below_a_lost_one_comes_back_at_its_addresses(seed: u64) {
    for slow in [0, 50] {
        let mut it = Chain::new(seed, &[0, 1, 2], vec![slow; 3]);
        for _ in 0..3 {
            let mid = it.plan.places[0].clone();
            it.sim.lose(&mid);
            it.sim.open(mid);
            it.all_is_well(seed);
            for leaf in it.plan.leaves.iter().flatten() {
                assert_eq!(leaf.address().state(), Lifecycle::Running, "seed {seed}");
            }
        }
        it.app.shutdown();
        it.sim.run_for(LONG);
        assert!(it.app.tree().ended.is_some());
        assert_eq!(it.plan.log.live(), 0);
    }
}

/// The same, when it was told to stop before.
fn m11_what_was_down_two_loops_below_a_lost_one_can_be_started(seed: u64) {
    for name in ["one", "two", "three"] {
        let mut it = Chain::new(seed, &[0, 1, 2], vec![0; 3]);
        let of = it
            .app
            .tree()
            .nodes
            .iter()
            .position(|node| node.name == name);
        let above = it.app.tree().nodes[..of.unwrap()]
            .iter()
            .rfind(|node| ["root", "one", "two"].contains(&&*node.name))
            .unwrap()
            .address;
        let stop = TerminateChild::named(name);
        let stopped = it.sim.block_on(above.admin().ask(stop, LONG));
        assert!(matches!(stopped, Some(Ok(Ok(())))), "{stopped:?}");
        let mid = it.plan.places[0].clone();
        it.sim.lose(&mid);
        it.sim.open(mid);
        it.all_is_well(seed);
        for leaf in it.plan.leaves.iter().flatten() {
            assert_eq!(
                leaf.address().state(),
                Lifecycle::Running,
                "seed {seed}, {name}"
            );
        }
    }
}

/// Two trees share a loop, and a build fails because of it: what it has claimed before can be claimed by
/// the next.
fn m11_a_build_that_was_refused_spends_no_address(seed: u64) {
    for is_nested in [false, true] {
        refuse_a_build(seed, is_nested);
    }
}

/// What is refused is a child of what is built, or of a supervisor below that.
fn refuse_a_build(seed: u64, is_nested: bool) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let far = sim.locality("far");
    let (x, y) = (far.reserve(), far.reserve());
    sim.start(patient("other").child(puppet("y", &log).at(y)))
        .unwrap();
    sim.locality("home");
    let theirs = log.clone();
    let tree = patient("far").on(&far, move |s| {
        let both = |s: Supervisor| {
            let s = s.child(puppet("x", &theirs).at(x));
            s.child(puppet("y", &theirs).at(y))
        };
        match is_nested {
            false => both(s),
            true => s.child(both(patient("in"))),
        }
    });
    let refusals = Arc::new(Refusals::default());
    let root = patient("root").decide(|_| Decision::Stop).child(tree);
    let app = sim.start(root.observer(refusals.clone())).unwrap();
    sim.run_for(ms(10));
    assert!(refusals.0.lock().unwrap()[0].contains("y cannot have the address"));
    assert_eq!(x.address().state(), Lifecycle::Down, "{is_nested}");
    sim.lose(&far);
    sim.open(far);
    sim.run_until_idle();
    let again = app.root().admin().ask(RestartChild::named("far"), LONG);
    let again = sim.block_on(again);
    assert!(matches!(again, Some(Ok(Ok(Some(_))))), "{again:?}");
    let states = [x, y].map(|addr: Addr<Puppet>| addr.address().state());
    assert_eq!(states, [Lifecycle::Running; 2], "{}", app.tree());
}

/// Two subtrees that pass the check of what they are in; while they break, the first one cannot be built
/// then.
fn breakable(breaks: &Arc<AtomicBool>, place: &Locality) -> [Supervisor; 2] {
    let checked = Arc::new(AtomicBool::new(false));
    let (breaks, told) = (breaks.clone(), checked.clone());
    let first = patient("first").on(place, move |s| {
        let checked = checked.load(Ordering::Relaxed);
        assert!(!checked || !breaks.load(Ordering::Relaxed), "broken");
        s
    });
    let second = patient("second").on(place, move |s| {
        told.store(true, Ordering::Relaxed);
        s
    });
    [first, second]
}

/// Messages, monitors and clients, for the next build.
fn m11_what_waits_for_a_build_that_was_refused_meets_the_next(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [home, far] = ["home", "far"].map(|name| sim.locality(name));
    let (watcher, client, at) = (home.reserve(), home.reserve(), far.reserve::<Puppet>());
    let breaks = Arc::new(AtomicBool::new(false));
    let (theirs, told, below) = (log.clone(), breaks.clone(), far.clone());
    let tree = patient("far").on(&far, move |s| {
        let s = s.child(puppet("x", &theirs).at(at));
        breakable(&told, &below)
            .into_iter()
            .fold(s, Supervisor::child)
    });
    let refusals = Arc::new(Refusals::default());
    let others = patient("others").child(puppet("watcher", &log).at(watcher));
    let begins = Role::new("client", &log).begin(|me, _| me.say("begins"));
    let root = patient("root").child(others.child(begins.child().at(client)));
    sim.start(root.child(tree).observer(refusals.clone()))
        .unwrap();
    sim.run_for(ms(10));
    breaks.store(true, Ordering::Relaxed);
    sim.lose(&far);
    sim.run_for(ms(50));
    sim.open(far);
    at.send(Say("hello"));
    act(watcher, move |_, cx| {
        cx.monitor(at.address());
    });
    act(client, move |_, cx| {
        cx.link(at.address());
    });
    sim.run_for(ms(50));
    let told = refusals.0.lock().unwrap().clone();
    assert!(told.len() > 2, "{told:?}");
    assert_eq!(at.address().state(), Lifecycle::Waiting);
    assert_eq!(log.all(), ["client: begins"]);
    breaks.store(false, Ordering::Relaxed);
    sim.run_for(ms(50));
    assert_eq!(log.all(), ["client: begins", "x: hello"]);
    crash(at);
    sim.run_for(ms(50));
    let mut after = log.all().split_off(2);
    after.sort();
    let both = ["client: begins", "watcher: down panicked: as told"];
    assert_eq!(
        after, both,
        "the client again, as its service has broken the link"
    );
}

/// Whoever starts one gets back what the one before was refused with.
fn m11_a_tree_that_was_refused_spends_no_address(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let home = sim.locality("home");
    let at = home.reserve();
    let breaks = Arc::new(AtomicBool::new(true));
    let tree = || {
        let s = patient("root").child(puppet("x", &log).at(at));
        breakable(&breaks, &home)
            .into_iter()
            .fold(s, Supervisor::child)
    };
    let refused = sim.start(tree()).unwrap_err();
    assert!(refused.to_string().contains("broken"), "{refused}");
    at.send(Say("hello"));
    breaks.store(false, Ordering::Relaxed);
    sim.start(tree()).unwrap();
    sim.run_until_idle();
    assert_eq!(log.of("x: hello").len(), 1, "{:?}", log.all());
}

/// Another one has used the loop before.
fn m11_the_end_of_one_tree_takes_no_address_of_the_next(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [_, _, mid, far] = ["first", "home", "mid", "far"].map(|name| sim.locality(name));
    let first = sim.start(patient("first").child(patient("far").on(&far, |s| s)));
    let first = first.unwrap();
    sim.run_until_idle();
    first.shutdown();
    sim.run_until_idle();
    assert!(first.tree().ended.is_some());
    let b = far.reserve::<Puppet>();
    let (below, theirs) = (far.clone(), log.clone());
    let middle = patient("middle").on(&mid, move |s| {
        let theirs = theirs.clone();
        s.child(patient("leaves").on(&below, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    let app = sim.start(patient("second").child(middle)).unwrap();
    sim.run_for(ms(10));
    sim.lose(&mid);
    sim.run_for(ms(10));
    sim.open(mid);
    sim.run_for(ms(100));
    assert_eq!(b.address().state(), Lifecycle::Running, "{}", app.tree());
    app.shutdown();
    sim.run_for(ms(100));
    assert_eq!(b.address().state(), Lifecycle::Gone);
}

/// Anything, in any order.
fn m11_chains_of_subtrees_come_back_whatever_was_lost(seed: u64) {
    for seed in 100 * seed..100 * seed + 5 {
        let mut roll = dice(seed);
        let at: Vec<_> = (0..LEVELS.len()).map(|_| roll(3) as usize).collect();
        let slow = (0..LEVELS.len()).map(|_| roll(2) * roll(40)).collect();
        let mut it = Chain::new(seed, &at, slow);
        let mut lost = Vec::new();
        for _ in 0..30 {
            let place = it.plan.places[roll(LEVELS.len() as u64) as usize].clone();
            match roll(9) {
                0..=1 if !lost.contains(&place) => {
                    it.sim.lose(&place);
                    lost.push(place);
                }
                0..=3 => {
                    if let Some(place) = lost.pop() {
                        it.sim.open(place);
                    }
                }
                4..=6 => {
                    let all = it.supervisors();
                    let of = all[roll(all.len() as u64) as usize];
                    let name = match roll(3) {
                        0 => ["x", "y"][roll(2) as usize],
                        1 => BELOW[roll(4) as usize],
                        _ => LEVELS[roll(4) as usize],
                    };
                    match roll(6) {
                        0..=1 => it.ask(of, TerminateChild::named(name)),
                        2..=3 => it.ask(of, RestartChild::named(name)),
                        4 => it.ask(of, DeleteChild::named(name)),
                        _ => it.ask(of, CountChildren),
                    }
                }
                7 => it.sim.run_for(ms(roll(30))),
                _ => {
                    let other = it.plan.places[roll(LEVELS.len() as u64) as usize].clone();
                    if other != place {
                        it.sim.delay(&place, &other, ms(roll(2) * roll(20)));
                    }
                }
            }
            for _ in 0..roll(30) {
                it.sim.step();
            }
        }
        for place in lost {
            it.sim.open(place);
        }
        it.all_is_well(seed);
    }
}

const LOG: Name<Puppet> = Name::new("log");

/// A tree of `boss`, and two loops below it `a`, which is named, or a subtree of one more loop with it, next
/// to one that takes its time to stop. What is next to that may be temporary.
struct Named {
    sim: Sim,
    app: App,
    places: [Locality; 3],
    boss: Addr<Puppet>,
    a: Addr<Puppet>,
    log: Log,
}

impl Named {
    fn new(seed: u64, temporary: bool) -> Self {
        Self::at_depth(2, seed, temporary)
    }

    fn at_depth(loops: usize, seed: u64, temporary: bool) -> Self {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        let here = sim.locality("here");
        let places = ["one", "two", "three"].map(|name| sim.locality(name));
        let (boss, a) = (here.reserve(), places[loops - 1].reserve());
        let (theirs, [_, two, three]) = (log.clone(), places.clone());
        let sub = patient("one").on(&places[0], move |s| {
            let (log, three) = (theirs.clone(), three.clone());
            let build = move |s: Supervisor| {
                let slow = Role::new("slow", &log).slow(100);
                let log = log.clone();
                let a = move || puppet("a", &log).at(a).named(LOG);
                let s = match (loops, temporary) {
                    (2, false) => s.child(a()),
                    (2, true) => s.child(a().temporary()),
                    _ => {
                        let last = match temporary {
                            true => group("three").temporary(),
                            false => patient("three"),
                        };
                        s.child(last.on(&three, move |s| s.child(a())))
                    }
                };
                s.child(slow.child())
            };
            s.child(patient("two").on(&two, build))
        });
        let tree = patient("root").child(puppet("boss", &log).at(boss));
        let app = sim.start(tree.child(sub)).expect("a sound tree");
        sim.run_until_idle();
        assert_eq!(app.lookup(LOG), Ok(a), "seed {seed}");
        Named {
            sim,
            app,
            places,
            boss,
            a,
            log,
        }
    }

    fn node(&self, name: &str) -> Address {
        let nodes = self.app.tree().nodes;
        let node = nodes.iter().find(|node| node.name == name);
        node.expect("it is there").address
    }

    fn delete(&mut self, of: Address, name: &'static str) {
        let ended = of.admin().ask(TerminateChild::named(name), LONG);
        assert!(matches!(self.sim.block_on(ended), Some(Ok(Ok(())))));
        let deleted = of.admin().ask(DeleteChild::named(name), LONG);
        assert!(matches!(self.sim.block_on(deleted), Some(Ok(Ok(())))));
        self.sim.run_until_idle();
    }

    /// The subtree of the second loop is deleted, and that loop lost: the name is free until the supervisor
    /// above starts again, and `a` comes back with the loop.
    #[track_caller]
    fn delete_and_lose_two(&mut self, one: Address, seed: u64) {
        self.delete(one, "two");
        assert!(!self.is_taken(), "seed {seed}");
        let place = self.places[1].clone();
        self.sim.lose(&place);
        self.sim.run_for(ms(500));
        assert!(!self.is_taken(), "seed {seed}");
        one.kill();
        self.sim.run_for(ms(50));
        assert!(self.is_taken(), "seed {seed}");
        self.sim.open(place);
        self.sim.run_for(LONG);
        assert_eq!(self.app.lookup(LOG), Ok(self.a), "seed {seed}");
    }

    /// Whether the name is that of `a`: the boss cannot have it.
    fn is_taken(&mut self) -> bool {
        let taken = "boss: the name log belongs to a";
        let before = self.log.count(taken);
        act(self.boss, |me, cx| match cx.register(LOG) {
            Ok(()) => assert!(cx.unregister(LOG)),
            Err(error) => me.say(error),
        });
        self.sim.run_until_idle();
        self.log.count(taken) > before
    }
}

/// Nobody else gets what a subtree will declare that is two loops below a lost one, and it comes back.
fn m11_a_name_two_loops_below_a_lost_one_stays_taken(seed: u64) {
    for lost in [0, 1] {
        let mut it = Named::new(seed, false);
        let lost = it.places[lost].clone();
        for _ in 0..2 {
            it.sim.lose(&lost);
            it.sim.run_for(ms(1000));
            assert!(it.is_taken(), "seed {seed}");
            it.sim.open(lost.clone());
            it.sim.run_for(LONG);
            assert_eq!(it.app.lookup(LOG), Ok(it.a), "seed {seed}");
        }
    }
}

/// Who builds the subtree again declares it: the name is taken from the loss on, although the old subtree
/// takes its time to end, and also if that puts the spec aside meanwhile.
fn m11_what_was_put_aside_two_loops_below_a_lost_one_is_declared_again(seed: u64) {
    for way in ["deleted", "ended then", "ended before that was known"] {
        let mut it = Named::new(seed, way != "deleted");
        let (a, two) = (it.a, it.node("two"));
        match way {
            "deleted" => {
                it.delete(two, "a");
                assert!(!it.is_taken());
            }
            "ended then" => {}
            _ => {
                let [one, two, _] = it.places.clone();
                it.sim.delay(&one, &two, ms(20));
            }
        }
        it.sim.lose(&it.places[0].clone());
        if way == "ended before that was known" {
            end(a);
            it.sim.run_for(ms(10));
            assert_eq!(two.state(), Lifecycle::Running);
            assert_eq!(a.address().state(), Lifecycle::Down);
        }
        it.sim.run_for(ms(50));
        assert_eq!(two.state(), Lifecycle::Stopping, "seed {seed}");
        match way {
            "deleted" => {}
            "ended then" => {
                end(a);
                it.sim.run_until_idle();
                assert_eq!(a.address().state(), Lifecycle::Down);
            }
            _ => it.sim.run_for(ms(100)),
        }
        assert!(it.is_taken(), "seed {seed}, {way}");
        it.sim.open(it.places[0].clone());
        it.sim.run_for(LONG);
        assert_eq!(it.app.lookup(LOG), Ok(a), "seed {seed}, {way}");
    }
}

/// The same of a temporary subtree of one more loop, which ends before the loss is known around it.
fn m11_a_subtree_that_an_orphan_has_put_aside_is_declared_again(seed: u64) {
    let mut it = Named::at_depth(3, seed, true);
    let [two, three] = ["two", "three"].map(|name| it.node(name));
    let [first, second, _] = it.places.clone();
    it.sim.delay(&first, &second, ms(20));
    it.sim.lose(&first);
    three.kill();
    it.sim.run_for(ms(10));
    assert_eq!(two.state(), Lifecycle::Running, "seed {seed}");
    assert_eq!(three.state(), Lifecycle::Down, "seed {seed}");
    it.sim.run_for(ms(150));
    assert!(it.is_taken(), "seed {seed}");
    it.sim.open(first);
    it.sim.run_for(LONG);
    assert_eq!(it.app.lookup(LOG), Ok(it.a), "seed {seed}");
}

/// Whatever was deleted below before, and has come back.
fn n02_a_deleted_subtree_two_loops_below_leaves_its_names(seed: u64) {
    for (loops, below) in [(2, "a"), (3, "three")] {
        let mut it = Named::at_depth(loops, seed, false);
        let [one, two] = ["one", "two"].map(|name| it.node(name));
        it.delete(two, below);
        two.kill();
        it.sim.run_for(LONG);
        assert_eq!(it.app.lookup(LOG), Ok(it.a), "seed {seed}");
        it.delete_and_lose_two(one, seed);
    }
}

/// Also if something was put aside below it before: the loop of that supervisor is lost, and nobody builds
/// on it.
fn n02_a_deleted_subtree_leaves_what_was_deleted_below_it(seed: u64) {
    for (loops, below) in [(2, "a"), (3, "three")] {
        let mut it = Named::at_depth(loops, seed, false);
        let [one, two] = ["one", "two"].map(|name| it.node(name));
        it.delete(two, below);
        it.delete_and_lose_two(one, seed);
    }
}

/// How the first of several subtrees below each other goes down, the loop of which is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goes {
    Decided,
    Temporary,
    TerminatedBefore,
    TerminatedThen,
    TerminatedAbove,
}

/// Nobody builds it again, on whichever loop: who looks, asks or watches is told so, also while the old
/// instances take their time to end, and in each next life of those loops. It comes with the next start.
fn m11_what_is_below_a_lost_loop_that_is_not_built_again_is_down(seed: u64) {
    for goes in [
        Goes::Decided,
        Goes::Temporary,
        Goes::TerminatedBefore,
        Goes::TerminatedThen,
        Goes::TerminatedAbove,
    ] {
        for at in [[0, 1, 2], [0, 1, 0]] {
            goes_down(seed, goes, at, 0);
            goes_down(seed, goes, at, 50);
        }
    }
}

fn goes_down(seed: u64, goes: Goes, at: [usize; 3], slow: u64) {
    let (log, what) = (
        Log::new(),
        format!("seed {seed}, {goes:?}, {at:?}, {slow} ms"),
    );
    let mut sim = Sim::new(seed);
    sim.locality("home");
    let all = ["mid", "far", "low"].map(|name| sim.locality(name));
    let plan = Plan::new(&log, at.map(|n| all[n].clone()).to_vec(), vec![slow; 3]);
    let one = match goes {
        Goes::Temporary => plan.place(0, group(LEVELS[0]).temporary()),
        _ => plan.level(0),
    };
    let above = patient("above").decide(move |_| match goes {
        Goes::Decided => Decision::Stop,
        _ => Decision::Usual,
    });
    // Something stays placed everywhere, so that what is lost can be opened again.
    let anchors = ["anchor mid", "anchor far"].into_iter().zip(&all);
    let anchors = anchors.map(|(name, place)| patient(name).on(place, |s| s));
    let (boss, theirs) = (all[2].reserve(), log.clone());
    let watches = move |s: Supervisor| s.child(puppet("boss", &theirs).at(boss));
    let root = patient("root").child(above.child(one));
    let root = root.child(patient("watches").on(&all[2], watches));
    let tree = anchors.fold(root, Supervisor::child);
    let app = sim.start(tree).expect("a sound tree");
    sim.run_for(ms(10));
    // Those on loops that run.
    let states = |but: Option<usize>| {
        let leaves = plan.leaves.iter().zip(at);
        let leaves = leaves.filter(move |(_, n)| Some(*n) != but);
        let states = leaves.flat_map(|(leaves, _)| leaves.map(|leaf| leaf.address().state()));
        states.collect::<std::collections::HashSet<_>>()
    };
    let (runs, down) = ([Lifecycle::Running].into(), [Lifecycle::Down].into());
    assert_eq!(states(None), runs, "{what}");
    let nodes = app.tree().nodes;
    let above = nodes.iter().find(|node| node.name == "above");
    let above = above.expect("it is there").address;
    let (of, name) = match goes {
        Goes::TerminatedAbove => (app.root(), "above"),
        _ => (above, "one"),
    };
    let terminate = |sim: &mut Sim| {
        let asked = of.admin().ask(TerminateChild::named(name), LONG);
        assert!(matches!(sim.block_on(asked), Some(Ok(Ok(())))), "{what}");
    };
    if goes == Goes::TerminatedBefore {
        terminate(&mut sim);
    }
    sim.lose(&all[0]);
    sim.run_for(ms(2));
    if matches!(goes, Goes::TerminatedThen | Goes::TerminatedAbove) {
        terminate(&mut sim);
    }
    sim.run_for(ms(1000));
    assert_eq!(states(Some(0)), down, "{what}");
    let two = plan.leaves[1];
    for leaf in two {
        act(boss, move |_, cx| {
            cx.monitor(leaf.address());
        });
        let asked = sim.block_on(leaf.ask(Double(1), LONG));
        assert!(matches!(asked, Some(Err(RequestError::Ended(_)))), "{what}");
    }
    sim.run_for(ms(10));
    assert_eq!(log.count("boss: down"), 2, "{what}, {:?}", log.all());
    sim.open(all[0].clone());
    sim.run_for(ms(1000));
    assert_eq!(states(None), down, "{what}");
    for again in [1, 0, 1, 0] {
        sim.lose(&all[again]);
        sim.open(all[again].clone());
        sim.run_for(ms(1000));
        assert_eq!(states(None), down, "{what}, {again} again");
    }
    if goes == Goes::Temporary {
        above.kill();
    } else {
        let asked = of.admin().ask(RestartChild::named(name), LONG);
        assert!(matches!(sim.block_on(asked), Some(Ok(Ok(_)))), "{what}");
    }
    sim.run_for(ms(1000));
    assert_eq!(states(None), runs, "{what}");
}

/// What lies on one loop may be down with several specs, each of which others have: one that does not say so
/// any more, because its loop is lost or it has been started, takes back its own word only.
fn m11_what_several_have_laid_down_is_so_until_none_has(seed: u64) {
    for inner in [None, Some("two"), Some("three")] {
        for (at, lost) in [
            (&[0, 1, 2][..], &[2, 0][..]),
            (&[0, 1, 2], &[2, 1, 0, 1, 2]),
            (&[0, 1, 2, 0], &[0, 0]),
            (&[0, 1, 2, 0], &[1, 0]),
        ] {
            let wait = 40 * (seed % 2);
            laid_down_twice(seed, inner, at, lost, wait);
        }
    }
}

fn laid_down_twice(
    seed: u64,
    inner: Option<&'static str>,
    at: &[usize],
    lost: &[usize],
    wait: u64,
) {
    let what = format!("seed {seed}, {inner:?}, {at:?}, {lost:?}, {wait} ms");
    let mut it = Chain::new(seed, at, vec![0; at.len()]);
    if let Some(inner) = inner {
        let above = it.node(if inner == "two" { "one" } else { "two" });
        it.done(above, TerminateChild::named(inner));
    }
    let root = it.app.root();
    it.done(root, TerminateChild::named("one"));
    it.sim.run_for(ms(10));
    it.all_are(Lifecycle::Down, &what);
    for &n in lost {
        let place = it.plan.places[n].clone();
        it.sim.lose(&place);
        it.sim.run_for(ms(wait));
        it.sim.open(place);
        it.sim.run_for(ms(100));
        it.all_are(Lifecycle::Down, &format!("{what}, {n} is lost"));
    }
    it.done(root, RestartChild::named("one"));
    it.sim.run_for(ms(100));
    it.all_are(Lifecycle::Running, &what);
}

/// Those below a loop that was lost do not say what becomes of who is below them: whoever builds them anew
/// does. Nobody need have told them of the loss, and the loop may have come again.
fn m11_who_is_below_a_lost_loop_lays_nothing_down(seed: u64) {
    for (at, of, name) in [([0, 1, 2, 2], 1, "three"), ([0, 1, 3, 2], 2, "four")] {
        for open in [true, false] {
            lays_nothing_down(seed, at, (of, name), open);
        }
    }
}

fn lays_nothing_down(seed: u64, at: [usize; 4], (of, name): (usize, &'static str), open: bool) {
    let what = format!("seed {seed}, {name}, {open}");
    let mut sim = Sim::new(seed);
    let home = sim.locality("home");
    let all = ["mid", "far", "low", "deep"].map(|name| sim.locality(name));
    let log = Log::new();
    let plan = Plan::new(&log, at.map(|n| all[n].clone()).to_vec(), vec![0; 4]);
    let anchors = all.iter().map(|place| patient("anchor").on(place, |s| s));
    let anchors = anchors.zip(["a", "b", "c", "d"]);
    let root = patient("root").child(plan.level(0));
    let tree = anchors.fold(root, |root, (anchor, name)| {
        root.child(patient(name).child(anchor))
    });
    let app = sim.start(tree).expect("a sound tree");
    sim.run_for(ms(10));
    let nodes = app.tree().nodes;
    let above = nodes.iter().find(|node| node.name == LEVELS[of]);
    let above = above.expect("it is there").address;
    let leaf = plan.leaves[of + 1][0];
    assert_eq!(leaf.address().state(), Lifecycle::Running, "{what}");
    let (low, mid) = (plan.places[of + 1].clone(), plan.places[0].clone());
    // Neither the news of the loss nor what is built anew comes for a while.
    sim.delay(&mid, &plan.places[1], ms(50));
    sim.delay(&plan.places[1], &plan.places[of + 1], ms(0));
    sim.lose(&mid);
    if open {
        sim.open(mid.clone());
    }
    sim.lose(&low);
    let asked = above.admin().ask(TerminateChild::named(name), LONG);
    assert!(matches!(sim.block_on(asked), Some(Ok(Ok(())))), "{what}");
    sim.open(low);
    sim.run_for(ms(10));
    assert_eq!(leaf.address().state(), Lifecycle::Waiting, "{what}");
    leaf.send(Say("it has waited"));
    sim.run_for(ms(100));
    if !open {
        sim.open(mid);
    }
    sim.run_for(ms(1000));
    assert_eq!(leaf.address().state(), Lifecycle::Running, "{what}");
    assert_eq!(log.count("x: it has waited"), 1, "{what}, {:?}", log.all());
    drop(home);
}

/// A subtree that was added at run time is gone with a lost loop, and so is all that it had on others: who
/// looks, asks or watches is told so, also while the old instances take their time to end.
fn m11_what_a_loss_has_removed_is_gone_on_every_loop_below(seed: u64) {
    for at in [[0, 1, 2], [0, 1, 0], [0, 0, 1]] {
        for lost in [&[0][..], &[1, 0], &[2, 0], &[1, 2, 0]] {
            for placed in [true, false] {
                is_removed(seed, at, lost, 50 * (seed % 2), placed);
            }
        }
    }
}

fn is_removed(seed: u64, at: [usize; 3], lost: &[usize], slow: u64, placed: bool) {
    let what = format!("seed {seed}, {at:?}, {lost:?}, {slow} ms, {placed}");
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let home = sim.locality("home");
    let all = ["mid", "far", "low"].map(|name| sim.locality(name));
    let plan = Plan::new(&log, at.map(|n| all[n].clone()).to_vec(), vec![slow; 3]);
    let boss = home.reserve();
    let root = patient("root").child(puppet("boss", &log).at(boss));
    let anchors = all.iter().map(|place| patient("anchor").on(place, |s| s));
    let anchors = anchors.zip(["a", "b", "c"]);
    let tree = anchors.fold(root, |root, (anchor, name)| {
        root.child(patient(name).child(anchor))
    });
    let app = sim.start(tree).expect("a sound tree");
    sim.run_for(ms(10));
    let mine = plan.clone();
    let start = StartChild::new(move || {
        let one = mine.place(0, group(LEVELS[0]).temporary());
        if placed {
            return one;
        }
        // It ends by itself with what is placed below it.
        let all = AutoShutdown::Any;
        let around = group("around").temporary().auto_shutdown(all);
        around.child(one.significant())
    });
    let asked = sim.block_on(app.root().admin().ask(start, LONG));
    assert!(matches!(asked, Some(Ok(Ok(Some(_))))), "{what}, {asked:?}");
    sim.run_for(ms(10));
    let leaves: Vec<_> = plan.leaves.iter().flatten().copied().collect();
    for leaf in &leaves {
        assert_eq!(leaf.address().state(), Lifecycle::Running, "{what}");
        let at = leaf.address();
        act(boss, move |_, cx| drop(cx.monitor(at)));
    }
    sim.run_for(ms(1));
    for &n in lost {
        sim.lose(&all[n]);
    }
    sim.run_for(ms(100));
    for &n in lost {
        sim.open(all[n].clone());
    }
    sim.run_for(ms(1000));
    assert_eq!(
        log.count("boss: down"),
        leaves.len(),
        "{what}, {:?}",
        log.all()
    );
    for leaf in leaves {
        assert_eq!(leaf.address().state(), Lifecycle::Gone, "{what}");
        let asked = sim.block_on(leaf.ask(Double(1), LONG));
        assert!(
            matches!(asked, Some(Err(RequestError::Gone))),
            "{what}, {asked:?}"
        );
    }
}

/// One of them is lost before it hears of that.
fn m11_what_was_deleted_is_gone_whatever_is_lost_then(seed: u64) {
    for lost in [0, 1] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        sim.locality("home");
        let all = ["mid", "far"].map(|name| sim.locality(name));
        let plan = Plan::new(&log, all.to_vec(), vec![0; 2]);
        let anchor = |name, place| patient(name).child(patient("anchor").on(place, |s| s));
        let root = patient("root")
            .child(anchor("a", &all[0]))
            .child(anchor("b", &all[1]));
        let app = sim.start(root).expect("a sound tree");
        sim.run_for(ms(10));
        let mine = plan.clone();
        let start = StartChild::new(move || mine.level(0));
        let started = sim.block_on(app.root().admin().ask(start, LONG));
        assert!(matches!(started, Some(Ok(Ok(Some(_))))), "{started:?}");
        let end = TerminateChild::named(LEVELS[0]);
        let ended = sim.block_on(app.root().admin().ask(end, LONG));
        assert!(matches!(ended, Some(Ok(Ok(())))), "{ended:?}");
        sim.run_for(ms(10));
        let delete = DeleteChild::named(LEVELS[0]);
        let deleted = sim.block_on(app.root().admin().ask(delete, LONG));
        assert!(matches!(deleted, Some(Ok(Ok(())))), "{deleted:?}");
        sim.lose(&all[lost]);
        sim.run_for(ms(100));
        sim.open(all[lost].clone());
        sim.run_for(ms(1000));
        for leaf in plan.leaves.iter().flatten() {
            assert_eq!(leaf.address().state(), Lifecycle::Gone, "{seed}, {lost}");
        }
    }
}

/// A closure need not build each time what it has built to be checked: what was claimed counts.
fn m11_what_the_check_has_not_seen_is_down_all_the_same(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    sim.locality("home");
    let mid = sim.locality("mid");
    let a = mid.reserve::<Puppet>();
    let (theirs, mut calls) = (log.clone(), 0);
    let one = patient("one").on(&mid, move |s| {
        calls += 1;
        if calls == 1 {
            return s;
        }
        s.child(puppet("a", &theirs).at(a))
    });
    let anchor = patient("anchor").on(&mid, |s| s);
    let app = sim.start(patient("root").child(one).child(anchor)).unwrap();
    sim.run_for(ms(10));
    assert_eq!(a.address().state(), Lifecycle::Running);
    let stop = TerminateChild::named("one");
    let asked = sim.block_on(app.root().admin().ask(stop, LONG));
    assert!(matches!(asked, Some(Ok(Ok(())))));
    for _ in 0..2 {
        sim.lose(&mid);
        sim.run_for(ms(10));
        sim.open(mid.clone());
        sim.run_for(ms(10));
        assert_eq!(a.address().state(), Lifecycle::Down, "seed {seed}");
    }
}

/// Nor on one that lives on: the table that numbers its instances is another one.
fn m11_no_instance_has_the_number_of_another_before_a_loss(seed: u64) {
    for lost in ["near", "far"] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        sim.locality("home");
        let (near, far) = (sim.locality("near"), sim.locality("far"));
        let [at, boss] = [far.reserve::<Puppet>(), far.reserve()];
        let (theirs, below) = (log.clone(), far.clone());
        let one = patient("one").on(&near, move |s| {
            let log = theirs.clone();
            s.child(patient("two").on(&below, move |s| {
                let boss = Role::new("boss", &log).child().at(boss);
                s.child(puppet("a", &log).at(at)).child(boss)
            }))
        });
        let app = sim.start(patient("root").child(one)).unwrap();
        sim.run_for(ms(10));
        let two = |app: &App| {
            let nodes = app.tree().nodes;
            nodes
                .iter()
                .find(|node| node.name == "two")
                .expect("it is there")
                .address
        };
        let asked = two(&app).admin().ask(WhichChildren, LONG);
        let seen = sim.block_on(asked).expect("it runs").unwrap();
        let ChildState::Running { instance } = seen[0].state else {
            panic!("{:?}", seen[0]);
        };
        let place = [near, far]
            .into_iter()
            .find(|place| place.name() == lost)
            .unwrap();
        sim.lose(&place);
        sim.open(place);
        sim.run_for(ms(1000));
        let old = TerminateChild::instance(at.address(), instance);
        let told = sim
            .block_on(two(&app).admin().ask(old, LONG))
            .expect("it runs");
        assert!(told.is_ok(), "{told:?}");
        assert_eq!(
            at.address().state(),
            Lifecycle::Running,
            "seed {seed}, {lost}"
        );
    }
}

/// Also on a loop that is lost itself thereafter.
fn m11_what_an_orphan_has_left_ends_with_the_tree(seed: u64) {
    for again in [false, true] {
        let mut it = Chain::new(seed, &[0, 1], vec![0; 2]);
        let [mid, far] = [0, 1].map(|n| it.plan.places[n].clone());
        it.sim.lose(&mid);
        it.sim.run_for(ms(100));
        let left = it.plan.leaves[1];
        if again {
            it.sim.lose(&far);
            it.sim.open(far);
            it.sim.run_for(ms(100));
        }
        let states = left.map(|leaf| leaf.address().state());
        assert_eq!(states, [Lifecycle::Waiting; 2]);
        it.app.shutdown();
        it.sim.run_for(LONG);
        assert!(it.app.tree().ended.is_some());
        let states = left.map(|leaf| leaf.address().state());
        assert_eq!(states, [Lifecycle::Gone; 2], "seed {seed}, {again}");
    }
}

bodies! {
    Sim: [
        m11_what_is_two_loops_below_a_lost_one_comes_back_at_its_addresses,
        m11_what_was_down_two_loops_below_a_lost_one_can_be_started,
        m11_a_build_that_was_refused_spends_no_address,
        m11_what_waits_for_a_build_that_was_refused_meets_the_next,
        m11_a_tree_that_was_refused_spends_no_address,
        m11_the_end_of_one_tree_takes_no_address_of_the_next,
        m11_chains_of_subtrees_come_back_whatever_was_lost,
        m11_a_name_two_loops_below_a_lost_one_stays_taken,
        m11_what_was_put_aside_two_loops_below_a_lost_one_is_declared_again,
        m11_a_subtree_that_an_orphan_has_put_aside_is_declared_again,
        n02_a_deleted_subtree_two_loops_below_leaves_its_names,
        n02_a_deleted_subtree_leaves_what_was_deleted_below_it,
        m11_what_is_below_a_lost_loop_that_is_not_built_again_is_down,
        m11_what_several_have_laid_down_is_so_until_none_has,
        m11_who_is_below_a_lost_loop_lays_nothing_down,
        m11_what_a_loss_has_removed_is_gone_on_every_loop_below,
        m11_what_the_check_has_not_seen_is_down_all_the_same,
        m11_no_instance_has_the_number_of_another_before_a_loss,
        m11_what_was_deleted_is_gone_whatever_is_lost_then,
        m11_what_an_orphan_has_left_ends_with_the_tree,
    ]
}
