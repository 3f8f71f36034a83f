//! Proof that nothing was lost: what is alive, what was received, and the end of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts values that are alive (for spawn + stop).
#[derive(Clone, Default)]
pub struct Live(Arc<AtomicU64>);

impl Live {
    /// How many are alive.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// One more, until it is dropped.
    pub fn token(&self) -> LiveToken {
        self.0.fetch_add(1, Ordering::Relaxed);
        LiveToken(self.0.clone())
    }
}

/// Held by an actor; its drop says that the actor is gone.
pub struct LiveToken(Arc<AtomicU64>);

impl Drop for LiveToken {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where an actor reports the end of a run. Any thread or executor may wait on the other end.
pub type Done = flume::Sender<u64>;

/// Both ends of a report.
pub fn done() -> (Done, flume::Receiver<u64>) {
    flume::bounded(4)
}

/// Counts and sums what a sink received; reports once all came.
pub struct Tally {
    left: u64,
    sum: u64,
    done: Done,
}

impl Tally {
    /// For `total` messages.
    pub fn new(total: u64, done: Done) -> Self {
        Tally {
            left: total,
            sum: 0,
            done,
        }
    }

    /// One came.
    #[inline]
    pub fn item(&mut self, v: u64) {
        self.left -= 1;
        self.sum += v;
        if self.left == 0 {
            let _ = self.done.send(self.sum);
        }
    }
}

/// Sum of 0..n: what a sink must have seen.
pub fn sum_to(n: u64) -> u64 {
    n * (n - 1) / 2
}

/// Shared by the subscribers of the fan-out: each adds its count once, at the end.
#[derive(Clone)]
pub struct FanTotal {
    total: Arc<AtomicU64>,
    want: u64,
    done: Done,
}

impl FanTotal {
    /// For `want` deliveries in all.
    pub fn new(want: u64, done: Done) -> Self {
        FanTotal {
            total: Arc::default(),
            want,
            done,
        }
    }

    /// One subscriber has seen `n`.
    pub fn add(&self, n: u64) {
        if self.total.fetch_add(n, Ordering::SeqCst) + n == self.want {
            let _ = self.done.send(self.want);
        }
    }
}
