//! Spinning: waiting for a wake while the thread keeps its processor.

use std::num::NonZero;
use std::time::{Duration, Instant};

use crate::driver::Driver;

/// How long a loop spins before it lets others have its processor in between.
const ALONE: Duration = Duration::from_micros(2);

/// How many localities can each have a processor of its own.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

impl Driver {
    /// For backends: waits without a rest until something is sent here, or `is_woken`, at most for
    /// `most` and not beyond `deadline`, the one that [`Turn::Park`](crate::Turn::Park) has told. True
    /// if the driver is to be turned; false if it rests, as after `Park`.
    ///
    /// What is sent meanwhile wakes nobody: it is looked for here.
    ///
    /// Blocks this thread and keeps its processor busy, so it is for loops that were asked to. It does
    /// not spin where more localities of the tree have a loop than there are processors: whoever is to
    /// send may be waiting for this one.
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
    /// use std::time::{Duration, Instant};
    /// #[derive(Default)]
    /// struct Flag(AtomicBool);
    /// impl Wake for Flag {
    ///     fn wake(&self) { self.0.store(true, Ordering::Release) }
    /// }
    /// let flag = Arc::new(Flag::default());
    /// let driver = Driver::new(flag.clone(), Clock::real());
    /// // In the loop, when a turn has answered `Park(deadline)`:
    /// let deadline = Some(Instant::now() + Duration::from_secs(3600));
    /// let is_woken = || flag.0.swap(false, Ordering::Acquire);
    /// assert!(!driver.spin(Duration::from_micros(20), deadline, is_woken)); // then it is to sleep
    /// flag.wake();
    /// assert!(driver.spin(Duration::from_secs(5), deadline, is_woken)); // the next turn
    /// ```
    pub fn spin(
        &self,
        most: Duration,
        deadline: Option<Instant>,
        is_woken: impl Fn() -> bool,
    ) -> bool {
        if most.is_zero() || self.is_crowded() {
            return false;
        }
        // An answer that comes at once costs no look at the clock.
        let mut start = None;
        self.look_out(is_woken, || {
            let now = Instant::now();
            let start = *start.get_or_insert(now);
            if now - start > ALONE {
                // Whoever is to answer may be waiting for this very processor.
                std::thread::yield_now();
            }
            // None is beyond the end of time.
            let ends = [start.checked_add(most), deadline];
            ends.into_iter().flatten().any(|end| now >= end)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::*;
    use crate::entrance::Nothing;
    use crate::*;

    /// A driver of a tree over so many localities.
    fn driver(localities: usize) -> Driver {
        started(localities).0
    }

    /// The same, with the tree.
    fn started(localities: usize) -> (Driver, App) {
        let driver = Driver::new(Arc::new(Nothing), Clock::manual());
        let mut tree = Supervisor::one_for_one("app");
        for i in 0..localities {
            let place = Locality::new(format!("{i}"));
            driver.open(&place).unwrap();
            if i > 0 {
                tree = tree.child(Supervisor::one_for_one(format!("{i}")).on(&place, |s| s));
            }
        }
        let app = driver.start(tree).unwrap();
        driver.run_until_idle();
        (driver, app)
    }

    /// It is not even looked at whether there is a wake.
    #[test]
    fn e16_a_loop_spins_only_where_each_locality_has_a_processor() {
        for (localities, spins) in [(1, true), (processors(), true), (processors() + 1, false)] {
            let (driver, looks) = (driver(localities), Cell::new(0));
            let is_woken = || {
                looks.set(looks.get() + 1);
                looks.get() == 100
            };
            assert_eq!(driver.spin(Duration::MAX, None, is_woken), spins);
            assert_eq!(looks.get(), if spins { 100 } else { 0 });
        }
    }

    #[test]
    fn e16_a_loop_spins_again_when_another_one_has_ended_or_is_lost() {
        for lost in [false, true] {
            let (ours, app) = started(processors());
            let theirs = Driver::new(Arc::new(Nothing), Clock::manual());
            let far = Locality::new("far");
            theirs.open(&far).unwrap();
            theirs.host();
            let place = far.clone();
            let part = move || {
                Supervisor::one_for_one("part")
                    .temporary()
                    .on(&place, |s| s)
            };
            let _started = app.root().admin().ask(StartChild::new(part), Duration::MAX);
            let spins = || ours.spin(Duration::MAX, None, || true);
            while spins() {
                ours.run_until_idle();
            }
            if !lost {
                let _ended = app
                    .root()
                    .admin()
                    .ask(TerminateChild::named("part"), Duration::MAX);
                while !matches!(theirs.run_until_idle(), Turn::Done(_)) {
                    ours.run_until_idle();
                }
            }
            drop(theirs);
            assert!(spins());
        }
    }

    struct Deaf;
    impl Actor for Deaf {}
    impl Handler<u8> for Deaf {
        fn handle(&mut self, _: u8, _: &mut Context<Self>) {}
    }

    /// A driver that rests, and an actor there.
    fn resting() -> (Driver, Locality, Addr<Deaf>) {
        let driver = Driver::new(Arc::new(Nothing), Clock::manual());
        let here = Locality::new("here");
        driver.open(&here).unwrap();
        let deaf = here.reserve();
        let tree = Supervisor::one_for_one("app").child(Child::new("deaf", || Deaf).at(deaf));
        driver.start(tree).unwrap();
        assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
        (driver, here, deaf)
    }

    fn send_from_elsewhere(to: Addr<Deaf>) {
        std::thread::spawn(move || to.send(1)).join().unwrap();
    }

    #[test]
    fn e16_what_is_sent_to_a_loop_that_spins_wakes_nobody() {
        let (driver, here, deaf) = resting();
        let (before, sent) = (here.wakes(), Cell::new(false));
        let is_woken = || {
            if !sent.replace(true) {
                send_from_elsewhere(deaf);
            }
            false
        };
        assert!(driver.spin(Duration::MAX, None, is_woken));
        assert_eq!(here.wakes(), before);
        // It is no different if the loop's own thread sends.
        assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
        let is_woken = || {
            if sent.replace(false) {
                deaf.send(2);
            }
            false
        };
        assert!(driver.spin(Duration::MAX, None, is_woken));
    }

    #[test]
    fn e16_what_is_sent_after_the_spin_wakes_the_loop() {
        let (driver, here, deaf) = resting();
        assert!(!driver.spin(Duration::from_nanos(1), None, || false));
        let before = here.wakes();
        send_from_elsewhere(deaf);
        assert_eq!(here.wakes(), before + 1);
    }

    #[test]
    fn e16_spinning_is_bounded() {
        let driver = driver(1);
        let short = Duration::from_micros(1);
        assert!(!driver.spin(Duration::ZERO, None, || true));
        assert!(!driver.spin(short, None, || false));
        assert!(!driver.spin(Duration::MAX, Some(Instant::now() + short), || false));
    }
}
