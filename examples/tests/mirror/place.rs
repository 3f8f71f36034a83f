//! A folder for one test, with a source in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process, thread};

use crate::run::Run;

/// A folder for one test, removed at its end.
pub struct Place(pub PathBuf);

impl Place {
    pub fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("mirror-test-{name}-{}-{number}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("src")).unwrap();
        Self(path)
    }

    pub fn src(&self) -> PathBuf {
        self.0.join("src")
    }

    pub fn dst(&self) -> PathBuf {
        self.0.join("dst")
    }

    /// The program, with both folders and these flags.
    pub fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
        command
            .arg(self.src())
            .arg(self.dst())
            .args(flags)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, flags: &[&str]) -> Run {
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
