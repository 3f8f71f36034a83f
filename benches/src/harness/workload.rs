//! The workloads: their short names, titles and units.

/// One workload. The order is the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum W {
    PingPong,
    CrossPing,
    CrossPingPool,
    Throughput1,
    Throughput4,
    Ask,
    CrossAsk,
    Ring,
    SpawnStop,
    IdleBytes,
    Skynet,
    FanOut,
    PanicRestart,
    FailRestart,
    TimerFire,
    TimerCancel,
}

/// What is known of a workload before it runs.
pub struct Def {
    pub w: W,
    pub id: &'static str,
    pub title: &'static str,
    pub unit: &'static str,
}

/// Every workload with its short name, its title and the unit of its figure.
pub const ALL: &[Def] = &[
    Def {
        w: W::PingPong,
        id: "w1",
        title: "ping-pong, 2 actors, same thread",
        unit: "ns/msg",
    },
    Def {
        w: W::CrossPing,
        id: "w2",
        title: "ping-pong, 2 threads, one outstanding",
        unit: "ns/msg",
    },
    Def {
        w: W::CrossPingPool,
        id: "w2p",
        title: "ping-pong, pool of 2 workers decides",
        unit: "ns/msg",
    },
    Def {
        w: W::Throughput1,
        id: "w3a",
        title: "one-way, 1 producer thread -> actor",
        unit: "ns/msg",
    },
    Def {
        w: W::Throughput4,
        id: "w3b",
        title: "one-way, 4 producer threads -> actor",
        unit: "ns/msg",
    },
    Def {
        w: W::Ask,
        id: "w4",
        title: "ask (request + reply), same thread",
        unit: "ns/ask",
    },
    Def {
        w: W::CrossAsk,
        id: "w4b",
        title: "ask (request + reply), 2 threads",
        unit: "ns/ask",
    },
    Def {
        w: W::Ring,
        id: "w5",
        title: "ring of 100 actors, same thread",
        unit: "ns/msg",
    },
    Def {
        w: W::SpawnStop,
        id: "w6",
        title: "spawn + stop an actor",
        unit: "ns/actor",
    },
    Def {
        w: W::IdleBytes,
        id: "w6m",
        title: "resident bytes per idle actor",
        unit: "B/actor",
    },
    Def {
        w: W::Skynet,
        id: "w7",
        title: "skynet tree (spawn, sum, stop)",
        unit: "ns/actor",
    },
    Def {
        w: W::FanOut,
        id: "w8",
        title: "fan-out to 100 subscribers",
        unit: "ns/msg",
    },
    Def {
        w: W::PanicRestart,
        id: "w9",
        title: "panic + supervised restart",
        unit: "ns/cycle",
    },
    Def {
        w: W::FailRestart,
        id: "w9f",
        title: "failure without panic + restart",
        unit: "ns/cycle",
    },
    Def {
        w: W::TimerFire,
        id: "w10f",
        title: "timer: schedule + fire (CPU time)",
        unit: "ns/timer",
    },
    Def {
        w: W::TimerCancel,
        id: "w10c",
        title: "timer: schedule + cancel",
        unit: "ns/timer",
    },
];

/// The definition of a workload.
pub fn def(w: W) -> &'static Def {
    ALL.iter()
        .find(|d| d.w == w)
        .expect("every workload is defined")
}

/// The workload of that short name.
pub fn by_id(id: &str) -> Option<&'static Def> {
    ALL.iter().find(|d| d.id == id)
}
