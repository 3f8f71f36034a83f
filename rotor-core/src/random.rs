//! Random numbers: nothing else in core draws any.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// A source of numbers (xorshift64), of one thread. Those of a seed are the same everywhere.
#[derive(Debug)]
pub(crate) struct Random(Cell<u64>);

/// The state of a source that has no seed yet; no other state leads there.
const UNSEEDED: u64 = 0;

impl Random {
    /// The numbers of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        Random(Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1))
    }

    /// Numbers of which nobody knows the seed, not even another source of this process. It is made
    /// when the first one is drawn.
    pub(crate) const fn unseeded() -> Self {
        Random(Cell::new(UNSEEDED))
    }

    /// The next number; never 0.
    pub(crate) fn next(&self) -> u64 {
        if self.0.get() == UNSEEDED {
            let seed = RandomState::new().hash_one(0);
            self.0.set(Self::of(seed).0.get());
        }
        let mut state = self.0.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0.set(state);
        state
    }

    /// A number from `least` to `most`, both included.
    pub(crate) fn within(&self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l07_the_numbers_of_a_seed_are_the_same_and_those_of_another_are_not() {
        let draw = |seed| {
            let random = Random::of(seed);
            [(); 4].map(|()| random.next())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let two = [(); 2].map(|()| Random::unseeded().next());
        assert_ne!(two[0], two[1]);
    }

    #[test]
    fn l07_numbers_lie_within_and_reach_both_ends() {
        let random = Random::of(1);
        let drawn = [(); 200].map(|()| random.within(3, 6));
        assert!((3..=6).all(|n| drawn.contains(&n)));
        assert!(drawn.iter().all(|n| (3..=6).contains(n)));
        assert_eq!(random.within(9, 9), 9);
        assert!(random.within(0, u64::MAX) > 0);
    }
}
