//! Waiting for room: a send that is a future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use crate::address::{Address, Undelivered, try_push};
use crate::ask_limits::AskLimit;
use crate::here;
use crate::lock::lock;
use crate::message::Kind;
use crate::observe::Reason;
use crate::request::{Refuse, RequestError};
use crate::room::{self, Room};

/// A message that is sent when there is room for it: what
/// [`send_within`](crate::Addr::send_within) returns.
///
/// The message is sent by the poll that finds room; nothing is sent before the first poll, nor once it
/// is dropped. Those who wait are told in the order in which they came.
///
/// ```
/// use rotor_core::*;
/// use std::time::Duration;
/// # struct Sink;
/// # impl Actor for Sink {}
/// # impl Handler<u32> for Sink { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
/// async fn copy(numbers: Vec<u32>, to: Addr<Sink>) -> Result<(), Undelivered<u32>> {
///     for n in numbers {
///         to.send_within(n, Duration::from_secs(5)).await?; // as fast as it can take them
///     }
///     Ok(())
/// }
/// # let _ = copy(Vec::new(), Locality::new("here").reserve());
/// ```
#[must_use = "nothing is sent unless it is polled"]
pub struct Sending<M> {
    to: Address,
    kind: &'static Kind,
    message: Option<M>,
    limit: Duration,
    waiting: Option<Waiting>,
}

/// Its place in the room's line.
struct Waiting {
    room: Arc<Room>,
    place: Option<u64>,
    passed: Arc<Passed>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *lock(&self.passed.0), Limit::Over);
        drop(before); // its waker is foreign code
        if let Some(place) = self.place {
            self.room.leave(place);
        }
    }
}

/// Whether the time limit has passed.
struct Passed(Mutex<Limit>);

enum Limit {
    Runs(Option<Waker>),
    /// It has passed, or nobody waits any more.
    Over,
}

impl Refuse for Passed {
    fn refuse(&self, _: RequestError) {
        let before = std::mem::replace(&mut *lock(&self.0), Limit::Over);
        if let Limit::Runs(Some(waker)) = before {
            let _ = here::guard(|| waker.wake()); // foreign code
        }
    }

    fn is_done(&self) -> bool {
        matches!(*lock(&self.0), Limit::Over)
    }
}

impl<M: Send + 'static> Sending<M> {
    pub(crate) fn new(to: Address, kind: &'static Kind, message: M, limit: Duration) -> Self {
        Sending {
            to,
            kind,
            message: Some(message),
            limit,
            waiting: None,
        }
    }

    /// Takes a place in the line, and has the limit run. None if the address has ended.
    fn begin(&mut self) -> Option<&mut Waiting> {
        if self.waiting.is_none() {
            let to = self.to;
            let room = to.gate().rooms.find(to.slot, to.generation)?;
            let passed = Arc::new(Passed(Mutex::new(Limit::Runs(None))));
            if self.limit < Duration::MAX {
                // As that of a request.
                let keeper = here::running_gate().unwrap_or(to.gate());
                AskLimit::post(keeper, passed.clone(), self.limit);
            }
            self.waiting = Some(Waiting {
                room,
                place: None,
                passed,
            });
        }
        self.waiting.as_mut()
    }
}

impl<M> Unpin for Sending<M> {}

impl<M: Send + 'static> Future for Sending<M> {
    type Output = Result<(), Undelivered<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let me = &mut *self;
        loop {
            let message = me
                .message
                .take()
                .expect("`Sending` polled after it was ready");
            let Err(back) = try_push(me.to, me.kind, message, true) else {
                me.waiting = None;
                return Poll::Ready(Ok(()));
            };
            // A locality that is full is not waited for.
            if back.reason != Reason::Full || room::is_gate_full(me.to.gate()) {
                me.waiting = None;
                return Poll::Ready(Err(back));
            }
            let Some(waiting) = me.begin() else {
                // Full just now, or gone just now.
                let reason = match me.to.is_bounded() {
                    true => Reason::Gone,
                    false => Reason::Full,
                };
                return Poll::Ready(Err(Undelivered { reason, ..back }));
            };
            let waker = cx.waker().clone();
            let old = match &mut *lock(&waiting.passed.0) {
                Limit::Over => None,
                Limit::Runs(old) => Some(old.replace(waker)),
            };
            if old.is_none() {
                me.waiting = None;
                return Poll::Ready(Err(back));
            }
            drop(old);
            let waits = waiting.room.wait(&mut waiting.place, cx.waker());
            me.message = Some(back.message);
            // Whoever closes it tells those who wait by then.
            if waits && !me.to.gate().entrance.is_closed() {
                return Poll::Pending;
            }
        }
    }
}

impl<M> fmt::Debug for Sending<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sending").field(&self.to).finish()
    }
}
