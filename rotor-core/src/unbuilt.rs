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
    /// Said by a locality.
    pub(crate) fn new(by: &'static Gate, top: Address, mut all: Vec<Address>, exit: &Exit) -> Self {
        all.sort_unstable();
        let unbuilt = Unbuilt { top, all };
        let word = Word {
            top,
            by: (by, by.openings()),
            exit: exit.clone(),
        };
        for (gate, part) in unbuilt.parts() {
            lock(&gate.laid).lay(&word, part);
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
            let words = lock(&gate.laid).raise(self.top, part);
            drop(words); // a user's, in parts
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

/// One subtree may be around the other, each the child of a supervisor that knows nothing of the other one's
/// word.
type Words = SmallVec<[Word; 1]>;

/// Why the subtree of a top is down.
#[derive(Clone)]
struct Word {
    top: Address,
    /// Who says so, in which life: one that is abandoned takes nothing back.
    by: (&'static Gate, u32),
    exit: Exit,
}

impl Word {
    fn holds(&self) -> bool {
        let (gate, life) = self.by;
        gate.is_in(life)
    }
}

impl Laid {
    fn lay(&mut self, word: &Word, all: &[Address]) {
        for &at in all {
            self.0.entry(at).or_default().push(word.clone());
        }
    }

    /// What is taken back, for the caller to drop when nothing is locked.
    fn raise(&mut self, top: Address, all: &[Address]) -> Vec<Word> {
        let mut old = Vec::new();
        for at in all {
            let Some(words) = self.0.get_mut(at) else {
                continue; // the locality has ended meanwhile
            };
            if let Some(found) = words.iter().position(|word| word.top == top) {
                old.push(words.remove(found));
            }
            if words.is_empty() {
                self.0.remove(at);
            }
        }
        old
    }

    /// How an address is down.
    pub(crate) fn exit(&self, at: Address) -> Option<&Exit> {
        let word = self.0.get(&at)?.iter().find(|word| word.holds())?;
        Some(&word.exit)
    }

    pub(crate) fn all(&self) -> Vec<Address> {
        let mut all: Vec<_> = self.0.keys().copied().collect();
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Sim;
    use crate::{Actor, Lifecycle};

    struct Nothing;
    impl Actor for Nothing {}

    /// Who has said it was turned on another thread: it takes nothing back.
    #[test]
    fn m11_the_word_of_an_abandoned_loop_is_none() {
        let mut sim = Sim::new(1);
        let (here, there) = (sim.locality("here"), sim.locality("there"));
        let at = there.reserve::<Nothing>().address();
        let unbuilt = Unbuilt::new(here.gate(), at, vec![at], &Exit::killed());
        sim.run_until_idle();
        assert_eq!(at.state(), Lifecycle::Down);
        sim.lose(&here);
        there.gate().settle(&[at]);
        sim.run_until_idle();
        assert_eq!(at.state(), Lifecycle::Waiting);
        drop(unbuilt); // it was never taken back
    }
}
