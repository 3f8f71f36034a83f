//! The children of an actor: their table, and where each of them lives.

use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::admin::{ChildState, Reply};
use crate::child::LIMIT;
use crate::docket::Docket;
use crate::early;
use crate::fixed_map::FixedMap;
use crate::late::Overrun;
use crate::locality::{News, Placements};
use crate::pool::Template;
use crate::registry::Plans;
use crate::states::Lifecycle;
use crate::strategy::{ChildId, Family, Flags, Restart, RowState, Step};
use crate::supervisor::{Remote, Shell};
use crate::things::{Key, NO_THINGS};
use crate::unbuilt::Unbuilt;

/// A supervisor's table with the places of its children.
pub(crate) struct Kin {
    pub(crate) family: Family,
    pub(crate) entries: Vec<Option<Entry>>,
    /// The limits of steps that run, and the waits before restarts: their places among the things of the
    /// parent's instance, where a child has one such thing and no more. Up to the last child that has had
    /// one.
    steps: Vec<u32>,
    /// Those that live on other localities: of one that lives here its own seat knows who it is.
    far: FixedMap<Address, ChildId>,
    /// The actor is asked what follows the end of a child.
    pub(crate) decides: bool,
    /// Names of those below it are found there only.
    pub(crate) own_names: bool,
    /// What its instances are made from, if it is a pool.
    pub(crate) template: Option<Template>,
    /// Administrative requests that are not served yet.
    pub(crate) requests: Docket,
    /// Who waits for the outcome of the one that is served.
    pub(crate) serving: Option<Reply>,
    /// How long the end of a supervisor may take, with all below it: for a root, which has no parent to know
    /// that, and for one whose parent is elsewhere.
    pub(crate) stop_limit: Option<Duration>,
    /// Ends of clients, and next attempts to start them, until their services are settled.
    pub(crate) early: Option<Box<early::Waiting>>,
}

/// Where a child lives, and how long its steps may take.
pub(crate) struct Entry {
    pub(crate) place: Address,
    /// What few have, boxed: there may be very many children.
    special: Option<Box<Special>>,
}

const _: () = assert!(size_of::<Option<Entry>>() <= 24);

/// What few children have.
struct Special {
    limits: Limits,
    /// Most are here. Those with limits of their own, and supervisors, have no room for it.
    remote: Option<Box<RemoteEntry>>,
}

const _: () = assert!(size_of::<Special>() <= 40);

/// How long the steps of a child may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) start: Option<Duration>,
    pub(crate) stop: Option<Duration>,
}

impl Limits {
    /// Those of actors, unless their specs say otherwise.
    const USUAL: Limits = Limits {
        start: Some(LIMIT),
        stop: Some(LIMIT),
    };
}

impl Entry {
    pub(crate) fn new(place: Address, limits: Limits) -> Self {
        Entry {
            place,
            special: (limits != Limits::USUAL).then(|| Special::boxed(limits)),
        }
    }

    /// The same for a child on another locality.
    pub(crate) fn away(place: Address, limits: Limits, remote: RemoteEntry) -> Self {
        let mut special = Special::boxed(limits);
        special.remote = Some(Box::new(remote));
        Entry {
            place,
            special: Some(special),
        }
    }

    pub(crate) fn remote(&self) -> Option<&RemoteEntry> {
        self.special.as_ref()?.remote.as_deref()
    }

    pub(crate) fn remote_mut(&mut self) -> Option<&mut RemoteEntry> {
        self.special.as_mut()?.remote.as_deref_mut()
    }

    /// Where it is, and what is planned of it.
    pub(crate) fn plans(&self) -> (Address, Option<Arc<Plans>>) {
        let remote = self.remote();
        (self.place, remote.and_then(|remote| remote.plans.clone()))
    }

    /// What has taken too long when the limit of a step has passed: one that ends while it starts has had that
    /// of its stop, and the loop of one that is removed at once the usual one.
    pub(crate) fn overrun(&self, step: Step) -> Overrun {
        let Limits { start, stop } = self.limits();
        if step == Step::Start && self.place.state() != Lifecycle::Stopping {
            let limit = start.unwrap_or_default();
            return Overrun { step, limit };
        }
        let limit = stop.filter(|limit| !limit.is_zero()).unwrap_or(LIMIT);
        let step = Step::Stop;
        Overrun { step, limit }
    }

    pub(crate) fn limits(&self) -> Limits {
        let special = self.special.as_ref();
        special.map_or(Limits::USUAL, |special| special.limits)
    }
}

impl Special {
    fn boxed(limits: Limits) -> Box<Self> {
        Box::new(Special {
            limits,
            remote: None,
        })
    }
}

/// What a child on another locality is built from.
pub(crate) struct RemoteEntry {
    /// What is down with it, and not built.
    pub(crate) unbuilt: Option<Unbuilt>,
    pub(crate) shell: Shell,
    pub(crate) remote: Remote,
    /// Which opening of the locality it was built in; 0 is none.
    pub(crate) built: u32,
    /// There, and wherever something is placed below it: what is not built yet, or is lost with a loop on
    /// the way to it, has no other.
    pub(crate) _placements: Placements,
    /// The names that are declared in it.
    pub(crate) plans: Option<Arc<Plans>>,
}

impl RemoteEntry {
    /// Whether it is to be built in the present life of its locality, or has been.
    pub(crate) fn is_ordered(&self) -> bool {
        let place = &self.remote.locality;
        // Open at its gate: that is so after the opening is counted.
        !place.gate().entrance.is_closed() && self.built == place.openings()
    }

    /// The addresses that are reserved in it.
    pub(crate) fn reserved(&self) -> impl Iterator<Item = Address> {
        let declared = self.remote.declared.get();
        let slots = declared.into_iter().flat_map(|declared| &declared.slots);
        slots.map(|(at, _)| *at)
    }
}

impl Kin {
    pub(crate) fn new(flags: Flags, restart: Restart) -> Self {
        Kin {
            family: Family::new(flags, restart),
            entries: Vec::new(),
            steps: Vec::new(),
            far: FixedMap::default(),
            decides: true,
            own_names: false,
            template: None,
            requests: Docket::default(),
            serving: None,
            stop_limit: None,
            early: None,
        }
    }

    pub(crate) fn set_entry(&mut self, id: ChildId, entry: Entry) {
        let at = id as usize;
        if entry.remote().is_some() {
            self.far.insert(entry.place, id);
        }
        if let Some(place) = self.entries.get_mut(at) {
            *place = Some(entry);
        } else {
            self.entries.resize_with(at, || None);
            self.entries.push(Some(entry));
        }
    }

    pub(crate) fn entry(&mut self, id: ChildId) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)?.as_mut()
    }

    pub(crate) fn has_limit(&self, id: ChildId) -> bool {
        self.steps
            .get(id as usize)
            .is_some_and(|&at| at != NO_THINGS)
    }

    pub(crate) fn set_limit(&mut self, id: ChildId, limit: Key) {
        let at = id as usize;
        if at >= self.steps.len() {
            self.steps.resize(at + 1, NO_THINGS);
        }
        self.steps[at] = limit.index;
    }

    /// The place of a child's limit, which it has no more.
    pub(crate) fn take_limit(&mut self, id: ChildId) -> Option<u32> {
        let at = self.steps.get_mut(id as usize)?;
        let index = std::mem::replace(at, NO_THINGS);
        (index != NO_THINGS).then_some(index)
    }

    pub(crate) fn has(&self, id: ChildId) -> bool {
        self.entries.get(id as usize).is_some_and(Option::is_some)
    }

    pub(crate) fn take_entry(&mut self, id: ChildId) -> Option<Entry> {
        let entry = self.entries.get_mut(id as usize)?.take()?;
        self.take_limit(id);
        if entry.remote().is_some() {
            self.far.remove(&entry.place);
        }
        Some(entry)
    }

    /// Whether a child lives at this address.
    pub(crate) fn is_at(&self, id: ChildId, address: Address) -> bool {
        let entry = self.entries.get(id as usize).and_then(Option::as_ref);
        entry.is_some_and(|entry| entry.place == address)
    }

    /// The child that lives at this address of another locality.
    pub(crate) fn far(&self, address: Address) -> Option<ChildId> {
        self.far.get(&address).copied()
    }

    /// Whether the instance of a child has ended, and that waits until its services are settled.
    pub(crate) fn has_ended(&self, id: ChildId) -> bool {
        self.early.as_ref().is_some_and(|early| {
            let row = self.family.row(id);
            row.state == RowState::Up && early.has_ended(id, row.incarnation)
        })
    }

    /// What requests are told of a child: one that has ended is going to be started again.
    pub(crate) fn child_state(&self, id: ChildId) -> ChildState {
        match self.has_ended(id) {
            true => ChildState::Restarting,
            false => self.family.row(id).child_state(),
        }
    }

    /// Forgets that there were ends that wait, if none is left.
    pub(crate) fn forget_early(&mut self) {
        if self.early.take_if(|early| early.is_empty()).is_some() {
            self.family.settled = None;
        }
    }

    /// Whether what a child says is for the table alone: no limit ends with it, no end of another child
    /// waits, and the actor is not asked.
    pub(crate) fn takes_at_once(&self, id: ChildId, news: &News) -> bool {
        let known = match news {
            News::Started => true,
            News::Exited(_) => !self.decides,
            _ => false,
        };
        known && self.early.is_none() && !self.has_limit(id)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (ChildId, &Entry)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(id, entry)| Some((id as ChildId, entry.as_ref()?)))
    }
}
