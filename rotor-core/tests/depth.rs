//! Depth and number bring nobody down: nothing here recurses with what a program asks for.
//!
//! Not for Miri, which would take minutes: the same code runs at all depths.
#![cfg(not(miri))]

use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

const MANY: usize = 20_000;

/// Links to the next of a ring when it is told to.
struct Ring(Address);

impl Actor for Ring {}

impl Handler<()> for Ring {
    fn handle(&mut self, (): (), cx: &mut Context<Self>) {
        cx.link(self.0);
    }
}

#[test]
fn r83_a_circle_is_looked_for_along_any_chain_of_links() {
    let mut sim = Sim::new(1);
    let here = sim.locality("here");
    let all: Vec<Addr<Ring>> = (0..MANY).map(|_| here.reserve()).collect();
    let tree = all
        .iter()
        .enumerate()
        .fold(Supervisor::one_for_one("app"), |tree, (n, &addr)| {
            let next = all[(n + 1) % MANY].address();
            tree.child(Child::new(n.to_string(), move || Ring(next)).at(addr))
        });
    let app = sim.start(tree).expect("a sound tree");
    for ring in &all[..MANY - 1] {
        ring.send(());
        sim.run_until_idle();
    }
    assert!(app.tree().ended.is_none());
    // This would close the circle: it is seen by going around.
    all[MANY - 1].send(());
    sim.run_until_idle();
    assert!(app.tree().ended.is_some());
}

/// The first one stops: all make way, the last first, and are started again after what each needs, or not.
#[test]
fn l13_clients_of_clients_make_way_along_any_chain() {
    const CLIENTS: usize = MANY / 4;
    struct Plain;
    impl Actor for Plain {}
    for again in [true, false] {
        let mut sim = Sim::new(1);
        let here = sim.locality("here");
        let all: Vec<Addr<Plain>> = (0..CLIENTS).map(|_| here.reserve()).collect();
        let name = |n: usize| Name::<Plain>::from(n.to_string());
        let mut tree = Supervisor::one_for_one("app").intensity(CLIENTS as u32, Duration::MAX);
        for (n, &addr) in all.iter().enumerate() {
            let child = Child::new(n.to_string(), || Plain).at(addr).named(name(n));
            let child = if again { child } else { child.transient() };
            tree = tree.child(if n == 0 {
                child
            } else {
                child.needs(name(n - 1))
            });
        }
        let app = sim.start(tree).expect("a sound tree");
        sim.run_until_idle();
        all[0].stop();
        sim.run_until_idle();
        let nodes = app.tree().nodes;
        let state = if again { ("running", 2) } else { ("down", 1) };
        let is_so = |node: &&TreeNode| (node.state, node.instances) == state;
        assert_eq!(nodes.iter().filter(is_so).count(), CLIENTS);
    }
}

/// It crashes: their ends have waited for it, and are reported one after the other.
#[test]
fn l13_any_number_of_clients_wait_for_one_service() {
    const CLIENTS: usize = MANY / 4;
    struct Plain;
    impl Actor for Plain {}
    let mut sim = Sim::new(1);
    let service = sim.locality("here").reserve();
    let name = Name::<Plain>::from("service".to_owned());
    let after = Backoff::fixed(Duration::from_millis(1));
    let child = Child::new("service", || Plain).at(service).backoff(after);
    let tree = Supervisor::one_for_one("app").intensity(u32::MAX, Duration::MAX);
    let tree = tree.child(child.named(name.clone()));
    let tree = (0..CLIENTS).fold(tree, |tree, n| {
        tree.child(Child::new(n.to_string(), || Plain).needs(name.clone()))
    });
    let app = sim.start(tree).expect("a sound tree");
    sim.run_until_idle();
    service.address().kill();
    sim.run_for(Duration::from_millis(10));
    let nodes = app.tree().nodes;
    let again = |node: &&TreeNode| (node.state, node.instances) == ("running", 2);
    assert_eq!(nodes.iter().filter(again).count(), CLIENTS + 1);
}

fn nested(levels: usize) -> Supervisor {
    (1..levels).fold(Supervisor::one_for_one("s"), |below, _| {
        Supervisor::one_for_one("s").child(below)
    })
}

#[test]
fn l03_a_spec_of_too_many_levels_is_refused() {
    let mut sim = Sim::new(1);
    let here = sim.locality("here");
    drop(nested(MANY));
    let error = sim.start(nested(MANY)).expect_err("too deep");
    let text =
        "the tree has more than a hundred levels: put the children of some of them side by side";
    assert_eq!(error.to_string(), text);
    assert!(nested(101).plan(&here).is_err());
    let app = sim.start(nested(100)).expect("a sound tree");
    sim.run_until_idle();
    assert_eq!(app.tree().nodes.len(), 100);
}

/// Those on other localities are built when the spec is checked.
#[test]
fn l03_levels_of_other_localities_count() {
    fn placed(levels: usize, away: Locality) -> Supervisor {
        let there = away.clone();
        Supervisor::one_for_one("s").on(&away, move |s| {
            if levels == 1 {
                s
            } else {
                s.child(placed(levels - 1, there.clone()))
            }
        })
    }
    let mut sim = Sim::new(1);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let tree = |levels| Supervisor::one_for_one("app").child(placed(levels, away.clone()));
    assert!(tree(99).plan(&here).is_ok());
    assert!(matches!(tree(100).plan(&here), Err(StartError::TooDeep)));
}

/// Starts another one below itself, down to some depth.
struct Digger(usize);

impl Actor for Digger {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if let Some(deeper) = self.0.checked_sub(1) {
            cx.child(Child::new("digger", move || Digger(deeper)).escalating());
        }
        Ok(())
    }
}

impl Handler<()> for Digger {
    fn handle(&mut self, (): (), _: &mut Context<Self>) {
        panic!("the deepest one");
    }
}

#[test]
fn l08_a_tree_that_grows_deep_as_it_runs_is_drawn_fails_and_ends() {
    for fails in [false, true] {
        let mut sim = Sim::new(1);
        sim.locality("here");
        let dig = Child::new("digger", || Digger(MANY)).temporary();
        let app = sim
            .start(Supervisor::one_for_one("app").child(dig))
            .expect("a sound tree");
        sim.run_until_idle();
        let tree = app.tree();
        assert_eq!(tree.nodes.len(), MANY + 2);
        if fails {
            let deepest = tree.nodes.last().expect("not empty").address;
            deepest.typed::<Digger>().expect("a digger").send(());
        } else {
            app.shutdown();
        }
        sim.run_until_idle();
        // The root: its child is not started again.
        let left = app.tree().nodes.len();
        assert_eq!(left, if fails { 1 } else { 0 });
    }
}

/// The same, but the deepest one never lets its stop end.
struct Late(usize, Option<Hold>);

impl Actor for Late {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if let Some(deeper) = self.0.checked_sub(1) {
            cx.child(Child::new("late", move || Late(deeper, None)));
        }
        Ok(())
    }

    fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
        self.1 = (self.0 == 0).then(|| cx.hold("no end"));
    }
}

#[test]
fn l17_of_a_tree_that_is_late_those_are_named_who_keep_it_however_deep_and_wide() {
    let limit = Duration::from_secs(3);
    for (number, below) in [(1, MANY / 4), (MANY / 4, 0)] {
        let mut sim = Sim::new(1);
        sim.locality("here");
        let make = |below: usize, _: &mut Context<Late>| Late(below, None);
        let pool = Supervisor::simple_one_for_one("pool", make).stop_limit(limit);
        let app = sim.start(pool).expect("a sound tree");
        for _ in 0..number {
            let start = StartInstance::<Late, _>::new(below);
            let started = sim.block_on(app.root().admin().ask(start, Duration::MAX));
            assert!(matches!(started, Some(Ok(Ok(_)))));
        }
        sim.run_until_idle();
        app.shutdown();
        sim.run_for(limit);
        let exit = app.tree().ended.expect("it was late");
        let ExitReason::TimedOut(late) = exit.root_cause().reason() else {
            panic!("{exit}");
        };
        let first = format!("pool/pool#1{} (no end)", "/late".repeat(below));
        assert!(late.held_by.contains(&first.into()), "{exit}");
        let more = (number > 1).then(|| format!("{} more", number - 16));
        assert_eq!(late.held_by.get(16).map(|last| &**last), more.as_deref());
        assert_eq!(late.held_by.len(), number.min(17));
    }
}

struct Answers(Vec<Ask<Question>>);

struct Question;

impl Request for Question {
    type Reply = u32;
}

impl Actor for Answers {}

impl Handler<Ask<Question>> for Answers {
    fn handle(&mut self, ask: Ask<Question>, _: &mut Context<Self>) {
        self.0.push(ask);
    }
}

impl Handler<()> for Answers {
    fn handle(&mut self, (): (), _: &mut Context<Self>) {
        self.0.drain(..).for_each(|ask| ask.reply(1));
    }
}

/// The limits of answered requests are swept out long before they pass.
#[test]
fn a07_limits_of_answered_requests_do_not_pile_up() {
    let mut sim = Sim::new(1);
    let at: Addr<Answers> = sim.locality("here").reserve();
    let child = Child::new("answers", || Answers(Vec::new())).at(at);
    let app = sim
        .start(Supervisor::one_for_one("app").child(child))
        .expect("a sound tree");
    for _ in 0..MANY {
        let answer = at.ask(Question, Duration::from_secs(3600));
        sim.run_until_idle();
        at.send(());
        assert!(matches!(sim.block_on(answer), Some(Ok(1))));
    }
    let open = app.tree().localities[0].open;
    assert!(open <= 64, "{open}");
    // Those that are open still pass.
    let open: Vec<_> = (0..200)
        .map(|_| at.ask(Question, Duration::from_secs(3600)))
        .collect();
    for asking in open {
        assert!(matches!(
            sim.block_on(asking),
            Some(Err(RequestError::Timeout))
        ));
    }
    assert_eq!(app.tree().localities[0].open, 0);
}
