//! stakker: one thread, one queue, methods called through boxed closures. Default features.
//! The loop below it is `thread::park`; its poll-waker is `unpark`.

use std::time::{Duration, Instant};

use stakker::sync::{Channel, ChannelGuard, PipedThread};
use stakker::*;

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "stakker",
    version: "0.2.16",
    has: &[
        (W::PingPong, "one Stakker"),
        (W::CrossPing, "actor <-> PipedThread, loop parks"),
        (W::Throughput1, "sync::Channel, loop parks"),
        (W::Throughput4, "sync::Channel, loop parks"),
        (W::Ask, "one Stakker, Ret"),
        (W::AskLimit, "one Stakker, Ret, after! + timer_del"),
        (W::Ring, "one Stakker"),
        (W::SpawnStop, "one Stakker"),
        (W::IdleBytes, "one Stakker"),
        (W::Children(3), "one Stakker, no supervisor"),
        (W::Children(4), "one Stakker, no supervisor"),
        (W::Children(5), "one Stakker, no supervisor"),
        (W::Children(6), "one Stakker, no supervisor"),
        (W::Skynet, "one Stakker, Ret"),
        (W::FanOut, "one Stakker, call! per subscriber"),
        (W::FailRestart, "fail! -> StopCause -> actor!"),
        (W::TimerFire, "after!, one Stakker"),
        (W::TimerCancel, "after! + timer_del"),
    ],
    run,
};

fn run(w: W, z: &Sizes) -> f64 {
    let mut stakker = Stakker::new(Instant::now());
    let s = &mut stakker;
    match w {
        W::PingPong => ring(s, 2, z.hops),
        W::Ring => ring(s, z.ring_actors, z.hops),
        W::CrossPing => cross(s, z.cross_hops),
        W::Throughput1 => stream(s, 1, z.stream_for(1)),
        W::Throughput4 => stream(s, 4, z.stream_for(4)),
        W::Ask => ask(s, z.asks, false),
        W::AskLimit => ask(s, z.asks, true),
        W::SpawnStop => spawn_stop(s, z.spawns),
        W::IdleBytes => idle_bytes(s, z.idle),
        W::Children(exponent) => {
            let (n, times) = z.children(exponent);
            (0..times).map(|_| spawn_stop(s, n)).sum::<f64>() / times as f64
        }
        W::Skynet => skynet(s, z.leaves),
        W::FanOut => fan_out(s, z.subscribers, z.rounds),
        W::FailRestart => fail_restart(s, z.crashes),
        W::TimerFire => timer_fire(s, z.timers_fire),
        W::TimerCancel => timer_cancel(s, z.timers_cancel),
        _ => unreachable!(),
    }
}

fn turn(s: &mut Stakker) {
    s.run(Instant::now(), false);
}

/// Runs until an actor reports; parks when idle.
fn until(s: &mut Stakker, rx: &flume::Receiver<u64>) -> u64 {
    loop {
        turn(s);
        if let Ok(v) = rx.try_recv() {
            return v;
        }
        std::thread::park();
        s.poll_wake();
    }
}

fn park_loop(s: &mut Stakker) {
    let me = std::thread::current();
    s.set_poll_waker(move || me.unpark());
}

struct Node {
    next: Option<Actor<Node>>,
    done: Done,
}

impl Node {
    fn init(_: CX![], done: Done) -> Option<Self> {
        Some(Node { next: None, done })
    }
    fn link(&mut self, _: CX![], next: Actor<Node>) {
        self.next = Some(next);
    }
    fn token(&mut self, _: CX![], left: u64) {
        if left == 0 {
            let _ = self.done.send(0);
        } else if let Some(next) = &self.next {
            call!([next], token(left - 1));
        }
    }
}

fn ring(s: &mut Stakker, n: usize, hops: u64) -> f64 {
    let (tx, rx) = done();
    let nodes: Vec<ActorOwn<Node>> = (0..n)
        .map(|_| actor!(s, Node::init(tx.clone()), ret_nop!()))
        .collect();
    for i in 0..n {
        let next: Actor<Node> = nodes[(i + 1) % n].clone();
        call!([nodes[i]], link(next));
    }
    turn(s);
    let clock = Clock::start();
    call!([nodes[0]], token(hops - 1));
    turn(s);
    let v = clock.per(hops);
    rx.try_recv().expect("all hops");
    v
}

struct Piper {
    pipe: PipedThread<u64, u64>,
    done: Done,
}

impl Piper {
    fn init(cx: CX![], done: Done) -> Option<Self> {
        let pipe = PipedThread::spawn(
            fwd_to!([cx], back() as (u64)),
            fwd_to!([cx], gone() as (Option<String>)),
            cx,
            |link| {
                while let Some(v) = link.recv() {
                    if !link.send(v - 1) {
                        break;
                    }
                }
            },
        );
        Some(Piper { pipe, done })
    }
    fn start(&mut self, _: CX![], hops: u64) {
        self.pipe.send(hops);
    }
    fn back(&mut self, _: CX![], v: u64) {
        if v <= 1 {
            let _ = self.done.send(v);
        } else {
            self.pipe.send(v - 1);
        }
    }
    fn gone(&mut self, _: CX![], _why: Option<String>) {}
}

fn cross(s: &mut Stakker, hops: u64) -> f64 {
    park_loop(s);
    let (tx, rx) = done();
    let hops = hops / 2 * 2;
    let piper = actor!(s, Piper::init(tx), ret_nop!());
    turn(s);
    let clock = Clock::start();
    call!([piper], start(hops));
    assert_eq!(until(s, &rx), 1);
    clock.per(hops)
}

struct Sink {
    tally: Tally,
    _guard: Option<ChannelGuard>,
}

impl Sink {
    fn init(_: CX![], tally: Tally) -> Option<Self> {
        Some(Sink {
            tally,
            _guard: None,
        })
    }
    fn keep(&mut self, _: CX![], guard: ChannelGuard) {
        self._guard = Some(guard);
    }
    fn item(&mut self, _: CX![], v: u64) {
        self.tally.item(v);
    }
}

fn stream(s: &mut Stakker, producers: u64, total: u64) -> f64 {
    park_loop(s);
    let (tx, rx) = done();
    let sink = actor!(s, Sink::init(Tally::new(total, tx)), ret_nop!());
    let (channel, guard) = Channel::new(s, fwd_to!([sink], item() as (u64)));
    call!([sink], keep(guard));
    turn(s);
    let p = Producers::new(producers, total, || {
        let channel = channel.clone();
        move |v| assert!(channel.send(v))
    });
    let clock = p.go();
    let sum = until(s, &rx);
    let v = clock.per(total);
    assert_eq!(sum, sum_to(total));
    p.join();
    v
}

struct Echo;

impl Echo {
    fn init(_: CX![]) -> Option<Self> {
        Some(Echo)
    }
    fn ask(&mut self, _: CX![], v: u64, ret: Ret<u64>) {
        ret!([ret], v);
    }
}

struct Asker {
    echo: Actor<Echo>,
    left: u64,
    sum: u64,
    /// Whether each question has a time limit, and that of the one that is open.
    limits: bool,
    limit: FixedTimerKey,
    done: Done,
}

impl Asker {
    fn init(_: CX![], echo: Actor<Echo>, left: u64, limits: bool, done: Done) -> Option<Self> {
        Some(Asker {
            echo,
            left,
            sum: 0,
            limits,
            limit: FixedTimerKey::default(),
            done,
        })
    }
    fn next(&mut self, cx: CX![]) {
        if self.left == 0 {
            let _ = self.done.send(self.sum);
        } else {
            self.left -= 1;
            if self.limits {
                self.limit = after!(Duration::from_secs(60), [cx], late());
            }
            let ret = ret_some_to!([cx], got() as (u64));
            call!([self.echo], ask(self.left, ret));
        }
    }
    fn got(&mut self, cx: CX![], v: u64) {
        if self.limits {
            assert!(cx.timer_del(self.limit));
        }
        self.sum += v;
        self.next(cx);
    }
    fn late(&mut self, _: CX![]) {
        panic!("no answer");
    }
}

fn ask(s: &mut Stakker, asks: u64, limits: bool) -> f64 {
    let (tx, rx) = done();
    let echo = actor!(s, Echo::init(), ret_nop!());
    let asker = actor!(s, Asker::init(echo.clone(), asks, limits, tx), ret_nop!());
    turn(s);
    let clock = Clock::start();
    call!([asker], next());
    turn(s);
    let v = clock.per(asks);
    assert_eq!(rx.try_recv(), Ok(sum_to(asks)));
    v
}

struct Idle {
    _token: LiveToken,
}

impl Idle {
    fn init(_: CX![], token: LiveToken) -> Option<Self> {
        Some(Idle { _token: token })
    }
}

fn spawn_stop(s: &mut Stakker, n: usize) -> f64 {
    let live = Live::default();
    let clock = Clock::start();
    let all: Vec<_> = (0..n)
        .map(|_| actor!(s, Idle::init(live.token()), ret_nop!()))
        .collect();
    turn(s);
    assert_eq!(live.count(), n as u64);
    drop(all);
    turn(s);
    assert_eq!(live.count(), 0);
    clock.per(n as u64)
}

fn idle_bytes(s: &mut Stakker, n: usize) -> f64 {
    let live = Live::default();
    let before = rss();
    let all: Vec<_> = (0..n)
        .map(|_| actor!(s, Idle::init(live.token()), ret_nop!()))
        .collect();
    turn(s);
    let v = (rss() - before) as f64 / n as f64;
    assert_eq!(live.count(), n as u64);
    drop(all);
    v
}

struct Sky {
    ret: Option<Ret<u64>>,
    kids: Vec<ActorOwn<Sky>>,
    left: u32,
    sum: u64,
}

impl Sky {
    fn init(cx: CX![], first: u64, size: u64, ret: Ret<u64>) -> Option<Self> {
        if size == 1 {
            ret!([ret], first);
            cx.stop();
            return Some(Sky {
                ret: None,
                kids: Vec::new(),
                left: 0,
                sum: 0,
            });
        }
        let part = size / 10;
        let kids = (0..10)
            .map(|i| {
                let ret = ret_some_to!([cx], sum() as (u64));
                actor!(cx, Sky::init(first + i * part, part, ret), ret_nop!())
            })
            .collect();
        Some(Sky {
            ret: Some(ret),
            kids,
            left: 10,
            sum: 0,
        })
    }
    fn sum(&mut self, cx: CX![], v: u64) {
        self.sum += v;
        self.left -= 1;
        if self.left == 0 {
            self.kids.clear();
            if let Some(ret) = self.ret.take() {
                ret!([ret], self.sum);
            }
            cx.stop();
        }
    }
}

fn skynet(s: &mut Stakker, leaves: u64) -> f64 {
    let (tx, rx) = done();
    let clock = Clock::start();
    let ret = ret_do!(move |v: Option<u64>| {
        let _ = tx.send(v.expect("root"));
    });
    let root = actor!(s, Sky::init(0, leaves, ret), ret_nop!());
    turn(s);
    let v = clock.per(tree_nodes(leaves));
    assert_eq!(rx.try_recv(), Ok(tree_sum(leaves)));
    drop(root);
    v
}

struct Hub {
    subs: Vec<Actor<Sub>>,
}

impl Hub {
    fn init(_: CX![]) -> Option<Self> {
        Some(Hub { subs: Vec::new() })
    }
    fn subscribe(&mut self, _: CX![], sub: Actor<Sub>) {
        self.subs.push(sub);
    }
    fn tick(&mut self, _: CX![]) {
        for sub in &self.subs {
            call!([sub], item(1));
        }
    }
}

struct Sub {
    seen: u64,
    rounds: u64,
    total: FanTotal,
    hub: Option<Actor<Hub>>,
}

impl Sub {
    fn init(_: CX![], rounds: u64, total: FanTotal, hub: Option<Actor<Hub>>) -> Option<Self> {
        Some(Sub {
            seen: 0,
            rounds,
            total,
            hub,
        })
    }
    fn item(&mut self, _: CX![], v: u64) {
        self.seen += v;
        if self.seen == self.rounds {
            self.total.add(self.seen);
        } else if let Some(hub) = &self.hub {
            call!([hub], tick());
        }
    }
}

fn fan_out(s: &mut Stakker, n: usize, rounds: u64) -> f64 {
    let (tx, rx) = done();
    let total = FanTotal::new(n as u64 * rounds, tx);
    let hub = actor!(s, Hub::init(), ret_nop!());
    let subs: Vec<_> = (0..n)
        .map(|i| {
            let back = (i == n - 1).then(|| hub.clone());
            let sub = actor!(s, Sub::init(rounds, total.clone(), back), ret_nop!());
            call!([hub], subscribe(sub.clone()));
            sub
        })
        .collect();
    turn(s);
    let clock = Clock::start();
    call!([hub], tick());
    turn(s);
    let v = clock.per(n as u64 * rounds);
    rx.try_recv().expect("every delivery");
    drop(subs);
    v
}

struct Kid;

impl Kid {
    fn init(cx: CX![]) -> Option<Self> {
        call!([cx], crash());
        Some(Kid)
    }
    fn crash(&mut self, cx: CX![]) {
        cx.fail_str("expected");
    }
}

struct Boss {
    kid: Option<ActorOwn<Kid>>,
    left: u64,
    done: Done,
}

impl Boss {
    fn init(_: CX![], left: u64, done: Done) -> Option<Self> {
        Some(Boss {
            kid: None,
            left,
            done,
        })
    }
    fn start(&mut self, cx: CX![]) {
        let notify = ret_some_to!([cx], died() as (StopCause));
        self.kid = Some(actor!(cx, Kid::init(), notify));
    }
    fn died(&mut self, cx: CX![], cause: StopCause) {
        assert!(cause.has_error());
        self.left -= 1;
        if self.left == 0 {
            let _ = self.done.send(0);
        } else {
            self.start(cx);
        }
    }
}

fn fail_restart(s: &mut Stakker, n: u64) -> f64 {
    let (tx, rx) = done();
    let boss = actor!(s, Boss::init(n, tx), ret_nop!());
    turn(s);
    let clock = Clock::start();
    call!([boss], start());
    turn(s);
    let v = clock.per(n);
    rx.try_recv().expect("every restart");
    v
}

struct Timed {
    tally: Tally,
}

impl Timed {
    fn init(_: CX![], tally: Tally) -> Option<Self> {
        Some(Timed { tally })
    }
    fn arm(&mut self, cx: CX![], n: u64) {
        for i in 0..n {
            let delay = Duration::from_micros(i * 1000 * FIRE_SPREAD_MS / n);
            after!(delay, [cx], fired(i));
        }
    }
    fn fired(&mut self, _: CX![], i: u64) {
        self.tally.item(i);
    }
    fn cancels(&mut self, cx: CX![], n: u64) {
        let mut keys = Vec::with_capacity(CANCEL_BATCH as usize);
        for i in 0..n {
            keys.push(after!(Duration::from_secs(60), [cx], fired(i)));
            if keys.len() as u64 == CANCEL_BATCH {
                for key in keys.drain(..) {
                    assert!(cx.timer_del(key));
                }
            }
        }
    }
}

fn timer_fire(s: &mut Stakker, n: u64) -> f64 {
    let (tx, rx) = done();
    let timed = actor!(s, Timed::init(Tally::new(n, tx)), ret_nop!());
    turn(s);
    let clock = CpuClock::start();
    call!([timed], arm(n));
    turn(s);
    loop {
        if let Ok(sum) = rx.try_recv() {
            assert_eq!(sum, sum_to(n));
            return clock.per(n);
        }
        std::thread::sleep(s.next_wait_max(Instant::now(), Duration::from_secs(1), false));
        turn(s);
    }
}

fn timer_cancel(s: &mut Stakker, n: u64) -> f64 {
    let (tx, _rx) = done();
    let timed = actor!(s, Timed::init(Tally::new(n, tx)), ret_nop!());
    turn(s);
    let clock = Clock::start();
    call!([timed], cancels(n));
    turn(s);
    clock.per(n)
}
