//! The slot table: what a message touches, and the seat behind it.

use std::cell::{Cell, RefCell};

use crate::address::Address;
use crate::app::AppShared;
use crate::child::{Maker, Ops};
use crate::exit::Exit;
use crate::kin::Kin;
use crate::lane::{NORMAL, URGENT};
use crate::locality::Local;
use crate::observe::Reason;
use crate::queue::{Flat, Word};
use crate::states::Lifecycle;
use crate::strategy::Restart;
use crate::things::NO_THINGS;
use std::borrow::Cow;
use std::sync::Arc;

/// The hot part of a slot: one compare tells whether a message can be handled.
pub(crate) struct Slot {
    /// The instance, or null.
    actor: Cell<*mut ()>,
    /// The generation while an instance runs and nothing is parked for it; else 0.
    key: Cell<u32>,
    /// The generation of the address that is valid now; 0 if it is not known.
    generation: Cell<u32>,
}

/// The table. It may grow while a handler runs, so nobody keeps a reference into it.
pub(crate) struct Slots {
    table: RefCell<Vec<Slot>>,
    base: Cell<*const Slot>,
    len: Cell<u32>,
}

impl Slots {
    pub(crate) fn new() -> Self {
        Slots {
            table: RefCell::new(Vec::new()),
            base: Cell::new(std::ptr::null()),
            len: Cell::new(0),
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len.get()
    }

    pub(crate) fn push(&self, generation: u32) {
        let mut table = self.table.borrow_mut();
        table.push(Slot {
            actor: Cell::new(std::ptr::null_mut()),
            key: Cell::new(0),
            generation: Cell::new(generation),
        });
        self.base.set(table.as_ptr());
        self.len.set(table.len() as u32);
    }

    /// The instance in a slot if a message with this generation can be handled at once.
    #[inline(always)]
    pub(crate) fn running(&self, slot: u32, generation: u32) -> Option<*mut ()> {
        if slot < self.len.get() {
            // SAFETY: `base` and `len` are those of the table, which changes only in `push`.
            let slot = unsafe { &*self.base.get().add(slot as usize) };
            if slot.key.get() == generation {
                return Some(slot.actor.get());
            }
        }
        None
    }

    fn at<R>(&self, slot: u32, f: impl FnOnce(&Slot) -> R) -> R {
        assert!(slot < self.len.get(), "slots are met before they are used");
        // SAFETY: as in `running`.
        f(unsafe { &*self.base.get().add(slot as usize) })
    }

    pub(crate) fn generation(&self, slot: u32) -> u32 {
        self.at(slot, |s| s.generation.get())
    }

    pub(crate) fn set_generation(&self, slot: u32, generation: u32) {
        self.at(slot, |s| s.generation.set(generation));
    }

    pub(crate) fn actor(&self, slot: u32) -> *mut () {
        self.at(slot, |s| s.actor.get())
    }

    pub(crate) fn set_actor(&self, slot: u32, actor: *mut ()) {
        self.at(slot, |s| s.actor.set(actor));
    }

    /// Messages for the slot are handled without looking at its seat.
    pub(crate) fn open(&self, slot: u32) {
        self.at(slot, |s| s.key.set(s.generation.get()));
    }

    /// Messages for the slot go by its seat.
    pub(crate) fn shut(&self, slot: u32) {
        self.at(slot, |s| s.key.set(0));
    }
}

/// What a slot does with a message. The table is in ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody's; on the free list or retired.
    Vacant,
    /// An address without an actor: reserved for one, or published to.
    Reserved,
    /// Belongs to a spec; an instance will come: first start, restart.
    Waiting,
    Starting,
    Running,
    /// Ending; `Seat::keep` says whether another instance may come.
    Stopping,
    /// Belongs to a spec; ended, and not started again by itself.
    Down,
}

impl State {
    /// What others see of it.
    pub(crate) fn lifecycle(self) -> Lifecycle {
        match self {
            State::Vacant => Lifecycle::Gone,
            State::Reserved | State::Waiting => Lifecycle::Waiting,
            State::Starting => Lifecycle::Starting,
            State::Running => Lifecycle::Running,
            State::Stopping => Lifecycle::Stopping,
            State::Down => Lifecycle::Down,
        }
    }
}

/// To whom an actor reports.
#[derive(Clone)]
pub(crate) enum Parent {
    Nobody,
    Actor {
        address: Address,
        child: u32,
    },
    App(Arc<AppShared>),
    /// The parent's locality is lost: nobody is told, and the slot goes with the instance.
    Lost,
}

/// Run when an instance ends.
pub(crate) type AtEnd = Box<dyn FnOnce(&Local)>;

/// The cold part of a slot.
pub(crate) struct Seat {
    pub(crate) state: State,
    pub(crate) keep: bool,
    /// The stop hook has run, or must not.
    pub(crate) hooked: bool,
    pub(crate) restart: Restart,
    pub(crate) capacity: u32,
    /// First entry of the instance's list of things.
    pub(crate) things: u32,
    /// Which instance this is, as the parent counts.
    pub(crate) incarnation: u64,
    /// Incarnations up to this one were removed by force, also if they have not started yet.
    pub(crate) disowned: u64,
    /// Which instance this is, as the locality counts: never reused.
    pub(crate) serial: u64,
    pub(crate) instances: u64,
    pub(crate) name: Cow<'static, str>,
    pub(crate) maker: Option<Maker>,
    pub(crate) ops: Option<&'static Ops>,
    pub(crate) parent: Parent,
    /// Why the instance is ending.
    pub(crate) exit: Option<Exit>,
    /// A stop that came while there was no instance: for the next one.
    pub(crate) early_stop: Option<Exit>,
    pub(crate) parked: Option<Box<Parked>>,
    pub(crate) kin: Option<Box<Kin>>,
    pub(crate) watchers: Vec<(&'static crate::gate::Gate, u64)>,
    pub(crate) at_end: Vec<AtEnd>,
    /// Open holds of the running step: id and why.
    pub(crate) holds: Vec<(u64, &'static str)>,
}

/// Messages that wait for an instance.
pub(crate) struct Parked {
    lanes: [Flat; 2],
    count: u32,
}

/// How many messages wait for an instance unless its spec says otherwise.
const PARKED: u32 = 1024;

impl Seat {
    pub(crate) fn new() -> Self {
        Seat {
            state: State::Reserved,
            keep: false,
            hooked: false,
            restart: Restart::Permanent,
            capacity: 0,
            things: NO_THINGS,
            incarnation: 0,
            disowned: 0,
            serial: 0,
            instances: 0,
            name: Cow::Borrowed(""),
            maker: None,
            ops: None,
            parent: Parent::Nobody,
            exit: None,
            early_stop: None,
            parked: None,
            kin: None,
            watchers: Vec::new(),
            at_end: Vec::new(),
            holds: Vec::new(),
        }
    }

    /// Whether messages wait for the next instance.
    pub(crate) fn parks(&self) -> bool {
        match self.state {
            State::Reserved | State::Waiting | State::Starting | State::Running => true,
            State::Stopping => self.keep,
            State::Vacant | State::Down => false,
        }
    }

    /// Whether the instance is ending, or going to after the handler that runs.
    pub(crate) fn is_ending(&self) -> bool {
        self.exit.is_some() || !matches!(self.state, State::Starting | State::Running)
    }

    /// The stop that came before the instance, unless that is ending by itself.
    pub(crate) fn take_early_stop(&mut self) -> Option<Exit> {
        self.early_stop.take_if(|_| self.exit.is_none())
    }

    pub(crate) fn is_full(&self) -> bool {
        let bound = if self.capacity == 0 {
            PARKED
        } else {
            self.capacity
        };
        self.parked
            .as_ref()
            .is_some_and(|parked| parked.count >= bound)
    }

    pub(crate) fn parked_count(&self) -> u32 {
        self.parked.as_ref().map_or(0, |parked| parked.count)
    }

    /// Why a message would not be delivered.
    pub(crate) fn obstacle(&self) -> Option<Reason> {
        match self.state {
            State::Vacant => Some(Reason::Gone),
            _ if !self.parks() => Some(Reason::Stopped),
            _ if self.is_full() => Some(Reason::Full),
            _ => None,
        }
    }

    /// Puts a record behind those that wait already.
    ///
    /// # Safety
    /// `at` is a record of `words` words that nobody uses again.
    pub(crate) unsafe fn park(&mut self, lane: usize, at: *const Word, words: usize) {
        let parked = self.parked.get_or_insert_with(|| {
            Box::new(Parked {
                lanes: [Flat::new(), Flat::new()],
                count: 0,
            })
        });
        parked.count += 1;
        // SAFETY: as the caller says.
        unsafe { parked.lanes[usize::from(lane == NORMAL)].push_raw(at, words) }
    }

    /// Takes the next record that waits; `Urgent` ones first. It is valid until the next `park`.
    pub(crate) fn unpark(&mut self) -> Option<*mut Word> {
        let parked = self.parked.as_mut()?;
        let at = parked.lanes[URGENT - 1]
            .pop()
            .or_else(|| parked.lanes[NORMAL - 1].pop());
        match at {
            Some(_) => parked.count -= 1,
            None => self.parked = None,
        }
        at
    }
}
