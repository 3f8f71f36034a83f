//! Actors that decide what follows the end of a child, and failures that climb.

use std::sync::{Arc, Mutex};

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::admin::{ask, child, list, scripted};
use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// `failed: text`, as an error or a panic.
fn fail(to: Addr<Puppet>, text: &'static str) {
    act(to, move |_, cx| cx.fail(Error::message(text)));
}

/// A word in the exit of a child, as a decision.
fn word(exit: &Exit) -> Decision {
    let ExitReason::Failed(error) = exit.reason() else {
        return Decision::Usual;
    };
    match &*error.to_string() {
        "restart" => Decision::Restart,
        "stop" => Decision::Stop,
        "escalate" => Decision::Escalate,
        _ => Decision::Usual,
    }
}

/// Any actor has the say over the children that it has added.
fn l09_an_actor_decides_what_follows_the_end_of_its_child(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, boss) = (here.reserve(), here.reserve());
        let children: [Addr<Puppet>; 2] = [here.reserve(), here.reserve()];
        let [x, y] = children;
        let theirs = log.clone();
        let role = Role::new("boss", &log).telling().begin(move |_, cx| {
            let child = |name| Role::new(name, &theirs).telling().child();
            cx.child(child("x").at(x).temporary());
            cx.child(child("y").at(y));
        });
        let role = role.decide(|me, child, _| {
            me.say(format!("{} {}", child.name, child.exit));
            word(child.exit)
        });
        act(a, move |_, _| {
            fail(x, "restart");
            fail(y, "stop");
            y.send(Say("nobody comes"));
        });
        when(a, (2, "x starts"), move |_, cx| {
            when(cx.addr(), (1, "y drops"), move |_, cx| {
                fail(x, "escalate");
                when(cx.addr(), (2, "boss starts"), |_, cx| cx.stop());
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(boss))
    });
    assert_eq!(
        log.of("boss:"),
        [
            "boss: x failed: restart",
            "boss: y failed: stop",
            "boss: x failed: escalate"
        ]
    );
    assert_eq!(played.lost(Reason::Stopped), ["Say"]);
    assert!(
        played
            .exits
            .contains(&"boss: escalated < x: failed: escalate".to_owned()),
        "{:?}",
        played.exits
    );
    assert_eq!(log.live(), 0);
}

/// The same for a stock supervisor, wherever it is placed, with all that its strategy does.
fn l09_a_supervisor_decides_as_it_is_told(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, x, y) = (here.reserve(), away.reserve(), away.reserve());
        let theirs = log.clone();
        act(a, move |_, _| {
            fail(x, "restart");
            y.send(Say("again"));
        });
        when(a, (1, "y: again"), move |_, cx| {
            fail(x, "stop");
            when(cx.addr(), (2, "x drops"), move |_, cx| {
                fail(y, "escalate");
                when(cx.addr(), (3, "y starts"), |_, cx| cx.stop());
            });
        });
        let all = Supervisor::one_for_all("all")
            .intensity(9, ms(5000))
            .transient()
            .decide(|child| word(child.exit))
            .on(&away, move |s| {
                let child = |name| Role::new(name, &theirs).telling().child();
                s.child(child("x").at(x).temporary())
                    .child(child("y").at(y))
            });
        stage().child(lead("a", &log).at(a)).child(all)
    });
    let all = log.all();
    let begun = [
        "x starts",
        "y starts",
        "x drops",
        "y stops: shutdown",
        "y drops",
    ];
    assert_eq!(all[..5], begun);
    assert_eq!(all[5..8], ["x starts", "y starts", "y: again"]);
    assert_eq!(all[8..11], ["x drops", "y drops", "x starts"]);
}

/// A temporary instance of a pool is made again from its argument, if that is decided.
fn l09_an_instance_is_restarted_against_its_kind(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let (mine, theirs) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = theirs.clone();
            async move {
                let pool = child(root, "pool").await.address;
                let start = StartInstance::<Puppet, &'static str>::new("x");
                let x = ask(pool, start).await.expect("it starts");
                let x = x.expect("it was not ignored");
                for word in ["restart", "stop"] {
                    fail(x.address, word);
                    ask(pool, CountChildren).await;
                }
                log.put(list(pool).await);
            }
        };
        let pool = Supervisor::simple_one_for_one("pool", move |name, _: &mut Context<Puppet>| {
            Role::new(name, &mine).telling().play(1)
        });
        let pool = pool.instances(Restart::Temporary);
        stage()
            .child(pool.decide(|child| word(child.exit)))
            .child(scripted(&log, script))
    });
    let lines = ["x starts", "x drops", "x starts", "x drops", ""];
    assert_eq!(log.all(), lines);
}

/// It was to be restarted against its kind, and cannot start: those who were stopped for that come back
/// without it. So they do if a restart that has failed is not to be tried again.
fn l09_the_others_come_back_without_one_whose_restart_is_left(on: &dyn Backend) {
    for (kind, text) in [("temporary", "once"), ("permanent", "stop")] {
        let log = Log::new();
        on.run_clean(&log, |here| {
            let (a, x) = (here.reserve(), here.reserve());
            act(a, move |_, _| fail(x, "restart"));
            when(a, (2, "z starts"), |_, cx| cx.stop());
            let role = Role::new("x", &log)
                .telling()
                .start(move |me, _| match me.life {
                    1 => Ok(()),
                    _ => Err(Error::message(text)),
                });
            let child = match kind {
                "temporary" => role.child().temporary(),
                _ => role.child(),
            };
            let tells = |name| Role::new(name, &log).telling().child();
            let all = Supervisor::one_for_all("all").decide(|child| word(child.exit));
            let all = all.child(tells("y")).child(child.at(x)).child(tells("z"));
            stage().child(lead("a", &log).at(a)).child(all)
        });
        let starts = ["x", "y", "z"].map(|name| log.count(&format!("{name} starts")));
        assert_eq!(starts, [2, 2, 2], "{kind}: {:?}", log.all());
    }
}

/// Five kinds: the three of OTP, after success only, and whatever the actor says.
fn l05_decisions_make_further_restart_kinds(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let a = here.reserve();
        let mut tree = stage().child(lead("a", &log).at(a));
        let success = |child: &ChildExit<'_>| match child.exit.is_abnormal() {
            true => Decision::Stop,
            false => Decision::Restart,
        };
        // The actor's own say: a detail of its exit.
        let says = |child: &ChildExit<'_>| match child.exit.reason() {
            ExitReason::ShutdownWith(detail) if &**detail == "once more" => Decision::Restart,
            _ => Decision::Stop,
        };
        type Way = fn(Addr<Puppet>);
        let ways: [(&str, Way); 6] = [
            ("normal", end),
            ("shutdown", |b| b.stop()),
            ("says so", |b| {
                b.address().stop_with(Exit::shutdown_with("once more"))
            }),
            ("failed", |b| fail(b, "no")),
            ("panicked", crash),
            ("killed", |b| b.address().kill()),
        ];
        for (kind, asked) in [("success", false), ("asked", true)] {
            let mut s = group(kind);
            s = if asked {
                s.decide(says)
            } else {
                s.decide(success)
            };
            for (why, way) in ways {
                let name: &'static str = format!("{kind} {why}").leak();
                let b = here.reserve();
                let role = Role::new(name, &log)
                    .begin(move |me, _| me.log.put(format!("{} {}", me.life, me.name)));
                s = s.child(role.child().at(b));
                act(a, move |_, _| way(b));
            }
            // It ends as its kind wants it, and its second start fails.
            let name: &'static str = format!("{kind} start failed").leak();
            let b = here.reserve();
            let role = fails_to_start_again(name, &log);
            s = s.child(role.child().at(b));
            act(a, move |_, _| {
                b.address().stop_with(Exit::shutdown_with("once more"));
            });
            tree = tree.child(s);
        }
        when(a, (6, "2 "), |_, cx| {
            later(cx, ms(5), |_, cx| cx.stop());
        });
        tree
    });
    let mut again = log.of("2 ");
    again.sort();
    assert_eq!(
        again,
        [
            "2 asked says so",
            "2 asked start failed",
            "2 success normal",
            "2 success says so",
            "2 success shutdown",
            "2 success start failed"
        ]
    );
    assert_eq!(log.of("3 "), [""; 0]);
}

/// What a disk says, and at which life of whom.
#[derive(Debug)]
struct DiskFull(u32);

impl std::fmt::Display for DiskFull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("disk full")
    }
}

impl std::error::Error for DiskFull {}

/// The kinds that start a child again, twice at most: it fails when it has used that up, or the first
/// failure is passed on. The supervisor ends, and the root of its reason is that very error.
fn r101_the_root_of_an_escalation_is_the_failure(on: &dyn Backend) {
    const MOST: u32 = 2;
    let passed_on = "escalated < x: failed: disk full";
    let given_up = "shutdown < x: failed: disk full";
    let kinds = [
        ("always", passed_on, 3),
        ("normal only", passed_on, 3),
        ("fail only", passed_on, 1),
        ("always", given_up, 3),
        ("fail only", given_up, 3),
    ];
    for (kind, why, lives) in kinds {
        let log = Log::new();
        let played = on.run(|_| {
            let role = Role::new("x", &log).telling().begin(move |me, cx| {
                let life = me.life;
                if life < lives && why == passed_on {
                    return end(cx.addr());
                }
                attempt(cx.addr(), move |_, _| Err(DiskFull(life).into()));
            });
            let child = role.child().restarts_at_most(MOST);
            let child = match kind {
                "always" => child,
                "normal only" => child.temporary(),
                _ => child.transient(),
            };
            let child = if why == passed_on {
                child.escalating()
            } else {
                child
            };
            let decide = move |child: &ChildExit<'_>| match child.exit.is_abnormal() {
                false if kind == "normal only" => Decision::Restart,
                _ => Decision::Usual,
            };
            group("root")
                .decide(decide)
                .child(Role::new("y", &log).telling().child())
                .child(child)
        });
        assert_eq!(chain(&played.exit), why, "{kind}");
        let ExitReason::Failed(error) = played.exit.root_cause().reason() else {
            panic!("{kind}: {}", played.exit.root_cause());
        };
        let full = error.downcast_ref::<DiskFull>().expect("the same error");
        assert_eq!(full.0, lives, "{kind}");
        assert_eq!(log.count("x starts"), lives as usize, "{kind}");
        assert_eq!(log.count("y starts"), 1, "{kind}");
        assert_eq!(log.live(), 0, "{kind}");
    }
}

/// Level by level, as far as each says so; the one that does not restarts what has failed.
fn r101_a_failure_climbs_as_far_as_it_escalates(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, x) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        act(a, move |_, _| fail(x, "disk full"));
        when(a, (2, "x starts"), |_, cx| cx.stop());
        let low = Supervisor::one_for_one("low").on(&away, move |s| {
            s.intensity(1000, ms(5000))
                .child(Role::new("x", &theirs).telling().child().at(x).escalating())
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("middle").child(low.escalating()))
    });
    let middle = "middle: escalated < low: escalated < x: failed: disk full".to_owned();
    assert!(played.exits.contains(&middle), "{:?}", played.exits);
    assert!(!played.exit.is_failure(), "{}", played.exit);
}

/// What a failure means is said by the child, or else by its group, or the group's own supervisor; and
/// where nobody has anything to say, the program ends.
fn c_so_14_a_failure_is_answered_by_the_first_level_that_does(on: &dyn Backend) {
    let levels = ["x", "low", "middle", "root"];
    for silent in 0..levels.len() {
        let log = Log::new();
        let played = on.run(|here| {
            let (a, x) = (here.reserve(), here.reserve());
            act(a, move |_, _| fail(x, "disk full"));
            when(a, (2, "x starts"), |_, cx| cx.stop());
            let (mut child, mut low, mut middle) = (
                Role::new("x", &log).telling().child().at(x),
                group("low").child(Role::new("y", &log).telling().child()),
                group("middle").child(Role::new("z", &log).telling().child()),
            );
            if silent > 0 {
                child = child.escalating();
            }
            if silent > 1 {
                low = low.escalating();
            }
            if silent > 2 {
                middle = middle.escalating();
            }
            stage()
                .child(lead("a", &log).at(a))
                .child(middle.child(low.child(child)))
        });
        // Those ended, with all that is below them, that have passed it on.
        let starts = ["y", "z"].map(|name| log.count(&format!("{name} starts")));
        let (y, z) = (
            1 + usize::from(matches!(silent, 1 | 2)),
            1 + usize::from(silent == 2),
        );
        assert_eq!(starts, [y, z], "{silent}: {:?}", log.all());
        let ended = played.exit.is_failure();
        assert_eq!(ended, silent == 3, "{}", played.exit);
        if ended {
            let all = "escalated < middle: escalated < low: escalated < x: failed: disk full";
            assert_eq!(chain(&played.exit), all);
        }
    }
}

/// An orderly end of a child means what its kind says.
fn r29_an_error_escalates_and_a_normal_end_does_not(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let x = here.reserve();
        let role = Role::new("x", &log).telling();
        let role = role.begin(move |me, cx| match me.life {
            1 => end(cx.addr()),
            _ => fail(cx.addr(), "no"),
        });
        group("root")
            .child(Role::new("y", &log).telling().child())
            .child(role.child().at(x).escalating())
    });
    assert_eq!(chain(&played.exit), "escalated < x: failed: no");
    assert_eq!(log.count("x starts"), 2);
    assert_eq!(log.count("y stops: shutdown < x: failed: no"), 1);
}

/// It is a handler's context: what it does is done, and then what it has decided.
fn l09_a_decision_may_use_its_context(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, x) = (here.reserve(), here.reserve());
        let theirs = log.clone();
        let role = Role::new("a", &log).begin(move |_, cx| {
            cx.child(Role::new("x", &theirs).telling().child().at(x));
            crash(x);
        });
        let more = log.clone();
        let role = role.decide(move |me, _, cx| {
            cx.addr().send(Say("told myself"));
            cx.child(Role::new("y", &more).telling().child());
            me.say(cx.now() >= cx.now());
            when(cx.addr(), (2, "x starts"), |_, cx| {
                when(cx.addr(), (1, "y starts"), |_, cx| cx.stop());
            });
            Decision::Restart
        });
        stage().child(role.child().at(a).transient().significant())
    });
    assert_eq!(log.of("a:"), ["a: true", "a: told myself"]);
    assert_eq!(log.of("x").len() + log.of("y").len(), 4 + 2 + 2);
}

/// The actor whose decision panics is the one that panicked, and its children go with it.
fn l19_a_panic_of_a_decision_is_the_actors_own(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, x) = (here.reserve(), here.reserve());
        act(a, move |_, _| crash(x));
        when(a, (2, "x starts"), |_, cx| cx.stop());
        let torn = group("torn")
            .decide(|_| panic!("cannot decide"))
            .child(Role::new("x", &log).telling().child().at(x))
            .child(Role::new("y", &log).telling().child());
        stage().child(lead("a", &log).at(a)).child(torn)
    });
    assert!(
        played
            .exits
            .contains(&"torn: panicked: cannot decide < x: panicked: as told".to_owned()),
        "{:?}",
        played.exits
    );
    assert_eq!(
        log.all()[..6],
        [
            "x starts",
            "y starts",
            "x drops",
            "y stops: shutdown < x: panicked: as told",
            "y drops",
            "x starts"
        ]
    );
}

/// Nobody is asked about a child that was told to stop, or about one's own end.
fn l09_nobody_is_asked_about_what_was_stopped(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| async move {
            let boss = child(root, "boss").await.address;
            ask(boss, TerminateChild::named("x"))
                .await
                .expect("it runs");
            ask(boss, RestartChild::named("x"))
                .await
                .expect("it can start");
        };
        let boss = group("boss")
            .decide(move |child| {
                mine.put(format!("asked about {}", child.name));
                Decision::Usual
            })
            .child(Role::new("x", &theirs).telling().child());
        stage().child(boss).child(scripted(&log, script))
    });
    assert_eq!(log.count("x starts"), 2);
    assert_eq!(log.count("asked"), 0);
}

/// Terminated while its restart waits, a child is down: what was parked, and what comes, is told.
fn m01_a_child_terminated_while_it_waits_parks_nothing(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let away = far.spawn("away");
        let x = away.reserve();
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let group = child(root, "group").await.address;
                crash(x);
                x.send(Say("parked"));
                while log.count("x drops") == 0 {
                    ask(group, CountChildren).await;
                }
                ask(group, TerminateChild::named("x"))
                    .await
                    .expect("it is known");
                let asked = x.ask(Double(1), LONG).await;
                assert!(matches!(asked, Err(RequestError::Ended(_))), "{asked:?}");
                x.send(Say("late"));
                ask(group, CountChildren).await;
            }
        };
        let waits = Backoff::fixed(LONG);
        stage()
            .child(group("group").on(&away, move |s| {
                s.child(
                    Role::new("x", &theirs)
                        .telling()
                        .child()
                        .at(x)
                        .backoff(waits),
                )
            }))
            .child(scripted(&log, script))
    });
    assert_eq!(played.lost(Reason::Stopped), ["Say", "Double>", "Say"]);
}

/// A lost loop is an end like others.
fn l09_the_loss_of_a_loop_is_decided_too(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (_, away) = (sim.locality("home"), sim.locality("away"));
    let mine = log.clone();
    let tree = Supervisor::one_for_one("root")
        .decide(move |child| {
            mine.put(format!("{} ended: {}", child.name, child.exit));
            Decision::Stop
        })
        .child(group("far").on(&away, |s| s));
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    sim.lose(&away);
    sim.run_until_idle();
    assert_eq!(log.all(), ["far ended: locality away was lost"]);
    assert!(app.tree().ended.is_none());
}

/// Told before the others stop.
fn o09_an_escalation_is_observed(on: &dyn Backend) {
    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);
    impl Observer for Seen {
        fn escalated(&self, _: Address, name: &str, _: Address, child: &str) {
            self.0
                .lock()
                .unwrap()
                .push(format!("{name} because of {child}"));
        }
        fn exited(&self, _: Address, name: &str, _: &Exit) {
            self.0.lock().unwrap().push(format!("{name} ended"));
        }
    }
    let log = Log::new();
    let seen = Arc::new(Seen::default());
    let exit = on.run_tree(&mut |here| {
        let x = here.reserve();
        crash(x);
        group("root")
            .observer(seen.clone())
            .child(puppet("y", &log))
            .child(puppet("x", &log).at(x).escalating())
    });
    assert!(matches!(exit.unwrap().reason(), ExitReason::Escalated));
    assert_eq!(
        *seen.0.lock().unwrap(),
        ["x ended", "root because of x", "y ended", "root ended"]
    );
}

/// A child whose start takes too long: the supervisor says that it can do without. What was sent to it
/// is told of.
fn r77_a_start_goes_on_without_a_child_that_can_be_missed(on: &dyn Backend, far: &dyn Backend) {
    for missed in [true, false] {
        let log = Log::new();
        let played = on.run(|here| {
            let away = far.spawn("away");
            let (a, x) = (here.reserve(), away.reserve::<Puppet>());
            let theirs = log.clone();
            x.send(Stale);
            when(a, (1, "z starts"), move |me, cx| {
                me.say(format!("x is {:?}", x.address().state()));
                cx.stop();
            });
            let decide = move |child: &ChildExit<'_>| match child.name {
                "x" if missed => Decision::Stop,
                _ => Decision::Usual,
            };
            let far = group("far").decide(decide).on(&away, move |s| {
                let stuck = Role::new("x", &theirs).telling().begin(|me, cx| {
                    let never = cx.hold("it does not come");
                    me.kept.push(Box::new(never));
                });
                let tells = |name| Role::new(name, &theirs).telling().child();
                s.child(tells("y"))
                    .child(stuck.child().at(x).start_limit(ms(3)))
                    .child(tells("z"))
            });
            stage().child(far).child(lead("a", &log).at(a))
        });
        let begun = ["y starts", "x starts", "x drops"];
        assert_eq!(log.all()[..3], begun);
        assert_eq!(log.count("z starts"), usize::from(missed));
        assert_eq!(log.count("a: x is Down"), usize::from(missed));
        assert_eq!(log.live(), 0);
        let failed = played
            .exits
            .iter()
            .any(|e| e.starts_with("far: shutdown < x: "));
        assert_eq!(failed, !missed, "{:?}", played.exits);
    }
}

bodies! {
    Each: [
        o09_an_escalation_is_observed,
        l09_an_actor_decides_what_follows_the_end_of_its_child,
        l05_decisions_make_further_restart_kinds,
        l09_the_others_come_back_without_one_whose_restart_is_left,
        r101_the_root_of_an_escalation_is_the_failure,
        r29_an_error_escalates_and_a_normal_end_does_not,
        c_so_14_a_failure_is_answered_by_the_first_level_that_does
            as c_so_15_a_failure_is_answered_by_the_first_level_that_does,
        l09_a_decision_may_use_its_context,
        l19_a_panic_of_a_decision_is_the_actors_own,
        l09_nobody_is_asked_about_what_was_stopped,
        l09_an_instance_is_restarted_against_its_kind,
    ]
    Pair: [
        r77_a_start_goes_on_without_a_child_that_can_be_missed,
        l09_a_supervisor_decides_as_it_is_told,
        r101_a_failure_climbs_as_far_as_it_escalates,
        m01_a_child_terminated_while_it_waits_parks_nothing,
    ]
    Sim: [l09_the_loss_of_a_loop_is_decided_too]
}
