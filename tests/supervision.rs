//! Start, stop, restart, escalation: what a supervisor does.

use std::sync::{Arc, Mutex};

use rotor_core::*;

use crate::admin::{ask, came_to_its_end, child, list, scripted};
use crate::backend::{Backend, Bell};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

fn l16_children_start_in_order_and_stop_in_reverse(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| cx.stop());
        stage()
            .child(tells("b", &log))
            .child(tells("c", &log))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "c starts",
            "c stops: shutdown < a: normal",
            "c drops",
            "b stops: shutdown < a: normal",
            "b drops"
        ]
    );
}

/// Also over localities, and through supervisors within supervisors.
fn l16_order_holds_over_localities(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        act(a, |_, cx| cx.stop());
        stage()
            .child(tells("b", &log))
            .child(group("far").on(&away, move |s| {
                let inner = group("inner").child(tells("d", &theirs));
                s.child(tells("c", &theirs)).child(inner)
            }))
            .child(tells("e", &log))
            .child(lead("a", &log).at(a))
    });
    let all = log.all();
    let starts: Vec<_> = all
        .iter()
        .filter_map(|line| line.strip_suffix(" starts"))
        .collect();
    let drops: Vec<_> = all
        .iter()
        .filter_map(|line| line.strip_suffix(" drops"))
        .collect();
    assert_eq!(starts, ["b", "c", "d", "e"]);
    assert_eq!(drops, ["e", "d", "c", "b"]);
}

/// A step starts when the one before is operational.
fn m08_the_next_child_starts_when_the_one_before_is_operational(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                let slow = Role::new("b", &theirs).begin(move |me, cx| {
                    let hold = cx.hold("connecting");
                    let log = me.log.clone();
                    me.log.put("b starts");
                    std::thread::spawn(move || {
                        log.put("b connects");
                        drop(hold);
                    });
                });
                s.child(slow.child())
            }))
            .child(
                Role::new("c", &log)
                    .begin(move |me, _| {
                        me.log.put("c starts");
                        end(a);
                    })
                    .child(),
            )
    });
    assert_eq!(log.all(), ["b starts", "b connects", "c starts"]);
}

/// Hooks once per instance, in order.
fn r23_the_hooks_of_an_instance_run_once_and_in_order(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let mine = log.clone();
        a.send(Say("handles"));
        end(a);
        let make = move |_: &mut Context<Puppet>| {
            mine.put("made");
            Ok(Role::new("a", &mine).telling().play(1))
        };
        stage().child(Child::with("a", make).at(a).transient().significant())
    });
    assert_eq!(
        log.all(),
        [
            "made",
            "a starts",
            "a: handles",
            "a stops: normal",
            "a drops"
        ]
    );
}

/// A second stop joins the first, also from inside the hook. No timer is left.
fn r26_a_double_stop_is_one_stop(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve::<Puppet>(), here.reserve());
        let role = Role::new("a", &log).telling().stop(|_, _, cx| {
            // The second stop comes while this one lasts.
            let hold = cx.hold("a while");
            cx.spawn(std::future::ready(()), move |_, (), _| drop(hold));
            cx.stop();
            cx.addr().stop();
            cx.fail(Error::message("too late"));
        });
        act(a, |me, cx| {
            let timer = Farewell(me.log.clone(), "no timer");
            later(cx, LONG, move |_, _| drop(timer));
            cx.addr().stop();
            cx.addr().stop();
            cx.stop();
        });
        when(b, (1, "a drops"), |me, cx| {
            me.say("all is over");
            cx.stop();
        });
        stage()
            .child(role.child().at(a).transient())
            .child(lead("b", &log).at(b))
    });
    assert_eq!(
        log.all(),
        [
            "a starts",
            "a stops: shutdown",
            "a drops",
            "no timer",
            "b: all is over"
        ]
    );
}

fn l03_one_for_one_restarts_only_the_child_that_ended(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        crash(b);
        act(b, move |_, _| end(a));
        stage()
            .child(lead("a", &log).at(a))
            .child(tells("x", &log))
            .child(tells("b", &log).at(b))
            .child(tells("y", &log))
    });
    assert_eq!(log.count("b starts"), 2);
    assert_eq!(log.count("x starts") + log.count("y starts"), 2);
}

fn l03_one_for_all_restarts_all_in_start_order(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, _| {
            crash(b);
            act(b, |me, _| me.log.put("b is back"));
        });
        let c = Role::new("c", &log).telling().begin(move |me, _| {
            if me.life > 1 {
                end(a);
            }
        });
        let all = Supervisor::one_for_all("all")
            .child(group("far").on(&away, move |s| s.child(tells("x", &theirs))))
            .child(tells("b", &log).at(b))
            .child(c.child());
        stage().child(lead("a", &log).at(a)).child(all)
    });
    let all = log.all();
    assert_eq!(all[..3], ["x starts", "b starts", "c starts"]);
    let restart: Vec<_> = all[3..9].iter().map(|line| &line[..]).collect();
    assert_eq!(
        restart,
        [
            "b drops",
            "c stops: shutdown",
            "c drops",
            "x stops: shutdown",
            "x drops",
            "x starts"
        ]
    );
    assert_eq!(all[9], "b starts");
}

fn l03_rest_for_one_restarts_the_later_ones(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, _| crash(b));
        let c = Role::new("c", &log).telling().begin(move |me, _| {
            if me.life > 1 {
                end(a);
            }
        });
        let rest = Supervisor::rest_for_one("rest")
            .child(tells("x", &log))
            .child(tells("b", &log).at(b))
            .child(c.child());
        stage().child(lead("a", &log).at(a)).child(rest)
    });
    assert_eq!(
        log.all()[..8],
        [
            "x starts",
            "b starts",
            "c starts",
            "b drops",
            "c stops: shutdown",
            "c drops",
            "b starts",
            "c starts"
        ]
    );
    assert_eq!(log.count("x starts"), 1);
}

const KINDS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];

/// Kind x reason: who is started again.
fn l05_restart_kinds_decide_by_the_reason(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        type Way = fn(Addr<Puppet>);
        let ways: [(&str, Way); 6] = [
            ("normal", end),
            ("shutdown", |b| b.stop()),
            ("failed", |b| attempt(b, |_, _| Err(Error::message("no")))),
            ("panicked", crash),
            ("killed", |b| b.address().kill()),
            ("stopped as failed", |b| {
                b.address().stop_with(Exit::failed(Error::message("no")))
            }),
        ];
        let a = here.reserve();
        let mut tree = stage().child(lead("a", &log).at(a));
        let of_kind = |kind, child: Child<Puppet>| match kind {
            Restart::Permanent => child,
            Restart::Transient => child.transient(),
            Restart::Temporary => child.temporary(),
        };
        for (why, way) in ways {
            for kind in KINDS {
                let name: &'static str = format!("{kind:?} {why}").leak();
                let b = here.reserve();
                let role = Role::new(name, &log).begin(move |me, _| {
                    me.log.put(format!("{} {}", me.life, me.name));
                });
                tree = tree.child(of_kind(kind, role.child().at(b)));
                act(a, move |_, _| way(b));
            }
        }
        // The supervisor has all of them started again, and leaves it to the kind what follows when
        // that start has failed.
        let mut second = group("second").decide(|child| match child.exit.reason() {
            ExitReason::ShutdownWith(_) => Decision::Restart,
            _ => Decision::Usual,
        });
        for kind in KINDS {
            let name: &'static str = format!("{kind:?} start failed").leak();
            let b = here.reserve();
            let role = fails_to_start_again(name, &log);
            second = second.child(of_kind(kind, role.child().at(b)));
            act(a, move |_, _| {
                b.address().stop_with(Exit::shutdown_with("once more"));
            });
        }
        tree = tree.child(second);
        act(a, |_, cx| {
            later(cx, ms(5), |_, cx| cx.stop());
        });
        tree
    });
    let again: Vec<_> = log.of("2 ");
    assert_eq!(log.count("1 "), 21);
    let mut expected = Vec::new();
    for why in [
        "normal",
        "shutdown",
        "failed",
        "panicked",
        "killed",
        "stopped as failed",
    ] {
        expected.push(format!("2 Permanent {why}"));
        if !matches!(why, "normal" | "shutdown") {
            expected.push(format!("2 Transient {why}"));
        }
    }
    for kind in KINDS {
        expected.push(format!("2 {kind:?} start failed"));
    }
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(again), sorted(expected));
    let third = ["3 Permanent start failed", "3 Transient start failed"];
    assert_eq!(sorted(log.of("3 ")), third);
}

/// Attempt *intensity + 1* within the period; the reason names the child and its exit.
fn l06_too_many_restarts_end_the_supervisor(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        let outer = Supervisor::one_for_one("outer")
            .intensity(1, ms(60_000))
            .child(
                Supervisor::one_for_one("inner")
                    .intensity(2, ms(60_000))
                    .on(&away, move |s| {
                        let role = Role::new("b", &theirs).telling().begin(move |me, cx| {
                            // Three crashes end `inner`; the fourth life is that of the second `inner`.
                            if me.life < 4 {
                                crash(cx.addr());
                            } else {
                                end(a);
                            }
                        });
                        s.child(tells("x", &theirs)).child(role.child())
                    }),
            );
        stage().child(lead("a", &log).at(a)).child(outer)
    });
    let mut starts = log.all();
    starts.retain(|line| line.ends_with(" starts"));
    let expected = ["x", "b", "b", "b", "x", "b"].map(|name| format!("{name} starts"));
    assert_eq!(starts, expected);
    let inner: Vec<_> = played
        .exits
        .iter()
        .filter(|exit| exit.starts_with("inner"))
        .collect();
    assert_eq!(inner[0], "inner: shutdown < b: panicked: as told");
}

/// A limit of a child's own, within that of all: the others' restarts do not count for it.
fn l06_a_child_may_have_a_limit_of_its_own(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (b, c) = (here.reserve(), here.reserve());
        for _ in 0..5 {
            crash(c);
        }
        when(c, (6, "c starts"), move |_, _| {
            for _ in 0..3 {
                crash(b);
            }
        });
        group("root")
            .child(tells("b", &log).at(b).restarts_at_most(2))
            .child(tells("c", &log).at(c))
    });
    assert_eq!((log.count("b starts"), log.count("c starts")), (3, 6));
    let gave_up = played.exit.gave_up().expect("of its own limit");
    let told = (gave_up.allowed, gave_up.period);
    assert_eq!(told, (2, ms(5_000)));
    assert_eq!(played.exit.cause().expect("the child").0, "b");
    assert_eq!(log.live(), 0);
}

/// An error of a leaf goes up five levels over three loops; each exit carries the one below.
fn l08_a_failure_escalates_to_the_root_with_its_causes(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let strict = |name| Supervisor::one_for_one(name).intensity(0, ms(5000));
    let played = on.run(|here| {
        let (away, third) = (far.spawn("away"), on.spawn("third"));
        let b = third.reserve();
        let theirs = log.clone();
        act(b, |_, cx| cx.fail(Error::message("disk full")));
        let _ = here;
        let low = strict("low").on(&away, move |s| {
            let theirs = theirs.clone();
            s.child(strict("lowest").on(&third, move |s| s.child(puppet("b", &theirs).at(b))))
        });
        strict("top").child(strict("middle").child(low))
    });
    assert_eq!(played.exit.root_cause().to_string(), "failed: disk full");
    assert_eq!(
        chain(&played.exit),
        "shutdown < middle: shutdown < low: shutdown < lowest: shutdown < b: failed: disk full"
    );
    assert_eq!(log.live(), 0);
}

/// An orderly end of a child does not escalate.
fn r29_a_normal_end_does_not_escalate(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        end(b);
        act(a, |_, cx| {
            later(cx, ms(2), |_, cx| cx.stop());
        });
        stage().child(lead("a", &log).at(a)).child(
            Supervisor::one_for_one("strict")
                .intensity(0, ms(5000))
                .child(tells("x", &log))
                .child(puppet("b", &log).at(b).transient()),
        )
    });
    assert_eq!(log.count("x starts"), 1);
    assert_eq!(log.count("x stops: shutdown < a: normal"), 1);
}

/// However it says so: nobody handles a message, neither it nor the next one.
fn l14_who_fails_in_its_start_hook_has_not_started(on: &dyn Backend) {
    let ways: [fn(&mut Context<Puppet>); 4] = [
        |cx| cx.fail(Error::message("not today")),
        |cx| cx.stop_with(Exit::failed(Error::message("not today"))),
        |cx| drop(cx.link(cx.addr().address())),
        |cx| {
            let sibling = cx.supervisor().expect("it has one");
            cx.link(sibling);
            cx.link(sibling);
        },
    ];
    for way in ways {
        let log = Log::new();
        let played = on.run(|here| {
            let (b, c) = (here.reserve::<Puppet>(), here.reserve::<Puppet>());
            b.send(Stale);
            c.send(Stale);
            let failing = Role::new("b", &log).telling().begin(move |_, cx| {
                way(cx);
                b.send(Stale);
                c.send(Stale);
            });
            group("root")
                .child(failing.child().at(b))
                .child(tells("c", &log).at(c))
        });
        assert_eq!(log.all(), ["b starts", "b drops"]);
        assert!(played.exit.is_failure(), "{}", chain(&played.exit));
    }
}

/// All or nothing: the ones that were started are stopped in reverse.
fn l14_a_failed_start_of_a_group_stops_what_was_started(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let _ = here;
        Supervisor::one_for_one("root")
            .child(tells("x", &log))
            .child(tells("y", &log))
            .child(
                Role::new("b", &log)
                    .start(|_, _| Err(Error::message("no port")))
                    .child(),
            )
            .child(tells("z", &log))
    });
    assert_eq!(
        log.all(),
        [
            "x starts",
            "y starts",
            "y stops: shutdown < b: failed: no port",
            "y drops",
            "x stops: shutdown < b: failed: no port",
            "x drops"
        ]
    );
    assert_eq!(played.exit.root_cause().to_string(), "failed: no port");
    assert_eq!(log.live(), 0);
}

/// In a group that runs, the start of a restart is tried again, and each attempt counts.
fn r97_a_failed_restart_is_tried_again_and_counts(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", &log).start(|me, _| {
            me.log.put(format!("try {}", me.life));
            match me.life {
                1 => Ok(()),
                _ => Err(Error::message("no")),
            }
        });
        crash(b);
        let watcher = Role::new("a", &log).begin(move |_, cx| {
            later(cx, ms(10), |_, cx| cx.stop());
        });
        stage()
            .child(watcher.child().at(a).transient().significant())
            .child(
                Supervisor::one_for_one("strict")
                    .intensity(3, ms(60_000))
                    .temporary()
                    .child(role.child().at(b)),
            )
    });
    assert_eq!(log.all(), ["try 1", "try 2", "try 3", "try 4"]);
    assert!(
        played
            .exits
            .iter()
            .any(|exit| exit.starts_with("strict: shutdown < b: "))
    );
}

/// The factory of a child that is added fails, and that of one that has run; by an error, or a panic.
/// How often that is called, by kind: once only, or until the supervisor gives up.
fn r97_a_factory_that_fails_is_called_as_often_as_the_kind_says(on: &dyn Backend) {
    const MOST: usize = 5;
    type Way = fn(Addr<Puppet>);
    let asks: Way = |x| x.address().stop_with(Exit::shutdown_with("once more"));
    let kinds: [(&str, Way, usize); 6] = [
        ("never", crash, 0),
        ("ask", asks, 1),
        ("normal only", end, 1),
        ("fail only", crash, MOST),
        ("always", end, MOST),
        ("always, 3 times", end, 3),
    ];
    let decide = |kind| {
        move |child: &ChildExit<'_>| match (kind, child.exit.reason()) {
            ("ask", ExitReason::ShutdownWith(_)) | ("normal only", ExitReason::Normal) => {
                Decision::Restart
            }
            ("ask" | "normal only", _) => Decision::Stop,
            _ => Decision::Usual,
        }
    };
    let of_kind = |kind, child: Child<Puppet>| match kind {
        "never" => child.temporary(),
        "fail only" => child.transient(),
        "always, 3 times" => child.restarts_at_most(3),
        _ => child,
    };
    for ((kind, way, restarts), panics) in kinds
        .iter()
        .flat_map(|kind| [(*kind, false), (*kind, true)])
    {
        let log = Log::new();
        let fails = move |name: &'static str, log: &Log, mut good: u32| {
            let role = Role::new(name, log);
            let log = log.clone();
            Child::with(name, move |_| {
                log.put(format!("makes {name}"));
                if good > 0 {
                    good -= 1;
                    return Ok(role.play(1));
                }
                assert!(!panics, "no luck");
                Err(Error::message("no luck"))
            })
        };
        let played = on.run(|here| {
            let (x, mine) = (here.reserve(), log.clone());
            let script = move |root: Address| {
                let log = mine.clone();
                async move {
                    let strict = child(root, "strict").await.address;
                    let of = log.clone();
                    let late = StartChild::new(move || of_kind(kind, fails("late", &of, 0)));
                    let told = ask(strict, late).await.unwrap_err();
                    assert!(matches!(told, AdminError::StartFailed(_)), "{told}");
                    way(x);
                    // Until it is down for good, or the supervisor is.
                    let of = if restarts < 3 { strict } else { root };
                    let ends = ["x is down", "", "lead runs"];
                    while !ends.contains(&&*list(of).await) {}
                }
            };
            let strict = Supervisor::one_for_one("strict")
                .intensity(MOST as u32, LONG)
                .temporary()
                .decide(decide(kind))
                .child(of_kind(kind, fails("x", &log, 1).at(x)));
            stage().child(strict).child(scripted(&log, script))
        });
        came_to_its_end(&played);
        let what = format!("{kind}, panics: {panics}");
        assert_eq!(log.count("makes late"), 1, "{what}");
        assert_eq!(log.count("makes x"), 1 + restarts, "{what}");
        let how = if panics { "panicked" } else { "failed" };
        let gave_up = format!("strict: shutdown < x: {how}: no luck");
        let has_given_up = played.exits.contains(&gave_up);
        assert_eq!(has_given_up, restarts >= 3, "{what}: {:?}", played.exits);
        assert_eq!(log.live(), 0, "{what}");
    }
}

/// Says how many children there are, and ends.
fn count_children(cx: &mut Context<Puppet>, far: Address) {
    let asked = far.admin().ask(WhichChildren, LONG);
    cx.spawn(asked, |me, children, cx| {
        me.say(format!("{} of far", children.unwrap().len()));
        cx.stop();
    });
}

/// The limit passes while a hold is open: removed by force, and started again. Its supervisor goes on,
/// with one child.
fn r25_a_start_that_takes_too_long_is_a_failed_start(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        crash(b);
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs)
                    .telling()
                    .begin(move |me, cx| match me.life {
                        2 => std::mem::forget(cx.hold("never there")),
                        3 => {
                            let far = cx.supervisor().expect("it has one");
                            act(a, move |_, cx| count_children(cx, far));
                        }
                        _ => (),
                    });
                s.child(role.child().at(b).start_limit(ms(3)))
            }))
    });
    assert_eq!(log.count("b starts"), 3);
    assert_eq!(log.of("a: "), ["a: 1 of far"]);
    assert_eq!(played.exits[..2], ["b: panicked: as told", "b: killed"]);
    assert_eq!(log.live(), 0);
}

/// A hold that is never dropped: removed by force after the limit, and the tree ends all the same.
fn l17_a_stop_that_takes_too_long_ends_by_force(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        act(a, |_, cx| cx.stop());
        stage()
            .child(group("far").on(&away, move |s| {
                let stuck = Role::new("b", &theirs)
                    .telling()
                    .stop(|_, _, cx| std::mem::forget(cx.hold("never over")));
                s.child(tells("x", &theirs))
                    .child(stuck.child().stop_limit(ms(3)))
            }))
            .child(lead("a", &log).at(a))
    });
    assert!(
        played.exits.contains(&"b: killed".to_owned()),
        "{:?}",
        played.exits
    );
    assert_eq!(
        log.all()[2..5].iter().map(|l| &l[..7]).collect::<Vec<_>>()[0],
        "b stops"
    );
    assert_eq!(log.of("b drops").len() + log.of("x drops").len(), 2);
    assert!(!played.exit.is_failure());
    assert_eq!(log.live(), 0);
}

/// Stopping -> hook, which may hold -> children in reverse -> drop.
fn m13_an_actor_stops_before_its_children_and_is_dropped_after_them(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let mine = log.clone();
        let mother = Role::new("b", &log)
            .telling()
            .begin(move |_, cx| {
                cx.child(tells("c", &mine));
                cx.child(tells("d", &mine));
            })
            .stop(move |me, _, cx| {
                let hold = cx.hold("closing");
                later(cx, ms(1), move |me, _| {
                    me.log.put("b closes");
                    drop(hold);
                });
                let _ = me;
            });
        act(a, move |_, cx| {
            b.stop();
            later(cx, ms(5), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(mother.child().at(b).transient())
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "c starts",
            "d starts",
            "b stops: shutdown",
            "b closes",
            "d stops: shutdown",
            "d drops",
            "c stops: shutdown",
            "c drops",
            "b drops"
        ]
    );
}

/// Until the end, which is that of its children: what it has asked for comes, what others send does not.
fn m13_own_results_flow_while_the_children_stop(on: &dyn Backend) {
    fn hold_until_three_have_come(hold: Hold, me: &Puppet, cx: &mut Context<Puppet>) {
        match me.log.count("b: ") {
            3.. => drop(hold),
            _ => _ = later(cx, ms(1), |me, cx| hold_until_three_have_come(hold, me, cx)),
        }
    }
    let log = Log::new();
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let mine = log.clone();
        let mother = Role::new("b", &log)
            .telling()
            .begin(move |_, cx| {
                let child = Role::new("c", &mine).telling().stop(move |me, _, cx| {
                    b.send(Say("what others send"));
                    hold_until_three_have_come(cx.hold("three results"), me, cx);
                });
                cx.child(child.child());
            })
            .stop(move |me, _, cx| {
                later(cx, ms(1), |me, _| me.say("a timer"));
                cx.spawn(std::future::ready(()), |me, (), _| me.say("a future"));
                me.ask(cx, a, 1, LONG);
            });
        act(a, move |_, cx| {
            cx.monitor(b.address());
            b.stop();
        });
        when(a, (1, "a: down"), |_, cx| cx.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(mother.child().at(b).transient())
    });
    let mut said = log.all();
    said.retain(|line| !line.starts_with("a: "));
    said[4..7].sort();
    assert_eq!(
        said,
        [
            "b starts",
            "c starts",
            "b stops: shutdown",
            "c stops: shutdown",
            "b: a future",
            "b: a timer",
            "b: got 2",
            "c drops",
            "b drops"
        ]
    );
}

fn m13_stop_overtakes_queued_messages_and_drain_does_not(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let (b, c) = (away.reserve::<Puppet>(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            for n in 0..5 {
                b.send(Num(n));
                c.send(Num(n));
            }
            b.stop();
            c.drain(LONG);
            c.send(Num(99));
            cx.monitor(c.address());
        });
        when(a, (1, "a: down"), |_, cx| cx.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
                    .child(puppet("c", &theirs).at(c).transient())
            }))
    });
    assert_eq!(log.count("b: "), 0);
    assert_eq!(log.of("c: "), ["c: 0", "c: 1", "c: 2", "c: 3", "c: 4"]);
}

fn l10_a_significant_end_ends_the_supervisor(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        end(b);
        act(a, move |_, cx| {
            later(cx, ms(2), move |me, cx| {
                me.say("b has ended");
                end(c);
                let _ = cx;
            });
        });
        let all = Supervisor::one_for_one("all")
            .auto_shutdown(AutoShutdown::All)
            .transient()
            .significant()
            .child(puppet("b", &log).at(b).transient().significant())
            .child(puppet("c", &log).at(c).temporary().significant())
            .child(tells("x", &log));
        stage().child(puppet("a", &log).at(a)).child(all)
    });
    assert_eq!(log.all()[..2], ["x starts", "a: b has ended"]);
    assert_eq!(log.count("x drops"), 1);
}

/// Errors of the spec are found before anything starts.
fn l24_a_tree_is_checked_before_it_starts(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let refused = |build: &dyn Fn(&Locality) -> Supervisor| {
        let error = on.try_run(|here| build(here)).err().expect("a mistake");
        error.to_string()
    };
    let away = far.spawn("away");
    let unknown = Locality::new("unknown");
    let wrong = unknown.reserve::<Puppet>();
    let one = |log: &Log| puppet("one", log);
    assert_eq!(
        refused(&|_| stage().child(tells("one", &log)).child(one(&log))),
        "supervisor stage has two children named one: give one of them another name"
    );
    assert_eq!(
        refused(&|here| {
            let twice = here.reserve();
            stage()
                .child(puppet("x", &log).at(twice))
                .child(puppet("y", &log).at(twice))
        }),
        "stage/y and stage/x have the same address: reserve one for each of them"
    );
    assert!(
        refused(&|_| stage().child(one(&log).at(wrong)))
            .contains("its address was reserved on unknown: reserve it on ")
    );
    assert_eq!(
        refused(&|_| stage().child(one(&log).significant())),
        "stage/one is significant, but permanent, so it never ends for good: make it transient or temporary"
    );
    assert_eq!(
        refused(&|_| group("root").child(one(&log).transient().significant())),
        "root/one is significant, but its supervisor has no auto-shutdown: call `auto_shutdown` on that, \
         or leave `significant` out"
    );
    assert_eq!(
        refused(&|_| group("root").child(one(&log).significant())),
        "root/one is significant, but permanent, and its supervisor has no auto-shutdown: make it \
         transient or temporary, and call `auto_shutdown` on the supervisor"
    );
    assert_eq!(
        refused(&|_| Supervisor::one_for_one("s").intensity(1, ms(0))),
        "supervisor s has a restart period of zero: give `intensity` a longer one"
    );
    // No instance of a pool can be significant.
    for (auto, is_refused) in [
        (AutoShutdown::Never, false),
        (AutoShutdown::Any, true),
        (AutoShutdown::All, true),
    ] {
        let make = |(), _: &mut Context<Puppet>| None::<Puppet>;
        let pool = Supervisor::simple_one_for_one("pool", make).auto_shutdown(auto);
        let told = stage().child(pool).plan(&unknown);
        let is_told = matches!(told, Err(StartError::Pool { .. }));
        assert_eq!(
            (is_told, told.is_err()),
            (is_refused, is_refused),
            "{auto:?}"
        );
    }
    let theirs = log.clone();
    assert!(
        refused(&|_| {
            let log = theirs.clone();
            stage().child(group("far").on(&away, move |s| s.child(one(&log).at(wrong))))
        })
        .contains("stage/far/one is placed on locality away")
    );
    let twice = away.reserve();
    assert_eq!(
        refused(&|_| {
            let log = theirs.clone();
            stage().child(group("far").on(&away, move |s| {
                s.child(puppet("x", &log).at(twice))
                    .child(puppet("y", &log).at(twice))
            }))
        }),
        "stage/far/y and stage/far/x have the same address: reserve one for each of them"
    );
    // What the closure of another locality says of the supervisor itself would be known there alone.
    let says: [fn(Supervisor) -> Supervisor; 4] = [
        |s| s.stop_limit(LONG),
        |s| s.temporary(),
        |s| s.significant(),
        |_| group("other"),
    ];
    let other = "returns one named other: return the one that it is given, or a pool named far";
    let calls = ["stop_limit(..)", "temporary()", "significant()"];
    let calls = calls
        .map(|call| format!("calls `{call}`: call that on what `on` returns, `.on(..).{call}`"));
    for (says, what) in says
        .into_iter()
        .zip(calls.iter().map(String::as_str).chain([other]))
    {
        let tree = || stage().child(group("far").on(&away, says));
        let text = format!("the closure of `on` that builds stage/far {what}");
        assert_eq!(refused(&|_| tree()), text);
        assert_eq!(tree().plan(&unknown).unwrap_err().to_string(), text);
    }
    let ended = Locality::new("ended");
    let driver = Driver::new(Arc::new(Bell::default()), Clock::manual());
    driver.open(&ended).unwrap();
    driver.start(stage()).unwrap().shutdown();
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    assert_eq!(
        refused(&|_| stage().child(group("far").on(&ended, |s| s))),
        "supervisor stage/far cannot be placed on locality ended any more: its loop or future has ended, or \
         was dropped"
    );
    assert_eq!(
        refused(&|_| stage().child(group("far").on(&away, |_| panic!("no plan")))),
        "building the children of stage/far panicked: no plan"
    );
    assert_eq!(log.all(), [""; 0]);
    assert_eq!(log.live(), 0);
}

/// A dynamic child keeps its address over its own restarts and loses it with its supervisor's.
fn m09_a_dynamic_child_ends_with_the_instance_of_its_supervisor(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let mine = log.clone();
        let mother = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 1 {
                let c = cx.child(puppet("c", &mine));
                act(a, move |_, cx| {
                    crash(c);
                    c.send(Say("same address"));
                    act(c, move |_, _| crash(b));
                    later(cx, ms(5), move |_, cx| {
                        c.send(Say("never"));
                        act(cx.addr(), |_, cx| act(cx.addr(), |_, cx| cx.stop()));
                    });
                });
            }
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(mother.child().at(b))
    });
    assert_eq!(log.all(), ["c: same address"]);
    assert_eq!(played.lost(Reason::Gone), ["Say"]);
}

/// So does a supervisor that is added at run time, with all that is below it, elsewhere, too.
fn m09_a_dynamic_supervisor_is_gone_with_its_subtree(on: &dyn Backend, far: &dyn Backend) {
    type Addresses = Arc<Mutex<Vec<Address>>>;
    /// Notes its own address, and that of its supervisor.
    fn noting(name: &'static str, log: &Log, addresses: &Addresses) -> Child<Puppet> {
        let addresses = addresses.clone();
        let role = Role::new(name, log).begin(move |_, cx| {
            let both = [cx.addr().address(), cx.supervisor().expect("it has one")];
            addresses.lock().unwrap().extend(both);
        });
        role.child()
    }
    fn end_when_gone(me: &Puppet, all: Vec<Address>, tries: u32, cx: &mut Context<Puppet>) {
        let mut states: Vec<_> = all.iter().map(|who| who.state()).collect();
        states.retain(|state| *state != Lifecycle::Gone);
        if states.is_empty() || tries == 0 {
            me.say(format!("of {} there are left {states:?}", all.len()));
            return cx.stop();
        }
        later(cx, ms(1), move |me, cx| {
            end_when_gone(me, all, tries - 1, cx)
        });
    }
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, d) = (here.reserve(), away.reserve());
        let (mine, addresses) = (log.clone(), Addresses::default());
        let asks = Role::new("b", &log).begin(move |me, cx| {
            if me.life > 1 {
                let all = addresses.lock().unwrap().clone();
                return act(a, |me, cx| end_when_gone(me, all, 1000, cx));
            }
            let (log, addresses, away) = (mine.clone(), addresses.clone(), away.clone());
            let start = StartChild::new(move || {
                let added = group("added").child(noting("c", &log, &addresses));
                added.child(
                    group("inner").on(&away, move |s| s.child(noting("d", &log, &addresses).at(d))),
                )
            });
            let parent = cx.supervisor().expect("it has one");
            cx.request_from(parent.admin(), start, LONG, |_, started, cx| {
                assert!(matches!(started, Ok(Ok(Some(_)))), "{started:?}");
                cx.fail(Error::message("its supervisor may not start it again"));
            });
        });
        let parent = Supervisor::one_for_one("parent").intensity(0, LONG);
        stage()
            .child(lead("a", &log).at(a))
            .child(parent.child(asks.child()))
    });
    assert_eq!(log.all(), ["a: of 4 there are left []"]);
}

/// Declared below a supervisor that is restarted: the addresses stay, reserved or not.
fn m09_declared_children_keep_their_addresses_over_the_restart_of_an_ancestor(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, c) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        let inner = Supervisor::one_for_all("inner")
            .intensity(0, ms(5000))
            .on(&away, move |s| {
                let d = Role::new("d", &theirs).begin(move |me, cx| {
                    let d = cx.addr();
                    if me.life > 1 {
                        return;
                    }
                    act(a, move |_, _| {
                        crash(c); // ends `inner`, which is started again
                        c.send(Say("reserved"));
                        d.send(Say("declared")); // it is told to stop ahead of this
                        act(d, move |_, _| end(a));
                    });
                });
                s.child(puppet("c", &theirs).at(c)).child(d.child())
            });
        stage().child(lead("a", &log).at(a)).child(inner)
    });
    assert_eq!(log.all(), ["c: reserved", "d: declared"]);
}

/// Started after this handler; stopped with its parent.
fn l23_a_child_may_be_added_while_running(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |me, cx| {
            let b = cx.child(tells("b", &me.log));
            b.send(Say("early"));
            me.say("goes on");
            act(b, move |_, _| end(a));
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "a: goes on",
            "b starts",
            "b: early",
            "b stops: shutdown",
            "b drops"
        ]
    );
}

/// A name that is taken, an address that is claimed, a parent that is stopping.
fn l26_a_child_cannot_be_added_while_stopping(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let inner = log.clone();
        let role = Role::new("a", &log).stop(move |me, _, cx| {
            let error = cx.try_child(tells("late", &inner)).unwrap_err();
            me.say(error);
            let gone = cx.child(tells("late", &inner));
            me.say(format!("{:?}", gone.address().state()));
        });
        act(a, |me, cx| {
            let taken = me.log.clone();
            let claimed = cx.locality().reserve();
            cx.child(puppet("b", &taken).at(claimed));
            let error = cx.try_child(puppet("c", &taken).at(claimed)).unwrap_err();
            me.say(error);
            cx.stop();
        });
        stage().child(role.child().at(a).transient().significant())
    });
    assert_eq!(
        log.all(),
        [
            "a: stage/a/c cannot have the address that was reserved for it: another child had it first, or has \
             ended with it; reserve a new one",
            "a: no child is added: the actor that would be its parent is stopping",
            "a: Gone"
        ]
    );
}

/// Many dynamic children, started and stopped.
fn l04_many_children_come_and_go(on: &dyn Backend) {
    const N: usize = 2_000;
    let log = Log::new();
    on.run(|here| {
        let a = here.reserve();
        act(a, |me, cx| {
            for _ in 0..N {
                let b = cx.child(puppet("b", &me.log).temporary());
                cx.monitor(b.address());
                end(b);
            }
        });
        when(a, (N, "a: down normal"), |_, cx| cx.stop());
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.live(), 0);
}

/// Exactly one Down per monitor, with the reason.
fn l12_a_monitor_gives_exactly_one_down(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        act(a, move |_, cx| {
            cx.monitor(b.address());
            cx.monitor(b.address());
            act(b, |_, cx| cx.fail(Error::message("once")));
            // The second instance's end is not seen.
            act(b, |_, cx| cx.fail(Error::message("twice")));
            act(b, move |_, _| {
                act(a, move |_, cx| {
                    later(cx, ms(2), |_, cx| cx.stop());
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    assert_eq!(log.all(), ["a: down failed: once", "a: down failed: once"]);
}

/// An address of the first instance is that of the second: it is watched and stopped by it, and another
/// one by its number.
fn l21_an_old_address_watches_and_stops_the_instance_that_runs(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let far = child(root, "far").await.address;
                let instance = async || match child(far, "b").await.state {
                    ChildState::Running { instance } => instance,
                    other => panic!("{other:?}"),
                };
                let first = instance().await;
                crash(b);
                b.send(Say("again"));
                while log.count("b: again") == 0 {
                    ask(far, CountChildren).await;
                }
                assert!(instance().await > first);
                act(a, move |_, cx| {
                    cx.monitor(b.address());
                    b.stop();
                });
                while log.count("a: down") == 0 {
                    ask(far, CountChildren).await;
                }
                log.put(list(far).await);
            }
        };
        stage()
            .child(puppet("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(tells("b", &theirs).at(b).transient())
            }))
            .child(scripted(&log, script))
    });
    let expected = [
        "b starts",
        "b drops",
        "b starts",
        "b: again",
        "b stops: shutdown",
        "b drops",
        "a: down shutdown",
        "b is down",
    ];
    assert_eq!(log.all(), expected);
}

/// The watcher's next instance has not asked.
fn l12_a_notice_is_for_the_instance_that_asked(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve());
        let theirs = log.clone();
        let watcher = Role::new("c", &log).begin(move |me, cx| {
            if me.life == 1 {
                cx.monitor(b.address());
                crash(cx.addr());
            } else {
                end(b);
                // Behind the end of `b`, which stays down.
                fn look(b: Addr<Puppet>, a: Addr<Puppet>, cx: &mut Context<Puppet>) {
                    match b.address().state() {
                        Lifecycle::Down => act(cx.addr(), move |_, _| end(a)),
                        _ => drop(later(cx, ms(1), move |_, cx| look(b, a, cx))),
                    }
                }
                look(b, a, cx);
            }
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
            .child(watcher.child().at(c))
    });
    assert_eq!(log.all(), [""; 0]);
}

fn l12_a_monitor_of_the_gone_answers_at_once(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        act(b, move |_, cx| {
            cx.stop();
            act(a, move |_, cx| {
                later(cx, ms(3), move |_, cx| {
                    cx.monitor(b.address());
                    when(a, (1, "a: down"), |_, cx| cx.stop());
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
    });
    assert_eq!(log.all(), ["a: down normal"]);
}

/// Also when its slot is gone, as that of a dynamic child that has ended.
fn l12_a_monitor_of_a_removed_child_answers_at_once(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |me, cx| {
            let b = cx.child(puppet("b", &me.log).temporary());
            cx.monitor(b.address());
            end(b);
            when(a, (1, "a: down"), move |_, cx| {
                cx.monitor(b.address());
                when(a, (2, "a: down"), |_, cx| cx.stop());
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    let told = ["a: down normal", "a: down gone, its end is not known"];
    assert_eq!(log.all(), told);
}

/// An actor stops itself in its start hook: its supervisor lives, and starts it again if that is of its kind.
fn r79_an_actor_may_stop_itself_in_its_start(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        when(a, (3, "p starts"), |_, cx| cx.stop());
        let permanent = Role::new("p", &log).telling().begin(|me, cx| {
            if me.life < 3 {
                cx.stop();
            }
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(
                Role::new("b", &log)
                    .telling()
                    .begin(|_, cx| cx.stop())
                    .child()
                    .transient(),
            )
            .child(permanent.child())
            .child(tells("c", &log))
    });
    assert_eq!(played.exits[0], "b: normal");
    assert_eq!((log.count("b starts"), log.count("c starts")), (1, 1));
    let lives = log.of("p");
    let own = ["p starts", "p stops: normal", "p drops"];
    assert_eq!(lives[..6], [own, own].concat());
    assert_eq!(log.count("p starts"), 3);
}

bodies! {
    Each: [
        l16_children_start_in_order_and_stop_in_reverse
            as r11_children_start_in_order_and_stop_in_reverse,
        l06_a_child_may_have_a_limit_of_its_own,
        r23_the_hooks_of_an_instance_run_once_and_in_order,
        r26_a_double_stop_is_one_stop
            as c_so_02_a_double_stop_is_one_stop,
        l12_a_monitor_of_a_removed_child_answers_at_once,
        l03_one_for_one_restarts_only_the_child_that_ended,
        l03_rest_for_one_restarts_the_later_ones,
        l05_restart_kinds_decide_by_the_reason,
        r29_a_normal_end_does_not_escalate,
        l14_a_failed_start_of_a_group_stops_what_was_started
            as r2_a_failed_start_of_a_group_stops_what_was_started
            as r86_a_failed_start_of_a_group_stops_what_was_started,
        l14_who_fails_in_its_start_hook_has_not_started,
        r97_a_failed_restart_is_tried_again_and_counts,
        r97_a_factory_that_fails_is_called_as_often_as_the_kind_says,
        m13_an_actor_stops_before_its_children_and_is_dropped_after_them,
        m13_own_results_flow_while_the_children_stop,
        l10_a_significant_end_ends_the_supervisor,
        m09_a_dynamic_child_ends_with_the_instance_of_its_supervisor,
        l23_a_child_may_be_added_while_running,
        l26_a_child_cannot_be_added_while_stopping
            as c_so_18_a_child_cannot_be_added_while_stopping,
        l04_many_children_come_and_go,
        r79_an_actor_may_stop_itself_in_its_start
            as r83_an_actor_may_stop_itself_in_its_start,
    ]
    Pair: [
        l16_order_holds_over_localities,
        m08_the_next_child_starts_when_the_one_before_is_operational,
        l03_one_for_all_restarts_all_in_start_order,
        l06_too_many_restarts_end_the_supervisor,
        l08_a_failure_escalates_to_the_root_with_its_causes,
        r25_a_start_that_takes_too_long_is_a_failed_start,
        l17_a_stop_that_takes_too_long_ends_by_force
            as r92c_a_stop_that_takes_too_long_ends_by_force
            as r135_a_stop_that_takes_too_long_ends_by_force,
        m13_stop_overtakes_queued_messages_and_drain_does_not,
        l24_a_tree_is_checked_before_it_starts
            as r5_a_tree_is_checked_before_it_starts
            as r6_a_tree_is_checked_before_it_starts,
        m09_declared_children_keep_their_addresses_over_the_restart_of_an_ancestor,
        m09_a_dynamic_supervisor_is_gone_with_its_subtree,
        l12_a_monitor_gives_exactly_one_down,
        l21_an_old_address_watches_and_stops_the_instance_that_runs,
        l12_a_notice_is_for_the_instance_that_asked,
        l12_a_monitor_of_the_gone_answers_at_once,
    ]
}
