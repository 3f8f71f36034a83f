//! A list in which each entry is found by its key, in the same time however long it is.

use std::hash::Hash;

use crate::fixed_map::FixedMap;

/// So many are looked through; more are found by their hashes.
const FEW: usize = 8;

/// Entries in an order that is the same in every run.
pub(crate) struct Roster<K, V = ()> {
    list: Vec<(K, V)>,
    /// Places in `list`, unless there are few.
    places: FixedMap<K, usize>,
}

impl<K, V> Default for Roster<K, V> {
    fn default() -> Self {
        Roster {
            list: Vec::new(),
            places: FixedMap::default(),
        }
    }
}

impl<K: Copy + Eq + Hash, V> Roster<K, V> {
    /// Adds an entry behind the others. False if there is one with this key, which stays.
    pub(crate) fn insert(&mut self, key: K, value: V) -> bool {
        if self.place(&key).is_some() {
            return false;
        }
        self.list.push((key, value));
        match self.list.len() {
            0..=FEW => {}
            len if len == FEW + 1 => {
                let keys = self.list.iter().map(|(key, _)| *key);
                self.places = keys.zip(0..).collect();
            }
            len => drop(self.places.insert(key, len - 1)),
        }
        true
    }

    /// Takes an entry out; the last one gets its place.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.place(key)?;
        let (_, value) = self.list.swap_remove(at);
        if self.list.len() <= FEW {
            self.places = FixedMap::default();
        } else {
            self.places.remove(key);
            if let Some((moved, _)) = self.list.get(at) {
                self.places.insert(*moved, at);
            }
        }
        Some(value)
    }

    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&V) -> bool) {
        let mut list = std::mem::take(self).list;
        list.retain(|(_, value)| stays(value));
        for (key, value) in list {
            self.insert(key, value);
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.place(key).map(|at| &self.list[at].1)
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.place(key).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.list.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.list.iter().map(|(_, value)| value)
    }

    /// The key at a place.
    pub(crate) fn key(&self, at: usize) -> Option<&K> {
        self.list.get(at).map(|(key, _)| key)
    }

    fn place(&self, key: &K) -> Option<usize> {
        if self.list.len() <= FEW {
            return self.list.iter().position(|(other, _)| other == key);
        }
        self.places.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few or many, in whatever order they come and go.
    #[test]
    fn what_is_in_is_found_and_what_is_out_is_not() {
        let mut roster = Roster::default();
        let mut model = Vec::new();
        let mut random = 1_u32;
        let steps = if cfg!(miri) { 120 } else { 4_000_u32 };
        for n in 0..steps {
            random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            let key = (random >> 16) % 24;
            if n / 100 % 2 == (random >> 8) % 3 % 2 {
                let is_new = !model.contains(&(key, n)) && roster.insert(key, n);
                assert_eq!(is_new, !model.iter().any(|(known, _)| *known == key));
                if is_new {
                    model.push((key, n));
                }
            } else {
                let at = model.iter().position(|(known, _)| *known == key);
                let gone = at.map(|at| model.swap_remove(at).1);
                assert_eq!(roster.remove(&key), gone);
            }
            assert!(roster.list == model);
            assert!((0..24).all(|key| {
                roster.contains(&key) == model.iter().any(|(known, _)| *known == key)
            }));
        }
    }
}
