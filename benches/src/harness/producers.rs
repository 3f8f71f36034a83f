//! Plain threads that send.

use std::sync::Arc;

use super::Clock;

/// Producer threads for the one-way workloads: each calls `send` with its share of 0..total.
/// They start together when `go` is called; `join` waits for them.
pub struct Producers {
    gate: Arc<std::sync::Barrier>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Producers {
    /// `count` threads, each with a sender of its own; they wait for `go`.
    pub fn new<F>(count: u64, total: u64, make: impl Fn() -> F) -> Self
    where
        F: FnMut(u64) + Send + 'static,
    {
        let gate = Arc::new(std::sync::Barrier::new(count as usize + 1));
        let threads = (0..count)
            .map(|p| {
                let (gate, mut send) = (gate.clone(), make());
                std::thread::spawn(move || {
                    gate.wait();
                    let share = total / count;
                    for v in p * share..(p + 1) * share {
                        send(v);
                    }
                })
            })
            .collect();
        Producers { gate, threads }
    }

    /// Starts them all.
    pub fn go(&self) -> Clock {
        let clock = Clock::start();
        self.gate.wait();
        clock
    }

    /// Waits until all are done.
    pub fn join(self) {
        for t in self.threads {
            t.join().expect("producer");
        }
    }
}
