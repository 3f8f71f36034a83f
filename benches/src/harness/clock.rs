//! Wall-clock time, processor time and resident memory.

#![expect(unsafe_code)]

use std::time::{Duration, Instant};

/// Nanoseconds per operation.
pub fn per(ops: u64, elapsed: Duration) -> f64 {
    elapsed.as_nanos() as f64 / ops as f64
}

/// Wall-clock stopwatch.
pub struct Clock(Instant);

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Clock(Instant::now())
    }

    /// Nanoseconds per operation since the start.
    pub fn per(&self, ops: u64) -> f64 {
        per(ops, self.0.elapsed())
    }
}

/// CPU time of the whole process, for workloads that sleep.
pub struct CpuClock(f64);

impl CpuClock {
    /// Starts now.
    pub fn start() -> Self {
        CpuClock(cpu_ns())
    }

    /// Nanoseconds per operation since the start.
    pub fn per(&self, ops: u64) -> f64 {
        (cpu_ns() - self.0) / ops as f64
    }
}

fn cpu_ns() -> f64 {
    let mut ts = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `ts` is a valid timespec to write to.
    let rc = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut ts) };
    assert_eq!(rc, 0);
    ts.tv_sec as f64 * 1e9 + ts.tv_nsec as f64
}

/// Resident bytes of this process.
pub fn rss() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: u64 = text
        .split_whitespace()
        .nth(1)
        .and_then(|f| f.parse().ok())
        .expect("statm");
    pages * 4096
}
