//! Who was late, and what is told of it before it is removed by force.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::{Backend, Bell};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::{BELL, LOG};

/// Keeps what it is told of those who are late.
#[derive(Default)]
struct Laggards {
    counts: bool,
    all: Mutex<Vec<Late>>,
    /// Lets a handler return that is seen from elsewhere.
    release: Mutex<Option<Sender<()>>>,
}

impl Observer for Laggards {
    fn wants_counts(&self) -> bool {
        self.counts
    }

    fn late(&self, late: &Late) {
        self.all.lock().unwrap().push(late.clone());
        if late.unseen.is_some() {
            drop(self.release.lock().unwrap().take());
        }
    }
}

impl Laggards {
    fn new(on: &dyn Backend) -> Arc<Self> {
        Arc::new(Laggards {
            counts: on.counts(),
            ..Laggards::default()
        })
    }

    fn all(&self) -> Vec<Late> {
        self.all.lock().unwrap().clone()
    }

    /// Their paths and states, in order; those that are seen from elsewhere have a question mark.
    fn brief(&self) -> Vec<(String, Lifecycle)> {
        let brief = |late: Late| {
            let mark = if late.unseen.is_some() { "?" } else { "" };
            (late.path + mark, late.state)
        };
        self.all().into_iter().map(brief).collect()
    }
}

/// A stop that is never over, with a request that is never answered.
fn stuck(name: &'static str, log: &Log, asked: Addr<Puppet>) -> Child<Puppet> {
    let role = Role::new(name, log).stop(move |me, _, cx| {
        me.ask(cx, asked, 1, LONG);
        me.kept.push(Box::new(cx.hold("no end")));
    });
    role.child()
}

/// The last part of a type's name.
fn last(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or_default()
}

fn l17_who_is_late_is_told_with_what_it_waits_for(on: &dyn Backend, far: &dyn Backend) {
    let (log, late) = (Log::new(), Laggards::new(on));
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, asked, theirs) = (here.reserve(), here.reserve(), log.clone());
        end(a);
        stage()
            .observer(late.clone())
            .child(Role::new("asked", &log).keeping().child().at(asked))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("x", &theirs))
                    .child(stuck("b", &theirs, asked).stop_limit(ms(3)))
            }))
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.expect("a sound tree").is_failure());
    let all = late.all();
    assert_eq!(all.len(), 1, "{all:?}");
    let b = &all[0];
    assert_eq!((&*b.path, b.state), ("stage/far/b", Lifecycle::Stopping));
    assert_eq!((b.step, b.limit), ("stop", ms(3)));
    assert_eq!(b.holds, ["no end"]);
    assert_eq!(
        b.requests.iter().map(|q| last(q)).collect::<Vec<_>>(),
        ["Double"]
    );
    assert!(b.handling.is_none() && b.unseen.is_none());
    assert_eq!(
        b.to_string(),
        "stage/far/b: stop took longer than 3ms; stopping; waiting for an answer to Double; held by \
         no end"
    );
    assert_eq!(log.live(), 0);
}

/// A stop that nobody else has ordered.
fn l17_a_stop_of_ones_own_has_a_limit(on: &dyn Backend, far: &dyn Backend) {
    let (log, late) = (Log::new(), Laggards::new(on));
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, x, theirs) = (here.reserve(), away.reserve(), log.clone());
        end(x);
        when(a, (2, "x starts"), |_, cx| cx.stop());
        let far = group("far").on(&away, move |s| {
            let stuck = Role::new("x", &theirs).telling().stop(|me, _, cx| {
                let first = (me.life == 1).then(|| cx.hold("no end"));
                me.kept.push(Box::new(first));
            });
            s.child(stuck.child().transient().at(x).stop_limit(ms(3)))
        });
        stage()
            .observer(late.clone())
            .child(far)
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.expect("a sound tree").is_failure());
    let all = late.all();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        all[0].to_string(),
        "stage/far/x: stop took longer than 3ms; stopping; held by no end"
    );
    assert_eq!(
        log.all(),
        [
            "x starts",
            "x stops: normal",
            "x drops",
            "x starts",
            "x stops: shutdown < a: normal",
            "x drops"
        ]
    );
}

/// A limit that runs when the parent panics, or fails in its stop, holds on.
fn l17_a_limit_outlives_the_parent_that_waits(on: &dyn Backend) {
    for fails in [false, true] {
        let (log, late) = (Log::new(), Laggards::new(on));
        let exit = on.run_tree(&mut |here| {
            let (a, boss) = (here.reserve(), here.reserve());
            let theirs = log.clone();
            let role = Role::new("boss", &log).telling().begin(move |me, cx| {
                let stuck = Role::new("b", &theirs).stop(move |me, _, cx| {
                    me.kept.push(Box::new(cx.hold("no end")));
                    if fails { end(boss) } else { crash(boss) }
                });
                let b = cx.child(stuck.child().stop_limit(ms(3)));
                let order = cx
                    .addr()
                    .address()
                    .admin()
                    .ask(TerminateChild::at(b.into()), LONG);
                if me.life == 1 {
                    cx.spawn(order, |_, _, _| ());
                }
            });
            let role = role.stop(move |me, _, _| assert!(me.life > 1 || !fails, "as told"));
            when(a, (2, "boss starts"), |_, cx| cx.stop());
            stage()
                .observer(late.clone())
                .child(role.child().at(boss).transient())
                .child(lead("a", &log).at(a))
        });
        assert!(!exit.expect("a sound tree").is_failure());
        let all = late.brief();
        assert_eq!(all.len(), 2, "{fails}: {all:?}");
        assert_eq!(all[0], ("stage/boss/b".to_owned(), Lifecycle::Stopping));
        assert_eq!(log.live(), 0);
    }
}

/// The same for one that ends because of its children.
fn l17_a_supervisor_that_gives_up_has_its_limit(on: &dyn Backend, far: &dyn Backend) {
    let (log, late) = (Log::new(), Laggards::new(on));
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, x, theirs) = (here.reserve(), away.reserve(), log.clone());
        crash(x);
        when(a, (2, "x starts"), |_, cx| cx.stop());
        let far = Supervisor::one_for_one("far")
            .intensity(0, LONG)
            .stop_limit(ms(3))
            .on(&away, move |s| {
                let stuck = Role::new("b", &theirs).stop(|me, exit, cx| {
                    let first = chain(exit).contains("x").then(|| cx.hold("no end"));
                    me.kept.push(Box::new(first));
                });
                let crashes = Role::new("x", &theirs).telling();
                s.child(stuck.child().stop_limit(LONG))
                    .child(crashes.child().at(x))
            });
        stage()
            .observer(late.clone())
            .child(far)
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.expect("a sound tree").is_failure());
    assert_eq!(late.brief()[0].0, "stage/far?");
    assert_eq!(log.count("x starts"), 2);
}

fn l17_a_late_start_is_told_as_well(on: &dyn Backend) {
    let (log, late) = (Log::new(), Laggards::new(on));
    let exit = on.run_tree(&mut |_| {
        let slow = Role::new("a", &log).begin(|me, cx| me.kept.push(Box::new(cx.hold("no end"))));
        let inner = group("inner").child(slow.child().start_limit(ms(3)));
        group("root").observer(late.clone()).child(inner)
    });
    assert!(exit.expect("a sound tree").is_failure());
    let all = late.all();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        all[0].to_string(),
        "root/inner/a: start took longer than 3ms; starting; held by no end"
    );
}

/// The error of a start that took too long says what it was waiting for, and whom.
fn l17_a_start_that_took_too_long_says_what_it_waits_for(seed: u64) {
    let log = Log::new();
    let slow = |name| {
        let role = Role::new(name, &log).begin(|me, cx| me.kept.push(Box::new(cx.hold("no end"))));
        role.child()
    };
    let told = |tree: &dyn Fn(&Locality) -> Supervisor| {
        let mut sim = Sim::new(seed);
        let app = sim.locality("here");
        let app = sim.start(tree(&app)).expect("a sound tree");
        sim.run_for(ms(3));
        let exit = app.tree().ended.expect("it has failed");
        let ExitReason::TimedOut(late) = exit.root_cause().reason() else {
            panic!("{exit}");
        };
        late.to_string()
    };
    let one =
        |a: &dyn Fn() -> Child<Puppet>| told(&|_| group("root").child(a().start_limit(ms(3))));
    let late = |held: &str| {
        format!("the start of root/a took longer than its start limit of 3ms; held by {held}")
    };
    assert_eq!(one(&|| slow("a")), late("no end"));
    let needs = |name: &Name<Puppet>| puppet("a", &log).needs(name.clone());
    let nobody = "name log, which no child declares where it looks: is `.named(..)` missing?";
    assert_eq!(one(&|| needs(&LOG)), late(nobody));
    let theirs = log.clone();
    let boss = Role::new("a", &log).begin(move |_, cx| {
        let below =
            Role::new("b", &theirs).begin(|me, cx| me.kept.push(Box::new(cx.hold("no end"))));
        cx.child(below.child().start_limit(LONG));
    });
    assert_eq!(one(&|| boss.clone().child()), late("root/a/b (no end)"));
    // One that is down: somebody would have to ask its supervisor to start it.
    let down = told(&|here| {
        let b = here.reserve::<Puppet>();
        let ends = Role::new("c", &log).begin(move |me, cx| {
            b.stop();
            me.kept.push(Box::new(cx.hold_within("its end", ms(1))));
        });
        let inner = group("inner").child(puppet("b", &log).at(b).transient().named(BELL));
        group("root")
            .child(inner)
            .child(ends.child())
            .child(needs(&BELL).start_limit(ms(2)))
    });
    assert_eq!(
        down,
        late("name bell of b, which is down").replace("3ms", "2ms")
    );
}

/// A supervisor's start has a limit if it says so, wherever it is, and all that is started below it has that.
fn l17_the_start_of_a_supervisor_may_have_a_limit(seed: u64) {
    for (place, in_time) in (0..3).flat_map(|place| [(place, false), (place, true)]) {
        let (log, late) = (Log::new(), Arc::new(Laggards::default()));
        let mut sim = Sim::new(seed);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let long = if in_time { ms(20) } else { LONG };
        let theirs = log.clone();
        let below = move |s: Supervisor| {
            let slow = Role::new("b", &theirs).begin(move |_, cx| {
                let hold = cx.hold("what takes long");
                drop(later(cx, long, |_, _| drop(hold)));
            });
            s.child(puppet("a", &theirs))
                .child(slow.child().start_limit(Duration::MAX))
        };
        let inner = group("inner");
        let inner = match place {
            0 => below(inner),
            1 => inner.on(&here, below),
            _ => inner.on(&away, below),
        };
        let tree = group("root").observer(late.clone());
        let app = sim.start(tree.child(inner.start_limit(ms(30)))).unwrap();
        sim.run_for(ms(30) - Duration::from_nanos(1));
        assert!(app.tree().ended.is_none(), "seed {seed}, {place}");
        sim.run_for(ms(100));
        if in_time {
            assert!(all_run(&app), "seed {seed}, {place}: {}", app.tree());
            assert_eq!(late.brief(), [], "seed {seed}, {place}");
            continue;
        }
        let exit = app.tree().ended.expect("it is late");
        let text = "the start of root/inner took longer than its start limit of 30ms";
        assert!(exit.root_cause().to_string().contains(text), "{exit}");
        let told = late.brief();
        let b = ("root/inner/b".to_owned(), Lifecycle::Starting);
        assert!(told.contains(&b), "seed {seed}, {place}: {told:?}");
        assert_eq!(log.live(), 0, "seed {seed}, {place}");
    }
}

/// The limit of a supervisor elsewhere: what is seen from here first, then all that is known there of
/// those who keep it, and of nobody else.
fn l17_of_a_late_subtree_those_are_told_who_keep_it(seed: u64) {
    let (log, late) = (Log::new(), Arc::new(Laggards::default()));
    let mut sim = Sim::new(seed);
    let (here, away, third) = (
        sim.locality("here"),
        sim.locality("away"),
        sim.locality("third"),
    );
    let (asked, theirs) = (here.reserve(), log.clone());
    let far = group("far").stop_limit(ms(3)).on(&away, move |s| {
        let log = theirs.clone();
        let inner = group("inner").on(&third, move |s| {
            s.child(puppet("x", &log)) // waits for its turn
                .child(stuck("b", &log, asked).stop_limit(Duration::MAX))
                .child(puppet("y", &log)) // has ended in time
        });
        s.child(inner)
    });
    let tree = group("root")
        .observer(late.clone())
        .child(Role::new("asked", &log).keeping().child().at(asked))
        .child(far);
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    app.shutdown();
    sim.run_for(ms(3) - Duration::from_nanos(1));
    assert_eq!(late.brief(), []);
    sim.run_for(Duration::from_nanos(1));
    let paths = [
        "root/far?",
        "root/far",
        "root/far/inner?",
        "root/far/inner",
        "root/far/inner/b",
    ];
    let stopping = paths.map(|path| (path.to_owned(), Lifecycle::Stopping));
    assert_eq!(late.brief(), stopping, "seed {seed}");
    let all = late.all();
    assert!(
        all.iter()
            .all(|late| (late.step, late.limit) == ("stop", ms(3)))
    );
    assert_eq!(all[4].holds, ["no end"]);
    assert_eq!(
        all[0].unseen,
        Some(ms(3)),
        "its last turn was that of the order"
    );
    assert_eq!(log.live(), 0);
}

/// Who has ended in time is not late, though the news of it come late: of one elsewhere, for good or to be
/// started again.
fn l17_who_has_ended_in_time_is_not_told_of(seed: u64) {
    for limits in [(3, 60), (60, 3)] {
        let (log, late) = (Log::new(), Arc::new(Laggards::default()));
        let mut sim = Sim::new(seed);
        let (home, away) = (sim.locality("home"), sim.locality("away"));
        let (a, theirs) = (home.reserve(), log.clone());
        let [inner, far] = [limits.0, limits.1].map(ms);
        let far = group("far").stop_limit(far).on(&away, move |s| {
            s.child(Role::new("b", &theirs).telling().child())
        });
        let inner = Supervisor::one_for_all("inner").stop_limit(inner);
        let inner = inner.intensity(9, LONG).child(puppet("a", &log).at(a));
        let tree = group("root").observer(late.clone());
        let app = sim.start(tree.child(inner.child(far))).unwrap();
        sim.run_until_idle();
        sim.delay(&away, &home, ms(5));
        // A restart of all, where the pass waits for the far one.
        if limits.1 == 3 {
            crash(a);
            sim.run_for(ms(3));
            assert_eq!(log.count("b drops"), 1);
            assert_eq!(late.brief(), [], "seed {seed}");
            sim.run_for(ms(30));
            assert_eq!(log.count("b starts"), 2);
        }
        app.shutdown();
        sim.run_for(ms(30));
        assert!(app.tree().ended.is_some());
        let told: Vec<_> = late.brief().into_iter().map(|(path, _)| path).collect();
        match limits.0 {
            3 => assert_eq!(told, ["root/inner"], "seed {seed}"),
            _ => assert_eq!(told, [""; 0], "seed {seed}"),
        }
    }
}

/// The same here, where the news lie in the queue.
fn l17_who_has_just_ended_is_not_told_of(_: u64) {
    let (log, late) = (Log::new(), Arc::new(Laggards::default()));
    let clock = Clock::manual();
    let driver = Driver::new(Arc::new(Bell::default()), clock.clone());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let b = here.reserve();
    let inner = group("inner").stop_limit(ms(3));
    let inner = inner.child(puppet("b", &log).at(b));
    let tree = group("root").observer(late.clone()).child(inner);
    let app = driver.start(tree).unwrap();
    driver.run_until_idle();
    app.shutdown();
    let one = Budget {
        messages: 1,
        ..Budget::default()
    };
    while b.address().state() != Lifecycle::Waiting && b.address().state() != Lifecycle::Down {
        assert!(matches!(driver.turn(one), Turn::Again));
    }
    clock.advance(ms(3));
    driver.run_until_idle();
    assert!(app.tree().ended.is_some());
    assert!(
        late.brief().iter().all(|(path, _)| path == "root/inner"),
        "{:?}",
        late.brief()
    );
    assert_eq!(late.brief().len(), 1);
}

/// A tree with a handler elsewhere that does not return before its sender is gone; its exit.
fn hanging(
    (on, far): (&dyn Backend, &dyn Backend),
    (log, late): (&Log, &Arc<Laggards>),
    (whole, part): (Duration, Duration),
    gone: Receiver<()>,
) -> Exit {
    let mut gone = Some(gone);
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, b, theirs) = (here.reserve(), away.reserve(), log.clone());
        let gone = gone.take().expect("a tree is built once");
        // Not before all have started: the news of that would lie with the handler.
        act(a, move |_, cx| {
            act(b, move |me, _| {
                me.say("hangs");
                assert!(gone.recv().is_err());
            });
            when(cx.addr(), (1, "b: hangs"), |_, cx| cx.stop());
        });
        stage()
            .stop_limit(whole)
            .observer(late.clone())
            .child(group("far").stop_limit(part).on(&away, move |s| {
                s.child(Role::new("b", &theirs).telling().child().at(b))
            }))
            .child(lead("a", log).at(a))
    });
    exit.expect("a sound tree")
}

/// What can be known of a handler that does not return, from another thread.
fn l17_a_handler_that_hangs_is_told_of_from_elsewhere(on: &dyn Backend, far: &dyn Backend) {
    let (log, late) = (Log::new(), Laggards::new(on));
    let (release, gone) = channel();
    *late.release.lock().unwrap() = Some(release);
    let limits = (Duration::MAX, ms(3));
    let exit = hanging((on, far), (&log, &late), limits, gone);
    assert!(!exit.is_failure());
    let running = |path: &str| (path.to_owned(), Lifecycle::Running);
    let brief = late.brief();
    assert_eq!(brief[0], running("stage/far?")); // it has not seen the order to stop
    // When the handler has returned, before the order to go comes: none of it may be left, or some.
    let of_it = |(path, _): &(String, Lifecycle)| path.starts_with("stage/far");
    assert!(brief[1..].iter().all(of_it), "{brief:?}");
    let all = late.all();
    let unseen = all[0].unseen.expect("from elsewhere");
    assert!(unseen >= ms(3) && unseen < LONG, "{unseen:?}");
    match &all[0].handling {
        None => assert!(!on.counts()),
        Some(Handling {
            name, message, age, ..
        }) => {
            assert_eq!((&**name, last(message)), ("b", "Do"));
            assert!(*age >= ms(3) && *age < LONG, "{age:?}");
        }
    }
    assert_eq!(on.counts(), all[0].handling.is_some());
    assert_eq!(log.live(), 0);
}

/// Who is late on a loop that nobody runs, whether that is made or not: seen from one that was too busy to
/// take its order back.
fn m08_of_a_loop_that_nobody_runs_it_is_told_that_it_has_not_run(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    for made in [false, true] {
        let (log, late) = (Log::new(), Laggards::new(on));
        let nobody = Locality::new("nobody");
        let driver = Driver::new(Arc::new(Bell::default()), Clock::real());
        if made {
            driver.open(&nobody).expect("not open elsewhere");
        }
        let (release, gone) = channel::<()>();
        let (release, gone) = (Mutex::new(Some(release)), Arc::new(Mutex::new(gone)));
        let release = Arc::new(release);
        let exit = on.run_tree(&mut |here| {
            let away = far.spawn("away");
            let (a, b) = (here.reserve(), away.reserve());
            let (gone, theirs, place) = (gone.clone(), log.clone(), nobody.clone());
            when(a, (1, "b: hangs"), |_, cx| {
                cx.supervisor().expect("it has one").stop();
            });
            let far = group("far").stop_limit(ms(3)).on(&away, move |s| {
                let (gone, log) = (gone.clone(), theirs.clone());
                let last = Role::new("c", &theirs).begin(move |_, _| {
                    let gone = gone.clone();
                    act(b, move |me, _| {
                        me.say("hangs");
                        assert!(gone.lock().unwrap().recv().is_err());
                    });
                });
                let nowhere = group("nowhere").on(&place, move |s| {
                    s.child(Role::new("x", &log).telling().child())
                });
                s.child(puppet("b", &theirs).at(b))
                    .child(last.child())
                    .child(nowhere)
            });
            // It stops after the one behind it, which has been given up by then.
            let release = release.clone();
            let first = Role::new("a", &log).stop(move |_, _, _| {
                drop(release.lock().unwrap().take());
            });
            stage()
                .observer(late.clone())
                .child(first.child().at(a))
                .child(far)
        });
        assert!(!exit.expect("a sound tree").is_failure());
        let told = loop {
            let is_nowhere = |late: &Late| late.path == "stage/far/nowhere";
            if let Some(late) = late.all().into_iter().find(is_nowhere) {
                break late.to_string();
            }
            std::thread::yield_now();
        };
        let text =
            "stage/far/nowhere: stop took longer than 3ms; waiting; its loop has not run yet";
        assert_eq!(told, text);
        assert_eq!(log.count("x"), 0);
    }
}

/// The run ends though a thread hangs: it is not waited for.
fn l17_a_whole_tree_has_a_limit(on: &dyn Backend, far: &dyn Backend) {
    let (log, late) = (Log::new(), Laggards::new(on));
    let (release, gone) = channel();
    let limits = (ms(3), Duration::MAX);
    let exit = hanging((on, far), (&log, &late), limits, gone);
    let ExitReason::TimedOut(why) = exit.reason() else {
        panic!("{exit}");
    };
    assert_eq!((why.step, why.limit), ("stop", ms(3)));
    let running = ("stage/far?".to_owned(), Lifecycle::Running);
    assert_eq!(
        late.brief()[..2],
        [("stage".to_owned(), Lifecycle::Stopping), running]
    );
    drop(release);
    log.wait_for("b drops");
}

/// The limit of a tree begins with its end, whatever has begun that, and is the tree's alone.
fn l17_the_limit_of_a_tree_begins_with_its_end(seed: u64) {
    let begins: [fn(&App, Addr<Puppet>); 3] = [
        |app, _| app.shutdown(),
        |_, a| crash(a), // too often
        |_, a| end(a),   // a significant child
    ];
    for (i, begin) in begins.into_iter().enumerate() {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        let here = sim.locality("here");
        let (a, asked) = (here.reserve(), here.reserve());
        let tree = Supervisor::one_for_one("root")
            .intensity(0, ms(1))
            .auto_shutdown(AutoShutdown::Any)
            .stop_limit(Duration::from_secs(7))
            .child(stuck("b", &log, asked).stop_limit(Duration::MAX))
            .child(lead("a", &log).at(a));
        let app = sim.start(tree).unwrap();
        sim.run_for(Duration::from_secs(100));
        assert!(app.tree().ended.is_none());
        begin(&app, a);
        sim.run_for(Duration::from_secs(7) - Duration::from_nanos(1));
        assert!(app.tree().ended.is_none(), "seed {seed}, {i}");
        sim.run_for(Duration::from_nanos(1));
        let exit = app
            .tree()
            .ended
            .unwrap_or_else(|| panic!("seed {seed}, {i}"));
        assert!(matches!(exit.reason(), ExitReason::TimedOut(_)), "{exit}");
        assert_eq!(log.live(), 0);
    }
}

/// And holds on when the instance of the root panics meanwhile.
fn l17_the_limit_of_a_tree_outlives_its_roots_instance(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let (a, x, asked) = (here.reserve(), here.reserve(), here.reserve());
    let tree = stage()
        .stop_limit(Duration::from_secs(7))
        .decide(|child| match child.name {
            "x" => panic!("cannot decide"),
            _ => Decision::Usual,
        })
        .child(puppet("x", &log).at(x))
        .child(stuck("b", &log, asked).stop_limit(Duration::MAX))
        .child(lead("a", &log).at(a));
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    end(a);
    sim.run_for(Duration::from_secs(3));
    crash(x);
    sim.run_for(Duration::from_secs(4) - Duration::from_nanos(1));
    assert!(app.tree().ended.is_none(), "seed {seed}");
    sim.run_for(Duration::from_nanos(1));
    let exit = app.tree().ended.expect("it is late");
    assert!(matches!(exit.reason(), ExitReason::TimedOut(_)), "{exit}");
    assert_eq!(log.live(), 0);
}

/// Nor is a loop waited for that does not take the order to remove somebody at once.
fn l17_a_loop_that_is_stuck_does_not_keep_who_waits_for_no_stop(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let theirs = log.clone();
    let far = group("far").stop_limit(Duration::ZERO);
    let far = far.on(&away, move |s| s.child(puppet("a", &theirs)));
    let app = sim.start(group("root").child(far)).unwrap();
    sim.run_until_idle();
    sim.delay(&here, &away, LONG);
    app.shutdown();
    sim.run_for(ms(4_999));
    assert!(app.tree().ended.is_none(), "it may take a while");
    sim.run_for(ms(1));
    assert!(app.tree().ended.is_some(), "seed {seed}: it waits for ever");
}

/// Who ends while it starts is to be done with that in the time of a stop.
fn l17_an_end_within_a_start_has_the_limit_of_a_stop(seed: u64) {
    for (start, stop) in [(Duration::MAX, 3_000), (LONG, 3_000), (ms(2_000), 3_000)] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let asked = sim.locality("here").reserve();
        let slow = Role::new("b", &log).begin(|me, cx| me.kept.push(Box::new(cx.hold("no end"))));
        let inner = group("inner")
            .start_limit(start)
            .stop_limit(ms(stop))
            .child(stuck("a", &log, asked).stop_limit(Duration::MAX))
            .child(slow.child().start_limit(Duration::MAX));
        let app = sim.start(group("root").child(inner)).unwrap();
        sim.run_until_idle();
        app.tree().nodes[1].address.stop();
        let limit = start.min(ms(stop));
        sim.run_for(limit - ms(1));
        assert!(app.tree().ended.is_none(), "seed {seed}, {start:?}");
        sim.run_for(ms(1));
        let exit = app.tree().ended.expect("it was late");
        let ExitReason::TimedOut(late) = exit.root_cause().reason() else {
            panic!("{exit}");
        };
        assert_eq!((&*late.path, late.step), ("root/inner", "stop"));
        assert_eq!(late.limit, ms(stop));
    }
}

/// It ends already: its time does not begin anew with the order.
fn l17_an_order_to_stop_gives_one_that_ends_no_more_time(seed: u64) {
    for is_far in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let (asked, theirs) = (here.reserve(), log.clone());
        let inner = group("inner").stop_limit(ms(3_000));
        let below =
            move |s: Supervisor| s.child(stuck("a", &theirs, asked).stop_limit(Duration::MAX));
        let inner = match is_far {
            true => inner.on(&away, below),
            false => below(inner),
        };
        let app = sim.start(group("root").child(inner)).unwrap();
        sim.run_until_idle();
        app.tree().nodes[1].address.stop();
        sim.run_for(ms(2_000));
        app.shutdown();
        sim.run_for(ms(999));
        assert!(app.tree().ended.is_none(), "seed {seed}");
        sim.run_for(ms(1));
        assert!(app.tree().ended.is_some(), "seed {seed}: it has more time");
    }
}

bodies! {
    Pair: [
        l17_who_is_late_is_told_with_what_it_waits_for,
        l17_a_stop_of_ones_own_has_a_limit,
        l17_a_supervisor_that_gives_up_has_its_limit,
        l17_a_handler_that_hangs_is_told_of_from_elsewhere,
        m08_of_a_loop_that_nobody_runs_it_is_told_that_it_has_not_run,
        l17_a_whole_tree_has_a_limit,
    ]
    Sim: [
        l17_a_start_that_took_too_long_says_what_it_waits_for,
        l17_the_start_of_a_supervisor_may_have_a_limit,
        l17_of_a_late_subtree_those_are_told_who_keep_it,
        l17_who_has_ended_in_time_is_not_told_of,
        l17_who_has_just_ended_is_not_told_of,
        l17_the_limit_of_a_tree_begins_with_its_end,
        l17_the_limit_of_a_tree_outlives_its_roots_instance,
        l17_a_loop_that_is_stuck_does_not_keep_who_waits_for_no_stop,
        l17_an_end_within_a_start_has_the_limit_of_a_stop,
        l17_an_order_to_stop_gives_one_that_ends_no_more_time,
    ]
    Each: [
        l17_a_late_start_is_told_as_well,
        l17_a_limit_outlives_the_parent_that_waits,
    ]
}
