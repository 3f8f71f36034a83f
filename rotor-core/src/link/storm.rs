//! Storms of links: what is linked to each other stops, crashes, is killed, lost and asked for, and asked to
//! leave. Whatever comes, nothing is restarted without end, all of it comes to rest, and nobody is waited for
//! any more.
//!
//! `STORMS=10000` sets how many schedules are run, `STORM_SEED=7` runs that one alone.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::fuzz::dice::Dice;
use crate::here::with_local;
use crate::sim::Sim;
use crate::*;

const SCHEDULES: u64 = if cfg!(miri) { 1 } else { 300 };
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
/// Which of them live elsewhere, in a subtree each.
const AWAY: &[usize] = &[1];
const THERE: &[usize] = &[5, 6];
/// Those that may have a supervisor of their own.
const INNER: [usize; 2] = [3, 4];
/// Their subtrees, and what may be around those.
const FAR: [&str; 2] = ["around far", "far"];
const NEAR: [&str; 2] = ["around near", "near"];
const FOREVER: Duration = Duration::MAX;
/// More restarts than those of a storm.
const RESTARTS: u32 = 400;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[derive(Clone)]
struct World {
    seed: u64,
    /// All of it is on a loop that may be lost, but for the root.
    is_apart: bool,
    dice: Arc<Mutex<Dice>>,
    nodes: Arc<[Addr<Node>]>,
    /// Nobody fails, or is slow.
    calm: Arc<Mutex<bool>>,
    /// Children are given up, terminated and deleted, too.
    wild: bool,
}

impl World {
    fn below(&self, end: u64) -> u64 {
        self.dice.lock().unwrap().below(end)
    }

    fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// The same with other dice: whoever builds a part of it again builds the same.
    fn plan(&self, part: usize) -> World {
        let dice = Dice::of_seed((self.seed << 8) | (1 + part as u64));
        World {
            dice: Arc::new(Mutex::new(dice)),
            ..self.clone()
        }
    }

    /// How long a start may wait: for one that was terminated, say, it would for ever.
    fn patience(&self) -> Duration {
        if self.wild { ms(300) } else { FOREVER }
    }

    /// The same, while the storm lasts.
    fn rages(&self, n: u64) -> bool {
        !*self.calm.lock().unwrap() && self.one_in(n)
    }
}

/// Linked to some of those before it.
struct Node {
    number: usize,
    world: World,
    kept: Vec<Unlink>,
}

type Deed = Box<dyn FnOnce(&mut Node, &mut Context<Node>) + Send>;
struct Do(Deed);

fn act(to: Addr<Node>, deed: impl FnOnce(&mut Node, &mut Context<Node>) + Send + 'static) {
    to.send(Do(Box::new(deed)));
}

impl Node {
    fn child(name: &'static str, number: usize, world: &World) -> Child<Node> {
        let world = world.clone();
        Child::new(name, move || Node {
            number,
            world: world.clone(),
            kept: Vec::new(),
        })
    }

    fn slow(&self, cx: &mut Context<Self>, most: u64) {
        let hold = cx.hold("something");
        let after = ms(self.world.below(most));
        let _ = cx.after(after, Do(Box::new(move |_, _| drop(hold))));
    }
}

impl Actor for Node {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if self.world.rages(8) {
            return Err(Error::message("as told"));
        }
        if self.world.rages(3) {
            self.slow(cx, 20);
        }
        for service in &self.world.nodes[..self.number] {
            match self.world.below(8) {
                0 => _ = cx.link(service.address()),
                1 => _ = cx.link_with(service.address()),
                _ => {}
            }
        }
        Ok(())
    }

    fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
        if self.world.one_in(2) {
            self.slow(cx, 60);
        }
    }
}

impl Handler<Do> for Node {
    fn handle(&mut self, Do(deed): Do, cx: &mut Context<Self>) {
        deed(self, cx);
    }
}

impl Handler<Unlink> for Node {
    fn handle(&mut self, asked: Unlink, cx: &mut Context<Self>) {
        if !self.world.rages(1) {
            return;
        }
        match self.world.below(4) {
            0 => {}
            1 => cx.stop(),
            2 => {
                self.kept.push(asked);
                cx.stop();
            }
            _ => {
                self.kept.push(asked);
                let after = ms(self.world.below(60));
                let _ = cx.after(after, Do(Box::new(|me, _| me.kept.clear())));
            }
        }
    }
}

fn name(number: usize) -> Name<Node> {
    Name::from(NAMES[number].to_owned())
}

/// One of them, with some of those before it as services.
fn node(number: usize, plan: &World, world: &World) -> Child<Node> {
    let child = Node::child(NAMES[number], number, world);
    let child = child.at(world.nodes[number]).named(name(number));
    let services = (0..number).filter(|_| plan.one_in(3));
    let child = services.fold(child, |child, service| child.needs(name(service)));
    child.start_limit(world.patience())
}

fn declared(number: usize, plan: &World, world: &World) -> Child<Node> {
    let child = node(number, plan, world);
    let kind = if world.wild { plan.below(6) } else { 2 };
    let child = match kind {
        0 => child.transient(),
        1 => child.temporary(),
        _ if plan.one_in(4) => child.backoff(Backoff::fixed(ms(30))),
        _ => child,
    };
    match plan.below(4) {
        0 => child.stop_limit(ms(40)),
        1 => child.stop_limit(FOREVER),
        _ => child,
    }
}

fn supervisor(name: &'static str, plan: &World) -> Supervisor {
    let supervisor = match plan.below(4) {
        0 => Supervisor::rest_for_one(name),
        1 => Supervisor::one_for_all(name),
        _ => Supervisor::one_for_one(name),
    };
    let allowed = if plan.wild { 60 } else { RESTARTS };
    supervisor.intensity(allowed, FOREVER)
}

/// A subtree on another locality, with some of them: some give up at once. It may have a supervisor around it
/// which does so, too.
fn subtree(
    [around, name_of]: [&'static str; 2],
    numbers: &'static [usize],
    world: &World,
    place: &Locality,
) -> Supervisor {
    let (plan, theirs) = (world.plan(numbers[0]), world.clone());
    let allowed = if plan.one_in(3) { 0 } else { RESTARTS };
    let subtree = Supervisor::one_for_one(name_of).intensity(allowed, FOREVER);
    let subtree = subtree.backoff(Backoff::fixed(ms(50)));
    let subtree = subtree.on(place, move |subtree| {
        let plan = theirs.plan(numbers[0]);
        let nodes = numbers.iter().map(|&number| node(number, &plan, &theirs));
        nodes.fold(subtree, Supervisor::child)
    });
    let around = match plan.below(4) {
        0 | 1 => return subtree,
        2 => Supervisor::one_for_one(around).intensity(RESTARTS, FOREVER),
        _ => Supervisor::one_for_all(around).intensity(0, FOREVER),
    };
    around.backoff(Backoff::fixed(ms(30))).child(subtree)
}

/// Adds all of them.
fn fill(mut group: Supervisor, world: &World, away: &Locality, there: &Locality) -> Supervisor {
    let plan = world.plan(NAMES.len());
    let mut inner = plan.one_in(3).then(|| supervisor("inner", &plan));
    for number in 0..NAMES.len() {
        group = match (number, inner.take()) {
            (number, _) if number == AWAY[0] => group.child(subtree(FAR, AWAY, world, away)),
            (number, _) if number == THERE[0] => group.child(subtree(NEAR, THERE, world, there)),
            (number, _) if THERE.contains(&number) => group,
            (number, Some(below)) if number == INNER[0] => {
                inner = Some(below.child(declared(number, &plan, world)));
                group
            }
            (number, Some(below)) if number == INNER[1] => {
                group.child(below.child(declared(number, &plan, world)))
            }
            (number, other) => {
                inner = other;
                group.child(declared(number, &plan, world))
            }
        };
    }
    group
}

fn tree(world: &World, away: &Locality, there: &Locality, apart: &Locality) -> Supervisor {
    let group = supervisor("group", world);
    let group = if world.is_apart {
        let (world, away, there) = (world.clone(), away.clone(), there.clone());
        let group = group.backoff(Backoff::fixed(ms(40)));
        group.on(apart, move |group| fill(group, &world, &away, &there))
    } else {
        fill(group, world, away, there)
    };
    let root = Supervisor::one_for_one("root").intensity(RESTARTS, FOREVER);
    root.child(group)
}

/// Whoever gives up that is not to.
#[derive(Default)]
struct GivenUp(Mutex<Vec<String>>);

impl Observer for GivenUp {
    fn gave_up(&self, _: Address, name: &str, _: Address, child: &str) {
        if ![FAR, NEAR].as_flattened().contains(&name) {
            self.0.lock().unwrap().push(format!("{name}: {child}"));
        }
    }
}

fn picture(app: &App) -> Vec<String> {
    let line = |node: &TreeNode| {
        let (name, state, lives) = (&node.name, &node.state, node.instances);
        format!("{name} {state} {lives} {:?}", node.holds)
    };
    app.tree().nodes.iter().map(line).collect()
}

/// What is left of somebody who waited for a sibling, or for clients.
fn left_over(place: &Locality) -> Option<String> {
    with_local(place.gate(), |local| {
        let local = local?;
        let seats = local.seats.borrow();
        let services = local.services.borrow();
        let mut asked = services.asked.keys();
        let is_over = |who: &&Address| [Lifecycle::Down, Lifecycle::Gone].contains(&who.state());
        let asked = asked.find(is_over);
        let leaving = services
            .by_slot
            .iter()
            .find(|(_, service)| service.leaving.is_some());
        let mut kin = seats.iter().filter_map(|seat| seat.kin.as_ref());
        let early = kin.any(|kin| kin.early.is_some() || kin.family.settled.is_some());
        let asked = asked.map(|who| format!("{who:?} was asked"));
        asked
            .or(leaving.map(|(slot, _)| format!("{slot} waits for clients")))
            .or(early.then(|| "an end waits".to_owned()))
    })
}

fn storm(seed: u64) {
    let mut sim = Sim::new(seed);
    let all = ["here", "away", "there", "apart"].map(|name| sim.locality(name));
    let [here, away, there, apart] = &all;
    let is_apart = seed / 2 % 2 == 1;
    let place = |number| match number {
        number if AWAY.contains(&number) => away,
        number if THERE.contains(&number) => there,
        _ if is_apart => apart,
        _ => here,
    };
    let world = World {
        seed,
        is_apart,
        dice: Arc::new(Mutex::new(Dice::of_seed(seed))),
        nodes: (0..NAMES.len()).map(|n| place(n).reserve()).collect(),
        calm: Arc::new(Mutex::new(true)),
        wild: seed % 2 == 1,
    };
    let given_up = Arc::new(GivenUp::default());
    let app = sim.start(tree(&world, away, there, apart).observer(given_up.clone()));
    let app = app.expect("a sound tree");
    sim.run_for(ms(200));
    let nodes = app.tree().nodes;
    let group = nodes[1].address;
    let inner = [FAR, NEAR, ["inner"; 2]];
    let is_inner = |node: &&TreeNode| inner.as_flattened().contains(&&*node.name);
    let inner: Vec<_> = nodes
        .iter()
        .filter(is_inner)
        .map(|node| node.address)
        .collect();
    let one_of_them = || inner[world.below(inner.len() as u64) as usize];
    *world.calm.lock().unwrap() = false;
    let mut asked: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    macro_rules! ask {
        ($request:expr) => {{
            let answer = group.admin().ask($request, FOREVER);
            asked.push(Box::pin(async move { drop(answer.await) }));
        }};
    }
    let least = if cfg!(miri) { 5 } else { 20 };
    for _ in 0..least + world.below(2 * least) {
        let number = world.below(NAMES.len() as u64) as usize;
        let node = world.nodes[number];
        let child = match number {
            _ if AWAY.contains(&number) => "far",
            _ if THERE.contains(&number) => "near",
            _ if INNER.contains(&number) && world.one_in(2) => "inner",
            _ => NAMES[number],
        };
        let theirs = world.clone();
        match world.below(16) {
            0..=2 => node.address().stop(),
            3 => node.address().kill(),
            4 => act(node, |_, _| panic!("as told")),
            5 => act(node, |_, cx| cx.stop()),
            6 => act(node, |me, _| me.kept.clear()),
            7 if number > 0 => {
                let service = world.nodes[world.below(number as u64) as usize].address();
                act(node, move |_, cx| _ = cx.link_with(service));
            }
            8 => ask!(StartChild::new(move || Node::child("x", 7, &theirs)
                .temporary()
                .start_limit(theirs.patience()))),
            9 => act(node, |me, cx| {
                _ = cx.child(Node::child("kid", me.number, &me.world).temporary());
            }),
            10 if world.wild => ask!(TerminateChild::named(child)),
            11 if world.wild => ask!(RestartChild::named(child)),
            12 if world.wild && world.one_in(6) => ask!(DeleteChild::named(child)),
            13 if world.one_in(4) => {
                let lost = match world.below(5) {
                    0 if is_apart => apart,
                    1 | 2 => away,
                    _ => there,
                };
                sim.lose(lost);
                let closed = if world.one_in(2) { 25 } else { 300 };
                sim.run_for(ms(world.below(closed)));
                sim.open(lost.clone());
            }
            14 if world.one_in(3) => one_of_them().kill(),
            15 if world.one_in(3) => one_of_them().stop(),
            _ => ask!(CountChildren),
        }
        if !world.one_in(3) {
            sim.run_for(ms(world.below(25)));
        }
    }
    *world.calm.lock().unwrap() = true;
    for _ in 0..2 {
        for node in &*world.nodes {
            act(*node, |me, _| me.kept.clear());
        }
        sim.run_for(ms(5000));
    }
    let at_rest = |app: &App| {
        let tree = app.tree();
        let mut states = tree.nodes.iter().map(|node| node.state);
        tree.ended.is_none()
            && states.all(|state| state == "running" || world.wild && state == "down")
    };
    for _ in 0..if world.wild { 100 } else { 1 } {
        if !at_rest(&app) {
            sim.run_for(ms(5000)); // till somebody has given up, and is started anew
        }
    }
    assert!(at_rest(&app), "{:#?}", picture(&app));
    let given_up = given_up.0.lock().unwrap().join(", ");
    assert!(world.wild || given_up.is_empty(), "{given_up}");
    assert_eq!(all.iter().find_map(left_over), None);
    for answer in asked {
        let answered = sim.block_on(answer);
        assert!(answered.is_some(), "{:#?}", picture(&app));
    }
    app.shutdown();
    sim.run_for(Duration::from_secs(600));
    assert!(app.tree().ended.is_some(), "{:#?}", picture(&app));
    assert_eq!(all.iter().find_map(left_over), None, "at the end");
}

#[test]
fn links_in_a_storm_come_to_rest() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let all = match number("STORM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("STORMS").unwrap_or(SCHEDULES),
    };
    for seed in all {
        let calm = std::panic::catch_unwind(|| storm(seed));
        assert!(calm.is_ok(), "STORM_SEED={seed}");
    }
}
