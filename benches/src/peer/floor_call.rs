//! Floors without a queue: what a call, a panic and an error cost alone.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "floor-call",
    version: "std",
    has: &[
        (W::Publish, "a virtual call per subscriber"),
        (
            W::PanicRestart,
            "a panic and its catch, the state made anew",
        ),
        (
            W::FailRestart,
            "a boxed error and its return, the state made anew",
        ),
    ],
    run: |w, z| match w {
        W::Publish => fan_out(z.subscribers, z.rounds),
        W::PanicRestart => crashes(z.crashes, || panic!("expected")),
        W::FailRestart => crashes(z.crashes, || Err("expected".into())),
        _ => unreachable!("not listed"),
    },
};

trait Subscriber {
    fn item(&mut self, n: u64);
    fn seen(&self) -> u64;
}

struct Adder(u64);

impl Subscriber for Adder {
    fn item(&mut self, n: u64) {
        self.0 += n;
    }
    fn seen(&self) -> u64 {
        self.0
    }
}

/// Of another type, so that the calls stay virtual.
struct Doubler(u64);

impl Subscriber for Doubler {
    fn item(&mut self, n: u64) {
        self.0 += 2 * n;
    }
    fn seen(&self) -> u64 {
        self.0 / 2
    }
}

fn fan_out(n: usize, rounds: u64) -> f64 {
    let mut all: Vec<Box<dyn Subscriber>> = (0..n)
        .map(|i| -> Box<dyn Subscriber> {
            if i % 2 == 0 {
                Box::new(Adder(0))
            } else {
                Box::new(Doubler(0))
            }
        })
        .collect();
    let deliveries = n as u64 * rounds;
    let clock = Clock::start();
    for _ in 0..rounds {
        black_box(&mut all).iter_mut().for_each(|one| one.item(1));
    }
    let v = clock.per(deliveries);
    assert_eq!(all.iter().map(|one| one.seen()).sum::<u64>(), deliveries);
    v
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// `n` times: makes a state, has it crash below a catch, and drops it.
fn crashes(n: u64, crash: fn() -> Outcome) -> f64 {
    let mut caught = 0;
    let clock = Clock::start();
    for number in 0..n {
        let state = black_box(Box::new(number));
        match catch_unwind(AssertUnwindSafe(black_box(crash))) {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => drop((error, state)),
            Err(payload) => drop((payload, state)),
        }
        caught += 1;
    }
    let v = clock.per(n);
    assert_eq!(caught, n);
    v
}
