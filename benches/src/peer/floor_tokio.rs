//! Floor: plain tokio tasks with unbounded mpsc channels, what most peers are made of.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Peer;
use crate::harness::*;

pub static PEER: Peer = Peer {
    name: "floor-tokio-mpsc",
    version: "tokio 1.54.1",
    has: &[
        (W::PingPong, "tokio current_thread, task + mpsc"),
        (W::CrossPing, "two tokio current_thread runtimes"),
        (W::CrossPingPool, "tokio multi_thread, 2 workers"),
        (W::Throughput1, "thread -> tokio current_thread"),
        (W::Throughput4, "threads -> tokio current_thread"),
        (W::Ask, "tokio current_thread, mpsc + oneshot"),
        (W::CrossAsk, "two tokio current_thread runtimes"),
        (W::Ring, "tokio current_thread, task + mpsc"),
        (W::SpawnStop, "tokio current_thread, drop of sender"),
        (W::IdleBytes, "tokio current_thread, task + mpsc"),
        (W::FanOut, "tokio current_thread, task + mpsc"),
        (W::TimerFire, "a task with sleep per timer"),
        (W::TimerCancel, "a task with sleep, abort"),
    ],
    run,
};

fn run(w: W, z: &Sizes) -> f64 {
    let z = *z;
    if w == W::CrossPingPool {
        let rt = tokio_two();
        return rt
            .block_on(async move { tokio::spawn(ring(2, z.cross_hops * 5)).await.expect("ring") });
    }
    let rt = tokio_one();
    rt.block_on(async move {
        match w {
            W::PingPong => ring(2, z.hops).await,
            W::Ring => ring(z.ring_actors, z.hops).await,
            W::CrossPing => cross(z.cross_hops).await,
            W::Throughput1 => stream(1, z.stream_for(1)).await,
            W::Throughput4 => stream(4, z.stream_for(4)).await,
            W::Ask => ask(echo(), z.asks).await,
            W::CrossAsk => {
                let other = OtherThread::start();
                ask(other.run(async { echo() }).await, z.cross_asks).await
            }
            W::SpawnStop => spawn_stop(z.spawns).await,
            W::IdleBytes => idle_bytes(z.idle).await,
            W::FanOut => fan_out(z.subscribers, z.rounds).await,
            W::TimerFire => timer_fire(z.timers_fire).await,
            W::TimerCancel => timer_cancel(z.timers_cancel).await,
            _ => unreachable!(),
        }
    })
}

type Tx = mpsc::UnboundedSender<Box<u64>>;
type Rx = mpsc::UnboundedReceiver<Box<u64>>;

fn node(mut rx: Rx, next: Tx, done: Done) {
    tokio::spawn(async move {
        while let Some(left) = rx.recv().await {
            if *left == 0 {
                let _ = done.send(0);
            } else {
                let _ = next.send(Box::new(*left - 1));
            }
        }
    });
}

async fn ring(n: usize, hops: u64) -> f64 {
    let (tx, rx) = done();
    let (senders, receivers): (Vec<Tx>, Vec<Rx>) =
        (0..n).map(|_| mpsc::unbounded_channel()).unzip();
    for (i, r) in receivers.into_iter().enumerate() {
        node(r, senders[(i + 1) % n].clone(), tx.clone());
    }
    tokio::task::yield_now().await;
    let clock = Clock::start();
    senders[0].send(Box::new(hops - 1)).expect("open");
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

async fn cross(hops: u64) -> f64 {
    let (tx, rx) = done();
    let other = OtherThread::start();
    let ((a_tx, a_rx), (b_tx, b_rx)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    node(a_rx, b_tx, tx.clone());
    let back = a_tx.clone();
    other.run(async move { node(b_rx, back, tx) }).await;
    let clock = Clock::start();
    a_tx.send(Box::new(hops - 1)).expect("open");
    rx.recv_async().await.expect("all hops");
    clock.per(hops)
}

async fn stream(producers: u64, total: u64) -> f64 {
    let (tx, rx) = done();
    let (to, mut sink): (Tx, Rx) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut tally = Tally::new(total, tx);
        while let Some(v) = sink.recv().await {
            tally.item(*v);
        }
    });
    let p = Producers::new(producers, total, || {
        let to = to.clone();
        move |v| to.send(Box::new(v)).expect("open")
    });
    let clock = p.go();
    let sum = rx.recv_async().await.expect("sum");
    let v = clock.per(total);
    assert_eq!(sum, sum_to(total));
    p.join();
    v
}

type AskTx = mpsc::UnboundedSender<(u64, oneshot::Sender<u64>)>;

fn echo() -> AskTx {
    let (tx, mut rx): (AskTx, _) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some((v, back)) = rx.recv().await {
            let _ = back.send(v);
        }
    });
    tx
}

async fn ask(echo: AskTx, n: u64) -> f64 {
    let clock = Clock::start();
    let asker = tokio::spawn(async move {
        let mut sum = 0;
        for v in 0..n {
            let (tx, rx) = oneshot::channel();
            echo.send((v, tx)).expect("open");
            sum += rx.await.expect("reply");
        }
        sum
    });
    assert_eq!(asker.await.expect("asker"), sum_to(n));
    clock.per(n)
}

fn idle(token: LiveToken) -> Tx {
    let (tx, mut rx): (Tx, Rx) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let _token = token;
        while rx.recv().await.is_some() {}
    });
    tx
}

async fn spawn_stop(n: usize) -> f64 {
    let live = Live::default();
    let clock = Clock::start();
    let all: Vec<Tx> = (0..n).map(|_| idle(live.token())).collect();
    tokio::task::yield_now().await;
    drop(all);
    while live.count() > 0 {
        tokio::task::yield_now().await;
    }
    clock.per(n as u64)
}

async fn idle_bytes(n: usize) -> f64 {
    let live = Live::default();
    let before = rss();
    let all: Vec<Tx> = (0..n).map(|_| idle(live.token())).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let v = (rss() - before) as f64 / n as f64;
    assert_eq!(live.count(), n as u64);
    drop(all);
    v
}

async fn fan_out(n: usize, rounds: u64) -> f64 {
    let (tx, rx) = done();
    let total = FanTotal::new(n as u64 * rounds, tx);
    let (hub, mut ticks): (Tx, Rx) = mpsc::unbounded_channel();
    let mut subs: Vec<Tx> = Vec::new();
    for i in 0..n {
        let (sub, mut items): (Tx, Rx) = mpsc::unbounded_channel();
        let (back, total) = ((i == n - 1).then(|| hub.clone()), total.clone());
        tokio::spawn(async move {
            let mut seen = 0;
            while let Some(v) = items.recv().await {
                seen += *v;
                if seen == rounds {
                    total.add(seen);
                } else if let Some(hub) = &back {
                    let _ = hub.send(Box::new(0));
                }
            }
        });
        subs.push(sub);
    }
    tokio::spawn(async move {
        while ticks.recv().await.is_some() {
            for sub in &subs {
                let _ = sub.send(Box::new(1));
            }
        }
    });
    tokio::task::yield_now().await;
    let clock = Clock::start();
    hub.send(Box::new(0)).expect("open");
    rx.recv_async().await.expect("every delivery");
    clock.per(n as u64 * rounds)
}

async fn timer_fire(n: u64) -> f64 {
    let (tx, rx) = done();
    let (to, mut sink): (Tx, Rx) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut tally = Tally::new(n, tx);
        while let Some(v) = sink.recv().await {
            tally.item(*v);
        }
    });
    let clock = CpuClock::start();
    for i in 0..n {
        let to = to.clone();
        let delay = Duration::from_micros(i * 1000 * FIRE_SPREAD_MS / n);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = to.send(Box::new(i));
        });
    }
    assert_eq!(rx.recv_async().await, Ok(sum_to(n)));
    clock.per(n)
}

async fn timer_cancel(n: u64) -> f64 {
    let clock = Clock::start();
    let task = tokio::spawn(async move {
        let mut keys = Vec::with_capacity(CANCEL_BATCH as usize);
        for _ in 0..n {
            keys.push(tokio::spawn(tokio::time::sleep(Duration::from_secs(60))));
            if keys.len() as u64 == CANCEL_BATCH {
                tokio::task::yield_now().await;
                keys.drain(..).for_each(|k| k.abort());
                tokio::task::yield_now().await;
            }
        }
    });
    task.await.expect("cancels");
    clock.per(n)
}
