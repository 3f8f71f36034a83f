//! Administrative requests, pools, ignored starts: what a running supervisor is asked to do.

use std::future::Future;
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::{Backend, Played};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::{BELL, DOOR, LOG, OTHERWISE};
use crate::world::World;

/// What a lead was [`scripted`] to do has found nothing wrong.
pub fn came_to_its_end(played: &Played) {
    let lead = played.exits.iter().find(|exit| exit.starts_with("lead"));
    assert_eq!(lead.map(String::as_str), Some("lead: normal"));
}

/// A lead that runs a future, given its supervisor, and then ends.
pub fn scripted<F: Future<Output = ()> + 'static>(
    log: &Log,
    script: impl Fn(Address) -> F + 'static,
) -> Child<Puppet> {
    let role = Role::new("lead", log).begin(move |_, cx| {
        let root = cx.supervisor().expect("it has one");
        cx.spawn(script(root), |_, _, cx| cx.stop());
    });
    role.child().transient().significant()
}

/// The child of this name.
pub async fn child(of: Address, name: &str) -> ChildInfo {
    let children = of.admin().ask(WhichChildren, LONG).await.expect("it runs");
    let child = children.into_iter().find(|child| child.name == name);
    child.expect("it is there")
}

/// `name state` of every child.
pub async fn list(of: Address) -> String {
    text(&ask(of, WhichChildren).await)
}

fn text(children: &[ChildInfo]) -> String {
    let text = |child: &ChildInfo| {
        let state = match child.state {
            ChildState::Running { .. } => "runs",
            ChildState::Restarting => "is restarted",
            ChildState::Down => "is down",
        };
        format!("{} {state}", child.name)
    };
    children.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Asks a supervisor that runs.
pub async fn ask<Q: AdminRequest>(of: Address, question: Q) -> Q::Reply {
    of.admin().ask(question, LONG).await.expect("it runs")
}

/// The same from outside.
pub fn answer<Q: AdminRequest>(world: &mut World, of: Address, question: Q) -> Q::Reply {
    world
        .answer(of.admin().ask(question, LONG))
        .expect("it runs")
}

/// The same as [`list`], from outside.
pub fn listed(world: &mut World, of: Address) -> String {
    text(&answer(world, of, WhichChildren))
}

fn named(name: &'static str) -> TerminateChild {
    TerminateChild::named(name)
}

/// The one who asks was there before it, too, and ends the tree with its own end.
fn c_opp_17_a_child_that_was_added_late_stops_first(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let mine = log.clone();
        let script = move |root: Address| {
            let of = mine.clone();
            async move {
                let late = StartChild::new(move || tells("late", &of));
                assert!(ask(root, late).await.is_ok());
            }
        };
        stage()
            .child(tells("b", &log))
            .child(tells("c", &log))
            .child(scripted(&log, script))
    });
    let all = log.all();
    let drops = all.iter().filter_map(|line| line.strip_suffix(" drops"));
    let drops: Vec<_> = drops.collect();
    assert_eq!(drops, ["late", "c", "b"]);
}

/// The whole cycle, with every refusal, asked from another actor.
fn m22_children_are_administered_by_requests(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let away = far.spawn("away");
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let far = child(root, "far").await.address;
                let of = log.clone();
                let again = StartChild::new(move || puppet("b", &of));
                let told = ask(far, again).await;
                assert!(matches!(told, Err(AdminError::AlreadyStarted { child, .. }) if child == "stage/far/b"));
                let told = ask(far, named("x")).await.unwrap_err();
                assert_eq!(told.to_string(), "stage/far has no child named x");
                let told = ask(far, TerminateChild::at(root)).await.unwrap_err();
                assert_eq!(told.to_string(), "stage/far has no child at that address");
                let told = ask(far, DeleteChild::named("b")).await.unwrap_err();
                assert_eq!(told.to_string(), "stage/far/b runs: terminate it first");
                let told = ask(far, RestartChild::named("b")).await;
                assert!(matches!(told, Err(AdminError::Running { .. })));
                ask(far, named("b")).await.expect("it runs");
                ask(far, named("b")).await.expect("it is known");
                log.put(list(far).await);
                let of = log.clone();
                let again = StartChild::new(move || puppet("b", &of));
                let told = ask(far, again).await;
                assert!(matches!(told, Err(AdminError::AlreadyPresent { child }) if child == "stage/far/b"));
                let b = ask(far, RestartChild::named("b")).await;
                assert!(b.expect("it can start").is_some());
                let of = log.clone();
                let c = ask(far, StartChild::new(move || tells("c", &of))).await;
                let c = c.expect("it can start").expect("it is not ignored");
                log.put(list(far).await);
                let count = ask(far, CountChildren).await;
                assert_eq!((count.specs, count.active, count.workers), (2, 2, 2));
                ask(far, TerminateChild::at(c.address))
                    .await
                    .expect("it is known");
                ask(far, named("b")).await.expect("it is known");
                ask(far, DeleteChild::named("b")).await.expect("it is down");
                ask(far, DeleteChild::named("c")).await.expect("it is down");
                let told = ask(far, RestartChild::named("b")).await;
                assert!(matches!(told, Err(AdminError::NotFound { .. })));
                assert_eq!(list(far).await, "");
            }
        };
        stage()
            .child(group("far").on(&away, move |s| s.child(tells("b", &theirs))))
            .child(scripted(&log, script))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "b stops: shutdown",
            "b drops",
            "b is down",
            "b starts",
            "c starts",
            "b runs, c runs",
            "c stops: shutdown",
            "c drops",
            "b stops: shutdown",
            "b drops",
        ]
    );
}

/// The same from outside, by the handle of a program that has started the tree.
fn m22_a_program_administers_its_tree_by_its_handle(world: &mut World) {
    let (log, here) = (Log::new(), world.locality());
    let (w, theirs) = (here.reserve(), log.clone());
    let app = world.start(&here, move || {
        let waits = tells("w", &theirs).at(w).backoff(Backoff::fixed(LONG));
        let make = |(), _: &mut Context<Puppet>| None::<Puppet>;
        group("root")
            .child(tells("b", &theirs))
            .child(waits)
            .child(Supervisor::simple_one_for_one("pool", make))
    });
    let (root, mine) = (app.root(), log.clone());
    let start = move |name| {
        let log = mine.clone();
        StartChild::new(move || tells(name, &log))
    };
    assert_eq!(listed(world, root), "b runs, w runs, pool runs");
    let count = answer(world, root, CountChildren);
    assert_eq!((count.specs, count.active), (3, 3));
    assert_eq!((count.supervisors, count.workers), (1, 2));

    let told = answer(world, root, start("b"));
    assert!(matches!(told, Err(AdminError::AlreadyStarted { child, .. }) if child == "root/b"));
    let told = answer(world, root, RestartChild::named("b"));
    assert!(matches!(told, Err(AdminError::Running { .. })), "{told:?}");
    let told = answer(world, root, DeleteChild::named("b"));
    assert!(matches!(told, Err(AdminError::Running { .. })), "{told:?}");
    answer(world, root, named("b")).expect("it runs");
    assert_eq!(listed(world, root), "b is down, w runs, pool runs");
    let told = answer(world, root, start("b"));
    assert!(matches!(told, Err(AdminError::AlreadyPresent { child }) if child == "root/b"));
    let again = answer(world, root, RestartChild::named("b"));
    assert!(matches!(again, Ok(Some(_))), "{again:?}");

    crash(w);
    while listed(world, root) != "b runs, w is restarted, pool runs" {}
    let told = answer(world, root, start("w"));
    assert!(matches!(told, Err(AdminError::AlreadyPresent { .. }))); // as in OTP
    let told = answer(world, root, RestartChild::named("w"));
    assert!(matches!(told, Err(AdminError::Restarting { .. })));
    let told = answer(world, root, DeleteChild::named("w"));
    assert!(matches!(told, Err(AdminError::Restarting { .. })));
    answer(world, root, named("w")).expect("it is known");
    assert_eq!(listed(world, root), "b runs, w is down, pool runs");
    answer(world, root, DeleteChild::named("w")).expect("it is down");
    let told = [
        answer(world, root, named("w")).err(),
        answer(world, root, DeleteChild::named("w")).err(),
        answer(world, root, RestartChild::named("w")).err(),
    ];
    for told in told {
        assert!(matches!(told, Some(AdminError::NotFound { child: Some(w), .. }) if w == "w"));
    }

    let twice = || group("x").child(group("twice")).child(group("twice"));
    let told = answer(world, root, StartChild::new(twice));
    let Err(AdminError::BadSpec(StartError::DuplicateName { .. })) = told else {
        panic!("{told:?}");
    };
    let mine = log.clone();
    let frail = StartChild::new(move || fails_to_start_again("f", &mine).child());
    assert!(matches!(answer(world, root, frail), Ok(Some(_))));
    answer(world, root, named("f")).expect("it runs");
    let told = answer(world, root, RestartChild::named("f"));
    assert!(matches!(told, Err(AdminError::StartFailed(_))), "{told:?}");
    assert_eq!(listed(world, root), "b runs, pool runs, f is down");

    let pool = answer(world, root, WhichChildren)[1].address;
    let told = [
        answer(world, pool, start("b")).err(),
        answer(world, pool, named("b")).err(),
        answer(world, pool, RestartChild::named("b")).err(),
        answer(world, pool, DeleteChild::named("b")).err(),
    ];
    for told in told {
        assert!(matches!(told, Some(AdminError::Pool { .. })), "{told:?}");
    }
    let instance = || StartInstance::<Puppet, ()>::new(());
    assert!(matches!(answer(world, pool, instance()), Ok(None)));
    let told = answer(world, root, instance());
    assert!(matches!(told, Err(AdminError::NotThisPool { .. })));
    world.shut_down(&app);
    assert_eq!(log.live(), 0);
}

/// The same cycle by address, for children here and on another loop.
fn m22_children_are_administered_by_their_addresses(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (b, nobody) = (away.reserve(), here.reserve::<Puppet>());
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let (log, b) = (mine.clone(), b.address());
            async move {
                let far = child(root, "far").await.address;
                let unknown = [(far, nobody.address()), (far, far), (root, b), (root, root)];
                for (of, whom) in unknown {
                    assert_eq!(refusals(of, whom).await, "NotFound, NotFound, NotFound");
                }
                for (of, whom) in [(far, b), (root, far)] {
                    let told = ask(of, RestartChild::at(whom)).await;
                    assert!(matches!(told, Err(AdminError::Running { .. })), "{told:?}");
                    let told = ask(of, DeleteChild::at(whom)).await;
                    assert!(matches!(told, Err(AdminError::Running { .. })), "{told:?}");
                    ask(of, TerminateChild::at(whom)).await.expect("it runs");
                    let again = ask(of, RestartChild::at(whom)).await;
                    let again = again.expect("it can start").expect("it is not ignored");
                    assert_eq!(again.address, whom);
                }
                log.put(list(far).await);
                for (of, whom) in [(far, b), (root, far)] {
                    ask(of, TerminateChild::at(whom)).await.expect("it runs");
                    ask(of, DeleteChild::at(whom)).await.expect("it is down");
                    assert_eq!(refusals(of, whom).await, "NotFound, NotFound, NotFound");
                }
                log.put(list(root).await);
            }
        };
        stage()
            .child(group("far").on(&away, move |s| s.child(tells("b", &theirs).at(b))))
            .child(scripted(&log, script))
    });
    let told = log.all();
    let told: Vec<_> = told.iter().filter(|line| !line.contains("stops")).collect();
    assert_eq!(
        told,
        [
            "b starts",
            "b drops",
            "b starts",
            "b drops",
            "b starts",
            "b runs",
            "b drops",
            "lead runs"
        ]
    );
}

/// What a supervisor says to each request about somebody that it cannot do.
async fn refusals(of: Address, whom: Address) -> String {
    let told = [
        ask(of, TerminateChild::at(whom)).await.err(),
        ask(of, RestartChild::at(whom)).await.err(),
        ask(of, DeleteChild::at(whom)).await.err(),
    ];
    let told = told.map(|error| match error.expect("it cannot be done") {
        AdminError::NotFound { child: None, .. } => "NotFound".to_owned(),
        other => format!("{other:?}"),
    });
    told.join(", ")
}

/// They have no names to be asked for by; what their parent has decided is not the last word.
fn m22_children_that_an_actor_has_added_are_administered_as_well(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let (mine, of) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let boss = child(root, "boss").await.address;
                let b = child(boss, "b").await.address;
                for _ in 0..2 {
                    b.kill();
                    while list(boss).await != "b is down" {}
                    let again = ask(boss, RestartChild::at(b)).await;
                    let again = again.expect("it can start").expect("it is not ignored");
                    assert_eq!(again.address, b);
                }
                log.put(list(boss).await);
                let told = ask(boss, named("b")).await.unwrap_err().to_string();
                let text = "stage/boss has no child named b: one that an actor adds itself is asked for by its address, not \
                            by its name";
                assert_eq!(told, text);
                ask(boss, TerminateChild::at(b)).await.expect("it runs");
                ask(boss, DeleteChild::at(b)).await.expect("it is down");
                assert_eq!(refusals(boss, b).await, "NotFound, NotFound, NotFound");
            }
        };
        let boss = Role::new("boss", &log).decide(|_, _, _| Decision::Stop);
        let boss = boss.begin(move |_, cx| _ = cx.child(tells("b", &of)));
        stage().child(boss.child()).child(scripted(&log, script))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "b drops",
            "b starts",
            "b drops",
            "b starts",
            "b runs",
            "b stops: shutdown",
            "b drops"
        ]
    );
}

/// All are there before the first is served, and so before the slot of the child is free.
fn m22_a_child_that_was_deleted_is_not_found_by_its_address(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let mine = log.clone();
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let start = StartChild::new(move || puppet("b", &log).transient());
                let b = ask(root, start).await.expect("it can start");
                let b = b.expect("it is not ignored").address;
                ask(root, TerminateChild::at(b)).await.expect("it runs");
                root.suspend();
                let deleted = root.admin().ask(DeleteChild::at(b), LONG);
                let ended = root.admin().ask(TerminateChild::at(b), LONG);
                let again = root.admin().ask(RestartChild::at(b), LONG);
                root.resume();
                assert!(matches!(deleted.await, Ok(Ok(()))));
                let told = ended.await;
                assert!(
                    matches!(told, Ok(Err(AdminError::NotFound { .. }))),
                    "{told:?}"
                );
                let told = again.await;
                assert!(
                    matches!(told, Ok(Err(AdminError::NotFound { .. }))),
                    "{told:?}"
                );
            }
        };
        stage().child(scripted(&log, script))
    });
}

/// A bad spec is refused before anything starts; a child that cannot start leaves nothing.
fn m22_what_cannot_be_started_leaves_nothing(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (mine, claimed) = (log.clone(), here.reserve());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let of = log.clone();
                let spec = StartChild::new(move || puppet("x", &of).significant());
                let told = ask(root, spec).await.unwrap_err();
                assert!(matches!(told, AdminError::BadSpec(_)), "{told}");
                let of = log.clone();
                let spec = StartChild::new(move || puppet("x", &of).at(claimed));
                let told = ask(root, spec).await.unwrap_err();
                assert!(matches!(told, AdminError::BadSpec(_)), "{told}");
                let spec = StartChild::new(|| -> Supervisor { panic!("no plan") });
                let told = ask(root, spec).await.unwrap_err();
                assert!(matches!(told, AdminError::BadSpec(_)), "{told}");
                let of = log.clone();
                let spec = StartChild::new(move || {
                    let bad = Role::new("y", &of).start(|_, _| Err(Error::message("not today")));
                    group("x").child(tells("w", &of)).child(bad.child())
                });
                let told = ask(root, spec).await.unwrap_err();
                assert!(matches!(told, AdminError::StartFailed(_)), "{told}");
                log.put(list(root).await);
            }
        };
        stage()
            .child(puppet("b", &log).at(claimed))
            .child(scripted(&log, script))
    });
    assert_eq!(
        log.all(),
        [
            "w starts",
            "w stops: shutdown < y: failed: not today",
            "w drops",
            "b runs, lead runs"
        ]
    );
}

/// A supervisor that was added with its children comes and goes as one, on its locality.
fn m22_a_subtree_is_started_by_a_request(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let away = far.spawn("away");
        let mine = log.clone();
        let script = move |root: Address| {
            let (log, away) = (mine.clone(), away.clone());
            async move {
                let of = log.clone();
                let tree = StartChild::new(move || {
                    group("x").on(&away, move |s| {
                        s.child(tells("b", &of)).child(tells("c", &of))
                    })
                });
                let x = ask(root, tree).await.expect("it can start");
                let x = x.expect("it is not ignored").address;
                log.put(list(x).await);
                ask(root, named("x")).await.expect("it is known");
                let asked = x.admin().ask(WhichChildren, LONG).await;
                assert!(matches!(asked, Err(RequestError::Ended(_))), "{asked:?}");
                ask(root, DeleteChild::named("x"))
                    .await
                    .expect("it is down");
                assert_eq!(refusals(root, x).await, "NotFound, NotFound, NotFound");
                assert_eq!(list(root).await, "lead runs");
            }
        };
        stage().child(scripted(&log, script))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "c starts",
            "b runs, c runs",
            "c stops: shutdown",
            "c drops",
            "b stops: shutdown",
            "b drops",
        ]
    );
}

/// It asks for both at once: the answer to the first would come to an instance that is gone.
fn l23_an_actor_may_have_itself_started_anew(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        act(b, |me, cx| {
            let above = cx.supervisor().expect("it has one");
            let told = |me: &mut Puppet, _: &mut Context<Puppet>| me.say("told of it");
            cx.request_from(above.admin(), named("b"), LONG, move |me, _, cx| {
                told(me, cx)
            });
            let again = RestartChild::named("b");
            cx.request_from(above.admin(), again, LONG, move |me, _, cx| told(me, cx));
            me.say("asks");
        });
        when(a, (2, "b starts"), move |_, cx| {
            b.send(Say("here again"));
            when(cx.addr(), (1, "b: here again"), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(tells("b", &theirs).at(b))))
    });
    let expected = [
        "b starts",
        "b: asks",
        "b stops: shutdown",
        "b drops",
        "b starts",
        "b: here again",
    ];
    assert_eq!(log.all()[..6], expected);
    assert_eq!(
        played.lost(Reason::Late).len(),
        2,
        "nobody hears the answers"
    );
    assert_eq!(log.live(), 0);
}

/// Asked by a handler, with a time limit, and of an actor that has children of its own.
fn m12_an_actor_that_supervises_is_asked_as_well(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |me, cx| {
            let b = cx.child(tells("b", &me.log));
            let own = cx.addr().address();
            cx.request_from(own.admin(), WhichChildren, LONG, move |me, children, cx| {
                let children = children.expect("it runs");
                assert_eq!(children[0].address, b.address());
                assert!(!children[0].is_supervisor);
                let request = TerminateChild::at(b.address());
                cx.request_from(own.admin(), request, LONG, |me, done, cx| {
                    done.expect("it runs").expect("it is its child");
                    me.say("done");
                    cx.stop();
                });
                me.say(children.len());
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "a: 1",
            "b stops: shutdown",
            "b drops",
            "a: done"
        ]
    );
}

/// A child of its own holds its stop up: what it is asked as a supervisor waits for that, its handlers
/// do not, and one of them lets the child go.
fn m12_an_actor_that_waits_for_a_child_goes_on_with_its_messages(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |me, cx| {
            let role = Role::new("b", &me.log).telling().stop(move |_, _, cx| {
                let hold = cx.hold("until its parent goes on");
                a.send(Say("goes on"));
                // Behind whatever the first message lets happen.
                act(a, move |_, _| {
                    act(a, move |me, _| {
                        me.say("lets it go");
                        drop(hold);
                    });
                });
            });
            let b = cx.child(role.child());
            let own = cx.addr().address();
            let request = TerminateChild::at(b.address());
            cx.request_from(own.admin(), request, LONG, |me, done, _| {
                done.expect("it runs").expect("it is its child");
                me.say("b is terminated");
            });
            cx.request_from(own.admin(), CountChildren, LONG, |me, count, cx| {
                me.say(format!("{} runs", count.expect("it runs").active));
                cx.stop();
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "b stops: shutdown",
            "a: goes on",
            "a: lets it go",
            "b drops",
            "a: b is terminated",
            "a: 0 runs"
        ]
    );
}

/// Nothing is parked for a supervisor that does not run; what it has not served when it ends is
/// ended with it.
fn m01_administrative_requests_are_never_parked(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|_| {
        let away = far.spawn("away");
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let far = child(root, "far").await.address;
                far.suspend();
                let waiting = far.admin().ask(CountChildren, LONG);
                far.stop();
                match waiting.await {
                    Err(RequestError::Ended(exit)) => log.put(format!("ended: {exit}")),
                    other => panic!("{other:?}"),
                }
                let late = far.admin().ask(CountChildren, LONG).await;
                assert!(matches!(late, Err(RequestError::Ended(_))), "{late:?}");
                ask(root, DeleteChild::named("far"))
                    .await
                    .expect("it is down");
                let gone = far.admin().ask(CountChildren, LONG).await;
                assert!(
                    matches!(gone, Err(RequestError::Gone | RequestError::Ended(_))),
                    "{gone:?}"
                );
            }
        };
        let far = group("far").transient();
        stage()
            .child(far.on(&away, move |s| s.child(puppet("b", &theirs))))
            .child(scripted(&log, script))
    });
    assert_eq!(log.all(), ["ended: shutdown"]);
}

/// A tree with parts that are put aside in one way or the other: what is declared next to their supervisor,
/// elsewhere below another one, and by a temporary child.
struct Aside {
    sim: Sim,
    /// Where the supervisor of the parts is.
    home: Locality,
    away: Locality,
    app: App,
    boss: Addr<Puppet>,
    parts: [Addr<Puppet>; 3],
    log: Log,
}

const PARTS: [Name<Puppet>; 3] = [LOG, DOOR, BELL];

/// Time for some restarts of the parts' supervisor.
const SOON: Duration = ms(500);

impl Aside {
    /// With the supervisor of the parts where the root is, or elsewhere.
    fn new(seed: u64, placed: bool, log: &Log) -> Self {
        Self::below(stage().intensity(3, ms(5000)), seed, placed, log)
    }

    fn below(root: Supervisor, seed: u64, placed: bool, log: &Log) -> Self {
        let mut sim = Sim::new(seed);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let home = if placed {
            sim.locality("home")
        } else {
            here.clone()
        };
        let parts = [home.reserve(), away.reserve(), home.reserve()];
        let [b, c, t] = parts;
        let (boss, theirs, there) = (here.reserve(), log.clone(), away.clone());
        let build = move |s: Supervisor| {
            let log = theirs.clone();
            let far = group("far").backoff(Backoff::fixed(ms(1)));
            let far = far.on(&there, move |s| {
                s.child(group("in").child(puppet("c", &log).at(c).named(DOOR)))
            });
            s.child(group("near").child(puppet("b", &theirs).at(b).named(LOG)))
                .child(far)
                .child(puppet("t", &theirs).at(t).named(BELL).temporary())
        };
        let parts_of = group("parts").backoff(Backoff::fixed(ms(20)));
        let parts_of = if placed {
            parts_of.on(&home, build)
        } else {
            build(parts_of)
        };
        let tree = root.child(puppet("boss", log).at(boss)).child(parts_of);
        let app = sim.start(tree).expect("a sound tree");
        sim.run_until_idle();
        let mut this = Aside {
            sim,
            home,
            away,
            app,
            boss,
            parts,
            log: log.clone(),
        };
        for part in ["near", "far"] {
            this.ask(TerminateChild::named(part)).expect("it runs");
            this.ask(DeleteChild::named(part)).expect("it is down");
        }
        end(t);
        this.sim.run_until_idle();
        this
    }

    fn names(&self) -> Vec<String> {
        let tree = self.app.tree();
        tree.nodes
            .iter()
            .map(|node| node.name.to_string())
            .collect()
    }

    fn supervisor(&self) -> Address {
        let nodes = self.app.tree().nodes;
        let parts = nodes.iter().find(|node| node.name == "parts");
        parts.expect("it is never deleted").address
    }

    fn ask<R: Send + 'static, Q>(&mut self, request: Q) -> Result<R, AdminError>
    where
        Q: AdminRequest<Reply = Result<R, AdminError>>,
    {
        let asked = self.supervisor().admin().ask(request, LONG);
        self.sim.block_on(asked).expect("it runs").expect("it runs")
    }

    /// Has the boss do something, now.
    fn boss(&mut self, f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static) {
        act(self.boss, f);
        self.sim.run_until_idle();
    }

    /// Whether the names are somebody's: the boss cannot have them.
    fn taken(&mut self) -> [bool; 3] {
        let before = self.log.count("boss: taken");
        let mut taken = [false; 3];
        for (taken, name) in taken.iter_mut().zip(PARTS) {
            let count = self.log.count("boss: taken");
            self.boss(move |me, cx| match cx.register(name.clone()) {
                Ok(()) => assert!(cx.unregister(name)),
                Err(NameError::Taken { .. }) => me.say("taken"),
                Err(error) => panic!("{error}"),
            });
            *taken = self.log.count("boss: taken") > count;
        }
        let all = self.log.count("boss: taken") - before;
        assert_eq!(all, taken.iter().filter(|taken| **taken).count());
        taken
    }

    fn all_are_there(&self) {
        let names = ["stage", "boss", "parts", "near", "b", "far", "in", "c", "t"];
        assert_eq!(self.names(), names);
        for (part, name) in self.parts.into_iter().zip(PARTS) {
            assert_eq!(self.app.lookup(name), Ok(part));
        }
    }
}

/// Neither pictures nor the registry know it; whoever waits for its name gets the next owner.
fn m22_a_deleted_child_leaves_its_place_to_others(seed: u64) {
    for placed in [false, true] {
        leaves_its_place(seed, placed);
    }
}

fn leaves_its_place(seed: u64, placed: bool) {
    let log = Log::new();
    let mut aside = Aside::new(seed, placed, &log);
    assert_eq!(aside.names(), ["stage", "boss", "parts"]);
    for (part, name) in aside.parts.into_iter().zip(PARTS) {
        assert_eq!(aside.app.tree().path(part.address()), None);
        // Its spec comes back with its supervisor, and so does the address.
        assert_eq!(part.address().state(), Lifecycle::Down);
        assert!(aside.app.lookup(name).is_err());
    }
    aside.boss(|_, cx| {
        for name in PARTS {
            cx.find_within(name.clone(), LONG, |me, found, cx| {
                assert_eq!(found, Ok(cx.addr()));
                me.say("found");
            });
            cx.register(name).expect("it is nobody's");
        }
    });
    assert_eq!(log.count("boss: found"), 3);
    let more = || {
        let log = aside.log.clone();
        StartChild::new(move || group("near").child(puppet("b", &log).named(LOG)))
    };
    let (refused, more) = (more(), more());
    let told = aside.ask(refused);
    let Err(AdminError::BadSpec(StartError::Name { error, .. })) = told else {
        panic!("{told:?}");
    };
    assert_eq!(
        error.to_string(),
        format!("the name log belongs to boss{OTHERWISE}")
    );
    aside.boss(|_, cx| assert!(cx.unregister(LOG)));
    let near = aside.ask(more).expect("it is nobody's").expect("it starts");
    let [old, ..] = aside.parts;
    let new = aside.app.lookup(LOG).expect("it is there");
    assert_ne!(new, old);
    let tree = aside.app.tree();
    assert_eq!(
        tree.path(new.address()).as_deref(),
        Some("stage/parts/near/b")
    );
    assert_eq!(tree.path(near.address).as_deref(), Some("stage/parts/near"));
    assert_eq!(aside.names(), ["stage", "boss", "parts", "near", "b"]);
}

/// As in OTP, where the supervisor makes its specs anew: with the same addresses and names.
fn m22_a_deleted_child_comes_back_with_its_supervisor(seed: u64) {
    for placed in [false, true] {
        let mut aside = Aside::new(seed, placed, &Log::new());
        let parts = aside.supervisor();
        for _ in 0..2 {
            parts.kill();
            aside.sim.run_for(SOON);
            aside.all_are_there();
        }
        // What a lost loop will have again is not given to others.
        aside.sim.lose(&aside.away);
        assert_eq!(aside.taken(), [true; 3]);
    }
}

/// Before another loop has heard that it was deleted.
fn m22_a_deleted_child_that_comes_back_soon_keeps_its_names(seed: u64) {
    for placed in [false, true] {
        let mut aside = Aside::new(seed, placed, &Log::new());
        let parts = aside.supervisor();
        parts.kill();
        aside.sim.run_for(SOON);
        aside.sim.delay(&aside.home, &aside.away, ms(100));
        aside.ask(TerminateChild::named("far")).expect("it runs");
        aside.ask(DeleteChild::named("far")).expect("it is down");
        parts.kill();
        aside.sim.run_for(ms(110));
        assert_eq!(aside.taken(), [true; 3]);
        aside.sim.run_for(SOON);
        aside.all_are_there();
    }
}

/// With the loop of its supervisor as well: the closure that builds the subtree declares it again. Not with
/// its own.
fn m22_a_deleted_child_comes_back_with_the_loop_of_its_supervisor(seed: u64) {
    let mut aside = Aside::below(stage(), seed, true, &Log::new());
    let (home, away) = (aside.home.clone(), aside.away.clone());
    for _ in 0..2 {
        assert_eq!(aside.taken(), [false; 3]);
        aside.sim.lose(&away);
        aside.sim.run_for(SOON);
        aside.sim.open(away.clone());
        aside.sim.run_for(SOON);
    }
    aside.sim.lose(&home);
    aside.sim.run_for(SOON);
    assert_eq!(aside.taken(), [true; 3]);
    aside.sim.open(home.clone());
    aside.sim.run_for(LONG);
    aside.all_are_there();
    // Somebody else has a name by then: the subtree is not built before it is free again.
    aside.ask(TerminateChild::named("near")).expect("it runs");
    aside.ask(DeleteChild::named("near")).expect("it is down");
    aside.boss(|_, cx| cx.register(LOG).expect("it is nobody's"));
    aside.sim.lose(&home);
    aside.sim.open(home);
    aside.sim.run_for(SOON);
    assert_eq!(aside.app.lookup(LOG), Ok(aside.boss));
    assert_ne!(aside.parts[0].address().state(), Lifecycle::Running);
    aside.boss(|_, cx| assert!(cx.unregister(LOG)));
    assert_eq!(aside.taken(), [true; 3]);
    aside.sim.run_for(LONG);
    aside.all_are_there();
}

/// Also those of another loop, which hears of it later; of a spec that comes back, of one that does not,
/// and of one that is below such a one.
fn m22_names_are_free_when_it_is_told_that_a_child_was_deleted(seed: u64) {
    for which in ["declared", "added", "below one that was added"] {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let (theirs, there) = (log.clone(), away.clone());
        let far = move || {
            let log = theirs.clone();
            group("far").on(&there, move |s| s.child(puppet("c", &log).named(DOOR)))
        };
        let root = group("root");
        let root = if which == "declared" {
            root.child(far())
        } else {
            root
        };
        let app = sim.start(root).expect("a sound tree");
        let root = app.root();
        let child = if which == "below one that was added" {
            "near"
        } else {
            "far"
        };
        if which != "declared" {
            let add = StartChild::new(move || match child {
                "near" => Node::from(group("near").child(far())),
                _ => Node::from(far()),
            });
            let added = sim.block_on(root.admin().ask(add, LONG));
            assert!(matches!(added, Some(Ok(Ok(Some(_))))), "{added:?}");
        }
        sim.run_until_idle();
        let old = app.lookup(DOOR).expect("it is there");
        let stopped = sim.block_on(root.admin().ask(TerminateChild::named(child), LONG));
        assert!(matches!(stopped, Some(Ok(Ok(())))), "{stopped:?}");
        sim.delay(&here, &away, ms(100));
        let deleted = sim.block_on(root.admin().ask(DeleteChild::named(child), LONG));
        assert!(matches!(deleted, Some(Ok(Ok(())))), "{deleted:?}");
        let mine = log.clone();
        let add = StartChild::new(move || puppet("d", &mine).named(DOOR));
        let added = sim.block_on(root.admin().ask(add, LONG));
        assert!(matches!(added, Some(Ok(Ok(Some(_))))), "{which}: {added:?}");
        let new = app.lookup(DOOR).expect("it is there");
        assert_ne!(new, old);
        sim.run_for(ms(200)); // now the other loop has heard of it
        assert_eq!(app.lookup(DOOR), Ok(new));
    }
}

/// Also what the loop in the middle has planned, which hears of it later.
fn m22_names_two_loops_below_are_free_when_it_is_told_that_a_child_was_deleted(seed: u64) {
    for added in [false, true] {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let (theirs, there, third) = (log.clone(), away.clone(), sim.locality("third"));
        let far = move || {
            let (log, third) = (theirs.clone(), third.clone());
            group("far").on(&there, move |s| {
                let log = log.clone();
                s.child(group("inner").on(&third, move |s| s.child(puppet("c", &log).named(DOOR))))
            })
        };
        let root = match added {
            false => group("root").child(far()),
            true => group("root"),
        };
        let app = sim.start(root).expect("a sound tree");
        let root = app.root();
        if added {
            let added = sim.block_on(root.admin().ask(StartChild::new(far), LONG));
            assert!(matches!(added, Some(Ok(Ok(Some(_))))), "{added:?}");
        }
        sim.run_until_idle();
        app.lookup(DOOR).expect("it is there");
        let stopped = sim.block_on(root.admin().ask(TerminateChild::named("far"), LONG));
        assert!(matches!(stopped, Some(Ok(Ok(())))), "{stopped:?}");
        sim.run_until_idle();
        sim.delay(&here, &away, ms(100));
        let deleted = sim.block_on(root.admin().ask(DeleteChild::named("far"), LONG));
        assert!(matches!(deleted, Some(Ok(Ok(())))), "{deleted:?}");
        let mine = log.clone();
        let add = StartChild::new(move || puppet("d", &mine).named(DOOR));
        let started = sim.block_on(root.admin().ask(add, LONG));
        assert!(matches!(started, Some(Ok(Ok(Some(_))))), "{started:?}");
        let new = app.lookup(DOOR).expect("it is there");
        sim.run_for(ms(200)); // now the other loops have heard of it
        assert_eq!(app.lookup(DOOR), Ok(new));
    }
}

/// Before its slots are freed: of one that was added, of what is below it, and of what was added to one
/// that lives elsewhere. Whoever asks may be on another loop.
fn m22_names_of_what_was_added_are_free_when_it_is_told_that_it_was_deleted(seed: u64) {
    let ways = ["the child", "below it", "below, elsewhere"];
    for (way, seed) in ways
        .into_iter()
        .flat_map(|way| (0..8).map(move |n| (way, 8 * seed + n)))
    {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        sim.locality("here");
        let (away, third) = (sim.locality("away"), sim.locality("third"));
        let boss = away.reserve();
        let mine = log.clone();
        let office = group("office").on(&away, move |s| s.child(puppet("boss", &mine).at(boss)));
        let app = sim
            .start(group("root").child(office))
            .expect("a sound tree");
        let root = app.root();
        let theirs = log.clone();
        let add = StartChild::new(move || {
            let c = puppet("c", &theirs).named(DOOR);
            match way {
                "the child" => Node::from(c),
                "below it" => Node::from(group("c").child(c)),
                _ => Node::from(group("c").on(&third, |s| s)),
            }
        });
        let added = sim.block_on(root.admin().ask(add, LONG));
        let Some(Ok(Ok(Some(added)))) = added else {
            panic!("{added:?}");
        };
        if way == "below, elsewhere" {
            let theirs = log.clone();
            let more = StartChild::new(move || puppet("x", &theirs).named(DOOR));
            let more = sim.block_on(added.address.admin().ask(more, LONG));
            assert!(matches!(more, Some(Ok(Ok(Some(_))))), "{more:?}");
        }
        sim.run_until_idle();
        app.lookup(DOOR).expect("it is there");
        act(boss, move |_, cx| {
            let stop = TerminateChild::named("c");
            cx.request_from(root.admin(), stop, LONG, move |me, _, cx| {
                me.say("stopped");
                let delete = DeleteChild::named("c");
                cx.request_from(root.admin(), delete, LONG, |me, deleted, cx| {
                    assert!(matches!(deleted, Ok(Ok(()))), "{deleted:?}");
                    me.say(match cx.register(DOOR) {
                        Ok(()) => "free",
                        Err(_) => "taken",
                    });
                });
            });
        });
        sim.run_until_idle();
        let told = ["boss: stopped", "boss: free"].map(|text| log.count(text));
        assert_eq!(told, [1, 1], "{way}, seed {seed}");
        assert_eq!(app.lookup(DOOR), Ok(boss));
    }
}

/// It fails, and with it the start of its supervisor.
fn m22_a_deleted_child_does_not_come_back_without_its_name(seed: u64) {
    let names = [(LOG, "b: the name log"), (DOOR, "c: the name door")];
    let ways = [false, true].map(|placed| names.clone().map(|name| (placed, name)));
    for (placed, (name, text)) in ways.into_iter().flatten() {
        let mut aside = Aside::new(seed, placed, &Log::new());
        aside.boss(move |_, cx| cx.register(name).expect("it is nobody's"));
        aside.supervisor().kill();
        aside.sim.run_for(SOON);
        let exit = aside.app.tree().ended.expect("it gives up");
        let (child, name) = text.split_once(": ").unwrap();
        let why = format!("{child} cannot start: {name} belongs to boss: ");
        assert!(chain(&exit).contains(&why), "{}", chain(&exit));
        let reason = exit.root_cause().reason();
        let refused = matches!(reason, ExitReason::Refused(StartError::Name { .. }));
        assert!(refused, "{reason:?}");
    }
}

/// All of its names or none: what it cannot use is free for others, and stays theirs whatever is done
/// with it.
fn m22_a_deleted_child_that_misses_a_name_keeps_none(seed: u64) {
    for placed in [false, true] {
        misses_a_name(seed, placed);
    }
}

fn misses_a_name(seed: u64, placed: bool) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let home = if placed { &away } else { &here };
    let (boss, b) = (here.reserve(), home.reserve());
    let theirs = log.clone();
    let two = move |s: Supervisor| s.child(puppet("b", &theirs).at(b).named(LOG).named(BELL));
    let parts = group("parts").decide(|_| Decision::Stop);
    let parts = if placed {
        parts.on(home, two)
    } else {
        two(parts)
    };
    let tree = group("root")
        .child(puppet("boss", &log).at(boss))
        .child(parts);
    let app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    let parts = app.tree().nodes[2].address;
    let stop = sim.block_on(parts.admin().ask(TerminateChild::named("b"), LONG));
    let delete = sim.block_on(parts.admin().ask(DeleteChild::named("b"), LONG));
    assert!(matches!(
        (stop, delete),
        (Some(Ok(Ok(()))), Some(Ok(Ok(()))))
    ));
    act(boss, |_, cx| cx.register(BELL).expect("it is nobody's"));
    sim.run_until_idle();
    parts.kill();
    sim.run_until_idle();
    let states = [parts, b.address()].map(Address::state);
    assert_eq!(states, [Lifecycle::Running, Lifecycle::Down]);
    act(boss, |_, cx| {
        cx.register(LOG).expect("nobody can use it");
    });
    sim.run_until_idle();
    let again = |sim: &mut Sim| {
        let again = parts.admin().ask(RestartChild::named("b"), LONG);
        sim.block_on(again).expect("it runs").expect("it runs")
    };
    assert!(matches!(again(&mut sim), Err(AdminError::StartFailed(_))));
    let stop = sim.block_on(parts.admin().ask(TerminateChild::named("b"), LONG));
    assert!(matches!(stop, Some(Ok(Ok(())))), "{stop:?}");
    for name in [LOG, BELL] {
        assert_eq!(app.lookup(name), Ok(boss), "seed {seed}");
    }
    act(boss, |_, cx| {
        assert!(cx.unregister(LOG) && cx.unregister(BELL));
    });
    sim.run_until_idle();
    assert!(matches!(again(&mut sim), Ok(Some(_))));
    for name in [LOG, BELL] {
        assert_eq!(app.lookup(name), Ok(b), "seed {seed}");
    }
}

/// One template, an argument for each instance, the same one after a restart.
fn m22_a_pool_makes_instances_of_one_template(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let away = far.spawn("away");
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let pool = child(root, "pool").await.address;
                let start = |name| StartInstance::<Puppet, &'static str>::new(name);
                let b = ask(pool, start("b")).await.expect("it can start");
                let b = b.expect("it is not ignored");
                let c = ask(pool, start("c")).await.expect("it can start");
                let c = c.expect("it is not ignored").address;
                crash(b.address);
                b.address.send(Say("again"));
                while log.count("b: again") == 0 {
                    ask(pool, CountChildren).await;
                }
                let count = ask(pool, CountChildren).await;
                assert_eq!((count.specs, count.active, count.workers), (1, 2, 2));
                let told = ask(pool, named("b")).await;
                assert!(matches!(told, Err(AdminError::Pool { .. })));
                let no_spec = "an instance of a pool cannot be restarted or deleted: terminate it, and start \
                               another with `StartInstance`";
                let told = ask(pool, RestartChild::at(b.address.address())).await;
                assert_eq!(told.unwrap_err().to_string(), no_spec);
                let told = ask(pool, DeleteChild::at(b.address.address())).await;
                assert_eq!(told.unwrap_err().to_string(), no_spec);
                let node = || -> Node { Supervisor::one_for_one("more").into() };
                let told = ask(pool, StartChild::new(node)).await.unwrap_err().to_string();
                assert!(told.starts_with("this is a pool: ask for a `StartInstance<"), "{told}");
                assert!(told.ends_with("Puppet, &str>`"), "{told}");
                let wrong = ask(pool, StartInstance::<Puppet, u8>::new(1)).await;
                let Err(error @ AdminError::NotThisPool { makes: Some(_), .. }) = wrong else {
                    panic!("{wrong:?}");
                };
                let told = error.to_string();
                assert!(
                    told.contains("Puppet of &") && told.contains("Puppet of u8"),
                    "{told}"
                );
                let old = TerminateChild::instance(b.address.address(), b.instance);
                ask(pool, old).await.expect("it is gone already");
                assert_eq!(ask(pool, CountChildren).await.active, 2);
                ask(pool, TerminateChild::at(b.address.address()))
                    .await
                    .expect("it runs");
                ask(pool, TerminateChild::at(b.address.address()))
                    .await
                    .expect("it is gone");
                for foreign in [root, pool] {
                    let told = ask(pool, TerminateChild::at(foreign)).await;
                    assert!(matches!(told, Err(AdminError::NotFound { .. })), "{told:?}");
                }
                end(c);
                while ask(pool, CountChildren).await.active > 0 {}
            }
        };
        stage()
            .child(Supervisor::one_for_one("pool").on(&away, move |_| {
                let log = theirs.clone();
                let make =
                    move |name, _: &mut Context<Puppet>| Role::new(name, &log).telling().play(1);
                Supervisor::simple_one_for_one("pool", make)
                    .intensity(9, ms(5000))
                    .instances(Restart::Transient)
            }))
            .child(scripted(&log, script))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "c starts",
            "b drops",
            "b starts",
            "b: again",
            "b stops: shutdown",
            "b drops",
            "c stops: normal",
            "c drops",
        ]
    );
}

/// One more than a pool may have is refused, with an error of its own; those that wait for a restart
/// count, and what ends makes room.
fn l04_a_pool_has_at_most_so_many_instances(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let away = far.spawn("away");
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let pool = child(root, "pool").await.address;
                let start = |name| StartInstance::<Puppet, &'static str>::new(name);
                let b = ask(pool, start("b")).await.expect("there is room");
                let c = ask(pool, start("c")).await.expect("there is room");
                let (b, c) = (b.expect("it starts").address, c.expect("it starts").address);
                let told = ask(pool, start("d")).await;
                assert!(
                    matches!(told, Err(AdminError::Full { most: 2 })),
                    "{told:?}"
                );
                crash(b);
                while log.count("b drops") == 0 {
                    ask(pool, CountChildren).await;
                }
                let told = ask(pool, start("e")).await;
                assert!(
                    matches!(told, Err(AdminError::Full { most: 2 })),
                    "{told:?}"
                );
                end(c);
                while ask(pool, CountChildren).await.workers > 1 {}
                ask(pool, start("f")).await.expect("there is room");
            }
        };
        stage()
            .child(Supervisor::one_for_one("pool").on(&away, move |_| {
                let log = theirs.clone();
                let make =
                    move |name, _: &mut Context<Puppet>| Role::new(name, &log).telling().play(1);
                Supervisor::simple_one_for_one("pool", make)
                    .instances(Restart::Transient)
                    .instance_backoff(Backoff::fixed(LONG))
                    .instances_at_most(2)
            }))
            .child(scripted(&log, script))
    });
    let starts = ["b", "c", "d", "e", "f"].map(|name| log.count(&format!("{name} starts")));
    assert_eq!(starts, [1, 1, 0, 0, 1]);
}

/// The instances of a pool stop all at the same time: each waits for the last one.
fn m22_the_instances_of_a_pool_stop_together(on: &dyn Backend) {
    let log = Log::new();
    let all = Log::new();
    on.run(|_| {
        let (mine, of) = (log.clone(), all.clone());
        let script = move |root: Address| async move {
            let pool = child(root, "pool").await.address;
            for name in ["b", "c", "d"] {
                let started = ask(pool, StartInstance::<Puppet, &str>::new(name)).await;
                started.expect("it can start");
            }
            ask(root, named("pool")).await.expect("it runs");
        };
        let make = move |name, _: &mut Context<Puppet>| {
            let of = of.clone();
            let role = Role::new(name, &mine).stop(move |me, _, cx| {
                of.put(me.name);
                let hold = cx.hold("the others");
                let of = of.clone();
                fn wait(of: Log, hold: Hold, cx: &mut Context<Puppet>) {
                    if of.all().len() < 3 {
                        later(cx, ms(1), move |_, cx| wait(of, hold, cx));
                    } else {
                        drop(hold);
                    }
                }
                wait(of, hold, cx);
            });
            role.play(1)
        };
        stage()
            .child(Supervisor::simple_one_for_one("pool", make).instance_limits(LONG, LONG))
            .child(scripted(&log, script))
    });
    assert_eq!(all.all().len(), 3);
    assert_eq!(log.live(), 0);
}

/// A factory that makes nothing, and means it.
fn m22_an_ignored_start_is_no_error(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let mine = log.clone();
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                log.put(list(root).await);
                let wanted = ask(root, RestartChild::named("b")).await;
                log.put(format!("{wanted:?}"));
                let nothing = StartChild::new(|| Child::new("d", || None::<Puppet>).temporary());
                log.put(format!("{:?}", ask(root, nothing).await));
                log.put(list(root).await);
            }
        };
        let never = Child::new("b", || Ok::<Option<Puppet>, Error>(None));
        stage()
            .child(never)
            .child(tells("c", &log).temporary())
            .child(Child::new("t", || None::<Puppet>).temporary())
            .child(scripted(&log, script))
    });
    assert_eq!(
        log.all(),
        [
            "c starts",
            "b is down, c runs, lead runs",
            "Ok(None)",
            "Ok(None)",
            "b is down, c runs, lead runs",
            "c stops: shutdown < lead: normal",
            "c drops",
        ]
    );
}

/// An instance whose restart is ignored leaves nothing behind, and the pool goes on.
fn m22_an_instance_that_is_ignored_at_its_restart_is_dropped(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let (mine, of) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let pool = child(root, "pool").await.address;
                for name in ["b", "c"] {
                    let start = StartInstance::<Puppet, &str>::new(name);
                    let started = ask(pool, start).await.expect("it can start");
                    let address = started.expect("it starts").address;
                    crash(address);
                    while ask(pool, CountChildren).await.workers > 0 {}
                    let old = TerminateChild::at(address.address());
                    ask(pool, old).await.expect("it is gone already");
                }
                log.put(list(root).await);
            }
        };
        let make = move |name: &'static str, _: &mut Context<Puppet>| {
            let begun = format!("{name} starts");
            (of.count(&begun) == 0).then(|| Role::new(name, &of).telling().play(1))
        };
        let pool = Supervisor::simple_one_for_one("pool", make).intensity(9, ms(5000));
        stage().child(pool).child(scripted(&log, script))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "b drops",
            "c starts",
            "c drops",
            "pool runs, lead runs"
        ]
    );
}

/// Messages for a child whose start was ignored are not parked.
fn m22_nothing_is_parked_for_an_ignored_child(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let b = here.reserve::<Puppet>();
        b.send(Say("early"));
        let script = move |_| async move {
            let late = b.try_send(Say("late")).unwrap_err();
            assert_eq!(late.reason, Reason::Stopped);
        };
        stage()
            .child(Child::new("b", || None::<Puppet>).at(b))
            .child(scripted(&log, script))
    });
    assert_eq!(played.lost(Reason::Stopped), ["Say"]);
}

/// What an actor says in its stop hook is how it ends.
fn m13_a_stop_hook_may_say_how_it_ends(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let with = |name, exit: fn() -> Exit| {
            Role::new(name, &log)
                .stop(move |_, _, cx| {
                    cx.stop_with(exit());
                    cx.stop(); // the first word counts
                })
                .child()
        };
        stage()
            .child(with("b", || Exit::shutdown_with("why")))
            .child(with("c", Exit::normal))
            .child(with("d", || Exit::failed(Error::message("late"))))
            .child(scripted(&log, |_| async {}))
    });
    assert_eq!(
        played.exits[1..4],
        ["d: failed: late", "c: normal", "b: shutdown: why"]
    );
    assert!(!played.exit.is_failure());
}

/// A child that is removed by force is gone before the next thing happens.
fn m10_force_is_exact_within_a_locality(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let deaf = |name| {
            Role::new(name, &log).stop(|me, _, cx| {
                let hold = cx.hold("it does not listen");
                me.kept.push(Box::new(hold));
            })
        };
        let inner = group("inner")
            .child(deaf("b").child().stop_limit(ms(2)))
            .child(deaf("c").child().stop_limit(ms(0)))
            .child(deaf("d").child().stop_limit(ms(2)));
        stage().child(inner).child(scripted(&log, |_| async {}))
    });
    let names: Vec<&str> = played
        .exits
        .iter()
        .map(|e| e.split(' ').next().unwrap())
        .collect();
    assert_eq!(names, ["lead:", "d:", "c:", "b:", "inner:", "stage:"]);
    assert_eq!(played.exits[1..4], ["d: killed", "c: killed", "b: killed"]);
}

/// It is the first reason: the instance, or what goes first in the queue, has it said before.
fn m10_force_does_not_replace_what_an_instance_has_said(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let [b, c, d] = [(); 3].map(|()| here.reserve());
        let mine = log.clone();
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                act(b, |_, cx| {
                    cx.addr().address().kill();
                    cx.stop();
                });
                act(c, |_, cx| {
                    cx.addr().address().kill();
                    cx.fail(Error::message("broken"));
                });
                act(d, |_, cx| cx.addr().address().kill());
                while !list(root).await.contains("b is down") {}
                while log.count("c starts") < 2 || log.count("d starts") < 2 {
                    ask(root, CountChildren).await;
                }
                assert_eq!(b.address().state(), Lifecycle::Down);
            }
        };
        stage()
            .child(tells("b", &log).at(b).transient())
            .child(tells("c", &log).at(c).transient())
            .child(tells("d", &log).at(d).transient())
            .child(scripted(&log, script))
    });
    let mut first = played.exits[..3].to_vec();
    first.sort();
    assert_eq!(first, ["b: normal", "c: failed: broken", "d: killed"]);
    came_to_its_end(&played);
    assert_eq!(log.count("b starts"), 1);
}

/// By its number in the pool, which stays over restarts, and which no later instance gets.
fn m22_an_instance_of_a_pool_has_a_name_of_its_own(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let away = far.spawn("away");
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let pool = child(root, "pool").await.address;
                let start = |name| StartInstance::<Puppet, &'static str>::new(name);
                let b = ask(pool, start("b")).await.expect("it can start");
                let c = ask(pool, start("c")).await.expect("it can start");
                let (b, c) = (b.expect("it starts").address, c.expect("it starts").address);
                log.put(list(pool).await);
                crash(b);
                end(c);
                while ask(pool, CountChildren).await.workers > 1 || log.count("b starts") < 2 {}
                ask(pool, start("d")).await.expect("it can start");
                while list(pool).await != "pool#1 runs, pool#3 runs" {}
            }
        };
        stage()
            .child(Supervisor::one_for_one("pool").on(&away, move |_| {
                let log = theirs.clone();
                let make =
                    move |name, _: &mut Context<Puppet>| Role::new(name, &log).telling().play(1);
                Supervisor::simple_one_for_one("pool", make)
                    .intensity(9, ms(5000))
                    .instances(Restart::Transient)
            }))
            .child(scripted(&log, script))
    });
    assert_eq!(log.of("pool"), ["pool#1 runs, pool#2 runs"]);
    let mut first = played.exits[..2].to_vec();
    first.sort();
    assert_eq!(first, ["pool#1: panicked: as told", "pool#2: normal"]);
    came_to_its_end(&played);
}

/// As where a tree is checked: an actor has no auto-shutdown, and decides itself.
fn m22_a_child_that_says_something_in_vain_is_refused(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let told = cx.try_child(puppet("b", &me.log).transient().significant());
            assert!(
                matches!(&told, Err(StartError::Significant { child, why })
                    if child == "stage/a/b" && why.starts_with("but the child of an actor")),
                "{told:?}"
            );
            let log = me.log.clone();
            let asked = StartChild::new(move || puppet("b", &log).transient().significant());
            let own = cx.addr().address().admin();
            cx.request_from(own, asked, LONG, |_, told, cx| {
                let Ok(Err(AdminError::BadSpec(StartError::Significant { child, why }))) = told
                else {
                    panic!("{told:?}")
                };
                assert_eq!(child, "stage/a/b");
                assert!(why.starts_with("but the child of an actor"), "{why}");
                cx.stop();
            });
            let never = Backoff::fixed(Duration::ZERO);
            let told = cx.try_child(puppet("b", &me.log).backoff(never));
            assert!(matches!(told, Err(StartError::Backoff { .. })), "{told:?}");
        });
        stage().child(lead("a", &log).at(a))
    });
}

bodies! {
    Each: [
        m22_a_child_that_says_something_in_vain_is_refused,
        m10_force_does_not_replace_what_an_instance_has_said,
        m22_what_cannot_be_started_leaves_nothing,
        c_opp_17_a_child_that_was_added_late_stops_first,
        m12_an_actor_that_supervises_is_asked_as_well,
        m12_an_actor_that_waits_for_a_child_goes_on_with_its_messages,
        m22_children_that_an_actor_has_added_are_administered_as_well,
        m22_a_child_that_was_deleted_is_not_found_by_its_address,
        m22_the_instances_of_a_pool_stop_together,
        m22_an_ignored_start_is_no_error,
        m22_an_instance_that_is_ignored_at_its_restart_is_dropped,
        m22_nothing_is_parked_for_an_ignored_child,
        m13_a_stop_hook_may_say_how_it_ends,
        m10_force_is_exact_within_a_locality,
    ]
    Sim: [
        m22_a_deleted_child_leaves_its_place_to_others,
        m22_a_deleted_child_comes_back_with_its_supervisor,
        m22_a_deleted_child_comes_back_with_the_loop_of_its_supervisor,
        m22_a_deleted_child_that_comes_back_soon_keeps_its_names,
        m22_names_are_free_when_it_is_told_that_a_child_was_deleted,
        m22_names_two_loops_below_are_free_when_it_is_told_that_a_child_was_deleted,
        m22_names_of_what_was_added_are_free_when_it_is_told_that_it_was_deleted,
        m22_a_deleted_child_does_not_come_back_without_its_name,
        m22_a_deleted_child_that_misses_a_name_keeps_none,
    ]
    Pair: [
        m22_children_are_administered_by_requests,
        m22_children_are_administered_by_their_addresses,
        m22_a_subtree_is_started_by_a_request,
        m01_administrative_requests_are_never_parked,
        m22_a_pool_makes_instances_of_one_template,
        l04_a_pool_has_at_most_so_many_instances,
        m22_an_instance_of_a_pool_has_a_name_of_its_own,
        l23_an_actor_may_have_itself_started_anew,
    ]
    World: [m22_a_program_administers_its_tree_by_its_handle]
}
