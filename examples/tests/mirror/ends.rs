//! Runs that end before their end.

use std::fs;
use std::path::PathBuf;
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
    }
    place.run(&[]).assert_code(0);
    assert_identical(&place);
}
