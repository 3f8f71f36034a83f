//! The limits of requests whose askers are futures: kept by the locality that asks, or, outside of
//! any, by the one that is asked.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use crate::here;
use crate::locality::Local;
use crate::message::LOCALITY;
use crate::request::{Refuse, RequestError, Verdict};
use crate::things::{Body, Key, NO_THINGS};
use crate::timer::nanos;

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
    pub(crate) fn arm_ask(&self, cell: Arc<dyn Refuse>, limit: Duration) {
        if cell.is_done() || limit == Duration::MAX {
            return;
        }
        self.sweep_asks();
        let mut things = self.things.borrow_mut();
        let mut list = self.asks.list.get();
        let key = things.insert(LOCALITY, &mut list, Body::Ask(cell));
        self.asks.list.set(list);
        self.asks.open.set(self.asks.open.get() + 1);
        things.arm_later(key, nanos(limit));
    }

    /// Removes the limits of requests that are answered, if there may be many: a constant number of
    /// steps for each request, and no more entries than twice those that are open, and a few.
    fn sweep_asks(&self) {
        let asks = &self.asks;
        if asks.open.get() < asks.sweep_at.get() {
            return;
        }
        let answered = {
            let over = |body: &Body| matches!(body, Body::Ask(cell) if cell.is_done());
            let mut list = asks.list.get();
            let answered = self.things.borrow_mut().sweep(LOCALITY, &mut list, over);
            asks.list.set(list);
            answered
        };
        let open = asks.open.get() - answered.len() as u32;
        asks.open.set(open);
        asks.sweep_at.set((2 * open).max(FEW));
        for body in answered {
            // An answer that nobody has taken may be dropped here.
            let _ = here::guard(|| drop(body));
        }
    }

    /// The locality ends: whoever waits for an answer that it has not given, or passed on, waits no
    /// longer, since nobody will tell when the limit is over.
    pub(crate) fn end_asks(&self) {
        let mut list = self.asks.list.replace(NO_THINGS);
        let open = self
            .things
            .borrow_mut()
            .sweep(LOCALITY, &mut list, |_| true);
        self.asks.open.set(0);
        for body in open {
            let _ = here::guard(|| {
                if let Body::Ask(cell) = &body {
                    cell.refuse(RequestError::Gone);
                }
                drop(body);
            });
        }
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
