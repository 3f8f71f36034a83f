//! Floor: the wake of a task of smol's executor (async-executor), without a queue of messages.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use async_executor::LocalExecutor;
use futures_lite::future::{block_on, yield_now};

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "floor-async-exec",
    version: "async-executor 1.14.1",
    has: &[
        (W::PingPong, "LocalExecutor, wake of a task per message"),
        (W::Ring, "LocalExecutor, wake of a task per message"),
        (W::FutureWake, "LocalExecutor, 2 tasks wake each other"),
        (W::SpawnStop, "LocalExecutor, spawn + finish a task"),
        (W::IdleBytes, "LocalExecutor, a pending task"),
    ],
    run: |w, z| match w {
        W::PingPong => ring(2, z.hops),
        W::Ring => ring(z.ring_actors, z.hops),
        W::FutureWake => ring(2, z.wakes),
        W::SpawnStop => spawn_stop(z.spawns),
        _ => idle_bytes(z.idle),
    },
};

fn ring(n: usize, hops: u64) -> f64 {
    let ex = LocalExecutor::new();
    let (tx, rx) = done();
    let slots: Vec<Rc<Slot>> = (0..n).map(|_| Rc::default()).collect();
    for i in 0..n {
        let (me, next, tx) = (slots[i].clone(), slots[(i + 1) % n].clone(), tx.clone());
        ex.spawn(async move {
            loop {
                match me.take().await {
                    0 => drop(tx.send(0)),
                    left => next.put(left - 1),
                }
            }
        })
        .detach();
    }
    block_on(ex.run(async move {
        yield_now().await;
        let clock = Clock::start();
        slots[0].put(hops - 1);
        rx.recv_async().await.expect("all hops");
        clock.per(hops)
    }))
}

fn spawn_stop(n: usize) -> f64 {
    let ex = LocalExecutor::new();
    let live = Live::default();
    let stop = Rc::new(Cell::new(false));
    block_on(ex.run(async {
        let clock = Clock::start();
        let wakers: Rc<RefCell<Vec<Waker>>> = Rc::default();
        for _ in 0..n {
            let (token, stop, wakers) = (live.token(), stop.clone(), wakers.clone());
            ex.spawn(async move {
                let _token = token;
                poll_fn(|cx| {
                    if stop.get() {
                        return Poll::Ready(());
                    }
                    wakers.borrow_mut().push(cx.waker().clone());
                    Poll::Pending
                })
                .await
            })
            .detach();
        }
        while wakers.borrow().len() < n {
            yield_now().await;
        }
        stop.set(true);
        wakers.borrow_mut().drain(..).for_each(Waker::wake);
        while live.count() > 0 {
            yield_now().await;
        }
        clock.per(n as u64)
    }))
}

fn idle_bytes(n: usize) -> f64 {
    let ex = LocalExecutor::new();
    let live = Live::default();
    block_on(ex.run(async {
        let before = rss();
        let slots: Vec<Rc<Slot>> = (0..n).map(|_| Rc::default()).collect();
        for slot in &slots {
            let (token, slot) = (live.token(), slot.clone());
            ex.spawn(async move {
                let _token = token;
                slot.take().await
            })
            .detach();
        }
        while slots.iter().any(|slot| !slot.is_awaited()) {
            yield_now().await;
        }
        (rss() - before) as f64 / n as f64
    }))
}
