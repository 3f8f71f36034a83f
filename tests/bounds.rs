//! Bounds: how much may wait for an actor, and what becomes of what is too much.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{self, Poll, Waker};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::{Backend, Played, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::opening::turn_elsewhere;
use crate::puppet::*;

/// Has `a` do something to a bounded `b`, and ends the tree when `b` has said so much.
fn flooded(
    on: &dyn Backend,
    log: &Log,
    bound: Bound,
    lines: usize,
    f: impl FnOnce(&mut Puppet, Addr<Puppet>) + Send + 'static,
) -> Played {
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve_bounded(bound));
        act(a, move |me, cx| {
            f(me, b);
            when(cx.addr(), (lines, "b: "), move |_, _| {
                act(b, move |_, _| end(a))
            });
        });
        stage()
            .child(puppet("b", log).at(b))
            .child(lead("a", log).at(a))
    })
}

/// Nobody else is at work meanwhile: what one handler sends is bounded as well.
fn a17_a_bound_holds_within_a_locality(on: &dyn Backend) {
    let log = Log::new();
    let played = flooded(on, &log, Bound::reject(10), 10, |_, b| {
        (0..1000).for_each(|n| b.send(Num(n)));
    });
    let first: Vec<_> = (0..10).map(|n| format!("b: {n}")).collect();
    assert_eq!(log.all(), first);
    assert_eq!(played.lost(Reason::Full), ["Num"; 990]);
    assert_eq!(played.undelivered.len(), 990);
}

/// On whatever thread they are: all of them together have as much room as the bound says.
fn a17_a_bound_holds_for_all_senders_together(on: &dyn Backend, far: &dyn Backend) {
    let (log, taken) = (Log::new(), Arc::new(AtomicU32::new(0)));
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve_bounded(Bound::reject(50)));
        let start = Arc::new(Barrier::new(3));
        let flood = |taken: &Arc<AtomicU32>| {
            let (start, taken) = (start.clone(), taken.clone());
            move || {
                start.wait();
                let all = (0..100).filter(|&n| b.try_send(Num(n)).is_ok()).count();
                taken.fetch_add(all as u32, Ordering::SeqCst);
            }
        };
        let threads = [flood(&taken), flood(&taken)];
        let mine = flood(&taken);
        let theirs = log.clone();
        act(a, move |me, cx| {
            act(b, |me, _| {
                me.log.put("busy");
                me.log.wait_for("sent");
            });
            cx.flush();
            me.log.wait_for("busy");
            let threads = threads.map(std::thread::spawn);
            mine();
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            me.log.put("sent");
            when(cx.addr(), (50, "b: "), |_, cx| cx.stop());
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(taken.load(Ordering::SeqCst), 50);
    assert_eq!(log.count("b: "), 50);
}

/// It is an address's, whether the actor runs, starts or is between two instances.
fn a17_what_waits_for_the_next_instance_counts(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve_bounded(Bound::reject(3)));
        crash(b); // before its start, too
        act(a, move |me, cx| {
            for n in 0..5 {
                me.say(b.try_send(Num(n)).is_ok());
            }
            when(cx.addr(), (3, "b: "), move |_, _| {
                act(b, move |me, _| {
                    me.say(format!("life {}", me.life));
                    end(a);
                });
            });
        });
        let slow = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 2 {
                let hold = cx.hold("on purpose");
                act(a, move |_, _| drop(hold));
            }
        });
        stage()
            .child(slow.child().at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("a: true"), 3);
    assert_eq!(log.of("b: "), ["b: 0", "b: 1", "b: 2", "b: life 2"]);
    assert_eq!(played.undelivered, []);
}

/// More room is room at once; less of it takes nothing away.
fn a17_a_bound_is_changed_at_run_time(on: &dyn Backend) {
    let log = Log::new();
    flooded(on, &log, Bound::reject(2), 5, |me, b| {
        let fill = |me: &Puppet| {
            let taken = (0..100).take_while(|&n| b.try_send(Num(n)).is_ok()).count();
            me.say(taken);
        };
        fill(me);
        assert!(b.address().set_bound(Bound::reject(5)));
        fill(me);
        assert!(b.address().set_bound(Bound::reject(1)));
        fill(me);
        let unbounded = Locality::new("elsewhere").reserve::<Puppet>();
        assert!(!unbounded.address().set_bound(Bound::reject(1)));
    });
    assert_eq!(log.of("a: "), ["a: 2", "a: 3", "a: 0"]);
    assert_eq!(log.count("b: "), 5);
}

/// Orders, timers, answers to its own requests and notices: what is not sent to it as a message.
fn a17_what_an_actor_asked_for_is_not_bounded(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve_bounded(Bound::reject(1)));
        let gone = here.reserve::<Puppet>();
        end(gone);
        act(b, move |me, cx| {
            me.ask(cx, a, 7, LONG);
            cx.monitor(gone.address());
            later(cx, ms(0), |me, _| me.say("timer"));
            act(cx.addr(), |me, _| me.say("the one that waits"));
            assert!(cx.addr().try_send(Num(1)).is_err());
        });
        when(a, (4, "b: "), move |_, cx| {
            b.stop();
            cx.stop();
        });
        stage()
            .child(puppet("gone", &log).at(gone).temporary())
            .child(puppet("b", &log).at(b).transient())
            .child(lead("a", &log).at(a))
    });
    let mut all = log.of("b: ");
    all.sort();
    assert_eq!(
        all,
        [
            "b: down normal",
            "b: got 14",
            "b: the one that waits",
            "b: timer"
        ]
    );
}

/// An asker need not wait for its limit.
fn a17_a_request_that_is_too_much_fails_at_once(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve_bounded(Bound::drop_oldest(1)));
        let theirs = log.clone();
        act(a, move |me, cx| {
            act(b, |me, _| {
                me.log.put("busy");
                me.log.wait_for("a: Full");
            });
            cx.flush();
            me.log.wait_for("busy");
            me.ask(cx, b, 1, LONG);
            me.ask(cx, b, 2, LONG); // takes its place
            when(cx.addr(), (2, "a: "), |_, cx| cx.stop());
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("a: "), ["a: Full", "a: got 4"]);
    assert_eq!(played.lost(Reason::Displaced), ["Double>"]);
}

/// How much waits, and how much may: as data.
fn a17_a_bound_is_in_the_picture(seed: u64) {
    let log = Log::new();
    let driver = driver();
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let b = here.reserve_bounded::<Puppet>(Bound::reject(5));
    let tree = group("root").child(puppet("b", &log).at(b).bound(Bound::reject(7)));
    assert_eq!(tree.plan(&here).unwrap().nodes[1].rules, ["bound 7"]);
    let app = driver.start(tree).unwrap();
    (0..2).for_each(|n| b.send(Num(n)));
    let before = app.tree();
    assert_eq!(
        (before.nodes[1].bound, before.nodes[0].bound),
        (Some(7), None)
    );
    driver.run_until_idle();
    (0..100).for_each(|n| b.send(Num(n)));
    assert_eq!(app.tree().nodes[1].queued, 7, "seed {seed}");
    driver.run_until_idle();
    assert_eq!(app.tree().nodes[1].queued, 0);
    assert_eq!(log.count("b: "), 9);
}

/// What was dropped has left a place in the queue, in which nothing waits: neither queued nor parked.
fn a17_dropped_messages_are_not_in_the_picture(_: u64) {
    let (log, holds) = (Log::new(), Arc::new(Mutex::new(None)));
    let (driver, here) = (driver(), Locality::new("here"));
    driver.open(&here).unwrap();
    let (b, held) = (here.reserve_bounded(Bound::drop_oldest(2)), holds.clone());
    let flood = || {
        (0..2).for_each(|n| b.send(Num(n)));
        (0..2).for_each(|n| b.send(Now(n)));
        std::thread::spawn(move || b.send(Now(2))).join().unwrap();
    };
    let role = Role::new("b", &log).begin(move |_, cx| {
        *held.lock().unwrap() = Some(cx.hold("on purpose"));
    });
    let app = driver
        .start(group("root").child(role.child().at(b)))
        .unwrap();
    let lengths = || {
        let tree = app.tree();
        (tree.nodes[1].parked, tree.nodes[1].queued)
    };
    driver.run_until_idle();
    flood();
    assert_eq!(lengths(), (0, 2));
    driver.run_until_idle();
    assert_eq!(lengths(), (2, 0));
    flood();
    assert_eq!(lengths(), (2, 0));
    drop(holds.lock().unwrap().take());
    driver.run_until_idle();
    assert_eq!(lengths(), (0, 0));
    flood();
    assert_eq!(lengths(), (0, 2));
    driver.run_until_idle();
    assert_eq!(log.of("b: "), ["b: now 1", "b: now 2"].repeat(2));
}

/// A bound that nobody would keep is an error, before anything starts.
fn a17_a_bounded_child_needs_an_address_with_a_bound(_: u64) {
    let log = Log::new();
    let driver = driver();
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let b = here.reserve();
    let tree = || group("root").child(puppet("b", &log).at(b).bound(Bound::reject(7)));
    for refused in [
        tree().plan(&here).unwrap_err(),
        driver.start(tree()).unwrap_err(),
    ] {
        assert!(
            matches!(&refused, StartError::Unbounded { child } if child == "root/b"),
            "{refused}"
        );
    }
}

/// Nor is one added that nobody would bound, by whatever way; the address stays free.
fn a17_an_added_child_needs_an_address_with_a_bound_too(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let b = cx.locality().reserve();
            let bounded = |log: &Log| puppet("b", log).at(b).bound(Bound::reject(7));
            let told = cx.try_child(bounded(&me.log));
            assert!(
                matches!(&told, Err(StartError::Unbounded { child }) if child == "stage/a/b"),
                "{told:?}"
            );
            let gone = cx.child(bounded(&me.log));
            assert_eq!(gone.address().state(), Lifecycle::Gone);
            let log = me.log.clone();
            let asked = StartChild::new(move || puppet("b", &log).at(b).bound(Bound::reject(7)));
            let own = cx.addr().address().admin();
            cx.request_from(own, asked, LONG, move |me, told, cx| {
                let Ok(Err(AdminError::BadSpec(StartError::Unbounded { child }))) = told else {
                    panic!("{told:?}")
                };
                assert_eq!(child, "stage/a/b");
                cx.child(puppet("b", &me.log).at(b));
                b.send(Num(1));
                when(cx.addr(), (1, "b: "), |_, cx| cx.stop());
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b: 1"]);
}

/// The room ends with the address: nothing comes to whoever has its slot next.
fn a17_a_bounded_address_ends_with_its_child(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, theirs) = (here.reserve(), log.clone());
        act(a, move |me, cx| {
            let mut all = Vec::new();
            for n in 0..4 {
                let child = puppet("b", &theirs).temporary();
                // Every other one has a bound: a slot is used again by one of the other sort.
                let b = match n % 2 {
                    0 => cx.child(child.bound(Bound::reject(2))),
                    _ => cx.child(child),
                };
                b.send(Num(n));
                b.send(Say("last"));
                all.push(b);
            }
            me.kept.push(Box::new(all.clone()));
            when(cx.addr(), (8, "b: "), move |_, cx| {
                all.iter().for_each(|b| b.stop());
                later(cx, ms(2), move |me, cx| {
                    let again = cx.child(puppet("c", &me.log).bound(Bound::reject(2)));
                    for b in &all {
                        me.say(format!("{:?}", b.address().state()));
                        me.say(format!("{:?}", b.try_send(Num(9)).unwrap_err().reason));
                        me.say(b.address().set_bound(Bound::reject(1)));
                        b.send(Stale);
                    }
                    again.send(Num(10));
                    when(cx.addr(), (1, "c: "), |_, cx| cx.stop());
                });
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("a: "), ["a: Gone", "a: Gone", "a: false"].repeat(4));
    assert_eq!(log.of("c: "), ["c: 10"]);
    assert_eq!(played.undelivered, []);
}

/// What waits when its locality ends is reported, as anywhere.
fn a17_what_waits_at_the_end_is_undelivered(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve_bounded(Bound::reject(3)));
        act(a, move |_, cx| {
            (0..4).for_each(|n| b.send(Num(n)));
            b.stop();
            cx.stop();
        });
        stage()
            .child(puppet("b", &log).at(b).temporary())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), [""; 0]);
    assert_eq!(played.lost(Reason::Full), ["Num"]);
    assert_eq!(played.undelivered.len(), 4);
}

/// Whoever sends learns that its loop is lost, not how much waited for that, nor is any of it displaced.
fn a17_what_is_sent_to_a_lost_loop_is_not_too_much(_: u64) {
    for bound in [Bound::reject(1), Bound::drop_oldest(1)] {
        let (log, reports) = (Log::new(), Arc::new(Reports::default()));
        let (driver, here) = (driver(), Locality::new("here"));
        let b = here.reserve_bounded(bound.redirect(|_: Num| panic!("it is not too much")));
        driver.open(&here).unwrap();
        let tree = group("root").observer(reports.clone());
        driver.start(tree.child(puppet("b", &log).at(b))).unwrap();
        driver.run_until_idle();
        b.send(Num(0));
        turn_elsewhere(driver);
        b.send(Num(1));
        assert_eq!(*reports.0.lock().unwrap(), [(Reason::Closed, 1)]);
    }
}

/// Where it was published, not which locality had no room for it.
fn a17_a_publish_that_is_too_much_for_a_locality_is_told_of_its_topic(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    #[derive(Default)]
    struct Lost(Mutex<Vec<(Address, u64)>>);
    impl Observer for Lost {
        fn undelivered(&self, what: &Undeliverable) {
            if what.reason == Reason::Full {
                self.0.lock().unwrap().push((what.to, what.times));
            }
        }
    }
    let (log, lost, mut topic) = (Log::new(), Arc::new(Lost::default()), None);
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, b, news) = (here.reserve(), away.reserve(), here.topic::<Num>());
        let (theirs, full) = (log.clone(), away.clone());
        topic = Some(news.address());
        act(a, move |me, cx| {
            act(b, |me, _| {
                me.log.put("busy");
                me.log.wait_for("over");
            });
            cx.flush();
            me.log.wait_for("busy");
            full.set_bound(1);
            b.send(Say("the last one"));
            cx.flush();
            (0..3).for_each(|n| news.publish(Num(n)));
            act(cx.addr(), |me, cx| {
                cx.flush();
                me.log.put("over");
                cx.stop();
            });
        });
        let role = move || Role::new("b", &theirs).begin(move |_, cx| cx.subscribe(news));
        let group = group("far").on(&away, move |s| s.child(role().child().at(b)));
        stage()
            .observer(lost.clone())
            .child(group)
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.unwrap().is_failure());
    let lost = lost.0.lock().unwrap();
    assert!(lost.iter().all(|&(to, _)| Some(to) == topic), "{lost:?}");
    assert_eq!(lost.iter().map(|(_, times)| times).sum::<u64>(), 3);
}

/// In each lane the latest ones stay; an Urgent one is not dropped for a Normal one.
fn a18_the_oldest_makes_room_for_the_newest(on: &dyn Backend) {
    let log = Log::new();
    let played = flooded(on, &log, Bound::drop_oldest(4), 4, |_, b| {
        (0..100).for_each(|n| b.send(Num(n)));
        (0..2).for_each(|n| b.send(Now(n)));
    });
    assert_eq!(log.all(), ["b: now 0", "b: now 1", "b: 98", "b: 99"]);
    assert_eq!(played.lost(Reason::Displaced), ["Num"; 98]);

    let log = Log::new();
    let played = flooded(on, &log, Bound::drop_oldest(4), 4, |_, b| {
        (0..100).for_each(|n| b.send(Now(n)));
        b.send(Num(1));
    });
    let last: Vec<_> = (96..100).map(|n| format!("b: now {n}")).collect();
    assert_eq!(log.all(), last);
    assert_eq!(played.lost(Reason::Displaced), ["Now"; 96]);
    assert_eq!(played.lost(Reason::Full), ["Num"]);
}

/// In its place; each type of message has keys of its own.
fn a18_the_latest_of_each_key_waits(on: &dyn Backend) {
    let log = Log::new();
    let bound = Bound::reject(4).latest(|num: &Num| u64::from(num.0 % 3));
    let bound = bound.latest(|now: &Now| match now.0 {
        7 => panic!("no key"),
        n => u64::from(n % 3),
    });
    let played = flooded(on, &log, bound, 4, |_, b| {
        for n in 0..30 {
            b.send(Num(n));
        }
        b.send(Now(0));
        b.send(Now(3));
        b.send(Now(7)); // one more, without a key
        b.send(Say("another type"));
    });
    assert_eq!(log.all(), ["b: now 3", "b: 27", "b: 28", "b: 29"]);
    assert_eq!(played.lost(Reason::Displaced).len(), 28);
    assert_eq!(played.lost(Reason::Full), ["Now", "Say"]);
}

/// The supervisor is told, once for all that was too much until it fails; what waits stays.
fn c_so_35_an_actor_fails_once_because_of_its_bound(on: &dyn Backend) {
    let log = Log::new();
    let played = flooded(on, &log, Bound::fail(3), 3, |_, b| {
        (0..10).for_each(|n| b.send(Num(n)));
    });
    assert_eq!(log.all(), ["b: 0", "b: 1", "b: 2"]);
    assert_eq!(played.lost(Reason::Full), ["Num"; 7]);
    let ends: Vec<_> = played
        .exits
        .iter()
        .filter(|exit| exit.starts_with("b: "))
        .collect();
    assert_eq!(
        ends[0],
        "b: failed: more messages wait for it than its bound of 3"
    );
    assert_eq!(ends.len(), 2, "with the tree: {ends:?}");
}

/// How many drops each report tells of.
#[derive(Default)]
struct Reports(Mutex<Vec<(Reason, u64)>>);

impl Observer for Reports {
    fn undelivered(&self, what: &Undeliverable) {
        self.0.lock().unwrap().push((what.reason, what.times));
    }
}

impl Reports {
    /// Those for one reason.
    fn of(&self, reason: Reason) -> Vec<u64> {
        let all = self.0.lock().unwrap();
        let these = all.iter().filter(|(of, _)| *of == reason);
        these.map(|&(_, times)| times).collect()
    }
}

/// A limit reached is a drop that is counted, one by one or together.
fn c_so_31_every_drop_is_counted_and_few_are_reported_alone(on: &dyn Backend) {
    let (log, reports) = (Log::new(), Arc::new(Reports::default()));
    let exit = on.run_tree(&mut |here| {
        let (a, b) = (here.reserve(), here.reserve_bounded(Bound::reject(1)));
        act(a, move |_, cx| {
            (0..1001).for_each(|n| b.send(Num(n)));
            act(cx.addr(), move |_, _| {
                (0..3).for_each(|n| b.send(Num(n)));
                act(a, |_, cx| cx.stop());
            });
        });
        stage()
            .observer(reports.clone())
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.unwrap().is_failure());
    let reports = reports.of(Reason::Full);
    assert_eq!(reports.iter().sum::<u64>(), 1002);
    assert_eq!(reports[..4], [1, 2, 4, 8]);
    assert!(reports.len() <= 14, "{reports:?}");
}

/// A flood, and what was told of it when there was room again: all of it, in few reports. And again. Senders on
/// several threads may have one more let in.
fn told_of_each_flood(
    of: Child<Puppet>,
    here: &Locality,
    mut flood: impl FnMut(&Driver),
    each: std::ops::RangeInclusive<u64>,
) {
    let mut before = 0;
    let (driver, reports) = (driver(), Arc::new(Reports::default()));
    driver.open(here).unwrap();
    let tree = group("root").observer(reports.clone()).child(of);
    let app = driver.start(tree).unwrap();
    for floods in 1..=3 {
        flood(&driver);
        let told = reports.of(Reason::Full);
        assert!(told.len() <= floods * 15, "{told:?}");
        let sum = told.iter().sum::<u64>();
        assert!(each.contains(&(sum - before)), "{told:?}");
        let counted = app.tree().localities[0].undelivered.clone();
        assert_eq!(counted, [(Reason::Full, sum)]);
        before = sum;
    }
}

/// Of all senders together, and also what is for an actor with room of its own.
fn c_so_31_what_a_localitys_bound_refuses_is_told_in_few_reports(_: u64) {
    let log = Log::new();
    for bounded in [false, true] {
        let here = Locality::new("here");
        let b = match bounded {
            true => here.reserve_bounded(Bound::reject(100)),
            false => here.reserve(),
        };
        let flood = |driver: &Driver| {
            driver.run_until_idle();
            here.set_bound(3);
            let flood = move || (0..5_001).for_each(|n| b.send(Num(n)));
            std::thread::scope(|scope| drop((scope.spawn(flood), scope.spawn(flood))));
            driver.run_until_idle();
        };
        told_of_each_flood(puppet("b", &log).at(b), &here, flood, 9_990..=9_999);
    }
    assert!((2 * 3 * 3..2 * 3 * 12).contains(&log.count("b: ")));
}

/// In the first start, and in each restart.
fn c_so_31_what_is_too_much_to_be_parked_is_told_in_few_reports(_: u64) {
    let (log, holds) = (Log::new(), Arc::new(Mutex::new(None)));
    let here = Locality::new("here");
    let (b, held) = (here.reserve(), holds.clone());
    let role = Role::new("b", &log).begin(move |_, cx| {
        *held.lock().unwrap() = Some(cx.hold("on purpose"));
    });
    let flood = |driver: &Driver| {
        driver.run_until_idle();
        for n in 0..10_002 {
            b.send(Num(n));
            if n % 100 == 1 {
                driver.run_until_idle(); // it has caught up, but there is no room
            }
        }
        drop(holds.lock().unwrap().take());
        driver.run_until_idle();
        crash(b);
    };
    told_of_each_flood(role.child().at(b).capacity(3), &here, flood, 9_999..=9_999);
    assert_eq!(log.count("b: "), 3 * 3);
}

/// What was not told when its locality ends is told then: no loop has ever looked at it.
fn c_so_31_what_was_refused_is_told_at_the_end_of_its_locality(_: u64) {
    let (log, reports) = (Log::new(), Arc::new(Reports::default()));
    let (driver, here, away) = (driver(), Locality::new("here"), Locality::new("away"));
    driver.open(&here).unwrap();
    away.set_bound(3);
    let (b, theirs) = (away.reserve(), log.clone());
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let tree = group("root").observer(reports.clone()).child(far);
    let app = driver.start(tree).unwrap();
    driver.run_until_idle();
    (0..10_000).for_each(|n| b.send(Num(n)));
    let before = reports.of(Reason::Full);
    drop((app, driver, away));
    let told = reports.of(Reason::Full);
    let lost = told.len() + reports.of(Reason::Closed).len();
    assert!(told.len() > before.len() && lost < 20, "{told:?}");
    assert_eq!(told.iter().sum::<u64>(), 10_000 - 3);
}

/// What an observer sends while it is told is counted only; what others have lost is told all the same.
fn c_so_31_what_is_lost_while_an_observer_is_told_takes_no_report_from_others(_: u64) {
    /// Sends more each time it is told.
    struct Sends(Addr<Puppet>, Reports);
    impl Observer for Sends {
        fn undelivered(&self, what: &Undeliverable) {
            self.1.undelivered(what);
            (0..10).for_each(|n| self.0.send(Now(n)));
        }
    }
    for bounded in [false, true] {
        let (log, driver, here) = (Log::new(), driver(), Locality::new("here"));
        let b = match bounded {
            true => here.reserve_bounded(Bound::reject(3)),
            false => here.reserve(),
        };
        here.set_bound(if bounded { 0 } else { 3 });
        driver.open(&here).unwrap();
        let observer = Arc::new(Sends(b, Reports::default()));
        let tree = group("root").observer(observer.clone());
        let app = driver.start(tree.child(puppet("b", &log).at(b))).unwrap();
        driver.run_until_idle();
        let flood = move || (0..1_000).for_each(|n| b.send(Num(n)));
        std::thread::spawn(flood).join().unwrap();
        driver.run_until_idle();
        let reports = observer.1.of(Reason::Full);
        let handled = log.count("b: ") - log.count("b: now ");
        assert_eq!(reports.iter().sum::<u64>(), 1_000 - handled as u64);
        let sent_meanwhile = 10 * reports.len() - log.count("b: now ");
        let counted = app.tree().localities[0].undelivered.clone();
        let all = 1_000 - handled + sent_meanwhile;
        assert_eq!(counted, [(Reason::Full, all as u64)]);
    }
}

/// Two messages are too much, and the room is empty before they are counted.
fn c_so_31_what_is_counted_late_is_told_as_well(_: u64) {
    struct Slow(Option<(Log, &'static str)>);
    impl Drop for Slow {
        fn drop(&mut self) {
            if let Some((log, name)) = &self.0 {
                log.put(format!("{name} drops"));
                log.wait_for("empty");
            }
        }
    }
    impl Handler<Slow> for Puppet {
        fn handle(&mut self, _: Slow, _: &mut Context<Self>) {
            self.say("slow");
        }
    }
    let (log, reports) = (Log::new(), Arc::new(Reports::default()));
    let (driver, here) = (driver(), Locality::new("here"));
    driver.open(&here).unwrap();
    let b = here.reserve_bounded::<Puppet>(Bound::drop_oldest(1));
    let tree = group("root").observer(reports.clone());
    let app = driver.start(tree.child(puppet("b", &log).at(b))).unwrap();
    driver.run_until_idle();
    std::thread::scope(|scope| {
        for line in ["one drops", "two drops"] {
            let name = &line[..3];
            b.send(Slow(Some((log.clone(), name))));
            scope.spawn(move || b.send(Slow(None)));
            log.wait_for(line);
            driver.run_until_idle();
        }
        log.put("empty");
    });
    assert_eq!(log.count("b: slow"), 2);
    assert_eq!(reports.of(Reason::Displaced), [1, 1]);
    let counted = app.tree().localities[0].undelivered.clone();
    assert_eq!(counted, [(Reason::Displaced, 2)]);
}

/// A locality's bound is not waited for: whoever takes what comes from outside may be stuck.
fn a18_a_sender_does_not_wait_for_room_in_a_locality(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        away.set_bound(1);
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let [c, d] = [10, 1].map(|n| away.reserve_bounded::<Puppet>(Bound::reject(n)));
        let (theirs, watch) = (log.clone(), log.clone());
        act(b, |me, _| {
            me.log.put("busy");
            me.log.wait_for("over");
        });
        std::thread::spawn(move || {
            watch.wait_for("busy");
            d.send(Num(0)); // now it is full, too
            while b.try_send(Say("more")).is_ok() {}
            for to in [b, c, d] {
                let mut sending = pin!(to.send_within(Num(1), LONG));
                let polled = sending
                    .as_mut()
                    .poll(&mut task::Context::from_waker(Waker::noop()));
                watch.put(match polled {
                    Poll::Ready(sent) => format!("{:?}", sent.unwrap_err().reason),
                    Poll::Pending => "waits".to_owned(),
                });
            }
            watch.put("over");
            end(a);
        });
        let group = group("far").on(&away, move |s| {
            s.child(puppet("b", &theirs).at(b))
                .child(puppet("c", &theirs).at(c))
                .child(puppet("d", &theirs).at(d))
        });
        stage().child(lead("a", &log).at(a)).child(group)
    });
    assert_eq!(log.all()[..5], ["busy", "Full", "Full", "Full", "over"]);
}

/// The most that are alive at a time, and what became of them.
#[derive(Clone, Default)]
struct Coins(Arc<[AtomicU32; 4]>);

const ALIVE: usize = 0;
const MOST: usize = 1;
const HANDLED: usize = 2;
const BACK: usize = 3;

impl Coins {
    fn mint(&self, number: u32) -> Coin {
        let alive = self.0[ALIVE].fetch_add(1, Ordering::SeqCst) + 1;
        self.0[MOST].fetch_max(alive, Ordering::SeqCst);
        Coin(self.clone(), number)
    }

    fn add(&self, which: usize) {
        self.0[which].fetch_add(1, Ordering::SeqCst);
    }

    fn get(&self, which: usize) -> u32 {
        self.0[which].load(Ordering::SeqCst)
    }
}

struct Coin(Coins, u32);

impl Drop for Coin {
    fn drop(&mut self) {
        self.0.0[ALIVE].fetch_sub(1, Ordering::SeqCst);
    }
}

impl Handler<Coin> for Puppet {
    fn handle(&mut self, coin: Coin, _: &mut Context<Self>) {
        coin.0.add(HANDLED);
        let handled = coin.0.get(HANDLED);
        assert!(
            handled != 50 && !handled.is_multiple_of(5_000),
            "now and then"
        );
    }
}

/// From everywhere at once, over crashes: never more messages than the bound says, besides the one
/// in each sender's hand and the one that is handled; and sent is handled, handed back or counted, whatever is
/// done with what is too much.
fn a17_a_flood_keeps_within_the_bound_and_nothing_is_lost_uncounted(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    const EACH: u32 = 5_000;
    const BOUND: u32 = 100;
    const SENDERS: u32 = 4;
    // With what is seen of it.
    type Policy = (fn(usize) -> Bound, fn(&Played) -> bool);
    let latest = |messages| {
        let key = |coin: &Coin| u64::from(coin.1 % (2 * BOUND));
        Bound::reject(messages).latest(key)
    };
    let redirect = |messages| Bound::reject(messages).redirect(|coin: Coin| coin.0.add(BACK));
    let refuses = |played: &Played| !played.lost(Reason::Full).is_empty();
    let displaces = |played: &Played| !played.lost(Reason::Displaced).is_empty();
    let fails = |played: &Played| {
        played
            .exits
            .iter()
            .any(|exit| exit.contains("its bound of"))
    };
    let policies: [Policy; 5] = [
        (Bound::reject, refuses),
        (Bound::drop_oldest, displaces),
        (latest, displaces),
        (redirect, |played| played.lost(Reason::Full).is_empty()),
        (Bound::fail, fails),
    ];
    for (bound, is_seen) in policies {
        let (log, coins, left) = (Log::new(), Coins::default(), AtomicU32::new(SENDERS));
        let left = Arc::new(left);
        let played = on.run(|here| {
            let away = far.spawn("away");
            let (a, c) = (here.reserve(), away.reserve());
            let b = away.reserve_bounded::<Puppet>(bound(BOUND as usize));
            let pay = |coins: &Coins| {
                let (coins, left) = (coins.clone(), left.clone());
                move || {
                    for n in 0..EACH {
                        match n % 2 {
                            0 => b.send(coins.mint(n)),
                            _ if b.try_send(coins.mint(n)).is_err() => coins.add(BACK),
                            _ => {}
                        }
                    }
                    // The last one ends it all, when `b` has crashed.
                    if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                        when(a, (2, "b starts"), |_, cx| cx.stop());
                    }
                }
            };
            let threads = [pay(&coins), pay(&coins)];
            let (mine, theirs, far_log) = (pay(&coins), pay(&coins), log.clone());
            act(a, move |_, cx| {
                threads
                    .into_iter()
                    .for_each(|thread| drop(std::thread::spawn(thread)));
                act(c, move |_, _| theirs());
                cx.flush();
                mine();
            });
            let group = group("far").intensity(u32::MAX, LONG); // it may fail very often
            let group = group.on(&away, move |s| {
                s.child(tells("b", &far_log).at(b))
                    .child(puppet("c", &far_log).at(c))
            });
            stage().child(group).child(lead("a", &log).at(a))
        });
        assert_eq!(coins.get(ALIVE), 0);
        let most = coins.get(MOST);
        assert!(most <= BOUND + 2 * SENDERS + 1, "{most} at a time");
        let lost = played.undelivered.iter().filter(|(name, _)| name == "Coin");
        let sum = coins.get(HANDLED) + coins.get(BACK) + lost.count() as u32;
        assert_eq!(sum, SENDERS * EACH);
        assert!(is_seen(&played));
    }
}

/// So many wait in the queue of a locality, besides the ones in each sender's hands and the one that is handled; and
/// sent is handled, handed back or counted.
fn a17_a_flood_keeps_within_the_bound_of_a_locality_and_nothing_is_lost_uncounted(_: u64) {
    const EACH: u32 = 1_000;
    const BOUND: u32 = 20;
    const SENDERS: u32 = 3;
    let (log, coins, reports) = (Log::new(), Coins::default(), Arc::new(Reports::default()));
    let (driver, here) = (driver(), Locality::new("here"));
    let b = here.reserve();
    driver.open(&here).unwrap();
    here.set_bound(BOUND as usize);
    let tree = group("root").observer(reports.clone());
    let app = driver.start(tree.child(puppet("b", &log).at(b))).unwrap();
    driver.run_until_idle();
    let pay = || {
        for n in 0..EACH {
            match n % 2 {
                0 => b.send(coins.mint(n)),
                _ if b.try_send(coins.mint(n)).is_err() => coins.add(BACK),
                _ => {}
            }
        }
    };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(pay)).collect();
        while reports.of(Reason::Full).is_empty() {
            std::thread::yield_now(); // it fills first
        }
        while senders.iter().any(|sender| !sender.is_finished()) {
            driver.run_until_idle();
        }
    });
    driver.run_until_idle();
    assert_eq!(coins.get(ALIVE), 0);
    let most = coins.get(MOST);
    let allowed = BOUND + 2 * SENDERS + 1;
    assert!((BOUND..=allowed).contains(&most), "{most} at a time");
    let refused: u64 = reports.of(Reason::Full).iter().sum();
    let sum = coins.get(HANDLED) + coins.get(BACK) + refused as u32;
    assert_eq!(sum, SENDERS * EACH);
    let counted = app.tree().localities[0].undelivered.clone();
    assert_eq!(counted, [(Reason::Full, refused)]);
}

/// A message has a ticket as soon as it waits: no other sender's is late because of one that is held up.
fn a17_what_was_sent_before_a_drain_is_handled_whoever_sends_meanwhile(_: u64) {
    for _ in 0..100 {
        let (log, driver, here) = (Log::new(), driver(), Locality::new("here"));
        let b = here.reserve_bounded(Bound::reject(100));
        driver.open(&here).unwrap();
        let child = puppet("b", &log).at(b).transient();
        let _app = driver.start(group("root").child(child)).unwrap();
        driver.run_until_idle();
        let start = &Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(move || {
                    start.wait();
                    (0..10).for_each(|n| b.send(Num(n)));
                });
            }
            scope.spawn(move || {
                start.wait();
                b.send(Say("in time"));
                b.drain(LONG);
            });
        });
        driver.run_until_idle();
        assert_eq!(log.count("b: in time"), 1);
    }
}

/// Who is subscribed and does not run yet has room for so many by itself.
fn c_so_37_each_subscriber_is_bounded_alone(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, topic) = (here.reserve(), here.topic::<Num>());
        let subscribed = |name, capacity| {
            let role = Role::new(name, &log).begin(move |_, cx| cx.subscribe(topic));
            role.child().capacity(capacity)
        };
        let last = Role::new("last", &log).begin(move |_, cx| {
            let hold = cx.hold("on purpose");
            act(a, move |_, cx| {
                (0..4).for_each(|n| topic.publish(Num(n)));
                act(cx.addr(), move |_, _| drop(hold));
                when(cx.addr(), (7, ""), |_, cx| cx.stop());
            });
        });
        let waiting = group("waiting").synchronize_start();
        stage().child(lead("a", &log).at(a)).child(
            waiting
                .child(subscribed("b", 3))
                .child(subscribed("c", 5))
                .child(last.child()),
        )
    });
    assert_eq!(log.of("b: "), ["b: 0", "b: 1", "b: 2"]);
    assert_eq!(log.of("c: "), ["c: 0", "c: 1", "c: 2", "c: 3"]);
    assert_eq!(played.lost(Reason::Full), ["Num"]);
}

/// What its bound counts is not counted again, nor are the places that dropped messages have left.
fn a17_what_a_bound_has_let_in_takes_no_place_among_what_is_parked(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, news) = (here.reserve(), here.topic::<Num>());
        let b = here.reserve_bounded::<Puppet>(Bound::drop_oldest(2));
        let role = Role::new("b", &log).begin(move |_, cx| {
            cx.subscribe(news);
            let hold = cx.hold("on purpose");
            act(a, move |_, cx| {
                (0..2).for_each(|n| b.send(Num(n)));
                (0..2).for_each(|n| b.send(Now(n)));
                (2..5).for_each(|n| news.publish(Num(n)));
                act(cx.addr(), move |_, cx| {
                    drop(hold);
                    when(cx.addr(), (2, "b: "), move |_, _| {
                        act(b, move |_, _| end(a)); // behind what is parked
                    });
                });
            });
        });
        let waiting = group("waiting").synchronize_start();
        stage()
            .child(lead("a", &log).at(a))
            .child(waiting.child(role.child().at(b).capacity(2)))
    });
    assert_eq!(log.all(), ["b: now 0", "b: now 1", "b: 2", "b: 3"]);
    assert_eq!(played.lost(Reason::Displaced), ["Num"; 2]);
    assert_eq!(played.lost(Reason::Full), ["Num"]);
}

/// In order, as fast as there is room; one that waits does not have the actor fail.
fn a18_a_sender_waits_for_room(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve_bounded(Bound::fail(2)));
        let theirs = log.clone();
        act(a, move |_, cx| {
            let copy = async move {
                for n in 0..100 {
                    b.send_within(Num(n), LONG).await?;
                }
                b.to()
                    .send_within(Do::new(move |_, _| end(a)), LONG)
                    .await
                    .unwrap();
                Ok::<_, Undelivered<Num>>(())
            };
            cx.spawn(copy, |me, done, _| me.say(done.is_ok()));
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    let all: Vec<_> = (0..100).map(|n| format!("b: {n}")).collect();
    assert_eq!(log.of("b: "), all);
    let ends = played.exits.iter().filter(|exit| exit.starts_with("b: "));
    assert_eq!(ends.collect::<Vec<_>>(), ["b: shutdown < a: normal"]);
}

/// The message comes back; whoever gives up makes way for the next.
fn a18_a_sender_waits_no_longer_than_its_limit(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let (a, b) = (
        here.reserve(),
        here.reserve_bounded::<Puppet>(Bound::reject(1)),
    );
    let role = Role::new("b", &log).begin(|_, cx| {
        let hold = cx.hold("on purpose");
        later(cx, ms(50), move |_, _| drop(hold));
    });
    let tree = group("root")
        .child(puppet("a", &log).at(a))
        .child(role.child().at(b));
    sim.start(tree).unwrap();
    b.send(Num(0));
    act(a, move |_, cx| {
        for (n, limit) in [(1, ms(10)), (2, ms(60)), (3, LONG), (4, LONG)] {
            let key = cx.spawn(
                b.send_within(Num(n), limit),
                move |me, sent, _| match sent {
                    Ok(()) => me.say(format!("sent {n}")),
                    Err(back) => me.say(format!("{} {:?}", back.message.0, back.reason)),
                },
            );
            if n == 3 {
                cx.cancel(key);
            }
        }
    });
    sim.run_for(ms(20));
    assert_eq!(log.all(), ["a: 1 Full"]);
    sim.run_for(ms(100));
    let mut all = log.all();
    all.sort();
    assert_eq!(
        all,
        [
            "a: 1 Full",
            "a: sent 2",
            "a: sent 4",
            "b: 0",
            "b: 2",
            "b: 4"
        ]
    );
}

/// What its locality's bound refuses has no part in what waits for the actor.
fn a17_the_newest_is_refused_by_a_localitys_bound(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve_bounded(Bound::reject(10)));
    let theirs = log.clone();
    let tree = group("root")
        .child(puppet("a", &log).at(a))
        .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))));
    sim.start(tree).unwrap();
    sim.run_until_idle();
    away.set_bound(1);
    act(a, move |_, _| (1..=3).for_each(|n| b.send(Num(n))));
    sim.run_until_idle();
    assert_eq!(log.all(), ["b: 1"]);
}

/// As it is, or as something else; the sender is not told.
fn a18_what_is_too_much_is_redirected(on: &dyn Backend) {
    let log = Log::new();
    let elsewhere = log.clone();
    let bound =
        Bound::reject(2).redirect(move |num: Num| elsewhere.put(format!("too much: {}", num.0)));
    let played = flooded(on, &log, bound, 2, |_, b| {
        (0..4).for_each(|n| b.send(Num(n)));
        assert!(b.try_send(Num(4)).is_ok());
        // Of another type: refused.
        assert_eq!(
            b.try_send(Now(5)).map_err(|back| back.reason),
            Err(Reason::Full)
        );
    });
    let too_much = ["too much: 2", "too much: 3", "too much: 4", "b: 0", "b: 1"];
    assert_eq!(log.all(), too_much);
    assert_eq!(played.undelivered.len(), 0);
}

/// Too deep is refused: a circle comes to its end.
fn a18_redirects_do_not_go_round_in_circles(on: &dyn Backend) {
    let (log, passed) = (Log::new(), Arc::new(AtomicU32::new(0)));
    let count = passed.clone();
    let played = flooded(on, &log, Bound::reject(1), 1, move |_, b| {
        let circle = Bound::reject(1).redirect(move |num: Num| {
            count.fetch_add(1, Ordering::Relaxed);
            b.send(num);
        });
        assert!(b.address().set_bound(circle));
        (0..3).for_each(|n| b.send(Num(n)));
    });
    assert_eq!(passed.load(Ordering::Relaxed), 2 * 8);
    assert_eq!(played.lost(Reason::Full), ["Num", "Num"]);
}

/// It may go on as another message: too deep is refused all the same.
fn c_so_34_what_is_too_much_may_become_another_message(on: &dyn Backend) {
    let (log, passed) = (Log::new(), Arc::new(AtomicU32::new(0)));
    let (one, two) = (passed.clone(), passed.clone());
    let played = flooded(on, &log, Bound::reject(1), 1, move |_, b| {
        let circle = Bound::reject(1)
            .redirect(move |Num(n): Num| {
                one.fetch_add(1, Ordering::Relaxed);
                b.send(Now(n));
            })
            .redirect(move |Now(n): Now| {
                two.fetch_add(1, Ordering::Relaxed);
                b.send(Num(n));
            });
        assert!(b.address().set_bound(circle));
        b.send(Num(0));
        b.send(Num(1));
        b.send(Now(2));
    });
    assert_eq!(log.all(), ["b: 0"]);
    assert_eq!(passed.load(Ordering::Relaxed), 2 * 8);
    assert_eq!(played.lost(Reason::Full), ["Num", "Now"]);
}

/// It takes up room until its handler begins.
fn c_so_81_a_message_counts_until_it_is_handled(on: &dyn Backend) {
    let log = Log::new();
    let played = flooded(on, &log, Bound::reject(1), 3, |me, b| {
        act(b, move |me, _| {
            me.say(b.try_send(Num(1)).is_ok());
            me.say(b.try_send(Num(2)).is_ok());
        });
        me.say(b.try_send(Num(0)).is_ok());
    });
    assert_eq!(log.of("a: "), ["a: false"]);
    assert_eq!(log.of("b: "), ["b: true", "b: false", "b: 1"]);
    assert_eq!(played.undelivered, []);
}

/// What a timer brings is too much, also for whoever is to have it then: other timers fire all the same.
fn c_so_38_a_timer_that_brings_too_much_delays_no_other(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        // Nobody claims them: what is sent to them waits.
        let full = here.reserve_bounded::<Puppet>(Bound::reject(1));
        let passes_on = Bound::reject(1).redirect(move |num: Num| full.send(num));
        let b = here.reserve_bounded::<Puppet>(passes_on);
        act(a, move |_, cx| {
            for n in 0..3 {
                later(cx, ms(1), move |_, _| b.send(Num(n)));
            }
            later(cx, ms(1), |me, _| me.say("one"));
            later(cx, ms(2), |me, _| me.say("another one"));
            later(cx, ms(3), |_, cx| cx.stop());
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("a: "), ["a: one", "a: another one"]);
    assert_eq!(played.lost(Reason::Full), ["Num"]);
}

/// Nobody is hurt.
fn a18_a_redirect_that_panics_has_the_message_refused(on: &dyn Backend) {
    let log = Log::new();
    let bound = Bound::reject(1).redirect(|_: Num| panic!("on purpose"));
    let played = flooded(on, &log, bound, 1, |_, b| {
        (0..3).for_each(|n| b.send(Num(n)));
    });
    assert_eq!(log.all(), ["b: 0"]);
    assert_eq!(played.lost(Reason::Full), ["Num", "Num"]);
}

/// What waits has keys by the old bound: they are none by the new one.
fn a18_a_new_bound_displaces_nothing_that_waits_by_its_old_key(on: &dyn Backend) {
    let log = Log::new();
    let bound = Bound::reject(10).latest(|num: &Num| u64::from(num.0 / 10));
    let played = flooded(on, &log, bound, 3, |_, b| {
        b.send(Num(25));
        let by_ones = Bound::reject(10).latest(|num: &Num| u64::from(num.0 % 10));
        assert!(b.address().set_bound(by_ones));
        b.send(Num(12)); // of 2, which was the key of the other one
        b.send(Num(33));
        b.send(Num(43));
    });
    assert_eq!(log.of("b: "), ["b: 25", "b: 12", "b: 43"]);
    assert_eq!(played.lost(Reason::Displaced), ["Num"]);
}

/// Nor has one that is on its way when the bound becomes another one.
fn a18_a_new_bound_does_not_know_the_key_that_the_old_one_has_given(on: &dyn Backend) {
    let log = Log::new();
    let played = flooded(on, &log, Bound::reject(10), 2, |_, b| {
        let by_ones = || Bound::reject(10).latest(|num: &Num| u64::from(num.0 % 10));
        let by_tens = Bound::reject(10).latest(move |num: &Num| {
            assert!(b.address().set_bound(by_ones()));
            u64::from(num.0 / 10)
        });
        assert!(b.address().set_bound(by_tens));
        b.send(Num(70)); // 7, but not of those that the next one knows
        b.send(Num(17));
        b.send(Say("the last one"));
    });
    assert_eq!(log.of("b: "), ["b: 70", "b: 17", "b: the last one"]);
    assert_eq!(played.undelivered, []);
}

/// Once none is needed, there is nothing to wait for.
fn a18_who_waits_for_room_looks_again_when_the_bound_is_another_one(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let a = here.reserve();
    let b = here.reserve_bounded::<Puppet>(Bound::reject(1)); // nobody claims it
    sim.start(group("root").child(puppet("a", &log).at(a)))
        .unwrap();
    b.send(Num(0));
    act(a, move |_, cx| {
        let sending = b.send_within(Num(1), Duration::MAX);
        cx.spawn(sending, |me, sent, _| me.say(sent.is_ok()));
    });
    sim.run_for(ms(1));
    assert_eq!(log.all(), [""; 0]);
    assert!(b.address().set_bound(Bound::drop_oldest(1)));
    sim.run_for(ms(1));
    assert_eq!(log.all(), ["a: true"]);
}

/// It has said how long it would wait.
fn a18_who_waits_for_room_is_not_redirected(seed: u64) {
    let mut sim = Sim::new(seed);
    let bound = Bound::reject(1).redirect(|_: Num| panic!("never called"));
    let b = sim.locality("here").reserve_bounded::<Puppet>(bound);
    b.send(Num(0));
    let sent = sim.block_on(b.send_within(Num(1), ms(5))).unwrap();
    let back = sent.unwrap_err();
    assert_eq!((back.message.0, back.reason), (1, Reason::Full));
}

/// Removed while they wait: they learn it at once.
fn a18_who_waits_for_room_learns_that_there_will_be_none(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let (a, b) = (
        here.reserve(),
        here.reserve_bounded::<Puppet>(Bound::reject(1)),
    );
    let tree = group("root").child(puppet("a", &log).at(a));
    sim.start(tree).unwrap();
    b.send(Num(0));
    act(a, move |me, cx| {
        let role = Role::new("b", &me.log);
        let role = role.begin(|me, cx| me.kept.push(Box::new(cx.hold("for ever"))));
        cx.child(role.child().temporary().at(b));
        for _ in 0..3 {
            let sending = b.send_within(Num(1), Duration::MAX);
            cx.spawn(sending, |me, sent, _| {
                me.say(format!("{:?}", sent.map_err(|back| back.reason)));
            });
        }
    });
    sim.run_for(ms(1));
    assert_eq!(log.all(), [""; 0]);
    b.address().kill();
    sim.run_for(ms(1));
    assert_eq!(log.of("a: "), ["a: Err(Gone)"; 3]);
}

bodies! {
    Each: [
        a17_a_bound_holds_within_a_locality,
        a17_what_waits_for_the_next_instance_counts,
        a17_a_bound_is_changed_at_run_time,
        a17_what_an_actor_asked_for_is_not_bounded,
        a17_what_a_bound_has_let_in_takes_no_place_among_what_is_parked,
        a17_a_bounded_address_ends_with_its_child,
        a17_an_added_child_needs_an_address_with_a_bound_too,
        a17_what_waits_at_the_end_is_undelivered,
        a18_the_oldest_makes_room_for_the_newest,
        a18_the_latest_of_each_key_waits,
        a18_what_is_too_much_is_redirected,
        a18_redirects_do_not_go_round_in_circles
            as c_so_33_redirects_do_not_go_round_in_circles,
        c_so_34_what_is_too_much_may_become_another_message,
        a18_a_redirect_that_panics_has_the_message_refused,
        a18_a_new_bound_displaces_nothing_that_waits_by_its_old_key,
        a18_a_new_bound_does_not_know_the_key_that_the_old_one_has_given,
        c_so_31_every_drop_is_counted_and_few_are_reported_alone,
        c_so_35_an_actor_fails_once_because_of_its_bound,
        c_so_37_each_subscriber_is_bounded_alone,
        c_so_38_a_timer_that_brings_too_much_delays_no_other,
        c_so_81_a_message_counts_until_it_is_handled,
    ]
    Pair: [
        a17_a_bound_holds_for_all_senders_together,
        a17_a_request_that_is_too_much_fails_at_once,
        a17_a_publish_that_is_too_much_for_a_locality_is_told_of_its_topic,
        a17_a_flood_keeps_within_the_bound_and_nothing_is_lost_uncounted,
        a18_a_sender_does_not_wait_for_room_in_a_locality,
        a18_a_sender_waits_for_room,
    ]
    Sim: [
        a17_a_bound_is_in_the_picture,
        a17_dropped_messages_are_not_in_the_picture,
        a17_a_bounded_child_needs_an_address_with_a_bound,
        a17_the_newest_is_refused_by_a_localitys_bound,
        a17_what_was_sent_before_a_drain_is_handled_whoever_sends_meanwhile,
        a17_a_flood_keeps_within_the_bound_of_a_locality_and_nothing_is_lost_uncounted,
        a17_what_is_sent_to_a_lost_loop_is_not_too_much,
        c_so_31_what_a_localitys_bound_refuses_is_told_in_few_reports,
        c_so_31_what_is_too_much_to_be_parked_is_told_in_few_reports,
        c_so_31_what_was_refused_is_told_at_the_end_of_its_locality,
        c_so_31_what_is_counted_late_is_told_as_well,
        c_so_31_what_is_lost_while_an_observer_is_told_takes_no_report_from_others,
        a18_a_sender_waits_no_longer_than_its_limit,
        a18_who_waits_for_room_learns_that_there_will_be_none,
        a18_who_waits_for_room_is_not_redirected,
        a18_who_waits_for_room_looks_again_when_the_bound_is_another_one,
    ]
}
