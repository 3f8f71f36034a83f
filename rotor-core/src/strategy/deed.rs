//! What administrative requests ask a family to do.

use super::*;
use crate::admin::ChildState;

/// What a request asks for, with the child looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    /// Start the row that was added for it.
    Launch(ChildId),
    /// Start a child that is down.
    Restart(ChildId),
    /// Stop a child, or give its restart up.
    Terminate(ChildId),
    /// Remove the spec of a child that is down.
    Delete(ChildId),
}

/// What came of a deed: the child and its incarnation if it runs now.
pub(crate) type DeedResult = Result<Option<(ChildId, u64)>, Refusal>;

/// Why a deed was not done.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    Running(ChildId),
    Restarting(ChildId),
    /// The start failed.
    Failed(Exit),
}

impl Family {
    /// The child that requests find under a name.
    pub(crate) fn find(&mut self, name: &str) -> Option<ChildId> {
        if !self.names.is_known() {
            let rows = self.ids().filter_map(|id| {
                let row = self.row(id);
                (row.named && !row.removed).then(|| (row.name.clone(), id))
            });
            let rows = rows.collect();
            self.names.learn(rows);
        }
        self.names.get(name)
    }

    /// The children that requests can see, in start order.
    pub(crate) fn visible(&self) -> impl Iterator<Item = ChildId> + '_ {
        self.ids().filter(|&id| self.row(id).is_visible())
    }

    /// How many those are.
    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    pub(super) fn deed(&mut self, deed: Deed, out: &mut Vec<Action>) {
        match deed {
            Deed::Launch(id) => self.start_asked(id, true, out),
            Deed::Restart(id) => match self.row(id).refusal(id) {
                None => self.start_asked(id, false, out),
                Some(refusal) => out.push(Action::Answer(Err(refusal))),
            },
            Deed::Terminate(id) => {
                if self.row(id).is_restarted() {
                    self.call_off(id, &Exit::shutdown(), out);
                }
                self.failures.remove(&id);
                let stops = SmallVec::from_slice(&[id]);
                let outcome = Ok(None);
                let added = false;
                self.begin(stops, Ids::new(), Then::Asked { added, outcome }, out);
            }
            Deed::Delete(id) => {
                let refusal = self.row(id).refusal(id);
                if refusal.is_none() && self.row(id).dynamic {
                    self.remove(id);
                    out.push(Action::Forget(id));
                } else if refusal.is_none() {
                    self.hide(id, out);
                    // A restart of a sibling was perhaps to start it as well.
                    out.push(Action::LayDown(id, Exit::shutdown()));
                }
                out.push(Action::Answer(refusal.map_or(Ok(None), Err)));
            }
        }
    }

    fn start_asked(&mut self, id: ChildId, added: bool, out: &mut Vec<Action>) {
        let starts = SmallVec::from_slice(&[id]);
        let outcome = Ok(None);
        self.begin(Ids::new(), starts, Then::Asked { added, outcome }, out);
    }
}

impl Row {
    /// Whether a restart is to come.
    pub(super) fn is_restarted(&self) -> bool {
        matches!(self.state, RowState::Restarting | RowState::Waiting)
    }

    /// What requests are told of it.
    pub(crate) fn child_state(&self) -> ChildState {
        match self.state {
            RowState::Up | RowState::Ended => ChildState::Running {
                instance: self.incarnation,
            },
            _ if self.is_restarted() => ChildState::Restarting,
            _ => ChildState::Down,
        }
    }

    /// Why a child cannot be started or deleted by a request: only one that is down can.
    fn refusal(&self, id: ChildId) -> Option<Refusal> {
        match self.state {
            RowState::Down => None,
            _ if self.is_restarted() => Some(Refusal::Restarting(id)),
            _ => Some(Refusal::Running(id)),
        }
    }
}
