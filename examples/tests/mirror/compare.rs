//! What a run left, beside what it should have left.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::place::Place;

/// Compares both trees in all that has to be kept; `diff` then compares them in its own way.
#[track_caller]
pub fn assert_identical(place: &Place) {
    let mut differences = Vec::new();
    compare(&place.src(), &place.dst(), &mut differences);
    assert!(differences.is_empty(), "{differences:#?}");
    let mut diff = Command::new("diff");
    diff.args(["-r", "--no-dereference"])
        .arg(place.src())
        .arg(place.dst());
    let Output {
        status,
        stdout,
        stderr,
    } = diff.output().unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    assert!(status.success() && said.is_empty(), "diff: {said}");
}

fn compare(src: &Path, dst: &Path, differences: &mut Vec<String>) {
    let mut differs = |what: &str| differences.push(format!("{}: {what}", dst.display()));
    let (Ok(a), Ok(b)) = (src.symlink_metadata(), dst.symlink_metadata()) else {
        return differs("missing");
    };
    if a.file_type() != b.file_type() {
        return differs("kind");
    }
    if a.mode() != b.mode() {
        differs(&format!("mode {:o} is {:o}", a.mode(), b.mode()));
    }
    if (a.mtime(), a.mtime_nsec()) != (b.mtime(), b.mtime_nsec()) {
        differs("time");
    }
    if a.is_symlink() {
        if fs::read_link(src).unwrap() != fs::read_link(dst).unwrap() {
            differs("target");
        }
    } else if a.is_dir() {
        let names = |path| {
            let mut names: Vec<_> = fs::read_dir(path)
                .unwrap()
                .map(|e| e.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        if names(src) != names(dst) {
            differs(&format!("{:?} is {:?}", names(src), names(dst)));
        }
        for name in names(src) {
            compare(&src.join(&name), &dst.join(&name), differences);
        }
    } else if a.len() != b.len() {
        differs("size");
    } else if a.len() < 64 << 20 && fs::read(src).unwrap() != fs::read(dst).unwrap() {
        differs("content");
    }
}

/// All temporary files of the program below a folder.
pub fn temporaries(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                left.push(entry.path());
            } else if entry.file_name().as_bytes().starts_with(b".mirror-tmp-") {
                found.push(entry.path());
            }
        }
    }
    found
}

pub fn count_files(root: &Path) -> usize {
    fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .fold(0, |n, entry| {
            n + if entry.file_type().is_ok_and(|t| t.is_dir()) {
                count_files(&entry.path())
            } else {
                1
            }
        })
}
