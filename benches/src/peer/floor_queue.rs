//! Floors without a runtime: what a queue and a virtual call cost alone.
//! `floor-vecdeque` and `floor-segqueue` deliver boxed messages of different types to actors in
//! a table, from one queue that all share: the least that one queue per locality can cost.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::Thread;

use crossbeam_queue::SegQueue;

use super::Peer;
use crate::harness::*;

pub static LOCAL: Peer = Peer {
    name: "floor-vecdeque",
    version: "std",
    has: &[
        (W::PingPong, "one VecDeque<(id, Box<dyn Msg>)>"),
        (W::Ask, "two boxed messages per ask"),
        (W::Ring, "one VecDeque<(id, Box<dyn Msg>)>"),
        (W::FanOut, "one VecDeque<(id, Box<dyn Msg>)>"),
    ],
    run: |w, z| local::<RefCell<VecDeque<Envelope>>>(w, z),
};

pub static INLINE: Peer = Peer {
    name: "floor-inline",
    version: "std",
    has: &[
        (W::PingPong, "one VecDeque<(id, enum)>, no box, no dyn"),
        (W::Ask, "two enum messages per ask"),
        (W::Ring, "one VecDeque<(id, enum)>, no box, no dyn"),
        (W::FanOut, "one VecDeque<(id, enum)>, no box, no dyn"),
    ],
    run: inline,
};

pub static SEG: Peer = Peer {
    name: "floor-segqueue",
    version: "crossbeam-queue 0.3.14",
    has: &[
        (W::PingPong, "one SegQueue<(id, Box<dyn Msg>)>"),
        (W::Ask, "two boxed messages per ask"),
        (W::Ring, "one SegQueue<(id, Box<dyn Msg>)>"),
        (W::FanOut, "one SegQueue<(id, Box<dyn Msg>)>"),
        (W::CrossPing, "SegQueue per thread, sleep flag + park"),
        (W::Throughput1, "SegQueue, sleep flag + park"),
        (W::Throughput4, "SegQueue, sleep flag + park"),
    ],
    run: |w, z| match w {
        W::CrossPing => cross(z.cross_hops, false),
        W::Throughput1 => stream::<SegQueue<Box<u64>>>(1, z.stream_for(1), false),
        W::Throughput4 => stream::<SegQueue<Box<u64>>>(4, z.stream_for(4), false),
        _ => local::<SegQueue<Envelope>>(w, z),
    },
};

pub static SEG_SPIN: Peer = Peer {
    name: "floor-seg-spin",
    version: "crossbeam-queue 0.3.14",
    has: &[
        (W::CrossSpin, "SegQueue per thread, receiver spins"),
        (W::Throughput1, "SegQueue, receiver spins"),
    ],
    run: |w, z| match w {
        W::CrossSpin => cross(z.spin_hops, true),
        _ => stream::<SegQueue<Box<u64>>>(1, z.stream_for(1), true),
    },
};

pub static SEG_PLAIN: Peer = Peer {
    name: "floor-seg-plain",
    version: "crossbeam-queue 0.3.14",
    has: &[
        (W::Throughput1, "SegQueue<u64>, no box, sleep flag + park"),
        (W::Throughput4, "SegQueue<u64>, no box, sleep flag + park"),
    ],
    run: |w, z| match w {
        W::Throughput1 => stream::<SegQueue<u64>>(1, z.stream_for(1), false),
        _ => stream::<SegQueue<u64>>(4, z.stream_for(4), false),
    },
};

pub static SWAP: Peer = Peer {
    name: "floor-mutex-swap",
    version: "std",
    has: &[
        (
            W::Throughput1,
            "Mutex<Vec<Box<u64>>>, reader swaps it out, park",
        ),
        (
            W::Throughput4,
            "Mutex<Vec<Box<u64>>>, reader swaps it out, park",
        ),
    ],
    run: |w, z| match w {
        W::Throughput1 => stream::<Swap<Box<u64>>>(1, z.stream_for(1), false),
        _ => stream::<Swap<Box<u64>>>(4, z.stream_for(4), false),
    },
};

pub static SWAP_PLAIN: Peer = Peer {
    name: "floor-swap-plain",
    version: "std",
    has: &[
        (
            W::Throughput1,
            "Mutex<Vec<u64>>, no box, reader swaps it out, park",
        ),
        (
            W::Throughput4,
            "Mutex<Vec<u64>>, no box, reader swaps it out, park",
        ),
    ],
    run: |w, z| match w {
        W::Throughput1 => stream::<Swap<u64>>(1, z.stream_for(1), false),
        _ => stream::<Swap<u64>>(4, z.stream_for(4), false),
    },
};

pub static FLUME: Peer = Peer {
    name: "floor-flume",
    version: "0.12.0",
    has: &[
        (W::CrossPing, "flume unbounded, blocking recv"),
        (W::Throughput1, "flume unbounded, blocking recv"),
        (W::Throughput4, "flume unbounded, blocking recv"),
    ],
    run: |w, z| match w {
        W::CrossPing => flume_cross(z.cross_hops),
        W::Throughput1 => flume_stream(1, z.stream_for(1)),
        _ => flume_stream(4, z.stream_for(4)),
    },
};

struct Envelope {
    to: u32,
    msg: Box<dyn Msg>,
}

trait Msg: Send {
    fn deliver(self: Box<Self>, me: &mut Node, out: &mut dyn FnMut(u32, Box<dyn Msg>));
}

/// An actor of the table.
struct Node {
    next: u32,
    peers: Vec<u32>,
    seen: u64,
    rounds: u64,
}

struct Token(u64);
impl Msg for Token {
    fn deliver(self: Box<Self>, me: &mut Node, out: &mut dyn FnMut(u32, Box<dyn Msg>)) {
        me.seen += 1;
        if self.0 > 0 {
            out(me.next, Box::new(Token(self.0 - 1)));
        }
    }
}

struct Ask(u64);
impl Msg for Ask {
    fn deliver(self: Box<Self>, me: &mut Node, out: &mut dyn FnMut(u32, Box<dyn Msg>)) {
        out(me.next, Box::new(Reply(self.0)));
    }
}
struct Reply(u64);
impl Msg for Reply {
    fn deliver(self: Box<Self>, me: &mut Node, out: &mut dyn FnMut(u32, Box<dyn Msg>)) {
        me.seen += self.0;
        if self.0 > 0 {
            out(me.next, Box::new(Ask(self.0 - 1)));
        }
    }
}

struct Tick;
impl Msg for Tick {
    fn deliver(self: Box<Self>, me: &mut Node, out: &mut dyn FnMut(u32, Box<dyn Msg>)) {
        for to in &me.peers {
            out(*to, Box::new(Item(1)));
        }
    }
}
struct Item(u64);
impl Msg for Item {
    fn deliver(self: Box<Self>, me: &mut Node, out: &mut dyn FnMut(u32, Box<dyn Msg>)) {
        me.seen += self.0;
        if me.next != u32::MAX && me.seen < me.rounds {
            out(me.next, Box::new(Tick));
        }
    }
}

trait Queue: Default {
    fn put(&self, e: Envelope);
    fn take(&self) -> Option<Envelope>;
}

impl Queue for RefCell<VecDeque<Envelope>> {
    fn put(&self, e: Envelope) {
        self.borrow_mut().push_back(e);
    }
    fn take(&self) -> Option<Envelope> {
        self.borrow_mut().pop_front()
    }
}

impl Queue for SegQueue<Envelope> {
    fn put(&self, e: Envelope) {
        self.push(e);
    }
    fn take(&self) -> Option<Envelope> {
        self.pop()
    }
}

fn node(next: u32) -> Node {
    Node {
        next,
        peers: Vec::new(),
        seen: 0,
        rounds: 0,
    }
}

fn drain<Q: Queue>(q: &Q, nodes: &mut [Node]) {
    let mut out = |to, msg| q.put(Envelope { to, msg });
    while let Some(e) = q.take() {
        e.msg.deliver(&mut nodes[e.to as usize], &mut out);
    }
}

fn local<Q: Queue>(w: W, z: &Sizes) -> f64 {
    let q = Q::default();
    let seen = |nodes: &[Node]| nodes.iter().map(|n| n.seen).sum::<u64>();
    match w {
        W::PingPong | W::Ring => {
            let n = if w == W::Ring { z.ring_actors } else { 2 };
            let mut nodes: Vec<Node> = (0..n).map(|i| node(((i + 1) % n) as u32)).collect();
            let clock = Clock::start();
            q.put(Envelope {
                to: 0,
                msg: Box::new(Token(z.hops - 1)),
            });
            drain(&q, &mut nodes);
            let v = clock.per(z.hops);
            assert_eq!(seen(&nodes), z.hops);
            v
        }
        W::Ask => {
            let mut nodes = vec![node(1), node(0)];
            let clock = Clock::start();
            q.put(Envelope {
                to: 1,
                msg: Box::new(Ask(z.asks - 1)),
            });
            drain(&q, &mut nodes);
            let v = clock.per(z.asks);
            assert_eq!(seen(&nodes), sum_to(z.asks));
            v
        }
        W::FanOut => {
            let n = z.subscribers as u32;
            let mut nodes: Vec<Node> = (0..n).map(|_| node(u32::MAX)).collect();
            nodes[n as usize - 1].next = n;
            nodes[n as usize - 1].rounds = z.rounds;
            nodes.push(Node {
                next: 0,
                peers: (0..n).collect(),
                seen: 0,
                rounds: 0,
            });
            let total = n as u64 * z.rounds;
            let clock = Clock::start();
            q.put(Envelope {
                to: n,
                msg: Box::new(Tick),
            });
            drain(&q, &mut nodes);
            let v = clock.per(total);
            assert_eq!(seen(&nodes), total);
            v
        }
        _ => unreachable!(),
    }
}

/// The same table with messages by value: a closed set of types, no allocation, no virtual call.
enum Plain {
    Token(u64),
    Ask(u64),
    Reply(u64),
    Tick,
    Item(u64),
}

fn inline(w: W, z: &Sizes) -> f64 {
    let mut q: VecDeque<(u32, Plain)> = VecDeque::new();
    let n = match w {
        W::PingPong | W::Ask => 2,
        W::Ring => z.ring_actors,
        _ => z.subscribers,
    };
    let mut nodes: Vec<Node> = (0..n).map(|i| node(((i + 1) % n) as u32)).collect();
    let (ops, want, first) = match w {
        W::PingPong | W::Ring => (z.hops, z.hops, (0, Plain::Token(z.hops - 1))),
        W::Ask => (z.asks, sum_to(z.asks), (1, Plain::Ask(z.asks - 1))),
        _ => {
            nodes.iter_mut().for_each(|x| x.next = u32::MAX);
            nodes[n - 1].next = n as u32;
            nodes[n - 1].rounds = z.rounds;
            nodes.push(Node {
                next: 0,
                peers: (0..n as u32).collect(),
                seen: 0,
                rounds: 0,
            });
            let total = n as u64 * z.rounds;
            (total, total, (n as u32, Plain::Tick))
        }
    };
    let clock = Clock::start();
    q.push_back(std::hint::black_box(first));
    while let Some((to, msg)) = q.pop_front() {
        let me = &mut nodes[to as usize];
        match msg {
            Plain::Token(left) => {
                me.seen += 1;
                if left > 0 {
                    q.push_back((me.next, Plain::Token(left - 1)));
                }
            }
            Plain::Ask(v) => q.push_back((me.next, Plain::Reply(v))),
            Plain::Reply(v) => {
                me.seen += v;
                if v > 0 {
                    q.push_back((me.next, Plain::Ask(v - 1)));
                }
            }
            Plain::Tick => me
                .peers
                .iter()
                .for_each(|to| q.push_back((*to, Plain::Item(1)))),
            Plain::Item(v) => {
                me.seen += v;
                if me.next != u32::MAX && me.seen < me.rounds {
                    q.push_back((me.next, Plain::Tick));
                }
            }
        }
    }
    let v = clock.per(ops);
    assert_eq!(nodes.iter().map(|n| n.seen).sum::<u64>(), want);
    v
}

/// A message of the cross-thread floors: with or without a box of its own.
trait Load: Send + 'static {
    fn make(v: u64) -> Self;
    fn get(self) -> u64;
}
impl Load for u64 {
    fn make(v: u64) -> Self {
        v
    }
    fn get(self) -> u64 {
        self
    }
}
impl Load for Box<u64> {
    fn make(v: u64) -> Self {
        Box::new(v)
    }
    fn get(self) -> u64 {
        *self
    }
}

/// A queue with many writers and one reader, which takes all that is there at once.
trait Shared: Default + Send + Sync + 'static {
    fn put(&self, v: u64);
    /// Hands every waiting message to `f`; false if there was none.
    fn each(&self, f: &mut dyn FnMut(u64)) -> bool;
}

impl<T: Load> Shared for SegQueue<T> {
    fn put(&self, v: u64) {
        self.push(T::make(v));
    }
    fn each(&self, f: &mut dyn FnMut(u64)) -> bool {
        let mut any = false;
        while let Some(v) = self.pop() {
            any = true;
            f(v.get());
        }
        any
    }
}

struct Swap<T> {
    q: std::sync::Mutex<Vec<T>>,
    /// The reader's spare buffer, to keep its memory.
    spare: std::sync::Mutex<Vec<T>>,
}

impl<T> Default for Swap<T> {
    fn default() -> Self {
        Swap {
            q: Default::default(),
            spare: Default::default(),
        }
    }
}

impl<T: Load> Shared for Swap<T> {
    fn put(&self, v: u64) {
        let v = T::make(v);
        self.q.lock().expect("queue").push(v);
    }
    fn each(&self, f: &mut dyn FnMut(u64)) -> bool {
        let mut batch = self.spare.lock().expect("spare");
        std::mem::swap(&mut *self.q.lock().expect("queue"), &mut *batch);
        let any = !batch.is_empty();
        batch.drain(..).for_each(|v| f(v.get()));
        any
    }
}

/// The reader raises a flag before it parks, so that a sender makes a system call only when the
/// reader sleeps.
struct Inbox<Q> {
    q: Q,
    asleep: AtomicBool,
    reader: std::sync::OnceLock<Thread>,
    spin: bool,
}

impl<Q: Shared> Inbox<Q> {
    fn new(spin: bool) -> Arc<Self> {
        Arc::new(Inbox {
            q: Q::default(),
            asleep: AtomicBool::new(false),
            reader: Default::default(),
            spin,
        })
    }
    fn own(&self) {
        let _ = self.reader.set(std::thread::current());
    }
    fn send(&self, v: u64) {
        self.q.put(v);
        if self.spin {
            return;
        }
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed)
            && self.asleep.swap(false, Ordering::AcqRel)
            && let Some(reader) = self.reader.get()
        {
            reader.unpark();
        }
    }
    /// Waits until there is something, then hands over all of it.
    fn recv(&self, f: &mut dyn FnMut(u64)) {
        loop {
            if self.q.each(f) {
                return;
            }
            if self.spin {
                std::hint::spin_loop();
                continue;
            }
            self.asleep.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if self.q.each(f) {
                self.asleep.store(false, Ordering::Relaxed);
                return;
            }
            while self.asleep.load(Ordering::Relaxed) {
                std::thread::park();
            }
        }
    }
    /// For queues with one message at most.
    fn one(&self) -> u64 {
        let mut got = 0;
        self.recv(&mut |v| got = v);
        got
    }
}

fn cross(hops: u64, spin: bool) -> f64 {
    let hops = hops / 2 * 2;
    type Q = SegQueue<Box<u64>>;
    let (here, there) = (Inbox::<Q>::new(spin), Inbox::<Q>::new(spin));
    here.own();
    let echo = std::thread::spawn({
        let (here, there) = (here.clone(), there.clone());
        move || {
            there.own();
            here.send(0);
            loop {
                let v = there.one();
                here.send(v - 1);
                if v == 2 {
                    return;
                }
            }
        }
    });
    here.one();
    let clock = Clock::start();
    there.send(hops);
    loop {
        let v = here.one();
        if v == 1 {
            break;
        }
        there.send(v - 1);
    }
    let v = clock.per(hops);
    echo.join().expect("echo");
    v
}

fn stream<Q: Shared>(producers: u64, total: u64, spin: bool) -> f64 {
    let inbox = Inbox::<Q>::new(spin);
    inbox.own();
    let p = Producers::new(producers, total, || {
        let inbox = inbox.clone();
        move |v| inbox.send(v)
    });
    let clock = p.go();
    let (mut sum, mut count) = (0, 0);
    while count < total {
        inbox.recv(&mut |v| {
            sum += v;
            count += 1;
        });
    }
    let v = clock.per(total);
    assert_eq!(sum, sum_to(total));
    p.join();
    v
}

fn flume_cross(hops: u64) -> f64 {
    let hops = hops / 2 * 2;
    let (to, there) = flume::unbounded::<Box<u64>>();
    let (back, here) = flume::unbounded::<Box<u64>>();
    let echo = std::thread::spawn(move || {
        while let Ok(v) = there.recv() {
            let _ = back.send(Box::new(*v - 1));
        }
    });
    let clock = Clock::start();
    to.send(Box::new(hops)).expect("open");
    loop {
        let v = *here.recv().expect("open");
        if v == 1 {
            break;
        }
        to.send(Box::new(v - 1)).expect("open");
    }
    let v = clock.per(hops);
    drop(to);
    echo.join().expect("echo");
    v
}

fn flume_stream(producers: u64, total: u64) -> f64 {
    let (tx, rx) = flume::unbounded::<Box<u64>>();
    let p = Producers::new(producers, total, || {
        let tx = tx.clone();
        move |v| tx.send(Box::new(v)).expect("open")
    });
    let clock = p.go();
    let sum: u64 = (0..total).map(|_| *rx.recv().expect("open")).sum();
    let v = clock.per(total);
    assert_eq!(sum, sum_to(total));
    p.join();
    v
}
