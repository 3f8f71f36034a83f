//! One way between two localities on two threads, through outboxes: ns per message.
//!
//! `bench_handover [MESSAGES [RUNS]]`. The source sends from within its handlers; the figure is the
//! median.

use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use rotor_core::{Actor, Addr, Child, Context, Handler, Supervisor, ThreadLoop};

/// Messages that the source sends for one message to itself.
const BATCH: u64 = 256;

struct Go;

struct Source {
    sink: Addr<Sink>,
    left: u64,
}

impl Actor for Source {
    fn start(&mut self, cx: &mut Context<Self>) -> rotor_core::Result {
        cx.addr().send(Go);
        Ok(())
    }
}

impl Handler<Go> for Source {
    fn handle(&mut self, _: Go, cx: &mut Context<Self>) {
        for _ in 0..BATCH.min(self.left) {
            self.sink.send([self.left; 4]);
            self.left -= 1;
        }
        if self.left > 0 {
            cx.addr().send(Go);
        }
    }
}

struct Sink {
    left: u64,
    sum: u64,
    begun: Option<Instant>,
    done: Sender<(u64, f64)>,
    total: u64,
}

impl Actor for Sink {}

impl Handler<[u64; 4]> for Sink {
    fn handle(&mut self, message: [u64; 4], cx: &mut Context<Self>) {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        self.sum += message[0];
        self.left -= 1;
        if self.left == 0 {
            let per = begun.elapsed().as_nanos() as f64 / self.total as f64;
            let _ = self.done.send((self.sum, per));
            cx.stop();
        }
    }
}

fn run(messages: u64) -> Result<f64, Box<dyn std::error::Error>> {
    let main = ThreadLoop::new();
    let far = ThreadLoop::spawn("far")?;
    let sink = main.locality().reserve();
    let (done, result) = channel();
    main.run(
        Supervisor::one_for_one("bench")
            .auto_shutdown(rotor_core::AutoShutdown::Any)
            .child(
                Child::new("sink", move || Sink {
                    left: messages,
                    sum: 0,
                    begun: None,
                    done: done.clone(),
                    total: messages,
                })
                .at(sink)
                .transient()
                .significant(),
            )
            .child(Supervisor::one_for_one("away").on(&far, move |s| {
                s.child(Child::new("source", move || Source {
                    sink,
                    left: messages,
                }))
            })),
    )?;
    let (sum, per) = result.recv()?;
    assert_eq!(
        sum,
        messages * (messages + 1) / 2,
        "every message was counted"
    );
    Ok(per)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args()
        .skip(1)
        .map(|arg| arg.parse().expect("a number"));
    let messages = args.next().unwrap_or(2_000_000);
    let runs = args.next().unwrap_or(11);
    run(messages / 10)?;
    let mut all = (0..runs)
        .map(|_| run(messages))
        .collect::<Result<Vec<_>, _>>()?;
    all.sort_by(f64::total_cmp);
    println!(
        "locality to locality    {:6.2} ns per message of 32 bytes",
        all[all.len() / 2]
    );
    Ok(())
}
