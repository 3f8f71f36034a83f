//! Messages of rotor, of other actor crates and of the floors below them, side by side.
//!
//! See `README.md` for what is measured and how.

mod harness;
mod peer;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Def, Sizes, W};
use peer::Peer;

const USAGE: &str = "\
usage:
  bench list
  bench run [--peer P]... [--workload W]... [--runs N] [--scale X] [--json]
  bench sample --peer P --workload W [--scale X]   (one sample, in this process)";

/// A sample that takes longer counts as failed.
const SAMPLE_LIMIT: Duration = Duration::from_secs(60);

struct Args {
    peers: Vec<String>,
    workloads: Vec<String>,
    runs: usize,
    scale: f64,
    json: bool,
}

fn main() {
    let mut argv = std::env::args().skip(1);
    let command = argv.next().unwrap_or_default();
    let args = parse(argv).unwrap_or_else(|e| fail(&e));
    match command.as_str() {
        "list" => list(),
        "run" => run(&args),
        "sample" => sample(&args),
        _ => fail("no such command"),
    }
}

fn fail(why: &str) -> ! {
    eprintln!("{why}\n{USAGE}");
    std::process::exit(2);
}

fn parse(mut argv: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut a = Args {
        peers: vec![],
        workloads: vec![],
        runs: 7,
        scale: 1.0,
        json: false,
    };
    while let Some(flag) = argv.next() {
        let mut value = || argv.next().ok_or(format!("{flag} needs a value"));
        match flag.as_str() {
            "--peer" => a.peers.push(value()?),
            "--workload" => a.workloads.push(value()?),
            "--runs" => a.runs = value()?.parse().map_err(|_| "--runs: a number")?,
            "--scale" => a.scale = value()?.parse().map_err(|_| "--scale: a number")?,
            "--json" => a.json = true,
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    for p in &a.peers {
        peer::by_name(p).ok_or(format!("no peer {p}"))?;
    }
    for w in &a.workloads {
        harness::by_id(w).ok_or(format!("no workload {w}"))?;
    }
    Ok(a)
}

fn list() {
    println!("workloads");
    for d in harness::ALL {
        println!("  {:<5} {} [{}]", d.id, d.title, d.unit);
    }
    println!("peers");
    for p in peer::ALL {
        println!("  {} {}", p.name, p.version);
        for (w, how) in p.has {
            println!("    {:<5} {how}", harness::def(*w).id);
        }
    }
}

/// One sample: warm-up, then the measured run. Prints the figure alone.
fn sample(args: &Args) {
    let (Some(p), Some(w)) = (args.peers.first(), args.workloads.first()) else {
        fail("sample needs --peer and --workload");
    };
    let p = peer::by_name(p).expect("checked");
    let w = harness::by_id(w).expect("checked").w;
    if p.how(w).is_none() {
        fail("that peer does not have that workload");
    }
    if matches!(w, W::PanicRestart | W::FailRestart) {
        // The message of an expected panic costs more than the panic.
        std::panic::set_hook(Box::new(|_| {}));
    }
    if w != W::IdleBytes {
        (p.run)(w, &Sizes::warm(args.scale));
    }
    println!("{:.3}", (p.run)(w, &Sizes::full(args.scale)));
}

/// A sample in a fresh process: no peer sees what another left in the allocator.
fn child(p: &Peer, d: &Def, scale: f64) -> Option<f64> {
    let exe = std::env::current_exe().expect("own path");
    let mut child = Command::new(exe)
        .args([
            "sample",
            "--peer",
            p.name,
            "--workload",
            d.id,
            "--scale",
            &scale.to_string(),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sample process");
    let begun = Instant::now();
    loop {
        match child.try_wait().expect("sample process") {
            Some(status) if status.success() => break,
            Some(_) => return None,
            None if begun.elapsed() > SAMPLE_LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    let mut text = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut()?, &mut text).ok()?;
    text.trim().parse().ok()
}

fn run(args: &Args) {
    let wanted = |all: &[String], one: &str| all.is_empty() || all.iter().any(|x| x == one);
    let peers: Vec<&Peer> = peer::ALL
        .iter()
        .copied()
        .filter(|p| wanted(&args.peers, p.name))
        .collect();
    let mut results: BTreeMap<(W, usize), Vec<Option<f64>>> = BTreeMap::new();
    for round in 0..args.runs {
        for d in harness::ALL
            .iter()
            .filter(|d| wanted(&args.workloads, d.id))
        {
            // Round robin, and each round starts with another peer: drift hits all alike.
            for i in 0..peers.len() {
                let i = (i + round) % peers.len();
                if peers[i].how(d.w).is_some() {
                    let v = child(peers[i], d, args.scale);
                    results.entry((d.w, i)).or_default().push(v);
                }
            }
        }
    }
    report(&peers, &results, args.json);
}

struct Row {
    peer: usize,
    min: f64,
    median: f64,
    max: f64,
    failed: usize,
}

fn report(peers: &[&Peer], results: &BTreeMap<(W, usize), Vec<Option<f64>>>, json: bool) {
    let mut first = true;
    if json {
        println!("[");
    } else {
        println!(
            "{:<5} {:<17} {:>9} {:>9} {:>9} {:>7}  how",
            "work", "peer", "min", "median", "max", "ratio"
        );
    }
    for d in harness::ALL {
        let mut rows: Vec<Row> = results
            .iter()
            .filter(|((w, _), _)| *w == d.w)
            .map(|((_, peer), all)| row(*peer, all))
            .collect();
        if rows.is_empty() {
            continue;
        }
        rows.sort_by(|a, b| a.median.total_cmp(&b.median));
        let best = rows[0].median;
        if !json {
            println!("-- {} {} [{}]", d.id, d.title, d.unit);
        }
        for r in rows {
            let (p, how) = (peers[r.peer], peers[r.peer].how(d.w).unwrap_or(""));
            if json {
                println!(
                    "{}{{\"workload\":\"{}\",\"peer\":\"{}\",\"version\":\"{}\",\"unit\":\"{}\",\
                     \"min\":{},\"median\":{},\"max\":{},\"ratio\":{},\"failed\":{},\"how\":\"{}\"}}",
                    if first { " " } else { "," },
                    d.id,
                    p.name,
                    p.version,
                    d.unit,
                    num(r.min),
                    num(r.median),
                    num(r.max),
                    num(r.median / best),
                    r.failed,
                    how
                );
                first = false;
            } else {
                let failed = if r.failed > 0 {
                    format!(" [{} failed]", r.failed)
                } else {
                    String::new()
                };
                println!(
                    "{:<5} {:<17} {:>9.1} {:>9.1} {:>9.1} {:>7.2}  {how}{failed}",
                    d.id,
                    p.name,
                    r.min,
                    r.median,
                    r.max,
                    r.median / best
                );
            }
        }
    }
    if json {
        println!("]");
    }
}

fn num(v: f64) -> String {
    if v.is_finite() {
        format!("{v:.2}")
    } else {
        "null".into()
    }
}

fn row(peer: usize, all: &[Option<f64>]) -> Row {
    let mut good: Vec<f64> = all.iter().flatten().copied().collect();
    good.sort_by(f64::total_cmp);
    let failed = all.len() - good.len();
    match good.as_slice() {
        [] => Row {
            peer,
            min: f64::NAN,
            median: f64::NAN,
            max: f64::NAN,
            failed,
        },
        v => Row {
            peer,
            min: v[0],
            median: v[v.len() / 2],
            max: v[v.len() - 1],
            failed,
        },
    }
}
