//! What an ordinary user may not do.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use crate::compare::{assert_identical, count_files};
use crate::place::Place;
use crate::run::Run;
use crate::trees::write;

/// Somebody without rights of their own.
const NOBODY: u32 = 65534;

/// As root everything can be read, so there the program runs as somebody else.
fn ordinary(place: &Place, flags: &[&str]) -> Command {
    if !geteuid().is_root() {
        return place.command(flags);
    }
    // The program may lie where nobody else may look. Another process copies it: a handle of ours
    // that is open for writing could be inherited by what other tests start meanwhile, and a program
    // that somebody may write to cannot be run.
    let program = place.0.join("program");
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_mirror"))
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let mut left = vec![place.src(), place.dst()];
    while let Some(path) = left.pop() {
        chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        }
    }
    let mut command = Command::new(program);
    command
        .arg(place.src())
        .arg(place.dst())
        .args(flags)
        .uid(NOBODY)
        .gid(NOBODY);
    command.current_dir("/").stdin(Stdio::null());
    command
}

#[test]
fn unreadable_files_are_named_and_the_rest_is_copied() {
    let place = Place::new("unreadable");
    for name in ["good", "bad", "locked/inner", "read only/inner"] {
        write(place.src().join(name), name);
    }
    fs::create_dir(place.dst()).unwrap();
    for (name, mode) in [("bad", 0o000), ("locked", 0o000), ("read only", 0o500)] {
        fs::set_permissions(place.src().join(name), Permissions::from_mode(mode)).unwrap();
    }
    for _ in 0..2 {
        let run = Run::of(ordinary(&place, &["--json"]));
        run.assert_code(1);
        assert_eq!(run.number("failed"), 2);
        assert_eq!(run.number("copied") + run.number("skipped"), 2);
        for name in ["bad", "locked"] {
            assert!(
                run.err.contains(&format!("failed: {name}: ")),
                "{}",
                run.err
            );
        }
    }
    assert_eq!(
        fs::metadata(place.dst().join("read only")).unwrap().mode() & 0o777,
        0o500
    );
    // A folder that withholds rights from its owner takes new files all the same.
    fs::set_permissions(place.src().join("read only"), Permissions::from_mode(0o700)).unwrap();
    write(place.src().join("read only/new"), "new");
    fs::set_permissions(place.src().join("read only"), Permissions::from_mode(0o500)).unwrap();
    for name in ["bad", "locked"] {
        fs::set_permissions(place.src().join(name), Permissions::from_mode(0o700)).unwrap();
    }
    Run::of(ordinary(&place, &[])).assert_code(0);
    assert_identical(&place);
}

#[test]
fn a_target_that_cannot_be_written_is_bad_usage() {
    let place = Place::new("unwritable");
    write(place.src().join("f"), "f");
    fs::create_dir(place.dst()).unwrap();
    fs::set_permissions(place.dst(), Permissions::from_mode(0o555)).unwrap();
    let run = Run::of(ordinary(&place, &[]));
    run.assert_code(2);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert_eq!(count_files(&place.dst()), 0);
}

#[test]
fn a_source_that_nobody_may_write_is_mirrored_again() {
    let place = Place::new("frozen");
    write(place.src().join("f"), "f");
    fs::create_dir(place.dst()).unwrap();
    let set = |mode| fs::set_permissions(place.src(), Permissions::from_mode(mode)).unwrap();
    for copied in ["f", "g", "h"] {
        set(0o755);
        write(place.src().join(copied), copied);
        set(0o555);
        let run = Run::of(ordinary(&place, &["--json"]));
        run.assert_code(0);
        assert_eq!((run.number("copied"), &*run.err), (1, ""));
        assert_identical(&place);
    }
}

#[test]
fn a_source_open_to_others_alone_is_mirrored_again() {
    if !geteuid().is_root() {
        return; // nobody else can be had
    }
    let place = Place::new("others");
    write(place.src().join("a/f"), "f");
    fs::create_dir(place.dst()).unwrap();
    for copied in [1, 0] {
        let command = ordinary(&place, &["--json"]);
        chown(place.src(), Some(0), Some(0)).unwrap();
        fs::set_permissions(place.src(), Permissions::from_mode(0o005)).unwrap();
        let run = Run::of(command);
        run.assert_code(0);
        assert_eq!((run.number("copied"), &*run.err), (copied, ""));
        assert_identical(&place);
    }
}

#[test]
fn a_source_that_cannot_be_read_is_one_failure() {
    let place = Place::new("closed");
    write(place.src().join("f"), "f");
    fs::create_dir(place.dst()).unwrap();
    let command = ordinary(&place, &["--json"]);
    fs::set_permissions(place.src(), Permissions::from_mode(0o300)).unwrap();
    let run = Run::of(command);
    run.assert_code(1);
    assert_eq!((run.number("failed"), run.number("files")), (1, 1));
    assert!(run.err.starts_with("mirror: failed: .: "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}
