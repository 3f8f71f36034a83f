//! The workloads: their short names, titles and units.

/// One workload. The order is the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum W {
    PingPong,
    CrossPing,
    CrossPingCpu,
    CrossPingPool,
    CrossSpin,
    CrossSpinCpu,
    Throughput1,
    Throughput4,
    OutboxStream,
    LocalStream,
    Ask,
    AskLimit,
    CrossAsk,
    Ring,
    SpawnStop,
    IdleBytes,
    /// A tree of ten to this many children.
    Children(u32),
    Skynet,
    FanOut,
    Publish,
    PanicRestart,
    FailRestart,
    TimerFire,
    TimerCancel,
    /// Ten to this many timers, all live at once.
    LiveTimers(u32),
    FutureWake,
}

/// What is known of a workload before it runs.
pub struct Def {
    pub w: W,
    pub id: &'static str,
    pub title: &'static str,
    pub unit: &'static str,
}

const fn row(w: W, id: &'static str, unit: &'static str, title: &'static str) -> Def {
    Def { w, id, title, unit }
}

/// Every workload with its short name, the unit of its figure and its title.
pub const ALL: &[Def] = &[
    row(
        W::PingPong,
        "w1",
        "ns/msg",
        "ping-pong, 2 actors, same thread",
    ),
    row(
        W::CrossPing,
        "w2",
        "ns/msg",
        "ping-pong, 2 threads, one outstanding, parked",
    ),
    row(
        W::CrossPingCpu,
        "w2u",
        "ns/msg",
        "the same, processor time of both",
    ),
    row(
        W::CrossPingPool,
        "w2p",
        "ns/msg",
        "ping-pong, pool of 2 workers decides",
    ),
    row(
        W::CrossSpin,
        "w2s",
        "ns/msg",
        "ping-pong, 2 threads, both spin before they park",
    ),
    row(
        W::CrossSpinCpu,
        "w2su",
        "ns/msg",
        "the same, processor time of both",
    ),
    row(
        W::Throughput1,
        "w3a",
        "ns/msg",
        "one-way, 1 producer thread -> actor",
    ),
    row(
        W::Throughput4,
        "w3b",
        "ns/msg",
        "one-way, 4 producer threads -> actor",
    ),
    row(
        W::OutboxStream,
        "w3o",
        "ns/msg",
        "one-way, 1 producer thread with an outbox -> actor",
    ),
    row(
        W::LocalStream,
        "w3l",
        "ns/msg",
        "one-way, actor of another locality -> actor",
    ),
    row(W::Ask, "w4", "ns/ask", "ask (request + reply), same thread"),
    row(
        W::AskLimit,
        "w4t",
        "ns/ask",
        "ask with an armed time limit, same thread",
    ),
    row(
        W::CrossAsk,
        "w4b",
        "ns/ask",
        "ask (request + reply), 2 threads",
    ),
    row(W::Ring, "w5", "ns/msg", "ring of 100 actors, same thread"),
    row(W::SpawnStop, "w6", "ns/actor", "spawn + stop an actor"),
    row(
        W::IdleBytes,
        "w6m",
        "B/actor",
        "resident bytes per idle actor",
    ),
    row(
        W::Children(3),
        "w6n3",
        "ns/child",
        "start + stop a tree of 1 000 children",
    ),
    row(
        W::Children(4),
        "w6n4",
        "ns/child",
        "start + stop a tree of 10 000 children",
    ),
    row(
        W::Children(5),
        "w6n5",
        "ns/child",
        "start + stop a tree of 100 000 children",
    ),
    row(
        W::Children(6),
        "w6n6",
        "ns/child",
        "start + stop a tree of 1 000 000 children",
    ),
    row(
        W::Skynet,
        "w7",
        "ns/actor",
        "skynet tree (spawn, sum, stop)",
    ),
    row(
        W::FanOut,
        "w8",
        "ns/msg",
        "fan-out to 100 subscribers, each sent to",
    ),
    row(
        W::Publish,
        "w8p",
        "ns/msg",
        "fan-out to 100 subscribers of one address",
    ),
    row(
        W::PanicRestart,
        "w9",
        "ns/cycle",
        "panic + supervised restart",
    ),
    row(
        W::FailRestart,
        "w9f",
        "ns/cycle",
        "failure without panic + restart",
    ),
    row(
        W::TimerFire,
        "w10f",
        "ns/timer",
        "timer: schedule + fire (CPU time)",
    ),
    row(
        W::TimerCancel,
        "w10c",
        "ns/timer",
        "timer: schedule + cancel",
    ),
    row(
        W::LiveTimers(3),
        "w10n3",
        "ns/timer",
        "1 000 live timers: half fire, half are cancelled (CPU time)",
    ),
    row(
        W::LiveTimers(6),
        "w10n6",
        "ns/timer",
        "1 000 000 live timers: half fire, half are cancelled (CPU time)",
    ),
    row(
        W::FutureWake,
        "w11",
        "ns/wake",
        "wake + poll of a local future",
    ),
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
