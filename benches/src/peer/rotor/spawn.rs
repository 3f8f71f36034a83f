//! Children that do nothing: what they cost to start and stop, and to keep.

use rotor_core::{Actor, Addr, Child, Context, Handler, Lifecycle, Result};

use super::host::{Host, root};
use super::referee::{Match, Measure, Referee, Total};
use crate::harness::{Clock, Live, LiveToken, rss};

struct Idle {
    _token: LiveToken,
}

impl Actor for Idle {}

/// Starts `n` children, and stops them if it is to.
struct Boss {
    n: usize,
    stops: bool,
    live: Live,
    children: Vec<Addr<Idle>>,
    /// Resident bytes before the first child.
    before: u64,
    referee: Addr<Referee>,
}

impl Boss {
    fn new(n: usize, stops: bool, referee: Addr<Referee>) -> Self {
        Boss {
            n,
            stops,
            live: Live::default(),
            children: Vec::with_capacity(n),
            before: 0,
            referee,
        }
    }
}

impl Actor for Boss {}

struct StartAll;

impl Handler<StartAll> for Boss {
    fn handle(&mut self, _: StartAll, cx: &mut Context<Self>) {
        self.before = rss();
        for _ in 0..self.n {
            let token = self.live.token();
            let child = Child::once("idle", |_| Ok(Idle { _token: token }));
            self.children.push(cx.child(child));
        }
        cx.addr().send(Started);
    }
}

/// Looks whether all are operational.
struct Started;

impl Handler<Started> for Boss {
    fn handle(&mut self, _: Started, cx: &mut Context<Self>) {
        let runs = |child: &Addr<Idle>| child.address().state() == Lifecycle::Running;
        if !self.children.last().is_some_and(runs) {
            return cx.addr().send(Started);
        }
        assert!(self.children.iter().all(runs));
        assert_eq!(self.live.count(), self.n as u64);
        if self.stops {
            self.children.drain(..).for_each(Addr::stop);
            cx.addr().send(Stopped);
        } else {
            self.referee.send(Total(rss() - self.before));
        }
    }
}

/// Looks whether the state of each is dropped.
struct Stopped;

impl Handler<Stopped> for Boss {
    fn handle(&mut self, _: Stopped, cx: &mut Context<Self>) {
        match self.live.count() {
            0 => self.referee.send(Total(0)),
            _ => cx.addr().send(Stopped),
        }
    }
}

/// Ns per child that is started and stopped, `n` at a time.
pub fn start_and_stop<H: Host>(n: usize) -> f64 {
    boss::<H>(n, true)
}

/// Resident bytes per idle child with its address.
pub fn idle_bytes<H: Host>(n: usize) -> f64 {
    boss::<H>(n, false)
}

fn boss<H: Host>(n: usize, stops: bool) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let boss = here.reserve();
        let child = Child::new("boss", move || Boss::new(n, stops, referee));
        let this = Match {
            measure: if stops { Measure::Wall } else { Measure::Total },
            ops: n as u64,
            total: 0,
            begin: move || boss.send(StartAll),
        };
        (tree.child(child.at(boss)), this)
    })
}

/// Ends the tree when it is started, as the last child.
struct Last {
    live: Live,
    n: u64,
}

impl Actor for Last {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        assert_eq!(self.live.count(), self.n);
        cx.stop();
        Ok(())
    }
}

/// Ns per child of a tree that is built, started and stopped.
pub fn tree<H: Host>(n: usize) -> f64 {
    let host = H::here();
    let live = Live::default();
    let clock = Clock::start();
    let mut tree = root();
    for i in 0..n {
        let live = live.clone();
        let make = move || Idle {
            _token: live.token(),
        };
        tree = tree.child(Child::new(format!("idle {i}"), make));
    }
    let counted = live.clone();
    let last = Child::once("last", move |_| {
        Ok(Last {
            live: counted,
            n: n as u64,
        })
    });
    let exit = host.run(tree.child(last.significant()));
    let figure = clock.per(n as u64);
    assert!(!exit.is_abnormal(), "{exit}");
    assert_eq!(live.count(), 0);
    figure
}
