//! xtra: an actor is a task of any executor (tokio here); unbounded mailboxes, detached sends.

use std::time::Duration;

use ::xtra::prelude::*;
use futures_util::FutureExt;

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "xtra",
    version: "0.6.0",
    has: &[
        (W::PingPong, "tokio current_thread, detached send"),
        (W::CrossPing, "two tokio current_thread runtimes"),
        (W::CrossPingPool, "tokio multi_thread, 2 workers"),
        (W::Throughput1, "thread -> tokio current_thread"),
        (W::Throughput4, "threads -> tokio current_thread"),
        (W::Ask, "tokio current_thread, send().await"),
        (W::CrossAsk, "two tokio current_thread runtimes"),
        (W::Ring, "tokio current_thread, detached send"),
        (W::SpawnStop, "tokio current_thread, ctx.stop_self"),
        (W::IdleBytes, "tokio current_thread"),
        (W::Skynet, "tokio current_thread, detached send"),
        (W::FanOut, "tokio current_thread, detached send"),
    ],
    run,
};

fn run(w: W, z: &Sizes) -> f64 {
    let z = *z;
    if w == W::CrossPingPool {
        let rt = tokio_two();
        return rt
            .block_on(async move { tokio::spawn(ring(2, z.cross_hops * 5)).await.expect("ring") });
    }
    let rt = tokio_one();
    rt.block_on(async move {
        match w {
            W::PingPong => ring(2, z.hops).await,
            W::Ring => ring(z.ring_actors, z.hops).await,
            W::CrossPing => cross(z.cross_hops).await,
            W::Throughput1 => stream(1, z.stream_for(1)).await,
            W::Throughput4 => stream(4, z.stream_for(4)).await,
            W::Ask => ask(start(Echo), z.asks).await,
            W::CrossAsk => {
                let other = OtherThread::start();
                let echo = other.run(async { start(Echo) }).await;
                ask(echo, z.cross_asks).await
            }
            W::SpawnStop => spawn_stop(z.spawns).await,
            W::IdleBytes => idle_bytes(z.idle).await,
            W::Skynet => skynet(z.leaves).await,
            W::FanOut => fan_out(z.subscribers, z.rounds).await,
            _ => unreachable!(),
        }
    })
}

macro_rules! plain {
    ($($t:ty),*) => {$(
        impl Actor for $t {
            type Stop = ();
            async fn stopped(self) {}
        }
    )*};
}

plain!(Node, Sink, Echo, Idle, Hub, Sub);

fn start<A: Actor<Stop = ()>>(a: A) -> Address<A> {
    ::xtra::spawn_tokio(a, Mailbox::unbounded())
}

/// A detached send to an unbounded mailbox is ready at its first poll.
fn tell<A, M>(to: &Address<A>, m: M)
where
    A: Handler<M>,
    M: Send + 'static,
{
    drop(to.send(m).detach().now_or_never().expect("unbounded"));
}

struct Node {
    next: Option<Address<Node>>,
    done: Done,
}
struct Link(Address<Node>);
impl Handler<Link> for Node {
    type Return = ();
    async fn handle(&mut self, m: Link, _: &mut Context<Self>) {
        self.next = Some(m.0);
    }
}
struct Token(u64);
impl Handler<Token> for Node {
    type Return = ();
    async fn handle(&mut self, m: Token, _: &mut Context<Self>) {
        if m.0 == 0 {
            let _ = self.done.send(0);
        } else if let Some(next) = &self.next {
            tell(next, Token(m.0 - 1));
        }
    }
}

async fn ring(n: usize, hops: u64) -> f64 {
    let (tx, rx) = done();
    let nodes: Vec<_> = (0..n)
        .map(|_| {
            start(Node {
                next: None,
                done: tx.clone(),
            })
        })
        .collect();
    for i in 0..n {
        nodes[i]
            .send(Link(nodes[(i + 1) % n].clone()))
            .await
            .expect("link");
    }
    let clock = Clock::start();
    tell(&nodes[0], Token(hops - 1));
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

async fn cross(hops: u64) -> f64 {
    let (tx, rx) = done();
    let other = OtherThread::start();
    let a = start(Node {
        next: None,
        done: tx.clone(),
    });
    let b = other
        .run(async move {
            start(Node {
                next: None,
                done: tx,
            })
        })
        .await;
    a.send(Link(b.clone())).await.expect("link");
    b.send(Link(a.clone())).await.expect("link");
    let clock = Clock::start();
    tell(&a, Token(hops - 1));
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

struct Sink(Tally);
struct Item(u64);
impl Handler<Item> for Sink {
    type Return = ();
    async fn handle(&mut self, m: Item, _: &mut Context<Self>) {
        self.0.item(m.0);
    }
}

async fn stream(producers: u64, total: u64) -> f64 {
    let (tx, rx) = done();
    let sink = start(Sink(Tally::new(total, tx)));
    let p = Producers::new(producers, total, || {
        let sink = sink.clone();
        move |v| tell(&sink, Item(v))
    });
    let clock = p.go();
    let sum = rx.recv_async().await.expect("sum");
    let v = clock.per(total);
    assert_eq!(sum, sum_to(total));
    p.join();
    v
}

struct Echo;
struct Ask(u64);
impl Handler<Ask> for Echo {
    type Return = u64;
    async fn handle(&mut self, m: Ask, _: &mut Context<Self>) -> u64 {
        m.0
    }
}

async fn ask(echo: Address<Echo>, n: u64) -> f64 {
    let clock = Clock::start();
    let asker = tokio::spawn(async move {
        let mut sum = 0;
        for v in 0..n {
            sum += echo.send(Ask(v)).await.expect("reply");
        }
        sum
    });
    assert_eq!(asker.await.expect("asker"), sum_to(n));
    clock.per(n)
}

struct Idle {
    _token: LiveToken,
}
struct Stop;
impl Handler<Stop> for Idle {
    type Return = ();
    async fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop_self();
    }
}

async fn spawn_stop(n: usize) -> f64 {
    let live = Live::default();
    let clock = Clock::start();
    let all: Vec<_> = (0..n)
        .map(|_| {
            start(Idle {
                _token: live.token(),
            })
        })
        .collect();
    for a in &all {
        tell(a, Stop);
    }
    while live.count() > 0 {
        tokio::task::yield_now().await;
    }
    clock.per(n as u64)
}

async fn idle_bytes(n: usize) -> f64 {
    let live = Live::default();
    let before = rss();
    let all: Vec<_> = (0..n)
        .map(|_| {
            start(Idle {
                _token: live.token(),
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let v = (rss() - before) as f64 / n as f64;
    assert_eq!(live.count(), n as u64);
    drop(all);
    v
}

struct Sky {
    parent: Option<Address<Sky>>,
    first: u64,
    size: u64,
    left: u32,
    sum: u64,
    done: Option<Done>,
}
impl Sky {
    fn report(&self, sum: u64) {
        match &self.parent {
            Some(p) => tell(p, Sum(sum)),
            None => drop(self.done.as_ref().map(|d| d.send(sum))),
        }
    }
}
impl Actor for Sky {
    type Stop = ();
    async fn started(&mut self, mailbox: &Mailbox<Self>) -> Result<(), ()> {
        if self.size == 1 {
            self.report(self.first);
            return Err(());
        }
        let part = self.size / 10;
        let me = mailbox.address().try_upgrade().ok_or(())?;
        for i in 0..10 {
            sky(Sky {
                parent: Some(me.clone()),
                first: self.first + i * part,
                size: part,
                left: 10,
                sum: 0,
                done: None,
            });
        }
        Ok(())
    }
    async fn stopped(self) {}
}
/// Its parent holds no address of a child: the child's own parent link keeps the tree alive
/// upwards, and a strong address kept in the task keeps each inner node.
fn sky(s: Sky) {
    let (address, mailbox) = Mailbox::unbounded();
    tokio::spawn(async move {
        let _address = address;
        ::xtra::run(mailbox, s).await
    });
}
struct Sum(u64);
impl Handler<Sum> for Sky {
    type Return = ();
    async fn handle(&mut self, m: Sum, ctx: &mut Context<Self>) {
        self.sum += m.0;
        self.left -= 1;
        if self.left == 0 {
            self.report(self.sum);
            ctx.stop_self();
        }
    }
}

async fn skynet(leaves: u64) -> f64 {
    let (tx, rx) = done();
    let clock = Clock::start();
    sky(Sky {
        parent: None,
        first: 0,
        size: leaves,
        left: 10,
        sum: 0,
        done: Some(tx),
    });
    assert_eq!(rx.recv_async().await, Ok(tree_sum(leaves)));
    clock.per(tree_nodes(leaves))
}

struct Hub {
    subs: Vec<Address<Sub>>,
}
struct Tick;
impl Handler<Tick> for Hub {
    type Return = ();
    async fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        for sub in &self.subs {
            tell(sub, Item(1));
        }
    }
}
struct Subscribe(Address<Sub>);
impl Handler<Subscribe> for Hub {
    type Return = ();
    async fn handle(&mut self, m: Subscribe, _: &mut Context<Self>) {
        self.subs.push(m.0);
    }
}
struct Sub {
    seen: u64,
    rounds: u64,
    total: FanTotal,
    hub: Option<Address<Hub>>,
}
impl Handler<Item> for Sub {
    type Return = ();
    async fn handle(&mut self, m: Item, _: &mut Context<Self>) {
        self.seen += m.0;
        if self.seen == self.rounds {
            self.total.add(self.seen);
        } else if let Some(hub) = &self.hub {
            tell(hub, Tick);
        }
    }
}

async fn fan_out(n: usize, rounds: u64) -> f64 {
    let (tx, rx) = done();
    let total = FanTotal::new(n as u64 * rounds, tx);
    let hub = start(Hub { subs: Vec::new() });
    for i in 0..n {
        let back = (i == n - 1).then(|| hub.clone());
        let sub = start(Sub {
            seen: 0,
            rounds,
            total: total.clone(),
            hub: back,
        });
        hub.send(Subscribe(sub)).await.expect("subscribe");
    }
    let clock = Clock::start();
    tell(&hub, Tick);
    rx.recv_async().await.expect("every delivery");
    clock.per(n as u64 * rounds)
}
