//! What the slots of a gate are doing, for other threads to read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where an actor is in its life, seen through its address.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Worker;
/// impl Actor for Worker {}
/// # let mut sim = Sim::new(1);
/// let worker = sim.locality("here").reserve();
/// assert_eq!(worker.address().state(), Lifecycle::Waiting);
/// sim.start(Supervisor::one_for_one("app").child(Child::new("worker", || Worker).at(worker).transient()))?;
/// sim.run_until_idle();
/// assert_eq!(worker.address().state(), Lifecycle::Running);
/// worker.stop();
/// sim.run_until_idle();
/// assert_eq!(worker.address().state(), Lifecycle::Down); // its spec is still there
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lifecycle {
    /// No instance yet: reserved, or between two instances. Messages are parked.
    Waiting,
    /// An instance is initializing. Messages are parked.
    Starting,
    /// It is initialized, and waits for its siblings: see
    /// [`Supervisor::synchronize_start`](crate::Supervisor::synchronize_start). Messages are parked.
    Initialized,
    /// Operational.
    Running,
    /// The instance is shutting down.
    Stopping,
    /// Shut down, and not started again by itself.
    Down,
    /// The address is not valid any more: the child was removed, or its locality has ended, or is lost. When
    /// that is opened again, its addresses wait, but for those that no spec can claim, and then run.
    Gone,
}

/// Buckets of slots: the first holds `FIRST`, each other one as many as all before it.
const BUCKETS: usize = 27;
const FIRST: usize = 64;

/// Who has a slot, for the next life of its locality.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tenure {
    /// Nobody who comes back to it: its address ends with this life.
    Passing = 0,
    /// An address that was reserved, and that no spec has claimed.
    Open = 0x40,
    /// A spec that claims it again.
    Lasting = 0x80,
}

/// The bits of a word that are a state, and those that are a [`Tenure`].
const STATE: u64 = 0x3f;
const TENURE: u64 = 0xc0;

/// One word per slot: generation, tenure and state. Written by the owner, read by anybody.
pub(crate) struct States {
    buckets: [OnceLock<Box<[AtomicU64]>>; BUCKETS],
}

impl States {
    pub(crate) const fn new() -> Self {
        States {
            buckets: [const { OnceLock::new() }; BUCKETS],
        }
    }

    /// Bucket and index of a slot.
    #[inline]
    fn place(slot: u32) -> (usize, usize) {
        let slot = slot as usize;
        let bucket = ((slot | (FIRST - 1)).ilog2() - (FIRST - 1).ilog2()) as usize;
        let before = if bucket == 0 { 0 } else { Self::len(bucket) };
        (bucket, slot - before)
    }

    /// How many slots a bucket holds; but for the first, that is how many are before it.
    #[inline]
    fn len(bucket: usize) -> usize {
        FIRST << bucket.saturating_sub(1)
    }

    /// Tells other threads what a slot is doing. Owner only; before its first slice others as well, under
    /// the lock of `Gate::settle`.
    #[inline]
    pub(crate) fn write(&self, slot: u32, generation: u32, state: Lifecycle, tenure: Tenure) {
        let (bucket, index) = Self::place(slot);
        let words = match self.buckets[bucket].get() {
            Some(words) => words,
            None => self.fill(bucket),
        };
        let word = u64::from(generation) << 8 | tenure as u64 | state as u64;
        words[index].store(word, Ordering::Release);
    }

    #[cold]
    fn fill(&self, bucket: usize) -> &[AtomicU64] {
        self.buckets[bucket].get_or_init(|| {
            std::iter::repeat_with(AtomicU64::default)
                .take(Self::len(bucket))
                .collect()
        })
    }

    /// A lost locality is opened again: the addresses that may be claimed wait, the others are gone.
    /// Owner only.
    pub(crate) fn reopen(&self) {
        for words in self.buckets.iter().filter_map(OnceLock::get) {
            for word in words {
                let known = word.load(Ordering::Relaxed);
                let next = match known & TENURE {
                    0 if known > 0 => Lifecycle::Gone,
                    _ => Lifecycle::Waiting,
                };
                word.store(known & !STATE | next as u64, Ordering::Release);
            }
        }
    }

    /// Whether the last address of a slot, with this generation or a later one, is gone, and nobody comes back
    /// to it. Owner only.
    pub(crate) fn is_over(&self, slot: u32, base: u32) -> bool {
        let (bucket, index) = Self::place(slot);
        let words = self.buckets[bucket].get();
        let word = words.map_or(0, |words| words[index].load(Ordering::Relaxed));
        let gone = Tenure::Passing as u64 | Lifecycle::Gone as u64;
        word >> 8 >= u64::from(base) && word & (TENURE | STATE) == gone
    }

    /// The spec that was to claim a slot, if one was, does not come by itself: it is down, or gone for
    /// good. Generations below `base` are those of the locality that had the gate before. Owner only.
    pub(crate) fn give_up(&self, slot: u32, base: u32, state: Lifecycle) -> bool {
        let (bucket, index) = Self::place(slot);
        let Some(words) = self.buckets[bucket].get() else {
            return false;
        };
        let word = words[index].load(Ordering::Relaxed);
        let known = word >> 8 >= u64::from(base);
        let lasting = known && word & TENURE == Tenure::Lasting as u64;
        if lasting {
            let kept = if state == Lifecycle::Gone {
                !TENURE
            } else {
                !0
            };
            let next = word & kept & !STATE | state as u64;
            words[index].store(next, Ordering::Release);
        }
        lasting
    }

    /// Says what an address is doing that nobody has claimed in this life. Owner only.
    pub(crate) fn rewrite(&self, slot: u32, generation: u32, state: Lifecycle) {
        let (bucket, index) = Self::place(slot);
        let words = self.buckets[bucket].get();
        let word = words.map_or(0, |words| words[index].load(Ordering::Relaxed));
        let known = (word >> 8) as u32 == generation;
        let tenure = match word & TENURE {
            0x80 if known => Tenure::Lasting,
            _ => Tenure::Open,
        };
        self.write(slot, generation, state, tenure);
    }

    /// Whether no spec has claimed the address.
    pub(crate) fn is_unclaimed(&self, slot: u32, generation: u32) -> bool {
        let (bucket, index) = Self::place(slot);
        let words = self.buckets[bucket].get();
        let word = words.map_or(0, |words| words[index].load(Ordering::Acquire));
        let known = (word >> 8) as u32;
        let open = word & TENURE == Tenure::Open as u64;
        known < generation || known == generation && open
    }

    /// What the address is doing; one that its locality has not met yet is waiting.
    pub(crate) fn read(&self, slot: u32, generation: u32) -> Lifecycle {
        let (bucket, index) = Self::place(slot);
        let Some(words) = self.buckets[bucket].get() else {
            return Lifecycle::Waiting;
        };
        let word = words[index].load(Ordering::Acquire);
        let known = (word >> 8) as u32;
        if known < generation {
            return Lifecycle::Waiting; // the locality has not met this life of the slot
        }
        const ALL: [Lifecycle; 7] = [
            Lifecycle::Waiting,
            Lifecycle::Starting,
            Lifecycle::Initialized,
            Lifecycle::Running,
            Lifecycle::Stopping,
            Lifecycle::Down,
            Lifecycle::Gone,
        ];
        if known > generation {
            Lifecycle::Gone
        } else {
            ALL[(word & STATE) as usize]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_word_of_its_own() {
        let states = States::new();
        let slots = if cfg!(miri) { 500 } else { 5_000 };
        for slot in 0..slots {
            states.write(slot, slot + 1, Lifecycle::Running, Tenure::Passing);
        }
        for slot in 0..slots {
            assert_eq!(states.read(slot, slot + 1), Lifecycle::Running);
            assert_eq!(states.read(slot, slot), Lifecycle::Gone);
            assert_eq!(states.read(slot, slot + 2), Lifecycle::Waiting);
        }
    }

    /// Of a gate that another locality had before.
    #[test]
    fn what_a_locality_before_has_said_of_a_slot_is_not_given_up() {
        let states = States::new();
        states.write(0, 2, Lifecycle::Running, Tenure::Lasting);
        assert!(!states.give_up(0, 4, Lifecycle::Gone));
        states.write(0, 4, Lifecycle::Running, Tenure::Lasting);
        assert!(states.give_up(0, 4, Lifecycle::Gone));
    }

    #[test]
    fn the_last_slot_has_a_bucket() {
        let (bucket, _) = States::place(u32::MAX);
        assert!(bucket < BUCKETS);
    }
}
