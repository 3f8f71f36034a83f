//! The clients of a service: each is found in the same time, however many there are.

use super::Client;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::things::Key;

/// Where a client lives, and its side of the link.
type Id = (&'static Gate, Key);

/// Clients, in an order that is the same in every run.
#[derive(Default)]
pub(super) struct Clients {
    all: Vec<Client>,
    /// Their places in `all`.
    places: FixedMap<Id, usize>,
}

impl Client {
    fn id(&self) -> Id {
        (self.address.gate(), self.key)
    }
}

impl Clients {
    pub(super) fn push(&mut self, client: Client) {
        self.places.insert(client.id(), self.all.len());
        self.all.push(client);
    }

    /// The last one takes the place of one that leaves.
    pub(super) fn remove(&mut self, gate: &'static Gate, key: Key) {
        let Some(at) = self.places.remove(&(gate, key)) else {
            return;
        };
        self.all.swap_remove(at);
        if let Some(moved) = self.all.get(at) {
            self.places.insert(moved.id(), at);
        }
    }

    pub(super) fn retain(&mut self, stays: impl FnMut(&Client) -> bool) {
        let mut all = std::mem::take(self).all;
        all.retain(stays);
        all.into_iter().for_each(|client| self.push(client));
    }

    pub(super) fn take(&mut self) -> Vec<Client> {
        std::mem::take(self).all
    }

    pub(super) fn all(&self) -> &[Client] {
        &self.all
    }
}
