//! One way into an actor.

use std::rc::Rc;

use rotor_core::{Actor, Addr, Child, Context, Handler, Outbox, Supervisor};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};
use crate::harness::{Producers, sum_to};

struct Sink {
    left: u64,
    sum: u64,
    referee: Addr<Referee>,
}

impl Sink {
    fn child(total: u64, referee: Addr<Referee>) -> Child<Sink> {
        Child::new("sink", move || Sink {
            left: total,
            sum: 0,
            referee,
        })
    }
}

impl Actor for Sink {}

impl Handler<u64> for Sink {
    fn handle(&mut self, n: u64, _: &mut Context<Self>) {
        self.left -= 1;
        self.sum += n;
        if self.left == 0 {
            self.referee.send(Total(self.sum));
        }
    }
}

/// Ns per message from plain threads, message by message.
pub fn from_threads<H: Host>(threads: u64, total: u64) -> f64 {
    stream::<H>(total, |sink| {
        Producers::new(threads, total, || move |n| sink.send(n))
    })
}

/// Ns per message from a plain thread that collects them in an outbox.
pub fn from_outbox<H: Host>(total: u64) -> f64 {
    stream::<H>(total, |sink| {
        Producers::new(1, total, || {
            let mut out = Outbox::new();
            move |n| out.send(sink, n)
        })
    })
}

fn stream<H: Host>(total: u64, producers: impl FnOnce(Addr<Sink>) -> Producers) -> f64 {
    let mut threads = None;
    let figure = Match::play::<H>(|here, tree, referee| {
        let sink = here.reserve();
        let producers = Rc::new(producers(sink));
        threads = Some(producers.clone());
        let this = Match {
            measure: Measure::Wall,
            ops: total,
            total: sum_to(total),
            begin: move || {
                producers.go();
            },
        };
        (tree.child(Sink::child(total, referee).at(sink)), this)
    });
    threads
        .and_then(Rc::into_inner)
        .expect("the tree has ended")
        .join();
    figure
}

/// Messages that the source sends for one message to itself.
const AT_ONCE: u64 = 256;

/// Sends to a sink of another locality, from within its handlers.
struct Source {
    sink: Addr<Sink>,
    next: u64,
    total: u64,
}

struct Go;

impl Actor for Source {}

impl Handler<Go> for Source {
    fn handle(&mut self, _: Go, cx: &mut Context<Self>) {
        let end = self.total.min(self.next + AT_ONCE);
        for n in self.next..end {
            self.sink.send(n);
        }
        self.next = end;
        if end < self.total {
            cx.addr().send(Go);
        }
    }
}

/// Ns per message from an actor of another locality.
pub fn from_locality<H: Host>(total: u64) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let away = H::elsewhere();
        let (source, sink) = (away.reserve(), here.reserve());
        let tree = tree.child(Sink::child(total, referee).at(sink)).child(
            Supervisor::one_for_one("away").on(&away, move |s| {
                let make = move || Source {
                    sink,
                    next: 0,
                    total,
                };
                s.child(Child::new("source", make).at(source))
            }),
        );
        let this = Match {
            measure: Measure::Wall,
            ops: total,
            total: sum_to(total),
            begin: move || source.send(Go),
        };
        (tree, this)
    })
}
