//! The wake of a mio loop: one word that says whether the loop must be written to.
//!
//! A loom model of core includes this file, with a stand-in for mio's waker.

use std::sync::Arc;
#[cfg(not(all(rotor_loom, test)))]
use std::sync::atomic::{AtomicU8, Ordering};

#[cfg(all(rotor_loom, test))]
use loom::sync::atomic::{AtomicU8, Ordering};
use mio::Waker;
use rotor_core::Wake;

/// The loop polls, or is about to: a wake must reach the poll.
const ASLEEP: u8 = 0;
/// The loop will look at this word before it sleeps.
const AWAKE: u8 = 1;
/// Somebody woke it since it last said `AWAKE`.
const WOKEN: u8 = 2;

/// Wakes a poll, and saves the write to it while the loop is awake anyway.
///
/// Core elides wakes of a loop that runs. What is left are wakes between core's parking and the
/// poll: while the loop spins, and those that the loop's own I/O makes just before it turns.
///
/// No wake is lost: one that sees ASLEEP writes. One that sees AWAKE leaves WOKEN behind, which
/// either makes `lie_down` fail, or is cleared by a `get_up` that comes before a turn; that turn
/// sees what was sent, because the swap here is an acquire of the swap there.
pub(crate) struct Signal {
    state: AtomicU8,
    waker: Arc<Waker>,
}

impl Signal {
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
        Signal {
            state: AtomicU8::new(ASLEEP),
            waker,
        }
    }

    /// Says that a turn follows. Owner only.
    pub(crate) fn get_up(&self) {
        if cfg!(rotor_mutant = "no_up_swap") {
            return self.state.store(AWAKE, Ordering::Release);
        }
        self.state.swap(AWAKE, Ordering::AcqRel);
    }

    /// Says that the loop is going to poll. False if it was woken meanwhile: it must turn instead.
    /// Owner only.
    pub(crate) fn lie_down(&self) -> bool {
        if cfg!(rotor_mutant = "no_down_compare") {
            self.state.swap(ASLEEP, Ordering::AcqRel);
            return true;
        }
        self.state
            .compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Whether somebody has woken the loop since it got up.
    pub(crate) fn is_woken(&self) -> bool {
        self.state.load(Ordering::Acquire) == WOKEN
    }

    /// Has the loop turn soon, unless it turns anyway. Owner only.
    pub(crate) fn rouse(&self) {
        // Only the owner goes to sleep, so this is no older than that.
        if self.state.load(Ordering::Relaxed) == ASLEEP {
            self.wake();
        }
    }
}

impl Wake for Signal {
    fn wake(&self) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == ASLEEP {
            // Fails only if the descriptor is gone, and with it the loop.
            let _ = self.waker.wake();
        }
    }
}

#[cfg(all(test, not(rotor_loom)))]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll, Token};

    use super::*;

    #[test]
    fn only_a_sleeping_loop_is_written_to() -> std::io::Result<()> {
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(4);
        let signal = Signal::new(Arc::new(Waker::new(poll.registry(), Token(7))?));
        let mut written = || {
            poll.poll(&mut events, Some(Duration::ZERO))
                .map(|()| events.iter().count())
        };
        signal.get_up();
        signal.wake();
        assert!(signal.is_woken() && !signal.lie_down());
        assert_eq!(written()?, 0);
        signal.get_up();
        assert!(signal.lie_down());
        signal.wake();
        signal.wake();
        assert_eq!(written()?, 1);
        Ok(())
    }
}
