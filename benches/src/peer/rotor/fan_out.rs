//! One publisher, many subscribers, a round at a time.

use rotor_core::{Actor, Addr, Child, Context, Handler, Locality, Recipient, Result, Topic};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};

/// How the hub reaches its subscribers.
trait Reach: Clone + 'static {
    fn all(&self);
}

/// A send to each.
#[derive(Clone)]
struct Each(Vec<Addr<Subscriber>>);

impl Reach for Each {
    fn all(&self) {
        for subscriber in &self.0 {
            subscriber.send(1);
        }
    }
}

impl Reach for Topic<u64> {
    fn all(&self) {
        self.publish(1);
    }
}

struct Hub<R> {
    reach: R,
}

struct Tick;

impl<R: Reach> Actor for Hub<R> {}

impl<R: Reach> Handler<Tick> for Hub<R> {
    fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        self.reach.all();
    }
}

struct Subscriber {
    seen: u64,
    rounds: u64,
    topic: Option<Topic<u64>>,
    /// The last subscriber asks for the next round.
    hub: Option<Recipient<Tick>>,
    count: Addr<Count>,
}

impl Actor for Subscriber {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if let Some(topic) = self.topic {
            cx.subscribe(topic);
        }
        Ok(())
    }
}

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

/// Ns per delivery to `n` subscribers, each of which is sent to.
pub fn by_address<H: Host>(n: usize, rounds: u64) -> f64 {
    fan_out::<H, Each>(n, rounds, |_, all| (None, Each(all.to_vec())))
}

/// Ns per delivery to `n` subscribers of one address.
pub fn by_topic<H: Host>(n: usize, rounds: u64) -> f64 {
    fan_out::<H, Topic<u64>>(n, rounds, |here, _| {
        let topic = here.topic();
        (Some(topic), topic)
    })
}

fn fan_out<H: Host, R: Reach>(
    n: usize,
    rounds: u64,
    reach: impl FnOnce(&Locality, &[Addr<Subscriber>]) -> (Option<Topic<u64>>, R),
) -> f64 {
    Match::play::<H>(|here, mut tree, referee| {
        let (hub, count) = (here.reserve(), here.reserve());
        let subscribers: Vec<Addr<Subscriber>> = (0..n).map(|_| here.reserve()).collect();
        let (topic, reach) = reach(here, &subscribers);
        for (i, &address) in subscribers.iter().enumerate() {
            let child = Child::new(format!("subscriber {i}"), move || Subscriber {
                seen: 0,
                rounds,
                topic,
                hub: (i == n - 1).then_some(hub.to()),
                count,
            });
            tree = tree.child(child.at(address));
        }
        let make_hub = move || Hub {
            reach: reach.clone(),
        };
        let make_count = move || Count {
            left: n,
            sum: 0,
            referee,
        };
        let tree = tree
            .child(Child::new("hub", make_hub).at(hub))
            .child(Child::new("count", make_count).at(count));
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
