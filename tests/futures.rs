//! Futures that run in a locality, on every backend.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context as Cx, Poll, Waker};

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// A value that comes from another thread, with the waker of who waits for it.
pub struct Gift<T>(Arc<Mutex<(Option<T>, Option<Waker>)>>);

impl<T> Gift<T> {
    pub fn new() -> (Self, Self) {
        let shared = Arc::new(Mutex::new((None, None)));
        (Gift(shared.clone()), Gift(shared))
    }

    pub fn give(&self, value: T) {
        let mut shared = self.0.lock().unwrap();
        shared.0 = Some(value);
        let waker = shared.1.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Gift<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<T> {
        let mut shared = self.0.lock().unwrap();
        match shared.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                shared.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn a32_the_output_of_a_future_comes_to_its_actor(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let shared = Rc::new(20); // need not be `Send`
            cx.spawn(async move { *shared + 1 }, |me, n, cx| {
                me.say(n);
                cx.stop();
            });
            me.say("spawned");
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: spawned", "a: 21"]);
}

/// A future of futures is one output; one that is spawned by another is no different.
fn c_lp_10_nested_futures_flatten(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let inner = std::future::ready(std::future::ready(21));
            let flat = async { async { inner.await.await }.await * 2 };
            cx.spawn(flat, |me, n, cx| {
                me.say(n);
                cx.spawn(async move { n + 1 }, |me, n, cx| {
                    me.say(n);
                    cx.stop();
                });
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: 42", "a: 43"]);
}

fn a32_a_future_is_woken_from_another_thread(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let (gift, theirs) = Gift::new();
            cx.spawn(gift, |me, n: u32, cx| {
                me.say(n);
                cx.stop();
            });
            // Most often while the loop is parked.
            std::thread::spawn(move || theirs.give(33));
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: 33"]);
}

/// Woken inside its own poll, it is polled again, between other messages.
fn a32_a_future_that_yields_lets_others_run(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let (polls, mine) = (Rc::new(Cell::new(0)), cx.addr());
            let yields = poll_fn(move |cx| {
                polls.set(polls.get() + 1);
                mine.send(Num(polls.get()));
                cx.waker().wake_by_ref();
                cx.waker().wake_by_ref(); // one wake
                match polls.get() {
                    4 => Poll::Ready(()),
                    _ => Poll::Pending,
                }
            });
            cx.spawn(yields, |me, (), cx| {
                me.say("output");
                act(cx.addr(), |_, cx| cx.stop());
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: 1", "a: 2", "a: 3", "a: output", "a: 4"]);
}

fn a32_an_actor_awaits_the_answer_of_another(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            let both = async move {
                let one = b.ask(Double(1), LONG).await.unwrap();
                b.ask(Double(one), LONG).await.unwrap()
            };
            cx.spawn(both, |me, n, cx| {
                me.say(n);
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    assert_eq!(log.all(), ["a: 4"]);
}

fn a32_a_future_may_be_cancelled(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let guard = Guard(me.log.clone());
            let task = cx.spawn(
                async move {
                    let _guard = guard;
                    std::future::pending::<()>().await;
                },
                |me, (), _| me.say("never"),
            );
            let soon = cx.spawn(async {}, |me, (), _| me.say("never"));
            act(cx.addr(), move |me, cx| {
                me.say(cx.cancel(task));
                me.say(cx.cancel(task));
                cx.stop();
            });
            me.say(cx.cancel(soon));
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: true", "dropped", "a: true", "a: false"]);
}

struct Guard(Log);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.put("dropped");
    }
}

/// The waker lives on, on another thread; the `Rc` in the future does not.
fn s12_a_future_ends_with_its_instance_and_not_with_its_waker(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let (gift, theirs) = Gift::<u32>::new();
        let gift = RefCell::new(Some(gift));
        let watch = log.clone();
        std::thread::spawn(move || {
            watch.wait_for("second life");
            theirs.give(1); // wakes what is long gone
            drop(theirs);
            watch.put("woken");
            end(a);
        });
        let role = Role::new("b", &log).begin(move |me, cx| {
            if me.life > 1 {
                return me.log.put("second life");
            }
            let (gift, guard) = (gift.take().unwrap(), Rc::new(Guard(me.log.clone())));
            let task = async move {
                let n = gift.await;
                drop(guard);
                n
            };
            cx.spawn(task, |me, _, _| me.say("never"));
            crash(cx.addr());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b))
    });
    assert_eq!(log.all(), ["dropped", "second life", "woken"]);
}

/// `Rc<RefCell<Option<Task>>>` in the future itself: marked, dropped when the poll returns.
fn s08_a_future_may_cancel_itself_in_its_own_poll(on: &dyn Backend) {
    struct Own {
        log: Log,
    }
    struct Begin;
    struct Cancel(Task);
    impl Actor for Own {}
    impl Handler<Begin> for Own {
        fn handle(&mut self, _: Begin, cx: &mut Context<Self>) {
            let (task, this) = (Rc::new(Cell::new(None)), cx.addr());
            let (seen, guard) = (task.clone(), Guard(self.log.clone()));
            let future = poll_fn(move |_| {
                let _ = &guard;
                this.send(Cancel(seen.get().unwrap()));
                this.address().stop();
                Poll::<()>::Pending
            });
            task.set(Some(cx.spawn(future, |me, (), _| me.log.put("never"))));
        }
    }
    impl Handler<Cancel> for Own {
        fn handle(&mut self, Cancel(task): Cancel, cx: &mut Context<Self>) {
            cx.cancel(task);
        }
    }
    let log = Log::new();
    on.run(|here| {
        let (own, mine) = (here.reserve(), log.clone());
        own.send(Begin);
        let make = move || Own { log: mine.clone() };
        stage().child(Child::new("own", make).at(own).transient().significant())
    });
    assert_eq!(log.all(), ["dropped"]);
}

/// The output closure stops, spawns and cancels.
fn a32_an_output_may_spawn_the_next_future(on: &dyn Backend) {
    fn again(cx: &mut Context<Puppet>, left: u32) {
        cx.spawn(async move { left }, |me, left, cx| match left {
            0 => {
                me.say("over");
                cx.stop();
            }
            n => again(cx, n - 1),
        });
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| again(cx, 100));
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: over"]);
}

/// A waker is `Send` and may be dropped and used by many threads at once.
fn s12_many_threads_may_wake_one_future(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let done = Arc::new(Mutex::new(0));
            let mut started = false;
            let future = poll_fn(move |cx| {
                if !std::mem::replace(&mut started, true) {
                    for _ in 0..4 {
                        let (waker, done) = (cx.waker().clone(), done.clone());
                        std::thread::spawn(move || {
                            for _ in 0..50 {
                                waker.wake_by_ref();
                            }
                            *done.lock().unwrap() += 1;
                            waker.wake();
                        });
                    }
                }
                if *done.lock().unwrap() == 4 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            });
            cx.spawn(future, |me, (), cx| {
                me.say("ready");
                cx.stop();
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: ready"]);
}

/// What it was woken for is on its way when it is cancelled. The next future takes over the cell that
/// wakers point to, and begins as if it were a new one.
fn s12_a_future_that_was_cancelled_on_its_way_takes_no_poll_from_the_next(on: &dyn Backend) {
    let log = Log::new();
    const ROUNDS: usize = 500;

    fn round(me: &mut Puppet, cx: &mut Context<Puppet>) {
        if me.kept.len() == ROUNDS {
            me.say("all");
            return cx.stop();
        }
        let wakes = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let wakes = cx.spawn(wakes, |_, (), _| ());
        act(cx.addr(), move |_, cx| {
            assert!(cx.cancel(wakes));
            cx.spawn(std::future::ready(()), |me, (), cx| {
                me.kept.push(Box::new(()));
                act(cx.addr(), round);
            });
        });
    }

    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, round);
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: all"]);
}

/// Ten of them, in one actor, each waiting for its own gift.
fn a32_futures_of_one_actor_run_side_by_side(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let mut gifts = Vec::new();
            for n in 0..10 {
                let (gift, theirs) = Gift::new();
                gifts.push(theirs);
                cx.spawn(gift, move |me, m: u32, cx| {
                    assert_eq!(n, m);
                    me.kept.push(Box::new(()));
                    if me.kept.len() == 10 {
                        me.say("all");
                        cx.stop();
                    }
                });
            }
            std::thread::spawn(move || {
                for (n, gift) in gifts.iter().enumerate().rev() {
                    gift.give(n as u32);
                }
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: all"]);
}

/// Dropping the future of an answer gives it up; the answer is thrown away.
fn s13_a_question_may_be_given_up(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, cx| {
            drop(b.ask(Double(1), LONG));
            let answer = b.ask(Double(2), LONG);
            cx.spawn(answer, |me, n, cx| {
                me.say(format!("{n:?}"));
                cx.stop();
            });
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: Ok(4)"]);
}

bodies! {
    Each: [
        a32_the_output_of_a_future_comes_to_its_actor,
        c_lp_10_nested_futures_flatten,
        a32_a_future_is_woken_from_another_thread,
        a32_a_future_that_yields_lets_others_run,
        a32_a_future_may_be_cancelled,
        s12_a_future_ends_with_its_instance_and_not_with_its_waker,
        s08_a_future_may_cancel_itself_in_its_own_poll,
        a32_an_output_may_spawn_the_next_future,
        s12_a_future_that_was_cancelled_on_its_way_takes_no_poll_from_the_next,
        s12_many_threads_may_wake_one_future,
        a32_futures_of_one_actor_run_side_by_side,
        s13_a_question_may_be_given_up,
    ]
    Pair: [
        a32_an_actor_awaits_the_answer_of_another,
    ]
}
