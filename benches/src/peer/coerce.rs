//! coerce: an actor is a tokio task; `notify` is unbounded; handlers are boxed (async-trait).

use std::time::Duration;

use ::coerce::actor::context::ActorContext;
use ::coerce::actor::message::{Handler, Message};
use ::coerce::actor::system::ActorSystem;
use ::coerce::actor::{Actor, LocalActorRef};
use async_trait::async_trait;

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "coerce",
    version: "0.8.11",
    has: &[
        (W::PingPong, "tokio current_thread, notify"),
        (W::CrossPing, "two tokio current_thread runtimes"),
        (W::CrossPingPool, "tokio multi_thread, 2 workers"),
        (W::Throughput1, "thread -> tokio current_thread, notify"),
        (W::Throughput4, "threads -> tokio current_thread, notify"),
        (W::Ask, "tokio current_thread, send().await"),
        (W::CrossAsk, "two tokio current_thread runtimes"),
        (W::Ring, "tokio current_thread, notify"),
        (W::SpawnStop, "tokio current_thread, anonymous actors"),
        (W::IdleBytes, "tokio current_thread, anonymous actors"),
        (W::FanOut, "tokio current_thread, notify"),
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
            W::Ask => {
                let sys = ActorSystem::new();
                ask(start(&sys, Echo).await, z.asks).await
            }
            W::CrossAsk => {
                let other = OtherThread::start();
                let echo = other
                    .run(async { start(&ActorSystem::new(), Echo).await })
                    .await;
                ask(echo, z.cross_asks).await
            }
            W::SpawnStop => spawn_stop(z.spawns).await,
            W::IdleBytes => idle_bytes(z.idle).await,
            W::FanOut => fan_out(z.subscribers, z.rounds).await,
            _ => unreachable!(),
        }
    })
}

async fn start<A: Actor>(sys: &ActorSystem, a: A) -> LocalActorRef<A> {
    sys.new_anon_actor(a).await.expect("spawn")
}

struct Node {
    next: Option<LocalActorRef<Node>>,
    done: Done,
}
impl Actor for Node {}
struct Link(LocalActorRef<Node>);
impl Message for Link {
    type Result = ();
}
#[async_trait]
impl Handler<Link> for Node {
    async fn handle(&mut self, m: Link, _: &mut ActorContext) {
        self.next = Some(m.0);
    }
}
struct Token(u64);
impl Message for Token {
    type Result = ();
}
#[async_trait]
impl Handler<Token> for Node {
    async fn handle(&mut self, m: Token, _: &mut ActorContext) {
        if m.0 == 0 {
            let _ = self.done.send(0);
        } else if let Some(next) = &self.next {
            let _ = next.notify(Token(m.0 - 1));
        }
    }
}

async fn ring(n: usize, hops: u64) -> f64 {
    let (tx, rx) = done();
    let sys = ActorSystem::new();
    let mut nodes = Vec::new();
    for _ in 0..n {
        nodes.push(
            start(
                &sys,
                Node {
                    next: None,
                    done: tx.clone(),
                },
            )
            .await,
        );
    }
    for i in 0..n {
        nodes[i]
            .send(Link(nodes[(i + 1) % n].clone()))
            .await
            .expect("link");
    }
    let clock = Clock::start();
    nodes[0].notify(Token(hops - 1)).expect("token");
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

async fn cross(hops: u64) -> f64 {
    let (tx, rx) = done();
    let other = OtherThread::start();
    let a = start(
        &ActorSystem::new(),
        Node {
            next: None,
            done: tx.clone(),
        },
    )
    .await;
    let b = other
        .run(async move {
            start(
                &ActorSystem::new(),
                Node {
                    next: None,
                    done: tx,
                },
            )
            .await
        })
        .await;
    a.send(Link(b.clone())).await.expect("link");
    b.send(Link(a.clone())).await.expect("link");
    let clock = Clock::start();
    a.notify(Token(hops - 1)).expect("token");
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

struct Sink(Tally);
impl Actor for Sink {}
struct Item(u64);
impl Message for Item {
    type Result = ();
}
#[async_trait]
impl Handler<Item> for Sink {
    async fn handle(&mut self, m: Item, _: &mut ActorContext) {
        self.0.item(m.0);
    }
}

async fn stream(producers: u64, total: u64) -> f64 {
    let (tx, rx) = done();
    let sink = start(&ActorSystem::new(), Sink(Tally::new(total, tx))).await;
    let p = Producers::new(producers, total, || {
        let sink = sink.clone();
        move |v| sink.notify(Item(v)).expect("open")
    });
    let clock = p.go();
    let sum = rx.recv_async().await.expect("sum");
    let v = clock.per(total);
    assert_eq!(sum, sum_to(total));
    p.join();
    v
}

struct Echo;
impl Actor for Echo {}
struct Ask(u64);
impl Message for Ask {
    type Result = u64;
}
#[async_trait]
impl Handler<Ask> for Echo {
    async fn handle(&mut self, m: Ask, _: &mut ActorContext) -> u64 {
        m.0
    }
}

async fn ask(echo: LocalActorRef<Echo>, n: u64) -> f64 {
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
impl Actor for Idle {}

async fn spawn_stop(n: usize) -> f64 {
    let live = Live::default();
    let sys = ActorSystem::new();
    let clock = Clock::start();
    let mut all = Vec::with_capacity(n);
    for _ in 0..n {
        all.push(
            start(
                &sys,
                Idle {
                    _token: live.token(),
                },
            )
            .await,
        );
    }
    for a in &all {
        a.notify_stop().expect("stop");
    }
    while live.count() > 0 {
        tokio::task::yield_now().await;
    }
    clock.per(n as u64)
}

async fn idle_bytes(n: usize) -> f64 {
    let live = Live::default();
    let sys = ActorSystem::new();
    let before = rss();
    let mut all = Vec::new();
    for _ in 0..n {
        all.push(
            start(
                &sys,
                Idle {
                    _token: live.token(),
                },
            )
            .await,
        );
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let v = (rss() - before) as f64 / n as f64;
    assert_eq!(live.count(), n as u64);
    drop(all);
    v
}

struct Hub {
    subs: Vec<LocalActorRef<Sub>>,
}
impl Actor for Hub {}
struct Tick;
impl Message for Tick {
    type Result = ();
}
#[async_trait]
impl Handler<Tick> for Hub {
    async fn handle(&mut self, _: Tick, _: &mut ActorContext) {
        for sub in &self.subs {
            let _ = sub.notify(Item(1));
        }
    }
}
struct Subscribe(LocalActorRef<Sub>);
impl Message for Subscribe {
    type Result = ();
}
#[async_trait]
impl Handler<Subscribe> for Hub {
    async fn handle(&mut self, m: Subscribe, _: &mut ActorContext) {
        self.subs.push(m.0);
    }
}
struct Sub {
    seen: u64,
    rounds: u64,
    total: FanTotal,
    hub: Option<LocalActorRef<Hub>>,
}
impl Actor for Sub {}
#[async_trait]
impl Handler<Item> for Sub {
    async fn handle(&mut self, m: Item, _: &mut ActorContext) {
        self.seen += m.0;
        if self.seen == self.rounds {
            self.total.add(self.seen);
        } else if let Some(hub) = &self.hub {
            let _ = hub.notify(Tick);
        }
    }
}

async fn fan_out(n: usize, rounds: u64) -> f64 {
    let (tx, rx) = done();
    let sys = ActorSystem::new();
    let total = FanTotal::new(n as u64 * rounds, tx);
    let hub = start(&sys, Hub { subs: Vec::new() }).await;
    for i in 0..n {
        let back = (i == n - 1).then(|| hub.clone());
        let sub = start(
            &sys,
            Sub {
                seen: 0,
                rounds,
                total: total.clone(),
                hub: back,
            },
        )
        .await;
        hub.send(Subscribe(sub)).await.expect("subscribe");
    }
    let clock = Clock::start();
    hub.notify(Tick).expect("tick");
    rx.recv_async().await.expect("every delivery");
    clock.per(n as u64 * rounds)
}
