//! Receiving messages on plain threads.

#![expect(unsafe_code)]

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::ask_limits::InboxLimits;
use crate::chunk::Chunk;
use crate::entrance::Wake;
use crate::exit::Exit;
use crate::here;
use crate::lane::{NORMAL, SYSTEM};
use crate::locality::{Control, Local, Locality};
use crate::lock::{lock, sound};
use crate::message::{Boxed, Inline, Record, Stored, Way, is_inline, take};
use crate::monitor::Order;
use crate::observe::Reason;
use crate::parcel::{Contents, Parcel};
use crate::queue::{Word, header};
use crate::recipient::Recipient;
use crate::request::RequestError;
use crate::signed::{self, LONGEST, copied};
use crate::states::{Lifecycle, Tenure};

/// Receives messages on threads that run no loop.
///
/// `Send + Sync`: made on one thread and used on others, also on several at once; each message is
/// received once, those of one sender in order. A message is a request, too: an `Inbox<Ask<Q>>`
/// answers.
///
/// Bounded: what comes while `capacity` messages wait is refused. The bound is soft: what an actor
/// hands over in one slice counts as one. What is refused is counted, see
/// [`refused`](Self::refused); a sender that must know uses [`Recipient::try_send`].
///
/// It is no actor: nobody supervises it, stops it or subscribes it. Dropped, it ends: what is in it
/// is dropped, later messages are refused, and who monitors its address gets a
/// [`Down`](crate::Down).
///
/// ```
/// use rotor_core::*;
/// use std::time::Duration;
/// struct Greeter { to: Recipient<String> }
/// impl Actor for Greeter {}
/// impl Handler<&'static str> for Greeter {
///     fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
///         self.to.send(format!("hello, {name}"));
///         cx.stop();
///     }
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let inbox = Inbox::new(16);
/// let to = inbox.recipient();
/// let tree = std::thread::spawn(move || {
///     let main = ThreadLoop::new();
///     let greeter = main.locality().reserve();
///     greeter.send("world");
///     main.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///         .child(Child::new("greeter", move || Greeter { to }).at(greeter)
///             .transient().significant()))
/// });
/// assert_eq!(inbox.recv()?, "hello, world");
/// assert_eq!(inbox.recv_within(Duration::from_millis(1)), Err(RecvError::Empty));
/// tree.join().unwrap()?;
/// # Ok(())
/// # }
/// ```
pub struct Inbox<M> {
    locality: Locality,
    recipient: Recipient<M>,
    bell: Arc<Bell>,
}

/// Why nothing was received.
///
/// ```
/// use rotor_core::*;
/// let inbox = Inbox::<String>::new(8);
/// assert_eq!(inbox.try_recv(), Err(RecvError::Empty)); // come again
/// inbox.recipient().send("last".to_owned());
/// inbox.close();
/// assert_eq!(inbox.recv().as_deref(), Ok("last"));
/// assert_eq!(inbox.recv(), Err(RecvError::Closed)); // the end
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// Nothing came, in time or at once.
    Empty,
    /// The inbox is closed, and everything that was in it has been received.
    Closed,
    /// It would block a handler, and with it the locality. Handlers receive as actors do.
    WouldDeadlock,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecvError::Empty => "no message has come",
            RecvError::Closed => "the inbox is closed, and empty",
            RecvError::WouldDeadlock => "refused: waiting for a message would block a handler",
        })
    }
}

impl std::error::Error for RecvError {}

/// What wakes the threads that wait.
struct Bell {
    state: Mutex<State>,
    news: Condvar,
    then: Option<Arc<dyn Wake>>,
}

/// What has left the gate, and who waits for more. Whoever locks it owns the gate.
#[derive(Default)]
struct State {
    chunk: Option<Chunk>,
    closed: bool,
    /// What was there when it was closed.
    kept: VecDeque<Parcel>,
    /// Monitors, to be answered at the end.
    watchers: BTreeMap<u64, Order>,
    /// Those of plain threads that have asked.
    limits: InboxLimits,
    waiting: u32,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Waits for news, at most as long as `left` says.
    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        left: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let mut state = match left {
            None => sound(self.news.wait(state)),
            Some(left) => sound(self.news.wait_timeout(state, left)).0,
        };
        state.waiting -= 1;
        state
    }
}

impl Wake for Bell {
    fn wake(&self) {
        // One is enough: who takes a message wakes the next one.
        if self.lock().waiting > 0 {
            self.news.notify_one();
        }
        if let Some(then) = &self.then {
            then.wake();
        }
    }
}

impl<M: Send + 'static> Inbox<M> {
    /// Makes an inbox. A capacity of zero counts as one.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let inbox = Inbox::<u32>::new(2);
    /// for n in 0..5 {
    ///     inbox.recipient().send(n);
    /// }
    /// assert_eq!((inbox.try_recv(), inbox.try_recv()), (Ok(0), Ok(1)));
    /// assert_eq!(inbox.refused(), 3); // what is not taken out in time does not pile up
    /// ```
    pub fn new(capacity: usize) -> Self {
        Self::make(capacity, None)
    }

    /// Makes an inbox that also wakes something else: a loop that is not ours, or a thread that
    /// waits for several inboxes at once.
    ///
    /// `wake` is called, on the sender's thread, when a message comes into an inbox that was seen
    /// empty, and when it is closed; not for further messages, until
    /// [`try_recv`](Self::try_recv) has said that it is empty again.
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::sync::Arc;
    /// use std::thread;
    /// # fn main() -> Result<(), RecvError> {
    /// let this = Arc::new(thread::current());
    /// let words = Inbox::<String>::with_wake(8, this.clone());
    /// let numbers = Inbox::<u32>::with_wake(8, this);
    /// let (word, number) = (words.recipient(), numbers.recipient());
    /// thread::spawn(move || {
    ///     word.send("answer".into());
    ///     number.send(42);
    /// });
    /// let (mut a, mut b) = (None, None);
    /// while a.is_none() || b.is_none() {
    ///     match (words.try_recv(), numbers.try_recv()) {
    ///         (Err(RecvError::Empty), Err(RecvError::Empty)) => thread::park(),
    ///         (word, number) => {
    ///             a = word.ok().or(a);
    ///             b = number.ok().or(b);
    ///         }
    ///     }
    /// }
    /// assert_eq!((a.as_deref(), b), (Some("answer"), Some(42)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_wake(capacity: usize, wake: Arc<dyn Wake>) -> Self {
        Self::make(capacity, Some(wake))
    }

    fn make(capacity: usize, then: Option<Arc<dyn Wake>>) -> Self {
        let locality = Locality::new("inbox");
        locality.set_bound(capacity.max(1));
        let gate = locality.gate();
        let (slot, generation) = gate.mint();
        gate.states
            .write(slot, generation, Lifecycle::Running, Tenure::Passing);
        let bell = Arc::new(Bell {
            state: Mutex::default(),
            news: Condvar::new(),
            then,
        });
        gate.open(bell.clone());
        gate.retire(); // no loop will ever open it
        gate.entrance.park(); // it is empty: the first message is news
        let address = Address::new(gate, slot, generation);
        Inbox {
            locality,
            recipient: Recipient::new(address, Received::<M>::KIND),
            bell,
        }
    }

    /// Where to send what is received here.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let inbox = Inbox::new(16);
    /// let out: Recipient<String> = inbox.recipient(); // `Copy`, for actors and threads
    /// std::thread::spawn(move || out.send("from elsewhere".to_owned()));
    /// assert_eq!(inbox.recv()?, "from elsewhere");
    /// # Ok::<_, RecvError>(())
    /// ```
    pub fn recipient(&self) -> Recipient<M> {
        self.recipient
    }

    /// Takes the next message; blocks this thread until there is one.
    ///
    /// # Errors
    /// [`RecvError::Closed`], or [`RecvError::WouldDeadlock`] inside a handler.
    ///
    /// # Examples
    /// A plain thread that serves until it is told that nothing comes any more:
    /// ```
    /// use rotor_core::*;
    /// use std::sync::Arc;
    /// let inbox = Arc::new(Inbox::<u32>::new(16));
    /// let from = inbox.clone();
    /// let sum = std::thread::spawn(move || {
    ///     let mut sum = 0;
    ///     while let Ok(n) = from.recv() {
    ///         sum += n;
    ///     }
    ///     sum
    /// });
    /// inbox.recipient().send(3);
    /// inbox.recipient().send(4);
    /// inbox.close();
    /// assert_eq!(sum.join().unwrap(), 7);
    /// ```
    pub fn recv(&self) -> Result<M, RecvError> {
        self.next(None)
    }

    /// Takes the next message; blocks this thread for at most `limit`.
    ///
    /// # Errors
    /// [`RecvError::Empty`] if none came in time; else as for [`recv`](Self::recv).
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::*;
    /// use std::time::Duration;
    /// let inbox = Inbox::new(1);
    /// assert_eq!(inbox.recv_within(Duration::from_millis(1)), Err(RecvError::Empty));
    /// inbox.recipient().send("there it is");
    /// assert_eq!(inbox.recv_within(Duration::from_secs(5)), Ok("there it is"));
    /// ```
    pub fn recv_within(&self, limit: Duration) -> Result<M, RecvError> {
        self.next(Some(limit))
    }

    /// Takes the next message if there is one. Never blocks; also inside handlers.
    ///
    /// # Errors
    /// [`RecvError::Empty`] or [`RecvError::Closed`].
    ///
    /// # Examples
    /// A loop that is not ours looks at it between its own events:
    /// ```
    /// # use rotor_core::*;
    /// let inbox = Inbox::new(16);
    /// inbox.recipient().send("one");
    /// inbox.recipient().send("two");
    /// let mut got = Vec::new();
    /// while let Ok(text) = inbox.try_recv() {
    ///     got.push(text);
    /// }
    /// assert_eq!(got, ["one", "two"]);
    /// ```
    pub fn try_recv(&self) -> Result<M, RecvError> {
        self.next(Some(Duration::ZERO))
    }

    /// Refuses what comes from now on. What is in it can still be received; then everybody who waits
    /// gets [`RecvError::Closed`], at once if it is empty. Any thread.
    ///
    /// To drop what is in it as well, drop the inbox.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let inbox = Inbox::new(16);
    /// inbox.recipient().send(1);
    /// inbox.close();
    /// let late = inbox.recipient().try_send(2).unwrap_err();
    /// assert_eq!(late.message, 2); // handed back
    /// assert_eq!(inbox.recv(), Ok(1)); // what was in it is not lost
    /// ```
    pub fn close(&self) {
        self.shut(&mut self.bell.lock());
        self.bell.news.notify_all();
        if let Some(then) = &self.bell.then {
            let _ = here::guard(|| then.wake());
        }
    }

    /// Returns how many messages were not received here because they came too late, or when the
    /// bound was reached. What comes late for an inbox that is gone may be counted by a later one.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let inbox = Inbox::new(1);
    /// inbox.recipient().send("kept");
    /// inbox.recipient().send("too many");
    /// assert_eq!(inbox.recv(), Ok("kept"));
    /// if inbox.refused() > 0 {
    ///     eprintln!("{} messages were lost: make it larger", inbox.refused());
    /// }
    /// # assert_eq!(inbox.refused(), 1);
    /// ```
    pub fn refused(&self) -> u64 {
        let counts = self.locality.gate().undelivered.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn next(&self, limit: Option<Duration>) -> Result<M, RecvError> {
        let blocks = limit != Some(Duration::ZERO);
        if blocks && here::in_turn() {
            return Err(RecvError::WouldDeadlock);
        }
        // None is beyond the end of time.
        let until = limit.filter(|_| blocks);
        let until = until.and_then(|limit| Instant::now().checked_add(limit));
        let mut state = self.bell.lock();
        loop {
            let passed = state.limits.passed();
            if !passed.is_empty() {
                drop(state);
                InboxLimits::tell(passed);
                state = self.bell.lock();
                continue;
            }
            if let Some(mut record) = self.pop(&mut state) {
                if state.waiting > 0 {
                    self.bell.news.notify_one();
                }
                drop(state);
                // SAFETY: a copy of a record that was taken out of its queue.
                if let Some(message) = unsafe { self.open(record.as_mut_ptr()) } {
                    return Ok(message);
                }
                state = self.bell.lock();
            } else if state.closed {
                return Err(RecvError::Closed);
            } else if self.locality.gate().entrance.park() {
                // Whoever sends from here on rings.
                let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                if !blocks || left == Some(Duration::ZERO) {
                    return Err(RecvError::Empty);
                }
                let due = state.limits.next_due();
                let due = due.map(|due| due.saturating_duration_since(Instant::now()));
                state = self.bell.wait(state, left.into_iter().chain(due).min());
            }
        }
    }

    /// The message in a record. One that is for nobody here is reported.
    ///
    /// # Safety
    /// `at` is a record that was taken out of its queue, and is not used again.
    unsafe fn open(&self, at: *mut Word) -> Option<M> {
        // SAFETY: as the caller says.
        let head = unsafe { header(at) };
        let here = self.recipient.address();
        if head.is_control() {
            // SAFETY: as the caller says.
            unsafe { self.control(at) };
            return None;
        }
        let is_here = head.slot() == here.slot && head.generation() == here.generation;
        if !is_here || head.kind.way != Way::Actor {
            let reason = match head.kind.way {
                Way::Address => Reason::Unheard,
                Way::Actor | Way::Own => Reason::Gone,
            };
            // SAFETY: as the caller says.
            unsafe { here.gate().refuse(at, reason, &RequestError::Gone) };
            return None;
        }
        // SAFETY: as the caller says. Nobody has another typed handle of this address than the
        // recipient, so the message is an `M`, stored as by its `send`.
        unsafe {
            let (_, payload, _) = signed::open(at);
            Some(if is_inline::<M>() {
                take::<Inline<M>>(payload).open()
            } else {
                take::<Boxed<M>>(payload).open()
            })
        }
    }
}

impl<M> Inbox<M> {
    /// Takes a record out.
    fn pop(&self, state: &mut State) -> Option<[Word; LONGEST]> {
        let gate = self.locality.gate();
        loop {
            if let Some(at) = state.chunk.as_ref().and_then(|chunk| chunk.pop()) {
                // SAFETY: it was taken out just now.
                return Some(unsafe { copied(at) });
            }
            if let Some(empty) = state.chunk.take() {
                empty.give_back(gate);
            }
            let parcel = if state.closed {
                state.kept.pop_front()
            } else {
                // SAFETY: whoever has locked the state owns the gate.
                (SYSTEM..=NORMAL).find_map(|lane| unsafe { gate.entrance.pop(lane) })
            };
            match parcel?.open() {
                // SAFETY: it was taken out just now.
                Contents::One(mut one) => return Some(unsafe { copied(one.as_mut_ptr()) }),
                Contents::Chunk(chunk) => state.chunk = Some(chunk),
            }
        }
    }

    /// Core asks something of a locality itself. An inbox can be watched, and keeps limits of requests.
    ///
    /// # Safety
    /// `at` is a control that was taken out of its queue, and is not used again.
    unsafe fn control(&self, at: *mut Word) {
        // SAFETY: as the caller says.
        let payload = unsafe { signed::open(at).1 };
        // SAFETY: a control lies in its record, which is still whole.
        let control = unsafe { &(*payload.cast::<Inline<Control>>()).0 };
        if !matches!(
            control,
            Control::Watch(_) | Control::Unwatch { .. } | Control::AskLimit(_)
        ) {
            // SAFETY: as the caller says.
            return unsafe { (self.locality.gate()).refuse(at, Reason::Gone, &RequestError::Gone) };
        }
        // SAFETY: as above, and nobody reads it again.
        let control = unsafe { take::<Inline<Control>>(payload).open() };
        let mut state = self.bell.lock();
        match control {
            Control::Watch(order) => drop(state.watchers.insert(order.key().serial, order)),
            Control::Unwatch { key, .. } => {
                state.watchers.remove(&key.serial).map(Order::accept);
            }
            Control::AskLimit(limit) => {
                let done = state.limits.keep(limit);
                drop(state);
                drop(done);
            }
            _ => unreachable!("it was looked at"),
        }
    }

    /// Takes nothing any more; what is there goes to `kept`.
    fn shut(&self, state: &mut State) {
        if !std::mem::replace(&mut state.closed, true) {
            let entrance = &self.locality.gate().entrance;
            entrance.close(|parcel| state.kept.push_back(parcel));
        }
    }
}

impl<M> Drop for Inbox<M> {
    fn drop(&mut self) {
        let gate = self.locality.gate();
        self.shut(&mut self.bell.lock());
        // Not under the lock: a message that is dropped may send, and what is sent may wake.
        let next = || self.pop(&mut self.bell.lock());
        while let Some(mut record) = next() {
            let at = record.as_mut_ptr();
            // SAFETY: a copy of a record that was taken out of its queue.
            unsafe {
                match header(at).is_control() {
                    true => self.control(at),
                    false => gate.refuse(at, Reason::Closed, &RequestError::Gone),
                }
            }
        }
        let (limits, watchers) = {
            let mut state = self.bell.lock();
            let limits = std::mem::take(&mut state.limits);
            (limits, std::mem::take(&mut state.watchers))
        };
        drop(limits); // their askers wait no longer
        for watcher in watchers.into_values() {
            watcher.end(Exit::normal());
        }
        self.locality.set_ended();
        Local::tell_peers(gate, &self.locality, false);
    }
}

impl<M> fmt::Debug for Inbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inbox").field(&self.recipient).finish()
    }
}

/// A message for an inbox.
struct Received<M>(PhantomData<M>);

impl<M: 'static> Record for Received<M> {
    type Message = M;
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Actor;

    unsafe fn run(_: M, _: *mut (), _: &Local, _: u32) {
        unreachable!("no driver opens the locality of an inbox");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Senders that come too late take nothing of it along.
    #[test]
    fn c_so_50_a_close_among_senders_keeps_what_was_there() {
        let (rounds, many) = if cfg!(miri) { (5, 20) } else { (100, 1000) };
        for _ in 0..rounds {
            let inbox = Inbox::new(usize::MAX);
            let to = inbox.recipient();
            (0..many).for_each(|n| to.send(n));
            let (begun, closed) = (AtomicBool::new(false), AtomicBool::new(false));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !closed.load(Ordering::Relaxed) {
                        to.send(many);
                        begun.store(true, Ordering::Relaxed);
                    }
                });
                while !begun.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                inbox.close();
                closed.store(true, Ordering::Relaxed);
            });
            let received = std::iter::from_fn(|| inbox.recv().ok());
            assert!(received.filter(|&n| n < many).eq(0..many));
        }
    }
}
