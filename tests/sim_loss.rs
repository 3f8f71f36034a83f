//! Lost loops, in every order of events that the seeds give.

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// A home with `a` and a far locality with `b`, which keeps requests.
struct Two {
    sim: Sim,
    app: App,
    away: Locality,
    a: Addr<Puppet>,
    b: Addr<Puppet>,
}

fn two(seed: u64, log: &Log, restarts: u32) -> Two {
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("home"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        s.child(Role::new("b", &theirs).telling().keeping().child().at(b))
    });
    let tree = Supervisor::one_for_one("root")
        .intensity(restarts, ms(60_000))
        .child(puppet("a", log).at(a))
        .child(far);
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    Two {
        sim,
        app,
        away,
        a,
        b,
    }
}

/// Without a way to reopen, each attempt fails, intensity counts, the supervisor escalates.
fn m11_a_loss_that_is_not_mended_escalates(seed: u64) {
    let log = Log::new();
    let mut two = two(seed, &log, 3);
    two.sim.lose(&two.away);
    two.sim.run_until_idle();
    let exit = two.app.wait().expect("the root has given up");
    assert_eq!(exit.root_cause().to_string(), "locality away was lost");
    assert_eq!(log.live(), 0);
}

/// Exactly one Down and one failure each, with the loss as the reason.
fn m11_a_loss_ends_monitors_and_requests_with_its_reason(seed: u64) {
    let log = Log::new();
    let mut two = two(seed, &log, 1_000);
    let b = two.b;
    act(two.a, move |me, cx| {
        cx.monitor(b.address());
        cx.request(b, Double(1), LONG, |me, reply, _| {
            me.say(reply.unwrap_err())
        });
        let _ = me;
    });
    two.sim.run_until_idle();
    two.sim.lose(&two.away);
    // One step at a time, before the root gives up.
    while log.of("a").len() < 2 && two.sim.step() {}
    let mut said = log.of("a");
    said.sort();
    assert_eq!(
        said,
        [
            "a: down locality away was lost",
            "a: the actor ended before it answered: locality away was lost"
        ]
    );
}

/// The question is asked still, and may be answered: only its first reader is lost.
fn m04_a_token_that_was_passed_on_outlives_the_loop_of_its_first_holder(seed: u64) {
    let log = Log::new();
    let mut two = two(seed, &log, 1_000);
    let (a, b) = (two.a, two.b);
    act(a, move |me, cx| me.ask(cx, b, 1, LONG));
    two.sim.run_until_idle();
    act(b, move |me, _| {
        let ask = me.asks.pop().unwrap();
        act(a, move |me, _| me.asks.push(ask));
    });
    two.sim.run_until_idle();
    two.sim.lose(&two.away);
    two.sim.open(two.away.clone());
    two.sim.run_until_idle();
    assert_eq!(log.of("a: "), [""; 0]);
    act(a, |me, _| me.asks.pop().unwrap().reply(7));
    two.sim.run_until_idle();
    assert_eq!(log.of("a: "), ["a: got 7"]);
}

/// A loss is no orderly end: who is started again after a failure is started again.
fn m11_a_transient_child_is_started_again_after_a_loss(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (_home, away) = (sim.locality("home"), sim.locality("away"));
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        s.child(Role::new("b", &theirs).telling().child().transient())
    });
    sim.start(group("root").child(far.transient())).unwrap();
    sim.run_until_idle();
    sim.lose(&away);
    sim.open(away);
    sim.run_until_idle();
    assert_eq!(log.all(), ["b starts", "b drops", "b starts"]);
}

/// What lived on a lost locality is dropped there, children first.
fn m11_what_is_lost_is_dropped_children_first(seed: u64) {
    let log = Log::new();
    let mut two = two(seed, &log, 1_000);
    let (b, mine) = (two.b, log.clone());
    act(b, move |_, cx| {
        let below = mine.clone();
        let c = Role::new("c", &mine).telling().begin(move |_, cx| {
            cx.child(Role::new("d", &below).telling().child());
        });
        cx.child(c.child());
    });
    two.sim.run_until_idle();
    two.sim.lose(&two.away);
    assert_eq!(
        log.all(),
        [
            "b starts", "c starts", "d starts", "d drops", "c drops", "b drops"
        ]
    );
}

/// The order to go overtakes the order to start.
fn m10_an_instance_that_is_disowned_before_its_start_never_starts(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    sim.locality("home");
    let away = Locality::new("away"); // its loop has not run yet
    let theirs = log.clone();
    let far = group("far").stop_limit(ms(2)).on(&away, move |s| {
        s.child(Role::new("b", &theirs).telling().child())
    });
    let app = sim.start(group("root").child(far)).unwrap();
    sim.run_until_idle();
    app.shutdown();
    sim.run_for(ms(2));
    assert!(!app.wait().unwrap().is_abnormal());
    sim.open(away);
    sim.run_until_idle();
    assert_eq!(log.all(), [""; 0]);
}

/// A message that arrives before the subtree is built again waits for it.
fn m11_addresses_are_valid_as_soon_as_a_lost_locality_is_open_again(seed: u64) {
    let log = Log::new();
    let mut two = two(seed, &log, 1_000);
    two.sim.lose(&two.away);
    two.sim.open(two.away.clone());
    two.b.send(Say("reached"));
    two.sim.run_until_idle();
    assert_eq!(log.of("b:"), ["b: reached"]);
    assert_eq!(log.count("b starts"), 2);
}

/// The news of the second loss comes when the child runs in a third life already.
fn m11_a_locality_that_is_lost_twice_at_once_has_one_instance_of_each_child(seed: u64) {
    let log = Log::new();
    let mut two = two(seed, &log, 1_000);
    for _ in 0..2 {
        two.sim.lose(&two.away);
        two.sim.open(two.away.clone());
    }
    two.sim.run_until_idle();
    assert_eq!(log.live(), 2, "{:?}", log.all());
    two.b.send(Say("reached"));
    two.sim.run_until_idle();
    assert_eq!(log.count("b: reached"), 1);
    two.app.shutdown();
    two.sim.run_for(LONG);
    assert!(two.app.tree().ended.is_some(), "{}", two.app.tree());
    assert_eq!(log.live(), 0);
}

/// A child ends, is started again in the locality's next life, and only then comes the news of the
/// loss: what was started is removed first.
fn m11_a_child_may_be_started_again_before_the_news_of_a_loss(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (home, away) = (sim.locality("home"), sim.locality("away"));
    let b = away.reserve();
    let theirs = log.clone();
    let far = Supervisor::one_for_one("far")
        .intensity(0, ms(1))
        .on(&away, move |s| {
            s.child(Role::new("b", &theirs).telling().child().at(b))
        });
    let app = sim.start(group("root").child(far)).unwrap();
    sim.run_until_idle();
    sim.delay(&away, &home, ms(10));
    crash(b);
    sim.run_until_idle();
    sim.lose(&away);
    sim.open(away);
    sim.run_for(LONG);
    b.send(Say("reached"));
    sim.run_until_idle();
    assert_eq!(log.of("b: "), ["b: reached"]);
    assert_eq!(log.live(), 1, "{:?}", log.all());
    app.shutdown();
    sim.run_for(LONG);
    assert!(app.tree().ended.is_some(), "{}", app.tree());
}

/// Lost when its subtree is only on the way: it can be opened all the same.
fn m11_a_locality_may_be_lost_before_its_subtree_arrives(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (_home, away) = (sim.locality("home"), sim.locality("away"));
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs)));
    let root = group("root").child(far);
    let app = sim.start(group("above").child(root.transient())).unwrap();
    sim.lose(&away);
    sim.open(away);
    sim.run_until_idle();
    assert_eq!(log.live(), 1);
    app.shutdown();
    sim.run_until_idle();
    assert_eq!(log.live(), 0);
}

/// What waits for an actor goes with the loop, whether its address was claimed or not.
fn m11_what_is_parked_in_a_lost_locality_is_reported(seed: u64) {
    #[derive(Default)]
    struct Closed(std::sync::atomic::AtomicU32);
    impl Observer for Closed {
        fn undelivered(&self, what: &Undeliverable) {
            assert_eq!(what.reason, Reason::Closed);
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let (log, closed) = (Log::new(), std::sync::Arc::new(Closed::default()));
    let mut sim = Sim::new(seed);
    let (_home, away) = (sim.locality("home"), sim.locality("away"));
    let (b, nobody) = (away.reserve::<Puppet>(), away.reserve::<Puppet>());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        let slow = |name| {
            Role::new(name, &theirs).begin(|me, cx| me.kept.push(Box::new(cx.hold("no end"))))
        };
        let (first, second) = (slow("first"), slow("second"));
        let parent = Role::new("parent", &theirs).begin(move |_, cx| {
            cx.child(first.clone().child());
            cx.child(second.clone().child())
                .send(Say("waits for its turn"));
        });
        s.child(parent.child()).child(slow("b").child().at(b))
    });
    sim.start(group("root").child(far).observer(closed.clone()))
        .unwrap();
    sim.run_until_idle();
    b.send(Say("waits for the start"));
    nobody.send(Say("waits for a child"));
    sim.run_until_idle();
    sim.lose(&away);
    assert_eq!(closed.0.load(std::sync::atomic::Ordering::Relaxed), 3);
}

/// A monitor that is on its way when the locality of its target ends in order.
fn m11_a_monitor_that_comes_too_late_is_answered(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, other) = (sim.locality("here"), sim.locality("other"));
    let (a, b) = (here.reserve(), other.reserve());
    sim.start(group("root").child(puppet("a", &log).at(a)))
        .unwrap();
    let ends = sim.start(stage().child(lead("b", &log).at(b))).unwrap();
    sim.run_until_idle();
    sim.delay(&here, &other, ms(10));
    act(a, move |_, cx| drop(cx.monitor(b.address())));
    sim.run_until_idle();
    ends.shutdown();
    sim.run_for(LONG);
    assert_eq!(log.all(), ["a: down gone, its end is not known"]);
}

/// Once the children are up again, everything works as before.
fn m11_a_reopened_locality_works_as_before(seed: u64) {
    let log = Log::new();
    let mut two = two(seed, &log, 1_000);
    for n in 2..5 {
        two.sim.lose(&two.away);
        two.sim.open(two.away.clone());
        two.sim.run_until_idle();
        assert_eq!(log.count("b starts"), n);
        let (a, b) = (two.a, two.b);
        act(a, move |me, cx| me.ask(cx, b, 1, LONG));
        act(b, |me, _| me.say("reached"));
        two.sim.run_until_idle();
        assert_eq!(log.count("b: reached"), n - 1);
        act(b, |me, _| me.asks.pop().unwrap().reply(7));
        two.sim.run_until_idle();
        assert_eq!(log.count("a: got 7"), n - 1);
    }
}

/// `a` has subscribed to the topic of `b`, whose loop is lost then.
fn subscribed(seed: u64, log: &Log) -> (Two, Topic<Now>) {
    let mut two = two(seed, log, 1_000);
    let topic = two.b.address().topic();
    act(two.a, move |_, cx| cx.subscribe(topic));
    two.sim.run_until_idle();
    two.sim.lose(&two.away);
    (two, topic)
}

/// Who has subscribed from elsewhere hears what is published in the next life, too, whether the news
/// of the loss comes before that begins or after.
fn m11_a_subscription_outlives_the_loss_of_the_topics_loop(seed: u64) {
    for late in [false, true] {
        let log = Log::new();
        let (mut two, topic) = subscribed(seed, &log);
        let a = two.a;
        for _ in 0..if late { 30 } else { 0 } {
            two.sim.step();
        }
        two.sim.open(two.away.clone());
        two.sim.run_until_idle();
        topic.publish(Now(1));
        two.sim.run_until_idle();
        assert_eq!(log.of("a"), ["a: now 1"], "late: {late}");
        act(a, move |_, cx| cx.unsubscribe(topic));
        two.sim.run_until_idle();
        topic.publish(Now(2));
        two.sim.run_until_idle();
        assert_eq!(log.of("a"), ["a: now 1"], "late: {late}");
    }
}

/// A subscription that was ended while the topic's loop was lost is not made again.
fn m11_a_subscription_may_end_while_the_topics_loop_is_lost(seed: u64) {
    let log = Log::new();
    let (mut two, topic) = subscribed(seed, &log);
    let a = two.a;
    for _ in 0..30 {
        two.sim.step();
    }
    act(a, move |_, cx| cx.unsubscribe(topic));
    for _ in 0..30 {
        two.sim.step();
    }
    two.sim.open(two.away.clone());
    two.sim.run_until_idle();
    topic.publish(Now(1));
    two.sim.run_until_idle();
    assert_eq!(log.of("a"), [""; 0]);
    let tree = two.app.tree().to_string();
    // Where it was published, not where a subscriber was.
    let unheard = "locality away: 1 undelivered: nobody is subscribed";
    assert!(tree.contains(unheard), "{tree}");
}

/// A puppet `b` below two supervisors, on a third loop, with the loop between.
fn below_two(seed: u64, log: &Log) -> (Sim, App, Locality, Addr<Puppet>) {
    let mut sim = Sim::new(seed);
    let (_home, mid, far) = (
        sim.locality("home"),
        sim.locality("mid"),
        sim.locality("far"),
    );
    let b = far.reserve::<Puppet>();
    let (theirs, leaf) = (log.clone(), far.clone());
    let middle = group("middle").on(&mid, move |s| {
        let theirs = theirs.clone();
        s.child(group("leaves").on(&leaf, move |s| {
            s.child(Role::new("b", &theirs).telling().child().at(b))
        }))
    });
    let root = Supervisor::one_for_one("root").intensity(3, ms(60_000));
    let app = sim.start(root.child(middle)).unwrap();
    sim.run_until_idle();
    (sim, app, mid, b)
}

/// A supervisor between two others is lost: what is below it, elsewhere, is built anew, at the same
/// addresses, whether or not the orphans have ended by then.
fn m11_what_is_below_a_lost_loop_comes_back_at_its_addresses(seed: u64) {
    let log = Log::new();
    let (mut sim, _app, mid, b) = below_two(seed, &log);
    for n in 2..4 {
        sim.lose(&mid);
        sim.open(mid.clone());
        sim.run_until_idle();
        assert_eq!(log.count("b starts"), n);
        act(b, |me, _| me.say("reached"));
        sim.run_until_idle();
        assert_eq!(log.count("b: reached"), n - 1);
    }
    assert_eq!(log.live(), 1);
}

/// An orphan that takes its time to stop is in the way of what comes after it, and removed: once, so
/// that no two of those get one slot.
fn m11_an_orphan_in_the_way_leaves_its_slot_once(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, mid) = (sim.locality("here"), sim.locality("mid"));
    let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
    let (near, theirs) = (here.clone(), log.clone());
    let middle = group("middle").on(&mid, move |s| {
        let theirs = theirs.clone();
        s.child(group("near").on(&near, move |s| {
            let slow = Role::new("a", &theirs).stop(|me, _, cx| {
                let never = cx.hold("it stays");
                me.kept.push(Box::new(never));
            });
            s.child(slow.child().at(a).stop_limit(LONG))
                .child(group("one").child(puppet("b", &theirs).at(b)))
                .child(group("two").child(puppet("c", &theirs).at(c)))
        }))
    });
    let app = sim.start(group("root").child(middle)).unwrap();
    sim.run_for(ms(10));
    sim.lose(&mid);
    sim.open(mid);
    sim.run_for(ms(10));
    assert_eq!(log.live(), 3, "{}", app.tree());
    let states = [a, b, c].map(|addr: Addr<Puppet>| addr.address().state());
    assert_eq!(states, [Lifecycle::Running; 3], "{}", app.tree());
    app.shutdown();
    sim.run_for(3 * LONG);
    assert!(app.tree().ended.is_some(), "{}", app.tree());
    assert_eq!(log.live(), 0);
}

/// The order to build it is on its way when the loop that gave it is lost, and opened again: what it
/// builds is an orphan.
fn m11_a_subtree_may_arrive_after_the_loss_of_its_parent(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let [_here, mid, low] = ["here", "mid", "low"].map(|name| sim.locality(name));
    let b = low.reserve();
    let (below, theirs) = (low.clone(), log.clone());
    let middle = group("middle").on(&mid, move |s| {
        let theirs = theirs.clone();
        s.child(group("far").on(&below, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    let app = sim.start(group("root").child(middle)).unwrap();
    sim.run_for(ms(10));
    sim.delay(&mid, &low, ms(50));
    for _ in 0..2 {
        sim.lose(&mid);
        sim.open(mid.clone());
        sim.run_for(ms(10));
    }
    sim.run_for(ms(1_000));
    assert_eq!(b.address().state(), Lifecycle::Running, "{}", app.tree());
    assert_eq!(log.live(), 1, "{}", app.tree());
    app.shutdown();
    sim.run_for(ms(1_000));
    assert!(app.tree().ended.is_some(), "{}", app.tree());
    assert_eq!(log.live(), 0);
}

/// It is not opened again, and the tree ends: then nobody builds that anew.
fn m11_addresses_below_a_lost_loop_end_with_the_tree(seed: u64) {
    let log = Log::new();
    let (mut sim, app, mid, b) = below_two(seed, &log);
    sim.lose(&mid);
    sim.run_until_idle();
    assert!(app.tree().ended.is_some(), "{}", app.tree());
    assert_eq!(log.live(), 0);
    assert_eq!(b.address().state(), Lifecycle::Gone, "seed {seed}");
}

/// The home is lost: what lives elsewhere ends in order, reason `Lost`.
fn m11_the_orphans_of_a_lost_home_stop_in_order(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (home, away) = (sim.locality("home"), sim.locality("away"));
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        s.child(Role::new("x", &theirs).telling().child())
            .child(Role::new("y", &theirs).telling().child())
    });
    let app = sim.start(group("root").child(far)).unwrap();
    sim.run_until_idle();
    sim.lose(&home);
    sim.run_until_idle();
    assert_eq!(log.all().len(), 6, "{:?}", log.all());
    let all = log.all();
    assert!(all[2].starts_with("y stops: "), "{all:?}");
    assert_eq!(all[3], "y drops");
    assert!(all[4].starts_with("x stops: "), "{all:?}");
    assert_eq!(all[5], "x drops");
    assert!(matches!(app.wait().unwrap().reason(), ExitReason::Lost(_)));
}

/// one_for_all over a loss: the others are stopped, and started again with it.
fn m12_a_pass_over_a_lost_locality_waits_for_nobody(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (_home, away) = (sim.locality("home"), sim.locality("away"));
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        s.child(Role::new("b", &theirs).telling().child())
    });
    let tree = Supervisor::one_for_all("root")
        .intensity(1_000, ms(60_000))
        .child(Role::new("x", &log).telling().child())
        .child(far)
        .child(Role::new("y", &log).telling().child());
    sim.start(tree).unwrap();
    sim.run_until_idle();
    sim.lose(&away);
    sim.open(away);
    sim.run_until_idle();
    assert_eq!(log.count("x starts"), 2);
    assert_eq!(log.count("b starts"), 2);
    assert_eq!(log.count("y starts"), 2);
    assert_eq!(log.of("x stops").len() + log.of("y stops").len(), 2);
    assert_eq!(log.live(), 3);
}

/// A stop that crosses a loss ends all the same.
fn m12_a_shutdown_crosses_a_loss(seed: u64) {
    let log = Log::new();
    let mut two = two(seed, &log, 1_000);
    two.app.shutdown();
    for _ in 0..seed {
        two.sim.step();
    }
    two.sim.lose(&two.away);
    two.sim.run_for(LONG);
    assert!(two.app.wait().is_ok());
    assert_eq!(log.live(), 0);
}

/// Random crashes on both sides under one_for_all: one instance of each at the end, each started as
/// often as it ended.
fn m12_crashes_on_both_sides_leave_one_instance_each(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("home"), sim.locality("away"));
    let (x, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        s.child(Role::new("b", &theirs).telling().child().at(b))
    });
    let tree = Supervisor::one_for_all("root")
        .intensity(1_000, ms(60_000))
        .child(Role::new("x", &log).telling().child().at(x))
        .child(far);
    sim.start(tree).unwrap();
    for n in 0..20 {
        crash(if n % 2 == 0 { x } else { b });
        for _ in 0..(seed * 3 + n) % 11 {
            sim.step();
        }
    }
    sim.run_until_idle();
    assert_eq!(log.live(), 2);
    for name in ["x", "b"] {
        let (starts, drops) = (
            log.count(&format!("{name} starts")),
            log.count(&format!("{name} drops")),
        );
        assert_eq!(starts, drops + 1);
        assert!(starts > 10, "{starts}");
    }
    x.send(Say("fine"));
    b.send(Say("fine"));
    sim.run_until_idle();
    assert_eq!(log.count("x: fine") + log.count("b: fine"), 2);
}

/// Whoever asks after the loop of a tree has ended in order is not told of a loss.
fn m11_a_loop_that_has_ended_in_order_is_not_lost(seed: u64) {
    for steps in 0..40 {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        let a = sim.locality("watch").reserve();
        sim.start(group("watch").child(puppet("a", &log).at(a)))
            .unwrap();
        let b = sim.locality("here").reserve();
        let app = sim
            .start(group("root").child(puppet("b", &log).at(b)))
            .unwrap();
        sim.run_until_idle();
        app.shutdown();
        (0..steps).for_each(|_| drop(sim.step()));
        act(a, move |_, cx| drop(cx.monitor(b.address())));
        sim.run_until_idle();
        assert_eq!(app.tree().ended.unwrap().to_string(), "shutdown");
        assert!(
            !log.all()[0].contains("was lost"),
            "{steps}: {:?}",
            log.all()
        );
    }
}

bodies! {
    Sim: [
        m11_a_loop_that_has_ended_in_order_is_not_lost,
        m11_a_loss_that_is_not_mended_escalates,
        m11_a_loss_ends_monitors_and_requests_with_its_reason,
        m04_a_token_that_was_passed_on_outlives_the_loop_of_its_first_holder,
        m11_a_transient_child_is_started_again_after_a_loss,
        m11_what_is_lost_is_dropped_children_first,
        m10_an_instance_that_is_disowned_before_its_start_never_starts,
        m11_addresses_are_valid_as_soon_as_a_lost_locality_is_open_again,
        m11_a_locality_that_is_lost_twice_at_once_has_one_instance_of_each_child,
        m11_a_child_may_be_started_again_before_the_news_of_a_loss,
        m11_a_locality_may_be_lost_before_its_subtree_arrives,
        m11_what_is_parked_in_a_lost_locality_is_reported,
        m11_a_monitor_that_comes_too_late_is_answered,
        m11_a_reopened_locality_works_as_before,
        m11_a_subscription_outlives_the_loss_of_the_topics_loop,
        m11_a_subscription_may_end_while_the_topics_loop_is_lost,
        m11_what_is_below_a_lost_loop_comes_back_at_its_addresses,
        m11_addresses_below_a_lost_loop_end_with_the_tree,
        m11_the_orphans_of_a_lost_home_stop_in_order,
        m11_an_orphan_in_the_way_leaves_its_slot_once,
        m11_a_subtree_may_arrive_after_the_loss_of_its_parent,
        m12_a_pass_over_a_lost_locality_waits_for_nobody,
        m12_a_shutdown_crosses_a_loss,
        m12_crashes_on_both_sides_leave_one_instance_each,
    ]
}
