//! What costs nothing: waiting. What costs little: waking.

use std::time::Duration;

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Slices and wakes of some localities.
fn counts(of: &[Locality]) -> Vec<(u64, u64)> {
    of.iter().map(|l| (l.slices(), l.wakes())).collect()
}

/// Blocks until they rest: they may still be on their way into their waits.
fn at_rest(of: &[Locality]) -> Vec<(u64, u64)> {
    let (mut last, mut same) = (counts(of), 0);
    while same < 10 {
        std::thread::sleep(ms(20));
        let now = counts(of);
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

/// Real time, because that is what is promised: there is no event to wait for.
fn e14_an_idle_locality_is_neither_turned_nor_woken(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let places = [here.clone(), on.spawn("away")];
        let (a, watch, theirs) = (here.reserve(), log.clone(), log.clone());
        let away = places[1].clone();
        // What it waits for is far off, or never comes.
        let waits = |name, log: &Log| {
            let role = Role::new(name, log).begin(|_, cx| {
                later(cx, Duration::from_secs(3600), |_, _| ());
                cx.spawn(std::future::pending::<()>(), |_, (), _| ());
            });
            role.child()
        };
        act(a, |me, _| me.say("all wait"));
        std::thread::spawn(move || {
            watch.wait_for("a: all wait");
            let before = at_rest(&places);
            std::thread::sleep(Duration::from_secs(2));
            watch.put(format!(
                "nothing has happened: {}",
                counts(&places) == before
            ));
            end(a);
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(waits("b", &theirs))))
            .child(waits("a", &log).at(a).transient().significant())
    });
    assert_eq!(log.all(), ["a: all wait", "nothing has happened: true"]);
}

/// Nor does its thread wake by itself, though it may spin. Real time, because that is what is promised.
#[test]
#[cfg(target_os = "linux")]
fn e16_an_idle_thread_loop_is_not_woken() {
    use crate::shared::{Do, act, doer, next, only, orderly, wakes_of_an_idle, within_limit};
    within_limit(|| {
        let main = ThreadLoop::new().spin(Duration::from_micros(20));
        let a = main.locality().reserve();
        let (tell, told) = std::sync::mpsc::channel();
        let far = std::thread::spawn(move || {
            act(a, move |_, cx| {
                cx.after(Duration::from_secs(3600), Do::nothing());
                cx.spawn(std::future::pending::<()>(), |_, (), _| ());
                tell.send(std::fs::read_link("/proc/thread-self").unwrap())
                    .unwrap();
            });
            assert_eq!(wakes_of_an_idle(&next(&told)), 0);
            act(a, |_, cx| cx.stop());
        });
        assert!(orderly(&main.run(only(doer(a))).unwrap()));
        far.join().unwrap();
    });
}

/// However many messages there are in the batch.
fn e06_a_batch_for_a_loop_that_rests_is_one_wake(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (away, watch, theirs) = (far.spawn("away"), log.clone(), log.clone());
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let place = away.clone();
        act(a, |me, _| me.say("up"));
        std::thread::spawn(move || {
            watch.wait_for("a: up");
            let mut batch = 0;
            // Once more, if it did not rest yet.
            while watch.count("wakes: 1") == 0 {
                batch += 1;
                let before = place.wakes();
                act(a, move |_, _| {
                    (0..100).for_each(|n| b.send(Num(n)));
                    act(b, move |me, _| me.say(format!("batch {batch}")));
                });
                watch.wait_for(&format!("b: batch {batch}"));
                watch.put(format!("wakes: {}", place.wakes() - before));
            }
            drop(place);
            end(a);
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    let more = |line: &String| !matches!(&line[..], "wakes: 0" | "wakes: 1");
    assert!(!log.of("wakes: ").iter().any(more), "{:?}", log.of("wakes"));
}

bodies! {
    Each: [
        e14_an_idle_locality_is_neither_turned_nor_woken,
    ]
    Pair: [
        e06_a_batch_for_a_loop_that_rests_is_one_wake,
    ]
}
