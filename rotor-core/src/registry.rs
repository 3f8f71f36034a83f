//! The registry of a tree: whose each name is, and who waits for it.
//!
//! One table per tree, behind a lock that is held by leaf functions only: no user code runs under
//! it, and nobody is woken. It belongs to no locality, so it survives the loss of any, and an answer
//! needs no message. What a locality has found once it remembers: see `naming`.

mod links;
mod plans;
mod stall;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::address::Address;
use crate::app::AppShared;
use crate::find::{Answer, Found};
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::link::LinkError;
use crate::lock::lock;
use crate::message::Record;
use crate::name::{ActorType, NameError, NameSpec};
use crate::notes::ByGate;
use crate::things::Key;
use links::Links;
use plans::{Nest, Planned};
use stall::{Stalls, is_down};

pub(crate) use plans::{Declared, Plans, Whose};
pub(crate) use stall::{Apart, Awaited, Doomed, Stalled};

type Text = Cow<'static, str>;

/// Where a name holds: below this supervisor, which has names of its own, or in the whole tree.
///
/// An actor finds the names of all scopes around it; of two alike it finds the one of the inner scope.
/// Wherever scopes are listed, the innermost is the first, and the tree the last.
pub(crate) type Scope = Option<Address>;

/// The scope that all actors of a tree are in.
pub(crate) const TREE: Scope = None;

/// A name where it holds.
type Scoped = (Scope, Text);

type Waiting = BTreeMap<Scoped, BTreeMap<u64, Arc<Waiter>>>;

/// The names of a tree.
#[derive(Default)]
pub(crate) struct Registry {
    table: Mutex<Table>,
    waits: AtomicU64,
    /// How often something has come that may hide a name of an outer scope.
    hidings: AtomicU64,
    /// The tree.
    pub(crate) app: Weak<AppShared>,
}

#[derive(Default)]
struct Table {
    entries: FixedMap<Scoped, Arc<Entry>>,
    /// The names by the localities of their owners.
    named: ByGate<Scoped>,
    /// Names that are declared in subtrees of other localities, which are built when they start.
    planned: FixedMap<Scoped, Nest>,
    /// The same for addresses that were reserved for those subtrees.
    planned_slots: FixedMap<Address, Nest>,
    /// Names that are put aside, by each locality above what declares them.
    aside: ByGate<Scoped>,
    /// By the numbers of the waits, each in all the scopes that it looks into.
    waiting: Waiting,
    /// The waits by the localities of those who wait.
    waits: ByGate<(u64, Text)>,
    /// Starts that nothing but names and services keeps open.
    stalled: Stalls,
    links: Links,
    ended: bool,
}

/// A name and its owner.
pub(crate) struct Entry {
    pub(crate) name: Text,
    pub(crate) scope: Scope,
    pub(crate) actor: ActorType,
    pub(crate) address: Address,
    /// The owner's name in its spec.
    pub(crate) owner: Text,
    /// The slots from the root of the tree down to the owner's, if its spec declares the name.
    pub(crate) path: Option<Arc<[Address]>>,
    /// The name can be found. Written under the lock; whoever reads `true` may use the entry, which
    /// does not change.
    live: AtomicBool,
}

/// An instance that waits for a name.
pub(crate) struct Waiter {
    pub(crate) to: Address,
    pub(crate) key: Key,
    pub(crate) wanted: ActorType,
    /// The scopes that it looks into.
    pub(crate) scopes: Arc<[Scope]>,
    /// Of the wait, in its registry.
    pub(crate) number: u64,
}

impl Entry {
    pub(crate) fn new(spec: &NameSpec, scope: Scope, address: Address, owner: Text) -> Self {
        Entry {
            name: spec.text.clone(),
            scope,
            actor: spec.actor,
            address,
            owner,
            path: None,
            live: AtomicBool::new(false),
        }
    }

    fn place(&self) -> Scoped {
        (self.scope, self.name.clone())
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
    pub(crate) fn of(app: Weak<AppShared>) -> Self {
        Registry {
            app,
            ..Registry::default()
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }

    /// Gives a name to an owner; it cannot be found yet. An owner may claim a name again.
    pub(crate) fn claim(&self, entry: Arc<Entry>) -> Result<Arc<Entry>, NameError> {
        let mut table = self.table();
        let name = entry.name.clone();
        if table.ended {
            return Err(NameError::TreeEnded { name });
        }
        let taken = |owner: &Text| NameError::Taken {
            name: name.clone(),
            owner: owner.clone(),
        };
        if let Some(old) = table.entries.get(&entry.place()) {
            let same = old.address == entry.address && old.actor == entry.actor;
            return if same {
                Ok(old.clone())
            } else {
                Err(taken(&old.owner))
            };
        }
        if let Some(planned) = table.planned(&entry.place()) {
            let below = |path: &[Address]| planned.is_above(path);
            if !entry.path.as_deref().is_some_and(below) {
                return Err(taken(&planned.owner));
            }
        }
        table.plan_again(&entry.place(), entry.address);
        table.insert(entry.clone());
        if entry.scope != TREE {
            self.hide();
        }
        Ok(entry)
    }

    /// Something has come that may hide what was found before.
    fn hide(&self) {
        self.hidings.fetch_add(1, Ordering::Release);
    }

    /// What [`hide`](Self::hide) counts.
    pub(crate) fn hidings(&self) -> u64 {
        self.hidings.load(Ordering::Acquire)
    }

    /// Lets a claimed name be found, and tells those who wait for it. False if it could be before.
    pub(crate) fn publish(&self, entry: &Arc<Entry>) -> bool {
        let mut table = self.table();
        if !table.has(entry) {
            return false;
        }
        let known = entry.live.swap(true, Ordering::AcqRel);
        let told = table.ready(&entry.place());
        drop(table);
        told.tell();
        !known
    }

    /// A name cannot be found for now; its owner keeps it.
    pub(crate) fn withdraw(&self, entry: &Entry) {
        let _table = self.table();
        entry.live.store(false, Ordering::Release);
    }

    /// An owner gives its name back. Whoever finds another one now is to be told.
    pub(crate) fn release(&self, entry: &Arc<Entry>) -> Told {
        let mut table = self.table();
        table.take_out(entry);
        if table.plan_again(&entry.place(), entry.address) {
            self.hide();
        }
        table.ready(&entry.place())
    }

    /// The same, until it claims the name again: its spec is put aside.
    pub(crate) fn lapse(&self, entry: &Arc<Entry>, by: Whose) -> Told {
        let mut table = self.table();
        table.take_out(entry);
        if let Some(path) = &entry.path {
            table.put_aside(&entry.place(), path, by);
        }
        table.ready(&entry.place())
    }

    /// The entry of a name that can be found now in these scopes.
    pub(crate) fn entry(&self, name: &Text, scopes: &[Scope]) -> Option<Arc<Entry>> {
        self.table().live(name, scopes).cloned()
    }

    /// Why a name has no entry that can be found.
    pub(crate) fn missing(&self, name: &Text) -> NameError {
        let name = name.clone();
        match self.table().ended {
            true => NameError::TreeEnded { name },
            false => NameError::NotFound { name },
        }
    }

    /// The entry of a name that somebody has, whether it can be found or not.
    pub(crate) fn claimed(&self, scope: Scope, name: &Text) -> Option<Arc<Entry>> {
        self.table().entries.get(&(scope, name.clone())).cloned()
    }

    /// The child of a subtree on another locality that is going to have an address.
    pub(crate) fn planned_at(&self, at: Address) -> Option<Text> {
        let table = self.table();
        let planned = table.planned_slots.get(&at)?.innermost()?;
        Some(planned.owner.clone())
    }

    /// Whose a name is that cannot be found now, as people are told behind it.
    pub(crate) fn owner_of(&self, name: &Text, scopes: &[Scope]) -> Option<Text> {
        let table = self.table();
        let (owner, path) = match table.known(name, scopes)? {
            Known::Now(entry) => {
                let own = std::slice::from_ref(&entry.address);
                (&entry.owner, entry.path.as_deref().unwrap_or(own))
            }
            Known::Later(planned) => (&planned.owner, &*planned.path),
        };
        let down = if is_down(path) { ", which is down" } else { "" };
        Some(format!(" of {owner}{down}").into())
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
        if let Some(entry) = table.live(name, &waiter.scopes) {
            let found = entry.found(waiter.wanted);
            return Some((waiter, found));
        }
        table.wait(name, Arc::new(waiter));
        None
    }

    /// Ends a wait of an instance in these scopes, which held its start or did not.
    pub(crate) fn forget(
        &self,
        (name, scopes): (&Text, &[Scope]),
        number: u64,
        to: Address,
        held: bool,
    ) {
        let mut table = self.table();
        table.forget(name, scopes, number);
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
        let table = self.table();
        let waiting = table.waiting.iter().filter(|(at, _)| at.0 == TREE);
        waiting.map(|(_, waiters)| waiters.len()).sum()
    }

    /// A locality is lost: nothing of it can be found any more, or waits.
    pub(crate) fn gate_lost(&self, gate: &Gate) {
        let mut table = self.table();
        let gone = table.names_lost(gate);
        table.waits_lost(gate);
        table.stalled.gate_lost(gate);
        table.links.gate_lost(gate);
        if table.plan_lost(gate) {
            self.hide();
        }
        let told: Vec<_> = gone.iter().map(|place| table.ready(place)).collect();
        drop(table);
        told.into_iter().for_each(Told::tell);
    }

    /// Notes that a client is linked to a service, unless that would close a circle.
    pub(crate) fn link(
        &self,
        client: Address,
        who: impl FnOnce() -> Text,
        to: Address,
    ) -> Result<(), LinkError> {
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
        (table.named, table.aside, table.waits) = Default::default();
        let waiting = std::mem::take(&mut table.waiting);
        drop(table);
        // All look into the tree, some into other scopes as well.
        for ((_, name), waiters) in waiting.into_iter().filter(|(at, _)| at.0 == TREE) {
            for waiter in waiters.values() {
                waiter.tell(Err(NameError::TreeEnded { name: name.clone() }));
            }
        }
    }
}

impl Table {
    fn has(&self, entry: &Arc<Entry>) -> bool {
        let known = self.entries.get(&entry.place());
        known.is_some_and(|known| Arc::ptr_eq(known, entry))
    }

    fn insert(&mut self, entry: Arc<Entry>) {
        let (entries, gate) = (&mut self.entries, entry.address.gate());
        let is_there = |place: &_| owned_at(entries, gate, place);
        self.named.add(gate, entry.place(), is_there);
        entries.insert(entry.place(), entry);
    }

    /// Takes out the names whose owners are lost with their locality.
    fn names_lost(&mut self, gate: &Gate) -> Vec<Scoped> {
        let is_there = |place: &_| owned_at(&self.entries, gate, place);
        let gone = self.named.take(gate, is_there);
        for place in &gone {
            if let Some(entry) = self.entries.remove(place) {
                entry.live.store(false, Ordering::Release);
            }
        }
        gone
    }

    /// Takes a name from its owner.
    fn take_out(&mut self, entry: &Arc<Entry>) {
        entry.live.store(false, Ordering::Release);
        if self.has(entry) {
            self.entries.remove(&entry.place());
        }
    }

    /// Who has a name, or will have it, in the first of these scopes that knows it.
    fn known(&self, name: &Text, scopes: &[Scope]) -> Option<Known<'_>> {
        scopes.iter().find_map(|&scope| {
            let place = (scope, name.clone());
            let entry = self.entries.get(&place).map(Known::Now);
            entry.or_else(|| self.planned(&place).map(Known::Later))
        })
    }

    /// The entry of a name that can be found now. One that cannot hides those of outer scopes.
    fn live(&self, name: &Text, scopes: &[Scope]) -> Option<&Arc<Entry>> {
        match self.known(name, scopes)? {
            Known::Now(entry) => Some(entry).filter(|entry| entry.is_live()),
            Known::Later(_) => None,
        }
    }

    fn wait(&mut self, name: &Text, waiter: Arc<Waiter>) {
        let waiting = &mut self.waiting;
        let is_there = |(number, name): &_| waits_in(waiting, *number, name).is_some();
        let note = (waiter.number, name.clone());
        self.waits.add(waiter.to.gate(), note, is_there);
        for &scope in &*waiter.scopes {
            let waiters = waiting.entry((scope, name.clone())).or_default();
            waiters.insert(waiter.number, waiter.clone());
        }
    }

    /// Takes out those who are lost with their locality.
    fn waits_lost(&mut self, gate: &Gate) {
        let is_there = |(number, name): &_| waits_in(&self.waiting, *number, name).is_some();
        for (number, name) in self.waits.take(gate, is_there) {
            let waiter = waits_in(&self.waiting, number, &name).cloned();
            self.forget(
                &name,
                waiter.iter().flat_map(|waiter| &*waiter.scopes),
                number,
            );
        }
    }

    /// Takes out those who have waited for a name where something has come or gone, and find one now.
    fn ready(&mut self, place: &Scoped) -> Told {
        let waiters = self.waiting.get(place).into_iter().flatten();
        let found = waiters.filter_map(|(_, waiter)| {
            let entry = self.live(&place.1, &waiter.scopes)?;
            Some((waiter.clone(), entry.found(waiter.wanted)))
        });
        let told = Told(found.collect());
        for (waiter, _) in &told.0 {
            self.forget(&place.1, &*waiter.scopes, waiter.number);
        }
        told
    }

    /// Nobody waits by this number any more.
    fn forget<'a>(
        &mut self,
        name: &Text,
        scopes: impl IntoIterator<Item = &'a Scope>,
        number: u64,
    ) {
        for &scope in scopes {
            let place = (scope, name.clone());
            if let Some(waiters) = self.waiting.get_mut(&place) {
                waiters.remove(&number);
                if waiters.is_empty() {
                    self.waiting.remove(&place);
                }
            }
        }
    }
}

/// Whether the owner of a name is on this locality.
fn owned_at(entries: &FixedMap<Scoped, Arc<Entry>>, gate: &Gate, place: &Scoped) -> bool {
    entries
        .get(place)
        .is_some_and(|entry| entry.address.gate() == gate)
}

/// Who waits by this number. All look into the tree, some into other scopes as well.
fn waits_in<'a>(waiting: &'a Waiting, number: u64, name: &Text) -> Option<&'a Arc<Waiter>> {
    waiting.get(&(TREE, name.clone()))?.get(&number)
}

/// A name in a scope.
enum Known<'a> {
    Now(&'a Arc<Entry>),
    Later(&'a Planned),
}

/// Answers, for those who have waited.
#[must_use = "somebody waits for them"]
pub(crate) struct Told(Vec<(Arc<Waiter>, Found)>);

impl Told {
    /// When nothing is borrowed: it wakes loops.
    pub(crate) fn tell(self) {
        for (waiter, found) in self.0 {
            waiter.tell(found);
        }
    }
}

impl Waiter {
    pub(crate) fn tell(&self, found: Found) {
        Answer::push(self.to, (self.key, found));
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

    /// Whether one is of a tree that has not ended.
    pub(crate) fn are_used(&self) -> bool {
        let all: Vec<_> = self.list().iter().filter_map(Weak::upgrade).collect();
        all.iter().any(|registry| !registry.table().ended)
    }

    pub(crate) fn clear(&self) {
        self.list().clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::lock::lock;
    use crate::*;

    const CLOCK: Name<Clock> = Name::new("clock");

    struct Clock;
    impl Actor for Clock {}

    /// Whether the clock is found, also as that of this tree.
    struct Find(App);
    impl Request for Find {
        type Reply = [bool; 2];
    }
    struct Finder;
    impl Actor for Finder {}
    impl Handler<Ask<Find>> for Finder {
        fn handle(&mut self, ask: Ask<Find>, cx: &mut Context<Self>) {
            let names = [CLOCK, CLOCK.of(&ask.request.0)];
            ask.reply(names.map(|name| cx.lookup(name).is_ok()));
        }
    }

    /// Ends a tree, whatever comes of it.
    struct Ends(App);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.shutdown();
        }
    }

    /// Elsewhere, and however deep: the lock is held by somebody else all the time.
    #[test]
    fn n02_a_name_that_was_found_is_found_again_without_a_lock() {
        let (main, away) = (ThreadLoop::new(), ThreadLoop::spawn("away").unwrap());
        let [finder, inner] = [away.reserve(), away.reserve()];
        let far = Supervisor::one_for_one("far").on(&away, move |s| {
            let own = Supervisor::one_for_one("own").own_names();
            s.child(Child::new("finder", || Finder).at(finder))
                .child(own.child(Child::new("inner", || Finder).at(inner)))
        });
        let clock = Child::new("clock", || Clock).named(CLOCK);
        let tree = Supervisor::one_for_one("app").child(clock).child(far);
        let looks = move |app: App| {
            let _ends = Ends(app.clone());
            let ask = |whom: Addr<Finder>| {
                let found = whom.ask_blocking(Find(app.clone()), Duration::from_secs(10));
                assert!(matches!(found, Ok([true, true])), "{found:?}");
            };
            [finder, inner].into_iter().for_each(ask);
            let held = lock(&app.shared.registry.table);
            [finder, inner].into_iter().for_each(ask);
            drop(held);
        };
        let mut looking = None;
        let exit = main.run_with(tree, |app| {
            looking = Some(std::thread::spawn(move || looks(app)));
        });
        assert!(exit.is_ok());
        looking.expect("it has begun").join().unwrap();
    }
}
