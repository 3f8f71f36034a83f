//! What subtrees of other localities will declare.
//!
//! A subtree is built where it lives, when it starts, and again after each loss of that loop. So what it
//! declares is noted next to its supervisor's entry, as its plans, for as long as that has its spec: nobody
//! else gets it meanwhile. Plans nest as the subtrees do: those of the innermost subtree that knows a name
//! hold, and when they go it is still that of the one around it. A name whose spec is put aside below is
//! struck out of the plans around it until the spec is taken up, or the loop of who has put it aside is
//! lost: the closure that builds the subtree again declares it.

use std::sync::Arc;

use super::{Registry, Scope, Scoped, TREE, Table, Text, Told};
use crate::address::Address;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::locality::Locality;
use crate::naming::Lives;
use crate::states::Lifecycle;

/// What the specs of a subtree declare, each with the name of its child.
#[derive(Clone, Default)]
pub(crate) struct Declared {
    pub(crate) names: Vec<(Text, Text)>,
    /// Addresses that were reserved.
    pub(crate) slots: Vec<(Address, Text)>,
    /// Where what is below it is placed.
    pub(crate) places: Vec<Locality>,
}

/// What is planned of one subtree, as long as its parent has its spec.
pub(crate) struct Plans {
    registry: Arc<Registry>,
    names: Vec<Scoped>,
    slots: Vec<Address>,
    path: Arc<[Address]>,
}

/// Which supervisor has put a spec aside that is at, or above, what declares a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// One of the same locality.
    Ours,
    /// One of another locality, which has struck what is below it out of the plans around it by itself,
    /// and may have taken it up again by now.
    Theirs,
}

/// Where a name, or a reserved address, will be declared.
pub(super) struct Planned {
    /// The slots from the root down to the top of the subtree.
    pub(super) path: Arc<[Address]>,
    pub(super) owner: Text,
    /// Of the loops above it. When one is over, so is this: whoever builds that part anew plans it anew.
    lives: Lives,
    /// The slots down to what was put aside below that, with the spec that declares it.
    aside: Option<Arc<[Address]>>,
}

/// Those above the end of a path: that is a spec, which its supervisor has put aside.
fn above(path: &[Address]) -> &[Address] {
    path.split_last().map_or(&[], |(_, above)| above)
}

/// The plans for the same thing, as they have come.
#[derive(Default)]
pub(super) struct Nest(Vec<Planned>);

impl Planned {
    pub(super) fn is_above(&self, path: &[Address]) -> bool {
        self.path.last().is_some_and(|top| path.contains(top))
    }

    fn holds(&self) -> bool {
        self.aside.is_none() && self.lives.iter().all(|&(gate, life)| gate.is_in(life))
    }

    fn is_aside_at(&self, at: Address) -> bool {
        let path = self.aside.as_deref();
        path.is_some_and(|path| path.last() == Some(&at))
    }

    /// Whether its spec is put aside by a supervisor of this locality, or of one below that.
    fn is_aside_below(&self, gate: &Gate) -> bool {
        let path = self.aside.as_deref().unwrap_or_default();
        above(path).iter().any(|at| at.gate() == gate)
    }
}

impl Nest {
    /// The innermost plan of those around the first one, and within it. Others come when that has gone:
    /// what they plan is somebody else's till then.
    pub(super) fn innermost(&self) -> Option<&Planned> {
        let hold = self.0.iter().filter(|planned| planned.holds());
        hold.reduce(|inner, next| {
            if inner.is_above(&next.path) {
                next
            } else {
                inner
            }
        })
    }

    /// Takes out the plan of a subtree, with those of the subtrees below it or not. True if none is left.
    fn take_out(&mut self, path: &Arc<[Address]>, whole: bool) -> bool {
        let top = path.last().filter(|_| whole);
        self.0.retain(|planned| {
            let below = top.is_some_and(|top| planned.path.contains(top));
            !below && !Arc::ptr_eq(&planned.path, path)
        });
        self.0.is_empty()
    }
}

impl Table {
    /// What is planned of a name now.
    pub(super) fn planned(&self, place: &Scoped) -> Option<&Planned> {
        self.planned.get(place)?.innermost()
    }

    /// The spec is gone, or put aside, of a subtree whose top is at the end of this path: who has a name in
    /// it has stopped, and will hear of that. One that was disowned, and lives, gives it back by itself.
    fn disown(&mut self, place: &Scoped, path: &[Address]) {
        let entry = self.entries.get(place).filter(|entry| {
            let stopped = [Lifecycle::Waiting, Lifecycle::Down, Lifecycle::Gone];
            let its = entry.path.as_deref().unwrap_or_default();
            let below = path.last().is_some_and(|top| its.contains(top));
            below && stopped.contains(&entry.address.state())
        });
        if let Some(entry) = entry.cloned() {
            self.take_out(&entry);
        }
    }

    /// What declares a name is put aside, at the end of this path: those around it do not plan it.
    pub(super) fn put_aside(&mut self, place: &Scoped, path: &Arc<[Address]>, by: Whose) {
        if by == Whose::Theirs {
            return;
        }
        let nest = self.planned.get_mut(place).into_iter();
        for planned in nest.flat_map(|nest| &mut nest.0) {
            // One that is further out holds for what was put aside below it before.
            let inner = planned.aside.as_deref();
            let outermost = inner.is_none_or(|inner| inner.starts_with(path));
            if outermost && planned.is_above(path) {
                planned.aside = Some(path.clone());
            }
        }
        let planned = &self.planned;
        for part in above(path).chunk_by(|one, other| one.gate() == other.gate()) {
            let gate = part[0].gate();
            if is_aside_below(planned, place, gate) {
                let is_there = |place: &_| is_aside_below(planned, place, gate);
                self.aside.add(gate, place.clone(), is_there);
            }
        }
    }

    /// What was put aside at an address is taken up, or gone for good: those around it plan it again. False
    /// if there are none.
    pub(super) fn plan_again(&mut self, place: &Scoped, at: Address) -> bool {
        let mut any = false;
        let nest = self.planned.get_mut(place).into_iter();
        for planned in nest.flat_map(|nest| &mut nest.0) {
            if planned.is_aside_at(at) {
                planned.aside = None;
                any = true;
            }
        }
        any
    }

    /// A locality is lost: what was put aside there, or below, is declared again by the closure that
    /// builds it. False if there is no such thing.
    pub(super) fn plan_lost(&mut self, gate: &Gate) -> bool {
        let planned = &mut self.planned;
        let lost = self
            .aside
            .take(gate, |place| is_aside_below(planned, place, gate));
        for place in &lost {
            let nest = planned.get_mut(place).into_iter();
            for planned in nest.flat_map(|nest| &mut nest.0) {
                if planned.is_aside_below(gate) {
                    planned.aside = None;
                }
            }
        }
        !lost.is_empty()
    }
}

/// Whether a name is put aside below a locality.
fn is_aside_below(planned: &FixedMap<Scoped, Nest>, place: &Scoped, gate: &Gate) -> bool {
    let nest = planned.get(place).into_iter();
    nest.flat_map(|nest| &nest.0)
        .any(|planned| planned.is_aside_below(gate))
}

impl Registry {
    /// What a subtree of another locality will declare; its names are those of this scope.
    pub(crate) fn plan(
        self: &Arc<Self>,
        declared: &Declared,
        scope: Scope,
        path: Vec<Address>,
        lives: Lives,
    ) -> Arc<Plans> {
        let path: Arc<[Address]> = path.into();
        let planned = |owner: &Text| Planned {
            path: path.clone(),
            owner: owner.clone(),
            lives: lives.clone(),
            aside: None,
        };
        let Declared { names, slots, .. } = declared;
        let names: Vec<_> = names
            .iter()
            .map(|(name, owner)| ((scope, name.clone()), owner))
            .collect();
        let mut table = self.table();
        for (place, owner) in &names {
            let nest = table.planned.entry(place.clone()).or_default();
            nest.0.push(planned(owner));
        }
        for (slot, owner) in slots {
            let nest = table.planned_slots.entry(*slot).or_default();
            nest.0.push(planned(owner));
        }
        if scope != TREE {
            self.hide();
        }
        drop(table);
        let plans = Plans {
            registry: self.clone(),
            names: names.into_iter().map(|(place, _)| place).collect(),
            slots: slots.iter().map(|(slot, _)| *slot).collect(),
            path,
        };
        Arc::new(plans)
    }
}

impl Plans {
    /// The spec of the subtree is put aside: its names are nobody's.
    pub(crate) fn lapse(&self, by: Whose) {
        self.take_out(by == Whose::Ours, |table, place| {
            if by == Whose::Ours {
                table.disown(place, &self.path);
            }
            table.put_aside(place, &self.path, by);
        });
    }

    /// It is gone for good.
    pub(crate) fn release(&self) {
        self.take_out(true, |table, place| table.disown(place, &self.path));
    }

    /// Takes out what is planned, with what other localities have planned below it if that is gone as a
    /// whole, and has something done to what is planned around it.
    fn take_out(&self, whole: bool, around: impl Fn(&mut Table, &Scoped)) {
        let mut table = self.registry.table();
        let mut told = Vec::new();
        for place in &self.names {
            if let Some(nest) = table.planned.get_mut(place)
                && nest.take_out(&self.path, whole)
            {
                table.planned.remove(place);
            }
            around(&mut table, place);
            told.push(table.ready(place));
        }
        for slot in &self.slots {
            if let Some(nest) = table.planned_slots.get_mut(slot)
                && nest.take_out(&self.path, whole)
            {
                table.planned_slots.remove(slot);
            }
        }
        drop(table);
        told.into_iter().for_each(Told::tell);
    }
}

impl Drop for Plans {
    /// Its entry is gone, or has new ones: it is not put aside any more.
    fn drop(&mut self) {
        let top = self.path.last().copied();
        self.take_out(false, |table, place| {
            if top.is_some_and(|top| table.plan_again(place, top)) {
                self.registry.hide();
            }
        });
    }
}
