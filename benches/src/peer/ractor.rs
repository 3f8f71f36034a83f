//! ractor: an actor is a tokio task; `cast` is unbounded. Built without span propagation.

use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, ActorRuntime, RpcReplyPort, SupervisionEvent};

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "ractor",
    version: "0.16.5",
    has: &[
        (W::PingPong, "tokio current_thread, cast"),
        (W::CrossPing, "two tokio current_thread runtimes"),
        (W::CrossPingPool, "tokio multi_thread, 2 workers"),
        (W::Throughput1, "thread -> tokio current_thread, cast"),
        (W::Throughput4, "threads -> tokio current_thread, cast"),
        (W::Ask, "tokio current_thread, call"),
        (W::CrossAsk, "two tokio current_thread runtimes, call"),
        (W::Ring, "tokio current_thread, cast"),
        (W::SpawnStop, "tokio current_thread, spawn().await + stop"),
        (W::IdleBytes, "tokio current_thread"),
        (W::Skynet, "tokio current_thread, spawn_instant"),
        (W::FanOut, "tokio current_thread, cast"),
        (W::PanicRestart, "handle_supervisor_evt + spawn_linked"),
        (W::FailRestart, "handle_supervisor_evt + spawn_linked"),
        (W::TimerFire, "send_after (a task per timer)"),
        (W::TimerCancel, "send_after + abort"),
    ],
    run,
};

type Res<T = ()> = Result<T, ActorProcessingErr>;

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
            W::Ask => ask(spawn(Echo, ()).await, z.asks).await,
            W::CrossAsk => {
                let other = OtherThread::start();
                let echo = other.run(spawn(Echo, ())).await;
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

async fn spawn<A: Actor>(a: A, args: A::Arguments) -> ActorRef<A::Msg> {
    A::spawn(None, a, args).await.expect("spawn").0
}

/// An actor whose argument is its first state.
macro_rules! plain_start {
    ($state:ty) => {
        type State = $state;
        type Arguments = $state;
        async fn pre_start(&self, _: ActorRef<Self::Msg>, st: $state) -> Res<$state> {
            Ok(st)
        }
    };
}

struct Node;
struct NodeState {
    next: Option<ActorRef<NodeMsg>>,
    done: Done,
}
enum NodeMsg {
    Link(ActorRef<NodeMsg>),
    Token(u64),
}
impl Actor for Node {
    type Msg = NodeMsg;
    plain_start!(NodeState);
    async fn handle(&self, _: ActorRef<NodeMsg>, m: NodeMsg, st: &mut NodeState) -> Res {
        match m {
            NodeMsg::Link(next) => st.next = Some(next),
            NodeMsg::Token(0) => drop(st.done.send(0)),
            NodeMsg::Token(left) => {
                if let Some(next) = &st.next {
                    let _ = next.cast(NodeMsg::Token(left - 1));
                }
            }
        }
        Ok(())
    }
}

async fn ring(n: usize, hops: u64) -> f64 {
    let (tx, rx) = done();
    let mut nodes = Vec::new();
    for _ in 0..n {
        nodes.push(
            spawn(
                Node,
                NodeState {
                    next: None,
                    done: tx.clone(),
                },
            )
            .await,
        );
    }
    for i in 0..n {
        nodes[i]
            .cast(NodeMsg::Link(nodes[(i + 1) % n].clone()))
            .expect("link");
    }
    tokio::task::yield_now().await;
    let clock = Clock::start();
    nodes[0].cast(NodeMsg::Token(hops - 1)).expect("token");
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

async fn cross(hops: u64) -> f64 {
    let (tx, rx) = done();
    let other = OtherThread::start();
    let a = spawn(
        Node,
        NodeState {
            next: None,
            done: tx.clone(),
        },
    )
    .await;
    let b = other
        .run(spawn(
            Node,
            NodeState {
                next: None,
                done: tx,
            },
        ))
        .await;
    a.cast(NodeMsg::Link(b.clone())).expect("link");
    b.cast(NodeMsg::Link(a.clone())).expect("link");
    tokio::task::yield_now().await;
    let clock = Clock::start();
    a.cast(NodeMsg::Token(hops - 1)).expect("token");
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

struct Sink;
impl Actor for Sink {
    type Msg = u64;
    plain_start!(Tally);
    async fn handle(&self, _: ActorRef<u64>, m: u64, st: &mut Tally) -> Res {
        st.item(m);
        Ok(())
    }
}

async fn stream(producers: u64, total: u64) -> f64 {
    let (tx, rx) = done();
    let sink = spawn(Sink, Tally::new(total, tx)).await;
    let p = Producers::new(producers, total, || {
        let sink = sink.clone();
        move |v| sink.cast(v).expect("open")
    });
    let clock = p.go();
    let sum = rx.recv_async().await.expect("sum");
    let v = clock.per(total);
    assert_eq!(sum, sum_to(total));
    p.join();
    v
}

struct Echo;
struct Ask(u64, RpcReplyPort<u64>);
impl Actor for Echo {
    type Msg = Ask;
    plain_start!(());
    async fn handle(&self, _: ActorRef<Ask>, m: Ask, _: &mut ()) -> Res {
        let _ = m.1.send(m.0);
        Ok(())
    }
}

async fn ask(echo: ActorRef<Ask>, n: u64) -> f64 {
    let clock = Clock::start();
    let asker = tokio::spawn(async move {
        let mut sum = 0;
        for v in 0..n {
            sum += echo
                .call(|port| Ask(v, port), None)
                .await
                .expect("sent")
                .expect("reply");
        }
        sum
    });
    assert_eq!(asker.await.expect("asker"), sum_to(n));
    clock.per(n)
}

struct Idle;
impl Actor for Idle {
    type Msg = ();
    plain_start!(LiveToken);
}

async fn spawn_stop(n: usize) -> f64 {
    let live = Live::default();
    let clock = Clock::start();
    let mut all = Vec::with_capacity(n);
    for _ in 0..n {
        all.push(spawn(Idle, live.token()).await);
    }
    for a in &all {
        a.stop(None);
    }
    while live.count() > 0 {
        tokio::task::yield_now().await;
    }
    clock.per(n as u64)
}

async fn idle_bytes(n: usize) -> f64 {
    let live = Live::default();
    let before = rss();
    let mut all = Vec::new();
    for _ in 0..n {
        all.push(spawn(Idle, live.token()).await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let v = (rss() - before) as f64 / n as f64;
    assert_eq!(live.count(), n as u64);
    drop(all);
    v
}

struct Sky;
struct SkyArgs {
    parent: Option<ActorRef<u64>>,
    first: u64,
    size: u64,
    done: Option<Done>,
}
struct SkyState {
    args: SkyArgs,
    left: u32,
    sum: u64,
}
impl SkyState {
    fn report(&self, sum: u64) {
        match &self.args.parent {
            Some(p) => drop(p.cast(sum)),
            None => drop(self.args.done.as_ref().map(|d| d.send(sum))),
        }
    }
}
impl Actor for Sky {
    type Msg = u64;
    type State = SkyState;
    type Arguments = SkyArgs;
    async fn pre_start(&self, me: ActorRef<u64>, args: SkyArgs) -> Res<SkyState> {
        let st = SkyState {
            args,
            left: 10,
            sum: 0,
        };
        if st.args.size == 1 {
            st.report(st.args.first);
            me.stop(None);
            return Ok(st);
        }
        let part = st.args.size / 10;
        for i in 0..10 {
            let first = st.args.first + i * part;
            let args = SkyArgs {
                parent: Some(me.clone()),
                first,
                size: part,
                done: None,
            };
            drop(ActorRuntime::<Sky>::spawn_instant(None, Sky, args).expect("spawn"));
        }
        Ok(st)
    }
    async fn handle(&self, me: ActorRef<u64>, m: u64, st: &mut SkyState) -> Res {
        st.sum += m;
        st.left -= 1;
        if st.left == 0 {
            st.report(st.sum);
            me.stop(None);
        }
        Ok(())
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
    let root = ActorRuntime::<Sky>::spawn_instant(None, Sky, args).expect("spawn");
    assert_eq!(rx.recv_async().await, Ok(tree_sum(leaves)));
    let v = clock.per(tree_nodes(leaves));
    drop(root);
    v
}

struct Hub;
enum HubMsg {
    Subscribe(ActorRef<u64>),
    Tick,
}
impl Actor for Hub {
    type Msg = HubMsg;
    plain_start!(Vec<ActorRef<u64>>);
    async fn handle(&self, _: ActorRef<HubMsg>, m: HubMsg, st: &mut Vec<ActorRef<u64>>) -> Res {
        match m {
            HubMsg::Subscribe(s) => st.push(s),
            HubMsg::Tick => st.iter().for_each(|s| drop(s.cast(1))),
        }
        Ok(())
    }
}

struct Sub;
struct SubState {
    seen: u64,
    rounds: u64,
    total: FanTotal,
    hub: Option<ActorRef<HubMsg>>,
}
impl Actor for Sub {
    type Msg = u64;
    plain_start!(SubState);
    async fn handle(&self, _: ActorRef<u64>, m: u64, st: &mut SubState) -> Res {
        st.seen += m;
        if st.seen == st.rounds {
            st.total.add(st.seen);
        } else if let Some(hub) = &st.hub {
            let _ = hub.cast(HubMsg::Tick);
        }
        Ok(())
    }
}

async fn fan_out(n: usize, rounds: u64) -> f64 {
    let (tx, rx) = done();
    let total = FanTotal::new(n as u64 * rounds, tx);
    let hub = spawn(Hub, Vec::new()).await;
    for i in 0..n {
        let back = (i == n - 1).then(|| hub.clone());
        let sub = spawn(
            Sub,
            SubState {
                seen: 0,
                rounds,
                total: total.clone(),
                hub: back,
            },
        )
        .await;
        hub.cast(HubMsg::Subscribe(sub)).expect("subscribe");
    }
    tokio::task::yield_now().await;
    let clock = Clock::start();
    hub.cast(HubMsg::Tick).expect("tick");
    rx.recv_async().await.expect("every delivery");
    clock.per(n as u64 * rounds)
}

struct Kid;
impl Actor for Kid {
    type Msg = bool;
    plain_start!(());
    async fn handle(&self, _: ActorRef<bool>, panic: bool, _: &mut ()) -> Res {
        if panic {
            panic!("expected");
        }
        Err("expected".into())
    }
}

struct Boss;
struct BossState {
    left: u64,
    panic: bool,
    done: Done,
}
async fn kid(boss: &ActorRef<()>, panic: bool) {
    let cell = boss.get_cell();
    let kid = Kid::spawn_linked(None, Kid, (), cell)
        .await
        .expect("spawn")
        .0;
    kid.cast(panic).expect("cast");
}
impl Actor for Boss {
    type Msg = ();
    plain_start!(BossState);
    async fn handle(&self, me: ActorRef<()>, _: (), st: &mut BossState) -> Res {
        kid(&me, st.panic).await;
        Ok(())
    }
    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<()>,
        event: SupervisionEvent,
        st: &mut BossState,
    ) -> Res {
        if let SupervisionEvent::ActorFailed(..) = event {
            st.left -= 1;
            if st.left == 0 {
                let _ = st.done.send(0);
            } else {
                kid(&me, st.panic).await;
            }
        }
        Ok(())
    }
}

async fn restart(n: u64, panic: bool) -> f64 {
    let (tx, rx) = done();
    let boss = spawn(
        Boss,
        BossState {
            left: n,
            panic,
            done: tx,
        },
    )
    .await;
    let clock = Clock::start();
    boss.cast(()).expect("start");
    rx.recv_async().await.expect("every restart");
    clock.per(n)
}

struct Timed;
enum TimedMsg {
    Arm(u64),
    Fired(u64),
}
impl Actor for Timed {
    type Msg = TimedMsg;
    plain_start!(Tally);
    async fn handle(&self, me: ActorRef<TimedMsg>, m: TimedMsg, st: &mut Tally) -> Res {
        match m {
            TimedMsg::Fired(i) => st.item(i),
            TimedMsg::Arm(n) => {
                for i in 0..n {
                    let delay = Duration::from_micros(i * 1000 * FIRE_SPREAD_MS / n);
                    me.send_after(delay, move || TimedMsg::Fired(i));
                }
            }
        }
        Ok(())
    }
}

async fn timer_fire(n: u64) -> f64 {
    let (tx, rx) = done();
    let timed = spawn(Timed, Tally::new(n, tx)).await;
    let clock = CpuClock::start();
    timed.cast(TimedMsg::Arm(n)).expect("arm");
    assert_eq!(rx.recv_async().await, Ok(sum_to(n)));
    clock.per(n)
}

async fn timer_cancel(n: u64) -> f64 {
    let (tx, _rx) = done();
    let timed = spawn(Timed, Tally::new(n, tx)).await;
    let clock = Clock::start();
    let task = tokio::spawn(async move {
        let mut keys = Vec::with_capacity(CANCEL_BATCH as usize);
        for i in 0..n {
            keys.push(timed.send_after(Duration::from_secs(60), move || TimedMsg::Fired(i)));
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
