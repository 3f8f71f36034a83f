//! Errors that end an actor, and errors of starting a tree.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use crate::exit::{Exit, OneLine};
use crate::here;
use crate::link::LinkError;
use crate::name::NameError;

/// What a handler, a hook or a factory returns when it has failed: any error, one pointer wide, cheap to
/// clone.
///
/// Made with `?` from every `std::error::Error + Send + Sync`. It is not an
/// [`std::error::Error`] itself (that would make the conversion ambiguous); [`source`](Self::source)
/// gives the error inside.
///
/// ```
/// use rotor_core::*;
/// fn read(path: &str) -> Result<String> {
///     match path {
///         "" => Err(Error::message("no path")),
///         _ => Ok(std::fs::read_to_string(path)?),
///     }
/// }
/// assert_eq!(read("").unwrap_err().to_string(), "no path");
/// let error = read("/no/such/file").unwrap_err();
/// let io: &std::io::Error = error.downcast_ref().unwrap();
/// assert_eq!(io.kind(), std::io::ErrorKind::NotFound);
/// ```
#[derive(Clone)]
pub struct Error(Arc<Held>);

enum Held {
    /// Beside the count, and not in a box of its own: actors that fail over and over do so with a text.
    Text(Text),
    /// What a user made. A panic in its drop hurts nobody, wherever the last of those drops it that
    /// keep an exit.
    Other(Option<Box<dyn StdError + Send + Sync>>),
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Held::Other(error) = self {
            let error = error.take();
            let _ = here::guard(|| drop(error));
        }
    }
}

/// A text that is an error.
struct Text(String);

impl StdError for Text {}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Result of hooks and handlers that may fail.
///
/// With one argument or none it is that of hooks and handlers, with two the usual one:
/// ```
/// use rotor_core::*;
/// fn volume(text: &str) -> Result<u8> {
///     let volume = text.parse()?;
///     if volume > 11 { return Err(Error::message("too loud")) }
///     Ok(volume)
/// }
/// assert_eq!(volume("11").ok(), Some(11));
/// assert_eq!(volume("12").unwrap_err().to_string(), "too loud");
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of a text.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Valve { open: bool }
    /// impl Actor for Valve {
    ///     fn start(&mut self, _: &mut Context<Self>) -> Result {
    ///         if self.open { Ok(()) } else { Err(Error::message("it is stuck")) }
    ///     }
    /// }
    /// let exit = ThreadLoop::new()
    ///     .run(Supervisor::one_for_one("app").child(Child::new("valve", || Valve { open: false })))?;
    /// assert_eq!(exit.root_cause().to_string(), "failed: it is stuck");
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn message(text: impl Into<String>) -> Self {
        Error(Arc::new(Held::Text(Text(text.into()))))
    }

    /// The error inside, with its own chain of sources.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let error = Error::from("x".parse::<u8>().unwrap_err());
    /// // For a crate that reports errors with their chains.
    /// let inside: &dyn std::error::Error = error.source();
    /// assert_eq!(inside.to_string(), "invalid digit found in string");
    /// ```
    pub fn source(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match &*self.0 {
            Held::Text(text) => text,
            Held::Other(error) => &**error.as_ref().expect("there until it is dropped"),
        }
    }

    /// The error inside as an `E`, if it is one.
    ///
    /// ```
    /// # use rotor_core::*;
    /// use std::io;
    /// /// Whether it is worth to try again.
    /// fn is_passing(error: &Error) -> bool {
    ///     let io = error.downcast_ref::<io::Error>();
    ///     io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused)
    /// }
    /// assert!(is_passing(&io::Error::from(io::ErrorKind::ConnectionRefused).into()));
    /// assert!(!is_passing(&Error::message("a bad password")));
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.source().downcast_ref()
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Error(Arc::new(Held::Other(Some(Box::new(error)))))
    }
}

/// One line, with all that has caused it, also of texts with several: they are trimmed, and joined by a
/// space. The texts as they are have [`source`](Error::source) and those it has.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last: &(dyn StdError + 'static) = self.source();
        let mut text = last.to_string();
        // An exit tells what caused it by itself, and so do some errors.
        while let Some(cause) = last.source().filter(|_| !last.is::<Exit>()) {
            // An exit may hold others, level by level. Made into a text to look whether it is there already, each
            // level would be made twice as often as the one above it: all end with the innermost one.
            let end = match exit_in(cause) {
                Some(exit) => exit.innermost().to_string(),
                None => cause.to_string(),
            };
            if !text.ends_with(end.strip_prefix("failed: ").unwrap_or(&end)) {
                text = format!("{text}: {cause}");
            }
            last = cause;
        }
        OneLine::new(f).write_str(text.trim_start())
    }
}

/// The exit of another actor that an error is, or has among its sources.
pub(crate) fn exit_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Exit> {
    let mut all = std::iter::successors(Some(error), |&error| error.source());
    all.find_map(|error| error.downcast_ref())
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.source(), f)
    }
}

/// A start or a stop that took longer than its limit.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Slow { hold: Option<Hold> }
/// impl Actor for Slow {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         self.hold = Some(cx.hold("an answer that never comes"));
///         Ok(())
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("app")
///     .child(Child::new("slow", || Slow { hold: None })))?;
/// sim.run_for(std::time::Duration::from_secs(5));
/// let exit = app.tree().ended.unwrap();
/// let ExitReason::TimedOut(late) = exit.root_cause().reason() else { panic!("{exit}") };
/// assert_eq!((late.step, late.limit.as_secs()), ("start", 5));
/// assert_eq!(late.to_string(),
///     "the start of app/slow took longer than its start limit of 5s; held by an answer that never comes");
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedOut {
    /// The names from the root down to the actor, with slashes between.
    pub path: String,
    /// What took too long: `"start"` or `"stop"`.
    pub step: &'static str,
    /// The limit.
    pub limit: Duration,
    /// What has kept the step open, as far as that is seen from the supervisor's locality: what the holds
    /// are for, of a name also who declares it, or that nobody does; then the paths of those below whose own
    /// steps were waited for, each with what its holds are for in brackets. Who has none and only waits for
    /// others of them is left out. After sixteen paths comes how many more there are.
    pub held_by: Vec<Cow<'static, str>>,
}

/// One line, also of texts with several, as an exit prints them.
impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = OneLine::new(f);
        let TimedOut {
            path, step, limit, ..
        } = self;
        write!(
            f,
            "the {step} of {path} took longer than its {step} limit of {limit:?}"
        )?;
        let mut held = self.held_by.iter();
        held.try_for_each(|why| write!(f, "; held by {why}"))
    }
}

impl StdError for TimedOut {}

/// A start that waits for names or services which cannot be there before it is over: each belongs to a
/// child that starts later, to one that is down and whose supervisor is busy with this start, or to a
/// supervisor of the one that waits. Such a start ends with
/// [`ExitReason::Stalled`](crate::ExitReason::Stalled).
///
/// ```
/// use rotor_core::*;
/// struct Server;
/// impl Actor for Server {}
/// const SERVER: Name<Server> = Name::new("server");
/// struct User;
/// impl Actor for User {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         cx.find(SERVER, |_, _, _| ());
///         Ok(())
///     }
/// }
/// # fn main() -> Result<(), StartError> {
/// let exit = ThreadLoop::new().run(Supervisor::one_for_one("app")
///     .child(Child::new("user", || User)) // waits for one that starts after it
///     .child(Child::new("server", || Server).named(SERVER)))?;
/// let ExitReason::Stalled(stalled) = exit.root_cause().reason() else { panic!("{exit}") };
/// assert_eq!(stalled.waiting, "app/user");
/// assert_eq!(stalled.to_string(), "the start of app/user waits for the name server of server, which \
///     cannot be there before that start is over: declare server before user (unless that waits for user, \
///     too), or ask for it later, in a handler");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartStalled {
    /// The child whose start waits: the names from the root down to it, with slashes between.
    pub waiting: String,
    /// The names that it waits for, each with the child that declares it.
    pub names: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// The services that it waits to be linked to.
    pub services: Vec<Cow<'static, str>>,
    /// Whether the owner of each name is down. Services are not: who is down cannot be waited for.
    pub(crate) down: Vec<bool>,
    /// None of them is above or below it, and all are still to start: in another order they would be there,
    /// if they do not wait for it, which is not known before they start.
    pub(crate) order_helps: bool,
}

impl fmt::Display for StartStalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the start of {} waits for ", self.waiting)?;
        let mut comma = "";
        for ((name, owner), down) in self.names.iter().zip(&self.down) {
            let down = if *down { " (which is down)" } else { "" };
            write!(f, "{comma}the name {name} of {owner}{down}")?;
            comma = ", ";
        }
        for service in &self.services {
            write!(f, "{comma}a link to {service}")?;
            comma = ", ";
        }
        f.write_str(", which cannot be there before that start is over: ")?;
        if self.order_helps {
            let names = self.names.iter().map(|(_, owner)| &**owner);
            let services = self.services.iter().map(|service| &**service);
            let mut owners = Vec::new();
            for owner in names.chain(services) {
                if !owners.contains(&owner) {
                    owners.push(owner);
                }
            }
            let waiting = self.waiting.rsplit('/').next().unwrap_or_default();
            let who = match owners.len() {
                1 => "that",
                _ => "one of them",
            };
            let owners = owners.join(" and ");
            write!(
                f,
                "declare {owners} before {waiting} (unless {who} waits for {waiting}, too), or "
            )?;
        }
        f.write_str("ask for it later, in a handler")
    }
}

impl StdError for StartStalled {}

/// Why a tree was refused. Nothing of it has been started.
///
/// Supervisors and children are told of by their paths: the names from the root down, with slashes between.
///
/// What a subtree on another locality claims that another tree has already is found out when it is built
/// there: then its start fails, with [`ExitReason::Refused`](crate::ExitReason::Refused).
///
/// ```
/// use rotor_core::*;
/// struct Part;
/// impl Actor for Part {}
/// let tree = Supervisor::one_for_one("app")
///     .child(Child::new("part", || Part).significant()); // but permanent: it never ends the tree
/// let error = ThreadLoop::new().run(tree).unwrap_err();
/// assert!(matches!(&error, StartError::Significant { child, .. } if child == "app/part"));
/// eprintln!("{error}");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum StartError {
    /// Two children of one supervisor have the same name.
    DuplicateName {
        /// The supervisor.
        supervisor: Cow<'static, str>,
        /// The name.
        child: Cow<'static, str>,
    },
    /// A name that a path cannot be made of: it is empty, or has a slash or a control character in it,
    /// such as a line break.
    BadName {
        /// The supervisor whose child has it; none if it is the root's.
        supervisor: Option<Cow<'static, str>>,
        /// The name.
        name: Cow<'static, str>,
    },
    /// A reserved address is claimed by two children, or by a tree that was started before, or was
    /// freed with the child that had it.
    ClaimedTwice {
        /// The child that came too late.
        child: Cow<'static, str>,
        /// The other child, if it is of the same spec.
        other: Option<Cow<'static, str>>,
    },
    /// A reserved address belongs to another locality than the one the child is placed on.
    WrongLocality {
        /// The child.
        child: Cow<'static, str>,
        /// The locality it is placed on.
        placed: Cow<'static, str>,
        /// The locality on which its address was reserved.
        reserved: Cow<'static, str>,
    },
    /// A child has a [bound](crate::Child::bound), but its address was reserved without one.
    Unbounded {
        /// The child.
        child: Cow<'static, str>,
    },
    /// A child is significant, but permanent, or its supervisor never shuts down by itself.
    Significant {
        /// The child.
        child: Cow<'static, str>,
        /// What is wrong, and what to write instead.
        why: &'static str,
    },
    /// How long restarts of a child wait makes no sense, or it is never restarted.
    Backoff {
        /// The child.
        child: Cow<'static, str>,
        /// What is wrong, and what to write instead.
        why: &'static str,
    },
    /// The spec has more than a hundred levels.
    TooDeep,
    /// The period of a supervisor's restart intensity is zero.
    ZeroPeriod {
        /// The supervisor.
        supervisor: Cow<'static, str>,
    },
    /// A child cannot have a name that its spec declares.
    Name {
        /// The child.
        child: Cow<'static, str>,
        /// Why not.
        error: NameError,
    },
    /// A child is given the same name by [`Child::named`](crate::Child::named) twice.
    NamedTwice {
        /// The child.
        child: Cow<'static, str>,
        /// The name.
        name: Cow<'static, str>,
    },
    /// Children [need](crate::Child::needs) each other in a circle.
    Needs {
        /// A child of the circle.
        child: Cow<'static, str>,
        /// What no link can be made of.
        error: LinkError,
    },
    /// A child needs another one that starts after it.
    NeedsLater {
        /// The child.
        child: Cow<'static, str>,
        /// The other one.
        service: Cow<'static, str>,
    },
    /// A pool has children of its own, no template, or an auto-shutdown; or a supervisor that is no
    /// pool says something about instances; or one that is placed says so, or how it treats its children,
    /// outside of the closure that makes the pool.
    Pool {
        /// The supervisor.
        supervisor: Cow<'static, str>,
        /// What is wrong, and what to write instead.
        why: Cow<'static, str>,
    },
    /// The actor that would be the parent is stopping.
    Stopping,
    /// No locality is open in the driver, or in the simulation, that should start the tree.
    NoLocality,
    /// Each locality that is open in the [simulation](crate::sim::Sim) has a tree, or has had one: one
    /// locality, one tree.
    NoneFree {
        /// Whether all those trees have ended.
        ended: bool,
    },
    /// The driver has ended, with what was placed on its localities.
    DriverEnded,
    /// The driver has started a tree before, or is about to: one driver, one tree.
    AlreadyStarted,
    /// A locality of the tree has ended.
    LocalityEnded {
        /// The supervisor that is placed on it.
        supervisor: Cow<'static, str>,
        /// The locality.
        locality: Cow<'static, str>,
    },
    /// The closure that builds the part of another locality panicked.
    BuildPanicked {
        /// The supervisor that is placed on the other locality.
        supervisor: Cow<'static, str>,
        /// The panic's text.
        text: String,
    },
    /// The closure that builds the part of another locality returns a supervisor that it was not given, or
    /// says of it what is said where it is placed; see [`Supervisor::on`](crate::Supervisor::on).
    Built {
        /// The supervisor that is placed on the other locality.
        supervisor: Cow<'static, str>,
        /// What it says, and where that is said.
        what: Cow<'static, str>,
    },
    /// A child is added to a supervisor of another locality outside of the closure that builds it there.
    Outside {
        /// The supervisor that is placed on the other locality.
        supervisor: Cow<'static, str>,
        /// The child.
        child: Cow<'static, str>,
    },
    /// A supervisor is placed by [`Supervisor::on`](crate::Supervisor::on) twice: the closure of the first
    /// would never be called.
    PlacedTwice {
        /// The supervisor.
        supervisor: Cow<'static, str>,
    },
    /// The root is placed on a locality by [`Supervisor::on`](crate::Supervisor::on); it is where it is
    /// started.
    RootPlaced {
        /// The root.
        root: Cow<'static, str>,
    },
    /// A loop would run inside a handler of its thread, where it would wait for ever; or the driver whose
    /// handler this is would start a tree.
    Nested,
    /// The loop could not be made, entered, or waited on.
    Loop(Arc<std::io::Error>),
}

/// As `Display`: it is what a program prints whose `main` returns one.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::DuplicateName { supervisor, child } => {
                write!(
                    f,
                    "supervisor {supervisor} has two children named {child}: give one of them another name"
                )
            }
            StartError::BadName { supervisor, name } => {
                match supervisor {
                    Some(supervisor) => {
                        write!(f, "supervisor {supervisor} has a child named {name:?}")?
                    }
                    None => write!(f, "the root is named {name:?}")?,
                }
                f.write_str(
                    ": a name must not be empty, nor have a control character, nor a slash, which stands \
                     between the names of a path",
                )
            }
            StartError::ClaimedTwice { child, other } => match other {
                Some(other) => write!(
                    f,
                    "{child} and {other} have the same address: reserve one for each of them"
                ),
                None => write!(
                    f,
                    "{child} cannot have the address that was reserved for it: another child had it \
                     first, or has ended with it; reserve a new one"
                ),
            },
            StartError::WrongLocality {
                child,
                placed,
                reserved,
            } if placed == reserved => write!(
                f,
                "{child} is placed on locality {placed}, but its address was reserved on another locality \
                 named {placed}, of another loop: reserve it with `locality()` of the loop that runs {child}"
            ),
            StartError::WrongLocality {
                child,
                placed,
                reserved,
            } => write!(
                f,
                "{child} is placed on locality {placed}, but its address was reserved on {reserved}: \
                 reserve it on {placed}, or place {child} below a supervisor on {reserved}"
            ),
            StartError::Unbounded { child } => {
                write!(
                    f,
                    "{child} has a bound, but its address was reserved without one: use \
                     `Locality::reserve_bounded`"
                )
            }
            StartError::Significant { child, why } => write!(f, "{child} is significant, {why}"),
            StartError::Backoff { child, why } => write!(f, "the backoff of {child}: {why}"),
            StartError::TooDeep => write!(
                f,
                "the tree has more than a hundred levels: put the children of some of them side by side"
            ),
            StartError::ZeroPeriod { supervisor } => {
                write!(
                    f,
                    "supervisor {supervisor} has a restart period of zero: give `intensity` a longer one"
                )
            }
            StartError::Name { child, error } => write!(f, "{child} cannot start: {error}"),
            StartError::NamedTwice { child, name } => write!(
                f,
                "{child} is given the name {name} twice: leave one `named` of it out"
            ),
            StartError::Needs { child, error } => write!(f, "{child} cannot start: {error}"),
            StartError::NeedsLater { child, service } => {
                write!(
                    f,
                    "{child} needs {service}, which starts after it: declare {service} before {child}"
                )
            }
            StartError::Pool { supervisor, why } => write!(f, "supervisor {supervisor} {why}"),
            StartError::Stopping => write!(
                f,
                "no child is added: the actor that would be its parent is stopping"
            ),
            StartError::NoLocality => write!(
                f,
                "no tree is started: no locality is open: open one first, with `Driver::open` or \
                 `Sim::locality`"
            ),
            StartError::NoneFree { ended: false } => write!(
                f,
                "no tree is started: each locality that is open has a tree: make another locality for \
                 this one, or add it to a tree that runs, with `StartChild`"
            ),
            StartError::NoneFree { ended: true } => write!(
                f,
                "no tree is started: the tree of each locality that was open has ended: make another \
                 locality for this one"
            ),
            StartError::DriverEnded => write!(
                f,
                "no tree is started: this driver has ended, and its localities with it: make another one, \
                 and open another locality"
            ),
            StartError::Nested => write!(
                f,
                "inside a handler of its thread no loop is run, and its driver starts no tree: start a child with \
                 `StartChild`, or run the loop on a thread of its own"
            ),
            StartError::AlreadyStarted => write!(
                f,
                "this driver has started a tree before: make another one for another tree"
            ),
            StartError::LocalityEnded {
                supervisor,
                locality,
            } => {
                write!(
                    f,
                    "supervisor {supervisor} cannot be placed on locality {locality} any more: its loop or \
                     future has ended, or was dropped"
                )
            }
            StartError::BuildPanicked { supervisor, text } => {
                write!(f, "building the children of {supervisor} panicked: {text}")
            }
            StartError::PlacedTwice { supervisor } => write!(
                f,
                "supervisor {supervisor} is placed twice: say `on` once, with one closure for all children"
            ),
            StartError::RootPlaced { root } => {
                write!(
                    f,
                    "{root} is the root: it runs on the loop that starts it, and `on` is for a supervisor \
                     below"
                )
            }
            StartError::Built { supervisor, what } => {
                write!(f, "the closure of `on` that builds {supervisor} {what}")
            }
            StartError::Outside { supervisor, child } => {
                write!(
                    f,
                    "supervisor {supervisor} has its child {child} outside of the closure of `on`, which \
                     adds the children: `on(&place, |s| s.child(..))`"
                )
            }
            StartError::Loop(error) => write!(f, "the loop has failed: {error}"),
        }
    }
}

impl StdError for StartError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            StartError::Loop(error) => Some(&**error),
            StartError::Name { error, .. } => Some(error),
            StartError::Needs { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> Self {
        StartError::Loop(Arc::new(error))
    }
}

/// Why a locality could not be opened.
///
/// ```
/// use rotor_core::*;
/// let main = ThreadLoop::new();
/// # struct Nothing;
/// # impl Wake for Nothing { fn wake(&self) {} }
/// let other = Driver::new(std::sync::Arc::new(Nothing), Clock::real());
/// assert_eq!(other.open(main.locality()), Err(BindError::AlreadyOpen));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// Another driver has it open, or the thread that was spawned for it is about to.
    AlreadyOpen,
    /// It has ended.
    Ended,
    /// The tree of the driver has ended: it drives nothing any more.
    DriverEnded,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BindError::AlreadyOpen => "the locality is open in another driver",
            BindError::Ended => "the locality has ended",
            BindError::DriverEnded => "the driver's tree has ended",
        })
    }
}

impl StdError for BindError {}

#[cfg(test)]
mod tests;
