//! Names: how actors are found that nobody has handed the address of.

use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::app::App;
use crate::registry::Registry;

/// The name of an actor of type `A` in the registry of its tree.
///
/// A constant, or made of a `String` at run time. A child is given one with
/// [`Child::named`](crate::Child::named), and found with [`Context::find`](crate::Context::find). An
/// actor may have several; a name has one owner. It belongs to the address: it stays over restarts,
/// and goes when the actor is not started again by itself. Any text will do that is not empty and has no
/// control characters in it, such as line breaks: another one is refused where it is used, with
/// [`NameError::Bad`].
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Log;
/// impl Actor for Log {}
/// impl Handler<&'static str> for Log {
///     fn handle(&mut self, line: &'static str, _: &mut Context<Self>) { println!("{line}") }
/// }
/// const LOG: Name<Log> = Name::new("log");
///
/// struct Door;
/// impl Actor for Door {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         cx.find(LOG, |_, log, _| log.send("the door is there")); // the start waits for it
///         Ok(())
///     }
/// }
/// # fn main() -> Result<(), StartError> {
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("house")
///     .child(Child::new("log", || Log).named(LOG))
///     .child(Child::new("door", || Door)))?;
/// sim.run_until_idle();
/// assert!(app.lookup(LOG).is_ok());
/// # Ok(())
/// # }
/// ```
pub struct Name<A> {
    text: Cow<'static, str>,
    /// The registry of another tree than that of the actor that uses it.
    pub(crate) registry: Option<Arc<Registry>>,
    actor: PhantomData<fn() -> A>,
}

impl<A> Name<A> {
    /// A name, as a constant.
    ///
    /// ```
    /// # use rotor_core::*;
    /// pub struct Mixer;
    /// impl Actor for Mixer {}
    /// /// What other modules need to find it: its type comes with the name.
    /// pub const MIXER: Name<Mixer> = Name::new("mixer");
    /// assert_eq!(MIXER.to_string(), "mixer");
    /// ```
    pub const fn new(text: &'static str) -> Self {
        Name {
            text: Cow::Borrowed(text),
            registry: None,
            actor: PhantomData,
        }
    }

    /// This name in another tree: actors use it as they use the names of their own.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # struct Log;
    /// # impl Actor for Log {}
    /// # struct Door;
    /// # impl Actor for Door {
    /// #     fn start(&mut self, _: &mut Context<Self>) -> Result { Ok(()) }
    /// # }
    /// const LOG: Name<Log> = Name::new("log");
    /// fn enter(house: &App, cx: &mut Context<Door>) {
    ///     cx.find(LOG.of(house), |_, _log, _| {});
    /// }
    /// ```
    pub fn of(mut self, tree: &App) -> Self {
        self.registry = Some(tree.shared.registry.clone());
        self
    }
}

impl<A: 'static> Name<A> {
    pub(crate) fn spec(self) -> NameSpec {
        NameSpec {
            text: self.text,
            registry: self.registry,
            actor: ActorType::of::<A>(),
        }
    }
}

/// A name that is made at run time.
impl<A> From<String> for Name<A> {
    fn from(text: String) -> Self {
        Name {
            text: Cow::Owned(text),
            registry: None,
            actor: PhantomData,
        }
    }
}

impl<A> Clone for Name<A> {
    fn clone(&self) -> Self {
        Name {
            text: self.text.clone(),
            registry: self.registry.clone(),
            actor: PhantomData,
        }
    }
}

impl<A> fmt::Debug for Name<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Name").field(&self.text).finish()
    }
}

impl<A> fmt::Display for Name<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The type of an actor: what is compared, and what is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActorType {
    id: TypeId,
    pub(crate) name: &'static str,
}

impl ActorType {
    pub(crate) fn of<A: 'static>() -> Self {
        ActorType {
            id: TypeId::of::<A>(),
            name: type_name::<A>(),
        }
    }
}

impl PartialEq for ActorType {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Whether a character would end the line that it is printed on, or do something else than be printed.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A text that is printed as it is, within one line: control characters are escaped.
pub(crate) fn on_one_line(text: Cow<'static, str>) -> Cow<'static, str> {
    if !text.contains(is_control) {
        return text;
    }
    let escape = |c: char| match is_control(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect::<String>().into()
}

/// A name without its type, as specs keep it.
#[derive(Clone)]
pub(crate) struct NameSpec {
    pub(crate) text: Cow<'static, str>,
    pub(crate) registry: Option<Arc<Registry>>,
    pub(crate) actor: ActorType,
}

impl NameSpec {
    /// Whether it can be a name at all.
    pub(crate) fn check(&self) -> Result<(), NameError> {
        if self.text.is_empty() || self.text.contains(is_control) {
            let name = self.text.clone();
            return Err(NameError::Bad { name });
        }
        Ok(())
    }
}

/// Why a name was not found, or could not be registered.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Log;
/// impl Actor for Log {}
/// struct Clock;
/// impl Actor for Clock {}
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("app")
///     .child(Child::new("log", || Log).named(Name::new("log"))))?;
/// sim.run_until_idle();
/// let missing = app.lookup(Name::<Log>::new("lgo"));
/// assert!(matches!(missing, Err(NameError::NotFound { .. })));
/// let wrong = app.lookup(Name::<Clock>::new("log")); // it is no clock
/// assert!(matches!(wrong, Err(NameError::WrongType { .. })));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Nobody has it now, or had it within the time limit.
    NotFound {
        /// The name.
        name: Cow<'static, str>,
    },
    /// It is empty, or has a line break or another control character in it.
    Bad {
        /// The name.
        name: Cow<'static, str>,
    },
    /// It belongs to another actor.
    Taken {
        /// The name.
        name: Cow<'static, str>,
        /// That actor's name in its spec; its path if the same spec of a tree declares both.
        owner: Cow<'static, str>,
    },
    /// Its owner is an actor of another type.
    WrongType {
        /// The name.
        name: Cow<'static, str>,
        /// The type that was asked for.
        wanted: &'static str,
        /// The type of its owner.
        registered: &'static str,
    },
    /// The actor that would register it is ending.
    Ending {
        /// The name.
        name: Cow<'static, str>,
    },
    /// The tree in which it was to be found or registered has ended.
    TreeEnded {
        /// The name.
        name: Cow<'static, str>,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::NotFound { name } => write!(
                f,
                "the name {name} cannot be found: no actor that runs has declared or registered it"
            ),
            NameError::Bad { name } => write!(
                f,
                "{name:?} is no name: it must not be empty, nor have a control character in it"
            ),
            NameError::Taken { name, owner } => {
                write!(
                    f,
                    "the name {name} belongs to {owner}: choose another one, or have a supervisor with \
                     `own_names` above one of the two"
                )
            }
            NameError::WrongType {
                name,
                wanted,
                registered,
            } => write!(
                f,
                "the actor of the name {name} is a {registered}, not a {wanted}: \
                 the `Name` has to be of its type"
            ),
            NameError::Ending { name } => {
                write!(
                    f,
                    "the name {name} was not registered: the actor that wants it is ending"
                )
            }
            NameError::TreeEnded { name } => write!(
                f,
                "the name {name} can neither be found nor registered: its tree has ended"
            ),
        }
    }
}

impl std::error::Error for NameError {}
