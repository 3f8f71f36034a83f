//! Service links by name: in specs, and in one step with finding.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Backend;
use crate::chains::Refusals;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::{BELL, DOOR, LOG};
use crate::world::World;

/// Where a line is.
fn at(log: &Log, line: &str) -> usize {
    let all = log.all();
    let found = all.iter().position(|l| l.starts_with(line));
    found.unwrap_or_else(|| panic!("no {line} in {all:?}"))
}

/// An actor of another type.
struct Other;

impl Actor for Other {}

/// A need that a spec declares is a link: the service ends after its client, and a new instance of
/// either is linked again.
fn l13_a_declared_need_is_a_link_of_each_instance(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve::<Puppet>(), here.reserve());
        let theirs = log.clone();
        crash(c);
        when(a, (2, "c starts"), move |_, cx| {
            end(b);
            when(cx.addr(), (2, "b starts"), |_, cx| {
                when(cx.addr(), (3, "c starts"), |_, cx| cx.stop());
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(tells("b", &theirs).at(b).named(LOG))
            }))
            .child(tells("c", &log).at(c).needs(LOG))
    });
    let all = log.all();
    let second = |line: &str| {
        let mut of = all.iter().enumerate().filter(|(_, l)| l.starts_with(line));
        of.nth(1).expect("a second one").0
    };
    assert!(second("c drops") < at(&log, "b stops: normal"), "{all:?}");
    // The tree ends, in the order of the links once more.
    let ends = ["c stops", "c drops", "b stops", "b drops"];
    let last = all[all.len() - 4..].iter().zip(ends);
    last.for_each(|(line, begin)| assert!(line.starts_with(begin), "{all:?}"));
}

/// Clients end first, and are started again last: each finds what it needs, however the supervisor
/// restarts them.
fn l13_a_service_that_stops_is_there_again_before_its_clients(on: &dyn Backend) {
    for (all, strategy) in [
        (
            false,
            Supervisor::one_for_one as fn(&'static str) -> Supervisor,
        ),
        (true, Supervisor::rest_for_one),
        (true, Supervisor::one_for_all),
    ] {
        let log = Log::new();
        let played = on.run(|here| {
            let (a, b) = (here.reserve(), here.reserve::<Puppet>());
            when(a, (2, "d starts"), |_, cx| cx.stop());
            let role = |name| Role::new(name, &log).telling();
            let slow = role("b").stop(|me, _, cx| {
                let hold = cx.hold("what is to be written");
                me.kept.push(Box::new(later(cx, ms(2), |_, _| drop(hold))));
            });
            let group = strategy("group")
                .intensity(9, LONG)
                .child(slow.child().at(b).named(LOG))
                .child(role("c").child().named(BELL).needs(LOG))
                .child(role("d").child().needs(BELL));
            when(a, (1, "d starts"), move |_, _| b.address().stop());
            stage().child(lead("a", &log).at(a)).child(group)
        });
        let lines = log.all();
        let failed = played.exits.iter().filter(|exit| exit.contains("failed"));
        assert_eq!(failed.count(), 0, "{:?}; {lines:?}", played.exits);
        let starts: Vec<_> = lines.iter().filter(|l| l.ends_with("starts")).collect();
        let order = ["b", "c", "d", "b", "c", "d"].map(|name| format!("{name} starts"));
        assert_eq!(starts, order.iter().collect::<Vec<_>>(), "all: {all}");
    }
}

/// Says when its supervisor has answered, and lets go of what it has kept till then.
fn ask_above<Q: AdminRequest>(cx: &mut Context<Puppet>, question: Q) {
    let above = cx.supervisor().expect("it has one");
    cx.request_from(above.admin(), question, LONG, |me, _, _| {
        me.say("told");
        me.kept.clear();
    });
}

/// It waits for its service also when its supervisor has something else to do; but not when that is to stop it.
fn l13_a_client_waits_for_its_service_whatever_comes_meanwhile(on: &dyn Backend) {
    for case in 0..5 {
        let log = Log::new();
        let played = on.run(|here| {
            let (a, b, x) = (here.reserve(), here.reserve(), here.reserve());
            let more = log.clone();
            let slow = Role::new("b", &log).telling().stop(move |me, exit, cx| {
                let hold = cx.hold("what is to be written");
                let late = more.clone();
                let asks = matches!(case, 0 | 2 | 3) && !exit.is_failure() && me.life == 1;
                me.kept.push(match asks {
                    true => Box::new(hold), // till it is answered
                    false => Box::new(later(cx, ms(5), |_, _| drop(hold))),
                });
                match case {
                    _ if exit.is_failure() || me.life > 1 => {}
                    0 => ask_above(cx, CountChildren),
                    1 => crash(x),
                    2 => ask_above(cx, StartChild::new(move || tells("y", &late))),
                    3 => ask_above(cx, TerminateChild::named("c")),
                    _ => end(a),
                }
            });
            let group = Supervisor::one_for_one("group")
                .intensity(3, LONG)
                .child(slow.child().at(b).named(LOG))
                .child(tells("c", &log).needs(LOG))
                .child(tells("x", &log).at(x));
            let end = if case == 3 { "b starts" } else { "c starts" };
            when(a, (1, "x starts"), move |_, cx| {
                b.stop();
                when(cx.addr(), (2, end), |_, cx| cx.stop());
            });
            stage().child(lead("a", &log).at(a)).child(group)
        });
        let lines = log.all();
        let failed = played.exits.iter().filter(|exit| exit.contains("failed"));
        assert_eq!(failed.count(), 0, "{case}: {:?}; {lines:?}", played.exits);
        let ours = |line: &&String| ["b starts", "c starts"].contains(&&***line);
        let starts: Vec<_> = lines.iter().filter(ours).collect();
        let count = [4, 4, 4, 3, 2][case];
        let order = ["b starts", "c starts", "b starts", "c starts"];
        assert_eq!(starts, order[..count], "{case}: {lines:?}");
        assert_eq!(log.count("b: told"), [1, 0, 1, 1, 0][case]);
        assert_eq!(log.live(), 0);
    }
}

/// All of them, however they come back, and whatever a pass over others does meanwhile.
fn l13_a_client_waits_for_all_its_services(seed: u64) {
    for case in 0..8 {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let here = sim.locality("here");
        let [s, t, y]: [Addr<Puppet>; 3] = std::array::from_fn(|_| here.reserve());
        let refusals = Arc::new(Refusals::default());
        let slow = |name, long| Role::new(name, &log).telling().slow(long).child();
        let service = || slow("s", 100).at(s).named(LOG);
        let client = || slow("c", 1).needs(LOG);
        let other = Role::new("other", &log).begin(|me, cx| {
            let hold = (me.life > 1).then(|| cx.hold("its start takes long"));
            later(cx, ms(30), |_, _| drop(hold));
        });
        let one = || Supervisor::one_for_one("app");
        let rest = || Supervisor::rest_for_one("app");
        let tree = match case {
            0 | 1 => one()
                .child(service())
                .child(slow("t", 5).at(t).named(BELL))
                .child(client().needs(BELL)),
            2 | 5 => one()
                .child(service().backoff(Backoff::fixed(ms(50))))
                .child(client()),
            // The service ends first: by force, or before its client has done so.
            6 => one()
                .child(
                    service()
                        .backoff(Backoff::fixed(ms(50)))
                        .stop_limit(ms(100)),
                )
                .child(slow("c", 80).needs(LOG)),
            7 => {
                let links =
                    move |_: &mut Puppet, cx: &mut Context<Puppet>| drop(cx.link_with(s.address()));
                let role = Role::new("c", &log).telling().begin(links);
                one().child(service()).child(role.child().at(y))
            }
            3 => {
                let tree = rest().child(service()).child(client());
                let tree = tree.child(puppet("y", &log).at(y));
                tree.child(puppet("z", &log)).child(puppet("last", &log))
            }
            _ => {
                let tree = rest().child(service()).child(client());
                tree.child(other.child()).child(puppet("last", &log))
            }
        };
        let tree = tree.intensity(9, LONG).observer(refusals.clone());
        let app = sim.start(tree).expect("a sound tree");
        sim.run_until_idle();
        match case {
            0 => drop([s, t].map(end)),
            1 => drop([t, s].map(end)),
            4 | 5 => crash(s),
            _ => end(s),
        }
        sim.run_for(ms(10));
        match case {
            3 => crash(y),
            4 => end(s), // in the start of what is restarted with it
            7 => act(y, |me, cx| {
                me.kept.clear(); // it leaves: see `tests/links.rs`
                cx.stop();
            }),
            _ => {}
        }
        sim.run_for(ms(2000));
        assert_eq!(*refusals.0.lock().unwrap(), [""; 0], "seed {seed}, {case}");
        let lines = log.all();
        let last = |line: &str| lines.iter().rposition(|l| l == line);
        assert!(last("s starts") < last("c starts"), "{case}: {lines:?}");
        assert!(all_run(&app));
    }
}

/// It would wait for the client, and that for a service whose end waits for the start.
fn l13_a_start_that_waits_for_a_client_that_made_way_fails_at_once(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let [s, c]: [Addr<Puppet>; 2] = std::array::from_fn(|_| here.reserve());
    let role = |name, long| Role::new(name, &log).telling().slow(long).child();
    let tree = Supervisor::one_for_one("app")
        .intensity(9, LONG)
        .child(role("s", 9_000).at(s).named(LOG).stop_limit(ms(100)))
        .child(role("c", 80).at(c).needs(LOG));
    let app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    s.stop();
    sim.run_for(ms(30));
    let theirs = log.clone();
    let x = StartChild::new(move || {
        let role = Role::new("x", &theirs).begin(move |_, cx| drop(cx.link(c.address())));
        role.child().temporary().start_limit(Duration::MAX)
    });
    let before = sim.now();
    let told = sim.block_on(app.root().admin().ask(x, Duration::MAX));
    assert!(
        matches!(told, Some(Ok(Err(AdminError::StartFailed(_))))),
        "seed {seed}: {told:?}"
    );
    assert_eq!(sim.now() - before, ms(50)); // until the client has ended
    sim.run_for(ms(2000));
    assert!(all_run(&app));
    assert_eq!([log.count("s starts"), log.count("c starts")], [2, 2]);
}

/// Its own limit ends with its own stop.
fn l13_a_client_that_has_made_way_is_not_late(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let s = here.reserve();
    let role = |name, long| Role::new(name, &log).telling().slow(long).child();
    let ends = log.clone();
    let tree = Supervisor::one_for_one("app")
        .intensity(9, LONG)
        .decide(move |child| {
            ends.put(format!("{}: {}", child.name, chain(child.exit)));
            Decision::Usual
        })
        .child(role("s", 100).at(s).named(LOG))
        .child(role("c", 10).needs(LOG).stop_limit(ms(50)));
    let _app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    s.stop();
    sim.run_for(ms(2000));
    let ends = ["s: shutdown", "c: shutdown < s: shutdown"];
    assert_eq!([log.of("s: "), log.of("c: ")].concat(), ends, "seed {seed}");
    assert_eq!(log.count("c starts"), 2);
}

/// Who was asked to leave, and has left, ends for reasons of its own from then on.
fn l13_who_has_left_a_service_does_not_wait_for_it(seed: u64) {
    for cancels in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let here = sim.locality("here");
        let (s, c) = (here.reserve(), here.reserve());
        let client = Role::new("c", &log).telling().begin(move |me, cx| {
            if me.life == 1 {
                let link = cx.link_with(s.address());
                when(cx.addr(), (1, "c: asked"), move |me, cx| {
                    if cancels {
                        assert!(cx.cancel(link));
                    }
                    me.kept.clear(); // it leaves: see `tests/links.rs`
                });
            }
        });
        let service = Role::new("s", &log).slow(100).child();
        let tree = Supervisor::one_for_one("app").intensity(9, LONG);
        let tree = tree.child(service.at(s)).child(client.child().at(c));
        let _app = sim.start(tree).expect("a sound tree");
        sim.run_until_idle();
        s.stop();
        sim.run_for(ms(1000));
        s.stop();
        sim.run_for(ms(10));
        crash(c);
        sim.run_for(ms(10));
        assert_eq!(s.address().state(), Lifecycle::Stopping, "seed {seed}");
        assert_eq!(log.count("c starts"), 2, "{cancels}");
    }
}

/// Also one that its children end, and that leaves the service meanwhile.
fn l13_a_client_whose_children_end_it_waits_for_its_service(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let [s, c, x]: [Addr<Puppet>; 3] = std::array::from_fn(|_| here.reserve());
    let more = log.clone();
    let client = Role::new("c", &log).telling().begin(move |me, cx| {
        cx.link_with(s.address());
        if me.life == 1 {
            cx.child(Role::new("slow", &more).slow(50).child());
            cx.child(puppet("x", &more).at(x));
        }
    });
    let tree = Supervisor::one_for_one("app").intensity(9, LONG);
    let tree = tree.child(Role::new("s", &log).slow(200).child().at(s));
    let _app = sim
        .start(tree.child(client.child().at(c)))
        .expect("a sound tree");
    for _ in 0..2 {
        sim.run_until_idle();
        crash(x);
    }
    sim.run_for(ms(1));
    s.stop();
    sim.run_for(ms(10));
    act(c, |me, _| me.kept.clear()); // it leaves: see `tests/links.rs`
    sim.run_for(ms(1000));
    assert_eq!(log.count("c: asked"), 1);
    assert_eq!(log.count("c starts"), 2, "seed {seed}: {:?}", log.all());
}

/// In whichever order they have ended.
fn l13_clients_that_made_way_start_again_in_start_order(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let s = sim.locality("here").reserve();
    let client = |name, long| {
        Role::new(name, &log)
            .telling()
            .slow(long)
            .child()
            .needs(LOG)
    };
    let tree = Supervisor::one_for_one("app").intensity(9, LONG);
    let tree = tree
        .child(puppet("s", &log).at(s).named(LOG))
        .child(client("c", 30))
        .child(client("d", 20))
        .child(client("e", 10));
    let _app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    s.stop();
    sim.run_for(ms(1000));
    let all = log.all();
    let lines = |what| all.iter().filter(move |l: &&String| l.ends_with(what));
    let drops: Vec<_> = lines("drops").collect();
    assert_eq!(drops, ["e drops", "d drops", "c drops"]);
    let starts: Vec<_> = lines("starts").skip(3).collect();
    assert_eq!(starts, ["c starts", "d starts", "e starts"], "seed {seed}");
}

/// What is sent to it would wait else, until its supervisor has ended.
fn l13_a_client_that_made_way_is_down_at_once_when_its_supervisor_ends(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let (s, c) = (here.reserve(), here.reserve());
    let tree = Supervisor::one_for_one("app")
        .child(Role::new("s", &log).slow(100).child().at(s).named(LOG))
        .child(puppet("c", &log).at(c).needs(LOG));
    let app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    s.stop();
    sim.run_for(ms(10));
    assert_eq!(c.address().state(), Lifecycle::Waiting);
    app.shutdown();
    sim.run_for(ms(10));
    assert_eq!(c.address().state(), Lifecycle::Down, "seed {seed}");
    assert_eq!(s.address().state(), Lifecycle::Stopping);
}

/// Tried again before, it would fail as often as its supervisor allows, at once.
fn l13_a_restart_that_fails_because_of_a_service_waits_for_it(seed: u64) {
    for case in 0..5 {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let place = if case == 2 { &away } else { &here };
        let (s, c) = (place.reserve(), here.reserve());
        let slow = Backoff::fixed(ms(500));
        let app = Supervisor::one_for_one("app").intensity(5, LONG);
        let brittle = |name| Supervisor::one_for_one(name).intensity(0, LONG);
        let theirs = log.clone();
        let service = move || puppet("s", &theirs).at(s).named(LOG);
        let client = tells("c", &log).at(c);
        let tree = match case {
            // It crashes when its client starts again.
            0 => {
                let role = Role::new("c", &log).telling().begin(move |me, cx| {
                    let hold = cx.hold("what comes before the link");
                    if me.life == 2 {
                        crash(s);
                    }
                    later(cx, ms(5), move |_, cx| {
                        cx.link(s.address());
                        drop(hold);
                    });
                });
                app.child(service().backoff(slow)).child(role.child().at(c))
            }
            // What is between the two waits.
            1 => app
                .child(brittle("group").child(service()).backoff(slow))
                .child(client.needs(LOG)),
            2 => {
                let group = brittle("group").on(&away, move |group| group.child(service()));
                app.child(group.backoff(slow)).child(client.needs(LOG))
            }
            // What is above the client is started again.
            3 => {
                let group = brittle("group").child(client.needs(LOG));
                app.child(service().backoff(slow)).child(group)
            }
            // Nobody starts the service again.
            _ => app
                .child(service().backoff(slow))
                .child(client.needs(LOG).backoff(Backoff::fixed(ms(10)))),
        };
        let app = sim.start(tree).expect("a sound tree");
        sim.run_for(ms(50));
        crash(if case == 0 || case == 4 { c } else { s });
        sim.run_for(ms(1));
        if case == 4 {
            crash(s);
            sim.run_for(ms(100));
            assert_eq!(log.count("c starts"), 2, "seed {seed}");
            let over = app.root().admin().ask(TerminateChild::named("s"), ms(1));
            assert!(matches!(sim.block_on(over), Some(Ok(Ok(())))));
            sim.run_for(ms(20));
            assert_eq!(log.count("c starts"), 3, "seed {seed}");
            continue;
        }
        sim.run_for(ms(400));
        assert_eq!(s.address().state(), Lifecycle::Waiting);
        sim.run_for(ms(600));
        assert!(all_run(&app), "{case}");
        // Whether the client starts once more before it hears of the end of a far service depends on the order.
        let starts = if case == 2 { 2..=3 } else { 3..=3 };
        let started = log.count("c starts");
        assert!(starts.contains(&started), "seed {seed}, {case}: {started}");
    }
}

/// Also a start that ends while its children start.
fn l13_a_restart_that_ends_with_its_service_waits_for_it(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let (s, c) = (here.reserve(), here.reserve());
    let more = log.clone();
    let client = Role::new("c", &log).telling().begin(move |me, cx| {
        let before = cx.hold("what comes before the link");
        later(cx, ms(5), move |_, cx| {
            cx.link(s.address());
            drop(before);
        });
        if me.life == 2 {
            let slow = Role::new("child of c", &more).begin(|_, cx| {
                let hold = cx.hold("something");
                later(cx, ms(50), |_, _| drop(hold));
            });
            cx.child(slow.child());
        }
    });
    let service = puppet("s", &log).at(s).backoff(Backoff::fixed(ms(500)));
    let tree = Supervisor::one_for_one("app").intensity(3, LONG);
    let app = sim.start(tree.child(service).child(client.child().at(c)));
    let app = app.expect("a sound tree");
    sim.run_for(ms(50));
    crash(c);
    sim.run_for(ms(20));
    crash(s); // the client's own start is over, that of its child is not
    sim.run_for(ms(400));
    assert_eq!(s.address().state(), Lifecycle::Waiting);
    sim.run_for(ms(600));
    assert!(all_run(&app), "seed {seed}: {:?}", log.all());
    assert_eq!(log.count("c starts"), 3, "seed {seed}");
}

/// As one of a service that its supervisor starts again: it is not started into a loop that is lost.
fn l13_a_client_of_a_service_whose_loop_is_lost_waits_for_it(seed: u64) {
    for case in 0..12 {
        let (by_name, is_below, closed) =
            (case % 2 == 0, case / 2 % 2 == 0, [0, 100, 1200][case / 4]);
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let (s, c) = (away.reserve(), here.reserve());
        let theirs = log.clone();
        let far = Supervisor::one_for_one("far").on(&away, move |far| {
            far.child(puppet("s", &theirs).at(s).named(LOG))
        });
        let client = match by_name {
            true => tells("c", &log).needs(LOG),
            false => {
                let role = Role::new("c", &log).telling();
                role.begin(move |_, cx| _ = cx.link(s.address())).child()
            }
        };
        let client = client.at(c);
        let app = Supervisor::one_for_one("app").intensity(5, LONG);
        let app = app.child(far.backoff(Backoff::fixed(ms(500))));
        let brittle = Supervisor::one_for_one("brittle").intensity(0, LONG);
        let app = sim.start(match is_below {
            false => app.child(client),
            true => app.child(brittle.child(client)),
        });
        let app = app.expect("a sound tree");
        sim.run_for(ms(50));
        sim.lose(&away);
        sim.run_for(ms(closed));
        sim.open(away);
        sim.run_for(ms(290));
        let case = format!("seed {seed}: {by_name} {is_below} {closed}");
        assert_eq!(c.address().state(), Lifecycle::Waiting, "{case}");
        sim.run_for(ms(300));
        assert!(all_run(&app), "{case}: {}", app.tree());
        assert_eq!(log.count("c starts"), 2, "{case}");
    }
}

/// Its supervisor need not wait to know what follows.
fn l13_an_end_that_is_no_restart_waits_for_no_service(seed: u64) {
    for case in 0..4 {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let here = sim.locality("here");
        let (s, c) = (here.reserve(), here.reserve());
        let service = puppet("s", &log).at(s).named(LOG);
        let asked = Arc::new(Mutex::new(0));
        let count = asked.clone();
        let tree = Supervisor::one_for_one("app").decide(move |child| {
            *count.lock().unwrap() += usize::from(child.name == "c");
            match child.name {
                "c" if case == 0 => Decision::Stop,
                "c" if case == 1 => Decision::Escalate,
                _ => Decision::Usual,
            }
        });
        let client = tells("c", &log).at(c).needs(LOG);
        let client = match case {
            2 => client.escalating(),
            3 => client.temporary(),
            _ => client,
        };
        let tree = tree.child(service.backoff(Backoff::fixed(ms(500))));
        let app = sim.start(tree.child(client)).expect("a sound tree");
        sim.run_for(ms(50));
        crash(s);
        sim.run_for(ms(50));
        let is_over = app.tree().ended.is_some();
        assert_eq!(is_over, case == 1 || case == 2, "seed {seed}, {case}");
        if !is_over {
            assert_eq!(s.address().state(), Lifecycle::Waiting);
            assert_eq!(c.address().state(), Lifecycle::Down, "seed {seed}, {case}");
        }
        assert_eq!(*asked.lock().unwrap(), 1, "seed {seed}, {case}");
    }
}

/// The answer holds when its turn comes.
fn l13_an_end_that_is_asked_about_waits_with_its_answer(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let s = sim.locality("here").reserve();
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    let tree = Supervisor::one_for_one("app").intensity(3, LONG);
    let tree = tree.decide(move |child| {
        let mut count = count.lock().unwrap();
        *count += usize::from(child.name == "c");
        match child.name {
            // As a transient one, it would not come back.
            "c" if *count == 1 => Decision::Restart,
            _ => Decision::Usual,
        }
    });
    let service = Role::new("s", &log).slow(100).child().at(s).named(LOG);
    let client = tells("c", &log).needs(LOG).transient();
    let app = sim.start(tree.child(service).child(client));
    let app = app.expect("a sound tree");
    sim.run_for(ms(50));
    s.stop();
    sim.run_for(ms(50));
    assert_eq!(
        (*asked.lock().unwrap(), log.count("c starts")),
        (1, 1),
        "seed {seed}"
    );
    sim.run_for(ms(500));
    assert_eq!(
        (*asked.lock().unwrap(), log.count("c starts")),
        (1, 2),
        "seed {seed}"
    );
    assert!(all_run(&app));
}

/// Whoever is asked about an end that waits may end by its answer, or start others.
fn l13_who_is_asked_about_an_end_that_waits_does_what_it_likes(seed: u64) {
    type Says = fn(&mut Puppet, &mut Context<Puppet>) -> Decision;
    let panics: Says = |_, _| panic!("no answer");
    let stops: Says = |_, cx| {
        cx.stop();
        Decision::Restart
    };
    // Not with the client itself: that would be one restart too many.
    let starts: Says = |me, cx| {
        cx.child(tells("d", &me.log).needs(LOG));
        Decision::Stop
    };
    for (says, judges, clients, others) in [(panics, 2, 2, 0), (stops, 2, 2, 0), (starts, 1, 1, 1)]
    {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let j = sim.locality("here").reserve();
        let judge = Role::new("j", &log).begin(|me, cx| {
            let service = Role::new("s", &me.log).telling().slow(100);
            let service = cx.child(service.child().named(LOG));
            cx.child(tells("c", &me.log).needs(LOG));
            if me.life == 1 {
                let ends = later(cx, ms(10), move |_, _| service.stop());
                me.kept.push(Box::new(ends));
            }
        });
        let judge = judge.decide(move |me, child, cx| match child.name {
            "c" if me.life == 1 => says(me, cx),
            _ => Decision::Usual,
        });
        let tree = Supervisor::one_for_one("app").intensity(3, LONG);
        let app = sim.start(tree.child(judge.child().at(j)));
        let app = app.expect("a sound tree");
        sim.run_for(ms(50));
        assert_eq!(log.count("c starts"), 1, "seed {seed}: {:?}", log.all());
        sim.run_for(ms(500));
        let runs = app.tree().nodes[1].instances;
        let ran = ["s", "c", "d"].map(|name| log.count(&format!("{name} starts")));
        assert_eq!(
            (runs, ran),
            (judges, [2, clients, others]),
            "seed {seed}: {:?}",
            log.all()
        );
        assert_eq!(j.address().state(), Lifecycle::Running);
        app.shutdown();
        sim.run_for(ms(500));
        assert!(app.tree().ended.is_some(), "seed {seed}: {}", app.tree());
    }
}

/// Nobody waits for anybody else's limit, wherever each of them lives.
fn l13_what_waits_for_a_lost_loop_may_be_on_another_one(seed: u64) {
    for closed in [20, 1200] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let [_, away, there] = ["here", "away", "there"].map(|name| sim.locality(name));
        let (theirs, more) = (log.clone(), log.clone());
        let far = Supervisor::one_for_one("far")
            .on(&away, move |far| far.child(puppet("s", &theirs).named(LOG)));
        let near = Supervisor::one_for_one("near").intensity(0, LONG);
        let near = near.on(&there, move |near| {
            let client = tells("c", &more).needs(LOG);
            near.child(client.start_limit(Duration::MAX))
        });
        let app = Supervisor::one_for_one("app").intensity(9, LONG);
        let app = app.child(far.backoff(Backoff::fixed(ms(500)))).child(near);
        let app = sim.start(app).expect("a sound tree");
        sim.run_for(ms(50));
        sim.lose(&away);
        sim.run_for(ms(closed));
        sim.open(away);
        sim.run_for(ms(1000));
        assert!(all_run(&app), "seed {seed}, {closed}: {}", app.tree());
        assert_eq!(log.count("c starts"), 3, "seed {seed}, {closed}");
    }
}

/// A subtree elsewhere with a service of this name, which comes again half a second after its loop is lost.
fn far(name: &'static str, place: &Locality, of: &Name<Puppet>, log: &Log) -> Supervisor {
    let (of, log, at) = (of.clone(), log.clone(), place.reserve());
    let far = Supervisor::one_for_one(name).on(place, move |far| {
        far.child(puppet("s", &log).at(at).named(of.clone()))
    });
    far.backoff(Backoff::fixed(ms(500)))
}

/// A supervisor that restarts more than anybody ends.
fn lenient(name: &'static str) -> Supervisor {
    Supervisor::one_for_one(name).intensity(100, LONG)
}

/// Kills the supervisor of this name.
fn kill(app: &App, name: &str) {
    let nodes = app.tree().nodes;
    let found = nodes.iter().find(|node| node.name == name);
    found.expect("it is there").address.kill();
}

/// Whoever has the same slot on the supervisor's own loop is somebody else.
fn l13_an_end_elsewhere_that_is_taken_lays_nobody_here_down(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [_, away, there] = ["here", "away", "there"].map(|name| sim.locality(name));
    let more = log.clone();
    let near = Supervisor::one_for_one("near").intensity(0, LONG);
    let near = near.on(&there, move |near| near.child(tells("c", &more).needs(LOG)));
    let app = lenient("app").child(far("far", &away, &LOG, &log));
    let app = sim.start(app.child(near)).expect("a sound tree");
    sim.run_for(ms(50));
    sim.lose(&away);
    sim.run_for(ms(50));
    assert_eq!(log.count("c drops"), 1, "near has given up, and waits");
    let ends = app.root().admin();
    let ends = sim.block_on(ends.ask(TerminateChild::named("near"), LONG));
    assert!(matches!(ends, Some(Ok(Ok(())))), "seed {seed}: {ends:?}");
    sim.open(away);
    sim.run_for(ms(1000));
    let down = |name: &str| {
        let nodes = app.tree().nodes;
        let of = nodes
            .iter()
            .filter(|node| node.address.state() == Lifecycle::Down);
        of.filter(|node| node.name == name).count()
    };
    let all = ["app", "far", "s", "near", "c"].map(down);
    assert_eq!(all, [0, 0, 0, 1, 1], "seed {seed}: {}", app.tree());
}

/// What it waits for besides has ended on its own loop.
fn l13_a_start_that_waits_for_a_lost_loop_is_looked_at_again(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [_, away, there] = ["here", "away", "there"].map(|name| sim.locality(name));
    let (more, f) = (log.clone(), there.reserve());
    let near = lenient("near").on(&there, move |near| {
        let sibling = Role::new("f", &more).begin(|me, cx| {
            if me.life == 2 {
                later(cx, ms(10), |_, cx| cx.stop());
            }
        });
        let client = Role::new("g", &more).begin(move |me, cx| {
            if me.life == 2 {
                let before = cx.hold("what comes before the link");
                later(cx, ms(20), move |_, cx| {
                    cx.link(f.address()); // which is stopping then, and comes again
                    drop(before);
                });
            }
        });
        let client = client.child().needs(LOG).start_limit(Duration::MAX);
        near.child(sibling.slow(50).child().at(f)).child(client)
    });
    let near = near.backoff(Backoff::fixed(ms(100)));
    let app = lenient("app").child(far("far", &away, &LOG, &log));
    let app = sim.start(app.child(near)).expect("a sound tree");
    sim.run_for(ms(50));
    kill(&app, "near");
    sim.run_for(ms(50));
    sim.lose(&away); // near starts before far
    sim.run_for(ms(300));
    sim.open(away);
    sim.run_for(LONG);
    assert!(all_run(&app), "seed {seed}: {}", app.tree());
}

/// Of two that the loop had, each of two supervisors knows that one comes back.
fn l13_what_two_loops_know_of_a_lost_one_is_put_together(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [_, away, there] = ["here", "away", "there"].map(|name| sim.locality(name));
    let (more, place) = (log.clone(), away.clone());
    let near = lenient("near").on(&there, move |near| {
        let client = Role::new("c", &more).begin(|me, cx| {
            let before = cx.hold("what comes first");
            let wait = if me.life == 2 { 100 } else { 1 };
            later(cx, ms(wait), move |_, cx| {
                cx.find_linked(LOG, |_, _, _| ());
                cx.find_linked(DOOR, |_, _, _| ());
                drop(before);
            });
        });
        near.child(far("two", &place, &DOOR, &more))
            .child(client.child().start_limit(Duration::MAX))
    });
    let near = near.backoff(Backoff::fixed(ms(100)));
    let app = lenient("app").child(far("one", &away, &LOG, &log));
    let app = sim.start(app.child(near)).expect("a sound tree");
    sim.run_for(ms(50));
    kill(&app, "near");
    sim.run_for(ms(150));
    sim.lose(&away); // while c starts, in a restart of near
    sim.run_for(ms(300));
    sim.open(away);
    sim.run_for(LONG);
    assert!(all_run(&app), "seed {seed}: {}", app.tree());
}

/// Else two that wait for each other are not known to do so.
fn l13_who_links_before_a_service_is_built_learns_where_it_is(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [here, there] = ["here", "there"].map(|name| sim.locality(name));
    let (a, f, more) = (here.reserve(), there.reserve(), log.clone());
    let near = lenient("near").on(&there, move |near| {
        let service = puppet("f", &more).at(f).needs(BELL);
        near.child(service.start_limit(Duration::MAX))
    });
    let around = lenient("around").child(near.backoff(Backoff::fixed(ms(100))));
    let client = Role::new("c", &log).begin(move |_, cx| _ = cx.link(f.address()));
    let client = client.child().start_limit(Duration::MAX);
    let app = lenient("app").child(puppet("a", &log).at(a).named(BELL));
    let app = sim
        .start(app.child(around).child(client))
        .expect("a sound tree");
    sim.run_for(ms(50));
    sim.lose(&there);
    sim.open(there);
    sim.run_for(ms(50)); // c waits for f, of which nothing is there
    a.address().kill(); // and f for a, whose supervisor is busy with c
    sim.run_for(LONG);
    assert!(all_run(&app), "seed {seed}: {}", app.tree());
}

/// Nor for a failure of the same client that is over.
fn l13_what_is_above_a_client_waits_for_no_other_failure(seed: u64) {
    for (elsewhere, comes_back) in [(false, false), (false, true), (true, false), (true, true)] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let [here, away, there] = ["here", "away", "there"].map(|name| sim.locality(name));
        let place = if elsewhere { there } else { here.clone() };
        let (t, k, c) = (here.reserve(), place.reserve(), place.reserve());
        let more = log.clone();
        let near = Supervisor::one_for_one("near").intensity(1, LONG);
        let near = near.on(&place, move |near| {
            let client = Role::new("c", &more).telling().begin(move |me, cx| {
                if me.life == 1 || comes_back && me.life == 2 {
                    cx.find_linked(LOG, |_, _, _| ());
                }
            });
            let client = client.child().at(c);
            let client = match comes_back {
                true => client.transient(),
                false => client.temporary(),
            };
            near.child(client)
                .child(puppet("k", &more).at(k).needs(BELL))
        });
        let app = lenient("app")
            .child(puppet("t", &log).at(t).named(BELL))
            .child(far("far", &away, &LOG, &log).backoff(Backoff::fixed(ms(2000))))
            .child(near);
        let app = sim.start(app).expect("a sound tree");
        sim.run_for(ms(50));
        sim.lose(&away);
        sim.run_for(ms(50));
        sim.open(away.clone());
        sim.run_for(ms(4000));
        if comes_back {
            assert_eq!(log.count("c starts"), 2, "linked to the next s");
            end(c); // near runs on without it
        } else {
            assert_eq!(log.count("c drops"), 1, "near runs on without it");
            crash(k); // once
        }
        sim.run_for(ms(50));
        sim.lose(&away); // nobody needs it now
        sim.run_for(ms(50));
        crash(t); // k fails with it, and near gives up because of that
        sim.run_for(ms(100));
        for who in [t, k] {
            let at = (seed, elsewhere, comes_back);
            assert_eq!(
                who.address().state(),
                Lifecycle::Running,
                "{at:?}: {}",
                app.tree()
            );
        }
    }
}

/// Below its sibling, and on any loop that was lost.
fn l13_what_is_above_a_client_waits_for_the_loop_that_both_have_lost(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [_, away] = ["here", "away"].map(|name| sim.locality(name));
    let one = Supervisor::one_for_one("one").intensity(0, LONG);
    let service = far("far", &away, &LOG, &log).backoff(Backoff::fixed(ms(1)));
    let one = one.child(service).backoff(Backoff::fixed(ms(500)));
    let theirs = log.clone();
    let more = Supervisor::one_for_one("more");
    let near = Supervisor::one_for_one("near").intensity(0, LONG);
    let near = near
        .child(more.on(&away, move |s| s.child(tells("m", &theirs))))
        .child(tells("c", &log).temporary().needs(LOG));
    let app = Supervisor::one_for_one("app").intensity(3, LONG);
    let app = sim.start(app.child(one).child(near)).expect("a sound tree");
    sim.run_for(ms(50));
    sim.lose(&away);
    sim.run_for(ms(100));
    sim.open(away);
    sim.run_for(LONG);
    assert!(all_run(&app), "seed {seed}: {}", app.tree());
}

/// Nor for what a failure that is over has lost.
fn l13_what_is_above_a_client_waits_for_no_other_loop_of_the_same_name(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [here, away, other] = ["here", "away", "away"].map(|name| sim.locality(name));
    let (c, m, theirs) = (here.reserve(), other.reserve::<Puppet>(), log.clone());
    let client = Role::new("c", &log).telling().begin(|me, cx| {
        if me.life == 1 {
            cx.find_linked(LOG, |_, _, _| ());
        }
    });
    let more = Supervisor::one_for_one("more");
    let near = Supervisor::one_for_one("near").intensity(0, LONG);
    let near = near
        .child(more.on(&other, move |s| s.child(puppet("m", &theirs).at(m))))
        .child(client.child().at(c).temporary());
    let app = lenient("app")
        .child(far("far", &away, &LOG, &log).backoff(Backoff::fixed(ms(2000))))
        .child(near.backoff(Backoff::fixed(ms(10))));
    let app = sim.start(app).expect("a sound tree");
    sim.run_for(ms(50));
    sim.lose(&away);
    sim.run_for(ms(50));
    assert_eq!(log.count("c drops"), 1, "near runs on without it");
    sim.lose(&other); // near ends with that, and with nothing else
    sim.open(other.clone());
    sim.run_for(ms(200));
    assert_eq!(
        m.address().state(),
        Lifecycle::Running,
        "seed {seed}: {}",
        app.tree()
    );
}

/// There is no instance that could be lost.
fn l13_an_end_that_waits_is_asked_about_once_whatever_is_lost(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let [_, away, there] = ["here", "away", "there"].map(|name| sim.locality(name));
    let more = log.clone();
    let near = Supervisor::one_for_one("near").intensity(0, LONG);
    let near = near.on(&there, move |near| near.child(tells("c", &more).needs(LOG)));
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    let app = lenient("app").decide(move |child| {
        *count.lock().unwrap() += usize::from(child.name == "near");
        Decision::Usual
    });
    let app = app.child(far("far", &away, &LOG, &log));
    let app = app.child(near.backoff(Backoff::fixed(ms(100))));
    let app = sim.start(app).expect("a sound tree");
    sim.run_for(ms(50));
    sim.lose(&away);
    sim.run_for(ms(50)); // near has given up, and waits
    sim.lose(&there);
    sim.run_for(ms(50));
    assert_eq!(*asked.lock().unwrap(), 1, "seed {seed}");
    sim.open(there);
    sim.open(away);
    sim.run_for(ms(2000));
    assert!(all_run(&app), "seed {seed}: {}", app.tree());
    assert_eq!(*asked.lock().unwrap(), 1, "seed {seed}");
}

/// To those who ask.
fn l13_a_child_whose_end_waits_is_restarting(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let s = sim.locality("here").reserve();
    let service = puppet("s", &log).at(s).named(LOG);
    let app = lenient("app").child(service.backoff(Backoff::fixed(ms(500))));
    let app = app.child(tells("c", &log).needs(LOG));
    let app = sim.start(app).expect("a sound tree");
    sim.run_for(ms(50));
    crash(s);
    sim.run_for(ms(50));
    let root = app.root();
    let all = sim.block_on(root.admin().ask(WhichChildren, LONG));
    let all = all.expect("it answers").expect("it runs");
    assert!(
        all.iter()
            .all(|child| child.state == ChildState::Restarting),
        "{all:?}"
    );
    let count = sim.block_on(root.admin().ask(CountChildren, LONG));
    let count = count.expect("it answers").expect("it runs");
    assert_eq!((count.specs, count.active), (2, 0));
    let again = sim.block_on(root.admin().ask(RestartChild::named("c"), LONG));
    assert!(
        matches!(again, Some(Ok(Err(AdminError::Restarting { .. })))),
        "{again:?}"
    );
    let other = log.clone();
    let same = StartChild::new(move || tells("c", &other));
    let same = sim.block_on(root.admin().ask(same, LONG));
    assert!(
        matches!(same, Some(Ok(Err(AdminError::AlreadyPresent { .. })))),
        "{same:?}"
    );
    sim.run_for(ms(1000));
    assert!(all_run(&app), "seed {seed}: {}", app.tree());
}

/// Of an end that has another reason, also long after.
fn l13_what_is_above_a_client_waits_for_what_has_ended_it(seed: u64) {
    for stays in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let (s, k) = (away.reserve(), here.reserve());
        let theirs = log.clone();
        let far = Supervisor::one_for_one("far")
            .on(&away, move |far| far.child(puppet("s", &theirs).at(s)));
        let first = Arc::new(AtomicBool::new(true));
        let client = Role::new("c", &log).telling().begin(move |_, cx| {
            if first.swap(false, Ordering::Relaxed) {
                let _ = match stays {
                    true => cx.link_with(s.address()),
                    false => cx.link(s.address()),
                };
            }
        });
        let client = client.child().temporary();
        let above = Supervisor::one_for_one("above").intensity(0, LONG);
        let above = above.child(client).child(puppet("k", &log).at(k));
        let app = Supervisor::one_for_one("app").intensity(9, LONG);
        let app = app.child(far.backoff(Backoff::fixed(ms(500)))).child(above);
        let _app = sim.start(app).expect("a sound tree");
        sim.run_for(ms(50));
        sim.lose(&away);
        sim.run_for(ms(20));
        assert_eq!(log.count("c drops"), usize::from(!stays), "seed {seed}");
        crash(k);
        sim.run_for(ms(20));
        assert_eq!(
            k.address().state(),
            Lifecycle::Running,
            "seed {seed}, {stays}"
        );
    }
}

/// It was between two lives when that was lost.
fn l13_a_restart_is_not_in_the_way_of_the_loop_it_waits_for(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let c = sim.locality("here").reserve();
    let away = sim.locality("away");
    let theirs = log.clone();
    let far = Supervisor::one_for_one("far")
        .on(&away, move |far| far.child(puppet("s", &theirs).named(LOG)));
    let after = |time| Backoff::fixed(ms(time));
    let client = tells("c", &log).at(c).needs(LOG);
    let client = client.start_limit(Duration::MAX).backoff(after(100));
    let app = Supervisor::one_for_one("app").intensity(5, LONG);
    let app = app.child(far.backoff(after(500))).child(client);
    let app = sim.start(app).expect("a sound tree");
    sim.run_for(ms(50));
    crash(c);
    sim.run_for(ms(50));
    sim.lose(&away);
    sim.run_for(ms(100));
    sim.open(away);
    sim.run_for(ms(600));
    assert!(all_run(&app), "seed {seed}: {}", app.tree());
    assert_eq!(log.count("c starts"), 3, "seed {seed}");
}

/// Also one whose loop is lost then: it may be started on request, between two attempts.
fn l13_a_restart_waits_for_a_service_that_is_down(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    sim.locality("here");
    let away = sim.locality("away");
    let theirs = log.clone();
    let far = Supervisor::one_for_one("far")
        .on(&away, move |far| far.child(puppet("s", &theirs).named(LOG)));
    let client = tells("c", &log).needs(LOG).start_limit(Duration::MAX);
    let app = Supervisor::one_for_one("app").intensity(3, LONG);
    let app = sim
        .start(app.child(far).child(client))
        .expect("a sound tree");
    sim.run_for(ms(50));
    let stop = app.root().admin().ask(TerminateChild::named("far"), LONG);
    assert!(matches!(sim.block_on(stop), Some(Ok(Ok(())))));
    sim.run_for(ms(50));
    sim.lose(&away);
    sim.run_for(ms(50));
    assert!(app.tree().ended.is_none(), "seed {seed}");
    assert_eq!(log.count("c starts"), 2, "seed {seed}");
    // A first start has nobody else to wait for.
    let end = app.root().admin().ask(TerminateChild::named("c"), LONG);
    assert!(matches!(sim.block_on(end), Some(Ok(Ok(())))));
    let more = log.clone();
    let start = StartChild::new(move || tells("x", &more).needs(LOG).start_limit(LONG));
    let before = sim.now();
    let started = sim.block_on(app.root().admin().ask(start, LONG));
    assert!(
        matches!(started, Some(Ok(Err(AdminError::StartFailed(_))))),
        "{started:?}"
    );
    assert_eq!(sim.now(), before, "seed {seed}");
}

/// There is no next attempt to put off.
fn l13_a_failed_restart_that_is_left_is_down_at_once(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let (s, c) = (here.reserve(), here.reserve());
    let tree = Supervisor::one_for_one("app").intensity(9, LONG);
    let tree = tree.decide(|child| match child.exit.reason() {
        ExitReason::Link(_) | ExitReason::Stalled(_) => Decision::Stop,
        _ => Decision::Usual,
    });
    let service = puppet("s", &log).at(s).named(LOG);
    let tree = tree.child(service.backoff(Backoff::fixed(ms(500))));
    let app = sim.start(tree.child(tells("c", &log).at(c).needs(LOG)));
    let _app = app.expect("a sound tree");
    sim.run_for(ms(50));
    crash(c);
    crash(s);
    sim.run_for(ms(10));
    assert_eq!(c.address().state(), Lifecycle::Down, "seed {seed}");
    assert_eq!(s.address().state(), Lifecycle::Waiting);
    sim.run_for(ms(600));
    assert_eq!(s.address().state(), Lifecycle::Running);
    assert_eq!(c.address().state(), Lifecycle::Down, "seed {seed}");
}

/// What it needs may wait for what that needs.
fn l13_a_restart_waits_for_what_its_service_waits_for(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let (t, s) = (here.reserve(), here.reserve());
    let after = |time| Backoff::fixed(ms(time));
    let first = puppet("t", &log).at(t).named(BELL).backoff(after(500));
    let second = tells("s", &log).at(s).named(LOG).needs(BELL);
    let tree = Supervisor::one_for_one("app").intensity(5, LONG);
    let tree = tree
        .child(first)
        .child(second.backoff(after(10)))
        .child(tells("c", &log).needs(LOG));
    let app = sim.start(tree).expect("a sound tree");
    sim.run_for(ms(50));
    crash(s);
    sim.run_for(ms(1));
    crash(t);
    sim.run_for(ms(1000));
    assert!(all_run(&app), "seed {seed}: {:?}", log.all());
}

/// The first has waited for the second below it, some time ago; now the second makes way for the first.
fn l13_of_two_that_wait_for_each_other_one_does_not(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let b = sim.locality("here").reserve();
    let decide = |child: &ChildExit<'_>| match child.exit.reason() {
        ExitReason::Stalled(_) => Decision::Stop,
        _ => Decision::Usual,
    };
    // It is started again with its child, whose start cannot end before this.
    let above = Supervisor::one_for_one("above").intensity(0, LONG);
    let above = above.decide(decide);
    let service = tells("b", &log).at(b).named(BELL);
    let tree = Supervisor::one_for_one("app").intensity(5, LONG);
    let tree = tree
        .child(service.backoff(Backoff::fixed(ms(500))))
        .child(above.child(tells("a", &log).needs(BELL)));
    let app = sim.start(tree).expect("a sound tree");
    sim.run_for(ms(50));
    crash(b);
    sim.run_for(ms(600));
    let state = |name: &str| {
        let nodes = app.tree().nodes;
        let node = nodes.into_iter().find(|node| node.name == name);
        node.map(|node| (node.address, node.state.to_string()))
    };
    assert_eq!(state("a").expect("it is there").1, "down");
    let above = state("above").expect("it is there").0;
    act(b, move |_, cx| _ = cx.link(above));
    sim.run_for(ms(50));
    above.stop();
    sim.run_for(ms(1000));
    for name in ["b", "above"] {
        assert_eq!(state(name).expect("it is there").1, "running", "{name}");
    }
}

/// It has its own limit, and what it would wait for may wait for its end.
fn l13_a_stop_waits_for_no_name_and_no_service(seed: u64) {
    for case in 0..3 {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let here = sim.locality("here");
        let (s, a) = (here.reserve(), here.reserve());
        let service = puppet("s", &log).at(s).named(LOG);
        let tree = group("app")
            .child(service.backoff(Backoff::fixed(ms(500))))
            .child(puppet("a", &log).at(a));
        let _app = sim.start(tree).expect("a sound tree");
        sim.run_until_idle();
        crash(s);
        sim.run_until_idle();
        let theirs = log.clone();
        act(a, move |_, cx| {
            let role = Role::new("c", &theirs).telling();
            let child = match case {
                // The name is found when the stop has begun.
                0 => {
                    let role = role.begin(|_, cx| cx.stop()).slow(10);
                    role.child().needs(LOG)
                }
                1 => {
                    let role = role.begin(|_, cx| cx.stop());
                    let stop = move |_: &mut Puppet, _: &Exit, cx: &mut Context<Puppet>| {
                        cx.link(s.address());
                    };
                    role.stop(stop).child()
                }
                _ => {
                    let role = role.begin(|_, cx| cx.stop());
                    role.stop(|_, _, cx| drop(cx.find(BELL, |_, _, _| ())))
                        .child()
                }
            };
            cx.child(child.temporary().stop_limit(LONG));
        });
        sim.run_for(ms(10));
        assert_eq!(log.count("c drops"), 1, "seed {seed}, {case}");
        assert_eq!(s.address().state(), Lifecycle::Waiting);
    }
}

/// Discovered and linked at once, by two names of one service: one link, and both are told.
fn r104_a_name_is_found_and_linked_in_one_step(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        let role = Role::new("c", &log).telling().begin(|_, cx| {
            for (name, text) in [(LOG, "log"), (DOOR, "door")] {
                cx.find_linked(name, move |me, found, _| {
                    me.say(format!("found {text}"));
                    found.send(Say("used"));
                });
            }
        });
        when(a, (2, "b: used"), |_, cx| cx.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(tells("b", &theirs).at(b).named(LOG).named(DOOR))
            }))
            .child(role.child())
    });
    assert_eq!(log.of("c: "), ["c: found log", "c: found door"]);
    assert!(at(&log, "c drops") < at(&log, "b stops"), "{:?}", log.all());
}

/// A name that is promised: the client waits for it, and for the service to be operational.
fn r104_a_promised_name_is_linked_when_it_comes(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (
            here.reserve(),
            away.reserve::<Puppet>(),
            here.reserve::<Puppet>(),
        );
        let theirs = log.clone();
        let mine = log.clone();
        act(a, move |_, cx| {
            // It starts beside the tree's other children, and waits.
            let client = tells("c", &mine).at(c).transient();
            cx.child(client.needs(LOG).start_limit(LONG));
            act(b, |me, cx| {
                me.say("registers");
                cx.register(LOG).expect("nobody has it");
            });
            c.send(Say("is operational"));
        });
        when(a, (1, "c: is operational"), move |_, cx| {
            end(b);
            when(cx.addr(), (1, "b drops"), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(tells("b", &theirs).at(b).temporary())
            }))
    });
    assert!(at(&log, "b: registers") < at(&log, "c: is operational"));
    assert!(at(&log, "c drops") < at(&log, "b stops"), "{:?}", log.all());
}

/// A service that does not come in time: the client fails, and its supervisor's start with it.
fn r51_a_link_that_is_not_made_in_time_fails_the_start(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let mut unclaimed = String::new();
    let played = on.run(|_| {
        let away = far.spawn("away");
        let nobody = away.reserve::<Puppet>();
        unclaimed = format!("{:?}", nobody.address());
        let role = Role::new("c", &log).begin(move |_, cx| {
            cx.link(nobody.address());
        });
        group("root")
            .child(group("far").on(&away, |s| s))
            .child(role.child().start_limit(ms(5)))
    });
    let why = format!(
        "shutdown < c: timed out: the start of root/c took longer than its start limit of 5ms; held by a link to \
         {unclaimed} on away, which no child has claimed: is `.at(..)` missing?"
    );
    assert_eq!(chain(&played.exit), why);
    assert_eq!(log.live(), 0);
}

/// Asked to leave, the client confirms when it has done its work, and lives on.
fn r54_a_client_confirms_the_end_of_a_link_itself(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (
            here.reserve(),
            away.reserve::<Puppet>(),
            here.reserve::<Puppet>(),
        );
        let theirs = log.clone();
        let role = Role::new("c", &log).telling().begin(move |_, cx| {
            cx.link_with(b.address());
        });
        when(a, (1, "c starts"), move |_, _| end(b));
        // The request to leave is kept by `c`: see `tests/links.rs`.
        when(a, (1, "c: asked"), move |_, cx| {
            act(c, |me, _| {
                me.say("confirms");
                me.kept.clear();
            });
            when(cx.addr(), (1, "b drops"), move |_, cx| {
                c.send(Say("lives on"));
                when(cx.addr(), (1, "c: lives on"), |_, cx| cx.stop());
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(tells("b", &theirs).at(b).temporary())
            }))
            .child(role.child().at(c))
    });
    assert!(
        at(&log, "c: confirms") < at(&log, "b stops"),
        "{:?}",
        log.all()
    );
    assert!(at(&log, "b drops") < at(&log, "c stops"));
}

/// A client that ends while its link to an actor of another tree is pending leaves nothing there.
fn r55_a_client_ends_while_its_link_to_another_tree_is_pending(world: &mut World) {
    let log = Log::new();
    let (here, there) = (world.locality(), world.locality());
    let (b, c) = (there.reserve::<Puppet>(), here.reserve());
    let clients = log.clone();
    let mine = world.start(&here, move || {
        let role = Role::new("c", &clients).telling().begin(move |_, cx| {
            cx.link(b.address());
        });
        group("mine").child(role.child().at(c).transient().start_limit(LONG))
    });
    let opens = Arc::new(Mutex::new(None));
    let (kept, services) = (opens.clone(), log.clone());
    let theirs = world.start(&there, move || {
        let role = Role::new("b", &services).begin(move |_, cx| {
            *kept.lock().unwrap() = Some(cx.hold("as long as the test wants"));
        });
        group("theirs").child(role.child().at(b).start_limit(LONG))
    });
    world.until(|| log.count("c starts") == 1 && opens.lock().unwrap().is_some());
    world.shut_down(&mine);
    assert_eq!(log.count("c stops"), 1);
    assert!(theirs.tree().ended.is_none());
    drop(opens.lock().unwrap().take());
    world.until(|| b.address().state() == Lifecycle::Running);
    // Nobody is left to wait for.
    world.shut_down(&theirs);
}

/// A service waits for a client that supervises and takes its time, and for what is below it.
fn r62_a_supervising_client_is_waited_for_with_its_children(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let (theirs, mine) = (log.clone(), log.clone());
        let role = Role::new("c", &log).telling().begin(move |_, cx| {
            cx.link(b.address());
            cx.child(tells("x", &mine));
        });
        let role = role.stop(|_, _, cx| {
            let hold = cx.hold("a last write");
            later(cx, ms(3), move |me, _| {
                me.say("has written");
                drop(hold);
            });
        });
        when(a, (1, "x starts"), move |_, cx| {
            end(b);
            when(cx.addr(), (1, "b drops"), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(tells("b", &theirs).at(b).temporary())
            }))
            .child(role.child().transient())
    });
    let order = [
        "c stops",
        "c: has written",
        "x stops",
        "x drops",
        "c drops",
        "b stops",
    ];
    let order = order.map(|line| at(&log, line));
    assert!(order.is_sorted(), "{:?}", log.all());
}

/// A service that stops while it still starts tells those who wait to be its clients.
fn r105_clients_are_told_when_a_service_stops_in_its_start(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve::<Puppet>(), here.reserve());
        let theirs = log.clone();
        act(c, move |me, cx| {
            cx.link(b.address());
            me.say("waits");
        });
        when(a, (1, "c: waits"), move |_, cx| {
            when(cx.addr(), (1, "b starts"), move |_, cx| {
                b.stop();
                when(cx.addr(), (1, "c drops"), |_, cx| cx.stop());
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(tells("c", &log).at(c).temporary())
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).telling().begin(|me, cx| {
                    me.kept.push(Box::new(cx.hold("for ever")));
                });
                s.child(role.child().at(b).temporary().start_limit(LONG))
            }))
    });
    let told =
        "c: failed: the service stage/far/b is temporary, and has ended or is about to: make it \
                transient or permanent, or do without it then"
            .to_owned();
    assert!(played.exits.contains(&told), "{:?}", played.exits);
    assert_eq!(log.live(), 0);
}

/// The supervisor of both serves nothing while the client waits for the service: but that its wait is over.
fn l13_a_client_that_waits_for_what_is_down_is_terminated_at_once(seed: u64) {
    for (at_once, strategy) in [
        (
            false,
            Supervisor::one_for_one as fn(&'static str) -> Supervisor,
        ),
        (true, Supervisor::one_for_one),
        (false, Supervisor::rest_for_one),
    ] {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        sim.locality("here");
        let client = puppet("c", &log).needs(LOG).start_limit(Duration::MAX);
        let tree = strategy("root").child(puppet("b", &log).named(LOG));
        let app = sim.start(tree.child(client)).expect("a sound tree");
        sim.run_until_idle();
        let root = app.root();
        let ends = root.admin().ask(TerminateChild::named("b"), Duration::MAX);
        if !at_once {
            sim.run_for(ms(7));
            assert_eq!(app.tree().nodes[2].state, "starting");
        }
        let over = root.admin().ask(TerminateChild::named("c"), ms(1));
        assert!(matches!(sim.block_on(ends), Some(Ok(Ok(())))));
        assert!(matches!(sim.block_on(over), Some(Ok(Ok(())))));
        assert_eq!(app.tree().nodes[2].state, "down");
        for name in ["b", "c"] {
            let again = root.admin().ask(RestartChild::named(name), ms(1));
            let Some(Ok(Ok(Some(_)))) = sim.block_on(again) else {
                panic!("{name} starts");
            };
        }
        sim.run_for(LONG);
        assert!(all_run(&app));
    }
}

/// What cannot be is found before anything starts, also over localities, and printed.
fn l16_needs_are_checked_with_the_spec(_: u64) {
    let log = Log::new();
    let (here, away) = (Locality::new("here"), Locality::new("away"));
    let refused = |tree: Supervisor| tree.plan(&here).unwrap_err().to_string();
    let one = |name, has: &Name<Puppet>| puppet(name, &log).named(has.clone());
    let theirs = log.clone();
    let circle = group("g")
        .child(one("a", &LOG).needs(BELL))
        .child(group("far").on(&away, move |s| {
            s.child(puppet("b", &theirs).named(DOOR).needs(LOG))
        }))
        .child(one("c", &BELL).needs(DOOR));
    let (linked, instead) = (
        "services linked in a circle",
        ": have one of them do without its link, and `find` the other in a handler",
    );
    assert_eq!(
        refused(circle),
        format!("g/a cannot start: {linked}: g/a needs g/c needs g/far/b needs g/a{instead}")
    );
    assert_eq!(
        refused(group("g").child(one("a", &LOG).needs(LOG))),
        "g/a cannot start: g/a needs itself: leave that out"
    );
    let late = group("g")
        .child(group("first").child(puppet("a", &log).needs(LOG)))
        .child(group("second").child(one("b", &LOG)));
    assert_eq!(
        refused(late),
        "g/first/a needs g/second/b, which starts after it: declare g/second/b before g/first/a"
    );
    let other = Name::<Other>::new("log");
    let wrong = group("g").child(Child::new("o", || Other).named(other));
    let wrong = refused(wrong.child(puppet("a", &log).needs(LOG)));
    assert!(wrong.contains("Other, not a"), "{wrong}");
    // Nobody in the tree has it: it may be registered later.
    assert!(
        group("g")
            .child(puppet("a", &log).needs(LOG))
            .plan(&here)
            .is_ok()
    );
    let sound = group("g")
        .child(one("a", &LOG))
        .child(puppet("b", &log).needs(LOG));
    let drawn = sound.plan(&here).unwrap().to_string();
    assert!(drawn.ends_with("b [here] Puppet, needs log\n"), "{drawn}");
}

/// A crash of a service is one of its clients as well. A plan tells of it when that is more restarts than
/// their supervisor allows, and then that gives up.
fn l24_a_plan_warns_of_a_service_whose_crash_ends_its_supervisor(seed: u64) {
    let log = Log::new();
    let one = |restarts| Supervisor::one_for_one("app").intensity(restarts, ms(5000));
    let b = |at| puppet("b", &log).at(at).named(LOG).transient();
    let c = || puppet("c", &log).named(BELL).needs(LOG).transient();
    let d = || puppet("d", &log).needs(BELL);
    let e = || puppet("e", &log).needs(LOG);
    let told = |clients: &str, allowed| {
        format!(
            "app gives up at the first crash of app/b, which takes {clients}, {allowed} allowed: make it \
             rest_for_one, or allow more (`intensity`)"
        )
    };
    type Tree<'a> = &'a dyn Fn(Addr<Puppet>) -> Supervisor;
    // Who runs after the crash, or the warning.
    let trees: [(Tree, Result<&str, String>); 12] = [
        (
            &|at| Supervisor::one_for_one("app").child(b(at)).child(c()),
            Err(told("1 client with it: 2 restarts", 1)),
        ),
        (
            &|at| Supervisor::rest_for_one("app").child(b(at)).child(c()),
            Ok("app b c"),
        ),
        (
            &|at| Supervisor::one_for_all("app").child(b(at)).child(c()),
            Ok("app b c"),
        ),
        (&|at| one(2).child(b(at)).child(c()), Ok("app b c")),
        (
            &|at| one(2).child(b(at)).child(c()).child(e()),
            Err(told("2 clients with it: 3 restarts", 2)),
        ),
        // Clients of clients: what is told of the first is not told of the second once more.
        (
            &|at| one(1).child(b(at)).child(c()).child(d()),
            Err(told("2 clients with it: 3 restarts", 1)),
        ),
        (
            &|at| one(3).child(b(at)).child(c()).child(d()),
            Ok("app b c d"),
        ),
        // Also where another supervisor is between the two.
        (
            &|at| {
                let between = group("group").child(c());
                one(1).child(b(at)).child(between).child(d())
            },
            Err(told("1 client with it: 2 restarts", 1)),
        ),
        // Restarts below another supervisor are counted there.
        (
            &|at| one(1).child(b(at)).child(group("group").child(c())),
            Ok("app b group c"),
        ),
        (
            &|at| one(1).child(b(at)).child(c().temporary()),
            Ok("app b"),
        ),
        // Two needs of one client for one service are one end of it.
        (
            &|at| one(2).child(b(at).named(DOOR)).child(c().needs(DOOR)),
            Ok("app b c"),
        ),
        (
            &|at| {
                let decided = one(1).decide(|child| match child.name {
                    "c" => Decision::Stop,
                    _ => Decision::Usual,
                });
                decided.child(b(at)).child(c())
            },
            Ok("app b"),
        ),
    ];
    for (tree, expected) in trees {
        let mut sim = Sim::new(seed);
        let here = sim.locality("here");
        let at = here.reserve();
        let warnings = tree(at).plan(&here).unwrap().warnings;
        let app = sim.start(tree(at)).unwrap();
        sim.run_until_idle();
        at.address().kill();
        sim.run_until_idle();
        let tree = app.tree();
        if let Err(text) = expected {
            assert_eq!(warnings, [text]);
            assert!(tree.ended.is_some_and(|exit| exit.gave_up().is_some()));
            continue;
        }
        assert_eq!(warnings, [""; 0]);
        let running = tree.nodes.iter().filter(|node| node.state == "running");
        let names: Vec<_> = running.map(|node| &*node.name).collect();
        assert_eq!(Ok(&*names.join(" ")), expected.as_deref());
    }
    // Who does without restarts, or without the service, has said so.
    let here = Locality::new("here");
    let at = here.reserve();
    let warnings = |tree: Supervisor| tree.plan(&here).unwrap().warnings;
    assert_eq!(warnings(one(0).child(b(at)).child(c())), [""; 0]);
    let (gone, last) = (b(at).temporary(), b(at).escalating());
    assert_eq!(warnings(one(1).child(gone).child(c())), [""; 0]);
    assert_eq!(warnings(one(1).child(last).child(c())), [""; 0]);
    let client = c().escalating();
    assert_eq!(warnings(one(1).child(b(at)).child(client)), [""; 0]);
}

/// Starts follow the needs, and so do ends, though the services are told first: property over random
/// needs.
fn l16_starts_and_stops_follow_the_needs(seed: u64) {
    let mut roll = dice(seed);
    for round in 0..100 {
        // Whether the nth child needs the mth, if that is an earlier one.
        let often = 1 + roll(4);
        let needs: [[bool; 7]; 7] =
            std::array::from_fn(|_| std::array::from_fn(|_| roll(4) < often));
        starts_and_stops_follow(needs, seed * 1000 + round);
    }
}

fn starts_and_stops_follow(needs: [[bool; 7]; 7], seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let children: [Addr<Puppet>; 7] = std::array::from_fn(|n| match n {
        2 | 3 => away.reserve(),
        _ => here.reserve(),
    });
    let name = |n: usize| Name::<Puppet>::from(format!("n{n}"));
    let label = |n: usize| ["c0", "c1", "c2", "c3", "c4", "c5", "c6"][n];
    let needs = move |n: usize| (0..n).filter(move |&m| needs[n][m]);
    let make = move |n: usize, log: &Log| {
        let child = tells(label(n), log).at(children[n]).named(name(n));
        needs(n).fold(child.transient(), |child, m| child.needs(name(m)))
    };
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| {
        (2..4).fold(s, |s, n| s.child(make(n, &theirs)))
    });
    let tree = group("root")
        .child(make(0, &log))
        .child(make(1, &log))
        .child(far);
    let tree = (4..7).fold(tree, |tree, n| tree.child(make(n, &log)));
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    children.iter().for_each(|child| child.stop());
    sim.run_until_idle();
    assert_eq!(log.live(), 0, "seed {seed}");
    app.shutdown();
    sim.run_until_idle();
    assert!(app.tree().ended.is_some(), "seed {seed}");
    for n in 0..7 {
        for m in needs(n) {
            let (client, service) = (label(n), label(m));
            let before = |a: String, b: String| {
                assert!(at(&log, &a) < at(&log, &b), "seed {seed}: {a}, {b}");
            };
            before(format!("{service} starts"), format!("{client} starts"));
            before(format!("{client} drops"), format!("{service} stops"));
        }
    }
}

/// In the order in which they happen, with everything else that is observed.
fn o09_names_and_links_are_observed(seed: u64) {
    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);
    impl Seen {
        fn note(&self, text: String) {
            self.0.lock().unwrap().push(text);
        }
    }
    impl Observer for Seen {
        fn started(&self, _: Address, name: &str, _: u64) {
            self.note(format!("{name} started"));
        }
        fn registered(&self, _: Address, name: &str) {
            self.note(format!("{name} registered"));
        }
        fn linked(&self, client: Address, service: Address) {
            assert_ne!(client, service);
            self.note("linked".to_owned());
        }
        fn exited(&self, _: Address, name: &str, _: &Exit) {
            self.note(format!("{name} exited"));
        }
    }
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let (b, c) = (here.reserve(), here.reserve());
    let seen = Arc::new(Seen::default());
    let tree = group("root")
        .child(puppet("b", &log).at(b).named(LOG))
        .child(puppet("c", &log).at(c).needs(LOG).transient());
    let app = sim.start(tree.observer(seen.clone())).unwrap();
    sim.run_until_idle();
    act(c, |_, cx| {
        cx.register(DOOR).expect("nobody has it");
        cx.register(DOOR).expect("it has it");
    });
    crash(b);
    sim.run_until_idle();
    app.shutdown();
    sim.run_until_idle();
    assert_eq!(
        *seen.0.lock().unwrap(),
        [
            "log registered",
            "b started",
            "linked",
            "c started",
            "root started",
            "door registered",
            "b exited",
            "c exited",
            "b started",
            "linked",
            "c started",
            "c exited",
            "b exited",
            "root exited",
        ]
    );
}

bodies! {
    Each: [
        l13_a_service_that_stops_is_there_again_before_its_clients,
        l13_a_client_waits_for_its_service_whatever_comes_meanwhile,
    ]
    Pair: [
        l13_a_declared_need_is_a_link_of_each_instance,
        r104_a_name_is_found_and_linked_in_one_step,
        r104_a_promised_name_is_linked_when_it_comes,
        r51_a_link_that_is_not_made_in_time_fails_the_start,
        r54_a_client_confirms_the_end_of_a_link_itself,
        r62_a_supervising_client_is_waited_for_with_its_children,
        r105_clients_are_told_when_a_service_stops_in_its_start,
    ]
    Sim: [
        l13_a_client_waits_for_all_its_services,
        l13_a_client_that_has_made_way_is_not_late,
        l13_a_start_that_waits_for_a_client_that_made_way_fails_at_once,
        l13_who_has_left_a_service_does_not_wait_for_it,
        l13_a_client_whose_children_end_it_waits_for_its_service,
        l13_clients_that_made_way_start_again_in_start_order,
        l13_a_client_that_made_way_is_down_at_once_when_its_supervisor_ends,
        l13_a_stop_waits_for_no_name_and_no_service,
        l13_a_restart_that_fails_because_of_a_service_waits_for_it,
        l13_a_restart_that_ends_with_its_service_waits_for_it,
        l13_a_client_of_a_service_whose_loop_is_lost_waits_for_it,
        l13_a_restart_is_not_in_the_way_of_the_loop_it_waits_for,
        l13_what_waits_for_a_lost_loop_may_be_on_another_one,
        l13_what_is_above_a_client_waits_for_what_has_ended_it,
        l13_an_end_that_is_no_restart_waits_for_no_service,
        l13_an_end_that_is_asked_about_waits_with_its_answer,
        l13_who_is_asked_about_an_end_that_waits_does_what_it_likes,
        l13_an_end_elsewhere_that_is_taken_lays_nobody_here_down,
        l13_a_start_that_waits_for_a_lost_loop_is_looked_at_again,
        l13_what_two_loops_know_of_a_lost_one_is_put_together,
        l13_who_links_before_a_service_is_built_learns_where_it_is,
        l13_what_is_above_a_client_waits_for_no_other_failure,
        l13_what_is_above_a_client_waits_for_the_loop_that_both_have_lost,
        l13_what_is_above_a_client_waits_for_no_other_loop_of_the_same_name,
        l13_an_end_that_waits_is_asked_about_once_whatever_is_lost,
        l13_a_child_whose_end_waits_is_restarting,
        l13_a_restart_waits_for_a_service_that_is_down,
        l13_a_failed_restart_that_is_left_is_down_at_once,
        l13_a_restart_waits_for_what_its_service_waits_for,
        l13_of_two_that_wait_for_each_other_one_does_not,
        l13_a_client_that_waits_for_what_is_down_is_terminated_at_once,
        l16_needs_are_checked_with_the_spec,
        l24_a_plan_warns_of_a_service_whose_crash_ends_its_supervisor,
        l16_starts_and_stops_follow_the_needs,
        o09_names_and_links_are_observed,
    ]
    World: [
        r55_a_client_ends_while_its_link_to_another_tree_is_pending,
    ]
}
