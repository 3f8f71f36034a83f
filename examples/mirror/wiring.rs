//! Who can be reached where. All addresses are there before any actor is.

use std::sync::Arc;

use rotor_core::{Addr, Locality};

use crate::chaos::Strike;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::reader::Reader;
use crate::receiver::Receiver;
use crate::role::Role;
use crate::scan::Scan;
use crate::sender::Sender;
use crate::writer::Writer;

/// The addresses of a run.
#[derive(Clone)]
pub struct Wiring {
    pub plan: Addr<Plan>,
    pub progress: Addr<Progress>,
    pub scan: Addr<Scan>,
    pub sender: Addr<Sender>,
    pub receiver: Addr<Receiver>,
    pub readers: Arc<[Addr<Reader>]>,
    pub writers: Arc<[Addr<Writer>]>,
}

impl Wiring {
    /// Reserves all addresses; a lane is a reader and a writer with a locality of its own.
    pub fn new(main: &Locality, files: &Locality, net: &Locality, disks: &[Locality]) -> Self {
        Self {
            plan: main.reserve(),
            progress: main.reserve(),
            scan: files.reserve(),
            sender: net.reserve(),
            receiver: net.reserve(),
            readers: disks.iter().map(|_| files.reserve()).collect(),
            writers: disks.iter().map(Locality::reserve).collect(),
        }
    }

    /// Tells an actor to crash.
    pub fn strike(&self, whom: Role, strike: Strike) {
        match whom {
            Role::Plan => self.plan.send(strike),
            Role::Progress => self.progress.send(strike),
            Role::Scan => self.scan.send(strike),
            Role::Sender => self.sender.send(strike),
            Role::Receiver => self.receiver.send(strike),
            Role::Reader(lane) => self.readers[usize::from(lane)].send(strike),
            Role::Writer(lane) => self.writers[usize::from(lane)].send(strike),
            Role::Signals => {}
        }
    }
}

/// An actor's first words to the plan: a new instance is there, and what the last one knew is lost.
pub struct Up(pub Role);

/// Numbers below no longer count.
#[derive(Clone, Copy)]
pub struct Floor(pub u64);
