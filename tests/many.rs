//! Lists of futures, and jobs on other threads.

use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;

use rotor_core::*;

use crate::backend::Backend;
use crate::futures::Gift;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Gifts that are not given yet, by their numbers.
type Givers = Rc<RefCell<Vec<Gift<u32>>>>;

/// Futures that log that they are taken, and wait for gifts.
fn gifts(log: Log, n: u32) -> (Givers, impl Iterator<Item = impl Future<Output = u32>>) {
    let (waiting, givers): (Vec<_>, Vec<_>) = (0..n).map(|_| Gift::new()).unzip();
    let futures = (0..n).zip(waiting).map(move |(n, gift)| {
        let log = log.clone();
        async move {
            log.put(format!("takes {n}"));
            gift.await
        }
    });
    (Rc::new(RefCell::new(givers)), futures)
}

fn give(to: &Givers, n: u32) {
    to.borrow()[n as usize].give(n);
}

fn a32_of_a_list_so_many_futures_run_at_a_time(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let (givers, futures) = gifts(me.log.clone(), 6);
            let mut next = vec![5, 1, 4, 0, 3];
            give(&givers, 2);
            cx.spawn_each(3, futures, move |me, got, cx| {
                match got {
                    Some(n) => me.say(n),
                    None => cx.stop(),
                }
                next.pop().into_iter().for_each(|n| give(&givers, n));
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    let all =
        "takes 0, takes 1, takes 2, a: 2, takes 3, a: 3, takes 4, a: 0, takes 5, a: 4, a: 1, a: 5";
    assert_eq!(log.all().join(", "), all);
}

fn a32_outputs_may_come_in_the_order_of_the_list(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let (givers, futures) = gifts(me.log.clone(), 5);
            for n in [2, 1, 4, 3] {
                give(&givers, n);
            }
            cx.spawn_each_in_order(3, futures, |me, got, cx| match got {
                Some(n) => me.say(n),
                None => cx.stop(),
            });
            // Behind the first poll.
            cx.after(
                ms(1),
                Again(Rc::new(move |me, _| {
                    me.say("gives the first");
                    give(&givers, 0);
                })),
            );
        });
        stage().child(lead("a", &log).at(a))
    });
    let all = "takes 0, takes 1, takes 2, a: gives the first, a: 0, a: 1, a: 2, takes 3, takes 4, a: 3, a: 4";
    assert_eq!(log.all().join(", "), all);
}

/// Something that is counted while it lives.
struct Live(Log);

impl Live {
    fn new(log: &Log) -> Self {
        log.born();
        Live(log.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.dead();
    }
}

fn a32_a_list_of_futures_ends_with_its_instance(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let log = me.log.clone();
            let futures = (0..10).map(move |_| {
                let live = Live::new(&log);
                async move {
                    let _live = live;
                    pending::<()>().await;
                }
            });
            cx.spawn_each(4, futures, |me, _, _| me.say("an output"));
            crash(cx.addr());
        });
        let role = Role::new("a", &log).begin(|me, cx| {
            if me.life == 2 {
                me.say(format!("{} lives", me.log.live()));
                cx.stop();
            }
        });
        stage().child(role.child().transient().significant().at(a))
    });
    assert_eq!(log.all(), ["a: 1 lives"]); // the new instance
}

fn a32_a_list_of_futures_may_be_cancelled_by_an_output(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let (log, task) = (me.log.clone(), Rc::new(Cell::new(None::<Task>)));
            let mine = task.clone();
            let futures = (0..10).map(move |n| {
                let live = Live::new(&log);
                async move {
                    let _live = live;
                    n
                }
            });
            let spawned = cx.spawn_each(4, futures, move |me, n, cx| {
                me.say(n.map_or(99, |n: u32| n));
                me.say(cx.cancel(mine.get().unwrap()));
                end(cx.addr());
            });
            task.set(Some(spawned));
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: 0", "a: true"]);
}

/// The one that stops its actor is the last, unless something keeps that stop open.
fn a32_an_output_that_stops_its_actor_is_the_last_before_the_stop(on: &dyn Backend) {
    for held in [false, true] {
        let log = Log::new();
        on.run_clean(&log, |here| {
            let a = here.reserve();
            act(a, |_, cx| {
                cx.spawn_each(4, (0..3).map(ready), |me, got, cx| {
                    me.say(format!("{got:?}"));
                    cx.stop();
                    if got.is_none() {
                        me.kept.clear();
                    }
                });
            });
            let role = Role::new("a", &log).stop(move |me, _, cx| {
                me.say("stops");
                me.kept
                    .extend(held.then(|| Box::new(cx.hold("the list")) as _));
            });
            stage().child(role.child().transient().significant().at(a))
        });
        let all = "a: Some(0), a: stops";
        let rest = ", a: Some(1), a: Some(2), a: None";
        let rest = if held { rest } else { "" };
        assert_eq!(log.all().join(", "), format!("{all}{rest}"));
    }
}

/// A failure that somebody has asked for: the instance lives until it has stopped in order.
fn a32_a_stop_may_wait_for_a_list_whatever_its_reason(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve::<Puppet>();
        let why = Exit::failed(Error::message("why"));
        a.address().stop_with(why);
        let role = Role::new("a", &log).stop(|_, _, cx| {
            let mut hold = Some(cx.hold("the list"));
            cx.spawn_each(2, (0..3).map(ready), move |me, got, _| match got {
                Some(n) => me.say(n),
                None => drop(hold.take()),
            });
        });
        stage().child(role.child().temporary().significant().at(a))
    });
    assert_eq!(log.all(), ["a: 0", "a: 1", "a: 2"]);
    assert_eq!(played.exits[0], "a: failed: why");
}

/// However many are ready: what else there is to do has its turn.
fn a32_a_list_without_an_end_keeps_nobody_out(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let endless = std::iter::repeat_with(|| ready(()));
            cx.spawn_each(2, endless, |_, _, _| ());
            later(cx, ms(1), |me, cx| {
                me.say("has its turn");
                cx.stop();
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: has its turn"]);
}

fn a32_a_panic_of_a_future_is_the_actors_or_an_output(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let futures = (0..4).map(|n| async move {
                assert!(n != 2, "the third");
                n
            });
            cx.spawn_each(2, futures.clone().map(catch_panic), move |me, got, cx| match got {
                Some(Ok(n)) => me.say(n),
                Some(Err(exit)) => {
                    assert!(matches!(exit.reason(), ExitReason::Panicked(text) if text.contains("third")));
                    me.say("a panic");
                }
                None => {
                    let again = futures.clone();
                    cx.spawn_each(2, again, |me, got, _| me.say(format!("{got:?}")));
                }
            });
        });
        let a1 = Role::new("a", &log).child().temporary().significant();
        stage().child(a1.at(a))
    });
    assert_eq!(
        log.all(),
        [
            "a: 0",
            "a: 1",
            "a: a panic",
            "a: 3",
            "a: Some(0)",
            "a: Some(1)"
        ]
    );
    assert!(
        played.exits[0].starts_with("a: panicked: "),
        "{:?}",
        played.exits
    );
    assert_eq!(log.live(), 0);
}

fn a32_a_job_runs_elsewhere_and_its_result_comes_here(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, away) = (here.reserve(), far.spawn("away"));
        act(a, move |_, cx| {
            let mine = thread::current().id();
            let name = away.job(|| thread::current().name().map(str::to_owned));
            cx.spawn(name, move |me, name, cx| {
                assert_eq!(thread::current().id(), mine);
                me.say(name.unwrap().unwrap());
                cx.stop();
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: away"]);
}

/// A panic in a job is an error of that job: others go on.
fn a32_a_job_that_panics_is_an_error(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, away) = (here.reserve(), far.spawn("away"));
        act(a, move |_, cx| {
            let jobs = (0..3).map(move |n| away.job(move || assert_ne!(n, 1, "the second")));
            cx.spawn_each_in_order(3, jobs, |me, done, cx| match done {
                Some(Ok(())) => me.say("done"),
                Some(Err(RequestError::Ended(exit))) => {
                    assert!(matches!(exit.reason(), ExitReason::Panicked(_)));
                    me.say("a panic");
                }
                Some(Err(error)) => panic!("{error}"),
                None => cx.stop(),
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: done", "a: a panic", "a: done"]);
}

/// One that has not begun when its actor ends does not begin any more.
fn a32_jobs_end_with_the_instance_that_wants_them(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b, away) = (here.reserve(), here.reserve(), far.spawn("away"));
        let (go, gone) = channel::<()>();
        let theirs = away.clone();
        act(b, move |me, cx| {
            let (log, second) = (me.log.clone(), me.log.clone());
            let first = theirs.job(move || {
                log.put("the first runs");
                let _ = gone.recv();
            });
            cx.spawn(first, |me, _, _| me.say("the first is over"));
            let second = theirs.job(move || second.put("the second runs"));
            cx.spawn(second, |me, _, _| me.say("the second is over"));
        });
        when(a, (1, "the first runs"), move |_, cx| {
            crash(b);
            // Behind the end of `b`, and behind its jobs.
            act(b, move |_, cx| {
                drop(go);
                cx.spawn(away.job(|| ()), move |me, _, _| {
                    me.say("the third is over");
                    a.stop();
                });
            });
            let _ = cx;
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["the first runs", "b: the third is over"]);
}

fn a32_a_job_for_a_locality_that_has_ended_is_an_error(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let never = Locality::new("never");
            let job = never.job(|| unreachable!("nobody opens it"));
            drop(never);
            cx.spawn(job, |me, done: Result<(), _>, cx| {
                me.say(format!("{done:?}"));
                cx.stop();
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: Err(Gone)"]);
}

bodies! {
    Each: [
        a32_of_a_list_so_many_futures_run_at_a_time,
        a32_outputs_may_come_in_the_order_of_the_list,
        a32_a_list_of_futures_ends_with_its_instance,
        a32_a_list_of_futures_may_be_cancelled_by_an_output,
        a32_an_output_that_stops_its_actor_is_the_last_before_the_stop,
        a32_a_stop_may_wait_for_a_list_whatever_its_reason,
        a32_a_list_without_an_end_keeps_nobody_out,
        a32_a_panic_of_a_future_is_the_actors_or_an_output,
        a32_a_job_for_a_locality_that_has_ended_is_an_error,
    ]
    Pair: [
        a32_a_job_runs_elsewhere_and_its_result_comes_here,
        a32_a_job_that_panics_is_an_error,
        a32_jobs_end_with_the_instance_that_wants_them,
    ]
}
