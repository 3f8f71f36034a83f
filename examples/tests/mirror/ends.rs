//! Runs that end before their end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::compare::{assert_identical, count_files, temporaries};
use crate::place::Place;
use crate::run::{Run, signal, start_and_wait_for};
use crate::trees::{bytes, small_files, write};

#[test]
fn a_killed_run_is_completed_by_the_next() {
    let place = Place::new("kill");
    small_files(&place.src(), 3000);
    write(place.src().join("z"), bytes(9, 20_000_000));
    let mut child = start_and_wait_for(&place, &[], 300);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(count_files(&place.dst()) < 3001);
    // A file that looks like a temporary one but is none stays what it is.
    write(place.src().join(".mirror-tmp-notes"), "notes");
    let run = place.run(&["--json"]);
    run.assert_code(0);
    assert!(run.number("skipped") > 0, "what was done is not done again");
    assert_identical(&place);
}

#[test]
fn an_interrupt_ends_the_run_in_order() {
    let place = Place::new("interrupt");
    small_files(&place.src(), 3000);
    write(place.src().join("0"), bytes(9, 50_000_000));
    for stop in [Signal::INT, Signal::TERM] {
        let _ = fs::remove_dir_all(place.dst());
        let child = start_and_wait_for(&place, &["--json"], 100);
        let start = Instant::now();
        signal(&child, stop);
        let run = Run::end(child);
        let took = start.elapsed();
        run.assert_code(130);
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!(temporaries(&place.dst()), Vec::<PathBuf>::new());
        assert_eq!(run.json()["verified"], "false");
        assert_says_how_far_it_came(&run);
    }
    place.run(&[]).assert_code(0);
    assert_identical(&place);
}

/// `mirror: interrupted: 120 of 3001 files, ...` is the last line for people.
fn assert_says_how_far_it_came(run: &Run) {
    let line = run.err.lines().last().unwrap_or_default();
    let Some(rest) = line.strip_prefix("mirror: interrupted: ") else {
        panic!("{}", run.err)
    };
    let numbers: Vec<u64> = rest
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    let [files, found, bytes, found_bytes] = numbers[..] else {
        panic!("{line}")
    };
    assert_eq!((files, bytes), (run.number("files"), run.number("bytes")));
    assert!(files < found && found <= 3001, "{line}");
    assert!(bytes < found_bytes && found_bytes < 100_000_000, "{line}");
}

#[test]
fn a_target_is_for_one_run_at_a_time() {
    let place = Place::new("claim");
    small_files(&place.src(), 3000);
    write(place.src().join("0"), bytes(9, 50_000_000));
    let mut first = start_and_wait_for(&place, &[], 100);
    signal(&first, Signal::STOP);
    assert_is_refused(&place.run(&[]));
    // However the first one ends, nothing of it stands in the way of the next.
    first.kill().unwrap();
    first.wait().unwrap();
    // What looks like a leftover of a run is one of this one's.
    let held = File::open(place.dst()).unwrap();
    held.lock().unwrap();
    let before = listing(&place.dst());
    assert_is_refused(&place.run(&["--delete"]));
    assert_eq!(listing(&place.dst()), before);
    drop(held);
    place.run(&[]).assert_code(0);
    assert_identical(&place);
}

#[track_caller]
fn assert_is_refused(run: &Run) {
    run.assert_code(2);
    assert_eq!((run.err.lines().count(), &*run.out), (1, ""), "{}", run.err);
    assert!(run.err.contains("in use by another run"), "{}", run.err);
}

/// All names below a folder, sorted.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(listing(&path));
        }
        names.push(path);
    }
    names.sort();
    names
}
