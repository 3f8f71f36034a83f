//! What a message between two actors of one locality executes: no atomic operation.

#![cfg(all(
    target_os = "linux",
    target_arch = "x86_64",
    not(miri),
    not(rotor_loom)
))]

mod steps;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rotor_core::*;
use steps::Counts;

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

struct Player {
    other: Addr<Player>,
    /// Counted from the first message, which has the queue grow, to this one.
    last: u64,
    /// Something of its own to do.
    work: fn(),
    counts: Rc<Cell<Option<Counts>>>,
}

impl Actor for Player {}

impl Handler<u64> for Player {
    fn handle(&mut self, n: u64, _: &mut Context<Self>) {
        if n == 1 {
            steps::begin();
        }
        if n == self.last {
            return self.counts.set(Some(steps::stop()));
        }
        (self.work)();
        self.other.send(n + 1);
    }
}

/// Asks nothing.
struct Idle;

impl Hook<Player> for Idle {}

/// Waits for so many things that never happen.
struct Waits(usize);

impl Actor for Waits {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        for _ in 0..self.0 {
            cx.spawn(std::future::pending(), |_, (), _| ());
        }
        Ok(())
    }
}

/// Instructions of a game of so many messages.
fn play(messages: u64, work: fn()) -> Counts {
    play_beside(messages, work, |third| third)
}

/// The same, beside a third player who takes no part.
fn play_beside<N: Into<Node>>(messages: u64, work: fn(), third: fn(Child<Player>) -> N) -> Counts {
    // Time stands still, or this slow motion would end the turn after a few messages.
    let driver = Driver::new(Arc::new(Nobody), Clock::manual());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let (ping, pong) = (here.reserve(), here.reserve());
    let last = 1 + messages;
    let counts = Rc::new(Cell::new(None));
    let player = |other| {
        let counts = counts.clone();
        move || Player {
            other,
            last,
            work,
            counts: counts.clone(),
        }
    };
    let tree = Supervisor::one_for_one("game")
        .child(Child::new("ping", player(pong)).at(ping))
        .child(Child::new("pong", player(ping)).at(pong))
        .child(third(Child::new("third", player(ping))));
    driver.start(tree).unwrap();
    driver.run_until_idle();
    ping.send(0);
    driver.run_until_idle();
    counts.get().expect("the last message was handled")
}

#[test]
fn e17_a_message_within_a_locality_executes_no_atomic_operation() {
    // More messages than there are between two reads of the clock.
    let counts = play(260, || ());
    println!("{counts:?} for 260 messages");
    assert_eq!(counts.atomic, 0);
    // One for each message would be seen.
    static OWN: AtomicU64 = AtomicU64::new(0);
    let work = || {
        OWN.fetch_add(1, Ordering::Relaxed);
    };
    assert_eq!(play(10, work).atomic, 10);
}

#[test]
fn a17_bounds_of_others_cost_a_message_nothing() {
    let plain = play_beside(260, || (), |third| third);
    let bounded = play_beside(260, || (), |third| third.bound(Bound::reject(1)));
    assert_eq!(bounded, plain);
}

#[test]
fn l30_hooks_of_others_cost_a_message_nothing() {
    let plain = play_beside(260, || (), |third| third);
    let hooked = play_beside(260, || (), |third| third.hook(Idle));
    assert_eq!(hooked, plain);
}

#[test]
fn row_m06_futures_of_others_cost_a_message_nothing() {
    let plain = play_beside(260, || (), |_| Child::new("third", || Waits(0)));
    let waiting = play_beside(260, || (), |_| Child::new("third", || Waits(3)));
    assert_eq!(waiting, plain);
}
