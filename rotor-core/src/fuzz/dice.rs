//! Numbers for stories: those of a seed, or those of a fuzzer.

use std::vec;

use crate::random::Random;

/// What the stories of tests are drawn from. The numbers of a seed have no end; those made of bytes
/// have one, and behind it come those of a seed, so that a story can be brought to its end.
pub(crate) struct Dice {
    bytes: Option<vec::IntoIter<u8>>,
    random: Random,
}

impl Dice {
    pub(crate) fn of_seed(seed: u64) -> Self {
        Dice {
            bytes: None,
            random: Random::of(seed.wrapping_add(1)),
        }
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Dice {
            bytes: Some(Vec::from(bytes).into_iter()),
            random: Random::of(1),
        }
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.draw(size_of::<u64>())
    }

    /// A number less than `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let bits = u64::BITS - (end - 1).leading_zeros();
        self.draw(bits.div_ceil(u8::BITS) as usize) % end
    }

    /// Where to look in a list of this length.
    pub(crate) fn place(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.place(of.len())]
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Whether the bytes are at their end: so is the story, then.
    pub(crate) fn is_used_up(&self) -> bool {
        self.bytes.as_ref().is_some_and(|bytes| bytes.len() == 0)
    }

    /// A small number takes few bytes, so that a fuzzer need not guess the others.
    fn draw(&mut self, width: usize) -> u64 {
        match &mut self.bytes {
            Some(bytes) if bytes.len() > 0 => bytes
                .take(width)
                .fold(0, |number, byte| number << 8 | u64::from(byte)),
            _ => self.random.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_drawn_in_order_and_then_the_numbers_of_a_seed() {
        let mut dice = Dice::of_bytes(&[7, 1, 2, 9]);
        assert_eq!((dice.below(256), dice.below(257)), (7, 0x102 % 257));
        assert_eq!((dice.below(1), dice.is_used_up()), (0, false));
        assert_eq!((dice.next(), dice.is_used_up()), (9, true));
        assert!((0..9).any(|_| dice.below(8) != dice.below(8)));
    }

    #[test]
    fn the_numbers_of_a_seed_are_never_used_up() {
        let mut dice = Dice::of_seed(0);
        let drawn = [(); 100].map(|()| dice.below(4));
        assert!((0..4).all(|n| drawn.contains(&n)));
        assert!(!dice.is_used_up());
    }
}
