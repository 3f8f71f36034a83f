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

/// The messages of the floor: a closed set, as a program without an actor library would have.
enum Message {
    Ball(u64),
    Question(u64),
    Answer(u64),
    Tick,
    Stop,
}

#[derive(Default)]
struct Node {
    other: u32,
    seen: u64,
    subscribers: Vec<u32>,
}

/// Ns per message of the floor: one queue of (actor, enum), a table of actors and a `match`.
fn floor(messages: u64) -> f64 {
    let mut queue: VecDeque<(u32, Message)> = VecDeque::new();
    let mut nodes: Vec<Node> = (0..2)
        .map(|i| Node {
            other: 1 - i,
            ..Node::default()
        })
        .collect();
    let begun = Instant::now();
    queue.push_back(black_box((0, Message::Ball(messages - 1))));
    // Never true, but the compiler does not know: every arm of the `match` stays.
    if black_box(messages) == 0 {
        queue.push_back((0, Message::Question(1)));
        queue.push_back((0, Message::Tick));
    }
    while let Some((to, message)) = queue.pop_front() {
        let me = &mut nodes[to as usize];
        match message {
            Message::Ball(left) => {
                me.seen += 1;
                if left > 0 {
                    queue.push_back((me.other, Message::Ball(left - 1)));
                }
            }
            Message::Question(n) => queue.push_back((me.other, Message::Answer(n))),
            Message::Answer(n) => me.seen += n,
            Message::Tick => {
                me.subscribers
                    .iter()
                    .for_each(|&to| queue.push_back((to, Message::Stop)));
            }
            Message::Stop => break,
        }
    }
    let per = begun.elapsed().as_nanos() as f64 / messages as f64;
    assert_eq!(nodes.iter().map(|node| node.seen).sum::<u64>(), messages);
    per
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
