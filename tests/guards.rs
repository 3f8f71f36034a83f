//! Holds that a running actor takes delay the stop that comes meanwhile.

use std::any::Any;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

const NANO: Duration = Duration::from_nanos(1);
const NOW: Duration = Duration::ZERO;

/// Does its work until it is told to stop, and a moment longer.
fn save(hold: Hold, cx: &mut Context<Puppet>) {
    later(cx, ms(1), |me, cx| {
        if me.log.count("b stops") == 0 {
            return save(hold, cx);
        }
        later(cx, ms(1), |me, _| {
            me.say("saved");
            drop(hold);
        });
    });
}

/// The stop begins at once, children and state stay until the work is done; whoever orders it.
fn l18_work_under_way_delays_a_stop(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, away) = (here.reserve(), far.spawn("away"));
        let (b, theirs) = (away.reserve(), log.clone());
        act(b, move |me, cx| {
            cx.child(Role::new("x", &me.log).telling().child());
            let hold = cx.hold("saving");
            me.say("saves");
            save(hold, cx);
        });
        when(a, (1, "b: saves"), |_, cx| cx.stop());
        let b = move |log: &Log| Role::new("b", log).telling().child().at(b);
        stage()
            .child(group("far").on(&away, move |s| s.child(b(&theirs))))
            .child(lead("a", &log).at(a))
    });
    let lines = log.all();
    let told: Vec<_> = lines
        .iter()
        .map(|line| line.split(": shutdown").next().expect("a line"))
        .skip_while(|line| *line != "b stops")
        .collect();
    let expected = ["b stops", "b: saved", "x stops", "x drops", "b drops"];
    assert_eq!(told, expected);
}

/// Many threads have a hold each, and let go of them at the same time; and there is one more.
fn c_so_19_a_stop_waits_for_the_holds_of_many_threads(on: &dyn Backend) {
    const N: usize = 16;
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(b, move |me, cx| {
            let last = cx.hold("the last one");
            let together = Arc::new(Barrier::new(N));
            let threads = [(); N].map(|()| {
                let (hold, log) = (cx.hold("of a thread"), me.log.clone());
                let together = together.clone();
                std::thread::spawn(move || {
                    log.wait_for("b stops: shutdown");
                    together.wait();
                    log.put("a thread lets go");
                    drop(hold);
                })
            });
            std::thread::spawn(move || {
                for thread in threads {
                    thread.join().expect("it drops a hold");
                }
                act(a, move |me, cx| {
                    me.say(format!("b is {:?}", b.address().state()));
                    drop(last);
                    when(cx.addr(), (1, "b drops"), |_, cx| cx.stop());
                });
            });
            cx.addr().stop();
        });
        let b = Role::new("b", &log).telling().child().at(b);
        stage()
            .child(b.transient().stop_limit(LONG))
            .child(lead("a", &log).at(a))
    });
    let all = log.all();
    assert_eq!(all[..2], ["b starts", "b stops: shutdown"]);
    assert_eq!(all[2..2 + N], ["a thread lets go"; N]);
    assert_eq!(all[2 + N..], ["a: b is Stopping", "b drops"]);
}

/// An actor below a patient root, and the picture of it.
struct Scene {
    sim: Sim,
    app: App,
    a: Addr<Puppet>,
}

impl Scene {
    fn new(seed: u64, child: impl FnOnce(Child<Puppet>) -> Child<Puppet>) -> Self {
        let mut sim = Sim::new(seed);
        let a = sim.locality("here").reserve::<Puppet>();
        let log = Log::new();
        let child = child(puppet("a", &log)).at(a).transient();
        let app = sim.start(group("root").child(child)).unwrap();
        sim.run_until_idle();
        Scene { sim, app, a }
    }

    /// Where the actor is after a while, and what holds it.
    fn after(&mut self, while_: Duration) -> (Lifecycle, Vec<String>) {
        self.sim.run_for(while_);
        let node = self.app.tree().nodes.into_iter().nth(1);
        let holds = node.map_or(Vec::new(), |node| node.holds);
        let holds = holds.iter().map(ToString::to_string).collect();
        (self.a.address().state(), holds)
    }

    fn down(&mut self, while_: Duration) {
        assert_eq!(self.after(while_), (Lifecycle::Down, vec![]));
        assert_eq!(self.sim.next_deadline(), None);
    }
}

/// While it is held; not once it was given back. The reason is to be seen before and meanwhile.
fn l18_a_hold_delays_a_stop_until_it_is_given_back(seed: u64) {
    let mut scene = Scene::new(seed, |child| child);
    let hold = |scene: &Scene, time| {
        act(scene.a, move |_, cx| {
            let hold = cx.hold(format!("for {time:?}"));
            later(cx, time, move |_, _| drop(hold));
        });
    };
    hold(&scene, ms(2));
    hold(&scene, ms(9));
    let held = |holds: &[&str]| holds.iter().map(ToString::to_string).collect();
    let both = held(&["for 2ms", "for 9ms"]);
    assert_eq!(scene.after(NOW), (Lifecycle::Running, both));
    let one = held(&["for 9ms"]);
    assert_eq!(scene.after(ms(2)), (Lifecycle::Running, one.clone()));
    scene.a.stop();
    assert_eq!(scene.after(NOW), (Lifecycle::Stopping, one.clone()));
    assert_eq!(scene.after(ms(7) - NANO), (Lifecycle::Stopping, one));
    scene.down(NANO);

    let mut scene = Scene::new(seed, |child| child);
    hold(&scene, ms(2));
    scene.after(ms(2));
    scene.a.stop();
    scene.down(NOW);
}

/// An expiry ends it, before the stop or while that waits; the limit of the child ends all of them.
fn l18_a_hold_delays_a_stop_until_it_expires(seed: u64) {
    let within = |scene: &Scene| {
        act(scene.a, |me, cx| {
            me.kept.push(Box::new(cx.hold_within("upload", ms(3))));
        });
    };
    let mut scene = Scene::new(seed, |child| child);
    within(&scene);
    scene.after(ms(1));
    scene.a.stop();
    let held = vec!["upload".to_owned()];
    assert_eq!(scene.after(NOW), (Lifecycle::Stopping, held.clone()));
    assert_eq!(scene.after(ms(2) - NANO), (Lifecycle::Stopping, held));
    scene.down(NANO);

    let mut scene = Scene::new(seed, |child| child);
    within(&scene);
    scene.after(ms(3));
    scene.a.stop();
    scene.down(NOW);

    let mut scene = Scene::new(seed, |child| child.stop_limit(ms(2)));
    act(scene.a, |_, cx| std::mem::forget(cx.hold("for ever")));
    scene.after(NOW);
    scene.app.root().stop();
    assert_eq!(scene.after(ms(2) - NANO).0, Lifecycle::Stopping);
    assert_eq!(scene.after(NANO).0, Lifecycle::Gone);
}

/// Keeps every message that it is asked about for ever.
struct Miser;

impl Hook<Puppet> for Miser {
    fn message(&mut self, _: &'static str, _: &dyn Any, cx: &mut Context<Puppet>) -> bool {
        std::mem::forget(cx.hold("for ever"));
        true
    }
}

/// What holds something else does not: a start that is called off, a message, a name, a subscription.
fn l18_what_else_is_held_does_not_delay_a_stop(seed: u64) {
    let nobody: Name<Puppet> = Name::new("nobody");
    let mut scene = Scene::new(seed, |child| child);
    act(scene.a, move |_, cx| {
        cx.find(nobody, |_, _, _| ());
    });
    let held = vec!["name nobody".to_owned()];
    assert_eq!(scene.after(NOW), (Lifecycle::Running, held));
    scene.a.stop();
    scene.down(NOW);

    let mut scene = Scene::new(seed, |child| child.hook(Miser));
    scene.a.send(Num(1));
    let held = vec!["for ever".to_owned()];
    assert_eq!(scene.after(NOW), (Lifecycle::Running, held));
    scene.a.stop();
    scene.down(NOW);

    let log = Log::new();
    let starts = Role::new("b", &log)
        .telling()
        .begin(|_, cx| std::mem::forget(cx.hold("for ever")));
    let mut sim = Sim::new(seed);
    let b = sim.locality("here").reserve();
    let tree = group("root").child(starts.child().at(b).transient());
    let app = sim.start(tree).unwrap();
    sim.run_for(ms(1));
    app.shutdown();
    sim.run_for(NOW);
    assert!(app.tree().ended.is_some(), "seed {seed}");
    assert_eq!(log.all()[1..], ["b stops: shutdown", "b drops"]);
}

bodies! {
    Each: [c_so_19_a_stop_waits_for_the_holds_of_many_threads]
    Pair: [l18_work_under_way_delays_a_stop]
    Sim: [
        l18_a_hold_delays_a_stop_until_it_is_given_back,
        l18_a_hold_delays_a_stop_until_it_expires,
        l18_what_else_is_held_does_not_delay_a_stop,
    ]
}
