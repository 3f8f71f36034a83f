//! The scan: walks both trees when the plan asks, a bounded piece at a time.

use std::io;
use std::path::PathBuf;

use blocking::unblock;
use rotor_core::{Actor, Context, Handler, Result};

use crate::chaos::{Fuse, Strike};
use crate::finish::Finish;
use crate::role::Role;
use crate::walk::{Batch, Note, Task, Walk};
use crate::wiring::{Up, Wiring};

/// Files in one answer at most.
const MOST_JOBS: usize = 256;

/// Folders settled in one piece of work.
const MOST_FOLDERS: usize = 256;

/// Walks both trees. It keeps a walk only to be faster: each question says where to go on.
pub struct Scan {
    task: Task,
    wiring: Wiring,
    /// A walk and where it stands.
    walk: Option<(Option<PathBuf>, Walk)>,
    fuse: Fuse,
}

impl Scan {
    /// A scan that has not been asked.
    pub fn new(task: Task, wiring: Wiring) -> Self {
        Self {
            task,
            wiring,
            walk: None,
            fuse: Fuse::default(),
        }
    }
}

/// Asks for what comes behind `place`.
pub struct Ask {
    pub asked: u64,
    pub place: Option<PathBuf>,
}

/// Answers [`Ask`].
pub struct Found {
    pub asked: u64,
    pub batch: Batch,
}

/// Asks for the last pass over the folders.
pub struct Settle {
    pub asked: u64,
}

/// Answers [`Settle`].
pub struct Settled {
    pub asked: u64,
    pub notes: Vec<Note>,
}

impl Actor for Scan {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.wiring.plan.send(Up(Role::Scan));
        Ok(())
    }
}

impl Handler<Ask> for Scan {
    fn handle(&mut self, Ask { asked, place }: Ask, cx: &mut Context<Self>) {
        self.fuse.burn(Role::Scan, "before a walk");
        let kept = self.walk.take().filter(|(at, _)| *at == place);
        let task = self.task.clone();
        let work = unblock(move || {
            let mut walk = match kept {
                Some((_, walk)) => walk,
                None => Walk::new(task, place.as_deref()),
            };
            let batch = walk.step(MOST_JOBS);
            (walk, batch)
        });
        cx.spawn(work, move |me, (walk, batch), _| {
            me.fuse.burn(Role::Scan, "after a walk");
            me.walk = Some((batch.place.clone(), walk));
            me.wiring.plan.send(Found { asked, batch });
        });
    }
}

impl Handler<Settle> for Scan {
    fn handle(&mut self, Settle { asked }: Settle, cx: &mut Context<Self>) {
        let task = self.task.clone();
        let work = async move {
            let mut notes = Vec::new();
            let task_of_pass = task.clone();
            let mut pass = unblock(move || Finish::new(task_of_pass)).await;
            loop {
                let (back, found, end) = unblock(move || {
                    let mut notes = Vec::new();
                    let end = pass.step(MOST_FOLDERS, &mut notes);
                    (pass, notes, end)
                })
                .await;
                pass = back;
                notes.extend(found);
                if end {
                    break;
                }
            }
            // New names last only once they are on the disk as well.
            if let Err(e) = unblock(move || sync(&task)).await {
                notes.push(Note::Failed(PathBuf::new(), e.to_string()));
            }
            notes
        };
        cx.spawn(work, move |me, notes, _| {
            me.wiring.plan.send(Settled { asked, notes })
        });
    }
}

impl Handler<Strike> for Scan {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        self.fuse.light(strike, Role::Scan);
    }
}

fn sync(task: &Task) -> io::Result<()> {
    let folder = std::fs::File::open(&task.dst)?;
    rustix::fs::syncfs(folder)?;
    Ok(())
}
