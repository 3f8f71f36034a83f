//! What is said and asked on the command line.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};

use crate::compare::count_files;
use crate::place::Place;
use crate::run::Run;
use crate::trees::{mixed_tree, write};

#[test]
fn bad_usage_is_one_line_and_touches_nothing() {
    let place = Place::new("usage");
    write(place.src().join("f"), "f");
    let path = |name: &str| place.0.join(name).into_os_string();
    let word = |text: &str| OsStr::new(text).to_owned();
    let (src, dst) = (path("src"), path("dst"));
    let cases = [
        vec![],
        vec![src.clone()],
        vec![src.clone(), dst.clone(), path("third")],
        vec![path("missing"), dst.clone()],
        vec![path("src/f"), dst.clone()],
        vec![src.clone(), src.clone()],
        vec![src.clone(), path("src/inner/most")],
        vec![src.clone(), path("src/f")],
        vec![place.0.clone().into_os_string(), path("src")],
        vec![src.clone(), dst.clone(), word("--fast")],
        vec![src.clone(), dst.clone(), word("-z")],
        vec![src.clone(), dst.clone(), word("--jobs"), word("0")],
        vec![src.clone(), dst.clone(), word("--jobs"), word("four")],
        vec![src.clone(), dst.clone(), word("--jobs")],
        vec![src.clone(), dst.clone(), word("--jobs"), word("9999")],
        vec![src.clone(), dst.clone(), word("--chaos"), word("-1")],
        vec![
            src.clone(),
            dst.clone(),
            word("--chaos"),
            word("99999999999999999999"),
        ],
        vec![src.clone(), dst.clone(), word("--chaos")],
        vec![src.clone(), dst.clone(), word("--json=1")],
        vec![src.clone(), dst.clone(), word("--new\nline")],
        vec![path("two\nlines"), dst.clone()],
        vec![src.clone(), path("src/f/two\nlines")],
        vec![src.clone(), path("src/two\nlines")],
        vec![src.clone(), dst.clone(), word("third\nfolder")],
    ];
    for words in cases {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
        command.args(&words);
        let run = Run::of(command);
        assert_eq!(run.code, Some(2), "{words:?}: {}", run.err);
        assert_eq!(
            (run.err.lines().count(), &*run.out),
            (1, ""),
            "{words:?}: {}",
            run.err
        );
        assert!(run.err.starts_with("mirror: "), "{}", run.err);
    }
    assert_eq!(
        fs::read_dir(&place.0).unwrap().count(),
        1,
        "nothing was made"
    );
    assert_eq!(count_files(&place.src()), 1);
}

#[test]
fn the_same_folder_twice_is_called_that() {
    let place = Place::new("same");
    write(place.src().join("f"), "f");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
    command.args([place.src(), place.src().join(".")]);
    let run = Run::of(command);
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.contains(" is the same folder as SRC "),
        "{}",
        run.err
    );
}

#[test]
fn help_and_version_are_no_errors() {
    for flag in ["--help", "--version"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
        command.arg(flag);
        let run = Run::of(command);
        run.assert_code(0);
        assert!(run.out.contains("mirror"), "{}", run.out);
    }
}

#[test]
fn quiet_says_nothing_and_json_one_line() {
    let place = Place::new("quiet");
    mixed_tree(&place.src());
    let run = place.run(&["--quiet"]);
    run.assert_code(0);
    assert_eq!((&*run.out, &*run.err), ("", ""));
    let run = place.run(&["--quiet", "--json"]);
    assert_eq!(run.out.lines().count(), 1);
    assert_eq!(run.json().len(), 8);
}

/// Whoever has left does not want to hear why.
#[test]
fn a_report_that_cannot_be_written_is_said() {
    let place = Place::new("full");
    write(place.src().join("f"), "f");
    let run = |args: &[&OsStr], out: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
        let child = command.args(args).stdout(out).stderr(Stdio::piped());
        let end = child.spawn().unwrap().wait_with_output().unwrap();
        (end.status.code(), String::from_utf8(end.stderr).unwrap())
    };
    let (src, dst) = (place.0.join("src"), place.0.join("dst"));
    let copy = [src.as_os_str(), dst.as_os_str(), OsStr::new("--json")];
    for args in [&copy[..], &[OsStr::new("--help")]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = run(args, full.into());
        assert_eq!(code, Some(1));
        assert!(said.starts_with("mirror: standard output: "), "{said}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(run(args, writer.into()), (Some(1), String::new()));
    }
}
