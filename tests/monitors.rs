//! Monitors: exactly one notice, whatever happens to either side.

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::{Backend, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::until;

/// Cancelled, no notice is handled: neither one that is to come nor one that is queued.
fn l12_a_cancelled_monitor_gives_no_notice(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            let early = cx.monitor(b.address());
            assert!(cx.cancel(early));
            assert!(!cx.cancel(early), "it is gone already");
            let late = cx.monitor(b.address());
            cx.monitor(b.address());
            act(b, |_, cx| {
                cx.stop();
            });
            until(cx, move |me, cx| {
                if b.address().state() != Lifecycle::Down {
                    return false;
                }
                // Cancelled by the first notice, behind which it is queued, or before it.
                if cx.cancel(late) {
                    me.say("cancelled");
                }
                let done = me.log.count("a: down") > 0;
                if done {
                    cx.stop();
                }
                done
            });
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
            .child(lead("a", &log).at(a))
    });
    let (downs, cancelled) = (log.count("a: down"), log.count("a: cancelled"));
    assert_eq!(downs + cancelled, 2, "{:?}", log.all());
}

/// One that is queued behind the handler that cancels it.
fn l12_a_notice_that_is_queued_is_not_handled_after_a_cancel(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, cx| {
            let key = cx.monitor(b.address());
            end(b);
            // Behind the end of `b`, and before the notice of it.
            act(a, move |me, cx| {
                assert_eq!(b.address().state(), Lifecycle::Down);
                me.say(format!("cancelled: {}", cx.cancel(key)));
                later(cx, ms(1), |_, cx| cx.stop());
            });
        });
        stage()
            .child(puppet("b", &log).at(b).transient())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: cancelled: true"]);
}

/// Two loops watch one actor with monitors of equal numbers: one ends, the other stays.
fn c_opp_13_ending_one_monitor_leaves_those_of_other_loops(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (one, two) = (far.spawn("one"), far.spawn("two"));
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let (x, y) = (one.reserve::<Puppet>(), two.reserve::<Puppet>());
        let (left, right) = (log.clone(), log.clone());
        // On fresh localities with the same history, so their numbers are the same.
        let watch = move |name: &'static str, log: &Log| {
            Role::new(name, log).begin(move |me, cx| {
                me.kept.push(Box::new(cx.monitor(b.address())));
            })
        };
        act(a, move |_, cx| {
            act(x, move |me, cx| {
                let key = me.kept.pop().unwrap().downcast::<Key>().unwrap();
                assert!(cx.cancel(*key));
                // Behind the order that ends the watch.
                act(b, |_, cx| cx.stop());
            });
            until(cx, |me, cx| {
                let done = me.log.count("y: down") > 0;
                if done {
                    cx.stop();
                }
                done
            });
        });
        let _ = y;
        stage()
            .child(puppet("b", &log).at(b).transient())
            .child(group("left").on(&one, move |s| s.child(watch("x", &left).child().at(x))))
            .child(group("right").on(&two, move |s| s.child(watch("y", &right).child().at(y))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["y: down normal"]);
}

/// Notes whom it is told of, and why.
struct Nurse {
    log: Log,
    patients: Vec<Address>,
    told: Addr<Puppet>,
}

impl Actor for Nurse {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        for patient in &self.patients {
            cx.monitor(*patient);
        }
        Ok(())
    }
}

impl Handler<Down> for Nurse {
    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        let who = self.patients.iter().position(|p| *p == down.who);
        self.log.put(format!("{who:?}: {}", chain(&down.exit)));
        end(self.told);
    }
}

/// Who and why, each for itself.
fn c_opp_14_a_notice_says_who_and_why(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let (b, c) = (away.reserve::<Puppet>(), here.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |me, cx| {
            let (log, patients) = (me.log.clone(), vec![b.address(), c.address()]);
            let told = cx.addr();
            cx.child(Child::new("nurse", move || Nurse {
                log: log.clone(),
                patients: patients.clone(),
                told,
            }));
            attempt(b, |_, _| Err(Error::message("code 7")));
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(puppet("c", &log).at(c))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["Some(0): failed: code 7"]);
}

const MANY: usize = 10_000;

/// Watches `b` ten thousand times, ends half of that, and then `b`; stops when the rest was told.
fn watch_often(a: Addr<Puppet>, b: Addr<Puppet>) {
    act(a, move |_, cx| {
        let keys: Vec<_> = (0..MANY).map(|_| cx.monitor(b.address())).collect();
        for key in keys.into_iter().skip(1).step_by(2) {
            assert!(cx.cancel(key));
        }
        end(b);
        until(cx, |me, cx| {
            let done = me.log.count("a: down") == MANY / 2;
            if done {
                later(cx, ms(1), |_, cx| cx.stop());
            }
            done
        });
    });
}

/// Ten thousand, of which half end before; the rest is told once each.
fn l12_ten_thousand_monitors_of_one_actor(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        watch_often(a, b);
        stage()
            .child(puppet("b", &log).at(b).transient())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("a: down"), MANY / 2);
}

/// The same of an actor on another loop.
fn l12_ten_thousand_monitors_of_one_far_actor(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, theirs) = (here.reserve(), away.reserve::<Puppet>(), log.clone());
        watch_often(a, b);
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("a: down"), MANY / 2);
}

/// The target is started later: its end is the one that is told, once.
fn l12_a_monitor_of_one_that_is_not_started_yet_is_told_of_its_end(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let watcher = Role::new("a", &log).begin(move |_, cx| {
            fn look(me: &mut Puppet, cx: &mut Context<Puppet>) {
                if me.log.count("a: down") > 0 {
                    cx.stop();
                } else {
                    later(cx, ms(1), look);
                }
            }
            assert_eq!(b.address().state(), Lifecycle::Waiting);
            cx.monitor(b.address());
            act(b, |_, cx| cx.stop_with(Exit::shutdown_with("seen")));
            later(cx, ms(1), look);
        });
        stage()
            .child(watcher.child().at(a).transient().significant())
            .child(puppet("b", &log).at(b).transient())
    });
    assert_eq!(log.all(), ["a: down shutdown: seen"]);
}

/// The target is between two instances, and is not started again: nobody comes any more.
fn l12_a_monitor_of_one_that_is_not_started_again_is_told(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let z = here.reserve::<Puppet>();
        // Restarted with `c`, which takes its time: `b` waits meanwhile.
        let c = Role::new("c", &log).stop(move |me, _, cx| {
            if me.life > 1 {
                return;
            }
            let hold = cx.hold("slow");
            act(a, move |_, cx| {
                assert_eq!(b.address().state(), Lifecycle::Waiting);
                cx.monitor(b.address());
                // The root ends, and all else before this one.
                act(z, move |_, cx| {
                    cx.stop();
                    drop(hold);
                });
            });
        });
        let watcher = Role::new("a", &log).stop(|me, _, cx| {
            fn look(me: &mut Puppet, cx: &mut Context<Puppet>) {
                if me.log.count("a: down") > 0 {
                    me.kept.clear();
                } else {
                    later(cx, ms(1), look);
                }
            }
            me.kept.push(Box::new(cx.hold("the notice")));
            look(me, cx);
        });
        act(a, move |_, _| crash(b));
        let all = Supervisor::one_for_all("all")
            .transient()
            .child(c.child().stop_limit(LONG))
            .child(puppet("b", &log).at(b));
        stage()
            .child(lead("z", &log).at(z))
            .child(watcher.child().at(a).stop_limit(LONG))
            .child(all)
    });
    assert_eq!(log.all(), ["a: down shutdown, because z ended: normal"]);
}

/// The target's locality ends in order, or was never opened: the watcher is told all the same.
fn l12_a_monitor_on_a_locality_that_ends_is_told(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("home");
    let a = here.reserve();
    sim.start(Supervisor::one_for_one("root").child(puppet("a", &log).at(a)))
        .unwrap();
    // Never opened.
    let nowhere = Locality::new("nowhere");
    let b = nowhere.reserve::<Puppet>().address();
    act(a, move |_, cx| drop(cx.monitor(b)));
    sim.run_until_idle();
    assert_eq!(log.all(), [""; 0]);
    drop(nowhere);
    sim.run_until_idle();
    let gone = "a: down gone, its end is not known";
    assert_eq!(log.all(), [gone]);
    // Ended in order, with an address that nobody has claimed.
    let driver = driver();
    let ends = Locality::new("ends");
    driver.open(&ends).unwrap();
    let b = ends.reserve::<Puppet>().address();
    let app = driver.start(Supervisor::one_for_one("other")).unwrap();
    driver.run_until_idle();
    act(a, move |_, cx| drop(cx.monitor(b)));
    sim.run_until_idle();
    driver.run_until_idle();
    app.shutdown();
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    sim.run_until_idle();
    assert_eq!(log.all(), [gone; 2]);
    // Closed already.
    act(a, move |_, cx| drop(cx.monitor(b)));
    sim.run_until_idle();
    assert_eq!(log.all().len(), 3, "{:?}", log.all());
}

bodies! {
    Each: [
        l12_a_notice_that_is_queued_is_not_handled_after_a_cancel,
        l12_ten_thousand_monitors_of_one_actor,
        l12_a_monitor_of_one_that_is_not_started_yet_is_told_of_its_end,
        l12_a_monitor_of_one_that_is_not_started_again_is_told,
    ]
    Pair: [
        l12_ten_thousand_monitors_of_one_far_actor,
        l12_a_cancelled_monitor_gives_no_notice,
        c_opp_13_ending_one_monitor_leaves_those_of_other_loops,
        c_opp_14_a_notice_says_who_and_why,
    ]
    Sim: [
        l12_a_monitor_on_a_locality_that_ends_is_told,
    ]
}
