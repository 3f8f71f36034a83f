//! Names in a locality: which tree an actor is in, and the names that it has.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::child::Spec;
use crate::error::{StartError, StartStalled};
use crate::exit::{Exit, ExitReason};
use crate::find::Found;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::hold::Why;
use crate::link::Cause;
use crate::locality::{Control, Local, Locality};
use crate::message::LOCALITY;
use crate::name::{Name, NameError, NameSpec};
use crate::registry::{Doomed, Entry, Registry, Scope, Stalled, TREE, Told, Whose};
use crate::roster::Roster;
use crate::slot::{Parent, Seat};
use crate::states::Lifecycle;
use crate::strategy::ChildId;

/// What a locality knows of trees and names. Slots that are in it are marked in their seats.
#[derive(Default)]
pub(crate) struct Naming {
    /// Roots, and subtrees whose parents are elsewhere, by the slots of their tops.
    tops: BTreeMap<u32, Top>,
    /// By the owners' slots and the entries.
    owned: FixedMap<u32, Roster<*const Entry, Owned>>,
    /// What was found, by the registry and the innermost scope in which that was asked for.
    seen: FixedMap<(usize, Scope), Seen>,
}

/// What was found in a registry: found again without its lock.
struct Seen {
    /// Kept, so that no other one has its address.
    _registry: Arc<Registry>,
    /// With what was hidden by then.
    names: BTreeMap<Cow<'static, str>, (u64, Arc<Entry>)>,
}

impl Seen {
    fn prune(&mut self) {
        self.names.retain(|_, (_, entry)| entry.is_live());
    }
}

/// The top of the part of a tree that lives here.
struct Top {
    registry: Arc<Registry>,
    above: Above,
}

/// Localities, each in the life in which something is so.
pub(crate) type Lives = Arc<[(&'static Gate, u32)]>;

/// What is between the root of a tree and a part of it, the root included.
#[derive(Clone, Default)]
pub(crate) struct Above {
    /// The slots, from the root down.
    pub(crate) slots: Arc<[Address]>,
    /// Their names.
    pub(crate) names: Arc<[Cow<'static, str>]>,
    /// Those that have names of their own, from the part up.
    pub(crate) scopes: Arc<[Address]>,
    /// The localities, each in the life in which that is so.
    pub(crate) lives: Lives,
}

/// A name of an actor here.
struct Owned {
    registry: Arc<Registry>,
    entry: Arc<Entry>,
    /// By its spec, which keeps the name as long as there is a slot.
    declared: bool,
    /// The spec is put aside: the name is not its own until the next start.
    lapsed: Cell<bool>,
}

impl Local {
    /// A slot becomes the top of the part of a tree that lives here.
    pub(crate) fn enter_tree(&self, slot: u32, registry: Arc<Registry>, above: Above) {
        self.gate.registries.add(&registry);
        let top = Top { registry, above };
        self.naming.borrow_mut().tops.insert(slot, top);
        self.seat(slot, |seat| seat.marked = true);
    }

    /// The slots here from the top of the tree's part down to this one, in reverse.
    pub(crate) fn upwards(&self, slot: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(slot), |&slot| {
            self.seat(slot, |seat| match &seat.parent {
                Parent::Actor { address, .. } if address.gate() == self.gate => Some(address.slot),
                _ => None,
            })
        })
    }

    fn with_top<R>(&self, slot: u32, f: impl FnOnce(&mut Top) -> R) -> Option<R> {
        let top = self.upwards(slot).last()?;
        self.naming.borrow_mut().tops.get_mut(&top).map(f)
    }

    /// The registry of the tree that an actor is in.
    pub(crate) fn registry_of(&self, slot: u32) -> Option<Arc<Registry>> {
        self.with_top(slot, |top| top.registry.clone())
    }

    /// What is below an actor is placed on these: its tree waits for them, and shows them.
    pub(crate) fn add_places(&self, slot: u32, places: Vec<Locality>) {
        let registry = self.registry_of(slot);
        if let Some(app) = registry.and_then(|registry| registry.app.upgrade()) {
            places.into_iter().for_each(|place| app.add_place(place));
        }
    }

    /// The localities above the part of a tree that an actor is in, each in the life in which it has that
    /// part.
    pub(crate) fn lives_above(&self, slot: u32) -> Lives {
        let lives = self.with_top(slot, |top| top.above.lives.clone());
        lives.unwrap_or_default()
    }

    /// The same with this locality: for what is below an actor on another one.
    pub(crate) fn lives_down_to(&self, slot: u32) -> Lives {
        let own = (self.gate, self.gate.openings());
        let above = self.lives_above(slot);
        above.iter().copied().chain([own]).collect()
    }

    /// The slots from the root of the tree down to this one.
    pub(crate) fn path_of(&self, slot: u32) -> Vec<Address> {
        let mut path: Vec<_> = self.upwards(slot).map(|at| self.address_of(at)).collect();
        let above = self.with_top(slot, |top| top.above.slots.clone());
        path.extend(above.iter().flat_map(|above| above.iter().rev().copied()));
        path.reverse();
        path
    }

    /// The scopes that an actor is in.
    pub(crate) fn scopes_of(&self, slot: u32) -> Vec<Scope> {
        let here = self.upwards(slot).filter(|&at| self.is_scope(at));
        let mut scopes: Vec<_> = here.map(|at| Some(self.address_of(at))).collect();
        let above = self.with_top(slot, |top| top.above.scopes.clone());
        scopes.extend(
            above
                .iter()
                .flat_map(|above| above.iter().copied().map(Some)),
        );
        scopes.push(TREE);
        scopes
    }

    /// The innermost of them.
    pub(crate) fn scope_of(&self, slot: u32) -> Scope {
        if let Some(at) = self.upwards(slot).find(|&at| self.is_scope(at)) {
            return Some(self.address_of(at));
        }
        self.with_top(slot, |top| top.above.scopes.first().copied())?
    }

    fn is_scope(&self, slot: u32) -> bool {
        self.seat(slot, |seat| {
            seat.kin.as_ref().is_some_and(|kin| kin.own_names)
        })
    }

    /// The names from the root down to an actor.
    pub(crate) fn names_to(&self, slot: u32) -> Vec<Cow<'static, str>> {
        let mut names: Vec<_> = self
            .upwards(slot)
            .map(|at| self.name_of(at).to_cow())
            .collect();
        let above = self.with_top(slot, |top| top.above.names.clone());
        names.extend(above.iter().flat_map(|above| above.iter().rev().cloned()));
        names.reverse();
        names
    }

    /// The same, with slashes between.
    pub(crate) fn path_text(&self, slot: u32) -> String {
        self.names_to(slot).join("/")
    }

    /// The same of a child, which may live elsewhere.
    pub(crate) fn child_path(&self, parent: u32, child: ChildId) -> String {
        let name = self.seat(parent, |seat| {
            let family = seat.kin.as_ref().map(|kin| &kin.family);
            family.map_or("".into(), |family| family.row(child).name.to_cow())
        });
        self.path_below(parent, &name)
    }

    /// The same of a child that would have this name.
    pub(crate) fn path_below(&self, parent: u32, name: &str) -> String {
        format!("{}/{name}", self.path_text(parent))
    }

    /// Claims the names that a spec declares, for its slot. All or none.
    pub(crate) fn claim_names(
        &self,
        parent: u32,
        slot: u32,
        spec: &mut Spec,
    ) -> Result<(), StartError> {
        for name in std::mem::take(&mut spec.extra_mut().names) {
            let claimed = self.registry_for(parent, &name).and_then(|registry| {
                let (scope, address) = (self.scope_for(parent, &name), self.address_of(slot));
                let mut entry = Entry::new(&name, scope, address, spec.name.clone());
                let mut path = self.path_of(parent);
                path.push(entry.address);
                entry.path = Some(path.into());
                self.make_way(parent, &registry, &entry);
                Ok((registry.claim(Arc::new(entry))?, registry))
            });
            match claimed {
                Ok((entry, registry)) => self.own(slot, registry, entry, true),
                Err(error) => {
                    self.forget_names(slot);
                    let child = self.path_below(parent, &spec.name).into();
                    return Err(StartError::Name { child, error });
                }
            }
        }
        Ok(())
    }

    /// An orphan is removed by force that is in the way of what comes after it: its child has the name.
    fn make_way(&self, parent: u32, registry: &Registry, entry: &Entry) {
        // Never under a handler, which may be its own.
        if self.running_slot() != LOCALITY || self.is_bereft(parent) {
            return;
        }
        let owner = registry
            .claimed(entry.scope, &entry.name)
            .map(|old| old.address);
        let owner = owner.filter(|owner| owner.gate() == self.gate);
        let orphan = owner.and_then(|owner| self.orphan_above(self.find(owner)?));
        if let Some(orphan) = orphan {
            self.remove_orphan(orphan);
        }
    }

    /// The registry that a name is meant for, if it is one: its own, or that of the tree that `slot` is
    /// in.
    pub(crate) fn registry_for(
        &self,
        slot: u32,
        name: &NameSpec,
    ) -> Result<Arc<Registry>, NameError> {
        name.check()?;
        if let Some(registry) = &name.registry {
            self.gate.registries.add(registry);
            return Ok(registry.clone());
        }
        let ended = || NameError::TreeEnded {
            name: name.text.clone(),
        };
        self.registry_of(slot).ok_or_else(ended)
    }

    /// The scope in which an actor in `slot`, or a child of it, gets a name.
    fn scope_for(&self, slot: u32, name: &NameSpec) -> Scope {
        match name.registry {
            Some(_) => TREE,
            None => self.scope_of(slot),
        }
    }

    /// The scopes in which an actor looks for a name.
    pub(crate) fn scopes_for(&self, slot: u32, name: &NameSpec) -> Vec<Scope> {
        match name.registry {
            Some(_) => vec![TREE],
            None => self.scopes_of(slot),
        }
    }

    fn own(&self, slot: u32, registry: Arc<Registry>, entry: Arc<Entry>, declared: bool) {
        let key = Arc::as_ptr(&entry);
        let owned = Owned {
            registry,
            entry,
            declared,
            lapsed: Cell::new(false),
        };
        let mut naming = self.naming.borrow_mut();
        naming.owned.entry(slot).or_default().insert(key, owned);
        drop(naming);
        self.seat(slot, |seat| seat.marked = true);
    }

    /// An actor is operational: the names that its spec declares can be found.
    pub(crate) fn publish_names(&self, slot: u32) {
        let owned: Vec<_> = {
            let naming = self.naming.borrow();
            let owned = naming.owned.get(&slot).into_iter();
            owned
                .flat_map(Roster::values)
                .map(|o| (o.registry.clone(), o.entry.clone()))
                .collect()
        };
        // Those who wait are told, on other loops as well: nothing is borrowed when they wake.
        for (registry, entry) in owned {
            self.publish(&registry, &entry);
        }
    }

    fn publish(&self, registry: &Registry, entry: &Arc<Entry>) {
        if registry.publish(entry) {
            self.gate
                .tell_observer(|o| o.registered(entry.address, &entry.name));
        }
    }

    /// An actor is not started again by itself: nobody finds it any more.
    pub(crate) fn withdraw_names(&self, slot: u32) {
        let mut told = Vec::new();
        if let Some(owned) = self.naming.borrow_mut().owned.get_mut(&slot) {
            owned.retain(|name| {
                if name.declared {
                    name.registry.withdraw(&name.entry);
                } else {
                    told.push(name.registry.release(&name.entry));
                }
                name.declared
            });
        }
        told.into_iter().for_each(Told::tell);
    }

    /// The spec of an actor is put aside, by a supervisor here or on another locality: others may have the
    /// names that it declares.
    pub(crate) fn lapse_names(&self, slot: u32, by: Whose) {
        let mut told = Vec::new();
        if let Some(owned) = self.naming.borrow().owned.get(&slot) {
            for name in owned.values() {
                name.lapsed.set(true);
                told.push(name.registry.lapse(&name.entry, by));
            }
        }
        told.into_iter().for_each(Told::tell);
    }

    /// An actor starts whose names have perhaps lapsed: it gets them back, all or none if somebody has one
    /// of them now.
    pub(crate) fn claim_lapsed(&self, slot: u32) -> Result<(), NameError> {
        let mut told = Vec::new();
        let mut claimed = Ok(());
        if let Some(owned) = self.naming.borrow().owned.get(&slot) {
            let lapsed = || owned.values().filter(|name| name.lapsed.get());
            claimed = lapsed().try_for_each(|name| {
                name.registry.claim(name.entry.clone())?;
                Ok(())
            });
            if claimed.is_err() {
                told.extend(lapsed().map(|name| name.registry.lapse(&name.entry, Whose::Ours)));
            } else {
                owned.values().for_each(|name| name.lapsed.set(false));
            }
        }
        told.into_iter().for_each(Told::tell);
        claimed
    }

    /// A slot is freed.
    pub(crate) fn forget_names(&self, slot: u32) {
        let mut naming = self.naming.borrow_mut();
        naming.tops.remove(&slot);
        let owned = naming.owned.remove(&slot).unwrap_or_default();
        drop(naming);
        for name in owned.values() {
            name.registry.release(&name.entry).tell();
        }
    }

    /// A start is held open: if nothing but names and services does so, these may be such that never
    /// come.
    pub(crate) fn check_stall(&self, slot: u32) {
        let stalled = self.seat(slot, |seat| {
            let awaited: Option<Vec<_>> = seat.holds().map(Why::awaited).collect();
            Some((seat.serial, awaited?, seat.again))
        });
        let Some((serial, awaited, again)) = stalled else {
            return;
        };
        let Some(registry) = self.registry_of(slot) else {
            return;
        };
        let stalled = Stalled {
            at: self.address_of(slot),
            serial,
            path: self.path_of(slot),
            awaited,
            scopes: self.scopes_of(slot),
            again,
        };
        let doomed = registry.stall(stalled);
        self.tell_doomed(doomed);
    }

    /// A child of the supervisor in `slot` has ended, or is lost: if that is busy with the start of another
    /// one, this may wait for it.
    pub(crate) fn check_stalls_below(&self, slot: u32) {
        let starts = |seat: &mut Seat| seat.kin.as_ref()?.family.awaited_start();
        if self.seat(slot, starts).is_none() {
            return;
        }
        let Some(registry) = self.registry_of(slot) else {
            return;
        };
        let supervisor = self.address_of(slot);
        let doomed = registry.stall_again(supervisor);
        self.tell_doomed(doomed);
    }

    /// Has starts fail that can never end.
    fn tell_doomed(&self, doomed: Vec<Doomed>) {
        for doomed in doomed {
            Control::call(doomed.at.gate(), move |there| there.start_stalled(doomed));
        }
    }

    /// A start will never end: it fails, unless it is over meanwhile.
    fn start_stalled(&self, doomed: Doomed) {
        let Doomed {
            at,
            serial,
            error,
            waits,
        } = doomed;
        let Some(slot) = self.find(at) else { return };
        let stalled = self.seat(slot, |seat| {
            seat.serial == serial
                && seat.state.is_starting()
                && seat.is_held()
                && seat.holds().all(|why| why.awaited().is_some())
        });
        if stalled {
            let waiting = self.path_text(slot);
            for apart in waits {
                let (names, lost) = (waiting.clone(), None);
                self.note_apart(apart, at, Cause { names, lost });
            }
            let reason = ExitReason::Stalled(StartStalled { waiting, ..error });
            self.crash(slot, Exit::of(reason));
        }
    }

    /// Registers a name of an actor that lives, for everybody to find at once.
    pub(crate) fn register(&self, slot: u32, name: NameSpec) -> Result<(), NameError> {
        let (ending, owner) = self.seat(slot, |seat| (seat.is_ending(), seat.name.to_cow()));
        if ending {
            return Err(NameError::Ending { name: name.text });
        }
        let registry = self.registry_for(slot, &name)?;
        let (scope, address) = (self.scope_for(slot, &name), self.address_of(slot));
        self.take_from_orphan(slot, &registry, scope, &name);
        let entry = Entry::new(&name, scope, address, owner);
        let entry = registry.claim(Arc::new(entry))?;
        self.publish(&registry, &entry);
        self.own(slot, registry, entry, false); // unless it has it already
        Ok(())
    }

    /// A name that an orphan has registered is given back when somebody registers it who is none.
    fn take_from_orphan(&self, slot: u32, registry: &Registry, scope: Scope, name: &NameSpec) {
        let old = registry.claimed(scope, &name.text);
        let Some(old) = old.filter(|old| old.address.gate() == self.gate) else {
            return;
        };
        let owner = self.find(old.address);
        let Some(owner) = owner.filter(|&owner| self.is_bereft(owner)) else {
            return;
        };
        if self.is_bereft(slot) {
            return;
        }
        let key = Arc::as_ptr(&old);
        let mut naming = self.naming.borrow_mut();
        let owned = naming.owned.get_mut(&owner);
        let Some(owned) = owned.filter(|owned| owned.get(&key).is_some_and(|own| !own.declared))
        else {
            return;
        };
        owned.remove(&key);
        drop(naming);
        registry.release(&old).tell();
    }

    /// Gives back a name that the actor has registered; withdraws one that its spec declares.
    pub(crate) fn unregister(&self, slot: u32, name: &NameSpec) -> bool {
        let Ok(registry) = self.registry_for(slot, name) else {
            return false;
        };
        let Some(entry) = registry.claimed(self.scope_for(slot, name), &name.text) else {
            return false;
        };
        let mut naming = self.naming.borrow_mut();
        let Some(owned) = naming.owned.get_mut(&slot) else {
            return false;
        };
        let key = Arc::as_ptr(&entry);
        let Some(known) = owned.get(&key) else {
            return false;
        };
        let was_live = entry.is_live();
        if known.declared {
            registry.withdraw(&entry);
        } else {
            owned.remove(&key);
            drop(naming);
            registry.release(&entry).tell();
        }
        was_live
    }

    /// Finds a name now. One that was found before is found without a lock.
    pub(crate) fn lookup<B: 'static>(&self, slot: u32, name: Name<B>) -> Found {
        let name = name.spec();
        let registry = name.registry.clone().or_else(|| self.registry_of(slot));
        let Some(registry) = registry else {
            let name = name.text;
            return Err(NameError::NotFound { name });
        };
        let scope = self.scope_for(slot, &name);
        let entry = self
            .seen(&registry, scope, &name.text)
            .or_else(|| self.see(slot, registry.clone(), scope, &name));
        let entry = entry.ok_or_else(|| registry.missing(&name.text))?;
        entry.found(name.actor)
    }

    /// What was found before, and still is.
    fn seen(&self, registry: &Arc<Registry>, scope: Scope, name: &str) -> Option<Arc<Entry>> {
        let naming = self.naming.borrow();
        let seen = naming.seen.get(&(Arc::as_ptr(registry) as usize, scope))?;
        let (hidings, entry) = seen.names.get(name)?;
        let holds = entry.is_live() && *hidings == registry.hidings();
        holds.then(|| entry.clone())
    }

    /// Looks for a name in a registry, and remembers it.
    fn see(
        &self,
        slot: u32,
        registry: Arc<Registry>,
        scope: Scope,
        name: &NameSpec,
    ) -> Option<Arc<Entry>> {
        let hidings = registry.hidings(); // before: what comes meanwhile has it looked for again
        let entry = registry.entry(&name.text, &self.scopes_for(slot, name))?;
        let mut naming = self.naming.borrow_mut();
        let key = (Arc::as_ptr(&registry) as usize, scope);
        if !naming.seen.contains_key(&key) {
            naming.seen.retain(|(_, scope), seen| {
                seen.prune();
                let is_gone = scope.is_some_and(|of| of.state() == Lifecycle::Gone);
                !is_gone && !seen.names.is_empty()
            });
        }
        let names = BTreeMap::new();
        let new = || Seen {
            _registry: registry,
            names,
        };
        let seen = naming.seen.entry(key).or_insert_with(new);
        if seen.names.len().is_power_of_two() {
            seen.prune();
        }
        let known = (hidings, entry.clone());
        seen.names.insert(name.text.clone(), known);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::here::with_local;
    use crate::sim::Sim;
    use crate::*;

    const CLOCK: Name<Clock> = Name::new("clock");
    struct Clock;
    impl Actor for Clock {}

    /// Looks for the clock, which is outside.
    struct Looks;
    impl Actor for Looks {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.lookup(CLOCK)?;
            Ok(())
        }
    }

    #[test]
    fn what_was_found_from_a_scope_is_forgotten_with_that() {
        let mut sim = Sim::new(1);
        let here = sim.locality("here");
        let clock = Child::new("clock", || Clock).named(CLOCK);
        let app = sim.start(Supervisor::one_for_one("app").child(clock));
        let root = app.expect("a sound tree").root();
        sim.run_until_idle();
        for _ in 0..if cfg!(miri) { 4 } else { 100 } {
            let own = || Supervisor::one_for_one("own").own_names();
            let start = StartChild::new(move || own().child(Child::new("looks", || Looks)));
            let limit = Duration::from_secs(1);
            let started = sim.block_on(root.admin().ask(start, limit));
            assert!(matches!(started, Some(Ok(Ok(_)))), "{started:?}");
            let ended = root.admin().ask(TerminateChild::named("own"), limit);
            assert!(matches!(sim.block_on(ended), Some(Ok(Ok(_)))));
            let deleted = root.admin().ask(DeleteChild::named("own"), limit);
            assert!(matches!(sim.block_on(deleted), Some(Ok(Ok(_)))));
        }
        let seen = with_local(here.gate(), |local| {
            local.unwrap().naming.borrow().seen.len()
        });
        assert!(seen <= 2, "{seen}");
    }
}
