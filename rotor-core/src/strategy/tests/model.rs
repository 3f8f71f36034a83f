//! Random stories, compared with a naive model written in another way.

use super::*;

/// Dice for a child and the number of a start of it.
fn dice_of(seed: u64, name: &str, count: u32) -> Dice {
    let mut hash = seed;
    for byte in name.bytes() {
        hash = hash.wrapping_mul(31).wrapping_add(byte.into());
    }
    let mut random = Dice::of_seed(hash.wrapping_mul(1009).wrapping_add(count.into()));
    random.next();
    random
}

/// What the supervising actor says to the end of that instance, if it says anything in this scenario.
fn said(seed: u64, name: &str, count: u32) -> Decision {
    if !seed.is_multiple_of(3) {
        return Decision::Usual;
    }
    match dice_of(!seed, name, count).below(16) {
        0..5 => Decision::Restart,
        5..8 => Decision::Stop,
        8 => Decision::Escalate,
        _ => Decision::Usual,
    }
}

/// How a start goes is a function of the child and the number of the start.
fn fate(seed: u64, name: &str, count: u32) -> Outcome {
    match dice_of(seed, name, count).below(16) {
        0..3 => Fails,
        3 => Crashes,
        4 => Finishes,
        5 => Ignores,
        _ => Starts,
    }
}

/// A child of the model, as in the list of `supervisor.erl`.
#[derive(Clone, Debug)]
struct Spec {
    name: String,
    restart: Restart,
    significant: bool,
    dynamic: bool,
    /// How long its restarts wait, if they do.
    waits: Option<u64>,
    pid: Pid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pid {
    Undefined,
    Restarting,
    /// Its restart waits; the number of the wait.
    Waiting(u64),
    /// Its number, and whether it lives; a dead one's notice is in the queue.
    Process(u64, bool),
}

#[derive(Clone, Debug)]
enum Letter {
    /// A process ended: its number, and whether the exit is abnormal.
    Exit(u64, bool),
    TryAgain(String),
    /// A wait is over.
    Due(u64),
    StartChild(Spec),
    Asked(Question),
    Shutdown,
}

/// How a start went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Went {
    Well,
    Wrong,
    /// It was ignored, and the spec is gone.
    Away,
}

/// OTP's supervisor, retold, and told what follows the end of a child: one process that handles one letter
/// after the other, waits in place for what it starts and stops, and never looks into its mailbox meanwhile.
struct Model {
    flags: Flags,
    declared: Vec<Spec>,
    children: Vec<Spec>,
    mailbox: VecDeque<Letter>,
    restarts: Vec<u64>,
    now: u64,
    pids: u64,
    seed: u64,
    starts: HashMap<String, u32>,
    running: bool,
    log: Vec<String>,
}

impl Model {
    fn boot(&mut self) {
        self.children = self.declared.clone();
        self.restarts.clear();
        self.mailbox.clear();
        self.running = true;
        let mut first = 0;
        let mut failed = false;
        while !failed && let Err(at) = self.start_from(first) {
            failed = self.said(at) != Decision::Stop;
            if !failed {
                first = self.leave(at);
            }
        }
        if failed {
            self.terminate_all();
            self.log.push("start failed".into());
            self.running = false;
        } else {
            self.log.push("up".into());
        }
    }

    /// What is said to the end of the last instance of a child.
    fn said(&self, at: usize) -> Decision {
        let name = &self.children[at].name;
        said(self.seed, name, self.starts[name])
    }

    /// A child that is down is not started again. Which is the next one.
    fn leave(&mut self, at: usize) -> usize {
        let spec = &mut self.children[at];
        spec.pid = Pid::Undefined;
        let pool = self.flags.strategy == Strategy::SimpleOneForOne;
        if !pool && spec.restart != Restart::Temporary {
            return at + 1;
        }
        self.delete(at);
        at
    }

    /// Starts all from here on that are down; the one that could not start is the error.
    fn start_from(&mut self, first: usize) -> Result<(), usize> {
        let mut at = first;
        while at < self.children.len() {
            if self.children[at].pid != Pid::Undefined {
                at += 1;
                continue;
            }
            match self.start(at) {
                Went::Well => at += 1,
                Went::Wrong => return Err(at),
                Went::Away => {}
            }
        }
        Ok(())
    }

    /// Starts a process and waits for it.
    fn start(&mut self, at: usize) -> Went {
        let spec = &mut self.children[at];
        self.log.push(format!("start {}", spec.name));
        let count = self.starts.entry(spec.name.clone()).or_default();
        *count += 1;
        let outcome = fate(self.seed, &spec.name, *count);
        if outcome == Fails || outcome == Ignores {
            spec.pid = Pid::Undefined;
        }
        if outcome == Fails {
            return Went::Wrong;
        }
        if outcome == Ignores {
            let pool = self.flags.strategy == Strategy::SimpleOneForOne;
            if !pool && spec.restart != Restart::Temporary {
                return Went::Well;
            }
            self.delete(at);
            return Went::Away;
        }
        self.pids += 1;
        spec.pid = Pid::Process(self.pids, outcome == Starts);
        match outcome {
            Crashes => self.mailbox.push_back(Letter::Exit(self.pids, true)),
            Finishes => self.mailbox.push_back(Letter::Exit(self.pids, false)),
            _ => {}
        }
        Went::Well
    }

    /// Stops a process and waits for it. The notice of one that is dead already is swallowed.
    fn kill(&mut self, at: usize) {
        let spec = &mut self.children[at];
        if let Pid::Waiting(_) = spec.pid {
            self.log.push(format!("{} does not wait", spec.name));
        } else if let Pid::Process(pid, lives) = spec.pid {
            if lives {
                self.log.push(format!("stop {}", spec.name));
            }
            let notice = |letter: &Letter| matches!(letter, Letter::Exit(who, _) if *who == pid);
            self.mailbox.retain(|letter| !notice(letter));
        }
        spec.pid = Pid::Undefined;
    }

    fn delete(&mut self, at: usize) {
        let spec = self.children.remove(at);
        if spec.dynamic {
            self.log.push(format!("forget {}", spec.name));
        }
    }

    fn terminate_all(&mut self) {
        if self.flags.strategy == Strategy::SimpleOneForOne {
            return self.terminate_together();
        }
        for at in (0..self.children.len()).rev() {
            self.kill(at);
            self.delete(at);
        }
    }

    /// All are told before the first has stopped.
    fn terminate_together(&mut self) {
        let mut told = Vec::new();
        for at in (0..self.children.len()).rev() {
            match self.children[at].pid {
                Pid::Process(..) => told.push(self.children[at].name.clone()),
                _ => self.delete(at),
            }
            if at < self.children.len() {
                self.kill(at);
            }
        }
        for name in told {
            let at = self.children.iter().position(|spec| spec.name == name);
            self.delete(at.expect("it was told"));
        }
    }

    fn terminate_supervisor(&mut self) {
        self.terminate_all();
        self.log.push("ended".into());
        self.running = false;
    }

    fn run(&mut self) {
        while self.running {
            let Some(letter) = self.mailbox.pop_front() else {
                return;
            };
            match letter {
                Letter::Exit(pid, abnormal) => {
                    let of = |spec: &Spec| matches!(spec.pid, Pid::Process(who, _) if who == pid);
                    if let Some(at) = self.children.iter().position(of) {
                        self.child_exited(at, abnormal);
                    }
                }
                Letter::TryAgain(name) => {
                    let is = |spec: &Spec| spec.name == name && spec.pid == Pid::Restarting;
                    if let Some(at) = self.children.iter().position(is) {
                        let usual = self.children[at].restart != Restart::Temporary;
                        if let Some(next) = self.settle(at, usual)
                            && let Strategy::OneForAll | Strategy::RestForOne = self.flags.strategy
                            && let Err(failed) = self.start_from(next)
                        {
                            self.try_again(failed);
                        }
                    }
                }
                Letter::Due(wait) => {
                    let is = |spec: &Spec| spec.pid == Pid::Waiting(wait);
                    if let Some(at) = self.children.iter().position(is) {
                        self.children[at].pid = Pid::Undefined;
                        self.start_again(at);
                    }
                }
                Letter::StartChild(spec) => {
                    self.children.push(spec);
                    let at = self.children.len() - 1;
                    if self.start(at) == Went::Wrong {
                        self.delete(at);
                    }
                }
                Letter::Asked(question) => self.answer(question),
                Letter::Shutdown => self.terminate_supervisor(),
            }
        }
    }

    fn answer(&mut self, question: Question) {
        let (name, restart) = match &question {
            Question::Start(name, restart) => (name.clone(), Some(*restart)),
            Question::Restart(name) | Question::Terminate(name) | Question::Delete(name) => {
                (name.clone(), None)
            }
            Question::List => return self.list(),
        };
        let at = self.children.iter().position(|spec| spec.name == name);
        let text = match (question, at) {
            (Question::Start(..), Some(at)) => match self.children[at].pid {
                Pid::Process(..) => "started already".to_owned(),
                _ => "present already".to_owned(),
            },
            (Question::Start(..), None) => {
                self.children.push(Spec {
                    name,
                    restart: restart.expect("said above"),
                    significant: false,
                    dynamic: true,
                    waits: None,
                    pid: Pid::Undefined,
                });
                self.start_asked(self.children.len() - 1, true)
            }
            (_, None) => "not found".to_owned(),
            (Question::Terminate(_), Some(at)) => {
                self.kill(at);
                let pool = self.flags.strategy == Strategy::SimpleOneForOne;
                if pool || self.children[at].restart == Restart::Temporary {
                    self.delete(at);
                }
                "done".to_owned()
            }
            (question, Some(at)) => match (self.children[at].pid, question) {
                (Pid::Process(..), _) => "running".to_owned(),
                (Pid::Restarting | Pid::Waiting(_), _) => "restarting".to_owned(),
                (Pid::Undefined, Question::Delete(_)) => {
                    self.delete(at);
                    "done".to_owned()
                }
                (Pid::Undefined, _) => self.start_asked(at, false),
            },
        };
        self.log.push(format!("answer: {text}"));
    }

    fn start_asked(&mut self, at: usize, added: bool) -> String {
        let name = self.children[at].name.clone();
        match self.start(at) {
            Went::Wrong => {
                if added {
                    self.delete(at);
                }
                "failed".to_owned()
            }
            Went::Well if self.children[at].pid != Pid::Undefined => format!("{name} runs"),
            Went::Well | Went::Away => "done".to_owned(),
        }
    }

    fn list(&mut self) {
        let spec = |spec: &Spec| {
            let state = match spec.pid {
                Pid::Process(..) => "up",
                Pid::Restarting | Pid::Waiting(_) => "restarting",
                Pid::Undefined => "down",
            };
            format!("{} {state}", spec.name)
        };
        let specs: Vec<String> = self.children.iter().map(spec).collect();
        self.log.push(format!("list: {}", specs.join(" ")));
    }

    fn child_exited(&mut self, at: usize, abnormal: bool) {
        let usual = match self.children[at].restart {
            Restart::Permanent => true,
            Restart::Transient => abnormal,
            Restart::Temporary => false,
        };
        self.settle(at, usual);
    }

    /// What follows the end of a child, or its failed restart. If it is left, and the supervisor goes on,
    /// which child is the next one.
    fn settle(&mut self, at: usize, usual: bool) -> Option<usize> {
        let again = match self.said(at) {
            Decision::Usual => usual,
            Decision::Restart => true,
            Decision::Stop => false,
            Decision::Escalate => {
                self.children[at].pid = Pid::Undefined;
                self.log.push("escalated".into());
                self.terminate_supervisor();
                return None;
            }
        };
        if again {
            self.restart(at);
            return None;
        }
        let spec = self.children[at].clone();
        let next = self.leave(at);
        // Those behind it are started then.
        let goes_on = spec.pid == Pid::Restarting
            && matches!(
                self.flags.strategy,
                Strategy::OneForAll | Strategy::RestForOne
            );
        let lives = |(at, spec): (usize, &Spec)| {
            spec.significant && (spec.pid != Pid::Undefined || goes_on && at >= next)
        };
        let over = match self.flags.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::Any => true,
            AutoShutdown::All => !self.children.iter().enumerate().any(lives),
        };
        if spec.significant && over {
            self.log.push("auto-shutdown".into());
            self.terminate_supervisor();
            return None;
        }
        Some(next)
    }

    fn restart(&mut self, at: usize) {
        self.children[at].pid = Pid::Undefined;
        self.restarts.push(self.now);
        let since = self.now.saturating_sub(nanos(self.flags.period));
        let recent = self.restarts.iter().filter(|&&then| then >= since);
        if recent.count() > self.flags.intensity as usize {
            self.log.push("gave up".into());
            return self.terminate_supervisor();
        }
        let Some(wait) = self.children[at].waits else {
            return self.start_again(at);
        };
        self.pids += 1;
        let spec = &mut self.children[at];
        spec.pid = Pid::Waiting(self.pids);
        self.log
            .push(format!("{} waits {wait} to {wait}", spec.name));
    }

    fn start_again(&mut self, at: usize) {
        let first = match self.flags.strategy {
            Strategy::OneForOne | Strategy::SimpleOneForOne => {
                if self.start(at) == Went::Wrong {
                    self.try_again(at);
                }
                return;
            }
            Strategy::OneForAll => 0,
            Strategy::RestForOne => at,
        };
        for other in (first..self.children.len())
            .rev()
            .filter(|&other| other != at)
        {
            self.kill(other);
            if self.children[other].restart == Restart::Temporary {
                self.delete(other);
            }
        }
        if let Err(failed) = self.start_from(first) {
            self.try_again(failed);
        }
    }

    fn try_again(&mut self, at: usize) {
        self.children[at].pid = Pid::Restarting;
        let name = self.children[at].name.clone();
        self.mailbox.push_back(Letter::TryAgain(name));
    }
}

/// One scenario, played by both; returns how much was done.
pub(crate) fn compare(random: &mut Dice) -> usize {
    let seed = random.next();
    let flags = random_flags(random);
    let pool = flags.strategy == Strategy::SimpleOneForOne;
    let mut play = Play::with(flags);
    // Answers that wait their turn would come in another order from a pool that ends.
    play.manner = match pool {
        true => Manner::AtOnce,
        false => random.pick(&[Manner::AtOnce, Manner::Behind]),
    };
    play.chance = Some(fate);
    play.said = Some(said);
    play.seed = seed;
    let mut model = Model {
        flags,
        declared: Vec::new(),
        children: Vec::new(),
        mailbox: VecDeque::new(),
        restarts: Vec::new(),
        now: 0,
        pids: 0,
        seed,
        starts: HashMap::new(),
        running: false,
        log: Vec::new(),
    };
    let declared = if pool { 0 } else { random.below(6) };
    for n in 0..declared {
        let (name, restart) = (format!("c{n}"), random.pick(&KINDS));
        let significant = restart != Restart::Permanent && random.one_in(3);
        let waits = restart != Restart::Temporary && random.one_in(4);
        let waits = waits.then_some(7 + n);
        play.new_row(NewRow {
            name: name.clone().into(),
            restart,
            significant,
            escalating: false,
            supervisor: false,
            dynamic: false,
            named: true,
            backoff: waits.map(|wait| Backoff::fixed(Duration::from_nanos(wait))),
            at_most: None,
        });
        model.declared.push(Spec {
            name,
            restart,
            significant,
            dynamic: false,
            waits,
            pid: Pid::Undefined,
        });
    }
    let mut done = 0;
    let mut added = 0;
    for step in 0..8 {
        if random.is_used_up() {
            break;
        }
        play.now += random.below(15);
        model.now = play.now;
        if model.running {
            inject(random, &mut play, &mut model, &mut added);
        } else {
            // What was on its way to the old instance reaches the new one of the play: stale.
            model.boot();
            play.ended = None;
            play.queue.push_back(Event::Start);
        }
        model.run();
        let did = play.run();
        let expected = std::mem::take(&mut model.log);
        done += expected.len();
        let context = format!("step {step}, {:?}, {flags:?}", play.manner);
        assert_eq!(did, expected.join(", "), "{context}");
        check_states(&play, &model, &context);
    }
    done
}

/// Queues, for both, what happens at one time: exits, additions or requests, a stop.
fn inject(random: &mut Dice, play: &mut Play, model: &mut Model, added: &mut u32) {
    // A child that is added has its place at once, one that is asked for when it is started.
    let asks = model.seed.is_multiple_of(2) || model.flags.strategy == Strategy::SimpleOneForOne;
    for _ in 0..random.below(4) {
        match random.below(16) {
            13.. => {
                let Some((id, incarnation)) = play.waits.pop_first() else {
                    continue;
                };
                play.queue.push_back(Event::Due(id, incarnation));
                let name = &play.puppets[&id].name;
                let mut specs = model.children.iter();
                let spec = specs.find(|spec| spec.name == *name).expect("both have it");
                let Pid::Waiting(wait) = spec.pid else {
                    panic!("{name} waits only in the play");
                };
                model.mailbox.push_back(Letter::Due(wait));
            }
            0..5 => {
                let up = |p: &&Puppet| p.life == Life::Up;
                let up: Vec<String> = play
                    .puppets
                    .values()
                    .filter(up)
                    .map(|p| p.name.clone())
                    .collect();
                if up.is_empty() {
                    continue;
                }
                let name = &up[random.place(up.len())];
                let abnormal = !random.one_in(4);
                play.ends(
                    name,
                    if abnormal {
                        Exit::killed()
                    } else {
                        Exit::shutdown()
                    },
                );
                let mut specs = model.children.iter_mut();
                let spec = specs.find(|spec| spec.name == *name).expect("both have it");
                let Pid::Process(pid, true) = spec.pid else {
                    panic!("{name} runs only in the play");
                };
                spec.pid = Pid::Process(pid, false);
                model.mailbox.push_back(Letter::Exit(pid, abnormal));
            }
            7..12 if asks => {
                let question = random_question(random, model, added);
                play.queue_question(question.clone());
                model.mailbox.push_back(Letter::Asked(question));
            }
            5 | 6 if !asks => {
                *added += 1;
                let (name, restart) = (format!("d{added}"), random.pick(&KINDS));
                play.row_later(&name, restart);
                model.mailbox.push_back(Letter::StartChild(Spec {
                    name,
                    restart,
                    significant: false,
                    dynamic: true,
                    waits: None,
                    pid: Pid::Undefined,
                }));
            }
            // OTP is deaf during a pass, this table is not: comparable only outside of one.
            12 if play.manner == Manner::AtOnce || play.queue.is_empty() => {
                let (exit, keep) = (Exit::shutdown(), random.one_in(2));
                play.queue.push_back(Event::Stop { exit, keep });
                model.mailbox.push_back(Letter::Shutdown);
            }
            _ => {}
        }
    }
}

fn random_question(random: &mut Dice, model: &Model, added: &mut u32) -> Question {
    let specs = &model.children;
    let name = match specs.is_empty() || random.one_in(8) {
        true => "nobody".to_owned(),
        false => specs[random.place(specs.len())].name.clone(),
    };
    let pool = model.flags.strategy == Strategy::SimpleOneForOne;
    match random.below(if pool { 4 } else { 7 }) {
        0 => Question::Terminate(name),
        1 => Question::List,
        4 => Question::Restart(name),
        5 => Question::Delete(name),
        6 => Question::Start(name, random.pick(&KINDS)),
        _ => {
            *added += 1;
            Question::Start(format!("q{added}"), random.pick(&KINDS))
        }
    }
}

fn check_states(play: &Play, model: &Model, context: &str) {
    if !model.running {
        assert!(!play.family.is_busy(), "{context}");
        return;
    }
    let rows = play.family.ids().map(|id| play.family.row(id));
    let rows: Vec<_> = rows
        .filter(|row| !row.removed)
        .map(|row| (row.name.to_string(), row.state == RowState::Up))
        .collect();
    let specs = model.children.iter();
    let specs: Vec<_> = specs
        .map(|spec| {
            let up = matches!(spec.pid, Pid::Process(_, true));
            (spec.name.clone(), up)
        })
        .collect();
    assert_eq!(rows, specs, "{context}");
}

#[test]
fn random_stories_go_as_in_a_naive_model() {
    let scenarios = if cfg!(miri) { 12 } else { 20_000 };
    let compare = |seed| {
        let told = OnPanic(seed);
        let done = compare(&mut Dice::of_seed(seed));
        std::mem::forget(told);
        done
    };
    let done: usize = (0..scenarios).map(compare).sum();
    let each = done / scenarios as usize;
    assert!(each > 8, "stories are too short to tell anything: {each}");
}
