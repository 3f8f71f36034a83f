//! The script: does what a person would, for tests. A step may wait for something to happen.

use std::fs;
use std::rc::Rc;

use gtk::prelude::*;
use mirror_engine::Strike;
use rotor_core::{Actor, Address, Context, Handler, Result};

use crate::controls::Go;
use crate::hand::{Deed, DoTo};
use crate::session::{Session, Stage};

/// What `--help` says of the steps.
pub const STEPS: &str = "\
steps of a script, one a line; # begins a comment:
  start, pause, resume, cancel, close
  crash NAME, restart NAME, stop NAME   NAME as in the picture: plan, disk-0/writer
  repeat N crash NAME
  await STAGE                           idle, copying, paused, done, failed, cancelled
  await copied N
  await running NAME, await down NAME
  await restarts NAME N
  memory                                print the memory of the process";

/// One step, with its line in the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub line: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Go(Go, Stage),
    Close,
    Do(Deed, String, u32),
    Stage(Stage),
    Copied(u64),
    State(&'static str, String),
    Restarts(String, u64),
    Memory,
}

/// Works through the steps.
pub struct Script {
    session: Rc<Session>,
    /// Who is to be started before the next step.
    awaited: Option<Address>,
    /// How often the step was done.
    times: u32,
}

/// Something is different from before.
pub struct Changed;

/// An actor is operational.
pub struct Started(pub Address);

impl Script {
    /// The rest of the script.
    pub fn new(session: Rc<Session>) -> Self {
        Self {
            session,
            awaited: None,
            times: 0,
        }
    }

    /// Does steps until one has to wait.
    fn go_on(&mut self) {
        while self.awaited.is_none() {
            let Some(step) = self.session.steps.borrow().front().cloned() else {
                return;
            };
            if !self.step(&step.what) {
                return;
            }
            println!("script: {}", step.line);
            self.times = 0;
            self.session.steps.borrow_mut().pop_front();
        }
    }

    /// Does a step; false if it is not over.
    fn step(&mut self, what: &What) -> bool {
        let wiring = &self.session.wiring;
        match what {
            // A button that is pressed twice is not what was meant.
            What::Go(go, before)
                if self.session.stage.get() == *before || *before == Stage::Idle =>
            {
                wiring.controls.send(*go);
                true
            }
            What::Go(..) => false,
            What::Close => {
                self.session.widgets.window.close();
                true
            }
            What::Do(deed, name, times) => {
                let Some(who) = self.session.named(name) else {
                    return false;
                };
                if self.times == *times {
                    return true;
                }
                self.times += 1;
                wiring.hand.send(DoTo(*deed, who));
                if *deed == Deed::Crash {
                    self.awaited = Some(who);
                    return false;
                }
                self.times == *times
            }
            What::Stage(stage) => self.session.stage.get() == *stage,
            What::Copied(n) => {
                let now = self.session.snapshot.get();
                now.is_some_and(|now| now.totals.copied >= *n)
            }
            What::State(state, name) => self.node(name).is_some_and(|(now, _)| now == *state),
            What::Restarts(name, n) => self.node(name).is_some_and(|(_, times)| times > *n),
            What::Memory => {
                let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
                let line = text.lines().find(|line| line.starts_with("VmRSS:"));
                println!("memory: {}", line.unwrap_or("unknown"));
                true
            }
        }
    }

    /// State and instances of an actor, as in the picture.
    fn node(&self, name: &str) -> Option<(&'static str, u64)> {
        let who = self.session.named(name)?;
        let tree = self.session.tree.borrow();
        let node = tree
            .as_ref()?
            .nodes
            .iter()
            .find(|node| node.address == who)?;
        Some((node.state, node.instances))
    }
}

impl Actor for Script {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.session.changed();
        Ok(())
    }
}

impl Handler<Changed> for Script {
    fn handle(&mut self, _: Changed, _: &mut Context<Self>) {
        self.go_on();
    }
}

impl Handler<Started> for Script {
    fn handle(&mut self, Started(who): Started, _: &mut Context<Self>) {
        if self.awaited == Some(who) {
            self.awaited = None;
            self.go_on();
        }
    }
}

impl Handler<Strike> for Script {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}

impl Step {
    /// Reads a script. The error is one line for the user.
    pub fn parse(text: &str) -> std::result::Result<Vec<Self>, String> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(number, line)| {
                let what = What::parse(line).ok_or_else(|| format!("line {number}: {line}"))?;
                let line = line.to_owned();
                Ok(Self { line, what })
            })
            .collect()
    }
}

impl What {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        Some(match *words {
            ["start"] => Self::Go(Go::Start, Stage::Idle),
            ["pause"] => Self::Go(Go::Pause, Stage::Copying),
            ["resume"] => Self::Go(Go::Pause, Stage::Paused),
            ["cancel"] => Self::Go(Go::Cancel, Stage::Idle),
            ["close"] => Self::Close,
            ["crash", name] => Self::Do(Deed::Crash, name.to_owned(), 1),
            ["restart", name] => Self::Do(Deed::Restart, name.to_owned(), 1),
            ["stop", name] => Self::Do(Deed::Stop, name.to_owned(), 1),
            ["repeat", n, "crash", name] => Self::Do(Deed::Crash, name.to_owned(), n.parse().ok()?),
            ["await", "copied", n] => Self::Copied(n.parse().ok()?),
            ["await", "running", name] => Self::State("running", name.to_owned()),
            ["await", "down", name] => Self::State("down", name.to_owned()),
            ["await", "restarts", name, n] => Self::Restarts(name.to_owned(), n.parse().ok()?),
            ["await", stage] => {
                Self::Stage(Stage::ALL.into_iter().find(|s| s.to_string() == stage)?)
            }
            ["memory"] => Self::Memory,
            _ => return None,
        })
    }
}
