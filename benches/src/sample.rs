//! One sample: in this process, or in a fresh one.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Sizes, W, def};
use crate::peer::Peer;

/// A sample that takes longer counts as failed.
const LIMIT: Duration = Duration::from_secs(60);

/// A warm-up, then the measured run. Returns its figure.
pub fn here(peer: &Peer, w: W, scale: f64) -> f64 {
    if matches!(w, W::PanicRestart | W::FailRestart) {
        // The message of an expected panic costs more than the panic.
        std::panic::set_hook(Box::new(|_| {}));
    }
    if w != W::IdleBytes {
        (peer.run)(w, &Sizes::warm(scale));
    }
    (peer.run)(w, &Sizes::full(scale))
}

/// The same in a fresh process: no peer sees what another left in the allocator.
///
/// # Errors
/// The command that failed or took too long.
pub fn in_process(peer: &Peer, w: W, scale: f64) -> Result<f64, String> {
    let args = [
        "sample",
        "--peer",
        peer.name,
        "--workload",
        def(w).id,
        "--scale",
        &scale.to_string(),
    ];
    let mut child = Command::new(std::env::current_exe().expect("own path"))
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let begun = Instant::now();
    let ended = loop {
        match child.try_wait().expect("a child of ours") {
            Some(status) => break status.success(),
            None if begun.elapsed() > LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                break false;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let mut text = String::new();
    let mut out = child.stdout.take().expect("a pipe");
    let read = out.read_to_string(&mut text).is_ok();
    match text.trim().parse() {
        Ok(figure) if ended && read => Ok(figure),
        _ => Err(format!("bench {}", args.join(" "))),
    }
}
