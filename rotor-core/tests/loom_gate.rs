//! Loom models of the way into a locality: the queue of a lane; pushing, parking, waking, closing,
//! recycling; and of the wake of a future.
//!
//! `scripts/loom.sh` runs them, and runs them again with one step of the protocol taken out
//! (`--cfg rotor_mutant="..."`), which must make the one fail that it names. The steps are in
//! `src/inbound.rs`, `src/entrance.rs` and `src/scheduled.rs`, which are included here with loom's
//! atomics in the place of the real ones, and with blocks of three words.
//!
//! Every model is exhaustive up to its bound of preemptions; `MORE_PREEMPTIONS` adds to it, and
//! `LOOM_MAX_PREEMPTIONS` takes its place.

#![cfg(rotor_loom)]
#![expect(unsafe_code)]

#[path = "../src/entrance.rs"]
mod entrance;
#[path = "../src/inbound.rs"]
mod inbound;
mod models;
#[path = "../src/scheduled.rs"]
mod scheduled;

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use loom::thread::{self, JoinHandle};

use entrance::{Entrance, Wake};
use inbound::{Inbound, MOST, Packed};
use models::check;
use scheduled::Scheduled;

const SYSTEM: usize = 0;
const URGENT: usize = 1;
const NORMAL: usize = 2;

/// Messages are numbers, and each number is sent once.
type Item = u32;

/// From here on, a number is two words long.
const LONG: Item = 100;

// SAFETY: a long one has its number in the second word, too.
unsafe impl inbound::Item for Item {
    fn pack(self) -> Packed {
        let mut rest = [MaybeUninit::uninit(); MOST - 1];
        if self >= LONG {
            rest[0].write(self.into());
        }
        let first = ptr::without_provenance_mut(self as usize + 2);
        Packed { first, rest }
    }

    unsafe fn unpack(packed: Packed) -> Item {
        let number = packed.first.addr() as Item - 2;
        if number >= LONG {
            // SAFETY: see `pack`.
            assert_eq!(unsafe { packed.rest[0].assume_init() }, u64::from(number));
        }
        number
    }

    unsafe fn words(first: *mut ()) -> usize {
        if first.addr() as Item - 2 >= LONG {
            2
        } else {
            1
        }
    }
}

/// What a loop waits for: a remembered wake.
///
/// Made of loom's lock, because a wake-up that goes through an eventfd or a condition variable
/// orders memory as well.
struct Token {
    woken: loom::sync::Mutex<bool>,
    changed: loom::sync::Condvar,
    wakes: AtomicUsize,
}

impl Token {
    fn new() -> Arc<Token> {
        Arc::new(Token {
            woken: loom::sync::Mutex::new(false),
            changed: loom::sync::Condvar::new(),
            wakes: AtomicUsize::new(0),
        })
    }

    /// Waits for a wake, and takes it. Without one, loom reports a deadlock.
    fn wait(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.changed.wait(woken).unwrap();
        }
        *woken = false;
    }

    fn wakes(&self) -> usize {
        self.wakes.load(Ordering::Relaxed)
    }
}

impl Wake for Token {
    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        *self.woken.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

/// An entrance, and what became of the items. The books are kept with plain locks and counters,
/// which loom does not see: they add neither order nor interleavings.
struct Locality {
    entrance: Entrance<Item>,
    parks: AtomicUsize,
    handled: Mutex<Vec<Item>>,
    rejected: Mutex<Vec<Item>>,
}

impl Locality {
    fn new() -> Arc<Locality> {
        Arc::new(Locality {
            entrance: Entrance::new(),
            parks: AtomicUsize::new(0),
            handled: Mutex::default(),
            rejected: Mutex::default(),
        })
    }

    /// A locality that a loop has opened.
    fn open(token: &Arc<Token>) -> Arc<Locality> {
        let locality = Locality::new();
        locality.entrance.open(token.clone());
        locality
    }

    fn send(&self, lane: usize, item: Item) {
        self.entrance
            .send(lane, item, |item| self.rejected.lock().unwrap().push(item));
    }

    /// Sends these from a thread of their own.
    fn spawn_sender(self: &Arc<Self>, items: &'static [(usize, Item)]) -> JoinHandle<()> {
        let locality = self.clone();
        thread::spawn(move || {
            for &(lane, item) in items {
                locality.send(lane, item);
            }
        })
    }

    fn close(&self) {
        self.entrance
            .close(|item| self.rejected.lock().unwrap().push(item));
    }

    /// Step A.
    fn drain(&self) {
        for lane in [SYSTEM, URGENT, NORMAL] {
            // SAFETY: models take in one thread.
            while let Some(item) = unsafe { self.entrance.pop(lane) } {
                self.handled.lock().unwrap().push(item);
            }
        }
    }

    fn park(&self) -> bool {
        self.parks.fetch_add(1, Ordering::Relaxed);
        self.entrance.park()
    }

    fn parks(&self) -> usize {
        self.parks.load(Ordering::Relaxed)
    }

    fn handled(&self) -> Vec<Item> {
        self.handled.lock().unwrap().clone()
    }

    fn rejected(&self) -> Vec<Item> {
        self.rejected.lock().unwrap().clone()
    }

    /// Each of these items was either handled or rejected, once, and nothing lies about.
    fn assert_each_ended_once(&self, items: &[Item]) {
        let mut ended = self.handled();
        ended.extend(self.rejected());
        ended.sort_unstable();
        assert_eq!(ended, items, "each item ends once");
        assert_eq!(self.entrance.len(), 0);
    }
}

/// A loop with these localities, as a driver turns it: until so many items have been handled.
fn turn_until(handled: usize, token: &Token, localities: &[&Locality]) {
    let count = || localities.iter().map(|l| l.handled().len()).sum::<usize>();
    loop {
        for locality in localities {
            locality.entrance.unpark();
        }
        for locality in localities {
            locality.drain();
        }
        if count() >= handled {
            return;
        }
        match localities.iter().position(|locality| !locality.park()) {
            None => token.wait(),
            Some(busy) => {
                for parked in &localities[..busy] {
                    parked.entrance.unpark();
                }
            }
        }
    }
}

// The queue of a lane.

/// Takes so many items; yields where there is none.
fn take(queue: &Inbound<Item>, n: usize) -> Vec<Item> {
    let mut taken = Vec::new();
    while taken.len() < n {
        // SAFETY: models take in one thread.
        match unsafe { queue.pop() } {
            Some(item) => taken.push(item),
            None => thread::yield_now(),
        }
    }
    // SAFETY: as above.
    assert!(unsafe { queue.pop() }.is_none());
    assert!(queue.is_empty());
    taken
}

fn spawn_pusher(queue: &Arc<Inbound<Item>>, items: &'static [Item]) -> JoinHandle<()> {
    let queue = queue.clone();
    thread::spawn(move || {
        for &item in items {
            queue.push(item, || ());
        }
    })
}

/// Two blocks are left, one of them with an end mark, and the third may be the first again.
#[test]
fn items_of_several_lengths_are_taken_in_order() {
    check(3, || {
        let queue = Arc::new(Inbound::new());
        let pusher = spawn_pusher(&queue, &[101, 102, 1, 103]);
        assert_eq!(take(&queue, 4), [101, 102, 1, 103]);
        pusher.join().unwrap();
    });
}

#[test]
fn two_threads_may_push_at_the_end_of_a_block() {
    check(3, || {
        let queue = Arc::new(Inbound::new());
        queue.push(101, || ());
        let pusher = spawn_pusher(&queue, &[102, 1]);
        queue.push(103, || ());
        let mut taken = take(&queue, 4);
        let of_one = |item: &Item| [102, 1].contains(item);
        assert!(taken.iter().copied().filter(of_one).eq([102, 1]));
        taken.sort_unstable();
        assert_eq!(taken, [1, 101, 102, 103]);
        pusher.join().unwrap();
    });
}

/// A push looks around when its item counts already.
#[test]
fn an_item_counts_before_its_sender_looks() {
    check(5, || {
        let queue = Arc::new(Inbound::new());
        let pusher = spawn_pusher(&queue, &[1]);
        assert_eq!(queue.push(2, || queue.len() >= 1), true);
        let mut taken = take(&queue, 2);
        taken.sort_unstable();
        assert_eq!(taken, [1, 2]);
        pusher.join().unwrap();
    });
}

// Push, park, wake.

#[test]
fn one_item_is_never_missed() {
    check(5, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let sender = locality.spawn_sender(&[(NORMAL, 1)]);
        turn_until(1, &token, &[&locality]);
        sender.join().unwrap();
        assert_eq!(locality.handled(), [1]);
        assert!(locality.rejected().is_empty());
        assert!(token.wakes() <= locality.parks());
    });
}

#[test]
fn two_items_of_one_sender_are_handled_in_order() {
    check(3, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let sender = locality.spawn_sender(&[(NORMAL, 1), (NORMAL, 2)]);
        turn_until(2, &token, &[&locality]);
        sender.join().unwrap();
        assert_eq!(locality.handled(), [1, 2]);
        assert!(locality.rejected().is_empty());
        assert!(token.wakes() <= locality.parks());
    });
}

#[test]
fn two_senders_wake_once_for_each_park() {
    check(3, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let senders = [
            locality.spawn_sender(&[(NORMAL, 1)]),
            locality.spawn_sender(&[(NORMAL, 2)]),
        ];
        turn_until(2, &token, &[&locality]);
        for sender in senders {
            sender.join().unwrap();
        }
        locality.assert_each_ended_once(&[1, 2]);
        assert!(locality.rejected().is_empty());
        assert!(token.wakes() <= locality.parks());
    });
}

#[test]
fn no_lane_is_missed() {
    check(3, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let senders = [
            locality.spawn_sender(&[(SYSTEM, 1)]),
            locality.spawn_sender(&[(NORMAL, 2)]),
        ];
        turn_until(2, &token, &[&locality]);
        for sender in senders {
            sender.join().unwrap();
        }
        locality.assert_each_ended_once(&[1, 2]);
        assert!(locality.rejected().is_empty());
        assert!(token.wakes() <= locality.parks());
    });
}

#[test]
fn one_sender_may_use_all_lanes() {
    check(3, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let sender = locality.spawn_sender(&[(NORMAL, 1), (URGENT, 2), (SYSTEM, 3)]);
        turn_until(3, &token, &[&locality]);
        sender.join().unwrap();
        locality.assert_each_ended_once(&[1, 2, 3]);
        assert!(locality.rejected().is_empty());
        assert!(token.wakes() <= locality.parks());
    });
}

/// The loop may wait only if every one of its localities is parked.
#[test]
fn two_localities_of_one_loop_are_never_missed() {
    check(3, || {
        let token = Token::new();
        let (one, other) = (Locality::open(&token), Locality::open(&token));
        let senders = [
            one.spawn_sender(&[(NORMAL, 1)]),
            other.spawn_sender(&[(NORMAL, 2)]),
        ];
        turn_until(2, &token, &[&one, &other]);
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!(one.handled(), [1]);
        assert_eq!(other.handled(), [2]);
        assert!(token.wakes() <= one.parks() + other.parks());
    });
}

/// Sends on the owner's thread between turns go to the local lane, and rouse the loop by hand.
#[test]
fn an_owner_that_rouses_itself_is_woken_once() {
    check(5, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let sender = locality.spawn_sender(&[(NORMAL, 1)]);
        if locality.park() {
            if locality.entrance.is_parked() {
                locality.entrance.rouse();
            }
            token.wait();
        }
        turn_until(1, &token, &[&locality]);
        sender.join().unwrap();
        assert_eq!(locality.handled(), [1]);
        assert!(token.wakes() <= locality.parks());
    });
}

#[test]
fn what_is_pushed_before_the_first_loop_is_kept() {
    check(5, || {
        let token = Token::new();
        let locality = Locality::new();
        locality.send(NORMAL, 1);
        let early = locality.spawn_sender(&[(NORMAL, 2)]);
        assert!(!locality.entrance.is_lane_empty(NORMAL));
        locality.entrance.open(token.clone());
        turn_until(2, &token, &[&locality]);
        early.join().unwrap();
        assert_eq!(locality.handled(), [1, 2]);
        assert!(locality.rejected().is_empty());
        assert!(token.wakes() <= locality.parks());
    });
}

// Close.

#[test]
fn closing_handles_or_rejects_each_item_once() {
    check(5, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let sender = locality.spawn_sender(&[(NORMAL, 1), (SYSTEM, 2)]);
        locality.drain();
        locality.close();
        sender.join().unwrap();
        locality.assert_each_ended_once(&[1, 2]);
        assert!(locality.entrance.is_closed());
    });
}

#[test]
fn two_senders_at_a_closing_entrance_reject_each_item_once() {
    check(3, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let senders = [
            locality.spawn_sender(&[(NORMAL, 1)]),
            locality.spawn_sender(&[(NORMAL, 2)]),
        ];
        locality.close();
        for sender in senders {
            sender.join().unwrap();
        }
        locality.assert_each_ended_once(&[1, 2]);
        assert_eq!(token.wakes(), 0);
    });
}

/// Whoever closes may keep what has come so far: of each sender, all up to some item.
#[test]
fn what_was_there_goes_to_the_owner_that_closes() {
    check(3, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        locality.send(NORMAL, 1);
        let sender = locality.spawn_sender(&[(NORMAL, 2), (NORMAL, 3)]);
        let mut kept = Vec::new();
        locality.entrance.close(|item| kept.push(item));
        sender.join().unwrap();
        assert_eq!(kept.first(), Some(&1));
        kept.extend(locality.rejected());
        assert_eq!(kept, [1, 2, 3]);
    });
}

/// A driver may be dropped while its localities are parked.
#[test]
fn a_parked_entrance_closes_like_a_running_one() {
    check(5, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let sender = locality.spawn_sender(&[(NORMAL, 1)]);
        if locality.park() {
            locality.close();
        } else {
            locality.drain();
            locality.close();
        }
        sender.join().unwrap();
        locality.assert_each_ended_once(&[1]);
        assert!(token.wakes() <= locality.parks());
    });
}

/// Closed from elsewhere, in the middle of a turn: what the turn still does to the state must not
/// look like an open entrance to a sender.
#[test]
fn a_turn_does_not_open_what_is_closed() {
    check(3, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let sender = locality.spawn_sender(&[(NORMAL, 1)]);
        let closer = {
            let locality = locality.clone();
            thread::spawn(move || locality.close())
        };
        locality.park();
        locality.entrance.unpark();
        closer.join().unwrap();
        sender.join().unwrap();
        assert!(locality.entrance.is_closed());
        locality.assert_each_ended_once(&[1]);
    });
}

// Recycle: items 1.. belong to the old life, 10.. to the new one.

#[test]
fn a_stale_sender_does_not_reject_an_item_of_the_new_life() {
    check(5, || {
        let (old, new) = (Token::new(), Token::new());
        let locality = Locality::open(&old);
        let stale = locality.spawn_sender(&[(NORMAL, 1)]);
        locality.close();
        locality.entrance.reopen();
        locality.send(NORMAL, 10);
        locality.entrance.open(new);
        locality.drain();
        stale.join().unwrap();
        assert!(locality.handled().contains(&10));
        locality.drain();
        locality.assert_each_ended_once(&[1, 10]);
    });
}

#[test]
fn two_stale_senders_do_not_reject_an_item_of_the_new_life() {
    check(2, || {
        let token = Token::new();
        let locality = Locality::open(&token);
        let stale = [
            locality.spawn_sender(&[(NORMAL, 1)]),
            locality.spawn_sender(&[(NORMAL, 2)]),
        ];
        locality.close();
        locality.entrance.reopen();
        locality.send(NORMAL, 10);
        locality.drain();
        for sender in stale {
            sender.join().unwrap();
        }
        assert!(locality.handled().contains(&10));
        locality.drain();
        locality.assert_each_ended_once(&[1, 2, 10]);
    });
}

/// Nor is an item taken twice, if the new life is closed before the sender looks again.
#[test]
fn a_stale_sender_may_sleep_through_a_life() {
    check(5, || {
        let (old, new) = (Token::new(), Token::new());
        let locality = Locality::open(&old);
        let stale = locality.spawn_sender(&[(NORMAL, 1)]);
        locality.close();
        locality.entrance.open(new.clone());
        locality.send(NORMAL, 10);
        locality.drain();
        locality.close();
        stale.join().unwrap();
        locality.assert_each_ended_once(&[1, 10]);
    });
}

/// The new life parks and is woken as the first one was, whatever the stale sender does.
#[test]
fn a_recycled_entrance_is_never_missed() {
    check(3, || {
        let (old, new) = (Token::new(), Token::new());
        let locality = Locality::open(&old);
        let stale = locality.spawn_sender(&[(SYSTEM, 1)]);
        locality.close();
        locality.entrance.reopen();
        let sender = locality.spawn_sender(&[(NORMAL, 10)]);
        locality.entrance.open(new.clone());
        while !locality.handled().contains(&10) {
            turn_until(locality.handled().len() + 1, &new, &[&locality]);
        }
        sender.join().unwrap();
        // The stale item may still come. It must not be left lying before a sleeping owner.
        let asleep = locality.park();
        stale.join().unwrap();
        if asleep && locality.entrance.is_parked() {
            assert_eq!(locality.entrance.len(), 0);
        }
        assert_eq!(old.wakes(), 0);
        assert!(locality.rejected().iter().all(|&item| item < 10));
        locality.drain();
        locality.assert_each_ended_once(&[1, 10]);
    });
}

/// A lost locality is opened again under the same address: what the stale sender finds there is
/// rejected while it opens, and handled afterwards.
#[test]
fn a_sender_may_straddle_a_close_and_an_open() {
    check(3, || {
        let (old, new) = (Token::new(), Token::new());
        let locality = Locality::open(&old);
        locality.park();
        let sender = locality.spawn_sender(&[(NORMAL, 1), (NORMAL, 2)]);
        locality.close();
        locality.entrance.open(new.clone());
        locality.drain();
        let asleep = locality.park();
        sender.join().unwrap();
        if asleep && locality.entrance.is_parked() {
            assert_eq!(locality.entrance.len(), 0);
        }
        assert!(old.wakes() <= 1);
        locality.drain();
        locality.assert_each_ended_once(&[1, 2]);
    });
}

/// A future that was not ready when a poll looked is polled again by whoever made it ready.
#[test]
fn a_wake_during_a_poll_is_never_lost() {
    check(3, || {
        let scheduled = Arc::new(Scheduled::new());
        let ready = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let waker = {
            let (scheduled, ready) = (scheduled.clone(), ready.clone());
            thread::spawn(move || {
                ready.store(true, Ordering::Relaxed);
                scheduled.ask()
            })
        };
        scheduled.begin();
        let seen = ready.load(Ordering::Relaxed);
        let asked = waker.join().unwrap();
        assert!(seen || asked, "ready, and no poll will look");
    });
}
