//! The slot table: what a message touches, and the seat behind it.

#![expect(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::app::AppShared;
use crate::child::{Make, Ops};
use crate::drain::Drain;
use crate::exit::Exit;
use crate::gate::Gate;
use crate::hold::Why;
use crate::kin::Kin;
use crate::label::Label;
use crate::lane::{NORMAL, URGENT};
use crate::message::Header;
use crate::monitor::Watchers;
use crate::observe::Reason;
use crate::queue::{Flat, Word, header};
use crate::room;
use crate::states::{Lifecycle, Tenure};
use crate::strategy::{Flags, Restart, Strategy};
use crate::table::Table;
use crate::things::NO_THINGS;

/// The hot part of the slots: one compare tells whether a message can be handled.
///
/// A table for each field: the way from a record to the state of its actor, which is how long a
/// message between two actors takes, then has no arithmetic in it. The tables may grow while a
/// handler runs.
pub(crate) struct Slots {
    /// The instances, or null.
    actors: Table<*mut ()>,
    /// The generation while an instance runs and nothing is parked for it; else 0.
    keys: Table<u32>,
    /// The generation of the address that is valid now; 0 if it is not known.
    generations: Table<u32>,
}

impl Slots {
    pub(crate) fn new() -> Self {
        Slots {
            actors: Table::new(),
            keys: Table::new(),
            generations: Table::new(),
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> u32 {
        self.generations.len() as u32 // the last that grows
    }

    pub(crate) fn push(&self, generation: u32) {
        self.actors.push(std::ptr::null_mut());
        self.keys.push(0);
        self.generations.push(generation);
    }

    /// The instance in a slot if a message with this generation can be handled at once.
    #[inline(always)]
    pub(crate) fn running(&self, slot: u32, generation: u32) -> Option<*mut ()> {
        if slot < self.len() {
            // SAFETY: every table has `len` entries.
            unsafe {
                if self.keys.at(slot as usize).get() == generation {
                    return Some(self.actors.at(slot as usize).get());
                }
            }
        }
        None
    }

    /// The instance in a slot, if there is such a slot and a message of its own can be handled at once.
    #[inline(always)]
    pub(crate) fn free(&self, slot: u32) -> Option<*mut ()> {
        if slot < self.len() {
            // SAFETY: every table has `len` entries.
            unsafe {
                if self.keys.at(slot as usize).get() != 0 {
                    return Some(self.actors.at(slot as usize).get());
                }
            }
        }
        None
    }

    fn known(&self, slot: u32) -> usize {
        assert!(slot < self.len(), "slots are met before they are used");
        slot as usize
    }

    pub(crate) fn generation(&self, slot: u32) -> u32 {
        // SAFETY: a known slot is in every table; so below.
        unsafe { self.generations.at(self.known(slot)) }.get()
    }

    pub(crate) fn set_generation(&self, slot: u32, generation: u32) {
        // SAFETY: see `generation`.
        unsafe { self.generations.at(self.known(slot)) }.set(generation);
    }

    pub(crate) fn actor(&self, slot: u32) -> *mut () {
        // SAFETY: see `generation`.
        unsafe { self.actors.at(self.known(slot)) }.get()
    }

    pub(crate) fn set_actor(&self, slot: u32, actor: *mut ()) {
        // SAFETY: see `generation`.
        unsafe { self.actors.at(self.known(slot)) }.set(actor);
    }

    /// Messages for the slot are handled without looking at its seat.
    pub(crate) fn open(&self, slot: u32) {
        let generation = self.generation(slot);
        // SAFETY: see `generation`.
        unsafe { self.keys.at(slot as usize) }.set(generation);
    }

    /// Messages for the slot go by its seat.
    pub(crate) fn shut(&self, slot: u32) {
        // SAFETY: see `generation`.
        unsafe { self.keys.at(self.known(slot)) }.set(0);
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
    /// Starting, and not operational before its parent says so.
    Preparing,
    /// Initialized, it waits for that.
    Ready,
    /// Its parent has said so, and its children become operational.
    Going,
    Running,
    /// Ending; `Seat::keep` says whether another instance may come.
    Stopping,
    /// Belongs to a spec; ended, and not started again by itself.
    Down,
}

impl State {
    /// Whether there is an instance that is not initialized yet.
    pub(crate) fn is_starting(self) -> bool {
        matches!(self, State::Starting | State::Preparing)
    }

    /// Whether there is an instance that is not operational yet.
    pub(crate) fn is_early(self) -> bool {
        self.is_starting() || matches!(self, State::Ready | State::Going)
    }

    /// Whether there is an instance that does not end.
    pub(crate) fn is_alive(self) -> bool {
        self.is_early() || self == State::Running
    }

    /// Whether there is an instance.
    pub(crate) fn has_instance(self) -> bool {
        self.is_alive() || self == State::Stopping
    }

    /// What others see of it.
    pub(crate) fn lifecycle(self) -> Lifecycle {
        match self {
            State::Vacant => Lifecycle::Gone,
            State::Reserved | State::Waiting => Lifecycle::Waiting,
            State::Starting | State::Preparing => Lifecycle::Starting,
            State::Ready | State::Going => Lifecycle::Initialized,
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

/// The cold part of a slot.
pub(crate) struct Seat {
    pub(crate) state: State,
    pub(crate) keep: bool,
    /// What the parent's order to stop says of that: nothing else does then.
    pub(crate) ordered: Option<bool>,
    /// The stop hook has run, or must not.
    pub(crate) hooked: bool,
    /// `Services` has something of this slot.
    pub(crate) serves: bool,
    /// `Naming` has something of this slot.
    pub(crate) marked: bool,
    /// Its address was reserved, and is claimed again by whoever builds it anew.
    pub(crate) reserved: bool,
    /// What makes its instance makes only one.
    pub(crate) once: bool,
    /// A restart waits for its start: a request may end that, and others are served before the next one.
    pub(crate) again: bool,
    pub(crate) drain: Drain,
    pub(crate) restart: Restart,
    /// First entry of the instance's list of things.
    pub(crate) things: u32,
    /// Which instance this is, as the parent counts.
    pub(crate) incarnation: u64,
    /// Which instance this is, as the locality counts: never reused.
    pub(crate) serial: u64,
    /// How many have been started; no more are counted than fit.
    pub(crate) instances: u32,
    pub(crate) name: Label,
    pub(crate) make: Option<Make>,
    pub(crate) ops: Option<&'static Ops>,
    pub(crate) parent: Parent,
    /// Why the instance is ending.
    pub(crate) exit: Option<Exit>,
    pub(crate) parked: Option<Box<Parked>>,
    pub(crate) kin: Option<Box<Kin>>,
    pub(crate) rare: Option<Box<Rare>>,
}

// There may be very many: what most have not is boxed.
const _: () = assert!(size_of::<Seat>() <= 144);

/// What few actors have.
#[derive(Default)]
pub(crate) struct Rare {
    /// How many messages may be parked, if its spec says so.
    pub(crate) capacity: Option<u32>,
    /// Incarnations up to this one were removed by force, also if they have not started yet.
    pub(crate) disowned: u64,
    /// A stop that came while there was no instance: for the next one.
    pub(crate) early_stop: Option<Exit>,
    pub(crate) watchers: Watchers,
    /// Open holds of the running step, by their numbers, so in the order in which they were taken.
    pub(crate) holds: BTreeMap<u64, Why>,
}

/// Messages that wait for an instance.
pub(crate) struct Parked {
    lanes: [Flat; 2],
    /// Without those that a bound counts.
    count: u32,
}

/// Whether a record that is parked counts as a message. What its room has let in is counted there; a ticket may
/// stand for nothing.
///
/// # Safety
/// `at` is a record.
unsafe fn takes_place(at: *const Word) -> bool {
    // SAFETY: as the caller says.
    !room::is_ticket(unsafe { header(at) }.kind)
}

/// How many messages wait for an instance unless its spec says otherwise.
const PARKED: u32 = 1024;
/// Words for the first of them: mostly few wait, and not for long.
const FEW: usize = 56;

impl Seat {
    pub(crate) fn new() -> Self {
        Seat {
            state: State::Reserved,
            keep: false,
            ordered: None,
            hooked: false,
            marked: false,
            reserved: false,
            once: false,
            again: false,
            drain: Drain::No,
            serves: false,
            restart: Restart::Permanent,
            things: NO_THINGS,
            incarnation: 0,
            serial: 0,
            instances: 0,
            name: Label::Fixed(""),
            make: None,
            ops: None,
            parent: Parent::Nobody,
            exit: None,
            parked: None,
            kin: None,
            rare: None,
        }
    }

    pub(crate) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Whether something holds the step that runs.
    pub(crate) fn is_held(&self) -> bool {
        self.holds().next().is_some()
    }

    /// Its open holds, the first one first.
    pub(crate) fn holds(&self) -> impl Iterator<Item = &Why> {
        self.rare.iter().flat_map(|rare| rare.holds.values())
    }

    /// Whether it has nothing of what few have: children, names, links, holds, watchers.
    pub(crate) fn is_plain(&self) -> bool {
        self.kin.is_none() && self.rare.is_none() && !self.marked && !self.serves
    }

    /// Nothing holds anything any more.
    pub(crate) fn clear_holds(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.holds.clear();
        }
    }

    /// Who watches the instance: told once.
    pub(crate) fn take_watchers(&mut self) -> Option<Watchers> {
        let rare = self.rare.as_mut()?;
        Some(std::mem::take(&mut rare.watchers))
    }

    /// Whether this is that child of that supervisor.
    pub(crate) fn is_child(&self, of: Address, child: u32) -> bool {
        matches!(&self.parent, Parent::Actor { address, child: its } if (*address, *its) == (of, child))
    }

    /// Whether nobody has claimed the address in this life; it may be down with the spec that is to do so.
    pub(crate) fn is_unclaimed(&self) -> bool {
        self.ops.is_none() && matches!(self.state, State::Reserved | State::Down)
    }

    /// Whether an incarnation was removed by force.
    pub(crate) fn is_disowned(&self, incarnation: u64) -> bool {
        let rare = self.rare.as_ref();
        rare.is_some_and(|rare| incarnation <= rare.disowned)
    }

    /// Its children; an actor without any gets an empty table.
    pub(crate) fn kin_mut(&mut self) -> &mut Kin {
        let running = self.state == State::Running;
        self.kin.get_or_insert_with(|| {
            let flags = Flags::new(Strategy::OneForOne);
            let mut kin = Box::new(Kin::new(flags, self.restart));
            if running {
                kin.family.run();
            }
            kin
        })
    }

    /// Whether messages wait for the next instance.
    pub(crate) fn parks(&self) -> bool {
        match self.state {
            State::Stopping => self.keep,
            State::Vacant | State::Down => false,
            _ => self.drain != Drain::Parked || self.comes_back(),
        }
    }

    /// Whether another instance follows an orderly stop.
    pub(crate) fn comes_back(&self) -> bool {
        self.is_kept(&Exit::shutdown())
    }

    /// Whether another instance may follow one that ends like this.
    pub(crate) fn is_kept(&self, exit: &Exit) -> bool {
        self.ordered.unwrap_or_else(|| self.restart.wants(exit))
    }

    /// Whether a message that is sent now will find nobody: what is queued is handled, then the actor
    /// ends for good.
    pub(crate) fn drains(&self) -> bool {
        self.drain != Drain::No && !self.comes_back()
    }

    /// Whether a message could be handled at once.
    pub(crate) fn is_free(&self) -> bool {
        self.state == State::Running && self.exit.is_none() && self.parked.is_none()
    }

    /// Who has the slot of this seat, at a gate.
    pub(crate) fn tenure(&self, gate: &Gate) -> Tenure {
        match (&self.parent, self.state) {
            (_, State::Vacant) => Tenure::Passing,
            _ if self.reserved => Tenure::Lasting,
            (_, State::Reserved) => Tenure::Open,
            // The top of a subtree: its parent keeps the address, and has it built there again.
            (Parent::Actor { address, .. }, _) if address.gate() != gate => Tenure::Lasting,
            _ => Tenure::Passing,
        }
    }

    /// Whether the instance is ending, or going to after the handler that runs.
    pub(crate) fn is_ending(&self) -> bool {
        self.exit.is_some() || !self.state.is_alive()
    }

    /// The stop that came before the instance, unless that is ending by itself.
    pub(crate) fn take_early_stop(&mut self) -> Option<Exit> {
        let rare = self.rare.as_mut().filter(|_| self.exit.is_none())?;
        rare.early_stop.take()
    }

    pub(crate) fn is_full(&self) -> bool {
        let said = self.rare.as_ref().and_then(|rare| rare.capacity);
        self.parked_count() >= said.unwrap_or(PARKED)
    }

    pub(crate) fn parked_count(&self) -> u32 {
        self.parked.as_ref().map_or(0, |parked| parked.count)
    }

    /// Goes through what is parked.
    pub(crate) fn each_parked(&self, mut f: impl FnMut(Header)) {
        let lanes = self.parked.iter().flat_map(|parked| &parked.lanes);
        lanes.for_each(|lane| lane.each(&mut f));
    }

    /// Why a message would not be delivered.
    pub(crate) fn obstacle(&self) -> Option<Reason> {
        match self.state {
            State::Vacant => Some(Reason::Gone),
            _ if !self.parks() => Some(Reason::Stopped),
            _ if self.is_full() && !self.is_free() => Some(Reason::Full),
            _ => None,
        }
    }

    /// Has all that comes wait, from now on.
    pub(crate) fn park_all(&mut self) -> &mut Parked {
        self.parked.get_or_insert_with(|| {
            Box::new(Parked {
                lanes: [Flat::new(), Flat::new()],
                count: 0,
            })
        })
    }

    /// Puts a record behind those that wait already.
    ///
    /// # Safety
    /// `at` is a record of `words` words that nobody uses again.
    pub(crate) unsafe fn park(&mut self, lane: usize, at: *const Word, words: usize) {
        let parked = self.park_all();
        // SAFETY: as the caller says.
        parked.count += u32::from(unsafe { takes_place(at) });
        let lane = &parked.lanes[usize::from(lane == NORMAL)];
        lane.begin(FEW.max(words));
        // SAFETY: as the caller says.
        unsafe { lane.push_raw(at, words) }
    }

    /// Puts a record in front of all that wait already, of whatever lane.
    ///
    /// # Safety
    /// `at` is a record that nobody uses again.
    pub(crate) unsafe fn park_first(&mut self, at: *mut Word) {
        let parked = self.park_all();
        let first = &mut parked.lanes[URGENT - 1];
        let behind = std::mem::replace(first, Flat::new());
        // SAFETY: as the caller says.
        parked.count += u32::from(unsafe { takes_place(at) });
        for at in std::iter::once(at).chain(std::iter::from_fn(|| behind.pop())) {
            // SAFETY: it is a record, which was taken out.
            unsafe {
                let words = header(at).kind.words as usize;
                first.begin(FEW.max(words));
                first.push_raw(at, words);
            }
        }
    }

    /// Takes the next record that waits; `Urgent` ones first. It is valid until the next `park`.
    pub(crate) fn unpark(&mut self) -> Option<*mut Word> {
        let parked = self.parked.as_mut()?;
        let at = parked.lanes[URGENT - 1]
            .pop()
            .or_else(|| parked.lanes[NORMAL - 1].pop());
        match at {
            // SAFETY: it is a record.
            Some(at) => parked.count -= u32::from(unsafe { takes_place(at) }),
            None => self.parked = None,
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::take;
    use crate::queue::HEADER;
    use crate::queue::model::KindOf;
    use crate::signed::written;

    #[test]
    fn what_is_put_in_front_comes_before_all_lanes() {
        let kind = KindOf::<u64>::KIND;
        let record = |n: u64| written(Header::new(kind, 0, 1), n);
        let mut seat = Seat::new();
        // More than the first buffer has room for.
        let many = 30;
        for n in 1..=many {
            let lane = if n > many / 2 { NORMAL } else { URGENT };
            // SAFETY: a record that nobody else uses.
            unsafe { seat.park(lane, record(n).as_ptr(), kind.words as usize) };
        }
        // SAFETY: as above.
        unsafe { seat.park_first(record(0).as_mut_ptr()) };
        assert_eq!(u64::from(seat.parked_count()), many + 1);
        for n in 0..=many {
            let at = seat.unpark().expect("there is one more");
            // SAFETY: it is one of these records, which was taken out.
            let found: u64 = unsafe { take(at.add(HEADER)) };
            assert_eq!(found, n);
        }
        assert!(seat.unpark().is_none() && seat.parked.is_none());
    }
}
