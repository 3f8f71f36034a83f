//! Ping-pong of two actors in one locality, against a `VecDeque` of enum messages: ns per message.
//!
//! `bench_local [MESSAGES [RUNS]]`. The two alternate in one process; the figures are medians.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use rotor_core::{Actor, Addr, Child, Clock, Context, Driver, Handler, Locality, Supervisor, Wake};

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

struct Player {
    other: Addr<Player>,
    left: u64,
}

impl Actor for Player {}

impl Handler<u64> for Player {
    fn handle(&mut self, n: u64, _: &mut Context<Self>) {
        if self.left > 0 {
            self.left -= 1;
            self.other.send(n + 1);
        }
    }
}

/// Ns per message between two actors.
fn actors(messages: u64) -> f64 {
    let driver = Driver::new(Arc::new(Nobody), Clock::real());
    let here = Locality::new("bench");
    driver.open(&here).expect("a fresh locality");
    let (ping, pong) = (here.reserve(), here.reserve());
    let player = move |other| {
        move || Player {
            other,
            left: messages / 2,
        }
    };
    let tree = Supervisor::one_for_one("bench")
        .child(Child::new("ping", player(pong)).at(ping))
        .child(Child::new("pong", player(ping)).at(pong));
    driver.start(tree).expect("a sound tree");
    driver.run_until_idle();
    let begun = Instant::now();
    ping.send(0);
    driver.run_until_idle();
    begun.elapsed().as_nanos() as f64 / messages as f64
}

enum Message {
    Ping(u64),
    Pong(u64),
}

/// Ns per message of the floor: a queue of enum values and two counters.
fn floor(messages: u64) -> f64 {
    let mut queue = VecDeque::new();
    let (mut ping, mut pong) = (messages / 2, messages / 2);
    let begun = Instant::now();
    queue.push_back(Message::Ping(0));
    while let Some(message) = queue.pop_front() {
        match black_box(message) {
            Message::Ping(n) if ping > 0 => {
                ping -= 1;
                queue.push_back(Message::Pong(n + 1));
            }
            Message::Pong(n) if pong > 0 => {
                pong -= 1;
                queue.push_back(Message::Ping(n + 1));
            }
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    begun.elapsed().as_nanos() as f64 / messages as f64
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|arg| arg.parse().expect("a number"));
    let messages = args.next().unwrap_or(1_000_000);
    let runs = args.next().unwrap_or(11);
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    actors(messages / 10);
    floor(messages / 10);
    for _ in 0..runs {
        ours.push(actors(messages));
        floors.push(floor(messages));
    }
    let (ours, floor) = (median(ours), median(floors));
    println!("actors, same locality   {ours:6.2} ns per message");
    println!("VecDeque<enum> floor    {floor:6.2} ns per message");
    println!("ratio                   {:6.2}", ours / floor);
}
