//! Subtrees that start and stop as one, as the tests of rotor and of other systems tell them.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::admin::{ask, child, scripted};
use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::world::World;

/// Keeps starts open until it is told to let them go.
#[derive(Clone, Default)]
struct Gatekeeper(Arc<Mutex<Option<Hold>>>);

impl Gatekeeper {
    /// A child whose start it keeps open.
    fn keeps(&self, name: &'static str, log: &Log) -> Child<Puppet> {
        let hold = self.0.clone();
        let role = Role::new(name, log).telling().begin(move |_, cx| {
            *hold.lock().unwrap() = Some(cx.hold("until it is told to go"));
        });
        role.child().start_limit(LONG)
    }

    fn is_busy(&self) -> bool {
        self.0.lock().unwrap().is_some()
    }

    fn lets_go(&self) {
        drop(self.0.lock().unwrap().take());
    }
}

/// One supervisor of two is shut down; the states of both, and of what is below, step by step.
fn r63_a_supervisor_on_another_locality_is_shut_down(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let away = far.spawn("away");
        let x = away.reserve::<Puppet>();
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let far = child(root, "far").await.address;
                let states = || [root, far, x.address()].map(|who| who.state());
                assert_eq!(states(), [Lifecycle::Running; 3]);
                ask(root, TerminateChild::named("far"))
                    .await
                    .expect("it runs");
                let down = Lifecycle::Down;
                assert_eq!(states(), [Lifecycle::Running, down, down]);
                ask(root, RestartChild::named("far"))
                    .await
                    .expect("it can start");
                assert_eq!(states(), [Lifecycle::Running; 3]);
                log.put("done");
            }
        };
        stage()
            .child(group("far").on(&away, move |s| s.child(tells("x", &theirs).at(x))))
            .child(scripted(&log, script))
    });
    assert_eq!(log.count("done"), 1);
    assert_eq!(log.count("x starts"), 2);
}

/// One drain starts all, and one ends all.
fn r66_one_drain_starts_all_and_one_ends_all(world: &mut World) {
    let log = Log::new();
    let (here, theirs) = (world.locality(), log.clone());
    let app = world.start(&here, move || {
        let inner = group("inner").child(tells("x", &theirs));
        group("root").child(inner)
    });
    let runs = |node: &TreeNode| node.state == "running";
    world.until(|| app.tree().nodes.iter().all(runs));
    world.until_due_in(None); // no limit is left
    world.shut_down(&app);
    assert_eq!(log.live(), 0);
    world.until_due_in(None);
}

/// Counts what is published and heard by nobody.
#[derive(Default)]
struct Unheard(AtomicU32);

impl Observer for Unheard {
    fn undelivered(&self, what: &Undeliverable) {
        let unheard = what.reason == Reason::Unheard;
        self.0.fetch_add(unheard.into(), Relaxed);
    }
}

/// The tree of a client, whose start waits for its subscription.
fn hears(
    name: &'static str,
    log: &Log,
    topic: Topic<Say>,
) -> impl FnOnce() -> Supervisor + Send + 'static {
    let log = log.clone();
    move || {
        let role = Role::new(name, &log).telling();
        let role = role.begin(move |_, cx| cx.subscribe(topic));
        group("client").child(role.child().start_limit(LONG))
    }
}

/// The tree of the one whose topic it is.
fn owns(
    o: Addr<Puppet>,
    log: &Log,
    unheard: &Arc<Unheard>,
) -> impl FnOnce() -> Supervisor + Send + 'static {
    let (log, unheard) = (log.clone(), unheard.clone());
    move || {
        group("owner")
            .child(puppet("o", &log).at(o))
            .observer(unheard)
    }
}

/// The client's tree ends after that of the topic's owner, or before it: then nobody hears the topic.
fn r65_a_subscription_across_trees_ends_with_either(world: &mut World) {
    for owner_first in [true, false] {
        let log = Log::new();
        let (here, there) = (world.locality(), world.locality());
        let o = there.reserve();
        let topic = o.address().topic::<Say>();
        let client = world.start(&here, hears("c", &log, topic));
        let unheard = Arc::new(Unheard::default());
        let owner = world.start(&there, owns(o, &log, &unheard));
        // It has subscribed when its start is over.
        world.until(|| client.root().state() == Lifecycle::Running);
        topic.publish(Say("heard"));
        world.until(|| log.count("c: heard") == 1);
        let (first, second) = if owner_first {
            (&owner, &client)
        } else {
            (&client, &owner)
        };
        world.shut_down(first);
        assert!(second.tree().ended.is_none());
        topic.publish(Say("late"));
        world.until(|| unheard.0.load(Relaxed) == u32::from(!owner_first));
        world.shut_down(second);
        assert_eq!(unheard.0.load(Relaxed), u32::from(!owner_first));
        assert_eq!(log.count("c: late"), 0);
    }
}

/// The owner's loop begins when the client, which has waited for its confirmation, has ended.
fn r65_a_client_ends_before_its_subscription_is_confirmed(world: &mut World) {
    let log = Log::new();
    let (here, there) = (world.locality(), world.locality());
    let o = there.reserve();
    let topic = o.address().topic::<Say>();
    let client = world.start(&here, hears("c", &log, topic));
    world.until(|| log.count("c starts") == 1);
    assert_eq!(client.root().state(), Lifecycle::Starting);
    world.shut_down(&client);
    assert_eq!(log.all(), ["c starts", "c stops: shutdown", "c drops"]);
    let unheard = Arc::new(Unheard::default());
    let owner = world.start(&there, owns(o, &log, &unheard));
    world.until(|| owner.root().state() == Lifecycle::Running);
    topic.publish(Say("late"));
    world.until(|| unheard.0.load(Relaxed) == 1);
    world.shut_down(&owner);
    assert_eq!(log.live(), 0);
}

/// What is under way is the confirmation itself: it arrives where nobody is any more.
fn r65_a_confirmation_may_come_after_the_end_of_the_client(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, there) = (sim.locality("here"), sim.locality("there"));
    let o = there.reserve();
    let topic = o.address().topic::<Say>();
    let client = sim.start(hears("c", &log, topic)()).unwrap();
    let unheard = Arc::new(Unheard::default());
    let owner = sim.start(owns(o, &log, &unheard)()).unwrap();
    sim.delay(&there, &here, ms(20));
    sim.run_until_idle();
    assert_eq!(client.root().state(), Lifecycle::Starting);
    sim.run_for(ms(10));
    client.shutdown();
    sim.run_until_idle();
    assert!(client.tree().ended.is_some());
    topic.publish(Say("early")); // it is on its way to where nobody is any more
    sim.run_for(ms(40));
    let early = unheard.0.load(Relaxed);
    topic.publish(Say("late"));
    sim.run_until_idle();
    assert_eq!(unheard.0.load(Relaxed), early + 1);
    owner.shutdown();
    sim.run_until_idle();
    assert!(owner.tree().ended.is_some());
    assert_eq!((log.count("c: "), log.live()), (0, 0));
}

/// The inner supervisor ends first, and what is sent to its child meanwhile is told; the root's
/// reason is what the root was told.
fn r67_the_first_reason_stays_that_of_the_tree(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, x) = (here.reserve(), here.reserve());
        act(a, move |_, cx| {
            let root = cx.supervisor().expect("it has one");
            x.stop();
            root.stop_with(Exit::shutdown_with("all of it"));
            root.stop_with(Exit::shutdown_with("too late"));
        });
        group("root")
            .child(puppet("a", &log).at(a))
            .child(group("inner").child(tells("x", &log).at(x)))
    });
    assert_eq!(chain(&played.exit), "shutdown: all of it");
    assert_eq!(log.count("x stops"), log.count("x drops"));
    assert_eq!(log.live(), 0);
}

/// Five supervisors of one locality; a message crosses branches, and the end of the other is told.
fn r71_branches_of_a_deep_tree_talk(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, x) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, cx| {
            cx.monitor(x.address());
            act(x, move |_, cx| {
                a.send(Say("pong"));
                cx.stop();
            });
        });
        when(a, (1, "a: down normal"), |_, cx| cx.stop());
        let left =
            group("left").child(group("far left").child(puppet("x", &log).at(x).temporary()));
        let right = group("right").child(group("far right"));
        stage()
            .child(left)
            .child(right)
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: pong", "a: down normal"]);
}

/// A supervisor is operational when all of its children are; a child is when it is.
fn r74_a_supervisor_waits_for_its_last_child(world: &mut World) {
    let (log, gate) = (Log::new(), Gatekeeper::default());
    let here = world.locality();
    let (a, b) = (here.reserve(), here.reserve());
    let (theirs, keeper) = (log.clone(), gate.clone());
    let app = world.start(&here, move || {
        group("root")
            .child(tells("a", &theirs).at(a))
            .child(keeper.keeps("b", &theirs).at(b))
    });
    world.until(|| gate.is_busy());
    let states = || [app.root(), a.address(), b.address()].map(|who| who.state());
    let starting = Lifecycle::Starting;
    assert_eq!(states(), [starting, Lifecycle::Running, starting]);
    gate.lets_go();
    world.until(|| states() == [Lifecycle::Running; 3]);
}

/// The same while no child is operational.
fn r73_a_supervisor_is_not_operational_before_its_child(world: &mut World) {
    let (log, gate) = (Log::new(), Gatekeeper::default());
    let here = world.locality();
    let (theirs, keeper) = (log.clone(), gate.clone());
    let app = world.start(&here, move || {
        group("root").child(keeper.keeps("b", &theirs))
    });
    world.until(|| gate.is_busy());
    assert_eq!(app.root().state(), Lifecycle::Starting);
    gate.lets_go();
    world.until(|| app.root().state() == Lifecycle::Running);
}

/// A factory that fails, or panics, while its supervisor starts: nothing of the tree is left, and the
/// exit says who. That its supervisors had started is told nowhere.
fn r100_a_factory_that_fails_in_the_first_start_ends_the_tree(on: &dyn Backend, far: &dyn Backend) {
    #[derive(Default)]
    struct Started(Mutex<Vec<String>>);
    impl Observer for Started {
        fn started(&self, _: Address, name: &str, _: u64) {
            self.0.lock().unwrap().push(name.to_owned());
        }
    }
    for panics in [false, true] {
        let (log, started) = (Log::new(), Arc::new(Started::default()));
        let exit = on.run_tree(&mut |_| {
            let away = far.spawn("away");
            let theirs = log.clone();
            let bad = Child::new("bad", move || {
                assert!(!panics, "no luck");
                Err::<Puppet, _>(Error::message("no luck"))
            });
            group("root")
                .observer(started.clone())
                .child(group("far").on(&away, move |s| s.child(tells("x", &theirs))))
                .child(tells("y", &log))
                .child(group("inner").child(bad))
                .child(tells("never", &log))
        });
        let exit = exit.expect("a sound tree");
        let how = if panics { "panicked" } else { "failed" };
        let why = format!("shutdown < inner: shutdown < bad: {how}: no luck");
        assert_eq!(chain(&exit), why);
        assert_eq!(*started.0.lock().unwrap(), ["x", "far", "y"]);
        assert_eq!(log.count("never"), 0);
        let ends: Vec<_> = log.all()[2..]
            .iter()
            .map(|line| line[..7].to_owned())
            .collect();
        assert_eq!(ends, ["y stops", "y drops", "x stops", "x drops"]);
        assert_eq!(log.live(), 0);
    }
}

/// The third part of a tree cannot be placed on its loop: those that are placed end in reverse.
fn c_so_07_a_part_that_cannot_be_placed_undoes_the_others(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let mut checked = false;
        let parts = [("first", "x"), ("second", "y"), ("third", "z")];
        let placed = parts.into_iter().fold(group("root"), |tree, (part, name)| {
            let (place, log) = (far.spawn(part), log.clone());
            tree.child(group(part).on(&place, move |s| {
                let s = s.child(tells(name, &log));
                // Not when the tree is checked, but when it is built there.
                match part == "third" && std::mem::replace(&mut checked, true) {
                    true => s.child(tells(name, &log)),
                    false => s,
                }
            }))
        });
        placed.child(tells("never", &log))
    });
    let exit = played.exit.root_cause();
    assert!(
        matches!(
            exit.reason(),
            ExitReason::Refused(StartError::DuplicateName { .. })
        ),
        "{exit}"
    );
    let all = log.all();
    let steps: Vec<_> = all.iter().map(|line| &line[..7]).collect();
    let order = [
        "x start", "y start", "y stops", "y drops", "x stops", "x drops",
    ];
    assert_eq!(steps, order);
    assert_eq!(log.live(), 0);
}

/// Whoever is told to stop first, the parent, one of its children or the other: it ends after both.
fn c_so_03_a_parent_ends_after_its_children_whoever_is_told_first(on: &dyn Backend) {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let log = Log::new();
        on.run_clean(&log, |here| {
            let a = here.reserve();
            let family = [here.reserve(), here.reserve(), here.reserve()];
            let [p, x, y] = family;
            let theirs = log.clone();
            let parent = Role::new("p", &log).telling().begin(move |_, cx| {
                for (name, at) in [("x", x), ("y", y)] {
                    let role = Role::new(name, &theirs).telling().stop(move |_, _, cx| {
                        let hold = cx.hold("until all of them are told");
                        when(a, (1, "p stops"), move |_, _| drop(hold));
                    });
                    cx.child(role.child().at(at).transient().stop_limit(LONG));
                }
            });
            act(a, move |_, _| order.iter().for_each(|&i| family[i].stop()));
            when(a, (1, "p drops"), |_, cx| cx.stop());
            stage()
                .child(parent.child().at(p).transient())
                .child(lead("a", &log).at(a))
        });
        let (stops, all) = (log.count("p stops"), log.all());
        assert_eq!(
            (stops, log.count("x stops"), log.count("y stops")),
            (1, 1, 1)
        );
        assert_eq!((log.count("x drops"), log.count("y drops")), (1, 1));
        assert_eq!(all.last().map(String::as_str), Some("p drops"), "{all:?}");
    }
}

/// A child stops its supervisor: in its start, or by a message afterwards. All of it ends, in order.
fn r81_a_child_may_stop_its_supervisor_at_any_time(on: &dyn Backend) {
    for in_start in [true, false] {
        let log = Log::new();
        let played = on.run(|_| {
            let stop = |cx: &mut Context<Puppet>| cx.supervisor().expect("it has one").stop();
            let role = Role::new("a", &log)
                .telling()
                .begin(move |_, cx| match in_start {
                    true => stop(cx),
                    false => act(cx.addr(), move |_, cx| stop(cx)),
                });
            group("root").child(tells("x", &log)).child(role.child())
        });
        assert_eq!(chain(&played.exit), "shutdown");
        let all = log.all();
        let ends: Vec<_> = all.iter().map(|line| &line[..7]).collect();
        let order = [
            "x start", "a start", "a stops", "a drops", "x stops", "x drops",
        ];
        assert_eq!(ends, order, "{all:?}");
    }
}

/// A tree ends at once, in order, that is told to end while a start is held open: by its supervisor, or
/// by the end of the very actor.
fn r87_a_shutdown_does_not_wait_for_a_start(world: &mut World) {
    for whole in [true, false] {
        let (log, gate) = (Log::new(), Gatekeeper::default());
        let here = world.locality();
        let b = here.reserve::<Puppet>();
        let (theirs, keeper) = (log.clone(), gate.clone());
        let app = world.start(&here, move || {
            group("root")
                .child(tells("a", &theirs))
                .child(keeper.keeps("b", &theirs).at(b))
                .child(tells("never", &theirs))
        });
        world.until(|| gate.is_busy());
        if whole {
            world.shut_down(&app);
        } else {
            b.stop();
            assert_eq!(chain(&world.end(&app)), "shutdown < b: shutdown");
        }
        let all = log.all();
        let order: Vec<_> = all.iter().map(|line| &line[..7]).collect();
        assert_eq!(
            order,
            [
                "a start", "b start", "b stops", "b drops", "a stops", "a drops"
            ]
        );
    }
}

/// A second stop in the stop hook, of oneself and of the supervisor, changes nothing.
fn r89_a_second_stop_in_the_stop_hook_is_harmless(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("a", &log).telling().stop(move |_, _, cx| {
            cx.addr().stop();
            cx.supervisor().expect("it has one").stop();
            // Both find it ending.
            let hold = cx.hold("until it is told to go");
            act(b, move |_, _| drop(hold));
        });
        end(a);
        stage()
            .child(puppet("b", &log).at(b))
            .child(role.child().at(a).transient().significant())
    });
    assert_eq!(log.of("a stops"), ["a stops: normal"]);
    assert_eq!(log.count("a drops"), 1);
    let told = "a: normal".to_owned();
    assert!(played.exits.contains(&told), "{:?}", played.exits);
}

/// Children that an actor adds while it starts are up before it is, and come and go with it.
fn r91_children_of_a_start_are_part_of_it(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let theirs = log.clone();
        let role = Role::new("b", &log).telling().begin(move |_, cx| {
            cx.child(tells("x", &theirs));
        });
        b.send(Say("operational"));
        act(a, move |_, _| crash(b));
        when(a, (2, "x starts"), |_, cx| cx.stop());
        stage()
            .child(role.child().at(b))
            .child(lead("a", &log).at(a))
    });
    let all = log.all();
    assert_eq!(all[..3], ["b starts", "x starts", "b: operational"]);
    assert_eq!(log.count("x drops"), 2);
}

/// A stop hook that fails is told, and the supervisor ends all the same.
fn r92b_a_stop_that_fails_is_told(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        end(a);
        let role = Role::new("b", &log).stop(|_, _, cx| cx.fail(Error::message("not saved")));
        stage().child(role.child()).child(lead("a", &log).at(a))
    });
    assert!(!played.exit.is_abnormal(), "{}", played.exit);
    let told = "b: failed: not saved".to_owned();
    assert!(played.exits.contains(&told), "{:?}", played.exits);
}

/// An inner supervisor that gives up comes back with all its children; a child that it was given at
/// run time does not.
fn r99_an_inner_supervisor_comes_back_with_its_children(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |_| {
        let away = far.spawn("away");
        let x = away.reserve();
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let inner = child(root, "inner").await.address;
                let given = log.clone();
                let z = StartChild::new(move || tells("z", &given));
                ask(inner, z).await.expect("it can start");
                for lives in 2..4 {
                    crash(x);
                    while log.count("y starts") < lives {
                        ask(root, CountChildren).await;
                    }
                }
                let count = ask(inner, CountChildren).await;
                assert_eq!((count.specs, count.active), (2, 2));
            }
        };
        let inner = Supervisor::one_for_one("inner")
            .intensity(0, Duration::from_secs(5))
            .on(&away, move |s| {
                s.child(tells("x", &theirs).at(x))
                    .child(tells("y", &theirs))
            });
        stage().child(inner).child(scripted(&log, script))
    });
    let starts = ["x starts", "y starts", "z starts"].map(|line| log.count(line));
    assert_eq!(starts, [3, 3, 1]);
}

/// What was added at run time does not: it was the instance's.
fn r99_children_of_an_instance_go_with_it(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let x = here.reserve();
    let inner = Supervisor::one_for_one("inner")
        .intensity(0, Duration::from_secs(5))
        .child(tells("x", &log).at(x));
    let app = sim.start(group("root").child(inner)).unwrap();
    sim.run_until_idle();
    let inner = app.tree().nodes[1].address;
    let theirs = log.clone();
    let z = StartChild::new(move || tells("z", &theirs));
    let started = sim.block_on(inner.admin().ask(z, LONG));
    assert!(matches!(started, Some(Ok(Ok(Some(_))))), "{started:?}");
    crash(x);
    sim.run_until_idle();
    assert_eq!(log.count("x starts"), 2);
    assert_eq!((log.count("z starts"), log.count("z drops")), (1, 1));
    let count = sim.block_on(inner.admin().ask(CountChildren, LONG));
    let count = count.unwrap().unwrap();
    assert_eq!((count.specs, count.active), (1, 1));
}

/// Whatever comes first: a child that is asked for while the tree ends is refused, or stopped.
fn c_so_09_a_start_during_the_end_is_refused_or_undone(world: &mut World) {
    for steps in 0..8 {
        let log = Log::new();
        let (here, away) = (world.locality(), world.place());
        let app = world.start(&here, move || {
            group("root").child(group("far").on(&away, |s| s))
        });
        let start = || {
            let theirs = log.clone();
            StartChild::new(move || {
                group("more")
                    .child(tells("x", &theirs))
                    .child(tells("y", &theirs))
            })
        };
        (0..steps).for_each(|_| world.step());
        let before = app.root().admin().ask(start(), LONG);
        app.shutdown();
        (0..steps).for_each(|_| world.step());
        let during = app.root().admin().ask(start(), LONG);
        for asked in [before, during] {
            let _told = world.answer(asked); // no limit has to pass
        }
        assert_eq!(chain(&world.end(&app)), "shutdown");
        assert_eq!(log.count("x starts"), log.count("x drops"));
        assert_eq!(log.count("y starts"), log.count("y drops"));
        assert_eq!(log.live(), 0);
    }
}

/// At once, however long its children take to end.
fn c_so_09_a_supervisor_that_ends_refuses_at_once(world: &mut World) {
    let log = Log::new();
    let (here, theirs) = (world.locality(), log.clone());
    let app = world.start(&here, move || {
        let slow = Role::new("slow", &theirs).telling().stop(|me, _, cx| {
            let hold = cx.hold("on purpose");
            me.kept.push(Box::new(hold));
        });
        group("root").child(slow.child())
    });
    world.until(|| app.root().state() == Lifecycle::Running);
    app.shutdown();
    world.until(|| log.count("slow stops") == 1);
    let told = world.answer(app.root().admin().ask(CountChildren, LONG));
    assert!(matches!(told, Err(RequestError::Ended(_))), "{told:?}");
    assert!(app.tree().ended.is_none(), "it takes its time");
    let limit = Duration::from_secs(5);
    world.until_due_in(Some(limit));
    world.pass(limit);
    assert_eq!(chain(&world.end(&app)), "shutdown");
}

/// What an early member sends to a late one during the start is not lost.
fn c_so_10_what_is_sent_to_a_later_sibling_in_a_start_arrives(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, x) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        let early = Role::new("early", &log).begin(move |_, _| {
            (1..=3).for_each(|n| x.send(Num(n)));
        });
        when(a, (3, "x: "), |_, cx| cx.stop());
        stage()
            .child(early.child())
            .child(group("far").on(&away, move |s| s.child(tells("x", &theirs).at(x))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("x: "), ["x: 1", "x: 2", "x: 3"]);
}

/// Each start and each end is told once, in order, with its reason.
fn c_so_11_starts_and_ends_are_told_once_and_in_order(world: &mut World) {
    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>, Mutex<Vec<String>>);
    impl Seen {
        fn put(&self, line: String) {
            self.0.lock().unwrap().push(line);
        }
    }
    impl Observer for Seen {
        fn changed(&self, _: Address, name: &str, state: Lifecycle) {
            self.1.lock().unwrap().push(format!("{name} {state:?}"));
        }
        fn started(&self, _: Address, name: &str, _: u64) {
            self.put(format!("{name} started"));
        }
        fn exited(&self, _: Address, name: &str, exit: &Exit) {
            self.put(format!("{name}: {}", chain(exit)));
        }
    }
    let (log, seen) = (Log::new(), Arc::new(Seen::default()));
    let here = world.locality();
    let b = here.reserve();
    let (theirs, observer) = (log.clone(), seen.clone());
    let app = world.start(&here, move || {
        // So that to be initialized is one thing, and to run is another.
        let inner = group("inner").synchronize_start();
        let inner = inner.child(puppet("b", &theirs).at(b));
        let tree = group("root").child(puppet("a", &theirs)).child(inner);
        tree.observer(observer)
    });
    let told = || seen.0.lock().unwrap().len();
    world.until(|| told() == 4);
    crash(b);
    world.until(|| told() == 6);
    world.shut_down(&app);
    assert_eq!(
        *seen.0.lock().unwrap(),
        [
            "a started",
            "b started",
            "inner started",
            "root started",
            "b: panicked: as told",
            "b started",
            "b: shutdown",
            "inner: shutdown",
            "a: shutdown",
            "root: shutdown",
        ]
    );
    let changes = [
        "root Starting, a Starting, a Running, inner Starting, b Starting, b Initialized, b Running",
        "inner Running, root Running",
        "b Stopping, b Waiting, b Starting, b Running",
        "root Stopping, inner Stopping, b Stopping, b Down, inner Down, a Stopping, a Down, root Down",
        "b Gone, inner Gone, a Gone, root Gone",
    ];
    assert_eq!(seen.1.lock().unwrap().join(", "), changes.join(", "));
}

/// Ten thousand instances of an actor that is a mebibyte, one after the other.
fn c_so_13_instances_leave_no_memory_behind(on: &dyn Backend) {
    /// Ends as soon as it has started.
    struct Large {
        _memory: Vec<u8>,
        log: Log,
    }
    impl Actor for Large {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            assert_eq!(self.log.live(), 1);
            cx.stop();
            Ok(())
        }
    }
    impl Drop for Large {
        fn drop(&mut self) {
            self.log.dead();
        }
    }
    let log = Log::new();
    let theirs = log.clone();
    let mut lives = 0;
    let played = on.run(|_| {
        let large = Child::new("large", move || {
            lives += 1;
            theirs.born();
            let large = Large {
                _memory: vec![0; 1 << 20],
                log: theirs.clone(),
            };
            if lives <= 10_000 {
                Ok(large)
            } else {
                Err(Error::message("enough"))
            }
        });
        Supervisor::one_for_one("root")
            .intensity(10_000, LONG)
            .child(large)
    });
    assert_eq!(chain(&played.exit), "shutdown < large: failed: enough");
    assert_eq!(log.live(), 0);
}

/// A significant child that ends while its later siblings still start: first all start.
fn c_so_17_auto_shutdown_waits_for_the_start(world: &mut World) {
    let (log, gate) = (Log::new(), Gatekeeper::default());
    let here = world.locality();
    let a = here.reserve();
    let (theirs, keeper) = (log.clone(), gate.clone());
    let app = world.start(&here, move || {
        stage()
            .child(tells("a", &theirs).at(a).transient().significant())
            .child(keeper.keeps("b", &theirs))
            .child(tells("c", &theirs))
    });
    end(a);
    world.until(|| log.count("a drops") == 1 && gate.is_busy());
    assert!(app.tree().ended.is_none());
    gate.lets_go();
    assert!(!world.end(&app).is_failure());
    assert_eq!(log.count("c starts"), 1);
    assert_eq!(log.count("c stops"), 1);
}

/// A tree beside a program that goes on: what is wrong with its spec is told when it is started, what
/// goes wrong in its start when it has ended; it is given a group, stopped and waited for from outside.
fn c_so_21_a_tree_is_run_from_outside(world: &mut World) {
    let log = Log::new();
    let here = world.locality();
    let wrong = world.try_start(&here, || {
        group("root").child(group("twice")).child(group("twice"))
    });
    assert!(
        matches!(wrong, Err(StartError::DuplicateName { .. })),
        "{wrong:?}"
    );
    let (here, theirs) = (world.locality(), log.clone());
    let app = world.start(&here, move || {
        let bad = Role::new("bad", &theirs).start(|_, _| Err(Error::message("no luck")));
        group("root").child(tells("a", &theirs)).child(bad.child())
    });
    let exit = world.end(&app);
    assert_eq!(chain(&exit), "shutdown < bad: failed: no luck");
    let (here, theirs) = (world.locality(), log.clone());
    let (on, threads) = (Arc::new(Mutex::new(Vec::new())), || {
        std::thread::current().id()
    });
    let host = on.clone();
    let app = world.start(&here, move || {
        host.lock().unwrap().push(threads());
        group("root").child(tells("b", &theirs))
    });
    let host = on.clone();
    app.on_exit(move |_| host.lock().unwrap().push(threads()));
    let theirs = log.clone();
    let late = StartChild::new(move || {
        group("late")
            .child(tells("x", &theirs))
            .child(tells("y", &theirs))
    });
    world.until(|| app.root().state() == Lifecycle::Running);
    let told = world.answer(app.root().admin().ask(late, LONG));
    assert!(matches!(told, Ok(Ok(Some(_)))), "{told:?}");
    let listed = world.answer(app.root().admin().ask(WhichChildren, LONG));
    let listed = listed.expect("it runs");
    let names: Vec<_> = listed.iter().map(|child| &*child.name).collect();
    assert_eq!(names, ["b", "late"]);
    app.shutdown();
    assert_eq!(chain(&world.end(&app)), "shutdown");
    world.until(|| on.lock().unwrap().len() == 2);
    let on = on.lock().unwrap();
    assert_eq!(on[0], on[1], "the thread of its loop hears of its end");
    let all = log.all();
    let order: Vec<_> = all.iter().map(|line| &line[..7]).collect();
    let first = [
        "a start", "a stops", "a drops", "b start", "x start", "y start",
    ];
    let last = [
        "y stops", "y drops", "x stops", "x drops", "b stops", "b drops",
    ];
    assert_eq!(order, [first, last].concat());
    assert_eq!(log.live(), 0);
}

/// A group is started anywhere, from within a handler of another one.
fn c_so_05_a_group_is_started_anywhere_from_a_handler(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, place, theirs) = (here.reserve(), away.clone(), log.clone());
        act(a, move |_, cx| {
            let root = cx.supervisor().expect("it has one");
            let start = StartChild::new(move || {
                let log = theirs.clone();
                group("more").on(&place, move |s| {
                    s.child(tells("x", &log)).child(tells("y", &log))
                })
            });
            cx.request_from(root.admin(), start, LONG, |me, told, cx| {
                let told = told.expect("it runs").expect("it can start");
                me.say(told.is_some());
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, |s| s))
    });
    let all = log.all();
    assert_eq!(all[..3], ["x starts", "y starts", "a: true"]);
}

/// Ten that wait a second end together, after one.
fn c_opp_02_ten_that_wait_a_second_end_together(world: &mut World) {
    let log = Log::new();
    let (here, start) = (world.locality(), world.now());
    let second = Duration::from_secs(1);
    let all = [(); 10].map(|()| here.reserve());
    for a in all {
        act(a, move |_, cx| {
            later(cx, second, move |me, cx| {
                me.log.put(format!("after {:?}", cx.now() - start));
                cx.stop();
            });
        });
    }
    let theirs = log.clone();
    let app = world.start(&here, move || {
        all.into_iter().fold(group("root"), |tree, a| {
            let name: &'static str = format!("task {:?}", a.address()).leak();
            tree.child(puppet(name, &theirs).at(a).temporary())
        })
    });
    world.until_due_in(Some(second));
    world.pass(second);
    world.until(|| log.live() == 0);
    assert_eq!(log.all(), ["after 1s"; 10]);
    assert!(app.tree().ended.is_none());
}

/// One that ends by itself is gone at once, without anybody's waiting.
fn c_opp_18_one_that_ends_by_itself_is_gone_at_once(world: &mut World) {
    let log = Log::new();
    let (here, before) = (world.locality(), world.now());
    let (a, theirs) = (here.reserve(), log.clone());
    act(a, |me, cx| {
        let child = cx.child(tells("x", &me.log).temporary());
        end(child);
        cx.monitor(child.address());
    });
    let app = world.start(&here, move || {
        group("root").child(tells("a", &theirs).at(a))
    });
    world.until(|| log.count("a: down normal") == 1 && app.tree().nodes.len() == 2);
    assert_eq!(world.now(), before);
    assert_eq!(log.of("x"), ["x starts", "x stops: normal", "x drops"]);
}

bodies! {
    Each: [
        r67_the_first_reason_stays_that_of_the_tree,
        r71_branches_of_a_deep_tree_talk,
        c_so_03_a_parent_ends_after_its_children_whoever_is_told_first,
        r81_a_child_may_stop_its_supervisor_at_any_time
            as r85_a_child_may_stop_its_supervisor_at_any_time
            as c_so_23_a_child_may_stop_its_supervisor_at_any_time,
        r89_a_second_stop_in_the_stop_hook_is_harmless
            as r90_a_second_stop_in_the_stop_hook_is_harmless,
        r91_children_of_a_start_are_part_of_it,
        r92b_a_stop_that_fails_is_told,
        c_so_13_instances_leave_no_memory_behind,
    ]
    Pair: [
        r63_a_supervisor_on_another_locality_is_shut_down,
        r99_an_inner_supervisor_comes_back_with_its_children,
        r100_a_factory_that_fails_in_the_first_start_ends_the_tree
            as c_so_06_a_factory_that_fails_in_the_first_start_ends_the_tree,
        c_so_07_a_part_that_cannot_be_placed_undoes_the_others,
        c_so_05_a_group_is_started_anywhere_from_a_handler,
        c_so_10_what_is_sent_to_a_later_sibling_in_a_start_arrives,
    ]
    Sim: [
        r65_a_confirmation_may_come_after_the_end_of_the_client,
        r99_children_of_an_instance_go_with_it,
    ]
    World: [
        r65_a_subscription_across_trees_ends_with_either,
        r65_a_client_ends_before_its_subscription_is_confirmed,
        r66_one_drain_starts_all_and_one_ends_all,
        r73_a_supervisor_is_not_operational_before_its_child,
        r74_a_supervisor_waits_for_its_last_child,
        r87_a_shutdown_does_not_wait_for_a_start,
        c_so_09_a_start_during_the_end_is_refused_or_undone,
        c_so_09_a_supervisor_that_ends_refuses_at_once,
        c_so_11_starts_and_ends_are_told_once_and_in_order
            as r31_starts_and_ends_are_told_once_and_in_order,
        c_so_17_auto_shutdown_waits_for_the_start,
        c_so_21_a_tree_is_run_from_outside,
        c_opp_02_ten_that_wait_a_second_end_together,
        c_opp_18_one_that_ends_by_itself_is_gone_at_once,
    ]
}
