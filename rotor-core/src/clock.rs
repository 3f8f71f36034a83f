//! The clock that a driver is given: the only way in which core reads time.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::entrance::Wake;
use crate::here;
use crate::timer::nanos;

/// From how many timers on, since it rested last, a driver does not rest for less than `MOMENT`.
const MANY: u64 = 64;
/// As long as loops wait that poll: those know milliseconds only. In nanoseconds.
const MOMENT: u64 = 1_000_000;

/// Where a driver gets the time from.
///
/// Several drivers may share one. `Clone` gives another handle of the same clock.
///
/// ```
/// use rotor_core::*;
/// use std::time::Duration;
/// let clock = Clock::manual(); // a test moves it; `Clock::real` moves by itself
/// let (also, before) = (clock.clone(), clock.now());
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(also.now() - before, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    base: Instant,
    manual: Option<Arc<Manual>>,
}

/// What there is to a clock that is set by hand.
#[derive(Default)]
struct Manual {
    /// Nanoseconds since `base`; changed under the lock of `sleepers`.
    nanos: AtomicU64,
    sleepers: Mutex<Vec<Sleeper>>,
}

/// A driver that rests until a time.
struct Sleeper {
    driver: usize,
    due: u64,
    wake: Arc<dyn Wake>,
}

impl Clock {
    /// The machine's monotonic clock.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let clock = Clock::real();
    /// let before = clock.now();
    /// assert!(clock.now() >= before); // never back, whatever happens to the date
    /// ```
    pub fn real() -> Self {
        Clock {
            base: Instant::now(),
            manual: None,
        }
    }

    /// A clock that stands still until [`advance`](Self::advance) is called.
    ///
    /// Its drivers wait for a wake only, whatever their timers are: the clock wakes them when it
    /// reaches their time.
    ///
    /// ```
    /// use rotor_core::Clock;
    /// use std::time::Duration;
    /// let clock = Clock::manual();
    /// let start = clock.now();
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(clock.now() - start, Duration::from_secs(60));
    /// ```
    pub fn manual() -> Self {
        Clock {
            base: Instant::now(),
            manual: Some(Arc::default()),
        }
    }

    /// The time now.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// let clock = Clock::manual();
    /// let deadline = clock.now() + Duration::from_secs(5);
    /// clock.advance(Duration::from_secs(5));
    /// assert!(clock.now() >= deadline);
    /// ```
    pub fn now(&self) -> Instant {
        self.instant(self.nanos())
    }

    /// Moves a manual clock forward, on any thread, and wakes the drivers that have waited for the
    /// times on the way. Does nothing to the machine's.
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// struct Alarm { rang: Recipient<&'static str> }
    /// impl Actor for Alarm {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.after(Duration::from_secs(3600), "get up");
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<&'static str> for Alarm {
    ///     fn handle(&mut self, text: &'static str, _: &mut Context<Self>) { self.rang.send(text) }
    /// }
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// let clock = Clock::manual();
    /// let driver = Driver::new(std::sync::Arc::new(Nothing), clock.clone());
    /// # let here = Locality::new("here");
    /// # driver.open(&here).unwrap();
    /// # let inbox = Inbox::new(1);
    /// # let rang = inbox.recipient();
    /// driver.start(Supervisor::one_for_one("app").child(Child::new("alarm", move || Alarm { rang })))?;
    /// driver.run_until_idle();
    /// clock.advance(Duration::from_secs(3600)); // no time passes
    /// driver.run_until_idle();
    /// assert_eq!(inbox.try_recv(), Ok("get up"));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn advance(&self, by: Duration) {
        let Some(manual) = &self.manual else { return };
        let late = {
            let mut sleepers = manual.sleepers();
            let now = manual.nanos().saturating_add(nanos(by));
            manual.nanos.store(now, Ordering::Relaxed);
            sleepers
                .extract_if(.., |sleeper| sleeper.due <= now)
                .collect::<Vec<_>>()
        };
        for sleeper in late {
            // Foreign code, with nothing locked.
            let _ = here::guard(|| sleeper.wake.wake());
        }
    }

    /// Returns the earliest time that a driver of this manual clock waits for, on any thread. `None`
    /// if none waits for one, and for the machine's clock.
    ///
    /// What a driver waits for is known while its loop rests, so let all loops come to rest first.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// struct Nap;
    /// impl Actor for Nap {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.after(Duration::from_secs(3600), "up");
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<&'static str> for Nap {
    ///     fn handle(&mut self, _: &'static str, cx: &mut Context<Self>) { cx.stop() }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = Clock::manual();
    /// let driver = Driver::new(std::sync::Arc::new(Nothing), clock.clone());
    /// driver.open(&Locality::new("here"))?;
    /// driver.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("nap", || Nap).transient().significant()))?;
    /// assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
    /// let due = clock.next_deadline().expect("the timer");
    /// clock.advance(due - clock.now()); // an hour passes
    /// assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn next_deadline(&self) -> Option<Instant> {
        let sleepers = self.manual.as_ref()?.sleepers();
        let due = sleepers.iter().map(|sleeper| sleeper.due).min();
        due.map(|due| self.instant(due))
    }

    pub(crate) fn nanos(&self) -> u64 {
        match &self.manual {
            Some(manual) => manual.nanos(),
            None => nanos(self.base.elapsed()),
        }
    }

    /// Says until when a driver that parks has to wait by itself, when so many deadlines have passed
    /// since it did so last; a manual clock will wake it. An error if that has come.
    pub(crate) fn sleep(
        &self,
        driver: usize,
        wake: &Arc<dyn Wake>,
        due: Option<u64>,
        passed: u64,
    ) -> Result<Option<Instant>, ()> {
        let Some(due) = due else { return Ok(None) };
        let Some(manual) = &self.manual else {
            let until = rest(due, self.nanos(), passed).ok_or(())?;
            return Ok(Some(self.instant(until)));
        };
        let mut sleepers = manual.sleepers();
        if due <= manual.nanos() {
            return Err(());
        }
        let wake = wake.clone();
        sleepers.push(Sleeper { driver, due, wake });
        Ok(None)
    }

    /// A driver waits no longer.
    pub(crate) fn rouse(&self, driver: usize) {
        if let Some(manual) = &self.manual {
            manual.sleepers().retain(|sleeper| sleeper.driver != driver);
        }
    }

    pub(crate) fn instant(&self, nanos: u64) -> Instant {
        self.base + Duration::from_nanos(nanos)
    }
}

/// Until when to rest for a deadline, when so many have passed since the last rest. None if that has
/// come.
///
/// Where they pass by the dozen the processor would be busy with falling asleep, so there a deadline
/// waits a moment for the next ones.
fn rest(due: u64, now: u64, passed: u64) -> Option<u64> {
    let until = if passed < MANY {
        due
    } else {
        due.max(due.min(now).saturating_add(MOMENT))
    };
    (until > now).then_some(until)
}

impl Manual {
    fn nanos(&self) -> u64 {
        self.nanos.load(Ordering::Relaxed)
    }

    fn sleepers(&self) -> MutexGuard<'_, Vec<Sleeper>> {
        self.sleepers
            .lock()
            .expect("no foreign code under this lock")
    }
}

impl fmt::Debug for Manual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Manual").field(&self.nanos()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("swallowed, as everywhere");
        }
    }

    /// A clock, and two wakes whose drivers wait for 10 and 20 nanoseconds.
    fn two_sleepers() -> (Clock, [Arc<Count>; 2]) {
        let clock = Clock::manual();
        let counts = [10, 20].map(|due| {
            let count = Arc::new(Count::default());
            let wake: Arc<dyn Wake> = count.clone();
            assert_eq!(clock.sleep(due as usize, &wake, Some(due), 0), Ok(None));
            count
        });
        (clock, counts)
    }

    fn wakes(counts: &[Arc<Count>; 2]) -> [usize; 2] {
        counts
            .each_ref()
            .map(|count| count.0.load(Ordering::Relaxed))
    }

    #[test]
    fn t04_a_manual_clock_wakes_who_waits_for_a_time_that_it_reaches() {
        let (clock, counts) = two_sleepers();
        assert_eq!(clock.next_deadline(), Some(clock.instant(10)));
        clock.advance(Duration::from_nanos(9));
        assert_eq!(wakes(&counts), [0, 0]);
        clock.advance(Duration::from_nanos(1));
        assert_eq!(wakes(&counts), [1, 0]);
        assert_eq!(clock.next_deadline(), Some(clock.instant(20)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(wakes(&counts), [1, 1]);
        assert_eq!(clock.next_deadline(), None);
    }

    #[test]
    fn t04_who_waits_no_longer_is_not_woken() {
        let (clock, counts) = two_sleepers();
        clock.rouse(10);
        assert_eq!(clock.next_deadline(), Some(clock.instant(20)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(wakes(&counts), [0, 1]);
    }

    /// The time may have been reached, by another thread, since the driver looked.
    #[test]
    fn t04_nobody_waits_for_a_time_that_has_come() {
        let (clock, [count, _]) = two_sleepers();
        clock.advance(Duration::from_nanos(15));
        let wake: Arc<dyn Wake> = count;
        assert_eq!(clock.sleep(1, &wake, Some(15), 0), Err(()));
        assert_eq!(clock.next_deadline(), Some(clock.instant(20)));
    }

    #[test]
    fn t04_the_machines_clock_lets_drivers_wait_by_themselves() {
        let clock = Clock::real();
        let wake: Arc<dyn Wake> = Arc::new(Count::default());
        let hour = 3_600_000_000_000;
        let until = Some(clock.instant(hour));
        assert_eq!(clock.sleep(1, &wake, Some(hour), 0), Ok(until));
        assert_eq!(clock.sleep(1, &wake, None, 0), Ok(None));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.next_deadline(), None);
    }

    /// A loop that was told to wait for it would wait for nothing, and do nothing else.
    #[test]
    fn t04_the_machines_clock_lets_nobody_wait_for_a_time_that_has_come() {
        let clock = Clock::real();
        let wake: Arc<dyn Wake> = Arc::new(Count::default());
        assert_eq!(clock.sleep(1, &wake, Some(0), 0), Err(()));
        assert_eq!(rest(7, 6, 0), Some(7));
        assert_eq!(rest(7, 7, 0), None);
    }

    #[test]
    fn t01_a_driver_that_many_deadlines_have_woken_does_not_rest_for_less_than_a_moment() {
        let (now, long) = (5 * MOMENT, 9 * MOMENT);
        assert_eq!(rest(now + 1, now, MANY - 1), Some(now + 1));
        assert_eq!(rest(now + 1, now, MANY), Some(now + MOMENT));
        assert_eq!(rest(long, now, MANY), Some(long));
        // Nor is one later than that.
        assert_eq!(rest(now - 1, now, MANY), Some(now - 1 + MOMENT));
        assert_eq!(rest(now - MOMENT, now, MANY), None);
    }
}
