//! What a simulation does for tests: it settles, and puts faults into the actors' way.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use rotor_core::sim::{self, Sim};
use rotor_core::*;

use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

const FAULT: &str = "panicked: a panic of the simulation";

/// A simulation of one locality with a puppet `a` that keeps requests and tells.
fn one(seed: u64, log: &Log) -> (Sim, App, Addr<Puppet>) {
    let mut sim = Sim::new(seed);
    let a = sim.locality("here").reserve();
    let role = Role::new("a", log).keeping().telling();
    let app = sim.start(group("root").child(role.child().at(a))).unwrap();
    sim.run_until_idle();
    (sim, app, a)
}

/// Asks for senders or not: all must hold with and without.
struct Watch {
    signs: bool,
}

impl Observer for Watch {
    fn wants_sender(&self) -> bool {
        self.signs
    }
}

/// A simulation with `a` at home and `b` away, which tells.
fn two(seed: u64, log: &Log) -> (Sim, [Locality; 2], [Addr<Puppet>; 2]) {
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        s.child(Role::new("b", &theirs).telling().child().at(b))
    });
    let signs = seed.is_multiple_of(2);
    let tree = group("root").observer(Arc::new(Watch { signs }));
    sim.start(tree.child(puppet("a", log).at(a)).child(far))
        .unwrap();
    sim.run_until_idle();
    (sim, [here, away], [a, b])
}

/// Timers without a delay, futures that are ready, jobs for the host, and what they cause: all of
/// it is waited for, and the time stands still.
fn t05_settling_waits_for_all_that_is_ready(seed: u64) {
    let log = Log::new();
    let (mut sim, _, [a, b]) = two(seed, &log);
    let begin = sim.now();
    act(a, move |_, cx| {
        later(cx, Duration::ZERO, move |me, cx| {
            me.say("timer");
            let mut polls = 0;
            let future = poll_fn(move |cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                if polls < 3 {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            });
            cx.spawn(future, move |me, (), cx| {
                me.say("future");
                cx.defer_to_host(move || b.send(Say("from the host")));
            });
            later(cx, ms(1), |me, _| me.say("a timer that is not due"));
        });
    });
    sim.run_until_idle();
    assert_eq!(
        log.all()[1..],
        ["a: timer", "a: future", "b: from the host"]
    );
    assert_eq!(sim.now(), begin);
    assert!(!sim.step());
}

/// Each message that a user would count, and nothing that supervision sends.
fn v03_an_ordered_panic_takes_the_place_of_the_nth_message(seed: u64) {
    type Case = (&'static str, fn(&mut Puppet, &mut Context<Puppet>));
    let cases: [Case; 4] = [
        ("message", |_, cx| cx.addr().send(Say("a message"))),
        ("timer", |_, cx| drop(cx.after(ms(1), Say("a timer")))),
        ("future", |_, cx| {
            cx.spawn(async {}, |me, (), _| me.say("a future"));
        }),
        ("answer", |_, cx| {
            let b = cx.child(puppet("b", &Log::new()));
            cx.request(b, Double(1), LONG, |me, _, _| me.say("an answer"));
        }),
    ];
    for (what, begin) in cases {
        let log = Log::new();
        let (mut sim, app, a) = one(seed, &log);
        act(a, begin);
        a.send(Say("second"));
        sim.panic_at(a.address(), 3);
        sim.run_for(ms(2));
        assert_eq!(log.of("a:"), ["a: second"], "{what}");
        assert_eq!(log.of("a "), ["a starts", "a drops", "a starts"], "{what}");
        // The next one is not at risk any more.
        act(a, begin);
        sim.run_for(ms(2));
        assert_eq!(log.count("a: a"), 1, "{what}");
        app.shutdown();
        sim.run_until_idle();
        assert_eq!(log.live(), 0);
    }
}

/// The count goes on over restarts, over what was parked, and each fault has its own.
fn v03_ordered_panics_lose_their_messages_only(seed: u64) {
    let log = Log::new();
    let (mut sim, app, a) = one(seed, &log);
    for n in [2, 3, 6] {
        sim.panic_at(a.address(), n);
    }
    for n in 1..=8 {
        a.send(Num(n));
    }
    sim.run_until_idle();
    let said = log.of("a: ");
    assert_eq!(said, ["a: 1", "a: 4", "a: 5", "a: 7", "a: 8"]);
    assert_eq!(app.tree().nodes[1].instances, 4);
}

/// Also of those that waited for the start.
fn v03_an_ordered_panic_takes_a_parked_message(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let a = sim.locality("here").reserve();
    for n in 1..=4 {
        a.send(Num(n));
    }
    sim.panic_at(a.address(), 2);
    sim.run_until_idle();
    sim.start(group("root").child(puppet("a", &log).at(a)))
        .unwrap();
    sim.run_until_idle();
    assert_eq!(log.all(), ["a: 1", "a: 3", "a: 4"]);
}

/// The asker of the message that a fault takes learns what happened, as from a real panic.
fn v03_an_ordered_panic_ends_the_request_it_takes(seed: u64) {
    let log = Log::new();
    let (mut sim, _, [a, b]) = two(seed, &log);
    sim.panic_at(b.address(), 1);
    act(a, move |me, cx| me.ask(cx, b, 1, LONG));
    sim.run_until_idle();
    let said = log.of("a: ");
    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with("a: Ended") && said[0].contains("simulation"),
        "{said:?}"
    );
    sim.panic_at(b.address(), 2);
    let mut ask = |n| {
        let limit = Duration::from_secs(1);
        sim.block_on(b.ask(Double(n), limit)).unwrap()
    };
    assert_eq!(ask(2).unwrap(), 4);
    assert!(matches!(ask(3), Err(RequestError::Ended(exit)) if exit.to_string() == FAULT));
    assert_eq!(ask(4).unwrap(), 8);
}

/// A published message is one, too; the other subscribers get theirs.
fn v03_an_ordered_panic_takes_a_published_message(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let (a, topic) = (here.reserve(), here.topic::<Say>());
    let hears = |name| Role::new(name, &log).begin(move |_, cx| cx.subscribe(topic));
    let tree = group("root")
        .child(hears("a").child().at(a))
        .child(hears("b").child());
    sim.start(tree).unwrap();
    sim.run_until_idle();
    sim.panic_at(a.address(), 1);
    topic.publish(Say("one"));
    sim.run_until_idle();
    topic.publish(Say("two"));
    sim.run_until_idle();
    let mut said = log.all();
    said.sort();
    assert_eq!(said, ["a: two", "b: one", "b: two"]);
}

/// What waited for an actor that was removed does not hit whoever gets its slot.
fn v03_a_fault_goes_with_its_actor(seed: u64) {
    let log = Log::new();
    let (mut sim, _, a) = one(seed, &log);
    let add = |sim: &mut Sim, name| {
        let made = Arc::new(Mutex::new(None));
        let (told, out) = (log.clone(), made.clone());
        act(a, move |_, cx| {
            *out.lock().unwrap() = Some(cx.child(puppet(name, &told).temporary()));
        });
        sim.run_until_idle();
        let child: Addr<Puppet> = made.lock().unwrap().take().unwrap();
        child
    };
    let b = add(&mut sim, "b");
    sim.panic_at(b.address(), 3);
    b.send(Num(1));
    end(b);
    sim.run_until_idle();
    let c = add(&mut sim, "c");
    for n in 0..4 {
        c.send(Num(n));
    }
    sim.run_until_idle();
    assert_eq!(log.of("c: ").len(), 4);
}

/// Later, in order, and this way only.
fn v03_a_delayed_way_keeps_the_order(seed: u64) {
    let log = Log::new();
    let (mut sim, [here, away], [a, b]) = two(seed, &log);
    let send = move |n| act(a, move |_, _| b.send(Num(n)));
    sim.delay(&here, &away, ms(50));
    send(1);
    sim.run_for(ms(10));
    sim.delay(&here, &away, ms(5)); // the second one must not overtake the first
    send(2);
    act(b, move |me, _| {
        me.say("not from here");
        a.send(Say("not this way"));
    });
    sim.run_for(ms(39));
    assert_eq!(log.of("b: "), ["b: not from here"]);
    assert_eq!(log.of("a: "), ["a: not this way"]);
    sim.run_for(ms(1));
    assert_eq!(log.of("b: ")[1..], ["b: 1", "b: 2"]);
    sim.delay(&here, &away, Duration::ZERO);
    send(3);
    sim.run_until_idle();
    assert_eq!(log.of("b: ")[3..], ["b: 3"]);
}

/// A way may take for ever; what is under way then is rejected at the end.
fn v03_a_way_may_be_cut(seed: u64) {
    let log = Log::new();
    let (mut sim, [here, away], [a, b]) = two(seed, &log);
    sim.delay(&here, &away, Duration::MAX);
    act(a, move |_, _| b.send(Num(1)));
    sim.run_for(ms(60_000));
    assert_eq!(log.count("b: "), 0);
    b.send(Num(2)); // from outside
    sim.run_until_idle();
    assert_eq!(log.of("b: "), ["b: 2"]);
}

/// What others send meanwhile is not late.
fn v03_only_the_delayed_way_is_late(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let places = ["here", "away", "third"].map(|name| sim.locality(name));
    let [a, b, c] = places.each_ref().map(|place| place.reserve());
    let far = |place, name, addr| {
        let log = log.clone();
        group(name).on(place, move |s| s.child(puppet(name, &log).at(addr)))
    };
    let tree = group("root")
        .child(puppet("a", &log).at(a))
        .child(far(&places[1], "b", b))
        .child(far(&places[2], "c", c));
    sim.start(tree).unwrap();
    sim.run_until_idle();
    sim.delay(&places[1], &places[0], ms(10));
    for n in 0..20 {
        act(b, move |_, _| a.send(Num(n)));
        act(c, move |_, _| a.send(Num(100 + n)));
    }
    sim.run_until_idle();
    let said = log.of("a: ");
    assert_eq!(said.len(), 20, "{said:?}");
    assert!(
        said.iter()
            .all(|line| line.starts_with("a: 1") && line.len() == 6)
    );
    sim.run_for(ms(10));
    assert_eq!(log.count("a: "), 40);
}

/// Orders and reports of supervision take their time as well; the next step waits for them.
fn v03_supervision_takes_the_delayed_way(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    sim.delay(&here, &away, ms(30));
    sim.delay(&away, &here, ms(20));
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        s.child(Role::new("b", &theirs).telling().child())
    });
    let next = Role::new("c", &log).telling().child();
    let app = sim.start(group("root").child(far).child(next)).unwrap();
    sim.run_for(ms(29));
    assert_eq!(log.all(), [""; 0]);
    sim.run_for(ms(1));
    assert_eq!(log.all(), ["b starts"]);
    sim.run_for(ms(19));
    assert_eq!(log.count("c starts"), 0);
    sim.run_for(ms(1));
    assert_eq!(log.count("c starts"), 1);
    app.shutdown();
    sim.run_for(ms(50));
    assert!(app.tree().ended.is_some());
    assert_eq!(log.live(), 0);
}

/// What a locality handed over before its loss arrives before the news of it.
fn v03_the_news_of_a_loss_takes_the_delayed_way(seed: u64) {
    let log = Log::new();
    let (mut sim, [here, away], [a, b]) = two(seed, &log);
    act(a, move |_, cx| drop(cx.monitor(b.address())));
    sim.run_until_idle();
    sim.delay(&away, &here, ms(10));
    act(b, move |_, _| a.send(Say("last words")));
    sim.run_until_idle();
    sim.lose(&away);
    sim.run_for(ms(9));
    assert_eq!(log.of("a: "), [""; 0]);
    sim.run_for(ms(1));
    let mut said = log.of("a: ");
    said.sort(); // the news has a lane of its own
    assert_eq!(said, ["a: down locality away was lost", "a: last words"]);
}

/// What is under way to a locality that is lost meanwhile is reported; nothing leaks.
fn v03_what_is_under_way_to_a_lost_locality_is_reported(seed: u64) {
    struct Closed(AtomicBool);
    impl Observer for Closed {
        fn undelivered(&self, what: &Undeliverable) {
            if what.reason == Reason::Closed && what.message.ends_with("::Do") {
                self.0.store(true, Ordering::Relaxed);
            }
        }
    }
    /// Something in a message.
    struct Carried(Log);
    impl Drop for Carried {
        fn drop(&mut self) {
            self.0.dead();
        }
    }
    let (log, closed) = (Log::new(), Arc::new(Closed(AtomicBool::new(false))));
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let tree = group("root").child(puppet("a", &log).at(a)).child(far);
    sim.start(tree.observer(closed.clone())).unwrap();
    sim.run_until_idle();
    sim.delay(&here, &away, ms(10));
    let live = log.clone();
    act(a, move |_, _| {
        live.born();
        let carried = Carried(live.clone());
        act(b, move |_, _| drop(carried));
    });
    sim.run_until_idle();
    assert_eq!(log.live(), 3);
    if seed.is_multiple_of(2) {
        sim.lose(&away);
        sim.run_for(ms(10));
        assert!(closed.0.load(Ordering::Relaxed));
    } else {
        drop(sim);
        assert!(
            closed.0.load(Ordering::Relaxed),
            "also when the simulation ends"
        );
    }
    assert_eq!(
        log.live(),
        0,
        "the root gave up, and the message is dropped"
    );
}

/// Removal by force goes ahead of everything that is under way.
fn m10_force_overtakes_the_delayed_way(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let theirs = log.clone();
    let far = group("far").stop_limit(ms(5)).on(&away, move |s| {
        s.child(Role::new("b", &theirs).telling().child())
    });
    let app = sim.start(group("root").child(far)).unwrap();
    sim.run_until_idle();
    sim.delay(&here, &away, LONG);
    app.shutdown();
    sim.run_for(ms(5));
    assert_eq!(log.live(), 0, "{:?}", log.all());
    assert_eq!(log.of("b "), ["b starts", "b drops"]);
    assert!(app.tree().ended.is_some());
}

/// A probe hears what is published, and answers what it is asked.
fn v05_probes_catch_what_an_actor_sends(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let (a, topic) = (here.reserve(), here.topic::<Say>());
    let (heard, asked) = (sim.listen(topic), sim.probe::<Ask<Double>>());
    sim.start(group("root").child(puppet("a", &log).at(a)))
        .unwrap();
    sim.run_until_idle();
    let to = asked.recipient();
    act(a, move |_, cx| {
        topic.publish(Say("hello"));
        cx.request_from(to, Double(4), LONG, |me, reply, _| me.say(reply.unwrap()));
    });
    sim.run_until_idle();
    assert_eq!(heard.take(), [Say("hello")]);
    for ask in asked.take() {
        let n = ask.request.0;
        ask.reply(n + 1);
    }
    sim.run_until_idle();
    assert_eq!(log.of("a: "), ["a: 5"]);
}

/// The text of a failure begins with the seed that gives it again.
fn v01_a_failure_names_its_seed(seed: u64) {
    let log = Log::new();
    let mut tried = Vec::new();
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        sim::explore(seed.., |sim| {
            let a = sim.locality("here").reserve();
            sim.start(group("root").child(puppet("a", &log).at(a)))
                .unwrap();
            sim.run_until_idle();
            tried.push(log.live());
            assert_ne!(tried.len(), 3, "the third one fails");
        });
    }));
    let text = failed.unwrap_err().downcast::<String>().unwrap();
    assert!(text.starts_with(&format!("seed {}: ", seed + 2)), "{text}");
    assert!(text.contains("the third one fails"), "{text}");
    assert_eq!(tried, [1; 3], "a simulation of its own for each");
    assert_eq!(log.live(), 0);
}

/// Messages from other localities get through a storm of restarts.
fn m15_foreign_messages_have_a_share_of_a_supervision_storm(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let broken = Role::new("broken", &log).start(|me, cx| {
        cx.stop();
        if me.life == 1 {
            Ok(())
        } else {
            Err(Error::message("no luck"))
        }
    });
    let tree = group("root")
        .child(puppet("a", &log).at(a))
        .child(far)
        .child(broken.child());
    let app = sim.start(tree).unwrap();
    while sim.with(b, |_| ()).is_none() {
        sim.step();
    }
    act(b, move |_, _| (0..5).for_each(|n| a.send(Num(n))));
    sim.run_until_idle();
    assert!(
        app.tree().ended.is_some(),
        "a thousand attempts, then it gave up"
    );
    assert_eq!(log.of("a: "), ["a: 0", "a: 1", "a: 2", "a: 3", "a: 4"]);
}

/// Nor does an actor keep them out that sends to itself all the time, however small the turns.
fn m15_foreign_messages_get_past_a_busy_actor(seed: u64) {
    struct Busy;
    impl Actor for Busy {}
    impl Handler<()> for Busy {
        fn handle(&mut self, (): (), cx: &mut Context<Self>) {
            cx.addr().send(());
        }
    }
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b, busy) = (here.reserve(), away.reserve(), here.reserve());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let tree = group("root")
        .child(puppet("a", &log).at(a))
        .child(far)
        .child(Child::new("busy", || Busy).at(busy));
    sim.start(tree).unwrap();
    sim.run_until_idle();
    busy.send(());
    act(b, move |_, _| a.send(Say("reached")));
    for _ in 0..50 {
        sim.step();
    }
    assert_eq!(log.of("a: "), ["a: reached"]);
}

/// The text of the panic of a simulation, if it panics.
fn failure(sim: &mut Sim) -> Option<String> {
    let failed = catch_unwind(AssertUnwindSafe(|| sim.run_until_idle()));
    failed.err().map(|text| *text.downcast().unwrap())
}

/// Whatever the reason, at home and away; then it goes on.
fn a31_a_strict_simulation_fails_on_each_undelivered_message(seed: u64) {
    let log = Log::new();
    let (mut sim, [here, away], [a, b]) = two(seed, &log);
    sim.strict();
    let topic = away.topic();
    a.send(Num(1));
    act(a, move |_, _| b.send(Num(2)));
    assert_eq!(failure(&mut sim), None);
    act(a, move |_, _| topic.publish(Say("nobody hears")));
    let (text, at) = (failure(&mut sim).unwrap(), format!("{:?}", topic.address()));
    assert!(
        text.starts_with(&format!("seed {seed}: undelivered: ")),
        "{text}"
    );
    assert!(
        text.ends_with(&format!("{at} [away]: nobody is subscribed")),
        "{text}"
    );
    let from_a = text.contains("puppet::Say from a [here] to ");
    assert_eq!(from_a, seed.is_multiple_of(2), "{text}"); // see `two`
    assert_eq!(failure(&mut sim), None, "it is told once");
    let child = move |me: &mut Puppet, cx: &mut Context<Puppet>| {
        let child = cx.child(puppet("child", &me.log).temporary());
        end(child);
        child.send(Num(3));
        child.send(Num(4));
    };
    act(a, child);
    let text = failure(&mut sim).unwrap();
    assert!(text.contains("puppet::Num"), "{text}");
    while failure(&mut sim).is_some() {}
    // Noticed between the steps.
    let gone = away.reserve::<Puppet>();
    sim.lose(&away);
    gone.send(Num(5));
    assert!(failure(&mut sim).is_some());
    assert_eq!(log.of("b: "), ["b: 2"]);
    let _ = here;
}

/// Probes of a strict simulation, too; one that is not strict only counts.
fn a31_only_a_strict_simulation_fails(seed: u64) {
    for strict in [false, true] {
        let mut sim = Sim::new(seed);
        if strict {
            sim.strict();
        }
        let probe = sim.probe::<Num>();
        let to = probe.recipient();
        to.address().topic().publish(Say("to nobody"));
        assert_eq!(failure(&mut sim).is_some(), strict);
        to.send(Num(1));
        assert_eq!(failure(&mut sim), None);
        assert_eq!(probe.take(), [Num(1)]);
    }
}

/// A timer, and a poll of a future, that lie in the queue when the actor cancels them.
fn v03_what_was_cancelled_is_not_counted_for_an_ordered_panic(seed: u64) {
    let log = Log::new();
    let (mut sim, _app, a) = one(seed, &log);
    act(a, |_, cx| {
        let second = Rc::new(Cell::new(None::<Timer>));
        let of = second.clone();
        let cancel = move |_: &mut Puppet, cx: &mut Context<Puppet>| {
            let future = cx.spawn(async {}, |_, (), _| ());
            assert!(of.get().is_some_and(|timer| cx.cancel(timer)) && cx.cancel(future));
        };
        cx.after(ms(1), Again(Rc::new(cancel)));
        second.set(Some(cx.after(ms(1), Say("never"))));
    });
    sim.run_until_idle();
    sim.panic_at(a.address(), 2);
    sim.run_for(ms(1));
    assert_eq!(log.of("a "), ["a starts"]);
    a.send(Say("lost"));
    sim.run_until_idle();
    assert_eq!(log.of("a "), ["a starts", "a drops", "a starts"]);
    assert_eq!(log.of("a:"), [""; 0]);
}

bodies! {
    Sim: [
        a31_a_strict_simulation_fails_on_each_undelivered_message,
        a31_only_a_strict_simulation_fails,
        m15_foreign_messages_have_a_share_of_a_supervision_storm,
        m15_foreign_messages_get_past_a_busy_actor,
        t05_settling_waits_for_all_that_is_ready,
        v03_an_ordered_panic_takes_the_place_of_the_nth_message,
        v03_ordered_panics_lose_their_messages_only,
        v03_what_was_cancelled_is_not_counted_for_an_ordered_panic,
        v03_an_ordered_panic_takes_a_parked_message,
        v03_an_ordered_panic_ends_the_request_it_takes,
        v03_an_ordered_panic_takes_a_published_message,
        v03_a_fault_goes_with_its_actor,
        v03_a_delayed_way_keeps_the_order,
        v03_a_way_may_be_cut,
        v03_only_the_delayed_way_is_late,
        v03_supervision_takes_the_delayed_way,
        v03_the_news_of_a_loss_takes_the_delayed_way,
        v03_what_is_under_way_to_a_lost_locality_is_reported,
        m10_force_overtakes_the_delayed_way,
        v05_probes_catch_what_an_actor_sends,
        v01_a_failure_names_its_seed,
    ]
}
