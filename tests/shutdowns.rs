//! Once a stop has begun: nothing starts any more, and whoever asks for more has an answer.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::admin::{child, scripted};
use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

const NANO: Duration = Duration::from_nanos(1);

/// What has happened, in order. Names tell who is whose child: `root.near.a` is one of `root.near`.
#[derive(Default)]
struct Events {
    stopping: Mutex<HashSet<String>>,
    wrong: Mutex<Vec<String>>,
    /// Starts while something else stopped, so that the rest means something.
    starts: Mutex<u32>,
}

impl Observer for Events {
    fn changed(&self, _: Address, name: &str, state: Lifecycle) {
        let mut stopping = self.stopping.lock().unwrap();
        match state {
            Lifecycle::Stopping => drop(stopping.insert(name.to_owned())),
            Lifecycle::Starting => {
                *self.starts.lock().unwrap() += u32::from(!stopping.is_empty());
                let parent = name.rsplit_once('.').map(|(parent, _)| parent);
                // What was ordered of another locality may be on its way.
                let is_far = name == "root.far";
                if parent.is_some_and(|parent| stopping.contains(parent)) && !is_far {
                    let text = format!("{name} starts, while {stopping:?} stop");
                    self.wrong.lock().unwrap().push(text);
                }
            }
            _ => drop(stopping.remove(name)),
        }
    }
}

/// One tree over two localities, and all that may be asked of it.
struct World {
    sim: Sim,
    app: App,
    log: Log,
    events: Arc<Events>,
    actors: [Addr<Puppet>; 5],
    /// Answers that must come.
    answers: Vec<Pin<Box<dyn Future<Output = String>>>>,
    added: u32,
}

const SUPERVISORS: [&str; 4] = ["root", "root.near", "root.near.in", "root.far"];

impl World {
    fn new(seed: u64) -> Self {
        let (log, events) = (Log::new(), Arc::new(Events::default()));
        let mut sim = Sim::new(seed);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let actors: [Addr<Puppet>; 5] = std::array::from_fn(|n| match n {
            0..3 => here.reserve(),
            _ => away.reserve(),
        });
        let slow = move |n: usize, name, log: &Log| {
            let waits = |cx: &mut Context<Puppet>| {
                let hold = cx.hold("a moment");
                later(cx, ms(2), move |_, _| drop(hold));
            };
            let role = Role::new(name, log)
                .begin(move |_, cx| {
                    if n.is_multiple_of(2) {
                        waits(cx)
                    }
                })
                .stop(move |_, _, cx| {
                    if n.is_multiple_of(3) {
                        waits(cx)
                    }
                });
            role.child().at(actors[n])
        };
        let patient = |s: Supervisor| s.intensity(1000, ms(1));
        let theirs = log.clone();
        let inner = patient(Supervisor::one_for_one("root.near.in"));
        let near = patient(Supervisor::one_for_all("root.near"))
            .child(slow(0, "root.near.a", &log))
            .child(inner.child(slow(1, "root.near.in.b", &log)))
            .child(slow(2, "root.near.c", &log));
        let far = patient(Supervisor::rest_for_one("root.far")).on(&away, move |s| {
            s.child(slow(3, "root.far.d", &theirs))
                .child(slow(4, "root.far.e", &theirs))
        });
        let tree = patient(Supervisor::one_for_one("root")).observer(events.clone());
        let app = sim.start(tree.child(near).child(far)).unwrap();
        World {
            sim,
            app,
            log,
            events,
            actors,
            answers: Vec::new(),
            added: 0,
        }
    }

    fn supervisor(&self, name: &str) -> Option<Address> {
        let nodes = self.app.tree().nodes;
        let node = nodes.into_iter().find(|node| node.name == name)?;
        Some(node.address)
    }

    /// Has a supervisor add a child. What it says to that comes in time.
    fn add(&mut self, to: Address, name: &str) {
        self.added += 1;
        let child: &'static str = format!("{name}.x{}", self.added).leak();
        let log = self.log.clone();
        let start = StartChild::new(move || puppet(child, &log).temporary());
        self.ask(to.admin().ask(start, LONG));
    }

    fn ask<T: std::fmt::Debug + 'static>(
        &mut self,
        asked: impl Future<Output = std::result::Result<T, RequestError>> + 'static,
    ) {
        let answer = async move { format!("{:?}", asked.await) };
        self.answers.push(Box::pin(answer));
    }

    /// Something happens: mostly to actors.
    fn chance(&mut self, roll: &mut impl FnMut(u64) -> u64) {
        let to = self.actors[roll(5) as usize];
        match roll(8) {
            0 | 1 => crash(to),
            2 => to.stop(),
            3 => to.address().kill(),
            4 => self.sim.run_for(ms(roll(4))),
            5 => {
                let name = SUPERVISORS[roll(4) as usize];
                if let Some(to) = self.supervisor(name) {
                    self.add(to, name);
                }
            }
            _ => (0..roll(12)).for_each(|_| drop(self.sim.step())),
        }
    }

    /// A stop of the whole tree, of a supervisor by itself, or of a subtree by its parent.
    fn stop(&mut self, how: u64, of: &str) {
        let root = self.app.root();
        match how {
            0 => self.app.shutdown(),
            1 => _ = self.supervisor(of).map(Address::stop),
            _ => {
                let of = if of == "root" { "root.far" } else { of };
                let (parent, _) = of.rsplit_once('.').expect("it has a parent");
                let parent = self.supervisor(parent).unwrap_or(root);
                let terminate = TerminateChild::named(of.to_owned());
                self.ask(parent.admin().ask(terminate, LONG));
            }
        }
    }
}

/// Property, over random events: no supervisor starts anything once its own stop has begun; a second
/// stop joins the first; and all questions are answered. Those that a stop has not reached yet go on,
/// since those that end before them may need them.
fn l26_once_a_stop_has_begun_nothing_starts(seed: u64) {
    let mut starts = 0;
    for round in 0..150 {
        let seed = seed * 1000 + round;
        let mut world = World::new(seed);
        let mut roll = dice(seed);
        if roll(3) > 0 {
            world.sim.run_for(ms(20));
        }
        for _ in 0..roll(12) {
            world.chance(&mut roll);
        }
        let (how, of) = (roll(3), SUPERVISORS[roll(4) as usize]);
        for _ in 0..2 {
            world.stop(how, of);
            for _ in 0..roll(12) {
                world.chance(&mut roll);
            }
        }
        world.app.shutdown();
        for _ in 0..roll(8) {
            world.chance(&mut roll);
        }
        world.app.shutdown();
        for answer in std::mem::take(&mut world.answers) {
            let told = world.sim.block_on(answer).expect("an answer");
            let fine = told.starts_with("Ok(Ok(")
                || told.starts_with("Err(Ended(")
                || told == "Err(Gone)"
                || ["NotFound", "Running", "AlreadyPresent", "StartFailed"]
                    .iter()
                    .any(|error| told.starts_with(&format!("Ok(Err({error}")));
            assert!(fine, "seed {seed}: {told}");
        }
        world.sim.run_for(ms(100));
        assert!(world.app.tree().ended.is_some(), "seed {seed}");
        assert_eq!(*world.events.wrong.lock().unwrap(), [""; 0], "seed {seed}");
        assert_eq!(world.log.live(), 0, "seed {seed}");
        starts += *world.events.starts.lock().unwrap();
    }
    assert!(starts > 40, "seed {seed}: {starts} starts beside a stop");
}

/// An order to start that is overtaken by the stop of whoever gave it is not obeyed; what was sent
/// meanwhile is told of as for any that has ended.
fn l26_a_start_that_is_recalled_does_not_happen(on: &dyn Backend) {
    for stop_limit in [LONG, Duration::ZERO] {
        let log = Log::new();
        let played = on.run(|here| {
            let (a, b) = (here.reserve(), here.reserve());
            act(b, move |me, cx| {
                let x = Role::new("x", &me.log).telling().child();
                let x = cx.child(x.stop_limit(stop_limit));
                x.send(Num(1));
                cx.stop();
            });
            when(a, (1, "b drops"), |_, cx| cx.stop());
            stage()
                .child(Role::new("b", &log).telling().child().at(b).transient())
                .child(lead("a", &log).at(a))
        });
        assert_eq!(log.all()[..3], ["b starts", "b stops: normal", "b drops"]);
        assert_eq!(log.count("x"), 0, "{:?}", log.all());
        assert_eq!(played.undelivered.len(), 1, "{:?}", played.undelivered);
        assert_eq!(log.live(), 0);
    }
}

/// The order to end for good meets one that has just failed, and would have come back.
fn m01_a_child_terminated_as_it_fails_parks_nothing(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(b, |_, cx| {
            let root = cx.supervisor().expect("it has one").admin();
            std::mem::forget(root.ask(TerminateChild::named("b"), LONG));
            panic!("as told");
        });
        fn wait(b: Addr<Puppet>, cx: &mut Context<Puppet>) {
            later(cx, ms(1), move |_, cx| match b.address().state() {
                Lifecycle::Down => {
                    b.send(Num(1));
                    end(cx.addr()); // behind it
                }
                _ => wait(b, cx),
            });
        }
        act(a, move |_, cx| wait(b, cx));
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(played.lost(Reason::Stopped), ["Num"]);
}

/// Whoever orders it, and however often: it ends once, and each of them is told. Who wants it to
/// have another child meanwhile is told, too.
fn l26_a_second_stop_joins_the_first(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |_| {
        let away = far.spawn("away");
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let far = child(root, "far").await.address;
                let terminate = || root.admin().ask(TerminateChild::named("far"), LONG);
                let (one, two) = (terminate(), terminate());
                far.stop();
                while log.count("b stops") == 0 {
                    let _ = far.admin().ask(CountChildren, LONG).await;
                }
                far.stop();
                let late = log.clone();
                let more = StartChild::new(move || puppet("late", &late));
                let told = far.admin().ask(more, LONG).await;
                assert!(matches!(told, Err(RequestError::Ended(_))), "{told:?}");
                log.put("go");
                for told in [one.await, two.await] {
                    assert!(matches!(told, Ok(Ok(()))), "{told:?}");
                }
                assert_eq!(log.count("b drops"), 1);
            }
        };
        let slow = |me: &mut Puppet, _: &Exit, cx: &mut Context<Puppet>| {
            let hold = cx.hold("the word");
            let log = me.log.clone();
            fn wait(log: Log, hold: Hold, cx: &mut Context<Puppet>) {
                later(cx, ms(1), move |_, cx| match log.count("go") {
                    0 => wait(log, hold, cx),
                    _ => drop(hold),
                });
            }
            wait(log, hold, cx);
        };
        stage()
            .child(group("far").on(&away, move |s| {
                let b = Role::new("b", &theirs).telling().stop(slow);
                s.child(b.child().stop_limit(LONG))
            }))
            .child(scripted(&log, script))
    });
    assert_eq!(log.count("b stops"), 1);
    let ends = played.exits.iter().filter(|exit| exit.starts_with("far:"));
    assert_eq!(ends.count(), 1, "{:?}", played.exits);
}

/// Each waits for a word that never comes, and all have the same time for that.
fn l04_a_pool_stops_within_one_limit(world: &mut crate::world::World) {
    let (log, here) = (Log::new(), world.locality());
    let theirs = log.clone();
    let app = world.start(&here, move || {
        let make = move |name, _: &mut Context<Puppet>| {
            let stuck = Role::new(name, &theirs).telling();
            stuck
                .stop(|_, _, cx| std::mem::forget(cx.hold("a word")))
                .play(1)
        };
        Supervisor::simple_one_for_one("pool", make).instance_limits(LONG, ms(5))
    });
    for _ in 0..10 {
        let start = StartInstance::<Puppet, &str>::new("x");
        let started = world.answer(app.root().admin().ask(start, LONG));
        assert!(matches!(started, Ok(Ok(Some(_)))));
    }
    app.shutdown();
    world.until_due_in(Some(ms(5)));
    assert_eq!((log.count("x stops"), log.count("x drops")), (10, 0));
    world.pass(ms(5) - NANO);
    world.until_due_in(Some(NANO));
    assert_eq!(log.count("x drops"), 0);
    assert!(app.tree().ended.is_none());
    world.pass(NANO);
    world.until(|| log.count("x drops") == 10);
    assert_eq!(chain(&world.end(&app)), "shutdown");
}

bodies! {
    Each: [
        l26_a_start_that_is_recalled_does_not_happen,
        m01_a_child_terminated_as_it_fails_parks_nothing,
    ]
    Pair: [l26_a_second_stop_joins_the_first]
    Sim: [
        l26_once_a_stop_has_begun_nothing_starts,
    ]
    World: [l04_a_pool_stops_within_one_limit]
}
