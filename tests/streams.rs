//! Streams that are thinned out on their way.

use std::time::Duration;

use rotor_core::sim::{Probe, Sim};
use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// A simulation with a child that hands numbers on to a probe.
fn thinned<A: Handler<u32> + Actor, M: Send + 'static>(
    seed: u64,
    make: impl Fn(Recipient<M>) -> A + 'static,
) -> (Sim, Addr<A>, Probe<M>) {
    let mut sim = Sim::new(seed);
    let probe = sim.probe();
    let (thin, to) = (sim.locality("here").reserve(), probe.recipient());
    let child = Child::new("thin", move || make(to)).at(thin);
    sim.start(Supervisor::one_for_one("root").child(child.temporary()))
        .unwrap();
    sim.run_until_idle();
    (sim, thin, probe)
}

/// Ten in each millisecond of a second.
fn a20_ten_thousand_messages_in_a_second_are_63_at_16_ms(seed: u64) {
    let (mut sim, thin, probe) = thinned(seed, |to| Throttle::new(to, ms(16)));
    for n in 0..10_000 {
        thin.send(n);
        if n % 10 == 9 {
            sim.run_for(ms(1));
        }
    }
    let seen = probe.take();
    assert_eq!((seen[0], seen.len()), (0, 63));
    assert!(seen.is_sorted());
    sim.run_for(ms(16));
    assert_eq!(probe.take(), [9_999], "the last one always arrives");
}

/// Two are a period apart at least, and nothing waits longer than that.
fn a20_a_throttle_passes_on_the_latest_in_each_period(seed: u64) {
    let (mut sim, thin, probe) = thinned(seed, |to| Throttle::new(to, ms(10)));
    thin.send(1);
    sim.run_for(ms(0));
    assert_eq!(probe.take(), [1], "after a pause it waits for nothing");
    thin.send(2);
    thin.send(3);
    sim.run_for(ms(9));
    assert_eq!(probe.take(), []);
    sim.run_for(ms(1));
    assert_eq!(probe.take(), [3]);
    thin.send(4);
    sim.run_for(ms(9));
    assert_eq!(probe.take(), [], "what waited opens a period, too");
    sim.run_for(ms(11));
    assert_eq!(probe.take(), [4]);
    sim.run_for(ms(10));
    thin.send(5);
    sim.run_for(ms(0));
    assert_eq!(probe.take(), [5]);
}

/// Two may be no time apart: so none takes the place of another one.
fn a20_a_throttle_without_a_period_passes_on_every_message(seed: u64) {
    let make = |to| Throttle::by_key(to, Duration::ZERO, |n: &u32| n % 3);
    let (mut sim, thin, probe) = thinned(seed, make);
    let flood = move |all: std::ops::Range<u32>| all.for_each(|n| thin.send(n));
    std::thread::spawn(move || flood(0..300)).join().unwrap();
    sim.run_until_idle();
    flood(300..600);
    sim.run_until_idle();
    assert_eq!(probe.take(), Vec::from_iter(0..600));
}

fn a20_the_latest_of_each_key_is_passed_on_in_order(seed: u64) {
    let make = |to| Throttle::by_key(to, ms(10), |n: &u32| n % 3);
    let (mut sim, thin, probe) = thinned(seed, make);
    for n in 0..100 {
        thin.send(n);
    }
    sim.run_for(ms(10));
    assert_eq!(probe.take(), [0, 97, 98, 99]);
    // The keys are forgotten with what they stood for.
    for n in [8, 6, 9, 5] {
        thin.send(n);
    }
    sim.run_for(ms(10));
    assert_eq!(probe.take(), [5, 9]);
}

fn a20_a_message_is_passed_on_when_none_follows_for_a_time(seed: u64) {
    let (mut sim, thin, probe) = thinned(seed, |to| Debounce::new(to, ms(10)));
    for n in 0..5 {
        thin.send(n);
        sim.run_for(ms(9));
    }
    assert_eq!(probe.take(), []);
    sim.run_for(ms(1));
    assert_eq!(probe.take(), [4]);
    sim.run_for(ms(20));
    assert_eq!(probe.take(), [], "once");
    thin.send(5);
    sim.run_for(ms(10));
    assert_eq!(probe.take(), [5]);
}

/// So many at a time, or what has come within a time of the first.
fn a20_messages_are_collected_by_number_or_for_a_time(seed: u64) {
    let (mut sim, all, probe) = thinned(seed, |to| Collect::new(to, 3, ms(10)));
    (0..7).for_each(|n| all.send(n));
    sim.run_for(ms(9));
    assert_eq!(probe.take(), [vec![0, 1, 2], vec![3, 4, 5]]);
    sim.run_for(ms(1));
    assert_eq!(probe.take(), [[6]]);
    all.send(7);
    sim.run_for(ms(9));
    (8..10).for_each(|n| all.send(n));
    sim.run_for(ms(0));
    assert_eq!(probe.take(), [[7, 8, 9]]);
    // The time of those is over; that of the next one begins with it.
    all.send(10);
    sim.run_for(ms(9));
    assert_eq!(probe.take(), [[0; 0]; 0]);
    sim.run_for(ms(1));
    assert_eq!(probe.take(), [[10]]);
}

fn a20_what_waits_at_the_end_is_passed_on(seed: u64) {
    let make = |to| Throttle::by_key(to, ms(10), |n: &u32| n % 2);
    let (mut sim, thin, probe) = thinned(seed, make);
    (0..7).for_each(|n| thin.send(n));
    sim.run_for(ms(0));
    thin.address().stop();
    sim.run_for(ms(0));
    assert_eq!(probe.take(), [0, 5, 6]);
    let (mut sim, thin, probe) = thinned(seed, |to| Debounce::new(to, ms(10)));
    (0..7).for_each(|n| thin.send(n));
    sim.run_for(ms(0));
    thin.address().stop();
    sim.run_for(ms(0));
    assert_eq!(probe.take(), [6]);
    let (mut sim, all, probe) = thinned(seed, |to| Collect::new(to, 5, ms(10)));
    (0..7).for_each(|n| all.send(n));
    sim.run_for(ms(0));
    all.address().stop();
    sim.run_for(ms(0));
    assert_eq!(probe.take(), [vec![0, 1, 2, 3, 4], vec![5, 6]]);
}

/// It lives where the messages come from; less of them cross.
fn a20_a_stream_is_thinned_before_it_crosses(on: &dyn Backend, far: &dyn Backend) {
    const MANY: u32 = 1000;
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (view, thin, worker) = (here.reserve(), away.reserve(), away.reserve());
        let theirs = log.clone();
        act(worker, move |_, _| (0..MANY).for_each(|n| thin.send(n)));
        let show = view.map(|n: u32| {
            Do::new(move |me, cx| {
                me.say(n);
                if n == MANY - 1 {
                    cx.stop();
                }
            })
        });
        let work = group("work").on(&away, move |s| {
            let make = move || Throttle::new(show, ms(5));
            s.child(Child::new("thin", make).at(thin))
                .child(puppet("worker", &theirs).at(worker))
        });
        stage().child(lead("view", &log).at(view)).child(work)
    });
    let seen = log.of("view: ");
    assert_eq!(seen.first().unwrap(), "view: 0");
    assert_eq!(*seen.last().unwrap(), format!("view: {}", MANY - 1));
    assert!(seen.len() < 100, "{} of {MANY} came through", seen.len());
}

bodies! {
    Pair: [
        a20_a_stream_is_thinned_before_it_crosses,
    ]
    Sim: [
        a20_ten_thousand_messages_in_a_second_are_63_at_16_ms,
        a20_a_throttle_passes_on_the_latest_in_each_period,
        a20_a_throttle_without_a_period_passes_on_every_message,
        a20_the_latest_of_each_key_is_passed_on_in_order,
        a20_a_message_is_passed_on_when_none_follows_for_a_time,
        a20_messages_are_collected_by_number_or_for_a_time,
        a20_what_waits_at_the_end_is_passed_on,
    ]
}
