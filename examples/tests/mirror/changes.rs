//! Files that change while they are read.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::compare::{assert_identical, temporaries};
use crate::place::Place;
use crate::run::Run;
use crate::trees::write;

#[test]
fn a_file_that_keeps_changing_is_reported() {
    let place = Place::new("changing");
    write(place.src().join("good"), "good");
    let path = place.src().join("inner/busy");
    write(&path, vec![0; 16 << 20]);
    let time = |root: PathBuf| {
        fs::metadata(root.join("inner"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let mut file = File::options().append(true).open(&path).unwrap();
    let mut command = place.command(&["--json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while child.try_wait().unwrap().is_none() {
        file.write_all(b"more").unwrap();
        thread::sleep(Duration::from_micros(100));
    }
    let run = Run::end(child);
    run.assert_code(1);
    assert_eq!((run.number("copied"), run.number("failed")), (1, 1));
    assert!(run.err.contains("failed: inner/busy: "), "{}", run.err);
    assert_eq!(temporaries(&place.dst()), Vec::<PathBuf>::new());
    assert_eq!(time(place.src()), time(place.dst()));
    place.run(&[]).assert_code(0);
    assert_identical(&place);
}
