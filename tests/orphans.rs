//! Orphans: what is left below a lost loop, and what is built anew, on the same loops, while it still ends.

use std::sync::Arc;
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::chains::{Refusals, patient};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

const LOG: Name<Puppet> = Name::new("log");

fn address_of(app: &App, name: &str) -> Address {
    let nodes = app.tree().nodes;
    let node = nodes.iter().find(|node| node.name == name);
    node.unwrap_or_else(|| panic!("no {name}: {}", app.tree()))
        .address
}

/// What is built anew takes the addresses of an orphan's subtree on a further loop by force, which would have
/// taken longer.
fn m11_an_orphan_ends_if_what_is_below_it_makes_way(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    sim.locality("home");
    let [mid, far, low] = ["mid", "far", "low"].map(|name| sim.locality(name));
    let a = low.reserve::<Puppet>();
    let (theirs, below) = (log.clone(), low.clone());
    let one = patient("one").on(&mid, move |s| {
        let (theirs, below) = (theirs.clone(), below.clone());
        s.child(patient("two").on(&far, move |s| {
            let log = theirs.clone();
            s.child(patient("three").on(&below, move |s| {
                s.child(Role::new("a", &log).slow(4000).child().at(a))
            }))
        }))
    });
    let anchor = patient("anchor").on(&mid, |s| s);
    let app = sim.start(patient("root").child(one).child(anchor)).unwrap();
    sim.run_for(ms(10));
    let two = address_of(&app, "two");
    sim.lose(&mid);
    sim.open(mid);
    sim.run_for(ms(1000));
    assert_eq!(a.address().state(), Lifecycle::Running, "{}", app.tree());
    assert_eq!(two.state(), Lifecycle::Gone, "seed {seed}");
}

/// What is built anew has the names that its spec declares, whatever an orphan that still ends has of them:
/// a start that is refused counts.
fn m11_an_orphan_keeps_no_name_from_what_is_built_anew(seed: u64) {
    for (levels, reserved) in [(3, true), (3, false), (2, false)] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        sim.locality("home");
        let all = ["mid", "far", "low"].map(|name| sim.locality(name));
        let at = all[levels - 1].reserve::<Puppet>();
        let named = move |log: &Log| {
            let named = puppet("named", log).named(LOG);
            if reserved { named.at(at) } else { named }
        };
        let usual = Supervisor::one_for_one;
        let (theirs, far, low) = (log.clone(), all[1].clone(), all[2].clone());
        let one = usual("one").on(&all[0], move |s| {
            let (log, low) = (theirs.clone(), low.clone());
            s.child(usual("two").on(&far, move |s| {
                let s = s.child(Role::new("slow", &log).slow(1000).child());
                if levels == 2 {
                    return s.child(named(&log));
                }
                let log = log.clone();
                s.child(usual("three").on(&low, move |s| s.child(named(&log))))
            }))
        });
        let refusals = Arc::new(Refusals::default());
        let anchor = patient("anchor").on(&all[0], |s| s);
        // No more than what is lost.
        let root = usual("root").intensity(2, ms(5_000));
        let root = root.observer(refusals.clone()).child(one);
        let app = sim.start(root.child(anchor)).expect("a sound tree");
        sim.run_for(ms(10));
        let before = app.lookup(LOG).expect("it runs");
        sim.lose(&all[0]);
        sim.open(all[0].clone());
        sim.run_for(ms(10));
        let refused = std::mem::take(&mut *refusals.0.lock().unwrap());
        assert_eq!(refused, [""; 0], "{levels}, {reserved}");
        let after = app.lookup(LOG);
        let after = after.unwrap_or_else(|_| panic!("{levels}, {reserved}: {}", app.tree()));
        assert_eq!(before == after, reserved, "{levels}");
        sim.run_for(ms(10_000));
        assert_eq!(app.lookup(LOG), Ok(after), "{levels}, {reserved}");
    }
}

/// An orphan that ends may have built anew what is below it, on a loop that has come again: which has not
/// heard of the loss, as that was before it.
fn m11_what_an_orphan_has_built_again_spends_no_address(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    sim.locality("home");
    let (mid, far) = (sim.locality("mid"), sim.locality("far"));
    let (a, b) = (mid.reserve::<Puppet>(), far.reserve::<Puppet>());
    let quick = |name| Supervisor::one_for_one(name).intensity(u32::MAX, LONG);
    let (theirs, below, again) = (log.clone(), far.clone(), mid.clone());
    let one = quick("one")
        .backoff(Backoff::fixed(ms(20)))
        .on(&mid, move |s| {
            let (log, again) = (theirs.clone(), again.clone());
            s.child(patient("two").on(&below, move |s| {
                let of = log.clone();
                let three = quick("three").on(&again, move |s| s.child(puppet("a", &of).at(a)));
                let slow = Role::new("slow", &log).slow(100);
                let b = puppet("b", &log).at(b);
                s.child(b)
                    .child(quick("inner").child(three))
                    .child(slow.child())
            }))
        });
    let anchor = patient("anchor").on(&mid, |s| s);
    let app = sim.start(patient("root").child(one).child(anchor)).unwrap();
    sim.run_for(ms(10));
    sim.lose(&mid);
    sim.open(mid);
    sim.run_for(ms(15));
    let built = a.address().state();
    assert_eq!(built, Lifecycle::Running, "by the orphan");
    sim.run_for(ms(1000));
    for leaf in [a, b] {
        assert_eq!(leaf.address().state(), Lifecycle::Running, "{}", app.tree());
    }
}

/// The supervisor of what has made way runs on, further above an orphan: it has that built again, at an
/// address that is somebody else's by then.
fn m11_what_has_made_way_for_what_is_built_anew_is_not_built_again(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    sim.locality("home");
    let [mid, near, far, low] = ["mid", "near", "far", "low"].map(|name| sim.locality(name));
    let at = low.reserve::<Puppet>();
    let (theirs, places) = (log.clone(), [near, far, low]);
    let one = patient("one").on(&mid, move |s| {
        let (log, [near, far, low]) = (theirs.clone(), places.clone());
        s.child(patient("two").on(&near, move |s| {
            let (theirs, low) = (log.clone(), low.clone());
            let three = patient("three").on(&far, move |s| {
                let log = theirs.clone();
                s.child(patient("four").on(&low, move |s| {
                    s.child(puppet("a", &log).at(at)).child(puppet("kid", &log))
                }))
            });
            s.child(three)
                .child(Role::new("slow", &log).slow(50).child())
        }))
    });
    let anchor = patient("anchor").on(&mid, |s| s);
    let app = sim.start(patient("root").child(one).child(anchor)).unwrap();
    sim.run_for(ms(10));
    let old = address_of(&app, "four");
    sim.lose(&mid);
    sim.open(mid);
    sim.run_for(ms(1000));
    let (four, kid) = (address_of(&app, "four"), address_of(&app, "kid"));
    assert_ne!(four, old, "it has made way");
    assert_eq!(
        kid.state(),
        Lifecycle::Running,
        "seed {seed}, {}",
        app.tree()
    );
    for name in ["c", "d", "e", "f"] {
        let log = log.clone();
        let start = StartChild::new(move || puppet(name, &log));
        let started = sim.block_on(four.admin().ask(start, LONG));
        assert!(matches!(started, Some(Ok(Ok(_)))), "{started:?}");
        let tree = app.tree();
        let mut all: Vec<_> = tree.nodes.iter().map(|node| node.address).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(
            all.len(),
            tree.nodes.len(),
            "an address has two actors: {tree}"
        );
    }
    app.shutdown();
    sim.run_for(LONG);
    assert!(app.tree().ended.is_some());
}

/// As for one that its spec declares: the start of who registers it counts when it fails.
fn m11_an_orphan_keeps_no_name_that_it_has_registered(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    sim.locality("home");
    let [mid, far] = ["mid", "far"].map(|name| sim.locality(name));
    let usual = Supervisor::one_for_one;
    let (theirs, below) = (log.clone(), far.clone());
    let one = usual("one").on(&mid, move |s| {
        let log = theirs.clone();
        s.child(usual("two").on(&below, move |s| {
            let registers = Role::new("named", &log).start(|_, cx| {
                cx.register(LOG)?;
                Ok(())
            });
            s.child(registers.child())
                .child(Role::new("slow", &log).slow(1000).child())
        }))
    });
    let anchor = patient("anchor").on(&mid, |s| s);
    // No more than what is lost.
    let root = usual("root").intensity(2, ms(5_000));
    let app = sim.start(root.child(one).child(anchor)).unwrap();
    sim.run_for(ms(10));
    let before = app.lookup(LOG).expect("it runs");
    sim.lose(&mid);
    sim.open(mid);
    sim.run_for(ms(100));
    let after = app.lookup(LOG).expect("the new one has it");
    assert_ne!(after, before, "{}", app.tree());
    sim.run_for(ms(10_000));
    assert_eq!(
        app.lookup(LOG),
        Ok(after),
        "whatever the orphan does when it ends"
    );
}

/// It may not know yet that it is one.
fn m11_what_an_orphan_puts_aside_is_declared_by_what_is_built_anew(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let home = sim.locality("home");
    let [mid, near, far] = ["mid", "near", "far"].map(|name| sim.locality(name));
    let (at, other) = (far.reserve(), home.reserve());
    let (theirs, places) = (log.clone(), [near, far]);
    let one = patient("one").on(&mid, move |s| {
        let (log, [near, far]) = (theirs.clone(), places.clone());
        s.child(patient("two").on(&near, move |s| {
            let theirs = log.clone();
            let three = patient("three").on(&far, move |s| {
                s.child(puppet("a", &theirs).at(at).named(LOG).temporary())
            });
            s.child(three)
                .child(Role::new("slow", &log).slow(50).child())
        }))
    });
    let root = patient("root").child(puppet("other", &log).at(other));
    let _app = sim.start(root.child(one)).unwrap();
    sim.run_for(ms(10));
    sim.lose(&mid);
    sim.run_for(ms(10));
    end(at); // the orphan stops the slow one first
    sim.run_for(ms(1));
    for _ in 0..100 {
        act(other, |me, cx| {
            let taken = matches!(cx.register(LOG), Err(NameError::Taken { .. }));
            me.say(format!("taken: {taken}"));
        });
        sim.run_for(ms(1));
    }
    assert_eq!(
        log.of("other: "),
        ["other: taken: true"; 100],
        "seed {seed}"
    );
}

/// It is refused because of the name, and waits as if there had been no build.
fn m11_a_claim_that_was_refused_for_its_name_leaves_the_address(seed: u64) {
    for is_terminated in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let there = sim.locality("there");
        let holder = there.reserve();
        let other = patient("other").child(puppet("holder", &log).at(holder));
        let other = sim.start(other).unwrap();
        sim.locality("home");
        let far = sim.locality("far");
        let [a, b] = [far.reserve(), far.reserve()];
        let (name, theirs) = (LOG.of(&other), log.clone());
        let sub = patient("sub").on(&far, move |s| {
            s.child(puppet("a", &theirs).at(a).named(name.clone()))
                .child(puppet("b", &theirs).at(b))
        });
        let app = sim.start(patient("root").child(sub)).unwrap();
        sim.run_for(ms(10));
        sim.lose(&far);
        act(holder, |_, cx| cx.register(LOG).expect("nobody has it"));
        sim.run_for(ms(10));
        sim.open(far);
        sim.run_for(ms(100));
        let states = || [a, b].map(|addr: Addr<Puppet>| addr.address().state());
        assert_eq!(states(), [Lifecycle::Waiting; 2]);
        if is_terminated {
            let stop = app.root().admin().ask(TerminateChild::named("sub"), LONG);
            assert!(matches!(sim.block_on(stop), Some(Ok(Ok(())))));
            sim.run_for(ms(100));
            assert_eq!(states(), [Lifecycle::Down; 2]);
        }
        app.shutdown();
        sim.run_for(ms(1000));
        assert_eq!(states(), [Lifecycle::Gone; 2], "{is_terminated}");
    }
}

/// What its children have is held by somebody, also if they are below an orphan that is to make way: with
/// another loop between, too.
fn m11_a_request_below_an_orphan_removes_none_of_it(seed: u64) {
    for between in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        sim.locality("home");
        let [top, mid, far] = ["top", "mid", "far"].map(|name| sim.locality(name));
        let a = far.reserve();
        let (theirs, below, other) = (log.clone(), far, mid);
        let one = patient("one").on(&top, move |s| {
            let (log, far, mid) = (theirs.clone(), below.clone(), other.clone());
            s.child(patient("two").on(&below, move |s| {
                let far = far.clone();
                let s = s.child(puppet("a", &log).at(a));
                s.child(match between {
                    true => {
                        patient("mid").on(&mid, move |s| s.child(patient("three").on(&far, |s| s)))
                    }
                    false => patient("three"),
                })
            }))
        });
        let app = sim.start(patient("root").child(one)).unwrap();
        sim.run_for(ms(10));
        let three = address_of(&app, "three").admin();
        let again = StartChild::new(move || puppet("again", &log).at(a));
        let asked = three.ask(again, Duration::MAX);
        sim.lose(&top);
        sim.run_until_idle();
        sim.open(top);
        sim.run_for(ms(1000));
        assert_eq!(a.address().state(), Lifecycle::Running, "{}", app.tree());
        match sim.block_on(asked) {
            Some(Ok(Err(AdminError::BadSpec(StartError::ClaimedTwice { .. })))) => {}
            Some(Err(RequestError::Ended(_))) => {} // it was told of the loss before
            other => panic!("seed {seed}, {between}: {other:?}"),
        }
        app.shutdown();
        sim.run_for(ms(1000));
        assert_eq!(a.address().state(), Lifecycle::Gone);
    }
}

bodies! {
    Sim: [
        m11_an_orphan_ends_if_what_is_below_it_makes_way,
        m11_an_orphan_keeps_no_name_from_what_is_built_anew,
        m11_what_an_orphan_has_built_again_spends_no_address,
        m11_what_has_made_way_for_what_is_built_anew_is_not_built_again,
        m11_an_orphan_keeps_no_name_that_it_has_registered,
        m11_what_an_orphan_puts_aside_is_declared_by_what_is_built_anew,
        m11_a_claim_that_was_refused_for_its_name_leaves_the_address,
        m11_a_request_below_an_orphan_removes_none_of_it,
    ]
}
