//! Texts with how often each came.

use std::collections::BTreeMap;

/// Different texts that are kept.
const MOST: usize = 50;

/// Texts with how often each came, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    counts: BTreeMap<String, u64>,
    /// Those for which there was no room.
    others: u64,
}

impl Texts {
    /// Adds a text.
    pub fn add(&mut self, text: String) {
        let room = self.counts.len() < MOST;
        match self.counts.get_mut(&text) {
            Some(count) => *count += 1,
            None if room => drop(self.counts.insert(text, 1)),
            None => self.others += 1,
        }
    }

    /// Returns the number of all that were added.
    pub fn sum(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.others
    }

    /// Returns the texts with their counts, and what had no room as one.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let others = (self.others > 0).then_some(("others", self.others));
        let kept = self.counts.iter().map(|(text, n)| (&**text, *n));
        kept.chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_none_is_uncounted() {
        let mut texts = Texts::default();
        for n in 0..100 {
            texts.add(format!("text {:02}", n % 70));
        }
        assert_eq!(texts.iter().count(), MOST + 1);
        assert_eq!(texts.iter().last(), Some(("others", 20)));
        assert_eq!(texts.sum(), 100);
    }
}
