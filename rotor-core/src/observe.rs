//! What could not be delivered, and who ended: the observer that a program installs.

use std::fmt;

use crate::address::Address;
use crate::exit::Exit;

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(usize)]
pub enum Reason {
    /// The child was removed, or the address was never claimed by one.
    Gone,
    /// The actor is not running and will not be started again by itself.
    Stopped,
    /// A bound was reached.
    Full,
    /// The locality has ended, or is lost.
    Closed,
    /// A message that is not `Send` was sent from another thread.
    NotLocal,
    /// Nobody is subscribed to what was published.
    Unheard,
    /// The locality ended before any child claimed the reserved address.
    Unclaimed,
    /// A reply came after its time limit, or its asker is gone.
    Late,
}

impl Reason {
    pub(crate) const COUNT: usize = 8;
    pub(crate) const ALL: [Reason; Self::COUNT] = [
        Reason::Gone,
        Reason::Stopped,
        Reason::Full,
        Reason::Closed,
        Reason::NotLocal,
        Reason::Unheard,
        Reason::Unclaimed,
        Reason::Late,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Gone => "the actor was removed",
            Reason::Stopped => "the actor has stopped",
            Reason::Full => "its bound is reached",
            Reason::Closed => "its locality has ended",
            Reason::NotLocal => "its locality is pinned to another thread",
            Reason::Unheard => "nobody is subscribed",
            Reason::Unclaimed => "no child has claimed its address",
            Reason::Late => "the asker no longer waits",
        })
    }
}

/// A message that could not be delivered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Undeliverable {
    /// Type name of the message.
    pub message: &'static str,
    /// Where it was sent.
    pub to: Address,
    /// Why it did not arrive.
    pub reason: Reason,
}

/// Is told what would otherwise go unnoticed. Installed with
/// [`Supervisor::observer`](crate::Supervisor::observer) on the root of a tree.
///
/// Called on whichever thread notices, between messages. It must not block. A panic in it is
/// swallowed.
///
/// ```
/// use rotor_core::*;
/// use std::sync::Arc;
/// struct Complain;
/// impl Observer for Complain {
///     fn undelivered(&self, what: &Undeliverable) {
///         if what.reason != Reason::Unheard {
///             eprintln!("{} to {:?}: {}", what.message, what.to, what.reason);
///         }
///     }
///     fn exited(&self, _: Address, name: &str, exit: &Exit) {
///         if exit.is_abnormal() {
///             eprintln!("{name}: {exit}");
///         }
///     }
/// }
/// let tree = Supervisor::one_for_one("app").observer(Arc::new(Complain));
/// # let _ = tree;
/// ```
pub trait Observer: Send + Sync + 'static {
    /// A message could not be delivered.
    fn undelivered(&self, what: &Undeliverable) {
        let _ = what;
    }

    /// An actor's instance ended.
    fn exited(&self, who: Address, name: &str, exit: &Exit) {
        let _ = (who, name, exit);
    }
}
