//! What could not be delivered, and who ended: the observer that a program installs.

use std::fmt;
use std::sync::{Arc, Mutex};

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
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Undeliverable {
    /// Type name of the message.
    pub message: &'static str,
    /// Who sent it: the actor whose code did, in a tree whose observer
    /// [wants to know](Observer::wants_sender). None if no actor did, or one of a
    /// locality whose observer does not want to know.
    pub from: Option<Address>,
    /// Where it was sent.
    pub to: Address,
    /// Why it did not arrive.
    pub reason: Reason,
}

/// What was undelivered, for a simulation that takes it for a failure.
pub(crate) type Losses = Arc<Mutex<Vec<Undeliverable>>>;

/// Is told what would otherwise go unnoticed, and of every start and end. Installed with
/// [`Supervisor::observer`](crate::Supervisor::observer) on the root of a tree.
///
/// Called on whichever thread notices, between messages, in the order in which things happen: a
/// supervisor's start comes after all that happened in it, its end after those of its children. It
/// must not block. A panic in it is swallowed.
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
///     fn unlinked(&self, service: Address, client: Address) {
///         eprintln!("{service:?} does not wait any longer for {client:?}");
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

    /// Whether [`Undeliverable::from`] is to be recorded. Asked when the tree starts; no by default.
    ///
    /// Then each message of the tree's actors carries three words more and takes a longer way.
    /// Otherwise nothing is paid for it.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Losses(Mutex<Vec<(Option<Address>, Address)>>);
    /// impl Observer for Losses {
    ///     fn wants_sender(&self) -> bool {
    ///         true
    ///     }
    ///     fn undelivered(&self, what: &Undeliverable) {
    ///         self.0.lock().unwrap().push((what.from, what.to));
    ///     }
    /// }
    /// struct Caller(Topic<u32>);
    /// impl Actor for Caller {
    ///     fn start(&mut self, _: &mut Context<Self>) -> Result {
    ///         self.0.publish(7); // nobody listens
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let (mut sim, losses) = (Sim::new(1), Arc::new(Losses::default()));
    /// let here = sim.locality("here");
    /// let (caller, topic) = (here.reserve(), here.topic());
    /// sim.start(Supervisor::one_for_one("app").observer(losses.clone())
    ///     .child(Child::new("caller", move || Caller(topic)).at(caller)))?;
    /// sim.run_until_idle();
    /// let seen = losses.0.lock().unwrap().clone();
    /// assert_eq!(seen, [(Some(caller.address()), topic.address())]);
    /// # Ok(())
    /// # }
    /// ```
    fn wants_sender(&self) -> bool {
        false
    }

    /// Whether [`TreeNode::handled`](crate::TreeNode::handled) is to be counted. Asked when the tree
    /// starts; no by default.
    ///
    /// Then each message for an actor of the tree takes a longer way. Otherwise nothing is paid for
    /// it. Of actors that ran on one of its localities before, as parts of another tree, the
    /// messages are counted from their next start on.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use std::sync::Arc;
    /// struct Counting;
    /// impl Observer for Counting {
    ///     fn wants_counts(&self) -> bool {
    ///         true
    ///     }
    /// }
    /// struct Sink;
    /// impl Actor for Sink {}
    /// impl Handler<u32> for Sink { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let sink = sim.locality("here").reserve();
    /// let tree = Supervisor::one_for_one("app").observer(Arc::new(Counting));
    /// let app = sim.start(tree.child(Child::new("sink", || Sink).at(sink)))?;
    /// (0..3).for_each(|n| sink.send(n));
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().nodes[1].handled, Some(3));
    /// # Ok(())
    /// # }
    /// ```
    fn wants_counts(&self) -> bool {
        false
    }

    /// An actor is operational: this instance of it, by a number that no other one has.
    fn started(&self, who: Address, name: &str, instance: u64) {
        let _ = (who, name, instance);
    }

    /// An actor could not start.
    fn start_failed(&self, who: Address, name: &str, exit: &Exit) {
        let _ = (who, name, exit);
    }

    /// An actor's factory made no instance, which is no error.
    fn start_ignored(&self, who: Address, name: &str) {
        let _ = (who, name);
    }

    /// A supervisor gave up: the restart of this child is one too many. It comes before the ends of
    /// the other children.
    fn gave_up(&self, who: Address, name: &str, child: Address, child_name: &str) {
        let _ = (who, name, child, child_name);
    }

    /// A supervisor ends because of the end of this child, which it does not restart. It comes before
    /// the ends of the other children.
    fn escalated(&self, who: Address, name: &str, child: Address, child_name: &str) {
        let _ = (who, name, child, child_name);
    }

    /// A supervisor shuts down by itself, because of its significant children. It comes before the
    /// ends of the other children.
    fn auto_shutdown(&self, who: Address, name: &str) {
        let _ = (who, name);
    }

    /// A name of an actor can be found from now on: for the first time, or again after it could not.
    fn registered(&self, who: Address, name: &str) {
        let _ = (who, name);
    }

    /// A client is linked to a service, which is operational.
    fn linked(&self, client: Address, service: Address) {
        let _ = (client, service);
    }

    /// A service ends although a client has not left it in time.
    fn unlinked(&self, service: Address, client: Address) {
        let _ = (service, client);
    }

    /// An actor's instance ended.
    fn exited(&self, who: Address, name: &str, exit: &Exit) {
        let _ = (who, name, exit);
    }
}
