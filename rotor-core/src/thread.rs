//! The thread loop: a plain thread that sleeps between turns; the place for blocking work.

use std::borrow::Cow;
use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::app::App;
use crate::clock::Clock;
use crate::driver::{Budget, Driver, Turn};
use crate::entrance::Wake;
use crate::error::{BindError, StartError};
use crate::exit::Exit;
use crate::flag::Flag;
use crate::locality::Locality;
use crate::supervisor::Supervisor;

/// A loop without I/O: it runs what is queued and lets its thread sleep.
///
/// The place for work that blocks: nothing else is on its thread.
///
/// Timers are as exact as the sleep of a thread. Where they fire by the dozen, so that the
/// processor would be busy with falling asleep, they may be a millisecond late, as on other loops.
///
/// ```
/// use rotor_core::*;
/// struct Greeter;
/// impl Actor for Greeter {}
/// impl Handler<&'static str> for Greeter {
///     fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
///         println!("hello, {name}");
///         cx.stop();
///     }
/// }
/// # fn main() -> Result<(), StartError> {
/// let main = ThreadLoop::new();
/// let greeter = main.locality().reserve();
/// greeter.send("world"); // before the start: parked, then delivered
/// main.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///     .child(Child::new("greeter", || Greeter).at(greeter).transient().significant()))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ThreadLoop {
    driver: Driver,
    /// None while it serves.
    locality: Option<Locality>,
    signal: Arc<Signal>,
    spin: Duration,
}

/// Wakes the thread, whether it sleeps or spins.
#[derive(Debug)]
struct Signal {
    thread: Thread,
    woken: Flag,
}

impl Signal {
    /// Whether it was woken since this was asked. What whoever has woken it did before is seen.
    fn is_woken(&self) -> bool {
        self.woken.take()
    }
}

impl Wake for Signal {
    fn wake(&self) {
        self.woken.set();
        self.thread.unpark();
    }
}

/// Unparks it: for a thread that waits with [`std::thread::park`].
impl Wake for Thread {
    fn wake(&self) {
        self.unpark();
    }
}

impl ThreadLoop {
    /// A loop for this thread.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let main = ThreadLoop::new(); // for this thread, which is not blocked yet
    /// assert_eq!(main.locality().name(), "main");
    /// ```
    #[expect(
        clippy::new_without_default,
        reason = "it binds to the thread it is made on"
    )]
    pub fn new() -> Self {
        Self::with_clock(Clock::real())
    }

    /// A loop for this thread, with the clock that its actors get the time from: for tests, which
    /// set it by hand, from another thread.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
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
    /// let clock = Clock::manual();
    /// let time = clock.clone();
    /// std::thread::spawn(move || {
    ///     while time.next_deadline().is_none() {
    ///         std::thread::yield_now(); // until it naps, for an hour
    ///     }
    ///     time.advance(Duration::from_secs(3600));
    /// });
    /// ThreadLoop::with_clock(clock).run(Supervisor::one_for_one("app")
    ///     .auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("nap", || Nap).transient().significant()))?;
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn with_clock(clock: Clock) -> Self {
        Self::drive(Locality::new("main"), clock)
    }

    /// Spins for up to this long before it sleeps; by default not at all.
    ///
    /// A thread that exchanges messages with another one, each on a processor of its own, answers
    /// several times faster so: 20 µs are enough. Where processors are shared, or long pauses are the
    /// rule, it only costs. It does not spin while more localities of the tree have a loop than there are
    /// processors.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// # struct Quick;
    /// # impl Actor for Quick {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
    /// # }
    /// let fast = ThreadLoop::new().spin(Duration::from_micros(20)); // it has a processor for itself
    /// # let exit =
    /// fast.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("quick", || Quick).transient().significant()))?;
    /// # assert!(!exit.is_failure());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn spin(mut self, most: Duration) -> Self {
        self.spin = most;
        self
    }

    /// The locality that this loop has of its own: trees start there.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Part;
    /// impl Actor for Part {}
    /// let main = ThreadLoop::new();
    /// let part = main.locality().reserve::<Part>(); // known to all before the tree is there
    /// assert_eq!(part.address().state(), Lifecycle::Waiting);
    /// ```
    pub fn locality(&self) -> &Locality {
        self.locality.as_ref().expect("taken out when it runs")
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
    /// # struct Worker;
    /// # impl Actor for Worker {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
    /// # }
    /// # fn main() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let far = Locality::new("far");
    /// let place = far.clone();
    /// let thread = std::thread::spawn(move || {
    ///     let next = ThreadLoop::new();
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
        self.driver.open(locality)
    }

    /// Starts a tree on this thread and returns when it has ended, and the threads that were spawned for
    /// it have; not for those if the tree as a whole was given up at the
    /// [stop limit](crate::Supervisor::stop_limit) of its root.
    ///
    /// # Errors
    /// What is wrong with the tree, [`StartError::Nested`] inside a handler of any loop of this thread;
    /// then nothing of it was started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// struct Task(u32);
    /// impl Actor for Task {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         if self.0 == 0 { return Err(Error::message("nothing to do")) }
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// fn tree(n: u32) -> Supervisor {
    ///     Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///         .child(Child::new("task", move || Task(n)).transient().significant())
    /// }
    /// // The exit code of a program.
    /// let exit = ThreadLoop::new().run(tree(0))?;
    /// assert!(exit.is_failure());
    /// let exit = ThreadLoop::new().run(tree(1))?;
    /// assert!(!exit.is_failure());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn run(self, tree: Supervisor) -> Result<Exit, StartError> {
        self.run_with(tree, |_| {})
    }

    /// [`run`](Self::run), with the tree's handle given to `started` before the first message is
    /// handled: to pass it on to a signal handler, or to take pictures of the tree. A tree that is
    /// [shut down](App::shutdown) in `started` itself ends before its actors have started.
    ///
    /// # Errors
    /// What is wrong with the tree, [`StartError::Nested`] inside a handler of any loop of this thread;
    /// then nothing of it was started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// struct Idle;
    /// impl Actor for Idle {}
    /// # fn main() -> Result<(), StartError> {
    /// let tree = Supervisor::one_for_one("app").child(Child::new("idle", || Idle));
    /// let exit = ThreadLoop::new().run_with(tree, |app| {
    ///     std::thread::spawn(move || app.shutdown());
    /// })?;
    /// assert_eq!(exit.to_string(), "shutdown");
    /// # Ok(())
    /// # }
    /// ```
    pub fn run_with(self, tree: Supervisor, started: impl FnOnce(App)) -> Result<Exit, StartError> {
        if self.driver.is_nested() {
            return Err(StartError::Nested);
        }
        let app = self.driver.start(tree)?;
        started(app.clone());
        let exit = self.turn_until_done();
        drop(self);
        app.join();
        Ok(exit)
    }

    /// Serves the subtrees that trees of other loops place on its localities, on this thread, and returns
    /// when nothing is placed there any more. Its exit is a normal one, however those end.
    ///
    /// # Errors
    /// [`StartError::Nested`] inside a handler of any loop of this thread.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// struct Quick;
    /// impl Actor for Quick {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
    /// }
    /// let main = ThreadLoop::new(); // such as of the thread that a library needs
    /// let here = main.locality().clone();
    /// let root = std::thread::spawn(move || {
    ///     let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///         .child(Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any)
    ///             .on(&here, |s| s.child(Child::new("quick", || Quick).transient().significant()))
    ///             .transient().significant());
    ///     drop(here);
    ///     ThreadLoop::new().run(tree)
    /// });
    /// main.serve()?;
    /// assert!(matches!(root.join(), Ok(Ok(exit)) if !exit.is_failure()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn serve(mut self) -> Result<Exit, StartError> {
        if self.driver.is_nested() {
            return Err(StartError::Nested);
        }
        self.locality = None; // held, it would count as a user of the thread
        self.driver.host();
        Ok(self.turn_until_done())
    }

    /// Starts a thread with a loop of its own. It ends when nothing is placed on its locality any
    /// more, and is joined when the tree that used it ends.
    ///
    /// # Errors
    /// The thread could not be started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use std::{fs, path::PathBuf, time::Duration};
    /// struct Size(PathBuf);
    /// impl Request for Size { type Reply = u64; }
    /// struct Disk;
    /// impl Actor for Disk {}
    /// impl TryHandler<Ask<Size>> for Disk {
    ///     fn try_handle(&mut self, ask: Ask<Size>, _: &mut Context<Self>) -> Result {
    ///         let size = fs::metadata(&ask.request.0)?.len(); // blocks nobody else
    ///         ask.reply(size);
    ///         Ok(())
    ///     }
    /// }
    /// let thread = ThreadLoop::spawn("disk")?;
    /// let disk = thread.reserve();
    /// let tree = Supervisor::one_for_one("app").child(Supervisor::one_for_one("io")
    ///     .on(&thread, move |s| s.child(Child::new("disk", || Disk).at(disk))));
    /// ThreadLoop::new().run_with(tree, move |app| {
    ///     std::thread::spawn(move || {
    ///         let size = disk.ask_blocking(Size("/".into()), Duration::from_secs(5));
    ///         app.shutdown();
    ///         assert!(size.is_ok());
    ///     });
    /// })?; // the thread "disk" has ended, too
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn(name: impl Into<Cow<'static, str>>) -> std::io::Result<Locality> {
        Self::spawn_with(name, |this| this)
    }

    /// [`spawn`](Self::spawn), with a loop that is set up first, on its thread.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// let fast = ThreadLoop::spawn_with("fast", |this| this.spin(Duration::from_micros(20)))?;
    /// # let _ = fast;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`spawn`](Self::spawn).
    pub fn spawn_with(
        name: impl Into<Cow<'static, str>>,
        set_up: impl FnOnce(Self) -> Self + Send + 'static,
    ) -> std::io::Result<Locality> {
        Locality::spawn(name, |locality| {
            let this = set_up(Self::drive(locality, Clock::real()));
            this.serve().map(drop).map_err(std::io::Error::other)
        })
    }

    fn drive(locality: Locality, clock: Clock) -> Self {
        let signal = Arc::new(Signal {
            thread: std::thread::current(),
            woken: Flag::new(false),
        });
        let driver = Driver::new(signal.clone(), clock);
        driver.open(&locality).expect("a locality of our own");
        ThreadLoop {
            driver,
            locality: Some(locality),
            signal,
            spin: Duration::ZERO,
        }
    }

    /// Turns the driver on a thread that has nothing else to do.
    fn turn_until_done(&self) -> Exit {
        loop {
            match self.driver.turn(Budget::default()) {
                Turn::Again => {}
                Turn::Done(exit) => return exit,
                Turn::Park(deadline) => self.wait(deadline),
                Turn::Nested => unreachable!("it is not entered inside a handler"),
            }
        }
    }

    fn wait(&self, deadline: Option<Instant>) {
        let is_woken = || self.signal.is_woken();
        if self.driver.spin(self.spin, deadline, is_woken) {
            return;
        }
        match deadline {
            None => std::thread::park(),
            Some(deadline) => {
                std::thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread::ThreadId;

    use super::*;
    use crate::*;

    struct Player(Addr<Player>);

    impl Actor for Player {}

    impl Handler<u32> for Player {
        fn handle(&mut self, balls: u32, cx: &mut Context<Self>) {
            match balls {
                0 => cx.stop(),
                _ => self.0.send(balls - 1),
            }
        }
    }

    /// Tells on which thread it starts.
    struct Listed(mpsc::Sender<ThreadId>);

    impl Actor for Listed {
        fn start(&mut self, _: &mut Context<Self>) -> Result {
            let _ = self.0.send(std::thread::current().id());
            Ok(())
        }
    }

    impl Handler<()> for Listed {
        fn handle(&mut self, (): (), cx: &mut Context<Self>) {
            cx.stop();
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    struct Nap;

    impl Actor for Nap {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.after(HOUR, ());
            Ok(())
        }
    }

    impl Handler<()> for Nap {
        fn handle(&mut self, (): (), cx: &mut Context<Self>) {
            cx.stop();
        }
    }

    /// A clock that is set sends nothing for which the thread would look.
    #[test]
    fn e16_a_thread_that_spins_is_woken_by_its_clock() {
        for spin in [Duration::ZERO, HOUR] {
            let clock = Clock::manual();
            let time = clock.clone();
            let setter = std::thread::spawn(move || {
                while time.next_deadline().is_none() {
                    std::thread::yield_now();
                }
                time.advance(HOUR);
            });
            let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any);
            let tree = tree.child(Child::new("nap", || Nap).transient().significant());
            let exit = ThreadLoop::with_clock(clock).spin(spin).run(tree);
            assert!(!exit.unwrap().is_failure());
            setter.join().unwrap();
        }
    }

    /// Who spins sees what is sent: neither waits for the end of the spin.
    #[test]
    fn e16_a_game_between_spinning_threads_comes_to_its_end() {
        for spin in [Duration::ZERO, HOUR] {
            let main = ThreadLoop::new().spin(spin);
            let far = ThreadLoop::spawn_with("far", move |this| this.spin(spin)).unwrap();
            let (ping, pong) = (main.locality().reserve(), far.reserve());
            let player = |other| move || Player(other);
            let tree = Supervisor::one_for_one("game").auto_shutdown(AutoShutdown::Any);
            let tree = tree
                .child(Supervisor::one_for_one("far").on(&far, move |s| {
                    s.child(Child::new("pong", player(ping)).at(pong))
                }))
                .child(
                    Child::new("ping", player(pong))
                        .at(ping)
                        .transient()
                        .significant(),
                );
            drop(far);
            ping.send(if cfg!(miri) { 10 } else { 1000 });
            assert!(!main.run(tree).unwrap().is_failure());
        }
    }

    /// What loses a thread loop is the end of a tree of its own, if it serves others, too.
    #[test]
    fn m11_a_new_loop_takes_the_locality_of_a_lost_one() {
        let (known, far) = mpsc::channel();
        let first = std::thread::spawn(move || {
            let first = ThreadLoop::new();
            let tree = Supervisor::one_for_one("own");
            let far = first.locality().clone();
            first.run_with(tree, |app| known.send((far, app)).unwrap())
        });
        let (far, own) = far.recv().unwrap();
        let (tell, told) = mpsc::channel();
        let (a, place) = (far.reserve(), far.clone());
        let root = std::thread::spawn(move || {
            let any = |name| Supervisor::one_for_one(name).auto_shutdown(AutoShutdown::Any);
            let part = any("far").backoff(Backoff::fixed(Duration::from_millis(1)));
            let part = part.on(&place, move |s| {
                let tell = tell.clone();
                let listed = Child::new("listed", move || Listed(tell.clone()));
                s.child(listed.at(a).transient().significant())
            });
            let tree = any("app").intensity(1_000_000, HOUR);
            ThreadLoop::new().run(tree.child(part.transient().significant()))
        });
        let here = told.recv().expect("it starts there");
        assert_eq!(here, first.thread().id());
        let early = ThreadLoop::new();
        assert_eq!(early.open(&far), Err(BindError::AlreadyOpen));
        own.shutdown();
        assert!(!first.join().unwrap().unwrap().is_failure());
        assert_eq!(a.address().state(), Lifecycle::Gone);

        let place = far.clone();
        let next = std::thread::spawn(move || {
            let next = ThreadLoop::new();
            next.open(&place).unwrap();
            a.send(());
            next.serve().unwrap()
        });
        let there = next.thread().id();
        assert!(!root.join().unwrap().unwrap().is_failure());
        assert!(!next.join().unwrap().is_failure());
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [there]);
        assert_eq!(early.open(&far), Err(BindError::Ended));
    }
}
