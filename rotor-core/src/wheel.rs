//! The timers of one locality: a hierarchical timing wheel that knows deadlines to the nanosecond.
//!
//! Time is cut into ticks of 2^16 ns (about 1/15 ms). The number of a tick is read as digits of six
//! bits; level `l` of the wheel has one list of timers for each value of digit `l`. A timer is
//! filed at the highest digit in which its tick differs from the wheel's own tick, under the value
//! of that digit:
//!
//! ```text
//! tick number   | 6 bits  | 6 bits  | 6 bits  |  ...  | 6 bits  | 6 bits  |
//! level         |    7    |    6    |    5    |  ...  |    1    |    0    |
//! one slot is   | 9.1 y   | 52 d    | 20 h    |  ...  | 4.2 ms  | 0.07 ms |
//! ```
//!
//! Four facts follow, and all of the code rests on them:
//!
//! 1. A timer agrees with the wheel's tick in all digits above its level, and its own digit is
//!    larger. Hence lists never wrap around, and every timer of one slot is due before every timer
//!    of a later slot of that level, and before every timer of a higher level.
//! 2. When the wheel moves on, let `top` be the highest digit that changes. Everything below level
//!    `top` is due, and so is every slot of `top` before the new digit. The one slot *at* the new
//!    digit is filed again, further down. Levels above `top` stay as they are. The cost is thus
//!    independent of the distance.
//! 3. The slot of a timer depends on its deadline and the wheel's tick alone. Timers of one
//!    deadline are thus always in one list, in the order of insertion, and need no sequence number.
//! 4. Eight levels cover all of `u64`, so that there is no horizon to treat apart. (Seven reach 9
//!    years; the eighth stands for the usual overflow list and is almost always empty.)
//!
//! The exception to fact 1: timers of the wheel's own tick, and late ones, are in the slot of that
//! tick at level 0. Nothing at level 0 precedes it.
//!
//! *Source*: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 7. Ours
//! differs in that a slot is only a coarse sort: a timer fires by its exact deadline, never early
//! and never rounded up, and timers fire in the order of deadline, then insertion.

use std::cell::Cell;

/// A tick is `1 << TICK_BITS` nanoseconds.
const TICK_BITS: u32 = 16;
/// Bits of the tick number that one level resolves; its slots fill one `u64` of occupancy.
const LEVEL_BITS: u32 = 6;
const SLOTS_PER_LEVEL: usize = 1 << LEVEL_BITS;
/// Enough for the `64 - TICK_BITS` bits of a tick number.
const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(LEVEL_BITS) as usize;
const SLOTS: usize = LEVELS * SLOTS_PER_LEVEL;
/// No timer: the head of an empty slot, the neighbour of what is in no slot.
const NIL: u32 = u32::MAX;

/// All timers of one locality.
///
/// They lie in the slab of the caller, each as the [`Node`] of an entry, which names it by its index:
/// most of what a timer costs is the memory that it touches. Each call takes the same slab. Times are
/// nanoseconds since the locality's time base. The wheel is 2 KiB by itself.
pub(crate) struct Wheel {
    /// The tick that slots are relative to: that of the latest `advance`.
    tick: u64,
    /// Number of live timers.
    len: usize,
    /// How many have fired.
    fired: u64,
    /// The earliest deadline, or 0 for not known: a lower bound in any case, which insertion keeps
    /// up with a mere `min`. Searching walks one slot, and a loop asks before every park; this way
    /// it searches only after the earliest timer has gone.
    earliest: Cell<u64>,
    /// What fires of one slot, while it is sorted: deadline, position, index from high to low bits.
    /// Empty in between; kept for its memory.
    firing: Vec<u128>,
    /// Which slots of a level hold timers.
    occupied: [u64; LEVELS],
    /// Which of those may hold a timer behind one that is due after it.
    unsorted: [u64; LEVELS],
    /// First timer of each slot, level by level.
    heads: [u32; SLOTS],
}

/// The part of a slab's entry that makes it a timer. The lists are circular, so the tail of a list is
/// the `prev` of its head.
pub(crate) struct Node {
    due: u64,
    /// `NIL` if it is not armed.
    prev: u32,
    next: u32,
}

impl Node {
    pub(crate) const UNARMED: Node = Node {
        due: 0,
        prev: NIL,
        next: NIL,
    };

    pub(crate) fn is_armed(&self) -> bool {
        self.prev != NIL
    }
}

/// An entry of a slab that may be a timer.
pub(crate) trait Timed {
    fn node(&self) -> &Node;
    fn node_mut(&mut self) -> &mut Node;
}

impl Wheel {
    /// Creates a wheel without timers at time zero. Allocates nothing.
    pub(crate) const fn new() -> Self {
        Self {
            tick: 0,
            len: 0,
            fired: 0,
            earliest: Cell::new(0),
            firing: Vec::new(),
            occupied: [0; LEVELS],
            unsorted: [0; LEVELS],
            heads: [NIL; SLOTS],
        }
    }

    /// Arms an entry that is not armed: it fires at the first [`advance`](Self::advance) to `due` or
    /// later.
    ///
    /// A deadline that has passed already fires at the next `advance`.
    #[inline]
    pub(crate) fn insert<T: Timed>(&mut self, slab: &mut [T], index: u32, due: u64) {
        let earliest = if self.len == 0 {
            due
        } else {
            self.earliest.get().min(due)
        };
        self.earliest.set(earliest);
        self.len += 1;
        slab[index as usize].node_mut().due = due;
        self.link(slab, index, due);
    }

    /// Cancels a timer that is armed.
    #[inline(never)] // most end before they are armed, or fire
    pub(crate) fn remove<T: Timed>(&mut self, slab: &mut [T], index: u32) {
        let node = slab[index as usize].node_mut();
        let Node { due, prev, next } = *node;
        debug_assert_ne!(
            prev, NIL,
            "a timer is removed at most once, and not after it fired"
        );
        node.prev = NIL;
        let (level, digit) = self.place(due);
        if next == index {
            self.clear(level, digit);
        } else {
            slab[prev as usize].node_mut().next = next;
            slab[next as usize].node_mut().prev = prev;
            let head = &mut self.heads[level * SLOTS_PER_LEVEL + digit];
            if *head == index {
                *head = next;
            }
        }
        if self.earliest.get() == due {
            self.earliest.set(0);
        }
        self.len -= 1;
    }

    /// Moves the wheel to `now`, disarms every timer that is due by then and hands its index to
    /// `fire`, in the order of deadline, then insertion.
    ///
    /// Exact: a timer due at `now` fires, one due at `now + 1` does not. A `now` before that of an
    /// earlier call does not move the wheel back; what is due by it fires.
    pub(crate) fn advance<T: Timed>(
        &mut self,
        slab: &mut [T],
        now: u64,
        mut fire: impl FnMut(&mut T, u32),
    ) {
        if self.pass(now) {
            return;
        }
        let (tick, top) = self.reach(now);
        self.tick = tick;
        if self.earliest.get() <= now {
            self.earliest.set(0);
        }
        // Ascending levels and slots are ascending time, so sorting each slot sorts everything.
        for level in 0..=top {
            let mut reached = self.occupied[level];
            if level == top {
                reached &= u64::MAX >> (SLOTS_PER_LEVEL - 1 - digit_of(tick, level));
            }
            while reached != 0 {
                let digit = reached.trailing_zeros() as usize;
                reached &= reached - 1;
                self.drain(slab, (level, digit), now, &mut fire);
            }
        }
    }

    /// Moves the wheel to `now` if that takes no look at its timers. False, and nothing else, if it does.
    pub(crate) fn pass(&mut self, now: u64) -> bool {
        let (tick, top) = self.reach(now);
        let passes = self.len == 0 || (top == 0 && now < self.earliest.get());
        if passes {
            self.tick = tick;
        }
        passes
    }

    /// Where the wheel stands at `now`, and the highest level that it has moved on.
    fn reach(&self, now: u64) -> (u64, usize) {
        let tick = (now >> TICK_BITS).max(self.tick);
        (tick, level_of(self.tick, tick))
    }

    /// Returns the exact deadline of the earliest timer, `None` if there are no timers.
    ///
    /// Never the time of a mere cascade, so a loop that parks until then does not wake for nothing.
    pub(crate) fn next_due<T: Timed>(&self, slab: &[T]) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        if self.earliest.get() != 0 {
            return Some(self.earliest.get());
        }
        let level = self.occupied.iter().position(|&slots| slots != 0)?;
        let digit = self.occupied[level].trailing_zeros() as usize;
        let first = self.heads[level * SLOTS_PER_LEVEL + digit];
        let mut node = slab[first as usize].node();
        let mut earliest = node.due;
        while node.next != first {
            node = slab[node.next as usize].node();
            earliest = earliest.min(node.due);
        }
        self.earliest.set(earliest);
        Some(earliest)
    }

    /// Returns how many timers have fired.
    pub(crate) fn fired(&self) -> u64 {
        self.fired
    }

    /// Returns the number of timers that have neither fired nor been removed.
    #[cfg(any(test, rotor_fuzz))]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no timers.
    #[cfg(any(test, rotor_fuzz))]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Empties one slot: fires what is due by `now`, in order, and files the rest anew.
    fn drain<T: Timed>(
        &mut self,
        slab: &mut [T],
        (level, digit): (usize, usize),
        now: u64,
        fire: &mut impl FnMut(&mut T, u32),
    ) {
        let first = self.heads[level * SLOTS_PER_LEVEL + digit];
        let is_sorted = self.unsorted[level] & 1 << digit == 0;
        self.clear(level, digit);
        let mut index = first;
        loop {
            let thing = &mut slab[index as usize];
            let node = thing.node_mut();
            let Node { due, next, .. } = *node;
            if due <= now {
                node.prev = NIL;
                self.len -= 1;
                self.fired += 1;
                if is_sorted {
                    fire(thing, index);
                } else {
                    let position = self.firing.len() as u128;
                    self.firing
                        .push(u128::from(due) << 64 | position << 32 | u128::from(index));
                }
            } else {
                // Only the last slot that `advance` drains has such timers, and no other timer is
                // due before all of them (fact 2): the next `next_due` need not search.
                let known = self.earliest.get();
                self.earliest
                    .set(if known == 0 { due } else { known.min(due) });
                self.link(slab, index, due);
            }
            index = next;
            if index == first {
                break;
            }
        }
        self.firing.sort_unstable();
        for timer in self.firing.drain(..) {
            let index = timer as u32;
            fire(&mut slab[index as usize], index);
        }
    }

    /// Appends an entry to the slot where `due` belongs, seen from the wheel's tick.
    ///
    /// At the tail: the order of one deadline rests on it (fact 3), and a list is often sorted
    /// already when it fires. Whether it is is noted here.
    #[inline]
    fn link<T: Timed>(&mut self, slab: &mut [T], index: u32, due: u64) {
        let (level, digit) = self.place(due);
        self.occupied[level] |= 1 << digit;

        let head = &mut self.heads[level * SLOTS_PER_LEVEL + digit];
        let (prev, next) = if *head == NIL {
            *head = index;
            (index, index)
        } else {
            let next = *head;
            let first = slab[next as usize].node_mut();
            let prev = std::mem::replace(&mut first.prev, index);
            let last = slab[prev as usize].node_mut();
            last.next = index;
            self.unsorted[level] |= u64::from(last.due > due) << digit;
            (prev, next)
        };
        let node = slab[index as usize].node_mut();
        node.prev = prev;
        node.next = next;
    }

    /// Level and digit of the slot where a timer of this deadline is (fact 3).
    #[inline]
    fn place(&self, due: u64) -> (usize, usize) {
        let tick = (due >> TICK_BITS).max(self.tick);
        let level = level_of(self.tick, tick);
        (level, digit_of(tick, level))
    }

    /// Marks a slot as empty.
    #[inline]
    fn clear(&mut self, level: usize, digit: usize) {
        self.heads[level * SLOTS_PER_LEVEL + digit] = NIL;
        self.occupied[level] &= !(1 << digit);
        self.unsorted[level] &= !(1 << digit);
    }
}

/// Returns the highest level in which two tick numbers differ, 0 if they are equal.
#[inline]
fn level_of(a: u64, b: u64) -> usize {
    (((a ^ b) | 1).ilog2() / LEVEL_BITS) as usize
}

/// Returns the digit of a tick number that selects a slot of `level`.
#[inline]
fn digit_of(tick: u64, level: usize) -> usize {
    (tick >> (level as u32 * LEVEL_BITS)) as usize % SLOTS_PER_LEVEL
}

#[cfg(any(test, rotor_fuzz))]
pub(crate) mod model;

#[cfg(test)]
mod tests {
    use super::model::{TICK, Timers, fired, span};
    use super::*;
    use crate::fuzz::dice::Dice;

    #[test]
    fn a_new_wheel_is_empty() {
        let wheel = Timers::new();
        assert_eq!(
            (wheel.len(), wheel.is_empty(), wheel.next_due()),
            (0, true, None)
        );
    }

    #[test]
    fn a_timer_takes_16_bytes_of_its_entry() {
        assert_eq!(size_of::<Node>(), 16);
    }

    #[test]
    fn timers_fire_in_deadline_then_insertion_order() {
        let mut wheel = Timers::new();
        for (data, due) in [30, 10, 20, 10, 5 * TICK, 30, span(2), 10]
            .into_iter()
            .enumerate()
        {
            wheel.insert(due, data as u32);
        }
        assert_eq!(fired(&mut wheel, span(3)), [1, 3, 7, 2, 0, 5, 4, 6]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn timers_of_one_deadline_fire_in_insertion_order_whatever_level_they_came_through() {
        let mut wheel = Timers::new();
        let due = span(3) + 7;
        wheel.insert(due, 8);
        assert_eq!(fired(&mut wheel, span(3) - span(1)), []);
        wheel.insert(due, 9);
        assert_eq!(fired(&mut wheel, span(3)), []);
        wheel.insert(due, 7);
        assert_eq!(fired(&mut wheel, due), [8, 9, 7]);
    }

    #[test]
    fn a_timer_fires_at_its_nanosecond_and_not_before() {
        for due in [
            1,
            TICK - 1,
            TICK,
            TICK + 1,
            span(1),
            span(2) - 1,
            span(4) + 1,
            u64::MAX,
        ] {
            let mut wheel = Timers::new();
            wheel.insert(due, 1);
            assert_eq!(fired(&mut wheel, due - 1), [], "due {due}");
            assert_eq!(wheel.next_due(), Some(due));
            assert_eq!(fired(&mut wheel, due), [1], "due {due}");
        }
    }

    #[test]
    fn a_passed_deadline_fires_at_the_next_advance_before_later_ones() {
        let mut wheel = Timers::new();
        let now = span(2) + 5;
        assert_eq!(fired(&mut wheel, now), []);
        wheel.insert(now, 0);
        wheel.insert(now - 1, 1);
        wheel.insert(0, 2);
        wheel.insert(now + 1, 3);
        assert_eq!(wheel.next_due(), Some(0));
        assert_eq!(fired(&mut wheel, now), [2, 1, 0]);
        assert_eq!(fired(&mut wheel, now + 1), [3]);
    }

    #[test]
    fn time_that_steps_back_fires_only_what_is_due() {
        let mut wheel = Timers::new();
        wheel.insert(span(2) + 1, 0);
        assert_eq!(fired(&mut wheel, span(2)), []);
        wheel.insert(20, 1);
        wheel.insert(10, 2);
        assert_eq!(fired(&mut wheel, 10), [2]);
        assert_eq!(wheel.next_due(), Some(20));
        assert_eq!(fired(&mut wheel, span(2) + 1), [1, 0]);
    }

    #[test]
    fn a_removed_timer_gives_back_its_data_and_does_not_fire() {
        let mut wheel = Timers::new();
        let keys: Vec<_> = (0..5).map(|data| wheel.insert(100, data)).collect();
        // The head, the middle and the tail of one list.
        for at in [0, 2, 4] {
            assert_eq!(wheel.remove(keys[at]), at as u32);
        }
        assert_eq!(wheel.len(), 2);
        assert_eq!(fired(&mut wheel, 100), [1, 3]);
    }

    #[test]
    fn a_timer_cascades_through_every_level_without_changing_its_deadline() {
        // Digit 1 at every level, so that every level holds the timer once.
        let due = (0..LEVELS).map(span).sum::<u64>() + 3;
        let mut wheel = Timers::new();
        wheel.insert(due, 1);
        let mut now = 0;
        for level in (0..LEVELS).rev() {
            let occupied = wheel.wheel.occupied.iter().position(|&slots| slots != 0);
            assert_eq!(occupied, Some(level));
            now += span(level);
            assert_eq!(fired(&mut wheel, now - 1), []);
            assert_eq!(fired(&mut wheel, now), []);
            assert_eq!(wheel.next_due(), Some(due));
        }
        assert_eq!(fired(&mut wheel, due - 1), []);
        assert_eq!(fired(&mut wheel, due), [1]);
    }

    #[test]
    fn the_far_end_of_time_is_an_ordinary_deadline() {
        let mut wheel = Timers::new();
        wheel.insert(u64::MAX, 0);
        wheel.insert(u64::MAX - 1, 1);
        wheel.insert(span(LEVELS - 1), 2);
        wheel.insert(span(LEVELS - 1) - 1, 3);
        assert_eq!(fired(&mut wheel, span(LEVELS - 1) - 1), [3]);
        assert_eq!(fired(&mut wheel, u64::MAX - 2), [2]);
        assert_eq!(fired(&mut wheel, u64::MAX - 1), [1]);
        assert_eq!(wheel.next_due(), Some(u64::MAX));
        assert_eq!(fired(&mut wheel, u64::MAX), [0]);
        wheel.insert(u64::MAX, 4);
        assert_eq!(fired(&mut wheel, u64::MAX), [4]);
    }

    #[test]
    fn next_due_is_exact_after_insert_remove_and_cascade() {
        let mut wheel = Timers::new();
        // All in one slot of level 2, the earliest neither first nor last.
        let base = span(2);
        let later = wheel.insert(base + 30, 0);
        let early = wheel.insert(base + 10, 1);
        let middle = wheel.insert(base + 20, 2);
        assert_eq!(wheel.next_due(), Some(base + 10));
        wheel.remove(early);
        assert_eq!(wheel.next_due(), Some(base + 20));
        // While the earliest is unknown, an insertion must not pass for it.
        wheel.remove(middle);
        wheel.insert(base + 40, 3);
        assert_eq!(wheel.next_due(), Some(base + 30));
        assert_eq!(fired(&mut wheel, base), []);
        assert_eq!(wheel.next_due(), Some(base + 30));
        wheel.remove(later);
        assert_eq!(fired(&mut wheel, base + 40), [3]);
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn a_random_wheel_behaves_like_a_sorted_vector() {
        let (seeds, steps) = if cfg!(miri) { (6, 200) } else { (256, 2000) };
        for seed in 0..seeds {
            model::against_a_model(Dice::of_seed(seed), steps);
        }
    }
}
