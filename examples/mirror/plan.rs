//! The plan: decides what is copied next and by whom, and starts again what got lost.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rotor_core::{Actor, Context, Handler, Result};

use crate::chaos::{Chaos, Fuse, Strike};
use crate::host::Host;
use crate::ledger::{Ledger, Moving, Phase, Snapshot};
use crate::question::Question;
use crate::reader::{Cancel, Read};
use crate::role::Role;
use crate::scan::{Ask, Found, Settle, Settled};
use crate::source::News;
use crate::wiring::{Floor, Up, Wiring};

/// How often people see news, and how long a file rests that changed while it was read.
const TICK: Duration = Duration::from_millis(100);

/// An interrupted run ends within two seconds: after this only what a disk holds is waited for.
const LAST_LIMIT: Duration = Duration::from_millis(900);

/// News of a run: how far it is, and what people should read.
pub struct Show {
    /// How far it is.
    pub now: Snapshot,
    /// Files on their way, if the [view](crate::View) wants them.
    pub files: Vec<Moving>,
    /// Lines for people.
    pub lines: Vec<String>,
}

/// Decides what is copied next. All it knows is in the ledger, which its next instance takes over.
pub struct Plan {
    pub(crate) ledger: Rc<RefCell<Ledger>>,
    pub(crate) chaos: Option<Rc<RefCell<Chaos>>>,
    pub(crate) wiring: Wiring,
    pub(crate) host: Rc<dyn Host>,
    pub(crate) fuse: Fuse,
}

impl Plan {
    /// Sends on their way what there is room for, and looks whether the run is over.
    fn go_on(&self) {
        let mut ledger = self.ledger.borrow_mut();
        while let Some((lane, attempt, job)) = ledger.assign() {
            self.wiring.readers[lane].send(Read { attempt, job });
        }
        let question = || Question::new(self.wiring.plan);
        if let Some(leg) = ledger.ask() {
            let question = question();
            self.wiring.scan.send(Ask { question, leg });
        }
        if ledger.finish() {
            self.wiring.scan.send(Settle(question()));
        }
        drop(ledger);
        self.strike();
    }

    /// Forgets what is on its way in some lanes.
    fn reset(&self, lanes: impl Iterator<Item = usize>) {
        for lane in lanes {
            let floor = Floor(self.ledger.borrow_mut().reset(lane));
            self.wiring.readers[lane].send(floor);
            self.wiring.writers[lane].send(floor);
        }
    }

    /// Hits whoever is due.
    fn strike(&self) {
        let Some(chaos) = &self.chaos else { return };
        let (settled, lanes) = {
            let ledger = self.ledger.borrow();
            if ledger.phase() != Phase::Copying {
                return;
            }
            (ledger.settled(), ledger.lanes())
        };
        let victims = Role::victims(lanes);
        while let Some((victim, strike)) = chaos.borrow_mut().due(settled, victims.len()) {
            self.wiring.strike(victims[victim], strike);
        }
    }

    /// Tells people.
    fn show(&self) {
        let mut ledger = self.ledger.borrow_mut();
        let view = self.wiring.view;
        view.show.send(Show {
            now: ledger.snapshot(),
            files: if view.files {
                ledger.moving()
            } else {
                Vec::new()
            },
            lines: ledger.take_lines(),
        });
    }

    /// Work that counts towards a strike, then what follows from it.
    fn after_work(&mut self) {
        self.fuse.burn(Role::Plan, "after a decision");
        self.go_on();
    }
}

impl Actor for Plan {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.every(TICK, Tick);
        let mut ledger = self.ledger.borrow_mut();
        ledger.up(Role::Plan);
        if matches!(ledger.phase(), Phase::Done | Phase::Interrupted) {
            cx.stop();
            return Ok(());
        }
        ledger.retry_later();
        let lanes = ledger.lanes();
        drop(ledger);
        // Messages to the last instance may be lost, so nothing on its way is sure to be heard of.
        self.reset(0..lanes);
        self.go_on();
        Ok(())
    }
}

impl Handler<Up> for Plan {
    fn handle(&mut self, Up(role): Up, _: &mut Context<Self>) {
        let (again, lanes) = {
            let mut ledger = self.ledger.borrow_mut();
            (ledger.up(role), ledger.lanes())
        };
        if !again {
            return;
        }
        match role {
            Role::Reader(lane) | Role::Writer(lane) => {
                self.reset(std::iter::once(usize::from(lane)));
            }
            Role::Sender | Role::Receiver => self.reset(0..lanes),
            // A question that it does not answer ends with it.
            Role::Scan | Role::Plan | Role::Progress | Role::Signals => return,
        }
        self.go_on();
    }
}

impl Handler<Found> for Plan {
    fn handle(&mut self, Found(batch): Found, _: &mut Context<Self>) {
        self.fuse.burn(Role::Plan, "before it takes in a batch");
        self.ledger.borrow_mut().found(batch);
        self.after_work();
    }
}

/// Nobody works on the question to the walk any more. What it brought was told before.
pub struct Over;

impl Handler<Over> for Plan {
    fn handle(&mut self, _: Over, _: &mut Context<Self>) {
        self.ledger.borrow_mut().over();
        self.go_on();
    }
}

impl Handler<Settled> for Plan {
    fn handle(&mut self, Settled(notes): Settled, cx: &mut Context<Self>) {
        let finished = self.ledger.borrow_mut().finished(&notes);
        if finished {
            if self.chaos.is_some() || self.ledger.borrow().snapshot().restarts > 0 {
                let tree = self.host.tree();
                self.ledger.borrow_mut().keep_tree(tree);
            }
            self.show();
            cx.stop();
        }
    }
}

impl Handler<Vec<News>> for Plan {
    fn handle(&mut self, news: Vec<News>, _: &mut Context<Self>) {
        for news in news {
            self.ledger.borrow_mut().news(news);
        }
        self.after_work();
    }
}

/// From a writer: bytes of these attempts were written.
pub struct Moved(pub Vec<(u64, u32)>);

impl Handler<Moved> for Plan {
    fn handle(&mut self, Moved(bytes): Moved, _: &mut Context<Self>) {
        for (attempt, bytes) in bytes {
            self.ledger.borrow_mut().moved(attempt, bytes);
        }
    }
}

/// From a writer: these files are in place.
pub struct Stored(pub Vec<u64>);

impl Handler<Stored> for Plan {
    fn handle(&mut self, Stored(attempts): Stored, _: &mut Context<Self>) {
        for attempt in attempts {
            self.fuse.burn(Role::Plan, "while it counts");
            self.ledger.borrow_mut().stored(attempt);
        }
        self.after_work();
    }
}

/// From a writer: nothing of the attempts below this floor is left.
pub struct Cleared {
    /// Whose writer it is.
    pub lane: u16,
    /// The floor.
    pub floor: u64,
}

impl Handler<Cleared> for Plan {
    fn handle(&mut self, Cleared { lane, floor }: Cleared, _: &mut Context<Self>) {
        self.ledger.borrow_mut().cleared(usize::from(lane), floor);
        self.go_on();
    }
}

/// From a writer: what was written is not what was read.
pub struct Spoiled(pub u64);

impl Handler<Spoiled> for Plan {
    fn handle(&mut self, Spoiled(attempt): Spoiled, _: &mut Context<Self>) {
        self.ledger.borrow_mut().spoiled(attempt);
        self.after_work();
    }
}

/// From a writer: this file cannot be written.
pub struct Refused(pub u64, pub String);

impl Handler<Refused> for Plan {
    fn handle(&mut self, Refused(attempt, why): Refused, _: &mut Context<Self>) {
        if let Some(lane) = self.ledger.borrow_mut().refused(attempt, why) {
            self.wiring.readers[lane].send(Cancel(attempt));
        }
        self.after_work();
    }
}

#[derive(Clone)]
struct Tick;

impl Handler<Tick> for Plan {
    fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        self.ledger.borrow_mut().retry_later();
        self.show();
        self.go_on();
    }
}

/// From the tree: an instance has ended.
pub struct Ended {
    /// Whose, if it takes part in a run under this name for ever.
    pub role: Option<Role>,
    /// What the tree calls it.
    pub name: String,
    /// Why.
    pub why: String,
}

impl Handler<Ended> for Plan {
    fn handle(&mut self, Ended { role, name, why }: Ended, _: &mut Context<Self>) {
        self.ledger.borrow_mut().ended(role, &name, why);
    }
}

/// The user wants it to rest, or to go on. Files on their way are completed.
pub struct Pause(
    /// Whether to rest.
    pub bool,
);

impl Handler<Pause> for Plan {
    fn handle(&mut self, Pause(paused): Pause, _: &mut Context<Self>) {
        self.ledger.borrow_mut().pause(paused);
        self.show();
        self.go_on();
    }
}

/// The user wants it to end.
pub struct Interrupt;

impl Handler<Interrupt> for Plan {
    fn handle(&mut self, _: Interrupt, cx: &mut Context<Self>) {
        self.ledger.borrow_mut().interrupt();
        self.host.quit_within(LAST_LIMIT);
        cx.stop();
    }
}

impl Handler<Strike> for Plan {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        self.fuse.light(strike, Role::Plan);
    }
}
