//! Loom models of what calls the owner of a locality: the flag that many set and one takes, which
//! interrupts a slice, marks the futures of a list, and wakes a thread that spins; the bells of the
//! backends, whose files are included here with stand-ins for what they ring; and whether anybody
//! needs the loop.
//!
//! `scripts/loom.sh` runs them as it does those of `loom_gate.rs`. What is done before a call is a
//! relaxed store here: only the call orders it.

#![cfg(rotor_loom)]

extern crate self as glib;
extern crate self as mio;
extern crate self as rotor_core;

#[path = "../src/aim.rs"]
mod aim;
#[path = "../../rotor-smol/src/bell.rs"]
mod bell;
#[path = "../../rotor-glib/src/bell.rs"]
mod context_bell;
#[path = "../src/flag.rs"]
mod flag;
mod models;
#[path = "../src/scheduled.rs"]
mod scheduled;
#[path = "../../rotor-mio/src/signal.rs"]
mod signal;
#[path = "../src/vacancy.rs"]
mod vacancy;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::thread::{self, JoinHandle};

use aim::Aim;
use flag::Flag;
use models::check;
use vacancy::Vacancy;

/// As the one of core.
pub(crate) trait Wake: Send + Sync + 'static {
    fn wake(&self);
}

/// What a loop waits for: a remembered wake. Of loom's lock, because a wake-up that goes through an
/// eventfd or a condition variable orders memory as well.
#[derive(Clone, Debug)]
pub(crate) struct Token(Arc<(loom::sync::Mutex<bool>, loom::sync::Condvar)>);

/// The stand-ins, as the bells call them.
pub(crate) use Token as MainContext;
pub(crate) use Token as Waker;

impl Token {
    fn new() -> Token {
        Token(Arc::default())
    }

    /// Waits for a wake, and takes it. Without one, loom reports a deadlock.
    fn wait(&self) {
        let (woken, changed) = &*self.0;
        let mut woken = woken.lock().unwrap();
        while !*woken {
            woken = changed.wait(woken).unwrap();
        }
        *woken = false;
    }

    fn wakeup(&self) {
        let (woken, changed) = &*self.0;
        *woken.lock().unwrap() = true;
        changed.notify_one();
    }

    pub(crate) fn wake(&self) -> std::io::Result<()> {
        self.wakeup();
        Ok(())
    }
}

impl std::task::Wake for Token {
    fn wake(self: Arc<Self>) {
        self.wakeup();
    }
}

/// What two threads do before they call.
struct Done([AtomicBool; 2]);

impl Done {
    fn new() -> Arc<Done> {
        Arc::new(Done([AtomicBool::new(false), AtomicBool::new(false)]))
    }

    /// Does both, each in a thread of its own, which then calls.
    fn spawn_both<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        what: &Arc<T>,
        call: fn(&T),
    ) -> [JoinHandle<()>; 2] {
        [0, 1].map(|which| {
            let what = what.clone();
            self.spawn(which, move || call(&what))
        })
    }

    /// Does this in a thread of its own, which then calls.
    fn spawn(self: &Arc<Self>, which: usize, call: impl FnOnce() + 'static) -> JoinHandle<()> {
        let done = self.clone();
        thread::spawn(move || {
            done.0[which].store(true, Ordering::Relaxed);
            call();
        })
    }

    fn seen(&self) -> [bool; 2] {
        self.0.each_ref().map(|done| done.load(Ordering::Relaxed))
    }
}

fn join(all: [JoinHandle<()>; 2]) {
    for one in all {
        one.join().unwrap();
    }
}

/// What was done before a call is seen by a look after the flag was taken, or the flag is set for the
/// next one: so no kill is left behind by the slice that clears `pressing`, and no future of a list by
/// the poll that clears its mark, whoever else has set them meanwhile.
#[test]
fn what_comes_before_each_set_is_seen_by_who_takes() {
    check(3, || {
        let (flag, done) = (Arc::new(Flag::new(false)), Done::new());
        let setters = done.spawn_both(&flag, Flag::set);
        let seen = if flag.take() { done.seen() } else { [false; 2] };
        join(setters);
        assert!(flag.is_set() || seen == [true; 2], "what nobody looks for");
    });
}

/// A mio loop sleeps only if the next call writes, and a turn sees what was done before the calls that
/// were saved the write.
#[test]
fn a_call_of_a_mio_loop_is_never_lost() {
    check(3, || {
        let (token, done) = (Token::new(), Done::new());
        let signal = Arc::new(signal::Signal::new(Arc::new(token.clone())));
        let callers = done.spawn_both(&signal, Wake::wake);
        loop {
            signal.get_up();
            if done.seen() == [true; 2] {
                break;
            }
            // It spins first, for as long as it takes for one look.
            if !signal.is_woken() && signal.lie_down() {
                token.wait();
            }
        }
        join(callers);
    });
}

/// What the loop's own sockets ask for while it lies reaches its poll, also beside a call.
#[test]
fn a_mio_loop_that_lies_is_roused_by_its_own_sockets() {
    check(5, || {
        let (token, done) = (Token::new(), Done::new());
        let signal = Arc::new(signal::Signal::new(Arc::new(token.clone())));
        let caller = {
            let signal = signal.clone();
            done.spawn(0, move || Wake::wake(&*signal))
        };
        signal.get_up();
        if signal.lie_down() {
            signal.rouse();
            token.wait();
        }
        caller.join().unwrap();
    });
}

/// A main context polls only if the next call of another thread wakes it.
#[test]
fn a_call_of_a_main_context_is_never_lost() {
    check(3, || {
        let (context, done) = (Token::new(), Done::new());
        let bell = context_bell::Bell::new(&context);
        bell.ring(); // as whoever attaches a source
        let callers = done.spawn_both(&bell, Wake::wake);
        loop {
            if !bell.is_rung() {
                context.wait();
                continue;
            }
            bell.take();
            if done.seen() == [true; 2] {
                break;
            }
        }
        join(callers);
    });
}

/// A pump rests only if the next call wakes the task that polls it.
#[test]
fn a_call_of_a_future_is_never_lost() {
    check(3, || {
        let (task, done) = (Token::new(), Done::new());
        let waker = std::task::Waker::from(Arc::new(task.clone()));
        let bell = bell::Bell::new();
        let callers = done.spawn_both(&bell, Wake::wake);
        while done.seen() != [true; 2] {
            bell.listen(&waker);
            if !bell.take() {
                task.wait();
            }
        }
        join(callers);
    });
}

/// A wake of a cell's next task sends a poll, unless a stale waker of the one before has sent it, to the
/// next task and to nobody else.
#[test]
fn a_stale_waker_swallows_no_wake_of_the_next_task() {
    check(5, || {
        let aim = Arc::new(Aim::<()>::new());
        let gate = std::ptr::without_provenance_mut;
        aim.set(gate(1), 1, 1);
        let stale = {
            let aim = aim.clone();
            thread::spawn(move || {
                aim.ask()
                    .then(|| (aim.serial(), aim.gate().addr(), aim.target()))
            })
        };
        aim.clear();
        aim.set(gate(2), 2, 2);
        let asked = aim.ask();
        let sent = stale.join().unwrap();
        assert!(asked || sent == Some((2, 2, 2)), "nobody polls it");
        aim.begin();
        assert!(aim.ask(), "the poll before has begun");
    });
}

/// A loop that hosts sees that it is held by nobody else, or is told so, also if it begins to host meanwhile.
#[test]
fn whoever_lets_go_of_a_locality_last_is_noticed() {
    check(5, || {
        let vacancy = Arc::new(Vacancy::new());
        // As the count of an `Arc`: its own handle, and another one.
        let handles = Arc::new(AtomicUsize::new(2));
        let other = {
            let (vacancy, handles) = (vacancy.clone(), handles.clone());
            thread::spawn(move || {
                handles.fetch_sub(1, Ordering::Release);
                vacancy.is_told()
            })
        };
        vacancy.host(false);
        let unheld = handles.load(Ordering::Relaxed) == 1;
        let ends = vacancy.is_vacant(unheld);
        assert!(other.join().unwrap() || ends, "it goes on for ever");
    });
}

/// A job that was given while something was placed is run before the loop ends, though that is not any more.
#[test]
fn a_job_that_was_given_before_the_end_keeps_the_loop() {
    check(5, || {
        let vacancy = Arc::new(Vacancy::new());
        vacancy.host(true);
        vacancy.place();
        let other = {
            let vacancy = vacancy.clone();
            thread::spawn(move || {
                vacancy.give();
                vacancy.clear()
            })
        };
        assert!(!vacancy.is_vacant(false), "nobody has run it");
        assert!(other.join().unwrap());
        assert!(!vacancy.is_vacant(false));
        vacancy.done();
        assert!(vacancy.is_vacant(false) && vacancy.is_hosted());
        vacancy.renew();
        assert!(!vacancy.is_vacant(false) && !vacancy.is_hosted());
    });
}
