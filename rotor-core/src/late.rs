//! Who was late: what is told of a start or a stop that has overrun its limit.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::address::Address;
use crate::error::TimedOut;
use crate::exit::{Exit, ExitReason, OneLine};
use crate::gate::Gate;
use crate::hold::Why;
use crate::locality::Local;
use crate::plan::short;
use crate::removal::Kill;
use crate::slot::{Parent, State};
use crate::states::Lifecycle;
use crate::strategy::{ChildId, Family, RowState, Step};
use crate::things::Body;
use crate::timer::nanos;

/// An actor whose start or stop has overrun its limit, as it was just before it is removed by force;
/// for [`Observer::late`](crate::Observer::late).
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::{sync::{Arc, Mutex}, time::Duration};
/// #[derive(Default)]
/// struct Laggards(Mutex<Vec<Late>>);
/// impl Observer for Laggards {
///     fn late(&self, late: &Late) {
///         self.0.lock().unwrap().push(late.clone());
///     }
/// }
/// struct Upload { last: Option<Hold> }
/// impl Actor for Upload {
///     fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
///         self.last = Some(cx.hold("the last bytes")); // and nobody drops it
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let laggards = Arc::new(Laggards::default());
/// let net = Supervisor::one_for_one("net").child(Child::new("upload", || Upload { last: None }));
/// let app = sim.start(Supervisor::one_for_one("app").child(net).observer(laggards.clone()))?;
/// sim.run_until_idle();
/// app.shutdown();
/// sim.run_for(Duration::from_secs(5)); // the limit of a child, if it has set no other
/// let late = laggards.0.lock().unwrap().remove(0);
/// assert_eq!((&*late.path, late.state), ("app/net/upload", Lifecycle::Stopping));
/// assert_eq!(late.holds, ["the last bytes"]);
/// assert_eq!(
///     late.to_string(),
///     "app/net/upload: stop took longer than 5s; stopping; held by the last bytes"
/// );
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Late {
    /// The names from the root down to it, with slashes between.
    pub path: String,
    /// Its address.
    pub address: Address,
    /// The step that takes too long: `"start"` or `"stop"`.
    pub step: &'static str,
    /// The limit that has passed: its own, or that of what is above it.
    pub limit: Duration,
    /// Where it is in its life: still [`Running`](Lifecycle::Running) if it has not seen the order to
    /// stop yet.
    pub state: Lifecycle,
    /// What its locality handles now, if the actor is seen from another one and the observer
    /// [wants counts](crate::Observer::wants_counts): on its own one no handler runs meanwhile.
    pub handling: Option<Handling>,
    /// Types of the requests that it has sent and waits for.
    pub requests: Vec<&'static str>,
    /// Why its holds keep the step open.
    pub holds: Vec<Cow<'static, str>>,
    /// How long ago its locality has begun its last turn, if the actor is seen from another one, that
    /// of its supervisor; the longest time if that has not run yet. Its requests and holds are not
    /// known there: its own locality tells of it once more, with them, if it is still there when the
    /// order to remove it comes. One whose handler never returns does not.
    pub unseen: Option<Duration>,
}

/// The message that a locality handles, while its observer
/// [wants counts](crate::Observer::wants_counts).
///
/// ```
/// use rotor_core::*;
/// /// Whom to look at when a stop hangs.
/// fn suspect(late: &Late) -> Option<String> {
///     let Handling { name, message, age, .. } = late.handling.as_ref()?;
///     Some(format!("{name} has been handling {message} for {age:?}"))
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handling {
    /// The name of the actor in its spec.
    pub name: Cow<'static, str>,
    /// Its address.
    pub who: Address,
    /// Type name of the message.
    pub message: &'static str,
    /// For how long.
    pub age: Duration,
}

/// One line, also of texts with several, as an exit prints them.
impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = OneLine::new(f);
        let Late { path, step, .. } = self;
        let state = format!("{:?}", self.state).to_lowercase();
        write!(
            f,
            "{path}: {step} took longer than {:?}; {state}",
            self.limit
        )?;
        match self.unseen {
            None => {}
            Some(Duration::MAX) => f.write_str("; its loop has not run yet")?,
            Some(age) => write!(f, "; its locality has begun no turn for {age:?}")?,
        }
        if let Some(Handling {
            name, message, age, ..
        }) = &self.handling
        {
            let message = short(message);
            write!(f, "; {name} has been handling {message} for {age:?}")?;
        }
        for request in &self.requests {
            write!(f, "; waiting for an answer to {}", short(request))?;
        }
        for hold in &self.holds {
            write!(f, "; held by {hold}")?;
        }
        Ok(())
    }
}

/// A limit that has passed.
#[derive(Clone, Copy)]
pub(crate) struct Overrun {
    pub(crate) step: Step,
    pub(crate) limit: Duration,
}

impl Step {
    /// As people are told.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Step::Start => "start",
            Step::Stop => "stop",
        }
    }
}

/// A child that starts or stops.
struct Moving {
    parent: u32,
    child: ChildId,
    incarnation: u64,
    to: Address,
    /// It has run, and was told to stop.
    stops: bool,
}

/// What is said of a name that is waited for, and that nobody has in its spec.
const NOBODYS: &str = ", which no child declares where it looks: is `.named(..)` missing?";

/// Of how many an error says that they keep a step open.
const NAMED: usize = 16;

impl Local {
    /// A step of a child has overrun its limit: it is removed by force, and tells of itself before.
    pub(crate) fn remove_late(
        &self,
        parent: u32,
        (child, incarnation): (ChildId, u64),
        step: Step,
        keep: bool,
    ) {
        let found = self.seat(parent, |seat| {
            let kin = seat.kin.as_mut()?;
            let stops = step == Step::Stop && kin.family.row(child).last_up == incarnation;
            let entry = kin.entry(child)?;
            Some((entry.place, entry.overrun(step), stops))
        });
        let Some((to, overrun, stops)) = found else {
            return;
        };
        if to.gate() == self.gate {
            // Exact: it is gone before anything else is done. Elsewhere it is disowned.
            let kill = Kill {
                to,
                incarnation,
                keep,
                late: Some(overrun),
            };
            self.kill(kill);
        } else {
            let late = Moving {
                parent,
                child,
                incarnation,
                to,
                stops,
            };
            self.tell_unseen(&late, keep, overrun);
        }
    }

    /// Tells of a child on another locality what can be seen from here, and orders it to tell of
    /// itself, and to go.
    fn tell_unseen(&self, child: &Moving, keep: bool, overrun: Overrun) {
        let place = child.to;
        if !self.has_ended(child) {
            let late = Late {
                path: self.child_path(child.parent, child.child),
                handling: place.gate().handling(),
                unseen: Some(place.gate().since_turn()),
                ..self.known_of(place, overrun)
            };
            self.gate.tell_observer(|o| o.late(&late));
        }
        let kill = Kill {
            to: place,
            incarnation: child.incarnation,
            keep,
            late: Some(overrun),
        };
        place.gate().kill(kill);
    }

    /// Tells of an actor here that is late, and of those below it that keep it.
    pub(crate) fn tell_late(&self, slot: u32, overrun: Overrun) {
        self.tell_seen(slot, overrun);
        for (child, _) in self.all_late_below(slot) {
            if child.to.gate() == self.gate {
                self.tell_seen(child.to.slot, overrun);
            } else {
                self.tell_unseen(&child, true, overrun);
            }
        }
    }

    /// Tells of an actor here that is late.
    fn tell_seen(&self, slot: u32, overrun: Overrun) {
        if !self.gate.is_observed() {
            return; // there may be very many, and the path of each is as long as it is deep
        }
        let state = self.seat(slot, |seat| {
            let family = seat.kin.as_ref().map(|kin| &kin.family);
            let state = match seat.state {
                // It ends by itself when its children have.
                State::Running if family.is_some_and(Family::is_ending) => State::Stopping,
                state => state,
            };
            state.lifecycle()
        });
        let late = Late {
            path: self.path_text(slot),
            state,
            requests: self.open_requests(slot),
            holds: self.holds_of(slot),
            ..self.known_of(self.address_of(slot), overrun)
        };
        self.gate.tell_observer(|o| o.late(&late));
    }

    /// All whose steps an actor waits for, or one of them, and so on: each ahead of those below it. With
    /// whether it waits for one here that is known.
    ///
    /// Without recursion: a tree may be deep.
    fn all_late_below(&self, slot: u32) -> impl Iterator<Item = (Moving, bool)> {
        let mut left = self.late_below(slot);
        left.reverse();
        std::iter::from_fn(move || {
            let child = left.pop()?;
            let known = left.len();
            if child.to.gate() == self.gate {
                // The slot is its own while it has an entry.
                left.extend(self.late_below(child.to.slot).into_iter().rev());
            }
            let waits = left.len() > known;
            Some((child, waits))
        })
    }

    /// The children whose steps an actor waits for. Not those of whose ends it has not heard yet.
    fn late_below(&self, slot: u32) -> Vec<Moving> {
        let mut late: Vec<Moving> = self.seat(slot, |seat| {
            let Some(kin) = seat.kin.as_mut() else {
                return Vec::new();
            };
            let ids: Vec<ChildId> = kin.family.ids().collect();
            let late = ids.into_iter().filter_map(|child| {
                let row = kin.family.row(child);
                let stops = row.state == RowState::Stopping;
                let moves = stops || row.state == RowState::Starting;
                Some(Moving {
                    parent: slot,
                    child,
                    incarnation: row.incarnation,
                    stops: stops && row.last_up == row.incarnation,
                    to: kin.entry(child).filter(|_| moves)?.place,
                })
            });
            late.collect()
        });
        late.retain(|late| !self.has_ended(late));
        late
    }

    /// Whether an instance has ended and the news is under way. Elsewhere an address that waits may also
    /// be one where the order to start has not come yet.
    fn has_ended(&self, late: &Moving) -> bool {
        if late.to.gate() == self.gate {
            return self.seat(late.to.slot, |seat| {
                seat.incarnation == late.incarnation && !seat.state.has_instance()
            });
        }
        match late.to.state() {
            Lifecycle::Gone => true,
            Lifecycle::Waiting | Lifecycle::Down => late.stops,
            _ => false,
        }
    }

    /// What the holds of an instance are for; of a name that is needed, also whose it is.
    pub(crate) fn holds_of(&self, slot: u32) -> Vec<Cow<'static, str>> {
        let holds: Vec<_> = self.seat(slot, |seat| seat.holds().cloned().collect());
        let told = holds.into_iter().map(|why| match &why {
            Why::Name(name) => {
                let registry = self.registry_of(slot);
                let owner = registry.and_then(|r| r.owner_of(name, &self.scopes_of(slot)));
                let owner = owner.unwrap_or(NOBODYS.into());
                format!("{}{owner}", why.text()).into()
            }
            Why::Link(service, None) => {
                let registry = self.registry_of(slot);
                match registry.and_then(|registry| registry.planned_at(*service)) {
                    Some(owner) => format!("a link to {owner}").into(),
                    None if service.is_unclaimed() => format!(
                        "{}, which no child has claimed: is `.at(..)` missing?",
                        why.text()
                    )
                    .into(),
                    None => why.text(),
                }
            }
            _ => why.text(),
        });
        told.collect()
    }

    /// What keeps the step of an actor here open: its holds, and those below it that keep it. Not who only waits
    /// for others of them.
    pub(crate) fn held_by(&self, slot: u32) -> Vec<Cow<'static, str>> {
        let mut held = self.holds_of(slot);
        let mut named = 0;
        for (late, waits) in self.all_late_below(slot) {
            let holds = match late.to.gate() == self.gate {
                true => self.holds_of(late.to.slot),
                false => Vec::new(),
            };
            if waits && holds.is_empty() {
                continue;
            }
            named += 1;
            if named <= NAMED {
                let path = self.child_path(late.parent, late.child);
                held.push(match &*holds.join(", ") {
                    "" => path.into(),
                    holds => format!("{path} ({holds})").into(),
                });
            }
        }
        if named > NAMED {
            held.push(format!("{} more", named - NAMED).into());
        }
        held
    }

    /// What is known of an actor everywhere.
    fn known_of(&self, who: Address, overrun: Overrun) -> Late {
        Late {
            path: String::new(),
            address: who,
            step: overrun.step.text(),
            limit: overrun.limit,
            state: who.state(),
            handling: None,
            requests: Vec::new(),
            holds: Vec::new(),
            unseen: None,
        }
    }

    /// Types of the requests of the instance in a slot that are open, oldest first.
    fn open_requests(&self, slot: u32) -> Vec<&'static str> {
        let head = self.seat(slot, |seat| seat.things);
        let things = self.things.borrow();
        let asked = things.of(head).filter_map(|body| match body {
            Body::Once(once) => once.asks(),
            _ => None,
        });
        let mut asked: Vec<_> = asked.collect();
        asked.reverse();
        asked
    }

    /// If it is the root that has begun to end, its limit is that of the whole tree.
    pub(crate) fn arm_tree_limit(&self, slot: u32) {
        let limit = self.seat(slot, |seat| {
            let is_root = matches!(seat.parent, Parent::App(_));
            seat.kin.as_ref()?.stop_limit.filter(|_| is_root)
        });
        let Some(limit) = limit else { return };
        let head = self.seat(slot, |seat| seat.things);
        let is_armed = |body: &Body| matches!(body, Body::TreeLimit(_));
        if self.things.borrow().of(head).any(is_armed) {
            return;
        }
        let key = self.add_thing(slot, Body::TreeLimit(limit));
        self.things
            .borrow_mut()
            .arm_later(key, nanos(limit), &self.clock);
    }

    /// The limit of the whole tree has passed: what is left of it goes by force.
    pub(crate) fn tree_limit_passed(&self, slot: u32, limit: Duration) {
        let step = Step::Stop;
        self.tell_late(slot, Overrun { step, limit });
        let app = self.seat(slot, |seat| match &seat.parent {
            Parent::App(app) => Some(app.clone()),
            _ => None,
        });
        if let Some(app) = app {
            app.forsake();
        }
        let held_by = self.held_by(slot);
        for child in self.abandon_children(slot) {
            self.kill_slot(child, false);
        }
        self.reseat(slot, |seat| {
            seat.state = State::Stopping;
            seat.keep = false;
        });
        let late = TimedOut {
            path: self.path_text(slot),
            step: step.text(),
            limit,
            held_by,
        };
        self.finish(slot, Exit::of(ExitReason::TimedOut(late)));
    }
}

/// Takes the note away when the handler has returned, or has panicked.
pub(crate) struct Handled(&'static Gate);

impl Drop for Handled {
    fn drop(&mut self) {
        self.0.note_handling(None);
    }
}

impl Local {
    /// Notes which message is about to be handled, if messages are counted.
    pub(crate) fn note_handling(
        &self,
        slot: u32,
        message: fn() -> &'static str,
    ) -> Option<Handled> {
        if !self.is_metered() {
            return None;
        }
        let handling = Handling {
            name: self.name_of(slot).to_cow(),
            who: self.address_of(slot),
            message: message(),
            age: Duration::ZERO,
        };
        let now = self.clock.nanos();
        self.gate.note_handling(Some((handling, now)));
        Some(Handled(self.gate))
    }
}
