//! Why an actor ends: the first reason wins.

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::admin::{ask, child, scripted};
use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// What it has said is not undone by an order that is on its way.
fn m13_a_failure_counts_before_an_order_to_stop(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (x, a) = (here.reserve(), here.reserve());
        act(x, |_, cx| {
            cx.addr().stop();
            cx.fail(Error::message("mine"));
        });
        when(a, (1, "x drops"), |_, cx| cx.stop());
        let x = Role::new("x", &log).telling().child().temporary().at(x);
        stage().child(x).child(lead("a", &log).at(a))
    });
    assert_eq!(played.exits[0], "x: failed: mine");
    assert_eq!(
        log.all(),
        ["x starts", "x drops"],
        "a failure runs no stop hook"
    );
}

/// Also while the stop takes its time, and for those who ask later: an orderly end is an orderly end.
fn m13_the_reason_of_an_order_that_came_first_stays(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (x, a) = (here.reserve(), here.reserve());
        act(x, |_, cx| {
            let me = cx.addr().address();
            me.stop_with(Exit::shutdown_with("of others"));
            cx.stop_with(Exit::shutdown_with("mine"));
        });
        when(a, (1, "x drops"), move |_, cx| {
            drop(cx.monitor(x.address()))
        });
        when(a, (1, "a: down"), |_, cx| cx.stop());
        let slow = Role::new("x", &log).telling().stop(|_, _, cx| {
            let hold = cx.hold("for a while");
            later(cx, ms(2), |_, _| drop(hold));
        });
        let x = slow.child().transient().at(x);
        stage().child(x).child(lead("a", &log).at(a))
    });
    assert_eq!(played.exits[0], "x: shutdown: of others");
    assert_eq!(
        log.all(),
        [
            "x starts",
            "x stops: shutdown: of others",
            "x drops",
            "a: down shutdown: of others"
        ]
    );
}

/// Messages that are handled among many orders to stop.
fn m15_a_failure_among_many_orders_to_stop_is_told(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let of = log.clone();
        let script = move |root: Address| async move {
            let pool = child(root, "pool").await.address;
            let mut all = Vec::new();
            for _ in 0..100 {
                let started = ask(pool, StartInstance::<Puppet, ()>::new(())).await;
                all.push(started.expect("it can start").expect("it starts").address);
            }
            for x in all {
                act(x, |me, cx| {
                    me.say("fails");
                    cx.fail(Error::message("mine"));
                });
            }
            let told = ask(root, TerminateChild::named("pool")).await;
            told.expect("it is known");
        };
        let make = move |(), _: &mut Context<Puppet>| Role::new("x", &of).play(1);
        stage()
            .child(Supervisor::simple_one_for_one("pool", make))
            .child(scripted(&log, script))
    });
    let failed = |exit: &&String| exit.starts_with("pool#") && exit.ends_with(": failed: mine");
    let told = played.exits.iter().filter(failed).count();
    assert!(told > 0, "each lane gets its share");
    assert_eq!(told, log.count("x: fails"));
}

/// Its children have made it end: an order that comes while they stop changes nothing of that.
fn m13_why_a_supervisor_ends_is_not_lost_to_an_order_to_stop(seed: u64) {
    for gives_up in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let a = sim.locality("here").reserve();
        let mut inner = Supervisor::one_for_one("inner").intensity(0, LONG);
        inner = inner.child(Role::new("b", &log).slow(100).child());
        let bad = puppet("a", &log).at(a);
        inner = inner.child(if gives_up { bad } else { bad.escalating() });
        let app = sim.start(group("root").child(inner.transient())).unwrap();
        sim.run_until_idle();
        crash(a);
        sim.run_for(ms(50));
        app.tree().nodes[1].address.stop();
        sim.run_for(ms(50));
        // A transient one is started again if it has failed; who gives up has not, as in OTP.
        let lives = if gives_up { 1 } else { 2 };
        assert_eq!(app.tree().nodes[1].instances, lives, "seed {seed}");
    }
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let a = sim.locality("here").reserve();
    let tree = Supervisor::one_for_one("root").intensity(0, LONG);
    let slow = Role::new("b", &log).slow(100).child();
    let app = sim.start(tree.child(slow).child(puppet("a", &log).at(a)));
    let app = app.unwrap();
    sim.run_until_idle();
    crash(a);
    sim.run_for(ms(50));
    app.shutdown();
    sim.run_for(ms(50));
    let exit = app.tree().ended.expect("all have stopped");
    assert!(exit.is_failure() && exit.gave_up().is_some(), "{exit}");
}

bodies! {
    Sim: [
        m13_why_a_supervisor_ends_is_not_lost_to_an_order_to_stop,
    ]
    Each: [
        m13_a_failure_counts_before_an_order_to_stop,
        m13_the_reason_of_an_order_that_came_first_stays,
        m15_a_failure_among_many_orders_to_stop_is_told,
    ]
}
