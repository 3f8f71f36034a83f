//! One publisher, many subscribers, a round at a time.

use rotor_core::{Actor, Addr, Child, Context, Handler};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};

struct Tick;

/// Sends to each subscriber by its address.
struct Hub {
    subscribers: Vec<Addr<Subscriber>>,
}

impl Actor for Hub {}

impl Handler<Tick> for Hub {
    fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        for subscriber in &self.subscribers {
            subscriber.send(1);
        }
    }
}

struct Subscriber {
    seen: u64,
    rounds: u64,
    /// The last subscriber asks for the next round.
    hub: Option<Addr<Hub>>,
    count: Addr<Count>,
}

impl Actor for Subscriber {}

impl Handler<u64> for Subscriber {
    fn handle(&mut self, n: u64, _: &mut Context<Self>) {
        self.seen += n;
        if self.seen == self.rounds {
            self.count.send(Seen(self.seen));
        } else if let Some(hub) = self.hub {
            hub.send(Tick);
        }
    }
}

/// Adds up what the subscribers have seen, which each says once.
struct Count {
    left: usize,
    sum: u64,
    referee: Addr<Referee>,
}

struct Seen(u64);

impl Actor for Count {}

impl Handler<Seen> for Count {
    fn handle(&mut self, seen: Seen, _: &mut Context<Self>) {
        self.sum += seen.0;
        self.left -= 1;
        if self.left == 0 {
            self.referee.send(Total(self.sum));
        }
    }
}

/// Ns per delivery to `n` subscribers.
pub fn by_address<H: Host>(n: usize, rounds: u64) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let (hub, count) = (here.reserve(), here.reserve());
        let subscribers: Vec<Addr<Subscriber>> = (0..n).map(|_| here.reserve()).collect();
        let all = subscribers.clone();
        let mut tree = tree
            .child(
                Child::new("hub", move || Hub {
                    subscribers: all.clone(),
                })
                .at(hub),
            )
            .child(
                Child::new("count", move || Count {
                    left: n,
                    sum: 0,
                    referee,
                })
                .at(count),
            );
        for (i, &address) in subscribers.iter().enumerate() {
            let child = Child::new(format!("subscriber {i}"), move || Subscriber {
                seen: 0,
                rounds,
                hub: (i == n - 1).then_some(hub),
                count,
            });
            tree = tree.child(child.at(address));
        }
        let deliveries = n as u64 * rounds;
        let this = Match {
            measure: Measure::Wall,
            ops: deliveries,
            total: deliveries,
            begin: move || hub.send(Tick),
        };
        (tree, this)
    })
}
