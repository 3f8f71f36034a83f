//! What the tests share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::time::Duration;

use rotor_core::*;

/// Nothing here takes this long, unless it hangs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Any free port of this machine.
pub fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Runs a test on a thread of its own, and fails if it takes too long.
pub fn within_limit(test: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(catch_unwind(AssertUnwindSafe(test))));
    match told.recv_timeout(LIMIT) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("took longer than {LIMIT:?}"),
    }
}

/// A tree of one actor, which ends with it.
pub fn only<A: Actor>(child: Child<A>) -> Supervisor {
    Supervisor::one_for_one("test")
        .auto_shutdown(AutoShutdown::Any)
        .child(child.transient().significant())
}

/// Next value of a channel, or a failure.
pub fn next<T>(told: &mpsc::Receiver<T>) -> T {
    told.recv_timeout(LIMIT).expect("something comes in time")
}
