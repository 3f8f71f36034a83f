//! Timers of one actor.

use std::time::Duration;

use rotor_core::{Actor, Addr, Child, Context, Handler, Timer};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};
use crate::harness::{CANCEL_BATCH, FIRE_SPREAD_MS, LIVE_GAP_NS, sum_to};

/// Far enough never to come.
const FAR: Duration = Duration::from_secs(60);

struct Timed {
    n: u64,
    left: u64,
    sum: u64,
    referee: Addr<Referee>,
}

impl Actor for Timed {}

struct Fired(u64);

impl Handler<Fired> for Timed {
    fn handle(&mut self, fired: Fired, _: &mut Context<Self>) {
        self.sum += fired.0;
        self.left -= 1;
        if self.left == 0 {
            self.referee.send(Total(self.sum));
        }
    }
}

struct Arm;

impl Handler<Arm> for Timed {
    fn handle(&mut self, _: Arm, cx: &mut Context<Self>) {
        for i in 0..self.n {
            let delay = Duration::from_micros(i * 1000 * FIRE_SPREAD_MS / self.n);
            cx.after(delay, Fired(i));
        }
    }
}

struct Cancel;

impl Handler<Cancel> for Timed {
    fn handle(&mut self, _: Cancel, cx: &mut Context<Self>) {
        let mut timers = Vec::with_capacity(CANCEL_BATCH as usize);
        let mut cancelled = 0;
        for i in 0..self.n {
            timers.push(cx.after(FAR, Fired(i)));
            if timers.len() as u64 == CANCEL_BATCH {
                for timer in timers.drain(..) {
                    assert!(cx.cancel(timer));
                    cancelled += 1;
                }
            }
        }
        self.referee.send(Total(cancelled));
    }
}

/// Arms `n` timers, of which every other one fires and the rest is cancelled after that; `rounds` times.
struct Crowd {
    n: u64,
    rounds: u64,
    /// Those that are still to fire in this round.
    due: u64,
    far: Vec<Timer>,
    ended: u64,
    referee: Addr<Referee>,
}

impl Actor for Crowd {}

impl Handler<Arm> for Crowd {
    fn handle(&mut self, _: Arm, cx: &mut Context<Self>) {
        self.due = self.n / 2;
        for i in 0..self.due {
            // Those to come are spread over an hour, in no order.
            let far = FAR + Duration::from_millis(i.wrapping_mul(0x9E37_79B9) % 3_600_000);
            self.far.push(cx.after(far, Ring));
            cx.after(Duration::from_nanos(i * LIVE_GAP_NS), Ring);
        }
    }
}

struct Ring;

impl Handler<Ring> for Crowd {
    fn handle(&mut self, _: Ring, cx: &mut Context<Self>) {
        self.due -= 1;
        self.ended += 1;
        if self.due > 0 {
            return;
        }
        for timer in self.far.drain(..) {
            assert!(cx.cancel(timer));
            self.ended += 1;
        }
        self.rounds -= 1;
        match self.rounds {
            0 => self.referee.send(Total(self.ended)),
            _ => cx.addr().send(Arm),
        }
    }
}

/// Processor time in ns per timer, while `n` are live at once.
pub fn live<H: Host>(n: u64, rounds: u64) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let crowd = here.reserve();
        let child = Child::new("crowd", move || Crowd {
            n,
            rounds,
            due: 0,
            far: Vec::new(),
            ended: 0,
            referee,
        });
        let this = Match {
            measure: Measure::Cpu,
            ops: n * rounds,
            total: n * rounds,
            begin: move || crowd.send(Arm),
        };
        (tree.child(child.at(crowd)), this)
    })
}

/// Processor time in ns per timer that is scheduled and fires.
pub fn fire<H: Host>(n: u64) -> f64 {
    timed::<H, _>(n, sum_to(n), Measure::Cpu, |timed| timed.send(Arm))
}

/// Ns per timer that is scheduled and cancelled.
pub fn cancel<H: Host>(n: u64) -> f64 {
    let whole = n / CANCEL_BATCH * CANCEL_BATCH;
    timed::<H, _>(n, whole, Measure::Wall, |timed| timed.send(Cancel))
}

fn timed<H, F>(n: u64, total: u64, measure: Measure, begin: F) -> f64
where
    H: Host,
    F: FnOnce(Addr<Timed>) + 'static,
{
    Match::play::<H>(|here, tree, referee| {
        let timed = here.reserve();
        let child = Child::new("timed", move || Timed {
            n,
            left: n,
            sum: 0,
            referee,
        });
        let this = Match {
            measure,
            ops: n,
            total,
            begin: move || begin(timed),
        };
        (tree.child(child.at(timed)), this)
    })
}
