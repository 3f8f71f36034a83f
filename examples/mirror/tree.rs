//! The tree of a run: who supervises whom, and on which loop.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rotor_core::{AutoShutdown, Child, Locality, Node, Supervisor, ThreadLoop};
use rotor_mio::MioLoop;
use rotor_smol::SmolLoop;

use crate::args::Args;
use crate::chaos::{Chaos, Fuse};
use crate::claim::Claim;
use crate::frame::{CHUNK, Token};
use crate::host::Host;
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::reader::Reader;
use crate::receiver::Receiver;
use crate::scan::Scan;
use crate::sender::Sender;
use crate::signals::Interrupts;
use crate::source::Source;
use crate::walk::{Task, open_up};
use crate::wiring::{View, Wiring};
use crate::writer::Writer;

/// Bytes on their way in all lanes together.
const WINDOW: usize = 16 * 1024 * 1024;

/// What all writers together may take to stop.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// In what time crashes are counted, and how many are borne: without chaos each one is a bug.
const PERIOD: Duration = Duration::from_secs(10);
const FEW: u32 = 10;

/// Messages that may wait for an actor that is being restarted: more than the windows let through.
pub const PATIENT: u32 = 1 << 20;

/// What a run is made from: its loops, its addresses, and what will be known of it.
pub struct Parts {
    args: Args,
    task: Task,
    /// The root of DST.
    root: Arc<File>,
    token: Token,
    wiring: Wiring,
    ledger: Rc<RefCell<Ledger>>,
    host: Rc<dyn Host>,
    files: Locality,
    net: Locality,
    disks: Vec<Locality>,
}

impl Parts {
    /// Starts the loops of a run, whose plan is to live on `main`, beside its view. The claim is
    /// to be kept until the tree has ended.
    ///
    /// # Errors
    /// A folder is gone, or the system has no threads left.
    pub fn new(
        args: &Args,
        claim: &Claim,
        main: &Locality,
        view: View,
        host: Rc<dyn Host>,
    ) -> io::Result<Self> {
        let task = Task {
            src: fs::canonicalize(&args.src)?,
            dst: fs::canonicalize(&args.dst)?,
            run: fastrand::u64(..),
            checksum: args.checksum,
            delete: args.delete,
        };
        open_up(&task.dst);
        let mut token = [0; 16];
        rustix::rand::getrandom(&mut token, rustix::rand::GetRandomFlags::empty())?;
        let files = SmolLoop::spawn("files")?;
        let net = MioLoop::spawn("net")?;
        let disks = (0..args.jobs)
            .map(|n| ThreadLoop::spawn(format!("disk-{n}")))
            .collect::<io::Result<Vec<Locality>>>()?;
        Ok(Self {
            args: args.clone(),
            wiring: Wiring::new(view, main, &files, &net, &disks),
            ledger: Rc::new(RefCell::new(Ledger::new(task.clone(), args.jobs))),
            task,
            root: claim.root().clone(),
            token,
            host,
            files,
            net,
            disks,
        })
    }

    /// Who can be reached where.
    pub fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// What is known of the run, also when it is over.
    pub fn ledger(&self) -> &Rc<RefCell<Ledger>> {
        &self.ledger
    }

    /// The tree of the run, behind a first child if there is one. What others need is started first
    /// and stopped last; the plan's end is the end of all.
    pub fn tree(self, first: Option<Node>) -> Supervisor {
        let mut root = Supervisor::one_for_one("mirror")
            .intensity(self.borne(), PERIOD)
            .auto_shutdown(AutoShutdown::Any);
        if let Some(first) = first {
            root = root.child(first);
        }
        for (lane, disk) in (0..).zip(&self.disks) {
            root = root.child(self.disk(lane, disk));
        }
        root.child(self.link())
            .child(self.files())
            .child(self.plan())
    }

    fn borne(&self) -> u32 {
        if self.args.chaos.is_some() {
            u32::MAX
        } else {
            FEW
        }
    }

    /// The writer of a lane, on a thread loop of its own.
    fn disk(&self, lane: u16, disk: &Locality) -> Supervisor {
        let limit = LAST_WORDS / self.args.jobs as u32;
        let (task, root, wiring) = (self.task.clone(), self.root.clone(), self.wiring.clone());
        let build = move |s: Supervisor| {
            let (task, root, wiring) = (task.clone(), root.clone(), wiring.clone());
            let at = wiring.writers[usize::from(lane)];
            let make = move || Writer::new(lane, &task, root.clone(), wiring.clone());
            s.child(
                Child::new(format!("writer-{lane}"), make)
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
    fn link(&self) -> Supervisor {
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
            .on(&self.net, build)
    }

    /// All that reads.
    fn files(&self) -> Supervisor {
        let window = (WINDOW / self.args.jobs).clamp(2 * CHUNK, WINDOW / 4);
        let (task, root, wiring) = (self.task.clone(), self.root.clone(), self.wiring.clone());
        let build = move |s: Supervisor| {
            let signals = wiring.clone();
            let signals = Child::new("signals", move || Interrupts {
                wiring: signals.clone(),
            });
            let (walks, root, tells) = (task.clone(), root.clone(), wiring.clone());
            let scan = move || Scan::new(walks.clone(), root.clone(), tells.clone());
            let scan = Child::new("scan", scan);
            let signals = signals.at(wiring.signals);
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
            .on(&self.files, build)
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
