//! Timers: a message to oneself, later.

#![expect(unsafe_code)]

use std::marker::PhantomData;
use std::mem::needs_drop;
use std::time::Duration;

use crate::actor::TryHandler;
use crate::lane::NORMAL;
use crate::locality::Local;
use crate::message::{Record, Typed, Way};
use crate::small::{Small, Table, drop_of, fits, free_box};
use crate::things::{Body, Key};

/// Names a timer; for [`Context::cancel`](crate::Context::cancel).
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// struct Bored;
/// struct Pet { patience: Option<Timer>, barked: bool }
/// impl Actor for Pet {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         self.patience = Some(cx.after(Duration::from_secs(60), Bored));
///         Ok(())
///     }
/// }
/// impl Handler<&'static str> for Pet {
///     fn handle(&mut self, _: &'static str, cx: &mut Context<Self>) {
///         self.patience.take().map(|timer| cx.cancel(timer));
///     }
/// }
/// impl Handler<Bored> for Pet {
///     fn handle(&mut self, _: Bored, _: &mut Context<Self>) { self.barked = true }
/// }
/// # let mut sim = Sim::new(1);
/// # let pet = sim.locality("here").reserve();
/// # sim.start(Supervisor::one_for_one("app")
/// #     .child(Child::new("pet", || Pet { patience: None, barked: false }).at(pet)))?;
/// sim.run_for(Duration::from_secs(59));
/// pet.send("a stick");
/// sim.run_for(Duration::from_secs(59));
/// assert_eq!(sim.with(pet, |pet| pet.barked), Some(false));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer(pub(crate) Key);

impl From<Timer> for Key {
    fn from(timer: Timer) -> Key {
        timer.0
    }
}

/// What a periodic timer does that is late, because the locality was busy; for
/// [`Context::every_with`](crate::Context::every_with).
///
/// As tokio's `MissedTickBehavior`. A timer has at most one message in the queue in any case.
///
/// With a period of 10 ms, on a locality that has no turn until 35 ms:
///
/// | | ticks are handled at |
/// |---|---|
/// | `Burst` | 35, 35, 35, 40, 50, .. |
/// | `Delay` | 35, 45, 55, .. |
/// | `Skip` | 35, 40, 50, .. |
///
/// ```
/// use rotor_core::*;
/// use std::{sync::Arc, time::Duration};
/// #[derive(Clone)] struct Tick;
/// struct Meter { ticks: Recipient<()>, missed: Missed }
/// impl Actor for Meter {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         cx.every_with(Duration::from_millis(10), self.missed, Tick);
///         Ok(())
///     }
/// }
/// impl Handler<Tick> for Meter {
///     fn handle(&mut self, _: Tick, _: &mut Context<Self>) { self.ticks.send(()) }
/// }
/// # struct Nothing;
/// # impl Wake for Nothing { fn wake(&self) {} }
/// /// How many come at 35 ms.
/// fn late(missed: Missed) -> usize {
///     let (clock, inbox) = (Clock::manual(), Inbox::new(10));
///     let ticks = inbox.recipient();
///     # let driver = Driver::new(Arc::new(Nothing), clock.clone());
///     # let here = Locality::new("here");
///     # driver.open(&here).unwrap();
///     # let tree = Supervisor::one_for_one("app");
///     # driver.start(tree.child(Child::new("meter", move || Meter { ticks, missed }))).unwrap();
///     # driver.run_until_idle();
///     clock.advance(Duration::from_millis(35));
///     # driver.run_until_idle();
///     std::iter::from_fn(|| inbox.try_recv().ok()).count()
/// }
/// assert_eq!([Missed::Burst, Missed::Delay, Missed::Skip].map(late), [3, 1, 1]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// Makes up for each tick, one after the other, as fast as they are handled: their number is
    /// right. Handlers that take longer than the period never catch up.
    Burst,
    /// Goes on one period after the late tick: two are never closer than that.
    Delay,
    /// Leaves them out, and keeps the rhythm.
    Skip,
}

impl Missed {
    /// When a timer is due next that was due at `last`, and fires now.
    fn next(self, last: u64, now: u64, period: u64) -> Option<u64> {
        let from = match self {
            Missed::Burst => last,
            Missed::Delay => now.max(last),
            Missed::Skip => last + now.saturating_sub(last) / period * period,
        };
        from.checked_add(period)
    }
}

/// Nanoseconds of a duration; 584 years at most.
pub(crate) fn nanos(d: Duration) -> u64 {
    let whole = d.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(d.subsec_nanos().into())
}

/// The message of a timer.
struct Alarm<A, M>(M, PhantomData<fn(A)>);

impl<A: TryHandler<M>, M: 'static> Alarm<A, M> {
    const ONCE: &'static Table = &Self::table(None);

    const fn table(repeat: Option<unsafe fn(*const (), *mut (), &Local, u32)>) -> Table {
        Table {
            call: Self::call,
            repeat,
            fail: None,
            asks: None,
            trivial: !needs_drop::<Self>() && fits::<Self>(),
            drop: drop_of::<Self>(),
            free: if fits::<Self>() {
                None
            } else {
                Some(free_box::<Self>)
            },
        }
    }

    unsafe fn call(this: *mut (), actor: *mut (), _: *mut (), here: &Local, slot: u32) {
        // SAFETY: the table belongs to `Self`, and the value is used up here.
        let message = unsafe { this.cast::<Self>().read() }.0;
        here.handling.set(Some(std::any::type_name::<M>));
        // SAFETY: timers belong to the instance, so it is the live one.
        unsafe { Typed::<A, M>::run(message, actor, here, slot) }
        here.handling.set(None);
    }
}

impl<A: TryHandler<M>, M: Clone + 'static> Alarm<A, M> {
    const EVERY: &'static Table = &Self::table(Some(Self::repeat));

    unsafe fn repeat(this: *const (), actor: *mut (), here: &Local, slot: u32) {
        here.handling.set(Some(std::any::type_name::<M>));
        // SAFETY: the table belongs to `Self`, and the value is only looked at.
        let message = unsafe { &*this.cast::<Self>() }.0.clone();
        // SAFETY: as in `call`.
        unsafe { Typed::<A, M>::run(message, actor, here, slot) }
        here.handling.set(None);
    }
}

pub(crate) fn after<A: TryHandler<M>, M: 'static>(
    here: &Local,
    slot: u32,
    message: M,
    delay: Duration,
) -> Key {
    let alarm = Alarm::<A, M>(message, PhantomData);
    here.add_once(slot, alarm, Alarm::<A, M>::ONCE, delay)
}

pub(crate) fn every<A: TryHandler<M>, M: Clone + 'static>(message: M) -> Small {
    Small::new(Alarm::<A, M>(message, PhantomData), Alarm::<A, M>::EVERY)
}

/// A deadline that has passed, on its way through the queue: a timer never fires inside another
/// handler, and one that is cancelled now is not seen.
pub(crate) struct Due;

impl Record for Due {
    type Message = Key;
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Own;

    fn name() -> &'static str {
        std::any::type_name::<Timer>()
    }

    unsafe fn run(key: Key, actor: *mut (), here: &Local, slot: u32) {
        // SAFETY: passed on; the key belongs to the instance or misses.
        unsafe { here.fire(key, actor, slot) }
    }
}

impl Local {
    /// Runs what a deadline was for.
    ///
    /// # Safety
    /// `actor` is the live instance of `slot`.
    unsafe fn fire(&self, key: Key, actor: *mut (), slot: u32) {
        let was_once = self.take_once(key, slot, |once| {
            if once.is_request() {
                if once.has_token() {
                    self.give_up(key, slot);
                }
                // SAFETY: passed on.
                unsafe { once.fail(actor, crate::RequestError::Timeout, self, slot) }
            } else {
                // SAFETY: passed on; timers take no argument.
                unsafe { once.call(actor, std::ptr::null_mut(), self, slot) }
            }
        });
        if was_once {
            return;
        }
        // The value stays in its entry by its place, while it is out to be used: a clone and a
        // handler are user code, which may cancel this very timer.
        let every = match self.things.borrow_mut().body(key) {
            Some(body @ Body::Every(_)) => std::mem::replace(body, Body::Polling),
            _ => return,
        };
        let Body::Every(mut every) = every else {
            return;
        };
        // Not as of the last read: what ran before it in this turn may have taken longer than a period.
        let now = self.clock.nanos();
        // At the end of time it is over.
        let next = every.missed.next(every.last, now, every.period);
        every.last = next.unwrap_or(u64::MAX);
        // SAFETY: passed on.
        unsafe { every.value.repeat(actor, self, slot) }
        let mut things = self.things.borrow_mut();
        match things.body(key) {
            Some(body) => {
                *body = Body::Every(every);
                if let Some(next) = next {
                    things.arm_at(key, next);
                }
            }
            None => {
                drop(things);
                drop(every);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::entrance::Nothing;
    use crate::*;

    #[derive(Clone)]
    struct Tick;

    /// Takes as long as it is told, and tells of its ticks.
    struct Busy(Missed, Clock, Recipient<()>);

    impl Actor for Busy {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.every_with(Duration::from_millis(60), self.0, Tick);
            Ok(())
        }
    }

    impl Handler<Duration> for Busy {
        fn handle(&mut self, long: Duration, _: &mut Context<Self>) {
            self.1.advance(long);
        }
    }

    impl Handler<Tick> for Busy {
        fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
            self.2.send(());
        }
    }

    /// How many ticks of a timer of 60 ms come after so many milliseconds each, if something ahead of the first
    /// one takes `busy` milliseconds.
    fn ticks<const N: usize>(missed: Missed, busy: u64, after: [u64; N]) -> [usize; N] {
        let (clock, inbox) = (Clock::manual(), Inbox::new(10));
        let (time, ticks) = (clock.clone(), inbox.recipient());
        let driver = Driver::new(Arc::new(Nothing), clock.clone());
        let here = Locality::new("here");
        driver.open(&here).unwrap();
        let a = here.reserve();
        let actor = Child::new("busy", move || Busy(missed, time.clone(), ticks));
        driver
            .start(Supervisor::one_for_one("app").child(actor.at(a)))
            .unwrap();
        driver.run_until_idle();
        a.send(Duration::from_millis(busy));
        after.map(|ms| {
            clock.advance(Duration::from_millis(ms));
            driver.run_until_idle();
            std::iter::from_fn(|| inbox.try_recv().ok()).count()
        })
    }

    /// Also if the clock was not read since it was due.
    #[test]
    fn t01_two_ticks_of_a_delayed_timer_are_never_closer_than_its_period() {
        // 10 ms after the first one, 59 and 60.
        assert_eq!(ticks(Missed::Delay, 50, [60, 10, 49, 1]), [1, 0, 0, 1]);
    }

    #[test]
    fn t01_a_timer_that_skips_has_one_late_tick_whatever_came_before_it() {
        assert_eq!(ticks(Missed::Skip, 200, [60, 39, 1]), [1, 0, 1]); // at 260 and at 300
    }
}
