//! Why an actor ended.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// Why an actor ended, with the chain of exits that caused it.
///
/// ```
/// use rotor_core::{Exit, ExitReason};
/// let exit = Exit::failed(std::io::Error::other("disk full"));
/// assert!(exit.is_abnormal());
/// assert!(matches!(exit.reason(), ExitReason::Failed(e) if e.to_string() == "disk full"));
/// assert_eq!(exit.to_string(), "failed: disk full");
/// ```
#[derive(Clone, Debug)]
pub struct Exit {
    reason: ExitReason,
    cause: Option<Arc<Cause>>,
}

/// The kinds of [`Exit`]. `Normal`, `Shutdown` and `ShutdownWith` are orderly; the others are
/// abnormal, so a transient child is restarted after them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ExitReason {
    /// The actor stopped itself: its work is done.
    Normal,
    /// It was told to stop, or its supervisor gave up or shut down by itself.
    Shutdown,
    /// An orderly end, as [`Shutdown`](Self::Shutdown), with a detail.
    ShutdownWith(Arc<str>),
    /// A handler, a hook or the factory returned an error, or a limit was overrun.
    Failed(Error),
    /// A panic; the text of its message.
    Panicked(Arc<str>),
    /// It was removed by force.
    Killed,
    /// Its locality was lost: the driver was dropped, or its thread ended; the locality's name.
    Lost(Arc<str>),
}

#[derive(Debug)]
struct Cause {
    who: Cow<'static, str>,
    exit: Exit,
    /// The restart intensity was exceeded by `who`.
    gave_up: bool,
}

impl Exit {
    /// The actor's work is done.
    pub const fn normal() -> Self {
        Exit {
            reason: ExitReason::Normal,
            cause: None,
        }
    }

    /// The actor is told to stop.
    pub const fn shutdown() -> Self {
        Exit {
            reason: ExitReason::Shutdown,
            cause: None,
        }
    }

    /// The actor is told to stop, or stops, with a detail for whoever is told of it.
    pub fn shutdown_with(detail: impl Into<Arc<str>>) -> Self {
        Exit {
            reason: ExitReason::ShutdownWith(detail.into()),
            cause: None,
        }
    }

    /// The actor failed with an error.
    pub fn failed(error: impl Into<Error>) -> Self {
        Exit {
            reason: ExitReason::Failed(error.into()),
            cause: None,
        }
    }

    pub(crate) const fn killed() -> Self {
        Exit {
            reason: ExitReason::Killed,
            cause: None,
        }
    }

    pub(crate) fn panicked(text: String) -> Self {
        Exit {
            reason: ExitReason::Panicked(text.into()),
            cause: None,
        }
    }

    pub(crate) fn lost(locality: &str) -> Self {
        Exit {
            reason: ExitReason::Lost(locality.into()),
            cause: None,
        }
    }

    /// This exit, caused by that of `who`.
    pub(crate) fn because(self, who: Cow<'static, str>, exit: Exit) -> Self {
        let gave_up = false;
        Exit {
            cause: Some(Arc::new(Cause { who, exit, gave_up })),
            ..self
        }
    }

    /// This exit, because `who` was restarted too often; its last exit.
    pub(crate) fn giving_up(self, who: Cow<'static, str>, exit: Exit) -> Self {
        let gave_up = true;
        Exit {
            cause: Some(Arc::new(Cause { who, exit, gave_up })),
            ..self
        }
    }

    /// This exit, with the same cause as another.
    pub(crate) fn because_of(self, other: &Exit) -> Self {
        Exit {
            cause: other.cause.clone(),
            ..self
        }
    }

    /// The kind of end.
    pub fn reason(&self) -> &ExitReason {
        &self.reason
    }

    /// Whose exit caused this one: the child's name and its exit.
    pub fn cause(&self) -> Option<(&str, &Exit)> {
        self.cause.as_deref().map(|c| (&*c.who, &c.exit))
    }

    /// The first exit of the chain: what really happened.
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
            match &exit.cause {
                _ if exit.is_abnormal() => return true,
                None => return false,
                Some(cause) if cause.gave_up => return true,
                Some(cause) => exit = &cause.exit,
            }
        }
    }

    /// Whether a transient child is restarted after this exit.
    pub fn is_abnormal(&self) -> bool {
        !matches!(
            self.reason,
            ExitReason::Normal | ExitReason::Shutdown | ExitReason::ShutdownWith(_)
        )
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitReason::Normal => write!(f, "normal"),
            ExitReason::Shutdown => write!(f, "shutdown"),
            ExitReason::ShutdownWith(detail) => write!(f, "shutdown: {detail}"),
            ExitReason::Failed(error) => write!(f, "failed: {error}"),
            ExitReason::Panicked(text) => write!(f, "panicked: {text}"),
            ExitReason::Killed => write!(f, "killed"),
            ExitReason::Lost(locality) => write!(f, "locality {locality} was lost"),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        let mut next = &self.cause;
        while let Some(cause) = next {
            let (who, reason) = (&cause.who, &cause.exit.reason);
            if cause.gave_up {
                write!(f, ", gave up restarting {who}, which ended: {reason}")?;
            } else {
                write!(f, ", because {who} ended: {reason}")?;
            }
            next = &cause.exit.cause;
        }
        Ok(())
    }
}

impl Drop for Cause {
    /// A chain may be as long as the tree is deep: taken apart in a loop, not by recursion.
    fn drop(&mut self) {
        let mut next = self.exit.cause.take();
        while let Some(mut cause) = next.and_then(|c| Arc::try_unwrap(c).ok()) {
            next = cause.exit.cause.take();
        }
    }
}
