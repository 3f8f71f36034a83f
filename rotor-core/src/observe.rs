//! What could not be delivered, and who ended: the observer that a program installs.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::address::Address;
use crate::exit::Exit;
use crate::here::with_local;
use crate::late::Late;
use crate::states::Lifecycle;

/// Why a message was not delivered.
///
/// ```
/// use rotor_core::*;
/// /// Whether the same message may be sent again, a little later.
/// fn is_passing(reason: Reason) -> bool {
///     matches!(reason, Reason::Full)
/// }
/// assert!(!is_passing(Reason::Gone));
/// assert_eq!(Reason::Full.to_string(), "as many wait for it as may");
/// ```
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
    /// The locality has ended, or is lost: of a lost one also for an address that no child had claimed.
    Closed,
    /// A message that is not `Send` was sent from another thread.
    NotLocal,
    /// Nobody is subscribed to what was published.
    Unheard,
    /// The locality ended, in order, before any child claimed the reserved address.
    Unclaimed,
    /// A reply came after its time limit, or its asker was started again since. Of one for a future, or for an
    /// asker that is down, nobody is told.
    Late,
    /// A [hook](crate::Hook) did not let it through.
    Refused,
    /// A newer message has taken its place, as its [`Bound`](crate::Bound) says.
    Displaced,
    /// It was published, and its `Clone` has panicked: those who were still to get it do not.
    Uncloned,
}

impl Reason {
    pub(crate) const COUNT: usize = 11;
    pub(crate) const ALL: [Reason; Self::COUNT] = [
        Reason::Gone,
        Reason::Stopped,
        Reason::Full,
        Reason::Closed,
        Reason::NotLocal,
        Reason::Unheard,
        Reason::Unclaimed,
        Reason::Late,
        Reason::Refused,
        Reason::Displaced,
        Reason::Uncloned,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Gone => "the actor was removed",
            Reason::Stopped => "the actor has stopped",
            Reason::Full => "as many wait for it as may",
            Reason::Closed => "its locality has ended, or is lost",
            Reason::NotLocal => "its locality is pinned to another thread",
            Reason::Unheard => "nobody is subscribed",
            Reason::Unclaimed => "no child has claimed its address",
            Reason::Late => "the asker no longer waits",
            Reason::Refused => "a hook has refused it",
            Reason::Displaced => "a newer one has taken its place",
            Reason::Uncloned => "its clone has panicked",
        })
    }
}

/// A message that could not be delivered. It prints as one line.
///
/// ```
/// # use rotor_core::*;
/// struct Log;
/// impl Observer for Log {
///     fn undelivered(&self, what: &Undeliverable) {
///         // undelivered (as many wait for it as may): usize to view, 1.0.1 on ui
///         eprintln!("{what}");
///     }
/// }
/// # let _ = Supervisor::one_for_one("app").observer(std::sync::Arc::new(Log));
/// ```
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
    /// How many messages this tells of: more than one if a [`Bound`](crate::Bound) refuses or drops
    /// many of them, or that of a [locality](crate::Locality::set_bound) or of what is
    /// [parked](crate::Child::capacity), or if a published one does not come to many. The other fields are then
    /// those of the last one.
    pub times: u64,
}

impl Undeliverable {
    /// A report of one message.
    pub(crate) fn one(
        message: &'static str,
        from: Option<Address>,
        to: Address,
        reason: Reason,
    ) -> Self {
        Undeliverable {
            message,
            from,
            to,
            reason,
            times: 1,
        }
    }
}

/// The reason, the type, to whom and from whom, and how many, if there are more than one. Actors have
/// their names where their locality is one of this thread; else their addresses alone.
impl fmt::Display for Undeliverable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (message, reason) = (self.message, self.reason);
        write!(f, "undelivered ({reason}): {message} to {}", place(self.to))?;
        if let Some(from) = self.from {
            write!(f, " from {}", place(from))?;
        }
        match self.times {
            1 => Ok(()),
            times => write!(f, " ({times} times)"),
        }
    }
}

/// An actor for people, with its name if its locality is one of this thread.
fn place(at: Address) -> String {
    let locality = at.gate().name();
    match with_local(at.gate(), |local| local.and_then(|local| local.name_at(at))) {
        Some(name) => format!("{name}, {at:?} on {locality}"),
        None => format!("{at:?} on {locality}"),
    }
}

/// What was undelivered, for a simulation that takes it for a failure.
pub(crate) type Losses = Arc<Mutex<Vec<Undeliverable>>>;

/// Is told what would otherwise go unnoticed, and of every start and end. Installed with
/// [`Supervisor::observer`](crate::Supervisor::observer) on the root of a tree.
///
/// Called on whichever thread notices, between messages, in the order in which things happen: a
/// supervisor's start comes after all that happened in it, its end after those of its children. But who
/// is removed by force, such as a root whose limit has passed, or is lost with its loop, does not wait for
/// what lives below it on other loops: those ends are told when each of those loops comes to it. It must not
/// block. A panic in it is swallowed.
///
/// Without one, a debug build prints a line on stderr when a message is undelivered for a reason that is
/// new to its locality, and all are counted in [`LocalityPicture::undelivered`](crate::LocalityPicture):
/// `rotor: undelivered (the asker no longer waits): usize to view, 1.0.1 on ui; later ones are counted
/// only`. That is the reason, the type, the actor's name where it is known, its address as it prints,
/// and its locality.
///
/// ```
/// use rotor_core::*;
/// use std::sync::Arc;
/// struct Complain;
/// impl Observer for Complain {
///     fn undelivered(&self, what: &Undeliverable) {
///         if what.reason != Reason::Unheard {
///             eprintln!("{what}");
///         }
///     }
///     fn unlinked(&self, service: Address, client: Address) {
///         eprintln!("{service:?} does not wait any longer for {client:?}");
///     }
///     fn start_failed(&self, _: Address, name: &str, exit: &Exit) {
///         eprintln!("{name} failed to start: {exit}"); // it has never run
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
    /// A message could not be delivered, or several: see [`Undeliverable::times`].
    ///
    /// What is lost on the same thread while this runs is counted, and nobody is told of it; and so is what is
    /// still sent after some rounds of a locality's end. No report has it among its
    /// [`times`](Undeliverable::times).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Lost(Mutex<Vec<Reason>>);
    /// impl Observer for Lost {
    ///     fn undelivered(&self, what: &Undeliverable) {
    ///         self.0.lock().unwrap().push(what.reason);
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let news = sim.locality("here").topic::<&'static str>();
    /// let lost = Arc::new(Lost::default());
    /// sim.start(Supervisor::one_for_one("app").observer(lost.clone()))?;
    /// # sim.run_until_idle();
    /// news.publish("is anybody there?");
    /// sim.run_until_idle();
    /// assert_eq!(*lost.0.lock().unwrap(), [Reason::Unheard]);
    /// # Ok::<_, StartError>(())
    /// ```
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

    /// Whether [`TreeNode::handled`](crate::TreeNode::handled) is to be counted, and
    /// [`Late::handling`] to be noted. Asked when the tree starts; no by default.
    ///
    /// Then each message for an actor of the tree takes a longer way, with a look at the clock. Otherwise
    /// nothing is paid for it. Of actors that ran on one of its localities before, as parts of another tree,
    /// the messages are counted from their next start on.
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

    /// An actor has come to this point of its life, also between the others that are told: it begins to
    /// start, is initialized, operational, begins to stop, is down or waits for its next instance, or
    /// is gone.
    ///
    /// The points of one instance come in this order; not each of them comes.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// # struct Part;
    /// # impl Actor for Part {}
    /// #[derive(Default)]
    /// struct Lives(Mutex<Vec<(String, Lifecycle)>>);
    /// impl Observer for Lives {
    ///     fn changed(&self, _: Address, name: &str, state: Lifecycle) {
    ///         self.0.lock().unwrap().push((name.to_owned(), state));
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let part = sim.locality("here").reserve();
    /// let lives = Arc::new(Lives::default());
    /// sim.start(Supervisor::one_for_one("app").observer(lives.clone())
    ///     .child(Child::new("part", || Part).at(part).transient()))?;
    /// sim.run_until_idle();
    /// part.stop();
    /// sim.run_until_idle();
    /// let mut seen = lives.0.lock().unwrap().clone();
    /// seen.retain(|(name, _)| name == "part");
    /// let states: Vec<_> = seen.into_iter().map(|(_, state)| state).collect();
    /// use Lifecycle::*;
    /// assert_eq!(states, [Starting, Running, Stopping, Down]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn changed(&self, who: Address, name: &str, state: Lifecycle) {
        let _ = (who, name, state);
    }

    /// An actor begins to start again, for the nth time since it has its address, and its loop was last
    /// opened. Starts that come to nothing count as well, and those after a restart of its supervisor. What
    /// comes of it is told next.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// #[derive(Default)]
    /// struct Again(Mutex<Vec<String>>);
    /// impl Observer for Again {
    ///     fn restarted(&self, _: Address, name: &str, nth: u32) {
    ///         self.0.lock().unwrap().push(format!("{name}, restart {nth}"));
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let worker = sim.locality("here").reserve();
    /// let again = Arc::new(Again::default());
    /// sim.start(Supervisor::one_for_one("app").observer(again.clone())
    ///     .intensity(2, std::time::Duration::MAX)
    ///     .child(Child::new("worker", || Worker).at(worker)))?;
    /// for _ in 0..2 {
    ///     sim.run_until_idle();
    ///     worker.address().kill();
    /// }
    /// sim.run_until_idle();
    /// assert_eq!(*again.0.lock().unwrap(), ["worker, restart 1", "worker, restart 2"]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn restarted(&self, who: Address, name: &str, nth: u32) {
        let _ = (who, name, nth);
    }

    /// An actor is operational: this instance of it, by a number that no other one at its address has, also
    /// after the loss of a loop.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// # struct Part;
    /// # impl Actor for Part {}
    /// #[derive(Default)]
    /// struct Order(Mutex<Vec<String>>);
    /// impl Observer for Order {
    ///     fn started(&self, _: Address, name: &str, _: u64) {
    ///         self.0.lock().unwrap().push(name.to_owned());
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let order = Arc::new(Order::default());
    /// sim.start(Supervisor::one_for_one("app").observer(order.clone())
    ///     .child(Child::new("first", || Part)).child(Child::new("second", || Part)))?;
    /// sim.run_until_idle();
    /// assert_eq!(*order.0.lock().unwrap(), ["first", "second", "app"]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn started(&self, who: Address, name: &str, instance: u64) {
        let _ = (who, name, instance);
    }

    /// An actor could not be made, or its start failed.
    ///
    /// A start that overran its limit was begun: it is told of as [`late`](Self::late), then as
    /// [`exited`](Self::exited).
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Failed(Mutex<Vec<String>>);
    /// impl Observer for Failed {
    ///     fn start_failed(&self, _: Address, name: &str, exit: &Exit) {
    ///         self.0.lock().unwrap().push(format!("{name}: {exit}"));
    ///     }
    /// }
    /// # struct Port;
    /// # impl Actor for Port {}
    /// let failed = Arc::new(Failed::default());
    /// let port = Child::new("port", || Err::<Port, _>(Error::message("it is taken")));
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").observer(failed.clone()).child(port))?;
    /// assert_eq!(failed.0.lock().unwrap()[0], "port: failed: it is taken");
    /// # Ok::<_, StartError>(())
    /// ```
    fn start_failed(&self, who: Address, name: &str, exit: &Exit) {
        let _ = (who, name, exit);
    }

    /// An actor's factory made no instance, which is no error.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Absent(Mutex<Vec<String>>);
    /// impl Observer for Absent {
    ///     fn start_ignored(&self, _: Address, name: &str) {
    ///         self.0.lock().unwrap().push(name.to_owned());
    ///     }
    /// }
    /// # struct Gpu;
    /// # impl Actor for Gpu {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let absent = Arc::new(Absent::default());
    /// sim.start(Supervisor::one_for_one("app").observer(absent.clone())
    ///     .child(Child::new("gpu", || None::<Gpu>)))?; // this machine has none
    /// sim.run_until_idle();
    /// assert_eq!(*absent.0.lock().unwrap(), ["gpu"]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn start_ignored(&self, who: Address, name: &str) {
        let _ = (who, name);
    }

    /// A supervisor gave up: the restart of this child is one too many. It comes before the ends of
    /// the other children.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Blame(Mutex<Vec<String>>);
    /// impl Observer for Blame {
    ///     fn gave_up(&self, _: Address, name: &str, _: Address, child: &str) {
    ///         self.0.lock().unwrap().push(format!("{name} because of {child}"));
    ///     }
    /// }
    /// # struct Bad;
    /// # impl Actor for Bad {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.addr().send(()); Ok(()) }
    /// # }
    /// # impl Handler<()> for Bad {
    /// #     fn handle(&mut self, _: (), cx: &mut Context<Self>) { cx.fail(Error::message("bad")) }
    /// # }
    /// let blame = Arc::new(Blame::default());
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").observer(blame.clone())
    ///     .child(Child::new("bad", || Bad)))?; // fails whenever it is started
    /// assert_eq!(*blame.0.lock().unwrap(), ["app because of bad"]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn gave_up(&self, who: Address, name: &str, child: Address, child_name: &str) {
        let _ = (who, name, child, child_name);
    }

    /// A supervisor ends because of the end of this child, which it does not restart. It comes before
    /// the ends of the other children.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Blame(Mutex<Vec<String>>);
    /// impl Observer for Blame {
    ///     fn escalated(&self, _: Address, name: &str, _: Address, child: &str) {
    ///         self.0.lock().unwrap().push(format!("{name} because of {child}"));
    ///     }
    /// }
    /// # struct Key;
    /// # impl Actor for Key {}
    /// # let mut sim = Sim::new(1);
    /// # let key = sim.locality("here").reserve();
    /// let blame = Arc::new(Blame::default());
    /// sim.start(Supervisor::one_for_one("vault").observer(blame.clone())
    ///     .child(Child::new("key", || Key).at(key).escalating()))?;
    /// # sim.run_until_idle();
    /// key.address().kill();
    /// sim.run_until_idle();
    /// assert_eq!(*blame.0.lock().unwrap(), ["vault because of key"]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn escalated(&self, who: Address, name: &str, child: Address, child_name: &str) {
        let _ = (who, name, child, child_name);
    }

    /// A supervisor shuts down by itself, because of its significant children. It comes before the
    /// ends of the other children.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Ends(Mutex<Vec<String>>);
    /// impl Observer for Ends {
    ///     fn auto_shutdown(&self, _: Address, name: &str) {
    ///         self.0.lock().unwrap().push(name.to_owned());
    ///     }
    /// }
    /// # struct Job;
    /// # impl Actor for Job {}
    /// # let mut sim = Sim::new(1);
    /// # let job = sim.locality("here").reserve();
    /// let ends = Arc::new(Ends::default());
    /// sim.start(Supervisor::one_for_one("app").observer(ends.clone()).auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("job", || Job).at(job).transient().significant()))?;
    /// # sim.run_until_idle();
    /// job.stop();
    /// sim.run_until_idle();
    /// assert_eq!(*ends.0.lock().unwrap(), ["app"]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn auto_shutdown(&self, who: Address, name: &str) {
        let _ = (who, name);
    }

    /// A name of an actor can be found from now on: for the first time, or again after it could not.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Names(Mutex<Vec<String>>);
    /// impl Observer for Names {
    ///     fn registered(&self, _: Address, name: &str) {
    ///         self.0.lock().unwrap().push(name.to_owned());
    ///     }
    /// }
    /// # struct Store;
    /// # impl Actor for Store {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let names = Arc::new(Names::default());
    /// sim.start(Supervisor::one_for_one("app").observer(names.clone())
    ///     .child(Child::new("store", || Store).named(Name::new("the store"))))?;
    /// sim.run_until_idle();
    /// assert_eq!(*names.0.lock().unwrap(), ["the store"]); // now others find it
    /// # Ok::<_, StartError>(())
    /// ```
    fn registered(&self, who: Address, name: &str) {
        let _ = (who, name);
    }

    /// A client is linked to a service, which is operational.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Needs(Mutex<Vec<(Address, Address)>>);
    /// impl Observer for Needs {
    ///     fn linked(&self, client: Address, service: Address) {
    ///         self.0.lock().unwrap().push((client, service));
    ///     }
    /// }
    /// # struct Disk;
    /// # impl Actor for Disk {}
    /// # struct Editor;
    /// # impl Actor for Editor {}
    /// const DISK: Name<Disk> = Name::new("disk");
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (disk, editor) = (here.reserve(), here.reserve());
    /// let needs = Arc::new(Needs::default());
    /// sim.start(Supervisor::rest_for_one("app").observer(needs.clone())
    ///     .child(Child::new("disk", || Disk).at(disk).named(DISK))
    ///     .child(Child::new("editor", || Editor).at(editor).needs(DISK)))?;
    /// sim.run_until_idle();
    /// assert_eq!(*needs.0.lock().unwrap(), [(editor.address(), disk.address())]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn linked(&self, client: Address, service: Address) {
        let _ = (client, service);
    }

    /// A service ends although a client has not left it in time.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::{sync::{Arc, Mutex}, time::Duration};
    /// #[derive(Default)]
    /// struct Slow(Mutex<Vec<Address>>);
    /// impl Observer for Slow {
    ///     fn unlinked(&self, _: Address, client: Address) {
    ///         self.0.lock().unwrap().push(client);
    ///     }
    /// }
    /// # struct Disk;
    /// # impl Actor for Disk {}
    /// struct Editor { disk: Addr<Disk>, asked: Vec<Unlink> }
    /// impl Actor for Editor {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.link_with(self.disk.address()); Ok(()) }
    /// }
    /// impl Handler<Unlink> for Editor {
    ///     fn handle(&mut self, asked: Unlink, _: &mut Context<Self>) { self.asked.push(asked) } // and stays
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (disk, editor) = (here.reserve(), here.reserve());
    /// # let slow = Arc::new(Slow::default());
    /// # sim.start(Supervisor::one_for_one("app").observer(slow.clone())
    /// #     .child(Child::new("disk", || Disk).at(disk).transient())
    /// #     .child(Child::new("editor", move || Editor { disk, asked: Vec::new() }).at(editor)))?;
    /// # sim.run_until_idle();
    /// disk.stop();
    /// sim.run_for(Duration::from_secs(3)); // more than half of its stop limit of 5 s
    /// assert_eq!(*slow.0.lock().unwrap(), [editor.address()]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn unlinked(&self, service: Address, client: Address) {
        let _ = (service, client);
    }

    /// The start or the stop of an actor has overrun its limit, or that of an actor above it: it is
    /// removed by force now. Told of the one whose limit it was, and of those below it that it waits
    /// for.
    ///
    /// A handler that never returns cannot be ended: its supervisor goes on, on its own thread, and
    /// the actor is gone when the handler has returned. Of such a one, and of any other on a loop
    /// that does not turn, the supervisor's locality tells what can be seen from there:
    /// [`Late::unseen`]. On the same loop nobody is left to tell.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Complain;
    /// impl Observer for Complain {
    ///     fn late(&self, late: &Late) {
    ///         eprintln!("{late}"); // such as `app/disk: stop took longer than 5s; stopping; held by flush`
    ///     }
    /// }
    /// let tree = Supervisor::one_for_one("app").observer(std::sync::Arc::new(Complain));
    /// # let _ = tree;
    /// ```
    fn late(&self, late: &Late) {
        let _ = late;
    }

    /// An actor's instance ended.
    ///
    /// Of one that has overrun a limit it says `killed`, as it was removed by force: why has been told by
    /// [`late`](Self::late).
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Default)]
    /// struct Crashes(Mutex<Vec<String>>);
    /// impl Observer for Crashes {
    ///     fn exited(&self, _: Address, name: &str, exit: &Exit) {
    ///         if exit.is_abnormal() {
    ///             self.0.lock().unwrap().push(format!("{name}: {exit}"));
    ///         }
    ///     }
    /// }
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// # let mut sim = Sim::new(1);
    /// # let worker = sim.locality("here").reserve();
    /// let crashes = Arc::new(Crashes::default());
    /// sim.start(Supervisor::one_for_one("app").observer(crashes.clone())
    ///     .child(Child::new("worker", || Worker).at(worker)))?;
    /// # sim.run_until_idle();
    /// worker.address().kill();
    /// sim.run_until_idle();
    /// assert_eq!(*crashes.0.lock().unwrap(), ["worker: killed"]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn exited(&self, who: Address, name: &str, exit: &Exit) {
        let _ = (who, name, exit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Sim;
    use crate::{Actor, Child, Supervisor};

    #[test]
    fn what_is_undelivered_names_the_actor_where_it_is_known() {
        struct View;
        impl Actor for View {}
        let mut sim = Sim::new(1);
        let view = sim.locality("ui").reserve();
        let address = view.address();
        let what = Undeliverable::one("usize", None, address, Reason::Late);
        let of = |who: &str| {
            format!("undelivered (the asker no longer waits): usize to {who}{address:?} on ui")
        };
        assert_eq!(what.to_string(), of(""));
        let child = Child::new("view", || View).at(view);
        sim.start(Supervisor::one_for_one("app").child(child))
            .unwrap();
        sim.run_until_idle();
        assert_eq!(what.to_string(), of("view, "));
        let elsewhere = std::thread::spawn(move || what.to_string()).join().unwrap();
        assert_eq!(elsewhere, of(""));
        let many = Undeliverable {
            from: Some(address),
            times: 8,
            ..what
        };
        let from = format!(" from view, {address:?} on ui (8 times)");
        assert_eq!(many.to_string(), of("view, ") + &from);
    }
}
