//! What SRC lacks, and what is in the way.

use std::fs;
use std::os::unix::fs::symlink;

use crate::compare::assert_identical;
use crate::place::Place;
use crate::trees::{small_files, write};

#[test]
fn what_src_lacks_is_named_and_removed_only_on_request() {
    let place = Place::new("extra");
    write(place.src().join("kept/f"), "f");
    write(place.dst().join("old/deep/f"), "f");
    write(place.dst().join("kept/g"), "g");
    symlink("../src/kept", place.dst().join("out")).unwrap();
    let run = place.run(&["--json"]);
    run.assert_code(0);
    for name in ["old", "kept/g", "out"] {
        assert!(
            run.err.lines().any(|l| l.ends_with(name)),
            "{name}: {}",
            run.err
        );
        assert!(place.dst().join(name).symlink_metadata().is_ok());
    }
    let run = place.run(&["--json", "--delete"]);
    run.assert_code(0);
    assert_eq!(run.err.lines().count(), 3, "{}", run.err);
    assert_identical(&place);
    assert!(place.src().join("kept/f").exists());
}

#[test]
fn a_file_where_a_folder_should_be_is_a_failed_file() {
    let place = Place::new("clash");
    write(place.src().join("folder/inner"), "inner");
    write(place.src().join("file"), "file");
    write(place.src().join("good"), "good");
    write(place.dst().join("folder"), "in the way");
    write(place.dst().join("file/inner"), "in the way");
    let run = place.run(&["--json"]);
    run.assert_code(1);
    assert_eq!((run.number("failed"), run.number("copied")), (2, 1));
    assert_eq!(run.json()["verified"], "false");
    for name in ["folder", "file"] {
        assert!(
            run.err.contains(&format!("failed: {name}: ")),
            "{}",
            run.err
        );
    }
    assert_eq!(
        fs::read_to_string(place.dst().join("folder")).unwrap(),
        "in the way"
    );
    assert_eq!(
        fs::read_to_string(place.dst().join("good")).unwrap(),
        "good"
    );
}

#[test]
fn all_that_is_removed_under_chaos_is_named_once() {
    let place = Place::new("doomed");
    small_files(&place.src(), 500);
    for seed in 1..4 {
        let mut doomed = Vec::new();
        for n in 0..200 {
            let name = format!("d0/e{}/old {n}", n / 20);
            write(place.dst().join(&name), "old");
            doomed.push(format!("mirror: only in DST, removed: {name}"));
        }
        let run = place.run(&["--delete", "--chaos", &seed.to_string()]);
        run.assert_code(0);
        let named: Vec<_> = run.err.lines().collect();
        let unnamed = doomed.iter().filter(|line| !named.contains(&line.as_str()));
        assert_eq!(unnamed.count(), 0, "seed {seed}");
        assert_eq!(named.len(), doomed.len(), "seed {seed}");
        assert!(run.out.contains("200 only in DST, removed"), "{}", run.out);
        assert_identical(&place);
        fs::remove_dir_all(place.dst()).unwrap();
    }
}
