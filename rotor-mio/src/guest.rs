//! A guest of a poll that the application runs.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Registry, Token, Waker};
use rotor_core::{
    App, BindError, Budget, Clock, Driver, Exit, Locality, StartError, Supervisor, Turn, Wake,
};

use crate::reactor::Reactor;
use crate::signal::Signal;

/// A handler is on the stack, below a loop that it has opened: look again after this time.
const NESTED: Duration = Duration::from_millis(5);

/// Actors as a guest of a [`Poll`](mio::Poll) that the application runs itself.
///
/// Made by [`MioLoop::attach`](crate::MioLoop::attach). The application calls
/// [`turn`](Self::turn) after each poll, whatever the poll returned, and polls with the timeout
/// that this answers. Stays on its thread. Dropping it before [`Step::Done`] loses its locality:
/// the actors are dropped, and other loops of the tree learn it.
///
/// ```
/// use std::{io::ErrorKind, sync::Arc, time::Duration};
/// use mio::{Events, Poll, Token, Waker};
/// use rotor_core::*;
/// use rotor_mio::{MioLoop, Step};
/// # struct Greeter;
/// # impl Actor for Greeter {}
/// # impl Handler<&'static str> for Greeter {
/// #     fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
/// #         println!("hello, {name}");
/// #         cx.stop();
/// #     }
/// # }
/// const WAKE: Token = Token(0); // the application's own tokens
/// const ACTORS: Token = Token(1000); // from here on they belong to the actors
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut poll = Poll::new()?;
/// let waker = Arc::new(Waker::new(poll.registry(), WAKE)?); // a poll has one: shared
/// let guest = MioLoop::attach(poll.registry(), waker, ACTORS)?;
/// let greeter = guest.locality().reserve();
/// let app = guest.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///     .child(Child::new("greeter", || Greeter).at(greeter).transient().significant()))?;
/// greeter.send("world");
/// let mut events = Events::with_capacity(256);
/// let mut timeout = Some(Duration::ZERO);
/// loop {
///     match poll.poll(&mut events, timeout) {
///         Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
///         _ => {} // a signal, such as that of Ctrl-Z and `fg`, is no reason not to turn
///     }
///     // here the application looks at the events of its own tokens
///     match guest.turn(&events) {
///         Step::Poll(next) => timeout = next, // or less, if the application has timers
///         Step::Done(exit) => break assert!(!exit.is_failure()),
///     }
/// }
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// fn away(guest: rotor_mio::Guest) {
///     send(guest);
/// }
/// ```
pub struct Guest {
    pub(crate) driver: Driver,
    pub(crate) reactor: Rc<Reactor>,
    pub(crate) signal: Arc<Signal>,
    /// Given up by a loop that serves: held, it would count as a user of the thread.
    pub(crate) locality: Option<Locality>,
    budget: Budget,
}

/// What a [`Guest`] wants of the application's loop.
///
/// What an application's loop makes of it, if it has a timer of its own, too:
/// ```
/// use rotor_mio::Step;
/// use std::time::Duration;
/// fn timeout(step: &Step, own: Option<Duration>) -> Option<Duration> {
///     match step {
///         Step::Poll(theirs) => theirs.iter().copied().chain(own).min(),
///         Step::Done(_) => own, // the tree has ended: the application goes on, or does not
///     }
/// }
/// let second = Duration::from_secs(1);
/// assert_eq!(timeout(&Step::Poll(None), Some(second)), Some(second));
/// assert_eq!(timeout(&Step::Poll(Some(Duration::ZERO)), Some(second)), Some(Duration::ZERO));
/// ```
#[derive(Clone, Debug)]
pub enum Step {
    /// Poll, with this timeout at most, and turn again: zero if there is more to do, none if
    /// nothing is to be done until an event.
    Poll(Option<Duration>),
    /// The tree has ended. Told once; what the application's loop does then is its own decision.
    Done(Exit),
}

impl Guest {
    pub(crate) fn new(
        registry: Registry,
        waker: Arc<Waker>,
        first: Token,
        locality: Locality,
        clock: Clock,
    ) -> io::Result<Self> {
        let signal = Arc::new(Signal::new(waker));
        let reactor = Reactor::new(registry, signal.clone(), first)?;
        let driver = Driver::new(signal.clone(), clock);
        driver.extend(reactor.clone());
        driver.open(&locality).map_err(io::Error::other)?;
        Ok(Guest {
            driver,
            reactor,
            signal,
            locality: Some(locality),
            budget: Budget::default(),
        })
    }

    /// Sets how much a turn may do before the application's loop goes on; by default 4 096 messages
    /// or 2 ms.
    ///
    /// ```
    /// # use std::{sync::Arc, time::Duration};
    /// # use mio::{Poll, Token, Waker};
    /// use rotor_core::Budget;
    /// use rotor_mio::MioLoop;
    /// # let poll = Poll::new()?;
    /// # let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
    /// let small = Budget { messages: 256, time: Duration::from_micros(200) };
    /// let guest = MioLoop::attach(poll.registry(), waker, Token(1))?.budget(small);
    /// # let _ = guest;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The locality that this guest has of its own: trees start there.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mio::{Poll, Token, Waker};
    /// use rotor_core::*;
    /// use rotor_mio::MioLoop;
    /// struct Worker;
    /// impl Actor for Worker {}
    /// # let poll = Poll::new()?;
    /// # let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
    /// let guest = MioLoop::attach(poll.registry(), waker, Token(1))?;
    /// let worker = guest.locality().reserve::<Worker>(); // for the application, before the start
    /// # assert_eq!(worker.address().state(), Lifecycle::Waiting);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn locality(&self) -> &Locality {
        self.locality
            .as_ref()
            .expect("a loop that serves is not given out")
    }

    /// Drives one more locality: one whose loop was lost, as a rule. Its supervisor's next restart builds
    /// there what was lost, at the same addresses.
    ///
    /// At any time before [`Step::Done`]: the end of the guest's own tree is that of the guest, and what other
    /// trees have placed there is lost again.
    ///
    /// # Errors
    /// [`BindError::AlreadyOpen`] if a loop has it, also this one, or another thread is to open it,
    /// [`BindError::Ended`] if its loop has ended in order, [`BindError::DriverEnded`] after [`Step::Done`].
    ///
    /// # Examples
    /// A program that has lost a part of its tree with a thread goes on with it in its own loop:
    /// ```
    /// # use std::{io::ErrorKind, sync::Arc, time::Duration};
    /// # use mio::{Events, Poll, Token, Waker};
    /// use rotor_core::*;
    /// use rotor_mio::{MioLoop, Step};
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// # let mut poll = Poll::new()?;
    /// # let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
    /// let far = ThreadLoop::new(); // nobody runs it
    /// let (place, worker) = (far.locality().clone(), far.locality().reserve());
    /// let guest = MioLoop::attach(poll.registry(), waker, Token(1))?;
    /// let app = guest.start(Supervisor::one_for_one("app").child(Supervisor::one_for_one("work")
    ///     .backoff(Backoff::fixed(Duration::from_millis(1)))
    ///     .on(&place, move |s| s.child(Child::new("worker", || Worker).at(worker)))))?;
    /// drop(far); // lost
    /// guest.open(&place)?;
    /// # let mut events = Events::with_capacity(8);
    /// while worker.address().state() != Lifecycle::Running {
    ///     let Step::Poll(timeout) = guest.turn(&events) else { break };
    ///     match poll.poll(&mut events, timeout) {
    ///         Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
    ///         _ => {} // a signal: turn all the same
    ///     }
    /// }
    /// # assert!(app.tree().ended.is_none());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(&self, locality: &Locality) -> Result<(), BindError> {
        self.driver.open(locality)
    }

    /// Starts a tree whose root is here. It starts in the turns that follow.
    ///
    /// # Errors
    /// What is wrong with the tree; then nothing of it was started.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use mio::{Events, Poll, Token, Waker};
    /// use rotor_core::*;
    /// use rotor_mio::MioLoop;
    /// # let poll = Poll::new()?;
    /// # let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
    /// let guest = MioLoop::attach(poll.registry(), waker, Token(1))?;
    /// let app = guest.start(Supervisor::one_for_one("app"))?;
    /// assert_eq!(app.root().state(), Lifecycle::Waiting); // nothing runs by itself
    /// guest.turn(&Events::with_capacity(1));
    /// assert_eq!(app.root().state(), Lifecycle::Running);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn start(&self, tree: Supervisor) -> Result<App, StartError> {
        self.driver.start(tree)
    }

    /// Takes the actors' events out of what the poll returned, runs what is queued within the
    /// budget, and says how long the next poll may take.
    ///
    /// On the thread of [`attach`](crate::MioLoop::attach) only: elsewhere the locality is lost.
    /// Never blocks; panics of actors do not get out of it. In a loop inside a handler, of any loop of
    /// this thread, it runs nothing, and has the poll look again after a few milliseconds. Events of
    /// other tokens, and of sockets that are gone, are passed over.
    ///
    /// The application's own events come first:
    /// ```
    /// # use std::{io::ErrorKind, sync::Arc, time::Duration};
    /// use mio::{Events, Poll, Token, Waker};
    /// use rotor_core::*;
    /// use rotor_mio::{MioLoop, Step};
    /// # const WAKE: Token = Token(0);
    /// # let mut poll = Poll::new()?;
    /// # let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
    /// # let guest = MioLoop::attach(poll.registry(), waker, Token(1))?;
    /// # let app = guest.start(Supervisor::one_for_one("app"))?;
    /// # app.shutdown();
    /// let (mut events, mut timeout) = (Events::with_capacity(256), Some(Duration::ZERO));
    /// let exit = loop {
    ///     match poll.poll(&mut events, timeout) {
    ///         Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
    ///         _ => {} // a signal: turn all the same
    ///     }
    ///     for event in events.iter().filter(|event| event.token() < Token(1)) {
    ///         assert_eq!(event.token(), WAKE); // no sockets of its own here
    ///     }
    ///     match guest.turn(&events) {
    ///         Step::Poll(most) => timeout = most,
    ///         Step::Done(exit) => break exit,
    ///     }
    /// };
    /// assert!(!exit.is_failure());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn turn(&self, events: &Events) -> Step {
        match self.work(events) {
            Turn::Again => Step::Poll(Some(Duration::ZERO)),
            Turn::Park(deadline) => Step::Poll(self.lie_down(deadline)),
            Turn::Nested => Step::Poll(Some(NESTED)),
            Turn::Done(exit) => Step::Done(exit),
        }
    }

    /// One turn, awake: before a poll that waits, `lie_down` must be called.
    pub(crate) fn work(&self, events: &Events) -> Turn {
        // Inside a handler nothing is turned: what is sent then must still wake a loop that waits.
        let nested = self.driver.is_nested();
        if !nested {
            self.signal.get_up();
        }
        for event in events {
            self.reactor.note(event);
        }
        if self.reactor.serve() && !nested {
            // That was our own doing, and the turn comes anyway.
            self.signal.get_up();
        }
        match self.driver.turn(self.budget) {
            Turn::Park(_) if self.reactor.is_hot() => Turn::Again,
            Turn::Park(deadline) => {
                let due = self.reactor.next_due();
                Turn::Park(deadline.into_iter().chain(due).min())
            }
            other => other,
        }
    }

    /// The timeout of a poll that waits: zero if somebody has woken the loop meanwhile.
    pub(crate) fn lie_down(&self, deadline: Option<Instant>) -> Option<Duration> {
        if !self.signal.lie_down() {
            return Some(Duration::ZERO);
        }
        // The poll itself rounds up to its own steps.
        deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Makes the application's first poll return, so that what was sent before is seen.
    pub(crate) fn wake(&self) {
        self.signal.wake();
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guest").field(&self.locality).finish()
    }
}

#[cfg(test)]
mod tests {
    use mio::Poll;
    use rotor_core::{Actor, AutoShutdown, Child, Context, Handler};

    use super::*;
    use crate::{Accepted, Io, MioLoop, TcpListener};

    struct Idle {
        _listener: TcpListener,
    }

    impl Actor for Idle {}

    impl Handler<Accepted> for Idle {
        fn handle(&mut self, _: Accepted, _: &mut Context<Self>) {}
    }

    #[test]
    fn a_guest_asks_for_no_turn_without_work() -> Result<(), Box<dyn std::error::Error>> {
        let mut poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
        let guest = MioLoop::attach(poll.registry(), waker, Token(1))?;
        let (tell, at) = std::sync::mpsc::channel();
        let idle = Child::with("idle", move |cx| {
            let _listener = Io::of(cx)?.listen(cx, ([127, 0, 0, 1], 0).into())?;
            let _ = tell.send(_listener.with(|l| l.local_addr())?);
            Ok(Idle { _listener })
        });
        let tree = Supervisor::one_for_one("test").auto_shutdown(AutoShutdown::Any);
        guest.start(tree.child(idle))?;
        let mut events = Events::with_capacity(8);
        // The first poll returns, because `attach` has woken it.
        poll.poll(&mut events, None)?;
        while let Step::Poll(Some(Duration::ZERO)) = guest.turn(&events) {
            poll.poll(&mut events, Some(Duration::ZERO))?;
        }
        let before = guest.locality().slices();
        assert!(matches!(
            guest.turn(&Events::with_capacity(1)),
            Step::Poll(None)
        ));
        poll.poll(&mut events, Some(Duration::ZERO))?;
        assert!(events.is_empty(), "nobody wakes it");

        // What the guest tells its own actors costs no further turn, and no wake.
        let client = std::net::TcpStream::connect(at.recv()?)?;
        poll.poll(&mut events, Some(Duration::from_secs(10)))?;
        assert!(matches!(guest.turn(&events), Step::Poll(None)));
        assert_eq!(guest.locality().slices(), before + 2);
        poll.poll(&mut events, Some(Duration::ZERO))?;
        assert!(events.is_empty());
        drop(client);
        Ok(())
    }
}
