//! Topics: publishing to whoever is subscribed to an address.

#![expect(unsafe_code)]

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::hint::cold_path;
use std::marker::PhantomData;
use std::mem::needs_drop;
use std::rc::Rc;

use smallvec::SmallVec;

use crate::actor::TryHandler;
use crate::address::Address;
use crate::dispatch::SHARE;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::hold::{Hold, Why};
use crate::lane::NORMAL;
use crate::locality::{Control, Local};
use crate::message::{
    Boxed, CLONE, Command, Header, Inline, Kind, LOCALITY, Record, Typed, Way, is_inline,
};
use crate::observe::{Reason, Undeliverable};
use crate::queue::Flat;
use crate::signed::{self, copied};
use crate::table::Table;
use crate::things::Key;
use crate::ties::About;

/// The typed view of an address for publishing.
///
/// `Copy`. Any number of actors on any locality may subscribe; all see the messages of one
/// publisher in order.
///
/// ```compile_fail,E0277
/// use rotor_core::*;
/// struct Secret; // not `Clone`: it has one owner
/// fn tell(topic: Topic<Secret>) {}
/// fn all(address: Address) {
///     tell(address.topic::<Secret>());
/// }
/// ```
pub struct Topic<M> {
    address: Address,
    message: PhantomData<fn(M)>,
}

impl<M: Clone + Send + 'static> Topic<M> {
    pub(crate) fn at(address: Address) -> Self {
        Topic {
            address,
            message: PhantomData,
        }
    }

    /// Publishes a message to every subscriber. Any thread; never blocks.
    ///
    /// One queue record however many they are, and one for each other locality. It is cloned for
    /// all subscribers but the last. With no subscriber it is reported as undelivered.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// # let mut sim = Sim::new(1);
    /// let news = sim.locality("here").topic::<&'static str>();
    /// let (one, two) = (sim.listen(news), sim.listen(news));
    /// sim.run_until_idle();
    /// news.publish("rain"); // the publisher does not know for whom
    /// sim.run_until_idle();
    /// assert_eq!((one.take(), two.take()), (vec!["rain"], vec!["rain"]));
    /// ```
    pub fn publish(self, message: M) {
        let topic = self.address;
        Published { topic, message }.push(topic);
    }

    /// The address behind it.
    ///
    /// By which a handler knows where a message was published:
    /// ```
    /// # use rotor_core::*;
    /// struct Board { alerts: Topic<String>, shown: Vec<String> }
    /// impl Actor for Board {}
    /// impl Handler<String> for Board {
    ///     fn handle(&mut self, text: String, cx: &mut Context<Self>) {
    ///         let is_alert = cx.published_to() == Some(self.alerts.address());
    ///         self.shown.push(if is_alert { text.to_uppercase() } else { text });
    ///     }
    /// }
    /// # let alerts = Locality::new("here").topic::<String>();
    /// # assert_eq!(alerts.address().topic::<String>(), alerts);
    /// # let _ = Board { alerts, shown: Vec::new() }.shown;
    /// ```
    pub fn address(self) -> Address {
        self.address
    }
}

impl<M> Clone for Topic<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Topic<M> {}

impl<M> PartialEq for Topic<M> {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl<M> Eq for Topic<M> {}

impl<M> fmt::Debug for Topic<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.address, f)
    }
}

/// Subscribers by address and message type: of the locality's own addresses, and of others' for
/// which it has subscribers.
pub(crate) struct Topics {
    map: FixedMap<Address, Types>,
    /// How often other localities were asked for something.
    asked: u64,
}

/// The subscribers of an address, by the type of their messages.
type Types = SmallVec<[(TypeId, Rc<dyn Audience>); 1]>;

/// Subscribers, whatever the type of their messages.
trait Audience: Any {
    /// The locality of the address is lost: the next one that has it is asked again.
    fn ask_again(&self, here: &Local, address: Address);
    /// One that has subscribers of its own is lost, up to this opening: perhaps it could not say that it leaves.
    fn leave_lost(self: Rc<Self>, here: &Local, address: Address, lost: Away);
    /// The address is not valid any more.
    fn end(&self, here: &Local);
}

/// A locality that has subscribers, and which opening of it.
type Away = (&'static Gate, u32);

impl Topics {
    pub(crate) fn new() -> Self {
        Topics {
            map: FixedMap::default(),
            asked: 0,
        }
    }

    fn find<M: 'static>(&self, address: Address) -> Option<Rc<Subscribers<M>>> {
        let types = self.map.get(&address)?;
        let (_, found) = types.iter().find(|(id, _)| *id == TypeId::of::<M>())?;
        let found: Rc<dyn Any> = found.clone();
        found.downcast().ok()
    }

    /// All subscribers of an address.
    fn of(&self, address: Address) -> Vec<Rc<dyn Audience>> {
        let types = self.map.get(&address).into_iter().flatten();
        types.map(|(_, of)| of.clone()).collect()
    }

    fn find_or_add<M: 'static>(&mut self, address: Address) -> Rc<Subscribers<M>> {
        if let Some(found) = self.find(address) {
            return found;
        }
        let made = Rc::new(Subscribers::<M>::new());
        let types = self.map.entry(address).or_default();
        types.push((TypeId::of::<M>(), made.clone()));
        made
    }

    fn remove<M: 'static>(&mut self, address: Address) {
        if let Some(types) = self.map.get_mut(&address) {
            types.retain(|(id, _)| *id != TypeId::of::<M>());
            if types.is_empty() {
                self.map.remove(&address);
            }
        }
    }

    /// Forgets the subscribers of an address, which are returned.
    fn forget(&mut self, address: Address) -> Types {
        if self.map.is_empty() {
            return Types::new();
        }
        self.map.remove(&address).unwrap_or_default()
    }
}

struct Subscribers<M> {
    /// In the order in which they subscribed, with some that have ended.
    here: Table<Subscriber<M>>,
    /// Those that have not ended, by their serials: where they are in `here`, and their ends.
    places: RefCell<FixedMap<u64, (usize, Key)>>,
    /// Localities that have subscribers of their own; the owner's side only.
    away: RefCell<Vec<Away>>,
    /// Publishes that are walking over `here`: while there are any, it only grows.
    walks: Cell<u32>,
    /// Their address is not valid any more: who is left ends when nobody walks over `here`.
    over: Cell<bool>,
    /// The number of the last inquiry, and whether the owner has confirmed that; the other side only.
    asked: Cell<u64>,
    confirmed: Cell<bool>,
    waiting: RefCell<Vec<Hold>>,
}

struct Subscriber<M> {
    /// `LOCALITY` for one that has ended.
    slot: u32,
    /// 0 marks one that has ended.
    serial: u64,
    kind: &'static Kind,
    call: Call<M>,
}

/// Has an instance handle a message.
type Call<M> = unsafe fn(*mut (), M, &Local, u32);

impl<M> Subscriber<M> {
    #[inline(always)]
    fn lives(self) -> bool {
        self.serial != 0
    }

    fn ended(self) -> Self {
        let (slot, serial) = (LOCALITY, 0);
        Subscriber {
            slot,
            serial,
            ..self
        }
    }
}

impl<M> Clone for Subscriber<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Subscriber<M> {}

impl<M: 'static> Subscribers<M> {
    fn new() -> Self {
        Subscribers {
            here: Table::new(),
            places: RefCell::new(FixedMap::default()),
            away: RefCell::new(Vec::new()),
            walks: Cell::new(0),
            over: Cell::new(false),
            asked: Cell::new(0),
            confirmed: Cell::new(false),
            waiting: RefCell::new(Vec::new()),
        }
    }

    fn add(&self, subscriber: Subscriber<M>, end: Key) {
        let place = (self.here.len(), end);
        self.places.borrow_mut().insert(subscriber.serial, place);
        self.here.push(subscriber);
    }

    /// Takes an instance out: its slot, and what was to be done at its end.
    fn remove(&self, serial: u64) -> Option<(u32, Key)> {
        let (at, end) = self.places.borrow_mut().remove(&serial)?;
        let subscriber = self.here.get(at)?;
        self.here.set(at, subscriber.ended());
        self.sweep();
        Some((subscriber.slot, end))
    }

    /// Ends the subscription of an instance, if it has one.
    fn release(&self, here: &Local, serial: u64) {
        if let Some((slot, end)) = self.remove(serial) {
            drop(here.remove_thing(end, slot));
        }
    }

    /// Ends the subscriptions to an address that is not valid any more: what each instance has for its end would
    /// stay as long as that.
    fn release_left(&self, here: &Local) {
        if self.over.get() && self.walks.get() == 0 {
            let all: Vec<u64> = self.places.borrow().keys().copied().collect();
            all.into_iter()
                .for_each(|serial| self.release(here, serial));
        }
    }

    /// Forgets those that have ended, when they are half of the list: so an end costs the same
    /// however long that is.
    fn sweep(&self) {
        let mut places = self.places.borrow_mut();
        if self.walks.get() > 0 || self.here.len() < 2 * places.len() {
            return;
        }
        let mut kept = 0;
        self.here.retain(|subscriber| {
            if let Some((place, _)) = places.get_mut(&subscriber.serial) {
                *place = kept;
                kept += 1;
            }
            subscriber.lives()
        });
    }

    fn is_empty(&self) -> bool {
        self.places.borrow().is_empty()
    }
}

impl<M: 'static> Audience for Subscribers<M> {
    fn ask_again(&self, here: &Local, address: Address) {
        if !self.is_empty() {
            ask_owner(here, self, address);
        }
    }

    fn leave_lost(self: Rc<Self>, here: &Local, address: Address, (gate, opening): Away) {
        let is_left = |&(of, its): &Away| of != gate || its > opening;
        self.away.borrow_mut().retain(is_left);
        here.forget_unheard(&self, address);
    }

    fn end(&self, here: &Local) {
        self.over.set(true);
        self.release_left(here);
    }
}

/// A published message on its way: to the address's owner, and from there to other localities.
struct Published<M> {
    topic: Address,
    message: M,
}

impl<M: Clone + Send + 'static> Command for Published<M> {
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Address;

    fn name() -> &'static str {
        std::any::type_name::<M>()
    }

    /// Where it was published: on its way to another locality it has no other address.
    fn look(&self) -> &dyn Any {
        &self.topic
    }

    fn run(self, here: &Local, _: u32) {
        let Published { topic, message } = self;
        let before = here.current.replace(LOCALITY);
        let found = here.topics.borrow().find::<M>(topic);
        match found {
            Some(subscribers) => here.deliver_away(topic, &subscribers, message),
            None => here.unheard(topic, message),
        }
        here.current.set(before);
    }
}

/// A published message that waits for one subscriber, with the address it was published to.
struct Handed<A, M>(PhantomData<(A, M)>);

impl<A: TryHandler<M>, M: 'static> Record for Handed<A, M> {
    type Message = (Address, M);
    const LANE: usize = <A as TryHandler<M>>::LANE.index();
    const WAY: Way = Way::Actor;

    fn name() -> &'static str {
        std::any::type_name::<M>()
    }

    fn look((_, message): &Self::Message) -> &dyn Any {
        message
    }

    fn topic(&(topic, _): &Self::Message) -> Option<Address> {
        Some(topic)
    }

    unsafe fn run((topic, message): Self::Message, actor: *mut (), here: &Local, slot: u32) {
        // It may be the message of a walk.
        let walked = here.published_to.replace(Some(topic));
        // SAFETY: passed on.
        unsafe { Typed::<A, M>::run(message, actor, here, slot) }
        here.published_to.set(walked);
    }
}

/// Subscribers that get a message before it is looked whether something goes ahead: a look at each would be
/// paid by all.
const PIECE: usize = 8;

/// A walk over the subscribers of one message. If one panics, the rest is resumed later.
struct Walk<'a, M: Clone + Send + 'static> {
    here: &'a Local,
    subscribers: Rc<Subscribers<M>>,
    topic: Address,
    /// Where the list ended when the message was published.
    end: usize,
    /// How many subscribers there were before that when the walk began, and how many are left.
    all: usize,
    left: usize,
    message: Option<M>,
    /// No subscriber panicked.
    done: bool,
}

impl<M: Clone + Send + 'static> Walk<'_, M> {
    /// Hands it to those that are left, or to some of them: the others get theirs as soon as nothing goes ahead
    /// of them, before any other Normal message.
    fn run(mut self) {
        self.here.published_to.set(Some(self.topic));
        self.here.handling.set(Some(std::any::type_name::<M>));
        // Behind these it is looked whether the budget is used up.
        let stride = self.here.stride.get() as usize;
        let least = self.left.saturating_sub(stride.max(SHARE as usize));
        while self.left > least {
            let next = self.left.saturating_sub(PIECE).max(least);
            self.run_free(next);
            if self.left > next {
                cold_path();
                self.run_next();
            }
            if self.here.gate.pressing.is_set() {
                break; // something goes ahead of the rest
            }
        }
        self.here.current.set(LOCALITY);
        self.done = true;
    }

    /// The hot loop: up to one whose slot is not free, or until no more than so many are left. That of one that
    /// has ended is none at all.
    #[inline(always)]
    fn run_free(&mut self, least: usize) {
        let (here, mut at) = (self.here, self.end - self.left);
        while self.left > least {
            // SAFETY: the list only grows during a walk.
            let to = unsafe { self.subscribers.here.at(at) }.get();
            let Some(actor) = here.slots.free(to.slot) else {
                return cold_path();
            };
            at += 1;
            // Whatever the handler does, a resumed walk goes on behind it.
            self.left -= 1;
            let Some(message) = self.take() else { return };
            // SAFETY: it runs in this slot: nothing is removed while a user's code runs, as that of the clone.
            unsafe { here.reach(to.slot, to.call, actor, message) }
        }
    }

    /// The message for one who lives. The last one gets it itself, if that spares anything.
    #[inline(always)]
    fn take(&mut self) -> Option<M> {
        if const { needs_drop::<M>() } && self.is_at_last() {
            self.left = 0;
            return self.message.take();
        }
        self.here.current.set(CLONE);
        self.message.clone()
    }

    /// Whether nobody is left that lives.
    fn is_at_last(&self) -> bool {
        let here = &self.subscribers.here;
        !(self.end - self.left..self.end).any(|at| here.get(at).is_some_and(Subscriber::lives))
    }

    /// Goes on behind one whose slot is not free, or that has ended.
    #[cold]
    #[inline(never)]
    fn run_next(&mut self) {
        let to = self.subscribers.here.get(self.end - self.left);
        let to = to.expect("the list only grows during a walk");
        self.left -= 1;
        if to.lives()
            && let Some(message) = self.take()
        {
            self.here.current.set(LOCALITY);
            self.here.hand_cold(to, self.topic, message);
        }
    }
}

/// Those who are still to get a published message: if nobody hands it to them any more, that is one message lost,
/// as when nobody has got it.
struct Rest {
    gate: &'static Gate,
    name: &'static str,
    topic: Address,
    from: Option<Address>,
    left: usize,
}

impl Rest {
    fn report(&self, reason: Reason, times: usize) {
        let what = Undeliverable::one(self.name, self.from, self.topic, reason);
        self.gate.report_all(what, times);
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if self.left > 0 {
            self.report(Reason::Closed, 1);
        }
    }
}

impl<M: Clone + Send + 'static> Drop for Walk<'_, M> {
    fn drop(&mut self) {
        let subscribers = self.subscribers.clone();
        self.here.charge((self.all - self.left) as u32);
        self.here.published_to.set(None);
        if self.done {
            self.here.handling.set(None);
        }
        let cloning = self.here.current.get() == CLONE;
        let mut rest = Rest {
            gate: self.here.gate,
            name: std::any::type_name::<M>(),
            topic: self.topic,
            from: self.here.sender.get(),
            left: self.left,
        };
        match self.message.take() {
            Some(message) if (self.left > 0 || !self.done) && !cloning => {
                let end = self.end;
                let resume = move |here: &Local| {
                    let mut rest = rest; // all of it: in parts it would be dropped here
                    let left = std::mem::take(&mut rest.left);
                    here.sender.set(rest.from);
                    Walk {
                        here,
                        subscribers,
                        topic: rest.topic,
                        end,
                        all: left,
                        left,
                        message: Some(message),
                        done: false,
                    }
                    .run();
                    here.sender.set(None);
                };
                let mut interrupted = self.here.interrupted.borrow_mut();
                interrupted.push_front(Box::new(resume));
                self.here.interrupt();
            }
            message => {
                rest.left = 0;
                if cloning {
                    let here = &subscribers.here;
                    let lives = |at: &usize| here.get(*at).is_some_and(Subscriber::lives);
                    let left = (self.end - self.left..self.end).filter(lives).count();
                    rest.report(Reason::Uncloned, left + 1); // the one for whom it was to be, too
                }
                subscribers.walks.set(subscribers.walks.get() - 1);
                subscribers.sweep();
                subscribers.release_left(self.here);
                self.here.forget_unheard(&subscribers, self.topic);
                let _ = crate::here::guard(|| drop(message));
            }
        }
    }
}

impl Local {
    /// A locality is lost: what was subscribed to there is subscribed to in its next life, and who was
    /// subscribed there to what is here is not any more.
    pub(crate) fn topics_lost(&self, gate: &'static Gate, opening: u32) {
        for address in self.topics_at(gate) {
            let lost = self.topics.borrow().of(address);
            for audience in lost {
                if address.gate() == gate {
                    audience.ask_again(self, address);
                } else {
                    audience.leave_lost(self, address, (gate, opening));
                }
            }
        }
    }

    /// An address is not valid any more: nobody is subscribed to it.
    pub(crate) fn end_topics(&self, address: Address) {
        let all = self.topics.borrow_mut().forget(address);
        all.iter()
            .for_each(|(_, subscribers)| subscribers.end(self));
    }

    /// Forgets who is subscribed to an address, if nobody is. The list may have gone with its address before.
    fn forget_unheard<M: 'static>(&self, subscribers: &Rc<Subscribers<M>>, address: Address) {
        let is_heard = !subscribers.is_empty() || !subscribers.away.borrow().is_empty();
        if is_heard || subscribers.walks.get() > 0 {
            return;
        }
        let mut topics = self.topics.borrow_mut();
        let found = topics.find::<M>(address);
        if found.is_some_and(|found| Rc::ptr_eq(&found, subscribers)) {
            topics.remove::<M>(address);
        }
    }

    /// Whether anybody here has subscribed to an address.
    pub(crate) fn has_topic(&self, address: Address) -> bool {
        self.topics.borrow().map.contains_key(&address)
    }

    /// Whether anybody is subscribed to what is published to an address of this locality.
    pub(crate) fn is_heard<M: 'static>(&self, at: Address) -> bool {
        let found = self.topics.borrow().find::<M>(at);
        found.is_some_and(|all| !all.is_empty() || !all.away.borrow().is_empty())
    }

    pub(crate) fn unheard<M: 'static>(&self, topic: Address, message: M) {
        let (name, from) = (std::any::type_name::<M>(), self.sender.get());
        self.gate
            .report(Undeliverable::one(name, from, topic, Reason::Unheard));
        let _ = crate::here::guard(|| drop(message));
    }

    /// Sends a published message to the other localities, then to the subscribers here.
    fn deliver_away<M: Clone + Send + 'static>(
        &self,
        topic: Address,
        subscribers: &Rc<Subscribers<M>>,
        message: M,
    ) {
        let away = subscribers.away.borrow().clone();
        let nobody_here = subscribers.is_empty();
        let mut message = Some(message);
        for (i, (gate, _)) in away.iter().enumerate() {
            let one = if nobody_here && i + 1 == away.len() {
                message.take()
            } else {
                self.current.set(CLONE);
                let one = crate::here::guard(|| message.clone());
                self.current.set(LOCALITY);
                let Ok(one) = one else {
                    let all = subscribers.places.borrow().len() + away.len() - i;
                    let name = std::any::type_name::<M>();
                    let from = self.sender.get();
                    let what = Undeliverable::one(name, from, topic, Reason::Uncloned);
                    self.gate.report_all(what, all);
                    let _ = crate::here::guard(|| drop(message));
                    return;
                };
                one
            };
            let to = Address::new(gate, LOCALITY, 0);
            if let Some(one) = one {
                let message = one;
                Published { topic, message }.push(to);
            }
        }
        let Some(message) = message else { return };
        if nobody_here {
            return self.unheard(topic, message);
        }
        subscribers.walks.set(subscribers.walks.get() + 1);
        let end = subscribers.here.len();
        let subscribers = subscribers.clone();
        Walk {
            here: self,
            subscribers,
            topic,
            end,
            all: end,
            left: end,
            message: Some(message),
            done: false,
        }
        .run();
    }

    /// To a subscriber that does not simply run.
    #[cold]
    fn hand_cold<M: 'static>(&self, to: Subscriber<M>, topic: Address, message: M) {
        if !self.is_free(to.slot) {
            // Not through a lane: it must not fall behind what was sent after it.
            return self.park_published(to, topic, message);
        }
        if self.is_hooked(to.slot) {
            return self.ask_about_published(to, topic, message);
        }
        self.risk(to.slot, || ());
        let _handled = self.note_handling(to.slot, std::any::type_name::<M>);
        // SAFETY: it runs in this slot, which is shut only so that messages come here.
        unsafe { self.reach(to.slot, to.call, self.slots.actor(to.slot), message) }
        self.current.set(LOCALITY);
    }

    /// Has the instance of a subscriber handle a message.
    ///
    /// # Safety
    /// `actor` is the instance that runs in the subscriber's slot.
    #[inline(always)]
    unsafe fn reach<M>(&self, slot: u32, call: Call<M>, actor: *mut (), message: M) {
        self.current.set(slot);
        // SAFETY: the subscription belongs to that instance: it was made by it and ends with it.
        unsafe { call(actor, message, self, slot) }
    }

    fn park_published<M: 'static>(&self, to: Subscriber<M>, topic: Address, message: M) {
        let waiting = self.handed(to, topic, message);
        let at = waiting.pop().expect("just pushed");
        // SAFETY: a record that was made just now, for a subscriber of this locality.
        unsafe { self.park_or_refuse(at) }
    }

    /// Has the hooks of a subscriber asked, which runs.
    fn ask_about_published<M: 'static>(&self, to: Subscriber<M>, topic: Address, message: M) {
        let waiting = self.handed(to, topic, message);
        let at = waiting.pop().expect("just pushed");
        // SAFETY: a record that was made just now.
        let record = unsafe { copied(at) };
        self.meet_hooks(to.slot, record);
    }

    /// A published message as a record for one subscriber.
    fn handed<M: 'static>(&self, to: Subscriber<M>, topic: Address, message: M) -> Flat {
        let head = Header::new(to.kind, to.slot, self.slots.generation(to.slot));
        let (waiting, from) = (Flat::new(), self.sender.get());
        if is_inline::<(Address, M)>() {
            signed::push_into(&waiting, from, head, Inline((topic, message)));
        } else {
            signed::push_into(&waiting, from, head, Boxed(Box::new((topic, message))));
        }
        waiting
    }
}

/// Subscribes the instance in `slot`.
pub(crate) fn subscribe<A, M>(here: &Local, slot: u32, topic: Topic<M>)
where
    A: TryHandler<M>,
    M: Clone + Send + 'static,
{
    let address = topic.address;
    let serial = here.seat(slot, |seat| seat.serial);
    let subscribers = here.topics.borrow_mut().find_or_add::<M>(address);
    if subscribers.places.borrow().contains_key(&serial) {
        return; // one subscription per instance, topic and type
    }
    let first = subscribers.is_empty();
    let subscriber = Subscriber {
        slot,
        serial,
        kind: Handed::<A, M>::KIND,
        call: Typed::<A, M>::call,
    };
    // A walk may go on over the list when the locality has forgotten it with its address.
    let list = subscribers.clone();
    let end = move |here: &Local| end_one(here, &list, address, serial);
    subscribers.add(subscriber, here.at_end(slot, Box::new(end)));
    if address.gate() == here.gate && here.find_or_await(address).is_some() {
        return;
    }
    // From elsewhere it takes effect when the owner says so; a start waits for that.
    if !subscribers.confirmed.get() {
        let why = Why::Told("subscription".into());
        let hold = Hold::of_start(here, slot, why);
        subscribers.waiting.borrow_mut().extend(hold);
    }
    // Confirmed before, for another subscriber, it may have ended since.
    if first || address.gate().is_over(address) {
        ask_owner(here, &subscribers, address);
    }
}

/// Asks the owner of an address for what is published to it, as soon as there is one.
fn ask_owner<M: 'static>(here: &Local, subscribers: &Subscribers<M>, address: Address) {
    let (back, opening) = (here.gate, here.gate.openings());
    let asked = {
        let mut topics = here.topics.borrow_mut();
        topics.asked += 1;
        topics.asked
    };
    subscribers.asked.set(asked);
    subscribers.confirmed.set(false);
    here.peer_with(address.gate());
    here.tie(address.gate(), About::Topic(address));
    let inquiry = Inquiry::<M> {
        address,
        back,
        open: true,
        message: PhantomData,
    };
    // The gate may have got another life, whose loop need not know of this one.
    if address.gate().is_over(address) {
        return drop(inquiry);
    }
    address.gate().call_when_open(move |owner| {
        if address.generation < owner.gate.base() {
            return drop(inquiry);
        }
        inquiry.accept();
        if owner.find_or_await(address).is_none() {
            return Control::call(back, move |here| end_all::<M>(here, address));
        }
        owner.peer_with(back);
        if !back.is_in(opening) {
            return; // it is lost, and perhaps nobody says so: it was abandoned before this was its peer
        }
        let subscribers = owner.topics.borrow_mut().find_or_add::<M>(address);
        let mut away = subscribers.away.borrow_mut();
        away.retain(|(gate, _)| *gate != back);
        away.push((back, opening));
        drop(away);
        owner.tie(back, About::Topic(address));
        Control::call(back, move |here| confirmed::<M>(here, address, asked));
    });
}

/// A subscription on its way to the owner of an address. One that is dropped there is refused.
struct Inquiry<M: 'static> {
    address: Address,
    back: &'static Gate,
    open: bool,
    message: PhantomData<fn(M)>,
}

impl<M: 'static> Inquiry<M> {
    fn accept(mut self) {
        self.open = false;
    }
}

impl<M: 'static> Drop for Inquiry<M> {
    fn drop(&mut self) {
        if self.open {
            let address = self.address;
            Control::call(self.back, move |here| refused::<M>(here, address));
        }
    }
}

/// The owner is not there. It may be lost only: then the next one is asked.
fn refused<M: 'static>(here: &Local, address: Address) {
    if address.gate().is_over(address) {
        end_all::<M>(here, address);
    }
}

/// The address is nobody's any more: its subscribers are told of, and no start waits.
fn end_all<M: 'static>(here: &Local, address: Address) {
    let Some(subscribers) = here.topics.borrow().find::<M>(address) else {
        return;
    };
    // What ends them may move them.
    let len = subscribers.here.len();
    let all: Vec<_> = (0..len).filter_map(|at| subscribers.here.get(at)).collect();
    for Subscriber { slot, serial, .. } in all.into_iter().filter(|one| one.lives()) {
        unsubscribe::<M>(here, address, serial);
        let (message, from) = (std::any::type_name::<Topic<M>>(), here.address_of(slot));
        let what = Undeliverable::one(message, Some(from), address, Reason::Closed);
        here.gate.report(what);
    }
    drop(std::mem::take(&mut *subscribers.waiting.borrow_mut()));
}

/// The owner has it. If nobody is subscribed any more, that is taken back. If it was asked again, it was told
/// meanwhile to do without that: the last answer counts.
fn confirmed<M: 'static>(here: &Local, address: Address, asked: u64) {
    let found = here.topics.borrow().find::<M>(address);
    let Some(subscribers) = found.filter(|all| !all.is_empty()) else {
        return leave_owner::<M>(here, address);
    };
    if subscribers.asked.get() != asked {
        return;
    }
    subscribers.confirmed.set(true);
    drop(std::mem::take(&mut *subscribers.waiting.borrow_mut()));
}

fn leave_owner<M: 'static>(here: &Local, address: Address) {
    let back = (here.gate, here.gate.openings());
    Control::call(address.gate(), move |owner| {
        let found = owner.topics.borrow().find::<M>(address);
        if let Some(subscribers) = found {
            subscribers.away.borrow_mut().retain(|away| *away != back);
            owner.forget_unheard(&subscribers, address);
        }
    });
}

/// Ends the subscription of an instance.
pub(crate) fn unsubscribe<M: 'static>(here: &Local, address: Address, serial: u64) {
    let found = here.topics.borrow().find::<M>(address);
    if let Some(subscribers) = found {
        end_one(here, &subscribers, address, serial);
    }
}

/// The same, where the list is known.
fn end_one<M: 'static>(
    here: &Local,
    subscribers: &Rc<Subscribers<M>>,
    address: Address,
    serial: u64,
) {
    subscribers.release(here, serial);
    if !subscribers.is_empty() {
        return;
    }
    let found = here.topics.borrow().find::<M>(address);
    if !found.is_some_and(|found| Rc::ptr_eq(&found, subscribers)) {
        return; // it went with its address
    }
    if address.gate() != here.gate {
        subscribers.confirmed.set(false);
        leave_owner::<M>(here, address);
        drop(std::mem::take(&mut *subscribers.waiting.borrow_mut())); // their starts have ended it
    }
    here.forget_unheard(subscribers, address);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::PIECE;
    use crate::here::with_local;
    use crate::sim::Sim;
    use crate::*;

    type Deed = fn(&mut Part, &mut Context<Part>);

    /// Counts what it is told. With 0 it has enough of it, with 2 the topic's actor ends.
    struct Part(Topic<u32>, Arc<AtomicU32>);
    impl Actor for Part {}
    impl Handler<u32> for Part {
        fn handle(&mut self, n: u32, cx: &mut Context<Self>) {
            self.1.fetch_add(1, Ordering::Relaxed);
            if n == 0 {
                cx.unsubscribe(self.0);
            }
            if n == 2 {
                self.0.address().stop();
            }
        }
    }
    impl Handler<Deed> for Part {
        fn handle(&mut self, deed: Deed, cx: &mut Context<Self>) {
            deed(self, cx);
        }
    }
    const SUBSCRIBE: Deed = |me, cx| cx.subscribe(me.0);
    const UNSUBSCRIBE: Deed = |me, cx| cx.unsubscribe(me.0);

    /// Subscribes in its start.
    struct Late(Topic<u32>);
    impl Actor for Late {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.0);
            Ok(())
        }
    }
    impl Handler<u32> for Late {
        fn handle(&mut self, _: u32, _: &mut Context<Self>) {}
    }
    /// Starts that.
    struct Boss(Topic<u32>, Addr<Late>);
    impl Actor for Boss {}
    struct Begin;
    impl Handler<Begin> for Boss {
        fn handle(&mut self, _: Begin, cx: &mut Context<Self>) {
            let topic = self.0;
            cx.child(Child::new("late", move || Late(topic)).at(self.1));
        }
    }

    #[test]
    fn a_start_waits_for_the_answer_to_what_it_has_asked_itself() {
        let mut sim = Sim::new(1);
        let (home, owner) = (sim.locality("home"), sim.locality("owner"));
        let (topic, part) = (owner.topic::<u32>(), home.reserve());
        let (boss, late) = (home.reserve(), home.reserve());
        let told = Arc::new(AtomicU32::new(0));
        let tree = Supervisor::one_for_one("app")
            .child(Child::new("boss", move || Boss(topic, late)).at(boss))
            .child(Child::new("part", move || Part(topic, told.clone())).at(part));
        sim.start(tree).expect("a sound tree");
        sim.run_until_idle();
        let millis = Duration::from_millis;
        sim.delay(&owner, &home, millis(10));
        part.send(SUBSCRIBE);
        sim.run_for(millis(1)); // the answer is on its way
        sim.delay(&home, &owner, millis(20));
        part.send(UNSUBSCRIBE);
        sim.run_for(millis(4));
        boss.send(Begin);
        sim.run_for(millis(6)); // it has come, and what was asked since has not
        assert_eq!(late.address().state(), Lifecycle::Starting);
        sim.run_for(millis(30));
        assert_eq!(late.address().state(), Lifecycle::Running);
    }

    #[test]
    fn a_topic_that_nobody_is_subscribed_to_any_more_is_forgotten() {
        let mut sim = Sim::new(1);
        let (home, away) = (sim.locality("home"), sim.locality("away"));
        let (part, told) = (home.reserve(), Arc::new(AtomicU32::new(0)));
        let counted = told.clone();
        let nothing = home.topic();
        let child = Child::new("part", move || Part(nothing, counted.clone())).at(part);
        sim.start(Supervisor::one_for_one("app").child(child))
            .expect("a sound tree");
        sim.run_until_idle();
        let known =
            |of: &Locality| with_local(of.gate(), |local| local.unwrap().topics.borrow().map.len());
        let rounds = if cfg!(miri) { 3 } else { 1_000 };
        for n in 0..rounds {
            let topic = away.topic();
            sim.with(part, |part| part.0 = topic);
            part.send(SUBSCRIBE);
            sim.run_until_idle();
            topic.publish(n % 2);
            sim.run_until_idle();
            part.send(UNSUBSCRIBE);
            sim.run_until_idle();
        }
        assert_eq!(told.load(Ordering::Relaxed), rounds);
        assert_eq!((known(&home), known(&away)), (0, 0));
    }

    struct Brief;
    impl Actor for Brief {}
    /// Has one of those at a time.
    struct Mother(Option<Addr<Brief>>);
    impl Actor for Mother {}
    impl Handler<Begin> for Mother {
        fn handle(&mut self, _: Begin, cx: &mut Context<Self>) {
            let child = Child::new("brief", || Brief).temporary();
            self.0 = Some(cx.child(child));
        }
    }

    #[test]
    fn a_topic_whose_actor_is_gone_leaves_nothing_with_its_subscribers() {
        let mut sim = Sim::new(1);
        let home = sim.locality("home");
        let (mother, told) = (home.reserve(), Arc::new(AtomicU32::new(0)));
        // More than one piece of a walk.
        let parts: Vec<_> = (0..=2 * PIECE).map(|_| home.reserve()).collect();
        let mut tree =
            Supervisor::one_for_one("app").child(Child::new("mother", || Mother(None)).at(mother));
        for (n, &part) in parts.iter().enumerate() {
            let (nothing, told) = (home.topic(), told.clone());
            let child = Child::new(format!("{n}"), move || Part(nothing, told.clone()));
            tree = tree.child(child.at(part));
        }
        sim.start(tree).expect("a sound tree");
        sim.run_until_idle();
        // What they have for their ends.
        let ends = || {
            with_local(home.gate(), |local| {
                let local = local.unwrap();
                let of = |part: &Addr<Part>| local.seat(part.address().slot, |seat| seat.things);
                let things = local.things.borrow();
                let all = parts.iter().map(|part| things.of(of(part)).count());
                all.sum::<usize>()
            })
        };
        for in_a_walk in [false, true] {
            mother.send(Begin);
            sim.run_until_idle();
            let brief = sim.with(mother, |mother| mother.0).flatten().unwrap();
            let topic = brief.address().topic();
            for &part in &parts {
                sim.with(part, |part| part.0 = topic);
                part.send(SUBSCRIBE);
            }
            sim.run_until_idle();
            assert_eq!(ends(), parts.len());
            if in_a_walk {
                topic.publish(2); // the first of them ends it, and the others hear it still
            } else {
                brief.stop();
            }
            sim.run_until_idle();
            assert_eq!(brief.address().state(), Lifecycle::Gone);
            assert_eq!(ends(), 0, "{in_a_walk}");
        }
        assert_eq!(told.load(Ordering::Relaxed) as usize, parts.len());
    }
}
