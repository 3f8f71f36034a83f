//! What a message must cost, as ratios in one run.
//!
//! Where a target was set as a time, beside a time that a peer or floor had on the same machine, it
//! is kept as the ratio of both: `time` over `had`. Where that peer had a range, `had` is its upper
//! end, the stricter.

use crate::grid::{Grid, figure};
use crate::harness::{W, def};
use crate::results::Results;

/// A peer or floor, in a workload.
type Of = (&'static str, W);

/// One row: ours beside something else.
pub struct Target {
    what: &'static str,
    ours: Of,
    beside: Of,
    /// The ratio that must not be exceeded; without one the row only informs.
    must: Option<f64>,
    /// The ratio that is aimed at.
    aim: Option<f64>,
}

const fn target(what: &'static str, ours: Of, beside: Of, must: f64, aim: f64) -> Target {
    Target {
        what,
        ours,
        beside,
        must: Some(must),
        aim: Some(aim),
    }
}

const fn must(what: &'static str, ours: Of, beside: Of, must: f64) -> Target {
    Target {
        what,
        ours,
        beside,
        must: Some(must),
        aim: None,
    }
}

const fn look(what: &'static str, ours: Of, beside: Of) -> Target {
    Target {
        what,
        ours,
        beside,
        must: None,
        aim: None,
    }
}

const CORE: &str = "rotor-core";

/// A ratio that misses its target by less tells nothing.
const NOISE: f64 = 1.15;

/// Every target but those of [`BACKENDS`].
const TARGETS: &[Target] = &[
    target(
        "message, same locality, beside a `VecDeque` of enums",
        (CORE, W::PingPong),
        ("floor-inline", W::PingPong),
        1.4,
        1.2,
    ),
    must(
        "message, same locality",
        (CORE, W::PingPong),
        ("stakker", W::PingPong),
        1.0,
    ),
    target(
        "one way, locality to locality, beside one by one",
        (CORE, W::LocalStream),
        ("stakker", W::Throughput1),
        12.0 / 53.0,
        6.0 / 53.0,
    ),
    target(
        "one way, outbox of a plain thread, beside one by one",
        (CORE, W::OutboxStream),
        ("stakker", W::Throughput1),
        12.0 / 53.0,
        6.0 / 53.0,
    ),
    target(
        "one way, plain thread, message by message",
        (CORE, W::Throughput1),
        ("floor-seg-plain", W::Throughput1),
        1.5,
        1.1,
    ),
    look(
        "the same beside stakker",
        (CORE, W::Throughput1),
        ("stakker", W::Throughput1),
    ),
    target(
        "ping-pong, parked, thread loop",
        (CORE, W::CrossPing),
        ("floor-park", W::CrossPing),
        1.15,
        1.0,
    ),
    target(
        "ping-pong, parked, mio",
        ("rotor-mio", W::CrossPing),
        ("floor-mio", W::CrossPing),
        1.15,
        1.0,
    ),
    target(
        "ping-pong, parked, GLib",
        ("rotor-glib", W::CrossPing),
        ("floor-glib", W::CrossPing),
        1.15,
        1.0,
    ),
    target(
        "ping-pong, parked, smol",
        ("rotor-smol", W::CrossPing),
        ("floor-smol", W::CrossPing),
        1.15,
        1.0,
    ),
    look(
        "its processor time, parked, thread loop",
        (CORE, W::CrossPingCpu),
        ("floor-park", W::CrossPingCpu),
    ),
    look(
        "the same, mio",
        ("rotor-mio", W::CrossPingCpu),
        ("floor-mio", W::CrossPingCpu),
    ),
    look(
        "the same, GLib",
        ("rotor-glib", W::CrossPingCpu),
        ("floor-glib", W::CrossPingCpu),
    ),
    look(
        "the same, smol",
        ("rotor-smol", W::CrossPingCpu),
        ("floor-smol", W::CrossPingCpu),
    ),
    target(
        "ping-pong, opt-in spin, thread loop",
        ("rotor-core-spins", W::CrossSpin),
        ("floor-spin", W::CrossSpin),
        0.5 / 0.1,
        0.36 / 0.1,
    ),
    target(
        "ping-pong, opt-in spin, mio",
        ("rotor-mio-spins", W::CrossSpin),
        ("floor-spin", W::CrossSpin),
        0.5 / 0.1,
        0.36 / 0.1,
    ),
    look(
        "its processor time, spin beside parked, thread loop",
        ("rotor-core-spins", W::CrossSpinCpu),
        (CORE, W::CrossPingCpu),
    ),
    look(
        "the same, mio",
        ("rotor-mio-spins", W::CrossSpinCpu),
        ("rotor-mio", W::CrossPingCpu),
    ),
    target(
        "ask, same locality, time limit armed, beside one without",
        (CORE, W::AskLimit),
        ("stakker", W::Ask),
        32.0 / 38.0,
        25.0 / 38.0,
    ),
    target(
        "spawn + stop an actor",
        (CORE, W::SpawnStop),
        ("stakker", W::SpawnStop),
        1.0,
        80.0 / 120.0,
    ),
    target(
        "bytes per idle actor",
        (CORE, W::IdleBytes),
        ("stakker", W::IdleBytes),
        128.0 / 92.0,
        88.0 / 92.0,
    ),
    target(
        "publish to 100 subscribers, per delivery, beside sends",
        (CORE, W::Publish),
        ("stakker", W::FanOut),
        3.5 / 12.6,
        3.0 / 12.6,
    ),
    look(
        "the same beside direct calls",
        (CORE, W::Publish),
        ("floor-call", W::Publish),
    ),
    target(
        "panic + restart",
        (CORE, W::PanicRestart),
        ("ractor", W::PanicRestart),
        3.6 / 6.5,
        3.2 / 6.5,
    ),
    look(
        "the same beside a bare panic and its catch",
        (CORE, W::PanicRestart),
        ("floor-call", W::PanicRestart),
    ),
    target(
        "failure + restart",
        (CORE, W::FailRestart),
        ("stakker", W::FailRestart),
        100.0 / 75.0,
        50.0 / 75.0,
    ),
    look(
        "the same beside a bare error and its return",
        (CORE, W::FailRestart),
        ("floor-call", W::FailRestart),
    ),
    target(
        "timer: schedule + fire",
        (CORE, W::TimerFire),
        ("stakker", W::TimerFire),
        60.0 / 276.0,
        30.0 / 276.0,
    ),
    look(
        "the same beside a bare heap",
        (CORE, W::TimerFire),
        ("floor-call", W::TimerFire),
    ),
    target(
        "timer: schedule + cancel",
        (CORE, W::TimerCancel),
        ("stakker", W::TimerCancel),
        20.0 / 66.0,
        10.0 / 66.0,
    ),
    // As many instructions; the factor is for caches that 1 000 timers fit in.
    must(
        "timer: arm + fire or cancel, 1 000 000 live, beside 1 000",
        (CORE, W::LiveTimers(6)),
        (CORE, W::LiveTimers(3)),
        5.0,
    ),
    target(
        "wake + poll of a local future",
        (CORE, W::FutureWake),
        ("floor-async-exec", W::FutureWake),
        40.0 / 176.0,
        15.0 / 176.0,
    ),
    look(
        "the same beside a bare poll",
        (CORE, W::FutureWake),
        ("floor-call", W::FutureWake),
    ),
    // Linear; the factor is for caches that 1 000 children fit in. Quadratic would be 10 and 100.
    must(
        "start + stop of 10 000 children, per child, beside 1 000",
        (CORE, W::Children(4)),
        (CORE, W::Children(3)),
        3.0,
    ),
    must(
        "the same, 100 000",
        (CORE, W::Children(5)),
        (CORE, W::Children(3)),
        3.0,
    ),
    look(
        "the same, 1 000 000",
        (CORE, W::Children(6)),
        (CORE, W::Children(3)),
    ),
];

/// What every backend is held against the core in, and the ratio that must not be exceeded: the
/// loop is entered once per slice.
const BACKENDS: &[&str] = &["rotor-mio", "rotor-glib", "rotor-smol"];
const OBSERVED: &str = "rotor-core-observed";
const AS_CORE: f64 = 1.1;
const SAME_LOCALITY: &[W] = &[
    W::PingPong,
    W::Ask,
    W::AskLimit,
    W::Ring,
    W::SpawnStop,
    W::Children(3),
    W::Skynet,
    W::FanOut,
    W::Publish,
    W::PanicRestart,
    W::FailRestart,
    W::TimerFire,
    W::TimerCancel,
    W::LiveTimers(3),
    W::FutureWake,
];

/// Whether a target needs this peer in this workload.
pub fn names(peer: &str, w: W) -> bool {
    let named = |target: &Target| [target.ours, target.beside].contains(&(peer, w));
    let ours = BACKENDS.contains(&peer) || peer == OBSERVED || peer == CORE;
    TARGETS.iter().any(named) || (ours && SAME_LOCALITY.contains(&w))
}

impl Target {
    fn row(&self, results: &Results) -> Vec<String> {
        let cell = |(peer, w): Of| {
            let median = results.median(peer, w).map_or("-".into(), figure);
            (format!("{peer} {}", def(w).id), median)
        };
        let ((ours, our), (beside, other)) = (cell(self.ours), cell(self.beside));
        let limit = |limit: Option<f64>| limit.map_or(String::new(), |limit| format!("{limit:.2}"));
        let ratio = results.ratio(self.ours, self.beside);
        vec![
            self.what.into(),
            ours,
            our,
            beside,
            other,
            ratio.map_or("-".into(), |ratio| format!("{ratio:.2}")),
            limit(self.must),
            limit(self.aim),
            self.verdict(ratio).into(),
        ]
    }

    fn verdict(&self, ratio: Option<f64>) -> &'static str {
        let within = |limit: Option<f64>| limit.is_some_and(|limit| ratio <= Some(limit));
        match (ratio, self.must) {
            (None, _) => "not measured",
            (_, None) => "",
            _ if within(self.aim) => "aim met",
            _ if within(self.must) => "met",
            _ if within(self.must.map(|must| must * NOISE)) => "in the noise",
            _ => "NOT MET",
        }
    }
}

/// The ratios of a run beside what they must be.
pub fn ratios(results: &Results) -> Grid {
    let mut grid = Grid::new(&[
        "what", "ours", "median", "beside", "median", "ratio", "must", "aim", "",
    ]);
    for target in TARGETS {
        grid.row(target.row(results));
    }
    grid
}

/// Backends, and the core under observation, as ratios to the bare core.
pub fn backends(results: &Results) -> Grid {
    let mut grid = Grid::new(&["workload", "mio", "GLib", "smol", "observed", ""]);
    for &w in SAME_LOCALITY {
        let ratio = |peer: &str| results.ratio((peer, w), (CORE, w));
        let text = |ratio: Option<f64>| ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let three: Vec<_> = BACKENDS.iter().map(|peer| ratio(peer)).collect();
        let mut cells = vec![format!("{} {}", def(w).id, def(w).title)];
        cells.extend(three.iter().copied().map(text));
        cells.push(text(ratio(OBSERVED)));
        cells.push(verdict_of_all(&three).into());
        grid.row(cells);
    }
    grid
}

fn verdict_of_all(ratios: &[Option<f64>]) -> &'static str {
    let within = |limit: f64| ratios.iter().all(|ratio| *ratio <= Some(limit));
    if ratios.contains(&None) {
        "not measured"
    } else if within(AS_CORE) {
        "met"
    } else if within(AS_CORE * NOISE) {
        "in the noise"
    } else {
        "NOT MET"
    }
}
