//! A wheel next to a vector sorted by deadline and insertion.

use super::*;
use crate::fuzz::dice::Dice;

pub(super) const TICK: u64 = 1 << TICK_BITS;

/// What fires at a time.
pub(super) fn fired(wheel: &mut Wheel, now: u64) -> Vec<u32> {
    let mut due = Vec::new();
    wheel.advance(now, &mut due);
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
    wheel: Wheel,
    timers: Vec<(u64, u32, WheelKey)>,
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
        wheel: Wheel::new(),
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
