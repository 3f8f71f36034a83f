//! What a supervisor does: a pure function of (child table, event, time).
//!
//! [`Family::handle`] takes an event and appends what is to be done. It reads no clock, sends
//! nothing and calls no user code, so it can be tested and fuzzed by itself. The rules are those of
//! Erlang/OTP's supervisor; where they differ from the obvious, the code says so.

mod deed;
mod exits;
mod names;
mod tally;

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::time::Duration;

use smallvec::SmallVec;

use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::exit::Exit;
use crate::fixed_map::FixedMap;
use crate::label::Label;

pub(crate) use deed::{Deed, DeedResult, Refusal};
use exits::{Past, Terms};
use names::Names;
use tally::Tally;

/// Whom a supervisor restarts when a child ends that must be restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    OneForOne,
    OneForAll,
    RestForOne,
    /// Instances of one template: none at the start, no order among them, and one that is not
    /// restarted leaves no spec.
    SimpleOneForOne,
}

/// When a child is started again after it ended.
///
/// Said of the children of a pool; others say it with [`Child::transient`](crate::Child::transient)
/// and its kin.
/// ```
/// use rotor_core::*;
/// struct Download;
/// impl Actor for Download {}
/// let pool = Supervisor::simple_one_for_one("downloads", |_: u32, _: &mut Context<Download>| Download)
///     .instances(Restart::Transient); // one that is done stays away, one that failed is tried again
/// # assert!(pool.plan(&Locality::new("here")).is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Restart {
    /// Always. The default, as in OTP.
    #[default]
    Permanent,
    /// After an abnormal exit only.
    Transient,
    /// Never; its spec is removed when it ends.
    Temporary,
}

impl Restart {
    /// Whether a child that ended like this is started again.
    pub(crate) fn wants(self, exit: &Exit) -> bool {
        match self {
            Restart::Permanent => true,
            Restart::Transient => exit.is_abnormal(),
            Restart::Temporary => false,
        }
    }
}

/// Whether a supervisor ends when its significant children have ended.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Window;
/// impl Actor for Window {}
/// # let mut sim = Sim::new(1);
/// # let here = sim.locality("here");
/// let (one, two) = (here.reserve(), here.reserve());
/// let window = |addr| Child::new(format!("{addr:?}"), || Window).at(addr).transient().significant();
/// let app = sim.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::All)
///     .child(window(one)).child(window(two)))?;
/// # sim.run_until_idle();
/// one.stop();
/// sim.run_until_idle();
/// assert!(app.tree().ended.is_none()); // a window is left
/// two.stop();
/// sim.run_until_idle();
/// assert!(app.tree().ended.is_some());
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AutoShutdown {
    /// It does not. The default.
    #[default]
    Never,
    /// It ends when any significant child has ended by itself.
    Any,
    /// It ends when the last significant child has ended by itself.
    All,
}

/// How a supervisor behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: u32,
    pub(crate) period: Duration,
    pub(crate) auto_shutdown: AutoShutdown,
    /// No child is operational before all are initialized.
    pub(crate) synchronized: bool,
}

impl Flags {
    pub(crate) const fn new(strategy: Strategy) -> Self {
        Flags {
            strategy,
            intensity: 1,
            period: Duration::from_secs(5),
            auto_shutdown: AutoShutdown::Never,
            synchronized: false,
        }
    }
}

/// A child's row in the table of its supervisor.
pub(crate) type ChildId = u32;

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The supervisor's own instance has started: start the children.
    Start,
    /// The next so many of the rows that were [added later](Family::add_later): start them.
    Added(u32),
    /// A child is initialized, and waits for [`Action::Go`].
    Initialized(ChildId, u64),
    /// A child is operational.
    Started(ChildId, u64),
    /// What waits at [`Action::Ready`] goes on.
    Go,
    /// A child could not start; what the supervising actor says to it.
    Failed(ChildId, u64, Exit, Decision),
    /// A child asked not to be started, which is no error.
    Ignored(ChildId, u64),
    /// A child's instance ended; what the supervising actor says to it.
    Exited(ChildId, u64, Exit, Decision),
    /// A child was lost whose end, of which this does not tell, waits for its turn.
    Lost(ChildId, u64, Exit),
    /// The retry that was posted behind everything queued.
    Retry(ChildId, u64),
    /// The wait before a restart is over.
    Due(ChildId, u64),
    /// A start that is waited for is to be none: the child is stopped, and the pass goes on without it.
    Recall(ChildId, u64),
    /// The limit of the running step passed; the exit says which. What the supervising actor says to
    /// it, if it was a start.
    Limit(ChildId, u64, Exit, Decision),
    /// The supervisor is to end. `keep` says whether its slot will be used again.
    Stop {
        exit: Exit,
        keep: bool,
    },
    /// An administrative request has come.
    Asked,
    /// The request that is served asks for this.
    Do(Deed),
    /// The request that is served is answered.
    Served,
    /// What comes is kept until [`Event::Resume`].
    Suspend,
    Resume,
}

/// What the word to go on means to a supervisor that is initialized.
#[derive(Clone, Debug)]
pub(crate) enum OnGo {
    /// It is operational: no child of it waits.
    Up,
    /// Its children are to be told.
    Told(Event),
    /// Nothing: a child has ended, and its end follows when the others are stopped.
    Ends,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Start an instance; its incarnation.
    Start(ChildId, u64),
    /// The same, but it waits for [`Action::Go`] when it is initialized.
    Prepare(ChildId, u64),
    /// It may be operational now.
    Go(ChildId, u64),
    /// Stop it in an orderly way.
    Stop {
        child: ChildId,
        incarnation: u64,
        keep: bool,
        exit: Exit,
    },
    /// Remove it by force, now: it is abandoned.
    Kill(ChildId, u64),
    /// The same: its start or its stop, as this says, has overrun its limit.
    Overrun {
        child: ChildId,
        incarnation: u64,
        step: Step,
        keep: bool,
    },
    /// Nobody needs this exit any more.
    Drop(Exit),
    /// Post [`Event::Retry`] behind everything queued.
    Retry(ChildId, u64),
    /// Post [`Event::Due`] after a random number of nanoseconds between these.
    Wait {
        child: ChildId,
        incarnation: u64,
        least: u64,
        most: u64,
    },
    /// Nobody waits any more for what [`Action::Wait`] asked for.
    StopWaiting(ChildId),
    /// The row is gone: free the child's slot.
    Forget(ChildId),
    /// Every child is initialized, and waits; [`Event::Go`] has them go on.
    Ready,
    /// Every child is operational.
    Up,
    /// The first start failed; the started children are stopped.
    StartFailed(Exit),
    /// The restart intensity is exceeded by this child; `Ended` follows when the others are
    /// stopped.
    GaveUp(ChildId),
    /// The end of this child is the supervisor's; `Ended` follows when the others are stopped.
    Escalated(ChildId),
    /// No instance of the child comes by itself any more, against what its kind says.
    LayDown(ChildId, Exit),
    /// The spec of a declared child is put aside until the supervisor's next start: till then its names
    /// are nobody's.
    PutAside(ChildId),
    /// That start has come: its names are its own again.
    TakeUp(ChildId),
    /// Significant children have ended; `Ended` follows when the others are stopped.
    AutoShutdown,
    /// The oldest request that was not served yet is to be. Nothing else is handled before
    /// [`Event::Do`] or [`Event::Served`].
    Serve,
    /// What came of the request that is served.
    Answer(DeedResult),
    /// Every child is stopped; the supervisor ends like this.
    Ended(Exit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowState {
    Free,
    /// Its first start is still to come: that of the supervisor, or its own if it was added. A
    /// restart pass leaves it alone.
    New,
    /// Not running: ended and not to be restarted, or between the steps of a pass.
    Down,
    Starting,
    /// Initialized; it waits for the others.
    Ready,
    Up,
    /// It ended by itself during a pass, which its exit waits for.
    Ended,
    Stopping,
    /// Its start failed; a retry is posted.
    Restarting,
    /// Its restart is counted, and comes when a wait is over.
    Waiting,
}

impl RowState {
    /// Whether it has an instance, or gets one by itself.
    fn is_live(self) -> bool {
        !matches!(self, RowState::New | RowState::Down | RowState::Free)
    }
}

/// One child.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: Label,
    pub(crate) state: RowState,
    pub(crate) incarnation: u64,
    pub(crate) restart: Restart,
    pub(crate) significant: bool,
    /// Its failure is the supervisor's.
    escalating: bool,
    pub(crate) supervisor: bool,
    /// Added at run time: it does not outlive the supervisor's instance.
    pub(crate) dynamic: bool,
    /// A declared child whose spec was removed: a temporary one that ended, or one that was deleted.
    /// It comes back only with the supervisor's next start.
    pub(crate) removed: bool,
    /// Requests find it by its name, which no other such row has.
    named: bool,
    /// The last incarnation that was operational.
    pub(crate) last_up: u64,
    /// The last incarnation before this row, or this start of the supervisor: retries up to it are
    /// not for the row.
    since: u64,
    prev: ChildId,
    next: ChildId,
}

// There may be very many.
const _: () = assert!(size_of::<Row>() <= 56);

/// A row to be added.
pub(crate) struct NewRow {
    pub(crate) name: Label,
    pub(crate) restart: Restart,
    pub(crate) significant: bool,
    pub(crate) escalating: bool,
    pub(crate) supervisor: bool,
    pub(crate) dynamic: bool,
    pub(crate) named: bool,
    pub(crate) backoff: Option<Backoff>,
    /// How many restarts of it within the period are allowed, if that is fewer than for all.
    pub(crate) at_most: Option<u32>,
}

const NONE: ChildId = ChildId::MAX;
/// Room for more events that wait is given back when none does.
pub(crate) const KEEP: usize = 64;

type Ids = SmallVec<[ChildId; 4]>;

/// A sequence of steps, one at a time: stop these, then start those.
#[derive(Debug)]
struct Pass {
    stops: Ids,
    starts: Ids,
    stopped: usize,
    started: usize,
    waiting: Waiting,
    then: Then,
    /// Where in `starts` each is, for whoever asks: many may ask, of a large pass.
    places: OnceCell<Box<FixedMap<ChildId, usize>>>,
}

/// What a pass waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    /// [`Event::Go`].
    Go,
    One(ChildId, Step),
    /// So many children that were told to stop at the same time.
    Stops(usize),
}

/// What a child is told to do, and has a limit for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Start,
    Stop,
}

#[derive(Clone, Debug)]
enum Then {
    /// The first start, up to where all wait for each other: report that.
    Ready,
    /// The first start: report that all are up.
    Up,
    /// A restart pass.
    Restarted,
    /// A child was added.
    Added,
    /// A request is served; `added` is for the row that was added for it.
    Asked { added: bool, outcome: DeedResult },
    /// The supervisor ends.
    End {
        exit: Exit,
        keep: bool,
        failed_start: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the start, or after the end.
    Idle,
    Running,
}

/// The state of a supervisor: its children and what it is doing.
#[derive(Debug)]
pub(crate) struct Family {
    flags: Flags,
    /// When the supervisor itself is started again.
    restart: Restart,
    rows: Vec<Row>,
    free: Vec<ChildId>,
    first: ChildId,
    last: ChildId,
    incarnations: u64,
    /// How many significant children are live.
    significant: usize,
    tally: Tally,
    phase: Phase,
    pass: Option<Pass>,
    /// A request is with whoever looks up what it means.
    serving: bool,
    suspended: bool,
    deferred: VecDeque<Event>,
    /// Rows that were added while it runs, and are started one by one. Some may be gone.
    fresh: VecDeque<ChildId>,
    /// What the specs of some children say of their restarts.
    terms: FixedMap<ChildId, Terms>,
    /// Children whose restart failed, and why, until the retry.
    failures: FixedMap<ChildId, (Exit, Decision)>,
    /// When restarts were tried, in nanoseconds: at most `intensity + 1`.
    restarts: VecDeque<u64>,
    /// What the last of them were for.
    past: VecDeque<Past>,
    names: Names,
    /// Rows whose state has changed since somebody looked, if somebody waits for one to be
    /// [settled](Self::is_settled).
    pub(crate) settled: Option<Vec<ChildId>>,
}

impl Family {
    pub(crate) fn new(flags: Flags, restart: Restart) -> Self {
        Family {
            flags,
            restart,
            rows: Vec::new(),
            free: Vec::new(),
            first: NONE,
            last: NONE,
            incarnations: 0,
            significant: 0,
            tally: Tally::default(),
            phase: Phase::Idle,
            pass: None,
            serving: false,
            suspended: false,
            deferred: VecDeque::new(),
            fresh: VecDeque::new(),
            terms: FixedMap::default(),
            failures: FixedMap::default(),
            restarts: VecDeque::new(),
            past: VecDeque::new(),
            names: Names::default(),
            settled: None,
        }
    }

    /// The actor runs already and gets its first child: there is no first start to wait for.
    pub(crate) fn run(&mut self) {
        self.phase = Phase::Running;
    }

    /// Instances that are still to come have numbers above this one.
    pub(crate) fn number_from(&mut self, number: u64) {
        self.incarnations = self.incarnations.max(number);
    }

    /// Adds a row at the end of the start order, for [`Event::Added`] to start it.
    pub(crate) fn add_later(&mut self, row: NewRow) -> ChildId {
        let id = self.add(row);
        self.fresh.push_back(id);
        id
    }

    /// Adds a row at the end of the start order. A `named` one is found by its name.
    pub(crate) fn add(&mut self, row: NewRow) -> ChildId {
        let terms = Terms::new(row.backoff, row.at_most);
        let row = Row {
            name: row.name,
            state: RowState::New,
            incarnation: 0,
            restart: row.restart,
            significant: row.significant,
            escalating: row.escalating,
            supervisor: row.supervisor,
            dynamic: row.dynamic,
            removed: false,
            named: row.named,
            last_up: 0,
            since: self.incarnations,
            prev: self.last,
            next: NONE,
        };
        let (named, name) = (row.named, row.name.clone());
        let id = match self.free.pop() {
            Some(id) => {
                self.rows[id as usize] = row;
                id
            }
            None => {
                self.rows.push(row);
                (self.rows.len() - 1) as ChildId
            }
        };
        match self.last {
            NONE => self.first = id,
            last => self.rows[last as usize].next = id,
        }
        self.last = id;
        if let Some(terms) = terms {
            self.terms.insert(id, terms);
        }
        if named {
            self.names.insert(name, id);
        }
        id
    }

    /// Takes a row back that was just added.
    pub(crate) fn discard(&mut self, id: ChildId) {
        self.remove(id);
    }

    pub(crate) fn flags(&self) -> Flags {
        self.flags
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    pub(crate) fn row(&self, id: ChildId) -> &Row {
        &self.rows[id as usize]
    }

    /// The children in start order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ChildId> + '_ {
        self.ids_from(self.first)
    }

    /// A child and those behind it in start order.
    fn ids_from(&self, first: ChildId) -> impl Iterator<Item = ChildId> + '_ {
        let next = |id: ChildId| (id != NONE).then_some(id);
        std::iter::successors(next(first), move |&id| next(self.rows[id as usize].next))
    }

    /// Whether a child does not run, and no pass is about to start it, or ends its supervisor.
    pub(crate) fn is_over(&self, id: ChildId) -> bool {
        let row = self.row(id);
        let starts = |pass: &Pass| !row.removed && pass.is_to_start(id);
        let changes = |pass: &Pass| pass.is_end() || starts(pass);
        row.state == RowState::Down && !self.pass.as_ref().is_some_and(changes)
    }

    /// Whether any child has an instance, or may get one.
    pub(crate) fn is_busy(&self) -> bool {
        self.pass.is_some() || self.phase == Phase::Running
    }

    /// Handles an event and whatever was put off and can be handled after it.
    pub(crate) fn handle(&mut self, event: Event, now: u64, out: &mut Vec<Action>) {
        self.one(event, now, out);
        while !self.is_deaf() && self.phase == Phase::Running {
            let Some(event) = self.deferred.pop_front() else {
                break;
            };
            self.one(event, now, out);
        }
        if self.deferred.is_empty() && self.deferred.capacity() > KEEP {
            self.deferred = VecDeque::new();
        }
        if self.fresh.is_empty() && self.fresh.capacity() > KEEP {
            self.fresh = VecDeque::new();
        }
    }

    /// Whether what comes has to wait its turn.
    fn is_deaf(&self) -> bool {
        self.pass.is_some() || self.serving || self.suspended
    }

    fn is_pool(&self) -> bool {
        self.flags.strategy == Strategy::SimpleOneForOne
    }

    /// Everything is gone by force: every row is down, dynamic ones are forgotten.
    pub(crate) fn abandon(&mut self, out: &mut Vec<Action>) {
        let ids: Ids = self.ids().collect();
        for id in ids {
            let row = &mut self.rows[id as usize];
            if matches!(
                row.state,
                RowState::Starting | RowState::Ready | RowState::Up | RowState::Stopping
            ) {
                out.push(Action::Kill(id, row.incarnation));
            }
            self.down(id);
        }
        self.forget_dynamic(out);
        self.idle(out);
    }

    fn idle(&mut self, out: &mut Vec<Action>) {
        self.forget_past(|_| true, out);
        self.pass = None;
        self.serving = false;
        self.suspended = false;
        self.phase = Phase::Idle;
        self.deferred.clear();
        self.fresh.clear();
        self.failures.clear();
        self.restarts.clear();
    }

    fn one(&mut self, event: Event, now: u64, out: &mut Vec<Action>) {
        match event {
            Event::Start => self.start(out),
            Event::Added(count) => self.added(count, out),
            Event::Initialized(id, incarnation) => {
                let awaited = self.is_awaited(id, incarnation, Step::Start);
                if awaited && self.row(id).state == RowState::Starting {
                    self.set(id, RowState::Ready);
                    self.step(out);
                }
            }
            Event::Go => self.go(out),
            Event::Started(id, incarnation) => {
                if self.is_awaited(id, incarnation, Step::Start) {
                    self.started(id, now, out);
                }
            }
            Event::Failed(id, incarnation, exit, decision) => {
                if self.is_awaited(id, incarnation, Step::Start) {
                    self.start_failed(id, exit, decision, out);
                } else if self.is_awaited(id, incarnation, Step::Stop) {
                    // It was told to stop while it started.
                    self.stopped(id, out);
                } else if self.is_ready(id, incarnation) {
                    self.ready_ended(id, exit, decision, out);
                }
            }
            Event::Ignored(id, incarnation) => {
                if self.is_awaited(id, incarnation, Step::Start) {
                    self.over(id, out);
                    self.step(out);
                } else if self.is_awaited(id, incarnation, Step::Stop) {
                    self.stopped(id, out);
                }
            }
            Event::Exited(id, incarnation, exit, decision) => {
                let end = (exit, decision);
                self.exited(id, incarnation, end, now, out);
            }
            Event::Lost(id, incarnation, exit) => self.lost(id, incarnation, exit, out),
            Event::Retry(id, incarnation) => {
                if self.is_deaf() {
                    self.deferred.push_back(Event::Retry(id, incarnation));
                } else if self.is_retried(id, incarnation) {
                    let failed = self.failures.remove(&id);
                    let (exit, decision) = failed.unwrap_or((Exit::killed(), Decision::Usual));
                    let decision = self.judge_restart(id, &exit, decision);
                    self.settle(id, exit, decision, now, out);
                }
            }
            Event::Due(id, incarnation) => self.due(id, incarnation, out),
            Event::Recall(id, incarnation) => {
                if self.is_awaited(id, incarnation, Step::Start)
                    && let Some(pass) = &mut self.pass
                {
                    pass.waiting = Waiting::One(id, Step::Stop);
                    self.tell_to_stop(id, out);
                }
            }
            Event::Limit(id, incarnation, exit, decision) => {
                if self.is_awaited(id, incarnation, Step::Start) {
                    self.overrun(id, Step::Start, self.is_kept(id), out);
                    self.start_failed(id, exit, decision, out);
                } else if self.is_awaited(id, incarnation, Step::Stop) {
                    self.overrun(id, Step::Stop, self.is_kept(id), out);
                    self.stopped(id, out);
                } else if self.runs(id, incarnation) {
                    // It ends by itself.
                    let keep = self.row(id).restart.wants(&exit);
                    self.overrun(id, Step::Stop, keep, out);
                    self.exited(id, incarnation, (exit, decision), now, out);
                }
            }
            Event::Stop { exit, keep } => self.stop(exit, keep, out),
            Event::Asked if self.is_deaf() || self.phase == Phase::Idle => {
                self.deferred.push_back(Event::Asked);
            }
            Event::Asked => {
                self.serving = true;
                out.push(Action::Serve);
            }
            Event::Do(deed) => {
                if std::mem::take(&mut self.serving) {
                    self.deed(deed, out);
                }
            }
            Event::Served => self.serving = false,
            Event::Suspend => self.suspended = self.phase == Phase::Running,
            Event::Resume => self.suspended = false,
        }
    }

    fn start(&mut self, out: &mut Vec<Action>) {
        let starts: Ids = self.ids().collect();
        for &id in &starts {
            let row = &mut self.rows[id as usize];
            self.tally.leave(row);
            if std::mem::take(&mut row.removed) {
                out.push(Action::TakeUp(id));
            }
            self.tally.enter(row);
            row.since = self.incarnations;
        }
        self.terms.values_mut().for_each(Terms::forgive);
        self.names.forget();
        let synchronized = self.flags.synchronized;
        let then = if synchronized { Then::Ready } else { Then::Up };
        self.begin(Ids::new(), starts, then, out);
    }

    /// What the word to go on means to it.
    pub(crate) fn on_go(&self) -> OnGo {
        match &self.pass {
            Some(pass) if pass.is_end() => OnGo::Ends,
            Some(pass) if pass.waiting == Waiting::Go => OnGo::Told(Event::Go),
            None if self.phase == Phase::Idle => OnGo::Told(Event::Start),
            _ => OnGo::Up,
        }
    }

    /// Children that wait for each other become operational, one after the other.
    fn go(&mut self, out: &mut Vec<Action>) {
        let waits = |pass: &Pass| pass.waiting == Waiting::Go;
        if self.pass.as_ref().is_some_and(waits) {
            let ready = |id: &ChildId| self.row(*id).state == RowState::Ready;
            let goes = self.ids().filter(ready).collect();
            self.begin(Ids::new(), goes, Then::Up, out);
        }
    }

    /// Whether this instance of a child runs, as far as it is known here.
    pub(crate) fn runs(&self, id: ChildId, incarnation: u64) -> bool {
        let row = self.rows.get(id as usize);
        let runs = |row: &Row| matches!(row.state, RowState::Ready | RowState::Up);
        row.is_some_and(|row| runs(row) && row.incarnation == incarnation)
    }

    fn is_ready(&self, id: ChildId, incarnation: u64) -> bool {
        let row = self.rows.get(id as usize);
        row.is_some_and(|row| row.state == RowState::Ready && row.incarnation == incarnation)
    }

    /// A child that waits for the others has ended.
    fn ready_ended(&mut self, id: ChildId, exit: Exit, said: Decision, out: &mut Vec<Action>) {
        if self.pass.as_ref().is_some_and(Pass::is_end) {
            return self.over(id, out); // it would have been told to
        }
        self.start_failed(id, exit, said, out);
    }

    fn started(&mut self, id: ChildId, now: u64, out: &mut Vec<Action>) {
        self.set(id, RowState::Up);
        self.note_up(id, now);
        let row = &mut self.rows[id as usize];
        row.last_up = row.incarnation;
        let up = (id, row.incarnation);
        if let Some(Pass {
            then: Then::Asked { outcome, .. },
            ..
        }) = &mut self.pass
        {
            *outcome = Ok(Some(up));
        }
        self.step(out);
    }

    fn is_awaited(&self, id: ChildId, incarnation: u64, step: Step) -> bool {
        let Some(pass) = &self.pass else { return false };
        let Some(row) = self.rows.get(id as usize) else {
            return false;
        };
        let awaited = match pass.waiting {
            Waiting::Nothing | Waiting::Go => false,
            Waiting::One(other, of) => (other, of) == (id, step),
            Waiting::Stops(_) => step == Step::Stop && row.state == RowState::Stopping,
        };
        awaited && row.incarnation == incarnation
    }

    /// The child whose start is waited for, and its instance.
    pub(crate) fn awaited_start(&self) -> Option<(ChildId, u64)> {
        match self.pass.as_ref()?.waiting {
            Waiting::One(id, Step::Start) => Some((id, self.row(id).incarnation)),
            _ => None,
        }
    }

    /// Whether it starts children again, and tries again where that fails.
    pub(crate) fn is_restart(&self) -> bool {
        let again = |pass: &Pass| matches!(pass.then, Then::Restarted);
        self.pass.as_ref().is_some_and(again)
    }

    /// Whether the last pass has begun: that of its end.
    pub(crate) fn is_ending(&self) -> bool {
        self.pass.as_ref().is_some_and(Pass::is_end)
    }

    /// How it ends, if its last pass has begun. A start that is undone is none: that has failed.
    pub(crate) fn ends_with(&self) -> Option<&Exit> {
        match &self.pass.as_ref()?.then {
            Then::End {
                exit,
                failed_start: false,
                ..
            } => Some(exit),
            _ => None,
        }
    }

    /// Any retry of this start of the supervisor serves a child that waits for one, also one that
    /// was posted for an earlier failure and overtaken by a pass: OTP's go by the child's id alone.
    fn is_retried(&self, id: ChildId, incarnation: u64) -> bool {
        let row = self.rows.get(id as usize);
        row.is_some_and(|row| row.state == RowState::Restarting && incarnation > row.since)
    }

    fn added(&mut self, count: u32, out: &mut Vec<Action>) {
        if self.is_deaf() {
            match self.deferred.back_mut() {
                Some(Event::Added(before)) => *before += count,
                _ => self.deferred.push_back(Event::Added(count)),
            }
            return;
        }
        if self.phase != Phase::Running {
            let gone = self.fresh.len().min(count as usize);
            drop(self.fresh.drain(..gone));
            return;
        }
        if count > 1 {
            self.deferred.push_front(Event::Added(count - 1));
        }
        // Those of an instance that has ended went with it.
        let next = self.fresh.pop_front();
        if let Some(id) = next.filter(|&id| self.rows[id as usize].state == RowState::New) {
            self.begin(Ids::new(), SmallVec::from_slice(&[id]), Then::Added, out);
        }
    }

    fn begin(&mut self, stops: Ids, starts: Ids, then: Then, out: &mut Vec<Action>) {
        self.phase = Phase::Running;
        self.pass = Some(Pass {
            stops,
            starts,
            stopped: 0,
            started: 0,
            waiting: Waiting::Nothing,
            then,
            places: OnceCell::new(),
        });
        self.step(out);
    }

    /// Does what can be done without waiting, up to the next step that must be waited for.
    fn step(&mut self, out: &mut Vec<Action>) {
        loop {
            let together = self.is_pool();
            let Some(pass) = &mut self.pass else { return };
            pass.waiting = Waiting::Nothing;
            if together && pass.is_end() && !pass.stops.is_empty() {
                if self.stop_together(out) {
                    return;
                }
            } else if let Some(&id) = pass.stops.get(pass.stopped) {
                pass.stopped += 1;
                let state = self.rows[id as usize].state;
                if !matches!(state, RowState::Up | RowState::Ready) {
                    self.over(id, out);
                    continue;
                }
                pass.waiting = Waiting::One(id, Step::Stop);
                return self.tell_to_stop(id, out);
            } else if let Some(&id) = pass.starts.get(pass.started) {
                pass.started += 1;
                let again = matches!(pass.then, Then::Restarted);
                let together = matches!(pass.then, Then::Ready);
                let row = &mut self.rows[id as usize];
                if row.state == RowState::Ready {
                    pass.waiting = Waiting::One(id, Step::Start);
                    return out.push(Action::Go(id, row.incarnation));
                }
                let ready = row.state == RowState::Down || row.state == RowState::New && !again;
                if !ready || row.removed {
                    continue; // a temporary child that ended, or that the pass removed
                }
                self.incarnations += 1;
                row.incarnation = self.incarnations;
                pass.waiting = Waiting::One(id, Step::Start);
                self.set(id, RowState::Starting);
                return out.push(if together {
                    Action::Prepare(id, self.incarnations)
                } else {
                    Action::Start(id, self.incarnations)
                });
            } else {
                return self.passed(out);
            }
        }
    }

    /// Every step of the pass is done.
    fn passed(&mut self, out: &mut Vec<Action>) {
        let Some(pass) = self.pass.take() else { return };
        match pass.then {
            Then::Ready => {
                self.pass = Some(Pass {
                    waiting: Waiting::Go,
                    ..pass
                });
                out.push(Action::Ready);
            }
            Then::Up => out.push(Action::Up),
            Then::Restarted | Then::Added => {}
            Then::Asked { outcome, .. } => out.push(Action::Answer(outcome)),
            Then::End {
                exit, failed_start, ..
            } => {
                self.forget_dynamic(out);
                self.idle(out);
                out.push(if failed_start {
                    Action::StartFailed(exit)
                } else {
                    Action::Ended(exit)
                });
            }
        }
    }

    /// Tells every instance of a pool to stop, all at the same time. False if there is none.
    fn stop_together(&mut self, out: &mut Vec<Action>) -> bool {
        let Some(pass) = &mut self.pass else {
            return false;
        };
        let mut told = 0;
        for id in std::mem::take(&mut pass.stops) {
            match self.rows[id as usize].state {
                RowState::Up | RowState::Ready => self.tell_to_stop(id, out),
                RowState::Stopping => {} // told before the pass
                _ => {
                    self.over(id, out);
                    continue;
                }
            }
            told += 1;
        }
        if let Some(pass) = &mut self.pass {
            pass.waiting = Waiting::Stops(told);
        }
        told > 0
    }

    fn tell_to_stop(&mut self, id: ChildId, out: &mut Vec<Action>) {
        self.set(id, RowState::Stopping);
        let Some(pass) = &self.pass else { return };
        let exit = match &pass.then {
            Then::End { exit, .. } => Exit::shutdown().because_of(exit),
            _ => Exit::shutdown(),
        };
        out.push(Action::Stop {
            child: id,
            incarnation: self.row(id).incarnation,
            keep: self.is_kept(id),
            exit,
        });
    }

    /// Whether the slot of a child that the pass ends waits for another instance.
    fn is_kept(&self, id: ChildId) -> bool {
        let row = self.row(id);
        match self.pass.as_ref().map(|pass| &pass.then) {
            Some(Then::End {
                keep, failed_start, ..
            }) => (*keep || *failed_start) && !row.dynamic,
            Some(Then::Asked { .. }) => false,
            _ => row.restart != Restart::Temporary,
        }
    }

    /// A step takes too long.
    fn overrun(&self, id: ChildId, step: Step, keep: bool, out: &mut Vec<Action>) {
        out.push(Action::Overrun {
            child: id,
            incarnation: self.row(id).incarnation,
            step,
            keep,
        });
    }

    /// A child that the pass waits for has stopped.
    fn stopped(&mut self, id: ChildId, out: &mut Vec<Action>) {
        self.over(id, out);
        if let Some(Pass {
            waiting: Waiting::Stops(left),
            ..
        }) = &mut self.pass
        {
            *left -= 1;
            if *left > 0 {
                return;
            }
        }
        self.step(out);
    }

    /// A child is not running any more because of a pass.
    fn over(&mut self, id: ChildId, out: &mut Vec<Action>) {
        let row = &mut self.rows[id as usize];
        if row.state == RowState::Free {
            return;
        }
        if row.state == RowState::Waiting {
            out.push(Action::StopWaiting(id));
        }
        self.down(id);
        let ends = self.pass.as_ref().is_some_and(Pass::is_end);
        let row = &self.rows[id as usize];
        let is_last = row.restart == Restart::Temporary && !ends && !row.removed;
        if self.is_asked_for() || is_last {
            // It may have ended by itself before the order came, and wait for the next instance. What was
            // lost meanwhile cannot lay itself down.
            out.push(Action::LayDown(id, Exit::shutdown()));
        }
        self.forget_if_over(id, out);
    }

    /// Whether a request is served by the pass.
    fn is_asked_for(&self) -> bool {
        let asked = |pass: &Pass| matches!(pass.then, Then::Asked { .. });
        self.pass.as_ref().is_some_and(asked)
    }

    fn down(&mut self, id: ChildId) {
        self.set(id, RowState::Down);
    }

    fn set(&mut self, id: ChildId, state: RowState) {
        let row = &mut self.rows[id as usize];
        if row.significant {
            self.significant += usize::from(state.is_live());
            self.significant -= usize::from(row.state.is_live());
        }
        self.tally.leave(row);
        row.state = state;
        self.tally.enter(row);
        if let Some(settled) = &mut self.settled {
            settled.push(id);
        }
    }

    /// Whether a child runs, or has no instance and no restart under way; one that a pass is to start may be
    /// between two steps of that. A restart that has failed may be waiting for those who wait for the child,
    /// unless its loop is lost.
    pub(crate) fn is_settled(&self, id: ChildId) -> bool {
        let state = self.row(id).state;
        if state == RowState::Restarting {
            let failed = self.failures.get(&id);
            return !failed.is_some_and(|(exit, _)| exits::is_lost(exit.root_cause()));
        }
        !matches!(
            state,
            RowState::Starting
                | RowState::Ready
                | RowState::Ended
                | RowState::Stopping
                | RowState::Waiting
        )
    }

    /// Puts aside the row of a child that never runs again: temporary ones that ended, and dynamic
    /// ones when the supervisor ends.
    fn forget_if_over(&mut self, id: ChildId, out: &mut Vec<Action>) {
        let ends = self.pass.as_ref().is_some_and(Pass::is_end);
        let pool = self.is_pool();
        let row = &self.rows[id as usize];
        let temporary = row.restart == Restart::Temporary;
        if row.dynamic && (ends || temporary || pool) {
            self.remove(id);
            out.push(Action::Forget(id));
        } else if temporary && !ends && !row.removed {
            self.hide(id, out);
        }
    }

    /// Takes a declared row out of sight until the supervisor's next start.
    fn hide(&mut self, id: ChildId, out: &mut Vec<Action>) {
        let row = &mut self.rows[id as usize];
        self.tally.leave(row);
        row.removed = true;
        self.names.remove(&row.name, id);
        out.push(Action::PutAside(id));
    }

    /// Puts aside the dynamic rows that are left: those that no pass has reached.
    fn forget_dynamic(&mut self, out: &mut Vec<Action>) {
        let ids: Ids = self.ids().filter(|&id| self.row(id).dynamic).collect();
        for id in ids {
            self.remove(id);
            out.push(Action::Forget(id));
        }
    }

    fn remove(&mut self, id: ChildId) {
        let (prev, next) = (self.rows[id as usize].prev, self.rows[id as usize].next);
        match prev {
            NONE => self.first = next,
            prev => self.rows[prev as usize].next = next,
        }
        match next {
            NONE => self.last = prev,
            next => self.rows[next as usize].prev = prev,
        }
        self.set(id, RowState::Free);
        self.names.remove(&self.rows[id as usize].name, id);
        if !self.terms.is_empty() {
            self.terms.remove(&id);
        }
        if !self.failures.is_empty() {
            self.failures.remove(&id);
        }
        self.free.push(id);
    }

    pub(crate) fn start_failed(
        &mut self,
        id: ChildId,
        exit: Exit,
        decision: Decision,
        out: &mut Vec<Action>,
    ) {
        self.down(id);
        let Some(pass) = &mut self.pass else { return };
        let row = &self.rows[id as usize];
        match pass.then {
            Then::Up | Then::Ready if decision == Decision::Stop => {
                let awaited = pass.waiting == Waiting::One(id, Step::Start);
                pass.leave_out(id);
                out.push(Action::LayDown(id, exit));
                self.forget_if_over(id, out);
                if awaited {
                    self.step(out);
                }
            }
            Then::Up | Then::Ready => {
                let exit = Exit::shutdown().because_unborn(row.name.to_cow(), exit);
                if pass.waiting == Waiting::One(id, Step::Start) {
                    pass.waiting = Waiting::Nothing;
                }
                self.unwind(exit, false, true, out);
            }
            Then::Restarted => {
                // The pass is not undone: the child whose start failed is tried again, through the
                // queue, and that attempt counts.
                self.failures.insert(id, (exit, decision));
                out.push(Action::Retry(id, row.incarnation));
                self.pass = None;
                self.set(id, RowState::Restarting);
            }
            Then::Added => {
                self.pass = None;
                self.remove(id);
                out.push(Action::Forget(id));
            }
            Then::Asked { added, .. } => {
                self.pass = None;
                if added {
                    self.remove(id);
                    out.push(Action::Forget(id));
                } else {
                    out.push(Action::LayDown(id, exit.clone()));
                }
                out.push(Action::Answer(Err(Refusal::Failed(exit))));
            }
            Then::End { .. } => self.stopped(id, out),
        }
    }

    fn stop(&mut self, exit: Exit, keep: bool, out: &mut Vec<Action>) {
        if self.pass.as_ref().is_some_and(Pass::is_end) {
            return; // the first reason wins
        }
        self.end(exit, keep, out);
    }

    /// Stops every child in reverse start order, those of a pool together, then ends.
    pub(crate) fn end(&mut self, exit: Exit, keep: bool, out: &mut Vec<Action>) {
        self.unwind(exit, keep, false, out);
    }

    fn unwind(&mut self, exit: Exit, keep: bool, failed_start: bool, out: &mut Vec<Action>) {
        self.deferred.clear();
        self.fresh.clear();
        self.serving = false;
        self.suspended = false;
        let waiting = self.pass.take().map(|pass| pass.waiting);
        let mut stops: Ids = self.ids().collect();
        stops.reverse();
        let then = Then::End {
            exit,
            keep,
            failed_start,
        };
        let Some(Waiting::One(id, step)) = waiting else {
            return self.begin(stops, Ids::new(), then, out);
        };
        // The step under way is waited for: a start is told to stop, a stop goes on.
        if !self.is_pool() {
            stops.retain(|other| *other != id);
        }
        self.pass = Some(Pass {
            stops,
            starts: Ids::new(),
            stopped: 0,
            started: 0,
            waiting: Waiting::One(id, Step::Stop),
            then,
            places: OnceCell::new(),
        });
        if step == Step::Start {
            self.tell_to_stop(id, out);
        }
        if self.is_pool() {
            self.step(out);
        }
    }
}

impl Pass {
    fn is_end(&self) -> bool {
        matches!(self.then, Then::End { .. })
    }

    /// A child is not started any more that was to be.
    fn leave_out(&mut self, id: ChildId) {
        if let Some(at) = (self.started..self.starts.len()).find(|&at| self.starts[at] == id) {
            self.starts.remove(at);
            self.places.take();
        }
    }

    /// Whether a child is still to be started.
    fn is_to_start(&self, id: ChildId) -> bool {
        let places = self.places.get_or_init(|| {
            let places = self.starts.iter().enumerate();
            Box::new(places.map(|(place, id)| (*id, place)).collect())
        });
        places.get(&id).is_some_and(|&place| place >= self.started)
    }
}

#[cfg(any(test, rotor_fuzz))]
pub(crate) mod tests;
