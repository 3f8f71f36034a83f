//! A wheel next to a vector sorted by deadline and insertion.

use super::*;
use crate::fuzz::dice::Dice;

pub(super) const TICK: u64 = 1 << TICK_BITS;

/// A wheel with a slab. Each timer has its data, and a place that no other one has had.
pub(super) struct Timers {
    pub(super) wheel: Wheel,
    slab: Vec<Entry>,
}

struct Entry {
    node: Node,
    data: u32,
}

impl Timed for Entry {
    fn node(&self) -> &Node {
        &self.node
    }

    fn node_mut(&mut self) -> &mut Node {
        &mut self.node
    }
}

impl Timers {
    pub(super) fn new() -> Self {
        Timers {
            wheel: Wheel::new(),
            slab: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, due: u64, data: u32) -> u32 {
        let (index, node) = (self.slab.len() as u32, Node::UNARMED);
        self.slab.push(Entry { node, data });
        self.wheel.insert(&mut self.slab, index, due);
        assert!(self.slab[index as usize].node.is_armed());
        index
    }

    pub(super) fn remove(&mut self, index: u32) -> u32 {
        self.wheel.remove(&mut self.slab, index);
        let entry = &self.slab[index as usize];
        assert!(!entry.node.is_armed());
        entry.data
    }

    pub(super) fn next_due(&self) -> Option<u64> {
        self.wheel.next_due(&self.slab)
    }

    pub(super) fn len(&self) -> usize {
        self.wheel.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wheel.is_empty()
    }
}

/// What fires at a time.
pub(super) fn fired(timers: &mut Timers, now: u64) -> Vec<u32> {
    let mut due = Vec::new();
    timers.wheel.advance(&mut timers.slab, now, |entry, _| {
        assert!(!entry.node.is_armed());
        due.push(entry.data);
    });
    due
}

/// The span of one slot of a level, in nanoseconds.
pub(super) fn span(level: usize) -> u64 {
    TICK << (level as u32 * LEVEL_BITS)
}

/// A distance whose magnitude is uniform, up to `bits` bits.
fn distance(dice: &mut Dice, bits: usize) -> u64 {
    match dice.place(bits + 1) as u32 {
        0 => 0,
        bits => dice.next() >> (u64::BITS - bits),
    }
}

struct Model {
    wheel: Timers,
    timers: Vec<(u64, u32, u32)>,
    now: u64,
    inserted: u32,
}

impl Model {
    fn insert(&mut self, due: u64) {
        // Unique, and in no order that could be mistaken for that of insertion.
        let data = self.inserted.wrapping_mul(0x9E37_79B9);
        let key = self.wheel.insert(due, data);
        let at = self.timers.partition_point(|timer| timer.0 <= due);
        self.timers.insert(at, (due, data, key));
        self.inserted += 1;
    }

    fn remove(&mut self, at: usize) {
        let (_, data, key) = self.timers.remove(at);
        assert_eq!(self.wheel.remove(key), data);
    }

    fn advance(&mut self, now: u64) {
        self.now = self.now.max(now);
        let end = self.timers.partition_point(|timer| timer.0 <= now);
        let expected: Vec<u32> = self.timers.drain(..end).map(|timer| timer.1).collect();
        assert_eq!(fired(&mut self.wheel, now), expected);
    }

    fn step(&mut self, dice: &mut Dice, bits: usize) {
        match dice.below(16) {
            0..8 => {
                let far = distance(dice, bits);
                self.insert(match dice.below(16) {
                    0 => self.now.saturating_sub(far),
                    1 => u64::MAX - distance(dice, 20),
                    2 if !self.timers.is_empty() => self.timers[dice.place(self.timers.len())].0,
                    _ => self.now.saturating_add(far),
                });
            }
            8..11 if !self.timers.is_empty() => self.remove(dice.place(self.timers.len())),
            11 if !self.timers.is_empty() => self.remove(0),
            12 if !self.timers.is_empty() => {
                let due = self.timers[dice.place(self.timers.len().min(8))].0;
                if due != u64::MAX {
                    self.advance(due.saturating_sub(1).max(self.now));
                    self.advance(due.max(self.now));
                }
            }
            13 => self.advance(self.now.saturating_sub(distance(dice, 20))),
            _ => {
                let far = distance(dice, bits.saturating_sub(4));
                self.advance(self.now.saturating_add(far));
            }
        }
    }
}

/// Inserts, removes and moves on as the dice say.
pub(crate) fn against_a_model(mut dice: Dice, steps: u32) {
    // From crowds within one tick to timers that are centuries apart.
    let bits = 12 + dice.place(53);
    // Also start near the far end of time, and at the borders of slots.
    let start = match dice.below(4) {
        0 => u64::MAX - distance(&mut dice, bits),
        1 => span(dice.place(LEVELS)).wrapping_sub(distance(&mut dice, 10)),
        _ => distance(&mut dice, bits),
    };
    let mut model = Model {
        wheel: Timers::new(),
        timers: Vec::new(),
        now: 0,
        inserted: 0,
    };
    model.advance(start);
    for _ in 0..steps {
        if dice.is_used_up() {
            break;
        }
        model.step(&mut dice, bits);
        let earliest = model.timers.first().map(|timer| timer.0);
        // Not asking every time also covers insertions while the earliest is unknown.
        if !dice.one_in(4) {
            assert_eq!(model.wheel.next_due(), earliest);
        }
        assert_eq!(model.wheel.len(), model.timers.len());
    }
    model.advance(u64::MAX);
    assert!(model.wheel.is_empty() && model.wheel.next_due().is_none());
}
