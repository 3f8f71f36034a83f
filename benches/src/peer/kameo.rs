//! kameo: an actor is a tokio task. Unbounded mailboxes and `tell().try_send()` (no await, no
//! back-pressure): its cheapest path. Built without its `tracing` feature.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kameo::actor::{Actor, ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::message::{Context, Message};
use kameo::supervision::RestartPolicy;

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "kameo",
    version: "0.22.2",
    has: &[
        (W::PingPong, "tokio current_thread, unbounded"),
        (W::CrossPing, "two tokio current_thread runtimes"),
        (W::CrossPingPool, "tokio multi_thread, 2 workers"),
        (W::Throughput1, "thread -> tokio current_thread, unbounded"),
        (W::Throughput4, "threads -> tokio current_thread, unbounded"),
        (W::Ask, "tokio current_thread, ask().send()"),
        (W::CrossAsk, "two tokio current_thread runtimes"),
        (W::Ring, "tokio current_thread, unbounded"),
        (W::SpawnStop, "tokio current_thread, ctx.stop"),
        (W::IdleBytes, "tokio current_thread, unbounded"),
        (W::Skynet, "tokio current_thread, unbounded"),
        (W::FanOut, "tokio current_thread, unbounded"),
        (W::PanicRestart, "supervise(), Permanent"),
        (W::FailRestart, "supervise(), handler returns Err"),
        (W::TimerFire, "tell().send_after (a task per timer)"),
        (W::TimerCancel, "tell().send_after + abort"),
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
            W::Ask => ask(Echo::spawn_with_mailbox(Echo, mailbox::unbounded()), z.asks).await,
            W::CrossAsk => {
                let other = OtherThread::start();
                let echo = other
                    .run(async { Echo::spawn_with_mailbox(Echo, mailbox::unbounded()) })
                    .await;
                ask(echo, z.cross_asks).await
            }
            W::SpawnStop => spawn_stop(z.spawns).await,
            W::IdleBytes => idle_bytes(z.idle).await,
            W::Skynet => skynet(z.leaves).await,
            W::FanOut => fan_out(z.subscribers, z.rounds).await,
            W::PanicRestart => restart(z.crashes, true).await,
            W::FailRestart => restart(z.crashes, false).await,
            W::TimerFire => timer_fire(z.timers_fire).await,
            W::TimerCancel => timer_cancel(z.timers_cancel).await,
            _ => unreachable!(),
        }
    })
}

/// An actor whose argument is its first state.
macro_rules! plain {
    ($($t:ty),*) => {$(
        impl Actor for $t {
            type Args = Self;
            type Error = Infallible;
            async fn on_start(me: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
                Ok(me)
            }
        }
    )*};
}

plain!(Node, Sink, Echo, Idle, Hub, Sub, Boss, Timed);

fn start<A: Actor<Args = A>>(a: A) -> ActorRef<A> {
    A::spawn_with_mailbox(a, mailbox::unbounded())
}

fn tell<A, M>(to: &ActorRef<A>, m: M)
where
    A: Actor + Message<M>,
    M: Send + 'static,
{
    let _ = to.tell(m).try_send();
}

struct Node {
    next: Option<ActorRef<Node>>,
    done: Done,
}

struct Link(ActorRef<Node>);
impl Message<Link> for Node {
    type Reply = ();
    async fn handle(&mut self, m: Link, _: &mut Context<Self, ()>) {
        self.next = Some(m.0);
    }
}

struct Token(u64);
impl Message<Token> for Node {
    type Reply = ();
    async fn handle(&mut self, m: Token, _: &mut Context<Self, ()>) {
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
            .ask(Link(nodes[(i + 1) % n].clone()))
            .send()
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
    a.ask(Link(b.clone())).send().await.expect("link");
    b.ask(Link(a.clone())).send().await.expect("link");
    let clock = Clock::start();
    tell(&a, Token(hops - 1));
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

struct Sink(Tally);
struct Item(u64);
impl Message<Item> for Sink {
    type Reply = ();
    async fn handle(&mut self, m: Item, _: &mut Context<Self, ()>) {
        self.0.item(m.0);
    }
}

async fn stream(producers: u64, total: u64) -> f64 {
    let (tx, rx) = done();
    let sink = start(Sink(Tally::new(total, tx)));
    let p = Producers::new(producers, total, || {
        let sink = sink.clone();
        move |v| sink.tell(Item(v)).try_send().expect("open")
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
impl Message<Ask> for Echo {
    type Reply = u64;
    async fn handle(&mut self, m: Ask, _: &mut Context<Self, u64>) -> u64 {
        m.0
    }
}

async fn ask(echo: ActorRef<Echo>, n: u64) -> f64 {
    let clock = Clock::start();
    let asker = tokio::spawn(async move {
        let mut sum = 0;
        for v in 0..n {
            sum += echo.ask(Ask(v)).send().await.expect("reply");
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
impl Message<Stop> for Idle {
    type Reply = ();
    async fn handle(&mut self, _: Stop, ctx: &mut Context<Self, ()>) {
        ctx.stop();
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

struct SkyArgs {
    parent: Option<ActorRef<Sky>>,
    first: u64,
    size: u64,
    done: Option<Done>,
}

struct Sky {
    args: SkyArgs,
    left: u32,
    sum: u64,
}

impl Sky {
    fn report(&self, sum: u64) {
        match &self.args.parent {
            Some(p) => tell(p, Sum(sum)),
            None => drop(self.args.done.as_ref().map(|d| d.send(sum))),
        }
    }
}

impl Actor for Sky {
    type Args = SkyArgs;
    type Error = Infallible;
    async fn on_start(args: SkyArgs, me: ActorRef<Self>) -> Result<Self, Infallible> {
        let sky = Sky {
            args,
            left: 10,
            sum: 0,
        };
        if sky.args.size == 1 {
            sky.report(sky.args.first);
            me.kill();
            return Ok(sky);
        }
        let part = sky.args.size / 10;
        for i in 0..10 {
            let first = sky.args.first + i * part;
            let args = SkyArgs {
                parent: Some(me.clone()),
                first,
                size: part,
                done: None,
            };
            Sky::spawn_with_mailbox(args, mailbox::unbounded());
        }
        Ok(sky)
    }
}

struct Sum(u64);
impl Message<Sum> for Sky {
    type Reply = ();
    async fn handle(&mut self, m: Sum, ctx: &mut Context<Self, ()>) {
        self.sum += m.0;
        self.left -= 1;
        if self.left == 0 {
            self.report(self.sum);
            ctx.stop();
        }
    }
}

async fn skynet(leaves: u64) -> f64 {
    let (tx, rx) = done();
    let clock = Clock::start();
    let args = SkyArgs {
        parent: None,
        first: 0,
        size: leaves,
        done: Some(tx),
    };
    let root = Sky::spawn_with_mailbox(args, mailbox::unbounded());
    assert_eq!(rx.recv_async().await, Ok(tree_sum(leaves)));
    let v = clock.per(tree_nodes(leaves));
    drop(root);
    v
}

struct Hub {
    subs: Vec<ActorRef<Sub>>,
}
struct Tick;
impl Message<Tick> for Hub {
    type Reply = ();
    async fn handle(&mut self, _: Tick, _: &mut Context<Self, ()>) {
        for sub in &self.subs {
            tell(sub, Item(1));
        }
    }
}
struct Subscribe(ActorRef<Sub>);
impl Message<Subscribe> for Hub {
    type Reply = ();
    async fn handle(&mut self, m: Subscribe, _: &mut Context<Self, ()>) {
        self.subs.push(m.0);
    }
}

struct Sub {
    seen: u64,
    rounds: u64,
    total: FanTotal,
    hub: Option<ActorRef<Hub>>,
}
impl Message<Item> for Sub {
    type Reply = ();
    async fn handle(&mut self, m: Item, _: &mut Context<Self, ()>) {
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
        hub.ask(Subscribe(sub)).send().await.expect("subscribe");
    }
    let clock = Clock::start();
    tell(&hub, Tick);
    rx.recv_async().await.expect("every delivery");
    clock.per(n as u64 * rounds)
}

struct Boss;

#[derive(Clone)]
struct KidArgs {
    left: Arc<AtomicU64>,
    done: Done,
    panic: bool,
}

struct Kid;

impl Actor for Kid {
    type Args = KidArgs;
    type Error = Infallible;
    async fn on_start(args: KidArgs, me: ActorRef<Self>) -> Result<Self, Infallible> {
        if args.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            let _ = args.done.send(0);
        } else if args.panic {
            tell(&me, Crash);
        } else {
            tell(&me, Fail);
        }
        Ok(Kid)
    }
}

struct Crash;
impl Message<Crash> for Kid {
    type Reply = ();
    async fn handle(&mut self, _: Crash, _: &mut Context<Self, ()>) {
        panic!("expected");
    }
}
struct Fail;
impl Message<Fail> for Kid {
    type Reply = Result<(), &'static str>;
    async fn handle(&mut self, _: Fail, _: &mut Context<Self, Self::Reply>) -> Self::Reply {
        Err("expected")
    }
}

async fn restart(n: u64, panic: bool) -> f64 {
    let (tx, rx) = done();
    let boss = start(Boss);
    let clock = Clock::start();
    let args = KidArgs {
        left: Arc::new(AtomicU64::new(n)),
        done: tx,
        panic,
    };
    let kid = Kid::supervise(&boss, args)
        .restart_policy(RestartPolicy::Permanent)
        .restart_limit(u32::MAX, Duration::from_secs(3600))
        .spawn_with_mailbox(mailbox::unbounded())
        .await;
    rx.recv_async().await.expect("every restart");
    let v = clock.per(n);
    drop(kid);
    v
}

struct Timed {
    tally: Tally,
}
impl Message<Item> for Timed {
    type Reply = ();
    async fn handle(&mut self, m: Item, _: &mut Context<Self, ()>) {
        self.tally.item(m.0);
    }
}
struct Arm(u64);
impl Message<Arm> for Timed {
    type Reply = ();
    async fn handle(&mut self, m: Arm, ctx: &mut Context<Self, ()>) {
        for i in 0..m.0 {
            let delay = Duration::from_micros(i * 1000 * FIRE_SPREAD_MS / m.0);
            ctx.actor_ref().tell(Item(i)).send_after(delay);
        }
    }
}

async fn timer_fire(n: u64) -> f64 {
    let (tx, rx) = done();
    let timed = start(Timed {
        tally: Tally::new(n, tx),
    });
    let clock = CpuClock::start();
    tell(&timed, Arm(n));
    assert_eq!(rx.recv_async().await, Ok(sum_to(n)));
    clock.per(n)
}

async fn timer_cancel(n: u64) -> f64 {
    let (tx, _rx) = done();
    let timed = start(Timed {
        tally: Tally::new(n, tx),
    });
    let clock = Clock::start();
    let task = tokio::spawn(async move {
        let mut keys = Vec::with_capacity(CANCEL_BATCH as usize);
        for i in 0..n {
            keys.push(timed.tell(Item(i)).send_after(Duration::from_secs(60)));
            if keys.len() as u64 == CANCEL_BATCH {
                // Let each task register its timer, then cancel.
                tokio::task::yield_now().await;
                keys.drain(..).for_each(|k| k.abort());
                tokio::task::yield_now().await;
            }
        }
    });
    task.await.expect("cancels");
    clock.per(n)
}
