//! What is known about one entry of a tree, and when two of them count as the same.

use std::ffi::OsStr;
use std::fs::{FileType, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{Timespec, Timestamps};

/// Kinds of entries that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Symlink,
    Fifo,
    Socket,
    Device,
}

impl Kind {
    /// Returns the word for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Symlink => "symlink",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::Device => "device",
        }
    }
}

impl From<FileType> for Kind {
    fn from(t: FileType) -> Self {
        if t.is_file() {
            Self::File
        } else if t.is_dir() {
            Self::Folder
        } else if t.is_symlink() {
            Self::Symlink
        } else if t.is_fifo() {
            Self::Fifo
        } else if t.is_socket() {
            Self::Socket
        } else {
            Self::Device
        }
    }
}

/// A modification time, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub seconds: i64,
    pub nanos: u32,
}

impl Stamp {
    /// Returns what `utimensat` takes; the access time is left alone.
    pub fn to_timestamps(self) -> Timestamps {
        Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: rustix::fs::UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: self.seconds,
                tv_nsec: i64::from(self.nanos) as _,
            },
        }
    }
}

/// The metadata that is compared and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub kind: Kind,
    pub size: u64,
    /// Permission bits, with set-id and sticky.
    pub mode: u32,
    pub time: Stamp,
    pub owner: (u32, u32),
    /// Device and inode: a file replaced while it is read is another one.
    pub id: (u64, u64),
}

impl Meta {
    /// Whether the contents count as equal without being looked at.
    pub fn same_content(&self, other: &Self) -> bool {
        self.kind == other.kind && self.size == other.size && self.time == other.time
    }

    /// Whether nothing happened to a file between two looks at it.
    pub fn untouched(&self, later: &Self) -> bool {
        self.id == later.id && self.same_content(later)
    }

    /// The mode that a copy owned by `owner` gets. Set-id bits go only where the owner goes with
    /// them: otherwise they would hand somebody else's rights to whoever runs the copy (cp and
    /// rsync do the same).
    pub fn mode_for(&self, owner: (u32, u32)) -> u32 {
        kept_mode(self.mode, self.owner, owner)
    }
}

impl From<&Metadata> for Meta {
    fn from(m: &Metadata) -> Self {
        Self {
            kind: m.file_type().into(),
            size: m.size(),
            mode: m.mode() & 0o7777,
            time: Stamp {
                seconds: m.mtime(),
                nanos: m.mtime_nsec() as u32,
            },
            owner: (m.uid(), m.gid()),
            id: (m.dev(), m.ino()),
        }
    }
}

/// See [`Meta::mode_for`].
pub fn kept_mode(mode: u32, from: (u32, u32), to: (u32, u32)) -> u32 {
    let user = if from.0 == to.0 { 0 } else { 0o4000 };
    let group = if from == to { 0 } else { 0o6000 };
    mode & !(user | group)
}

/// A name for people, see [`shown_word`]. That of a root is a dot.
pub fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        ".".into()
    } else {
        shown_word(path.as_os_str())
    }
}

/// A word for people: as it is where that is one clear line, else quoted and escaped.
pub fn shown_word(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) if !text.is_empty() && !text.chars().any(|c| c.is_control() || c == '"') => {
            text.into()
        }
        _ => format!("\"{}\"", word.as_bytes().escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_on_one_line() {
        assert_eq!(shown(Path::new("a b/ä")), "a b/ä");
        assert_eq!(shown(Path::new("a\nb")), "\"a\\nb\"");
        assert_eq!(shown(Path::new(OsStr::from_bytes(b"a\xff"))), "\"a\\xff\"");
        assert_eq!(shown(Path::new("")), ".");
        assert_eq!(shown_word(OsStr::new("")), "\"\"");
    }

    #[test]
    fn set_id_bits_go_only_with_their_owner() {
        assert_eq!(kept_mode(0o6755, (1, 1), (1, 1)), 0o6755);
        assert_eq!(kept_mode(0o6755, (1, 1), (0, 1)), 0o755);
        assert_eq!(kept_mode(0o6755, (1, 1), (1, 0)), 0o755);
        assert_eq!(kept_mode(0o1777, (1, 1), (0, 0)), 0o1777);
    }
}
