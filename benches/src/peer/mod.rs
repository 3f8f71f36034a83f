//! The peers. Each module has one `PEER`, or several that differ in one respect.

use crate::harness::{Sizes, W};

#[cfg(feature = "actix")]
mod actix;
#[cfg(feature = "coerce")]
mod coerce;
mod floor_call;
mod floor_exec;
mod floor_queue;
#[cfg(feature = "tokio")]
mod floor_tokio;
mod floor_wake;
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
    #[cfg(feature = "rotor")]
    &rotor::MIO,
    #[cfg(feature = "rotor")]
    &rotor::GLIB,
    #[cfg(feature = "rotor")]
    &rotor::SMOL,
    #[cfg(feature = "rotor")]
    &rotor::CORE_SPINS,
    #[cfg(feature = "rotor")]
    &rotor::MIO_SPINS,
    #[cfg(feature = "rotor")]
    &rotor::OBSERVED,
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
    &floor_call::PEER,
    &floor_wake::PARK,
    &floor_wake::SPIN,
    #[cfg(feature = "loops")]
    &floor_wake::MIO,
    #[cfg(feature = "loops")]
    &floor_wake::GLIB,
    #[cfg(feature = "loops")]
    &floor_wake::SMOL,
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
