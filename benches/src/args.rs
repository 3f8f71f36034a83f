//! The command line.

use std::path::PathBuf;

use crate::harness;
use crate::peer;

/// What is told to a user who is lost.
pub const USAGE: &str = "\
usage:
  bench list
  bench run [--peer P]... [--workload W]... [--runs N] [--scale X] [--json]
  bench targets [--all] [--runs N] [--scale X] [--write FILE]
  bench sample --peer P --workload W [--scale X]   (one sample, in this process)";

/// The options of all commands.
pub struct Args {
    /// Empty for all.
    pub peers: Vec<String>,
    /// Empty for all.
    pub workloads: Vec<String>,
    pub runs: usize,
    pub scale: f64,
    pub json: bool,
    /// Also what no target names.
    pub all: bool,
    /// Where a report goes.
    pub write: Option<PathBuf>,
}

impl Args {
    /// Reads what follows the command.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse(mut argv: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut this = Args {
            peers: Vec::new(),
            workloads: Vec::new(),
            runs: 7,
            scale: 1.0,
            json: false,
            all: false,
            write: None,
        };
        while let Some(flag) = argv.next() {
            let mut value = || argv.next().ok_or(format!("{flag} needs a value"));
            match flag.as_str() {
                "--peer" => this.peers.push(value()?),
                "--workload" => this.workloads.push(value()?),
                "--runs" => this.runs = value()?.parse().map_err(|_| "--runs: a number")?,
                "--scale" => this.scale = value()?.parse().map_err(|_| "--scale: a number")?,
                "--json" => this.json = true,
                "--all" => this.all = true,
                "--write" => this.write = Some(value()?.into()),
                _ => return Err(format!("unknown flag {flag}")),
            }
        }
        this.check()
    }

    fn check(self) -> Result<Self, String> {
        if self.runs == 0 {
            return Err("--runs: at least 1".into());
        }
        for name in &self.peers {
            peer::by_name(name).ok_or(format!("no peer {name}"))?;
        }
        for id in &self.workloads {
            harness::by_id(id).ok_or(format!("no workload {id}"))?;
        }
        Ok(self)
    }

    /// Whether a run includes this.
    pub fn wants(&self, peer: &str, workload: &str) -> bool {
        let among = |all: &[String], one: &str| all.is_empty() || all.iter().any(|x| x == one);
        among(&self.peers, peer) && among(&self.workloads, workload)
    }
}
