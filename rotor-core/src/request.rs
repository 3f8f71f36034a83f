//! Requests: a message that expects an answer, its token, and the ways it can fail.

#![expect(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::actor::Actor;
use crate::address::Address;
use crate::ask_limits::AskLimit;
use crate::context::Context;
use crate::exit::Exit;
use crate::here::{self, Caught, HERE, with_local};
use crate::lane::NORMAL;
use crate::locality::Local;
use crate::lock::lock;
use crate::message::{Record, Request, Way};
use crate::recipient::Recipient;
use crate::small::{Table, drop_of, fits, free_box};
use crate::things::Key;

/// Why a request got no answer.
///
/// ```
/// use rotor_core::*;
/// /// What a program can do about it.
/// fn told(error: &RequestError) -> &'static str {
///     match error {
///         RequestError::Timeout | RequestError::Full => "busy: try again later",
///         RequestError::Ended(exit) if exit.is_abnormal() => "it crashed over this: do not repeat it",
///         _ => "not available",
///     }
/// }
/// assert_eq!(told(&RequestError::Timeout), "busy: try again later");
/// assert_eq!(told(&RequestError::Ended(Exit::normal())), "not available");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RequestError {
    /// The time limit passed. What was asked for may be done all the same, later.
    Timeout,
    /// The actor that had the request ended before it answered.
    Ended(Exit),
    /// The token was dropped unanswered, by whoever had it: also by a [hook](crate::Hook) or a
    /// [redirect](crate::Bound::redirect).
    Dropped,
    /// A bound of the actor was reached, or a newer message has taken the place of the request, as the
    /// [`Bound`](crate::Bound) says.
    Full,
    /// The actor was removed, or its locality has ended, or is lost.
    Gone,
    /// `ask_blocking` was called where it could never be answered: on the thread of the actor's
    /// locality, or inside a handler. Nothing was sent.
    WouldDeadlock,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Timeout => write!(f, "no answer within the time limit"),
            RequestError::Ended(exit) => write!(f, "the actor ended before it answered: {exit}"),
            RequestError::Dropped => write!(f, "the request was dropped unanswered"),
            RequestError::Full => write!(f, "as many wait for the actor as may"),
            RequestError::Gone => write!(f, "the actor is gone"),
            RequestError::WouldDeadlock => write!(
                f,
                "refused: waiting for the answer would block the thread that has to give it, or a \
                 handler: use `Context::request`"
            ),
        }
    }
}

/// The source is the exit of the actor that was asked.
impl std::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RequestError::Ended(exit) => Some(exit),
            _ => None,
        }
    }
}

/// A request with the token that answers it.
///
/// It is the message that the answering actor handles. Dropped unanswered, the asker learns it at
/// once. It may be kept, answered later, sent on to another actor, or answered on another thread.
///
/// ```compile_fail,E0382
/// # use rotor_core::*;
/// # struct Count(String);
/// # impl Request for Count { type Reply = usize; }
/// fn twice(ask: Ask<Count>) {
///     ask.reply(1);
///     ask.reply(2); // answered already
/// }
/// ```
/// ```compile_fail,E0308
/// # use rotor_core::*;
/// # struct Count(String);
/// # impl Request for Count { type Reply = usize; }
/// fn wrong(ask: Ask<Count>) {
///     ask.reply("one"); // a `usize` is asked for
/// }
/// ```
///
/// Kept for later, answered when there is something:
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// struct Next;
/// impl Request for Next { type Reply = u32; }
/// #[derive(Default)] struct Queue { asking: Vec<Ask<Next>> }
/// impl Actor for Queue {}
/// impl Handler<Ask<Next>> for Queue {
///     fn handle(&mut self, ask: Ask<Next>, _: &mut Context<Self>) { self.asking.push(ask) }
/// }
/// impl Handler<u32> for Queue {
///     fn handle(&mut self, n: u32, _: &mut Context<Self>) {
///         if let Some(ask) = self.asking.pop() { ask.reply(n) }
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let queue = sim.locality("here").reserve();
/// # sim.start(Supervisor::one_for_one("app").child(Child::new("queue", Queue::default).at(queue)))?;
/// let answer = queue.ask(Next, Duration::from_secs(9)); // on its way
/// sim.run_until_idle();
/// queue.send(7);
/// assert!(matches!(sim.block_on(answer), Some(Ok(7))));
/// # Ok::<_, StartError>(())
/// ```
#[must_use = "dropped unanswered, the asker gets `Dropped`"]
pub struct Ask<Q: Request> {
    /// What is asked.
    pub request: Q,
    reply: ReplyTo<Q::Reply>,
}

impl<Q: Request> Ask<Q> {
    /// Answers. Any thread; never blocks. An answer that comes too late is dropped; it is
    /// counted if an actor asked.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Read(usize);
    /// impl Request for Read { type Reply = Option<u8>; }
    /// struct Memory(Vec<u8>);
    /// impl Actor for Memory {}
    /// impl Handler<Ask<Read>> for Memory {
    ///     fn handle(&mut self, ask: Ask<Read>, _: &mut Context<Self>) {
    ///         let byte = self.0.get(ask.request.0).copied();
    ///         ask.reply(byte);
    ///     }
    /// }
    /// # let mut sim = sim::Sim::new(1);
    /// # let memory = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("memory", || Memory(vec![7])).at(memory)))?;
    /// # let answer = sim.block_on(memory.ask(Read(0), std::time::Duration::from_secs(1)));
    /// # assert!(matches!(answer, Some(Ok(Some(7)))));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn reply(self, reply: Q::Reply) {
        self.reply.send(reply);
    }

    /// The request and its token, apart.
    ///
    /// What is asked is moved into the work, the token stays with who answers:
    /// ```
    /// use rotor_core::*;
    /// struct Sort(Vec<u32>);
    /// impl Request for Sort { type Reply = Vec<u32>; }
    /// struct Sorter;
    /// impl Actor for Sorter {}
    /// impl Handler<Ask<Sort>> for Sorter {
    ///     fn handle(&mut self, ask: Ask<Sort>, _: &mut Context<Self>) {
    ///         let (Sort(mut numbers), reply) = ask.split();
    ///         numbers.sort_unstable();
    ///         reply.send(numbers);
    ///     }
    /// }
    /// # let mut sim = sim::Sim::new(1);
    /// # let sorter = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("sorter", || Sorter).at(sorter)))?;
    /// # let answer = sim.block_on(sorter.ask(Sort(vec![2, 1]), std::time::Duration::from_secs(1)));
    /// # assert!(matches!(answer, Some(Ok(sorted)) if sorted == [1, 2]));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn split(self) -> (Q, ReplyTo<Q::Reply>) {
        (self.request, self.reply)
    }

    /// Whether nobody waits for the answer any more; see [`ReplyTo::is_cancelled`].
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Render(u32);
    /// impl Request for Render { type Reply = Vec<u8>; }
    /// #[derive(Default)] struct Painter { painted: u32 }
    /// impl Actor for Painter {}
    /// impl Handler<Ask<Render>> for Painter {
    ///     fn handle(&mut self, ask: Ask<Render>, _: &mut Context<Self>) {
    ///         if ask.is_cancelled() {
    ///             return; // the work is spared
    ///         }
    ///         self.painted += 1;
    ///         let pixels = vec![0; ask.request.0 as usize];
    ///         ask.reply(pixels);
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let painter = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("painter", Painter::default).at(painter)))?;
    /// drop(painter.ask(Render(9), Duration::from_secs(1))); // nobody will look at it
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(painter, |painter| painter.painted), Some(0));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.reply.is_cancelled()
    }
}

/// The token that answers one request.
///
/// `Send`, usable once, at any later time, on any thread. Dropped unanswered, the asker gets
/// [`RequestError::Dropped`], or [`RequestError::Ended`] if it dies with the actor that held it.
///
/// The answer comes from another thread, while the actor goes on:
/// ```
/// use rotor_core::*;
/// use std::{thread, time::Duration};
/// struct Sum(Vec<u64>);
/// impl Request for Sum { type Reply = u64; }
/// struct Front;
/// impl Actor for Front {}
/// impl Handler<Ask<Sum>> for Front {
///     fn handle(&mut self, ask: Ask<Sum>, _: &mut Context<Self>) {
///         let (Sum(numbers), reply): (_, ReplyTo<u64>) = ask.split();
///         thread::spawn(move || reply.send(numbers.iter().sum()));
///     }
/// }
/// let main = ThreadLoop::new();
/// let front = main.locality().reserve();
/// main.run_with(Supervisor::one_for_one("app").child(Child::new("front", || Front).at(front)),
///     move |app| {
///         thread::spawn(move || {
///             let sum = front.ask_blocking(Sum(vec![1, 2, 3]), Duration::from_secs(5));
///             app.shutdown();
///             assert_eq!(sum.ok(), Some(6));
///         });
///     })?;
/// # Ok::<_, StartError>(())
/// ```
#[must_use = "dropped unanswered, the asker gets `Dropped`"]
pub struct ReplyTo<R: Send + 'static> {
    target: Target<R>,
}

/// Who waits for an answer. A gate is never null: so this is not longer than a token.
enum Target<R> {
    Actor(Token, PhantomData<R>),
    /// None: it has its answer.
    Future(Option<Arc<AskCell<R>>>),
}

const _: () = assert!(size_of::<Target<()>>() == size_of::<Token>());

impl<R> Target<R> {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Target::Future(None))
    }
}

/// Where the answer to an actor's request goes.
#[derive(Clone, Copy)]
pub(crate) struct Token {
    pub(crate) asker: Address,
    pub(crate) key: Key,
}

impl<R: Send + 'static> ReplyTo<R> {
    /// Answers. Any thread; never blocks. An answer that comes too late is dropped; it is
    /// counted if an actor asked.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Login(String);
    /// impl Request for Login { type Reply = std::result::Result<u64, &'static str>; }
    /// struct Desk { open: Vec<(String, ReplyTo<<Login as Request>::Reply>)> }
    /// impl Actor for Desk {}
    /// impl Desk {
    ///     /// The answers to all who have asked so far.
    ///     fn decide(&mut self, known: &str) {
    ///         for (session, (name, reply)) in self.open.drain(..).enumerate() {
    ///             reply.send(if name == known { Ok(session as u64) } else { Err("who are you?") });
    ///         }
    ///     }
    /// }
    /// # Desk { open: Vec::new() }.decide("ada");
    /// ```
    pub fn send(mut self, reply: R) {
        let target = self.target.take();
        // It has nothing left to drop.
        std::mem::forget(self);
        match target {
            Target::Actor(token, _) => {
                Answer::push(token.asker, (token.key, reply));
            }
            Target::Future(Some(cell)) => cell.complete(Ok(reply)),
            Target::Future(None) => {}
        }
    }
}

impl<R: Send + 'static> ReplyTo<R> {
    /// Whether nobody waits for the answer any more: the request was cancelled, its future was dropped,
    /// its time limit has passed, or its asker has ended.
    ///
    /// Any thread; it takes a lock if the asker lives on another one. An answer is dropped then, so it
    /// need not be worked out.
    ///
    /// ```
    /// use rotor_core::*;
    /// /// Answers those who still wait.
    /// fn tell_all(waiting: &mut Vec<ReplyTo<u32>>, n: u32) {
    ///     for reply in waiting.drain(..).filter(|reply| !reply.is_cancelled()) {
    ///         reply.send(n);
    ///     }
    /// }
    /// # tell_all(&mut Vec::new(), 1);
    /// ```
    pub fn is_cancelled(&self) -> bool {
        match &self.target {
            Target::Actor(token, _) => token.is_given_up(),
            Target::Future(cell) => cell.as_ref().is_none_or(|cell| cell.is_done()),
        }
    }

    /// Gives what a job has come to, to the future that waits for it.
    pub(crate) fn settle(mut self, result: Result<R, Caught>) {
        let ended = |caught| RequestError::Ended(Exit::panicked(caught));
        if let Target::Future(Some(cell)) = self.target.take() {
            cell.complete(result.map_err(ended));
        }
    }
}

impl<R: Send + 'static> Drop for ReplyTo<R> {
    fn drop(&mut self) {
        let unanswered = match self.target.take() {
            Target::Future(None) => return,
            Target::Actor(token, _) => Unanswered::Actor(token),
            Target::Future(Some(cell)) => Unanswered::Future(cell),
        };
        let (verdict, local) = HERE.with(|here| (here.verdict.get(), here.running()));
        // SAFETY: a verdict is set for the length of a `Verdict`'s life, which is on the stack.
        if let Some(verdict) = unsafe { verdict.as_ref() } {
            return unanswered.tell(verdict.clone());
        }
        // SAFETY: `local` runs a slice on this thread, which keeps it.
        match unsafe { local.as_ref() } {
            // Whether the handler that drops it fails is known when it returns.
            Some(local) => local.drop_later(unanswered),
            None => unanswered.tell(RequestError::Dropped),
        }
    }
}

impl<R: Send + 'static> fmt::Debug for ReplyTo<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyTo")
    }
}

impl<Q: Request + fmt::Debug> fmt::Debug for Ask<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ask").field(&self.request).finish()
    }
}

/// A request whose token is gone and whose asker must be told.
pub(crate) enum Unanswered {
    Actor(Token),
    Future(Arc<dyn Refuse>),
}

impl Unanswered {
    pub(crate) fn tell(self, error: RequestError) {
        match self {
            Unanswered::Actor(token) => {
                Failure::push(token.asker, (token.key, error));
            }
            Unanswered::Future(cell) => cell.refuse(error),
        }
    }
}

/// While it lives, tokens dropped on this thread tell this error to their askers.
pub(crate) struct Verdict<'a> {
    before: *const RequestError,
    _error: PhantomData<&'a RequestError>,
}

impl<'a> Verdict<'a> {
    pub(crate) fn set(error: &'a RequestError) -> Self {
        let before = HERE.with(|here| here.verdict.replace(error));
        Verdict {
            before,
            _error: PhantomData,
        }
    }
}

impl Drop for Verdict<'_> {
    fn drop(&mut self) {
        HERE.with(|here| here.verdict.set(self.before));
    }
}

/// An answer on its way to the actor that asked.
struct Answer<R>(PhantomData<R>);

impl<R: Send + 'static> Record for Answer<R> {
    type Message = (Key, R);
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Own;

    fn name() -> &'static str {
        std::any::type_name::<R>()
    }

    unsafe fn run((key, reply): (Key, R), actor: *mut (), here: &Local, slot: u32) {
        let mut reply = std::mem::ManuallyDrop::new(reply);
        let is_awaited = here.take_once(key, slot, |pending| {
            // SAFETY: the serial says that this is the request that the token was made for, so the
            // closure takes an `R`, and moves it out.
            unsafe { pending.call(actor, (&raw mut reply).cast(), here, slot) }
        });
        if !is_awaited {
            here.token_came(key, slot);
            here.note_late(slot, Self::name());
            drop(std::mem::ManuallyDrop::into_inner(reply));
        }
    }
}

/// A failed request on its way to the actor that asked.
struct Failure;

impl Record for Failure {
    type Message = (Key, RequestError);
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Own;

    fn name() -> &'static str {
        std::any::type_name::<RequestError>()
    }

    unsafe fn run((key, error): Self::Message, actor: *mut (), here: &Local, slot: u32) {
        let is_awaited = here.take_once(key, slot, |pending| {
            // SAFETY: the actor is the one that asked: the key belongs to its slot's instance.
            unsafe { pending.fail(actor, error, here, slot) }
        });
        if !is_awaited {
            here.token_came(key, slot);
        }
    }
}

/// The closure of a pending request.
struct Pending<A, Q, F>(F, PhantomData<fn(A, Q)>);

impl<A, Q, F> Pending<A, Q, F>
where
    A: Actor,
    Q: Request,
    F: FnOnce(&mut A, Result<Q::Reply, RequestError>, &mut Context<A>) + 'static,
{
    const TABLE: &'static Table = &Table {
        call: Self::call,
        repeat: None,
        fail: Some(Self::fail),
        asks: Some(std::any::type_name::<Q>),
        trivial: false, // its token is not
        drop: drop_of::<Self>(),
        free: if fits::<Self>() {
            None
        } else {
            Some(free_box::<Self>)
        },
    };

    unsafe fn call(this: *mut (), actor: *mut (), reply: *mut (), here: &Local, slot: u32) {
        // SAFETY: the table belongs to `Self`; `reply` is a reply to `Q` to move out.
        let (this, reply) =
            unsafe { (this.cast::<Self>().read(), reply.cast::<Q::Reply>().read()) };
        // SAFETY: as in `Typed::call`.
        unsafe { Self::then(this.0, actor, Ok(reply), here, slot) }
    }

    unsafe fn fail(this: *mut (), actor: *mut (), error: RequestError, here: &Local, slot: u32) {
        // SAFETY: the table belongs to `Self`.
        let this = unsafe { this.cast::<Self>().read() };
        // SAFETY: as in `Typed::call`.
        unsafe { Self::then(this.0, actor, Err(error), here, slot) }
    }

    unsafe fn then(
        then: F,
        actor: *mut (),
        result: Result<Q::Reply, RequestError>,
        here: &Local,
        slot: u32,
    ) {
        // SAFETY: the caller passes the live instance, an `A`.
        let actor = unsafe { &mut *actor.cast::<A>() };
        then(actor, result, &mut Context::new(here, slot));
    }
}

/// Sends a request for the actor in `slot`; `then` is called in its context.
pub(crate) fn request<A: Actor, Q: Request>(
    here: &Local,
    slot: u32,
    to: Recipient<Ask<Q>>,
    request: Q,
    limit: Duration,
    then: impl FnOnce(&mut A, Result<Q::Reply, RequestError>, &mut Context<A>) + 'static,
) -> Key {
    fn add<A, Q, F>(here: &Local, slot: u32, then: F, limit: Duration) -> Key
    where
        A: Actor,
        Q: Request,
        F: FnOnce(&mut A, Result<Q::Reply, RequestError>, &mut Context<A>) + 'static,
    {
        let pending = Pending::<A, Q, F>(then, PhantomData);
        here.add_once(slot, pending, Pending::<A, Q, F>::TABLE, limit)
    }
    let gate = to.address().gate();
    here.peer_with(gate);
    let key = add::<A, Q, _>(here, slot, then, limit);
    let token = Token {
        asker: here.address_of(slot),
        key,
    };
    here.note_request(key, gate);
    to.send(Ask {
        request,
        reply: ReplyTo {
            target: Target::Actor(token, PhantomData),
        },
    });
    key
}

/// A request on its way, as a future of its answer. `Send`; made by [`Addr::ask`](crate::Addr::ask).
///
/// Dropping it gives the answer up.
///
/// ```
/// use rotor_core::{*, sim::Sim};
/// use std::time::Duration;
/// struct Sum(u32, u32);
/// impl Request for Sum { type Reply = u32; }
/// struct Adder;
/// impl Actor for Adder {}
/// impl Handler<Ask<Sum>> for Adder {
///     fn handle(&mut self, ask: Ask<Sum>, _: &mut Context<Self>) {
///         let Sum(a, b) = ask.request;
///         ask.reply(a + b);
///     }
/// }
/// # fn main() -> Result<(), StartError> {
/// let mut sim = Sim::new(1);
/// let adder = sim.locality("here").reserve();
/// sim.start(Supervisor::one_for_one("app").child(Child::new("adder", || Adder).at(adder)))?;
/// let sum: Asking<u32> = adder.ask(Sum(2, 3), Duration::from_secs(1));
/// assert!(matches!(sim.block_on(sum), Some(Ok(5))));
/// # Ok(())
/// # }
/// ```
#[must_use = "a future does nothing unless awaited; the request is on its way already"]
pub struct Asking<R> {
    cell: Arc<AskCell<R>>,
}

struct AskCell<R> {
    state: Mutex<AskState<R>>,
}

enum AskState<R> {
    Waiting(Option<Waker>),
    Done(Result<R, RequestError>),
    Taken,
}

/// What a request's limit and a dropped token need of it.
pub(crate) trait Refuse: Send + Sync {
    fn refuse(&self, error: RequestError);
    fn is_done(&self) -> bool;
}

impl<R> AskCell<R> {
    fn complete(&self, result: Result<R, RequestError>) {
        let mut state = lock(&self.state);
        let before = match &*state {
            AskState::Waiting(_) => std::mem::replace(&mut *state, AskState::Done(result)),
            AskState::Done(_) | AskState::Taken => {
                drop(state);
                return drop(result);
            }
        };
        drop(state);
        // A waker is foreign code: it runs when nothing is locked.
        if let AskState::Waiting(Some(waker)) = before {
            // A panic of it is not one of whoever answers.
            let _ = here::guard(|| waker.wake());
        }
    }
}

impl<R: Send> Refuse for AskCell<R> {
    fn refuse(&self, error: RequestError) {
        self.complete(Err(error));
    }

    fn is_done(&self) -> bool {
        let state = lock(&self.state);
        !matches!(*state, AskState::Waiting(_))
    }
}

impl<R: Send + 'static> Asking<R> {
    pub(crate) fn start<Q: Request<Reply = R>>(
        to: Recipient<Ask<Q>>,
        request: Q,
        limit: Duration,
    ) -> Self {
        let asking = Self::send(to, request);
        // Not by who is asked, if possible: that one may be stuck, or end.
        let keeper = here::running_gate().unwrap_or(to.address().gate());
        if limit < Duration::MAX {
            AskLimit::post(keeper, asking.cell.clone(), limit);
        }
        asking
    }

    /// Sends a request whose limit somebody else keeps.
    fn send<Q: Request<Reply = R>>(to: Recipient<Ask<Q>>, request: Q) -> Self {
        let (asking, reply) = Self::promised();
        to.send(Ask { request, reply });
        asking
    }

    /// A future of an answer, and the token that gives it.
    pub(crate) fn promised() -> (Self, ReplyTo<R>) {
        let cell = Arc::new(AskCell {
            state: Mutex::new(AskState::Waiting(None)),
        });
        let reply = ReplyTo {
            target: Target::Future(Some(cell.clone())),
        };
        (Asking { cell }, reply)
    }

    /// Blocks this thread until the answer is there, or the limit has passed.
    fn wait(mut self, limit: Duration) -> Result<R, RequestError> {
        // None is beyond the end of time.
        let until = Instant::now().checked_add(limit);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            if let Poll::Ready(result) =
                Pin::new(&mut self).poll(&mut TaskContext::from_waker(&waker))
            {
                return result;
            }
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Err(RequestError::Timeout),
                Some(left) => std::thread::park_timeout(left),
                None => std::thread::park(),
            }
        }
    }
}

/// Wakes a thread that parks.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Asks from a plain thread and waits there for the answer.
pub(crate) fn ask_blocking<Q: Request>(
    to: Recipient<Ask<Q>>,
    request: Q,
    limit: Duration,
) -> Result<Q::Reply, RequestError> {
    if here::in_turn() || with_local(to.address().gate(), |local| local.is_some()) {
        return Err(RequestError::WouldDeadlock);
    }
    Asking::send(to, request).wait(limit)
}

impl<R> Future for Asking<R> {
    type Output = Result<R, RequestError>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        // Cloned and dropped while nothing is locked: a waker is foreign code.
        let waker = cx.waker().clone();
        let mut state = lock(&self.cell.state);
        match &mut *state {
            AskState::Waiting(old) => {
                let old = old.replace(waker);
                drop(state);
                drop(old);
                Poll::Pending
            }
            AskState::Done(_) => match std::mem::replace(&mut *state, AskState::Taken) {
                AskState::Done(result) => Poll::Ready(result),
                _ => unreachable!("matched above"),
            },
            AskState::Taken => {
                drop(state);
                panic!("`Asking` polled after it was ready")
            }
        }
    }
}

impl<R> Drop for Asking<R> {
    fn drop(&mut self) {
        let mut state = lock(&self.cell.state);
        let before = std::mem::replace(&mut *state, AskState::Taken);
        drop(state);
        drop(before);
    }
}

/// Names a pending request; for [`Context::cancel`].
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// struct Find(String);
/// impl Request for Find { type Reply = Vec<String>; }
/// struct Entry { index: Recipient<Ask<Find>>, open: Option<PendingRequest>, shown: Vec<String> }
/// impl Actor for Entry {}
/// impl Handler<String> for Entry {
///     fn handle(&mut self, text: String, cx: &mut Context<Self>) {
///         let limit = Duration::from_secs(5);
///         let now = cx.request_from(self.index, Find(text), limit, |me, found, _| {
///             me.shown = found.unwrap_or_default();
///         });
///         if let Some(before) = self.open.replace(now) {
///             cx.cancel(before); // nobody wants to see that answer any more
///         }
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let entry = sim.locality("here").reserve();
/// # let probe = sim.probe();
/// # let index = probe.recipient();
/// # sim.start(Supervisor::one_for_one("app")
/// #     .child(Child::new("entry", move || Entry { index, open: None, shown: Vec::new() }).at(entry)))?;
/// # entry.send("ro".to_owned());
/// # entry.send("rotor".to_owned());
/// # sim.run_until_idle();
/// # for ask in probe.take() {
/// #     let text = ask.request.0.clone();
/// #     ask.reply(vec![text]);
/// #     sim.run_until_idle();
/// # }
/// # assert_eq!(sim.with(entry, |entry| entry.shown.clone()), Some(vec!["rotor".to_owned()]));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PendingRequest(pub(crate) Key);

impl From<PendingRequest> for Key {
    fn from(pending: PendingRequest) -> Key {
        pending.0
    }
}

/// Tells an asker of this locality that its request failed, through the queue.
pub(crate) fn fail_later(here: &Local, slot: u32, key: Key, error: RequestError) {
    Failure::push(here.address_of(slot), (key, error));
}
