//! The tree of a run: who supervises whom, and on which loop.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rotor_core::{AutoShutdown, Child, Locality, Observer, Supervisor};

use crate::args::Args;
use crate::chaos::{Chaos, Fuse};
use crate::frame::{CHUNK, Token};
use crate::host::Host;
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::progress::{Backlog, Progress};
use crate::reader::Reader;
use crate::receiver::Receiver;
use crate::scan::Scan;
use crate::sender::Sender;
use crate::signals::Interrupts;
use crate::source::Source;
use crate::walk::Task;
use crate::wiring::Wiring;
use crate::writer::Writer;

/// Bytes on their way in all lanes together.
const WINDOW: usize = 16 * 1024 * 1024;

/// What all writers together may take to stop.
const LAST_WORDS: Duration = Duration::from_millis(1000);

/// In what time crashes are counted, and how many are borne: without chaos each one is a bug.
const PERIOD: Duration = Duration::from_secs(10);
const FEW: u32 = 10;

/// Messages that may wait for an actor that is being restarted: more than the windows let through.
const PATIENT: u32 = 1 << 20;

/// What the tree is made from.
pub struct Parts {
    pub args: Args,
    pub task: Task,
    pub token: Token,
    pub wiring: Wiring,
    pub ledger: Rc<RefCell<Ledger>>,
    pub backlog: Backlog,
    pub host: Rc<Host>,
}

impl Parts {
    /// The whole tree. What others need is started first and stopped last; the plan's end is the
    /// end of all.
    pub fn tree(self, files: &Locality, net: &Locality, disks: &[Locality]) -> Supervisor {
        let mut root = Supervisor::one_for_one("mirror")
            .intensity(self.borne(), PERIOD)
            .auto_shutdown(AutoShutdown::Any)
            .observer(Arc::new(Undelivered))
            .child(self.progress());
        for (lane, disk) in (0..).zip(disks) {
            root = root.child(self.disk(lane, disk));
        }
        root.child(self.link(net))
            .child(self.files(files))
            .child(self.plan())
    }

    fn borne(&self) -> u32 {
        if self.args.chaos.is_some() {
            u32::MAX
        } else {
            FEW
        }
    }

    fn progress(&self) -> Child<Progress> {
        let (at, quiet, begin) = (self.wiring.progress, self.args.quiet, Instant::now());
        let (backlog, wiring) = (self.backlog.clone(), self.wiring.clone());
        let make = move || Progress::new(quiet, begin, backlog.clone(), wiring.clone());
        Child::new("progress", make).at(at).capacity(PATIENT)
    }

    /// The writer of a lane, on a thread loop of its own.
    fn disk(&self, lane: u16, disk: &Locality) -> Supervisor {
        let limit = LAST_WORDS / self.args.jobs as u32;
        let (task, wiring) = (self.task.clone(), self.wiring.clone());
        let build = move |s: Supervisor| {
            let (dst, run, wiring) = (task.dst.clone(), task.run, wiring.clone());
            let at = wiring.writers[usize::from(lane)];
            let make = move || Writer::new(lane, dst.clone(), run, wiring.clone());
            s.child(
                Child::new("writer", make)
                    .at(at)
                    .stop_limit(limit)
                    .capacity(PATIENT),
            )
        };
        Supervisor::one_for_one(format!("disk-{lane}"))
            .intensity(self.borne(), PERIOD)
            .on(disk, build)
    }

    /// The connection. A new receiver listens elsewhere, so the sender starts anew with it.
    fn link(&self, net: &Locality) -> Supervisor {
        let (token, wiring) = (self.token, self.wiring.clone());
        let build = move |s: Supervisor| {
            let (receives, sends) = (wiring.clone(), wiring.clone());
            let receiver = Child::with("receiver", move |cx| {
                Receiver::new(token, receives.clone(), cx)
            });
            let sender = Child::new("sender", move || Sender::new(sends.clone()));
            s.child(receiver.at(wiring.receiver))
                .child(sender.at(wiring.sender).capacity(PATIENT))
        };
        Supervisor::rest_for_one("link")
            .intensity(self.borne(), PERIOD)
            .on(net, build)
    }

    /// All that reads.
    fn files(&self, files: &Locality) -> Supervisor {
        let window = (WINDOW / self.args.jobs).clamp(2 * CHUNK, WINDOW / 4);
        let (task, wiring) = (self.task.clone(), self.wiring.clone());
        let build = move |s: Supervisor| {
            let signals = wiring.clone();
            let signals = Child::new("signals", move || Interrupts {
                wiring: signals.clone(),
            });
            let (walks, tells) = (task.clone(), wiring.clone());
            let scan = Child::new("scan", move || Scan::new(walks.clone(), tells.clone()));
            let mut s = s.child(signals).child(scan.at(wiring.scan));
            for (lane, &at) in (0..).zip(&*wiring.readers) {
                let (task, wiring) = (task.clone(), wiring.clone());
                let make = move || {
                    let source = Source::new(task.src.clone(), task.dst.clone(), lane);
                    Reader::new(lane, source, window, wiring.clone())
                };
                let name = format!("reader-{lane}");
                s = s.child(Child::new(name, make).at(at).capacity(PATIENT));
            }
            s
        };
        Supervisor::one_for_one("files")
            .intensity(self.borne(), PERIOD)
            .on(files, build)
    }

    fn plan(&self) -> Child<Plan> {
        let at = self.wiring.plan;
        let chaos = self
            .args
            .chaos
            .map(|seed| Rc::new(RefCell::new(Chaos::new(seed))));
        let (ledger, host, wiring) = (self.ledger.clone(), self.host.clone(), self.wiring.clone());
        let make = move || Plan {
            ledger: ledger.clone(),
            chaos: chaos.clone(),
            wiring: wiring.clone(),
            host: host.clone(),
            fuse: Fuse::default(),
        };
        Child::new("plan", make)
            .at(at)
            .transient()
            .significant()
            .capacity(PATIENT)
    }
}

/// Undelivered messages are part of crashing: what they were about is done again.
struct Undelivered;

impl Observer for Undelivered {}
