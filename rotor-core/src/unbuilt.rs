//! Reserved addresses of subtrees that nobody has built, and that nobody is about to build.

use smallvec::SmallVec;

use crate::address::Address;
use crate::exit::Exit;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::lock::lock;

/// The addresses of a subtree that is down, and not built. Dropped, it takes back what it has said of them:
/// those wait again that are not down with another one.
pub(crate) struct Unbuilt {
    top: Address,
    /// By localities.
    all: Vec<Address>,
}

impl Unbuilt {
    pub(crate) fn new(top: Address, mut all: Vec<Address>, exit: &Exit) -> Self {
        all.sort_unstable();
        let unbuilt = Unbuilt { top, all };
        for (gate, part) in unbuilt.parts() {
            lock(&gate.laid).lay(top, part, exit);
            gate.settle(part);
        }
        unbuilt
    }

    fn parts(&self) -> impl Iterator<Item = (&'static Gate, &[Address])> {
        by_gates(&self.all)
    }
}

impl Drop for Unbuilt {
    fn drop(&mut self) {
        for (gate, part) in self.parts() {
            let exits = lock(&gate.laid).raise(self.top, part);
            drop(exits); // a user's, in parts
            gate.settle(part);
        }
    }
}

/// Sorted addresses, by their gates.
pub(crate) fn by_gates(all: &[Address]) -> impl Iterator<Item = (&'static Gate, &[Address])> {
    let parts = all.chunk_by(|one, other| one.gate() == other.gate());
    parts.map(|part| (part[0].gate(), part))
}

/// Which addresses of a gate are down with subtrees that nobody has built. It outlives the loop: in its next
/// life they are down from the beginning.
#[derive(Default)]
pub(crate) struct Laid(FixedMap<Address, Words>);

/// Tops of subtrees, each with the reason why it is down. One subtree may be around the other, each the
/// child of a supervisor that knows nothing of the other one's word.
type Words = SmallVec<[(Address, Exit); 1]>;

impl Laid {
    fn lay(&mut self, top: Address, all: &[Address], exit: &Exit) {
        for &at in all {
            self.0.entry(at).or_default().push((top, exit.clone()));
        }
    }

    /// What is taken back, for the caller to drop when nothing is locked.
    fn raise(&mut self, top: Address, all: &[Address]) -> Vec<Exit> {
        let mut old = Vec::new();
        for at in all {
            let Some(words) = self.0.get_mut(at) else {
                continue; // the locality has ended meanwhile
            };
            if let Some(found) = words.iter().position(|(by, _)| *by == top) {
                old.push(words.remove(found).1);
            }
            if words.is_empty() {
                self.0.remove(at);
            }
        }
        old
    }

    /// How an address is down.
    pub(crate) fn exit(&self, at: Address) -> Option<&Exit> {
        let (_, exit) = self.0.get(&at)?.first()?;
        Some(exit)
    }

    pub(crate) fn all(&self) -> Vec<Address> {
        let mut all: Vec<_> = self.0.keys().copied().collect();
        all.sort_unstable();
        all
    }
}
