//! What an instance owns beside its state: timers, pending requests, tasks, limits.
//!
//! One slab per locality. Every entry has a 64-bit serial, because user code may hold its key for
//! ever, and hangs on the list of its slot, so that all of them end with the instance.

#![expect(unsafe_code)]

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::gate::Gate;
use crate::link::Linked;
use crate::locality::Local;
use crate::monitor::Watch;
use crate::request::Refuse;
use crate::small::{Small, Table};
use crate::task::Running;
use crate::timer::Missed;
use crate::wheel::{Node, Timed, Wheel};

const NONE: u32 = u32::MAX;
/// For how many deadlines that wait for a clock read there is room at first.
const FIRST: usize = 16;
/// For how many there is room at most.
const MANY: usize = 1024;

/// A slab of fewer bytes grows by more, because allocators copy it, and move the pages of a longer one.
const LONG: usize = 1 << 20;

/// Names a timer, a task, a pending request, a monitor or a wait for a name; for
/// [`Context::cancel`](crate::Context::cancel).
///
/// A plain value: dropping it does nothing, and it is never valid for anything else.
///
/// ```
/// use rotor_core::*;
/// use std::time::Duration;
/// struct Patient { waits_for: Vec<Key> }
/// impl Actor for Patient {}
/// impl Handler<()> for Patient {
///     fn handle(&mut self, (): (), cx: &mut Context<Self>) {
///         self.waits_for.push(cx.after(Duration::from_secs(1), ()).into());
///         self.waits_for.push(cx.spawn(std::future::pending(), |_, (), _| ()).into());
///         for key in self.waits_for.drain(..) {
///             assert!(cx.cancel(key));
///         }
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub(crate) index: u32,
    pub(crate) serial: u64,
}

/// The kinds of entries.
pub(crate) enum Body {
    Vacant,
    /// A one-shot timer or a pending request.
    Once(Small),
    /// A periodic timer. Boxed, as others are: most are of other kinds, and what they cost is room.
    Every(Box<Every>),
    /// A future.
    #[allow(
        dead_code,
        reason = "it ends with its entry, and does all else by itself"
    )]
    Task(Running),
    /// Its value is out, being used or made.
    Polling,
    /// A supervisor's limit for a step of a child, or the wait before its restart.
    Limit {
        child: u32,
        incarnation: u64,
    },
    /// The limit of the stop of a whole tree, whose root it belongs to.
    TreeLimit(Duration),
    /// A monitor of another instance.
    Monitor(Box<Watch>),
    /// A link to a service.
    Link(Box<Linked>),
    /// The end of a hold, by its number.
    Expiry(u64),
    /// The limit of a drain.
    DrainLimit,
    /// The time that a service gives its clients to leave.
    Leaving,
    /// The limit of a request whose asker is a future.
    Ask(Arc<dyn Refuse>),
    /// What is to be done when the instance ends.
    AtEnd(AtEnd),
}

/// A periodic timer: its period and when it was due last, in nanoseconds, and what becomes of ticks
/// that are late.
pub(crate) struct Every {
    pub(crate) value: Small,
    pub(crate) period: u64,
    pub(crate) last: u64,
    pub(crate) missed: Missed,
}

impl Body {
    /// Whether its deadline goes to its actor, through the queue.
    fn is_own(&self) -> bool {
        match self {
            Body::Once(_)
            | Body::Every(_)
            | Body::Task(_)
            | Body::Polling
            | Body::Monitor(_)
            | Body::Link(_)
            | Body::AtEnd(_) => true,
            Body::Vacant
            | Body::Limit { .. }
            | Body::TreeLimit(_)
            | Body::Expiry(_)
            | Body::DrainLimit
            | Body::Leaving
            | Body::Ask(_) => false,
        }
    }

    /// Whether a picture counts it.
    fn is_open(&self) -> bool {
        !matches!(self, Body::AtEnd(_))
    }
}

struct Thing {
    serial: u64,
    timer: Node,
    slot: u32,
    prev: u32,
    next: u32,
    /// The number of the other locality that a pending request went to; or `NOWHERE`.
    target: u32,
    body: Body,
}

/// No number of a gate.
const NOWHERE: u32 = 0;

/// The number of a gate. Gates are never freed: there are not as many as these.
fn number(gate: &Gate) -> u32 {
    gate.serial() as u32
}

// There may be very many, and most of what a timer costs is the memory that it touches.
const _: () = assert!(size_of::<Thing>() <= 80);

impl Thing {
    /// Whether a deadline that waits for a clock read is its own.
    #[inline]
    fn awaits(&self, one: &Unarmed) -> bool {
        self.serial as u32 == one.serial && !matches!(self.body, Body::Vacant)
    }
}

impl Timed for Thing {
    fn node(&self) -> &Node {
        &self.timer
    }

    fn node_mut(&mut self) -> &mut Node {
        &mut self.timer
    }
}

/// The slab and the wheel.
pub(crate) struct Things {
    list: Vec<Thing>,
    /// First entry of the free list, which is linked by `next`.
    free: u32,
    /// Entries that are in use.
    live: usize,
    /// Serials that are left of the block that this locality has taken.
    serials: Range<u64>,
    wheel: Wheel,
    /// Deadlines that are stamped at the next clock read.
    unarmed: Vec<Unarmed>,
}

/// A deadline that waits for a clock read.
///
/// There is one for each timer that a handler has made: half the serial tells its entry from another
/// one that took its place before the clock was read.
struct Unarmed {
    index: u32,
    serial: u32,
    /// In nanoseconds.
    delay: u64,
}

/// Serials that no locality has taken yet. All of them share it: user code may take a key to another
/// locality, or to a later one.
static SERIALS: AtomicU64 = AtomicU64::new(1);
/// How many serials a locality takes at a time.
const BLOCK: u64 = 1 << 20;

/// A serial that is above all that localities have given out; no block that is taken from now on has a
/// lower one.
pub(crate) fn serials() -> u64 {
    SERIALS.load(Ordering::Relaxed)
}

/// Run when an instance ends.
pub(crate) type AtEnd = Box<dyn FnOnce(&Local)>;

impl Things {
    pub(crate) fn new() -> Self {
        Things {
            list: Vec::new(),
            free: NONE,
            live: 0,
            serials: 0..0,
            wheel: Wheel::new(),
            unarmed: Vec::new(),
        }
    }

    /// A number that is given out once per process.
    pub(crate) fn serial(&mut self) -> u64 {
        self.serials.next().unwrap_or_else(|| {
            let first = SERIALS.fetch_add(BLOCK, Ordering::Relaxed);
            self.serials = first + 1..first + BLOCK;
            first
        })
    }

    /// No key that is made from now on has a lower one.
    pub(crate) fn next_serial(&self) -> u64 {
        self.serials.clone().next().unwrap_or_else(serials)
    }

    /// Adds an entry to the list whose first entry is `head`.
    pub(crate) fn insert(&mut self, slot: u32, head: &mut u32, body: Body) -> Key {
        let (key, place) = self.claim(slot, head, body.is_open());
        *place = body;
        key
    }

    /// Adds a one-shot timer or a pending request. `table` is made for `T`.
    #[inline]
    pub(crate) fn insert_once<T>(
        &mut self,
        slot: u32,
        head: &mut u32,
        value: T,
        table: &'static Table,
    ) -> Key {
        let (key, place) = self.claim(slot, head, true);
        // SAFETY: filled below.
        let hollow = unsafe { Small::hollow(table) };
        // Nothing to drop: a vacant body.
        std::mem::forget(std::mem::replace(place, Body::Once(hollow)));
        if let Body::Once(small) = place {
            small.fill(value);
        }
        key
    }

    /// A vacant entry, now on the list whose first entry is `head`.
    #[inline]
    fn claim(&mut self, slot: u32, head: &mut u32, is_open: bool) -> (Key, &mut Body) {
        let serial = self.serial();
        let index = if self.free == NONE {
            self.grow()
        } else {
            self.free
        };
        if *head != NONE {
            self.list[*head as usize].prev = index;
        }
        let thing = &mut self.list[index as usize];
        self.free = thing.next;
        self.live += usize::from(is_open);
        thing.serial = serial;
        thing.slot = slot;
        thing.prev = NONE;
        thing.next = *head;
        *head = index;
        (Key { index, serial }, &mut thing.body)
    }

    /// Adds an entry to the slab, for use as the head of an empty free list.
    #[cold]
    fn grow(&mut self) -> u32 {
        let index = self.list.len();
        assert!(
            index < NONE as usize,
            "more than u32::MAX things in one locality"
        );
        if index == self.list.capacity() && index * size_of::<Thing>() < LONG {
            self.list.reserve_exact(3 * index.max(1));
        }
        // Made in its place: pushed, it would be made on the stack and copied from there.
        self.list.resize_with(index + 1, || Thing {
            serial: 0,
            timer: Node::UNARMED,
            slot: 0,
            prev: NONE,
            next: NONE,
            target: NOWHERE,
            body: Body::Vacant,
        });
        index as u32
    }

    /// Gives an entry a deadline, `delay` nanoseconds after the next clock read.
    pub(crate) fn arm_later(&mut self, key: Key, delay: u64, clock: &Clock) {
        let Key { index, serial } = key;
        let serial = serial as u32;
        if self.unarmed.len() == self.unarmed.capacity() {
            self.make_room(clock);
        }
        self.unarmed.push(Unarmed {
            index,
            serial,
            delay,
        });
    }

    /// Makes room for a deadline that waits for a clock read.
    ///
    /// A handler that makes very many timers has the clock read in its midst: their wait takes no more
    /// memory than this, and they are armed while they are in cache. Those that were cancelled leave.
    #[cold]
    fn make_room(&mut self, clock: &Clock) {
        match self.unarmed.len() {
            0 => self.unarmed.reserve_exact(FIRST),
            MANY.. => self.stamp(clock.nanos()),
            len => self.unarmed.reserve_exact(len),
        }
    }

    /// Stamps the deadlines that wait for a clock read.
    pub(crate) fn stamp(&mut self, now: u64) {
        // In the order in which they were made: those of one deadline fire like that.
        let mut waiting = std::mem::take(&mut self.unarmed);
        for one in waiting.drain(..) {
            if self.list[one.index as usize].awaits(&one) {
                self.arm(one.index, now.saturating_add(one.delay));
            }
        }
        self.unarmed = waiting;
    }

    /// Whether nothing waits for a clock read and nothing is due by `now`, to which the wheel moves
    /// then.
    pub(crate) fn are_quiet(&mut self, now: u64) -> bool {
        self.unarmed.is_empty() && self.wheel.pass(now)
    }

    pub(crate) fn has_unarmed(&self) -> bool {
        !self.unarmed.is_empty()
    }

    /// Gives an entry a deadline; replaces the one it had.
    pub(crate) fn arm_at(&mut self, key: Key, due: u64) {
        if self.body(key).is_some() {
            self.arm(key.index, due);
        }
    }

    /// Gives an entry a deadline; replaces the one it had.
    #[inline]
    fn arm(&mut self, index: u32, due: u64) {
        if self.list[index as usize].timer.is_armed() {
            self.wheel.remove(&mut self.list, index);
        }
        self.wheel.insert(&mut self.list, index, due);
    }

    /// The earliest deadline, of those that are stamped.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.wheel.next_due(&self.list)
    }

    /// Takes what is due, in order, as (slot, key); each is unarmed, and stays in the slab.
    ///
    /// Those of actors go to `own`, up to the first one of core's own; that and all the rest to
    /// `rest`.
    pub(crate) fn due(
        &mut self,
        now: u64,
        mut own: impl FnMut(u32, Key),
        rest: &mut Vec<(u32, Key)>,
    ) {
        self.wheel.advance(&mut self.list, now, |thing, index| {
            let serial = thing.serial;
            let key = Key { index, serial };
            if rest.is_empty() && thing.body.is_own() {
                own(thing.slot, key);
            } else {
                rest.push((thing.slot, key));
            }
        });
    }

    /// How many deadlines have passed.
    pub(crate) fn passed(&self) -> u64 {
        self.wheel.fired()
    }

    pub(crate) fn body(&mut self, key: Key) -> Option<&mut Body> {
        let thing = self.list.get_mut(key.index as usize)?;
        (thing.serial == key.serial && !matches!(thing.body, Body::Vacant))
            .then_some(&mut thing.body)
    }

    /// The entry, if it is one of this slot.
    pub(crate) fn own(&mut self, key: Key, slot: u32) -> Option<&mut Body> {
        let thing = self.list.get(key.index as usize)?;
        if thing.slot != slot {
            return None;
        }
        self.body(key)
    }

    /// Notes where a request went.
    pub(crate) fn note_target(&mut self, key: Key, gate: &'static Gate) {
        if self.body(key).is_some() {
            self.list[key.index as usize].target = number(gate);
        }
    }

    /// Pending requests with lower serials that went to a gate, with the slots of their askers. Looks at all there is here:
    /// only who is abandoned needs it.
    pub(crate) fn asked(&self, gate: &Gate, until: u64) -> Vec<(u32, Key)> {
        let at_gate = |(index, thing): (usize, &Thing)| {
            let hit = thing.target == number(gate)
                && thing.serial < until
                && matches!(thing.body, Body::Once(_));
            hit.then_some((
                thing.slot,
                Key {
                    index: index as u32,
                    serial: thing.serial,
                },
            ))
        };
        self.list.iter().enumerate().filter_map(at_gate).collect()
    }

    /// The limit of a step of a child that is at this place, if it is one of this slot.
    #[inline]
    pub(crate) fn limit_at(&self, index: u32, slot: u32, of: u32) -> Option<Key> {
        let thing = self.list.get(index as usize)?;
        let is_it = matches!(thing.body, Body::Limit { child, .. } if child == of);
        (is_it && thing.slot == slot).then_some(Key {
            index,
            serial: thing.serial,
        })
    }

    /// The slot of the instance that an entry belongs to.
    pub(crate) fn slot_of(&self, key: Key) -> Option<u32> {
        let thing = self.list.get(key.index as usize)?;
        (thing.serial == key.serial && !matches!(thing.body, Body::Vacant)).then_some(thing.slot)
    }

    /// Removes an entry of a slot from its list, whose first entry is `head`. The caller drops the
    /// body, when nothing is borrowed.
    pub(crate) fn remove(&mut self, key: Key, slot: u32, head: &mut u32) -> Option<Body> {
        let thing = self.list.get_mut(key.index as usize)?;
        if thing.serial != key.serial || thing.slot != slot || matches!(thing.body, Body::Vacant) {
            return None;
        }
        let body = std::mem::replace(&mut thing.body, Body::Vacant);
        self.live -= usize::from(body.is_open());
        self.unlink(key.index, head);
        Some(body)
    }

    /// Removes an entry of a slot if there is nothing to drop in it.
    #[inline]
    pub(crate) fn forget(&mut self, key: Key, slot: u32, head: &mut u32) -> bool {
        let Some(thing) = self.list.get_mut(key.index as usize) else {
            return false;
        };
        let is_trivial = match &thing.body {
            Body::Once(small) => small.is_trivial(),
            Body::Limit { .. } => true,
            _ => false,
        };
        if thing.serial != key.serial || thing.slot != slot || !is_trivial {
            return false;
        }
        std::mem::forget(std::mem::replace(&mut thing.body, Body::Vacant));
        self.live -= 1;
        self.unlink(key.index, head);
        true
    }

    /// Removes those entries of a slot's list that are over. The caller drops them, when nothing is
    /// borrowed.
    pub(crate) fn sweep(
        &mut self,
        slot: u32,
        head: &mut u32,
        over: impl Fn(&Body) -> bool,
    ) -> Vec<Body> {
        let mut swept = Vec::new();
        let mut at = *head;
        while let Some(key) = self.first(at) {
            let thing = &self.list[at as usize];
            at = thing.next;
            if over(&thing.body) {
                swept.extend(self.remove(key, slot, head));
            }
        }
        swept
    }

    /// Removes a one-shot timer or a pending request of a slot, and copies it to `into`.
    #[inline]
    pub(crate) fn take_once(
        &mut self,
        key: Key,
        slot: u32,
        head: &mut u32,
        into: &mut MaybeUninit<ManuallyDrop<Small>>,
    ) -> bool {
        let Some(thing) = self.list.get_mut(key.index as usize) else {
            return false;
        };
        if thing.serial != key.serial || thing.slot != slot {
            return false;
        }
        let Body::Once(small) = &thing.body else {
            return false;
        };
        // SAFETY: it is forgotten where it was, next.
        into.write(ManuallyDrop::new(unsafe { std::ptr::read(small) }));
        std::mem::forget(std::mem::replace(&mut thing.body, Body::Vacant));
        self.live -= 1;
        self.unlink(key.index, head);
        true
    }

    /// Takes a vacant entry off its list and its deadline, and frees it.
    #[inline(always)]
    fn unlink(&mut self, index: u32, head: &mut u32) {
        let thing = &mut self.list[index as usize];
        let (prev, next, is_armed) = (thing.prev, thing.next, thing.timer.is_armed());
        thing.target = NOWHERE;
        thing.next = self.free;
        self.free = index;
        if prev == NONE {
            *head = next;
        } else {
            self.list[prev as usize].next = next;
        }
        if next != NONE {
            self.list[next as usize].prev = prev;
        }
        if is_armed {
            self.wheel.remove(&mut self.list, index);
        }
    }

    /// The first entry of a list.
    pub(crate) fn first(&self, head: u32) -> Option<Key> {
        let thing = self.list.get(head as usize)?;
        Some(Key {
            index: head,
            serial: thing.serial,
        })
    }

    /// The bodies of a list, latest first.
    pub(crate) fn of(&self, head: u32) -> impl Iterator<Item = &Body> {
        let thing = |at: u32| self.list.get(at as usize);
        let all = std::iter::successors(thing(head), move |last| thing(last.next));
        all.map(|thing| &thing.body)
    }

    /// Entries that are in use.
    pub(crate) fn len(&self) -> usize {
        self.live
    }
}

/// The empty list of entries.
pub(crate) const NO_THINGS: u32 = NONE;

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of what is due at a time.
    fn due(things: &mut Things, now: u64) -> Vec<u32> {
        let mut rest = Vec::new();
        things.due(now, |_, _| unreachable!("these are core's own"), &mut rest);
        rest.into_iter().map(|(_, key)| key.index).collect()
    }

    #[test]
    fn t01_a_deadline_that_was_cancelled_before_it_was_stamped_is_nobodys() {
        let (mut things, mut head, clock) = (Things::new(), NO_THINGS, Clock::manual());
        let first = things.insert(0, &mut head, Body::Leaving);
        things.arm_later(first, 10, &clock);
        things.remove(first, 0, &mut head);
        let second = things.insert(0, &mut head, Body::Leaving);
        assert_eq!(first.index, second.index, "it has the place of the first");
        things.arm_later(second, 20, &clock);
        things.stamp(100);
        assert_eq!(things.next_due(), Some(120));
    }

    #[test]
    fn t01_timers_that_are_made_and_cancelled_take_the_room_of_those_that_are_left() {
        let (mut things, mut head, clock) = (Things::new(), NO_THINGS, Clock::manual());
        let (mut kept, all) = (Vec::new(), if cfg!(miri) { 1_500 } else { 100_000 });
        for n in 0..all {
            let key = things.insert(0, &mut head, Body::Leaving);
            things.arm_later(key, all - n, &clock);
            if n % 1000 == 0 {
                kept.push(key.index);
            } else {
                things.remove(key, 0, &mut head);
            }
            assert!(things.unarmed.capacity() <= MANY);
            assert!(things.list.len() <= kept.len() + 1);
        }
        things.stamp(0);
        let due = due(&mut things, all);
        kept.reverse(); // the last one is due first
        assert_eq!(due, kept);
    }

    /// The clock is read in the midst of it, and tells no timer a time before it was made.
    #[test]
    fn t01_very_many_timers_are_stamped_while_they_are_made() {
        let (mut things, mut head, clock) = (Things::new(), NO_THINGS, Clock::manual());
        let mut made = Vec::new();
        for _ in 0..3 * MANY as u64 {
            clock.advance(Duration::from_nanos(1));
            let key = things.insert(0, &mut head, Body::Leaving);
            things.arm_later(key, 1_000_000, &clock);
            made.push(key.index);
        }
        assert!(things.unarmed.len() <= MANY);
        things.stamp(clock.nanos());
        // The clock stood at n when it was made; those of one reading have one deadline.
        let mut fired = Vec::new();
        for n in 1..=3 * MANY as u64 {
            fired.extend(due(&mut things, 1_000_000 + n - 1));
            assert!(fired.len() < n as usize, "the timer made at {n} is early");
        }
        fired.extend(due(&mut things, 2_000_000));
        assert_eq!(fired, made, "in the order in which they were made");
    }

    /// A key that is taken elsewhere names nothing there, wherever its entry lies.
    #[test]
    fn s03_no_two_localities_give_out_the_same_key() {
        let (mut here, mut there) = (Things::new(), Things::new());
        let mut keys = Vec::new();
        for things in [&mut here, &mut there] {
            let mut head = NO_THINGS;
            keys.extend((0..3).map(|_| things.insert(0, &mut head, Body::Polling)));
        }
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(here.body(*key).is_some(), n < 3);
            assert_eq!(there.body(*key).is_some(), n >= 3);
        }
    }
}
