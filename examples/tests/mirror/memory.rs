//! How much memory a run takes.

use std::fs::{self, File};
use std::io::Write;

use crate::compare::assert_identical;
use crate::place::Place;
use crate::trees::{bytes, small_files, write};

/// The bound on memory, in KiB.
const MOST_MEMORY: u64 = 150 * 1024;

#[test]
fn memory_is_bounded() {
    let place = Place::new("memory");
    small_files(&place.src(), 4000);
    write(place.src().join("large"), bytes(9, 100_000_000));
    let run = place.run(&[]);
    run.assert_code(0);
    assert!(
        run.memory > 0 && run.memory < MOST_MEMORY / 2,
        "{} KiB",
        run.memory
    );
    assert_identical(&place);
}

/// The figures of the requirement; minutes, and gigabytes of disk.
#[test]
#[ignore = "takes minutes and gigabytes"]
fn memory_is_bounded_for_large_and_many_files() {
    let place = Place::new("large");
    let path = place.src().join("large");
    let mut file = File::create(&path).unwrap();
    for n in 0..32 {
        file.write_all(&bytes(n, 64 << 20)).unwrap();
    }
    drop(file);
    let run = place.run(&[]);
    run.assert_code(0);
    eprintln!("2 GiB: {} KiB\n{}", run.memory, run.out);
    assert!(run.memory < MOST_MEMORY, "{} KiB", run.memory);
    fs::remove_file(path).unwrap();
    small_files(&place.src(), 200_000);
    let run = place.run(&["--delete"]);
    run.assert_code(0);
    eprintln!("200 000 files: {} KiB\n{}", run.memory, run.out);
    assert!(run.memory < MOST_MEMORY, "{} KiB", run.memory);
    assert_identical(&place);
}
