//! SRC and DST: whether a run between them is possible at all. Nothing is touched.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::entry::shown;

/// Two folders as they were named.
pub struct Folders<'a> {
    src: &'a Path,
    dst: &'a Path,
}

impl<'a> Folders<'a> {
    /// Folders that nobody has looked at.
    pub fn new(src: &'a Path, dst: &'a Path) -> Self {
        Self { src, dst }
    }

    /// Looks at both. The error is one line for the user.
    pub fn check(&self) -> Result<(), String> {
        let from = self.source()?;
        let to = self.target()?;
        let base = existing(self.dst);
        let place = fs::canonicalize(base).map_err(|e| format!("DST {}: {e}", shown(base)))?;
        self.apart(&from, to.as_ref(), &place)?;
        if !place.is_dir() {
            return Err(format!("{} is not a folder", shown(base)));
        }
        match accessat(
            CWD,
            &place,
            Access::WRITE_OK | Access::EXEC_OK,
            AtFlags::EACCESS,
        ) {
            Err(Errno::ACCESS) if to.is_some_and(|to| withheld_by(&from, &to)) => Ok(()),
            Err(e) => Err(self.at_dst(&format!("is not writable: {}", io::Error::from(e)))),
            Ok(()) => Ok(()),
        }
    }

    fn source(&self) -> Result<Metadata, String> {
        let from = fs::metadata(self.src).map_err(|e| format!("SRC {}: {e}", shown(self.src)))?;
        if from.is_dir() {
            Ok(from)
        } else {
            Err(format!("SRC {} is not a folder", shown(self.src)))
        }
    }

    /// DST, if it is there.
    fn target(&self) -> Result<Option<Metadata>, String> {
        if self.dst.as_os_str().is_empty() {
            return Err("DST is empty".into());
        }
        match fs::metadata(self.dst) {
            Ok(to) if to.is_dir() => Ok(Some(to)),
            Ok(_) => Err(self.at_dst("is not a folder")),
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(format!("DST {}: {e}", shown(self.dst)))
            }
            Err(_) if self.dst.is_symlink() => Err(self.at_dst("is a dangling symlink")),
            Err(_) => Ok(None),
        }
    }

    /// Neither may lie in the other; `place` is where DST is, or will be.
    fn apart(&self, from: &Metadata, to: Option<&Metadata>, place: &Path) -> Result<(), String> {
        if to.is_some_and(|to| is_same(to, from)) {
            return Err(self.at_dst(&format!("is the same folder as SRC {}", shown(self.src))));
        }
        if lies_in(place, from) {
            return Err(self.at_dst(&format!("lies in SRC {}", shown(self.src))));
        }
        let whole =
            fs::canonicalize(self.src).map_err(|e| format!("SRC {}: {e}", shown(self.src)))?;
        if to.is_some_and(|to| lies_in(&whole, to)) {
            return Err(format!(
                "SRC {} lies in DST {}",
                shown(self.src),
                shown(self.dst)
            ));
        }
        Ok(())
    }

    fn at_dst(&self, what: &str) -> String {
        format!("DST {} {what}", shown(self.dst))
    }
}

/// Whether a folder is another one or lies in it.
fn lies_in(place: &Path, folder: &Metadata) -> bool {
    let is = |p: &Path| fs::metadata(p).is_ok_and(|m| is_same(&m, folder));
    place.ancestors().any(is)
}

/// By device and number, not by name, as a bind mount has another name.
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Whether DST withholds from us, its owner, only what SRC withholds from its own: so the last run
/// left it, and this one may take what it needs until it ends.
fn withheld_by(from: &Metadata, to: &Metadata) -> bool {
    let needed = 0o300;
    to.uid() == geteuid().as_raw() && !to.mode() & needed & from.mode() == 0
}

/// The nearest part of `path` that exists, itself included.
fn existing(path: &Path) -> &Path {
    path.ancestors()
        .map(|p| {
            if p.as_os_str().is_empty() {
                Path::new(".")
            } else {
                p
            }
        })
        .find(|p| p.exists())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_target_inside_the_source_is_refused() {
        let dir = Scratch::new("args");
        let root = dir.path();
        fs::create_dir_all(root.join("src/deep")).unwrap();
        fs::create_dir_all(root.join("dst")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        std::os::unix::fs::symlink("src/deep", root.join("link")).unwrap();
        let check = |src: &str, dst: &str| Folders::new(&root.join(src), &root.join(dst)).check();
        for (src, dst) in [
            ("src", "src"),
            ("src", "src/deep"),
            ("src", "src/new/newer"),
            ("src", "link"),
            ("src", "link/new"),
            ("src/deep", "src"),
            ("src", "file"),
            ("src", "file/below"),
            ("file", "dst"),
            ("none", "dst"),
        ] {
            assert!(check(src, dst).is_err(), "{src} {dst}");
        }
        for (src, dst) in [("src", "dst"), ("src", "dst/new/newer"), ("src", "src2")] {
            assert_eq!(check(src, dst), Ok(()), "{src} {dst}");
        }
    }
}
