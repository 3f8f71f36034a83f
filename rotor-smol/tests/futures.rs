//! Futures of actors, and what the reactor and other threads wake.

mod common;

use std::future::poll_fn;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use rotor_core::*;
use rotor_smol::{Async, Sleep, SmolLoop};

/// Runs one doer to its end, which must be in order; `job` is its first message.
fn run(job: impl FnOnce(&mut Doer, &mut Context<Doer>) + Send + 'static) {
    within_limit(move || {
        let main = SmolLoop::new();
        let a = main.locality().reserve();
        act(a, job);
        let exit = main.run(only(doer(a))).unwrap();
        assert_eq!(exit.to_string(), "shutdown, because doer ended: normal");
    });
}

#[test]
fn two_actors_talk_over_a_socket() {
    struct Server(Option<Async<UnixStream>>);
    impl Actor for Server {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let mut stream = self.0.take().expect("started once");
            let serve = async move {
                let mut buffer = [0; 4096];
                loop {
                    match stream.read(&mut buffer).await? {
                        0 => return std::io::Result::Ok(()),
                        n => stream.write_all(&buffer[..n]).await?,
                    }
                }
            };
            cx.spawn(serve, |_, served, cx| match served {
                Ok(()) => cx.stop(),
                Err(error) => cx.fail(error),
            });
            Ok(())
        }
    }
    struct Client(Option<Async<UnixStream>>);
    impl Actor for Client {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let mut stream = self.0.take().expect("started once");
            let call = async move {
                for n in 0..200u32 {
                    let said = [n as u8; 3000];
                    let mut heard = [0; 3000];
                    stream.write_all(&said).await?;
                    stream.read_exact(&mut heard).await?;
                    assert_eq!(said, heard);
                }
                std::io::Result::Ok(())
            };
            cx.spawn(call, |_, called, cx| match called {
                Ok(()) => cx.stop(),
                Err(error) => cx.fail(error),
            });
            Ok(())
        }
    }
    within_limit(|| {
        let (here, there) = UnixStream::pair().unwrap();
        let here = Async::new(here).unwrap();
        let there = Async::new(there).unwrap();
        let tree = Supervisor::one_for_one("app")
            .auto_shutdown(AutoShutdown::All)
            .child(Child::once("server", |_| Ok(Server(Some(there)))).significant())
            .child(Child::once("client", |_| Ok(Client(Some(here)))).significant());
        let exit = SmolLoop::new().run(tree).unwrap();
        assert!(orderly(&exit), "{exit}");
    });
}

/// Real time, because that is what is promised.
#[test]
fn timers_in_futures_and_of_actors_are_never_early() {
    run(|_, cx| {
        let naps = async {
            for _ in 0..20 {
                let begun = Instant::now();
                Sleep::after(Duration::from_micros(300)).await;
                assert!(begun.elapsed() >= Duration::from_micros(300));
            }
        };
        cx.spawn(naps, |_, (), cx| {
            let due = Instant::now() + Duration::from_micros(300);
            let stop = move |_: &mut Doer, cx: &mut Context<Doer>| {
                assert!(Instant::now() >= due);
                cx.stop();
            };
            cx.after(Duration::from_micros(300), Do::new(stop));
        });
    });
}

#[test]
fn a_future_that_always_has_something_does_not_keep_others_out() {
    run(|me, cx| {
        me.count = 100;
        cx.spawn(
            async {
                loop {
                    future::yield_now().await;
                }
            },
            |_, (), _| unreachable!(),
        );
        fn count_down(me: &mut Doer, cx: &mut Context<Doer>) {
            me.count -= 1;
            match me.count {
                0 => cx.stop(),
                _ => {
                    cx.after(Duration::from_micros(10), Do::new(count_down));
                }
            }
        }
        count_down(me, cx);
    });
}

#[test]
fn e10_sockets_are_served_while_an_actor_floods_itself() {
    within_limit(|| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let echo = thread::spawn(move || {
            let mut said = [0];
            for _ in 0..100 {
                far.read_exact(&mut said).unwrap();
                far.write_all(&said).unwrap();
            }
        });
        let main = SmolLoop::new();
        let a = main.locality().reserve();
        let done = Arc::new(AtomicBool::new(false));
        let (over, mut near) = (done.clone(), Async::new(near).unwrap());
        act(a, move |_, cx| {
            let pings = async move {
                for n in 0..100 {
                    let mut heard = [0];
                    near.write_all(&[n]).await.unwrap();
                    near.read_exact(&mut heard).await.unwrap();
                    assert_eq!(heard, [n]);
                }
            };
            cx.spawn(pings, move |_, (), _| over.store(true, Ordering::Relaxed));
        });
        flood(a, &done);
        assert!(orderly(&main.run(only(doer(a))).unwrap()));
        echo.join().unwrap();
    });
}

#[test]
fn ten_thousand_messages_come_through_a_channel() {
    run(|_, cx| {
        let (tell, told) = async_channel::bounded(64);
        thread::spawn(move || (0..10_000).for_each(|i| tell.send_blocking(i).unwrap()));
        let all = async move {
            let mut n = 0;
            while let Ok(i) = told.recv().await {
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
}

/// Where a future leaves its waker for others.
type Left = Arc<Mutex<Option<Waker>>>;

/// Never ready; leaves its waker and tells of each poll.
fn leave(left: Left, polled: mpsc::Sender<()>) -> impl Future<Output = ()> {
    poll_fn(move |cx| {
        *left.lock().unwrap() = Some(cx.waker().clone());
        let _ = polled.send(());
        Poll::<()>::Pending
    })
}

#[test]
fn a_waker_that_outlives_its_actor_does_nothing_and_keeps_nothing() {
    within_limit(|| {
        let main = SmolLoop::new();
        let a = main.locality().reserve();
        let left = Left::default();
        let (tell, dropped) = mpsc::channel();
        let (tell_poll, polled) = mpsc::channel();
        let theirs = left.clone();
        act(a, move |_, cx| {
            let own = Rc::new(Dropped(tell)); // must not be dropped elsewhere
            let wait = leave(theirs, tell_poll);
            let wait = async move {
                wait.await;
                drop(own);
            };
            cx.spawn(wait, |_, (), _| unreachable!());
        });
        let waker = thread::spawn(move || {
            // Waked from another thread it is polled again.
            for _ in 0..10 {
                next(&polled);
                left.lock().unwrap().clone().unwrap().wake();
            }
            next(&polled);
            act(a, |_, cx| cx.stop());
            // The actor's end drops the future, with all that it holds.
            assert!(polled.recv().is_err());
            let last = left.lock().unwrap().take().unwrap();
            for _ in 0..10 {
                last.wake_by_ref();
            }
            drop(last);
        });
        let exit = main.run(only(doer(a))).unwrap();
        assert!(orderly(&exit), "{exit}");
        waker.join().unwrap();
        assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
    });
}

#[test]
fn a_waker_may_be_used_after_its_loop_has_ended() {
    within_limit(|| {
        let left = Left::default();
        for _ in 0..3 {
            let main = SmolLoop::new();
            let a = main.locality().reserve();
            let theirs = left.clone();
            act(a, move |_, cx| {
                if let Some(waker) = theirs.lock().unwrap().take() {
                    waker.wake(); // of the loop before
                }
                let (tell, told) = mpsc::channel();
                cx.spawn(leave(theirs.clone(), tell), |_, (), _| unreachable!());
                let polled = async move {
                    while told.try_recv().is_err() {
                        future::yield_now().await;
                    }
                };
                cx.spawn(polled, |_, (), cx| cx.stop());
            });
            assert!(orderly(&main.run(only(doer(a))).unwrap()));
        }
        left.lock().unwrap().take().unwrap().wake();
    });
}

#[test]
fn the_output_of_a_future_does_not_come_to_the_next_instance() {
    within_limit(|| {
        let main = SmolLoop::new();
        let a = main.locality().reserve();
        let (tell, told) = async_channel::bounded::<()>(1);
        let mourner = told.clone();
        act(a, move |me, cx| {
            me.count = 7;
            let wait = async move { told.recv().await };
            cx.spawn(wait, |_, _, _| unreachable!("the instance is gone"));
        });
        act(a, move |_, cx| {
            // Ready, and queued to be polled, when the instance ends.
            tell.try_send(()).unwrap();
            cx.fail(Error::message("part of the test"));
        });
        act(a, move |me, cx| {
            assert_eq!(me.count, 0, "it is a fresh instance");
            assert_eq!(mourner.receiver_count(), 1, "the future is dropped");
            let nap = async { future::yield_now().await };
            cx.spawn(nap, |me, (), cx| {
                assert_eq!(me.count, 0);
                cx.stop();
            });
        });
        let exit = main.run(only(doer(a))).unwrap();
        assert_eq!(exit.to_string(), "shutdown, because doer ended: normal");
    });
}

#[test]
fn a_panic_in_a_future_is_one_of_its_actor() {
    within_limit(|| {
        let main = SmolLoop::new();
        let a = main.locality().reserve();
        act(a, move |me, cx| {
            me.count = 7;
            let wait = async move {
                Sleep::after(Duration::from_millis(1)).await;
                act(a, |me, cx| {
                    assert_eq!(me.count, 0, "it is a fresh instance");
                    cx.stop();
                });
                panic!("a future panics: this is part of the test");
            };
            cx.spawn(wait, |_, (), _| {});
        });
        let exit = main.run(only(doer(a))).unwrap();
        assert_eq!(exit.to_string(), "shutdown, because doer ended: normal");
    });
}
