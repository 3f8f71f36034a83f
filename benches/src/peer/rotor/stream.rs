//! One way into an actor.

use std::rc::Rc;

use rotor_core::{Actor, Addr, Child, Context, Handler};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};
use crate::harness::{Producers, sum_to};

struct Sink {
    left: u64,
    sum: u64,
    referee: Addr<Referee>,
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

fn stream<H: Host>(total: u64, producers: impl FnOnce(Addr<Sink>) -> Producers) -> f64 {
    let mut threads = None;
    let figure = Match::play::<H>(|here, tree, referee| {
        let sink = here.reserve();
        let producers = Rc::new(producers(sink));
        threads = Some(producers.clone());
        let child = Child::new("sink", move || Sink {
            left: total,
            sum: 0,
            referee,
        });
        let this = Match {
            measure: Measure::Wall,
            ops: total,
            total: sum_to(total),
            begin: move || {
                producers.go();
            },
        };
        (tree.child(child.at(sink)), this)
    });
    threads
        .and_then(Rc::into_inner)
        .expect("the tree has ended")
        .join();
    figure
}
