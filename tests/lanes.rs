//! Lanes: which message goes first, and how much the others get.

use std::sync::Arc;

use rotor_core::*;

use crate::backend::{Backend, Bell};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Queued first, handled second.
fn m15_urgent_messages_overtake_normal_ones(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, _| {
            b.send(Num(1));
            b.send(Num(2));
            b.send(Now(3));
            b.send(Now(4));
            b.send(Num(5));
            act(b, move |_, _| end(a));
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b: now 3", "b: now 4", "b: 1", "b: 2", "b: 5"]);
}

/// From another thread, too: nothing that waits for the same actor goes before it.
fn a16_an_urgent_message_from_outside_waits_for_the_running_handler_only(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve::<Puppet>();
        let watch = log.clone();
        std::thread::spawn(move || {
            watch.wait_for("a: busy");
            a.send(Now(1));
            watch.put("sent");
        });
        act(a, |_, cx| {
            act(cx.addr(), |me, _| {
                me.say("busy");
                me.log.wait_for("sent");
            });
            for n in 0..1000 {
                cx.addr().send(Num(n));
            }
            end(cx.addr());
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all()[..3], ["a: busy", "sent", "a: now 1"]);
}

/// The lane is looked at between any two messages: an Urgent one sent by a Normal handler is next.
fn a16_an_urgent_message_waits_for_the_running_handler_only(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, _| {
            for n in 0..1000 {
                if n == 500 {
                    act(b, |me, cx| {
                        me.say("calls");
                        cx.addr().send(Now(1));
                    });
                }
                b.send(Num(n));
            }
            act(b, move |_, _| end(a));
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    let all = log.all();
    let at = all.iter().position(|line| line == "b: calls").unwrap();
    assert_eq!(all[at + 1], "b: now 1");
}

/// After 32 from the higher lane the lower one gets one.
fn m15_a_flood_of_urgent_messages_leaves_normal_its_share(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act_now(a, move |_, _| {
            for n in 0..10 {
                b.send(Num(n));
            }
            for n in 0..1000 {
                b.send(Now(n));
            }
            act_now(b, move |_, _| act(b, move |_, _| end(a)));
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    let all = log.all();
    let normal: Vec<usize> = (0..10)
        .map(|n| {
            all.iter()
                .position(|line| *line == format!("b: {n}"))
                .unwrap()
        })
        .collect();
    assert!(normal[0] <= 33, "{normal:?}");
    for two in normal.windows(2) {
        assert_eq!(two[1] - two[0], 33, "{normal:?}");
    }
}

/// Supervision goes ahead of Urgent messages: those that wait are not handled any more.
fn m15_supervision_goes_ahead_of_urgent_messages(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, _| {
            (0..100).for_each(|n| b.send(Now(n)));
            b.stop();
            end(a);
        });
        stage()
            .child(puppet("b", &log).temporary().at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), [""; 0]);
    assert_eq!(played.undelivered.len(), 100);
}

/// Order holds inside each lane.
fn a06_order_is_kept_inside_each_lane(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, _| {
            for n in 0..500 {
                b.send(Num(n));
                b.send(Now(n));
            }
            // Each is the last of its lane: the second to come ends it all.
            let last = move |me: &mut Puppet, _: &mut Context<Puppet>| {
                me.say("end");
                if me.log.count("b: end") == 2 {
                    end(a);
                }
            };
            act(b, last);
            act_now(b, last);
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    let urgent: Vec<String> = (0..500).map(|n| format!("b: now {n}")).collect();
    assert_eq!(log.of("b: now"), urgent);
    let mut normal = log.of("b: ");
    normal.retain(|line| !line.contains("now") && !line.contains("end"));
    assert_eq!(
        normal,
        (0..500).map(|n| format!("b: {n}")).collect::<Vec<_>>()
    );
}

/// A control message does not wait behind a foreign backlog: at most a stride of it, 256.
fn m15_each_lane_has_a_way_in_of_its_own(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let (theirs, watch) = (log.clone(), log.clone());
        act(b, |me, _| {
            me.log.put("busy");
            me.log.wait_for("sent");
        });
        std::thread::spawn(move || {
            watch.wait_for("busy");
            for n in 0..1000 {
                b.send(Num(n));
            }
            b.send(Now(7));
            act(b, move |_, _| end(a));
            watch.put("sent");
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    let at = log
        .all()
        .iter()
        .position(|line| line == "b: now 7")
        .unwrap();
    assert!(at <= 2 + 256, "{at}");
}

/// The receiver's impl says which lane, for whoever sends, also through a recipient.
fn m16_the_handler_decides_on_the_lane(on: &dyn Backend) {
    struct Word(u32);
    struct Calm(Log);
    struct Hasty(Log);
    impl Actor for Calm {}
    impl Handler<Word> for Calm {
        fn handle(&mut self, Word(n): Word, _: &mut Context<Self>) {
            self.0.put(format!("calm {n}"));
        }
    }
    impl Actor for Hasty {}
    impl Handler<Word> for Hasty {
        const LANE: Lane = Lane::Urgent;

        fn handle(&mut self, Word(n): Word, _: &mut Context<Self>) {
            self.0.put(format!("hasty {n}"));
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, calm, hasty) = (
            here.reserve(),
            here.reserve::<Calm>(),
            here.reserve::<Hasty>(),
        );
        let (one, two) = (log.clone(), log.clone());
        act(a, move |_, cx| {
            let all: [Recipient<Word>; 2] = [calm.to(), hasty.to()];
            all.iter().for_each(|to| to.send(Word(0)));
            calm.send(Word(1));
            hasty.send(Word(1));
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(Child::new("calm", move || Calm(one.clone())).at(calm))
            .child(Child::new("hasty", move || Hasty(two.clone())).at(hasty))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["hasty 0", "hasty 1", "calm 0", "calm 1"]);
}

/// Queued in an outbox behind a Normal one, handled before it.
fn m16_an_outbox_keeps_the_lanes(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, _| {
            me.log.put("busy");
            me.log.wait_for("sent");
        });
        let watch = log.clone();
        std::thread::spawn(move || {
            watch.wait_for("busy");
            let mut out = Outbox::new();
            out.send(a, Num(1));
            out.send(a, Now(2));
            drop(out);
            end(a);
            watch.put("sent");
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("a: "), ["a: now 2", "a: 1"]);
}

/// What was published is parked in the lane of its subscriber's handler.
fn m16_a_published_message_waits_in_its_lane(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b, topic) = (here.reserve(), here.reserve(), here.topic::<Now>());
        let slow = Role::new("b", &log).begin(move |_, cx| {
            cx.subscribe(topic);
            let (hold, b) = (cx.hold("on purpose"), cx.addr());
            act(a, move |_, _| {
                b.send(Num(1));
                topic.publish(Now(2));
                act(a, move |_, _| drop(hold));
                act(b, move |_, _| end(a));
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b))
    });
    assert_eq!(log.all(), ["b: now 2", "b: 1"]);
}

/// A timer that is due comes behind what was queued before.
fn m16_timers_are_normal(seed: u64) {
    let log = Log::new();
    let clock = Clock::manual();
    let driver = Driver::new(Arc::new(Bell::default()), clock.clone());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let a = here.reserve::<Puppet>();
    driver
        .start(group("root").child(puppet("a", &log).at(a)))
        .unwrap();
    act(a, |_, cx| drop(cx.after(ms(10), Say("timer"))));
    driver.run_until_idle();
    clock.advance(ms(10));
    a.send(Num(1));
    a.send(Num(2));
    driver.run_until_idle();
    assert_eq!(log.all(), ["a: 1", "a: 2", "a: timer"], "seed {seed}");
}

/// Answers, and failures instead of them, come in the Normal lane, whoever they are for.
fn m16_own_results_are_normal(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |me, cx| {
            me.ask(cx, b, 1, LONG);
            me.ask(cx, b, 0, LONG);
            act(cx.addr(), move |_, cx| {
                act(cx.addr(), |me, cx| {
                    me.say("normal, behind the answers");
                    cx.stop();
                });
                cx.addr().send(Now(1));
            });
        });
        let answering = Role::new("b", &log).answer(|_, ask, _| {
            match ask.request.0 {
                0 => drop(ask),
                n => ask.reply(2 * n),
            }
            Ok(())
        });
        stage()
            .child(answering.child().at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "a: now 1",
            "a: got 2",
            "a: Dropped",
            "a: normal, behind the answers"
        ]
    );
}

/// Supervision goes first, but leaves both lanes their share.
fn m15_retries_of_a_failing_start_do_not_starve_user_messages(on: &dyn Backend) {
    fn count(me: &mut Puppet, cx: &mut Context<Puppet>) {
        me.kept.push(Box::new(()));
        match me.kept.len() {
            20 => tell(me, cx, "counted"),
            n => {
                if n == 5 {
                    count_now(me, cx); // the retries are under way
                }
                act(cx.addr(), count);
            }
        }
    }
    fn count_now(me: &mut Puppet, cx: &mut Context<Puppet>) {
        me.life += 1;
        match me.life {
            20 => tell(me, cx, "counted now"),
            _ => act_now(cx.addr(), count_now),
        }
    }
    fn tell(me: &mut Puppet, cx: &mut Context<Puppet>, what: &str) {
        me.say(what);
        if me.log.count("a: counted") == 2 {
            cx.stop();
        }
    }
    let log = Log::new();
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", &log).start(|me, _| match me.life {
            1 => Ok(()),
            n => {
                me.say(n);
                Err(Error::message("not yet"))
            }
        });
        act(a, move |me, cx| {
            crash(b);
            count(me, cx);
        });
        let patient = Supervisor::one_for_one("patient")
            .intensity(5_000, ms(60_000))
            .temporary();
        stage()
            .child(lead("a", &log).at(a))
            .child(patient.child(role.child().at(b)))
    });
    let all = log.all();
    for done in ["a: counted", "a: counted now"] {
        let at = all.iter().position(|line| line == done);
        let at = at.expect("it counts");
        assert!(at < 4_000, "{at} retries went before {done}");
    }
}

/// A start that fails again and again does not make a turn endless.
fn m15_supervision_counts_for_the_budget(seed: u64) {
    let log = Log::new();
    let driver = Driver::new(Arc::new(Bell::default()), Clock::manual());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let b = here.reserve();
    let role = Role::new("b", &log).start(|me, _| match me.life {
        1 => Ok(()),
        n => {
            me.say(n);
            Err(Error::message("never"))
        }
    });
    let patient = Supervisor::one_for_one("patient").intensity(20_000, ms(60_000));
    driver.start(patient.child(role.child().at(b))).unwrap();
    driver.run_until_idle();
    crash(b);
    let budget = Budget {
        messages: 100,
        time: ms(1000),
    };
    for turns in 1..=3 {
        assert!(matches!(driver.turn(budget), Turn::Again), "seed {seed}");
        let tries = log.all().len();
        assert!((turns..=100 * turns).contains(&tries), "{tries}");
    }
}

/// Parked messages keep their lanes.
fn m02_parked_urgent_messages_come_first(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let slow = Role::new("b", &log).begin(move |_, cx| {
            let hold = cx.hold("on purpose");
            act(a, move |_, _| {
                b.send(Num(1));
                b.send(Now(2));
                b.send(Num(3));
                b.send(Now(4));
                act(b, move |_, _| end(a));
                // Behind them: they are parked by now.
                act(a, move |_, _| drop(hold));
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b))
    });
    assert_eq!(log.all(), ["b: now 2", "b: now 4", "b: 1", "b: 3"]);
}

bodies! {
    Each: [
        m15_urgent_messages_overtake_normal_ones,
        a16_an_urgent_message_from_outside_waits_for_the_running_handler_only,
        a16_an_urgent_message_waits_for_the_running_handler_only,
        m15_a_flood_of_urgent_messages_leaves_normal_its_share,
        m15_supervision_goes_ahead_of_urgent_messages,
        m16_the_handler_decides_on_the_lane,
        m16_an_outbox_keeps_the_lanes,
        m16_a_published_message_waits_in_its_lane,
        m16_own_results_are_normal,
        m02_parked_urgent_messages_come_first,
        m15_retries_of_a_failing_start_do_not_starve_user_messages,
    ]
    Pair: [
        a06_order_is_kept_inside_each_lane,
        m15_each_lane_has_a_way_in_of_its_own,
    ]
    Sim: [
        m15_supervision_counts_for_the_budget,
        m16_timers_are_normal,
    ]
}
