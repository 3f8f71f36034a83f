//! Floors without a queue of messages: what a call, a panic, an error, a timer and a poll cost alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

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
        (W::TimerFire, "a BinaryHeap of deadlines, park_timeout"),
        (W::FutureWake, "2 boxed futures, polled in turn"),
    ],
    run: |w, z| match w {
        W::Publish => fan_out(z.subscribers, z.rounds),
        W::PanicRestart => crashes(z.crashes, || panic!("expected")),
        W::FailRestart => crashes(z.crashes, || Err("expected".into())),
        W::TimerFire => timers(z.timers_fire),
        W::FutureWake => polls(z.wakes),
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

fn timers(n: u64) -> f64 {
    let clock = CpuClock::start();
    let begun = Instant::now();
    let mut heap = BinaryHeap::new();
    for i in 0..n {
        let due = begun + Duration::from_micros(i * 1000 * FIRE_SPREAD_MS / n);
        heap.push(Reverse((due, i)));
    }
    let mut sum = 0;
    while let Some(Reverse((next, _))) = heap.peek() {
        std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        while heap.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            sum += heap.pop().map_or(0, |Reverse((_, i))| i);
        }
    }
    let v = clock.per(n);
    assert_eq!(sum, sum_to(n));
    v
}

/// Polls two futures by turns that pass a number to each other. Their wakes do nothing.
fn polls(n: u64) -> f64 {
    let slots: [Rc<Slot>; 2] = Default::default();
    let mut futures: [Pin<Box<dyn Future<Output = ()>>>; 2] = [0, 1].map(|i| {
        let (me, next) = (slots[i].clone(), slots[1 - i].clone());
        let future = async move {
            loop {
                match me.take().await {
                    0 => return,
                    left => next.put(left - 1),
                }
            }
        };
        Box::pin(future) as Pin<Box<dyn Future<Output = ()>>>
    });
    let mut context = Context::from_waker(Waker::noop());
    for future in &mut futures {
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
    let clock = Clock::start();
    slots[0].put(n - 1);
    let mut polled = 1;
    while futures[(polled as usize - 1) % 2]
        .as_mut()
        .poll(&mut context)
        .is_pending()
    {
        polled += 1;
    }
    let v = clock.per(n);
    assert_eq!(polled, n);
    v
}
