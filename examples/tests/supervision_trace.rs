//! Traces of supervision: as real Erlang/OTP gives them, and the same however supervisors are
//! spread over localities.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[path = "../supervision_trace/host.rs"]
mod host;
#[path = "../supervision_trace/line.rs"]
mod line;
#[path = "../supervision_trace/play.rs"]
mod play;
#[path = "supervision/random.rs"]
mod random;
#[path = "../supervision_trace/scenario.rs"]
mod scenario;
#[path = "../supervision_trace/tree.rs"]
mod tree;
#[path = "../supervision_trace/worker.rs"]
mod worker;
#[path = "../supervision_trace/world.rs"]
mod world;

fn trace(scenario: &Value, spread: usize) -> String {
    let scenario = serde_json::from_value(scenario.clone()).expect("a scenario");
    let lines = play::play(&scenario, host::Simulated::new(spread));
    let text = |line| serde_json::to_string(&line).expect("a line") + "\n";
    lines.into_iter().map(text).collect()
}

fn cases() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supervision-cases");
    let files = fs::read_dir(cases).expect("the cases are there");
    let files = files.map(|file| file.expect("a readable folder").path());
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn m22_the_public_cases_give_the_traces_of_erlang() {
    for file in cases() {
        let expected = fs::read_to_string(file.with_extension("trace")).expect("a trace");
        for spread in ["1", "5"] {
            let run = Command::new(env!("CARGO_BIN_EXE_supervision_trace"))
                .arg(&file)
                .args(["--spread", spread])
                .output()
                .expect("it can be run");
            assert!(
                run.status.success(),
                "{}",
                String::from_utf8_lossy(&run.stderr)
            );
            let found = String::from_utf8(run.stdout).expect("a text");
            assert_eq!(found, expected, "{} --spread {spread}", file.display());
        }
    }
}

#[test]
fn random_scenarios_give_the_same_trace_however_they_are_spread() {
    for seed in 0..400 {
        let scenario = random::scenario(seed);
        let one = trace(&scenario, 1);
        for spread in [2, 5] {
            assert_eq!(trace(&scenario, spread), one, "seed {seed}, {scenario}");
        }
    }
}

/// Writes scenarios to a folder, with our traces: `supervision/otp_trace.erl` writes those of real
/// Erlang/OTP beside them.
#[test]
#[ignore = "a tool: SCENARIOS names the folder, SEEDS the seeds as FIRST..LAST"]
fn write_random_scenarios() {
    let folder = PathBuf::from(std::env::var_os("SCENARIOS").expect("SCENARIOS is set"));
    let seeds = std::env::var("SEEDS").expect("SEEDS is set");
    let (first, last) = seeds.split_once("..").expect("FIRST..LAST");
    let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
    for seed in first..last {
        let scenario = random::scenario(seed);
        fs::write(folder.join(format!("{seed}.json")), scenario.to_string()).unwrap();
        fs::write(folder.join(format!("{seed}.ours")), trace(&scenario, 1)).unwrap();
    }
}
