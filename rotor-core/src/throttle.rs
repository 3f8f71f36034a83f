//! Thinning a stream: at most one message in a period.

use std::hash::Hash;
use std::time::Duration;

use crate::actor::{Actor, Handler};
use crate::context::Context;
use crate::exit::Exit;
use crate::fixed_map::FixedMap;
use crate::recipient::Recipient;

/// An actor that passes messages on at most once in a period: the latest one, or that of each key.
///
/// For progress, positions, states: whatever comes faster than anybody can look. A message that comes
/// after a pause is passed on at once, whether others follow or not; [`Debounce`](crate::Debounce) waits
/// to see that. What comes within a period of one that was passed on waits for its end, and a later one
/// takes its place. So the last one is passed on, at the end of the instance at the latest, and what it
/// replaces is not undelivered: it is out of date. What waits is lost with an instance that does not come
/// to its end in order: one that is killed, panics or overruns its stop limit, or whose loop is lost.
///
/// A child like any other, best beside whoever sends so much: then it is also what crosses to the
/// other loop that is less. Not on the loop of a handler that blocks: there it has no turn.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// # let mut sim = Sim::new(1);
/// # let locality = sim.locality("work");
/// # let probe = sim.probe::<u32>();
/// # let bar = probe.recipient();
/// let progress = locality.reserve();
/// let frame = Duration::from_millis(16);
/// let tree = Supervisor::one_for_one("app")
///     .child(Child::new("progress", move || Throttle::new(bar, frame)).at(progress));
/// sim.start(tree)?;
/// for percent in 0..=100 {
///     progress.send(percent);
/// }
/// sim.run_for(2 * frame);
/// assert_eq!(probe.take(), [0, 100]);
/// # Ok::<_, StartError>(())
/// ```
pub struct Throttle<M, K = ()> {
    to: Recipient<M>,
    period: Duration,
    key: Box<dyn Fn(&M) -> K>,
    /// In the order in which their keys came.
    waiting: Vec<M>,
    /// Where the message of each key waits.
    places: FixedMap<K, usize>,
    /// Something was passed on less than a period ago.
    closed: bool,
}

/// The period is over.
struct Over<M>(std::marker::PhantomData<fn(M)>);

impl<M: Send + 'static> Throttle<M> {
    /// Passes on the latest message, at most once in `period`.
    ///
    /// A period of zero passes on every message. For the latest one of those that wait, however short that is, see
    /// [`Bound::latest`](crate::Bound::latest).
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// fn child(mouse: Recipient<(i32, i32)>) -> Child<Throttle<(i32, i32)>> {
    ///     Child::new("mouse", move || Throttle::new(mouse, Duration::from_millis(8)))
    /// }
    /// ```
    pub fn new(to: Recipient<M>, period: Duration) -> Self {
        Self::by_key(to, period, |_| ())
    }
}

impl<M: Send + 'static, K: Eq + Hash + 'static> Throttle<M, K> {
    /// Passes on the latest message of each key, each at most once in `period`.
    ///
    /// Keys that wait are passed on together, in the order in which they came. A key's message may
    /// wait up to `period` also if it is the key's first.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// #[derive(Debug, PartialEq)]
    /// struct Done { file: &'static str, bytes: u64 }
    /// # let mut sim = Sim::new(1);
    /// # let files = sim.locality("disk").reserve();
    /// # let probe = sim.probe::<Done>();
    /// # let list = probe.recipient();
    /// let frame = Duration::from_millis(16);
    /// let make = move || Throttle::by_key(list, frame, |done: &Done| done.file);
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("files", make).at(files)))?;
    /// for bytes in 1..=1000 {
    ///     files.send(Done { file: "a", bytes });
    ///     files.send(Done { file: "b", bytes: 2 * bytes });
    /// }
    /// sim.run_for(frame);
    /// let last = [Done { file: "b", bytes: 2000 }, Done { file: "a", bytes: 1000 }];
    /// assert_eq!(probe.take()[1..], last); // the first one of `a` was passed on at once
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn by_key(to: Recipient<M>, period: Duration, key: impl Fn(&M) -> K + 'static) -> Self {
        Throttle {
            to,
            period,
            key: Box::new(key),
            waiting: Vec::new(),
            places: FixedMap::default(),
            closed: false,
        }
    }

    fn pass_on(&mut self) {
        self.places.clear();
        for message in self.waiting.drain(..) {
            self.to.send(message);
        }
    }

    fn close(&mut self, cx: &mut Context<Self>) {
        self.closed = true;
        cx.after(self.period, Over::<M>(std::marker::PhantomData));
    }
}

impl<M: Send + 'static, K: Eq + Hash + 'static> Actor for Throttle<M, K> {
    fn stop(&mut self, _: &Exit, _: &mut Context<Self>) {
        self.pass_on();
    }
}

#[diagnostic::do_not_recommend]
impl<M: Send + 'static, K: Eq + Hash + 'static> Handler<M> for Throttle<M, K> {
    fn handle(&mut self, message: M, cx: &mut Context<Self>) {
        if self.period.is_zero() {
            // A timer would come when the loop has looked at its clock: some messages later.
            return self.to.send(message);
        }
        if !self.closed {
            self.close(cx);
            return self.to.send(message);
        }
        let key = (self.key)(&message);
        let next = self.waiting.len();
        match *self.places.entry(key).or_insert(next) {
            place if place == next => self.waiting.push(message),
            place => self.waiting[place] = message,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<M: Send + 'static, K: Eq + Hash + 'static> Handler<Over<M>> for Throttle<M, K> {
    fn handle(&mut self, _: Over<M>, cx: &mut Context<Self>) {
        self.closed = false;
        if !self.waiting.is_empty() {
            self.pass_on();
            self.close(cx);
        }
    }
}
