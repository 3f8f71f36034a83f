//! Runs the program `mirror` over generated trees and looks at what it leaves.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};
use std::{env, process, thread};

use rustix::fs::{CWD, FileType, Mode, mkfifoat};
use rustix::process::{Pid, Signal, geteuid, kill_process};

/// A run that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// The bound on memory, in KiB.
const MOST_MEMORY: u64 = 150 * 1024;

/// Somebody without rights of their own.
const NOBODY: u32 = 65534;

// ---- a place for one test ----

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("mirror-test-{name}-{}-{number}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("src")).unwrap();
        Self(path)
    }

    fn src(&self) -> PathBuf {
        self.0.join("src")
    }

    fn dst(&self) -> PathBuf {
        self.0.join("dst")
    }

    /// The program, with both folders and these flags.
    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
        command
            .arg(self.src())
            .arg(self.dst())
            .args(flags)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, flags: &[&str]) -> Run {
        Run::of(self.command(flags))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !thread::panicking() || env::var_os("KEEP").is_none() {
            open_up(&self.0);
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Gives folders back to their owner, so that they can be removed.
fn open_up(path: &Path) {
    let _ = fs::set_permissions(path, Permissions::from_mode(0o755));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            open_up(&entry.path());
        }
    }
}

// ---- a run ----

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
    memory: u64,
}

impl Run {
    fn of(mut command: Command) -> Self {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self::end(child)
    }

    /// Waits for the end, and kills a run that hangs.
    fn end(mut child: Child) -> Self {
        let start = Instant::now();
        let mut memory = 0;
        let status = format!("/proc/{}/status", child.id());
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = thread::spawn(move || {
            let mut bytes = Vec::new();
            err.read_to_end(&mut bytes).map(|_| bytes)
        });
        let read_out = thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).map(|_| bytes)
        });
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            memory = memory.max(peak_memory(&status).unwrap_or(0));
            if start.elapsed() > LIMIT {
                child.kill().unwrap();
                child.wait().unwrap();
                let err = read.join().unwrap().unwrap();
                panic!("mirror hangs; it said:\n{}", String::from_utf8_lossy(&err));
            }
            thread::sleep(Duration::from_millis(3));
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        let out = text(read_out.join().unwrap().unwrap());
        let err = text(read.join().unwrap().unwrap());
        Self {
            code,
            out,
            err,
            memory,
        }
    }

    /// The last line of the output, which must be one flat JSON object.
    fn json(&self) -> BTreeMap<String, String> {
        let line = self.out.lines().last().unwrap_or_default();
        let inner = line.strip_prefix('{').and_then(|l| l.strip_suffix('}'));
        let Some(inner) = inner else {
            panic!("no object: {line:?}; stderr: {}", self.err)
        };
        let pair = |field: &str| {
            let (name, value) = field.split_once(':').expect("a pair");
            (name.trim_matches('"').to_owned(), value.to_owned())
        };
        inner.split(',').map(pair).collect()
    }

    fn number(&self, name: &str) -> u64 {
        self.json()[name].parse().unwrap()
    }

    #[track_caller]
    fn assert_code(&self, code: i32) {
        assert_eq!(
            self.code,
            Some(code),
            "\nstdout: {}\nstderr: {}",
            self.out,
            self.err
        );
    }
}

fn peak_memory(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

// ---- trees ----

fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn set_time(path: impl AsRef<Path>, seconds: u64, nanos: u32) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
    File::open(path).unwrap().set_modified(time).unwrap();
}

fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}

/// `count` small files in folders of 50.
fn small_files(root: &Path, count: usize) {
    let mut random = fastrand::Rng::with_seed(count as u64);
    for n in 0..count {
        let folder = root.join(format!("d{}/e{}", n / 500, n / 50));
        if n % 50 == 0 {
            fs::create_dir_all(&folder).unwrap();
        }
        let length = random.usize(..3000);
        let path = folder.join(format!("f{n}"));
        fs::write(path, bytes(n as u64, length)).unwrap();
    }
}

/// A tree with one of everything that has to be kept.
fn mixed_tree(root: &Path) {
    write(root.join("empty file"), "");
    write(root.join("a/b/c/deep"), "deep");
    write(root.join("big"), bytes(1, 3_000_000));
    write(root.join("chunk"), bytes(2, 128 * 1024));
    write(root.join("chunk and one"), bytes(3, 128 * 1024 + 1));
    write(root.join(OsStr::from_bytes(b"a/not utf-8 \xff\xfe")), "odd");
    write(root.join("a/new\nline"), "odd");
    write(root.join("a/ quote\" and \\ and \t"), "odd");
    write(root.join("-dash"), "odd");
    write(root.join("x".repeat(255)), "long");
    write(root.join(OsStr::from_bytes(b"folder \xff\n/inner")), "odd");
    fs::create_dir_all(root.join("empty/er")).unwrap();
    symlink("big", root.join("link")).unwrap();
    symlink("nowhere/at all", root.join("dangling")).unwrap();
    symlink("a", root.join("link to folder")).unwrap();
    symlink(OsStr::from_bytes(b"odd \xff\n"), root.join("a/odd link")).unwrap();
    symlink("/etc/passwd", root.join("a/absolute")).unwrap();
    fs::hard_link(root.join("big"), root.join("a/hard link")).unwrap();
    for (path, mode) in [
        ("big", 0o4755),
        ("chunk", 0o400),
        ("-dash", 0o000),
        ("a/b", 0o1777),
    ] {
        fs::set_permissions(root.join(path), Permissions::from_mode(mode)).unwrap();
    }
    set_time(root.join("chunk"), 1_000_000_000, 1);
    set_time(root.join("empty/er"), 1_234_567_890, 999_999_999);
    set_time(root.join("a/b/c"), 5, 0);
    if !geteuid().is_root() {
        fs::set_permissions(root.join("-dash"), Permissions::from_mode(0o444)).unwrap();
    }
}

/// Compares both trees in all that has to be kept; `diff` then compares them in its own way.
#[track_caller]
fn assert_identical(place: &Place) {
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
fn temporaries(root: &Path) -> Vec<PathBuf> {
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

fn count_files(root: &Path) -> usize {
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

/// Starts a run and waits until it is in the middle.
fn start_and_wait_for(place: &Place, flags: &[&str], files: usize) -> Child {
    let mut command = place.command(flags);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while count_files(&place.dst()) < files {
        assert!(start.elapsed() < LIMIT, "it never gets there");
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        thread::sleep(Duration::from_millis(1));
    }
    child
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

// ---- tests ----

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
fn a_file_that_keeps_changing_is_reported() {
    let place = Place::new("changing");
    write(place.src().join("good"), "good");
    let path = place.src().join("busy");
    write(&path, vec![0; 16 << 20]);
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
    assert!(run.err.contains("failed: busy: "), "{}", run.err);
    assert_eq!(temporaries(&place.dst()), Vec::<PathBuf>::new());
    place.run(&[]).assert_code(0);
    assert_identical(&place);
}

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

#[test]
fn the_source_holds_no_thread_channel_lock_or_executor() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mirror");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() != Some(OsStr::new("rs")) {
            continue;
        }
        files += 1;
        let text = fs::read_to_string(&path).unwrap();
        for word in [
            "std::thread",
            "thread::",
            "mpsc",
            "channel(",
            "Mutex",
            "RwLock",
            "Condvar",
            "Barrier",
            "OnceLock",
            "LazyLock",
            "parking_lot",
            "crossbeam",
            "flume",
            "async_lock",
            "async_channel",
            "block_on",
            "Executor",
            "tokio",
            "rayon",
        ] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
    assert!(files > 10);
}
