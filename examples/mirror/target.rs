//! Writes files of DST: under a temporary name first, checked against the reader's digest, then
//! made durable and renamed. What does not get that far is removed.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, futimens, utimensat};

use crate::digest::{Digest, DigestValue};
use crate::entry::{Kind, kept_mode};
use crate::frame::Head;

/// Files up to this size wait for a sync of their group.
pub const SMALL: u64 = 64 * 1024;

/// A file or symlink of which parts are still to come.
pub struct Incoming {
    head: Head,
    digest: Digest,
    temp: Temp,
    file: Option<File>,
    unsynced: u64,
    /// Bytes written between two syncs, at most: so the last one never takes long.
    most_unsynced: u64,
}

/// A file that is complete and right, but still under its temporary name.
pub struct Complete {
    temp: Temp,
    /// Open while the file has a sync of its own to come.
    file: Option<File>,
    path: PathBuf,
}

/// Why a file did not become [`Complete`].
#[derive(Debug)]
pub enum CloseError {
    /// What was written is not what was read.
    Digest,
    Io(io::Error),
}

impl From<io::Error> for CloseError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

impl Incoming {
    /// Makes a temporary file of this name beside its final place. Of what is written to it, at
    /// most `most_unsynced` bytes wait for the disk.
    pub fn open(
        dst: &Path,
        temp_name: &OsStr,
        head: Head,
        raw: &[u8],
        most_unsynced: u64,
    ) -> io::Result<Self> {
        let place = dst.join(&head.path).with_file_name(temp_name);
        let file = match head.kind {
            Kind::Symlink => {
                symlink(&head.target, &place)?;
                None
            }
            _ => Some(
                File::options()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&place)?,
            ),
        };
        let temp = Temp {
            place,
            renamed: false,
        };
        Ok(Self {
            head,
            digest: Digest::new(raw),
            temp,
            file,
            unsynced: 0,
            most_unsynced,
        })
    }

    /// Writes a piece; what is skipped stays a hole.
    pub fn data(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        self.digest.data(offset, bytes);
        file.write_all_at(bytes, offset)?;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= self.most_unsynced {
            self.unsynced = 0;
            file.sync_data()?;
        }
        Ok(())
    }

    /// Checks the digest, and sets size, mode and time.
    pub fn close(self, dst: &Path, digest: &DigestValue) -> Result<Complete, CloseError> {
        if self.digest.value() != *digest {
            return Err(CloseError::Digest);
        }
        let head = &self.head;
        let path = dst.join(&head.path);
        let times = head.time.to_timestamps();
        if let Some(file) = &self.file {
            file.set_len(head.size)?;
            let made = file.metadata()?;
            let mode = kept_mode(head.mode, head.owner, (made.uid(), made.gid()));
            file.set_permissions(Permissions::from_mode(mode))?;
            futimens(file, &times).map_err(io::Error::from)?;
        } else {
            utimensat(CWD, &self.temp.place, &times, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(io::Error::from)?;
        }
        let file = self.file.filter(|_| head.size > SMALL);
        Ok(Complete {
            temp: self.temp,
            file,
            path,
        })
    }
}

impl Complete {
    /// Whether the file may wait for a sync of its group; else [`publish`](Self::publish) makes it
    /// durable.
    pub fn is_small(&self) -> bool {
        self.file.is_none()
    }

    /// Gives the file its name, after a sync where it was not [small](Self::is_small).
    pub fn publish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.sync_all()?;
        }
        fs::rename(&self.temp.place, &self.path)?;
        self.temp.renamed = true;
        Ok(())
    }
}

/// A temporary name; what bears it is removed unless it was renamed.
struct Temp {
    place: PathBuf,
    renamed: bool,
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.renamed {
            // Where this fails, the last pass over the folders tries again.
            let _ = fs::remove_file(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Stamp;
    use crate::scratch::Scratch;
    use crate::temp_name::temp_name;
    use crate::walk::{list, look};

    fn head(size: u64) -> Head {
        Head {
            path: "f".into(),
            kind: Kind::File,
            mode: 0o640,
            size,
            time: Stamp {
                seconds: 1_234_567_890,
                nanos: 123_456_789,
            },
            owner: (u32::MAX, u32::MAX),
            target: PathBuf::new(),
        }
    }

    fn open(dir: &Path, head: Head) -> (Incoming, Digest) {
        let raw = head.encode();
        let digest = Digest::new(&raw);
        let incoming = Incoming::open(dir, &temp_name(1, 1), head, &raw, 1 << 20);
        (incoming.unwrap(), digest)
    }

    #[test]
    fn a_file_appears_only_when_it_is_right() {
        let dir = Scratch::new("target");
        let dir = dir.path();
        let (mut incoming, mut digest) = open(dir, head(1 << 20));
        incoming.data(4096, b"data").unwrap();
        digest.data(4096, b"data");
        assert_eq!(list(dir).unwrap(), [temp_name(1, 1)]);
        let complete = incoming.close(dir, &digest.value()).unwrap();
        assert!(!complete.is_small());
        complete.publish().unwrap();
        assert_eq!(list(dir).unwrap(), ["f"]);
        let meta = look(&dir.join("f")).unwrap();
        assert_eq!(
            (meta.mode, meta.size, meta.time),
            (0o640, 1 << 20, head(0).time)
        );
        let content = fs::read(dir.join("f")).unwrap();
        assert_eq!(&content[4090..4106], b"\0\0\0\0\0\0data\0\0\0\0\0\0");
        assert!(fs::metadata(dir.join("f")).unwrap().blocks() * 512 < 64 * 1024);
    }

    #[test]
    fn a_wrong_digest_leaves_nothing() {
        let dir = Scratch::new("target");
        let dir = dir.path();
        let (mut incoming, digest) = open(dir, head(4));
        incoming.data(0, b"data").unwrap();
        assert!(matches!(
            incoming.close(dir, &digest.value()),
            Err(CloseError::Digest)
        ));
        assert!(list(dir).unwrap().is_empty());
        drop(open(dir, head(4)));
        assert!(list(dir).unwrap().is_empty());
    }

    #[test]
    fn a_symlink_replaces_a_file() {
        let dir = Scratch::new("target");
        let dir = dir.path();
        fs::write(dir.join("f"), "old").unwrap();
        let head = Head {
            kind: Kind::Symlink,
            target: "no\nwhere".into(),
            ..head(0)
        };
        let (incoming, digest) = open(dir, head);
        incoming
            .close(dir, &digest.value())
            .unwrap()
            .publish()
            .unwrap();
        assert_eq!(
            fs::read_link(dir.join("f")).unwrap(),
            Path::new("no\nwhere")
        );
        assert_eq!(look(&dir.join("f")).unwrap().time.nanos, 123_456_789);
    }
}
