//! Actors with supervision trees on a smol executor: the smol backend of rotor.
//!
//! ```
//! use rotor_core::*;
//! use rotor_smol::*;
//! use std::time::Duration;
//!
//! struct Sleeper;
//! impl Actor for Sleeper {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         // Any future: it is polled between messages, and ends with its actor.
//!         let nap = async { Sleep::after(Duration::from_millis(5)).await };
//!         cx.spawn(nap, |_, _, cx| cx.stop());
//!         Ok(())
//!     }
//! }
//! # fn main() -> Result<(), StartError> {
//! let exit = SmolLoop::new().run(Supervisor::one_for_one("app")
//!     .auto_shutdown(AutoShutdown::Any)
//!     .child(Child::new("sleeper", || Sleeper).transient().significant()))?;
//! assert!(!exit.is_failure());
//! # Ok(())
//! # }
//! ```
//!
//! [`SmolLoop::new`] makes a loop of this thread, and is followed by one of four:
//! [`run`](SmolLoop::run) blocks the thread until the tree has ended; [`start`](SmolLoop::start) gives a
//! future for an executor that the program runs; [`serve`](SmolLoop::serve) and [`host`](SmolLoop::host) are
//! the same for parts of trees that start elsewhere. Before that it may [`open`](SmolLoop::open) a locality
//! whose loop was lost. [`SmolLoop::spawn`] starts a thread of its own. Futures of actors run on every
//! backend; this one adds the reactor that wakes them. [`Async`] and [`Sleep`] are async-io's `Async` and
//! `Timer`, of which the latter would be mistaken for core's [`Timer`](rotor_core::Timer).

#![forbid(unsafe_code)]

mod bell;
mod pump;

use std::borrow::Cow;
use std::io;

use rotor_core::{App, BindError, Clock, Driver, Exit, Locality, StartError, Supervisor};

pub use async_io::{Async, Timer as Sleep};
pub use pump::Pump;

/// A locality that runs as one future.
///
/// It binds to the thread it is made on: its future runs on any *local* executor, and is not
/// `Send`.
///
/// A client with timeouts, written as one would without actors:
/// ```
/// use rotor_core::*;
/// use rotor_smol::*;
/// use std::{net::TcpListener, time::Duration};
/// use futures_lite::{AsyncReadExt, FutureExt};
/// struct Client { to: std::net::SocketAddr }
/// impl Actor for Client {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         let to = self.to;
///         let talk = async move {
///             let mut stream = Async::<std::net::TcpStream>::connect(to).await?;
///             stream.read(&mut [0; 64]).await
///         };
///         let late = async {
///             Sleep::after(Duration::from_secs(5)).await;
///             Err(std::io::ErrorKind::TimedOut.into())
///         };
///         cx.spawn(talk.or(late), |_, read, cx| match read {
///             Ok(_) => cx.stop(),
///             Err(error) => cx.fail(error),
///         });
///         Ok(())
///     }
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = TcpListener::bind("127.0.0.1:0")?;
/// # let to = server.local_addr()?;
/// # let serve = std::thread::spawn(move || server.accept().map(drop));
/// # let exit =
/// SmolLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///     .child(Child::new("client", move || Client { to }).transient().significant()))?;
/// # assert!(!exit.is_failure());
/// # serve.join().unwrap()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SmolLoop {
    pump: Pump,
    locality: Locality,
}

impl SmolLoop {
    /// A loop for this thread.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_smol::SmolLoop;
    /// struct Worker;
    /// impl Actor for Worker {}
    /// let main = SmolLoop::new();
    /// let worker = main.locality().reserve::<Worker>();
    /// assert_eq!(worker.address().state(), Lifecycle::Waiting); // for `run`, `start` or `host`
    /// ```
    #[allow(
        clippy::new_without_default,
        reason = "it binds to the thread it is made on"
    )]
    pub fn new() -> Self {
        Self::with_clock(Clock::real())
    }

    /// A loop for this thread, with the clock that its actors get the time from: for tests, which
    /// set it by hand. Futures that wait for a [`Sleep`] go by the machine's clock.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_smol::SmolLoop;
    /// use std::time::Duration;
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
    /// # fn main() -> Result<(), StartError> {
    /// let (executor, clock) = (async_executor::LocalExecutor::new(), Clock::manual());
    /// let (app, pump) = SmolLoop::with_clock(clock.clone()).start(Supervisor::one_for_one("app")
    ///     .auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("nap", || Nap).transient().significant()))?; // it naps for an hour
    /// executor.spawn(pump).detach();
    /// while executor.try_tick() {}
    /// assert!(app.tree().ended.is_none());
    /// clock.advance(Duration::from_secs(3600));
    /// while executor.try_tick() {}
    /// assert!(app.tree().ended.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_clock(clock: Clock) -> Self {
        Self::drive(Locality::new("smol"), clock)
    }

    /// The locality that this loop has of its own: trees start there.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_smol::SmolLoop;
    /// struct Log;
    /// impl Actor for Log {}
    /// impl Handler<String> for Log { fn handle(&mut self, _: String, _: &mut Context<Self>) {} }
    /// let main = SmolLoop::new();
    /// let log: Addr<Log> = main.locality().reserve();
    /// log.send("before anything runs".to_owned()); // waits for it
    /// ```
    pub fn locality(&self) -> &Locality {
        &self.locality
    }

    /// Drives one more locality: one whose loop was lost, as a rule. Its supervisor's next restart builds
    /// there what was lost, at the same addresses.
    ///
    /// A tree starts on the loop's own locality, and its end is that of the loop: what other trees have placed
    /// there is lost again.
    ///
    /// # Errors
    /// [`BindError::AlreadyOpen`] if a loop has it, also this one, or another thread is to open it,
    /// [`BindError::Ended`] if its loop has ended in order.
    ///
    /// # Examples
    /// Here a new one; of one whose loop was lost there is nothing else to do:
    /// ```
    /// use rotor_core::*;
    /// use rotor_smol::SmolLoop;
    /// # struct Worker;
    /// # impl Actor for Worker {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
    /// # }
    /// # fn main() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let far = Locality::new("far");
    /// let place = far.clone();
    /// let thread = std::thread::spawn(move || {
    ///     let next = SmolLoop::new();
    ///     next.open(&place)?;
    ///     next.serve()?;
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    /// });
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any)
    ///         .on(&far, |s| s.child(Child::new("worker", || Worker).transient().significant()))
    ///         .transient().significant()))?;
    /// thread.join().expect("nothing panics there")
    /// # }
    /// ```
    pub fn open(&self, locality: &Locality) -> Result<(), BindError> {
        self.pump.driver().open(locality)
    }

    /// Starts a tree and blocks this thread until it has ended, serving the reactor meanwhile.
    ///
    /// # Errors
    /// What is wrong with the tree, [`StartError::Nested`] inside a handler of any loop of this thread;
    /// then nothing of it was started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_smol::SmolLoop;
    /// struct Job;
    /// impl Actor for Job {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.spawn(async { 6 * 7 }, |_, answer, cx| {
    ///             assert_eq!(answer, 42);
    ///             cx.stop();
    ///         });
    ///         Ok(())
    ///     }
    /// }
    /// let exit = SmolLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("job", || Job).transient().significant()))?;
    /// assert!(!exit.is_failure());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn run(self, tree: Supervisor) -> Result<Exit, StartError> {
        if self.pump.driver().is_nested() {
            return Err(StartError::Nested);
        }
        let (app, pump) = self.start(tree)?;
        let exit = async_io::block_on(pump);
        Ok(app.wait().unwrap_or(exit))
    }

    /// Starts a tree as a guest of an executor that the program runs: the tree lives while the
    /// future is polled, and its output is the tree's exit.
    ///
    /// Dropping the future early loses the locality: its actors are dropped, children first.
    ///
    /// # Errors
    /// What is wrong with the tree; then nothing of it was started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_smol::SmolLoop;
    /// struct Quick;
    /// impl Actor for Quick {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let (_app, pump) = SmolLoop::new().start(Supervisor::one_for_one("app")
    ///     .auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("quick", || Quick).transient().significant()))?;
    /// let exit = futures_lite::future::block_on(pump); // or any local executor
    /// assert!(!exit.is_failure());
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(self, tree: Supervisor) -> Result<(App, Pump), StartError> {
        let app = self.pump.driver().start(tree)?;
        Ok((app, self.pump))
    }

    /// Serves the subtrees that trees of other loops place on its localities, on this thread, and returns
    /// when nothing is placed there any more. Its exit is a normal one, however those end.
    ///
    /// It is [`host`](Self::host), with an executor.
    ///
    /// # Errors
    /// [`StartError::Nested`] inside a handler of any loop of this thread.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_smol::{Sleep, SmolLoop};
    /// struct Nap;
    /// impl Actor for Nap {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.spawn(Sleep::after(std::time::Duration::from_millis(1)), |_, _, cx| cx.stop());
    ///         Ok(())
    ///     }
    /// }
    /// let main = SmolLoop::new();
    /// let here = main.locality().clone();
    /// let root = std::thread::spawn(move || {
    ///     // The root lives on another thread.
    ///     let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///         .child(Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any)
    ///             .on(&here, |s| s.child(Child::new("nap", || Nap).transient().significant()))
    ///             .transient().significant());
    ///     drop(here);
    ///     ThreadLoop::new().run(tree)
    /// });
    /// main.serve()?;
    /// assert!(matches!(root.join(), Ok(Ok(exit)) if !exit.is_failure()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn serve(self) -> Result<Exit, StartError> {
        if self.pump.driver().is_nested() {
            return Err(StartError::Nested);
        }
        let (locality, pump) = self.host();
        drop(locality); // held, it would count as a user of the thread
        Ok(async_io::block_on(pump))
    }

    /// Serves subtrees that trees of other loops place on this locality, as a guest of an executor
    /// that the program runs. The future ends when nothing is placed here any more.
    ///
    /// Dropping it early loses the locality.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_smol::SmolLoop;
    /// struct Quick;
    /// impl Actor for Quick {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// let (here, pump) = SmolLoop::new().host();
    /// let root = std::thread::spawn(move || {
    ///     // The root lives on another thread.
    ///     let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///         .child(Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any)
    ///             .on(&here, |s| s.child(Child::new("quick", || Quick).transient().significant()))
    ///             .transient().significant());
    ///     drop(here);
    ///     ThreadLoop::new().run(tree)
    /// });
    /// futures_lite::future::block_on(pump); // or any local executor
    /// assert!(matches!(root.join(), Ok(Ok(exit)) if !exit.is_failure()));
    /// ```
    pub fn host(self) -> (Locality, Pump) {
        self.pump.driver().host();
        (self.locality, self.pump)
    }

    /// Starts a thread with a loop of its own. It ends when nothing is placed on its locality any
    /// more, and is joined when the tree that used it ends.
    ///
    /// # Errors
    /// The thread could not be started.
    ///
    /// # Examples
    /// The part of a program that is written with `await`, on a thread of its own:
    /// ```
    /// use rotor_core::*;
    /// use rotor_smol::{Sleep, SmolLoop};
    /// struct Poller;
    /// impl Actor for Poller {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.spawn(Sleep::after(std::time::Duration::from_millis(1)), |_, _, cx| cx.stop());
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let net = SmolLoop::spawn("net")?;
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Supervisor::one_for_one("net").auto_shutdown(AutoShutdown::Any)
    ///         .on(&net, |s| s.child(Child::new("poller", || Poller).transient().significant()))
    ///         .transient().significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn(name: impl Into<Cow<'static, str>>) -> io::Result<Locality> {
        Locality::spawn(name, |locality| {
            let this = Self::drive(locality, Clock::real());
            this.serve().map(drop).map_err(io::Error::other)
        })
    }

    fn drive(locality: Locality, clock: Clock) -> Self {
        let bell = bell::Bell::new();
        let driver = Driver::new(bell.clone(), clock);
        driver
            .open(&locality)
            .expect("a locality that no driver has");
        SmolLoop {
            pump: Pump::new(driver, bell),
            locality,
        }
    }
}
