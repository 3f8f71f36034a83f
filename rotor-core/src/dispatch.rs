//! Dispatch: taking records from the queues and running their handlers.

#![expect(unsafe_code)]

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::address::Address;
use crate::chunk::Chunk;
use crate::drain::Drain;
use crate::exit::Exit;
use crate::here::{self, Caught, HERE, Hush};
use crate::lane::{NORMAL, SYSTEM, URGENT};
use crate::locality::{Control, Local};
use crate::message::{CLONE, Command, Commanded, Header, Inline, LOCALITY, RECORD, Record, Way};
use crate::observe::Reason;
use crate::parcel::{Contents, Parcel};
use crate::queue::{Flat, HEADER, Word, header};
use crate::request::RequestError;
use crate::room::{self, Opened};
use crate::signed::{self, LONGEST, copied};
use crate::slot::State;
use crate::strategy::Step;
use crate::task;
use crate::things::{Body, Key};
use crate::timer;

/// Messages from higher lanes after which each lower lane gets one.
pub(crate) const SHARE: u32 = 32;
/// Messages between two reads of the clock: at least, and at most. It doubles while a stride takes little time.
pub(crate) const STRIDE: (u32, u32) = (4, 256);

/// Own messages of System that go ahead of those from elsewhere while they do not end.
const PATIENCE: u32 = 1024;

/// How often those are told who send when they are told that a locality ends.
const ROUNDS: u32 = 8;

/// Behind what is queued when the locality ends.
struct Mark;

impl Command for Mark {
    const LANE: usize = NORMAL;

    fn run(self, _: &Local, _: u32) {}
}

/// What is left of a turn's budget.
pub(crate) struct Limit {
    pub(crate) messages: u32,
    /// When the turn ends, in nanoseconds of the clock.
    pub(crate) until: u64,
    /// The time part of the whole budget, in nanoseconds.
    pub(crate) time: u64,
}

impl Local {
    /// Runs what is queued, within the limit, from `now` on. True if the limit ended it before all was done:
    /// what came later than it was seen to be idle is for who turns it to see.
    pub(crate) fn slice(&self, limit: &mut Limit, now: u64) -> bool {
        /// No slice runs inside another one.
        struct Clear;
        impl Drop for Clear {
            fn drop(&mut self) {
                HERE.with(|here| {
                    here.gate.set(std::ptr::null());
                    here.local.set(std::ptr::null());
                    here.signing.set(std::ptr::null());
                });
            }
        }
        let _clear = Clear;
        HERE.with(|here| {
            if self.gate.signs.load(Ordering::Relaxed) {
                return here.signing.set(self);
            }
            here.gate.set(self.gate);
            here.local.set(self);
        });
        self.gate.note_slice();
        let mut first = true;
        // After a panic it is entered again.
        let more = loop {
            let serve = || {
                if std::mem::take(&mut first) {
                    self.tick_at(now);
                    self.gate.turned.store(now, Ordering::Relaxed);
                }
                let more = self.serve(limit);
                self.current.set(LOCALITY);
                if self.things.borrow().has_unarmed() {
                    self.tick();
                    // What is due by now may have begun further limits.
                    self.things.borrow_mut().stamp(self.now.get());
                }
                self.tell_refused();
                self.flush();
                more
            };
            match catch_unwind(AssertUnwindSafe(serve)) {
                Ok(more) => break more,
                // Not out of a queue: in what was parked or interrupted, or core's own bug.
                Err(payload) => {
                    // What ran before it in the same stride was not counted.
                    limit.messages = limit.messages.saturating_sub(self.stride.get());
                    self.crashed(payload, limit);
                }
            }
            if self.bug.borrow().is_some() {
                break false;
            }
        };
        if self.behind.get() && self.is_gate_empty() {
            self.behind.set(false);
        }
        more
    }

    /// Whether nothing of what was sent through the gate is left.
    pub(crate) fn is_gate_empty(&self) -> bool {
        self.chunks.iter().all(|chunk| chunk.borrow().is_none()) && self.gate.entrance.is_empty()
    }

    /// Whether nothing of what came through the gate in this lane is left.
    pub(crate) fn is_lane_empty(&self, lane: usize) -> bool {
        self.chunks[lane].borrow().is_none() && self.gate.entrance.is_lane_empty(lane)
    }

    /// Whether nothing is waiting to be run.
    pub(crate) fn is_idle(&self) -> bool {
        self.lanes.iter().all(Flat::is_empty)
            && self.is_gate_empty()
            && self.interrupted.borrow().is_empty()
            && self.unparking.borrow().is_empty()
            && self.dropped.borrow().is_empty()
    }

    /// Gives memory back before the loop waits.
    pub(crate) fn rest(&self) {
        self.lanes.iter().for_each(Flat::trim);
        self.stride.set(STRIDE.0);
    }

    /// Reads the clock and queues what is due.
    pub(crate) fn tick(&self) {
        self.tick_at(self.clock.nanos());
    }

    fn tick_at(&self, now: u64) {
        self.now.set(now);
        if self.things.borrow_mut().are_quiet(now) {
            return;
        }
        let mut rest = std::mem::take(&mut *self.due.borrow_mut());
        {
            let own = |slot, key| self.own_due(slot, key);
            let mut things = self.things.borrow_mut();
            things.stamp(now);
            things.due(now, own, &mut rest);
        }
        for (slot, key) in rest.drain(..) {
            self.due(slot, key);
        }
        *self.due.borrow_mut() = rest;
    }

    /// The next deadline, in nanoseconds of the clock.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.things.borrow().next_due()
    }

    fn due(&self, slot: u32, key: crate::things::Key) {
        enum Due {
            Own,
            Limit(u32, u64),
            TreeLimit(Duration),
            Expiry(u64),
            DrainLimit,
            Leaving,
            Ask(std::sync::Arc<dyn crate::request::Refuse>),
        }
        let due = match self.things.borrow_mut().body(key) {
            None => return,
            Some(Body::Limit { child, incarnation }) => Due::Limit(*child, *incarnation),
            Some(Body::TreeLimit(limit)) => Due::TreeLimit(*limit),
            Some(Body::Expiry(hold)) => Due::Expiry(*hold),
            Some(Body::DrainLimit) => Due::DrainLimit,
            Some(Body::Ask(cell)) => Due::Ask(cell.clone()),
            Some(Body::Leaving) => Due::Leaving,
            Some(_) => Due::Own,
        };
        match due {
            Due::Own => self.own_due(slot, key),
            Due::Limit(child, incarnation) => self.limit_passed(slot, child, incarnation),
            Due::TreeLimit(limit) => self.tree_limit_passed(slot, limit),
            Due::Expiry(hold) => self.release(slot, hold, Some(key)),
            Due::DrainLimit => self.drain_limit_passed(slot, key),
            Due::Leaving => self.leave_by_force(slot),
            Due::Ask(cell) => self.ask_limit_passed(key, &*cell),
        }
    }

    /// A deadline goes to its actor.
    fn own_due(&self, slot: u32, key: crate::things::Key) {
        let head = Header::new(timer::Due::KIND, slot, self.slots.generation(slot));
        self.push(NORMAL, head, Inline(key));
    }

    /// The loop of a slice. True if the budget ended it.
    fn serve(&self, limit: &mut Limit) -> bool {
        self.far.set(false); // after a panic, perhaps
        // How many messages are left when the clock is read next, whatever lanes they are of.
        let mut next_look = limit.messages.saturating_sub(self.stride.get());
        loop {
            self.current.set(LOCALITY);
            self.settle_dropped(None);
            if limit.messages == 0 {
                return !self.is_idle();
            }
            if limit.messages <= next_look {
                if self.time_is_up(limit) {
                    return !self.is_idle();
                }
                next_look = limit.messages.saturating_sub(self.stride.get());
            }
            // Whatever was pushed before it was set is seen below.
            if self.gate.pressing.take() {
                while let Some(kill) = self.gate.next_kill() {
                    self.kill(kill);
                }
            }
            let (higher, system) = (self.higher.get(), self.system.get());
            let stride = self.stride.get();
            if higher >= SHARE {
                // Normal's share of what the two lanes above it have taken: a message, and little more of a publish.
                self.higher.set(0);
                self.interrupt();
                // What was interrupted comes first, as it does below.
                if !self.resume_interrupted(limit) {
                    self.run_normal(limit, 1);
                }
                continue;
            }
            if system >= SHARE {
                // Urgent's share of what supervision has taken.
                self.system.set(0);
                self.higher.set(higher + self.run_lane(URGENT, limit, 1));
                continue;
            }
            let ran = self.run_lane(SYSTEM, limit, stride.min(SHARE - higher.max(system)));
            if ran > 0 {
                self.higher.set(higher + ran);
                self.system.set(system + ran);
                continue;
            }
            self.system.set(0);
            let ran = self.run_lane(URGENT, limit, stride.min(SHARE - higher));
            if ran > 0 {
                self.higher.set(higher + ran);
                continue;
            }
            self.higher.set(0);
            if self.resume_interrupted(limit) {
                continue;
            }
            let ran = self.run_normal(limit, stride);
            // A whole stride hardly was the last of it.
            if ran < stride && self.is_idle() {
                return false;
            }
        }
    }

    /// Reads the clock after a stride, adapts the stride, and says whether the budget's time is up.
    fn time_is_up(&self, limit: &Limit) -> bool {
        let before = self.now.get();
        self.tick();
        let (now, stride) = (self.now.get(), self.stride.get());
        let quick = now.saturating_sub(before) < limit.time / 16;
        self.stride.set(if quick {
            (stride * 2).min(STRIDE.1)
        } else {
            STRIDE.0
        });
        now >= limit.until
    }

    /// Runs up to `n` messages that are parked for actors that run now, and then of Normal. Returns how many.
    fn run_normal(&self, limit: &mut Limit, n: u32) -> u32 {
        let mut ran = 0;
        if !self.normal_first.take() {
            ran = self.unpark(limit, n);
            if ran > 0 && (ran == n || self.is_interrupted()) {
                self.normal_first.set(true);
                return ran;
            }
        }
        ran + self.run_lane(NORMAL, limit, n - ran)
    }

    /// Runs up to `n` records of a lane, own and foreign ones. Returns how many.
    #[inline(always)] // of three lanes, two are mostly empty
    fn run_lane(&self, lane: usize, limit: &mut Limit, n: u32) -> u32 {
        self.lane.set(lane);
        let foreign = !self.is_lane_empty(lane);
        if !foreign && self.lanes[lane].is_empty() {
            return 0;
        }
        self.run_queues(lane, foreign, limit, n.min(limit.messages))
    }

    /// Runs up to `n` records of a lane that is not empty.
    #[inline(never)]
    fn run_queues(&self, lane: usize, foreign: bool, limit: &mut Limit, n: u32) -> u32 {
        // One half for each, and the odd one by turns.
        let odd = foreign && self.odd[lane].replace(!self.odd[lane].get());
        let share = if foreign { (n + u32::from(odd)) / 2 } else { n };
        let mut ran = 0;
        let passed_over = &self.passed_over[lane];
        // Supervision that is under way here is not interrupted by each word from elsewhere.
        let patience = if lane == SYSTEM { PATIENCE } else { 1 };
        let owed = foreign && passed_over.get() >= patience;
        if owed {
            passed_over.set(0);
            ran += self.run_foreign(lane, (n - share).max(1), limit);
            self.lane.set(lane);
        }
        if ran == 0 || !self.is_interrupted() {
            let share = if owed { n.saturating_sub(ran) } else { share };
            ran += self.drain(&self.lanes[lane], share, limit);
        }
        if foreign && !owed && ran < n {
            // What goes ahead of this lane was there before: it does not take this turn from it, but what
            // is done now may. Then what has come from elsewhere goes first in a later turn.
            if ran == 0 || !self.is_interrupted() {
                passed_over.set(0);
                ran += self.run_foreign(lane, n - ran, limit);
            } else {
                passed_over.set(passed_over.get() + ran);
            }
        }
        limit.messages -= ran.min(limit.messages);
        ran
    }

    /// Runs up to `n` records that came from other localities and threads. What is sent here meanwhile in a
    /// higher lane, also in this one, goes ahead of the rest.
    fn run_foreign(&self, lane: usize, n: u32, limit: &mut Limit) -> u32 {
        self.lane.set(NORMAL);
        self.far.set(true);
        let mut ran = 0;
        while ran < n {
            let active = self.chunks[lane].borrow_mut().take();
            let contents = active
                .map(Contents::Chunk)
                .or_else(|| self.take_parcel(lane));
            match contents {
                None => break,
                Some(Contents::One(mut one)) => {
                    let at = one.as_mut_ptr();
                    ran += self.run_at(&Cell::new(at), 1, limit, |_| {
                        self.exec(at);
                        0
                    });
                }
                Some(Contents::Chunk(chunk)) => {
                    ran += self.drain_chunk(&chunk, n - ran, limit);
                    if chunk.is_empty() {
                        chunk.give_back(self.gate);
                    } else {
                        *self.chunks[lane].borrow_mut() = Some(chunk);
                    }
                }
            }
            // A panic may have taken all of the turn's time.
            if self.is_interrupted() || limit.messages == 0 {
                break;
            }
        }
        self.far.set(false);
        ran
    }

    /// Takes the next parcel of a lane that has come through the gate.
    #[inline(always)]
    pub(crate) fn take_parcel(&self, lane: usize) -> Option<Contents> {
        // SAFETY: a `Local` owns its gate, and stays on its thread.
        unsafe { self.gate.entrance.pop(lane) }.map(Parcel::open)
    }

    /// Whether something has come that goes ahead of the lane that is run.
    fn is_interrupted(&self) -> bool {
        !self.lanes[SYSTEM].is_empty() || self.gate.pressing.is_set()
    }

    /// Runs up to `n` records of a queue, fewer if something goes ahead of them.
    fn drain(&self, queue: &Flat, n: u32, limit: &mut Limit) -> u32 {
        self.run_at(queue.cursor(), n, limit, |mut left| {
            while left > 0
                && let Some(at) = queue.front()
            {
                // The first one, and whatever the hot loop leaves.
                let bytes = self.exec(at);
                // SAFETY: that is the length of the record at the cursor.
                unsafe { queue.advance(bytes) };
                left = self.drain_running(queue, left - 1);
                if self.gate.pressing.is_set() {
                    break;
                }
            }
            left
        })
    }

    /// The same for a chunk.
    fn drain_chunk(&self, chunk: &Chunk, n: u32, limit: &mut Limit) -> u32 {
        let cursor = Cell::new(std::ptr::null_mut());
        self.run_at(&cursor, n, limit, |mut left| {
            while left > 0
                && let Some(at) = chunk.pop()
            {
                cursor.set(at);
                self.exec(at);
                left = self.drain_alike(chunk, &cursor, left - 1);
                if self.gate.pressing.is_set() {
                    break;
                }
            }
            left
        })
    }

    /// Runs up to `n` records from a cursor on by `run`, which is told how many, and says how many of
    /// them are left; ends the instance of the one that panics. Returns what is charged for them.
    ///
    /// The panic is caught as near to its handler as can be, with nothing to clean up on the way:
    /// unwinding takes most of the time of a restart, and grows with every frame and every stop.
    #[inline(always)]
    fn run_at(
        &self,
        cursor: &Cell<*mut Word>,
        n: u32,
        limit: &mut Limit,
        run: impl FnOnce(u32) -> u32,
    ) -> u32 {
        let running = Running::enter(self, cursor);
        self.run_from.set(cursor);
        let done = catch_unwind(AssertUnwindSafe(|| run(n)));
        self.run_from.set(std::ptr::null());
        let left = match done {
            Ok(left) => {
                running.leave();
                left
            }
            Err(payload) => {
                drop(running);
                self.crashed(payload, limit);
                0 // how many ran before it is not known
            }
        };
        n - left + self.charged.take()
    }

    /// The hot loop: runs records whose target simply runs. Returns how many of `left` are left.
    ///
    /// It does nothing else, and calls nothing else, so that it is one straight line.
    #[inline(always)]
    fn drain_running(&self, queue: &Flat, mut left: u32) -> u32 {
        // Read once: for all the compiler knows, a handler could change it.
        let gate = self.gate;
        // A plain load of a word that is rarely written.
        while left > 0 && !gate.pressing.is_set() {
            let (at, slot, generation) = queue.next();
            let Some(actor) = self.slots.running(slot, generation) else {
                break;
            };
            // SAFETY: an actor's target: `at` is a record.
            let head = unsafe { header(at) };
            // SAFETY: the generation is that of the running instance, so the record was made for
            // its type; `run` moves the payload out before it calls anything.
            let bytes = unsafe { (head.kind.run)(at, actor, self, slot) };
            // SAFETY: that is the length of the record at the cursor.
            unsafe { queue.advance(bytes) };
            left -= 1;
        }
        left
    }

    /// The hot loop of a chunk: runs records that are like the one before. As
    /// [`drain_running`](Self::drain_running).
    #[inline(always)]
    fn drain_alike(&self, chunk: &Chunk, cursor: &Cell<*mut Word>, mut left: u32) -> u32 {
        // Read once: for all the compiler knows, a handler could change them.
        let gate = self.gate;
        let Some(alike) = chunk.alike() else {
            return left;
        };
        let (slot, generation) = (alike.head().slot(), alike.head().generation());
        let run = alike.head().kind.run;
        while left > 0
            && !gate.pressing.is_set()
            && let Some(actor) = self.slots.running(slot, generation)
            && let Some(at) = alike.pop()
        {
            cursor.set(at);
            // SAFETY: as in `drain_running`.
            unsafe { run(at, actor, self, slot) };
            left -= 1;
        }
        left
    }

    /// Runs a record, which stays where it is meanwhile, and returns its length in bytes.
    fn exec(&self, at: *mut Word) -> usize {
        // SAFETY: `at` is a record.
        let head = unsafe { header(at) };
        self.ran.set(head.slot());
        let Some(actor) = self.slots.running(head.slot(), head.generation()) else {
            return self.exec_cold(at);
        };
        // SAFETY: as in `drain_running`.
        unsafe { (head.kind.run)(at, actor, self, head.slot()) }
    }

    /// A record whose target does not simply run.
    #[cold]
    #[inline(never)]
    fn exec_cold(&self, at: *mut Word) -> usize {
        let before = self.current.replace(LOCALITY);
        // SAFETY: as in `exec`.
        let head = unsafe { header(at) };
        if head.slot() == LOCALITY {
            // SAFETY: records for the locality need no actor.
            unsafe { (head.kind.run)(at, std::ptr::null_mut(), self, LOCALITY) };
        } else {
            self.meet_target(at, head);
        }
        self.current.set(before);
        head.kind.bytes()
    }

    /// Apart from the orders and news of supervision, which need no room for copies of records.
    #[inline(never)]
    fn meet_target(&self, at: *mut Word, head: Header) {
        // SAFETY: as in `exec`.
        let payload = unsafe { at.add(HEADER) };
        let to = Address::new(self.gate, head.slot(), head.generation());
        let Some(slot) = self.find_or_await(to) else {
            // SAFETY: as in `exec`.
            return unsafe { self.gate.refuse(at, Reason::Gone, &RequestError::Gone) };
        };
        match head.kind.way {
            // SAFETY: as for the locality.
            Way::Address => unsafe {
                (head.kind.run)(at, std::ptr::null_mut(), self, slot);
            },
            Way::Own => {
                let actor = self.slots.actor(slot);
                // SAFETY: as in `exec`; it is only looked at.
                let void = self.is_void(slot, unsafe { &*(head.kind.look)(payload) });
                // After a failure the state is not used again, though it is still there.
                let failed = self.seat(slot, |seat| {
                    let failed = seat.exit.as_ref().is_some_and(Exit::is_abnormal);
                    failed && seat.state != State::Stopping
                });
                if actor.is_null() || failed || void {
                    let _ = here::guard(|| {
                        // SAFETY: as in `exec`.
                        unsafe { (head.kind.discard)(payload) }
                    });
                } else {
                    // SAFETY: as in `exec`; a panic leaves it at that.
                    self.risk(slot, || unsafe { (head.kind.discard)(payload) });
                    // SAFETY: as in `exec`.
                    let _handled = self.note_handling(slot, unsafe { signed::name(at) });
                    self.current.set(RECORD);
                    // SAFETY: an instance is there; what does not belong to it misses by serial.
                    unsafe { (head.kind.run)(at, actor, self, slot) };
                }
            }
            Way::Actor if self.is_late(slot) => {
                let verdict = RequestError::Ended(Exit::shutdown());
                // SAFETY: as in `exec`.
                unsafe { self.refuse_late(at, Reason::Stopped, &verdict) }
            }
            Way::Actor if room::is_ticket(head.kind) && self.is_free(slot) => {
                // SAFETY: as in `exec`; the ticket is used this once.
                if let Opened::Message(record) = unsafe { room::open(at) } {
                    self.meet_message(slot, record);
                }
            }
            Way::Actor if self.is_free(slot) && self.is_hooked(slot) => {
                // SAFETY: as in `exec`.
                let record = unsafe { copied(at) };
                self.meet_hooks(slot, record);
            }
            Way::Actor if self.is_free(slot) => {
                // SAFETY: as in `exec`; a panic leaves it at that.
                self.risk(slot, || unsafe { (head.kind.discard)(payload) });
                // SAFETY: as in `exec`.
                let _handled = self.note_handling(slot, unsafe { signed::name(at) });
                self.current.set(RECORD);
                // SAFETY: as in `exec`; the slot is shut only so that its messages come here.
                unsafe { (head.kind.run)(at, self.slots.actor(slot), self, slot) };
            }
            // SAFETY: as in `exec`.
            Way::Actor => unsafe { self.park_or_refuse(at) },
        }
    }

    /// Whether a record is of a timer or a future of an instance that has cancelled it: nothing of that is seen.
    fn is_void(&self, slot: u32, record: &dyn Any) -> bool {
        let is_gone = |&due: &Key| self.things.borrow().slot_of(due) != Some(slot);
        record.downcast_ref().is_some_and(is_gone)
            || record.downcast_ref().is_some_and(task::Call::is_stale)
    }

    /// Keeps a record for the instance that its slot will have, or reports it.
    ///
    /// # Safety
    /// `at` is a record for a slot of this locality that nobody uses again.
    pub(crate) unsafe fn park_or_refuse(&self, at: *mut Word) {
        // SAFETY: as the caller says.
        let head = unsafe { header(at) };
        let (words, lane) = (head.kind.words as usize, head.kind.lane as usize);
        // What tickets stand for has been let in.
        let is_ticket = room::is_ticket(head.kind);
        let refused = self.seat(head.slot(), |seat| match seat.obstacle() {
            Some(reason) if reason != Reason::Full || !is_ticket => {
                let verdict = match reason {
                    Reason::Full => RequestError::Full,
                    Reason::Stopped => {
                        RequestError::Ended(seat.exit.clone().unwrap_or(Exit::shutdown()))
                    }
                    _ => RequestError::Gone,
                };
                let late = seat.drain == Drain::Parked && seat.state.is_alive();
                Some((reason, verdict, late))
            }
            _ => {
                // SAFETY: the record was taken out of its queue.
                unsafe { seat.park(lane, at, words) };
                None
            }
        });
        match refused {
            None => {}
            // SAFETY: as in `exec`.
            Some((reason, verdict, true)) => unsafe { self.refuse_late(at, reason, &verdict) },
            // SAFETY: as in `exec`.
            Some((reason, verdict, false)) => unsafe { self.gate.refuse(at, reason, &verdict) },
        }
    }

    /// Refuses what comes too late for an actor that still handles what came before.
    ///
    /// # Safety
    /// As for [`park_or_refuse`](Self::park_or_refuse).
    unsafe fn refuse_late(&self, at: *mut Word, reason: Reason, verdict: &RequestError) {
        // SAFETY: as the caller says.
        match unsafe { room::open_late(at) } {
            // SAFETY: as the caller says.
            Opened::Plain => unsafe { self.gate.refuse(at, reason, verdict) },
            Opened::Nothing => {}
            Opened::Message(mut record) => {
                // SAFETY: it was taken out of its room just now.
                unsafe { self.gate.refuse(record.as_mut_ptr(), reason, verdict) }
            }
        }
    }

    /// Refuses everything that is parked for a slot.
    #[inline]
    pub(crate) fn refuse_parked(&self, slot: u32, reason: Reason, verdict: &RequestError) {
        if self.has_parked(slot) {
            self.refuse_all_parked(slot, reason, verdict);
        }
    }

    /// Whether anything may be parked for a slot.
    #[inline]
    pub(crate) fn has_parked(&self, slot: u32) -> bool {
        self.seat(slot, |seat| seat.parked.is_some()) || self.is_hooked(slot)
    }

    fn refuse_all_parked(&self, slot: u32, reason: Reason, verdict: &RequestError) {
        let Some(mut record) = self.unpark_one(slot) else {
            return;
        };
        loop {
            // SAFETY: a copy of a record that was taken out of its queue.
            unsafe { self.gate.refuse(record.as_mut_ptr(), reason, verdict) };
            match self.unpark_one(slot) {
                Some(next) => record = next,
                None => return,
            }
        }
    }

    /// Takes a parked record out, as a copy.
    fn unpark_one(&self, slot: u32) -> Option<[Word; LONGEST]> {
        self.take_held(slot).or_else(|| {
            self.seat(slot, |seat| {
                let at = seat.unpark()?;
                // SAFETY: `at` is a record.
                Some(unsafe { copied(at) })
            })
        })
    }

    /// Has an instance meet a message, whose hooks are asked first. False if one of them keeps it.
    fn meet_message(&self, slot: u32, mut record: [Word; LONGEST]) -> bool {
        if self.is_hooked(slot) {
            return self.meet_hooks(slot, record);
        }
        // SAFETY: a copy of a record for the instance that runs.
        unsafe { self.run_copy(slot, record.as_mut_ptr()) };
        true
    }

    /// Runs a record that was copied out of its queue.
    ///
    /// # Safety
    /// It is for the instance that runs in `slot`, and nobody uses it again.
    pub(crate) unsafe fn run_copy(&self, slot: u32, at: *mut Word) {
        let cursor = Cell::new(at);
        self.at_cursor(&cursor, || {
            // SAFETY: a record, as the caller says.
            let head = unsafe { header(at) };
            // SAFETY: as above; a panic leaves it at that.
            self.risk(slot, || unsafe { (head.kind.discard)(at.add(HEADER)) });
            // SAFETY: as above.
            let _handled = self.note_handling(slot, unsafe { signed::name(at) });
            // SAFETY: as the caller says.
            unsafe { (head.kind.run)(at, self.slots.actor(slot), self, slot) };
        });
    }

    /// Runs user code that the record at a cursor has come for.
    pub(crate) fn at_cursor<R>(&self, cursor: &Cell<*mut Word>, f: impl FnOnce() -> R) -> R {
        let outer = self.cursor.get();
        let running = Running::enter(self, cursor);
        let done = f();
        running.leave();
        self.cursor.set(outer);
        done
    }

    /// Runs messages that were parked for actors that run now. Returns how many.
    fn unpark(&self, limit: &mut Limit, n: u32) -> u32 {
        let n = n.min(limit.messages);
        let mut ran = 0;
        self.lane.set(NORMAL);
        while ran < n {
            let Some(slot) = self.unparking.borrow().front().copied() else {
                break;
            };
            let runs = self.seat(slot, |seat| {
                seat.state == State::Running && seat.exit.is_none()
            }) && !self.is_waiting(slot);
            let record = if runs { self.unpark_one(slot) } else { None };
            let Some(mut record) = record else {
                self.unparking.borrow_mut().pop_front();
                if runs {
                    self.unparked(slot);
                }
                continue;
            };
            ran += 1;
            let at = record.as_mut_ptr();
            // SAFETY: a copy of a record that was taken out.
            let head = unsafe { header(at) };
            if head.generation() != self.slots.generation(slot) {
                // Parked before it was known for which of the slot's addresses.
                // SAFETY: as above.
                unsafe { self.gate.refuse(at, Reason::Gone, &RequestError::Gone) };
                continue;
            }
            // SAFETY: as above; a ticket is used this once.
            let goes_on = match unsafe { room::open(at) } {
                Opened::Plain => self.meet_message(slot, record),
                Opened::Message(record) => self.meet_message(slot, record),
                Opened::Nothing => true,
            };
            if goes_on {
                self.take_turns(slot);
            } else {
                self.unparking.borrow_mut().pop_front();
            }
            if self.is_interrupted() {
                break;
            }
        }
        limit.messages -= ran;
        ran
    }

    /// Somebody was handed something that was parked. While there is more of it, which may be for ever, others get
    /// theirs, too.
    fn take_turns(&self, slot: u32) {
        let given = self.unparked_in_turn.get() + 1;
        self.unparked_in_turn.set(given % SHARE);
        let mut unparking = self.unparking.borrow_mut();
        if given == SHARE && unparking.front() == Some(&slot) {
            unparking.rotate_left(1);
        }
    }

    fn resume_interrupted(&self, limit: &mut Limit) -> bool {
        let job = self.interrupted.borrow_mut().pop_front();
        let Some(job) = job else { return false };
        job(self);
        limit.messages -= self.charged.take().min(limit.messages);
        true
    }

    /// Refuses everything that is queued, for good: the locality ends.
    pub(crate) fn discard_all(&self) {
        self.behind.set(false); // all that comes now goes where it is found below
        self.gate
            .entrance
            .close(|parcel| self.gate.reject(parcel, Reason::Closed));
        self.gate.tell_refused();
        for chunk in &self.chunks {
            let left = chunk.borrow_mut().take();
            if let Some(chunk) = left {
                self.gate.reject(Parcel::chunk(chunk), Reason::Closed);
            }
        }
        // What is dropped may send to this locality again, through the lanes, and so may those who are told. After
        // some rounds they are not: an observer that sends what it is told would be told for ever.
        let mut hush = None;
        for round in 0.. {
            if round == ROUNDS {
                hush = Hush::begin();
            }
            for lane in &self.lanes {
                lane.push(
                    Header::new(Commanded::<Mark>::KIND, LOCALITY, 0),
                    Inline(Mark),
                );
                while let Some(at) = lane.pop() {
                    // SAFETY: a record that was taken out just now.
                    if std::ptr::eq(unsafe { header(at) }.kind, Commanded::<Mark>::KIND) {
                        break;
                    }
                    // SAFETY: as above.
                    unsafe { self.gate.refuse(at, Reason::Closed, &RequestError::Gone) };
                }
            }
            let interrupted = std::mem::take(&mut *self.interrupted.borrow_mut());
            for job in interrupted {
                let _ = here::guard(|| drop(job));
            }
            self.settle_dropped(None);
            self.end_asks();
            self.flush();
            let is_empty = self.lanes.iter().all(Flat::is_empty);
            if is_empty && self.interrupted.borrow().is_empty() && self.dropped.borrow().is_empty()
            {
                break;
            }
        }
        drop(hush);
    }

    /// Tells the askers of tokens that were dropped since the last call. `crashed` is the slot
    /// whose instance has ended just now.
    pub(crate) fn settle_dropped(&self, crashed: Option<(u32, &Exit)>) {
        if self.dropped.borrow().is_empty() {
            return;
        }
        let dropped = std::mem::take(&mut *self.dropped.borrow_mut());
        for (slot, unanswered) in dropped {
            let exit = match crashed {
                Some((other, exit)) if other == slot => Some(exit.clone()),
                _ if slot < self.slots.len() => {
                    self.seat(slot, |seat| seat.exit.clone().filter(Exit::is_abnormal))
                }
                _ => None,
            };
            let error = exit.map_or(RequestError::Dropped, RequestError::Ended);
            unanswered.tell(error);
        }
    }

    /// User code panicked: its instance ends. What that took is charged to the turn's budget.
    #[cold]
    fn crashed(&self, payload: Box<dyn Any + Send>, limit: &mut Limit) {
        self.end_crashed(Caught::of(payload));
        self.tick();
        if self.now.get() >= limit.until || self.bug.borrow().is_some() {
            limit.messages = 0;
        }
    }

    fn end_crashed(&self, caught: Caught) {
        self.charged.set(0);
        self.published_to.set(None);
        self.sender.set(None);
        let slot = self.current.replace(LOCALITY);
        if slot == LOCALITY || slot == CLONE {
            // Not in an actor's code: core's own bug, or a clone in a publish, which has nobody to blame.
            if slot == LOCALITY {
                *self.bug.borrow_mut() = Some(caught.text);
            }
            return self.handling.set(None);
        }
        let exit = self.panicked(slot, caught);
        self.crash(slot, exit);
    }

    /// Handles a control of core's own.
    pub(crate) fn control(&self, control: Control) {
        match control {
            Control::Start(order) => {
                let (to, incarnation) = (order.to, order.incarnation);
                self.start(order);
                self.limit_step(to, incarnation, Step::Start);
            }
            Control::Go { to, incarnation } => self.go(to, incarnation),
            Control::Stop {
                to,
                incarnation,
                keep,
                exit,
            } => {
                self.stop(to, incarnation, keep, exit);
                self.limit_step(to, incarnation, Step::Stop);
            }
            Control::Kill(kill) => self.kill(kill),
            Control::RemoveOrphan { to } => {
                if let Some(slot) = self.find(to) {
                    self.remove_orphan(slot);
                }
            }
            Control::Adopt(adoption) => self.adopt_remote(*adoption),
            Control::Report {
                to,
                child,
                incarnation,
                news,
            } => {
                self.report(to, child, incarnation, news);
            }
            Control::Retry {
                to,
                child,
                incarnation,
            } => self.retry(to, child, incarnation),
            Control::Suspend { to, on } => self.suspend(to, on),
            Control::StopSelf { to, exit } => self.stop_self(to, exit),
            Control::Drain { to, limit } => self.begin_drain(to, limit),
            Control::Drained { to, last } => self.drained(to, last),
            Control::KillSelf { to } => self.kill_self(to),
            Control::SelfExit { slot, serial } => self.self_exit(slot, serial),
            Control::Crash {
                slot,
                serial,
                caught,
            } => {
                // Its locality may have had another life meanwhile.
                let known = slot < self.slots.len();
                if known && self.seat(slot, |seat| seat.serial == serial) {
                    self.crash(slot, Exit::panicked(caught));
                }
            }
            Control::Release {
                slot,
                serial,
                expiry,
            } => self.release(slot, serial, expiry),
            Control::AskLimit(limit) => self.arm_ask(limit),
            Control::Watch(order) => self.watch(order),
            Control::Unwatch { who, key } => self.unwatch(who, key),
            Control::Down { key, exit } => self.down(key, exit),
            Control::Call(f) => {
                // Core's own closures; what they drop may be a user's.
                let _ = here::guard(|| f(self));
            }
            Control::Closed { locality, life } => self.peer_closed(&locality, life),
            Control::Vacant => {
                self.vacant.set(self.locality.is_vacant());
                self.free_orphans();
            }
        }
    }
}

/// Records of one queue are being run. On the way out of a panic the record that was run is behind
/// the cursor, and its target is `current`.
struct Running<'a> {
    here: &'a Local,
    cursor: &'a Cell<*mut Word>,
}

impl<'a> Running<'a> {
    fn enter(here: &'a Local, cursor: &'a Cell<*mut Word>) -> Self {
        here.cursor.set(cursor);
        here.current.set(RECORD);
        Running { here, cursor }
    }

    fn leave(self) {
        self.here.current.set(LOCALITY);
        std::mem::forget(self);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let at = self.cursor.get();
        // SAFETY: the panic came out of the record at the cursor: its payload was moved out, its
        // header is still there.
        let head = unsafe { header(at) };
        if self.here.current.get() == RECORD {
            self.here.current.set(head.slot());
        }
        if self.here.handling.get().is_none() && head.slot() != LOCALITY {
            // SAFETY: as above.
            self.here.handling.set(Some(unsafe { signed::name(at) }));
        }
        // SAFETY: records are pushed whole.
        self.cursor.set(unsafe { at.byte_add(head.kind.bytes()) });
    }
}

impl Local {
    /// Type of the message in the record that is run, if its handler runs.
    pub(crate) fn running_message(&self) -> Option<fn() -> &'static str> {
        // SAFETY: as in `running_slot`.
        let name = || unsafe { signed::name((*self.cursor.get()).get()) };
        (self.current.get() == RECORD).then(name)
    }

    /// Slot of the instance whose code runs, or `LOCALITY`.
    pub(crate) fn running_slot(&self) -> u32 {
        match self.current.get() {
            // SAFETY: `Running` has set the cursor, and keeps it while `current` is `RECORD`.
            RECORD => unsafe { header((*self.cursor.get()).get()) }.slot(),
            CLONE => LOCALITY,
            slot => slot,
        }
    }
}
