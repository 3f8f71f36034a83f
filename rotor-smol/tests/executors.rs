//! Loops: their own, futures on other executors, threads, and the end of a future that is dropped.

#![expect(unsafe_code)]

mod common;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context as TaskContext, Poll, RawWaker, RawWakerVTable, Waker};
use std::thread;
use std::time::Duration;

use async_executor::LocalExecutor;
use common::*;
use futures_lite::future;
use rotor_core::*;
use rotor_smol::{Pump, Sleep, SmolLoop};

/// Always has a message left, until it is told to end.
struct Flood;
struct Drip;
struct Enough;

impl Actor for Flood {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        (0..10_000).for_each(|_| cx.addr().send(Drip));
        Ok(())
    }
}

impl Handler<Drip> for Flood {
    fn handle(&mut self, _: Drip, cx: &mut Context<Self>) {
        cx.addr().send(Drip);
    }
}

impl Handler<Enough> for Flood {
    const LANE: Lane = Lane::Urgent;
    fn handle(&mut self, _: Enough, cx: &mut Context<Self>) {
        cx.stop();
    }
}

fn flood() -> (App, Pump, Addr<Flood>) {
    let main = SmolLoop::new();
    let flood = main.locality().reserve();
    let child = Child::new("flood", || Flood).at(flood);
    let (app, pump) = main.start(only(child)).unwrap();
    (app, pump, flood)
}

/// A tree of one doer that is not yet polled.
fn pump() -> (App, Pump, Addr<Doer>) {
    let main = SmolLoop::new();
    let a = main.locality().reserve();
    let (app, pump) = main.start(only(doer(a))).unwrap();
    (app, pump, a)
}

// ---- executors -------------------------------------------------------------------------------

#[test]
fn a_loop_runs_a_tree_to_its_end() {
    within_limit(|| {
        let main = SmolLoop::new();
        let a = main.locality().reserve();
        act(a, |_, cx| cx.stop()); // before the start
        let exit = main.run(only(doer(a))).unwrap();
        assert_eq!(exit.to_string(), "shutdown, because doer ended: normal");
    });
}

#[test]
fn a_tree_runs_under_any_block_on() {
    within_limit(|| {
        let (app, pump, a) = pump();
        let sender = thread::spawn(move || {
            for _ in 0..1000 {
                act(a, |me, cx| {
                    me.count += 1;
                    if me.count == 1000 {
                        cx.stop();
                    }
                });
            }
        });
        let exit = future::block_on(pump);
        sender.join().unwrap();
        assert!(orderly(&exit));
        assert_eq!(app.wait().unwrap().to_string(), exit.to_string());
    });
}

#[test]
fn other_tasks_of_a_local_executor_are_not_starved_by_a_flood() {
    within_limit(|| {
        let (app, pump, flood) = flood();
        let executor = LocalExecutor::new();
        let turns = Rc::new(Cell::new(0));
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let turns = turns.clone();
                executor.spawn(async move {
                    for _ in 0..20 {
                        future::yield_now().await;
                        turns.set(turns.get() + 1);
                    }
                })
            })
            .collect();
        let tree = executor.spawn(pump);
        let exit = future::block_on(executor.run(async {
            for task in tasks {
                task.await;
            }
            flood.send(Enough);
            tree.await
        }));
        assert_eq!(turns.get(), 60);
        assert!(orderly(&exit));
        assert!(orderly(&app.wait().unwrap()));
    });
}

/// Each of its ticks takes longer than it is from one to the next.
struct Slow(Rc<Cell<u32>>);

#[derive(Clone)]
struct Tick;

impl Actor for Slow {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.every(Duration::from_millis(1), Tick);
        Ok(())
    }
}

impl Handler<Tick> for Slow {
    fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        thread::sleep(Duration::from_millis(2));
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn other_tasks_get_their_turns_while_a_timer_never_catches_up() {
    within_limit(|| {
        let ticks = Rc::new(Cell::new(0));
        let theirs = ticks.clone();
        let slow = Child::new("slow", move || Slow(theirs.clone()));
        let (app, pump) = SmolLoop::new().start(only(slow)).unwrap();
        let executor = LocalExecutor::new();
        let other = executor.spawn(async move {
            while ticks.get() < 5 {
                future::yield_now().await;
            }
        });
        let tree = executor.spawn(pump);
        let exit = future::block_on(executor.run(async {
            other.await;
            app.shutdown();
            tree.await
        }));
        assert!(orderly(&exit));
    });
}

#[test]
fn a_tree_is_a_task_of_a_tokio_runtime_beside_others() {
    within_limit(|| {
        let (app, pump, flood) = flood();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let tasks = tokio::task::LocalSet::new();
        let exit = tasks.block_on(&runtime, async {
            let tree = tokio::task::spawn_local(pump);
            let other = tokio::task::spawn_local(async {
                for _ in 0..5 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            other.await.unwrap();
            flood.send(Enough);
            tree.await.unwrap()
        });
        assert!(orderly(&exit));
        assert!(orderly(&app.wait().unwrap()));
    });
}

/// The runtime lets a task receive so much at once only: an actor's future gets the rest later.
#[test]
fn ten_thousand_messages_come_through_a_channel_of_tokio() {
    within_limit(|| {
        let (_app, pump, a) = pump();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        act(a, move |_, cx| {
            let all = async move {
                let mut n = 0;
                while let Some(i) = told.recv().await {
                    assert_eq!(i, n);
                    n += 1;
                }
                n
            };
            cx.spawn(all, |_, n, cx| {
                assert_eq!(n, 10_000);
                cx.stop();
            });
        });
        let sender = thread::spawn(move || (0..10_000).for_each(|i| tell.send(i).unwrap()));
        let runtime = tokio::runtime::Builder::new_current_thread();
        let exit = { runtime }.build().unwrap().block_on(pump);
        sender.join().unwrap();
        assert_eq!(exit.to_string(), "shutdown, because doer ended: normal");
    });
}

#[test]
fn a_send_from_a_sibling_task_wakes_the_tree() {
    within_limit(|| {
        let (_app, pump, a) = pump();
        let executor = LocalExecutor::new();
        let tree = executor.spawn(pump);
        let exit = future::block_on(executor.run(async {
            // The tree is parked by the time of each send.
            for n in 1..=100 {
                (0..5).for_each(|_| act(a, |_, _| {}));
                let (tell, told) = async_channel::bounded(1);
                act(a, move |me, _| {
                    me.count += 1;
                    tell.try_send(me.count).unwrap();
                });
                assert_eq!(told.recv().await, Ok(n));
                future::yield_now().await;
            }
            act(a, |_, cx| cx.stop());
            tree.await
        }));
        assert!(orderly(&exit));
    });
}

#[test]
fn the_tree_goes_on_when_another_task_polls_it() {
    within_limit(|| {
        let (_app, mut pump, a) = pump();
        // Polled here at first, with a waker of nobody.
        for _ in 0..10 {
            let nobody = &mut TaskContext::from_waker(Waker::noop());
            assert!(pin!(&mut pump).poll(nobody).is_pending());
        }
        let sender = thread::spawn(move || act(a, |_, cx| cx.stop()));
        assert!(orderly(&future::block_on(pump)));
        sender.join().unwrap();
    });
}

/// A clone is foreign code: it may panic, or send.
#[test]
fn a_waker_is_cloned_only_where_the_tree_is_polled() {
    thread_local! {
        static POLLED_HERE: Cell<bool> = const { Cell::new(false) };
    }
    static WOKEN: AtomicBool = AtomicBool::new(false);
    fn wake(_: *const ()) {
        WOKEN.store(true, Ordering::Relaxed);
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            assert!(POLLED_HERE.get());
            RawWaker::new(data, &TABLE)
        },
        wake,
        wake,
        |_| {},
    );
    within_limit(|| {
        POLLED_HERE.set(true);
        // SAFETY: the functions of the table use no data, and may be called on any thread.
        let waker = unsafe { Waker::new(ptr::null(), &TABLE) };
        let (_app, mut pump, a) = pump();
        let mut poll = || pin!(&mut pump).poll(&mut TaskContext::from_waker(&waker));
        for last in [false, false, true] {
            while poll().is_pending() && WOKEN.swap(false, Ordering::Relaxed) {}
            let job = move |_: &mut Doer, cx: &mut Context<Doer>| {
                if last {
                    cx.stop();
                }
            };
            thread::spawn(move || act(a, job)).join().unwrap();
            assert!(WOKEN.load(Ordering::Relaxed), "each time");
        }
        while poll().is_pending() {}
    });
}

#[test]
fn a_tree_that_is_refused_starts_nothing() {
    let same = || Child::new("same", Doer::default);
    let tree = Supervisor::one_for_one("wrong").child(same()).child(same());
    let error = SmolLoop::new().run(tree).unwrap_err();
    assert!(matches!(error, StartError::DuplicateName { .. }));
}

#[test]
fn a_panic_in_a_handler_ends_one_instance_only() {
    within_limit(|| {
        let main = SmolLoop::new();
        let a = main.locality().reserve();
        act(a, |me, _| me.count = 7);
        act(a, |_, _| {
            panic!("a handler panics: this is part of the test")
        });
        act(a, |me, cx| {
            assert_eq!(me.count, 0, "it is a fresh instance");
            cx.stop();
        });
        let exit = main.run(only(doer(a))).unwrap();
        assert_eq!(exit.to_string(), "shutdown, because doer ended: normal");
    });
}

// ---- a future that is dropped ----------------------------------------------------------------

#[test]
fn dropping_the_future_early_drops_the_actors_children_first() {
    struct Named(&'static str, mpsc::Sender<&'static str>);
    impl Actor for Named {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let tell = self.1.clone();
            match self.0 {
                "parent" => {
                    cx.child(Child::new("child", move || Named("child", tell.clone())));
                }
                "child" => {
                    cx.child(Child::new("grandchild", move || {
                        Named("grandchild", tell.clone())
                    }));
                }
                _ => {}
            }
            Ok(())
        }
        fn stop(&mut self, _: &Exit, _: &mut Context<Self>) {
            unreachable!("a lost locality does not stop in order");
        }
    }
    impl Drop for Named {
        fn drop(&mut self) {
            let _ = self.1.send(self.0);
        }
    }
    within_limit(|| {
        let (tell, dropped) = mpsc::channel();
        let main = SmolLoop::new();
        let make = move || Named("parent", tell.clone());
        let (app, mut pump) = main.start(only(Child::new("parent", make))).unwrap();
        for _ in 0..10 {
            let nobody = &mut TaskContext::from_waker(Waker::noop());
            assert!(pin!(&mut pump).poll(nobody).is_pending());
        }
        let waiting = thread::spawn({
            let app = app.clone();
            move || app.wait().unwrap()
        });
        assert_eq!(app.wait().unwrap_err(), WouldDeadlock);
        drop(pump);
        let dropped: Vec<_> = dropped.try_iter().collect();
        assert_eq!(dropped, ["grandchild", "child", "parent"]);
        for exit in [app.wait().unwrap(), waiting.join().unwrap()] {
            assert!(matches!(exit.reason(), ExitReason::Lost(_)), "{exit}");
        }
    });
}

#[test]
fn a_future_that_is_dropped_before_its_first_poll_is_lost_as_well() {
    within_limit(|| {
        let (app, pump, a) = pump();
        drop(pump);
        let exit = app.wait().unwrap();
        assert!(matches!(exit.reason(), ExitReason::Lost(_)), "{exit}");
        assert_eq!(a.address().state(), Lifecycle::Gone);
    });
}

// ---- threads ---------------------------------------------------------------------------------

thread_local! {
    static MOURNER: RefCell<Option<Dropped>> = const { RefCell::new(None) };
}

/// A tree whose actor is a doer on `far`.
fn on(far: &Locality, a: Addr<Doer>) -> Supervisor {
    let build = move |s: Supervisor| s.child(doer(a).transient().significant());
    let remote = Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any);
    Supervisor::one_for_one("app")
        .auto_shutdown(AutoShutdown::Any)
        .child(remote.on(far, build).transient().significant())
}

#[test]
fn a_spawned_loop_ends_with_the_tree_that_used_it() {
    within_limit(|| {
        let far = SmolLoop::spawn("far").unwrap();
        let a = far.reserve();
        let (tell, told) = mpsc::channel();
        act(a, move |_, cx| {
            MOURNER.set(Some(Dropped(tell)));
            let nap = Sleep::after(Duration::from_millis(1));
            cx.spawn(nap, |_, _, cx| cx.stop());
        });
        let tree = on(&far, a);
        drop(far);
        let exit = ThreadLoop::new().run(tree).unwrap();
        assert!(orderly(&exit), "{exit}");
        assert_ne!(told.try_recv().unwrap(), thread::current().id());
    });
}

/// Real time, because that is what is promised.
#[test]
#[cfg(target_os = "linux")]
fn an_idle_loop_is_not_woken() {
    within_limit(|| {
        let far = SmolLoop::spawn("far").unwrap();
        let a = far.reserve();
        let main = thread::spawn(move || {
            let tree = on(&far, a);
            drop(far);
            ThreadLoop::new().run(tree).unwrap()
        });
        let (tell, told) = mpsc::channel();
        act(a, move |_, cx| {
            cx.after(Duration::from_secs(3600), Do::new(|_, _| {}));
            cx.spawn(future::pending::<()>(), |_, (), _| {});
            tell.send(std::fs::read_link("/proc/thread-self").unwrap())
                .unwrap();
        });
        let id = next(&told);
        // The reactor of async-io serves the whole process: its thread may be this one.
        assert!(wakes_of_an_idle(&id) <= 2);
        act(a, |_, cx| cx.stop());
        assert!(orderly(&main.join().unwrap()));
    });
}

#[test]
fn the_end_is_told_once() {
    let (app, mut pump, a) = pump();
    act(a, |_, cx| cx.stop());
    let exit = future::block_on(&mut pump);
    let nobody = &mut TaskContext::from_waker(Waker::noop());
    let again = pin!(&mut pump).poll(nobody);
    assert!(matches!(again, Poll::Pending), "told once");
    assert_eq!(app.wait().unwrap().to_string(), exit.to_string());
}

#[test]
fn t04_time_passes_when_the_clock_of_a_loop_is_set() {
    within_limit(|| {
        let (executor, clock) = (LocalExecutor::new(), Clock::manual());
        let main = SmolLoop::with_clock(clock.clone());
        let a = main.locality().reserve();
        nap(a);
        let (_app, pump) = main.start(only(doer(a))).unwrap();
        let pump = executor.spawn(pump);
        while executor.try_tick() {}
        let last = Duration::from_nanos(1);
        clock.advance(NAP - last);
        assert!(!executor.try_tick(), "it is not due yet");
        thread::spawn(move || clock.advance(last));
        assert!(orderly(&future::block_on(executor.run(pump))));
    });
}

#[test]
fn m11_a_new_loop_takes_the_locality_of_a_lost_one() {
    within_limit(|| {
        let (far, pump) = SmolLoop::new().host();
        let a = far.reserve();
        let (root, lives) = (patient(&far, a), call(a));
        let mut pump = Box::pin(pump);
        future::block_on(future::poll_fn(|cx| {
            let polled = pump.as_mut().poll(cx);
            assert!(polled.is_pending());
            match lives.try_recv() {
                Ok(()) => Poll::Ready(()),
                Err(_) => Poll::Pending,
            }
        }));
        let early = SmolLoop::new();
        assert_eq!(early.open(&far), Err(BindError::AlreadyOpen));
        drop(pump);
        assert_eq!(a.address().state(), Lifecycle::Gone);

        let place = far.clone();
        let next = thread::spawn(move || {
            let next = SmolLoop::new();
            next.open(&place).unwrap();
            act(a, |me, cx| {
                assert_eq!(me.count, 0, "it is a fresh instance");
                let nap = Sleep::after(Duration::from_millis(1));
                cx.spawn(nap, |_, _, cx| cx.stop());
            });
            next.serve().unwrap()
        });
        assert!(orderly(&root.join().unwrap()));
        assert!(orderly(&next.join().unwrap()));
        assert_eq!(early.open(&far), Err(BindError::Ended));
    });
}

#[test]
fn e04_a_future_serves_subtrees_of_other_loops() {
    within_limit(|| {
        let (far, pump) = SmolLoop::new().host();
        let a = far.reserve();
        let main = thread::spawn(move || {
            let tree = on(&far, a);
            drop(far);
            act(a, |_, cx| cx.stop());
            ThreadLoop::new().run(tree).unwrap()
        });
        let _ = future::block_on(pump);
        assert!(orderly(&main.join().unwrap()));
    });
}
