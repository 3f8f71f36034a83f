//! actix: actors are tasks of a tokio LocalSet (one System thread; Arbiters for more threads).
//! One-way messages use `do_send` (no mailbox limit, no allocation of a waiter).

use std::time::Duration;

use actix::prelude::*;

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "actix",
    version: "0.13.5",
    has: &[
        (W::PingPong, "System thread (tokio LocalSet), do_send"),
        (W::CrossPing, "System + Arbiter (2 LocalSets), do_send"),
        (W::Throughput1, "thread -> System actor, do_send"),
        (W::Throughput4, "threads -> System actor, do_send"),
        (W::Ask, "System thread, addr.send().await"),
        (W::CrossAsk, "System -> Arbiter, addr.send().await"),
        (W::Ring, "System thread, do_send"),
        (W::SpawnStop, "System thread, start + ctx.stop"),
        (W::IdleBytes, "System thread"),
        (W::Skynet, "System thread, do_send"),
        (W::FanOut, "System thread, do_send"),
        (W::FailRestart, "Supervisor, ctx.stop (same instance)"),
        (W::TimerFire, "System thread, ctx.run_later"),
        (W::TimerCancel, "ctx.run_later + cancel_future"),
    ],
    run,
};

fn run(w: W, z: &Sizes) -> f64 {
    let z = *z;
    System::new().block_on(async move {
        match w {
            W::PingPong => ring(2, z.hops).await,
            W::Ring => ring(z.ring_actors, z.hops).await,
            W::CrossPing => cross(z.cross_hops).await,
            W::Throughput1 => stream(1, z.stream_for(1)).await,
            W::Throughput4 => stream(4, z.stream_for(4)).await,
            W::Ask => ask(Echo.start(), z.asks).await,
            W::CrossAsk => {
                let arbiter = Arbiter::new();
                let v = ask(
                    Echo::start_in_arbiter(&arbiter.handle(), |_| Echo),
                    z.cross_asks,
                )
                .await;
                arbiter.stop();
                let _ = arbiter.join();
                v
            }
            W::SpawnStop => spawn_stop(z.spawns).await,
            W::IdleBytes => idle_bytes(z.idle).await,
            W::Skynet => skynet(z.leaves).await,
            W::FanOut => fan_out(z.subscribers, z.rounds).await,
            W::FailRestart => fail_restart(z.crashes).await,
            W::TimerFire => timer_fire(z.timers_fire).await,
            W::TimerCancel => timer_cancel(z.timers_cancel).await,
            _ => unreachable!(),
        }
    })
}

struct Node {
    next: Option<Addr<Node>>,
    done: Done,
}

impl Actor for Node {
    type Context = Context<Self>;
}

struct Link(Addr<Node>);
impl Message for Link {
    type Result = ();
}
impl Handler<Link> for Node {
    type Result = ();
    fn handle(&mut self, m: Link, _: &mut Context<Self>) {
        self.next = Some(m.0);
    }
}

struct Token(u64);
impl Message for Token {
    type Result = ();
}
impl Handler<Token> for Node {
    type Result = ();
    fn handle(&mut self, m: Token, _: &mut Context<Self>) {
        if m.0 == 0 {
            let _ = self.done.send(0);
        } else if let Some(next) = &self.next {
            next.do_send(Token(m.0 - 1));
        }
    }
}

async fn ring(n: usize, hops: u64) -> f64 {
    let (tx, rx) = done();
    let nodes: Vec<_> = (0..n)
        .map(|_| {
            Node {
                next: None,
                done: tx.clone(),
            }
            .start()
        })
        .collect();
    for i in 0..n {
        nodes[i]
            .send(Link(nodes[(i + 1) % n].clone()))
            .await
            .expect("link");
    }
    let clock = Clock::start();
    nodes[0].do_send(Token(hops - 1));
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

async fn cross(hops: u64) -> f64 {
    let (tx, rx) = done();
    let arbiter = Arbiter::new();
    let a = Node {
        next: None,
        done: tx.clone(),
    }
    .start();
    let b = Node::start_in_arbiter(&arbiter.handle(), move |_| Node {
        next: None,
        done: tx,
    });
    a.send(Link(b.clone())).await.expect("link");
    b.send(Link(a.clone())).await.expect("link");
    let clock = Clock::start();
    a.do_send(Token(hops - 1));
    rx.recv_async().await.expect("all hops");
    let v = clock.per(hops);
    arbiter.stop();
    let _ = arbiter.join();
    v
}

struct Sink(Tally);
impl Actor for Sink {
    type Context = Context<Self>;
}
struct Item(u64);
impl Message for Item {
    type Result = ();
}
impl Handler<Item> for Sink {
    type Result = ();
    fn handle(&mut self, m: Item, _: &mut Context<Self>) {
        self.0.item(m.0);
    }
}

async fn stream(producers: u64, total: u64) -> f64 {
    let (tx, rx) = done();
    let sink = Sink(Tally::new(total, tx)).start();
    let p = Producers::new(producers, total, || {
        let sink = sink.clone();
        move |v| sink.do_send(Item(v))
    });
    let clock = p.go();
    let sum = rx.recv_async().await.expect("sum");
    let v = clock.per(total);
    assert_eq!(sum, sum_to(total));
    p.join();
    v
}

struct Echo;
impl Actor for Echo {
    type Context = Context<Self>;
}
struct Ask(u64);
impl Message for Ask {
    type Result = u64;
}
impl Handler<Ask> for Echo {
    type Result = u64;
    fn handle(&mut self, m: Ask, _: &mut Context<Self>) -> u64 {
        m.0
    }
}

async fn ask(echo: Addr<Echo>, n: u64) -> f64 {
    let clock = Clock::start();
    let asker = actix::spawn(async move {
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
impl Actor for Idle {
    type Context = Context<Self>;
}
struct Stop;
impl Message for Stop {
    type Result = ();
}
impl Handler<Stop> for Idle {
    type Result = ();
    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

async fn spawn_stop(n: usize) -> f64 {
    let live = Live::default();
    let clock = Clock::start();
    let all: Vec<_> = (0..n)
        .map(|_| {
            Idle {
                _token: live.token(),
            }
            .start()
        })
        .collect();
    for a in &all {
        a.do_send(Stop);
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
            Idle {
                _token: live.token(),
            }
            .start()
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let v = (rss() - before) as f64 / n as f64;
    assert_eq!(live.count(), n as u64);
    drop(all);
    v
}

struct Sky {
    parent: Option<Addr<Sky>>,
    first: u64,
    size: u64,
    left: u32,
    sum: u64,
    done: Option<Done>,
}

impl Sky {
    fn report(&mut self, sum: u64, ctx: &mut Context<Self>) {
        match &self.parent {
            Some(p) => p.do_send(Sum(sum)),
            None => drop(self.done.as_ref().map(|d| d.send(sum))),
        }
        ctx.stop();
    }
}

impl Actor for Sky {
    type Context = Context<Self>;
    fn started(&mut self, ctx: &mut Context<Self>) {
        if self.size == 1 {
            return self.report(self.first, ctx);
        }
        let part = self.size / 10;
        for i in 0..10 {
            Sky {
                parent: Some(ctx.address()),
                first: self.first + i * part,
                size: part,
                left: 10,
                sum: 0,
                done: None,
            }
            .start();
        }
    }
}

struct Sum(u64);
impl Message for Sum {
    type Result = ();
}
impl Handler<Sum> for Sky {
    type Result = ();
    fn handle(&mut self, m: Sum, ctx: &mut Context<Self>) {
        self.sum += m.0;
        self.left -= 1;
        if self.left == 0 {
            self.report(self.sum, ctx);
        }
    }
}

async fn skynet(leaves: u64) -> f64 {
    let (tx, rx) = done();
    let clock = Clock::start();
    Sky {
        parent: None,
        first: 0,
        size: leaves,
        left: 10,
        sum: 0,
        done: Some(tx),
    }
    .start();
    assert_eq!(rx.recv_async().await, Ok(tree_sum(leaves)));
    clock.per(tree_nodes(leaves))
}

struct Hub {
    subs: Vec<Addr<Sub>>,
}
impl Actor for Hub {
    type Context = Context<Self>;
}
struct Subscribe(Addr<Sub>);
impl Message for Subscribe {
    type Result = ();
}
impl Handler<Subscribe> for Hub {
    type Result = ();
    fn handle(&mut self, m: Subscribe, _: &mut Context<Self>) {
        self.subs.push(m.0);
    }
}
struct Tick;
impl Message for Tick {
    type Result = ();
}
impl Handler<Tick> for Hub {
    type Result = ();
    fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        for sub in &self.subs {
            sub.do_send(Item(1));
        }
    }
}

struct Sub {
    seen: u64,
    rounds: u64,
    total: FanTotal,
    hub: Option<Addr<Hub>>,
}
impl Actor for Sub {
    type Context = Context<Self>;
}
impl Handler<Item> for Sub {
    type Result = ();
    fn handle(&mut self, m: Item, _: &mut Context<Self>) {
        self.seen += m.0;
        if self.seen == self.rounds {
            self.total.add(self.seen);
        } else if let Some(hub) = &self.hub {
            hub.do_send(Tick);
        }
    }
}

async fn fan_out(n: usize, rounds: u64) -> f64 {
    let (tx, rx) = done();
    let total = FanTotal::new(n as u64 * rounds, tx);
    let hub = Hub { subs: Vec::new() }.start();
    for i in 0..n {
        let back = (i == n - 1).then(|| hub.clone());
        let sub = Sub {
            seen: 0,
            rounds,
            total: total.clone(),
            hub: back,
        }
        .start();
        hub.send(Subscribe(sub)).await.expect("subscribe");
    }
    let clock = Clock::start();
    hub.do_send(Tick);
    rx.recv_async().await.expect("every delivery");
    clock.per(n as u64 * rounds)
}

struct Kid {
    left: u64,
    done: Done,
}
impl Actor for Kid {
    type Context = Context<Self>;
}
impl Supervised for Kid {
    fn restarting(&mut self, ctx: &mut Context<Self>) {
        self.left -= 1;
        if self.left == 0 {
            let _ = self.done.send(0);
        } else {
            ctx.address().do_send(Stop);
        }
    }
}
impl Handler<Stop> for Kid {
    type Result = ();
    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

async fn fail_restart(n: u64) -> f64 {
    let (tx, rx) = done();
    let kid = Supervisor::start(move |_| Kid { left: n, done: tx });
    let clock = Clock::start();
    kid.do_send(Stop);
    rx.recv_async().await.expect("every restart");
    clock.per(n)
}

struct Timed {
    tally: Tally,
}
impl Actor for Timed {
    type Context = Context<Self>;
}
struct Arm(u64);
impl Message for Arm {
    type Result = ();
}
impl Handler<Arm> for Timed {
    type Result = ();
    fn handle(&mut self, m: Arm, ctx: &mut Context<Self>) {
        for i in 0..m.0 {
            let delay = Duration::from_micros(i * 1000 * FIRE_SPREAD_MS / m.0);
            ctx.run_later(delay, move |me, _| me.tally.item(i));
        }
    }
}
struct Cancel;
impl Message for Cancel {
    type Result = ();
}
impl Handler<Cancel> for Timed {
    type Result = ();
    fn handle(&mut self, _: Cancel, ctx: &mut Context<Self>) {
        let keys: Vec<_> = (0..CANCEL_BATCH)
            .map(|i| ctx.run_later(Duration::from_secs(60), move |me, _| me.tally.item(i)))
            .collect();
        for key in keys {
            ctx.cancel_future(key);
        }
    }
}

async fn timer_fire(n: u64) -> f64 {
    let (tx, rx) = done();
    let timed = Timed {
        tally: Tally::new(n, tx),
    }
    .start();
    let clock = CpuClock::start();
    timed.do_send(Arm(n));
    assert_eq!(rx.recv_async().await, Ok(sum_to(n)));
    clock.per(n)
}

async fn timer_cancel(n: u64) -> f64 {
    let (tx, _rx) = done();
    let timed = Timed {
        tally: Tally::new(n, tx),
    }
    .start();
    let clock = Clock::start();
    for _ in 0..n / CANCEL_BATCH {
        timed.send(Cancel).await.expect("batch");
        // The context drops what was cancelled only once its mailbox is empty.
        tokio::task::yield_now().await;
    }
    clock.per(n / CANCEL_BATCH * CANCEL_BATCH)
}
