//! The loop of this backend: a thread with a poll.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry, Token, Waker};
use rotor_core::{BindError, Budget, Clock, Exit, Locality, StartError, Supervisor, Turn};

use crate::guest::Guest;

const WAKE: Token = Token(0);
const FIRST: Token = Token(1);
/// Events that one poll returns at most.
const EVENTS: usize = 1024;
/// How long sockets may go unseen while the loop spins and is woken again and again.
const UNSEEN: Duration = Duration::from_micros(50);

/// A loop with a [`Poll`] of its own, for actors with sockets.
///
/// ```no_run
/// use rotor_core::*;
/// use rotor_mio::{Accepted, Io, MioLoop, TcpListener};
/// struct Greeter { _listener: TcpListener }
/// impl Actor for Greeter {}
/// impl Handler<Accepted> for Greeter {
///     fn handle(&mut self, accepted: Accepted, _: &mut Context<Self>) {
///         println!("{} came, and is sent away", accepted.peer);
///     }
/// }
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let at = "127.0.0.1:7000".parse()?;
///     let exit = MioLoop::new()?.run(Supervisor::one_for_one("server").child(
///         Child::with("greeter", move |cx| {
///             Ok(Greeter { _listener: Io::of(cx)?.listen(cx, at)? })
///         }),
///     ))?;
///     println!("{exit:?}");
///     Ok(())
/// }
/// ```
///
/// It stays on its thread:
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// fn away(main: rotor_mio::MioLoop) {
///     send(main);
/// }
/// ```
pub struct MioLoop {
    // Before the poll: the actors' sockets are deregistered when they go.
    guest: Guest,
    poll: Poll,
    events: Events,
    spin: Duration,
}

/// What may fail about a loop, made before its thread is.
struct Parts {
    poll: Poll,
    registry: Registry,
    waker: Arc<Waker>,
}

impl Parts {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        Ok(Parts {
            registry: poll.registry().try_clone()?,
            waker: Arc::new(Waker::new(poll.registry(), WAKE)?),
            poll,
        })
    }
}

impl MioLoop {
    /// Makes a loop for this thread.
    ///
    /// # Errors
    /// The system gives no poll or no waker, for want of descriptors.
    ///
    /// # Examples
    /// ```
    /// # use rotor_mio::MioLoop;
    /// let main = MioLoop::new()?; // its addresses can be given out at once
    /// assert_eq!(main.locality().name(), "main");
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn new() -> io::Result<Self> {
        Self::drive(Parts::new()?, Locality::new("main"))
    }

    /// Starts a thread with a loop of its own. It ends when nothing is placed on its locality any
    /// more, and is joined when the tree that used it ends.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::MioLoop;
    /// # struct Nothing;
    /// # impl Actor for Nothing {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let net = MioLoop::spawn("net")?;
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Supervisor::one_for_one("net").auto_shutdown(AutoShutdown::Any)
    ///         .on(&net, |s| s.child(Child::new("first", || Nothing).transient().significant()))
    ///         .transient().significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The loop could not be made, or the thread not be started.
    pub fn spawn(name: impl Into<Cow<'static, str>>) -> io::Result<Locality> {
        Self::spawn_with(name, |this| this)
    }

    /// [`spawn`](Self::spawn), with a loop that is set up first, on its thread.
    ///
    /// ```no_run
    /// # use rotor_mio::MioLoop;
    /// # use std::time::Duration;
    /// let fast = MioLoop::spawn_with("fast", |this| this.spin(Duration::from_micros(20)))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`spawn`](Self::spawn).
    pub fn spawn_with(
        name: impl Into<Cow<'static, str>>,
        set_up: impl FnOnce(Self) -> Self + Send + 'static,
    ) -> io::Result<Locality> {
        let parts = Parts::new()?;
        Locality::spawn(name, move |locality| {
            let this = set_up(Self::drive(parts, locality)?);
            this.serve().map(drop).map_err(io::Error::other)
        })
    }

    /// Makes actors guests of a poll that the application runs, on this thread.
    ///
    /// Tokens from `first` on belong to the actors' sockets; the application's own, and that of the
    /// waker, are below. A poll has one waker, so it is the application's, and may serve other
    /// purposes, too. See [`Guest`].
    ///
    /// # Errors
    /// The registry cannot be shared, for want of descriptors. `InvalidInput` if there are too few
    /// tokens above `first`.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use mio::{Poll, Token, Waker};
    /// use rotor_core::*;
    /// use rotor_mio::MioLoop;
    /// let poll = Poll::new()?; // the application's, which goes on polling it
    /// let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
    /// let guest = MioLoop::attach(poll.registry(), waker, Token(1000))?; // below that: its own sockets
    /// let app = guest.start(Supervisor::one_for_one("app"))?;
    /// # assert_eq!(app.root().state(), Lifecycle::Waiting);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn attach(registry: &Registry, waker: Arc<Waker>, first: Token) -> io::Result<Guest> {
        Self::with_clock(registry, waker, first, Clock::real())
    }

    /// [`attach`](Self::attach), with the clock that the actors get the time from: for tests, which
    /// set it by hand.
    ///
    /// # Errors
    /// As for [`attach`](Self::attach).
    ///
    /// # Examples
    /// ```
    /// use std::{sync::Arc, time::Duration};
    /// use mio::{Events, Poll, Token, Waker};
    /// use rotor_core::*;
    /// use rotor_mio::{MioLoop, Step};
    /// # struct Nap;
    /// # impl Actor for Nap {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    /// #         cx.after(Duration::from_secs(3600), "up");
    /// #         Ok(())
    /// #     }
    /// # }
    /// # impl Handler<&'static str> for Nap {
    /// #     fn handle(&mut self, _: &'static str, cx: &mut Context<Self>) { cx.stop() }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(8));
    /// let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
    /// let clock = Clock::manual();
    /// let guest = MioLoop::with_clock(poll.registry(), waker, Token(1), clock.clone())?;
    /// guest.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("nap", || Nap).transient().significant()))?; // it naps for an hour
    /// assert!(matches!(guest.turn(&events), Step::Poll(None)));
    /// clock.advance(Duration::from_secs(3600));
    /// poll.poll(&mut events, None)?; // returns, because the clock has woken it
    /// assert!(matches!(guest.turn(&events), Step::Done(_)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_clock(
        registry: &Registry,
        waker: Arc<Waker>,
        first: Token,
        clock: Clock,
    ) -> io::Result<Guest> {
        let registry = registry.try_clone()?;
        let guest = Guest::new(registry, waker, first, Locality::new("mio"), clock)?;
        guest.wake();
        Ok(guest)
    }

    /// Sets how much a turn may do before the sockets are looked at; by default 4 096 messages or
    /// 2 ms.
    ///
    /// ```
    /// use rotor_core::Budget;
    /// use rotor_mio::MioLoop;
    /// use std::time::Duration;
    /// let main = MioLoop::new()?.budget(Budget { time: Duration::from_micros(200), ..Budget::default() });
    /// # let _ = main;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn budget(mut self, budget: Budget) -> Self {
        self.guest = self.guest.budget(budget);
        self
    }

    /// Spins for up to this long before waiting; by default not at all.
    ///
    /// A loop that exchanges messages with another thread, each on a processor of its own, answers
    /// several times faster so, and uses less processor time than by sleeping and waking: 20 µs
    /// are enough. Where processors are shared, or long pauses are the rule, it only costs: it does
    /// not spin while more localities of the tree have a loop than there are processors. A socket has to
    /// wait for the end of the spin.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_mio::MioLoop;
    /// # use std::time::Duration;
    /// # struct Quick;
    /// # impl Actor for Quick {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
    /// # }
    /// let fast = MioLoop::new()?.spin(Duration::from_micros(20)); // it has a processor for itself
    /// # let exit =
    /// fast.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("quick", || Quick).transient().significant()))?;
    /// # assert!(!exit.is_failure());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn spin(mut self, most: Duration) -> Self {
        self.spin = most;
        self
    }

    /// The locality that this loop has of its own: trees start there.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_mio::MioLoop;
    /// struct Uplink;
    /// impl Actor for Uplink {}
    /// let main = MioLoop::new()?;
    /// let uplink = main.locality().reserve::<Uplink>(); // for those who are to know it
    /// assert_eq!(uplink.address().state(), Lifecycle::Waiting);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn locality(&self) -> &Locality {
        self.guest.locality()
    }

    /// Drives one more locality: one whose loop was lost, as a rule. Its supervisor's next restart builds
    /// there what was lost, at the same addresses.
    ///
    /// A tree starts on the loop's own locality, and its end is that of the loop: what other trees have placed
    /// there is lost again. A [`Guest`] has this call as well.
    ///
    /// # Errors
    /// [`BindError::AlreadyOpen`] if a loop has it, also this one, or another thread is to open it,
    /// [`BindError::Ended`] if its loop has ended in order.
    ///
    /// # Examples
    /// Here a new one; of one whose loop was lost there is nothing else to do:
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, MioLoop};
    /// struct Server;
    /// impl Actor for Server {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         Io::of(cx)?; // the new loop's
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let far = Locality::new("far");
    /// let place = far.clone();
    /// let thread = std::thread::spawn(move || {
    ///     let next = MioLoop::new()?;
    ///     next.open(&place)?;
    ///     next.serve()?;
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    /// });
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any)
    ///         .on(&far, |s| s.child(Child::new("server", || Server).transient().significant()))
    ///         .transient().significant()))?;
    /// thread.join().expect("nothing panics there")
    /// # }
    /// ```
    pub fn open(&self, locality: &Locality) -> Result<(), BindError> {
        self.guest.open(locality)
    }

    /// Starts a tree on this thread and returns when it has ended, and the threads that were
    /// spawned for it.
    ///
    /// # Errors
    /// What is wrong with the tree, [`StartError::Nested`] inside a handler of any loop of this
    /// thread; then nothing of it was started. [`StartError::Loop`] if polling fails; then the tree
    /// is lost.
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_mio::MioLoop;
    /// struct Job;
    /// impl Actor for Job {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let exit = MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("job", || Job).transient().significant()))?;
    /// assert!(!exit.is_failure()); // what the exit code of a program says
    /// # Ok(())
    /// # }
    /// ```
    pub fn run(mut self, tree: Supervisor) -> Result<Exit, StartError> {
        if self.guest.driver.is_nested() {
            return Err(StartError::Nested);
        }
        let app = self.guest.start(tree)?;
        let exit = self.turn_until_done();
        drop(self);
        // The tree is over, so this only waits for the threads.
        let _ = app.wait();
        Ok(exit?)
    }

    /// Serves the subtrees that trees of other loops place on its localities, on this thread, and returns
    /// when nothing is placed there any more. Its exit is a normal one, however those end.
    ///
    /// # Errors
    /// [`StartError::Nested`] inside a handler of any loop of this thread. [`StartError::Loop`] if polling
    /// fails; then its localities are lost.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, MioLoop};
    /// struct Quick;
    /// impl Actor for Quick {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         Io::of(cx)?;
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let main = MioLoop::new()?;
    /// let here = main.locality().clone();
    /// let root = std::thread::spawn(move || {
    ///     // The root lives on another thread.
    ///     let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///         .child(Supervisor::one_for_one("net").auto_shutdown(AutoShutdown::Any)
    ///             .on(&here, |s| s.child(Child::new("quick", || Quick).transient().significant()))
    ///             .transient().significant());
    ///     drop(here);
    ///     ThreadLoop::new().run(tree)
    /// });
    /// main.serve()?;
    /// assert!(matches!(root.join(), Ok(Ok(exit)) if !exit.is_failure()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve(mut self) -> Result<Exit, StartError> {
        if self.guest.driver.is_nested() {
            return Err(StartError::Nested);
        }
        drop(self.guest.locality.take());
        self.guest.driver.host();
        Ok(self.turn_until_done()?)
    }

    fn drive(parts: Parts, locality: Locality) -> io::Result<Self> {
        Ok(MioLoop {
            guest: Guest::new(parts.registry, parts.waker, FIRST, locality, Clock::real())?,
            poll: parts.poll,
            events: Events::with_capacity(EVENTS),
            spin: Duration::ZERO,
        })
    }

    fn turn_until_done(&mut self) -> io::Result<Exit> {
        let mut seen = Instant::now();
        loop {
            let timeout = match self.guest.work(&self.events) {
                Turn::Again => Some(Duration::ZERO),
                Turn::Done(exit) => return Ok(exit),
                Turn::Park(deadline) => {
                    let is_woken = || self.guest.signal.is_woken();
                    if !self.guest.driver.spin(self.spin, deadline, is_woken) {
                        self.guest.lie_down(deadline)
                    } else if self.guest.reactor.is_empty() || seen.elapsed() < UNSEEN {
                        self.events.clear();
                        continue;
                    } else {
                        seen = Instant::now();
                        Some(Duration::ZERO)
                    }
                }
                Turn::Nested => unreachable!("it is not entered inside a handler"),
            };
            self.wait(timeout)?;
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            // A signal: turning early does no harm.
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            other => other,
        }
    }
}

impl fmt::Debug for MioLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MioLoop").field(self.locality()).finish()
    }
}
