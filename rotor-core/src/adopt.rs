//! Adoption: specs get slots. The tree is data until here.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::app::AppShared;
use crate::check::{check_name, elsewhere};
use crate::child::Spec;
use crate::error::StartError;
use crate::exit::{Exit, ExitReason};
use crate::here;
use crate::kin::{Entry, Kin, Limits, RemoteEntry};
use crate::label::Label;
use crate::lane::SYSTEM;
use crate::locality::{Local, Locality, Placements};
use crate::lock::lock;
use crate::message::{Command, LOCALITY};
use crate::naming::Above;
use crate::queue::Mark;
use crate::registry::{Plans, Registry};
use crate::slot::{Parent, State};
use crate::strategy::{Event, NewRow, Restart};
use crate::supervisor::{AsChild, Build, NodeKind, Remote, Shell, Stock, Supervisor};
use crate::ties::About;

/// A subtree that a locality is told to build.
pub(crate) struct Adoption {
    pub(crate) to: Address,
    pub(crate) shell: Shell,
    pub(crate) build: Build,
    pub(crate) restart: Restart,
    pub(crate) stop_limit: Option<Duration>,
    pub(crate) parent: Address,
    pub(crate) child: u32,
    pub(crate) registry: Arc<Registry>,
    /// The slots from the root down to the parent.
    pub(crate) above: Above,
}

/// How a child comes to its supervisor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// In the supervisor's spec.
    Declared,
    /// By an actor, which calls for it by its address: its name need not be its own.
    Added,
    /// By a request.
    Asked,
    /// As an instance of a pool.
    Instance,
}

impl How {
    fn row(self, name: Label, of: AsChild) -> NewRow {
        NewRow {
            name,
            restart: of.restart,
            significant: of.significant,
            escalating: of.escalating,
            supervisor: of.supervisor,
            backoff: of.backoff,
            at_most: of.at_most,
            dynamic: self != How::Declared,
            named: matches!(self, How::Declared | How::Asked),
        }
    }
}

impl Local {
    /// Gives a root its slots.
    pub(crate) fn adopt_root(
        &self,
        tree: Supervisor,
        app: Arc<AppShared>,
    ) -> Result<Address, StartError> {
        let (slot, _) = self.mint();
        // Nobody restarts a root.
        let tree = tree.temporary();
        self.enter_tree(slot, app.registry.clone(), Above::default());
        self.adopt_supervisor(slot, tree, Parent::App(app))
            .inspect_err(|_| self.give_back(slot))?;
        Ok(self.address_of(slot))
    }

    fn adopt_supervisor(
        &self,
        slot: u32,
        supervisor: Supervisor,
        parent: Parent,
    ) -> Result<(), StartError> {
        let maker = supervisor.maker();
        let is_root = matches!(parent, Parent::App(_));
        self.reseat(slot, |seat| {
            seat.state = State::Waiting;
            seat.name = supervisor.name.into();
            seat.restart = supervisor.restart;
            seat.parent = parent;
            seat.ops = Some(maker.ops);
            seat.make = Some(maker.make);
            let mut kin = Box::new(Kin::new(supervisor.flags, supervisor.restart));
            kin.decides = supervisor.decide.is_some();
            kin.own_names = supervisor.own_names && !is_root;
            kin.template = supervisor.template;
            kin.stop_limit = supervisor.stop_limit;
            seat.kin = Some(kin);
        });
        for node in supervisor.children {
            self.adopt_child(slot, node.0, How::Declared)?;
        }
        Ok(())
    }

    /// Adds a child to the table of `parent`, and gives it and what is below it slots.
    pub(crate) fn adopt_child(
        &self,
        parent: u32,
        node: NodeKind,
        how: How,
    ) -> Result<(u32, Address), StartError> {
        match node {
            NodeKind::Actor(spec) => self.adopt_spec(parent, spec, how),
            NodeKind::Supervisor(supervisor) => self.adopt_subtree(parent, supervisor, how),
        }
    }

    fn adopt_spec(
        &self,
        parent: u32,
        mut spec: Spec,
        how: How,
    ) -> Result<(u32, Address), StartError> {
        // Before there is a row: a child that cannot have its address or its names leaves no trace.
        self.check_claim(parent, &spec)?;
        let slot = self.slot_for(parent, &mut spec)?;
        let name = Label::from(std::mem::take(&mut spec.name));
        let child = spec.as_child();
        let limits = Limits {
            start: child.start_limit,
            stop: child.stop_limit,
        };
        let row = how.row(name.clone(), child);
        let place = self.address_of(slot);
        let child = self.seat(parent, |seat| {
            let kin = seat.kin_mut();
            kin.family.number_from(self.gate.numbers());
            let child = match how {
                How::Added => kin.family.add_later(row),
                _ => kin.family.add(row),
            };
            kin.set_entry(child, Entry::new(place, limits));
            child
        });
        let address = self.address_of(parent);
        self.adopt_actor(slot, name, spec, Parent::Actor { address, child });
        Ok((child, place))
    }

    fn adopt_subtree(
        &self,
        parent: u32,
        mut s: Box<Supervisor>,
        how: How,
    ) -> Result<(u32, Address), StartError> {
        let places = self.build_here(parent, &mut s)?;
        let row = how.row(s.name.clone().into(), s.as_child());
        let limits = Limits {
            start: s.start_limit,
            stop: s.stop_limit,
        };
        let child = self.seat(parent, |seat| {
            let family = &mut seat.kin_mut().family;
            family.number_from(self.gate.numbers());
            family.add(row)
        });
        let set = |entry| {
            self.seat(parent, |seat| {
                let kin = seat.kin.as_mut().expect("made above");
                kin.set_entry(child, entry);
            });
        };
        let Some(remote) = s.place.take() else {
            let (slot, _) = self.mint();
            let place = self.address_of(slot);
            set(Entry::new(place, limits));
            let address = self.address_of(parent);
            self.adopt_supervisor(slot, *s, Parent::Actor { address, child })
                .inspect_err(|_| self.disinherit(parent, child))?;
            self.add_places(parent, places);
            return Ok((child, place));
        };
        let gate = remote.locality.gate();
        let (slot, generation) = gate.mint();
        let place = Address::new(gate, slot, generation);
        let below = remote.declared.get().map(|declared| &declared.places);
        let places = below.into_iter().flatten().chain([&remote.locality]);
        let placements = Placements::new(self.gate, place, places);
        let plans = self.plans(parent, place, &remote);
        let shell = s.shell();
        let remote = RemoteEntry {
            unbuilt: None,
            shell,
            remote,
            built: 0,
            _placements: placements,
            plans,
        };
        set(Entry::away(place, limits, remote));
        self.tie(gate, About::Child(parent, child));
        Ok((child, place))
    }

    /// The names that a subtree on another locality will declare.
    pub(crate) fn plans(&self, parent: u32, place: Address, remote: &Remote) -> Option<Arc<Plans>> {
        let declared = remote.declared.get()?;
        let mut path = self.path_of(parent);
        path.push(place);
        let scope = self.scope_of(parent);
        let lives = self.lives_down_to(parent);
        Some(self.registry_of(parent)?.plan(declared, scope, path, lives))
    }

    /// The slot for an actor's spec, with the names that this declares.
    fn slot_for(&self, parent: u32, spec: &mut Spec) -> Result<u32, StartError> {
        let slot = match spec.reserved {
            Some(address) => {
                if let Some(bound) = spec.take_bound() {
                    address.set_bound(bound);
                }
                address.slot
            }
            None => match spec.take_bound() {
                Some(bound) => self.mint_bounded(bound).0,
                None => self.mint().0,
            },
        };
        if spec.extra().names.is_empty() {
            return Ok(slot);
        }
        let claimed = self.claim_names(parent, slot, spec);
        if claimed.is_err() {
            match spec.reserved {
                Some(address) => self.settle_unclaimed(&[address]),
                None => self.free_slot(slot),
            }
        }
        claimed.map(|()| slot)
    }

    /// Has a supervisor that is placed here add its children; the localities on which it places some.
    fn build_here(&self, parent: u32, s: &mut Supervisor) -> Result<Vec<Locality>, StartError> {
        let here = |remote: &mut Remote| remote.locality.gate() == self.gate;
        if let Some(remote) = s.place.take_if(here) {
            let path = self.path_below(parent, &s.name);
            *s = s.built(&remote.build, || path.into())?;
            s.place = None;
            return s.check(self.names_to(parent), self.gate, self.locality.name());
        }
        Ok(Vec::new())
    }

    /// Takes a child back that could not be adopted as a whole.
    fn disinherit(&self, parent: u32, child: u32) {
        let entry = self.seat(parent, |seat| {
            let kin = seat.kin_mut();
            kin.family.discard(child);
            kin.take_entry(child)
        });
        if let Some(entry) = entry {
            self.give_back(entry.place.slot);
        }
    }

    fn adopt_actor(&self, slot: u32, name: Label, spec: Spec, parent: Parent) {
        let reserved = spec.reserved.is_some();
        let extra = spec.extra;
        self.reseat(slot, |seat| {
            seat.state = State::Waiting;
            seat.name = name;
            seat.restart = spec.restart;
            if let Some(capacity) = extra.as_ref().and_then(|extra| extra.capacity) {
                seat.rare_mut().capacity = Some(capacity);
            }
            seat.reserved = reserved;
            seat.parent = parent;
            seat.ops = Some(spec.maker.ops);
            seat.make = Some(spec.maker.make);
            seat.once = spec.once;
        });
        if let Some(extra) = extra {
            self.add_hooks(slot, extra.hooks);
        }
        if reserved {
            self.note_claim(slot);
            self.tell_place(slot);
        }
    }

    /// Notes whose a reserved slot is, for the next life of the locality.
    fn note_claim(&self, slot: u32) {
        let top = self.upwards(slot).last().expect("at least the slot");
        let far = self.seat(
            top,
            |seat| matches!(&seat.parent, Parent::Actor { address, .. } if address.gate() != self.gate),
        );
        if far {
            lock(&self.gate.claims).insert(slot, self.address_of(top));
        }
    }

    /// Whether a spec can have the address that was reserved for it. The address was minted for
    /// the spec's actor type, by `Locality::reserve`; no other child may hold it.
    fn check_claim(&self, parent: u32, spec: &Spec) -> Result<(), StartError> {
        let Some(address) = spec.reserved else {
            return Ok(());
        };
        if address.gate() != self.gate {
            let child = self.path_below(parent, &spec.name);
            return Err(elsewhere(child, address, self.locality.name()));
        }
        if spec.extra().bound.is_some() && !address.is_bounded() {
            let child = self.path_below(parent, &spec.name).into();
            return Err(StartError::Unbounded { child });
        }
        let known = self.meet(address.slot);
        let earlier = known && self.slots.generation(address.slot) == 0;
        if earlier && self.may_be_claimed(address) {
            // Minted in an earlier life of this locality, and claimed again by the same spec.
            self.slots.set_generation(address.slot, address.generation);
            self.reseat(address.slot, |seat| {
                seat.state = State::Reserved;
                seat.reserved = true; // as what an orphan leaves, if the claim fails
            });
        }
        let holder = self.find(address);
        // Its parent is lost, and it is in the way of what comes after it, and not of what is below it. Never
        // under a handler, which may be its own.
        if self.running_slot() == LOCALITY
            && let Some(orphan) = holder.and_then(|slot| self.orphan_above(slot))
            && !self.is_bereft(parent)
        {
            self.remove_orphan(orphan);
        }
        let free = holder.is_some_and(|slot| self.seat(slot, |seat| seat.is_unclaimed()));
        let claimed = || StartError::ClaimedTwice {
            child: self.path_below(parent, &spec.name).into(),
            other: None,
        };
        if free { Ok(()) } else { Err(claimed()) }
    }

    /// Builds a subtree that lives here, for a parent elsewhere.
    pub(crate) fn adopt_remote(&self, adoption: Adoption) {
        let Adoption {
            to,
            shell,
            build,
            restart,
            stop_limit,
            parent,
            child,
            registry,
            above,
        } = adoption;
        self.peer_with(parent.gate());
        if self.is_adopted(to) {
            return; // ordered for an earlier life of this locality, and built in this one
        }
        if self.find_or_await(to).is_none() {
            return; // it has made way, and the slot is another one's: its start fails
        }
        self.slots.set_generation(to.slot, to.generation);
        let names = above.names.to_vec();
        self.enter_tree(to.slot, registry, above);
        self.tie(parent.gate(), About::Subtree(to.slot));
        let name = shell.name.clone();
        let above = Parent::Actor {
            address: parent,
            child,
        };
        let path = || format!("{}/{name}", names.join("/")).into();
        let adopt = || {
            let mut supervisor = shell.build(&build, path)?;
            supervisor.restart = restart;
            supervisor.stop_limit = stop_limit;
            // The closure may place something where the check of the tree has seen nothing.
            let checked = supervisor.check(names.clone(), self.gate, self.locality.name());
            let places = match checked {
                Ok(places) => places,
                Err(error) => {
                    let _ = here::guard(|| drop(supervisor)); // a user's: the error is not lost to a panic
                    return Err(error);
                }
            };
            self.adopt_supervisor(to.slot, supervisor, above.clone())?;
            self.add_places(to.slot, places);
            Ok(())
        };
        // Whatever else is refused is dropped as well.
        let built = here::guard(adopt).unwrap_or_else(|caught| {
            let (supervisor, text) = (path(), caught.text);
            Err(StartError::BuildPanicked { supervisor, text })
        });
        if let Err(error) = built {
            self.take_back_children(to.slot);
            let old = self.reseat(to.slot, |seat| {
                seat.state = State::Waiting;
                seat.name = name.into();
                seat.parent = above;
                seat.ops = Some(Stock::maker(None).ops);
                // Reported when the start is asked for.
                let exit = seat.exit.replace(Exit::of(ExitReason::Refused(error)));
                (exit, seat.kin.take(), seat.make.take())
            });
            // A user's, in parts.
            let _ = here::guard(|| drop(old));
        }
    }

    /// Whether a subtree was built at an address.
    fn is_adopted(&self, to: Address) -> bool {
        let slot = self.find(to);
        slot.is_some_and(|slot| self.seat(slot, |seat| seat.kin.is_some()))
    }

    /// Adds a child at run time. It is started when the parent's pass, if any, is over.
    pub(crate) fn add_child(&self, parent: u32, spec: Spec) -> Result<Address, StartError> {
        check_name(&spec.name, || Some(self.path_text(parent).into()))?;
        // An actor does not end by itself because of its children: it decides.
        let path = || self.path_below(parent, &spec.name);
        spec.as_child().check(None, path)?;
        let (_, place) = self.adopt_spec(parent, spec, How::Added)?;
        self.tell_added(self.address_of(parent));
        Ok(place)
    }

    /// Has a child started that was added. Very many may be added at a time: those of one parent between
    /// which nothing else came are told of by one record.
    fn tell_added(&self, parent: Address) {
        let Added { runs, mark } = &mut *self.added.borrow_mut();
        let lane = &self.lanes[SYSTEM];
        if let Some(run) = runs.back_mut()
            && run.parent == parent
            && *mark == Some(lane.mark())
        {
            run.count += 1;
            return;
        }
        runs.push_back(Run { parent, count: 1 });
        let before = lane.mark();
        NewRun.push(Address::new(self.gate, LOCALITY, 0));
        let after = lane.mark();
        *mark = (after != before).then_some(after);
    }
}

/// Children that were added at run time and are still to be started.
#[derive(Default)]
pub(crate) struct Added {
    runs: VecDeque<Run>,
    /// How the System lane was when the record of the last run had come into it.
    mark: Option<Mark>,
}

/// Some that were added one after the other.
struct Run {
    parent: Address,
    count: u32,
}

/// News of the next run, for the locality of parent and children.
struct NewRun;

impl Command for NewRun {
    fn run(self, here: &Local, _: u32) {
        let run = here.added.borrow_mut().runs.pop_front();
        let Some(Run { parent, count }) = run else {
            return;
        };
        if let Some(slot) = here.find(parent) {
            here.family(slot, Event::Added(count));
        }
    }
}

impl Supervisor {
    /// This supervisor with the children that its closure adds.
    pub(crate) fn built(
        &self,
        build: &Build,
        path: impl FnOnce() -> Cow<'static, str>,
    ) -> Result<Supervisor, StartError> {
        let mut built = self.shell().build(build, path)?;
        built.restart = self.restart;
        built.significant = self.significant;
        built.escalating = self.escalating;
        built.backoff = self.backoff;
        built.start_limit = self.start_limit;
        built.stop_limit = self.stop_limit;
        Ok(built)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use crate::here::with_local;
    use crate::sim::Sim;
    use crate::*;

    type Log = Rc<RefCell<Vec<usize>>>;

    struct Kid;
    impl Actor for Kid {}

    /// Panics when it is dropped, if it is armed.
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0, "dropped");
        }
    }

    #[test]
    fn what_is_refused_elsewhere_may_panic_when_it_is_dropped() {
        let mut sim = Sim::new(1);
        let (_, far) = (sim.locality("here"), sim.locality("far"));
        let mut builds = 0;
        let below = Supervisor::one_for_one("below").on(&far, move |s| {
            builds += 1;
            let kids = if builds > 1 { 2 } else { 1 }; // of one name
            let bomb = |n| {
                let bomb = Bomb(n > 0);
                Child::once("kid", move |_| {
                    drop(bomb);
                    Ok(Kid)
                })
            };
            (0..kids).map(bomb).fold(s, Supervisor::child)
        });
        let app = sim.start(Supervisor::one_for_one("app").child(below));
        let app = app.expect("a sound tree");
        sim.run_until_idle();
        let exit = app.tree().ended.expect("it was refused");
        let ExitReason::Refused(error) = exit.root_cause().reason() else {
            panic!("{exit}");
        };
        assert!(matches!(error, StartError::DuplicateName { .. }), "{error}");
        let other = sim.start(Supervisor::one_for_one("other").child(
            Supervisor::one_for_one("part").on(&far, |s| s.child(Child::new("kid", || Kid))),
        ));
        sim.run_until_idle();
        assert!(other.unwrap().tree().ended.is_none(), "the loop goes on");
    }

    struct Mother(Log);
    impl Actor for Mother {}

    impl Mother {
        fn add(&self, n: usize, cx: &mut Context<Self>) -> Addr<Kid> {
            let log = self.0.clone();
            cx.child(Child::new("kid", move || {
                log.borrow_mut().push(n);
                Kid
            }))
        }
    }

    struct Add;

    impl Handler<Add> for Mother {
        fn handle(&mut self, _: Add, cx: &mut Context<Self>) {
            let gate = cx.locality().gate();
            let runs = || with_local(gate, |local| local.unwrap().added.borrow().runs.len());
            let kids = [0, 1].map(|n| self.add(n, cx));
            assert_eq!(runs(), 1);
            kids[0].stop();
            for n in [2, 3] {
                self.add(n, cx);
            }
            assert_eq!(runs(), 2, "something came in between");
        }
    }

    #[test]
    fn l04_children_that_are_added_in_a_row_start_one_after_the_other() {
        let mut sim = Sim::new(1);
        let here = sim.locality("here");
        let mother = here.reserve();
        let log = Log::default();
        let made = log.clone();
        let child = Child::new("mother", move || Mother(made.clone())).at(mother);
        let tree = Supervisor::one_for_one("app").intensity(2, Duration::from_secs(5));
        let app = sim.start(tree.child(child)).expect("a sound tree");
        sim.run_until_idle();
        for _ in 0..2 {
            mother.send(Add); // the second time in slots that were used before
            sim.run_until_idle();
            assert_eq!(log.take(), [0, 1, 2, 3]);
            assert_eq!(
                app.tree().nodes.len(),
                5,
                "the first one ended in its start"
            );
            mother.address().kill();
            sim.run_until_idle();
        }
        let left = with_local(here.gate(), |local| {
            local.unwrap().added.borrow().runs.len()
        });
        assert_eq!(left, 0);
    }
}
