//! The way into a locality from other threads: one queue per lane and the wake-up protocol.
//!
//! This file uses nothing else of the crate but `inbound.rs`, so that a loom model can include both:
//! there, with `--cfg rotor_loom`, the atomics and the lock come from loom. The library itself cannot
//! see loom, which is for tests only; hence `test` in the conditions below.
//!
//! The numbered steps are those of ARCHITECTURE.md, "The wake protocol". The mutants
//! (`--cfg rotor_mutant="..."`) each leave one step out; the model must fail for each.

#![expect(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(not(all(rotor_loom, test)))]
mod sync {
    pub(crate) use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

    pub(crate) fn pause() {
        std::thread::yield_now();
    }
}

#[cfg(all(rotor_loom, test))]
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::Arc;

    pub(crate) fn pause() {
        loom::thread::yield_now();
    }
}

use crate::inbound::{Inbound, Item};
use sync::{Arc, AtomicU8, AtomicUsize, Mutex, MutexGuard, Ordering, fence, pause};

/// Lanes of an entrance; `lane::LANES`, repeated because this file stands alone.
const LANES: usize = 3;

/// The owner is at work, or will look before it waits.
const RUNNING: u8 = 0;
/// The owner waits: whoever pushes must wake it.
const PARKED: u8 = 1;
/// There is no owner any more; what is pushed is rejected.
const CLOSED: u8 = 2;

/// Asks a loop to call [`Driver::turn`](crate::Driver::turn) soon.
///
/// Implemented by backends. `wake` may be called on any thread, at any time, also more often than
/// needed; a wake that comes while nobody waits is remembered. It runs no user code and blocks on
/// nothing that is held during a turn. A panic in it is swallowed.
///
/// A loop that looks at a flag wherever it comes by:
/// ```
/// use rotor_core::*;
/// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
/// #[derive(Default)]
/// struct Flag(AtomicBool);
/// impl Wake for Flag {
///     fn wake(&self) {
///         self.0.store(true, Ordering::Release);
///     }
/// }
/// let flag = Arc::new(Flag::default());
/// let driver = Driver::new(flag.clone(), Clock::real());
/// # let here = Locality::new("here");
/// # driver.open(&here).unwrap();
/// # let app = driver.start(Supervisor::one_for_one("app"))?;
/// # driver.run_until_idle();
/// # flag.0.store(false, Ordering::Release);
/// app.shutdown();
/// assert!(flag.0.swap(false, Ordering::Acquire)); // there is something to do
/// assert!(matches!(driver.turn(Budget::default()), Turn::Done(_)));
/// # Ok::<_, StartError>(())
/// ```
pub trait Wake: Send + Sync + 'static {
    /// Makes the loop turn its driver soon.
    ///
    /// ```
    /// # use rotor_core::*;
    /// use std::{io::Write, os::unix::net::UnixStream};
    /// /// Wakes a loop that polls the other end of a pair of sockets.
    /// struct Pipe(UnixStream); // non-blocking
    /// impl Wake for Pipe {
    ///     fn wake(&self) {
    ///         let _ = (&self.0).write(&[1]); // full: the loop is awake
    ///     }
    /// }
    /// # let (near, far) = UnixStream::pair()?;
    /// # near.set_nonblocking(true)?;
    /// # Pipe(near).wake();
    /// # assert_eq!(std::io::Read::read(&mut &far, &mut [0; 8])?, 1);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    fn wake(&self);
}

/// Wakes nobody: for drivers that a test turns itself.
#[cfg(test)]
#[cfg_attr(rotor_loom, allow(dead_code, reason = "the models have their own"))]
pub(crate) struct Nothing;

#[cfg(test)]
impl Wake for Nothing {
    fn wake(&self) {}
}

/// What a sender has found when it had pushed an item.
#[must_use = "nobody may have been woken"]
pub(crate) struct Pushed(u8);

/// Queues and state of the way in. See the module's text.
pub(crate) struct Entrance<T> {
    state: AtomicU8,
    lanes: [Inbound<T>; LANES],
    /// Senders that found CLOSED and are draining; a new life waits for them.
    draining: AtomicUsize,
    /// Locked only to open and close, and by the one sender that moves PARKED to RUNNING.
    wake: Mutex<Option<Arc<dyn Wake>>>,
    /// Held to close; while it is closed, everybody takes, one at a time.
    takers: Mutex<()>,
}

impl<T: Item> Entrance<T> {
    /// An entrance that collects, before any loop has opened it.
    pub(crate) fn new() -> Self {
        Entrance {
            state: AtomicU8::new(RUNNING),
            lanes: [Inbound::new(), Inbound::new(), Inbound::new()],
            draining: AtomicUsize::new(0),
            wake: Mutex::new(None),
            takers: Mutex::new(()),
        }
    }

    /// Pushes an item, and wakes the owner if it waits. Any thread.
    ///
    /// Items that nobody will ever take go to `reject`: this one and any other that it finds.
    pub(crate) fn send(&self, lane: usize, item: T, reject: impl FnMut(T)) {
        self.announce(self.push(lane, item), reject);
    }

    /// The same for a thread that holds a lock: no foreign code runs before [`announce`](Self::announce).
    pub(crate) fn push(&self, lane: usize, item: T) -> Pushed {
        // Steps 1 to 3.
        let state = self.lanes[lane].push(item, || {
            // The claim of the place and this load are sequentially consistent: as good as a fence
            // between them. Loom takes them for no more than an acquire and a release.
            if cfg!(all(rotor_loom, test)) && !cfg!(rotor_mutant = "no_sender_fence") {
                fence(Ordering::SeqCst);
            }
            self.state.load(Ordering::SeqCst)
        });
        Pushed(state)
    }

    /// What is left to be done for an item that was pushed: see [`send`](Self::send).
    pub(crate) fn announce(&self, Pushed(state): Pushed, reject: impl FnMut(T)) {
        match state {
            RUNNING => {}
            PARKED => self.rouse(),
            _ => {
                if !cfg!(rotor_mutant = "no_close_drain") {
                    self.drain_closed(reject);
                }
            }
        }
    }

    /// Moves PARKED to RUNNING and wakes the owner's loop. Any thread.
    #[cold]
    pub(crate) fn rouse(&self) {
        let swapped = self.state.compare_exchange(
            PARKED,
            RUNNING,
            Ordering::AcqRel, // step 4: pairs with the swaps of the owner
            Ordering::Relaxed,
        );
        if swapped.is_ok() || cfg!(rotor_mutant = "no_sender_swap") {
            // step 5. Cloned first: `wake` is foreign code and runs with nothing locked.
            let wake = self
                .wake
                .lock()
                .expect("never held while foreign code runs")
                .clone();
            // A panic of it is the trouble of that loop, not of whoever sends.
            if let Some(Err(payload)) =
                wake.map(|wake| catch_unwind(AssertUnwindSafe(|| wake.wake())))
            {
                // Its drop may panic, too.
                if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                    std::mem::forget(next);
                }
            }
        }
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.state.load(Ordering::Relaxed) == PARKED
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.load(Ordering::Acquire) == CLOSED
    }

    /// Takes the next item of a lane.
    ///
    /// # Safety
    /// The caller is the owner: nobody opens, closes or takes in another thread meanwhile, but for
    /// senders that find it closed.
    #[inline]
    pub(crate) unsafe fn pop(&self, lane: usize) -> Option<T> {
        if self.is_closed() {
            return self.pop_closed(lane);
        }
        // SAFETY: as the caller says; and whoever drained it in its closed life has been waited for.
        unsafe { self.lanes[lane].pop() }
    }

    #[cold]
    fn pop_closed(&self, lane: usize) -> Option<T> {
        let _alone = self.lock_takers();
        // SAFETY: the owner has closed it under this lock, so what it took before is seen here, and takes
        // under it since then.
        unsafe { self.lanes[lane].pop() }
    }

    #[cfg(not(all(rotor_loom, test)))] // no model looks at it
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(Inbound::is_empty)
    }

    pub(crate) fn is_lane_empty(&self, lane: usize) -> bool {
        self.lanes[lane].is_empty()
    }

    #[cfg(not(all(rotor_loom, test)))] // no model looks at it
    pub(crate) fn lane_len(&self, lane: usize) -> usize {
        self.lanes[lane].len()
    }

    #[cfg(all(rotor_loom, test))] // what is left in a model
    pub(crate) fn len(&self) -> usize {
        self.lanes.iter().map(Inbound::len).sum()
    }

    /// Publishes that the owner is going to wait. Owner only.
    ///
    /// False if something arrived meanwhile: the owner is RUNNING again and must drain.
    pub(crate) fn park(&self) -> bool {
        // step B
        if self.replace(RUNNING, PARKED) == Err(CLOSED) {
            return true;
        }
        if !cfg!(rotor_mutant = "no_owner_fence") {
            fence(Ordering::SeqCst); // step C: pairs with the sender's steps 1 and 2
        }
        if cfg!(rotor_mutant = "no_recheck") {
            return true;
        }
        // step D
        let looked_at = if cfg!(rotor_mutant = "no_other_lanes") {
            1
        } else {
            LANES
        };
        if self.lanes[..looked_at].iter().all(Inbound::is_empty) {
            return true;
        }
        self.unpark();
        false
    }

    /// Takes the word back before draining. Owner only. Step F.
    pub(crate) fn unpark(&self) {
        // Nobody else parks: where it is not parked now, it stays so, and there is nothing to write.
        if self.state.load(Ordering::Acquire) == PARKED {
            let _ = self.replace(PARKED, RUNNING); // else roused meanwhile
        }
    }

    /// The owner's way to change the state. A plain store would not do, for it would not be seen
    /// in one order with the senders' swaps; nor an unconditional swap, for a sender that looks
    /// before CLOSED is put back would leave its item behind.
    fn replace(&self, old: u8, new: u8) -> Result<u8, u8> {
        if cfg!(rotor_mutant = "no_owner_compare") {
            return Ok(self.state.swap(new, Ordering::AcqRel));
        }
        self.state
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire)
    }

    /// Opens for an owner that is woken by `wake`. What was pushed before is kept.
    pub(crate) fn open(&self, wake: Arc<dyn Wake>) {
        let old = self
            .wake
            .lock()
            .expect("never held while foreign code runs")
            .replace(wake);
        drop(old);
        self.reopen();
    }

    /// Lets senders push again; afterwards no sender of the closed life drains any more.
    pub(crate) fn reopen(&self) {
        self.state.swap(RUNNING, Ordering::AcqRel);
        if !cfg!(rotor_mutant = "no_reopen_fence") {
            fence(Ordering::SeqCst); // pairs with the fence in `drain_closed`
        }
        if cfg!(rotor_mutant = "no_reopen_wait") {
            return;
        }
        while self.draining.load(Ordering::Acquire) > 0 {
            pause();
        }
    }

    /// Closes: nothing is taken any more. Everything that is queued goes to the `reject` of the owner, and
    /// what is pushed later to that or to the one of its sender, once.
    pub(crate) fn close(&self, reject: impl FnMut(T)) {
        let left = {
            // Before the swap: no sender that finds it closed takes what came before.
            let alone = (!cfg!(rotor_mutant = "late_close_lock")).then(|| self.lock_takers());
            self.state.swap(CLOSED, Ordering::AcqRel);
            if !cfg!(rotor_mutant = "no_close_fence") {
                fence(Ordering::SeqCst); // pairs with the sender's steps 1 and 2
            }
            let _alone = alone.unwrap_or_else(|| self.lock_takers());
            self.take_all()
        };
        let wake = self
            .wake
            .lock()
            .expect("never held while foreign code runs")
            .take();
        drop(wake);
        left.into_iter().for_each(reject);
    }

    /// The sender's part of closing: its item may have come after the owner's drain.
    #[cold]
    fn drain_closed(&self, reject: impl FnMut(T)) {
        let mut found = Vec::new();
        self.draining.fetch_add(1, Ordering::SeqCst);
        if !cfg!(rotor_mutant = "no_drain_fence") {
            fence(Ordering::SeqCst); // pairs with the fence in `reopen`
        }
        // Between the two loads the entrance may have got a new life, whose items are not ours. That one
        // may have been closed as well, by an owner that held the lock: it is out of the way, and what it has
        // taken comes before what is taken here.
        let look_again = !cfg!(rotor_mutant = "no_second_look");
        if !look_again || self.state.load(Ordering::Relaxed) == CLOSED {
            let _alone = self.lock_takers();
            found = self.take_all();
        }
        self.draining.fetch_sub(1, Ordering::Release);
        // Foreign code, which may wait for a new life of this very entrance.
        found.into_iter().for_each(reject);
    }

    /// Everything that is queued, for whoever has locked the takers.
    fn take_all(&self) -> Vec<T> {
        let lanes = self.lanes.iter();
        // SAFETY: as in `pop_closed`.
        let all = lanes.flat_map(|lane| std::iter::from_fn(|| unsafe { lane.pop() }));
        all.collect()
    }

    fn lock_takers(&self) -> MutexGuard<'_, ()> {
        self.takers.lock().expect("no foreign code runs under it")
    }
}
