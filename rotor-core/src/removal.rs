//! The end of instances by force, and of slots.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use smallvec::{SmallVec, smallvec};

use crate::address::Address;
use crate::exit::Exit;
use crate::gate::{is_last, next_generation};
use crate::here;
use crate::kin::{Entry, RemoteEntry};
use crate::late::Overrun;
use crate::locality::{Control, Local};
use crate::lock::lock;
use crate::message::{Command, LOCALITY};
use crate::observe::Reason;
use crate::registry::{Plans, Whose};
use crate::request::RequestError;
use crate::slot::{Parent, Parked, Rare, Seat, State};
use crate::states::{Lifecycle, Tenure};
use crate::strategy::{Action, ChildId};
use crate::unbuilt::by_gates;

/// A parent's order to remove an instance by force.
#[derive(Clone, Copy)]
pub(crate) struct Kill {
    pub(crate) to: Address,
    pub(crate) incarnation: u64,
    /// Whether another instance may come.
    pub(crate) keep: bool,
    /// The limit that has passed, if that is why.
    pub(crate) late: Option<Overrun>,
}

/// What waits at a reserved address for an instance: for that of the next spec, when the one that has it is
/// taken back.
#[derive(Default)]
struct Awaited {
    parked: Option<Box<Parked>>,
    rare: Option<Box<Rare>>,
    serves: bool,
}

impl Awaited {
    /// Nothing waits at one that is down.
    fn take(here: &Local, slot: u32) -> Awaited {
        if here.seat(slot, |seat| seat.state != State::Waiting) {
            return Awaited::default();
        }
        here.park_held(slot);
        here.seat(slot, |seat| {
            let rare = seat.rare.take().map(|mut rare| {
                (rare.capacity, rare.disowned) = (None, 0); // of the spec, and of its parent's count
                rare
            });
            Awaited {
                parked: seat.parked.take(),
                rare,
                serves: std::mem::take(&mut seat.serves),
            }
        })
    }

    fn put_back(self, seat: &mut Seat) {
        (seat.parked, seat.rare, seat.serves) = (self.parked, self.rare, self.serves);
    }
}

/// The slot of a child is to be freed whose parent is on the same locality: a short record, as there may
/// be very many.
struct RemoveHere {
    slot: u32,
    generation: u32,
}

impl Command for RemoveHere {
    fn run(self, here: &Local, _: u32) {
        if let Some(slot) = here.find(Address::new(here.gate, self.slot, self.generation)) {
            here.remove(slot);
        }
    }
}

impl Local {
    /// The parent removes the instance by force.
    pub(crate) fn kill(&self, kill: Kill) {
        let Kill {
            to,
            incarnation,
            keep,
            late,
        } = kill;
        // Of one that was in an earlier life of the locality, it says so for the order to build it again.
        let Some(slot) = self.find_or_await(to) else {
            return;
        };
        let live = self.seat(slot, |seat| {
            // Its start may still be on the way: it must not come to life any more.
            let rare = seat.rare_mut();
            rare.disowned = rare.disowned.max(incarnation);
            seat.incarnation == incarnation && seat.state.has_instance()
        });
        if live {
            if let Some(overrun) = late {
                self.tell_late(slot, overrun);
            }
            self.kill_slot(slot, keep);
        }
    }

    /// Ends the instance and everything below it, without hooks, now.
    pub(crate) fn kill_slot(&self, slot: u32, keep: bool) {
        // Children before parents: the list is built top down and taken from its end.
        let mut all: SmallVec<[u32; 8]> = smallvec![slot];
        let mut at = 0;
        while at < all.len() {
            let below = self.abandon_children(all[at]);
            all.extend(below);
            at += 1;
        }
        for &slot in all.iter().rev() {
            let live = self.seat(slot, |seat| seat.state.has_instance());
            if live {
                let exit = self.forced_exit(slot);
                self.reseat(slot, |seat| {
                    seat.state = State::Stopping;
                    seat.keep = keep;
                    seat.hooked = true;
                });
                self.finish(slot, exit);
            }
        }
    }

    /// How an instance ends that is removed by force: the first reason wins, also one that it has said
    /// and that was not handled yet.
    fn forced_exit(&self, slot: u32) -> Exit {
        let said = self.take_said(slot);
        if self.losing.get() {
            return self.gate.lost();
        }
        said.unwrap_or(Exit::killed())
    }

    /// Marks every child as gone; those here are returned, those elsewhere are told.
    pub(crate) fn abandon_children(&self, slot: u32) -> Vec<u32> {
        let Some(mut kin) = self.seat(slot, |seat| seat.kin.take()) else {
            return Vec::new();
        };
        let mut actions = Vec::new();
        kin.family.abandon(&mut actions);
        let mut below = Vec::new();
        let mut forgotten = Vec::new();
        let mut ends = Vec::new();
        for action in actions {
            match action {
                Action::Kill(id, incarnation) => {
                    let Some(entry) = kin.entry(id) else { continue };
                    if entry.place.gate() == self.gate {
                        below.push(entry.place.slot);
                    } else {
                        let kill = Kill {
                            to: entry.place,
                            incarnation,
                            keep: true,
                            late: None,
                        };
                        self.tell_child(kill.to, |to| to.gate().kill(kill));
                    }
                }
                Action::Forget(id) => forgotten.extend(kin.take_entry(id)),
                Action::Drop(exit) => ends.push(exit),
                _ => {}
            }
        }
        let early = kin.early.take();
        kin.family.settled = None;
        self.seat(slot, |seat| seat.kin = Some(kin));
        let early = early.into_iter().flat_map(|early| early.into_exits());
        for exit in ends.into_iter().chain(early) {
            let _ = here::guard(|| drop(exit));
        }
        for entry in forgotten {
            self.tell_child(entry.place, |_| self.forget(&entry));
            let _ = here::guard(|| drop(entry));
        }
        below
    }

    /// Gives an order to a child. A locality that is being lost gives none: its children elsewhere
    /// learn of the loss, and shut themselves down in order.
    fn tell_child(&self, to: Address, order: impl FnOnce(Address)) {
        if !self.losing.get() || to.gate() == self.gate {
            order(to);
        }
    }

    /// Frees a slot and everything below it: its addresses are not valid any more.
    pub(crate) fn remove(&self, slot: u32) {
        self.remove_all(slot, true);
    }

    /// Takes back what was adopted and has not run, for whoever adopts it next: as with an orphan.
    pub(crate) fn give_back(&self, slot: u32) {
        self.remove_all(slot, false);
    }

    /// Frees the slots of an orphan, and everything below it. Addresses that were reserved stay valid:
    /// the subtree may be built anew.
    pub(crate) fn remove_orphan(&self, slot: u32) {
        if self.is_orphan(slot) {
            // An instance that ends by this does not ask for it again. An orphan above it waits for its end.
            self.seat(slot, |seat| seat.parent = Parent::Nobody);
        }
        self.gate.skip_numbers();
        self.remove_all(slot, false);
    }

    /// Takes the children back of a supervisor that could not be built as a whole: that is tried
    /// again, with the same addresses.
    pub(crate) fn take_back_children(&self, slot: u32) {
        let children = self.take_children(slot, false);
        children.into_iter().for_each(|child| self.give_back(child));
    }

    /// Ends what a spec has put into a slot, and its address, unless that was reserved.
    fn leave_slot(&self, slot: u32) {
        if !self.seat(slot, |seat| seat.reserved) {
            return self.free_slot(slot);
        }
        let awaited = Awaited::take(self, slot);
        self.clear_slot(slot);
        self.reseat(slot, |seat| {
            seat.state = State::Reserved;
            seat.reserved = true; // until it is claimed again
            awaited.put_back(seat);
        });
        self.settle_unclaimed(&[self.address_of(slot)]);
    }

    /// A tree has ended. As soon as nothing is placed here any more, and no other tree that was here may
    /// do so, what orphans have left, or are about to leave, is not built anew.
    pub(crate) fn tree_ended(&self) {
        self.bereft.set(true);
        self.free_orphans();
    }

    pub(crate) fn free_orphans(&self) {
        let unused = !self.locality.is_placed() && !self.gate.registries.are_used();
        if !self.bereft.get() || !unused {
            return;
        }
        (0..self.first_own).for_each(|slot| self.unclaimed(slot));
        for slot in 0..self.slots.len() {
            let left = |seat: &mut Seat| std::mem::take(&mut seat.reserved) && seat.is_unclaimed();
            if self.seat(slot, left) {
                self.free_slot(slot);
            }
        }
    }

    /// The spec that had a slot in an earlier life of the locality does not claim it any more.
    fn unclaimed(&self, slot: u32) {
        if self.gives_up(slot, Lifecycle::Gone) {
            self.gate.rooms.close(slot);
            self.refuse_parked(slot, Reason::Gone, &RequestError::Gone);
            self.tell_of_unclaimed(slot, &Exit::gone());
        }
    }

    /// Writes that a spec which had a slot in an earlier life does not claim it by itself, if one had it.
    fn gives_up(&self, slot: u32, state: Lifecycle) -> bool {
        let is_left = self.meet(slot) && self.slots.generation(slot) == 0;
        is_left && self.gate.states.give_up(slot, self.gate.base(), state)
    }

    /// The slots that a subtree had in an earlier life of the locality.
    fn left_by(&self, top: Address) -> Vec<u32> {
        let claims = lock(&self.gate.claims);
        let own = self.may_be_claimed(top).then_some(top.slot); // else it may be another one's
        claims.of(top).chain(own).collect()
    }

    /// A subtree of an earlier life of the locality is not built again by itself.
    pub(crate) fn lay_unbuilt_down(&self, top: Address, exit: &Exit) {
        for slot in self.left_by(top) {
            if self.gives_up(slot, Lifecycle::Down) {
                let old = {
                    // Not by `reseat`: the slot is that of its address again when it is claimed.
                    let seat = &mut self.seats.borrow_mut()[slot as usize];
                    seat.state = State::Down;
                    seat.exit.replace(exit.clone())
                };
                drop(old);
                self.refuse_parked(slot, Reason::Stopped, &RequestError::Ended(exit.clone()));
                self.tell_of_unclaimed(slot, exit);
            }
        }
    }

    /// What a spec that nobody has built is to have here is down with it, else it waits for whoever claims
    /// it. What somebody has claimed is so when it was an orphan, and leaves that.
    pub(crate) fn settle_unclaimed(&self, all: &[Address]) {
        for &at in all {
            let exit = lock(&self.gate.laid).exit(at).cloned();
            let Some(exit) = exit else {
                self.set_unclaimed(at, State::Reserved, None);
                continue;
            };
            let Some(slot) = self.set_unclaimed(at, State::Down, Some(&exit)) else {
                continue;
            };
            self.refuse_parked(slot, Reason::Stopped, &RequestError::Ended(exit.clone()));
            self.tell_of_unclaimed(slot, &exit);
        }
    }

    /// Tells who watches an address that nobody has claimed, or wants to be its client, that it is down.
    fn tell_of_unclaimed(&self, slot: u32, exit: &Exit) {
        self.notify_watchers(slot, exit);
        if self.seat(slot, |seat| seat.serves) {
            self.service_ended(slot, exit, false);
        }
    }

    /// Sets the state of an address that nobody has claimed; its slot, if it has one.
    fn set_unclaimed(&self, at: Address, state: State, exit: Option<&Exit>) -> Option<u32> {
        let slot = self.find_or_await(at)?;
        let old = {
            // Not by `reseat`: a slot of an earlier life shows its generation when it is claimed.
            let seat = &mut self.seats.borrow_mut()[slot as usize];
            if !seat.is_unclaimed() {
                return None;
            }
            seat.state = state;
            std::mem::replace(&mut seat.exit, exit.cloned())
        };
        drop(old);
        let states = &self.gate.states;
        states.rewrite(slot, at.generation, state.lifecycle());
        Some(slot)
    }

    /// The spec of a child is put aside until the next start of its supervisor: the names that are declared
    /// in it are nobody's till then.
    pub(crate) fn put_aside(&self, slot: u32, child: ChildId) {
        let lapses = |seat: &mut Seat| Some(seat.kin.as_mut()?.entry(child)?.plans());
        let all = self.seat(slot, lapses);
        let by = if self.is_bereft(slot) {
            Whose::Theirs // what is above it is built anew, and declares them
        } else {
            Whose::Ours
        };
        self.lapse(all.into_iter().collect(), by);
    }

    /// The same of what is at these addresses, with what is planned of it, and of all below.
    fn lapse(&self, mut all: Vec<(Address, Option<Arc<Plans>>)>, by: Whose) {
        while let Some((at, plans)) = all.pop() {
            // It tells who waits: nothing is borrowed.
            plans.iter().for_each(|plans| plans.lapse(by));
            if at.gate() != self.gate {
                at.gate()
                    .call_when_open(move |there| there.lapse(vec![(at, None)], Whose::Theirs));
                continue;
            }
            let Some(slot) = self.find(at) else { continue };
            self.lapse_names(slot, by);
            all.extend(self.plans_below(slot));
        }
    }

    /// The spec of a child is gone: what it declares is nobody's before its slots are freed, or another
    /// locality hears of it.
    pub(crate) fn release_planned(&self, (at, plans): (Address, Option<Arc<Plans>>)) {
        plans.iter().for_each(|plans| plans.release());
        if at.gate() != self.gate {
            return;
        }
        let Some(slot) = self.find(at) else { return };
        let (forgets, is_parent) = self.seat(slot, |seat| {
            let forgets = seat.marked && !seat.state.has_instance();
            (forgets, seat.kin.is_some())
        });
        if forgets {
            self.forget_names(slot);
        }
        if is_parent {
            for child in self.plans_below(slot) {
                self.release_planned(child);
            }
        }
    }

    /// Where the children of an actor are, and what is planned of them.
    fn plans_below(&self, slot: u32) -> Vec<(Address, Option<Arc<Plans>>)> {
        self.seat(slot, |seat| {
            let entries = seat.kin.iter().flat_map(|kin| kin.entries.iter());
            entries.flatten().map(Entry::plans).collect()
        })
    }

    /// A spec is not put aside any more: what it declares is claimed, or planned, before anybody waits for it.
    /// A name that somebody else has by now fails the start of its actor.
    pub(crate) fn take_up(&self, slot: u32, child: ChildId) {
        let remote = |seat: &mut Seat| {
            let entry = seat.kin.as_mut()?.entry(child)?;
            let remote = entry.remote().map(|remote| remote.remote.clone());
            Some((entry.place, remote))
        };
        let Some((place, remote)) = self.seat(slot, remote) else {
            return;
        };
        if let Some(remote) = remote {
            let plans = self.plans(slot, place, &remote);
            let plan = |seat: &mut Seat| {
                let remote = seat.kin.as_mut()?.entry(child)?.remote_mut()?;
                std::mem::replace(&mut remote.plans, plans)
            };
            return drop(self.seat(slot, plan));
        }
        let Some(slot) = self.find(place) else { return };
        let _ = self.claim_lapsed(slot);
        let below = |seat: &mut Seat| {
            let kin = seat.kin.iter();
            kin.flat_map(|kin| kin.entries().map(|(id, _)| id))
                .collect()
        };
        let below: Vec<ChildId> = self.seat(slot, below);
        below.into_iter().for_each(|id| self.take_up(slot, id));
    }

    /// Orders that the slots of a child be freed whose spec is gone.
    pub(crate) fn forget(&self, entry: &Entry) {
        let to = entry.place;
        if to.gate() == self.gate {
            let (slot, generation) = (to.slot, to.generation);
            let order = RemoveHere { slot, generation };
            return order.push(Address::new(self.gate, LOCALITY, 0));
        }
        self.forget_client(to);
        // If that is lost, also before it has heard of this, in its next life.
        to.gate()
            .call_in_some_life(move |there| match there.find(to) {
                Some(slot) => there.remove(slot),
                None => there
                    .left_by(to)
                    .into_iter()
                    .for_each(|slot| there.unclaimed(slot)),
            });
        let remote = entry.remote().into_iter();
        let mut below: Vec<_> = remote.flat_map(RemoteEntry::reserved).collect();
        below.sort_unstable();
        // One that is lost tells nobody below.
        for (gate, part) in by_gates(&below) {
            let part = part.to_vec();
            gate.call_in_some_life(move |there| there.free_left(to, &part));
        }
    }

    /// The spec of a subtree is gone, with its loop: what it has claimed here nobody claims again.
    fn free_left(&self, top: Address, all: &[Address]) {
        for &at in all {
            let Some(slot) = self.find(at) else {
                if self.may_be_claimed(at) {
                    self.unclaimed(at.slot);
                }
                continue;
            };
            let (claimed, left) = self.seat(slot, |seat| (seat.ops.is_some(), seat.reserved));
            if !claimed && left {
                self.free_slot(slot);
            } else if claimed && self.path_of(slot).contains(&top) {
                // With its orphan, which may not know yet that it is one.
                lock(&self.gate.claims).remove(slot);
                let (state, tenure) = self.seat(slot, |seat| {
                    seat.reserved = false;
                    (seat.state.lifecycle(), seat.tenure(self.gate))
                });
                self.gate.states.write(slot, at.generation, state, tenure);
            }
        }
    }

    fn remove_all(&self, slot: u32, gone: bool) {
        let (is_leaf, live) =
            self.seat(slot, |seat| (seat.kin.is_none(), seat.state.has_instance()));
        if is_leaf && gone && !live {
            return self.free_slot(slot); // as most are
        }
        let mut all: SmallVec<[u32; 8]> = smallvec![slot];
        let mut at = 0;
        while at < all.len() {
            if self.seat(all[at], |seat| seat.kin.is_some()) {
                all.extend(self.take_children(all[at], gone));
            }
            at += 1;
        }
        for &slot in all.iter().rev() {
            self.remove_one(slot, gone);
        }
    }

    fn remove_one(&self, slot: u32, gone: bool) {
        let live = self.seat(slot, |seat| seat.state.has_instance());
        if live {
            self.kill_slot(slot, false);
        }
        if gone {
            self.free_slot(slot);
        } else {
            self.leave_slot(slot);
        }
    }

    /// Takes the children's specs away, which are gone, or are built anew; those here are returned, those
    /// elsewhere are told.
    fn take_children(&self, slot: u32, gone: bool) -> Vec<u32> {
        self.abandon_children(slot)
            .into_iter()
            .for_each(|child| self.kill_slot(child, false));
        let Some(mut kin) = self.seat(slot, |seat| seat.kin.take()) else {
            return Vec::new();
        };
        let ids: Vec<u32> = kin.entries().map(|(id, _)| id).collect();
        let mut below = Vec::new();
        for id in ids {
            let Some(entry) = kin.take_entry(id) else {
                continue;
            };
            if entry.place.gate() == self.gate {
                below.push(entry.place.slot);
            } else {
                // First this, then the placement goes with the entry.
                self.tell_child(entry.place, |to| match gone {
                    true => self.forget(&entry),
                    false => Control::post(to.gate(), Control::RemoveOrphan { to }),
                });
            }
            // What it was made of is a user's.
            let _ = here::guard(|| drop(entry));
        }
        let _ = here::guard(|| drop(kin));
        below
    }

    /// Why what waits is not delivered: for this reason, or because the locality is lost.
    pub(crate) fn unless_lost(&self, reason: Reason) -> Reason {
        if self.losing.get() {
            Reason::Closed
        } else {
            reason
        }
    }

    /// Ends an address.
    pub(crate) fn free_slot(&self, slot: u32) {
        let address = self.address_of(slot);
        // In the next life of a lost locality whoever has reserved it may claim it again: see `Rooms::reopen`.
        if address.is_bounded() && !self.losing.get() {
            self.gate.rooms.close(slot);
        }
        self.clear_slot(slot);
        self.end_topics(address);
        let generation = address.generation;
        // An earlier life, which has told no state in its end, may have given it out with a later generation.
        let is_earlier = slot < self.first_own;
        let least = if is_earlier { self.reused_from } else { 0 };
        let is_shared = is_earlier && self.gate.abandoned.load(Ordering::Relaxed);
        if generation == 0 || is_last(generation.max(least)) || is_shared {
            // A slot whose address is not known in this life, or whose generations are used up, or may be given
            // out by an abandoned life as well, is retired: a (gate, slot, generation) triple is minted once.
            self.slots.set_generation(slot, 0);
            return;
        }
        let next = next_generation(generation).max(least);
        self.slots.set_generation(slot, next);
        self.gate.note_generation(next);
        self.free.borrow_mut().push(slot);
    }

    /// Takes out of a slot what a spec has put there: nobody's until somebody claims it.
    fn clear_slot(&self, slot: u32) {
        let bare = |seat: &mut Seat| seat.is_plain() && seat.parked.is_none();
        let is_bare = self.has_no_hooks() && self.seat(slot, bare);
        let marked = !is_bare && self.clear_special(slot);
        self.forget_client(self.address_of(slot));
        let old = self.reseat(slot, |seat| {
            let vacant = Seat {
                state: State::Vacant,
                serial: seat.serial,
                ..Seat::new()
            };
            std::mem::replace(seat, vacant)
        });
        let reserved = old.reserved;
        if old.ops.is_some() {
            let who = self.address_of(slot);
            self.gate
                .tell_observer(|o| o.changed(who, &old.name, Lifecycle::Gone));
        }
        // Factories are user code, and so are their drops.
        let _ = here::guard(|| drop(old));
        self.end_hooks(slot);
        self.end_risk(slot);
        self.end_count(slot);
        self.incidents.borrow_mut().forget(slot);
        if marked {
            self.forget_names(slot);
        }
        if reserved && !self.losing.get() {
            lock(&self.gate.claims).remove(slot);
        }
        self.slots.shut(slot);
    }

    /// Ends what few slots have. Whether `Naming` has something of it, which is left to be forgotten.
    fn clear_special(&self, slot: u32) -> bool {
        self.refuse_parked(slot, self.unless_lost(Reason::Gone), &RequestError::Gone);
        let (marked, serves, is_watched) =
            self.seat(slot, |seat| (seat.marked, seat.serves, seat.rare.is_some()));
        let exit = || self.seat(slot, |seat| seat.exit.clone());
        if serves {
            self.forget_service(slot, &exit().unwrap_or(Exit::normal()));
        }
        if is_watched {
            self.notify_watchers(slot, &exit().unwrap_or_else(Exit::gone));
        }
        marked
    }

    /// Mints an address that ends with the instance in `slot`.
    pub(crate) fn mint_identity(&self, slot: u32) -> Address {
        let (identity, generation) = self.mint();
        // Nobody claims it in the next life of a lost locality.
        let (state, tenure) = (Lifecycle::Waiting, Tenure::Passing);
        self.gate.states.write(identity, generation, state, tenure);
        self.at_end(slot, Box::new(move |here| here.free_slot(identity)));
        self.address_of(identity)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use crate::sim::Sim;
    use crate::*;

    struct Mother;
    type Task = Box<dyn FnOnce(&mut Context<Mother>) + Send>;
    impl Actor for Mother {}
    impl Handler<Task> for Mother {
        fn handle(&mut self, task: Task, cx: &mut Context<Self>) {
            task(cx);
        }
    }

    /// Types that must never be taken for each other.
    struct Kind<const N: usize>(Log<usize>);
    type Log<T> = Arc<Mutex<Vec<T>>>;
    impl<const N: usize> Actor for Kind<N> {}
    impl<const N: usize> Handler<()> for Kind<N> {
        fn handle(&mut self, (): (), _: &mut Context<Self>) {
            self.0.lock().unwrap().push(N);
        }
    }

    /// Has the mother add a child, and returns its address.
    fn add<const N: usize>(sim: &mut Sim, mother: Addr<Mother>, log: &Log<usize>) -> Addr<Kind<N>> {
        let (log, told) = (log.clone(), Log::default());
        let tell = told.clone();
        let task: Task = Box::new(move |cx| {
            let child = Child::once("child", move |_| Ok(Kind::<N>(log)));
            tell.lock().unwrap().push(cx.child(child));
        });
        mother.send(task);
        sim.run_until_idle();
        told.lock().unwrap()[0]
    }

    #[test]
    fn s01_a_slot_at_its_last_generation_is_never_used_again() {
        let mut sim = Sim::new(1);
        let here = Locality::new("here");
        here.gate().begin_at(u32::MAX - 7);
        sim.open(here.clone());
        let mother = here.reserve();
        let tree = Supervisor::one_for_one("app").child(Child::new("mother", || Mother).at(mother));
        sim.start(tree).unwrap();
        let log = Log::default();
        let (mut ones, mut twos) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            ones.push(add::<1>(&mut sim, mother, &log));
            ones.iter().for_each(|one| one.stop());
            sim.run_until_idle();
            twos.push(add::<2>(&mut sim, mother, &log));
            twos.iter().for_each(|two| two.stop());
            sim.run_until_idle();
        }
        let one = add::<1>(&mut sim, mother, &log);
        let old = ones.iter().map(|one| one.address());
        let old: Vec<_> = old.chain(twos.iter().map(|two| two.address())).collect();
        assert_eq!(old.iter().collect::<HashSet<_>>().len(), 10);
        let last = |address: &&Address| address.generation == u32::MAX - 1;
        assert_eq!(old.iter().filter(last).count(), 2, "each slot has four");
        assert!(old.iter().all(|address| address.state() == Lifecycle::Gone));
        ones.iter().for_each(|one| one.send(()));
        twos.iter().for_each(|two| two.send(()));
        one.send(());
        sim.run_until_idle();
        assert_eq!(*log.lock().unwrap(), [1], "only the one that lives");
    }

    /// Nor has any address of a later life been one before.
    #[test]
    fn a_loop_that_is_lost_again_and_again_takes_no_more_slots() {
        let mut sim = Sim::new(1);
        sim.locality("home");
        let far = sim.locality("far");
        let own = far.reserve::<Mother>();
        let part = Supervisor::one_for_one("part").on(&far, move |s| {
            let s = s.child(Child::new("own", || Mother).at(own));
            (0..10).fold(s, |s, n| s.child(Child::new(format!("{n}"), || Mother)))
        });
        let root = Supervisor::one_for_one("root").intensity(u32::MAX, Duration::from_secs(1));
        let app = sim.start(root.child(part)).expect("a sound tree");
        let lives = if cfg!(miri) { 3 } else { 200 };
        let mut all = HashSet::new();
        for _ in 0..lives {
            sim.run_until_idle();
            let nodes = app.tree().nodes;
            assert!(nodes.iter().all(|node| node.state == "running"));
            let addresses = nodes[2..].iter().map(|node| node.address);
            all.extend(addresses.filter(|&at| at != own.address()));
            sim.lose(&far);
            sim.open(far.clone());
        }
        assert_eq!(all.len(), lives * 10);
        assert!(all.iter().all(|at| at.state() == Lifecycle::Gone));
        sim.run_until_idle();
        assert!(far.gate().minted() < 50, "{}", far.gate().minted());
    }
}
