//! The locks of core: none is held while user code runs, so no panic of that poisons one.

use std::sync::{LockResult, Mutex, MutexGuard};

/// Takes a lock.
pub(crate) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    sound(of.lock())
}

/// What waiting has given.
pub(crate) fn sound<T>(waited: LockResult<T>) -> T {
    waited.expect("no user code under this lock")
}
