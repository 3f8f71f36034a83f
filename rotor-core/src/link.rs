//! Service links: a service outlives its clients.
//!
//! The client's side of a link is an entry among the things of its instance; the service's side is a
//! row in the table of its locality. A service that is to end asks its clients to leave, and runs on
//! until they have.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use smallvec::{SmallVec, smallvec};

use crate::actor::TryHandler;
use crate::address::{Address, push_message};
use crate::early::Siblings;
use crate::exit::{Exit, ExitReason};
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::hold::{Hold, Place, Why};
use crate::locality::{Control, Local};
use crate::message::{Kind, Notice, Noticed, Record};
use crate::registry::{Apart, Registry};
use crate::roster::Roster;
use crate::slot::{Parent, Seat, State};
use crate::states::Lifecycle;
use crate::strategy::{Family, Restart};
use crate::things::{Body, Key};
use crate::ties::About;
use crate::timer::nanos;

/// Why a link could not be made, or is no more: what a client [ends](crate::ExitReason::Link) with.
///
/// ```
/// use rotor_core::*;
/// fn is_circle(exit: &Exit) -> bool {
///     matches!(exit.reason(), ExitReason::Link(LinkError::Circle(_)))
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// The instance is linked to this service already.
    AlreadyLinked,
    /// The service is ending, or is not started again by itself.
    NotLinkable {
        /// The names from the root down to the service, with slashes between; its address and the name
        /// of its locality if nobody has built it there.
        service: Cow<'static, str>,
        /// Why it is so, and what to do.
        why: &'static str,
    },
    /// The service is linked to the client, itself or through others: neither could end first. From the
    /// client round to itself, each by the names from the root down to it, with slashes between.
    Circle(Vec<Cow<'static, str>>),
    /// The child was removed, or its locality has ended, or is lost.
    Gone {
        /// Its address, and the name of its locality where that is known: it has no name any more.
        service: Cow<'static, str>,
    },
    /// The service ended without asking: it crashed, was removed by force, or its loop was lost; or it is
    /// below the client, which it does not ask.
    Broken {
        /// The names from the root down to the service, with slashes between; its address and the name
        /// of its locality if its loop was lost before it was found there.
        service: Cow<'static, str>,
        /// How it ended.
        exit: Exit,
    },
}

/// What [`LinkError::NotLinkable`] says of a service.
const WITH_ITS_SUPERVISOR: &str =
    "is down, or ends, with a supervisor above it: have that started again first, or do without it";
const WITH_ITS_TREE: &str =
    "is the root of a tree that ends: nobody starts it again, so do without it";
const WITH_A_LOOP: &str = "ends, because the loop of its supervisor was lost: link to it again when \
     that has come back";
const TEMPORARY: &str = "is temporary, and has ended or is about to: make it transient or permanent, or \
     do without it then";
const DOWN: &str = "is down, and is not started by itself: have its supervisor start it first \
     (`RestartChild`, while it has its spec), or do without it";
const ENDING: &str = "is ending, and is not started again by itself: have its supervisor start it when it \
     is down (`RestartChild`, while that runs and has its spec), or do without it";

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::AlreadyLinked => {
                f.write_str("linked to this service already: one link of an instance is enough")
            }
            LinkError::NotLinkable { service, why } => write!(f, "the service {service} {why}"),
            LinkError::Circle(names) if matches!(&names[..], [one, other] if one == other) => {
                write!(f, "{} needs itself: leave that out", names[0])
            }
            LinkError::Circle(names) => {
                let circle = names.join(" needs ");
                write!(
                    f,
                    "services linked in a circle: {circle}: have one of them do without its link, and `find` \
                     the other in a handler"
                )
            }
            LinkError::Gone { service } => write!(
                f,
                "the service {service} is gone: it was removed, or its locality has ended, or is lost"
            ),
            LinkError::Broken { service, exit } => write!(f, "the service {service} ended: {exit}"),
        }
    }
}

impl LinkError {
    fn service(&self) -> Option<&str> {
        match self {
            LinkError::NotLinkable { service, .. }
            | LinkError::Gone { service }
            | LinkError::Broken { service, .. } => Some(service),
            LinkError::AlreadyLinked | LinkError::Circle(_) => None,
        }
    }
}

impl std::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LinkError::Broken { exit, .. } => Some(exit),
            _ => None,
        }
    }
}

/// A service asks a client to leave, or has ended; handled by clients that were linked with
/// [`Context::link_with`](crate::Context::link_with).
///
/// The service waits until this is dropped, or the client ends, for at most half of its own stop
/// limit.
///
/// Kept, it keeps the service until what is under way is done:
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// struct Disk;
/// impl Actor for Disk {}
/// struct Saved;
/// struct Editor { disk: Addr<Disk>, leaving: Option<Unlink> }
/// impl Actor for Editor {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         cx.link_with(self.disk.address());
///         Ok(())
///     }
/// }
/// impl Handler<Unlink> for Editor {
///     fn handle(&mut self, asked: Unlink, cx: &mut Context<Self>) {
///         self.leaving = Some(asked);
///         cx.after(Duration::from_secs(1), Saved);
///     }
/// }
/// impl Handler<Saved> for Editor {
///     fn handle(&mut self, _: Saved, _: &mut Context<Self>) { self.leaving = None }
/// }
/// # let mut sim = Sim::new(1);
/// # let here = sim.locality("here");
/// # let (disk, editor) = (here.reserve(), here.reserve());
/// # sim.start(Supervisor::one_for_one("app").child(Child::new("disk", || Disk).at(disk).transient())
/// #     .child(Child::new("editor", move || Editor { disk, leaving: None }).at(editor)))?;
/// # sim.run_until_idle();
/// disk.stop();
/// sim.run_until_idle();
/// assert_eq!(disk.address().state(), Lifecycle::Running); // it serves on
/// sim.run_for(Duration::from_secs(1));
/// assert_eq!(disk.address().state(), Lifecycle::Down);
/// # Ok::<_, StartError>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it lets the service end"]
pub struct Unlink {
    /// The service.
    pub service: Address,
    /// Why it ends: an orderly exit if it asks, or waits no more; else how it has ended.
    pub exit: Exit,
    _token: Token,
}

/// Ends a link when it is dropped, on any thread.
struct Token {
    gate: &'static Gate,
    key: Key,
}

impl Drop for Token {
    fn drop(&mut self) {
        let key = self.key;
        if !self.gate.entrance.is_closed() {
            Control::call(self.gate, move |here| here.unlink(key));
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The request to leave, on its way through the client's queue.
struct Asked {
    key: Key,
    unlink: Unlink,
}

impl Notice for Asked {
    type Message = Unlink;

    fn open(self, here: &Local, slot: u32) -> Option<Unlink> {
        let is_linked = here.things.borrow().slot_of(self.key) == Some(slot);
        is_linked.then_some(self.unlink)
    }
}

/// The kind of request to leave that `A` handles itself.
pub(crate) fn asked<A: TryHandler<Unlink>>() -> &'static Kind {
    Noticed::<A, Asked>::KIND
}

/// The client's side of a link. Dropped, it ends the link over there.
pub(crate) struct Linked {
    service: Address,
    /// The path of that, as soon as its locality has told.
    path: Option<String>,
    client: Address,
    key: Key,
    /// How the client wants to be asked; `None` has it end.
    asked: Option<&'static Kind>,
    registry: Option<Arc<Registry>>,
    /// Keeps a start open until the service is operational.
    hold: Option<Hold>,
    /// The service is gone: there is nobody to tell.
    broken: bool,
}

impl Linked {
    pub(crate) fn service(&self) -> Address {
        self.service
    }

    /// A start does not wait for it any more, when this is dropped.
    fn take_hold(&mut self) -> Option<Hold> {
        if let Some(registry) = self.registry.as_ref().filter(|_| self.hold.is_some()) {
            registry.not_stalled(self.client);
        }
        self.hold.take()
    }

    /// The tree does not know of it any more.
    fn unlist(&mut self) {
        if let Some(registry) = self.registry.take() {
            registry.unlink(self.client, self.service);
        }
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        let (service, client, key) = (self.service, self.client, self.key);
        drop(self.take_hold());
        self.unlist();
        if !self.broken && !service.gate().entrance.is_closed() {
            Control::call(service.gate(), move |there| {
                there.client_left(service, client.gate(), key);
            });
        }
    }
}

/// What is known of a service whose locality does not tell of it.
pub(crate) fn unseen(service: Address) -> Cow<'static, str> {
    let gate = service.gate();
    if gate.is_past(service) {
        return format!("{service:?}").into(); // its gate is that of another locality by now
    }
    format!("{service:?} on {}", gate.name()).into()
}

/// The order to link, on its way. Thrown away by a locality that ends, it is answered.
struct Order {
    client: Client,
    /// Which opening of its locality the client lives in.
    opening: u32,
    open: bool,
}

impl Order {
    fn accept(mut self) -> Client {
        self.open = false;
        self.client
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        if self.open {
            self.client.refuse_gone();
        }
    }
}

/// A client, as its service knows it.
#[derive(Clone, Copy)]
struct Client {
    address: Address,
    key: Key,
    /// As it knows it: perhaps from an earlier life of that locality.
    service: Address,
}

/// Clients, by where each of them lives and its side of the link.
type Clients = Roster<(&'static Gate, Key), Client>;

impl Client {
    fn id(self) -> (&'static Gate, Key) {
        (self.address.gate(), self.key)
    }

    fn tell(self, f: impl FnOnce(&Local, Key) + Send + 'static) {
        let key = self.key;
        Control::call(self.address.gate(), move |here| f(here, key));
    }

    fn refuse(self, error: LinkError) {
        self.tell(move |here, key| here.link_refused(key, error));
    }

    fn refuse_gone(self) {
        let service = unseen(self.service);
        self.refuse(LinkError::Gone { service });
    }
}

fn take(clients: &mut Clients) -> Vec<Client> {
    std::mem::take(clients).values().copied().collect()
}

/// What the services of a locality know of their clients.
#[derive(Default)]
pub(crate) struct Services {
    by_slot: FixedMap<u32, Service>,
    /// Children of supervisors here that make way for siblings, and those.
    asked: FixedMap<Address, SmallVec<[Asker; 1]>>,
}

/// A sibling for which a client makes way, or with which it fails.
struct Asker {
    service: Address,
    who: Whose,
}

impl Asker {
    /// Whether it is for this sibling that the client waits, or what is above it, which has ended like this at
    /// the root of it.
    fn is_why(&self, reason: &ExitReason) -> bool {
        match &self.who {
            Whose::Own => true,
            Whose::Below(causes) => causes.iter().any(|cause| cause.is(reason)),
        }
    }
}

/// Whose failure it is.
enum Whose {
    Own,
    /// That of something below the client, which need not be the end of the client: it is if one of these is.
    Below(SmallVec<[Cause; 1]>),
}

/// Why something below a client fails.
#[derive(PartialEq)]
pub(crate) struct Cause {
    /// The service that is named, or the start that has stalled.
    pub(crate) names: String,
    /// The locality that was lost.
    pub(crate) lost: Option<&'static Gate>,
}

impl Cause {
    fn is(&self, reason: &ExitReason) -> bool {
        match reason {
            ExitReason::Link(error) => error.service() == Some(&self.names),
            ExitReason::Stalled(error) => error.waiting == self.names,
            lost => self.lost.is_some_and(|gate| gate.is_lost_with(lost)),
        }
    }
}

#[derive(Default)]
struct Service {
    clients: Clients,
    /// They wait until it is operational.
    waiting: Clients,
    leaving: Option<Leaving>,
}

impl Service {
    /// Its clients but for what is above it, which ends after it anyhow.
    fn asked(&self, above: &[Address]) -> Vec<Client> {
        let clients = self.clients.values();
        let asked = clients.filter(|client| !above.contains(&client.address));
        asked.copied().collect()
    }

    /// Whether there are such clients.
    fn is_asked(&self, above: &[Address]) -> bool {
        let mut clients = self.clients.values();
        clients.any(|client| !above.contains(&client.address))
    }
}

/// A service that is to end, and waits for its clients.
struct Leaving {
    exit: Exit,
    limit: Option<Key>,
}

/// Links the instance in `slot` to a service.
pub(crate) fn link(here: &Local, slot: u32, service: Address, asked: Option<&'static Kind>) -> Key {
    let client = here.address_of(slot);
    let registry = here.registry_of(slot);
    here.peer_with(service.gate());
    let key = here.add_thing(slot, Body::Polling);
    let path = || here.path_text(slot).into();
    let made = registry
        .as_ref()
        .map_or(Ok(()), |registry| registry.link(client, path, service));
    if let Err(error) = made {
        drop(here.remove_thing(key, slot));
        here.exit_after(slot, Exit::of(ExitReason::Link(error)));
        return key;
    }
    let linked = Linked {
        service,
        path: None,
        client,
        key,
        asked,
        registry,
        hold: Hold::of_start(here, slot, Why::Link(service, None)),
        broken: false,
    };
    if let Some(body) = here.things.borrow_mut().body(key) {
        *body = Body::Link(Box::new(linked));
    }
    here.tie(service.gate(), About::Thing(key));
    let order = Order {
        client: Client {
            address: client,
            key,
            service,
        },
        opening: here.gate.openings(),
        open: true,
    };
    // Its gate may be somebody else's by now, who may take long to answer.
    if !service.gate().is_past(service) && !service.gate().entrance.is_closed() {
        Control::call(service.gate(), move |there| {
            let opening = order.opening;
            let client = order.accept();
            there.take_client(client, opening);
        });
    }
    key
}

/// The client's side.
impl Local {
    fn with_link<R>(&self, key: Key, f: impl FnOnce(&mut Linked) -> R) -> Option<R> {
        match self.things.borrow_mut().body(key) {
            Some(Body::Link(linked)) => Some(f(linked)),
            _ => None,
        }
    }

    fn linked(&self, key: Key, path: String) {
        let hold = self.with_link(key, |linked| {
            linked.path = Some(path);
            (linked.take_hold(), linked.client, linked.service)
        });
        let Some((hold, client, service)) = hold else {
            return;
        };
        self.note_found(client.slot, service);
        self.gate.tell_observer(|o| o.linked(client, service));
        drop(hold);
    }

    /// The service is not operational so far: where it is in its tree.
    fn link_waits(&self, key: Key, place: Place) {
        let Some(slot) = self.things.borrow().slot_of(key) else {
            return;
        };
        let told = self.with_link(key, |linked| {
            let hold = linked.hold.as_ref()?;
            hold.because(self, Why::Link(linked.service, Some(Arc::new(place))));
            Some(())
        });
        if told.flatten().is_some() && self.seat(slot, |seat| seat.state.is_starting()) {
            self.check_stall(slot);
        }
    }

    fn link_refused(&self, key: Key, error: LinkError) {
        let Some(slot) = self.things.borrow().slot_of(key) else {
            return;
        };
        let service = self.with_link(key, |linked| {
            linked.broken = true;
            linked.service
        });
        if let (Some(at), LinkError::Gone { service }) = (service, &error) {
            self.note_asker(slot, at);
            self.note_lost(slot, at, service);
        }
        // Before its hold goes: a start that waits for the link fails, and is not over.
        self.exit_after(slot, Exit::of(ExitReason::Link(error)));
        drop(self.remove_thing(key, slot));
    }

    /// The service wants to end.
    fn asked_to_unlink(&self, key: Key, name: Cow<'static, str>, exit: Exit) {
        let Some(slot) = self.things.borrow().slot_of(key) else {
            return; // its end is on the way
        };
        let asked = self.with_link(key, |linked| (linked.asked, linked.service));
        if let Some((_, service)) = asked {
            self.note_asker(slot, service);
        }
        match asked {
            Some((Some(kind), service)) => self.ask_client(slot, key, kind, service, exit),
            Some((None, _)) => {
                let exit = Exit::shutdown().because(name, exit);
                self.end(slot, exit);
            }
            None => {}
        }
    }

    fn ask_client(&self, slot: u32, key: Key, kind: &'static Kind, service: Address, exit: Exit) {
        let gate = self.gate;
        let unlink = Unlink {
            service,
            exit,
            _token: Token { gate, key },
        };
        push_message(
            self.address_of(slot),
            kind,
            kind.lane as usize,
            Asked { key, unlink },
        );
    }

    /// The service has ended without asking, or does not wait any more.
    pub(crate) fn link_broken(&self, key: Key, exit: Exit) {
        let Some(slot) = self.things.borrow().slot_of(key) else {
            return;
        };
        let broken = self.with_link(key, |linked| {
            linked.broken = true;
            let (path, hold) = (linked.path.clone(), linked.take_hold());
            linked.unlist(); // before it is told, which may link it again
            (linked.asked, linked.service, path, hold)
        });
        let Some((asked, service, path, hold)) = broken else {
            return;
        };
        self.note_asker(slot, service);
        let name = path.map_or_else(|| unseen(service), Cow::Owned);
        if matches!(exit.reason(), ExitReason::Lost(_)) {
            self.note_lost(slot, service, &name);
        }
        match asked {
            // The entry is there until the message is handled and dropped.
            Some(kind) => self.ask_client(slot, key, kind, service, exit),
            None => {
                drop(self.remove_thing(key, slot));
                // Its own end has begun, with that of its children: perhaps the service is one of them.
                let ends =
                    |seat: &mut Seat| seat.kin.as_ref().is_some_and(|k| k.family.is_ending());
                if exit.is_abnormal() || !self.seat(slot, ends) {
                    let error = LinkError::Broken {
                        service: name,
                        exit,
                    };
                    self.exit_after(slot, Exit::of(ExitReason::Link(error)));
                }
            }
        }
        drop(hold);
    }

    /// The client has dropped what it was asked with.
    fn unlink(&self, key: Key) {
        let slot = self.things.borrow().slot_of(key);
        if let Some(slot) = slot {
            if let Some(service) = self.with_link(key, |linked| linked.service) {
                self.forget_asker(slot, service);
            }
            drop(self.remove_thing(key, slot));
        }
    }

    /// A client fails with the loop of a service of this name: if what is above it fails with it, that waits for
    /// the sibling in which the service is to be built again.
    fn note_lost(&self, slot: u32, service: Address, name: &str) {
        let own = self.address_of(slot);
        if let Some(apart) = self.apart(slot, service).filter(|apart| apart.mine != own) {
            let (names, lost) = (name.to_owned(), Some(service.gate()));
            self.note_apart(apart, own, Cause { names, lost });
        }
    }

    /// An actor here fails because of what a sibling of it, or of what is above it, has below it: the
    /// supervisor of both is told.
    pub(crate) fn note_apart(&self, apart: Apart, who: Address, cause: Cause) {
        let Apart { above, mine, its } = apart;
        let below = (mine != who).then_some(cause);
        if above.gate() == self.gate {
            return self.note_sibling(mine, its, below);
        }
        // Before what follows from the failure, which goes the same way.
        Control::call(above.gate(), move |there| {
            if there.find(above).is_some() {
                there.note_sibling(mine, its, below);
            }
        });
    }

    /// A client is linked to a service, or does without it: what is above it has no reason to wait for that.
    fn note_found(&self, slot: u32, service: Address) {
        if self.is_nobody_asked() || service.gate() == self.gate {
            return;
        }
        if let Some(Apart { mine, its, .. }) = self.apart(slot, service) {
            self.strike_asker(mine, its);
        }
    }

    /// The actor in a slot, or what is above it, and the sibling of that whose subtree a service of another
    /// locality is in.
    fn apart(&self, slot: u32, service: Address) -> Option<Apart> {
        let registry = self.registry_of(slot)?;
        registry.sibling_with(&self.path_of(slot), service)
    }

    /// A client is to make way for a service, or ends because that has ended: its parent, if that is here, looks
    /// whether that is a sibling.
    fn note_asker(&self, slot: u32, service: Address) {
        let has_parent = self.seat(slot, |seat| match &seat.parent {
            Parent::Actor { address, .. } => address.gate() == self.gate,
            _ => false,
        });
        if has_parent {
            self.note_sibling(self.address_of(slot), service, None);
        }
    }

    /// A start that fails, or what is below it, because of this, waits for a sibling: the next one waits for
    /// that of the sibling.
    fn note_sibling(&self, client: Address, service: Address, below: Option<Cause>) {
        let mut services = self.services.borrow_mut();
        let askers = services.asked.entry(client).or_default();
        let found = askers.iter_mut().find(|asker| asker.service == service);
        match (found, below) {
            (Some(asker), None) => asker.who = Whose::Own,
            (Some(asker), Some(cause)) => match &mut asker.who {
                Whose::Below(causes) if !causes.contains(&cause) => causes.push(cause),
                Whose::Own | Whose::Below(_) => {}
            },
            (None, below) => {
                let who = below.map_or(Whose::Own, |cause| Whose::Below(smallvec![cause]));
                askers.push(Asker { service, who });
            }
        }
    }

    /// A client that lives on without the link ends for another reason, some day.
    pub(crate) fn forget_asker(&self, slot: u32, service: Address) {
        if self.is_nobody_asked() {
            return;
        }
        let is_leaving = |service: &mut Service| service.leaving.is_some();
        let is_ending = |seat: &mut Seat| {
            // Perhaps its children end it.
            let family = seat.kin.as_ref().map(|kin| &kin.family);
            seat.is_ending() || family.is_some_and(Family::is_ending)
        };
        let ends = self.seat(slot, is_ending) || self.with_service(slot, is_leaving) == Some(true);
        if !ends {
            self.strike_asker(self.address_of(slot), service);
            self.note_found(slot, service);
        }
    }

    fn strike_asker(&self, client: Address, service: Address) {
        let mut services = self.services.borrow_mut();
        if let Entry::Occupied(mut askers) = services.asked.entry(client) {
            askers.get_mut().retain(|asker| asker.service != service);
            if askers.get().is_empty() {
                askers.remove();
            }
        }
    }

    /// Ends the links to services of a lost locality, those with lower serials.
    pub(crate) fn links_lost(&self, gate: &'static Gate, until: u64, exit: &Exit) {
        for key in self.things_at(gate, until) {
            let is_open = self.with_link(key, |linked| !linked.broken);
            if is_open == Some(true) {
                self.link_broken(key, exit.clone());
            }
        }
    }

    /// The same of one that has ended in order: they wait where nobody will be.
    pub(crate) fn links_gone(&self, gate: &'static Gate, until: u64) {
        for key in self.things_at(gate, until) {
            let open = self.with_link(key, |linked| (!linked.broken).then_some(linked.service));
            if let Some(service) = open.flatten() {
                let service = unseen(service);
                self.link_refused(key, LinkError::Gone { service });
            }
        }
    }

    /// Has the services here do without their clients of a lost locality, those with lower serials.
    pub(crate) fn clients_lost(&self, gate: &'static Gate, before: u64) {
        for (slot, key) in self.clients_at(gate, before) {
            self.without_client(slot, gate, key);
        }
    }

    /// Whether somebody is a client of a service here, or waits to be.
    pub(crate) fn has_client(&self, slot: u32, gate: &'static Gate, key: Key) -> bool {
        let services = self.services.borrow();
        let service = services.by_slot.get(&slot);
        service.is_some_and(|service| {
            let id = (gate, key);
            service.clients.contains(&id) || service.waiting.contains(&id)
        })
    }
}

/// The service's side.
impl Local {
    fn with_service<R>(&self, slot: u32, f: impl FnOnce(&mut Service) -> R) -> Option<R> {
        self.services.borrow_mut().by_slot.get_mut(&slot).map(f)
    }

    /// Somebody wants to be a client of an actor here.
    fn take_client(&self, client: Client, opening: u32) {
        self.peer_with(client.address.gate());
        if !client.address.gate().is_in(opening) {
            return; // it is lost, and perhaps nobody says so: it was abandoned before this was its peer
        }
        let Some(slot) = self.find_or_await(client.service) else {
            return client.refuse_gone();
        };
        let (state, keep, ending) =
            self.seat(slot, |seat| (seat.state, seat.keep, seat.exit.is_some()));
        let leaving = self.with_service(slot, |s| s.leaving.as_ref().map(|l| l.exit.clone()));
        let leaving = leaving.flatten();
        let leaving = leaving.map(|exit| self.seat(slot, |seat| seat.is_kept(&exit)));
        let never = matches!(state, State::Vacant | State::Down)
            || state == State::Stopping && !keep
            || leaving == Some(false);
        if never {
            return client.refuse(self.not_linkable(slot, client.service));
        }
        let up = matches!(state, State::Ready | State::Running);
        let now = up && !ending && leaving.is_none();
        {
            let mut services = self.services.borrow_mut();
            let service = services.by_slot.entry(slot).or_default();
            let clients = if now {
                &mut service.clients
            } else {
                &mut service.waiting
            };
            clients.insert(client.id(), client);
        }
        self.tie(client.address.gate(), About::Client(slot, client.key));
        self.seat(slot, |seat| seat.serves = true);
        if now {
            let path = self.path_text(slot);
            client.tell(|here, key| here.linked(key, path));
        } else if state != State::Reserved {
            self.tell_client_place(slot, client);
        }
    }

    /// A service is built for which clients wait since nobody had claimed its address.
    pub(crate) fn tell_place(&self, slot: u32) {
        let waiting = self.with_service(slot, |s| s.waiting.values().copied().collect::<Vec<_>>());
        for client in waiting.unwrap_or_default() {
            self.tell_client_place(slot, client);
        }
    }

    /// Where a service is that is not operational.
    fn tell_client_place(&self, slot: u32, client: Client) {
        let (path, name) = (self.path_of(slot).into(), self.name_of(slot).to_cow());
        client.tell(|here, key| here.link_waits(key, Place { path, name }));
    }

    /// Why nobody can be a client of an actor here any more, or until somebody starts it.
    fn not_linkable(&self, slot: u32, service: Address) -> LinkError {
        let (unclaimed, state, restart, parent) = self.seat(slot, |seat| {
            let parent = seat.parent.clone();
            (seat.is_unclaimed(), seat.state, seat.restart, parent)
        });
        let service = match unclaimed {
            true => unseen(service),
            false => self.path_text(slot).into(),
        };
        let ends = |above: Address| {
            let ends = [Lifecycle::Stopping, Lifecycle::Down, Lifecycle::Gone];
            ends.contains(&above.state())
        };
        let why = match parent {
            _ if unclaimed => WITH_ITS_SUPERVISOR,
            Parent::Actor { address, .. } if ends(address) => WITH_ITS_SUPERVISOR,
            Parent::App(_) => WITH_ITS_TREE,
            Parent::Lost | Parent::Nobody => WITH_A_LOOP,
            Parent::Actor { .. } if restart == Restart::Temporary => TEMPORARY,
            Parent::Actor { .. } if state == State::Down => DOWN,
            Parent::Actor { .. } => ENDING,
        };
        LinkError::NotLinkable { service, why }
    }

    /// A service is operational, or waits for its siblings to be so together.
    pub(crate) fn serve_waiting(&self, slot: u32) {
        let linked = self.with_service(slot, |service| {
            let waiting = take(&mut service.waiting);
            for client in &waiting {
                service.clients.insert(client.id(), *client);
            }
            waiting
        });
        let linked = linked.unwrap_or_default();
        if linked.is_empty() {
            return;
        }
        let path = self.path_text(slot);
        for client in linked {
            let path = path.clone();
            client.tell(|here, key| here.linked(key, path));
        }
    }

    /// A link is no more: the client has ended it, or has ended.
    fn client_left(&self, service: Address, gate: &'static Gate, key: Key) {
        let Some(slot) = self.find_or_await(service) else {
            return;
        };
        self.without_client(slot, gate, key);
    }

    fn without_client(&self, slot: u32, gate: &'static Gate, key: Key) {
        self.with_service(slot, |service| {
            service.clients.remove(&(gate, key));
            service.waiting.remove(&(gate, key));
        });
        self.go_on_leaving(slot);
    }

    /// Has the clients of a service leave before it ends. False if there are none.
    pub(crate) fn leave(&self, slot: u32, exit: &Exit) -> bool {
        if self.seat(slot, |seat| seat.state != State::Running) {
            return false;
        }
        let above = self.path_of(slot);
        let clients = self.with_service(slot, |service| {
            // The first reason wins.
            service.leaving.is_none().then(|| service.asked(&above))
        });
        let clients = match clients {
            None => return false,
            Some(None) => {
                self.serve_on(slot);
                return true;
            }
            Some(Some(clients)) if clients.is_empty() => return false,
            Some(Some(clients)) => clients,
        };
        let limit = self.stop_limit_of(slot).map(|limit| {
            let key = self.add_thing(slot, Body::Leaving);
            self.things
                .borrow_mut()
                .arm_later(key, nanos(limit / 2), &self.clock);
            key
        });
        let exit = exit.clone();
        let name = self.seat(slot, |seat| seat.name.to_cow());
        self.with_service(slot, |service| {
            let exit = exit.clone();
            service.leaving = Some(Leaving { exit, limit });
        });
        self.arm_tree_limit(slot); // which begins with this
        self.serve_on(slot);
        for client in clients {
            let (name, exit) = (name.clone(), exit.clone());
            client.tell(move |here, key| here.asked_to_unlink(key, name, exit));
        }
        true
    }

    /// A service waits for its clients, and handles messages meanwhile, also if it has asked for its end
    /// itself, or does so again.
    fn serve_on(&self, slot: u32) {
        if self.seat(slot, |seat| seat.parked.is_some()) {
            self.unparking.borrow_mut().push_back(slot);
        } else {
            self.open(slot);
        }
    }

    fn stop_limit_of(&self, slot: u32) -> Option<Duration> {
        let (parent, own) = self.seat(slot, |seat| {
            let own = seat.kin.as_ref().and_then(|kin| kin.stop_limit);
            (seat.parent.clone(), own)
        });
        match parent {
            Parent::Actor { address, child } if address.gate() == self.gate => self
                .seat(address.slot, |seat| {
                    seat.kin.as_mut()?.entry(child)?.limits().stop
                }),
            _ => own,
        }
    }

    fn go_on_leaving(&self, slot: u32) {
        let leaves = |service: &mut Service| service.leaving.is_some();
        if self.with_service(slot, leaves) != Some(true) {
            return;
        }
        let above = self.path_of(slot);
        let left = self.with_service(slot, |service| {
            let is_asked = service.is_asked(&above);
            service.leaving.take_if(|_| !is_asked)
        });
        if let Some(Leaving { exit, limit }) = left.flatten() {
            if let Some(limit) = limit {
                drop(self.remove_thing(limit, slot));
            }
            self.end(slot, exit);
        }
    }

    /// The clients have taken too long: the service ends without them.
    pub(crate) fn leave_by_force(&self, slot: u32) {
        let above = self.path_of(slot);
        let late = self.with_service(slot, |service| {
            let late = service.asked(&above);
            for client in &late {
                service.clients.remove(&client.id());
            }
            late
        });
        let service = self.address_of(slot);
        for client in late.unwrap_or_default() {
            self.gate
                .tell_observer(|observer| observer.unlinked(service, client.address));
            client.tell(|here, key| here.link_broken(key, Exit::shutdown()));
        }
        self.go_on_leaving(slot);
    }

    /// The instance of a service has ended.
    pub(crate) fn service_ended(&self, slot: u32, exit: &Exit, keep: bool) {
        let ended = self.with_service(slot, |service| {
            service.leaving = None;
            let clients = take(&mut service.clients);
            let waiting = if keep {
                Vec::new()
            } else {
                take(&mut service.waiting)
            };
            (clients, waiting)
        });
        let (clients, waiting) = ended.unwrap_or_default();
        // Elsewhere it learns of the loss.
        let learns = |client: &Client| self.losing.get() && client.address.gate() != self.gate;
        for client in clients.into_iter().filter(|client| !learns(client)) {
            let exit = exit.clone();
            client.tell(move |here, key| here.link_broken(key, exit));
        }
        for client in waiting.into_iter().filter(|client| !learns(client)) {
            client.refuse(self.not_linkable(slot, client.service));
        }
    }

    /// Whether no client here is asked to leave.
    pub(crate) fn is_nobody_asked(&self) -> bool {
        self.services.borrow().asked.is_empty()
    }

    /// The siblings that a child of a supervisor here makes way for, or has failed with, as its exit tells, and
    /// that do not run so far.
    pub(crate) fn leave_first(&self, client: Address, parent: u32, exit: &Exit) -> Siblings {
        let askers = self.services.borrow_mut().asked.remove(&client);
        let reason = exit.root_cause().reason();
        let askers = askers.into_iter().flatten();
        let askers = askers.filter(|asker| asker.is_why(reason));
        let far = |service| self.seat(parent, |seat| seat.kin.as_ref()?.far(service));
        let sibling = |service: Address| {
            // Perhaps it was lost with the subtree that it is in.
            let with = |service| {
                let here = client.gate() == self.gate;
                let apart = here.then(|| self.apart(client.slot, service))?;
                apart.filter(|apart| apart.mine == client)
            };
            let service = match far(service) {
                None if service.gate() != self.gate => with(service)?.its,
                _ => service,
            };
            if service.gate() != self.gate {
                let ends = service.state() != Lifecycle::Running;
                return far(service).filter(|_| ends);
            }
            let slot = self.find(service)?;
            let is_leaving = |service: &mut Service| service.leaving.is_some();
            let leaving = self.with_service(slot, is_leaving).unwrap_or(false);
            self.seat(slot, |seat| match &seat.parent {
                Parent::Actor { address, child } if *address == self.address_of(parent) => {
                    (leaving || seat.state != State::Running).then_some(*child)
                }
                _ => None,
            })
        };
        askers
            .map(|asker| asker.service)
            .filter_map(sibling)
            .collect()
    }

    /// A client is gone for good.
    pub(crate) fn forget_client(&self, client: Address) {
        if !self.is_nobody_asked() {
            self.services.borrow_mut().asked.remove(&client);
        }
    }

    /// The slot of a service is freed.
    pub(crate) fn forget_service(&self, slot: u32, exit: &Exit) {
        self.service_ended(slot, exit, false);
        self.services.borrow_mut().by_slot.remove(&slot);
    }
}

#[cfg(test)]
mod ends;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod tests;
