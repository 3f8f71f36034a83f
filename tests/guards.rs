//! Holds that a running actor takes delay the stop that comes meanwhile.

use std::any::Any;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::world::World;

const NANO: Duration = Duration::from_nanos(1);

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
struct Scene<'a> {
    world: &'a mut World,
    app: App,
    a: Addr<Puppet>,
}

impl<'a> Scene<'a> {
    fn new(
        world: &'a mut World,
        child: impl FnOnce(Child<Puppet>) -> Child<Puppet> + Send + 'static,
    ) -> Self {
        let here = world.locality();
        let a = here.reserve::<Puppet>();
        let app = world.start(&here, move || {
            let child = child(puppet("a", &Log::new())).at(a).transient();
            group("root").child(child)
        });
        world.until(|| a.address().state() == Lifecycle::Running);
        Scene { world, app, a }
    }

    /// Where the actor comes to be without a moment passing, and what holds it then.
    #[track_caller]
    fn sees(&mut self, state: Lifecycle, expected: &[&str]) {
        let (app, a) = (self.app.clone(), self.a.address());
        self.world.until(|| {
            let node = app.tree().nodes.into_iter().nth(1);
            let holds = node.map_or(Vec::new(), |node| node.holds);
            let told: Vec<_> = holds.iter().map(ToString::to_string).collect();
            a.state() == state && told == expected
        });
    }

    /// The same when a time has passed at which something is due, and not a moment before.
    #[track_caller]
    fn sees_after(&mut self, time: Duration, state: Lifecycle, expected: &[&str]) {
        self.world.until_due_in(Some(time));
        let before = self.a.address().state();
        self.world.pass(time - NANO);
        self.world.until_due_in(Some(NANO));
        assert_eq!(self.a.address().state(), before);
        self.world.pass(NANO);
        self.sees(state, expected);
    }

    /// It is down, and nothing is due any more.
    #[track_caller]
    fn is_down(&mut self) {
        self.sees(Lifecycle::Down, &[]);
        self.world.until_due_in(None);
    }
}

/// While it is held; not once it was given back. The reason is to be seen before and meanwhile.
fn l18_a_hold_delays_a_stop_until_it_is_given_back(world: &mut World) {
    use Lifecycle::{Down, Running, Stopping};
    let hold = |scene: &Scene, time| {
        act(scene.a, move |_, cx| {
            let hold = cx.hold(format!("for {time:?}"));
            later(cx, time, move |_, _| drop(hold));
        });
    };
    let mut scene = Scene::new(world, |child| child);
    hold(&scene, ms(2));
    hold(&scene, ms(9));
    scene.sees(Running, &["for 2ms", "for 9ms"]);
    scene.sees_after(ms(2), Running, &["for 9ms"]);
    scene.a.stop();
    scene.sees(Stopping, &["for 9ms"]);
    scene.sees_after(ms(7), Down, &[]);
    scene.is_down();

    let mut scene = Scene::new(world, |child| child);
    hold(&scene, ms(2));
    scene.sees(Running, &["for 2ms"]);
    scene.sees_after(ms(2), Running, &[]);
    scene.a.stop();
    scene.is_down();
}

/// An expiry ends it, before the stop or while that waits; the limit of the child ends all of them.
fn l18_a_hold_delays_a_stop_until_it_expires(world: &mut World) {
    use Lifecycle::{Down, Gone, Running, Stopping};
    let within = |scene: &Scene| {
        act(scene.a, |me, cx| {
            me.kept.push(Box::new(cx.hold_within("upload", ms(3))));
        });
    };
    let mut scene = Scene::new(world, |child| child);
    within(&scene);
    scene.sees(Running, &["upload"]);
    scene.world.until_due_in(Some(ms(3)));
    scene.world.pass(ms(1));
    scene.a.stop();
    scene.sees(Stopping, &["upload"]);
    scene.sees_after(ms(2), Down, &[]);
    scene.is_down();

    let mut scene = Scene::new(world, |child| child);
    within(&scene);
    scene.sees(Running, &["upload"]);
    scene.sees_after(ms(3), Running, &[]);
    scene.a.stop();
    scene.is_down();

    let mut scene = Scene::new(world, |child| child.stop_limit(ms(2)));
    act(scene.a, |_, cx| std::mem::forget(cx.hold("for ever")));
    scene.sees(Running, &["for ever"]);
    scene.app.root().stop();
    scene.sees(Stopping, &["for ever"]);
    scene.sees_after(ms(2), Gone, &[]);
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
fn l18_what_else_is_held_does_not_delay_a_stop(world: &mut World) {
    let nobody: Name<Puppet> = Name::new("nobody");
    let mut scene = Scene::new(world, |child| child);
    act(scene.a, move |_, cx| {
        cx.find(nobody, |_, _, _| ());
    });
    scene.sees(
        Lifecycle::Running,
        &["name nobody, which no child declares where it looks: is `.named(..)` missing?"],
    );
    scene.a.stop();
    scene.is_down();

    let mut scene = Scene::new(world, |child| child.hook(Miser));
    scene.a.send(Num(1));
    scene.sees(Lifecycle::Running, &["for ever"]);
    scene.a.stop();
    scene.is_down();

    let (log, here) = (Log::new(), world.locality());
    let b = here.reserve::<Puppet>();
    let theirs = log.clone();
    let app = world.start(&here, move || {
        let starts = Role::new("b", &theirs).telling();
        let starts = starts.begin(|_, cx| std::mem::forget(cx.hold("for ever")));
        group("root").child(starts.child().at(b).transient())
    });
    world.until(|| log.count("b starts") == 1);
    world.shut_down(&app);
    assert_eq!(log.all()[1..], ["b stops: shutdown", "b drops"]);
}

bodies! {
    Each: [c_so_19_a_stop_waits_for_the_holds_of_many_threads]
    Pair: [l18_work_under_way_delays_a_stop]
    World: [
        l18_a_hold_delays_a_stop_until_it_is_given_back,
        l18_a_hold_delays_a_stop_until_it_expires,
        l18_what_else_is_held_does_not_delay_a_stop,
    ]
}
