//! What a run has measured.

use std::collections::BTreeMap;

use crate::harness::{self, W};
use crate::peer::{self, Peer};
use crate::sample;

/// Samples by workload and peer.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<(W, usize), Vec<Option<f64>>>,
}

/// The samples of one peer in one workload.
pub struct Row {
    pub peer: &'static Peer,
    pub min: f64,
    pub median: f64,
    pub max: f64,
    pub failed: usize,
}

impl Results {
    /// Takes `runs` samples of each pair that `wanted` names, each in a fresh process.
    ///
    /// Round robin over the peers of a workload, and each round starts with another peer: drift
    /// hits all alike.
    pub fn measure(runs: usize, scale: f64, wanted: impl Fn(&Peer, W) -> bool) -> Self {
        let mut this = Results::default();
        for round in 0..runs {
            eprintln!("round {} of {runs}", round + 1);
            for def in harness::ALL {
                for i in 0..peer::ALL.len() {
                    let i = (i + round) % peer::ALL.len();
                    let peer = peer::ALL[i];
                    if peer.how(def.w).is_some() && wanted(peer, def.w) {
                        let figure = sample::in_process(peer, def.w, scale)
                            .inspect_err(|command| eprintln!("failed: {command}"))
                            .ok();
                        this.samples.entry((def.w, i)).or_default().push(figure);
                    }
                }
            }
        }
        this
    }

    /// The median of one peer in one workload, if it was measured and every sample is good.
    pub fn median(&self, peer: &str, w: W) -> Option<f64> {
        let at = peer::ALL.iter().position(|one| one.name == peer)?;
        let row = row(at, self.samples.get(&(w, at))?);
        (row.failed == 0).then_some(row.median)
    }

    /// How much more one takes than another: the median over the rounds, if every sample of both is good.
    ///
    /// If the machine is slow for a while, then for both of a round.
    pub fn ratio(&self, (ours, w): (&str, W), (beside, v): (&str, W)) -> Option<f64> {
        let samples = |peer: &str, w: W| -> Option<Vec<f64>> {
            let at = peer::ALL.iter().position(|one| one.name == peer)?;
            self.samples.get(&(w, at))?.iter().copied().collect()
        };
        let pairs = samples(ours, w)?.into_iter().zip(samples(beside, v)?);
        let mut ratios: Vec<f64> = pairs.map(|(ours, beside)| ours / beside).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied()
    }

    /// The rows of a workload, best median first.
    pub fn rows(&self, w: W) -> Vec<Row> {
        let mut rows: Vec<Row> = self
            .samples
            .iter()
            .filter(|((of, _), _)| *of == w)
            .map(|((_, at), all)| row(*at, all))
            .collect();
        rows.sort_by(|a, b| a.median.total_cmp(&b.median));
        rows
    }

    /// How many samples failed.
    pub fn failed(&self) -> usize {
        self.samples
            .values()
            .flatten()
            .filter(|one| one.is_none())
            .count()
    }
}

fn row(at: usize, all: &[Option<f64>]) -> Row {
    let mut good: Vec<f64> = all.iter().flatten().copied().collect();
    good.sort_by(f64::total_cmp);
    let at_index = |i: usize| good.get(i).copied().unwrap_or(f64::NAN);
    Row {
        peer: peer::ALL[at],
        min: at_index(0),
        median: at_index(good.len() / 2),
        max: at_index(good.len().saturating_sub(1)),
        failed: all.len() - good.len(),
    }
}
