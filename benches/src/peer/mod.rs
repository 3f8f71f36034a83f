//! The peers. Each module has one `PEER`, or several that differ in one respect.

use crate::harness::{Sizes, W};

#[cfg(feature = "actix")]
mod actix;
#[cfg(feature = "coerce")]
mod coerce;
mod floor_exec;
mod floor_queue;
#[cfg(feature = "tokio")]
mod floor_tokio;
#[cfg(feature = "kameo")]
mod kameo;
#[cfg(feature = "ractor")]
mod ractor;
#[cfg(feature = "rotor")]
mod rotor;
mod stakker;
#[cfg(feature = "xtra")]
mod xtra;

/// A crate or a floor, in the form in which it is measured.
pub struct Peer {
    pub name: &'static str,
    pub version: &'static str,
    /// The workloads that it has, each with the way it runs (loop, threads).
    pub has: &'static [(W, &'static str)],
    /// One sample: the figure in the unit of the workload.
    pub run: fn(W, &Sizes) -> f64,
}

/// Every peer that this build has: ours, the others', the floors.
pub const ALL: &[&Peer] = &[
    #[cfg(feature = "rotor")]
    &rotor::CORE,
    &stakker::PEER,
    #[cfg(feature = "actix")]
    &actix::PEER,
    #[cfg(feature = "kameo")]
    &kameo::PEER,
    #[cfg(feature = "ractor")]
    &ractor::PEER,
    #[cfg(feature = "xtra")]
    &xtra::PEER,
    #[cfg(feature = "coerce")]
    &coerce::PEER,
    &floor_queue::INLINE,
    &floor_queue::LOCAL,
    &floor_queue::SEG,
    &floor_queue::SEG_SPIN,
    &floor_queue::SEG_PLAIN,
    &floor_queue::SWAP,
    &floor_queue::SWAP_PLAIN,
    &floor_queue::FLUME,
    #[cfg(feature = "tokio")]
    &floor_tokio::PEER,
    &floor_exec::PEER,
];

/// The peer of that name.
pub fn by_name(name: &str) -> Option<&'static Peer> {
    ALL.iter().copied().find(|peer| peer.name == name)
}

impl Peer {
    /// How it runs a workload, if it has it.
    pub fn how(&self, w: W) -> Option<&'static str> {
        self.has.iter().find(|(x, _)| *x == w).map(|(_, how)| *how)
    }
}
