//! The last pass over the folders: no temporary file stays, and modes and times are set when
//! nothing is written into a folder any more. It may run twice.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io, vec};

use crate::meta_fix::{set_mode, set_time};
use crate::walk::{Note, Task, is_folder, is_temporary, list, look};

/// A pass over the folders that both trees have, inner ones first.
pub struct Finish {
    task: Task,
    levels: Vec<Level>,
}

struct Level {
    path: PathBuf,
    /// Whether SRC's folder could be listed.
    listed: bool,
    folders: vec::IntoIter<OsString>,
}

impl Finish {
    /// Starts the pass.
    pub fn new(task: Task) -> Self {
        let mut finish = Self {
            task,
            levels: Vec::new(),
        };
        finish.enter(PathBuf::new());
        finish
    }

    /// Settles all folders; returns what went wrong.
    pub fn run(mut self) -> Vec<Note> {
        let mut notes = Vec::new();
        while let Some(level) = self.levels.last_mut() {
            if let Some(name) = level.folders.next() {
                let path = level.path.join(name);
                self.enter(path);
            } else if let Some(level) = self.levels.pop() {
                notes.extend(self.settle(level));
            }
        }
        notes
    }

    /// Lists the folders below a folder. A clash or a folder that cannot be read was reported by
    /// the walk.
    fn enter(&mut self, path: PathBuf) {
        let (src, dst) = (self.task.src.join(&path), self.task.dst.join(&path));
        // The roots may be symlinks to folders.
        if path.as_os_str().is_empty() || is_folder(&src) && is_folder(&dst) {
            let folders = sub_folders(&src);
            self.levels.push(Level {
                path,
                listed: folders.is_ok(),
                folders: folders.unwrap_or_default().into_iter(),
            });
        }
    }

    /// Returns what went wrong, unless the walk has said so: of what it could not list.
    fn settle(&self, level: Level) -> Option<Note> {
        let [src, dst] = [&self.task.src, &self.task.dst].map(|root| root.join(&level.path));
        let names = list(&dst);
        let told = !level.listed || names.is_err();
        let settled = clean(&src, &dst, names.unwrap_or_default()).and_then(|()| agree(&src, &dst));
        let why = settled.err().filter(|_| !told)?;
        Some(Note::Failed(level.path, why.to_string()))
    }
}

/// Removes the temporary files among these.
fn clean(src: &Path, dst: &Path, names: Vec<OsString>) -> io::Result<()> {
    for name in names {
        let path = dst.join(&name);
        if is_temporary(&path, &name) && src.join(&name).symlink_metadata().is_err() {
            match fs::remove_file(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Gives a folder of DST mode and time of its counterpart.
fn agree(src: &Path, dst: &Path) -> io::Result<()> {
    // Not the symlink that a root may be, but the folder.
    let from = (&fs::metadata(src)?).into();
    let dst = fs::canonicalize(dst)?;
    let to = look(&dst)?;
    set_mode(&dst, &from, &to)?;
    set_time(&dst, &from, Some(&to))
}

fn sub_folders(path: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::scratch::Scratch;
    use crate::temp_name::temp_name;

    #[test]
    fn folders_get_their_modes_and_times_and_lose_temporaries() {
        let dir = Scratch::new("finish");
        let [src, dst] = ["src", "dst"].map(|name| dir.path().join(name));
        for root in [&src, &dst] {
            fs::create_dir_all(root.join("a/b")).unwrap();
        }
        fs::write(dst.join("a/b").join(temp_name(7, 1)), "").unwrap();
        fs::write(dst.join("a/b").join(temp_name(8, 1)), "").unwrap();
        for (path, mode) in [("a/b", 0o500), ("a", 0o711), ("", 0o755)] {
            let folder = src.join(path);
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            let mut meta = look(&folder).unwrap();
            meta.time.seconds = 1_000_000_000 + i64::from(mode);
            set_time(&folder, &meta, None).unwrap();
        }
        let task = Task {
            src,
            dst,
            run: 7,
            checksum: false,
            delete: false,
        };
        assert_eq!(Finish::new(task.clone()).run(), []);
        for path in ["a/b", "a", ""] {
            let [from, to] = [&task.src, &task.dst].map(|r| look(&r.join(path)).unwrap());
            assert_eq!((from.mode, from.time), (to.mode, to.time), "{path}");
        }
        assert!(list(&task.dst.join("a/b")).unwrap().is_empty());
    }
}
