//! Who can be reached where. All addresses are there before any actor is.

use std::sync::Arc;

use rotor_core::{Addr, Address, Locality, Recipient};

use crate::chaos::Strike;
use crate::plan::{Plan, Show};
use crate::reader::Reader;
use crate::receiver::Receiver;
use crate::role::Role;
use crate::scan::Scan;
use crate::sender::Sender;
use crate::signals::Interrupts;
use crate::writer::Writer;

/// Who shows a run to people; it belongs to the program.
#[derive(Clone, Copy)]
pub struct View {
    /// Takes the news.
    pub show: Recipient<Show>,
    /// Takes part in chaos.
    pub strike: Recipient<Strike>,
    /// Whether the news tell how far each file is.
    pub files: bool,
}

/// The addresses of a run.
#[derive(Clone)]
pub struct Wiring {
    pub(crate) plan: Addr<Plan>,
    pub(crate) view: View,
    pub(crate) signals: Addr<Interrupts>,
    pub(crate) scan: Addr<Scan>,
    pub(crate) sender: Addr<Sender>,
    pub(crate) receiver: Addr<Receiver>,
    pub(crate) readers: Arc<[Addr<Reader>]>,
    pub(crate) writers: Arc<[Addr<Writer>]>,
}

impl Wiring {
    /// Reserves all addresses; a lane is a reader and a writer with a locality of its own.
    pub(crate) fn new(
        view: View,
        main: &Locality,
        files: &Locality,
        net: &Locality,
        disks: &[Locality],
    ) -> Self {
        Self {
            plan: main.reserve(),
            view,
            signals: files.reserve(),
            scan: files.reserve(),
            sender: net.reserve(),
            receiver: net.reserve(),
            readers: disks.iter().map(|_| files.reserve()).collect(),
            writers: disks.iter().map(Locality::reserve).collect(),
        }
    }

    /// Where the plan takes orders.
    pub fn plan(&self) -> Addr<Plan> {
        self.plan
    }

    /// Who has this address.
    pub fn role(&self, address: Address) -> Option<Role> {
        Role::all(self.readers.len()).find(|role| self.address(*role) == address)
    }

    fn address(&self, role: Role) -> Address {
        match role {
            Role::Signals => self.signals.address(),
            Role::Plan => self.plan.address(),
            Role::Progress => self.view.show.address(),
            Role::Scan => self.scan.address(),
            Role::Sender => self.sender.address(),
            Role::Receiver => self.receiver.address(),
            Role::Reader(lane) => self.readers[usize::from(lane)].address(),
            Role::Writer(lane) => self.writers[usize::from(lane)].address(),
        }
    }

    /// Tells an actor to crash.
    pub fn strike(&self, whom: Role, strike: Strike) {
        match whom {
            Role::Plan => self.plan.send(strike),
            Role::Progress => self.view.strike.send(strike),
            Role::Scan => self.scan.send(strike),
            Role::Sender => self.sender.send(strike),
            Role::Receiver => self.receiver.send(strike),
            Role::Reader(lane) => self.readers[usize::from(lane)].send(strike),
            Role::Writer(lane) => self.writers[usize::from(lane)].send(strike),
            Role::Signals => self.signals.send(strike),
        }
    }
}

/// An actor's first words to the plan: a new instance is there, and what the last one knew is lost.
pub struct Up(
    /// Who speaks.
    pub Role,
);

/// Numbers below no longer count.
#[derive(Clone, Copy)]
pub struct Floor(pub u64);
