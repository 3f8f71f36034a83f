//! Start-ups that wait for names which cannot come: they are found, not waited for.
//!
//! Children start one after the other, so what is declared further back in the start order cannot be
//! there before what waits for it. Only names that specs declare are looked at: any other one may be
//! registered by a running actor, of this tree or of another, at any time.
//!
//! Where actors are in their lives is read from their gates, by any thread. A start that waits does
//! not go on, and neither do those that wait for it, so what is read here stays true, unless the actor
//! itself gives its wait up: that it might, later, does not count.

use std::borrow::Cow;

use super::{Registry, Table};
use crate::address::Address;
use crate::error::StartStalled;
use crate::states::Lifecycle;

/// A start that nothing but names keeps open.
pub(crate) struct Stalled {
    pub(crate) at: Address,
    /// The instance.
    pub(crate) serial: u64,
    /// Its actor's name in its spec.
    pub(crate) who: Cow<'static, str>,
    /// The slots from the root down to it.
    pub(crate) path: Vec<Address>,
    pub(crate) names: Vec<Cow<'static, str>>,
}

/// An instance whose start cannot come to an end, and why.
pub(crate) struct Doomed {
    pub(crate) at: Address,
    pub(crate) serial: u64,
    pub(crate) error: StartStalled,
}

impl Registry {
    /// Notes that nothing but names keeps a start open. Returns the starts that can never end.
    pub(crate) fn stall(&self, stalled: Stalled) -> Vec<Doomed> {
        let mut table = self.table();
        table.stalled.retain(|other| other.at != stalled.at);
        table.stalled.push(stalled);
        let doomed = table.doomed();
        let mut index = 0..;
        let all = std::mem::take(&mut table.stalled);
        let (doomed, left): (Vec<_>, _) = all
            .into_iter()
            .partition(|_| index.next().is_some_and(|i: usize| doomed.contains(&i)));
        table.stalled = left;
        doomed.iter().map(|stalled| table.doom(stalled)).collect()
    }
}

impl Table {
    /// Indices of the stalled starts that wait for nothing but each other: those of whose names each
    /// is declared behind one of them in the start order.
    fn doomed(&self) -> Vec<usize> {
        let mut set: Vec<usize> = (0..self.stalled.len()).collect();
        loop {
            let before = set.clone();
            set.retain(|&i| {
                self.stalled[i].names.iter().all(|name| {
                    self.owner(name).is_some_and(|(path, _)| {
                        let behind = |&other: &usize| is_behind(path, &self.stalled[other].path);
                        before.iter().any(behind)
                    })
                })
            });
            if set.len() == before.len() {
                return set;
            }
        }
    }

    /// Where a name that cannot be found yet is declared, and by whom.
    fn owner(&self, name: &str) -> Option<(&[Address], &Cow<'static, str>)> {
        if let Some(entry) = self.entries.get(name) {
            let path = entry.path.as_deref().filter(|_| !entry.is_live())?;
            return Some((path, &entry.owner));
        }
        let planned = self.planned.get(name)?;
        Some((&planned.path, &planned.owner))
    }

    fn doom(&self, stalled: &Stalled) -> Doomed {
        let owner = |name: &Cow<'static, str>| {
            let owner = self.owner(name).map(|(_, owner)| owner.clone());
            (name.clone(), owner.unwrap_or_default())
        };
        Doomed {
            at: stalled.at,
            serial: stalled.serial,
            error: StartStalled {
                waiting: stalled.who.clone(),
                names: stalled.names.iter().map(owner).collect(),
            },
        }
    }
}

/// Whether an actor cannot be operational before the start of another one is over. Both by the slots
/// from the root of the tree down to them.
fn is_behind(actor: &[Address], other: &[Address]) -> bool {
    let is_starting = |address: &Address| address.state() == Lifecycle::Starting;
    let common = actor.iter().zip(other).take_while(|(a, b)| a == b).count();
    if common == 0 || !other.last().is_some_and(is_starting) {
        return false;
    }
    // Each on the way down waits for the next.
    if !other[common..].iter().all(is_starting) {
        return false;
    }
    match actor.get(common) {
        // Itself, or one above it, which is operational after what is below it.
        None => actor.last().is_some_and(is_starting),
        // Below it, or below a later sibling of one on the way.
        Some(next) => next.state() == Lifecycle::Waiting,
    }
}
