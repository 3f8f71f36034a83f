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
use crate::hold::Place;
use crate::states::Lifecycle;

/// A start that nothing but names and services keeps open.
pub(crate) struct Stalled {
    pub(crate) at: Address,
    /// The instance.
    pub(crate) serial: u64,
    /// Its actor's name in its spec.
    pub(crate) who: Cow<'static, str>,
    /// The slots from the root down to it.
    pub(crate) path: Vec<Address>,
    pub(crate) awaited: Vec<Awaited>,
    /// Where it looks for names.
    pub(crate) scopes: Vec<Scope>,
}

/// What a start waits for.
pub(crate) enum Awaited {
    Name(Cow<'static, str>),
    /// To be operational; where it is, if that is known.
    Service(Address, Option<Arc<Place>>),
}

/// An instance whose start cannot come to an end, and why.
pub(crate) struct Doomed {
    pub(crate) at: Address,
    pub(crate) serial: u64,
    pub(crate) error: StartStalled,
}

impl Registry {
    /// Notes that nothing but names and services keeps a start open. Returns the starts that can never end.
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

    /// Something that an instance has waited for is there, or is not waited for any more. Whether it is
    /// still stalled is asked again when its hold goes.
    pub(crate) fn not_stalled(&self, at: Address) {
        self.table().not_stalled(at);
    }
}

impl Planned {
    fn is_waiting(&self) -> bool {
        let top = self.path.last();
        top.is_some_and(|top| top.state() == Lifecycle::Waiting)
    }
}

impl Table {
    pub(super) fn not_stalled(&mut self, at: Address) {
        self.stalled.retain(|stalled| stalled.at != at);
    }

    /// Indices of the stalled starts that wait for nothing but each other: all that one of them waits
    /// for is declared behind one of them in the start order.
    fn doomed(&self) -> Vec<usize> {
        let mut set: Vec<usize> = (0..self.stalled.len()).collect();
        loop {
            let before = set.clone();
            set.retain(|&i| {
                let stalled = &self.stalled[i];
                stalled.awaited.iter().all(|awaited| {
                    let owner = self.owner(awaited, &stalled.scopes);
                    owner.is_some_and(|(path, _)| {
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
                let unbuilt = |planned: &&Planned| planned.is_waiting();
                let planned = self.planned_slots.get(at).filter(unbuilt)?;
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
            waiting: stalled.who.clone(),
            names: Vec::new(),
            services: Vec::new(),
        };
        for awaited in &stalled.awaited {
            let owner = self
                .owner(awaited, &stalled.scopes)
                .map(|(_, owner)| owner.clone());
            let owner = owner.unwrap_or_default();
            match awaited {
                Awaited::Name(name) => error.names.push((name.clone(), owner)),
                Awaited::Service(..) => error.services.push(owner),
            }
        }
        Doomed {
            at: stalled.at,
            serial: stalled.serial,
            error,
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
