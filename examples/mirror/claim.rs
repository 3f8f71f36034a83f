//! DST is for one run at a time: two would take each other's temporary files for leftovers.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::entry::shown;
use crate::walk::open_up;

/// Keeps other runs out of a folder. It is an advisory lock on the folder itself: nothing is
/// written, and nothing stays, however the process ends. A file system without locks has none to
/// give, and is used all the same.
pub struct Claim(Arc<File>);

impl Claim {
    /// Claims DST, which is made if it is not there. If another run has it, nothing is touched.
    ///
    /// # Errors
    /// One line for the user.
    pub fn new(dst: &Path) -> Result<Self, String> {
        let error = |e: io::Error| format!("DST {}: {e}", shown(dst));
        fs::create_dir_all(dst).map_err(error)?;
        let root = match File::open(dst) {
            // The last run left it as SRC is. One that runs has it open to its owner.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                open_up(dst);
                File::open(dst)
            }
            opened => opened,
        };
        let root = root.map_err(error)?;
        match root.try_lock() {
            Err(TryLockError::WouldBlock) => {
                Err(format!("DST {} is in use by another run", shown(dst)))
            }
            _ => Ok(Self(Arc::new(root))),
        }
    }

    /// Returns the folder, open from before it gets its own mode: that may withhold it.
    pub(crate) fn root(&self) -> &Arc<File> {
        &self.0
    }
}

/// Others may have it, though writers that a disk holds may still have it open.
impl Drop for Claim {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_folder_is_claimed_by_one_until_that_lets_go() {
        let dir = Scratch::new("claim");
        let dst = dir.path().join("new/newer");
        let first = Claim::new(&dst).unwrap();
        let root = first.root().clone();
        let text = Claim::new(&dst.join("../newer")).err().unwrap();
        assert!(text.ends_with("newer is in use by another run"), "{text}");
        assert!(Claim::new(dir.path()).is_ok(), "another folder");
        drop(first);
        assert!(
            Claim::new(&dst).is_ok(),
            "{root:?} is open, and not claimed"
        );
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Claim::new(&file).is_err());
    }
}
