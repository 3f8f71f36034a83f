//! Where and when: the kind of machine, never its name.

use std::fs;
use std::process::Command;

/// Processor, kernel and compiler, as a sentence.
pub fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} processors of type {}; Linux {}; {}.",
        processor(),
        kernel(),
        env!("RUSTC_VERSION")
    )
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|rest| rest.split_once(": "));
    model.map_or("unknown", |(_, model)| model).to_owned()
}

/// The release without what a distribution or a host has added to it.
fn kernel() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = text.trim().split(['-', '+']).next().unwrap_or_default();
    release.to_owned()
}

/// Today, in UTC, as `YYYY-MM-DD`.
pub fn date() -> String {
    let out = Command::new("date").args(["-u", "+%F"]).output();
    let text = out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    text.unwrap_or_default().trim().to_owned()
}
