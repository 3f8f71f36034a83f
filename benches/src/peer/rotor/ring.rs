//! A token that goes around actors of one locality, or to and fro between two.

use rotor_core::{Actor, Addr, Child, Context, Handler, Supervisor};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};

struct Node {
    next: Addr<Node>,
    referee: Addr<Referee>,
}

impl Actor for Node {}

impl Handler<u64> for Node {
    fn handle(&mut self, left: u64, _: &mut Context<Self>) {
        if left == 0 {
            self.referee.send(Total(0));
        } else {
            self.next.send(left - 1);
        }
    }
}

/// The match of a token that is sent to `first` and makes `hops` hops.
fn token(first: Addr<Node>, hops: u64, measure: Measure) -> Match<impl FnOnce()> {
    Match {
        measure,
        ops: hops,
        total: 0,
        begin: move || first.send(hops - 1),
    }
}

/// Ns per message around `n` actors of one locality.
pub fn local<H: Host>(n: usize, hops: u64) -> f64 {
    Match::play::<H>(|here, mut tree, referee| {
        let all: Vec<Addr<Node>> = (0..n).map(|_| here.reserve()).collect();
        for (i, &node) in all.iter().enumerate() {
            let next = all[(i + 1) % n];
            let child = Child::new(format!("node {i}"), move || Node { next, referee });
            tree = tree.child(child.at(node));
        }
        (tree, token(all[0], hops, Measure::Wall))
    })
}

/// Ns per message between two loops on two threads.
pub fn across<H: Host>(hops: u64, measure: Measure) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let away = H::elsewhere();
        let (ping, pong) = (here.reserve(), away.reserve());
        let node = move |next| move || Node { next, referee };
        let tree = tree
            .child(Supervisor::one_for_one("away").on(&away, move |s| {
                s.child(Child::new("pong", node(ping)).at(pong))
            }))
            .child(Child::new("ping", node(pong)).at(ping));
        (tree, token(ping, hops, measure))
    })
}
