//! Crashes on purpose.

use std::fs;
use std::os::unix::fs::symlink;

use crate::compare::assert_identical;
use crate::place::Place;
use crate::run::Run;
use crate::trees::{bytes, mixed_tree, small_files, write};

#[test]
fn chaos_changes_nothing_about_the_result() {
    let place = Place::new("chaos");
    small_files(&place.src(), 5000);
    write(place.src().join("big"), bytes(9, 5_000_000));
    symlink("big", place.src().join("link")).unwrap();
    let run = place.run(&["--chaos", "7", "--json"]);
    run.assert_code(0);
    assert!(run.number("restarts") >= 50, "{}", run.out);
    assert_eq!((run.number("files"), run.number("copied")), (5002, 5002));
    assert_eq!(run.err, "", "panic texts go to the report");
    for text in ["chaos: ", "plan", "tree:", "reader", "writer"] {
        assert!(run.out.contains(text), "{text}: {}", run.out);
    }
    assert_each_restart_is_named(&run);
    assert_identical(&place);
    let again = place.run(&["--chaos", "8", "--json"]);
    again.assert_code(0);
    assert_eq!((again.number("copied"), again.number("skipped")), (0, 5002));
}

#[test]
fn chaos_hits_small_trees_with_any_seed() {
    let place = Place::new("seeds");
    for seed in ["0", "1", "2", "18446744073709551615"] {
        let _ = fs::remove_dir_all(place.dst());
        let _ = fs::remove_dir_all(place.src());
        mixed_tree(&place.src());
        small_files(&place.src().join("more"), 100);
        let run = place.run(&["--chaos", seed, "--json", "--jobs", "2"]);
        run.assert_code(0);
        assert!(run.number("restarts") > 0);
        assert_identical(&place);
    }
}

/// The report has a section `N restarts:`, with lines for actors, and below each lines for causes,
/// which stand further to the right.
fn assert_each_restart_is_named(run: &Run) {
    let lines = run.out.lines().skip_while(|l| !l.ends_with(" restarts:"));
    let section = lines.skip(1).take_while(|line| !line.is_empty());
    let (mut actors, mut causes) = (0, 0);
    for line in section {
        let count = line.trim_start();
        let number: u64 = count.split(' ').next().unwrap().parse().unwrap();
        if line.len() - count.len() + count.find(' ').unwrap() > 6 {
            causes += number;
        } else {
            actors += number;
        }
        assert!(!line.contains("nobody has said"), "{}", run.out);
    }
    let restarts = run.number("restarts");
    assert_eq!((actors, causes), (restarts, restarts), "{}", run.out);
}
