//! The loop that the program runs, and the tree in it.

use std::time::Duration;

/// The loop that the program runs, and the tree in it, for the plan.
pub trait Host {
    /// Returns the live tree as text, for the report.
    fn tree(&self) -> String;

    /// The user has ended the run: sees to it that nobody waits longer than this for a disk.
    fn quit_within(&self, limit: Duration);
}
