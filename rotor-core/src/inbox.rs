//! Receiving messages on a plain thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::actor::{Actor, Handler};
use crate::child::Child;
use crate::clock::Clock;
use crate::context::Context;
use crate::driver::{Budget, Driver, Turn};
use crate::locality::Locality;
use crate::recipient::Recipient;
use crate::supervisor::Supervisor;
use crate::thread::Unpark;

/// Receives messages on a thread that runs no loop.
///
/// Bounded: what comes while `capacity` messages wait is refused, and reported like every
/// undelivered message. The bound is soft: what another locality hands over in one slice counts as
/// one. It stays on the thread that made it.
///
/// ```
/// use rotor_core::*;
/// use std::time::Duration;
/// struct Greeter { to: Recipient<String> }
/// impl Actor for Greeter {}
/// impl Handler<&'static str> for Greeter {
///     fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
///         self.to.send(format!("hello, {name}"));
///         cx.stop();
///     }
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let inbox = Inbox::new(16);
/// let to = inbox.recipient();
/// let tree = std::thread::spawn(move || {
///     let main = ThreadLoop::new();
///     let greeter = main.locality().reserve();
///     greeter.send("world");
///     main.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///         .child(Child::new("greeter", move || Greeter { to }).at(greeter)
///             .transient().significant()))
/// });
/// assert_eq!(inbox.recv(), "hello, world");
/// assert_eq!(inbox.recv_within(Duration::from_millis(1)), None);
/// tree.join().unwrap()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Inbox<M> {
    driver: Driver,
    recipient: Recipient<M>,
    got: Rc<RefCell<VecDeque<M>>>,
}

impl<M: Send + 'static> Inbox<M> {
    /// Makes an inbox for this thread. A capacity of zero counts as one.
    pub fn new(capacity: usize) -> Self {
        let locality = Locality::new("inbox");
        locality.set_bound(capacity.max(1));
        let wake = Arc::new(Unpark::this_thread());
        let driver = Driver::new(wake, Clock::real());
        driver.open(&locality).expect("a locality of our own");
        let (addr, got) = (locality.reserve(), Rc::new(RefCell::new(VecDeque::new())));
        let log = got.clone();
        let tree = Supervisor::one_for_one("inbox")
            .child(Child::new("inbox", move || Receiver { got: log.clone() }).at(addr));
        driver.start(tree).expect("a sound tree");
        // The receiver is up before anybody can send to it.
        let _ = driver.run_until_idle();
        Inbox {
            driver,
            recipient: addr.to(),
            got,
        }
    }

    /// Where to send what is received here.
    pub fn recipient(&self) -> Recipient<M> {
        self.recipient
    }

    /// Takes the next message; blocks this thread until there is one.
    ///
    /// # Panics
    /// Inside a handler: there it would block the locality for ever.
    pub fn recv(&self) -> M {
        self.next(None)
            .expect("an inbox is for plain threads, not for handlers")
    }

    /// Takes the next message; blocks this thread for at most `limit`.
    pub fn recv_within(&self, limit: Duration) -> Option<M> {
        self.next(Some(Instant::now() + limit))
    }

    /// Takes the next message if there is one. Never blocks.
    ///
    /// ```
    /// # use rotor_core::Inbox;
    /// let inbox = Inbox::new(16);
    /// assert_eq!(inbox.try_recv(), None);
    /// inbox.recipient().send(1);
    /// assert_eq!(inbox.try_recv(), Some(1));
    /// ```
    pub fn try_recv(&self) -> Option<M> {
        self.next(Some(Instant::now()))
    }

    fn next(&self, until: Option<Instant>) -> Option<M> {
        loop {
            if let Some(message) = self.got.borrow_mut().pop_front() {
                return Some(message);
            }
            // One at a time: what is not taken out here stays under the bound.
            match self.driver.turn(Budget {
                messages: 1,
                time: Duration::MAX,
            }) {
                Turn::Again => {}
                Turn::Park(_) => match until.map(|at| at.saturating_duration_since(Instant::now()))
                {
                    Some(Duration::ZERO) => return None,
                    Some(left) => std::thread::park_timeout(left),
                    None => std::thread::park(),
                },
                // Inside a handler nothing can arrive: an inbox is for plain threads.
                Turn::Nested | Turn::Done(_) => return None,
            }
        }
    }
}

struct Receiver<M> {
    got: Rc<RefCell<VecDeque<M>>>,
}

impl<M: 'static> Actor for Receiver<M> {}

impl<M: 'static> Handler<M> for Receiver<M> {
    fn handle(&mut self, message: M, _: &mut Context<Self>) {
        self.got.borrow_mut().push_back(message);
    }
}
