//! What is copied is the same in all that is kept.

use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mkfifoat};

use crate::compare::{assert_identical, count_files};
use crate::place::Place;
use crate::trees::{bytes, mixed_tree, set_time, write};

#[test]
fn a_copy_is_identical_in_all_that_is_kept() {
    let place = Place::new("mixed");
    mixed_tree(&place.src());
    let run = place.run(&["--json"]);
    run.assert_code(0);
    assert_identical(&place);
    assert_eq!(run.err, "");
    assert_eq!(run.number("files"), run.number("copied"));
    assert_eq!(run.number("files"), count_files(&place.src()) as u64);
    assert_eq!((run.number("failed"), run.number("restarts")), (0, 0));
    assert_eq!(run.json()["verified"], "true");
    assert_eq!(fs::metadata(place.dst().join("big")).unwrap().nlink(), 1);
}

#[test]
fn a_second_run_copies_nothing() {
    let place = Place::new("second");
    mixed_tree(&place.src());
    let first = place.run(&["--json"]);
    let id = |name: &str| fs::symlink_metadata(place.dst().join(name)).unwrap().ino();
    let before = ["big", "dangling", "empty file"].map(id);
    for flags in [&["--json"][..], &["--json", "--checksum"]] {
        let run = place.run(flags);
        run.assert_code(0);
        assert_eq!(
            (run.number("copied"), run.number("failed")),
            (0, 0),
            "{flags:?}"
        );
        assert_eq!(run.number("skipped"), first.number("files"));
        assert_eq!(run.number("bytes"), first.number("bytes"));
        assert_identical(&place);
    }
    assert_eq!(before, ["big", "dangling", "empty file"].map(id));
}

#[test]
fn what_changed_is_copied_again() {
    let place = Place::new("changed");
    mixed_tree(&place.src());
    place.run(&[]).assert_code(0);
    write(place.src().join("a/b/c/deep"), "DEEPER");
    write(place.src().join("new/file"), "new");
    fs::remove_file(place.src().join("dangling")).unwrap();
    symlink("elsewhere", place.src().join("dangling")).unwrap();
    fs::set_permissions(place.src().join("big"), Permissions::from_mode(0o600)).unwrap();
    set_time(place.src().join("empty"), 77, 7);
    let run = place.run(&["--json"]);
    run.assert_code(0);
    assert_eq!(run.number("copied"), 3);
    assert_identical(&place);
}

#[test]
fn checksum_finds_what_size_and_time_hide() {
    let place = Place::new("checksum");
    let (src, dst) = (place.src().join("f"), place.dst().join("f"));
    write(&src, vec![1; 1 << 20]);
    write(place.src().join("g"), "same");
    place.run(&[]).assert_code(0);
    let mut other = vec![1; 1 << 20];
    other[1_000_000] = 2;
    write(&dst, other);
    let time = fs::metadata(&src).unwrap().modified().unwrap();
    File::options()
        .write(true)
        .open(&dst)
        .unwrap()
        .set_modified(time)
        .unwrap();
    assert_eq!(place.run(&["--json"]).number("copied"), 0);
    let run = place.run(&["--json", "--checksum"]);
    run.assert_code(0);
    assert_eq!((run.number("copied"), run.number("skipped")), (1, 1));
    // A time alone is set without a copy.
    set_time(&src, 1_000_000_000, 0);
    assert_eq!(place.run(&["--json", "--checksum"]).number("copied"), 0);
    assert_identical(&place);
}

#[test]
fn a_file_over_four_gib_keeps_its_holes() {
    let place = Place::new("sparse");
    let path = place.src().join("sparse");
    let mut file = File::create(&path).unwrap();
    file.write_all_at(b"begin", 0).unwrap();
    file.write_all_at(&bytes(5, 300_000), (4 << 30) - 100_000)
        .unwrap();
    file.set_len((5 << 30) + 1).unwrap();
    let hollow = File::create(place.src().join("hollow")).unwrap();
    hollow.set_len(100 << 20).unwrap();
    file.flush().unwrap();
    let run = place.run(&["--json"]);
    run.assert_code(0);
    assert_eq!(run.number("bytes"), (5 << 30) + 1 + (100 << 20));
    let copy = place.dst().join("sparse");
    let meta = fs::metadata(&copy).unwrap();
    assert_eq!(meta.len(), (5 << 30) + 1);
    assert!(meta.blocks() * 512 < 2 << 20, "{} blocks", meta.blocks());
    assert_eq!(
        fs::metadata(place.dst().join("hollow")).unwrap().blocks(),
        0
    );
    // All that is not a hole, read back.
    let mut copy = File::open(copy).unwrap();
    let mut both = [vec![0; 400_000], vec![0; 400_000]];
    for at in [0, (4 << 30) - 200_000, (5 << 30) + 1 - 400_000] {
        for (file, buf) in [&mut file_again(&path), &mut copy]
            .into_iter()
            .zip(&mut both)
        {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.read_exact(buf).unwrap();
        }
        assert!(both[0] == both[1], "at {at}");
    }
    let run = place.run(&["--json", "--checksum"]);
    run.assert_code(0);
    assert_eq!(run.number("copied"), 0);
}

fn file_again(path: &Path) -> File {
    File::open(path).unwrap()
}

#[test]
fn special_files_are_skipped_with_a_warning() {
    let place = Place::new("special");
    write(place.src().join("f"), "f");
    mkfifoat(CWD, place.src().join("pipe"), Mode::from_raw_mode(0o644)).unwrap();
    let _socket = UnixListener::bind(place.src().join("socket")).unwrap();
    let mut names = vec!["pipe", "socket"];
    let device = rustix::fs::makedev(1, 3);
    let made = rustix::fs::mknodat(
        CWD,
        place.src().join("device"),
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o666),
        device,
    );
    if made.is_ok() {
        names.push("device");
    }
    let run = place.run(&["--json"]);
    run.assert_code(0);
    assert_eq!((run.number("files"), run.number("copied")), (1, 1));
    for name in names {
        assert!(
            run.err
                .lines()
                .any(|l| l.contains("warning") && l.ends_with(name)),
            "{}",
            run.err
        );
        assert!(place.dst().join(name).symlink_metadata().is_err());
    }
}

#[test]
fn any_number_of_jobs_will_do() {
    let place = Place::new("jobs");
    for jobs in ["1", "3", "16"] {
        let _ = fs::remove_dir_all(place.dst());
        let _ = fs::remove_dir_all(place.src());
        mixed_tree(&place.src());
        place.run(&["--jobs", jobs]).assert_code(0);
        assert_identical(&place);
    }
}
