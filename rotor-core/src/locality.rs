//! Localities: sequential execution contexts, and what one keeps while a loop drives it.

#![expect(unsafe_code)]

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::actor::Actor;
use crate::address::{Addr, Address, push_message};
use crate::adopt::{Added, Adoption};
use crate::ask_limits::{AskLimit, AskLimits};
use crate::batch::Batch;
use crate::bound::Bound;
use crate::chunk::{Chunk, Records};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::fixed_map::FixedMap;
use crate::gate::{BOUNDED, Gate, GateRef, is_last};
use crate::here::{self, Caught, Reach, with_local};
use crate::hook::Hooks;
use crate::incident::Incidents;
use crate::lane::{LANES, NORMAL};
use crate::link::Services;
use crate::lock::lock;
use crate::loss::Over;
use crate::message::{Command, Commanded, Header, Inline, LOCALITY, Record};
use crate::monitor;
use crate::name::on_one_line;
use crate::naming::Naming;
use crate::observe::{Reason, Undeliverable};
use crate::parcel::Parcel;
use crate::queue::{Flat, Word};
use crate::random::Random;
use crate::removal::Kill;
use crate::request::Unanswered;
use crate::signed;
use crate::slot::{Seat, Slots, State};
use crate::small::{Table, Taken};
use crate::states::Lifecycle;
use crate::strategy::Action;
use crate::things::{Body, Key, Things};
use crate::ties::Ties;
use crate::timer::nanos;
use crate::topic::Topics;

/// The identity of a locality: it mints addresses, before any loop exists and on any thread.
///
/// `Clone + Send + Sync`. It can be made before the loop that will drive it, and outlives it: a
/// locality whose loop is lost may be opened by a new one, with its reserved addresses valid.
///
/// ```
/// use rotor_core::*;
/// let locality = Locality::new("work");
/// struct Worker;
/// impl Actor for Worker {}
/// let worker: Addr<Worker> = locality.reserve();
/// assert_eq!(locality.name(), "work");
/// assert_ne!(worker, locality.reserve());
/// ```
pub struct Locality {
    inner: ManuallyDrop<Arc<Inner>>,
}

struct Inner {
    gate: &'static Gate,
    name: Cow<'static, str>,
    life: AtomicU8,
    /// How often its gate had been opened before it had that.
    openings_before: u32,
    /// The thread that alone may open it, while one is promised: [`UNBORN`] before it runs.
    owner: AtomicUsize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

const ANYONE: usize = 0;
const UNBORN: usize = usize::MAX;

const FRESH: u8 = 0;
const OPEN: u8 = 1;
const LOST: u8 = 2;
const ENDED: u8 = 3;

impl Locality {
    /// Makes a locality that no loop drives yet. Messages to its addresses wait. Control characters in its
    /// name are escaped.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Log;
    /// impl Actor for Log {}
    /// impl Handler<&'static str> for Log { fn handle(&mut self, _: &'static str, _: &mut Context<Self>) {} }
    /// let place = Locality::new("log"); // on any thread, before there is a loop
    /// let log: Addr<Log> = place.reserve();
    /// log.send("the first line"); // waits for it
    /// assert_eq!(log.address().state(), Lifecycle::Waiting);
    /// ```
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        let name = on_one_line(name.into());
        let gate = Gate::take(name.clone());
        Locality {
            inner: ManuallyDrop::new(Arc::new(Inner {
                gate,
                name,
                life: AtomicU8::new(FRESH),
                openings_before: gate.openings(),
                owner: AtomicUsize::new(ANYONE),
                thread: Mutex::new(None),
            })),
        }
    }

    /// Its name, for logs and pictures.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let net = ThreadLoop::spawn("net")?;
    /// assert_eq!(net.name(), "net"); // also the thread's
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn name(&self) -> &Cow<'static, str> {
        &self.inner.name
    }

    /// Mints the address of an actor that does not exist yet, for [`Child::at`](crate::Child::at).
    ///
    /// Any thread. Messages sent early wait until a child claims the address: any number until a loop runs the
    /// locality, then 1 024.
    /// It survives restarts of the actor and of its ancestors.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Counter { seen: u32 }
    /// impl Actor for Counter {}
    /// impl Handler<u32> for Counter {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.seen += n }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let counter = here.reserve();
    /// counter.send(7); // to whoever will have it
    /// let child = Child::new("counter", || Counter { seen: 0 }).at(counter);
    /// sim.start(Supervisor::one_for_one("app").child(child))?;
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(counter, |counter| counter.seen), Some(7));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn reserve<A: Actor>(&self) -> Addr<A> {
        Addr::new(self.mint())
    }

    /// Mints an address to publish `M` to, which no actor owns. Each call is another topic, which stays as
    /// long as the locality.
    ///
    /// For news that have no single source:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// #[derive(Clone, Debug, PartialEq)] struct Alert(&'static str);
    /// let mut sim = Sim::new(1);
    /// let alerts = sim.locality("here").topic();
    /// let heard = sim.listen(alerts);
    /// sim.run_until_idle();
    /// alerts.publish(Alert("smoke")); // by anybody, on any thread
    /// sim.run_until_idle();
    /// assert_eq!(heard.take(), [Alert("smoke")]);
    /// ```
    pub fn topic<M: Clone + Send + 'static>(&self) -> crate::Topic<M> {
        self.mint().topic()
    }

    /// Rejects what comes from other threads while this many messages or chunks wait. A soft bound;
    /// zero is none, the default. Supervision is never bounded, and takes no message's place.
    ///
    /// A message from a plain thread counts as one, and so does a chunk: what an actor of another locality sends
    /// here in a slice, or 16 KiB of that, however many messages it is. So much may be in the queue, and one
    /// more from each thread that sends at the same time. What has been taken out of it is bounded by
    /// [`Child::capacity`](crate::Child::capacity) while it is parked.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # struct Sink;
    /// # impl Actor for Sink {}
    /// # impl Handler<u32> for Sink { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
    /// let here = Locality::new("here"); // no loop drives it yet
    /// let sink: Addr<Sink> = here.reserve();
    /// here.set_bound(2);
    /// let taken = (0..5).filter(|&n| sink.try_send(n).is_ok());
    /// assert_eq!(taken.count(), 2);
    /// assert_eq!(here.slices(), 0);
    /// ```
    pub fn set_bound(&self, waiting: usize) {
        self.gate().bound.store(waiting, Ordering::Relaxed);
    }

    /// Returns how often a slice of its messages was run. Any thread.
    ///
    /// With [`wakes`](Self::wakes), for tests and figures: both stand still while it is idle.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// let mut sim = Sim::new(1);
    /// let here = sim.locality("here");
    /// sim.start(Supervisor::one_for_one("app"))?;
    /// sim.run_until_idle();
    /// let before = here.slices();
    /// sim.run_for(std::time::Duration::from_secs(3600));
    /// assert_eq!(here.slices(), before); // idle costs nothing
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn slices(&self) -> u64 {
        self.gate().slices.load(Ordering::Relaxed)
    }

    /// Returns how often its loop was woken from its rest. Any thread.
    ///
    /// ```
    /// use rotor_core::*;
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// # struct Sink;
    /// # impl Actor for Sink {}
    /// # impl Handler<u32> for Sink { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let driver = Driver::new(std::sync::Arc::new(Nothing), Clock::real());
    /// let here = Locality::new("here");
    /// # driver.open(&here)?;
    /// # let sink = here.reserve();
    /// # driver.start(Supervisor::one_for_one("app").child(Child::new("sink", || Sink).at(sink)))?;
    /// # driver.run_until_idle();
    /// let before = here.wakes();
    /// (0..1000).for_each(|n| sink.send(n)); // its loop waits
    /// assert_eq!(here.wakes(), before + 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wakes(&self) -> u64 {
        self.gate().wakes.load(Ordering::Relaxed)
    }

    /// Mints the address of an actor for which a bounded number of messages may wait.
    ///
    /// As [`reserve`](Self::reserve), whoever has it, and whether the actor runs or not: the bound is
    /// the address's, and may be changed with [`Address::set_bound`].
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Log(Vec<u32>);
    /// impl Actor for Log {}
    /// impl Handler<u32> for Log {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.0.push(n) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let log = here.reserve_bounded(Bound::drop_oldest(3));
    /// sim.start(Supervisor::one_for_one("app").child(Child::new("log", || Log(Vec::new())).at(log)))?;
    /// sim.run_until_idle();
    /// (0..1000).for_each(|n| log.send(n)); // it gets no time meanwhile
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(log, |log| log.0.clone()), Some(vec![997, 998, 999]));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn reserve_bounded<A: Actor>(&self, bound: Bound) -> Addr<A> {
        let gate = self.gate();
        let (slot, generation) = with_local(gate, |local| match local {
            Some(local) => local.mint_bounded(bound),
            None => gate.rooms.mint(gate, bound),
        });
        Addr::new(Address::new(gate, slot, generation))
    }

    fn mint(&self) -> Address {
        let gate = self.gate();
        let (slot, generation) = with_local(gate, |local| match local {
            Some(local) => local.mint(),
            None => gate.mint(),
        });
        Address::new(gate, slot, generation)
    }

    pub(crate) fn gate(&self) -> &'static Gate {
        self.inner.gate
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.inner.life.load(Ordering::Acquire) == ENDED
    }

    /// Whether a driver has it open.
    pub(crate) fn is_open(&self) -> bool {
        self.inner.life.load(Ordering::Acquire) == OPEN
    }

    /// Whether a driver has it open, or the first one is to come.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.inner.life.load(Ordering::Acquire), FRESH | OPEN)
    }

    /// It has a loop again, or none any more: who spins may be in the way of others now, or of nobody.
    fn tell_tree(&self) {
        // The last handle of a tree may hold what is a user's.
        let app = self.gate().app();
        let _ = here::guard(|| app.into_iter().for_each(|app| app.count_loops()));
    }

    /// How often a driver has opened it.
    pub(crate) fn openings(&self) -> u32 {
        let all = self.gate().openings();
        all.wrapping_sub(self.inner.openings_before)
    }

    /// The loop that was to drive it was not made: whatever waits for it learns that it is lost.
    fn never_opened(&self) {
        self.inner.owner.store(ANYONE, Ordering::Release);
        if self.openings() > 0 || self.set_open().is_err() {
            return;
        }
        let gate = self.gate();
        gate.entrance
            .close(|parcel| gate.reject(parcel, Reason::Closed));
        Local::tell_peers(gate, self, false);
    }

    /// Marks it open; the state it was in before is the error.
    pub(crate) fn set_open(&self) -> Result<(), crate::BindError> {
        let owner = self.inner.owner.load(Ordering::Acquire);
        if owner != ANYONE && owner != here::thread() {
            return Err(crate::BindError::AlreadyOpen);
        }
        let life = &self.inner.life;
        for from in [FRESH, LOST] {
            if life
                .compare_exchange(from, OPEN, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
            {
                self.inner.owner.store(ANYONE, Ordering::Release);
                self.gate().note_opening();
                self.tell_tree();
                return Ok(());
            }
        }
        Err(if life.load(Ordering::Acquire) == OPEN {
            crate::BindError::AlreadyOpen
        } else {
            crate::BindError::Ended
        })
    }

    /// It ends in order: nobody opens it again.
    pub(crate) fn set_ended(&self) {
        self.gate().retire();
        self.inner.life.store(ENDED, Ordering::Release);
    }

    /// It has no loop any more, and may be opened anew unless it has ended: nobody does anything for this life.
    pub(crate) fn set_lost(&self) {
        let life = &self.inner.life;
        let _ = life.compare_exchange(OPEN, LOST, Ordering::AcqRel, Ordering::Relaxed);
        self.tell_tree();
    }

    /// Its loop ends, or detaches, when nothing is placed here any more.
    pub(crate) fn host(&self) {
        // What had nothing to lose would have ended with its first loop.
        self.gate().vacancy.host(self.openings() > 1);
    }

    /// The thread that drives it, for whoever joins it; once.
    pub(crate) fn take_thread(&self) -> Option<JoinHandle<()>> {
        lock(&self.inner.thread).take()
    }

    /// Whether there will never be anything here again, and no thread that has to be waited for.
    pub(crate) fn is_over(&self) -> bool {
        let thread = lock(&self.inner.thread);
        let is_left = thread.as_ref().is_none_or(JoinHandle::is_finished);
        is_left && self.has_ended() && !self.is_placed()
    }

    /// Whether a live spec places a subtree here.
    pub(crate) fn is_placed(&self) -> bool {
        self.gate().vacancy.is_placed()
    }

    /// Whether nobody can place anything here any more. Asked by the thread that drives it.
    pub(crate) fn is_vacant(&self) -> bool {
        let unheld = Arc::strong_count(&self.inner) == 1;
        self.gate().vacancy.is_vacant(unheld)
    }
}

impl Clone for Locality {
    fn clone(&self) -> Self {
        Locality {
            inner: self.inner.clone(),
        }
    }
}

impl Drop for Locality {
    fn drop(&mut self) {
        let gate = self.inner.gate;
        // SAFETY: dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.inner) }
        if gate.vacancy.is_told() {
            // The thread that drives it may be the last to hold it. A gate outlives its locality,
            // and one that is closed throws this away; the loop of another one finds itself as vacant as
            // it was.
            Control::post(gate, Control::Vacant);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.gate.recycle();
    }
}

impl fmt::Debug for Locality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locality").field(&self.inner.name).finish()
    }
}

impl PartialEq for Locality {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Locality {}

/// A job for a locality. A thread or host that drives it does not end before, though nobody else
/// holds it; one that nobody is to drive is not held.
pub(crate) struct Errand(Option<Locality>);

impl Errand {
    pub(crate) fn new(locality: &Locality) -> Self {
        let hosted = locality.gate().vacancy.is_hosted();
        let driven = hosted.then(|| locality.clone());
        if let Some(locality) = &driven {
            locality.gate().vacancy.give();
        }
        Errand(driven)
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if let Some(locality) = &self.0 {
            locality.gate().vacancy.done();
        }
    }
}

/// A thread that is to open a locality. It does not count as a user of it.
struct Promise(Weak<Inner>);

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(inner) = self.0.upgrade() {
            let inner = ManuallyDrop::new(inner);
            Locality { inner }.never_opened();
        }
    }
}

/// A live spec that places something on a locality.
pub(crate) struct Placement(Locality);

impl Placement {
    pub(crate) fn new(locality: &Locality) -> Self {
        locality.gate().vacancy.place();
        Placement(locality.clone())
    }
}

impl Drop for Placement {
    fn drop(&mut self) {
        let gate = self.0.gate();
        if gate.vacancy.clear() {
            Control::post(gate, Control::Vacant);
        }
    }
}

/// What a spec places elsewhere, until that goes, or the loop of its parent is turned on another thread.
///
/// It lies at the parent's gate: such a loop leaks what it has.
pub(crate) struct Placements {
    by: &'static Gate,
    top: Address,
}

impl Placements {
    pub(crate) fn new<'a>(
        by: &'static Gate,
        top: Address,
        all: impl Iterator<Item = &'a Locality>,
    ) -> Self {
        let all = all.map(Placement::new).collect();
        lock(&by.placed).insert(top, all);
        Placements { by, top }
    }
}

impl Drop for Placements {
    fn drop(&mut self) {
        let all = lock(&self.by.placed).remove(&self.top);
        drop(all); // not under the lock: the last handle of a locality may be among them
    }
}

/// Something to be done in a locality.
pub(crate) type Call = Box<dyn FnOnce(&Local) + Send>;

/// Messages of core to a locality itself, in the System lane.
pub(crate) enum Control {
    /// Parent to child: make an instance.
    Start(StartOrder),
    /// Parent to child, which is initialized: its siblings are, too.
    Go { to: Address, incarnation: u64 },
    /// Parent to child: end it in an orderly way.
    Stop {
        to: Address,
        incarnation: u64,
        keep: bool,
        exit: Exit,
    },
    /// Parent to child: remove the instance now.
    Kill(Kill),
    /// Parent to child: free the slot; it may be built anew.
    RemoveOrphan { to: Address },
    /// Parent to a subtree on this locality: build it.
    Adopt(Box<Adoption>),
    /// Child to parent.
    Report {
        to: Address,
        child: u32,
        incarnation: u64,
        news: News,
    },
    /// Supervisor to itself, behind everything queued.
    Retry {
        to: Address,
        child: u32,
        incarnation: u64,
    },
    /// Somebody asks a supervisor to keep what comes, or to go on with it.
    Suspend { to: Address, on: bool },
    /// Somebody asks an actor to stop.
    StopSelf { to: Address, exit: Exit },
    /// Somebody asks an actor to stop when what is queued now has been handled: its end is near.
    Drain { to: Address, limit: Duration },
    /// The same, behind what is queued.
    Drained { to: Address, last: bool },
    /// Somebody removes an actor's instance by force.
    KillSelf { to: Address },
    /// A handler stopped or failed its own instance.
    SelfExit { slot: u32, serial: u64 },
    /// A deferred closure of the instance panicked.
    Crash {
        slot: u32,
        serial: u64,
        caught: Caught,
    },
    /// A hold was dropped.
    Release {
        slot: u32,
        serial: u64,
        expiry: Option<Key>,
    },
    /// The limit of a request whose asker is a future.
    AskLimit(AskLimit),
    /// A locality watches an instance here.
    Watch(monitor::Order),
    /// It watches it no more.
    Unwatch { who: Address, key: Key },
    /// The target of a monitor ended.
    Down { key: Key, exit: Exit },
    /// Anything else that must be done there.
    Call(Call),
    /// A peer is lost, or has ended in order.
    Closed { locality: Locality, life: Over },
    /// Perhaps nothing is placed here any more.
    Vacant,
}

/// A locality that tells this one when it is lost.
pub(crate) struct Peer {
    gate: &'static Gate,
    /// The next life of the gate knows nobody.
    opening: u32,
    /// What has keys with this serial or higher ones hangs on this opening, or on a later one.
    since: u64,
}

impl Peer {
    fn is(&self, gate: &'static Gate, opening: u32) -> bool {
        self.gate == gate && self.opening == opening
    }
}

/// The order to make an instance.
pub(crate) struct StartOrder {
    pub(crate) to: Address,
    pub(crate) incarnation: u64,
    pub(crate) from: Address,
    pub(crate) child: u32,
    /// It is operational only when its parent says so.
    pub(crate) gated: bool,
    /// A restart waits for it.
    pub(crate) again: bool,
}

/// What a child tells its parent.
pub(crate) enum News {
    /// It waits for [`Control::Go`].
    Initialized,
    Started,
    Ignored,
    Failed(Exit),
    /// It ends by itself, which takes its time.
    Ending,
    Exited(Exit),
}

impl Command for Control {
    #[inline(always)]
    fn run(self, here: &Local, _: u32) {
        here.control(self);
    }
}

const _: () = assert!(
    crate::message::is_inline::<Control>(),
    "controls travel without a box"
);

impl Control {
    /// Sends a control to a locality. Any thread.
    ///
    /// Inlined, so that a control is made in its place in the queue.
    #[inline(always)]
    pub(crate) fn post(gate: &'static Gate, control: Control) {
        control.push(Address::new(gate, LOCALITY, 0));
    }

    pub(crate) fn post_in(gate: &'static Gate, lane: usize, control: Control) {
        let to = Address::new(gate, LOCALITY, 0);
        push_message(to, Commanded::<Control>::KIND, lane, control);
    }

    /// The same through the gate, as from elsewhere.
    pub(crate) fn post_far(gate: &'static Gate, lane: usize, control: Control) {
        let head = Header::new(Commanded::<Control>::KIND, LOCALITY, 0);
        gate.push_always(lane, Parcel::of(head, Inline(control)));
    }

    /// Runs `f` in a locality.
    pub(crate) fn call(gate: &'static Gate, f: impl FnOnce(&Local) + Send + 'static) {
        Self::post(gate, Control::Call(Box::new(f)));
    }
}

/// The rest of a publish: a subscriber has panicked, or something else is to be done before it.
pub(crate) type Interrupted = Box<dyn FnOnce(&Local)>;

/// What a clock read finds: slots and keys.
pub(crate) type Due = Vec<(u32, Key)>;

/// No gate, no chunk.
const NOWHERE: (*const Gate, *const Records) = (std::ptr::null(), std::ptr::null());

/// A closure for the host, with the instance that deferred it.
pub(crate) type HostJob = (u32, u64, Box<dyn FnOnce()>);

/// What a locality keeps while a driver has it open. Reached by `&` only: every part is a cell, and
/// none is open while user code runs.
pub(crate) struct Local {
    pub(crate) gate: &'static Gate,
    pub(crate) locality: Locality,
    pub(crate) next_pinned: Cell<*const Local>,
    pub(crate) reach: Cell<Reach>,
    /// Its driver was turned on another thread, which cannot take it off this thread's list.
    pub(crate) abandoned: AtomicBool,
    pub(crate) clock: Clock,
    /// Nanoseconds since the clock's base, as of the last read.
    pub(crate) now: Cell<u64>,
    pub(crate) random: Random,

    // The hot part: what a message touches.
    pub(crate) lanes: [Flat; LANES],
    pub(crate) slots: Slots,
    /// Slot of the instance whose code runs, for the blame of a panic: `LOCALITY` is core itself,
    /// `RECORD` the target of the record that is run, `CLONE` nobody.
    pub(crate) current: Cell<u32>,
    /// Slot of the instance whose stop hook runs and has not said how it ends, or `LOCALITY`.
    pub(crate) in_hook: Cell<u32>,
    /// The cursor of the queue whose record is run; valid while `current` is `RECORD`.
    pub(crate) cursor: Cell<*const Cell<*mut Word>>,
    /// The cursor of the queue out of which records are run, or null; one that was copied out does not change it.
    pub(crate) run_from: Cell<*const Cell<*mut Word>>,
    /// The lane that is run.
    pub(crate) lane: Cell<usize>,
    /// Work of the messages that are run beyond one unit each, for the budget.
    pub(crate) charged: Cell<u32>,

    pub(crate) chunks: [RefCell<Option<Chunk>>; LANES],
    pub(crate) outboxes: RefCell<Vec<Batch>>,
    /// For each lane, the gate that the last foreign send went to and the chunk that it fills, until
    /// that is handed over.
    pub(crate) near: [Cell<(*const Gate, *const Records)>; LANES],
    pub(crate) seats: RefCell<Vec<Seat>>,
    pub(crate) free: RefCell<Vec<u32>>,
    /// Slots below this number belong to an earlier life of a lost locality.
    pub(crate) first_own: u32,
    /// If they are used again, their generations begin here, above all of earlier lives.
    pub(crate) reused_from: u32,
    pub(crate) things: RefCell<Things>,
    pub(crate) topics: RefCell<Topics>,
    pub(crate) naming: RefCell<Naming>,
    pub(crate) services: RefCell<Services>,
    pub(crate) unparking: RefCell<VecDeque<u32>>,
    /// How many parked messages were handed out since those who have some took turns.
    pub(crate) unparked_in_turn: Cell<u32>,
    /// What is parked was cut off, or took a whole stride, before Normal had its turn: that comes first.
    pub(crate) normal_first: Cell<bool>,
    pub(crate) added: RefCell<Added>,
    pub(crate) dropped: RefCell<Vec<(u32, Unanswered)>>,
    pub(crate) interrupted: RefCell<VecDeque<Interrupted>>,
    pub(crate) host_jobs: RefCell<VecDeque<HostJob>>,
    pub(crate) peered: RefCell<Vec<Peer>>,
    pub(crate) ties: RefCell<Ties>,
    /// Room for what a table of supervision says, kept from one event to the next.
    pub(crate) actions: Cell<Vec<Action>>,
    pub(crate) extensions: RefCell<HashMap<std::any::TypeId, std::rc::Rc<dyn std::any::Any>>>,
    /// The address that the message being handled was published to.
    pub(crate) published_to: Cell<Option<Address>>,
    /// Who sent the message being handled, if it is signed.
    pub(crate) sender: Cell<Option<Address>>,
    pub(crate) stride: Cell<u32>,
    /// Messages of higher lanes since Normal had its turn.
    pub(crate) higher: Cell<u32>,
    /// Messages of System since Urgent had its turn.
    pub(crate) system: Cell<u32>,
    /// Whether a lane's own messages get the odd one of a turn that foreign ones share.
    pub(crate) odd: [Cell<bool>; LANES],
    /// How many own messages of a lane have gone ahead of foreign ones whose turn it was.
    pub(crate) passed_over: [Cell<u32>; LANES],
    /// What is run has come from elsewhere.
    pub(crate) far: Cell<bool>,
    /// The gate has held something ever since the locality was opened: what this thread sends goes
    /// behind that.
    pub(crate) behind: Cell<bool>,
    /// Room for what is due, kept from one clock read to the next.
    pub(crate) due: RefCell<Due>,
    pub(crate) asks: AskLimits,
    /// The locality is being lost: nothing goes to other localities but the news of that.
    pub(crate) losing: Cell<bool>,
    /// Nothing is placed here any more, and a thread of its own drives it.
    pub(crate) vacant: Cell<bool>,
    /// A tree that placed something here has ended.
    pub(crate) bereft: Cell<bool>,
    /// A panic of core's own code: the driver ends with it.
    pub(crate) bug: RefCell<Option<String>>,
    pub(crate) incidents: RefCell<Incidents>,
    /// Type of the message that is handled, where the record that is run does not tell: it is a
    /// timer's, or was published.
    pub(crate) handling: Cell<Option<fn() -> &'static str>>,
    /// What a simulation has in store for actors here.
    pub(crate) faults: RefCell<Vec<Fault>>,
    /// By slot.
    pub(crate) hooks: RefCell<FixedMap<u32, Hooks>>,
    /// How many messages were handled in each slot, while they are counted.
    pub(crate) handled: RefCell<Vec<u64>>,
    /// How many requests have been given up whose tokens have not come back.
    pub(crate) given_up: Cell<usize>,
    /// The slot that ran last, for the report of a simulation that never rests.
    pub(crate) ran: Cell<u32>,
}

impl Local {
    pub(crate) fn new(locality: &Locality, clock: Clock, random: Random) -> Self {
        let gate = locality.gate();
        let reopened = locality.openings() > 1;
        if reopened {
            gate.reopen();
            gate.skip_numbers();
            gate.rooms.reopen(&gate.states);
        }
        let local = Local {
            gate,
            locality: locality.clone(),
            next_pinned: Cell::new(std::ptr::null()),
            reach: Cell::new(Reach::Thread),
            abandoned: AtomicBool::new(false),
            now: Cell::new(clock.nanos()),
            clock,
            random,
            lanes: [Flat::new(), Flat::new(), Flat::new()],
            slots: Slots::new(),
            current: Cell::new(LOCALITY),
            in_hook: Cell::new(LOCALITY),
            cursor: Cell::new(std::ptr::null()),
            run_from: Cell::new(std::ptr::null()),
            lane: Cell::new(NORMAL),
            charged: Cell::new(0),
            chunks: Default::default(),
            outboxes: RefCell::new(Vec::new()),
            near: [const { Cell::new(NOWHERE) }; LANES],
            seats: RefCell::new(Vec::new()),
            free: RefCell::new(Vec::new()),
            first_own: if reopened { gate.minted() } else { 0 },
            reused_from: gate.reused_from(),
            things: RefCell::new(Things::new()),
            topics: RefCell::new(Topics::new()),
            naming: RefCell::default(),
            services: RefCell::default(),
            unparking: RefCell::new(VecDeque::new()),
            unparked_in_turn: Cell::new(0),
            normal_first: Cell::new(false),
            added: RefCell::default(),
            dropped: RefCell::new(Vec::new()),
            interrupted: RefCell::new(VecDeque::new()),
            host_jobs: RefCell::new(VecDeque::new()),
            peered: RefCell::new(Vec::new()),
            ties: RefCell::default(),
            actions: Cell::default(),
            extensions: RefCell::new(HashMap::new()),
            published_to: Cell::new(None),
            sender: Cell::new(None),
            stride: Cell::new(crate::dispatch::STRIDE.0),
            higher: Cell::new(0),
            system: Cell::new(0),
            // A message from here is mostly there before one that comes because of it.
            odd: [false, true, true].map(Cell::new),
            passed_over: Default::default(),
            far: Cell::new(false),
            behind: Cell::new(false),
            due: RefCell::default(),
            asks: AskLimits::new(),
            losing: Cell::new(false),
            vacant: Cell::new(false),
            bereft: Cell::new(false),
            bug: RefCell::new(None),
            incidents: RefCell::default(),
            handling: Cell::new(None),
            faults: RefCell::default(),
            hooks: RefCell::default(),
            handled: RefCell::default(),
            given_up: Cell::new(0),
            ran: Cell::new(LOCALITY),
        };
        if reopened {
            local.reuse_slots();
            let laid = lock(&gate.laid).all();
            local.settle_unclaimed(&laid);
        }
        local
    }

    /// Whether what this thread sends goes behind what is in the gate: not what its actors send.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.get() && !here::runs(self.gate)
    }

    /// Appends a record that cannot go through the gate to what the gate still holds.
    #[cold]
    pub(crate) fn push_behind<T>(
        &self,
        lane: usize,
        from: Option<Address>,
        head: Header,
        value: T,
    ) {
        self.gather();
        let record = signed::record(from, head, value);
        let mut chunk = self.chunks[lane].borrow_mut();
        let chunk = chunk.get_or_insert_with(Chunk::new);
        // SAFETY: a record of its own, which is used this once.
        unsafe { chunk.push_raw(record.as_ptr()) };
    }

    /// Appends a record to a lane. Owner's thread, inside a slice or outside.
    #[inline(always)]
    pub(crate) fn push<T>(&self, lane: usize, head: Header, value: T) {
        self.lanes[lane].push(head, value);
        if lane != NORMAL && lane < self.lane.get() {
            self.interrupt();
        }
    }

    /// Charges work to the budget that is more than the one message it came as.
    pub(crate) fn charge(&self, messages: u32) {
        let charged = self.charged.get() + messages;
        self.charged.set(charged);
        if charged >= crate::dispatch::SHARE {
            self.interrupt();
        }
    }

    /// Has the loop of the slice look at everything after the handler that runs now.
    pub(crate) fn interrupt(&self) {
        // This thread takes it: once is enough, whoever has set it.
        if !self.gate.pressing.is_set() {
            self.gate.pressing.set();
        }
    }

    /// The chunk that is filled for another locality, if the last such send went there. Used before
    /// anything else happens.
    #[inline(always)]
    pub(crate) fn near(&self, to: GateRef, lane: usize) -> Option<&Records> {
        let (gate, chunk) = self.near[lane].get();
        // SAFETY: a chunk of one of the batches: whoever takes it from there resets `near`.
        std::ptr::eq(gate, to.marked()).then(|| unsafe { &*chunk })
    }

    /// Appends a record for another locality to the batch for it.
    pub(crate) fn push_outbox<T>(&self, to: &'static Gate, lane: usize, head: Header, value: T) {
        let find = |all: &mut Vec<Batch>| {
            let same = |batch: &Batch| batch.to == to && batch.lane == lane;
            all.iter().position(same).unwrap_or_else(|| {
                all.push(Batch::new(to, lane));
                all.len() - 1
            })
        };
        let mut all = self.outboxes.borrow_mut();
        let mut i = find(&mut all);
        if all[i].is_full::<T>() {
            let mut full = all[i].take();
            // Without the borrow: a closed gate drops what it gets, which is user code.
            drop(all);
            self.near[lane].set(NOWHERE);
            full.flush();
            all = self.outboxes.borrow_mut();
            i = find(&mut all);
        }
        let chunk = all[i].push(head, value).as_ptr();
        self.near[lane].set((to, chunk));
    }

    /// Hands over what was collected for other localities.
    pub(crate) fn flush(&self) {
        // What is dropped on the way may send again.
        while let Some((i, mut batch)) = self.take_batch() {
            batch.flush();
            self.outboxes.borrow_mut()[i].put_back(batch);
        }
    }

    fn take_batch(&self) -> Option<(usize, Batch)> {
        let mut all = self.outboxes.borrow_mut();
        let i = all.iter().position(|batch| !batch.is_empty())?;
        self.near[all[i].lane].set(NOWHERE);
        Some((i, all[i].take()))
    }

    /// A request token was dropped in a handler: what its asker is told shows when that returns.
    pub(crate) fn drop_later(&self, unanswered: Unanswered) {
        self.dropped
            .borrow_mut()
            .push((self.running_slot(), unanswered));
        self.interrupt();
    }

    /// Nobody claims what the lives before have left in these slots.
    fn reuse_slots(&self) {
        let from = self.reused_from;
        if is_last(from) || self.gate.abandoned.load(Ordering::Relaxed) {
            return;
        }
        self.gate.note_generation(from);
        let (base, states) = (self.gate.base(), &self.gate.states);
        for slot in (0..self.first_own).filter(|&slot| states.is_over(slot, base)) {
            self.meet(slot);
            lock(&self.gate.claims).remove(slot);
            // Not by `reseat`: the word of the slot is that of its last address until it has the next one.
            self.seats.borrow_mut()[slot as usize].state = State::Vacant;
            self.slots.set_generation(slot, from);
            self.free.borrow_mut().push(slot);
        }
    }

    /// A slot that was used before. Not while the locality is lost, which tells no state any more: the next
    /// life would take an address that is reserved by then for one of those that are gone.
    fn take_free(&self) -> Option<u32> {
        if self.losing.get() {
            return None;
        }
        self.free.borrow_mut().pop()
    }

    /// A slot number that nobody else has, with its generation; freed ones first.
    pub(crate) fn mint(&self) -> (u32, u32) {
        match self.take_free() {
            Some(slot) => {
                self.reseat(slot, |seat| seat.state = State::Reserved);
                (slot, self.slots.generation(slot))
            }
            None => {
                let (slot, generation) = self.gate.mint();
                self.meet(slot);
                (slot, generation)
            }
        }
    }

    /// The same with a bound.
    pub(crate) fn mint_bounded(&self, bound: Bound) -> (u32, u32) {
        let Some(slot) = self.take_free() else {
            let (slot, generation) = self.gate.rooms.mint(self.gate, bound);
            self.meet(slot);
            return (slot, generation);
        };
        let generation = self.slots.generation(slot) | BOUNDED;
        self.gate.note_generation(generation);
        self.slots.set_generation(slot, generation);
        self.gate.rooms.open(self.gate, (slot, generation), bound);
        self.reseat(slot, |seat| seat.state = State::Reserved);
        (slot, generation)
    }

    /// Grows the tables up to a slot number that was given out. False if it never was.
    #[inline]
    pub(crate) fn meet(&self, slot: u32) -> bool {
        slot < self.slots.len() || self.meet_further(slot)
    }

    fn meet_further(&self, slot: u32) -> bool {
        if slot >= self.gate.minted() {
            return false;
        }
        let mut seats = self.seats.borrow_mut();
        while self.slots.len() <= slot {
            // A slot of an earlier life shows its generation when a child claims it.
            let next = self.slots.len();
            let known = next >= self.first_own;
            let first = || self.gate.base() | self.gate.rooms.mark_of(next);
            self.slots.push(if known { first() } else { 0 });
            seats.push(Seat::new());
        }
        true
    }

    /// Opens a seat. `f` runs no user code, and leaves the state as it is.
    #[inline]
    pub(crate) fn seat<R>(&self, slot: u32, f: impl FnOnce(&mut Seat) -> R) -> R {
        let seat = &mut self.seats.borrow_mut()[slot as usize];
        let before = seat.state;
        let result = f(seat);
        debug_assert_eq!(seat.state, before, "a change is told to other threads");
        result
    }

    /// Opens a seat whose state may change. Apart from [`seat`](Self::seat), of which an actor's life
    /// has ten times as many.
    #[inline]
    pub(crate) fn reseat<R>(&self, slot: u32, f: impl FnOnce(&mut Seat) -> R) -> R {
        let seat = &mut self.seats.borrow_mut()[slot as usize];
        let before = seat.state;
        let result = f(seat);
        // A lost locality is closed, and its last life says which addresses the next one has.
        if seat.state != before && !self.losing.get() {
            let (state, tenure) = (seat.state.lifecycle(), seat.tenure(self.gate));
            let generation = self.slots.generation(slot);
            self.gate.states.write(slot, generation, state, tenure);
        }
        result
    }

    pub(crate) fn address_of(&self, slot: u32) -> Address {
        Address::new(self.gate, slot, self.slots.generation(slot))
    }

    /// The slot of an address of this locality, if the address is still valid.
    pub(crate) fn find(&self, address: Address) -> Option<u32> {
        debug_assert!(address.gate() == self.gate, "it is one of this locality");
        let known = self.meet(address.slot);
        (known && self.slots.generation(address.slot) == address.generation).then_some(address.slot)
    }

    /// The name of the actor with this address, if it is known here.
    pub(crate) fn name_at(&self, address: Address) -> Option<Cow<'static, str>> {
        let seats = self.seats.try_borrow().ok()?; // whatever is going on, this is for a line of text
        let seat = seats.get(address.slot as usize)?;
        let is_it = self.slots.generation(address.slot) == address.generation;
        (is_it && !seat.name.is_empty()).then(|| seat.name.to_cow())
    }

    /// The slot that keeps what comes for an address: of one that is valid, or that an earlier life
    /// of a lost locality has minted and that may be claimed again.
    pub(crate) fn find_or_await(&self, address: Address) -> Option<u32> {
        let of_earlier_life = self.meet(address.slot) && self.slots.generation(address.slot) == 0;
        if of_earlier_life {
            self.may_be_claimed(address).then_some(address.slot)
        } else {
            self.find(address)
        }
    }

    /// Whether an address of an earlier life may be claimed again.
    pub(crate) fn may_be_claimed(&self, address: Address) -> bool {
        let state = self.gate.states.read(address.slot, address.generation);
        state != Lifecycle::Gone
    }

    /// Why a message to this address would not be delivered, as far as can be known now.
    pub(crate) fn obstacle(&self, address: Address) -> Option<Reason> {
        let Some(slot) = self.find_or_await(address) else {
            return Some(Reason::Gone);
        };
        self.seat(slot, |seat| {
            let stopped = seat.drains().then_some(Reason::Stopped);
            seat.obstacle().or(stopped)
        })
    }

    /// Adds something that belongs to the instance in a slot.
    #[inline]
    pub(crate) fn add_thing(&self, slot: u32, body: Body) -> Key {
        let mut seats = self.seats.borrow_mut();
        let head = &mut seats[slot as usize].things;
        self.things.borrow_mut().insert(slot, head, body)
    }

    /// Adds something that happens once, `delay` from the next clock read; with the longest one,
    /// never.
    ///
    /// `table` is made for `T`.
    pub(crate) fn add_once<T>(
        &self,
        slot: u32,
        value: T,
        table: &'static Table,
        delay: Duration,
    ) -> Key {
        let mut seats = self.seats.borrow_mut();
        let mut things = self.things.borrow_mut();
        let head = &mut seats[slot as usize].things;
        let key = things.insert_once(slot, head, value, table);
        if delay < Duration::MAX {
            things.arm_later(key, nanos(delay), &self.clock);
        }
        key
    }

    /// Removes something of an instance. The caller drops it when nothing is borrowed.
    pub(crate) fn remove_thing(&self, key: Key, slot: u32) -> Option<Body> {
        let mut seats = self.seats.borrow_mut();
        let head = &mut seats[slot as usize].things;
        self.things.borrow_mut().remove(key, slot, head)
    }

    /// Removes what an instance has of some kinds, the latest first.
    pub(crate) fn sweep_things(&self, slot: u32, goes: impl Fn(&Body) -> bool) -> Vec<Body> {
        let mut seats = self.seats.borrow_mut();
        let head = &mut seats[slot as usize].things;
        self.things.borrow_mut().sweep(slot, head, goes)
    }

    /// Removes something of an instance if there is nothing to drop in it.
    #[inline]
    pub(crate) fn forget_thing(&self, key: Key, slot: u32) -> bool {
        let mut seats = self.seats.borrow_mut();
        let head = &mut seats[slot as usize].things;
        self.things.borrow_mut().forget(key, slot, head)
    }

    /// Takes out a one-shot timer or a pending request of the instance in `slot`, for `f` to use it
    /// up when nothing is borrowed. False if it is not there.
    #[inline]
    pub(crate) fn take_once(&self, key: Key, slot: u32, f: impl FnOnce(Taken<'_>)) -> bool {
        let mut small = MaybeUninit::uninit();
        {
            let mut seats = self.seats.borrow_mut();
            let head = &mut seats[slot as usize].things;
            let mut things = self.things.borrow_mut();
            if !things.take_once(key, slot, head, &mut small) {
                return false;
            }
        }
        // SAFETY: it was written, and nobody else knows of it.
        f(unsafe { Taken::new(small.assume_init_mut()) });
        true
    }

    /// Counts an answer that nobody waits for.
    pub(crate) fn note_late(&self, slot: u32, message: &'static str) {
        let (from, to) = (self.sender.get(), self.address_of(slot));
        self.gate
            .report(Undeliverable::one(message, from, to, Reason::Late));
    }

    /// Has this locality told of the loss of another one. Called before the key is made of what is to end
    /// with it.
    #[inline]
    pub(crate) fn peer_with(&self, gate: &'static Gate) {
        if !std::ptr::eq(gate, self.gate) {
            self.peer_with_other(gate);
        }
    }

    fn peer_with_other(&self, gate: &'static Gate) {
        // Looked at first: whoever comes to a list that was taken finds the gate closed afterwards, or
        // comes again.
        let opening = gate.openings();
        let mut peered = self.peered.borrow_mut();
        if peered.iter().any(|peer| peer.is(gate, opening)) {
            return;
        }
        peered.retain(|known| known.gate != gate);
        let since = self.things.borrow().next_serial();
        peered.push(Peer {
            gate,
            opening,
            since,
        });
        gate.add_peer(self.gate);
    }

    /// News of the loss of a locality have come: the serials of what has hung on it are below this.
    pub(crate) fn peered_until(&self, gate: &'static Gate, opening: u32) -> u64 {
        let mut peered = self.peered.borrow_mut();
        peered.retain(|known| known.gate != gate || known.opening > opening);
        let next = peered.iter().find(|known| known.gate == gate);
        next.map_or(u64::MAX, |next| next.since)
    }

    /// A request went to this gate: if that is lost, the asker must learn it.
    pub(crate) fn note_request(&self, key: Key, gate: &'static Gate) {
        if !std::ptr::eq(gate, self.gate) {
            self.things.borrow_mut().note_target(key, gate);
        }
    }
}

impl Locality {
    /// For backends: starts a thread that makes a loop for a new locality and runs it. Returns when
    /// the thread is started; a loop that cannot be made is reported on stderr.
    ///
    /// `run` gets the locality, which no other thread can open before; it makes its loop and runs it
    /// until its driver answers `Done`. If it
    /// returns or panics and has not opened it, the locality is lost, as if its loop was. The thread
    /// is named as the locality is, with another character for each NUL.
    ///
    /// # Errors
    /// The thread could not be started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use std::{sync::Arc, thread};
    /// /// The verb of a backend; `ThreadLoop::spawn` is much like it.
    /// fn spawn(name: &'static str) -> std::io::Result<Locality> {
    ///     Locality::spawn(name, |locality| {
    ///         let driver = Driver::new(Arc::new(thread::current()), Clock::real());
    ///         driver.open(&locality).map_err(std::io::Error::other)?;
    ///         driver.host();
    ///         while !matches!(driver.turn(Budget::default()), Turn::Done(_)) {
    ///             thread::park_timeout(std::time::Duration::from_millis(1)); // or until its deadline
    ///         }
    ///         Ok(())
    ///     })
    /// }
    /// let far = spawn("far")?;
    /// ThreadLoop::new().run_with(Supervisor::one_for_one("app")
    ///     .child(Supervisor::one_for_one("work").on(&far, |s| s)), |app| app.shutdown())?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn(
        name: impl Into<Cow<'static, str>>,
        run: impl FnOnce(Locality) -> std::io::Result<()> + Send + 'static,
    ) -> std::io::Result<Locality> {
        let locality = Locality::new(name);
        locality.host();
        locality.inner.owner.store(UNBORN, Ordering::Release);
        let theirs = locality.clone();
        let promise = Promise(Arc::downgrade(&locality.inner));
        let thread = std::thread::Builder::new()
            .name(locality.name().clone().into_owned())
            .spawn(move || {
                let _promise = promise;
                theirs.inner.owner.store(here::thread(), Ordering::Release);
                let name = theirs.name().clone();
                if let Err(error) = run(theirs) {
                    eprintln!("rotor: the loop of {name} has ended: {error}");
                }
            })?;
        *lock(&locality.inner.thread) = Some(thread);
        Ok(locality)
    }
}
