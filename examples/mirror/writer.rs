//! A writer: writes the files of its lane, checks them and gives them their names. It blocks while
//! the disk does, so it has a thread loop to itself.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rotor_core::{Actor, Context, Handler, Result};

use crate::chaos::{Fuse, Strike};
use crate::frame::{Frame, Head, Part};
use crate::plan::{Cleared, Moved, Refused, Spoiled, Stored};
use crate::reader::Credit;
use crate::role::Role;
use crate::source::News;
use crate::target::{CloseError, Complete, Incoming};
use crate::temp_name::temp_name;
use crate::walk::Task;
use crate::wiring::{Floor, Up, Wiring};

/// Small files that share a sync, at most.
const GROUP: usize = 64;

/// Bytes that wait for the disk in all lanes together, about: an interrupt has to wait for what was
/// given to the disk, for the system ends no process before.
const UNSYNCED: u64 = 64 * 1024 * 1024;

/// How long a small file waits for others.
const PATIENCE: Duration = Duration::from_millis(5);

/// Writes the files of one lane.
pub struct Writer {
    lane: u16,
    wiring: Wiring,
    dst: PathBuf,
    run: u64,
    /// Bytes of a file that wait for the disk, at most.
    most_unsynced: u64,
    /// The root of DST, for its file system.
    root: Arc<File>,
    open: HashMap<u64, Incoming>,
    group: Vec<(u64, Complete)>,
    /// A sync of the group is on its way.
    waiting: bool,
    floor: u64,
    fuse: Fuse,
}

#[derive(Clone)]
struct Sync;

impl Writer {
    /// A writer of this lane, one of a number that share what may wait for the disk.
    pub fn new(lane: u16, task: &Task, root: Arc<File>, wiring: Wiring) -> Self {
        let lanes = wiring.writers.len() as u64;
        Self {
            lane,
            wiring,
            dst: task.dst.clone(),
            run: task.run,
            most_unsynced: UNSYNCED / lanes,
            root,
            open: HashMap::new(),
            group: Vec::new(),
            waiting: false,
            floor: 0,
            fuse: Fuse::default(),
        }
    }

    fn take(&mut self, attempt: u64, part: Part, cx: &mut Context<Self>) {
        if attempt < self.floor {
            return;
        }
        match part {
            Part::Open(raw) => match self.begin(attempt, &raw) {
                Ok(incoming) => drop(self.open.insert(attempt, incoming)),
                Err(why) => self.wiring.plan.send(Refused(attempt, why)),
            },
            Part::Data(offset, bytes) => {
                let Some(incoming) = self.open.get_mut(&attempt) else {
                    return;
                };
                self.fuse.burn(Role::Writer(self.lane), "before it writes");
                if let Err(e) = incoming.data(offset, &bytes) {
                    self.open.remove(&attempt);
                    self.wiring.plan.send(Refused(attempt, e.to_string()));
                }
            }
            Part::Close(digest) => {
                let Some(incoming) = self.open.remove(&attempt) else {
                    return;
                };
                match incoming.close(&self.dst, &digest) {
                    Ok(complete) if complete.is_small() => {
                        self.group.push((attempt, complete));
                        self.wait_for_more(cx);
                    }
                    Ok(complete) => {
                        self.fuse.burn(Role::Writer(self.lane), "before it renames");
                        self.publish([(attempt, complete)]);
                    }
                    Err(CloseError::Digest) => self.wiring.plan.send(Spoiled(attempt)),
                    Err(CloseError::Io(e)) => {
                        self.wiring.plan.send(Refused(attempt, e.to_string()));
                    }
                }
            }
            // Only now the temporary file is gone, and with it the last change to its folder.
            Part::Abort(why) => {
                if self.open.remove(&attempt).is_some() {
                    let news = vec![News::given_up(attempt, why)];
                    self.wiring.plan.send::<Vec<News>>(news);
                }
            }
            // The receiver keeps it to itself.
            Part::Hello(_) => {}
        }
    }

    fn begin(&self, attempt: u64, raw: &[u8]) -> Result<Incoming, String> {
        let head = Head::decode(raw).map_err(|e| e.to_string())?;
        let name = temp_name(self.run, attempt);
        Incoming::open(&self.dst, &name, head, raw, self.most_unsynced).map_err(|e| e.to_string())
    }

    /// One sync costs about as much as one for each file, so small files share it.
    fn wait_for_more(&mut self, cx: &mut Context<Self>) {
        if self.group.len() >= GROUP {
            self.sync();
        } else if !self.waiting {
            self.waiting = true;
            cx.after(PATIENCE, Sync);
        }
    }

    fn sync(&mut self) {
        let group = std::mem::take(&mut self.group);
        if group.is_empty() {
            return;
        }
        self.fuse.burn(Role::Writer(self.lane), "before a sync");
        match rustix::fs::syncfs(&self.root) {
            Ok(()) => self.publish(group),
            Err(e) => {
                for (attempt, _) in group {
                    let why = std::io::Error::from(e).to_string();
                    self.wiring.plan.send(Refused(attempt, why));
                }
            }
        }
    }

    fn publish(&mut self, files: impl IntoIterator<Item = (u64, Complete)>) {
        let mut stored = Vec::new();
        for (attempt, complete) in files {
            self.fuse
                .burn(Role::Writer(self.lane), "between two renames");
            match complete.publish() {
                Ok(()) => stored.push(attempt),
                Err(e) => self.wiring.plan.send(Refused(attempt, e.to_string())),
            }
        }
        self.wiring.plan.send(Stored(stored));
    }
}

impl Actor for Writer {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.wiring.plan.send(Up(Role::Writer(self.lane)));
        Ok(())
    }
}

/// From the receiver: frames of this lane, in order.
pub struct Frames(pub Vec<Frame>);

impl Handler<Frames> for Writer {
    fn handle(&mut self, Frames(frames): Frames, cx: &mut Context<Self>) {
        let mut consumed: Vec<(u64, u32)> = Vec::new();
        for Frame {
            attempt,
            part,
            cost,
            ..
        } in frames
        {
            self.take(attempt, part, cx);
            match consumed.last_mut() {
                Some((last, bytes)) if *last == attempt => *bytes += cost,
                _ => consumed.push((attempt, cost)),
            }
        }
        if self.wiring.view.files {
            self.wiring.plan.send(Moved(consumed.clone()));
        }
        self.wiring.readers[usize::from(self.lane)].send(Credit(consumed));
        // The next handler may block for long, and the reader waits.
        cx.flush();
    }
}

impl Handler<Sync> for Writer {
    fn handle(&mut self, _: Sync, _: &mut Context<Self>) {
        self.waiting = false;
        self.sync();
    }
}

impl Handler<Floor> for Writer {
    fn handle(&mut self, Floor(floor): Floor, _: &mut Context<Self>) {
        self.floor = self.floor.max(floor);
        // Their temporary files go with them.
        self.open.retain(|attempt, _| *attempt >= self.floor);
        self.group.retain(|(attempt, _)| *attempt >= self.floor);
        self.wiring.plan.send(Cleared {
            lane: self.lane,
            floor: self.floor,
        });
    }
}

impl Handler<Strike> for Writer {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        self.fuse.light(strike, Role::Writer(self.lane));
    }
}
