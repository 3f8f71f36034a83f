//! What OTP's own tests of `supervisor` assert, where no body of another file does.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotor_core::*;

use crate::admin::{answer, ask, came_to_its_end, child, list, listed, scripted};
use crate::backend::Backend;
use crate::harness::bodies;
use crate::localities::Ends;
use crate::log::Log;
use crate::puppet::*;
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);
const KINDS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];
const STRATEGIES: [fn(&'static str) -> Supervisor; 3] = [
    |name| Supervisor::one_for_one(name),
    |name| Supervisor::one_for_all(name),
    |name| Supervisor::rest_for_one(name),
];
const NAMES: [&str; 3] = ["one_for_one", "one_for_all", "rest_for_one"];

/// A way to end a child.
type Way = (&'static str, fn(Addr<Puppet>));
const NORMAL: Way = ("normal", end);
const PANIC: Way = ("panic", crash);
const KILL: Way = ("kill", |child| child.address().kill());
const DETAIL: Way = ("detail", |child| {
    child.address().stop_with(Exit::shutdown_with("own"));
});
/// That is for its supervisor to do.
const REQUEST: Way = ("request", |_| ());

fn of_kind(kind: Restart, child: Child<Puppet>) -> Child<Puppet> {
    match kind {
        Restart::Permanent => child,
        Restart::Transient => child.transient(),
        Restart::Temporary => child.temporary(),
    }
}

/// Declared or asked for, of any kind: it is no error, and only the spec of one that may come later is
/// kept.
fn otp_who_is_ignored_is_kept_as_its_kind_says(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |_| {
        let (mine, of) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                for (kind, left, specs) in [
                    (Restart::Permanent, "never is down, b runs", 2),
                    (Restart::Transient, "never is down, b runs", 2),
                    (Restart::Temporary, "b runs", 1),
                ] {
                    let s = ask(root, StartChild::new(|| group("s")))
                        .await
                        .unwrap()
                        .unwrap();
                    let never =
                        StartChild::new(move || of_kind(kind, Child::new("never", || None)));
                    assert_eq!(ask(s.address, never).await.unwrap(), None);
                    let log = log.clone();
                    let b = StartChild::new(move || of_kind(kind, puppet("b", &log)));
                    assert!(ask(s.address, b).await.unwrap().is_some());
                    assert_eq!(list(s.address).await, left);
                    let count = ask(s.address, CountChildren).await;
                    assert_eq!((count.specs, count.active), (specs, 1));
                    ask(root, TerminateChild::named("s")).await.unwrap();
                    ask(root, DeleteChild::named("s")).await.unwrap();
                }
                let declared = child(root, "declared").await.address;
                assert_eq!(list(declared).await, "b runs");
                assert_eq!(ask(declared, CountChildren).await.specs, 1);
            }
        };
        let never = Child::new("never", || None::<Puppet>).temporary();
        let declared = group("declared").child(never);
        stage()
            .child(declared.child(puppet("b", &of).temporary()))
            .child(scripted(&log, script))
    });
    came_to_its_end(&played);
}

/// The same in a pool, where no spec is kept; nor does one leave anything that cannot start.
fn otp_an_instance_that_does_not_start_leaves_nothing(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |_| {
        let script = move |root: Address| async move {
            for kind in KINDS {
                let pool = child(root, &format!("{kind:?}")).await.address;
                let start = |what| ask(pool, StartInstance::<Puppet, &'static str>::new(what));
                assert_eq!(start("never").await.unwrap(), None);
                let told = start("bad").await;
                assert!(matches!(told, Err(AdminError::StartFailed(_))), "{told:?}");
                let b = start("b").await.unwrap().unwrap();
                let children = ask(pool, WhichChildren).await;
                let listed: Vec<_> = children.iter().map(|child| child.address).collect();
                assert_eq!(listed, [b.address.address()]);
                let count = ask(pool, CountChildren).await;
                assert_eq!((count.specs, count.active, count.workers), (1, 1, 1));
            }
        };
        let mut tree = stage();
        for kind in KINDS {
            let log = log.clone();
            let make = move |what, _: &mut Context<Puppet>| match what {
                "never" => Ok(None),
                "bad" => Err(Error::message("bad")),
                name => Ok(Some(Role::new(name, &log).play(1))),
            };
            let pool = Supervisor::simple_one_for_one(format!("{kind:?}"), make);
            tree = tree.child(pool.instances(kind));
        }
        tree.child(scripted(&log, script))
    });
    came_to_its_end(&played);
}

/// As long as they are allowed to take, for ever too, or by force; who is to end by that is not told.
fn otp_a_child_ends_within_its_limit_or_by_force(world: &mut World) {
    let (log, ends, here) = (Log::new(), Arc::new(Ends::default()), world.locality());
    let (theirs, observer) = (log.clone(), ends.clone());
    let app = world.start(&here, move || {
        let slow = |name| Role::new(name, &theirs).slow(9_000).child();
        let inner = group("inner").child(slow("below").stop_limit(Duration::MAX));
        group("root")
            .observer(observer)
            .child(puppet("plain", &theirs))
            .child(inner)
            .child(slow("patient").stop_limit(Duration::MAX))
            .child(slow("sleeps").stop_limit(SECOND))
            .child(tells("brutal", &theirs).stop_limit(Duration::ZERO))
    });
    world.until(|| app.root().state() == Lifecycle::Running);
    app.shutdown();
    for step in [SECOND, 9 * SECOND, 9 * SECOND] {
        world.until_due_in(Some(step));
        world.pass(step);
    }
    assert_eq!(chain(&world.end(&app)), "shutdown");
    let expected = [
        "brutal: killed",
        "sleeps: killed",
        "patient: shutdown",
        "below: shutdown",
        "inner: shutdown",
        "plain: shutdown",
        "root: shutdown",
    ];
    assert_eq!(ends.all(), expected);
    assert_eq!(log.all(), ["brutal starts", "brutal drops"]);
}

/// A pool of a kind, whose instances say at their end what they were started with.
fn pool_of(kind: Restart, limit: Duration, log: Log) -> Supervisor {
    let make = move |what: &'static str, _: &mut Context<Puppet>| {
        let role = Role::new("i", &log).telling().stop(move |_, _, cx| {
            match what {
                "normal" => cx.stop_with(Exit::normal()),
                "detail" => cx.stop_with(Exit::shutdown_with("own")),
                "fails" => cx.stop_with(Exit::failed(Error::message("late"))),
                "panics" => panic!("as told"),
                "deaf" => std::mem::forget(cx.hold("for ever")),
                _ => (),
            };
        });
        role.play(1)
    };
    Supervisor::simple_one_for_one("pool", make)
        .instances(kind)
        .instance_limits(LONG, limit)
}

/// Whatever they say when they are told to, and whatever their kind: the pool ends in order, and none of
/// them comes back.
fn otp_instances_of_a_pool_end_each_in_its_way(world: &mut World) {
    let all = ["plain", "normal", "detail", "fails", "panics", "deaf"];
    let in_time = [
        "shutdown",
        "normal",
        "shutdown: own",
        "failed: late",
        "panicked: as told",
        "killed",
    ];
    for (kind, limit) in KINDS
        .into_iter()
        .flat_map(|kind| [(kind, SECOND), (kind, Duration::ZERO)])
    {
        let (log, ends, here) = (Log::new(), Arc::new(Ends::default()), world.locality());
        let (theirs, observer) = (log.clone(), ends.clone());
        let app = world.start(&here, move || {
            pool_of(kind, limit, theirs).observer(observer)
        });
        for what in all {
            let start = StartInstance::<Puppet, &str>::new(what);
            answer(world, app.root(), start).unwrap().unwrap();
        }
        app.shutdown();
        if limit > Duration::ZERO {
            world.until(|| ends.all().len() == 5);
            world.until_due_in(Some(limit));
            world.pass(limit);
        }
        assert_eq!(chain(&world.end(&app)), "shutdown");
        let mut ended = ends.all();
        assert_eq!(ended.pop().unwrap(), "pool: shutdown");
        ended.sort();
        let expected: Vec<_> = (1..)
            .zip(in_time)
            .map(|(n, told)| match limit {
                Duration::ZERO => format!("pool#{n}: killed"),
                _ => format!("pool#{n}: {told}"),
            })
            .collect();
        assert_eq!(ended, expected, "{kind:?}, {limit:?}");
        assert_eq!(log.count("i starts"), 6);
        assert_eq!(log.live(), 0);
    }
}

/// While the last one holds its stop, the others end in every way: each for its own reason, and none of
/// them comes back.
fn otp_sup_stop_race_each_ends_for_its_own_reason(world: &mut World) {
    let (log, ends, here) = (Log::new(), Arc::new(Ends::default()), world.locality());
    let ways = [
        (NORMAL, "normal"),
        (DETAIL, "shutdown: own"),
        (PANIC, "panicked: as told"),
        (KILL, "killed"),
    ];
    let mut all = Vec::new();
    for kind in KINDS {
        for ((name, way), reason) in ways {
            let name: &'static str = format!("{kind:?} {name}").leak();
            all.push((name, kind, here.reserve(), way, format!("{name}: {reason}")));
        }
    }
    let hold = Arc::<Mutex<Option<Hold>>>::default();
    let (theirs, observer, held) = (log.clone(), ends.clone(), hold.clone());
    let specs: Vec<_> = all
        .iter()
        .map(|&(name, kind, at, ..)| (name, kind, at))
        .collect();
    let app = world.start(&here, move || {
        let specs = specs.into_iter();
        let children = specs.map(|(name, kind, at)| of_kind(kind, tells(name, &theirs).at(at)));
        let last = Role::new("last", &theirs).stop(move |_, _, cx| {
            *held.lock().unwrap() = Some(cx.hold("until the others have ended"));
        });
        let tree = group("root").observer(observer);
        let tree = children.fold(tree, Supervisor::child);
        tree.child(last.child().stop_limit(LONG))
    });
    world.until(|| app.root().state() == Lifecycle::Running);
    app.shutdown();
    world.until(|| hold.lock().unwrap().is_some());
    for (_, _, at, way, _) in &all {
        way(*at);
    }
    world.until(|| ends.all().len() == all.len());
    drop(hold.lock().unwrap().take());
    assert_eq!(chain(&world.end(&app)), "shutdown");
    let mut ended = ends.all();
    assert_eq!(ended.split_off(12), ["last: shutdown", "root: shutdown"]);
    ended.sort();
    let mut expected: Vec<_> = all.into_iter().map(|(.., reason)| reason).collect();
    expected.sort();
    assert_eq!(ended, expected);
    let starts = log.all().iter().filter(|l| l.ends_with(" starts")).count();
    assert_eq!((starts, log.live()), (12, 0));
}

/// A thousand, two thousand, and none: each time the list and the counts say the same.
fn otp_count_children_agrees_with_the_list(on: &dyn Backend) {
    const N: usize = 1_000;
    let log = Log::new();
    let played = on.run(|_| {
        let mine = log.clone();
        let script = move |root: Address| async move {
            let pool = child(root, "pool").await.address;
            let mut all = Vec::new();
            for many in [N, 2 * N] {
                while all.len() < many {
                    let start = StartInstance::<Puppet, ()>::new(());
                    all.push(ask(pool, start).await.unwrap().unwrap().address);
                }
                let count = ask(pool, CountChildren).await;
                assert_eq!(ask(pool, WhichChildren).await.len(), many);
                assert_eq!((count.specs, count.active, count.workers), (1, many, many));
            }
            all.iter().for_each(|instance| instance.address().kill());
            while ask(pool, CountChildren).await.active > 0 {}
            assert_eq!(ask(pool, CountChildren).await.workers, 0);
            assert_eq!(list(pool).await, "");
        };
        let make = move |(), _: &mut Context<Puppet>| Role::new("i", &mine).play(1);
        let pool = Supervisor::simple_one_for_one("pool", make).instances(Restart::Temporary);
        stage().child(pool).child(scripted(&log, script))
    });
    came_to_its_end(&played);
    assert_eq!(log.live(), 0);
}

/// Two of three fail to start again, and again: they count as children, and not as active, until they run;
/// also if one of them is terminated meanwhile, which OTP gets wrong.
fn otp_count_restarting_children_is_exact(world: &mut World) {
    let (log, here) = (Log::new(), world.locality());
    let fails = Arc::new(AtomicBool::new(false));
    let (theirs, broken) = (log.clone(), fails.clone());
    let app = world.start(&here, move || {
        let make = move |(), _: &mut Context<Puppet>| match broken.load(Ordering::SeqCst) {
            true => Err(Error::message("not yet")),
            false => Ok(Role::new("i", &theirs).play(1)),
        };
        Supervisor::simple_one_for_one("pool", make)
            .intensity(99, LONG)
            .instance_backoff(Backoff::fixed(SECOND))
    });
    let pool = app.root();
    let all = [(); 3].map(|()| {
        let start = StartInstance::<Puppet, ()>::new(());
        answer(world, pool, start).unwrap().unwrap().address
    });
    let count = |world: &mut World| {
        let count = answer(world, pool, CountChildren);
        assert_eq!((count.specs, count.supervisors), (1, 0));
        (count.active, count.workers)
    };
    let down = |world: &mut World, active, workers| {
        while count(world).0 > active {}
        assert_eq!(count(world), (active, workers));
    };
    fails.store(true, Ordering::SeqCst);
    all[..2].iter().for_each(|instance| crash(*instance));
    for _ in 0..3 {
        down(world, 1, 3);
        let restarting = "pool#1 is restarted, pool#2 is restarted, pool#3 runs";
        assert_eq!(listed(world, pool), restarting);
        world.pass(SECOND);
    }
    fails.store(false, Ordering::SeqCst);
    while count(world) != (3, 3) {
        world.pass(SECOND);
    }
    let terminate = |world: &mut World, n: usize| {
        let terminate = TerminateChild::at(all[n].address());
        answer(world, pool, terminate).expect("it is known");
        count(world)
    };
    crash(all[0]);
    down(world, 2, 3);
    assert_eq!(terminate(world, 0), (2, 2));
    assert_eq!(terminate(world, 1), (1, 1));
    assert_eq!(terminate(world, 2), (0, 0));
    world.pass(SECOND);
    assert_eq!(count(world), (0, 0));
    world.shut_down(&app);
}

/// An argument that is worth to be let go of.
type Large = Arc<[u8; 1_000]>;

/// What a temporary instance was started with goes with its start, as does that of a child which is made
/// once; that of others is for the next one.
fn otp_a_temporary_instance_keeps_no_argument(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let (mine, of) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                for (kind, kept) in KINDS.into_iter().zip([1, 1, 0]) {
                    let pool = child(root, &format!("{kind:?}")).await.address;
                    for _ in 0..2 {
                        let large: Large = Arc::new([0; 1_000]);
                        let start = StartInstance::<Puppet, _>::new(large.clone());
                        let started = ask(pool, start).await.unwrap().unwrap();
                        assert_eq!(Arc::strong_count(&large), 1 + kept, "{kind:?}");
                        crash(started.address);
                        let terminate = TerminateChild::at(started.address.address());
                        ask(pool, terminate).await.expect("it is known");
                        assert_eq!(Arc::strong_count(&large), 1, "{kind:?}");
                    }
                }
                let large: Large = Arc::new([0; 1_000]);
                let role = (log, large.clone());
                let once = StartChild::new(move || {
                    Child::once("once", move |_: &mut Context<Puppet>| {
                        let (log, _large) = role;
                        Ok(Role::new("once", &log).play(1))
                    })
                });
                assert!(ask(root, once).await.unwrap().is_some());
                assert_eq!(Arc::strong_count(&large), 1);
            }
        };
        let mut tree = stage();
        for kind in KINDS {
            let of = of.clone();
            let make = move |_: Large, _: &mut Context<Puppet>| Role::new("i", &of).play(1);
            let pool = Supervisor::simple_one_for_one(format!("{kind:?}"), make);
            tree = tree.child(pool.instances(kind).intensity(9, LONG));
        }
        tree.child(scripted(&log, script))
    });
    came_to_its_end(&played);
}

/// Whoever has ended, however and next to whom: who is asked for under its name then.
fn otp_a_name_is_free_when_a_temporary_child_has_ended(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let mine = log.clone();
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                for name in NAMES {
                    let s = child(root, name).await.address;
                    for kind in KINDS {
                        for way in [NORMAL, DETAIL, PANIC, KILL, REQUEST] {
                            let told = start_twice(s, kind, way, log.clone()).await;
                            let expected = match (kind, way.0) {
                                (Restart::Temporary, _) => "free",
                                (_, "request") => "present",
                                (Restart::Transient, "normal" | "detail") => "present",
                                _ => "runs",
                            };
                            assert_eq!(told, expected, "{name}, {kind:?}, {}", way.0);
                        }
                    }
                }
            }
        };
        let all = STRATEGIES.iter().zip(NAMES);
        let all = all.map(|(make, name)| make(name).intensity(99, LONG).child(puppet("b", &log)));
        let tree = all.fold(stage(), Supervisor::child);
        tree.child(scripted(&log, script))
    });
    came_to_its_end(&played);
    assert_eq!(log.live(), 0);
}

/// What is told to who wants to start a child once more that has ended in a way.
async fn start_twice(of: Address, kind: Restart, (how, way): Way, log: Log) -> &'static str {
    let drops = log.count("x drops");
    let start = || {
        let log = log.clone();
        ask(of, StartChild::new(move || of_kind(kind, tells("x", &log))))
    };
    let x = start().await.unwrap().unwrap().address;
    let terminate = || ask(of, TerminateChild::named("x"));
    way(x.typed().expect("it is here"));
    if how == "request" {
        terminate().await.expect("it runs");
    }
    while log.count("x drops") == drops {
        ask(of, CountChildren).await;
    }
    let told = match start().await {
        Ok(_) => "free",
        Err(AdminError::AlreadyPresent { .. }) => "present",
        Err(AdminError::AlreadyStarted { .. }) => "runs",
        Err(error) => panic!("{error}"),
    };
    terminate().await.expect("it is known");
    let _ = ask(of, DeleteChild::named("x")).await; // gone already, if it is temporary
    told
}

/// `x`, `b` and `y`, or a pool for them, and no more than two restarts; if it is frail, `b` starts once.
fn crew(name: &'static str, frail: bool, log: &Log) -> Supervisor {
    let (log, starts) = (log.clone(), Rc::new(Cell::new(0)));
    let role = move |name| {
        let starts = starts.clone();
        Role::new(name, &log).telling().start(move |_, _| {
            starts.set(starts.get() + u32::from(name == "b"));
            match name == "b" && frail && starts.get() > 1 {
                true => Err(Error::message("no luck")),
                false => Ok(()),
            }
        })
    };
    let s = match NAMES.iter().position(|of| *of == name) {
        Some(n) => {
            let children = ["x", "b", "y"].map(|name| role(name).child());
            let children = children.into_iter();
            children.fold(STRATEGIES[n](name), Supervisor::child)
        }
        None => {
            let make = move |name, _: &mut Context<Puppet>| role(name).play(1);
            Supervisor::simple_one_for_one(name, make)
        }
    };
    s.intensity(2, LONG).temporary()
}

/// It crashes too often, or it cannot be started again: its supervisor ends, with all others; what it had
/// done until then is that of its strategy.
fn otp_who_cannot_be_kept_up_ends_its_supervisor(on: &dyn Backend) {
    // How often `x`, `b` and `y` have been started, if `b` crashes again and again, and if it is frail.
    let stories = [
        ("one_for_one", [1, 3, 1], [1, 3, 1]),
        ("one_for_all", [3, 3, 3], [3, 3, 1]),
        ("rest_for_one", [1, 3, 3], [1, 3, 1]),
        ("pool", [1, 3, 1], [1, 3, 1]),
    ];
    let stories =
        stories.map(|(name, crashes, fails)| [(name, false, crashes), (name, true, fails)]);
    for (name, frail, starts) in stories.into_iter().flatten() {
        let log = Log::new();
        let played = on.run(|_| {
            let script = move |root: Address| async move {
                let s = child(root, name).await.address;
                if name == "pool" {
                    for what in ["x", "b", "y"] {
                        let start = StartInstance::<Puppet, &str>::new(what);
                        ask(s, start).await.unwrap().unwrap();
                    }
                }
                let b = ask(s, WhichChildren).await[1].address;
                let b = b.typed::<Puppet>().expect("it is here");
                (0..if frail { 1 } else { 3 }).for_each(|_| crash(b));
                while list(root).await != "lead runs" {}
            };
            stage()
                .child(crew(name, frail, &log))
                .child(scripted(&log, script))
        });
        came_to_its_end(&played);
        let count = ["x", "b", "y"].map(|name| log.count(&format!("{name} starts")));
        assert_eq!(count, starts, "{name}, {frail}");
        let b = if name == "pool" { "pool#2" } else { "b" };
        let why = match frail {
            true => "failed: no luck",
            false => "panicked: as told",
        };
        let end = format!("{name}: shutdown < {b}: {why}");
        assert!(played.exits.contains(&end), "{:?}", played.exits);
        assert_eq!(log.live(), 0);
    }
}

/// Two levels. One crash is that of a child; one too many is that of its supervisor, and of all next to
/// that: also of the one that was terminated, and without what was added.
fn otp_tree_starts_again_as_it_was_declared(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let mine = log.clone();
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let all = child(root, "all").await.address;
                let s = child(all, "s").await.address;
                ask(all, TerminateChild::named("t")).await.expect("it runs");
                let of = log.clone();
                let y = ask(s, StartChild::new(move || tells("y", &of))).await;
                let y = y.unwrap().unwrap().address.typed().expect("it is here");
                crash(y);
                while log.count("y starts") < 2 {
                    ask(s, CountChildren).await;
                }
                assert_eq!(list(all).await, "w runs, s runs, t is down");
                assert_eq!(list(s).await, "x runs, y runs");
                assert_eq!((log.count("w starts"), log.count("x starts")), (1, 1));
                crash(y);
                while log.count("w starts") < 2 {
                    ask(all, CountChildren).await;
                }
                assert_eq!(list(all).await, "w runs, s runs, t runs");
                assert_eq!(list(s).await, "x runs");
            }
        };
        let s = Supervisor::one_for_one("s").intensity(1, LONG);
        let all = Supervisor::one_for_all("all")
            .child(tells("w", &log))
            .child(s.child(tells("x", &log)))
            .child(group("t").transient().child(tells("z", &log)));
        stage().child(all).child(scripted(&log, script))
    });
    came_to_its_end(&played);
    let starts = ["w", "x", "y", "z"].map(|name| log.count(&format!("{name} starts")));
    assert_eq!(starts, [2, 2, 2, 2]);
}

/// One that nobody misses when it has ended.
fn auto(s: Supervisor, when: AutoShutdown) -> Supervisor {
    s.intensity(99, LONG).auto_shutdown(when).temporary()
}

/// Only if it was an end of its own, for good: of the first one, or of the last one.
fn otp_significant_children_end_their_supervisor_by_their_own_ends(on: &dyn Backend) {
    let log = Log::new();
    let mut stories = Vec::new();
    for when in [AutoShutdown::Never, AutoShutdown::Any, AutoShutdown::All] {
        for kind in [Restart::Transient, Restart::Temporary] {
            for way in [NORMAL, PANIC, KILL, REQUEST] {
                stories.push((when, kind, false, way));
                if when != AutoShutdown::Never {
                    stories.push((when, kind, true, way));
                }
            }
        }
    }
    let played = on.run(|_| {
        let (mine, all) = (log.clone(), stories.clone());
        let script = move |root: Address| {
            let (log, all) = (mine.clone(), all.clone());
            async move {
                for (n, (when, kind, significant, way)) in all.into_iter().enumerate() {
                    let s = child(root, &format!("s{n}")).await.address;
                    let first = lives_on(s, "a", way, &log).await;
                    let second = first && lives_on(s, "b", way, &log).await;
                    let is_end = match way.0 {
                        "normal" => significant,
                        "request" => false,
                        _ => significant && kind == Restart::Temporary,
                    };
                    let expected = match when {
                        AutoShutdown::Any if is_end => (false, false),
                        AutoShutdown::All if is_end => (true, false),
                        _ => (true, true),
                    };
                    let what = format!("{when:?}, {kind:?}, {significant}, {}", way.0);
                    assert_eq!((first, second), expected, "{what}");
                    while !second && list(root).await.contains(&format!("s{n} runs")) {}
                }
            }
        };
        let mut tree = stage();
        for (n, (when, kind, significant, _)) in stories.iter().enumerate() {
            let mut s = auto(Supervisor::one_for_one(format!("s{n}")), *when);
            for name in ["a", "b"] {
                let child = of_kind(*kind, tells(name, &log));
                s = s.child(match significant {
                    true => child.significant(),
                    false => child,
                });
            }
            tree = tree.child(s.child(tells("c", &log)));
        }
        tree.child(scripted(&log, script))
    });
    came_to_its_end(&played);
    assert_eq!(log.live(), 0);
}

/// Ends a child, and says whether its supervisor lives on.
async fn lives_on(s: Address, name: &str, (how, way): Way, log: &Log) -> bool {
    let drops = format!("{name} drops");
    let before = log.count(&drops);
    way(child(s, name).await.address.typed().expect("it is here"));
    if how == "request" {
        let terminate = TerminateChild::named(name.to_owned());
        ask(s, terminate).await.expect("it runs");
    }
    let lives = || async { s.admin().ask(CountChildren, LONG).await.is_ok() };
    while log.count(&drops) == before && lives().await {}
    lives().await
}

/// Stopped because of a sibling that is not significant: that is no end of their own.
fn otp_significant_bystander_ends_nobody(on: &dyn Backend) {
    let log = Log::new();
    let mut stories = Vec::new();
    for make in STRATEGIES.into_iter().zip(NAMES) {
        for when in [AutoShutdown::Any, AutoShutdown::All] {
            stories.push((make, when, Restart::Transient));
            stories.push((make, when, Restart::Temporary));
        }
    }
    let played = on.run(|_| {
        let (mine, all) = (log.clone(), stories.clone());
        let script = move |root: Address| {
            let (log, all) = (mine.clone(), all.clone());
            async move {
                for (n, ((_, name), when, kind)) in all.into_iter().enumerate() {
                    let s = ask(root, WhichChildren).await[n].address;
                    let before = log.count("x starts");
                    crash(child(s, "x").await.address.typed().expect("it is here"));
                    while log.count("x starts") == before {
                        ask(s, CountChildren).await;
                    }
                    let expected = match (name, kind) {
                        ("one_for_all" | "rest_for_one", Restart::Temporary) => "x runs",
                        _ => "x runs, a runs, b runs",
                    };
                    assert_eq!(list(s).await, expected, "{name}, {when:?}, {kind:?}");
                }
            }
        };
        let mut tree = stage();
        for (n, ((make, _), when, kind)) in stories.iter().enumerate() {
            let name: &'static str = format!("s{n}").leak();
            let s = auto(make(name), *when).child(tells("x", &log));
            let both = ["a", "b"].map(|name| of_kind(*kind, puppet(name, &log)).significant());
            tree = tree.child(both.into_iter().fold(s, Supervisor::child));
        }
        tree.child(scripted(&log, script))
    });
    came_to_its_end(&played);
    assert_eq!(log.live(), 0);
}

/// Up to a supervisor that is not significant; one that is permanent is started again.
fn otp_significant_escalation_ends_where_nobody_is_significant(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let [a, b, c] = [(); 3].map(|()| here.reserve());
        let mine = log.clone();
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let outer = child(root, "stays").await.address;
                end(a);
                while !list(outer).await.is_empty() {}
                end(b);
                while list(root).await.contains("goes") {}
                end(c);
                while log.count("c starts") < 2 {
                    ask(root, CountChildren).await;
                }
                assert_eq!(list(root).await, "stays runs, again runs, lead runs");
            }
        };
        let any = |name| auto(Supervisor::one_for_one(name), AutoShutdown::Any);
        let leaf = |name, at| tells(name, &log).at(at).transient().significant();
        let again = group("again").auto_shutdown(AutoShutdown::Any);
        stage()
            .child(any("stays").child(any("inner").child(leaf("a", a))))
            .child(any("goes").child(any("below").significant().child(leaf("b", b))))
            .child(again.child(leaf("c", c)))
            .child(scripted(&log, script))
    });
    came_to_its_end(&played);
    let chain = "goes: shutdown < below: shutdown < b: normal".to_owned();
    assert!(played.exits.contains(&chain), "{:?}", played.exits);
}

bodies! {
    Each: [
        otp_who_is_ignored_is_kept_as_its_kind_says,
        otp_an_instance_that_does_not_start_leaves_nothing,
        otp_count_children_agrees_with_the_list,
        otp_a_temporary_instance_keeps_no_argument,
        otp_a_name_is_free_when_a_temporary_child_has_ended,
        otp_who_cannot_be_kept_up_ends_its_supervisor,
        otp_tree_starts_again_as_it_was_declared,
        otp_significant_children_end_their_supervisor_by_their_own_ends,
        otp_significant_bystander_ends_nobody,
        otp_significant_escalation_ends_where_nobody_is_significant,
    ]
    World: [
        otp_a_child_ends_within_its_limit_or_by_force,
        otp_instances_of_a_pool_end_each_in_its_way,
        otp_sup_stop_race_each_ends_for_its_own_reason,
        otp_count_restarting_children_is_exact,
    ]
}
