//! Trees to be copied.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::process::geteuid;

pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub fn set_time(path: impl AsRef<Path>, seconds: u64, nanos: u32) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
    File::open(path).unwrap().set_modified(time).unwrap();
}

pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}

/// `count` small files in folders of 50.
pub fn small_files(root: &Path, count: usize) {
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
pub fn mixed_tree(root: &Path) {
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
