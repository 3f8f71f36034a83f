//! What the clocks say.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What this thread has computed so far.
pub fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The value that this part of the sorted ones does not exceed.
pub fn part(sorted: &[Duration], part: f64) -> Duration {
    let at = (sorted.len() as f64 * part) as usize;
    let value = sorted.get(at).or(sorted.last());
    value.copied().unwrap_or_default()
}
