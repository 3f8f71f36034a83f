//! Stops that wait: for what is queued, and for holds that expire.

use std::time::{Duration, Instant};

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::world::World;

/// What is sent to it comes too late: it is given back, or undelivered, whoever sends it.
fn l18_new_messages_during_a_drain_are_refused(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b, away) = (here.reserve(), here.reserve::<Puppet>(), far.spawn("away"));
        let (c, theirs) = (away.reserve::<Puppet>(), log.clone());
        act(a, move |_, _| {
            act(b, move |me, cx| {
                let mine: Addr<Puppet> = cx.addr();
                me.say(mine.try_send(Num(7)).unwrap_err().reason);
                mine.send(Num(8));
            });
            b.send(Num(1));
            b.drain(LONG);
            b.send(Num(2));
            c.send(Num(3));
            c.drain(LONG);
            c.send(Num(4));
        });
        let ends = |to: Addr<Puppet>| to.address();
        act(a, move |_, cx| {
            cx.monitor(ends(b));
            cx.monitor(ends(c));
        });
        when(a, (2, "a: down"), |_, cx| cx.stop());
        stage()
            .child(puppet("b", &log).at(b).transient())
            .child(group("far").on(&away, move |s| {
                s.child(puppet("c", &theirs).at(c).transient())
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("b: "), ["b: the actor has stopped", "b: 1"]);
    assert_eq!(log.of("c: "), ["c: 3"]);
    assert_eq!(
        played.undelivered,
        vec![("Num".to_owned(), Reason::Stopped); 3]
    );
}

/// One that is started again gets them then.
fn l18_new_messages_during_a_drain_are_for_the_next_instance(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, _| {
            act(b, move |me, cx| {
                let mine: Addr<Puppet> = cx.addr();
                me.say(mine.try_send(Num(2)).is_ok());
            });
            b.send(Num(1));
            b.drain(LONG);
            b.send(Num(3));
        });
        when(a, (1, "b: 2"), |_, cx| cx.stop());
        stage()
            .child(Role::new("b", &log).telling().child().at(b))
            .child(lead("a", &log).at(a))
    });
    let all = "b starts, b: true, b: 1, b stops: shutdown, b drops, b starts, b: 3, b: 2";
    assert_eq!(log.of("b")[..8].join(", "), all);
}

/// What was sent before there is an instance is handled, too.
fn l18_a_drain_waits_for_what_is_parked(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        b.send(Num(1));
        b.send(Num(2));
        b.drain(LONG);
        b.send(Num(3));
        act(a, move |_, cx| drop(cx.monitor(b.address())));
        when(a, (1, "a: down"), |_, cx| cx.stop());
        stage()
            .child(puppet("b", &log).at(b).transient())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("b: "), ["b: 1", "b: 2"]);
    assert_eq!(played.lost(Reason::Stopped), ["Num"]);
}

/// Of a bounded actor, while what came in time is parked.
fn l18_what_comes_late_takes_no_place_of_what_came_in_time(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve_bounded(Bound::reject(10)));
        b.send(Num(1));
        b.send(Num(2));
        let slow = Role::new("b", &log).begin(move |_, cx| {
            let hold = cx.hold("on purpose");
            act(a, move |_, cx| {
                cx.monitor(b.address());
                b.drain(LONG);
                act(cx.addr(), move |_, cx| {
                    b.send(Num(3));
                    act(cx.addr(), move |_, _| drop(hold));
                    when(cx.addr(), (1, "a: down"), |_, cx| cx.stop());
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b).transient())
    });
    assert_eq!(log.of("b: "), ["b: 1", "b: 2"]);
    assert_eq!(played.lost(Reason::Stopped), ["Num"]);
}

fn l18_a_drain_ends_at_its_limit(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, cx| {
            for n in 0..400 {
                act(b, move |me, _| {
                    me.say(n);
                    let end = Instant::now() + Duration::from_micros(200);
                    while Instant::now() < end {}
                });
            }
            b.drain(ms(2));
            cx.monitor(b.address());
        });
        when(a, (1, "a: down"), |_, cx| cx.stop());
        stage()
            .child(puppet("b", &log).at(b).transient())
            .child(lead("a", &log).at(a))
    });
    let (done, lost) = (log.count("b: "), played.lost(Reason::Stopped).len());
    assert!((1..400).contains(&done), "{done} were handled");
    assert_eq!(done + lost, 400);
    assert_eq!(log.of("a: "), ["a: down shutdown"]);
}

/// The limit ends with the drain, and a second order changes nothing.
fn l18_a_drain_that_is_over_leaves_no_limit(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let a = sim.locality("here").reserve::<Puppet>();
    let tree = group("root").child(Role::new("a", &log).telling().child().at(a));
    sim.start(tree).unwrap();
    sim.run_until_idle();
    a.drain(ms(5));
    a.drain(ms(9));
    sim.run_for(ms(1));
    assert_eq!(sim.next_deadline(), None, "seed {seed}");
    sim.run_for(ms(20));
    // Each of the two orders has had its instance.
    assert_eq!(log.count("a starts"), 3, "seed {seed}");
}

fn l18_a_hold_ends_at_its_expiry(world: &mut World) {
    let here = world.locality();
    let a = here.reserve::<Puppet>();
    let app = world.start(&here, move || {
        let waits = |me: &mut Puppet, cx: &mut Context<Puppet>| {
            let name = format!("for {}", me.name);
            me.kept.push(Box::new(cx.hold_within(name, ms(3))));
            // One that is dropped in time.
            let early = cx.hold_within("a moment", ms(9));
            later(cx, ms(1), move |_, _| drop(early));
        };
        let role = Role::new("a", &Log::new()).begin(waits);
        let role = role.stop(move |me, _, cx| waits(me, cx));
        group("root").child(role.child().at(a).transient())
    });
    let state = || {
        let node = app.tree().nodes.into_iter().nth(1);
        let holds = node.map_or(0, |node| node.holds.len());
        (a.address().state(), holds)
    };
    let nano = Duration::from_nanos(1);
    for (during, after) in [
        (Lifecycle::Starting, Lifecycle::Running),
        (Lifecycle::Stopping, Lifecycle::Down),
    ] {
        if during == Lifecycle::Stopping {
            a.stop();
        }
        world.until(|| state() == (during, 2));
        assert_eq!(app.tree().nodes[1].holds[0], "for a");
        world.until_due_in(Some(ms(1)));
        world.pass(ms(1));
        world.until_due_in(Some(ms(2)));
        assert_eq!(state(), (during, 1));
        world.pass(ms(2) - nano);
        world.until_due_in(Some(nano));
        assert_eq!(state(), (during, 1));
        world.pass(nano);
        world.until(|| state() == (after, 0));
        world.until_due_in(None);
    }
    world.shut_down(&app);
}

bodies! {
    Pair: [l18_new_messages_during_a_drain_are_refused]
    Each: [
        l18_new_messages_during_a_drain_are_for_the_next_instance,
        l18_a_drain_waits_for_what_is_parked,
        l18_what_comes_late_takes_no_place_of_what_came_in_time,
        l18_a_drain_ends_at_its_limit,
    ]
    Sim: [l18_a_drain_that_is_over_leaves_no_limit]
    World: [l18_a_hold_ends_at_its_expiry]
}
