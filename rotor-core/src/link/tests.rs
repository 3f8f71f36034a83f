//! What those are told who cannot be linked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sim::Sim;
use crate::*;

/// Adds children that link to what it is sent.
struct Boss;
struct Client(Address);
/// Whether its stop never ends.
struct Service(bool, Option<Hold>);

impl Actor for Boss {}

impl Handler<Address> for Boss {
    fn handle(&mut self, service: Address, cx: &mut Context<Self>) {
        cx.child(Child::new("client", move || Client(service)).temporary());
    }
}

impl Actor for Client {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.link(self.0);
        Ok(())
    }
}

impl Actor for Service {
    fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
        self.1 = self.0.then(|| cx.hold("for a while"));
    }
}

#[derive(Default)]
struct Failed(Mutex<Vec<String>>);

impl Observer for Failed {
    fn start_failed(&self, _: Address, _: &str, exit: &Exit) {
        self.0.lock().unwrap().push(exit.to_string());
    }
}

/// A tree with a client, and another one with services.
struct World {
    sim: Sim,
    boss: Addr<Boss>,
    failed: Arc<Failed>,
}

impl World {
    fn new() -> Self {
        let (mut sim, failed) = (Sim::new(1), Arc::new(Failed::default()));
        let boss = sim.locality("clients").reserve();
        let clients = Supervisor::one_for_one("clients").observer(failed.clone());
        sim.start(clients.child(Child::new("boss", || Boss).at(boss)))
            .expect("a sound tree");
        World { sim, boss, failed }
    }

    /// What a client of it fails with.
    fn link(&mut self, service: Address) -> String {
        self.boss.send(service);
        self.failures()
    }

    fn failures(&mut self) -> String {
        self.sim.run_until_idle();
        let all = std::mem::take(&mut *self.failed.0.lock().unwrap());
        all.join(", ")
    }
}

#[test]
fn who_cannot_be_linked_is_told_why_and_what_to_do() {
    let mut world = World::new();
    let here = world.sim.locality("services");
    let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
    let service = |name, at| Child::new(name, || Service(false, None)).at(at).transient();
    let group = Supervisor::one_for_one("group").transient();
    let tree = Supervisor::one_for_one("app")
        .child(service("a", a))
        .child(service("b", b).temporary())
        .child(group.child(service("c", c)));
    let app = world.sim.start(tree).expect("a sound tree");
    world.sim.run_until_idle();
    app.tree().nodes[3].address.stop();
    a.stop();
    b.stop();
    world.sim.run_until_idle();
    assert_eq!(
        world.link(a.address()),
        "failed: the service app/a is down, and is not started by itself: have its supervisor start \
         it first (`RestartChild`, while it has its spec), or do without it"
    );
    assert_eq!(
        world.link(b.address()),
        "failed: the service app/b is temporary, and has ended or is about to: make it transient or \
         permanent, or do without it then"
    );
    assert_eq!(
        world.link(c.address()),
        "failed: the service app/group/c is down, or ends, with a supervisor above it: have that \
         started again first, or do without it"
    );
}

#[test]
fn who_cannot_be_linked_because_it_ends_is_told_why_and_what_to_do() {
    let mut world = World::new();
    let (home, away) = (world.sim.locality("home"), world.sim.locality("away"));
    let stays = || Child::new("a", || Service(true, None)).stop_limit(Duration::MAX);
    let far = Supervisor::one_for_one("far").on(&away, move |s| s.child(stays()));
    let a = home.reserve();
    let app = world
        .sim
        .start(
            Supervisor::one_for_one("app")
                .child(far)
                .child(stays().at(a).transient()),
        )
        .expect("a sound tree");
    world.sim.run_until_idle();
    let far = app.tree().nodes[1].address;
    a.stop();
    world.sim.run_until_idle();
    assert_eq!(
        world.link(a.address()),
        "failed: the service app/a is ending, and is not started again by itself: have its \
         supervisor start it when it is down (`RestartChild`, while that runs and has its spec), or do without it"
    );
    app.shutdown();
    world.sim.run_until_idle();
    assert_eq!(
        world.link(app.root()),
        "failed: the service app is the root of a tree that ends: nobody starts it again, so do \
         without it"
    );
    world.sim.lose(&home);
    world.sim.run_until_idle();
    assert_eq!(
        world.link(far),
        "failed: the service app/far ends, because the loop of its supervisor was lost: link to it again \
         when that has come back"
    );
}

#[test]
fn who_waits_where_everything_has_ended_is_told() {
    let mut world = World::new();
    let near = world.sim.locality("near");
    let at = near.reserve::<Service>().address();
    assert_eq!(world.link(at), "", "it waits");
    world.sim.lose(&near);
    assert!(near.has_ended());
    assert_eq!(
        world.failures(),
        format!(
            "failed: the service {at:?} on near is gone: it was removed, or its locality has ended, or is \
             lost"
        )
    );
}

#[test]
fn who_waits_where_all_is_lost_is_told_of_the_loss() {
    struct Slow;
    impl Actor for Slow {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let hold = cx.hold("for ever");
            cx.spawn(std::future::pending::<()>(), |_, (), _| drop(hold));
            Ok(())
        }
    }
    let mut world = World::new();
    let here = world.sim.locality("services");
    let at = here.reserve();
    let slow = Child::new("slow", || Slow)
        .at(at)
        .start_limit(Duration::MAX);
    let tree = Supervisor::one_for_one("app").child(slow);
    world.sim.start(tree).expect("a sound tree");
    assert_eq!(world.link(at.address()), "", "it waits");
    world.sim.lose(&here);
    let told = world.failures();
    assert!(told.ends_with("locality services was lost"), "{told}");
}
