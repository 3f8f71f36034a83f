//! How many children a supervisor has, as requests see them: kept up to date, so that nobody counts.

use super::{Row, RowState};

/// Numbers of rows that are visible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) all: usize,
    pub(crate) supervisors: usize,
    pub(crate) up: usize,
    /// Those whose end waits its turn.
    pub(crate) ended: usize,
}

impl Tally {
    /// A row is about to change.
    pub(super) fn leave(&mut self, row: &Row) {
        if row.is_visible() {
            self.all -= 1;
            self.supervisors -= usize::from(row.supervisor);
            self.up -= usize::from(row.state == RowState::Up);
            self.ended -= usize::from(row.state == RowState::Ended);
        }
    }

    /// A row has changed.
    pub(super) fn enter(&mut self, row: &Row) {
        if row.is_visible() {
            self.all += 1;
            self.supervisors += usize::from(row.supervisor);
            self.up += usize::from(row.state == RowState::Up);
            self.ended += usize::from(row.state == RowState::Ended);
        }
    }
}

impl Row {
    /// Whether requests can see it.
    pub(super) fn is_visible(&self) -> bool {
        !self.removed && !matches!(self.state, RowState::New | RowState::Free)
    }
}
