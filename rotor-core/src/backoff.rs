//! How long a supervisor waits before it restarts a child.

use std::fmt;
use std::time::Duration;

use crate::timer::nanos;

/// How long a supervisor waits before it restarts a child: see
/// [`Child::backoff`](crate::Child::backoff).
///
/// The wait grows with each restart in a row, up to a longest one, and begins anew with the first
/// after an instance was well for a time: at least the longest wait, unless
/// [`reset_after`](Self::reset_after) says otherwise.
///
/// ```
/// use rotor_core::{*, sim::Sim};
/// use std::time::Duration;
/// struct Uplink;
/// impl Actor for Uplink {}
/// struct Lost;
/// impl Handler<Lost> for Uplink {
///     fn handle(&mut self, _: Lost, cx: &mut Context<Self>) { cx.fail(Error::message("no route")) }
/// }
/// # fn main() -> Result<(), StartError> {
/// // 1, 2, 4, 8, 8 s and so on, each by up to a fifth shorter, so that not all come back at once.
/// let patient = Backoff::exponential(Duration::from_secs(1), Duration::from_secs(8)).jitter(20);
/// let mut sim = Sim::new(1);
/// let uplink = sim.locality("here").reserve();
/// sim.start(Supervisor::one_for_one("app").intensity(3, Duration::from_secs(60))
///     .child(Child::new("uplink", || Uplink).at(uplink).backoff(patient)))?;
/// uplink.send(Lost);
/// sim.run_for(Duration::from_millis(799));
/// assert!(sim.with(uplink, |_| ()).is_none());
/// sim.run_for(Duration::from_millis(201));
/// assert!(sim.with(uplink, |_| ()).is_some());
/// # Ok(())
/// # }
/// ```
///
/// *Source*: not in Erlang/OTP, which restarts at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    growth: Growth,
    /// Percent of a wait that may be left out.
    jitter: u8,
    healthy: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    Fixed,
    Linear,
    Exponential,
}

impl Backoff {
    const fn new(first: Duration, most: Duration, growth: Growth) -> Self {
        Backoff {
            first,
            most,
            growth,
            jitter: 0,
            healthy: most,
        }
    }

    /// The same wait before each restart.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// let poll = Backoff::fixed(Duration::from_secs(30)); // a peer that comes back when it likes
    /// assert_eq!(poll.to_string(), "after 30s");
    /// ```
    pub const fn fixed(wait: Duration) -> Self {
        Self::new(wait, wait, Growth::Fixed)
    }

    /// A wait that is longer by `step` each time, up to `most`; the first one is `step`.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    /// let wait = Backoff::linear(second, minute); // 1 s, 2 s, 3 s, ..
    /// # struct Feed;
    /// # impl Actor for Feed {}
    /// let feed = Child::new("feed", || Feed).backoff(wait);
    /// # let tree = Supervisor::one_for_one("app").child(feed);
    /// # assert!(tree.plan(&Locality::new("here")).is_ok());
    /// ```
    pub const fn linear(step: Duration, most: Duration) -> Self {
        Self::new(step, most, Growth::Linear)
    }

    /// A wait that doubles each time, up to `most`.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// // 100 ms, 200 ms, 400 ms, .. and 10 s from the eighth on.
    /// let wait = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10));
    /// # assert!(wait.to_string().starts_with("after 100ms"));
    /// ```
    pub const fn exponential(first: Duration, most: Duration) -> Self {
        Self::new(first, most, Growth::Exponential)
    }

    /// Has each wait shortened by a random part of it, of up to so many percent. None by default.
    ///
    /// The numbers come from the driver of the supervisor's locality; in a
    /// [simulation](crate::sim::Sim) they follow from its seed.
    ///
    /// Many that lost the same peer should not come back to it at the same time:
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// let second = Duration::from_secs(1);
    /// let wait = Backoff::exponential(second, 8 * second).jitter(20);
    /// assert_eq!(wait.to_string(), "after 1s, doubled up to 8s, 20 % less at most");
    /// ```
    pub const fn jitter(mut self, percent: u8) -> Self {
        self.jitter = percent;
        self
    }

    /// After how long an operational life of the child the next wait is the first one again.
    ///
    /// ```
    /// use rotor_core::Backoff;
    /// use std::time::Duration;
    /// let second = Duration::from_secs(1);
    /// let forgiving = Backoff::linear(second, 60 * second).reset_after(5 * second);
    /// assert_ne!(forgiving, Backoff::fixed(second));
    /// ```
    pub const fn reset_after(mut self, healthy: Duration) -> Self {
        self.healthy = healthy;
        self
    }

    /// What is wrong with it.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.first.is_zero() {
            Some("the first wait is zero: raise it, or leave the backoff out")
        } else if self.most < self.first {
            Some("the longest wait is shorter than the first: raise the one, or lower the other")
        } else if self.jitter > 100 {
            Some("more than 100 percent of a wait may be left out: lower the `jitter`")
        } else {
            None
        }
    }

    /// Whether a life of so many nanoseconds was a healthy one.
    pub(crate) fn is_healthy(&self, life: u64) -> bool {
        life >= nanos(self.healthy)
    }

    /// How long the wait before the nth restart in a row is at least, and at most, in nanoseconds.
    pub(crate) fn window(&self, nth: u32) -> (u64, u64) {
        let (first, most) = (nanos(self.first), nanos(self.most));
        let before = nth.saturating_sub(1);
        let wait = match self.growth {
            Growth::Fixed => first,
            Growth::Linear => first.saturating_mul(nth.into()),
            Growth::Exponential if before < first.leading_zeros() => first << before,
            Growth::Exponential => most,
        };
        let wait = wait.min(most);
        (wait - wait / 100 * u64::from(self.jitter), wait)
    }

    /// Whether a child that waits like this cannot be restarted more than `intensity` times within
    /// `period`, however short its lives are.
    pub(crate) fn outlasts(&self, intensity: u32, period: Duration) -> bool {
        /// Later waits are not shorter.
        const LOOKED_AT: u32 = 10_000;
        let again = nanos(self.healthy).saturating_add(self.window(1).0);
        let mut total = 0u64;
        for nth in 1..=intensity {
            // Either the next wait, or a healthy life and the first one.
            let wait = self.window(nth).0.min(again);
            let left = if nth == LOOKED_AT {
                intensity - nth + 1
            } else {
                1
            };
            total = total.saturating_add(wait.saturating_mul(left.into()));
            if nth == LOOKED_AT || total > nanos(period) {
                break;
            }
        }
        total > nanos(period)
    }
}

/// `after 1s, doubled up to 8s, 20 % less at most`.
impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {:?}", self.first)?;
        match self.growth {
            Growth::Fixed => {}
            Growth::Linear => write!(f, ", longer each time up to {:?}", self.most)?,
            Growth::Exponential => write!(f, ", doubled up to {:?}", self.most)?,
        }
        if self.jitter > 0 {
            write!(f, ", {} % less at most", self.jitter)?;
        }
        if self.healthy != self.most {
            write!(f, ", anew after {:?}", self.healthy)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn waits(backoff: Backoff) -> [u64; 6] {
        let mut nth = 0;
        [(); 6].map(|()| {
            nth += 1;
            backoff.window(nth).1 / nanos(SECOND)
        })
    }

    #[test]
    fn l07_waits_grow_as_they_are_told_to() {
        assert_eq!(waits(Backoff::fixed(3 * SECOND)), [3; 6]);
        let linear = Backoff::linear(2 * SECOND, 9 * SECOND);
        assert_eq!(waits(linear), [2, 4, 6, 8, 9, 9]);
        let exponential = Backoff::exponential(SECOND, 20 * SECOND);
        assert_eq!(waits(exponential), [1, 2, 4, 8, 16, 20]);
    }

    #[test]
    fn l07_waits_never_overflow() {
        let long = Backoff::exponential(SECOND, Duration::MAX);
        assert_eq!(long.window(65).1, u64::MAX);
        assert_eq!(long.window(u32::MAX).1, u64::MAX);
        let longer = Backoff::linear(Duration::MAX, Duration::MAX).jitter(100);
        assert_eq!(longer.window(u32::MAX).1, u64::MAX);
        let windows = (1..200).map(|nth| long.window(nth));
        assert!(windows.is_sorted());
    }

    #[test]
    fn l07_jitter_only_shortens() {
        let jittered = Backoff::fixed(10 * SECOND).jitter(25);
        let (least, most) = jittered.window(1);
        assert_eq!((least, most), (7_500_000_000, 10_000_000_000));
        assert_eq!(Backoff::fixed(10 * SECOND).window(1), (most, most));
    }

    #[test]
    fn l07_a_wait_that_makes_no_sense_is_told() {
        let bad = [
            Backoff::fixed(Duration::ZERO),
            Backoff::exponential(2 * SECOND, SECOND),
            Backoff::fixed(SECOND).jitter(101),
        ];
        for backoff in bad {
            assert!(backoff.fault().is_some(), "{backoff:?}");
        }
        assert_eq!(Backoff::fixed(SECOND).jitter(100).fault(), None);
    }

    /// Against restarts that are tried out one by one.
    #[test]
    fn m14_a_backoff_outlasts_an_intensity_that_it_never_uses_up() {
        let backoffs = [
            Backoff::fixed(SECOND),
            Backoff::linear(SECOND, 3 * SECOND),
            Backoff::exponential(SECOND, 100 * SECOND),
            Backoff::exponential(SECOND, 100 * SECOND).jitter(50),
            Backoff::exponential(SECOND, 100 * SECOND).reset_after(SECOND),
        ];
        for backoff in backoffs {
            for intensity in 0..8 {
                for period in 1..40 {
                    let period = period * SECOND;
                    let outlasts = backoff.outlasts(intensity, period);
                    let soonest = soonest(backoff, intensity, 1);
                    let expected = soonest > nanos(period);
                    assert!(!outlasts || expected, "{backoff:?} {intensity} {period:?}");
                    let simple = backoff.healthy == backoff.most;
                    assert!(!simple || outlasts == expected, "{backoff:?} {intensity}");
                }
            }
        }
        assert!(Backoff::fixed(SECOND).outlasts(u32::MAX, 10_000 * SECOND));
        assert!(!Backoff::fixed(Duration::from_nanos(1)).outlasts(u32::MAX, 5 * SECOND));
    }

    /// The least time in which the child is restarted so often, from its nth restart on, and has
    /// ended once more.
    fn soonest(backoff: Backoff, restarts: u32, nth: u32) -> u64 {
        if restarts == 0 {
            return 0;
        }
        let wait = backoff.window(nth).0;
        let on = soonest(backoff, restarts - 1, nth + 1);
        let anew = nanos(backoff.healthy) + soonest(backoff, restarts - 1, 1);
        wait + on.min(anew)
    }
}
