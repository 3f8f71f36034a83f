//! Walks SRC and DST side by side and says what has to be copied.
//!
//! The order is fixed: names sorted by their bytes, a folder before what it holds. So the place
//! reached is one path, and a walk can go on after it in another instance. Nothing is kept but the
//! listings of the folders on the way down.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::vec;

use crate::entry::{Kind, Meta};
use crate::meta_fix::{set_mode, set_time};
use crate::surplus::remove_stale;
use crate::temp_name::{is_temp_name, run_of};

/// Entries looked at before a walk answers, so that it stays ready for other messages.
const MOST_VISITS: usize = 2048;

/// Where a run copies from and to, and how it compares.
#[derive(Clone, Debug)]
pub struct Task {
    pub src: PathBuf,
    pub dst: PathBuf,
    /// Tells this run's temporary files from those of others.
    pub run: u64,
    pub checksum: bool,
    pub delete: bool,
}

/// One file or symlink to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Relative to both roots.
    pub path: PathBuf,
    pub size: u64,
    /// Look first whether the contents are equal already.
    pub compare: bool,
}

/// Something that a person should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    Failed(PathBuf, String),
    Special(PathBuf, Kind),
    Extra(PathBuf),
    Removed(PathBuf),
}

/// What one step of a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub jobs: Vec<Job>,
    /// Files and symlinks that are the same on both sides, and their bytes.
    pub same: u64,
    pub same_bytes: u64,
    pub notes: Vec<Note>,
    /// What only DST has and is to be removed, before the walk goes on.
    pub doomed: Vec<PathBuf>,
    /// The last entry looked at: a later walk goes on behind it.
    pub place: Option<PathBuf>,
    pub end: bool,
}

/// A walk over both trees.
pub struct Walk {
    task: Task,
    levels: Vec<Level>,
    place: Option<PathBuf>,
    /// Notes about the root, made before the first step.
    early: Vec<Note>,
}

/// A folder on the way down: what is left of it.
struct Level {
    path: PathBuf,
    names: vec::IntoIter<Name>,
}

struct Name {
    name: OsString,
    in_src: bool,
    in_dst: bool,
}

impl Walk {
    /// Starts a walk behind `place`, or at the beginning.
    pub fn new(task: Task, place: Option<&Path>) -> Self {
        let mut walk = Self {
            task,
            levels: Vec::new(),
            place: place.map(Into::into),
            early: Vec::new(),
        };
        let mut batch = Batch::default();
        walk.enter(PathBuf::new(), &mut batch);
        // What there was to say about the way down to `place` was said when it was reached.
        if place.is_none() {
            walk.early = batch.notes;
        }
        for step in place.into_iter().flat_map(Path::iter) {
            if !walk.skip_to(step) {
                break;
            }
        }
        walk
    }

    /// Goes on until `most_jobs` are found, many entries were looked at, or the end is reached.
    pub fn step(&mut self, most_jobs: usize) -> Batch {
        let mut batch = Batch {
            notes: std::mem::take(&mut self.early),
            ..Batch::default()
        };
        for _ in 0..MOST_VISITS {
            if batch.jobs.len() >= most_jobs {
                break;
            }
            let Some(level) = self.levels.last_mut() else {
                batch.end = batch.doomed.is_empty();
                break;
            };
            let Some(name) = level.names.next() else {
                self.levels.pop();
                continue;
            };
            let path = level.path.join(&name.name);
            self.place = Some(path.clone());
            if name.in_src {
                self.visit(path, name.in_dst, &mut batch);
            } else {
                self.surplus(path, &name.name, &mut batch);
            }
        }
        batch.place = self.place.clone();
        batch
    }

    /// Drops what stands before `step` in the innermost folder, and enters it if it is a folder.
    fn skip_to(&mut self, step: &OsStr) -> bool {
        let Some(level) = self.levels.last_mut() else {
            return false;
        };
        let behind = level
            .names
            .as_slice()
            .partition_point(|n| n.name.as_os_str() < step);
        let Some(name) = level.names.nth(behind) else {
            return false;
        };
        if name.name != step {
            let rest: Vec<_> = std::iter::once(name).chain(level.names.by_ref()).collect();
            level.names = rest.into_iter();
            return false;
        }
        let path = level.path.join(step);
        is_folder(&self.task.src.join(&path))
            && is_folder(&self.task.dst.join(&path))
            && self.enter(path, &mut Batch::default())
    }

    /// Compares one entry of SRC with its counterpart.
    fn visit(&mut self, path: PathBuf, in_dst: bool, batch: &mut Batch) {
        let (src, dst) = (self.task.src.join(&path), self.task.dst.join(&path));
        let from = match look(&src) {
            Ok(meta) => meta,
            Err(e) => return batch.failed(path, &e),
        };
        let to = match if in_dst {
            look(&dst).map(Some)
        } else {
            Ok(None)
        } {
            Ok(meta) => meta,
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return batch.failed(path, &e),
        };
        match (from.kind, to.map(|m| m.kind)) {
            (Kind::Fifo | Kind::Socket | Kind::Device, _) => {
                batch.notes.push(Note::Special(path, from.kind));
            }
            (Kind::Folder, None) => match DirBuilder::new().mode(0o700).create(&dst) {
                // There already, made by another run meanwhile. A symlink is not followed.
                Err(e) if !is_folder(&dst) => batch.failed(path, &e),
                _ => drop(self.enter(path, batch)),
            },
            (Kind::Folder, Some(Kind::Folder)) => drop(self.enter(path, batch)),
            (Kind::Folder, Some(other)) => {
                batch.failed(
                    path,
                    &format!("DST has a {} where a folder should be", other.word()),
                );
            }
            (_, Some(Kind::Folder)) => {
                let text = format!("DST has a folder where a {} should be", from.kind.word());
                batch.failed(path, &text);
            }
            (Kind::File, _) => match to.filter(|m| m.kind == Kind::File && m.size == from.size) {
                Some(to) if !self.task.checksum && from.same_content(&to) => {
                    match set_mode(&dst, &from, &to) {
                        Ok(()) => batch.same(from.size),
                        Err(e) => batch.failed(path, &e),
                    }
                }
                same_size => {
                    let compare = self.task.checksum && same_size.is_some();
                    batch.jobs.push(Job {
                        path,
                        size: from.size,
                        compare,
                    });
                }
            },
            (Kind::Symlink, Some(Kind::Symlink)) if same_symlink(&src, &dst) => {
                match set_time(&dst, &from, to.as_ref()) {
                    Ok(()) => batch.same(0),
                    Err(e) => batch.failed(path, &e),
                }
            }
            (Kind::Symlink, _) => batch.jobs.push(Job {
                path,
                size: 0,
                compare: false,
            }),
        }
    }

    /// Deals with an entry that only DST has.
    fn surplus(&mut self, path: PathBuf, name: &OsStr, batch: &mut Batch) {
        let dst = self.task.dst.join(&path);
        if is_temporary(&dst, name) {
            // Ours may be in use by a writer; those of other runs were left behind.
            if run_of(name) != Some(self.task.run)
                && let Err(e) = fs::remove_file(&dst)
                && e.kind() != io::ErrorKind::NotFound
            {
                batch.failed(path, &e);
            }
            return;
        }
        if self.task.delete {
            batch.doomed.push(path);
        } else {
            remove_stale(&dst, self.task.run);
            batch.notes.push(Note::Extra(path));
        }
    }

    /// Lists a folder on both sides. What cannot be listed is a failure, and nothing in it counts
    /// as missing.
    fn enter(&mut self, path: PathBuf, batch: &mut Batch) -> bool {
        let (src, dst) = (self.task.src.join(&path), self.task.dst.join(&path));
        open_up(&dst);
        match list(&src).and_then(|names| Ok(merge(names, list(&dst)?))) {
            Ok(names) => {
                self.levels.push(Level {
                    path,
                    names: names.into_iter(),
                });
                true
            }
            Err(e) => {
                batch.failed(path, &e);
                false
            }
        }
    }
}

impl Batch {
    fn failed(&mut self, path: PathBuf, why: &dyn ToString) {
        self.notes.push(Note::Failed(path, why.to_string()));
    }

    fn same(&mut self, bytes: u64) {
        self.same += 1;
        self.same_bytes += bytes;
    }
}

/// Looks at an entry itself, not at what a symlink points to.
pub fn look(path: &Path) -> io::Result<Meta> {
    fs::symlink_metadata(path).map(|m| Meta::from(&m))
}

/// Whether this is a folder, and not a symlink to one.
pub fn is_folder(path: &Path) -> bool {
    look(path).is_ok_and(|m| m.kind == Kind::Folder)
}

/// Whether an entry of this name is one that a writer made: never a folder.
pub fn is_temporary(path: &Path, name: &OsStr) -> bool {
    is_temp_name(name) && look(path).is_ok_and(|m| m.kind != Kind::Folder)
}

/// The names in a folder, sorted.
pub fn list(path: &Path) -> io::Result<Vec<OsString>> {
    let mut names = fs::read_dir(path)?
        .map(|entry| entry.map(|e| e.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Makes a folder of DST usable for its owner; its own mode comes back at the end of the run. One
/// of somebody else may be usable as it is: what is done in it tells.
pub fn open_up(dst: &Path) {
    let Ok(mode) = fs::symlink_metadata(dst).map(|m| m.permissions().mode() & 0o7777) else {
        return;
    };
    if mode & 0o700 != 0o700 {
        let _ = fs::set_permissions(dst, fs::Permissions::from_mode(mode | 0o700));
    }
}

/// Two sorted listings as one.
fn merge(src: Vec<OsString>, dst: Vec<OsString>) -> Vec<Name> {
    let mut names = Vec::with_capacity(src.len().max(dst.len()));
    let (mut src, mut dst) = (src.into_iter().peekable(), dst.into_iter().peekable());
    loop {
        let (in_src, in_dst) = match (src.peek(), dst.peek()) {
            (None, None) => return names,
            (Some(_), None) => (true, false),
            (None, Some(_)) => (false, true),
            (Some(a), Some(b)) => (a <= b, b <= a),
        };
        let from = if in_src { src.next() } else { None };
        let to = if in_dst { dst.next() } else { None };
        names.extend(from.or(to).map(|name| Name {
            name,
            in_src,
            in_dst,
        }));
    }
}

fn same_symlink(src: &Path, dst: &Path) -> bool {
    matches!((fs::read_link(src), fs::read_link(dst)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::scratch::Scratch;
    use crate::surplus::remove;
    use crate::temp_name::temp_name;

    fn task(dir: &Scratch) -> Task {
        let [src, dst] = ["src", "dst"].map(|name| dir.path().join(name));
        for root in [&src, &dst] {
            fs::create_dir_all(root).unwrap();
        }
        Task {
            src,
            dst,
            run: 7,
            checksum: false,
            delete: false,
        }
    }

    fn whole(task: &Task, most_jobs: usize) -> Vec<Batch> {
        let mut walk = Walk::new(task.clone(), None);
        let mut batches = Vec::new();
        while batches.last().is_none_or(|b: &Batch| !b.end) {
            batches.push(walk.step(most_jobs));
        }
        batches
    }

    fn jobs(batches: &[Batch]) -> Vec<PathBuf> {
        batches
            .iter()
            .flat_map(|b| &b.jobs)
            .map(|j| j.path.clone())
            .collect()
    }

    /// Makes a file older: the clock of a file system is too coarse to tell two files of a test
    /// apart.
    fn age(path: &Path) {
        let mut meta = look(path).unwrap();
        meta.time.seconds -= 10;
        set_time(path, &meta, None).unwrap();
    }

    fn fill(task: &Task) {
        for path in ["a/b/one", "a/b/two", "a/b.c", "a/z", "b", "c/d/e/three"] {
            let path = task.src.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::write(task.src.join(OsStr::from_bytes(b"\xff\nodd")), "x").unwrap();
        symlink("nowhere", task.src.join("l")).unwrap();
        fs::create_dir(task.src.join("empty")).unwrap();
    }

    #[test]
    fn every_file_is_found_once_and_folders_are_made() {
        let dir = Scratch::new("walk");
        let task = task(&dir);
        fill(&task);
        let found = jobs(&whole(&task, 100));
        assert_eq!(found.len(), 8);
        assert!(task.dst.join("empty").is_dir() && task.dst.join("c/d/e").is_dir());
    }

    #[test]
    fn a_walk_goes_on_behind_any_place() {
        let dir = Scratch::new("walk");
        let task = task(&dir);
        fill(&task);
        let all = jobs(&whole(&task, 100));
        let mut place: Option<PathBuf> = None;
        let mut found = Vec::new();
        loop {
            let batch = Walk::new(task.clone(), place.as_deref()).step(1);
            found.extend(jobs(std::slice::from_ref(&batch)));
            place = batch.place;
            if batch.end {
                break;
            }
        }
        assert_eq!(found, all);
        // A place that is gone meanwhile is passed over as well.
        let behind = Walk::new(task.clone(), Some(Path::new("a/b.b"))).step(100);
        assert_eq!(jobs(&[behind]), all[2..]);
    }

    #[test]
    fn same_size_and_time_is_the_same() {
        let dir = Scratch::new("walk");
        let mut task = task(&dir);
        fs::write(task.src.join("f"), "abc").unwrap();
        fs::write(task.dst.join("f"), "abd").unwrap();
        age(&task.dst.join("f"));
        assert_eq!(jobs(&whole(&task, 9)).len(), 1);
        let from = look(&task.src.join("f")).unwrap();
        set_time(&task.dst.join("f"), &from, None).unwrap();
        let batch = &whole(&task, 9)[0];
        assert_eq!((batch.same, batch.same_bytes, batch.jobs.len()), (1, 3, 0));
        task.checksum = true;
        assert!(whole(&task, 9)[0].jobs[0].compare);
    }

    #[test]
    fn a_mode_is_set_without_a_copy() {
        let dir = Scratch::new("walk");
        let task = task(&dir);
        let [src, dst] = [&task.src, &task.dst].map(|r| r.join("f"));
        fs::write(&src, "abc").unwrap();
        fs::copy(&src, &dst).unwrap();
        fs::set_permissions(&dst, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&src, fs::Permissions::from_mode(0o751)).unwrap();
        set_time(&dst, &look(&src).unwrap(), None).unwrap();
        assert!(whole(&task, 9)[0].jobs.is_empty());
        assert_eq!(look(&dst).unwrap().mode, 0o751);
    }

    #[test]
    fn clashes_of_kinds_are_failures() {
        let dir = Scratch::new("walk");
        let task = task(&dir);
        fs::create_dir(task.src.join("folder")).unwrap();
        fs::write(task.src.join("folder/inner"), "").unwrap();
        fs::write(task.dst.join("folder"), "").unwrap();
        fs::write(task.src.join("file"), "").unwrap();
        fs::create_dir(task.dst.join("file")).unwrap();
        let batch = &whole(&task, 9)[0];
        assert!(batch.jobs.is_empty());
        assert!(
            matches!(&batch.notes[..], [Note::Failed(a, _), Note::Failed(b, _)]
                if a == Path::new("file") && b == Path::new("folder")),
            "{batch:?}"
        );
    }

    #[test]
    fn what_src_lacks_is_named_or_removed() {
        let dir = Scratch::new("walk");
        let mut task = task(&dir);
        fs::create_dir_all(task.dst.join("old/deep")).unwrap();
        fs::write(task.dst.join("old/deep/f"), "").unwrap();
        fs::write(task.src.join("kept"), "").unwrap();
        symlink("../src", task.dst.join("out")).unwrap();
        let extra = |name: &str| Note::Extra(name.into());
        assert_eq!(whole(&task, 9)[0].notes, [extra("old"), extra("out")]);
        task.delete = true;
        let mut walk = Walk::new(task.clone(), None);
        let batch = walk.step(9);
        assert_eq!(batch.doomed, [Path::new("old"), Path::new("out")]);
        assert!((batch.notes.is_empty(), batch.end) == (true, false));
        assert!(task.dst.join("old/deep/f").exists(), "named first");
        // The second time they are gone, which may be the work of one that crashed.
        for _ in 0..2 {
            let notes = batch.doomed.iter().map(|path| remove(&task, path.clone()));
            let removed = |name: &str| Note::Removed(name.into());
            assert_eq!(notes.collect::<Vec<_>>(), [removed("old"), removed("out")]);
        }
        assert!(walk.step(9).end);
        assert!(task.src.join("kept").exists());
        assert!(list(&task.dst).unwrap().is_empty());
    }

    #[test]
    fn only_left_behind_temporaries_are_removed() {
        let dir = Scratch::new("walk");
        let task = task(&dir);
        let (stale, ours, copied) = (temp_name(1, 1), temp_name(7, 1), temp_name(2, 2));
        fs::write(task.dst.join(&stale), "").unwrap();
        fs::write(task.dst.join(&ours), "").unwrap();
        fs::write(task.src.join(&copied), "").unwrap();
        fs::write(task.dst.join(&copied), "").unwrap();
        age(&task.dst.join(&copied));
        // A folder is none, whatever its name.
        let gone = task.dst.join("gone").join(temp_name(4, 4));
        fs::create_dir_all(&gone).unwrap();
        fs::write(gone.join(temp_name(3, 3)), "").unwrap();
        let odd = temp_name(5, 5);
        fs::create_dir(task.dst.join(&odd)).unwrap();
        let batch = &whole(&task, 9)[0];
        assert_eq!(
            (&batch.notes[..], batch.jobs.len()),
            (
                &[Note::Extra(odd.clone().into()), Note::Extra("gone".into())][..],
                1
            )
        );
        assert!(list(&gone).unwrap().is_empty());
        fs::remove_dir_all(task.dst.join("gone")).unwrap();
        let mut left = vec![ours, copied, odd];
        left.sort();
        assert_eq!(list(&task.dst).unwrap(), left);
    }

    #[test]
    fn special_files_are_noted() {
        let dir = Scratch::new("walk");
        let task = task(&dir);
        let _socket = std::os::unix::net::UnixListener::bind(task.src.join("s")).unwrap();
        let batch = &whole(&task, 9)[0];
        assert_eq!(batch.notes, [Note::Special("s".into(), Kind::Socket)]);
        assert!(batch.jobs.is_empty());
    }
}
