//! Which reserved slots subtrees have claimed whose parents are elsewhere.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::fixed_map::FixedMap;

/// The reserved slots of a gate that are below parents elsewhere, each with the top of its subtree.
#[derive(Default)]
pub(crate) struct Claims {
    tops: FixedMap<u32, Address>,
    below: FixedMap<Address, BTreeSet<u32>>,
}

impl Claims {
    pub(crate) fn insert(&mut self, slot: u32, top: Address) {
        self.remove(slot);
        self.tops.insert(slot, top);
        self.below.entry(top).or_default().insert(slot);
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(top) = self.tops.remove(&slot) else {
            return;
        };
        if let Some(all) = self.below.get_mut(&top) {
            all.remove(&slot);
            if all.is_empty() {
                self.below.remove(&top);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.tops.clear();
        self.below.clear();
    }

    /// The slots that a subtree has claimed; those of others are not looked at.
    pub(crate) fn of(&self, top: Address) -> impl Iterator<Item = u32> + '_ {
        self.below.get(&top).into_iter().flatten().copied()
    }
}
