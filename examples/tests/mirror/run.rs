//! A run of the program: how it is started, and what it said.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::compare::count_files;
use crate::place::Place;

/// A run that takes longer hangs.
pub const LIMIT: Duration = Duration::from_secs(300);

pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub memory: u64,
}

impl Run {
    pub fn of(mut command: Command) -> Self {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self::end(child)
    }

    /// Waits for the end, and kills a run that hangs.
    pub fn end(mut child: Child) -> Self {
        let start = Instant::now();
        let mut memory = 0;
        let status = format!("/proc/{}/status", child.id());
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = thread::spawn(move || {
            let mut bytes = Vec::new();
            err.read_to_end(&mut bytes).map(|_| bytes)
        });
        let read_out = thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).map(|_| bytes)
        });
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            memory = memory.max(peak_memory(&status).unwrap_or(0));
            if start.elapsed() > LIMIT {
                child.kill().unwrap();
                child.wait().unwrap();
                let err = read.join().unwrap().unwrap();
                panic!("mirror hangs; it said:\n{}", String::from_utf8_lossy(&err));
            }
            thread::sleep(Duration::from_millis(3));
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        let out = text(read_out.join().unwrap().unwrap());
        let err = text(read.join().unwrap().unwrap());
        Self {
            code,
            out,
            err,
            memory,
        }
    }

    /// The last line of the output, which must be one flat JSON object.
    pub fn json(&self) -> BTreeMap<String, String> {
        let line = self.out.lines().last().unwrap_or_default();
        let inner = line.strip_prefix('{').and_then(|l| l.strip_suffix('}'));
        let Some(inner) = inner else {
            panic!("no object: {line:?}; stderr: {}", self.err)
        };
        let pair = |field: &str| {
            let (name, value) = field.split_once(':').expect("a pair");
            (name.trim_matches('"').to_owned(), value.to_owned())
        };
        inner.split(',').map(pair).collect()
    }

    pub fn number(&self, name: &str) -> u64 {
        self.json()[name].parse().unwrap()
    }

    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        assert_eq!(
            self.code,
            Some(code),
            "\nstdout: {}\nstderr: {}",
            self.out,
            self.err
        );
    }
}

fn peak_memory(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Starts a run and waits until it is in the middle.
pub fn start_and_wait_for(place: &Place, flags: &[&str], files: usize) -> Child {
    let mut command = place.command(flags);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while count_files(&place.dst()) < files {
        assert!(start.elapsed() < LIMIT, "it never gets there");
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        thread::sleep(Duration::from_millis(1));
    }
    child
}

pub fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}
