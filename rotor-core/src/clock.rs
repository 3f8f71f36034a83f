//! The clock that a driver is given: the only way in which core reads time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::timer::nanos;

/// Where a driver gets the time from.
///
/// Several drivers may share one. `Clone` gives another handle of the same clock.
#[derive(Clone, Debug)]
pub struct Clock {
    base: Instant,
    /// Nanoseconds since `base`, of a clock that is set by hand.
    manual: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// The machine's monotonic clock.
    pub fn real() -> Self {
        Clock {
            base: Instant::now(),
            manual: None,
        }
    }

    /// A clock that stands still until [`advance`](Self::advance) is called.
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
    pub fn now(&self) -> Instant {
        self.instant(self.nanos())
    }

    /// Moves a manual clock forward. Does nothing to the machine's.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.fetch_add(nanos(by), Ordering::Relaxed);
        }
    }

    pub(crate) fn nanos(&self) -> u64 {
        match &self.manual {
            Some(manual) => manual.load(Ordering::Relaxed),
            None => nanos(self.base.elapsed()),
        }
    }

    pub(crate) fn instant(&self, nanos: u64) -> Instant {
        self.base + Duration::from_nanos(nanos)
    }
}
