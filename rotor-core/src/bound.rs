//! How much may wait for an actor, and what becomes of what is too much.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

/// How many messages may wait for an actor, and what becomes of what is too much.
///
/// Without one, any number may wait for an actor that runs (one that does not has its
/// [`capacity`](crate::Child::capacity)). A bound belongs to an address: one that was minted with
/// [`reserve_bounded`](crate::Locality::reserve_bounded), or that of a child whose spec has a
/// [`bound`](crate::Child::bound). Whoever sends to it, on whatever thread, the number is kept exactly:
/// of all that was sent and is not being handled yet, whether the actor runs or is restarted meanwhile.
/// Orders to stop and other supervision, timers, answers to the actor's own requests and what it is
/// subscribed to are not counted and not refused. A message that a [hook](crate::Hook) is asked about, or
/// keeps, is being handled: besides those that wait, there is at most one.
///
/// What is refused or dropped is counted by reason, [`Reason::Full`](crate::Reason::Full) or
/// [`Reason::Displaced`](crate::Reason::Displaced), and reported: the first one at once, then
/// ever more of them together, see [`Undeliverable::times`](crate::Undeliverable::times). That begins
/// anew whenever nothing waits any more: a flood is told in few reports, but who is too fast again and
/// again, and is caught up with each time, is told of each time.
/// [`try_send`](crate::Addr::try_send) hands back what is refused, and
/// [`send_within`](crate::Addr::send_within) waits for room.
///
/// A message for such an actor takes a lock, and is copied once more; one for any other
/// actor costs what it costs without bounds.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Disk(Vec<u32>);
/// impl Actor for Disk {}
/// impl Handler<u32> for Disk {
///     fn handle(&mut self, block: u32, _: &mut Context<Self>) { self.0.push(block) }
/// }
/// # let mut sim = Sim::new(1);
/// # let here = sim.locality("here");
/// let disk = here.reserve_bounded(Bound::reject(2));
/// sim.start(Supervisor::one_for_one("app").child(Child::new("disk", || Disk(Vec::new())).at(disk)))?;
/// sim.run_until_idle();
/// let refused: Vec<u32> = (0..5).filter_map(|n| disk.try_send(n).err()).map(|back| back.message).collect();
/// assert_eq!(refused, [2, 3, 4]);
/// sim.run_until_idle();
/// assert_eq!(sim.with(disk, |disk| disk.0.clone()), Some(vec![0, 1]));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone)]
pub struct Bound {
    pub(crate) messages: usize,
    pub(crate) overload: Overload,
    pub(crate) keys: Vec<(TypeId, Arc<KeyOf>)>,
    /// For each type of message, a [`Redirect`] of it.
    pub(crate) redirects: Vec<(TypeId, Arc<dyn Any + Send + Sync>)>,
}

/// What becomes of a message that is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overload {
    Reject,
    DropOldest,
    Fail,
}

/// The key of a message whose type is forgotten.
pub(crate) type KeyOf = dyn Fn(&dyn Any) -> Option<u64> + Send + Sync;

/// Where a message goes that is too much.
pub(crate) type Redirect<M> = Box<dyn Fn(M) + Send + Sync>;

/// What makes two messages the same to [`Bound::latest`].
pub(crate) type Key = (TypeId, u64);

impl Bound {
    fn new(messages: usize, overload: Overload) -> Self {
        Bound {
            messages: messages.max(1),
            overload,
            keys: Vec::new(),
            redirects: Vec::new(),
        }
    }

    /// At most so many wait; the newest one is refused. Zero counts as one.
    ///
    /// For senders that can do something else with it, or wait:
    /// ```
    /// use rotor_core::*;
    /// # struct Printer;
    /// # impl Actor for Printer {}
    /// # impl Handler<String> for Printer { fn handle(&mut self, _: String, _: &mut Context<Self>) {} }
    /// fn print(text: String, printers: [Addr<Printer>; 2]) -> Result<(), Undelivered<String>> {
    ///     let [first, second] = printers;
    ///     first.try_send(text).or_else(|back| second.try_send(back.message))
    /// }
    /// let here = Locality::new("here");
    /// let printers = [here.reserve_bounded(Bound::reject(1)), here.reserve_bounded(Bound::reject(1))];
    /// assert!(print("one".into(), printers).is_ok() && print("two".into(), printers).is_ok());
    /// assert_eq!(print("three".into(), printers).unwrap_err().reason, Reason::Full);
    /// ```
    pub fn reject(messages: usize) -> Self {
        Self::new(messages, Overload::Reject)
    }

    /// At most so many wait; the oldest one makes room for the newest: a `Normal` one before an
    /// `Urgent` one, and no `Urgent` one for a `Normal` one. Zero counts as one.
    ///
    /// For what is worth less the older it is:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Screen { last: u32, shown: u32 }
    /// impl Actor for Screen {}
    /// impl Handler<u32> for Screen {
    ///     fn handle(&mut self, frame: u32, _: &mut Context<Self>) {
    ///         (self.last, self.shown) = (frame, self.shown + 1);
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let ui = sim.locality("ui");
    /// let screen = ui.reserve_bounded(Bound::drop_oldest(2));
    /// let child = Child::new("screen", || Screen { last: 0, shown: 0 });
    /// sim.start(Supervisor::one_for_one("app").child(child.at(screen)))?;
    /// # sim.run_until_idle();
    /// (1..=100).for_each(|frame| screen.send(frame));
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(screen, |screen| (screen.last, screen.shown)), Some((100, 2)));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn drop_oldest(messages: usize) -> Self {
        Self::new(messages, Overload::DropOldest)
    }

    /// At most so many wait; one more is refused, and the actor ends with
    /// [`ExitReason::Overloaded`](crate::ExitReason::Overloaded): its supervisor decides. What waits is
    /// for the next instance. Zero counts as one.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Worker;
    /// impl Actor for Worker {}
    /// impl Handler<u32> for Worker { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let worker = here.reserve_bounded(Bound::fail(10));
    /// let child = Child::new("worker", || Worker).temporary().significant();
    /// let app = sim.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(child.at(worker)))?;
    /// # sim.run_until_idle();
    /// (0..10).for_each(|n| worker.send(n));
    /// sim.run_until_idle();
    /// assert!(app.tree().ended.is_none()); // it can keep up
    /// (0..11).for_each(|n| worker.send(n));
    /// sim.run_until_idle();
    /// assert!(app.tree().ended.is_some());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn fail(messages: usize) -> Self {
        Self::new(messages, Overload::Fail)
    }

    /// Keeps only the latest `M` of each key: it takes the place of the one that waits already, if there is one.
    ///
    /// Also while there is room for more. It is handled when the other one would have been. `key` is
    /// called by whoever sends, on that thread; a message for which it panics is as one without a key.
    /// A request whose place is taken fails with [`RequestError::Full`](crate::RequestError::Full).
    /// Unlike [`Throttle`](crate::Throttle), it delays nothing: what the actor has time for, it gets.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// #[derive(Clone, Copy, Debug, PartialEq)]
    /// struct Done { file: u64, percent: u8 }
    /// struct List(Vec<Done>);
    /// impl Actor for List {}
    /// impl Handler<Done> for List {
    ///     fn handle(&mut self, done: Done, _: &mut Context<Self>) { self.0.push(done) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("ui");
    /// let list = here.reserve_bounded(Bound::reject(1000).latest(|done: &Done| done.file));
    /// sim.start(Supervisor::one_for_one("app").child(Child::new("list", || List(Vec::new())).at(list)))?;
    /// # sim.run_until_idle();
    /// for percent in 0..=100 {
    ///     list.send(Done { file: 1, percent });
    ///     list.send(Done { file: 2, percent });
    /// }
    /// sim.run_until_idle();
    /// let last = [Done { file: 1, percent: 100 }, Done { file: 2, percent: 100 }];
    /// assert_eq!(sim.with(list, |list| list.0.clone()), Some(last.to_vec()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn latest<M: 'static>(mut self, key: impl Fn(&M) -> u64 + Send + Sync + 'static) -> Self {
        let of_any = move |message: &dyn Any| message.downcast_ref().map(&key);
        self.keys.push((TypeId::of::<M>(), Arc::new(of_any)));
        self
    }

    /// An `M` that would be refused is given to `f`, which may send it elsewhere, as it is or as
    /// something else.
    ///
    /// `f` is called by whoever sends, on that thread, and what it is given counts as sent: the sender
    /// is told nothing, and [`fail`](Self::fail) does not fail the actor. It may send to another
    /// address with a bound of this kind, and so on, eight times: beyond that a message is refused,
    /// which ends a circle. If `f` panics, the message counts as refused. A request that `f` drops, or
    /// loses by a panic, fails with [`RequestError::Dropped`](crate::RequestError::Dropped). Who waits for room with
    /// [`send_within`](crate::Addr::send_within) goes on waiting; what the bound of a whole
    /// locality refuses is refused.
    ///
    /// The second worker gets what is too much for the first, and what is too much for both is only
    /// counted:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering::Relaxed}};
    /// struct Worker(u32);
    /// impl Actor for Worker {}
    /// impl Handler<u32> for Worker {
    ///     fn handle(&mut self, _: u32, _: &mut Context<Self>) { self.0 += 1 }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let given_up = Arc::new(AtomicU32::new(0));
    /// let count = given_up.clone();
    /// let last = Bound::reject(2).redirect(move |_: u32| { count.fetch_add(1, Relaxed); });
    /// let second = here.reserve_bounded::<Worker>(last);
    /// let first = here.reserve_bounded(Bound::reject(2).redirect(move |n: u32| second.send(n)));
    /// sim.start(Supervisor::one_for_one("app")
    ///     .child(Child::new("first", || Worker(0)).at(first))
    ///     .child(Child::new("second", || Worker(0)).at(second)))?;
    /// # sim.run_until_idle();
    /// (0..10).for_each(|n| first.send(n));
    /// sim.run_until_idle();
    /// assert_eq!([first, second].map(|worker| sim.with(worker, |worker| worker.0)), [Some(2); 2]);
    /// assert_eq!(given_up.load(Relaxed), 6);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn redirect<M: 'static>(mut self, f: impl Fn(M) + Send + Sync + 'static) -> Self {
        let redirect: Redirect<M> = Box::new(f);
        self.redirects.push((TypeId::of::<M>(), Arc::new(redirect)));
        self
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("messages", &self.messages)
            .field("overload", &self.overload)
            .finish_non_exhaustive()
    }
}
