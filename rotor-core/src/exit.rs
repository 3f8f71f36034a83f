//! Why an actor ended.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, StartError, StartStalled, TimedOut, exit_in};
use crate::here::Caught;
use crate::link::LinkError;
use crate::name::NameError;
use crate::plan::{restarts, short};

/// Why an actor ended, with the chain of exits that caused it.
///
/// ```
/// use rotor_core::{Exit, ExitReason};
/// let exit = Exit::failed(std::io::Error::other("disk full"));
/// assert!(exit.is_abnormal());
/// assert!(matches!(exit.reason(), ExitReason::Failed(e) if e.to_string() == "disk full"));
/// assert_eq!(exit.to_string(), "failed: disk full");
/// ```
///
/// Whose exit caused it, and what the actor was doing, are kept with it; all of it is printed by
/// `{:#}`. It is an [`Error`](std::error::Error), so that an actor can fail with the exit of another,
/// and may be what `main` returns: [a failure](Self::is_failure) is printed to stderr, and the program
/// fails.
/// ```
/// use rotor_core::*;
/// fn main() -> Result<Exit, StartError> {
///     ThreadLoop::new().run_with(Supervisor::one_for_one("app"), |app| app.shutdown())
/// }
/// ```
#[derive(Clone)]
#[must_use = "it tells whether the tree has failed"]
pub struct Exit(Told);

/// What an exit holds: two words, because each event of supervision carries one. Ends that say nothing
/// more take no memory.
#[derive(Clone)]
enum Told {
    Normal,
    Shutdown,
    Killed,
    More(Arc<Detail>),
}

const _: () = assert!(size_of::<Option<Exit>>() == 16);

/// An end that says nothing more.
#[derive(Clone, Copy)]
pub(crate) enum Plain {
    Normal,
    Shutdown,
    Killed,
}

impl From<Plain> for Exit {
    fn from(plain: Plain) -> Self {
        Exit(match plain {
            Plain::Normal => Told::Normal,
            Plain::Shutdown => Told::Shutdown,
            Plain::Killed => Told::Killed,
        })
    }
}

/// The kinds of [`Exit`]. `Normal`, `Shutdown` and `ShutdownWith` are orderly; the others are
/// abnormal, so a transient child is restarted after them.
///
/// `Failed` is what the program's own code has said, with any error. Whatever the library decides by
/// itself has a variant of its own.
///
/// ```
/// use rotor_core::*;
/// /// What the user is told.
/// fn told(exit: &Exit) -> &'static str {
///     match exit.root_cause().reason() {
///         ExitReason::Normal | ExitReason::Shutdown | ExitReason::ShutdownWith(_) => "done",
///         ExitReason::Failed(_) | ExitReason::TimedOut(_) => "it did not work this time",
///         ExitReason::Link(LinkError::Broken { .. }) => "something that it needs has ended",
///         ExitReason::Panicked(_) => "this is a bug: please report it",
///         _ => "interrupted",
///     }
/// }
/// assert_eq!(told(&Exit::normal()), "done");
/// assert_eq!(told(&Exit::failed(Error::message("no route"))), "it did not work this time");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ExitReason {
    /// The actor stopped itself: its work is done.
    Normal,
    /// It was told to stop, or its supervisor gave up or shut down by itself.
    Shutdown,
    /// An orderly end, as [`Shutdown`](Self::Shutdown), with a detail.
    ShutdownWith(Arc<str>),
    /// A handler, a hook or the factory returned an error, or gave it to
    /// [`Context::fail`](crate::Context::fail): also one of this library, such as a
    /// [`RequestError`](crate::RequestError) that was handed on with `?`.
    Failed(Error),
    /// Its start or its stop took longer than its limit.
    TimedOut(TimedOut),
    /// Its start waited for what cannot be there before it is over.
    Stalled(StartStalled),
    /// It could not be linked to a service, or the service has ended without asking.
    Link(LinkError),
    /// A name that it waited for, with [`Context::find`](crate::Context::find), is none, or is of an
    /// actor of another type, or its tree has ended.
    Name(NameError),
    /// The closure of [`Supervisor::on`](crate::Supervisor::on) has made what cannot be started, which it
    /// had not when the tree was checked; or a name that the spec declares was given up with a
    /// [`DeleteChild`](crate::DeleteChild), and is somebody else's by now.
    Refused(StartError),
    /// More messages would have waited for it than its [`Bound::fail`](crate::Bound::fail) allows: so many.
    Overloaded(usize),
    /// A child made by [`Child::once`](crate::Child::once) was to be started a second time.
    Spent,
    /// A supervisor ended because a child has failed that it does not restart: see
    /// [`Child::escalating`](crate::Child::escalating) and
    /// [`Decision::Escalate`](crate::Decision::Escalate). The child's exit is its
    /// [cause](Exit::cause).
    Escalated,
    /// A panic of a handler, a hook or the factory; the text of its message.
    Panicked(Arc<str>),
    /// A panic of this library, which is a bug in it; its text. Its driver has ended with that.
    Bug(Arc<str>),
    /// It was removed by force.
    Killed,
    /// Its locality was lost: the driver was dropped, or its thread ended; the locality's name.
    Lost(Arc<str>),
    /// It was gone when somebody watched it, and how it has ended, perhaps in order, is not known any more:
    /// Erlang's `noproc`. Abnormal, because what was to be watched is not there.
    Gone,
}

/// What an actor was doing when it failed.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::sync::{Arc, Mutex};
/// struct Order(u32);
/// struct Till;
/// impl Actor for Till {}
/// impl Handler<Order> for Till {
///     fn handle(&mut self, Order(pieces): Order, _: &mut Context<Self>) {
///         assert_ne!(pieces, 0, "an order of nothing");
///     }
/// }
/// /// Notes messages that have made the same actor fail twice: perhaps they always do.
/// #[derive(Default)]
/// struct Poison(Mutex<Vec<String>>);
/// impl Observer for Poison {
///     fn exited(&self, _: Address, name: &str, exit: &Exit) {
///         if let Some(Incident { message: Some(message), times: 2.., .. }) = exit.incident() {
///             self.0.lock().unwrap().push(format!("{name} on {message}"));
///         }
///     }
/// }
/// # fn main() -> Result<(), StartError> {
/// let (mut sim, poison) = (Sim::new(1), Arc::new(Poison::default()));
/// let till = sim.locality("shop").reserve();
/// let tree = Supervisor::one_for_one("shop").intensity(5, std::time::Duration::from_secs(1));
/// sim.start(tree.child(Child::new("till", || Till).at(till)).observer(poison.clone()))?;
/// for pieces in [0, 3, 0] {
///     till.send(Order(pieces));
/// }
/// sim.run_until_idle();
/// assert_eq!(poison.0.lock().unwrap().len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Incident {
    /// Type name of the message that was being handled: that of a timer and of an answer, too.
    /// `None` in a factory, a hook or a deferred closure.
    pub message: Option<&'static str>,
    /// How often this actor has failed on messages of this type, in all its instances and with this
    /// time. More than once is a hint that such a message makes it fail again and again.
    pub times: u32,
    /// Where the panic was, as `file:line:column`, if the program has called
    /// [`install_panic_hook`](crate::install_panic_hook).
    pub location: Option<Box<str>>,
}

/// How many restarts within which time a supervisor would have exceeded with one more; see
/// [`Exit::gave_up`].
///
/// ```
/// use rotor_core::*;
/// use std::time::Duration;
/// fn advice(exit: &Exit) -> Option<String> {
///     let GaveUp { allowed, period, .. } = exit.gave_up()?;
///     let who = exit.cause()?.0;
///     Some(format!("{allowed} restarts in {period:?} did not help: look at {who}"))
/// }
/// # struct Bad;
/// # impl Actor for Bad {
/// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.addr().send(()); Ok(()) }
/// # }
/// # impl Handler<()> for Bad {
/// #     fn handle(&mut self, _: (), cx: &mut Context<Self>) { cx.fail(Error::message("bad")) }
/// # }
/// let exit = ThreadLoop::new().run(Supervisor::one_for_one("app")
///     .intensity(2, Duration::from_secs(9)).child(Child::new("bad", || Bad)))?;
/// assert_eq!(advice(&exit).unwrap(), "2 restarts in 9s did not help: look at bad");
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GaveUp {
    /// Restarts that are allowed within the period: the supervisor's intensity, or fewer that the child
    /// [has of its own](crate::Child::restarts_at_most). So many have been, those that failed or had not
    /// come yet included; the next one is not made.
    pub allowed: u32,
    /// The period of the supervisor's intensity.
    pub period: Duration,
    /// Ends that were answered with restarts before the one that is the [`cause`](Exit::cause): each
    /// child's name and its exit, the latest first; within the period, and at most three.
    pub before: Vec<(Cow<'static, str>, Exit)>,
}

/// All that is known of an exit.
#[derive(Clone, Debug)]
struct Detail {
    reason: ExitReason,
    cause: Option<Cause>,
    incident: Option<Incident>,
    /// How many exits are below this one, whether they were kept or left out.
    depth: u32,
    /// Exits were left out between this one and the error that holds it.
    cut: bool,
}

#[derive(Clone, Debug)]
struct Cause {
    who: Cow<'static, str>,
    exit: Exit,
    /// The restart intensity was exceeded by `who`.
    gave_up: Option<GaveUp>,
    /// `who` has never run: its first start failed.
    unborn: bool,
    /// Exits were left out between this one and the one that it caused.
    cut: bool,
}

/// Longest chain of causes: what is between its ends is left out of a longer one.
const LONGEST: u32 = 32;

impl Exit {
    fn new(reason: ExitReason) -> Self {
        Exit(Told::More(Arc::new(Detail {
            reason,
            cause: None,
            incident: None,
            depth: 0,
            cut: false,
        })))
    }

    /// An exit for a reason which may hold an exit, whose reason may hold one, and so on.
    pub(crate) fn of(reason: ExitReason) -> Self {
        let Some(inner) = reason.exit() else {
            return Self::new(reason);
        };
        let depth = inner.depth() + 1;
        if depth <= LONGEST {
            return Self::new(reason).with(|detail| detail.depth = depth);
        }
        // What is kept of more of them is the innermost one.
        let exit = inner.innermost().clone().with(|detail| detail.cut = true);
        Self::of(match reason {
            ExitReason::Link(LinkError::Broken { service, .. }) => {
                ExitReason::Link(LinkError::Broken { service, exit })
            }
            _ => ExitReason::Failed(exit.into()),
        })
    }

    /// The actor's work is done.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Job;
    /// impl Actor for Job {}
    /// impl Handler<()> for Job {
    ///     fn handle(&mut self, _: (), cx: &mut Context<Self>) {
    ///         cx.stop_with(Exit::normal()); // what `cx.stop()` does
    ///     }
    /// }
    /// assert!(!Exit::normal().is_abnormal()); // so a transient child is not restarted
    /// ```
    pub const fn normal() -> Self {
        Exit(Told::Normal)
    }

    /// The actor is told to stop.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Service;
    /// impl Actor for Service {
    ///     fn stop(&mut self, reason: &Exit, _: &mut Context<Self>) {
    ///         if let ExitReason::Shutdown = reason.reason() {
    ///             println!("told to stop"); // not by itself
    ///         }
    ///     }
    /// }
    /// assert_eq!(Exit::shutdown().to_string(), "shutdown");
    /// ```
    pub const fn shutdown() -> Self {
        Exit(Told::Shutdown)
    }

    /// The actor is told to stop, or stops, with a detail for whoever is told of it.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let exit = Exit::shutdown_with("a new version is there");
    /// assert_eq!(exit.to_string(), "shutdown: a new version is there");
    /// assert!(!exit.is_abnormal()); // as orderly as without a detail
    /// ```
    pub fn shutdown_with(detail: impl Into<Arc<str>>) -> Self {
        Self::new(ExitReason::ShutdownWith(detail.into()))
    }

    /// The actor failed with an error.
    ///
    /// For `stop_with`, and for what plays the part of an actor in a test:
    /// ```
    /// # use rotor_core::*;
    /// let exit = Exit::failed(std::io::Error::other("the disk is full"));
    /// assert!(exit.is_abnormal());
    /// assert_eq!(exit.to_string(), "failed: the disk is full");
    /// ```
    pub fn failed(error: impl Into<Error>) -> Self {
        Self::of(ExitReason::Failed(error.into()))
    }

    /// Itself, if it says nothing more.
    pub(crate) fn plain(&self) -> Option<Plain> {
        match self.0 {
            Told::Normal => Some(Plain::Normal),
            Told::Shutdown => Some(Plain::Shutdown),
            Told::Killed => Some(Plain::Killed),
            Told::More(_) => None,
        }
    }

    pub(crate) const fn killed() -> Self {
        Exit(Told::Killed)
    }

    pub(crate) fn escalated() -> Self {
        Self::new(ExitReason::Escalated)
    }

    pub(crate) fn panicked(caught: Caught) -> Self {
        let exit = Self::new(ExitReason::Panicked(caught.text.into()));
        match caught.location {
            None => exit,
            location => {
                exit.with(|detail| detail.incident.get_or_insert_default().location = location)
            }
        }
    }

    pub(crate) fn gone() -> Self {
        Self::new(ExitReason::Gone)
    }

    pub(crate) fn lost(locality: Arc<str>) -> Self {
        Self::new(ExitReason::Lost(locality))
    }

    /// This exit, on a message of this type, for the nth time.
    pub(crate) fn on(self, message: &'static str, times: u32) -> Self {
        self.with(|detail| {
            let incident = detail.incident.get_or_insert_default();
            incident.message = Some(message);
            incident.times = times;
        })
    }

    /// This exit, caused by that of `who`.
    pub(crate) fn because(self, who: Cow<'static, str>, exit: Exit) -> Self {
        self.caused_by(who, exit, None)
    }

    /// This exit, because the first start of `who` has failed like this.
    pub(crate) fn because_unborn(self, who: Cow<'static, str>, exit: Exit) -> Self {
        self.because(who, exit).with(|detail| {
            if let Some(cause) = &mut detail.cause {
                cause.unborn = true;
            }
        })
    }

    /// This exit, because `who` was restarted too often; its last exit.
    pub(crate) fn giving_up(self, who: Cow<'static, str>, exit: Exit, gave_up: GaveUp) -> Self {
        self.caused_by(who, exit, Some(gave_up))
    }

    fn caused_by(self, who: Cow<'static, str>, exit: Exit, gave_up: Option<GaveUp>) -> Self {
        let depth = exit.depth() + 1;
        let mut cause = Cause {
            who,
            exit,
            gave_up,
            unborn: false,
            cut: false,
        };
        if depth > LONGEST {
            // Of a longer chain both ends are kept: what happened here, and what really happened.
            if let Some(mut root) = cause.exit.last_cause().cloned() {
                root.cut = true;
                let reason = cause.exit.reason().clone();
                cause.exit = Exit::new(reason).with(|detail| detail.cause = Some(root));
            }
        }
        self.with(|detail| {
            detail.depth = cause.exit.depth() + 1;
            detail.cause = Some(cause);
        })
    }

    /// This exit, with the same cause as another.
    pub(crate) fn because_of(self, other: &Exit) -> Self {
        match other.cause_inside() {
            None => self,
            Some(cause) => self.with(|detail| {
                detail.cause = Some(cause.clone());
                detail.depth = other.depth();
            }),
        }
    }

    /// The root cause, also behind errors that hold exits.
    pub(crate) fn innermost(&self) -> &Exit {
        let mut exit = self.root_cause();
        while let Some(inner) = exit.reason().exit() {
            exit = inner.root_cause();
        }
        exit
    }

    fn with(mut self, change: impl FnOnce(&mut Detail)) -> Self {
        if self.detail().is_none() {
            self = Self::new(self.reason().clone());
        }
        if let Told::More(detail) = &mut self.0 {
            change(Arc::make_mut(detail));
        }
        self
    }

    fn detail(&self) -> Option<&Detail> {
        match &self.0 {
            Told::More(detail) => Some(detail),
            Told::Normal | Told::Shutdown | Told::Killed => None,
        }
    }

    fn depth(&self) -> u32 {
        self.detail().map_or(0, |detail| detail.depth)
    }

    fn cause_inside(&self) -> Option<&Cause> {
        self.detail()?.cause.as_ref()
    }

    /// The last link of the chain.
    fn last_cause(&self) -> Option<&Cause> {
        let mut last = self.cause_inside()?;
        while let Some(next) = last.exit.cause_inside() {
            last = next;
        }
        Some(last)
    }

    /// The kind of end.
    ///
    /// ```
    /// # use rotor_core::*;
    /// fn is_bug(exit: &Exit) -> bool {
    ///     matches!(exit.root_cause().reason(), ExitReason::Panicked(_))
    /// }
    /// assert!(!is_bug(&Exit::failed(Error::message("offline"))));
    /// ```
    pub fn reason(&self) -> &ExitReason {
        match &self.0 {
            Told::Normal => &ExitReason::Normal,
            Told::Shutdown => &ExitReason::Shutdown,
            Told::Killed => &ExitReason::Killed,
            Told::More(detail) => &detail.reason,
        }
    }

    /// Whose exit caused this one: the child's name and its exit.
    ///
    /// The way from the root to what went wrong:
    /// ```
    /// use rotor_core::*;
    /// fn path(mut exit: &Exit) -> Vec<String> {
    ///     let mut names = Vec::new();
    ///     while let Some((name, next)) = exit.cause() {
    ///         names.push(name.to_owned());
    ///         exit = next;
    ///     }
    ///     names
    /// }
    /// # struct Bad;
    /// # impl Actor for Bad {
    /// #     fn start(&mut self, _: &mut Context<Self>) -> Result { Err(Error::message("no")) }
    /// # }
    /// let exit = ThreadLoop::new().run(Supervisor::one_for_one("app")
    ///     .child(Supervisor::one_for_one("net").child(Child::new("port", || Bad))))?;
    /// assert_eq!(path(&exit), ["net", "port"]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn cause(&self) -> Option<(&str, &Exit)> {
        self.cause_inside().map(|c| (&*c.who, &c.exit))
    }

    /// What the actor was doing, if it failed while it handled a message, or the place of a panic is
    /// known.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Parse(&'static str);
    /// struct Parser;
    /// impl Actor for Parser {}
    /// impl Handler<Parse> for Parser {
    ///     fn handle(&mut self, Parse(text): Parse, _: &mut Context<Self>) {
    ///         let _: u8 = text.parse().expect("a number");
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let parser = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    /// #     .child(Child::new("parser", || Parser).at(parser).temporary().significant()))?;
    /// parser.send(Parse("x"));
    /// # sim.run_until_idle();
    /// let exit = app.tree().ended.unwrap();
    /// let incident = exit.root_cause().incident().unwrap();
    /// assert!(incident.message.unwrap().ends_with("Parse")); // on this message it panicked
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn incident(&self) -> Option<&Incident> {
        self.detail()?.incident.as_ref()
    }

    /// Whether the actor is a supervisor that has restarted its children too often. The child that
    /// was one too many is its [`cause`](Self::cause).
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Bad;
    /// impl Actor for Bad {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.addr().send(());
    ///         Ok(())
    ///     }
    /// }
    /// impl TryHandler<()> for Bad {
    ///     fn try_handle(&mut self, _: (), _: &mut Context<Self>) -> Result {
    ///         Err(Error::message("no luck"))
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// sim.locality("here");
    /// let tree = Supervisor::one_for_one("app").intensity(3, Duration::from_secs(9));
    /// let app = sim.start(tree.child(Child::new("bad", || Bad)))?;
    /// sim.run_until_idle();
    /// let exit = app.wait().expect("its loop has ended");
    /// let gave_up = exit.gave_up().expect("too many restarts");
    /// assert_eq!((gave_up.allowed, gave_up.period.as_secs()), (3, 9)); // and not a fourth
    /// assert!(matches!(exit.cause(), Some(("bad", cause)) if cause.is_abnormal()));
    /// let (who, exit) = &gave_up.before[0]; // of the time before
    /// assert_eq!((&**who, exit.to_string().as_str()), ("bad", "failed: no luck"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn gave_up(&self) -> Option<&GaveUp> {
        self.cause_inside()?.gave_up.as_ref()
    }

    /// This exit without what was before its causes, so that what is kept of earlier ends is bounded.
    pub(crate) fn curt(&self) -> Exit {
        let Some(cause) = self.cause_inside() else {
            return self.clone();
        };
        let mut cause = Cause {
            exit: cause.exit.curt(),
            ..cause.clone()
        };
        if let Some(gave_up) = &mut cause.gave_up {
            gave_up.before.clear();
        }
        self.clone().with(|detail| detail.cause = Some(cause))
    }

    /// The first exit of the chain: what really happened.
    ///
    /// ```
    /// use rotor_core::*;
    /// # struct Bad;
    /// # impl Actor for Bad {
    /// #     fn start(&mut self, _: &mut Context<Self>) -> Result { Err(Error::message("no disk")) }
    /// # }
    /// let exit = ThreadLoop::new()
    ///     .run(Supervisor::one_for_one("app").child(Child::new("log", || Bad)))?;
    /// assert_eq!(exit.to_string(), "shutdown, because log failed to start: no disk");
    /// assert_eq!(exit.root_cause().to_string(), "failed: no disk");
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn root_cause(&self) -> &Exit {
        let mut exit = self;
        while let Some((_, cause)) = exit.cause() {
            exit = cause;
        }
        exit
    }

    /// Whether something went wrong: this exit is abnormal, or one in its chain is, or a supervisor
    /// gave up. What a program's exit code should say of its tree.
    ///
    /// A supervisor that gives up ends with [`ExitReason::Shutdown`], as in Erlang/OTP, so that a
    /// transient one is not restarted; [`is_abnormal`](Self::is_abnormal) says no for it.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// struct Fragile;
    /// impl Actor for Fragile {
    ///     fn start(&mut self, _: &mut Context<Self>) -> Result {
    ///         Err(Error::message("no port"))
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// sim.locality("here");
    /// let app = sim.start(Supervisor::one_for_one("app").child(Child::new("net", || Fragile)))?;
    /// let (told, exits) = std::sync::mpsc::channel();
    /// app.on_exit(move |exit| told.send(exit).unwrap());
    /// sim.run_until_idle();
    /// let exit = exits.recv().unwrap();
    /// assert_eq!(exit.root_cause().to_string(), "failed: no port");
    /// assert!(exit.cause().is_some_and(|(who, _)| who == "net"));
    /// assert!(exit.is_failure());
    /// assert!(!Exit::normal().is_failure());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_failure(&self) -> bool {
        let mut exit = self;
        loop {
            match exit.cause_inside() {
                _ if exit.is_abnormal() => return true,
                None => return false,
                Some(cause) if cause.gave_up.is_some() => return true,
                Some(cause) => exit = &cause.exit,
            }
        }
    }

    /// Whether a transient child is restarted after this exit. Whether a whole tree has failed is said
    /// by [`is_failure`](Self::is_failure): a supervisor that gives up ends with `Shutdown`.
    ///
    /// ```
    /// # use rotor_core::*;
    /// assert!(!Exit::normal().is_abnormal());
    /// assert!(!Exit::shutdown().is_abnormal());
    /// assert!(Exit::failed(Error::message("a bad day")).is_abnormal());
    /// ```
    pub fn is_abnormal(&self) -> bool {
        !matches!(
            self.reason(),
            ExitReason::Normal | ExitReason::Shutdown | ExitReason::ShutdownWith(_)
        )
    }
}

impl ExitReason {
    /// The error that it holds.
    fn error(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            ExitReason::Failed(error) => Some(error.source()),
            ExitReason::TimedOut(error) => Some(error),
            ExitReason::Stalled(error) => Some(error),
            ExitReason::Link(error) => Some(error),
            ExitReason::Name(error) => Some(error),
            ExitReason::Refused(error) => Some(error),
            _ => None,
        }
    }

    /// The exit of another actor that its error holds.
    fn exit(&self) -> Option<&Exit> {
        exit_in(self.error()?)
    }
}

/// One line, also of a text with several: they are trimmed, and joined by a space.
impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = OneLine::new(f);
        match self {
            ExitReason::Normal => write!(f, "normal"),
            ExitReason::Shutdown => write!(f, "shutdown"),
            // Texts of others begin on lines of their own, so that these are trimmed as well.
            ExitReason::ShutdownWith(detail) => write!(f, "shutdown:\n{detail}"),
            ExitReason::Failed(error) => match error.downcast_ref::<Exit>() {
                // That of another may say so by itself.
                Some(exit) => {
                    let text = exit.to_string();
                    write!(
                        f,
                        "failed:\n{}",
                        text.strip_prefix("failed: ").unwrap_or(&text)
                    )
                }
                None => write!(f, "failed:\n{error}"),
            },
            ExitReason::TimedOut(error) => write!(f, "timed out: {error}"),
            ExitReason::Stalled(error) => write!(f, "failed: {error}"),
            ExitReason::Link(error) => write!(f, "failed: {error}"),
            ExitReason::Name(error) => write!(f, "failed: {error}"),
            ExitReason::Refused(error) => write!(f, "failed: {error}"),
            ExitReason::Overloaded(bound) => {
                write!(
                    f,
                    "failed: more messages wait for it than its bound of {bound}"
                )
            }
            ExitReason::Spent => {
                f.write_str("failed: a child made by `Child::once` cannot be made again")
            }
            ExitReason::Panicked(text) => write!(f, "panicked:\n{text}"),
            ExitReason::Bug(text) => write!(f, "failed: a bug in rotor-core:\n{text}"),
            ExitReason::Escalated => write!(f, "escalated"),
            ExitReason::Killed => write!(f, "killed"),
            ExitReason::Lost(locality) => write!(f, "locality {locality} was lost"),
            ExitReason::Gone => write!(f, "gone, its end is not known"),
        }
    }
}

/// Trims the lines of what is written, leaves out the empty ones, and joins them by a space.
pub(crate) struct OneLine<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    /// What the line so far ends with: written when something follows on it.
    spaces: String,
    /// What was written so far ends with a line break.
    broken: bool,
}

impl<'a, 'b> OneLine<'a, 'b> {
    /// Nothing is written yet, so that the first line is trimmed only at its end.
    pub(crate) fn new(f: &'a mut fmt::Formatter<'b>) -> Self {
        OneLine {
            f,
            spaces: String::new(),
            broken: false,
        }
    }
}

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(is_break) {
            let line = part.strip_suffix(is_break);
            let text = line.unwrap_or(part);
            let text = if self.broken { text.trim_start() } else { text };
            let rest = text.trim_end();
            if !rest.is_empty() {
                let before = if self.broken { " " } else { &self.spaces };
                self.f.write_str(before)?;
                self.f.write_str(rest)?;
                self.spaces.clear();
                self.broken = false;
            }
            self.spaces.push_str(&text[rest.len()..]);
            if line.is_some() {
                self.spaces.clear();
                self.broken = true;
            }
        }
        Ok(())
    }
}

/// Whether it ends a line, for some who show a text.
fn is_break(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message.map(|message| format!("on {}", short(message)));
        let times = (self.times > 1).then(|| format!("{} times so far", self.times));
        let location = self
            .location
            .as_ref()
            .map(|location| format!("at {location}"));
        let parts = [message, times, location];
        let known: Vec<_> = parts.into_iter().flatten().collect();
        f.write_str(&known.join(", "))
    }
}

/// How many are allowed in which time, and after what.
impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GaveUp {
            allowed, period, ..
        } = self;
        write!(f, "limit: {} in {period:?}", restarts((*allowed).into()))?;
        if *allowed > 0 {
            f.write_str(", used up")?;
        }
        let mut before = "; after ";
        for (who, exit) in &self.before {
            write!(f, "{before}{who}: {}", exit.root_cause().reason())?;
            before = ", ";
        }
        Ok(())
    }
}

impl fmt::Debug for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut exit = f.debug_struct("Exit");
        exit.field("reason", self.reason());
        if let Some(detail) = self.detail() {
            exit.field("cause", &detail.cause);
            exit.field("incident", &detail.incident);
        }
        exit.finish()
    }
}

/// One line: the reason, and what caused it, in order. `{:#}` adds what the actors were doing. Of a text
/// with several lines, these are joined by spaces.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail().is_some_and(|detail| detail.cut) {
            f.write_str("… ")?;
        }
        write!(f, "{}", self.reason())?;
        self.fmt_incident(f)?;
        let mut next = self.cause_inside();
        while let Some(cause) = next {
            let who = &cause.who;
            if cause.cut {
                f.write_str(", …")?;
            }
            match &cause.gave_up {
                None if cause.unborn && cause.exit.is_failure() => {
                    write!(f, ", because {who} failed to start: ")?;
                }
                None => write!(f, ", because {who} ended: ")?,
                Some(gave_up) if f.alternate() => {
                    write!(f, ", gave up restarting {who} ({gave_up}), which ended: ")?;
                }
                Some(_) => write!(f, ", gave up restarting {who}, which ended: ")?,
            }
            let reason = cause.exit.reason().to_string();
            // Of an unborn one it is said already that it has failed.
            let more = reason.strip_prefix("failed: ").filter(|_| cause.unborn);
            f.write_str(more.unwrap_or(&reason))?;
            cause.exit.fmt_incident(f)?;
            next = cause.exit.cause_inside();
        }
        Ok(())
    }
}

impl Exit {
    fn fmt_incident(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.incident() {
            Some(incident) if f.alternate() => write!(f, " ({incident})"),
            _ => Ok(()),
        }
    }
}

/// A [failure](Exit::is_failure) is printed to stderr, as by `{:#}`.
impl Termination for Exit {
    fn report(self) -> ExitCode {
        if !self.is_failure() {
            return ExitCode::SUCCESS;
        }
        eprintln!("Error: {self:#}");
        ExitCode::FAILURE
    }
}

/// The source is the exit that caused this one, or else the error that the actor failed with.
impl StdError for Exit {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.cause_inside() {
            Some(cause) => Some(&cause.exit),
            None => self.reason().error(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::RequestError;

    fn broken() -> Exit {
        Exit::failed(std::io::Error::other("disk full"))
    }

    fn names(exit: &Exit) -> Vec<&str> {
        let (mut names, mut next) = (Vec::new(), exit.cause());
        while let Some((who, exit)) = next {
            names.push(who);
            next = exit.cause();
        }
        names
    }

    #[test]
    fn l29_a_long_chain_keeps_its_ends() {
        let levels = if cfg!(miri) { 100 } else { 1_000 };
        let mut exit = broken();
        for level in 0..levels {
            exit = Exit::shutdown().because(format!("level {level}").into(), exit);
            assert!(names(&exit).len() <= LONGEST as usize + 1);
        }
        assert_eq!(exit.root_cause().to_string(), "failed: disk full");
        assert_eq!(names(&exit)[0], format!("level {}", levels - 1));
        assert_eq!(names(&exit).last(), Some(&"level 0"));
        assert!(exit.is_failure());
        let text = exit.to_string();
        assert!(
            text.contains("ended: shutdown, …, because level 0 ended"),
            "{text}"
        );
    }

    #[test]
    fn l29_actors_that_fail_of_each_other_do_not_pile_up_errors() {
        let mut exit = broken();
        for _ in 0..1_000 {
            exit = Exit::failed(RequestError::Ended(exit));
        }
        assert!(exit.to_string().len() < 4_000);
        assert!(exit.depth() <= LONGEST);
    }

    /// However deep it is: each level is made a text once.
    #[test]
    fn l29_a_deep_exit_prints_in_a_moment() {
        /// Somebody's own error, which tells its cause or leaves that to whoever prints it.
        #[derive(Debug)]
        struct Own(RequestError, bool);
        impl fmt::Display for Own {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.1 {
                    true => write!(f, "own: {}", self.0),
                    false => f.write_str("own"),
                }
            }
        }
        impl StdError for Own {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        for tells in [false, true] {
            let mut exit = broken();
            for _ in 0..LONGEST {
                exit = Exit::failed(Own(RequestError::Ended(exit), tells));
            }
            let text = exit.to_string();
            assert_eq!(text.matches("own").count(), LONGEST as usize, "{text}");
            assert_eq!(text.matches("disk full").count(), 1, "{text}");
        }
    }

    /// What is left out of a long chain is between two that can be matched.
    #[test]
    fn l29_clients_that_break_of_each_other_do_not_pile_up_exits() {
        let broken_by = |exit| {
            let service = "b".into();
            Exit::of(ExitReason::Link(LinkError::Broken { service, exit }))
        };
        let mut exit = broken().on("my::Order", 1);
        for _ in 0..1_000 {
            exit = broken_by(exit);
            assert!(exit.depth() <= LONGEST);
        }
        assert!(exit.to_string().len() < 4_000);
        assert!(matches!(exit.innermost().reason(), ExitReason::Failed(_)));
        while let ExitReason::Link(LinkError::Broken { exit: next, .. }) = exit.reason() {
            exit = next.clone();
        }
        assert_eq!(format!("{exit:#}"), "… failed: disk full (on Order)");
        let short = broken_by(broken_by(broken()));
        let text = "failed: the service b ended: failed: the service b ended: failed: disk full";
        assert_eq!(short.to_string(), text);
        let handed_on = Exit::failed(LinkError::AlreadyLinked);
        assert!(matches!(handed_on.reason(), ExitReason::Failed(_)));
    }

    /// Whatever the reason is, and whether it was handed on by an actor.
    #[test]
    fn l29_the_error_of_a_reason_is_a_source() {
        let service = "b".into();
        let error = LinkError::Broken {
            service,
            exit: broken(),
        };
        for exit in [
            Exit::failed(error.clone()),
            Exit::of(ExitReason::Link(error)),
        ] {
            let mut sources = std::iter::successors(exit.source(), |&error| error.source());
            let first = sources.next().expect("the error");
            assert!(first.is::<LinkError>());
            assert!(sources.any(|error| error.is::<std::io::Error>()));
            assert_eq!(exit.innermost().to_string(), "failed: disk full");
        }
        let refused = Exit::of(ExitReason::Refused(StartError::TooDeep));
        assert!(
            refused
                .source()
                .is_some_and(|error| error.is::<StartError>())
        );
        assert!(Exit::of(ExitReason::Spent).source().is_none());
    }

    #[test]
    fn l29_the_sources_of_an_exit_lead_to_the_error() {
        let exit = Exit::shutdown().because("b".into(), broken());
        let sources = std::iter::successors(exit.source(), |&error| error.source());
        let io = sources.filter_map(|error| error.downcast_ref::<std::io::Error>());
        assert_eq!(io.count(), 1);
        let asked = RequestError::Ended(exit);
        let source = asked
            .source()
            .and_then(|source| source.downcast_ref::<Exit>());
        assert_eq!(source.map(|exit| names(exit)), Some(vec!["b"]));
    }

    /// Whoever has made the text, and wherever it is in the chain.
    #[test]
    fn l29_an_exit_of_several_lines_prints_as_one() {
        let text = "one \r\n\n\t two\u{2028}three\n";
        let of = Exit::of;
        let panicked = ExitReason::Panicked(text.into());
        let cases = [
            (of(panicked), "panicked: one two three"),
            (
                of(ExitReason::Bug(text.into())),
                "failed: a bug in rotor-core: one two three",
            ),
            (Exit::failed(Error::message(text)), "failed: one two three"),
            (Exit::shutdown_with(text), "shutdown: one two three"),
            (
                of(ExitReason::Refused(StartError::BuildPanicked {
                    supervisor: "far".into(),
                    text: text.into(),
                })),
                "failed: building the children of far panicked: one two three",
            ),
        ];
        for (exit, line) in cases {
            assert_eq!(exit.to_string(), line);
            let around = Exit::shutdown().because("b".into(), exit.clone());
            for text in [around.to_string(), format!("{around:#}")] {
                assert_eq!(text, format!("shutdown, because b ended: {line}"));
            }
            let again = Exit::failed(RequestError::Ended(exit)).to_string();
            assert!(
                again.ends_with(line) && again.lines().count() == 1,
                "{again}"
            );
        }
        // In whatever pieces it is written.
        #[derive(Debug)]
        struct Pieces(&'static [&'static str]);
        impl StdError for Pieces {}
        impl fmt::Display for Pieces {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|piece| f.write_str(piece))
            }
        }
        let cases: [(&[&str], &str); 6] = [
            (&["one ", "two", "  three"], "failed: one two  three"),
            (&["one \t", " \n", " ", "two"], "failed: one two"),
            (&["one", " ", "\n"], "failed: one"),
            (&["one  "], "failed: one"),
            (&["  one"], "failed: one"),
            (&[" ", ""], "failed:"),
        ];
        for (pieces, line) in cases {
            assert_eq!(Exit::failed(Pieces(pieces)).to_string(), line);
        }
        let io = std::io::Error::other("one\n");
        let mixed = Exit::failed(LinkError::Broken {
            service: "b".into(),
            exit: Exit::failed(io),
        });
        assert_eq!(
            mixed.to_string(),
            "failed: the service b ended: failed: one"
        );
        assert_eq!(
            Exit::of(ExitReason::Panicked("".into())).to_string(),
            "panicked:"
        );
    }

    #[test]
    fn l29_what_is_below_an_exit_keeps_its_incident() {
        let exit = broken().on("my::Order", 3);
        let exit = Exit::shutdown().because("b".into(), exit);
        assert_eq!(
            exit.to_string(),
            "shutdown, because b ended: failed: disk full"
        );
        assert_eq!(
            format!("{exit:#}"),
            "shutdown, because b ended: failed: disk full (on Order, 3 times so far)"
        );
        assert!(exit.incident().is_none());
        assert_eq!(
            exit.root_cause().incident().map(|incident| incident.times),
            Some(3)
        );
    }
}
