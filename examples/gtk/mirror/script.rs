//! The script: does what a person would, for tests. A step may wait for something to happen.

use std::fs;
use std::rc::Rc;
use std::time::Duration;

use gtk::prelude::*;
use mirror_engine::Strike;
use rotor_core::{Actor, Address, Context, Handler, Result, Timer, TreeNode};

use crate::hand::{Deed, DoTo};
use crate::session::{Session, Stage};
use crate::step::{Step, What};

/// How long a step waits for an actor that is not there: it may never come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Works through the steps.
pub struct Script {
    session: Rc<Session>,
    /// Who has been told to crash, and is to be started again before the next step.
    awaited: Option<Address>,
    /// While the next step is about an actor that is not there.
    late: Option<Timer>,
}

/// From the timer.
struct Late;

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
            late: None,
        }
    }

    /// Does steps until one has to wait.
    fn go_on(&mut self, cx: &mut Context<Self>) {
        while self.awaited.is_none() {
            let Some(step) = self.session.steps.borrow().front().cloned() else {
                return;
            };
            if !self.step(&step.what) {
                return self.be_patient(&step, cx);
            }
            println!("script: {}", step.line);
            self.session.steps.borrow_mut().pop_front();
        }
    }

    /// Waits for the actor of this step to come, but not for ever.
    fn be_patient(&mut self, step: &Step, cx: &mut Context<Self>) {
        let lacks = self.lacks(step).is_some();
        if lacks && self.late.is_none() {
            self.late = Some(cx.after(PATIENCE, Late));
        } else if !lacks && let Some(late) = self.late.take() {
            cx.cancel(late);
        }
    }

    /// The actor that this step is about, if it is not there.
    fn lacks<'a>(&self, step: &'a Step) -> Option<&'a str> {
        let name = step.what.actor()?;
        self.session.named(name).is_none().then_some(name)
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
                wiring.hand.send(DoTo(*deed, who));
                self.awaited = (*deed == Deed::Crash).then_some(who);
                // What is left is written down: the next instance of this one may go on from here.
                let left = times.saturating_sub(1);
                if left > 0
                    && let Some(step) = self.session.steps.borrow_mut().front_mut()
                {
                    step.what = What::Do(*deed, name.clone(), left);
                }
                left == 0
            }
            What::Stage(stage) => self.session.stage.get() == *stage,
            What::Copied(n) => {
                let now = self.session.snapshot.get();
                now.is_some_and(|now| now.totals.copied >= *n)
            }
            What::State(state, name) => self.node(name).is_some_and(|node| node.state == *state),
            What::Restarts(name, n) => self.node(name).is_some_and(|node| node.instances > *n),
            What::Handled(name, n) => self.node(name).is_some_and(|node| node.handled >= Some(*n)),
            What::Memory => {
                let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
                let line = text.lines().find(|line| line.starts_with("VmRSS:"));
                println!("memory: {}", line.unwrap_or("unknown"));
                true
            }
        }
    }

    /// An actor as it is in the picture.
    fn node(&self, name: &str) -> Option<TreeNode> {
        let who = self.session.named(name)?;
        let tree = self.session.tree.borrow();
        let mut nodes = tree.as_ref()?.nodes.iter();
        nodes.find(|node| node.address == who).cloned()
    }
}

impl Actor for Script {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.session.changed();
        Ok(())
    }
}

impl Handler<Changed> for Script {
    fn handle(&mut self, _: Changed, cx: &mut Context<Self>) {
        // Not all are started again.
        if self.awaited.is_some_and(|who| self.session.is_down(who)) {
            self.awaited = None;
        }
        self.go_on(cx);
    }
}

impl Handler<Started> for Script {
    fn handle(&mut self, Started(who): Started, cx: &mut Context<Self>) {
        if self.awaited == Some(who) {
            self.awaited = None;
            self.go_on(cx);
        }
    }
}

impl Handler<Late> for Script {
    fn handle(&mut self, _: Late, _: &mut Context<Self>) {
        self.late = None;
        let steps = self.session.steps.borrow();
        if let Some(step) = steps.front()
            && let Some(name) = self.lacks(step)
        {
            let why = format!("script: {}: there is no {name}", step.line);
            self.session.fail(&why);
        }
    }
}

impl Handler<Strike> for Script {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}
