//! The scan: walks both trees when the plan asks, a bounded piece at a time.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use blocking::unblock;
use rotor_core::{Actor, Context, Handler, Result};

use crate::chaos::{Fuse, Strike};
use crate::finish::Finish;
use crate::question::Question;
use crate::role::Role;
use crate::surplus::remove;
use crate::trail::Leg;
use crate::walk::{Batch, Note, Task, Walk};
use crate::wiring::{Up, Wiring};

/// Files in one answer at most.
const MOST_JOBS: usize = 256;

/// Walks both trees. It keeps a walk only to be faster: each question says where to go on.
pub struct Scan {
    task: Task,
    /// The root of DST, for its file system.
    root: Arc<File>,
    wiring: Wiring,
    /// A walk and where it stands.
    walk: Option<(Option<PathBuf>, Walk)>,
    fuse: Fuse,
}

impl Scan {
    /// A scan that has not been asked.
    pub fn new(task: Task, root: Arc<File>, wiring: Wiring) -> Self {
        Self {
            task,
            root,
            wiring,
            walk: None,
            fuse: Fuse::default(),
        }
    }
}

/// Asks for the next part of the walk.
pub struct Ask {
    pub question: Question,
    pub leg: Leg,
}

/// Answers [`Ask`].
pub struct Found(pub Batch);

/// Asks for the last pass over the folders.
pub struct Settle(pub Question);

/// Answers [`Settle`].
pub struct Settled(pub Vec<Note>);

impl Actor for Scan {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.wiring.plan.send(Up(Role::Scan));
        Ok(())
    }
}

impl Handler<Ask> for Scan {
    fn handle(&mut self, Ask { question, leg }: Ask, cx: &mut Context<Self>) {
        self.fuse.burn(Role::Scan, "before a walk");
        let Leg { doomed, place } = leg;
        let kept = self.walk.take().filter(|(at, _)| *at == place);
        let task = self.task.clone();
        let work = unblock(move || {
            let removed: Vec<_> = doomed.into_iter().map(|path| remove(&task, path)).collect();
            let mut walk = match kept {
                Some((_, walk)) => walk,
                None => Walk::new(task, place.as_deref()),
            };
            let mut batch = walk.step(MOST_JOBS);
            batch.notes.splice(..0, removed);
            (walk, batch, question)
        });
        cx.spawn(work, |me, (walk, batch, question), _| {
            me.fuse.burn(Role::Scan, "after a walk");
            me.walk = Some((batch.place.clone(), walk));
            me.wiring.plan.send(Found(batch));
            drop(question);
        });
    }
}

impl Handler<Settle> for Scan {
    fn handle(&mut self, Settle(question): Settle, cx: &mut Context<Self>) {
        let (task, root) = (self.task.clone(), self.root.clone());
        let work = unblock(move || {
            let mut notes = Finish::new(task).run();
            // New names last only once they are on the disk as well.
            if let Err(e) = rustix::fs::syncfs(&root) {
                let why = io::Error::from(e).to_string();
                notes.push(Note::Failed(PathBuf::new(), why));
            }
            (notes, question)
        });
        cx.spawn(work, |me, (notes, question), _| {
            me.wiring.plan.send(Settled(notes));
            drop(question);
        });
    }
}

impl Handler<Strike> for Scan {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        self.fuse.light(strike, Role::Scan);
    }
}
