//! Who is linked to whom in a tree. A link that would close a circle is refused.
//!
//! A circle is looked for from both ends of the new link, a step at each in turn: from the service
//! along what it is linked to itself, and from the client along those who are linked to it. The one
//! that comes to an end first has the answer, so a link costs the smaller part of what hangs
//! together by it: nothing, for a client that is no service so far, or a service that is no client.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::address::Address;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::link::LinkError;
use crate::notes::ByGate;
use crate::roster::Roster;

type Text = Cow<'static, str>;

/// The links of a tree.
#[derive(Default)]
pub(super) struct Links {
    actors: Actors,
    /// The clients by their localities.
    clients: ByGate<Address>,
}

type Actors = FixedMap<Address, Actor>;

/// An actor that is linked.
#[derive(Default)]
struct Actor {
    /// Its path, if it is a client: when a circle is found, it may live where nobody can ask for it.
    path: Text,
    services: Roster<Address>,
    clients: Roster<Address>,
}

impl Links {
    pub(super) fn insert(
        &mut self,
        client: Address,
        who: impl FnOnce() -> Text,
        to: Address,
    ) -> Result<(), LinkError> {
        if self.contains(client, to) {
            return Err(LinkError::AlreadyLinked);
        }
        if self.reaches(to, client) {
            let (who, path) = (who(), self.path(to, client));
            let around = std::iter::once(who.clone()).chain(path);
            return Err(LinkError::Circle(around.chain([who]).collect()));
        }
        if !is_client(&self.actors, client) {
            let is_there = |at: &_| is_client(&self.actors, *at);
            self.clients.add(client.gate(), client, is_there);
        }
        let actor = self.actors.entry(client).or_default();
        if actor.path.is_empty() {
            actor.path = who();
        }
        actor.services.insert(to, ());
        self.actors
            .entry(to)
            .or_default()
            .clients
            .insert(client, ());
        Ok(())
    }

    pub(super) fn remove(&mut self, client: Address, to: Address) {
        self.change(client, |actor| actor.services.remove(&to));
        self.change(to, |actor| actor.clients.remove(&client));
    }

    /// Forgets the clients of a lost locality.
    pub(super) fn gate_lost(&mut self, gate: &Gate) {
        let is_there = |at: &_| is_client(&self.actors, *at);
        for client in self.clients.take(gate, is_there) {
            let services = &self.actors[&client].services;
            for service in services.keys().copied().collect::<Vec<_>>() {
                self.remove(client, service);
            }
        }
    }

    pub(super) fn contains(&self, client: Address, to: Address) -> bool {
        let actor = self.actors.get(&client);
        actor.is_some_and(|actor| actor.services.contains(&to))
    }

    fn change(&mut self, at: Address, f: impl FnOnce(&mut Actor) -> Option<()>) {
        let Some(actor) = self.actors.get_mut(&at) else {
            return;
        };
        f(actor);
        if actor.services.is_empty() && actor.clients.is_empty() {
            self.actors.remove(&at);
        }
    }

    /// Whether `who` is `to`, or linked to it, also through others.
    fn reaches(&self, who: Address, to: Address) -> bool {
        if who == to {
            return true;
        }
        let (mut down, mut up) = (Search::from(who), Search::from(to));
        let services = |at| self.actors.get(&at).map(|actor| &actor.services);
        let clients = |at| self.actors.get(&at).map(|actor| &actor.clients);
        loop {
            match up.step(clients).zip(down.step(services)) {
                None => return false,
                Some((above, below)) if above == who || below == to => return true,
                Some(_) => {}
            }
        }
    }

    /// The paths of those along which `who` is linked to `to`, from `who` on.
    fn path(&self, who: Address, to: Address) -> Vec<Text> {
        let mut search = Search::from(who);
        let mut at = who;
        while at != to
            && let Some(next) = search.step(|at| self.actors.get(&at).map(|actor| &actor.services))
        {
            at = next;
        }
        search.left.pop(); // `to` itself
        let way = search.left.iter();
        way.map(|(at, _)| self.actors[at].path.clone()).collect()
    }
}

fn is_client(actors: &Actors, at: Address) -> bool {
    actors
        .get(&at)
        .is_some_and(|actor| !actor.services.is_empty())
}

/// Goes along links from one actor, to the depth first.
struct Search {
    seen: HashSet<Address>,
    /// The way to where it is, each with the place of the next link to follow.
    left: Vec<(Address, usize)>,
}

impl Search {
    fn from(at: Address) -> Self {
        Search {
            seen: HashSet::from([at]),
            left: vec![(at, 0)],
        }
    }

    /// Looks at one link more. Returns where it is then; nothing when all have been seen.
    fn step<'a>(
        &mut self,
        further: impl Fn(Address) -> Option<&'a Roster<Address>>,
    ) -> Option<Address> {
        let (at, next) = self.left.last_mut()?;
        let here = *at;
        let Some(&there) = further(here).and_then(|all| all.key(*next)) else {
            self.left.pop();
            return self.left.last().map(|(at, _)| *at);
        };
        *next += 1;
        if self.seen.insert(there) {
            self.left.push((there, 0));
        }
        Some(there)
    }
}
