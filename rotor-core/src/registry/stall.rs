//! Start-ups that wait for what cannot come: they are found, not waited for.
//!
//! Children start one after the other, so what is declared further back in the start order cannot be
//! there before what waits for it. Only names that specs declare are looked at: any other one may be
//! registered by a running actor, of this tree or of another, at any time. Where a service is, its
//! locality says; of one that is on another locality and not there yet, the check of the spec knows.
//!
//! Where actors are in their lives is read from their gates, by any thread. A start that waits does
//! not go on, and neither do those that wait for it, so what is read here stays true, unless the actor
//! itself gives its wait up: that it might, later, does not count.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Known, Planned, Registry, Scope, Table};
use crate::address::Address;
use crate::error::StartStalled;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::hold::Place;
use crate::lock::lock;
use crate::notes::ByGate;
use crate::states::Lifecycle;

/// A start that nothing but names and services keeps open.
pub(crate) struct Stalled {
    pub(crate) at: Address,
    /// The instance.
    pub(crate) serial: u64,
    /// The slots from the root down to it.
    pub(crate) path: Vec<Address>,
    pub(crate) awaited: Vec<Awaited>,
    /// Where it looks for names.
    pub(crate) scopes: Vec<Scope>,
    /// A restart waits for it.
    pub(crate) again: bool,
}

/// What a start waits for.
pub(crate) enum Awaited {
    Name(Cow<'static, str>),
    /// To be operational; where it is, if that is known.
    Service(Address, Option<Arc<Place>>),
}

/// Where the ways from the root to two actors part.
#[derive(Clone, Copy)]
pub(crate) struct Apart {
    /// The last supervisor of both.
    pub(crate) above: Address,
    /// Its children on either way.
    pub(crate) mine: Address,
    pub(crate) its: Address,
}

/// An instance whose start cannot come to an end, and why.
pub(crate) struct Doomed {
    pub(crate) at: Address,
    pub(crate) serial: u64,
    pub(crate) error: StartStalled,
    /// Which siblings it, or what is above it, has to wait for.
    pub(crate) waits: Vec<Apart>,
}

/// The starts that nothing but names and services keeps open.
#[derive(Default)]
pub(super) struct Stalls {
    all: FixedMap<Address, Stalled>,
    /// Those below, and at, each slot that what is behind it in the start order waits for.
    at_slot: FixedMap<Address, Vec<Address>>,
    by_gate: ByGate<Address>,
}

impl Stalls {
    fn insert(&mut self, stalled: Stalled) {
        self.remove(stalled.at);
        for slot in stalled.waits() {
            self.at_slot.entry(*slot).or_default().push(stalled.at);
        }
        let (at, all) = (stalled.at, &mut self.all);
        self.by_gate.add(at.gate(), at, |at| all.contains_key(at));
        all.insert(at, stalled);
    }

    pub(super) fn remove(&mut self, at: Address) -> Option<Stalled> {
        let stalled = self.all.remove(&at)?;
        for slot in &stalled.path {
            if let Some(list) = self.at_slot.get_mut(slot) {
                list.retain(|other| *other != at);
                if list.is_empty() {
                    self.at_slot.remove(slot);
                }
            }
        }
        Some(stalled)
    }

    pub(super) fn gate_lost(&mut self, gate: &Gate) {
        for at in self.by_gate.take(gate, |at| self.all.contains_key(at)) {
            self.remove(at);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Stalls::default();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.all.is_empty(), self.at_slot.is_empty());
        self.all.len()
    }

    /// The stalled starts whose ends an actor waits for before its own, which is at the end of this
    /// path: those that are below, or are, what starts before it.
    fn before<'a>(&'a self, actor: &'a [Address]) -> impl Iterator<Item = Address> + 'a {
        actor.iter().enumerate().flat_map(move |(i, slot)| {
            let (waits, down) = match actor.get(i + 1).map(|next| (*next, next.state())) {
                // Itself, or one above it, which is operational after what is below it.
                None => (slot.state() == Lifecycle::Starting, false),
                // Below it, or below a later sibling of one on the way, or of one that is down. One whose
                // loop is lost has gone: unless its supervisor starts it again, it is as good as down.
                Some((next, state)) => (
                    state == Lifecycle::Waiting
                        || state == Lifecycle::Gone && comes_back(*slot, next),
                    matches!(state, Lifecycle::Down | Lifecycle::Gone),
                ),
            };
            let here = self.at_slot.get(slot).into_iter().flatten();
            here.copied().filter(move |at| {
                let stalled = &self.all[at];
                // Nobody else is started meanwhile, also on request, but in a restart.
                (waits || down && !stalled.again) && stalled.waits().contains(slot)
            })
        })
    }
}

impl Stalled {
    /// The slots on its path that wait, as long as it does, with what is behind them: it and those
    /// above it that start, and one more, below which it is the next.
    fn waits(&self) -> &[Address] {
        let starts = |slot: &&Address| slot.state() == Lifecycle::Starting;
        let starting = self.path.iter().rev().take_while(starts).count();
        match starting {
            0 => &[],
            n => &self.path[(self.path.len() - n).saturating_sub(1)..],
        }
    }

    /// Whether the actor at the end of this path is neither above nor below it, and waits for its turn.
    fn is_before(&self, actor: &[Address]) -> bool {
        let pairs = self.path.iter().zip(actor);
        let mut apart = pairs.skip_while(|(mine, its)| mine == its);
        let next = apart.next();
        next.is_some_and(|(_, its)| its.state() == Lifecycle::Waiting)
    }
}

/// Whether a child whose loop is lost is started again: its supervisor has not noted, at its gate, that it is
/// down.
fn comes_back(supervisor: Address, child: Address) -> bool {
    let gate = child.gate();
    gate != supervisor.gate() && !gate.is_past(child) && lock(&gate.laid).exit(child).is_none()
}

/// Where two paths part; none if one is the way to the other.
fn apart(mine: &[Address], its: &[Address]) -> Option<Apart> {
    let at = mine.iter().zip(its).position(|(mine, its)| mine != its)?;
    Some(Apart {
        above: mine[at.checked_sub(1)?],
        mine: mine[at],
        its: its[at],
    })
}

/// Whether the actor at the end of this path, or one above it, is down: somebody would have to start it.
pub(super) fn is_down(path: &[Address]) -> bool {
    path.iter().any(|at| at.state() == Lifecycle::Down)
}

impl Registry {
    /// Notes that nothing but names and services keeps a start open. Returns the starts that can never end.
    pub(crate) fn stall(&self, stalled: Stalled) -> Vec<Doomed> {
        let mut table = self.table();
        let at = stalled.at;
        table.stalled.insert(stalled);
        table.take_doomed(at)
    }

    /// A child of a supervisor has ended, or is lost, which is busy with the start of another one: it may
    /// be what that waits for. Returns the starts that can never end.
    pub(crate) fn stall_again(&self, supervisor: Address) -> Vec<Doomed> {
        let mut table = self.table();
        if table.stalled.at_slot.is_empty() {
            return Vec::new();
        }
        let below = table.stalled.at_slot.get(&supervisor);
        let below = below.cloned().unwrap_or_default();
        let doomed = below.into_iter().flat_map(|at| table.take_doomed(at));
        let mut doomed: Vec<_> = doomed.collect();
        // It was there in its turn.
        doomed
            .iter_mut()
            .for_each(|doomed| doomed.error.order_helps = false);
        doomed
    }

    /// Something that an instance has waited for is there, or is not waited for any more. Whether it is
    /// still stalled is asked again when its hold goes.
    pub(crate) fn not_stalled(&self, at: Address) {
        self.table().not_stalled(at);
    }
}

impl Registry {
    /// Which sibling the actor at the end of this path, or what is above it, has to wait for, with a service
    /// that the specs of a subtree on another locality declare, or have declared.
    pub(crate) fn sibling_with(&self, client: &[Address], service: Address) -> Option<Apart> {
        let table = self.table();
        let planned = table.planned_slots.get(&service)?.innermost()?;
        apart(client, &planned.path)
    }
}

impl Planned {
    fn is_waiting(&self) -> bool {
        let top = self.path.last();
        top.is_some_and(|top| top.state() == Lifecycle::Waiting)
    }
}

/// A stalled start that is looked at.
struct Suspect {
    at: Address,
    /// For each thing that it waits for, how many suspects come first that may never end.
    before: Vec<usize>,
    /// Whom it keeps waiting: suspects, and which of the things that they wait for.
    keeps: Vec<(usize, usize)>,
    /// It may come to its end.
    free: bool,
}

/// Stalled starts, each by a number, and what one of them has to do with another.
#[derive(Default)]
struct Suspects {
    all: Vec<Suspect>,
    numbers: FixedMap<Address, usize>,
}

impl Suspects {
    fn number(&mut self, at: Address) -> usize {
        let all = &mut self.all;
        *self.numbers.entry(at).or_insert_with(|| {
            all.push(Suspect {
                at,
                before: Vec::new(),
                keeps: Vec::new(),
                free: false,
            });
            all.len() - 1
        })
    }

    /// Notes a thing that a suspect waits for, and the starts that come before it. True if there are none:
    /// whatever else it waits for, it may come to its end.
    fn waits(&mut self, suspect: usize, before: impl Iterator<Item = Address>) -> bool {
        let thing = self.all[suspect].before.len();
        let mut count = 0;
        for at in before {
            let other = self.number(at);
            if !self.all[other].free {
                self.all[other].keeps.push((suspect, thing));
                count += 1;
            }
        }
        self.all[suspect].before.push(count);
        count == 0
    }

    /// Lets a suspect go if something that it waits for may come, and whoever waits for nothing but
    /// such.
    fn judge(&mut self, suspect: usize) {
        let mut next = Vec::new();
        next.extend(self.all[suspect].before.contains(&0).then_some(suspect));
        while let Some(suspect) = next.pop() {
            if std::mem::replace(&mut self.all[suspect].free, true) {
                continue;
            }
            for (other, thing) in std::mem::take(&mut self.all[suspect].keeps) {
                let before = &mut self.all[other].before;
                // One that is looked at now is judged when all of it is known.
                if let Some(count) = before.get_mut(thing) {
                    *count -= 1;
                    next.extend((*count == 0).then_some(other));
                }
            }
        }
    }
}

impl Table {
    pub(super) fn not_stalled(&mut self, at: Address) {
        self.stalled.remove(at);
    }

    /// Takes out the stalled starts that can never end because of this one.
    fn take_doomed(&mut self, last: Address) -> Vec<Doomed> {
        let doomed = self.doomed(last).into_iter().filter_map(|at| {
            let stalled = self.stalled.remove(at)?;
            Some(self.doom(&stalled))
        });
        doomed.collect()
    }

    /// The stalled starts that wait for nothing but each other: all that one of them waits for is
    /// declared behind one of them in the start order. None if the last one that has stalled is not
    /// among them, so that only those are looked at that it waits for.
    fn doomed(&self, last: Address) -> Vec<Address> {
        let mut suspects = Suspects::default();
        if !self.stalled.all.contains_key(&last) {
            return Vec::new();
        }
        suspects.number(last);
        let mut next = 0;
        while next < suspects.all.len() && !suspects.all[0].free {
            let stalled = &self.stalled.all[&suspects.all[next].at];
            for awaited in &stalled.awaited {
                let owner = self.owner(awaited, &stalled.scopes);
                let path = owner.map_or(&[][..], |(path, _)| path);
                if suspects.waits(next, self.stalled.before(path)) {
                    break;
                }
            }
            suspects.judge(next);
            next += 1;
        }
        if suspects.all[0].free {
            return Vec::new();
        }
        let doomed = suspects.all.iter().filter(|suspect| !suspect.free);
        doomed.map(|suspect| suspect.at).collect()
    }

    /// Where what is awaited is declared, and by whom.
    fn owner<'a>(
        &'a self,
        awaited: &'a Awaited,
        scopes: &[Scope],
    ) -> Option<(&'a [Address], &'a Cow<'static, str>)> {
        let name = match awaited {
            Awaited::Service(_, Some(place)) => return Some((&place.path, &place.name)),
            Awaited::Service(at, None) => {
                // Of one that is built, its locality says where it is.
                let planned = self.planned_slots.get(at)?.innermost();
                let planned = planned.filter(|planned| planned.is_waiting())?;
                return Some((&planned.path, &planned.owner));
            }
            Awaited::Name(name) => name,
        };
        match self.known(name, scopes)? {
            Known::Now(entry) => {
                let path = entry.path.as_deref().filter(|_| !entry.is_live())?;
                Some((path, &entry.owner))
            }
            Known::Later(planned) => Some((&planned.path, &planned.owner)),
        }
    }

    fn doom(&self, stalled: &Stalled) -> Doomed {
        let mut error = StartStalled {
            waiting: String::new(), // known where it lives
            names: Vec::new(),
            services: Vec::new(),
            down: Vec::new(),
            order_helps: true,
        };
        let mut waits = Vec::new();
        for awaited in &stalled.awaited {
            let owner = self.owner(awaited, &stalled.scopes);
            let (path, owner) = match owner {
                Some((path, owner)) => (path, owner.clone()),
                None => (&[][..], Cow::default()),
            };
            waits.extend(apart(&stalled.path, path));
            error.order_helps &= stalled.is_before(path);
            match awaited {
                Awaited::Name(name) => {
                    error.names.push((name.clone(), owner));
                    error.down.push(is_down(path));
                }
                Awaited::Service(..) => error.services.push(owner),
            }
        }
        Doomed {
            at: stalled.at,
            serial: stalled.serial,
            error,
            waits,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::sim::Sim;
    use crate::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Adds a child that links to a service.
    struct Mother(Addr<Service>);
    struct Client(Addr<Service>);
    /// Is held in its start.
    struct Service(Option<Hold>);

    impl Actor for Mother {}

    impl Handler<()> for Mother {
        fn handle(&mut self, (): (), cx: &mut Context<Self>) {
            let service = self.0;
            cx.child(Child::new("client", move || Client(service)));
        }
    }

    impl Actor for Client {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.link(self.0.address());
            Ok(())
        }
    }

    impl Actor for Service {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.0 = Some(cx.hold_within("a while", SECOND));
            Ok(())
        }
    }

    #[test]
    fn m08_a_start_whose_service_has_come_is_not_stalled() {
        let mut sim = Sim::new(1);
        let here = sim.locality("here");
        let (mother, service) = (here.reserve(), here.reserve());
        let tree = Supervisor::one_for_one("root")
            .child(Child::new("mother", move || Mother(service)).at(mother))
            .child(Child::new("service", || Service(None)).at(service));
        let app = sim.start(tree).expect("a sound tree");
        mother.send(());
        sim.run_until_idle();
        assert_eq!(app.shared.registry.starts_stalled(), 1);
        assert_eq!(service.address().state(), Lifecycle::Starting);
        sim.run_for(SECOND);
        assert_eq!(service.address().state(), Lifecycle::Running);
        assert_eq!(app.shared.registry.starts_stalled(), 0);
        assert!(app.tree().nodes.iter().all(|node| node.holds.is_empty()));
    }
}
