//! Rooms: what waits for a bounded address, and the tickets that stand for it in the lanes.
//!
//! The message itself goes to the room, under its lock, on whatever thread it is sent; a ticket of
//! four words goes the way of messages. Whoever would handle or refuse a ticket does so with the
//! message at the front of the room instead; or at its back, if the ticket comes too late while others
//! wait. So the bound is kept at the door, and no lane or batch ever holds more tickets than that.
//!
//! Nobody else pays: a bounded address has a mark, see [`GateRef`](crate::gate::GateRef), by which it
//! is never taken for one whose messages go straight into a lane.

#![expect(unsafe_code)]

use std::any::TypeId;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use crate::address::{Address, rouse_if};
use crate::bound::{Bound, Key, Overload, Redirect};
use crate::entrance::Pushed;
use crate::exit::{Exit, ExitReason};
use crate::fixed_map::FixedMap;
use crate::gate::{BOUNDED, Gate};
use crate::here::{self, HERE, Hush, with_reachable};
use crate::lane::{NORMAL, URGENT};
use crate::locality::{Control, Local};
use crate::lock::lock;
use crate::message::{Header, Inline, Kind, Record, Stored, Way};
use crate::observe::{Reason, Undeliverable};
use crate::parcel::Parcel;
use crate::queue::{HEADER, Word, header};
use crate::request::RequestError;
use crate::signed::{self, LONGEST};
use crate::slot::State;
use crate::states::{Lifecycle, States};

/// The rooms of a gate, by slot.
#[derive(Default)]
pub(crate) struct Rooms {
    /// There is one, or was. Set before its slot is given out.
    any: AtomicBool,
    by_slot: Mutex<FixedMap<u32, Arc<Room>>>,
}

impl Rooms {
    /// A slot number that nobody else has, with its generation and a room. Any thread.
    pub(crate) fn mint(&self, gate: &'static Gate, bound: Bound) -> (u32, u32) {
        self.any.store(true, Ordering::Relaxed);
        let mut rooms = lock(&self.by_slot);
        let (slot, generation) = gate.mint();
        let at = (slot, generation | BOUNDED);
        rooms.insert(slot, Arc::new(Room::new(gate, at, bound)));
        at
    }

    /// Makes a room for an address of a slot that was used before. Owner only.
    pub(crate) fn open(&self, gate: &'static Gate, at: (u32, u32), bound: Bound) {
        self.any.store(true, Ordering::Relaxed);
        lock(&self.by_slot).insert(at.0, Arc::new(Room::new(gate, at, bound)));
    }

    /// The room of an address, if it is valid.
    pub(crate) fn find(&self, slot: u32, generation: u32) -> Option<Arc<Room>> {
        let found = lock(&self.by_slot).get(&slot).cloned();
        found.filter(|room| room.to.generation == generation)
    }

    /// The mark in the first generation of a slot that nobody had before.
    pub(crate) fn mark_of(&self, slot: u32) -> u32 {
        if !self.any.load(Ordering::Relaxed) {
            return 0;
        }
        let known = lock(&self.by_slot).contains_key(&slot);
        if known { BOUNDED } else { 0 }
    }

    /// The address of a slot is not valid any more. Tickets that are under way find the room all the same.
    pub(crate) fn close(&self, slot: u32) {
        let room = lock(&self.by_slot).remove(&slot);
        if let Some(room) = room {
            room.end();
        }
    }

    /// A lost locality is opened again, as its states say by now. Refuses what an abandoned life has left in
    /// its rooms, and closes those whose addresses nobody can claim.
    pub(crate) fn reopen(&self, states: &States) {
        for room in self.all() {
            room.clear_out();
            let at = room.to;
            if states.read(at.slot, at.generation) == Lifecycle::Gone {
                self.close(at.slot);
            }
        }
    }

    /// The locality has no loop any more: nothing leaves its rooms, so nobody is to wait for that.
    pub(crate) fn tell_lost(&self) {
        self.all().into_iter().for_each(|room| room.end());
    }

    fn all(&self) -> Vec<Arc<Room>> {
        lock(&self.by_slot).values().cloned().collect()
    }

    /// The gate is nobody's any more.
    pub(crate) fn clear(&self) {
        self.any.store(false, Ordering::Relaxed);
        let rooms = std::mem::take(&mut *lock(&self.by_slot));
        for room in rooms.into_values() {
            room.end();
        }
    }
}

/// What waits for a bounded address.
pub(crate) struct Room {
    to: Address,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    bound: Arc<Bound>,
    lanes: [Line; 2],
    /// Of the locality, for which it was cleared out: tickets of an earlier one stand for nothing.
    life: u32,
    /// The actor is about to fail because of its bound.
    fails: bool,
    full: Tally,
    displaced: Tally,
    /// Who waits for room, in order.
    senders: BTreeMap<u64, Waker>,
    next_sender: u64,
}

/// What waits in one lane.
#[derive(Default)]
struct Line {
    messages: VecDeque<Entry>,
    /// The number of the first one.
    first: u64,
    /// The number of the message with a key.
    places: FixedMap<Key, u64>,
    /// Tickets under way: as many as messages, or more if some were dropped.
    tickets: usize,
}

/// The key of a message, by this bound.
type Keyed = (Key, Arc<Bound>);

struct Entry {
    record: [Word; LONGEST],
    key: Option<Key>,
}

impl Entry {
    /// The record; whoever has it owns the payload.
    fn take(self) -> [Word; LONGEST] {
        let record = self.record;
        std::mem::forget(self);
        record
    }
}

impl Drop for Entry {
    /// Nobody has asked for it: its tickets were lost with a loop that was abandoned.
    fn drop(&mut self) {
        let at = self.record.as_mut_ptr();
        // SAFETY: the record is whole, and nobody uses it again.
        let _ = here::guard(|| unsafe { (header(at).kind.discard)(at.add(HEADER)) });
    }
}

impl Line {
    /// Appends a message. True if it needs a ticket.
    fn push(&mut self, entry: Entry) -> bool {
        if let Some(key) = entry.key {
            self.places
                .insert(key, self.first + self.messages.len() as u64);
        }
        self.messages.push_back(entry);
        let needs = self.tickets < self.messages.len();
        self.tickets += usize::from(needs);
        needs
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.messages.pop_front()?;
        self.first += 1;
        Some(self.forgotten(entry))
    }

    /// Takes the newest one out.
    fn pop_last(&mut self) -> Option<Entry> {
        let entry = self.messages.pop_back()?;
        Some(self.forgotten(entry))
    }

    /// One that is taken out: nobody finds it by its key.
    fn forgotten(&mut self, entry: Entry) -> Entry {
        if let Some(key) = entry.key {
            self.places.remove(&key);
        }
        entry
    }

    /// Where a message with this key waits.
    fn place(&mut self, key: Option<Key>) -> Option<&mut Entry> {
        let number = self.places.get(&key?)?;
        self.messages.get_mut((number - self.first) as usize)
    }
}

/// How often one reason was reported since there was room.
#[derive(Default)]
pub(crate) struct Tally {
    untold: u64,
    told: u64,
    last: Option<Undeliverable>,
}

impl Tally {
    /// Adds one; returns what is to be reported: the first one, then as many as all before.
    pub(crate) fn add(&mut self, what: Undeliverable) -> Option<Undeliverable> {
        self.untold += 1;
        self.last = Some(what);
        if self.untold > self.told {
            self.tell()
        } else {
            None
        }
    }

    fn tell(&mut self) -> Option<Undeliverable> {
        let times = std::mem::take(&mut self.untold);
        self.told += times;
        self.last.take().map(|what| Undeliverable { times, ..what })
    }

    /// There is room: what has not been reported is.
    pub(crate) fn rest(&mut self) -> Option<Undeliverable> {
        let rest = self.tell();
        self.told = 0;
        rest
    }
}

impl Waiting {
    fn len(&self) -> usize {
        self.lanes.iter().map(|line| line.messages.len()).sum()
    }

    fn has_room(&self) -> bool {
        self.len() < self.bound.messages
    }

    /// Drops the oldest message, if that is what is done: of both lanes from the one that goes behind,
    /// never one for a message behind it.
    fn make_room(&mut self, lane: usize) -> Option<Entry> {
        let drops = self.bound.overload == Overload::DropOldest;
        let mut lanes = (lane..=NORMAL).rev().filter(|_| drops);
        lanes.find_map(|lane| self.lanes[lane - URGENT].pop())
    }

    /// A message is too much. True if the actor is to fail, and is not about to.
    fn overloads(&mut self) -> bool {
        self.bound.overload == Overload::Fail && !std::mem::replace(&mut self.fails, true)
    }

    /// The sender to be told that there is room.
    fn next_sender(&mut self) -> Option<Waker> {
        let next = self.has_room().then(|| self.senders.pop_first());
        next.flatten().map(|(_, waker)| waker)
    }

    /// What has not been reported, if anybody is told of it now.
    fn rest(&mut self) -> [Option<Undeliverable>; 2] {
        if Hush::is_there() {
            return [None; 2];
        }
        [self.full.rest(), self.displaced.rest()]
    }
}

impl Drop for Room {
    /// The keys and the redirects of a bound are a user's.
    fn drop(&mut self) {
        let waiting = self.waiting.get_mut();
        let waiting = waiting.unwrap_or_else(std::sync::PoisonError::into_inner);
        let bound = std::mem::replace(&mut waiting.bound, Arc::new(Bound::reject(0)));
        let _ = here::guard(|| drop(bound));
    }
}

impl Room {
    fn new(gate: &'static Gate, (slot, generation): (u32, u32), bound: Bound) -> Self {
        Room {
            to: Address::new(gate, slot, generation),
            waiting: Mutex::new(Waiting {
                bound: Arc::new(bound),
                lanes: Default::default(),
                life: 0,
                fails: false,
                full: Tally::default(),
                displaced: Tally::default(),
                senders: BTreeMap::new(),
                next_sender: 0,
            }),
        }
    }

    pub(crate) fn set_bound(&self, bound: Bound) {
        let (old, senders) = {
            let mut waiting = lock(&self.waiting);
            let old = std::mem::replace(&mut waiting.bound, Arc::new(bound));
            // What waits has keys by the old bound, which mean nothing to the new one.
            for line in &mut waiting.lanes {
                line.places.clear();
                line.messages.iter_mut().for_each(|entry| entry.key = None);
            }
            // There may be room, or none may be needed: they look again, each in its place.
            (old, std::mem::take(&mut waiting.senders))
        };
        let _ = here::guard(|| drop(old)); // its keys are a user's
        senders.into_values().for_each(wake);
    }

    /// How many may wait.
    pub(crate) fn bound(&self) -> usize {
        lock(&self.waiting).bound.messages
    }

    /// How many wait, by lane.
    pub(crate) fn lens(&self) -> [u64; 2] {
        let waiting = lock(&self.waiting);
        waiting
            .lanes
            .each_ref()
            .map(|line| line.messages.len() as u64)
    }

    /// Whether one more could wait without another one being dropped.
    fn has_room(&self) -> bool {
        lock(&self.waiting).has_room()
    }

    /// Lets a message in, or hands it back. One that `waits` has the actor fail for nothing.
    ///
    /// The payload is `Send`: another thread may have to drop it.
    pub(crate) fn send<T: Stored>(
        self: &Arc<Self>,
        head: Header,
        value: T,
        waits: bool,
    ) -> Result<(), T> {
        let keyed = self.key_of(head.kind, &value);
        let sent = self.send_keyed(head, value, keyed.as_ref(), waits);
        let _ = here::guard(|| drop(keyed)); // the last one that has the bound, perhaps
        sent
    }

    fn send_keyed<T: Stored>(
        self: &Arc<Self>,
        head: Header,
        value: T,
        keyed: Option<&Keyed>,
        waits: bool,
    ) -> Result<(), T> {
        let from = signed::sender_here();
        let lane = head.kind.lane as usize;
        let mut waiting = lock(&self.waiting);
        // Set meanwhile, a new bound does not know the key, as it knows none of what waits.
        let known = keyed.filter(|(_, bound)| Arc::ptr_eq(bound, &waiting.bound));
        let key = known.map(|(key, _)| *key);
        let entry = |value| Entry {
            record: signed::record(from, head, value),
            key,
        };
        if let Some(place) = waiting.lanes[lane - URGENT].place(key) {
            let old = std::mem::replace(place, entry(value));
            drop(waiting);
            self.lose(old, Reason::Displaced);
            return Ok(());
        }
        let mut old = None;
        if !waiting.has_room() {
            old = waiting.make_room(lane);
            if old.is_none() {
                let redirects = !waits && !waiting.bound.redirects.is_empty();
                let bound = redirects.then(|| waiting.bound.clone());
                drop(waiting);
                let left = match bound {
                    Some(bound) => self.redirect(bound, value),
                    None => Err(value),
                };
                let Err(value) = left else { return Ok(()) };
                if !waits && lock(&self.waiting).overloads() {
                    self.fail();
                }
                return Err(value);
            }
        }
        let needs_ticket = waiting.lanes[lane - URGENT].push(entry(value));
        // Before anybody else has the room: else the next sender's ticket would stand for this message, and
        // this one, which comes later, perhaps too late, for the next sender's.
        let sent = needs_ticket.then(|| self.push_ticket(lane, waiting.life));
        drop(waiting);
        if let Some(sent) = sent {
            self.announce(sent);
        }
        if let Some(old) = old {
            self.lose(old, Reason::Displaced);
        }
        Ok(())
    }

    /// What makes a message the same as another one.
    fn key_of<T>(&self, kind: &Kind, value: &T) -> Option<Keyed> {
        let bound = {
            let waiting = lock(&self.waiting);
            let keys = &waiting.bound.keys;
            (!keys.is_empty()).then(|| waiting.bound.clone())?
        };
        let payload = std::ptr::from_ref(value).cast_mut().cast::<Word>();
        // SAFETY: a payload of this kind, which is only looked at.
        let message = unsafe { &*(kind.look)(payload) };
        let type_id = message.type_id();
        let of_type = bound.keys.iter().find(|(of, _)| *of == type_id);
        let key = here::guard(|| of_type.and_then(|(_, key)| key(message)));
        match key.ok().flatten() {
            Some(key) => Some(((type_id, key), bound)),
            None => {
                let _ = here::guard(|| drop(bound)); // the last one, perhaps
                None
            }
        }
    }

    /// Gives a message that is too much to whoever is to have it in that case, or hands it back.
    fn redirect<T: Stored>(&self, bound: Arc<Bound>, value: T) -> Result<(), T> {
        /// How many of them may follow from each other.
        const DEEPEST: u8 = 8;
        struct Deeper;
        impl Drop for Deeper {
            fn drop(&mut self) {
                HERE.with(|here| here.redirects.set(here.redirects.get() - 1));
            }
        }
        let type_id = TypeId::of::<T::Message>();
        let of_type = bound.redirects.iter().find(|(of, _)| *of == type_id);
        let depth = HERE.with(|here| here.redirects.get());
        let redirect = of_type.and_then(|(_, f)| f.downcast_ref::<Redirect<T::Message>>());
        let left = match redirect.filter(|_| depth < DEEPEST) {
            None => Err(value),
            Some(redirect) => {
                HERE.with(|here| here.redirects.set(depth + 1));
                let _deeper = Deeper;
                let message = value.open();
                if here::guard(|| redirect(message)).is_err() {
                    let name = std::any::type_name::<T::Message>();
                    let from = signed::sender_here();
                    let what = Undeliverable::one(name, from, self.to, Reason::Full);
                    self.count(Reason::Full, Some(what));
                }
                Ok(())
            }
        };
        let _ = here::guard(|| drop(bound)); // the last one, perhaps
        left
    }

    /// Hands over a ticket. Nothing foreign runs before [`announce`](Self::announce).
    fn push_ticket(self: &Arc<Self>, lane: usize, life: u32) -> Sent {
        let gate = self.to.gate();
        let kind = &KINDS[lane - URGENT];
        let head = Header::new(kind, self.to.slot, self.to.generation);
        let ticket = Inline(Ticket(self.clone(), life));
        with_reachable(gate, |local| match local {
            Some(local) if !local.is_behind() => {
                local.push(lane, head, ticket);
                Sent::Here(gate.entrance.is_parked())
            }
            // Not with what is collected for the gate: meanwhile others may wait behind the message.
            // Nor by the gate's bound, which would refuse the oldest message that waits.
            _ => Sent::Away(gate.push_locked(lane, Parcel::of(head, ticket))),
        })
    }

    fn announce(&self, sent: Sent) {
        let gate = self.to.gate();
        match sent {
            Sent::Here(rests) => rouse_if(rests, gate),
            Sent::Away(pushed) => gate.announce(pushed),
        }
    }

    /// Takes the message that a ticket of this lane stands for, from one end or the other.
    fn take_by(
        &self,
        lane: usize,
        life: u32,
        pop: fn(&mut Line) -> Option<Entry>,
    ) -> Option<[Word; LONGEST]> {
        let (entry, sender, rest) = {
            let mut waiting = lock(&self.waiting);
            if life != waiting.life {
                return None;
            }
            let line = &mut waiting.lanes[lane - URGENT];
            line.tickets = line.tickets.saturating_sub(1);
            let entry = pop(line);
            let rest = match waiting.len() {
                0 => waiting.rest(),
                _ => [None; 2],
            };
            (entry, waiting.next_sender(), rest)
        };
        sender.into_iter().for_each(wake);
        self.tell(rest);
        entry.map(Entry::take)
    }

    /// Has the actor fail.
    fn fail(self: &Arc<Self>) {
        /// The next message that is too much is another failure.
        struct Failing(Arc<Room>);
        impl Drop for Failing {
            fn drop(&mut self) {
                lock(&self.0.waiting).fails = false;
            }
        }
        let failing = Failing(self.clone());
        Control::call(self.to.gate(), move |local| {
            local.overloaded(failing.0.to, failing.0.bound());
            drop(failing);
        });
    }

    /// Drops, counts and reports a message that has been in the room.
    fn lose(&self, entry: Entry, reason: Reason) {
        let mut record = entry.take();
        // SAFETY: nobody else has the record.
        unsafe { self.refuse(record.as_mut_ptr(), reason) }
    }

    /// Drops, counts and reports a message that there is no room for.
    ///
    /// # Safety
    /// `at` is a record that nobody uses again.
    unsafe fn refuse(&self, at: *mut Word, reason: Reason) {
        let gate = self.to.gate();
        // SAFETY: as the caller says.
        let what = unsafe { gate.throw_away(at, reason, &RequestError::Full) };
        self.count(reason, what);
    }

    /// Counts and reports what was lost.
    fn count(&self, reason: Reason, what: Option<Undeliverable>) {
        let gate = self.to.gate();
        let is_first = gate.count(reason);
        let report = if Hush::is_there() {
            what // as in `Gate::report`
        } else {
            let mut waiting = lock(&self.waiting);
            let is_empty = waiting.len() == 0;
            let tally = match reason {
                Reason::Displaced => &mut waiting.displaced,
                _ => &mut waiting.full,
            };
            // Emptied since then, perhaps: nobody may come who tells the rest.
            let rest = |tally: &mut Tally| if is_empty { tally.rest() } else { None };
            what.and_then(|what| tally.add(what).or_else(|| rest(tally)))
        };
        if let Some(what) = report {
            gate.tell_undelivered(&what, is_first);
        }
    }

    /// Reports what has not been reported before.
    fn tell(&self, rest: [Option<Undeliverable>; 2]) {
        for what in rest.into_iter().flatten() {
            self.to.gate().tell_undelivered(&what, false);
        }
    }

    /// Has a sender wait for room, in its place among others. False if there is some.
    pub(crate) fn wait(&self, place: &mut Option<u64>, waker: &Waker) -> bool {
        let waker = waker.clone(); // foreign code, as is its drop
        let old = {
            let mut waiting = lock(&self.waiting);
            if waiting.has_room() {
                return false;
            }
            let number = *place.get_or_insert(waiting.next_sender);
            waiting.next_sender = waiting.next_sender.max(number + 1);
            waiting.senders.insert(number, waker)
        };
        drop(old);
        true
    }

    /// A sender does not wait any more. If it was told of room that it has not used, so is the next.
    pub(crate) fn leave(&self, place: u64) {
        let (old, next) = {
            let mut waiting = lock(&self.waiting);
            let old = waiting.senders.remove(&place);
            let next = if old.is_none() {
                waiting.next_sender()
            } else {
                None
            };
            (old, next)
        };
        drop(old);
        next.into_iter().for_each(wake);
    }

    /// There is nothing to wait for any more: senders that do learn it.
    fn end(&self) {
        let (senders, rest) = {
            let mut waiting = lock(&self.waiting);
            (std::mem::take(&mut waiting.senders), waiting.rest())
        };
        senders.into_values().for_each(wake);
        self.tell(rest);
    }

    fn clear_out(&self) {
        let left: Vec<_> = {
            let mut waiting = lock(&self.waiting);
            waiting.life += 1;
            let lines = waiting.lanes.iter_mut();
            let left = lines.flat_map(|line| {
                line.tickets = 0;
                std::iter::from_fn(|| line.pop())
            });
            let left = left.collect();
            waiting.fails = false; // what would end it may lie with what was abandoned
            left
        };
        for entry in left {
            let mut record = entry.take();
            let (gate, gone) = (self.to.gate(), RequestError::Gone);
            // SAFETY: nobody else has the record.
            unsafe { gate.refuse(record.as_mut_ptr(), Reason::Closed, &gone) };
        }
        self.end(); // those look again
    }
}

/// Foreign code.
fn wake(waker: Waker) {
    let _ = here::guard(|| waker.wake());
}

/// Sends a message to a bounded address. The payload is `Send`.
#[cold]
#[inline(never)]
pub(crate) fn push<T: Stored>(gate: &'static Gate, head: Header, value: T) {
    let room = gate.rooms.find(head.slot(), head.generation());
    let closed = gate.entrance.is_closed() && with_reachable(gate, |local| local.is_none());
    let mut tried = false; // or the gate itself is full, or closed
    let value = match &room {
        Some(room) if !closed && !is_gate_full(gate) => match room.send(head, value, false) {
            Ok(()) => return,
            Err(value) => {
                tried = true;
                value
            }
        },
        _ => value,
    };
    let mut record = signed::record(signed::sender_here(), head, value);
    let at = record.as_mut_ptr();
    match room {
        // What waits is that of a lost life.
        // SAFETY: nobody else has the record.
        _ if closed => unsafe { gate.refuse(at, Reason::Closed, &RequestError::Gone) },
        // SAFETY: as above.
        Some(room) if tried => unsafe { room.refuse(at, Reason::Full) },
        // SAFETY: as above.
        Some(_) => unsafe { gate.refuse_full(at) },
        // SAFETY: as above.
        None => unsafe { gate.refuse(at, Reason::Gone, &RequestError::Gone) },
    }
}

/// Whether a message of this thread would be refused by the bound of the gate.
pub(crate) fn is_gate_full(gate: &'static Gate) -> bool {
    gate.is_full() && with_reachable(gate, |local| local.is_none_or(Local::is_behind))
}

/// The same, but hands it back.
pub(crate) fn try_push<T: Stored>(
    to: Address,
    kind: &'static Kind,
    value: T,
    waits: bool,
) -> Result<(), (T, Reason)> {
    let Some(room) = to.gate().rooms.find(to.slot, to.generation) else {
        return Err((value, Reason::Gone));
    };
    let head = Header::new(kind, to.slot, to.generation);
    room.send(head, value, waits)
        .map_err(|value| (value, Reason::Full))
}

/// Whether there is no room for a message that is not counted.
pub(crate) fn obstacle(to: Address) -> Option<Reason> {
    if !to.is_bounded() {
        return None;
    }
    let room = to.gate().rooms.find(to.slot, to.generation);
    let full = room.is_some_and(|room| !room.has_room());
    full.then_some(Reason::Full)
}

/// The way that a ticket has gone, which is known before its locality is woken.
enum Sent {
    /// Into the lane itself, of a loop that rests or not.
    Here(bool),
    Away(Pushed),
}

/// What goes through the lanes in place of a message, in this life of its locality.
struct Ticket(Arc<Room>, u32);

impl Ticket {
    fn take(self, lane: usize, pop: fn(&mut Line) -> Option<Entry>) -> Option<[Word; LONGEST]> {
        self.0.take_by(lane, self.1, pop)
    }
}

/// Tickets of one lane.
struct In<const LANE: usize>;

impl<const LANE: usize> Record for In<LANE> {
    type Message = Ticket;
    const LANE: usize = LANE;
    const WAY: Way = Way::Actor;

    unsafe fn run(ticket: Ticket, actor: *mut (), here: &Local, slot: u32) {
        let Some(mut record) = ticket.take(LANE, Line::pop) else {
            return;
        };
        let at = record.as_mut_ptr();
        let cursor = Cell::new(at);
        let before = here.current.get();
        // SAFETY: the message was sent to the address that the ticket was sent to; the rest is as
        // the caller says.
        here.at_cursor(&cursor, || unsafe {
            (header(at).kind.run)(at, actor, here, slot)
        });
        here.current.set(before);
    }
}

/// The kinds of tickets.
static KINDS: [Kind; 2] = [*In::<URGENT>::INLINE, *In::<NORMAL>::INLINE];

/// Whether a record is a ticket.
pub(crate) fn is_ticket(kind: &'static Kind) -> bool {
    KINDS.as_ptr_range().contains(&std::ptr::from_ref(kind))
}

/// What a record holds.
pub(crate) enum Opened {
    /// A message of its own.
    Plain,
    /// A ticket for this one.
    Message([Word; LONGEST]),
    /// A ticket for one that was dropped.
    Nothing,
}

/// Takes the message that a ticket stands for; the ticket is used then.
///
/// # Safety
/// `at` is a record that was taken out of its queue; a ticket is not used again.
pub(crate) unsafe fn open(at: *mut Word) -> Opened {
    // SAFETY: as the caller says.
    unsafe { open_by(at, Line::pop) }
}

/// The same for a ticket that comes too late while others still stand for what came in time: for the newest
/// message. Theirs are all older.
///
/// # Safety
/// As for [`open`].
pub(crate) unsafe fn open_late(at: *mut Word) -> Opened {
    // SAFETY: as the caller says.
    unsafe { open_by(at, Line::pop_last) }
}

/// # Safety
/// As for [`open`].
unsafe fn open_by(at: *mut Word, pop: fn(&mut Line) -> Option<Entry>) -> Opened {
    // SAFETY: as the caller says.
    let kind = unsafe { header(at) }.kind;
    if !is_ticket(kind) {
        return Opened::Plain;
    }
    // SAFETY: a record of this kind.
    let ticket = unsafe { crate::message::take::<Inline<Ticket>>(at.add(HEADER)) }.0;
    match ticket.take(kind.lane as usize, pop) {
        Some(record) => Opened::Message(record),
        None => Opened::Nothing,
    }
}

impl Local {
    /// At the end of a slice: tells the rest of what was refused, if there is room by now.
    #[inline]
    pub(crate) fn tell_refused(&self) {
        if let Some(to) = self.gate.refused() {
            self.tell_refused_to(to);
        }
    }

    #[cold]
    fn tell_refused_to(&self, last: Address) {
        let is_full = |slot| self.seat(slot, |seat| seat.obstacle() == Some(Reason::Full));
        let slot = Some(last).filter(|last| last.gate() == self.gate); // or a topic from elsewhere
        let slot = slot.and_then(|last| self.find(last));
        if self.is_gate_empty() && !slot.is_some_and(is_full) {
            self.gate.tell_refused();
        }
    }

    /// More was sent to an actor than may wait for it.
    fn overloaded(&self, to: Address, bound: usize) {
        let runs = |slot: &u32| {
            self.seat(*slot, |seat| {
                seat.state == State::Running && seat.exit.is_none()
            })
        };
        if let Some(slot) = self.find(to).filter(runs) {
            self.crash(slot, Exit::of(ExitReason::Overloaded(bound)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;
    use crate::sim::Sim;
    use crate::{Actor, Child, Context, Handler, Supervisor};

    struct Notes(Rc<RefCell<Vec<u32>>>);
    impl Actor for Notes {}
    impl Handler<u32> for Notes {
        fn handle(&mut self, n: u32, _: &mut Context<Self>) {
            self.0.borrow_mut().push(n);
        }
    }

    /// It comes before another one's, which was sent first.
    #[test]
    fn a17_a_ticket_of_an_earlier_life_stands_for_nothing() {
        let (mut sim, noted) = (Sim::new(1), Rc::<RefCell<Vec<_>>>::default());
        let here = sim.locality("here");
        let (a, b) = (here.reserve(), here.reserve_bounded(Bound::reject(2)));
        let child = |name, at| {
            let noted = noted.clone();
            Child::new(name, move || Notes(noted.clone())).at(at)
        };
        let tree = Supervisor::one_for_one("app").child(child("a", a));
        sim.start(tree.child(child("b", b))).expect("a sound tree");
        sim.run_until_idle();
        b.send(1);
        here.gate().rooms.reopen(&here.gate().states);
        a.send(2);
        b.send(3);
        b.send(4);
        assert_eq!(b.try_send(5).map_err(|back| back.message), Err(5));
        sim.run_until_idle();
        assert_eq!(*noted.borrow(), [2, 3, 4]);
    }

    struct Part;
    impl Actor for Part {}

    #[test]
    fn a_lost_loop_leaves_the_rooms_of_reserved_addresses_and_no_others() {
        let mut sim = Sim::new(1);
        let [home, far] = ["home", "far"].map(|name| sim.locality(name));
        let few = || Bound::reject(1);
        let [own, free] = [(); 2].map(|()| far.reserve_bounded::<Part>(few()));
        let part = Supervisor::one_for_one("part").on(&far, move |s| {
            let s = s.child(Child::new("own", || Part).at(own));
            (0..10).fold(s, |s, n| {
                s.child(Child::new(format!("{n}"), || Part).bound(few()))
            })
        });
        let root = Supervisor::one_for_one("root").intensity(u32::MAX, Duration::from_secs(1));
        sim.start(root.child(part)).expect("a sound tree");
        sim.run_until_idle();
        let rooms = || far.gate().rooms.all().len();
        for _ in 0..if cfg!(miri) { 3 } else { 100 } {
            assert_eq!(rooms(), 12);
            sim.lose(&far);
            sim.open(far.clone());
            sim.run_until_idle();
            assert_eq!(own.address().state(), Lifecycle::Running);
            assert_eq!(free.address().state(), Lifecycle::Waiting);
        }
        sim.lose(&far);
        sim.lose(&home);
        sim.open(far.clone());
        sim.run_until_idle();
        assert_eq!(own.address().state(), Lifecycle::Gone);
        assert_eq!(rooms(), 1, "nobody has claimed the other one");
    }
}
