//! Prints the trace of a supervision scenario: what starts, ends and is answered, in order.
//!
//!     supervision_trace SCENARIO.json [--spread K] [--on LOOP]
//!
//! A scenario is a tree of supervisors and workers with a list of commands; the trace is the one that
//! supervisors of Erlang/OTP give for it, byte for byte. `--spread K` puts the supervisors on K
//! localities, `--on` takes another loop for them: the trace does not change. Everything runs on
//! virtual time, in one thread.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;

mod host;
mod line;
mod loops;
mod play;
mod scenario;
mod stepped;
mod tree;
mod worker;
mod world;

use crate::host::{Host, Simulated};
use crate::loops::Loops;
use crate::scenario::Scenario;
use crate::stepped::{BACKENDS, Make};

const HELP: &str = "\
Prints the trace of a supervision scenario, as Erlang/OTP gives it.

usage: supervision_trace SCENARIO.json [options]

  --spread K   put the supervisors on K localities, one after the other (1 to 1000, default 1)
  --on LOOP    what drives the localities, on one thread and with virtual time:
               sim      the simulation of rotor-core, seeded with K (default)
               driver   drivers of rotor-core, without a loop
               mio      a poll each, polled without waiting
               glib     a main context each, iterated without blocking
               smol     a local executor each, ticked while there is something to do
  -h, --help   print this text

The trace is the same whatever the options are.

SCENARIO.json is {\"root\": SUPERVISOR, \"commands\": [COMMAND, ...]}.

  of each spec (defaults in brackets)
    id, type      its name; worker or supervisor [worker; the root is a supervisor]
    restart       permanent, transient or temporary [permanent]
    significant   true or false [false]
  of a WORKER
    shutdown      milliseconds, brutal_kill or infinity [5000]
    init          how each attempt to start goes: a list of ok, fail, ignore [ok]; the last one repeats
    on_shutdown   exit, delay:MS, ignore or exit:REASON [exit]
  of a SUPERVISOR
    strategy      one_for_one, one_for_all, rest_for_one or simple_one_for_one [one_for_one]
    intensity     restarts within [1]
    period        seconds [5]
    auto_shutdown never, any_significant or all_significant [never]
    children      a list of specs, in start order; the one template of simple_one_for_one

  COMMAND: {\"cmd\": ..} is one of
    crash {target, reason}    stop {target, reason}    kill {target}    sleep {ms}
    start_child {sup, spec, or name of an instance}    terminate_child, restart_child and
    delete_child {sup, child}    which_children and count_children {sup}
    burst {sup, items}: commands that are all in the queue of sup before it handles the first;
    requests among them have no sup

A REASON is normal, shutdown, shutdown:TEXT or crash:TEXT; `crash` has the TEXT alone. Ids are
unique; a target is a worker. What is not there, or does not run, is answered with an error in the
trace. At the end the root is stopped.

exit code: 0 printed, 2 the scenario cannot be read, or has no end, or bad usage";

const USAGE: u8 = 2;

/// What the command line asks for.
struct Args {
    file: PathBuf,
    spread: usize,
    /// Nothing: the simulation.
    on: Option<Make>,
}

fn main() -> ExitCode {
    let printed = match parse() {
        Ok(Some(args)) => print(&args),
        Ok(None) => say(&format!("{HELP}\n")).map_err(Box::from),
        Err(error) => Err(format!("{error}; --help shows the usage").into()),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("supervision_trace: {error}");
            ExitCode::from(USAGE)
        }
    }
}

/// Nothing if help was asked for.
fn parse() -> Result<Option<Args>, Box<dyn Error>> {
    let (mut file, mut spread, mut on) = (None, 1, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("spread") => {
                let value = parser.value()?;
                let number = value.parse().ok().filter(|k| (1..=1000).contains(k));
                spread =
                    number.ok_or_else(|| format!("--spread takes 1 to 1000, not {value:?}"))?;
            }
            Long("on") => on = make(&parser.value()?.string()?)?,
            Short('h') | Long("help") => return Ok(None),
            Value(path) if file.is_none() => file = Some(PathBuf::from(path)),
            other => return Err(other.unexpected().into()),
        }
    }
    let file = file.ok_or("SCENARIO.json is missing")?;
    Ok(Some(Args { file, spread, on }))
}

/// What makes the loops of this name, or nothing for the simulation.
fn make(on: &str) -> Result<Option<Make>, String> {
    let found = BACKENDS.iter().find(|(name, _)| *name == on);
    match found {
        Some((_, make)) => Ok(Some(*make)),
        None if on == "sim" => Ok(None),
        None => {
            let names: Vec<_> = BACKENDS.iter().map(|(name, _)| *name).collect();
            Err(format!("--on takes sim, {}, not {on:?}", names.join(", ")))
        }
    }
}

fn print(args: &Args) -> Result<(), Box<dyn Error>> {
    let in_file = |error: &dyn Display| format!("{}: {error}", args.file.display());
    let text = std::fs::read_to_string(&args.file).map_err(|error| in_file(&error))?;
    let no_scenario = |error: &dyn Display| in_file(&format!("this is no scenario: {error}"));
    let scenario: Scenario = serde_json::from_str(&text).map_err(|error| no_scenario(&error))?;
    scenario.check().map_err(|error| no_scenario(&error))?;
    let host: Box<dyn Host> = match args.on {
        None => Box::new(Simulated::new(args.spread)),
        Some(make) => Box::new(Loops::new(make, args.spread)?),
    };
    let mut trace = String::new();
    for line in play::play(&scenario, host).map_err(|why| in_file(&why))? {
        trace += &serde_json::to_string(&line)?;
        trace.push('\n');
    }
    Ok(say(&trace)?)
}

/// Prints a text. That nobody reads it to the end is no error.
fn say(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}
