//! The conformance suite: the same bodies on every backend.
//!
//! A *body* is a plain function over a `Backend`, over two of them where two localities matter, or
//! over a `World` where time does. `harness.rs` runs every body on every backend and every mixed
//! pair, and asserts how many runs that makes. A further backend is one line in `backend.rs`; a
//! further body is its name in the list at the foot of its file. Files go from simple to hard.
//!
//! A name begins with the id of the rule that it proves: `m` and `s` for the rules of behaviour and
//! of soundness, `r` for the behaviour cases, `c_` for those of other systems, `otp_` for those of OTP's
//! supervisor, other letters (and `row_`) for capability rows. `coverage.rs` lists them all, and what proves each.

#![cfg_attr(
    test,
    allow(
        clippy::type_complexity,
        clippy::drop_non_drop,
        dropping_copy_types,
        reason = "closures as messages; timers are plain keys"
    )
)]

pub mod misuse;

#[cfg(test)]
mod backend;
#[cfg(test)]
mod chains;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod cut_short;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod log;
#[cfg(test)]
mod puppet;
#[cfg(all(test, target_os = "linux"))]
#[allow(dead_code, reason = "most of it is for the backends' own tests")]
mod shared;
#[cfg(test)]
#[path = "../examples/supervision_trace/stepped.rs"]
mod stepped;
#[cfg(test)]
mod world;

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod backoffs;
#[cfg(test)]
mod barriers;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod diagnostics;
#[cfg(test)]
mod downs;
#[cfg(test)]
mod drains;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod fairness;
#[cfg(test)]
mod futures;
#[cfg(test)]
mod giving_up;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod handing_on;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod idle;
#[cfg(test)]
mod inboxes;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod late;
#[cfg(test)]
mod links;
#[cfg(test)]
mod lives;
#[cfg(test)]
mod localities;
#[cfg(test)]
mod many;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod meters;
#[cfg(test)]
mod monitors;
#[cfg(test)]
mod needs;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod orphans;
#[cfg(test)]
mod otp;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod parking;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod refused_subscriptions;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod shutdowns;
#[cfg(test)]
mod sim_faults;
#[cfg(test)]
mod sim_loss;
#[cfg(test)]
mod sim_time;
#[cfg(test)]
mod soundness;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod stalls;
#[cfg(test)]
mod starts;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod subtrees;
#[cfg(test)]
mod supervision;
#[cfg(test)]
mod threads;
#[cfg(test)]
mod timers;
#[cfg(test)]
mod undelivered;

/// Every file's bodies, from simple to hard.
#[cfg(test)]
const FILES: &[&[harness::Body]] = &[
    messages::BODIES,
    handing_on::BODIES,
    addresses::BODIES,
    parking::BODIES,
    subscriptions::BODIES,
    reasons::BODIES,
    refused_subscriptions::BODIES,
    requests::BODIES,
    timers::BODIES,
    streams::BODIES,
    futures::BODIES,
    many::BODIES,
    opening::BODIES,
    panics::BODIES,
    supervision::BODIES,
    admin::BODIES,
    otp::BODIES,
    backoffs::BODIES,
    decisions::BODIES,
    failures::BODIES,
    lives::BODIES,
    starts::BODIES,
    downs::BODIES,
    drains::BODIES,
    shutdowns::BODIES,
    guards::BODIES,
    late::BODIES,
    subtrees::BODIES,
    giving_up::BODIES,
    barriers::BODIES,
    hooks::BODIES,
    pictures::BODIES,
    meters::BODIES,
    lanes::BODIES,
    bounds::BODIES,
    fairness::BODIES,
    undelivered::BODIES,
    localities::BODIES,
    idle::BODIES,
    monitors::BODIES,
    registry::BODIES,
    scopes::BODIES,
    stalls::BODIES,
    links::BODIES,
    needs::BODIES,
    groups::BODIES,
    sim_time::BODIES,
    sim_loss::BODIES,
    chains::BODIES,
    orphans::BODIES,
    cut_short::BODIES,
    sim_faults::BODIES,
    soundness::BODIES,
    threads::BODIES,
    inboxes::BODIES,
];
