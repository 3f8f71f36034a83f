//! The future that turns a driver.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_io::Timer;
use rotor_core::{Budget, Driver, Exit, Turn};

use crate::bell::Bell;

/// How long a nested pump waits before it looks whether the handler below it has returned.
const NESTED: Duration = Duration::from_millis(1);

/// Drives a tree; its output is the tree's exit. Made by [`SmolLoop::start`](crate::SmolLoop::start).
///
/// It returns `Pending` after each budget of messages, so other tasks of its executor run, too.
///
/// ```
/// use rotor_core::*;
/// use rotor_smol::{Pump, SmolLoop};
/// # struct Quick;
/// # impl Actor for Quick {
/// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
/// # }
/// /// For an executor of the program.
/// fn tree() -> Result<Pump, StartError> {
///     let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///         .child(Child::new("quick", || Quick).transient().significant());
///     Ok(SmolLoop::new().start(tree)?.1)
/// }
/// # fn main() -> Result<(), StartError> {
/// let exit = futures_lite::future::block_on(tree()?);
/// assert!(!exit.is_abnormal());
/// # Ok(())
/// # }
/// ```
#[must_use = "the tree runs while this is polled"]
#[derive(Debug)]
pub struct Pump {
    driver: Driver,
    bell: Arc<Bell>,
    timer: Option<(Instant, Timer)>,
    /// The last turn said `Park`: nothing to do until a wake or the deadline.
    parked: bool,
}

impl Pump {
    pub(crate) fn new(driver: Driver, bell: Arc<Bell>) -> Self {
        Pump {
            driver,
            bell,
            timer: None,
            parked: false,
        }
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Waits for a deadline. True if it has passed.
    fn has_passed(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        if self.timer.as_ref().is_none_or(|(at, _)| *at != deadline) {
            self.timer = Some((deadline, Timer::at(deadline)));
        }
        let Some((_, timer)) = &mut self.timer else {
            return false;
        };
        let passed = Pin::new(timer).poll(cx).is_ready();
        if passed {
            self.timer = None;
        }
        passed
    }
}

impl Future for Pump {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit> {
        let this = &mut *self;
        this.bell.listen(cx.waker());
        // A task may be polled for no reason of ours; a driver that rests is not turned for that.
        let due = match this.timer.as_ref().map(|(at, _)| *at) {
            Some(at) => this.has_passed(at, cx),
            None => false,
        };
        if !this.bell.take() && this.parked && !due {
            return Poll::Pending;
        }
        loop {
            match this.driver.turn(Budget::default()) {
                Turn::Again => {
                    this.parked = false;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Turn::Park(deadline) => {
                    this.parked = true;
                    let passed = match deadline {
                        Some(deadline) => this.has_passed(deadline, cx),
                        None => {
                            this.timer = None;
                            false
                        }
                    };
                    if !passed && !this.bell.take() {
                        return Poll::Pending;
                    }
                }
                Turn::Nested => {
                    this.parked = false;
                    if !this.has_passed(Instant::now() + NESTED, cx) {
                        return Poll::Pending;
                    }
                }
                Turn::Done(exit) => return Poll::Ready(exit),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use futures_lite::future;
    use rotor_core::{Actor, Child, Context as Cx, Handler, Supervisor};

    use super::*;
    use crate::SmolLoop;

    struct Clock;
    struct Tick;
    impl Actor for Clock {
        fn start(&mut self, cx: &mut Cx<Self>) -> rotor_core::Result {
            cx.after(Duration::from_secs(3600), Tick);
            Ok(())
        }
    }
    impl Handler<Tick> for Clock {
        fn handle(&mut self, _: Tick, _: &mut Cx<Self>) {}
    }

    /// Polls once, for no reason of the pump.
    fn poll(pump: &mut Pump) {
        let nobody = &mut Context::from_waker(Waker::noop());
        assert!(pin!(pump).poll(nobody).is_pending());
    }

    #[test]
    fn a_pump_that_is_polled_for_no_reason_is_not_turned() {
        let main = SmolLoop::new();
        let here = main.locality().clone();
        let clock = here.reserve();
        let tree = Supervisor::one_for_one("app").child(Child::new("clock", || Clock).at(clock));
        let (app, mut pump) = main.start(tree).unwrap();
        while !pump.parked {
            poll(&mut pump);
        }
        let before = here.slices();
        (0..1000).for_each(|_| poll(&mut pump));
        assert_eq!(here.slices(), before);
        clock.send(Tick);
        poll(&mut pump);
        assert!(here.slices() > before);
        app.shutdown();
        assert!(!future::block_on(pump).is_abnormal());
    }
}
