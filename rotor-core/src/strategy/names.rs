//! Children by name, for requests: not built before the first one asks.

use super::ChildId;
use crate::fixed_map::FixedMap;
use crate::label::Label;

/// The index, if anybody has asked for it.
#[derive(Debug, Default)]
pub(super) struct Names(Option<FixedMap<Label, ChildId>>);

impl Names {
    pub(super) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn learn(&mut self, rows: Vec<(Label, ChildId)>) {
        self.0 = Some(rows.into_iter().collect());
    }

    /// The table changes as a whole: the next request builds the index anew.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    pub(super) fn insert(&mut self, name: Label, id: ChildId) {
        if let Some(all) = &mut self.0 {
            all.insert(name, id);
        }
    }

    /// Takes a name out, if it is still this child's.
    pub(super) fn remove(&mut self, name: &str, id: ChildId) {
        if let Some(all) = &mut self.0
            && all.get(name) == Some(&id)
        {
            all.remove(name);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<ChildId> {
        self.0.as_ref()?.get(name).copied()
    }
}
