//! What only DST has: how it is removed.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::entry::Kind;
use crate::temp_name::run_of;
use crate::walk::{Note, Task, is_folder, is_temporary, list, look, open_up};

/// Removes an entry of DST, folders with all in them. One that is gone was removed by an instance
/// that crashed before it could say so.
pub fn remove(task: &Task, path: PathBuf) -> Note {
    match gone(remove_entry(&task.dst.join(&path))) {
        Ok(()) => Note::Removed(path),
        Err(e) => Note::Failed(path, e.to_string()),
    }
}

/// Removes temporary files that other runs left in a folder that SRC has no longer. What cannot be
/// looked at is passed over: it is not part of the copy.
pub fn remove_stale(path: &Path, run: u64) {
    if !is_folder(path) {
        return;
    }
    for name in list(path).unwrap_or_default() {
        let inner = path.join(&name);
        if !is_temporary(&inner, &name) {
            remove_stale(&inner, run);
        } else if run_of(&name) != Some(run) {
            let _ = fs::remove_file(inner);
        }
    }
}

/// Follows no symlink.
fn remove_entry(path: &Path) -> io::Result<()> {
    match look(path)?.kind {
        Kind::Folder => remove_folder(path),
        _ => fs::remove_file(path),
    }
}

/// Removes a folder, also one that withholds rights from its owner.
fn remove_folder(path: &Path) -> io::Result<()> {
    open_up(path);
    for name in list(path)? {
        gone(remove_entry(&path.join(name)))?;
    }
    fs::remove_dir(path)
}

/// That something is not there is what was wanted.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
