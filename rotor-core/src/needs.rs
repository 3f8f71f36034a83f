//! Service links that specs declare: looked through before anything starts.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::child::Spec;
use crate::error::StartError;
use crate::link::LinkError;
use crate::name::{ActorType, NameError, NameSpec};
use crate::plan::restarts;

/// The actors of a tree that have names, and what the others need, in start order.
#[derive(Default)]
pub(crate) struct Needs {
    actors: usize,
    /// Of each name, one for each scope that has it.
    owners: HashMap<Cow<'static, str>, Vec<Owner>>,
    needs: Vec<Need>,
}

/// Who has a name.
struct Owner {
    /// Its place in the start order.
    at: usize,
    /// Its path.
    child: Cow<'static, str>,
    actor: ActorType,
    scope: usize,
    /// The intensity of its supervisor, if its restart is one that it alone has.
    alone: Option<u32>,
}

/// A name that an actor needs.
struct Need {
    /// The actor's place in the start order.
    at: usize,
    /// Its path.
    child: Cow<'static, str>,
    /// How long its start may take.
    limit: Option<Duration>,
    name: NameSpec,
    /// The scopes around it, innermost last.
    scopes: Vec<usize>,
    /// The intensity of its supervisor, if its restart is one that it alone has.
    alone: Option<u32>,
}

impl Needs {
    /// Notes that the next actor in the start order neither has a name nor needs one.
    pub(crate) fn skip(&mut self) {
        self.actors += 1;
    }

    /// Notes the next actor in the start order with its path, and the scopes around it by their numbers,
    /// innermost last; 0 is the tree. `alone` is the intensity of its supervisor, if its restart is one that
    /// it alone has.
    pub(crate) fn note(
        &mut self,
        spec: &Spec,
        path: Cow<'static, str>,
        scopes: &[usize],
        alone: Option<u32>,
    ) {
        let at = self.actors;
        self.actors += 1;
        for name in spec
            .extra()
            .names
            .iter()
            .filter(|name| name.registry.is_none())
        {
            let owner = Owner {
                at,
                child: path.clone(),
                actor: name.actor,
                scope: scopes.last().copied().unwrap_or(0),
                alone,
            };
            let of_name = self.owners.entry(name.text.clone()).or_default();
            of_name.push(owner);
        }
        // Those of another tree cannot be known here.
        for name in spec
            .extra()
            .needs
            .iter()
            .filter(|name| name.registry.is_none())
        {
            self.needs.push(Need {
                at,
                child: path.clone(),
                limit: spec.extra().start_limit,
                name: name.clone(),
                scopes: scopes.to_vec(),
                alone,
            });
        }
    }

    /// Whether everything that is needed, and declared, is there when it is waited for.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        for need in &self.needs {
            // A name that no spec has may be registered by any actor.
            let Some(owner) = self.owner(need) else {
                continue;
            };
            let child = need.child.clone();
            if owner.actor != need.name.actor {
                let error = NameError::WrongType {
                    name: need.name.text.clone(),
                    wanted: need.name.actor.name,
                    registered: owner.actor.name,
                };
                return Err(StartError::Name { child, error });
            }
            if owner.at < need.at {
                continue;
            }
            // Without such a need there is no circle.
            if let Some(circle) = self.circle(need, owner) {
                let error = LinkError::Circle(circle);
                return Err(StartError::Needs { child, error });
            }
            let service = owner.child.clone();
            return Err(StartError::NeedsLater { child, service });
        }
        Ok(())
    }

    /// What is needed that no spec of this tree declares, as people are told.
    pub(crate) fn undeclared(&self, root: &str) -> impl Iterator<Item = String> {
        let unowned = self.needs.iter().filter(|need| self.owner(need).is_none());
        unowned.map(move |need| {
            let Need { child, name, .. } = need;
            // Below a supervisor with names of its own perhaps.
            let found = match self.owners.contains_key(&name.text) {
                true => " where that can find it",
                false => "",
            };
            let limit = match need.limit {
                Some(limit) => format!("for {limit:?} at most"),
                None => "without a limit".to_owned(),
            };
            format!(
                "{child} needs {}, which no child of {root} declares{found}: its start waits until \
                 somebody registers that name, {limit}",
                name.text
            )
        })
    }

    /// The services whose crash is more restarts than their supervisor allows, with those of the clients
    /// that it takes along, as people are told. Starts are in order.
    pub(crate) fn heavy(&self) -> Vec<String> {
        let mut clients: HashMap<usize, Vec<&Need>> = HashMap::new();
        for need in &self.needs {
            if let Some(owner) = self.owner(need) {
                clients.entry(owner.at).or_default().push(need);
            }
        }
        let mut owners: Vec<_> = self.owners.values().flatten().collect();
        owners.sort_unstable_by_key(|owner| owner.at);
        // Those that were looked at, and their clients, with which fewer are taken along.
        let mut looked_at = HashSet::new();
        let mut told = Vec::new();
        for owner in owners {
            let Some(allowed) = owner.alone.filter(|_| looked_at.insert(owner.at)) else {
                continue;
            };
            let app = above(&owner.child);
            let mut taken = HashSet::from([owner.at]);
            let mut next = vec![owner.at];
            let mut counted = 0;
            while let Some(at) = next.pop() {
                for need in clients.get(&at).into_iter().flatten() {
                    if !taken.insert(need.at) {
                        continue;
                    }
                    next.push(need.at);
                    if need.alone.is_some() && above(&need.child) == app {
                        looked_at.insert(need.at);
                        counted += 1;
                    }
                }
            }
            if counted >= u64::from(allowed) {
                let (service, all) = (&owner.child, restarts(1 + counted));
                let plural = if counted == 1 { "" } else { "s" };
                told.push(format!(
                    "{app} gives up at the first crash of {service}, which takes {counted} client{plural} \
                     with it: {all}, {allowed} allowed: make it rest_for_one, or allow more (`intensity`)"
                ));
            }
        }
        told
    }

    /// The paths of the children from the one that needs `owner` to itself, if that needs it.
    fn circle(&self, need: &Need, owner: &Owner) -> Option<Vec<Cow<'static, str>>> {
        let mut through: HashMap<usize, &Need> = HashMap::new();
        let mut next = VecDeque::from([owner.at]);
        while let Some(at) = next.pop_front() {
            if at == need.at {
                break;
            }
            for other in self.needs_of(at) {
                let Some(further) = self.owner(other) else {
                    continue;
                };
                if let Entry::Vacant(place) = through.entry(further.at) {
                    place.insert(other);
                    next.push_back(further.at);
                }
            }
        }
        let mut circle = vec![need.child.clone()];
        let mut at = need.at;
        while at != owner.at {
            let before = through.get(&at)?;
            circle.push(before.child.clone());
            at = before.at;
        }
        circle.push(need.child.clone());
        // It was built from its end.
        circle.reverse();
        Some(circle)
    }

    /// Who has the name that is needed, in the innermost scope.
    fn owner(&self, need: &Need) -> Option<&Owner> {
        let of_name = self.owners.get(&need.name.text)?;
        let in_scope = |scope: usize| of_name.iter().find(|owner| owner.scope == scope);
        let around = need.scopes.iter().rev().copied();
        around.chain([0]).find_map(in_scope)
    }

    fn needs_of(&self, at: usize) -> impl Iterator<Item = &Need> {
        let first = self.needs.partition_point(|need| need.at < at);
        self.needs[first..]
            .iter()
            .take_while(move |need| need.at == at)
    }
}

/// The path of the supervisor of a child.
fn above(child: &str) -> &str {
    child.rsplit_once('/').map_or("", |(above, _)| above)
}
