//! What is down for those who administer a tree is down for everybody.

use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::admin::{ask, came_to_its_end, child, list, scripted};
use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Its stop is never over.
fn deaf(name: &'static str, log: &Log) -> Child<Puppet> {
    let deaf = Role::new(name, log).telling();
    let deaf = deaf.stop(|me, _, cx| me.kept.push(Box::new(cx.hold("it does not listen"))));
    deaf.child()
}

/// Makes sure that there is nobody, and that nobody comes.
async fn is_down(x: Addr<Puppet>, how: &str) {
    assert_eq!(x.address().state(), Lifecycle::Down, "{how}");
    let asked = x.ask(Double(1), LONG).await;
    assert!(
        matches!(asked, Err(RequestError::Ended(_))),
        "{how}: {asked:?}"
    );
}

/// Removed by force at once, or late; crashed or removed by somebody else while it stops.
fn m01_a_terminated_child_is_down_however_it_ends(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let away = far.spawn("away");
        let at = [(); 4].map(|()| away.reserve());
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let group = child(root, "group").await.address;
                for (name, x) in ["forced", "late", "crashed", "killed"].into_iter().zip(at) {
                    let asked = group.admin().ask(TerminateChild::named(name), LONG);
                    if name == "crashed" || name == "killed" {
                        while log.count(&format!("{name} stops")) == 0 {
                            ask(root, CountChildren).await;
                        }
                    }
                    if name == "killed" {
                        x.address().kill();
                    }
                    asked.await.expect("it runs").expect("it is known");
                    is_down(x, name).await;
                }
                log.put(list(group).await);
            }
        };
        let group = group("group").on(&away, move |s| {
            let forced = deaf("forced", &theirs).stop_limit(Duration::ZERO);
            let late = deaf("late", &theirs).stop_limit(ms(2));
            let crashed = Role::new("crashed", &theirs).telling().stop(|me, _, cx| {
                me.kept.push(Box::new(cx.hold("it does not listen")));
                later(cx, ms(1), |_, _| panic!("in its stop"));
            });
            s.child(forced.at(at[0]))
                .child(late.at(at[1]))
                .child(crashed.child().at(at[2]).stop_limit(LONG))
                .child(deaf("killed", &theirs).at(at[3]).stop_limit(LONG))
        });
        stage()
            .child(group)
            .child(scripted(&log, script).temporary())
    });
    came_to_its_end(&played);
    let last = log.all().pop().expect("its list");
    assert_eq!(
        last,
        "forced is down, late is down, crashed is down, killed is down"
    );
}

/// It ends by itself before the order comes, and would come back.
fn m01_a_child_that_ends_before_its_order_to_stop_is_down(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let x = here.reserve();
        let script = move |root: Address| async move {
            let group = child(root, "group").await.address;
            let asked = group.admin().ask(TerminateChild::named("x"), LONG);
            x.address().kill();
            asked.await.expect("it runs").expect("it is known");
            is_down(x, "killed").await;
        };
        stage()
            .child(group("group").child(puppet("x", &log).at(x)))
            .child(scripted(&log, script).temporary())
    });
    came_to_its_end(&played);
}

fn m01_a_child_whose_start_by_request_fails_is_down(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let away = far.spawn("away");
        let (x, theirs) = (away.reserve(), log.clone());
        let script = move |root: Address| async move {
            let group = child(root, "group").await.address;
            let told = ask(group, TerminateChild::named("x")).await;
            told.expect("it is known");
            let told = ask(group, RestartChild::named("x")).await;
            assert!(matches!(told, Err(AdminError::StartFailed(_))), "{told:?}");
            ask(group, CountChildren).await;
            is_down(x, "not started").await;
            let told = ask(group, RestartChild::named("x")).await;
            assert!(told.expect("it can start").is_some());
        };
        let group = group("group").on(&away, move |s| {
            let second = Role::new("x", &theirs).start(|me, _| match me.life {
                2 => Err(Error::message("not today")),
                _ => Ok(()),
            });
            s.child(second.child().at(x))
        });
        stage()
            .child(group)
            .child(scripted(&log, script).temporary())
    });
    came_to_its_end(&played);
}

/// The siblings that a restart has stopped wait for it, until it is called off.
fn m01_the_siblings_of_a_restart_that_is_called_off_are_down(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let away = far.spawn("away");
        let at = [(); 3].map(|()| away.reserve());
        let [x, y, z] = at;
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let group = child(root, "group").await.address;
                crash(x);
                while log.count("y drops") == 0 {
                    ask(group, CountChildren).await;
                }
                assert_eq!(y.address().state(), Lifecycle::Waiting);
                let told = ask(group, DeleteChild::named("z")).await;
                told.expect("it is down");
                ask(group, CountChildren).await;
                is_down(z, "deleted").await;
                let told = ask(group, TerminateChild::named("x")).await;
                told.expect("it is known");
                ask(group, CountChildren).await;
                is_down(x, "terminated").await;
                is_down(y, "left over").await;
                assert_eq!(list(group).await, "x is down, y is down");
            }
        };
        let group = Supervisor::one_for_all("group")
            .intensity(u32::MAX, LONG)
            .on(&away, move |s| {
                let once = Role::new("x", &theirs).start(|me, _| match me.life {
                    1 => Ok(()),
                    _ => Err(Error::message("never again")),
                });
                let tells = |name| Role::new(name, &theirs).telling().child();
                s.child(once.child().at(x).backoff(Backoff::fixed(ms(1))))
                    .child(tells("y").at(y))
                    .child(tells("z").at(z))
            });
        stage()
            .child(group)
            .child(scripted(&log, script).temporary())
    });
    came_to_its_end(&played);
}

/// A child of a random tree: what its stop does.
#[derive(Clone, Copy)]
struct Habits {
    restart: u64,
    stop: u64,
    limit: Duration,
    waits: bool,
    fails: bool,
}

const NAMES: [&str; 4] = ["c0", "c1", "c2", "c3"];

impl Habits {
    fn drawn(dice: &mut impl FnMut(u64) -> u64) -> Habits {
        Habits {
            restart: dice(3),
            stop: dice(5),
            limit: [Duration::ZERO, ms(100), Duration::from_secs(5)][dice(3) as usize],
            waits: dice(5) == 0,
            fails: dice(6) == 0,
        }
    }

    fn child(self, name: &'static str, log: &Log) -> Child<Puppet> {
        let role = Role::new(name, log).start(move |me, _| match me.life % 3 {
            2 if self.fails => Err(Error::message("not today")),
            _ => Ok(()),
        });
        let role = role.stop(move |me, _, cx| match self.stop {
            1 => cx.fail(Error::message("in its stop")),
            2 => {
                let hold = cx.hold("for a while");
                later(cx, ms(50), |_, _| drop(hold));
            }
            3 => me.kept.push(Box::new(cx.hold("no end"))),
            _ => {}
        });
        let child = role.child().named(Name::new(name)).stop_limit(self.limit);
        match (self.restart, self.waits) {
            (0, false) => child,
            (0, true) => child.backoff(Backoff::fixed(ms(30))),
            (1, _) => child.transient(),
            _ => child.temporary(),
        }
    }
}

/// Runs until nothing happens by itself any more.
fn settle(sim: &mut Sim) {
    sim.run_for(Duration::from_secs(30));
}

/// Whatever is asked and whatever happens: at rest the state of an address, what its supervisor
/// says, its name and its monitors agree.
fn m01_at_rest_everybody_agrees_on_who_is_down(seed: u64) {
    for round in 0..40 {
        agree(seed << 32 | round);
    }
}

fn agree(seed: u64) {
    let mut dice = dice(seed);
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (home, away) = (sim.locality("home"), sim.locality("away"));
    let far = dice(2) == 0;
    let watcher: Addr<Puppet> = home.reserve();
    let n = 1 + dice(4) as usize;
    let at: Vec<Addr<Puppet>> = (0..n)
        .map(|_| if far { away.reserve() } else { home.reserve() })
        .collect();
    let habits: Vec<Habits> = (0..n).map(|_| Habits::drawn(&mut dice)).collect();
    let group = match dice(3) {
        0 => Supervisor::one_for_one("group"),
        1 => Supervisor::one_for_all("group"),
        _ => Supervisor::rest_for_one("group"),
    };
    let group = group.intensity(u32::MAX, LONG).transient();
    let (theirs, places) = (log.clone(), at.clone());
    let build = move |s: Supervisor| {
        (0..n).fold(s, |s, i| {
            s.child(habits[i].child(NAMES[i], &theirs).at(places[i]))
        })
    };
    let group = if far {
        group.on(&away, build)
    } else {
        build(group)
    };
    let root = Supervisor::one_for_one("root").intensity(u32::MAX, LONG);
    let root = root.child(puppet("watcher", &log).at(watcher)).child(group);
    let app = sim.start(root).expect("a sound tree");
    settle(&mut sim);
    let group = app.tree().nodes[2].address;
    for _ in 0..12 {
        let i = dice(n as u64) as usize;
        let (x, name) = (at[i], NAMES[i]);
        match dice(if far { 12 } else { 11 }) {
            0 => drop(group.admin().ask(TerminateChild::named(name), LONG)),
            1 => drop(group.admin().ask(RestartChild::named(name), LONG)),
            2 => drop(group.admin().ask(DeleteChild::named(name), LONG)),
            3 => x.address().kill(),
            4 => x.stop(),
            5 => crash(x),
            6 => end(x),
            7 => act(x, |_, cx| cx.fail(Error::message("as told"))),
            8 => x.drain(ms(100)),
            9 => {
                group.suspend();
                (0..dice(20)).for_each(|_| drop(sim.step()));
                group.resume();
            }
            10 => act(watcher, move |_, cx| drop(cx.monitor(x.address()))),
            _ => {
                sim.lose(&away);
                (0..dice(10)).for_each(|_| drop(sim.step()));
                sim.open(away.clone());
            }
        }
        match dice(3) {
            0 => settle(&mut sim),
            1 => (0..dice(30)).for_each(|_| drop(sim.step())),
            _ => {}
        }
    }
    settle(&mut sim);
    let children = sim.block_on(group.admin().ask(WhichChildren, LONG));
    let children = children.expect("it is answered").expect("it runs");
    for (x, name) in at.iter().zip(NAMES) {
        let listed = children.iter().find(|child| child.name == name);
        let state = x.address().state();
        let runs = match listed.map(|child| child.state) {
            Some(ChildState::Running { .. }) => true,
            Some(ChildState::Down) | None => false,
            Some(ChildState::Restarting) => panic!("{seed}: {name} is restarted for ever"),
        };
        let expected = if runs {
            Lifecycle::Running
        } else {
            Lifecycle::Down
        };
        assert_eq!(state, expected, "{seed}: {name}");
        let found = app.lookup(Name::<Puppet>::new(name)).is_ok();
        assert_eq!(found, runs, "{seed}: the name of {name}");
        let (x, before) = (x.address(), log.count("watcher: down"));
        act(watcher, move |_, cx| drop(cx.monitor(x)));
        settle(&mut sim);
        let told = log.count("watcher: down") > before;
        assert_eq!(told, !runs, "{seed}: the monitor of {name}");
    }
    app.shutdown();
    settle(&mut sim);
    assert!(app.tree().ended.is_some(), "{seed}");
    assert_eq!(log.live(), 0, "{seed}");
}

bodies! {
    Each: [m01_a_child_that_ends_before_its_order_to_stop_is_down]
    Pair: [
        m01_a_terminated_child_is_down_however_it_ends,
        m01_a_child_whose_start_by_request_fails_is_down,
        m01_the_siblings_of_a_restart_that_is_called_off_are_down,
    ]
    Sim: [m01_at_rest_everybody_agrees_on_who_is_down]
}
