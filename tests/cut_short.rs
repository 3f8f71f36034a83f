//! Starts and stops that are cut short: by a kill, or by the loss of their loop.

use std::sync::Arc;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::harness::bodies;
use crate::localities::Ends;
use crate::log::Log;
use crate::puppet::*;

fn patient(name: &'static str) -> Supervisor {
    group(name)
        .intensity(u32::MAX, LONG)
        .backoff(Backoff::fixed(ms(1000)))
}

/// Its stop takes a while.
fn slow(log: &Log) -> Child<Puppet> {
    Role::new("slow", log).slow(200).child()
}

/// Its order to start is in the queue when that happens.
fn m10_nothing_starts_below_a_supervisor_that_was_killed(seed: u64) {
    for steps in 0..12 {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        sim.locality("home");
        let below = group("below").child(puppet("a", &log));
        let app = sim.start(group("root").child(group("killed").child(below)));
        let app = app.expect("a sound tree");
        sim.run_until_idle();
        let killed = app.tree().nodes[1].address;
        for left in [steps, 0] {
            killed.kill();
            (0..left).for_each(|_| drop(sim.step()));
        }
        sim.run_for(ms(10_000));
        assert!(all_run(&app), "{steps}, {}", app.tree());
        app.shutdown();
        sim.run_until_idle();
        assert!(app.tree().ended.is_some(), "{steps}");
    }
}

/// A loop, and a tree with something on it, that holds an address there.
struct Far {
    sim: Sim,
    app: App,
    far: Locality,
    /// Of what is placed there.
    x: Addr<Puppet>,
    /// Of the first child at home.
    a: Addr<Puppet>,
}

impl Far {
    /// The tree of `root`: a child, one that is slow, and `far`, with something else on its loop.
    fn new(seed: u64, log: &Log, root: Supervisor, far: Supervisor) -> Self {
        let mut sim = Sim::new(seed);
        let (home, away) = (sim.locality("home"), sim.locality("away"));
        let (a, x) = (home.reserve(), away.reserve());
        let theirs = log.clone();
        let far = far.on(&away, move |s| {
            s.child(puppet("x", &theirs).at(x)).child(slow(&theirs))
        });
        let tree = root
            .child(puppet("a", log).at(a))
            .child(slow(log))
            .child(far)
            .child(patient("anchor").on(&away, |s| s));
        let app = sim.start(tree).expect("a sound tree");
        sim.run_until_idle();
        Far {
            sim,
            app,
            far: away,
            x,
            a,
        }
    }

    fn lose(&mut self) {
        self.sim.lose(&self.far);
        self.sim.run_for(ms(10));
        self.sim.open(self.far.clone());
    }

    fn far(&self) -> Address {
        let nodes = self.app.tree().nodes;
        let far = nodes.iter().find(|node| node.name == "far");
        far.expect("it is declared").address
    }

    fn state(&mut self, after: u64) -> Lifecycle {
        self.sim.run_for(ms(after));
        self.x.address().state()
    }
}

fn for_all() -> Supervisor {
    Supervisor::one_for_all("root").intensity(9, ms(100))
}

fn m11_what_is_lost_while_it_is_stopped_for_good_is_down(seed: u64) {
    let log = Log::new();
    let mut it = Far::new(seed, &log, for_all(), group("far").temporary());
    crash(it.a);
    it.sim.run_for(ms(50)); // it is stopped
    assert_eq!(it.far().state(), Lifecycle::Stopping);
    it.lose();
    assert_eq!(it.state(10_000), Lifecycle::Down, "{}", it.app.tree());
}

fn m11_what_was_removed_and_is_lost_meanwhile_is_down(seed: u64) {
    let log = Log::new();
    let mut it = Far::new(seed, &log, for_all(), group("far").temporary());
    let stop = TerminateChild::named("far");
    let stopped = it.sim.block_on(it.app.root().admin().ask(stop, LONG));
    assert!(matches!(stopped, Some(Ok(Ok(())))));
    crash(it.a);
    it.sim.run_for(ms(50)); // the others are stopped
    it.lose();
    assert_eq!(it.state(10_000), Lifecycle::Down, "{}", it.app.tree());
}

/// Its end waits until the others are started again.
fn m11_what_is_lost_after_its_end_is_down(seed: u64) {
    let log = Log::new();
    let root = Supervisor::rest_for_one("root").intensity(9, ms(100));
    let mut sim = Sim::new(seed);
    let (home, away) = (sim.locality("home"), sim.locality("away"));
    let (a, x) = (home.reserve(), away.reserve::<Puppet>());
    let theirs = log.clone();
    let far = group("far").temporary();
    let far = far.on(&away, move |s| s.child(puppet("x", &theirs).at(x)));
    let tree = root
        .child(far)
        .child(patient("anchor").on(&away, |s| s))
        .child(puppet("a", &log).at(a))
        .child(slow(&log));
    let app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    crash(a);
    sim.run_for(ms(20)); // the slow one is stopped
    let far = app.tree().nodes[1].address;
    far.kill();
    sim.run_for(ms(20));
    sim.lose(&away);
    sim.run_for(ms(10));
    sim.open(away.clone());
    sim.run_for(ms(10_000));
    assert_eq!(x.address().state(), Lifecycle::Down, "{}", app.tree());
}

/// An address waits again as soon as its loop has come: whoever asks for it then is served when it runs.
fn m11_what_waits_in_the_next_life_is_watched_served_and_stopped(seed: u64) {
    let log = Log::new();
    let mut it = Far::new(seed, &log, patient("root"), patient("far"));
    let (a, x) = (it.a, it.x);
    it.lose();
    assert_eq!(it.state(10), Lifecycle::Waiting);
    act(a, move |_, cx| {
        cx.monitor(x.address());
        cx.link_with(x.address());
    });
    x.stop();
    it.sim.run_for(ms(10));
    assert_eq!(log.of("a: "), [""; 0]);
    assert_eq!(it.state(10_000), Lifecycle::Running);
    let nodes = it.app.tree().nodes;
    let of_x = nodes.iter().find(|node| node.name == "x");
    assert_eq!(of_x.map(|node| node.instances), Some(2), "the first one");
    crash(x);
    it.sim.run_for(ms(100));
    assert_eq!(
        log.of("a: "),
        ["a: down shutdown", "a: asked: panicked: as told"]
    );
}

/// Its address is that of the life before; the supervisor above it is told to stop before that has built it.
fn l13_who_waits_for_a_service_that_is_not_built_again_is_told_which(seed: u64) {
    let (log, ends) = (Log::new(), Arc::new(Ends::default()));
    let root = patient("root").observer(ends.clone());
    let mut it = Far::new(seed, &log, root, patient("far"));
    let (a, x) = (it.a, it.x);
    it.lose();
    act(a, move |_, cx| {
        cx.link(x.address());
    });
    it.sim.run_for(ms(10));
    ends.take();
    let stop = TerminateChild::named("far");
    let stopped = it.sim.block_on(it.app.root().admin().ask(stop, LONG));
    assert!(matches!(stopped, Some(Ok(Ok(())))));
    assert_eq!(it.state(10), Lifecycle::Down);
    let why = "is down, or ends, with a supervisor above it: have that started again first, or do without it";
    let told = format!("a: failed: the service {:?} on away {why}", x.address());
    assert_eq!(ends.take(), [told]);
}

/// A start that has failed because the loop was lost is tried again.
fn m11_what_is_started_again_waits_as_soon_as_its_loop_has_come(seed: u64) {
    let log = Log::new();
    let far = patient("far");
    let mut it = Far::new(seed, &log, for_all().backoff(Backoff::fixed(ms(1000))), far);
    let stop = TerminateChild::named("far");
    let stopped = it.sim.block_on(it.app.root().admin().ask(stop, LONG));
    assert!(matches!(stopped, Some(Ok(Ok(())))));
    it.sim.lose(&it.far);
    crash(it.a);
    it.sim.run_for(ms(1_500)); // its start has failed
    it.sim.open(it.far.clone());
    assert_eq!(it.state(1), Lifecycle::Waiting, "{}", it.app.tree());
    assert_eq!(it.state(10_000), Lifecycle::Running, "{}", it.app.tree());
}

bodies! {
    Sim: [
        m10_nothing_starts_below_a_supervisor_that_was_killed,
        m11_what_is_lost_while_it_is_stopped_for_good_is_down,
        m11_what_was_removed_and_is_lost_meanwhile_is_down,
        m11_what_is_lost_after_its_end_is_down,
        m11_what_waits_in_the_next_life_is_watched_served_and_stopped,
        l13_who_waits_for_a_service_that_is_not_built_again_is_told_which,
        m11_what_is_started_again_waits_as_soon_as_its_loop_has_come,
    ]
}
