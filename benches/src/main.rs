//! Messages of rotor, of other actor crates and of the floors below them, side by side.
//!
//! See `README.md` for what is measured and how.

mod args;
mod grid;
mod harness;
mod machine;
mod peer;
mod report;
mod results;
mod sample;
mod target;

use std::process::ExitCode;

use args::{Args, USAGE};
use results::Results;

fn main() -> ExitCode {
    let mut argv = std::env::args().skip(1);
    let command = argv.next().unwrap_or_default();
    let args = Args::parse(argv);
    let done = args.and_then(|args| match command.as_str() {
        "list" => list(),
        "run" => run(&args),
        "targets" => targets(&args),
        "sample" => sample(&args),
        _ => Err(USAGE.to_owned()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> Result<(), String> {
    println!("workloads");
    for def in harness::ALL {
        println!("  {:<5} {} [{}]", def.id, def.title, def.unit);
    }
    println!("peers");
    for peer in peer::ALL {
        println!("  {} {}", peer.name, peer.version);
        for (w, how) in peer.has {
            println!("    {:<5} {how}", harness::def(*w).id);
        }
    }
    Ok(())
}

/// Medians of whatever is asked for.
fn run(args: &Args) -> Result<(), String> {
    let wanted = |peer: &peer::Peer, w| args.wants(peer.name, harness::def(w).id);
    let results = Results::measure(args.runs, args.scale, wanted);
    if args.json {
        println!("{}", report::json(&results));
    } else {
        print!("{}", report::medians(&results));
    }
    complete(&results)
}

/// Ratios beside what they must be.
fn targets(args: &Args) -> Result<(), String> {
    let wanted = |peer: &peer::Peer, w| args.all || target::names(peer.name, w);
    let results = Results::measure(args.runs, args.scale, wanted);
    print!("{}", report::targets(&results));
    if let Some(path) = &args.write {
        let text = report::file(&results, args.runs, args.scale);
        std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    complete(&results)
}

/// A missed target is information, a sample that failed an error.
fn complete(results: &Results) -> Result<(), String> {
    match results.failed() {
        0 => Ok(()),
        failed => Err(format!("{failed} samples failed")),
    }
}

/// One sample; prints the figure alone.
fn sample(args: &Args) -> Result<(), String> {
    let (Some(name), Some(id)) = (args.peers.first(), args.workloads.first()) else {
        return Err("sample needs --peer and --workload".into());
    };
    let peer = peer::by_name(name).expect("checked");
    let w = harness::by_id(id).expect("checked").w;
    if peer.how(w).is_none() {
        return Err(format!("{name} does not have {id}"));
    }
    println!("{:.3}", sample::here(peer, w, args.scale));
    Ok(())
}
