//! How services end, and what their clients are told of that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sim::Sim;
use crate::*;

type Lines = Arc<Mutex<Vec<String>>>;
type Deed = Box<dyn FnOnce(&mut Part, &mut Context<Part>) + Send>;

/// Does what it is sent, and notes what it is told.
struct Part {
    name: &'static str,
    lines: Lines,
    /// Which one it is.
    instance: u32,
    /// What it was asked with, which it does not drop.
    asked: Vec<Unlink>,
    begin: fn(&mut Part, &mut Context<Part>),
}

impl Part {
    fn say(&self, what: impl std::fmt::Display) {
        let line = format!("{}: {what}", self.name);
        self.lines.lock().unwrap().push(line);
    }
}

impl Actor for Part {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        (self.begin)(self, cx);
        Ok(())
    }

    fn stop(&mut self, exit: &Exit, _: &mut Context<Self>) {
        self.say(format_args!("stops, {exit}"));
    }
}

impl Handler<Deed> for Part {
    fn handle(&mut self, deed: Deed, cx: &mut Context<Self>) {
        deed(self, cx);
    }
}

impl Handler<Unlink> for Part {
    fn handle(&mut self, asked: Unlink, _: &mut Context<Self>) {
        self.say(format_args!("asked, {}", asked.exit));
        self.asked.push(asked);
    }
}

fn act(part: Addr<Part>, deed: impl FnOnce(&mut Part, &mut Context<Part>) + Send + 'static) {
    part.send(Box::new(deed) as Deed);
}

fn part(name: &'static str, lines: &Lines, at: Addr<Part>) -> Child<Part> {
    beginning(name, lines, at, |_, _| {}).transient()
}

fn beginning(
    name: &'static str,
    lines: &Lines,
    at: Addr<Part>,
    begin: fn(&mut Part, &mut Context<Part>),
) -> Child<Part> {
    let (lines, mut instance) = (lines.clone(), 0);
    let made = move || {
        instance += 1;
        Part {
            name,
            lines: lines.clone(),
            instance,
            asked: Vec::new(),
            begin,
        }
    };
    Child::new(name, made).at(at)
}

fn link_with(client: Addr<Part>, service: Addr<Part>) {
    act(client, move |_, cx| _ = cx.link_with(service.address()));
}

fn taken(lines: &Lines) -> Vec<String> {
    std::mem::take(&mut *lines.lock().unwrap())
}

/// A message of its own may be parked meanwhile, which the order of the lanes allows for.
#[test]
fn a_service_that_waits_and_stops_itself_again_serves_on() {
    let (mut sim, lines) = (Sim::new(1), Lines::default());
    let here = sim.locality("here");
    let (service, client) = (here.reserve(), here.reserve());
    let tree = Supervisor::one_for_one("app")
        .child(part("service", &lines, service))
        .child(part("client", &lines, client));
    sim.start(tree).expect("a sound tree");
    link_with(client, service);
    sim.run_until_idle();
    service.stop();
    sim.run_until_idle();
    act(service, move |_, cx| {
        for _ in 0..64 {
            drop(cx.hold("a record of the System lane"));
        }
        act(service, |me, _| me.say("serves"));
        cx.stop();
    });
    sim.run_until_idle();
    act(service, |me, _| me.say("serves"));
    sim.run_until_idle();
    assert_eq!(
        taken(&lines),
        [
            "client: asked, shutdown",
            "service: serves",
            "service: serves"
        ]
    );
    act(client, |me, _| me.asked.clear());
    sim.run_until_idle();
    assert_eq!(taken(&lines), ["service: stops, shutdown"]);
}

/// It has made a child, of which it is a client. That cannot wait for it.
#[test]
fn a_client_above_its_service_is_told_when_that_has_ended() {
    let (mut sim, lines) = (Sim::new(1), Lines::default());
    sim.strict();
    let here = sim.locality("here");
    let (above, service, client) = (here.reserve(), here.reserve(), here.reserve());
    let theirs = lines.clone();
    let tree = Supervisor::one_for_one("app")
        .child(part("above", &lines, above))
        .child(part("client", &lines, client));
    sim.start(tree).expect("a sound tree");
    act(above, move |_, cx| {
        cx.child(beginning("service", &theirs, service, |_, _| {}));
        cx.link_with(service.address());
    });
    sim.run_until_idle();
    for _ in 0..2 {
        link_with(client, service);
        sim.run_until_idle();
        service.stop();
        sim.run_until_idle();
        assert_eq!(taken(&lines), ["client: asked, shutdown"]);
        act(client, |me, _| me.asked.clear());
        sim.run_until_idle();
        assert_eq!(
            taken(&lines),
            ["service: stops, shutdown", "above: asked, shutdown"]
        );
        act(above, move |me, cx| {
            me.asked.clear();
            cx.link_with(service.address());
        });
        sim.run_for(Duration::from_secs(60)); // restarts count for a while
    }
    service.address().kill();
    sim.run_until_idle();
    assert_eq!(taken(&lines), ["above: asked, killed"]);
    act(above, move |me, cx| {
        me.asked.clear();
        cx.link_with(service.address());
    });
    sim.run_until_idle();
    above.stop(); // with its service
    sim.run_until_idle();
    assert_eq!(
        taken(&lines),
        ["above: stops, shutdown", "service: stops, shutdown"]
    );
}

/// It is to end for another child, and ends the service before itself.
#[test]
fn a_client_above_its_service_that_gives_up_does_not_fail_with_that() {
    let (mut sim, lines) = (Sim::new(1), Lines::default());
    let here = sim.locality("here");
    let (above, service, other) = (here.reserve(), here.reserve(), here.reserve());
    let theirs = lines.clone();
    let tree = Supervisor::one_for_one("app").child(part("above", &lines, above));
    sim.start(tree).expect("a sound tree");
    act(above, move |_, cx| {
        cx.child(part("service", &theirs, service));
        cx.child(beginning("other", &theirs, other, |_, _| {}));
        cx.link(service.address());
    });
    for _ in 0..2 {
        sim.run_until_idle();
        other.address().kill();
    }
    sim.run_until_idle();
    let all = ["service", "above"].map(|who| {
        format!("{who}: stops, shutdown, gave up restarting other, which ended: killed")
    });
    assert_eq!(taken(&lines), all);
}

/// One that does not go in time, neither: not by force, as the observer is told of others.
#[test]
fn a_client_above_its_service_is_not_left_behind() {
    #[derive(Default)]
    struct Left(Mutex<Vec<Address>>);
    impl Observer for Left {
        fn unlinked(&self, _: Address, client: Address) {
            self.0.lock().unwrap().push(client);
        }
    }
    let (mut sim, lines, left) = (Sim::new(1), Lines::default(), Arc::new(Left::default()));
    let here = sim.locality("here");
    let (above, service, client) = (here.reserve(), here.reserve(), here.reserve());
    let theirs = lines.clone();
    let tree = Supervisor::one_for_one("app")
        .observer(left.clone())
        .child(part("above", &lines, above))
        .child(part("client", &lines, client));
    sim.start(tree).expect("a sound tree");
    act(above, move |_, cx| {
        cx.child(part("service", &theirs, service));
        cx.link_with(service.address());
    });
    link_with(client, service);
    sim.run_until_idle();
    service.stop();
    sim.run_for(Duration::from_secs(60));
    assert_eq!(*left.0.lock().unwrap(), [client.address()]);
    let twice = "client: asked, shutdown";
    let told = [
        twice,
        twice,
        "service: stops, shutdown",
        "above: asked, shutdown",
    ];
    let mut all = taken(&lines);
    all.sort();
    let mut told = told.map(String::from);
    told.sort();
    assert_eq!(all, told);
}

#[test]
fn a_client_that_is_told_of_a_crash_links_again_in_that_handler() {
    struct Client(Address);
    impl Actor for Client {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.link_with(self.0);
            Ok(())
        }
    }
    impl Handler<Unlink> for Client {
        fn handle(&mut self, asked: Unlink, cx: &mut Context<Self>) {
            if asked.exit.is_failure() {
                cx.link_with(asked.service);
            }
        }
    }
    let (mut sim, lines) = (Sim::new(1), Lines::default());
    let here = sim.locality("here");
    let (service, client) = (here.reserve(), here.reserve());
    let linked = move || Client(service.address());
    let tree = Supervisor::one_for_one("app")
        .child(part("service", &lines, service))
        .child(Child::new("client", linked).at(client));
    let app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    for _ in 0..2 {
        service.address().kill();
        sim.run_for(Duration::from_secs(60)); // restarts count for a while
        let tree = app.tree();
        assert_eq!(
            (&*tree.nodes[2].name, tree.nodes[2].instances),
            ("client", 1)
        );
    }
    service.stop();
    sim.run_until_idle();
    assert_eq!(taken(&lines), ["service: stops, shutdown"]);
}

/// It is so early that its client was linked, but waits for its siblings.
#[test]
fn a_service_that_fails_before_its_siblings_are_there_has_ended_for_its_clients() {
    let (mut sim, lines) = (Sim::new(1), Lines::default());
    let here = sim.locality("here");
    let (service, sibling, client) = (here.reserve(), here.reserve(), here.reserve());
    // Of their second instances one fails while the other one still starts.
    let fails = |me: &mut Part, cx: &mut Context<Part>| {
        if me.instance == 2 {
            let deed: Deed = Box::new(|_, cx| cx.fail(Error::message("early")));
            cx.after(Duration::from_millis(10), deed);
        }
    };
    let waits = |_: &mut Part, cx: &mut Context<Part>| {
        let hold = cx.hold("for a while");
        let deed: Deed = Box::new(|_, _| drop(hold));
        cx.after(Duration::from_millis(50), deed);
    };
    let group = Supervisor::one_for_one("group")
        .synchronize_start()
        .intensity(9, Duration::from_secs(9))
        .child(beginning("service", &lines, service, fails))
        .child(beginning("sibling", &lines, sibling, waits));
    let tree = Supervisor::one_for_one("app")
        .intensity(9, Duration::from_secs(9))
        .child(group)
        .child(part("client", &lines, client));
    let app = sim.start(tree).expect("a sound tree");
    sim.run_for(Duration::from_secs(1));
    link_with(client, service);
    sim.run_for(Duration::from_secs(1));
    let group = app.tree().nodes[1].address;
    group.kill();
    sim.run_for(Duration::from_millis(1));
    assert_eq!(taken(&lines), ["client: asked, killed"]);
    assert_eq!(service.address().state(), Lifecycle::Initialized);
    act(client, move |me, cx| {
        me.asked.clear();
        cx.link_with(service.address());
    });
    sim.run_for(Duration::from_secs(1));
    let told = taken(&lines);
    assert!(
        told.contains(&"client: asked, failed: early".into()),
        "{told:?}"
    );
}

/// Its clients are in another tree, which does not end.
#[test]
fn a_root_waits_for_its_clients_for_half_of_the_limit_of_its_tree() {
    let (mut sim, lines) = (Sim::new(1), Lines::default());
    let (home, away) = (sim.locality("home"), sim.locality("away"));
    let (inner, client) = (home.reserve(), away.reserve());
    let limit = Duration::from_secs(4);
    let tree = Supervisor::one_for_one("app")
        .stop_limit(limit)
        .child(part("inner", &lines, inner));
    let app = sim.start(tree).expect("a sound tree");
    let other = Supervisor::one_for_one("other").child(part("client", &lines, client));
    sim.start(other).expect("a sound tree");
    let root = app.root();
    act(client, move |_, cx| _ = cx.link_with(root));
    sim.run_until_idle();
    app.shutdown();
    sim.run_for(limit / 2 - Duration::from_millis(1));
    assert!(app.tree().ended.is_none());
    sim.run_for(Duration::from_millis(2));
    assert!(app.tree().ended.is_some(), "{}", app.tree());
}

/// Nobody on its loop knows its limit but itself.
#[test]
fn the_top_of_a_subtree_elsewhere_waits_for_its_clients_for_half_of_its_limit() {
    let (mut sim, lines) = (Sim::new(1), Lines::default());
    let (home, far) = (sim.locality("home"), sim.locality("far"));
    let (boss, client, inner) = (home.reserve(), home.reserve(), far.reserve());
    let theirs = lines.clone();
    let limit = Duration::from_secs(4);
    let top = Supervisor::one_for_one("top")
        .stop_limit(limit)
        .on(&far, move |s| s.child(part("inner", &theirs, inner)));
    let tree = Supervisor::one_for_one("app")
        .child(top)
        .child(part("boss", &lines, boss))
        .child(part("client", &lines, client));
    let app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    let top = app.tree().nodes[1].address;
    act(client, move |_, cx| _ = cx.link_with(top));
    sim.run_until_idle();
    let _terminated = app
        .root()
        .admin()
        .ask(TerminateChild::named("top"), Duration::MAX);
    sim.run_for(limit / 2 + Duration::from_millis(1));
    assert_eq!(taken(&lines)[1], "inner: stops, shutdown");
}
