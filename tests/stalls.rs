//! Starts that wait for names which cannot come fail at once; those that can come are waited for.

use rotor_core::*;

use crate::admin::{ask, came_to_its_end, child, scripted};
use crate::backend::{Backend, Played};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::{BELL, DOOR, LOG, finder, until};

/// What follows if no other order of starts would help.
const NEVER: &str =
    ", which cannot be there before that start is over: ask for it later, in a handler";

/// The same if another one would.
fn order(first: &str, then: &str) -> String {
    let who = match first.contains(" and ") {
        true => "one of them",
        false => "that",
    };
    let advice =
        format!("declare {first} before {then} (unless {who} waits for {then}, too), or ask");
    NEVER.replace("ask", &advice)
}

/// Waits for a name in its start and does nothing else.
fn waits(name: &'static str, log: &Log, whom: Name<Puppet>) -> Child<Puppet> {
    finder(name, log, whom, |_, _, _| ())
}

/// A tree that must fail to start: nobody in it has patience.
fn fails(on: &dyn Backend, log: &Log, build: impl FnOnce(&Locality) -> Supervisor) -> Played {
    let played = on.run(build);
    assert!(played.exit.is_failure(), "{}", played.exit);
    assert_eq!(log.live(), 0);
    played
}

/// The text says who waits, for which names, and whose those are. The limits are a minute.
fn m08_a_start_that_waits_for_a_later_sibling_fails_at_once(on: &dyn Backend) {
    let log = Log::new();
    let played = fails(on, &log, |_| {
        let both = Role::new("b", &log).begin(|_, cx| {
            cx.find(LOG, |_, _, _| ());
            cx.find(DOOR, |_, _, _| ());
        });
        Supervisor::one_for_one("root")
            .child(puppet("x", &log))
            .child(both.child().start_limit(LONG))
            .child(puppet("c", &log).named(LOG))
            .child(puppet("d", &log).named(DOOR))
    });
    assert_eq!(
        chain(&played.exit),
        format!(
            "shutdown < b: failed: the start of root/b waits for the name log of c, the name door of d{}",
            order("c and d", "b")
        )
    );
    let ExitReason::Stalled(stalled) = played.exit.root_cause().reason() else {
        panic!("{}", played.exit);
    };
    assert_eq!(stalled.waiting, "root/b");
    assert_eq!(
        stalled.names,
        [("log".into(), "c".into()), ("door".into(), "d".into())]
    );
}

/// For a name of one of them as well, or for one alone; the supervisor is later than its children.
fn m08_a_start_that_links_to_a_later_sibling_fails_at_once(on: &dyn Backend) {
    for (named, text) in [(false, ""), (true, "the name log of c, ")] {
        let log = Log::new();
        let played = fails(on, &log, |home| {
            let c = home.reserve();
            let links = Role::new("b", &log).begin(move |_, cx| {
                if named {
                    cx.find(LOG, |_, _, _| ());
                }
                cx.link(c.address());
            });
            Supervisor::one_for_one("root")
                .child(puppet("x", &log))
                .child(links.child().start_limit(LONG))
                .child(puppet("c", &log).named(LOG).at(c))
        });
        assert_eq!(
            chain(&played.exit),
            format!(
                "shutdown < b: failed: the start of root/b waits for {text}a link to c{}",
                order("c", "b")
            )
        );
        let ExitReason::Stalled(stalled) = played.exit.root_cause().reason() else {
            panic!("{}", played.exit);
        };
        assert_eq!(stalled.services, ["c"]);
    }
    let log = Log::new();
    let played = fails(on, &log, |_| {
        let links = Role::new("b", &log).begin(|_, cx| {
            let above = cx.supervisor().expect("it is below one");
            cx.link(above);
        });
        Supervisor::one_for_one("root").child(links.child().start_limit(LONG))
    });
    assert_eq!(
        chain(&played.exit),
        format!("shutdown < b: failed: the start of root/b waits for a link to root{NEVER}")
    );
}

/// The client is far, or the service, which its loop has not heard of then.
fn m08_a_link_over_localities_that_stalls_is_found(on: &dyn Backend, far: &dyn Backend) {
    for service_is_far in [false, true] {
        let log = Log::new();
        let played = fails(on, &log, |home| {
            let away = far.spawn("away");
            let service = if service_is_far { &away } else { home }.reserve();
            let theirs = log.clone();
            let client = move || {
                let links = Role::new("b", &theirs).begin(move |_, cx| {
                    cx.link(service.address());
                });
                links.child().start_limit(LONG)
            };
            let theirs = log.clone();
            let service = move || puppet("c", &theirs).at(service);
            let root = Supervisor::one_for_one("root");
            if service_is_far {
                root.child(client())
                    .child(Supervisor::one_for_one("far").on(&away, move |s| s.child(service())))
            } else {
                root.child(Supervisor::one_for_one("far").on(&away, move |s| s.child(client())))
                    .child(service())
            }
        });
        let text = chain(&played.exit);
        let path = if service_is_far {
            "root/b"
        } else {
            "root/far/b"
        };
        let end = format!(
            "b: failed: the start of {path} waits for a link to c{}",
            order("c", "b")
        );
        assert!(text.ends_with(&end), "{text}");
    }
}

/// The one that waits is far, the owner is further back in the home; and the other way round.
fn m08_a_stall_over_localities_is_found(on: &dyn Backend, far: &dyn Backend) {
    for owner_is_far in [false, true] {
        let log = Log::new();
        let played = fails(on, &log, |_| {
            let away = far.spawn("away");
            let theirs = log.clone();
            let root = Supervisor::one_for_one("root").child(puppet("x", &log));
            if owner_is_far {
                root.child(group("inner").child(waits("b", &log, LOG)))
                    .child(group("far").on(&away, move |s| {
                        let deep = group("deep").child(puppet("c", &theirs).named(LOG));
                        s.child(puppet("y", &theirs)).child(deep)
                    }))
            } else {
                root.child(group("far").on(&away, move |s| {
                    s.child(group("deep").child(waits("b", &theirs, LOG)))
                }))
                .child(group("inner").child(puppet("c", &log).named(LOG)))
            }
        });
        let path = if owner_is_far {
            "root/inner/b"
        } else {
            "root/far/deep/b"
        };
        assert_eq!(
            played.exit.root_cause().to_string(),
            format!(
                "failed: the start of {path} waits for the name log of c{}",
                order("c", "b")
            )
        );
    }
}

/// Both on one other locality, under supervisors of their own.
fn m08_a_stall_within_another_locality_is_found(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = fails(on, &log, |_| {
        let away = far.spawn("away");
        let (one, two) = (log.clone(), log.clone());
        Supervisor::one_for_one("root")
            .child(group("far").on(&away, move |s| s.child(waits("b", &one, LOG))))
            .child(group("too").on(&away, move |s| s.child(puppet("c", &two).named(LOG))))
    });
    assert_eq!(
        chain(&played.exit),
        format!(
            "shutdown < far: shutdown < b: failed: the start of root/far/b waits for the name log of c{}",
            order("c", "b")
        )
    );
}

/// Its own name, that of an actor above it, and that of a child of its own.
fn m08_a_start_that_waits_for_itself_fails_at_once(on: &dyn Backend) {
    let log = Log::new();
    let own = fails(on, &log, |_| {
        Supervisor::one_for_one("root").child(waits("b", &log, LOG).named(LOG))
    });
    let above = fails(on, &log, |_| {
        let mother = Role::new("c", &log).begin(|me, cx| {
            cx.child(waits("b", &me.log, LOG));
        });
        Supervisor::one_for_one("root").child(mother.child().named(LOG).start_limit(LONG))
    });
    let below = fails(on, &log, |_| {
        let mother = Role::new("b", &log).begin(|me, cx| {
            cx.child(puppet("c", &me.log).named(LOG));
            cx.find(LOG, |_, _, _| ());
        });
        Supervisor::one_for_one("root").child(mother.child().start_limit(LONG))
    });
    for (played, path, owner) in [
        (own, "root/b", "b"),
        (above, "root/c/b", "c"),
        (below, "root/b", "c"),
    ] {
        assert_eq!(
            played.exit.root_cause().to_string(),
            format!("failed: the start of {path} waits for the name log of {owner}{NEVER}")
        );
    }
}

/// Two starts on two loops wait for each other, neither because of the order in a spec.
fn m08_starts_that_wait_for_each_other_fail_at_once(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        fn add(
            name: &'static str,
            own: Name<Puppet>,
            other: Name<Puppet>,
        ) -> impl FnOnce(&mut Puppet, &mut Context<Puppet>) {
            move |me, cx| {
                let child = waits(name, &me.log, other).named(own).temporary();
                let child = cx.child(child);
                cx.monitor(child.address());
            }
        }
        act(a, add("c", LOG, DOOR));
        act(b, add("d", DOOR, LOG));
        act(a, |_, cx| {
            until(cx, |me, cx| {
                let done = me.log.all().len() == 2;
                if done {
                    cx.stop();
                }
                done
            });
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    let text = |who, name, owner| {
        format!("down failed: the start of {who} waits for the name {name} of {owner}{NEVER}")
    };
    assert_eq!(
        log.of("a: "),
        [format!("a: {}", text("stage/a/c", "door", "d"))]
    );
    assert_eq!(
        log.of("b: "),
        [format!("b: {}", text("stage/far/b/d", "log", "c"))]
    );
}

/// Its supervisor starts nobody else before the start that waits is over.
fn m08_a_start_that_waits_for_who_is_down_fails_at_once(on: &dyn Backend) {
    let log = Log::new();
    let played = fails(on, &log, |here| {
        let b = here.reserve::<Puppet>();
        let ends = Role::new("c", &log).begin(move |me, cx| {
            b.stop();
            me.kept.push(Box::new(cx.hold_within("its end", ms(1))));
        });
        Supervisor::one_for_one("root")
            .child(puppet("b", &log).at(b).transient().named(BELL))
            .child(ends.child())
            .child(group("inner").child(waits("d", &log, BELL)))
    });
    assert_eq!(
        played.exit.root_cause().to_string(),
        format!(
            "failed: the start of root/inner/d waits for the name bell of b (which is down){NEVER}"
        )
    );
}

/// It runs when the start begins to wait, and has given its name back.
fn m08_a_start_whose_name_goes_down_meanwhile_fails_at_once(on: &dyn Backend) {
    for crashes in [false, true] {
        let log = Log::new();
        let played = fails(on, &log, |here| {
            let b = here.reserve::<Puppet>();
            let role = Role::new("b", &log).begin(move |_, cx| {
                act(cx.addr(), |_, cx| assert!(cx.unregister(BELL)));
            });
            let pause = Role::new("c", &log).begin(move |me, cx| {
                me.kept.push(Box::new(cx.hold_within("a while", ms(1))));
            });
            let waits = Role::new("d", &log).begin(move |_, cx| {
                cx.find(BELL, |_, _, _| ());
                act(b, move |_, cx| {
                    later(cx, ms(1), move |_, cx| match crashes {
                        false => cx.stop(),
                        true => panic!("as told"),
                    });
                });
            });
            Supervisor::one_for_one("root")
                .child(role.child().at(b).transient().named(BELL))
                .child(pause.child())
                .child(waits.child().start_limit(LONG))
        });
        // One that has crashed is started again, when its supervisor is free.
        let down = if crashes { "" } else { " (which is down)" };
        assert_eq!(
            chain(&played.exit),
            format!(
                "shutdown < d: failed: the start of root/d waits for the name bell of b{down}{NEVER}"
            ),
            "crashes: {crashes}"
        );
    }
}

/// Its loop is lost before the start begins to wait, or meanwhile; and it is over its limit. Nobody
/// starts it again before the start that waits is over.
fn m08_a_start_that_waits_for_who_is_lost_or_removed_fails_at_once(seed: u64) {
    for how in [
        "lost before",
        "lost meanwhile",
        "removed",
        "removed elsewhere",
    ] {
        let (log, mut sim) = (Log::new(), sim::Sim::new(seed));
        let (home, away) = (sim.locality("home"), sim.locality("away"));
        let is_far = how != "removed";
        let b = if is_far { &away } else { &home }.reserve::<Puppet>();
        let theirs = log.clone();
        let below = move |s: Supervisor| {
            let role = Role::new("b", &theirs).begin(|_, cx| {
                act(cx.addr(), |_, cx| assert!(cx.unregister(BELL)));
            });
            let role = role.stop(|me, _, cx| me.kept.push(Box::new(cx.hold("no end"))));
            let b = role.child().at(b).named(BELL).transient();
            s.child(b.stop_limit(LONG))
        };
        let part = group("part").stop_limit(ms(3)).transient();
        let part = match is_far {
            true => part.on(&away, below),
            false => below(part),
        };
        let pause = Role::new("c", &log).begin(|me, cx| {
            me.kept.push(Box::new(cx.hold_within("a while", ms(1))));
        });
        let root = Supervisor::one_for_one("root")
            .child(part)
            .child(pause.child())
            .child(group("inner").child(waits("d", &log, BELL)));
        let app = sim.start(root).expect("a sound tree");
        sim.run_until_idle();
        match how {
            "lost before" => sim.lose(&away),
            "lost meanwhile" => {
                sim.run_for(ms(1));
                assert!(app.tree().ended.is_none());
                sim.lose(&away);
            }
            _ => {
                sim.run_for(ms(1));
                app.tree().nodes[1].address.stop();
            }
        }
        sim.run_for(ms(3));
        let exit = app.tree().ended.expect(how);
        assert_eq!(
            exit.root_cause().to_string(),
            format!("failed: the start of root/inner/d waits for the name bell of b{NEVER}"),
            "{how}"
        );
    }
}

/// The supervisor of the one that is down is not the one that is busy: whoever asks it gets a start.
fn m08_who_is_down_may_be_started_by_its_own_supervisor(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let away = far.spawn("away");
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let far = child(root, "far").await.address;
                ask(root, TerminateChild::named("d"))
                    .await
                    .expect("it runs");
                ask(far, TerminateChild::named("b")).await.expect("it runs");
                let again = root.admin().ask(RestartChild::named("d"), LONG);
                while log.count("d waits") < 2 {
                    ask(far, CountChildren).await;
                }
                let bell = ask(far, RestartChild::named("b")).await;
                assert!(matches!(bell, Ok(Some(_))), "{bell:?}");
                let again = again.await.expect("it runs");
                assert!(matches!(again, Ok(Some(_))), "{again:?}");
                // Whose supervisor is down has nobody else to start it than the one that is busy.
                ask(root, TerminateChild::named("d"))
                    .await
                    .expect("it runs");
                ask(root, TerminateChild::named("far"))
                    .await
                    .expect("it runs");
                let again = ask(root, RestartChild::named("d")).await;
                let Err(AdminError::StartFailed(exit)) = again else {
                    panic!("{again:?}");
                };
                log.put(exit.root_cause().to_string());
            }
        };
        let role = Role::new("d", &log).begin(|me, cx| {
            cx.find(BELL, |_, _, _| ());
            me.log.put("d waits");
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).named(BELL))))
            .child(role.child().start_limit(LONG))
            .child(scripted(&log, script).temporary())
    });
    came_to_its_end(&played);
    assert_eq!(
        log.of("failed"),
        [format!(
            "failed: the start of stage/d waits for the name bell of b (which is down){NEVER}"
        )]
    );
}

/// A restart that waits is seen, too, and counts as a failed one.
fn m08_a_stall_in_a_restart_is_found(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let role = Role::new("b", &log).begin(|me, cx| {
            if me.life > 1 {
                cx.find(LOG, |_, _, _| ());
            }
        });
        // It gives its name back, so the second start of `b` waits for one that starts after it.
        act(a, move |_, _| crash(b));
        let late = Role::new("c", &log).begin(|me, cx| {
            if me.life == 1 {
                let me = cx.addr();
                act(me, |_, cx| assert!(cx.unregister(LOG)));
            }
        });
        let all = Supervisor::one_for_all("all")
            .intensity(2, LONG)
            .temporary()
            .significant()
            .child(role.child().at(b).start_limit(LONG))
            .child(late.child().named(LOG));
        stage().child(all).child(puppet("a", &log).at(a))
    });
    let mut exits = played.exits.iter();
    let first = exits.find(|exit| exit.starts_with("b: failed"));
    let text = format!(
        "b: failed: the start of stage/all/b waits for the name log of c{}",
        order("c", "b")
    );
    assert_eq!(first, Some(&text));
    assert!(played.exit.is_failure());
}

/// No spec declares the name: a running actor may register it at any time, and does.
fn m08_a_name_that_is_registered_at_run_time_is_waited_for(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(b, |_, cx| {
            later(cx, ms(3), |_, cx| cx.register(LOG).unwrap());
        });
        end(a);
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(waits("c", &log, LOG))
            .child(puppet("d", &log).named(DOOR))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["c: found"]);
}

/// The owner registers its name itself, before it is operational: the circle is broken.
fn m08_an_owner_may_be_found_before_its_start_is_over(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let mother = Role::new("b", &log).begin(|me, cx| {
            cx.register(LOG).unwrap();
            cx.child(waits("c", &me.log, LOG));
        });
        end(a);
        stage()
            .child(mother.child().named(LOG))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["c: found"]);
}

/// The owner is on its way, under a supervisor that runs already: no alarm.
fn m08_an_owner_that_starts_meanwhile_is_waited_for(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(b, |me, cx| {
            let slow = Role::new("d", &me.log).begin(|me, cx| {
                let (hold, log) = (cx.hold("warming up"), me.log.clone());
                me.log.put("d warms up");
                std::thread::spawn(move || {
                    log.wait_for("c waits");
                    drop(hold);
                });
            });
            cx.child(slow.child().named(LOG).start_limit(LONG));
        });
        let user = Role::new("c", &log).begin(move |me, cx| {
            me.log.wait_for("d warms up");
            cx.find(LOG, |me, _, _| me.say("found"));
            me.log.put("c waits");
        });
        end(a);
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(user.child().start_limit(LONG))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["d warms up", "c waits", "c: found"]);
}

/// A child that was added at run time: the start of what is above it does not wait for it, so that
/// goes on, and the later sibling comes.
fn m08_a_start_that_nobody_waits_for_does_not_block_later_siblings(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(b, |me, cx| {
            cx.child(waits("c", &me.log, LOG));
            later(cx, ms(2), |_, cx| cx.register(BELL).unwrap());
        });
        let early = group("early")
            .child(puppet("b", &log).at(b))
            .child(waits("d", &log, BELL)); // `c` waits by then
        act(a, |_, cx| {
            until(cx, |me, cx| {
                let done = me.log.count("c: found") == 1;
                if done {
                    cx.stop();
                }
                done
            });
        });
        stage()
            .child(early)
            .child(puppet("e", &log).named(LOG))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["d: found", "c: found"]);
}

/// Another hold is open as well, and whoever has it may end the wait.
fn m08_a_start_that_waits_for_something_else_too_is_no_stall(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let role = Role::new("b", &log).begin(|me, cx| {
            let hold = cx.hold("making up its mind");
            let name = cx.find(LOG, |_, _, _| unreachable!());
            cx.spawn(std::future::ready(()), move |me, (), cx| {
                assert!(cx.cancel(name));
                drop(hold);
                me.say("goes without");
            });
            me.log.put("b starts");
        });
        end(a);
        stage()
            .child(role.child().start_limit(LONG))
            .child(puppet("c", &log).named(LOG))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b starts", "b: goes without"]);
}

/// What nothing declares comes from nobody here: it is waited for, within the limit.
fn m08_a_name_that_nobody_declares_is_waited_for_within_the_limit(on: &dyn Backend) {
    let log = Log::new();
    let played = fails(on, &log, |_| {
        Supervisor::one_for_one("root")
            .child(waits("b", &log, BELL).start_limit(ms(2)))
            .child(puppet("c", &log).named(LOG))
    });
    assert_eq!(
        chain(&played.exit),
        "shutdown < b: timed out: the start of root/b took longer than its start limit of 2ms; held by name bell, which no \
         child declares where it looks: is `.named(..)` missing?"
    );
}

/// A search beside it that holds nothing, and ends, does not hide a stall.
fn m08_a_search_that_ends_does_not_hide_a_stall(seed: u64) {
    for side in [false, true] {
        let log = Log::new();
        let mut sim = sim::Sim::new(seed);
        let here = sim.locality("here");
        let (a, b) = (here.reserve(), here.reserve());
        sim.start(
            stage()
                .child(puppet("a", &log).at(a))
                .child(puppet("b", &log).at(b)),
        )
        .expect("a sound tree");
        let add = |to: Addr<Puppet>, name, own: Name<Puppet>, whom: Name<Puppet>, side: bool| {
            let log = log.clone();
            act(to, move |_, cx| {
                let role = Role::new(name, &log).begin(move |_, cx| {
                    cx.find(whom.clone(), |_, _, _| ());
                    if side {
                        cx.find_within(BELL, ms(10), |_, _, _| ());
                    }
                });
                cx.child(role.child().named(own.clone()).temporary());
            });
        };
        add(a, "one", LOG, DOOR, side);
        sim.run_for(ms(20));
        add(b, "two", DOOR, LOG, false);
        sim.run_for(ms(20));
        assert_eq!(log.live(), 2, "both have failed; side: {side}");
    }
}

bodies! {
    Sim: [
        m08_a_search_that_ends_does_not_hide_a_stall,
        m08_a_start_that_waits_for_who_is_lost_or_removed_fails_at_once,
    ]
    Each: [
        m08_a_start_that_waits_for_a_later_sibling_fails_at_once,
        m08_a_start_that_waits_for_itself_fails_at_once,
        m08_a_start_that_links_to_a_later_sibling_fails_at_once,
        m08_a_stall_in_a_restart_is_found,
        m08_a_start_that_waits_for_who_is_down_fails_at_once,
        m08_a_start_whose_name_goes_down_meanwhile_fails_at_once,
        m08_an_owner_may_be_found_before_its_start_is_over,
        m08_a_start_that_nobody_waits_for_does_not_block_later_siblings,
        m08_a_start_that_waits_for_something_else_too_is_no_stall,
        m08_a_name_that_nobody_declares_is_waited_for_within_the_limit,
    ]
    Pair: [
        m08_who_is_down_may_be_started_by_its_own_supervisor,
        m08_a_stall_over_localities_is_found,
        m08_a_link_over_localities_that_stalls_is_found,
        m08_a_stall_within_another_locality_is_found,
        m08_starts_that_wait_for_each_other_fail_at_once,
        m08_a_name_that_is_registered_at_run_time_is_waited_for,
        m08_an_owner_that_starts_meanwhile_is_waited_for,
    ]
}
