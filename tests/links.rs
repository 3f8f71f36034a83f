//! Service links: a service outlives its clients.

use std::sync::{Arc, Mutex};

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::until;
use crate::world::World;

/// What a client is told of a service that is down, and that nobody starts by itself.
const DOWN: &str = "is down, and is not started by itself: have its supervisor start it first \
                    (`RestartChild`, while it has its spec), or do without it";

/// Links to a service in its start.
fn client(name: &'static str, log: &Log, service: Addr<Puppet>) -> Role {
    Role::new(name, log).telling().begin(move |_, cx| {
        cx.link(service.address());
    })
}

/// Where a line is.
fn at(log: &Log, line: &str) -> usize {
    let all = log.all();
    let found = all.iter().position(|l| l.starts_with(line));
    found.unwrap_or_else(|| panic!("no {line} in {all:?}"))
}

/// Linked, and then the client ends first, or the service, which takes the client down first, or the
/// whole tree.
fn r50_a_service_ends_after_its_clients(on: &dyn Backend, far: &dyn Backend) {
    for who in ["client", "service", "tree"] {
        let log = Log::new();
        on.run_clean(&log, |here| {
            let away = far.spawn("away");
            let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
            let theirs = log.clone();
            act(a, move |_, cx| {
                match who {
                    "client" => end(c),
                    "service" => end(b),
                    _ => return cx.stop(),
                }
                until(cx, move |me, cx| {
                    let gone = if who == "client" {
                        "c drops"
                    } else {
                        "b drops"
                    };
                    let done = me.log.count(gone) > 0;
                    if done {
                        cx.stop();
                    }
                    done
                });
            });
            stage()
                .child(group("far").on(&away, move |s| {
                    s.child(Role::new("b", &theirs).telling().child().at(b).transient())
                }))
                .child(client("c", &log, b).child().at(c).transient())
                .child(lead("a", &log).at(a))
        });
        assert!(at(&log, "c drops") < at(&log, "b stops"), "{:?}", log.all());
        assert_eq!(log.count("b stops"), 1);
        assert_eq!(log.count("c stops"), 1);
    }
}

impl Handler<Unlink> for Puppet {
    fn handle(&mut self, unlink: Unlink, _: &mut Context<Self>) {
        self.say(format!("asked: {}", unlink.exit));
        self.kept.push(Box::new((unlink.service, unlink)));
    }
}

/// Clients end before the services that they need, whatever their order in the tree.
fn r59_the_order_of_the_end_follows_the_links(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let (two, three) = (away.reserve::<Puppet>(), here.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            end(three);
            until(cx, |me, cx| {
                let done = me.log.count("three drops") > 0;
                if done {
                    cx.stop();
                }
                done
            });
        });
        let one = Role::new("one", &log).telling().begin(move |_, cx| {
            cx.link(two.address());
            cx.link(three.address());
        });
        stage()
            .child(
                Role::new("three", &log)
                    .telling()
                    .child()
                    .at(three)
                    .transient(),
            )
            .child(group("far").on(&away, move |s| {
                s.child(client("two", &theirs, three).child().at(two).transient())
            }))
            .child(one.child().transient())
            .child(lead("a", &log).at(a))
    });
    let order = ["one drops", "two stops", "two drops", "three stops"].map(|line| at(&log, line));
    assert!(order.is_sorted(), "{:?}", log.all());
}

/// It keeps what it was asked with, the service waits for that; and it lives on.
fn r61_a_client_may_take_its_time_and_live_on(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            end(b);
            until(cx, move |me, cx| {
                if me.log.count("c: asked") == 0 {
                    return false;
                }
                // It serves on.
                act(b, move |me, _| {
                    me.say("still here");
                    act(c, move |me, _| {
                        let asked = me.kept.iter().find_map(|kept| kept.downcast_ref());
                        let (by, _): &(Address, Unlink) = asked.expect("it keeps that");
                        me.say(format!("asked by b: {}", *by == b.address()));
                        me.kept.clear();
                    });
                });
                until(cx, move |me, _| {
                    if me.log.count("b drops") == 0 {
                        return false;
                    }
                    act(c, move |me, _| {
                        me.say("lives on");
                        end(a);
                    });
                    true
                });
                true
            });
        });
        let linked = Role::new("c", &log).begin(move |_, cx| {
            cx.link_with(b.address());
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(
                    Role::new("b", &theirs)
                        .telling()
                        .child()
                        .at(b)
                        .transient()
                        .stop_limit(LONG),
                )
            }))
            .child(linked.child().at(c))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "c: asked: normal",
            "b: still here",
            "c: asked by b: true",
            "b stops: normal",
            "b drops",
            "c: lives on"
        ]
    );
}

/// A client that does not leave in time: the service ends without it, within its own limit.
fn r53_a_client_that_overruns_is_left_behind(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            end(b);
            until(cx, move |me, cx| {
                let done = me.log.count("b drops") > 0 && me.log.count("c: asked") == 2;
                if done {
                    cx.stop();
                }
                done
            });
        });
        let linked = Role::new("c", &log).begin(move |_, cx| {
            cx.link_with(b.address());
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(
                    Role::new("b", &theirs)
                        .telling()
                        .child()
                        .at(b)
                        .transient()
                        .stop_limit(ms(10)),
                )
            }))
            .child(linked.child().at(c))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("b stops: normal"), 1, "in order: {:?}", log.all());
    assert_eq!(played.unlinked, 1);
}

/// Already linked; a circle; gone: the start fails, and says why.
fn r58_a_link_that_cannot_be_made_fails_the_client(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        fn fails(me: &mut Puppet, cx: &mut Context<Puppet>, whom: Vec<Address>) {
            let role = Role::new("d", &me.log).begin(move |_, cx| {
                for whom in &whom {
                    cx.link(*whom);
                }
            });
            let child = cx.child(role.child().temporary());
            cx.monitor(child.address());
        }
        act(a, move |me, cx| {
            fails(me, cx, vec![b.address(), b.address()]);
            let gone = cx.child(puppet("gone", &me.log).temporary());
            cx.monitor(gone.address());
            end(gone);
            until(cx, move |me, cx| {
                if me.log.count("a: down") < 2 {
                    return false;
                }
                fails(me, cx, vec![gone.address()]);
                // Found over the two loops: `c` needs `b`.
                cx.monitor(b.address());
                act(b, move |_, cx| {
                    cx.link(c.address());
                });
                until(cx, |me, cx| {
                    let done = me.log.count("a: down") == 4;
                    if done {
                        cx.stop();
                    }
                    done
                });
                true
            });
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).temporary())
            }))
            .child(client("c", &log, b).child().at(c).temporary())
            .child(lead("a", &log).at(a))
    });
    let mut said = log.of("a: ");
    said.sort();
    let gone = said.remove(2);
    assert!(gone.starts_with("a: down failed: the service "), "{gone}");
    let ends = " is gone: it was removed, or its locality has ended, or is lost";
    assert!(gone.ends_with(ends), "{gone}");
    assert_eq!(
        said,
        [
            "a: down failed: linked to this service already: one link of an instance is enough",
            "a: down failed: services linked in a circle: stage/far/b needs stage/c needs stage/far/b: have one of them do without its link, and `find` the other in a handler",
            "a: down normal",
        ]
    );
}

/// The service is in its stop hook, and does not come back: who wants to be its client fails at once,
/// and ends while the service still is there.
fn r58_a_service_that_stops_takes_no_client(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        end(b);
        stage()
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).telling().stop(move |_, _, cx| {
                    let hold = cx.hold("until the other has tried");
                    act(a, move |me, cx| {
                        let d = cx.child(client("d", &me.log, b).child().temporary());
                        cx.monitor(d.address());
                        when(a, (1, "a: down"), move |me, cx| {
                            me.say(format!("b is {:?}", b.address().state()));
                            drop(hold);
                            when(cx.addr(), (1, "b drops"), |_, cx| cx.stop());
                        });
                    });
                });
                s.child(role.child().at(b).transient().stop_limit(LONG))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "b stops: normal",
            "d starts",
            "d drops",
            "a: down failed: the service stage/far/b is ending, and is not started again by itself: have its \
             supervisor start it when it is down (`RestartChild`, while that runs and has its spec), or do \
             without it",
            "a: b is Stopping",
            "b drops"
        ]
    );
}

/// The refusal comes when the client ends already, and is held: it ends as it was told to.
fn r58_an_error_during_the_end_of_the_client_is_harmless(world: &mut World) {
    let (log, held) = (Log::new(), Arc::new(Mutex::new(None)));
    let (here, there) = (world.locality(), world.locality());
    let (a, c) = (here.reserve(), here.reserve::<Puppet>());
    let (b, x) = (there.reserve::<Puppet>(), there.reserve());
    let (mine, kept) = (log.clone(), held.clone());
    let clients = world.start(&here, move || {
        let role = client("c", &mine, b).stop(move |_, _, cx| {
            *kept.lock().unwrap() = Some(cx.hold("until the error has come"));
        });
        group("clients")
            .child(puppet("a", &mine).at(a))
            .child(role.child().at(c).transient().start_limit(LONG))
    });
    world.until(|| log.count("c starts") == 1);
    c.stop();
    world.until(|| held.lock().unwrap().is_some());
    // Only now the loop begins where it has asked for the link.
    let theirs = log.clone();
    act(x, move |_, _| a.send(Say("after the error")));
    let services = world.start(&there, move || {
        group("services")
            .child(Child::new("b", || None::<Puppet>).at(b))
            .child(puppet("x", &theirs).at(x))
    });
    world.until(|| log.count("a: after the error") == 1);
    assert_eq!(c.address().state(), Lifecycle::Stopping);
    drop(held.lock().unwrap().take());
    assert_eq!(chain(&world.end(&clients)), "shutdown < c: shutdown");
    assert_eq!(log.of("c "), ["c starts", "c stops: shutdown", "c drops"]);
    world.shut_down(&services);
    assert_eq!(log.live(), 0);
}

/// A client whose end something holds up is asked to leave: its service waits, and serves on.
fn r58_a_service_waits_for_a_client_whose_end_is_held(on: &dyn Backend, far: &dyn Backend) {
    for asked in [false, true] {
        let log = Log::new();
        let played = on.run_clean(&log, |here| {
            let away = far.spawn("away");
            let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
            let theirs = log.clone();
            let role = Role::new("c", &log).telling().begin(move |_, cx| {
                if asked {
                    cx.link_with(b.address());
                } else {
                    cx.link(b.address());
                }
            });
            let role = role.stop(move |_, _, cx| {
                let hold = cx.hold("a last write");
                b.stop();
                // To and fro twice: whatever the first has brought about has happened then.
                act(b, move |me, _| {
                    me.say("serves on");
                    act(a, move |me, _| {
                        me.say(format!("c is {:?}", c.address().state()));
                        act(b, move |me, _| {
                            me.say("serves on");
                            act(a, move |_, _| drop(hold));
                        });
                    });
                });
            });
            act(a, move |_, _| c.stop());
            when(a, (1, "b drops"), |_, cx| cx.stop());
            stage()
                .child(group("far").on(&away, move |s| {
                    let service = Role::new("b", &theirs).telling().child();
                    s.child(service.at(b).transient().stop_limit(LONG))
                }))
                .child(role.child().at(c).transient())
                .child(lead("a", &log).at(a))
        });
        let order = [
            "c stops: shutdown",
            "b: serves on",
            "a: c is Stopping",
            "c drops",
            "b stops: shutdown",
        ];
        let order = order.map(|line| at(&log, line));
        assert!(order.is_sorted(), "{:?}", log.all());
        assert_eq!(played.unlinked, 0);
    }
}

/// A client that ends itself lets its service go meanwhile: each ends for its own reason.
fn r21_an_unlink_confirmed_while_shutting_down_does_no_harm(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        let role = Role::new("c", &log).telling().begin(move |_, cx| {
            cx.link_with(b.address());
        });
        let role = role.stop(move |me, _, cx| {
            me.kept.clear();
            let hold = cx.hold("longer than its service");
            when(a, (1, "b drops"), move |me, cx| {
                me.say(format!("c is {:?}", c.address().state()));
                drop(hold);
                when(cx.addr(), (1, "c drops"), |_, cx| cx.stop());
            });
        });
        act(a, move |_, cx| {
            end(b);
            when(cx.addr(), (1, "c: asked"), move |_, _| c.stop());
        });
        stage()
            .child(group("far").on(&away, move |s| {
                let service = Role::new("b", &theirs).telling().child();
                s.child(service.at(b).transient().stop_limit(LONG))
            }))
            .child(role.child().at(c).transient().stop_limit(LONG))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all()[2..],
        [
            "c: asked: normal",
            "c stops: shutdown",
            "b stops: normal",
            "b drops",
            "a: c is Stopping",
            "c drops",
        ]
    );
    assert_eq!(played.unlinked, 0);
}

/// A service whose start is ignored does not come: who waits for it is told so.
fn l13_a_client_of_what_is_ignored_is_refused(world: &mut World) {
    let log = Log::new();
    let (here, there) = (world.locality(), world.locality());
    let b = there.reserve::<Puppet>();
    let mine = log.clone();
    let clients = world.start(&here, move || {
        group("clients").child(client("c", &mine, b).child().start_limit(LONG))
    });
    world.until(|| log.count("c starts") == 1);
    let services = world.start(&there, move || {
        group("services").child(Child::new("b", || None::<Puppet>).at(b))
    });
    let exit = world.end(&clients);
    assert_eq!(
        chain(&exit),
        format!("shutdown < c: failed: the service services/b {DOWN}")
    );
    world.shut_down(&services);
}

/// The start of a client is over when its service is operational.
fn l13_a_start_waits_for_the_service(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (
            here.reserve(),
            away.reserve::<Puppet>(),
            here.reserve::<Puppet>(),
        );
        let theirs = log.clone();
        act(c, move |me, cx| {
            let client = client("d", &me.log, b)
                .child()
                .transient()
                .start_limit(LONG);
            let d = cx.child(client).address();
            until(cx, move |me, cx| {
                if me.log.count("d starts") == 0 {
                    return false;
                }
                me.say(format!("{:?}", d.state()));
                me.log.put("d waits");
                until(cx, move |me, _| {
                    let done = d.state() == Lifecycle::Running;
                    if done {
                        me.say("up");
                        end(a);
                    }
                    done
                });
                true
            });
        });
        stage()
            .child(puppet("c", &log).at(c))
            .child(group("far").on(&away, move |s| {
                let slow = Role::new("b", &theirs).begin(|me, cx| {
                    let (hold, log) = (cx.hold("slow"), me.log.clone());
                    std::thread::spawn(move || {
                        log.wait_for("d waits");
                        drop(hold);
                    });
                });
                s.child(slow.child().at(b).start_limit(LONG))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("c: "), ["c: Starting", "c: up"]);
}

/// The service crashes: its client fails with that, is started again, and linked to the next one.
fn l13_the_crash_of_a_service_is_that_of_its_clients(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            crash(b);
            when(cx.addr(), (2, "c starts"), |_, cx| cx.stop());
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(client("c", &log, b).child().at(c))
            .child(lead("a", &log).at(a))
    });
    let ends = |exit: &&String| exit.starts_with("c: failed");
    let exit = played.exits.iter().find(ends).expect("it fails first");
    assert_eq!(
        exit,
        "c: failed: the service stage/far/b ended: panicked: as told"
    );
}

/// Both end at the same time: one notice replaces the other.
fn r57_crossing_unlinks_end_clean(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            end(b);
            end(c);
            until(cx, |me, cx| {
                let done = me.log.count("b drops") + me.log.count("c drops") == 2;
                if done {
                    cx.stop();
                }
                done
            });
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).telling().child().at(b).transient())
            }))
            .child(client("c", &log, b).child().at(c).transient())
            .child(lead("a", &log).at(a))
    });
    assert_eq!((log.count("b stops"), log.count("c stops")), (1, 1));
}

/// Its start is not over for a moment before that is known.
fn r58_a_link_to_what_is_gone_is_a_failed_start(seed: u64) {
    let (log, mut sim) = (Log::new(), rotor_core::sim::Sim::new(seed));
    sim.locality("here");
    let app = sim.start(group("root")).unwrap();
    let theirs = log.clone();
    let spec = StartChild::new(move || puppet("gone", &theirs).temporary());
    let added = sim.block_on(app.root().admin().ask(spec, ms(10)));
    let gone = added.unwrap().unwrap().unwrap().unwrap().address;
    gone.stop();
    sim.run_for(ms(1));
    assert_eq!(gone.state(), Lifecycle::Gone);
    let theirs = log.clone();
    let spec = StartChild::new(move || {
        let role = Role::new("client", &theirs).begin(move |_, cx| {
            cx.link(gone);
        });
        role.child()
    });
    let answer = sim.block_on(app.root().admin().ask(spec, ms(10)));
    let Err(AdminError::StartFailed(exit)) = answer.unwrap().unwrap() else {
        panic!("the start has not failed");
    };
    let why = "it was removed, or its locality has ended, or is lost";
    let failed = format!("failed: the service {gone:?} on here is gone: {why}");
    assert_eq!(exit.to_string(), failed);
}

/// Either loop is lost: who is left learns it, and ends by itself.
fn m11_a_lost_loop_breaks_its_links(seed: u64) {
    let log = Log::new();
    let mut sim = rotor_core::sim::Sim::new(seed);
    let (here, one, two) = (
        sim.locality("home"),
        sim.locality("one"),
        sim.locality("two"),
    );
    let (b, c) = (one.reserve(), two.reserve::<Puppet>());
    let (left, right) = (log.clone(), log.clone());
    let tree = Supervisor::one_for_one("root")
        .intensity(1_000, LONG)
        .child(group("left").on(&one, move |s| {
            s.child(Role::new("b", &left).telling().child().at(b).transient())
        }))
        .child(group("right").on(&two, move |s| {
            s.child(client("c", &right, b).child().at(c).temporary())
        }));
    let _ = here;
    sim.start(tree).unwrap();
    sim.run_until_idle();
    assert_eq!(log.count("c starts"), 1);
    if seed.is_multiple_of(2) {
        sim.lose(&one);
        sim.open(one.clone());
        sim.run_until_idle();
        assert_ne!(
            c.address().state(),
            Lifecycle::Running,
            "the client ends with its service"
        );
        assert_eq!(log.count("b starts"), 2);
    } else {
        sim.lose(&two);
        sim.open(two.clone());
        b.stop();
        sim.run_until_idle();
        assert_eq!(
            log.count("b drops"),
            1,
            "a service does not wait for the lost"
        );
    }
}

/// Its attempts to start count as any: a service that is not started again does not come.
fn l13_a_client_whose_service_stays_down_is_given_up(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (b, c) = (away.reserve(), here.reserve());
        let theirs = log.clone();
        act(c, |me, _| me.say("runs"));
        when(b, (1, "c: runs"), |_, cx| cx.stop());
        Supervisor::one_for_one("root")
            .intensity(3, LONG)
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
            .child(client("c", &log, b).child().at(c))
    });
    let gave_up = played.exit.gave_up().expect("it is too much");
    let child = played.exit.cause().map(|(child, _)| child);
    assert_eq!((child, gave_up.allowed), (Some("c"), 3));
    let why = played.exit.root_cause().to_string();
    assert_eq!(why, format!("failed: the service root/far/b {DOWN}"));
    assert_eq!(log.live(), 0);
}

bodies! {
    Pair: [
        l13_a_client_whose_service_stays_down_is_given_up,
        r50_a_service_ends_after_its_clients,
        r59_the_order_of_the_end_follows_the_links,
        r61_a_client_may_take_its_time_and_live_on,
        r53_a_client_that_overruns_is_left_behind,
        r57_crossing_unlinks_end_clean,
        r58_a_link_that_cannot_be_made_fails_the_client,
        r58_a_service_that_stops_takes_no_client,
        r58_a_service_waits_for_a_client_whose_end_is_held,
        r21_an_unlink_confirmed_while_shutting_down_does_no_harm,
        l13_a_start_waits_for_the_service,
        l13_the_crash_of_a_service_is_that_of_its_clients,
    ]
    Sim: [
        r58_a_link_to_what_is_gone_is_a_failed_start,
        m11_a_lost_loop_breaks_its_links,
    ]
    World: [
        r58_an_error_during_the_end_of_the_client_is_harmless,
        l13_a_client_of_what_is_ignored_is_refused,
    ]
}
