//! Restarts that wait.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::admin::{answer, ask, child, list, scripted};
use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::world::World;

/// Longer than any body takes.
const HOURS: Backoff = Backoff::fixed(Duration::from_secs(100_000));
const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

/// What is sent meanwhile is handled by the next instance.
fn l07_a_restart_waits_and_messages_wait_with_it(on: &dyn Backend) {
    let log = Log::new();
    let waited = Rc::new(Cell::new(Duration::ZERO));
    let told = waited.clone();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let crashed = Rc::new(Cell::new(None::<Instant>));
        let watch = Role::new("a", &log).begin(move |me, cx| match crashed.get() {
            None => {
                // A panic of the first handler, at this time or later.
                crashed.set(Some(cx.now()));
                crash(cx.addr());
                cx.addr().send(Num(me.life));
                act(cx.addr(), move |_, _| end(b));
            }
            Some(then) => told.set(cx.now() - then),
        });
        stage()
            .child(lead("b", &log).at(b))
            .child(watch.child().at(a).backoff(Backoff::fixed(ms(20))))
    });
    assert_eq!(log.of("a"), ["a: 1"]);
    assert!(waited.get() >= ms(20), "{:?}", waited.get());
}

/// Also of a supervisor that is on another loop than its own supervisor.
fn l07_a_supervisor_that_gave_up_is_restarted_after_a_wait(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let starts = Arc::new(Mutex::new(Vec::new()));
    let noted = starts.clone();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, x) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        let frail = Supervisor::one_for_one("frail")
            .intensity(0, SECOND)
            .backoff(Backoff::exponential(ms(5), ms(20)).jitter(50))
            .on(&away, move |s| {
                let role = Role::new("x", &theirs).telling();
                let noted = noted.clone();
                let role = role.begin(move |me, cx| {
                    noted.lock().unwrap().push(cx.now());
                    if me.life < 4 {
                        crash(cx.addr())
                    } else {
                        end(a)
                    }
                });
                s.child(role.child().at(x))
            });
        stage().child(lead("a", &log).at(a)).child(frail)
    });
    assert_eq!(log.count("x starts"), 4);
    // 5, 10 and 20 ms, of which jitter takes half at most.
    let starts = starts.lock().unwrap();
    let waited = starts[3] - starts[0];
    assert!(waited >= ms(17), "{waited:?}");
}

/// A tree ends although a child would wait for a day.
fn m14_a_stop_does_not_wait_for_a_restart(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, x) = (here.reserve(), here.reserve(), away.reserve());
        let theirs = log.clone();
        act(a, move |_, _| {
            crash(b);
            crash(x);
        });
        when(a, (1, "b drops"), move |_, cx| {
            when(cx.addr(), (1, "x drops"), |_, cx| cx.stop());
        });
        let role = |name, log: &Log| {
            let child = Role::new(name, log).telling().child();
            child.backoff(HOURS).stop_limit(LONG)
        };
        stage()
            .child(lead("a", &log).at(a))
            .child(role("b", &log).at(b))
            .child(group("far").on(&away, move |s| s.child(role("x", &theirs).at(x))))
    });
    assert_eq!(log.count("b starts") + log.count("x starts"), 2);
}

/// A pass of rest_for_one starts the child that waits; asked for, it is restarting, and its wait
/// can be ended.
fn m14_a_child_that_waits_is_restarting(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (b, c) = (here.reserve::<Puppet>(), here.reserve::<Puppet>());
        let mine = log.clone();
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let rest = child(root, "rest").await.address;
                let until = async |begin, count| {
                    while log.count(begin) < count {
                        ask(rest, CountChildren).await;
                    }
                };
                crash(c);
                until("c drops", 1).await;
                log.put(list(rest).await);
                crash(b);
                until("c starts", 2).await;
                log.put(list(rest).await);
                crash(c);
                until("c drops", 2).await;
                let told = ask(rest, RestartChild::named("c")).await;
                let text = "stage/rest/c is being restarted: terminate it first";
                assert!(told.is_err_and(|error| error.to_string() == text));
                let told = ask(rest, DeleteChild::named("c")).await;
                assert!(matches!(told, Err(AdminError::Restarting { .. })));
                let told = ask(
                    rest,
                    StartChild::new(|| -> Node { Supervisor::one_for_one("c").into() }),
                );
                assert!(matches!(told.await, Err(AdminError::AlreadyPresent { .. }))); // as in OTP
                ask(rest, TerminateChild::named("c"))
                    .await
                    .expect("it is known");
                log.put(list(rest).await);
                ask(rest, RestartChild::named("c"))
                    .await
                    .expect("it can start");
            }
        };
        let rest = Supervisor::rest_for_one("rest")
            .intensity(9, SECOND)
            .child(Role::new("b", &log).telling().child().at(b))
            .child(Role::new("c", &log).telling().child().at(c).backoff(HOURS));
        stage().child(rest).child(scripted(&log, script))
    });
    assert_eq!(
        log.all()[..11],
        [
            "b starts",
            "c starts",
            "c drops",
            "b runs, c is restarted",
            "b drops",
            "b starts",
            "c starts",
            "b runs, c runs",
            "c drops",
            "b runs, c is down",
            "c starts",
        ]
    );
}

/// The instances of a pool wait each by itself.
fn l07_an_instance_of_a_pool_waits_alone(world: &mut World) {
    let (log, here) = (Log::new(), world.locality());
    let theirs = log.clone();
    let app = world.start(&here, move || {
        let make = move |name, _: &mut Context<Puppet>| Role::new(name, &theirs).telling().play(1);
        Supervisor::simple_one_for_one("pool", make)
            .intensity(9, SECOND)
            .instance_backoff(Backoff::fixed(SECOND))
    });
    for (name, drops, first) in [("a", "a drops", SECOND), ("b", "b drops", ms(600))] {
        let start = StartInstance::<Puppet, &'static str>::new(name);
        let started = world.answer(app.root().admin().ask(start, LONG));
        crash(started.unwrap().unwrap().unwrap().address);
        world.until(|| log.count(drops) == 1);
        world.until_due_in(Some(first));
        world.pass(ms(400));
    }
    world.pass(ms(200) - NANO);
    world.until_due_in(Some(NANO));
    assert_eq!(log.all(), ["a starts", "a drops", "b starts", "b drops"]);
    world.pass(NANO);
    world.until_due_in(Some(ms(400)));
    assert_eq!(log.all()[4..], ["a starts"]);
    world.pass(ms(400));
    world.until_due_in(None);
    world.until(|| log.all()[5..] == ["b starts"]);
    world.shut_down(&app);
}

/// Starts a tree of one child, whose lives are to take so long: then it crashes.
fn frail(world: &mut World, lives: Vec<Duration>, backoff: Backoff) -> App {
    let here = world.locality();
    world.start(&here, move || {
        let role = Role::new("b", &Log::new()).begin(move |me, cx| {
            if let Some(life) = lives.get(me.life as usize - 1) {
                later(cx, *life, |_, _| panic!("as told"));
            }
        });
        let root = Supervisor::one_for_one("root").intensity(u32::MAX, LONG);
        root.child(role.child().backoff(backoff))
    })
}

/// The same, as they are, growing by steps and doubled; a life that was healthy begins them anew.
fn l07_waits_are_exact_on_any_loop(world: &mut World) {
    let short = ms(1);
    let steps = Backoff::linear(SECOND, 3 * SECOND).reset_after(10 * SECOND);
    let stories = [
        (Backoff::fixed(SECOND), vec![(short, 1), (short, 1)]),
        (
            steps,
            vec![
                (short, 1),
                (short, 2),
                (short, 3),
                (short, 3),
                (10 * SECOND - NANO, 3),
                (10 * SECOND, 1),
                (short, 2),
            ],
        ),
        (
            Backoff::exponential(SECOND, 5 * SECOND),
            vec![(short, 1), (short, 2), (short, 4), (short, 5), (short, 5)],
        ),
    ];
    for (backoff, story) in stories {
        let lives = story.iter().map(|(life, _)| *life).collect();
        let app = frail(world, lives, backoff);
        for (life, wait) in story {
            world.until_due_in(Some(life));
            world.pass(life);
            world.until_due_in(Some(wait * SECOND));
            world.pass(wait * SECOND);
        }
        world.until_due_in(None);
        world.shut_down(&app);
    }
}

/// Jitter only shortens, and not by the same each time.
fn l07_jitter_is_drawn_on_any_loop(world: &mut World) {
    let backoff = Backoff::fixed(SECOND).jitter(50);
    let app = frail(world, vec![ms(1); 16], backoff);
    let mut waits = BTreeSet::new();
    for _ in 0..16 {
        world.until_due_in(Some(ms(1)));
        world.pass(ms(1));
        let wait = world.until_due_within(SECOND / 2..=SECOND);
        waits.insert(wait);
        world.pass(wait);
    }
    assert!(waits.len() > 8, "{waits:?}");
    world.until_due_in(None);
    world.shut_down(&app);
}

/// When a child that ends at once is restarted, in milliseconds.
fn restarts(seed: u64, backoff: Backoff) -> Vec<u128> {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let (start, b) = (sim.now(), here.reserve());
    let role = Role::new("b", &log).begin(move |me, cx| {
        me.say((cx.now() - start).as_millis());
        crash(cx.addr());
    });
    let tree = Supervisor::one_for_one("root").intensity(4, LONG);
    sim.start(tree.child(role.child().at(b).backoff(backoff)))
        .unwrap();
    sim.run_for(LONG);
    let times = log.all().into_iter();
    times
        .map(|line| line["b: ".len()..].parse().unwrap())
        .collect()
}

/// Exact without jitter; with it, no later, and the same for the same seed.
fn l07_waits_follow_from_the_seed(seed: u64) {
    let backoff = Backoff::exponential(SECOND, 5 * SECOND);
    assert_eq!(restarts(seed, backoff), [0, 1000, 3000, 7000, 12_000]);
    let jittered = restarts(seed, backoff.jitter(50));
    assert_eq!(jittered, restarts(seed, backoff.jitter(50)));
    assert_ne!(jittered, restarts(seed + 1, backoff.jitter(50)));
    let waits: Vec<_> = jittered.windows(2).map(|two| two[1] - two[0]).collect();
    for (wait, most) in waits.iter().zip([1000, 2000, 4000, 5000]) {
        assert!((most / 2..=most).contains(wait), "{jittered:?}");
    }
}

/// A tree of one that waits for its restart.
fn waiting(world: &mut World) -> (App, Addr<Puppet>) {
    let here = world.locality();
    let b = here.reserve();
    let app = world.start(&here, move || {
        group("root").child(puppet("b", &Log::new()).at(b).backoff(HOURS))
    });
    crash(b);
    world.until_due_in(Some(Duration::from_secs(100_000)));
    (app, b)
}

/// A wait that is given up leaves no deadline behind: the loop sleeps.
fn l07_a_wait_that_is_given_up_wakes_nobody(world: &mut World) {
    let (app, _) = waiting(world);
    let terminate = TerminateChild::named("b");
    let told = world.answer(app.root().admin().ask(terminate, Duration::MAX));
    assert!(matches!(told, Ok(Ok(()))), "{told:?}");
    world.until_due_in(None);
    world.shut_down(&app);
}

/// A stop that has waited for it means none of the instances that somebody asks for later.
fn l07_a_stop_during_a_wait_that_is_given_up_is_forgotten(world: &mut World) {
    let (app, b) = waiting(world);
    b.stop();
    answer(world, app.root(), TerminateChild::named("b")).expect("it waits");
    let again = answer(world, app.root(), RestartChild::named("b"));
    assert!(matches!(again, Ok(Some(_))), "{again:?}");
    world.shut_down(&app);
}

/// In a spec and in a request, with the reason.
fn l07_a_backoff_that_makes_no_sense_is_refused(seed: u64) {
    let log = Log::new();
    let here = Locality::new("here");
    let bad = |child: Child<Puppet>| {
        group("root")
            .child(child)
            .plan(&here)
            .unwrap_err()
            .to_string()
    };
    let one = || puppet("one", &log);
    let shrinking = Backoff::exponential(2 * SECOND, SECOND);
    assert_eq!(
        bad(one().backoff(Backoff::fixed(ms(0)))),
        "the backoff of root/one: the first wait is zero: raise it, or leave the backoff out"
    );
    assert!(bad(one().backoff(shrinking)).contains("the longest wait is shorter"));
    assert!(bad(one().backoff(HOURS.jitter(101))).contains("more than 100 percent"));
    assert_eq!(
        bad(one().temporary().backoff(HOURS)),
        "the backoff of root/one: a temporary child is never restarted: leave the backoff out, or make it \
         transient or permanent"
    );
    let make = |(), _: &mut Context<Puppet>| None;
    let pool = Supervisor::simple_one_for_one("pool", make).instance_backoff(shrinking);
    let of_pool = group("root").child(pool).plan(&here).unwrap_err();
    assert_eq!(
        of_pool.to_string(),
        "the backoff of the instances of root/pool: the longest wait is shorter than the first: raise the \
         one, or lower the other"
    );
    let no_pool = group("root").instance_backoff(HOURS).plan(&here);
    assert_eq!(
        no_pool.unwrap_err().to_string(),
        "supervisor root calls `instance_backoff`, but is no pool: make it one with `simple_one_for_one`, \
         or leave that out"
    );
    let mut sim = Sim::new(seed);
    sim.locality("here");
    let app = sim.start(group("root")).unwrap();
    let start = StartChild::new(move || puppet("one", &log).backoff(shrinking));
    let told = sim.block_on(app.root().admin().ask(start, LONG));
    let Some(Ok(Err(AdminError::BadSpec(StartError::Backoff { .. })))) = told else {
        panic!("{told:?}");
    };
}

/// Where a child waits so long that its supervisor never gives up, the plan says so.
fn m14_a_plan_warns_of_an_intensity_that_is_out_of_reach(_: u64) {
    let log = Log::new();
    let here = Locality::new("here");
    let tree = |wait: Backoff| {
        Supervisor::one_for_one("app")
            .intensity(3, 10 * SECOND)
            .child(puppet("net", &log).backoff(wait))
    };
    let warnings = |wait| tree(wait).plan(&here).unwrap().warnings;
    assert_eq!(warnings(Backoff::fixed(3 * SECOND)), [""; 0]);
    // 1 + 2 + 4 seconds.
    assert_eq!(warnings(Backoff::exponential(SECOND, 60 * SECOND)), [""; 0]);
    let warned = "app never gives up because of app/net, which waits too long for 4 restarts in 10s: \
                  raise the period, or lower the waits";
    assert_eq!(warnings(Backoff::fixed(4 * SECOND)), [warned]);
    assert_eq!(
        warnings(Backoff::exponential(2 * SECOND, 60 * SECOND)),
        [warned]
    );
    let plan = tree(Backoff::linear(2 * SECOND, 60 * SECOND).jitter(5)).plan(&here);
    assert_eq!(
        plan.unwrap().to_string(),
        format!(
            "app [here] one_for_one, 3 restarts in 10s\n  \
               net [here] Puppet, restarted after 2s, longer each time up to 60s, 5 % less at most\n\
             warning: {warned}\n"
        )
    );
}

/// Where starts that hang are given up so late that a supervisor never gives up, the plan says so; and so
/// it is.
fn m14_a_plan_warns_of_a_start_limit_that_outlasts_the_intensity(seed: u64) {
    let log = Log::new();
    let tree = |limit| {
        let role = Role::new("net", &log).begin(|me, cx| {
            if me.life > 1 {
                me.kept.push(Box::new(cx.hold("a route")));
            }
        });
        let net = role.child().start_limit(limit);
        Supervisor::one_for_one("app")
            .intensity(3, 30 * SECOND)
            .child(net)
    };
    let gives_up = |limit| {
        let mut sim = Sim::new(seed);
        sim.locality("here");
        let app = sim.start(tree(limit)).expect("a sound tree");
        sim.run_until_idle();
        app.tree().nodes[1].address.kill();
        sim.run_for(300 * SECOND);
        app.tree().ended.is_some()
    };
    let here = Locality::new("here");
    let warnings = |tree: Supervisor| tree.plan(&here).unwrap().warnings;
    assert_eq!(warnings(tree(10 * SECOND)), [""; 0]);
    assert!(gives_up(10 * SECOND));
    let warned = "app never gives up because of app/net if its starts hang, as its start limit of 11s is too \
                  long for 4 restarts in 30s: raise the period, or lower the limit";
    assert_eq!(warnings(tree(11 * SECOND)), [warned]);
    assert!(!gives_up(11 * SECOND));
    // The child's own limit is used up earlier; one that waits as well is warned of once.
    let net = || puppet("net", &log).start_limit(11 * SECOND);
    let app = || Supervisor::one_for_one("app").intensity(3, 30 * SECOND);
    assert_eq!(warnings(app().child(net().restarts_at_most(2))), [""; 0]);
    let patient = net().backoff(Backoff::fixed(11 * SECOND));
    assert_eq!(warnings(app().child(patient)).len(), 1);
    // No limit was raised, or there is none, or nothing is restarted.
    let short = || Supervisor::one_for_one("app").intensity(3, SECOND);
    assert_eq!(warnings(short().child(puppet("net", &log))), [""; 0]);
    assert_eq!(
        warnings(short().child(net().start_limit(5 * SECOND))),
        [""; 0]
    );
    assert_eq!(
        warnings(short().child(net().start_limit(Duration::MAX))),
        [""; 0]
    );
    assert_eq!(warnings(short().child(net().temporary())), [""; 0]);
}

/// By its capacity: messages between two instances are kept, or refused at once.
fn l07_messages_during_a_wait_are_refused_by_a_capacity_of_zero(world: &mut World) {
    let (log, here) = (Log::new(), world.locality());
    let (a, b) = (here.reserve(), here.reserve::<Puppet>());
    let theirs = log.clone();
    let app = world.start(&here, move || {
        let frail = puppet("b", &theirs).at(b).capacity(0);
        let frail = frail.backoff(Backoff::fixed(SECOND));
        group("root").child(frail).child(puppet("a", &theirs).at(a))
    });
    world.until(|| b.address().state() == Lifecycle::Running);
    b.send(Num(1));
    crash(b);
    world.until_due_in(Some(SECOND));
    act(a, move |me, _| {
        b.send(Num(2));
        me.say(b.try_send(Num(3)).unwrap_err().reason);
    });
    world.until(|| log.count("a: ") == 1);
    world.until_due_in(Some(SECOND));
    world.pass(SECOND);
    world.until(|| b.address().state() == Lifecycle::Running);
    b.send(Num(4));
    world.until(|| log.count("b: ") == 2);
    let full = format!("a: {}", Reason::Full);
    assert_eq!(log.all(), ["b: 1", &full, "b: 4"]);
    world.shut_down(&app);
}

bodies! {
    Each: [
        l07_a_restart_waits_and_messages_wait_with_it,
        m14_a_child_that_waits_is_restarting,
    ]
    Pair: [
        l07_a_supervisor_that_gave_up_is_restarted_after_a_wait,
        m14_a_stop_does_not_wait_for_a_restart,
    ]
    World: [
        l07_messages_during_a_wait_are_refused_by_a_capacity_of_zero,
        l07_an_instance_of_a_pool_waits_alone,
        l07_waits_are_exact_on_any_loop,
        l07_jitter_is_drawn_on_any_loop,
        l07_a_wait_that_is_given_up_wakes_nobody,
        l07_a_stop_during_a_wait_that_is_given_up_is_forgotten,
    ]
    Sim: [
        l07_waits_follow_from_the_seed,
        l07_a_backoff_that_makes_no_sense_is_refused,
        m14_a_plan_warns_of_a_start_limit_that_outlasts_the_intensity,
        m14_a_plan_warns_of_an_intensity_that_is_out_of_reach,
    ]
}
