//! Traces of supervision: as real Erlang/OTP gives them, and the same however supervisors are
//! spread over localities, and whatever drives those.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[path = "../supervision_trace/host.rs"]
mod host;
#[path = "../supervision_trace/line.rs"]
mod line;
#[path = "../supervision_trace/loops.rs"]
mod loops;
#[path = "../supervision_trace/play.rs"]
mod play;
#[path = "supervision/random.rs"]
mod random;
#[path = "../supervision_trace/scenario.rs"]
mod scenario;
#[path = "../supervision_trace/stepped.rs"]
mod stepped;
#[path = "../supervision_trace/tree.rs"]
mod tree;
#[path = "../supervision_trace/worker.rs"]
mod worker;
#[path = "../supervision_trace/world.rs"]
mod world;

use host::{Host, Simulated};
use loops::Loops;
use scenario::Scenario;
use stepped::BACKENDS;

fn trace(scenario: &Value, spread: usize) -> String {
    trace_on(scenario, Box::new(Simulated::new(spread)))
}

fn trace_on(scenario: &Value, host: Box<dyn Host>) -> String {
    let scenario: Scenario = serde_json::from_value(scenario.clone()).expect("a scenario");
    assert_eq!(scenario.check(), Ok(()));
    let lines = play::play(&scenario, host).expect("it has an end");
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

/// Runs the program: its exit code, what it prints, and what it says is wrong.
fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_supervision_trace"))
        .args(args)
        .output()
        .expect("it can be run");
    let text = |bytes| String::from_utf8(bytes).expect("a text");
    (run.status.code(), text(run.stdout), text(run.stderr))
}

#[test]
fn m22_the_public_cases_give_the_traces_of_erlang() {
    let loops = BACKENDS.iter().map(|(name, _)| *name);
    let drivers: Vec<&str> = std::iter::once("sim").chain(loops).collect();
    assert_eq!(drivers, ["sim", "driver", "mio", "glib", "smol"]);
    for file in cases() {
        let expected = fs::read_to_string(file.with_extension("trace")).expect("a trace");
        let file = file.to_str().expect("a text");
        for spread in ["1", "5"] {
            for on in &drivers {
                let (code, found, wrong) = run(&[file, "--spread", spread, "--on", on]);
                assert_eq!(code, Some(0), "{wrong}");
                assert_eq!(found, expected, "{file} --spread {spread} --on {on}");
            }
        }
    }
}

#[test]
fn what_is_wrong_with_the_command_line_is_said_in_a_line() {
    let cases = [
        (vec![], "SCENARIO.json is missing; --help shows the usage"),
        (
            vec!["x.json", "--on", "qt"],
            "--on takes sim, driver, mio, glib, smol, not \"qt\"; --help shows the usage",
        ),
        (
            vec!["x.json", "--spread", "0"],
            "--spread takes 1 to 1000, not \"0\"; --help shows the usage",
        ),
        (
            vec!["x.json", "y.json"],
            "unexpected argument \"y.json\"; --help shows the usage",
        ),
        (
            vec!["no such.json"],
            "no such.json: No such file or directory (os error 2)",
        ),
    ];
    for (args, text) in cases {
        let wrong = (
            Some(2),
            String::new(),
            format!("supervision_trace: {text}\n"),
        );
        assert_eq!(run(&args), wrong, "{args:?}");
    }
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(help.contains("usage: supervision_trace SCENARIO.json"));
}

#[test]
fn what_is_wrong_with_a_scenario_is_said_in_a_line() {
    let with = |spec: &str, commands: &str| {
        format!(r#"{{"root": {{"id": "top", {spec}}}, "commands": [{commands}]}}"#)
    };
    let worker = |fields: &str| with(&format!(r#""children": [{{"id": "a", {fields}}}]"#), "");
    let command = |command: &str| with(r#""children": []"#, command);
    let cases = [
        (with(r#""intensty": 3"#, ""), "unknown field `intensty`"),
        (
            with(r#""strategy": "simple_one_for_one""#, ""),
            "top: a simple_one_for_one supervisor has one worker, its template",
        ),
        (worker(r#""init": []"#), "`init` is empty"),
        (
            worker(r#""shutdown": "never""#),
            "`shutdown` is milliseconds, brutal_kill or infinity",
        ),
        (
            with(r#""children": [{"id": "a"}, {"id": "a"}]"#, ""),
            "two specs have the id a",
        ),
        (
            with(r#""type": "worker""#, ""),
            "top: the root is a supervisor",
        ),
        (with(r#""period": 0"#, ""), "top: `period` is at least 1"),
        (
            with(r#""children": [{"id": "A-b"}]"#, ""),
            "a name is made of a-z, 0-9 and _, not \"A-b\"",
        ),
        (
            command(r#"{"cmd": "start_child", "sup": "top", "name": ""}"#),
            "command 1: a name is made of a-z, 0-9 and _, not \"\"",
        ),
        (
            command(r#"["kill"]"#),
            "invalid length 0, expected a command, as {\"cmd\": ..}",
        ),
        (
            worker(r#""on_shutdown": "delay:soon""#),
            "`delay` takes milliseconds, not \"soon\"",
        ),
        (
            worker(r#""on_shutdown": "stay""#),
            "`on_shutdown` is exit, delay:MS, ignore or exit:REASON, not \"stay\"",
        ),
        (
            command(r#"{"cmd": "stop", "target": "a", "reason": "bored"}"#),
            "a reason is normal, shutdown, shutdown:TEXT or crash:TEXT, not \"bored\"",
        ),
        (
            command(r#"{"cmd": "kill", "target": "a", "reason": "normal"}"#),
            "unknown field `reason`",
        ),
        (
            command(r#"{"cmd": "start_child", "sup": "top"}"#),
            "`start_child` has one of `spec`, for a child, and `name`, for an instance",
        ),
        (
            command(r#"{"cmd": "count_children"}"#),
            "command 1: `count_children` lacks `sup`",
        ),
        (
            command(r#"{"cmd": "burst", "sup": "top", "items": [{"cmd": "sleep", "ms": 1}]}"#),
            "command 1: `sleep` is no item of a burst",
        ),
    ];
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenario.json");
    let name = file.to_str().expect("a text");
    for (scenario, text) in cases {
        fs::write(&file, &scenario).expect("a file can be written");
        let (code, trace, wrong) = run(&[name]);
        assert_eq!((code, trace), (Some(2), String::new()), "{scenario}");
        let start = format!("supervision_trace: {name}: this is no scenario: {text}");
        assert!(
            wrong.starts_with(&start) && wrong.lines().count() == 1,
            "{scenario}: {wrong}"
        );
    }
    // The trace has no place for the reason.
    let in_vain = worker(r#""significant": true"#);
    fs::write(&file, in_vain).expect("a file can be written");
    let (code, trace, wrong) = run(&[name]);
    assert_eq!(code, Some(0));
    assert!(trace.contains("error:start_failed"), "{trace}");
    assert!(
        wrong.starts_with("supervision_trace: the tree cannot start: "),
        "{wrong}"
    );
    // Nor for what Erlang would wait for, too.
    let stays = r#""children": [{"id": "a", "shutdown": "infinity", "on_shutdown": "ignore"}]"#;
    let ends = r#"{"cmd": "terminate_child", "sup": "top", "child": "a"}"#;
    for commands in ["", ends] {
        fs::write(&file, with(stays, commands)).expect("a file can be written");
        for on in ["sim", "driver", "mio", "glib", "smol"] {
            let (code, trace, wrong) = run(&[name, "--on", on]);
            assert_eq!((code, trace), (Some(2), String::new()), "{on}, {commands}");
            let start = format!("supervision_trace: {name}: the tree never comes to rest: ");
            assert!(wrong.starts_with(&start), "{on}, {commands}: {wrong}");
        }
    }
    fs::remove_file(&file).expect("it is there");
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

#[test]
fn random_scenarios_give_the_same_trace_on_every_loop() {
    // 1130: a supervisor comes to a loop from which another one has gone.
    for seed in 1100..1160 {
        let scenario = random::scenario(seed);
        let simulated = trace(&scenario, 1);
        for (name, make) in BACKENDS {
            for spread in [1, 5] {
                let loops = Loops::new(*make, spread).expect("loops can be made");
                let found = trace_on(&scenario, Box::new(loops));
                assert_eq!(
                    found, simulated,
                    "{name}, {spread}, seed {seed}, {scenario}"
                );
            }
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
