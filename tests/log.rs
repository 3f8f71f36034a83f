//! What happened, as text, from any thread.

use std::cell::RefCell;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// A list of what happened in a body, shared by its actors.
#[derive(Clone, Default)]
pub struct Log(Arc<Lines>);

#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
    live: AtomicIsize,
}

/// The logs of one run, for the text of a failure.
pub type Logs = Arc<Mutex<Vec<Log>>>;

thread_local! {
    static LOGS: RefCell<Logs> = RefCell::default();
}

impl Log {
    /// An empty log, known to the run of this thread.
    pub fn new() -> Self {
        let log = Log::default();
        LOGS.with(|logs| logs.borrow().lock().unwrap().push(log.clone()));
        log
    }

    /// Makes `logs` the list that this thread's logs are put into.
    pub fn collect_into(logs: Logs) {
        LOGS.with(|mine| *mine.borrow_mut() = logs);
    }

    /// Appends a line.
    pub fn put(&self, line: impl Into<String>) {
        self.0.lines.lock().unwrap().push(line.into());
        self.0.grown.notify_all();
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<String> {
        self.0.lines.lock().unwrap().clone()
    }

    /// The lines that begin like this.
    pub fn of(&self, begin: &str) -> Vec<String> {
        let mut all = self.all();
        all.retain(|line| line.starts_with(begin));
        all
    }

    /// How many lines begin like this.
    pub fn count(&self, begin: &str) -> usize {
        self.of(begin).len()
    }

    /// Blocks until a line is there. For threads that are no loops.
    pub fn wait_for(&self, line: &str) {
        let lines = self.0.lines.lock().unwrap();
        drop(
            self.0
                .grown
                .wait_while(lines, |lines| !lines.iter().any(|l| l == line))
                .unwrap(),
        );
    }

    /// Counts something that must be dropped before the run is over.
    pub fn born(&self) {
        self.0.live.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts a drop.
    pub fn dead(&self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }

    /// How many are alive.
    pub fn live(&self) -> isize {
        self.0.live.load(Ordering::SeqCst)
    }
}
