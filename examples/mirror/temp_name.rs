//! Names of files that are still being written. They tell which run made them, so that what a
//! killed run left behind is recognised and removed, and nothing else is.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

const PREFIX: &str = ".mirror-tmp-";

/// Returns the name of the temporary file of one attempt.
pub fn temp_name(run: u64, attempt: u64) -> OsString {
    format!("{PREFIX}{run:016x}-{attempt:016x}").into()
}

/// Whether a name has exactly the form of [`temp_name`].
pub fn is_temp_name(name: &OsStr) -> bool {
    run_of(name).is_some()
}

/// Returns the run that made a temporary file, or `None` for any other name.
pub fn run_of(name: &OsStr) -> Option<u64> {
    let text = str::from_utf8(name.as_bytes()).ok()?;
    let (run, attempt) = text.strip_prefix(PREFIX)?.split_once('-')?;
    hex(attempt)?;
    hex(run)
}

fn hex(text: &str) -> Option<u64> {
    let plain = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if plain {
        u64::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_recognised() {
        assert_eq!(run_of(&temp_name(u64::MAX, 7)), Some(u64::MAX));
        for name in [
            ".mirror-tmp-",
            ".mirror-tmp-notes",
            ".mirror-tmp-0000000000000001",
            ".mirror-tmp-0000000000000001-1",
            ".mirror-tmp-000000000000000G-0000000000000001",
            ".mirror-tmp-0000000000000001-0000000000000001~",
        ] {
            assert!(!is_temp_name(OsStr::new(name)), "{name}");
        }
    }
}
