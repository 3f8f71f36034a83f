//! The limits of requests whose askers are futures: kept by the locality that asks, or, outside of
//! any, by the one that is asked.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::gate::Gate;
use crate::here::{self, with_reachable};
use crate::lane::NORMAL;
use crate::locality::{Control, Local};
use crate::message::LOCALITY;
use crate::request::{Refuse, RequestError, Verdict};
use crate::things::{Body, Key, NO_THINGS};
use crate::timer::nanos;

/// A limit on its way to the locality that keeps it. If that throws it away, the asker waits no
/// longer.
pub(crate) struct AskLimit {
    /// `None` once it has arrived.
    cell: Option<Arc<dyn Refuse>>,
    limit: Duration,
    /// In whose entrance it lies, if that is bounded, but not for it.
    on_its_way: Option<&'static Gate>,
}

impl AskLimit {
    /// Hands a limit to its keeper.
    pub(crate) fn post(keeper: &'static Gate, cell: Arc<dyn Refuse>, limit: Duration) {
        let counts = keeper.bound.load(Ordering::Relaxed) > 0
            && with_reachable(keeper, |local| local.is_none_or(Local::is_behind));
        if counts {
            keeper.limits.fetch_add(1, Ordering::Relaxed);
        }
        let limit = AskLimit {
            cell: Some(cell),
            limit,
            on_its_way: counts.then_some(keeper),
        };
        // Behind the request: most are answered before their limit is even looked at.
        Control::post_in(keeper, NORMAL, Control::AskLimit(limit));
    }

    /// It was taken out of the entrance.
    fn arrive(&mut self) {
        if let Some(keeper) = self.on_its_way.take() {
            keeper.limits.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for AskLimit {
    fn drop(&mut self) {
        self.arrive();
        if let Some(cell) = self.cell.take() {
            cell.refuse(RequestError::Gone);
        }
    }
}

/// A limit, and until when its asker waits; `None` is beyond the end of time.
pub(crate) type Kept = (Option<Instant>, AskLimit);

/// The limits that an inbox keeps. It has no wheel: whoever receives looks at them.
#[derive(Default)]
pub(crate) struct InboxLimits {
    list: Vec<Kept>,
    sweep_at: usize,
}

impl InboxLimits {
    /// Keeps a limit. What it returns is to be dropped where nothing is locked.
    pub(crate) fn keep(&mut self, mut order: AskLimit) -> Vec<Kept> {
        order.arrive();
        let until = Instant::now().checked_add(order.limit);
        self.list.push((until, order));
        if self.list.len() < self.sweep_at.max(FEW as usize) {
            return Vec::new();
        }
        let is_done = |order: &AskLimit| order.cell.as_ref().is_none_or(|cell| cell.is_done());
        let done = self.list.extract_if(.., |(_, order)| is_done(order));
        let done: Vec<_> = done.collect();
        self.sweep_at = 2 * self.list.len();
        done
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.list.iter().filter_map(|(until, _)| *until).min()
    }

    /// Takes out those that have passed, for `tell` where nothing is locked.
    pub(crate) fn passed(&mut self) -> Vec<Kept> {
        if self.list.is_empty() {
            return Vec::new();
        }
        let now = Instant::now();
        let is_due = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        self.list
            .extract_if(.., |(until, _)| is_due(*until))
            .collect()
    }

    /// Tells the askers.
    pub(crate) fn tell(passed: Vec<Kept>) {
        for cell in passed.into_iter().filter_map(|(_, mut it)| it.cell.take()) {
            cell.refuse(RequestError::Timeout);
        }
    }
}

/// The limits that are armed.
pub(crate) struct AskLimits {
    /// First of their entries.
    list: Cell<u32>,
    open: Cell<u32>,
    /// With so many, those of answered requests are swept out. An answer, which may be given on any
    /// thread, does not look for its limit.
    sweep_at: Cell<u32>,
}

/// Fewer are not worth a sweep.
const FEW: u32 = 64;

impl AskLimits {
    pub(crate) const fn new() -> Self {
        AskLimits {
            list: Cell::new(NO_THINGS),
            open: Cell::new(0),
            sweep_at: Cell::new(FEW),
        }
    }
}

impl Local {
    /// Arms the limit of a request, unless it is answered already.
    pub(crate) fn arm_ask(&self, mut order: AskLimit) {
        let Some(cell) = order.cell.take().filter(|cell| !cell.is_done()) else {
            return;
        };
        self.sweep_asks();
        let mut things = self.things.borrow_mut();
        let mut list = self.asks.list.get();
        let key = things.insert(LOCALITY, &mut list, Body::Ask(cell));
        self.asks.list.set(list);
        self.asks.open.set(self.asks.open.get() + 1);
        things.arm_later(key, nanos(order.limit), &self.clock);
    }

    /// Removes the limits of requests that are answered, if there may be many: a constant number of
    /// steps for each request, and no more entries than twice those that are open, and a few.
    fn sweep_asks(&self) {
        if self.asks.open.get() < self.asks.sweep_at.get() {
            return;
        }
        for cell in self.take_asks(|cell| cell.is_done()) {
            // An answer that nobody has taken may be dropped here.
            let _ = here::guard(|| drop(cell));
        }
        self.asks.sweep_at.set((2 * self.asks.open.get()).max(FEW));
    }

    /// The locality ends: whoever waits for an answer that it has not given, or passed on, waits no
    /// longer, since nobody will tell when the limit is over.
    pub(crate) fn end_asks(&self) {
        for cell in self.take_asks(|_| true) {
            let _ = here::guard(|| {
                cell.refuse(RequestError::Gone);
                drop(cell);
            });
        }
    }

    fn take_asks(&self, which: impl Fn(&dyn Refuse) -> bool) -> Vec<Arc<dyn Refuse>> {
        let which = |body: &Body| matches!(body, Body::Ask(cell) if which(&**cell));
        let mut list = self.asks.list.get();
        let taken = self.things.borrow_mut().sweep(LOCALITY, &mut list, which);
        self.asks.list.set(list);
        self.asks
            .open
            .set(self.asks.open.get() - taken.len() as u32);
        let cell = |body| match body {
            Body::Ask(cell) => Some(cell),
            _ => None,
        };
        taken.into_iter().filter_map(cell).collect()
    }

    pub(crate) fn ask_limit_passed(&self, key: Key, cell: &dyn Refuse) {
        let mut list = self.asks.list.get();
        let body = self.things.borrow_mut().remove(key, LOCALITY, &mut list);
        self.asks.list.set(list);
        self.asks.open.set(self.asks.open.get() - 1);
        let _ = here::guard(|| {
            let _verdict = Verdict::set(&RequestError::Timeout);
            cell.refuse(RequestError::Timeout);
            drop(body);
        });
    }
}
