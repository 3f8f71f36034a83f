//! The start barrier: siblings become operational together, or not at all.

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::LOG;

fn tells(name: &'static str, log: &Log) -> Role {
    Role::new(name, log).telling()
}

/// Initialized some time after its start; it says then what `other` does.
fn slow(name: &'static str, log: &Log, other: Addr<Puppet>) -> Role {
    tells(name, log).begin(move |_, cx| {
        let cold = cx.hold("it warms up");
        later(cx, ms(5), move |me, _| {
            me.say(format!("{:?}", other.address().state()));
            drop(cold);
        });
    })
}

/// The fast one waits, initialized, for the slow one, which is on another loop. One that is restarted
/// later does not wait.
fn r93_the_fast_child_waits_for_the_slow_one(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), here.reserve(), away.reserve());
        let theirs = log.clone();
        b.send(Say("runs"));
        c.send(Say("runs"));
        when(a, (1, "b: runs"), move |_, cx| {
            when(cx.addr(), (1, "c: runs"), move |_, cx| {
                crash(b);
                b.send(Say("runs again"));
                when(cx.addr(), (1, "b: runs again"), |_, cx| cx.stop());
            });
        });
        let far = group("far").synchronize_start();
        let team = group("team")
            .synchronize_start()
            .child(tells("b", &log).child().at(b))
            .child(far.on(&away, move |s| s.child(slow("c", &theirs, b).child().at(c))));
        stage().child(team).child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all()[..3],
        ["b starts", "c starts", "c: Initialized"],
        "{:?}",
        log.all()
    );
    assert_eq!(log.count("b starts"), 2);
    assert_eq!(log.count("c starts"), 1);
}

/// Whoever fails, and when: none has handled a message, and all that were started are stopped.
fn l15_a_failed_start_leaves_nobody_operational(on: &dyn Backend, far: &dyn Backend) {
    for last_fails in [true, false] {
        let log = Log::new();
        let played = on.run(|here| {
            let away = far.spawn("away");
            let (b, c) = (here.reserve::<Puppet>(), away.reserve::<Puppet>());
            let theirs = log.clone();
            b.send(Stale);
            c.send(Stale);
            let first = tells("b", &log).begin(move |_, cx| fail_soon(cx, !last_fails));
            Supervisor::one_for_one("team")
                .synchronize_start()
                .child(first.child().at(b))
                .child(group("far").on(&away, move |s| {
                    let last = tells("c", &theirs).begin(move |me, cx| {
                        let never = cx.hold("it does not warm up");
                        me.kept.push(Box::new(never));
                        fail_soon(cx, last_fails);
                    });
                    s.child(last.child().at(c).start_limit(LONG))
                }))
        });
        let root = played.exit.root_cause().to_string();
        assert_eq!(root, "failed: too cold", "{last_fails}");
        assert_eq!(log.count("b: reached") + log.count("c: reached"), 0);
        assert_eq!(log.count("b stops"), usize::from(last_fails), "in order");
        assert_eq!(log.count("b drops"), 1);
        assert_eq!(log.count("c starts"), log.count("c drops"));
        assert_eq!(log.live(), 0);
    }
}

fn fail_soon(cx: &mut Context<Puppet>, fails: bool) {
    if fails {
        later(cx, ms(2), |_, cx| cx.fail(Error::message("too cold")));
    }
}

/// One that waits can be found by its name, and linked to: others need that to be initialized. It is
/// operational before them.
fn l15_a_child_that_waits_can_be_needed_by_its_siblings(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), here.reserve(), away.reserve());
        let theirs = log.clone();
        c.send(Say("runs"));
        when(a, (1, "c: runs"), |_, cx| cx.stop());
        let finds = move |me: &mut Puppet, cx: &mut Context<Puppet>| {
            cx.find(LOG, move |me, found, _| {
                assert_eq!(found, b);
                me.say(format!("finds one that is {:?}", b.address().state()));
            });
            me.say("looks");
        };
        let far = group("far").on(&away, move |s| {
            let c = tells("c", &theirs).begin(finds).child().at(c);
            s.child(c.needs(LOG))
        });
        let team = group("team")
            .synchronize_start()
            .child(tells("b", &log).child().at(b).named(LOG))
            .child(far);
        stage().child(team).child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("c: finds one that is Initialized"), 1);
}

/// A synchronized supervisor below another one: its children wait for those above.
fn l15_barriers_are_nested(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve());
        let theirs = log.clone();
        b.send(Say("runs"));
        c.send(Say("runs"));
        when(a, (1, "b: runs"), move |_, cx| {
            when(cx.addr(), (1, "c: runs"), |_, cx| cx.stop());
        });
        let far = group("far").synchronize_start();
        let team = group("team")
            .synchronize_start()
            .child(far.on(&away, move |s| s.child(tells("b", &theirs).child().at(b))))
            .child(slow("c", &log, b).child().at(c));
        stage().child(team).child(lead("a", &log).at(a))
    });
    assert_eq!(log.all()[2], "c: Initialized", "{:?}", log.all());
}

/// A child of an inner supervisor ends, at any moment of the start of all: that fails it, or the child
/// comes back if all were operational.
fn l15_the_word_to_go_on_may_meet_a_supervisor_that_ends(seed: u64) {
    let (mut failed, mut ran) = (0, 0);
    for (stopped, apart) in [(false, false), (false, true), (true, false), (true, true)] {
        for steps in 0..40 {
            let log = Log::new();
            let mut sim = Sim::new(seed);
            let (here, away) = (sim.locality("here"), sim.locality("away"));
            let home = if apart { &away } else { &here };
            let (c, theirs) = (home.reserve::<Puppet>(), log.clone());
            let inner = group("inner").synchronize_start().on(home, move |s| {
                s.child(puppet("b", &theirs))
                    .child(puppet("c", &theirs).at(c))
            });
            let team = group("team")
                .synchronize_start()
                .child(puppet("a", &log))
                .child(inner);
            let app = sim.start(team).unwrap();
            for _ in 0..steps {
                sim.step();
            }
            if stopped {
                c.stop();
            } else {
                c.address().kill();
            }
            sim.run_for(LONG);
            match app.tree().ended {
                Some(exit) => {
                    failed += 1;
                    let why = exit.root_cause();
                    assert!(stopped || why.to_string() == "killed", "{why}");
                }
                None => {
                    ran += 1;
                    assert_eq!(log.live(), 3, "after {steps} steps:\n{}", app.tree());
                    assert_eq!(c.address().state(), Lifecycle::Running);
                }
            }
            app.shutdown();
            sim.run_for(LONG);
            let tree = app.tree();
            assert!(tree.ended.is_some(), "after {steps} steps:\n{tree}");
            assert_eq!(log.live(), 0);
        }
    }
    assert!(failed > 0 && ran > 0, "{failed} failed, {ran} ran");
}

/// A stop that comes while they wait ends them; none has been operational.
fn l15_a_stop_ends_those_that_wait(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        b.send(Stale);
        when(a, (1, "b starts"), |_, cx| {
            let root = cx.supervisor().expect("it has one");
            later(cx, ms(2), move |_, _| root.stop());
        });
        let team = Supervisor::one_for_one("team")
            .synchronize_start()
            .child(tells("b", &log).child().at(b))
            .child(slow("c", &log, b).child());
        stage().child(lead("a", &log).at(a)).child(team)
    });
    let all = log.all();
    assert_eq!(log.count("b: reached"), 0, "{all:?}");
    assert_eq!(log.count("b stops: shutdown"), 1, "{all:?}");
    assert_eq!(log.live(), 0);
}

/// The news that a child has started may come after it was told to stop: the limit of its stop stays.
fn l17_late_news_of_a_start_does_not_lift_the_limit_of_the_stop(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let theirs = log.clone();
    let far = group("far").stop_limit(ms(1_000)).on(&away, move |s| {
        let stuck = tells("b", &theirs).stop(|me, _, cx| {
            let never = cx.hold("it stays");
            me.kept.push(Box::new(never));
        });
        s.child(stuck.child().stop_limit(LONG))
    });
    sim.delay(&away, &here, ms(100));
    let app = sim.start(group("root").child(far)).unwrap();
    sim.run_for(ms(50));
    assert_eq!(log.count("b starts"), 1);
    app.shutdown();
    sim.run_for(ms(900));
    assert!(app.tree().ended.is_none());
    sim.run_for(ms(500));
    assert!(app.tree().ended.is_some(), "it waits for ever");
}

/// The barrier is that of the start: who comes later waits for nobody, and nobody for it.
fn l15_a_child_that_is_added_later_starts_at_once(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let of = log.clone();
        act(b, move |_, cx| {
            let team = cx.supervisor().expect("it has one");
            let of = of.clone();
            let start = StartChild::new(move || {
                Role::new("c", &of).begin(|me, _| me.say("starts")).child()
            });
            cx.request_from(team.admin(), start, LONG, move |me, started, _| {
                let c = started
                    .expect("it runs")
                    .expect("it can start")
                    .expect("an address");
                me.say(format!("{:?}", c.address.state()));
                me.say("goes on");
                a.stop();
            });
        });
        let team = group("team")
            .synchronize_start()
            .child(puppet("b", &log).at(b))
            .child(slow("d", &log, b).child());
        stage().child(team).child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("c: "), ["c: starts"]);
    assert_eq!(log.of("b: "), ["b: Running", "b: goes on"]);
}

bodies! {
    Each: [
        l15_a_child_that_is_added_later_starts_at_once,l15_a_stop_ends_those_that_wait]
    Pair: [
        r93_the_fast_child_waits_for_the_slow_one,
        l15_a_failed_start_leaves_nobody_operational,
        l15_a_child_that_waits_can_be_needed_by_its_siblings,
        l15_barriers_are_nested,
    ]
    Sim: [
        l15_the_word_to_go_on_may_meet_a_supervisor_that_ends,
        l17_late_news_of_a_start_does_not_lift_the_limit_of_the_stop,
    ]
}
