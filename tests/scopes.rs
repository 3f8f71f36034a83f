//! Subtrees with names of their own.

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::{BELL, DOOR, LOG, OTHERWISE, finder, until};

/// A subtree that logs its lines by itself: `name`, with an actor that finds that log in its start.
fn session(s: Supervisor, names: [&'static str; 2], log: &Log) -> Supervisor {
    let [keeper, user] = names;
    s.own_names()
        .child(puppet(keeper, log).named(LOG))
        .child(finder(user, log, LOG, |_, log, _| log.send(Say("kept"))))
}

/// Here and elsewhere: each finds that of its own subtree, and all find what the tree has.
fn n02_subtrees_may_have_actors_of_the_same_names(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, d) = (here.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        let rings = |s: Supervisor, log: &Log| {
            s.child(finder("e", log, BELL, |_, bell, _| bell.send(Say("rung"))))
        };
        when(a, (3, "d: rung"), move |me, cx| {
            assert_eq!(cx.lookup(BELL), Ok(d));
            let outside = cx.lookup(LOG).unwrap();
            outside.send(Say("kept"));
            assert!(matches!(cx.lookup(DOOR), Err(NameError::NotFound { .. })));
            when(cx.addr(), (1, "c: kept"), |_, cx| cx.stop());
            me.say("looked");
        });
        stage()
            .child(puppet("c", &log).named(LOG))
            .child(puppet("d", &log).at(d).named(BELL))
            .child(rings(session(group("near"), ["x", "y"], &log), &log))
            .child(group("far").own_names().on(&away, move |s| {
                let inner = rings(session(group("in"), ["v", "w"], &theirs), &theirs);
                let door = puppet("u", &theirs).named(DOOR);
                rings(s.child(door).child(inner), &theirs)
            }))
            .child(lead("a", &log).at(a))
    });
    let mut kept = log.all();
    kept.retain(|line| line.ends_with("kept"));
    kept.sort();
    assert_eq!(kept, ["c: kept", "v: kept", "x: kept"]);
}

/// Twice in one of them is refused; what an actor registers itself goes to its own.
fn n02_a_name_has_one_owner_in_each_subtree(on: &dyn Backend) {
    let log = Log::new();
    let twice = on.try_run(|_| {
        let inner = group("in").own_names().child(puppet("b", &log).named(LOG));
        stage().child(inner.child(group("in it").child(puppet("c", &log).named(LOG))))
    });
    let error = twice.err().expect("the name is declared twice");
    assert_eq!(
        error.to_string(),
        format!("stage/in/in it/c cannot start: the name log belongs to stage/in/b{OTHERWISE}")
    );
    on.run_clean(&log, |here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve::<Puppet>());
        act(b, move |_, cx| {
            cx.register(DOOR).unwrap();
            assert_eq!(cx.lookup(DOOR), Ok(b));
            act(a, move |me, cx| {
                assert!(cx.lookup(DOOR).is_err());
                cx.register(DOOR).unwrap();
                me.say("registered");
                act(b, move |_, cx| {
                    assert_eq!(cx.lookup(DOOR), Ok(b));
                    let taken = cx.register(BELL).unwrap_err();
                    assert_eq!(
                        taken.to_string(),
                        format!("the name bell belongs to c{OTHERWISE}")
                    );
                    assert!(cx.unregister(DOOR));
                    assert_eq!(cx.lookup(DOOR), Ok(a), "hidden until now");
                    act(a, |_, cx| cx.stop());
                });
            });
        });
        let inner = group("in").own_names().child(puppet("b", &log).at(b));
        stage()
            .child(lead("a", &log).at(a))
            .child(inner.child(puppet("c", &log).at(c).named(BELL)))
    });
}

/// Also while it cannot be found: until its spec is gone, whoever waits for it waits.
fn n02_a_name_hides_that_of_outer_subtrees(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve::<Puppet>());
        act(b, move |me, cx| {
            assert_eq!(cx.lookup(LOG), Ok(a));
            let held = Role::new("d", &me.log).begin(|me, cx| {
                let never = cx.hold("it does not come");
                me.kept.push(Box::new(never));
                me.say("starts");
            });
            let child = held.child().temporary().named(LOG).start_limit(LONG);
            let d = cx.child(child);
            assert!(cx.lookup(LOG).is_err(), "it is hidden");
            act(c, move |_, cx| {
                assert!(cx.lookup(LOG).is_err(), "a sibling is in the same subtree");
                cx.find(LOG, move |me, found, _| {
                    assert_eq!(found, a);
                    me.say("found");
                });
            });
            until(cx, move |me, _| {
                let starts = me.log.count("d: starts") > 0;
                if starts {
                    act(c, move |me, _| {
                        me.say("waits");
                        d.address().kill();
                    });
                }
                starts
            });
        });
        when(a, (1, "c: found"), |_, cx| cx.stop());
        let inner = group("in").own_names().child(puppet("b", &log).at(b));
        stage()
            .child(lead("a", &log).at(a).named(LOG))
            .child(inner.child(puppet("c", &log).at(c)))
    });
    assert_eq!(log.all(), ["d: starts", "c: waits", "c: found"]);
}

/// That there is another one outside, further back, does not matter.
fn n02_what_is_needed_is_looked_for_in_the_innermost_subtree(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        end(a);
        stage()
            .child(group("far").own_names().on(&away, move |s| {
                s.child(puppet("b", &theirs).named(LOG))
                    .child(puppet("c", &theirs).needs(LOG))
            }))
            .child(puppet("d", &log).named(LOG))
            .child(lead("a", &log).at(a))
    });
    let later = on.try_run(|_| {
        let inner = group("in").own_names().child(puppet("c", &log).needs(LOG));
        stage().child(inner).child(puppet("d", &log).named(LOG))
    });
    let error = later.err().expect("it starts later");
    assert!(matches!(
        error,
        StartError::NeedsLater { child, service } if child == "stage/in/c" && service == "stage/d"
    ));
}

/// From inside of it, for what is outside; and within it, though there is one outside.
fn m08_a_start_in_a_subtree_that_can_never_end_fails_at_once(on: &dyn Backend, far: &dyn Backend) {
    for (wanted, owner) in [(DOOR, "d"), (LOG, "b")] {
        let log = Log::new();
        let played = on.run(|_| {
            let away = far.spawn("away");
            let (theirs, name) = (log.clone(), wanted.clone());
            Supervisor::one_for_one("root")
                .child(puppet("a", &log).named(LOG))
                .child(group("far").own_names().on(&away, move |s| {
                    s.child(finder("c", &theirs, name.clone(), |_, _, _| ()))
                        .child(puppet("b", &theirs).named(LOG))
                }))
                .child(puppet("d", &log).named(DOOR))
        });
        let (told, why) = (
            chain(&played.exit),
            format!("c waits for the name {wanted} of {owner}"),
        );
        assert!(told.contains(&why), "{told}");
    }
}

/// A scope with `c` here and `b` elsewhere, in a tree whose `a` is the log.
struct Scope {
    sim: Sim,
    app: App,
    away: Locality,
    a: Addr<Puppet>,
    b: Addr<Puppet>,
    c: Addr<Puppet>,
}

impl Scope {
    fn new(seed: u64, log: &Log) -> Self {
        let mut sim = Sim::new(seed);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve());
        let theirs = log.clone();
        let far = group("far")
            .temporary()
            .on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
        let inner = group("in").own_names();
        let inner = inner.child(puppet("c", log).at(c)).child(far);
        let tree = group("root").child(puppet("a", log).at(a).named(LOG));
        let app = sim.start(tree.child(inner)).unwrap();
        sim.run_until_idle();
        Scope {
            sim,
            app,
            away,
            a,
            b,
            c,
        }
    }

    /// `c` waits for a log, and says whether it is `a`.
    fn wait(&mut self) {
        let a = self.a;
        act(self.c, move |me, cx| {
            me.say(cx.lookup(LOG).is_err());
            cx.find(LOG, move |me, found, _| me.say(found == a));
        });
        self.sim.run_until_idle();
    }
}

/// Whoever waits for one that is lost with its loop gets the outer one.
fn m11_a_name_that_is_lost_with_its_loop_hides_nothing(seed: u64) {
    let log = Log::new();
    let mut scope = Scope::new(seed, &log);
    act(scope.b, |me, cx| {
        let child = puppet("d", &me.log).named(LOG).transient();
        end(cx.child(child)); // its spec is still there
    });
    scope.sim.run_until_idle();
    scope.wait();
    assert_eq!(log.of("c: "), ["c: true"]);
    scope.sim.lose(&scope.away);
    scope.sim.run_until_idle();
    assert_eq!(log.of("c: "), ["c: true", "c: true"]);
}

/// Also one of a subtree whose loop is lost, until the subtree's spec is gone.
fn n02_a_spec_that_is_deleted_hides_nothing(seed: u64) {
    let log = Log::new();
    let mut scope = Scope::new(seed, &log);
    let nodes = scope.app.tree().nodes;
    let inner = nodes.iter().find(|node| node.name == "in").unwrap().address;
    let theirs = log.clone();
    let place = scope.away.clone();
    let more = StartChild::new(move || {
        let build = move |s: Supervisor| s.child(puppet("d", &theirs).named(LOG));
        group("more").transient().on(&place, build)
    });
    let added = inner.admin().ask(more, LONG);
    assert!(matches!(scope.sim.block_on(added), Some(Ok(Ok(_)))));
    let ended = inner.admin().ask(TerminateChild::named("more"), LONG);
    assert!(matches!(scope.sim.block_on(ended), Some(Ok(Ok(())))));
    scope.sim.lose(&scope.away);
    scope.wait();
    assert_eq!(log.of("c: "), ["c: true"]);
    let deleted = inner.admin().ask(DeleteChild::named("more"), LONG);
    assert!(matches!(scope.sim.block_on(deleted), Some(Ok(Ok(())))));
    scope.sim.run_until_idle();
    assert_eq!(log.of("c: "), ["c: true", "c: true"]);
}

/// Whatever its end, here and on another loop: the outer one is found.
fn n02_a_child_whose_spec_is_put_aside_hides_nothing(seed: u64) {
    let ways = [false, true].map(|placed| [0, 1, 2, 3].map(|way| (placed, way)));
    for (placed, way) in ways.into_iter().flatten() {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let home = if placed { &away } else { &here };
        let (a, c, k) = (here.reserve(), here.reserve(), home.reserve());
        let theirs = log.clone();
        let build = move |s: Supervisor| {
            let child = if way == 3 {
                Child::new("k", || None::<Puppet>)
            } else {
                puppet("k", &theirs)
            };
            let child = child.at(k).named(LOG);
            s.child(if way == 2 { child } else { child.temporary() })
        };
        let sub = group("sub");
        let sub = if placed {
            sub.on(home, build)
        } else {
            build(sub)
        };
        let inner = group("in").own_names();
        let inner = inner.child(sub).child(puppet("c", &log).at(c));
        let tree = group("root").child(puppet("a", &log).at(a).named(LOG));
        let app = sim.start(tree.child(inner)).expect("a sound tree");
        sim.run_until_idle();
        let nodes = app.tree().nodes;
        let sub = nodes.iter().find(|node| node.name == "sub").unwrap();
        match way {
            0 => end(k),
            1 => k.address().kill(),
            2 => {
                let ended = sub.address.admin().ask(TerminateChild::named("k"), LONG);
                assert!(matches!(sim.block_on(ended), Some(Ok(Ok(())))));
                let deleted = sub.address.admin().ask(DeleteChild::named("k"), LONG);
                assert!(matches!(sim.block_on(deleted), Some(Ok(Ok(())))));
            }
            _ => {}
        }
        sim.run_until_idle();
        act(c, move |me, cx| {
            assert_eq!(cx.lookup(LOG), Ok(a));
            cx.register(LOG).expect("it is nobody's");
            me.say("has it");
        });
        sim.run_until_idle();
        assert_eq!(log.of("c: "), ["c: has it"], "{placed} {way}");
    }
}

bodies! {
    Each: [
        n02_a_name_has_one_owner_in_each_subtree,
        n02_a_name_hides_that_of_outer_subtrees,
    ]
    Pair: [
        n02_subtrees_may_have_actors_of_the_same_names,
        n02_what_is_needed_is_looked_for_in_the_innermost_subtree,
        m08_a_start_in_a_subtree_that_can_never_end_fails_at_once,
    ]
    Sim: [
        m11_a_name_that_is_lost_with_its_loop_hides_nothing,
        n02_a_spec_that_is_deleted_hides_nothing,
        n02_a_child_whose_spec_is_put_aside_hides_nothing,
    ]
}
