//! Prints the trace of a supervision scenario: what starts, ends and is answered, in order.
//!
//!     supervision_trace SCENARIO.json [--spread K]
//!
//! A scenario is a tree of supervisors and workers with a list of commands; the trace is the one that
//! supervisors of Erlang/OTP give for it, byte for byte. `--spread K` puts the supervisors on K
//! localities: the trace does not change. Everything runs on virtual time, in one thread.

use std::error::Error;
use std::path::PathBuf;

use lexopt::prelude::*;

mod host;
mod line;
mod play;
mod scenario;
mod tree;
mod worker;
mod world;

const USAGE: &str = "usage: supervision_trace SCENARIO.json [--spread K]";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut file, mut spread) = (None, 1);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("spread") => spread = parser.value()?.parse()?,
            Value(path) if file.is_none() => file = Some(PathBuf::from(path)),
            other => return Err(format!("{}; {USAGE}", other.unexpected()).into()),
        }
    }
    let text = std::fs::read_to_string(file.ok_or(USAGE)?)?;
    let scenario = serde_json::from_str(&text)?;
    for line in play::play(&scenario, host::Simulated::new(spread)) {
        println!("{}", serde_json::to_string(&line)?);
    }
    Ok(())
}
