//! A supervisor's decisions against OTP's rules: stories, a naive model, and random asynchrony.

// The stories are told by tests alone.
#![cfg_attr(not(test), allow(dead_code, unused_imports))]

#[cfg(test)]
mod barriers;
#[cfg(test)]
mod decisions;
pub(crate) mod model;
#[cfg(test)]
mod patience;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod stories;
pub(crate) mod storm;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use super::*;
use crate::admin::ChildState;
use crate::exit::ExitReason;
use crate::fuzz::dice::Dice;
use crate::timer::nanos;

const SECOND: u64 = 1_000_000_000;

/// How one start of a child goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Starts,
    Fails,
    /// It does not start, and that is no error.
    Ignores,
    /// It starts and ends at once, abnormally.
    Crashes,
    /// It starts and ends at once: its work is done.
    Finishes,
}

use Outcome::{Crashes, Fails, Finishes, Ignores, Starts};

/// When children answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Before anything else is handled.
    AtOnce,
    /// Behind everything that is queued.
    Behind,
    /// When the test says so.
    Late,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Dead,
    /// Starting, up to where it waits for the others.
    Preparing,
    Ready,
    Starting,
    Up,
    /// Told to stop; whether it was up then.
    Told(bool),
}

/// What somebody asks a supervisor.
#[derive(Clone, Debug)]
enum Question {
    /// To start a child of this name and kind.
    Start(String, Restart),
    Restart(String),
    Terminate(String),
    Delete(String),
    /// For the children and their states.
    List,
}

/// What really is behind a row.
#[derive(Clone, Debug)]
struct Puppet {
    name: String,
    life: Life,
    incarnation: u64,
}

/// A supervisor with children that are played, and time that is set. It checks what must hold in
/// every story: one live instance of a row, one step at a time, silence about forgotten rows.
struct Play {
    family: Family,
    manner: Manner,
    now: u64,
    puppets: BTreeMap<ChildId, Puppet>,
    /// How many starts each child has seen.
    starts: HashMap<String, u32>,
    outcomes: HashMap<String, VecDeque<Outcome>>,
    chance: Option<fn(u64, &str, u32) -> Outcome>,
    /// What is said to the failure, or the end, of the nth instance of a child.
    said: Option<fn(u64, &str, u32) -> Decision>,
    seed: u64,
    answers: VecDeque<Event>,
    queue: VecDeque<Event>,
    /// What was asked and is not served yet.
    questions: VecDeque<Question>,
    log: Vec<String>,
    ended: Option<Exit>,
    /// Children of which no instance comes by itself any more.
    laid_down: Vec<String>,
    /// Steps that took too long, and whether another instance may come.
    overruns: Vec<(String, bool)>,
    /// Restarts that wait, by their incarnations.
    waits: BTreeMap<ChildId, u64>,
    /// The last stop that was ordered: whether the slot is kept, and why it stops.
    stops: Vec<(String, bool, Exit)>,
    /// How many exits it has let go of.
    dropped: u32,
}

impl Play {
    /// A supervisor that stands 3 restarts in 5 seconds.
    fn new(strategy: Strategy) -> Play {
        Play::with(Flags {
            intensity: 3,
            ..Flags::new(strategy)
        })
    }

    fn with(flags: Flags) -> Play {
        Play {
            family: Family::new(flags, Restart::Temporary),
            manner: Manner::AtOnce,
            now: SECOND,
            puppets: BTreeMap::new(),
            starts: HashMap::new(),
            outcomes: HashMap::new(),
            chance: None,
            said: None,
            seed: 0,
            answers: VecDeque::new(),
            queue: VecDeque::new(),
            questions: VecDeque::new(),
            log: Vec::new(),
            ended: None,
            laid_down: Vec::new(),
            overruns: Vec::new(),
            waits: BTreeMap::new(),
            stops: Vec::new(),
            dropped: 0,
        }
    }

    fn child(mut self, name: &str, restart: Restart) -> Play {
        self.row(name, restart, false, false);
        self
    }

    fn significant(mut self, name: &str, restart: Restart) -> Play {
        self.row(name, restart, true, false);
        self
    }

    /// Permanent children, one for each word.
    fn permanent(self, names: &str) -> Play {
        names
            .split(' ')
            .fold(self, |play, name| play.child(name, Restart::Permanent))
    }

    fn late(mut self) -> Play {
        self.manner = Manner::Late;
        self
    }

    /// How the next starts of a child go; then they succeed.
    fn plan(mut self, name: &str, outcomes: &[Outcome]) -> Play {
        self.outcomes
            .insert(name.into(), outcomes.iter().copied().collect());
        self
    }

    fn row(&mut self, name: &str, restart: Restart, significant: bool, dynamic: bool) -> ChildId {
        self.new_row(NewRow {
            name: name.to_owned().into(),
            restart,
            significant,
            escalating: false,
            supervisor: false,
            dynamic,
            named: !dynamic,
            backoff: None,
            at_most: None,
        })
    }

    /// A child is added while the supervisor runs.
    fn row_later(&mut self, name: &str, restart: Restart) -> ChildId {
        let id = self.row(name, restart, false, true);
        self.family.fresh.push_back(id);
        match self.queue.back_mut() {
            Some(Event::Added(count)) => *count += 1,
            _ => self.queue.push_back(Event::Added(1)),
        }
        id
    }

    fn new_row(&mut self, row: NewRow) -> ChildId {
        let name = row.name.clone();
        let id = self.family.add(row);
        let puppet = Puppet {
            name: name.to_string(),
            life: Life::Dead,
            incarnation: 0,
        };
        let old = self.puppets.insert(id, puppet);
        assert!(old.is_none(), "the row of {name} is in use");
        id
    }

    /// The row of this name; one that was deleted may have had it before.
    fn id(&self, name: &str) -> ChildId {
        let all = self.puppets.iter().filter(|(_, p)| p.name == name);
        let found = all.max_by_key(|(_, puppet)| puppet.incarnation);
        *found.unwrap_or_else(|| panic!("{name} is not a child")).0
    }

    fn state(&self, name: &str) -> RowState {
        self.family.row(self.id(name)).state
    }

    fn is_known(&self, name: &str) -> bool {
        self.puppets.values().any(|puppet| puppet.name == name)
    }

    /// Starts the supervisor; returns what it did.
    fn start(&mut self) -> String {
        self.ended = None;
        self.tell(Event::Start)
    }

    /// Posts an event, and goes on until nothing is queued.
    fn tell(&mut self, event: Event) -> String {
        self.queue.push_back(event);
        self.run()
    }

    fn add(&mut self, name: &str, restart: Restart) -> String {
        self.row_later(name, restart);
        self.run()
    }

    /// Asks something, and goes on until nothing is queued.
    fn ask(&mut self, question: Question) -> String {
        self.queue_question(question);
        self.run()
    }

    fn queue_question(&mut self, question: Question) {
        self.questions.push_back(question);
        self.queue.push_back(Event::Asked);
    }

    /// Looks up what a question means, as those who carry requests do.
    fn serve(&mut self) -> Event {
        let question = self.questions.pop_front().expect("one for each time");
        let (name, deed): (_, fn(ChildId) -> Deed) = match question {
            Question::Start(name, restart) => return self.serve_start(name, restart),
            Question::Restart(name) => (name, Deed::Restart),
            Question::Terminate(name) => (name, Deed::Terminate),
            Question::Delete(name) => (name, Deed::Delete),
            Question::List => {
                let row = |id| {
                    let row = self.family.row(id);
                    let state = match row.child_state() {
                        ChildState::Running { .. } => "up",
                        ChildState::Restarting => "restarting",
                        ChildState::Down => "down",
                    };
                    format!("{} {state}", row.name)
                };
                let rows: Vec<String> = self.family.visible().map(row).collect();
                self.log.push(format!("list: {}", rows.join(" ")));
                return Event::Served;
            }
        };
        let found = if self.family.is_pool() {
            self.is_known(&name).then(|| self.id(&name))
        } else {
            self.family.find(&name)
        };
        match found {
            Some(id) => Event::Do(deed(id)),
            None => {
                self.log.push("answer: not found".into());
                Event::Served
            }
        }
    }

    fn serve_start(&mut self, name: String, restart: Restart) -> Event {
        if let Some(id) = self.family.find(&name) {
            let runs = matches!(
                self.family.row(id).child_state(),
                ChildState::Running { .. }
            );
            let text = if runs {
                "answer: started already"
            } else {
                "answer: present already"
            };
            self.log.push(text.into());
            return Event::Served;
        }
        let id = self.new_row(NewRow {
            name: name.into(),
            restart,
            significant: false,
            escalating: false,
            supervisor: false,
            dynamic: true,
            named: !self.family.is_pool(),
            backoff: None,
            at_most: None,
        });
        Event::Do(Deed::Launch(id))
    }

    fn stop(&mut self) -> String {
        let exit = Exit::shutdown();
        self.tell(Event::Stop { exit, keep: false })
    }

    /// An instance ends by itself; the notice is queued.
    fn ends(&mut self, name: &str, exit: Exit) {
        let id = self.id(name);
        let puppet = self.puppets.get_mut(&id).expect("it has an id");
        let runs = matches!(puppet.life, Life::Ready | Life::Up);
        assert!(runs, "{name} does not run");
        puppet.life = Life::Dead;
        let incarnation = puppet.incarnation;
        let said = self.says(name);
        self.queue
            .push_back(Event::Exited(id, incarnation, exit, said));
    }

    /// What is said to the end of the last instance of a child.
    fn says(&self, name: &str) -> Decision {
        let count = self.starts.get(name).copied().unwrap_or_default();
        self.said
            .map_or(Decision::Usual, |said| said(self.seed, name, count))
    }

    fn crash(&mut self, name: &str) -> String {
        self.ends(name, Exit::killed());
        self.run()
    }

    fn finish(&mut self, name: &str) -> String {
        self.ends(name, Exit::normal());
        self.run()
    }

    /// A child that was kept waiting answers the order it was given.
    fn answer(&mut self, name: &str) -> String {
        let event = self.answer_of(self.id(name), Starts);
        let event = event.unwrap_or_else(|| panic!("{name} was not asked"));
        self.tell(event)
    }

    fn limit(&mut self, name: &str) -> String {
        let id = self.id(name);
        let incarnation = self.puppets[&id].incarnation;
        self.tell(Event::Limit(
            id,
            incarnation,
            Exit::killed(),
            Decision::Usual,
        ))
    }

    fn answer_of(&mut self, id: ChildId, outcome: Outcome) -> Option<Event> {
        let said = self.says(&self.puppets.get(&id)?.name);
        let puppet = self.puppets.get_mut(&id)?;
        let incarnation = puppet.incarnation;
        let (life, event) = match (puppet.life, outcome) {
            (Life::Dead | Life::Ready | Life::Up, _) => return None,
            (Life::Preparing | Life::Starting, Fails) => {
                let event = Event::Failed(id, incarnation, Exit::killed(), said);
                (Life::Dead, event)
            }
            (Life::Preparing | Life::Starting, Ignores) => {
                (Life::Dead, Event::Ignored(id, incarnation))
            }
            (Life::Preparing, _) => (Life::Ready, Event::Initialized(id, incarnation)),
            (Life::Starting, _) => (Life::Up, Event::Started(id, incarnation)),
            (Life::Told(_), _) => {
                let event = Event::Exited(id, incarnation, Exit::shutdown(), Decision::Usual);
                (Life::Dead, event)
            }
        };
        puppet.life = life;
        Some(event)
    }

    fn run(&mut self) -> String {
        while self.turn() {}
        self.did()
    }

    fn run_until_restarting(&mut self, name: &str) {
        while self.state(name) != RowState::Restarting {
            assert!(self.turn(), "{name} did not fail to start");
        }
    }

    /// Handles the next event, if there is one.
    fn turn(&mut self) -> bool {
        let event = self.answers.pop_front();
        let event = event.or_else(|| self.queue.pop_front());
        let found = event.is_some();
        event.into_iter().for_each(|event| self.handle(event));
        found
    }

    /// What was done since it was asked last.
    fn did(&mut self) -> String {
        std::mem::take(&mut self.log).join(", ")
    }

    fn handle(&mut self, event: Event) {
        if matches!(event, Event::Stop { .. }) && !self.family.is_busy() {
            return; // an actor whose children are down ends without asking
        }
        let mut actions = Vec::new();
        self.family.handle(event, self.now, &mut actions);
        for action in actions {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        assert!(self.ended.is_none(), "{action:?} after the end");
        match action {
            Action::Start(id, incarnation) => self.started(id, incarnation, Life::Starting),
            Action::Prepare(id, incarnation) => self.started(id, incarnation, Life::Preparing),
            Action::Go(id, incarnation) => self.goes(id, incarnation),
            Action::Ready => {
                self.log.push("ready".into());
                self.queue.push_back(Event::Go);
            }
            Action::Stop {
                child,
                incarnation,
                keep,
                exit,
            } => self.stopped(child, incarnation, keep, exit),
            Action::Kill(id, incarnation) => self.killed(id, incarnation),
            Action::Overrun {
                child,
                incarnation,
                keep,
                ..
            } => {
                let name = self.puppets[&child].name.clone();
                self.overruns.push((name, keep));
                self.killed(child, incarnation);
            }
            Action::Retry(id, incarnation) => {
                self.queue.push_back(Event::Retry(id, incarnation));
            }
            Action::Wait {
                child,
                incarnation,
                least,
                most,
            } => {
                let name = &self.puppets[&child].name;
                self.log.push(format!("{name} waits {least} to {most}"));
                let old = self.waits.insert(child, incarnation);
                assert_eq!(old, None, "two waits at a time");
            }
            Action::StopWaiting(id) => {
                let name = &self.puppets[&id].name;
                self.log.push(format!("{name} does not wait"));
                // Unless the wait is over, and nobody was told yet.
                self.waits.remove(&id);
            }
            Action::Forget(id) => {
                assert!(!self.waits.contains_key(&id), "nobody waits for it");
                let puppet = self.puppets.remove(&id).expect("forgotten once");
                assert_eq!(puppet.life, Life::Dead, "{} lives", puppet.name);
                // One that was never asked to start is none of the naive model's business.
                if puppet.incarnation > 0 {
                    self.log.push(format!("forget {}", puppet.name));
                }
            }
            Action::Drop(_) => self.dropped += 1,
            Action::Up => self.log.push("up".into()),
            Action::GaveUp(_) => self.log.push("gave up".into()),
            Action::Escalated(_) => self.log.push("escalated".into()),
            Action::LayDown(id, _) => {
                let name = self.puppets[&id].name.clone();
                self.laid_down.push(name);
            }
            Action::PutAside(id) => assert!(self.family.row(id).removed),
            Action::TakeUp(id) => assert!(!self.family.row(id).removed),
            Action::AutoShutdown => self.log.push("auto-shutdown".into()),
            Action::Serve => {
                let event = self.serve();
                self.handle(event);
            }
            Action::Answer(result) => self.log.push(match result {
                Ok(Some((id, incarnation))) => {
                    let puppet = &self.puppets[&id];
                    assert_eq!(puppet.incarnation, incarnation);
                    format!("answer: {} runs", puppet.name)
                }
                Ok(None) => "answer: done".into(),
                Err(Refusal::Running(_)) => "answer: running".into(),
                Err(Refusal::Restarting(_)) => "answer: restarting".into(),
                Err(Refusal::Failed(_)) => "answer: failed".into(),
            }),
            Action::StartFailed(exit) => self.end("start failed", exit),
            Action::Ended(exit) => self.end("ended", exit),
        }
    }

    fn goes(&mut self, id: ChildId, incarnation: u64) {
        self.check_no_step();
        let puppet = self.puppets.get_mut(&id).expect("a known row");
        assert_eq!(puppet.incarnation, incarnation);
        self.log.push(format!("go {}", puppet.name));
        match puppet.life {
            Life::Dead => return self.hasten(id, incarnation),
            life => assert_eq!(life, Life::Ready, "{} does not wait", puppet.name),
        }
        puppet.life = Life::Starting;
        if self.manner != Manner::Late {
            let answer = self.answer_of(id, Starts).expect("it is starting");
            self.post(answer);
        }
    }

    fn started(&mut self, id: ChildId, incarnation: u64, life: Life) {
        self.check_no_step();
        let puppet = self.puppets.get_mut(&id).expect("a known row");
        assert_eq!(puppet.life, Life::Dead, "{} is started twice", puppet.name);
        assert!(puppet.incarnation < incarnation, "an old incarnation");
        puppet.incarnation = incarnation;
        puppet.life = life;
        let name = puppet.name.clone();
        self.log.push(format!("start {name}"));
        let count = self.starts.entry(name.clone()).or_default();
        *count += 1;
        let planned = self.outcomes.get_mut(&name).and_then(VecDeque::pop_front);
        let outcome = planned.unwrap_or_else(|| {
            let chance = self.chance.map(|chance| chance(self.seed, &name, *count));
            chance.unwrap_or(Starts)
        });
        if self.manner == Manner::Late {
            return;
        }
        let answer = self.answer_of(id, outcome).expect("it is starting");
        self.post(answer);
        match outcome {
            Starts | Fails | Ignores => {}
            Crashes => self.ends(&name, Exit::killed()),
            Finishes => self.ends(&name, Exit::normal()),
        }
    }

    fn killed(&mut self, id: ChildId, incarnation: u64) {
        let puppet = self.puppets.get_mut(&id).expect("a known row");
        assert_eq!(puppet.incarnation, incarnation);
        if puppet.life != Life::Dead {
            puppet.life = Life::Dead;
            self.log.push(format!("kill {}", puppet.name));
        }
    }

    fn stopped(&mut self, id: ChildId, incarnation: u64, keep: bool, exit: Exit) {
        let puppet = self.puppets.get_mut(&id).expect("a known row");
        assert_eq!(
            puppet.incarnation, incarnation,
            "an old instance is stopped"
        );
        match puppet.life {
            // Its own exit is on the way, and will be the answer; it gives no other.
            Life::Dead => return self.hasten(id, incarnation),
            Life::Told(_) => panic!("{} is told to stop twice", puppet.name),
            Life::Preparing | Life::Starting => puppet.life = Life::Told(false),
            Life::Ready | Life::Up => puppet.life = Life::Told(true),
        }
        let name = puppet.name.clone();
        self.log.push(format!("stop {name}"));
        self.stops.push((name, keep, exit));
        self.check_one_step();
        if self.manner != Manner::Late {
            let answer = self.answer_of(id, Starts).expect("it is stopping");
            self.post(answer);
        }
    }

    /// Where children answer at once, the notice of one that is gone does not wait its turn.
    fn hasten(&mut self, id: ChildId, incarnation: u64) {
        if self.manner != Manner::AtOnce {
            return;
        }
        let is = |event: &Event| matches!(event, Event::Exited(who, of, ..) if (*who, *of) == (id, incarnation));
        let at = self.queue.iter().position(is).expect("it is on the way");
        self.answers.extend(self.queue.remove(at));
    }

    fn end(&mut self, how: &str, exit: Exit) {
        for puppet in self.puppets.values() {
            assert_eq!(puppet.life, Life::Dead, "{} outlives the end", puppet.name);
        }
        let dynamic = |id| self.family.row(id).dynamic;
        assert!(!self.family.ids().any(dynamic), "a dynamic row is left");
        self.log.push(how.into());
        // Whoever has asked learns it; nothing of that is left.
        self.questions.clear();
        self.queue.retain(|event| !matches!(event, Event::Asked));
        self.ended = Some(exit);
    }

    fn post(&mut self, answer: Event) {
        match self.manner {
            Manner::AtOnce => self.answers.push_back(answer),
            _ => self.queue.push_back(answer),
        }
    }

    fn steps(&self) -> usize {
        let puppets = self.puppets.values();
        puppets
            .filter(|p| matches!(p.life, Life::Preparing | Life::Starting | Life::Told(_)))
            .count()
    }

    fn check_no_step(&self) {
        assert_eq!(self.steps(), 0, "a start before a step was answered");
    }

    fn check_one_step(&self) {
        if self.family.is_pool() {
            return; // its instances stop together
        }
        assert_eq!(self.steps(), 1, "a stop before a step was answered");
    }
}

const STRATEGIES: [Strategy; 3] = [
    Strategy::OneForOne,
    Strategy::OneForAll,
    Strategy::RestForOne,
];

const KINDS: [Restart; 4] = [
    Restart::Permanent,
    Restart::Permanent,
    Restart::Transient,
    Restart::Temporary,
];

fn random_flags(random: &mut Dice) -> Flags {
    Flags {
        strategy: match random.below(8) {
            0 => Strategy::SimpleOneForOne,
            _ => random.pick(&STRATEGIES),
        },
        intensity: random.below(5) as u32,
        period: Duration::from_nanos(1 + random.below(40)),
        auto_shutdown: random.pick(&[
            AutoShutdown::Never,
            AutoShutdown::Never,
            AutoShutdown::Any,
            AutoShutdown::All,
        ]),
        synchronized: false,
    }
}

/// Tells the seed of the story that failed.
struct OnPanic(u64);

impl Drop for OnPanic {
    fn drop(&mut self) {
        eprintln!("seed {}", self.0);
    }
}
