//! Addresses and recipients: what they name, and what they never do.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::{Arc, Mutex};

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

const fn is_copy_and_shared<T: Copy + Send + Sync>() {}
const _: () = {
    is_copy_and_shared::<Address>();
    is_copy_and_shared::<Addr<Puppet>>();
    is_copy_and_shared::<Recipient<Num>>();
    is_copy_and_shared::<Recipient<Ask<Double>>>();
    is_copy_and_shared::<Topic<Num>>();
    assert!(size_of::<Address>() == 16);
    assert!(size_of::<Addr<Puppet>>() == 16);
    assert!(size_of::<Topic<Num>>() == 16);
    assert!(size_of::<Recipient<Num>>() == 24);
};

fn hash<T: std::hash::Hash>(value: T) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// One actor behind several handles: equal, and all reach it.
fn a03_recipients_compare_by_their_target(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve::<Puppet>(), here.reserve::<Puppet>());
        let (say, num): (Recipient<Say>, Recipient<Num>) = (a.to(), a.to());
        assert_eq!(say, a.to());
        assert_ne!(say, b.to());
        assert_eq!(say.address(), num.address());
        assert_eq!(Address::from(a), a.address());
        assert_eq!(hash(say), hash(a.address()));
        assert_eq!(hash(num), hash(a.address()));
        assert_eq!(say.cmp(&b.to()), a.address().cmp(&b.address()));
        say.send(Say("one"));
        num.send(Num(2));
        a.send(Say("three"));
        end(a);
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: one", "a: 2", "a: three"]);
}

/// Each of several listener types reaches the same actor.
fn c_lp_21_one_actor_is_reached_by_each_of_its_message_types(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        let (say, num, now): (Recipient<Say>, Recipient<Num>, Recipient<Now>) =
            (b.to(), b.to(), b.to());
        act(a, move |_, _| {
            say.send(Say("text"));
            num.send(Num(1));
            act(b, move |_, _| {
                now.send(Now(2));
                act(a, move |_, _| act(b, move |_, _| end(a)));
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    assert_eq!(log.all(), ["b: text", "b: 1", "b: now 2"]);
}

/// Order and hash go by numbers, in the order of minting, not by pointers.
fn s18_addresses_sort_by_their_serials(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let minted: Vec<Address> = (0..50)
            .map(|_| here.reserve::<Puppet>().address())
            .collect();
        assert!(minted.is_sorted());
        let set: BTreeSet<_> = minted.iter().rev().copied().collect();
        assert_eq!(set.into_iter().collect::<Vec<_>>(), minted);
        assert_eq!(minted.iter().collect::<HashSet<_>>().len(), 50);
        // Of many localities: as they are printed, by number.
        let all: Vec<Locality> = (0..50).map(|_| Locality::new("one of many")).collect();
        let mut sorted: Vec<Address> = all
            .iter()
            .map(|l| l.reserve::<Puppet>().address())
            .collect();
        sorted.sort();
        let gates = sorted.iter().map(|address| {
            let text = format!("{address:?}");
            let (gate, _) = text.split_once('.').unwrap();
            gate.parse::<u64>().unwrap()
        });
        assert!(gates.is_sorted());
        end(a);
        stage().child(lead("a", &log).at(a))
    });
}

/// An address keeps nobody alive: the instance is dropped at its end although it is known.
fn a04_an_address_owns_nothing(on: &dyn Backend) {
    let log = Log::new();
    let mut kept = None;
    on.run_clean(&log, |here| {
        let a = here.reserve();
        // With the locality, so that its gate is not taken by another tree meanwhile.
        kept = Some((a, a.to::<Say>(), a.address(), here.clone()));
        end(a);
        stage().child(
            Role::new("a", &log)
                .telling()
                .child()
                .at(a)
                .transient()
                .significant(),
        )
    });
    assert_eq!(log.all(), ["a starts", "a stops: normal", "a drops"]);
    let (a, say, address, _here) = kept.unwrap();
    // Its tree is over; nothing of this is more than a report.
    a.send(Say("late"));
    say.send(Say("late"));
    address.stop();
    address.kill();
    assert_eq!(
        a.try_send(Say("late")).map_err(|e| e.reason).err(),
        Some(Reason::Closed)
    );
}

/// The way back from an address without a type is checked, and can fail.
fn a02_an_untyped_address_becomes_a_typed_one_if_the_type_is_right(on: &dyn Backend) {
    struct Other;
    impl Actor for Other {}
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, other) = (here.reserve::<Puppet>(), here.reserve::<Other>());
        let unclaimed = here.reserve::<Puppet>().address();
        let minted = here.topic::<Say>().address();
        assert_eq!(a.address().typed::<Puppet>(), None);
        act(a, move |me, cx| {
            assert_eq!(a.address().typed(), Some(a));
            assert_eq!(a.address().typed::<Other>(), None);
            assert_eq!(other.address().typed::<Puppet>(), None);
            assert_eq!(other.address().typed(), Some(other));
            for nobodys in [unclaimed, minted, cx.make_address()] {
                assert_eq!(nobodys.typed::<Puppet>(), None);
            }
            let child = cx.child(puppet("child", &me.log).temporary());
            assert_eq!(child.address().typed(), Some(child));
            end(child);
            later(cx, ms(1), move |me, cx| {
                let next = cx.child(puppet("next", &me.log)); // in the same slot
                assert_eq!(next.address().typed(), Some(next));
                assert_eq!(child.address().typed::<Puppet>(), None, "it is gone");
                me.say("checked");
                let a = cx.addr();
                // No handler is on the stack, but the thread is the same.
                cx.defer_to_host(move || end(a.address().typed().unwrap()));
            });
        });
        stage()
            .child(Child::new("other", || Other).at(other))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: checked"]);
}

/// A restart does not change what an address is; on another thread it cannot be checked.
fn a02_a_type_is_checked_on_the_thread_of_the_locality(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve::<Puppet>(), away.reserve::<Puppet>());
        let theirs = log.clone();
        crash(b);
        act(b, move |_, _| {
            assert_eq!(b.address().typed(), Some(b));
            act(a, move |_, cx| {
                assert_eq!(b.address().typed::<Puppet>(), None);
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
}

/// Slots are used again, addresses never.
fn n01_an_address_is_never_given_to_another_actor(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        fn next(me: &mut Puppet, cx: &mut Context<Puppet>) {
            let name: &'static str = format!("child {}", me.kept.len()).leak();
            let child = cx.child(puppet(name, &me.log).temporary());
            me.kept.push(Box::new(child));
            if me.kept.len() < 30 {
                end(child);
                later(cx, ms(0), next);
                return;
            }
            // Every earlier one is gone; the last one lives, in a slot that was used before.
            for old in &me.kept[..28] {
                old.downcast_ref::<Addr<Puppet>>()
                    .unwrap()
                    .send(Say("stale"));
            }
            child.send(Say("fresh"));
            let all = me
                .kept
                .iter()
                .map(|old| format!("{:?}", old.downcast_ref::<Addr<Puppet>>().unwrap()));
            me.log
                .put(format!("{} addresses", all.collect::<HashSet<_>>().len()));
            let a = cx.addr();
            act(child, move |_, _| end(a));
        }
        act(a, next);
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["30 addresses", "child 29: fresh"]);
    assert_eq!(played.lost(Reason::Gone), ["Say"; 28]);
}

/// Gates are recycled, triples are not: an address of an earlier tree reaches nobody of a later
/// one, although slot and gate are the same.
fn s02_an_address_of_an_earlier_tree_reaches_nobody_of_a_later_one(on: &dyn Backend) {
    let log = Log::new();
    let seen: Arc<Mutex<HashSet<String>>> = Arc::default();
    let mut old: Vec<Addr<Puppet>> = Vec::new();
    for _ in 0..20 {
        on.run(|here| {
            let a = here.reserve();
            assert!(seen.lock().unwrap().insert(format!("{a:?}")), "{a:?}");
            let (stale, seen) = (old.clone(), seen.clone());
            act(a, move |me, cx| {
                for stale in stale {
                    assert_ne!(stale, cx.addr());
                    stale.send(Stale);
                }
                me.say("reached");
                // The generations of a slot that is used again count as well.
                let child = move |me: &mut Puppet, cx: &mut Context<Puppet>| {
                    let child = cx.child(puppet("child", &me.log).temporary());
                    assert!(seen.lock().unwrap().insert(format!("{child:?}")));
                    end(child);
                };
                child(me, cx);
                later(cx, ms(1), move |me, cx| {
                    child(me, cx);
                    cx.stop();
                });
            });
            old.push(a);
            stage().child(lead("a", &log).at(a))
        });
    }
    assert_eq!(log.all(), ["a: reached"; 20]);
}

/// A path name for people: supervisor and child names; the number of the address repeats in `sim`.
fn a28_a_recipient_may_be_of_a_message_that_another_actor_maps(on: &dyn Backend) {
    struct Words(Recipient<Num>);
    impl Actor for Words {}
    impl Handler<Say> for Words {
        fn handle(&mut self, Say(text): Say, _: &mut Context<Self>) {
            self.0.send(Num(text.len() as u32));
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, words) = (here.reserve::<Puppet>(), here.reserve::<Words>());
        let target: Recipient<Num> = a.to();
        let source: Recipient<Say> = words.to();
        source.send(Say("four"));
        source.send(Say("letters"));
        act(a, move |_, cx| {
            act(cx.addr(), |_, cx| act(cx.addr(), |_, cx| cx.stop()))
        });
        stage()
            .child(Child::new("words", move || Words(target)).at(words))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: 4", "a: 7"]);
}

/// Reserving is possible on any thread, before and while the loop runs.
fn n01_addresses_may_be_reserved_on_any_thread(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let away = away.clone();
                std::thread::spawn(move || {
                    (0..200)
                        .map(|_| away.reserve::<Puppet>().address())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let all: Vec<_> = threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 800);
        let b = away.reserve::<Puppet>();
        act(b, move |_, _| end(a));
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
}

/// Two trees with the same names, side by side.
fn e18_trees_of_one_process_do_not_know_each_other(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    std::thread::scope(|scope| {
        for backend in [on, far] {
            let log = log.clone();
            scope.spawn(move || {
                backend.run_clean(&Log::default(), |here| {
                    let (a, b) = (here.reserve(), here.reserve::<Puppet>());
                    act(b, move |_, _| end(a));
                    stage()
                        .child(lead("a", &log).at(a))
                        .child(puppet("b", &log).at(b))
                });
            });
        }
    });
    assert_eq!(log.live(), 0);
}

/// The observer of a tree goes with it: it does not see what later ones do.
fn e18_a_tree_that_has_ended_lets_go_of_its_observer(on: &dyn Backend) {
    struct Watch;
    impl Observer for Watch {}
    let watch = Arc::new(Watch);
    let exit = on.run_tree(&mut |here| {
        let a = here.reserve();
        end(a);
        stage()
            .child(lead("a", &Log::new()).at(a))
            .observer(watch.clone())
    });
    assert!(!exit.unwrap().is_failure());
    assert_eq!(Arc::strong_count(&watch), 1);
}

/// An empty system starts and ends; nothing is left of it.
fn c_opp_01_an_empty_tree_starts_and_ends(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        here.reserve::<Puppet>();
        let root = stage().child(
            Role::new("only", &log)
                .begin(|_, cx| cx.stop())
                .child()
                .transient()
                .significant(),
        );
        root.child(group("empty"))
    });
}

bodies! {
    Each: [
        a03_recipients_compare_by_their_target
            as c_lp_09_recipients_compare_by_their_target,
        s18_addresses_sort_by_their_serials,
        a02_an_untyped_address_becomes_a_typed_one_if_the_type_is_right,
        a04_an_address_owns_nothing,
        n01_an_address_is_never_given_to_another_actor,
        s02_an_address_of_an_earlier_tree_reaches_nobody_of_a_later_one,
        a28_a_recipient_may_be_of_a_message_that_another_actor_maps,
        e18_a_tree_that_has_ended_lets_go_of_its_observer,
        c_opp_01_an_empty_tree_starts_and_ends
            as r7_an_empty_tree_starts_and_ends
            as c_so_01_an_empty_tree_starts_and_ends,
    ]
    Pair: [
        a02_a_type_is_checked_on_the_thread_of_the_locality,
        c_lp_21_one_actor_is_reached_by_each_of_its_message_types,
        n01_addresses_may_be_reserved_on_any_thread,
        e18_trees_of_one_process_do_not_know_each_other,
    ]
}
