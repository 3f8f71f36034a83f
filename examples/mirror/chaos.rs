//! Crashes on purpose: who is hit and when follows from a seed.

use std::fmt;

/// Files between two strikes, once a run is under way. A small tree gets its share early.
const MOST_APART: u64 = 40;

/// Decides when to strike, and whom.
pub struct Chaos {
    random: fastrand::Rng,
    strikes: u64,
    next_at: u64,
}

impl Chaos {
    /// The same seed gives the same sequence of strikes.
    pub fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            strikes: 0,
            next_at: 1,
        }
    }

    /// Called with the number of files that are settled, until it returns `None`: the next strike
    /// that is due, and whom it hits, as a number below `victims`.
    pub fn due(&mut self, settled: u64, victims: usize) -> Option<(usize, Strike)> {
        if settled < self.next_at {
            return None;
        }
        self.strikes += 1;
        self.next_at += (4 + 2 * self.strikes).min(MOST_APART);
        let victim = self.random.usize(..victims);
        Some((
            victim,
            Strike {
                fuse: self.random.u32(..4),
                cut: self.random.bool(),
            },
        ))
    }
}

/// Sent to an actor: crash, now or a few steps of work later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    fuse: u32,
    cut: bool,
}

impl Strike {
    /// Crash at once.
    pub const NOW: Self = Self {
        fuse: 0,
        cut: false,
    };

    /// Whether one that holds a connection drops it, instead of crashing.
    pub fn cuts(self) -> bool {
        self.cut
    }
}

/// What a struck actor keeps.
#[derive(Default)]
pub struct Fuse(Option<u32>);

impl Fuse {
    /// Lights the fuse; a shorter one that burns already stays.
    ///
    /// # Panics
    /// Where the strike is for now. That is its purpose.
    pub fn light(&mut self, strike: Strike, who: impl fmt::Display) {
        let steps = strike.fuse.min(self.0.unwrap_or(u32::MAX));
        self.0 = Some(steps);
        if steps == 0 {
            self.burn(who, "at once");
        }
    }

    /// Counts down one step of work, named by `place`.
    ///
    /// # Panics
    /// When the fuse has burned down. That is its purpose.
    pub fn burn(&mut self, who: impl fmt::Display, place: &'static str) {
        if self.burned() {
            panic!("chaos: {who} crashes {place}");
        }
    }

    /// Counts down one step of work; `true` when the fuse has burned down, once.
    pub fn burned(&mut self) -> bool {
        match &mut self.0 {
            None => false,
            Some(left @ 1..) => {
                *left -= 1;
                false
            }
            Some(0) => {
                self.0 = None;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(seed: u64) -> Vec<(u64, usize, Strike)> {
        let mut chaos = Chaos::new(seed);
        (0..=5000)
            .filter_map(|n| chaos.due(n, 12).map(|(v, s)| (n, v, s)))
            .collect()
    }

    #[test]
    fn a_seed_decides_all() {
        assert_eq!(strikes(7), strikes(7));
        assert_ne!(strikes(7), strikes(8));
    }

    #[test]
    fn five_thousand_files_get_many_strikes_and_small_trees_some() {
        let all = strikes(7);
        assert!(all.len() > 100, "{}", all.len());
        assert!(all.iter().filter(|(n, ..)| *n < 100).count() >= 7);
        assert!((0..12).all(|victim| all.iter().any(|(_, v, _)| *v == victim)));
    }

    #[test]
    fn a_fuse_burns_once() {
        let mut fuse = Fuse::default();
        assert!(!fuse.burned());
        fuse.light(
            Strike {
                fuse: 2,
                cut: false,
            },
            "test",
        );
        assert_eq!(
            [0; 5].map(|_| fuse.burned()),
            [false, false, true, false, false]
        );
    }
}
