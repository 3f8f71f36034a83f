//! Sets modes and times of entries of DST that exist already.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, utimensat};

use crate::entry::Meta;

/// Gives the file or folder `dst`, which looks like `to`, the mode of `from`.
pub fn set_mode(dst: &Path, from: &Meta, to: &Meta) -> io::Result<()> {
    let mode = from.mode_for(to.owner);
    if mode != to.mode {
        fs::set_permissions(dst, Permissions::from_mode(mode))
    } else {
        Ok(())
    }
}

/// Gives `dst`, a symlink itself and not its target, the modification time of `from`, unless `to`
/// has it already.
pub fn set_time(dst: &Path, from: &Meta, to: Option<&Meta>) -> io::Result<()> {
    if to.is_some_and(|to| to.time == from.time) {
        return Ok(());
    }
    utimensat(
        CWD,
        dst,
        &from.time.to_timestamps(),
        AtFlags::SYMLINK_NOFOLLOW,
    )?;
    Ok(())
}
