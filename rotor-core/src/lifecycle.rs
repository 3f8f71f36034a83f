//! The life of a slot: adoption, start, stop, crash, removal. Runs between messages only.

use crate::address::Address;
use crate::app::AppShared;
use crate::child::Spec;
use crate::error::{Error, StartError, TimedOut};
use crate::exit::Exit;
use crate::gate::Gate;
use crate::here;
use crate::kin::{Entry, Kin, RemoteEntry};
use crate::locality::{Control, Local, Locality, News, Placement};
use crate::observe::Reason;
use crate::request::{RequestError, Verdict};
use crate::slot::{AtEnd, Parent, State};
use crate::strategy::{Action, Event, Flags, Restart, RowState, Strategy};
use crate::supervisor::{Build, NodeKind, Shell, Supervisor};
use crate::things::{Body, Key, NO_THINGS};
use crate::timer::nanos;
use std::sync::Arc;
use std::time::Duration;

/// A subtree that a locality is told to build.
pub(crate) struct Adoption {
    to: Address,
    shell: Shell,
    build: Build,
    restart: Restart,
    parent: Address,
    child: u32,
}

impl Local {
    // ---- adoption: specs get slots -----------------------------------------------------------

    /// Gives a root its slots.
    pub(crate) fn adopt_root(
        &self,
        tree: Supervisor,
        app: Arc<AppShared>,
    ) -> Result<Address, StartError> {
        let (slot, _) = self.mint();
        // Nobody restarts a root.
        let tree = tree.temporary();
        self.adopt_supervisor(slot, tree, Parent::App(app))
            .inspect_err(|_| self.remove(slot))?;
        Ok(self.address_of(slot))
    }

    fn adopt_supervisor(
        &self,
        slot: u32,
        supervisor: Supervisor,
        parent: Parent,
    ) -> Result<(), StartError> {
        let maker = Supervisor::maker();
        self.seat(slot, |seat| {
            seat.state = State::Waiting;
            seat.name = supervisor.name;
            seat.restart = supervisor.restart;
            seat.parent = parent;
            seat.ops = Some(maker.ops);
            seat.maker = Some(maker);
            seat.kin = Some(Box::new(Kin::new(supervisor.flags)));
        });
        for node in supervisor.children {
            self.adopt_child(slot, node.0, false)?;
        }
        Ok(())
    }

    /// Adds a child to the table of `parent`, and gives it and what is below it slots.
    fn adopt_child(
        &self,
        parent: u32,
        node: NodeKind,
        dynamic: bool,
    ) -> Result<(u32, Address), StartError> {
        let (name, restart, significant) = match &node {
            NodeKind::Actor(spec) => (spec.name.clone(), spec.restart, spec.significant),
            NodeKind::Supervisor(s) => (s.name.clone(), s.restart, s.significant),
        };
        let child = self.seat(parent, |seat| {
            let kin = seat
                .kin
                .get_or_insert_with(|| Box::new(Kin::new(Flags::new(Strategy::OneForOne))));
            kin.family.add(name, restart, significant, dynamic)
        });
        let above = Parent::Actor {
            address: self.address_of(parent),
            child,
        };
        let mut entry = Entry {
            place: self.address_of(parent),
            remote: None,
            start_limit: None,
            stop_limit: None,
            limit: None,
        };
        match node {
            NodeKind::Actor(spec) => {
                entry.start_limit = spec.start_limit;
                entry.stop_limit = spec.stop_limit;
                entry.place = self.adopt_actor(spec, above)?;
            }
            NodeKind::Supervisor(mut s) => {
                entry.stop_limit = s.stop_limit;
                match s.place.take() {
                    Some(remote) if remote.locality.gate() != self.gate => {
                        let gate = remote.locality.gate();
                        let (slot, generation) = gate.mint();
                        entry.place = Address {
                            gate,
                            slot,
                            generation,
                        };
                        let placement = Placement::new(&remote.locality);
                        let shell = s.shell();
                        entry.remote = Some(RemoteEntry {
                            shell,
                            remote,
                            built: 0,
                            _placement: placement,
                        });
                    }
                    place => {
                        if let Some(remote) = place {
                            *s = s.built(&remote.build)?;
                        }
                        let (slot, _) = self.mint();
                        entry.place = self.address_of(slot);
                        let placed = entry.place;
                        self.seat(parent, |seat| {
                            let kin = seat.kin.as_mut().expect("made above");
                            kin.set_entry(child, entry);
                        });
                        self.adopt_supervisor(slot, *s, above)?;
                        return Ok((child, placed));
                    }
                }
            }
        }
        let placed = entry.place;
        self.seat(parent, |seat| {
            seat.kin
                .as_mut()
                .expect("made above")
                .set_entry(child, entry);
        });
        Ok((child, placed))
    }

    fn adopt_actor(&self, spec: Spec, parent: Parent) -> Result<Address, StartError> {
        let address = match spec.reserved {
            None => {
                let (slot, _) = self.mint();
                self.address_of(slot)
            }
            Some(address) => self.claim(address, &spec)?,
        };
        self.seat(address.slot, |seat| {
            seat.state = State::Waiting;
            seat.name = spec.name;
            seat.restart = spec.restart;
            seat.capacity = spec.capacity;
            seat.parent = parent;
            seat.ops = Some(spec.maker.ops);
            seat.maker = Some(spec.maker);
        });
        Ok(address)
    }

    /// Takes a reserved slot for a spec. The address was minted for the spec's actor type, by
    /// `Locality::reserve`, and no other child can hold it.
    fn claim(&self, address: Address, spec: &Spec) -> Result<Address, StartError> {
        if address.gate != self.gate {
            let (child, placed) = (spec.name.clone(), self.locality.name().clone());
            return Err(StartError::WrongLocality { child, placed });
        }
        let known = self.meet(address.slot);
        if known && self.slots.generation(address.slot) == 0 {
            // Minted in an earlier life of this locality, and claimed again by the same spec.
            self.slots.set_generation(address.slot, address.generation);
        }
        let free = self.find(address).is_some_and(|slot| {
            self.seat(slot, |seat| {
                seat.state == State::Reserved && seat.ops.is_none()
            })
        });
        if free {
            Ok(address)
        } else {
            Err(StartError::ClaimedTwice {
                child: spec.name.clone(),
            })
        }
    }

    /// Builds a subtree that lives here, for a parent elsewhere.
    pub(crate) fn adopt_remote(&self, adoption: Adoption) {
        let Adoption {
            to,
            shell,
            build,
            restart,
            parent,
            child,
        } = adoption;
        self.peer_with(parent.gate);
        self.meet(to.slot);
        self.slots.set_generation(to.slot, to.generation);
        let name = shell.name.clone();
        let above = Parent::Actor {
            address: parent,
            child,
        };
        let built = shell.build(&build).and_then(|mut supervisor| {
            supervisor.restart = restart;
            supervisor.check(self.gate, self.locality.name())?;
            self.adopt_supervisor(to.slot, supervisor, above.clone())
        });
        if let Err(error) = built {
            self.remove_children(to.slot);
            self.seat(to.slot, |seat| {
                seat.state = State::Waiting;
                seat.name = name;
                seat.parent = above;
                seat.kin = None;
                // Reported when the start is asked for.
                seat.exit = Some(Exit::failed(error));
                seat.maker = None;
            });
        }
    }

    /// Adds a child at run time. It is started when the parent's pass, if any, is over.
    pub(crate) fn add_child(&self, parent: u32, spec: Spec) -> Result<Address, StartError> {
        let (child, place) = self.adopt_child(parent, NodeKind::Actor(spec), true)?;
        let to = self.address_of(parent);
        Control::post(self.gate, Control::Added { to, child });
        Ok(place)
    }

    pub(crate) fn added(&self, to: Address, child: u32) {
        if let Some(slot) = self.find(to) {
            self.family(slot, Event::Added(child));
        }
    }

    // ---- start -------------------------------------------------------------------------------

    /// Makes an instance.
    pub(crate) fn start(&self, to: Address, incarnation: u64) {
        let Some(slot) = self.find(to) else { return };
        let ready = self.seat(slot, |seat| {
            if !matches!(seat.state, State::Waiting | State::Down) {
                return None;
            }
            seat.incarnation = incarnation;
            let Some(maker) = seat.maker.take() else {
                return Some(Err(seat.exit.clone().unwrap_or(Exit::killed())));
            };
            seat.state = State::Starting;
            seat.exit = None;
            seat.keep = false;
            seat.hooked = false;
            seat.instances += 1;
            Some(Ok(maker))
        });
        let mut maker = match ready {
            None => return,
            Some(Err(exit)) => return self.tell_parent(slot, News::Failed(exit)),
            Some(Ok(maker)) => maker,
        };
        let serial = self.things.borrow_mut().serial();
        self.seat(slot, |seat| seat.serial = serial);
        self.current.set(slot);
        let made = here::guard(|| (maker.make)(self, slot));
        self.seat(slot, |seat| seat.maker = Some(maker));
        let instance = match made {
            Ok(Ok(instance)) => instance,
            Ok(Err(error)) => return self.start_failed(slot, Exit::failed(error)),
            Err(text) => return self.start_failed(slot, Exit::panicked(text)),
        };
        self.slots.set_actor(slot, instance.as_ptr());
        let ops = self.seat(slot, |seat| seat.ops.expect("a spec has them"));
        // SAFETY: the instance was made just now, for these operations; nothing else refers to it.
        let started = here::guard(|| unsafe { (ops.start)(instance.as_ptr(), self, slot) });
        self.current.set(crate::message::LOCALITY);
        match started {
            Ok(Ok(())) => self.settle_start(slot),
            Ok(Err(error)) => self.crash(slot, Exit::failed(error)),
            Err(text) => self.crash(slot, Exit::panicked(text)),
        }
    }

    /// Goes on with a start when nothing holds it.
    fn settle_start(&self, slot: u32) {
        let (open, kin) = self.seat(slot, |seat| {
            let open = seat.state == State::Starting && seat.holds.is_empty();
            (
                open,
                seat.kin.as_ref().is_some_and(|kin| !kin.family.is_busy()),
            )
        });
        if !open {
            return;
        }
        if kin {
            self.family(slot, Event::Start);
        } else if self.seat(slot, |seat| seat.kin.is_none()) {
            self.operational(slot);
        }
    }

    fn operational(&self, slot: u32) {
        let parked = self.seat(slot, |seat| {
            seat.state = State::Running;
            seat.parked.is_some()
        });
        if parked {
            self.unparking.borrow_mut().push_back(slot);
        } else if self.seat(slot, |seat| seat.exit.is_none()) {
            self.slots.open(slot);
        }
        self.tell_parent(slot, News::Started);
    }

    /// A start came to nothing: there is no instance.
    fn start_failed(&self, slot: u32, exit: Exit) {
        self.current.set(crate::message::LOCALITY);
        self.purge(slot, &exit);
        self.seat(slot, |seat| {
            seat.state = State::Waiting;
            seat.exit = Some(exit.clone());
        });
        self.gate
            .report_exit(self.address_of(slot), &self.name_of(slot), &exit);
        self.notify_watchers(slot, &exit);
        self.tell_parent(slot, News::Failed(exit));
    }

    // ---- stop --------------------------------------------------------------------------------

    /// The parent wants the instance to end.
    pub(crate) fn stop(&self, to: Address, incarnation: u64, keep: bool, exit: Exit) {
        let Some(slot) = self.find(to) else { return };
        if self.seat(slot, |seat| seat.incarnation) == incarnation {
            self.end(slot, exit, keep);
        }
    }

    /// Somebody asks an actor to stop.
    pub(crate) fn stop_self(&self, to: Address, exit: Exit) {
        let Some(slot) = self.find(to) else { return };
        let keep = self.seat(slot, |seat| seat.restart.wants(&exit));
        self.end(slot, exit, keep);
    }

    /// Removes an actor's instance by force because somebody asked for it.
    pub(crate) fn kill_self(&self, to: Address) {
        let Some(slot) = self.find(to) else { return };
        let keep = self.seat(slot, |seat| seat.restart.wants(&Exit::killed()));
        self.kill_slot(slot, keep);
    }

    /// A handler returned an error: the instance takes no further message.
    #[cold]
    pub(crate) fn fail(&self, slot: u32, error: Error) {
        self.exit_after(slot, Exit::failed(error));
    }

    /// Ends the instance after the handler that runs now. The first reason wins.
    pub(crate) fn exit_after(&self, slot: u32, exit: Exit) {
        let serial = self.seat(slot, |seat| {
            if seat.exit.is_some() {
                return None;
            }
            seat.exit = Some(exit);
            Some(seat.serial)
        });
        if let Some(serial) = serial {
            self.slots.shut(slot);
            Control::post(self.gate, Control::SelfExit { slot, serial });
        }
    }

    pub(crate) fn self_exit(&self, slot: u32, serial: u64) {
        let exit = self.seat(slot, |seat| {
            if seat.serial == serial {
                seat.exit.take()
            } else {
                None
            }
        });
        let Some(exit) = exit else { return };
        if exit.is_abnormal() {
            self.crash(slot, exit);
        } else {
            let keep = self.seat(slot, |seat| seat.restart.wants(&exit));
            self.end(slot, exit, keep);
        }
    }

    /// Begins the orderly end of an instance. The first reason wins.
    fn end(&self, slot: u32, exit: Exit, keep: bool) {
        let begun = self.seat(slot, |seat| {
            match seat.state {
                State::Starting | State::Running => {}
                State::Stopping => {
                    // The parent's word on what comes after counts.
                    seat.keep = keep;
                    return None;
                }
                _ => return None,
            }
            seat.state = State::Stopping;
            seat.keep = keep;
            seat.exit = Some(exit.clone());
            seat.holds.clear();
            let hooked = std::mem::replace(&mut seat.hooked, true);
            Some(if hooked { None } else { seat.ops })
        });
        let Some(ops) = begun else { return };
        self.slots.shut(slot);
        let actor = self.slots.actor(slot);
        if let Some(ops) = ops.filter(|_| !actor.is_null()) {
            self.current.set(slot);
            // SAFETY: the instance is live, and nothing else refers to it between messages.
            let hook = here::guard(|| unsafe { (ops.stop)(actor, &exit, self, slot) });
            self.current.set(crate::message::LOCALITY);
            if let Err(text) = hook {
                let exit = Exit::panicked(text);
                self.seat(slot, |seat| seat.exit = Some(exit.clone()));
                self.vacate(slot, &exit);
            }
        }
        self.settle_stop(slot);
    }

    /// Goes on with a stop when nothing holds it.
    fn settle_stop(&self, slot: u32) {
        let next = self.seat(slot, |seat| {
            if seat.state != State::Stopping || !seat.holds.is_empty() {
                return None;
            }
            let busy = seat.kin.as_ref().is_some_and(|kin| kin.family.is_busy());
            Some((busy, seat.exit.clone().unwrap_or(Exit::normal()), seat.keep))
        });
        match next {
            None => {}
            Some((true, exit, keep)) => self.family(slot, Event::Stop { exit, keep }),
            Some((false, exit, _)) => self.finish(slot, exit),
        }
    }

    /// An instance ends at once: its state is dropped, then its children are stopped.
    pub(crate) fn crash(&self, slot: u32, exit: Exit) {
        let starting = self.seat(slot, |seat| {
            let starting = seat.state == State::Starting;
            seat.state = State::Stopping;
            seat.keep = starting || seat.restart.wants(&exit);
            seat.hooked = true;
            seat.holds.clear();
            seat.exit = Some(exit.clone());
            starting
        });
        self.slots.shut(slot);
        self.settle_dropped(Some((slot, &exit)));
        self.vacate(slot, &exit);
        if starting
            && self.seat(slot, |seat| {
                seat.kin.as_ref().is_none_or(|k| !k.family.is_busy())
            })
        {
            return self.start_failed(slot, exit);
        }
        self.settle_stop(slot);
    }

    /// Drops the state of an instance, and all that it owned.
    fn vacate(&self, slot: u32, exit: &Exit) {
        let actor = self.slots.actor(slot);
        // Vacant before the drop: a panic in it is not repeated.
        self.slots.shut(slot);
        self.slots.set_actor(slot, std::ptr::null_mut());
        let ended = RequestError::Ended(exit.clone());
        let _verdict = Verdict::set(&ended);
        if !actor.is_null() {
            let ops = self.seat(slot, |seat| seat.ops.expect("a spec has them"));
            self.current.set(slot);
            // SAFETY: the instance is live, and nobody else has its pointer any more.
            let _ = here::guard(|| unsafe { (ops.drop)(actor) });
            self.current.set(crate::message::LOCALITY);
        }
        self.purge(slot, exit);
    }

    /// Drops what an instance owned beside its state.
    fn purge(&self, slot: u32, exit: &Exit) {
        let ended = RequestError::Ended(exit.clone());
        let _verdict = Verdict::set(&ended);
        loop {
            let head = self.seat(slot, |seat| seat.things);
            let Some(key) = self
                .things
                .borrow()
                .first(head)
                .filter(|_| head != NO_THINGS)
            else {
                break;
            };
            let body = self.remove_thing(key, slot);
            if let Some(Body::Task(task)) = &body {
                task.cell().give_back();
            }
            let _ = here::guard(|| drop(body));
        }
        loop {
            let Some(at_end) = self.seat(slot, |seat| seat.at_end.pop()) else {
                break;
            };
            at_end(self);
        }
        self.seat(slot, |seat| seat.holds.clear());
    }

    /// Has `f` run when the instance in a slot ends.
    pub(crate) fn at_end(&self, slot: u32, f: AtEnd) {
        self.seat(slot, |seat| seat.at_end.push(f));
    }

    /// The last step of an end: everything below is gone.
    fn finish(&self, slot: u32, exit: Exit) {
        self.vacate(slot, &exit);
        let keep = self.seat(slot, |seat| {
            seat.state = if seat.keep {
                State::Waiting
            } else {
                State::Down
            };
            seat.exit = Some(exit.clone());
            seat.keep
        });
        if !keep {
            self.lay_down(slot, &exit);
        }
        self.gate
            .report_exit(self.address_of(slot), &self.name_of(slot), &exit);
        self.notify_watchers(slot, &exit);
        self.tell_parent(slot, News::Exited(exit));
    }

    /// An actor is not started again by itself, and so is nothing below it: what is parked for them
    /// will not be handled.
    fn lay_down(&self, slot: u32, exit: &Exit) {
        let mut all = vec![slot];
        while let Some(slot) = all.pop() {
            let children: Vec<Address> = self.seat(slot, |seat| {
                if seat.state == State::Waiting {
                    seat.state = State::Down;
                }
                let kin = seat.kin.as_ref();
                kin.map_or(Vec::new(), |kin| {
                    kin.entries().map(|(_, e)| e.place).collect()
                })
            });
            self.refuse_parked(slot, Reason::Stopped, &RequestError::Ended(exit.clone()));
            for child in children {
                if child.gate == self.gate {
                    all.push(child.slot);
                } else {
                    let exit = exit.clone();
                    Control::call(child.gate, move |there| {
                        if let Some(slot) = there.find(child) {
                            there.lay_down(slot, &exit);
                        }
                    });
                }
            }
        }
    }

    fn notify_watchers(&self, slot: u32, exit: &Exit) {
        let watchers = self.seat(slot, |seat| std::mem::take(&mut seat.watchers));
        for (gate, id) in watchers {
            Control::post(
                gate,
                Control::Down {
                    id,
                    exit: exit.clone(),
                },
            );
        }
    }

    fn name_of(&self, slot: u32) -> std::borrow::Cow<'static, str> {
        self.seat(slot, |seat| seat.name.clone())
    }

    // ---- force -------------------------------------------------------------------------------

    /// The parent removes the instance by force.
    pub(crate) fn kill(&self, to: Address, incarnation: u64) {
        let Some(slot) = self.find(to) else { return };
        let (same, keep) = self.seat(slot, |seat| (seat.incarnation == incarnation, true));
        if same {
            self.kill_slot(slot, keep);
        }
    }

    /// Ends the instance and everything below it, without hooks, now.
    fn kill_slot(&self, slot: u32, keep: bool) {
        // Children before parents: the list is built top down and taken from its end.
        let mut all = vec![slot];
        let mut at = 0;
        while at < all.len() {
            let below = self.abandon_children(all[at]);
            all.extend(below);
            at += 1;
        }
        for &slot in all.iter().rev() {
            let live = self.seat(slot, |seat| {
                matches!(
                    seat.state,
                    State::Starting | State::Running | State::Stopping
                )
            });
            if live {
                self.seat(slot, |seat| {
                    seat.state = State::Stopping;
                    seat.keep = keep;
                    seat.hooked = true;
                });
                self.finish(slot, Exit::killed());
            }
        }
    }

    /// Marks every child as gone; those here are returned, those elsewhere are told.
    fn abandon_children(&self, slot: u32) -> Vec<u32> {
        let Some(mut kin) = self.seat(slot, |seat| seat.kin.take()) else {
            return Vec::new();
        };
        let mut actions = Vec::new();
        kin.family.abandon(&mut actions);
        let mut below = Vec::new();
        let mut forgotten = Vec::new();
        for action in actions {
            match action {
                Action::Kill(id, incarnation) => {
                    let Some(entry) = kin.entry(id) else { continue };
                    if entry.place.gate == self.gate {
                        below.push(entry.place.slot);
                    } else {
                        let to = entry.place;
                        Control::post(to.gate, Control::Kill { to, incarnation });
                    }
                }
                Action::Forget(id) => forgotten.extend(kin.take_entry(id)),
                _ => {}
            }
        }
        self.seat(slot, |seat| seat.kin = Some(kin));
        for entry in forgotten {
            Control::post(entry.place.gate, Control::Remove { to: entry.place });
        }
        below
    }

    // ---- removal -----------------------------------------------------------------------------

    /// Frees a slot and everything below it: its addresses are not valid any more.
    pub(crate) fn remove(&self, slot: u32) {
        let mut all = vec![slot];
        let mut at = 0;
        while at < all.len() {
            let children = self.take_children(all[at]);
            all.extend(children);
            at += 1;
        }
        for &slot in all.iter().rev() {
            let live = self.seat(slot, |seat| {
                matches!(
                    seat.state,
                    State::Starting | State::Running | State::Stopping
                )
            });
            if live {
                self.kill_slot(slot, false);
            }
            self.free_slot(slot);
        }
    }

    fn remove_children(&self, slot: u32) {
        for child in self.take_children(slot) {
            self.remove(child);
        }
    }

    /// Takes the children's specs away; those here are returned, those elsewhere are told.
    fn take_children(&self, slot: u32) -> Vec<u32> {
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
            if entry.place.gate == self.gate {
                below.push(entry.place.slot);
            } else {
                // First this, then the placement goes with the entry.
                Control::post(entry.place.gate, Control::Remove { to: entry.place });
            }
            drop(entry);
        }
        below
    }

    pub(crate) fn free_slot(&self, slot: u32) {
        let address = self.address_of(slot);
        self.refuse_parked(slot, Reason::Gone, &RequestError::Gone);
        let exit = self.seat(slot, |seat| seat.exit.clone());
        self.notify_watchers(slot, &exit.unwrap_or(Exit::normal()));
        let old = self.seat(slot, |seat| {
            let serial = seat.serial;
            let old = std::mem::replace(seat, crate::slot::Seat::new());
            seat.state = State::Vacant;
            seat.serial = serial;
            old
        });
        // Factories are user code, and so are their drops.
        let _ = here::guard(|| drop(old));
        self.topics.borrow_mut().forget(address);
        self.slots.shut(slot);
        let generation = address.generation;
        if generation == 0 || generation == u32::MAX || slot < self.first_own {
            // A slot of an earlier life, or one whose generations are used up, is retired: a
            // (gate, slot, generation) triple is minted once.
            self.slots.set_generation(slot, 0);
            return;
        }
        self.slots.set_generation(slot, generation + 1);
        self.gate.note_generation(generation + 1);
        self.free.borrow_mut().push(slot);
    }

    /// Mints an address that ends with the instance in `slot`.
    pub(crate) fn mint_identity(&self, slot: u32) -> Address {
        let (identity, _) = self.mint();
        self.at_end(slot, Box::new(move |here| here.free_slot(identity)));
        self.address_of(identity)
    }

    // ---- holds -------------------------------------------------------------------------------

    /// A hold was dropped.
    pub(crate) fn release(&self, slot: u32, id: u64) {
        let state = self.seat(slot, |seat| {
            let before = seat.holds.len();
            seat.holds.retain(|(other, _)| *other != id);
            (before > seat.holds.len()).then_some(seat.state)
        });
        match state {
            Some(State::Starting) => self.settle_start(slot),
            Some(State::Stopping) => self.settle_stop(slot),
            _ => {}
        }
    }

    // ---- parent and children -----------------------------------------------------------------

    fn tell_parent(&self, slot: u32, news: News) {
        let (parent, incarnation) = self.seat(slot, |seat| (seat.parent.clone(), seat.incarnation));
        match parent {
            Parent::Nobody => {}
            Parent::Actor { address, child } => Control::post(
                address.gate,
                Control::Report {
                    to: address,
                    child,
                    incarnation,
                    news,
                },
            ),
            Parent::App(app) => match news {
                News::Started => {}
                News::Failed(exit) | News::Exited(exit) => {
                    self.remove(slot);
                    app.root_ended(exit);
                }
            },
        }
    }

    pub(crate) fn report(&self, to: Address, child: u32, incarnation: u64, news: News) {
        let Some(slot) = self.find(to) else { return };
        let event = match news {
            News::Started => Event::Started(child, incarnation),
            News::Failed(exit) => Event::Failed(child, incarnation, exit),
            News::Exited(exit) => Event::Exited(child, incarnation, exit),
        };
        self.step_is_over(slot, child, incarnation);
        self.family(slot, event);
    }

    pub(crate) fn retry(&self, to: Address, child: u32, incarnation: u64) {
        if let Some(slot) = self.find(to) {
            self.family(slot, Event::Retry(child, incarnation));
        }
    }

    /// The limit of a child's step passed.
    pub(crate) fn limit_passed(&self, slot: u32, child: u32, incarnation: u64) {
        let late = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            let starting = kin.family.row(child).state == RowState::Starting;
            let entry = kin.entry(child)?;
            entry.limit.take()?;
            let loop_ran = entry
                .remote
                .as_ref()
                .is_none_or(|r| r.remote.locality.openings() > 0);
            let (step, limit) = if starting {
                ("start", entry.start_limit)
            } else {
                ("stop", entry.stop_limit)
            };
            Some(TimedOut {
                step,
                limit: limit.unwrap_or_default(),
                loop_ran,
            })
        });
        if let Some(late) = late {
            self.family(slot, Event::Limit(child, incarnation, Exit::failed(late)));
        }
    }

    /// Ends the limit of the step that a child reports on.
    fn step_is_over(&self, slot: u32, child: u32, incarnation: u64) {
        let limit: Option<Key> = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            kin.entry(child)?;
            (kin.family.row(child).incarnation == incarnation).then_some(())?;
            kin.entry(child)?.limit.take()
        });
        if let Some(key) = limit {
            drop(self.remove_thing(key, slot));
        }
    }

    /// Asks the table what an event means, and does it.
    fn family(&self, slot: u32, event: Event) {
        let Some(mut kin) = self.seat(slot, |seat| seat.kin.take()) else {
            return;
        };
        let mut actions = Vec::new();
        kin.family.handle(event, self.now.get(), &mut actions);
        self.seat(slot, |seat| seat.kin = Some(kin));
        for action in actions {
            self.act(slot, action);
        }
    }

    fn act(&self, slot: u32, action: Action) {
        match action {
            Action::Start(child, incarnation) => self.start_child(slot, child, incarnation),
            Action::Stop {
                child,
                incarnation,
                keep,
                exit,
            } => {
                let Some((to, limit)) = self.child_place(slot, child, |e| e.stop_limit) else {
                    return;
                };
                if to.gate.entrance.is_closed() {
                    let gone = Exit::lost("closed");
                    return self.report_later(slot, child, incarnation, News::Exited(gone));
                }
                if limit == Some(Duration::ZERO) {
                    return Control::post(to.gate, Control::Kill { to, incarnation });
                }
                self.arm_limit(slot, child, incarnation, limit);
                Control::post(
                    to.gate,
                    Control::Stop {
                        to,
                        incarnation,
                        keep,
                        exit,
                    },
                );
            }
            Action::Kill(child, incarnation) => {
                if let Some((to, _)) = self.child_place(slot, child, |_| None) {
                    Control::post(to.gate, Control::Kill { to, incarnation });
                }
            }
            Action::Retry(child, incarnation) => {
                let to = self.address_of(slot);
                Control::post(
                    self.gate,
                    Control::Retry {
                        to,
                        child,
                        incarnation,
                    },
                );
            }
            Action::Forget(child) => {
                let entry = self.seat(slot, |seat| seat.kin.as_mut()?.take_entry(child));
                let Some(entry) = entry else { return };
                if let Some(key) = entry.limit {
                    drop(self.remove_thing(key, slot));
                }
                Control::post(entry.place.gate, Control::Remove { to: entry.place });
            }
            Action::Up => {
                if self.seat(slot, |seat| seat.state == State::Starting) {
                    self.operational(slot);
                }
            }
            Action::StartFailed(exit) => {
                self.vacate(slot, &exit);
                self.start_failed(slot, exit);
            }
            Action::GaveUp => {}
            Action::Ended(exit) => self.family_ended(slot, exit),
        }
    }

    /// Every child is stopped. The actor ends: it was ending, or its children made it.
    fn family_ended(&self, slot: u32, exit: Exit) {
        let stopping = self.seat(slot, |seat| seat.state == State::Stopping);
        if stopping {
            let exit = self.seat(slot, |seat| seat.exit.clone()).unwrap_or(exit);
            return self.finish(slot, exit);
        }
        let keep = self.seat(slot, |seat| seat.restart.wants(&exit));
        self.end(slot, exit, keep);
    }

    fn child_place(
        &self,
        slot: u32,
        child: u32,
        limit: impl FnOnce(&Entry) -> Option<Duration>,
    ) -> Option<(Address, Option<Duration>)> {
        self.seat(slot, |seat| {
            let entry = seat.kin.as_mut()?.entry(child)?;
            Some((entry.place, limit(entry)))
        })
    }

    fn start_child(&self, slot: u32, child: u32, incarnation: u64) {
        if incarnation > 1 {
            self.seat(slot, |seat| {
                if let Some(kin) = &mut seat.kin {
                    kin.restarts += 1;
                }
            });
        }
        let Some((to, limit)) = self.child_place(slot, child, |e| e.start_limit) else {
            return;
        };
        let here = self.address_of(slot);
        let adoption = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            let restart = kin.family.row(child).restart;
            let remote = kin.entry(child)?.remote.as_mut()?;
            let openings = remote.remote.locality.openings().max(1);
            (remote.built != openings).then(|| {
                remote.built = openings;
                Box::new(Adoption {
                    to,
                    shell: remote.shell.clone(),
                    build: remote.remote.build.clone(),
                    restart,
                    parent: here,
                    child,
                })
            })
        });
        if to.gate != self.gate {
            self.peer_with(to.gate);
            if to.gate.entrance.is_closed() {
                let name = self.remote_name(slot, child);
                let lost = News::Failed(Exit::lost(&name));
                return self.report_later(slot, child, incarnation, lost);
            }
        }
        if let Some(adoption) = adoption {
            Control::post(to.gate, Control::Adopt(adoption));
        }
        self.arm_limit(slot, child, incarnation, limit);
        Control::post(to.gate, Control::Start { to, incarnation });
    }

    fn remote_name(&self, slot: u32, child: u32) -> String {
        self.seat(slot, |seat| {
            let entry = seat.kin.as_mut().and_then(|kin| kin.entry(child));
            let remote = entry.and_then(|entry| entry.remote.as_ref());
            remote.map_or_else(String::new, |r| r.remote.locality.name().to_string())
        })
    }

    fn report_later(&self, slot: u32, child: u32, incarnation: u64, news: News) {
        let to = self.address_of(slot);
        Control::post(
            self.gate,
            Control::Report {
                to,
                child,
                incarnation,
                news,
            },
        );
    }

    fn arm_limit(&self, slot: u32, child: u32, incarnation: u64, limit: Option<Duration>) {
        let Some(limit) = limit else { return };
        let key = self.add_thing(slot, Body::Limit { child, incarnation });
        self.things.borrow_mut().arm_later(key, nanos(limit));
        let old = self.seat(slot, |seat| {
            seat.kin
                .as_mut()
                .and_then(|kin| kin.entry(child)?.limit.replace(key))
        });
        if let Some(old) = old {
            drop(self.remove_thing(old, slot));
        }
    }

    // ---- loss --------------------------------------------------------------------------------

    /// Another locality is lost: everything here that hangs on it learns it from our own tables.
    pub(crate) fn peer_lost(&self, lost: &Locality) {
        let gate = lost.gate();
        let exit = Exit::lost(lost.name());
        self.peered.borrow_mut().retain(|peer| *peer != gate);
        let asked = self.things.borrow().asked(gate);
        for (slot, key) in asked {
            crate::request::fail_later(self, slot, key, RequestError::Ended(exit.clone()));
        }
        self.monitors_lost(gate, &exit);
        for slot in 0..self.slots.len() {
            let (orphan, children) = self.seat(slot, |seat| {
                let orphan = matches!(&seat.parent, Parent::Actor { address, .. }
                    if address.gate == gate);
                let children: Vec<(u32, u64)> = seat.kin.as_ref().map_or(Vec::new(), |kin| {
                    let lost = kin.entries().filter(|(_, entry)| entry.place.gate == gate);
                    lost.map(|(id, _)| (id, kin.family.row(id).incarnation))
                        .collect()
                });
                (orphan, children)
            });
            for (child, incarnation) in children {
                self.step_is_over(slot, child, incarnation);
                self.family(slot, Event::Exited(child, incarnation, exit.clone()));
            }
            if orphan {
                self.end(slot, exit.clone(), false);
            }
        }
    }

    /// The driver goes away while actors live: they are dropped, children first, and everybody who
    /// hangs on this locality is told.
    pub(crate) fn lose(&self) {
        for slot in 0..self.slots.len() {
            let top = self.seat(slot, |seat| match &seat.parent {
                Parent::Actor { address, .. } => address.gate != self.gate,
                _ => true,
            });
            if top {
                self.seat(slot, |seat| {
                    if let Parent::Actor { .. } = seat.parent {
                        seat.parent = Parent::Nobody; // told by the loss itself
                    }
                });
                let app = self.seat(slot, |seat| match &seat.parent {
                    Parent::App(app) => Some(app.clone()),
                    _ => None,
                });
                self.seat(slot, |seat| seat.parent = Parent::Nobody);
                self.remove(slot);
                if let Some(app) = app {
                    app.root_ended(Exit::lost(self.locality.name()));
                }
            }
        }
    }

    /// Tells the localities that hang on this one that it is lost.
    pub(crate) fn tell_peers(gate: &'static Gate, locality: &Locality) {
        let peers = std::mem::take(&mut *gate.peers.lock().expect("no user code under this lock"));
        for peer in peers {
            Control::post(peer, Control::Lost(locality.clone()));
        }
    }
}

impl Supervisor {
    /// This supervisor with the children that its closure adds.
    fn built(&self, build: &Build) -> Result<Supervisor, StartError> {
        let mut built = self.shell().build(build)?;
        built.restart = self.restart;
        built.significant = self.significant;
        built.stop_limit = self.stop_limit;
        Ok(built)
    }
}
