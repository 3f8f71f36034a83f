//! How much one sample does, and what must come out of it.

/// How much work one sample does. `warm` is a short run of the same shape.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "which of them are used depends on the features")]
pub struct Sizes {
    pub hops: u64,
    pub cross_hops: u64,
    pub spin_hops: u64,
    pub stream: u64,
    pub asks: u64,
    pub cross_asks: u64,
    pub ring_actors: usize,
    pub spawns: usize,
    pub idle: usize,
    /// Multiplies the children of trees.
    pub trees: f64,
    /// Leaves of the skynet tree: a power of ten.
    pub leaves: u64,
    pub subscribers: usize,
    pub rounds: u64,
    pub crashes: u64,
    pub timers_fire: u64,
    pub timers_cancel: u64,
    /// Multiplies the timers that are live at once.
    pub live_timers: f64,
    pub wakes: u64,
}

/// Timers that are pending at once in the schedule + cancel workload.
pub const CANCEL_BATCH: u64 = 100;
/// Timers of the schedule + fire workload expire within this many milliseconds.
pub const FIRE_SPREAD_MS: u64 = 20;
/// Time between two timers that fire, of many live ones.
pub const LIVE_GAP_NS: u64 = 20;
/// Timers in all of the workloads with many live ones.
const LIVE_TIMERS: u64 = 3_000_000;

impl Sizes {
    /// The measured size; `scale` multiplies the counts.
    pub fn full(scale: f64) -> Self {
        let n = |base: u64| ((base as f64 * scale) as u64).max(100);
        Sizes {
            hops: n(1_000_000),
            cross_hops: n(40_000),
            spin_hops: n(400_000),
            stream: n(1_000_000),
            asks: n(500_000),
            cross_asks: n(20_000),
            ring_actors: 100,
            spawns: n(20_000) as usize,
            idle: 100_000,
            trees: scale,
            leaves: if scale >= 5.0 { 1_000_000 } else { 100_000 },
            subscribers: 100,
            rounds: n(10_000),
            crashes: n(5_000),
            timers_fire: n(100_000),
            timers_cancel: n(1_000_000),
            live_timers: scale,
            wakes: n(500_000),
        }
    }

    /// The warm-up that comes first in the same process.
    pub fn warm(scale: f64) -> Self {
        let mut s = Self::full(scale * 0.05);
        s.leaves = 1_000;
        s
    }

    /// How many children a tree of `10^exponent` has at this scale, and how many trees are made
    /// one after the other: those with few children are repeated.
    pub fn children(&self, exponent: u32) -> (usize, usize) {
        let scaled = |n: u32| (f64::from(n) * self.trees) as usize;
        let children = scaled(10_u32.pow(exponent)).max(10);
        (children, (scaled(100_000) / children).max(1))
    }

    /// How many timers are live at once of `10^exponent` at this scale, and how often.
    pub fn live(&self, exponent: u32) -> (u64, u64) {
        let scaled = |n: u64| (n as f64 * self.live_timers) as u64;
        let timers = (scaled(10_u64.pow(exponent)) / 2 * 2).max(10);
        (timers, (scaled(LIVE_TIMERS) / timers).max(1))
    }

    /// Messages in one stream for `producers` producers (a multiple of them).
    pub fn stream_for(&self, producers: u64) -> u64 {
        self.stream / producers * producers
    }
}

/// Nodes of a ten-ary tree with `leaves` leaves.
pub fn tree_nodes(leaves: u64) -> u64 {
    let (mut level, mut sum) = (leaves, 0);
    while level >= 1 {
        sum += level;
        level /= 10;
    }
    sum
}

/// Sum of the numbers of the leaves: what the root of skynet must report.
pub fn tree_sum(leaves: u64) -> u64 {
    leaves * (leaves - 1) / 2
}
