//! Our own crates, through their public surface only: the same actors on every loop.

mod ask;
mod crash;
mod fan_out;
mod future;
mod host;
mod referee;
mod ring;
mod skynet;
mod spawn;
mod stream;
mod timer;
mod told;

use rotor_core::ThreadLoop;
use rotor_glib::GlibLoop;
use rotor_mio::MioLoop;
use rotor_smol::SmolLoop;

use host::{Host, Observed, Spinning};
use referee::Measure;

use super::Peer;
use crate::harness::*;

pub static CORE: Peer = Peer {
    name: "rotor-core",
    version: VERSION,
    has: EVERY,
    run: run::<ThreadLoop>,
};

pub static MIO: Peer = Peer {
    name: "rotor-mio",
    version: VERSION,
    has: EVERY,
    run: run::<MioLoop>,
};

pub static GLIB: Peer = Peer {
    name: "rotor-glib",
    version: VERSION,
    has: EVERY,
    run: run::<GlibLoop>,
};

pub static SMOL: Peer = Peer {
    name: "rotor-smol",
    version: VERSION,
    has: EVERY,
    run: run::<SmolLoop>,
};

pub static CORE_SPINS: Peer = Peer {
    name: "rotor-core-spins",
    version: VERSION,
    has: SPINS,
    run: run::<Spinning<ThreadLoop>>,
};

pub static MIO_SPINS: Peer = Peer {
    name: "rotor-mio-spins",
    version: VERSION,
    has: SPINS,
    run: run::<Spinning<MioLoop>>,
};

pub static OBSERVED: Peer = Peer {
    name: "rotor-core-observed",
    version: VERSION,
    has: EVERY,
    run: run::<Observed<ThreadLoop>>,
};

/// That of the source tree.
const VERSION: &str = "0.1.0";

/// What every loop does.
const EVERY: &[(W, &str)] = &[
    (W::PingPong, "Addr::send"),
    (W::CrossPing, "Addr::send, two loops that park"),
    (W::CrossPingCpu, "Addr::send, two loops that park"),
    (W::Throughput1, "Addr::send on a plain thread, loop parks"),
    (W::Throughput4, "Addr::send on plain threads, loop parks"),
    (W::OutboxStream, "Outbox::send on a plain thread"),
    (W::LocalStream, "Addr::send, 256 in a handler"),
    (W::Ask, "Context::request, always with a time limit"),
    (W::AskLimit, "Context::request"),
    (W::CrossAsk, "Context::request, two loops that park"),
    (W::Ring, "Addr::send"),
    (W::SpawnStop, "Context::child, Addr::stop, temporary"),
    (W::IdleBytes, "Context::child, temporary"),
    (W::Children(3), "one_for_one, started and stopped in order"),
    (W::Children(4), "one_for_one, started and stopped in order"),
    (W::Children(5), "one_for_one, started and stopped in order"),
    (W::Children(6), "one_for_one, started and stopped in order"),
    (W::Skynet, "children of children"),
    (W::FanOut, "Addr::send per subscriber"),
    (W::Publish, "Topic::publish"),
    (W::PanicRestart, "one_for_one"),
    (W::FailRestart, "one_for_one"),
    (W::TimerFire, "Context::after"),
    (W::TimerCancel, "Context::after, Context::cancel"),
    (W::LiveTimers(3), "Context::after, Context::cancel"),
    (W::LiveTimers(6), "Context::after, Context::cancel"),
    (W::FutureWake, "Context::spawn, 2 futures wake each other"),
];

/// What a loop does that spins.
const SPINS: &[(W, &str)] = &[
    (W::CrossSpin, "two loops that spin for up to 20 us"),
    (W::CrossSpinCpu, "two loops that spin for up to 20 us"),
];

fn run<H: Host>(w: W, z: &Sizes) -> f64 {
    match w {
        W::PingPong => ring::local::<H>(2, z.hops),
        W::CrossPing => ring::across::<H>(z.cross_hops, Measure::Wall),
        W::CrossPingCpu => ring::across::<H>(z.cross_hops, Measure::Cpu),
        W::CrossSpin => ring::across::<H>(z.spin_hops, Measure::Wall),
        W::CrossSpinCpu => ring::across::<H>(z.spin_hops, Measure::Cpu),
        W::Throughput1 => stream::from_threads::<H>(1, z.stream_for(1)),
        W::Throughput4 => stream::from_threads::<H>(4, z.stream_for(4)),
        W::OutboxStream => stream::from_outbox::<H>(z.stream_for(1)),
        W::LocalStream => stream::from_locality::<H>(z.stream_for(1)),
        W::Ask | W::AskLimit => ask::local::<H>(z.asks),
        W::CrossAsk => ask::across::<H>(z.cross_asks),
        W::Ring => ring::local::<H>(z.ring_actors, z.hops),
        W::SpawnStop => spawn::start_and_stop::<H>(z.spawns),
        W::IdleBytes => spawn::idle_bytes::<H>(z.idle),
        W::Children(exponent) => {
            let (n, times) = z.children(exponent);
            (0..times).map(|_| spawn::tree::<H>(n)).sum::<f64>() / times as f64
        }
        W::Skynet => skynet::skynet::<H>(z.leaves),
        W::FanOut => fan_out::by_address::<H>(z.subscribers, z.rounds),
        W::Publish => fan_out::by_topic::<H>(z.subscribers, z.rounds),
        W::PanicRestart => crash::restarts::<H, crash::Panic>(z.crashes),
        W::FailRestart => crash::restarts::<H, crash::Fail>(z.crashes),
        W::TimerFire => timer::fire::<H>(z.timers_fire),
        W::TimerCancel => timer::cancel::<H>(z.timers_cancel),
        W::LiveTimers(exponent) => {
            let (n, rounds) = z.live(exponent);
            timer::live::<H>(n, rounds)
        }
        W::FutureWake => future::wakes::<H>(z.wakes),
        W::CrossPingPool => unreachable!("not listed"),
    }
}
