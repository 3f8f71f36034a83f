//! Holds: what keeps a start or a stop from completing.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::gate::Gate;
use crate::link::unseen;
use crate::locality::{Control, Local};
use crate::registry::Awaited;
use crate::slot::State;
use crate::things::{Body, Key};
use crate::timer::nanos;

/// Keeps the start or the stop of an instance open until it is dropped, under the child's limit; also
/// the stop that comes while the instance, which runs, has it.
///
/// Made by [`Context::hold`](crate::Context::hold), or by
/// [`hold_within`](crate::Context::hold_within), for which it ends by itself after a time. `Send`: it may be dropped on any thread. It
/// belongs to one instance, and means nothing to the next one.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Upload { last: Vec<Hold> }
/// struct Sent;
/// impl Actor for Upload {
///     fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
///         self.last.push(cx.hold("the last bytes"));
///         cx.after(std::time::Duration::from_secs(1), Sent);
///     }
/// }
/// impl Handler<Sent> for Upload {
///     fn handle(&mut self, _: Sent, _: &mut Context<Self>) { self.last.clear() }
/// }
/// # let mut sim = Sim::new(1);
/// # let upload = sim.locality("here").reserve();
/// # sim.start(Supervisor::one_for_one("app")
/// #     .child(Child::new("upload", || Upload { last: Vec::new() }).at(upload).transient()))?;
/// # sim.run_until_idle();
/// upload.stop();
/// sim.run_until_idle();
/// assert_eq!(upload.address().state(), Lifecycle::Stopping); // it still does something
/// sim.run_for(std::time::Duration::from_secs(1));
/// assert_eq!(upload.address().state(), Lifecycle::Down);
/// # Ok::<_, StartError>(())
/// ```
#[must_use = "dropping it lets the start or the stop complete"]
pub struct Hold {
    gate: &'static Gate,
    slot: u32,
    serial: u64,
    /// What ends it by itself.
    expiry: Option<Key>,
}

/// What a hold is for.
#[derive(Clone, Debug)]
pub(crate) enum Why {
    /// What the actor says, of its start or of its stop.
    Told(Cow<'static, str>),
    /// What it says of what it does while it runs: this delays a stop that comes meanwhile.
    Guard(Cow<'static, str>),
    /// A name of the actor's tree that is not there yet.
    Name(Cow<'static, str>),
    /// A name of another tree.
    FarName(Cow<'static, str>),
    /// A service that is linked to, and where it is, once its locality has said so.
    Link(Address, Option<Arc<Place>>),
}

/// Where an actor is in its tree.
#[derive(Debug)]
pub(crate) struct Place {
    /// The slots from the root down to it.
    pub(crate) path: Box<[Address]>,
    pub(crate) name: Cow<'static, str>,
}

impl Why {
    /// What can be told never to come.
    pub(crate) fn awaited(&self) -> Option<Awaited> {
        match self {
            Why::Name(name) => Some(Awaited::Name(name.clone())),
            Why::Link(service, place) => Some(Awaited::Service(*service, place.clone())),
            _ => None,
        }
    }

    /// It is about something else than the stop.
    pub(crate) fn spare_the_stop(&mut self) {
        if let Why::Guard(text) = self {
            *self = Why::Told(std::mem::take(text));
        }
    }

    /// As pictures show it.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        match self {
            Why::Told(text) | Why::Guard(text) => text.clone(),
            Why::Name(name) | Why::FarName(name) => format!("name {name}").into(),
            Why::Link(service, None) => format!("a link to {}", unseen(*service)).into(),
            Why::Link(_, Some(place)) => format!("a link to {}", place.name).into(),
        }
    }
}

impl Hold {
    pub(crate) fn new(here: &Local, slot: u32, why: Why) -> Self {
        let id = here.things.borrow_mut().serial();
        here.seat(slot, |seat| {
            seat.rare_mut().holds.insert(id, why);
        });
        Hold {
            gate: here.gate,
            slot,
            serial: id,
            expiry: None,
        }
    }

    /// What a start waits for. A stop does not: what it waits for is said by the actor.
    pub(crate) fn of_start(here: &Local, slot: u32, why: Why) -> Option<Self> {
        let stops = here.seat(slot, |seat| seat.state == State::Stopping);
        (!stops).then(|| Hold::new(here, slot, why))
    }

    /// What it is for is known better.
    pub(crate) fn because(&self, here: &Local, why: Why) {
        here.seat(self.slot, |seat| {
            let holds = seat.rare.as_mut().map(|rare| &mut rare.holds);
            if let Some(known) = holds.and_then(|holds| holds.get_mut(&self.serial)) {
                *known = why;
            }
        });
    }

    /// One that an actor takes. A step under way is what it is about; else the stop that is to come.
    pub(crate) fn told(here: &Local, slot: u32, text: Cow<'static, str>) -> Self {
        let starts = here.seat(slot, |seat| seat.state.is_starting());
        let why = if starts { Why::Told } else { Why::Guard };
        Hold::new(here, slot, why(text))
    }

    /// One that ends by itself after a time.
    pub(crate) fn within(
        here: &Local,
        slot: u32,
        text: Cow<'static, str>,
        limit: Duration,
    ) -> Self {
        let mut hold = Hold::told(here, slot, text);
        if limit < Duration::MAX {
            let key = here.add_thing(slot, Body::Expiry(hold.serial));
            here.things
                .borrow_mut()
                .arm_later(key, nanos(limit), &here.clock);
            hold.expiry = Some(key);
        }
        hold
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        Control::post(
            self.gate,
            Control::Release {
                slot: self.slot,
                serial: self.serial,
                expiry: self.expiry,
            },
        );
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}
