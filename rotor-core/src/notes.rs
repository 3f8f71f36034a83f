//! Notes of what there is: it is noted when it begins, and not when it ends.
//!
//! A list is swept when it has grown to twice of what was left of it by the last sweep. So it holds no more
//! than twice of what there was at that time, and each note pays for its part of one sweep.

use crate::fixed_map::FixedMap;
use crate::gate::Gate;

/// What there is, with some that has ended.
pub(crate) struct Notes<T> {
    list: Vec<T>,
    /// How many were left by the last sweep.
    left: usize,
}

/// A list that is shorter is not swept.
const FEW: usize = 16;

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Notes {
            list: Vec::new(),
            left: 0,
        }
    }
}

impl<T: Ord> Notes<T> {
    pub(crate) fn add(&mut self, one: T, is_there: impl Fn(&T) -> bool) {
        if self.list.len() >= FEW.max(self.left * 2) {
            self.sweep(is_there);
        }
        self.list.push(one);
    }

    /// What is left of it, in order, and once each.
    pub(crate) fn sweep(&mut self, is_there: impl Fn(&T) -> bool) -> &[T] {
        self.list.sort(); // what the last sweep has left is in order
        self.list.dedup();
        self.list.retain(is_there);
        self.left = self.list.len();
        self.list.shrink_to(FEW.max(self.left * 2)); // of a crowd that has gone
        &self.list
    }
}

/// Notes by the localities that they are about.
pub(crate) struct ByGate<T>(FixedMap<&'static Gate, Notes<T>>);

impl<T> Default for ByGate<T> {
    fn default() -> Self {
        ByGate(FixedMap::default())
    }
}

impl<T: Ord> ByGate<T> {
    pub(crate) fn add(&mut self, gate: &'static Gate, one: T, is_there: impl Fn(&T) -> bool) {
        self.0.entry(gate).or_default().add(one, is_there);
    }

    /// Takes out what there is of a locality, in order.
    pub(crate) fn take(&mut self, gate: &Gate, is_there: impl Fn(&T) -> bool) -> Vec<T> {
        let mut notes = self.0.remove(gate).unwrap_or_default();
        notes.sweep(is_there);
        notes.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m11_notes_of_what_has_ended_are_swept() {
        let mut notes = Notes::default();
        let all = if cfg!(miri) { 2_000 } else { 10_000 };
        for n in 0..all {
            let is_there = |&one: &i32| one % 1_000 == 0 || one + 10 > n;
            notes.add(n, is_there);
            notes.add(n, is_there); // the same again
            assert!(notes.list.len() < 100, "{n}");
        }
        let left = notes.sweep(|one| one % 1_000 == 0);
        assert_eq!(
            left,
            (0..all / 1_000).map(|n| n * 1_000).collect::<Vec<_>>()
        );
    }
}
