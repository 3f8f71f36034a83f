//! A value that is handed on from actor to actor: each owns it while it works on it.

use std::collections::VecDeque;

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// A number in one box, and where it goes next.
struct Parcel {
    value: Box<i64>,
    route: VecDeque<Addr<Station>>,
    home: Addr<Puppet>,
}

impl Parcel {
    /// Sends it to the next station that takes it, or home.
    fn hand_on(mut self) {
        while let Some(next) = self.route.pop_front() {
            match next.try_send(self) {
                Ok(()) => return,
                Err(back) => self = back.message,
            }
        }
        let (value, at) = (*self.value, self.place());
        act(self.home, move |me, cx| {
            me.say(value);
            me.log.put(format!("at {at}"));
            cx.stop();
        });
    }

    /// Where in memory the number is.
    fn place(&self) -> usize {
        std::ptr::from_ref(&*self.value).addr()
    }
}

/// Works on what it gets.
struct Station(fn(i64) -> i64, Log);

impl Actor for Station {}

impl Handler<Parcel> for Station {
    fn handle(&mut self, mut parcel: Parcel, _: &mut Context<Self>) {
        self.1.put(format!("at {}", parcel.place()));
        *parcel.value = (self.0)(*parcel.value);
        parcel.hand_on();
    }
}

fn station(log: &Log, at: Addr<Station>, work: fn(i64) -> i64) -> Child<Station> {
    let log = log.clone();
    let name = format!("{at:?}");
    Child::new(name, move || Station(work, log.clone())).at(at)
}

/// Has `a` send a number on its way.
fn send(a: Addr<Puppet>, value: i64, route: impl Into<VecDeque<Addr<Station>>>) {
    let (value, route) = (Box::new(value), route.into());
    let parcel = Parcel {
        value,
        route,
        home: a,
    };
    act(a, move |_, _| parcel.hand_on());
}

/// What came home, and whether it was the same box all the way.
fn arrived(log: &Log, stations: usize) -> String {
    let places = log.of("at ");
    assert_eq!(places.len(), stations + 1);
    assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    log.of("a: ").pop().unwrap()
}

/// A station that is gone gives it back, and the next one gets it.
fn r107_what_nobody_takes_goes_to_the_next(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, last) = (here.reserve(), here.reserve());
        act(a, move |me, cx| {
            let log = me.log.clone();
            let gone = cx.child(Child::once("gone", |_| Ok(Station(|_| 0, log))));
            gone.stop();
            cx.monitor(gone.address());
            when(a, (1, "a: down"), move |_, _| send(a, 1, [gone, last]));
        });
        stage()
            .child(station(&log, last, |n| n + 1))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(arrived(&log, 1), "a: 2");
}

fn r108_a_value_goes_from_one_to_the_next(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, add, times) = (here.reserve(), here.reserve(), here.reserve());
        send(a, 0, [add, times]);
        stage()
            .child(station(&log, add, |n| n + 2))
            .child(station(&log, times, |n| n * 10))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(arrived(&log, 2), "a: 20");
}

fn r109_a_value_goes_to_another_locality_and_comes_back(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, add, times) = (here.reserve(), away.reserve(), here.reserve());
        let theirs = log.clone();
        send(a, 0, [add, times]);
        stage()
            .child(group("far").on(&away, move |s| s.child(station(&theirs, add, |n| n + 2))))
            .child(station(&log, times, |n| n * 10))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(arrived(&log, 2), "a: 20");
}

/// To and fro, without a copy.
fn r111_a_value_is_handed_on_many_times_in_one_box(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, half, less_12) = (here.reserve(), here.reserve(), here.reserve());
        let (less_39, same) = (away.reserve(), away.reserve());
        let theirs = log.clone();
        send(a, 100, [half, less_39, same, less_12]);
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(station(&theirs, less_39, |n| n - 39))
                    .child(station(&theirs, same, |n| n))
            }))
            .child(station(&log, half, |n| n / 2))
            .child(station(&log, less_12, |n| n - 12))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(arrived(&log, 4), "a: -1");
}

bodies! {
    Each: [
        r107_what_nobody_takes_goes_to_the_next,
        r108_a_value_goes_from_one_to_the_next,
    ]
    Pair: [
        r109_a_value_goes_to_another_locality_and_comes_back,
        r111_a_value_is_handed_on_many_times_in_one_box,
    ]
}
