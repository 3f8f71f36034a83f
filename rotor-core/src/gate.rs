//! The part of a locality that other threads reach: its tag and its way in.

#![expect(unsafe_code)]

use std::borrow::Cow;
use std::cmp::Ordering as Order;
use std::hash::{Hash, Hasher};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crossbeam_queue::{ArrayQueue, SegQueue};

use crate::address::Address;
use crate::app::AppShared;
use crate::chunk::Chunk;
use crate::claims::Claims;
use crate::clock::Clock;
use crate::entrance::{Entrance, Pushed, Wake};
use crate::exit::{Exit, ExitReason};
use crate::fixed_map::FixedMap;
use crate::flag::Flag;
use crate::given_up::GivenUp;
use crate::here::{self, Hush};
use crate::lane::{NORMAL, SYSTEM, URGENT};
use crate::late::Handling;
use crate::locality::{Call, Control, Local, Placement};
use crate::lock::lock;
use crate::message::Way;
use crate::observe::{Losses, Observer, Reason, Undeliverable};
use crate::parcel::{Contents, Parcel};
use crate::queue::{Word, header};
use crate::registry::Registries;
use crate::removal::Kill;
use crate::request::{RequestError, Verdict};
use crate::room::{self, Opened, Rooms, Tally};
use crate::signed;
use crate::states::{Lifecycle, States, Tenure};
use crate::unbuilt::Laid;
use crate::vacancy::Vacancy;

/// How many empty chunks a gate keeps for senders.
const CHUNKS: usize = 16;

/// The tag of a locality and the way into it. Gates are pooled and never freed, so that addresses
/// may name them without counting.
pub(crate) struct Gate {
    pub(crate) entrance: Entrance<Parcel>,
    /// Order and hash of addresses go by this number, not by the pointer.
    serial: u64,
    /// Of the locality in this life, for those that hear of its end from nobody else.
    name: Mutex<Cow<'static, str>>,
    /// The same as those are told who have lost it: one of its own, as others may have the name, too.
    lost: Mutex<Option<Arc<str>>>,
    /// The thread that owns the locality now, as [`here::thread`] names it; 0 is none.
    pub(crate) owner: AtomicUsize,
    /// The lowest slot number that nobody has been given in this life.
    next_slot: AtomicU32,
    /// First generation of every slot in this life.
    base: AtomicU32,
    /// Highest generation ever minted here.
    highest: AtomicU32,
    /// What the slots are doing, for `Address::state`.
    pub(crate) states: States,
    /// The reserved slots that subtrees of parents elsewhere have claimed: for the next life of a lost
    /// locality, which may have to do without those.
    pub(crate) claims: Mutex<Claims>,
    /// Which addresses are down with specs that nobody has built.
    pub(crate) laid: Mutex<Laid>,
    /// From what the instances of new tables of children are numbered: addresses outlive their tables with
    /// a lost loop, and with an orphan, but no two instances of one have the same number. Owner only.
    numbers: AtomicU64,
    /// How often a driver has opened it, in all its lives.
    openings: AtomicU32,
    /// Empty chunks on their way back to the senders. Of fixed length: it takes no memory now and then.
    pub(crate) chunks: ArrayQueue<Chunk>,
    /// Something in a higher lane may have come since the owner looked.
    pub(crate) pressing: Flag,
    /// Instances here that their parents elsewhere have disowned: removed before anything else.
    kills: SegQueue<Kill>,
    /// Gates with a supervision or watch relation, told when this locality is lost.
    pub(crate) peers: Mutex<Vec<&'static Gate>>,
    /// What the specs of actors here place on other localities, by their addresses there.
    pub(crate) placed: Mutex<FixedMap<Address, Vec<Placement>>>,
    /// What is to be done in the next life of a locality that is lost; `None` if it has ended, or
    /// nobody has it.
    later: Mutex<Option<Vec<Call>>>,
    /// Where the actors here have names.
    pub(crate) registries: Registries,
    /// The observer wants to know who sent what: read at the beginning of each slice.
    pub(crate) signs: AtomicBool,
    /// The observer wants to know how many messages are handled: read when an instance starts.
    pub(crate) counts: AtomicBool,
    /// Whether `observer` is set: most are not.
    observed: AtomicBool,
    observer: Mutex<Option<Arc<dyn Observer>>>,
    /// What was undelivered, for a simulation that takes it for a failure.
    pub(crate) losses: Mutex<Option<Losses>>,
    /// The tree that has placed something here.
    app: Mutex<Weak<AppShared>>,
    pub(crate) undelivered: [AtomicU64; Reason::COUNT],
    /// What its bound has refused, and slots in which as much is parked as may be.
    full: Mutex<Full>,
    /// There is some of that.
    refuses: AtomicBool,
    /// Who needs the loop of the locality.
    pub(crate) vacancy: Vacancy,
    /// A life of the locality was turned on another thread: its own may be about to give out a generation.
    /// No other locality has the gate then.
    pub(crate) abandoned: AtomicBool,
    /// Its tree has more localities with a loop than there are processors.
    pub(crate) crowded: AtomicBool,
    /// Soft bound for parcels from outside; 0 is none.
    pub(crate) bound: AtomicUsize,
    /// What lies among those for core alone, and takes nobody's place.
    pub(crate) limits: AtomicUsize,
    /// What waits for its bounded addresses.
    pub(crate) rooms: Rooms,
    /// Slices that were run in this life. Written by the owner.
    pub(crate) slices: AtomicU64,
    /// How many those were when it was opened last.
    opened_at: AtomicU64,
    /// Held while an order that no slice has seen is taken back; the first slice waits for that.
    first_slice: Mutex<()>,
    /// Wakes of its loop in this life.
    pub(crate) wakes: AtomicU64,
    /// Requests of actors here for whose answers nobody waits any more.
    pub(crate) given_up: GivenUp,
    /// The clock of the driver that has it open, and when its last slice began, in nanoseconds of it.
    clock: Mutex<Option<Clock>>,
    pub(crate) turned: AtomicU64,
    /// The message that is handled and since when, while the observer wants counts.
    handling: Mutex<Option<(Handling, u64)>>,
}

/// What was refused since there was room.
#[derive(Default)]
struct Full {
    tally: Tally,
    /// To whom the last one was sent, reported or not.
    to: Option<Address>,
}

/// The bit of a generation that says that what waits for the address is bounded.
pub(crate) const BOUNDED: u32 = 1;
/// The same in the pointer to a gate.
const MARK: usize = BOUNDED as usize;

/// The generation that follows one in its slot, without a bound.
pub(crate) fn next_generation(generation: u32) -> u32 {
    (generation | BOUNDED) + 1
}

/// Whether none follows.
pub(crate) fn is_last(generation: u32) -> bool {
    generation | BOUNDED == u32::MAX
}

/// A gate, as an address holds it.
///
/// A bounded one is marked in the lowest bit, which is free in every pointer to a gate.
///
/// Not a reference: to lints that follow references but not pointers, a key with an atomic
/// counter behind it looks as if its hash could change.
#[derive(Clone, Copy)]
pub(crate) struct GateRef(NonNull<Gate>);

// SAFETY: it is a `&'static Gate` in all but its type, and a `Gate` is `Sync`.
unsafe impl Send for GateRef {}
// SAFETY: as above.
unsafe impl Sync for GateRef {}

const _: () = {
    const fn is_sync<T: Sync>() {}
    is_sync::<Gate>();
    assert!(align_of::<Gate>() > MARK);
};

impl GateRef {
    /// The gate as the addresses with this generation hold it.
    #[inline]
    pub(crate) fn new(gate: &'static Gate, generation: u32) -> GateRef {
        let mark = (generation & BOUNDED) as usize;
        GateRef(NonNull::from(gate).map_addr(|address| address | mark))
    }

    #[inline]
    pub(crate) fn get(self) -> &'static Gate {
        let gate = self.0.as_ptr().map_addr(|address| address & !MARK);
        // SAFETY: `new` got it from such a reference, and has set no other bit.
        unsafe { &*gate }
    }

    /// Another pointer than the gate's if the address is bounded: so no compare takes such an
    /// address for one of this locality, or of the batch at hand.
    #[inline(always)]
    pub(crate) fn marked(self) -> *const Gate {
        self.0.as_ptr()
    }
}

/// Counts the wakes of a loop.
struct Counted(&'static Gate, Arc<dyn Wake>);

impl Wake for Counted {
    fn wake(&self) {
        self.0.wakes.fetch_add(1, Ordering::Relaxed);
        self.1.wake();
    }
}

/// Gates whose locality has ended.
static POOL: SegQueue<&'static Gate> = SegQueue::new();
static SERIAL: AtomicU64 = AtomicU64::new(1);
/// A gate whose generations have come this far is not used again.
const RETIRE: u32 = 1 << 31;
/// Those. Addresses may name them for ever, and whoever looks for leaks finds them here.
static RETIRED: SegQueue<&'static Gate> = SegQueue::new();

impl Gate {
    /// Takes a gate from the pool, or makes one.
    pub(crate) fn take(name: Cow<'static, str>) -> &'static Gate {
        match POOL.pop() {
            Some(gate) => {
                *lock(&gate.name) = name;
                *lock(&gate.lost) = None;
                *lock(&gate.later) = Some(Vec::new());
                // Also what came while nobody had it.
                for count in &gate.undelivered {
                    count.store(0, Ordering::Relaxed);
                }
                gate.entrance.reopen();
                gate
            }
            None => Box::leak(Box::new(Gate {
                entrance: Entrance::new(),
                serial: SERIAL.fetch_add(1, Ordering::Relaxed),
                name: Mutex::new(name),
                lost: Mutex::default(),
                owner: AtomicUsize::new(0),
                next_slot: AtomicU32::new(0),
                base: AtomicU32::new(2),
                highest: AtomicU32::new(2),
                states: States::new(),
                claims: Mutex::default(),
                laid: Mutex::default(),
                numbers: AtomicU64::new(0),
                openings: AtomicU32::new(0),
                chunks: ArrayQueue::new(CHUNKS),
                pressing: Flag::new(false),
                kills: SegQueue::new(),
                peers: Mutex::new(Vec::new()),
                placed: Mutex::default(),
                later: Mutex::new(Some(Vec::new())),
                registries: Registries::default(),
                observed: AtomicBool::new(false),
                observer: Mutex::new(None),
                losses: Mutex::new(None),
                signs: AtomicBool::new(false),
                counts: AtomicBool::new(false),
                app: Mutex::new(Weak::new()),
                undelivered: Default::default(),
                full: Mutex::default(),
                refuses: AtomicBool::new(false),
                vacancy: Vacancy::new(),
                abandoned: AtomicBool::new(false),
                crowded: AtomicBool::new(false),
                bound: AtomicUsize::new(0),
                limits: AtomicUsize::new(0),
                rooms: Rooms::default(),
                slices: AtomicU64::new(0),
                opened_at: AtomicU64::new(0),
                first_slice: Mutex::new(()),
                wakes: AtomicU64::new(0),
                given_up: GivenUp::default(),
                clock: Mutex::new(None),
                turned: AtomicU64::new(0),
                handling: Mutex::new(None),
            })),
        }
    }

    /// Gives the gate back. Generations of its next life start above every one of this life.
    pub(crate) fn recycle(&'static self) {
        self.retire();
        self.entrance
            .close(|parcel| self.reject(parcel, Reason::Closed));
        // As long as there is an observer.
        self.rooms.clear();
        self.tell_refused();
        *lock(&self.full) = Full::default();
        self.refuses.store(false, Ordering::Relaxed);
        lock(&self.peers).clear();
        lock(&self.claims).clear();
        let laid = std::mem::take(&mut *lock(&self.laid));
        let _ = here::guard(|| drop(laid));
        self.note_opening(); // whoever has the last one is not above what the next locality has
        self.numbers.store(0, Ordering::Relaxed);
        self.registries.clear();
        self.observed.store(false, Ordering::Relaxed);
        let observer = lock(&self.observer).take();
        let _ = here::guard(|| drop(observer));
        self.signs.store(false, Ordering::Relaxed);
        self.counts.store(false, Ordering::Relaxed);
        *lock(&self.losses) = None;
        *lock(&self.app) = Weak::new();
        *lock(&self.clock) = None;
        while self.chunks.pop().is_some() {}
        while self.next_kill().is_some() {}
        self.owner.store(0, Ordering::Relaxed);
        self.vacancy.renew();
        self.crowded.store(false, Ordering::Relaxed);
        self.bound.store(0, Ordering::Relaxed);
        self.slices.store(0, Ordering::Relaxed);
        self.opened_at.store(0, Ordering::Relaxed);
        self.wakes.store(0, Ordering::Relaxed);
        self.given_up.renew();
        let highest = self.highest.load(Ordering::Relaxed);
        if highest < RETIRE {
            self.next_slot.store(0, Ordering::Relaxed);
            self.begin_at(next_generation(highest));
            POOL.push(self);
        } else {
            RETIRED.push(self);
        }
    }

    /// Sets the first generation of the slots of this life.
    pub(crate) fn begin_at(&self, generation: u32) {
        self.base.store(generation, Ordering::Relaxed);
        self.highest.store(generation, Ordering::Relaxed);
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// How those end that hang on this locality when it has no loop any more.
    pub(crate) fn lost(&self) -> Exit {
        Exit::lost(self.loss())
    }

    fn loss(&self) -> Arc<str> {
        let mut lost = lock(&self.lost);
        lost.get_or_insert_with(|| (&*self.name()).into()).clone()
    }

    /// Whether it is this locality whose loss this exit tells, this one or an earlier one.
    pub(crate) fn is_lost_with(&self, reason: &ExitReason) -> bool {
        matches!(reason, ExitReason::Lost(lost) if Arc::ptr_eq(lost, &self.loss()))
    }

    /// The name of the locality.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        lock(&self.name).clone()
    }

    /// A slot number that nobody else has, with its generation. Any thread.
    ///
    /// # Panics
    /// When four thousand million slots were reserved in one locality.
    pub(crate) fn mint(&self) -> (u32, u32) {
        // Release: see `minted`.
        let slot = self.next_slot.fetch_add(1, Ordering::Release);
        assert!(
            slot < u32::MAX - 1_000_000,
            "slot numbers of a locality are used up"
        );
        (slot, self.base.load(Ordering::Relaxed))
    }

    /// How many slot numbers have been given out.
    pub(crate) fn minted(&self) -> u32 {
        // Whoever sees that a slot was given out sees that it may have a bound.
        self.next_slot.load(Ordering::Acquire)
    }

    pub(crate) fn base(&self) -> u32 {
        self.base.load(Ordering::Relaxed)
    }

    /// Notes that a generation is in use, so that the next life starts above it. Owner only.
    pub(crate) fn note_generation(&self, generation: u32) {
        if generation > self.highest.load(Ordering::Relaxed) {
            // Never back, also if the first thread of a driver that was turned elsewhere is about to do this.
            self.highest.fetch_max(generation, Ordering::Relaxed);
        }
    }

    /// A generation above all that were minted here, or the last one. Whoever opens it.
    pub(crate) fn reused_from(&self) -> u32 {
        let highest = self.highest.load(Ordering::Relaxed);
        match is_last(highest) {
            true => highest,
            false => next_generation(highest),
        }
    }

    /// Pushes a parcel from any thread. What the locality will never take is reported.
    pub(crate) fn push(&'static self, lane: usize, parcel: Parcel) {
        if lane != SYSTEM && self.is_full() {
            return self.push_bounded(lane, parcel);
        }
        self.push_always(lane, parcel);
    }

    /// Whether its bound is reached.
    pub(crate) fn is_full(&self) -> bool {
        let bound = self.bound.load(Ordering::Relaxed);
        bound > 0 && self.waiting() >= bound
    }

    /// How many parcels with messages there are, or results of the actors' own doing.
    fn waiting(&self) -> usize {
        let all = self.entrance.lane_len(URGENT) + self.entrance.lane_len(NORMAL);
        all.saturating_sub(self.limits.load(Ordering::Relaxed))
    }

    pub(crate) fn push_always(&'static self, lane: usize, parcel: Parcel) {
        self.entrance
            .send(lane, parcel, |parcel| self.reject(parcel, Reason::Closed));
        self.press(lane);
    }

    /// The same for a thread that holds a lock: no foreign code runs before [`announce`](Self::announce).
    pub(crate) fn push_locked(&self, lane: usize, parcel: Parcel) -> Pushed {
        let pushed = self.entrance.push(lane, parcel);
        self.press(lane);
        pushed
    }

    /// Something has come in this lane.
    fn press(&self, lane: usize) {
        if lane != NORMAL {
            self.pressing.set();
        }
    }

    pub(crate) fn announce(&'static self, pushed: Pushed) {
        self.entrance
            .announce(pushed, |parcel| self.reject(parcel, Reason::Closed));
    }

    /// Disowns an instance over there: it is removed ahead of everything that is queued.
    pub(crate) fn kill(&'static self, kill: Kill) {
        self.kills.push(kill);
        // The same in the queue wakes the owner; it finds nothing left to do.
        Control::post(self, Control::Kill(kill));
    }

    /// What is to go next by force.
    pub(crate) fn next_kill(&self) -> Option<Kill> {
        if self.kills.is_empty() {
            return None; // a pop of an empty queue costs a fence
        }
        self.kills.pop()
    }

    /// The bound is reached: messages are refused, results of the actors' own doing are not.
    #[cold]
    fn push_bounded(&'static self, lane: usize, parcel: Parcel) {
        let sort = |at: *mut Word| {
            // SAFETY: `at` is a record that was taken out just now.
            if unsafe { header(at) }.kind.way == Way::Own {
                // SAFETY: as above; the record moves to the parcel.
                self.push_always(lane, unsafe { Parcel::copy(at) });
            } else {
                // SAFETY: as above; the record is used this once.
                unsafe { self.refuse_full(at) };
            }
        };
        match parcel.open() {
            Contents::One(mut one) => sort(one.as_mut_ptr()),
            Contents::Chunk(chunk) => {
                while let Some(at) = chunk.pop() {
                    sort(at);
                }
            }
        }
    }

    /// Drops one record's message, which the bound does not let in, counts and reports it.
    ///
    /// # Safety
    /// As for [`refuse`](Self::refuse).
    pub(crate) unsafe fn refuse_full(&'static self, at: *mut Word) {
        // SAFETY: as the caller says.
        unsafe { self.refuse(at, Reason::Full, &RequestError::Full) };
        // The owner may have taken everything meanwhile, and look for no rest of reports any more.
        if !self.is_full() {
            self.tell_refused();
        }
    }

    /// To whom the last one was sent that was refused since there was room; looked for if there may be one.
    #[inline]
    pub(crate) fn refused(&self) -> Option<Address> {
        // Under the lock where other threads refuse: whoever has it later sees what the other one has done.
        let may_be = self.refuses.load(Ordering::Relaxed) || self.bound.load(Ordering::Relaxed) > 0;
        if may_be { lock(&self.full).to } else { None }
    }

    /// There is room: reports what was refused and has not been reported.
    pub(crate) fn tell_refused(&self) {
        if Hush::is_there() {
            return; // another time
        }
        let rest = {
            let mut full = lock(&self.full);
            self.refuses.store(false, Ordering::Relaxed);
            full.to = None;
            full.tally.rest()
        };
        if let Some(what) = rest {
            self.tell_undelivered(&what, false);
        }
    }

    /// Whether no slice has begun since it was opened last, or in this life.
    pub(crate) fn is_unturned(&self) -> bool {
        self.slices.load(Ordering::Relaxed) == self.opened_at.load(Ordering::Relaxed)
    }

    /// The same for an instance that was ordered before the first slice: it has not started, and never
    /// does. False if that slice has begun; then it may have.
    pub(crate) fn withdraw(&self, kill: Kill) -> bool {
        let _guard = lock(&self.first_slice);
        let unturned = self.is_unturned();
        if unturned {
            self.kills.push(kill);
            self.pressing.set();
        }
        unturned
    }

    /// A lost locality is opened again: see [`States::reopen`].
    pub(crate) fn reopen(&self) {
        let _guard = lock(&self.first_slice); // nobody else writes meanwhile
        self.states.reopen();
    }

    /// Has addresses be down, or wait, that nobody has claimed, as it is noted of them. If no slice has begun
    /// to do that, their states say so at once.
    pub(crate) fn settle(&'static self, all: &[Address]) {
        {
            let _guard = lock(&self.first_slice);
            let unturned = self.is_unturned();
            let laid = lock(&self.laid);
            for &at in all.iter().filter(|_| unturned) {
                let state = match laid.exit(at) {
                    Some(_) => Lifecycle::Down,
                    None => Lifecycle::Waiting,
                };
                self.states
                    .write(at.slot, at.generation, state, Tenure::Lasting);
            }
        }
        let all = all.to_vec();
        self.call_when_open(move |there| there.settle_unclaimed(&all));
    }

    pub(crate) fn numbers(&self) -> u64 {
        self.numbers.load(Ordering::Relaxed)
    }

    /// Tables of children are gone whose addresses may get new ones.
    pub(crate) fn skip_numbers(&self) {
        self.numbers.fetch_add(1 << 32, Ordering::Relaxed);
    }

    pub(crate) fn openings(&self) -> u32 {
        self.openings.load(Ordering::Acquire)
    }

    /// A driver opens it.
    pub(crate) fn note_opening(&self) {
        self.openings.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether the driver still has it open that was the one of this opening.
    pub(crate) fn is_in(&self, opening: u32) -> bool {
        // In this order: whoever sees that another one has it open sees that it was opened.
        !self.entrance.is_closed() && self.openings() == opening
    }

    /// Registers a locality that wants to know when this one is lost.
    pub(crate) fn add_peer(&self, peer: &'static Gate) {
        let mut peers = lock(&self.peers);
        if !peers.contains(&peer) {
            peers.push(peer);
        }
    }

    /// Reports and drops everything in a parcel. Any thread.
    pub(crate) fn reject(&'static self, parcel: Parcel, reason: Reason) {
        let verdict = RequestError::Gone;
        let refuse = |at: *mut Word| {
            // SAFETY: `at` is a record that was taken out just now, and is used this once.
            unsafe { self.refuse(at, reason, &verdict) };
        };
        match parcel.open() {
            Contents::One(mut one) => refuse(one.as_mut_ptr()),
            Contents::Chunk(chunk) => {
                while let Some(at) = chunk.pop() {
                    refuse(at);
                }
            }
        }
    }

    /// Drops one record's message, counts and reports it.
    ///
    /// In this order: the observer may send, which may overwrite a record that has left its queue.
    ///
    /// # Safety
    /// `at` is a record that was taken out of its queue, and is not used again.
    pub(crate) unsafe fn refuse(
        &'static self,
        at: *mut Word,
        reason: Reason,
        verdict: &RequestError,
    ) {
        // SAFETY: as the caller says.
        match unsafe { room::open(at) } {
            Opened::Plain => {}
            Opened::Nothing => return,
            // SAFETY: it was taken out of its room just now.
            Opened::Message(mut record) => unsafe {
                return self.refuse(record.as_mut_ptr(), reason, verdict);
            },
        }
        // SAFETY: as the caller says.
        let what = unsafe { self.throw_away(at, reason, verdict) };
        if let Some(what) = what {
            self.report(what);
        }
    }

    /// Drops one record's message; returns what there is to report.
    ///
    /// # Safety
    /// As for [`refuse`](Self::refuse).
    pub(crate) unsafe fn throw_away(
        &'static self,
        at: *mut Word,
        reason: Reason,
        verdict: &RequestError,
    ) -> Option<Undeliverable> {
        // SAFETY: as the caller says.
        let (head, (kind, payload, from)) = unsafe { (header(at), signed::open(at)) };
        let to = match kind.way {
            // SAFETY: the payload is still there.
            Way::Address => unsafe { (*(kind.look)(payload)).downcast_ref().copied() },
            Way::Actor | Way::Own => None,
        };
        let to = to.unwrap_or(Address::new(self, head.slot(), head.generation()));
        {
            let _verdict = Verdict::set(verdict);
            // A panic while a message is dropped hurts nobody: there is no instance to blame.
            let _ = here::guard(|| {
                // SAFETY: as the caller says.
                unsafe { (kind.discard)(payload) }
            });
        }
        (kind.way != Way::Own).then(|| Undeliverable::one((kind.name)(), from, to, reason))
    }

    /// Counts and reports a message that could not be delivered: many together if there are many for which
    /// there is no room.
    pub(crate) fn report(&'static self, what: Undeliverable) {
        let is_first = self.count(what.reason);
        let what = match what.reason {
            // What nobody is told of takes nothing along that is still to be told.
            Reason::Full if !Hush::is_there() => {
                let mut full = lock(&self.full);
                self.refuses.store(true, Ordering::Relaxed);
                full.to = Some(what.to);
                full.tally.add(what)
            }
            _ => Some(what),
        };
        if let Some(what) = what {
            self.tell_undelivered(&what, is_first);
        }
    }

    /// The same for so many like it, at once.
    pub(crate) fn report_all(&'static self, what: Undeliverable, times: usize) {
        let times = times as u64;
        let lost = &self.undelivered[what.reason as usize];
        let is_first = lost.fetch_add(times, Ordering::Relaxed) == 0;
        self.tell_undelivered(&Undeliverable { times, ..what }, is_first);
    }

    /// Counts a message that could not be delivered. True if it is the first for this reason.
    pub(crate) fn count(&self, reason: Reason) -> bool {
        self.undelivered[reason as usize].fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Tells whoever wants to know of what could not be delivered.
    pub(crate) fn tell_undelivered(&self, what: &Undeliverable, is_first: bool) {
        let losses = lock(&self.losses);
        if let Some(losses) = &*losses {
            let mut losses = lock(losses);
            losses.push(*what);
        }
        drop(losses);
        match self.observer() {
            Some(observer) => {
                if let Some(_hush) = Hush::begin() {
                    let _ = here::guard(|| observer.undelivered(what));
                }
            }
            None if cfg!(debug_assertions) && is_first => {
                eprintln!("rotor: {what}; later ones are counted only");
            }
            None => {}
        }
    }

    /// Tells the observer, if there is one.
    #[inline]
    pub(crate) fn tell_observer(&self, tell: impl FnOnce(&dyn Observer)) {
        if let Some(observer) = self.observer() {
            let _ = here::guard(|| tell(&*observer));
        }
    }

    /// What was installed for the tree that uses this locality.
    #[inline(always)]
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        if self.is_observed() {
            lock(&self.observer).clone()
        } else {
            None
        }
    }

    /// Whether there is an observer.
    #[inline(always)]
    pub(crate) fn is_observed(&self) -> bool {
        // A reader that sees it late misses what happened before the tree started.
        self.observed.load(Ordering::Acquire)
    }

    /// Notes which tree has placed something here, and its observer.
    pub(crate) fn join(&self, app: &Arc<AppShared>, observer: Option<Arc<dyn Observer>>) {
        *lock(&self.app) = Arc::downgrade(app);
        if let Some(observer) = observer {
            let signs = here::guard(|| observer.wants_sender()).unwrap_or(false);
            self.signs.store(signs, Ordering::Relaxed);
            let counts = here::guard(|| observer.wants_counts()).unwrap_or(false);
            self.counts.store(counts, Ordering::Relaxed);
            let old = lock(&self.observer).replace(observer);
            let _ = here::guard(|| drop(old));
            self.observed.store(true, Ordering::Release);
        }
    }

    /// The tree that has placed something here last, if it is still known.
    pub(crate) fn app(&self) -> Option<Arc<AppShared>> {
        lock(&self.app).upgrade()
    }

    /// Opens for a driver on this thread.
    pub(crate) fn open(&'static self, wake: Arc<dyn Wake>) {
        self.owner.store(here::thread(), Ordering::Relaxed);
        let slices = self.slices.load(Ordering::Relaxed);
        self.opened_at.store(slices, Ordering::Relaxed); // before senders see that it is open
        self.given_up.renew();
        self.entrance.open(Arc::new(Counted(self, wake)));
        let later = {
            let mut later = lock(&self.later);
            later.as_mut().map(std::mem::take)
        };
        for call in later.into_iter().flatten() {
            Control::post(self, Control::Call(call));
        }
    }

    /// No loop will open the locality any more: what waits for that is dropped.
    pub(crate) fn retire(&self) {
        let later = lock(&self.later).take();
        drop(later); // not under the lock: it says so to whom it is of
    }

    /// Whether no loop will open the locality of an address any more.
    pub(crate) fn is_over(&self, of: Address) -> bool {
        let later = lock(&self.later);
        later.is_none() || self.is_past(of)
    }

    /// Whether an address is of an earlier locality, which had the gate before this one.
    pub(crate) fn is_past(&self, of: Address) -> bool {
        of.generation < self.base()
    }

    /// Runs `f` in the locality, and if that is lost by now, in its next life; drops it if there is none.
    pub(crate) fn call_when_open(&'static self, f: impl FnOnce(&Local) + Send + 'static) {
        let mut later = lock(&self.later);
        // One that is opened meanwhile looks here afterwards.
        let closed = self.entrance.is_closed();
        match &mut *later {
            Some(later) if closed => return later.push(Box::new(f)),
            _ => drop(later),
        }
        if !closed {
            Control::call(self, f);
        }
    }

    /// The same, also if it is lost before that has run.
    pub(crate) fn call_in_some_life(&'static self, f: impl FnOnce(&Local) + Send + 'static) {
        self.call_when_open(Lasting::of(self, Box::new(f)));
    }

    /// A driver has it open, which has this clock.
    pub(crate) fn set_clock(&self, clock: &Clock) {
        self.turned.store(clock.nanos(), Ordering::Relaxed);
        *lock(&self.clock) = Some(clock.clone());
    }

    /// How long ago its last slice began; the longest time if none has since it was opened, or ever.
    pub(crate) fn since_turn(&self) -> Duration {
        if self.is_unturned() {
            return Duration::MAX;
        }
        let clock = lock(&self.clock).clone();
        let turned = self.turned.load(Ordering::Relaxed);
        let age = |clock: Clock| Duration::from_nanos(clock.nanos().saturating_sub(turned));
        clock.map_or(Duration::MAX, age)
    }

    pub(crate) fn note_handling(&self, handling: Option<(Handling, u64)>) {
        *lock(&self.handling) = handling;
    }

    /// The message that is handled, while that is noted.
    pub(crate) fn handling(&self) -> Option<Handling> {
        let now = lock(&self.clock).clone()?.nanos();
        let (handling, since) = lock(&self.handling).clone()?;
        let age = Duration::from_nanos(now.saturating_sub(since));
        Some(Handling { age, ..handling })
    }

    /// Counts a slice. Owner only.
    pub(crate) fn note_slice(&self) {
        let before = self.slices.load(Ordering::Relaxed);
        let first = self.is_unturned();
        self.slices.store(before + 1, Ordering::Relaxed);
        if first {
            drop(lock(&self.first_slice)); // what is taken back from now on is not
        }
    }
}

impl PartialEq for Gate {
    fn eq(&self, other: &Gate) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Gate {}

impl Hash for Gate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.serial.hash(state);
    }
}

impl PartialOrd for Gate {
    fn partial_cmp(&self, other: &Gate) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for Gate {
    fn cmp(&self, other: &Gate) -> Order {
        self.serial.cmp(&other.serial)
    }
}

/// A call that waits at a gate for the next life, if it is dropped before it has run.
struct Lasting(&'static Gate, Option<Call>);

impl Lasting {
    fn of(gate: &'static Gate, call: Call) -> Call {
        let mut lasting = Lasting(gate, Some(call));
        Box::new(move |here: &Local| {
            if let Some(call) = lasting.1.take() {
                call(here);
            }
        })
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        if let Some(call) = self.1.take() {
            let mut later = lock(&self.0.later);
            // A sender may throw away what it has found there when it is open again.
            let closed = self.0.entrance.is_closed();
            match &mut *later {
                Some(later) if closed => return later.push(Lasting::of(self.0, call)),
                _ => drop(later),
            }
            if !closed {
                Control::post(self.0, Control::Call(Lasting::of(self.0, call)));
            } // else the call goes, a user's in parts, when nothing is locked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever kept an address of it would reach somebody else's actors.
    #[test]
    fn s02_a_gate_whose_generations_are_used_up_is_not_used_again() {
        for last in [RETIRE, u32::MAX] {
            let gate = Gate::take("gate".into());
            gate.begin_at(last);
            gate.recycle();
            let others: Vec<_> = (0..=POOL.len())
                .map(|_| Gate::take("gate".into()))
                .collect();
            assert!(!others.contains(&gate));
            others.into_iter().for_each(Gate::recycle);
        }
    }

    #[test]
    fn s02_the_next_life_of_a_gate_begins_above_the_last_one() {
        let gate = Gate::take("gate".into());
        let (_, first) = gate.mint();
        gate.note_generation(first + 7);
        gate.recycle();
        assert!(gate.base() > first + 7); // it may be somebody else's already
    }
}
