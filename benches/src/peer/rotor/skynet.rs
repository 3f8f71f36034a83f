//! A ten-ary tree of actors that make one another; the sums of the leaves go up.

use rotor_core::{Actor, Addr, Child, Context, Handler, Recipient, Result};

use super::host::Host;
use super::referee::{Match, Measure, Total};
use crate::harness::{tree_nodes, tree_sum};

struct Sum(u64);

/// A node of the tree: ends when its sum is told.
struct Node {
    first: u64,
    size: u64,
    left: u32,
    sum: u64,
    above: Recipient<Sum>,
}

impl Node {
    fn new(first: u64, size: u64, above: Recipient<Sum>) -> Child<Node> {
        Child::once("node", move |_| {
            Ok(Node {
                first,
                size,
                left: 10,
                sum: 0,
                above,
            })
        })
    }
}

impl Actor for Node {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if self.size == 1 {
            self.above.send(Sum(self.first));
            cx.stop();
            return Ok(());
        }
        let part = self.size / 10;
        for i in 0..10 {
            cx.child(Node::new(self.first + i * part, part, cx.addr().to()));
        }
        Ok(())
    }
}

impl Handler<Sum> for Node {
    fn handle(&mut self, sum: Sum, cx: &mut Context<Self>) {
        self.sum += sum.0;
        self.left -= 1;
        if self.left == 0 {
            self.above.send(Sum(self.sum));
            cx.stop();
        }
    }
}

/// Makes the root node when it is told to, not before.
struct Soil {
    leaves: u64,
    above: Recipient<Sum>,
}

struct Grow;

impl Actor for Soil {}

impl Handler<Grow> for Soil {
    fn handle(&mut self, _: Grow, cx: &mut Context<Self>) {
        cx.child(Node::new(0, self.leaves, self.above));
    }
}

/// Ns per actor of the tree.
pub fn skynet<H: Host>(leaves: u64) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let soil: Addr<Soil> = here.reserve();
        let above = referee.map(|Sum(n)| Total(n));
        let this = Match {
            measure: Measure::Wall,
            ops: tree_nodes(leaves),
            total: tree_sum(leaves),
            begin: move || soil.send(Grow),
        };
        let child = Child::new("soil", move || Soil { leaves, above });
        (tree.child(child.at(soil)), this)
    })
}
