//! What the plan knows. It outlives the plan's own restarts, so whatever it says stays true over
//! them.
//!
//! Every attempt to copy a file has a number that is used once. When somebody on its way crashed,
//! nobody knows how far it came: the attempts of that lane are forgotten, a *floor* tells reader
//! and writer which numbers no longer count, and the files go back to the queue, to get new
//! numbers.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use crate::lives::Lives;
use crate::report::{Report, Totals, line};
use crate::role::Role;
use crate::source::News;
use crate::temp_name::temp_name;
use crate::texts::Texts;
use crate::trail::{Leg, Trail};
use crate::walk::{Batch, Job, Note, Task};

/// Files on their way in one lane at most.
const LANE_FILES: usize = 128;

/// Bytes on their way in one lane, unless a single file has more.
const LANE_BYTES: u64 = 16 * 1024 * 1024;

/// Files known and waiting, below which the walk goes on.
const FEW: usize = 512;

/// Files on their way that people see.
const MOST_MOVING: usize = 16;

/// Times a file is read that changes meanwhile.
const MOST_TRIES: u32 = 5;

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Files are found and copied.
    Copying,
    /// All files are settled; folders get their times.
    Finishing,
    /// All is in place.
    Done,
    /// The user has ended it.
    Interrupted,
}

/// The state of a run.
pub struct Ledger {
    task: Task,
    totals: Totals,
    phase: Phase,
    /// Nothing new is begun.
    paused: bool,
    trail: Trail,
    ready: VecDeque<Wish>,
    /// Files that changed while read, for a little later.
    later: Vec<Wish>,
    flights: BTreeMap<u64, Flight>,
    lanes: Vec<Lane>,
    next_number: u64,
    found_files: u64,
    found_bytes: u64,
    lives: BTreeMap<Role, Lives>,
    /// Who failed without being restarted.
    ended: Texts,
    /// Lines for people that nobody printed yet.
    lines: Vec<String>,
    tree: String,
}

/// A file that has to be copied.
#[derive(Clone, Debug)]
struct Wish {
    job: Job,
    tries: u32,
}

/// A file on its way.
struct Flight {
    wish: Wish,
    lane: usize,
    /// Bytes that were written, with those around them.
    moved: u64,
}

/// A file on its way, for people.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Its name below both folders.
    pub path: PathBuf,
    /// Bytes that it has.
    pub size: u64,
    /// Bytes that were written, about.
    pub moved: u64,
}

#[derive(Clone, Default)]
struct Lane {
    files: usize,
    bytes: u64,
    /// The last floor, and the last one below which its writer has nothing left.
    floor: u64,
    cleared: u64,
}

/// What people see while it runs.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    /// How far it has come.
    pub phase: Phase,
    /// Nothing new is begun.
    pub paused: bool,
    /// What has been done.
    pub totals: Totals,
    /// Files found so far.
    pub found_files: u64,
    /// Their bytes.
    pub found_bytes: u64,
    /// Whether all files are found.
    pub walked: bool,
    /// Restarts of all actors.
    pub restarts: u64,
}

impl Ledger {
    /// A run that has not begun.
    pub fn new(task: Task, lanes: usize) -> Self {
        Self {
            task,
            totals: Totals::default(),
            phase: Phase::Copying,
            paused: false,
            trail: Trail::default(),
            ready: VecDeque::new(),
            later: Vec::new(),
            flights: BTreeMap::new(),
            lanes: vec![Lane::default(); lanes],
            next_number: 1,
            found_files: 0,
            found_bytes: 0,
            lives: BTreeMap::new(),
            ended: Texts::default(),
            lines: Vec::new(),
            tree: String::new(),
        }
    }

    /// Counts a new instance of an actor; returns whether there was one before.
    pub fn up(&mut self, role: Role) -> bool {
        self.lives.entry(role).or_default().up()
    }

    /// Keeps why an instance has ended; one without a role is not restarted.
    pub fn ended(&mut self, role: Option<Role>, name: &str, why: String) {
        match role {
            Some(role) => self.lives.entry(role).or_default().ended(why),
            None => self.ended.add(format!("{name}: {why}")),
        }
    }

    /// Forgets the attempts of a lane. Returns the floor: smaller numbers no longer count.
    pub fn reset(&mut self, lane: usize) -> u64 {
        let gone = self.flights.extract_if(.., |_, flight| flight.lane == lane);
        let wishes: Vec<_> = gone.map(|(_, flight)| flight.wish).collect();
        for wish in wishes.into_iter().rev() {
            self.ready.push_front(wish);
        }
        let floor = self.number();
        self.lanes[lane] = Lane {
            floor,
            cleared: self.lanes[lane].cleared,
            ..Lane::default()
        };
        floor
    }

    /// The writer of a lane has nothing left below this floor: no temporary file of it stays, or goes
    /// later.
    pub fn cleared(&mut self, lane: usize, floor: u64) {
        let cleared = &mut self.lanes[lane].cleared;
        *cleared = floor.max(*cleared);
    }

    /// Sends the next file on its way, if a lane has room: lane, number of the attempt, file.
    pub fn assign(&mut self) -> Option<(usize, u64, Job)> {
        let next = self
            .ready
            .front()
            .filter(|_| self.phase == Phase::Copying && !self.paused)?
            .job
            .size;
        let room = |lane: &Lane| {
            lane.files == 0 || lane.files < LANE_FILES && lane.bytes + next <= LANE_BYTES
        };
        let lanes = self.lanes.iter().enumerate().filter(|(_, lane)| room(lane));
        let (lane, _) = lanes.min_by_key(|(_, lane)| (lane.bytes, lane.files))?;
        let wish = self.ready.pop_front()?;
        let attempt = self.number();
        self.lanes[lane].files += 1;
        self.lanes[lane].bytes += wish.job.size;
        let job = wish.job.clone();
        let moved = 0;
        self.flights.insert(attempt, Flight { wish, lane, moved });
        Some((lane, attempt, job))
    }

    /// What to ask the walk now.
    pub fn ask(&mut self) -> Option<Leg> {
        let wanted = self.phase == Phase::Copying && self.ready.len() < FEW;
        wanted.then(|| self.trail.ask()).flatten()
    }

    /// Nobody works on the last question any more, answered or not.
    pub fn over(&mut self) {
        self.trail.over();
    }

    /// Takes in what the walk found.
    pub fn found(&mut self, batch: Batch) {
        let next = Leg {
            doomed: batch.doomed,
            place: batch.place,
        };
        self.trail.found(next, batch.end);
        self.totals.skipped += batch.same;
        self.totals.bytes += batch.same_bytes;
        self.found_files += batch.same + batch.jobs.len() as u64;
        self.found_bytes += batch.same_bytes;
        for job in batch.jobs {
            self.found_bytes += job.size;
            self.ready.push_back(Wish { job, tries: 0 });
        }
        for note in &batch.notes {
            self.note(note);
        }
    }

    /// Bytes of a file were written.
    pub fn moved(&mut self, attempt: u64, bytes: u32) {
        if let Some(flight) = self.flights.get_mut(&attempt) {
            let most = flight.wish.job.size;
            flight.moved = most.min(flight.moved + u64::from(bytes));
        }
    }

    /// A file is in place.
    pub fn stored(&mut self, attempt: u64) {
        if let Some(wish) = self.land(attempt) {
            self.totals.copied += 1;
            self.totals.bytes += wish.job.size;
            self.totals.copied_bytes += wish.job.size;
        }
    }

    /// What was written was not what was read.
    pub fn spoiled(&mut self, attempt: u64) {
        self.try_again(attempt, "its digest differs at the receiver");
    }

    /// A file could not be written. Returns the lane, whose reader may stop reading it.
    pub fn refused(&mut self, attempt: u64, why: String) -> Option<usize> {
        let lane = self.flights.get(&attempt)?.lane;
        let wish = self.land(attempt)?;
        self.note(&Note::Failed(wish.job.path, why));
        Some(lane)
    }

    /// Takes in what a reader found out.
    pub fn news(&mut self, news: News) {
        match news {
            News::Same(attempt) => {
                if let Some(wish) = self.land(attempt) {
                    self.totals.skipped += 1;
                    self.totals.bytes += wish.job.size;
                }
            }
            News::Changed(attempt) => self.try_again(attempt, "it changes while it is read"),
            News::Failed(attempt, why) => drop(self.refused(attempt, why)),
        }
    }

    /// The files that were put off are due.
    pub fn retry_later(&mut self) {
        self.ready.extend(self.later.drain(..));
    }

    /// Whether all files are settled, and the last pass is to be asked for.
    pub fn finish(&mut self) -> bool {
        let settled = self.trail.is_whole()
            && self.ready.is_empty()
            && self.later.is_empty()
            && self.flights.is_empty()
            && self.lanes.iter().all(|lane| lane.cleared >= lane.floor);
        match self.phase {
            Phase::Copying if settled => self.phase = Phase::Finishing,
            Phase::Finishing => {}
            _ => return false,
        }
        self.trail.ask_last()
    }

    /// The last pass is over; returns `false` if the user was faster.
    pub fn finished(&mut self, notes: &[Note]) -> bool {
        if self.phase != Phase::Finishing {
            return false;
        }
        for note in notes {
            self.note(note);
        }
        self.phase = Phase::Done;
        true
    }

    /// Begins nothing new while it is paused.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// The user wants it to end.
    pub fn interrupt(&mut self) {
        if self.phase != Phase::Done {
            self.phase = Phase::Interrupted;
        }
    }

    /// Keeps the tree as it is while it lives.
    pub fn keep_tree(&mut self, tree: String) {
        self.tree = tree;
    }

    /// Returns the lines for people since the last call.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Removes what writers may have left that could not end in time.
    pub fn remove_temporaries(&self) {
        for (&attempt, flight) in &self.flights {
            let path = self.task.dst.join(&flight.wish.job.path);
            let _ = std::fs::remove_file(path.with_file_name(temp_name(self.task.run, attempt)));
        }
    }

    /// Returns how far the run has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns the number of lanes.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Returns the number of files that are settled.
    pub fn settled(&self) -> u64 {
        self.totals.files()
    }

    /// Returns the files that have been on their way for longest.
    pub fn moving(&self) -> Vec<Moving> {
        let moving = |flight: &Flight| Moving {
            path: flight.wish.job.path.clone(),
            size: flight.wish.job.size,
            moved: flight.moved,
        };
        self.flights
            .values()
            .take(MOST_MOVING)
            .map(moving)
            .collect()
    }

    /// Returns what people see while it runs.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            phase: self.phase,
            paused: self.paused,
            totals: self.totals,
            found_files: self.found_files,
            found_bytes: self.found_bytes,
            walked: self.trail.is_whole(),
            restarts: self.lives.values().map(Lives::restarts).sum(),
        }
    }

    /// Returns what the run came to.
    pub fn report(&self, elapsed: Duration) -> Report {
        Report {
            totals: self.totals,
            restarts: self
                .lives
                .iter()
                .map(|(role, lives)| (role.to_string(), lives.causes()))
                .collect(),
            ended: self.ended.clone(),
            tree: self.tree.clone(),
            elapsed,
            verified: self.phase == Phase::Done && self.totals.failed == 0,
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Ends an attempt that still counts.
    fn land(&mut self, attempt: u64) -> Option<Wish> {
        let Flight { wish, lane, .. } = self.flights.remove(&attempt)?;
        self.lanes[lane].files -= 1;
        self.lanes[lane].bytes -= wish.job.size;
        Some(wish)
    }

    fn try_again(&mut self, attempt: u64, why: &str) {
        let Some(mut wish) = self.land(attempt) else {
            return;
        };
        wish.tries += 1;
        if wish.tries < MOST_TRIES {
            self.later.push(wish);
        } else {
            self.note(&Note::Failed(wish.job.path, why.into()));
        }
    }

    fn note(&mut self, note: &Note) {
        self.totals.note(note);
        self.lines.push(line(note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(lanes: usize) -> Ledger {
        let task = Task {
            src: "src".into(),
            dst: "dst".into(),
            run: 1,
            checksum: false,
            delete: false,
        };
        Ledger::new(task, lanes)
    }

    fn batch(files: &[(&str, u64)], end: bool) -> Batch {
        let job = |&(path, size): &(&str, u64)| Job {
            path: path.into(),
            size,
            compare: false,
        };
        Batch {
            jobs: files.iter().map(job).collect(),
            place: files.last().map(|(path, _)| path.into()),
            end,
            ..Batch::default()
        }
    }

    fn paths(ledger: &mut Ledger) -> Vec<String> {
        let flights = std::iter::from_fn(|| ledger.assign());
        flights
            .map(|(_, _, job)| job.path.display().to_string())
            .collect()
    }

    #[test]
    fn a_run_goes_from_the_walk_to_the_last_pass() {
        let mut ledger = ledger(2);
        assert_eq!((ledger.ask().unwrap().place, ledger.ask()), (None, None));
        ledger.found(batch(&[("a", 5), ("b", 6)], false));
        ledger.over();
        assert_eq!(ledger.ask().unwrap().place, Some("b".into()));
        let first = ledger.assign().unwrap();
        let second = ledger.assign().unwrap();
        assert_ne!(first.0, second.0);
        ledger.stored(first.1);
        ledger.stored(first.1);
        ledger.stored(second.1);
        assert!(!ledger.finish(), "the walk is not over");
        ledger.found(batch(&[], true));
        assert!(!ledger.finish(), "somebody still walks");
        ledger.over();
        assert!(ledger.finish() && !ledger.finish());
        ledger.over();
        assert!(ledger.finish(), "nobody answered");
        assert!(ledger.finished(&[]) && !ledger.finished(&[]));
        let report = ledger.report(Duration::ZERO);
        assert!(report.verified);
        assert_eq!((report.totals.copied, report.totals.bytes), (2, 11));
    }

    #[test]
    fn a_crash_brings_back_the_files_of_its_lane_only() {
        let mut ledger = ledger(2);
        ledger.ask().unwrap();
        ledger.found(batch(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)], true));
        let flights: Vec<_> = std::iter::from_fn(|| ledger.assign()).collect();
        let floor = ledger.reset(0);
        let of_lane = |lane| flights.iter().filter(move |(l, ..)| *l == lane);
        for (_, attempt, _) in of_lane(0) {
            assert!(*attempt < floor);
            ledger.stored(*attempt);
        }
        assert_eq!(ledger.settled(), 0, "what is stale does not count");
        let again: Vec<_> = std::iter::from_fn(|| ledger.assign()).collect();
        assert_eq!(again.len(), of_lane(0).count());
        for (_, attempt, _) in again.iter().chain(of_lane(1)) {
            ledger.stored(*attempt);
        }
        assert_eq!(ledger.settled(), 4);
        ledger.over();
        assert!(!ledger.finish(), "its writer may still remove something");
        ledger.cleared(0, floor - 1);
        assert!(!ledger.finish(), "an earlier floor");
        ledger.cleared(0, floor);
        assert!(ledger.finish());
    }

    #[test]
    fn a_paused_run_begins_nothing_and_goes_on_where_it_was() {
        let mut ledger = ledger(1);
        ledger.ask().unwrap();
        ledger.found(batch(&[("a", 5), ("b", 5)], true));
        let (_, first, _) = ledger.assign().unwrap();
        ledger.pause(true);
        assert!(ledger.assign().is_none() && ledger.snapshot().paused);
        ledger.stored(first);
        assert!(!ledger.finish(), "a file is left");
        ledger.pause(false);
        assert_eq!(paths(&mut ledger), ["b"]);
    }

    #[test]
    fn people_see_how_far_a_file_is() {
        let mut ledger = ledger(1);
        ledger.ask().unwrap();
        ledger.found(batch(&[("a", 5)], true));
        let (_, attempt, _) = ledger.assign().unwrap();
        let moved = |ledger: &Ledger| ledger.moving().iter().map(|file| file.moved).sum::<u64>();
        ledger.moved(attempt, 3);
        assert_eq!(moved(&ledger), 3);
        ledger.moved(attempt, 3); // with what stands around the bytes
        assert_eq!(moved(&ledger), 5);
        ledger.stored(attempt);
        assert!(ledger.moving().is_empty());
    }

    #[test]
    fn windows_bound_what_is_on_its_way() {
        let mut ledger = ledger(1);
        ledger.ask().unwrap();
        let files: Vec<_> = (0..1000).map(|_| ("f", 1)).collect();
        ledger.found(batch(&files, true));
        assert_eq!(paths(&mut ledger).len(), LANE_FILES);
        ledger.reset(0);
        ledger.ready.push_front(Wish {
            job: Job {
                size: 1 << 40,
                ..job()
            },
            tries: 0,
        });
        assert_eq!(paths(&mut ledger).len(), 1, "a large file goes alone");
    }

    fn job() -> Job {
        Job {
            path: "f".into(),
            size: 1,
            compare: false,
        }
    }

    #[test]
    fn a_file_that_changes_is_tried_again_then_reported() {
        let mut ledger = ledger(1);
        ledger.ask().unwrap();
        ledger.found(batch(&[("f", 1)], true));
        for _ in 0..MOST_TRIES {
            let (_, attempt, _) = ledger.assign().unwrap();
            ledger.news(News::Changed(attempt));
            assert!(ledger.assign().is_none());
            ledger.retry_later();
        }
        assert_eq!(ledger.totals.failed, 1);
        assert_eq!(
            ledger.take_lines(),
            ["mirror: failed: f: it changes while it is read"]
        );
        ledger.over();
        assert!(ledger.finish());
        assert!(!ledger.report(Duration::ZERO).verified);
    }
}
