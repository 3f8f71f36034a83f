//! How much actors have to do, as the live tree shows it: messages handled, and messages that wait.

use std::sync::Arc;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::driver;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

struct Counting;

impl Observer for Counting {
    fn wants_counts(&self) -> bool {
        true
    }
}

/// What the live tree says of an actor: handled and queued.
fn meters(app: &App, who: Address) -> (Option<u64>, u64) {
    let tree = app.tree();
    let node = tree.nodes.iter().find(|node| node.address == who);
    node.map(|node| (node.handled, node.queued)).unwrap()
}

/// A driver that is turned by hand, with a puppet `a`.
fn one(log: &Log) -> (Driver, Locality, App, Addr<Puppet>) {
    let driver = driver();
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let a = here.reserve();
    let tree = group("root").child(puppet("a", log).at(a));
    let app = driver.start(tree).unwrap();
    driver.run_until_idle();
    (driver, here, app, a)
}

fn handled(app: &App, who: Address) -> Option<u64> {
    meters(app, who).0
}

/// Whatever reaches a handler is one message, from wherever it came and however long it waited.
fn o03_handled_messages_are_counted(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b, topic) = (here.reserve(), away.reserve::<Puppet>(), here.topic());
    let theirs = log.clone();
    a.send(Num(1)); // parked
    let far = group("far").on(&away, move |s| {
        let hears = Role::new("b", &theirs).begin(move |_, cx| cx.subscribe(topic));
        s.child(hears.child().at(b))
    });
    let tree = group("root").observer(Arc::new(Counting));
    let app = sim
        .start(tree.child(puppet("a", &log).at(a)).child(far))
        .unwrap();
    sim.run_until_idle();
    assert_eq!(handled(&app, a.address()), Some(1));
    assert_eq!(handled(&app, b.address()), Some(0));
    act(a, move |me, cx| {
        cx.addr().send(Num(2));
        b.send(Now(3));
        me.ask(cx, b, 4, LONG); // one for each of them
        topic.publish(Say("published"));
        later(cx, ms(1), |_, _| ());
        cx.spawn(async {}, |_, (), _| ());
    });
    sim.run_for(ms(2));
    assert_eq!(handled(&app, a.address()), Some(1 + 5), "{}", app.tree());
    assert_eq!(handled(&app, b.address()), Some(3), "{}", app.tree());
    assert_eq!(log.count("b: published"), 1);
}

/// A count goes on over restarts, and ends with the actor. Supervisors count the news of children.
fn o03_counts_survive_restarts_and_end_with_the_actor(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let a = sim.locality("here").reserve();
    let tree = group("root").observer(Arc::new(Counting));
    let app = sim.start(tree.child(puppet("a", &log).at(a))).unwrap();
    sim.run_until_idle();
    assert_eq!(handled(&app, app.root()), Some(1), "a start");
    crash(a);
    a.send(Num(1));
    sim.run_until_idle();
    assert_eq!(handled(&app, a.address()), Some(2));
    assert_eq!(handled(&app, app.root()), Some(3), "an end and a start");
    act(a, |me, cx| {
        let brief = Role::new("b", &me.log).begin(|_, cx| end(cx.addr()));
        cx.child(brief.child().temporary());
    });
    sim.run_until_idle();
    act(a, |me, cx| {
        cx.child(puppet("c", &me.log)); // where `b` was
    });
    sim.run_until_idle();
    let text = app.tree().to_string();
    assert!(
        text.contains("a [here] running, 1 restart, 7 handled\n    c [here] running, 0 handled"),
        "{text}"
    );
}

/// Nobody asked, nobody pays.
fn o03_nothing_is_counted_unless_an_observer_wants_it(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let a = sim.locality("here").reserve();
    let app = sim.start(group("root").child(puppet("a", &log).at(a)));
    let app = app.unwrap();
    a.send(Num(1));
    sim.run_until_idle();
    assert_eq!(handled(&app, a.address()), None);
    assert!(
        !app.tree().to_string().contains("handled"),
        "{}",
        app.tree()
    );
}

/// From the own thread and from others, one by one and in bulk; and to look changes no order.
fn o03_what_waits_is_counted_where_it_waits(_: u64) {
    const MANY: u32 = 3000; // several chunks
    let log = Log::new();
    let (driver, here, app, a) = one(&log);
    let b = here.reserve::<Puppet>();
    let other = log.clone();
    act(a, move |_, cx| drop(cx.child(puppet("b", &other).at(b))));
    driver.run_until_idle();
    assert_eq!(meters(&app, a.address()), (None, 0));
    let elsewhere = |first: u32| {
        let send = move || {
            a.send(Num(first));
            let mut out = Outbox::new();
            (1..MANY).for_each(|n| out.send(a, Num(first + n)));
            b.send(Now(first));
        };
        std::thread::spawn(send).join().unwrap();
    };
    elsewhere(0);
    a.send(Now(1)); // this thread's own
    assert_eq!(meters(&app, a.address()), (None, u64::from(MANY) + 1));
    elsewhere(MANY);
    for _ in 0..2 {
        assert_eq!(meters(&app, a.address()), (None, 2 * u64::from(MANY) + 1));
        assert_eq!(meters(&app, b.address()), (None, 2));
    }
    let text = app.tree().to_string();
    assert!(text.contains("b [here] running, 2 queued\n"), "{text}");
    driver.run_until_idle();
    assert_eq!(meters(&app, a.address()), (None, 0));
    let mut expected = vec!["a: now 1".to_owned()];
    expected.extend((0..2 * MANY).map(|n| format!("a: {n}")));
    assert_eq!(log.of("a"), expected, "in order, none lost, none twice");
    assert_eq!(log.of("b"), ["b: now 0", format!("b: now {MANY}").as_str()]);
}

/// Whoever looks from another thread sees what had come by then.
fn o03_another_thread_sees_what_waits(_: u64) {
    let (driver, here, app, a) = one(&Log::new());
    let before = here.wakes();
    let looks = std::thread::spawn(move || app.tree());
    while here.wakes() == before {
        std::thread::yield_now(); // until it has asked
    }
    std::thread::spawn(move || (0..3).for_each(|n| a.send(Num(n))))
        .join()
        .unwrap();
    driver.run_until_idle();
    let tree = looks.join().unwrap();
    assert!(
        tree.to_string().contains("  a [here] running, 3 queued\n"),
        "{tree}"
    );
}

/// A handler that looks disturbs nothing of what is run at the time; its own message waits no more.
fn o03_a_handler_may_look(_: u64) {
    let log = Log::new();
    let (driver, _, app, a) = one(&log);
    let look = move |me: &mut Puppet, cx: &mut Context<Puppet>| {
        let (_, before) = meters(&app, a.address());
        cx.addr().send(Num(7));
        cx.addr().send(Num(8));
        me.say(format!(
            "sees {before}, then {}",
            meters(&app, a.address()).1
        ));
    };
    let also = look.clone();
    let bulk = move || {
        let mut out = Outbox::new();
        (0..3).for_each(|n| out.send(a, Num(n)));
        out.send(a, Do::new(look));
        (3..6).for_each(|n| out.send(a, Num(n)));
        out.flush();
        (10..13).for_each(|n| a.send(Num(n)));
    };
    std::thread::spawn(bulk).join().unwrap();
    driver.run_until_idle();
    act(a, also);
    a.send(Num(20));
    driver.run_until_idle();
    let mut lines = log.of("a");
    lines.retain(|line| line.contains("sees"));
    assert_eq!(lines, ["a: sees 0, then 2", "a: sees 1, then 3"]);
    let mut lines = log.of("a");
    lines.retain(|line| !line.contains("sees") && line != "a: 7" && line != "a: 8");
    assert_eq!(
        lines,
        [0, 1, 2, 3, 4, 5, 10, 11, 12, 20].map(|n| format!("a: {n}"))
    );
}

struct Nods;

impl Hook<Puppet> for Nods {}

/// Nor does it where a hook was asked first.
fn o03_a_handler_may_look_behind_a_hook(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let a = sim.locality("here").reserve();
    let tree = group("root").child(puppet("a", &log).hook(Nods).at(a));
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    act(a, move |me, cx| {
        let (_, before) = meters(&app, a.address());
        cx.addr().send(Num(1));
        let (_, after) = meters(&app, a.address());
        me.say(format!("sees {before}, then {after}"));
    });
    sim.run_until_idle();
    assert_eq!(log.of("a"), ["a: sees 0, then 1", "a: 1"]);
}

bodies! {
    Sim: [
        o03_handled_messages_are_counted,
        o03_counts_survive_restarts_and_end_with_the_actor,
        o03_nothing_is_counted_unless_an_observer_wants_it,
        o03_what_waits_is_counted_where_it_waits,
        o03_another_thread_sees_what_waits,
        o03_a_handler_may_look,
        o03_a_handler_may_look_behind_a_hook,
    ]
}
