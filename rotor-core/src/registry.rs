//! The registry of a tree: whose each name is, and who waits for it.
//!
//! One table per tree, behind a lock that is held by leaf functions only: no user code runs under
//! it, and nobody is woken. It belongs to no locality, so it survives the loss of any, and an answer
//! needs no message. What a locality has found once it remembers: see `naming`.

mod links;
mod stall;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::address::Address;
use crate::find::{Answer, Found};
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::link::LinkError;
use crate::lock::lock;
use crate::message::Record;
use crate::name::{ActorType, NameError, NameSpec};
use crate::things::Key;
use links::Links;

pub(crate) use stall::{Awaited, Doomed, Stalled};

type Text = Cow<'static, str>;

/// The names of a tree.
#[derive(Default)]
pub(crate) struct Registry {
    table: Mutex<Table>,
    waits: AtomicU64,
}

#[derive(Default)]
struct Table {
    entries: FixedMap<Text, Arc<Entry>>,
    /// Names that are declared in subtrees of other localities, which are built when they start.
    planned: FixedMap<Text, Planned>,
    /// The same for addresses that were reserved for those subtrees.
    planned_slots: FixedMap<Address, Planned>,
    /// By the numbers of the waits.
    waiting: BTreeMap<Text, BTreeMap<u64, Waiter>>,
    /// Starts that nothing but names and services keeps open.
    stalled: Vec<Stalled>,
    links: Links,
    ended: bool,
}

/// A name and its owner.
pub(crate) struct Entry {
    pub(crate) name: Text,
    pub(crate) actor: ActorType,
    pub(crate) address: Address,
    /// The owner's name in its spec.
    pub(crate) owner: Text,
    /// The slots from the root of the tree down to the owner's, if its spec declares the name.
    pub(crate) path: Option<Box<[Address]>>,
    /// The name can be found. Written under the lock; whoever reads `true` may use the entry, which
    /// does not change.
    live: AtomicBool,
}

/// Where a name will be declared.
struct Planned {
    /// The slots from the root down to the top of the subtree.
    path: Arc<[Address]>,
    owner: Text,
}

/// An instance that waits for a name.
pub(crate) struct Waiter {
    pub(crate) to: Address,
    pub(crate) key: Key,
    pub(crate) wanted: ActorType,
    /// Of the wait, in its registry.
    pub(crate) number: u64,
}

impl Entry {
    pub(crate) fn new(spec: &NameSpec, address: Address, owner: Text) -> Self {
        Entry {
            name: spec.text.clone(),
            actor: spec.actor,
            address,
            owner,
            path: None,
            live: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    /// The address, if the owner is of the type that is asked for.
    pub(crate) fn found(&self, wanted: ActorType) -> Found {
        if self.actor == wanted {
            return Ok(self.address);
        }
        Err(NameError::WrongType {
            name: self.name.clone(),
            wanted: wanted.name,
            registered: self.actor.name,
        })
    }
}

impl Registry {
    fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }

    /// Gives a name to an owner; it cannot be found yet. An owner may claim a name again.
    pub(crate) fn claim(&self, entry: Entry) -> Result<Arc<Entry>, NameError> {
        let mut table = self.table();
        let name = entry.name.clone();
        if table.ended {
            return Err(NameError::TreeEnded { name });
        }
        let taken = |owner: &Text| NameError::Taken {
            name: name.clone(),
            owner: owner.clone(),
        };
        if let Some(old) = table.entries.get(&name) {
            let same = old.address == entry.address && old.actor == entry.actor;
            return if same {
                Ok(old.clone())
            } else {
                Err(taken(&old.owner))
            };
        }
        if let Some(planned) = table.planned.get(&name) {
            let top = planned.path.last();
            let below = |path: &[Address]| top.is_some_and(|top| path.contains(top));
            if !entry.path.as_deref().is_some_and(below) {
                return Err(taken(&planned.owner));
            }
        }
        let entry = Arc::new(entry);
        table.entries.insert(name, entry.clone());
        Ok(entry)
    }

    /// Lets a claimed name be found, and tells those who wait for it. False if it could be before.
    pub(crate) fn publish(&self, entry: &Arc<Entry>) -> bool {
        let mut table = self.table();
        if !table.has(entry) {
            return false;
        }
        let known = entry.live.swap(true, Ordering::AcqRel);
        let waiters = table.waiting.remove(&entry.name).unwrap_or_default();
        drop(table);
        for waiter in waiters.values() {
            waiter.tell(entry.found(waiter.wanted));
        }
        !known
    }

    /// A name cannot be found for now; its owner keeps it.
    pub(crate) fn withdraw(&self, entry: &Entry) {
        let _table = self.table();
        entry.live.store(false, Ordering::Release);
    }

    /// An owner gives its name back.
    pub(crate) fn release(&self, entry: &Arc<Entry>) {
        let mut table = self.table();
        entry.live.store(false, Ordering::Release);
        if table.has(entry) {
            table.entries.remove(&entry.name);
        }
    }

    /// The entry of a name that can be found now.
    pub(crate) fn entry(&self, name: &str) -> Option<Arc<Entry>> {
        let table = self.table();
        table.entries.get(name).filter(|e| e.is_live()).cloned()
    }

    /// The entry of a name that somebody has, whether it can be found or not.
    pub(crate) fn claimed(&self, name: &str) -> Option<Arc<Entry>> {
        self.table().entries.get(name).cloned()
    }

    /// A number for a wait.
    pub(crate) fn number(&self) -> u64 {
        self.waits.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits for a name, until [`forget`](Self::forget) is called. If there is an answer already, it
    /// is given back with the waiter.
    pub(crate) fn wait(&self, name: &Text, waiter: Waiter) -> Option<(Waiter, Found)> {
        let mut table = self.table();
        if table.ended {
            let name = name.clone();
            return Some((waiter, Err(NameError::TreeEnded { name })));
        }
        if let Some(entry) = table.entries.get(name).filter(|e| e.is_live()) {
            let found = entry.found(waiter.wanted);
            return Some((waiter, found));
        }
        let waiters = table.waiting.entry(name.clone()).or_default();
        waiters.insert(waiter.number, waiter);
        None
    }

    /// Ends a wait of an instance, which held its start or did not.
    pub(crate) fn forget(&self, name: &str, number: u64, to: Address, held: bool) {
        let mut table = self.table();
        if let Some(waiters) = table.waiting.get_mut(name) {
            waiters.remove(&number);
            if waiters.is_empty() {
                table.waiting.remove(name);
            }
        }
        if held {
            table.not_stalled(to);
        }
    }

    #[cfg(test)]
    pub(crate) fn starts_stalled(&self) -> usize {
        self.table().stalled.len()
    }

    #[cfg(test)]
    pub(crate) fn waits_open(&self) -> usize {
        self.table().waiting.values().map(BTreeMap::len).sum()
    }

    /// What a subtree of another locality will declare.
    pub(crate) fn plan(self: &Arc<Self>, declared: &Declared, path: Vec<Address>) -> Plans {
        let path: Arc<[Address]> = path.into();
        let planned = |owner: &Text| Planned {
            path: path.clone(),
            owner: owner.clone(),
        };
        let Declared { names, slots } = declared;
        let mut table = self.table();
        for (name, owner) in names {
            table.planned.insert(name.clone(), planned(owner));
        }
        for (slot, owner) in slots {
            table.planned_slots.insert(*slot, planned(owner));
        }
        Plans {
            registry: self.clone(),
            names: names.iter().map(|(name, _)| name.clone()).collect(),
            slots: slots.iter().map(|(slot, _)| *slot).collect(),
            path,
        }
    }

    /// A locality is lost: nothing of it can be found any more, or waits.
    pub(crate) fn gate_lost(&self, gate: &Gate) {
        let mut table = self.table();
        table.entries.retain(|_, entry| {
            let stays = entry.address.gate() != gate;
            if !stays {
                entry.live.store(false, Ordering::Release);
            }
            stays
        });
        table.waiting.retain(|_, waiters| {
            waiters.retain(|_, waiter| waiter.to.gate() != gate);
            !waiters.is_empty()
        });
        table.stalled.retain(|stalled| stalled.at.gate() != gate);
        table.links.gate_lost(gate);
    }

    /// Notes that a client is linked to a service, unless that would close a circle.
    pub(crate) fn link(&self, client: Address, who: Text, to: Address) -> Result<(), LinkError> {
        self.table().links.insert(client, who, to)
    }

    /// Whether a client is linked to a service, or about to be.
    pub(crate) fn is_linked(&self, client: Address, to: Address) -> bool {
        self.table().links.contains(client, to)
    }

    /// A link is no more.
    pub(crate) fn unlink(&self, client: Address, to: Address) {
        self.table().links.remove(client, to);
    }

    /// The tree has ended: who waits for a name of it is told.
    pub(crate) fn end(&self) {
        let mut table = self.table();
        table.ended = true;
        for entry in std::mem::take(&mut table.entries).values() {
            entry.live.store(false, Ordering::Release);
        }
        table.stalled.clear();
        let waiting = std::mem::take(&mut table.waiting);
        drop(table);
        for (name, waiters) in waiting {
            for waiter in waiters.values() {
                waiter.tell(Err(NameError::TreeEnded { name: name.clone() }));
            }
        }
    }
}

impl Table {
    fn has(&self, entry: &Arc<Entry>) -> bool {
        let known = self.entries.get(&entry.name);
        known.is_some_and(|known| Arc::ptr_eq(known, entry))
    }
}

impl Waiter {
    pub(crate) fn tell(&self, found: Found) {
        Answer::push(self.to, (self.key, found));
    }
}

/// What the specs of a subtree declare, each with the name of its child.
#[derive(Clone, Default)]
pub(crate) struct Declared {
    pub(crate) names: Vec<(Text, Text)>,
    /// Addresses that were reserved.
    pub(crate) slots: Vec<(Address, Text)>,
}

/// What is planned of one subtree, as long as its parent has its spec.
pub(crate) struct Plans {
    registry: Arc<Registry>,
    names: Vec<Text>,
    slots: Vec<Address>,
    path: Arc<[Address]>,
}

impl Drop for Plans {
    fn drop(&mut self) {
        let mut table = self.registry.table();
        for name in &self.names {
            let planned = table.planned.get(name);
            if planned.is_some_and(|planned| Arc::ptr_eq(&planned.path, &self.path)) {
                table.planned.remove(name);
            }
        }
        for slot in &self.slots {
            let planned = table.planned_slots.get(slot);
            if planned.is_some_and(|planned| Arc::ptr_eq(&planned.path, &self.path)) {
                table.planned_slots.remove(slot);
            }
        }
    }
}

/// The registries in which the actors of a locality have names, or wait for some. Kept by its gate,
/// which outlives it.
#[derive(Default)]
pub(crate) struct Registries(Mutex<Vec<Weak<Registry>>>);

impl Registries {
    fn list(&self) -> MutexGuard<'_, Vec<Weak<Registry>>> {
        lock(&self.0)
    }

    pub(crate) fn add(&self, registry: &Arc<Registry>) {
        let mut list = self.list();
        list.retain(|known| known.strong_count() > 0);
        if !list
            .iter()
            .any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(registry)))
        {
            list.push(Arc::downgrade(registry));
        }
    }

    /// The locality of `gate`, which this belongs to, is lost.
    pub(crate) fn lost(&self, gate: &Gate) {
        let list = std::mem::take(&mut *self.list());
        for registry in list.iter().filter_map(Weak::upgrade) {
            registry.gate_lost(gate);
        }
    }

    pub(crate) fn clear(&self) {
        self.list().clear();
    }
}
