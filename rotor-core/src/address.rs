//! Addresses: 16 bytes that name a slot of a locality.

#![expect(unsafe_code)]

use std::any::TypeId;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::time::Duration;

use crate::actor::{Actor, TryHandler};
use crate::admin::AdminRequest;
use crate::bound::Bound;
use crate::chunk::Records;
use crate::exit::Exit;
use crate::gate::{BOUNDED, Gate, GateRef};
use crate::here::{self, HERE, with_local, with_reachable};
use crate::lane::NORMAL;
use crate::locality::{Control, Local};
use crate::message::{
    Boxed, Command, Header, Inline, Kind, LOCALITY, Mapped, Record, Request, Stored, Typed,
    in_registers, is_inline,
};
use crate::observe::Reason;
use crate::recipient::Recipient;
use crate::request::{Ask, Asking, RequestError, ask_blocking};
use crate::room;
use crate::sending::Sending;
use crate::signed;
use crate::states::Lifecycle;
use crate::topic::Topic;

/// A handle that names an actor's slot and its locality.
///
/// It is `Copy`, 16 bytes, and keeps nothing alive. It stays valid when the actor is restarted, and
/// ends when the child is removed from its supervisor; it is never given to another actor. An
/// `Address` can be compared, hashed, stored, watched, stopped and published to; messages are sent
/// through [`Addr`] and [`Recipient`]. Order and hash do not differ from run to run.
///
/// ```
/// use rotor_core::*;
/// use std::collections::HashMap;
/// struct Guest;
/// impl Actor for Guest {}
/// struct Room;
/// impl Actor for Room {}
/// let here = Locality::new("here");
/// let (guest, room) = (here.reserve::<Guest>(), here.reserve::<Room>());
/// // What is known of actors, whatever their types are.
/// let mut seen: HashMap<Address, &str> = HashMap::new();
/// seen.insert(guest.address(), "Ada");
/// seen.insert(room.address(), "the kitchen");
/// assert_eq!(seen[&Address::from(guest)], "Ada");
/// ```
#[derive(Clone, Copy)]
pub struct Address {
    at: GateRef,
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl Address {
    #[inline]
    pub(crate) fn new(gate: &'static Gate, slot: u32, generation: u32) -> Address {
        Address {
            at: GateRef::new(gate, generation),
            slot,
            generation,
        }
    }

    #[inline]
    pub(crate) fn gate(self) -> &'static Gate {
        self.at.get()
    }

    /// Asks the actor to stop, ahead of every queued message, with reason [`Exit::shutdown`].
    ///
    /// Never blocks. Its supervisor decides what follows: a permanent child is started again.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Worker;
    /// impl Actor for Worker {}
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let (once, always) = (here.reserve(), here.reserve());
    /// # sim.start(Supervisor::one_for_one("app")
    ///     .child(Child::new("once", || Worker).at(once).transient())
    ///     .child(Child::new("always", || Worker).at(always)) // permanent
    /// # )?;
    /// # sim.run_until_idle();
    /// once.address().stop();
    /// always.address().stop();
    /// sim.run_until_idle();
    /// assert_eq!(once.address().state(), Lifecycle::Down);
    /// assert_eq!(always.address().state(), Lifecycle::Running); // the next instance
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn stop(self) {
        // Very many may be told at a time: whoever is on the same locality is by a short record.
        if here::runs(self.gate()) {
            let here = Address::new(self.gate(), LOCALITY, 0);
            let (slot, generation) = (self.slot, self.generation);
            return StopHere { slot, generation }.push(here);
        }
        self.stop_with(Exit::shutdown());
    }

    /// Asks the actor to stop with this reason, ahead of every queued message.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Session { log: Recipient<String> }
    /// impl Actor for Session {
    ///     fn stop(&mut self, reason: &Exit, _: &mut Context<Self>) {
    ///         self.log.send(reason.to_string());
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let session = sim.locality("here").reserve();
    /// # let probe = sim.probe();
    /// # let log = probe.recipient();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("session", move || Session { log }).at(session).transient()))?;
    /// # sim.run_until_idle();
    /// session.address().stop_with(Exit::shutdown_with("idle for too long"));
    /// sim.run_until_idle();
    /// assert_eq!(probe.take(), ["shutdown: idle for too long"]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn stop_with(self, exit: Exit) {
        self.post(Control::StopSelf { to: self, exit });
    }

    /// Removes the actor's instance by force: no stop hook, the reason is
    /// [`ExitReason::Killed`](crate::ExitReason::Killed).
    ///
    /// A handler that is running finishes first: no other thread can end it.
    ///
    /// How a test has an instance vanish, whatever it would do about it:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Cache(Vec<u32>);
    /// impl Actor for Cache {
    ///     fn stop(&mut self, _: &Exit, _: &mut Context<Self>) { unreachable!("it is not asked") }
    /// }
    /// impl Handler<u32> for Cache {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.0.push(n) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let cache = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("cache", || Cache(Vec::new())).at(cache)))?;
    /// cache.send(7);
    /// sim.run_until_idle();
    /// cache.address().kill();
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(cache, |cache| cache.0.len()), Some(0)); // a new one, at the same address
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn kill(self) {
        self.post(Control::KillSelf { to: self });
    }

    /// Has a supervisor keep what comes to it, in order: exits of its children, administrative
    /// requests and retries of failed restarts, until [`resume`](Self::resume).
    ///
    /// For tests, in which things must happen at the same time. Its children run on; an order to
    /// stop ends the suspension. Any thread; nothing happens to one that does not run.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Worker;
    /// impl Actor for Worker {}
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let (a, b) = (here.reserve(), here.reserve());
    /// let app = sim.start(Supervisor::one_for_all("app")
    ///     .child(Child::new("a", || Worker).at(a)).child(Child::new("b", || Worker).at(b)))?;
    /// sim.run_until_idle();
    /// app.root().suspend();
    /// a.address().kill();
    /// b.address().kill();
    /// sim.run_until_idle();
    /// assert_eq!(a.address().state(), Lifecycle::Waiting); // nobody restarts it yet
    /// app.root().resume(); // now both exits are there
    /// sim.run_until_idle();
    /// assert!(app.tree().nodes[1..].iter().all(|child| child.instances == 2));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn suspend(self) {
        self.post(Control::Suspend { to: self, on: true });
    }

    /// Has a supervisor that was [suspended](Self::suspend) go on.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// # let mut sim = Sim::new(1);
    /// # let worker = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("worker", || Worker).at(worker)))?;
    /// # sim.run_until_idle();
    /// app.root().suspend();
    /// worker.address().kill();
    /// sim.run_until_idle();
    /// assert_eq!(worker.address().state(), Lifecycle::Waiting);
    /// app.root().resume();
    /// sim.run_until_idle();
    /// assert_eq!(worker.address().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn resume(self) {
        self.post(Control::Suspend {
            to: self,
            on: false,
        });
    }

    /// Where to send administrative requests, such as [`CountChildren`](crate::CountChildren), to
    /// the supervisor at this address.
    ///
    /// Any actor is one, with children or not. What this gives takes requests of one kind: it is called again
    /// for another. Requests travel in the System lane, together with the
    /// exits of the children, and are never parked: a supervisor that is not running ends them at
    /// once. One that is busy, starting or stopping a child, serves them in order when it is done, also
    /// those that have timed out meanwhile.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use std::time::Duration;
    /// struct Worker;
    /// impl Actor for Worker {}
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// sim.locality("here");
    /// let app = sim.start(Supervisor::one_for_one("app"))?;
    /// let start = StartChild::new(|| Child::new("worker", || Worker));
    /// let started = sim.block_on(app.root().admin().ask(start, Duration::MAX));
    /// assert!(matches!(started, Some(Ok(Ok(Some(_))))));
    /// let count = sim.block_on(app.root().admin().ask(CountChildren, Duration::MAX));
    /// assert_eq!(count.unwrap().unwrap().active, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn admin<Q: AdminRequest>(self) -> Recipient<Ask<Q>> {
        crate::admin::recipient(self)
    }

    /// The typed view for publishing `M` to this address.
    ///
    /// Two views of one address: whoever is interested subscribes to what it is interested in.
    /// ```
    /// use rotor_core::*;
    /// #[derive(Clone)] struct Joined(&'static str);
    /// #[derive(Clone)] struct Left(&'static str);
    /// struct Room;
    /// impl Actor for Room {}
    /// let room = Locality::new("here").reserve::<Room>().address();
    /// let (joined, left) = (room.topic::<Joined>(), room.topic::<Left>());
    /// assert_eq!(joined.address(), left.address());
    /// ```
    pub fn topic<M: Clone + Send + 'static>(self) -> Topic<M> {
        Topic::at(self)
    }

    /// The address of an actor of type `A`, if a child of that type has it.
    ///
    /// On the thread of its locality only, inside a turn or outside: the types of the actors are
    /// kept there, so that no other thread pays for them. Elsewhere it is `None`, as for an address
    /// that is gone, that no child has claimed yet, or that is an actor's
    /// [further one](crate::Context::make_address).
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Door;
    /// impl Actor for Door {}
    /// struct Window;
    /// impl Actor for Window {}
    /// # fn main() -> Result<(), StartError> {
    /// let main = ThreadLoop::new();
    /// let door: Addr<Door> = main.locality().reserve();
    /// let (tree, address) = (Supervisor::one_for_one("house"), door.address());
    /// assert_eq!(address.typed::<Door>(), None); // not claimed yet
    /// main.run_with(tree.child(Child::new("door", || Door).at(door)), |app| {
    ///     assert_eq!(address.typed::<Door>(), Some(door));
    ///     assert_eq!(address.typed::<Window>(), None);
    ///     app.shutdown();
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn typed<A: Actor>(self) -> Option<Addr<A>> {
        with_local(self.gate(), |local| {
            let local = local?;
            let ops = local.seat(local.find(self)?, |seat| seat.ops)?;
            (ops.type_id == TypeId::of::<A>()).then(|| Addr::new(self))
        })
    }

    /// What the actor is doing, as of a moment ago.
    ///
    /// Any thread; reads one atomic word. Of a locality that has ended: `Gone`.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// struct Worker;
    /// impl Actor for Worker {}
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let worker = sim.locality("here").reserve();
    /// let address = worker.address();
    /// assert_eq!(address.state(), Lifecycle::Waiting);
    /// sim.start(Supervisor::one_for_one("app")
    ///     .child(Child::new("worker", || Worker).at(worker).transient()))?;
    /// sim.run_until_idle();
    /// assert_eq!(address.state(), Lifecycle::Running);
    /// address.stop_with(Exit::normal());
    /// sim.run_until_idle();
    /// assert_eq!(address.state(), Lifecycle::Down);
    /// # Ok(())
    /// # }
    /// ```
    pub fn state(self) -> Lifecycle {
        if self.gate().entrance.is_closed() {
            return Lifecycle::Gone;
        }
        self.gate().states.read(self.slot, self.generation)
    }

    /// Whether it was reserved, and no spec has claimed it.
    pub(crate) fn is_unclaimed(self) -> bool {
        let gate = self.gate();
        !gate.entrance.is_closed() && gate.states.is_unclaimed(self.slot, self.generation)
    }

    /// Whether the address lies in the locality whose slice runs on this thread now.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// let worker: Addr<Worker> = Locality::new("here").reserve();
    /// assert!(!worker.address().is_here()); // no handler runs on this thread
    /// ```
    pub fn is_here(self) -> bool {
        here::runs(self.gate())
    }

    /// Sets how many messages may wait for the actor, and what becomes of what is too much. Any
    /// thread; what waits already, or is being sent meanwhile, stays, and is replaced by no
    /// [latest](crate::Bound::latest) message.
    ///
    /// Returns false, and changes nothing, if the address was minted without a
    /// [bound](crate::Locality::reserve_bounded), or is not valid any more.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Sink;
    /// impl Actor for Sink {}
    /// impl Handler<u32> for Sink { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
    /// let here = Locality::new("here"); // no loop drives it yet
    /// let sink: Addr<Sink> = here.reserve_bounded(Bound::reject(1));
    /// let taken = || (0..10).filter(|&n| sink.try_send(n).is_ok()).count();
    /// assert_eq!(taken(), 1);
    /// assert!(sink.address().set_bound(Bound::reject(5)));
    /// assert_eq!(taken(), 4);
    /// ```
    pub fn set_bound(self, bound: Bound) -> bool {
        let room = self.gate().rooms.find(self.slot, self.generation);
        room.is_some_and(|room| {
            room.set_bound(bound);
            true
        })
    }

    pub(crate) fn is_bounded(self) -> bool {
        self.generation & BOUNDED != 0
    }

    /// Why a message would not be delivered, as far as this thread can know now. Whether its room is
    /// full is not looked at.
    pub(crate) fn obstacle(self) -> Option<Reason> {
        let gate = self.gate();
        with_reachable(gate, |local| match local {
            Some(local) => {
                let full = local.is_behind() && gate.is_full();
                local.obstacle(self).or(full.then_some(Reason::Full))
            }
            None if gate.entrance.is_closed() => Some(Reason::Closed),
            None => gate.is_full().then_some(Reason::Full),
        })
    }

    pub(crate) fn post(self, control: Control) {
        Control::post(self.gate(), control);
    }
}

/// An actor of this locality is asked to stop.
struct StopHere {
    slot: u32,
    generation: u32,
}

impl Command for StopHere {
    fn run(self, here: &Local, _: u32) {
        let to = Address::new(here.gate, self.slot, self.generation);
        here.stop_self(to, Exit::shutdown());
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Address) -> bool {
        std::ptr::eq(self.gate(), other.gate())
            && self.slot == other.slot
            && self.generation == other.generation
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.gate().serial(), self.slot, self.generation).hash(state);
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Address) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Address) -> Ordering {
        let key = |a: &Address| (a.gate().serial(), a.slot, a.generation);
        key(self).cmp(&key(other))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}",
            self.gate().serial(),
            self.slot,
            self.generation
        )
    }
}

/// The address of an actor of type `A`.
///
/// `Copy`, 16 bytes, `Send`, whatever `A` is. A send compiles only if `A` handles the message:
///
/// ```compile_fail,E0277
/// use rotor_core::*;
/// struct Mute;
/// impl Actor for Mute {}
/// fn shout(to: Addr<Mute>) {
///     to.send("hello"); // `Mute` does not handle `&str`
/// }
/// ```
///
/// What is not `Send` does not leave its thread:
/// ```compile_fail,E0277
/// use rotor_core::*;
/// use std::rc::Rc;
/// struct View;
/// impl Actor for View {}
/// impl Handler<Rc<str>> for View {
///     fn handle(&mut self, _: Rc<str>, _: &mut Context<Self>) {}
/// }
/// fn show(view: Addr<View>) {
///     view.send(Rc::from("text")); // `send_local` takes it
/// }
/// ```
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Log(Vec<String>);
/// impl Actor for Log {}
/// impl Handler<String> for Log {
///     fn handle(&mut self, line: String, _: &mut Context<Self>) { self.0.push(line) }
/// }
/// # let mut sim = Sim::new(1);
/// let log: Addr<Log> = sim.locality("here").reserve(); // no actor has it yet
/// let also = log; // `Copy`
/// sim.start(Supervisor::one_for_one("app")
///     .child(Child::new("log", || Log(Vec::new())).at(log)))?;
/// log.send("one".to_owned());
/// std::thread::spawn(move || also.send("two".to_owned())).join().unwrap();
/// sim.run_until_idle();
/// assert_eq!(sim.with(log, |log| log.0.len()), Some(2));
/// # Ok::<_, StartError>(())
/// ```
pub struct Addr<A> {
    pub(crate) address: Address,
    actor: PhantomData<fn() -> A>,
}

impl<A: Actor> Addr<A> {
    pub(crate) fn new(address: Address) -> Self {
        Addr {
            address,
            actor: PhantomData,
        }
    }

    /// Sends a message. Any thread; never blocks.
    ///
    /// Messages of one sender to one actor in one lane arrive in the order of the sends. What
    /// cannot be delivered reaches the [`Observer`](crate::Observer) and is counted.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Total(u32);
    /// impl Actor for Total {}
    /// impl Handler<u32> for Total {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.0 = 10 * self.0 + n }
    /// }
    /// # let mut sim = Sim::new(1);
    /// let total = sim.locality("here").reserve();
    /// total.send(1); // parked: no instance is there yet
    /// sim.start(Supervisor::one_for_one("app").child(Child::new("total", || Total(0)).at(total)))?;
    /// total.send(2);
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(total, |total| total.0), Some(12));
    /// # Ok::<_, StartError>(())
    /// ```
    #[inline]
    pub fn send<M: Send + 'static>(self, message: M)
    where
        A: TryHandler<M>,
    {
        Typed::<A, M>::push(self.address, message);
    }

    /// Sends a message, or hands it back if it is known at once that it cannot be delivered.
    ///
    /// # Errors
    /// The message with the reason: the child was removed ([`Reason::Gone`]), is not running and
    /// will not be ([`Reason::Stopped`]), its bound is reached ([`Reason::Full`]) or its locality
    /// has ended ([`Reason::Closed`]). Of an actor of another locality only the last two can be
    /// known now; the rest reaches the observer later.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// # impl Handler<String> for Worker { fn handle(&mut self, _: String, _: &mut Context<Self>) {} }
    /// fn offer(job: String, first: Addr<Worker>, second: Addr<Worker>) {
    ///     if let Err(back) = first.try_send(job) {
    ///         println!("{back}"); // why; the message is in it
    ///         second.send(back.message);
    ///     }
    /// }
    /// ```
    pub fn try_send<M: Send + 'static>(self, message: M) -> Result<(), Undelivered<M>>
    where
        A: TryHandler<M>,
    {
        try_push(self.address, Typed::<A, M>::KIND, message, false)
    }

    /// Sends a message as soon as there is room for it: a future for senders that can wait, outside
    /// actors or inside [`Context::spawn`](crate::Context::spawn).
    ///
    /// Of a [bounded](crate::Bound) actor, on whatever thread, it waits while the bound is reached, at
    /// most for `limit`; the actor does not fail because of it. The limit is kept as that of
    /// [`ask`](Self::ask). A message that takes the place of another one
    /// ([`drop_oldest`](crate::Bound::drop_oldest), [`latest`](crate::Bound::latest)) does so at once. It
    /// waits neither for any other actor, nor where the bound of a
    /// [locality](crate::Locality::set_bound) is reached.
    ///
    /// # Errors
    /// The future's: the message, with [`Reason::Full`] when the limit has passed, or at once where it does
    /// not wait; else as for [`try_send`](Self::try_send).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Disk(Vec<u32>);
    /// impl Actor for Disk {}
    /// impl Handler<u32> for Disk {
    ///     fn handle(&mut self, block: u32, _: &mut Context<Self>) { self.0.push(block) }
    /// }
    /// async fn copy(disk: Addr<Disk>) -> Result<(), Undelivered<u32>> {
    ///     for block in 0..100 {
    ///         disk.send_within(block, Duration::from_secs(1)).await?;
    ///     }
    ///     Ok(())
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let disk = here.reserve_bounded(Bound::reject(2));
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("disk", || Disk(Vec::new())).at(disk)))?;
    /// assert!(matches!(sim.block_on(copy(disk)), Some(Ok(()))));
    /// # sim.run_until_idle();
    /// assert_eq!(sim.with(disk, |disk| disk.0.len()), Some(100)); // none is lost
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn send_within<M: Send + 'static>(self, message: M, limit: Duration) -> Sending<M>
    where
        A: TryHandler<M>,
    {
        Sending::new(self.address, Typed::<A, M>::KIND, message, limit)
    }

    /// Sends a message that need not be `Send` to an actor of a locality pinned to this thread.
    ///
    /// In order with what this thread [sends](Self::send), also with what it sent before it made the
    /// loop of the locality; but with a [bound](crate::Bound) only while no other thread sends to the
    /// actor, and what takes the place of an older message there may come before it. A bound does not
    /// count it: one that is reached hands it back, whatever else it does.
    ///
    /// # Errors
    /// As for [`try_send`](Self::try_send), and [`Reason::NotLocal`] on any other thread.
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::rc::Rc;
    /// struct View(Rc<str>);
    /// impl Actor for View {}
    /// impl Handler<Rc<str>> for View {
    ///     fn handle(&mut self, text: Rc<str>, _: &mut Context<Self>) {
    ///         self.0 = text;
    ///     }
    /// }
    /// # let mut sim = sim::Sim::new(1); // the loop of this thread
    /// # let view = sim.locality("ui").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("view", || View(Rc::from(""))).at(view)))?;
    /// # sim.run_until_idle();
    /// assert!(view.send_local(Rc::from("text")).is_ok()); // `send` does not take an `Rc`
    /// # sim.run_until_idle();
    /// # assert_eq!(sim.with(view, |view| view.0.clone()).as_deref(), Some("text"));
    /// # Ok::<_, StartError>(())
    /// ```
    ///
    /// To an actor of another loop it comes back:
    /// ```
    /// # use rotor_core::*;
    /// # use std::rc::Rc;
    /// # struct View;
    /// # impl Actor for View {}
    /// # impl Handler<Rc<str>> for View { fn handle(&mut self, _: Rc<str>, _: &mut Context<Self>) {} }
    /// let view: Addr<View> = Locality::new("ui").reserve(); // no loop of this thread drives it
    /// let back = view.send_local(Rc::from("text")).unwrap_err();
    /// assert_eq!(back.reason, Reason::NotLocal);
    /// ```
    pub fn send_local<M: 'static>(self, message: M) -> Result<(), Undelivered<M>>
    where
        A: TryHandler<M>,
    {
        let (to, kind) = (self.address, Typed::<A, M>::KIND);
        here::flush_ahead_of(to.gate());
        let rests = with_reachable(to.gate(), |local| {
            let reason = match local {
                None => Reason::NotLocal,
                Some(local) => match local.obstacle(to).or(room::obstacle(to)) {
                    None => return Ok(push_local(local, to, kind, message)),
                    Some(reason) => reason,
                },
            };
            Err(Undelivered { message, reason })
        })?;
        rouse_if(rests, to.gate());
        Ok(())
    }

    /// Asks and returns a future of the answer, for use outside actors or inside
    /// [`Context::spawn`](crate::Context::spawn).
    ///
    /// The time limit is kept by the locality whose handler or future asks. Outside of any it is kept
    /// by the actor's: then it does not pass before that has a loop, nor while it is stuck, and ends
    /// with it, as [`RequestError::Gone`]; [`ask_blocking`](Self::ask_blocking) keeps its own. See
    /// [`Context::request`] for the errors.
    ///
    /// [`Context::request`]: crate::Context::request
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Length(&'static str);
    /// impl Request for Length { type Reply = usize; }
    /// struct Meter;
    /// impl Actor for Meter {}
    /// impl Handler<Ask<Length>> for Meter {
    ///     fn handle(&mut self, ask: Ask<Length>, _: &mut Context<Self>) {
    ///         let length = ask.request.0.len();
    ///         ask.reply(length);
    ///     }
    /// }
    /// async fn both(meter: Addr<Meter>) -> Result<usize, RequestError> {
    ///     let limit = Duration::from_secs(1);
    ///     Ok(meter.ask(Length("one"), limit).await? + meter.ask(Length("three"), limit).await?)
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let meter = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("meter", || Meter).at(meter)))?;
    /// assert!(matches!(sim.block_on(both(meter)), Some(Ok(8))));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn ask<Q: Request>(self, request: Q, limit: Duration) -> Asking<Q::Reply>
    where
        A: TryHandler<Ask<Q>>,
    {
        Asking::start(self.to(), request, limit)
    }

    /// Asks from a plain thread, and blocks it until the answer is there or `limit` has passed.
    ///
    /// The limit is kept here, by the machine's clock, also while the actor's loop is stuck. For
    /// threads, `main` and code that is no actor; an actor uses [`Context::request`].
    ///
    /// # Errors
    /// As for [`Context::request`], and [`RequestError::WouldDeadlock`] on the thread of the
    /// actor's locality, also outside of a turn, and inside every handler: there nothing was sent.
    ///
    /// [`Context::request`]: crate::Context::request
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// struct Double(u32);
    /// impl Request for Double {
    ///     type Reply = u32;
    /// }
    /// struct Calculator;
    /// impl Actor for Calculator {}
    /// impl Handler<Ask<Double>> for Calculator {
    ///     fn handle(&mut self, ask: Ask<Double>, _: &mut Context<Self>) {
    ///         let n = ask.request.0;
    ///         ask.reply(2 * n);
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let main = ThreadLoop::new();
    /// let calculator = main.locality().reserve();
    /// let limit = Duration::from_secs(5);
    /// // Here it would wait for itself.
    /// let refused = calculator.ask_blocking(Double(1), limit);
    /// assert!(matches!(refused, Err(RequestError::WouldDeadlock)));
    /// let tree = Supervisor::one_for_one("app")
    ///     .child(Child::new("calculator", || Calculator).at(calculator));
    /// main.run_with(tree, |app| {
    ///     std::thread::spawn(move || {
    ///         assert_eq!(calculator.ask_blocking(Double(21), limit).ok(), Some(42));
    ///         app.shutdown();
    ///     });
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ask_blocking<Q: Request>(
        self,
        request: Q,
        limit: Duration,
    ) -> Result<Q::Reply, RequestError>
    where
        A: TryHandler<Ask<Q>>,
    {
        ask_blocking(self.to(), request, limit)
    }

    /// The address as a recipient of one message type.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// # impl Handler<u32> for Worker { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
    /// # let worker: Addr<Worker> = Locality::new("here").reserve();
    /// let numbers: Recipient<u32> = worker.to();
    /// assert_eq!(numbers.address(), worker.address());
    /// ```
    pub fn to<M: 'static>(self) -> Recipient<M>
    where
        A: TryHandler<M>,
    {
        Recipient::new(self.address, Typed::<A, M>::KIND)
    }

    /// A recipient of `N` for this actor, which handles `M`: `map` makes one of the other.
    ///
    /// `map` runs in the actor's locality. It must not capture anything, so that the recipient stays
    /// `Copy`: a function, or a closure without captures.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// struct Log(Vec<String>);
    /// impl Actor for Log {}
    /// impl Handler<String> for Log {
    ///     fn handle(&mut self, line: String, _: &mut Context<Self>) {
    ///         self.0.push(line);
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let log = sim.locality("here").reserve();
    /// sim.start(Supervisor::one_for_one("app")
    ///     .child(Child::new("log", || Log(Vec::new())).at(log)))?;
    /// let numbers: Recipient<u32> = log.map(|n: u32| format!("number {n}"));
    /// numbers.send(7);
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(log, |log| log.0.clone()), Some(vec!["number 7".to_owned()]));
    /// # Ok(())
    /// # }
    /// ```
    /// ```compile_fail,E0080
    /// # use rotor_core::*;
    /// # struct Log;
    /// # impl Actor for Log {}
    /// # impl Handler<String> for Log {
    /// #     fn handle(&mut self, _: String, _: &mut Context<Self>) {}
    /// # }
    /// fn numbered(log: Addr<Log>, prefix: u32) -> Recipient<u32> {
    ///     log.map(move |n: u32| format!("{prefix} {n}")) // captures `prefix`
    /// }
    /// # fn main() {
    /// #     numbered(Locality::new("x").reserve(), 1);
    /// # }
    /// ```
    ///
    /// The function runs on the actor's thread, so what it captures must be `Send`, if it has no
    /// bytes:
    /// ```compile_fail,E0277
    /// # use rotor_core::*;
    /// # struct Sink;
    /// # impl Actor for Sink {}
    /// # impl Handler<u32> for Sink { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
    /// # use std::marker::PhantomData;
    /// #[derive(Clone, Copy)]
    /// struct OnlyHere(PhantomData<*const ()>);
    /// impl OnlyHere { fn check(self) -> u32 { 1 } }
    /// fn mapped(sink: Addr<Sink>, only: OnlyHere) -> Recipient<u8> {
    ///     sink.map(move |_| only.check())
    /// }
    /// ```
    pub fn map<N, M, F>(self, map: F) -> Recipient<N>
    where
        A: TryHandler<M>,
        N: 'static,
        M: 'static,
        F: Fn(N) -> M + Copy + Send + 'static,
    {
        let _ = map;
        Recipient::new(self.address, Mapped::<A, N, M, F>::KIND)
    }

    /// The untyped address.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// struct Team { members: Vec<Address> } // of any types
    /// # let worker: Addr<Worker> = Locality::new("here").reserve();
    /// let team = Team { members: vec![worker.address()] };
    /// assert!(team.members.contains(&worker.address()));
    /// ```
    pub fn address(self) -> Address {
        self.address
    }

    /// Asks the actor to stop, ahead of every queued message. See [`Address::stop`].
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Worker(Vec<u32>);
    /// impl Actor for Worker {
    ///     fn stop(&mut self, _: &Exit, _: &mut Context<Self>) { assert!(self.0.is_empty()) }
    /// }
    /// impl Handler<u32> for Worker {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.0.push(n) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let worker = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("worker", || Worker(Vec::new())).at(worker).transient()))?;
    /// # sim.run_until_idle();
    /// worker.send(1); // overtaken: it is not handled
    /// worker.stop();
    /// sim.run_until_idle();
    /// assert_eq!(worker.address().state(), Lifecycle::Down);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn stop(self) {
        self.address.stop();
    }

    /// Asks the actor to stop when it has handled every `Normal` message that is queued or parked for it
    /// now, at the latest after `limit`.
    ///
    /// Messages that come later are for the next instance, if there will be one. If not, they are
    /// refused: [`try_send`](Self::try_send) on its thread gives them back from now on, all others are
    /// [undelivered](crate::Observer::undelivered), as is what the limit leaves over. The limit counts
    /// from the order's arrival, for the instance that is there then. Where a [bound](crate::Bound) drops
    /// messages, a later one may have the place of one that has come in time, and be handled instead.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Worker { out: Recipient<u32> }
    /// impl Actor for Worker {}
    /// impl Handler<u32> for Worker {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.out.send(n) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let worker = sim.locality("here").reserve();
    /// # let probe = sim.probe();
    /// # let out = probe.recipient();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("worker", move || Worker { out }).at(worker).transient()))?;
    /// # sim.run_until_idle();
    /// worker.send(1);
    /// worker.drain(std::time::Duration::from_secs(5));
    /// worker.send(2); // too late
    /// sim.run_until_idle();
    /// assert_eq!(probe.take(), [1]); // handled first
    /// assert_eq!(worker.address().state(), Lifecycle::Down);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn drain(self, limit: Duration) {
        let to = self.address;
        Control::post(to.gate(), Control::Drain { to, limit });
        Control::post_in(to.gate(), NORMAL, Control::Drained { to, last: false });
    }
}

/// Puts a message where its target will find it, in a record of this kind.
///
/// What is not `Send` goes only to localities that are pinned to this thread.
#[inline(always)]
pub(crate) fn push_message<M: 'static>(to: Address, kind: &'static Kind, lane: usize, message: M) {
    if is_inline::<M>() {
        push_record(to, kind, lane, Inline(message));
    } else {
        push_record(to, kind, lane, Boxed(Box::new(message)));
    }
}

/// Puts a record where its target will find it: the lane, the outbox or the gate.
#[inline(always)]
fn push_record<T: Stored>(to: Address, kind: &'static Kind, lane: usize, value: T) {
    let head = Header::new(kind, to.slot, to.generation);
    let here = HERE.with(|here| (here.gate.get(), here.local.get()));
    if std::ptr::eq(here.0, to.at.marked()) {
        // SAFETY: a slice of this locality runs on this thread: both are set together, by `slice`,
        // which keeps the locality.
        unsafe { &*here.1 }.push(lane, head, value);
    } else {
        // Not rare, but it can afford the jump.
        std::hint::cold_path();
        if const { in_registers::<T>() } {
            push_away(to.at, head, lane, value);
        } else {
            push_long(to.at, head, lane, value);
        }
    }
}

/// As [`push_away`], for what is not passed in registers.
///
/// It is laid aside, at a place that is nobody's stack: a message whose own address is taken here
/// would be laid on the stack by every send, and copied from there by wide loads over narrow stores,
/// which processors do not forward.
#[inline(always)]
fn push_long<T: Stored>(to: GateRef, head: Header, lane: usize, value: T) {
    debug_assert!(is_inline::<T>());
    let at = HERE.with(|here| here.aside.get().cast::<T>());
    // SAFETY: there is room for an inline payload, and what lies there is taken before any other code
    // runs.
    unsafe {
        at.write(value);
        push_aside(to, head, lane, at);
    }
}

/// # Safety
/// The payload at `at` is not used again.
#[inline(never)]
unsafe fn push_aside<T: Stored>(to: GateRef, head: Header, lane: usize, at: *mut T) {
    // SAFETY: as the caller says.
    push_away(to, head, lane, unsafe { at.read() });
}

/// To another locality than the one whose slice runs here, or to a bounded address.
#[inline(never)]
fn push_away<T: Stored>(to: GateRef, head: Header, lane: usize, value: T) {
    if let Err(value) = push_near(to, lane, value, |near, value| near.push_like(head, value)) {
        push_unlike(to, head, lane, value); // the last thing, as in `Flat::push_slow`
    }
}

#[inline(never)]
fn push_unlike<T: Stored>(to: GateRef, head: Header, lane: usize, value: T) {
    if let Err(value) = push_near(to, lane, value, |near, value| near.try_push(head, value)) {
        push_far(to.get(), head, lane, value);
    }
}

/// Appends a value to the chunk at hand, if that goes to this gate.
#[inline(always)]
fn push_near<T>(
    to: GateRef,
    lane: usize,
    value: T,
    push: impl FnOnce(&Records, T) -> Result<(), T>,
) -> Result<(), T> {
    let from = HERE.with(|here| here.local.get());
    // SAFETY: as in `push_record`.
    match unsafe { from.as_ref() }.and_then(|from| from.near(to, lane)) {
        Some(near) => push(near, value),
        None => Err(value),
    }
}

/// Sends a message, or hands it back. One that `waits` for room overloads nobody.
pub(crate) fn try_push<M: Send + 'static>(
    to: Address,
    kind: &'static Kind,
    message: M,
    waits: bool,
) -> Result<(), Undelivered<M>> {
    let reason = match to.obstacle() {
        // What is parked is counted by the room.
        Some(Reason::Full) if to.is_bounded() && !room::is_gate_full(to.gate()) => None,
        reason => reason,
    };
    if let Some(reason) = reason {
        return Err(Undelivered { message, reason });
    }
    if !Header::new(kind, to.slot, to.generation).is_bounded() {
        push_message(to, kind, kind.lane as usize, message);
        return Ok(());
    }
    let back = if is_inline::<M>() {
        room::try_push(to, kind, Inline(message), waits)
            .map_err(|(back, reason)| (back.open(), reason))
    } else {
        let message = Boxed(Box::new(message));
        room::try_push(to, kind, message, waits).map_err(|(back, reason)| (back.open(), reason))
    };
    back.map_err(|(message, reason)| Undelivered { message, reason })
}

/// Puts a message that need not be `Send` into the lane of a locality that is pinned to this thread.
///
/// Into the lane itself: a batch might be for a later life of the locality, on another thread.
/// Whether its loop rests: see [`rouse_if`].
pub(crate) fn push_local<M>(local: &Local, to: Address, kind: &'static Kind, message: M) -> bool {
    let (head, lane) = (
        Header::new(kind, to.slot, to.generation),
        kind.lane as usize,
    );
    if is_inline::<M>() {
        push_pinned(local, lane, head, Inline(message))
    } else {
        push_pinned(local, lane, head, Boxed(Box::new(message)))
    }
}

fn push_pinned<T>(local: &Local, lane: usize, head: Header, value: T) -> bool {
    signed::push_here(local, lane, head, value);
    local.gate.entrance.is_parked()
}

/// Wakes a loop of this thread if it rests. Foreign code, which may drop the locality: nothing of
/// that is in use when this is called.
pub(crate) fn rouse_if(rests: bool, gate: &'static Gate) {
    if rests {
        gate.entrance.rouse();
    }
}

#[cold]
#[inline(never)]
fn push_far<T: Stored>(gate: &'static Gate, head: Header, lane: usize, value: T) {
    if head.is_bounded() {
        return room::push(gate, head, value);
    }
    // Outside a turn, on the owner's thread: the local lane, so that nothing is written to wake.
    let pushed = with_reachable(gate, |local| match local {
        Some(local) if !local.is_behind() => Ok(push_pinned(local, lane, head, value)),
        _ => Err(value),
    });
    let value = match pushed {
        Ok(rests) => return rouse_if(rests, gate),
        Err(value) => value,
    };
    let from = HERE.with(|here| here.local.get());
    // SAFETY: as in `push_record`.
    match unsafe { from.as_ref() } {
        Some(from) => from.push_outbox(gate, lane, head, value),
        None => signed::push_away(gate, lane, head, value),
    }
}

impl<A> Clone for Addr<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Addr<A> {}

impl<A> PartialEq for Addr<A> {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl<A> Eq for Addr<A> {}

impl<A> PartialOrd for Addr<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<A> Ord for Addr<A> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.address.cmp(&other.address)
    }
}

impl<A> Hash for Addr<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
    }
}

impl<A> fmt::Debug for Addr<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.address, f)
    }
}

impl<A: Actor> From<Addr<A>> for Address {
    fn from(addr: Addr<A>) -> Address {
        addr.address
    }
}

/// A message that was handed back, with the reason.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Worker;
/// impl Actor for Worker {}
/// impl Handler<String> for Worker { fn handle(&mut self, _: String, _: &mut Context<Self>) {} }
/// # let mut sim = Sim::new(1);
/// # let worker = sim.locality("here").reserve();
/// # sim.start(Supervisor::one_for_one("app").child(Child::new("worker", || Worker).at(worker)))?;
/// drop(sim); // its loop is gone
/// let back = worker.try_send("letter".to_owned()).unwrap_err();
/// assert_eq!(back.message, "letter"); // nothing is lost
/// assert_eq!(back.reason, Reason::Closed);
/// # Ok::<_, StartError>(())
/// ```
pub struct Undelivered<M> {
    /// The message.
    pub message: M,
    /// Why it could not be delivered.
    pub reason: Reason,
}

impl<M> fmt::Debug for Undelivered<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Undelivered")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<M> fmt::Display for Undelivered<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} was not delivered: {}",
            std::any::type_name::<M>(),
            self.reason
        )
    }
}

impl<M> std::error::Error for Undelivered<M> {}
