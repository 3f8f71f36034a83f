//! A place where a future waits for one message.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// A place for one message, and the task that waits for it.
#[derive(Default)]
pub struct Slot {
    value: Cell<Option<u64>>,
    waiter: RefCell<Option<Waker>>,
}

impl Slot {
    /// Puts a message there, and wakes who waits for it.
    pub fn put(&self, v: u64) {
        self.value.set(Some(v));
        if let Some(w) = self.waiter.borrow_mut().take() {
            w.wake();
        }
    }

    /// Waits for a message.
    pub async fn take(&self) -> u64 {
        poll_fn(|cx| match self.value.take() {
            Some(v) => Poll::Ready(v),
            None => {
                *self.waiter.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// Whether a task waits.
    pub fn is_awaited(&self) -> bool {
        self.waiter.borrow().is_some()
    }
}
