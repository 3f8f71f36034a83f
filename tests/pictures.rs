//! The tree as a picture: from its spec, and live.

use std::sync::Arc;
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

fn refused(tree: Supervisor) -> StartError {
    tree.plan(&Locality::new("here"))
        .expect_err("a start would refuse it")
}

/// Two actors of one name have different paths, wherever they live and however often they start.
fn n01_each_actor_has_a_path(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("home"), sim.locality("away"));
    let (a, b, c) = (here.reserve(), here.reserve(), away.reserve());
    let theirs = log.clone();
    let tree = Supervisor::one_for_one("root")
        .child(group("near").child(puppet("x", &log).at(a)))
        .child(group("far").on(&away, move |s| s.child(puppet("x", &theirs).at(c))))
        .child(puppet("x", &log).at(b));
    let app = sim.start(tree).unwrap();
    for _ in 0..2 {
        sim.run_until_idle();
        let tree = app.tree();
        let paths = [a, b, c].map(|x| tree.path(x.address()));
        let all = ["root/near/x", "root/x", "root/far/x"].map(|path| Some(path.to_owned()));
        assert_eq!(paths, all);
        assert_eq!(tree.path(app.root()), Some("root".to_owned()));
        assert_eq!(tree.path(here.reserve::<Puppet>().address()), None);
        [a, b, c].into_iter().for_each(crash);
    }
}

/// Everything that the spec says beyond the defaults is in the text.
fn l24_a_plan_is_the_spec_as_text(_: u64) {
    let log = Log::new();
    let (here, away) = (Locality::new("here"), Locality::new("away"));
    let theirs = log.clone();
    let far = Supervisor::one_for_all("far")
        .transient()
        .significant()
        .stop_limit(ms(2_500))
        .on(&away, move |s| {
            let inner = Supervisor::one_for_one("inner").temporary();
            s.intensity(0, ms(100))
                .child(inner.child(puppet("c", &theirs).temporary()))
        });
    let tree = Supervisor::rest_for_one("root")
        .intensity(3, ms(60_000))
        .auto_shutdown(AutoShutdown::All)
        .child(puppet("a", &log))
        .child(far)
        .child(
            lead("b", &log)
                .capacity(5)
                .start_limit(ms(10))
                .stop_limit(ms(0)),
        )
        .child(
            Supervisor::simple_one_for_one("pool", |(): (), _: &mut Context<Puppet>| -> Puppet {
                unreachable!("nothing is made")
            })
            .instance_limits(std::time::Duration::MAX, ms(1)),
        );
    let plan = tree.plan(&here).unwrap();
    let lines: Vec<_> = plan.to_string().lines().map(str::to_owned).collect();
    assert_eq!(
        lines,
        [
            "root [here] rest_for_one, 3 restarts in 60s, ends with its last significant child",
            "  a [here] Puppet",
            "  far [away] one_for_all, 0 restarts in 100ms, transient, significant, stop limit 2.5s",
            "    inner [away] one_for_one, 1 restart in 5s, temporary",
            "      c [away] Puppet, temporary",
            "  b [here] Puppet, transient, significant, start limit 10ms, stop limit 0ns, capacity 5",
            "  pool [here] simple_one_for_one, 1 restart in 5s, no instances' start limit, \
             instances' stop limit 1ms",
        ]
    );
    assert_eq!(
        plan,
        tree.plan(&here).unwrap(),
        "the same spec, the same picture"
    );
    assert_eq!(log.live(), 0);
}

/// A plan needs no loop, makes nothing, and finds what a start would find.
fn l24_a_plan_finds_what_a_start_refuses(_: u64) {
    let log = Log::new();
    let twice = || group("g").child(puppet("a", &log)).child(puppet("a", &log));
    assert!(matches!(refused(twice()), StartError::DuplicateName { .. }));
    let (theirs, away) = (log.clone(), Locality::new("away"));
    let address = Locality::new("elsewhere").reserve();
    let far = group("far").on(&away, move |s| s.child(puppet("a", &theirs).at(address)));
    assert!(matches!(
        refused(group("g").child(far)),
        StartError::WrongLocality { .. }
    ));
    let broken = group("far").on(&away, |_| panic!("no children today"));
    assert!(matches!(
        refused(group("g").child(broken)),
        StartError::BuildPanicked { .. }
    ));
    assert!(matches!(
        refused(group("g").intensity(1, ms(0))),
        StartError::ZeroPeriod { .. }
    ));
}

/// Reports name actors by their paths, so each part of those is a name, and there is one to a place.
fn l24_names_that_no_path_can_be_made_of_are_refused(seed: u64) {
    let log = Log::new();
    let told = |tree: Supervisor| refused(tree).to_string();
    let why = "a name must not be empty, nor have a control character, nor a slash, which stands \
               between the names of a path";
    assert_eq!(told(group("")), format!("the root is named \"\": {why}"));
    let slash = group("g").child(group("inner").child(puppet("a/b", &log)));
    let of_child = format!("supervisor g/inner has a child named \"a/b\": {why}");
    assert_eq!(told(slash), of_child);
    for name in ["a\nb", "\r", "a\u{85}", "a\u{2028}b", "\u{1b}[1m", "\0"] {
        let child = group("g").child(puppet(name, &log));
        let of_child = format!("supervisor g has a child named {name:?}: {why}");
        assert_eq!(told(child), of_child);
    }
    for name in ["a b", "ä", "\"a\\b\"", "\u{1f980}"] {
        let child = group("g").child(puppet(name, &log));
        assert!(child.plan(&Locality::new("here")).is_ok());
    }
    assert!(matches!(
        refused(group("g").child(group("/"))),
        StartError::BadName { supervisor: Some(above), .. } if above == "g"
    ));
    let mut sim = Sim::new(seed);
    sim.locality("here");
    let app = sim
        .start(group("app").child(group("in")))
        .expect("a sound tree");
    sim.run_until_idle();
    let inner = app.tree().nodes[1].address;
    let add = StartChild::new(|| group("of/it"));
    let answer = sim.block_on(inner.admin().ask(add, LONG));
    let Some(Ok(Err(AdminError::BadSpec(error)))) = answer else {
        panic!("{answer:?}");
    };
    let added = format!("supervisor app/in has a child named \"of/it\": {why}");
    assert_eq!(error.to_string(), added);
    // Nor does an actor add one.
    let mother = sim.locality("home").reserve();
    sim.start(stage().child(puppet("mother", &log).at(mother)))
        .expect("a sound tree");
    for name in ["", "a/b", "a\tb"] {
        act(mother, move |me, cx| {
            let error = cx.try_child(puppet(name, &me.log)).unwrap_err();
            let bad = matches!(&error, StartError::BadName { supervisor: Some(by), .. } if by == "stage/mother");
            assert!(bad, "{error}");
            let gone = cx.child(puppet(name, &me.log));
            assert_eq!(gone.address().state(), Lifecycle::Gone);
            me.say("refused");
        });
    }
    sim.run_until_idle();
    assert_eq!(log.count("mother: refused"), 3);
}

/// What is not refused stays on its line, in each kind of picture.
fn l24_pictures_have_a_line_for_each_actor(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("ho\nme\u{2028}");
    assert_eq!(here.name(), "ho\\nme\\u{2028}");
    let a = here.reserve();
    let tree = || group("root").child(puppet("\"a\\b\"", &log).at(a));
    let plan = tree().plan(&here).expect("sound");
    assert_eq!(plan.to_string().lines().count(), 2);
    let app = sim.start(tree()).expect("sound");
    act(a, |me, cx| me.kept.push(Box::new(cx.hold("one\r\ntwo"))));
    sim.run_until_idle();
    let picture = app.tree();
    assert_eq!(
        picture.to_string().lines().nth(1),
        Some(r#"  "a\b" [ho\nme\u{2028}] running, held by one\r\ntwo"#)
    );
    assert_eq!(picture.to_string().lines().count(), 2);
    let node = r#"n1 [label="\"a\\b\"\nrunning\nheld by one\\r\\ntwo", shape=ellipse];"#;
    assert!(picture.dot().contains(node), "{}", picture.dot());
    let frame = r#"label="ho\\nme\\u{2028}";"#;
    assert!(picture.dot().contains(frame), "{}", picture.dot());
}

/// Loops may have the same name, as threads may; whoever looks at a plan is told.
fn l24_localities_of_the_same_name_are_warned_of(_: u64) {
    let log = Log::new();
    let here = Locality::new("main");
    let places = ["main", "disk", "disk", "net"].map(Locality::new);
    let tree = |places: &[&Locality]| {
        let tree = group("root").child(puppet("a", &log));
        let far = places
            .iter()
            .enumerate()
            .map(|(n, place)| Supervisor::one_for_one(format!("far {n}")).on(place, |s| s));
        far.fold(tree, Supervisor::child)
            .plan(&here)
            .expect("sound")
            .warnings
    };
    let [main, disk, other, net] = &places;
    assert_eq!(
        tree(&[main, disk, other, net]),
        [
            "2 localities are named disk, and no picture or error tells them apart: give all but one of them other names",
            "2 localities are named main, and no picture or error tells them apart: give all but one of them other names",
        ]
    );
    // More than one part of a tree may be on one loop.
    assert!(tree(&[disk, &here, disk, net]).is_empty());
}

/// The closure of the first place would never be called.
fn l24_a_supervisor_has_one_place(_: u64) {
    let (one, two) = (Locality::new("one"), Locality::new("two"));
    let far = group("far").on(&one, |_| unreachable!("no part of the tree"));
    let error = refused(group("g").child(far.on(&two, |s| s)));
    assert!(matches!(&error, StartError::PlacedTwice { supervisor } if supervisor == "g/far"));
    assert_eq!(
        error.to_string(),
        "supervisor g/far is placed twice: say `on` once, with one closure for all children"
    );
}

/// A template is no more `Send` than its actors, and what is said of instances goes with it.
fn l24_a_pool_elsewhere_is_made_there(_: u64) {
    let away = Locality::new("away");
    let pool =
        || Supervisor::simple_one_for_one("pool", |(), _: &mut Context<Puppet>| None::<Puppet>);
    let told = |far: Supervisor| refused(group("g").child(far)).to_string();
    let template = "supervisor g/pool has the template of its pool outside of the closure of `on`, which \
                    returns the pool: `on(&place, |_| Supervisor::simple_one_for_one(..))`";
    assert_eq!(told(pool().on(&away, |s| s)), template);
    assert_eq!(told(pool().on(&away, move |_| pool())), template);
    let said = Supervisor::one_for_one("pool").instances(Restart::Temporary);
    assert_eq!(
        told(said.on(&away, move |_| pool())),
        "supervisor g/pool calls `instances` outside of the closure of `on`, which returns the pool: \
         `on(&place, |_| Supervisor::simple_one_for_one(..).instances(..))`"
    );
    // It may be called that, and is a child like any other.
    let named = Supervisor::one_for_one("pool").on(&away, move |_| pool());
    let child = named.transient().start_limit(ms(2)).stop_limit(ms(1));
    let sound = group("g").child(child.escalating().backoff(Backoff::fixed(ms(1))));
    let plan = sound.plan(&Locality::new("here")).expect("sound");
    let [.., wait, start, stop] = &plan.nodes[1].rules[..] else {
        panic!("{plan}");
    };
    assert!(wait.starts_with("restarted "), "{plan}");
    assert_eq!([start, stop], ["start limit 2ms", "stop limit 1ms"]);
}

/// The pool knows nothing of it, also where that is what is so by default.
fn l24_what_is_said_outside_of_a_pool_elsewhere_is_refused(_: u64) {
    let away = Locality::new("away");
    let pool =
        || Supervisor::simple_one_for_one("pool", |(), _: &mut Context<Puppet>| None::<Puppet>);
    let bare = || Supervisor::one_for_one("pool");
    let told = |far: Supervisor| refused(group("g").child(far)).to_string();
    type Say = fn(Supervisor) -> Supervisor;
    let says: [(Say, &str); 5] = [
        (|s| s.intensity(1, ms(5000)), "intensity"),
        (|s| s.auto_shutdown(AutoShutdown::Never), "auto_shutdown"),
        (|s| s.synchronize_start(), "synchronize_start"),
        (|s| s.own_names(), "own_names"),
        (|s| s.decide(|_| Decision::Usual), "decide"),
    ];
    for (say, call) in says {
        let text = format!(
            "supervisor g/pool calls `{call}` outside of the closure of `on`, which returns the pool: \
             `on(&place, |_| Supervisor::simple_one_for_one(..).{call}(..))`"
        );
        assert_eq!(told(say(bare()).on(&away, move |_| pool())), text);
        assert_eq!(told(say(bare().on(&away, move |_| pool()))), text);
    }
    let made = Supervisor::rest_for_one("pool").on(&away, move |_| pool());
    assert_eq!(
        told(made),
        "supervisor g/pool is made by `rest_for_one`, but the closure of `on` returns a pool: make it by \
         `one_for_one`, or leave the pool out"
    );
    let inside = bare().on(&away, move |_| pool().intensity(9, ms(1)).own_names());
    assert!(group("g").child(inside).plan(&away).is_ok());
}

/// Each says what to write instead.
fn l24_what_a_pool_cannot_be_is_refused(_: u64) {
    let log = Log::new();
    let pool =
        || Supervisor::simple_one_for_one("pool", |(), _: &mut Context<Puppet>| None::<Puppet>);
    let told = |s: Supervisor| refused(group("g").child(s)).to_string();
    assert_eq!(
        told(pool().auto_shutdown(AutoShutdown::Any)),
        "supervisor g/pool is a pool, and its instances are never significant: leave `auto_shutdown` out, and \
         stop the pool when its work is done"
    );
    assert_eq!(
        told(pool().child(puppet("a", &log))),
        "supervisor g/pool is a pool, which has no children but its instances: add others to a supervisor \
         beside or above it"
    );
    assert_eq!(
        told(pool().instances_at_most(0)),
        "supervisor g/pool is a pool that may have no instances: give `instances_at_most` one at least"
    );
    type Say = fn(Supervisor) -> Supervisor;
    let says: [(Say, &str); 4] = [
        (|s| s.instances(Restart::Temporary), "instances"),
        (|s| s.instance_limits(ms(1), ms(1)), "instance_limits"),
        (|s| s.instances_at_most(3), "instances_at_most"),
        (
            |s| s.instance_backoff(Backoff::fixed(ms(1))),
            "instance_backoff",
        ),
    ];
    for (say, call) in says {
        let text = format!(
            "supervisor g/s calls `{call}`, but is no pool: make it one with `simple_one_for_one`, or leave \
             that out"
        );
        assert_eq!(told(say(group("s"))), text);
    }
}

/// What a supervisor elsewhere is to its own supervisor is said here, its children there.
fn l24_each_part_of_a_far_supervisor_is_said_in_its_place(_: u64) {
    let log = Log::new();
    let away = Locality::new("away");
    type Say = fn(Supervisor) -> Supervisor;
    let said: [(Say, &str); 11] = [
        (
            |_| group("far"),
            "returns another one: return the one that it is given, with all that was said of it",
        ),
        (
            |_| group("other"),
            "returns one named other: return the one that it is given, or a pool named far",
        ),
        (
            |s| s.on(&Locality::new("away"), |s| s),
            "calls `on`, but it is placed already: call `on` once",
        ),
        (
            |s| s.observer(Arc::new(Nothing)),
            "calls `observer`: call that on the root",
        ),
        (|s| s.transient(), "transient()"),
        (|s| s.temporary(), "temporary()"),
        (|s| s.significant(), "significant()"),
        (|s| s.escalating(), "escalating()"),
        (
            |s| s.backoff(Backoff::exponential(ms(1), ms(2))),
            "backoff(..)",
        ),
        (|s| s.start_limit(ms(1)), "start_limit(..)"),
        (|s| s.stop_limit(ms(1)), "stop_limit(..)"),
    ];
    for (say, expected) in said {
        let expected = match expected.ends_with(')') {
            false => expected.to_owned(),
            true => {
                format!("calls `{expected}`: call that on what `on` returns, `.on(..).{expected}`")
            }
        };
        match refused(group("g").child(group("far").on(&away, say))) {
            StartError::Built { supervisor, what } => {
                assert_eq!((&*supervisor, &*what), ("g/far", &*expected));
            }
            other => panic!("{expected}: {other}"),
        }
    }
    let before = group("far").child(puppet("a", &log)).on(&away, |s| s);
    let after = group("far").on(&away, |s| s).child(puppet("a", &log));
    for outside in [before, after] {
        match refused(group("g").child(outside)) {
            StartError::Outside { supervisor, child } => {
                assert_eq!((&*supervisor, &*child), ("g/far", "a"));
            }
            other => panic!("{other}"),
        }
    }
}

/// Its children would be nowhere.
fn l24_a_root_is_placed_by_its_start(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let root = || group("root").on(&away, |s| s.child(puppet("a", &Log::new())));
    let refusals = [root().plan(&here).err(), sim.start(root()).err()];
    for refused in refusals {
        match refused {
            Some(StartError::RootPlaced { root }) => assert_eq!(root, "root"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(log.live(), 0);
}

struct Nothing;
impl Observer for Nothing {}

/// What was planned is what runs.
fn l24_the_live_tree_has_the_nodes_of_its_plan(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs)));
    let tree = stage()
        .child(puppet("a", &log))
        .child(far)
        .child(group("empty"));
    let plan = tree.plan(&here).unwrap();
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    let live = app.tree();
    assert_eq!(live.nodes.len(), 5);
    for (planned, node) in plan.nodes.iter().zip(&live.nodes) {
        assert_eq!(
            (planned.depth, &planned.name, &planned.locality),
            (node.depth, &node.name, &node.locality)
        );
        assert!(planned.actor.is_none_or(|actor| actor == node.actor));
    }
}

/// A locality that two subtrees share with the root is one.
fn o03_each_locality_is_shown_once(seed: u64) {
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let tree = ["a", "b", "c", "d"]
        .into_iter()
        .zip([&here, &away].repeat(2));
    let tree = tree.fold(group("root"), |tree, (name, place)| {
        tree.child(group(name).on(place, |s| s))
    });
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    let tree = app.tree();
    let mut names: Vec<_> = tree.localities.iter().map(|place| &*place.name).collect();
    names.sort();
    assert_eq!(names, ["away", "here"]);
}

/// What waits for an address that no child has is somebody's mistake, perhaps: others of those are topics.
fn o03_what_waits_for_an_address_that_nobody_has_is_shown(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let (claimed, lost, _unused) = (
        here.reserve(),
        here.reserve::<Puppet>(),
        here.topic::<Now>(),
    );
    let app = sim.start(group("root").child(puppet("a", &log).at(claimed)));
    let app = app.expect("a sound tree");
    sim.run_until_idle();
    lost.send(Say("one"));
    sim.run_until_idle();
    lost.send(Say("two")); // not parked so far
    let tree = app.tree();
    assert_eq!(tree.localities[0].unclaimed, [(lost.address(), 2)]);
    let line = format!(
        "locality here: 2 waiting for {:?}, which no child has claimed\n",
        lost.address()
    );
    assert!(tree.to_string().ends_with(&line), "{tree}");
}

/// Both wait, but one has run before.
fn o03_a_wait_for_a_restart_is_told_from_one_for_a_start(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let a = here.reserve();
    let tree = group("root")
        .child(puppet("a", &log).at(a).backoff(Backoff::fixed(ms(6000))))
        .child(puppet("b", &log));
    let app = sim.start(tree).expect("a sound tree");
    let line = |of: usize| app.tree().to_string().lines().nth(of).map(str::to_owned);
    assert_eq!(line(2).as_deref(), Some("  b [here] waiting"));
    sim.run_until_idle();
    crash(a);
    sim.run_for(ms(1));
    assert_eq!(line(1).as_deref(), Some("  a [here] waiting for a restart"));
    assert_eq!(app.tree().nodes[1].state, "waiting");
    sim.run_for(ms(6000));
    assert_eq!(line(1).as_deref(), Some("  a [here] running, 1 restart"));
    crash(a);
    sim.run_for(ms(1));
    let again = "  a [here] waiting for a restart, 1 restart";
    assert_eq!(line(1).as_deref(), Some(again));
}

/// The closure of `on` is called once for a plan, and the plan can be started afterwards.
fn l24_a_planned_tree_can_be_started(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, away) = (here.reserve(), far.spawn("away"));
        let theirs = log.clone();
        let tree = stage()
            .child(group("far").on(&away, move |s| {
                theirs.put("built");
                let ends = Role::new("b", &theirs).begin(move |_, _| end(a));
                s.child(ends.child())
            }))
            .child(lead("a", &log).at(a));
        let plan = tree.plan(here).unwrap();
        assert_eq!(log.count("built"), 1);
        assert_eq!(plan.nodes.len(), 4);
        tree
    });
    assert_eq!(
        log.count("built"),
        3,
        "for the plan, the check and the start"
    );
}

/// A frame for each locality, an arrow for each child; names with quotes are names.
fn o04_a_plan_is_a_graph(_: u64) {
    let log = Log::new();
    let (here, away) = (Locality::new("here"), Locality::new("a \"far\" place"));
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("back\\slash", &theirs)));
    let tree = stage()
        .child(puppet("a", &log))
        .child(far)
        .child(puppet("b", &log));
    let dot = tree.plan(&here).unwrap().dot();
    let expected = r#"digraph tree {
    rankdir=LR;
    ordering=out;
    subgraph cluster_0 {
        label="here";
        n0 [label="stage\none_for_one\n1000 restarts in 5s\nends with any significant child", shape=box];
        n1 [label="a\nPuppet", shape=ellipse];
        n4 [label="b\nPuppet", shape=ellipse];
    }
    subgraph cluster_1 {
        label="a \"far\" place";
        n2 [label="far\none_for_one\n1000 restarts in 5s", shape=box];
        n3 [label="back\\slash\nPuppet", shape=ellipse];
    }
    n0 -> n1;
    n0 -> n2;
    n2 -> n3;
    n0 -> n4;
}
"#;
    assert_eq!(dot, expected, "\n{dot}");
}

/// The live picture tells states and restarts.
fn o04_the_live_tree_is_a_graph(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let a = sim.locality("here").reserve();
    let tree = group("root")
        .child(puppet("a", &log).at(a))
        .child(group("empty"));
    let app = sim.start(tree).unwrap();
    crash(a);
    sim.run_until_idle();
    let dot = app.tree().dot();
    assert!(
        dot.contains(r#"n0 [label="root\nrunning", shape=box];"#),
        "{dot}"
    );
    assert!(
        dot.contains(r#"n1 [label="a\nrunning\n1 restart", shape=ellipse];"#),
        "{dot}"
    );
    assert!(
        dot.contains(r#"n2 [label="empty\nrunning", shape=box];"#),
        "{dot}"
    );
    assert!(dot.contains("n0 -> n1;\n    n0 -> n2;\n"), "{dot}");
    app.shutdown();
    sim.run_until_idle();
    let ended = app.tree().dot();
    assert!(!ended.contains("n0"), "{ended}");
}

/// Strategies, times and names are values: two trees of one table are equal, and differ where that does.
fn l24_a_tree_may_be_made_of_a_configuration(_: u64) {
    let log = Log::new();
    let tree = |text: &str| {
        let mut lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let head = lines.next().expect("a line of the supervisor");
        let make = match head[1] {
            "one" => Supervisor::one_for_one,
            "all" => Supervisor::one_for_all,
            _ => Supervisor::rest_for_one,
        };
        let root = make(head[0].to_owned()).intensity(head[2].parse().unwrap(), ms(500));
        let tree = lines.fold(root, |tree, line| {
            let log = log.clone();
            let role = Role::new("any", &log);
            let child = Child::new(line[0].to_owned(), move || role.play(1));
            let child = child.stop_limit(ms(line[2].parse().unwrap()));
            tree.child(match line[1] {
                "transient" => child.transient(),
                _ => child,
            })
        });
        tree.plan(&Locality::new("here")).unwrap()
    };
    let one = tree("app all 3\ndisk permanent 10\nview transient 20");
    assert_eq!(one, tree("app all 3\ndisk permanent 10\nview transient 20"));
    for other in [
        "app one 3\ndisk permanent 10\nview transient 20",
        "app all 4\ndisk permanent 10\nview transient 20",
        "app all 3\ndisk permanent 11\nview transient 20",
        "app all 3\ndisc permanent 10\nview transient 20",
        "app all 3\ndisk permanent 10\nview permanent 20",
    ] {
        assert_ne!(one, tree(other));
    }
}

/// What has no effect, or another one than it says, is told where a tree is checked.
fn l24_a_plan_warns_of_what_is_said_in_vain(_: u64) {
    let log = Log::new();
    let here = Locality::new("here");
    let tree = || Supervisor::one_for_one("app").intensity(3, ms(5000));
    let x = || puppet("x", &log);
    let warnings = |tree: Supervisor| tree.plan(&here).unwrap().warnings;
    let fine = tree()
        .auto_shutdown(AutoShutdown::All)
        .stop_limit(ms(5000))
        .child(x().transient().significant().restarts_at_most(2))
        .child(group("y").child(x().start_limit(ms(1)).stop_limit(ms(60_000))));
    assert_eq!(warnings(fine), [""; 0]);
    let late = || x().stop_limit(ms(6000));
    struct Deaf;
    impl Observer for Deaf {}
    let heard = || group("y").observer(Arc::new(Deaf));
    let (far, root) = (Locality::new("far"), tree().observer(Arc::new(Deaf)));
    assert_eq!(warnings(root), [""; 0]);
    let unheard =
        "app/y has an observer, which is told nothing: that of the root is, so give it to the root";
    let pool = Supervisor::simple_one_for_one("pool", |(), _: &mut Context<Puppet>| None::<Puppet>);
    for (tree, text) in [
        (
            tree().auto_shutdown(AutoShutdown::Any).child(x()),
            "app has an auto-shutdown, and no significant child until one is added: make one significant",
        ),
        (
            tree().child(x().start_limit(ms(0))),
            "app/x has no time to start, its limit is zero: raise it",
        ),
        (
            tree().child(pool.instance_limits(ms(0), ms(1))),
            "an instance of app/pool has no time to start, its limit is zero: raise it",
        ),
        (
            tree().child(x().restarts_at_most(3)),
            "app gives up before app/x comes to its own limit of restarts: raise the intensity of app, or \
             lower that limit",
        ),
        (
            // A supervisor has none by default.
            tree().child(Supervisor::one_for_one("x").start_limit(ms(2000))),
            "app never gives up because of app/x if its starts hang, as its start limit of 2s is too long for 4 \
             restarts in 5s: raise the period, or lower the limit",
        ),
        (
            tree().stop_limit(ms(5999)).child(late()),
            "app has a stop limit of 5.999s, which is over before that of app/x, 6s: raise the one, or lower the \
             other",
        ),
        (
            tree().escalating().child(x()),
            "app is the root: no supervisor is there to go by what it says as a child: leave that out",
        ),
        (
            tree().start_limit(ms(1)).child(x()),
            "app is the root: no supervisor is there to go by what it says as a child: leave that out",
        ),
        (tree().child(heard()), unheard),
        (tree().child(heard().on(&far, |s| s)), unheard),
        (
            tree().transient().child(x()),
            "app is the root: no supervisor is there to go by what it says as a child: leave that out",
        ),
    ] {
        assert_eq!(warnings(tree), [text]);
    }
    assert_eq!(warnings(tree().stop_limit(ms(0)).child(late())), [""; 0]);
}

/// An actor that runs, of this tree or another, may register the name: it is no error, but may be a slip.
fn l24_a_plan_warns_of_a_need_that_no_child_declares(_: u64) {
    let log = Log::new();
    let (here, far) = (Locality::new("here"), Locality::new("far"));
    let name = Name::<Puppet>::from;
    let x = || puppet("x", &log).needs(name("log".to_owned()));
    let has = || puppet("a", &log).named(name("log".to_owned()));
    let warnings = |tree: Supervisor| tree.plan(&here).unwrap().warnings;
    let theirs = log.clone();
    let placed = group("y").on(&far, move |s| {
        s.child(puppet("x", &theirs).needs(name("log".to_owned())))
    });
    let begin = |x: &str| format!("{x} needs log, which no child of app declares");
    let end = ": its start waits until somebody registers that name, ";
    for (tree, text) in [
        (
            group("app").child(x()),
            format!("{}{end}for 5s at most", begin("app/x")),
        ),
        (
            group("app").child(group("y").child(x().start_limit(ms(20)))),
            format!("{}{end}for 20ms at most", begin("app/y/x")),
        ),
        (
            group("app").child(x().start_limit(Duration::MAX)),
            format!("{}{end}without a limit", begin("app/x")),
        ),
        (
            group("app").child(placed),
            format!("{}{end}for 5s at most", begin("app/y/x")),
        ),
        (
            group("app")
                .child(group("y").own_names().child(has()))
                .child(x()),
            format!(
                "{} where that can find it{end}for 5s at most",
                begin("app/x")
            ),
        ),
    ] {
        assert_eq!(warnings(tree), [text]);
    }
    let fine = group("app")
        .child(has())
        .child(group("y").own_names().child(x()));
    assert_eq!(warnings(fine), [""; 0]);
    // Of a name of another tree nothing is known here.
    let mut sim = Sim::new(1);
    sim.locality("there");
    let other = sim.start(group("other")).unwrap();
    let of = puppet("x", &log).needs(name("log".to_owned()).of(&other));
    assert_eq!(warnings(group("app").child(of)), [""; 0]);
}

bodies! {
    Sim: [
        l24_a_plan_warns_of_what_is_said_in_vain,
        l24_a_plan_warns_of_a_need_that_no_child_declares,
        l24_a_tree_may_be_made_of_a_configuration,
        n01_each_actor_has_a_path,
        l24_a_plan_is_the_spec_as_text,
        l24_a_plan_finds_what_a_start_refuses,
        l24_names_that_no_path_can_be_made_of_are_refused,
        l24_pictures_have_a_line_for_each_actor,
        l24_localities_of_the_same_name_are_warned_of,
        l24_a_root_is_placed_by_its_start,
        l24_a_supervisor_has_one_place,
        l24_what_a_pool_cannot_be_is_refused,
        l24_a_pool_elsewhere_is_made_there,
        l24_what_is_said_outside_of_a_pool_elsewhere_is_refused,
        o03_a_wait_for_a_restart_is_told_from_one_for_a_start,
        l24_each_part_of_a_far_supervisor_is_said_in_its_place,
        l24_the_live_tree_has_the_nodes_of_its_plan,
        o03_each_locality_is_shown_once,
        o03_what_waits_for_an_address_that_nobody_has_is_shown,
        o04_a_plan_is_a_graph,
        o04_the_live_tree_is_a_graph,
    ]
    Pair: [
        l24_a_planned_tree_can_be_started,
    ]
}
