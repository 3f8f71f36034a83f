//! Our own crates, through their public surface only: the same actors on every loop.

mod ask;
mod crash;
mod fan_out;
mod host;
mod referee;
mod ring;
mod skynet;
mod spawn;
mod stream;
mod timer;

use rotor_core::ThreadLoop;

use host::Host;

use super::Peer;
use crate::harness::*;

pub static CORE: Peer = Peer {
    name: "rotor-core",
    version: "this",
    has: &[
        (W::PingPong, "ThreadLoop"),
        (W::CrossPing, "two ThreadLoops, both park"),
        (W::Throughput1, "Addr::send -> ThreadLoop, parks"),
        (W::Throughput4, "Addr::send -> ThreadLoop, parks"),
        (W::Ask, "ThreadLoop, Context::request, time limit armed"),
        (W::CrossAsk, "two ThreadLoops, both park, time limit armed"),
        (W::Ring, "ThreadLoop"),
        (W::SpawnStop, "ThreadLoop, temporary children of an actor"),
        (W::IdleBytes, "ThreadLoop, temporary children of an actor"),
        (W::Skynet, "ThreadLoop, children of children"),
        (W::FanOut, "ThreadLoop, Addr::send per subscriber"),
        (W::PanicRestart, "ThreadLoop, one_for_one"),
        (W::FailRestart, "ThreadLoop, one_for_one"),
        (W::TimerFire, "ThreadLoop, Context::after"),
        (W::TimerCancel, "ThreadLoop, Context::after + cancel"),
    ],
    run: run::<ThreadLoop>,
};

fn run<H: Host>(w: W, z: &Sizes) -> f64 {
    match w {
        W::PingPong => ring::local::<H>(2, z.hops),
        W::CrossPing => ring::across::<H>(z.cross_hops),
        W::Throughput1 => stream::from_threads::<H>(1, z.stream_for(1)),
        W::Throughput4 => stream::from_threads::<H>(4, z.stream_for(4)),
        W::Ask => ask::local::<H>(z.asks),
        W::CrossAsk => ask::across::<H>(z.cross_asks),
        W::Ring => ring::local::<H>(z.ring_actors, z.hops),
        W::SpawnStop => spawn::start_and_stop::<H>(z.spawns),
        W::IdleBytes => spawn::idle_bytes::<H>(z.idle),
        W::Skynet => skynet::skynet::<H>(z.leaves),
        W::FanOut => fan_out::by_address::<H>(z.subscribers, z.rounds),
        W::PanicRestart => crash::restarts::<H, crash::Panic>(z.crashes),
        W::FailRestart => crash::restarts::<H, crash::Fail>(z.crashes),
        W::TimerFire => timer::fire::<H>(z.timers_fire),
        W::TimerCancel => timer::cancel::<H>(z.timers_cancel),
        _ => unreachable!("not listed"),
    }
}
