//! What a handler can do: the context of the instance whose code runs.

#![expect(unsafe_code)]

use std::any::Any;
use std::borrow::Cow;
use std::future::Future;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::actor::{Actor, TryHandler};
use crate::address::{Addr, Address};
use crate::child::Child;
use crate::error::{Error, StartError};
use crate::exit::{Exit, ExitReason};
use crate::find::{self, Patience};
use crate::hold::Hold;
use crate::link::{self, Unlink};
use crate::locality::{Local, Locality};
use crate::many;
use crate::message::Request;
use crate::monitor::{self, Down};
use crate::name::{Name, NameError};
use crate::notifier::Notifier;
use crate::recipient::Recipient;
use crate::request::{self, Ask, PendingRequest, RequestError};
use crate::slot::Parent;
use crate::task::{self, Task};
use crate::things::{Body, Every, Key};
use crate::timer::{self, Missed, Timer, nanos};
use crate::topic::{self, Topic};

/// The instance whose code runs now: its address, its locality, and what it can do.
///
/// Given to every handler, hook and factory; it cannot be kept, made or sent:
///
/// ```compile_fail,E0277
/// use rotor_core::*;
/// struct Mine;
/// impl Actor for Mine {}
/// fn elsewhere(cx: &mut Context<Mine>) {
///     std::thread::scope(|s| {
///         s.spawn(|| cx.stop()); // `Context` is not `Send`
///     });
/// }
/// ```
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// struct Ring;
/// struct Timed;
/// impl Actor for Timed {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         cx.after(Duration::from_secs(5), Ring); // needs nothing but the context
///         Ok(())
///     }
/// }
/// impl Handler<Ring> for Timed {
///     fn handle(&mut self, _: Ring, cx: &mut Context<Self>) { cx.stop() }
/// }
/// # let mut sim = Sim::new(1);
/// # let timed = sim.locality("here").reserve();
/// # sim.start(Supervisor::one_for_one("app")
/// #     .child(Child::new("timed", || Timed).at(timed).transient()))?;
/// # sim.run_for(Duration::from_secs(5));
/// # assert_eq!(timed.address().state(), Lifecycle::Down);
/// # Ok::<_, StartError>(())
/// ```
pub struct Context<A> {
    here: NonNull<Local>,
    slot: u32,
    actor: PhantomData<fn(A)>,
}

impl<A: Actor> Context<A> {
    #[inline(always)]
    pub(crate) fn new(here: &Local, slot: u32) -> Self {
        Context {
            here: NonNull::from(here),
            slot,
            actor: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn here(&self) -> &Local {
        // SAFETY: contexts are made on the stack of a slice, which keeps its locality, and are lent
        // to user code as `&mut Context`: no way leads out.
        unsafe { self.here.as_ref() }
    }

    /// The actor's own address.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Countdown(u32);
    /// struct Next;
    /// impl Actor for Countdown {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.addr().send(Next); // handled after the start, in its turn
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Next> for Countdown {
    ///     fn handle(&mut self, _: Next, cx: &mut Context<Self>) {
    ///         self.0 -= 1;
    ///         if self.0 == 0 { cx.stop() } else { cx.addr().send(Next) }
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("countdown", || Countdown(3)).transient().significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn addr(&self) -> Addr<A> {
        Addr::new(self.here().address_of(self.slot))
    }

    /// The locality that runs the actor.
    ///
    /// An address for a child that other children are to know:
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// struct Parser { out: Addr<Printer> }
    /// impl Actor for Parser {}
    /// struct Printer;
    /// impl Actor for Printer {}
    /// struct Shell;
    /// impl Actor for Shell {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let printer = cx.locality().reserve();
    ///         cx.child(Child::new("parser", move || Parser { out: printer }));
    ///         cx.child(Child::new("printer", || Printer).at(printer));
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("shell", || Shell)))?;
    /// # sim.run_until_idle();
    /// # assert_eq!(app.tree().nodes.len(), 4);
    /// # let _ = |parser: Parser| parser.out;
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn locality(&self) -> &Locality {
        &self.here().locality
    }

    /// The supervisor that has started the actor; `None` once its locality is lost.
    ///
    /// It serves requests when no start or stop of its children is under way: one that is asked in
    /// [`start`](Actor::start) answers when that is over, so do not hold the start for the answer.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Clone;
    /// struct Cell { n: u32 }
    /// impl Actor for Cell {}
    /// impl Handler<Clone> for Cell {
    ///     fn handle(&mut self, _: Clone, cx: &mut Context<Self>) {
    ///         let n = self.n + 1;
    ///         let start = StartChild::new(move || Child::new(format!("cell {n}"), move || Cell { n }));
    ///         let Some(parent) = cx.supervisor() else { return };
    ///         cx.request_from(parent.admin(), start, std::time::Duration::MAX, |_, _, _| ());
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let cell = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("cell 1", || Cell { n: 1 }).at(cell)))?;
    /// # cell.send(Clone);
    /// # sim.run_until_idle();
    /// # assert_eq!(app.tree().nodes[2].name, "cell 2");
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn supervisor(&self) -> Option<Address> {
        self.here().seat(self.slot, |seat| match seat.parent {
            Parent::Actor { address, .. } => Some(address),
            _ => None,
        })
    }

    /// The time of the driver's clock, read at the beginning of the slice or later.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::{Duration, Instant};
    /// struct Lap;
    /// struct Stopwatch { since: Option<Instant>, laps: Vec<Duration> }
    /// impl Actor for Stopwatch {}
    /// impl Handler<Lap> for Stopwatch {
    ///     fn handle(&mut self, _: Lap, cx: &mut Context<Self>) {
    ///         if let Some(since) = self.since.replace(cx.now()) {
    ///             self.laps.push(cx.now() - since);
    ///         }
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let watch = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("watch", || Stopwatch { since: None, laps: Vec::new() }).at(watch)))?;
    /// watch.send(Lap);
    /// sim.run_for(Duration::from_secs(90)); // no time passes: in tests it is the simulation's
    /// watch.send(Lap);
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(watch, |w| w.laps.clone()), Some(vec![Duration::from_secs(90)]));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn now(&self) -> Instant {
        let here = self.here();
        here.clock.instant(here.now.get())
    }

    /// Ends the instance after this handler, with [`Exit::normal`]. Queued messages stay for the
    /// next instance, if there is one.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Countdown(u32);
    /// impl Actor for Countdown {}
    /// impl Handler<()> for Countdown {
    ///     fn handle(&mut self, _: (), cx: &mut Context<Self>) {
    ///         self.0 -= 1;
    ///         if self.0 == 0 {
    ///             cx.stop(); // the work is done
    ///         }
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let down = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("countdown", || Countdown(2)).at(down).transient()))?;
    /// down.send(());
    /// down.send(());
    /// sim.run_until_idle();
    /// assert_eq!(down.address().state(), Lifecycle::Down);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn stop(&mut self) {
        self.here().exit_after(self.slot, Exit::normal());
    }

    /// Ends the instance after this handler, with this exit. In [`Actor::stop`] it replaces the
    /// reason of the stop.
    ///
    /// The first exit that an instance says counts; an order to stop that came before is first, unless
    /// this exit is a failure. A panic is not hidden by what was said before it: a failure is its
    /// [`cause`](Exit::cause) then. An abnormal exit that is said before [`Actor::start`] returns makes the
    /// start fail.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Job;
    /// impl Actor for Job {}
    /// impl Handler<&'static str> for Job {
    ///     fn handle(&mut self, why: &'static str, cx: &mut Context<Self>) {
    ///         cx.stop_with(Exit::shutdown_with(why)); // for whoever reads the exit
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let job = sim.locality("here").reserve();
    /// let app = sim.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("job", || Job).at(job).transient().significant()))?;
    /// job.send("no input is left");
    /// sim.run_until_idle();
    /// let exit = app.tree().ended.unwrap();
    /// assert_eq!(exit.to_string(), "shutdown, because job ended: shutdown: no input is left");
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn stop_with(&mut self, exit: Exit) {
        self.here().exit_after(self.slot, exit);
    }

    /// Ends the instance after this handler, as if it had returned the error; in [`Actor::start`],
    /// too.
    ///
    /// Where there is no `?`, as in a closure:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Price;
    /// impl Request for Price { type Reply = u32; }
    /// # struct Shop;
    /// # impl Actor for Shop {}
    /// # impl Handler<Ask<Price>> for Shop { fn handle(&mut self, ask: Ask<Price>, _: &mut Context<Self>) { drop(ask) } }
    /// struct Till { shop: Addr<Shop>, price: u32 }
    /// impl Actor for Till {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.request(self.shop, Price, Duration::from_secs(1), |me, answer, cx| match answer {
    ///             Ok(price) => me.price = price,
    ///             Err(error) => cx.fail(error), // its supervisor decides
    ///         });
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let shop = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("shop", || Shop).at(shop))
    /// #     .child(Child::new("till", move || Till { shop, price: 0 })))?;
    /// # sim.run_until_idle();
    /// # let exit = app.tree().ended.unwrap();
    /// # assert_eq!(exit.root_cause().to_string(), "failed: the request was dropped unanswered");
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn fail(&mut self, error: impl Into<Error>) {
        self.here().fail(self.slot, Exit::failed(error));
    }

    /// Sends the actor a message after `delay`.
    ///
    /// It never comes early, and not within a handler: a delay of zero goes through the queue, too.
    /// Timers that are due at the same time fire in the order in which they were made. A timer ends
    /// with its instance.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Retry;
    /// struct Sender { tries: u32 }
    /// impl Actor for Sender {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.after(Duration::from_secs(10), Retry);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Retry> for Sender {
    ///     fn handle(&mut self, _: Retry, _: &mut Context<Self>) { self.tries += 1 }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let sender = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("sender", || Sender { tries: 0 }).at(sender)))?;
    /// sim.run_for(Duration::from_secs(9));
    /// assert_eq!(sim.with(sender, |sender| sender.tries), Some(0));
    /// sim.run_for(Duration::from_secs(1));
    /// assert_eq!(sim.with(sender, |sender| sender.tries), Some(1));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn after<M: 'static>(&mut self, delay: Duration, message: M) -> Timer
    where
        A: TryHandler<M>,
    {
        Timer(timer::after::<A, M>(self.here(), self.slot, message, delay))
    }

    /// Sends the actor a clone of the message every `period`, first after one period.
    ///
    /// Ticks that are missed because the locality is busy are skipped, and the rhythm is kept;
    /// [`every_with`](Self::every_with) does it otherwise. A period of zero counts as one nanosecond: on a
    /// real loop the actor is then told as often as that turns, but a [simulation](crate::sim::Sim::run_for)
    /// goes through every nanosecond, and in effect does not end.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// #[derive(Clone)] struct Frame;
    /// struct Animation { frames: u32 }
    /// impl Actor for Animation {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.every(Duration::from_millis(40), Frame);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Frame> for Animation {
    ///     fn handle(&mut self, _: Frame, _: &mut Context<Self>) { self.frames += 1 }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let animation = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("animation", || Animation { frames: 0 }).at(animation)))?;
    /// sim.run_for(Duration::from_secs(2));
    /// assert_eq!(sim.with(animation, |a| a.frames), Some(50));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn every<M: Clone + 'static>(&mut self, period: Duration, message: M) -> Timer
    where
        A: TryHandler<M>,
    {
        self.every_with(period, Missed::Skip, message)
    }

    /// Sends the actor a clone of the message every `period`, as [`every`](Self::every) does, and says
    /// what becomes of ticks that are late.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// #[derive(Clone)] struct Second;
    /// struct Clock { seconds: u32 }
    /// impl Actor for Clock {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.every_with(Duration::from_secs(1), Missed::Burst, Second); // none is lost
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Second> for Clock {
    ///     fn handle(&mut self, _: Second, _: &mut Context<Self>) { self.seconds += 1 }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let clock = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("clock", || Clock { seconds: 0 }).at(clock)))?;
    /// sim.run_for(Duration::from_secs(60));
    /// assert_eq!(sim.with(clock, |clock| clock.seconds), Some(60));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn every_with<M: Clone + 'static>(
        &mut self,
        period: Duration,
        missed: Missed,
        message: M,
    ) -> Timer
    where
        A: TryHandler<M>,
    {
        let here = self.here();
        let period = nanos(period).max(1);
        // The rhythm starts with a fresh clock: a long handler must not make the first tick early.
        let now = here.clock.nanos();
        let first = now.saturating_add(period);
        let every = Every {
            value: timer::every::<A, M>(message),
            period,
            last: first,
            missed,
        };
        let key = here.add_thing(self.slot, Body::Every(Box::new(every)));
        let mut things = here.things.borrow_mut();
        things.stamp(now); // of one deadline, those that were made before come first
        things.arm_at(key, first);
        Timer(key)
    }

    /// Cancels a timer, a task, a pending request, a monitor or a wait for a name of this instance.
    /// True if it was still open; then nothing of it is seen any more, even if it is queued already.
    /// Whoever has a request that is cancelled sees it by
    /// [`Ask::is_cancelled`](crate::Ask::is_cancelled).
    ///
    /// A pause after the last key, not after each:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Key;
    /// struct Search;
    /// #[derive(Default)] struct Entry { pause: Option<Timer>, searches: u32 }
    /// impl Actor for Entry {}
    /// impl Handler<Key> for Entry {
    ///     fn handle(&mut self, _: Key, cx: &mut Context<Self>) {
    ///         let next = cx.after(Duration::from_millis(300), Search);
    ///         if let Some(last) = self.pause.replace(next) {
    ///             cx.cancel(last);
    ///         }
    ///     }
    /// }
    /// impl Handler<Search> for Entry {
    ///     fn handle(&mut self, _: Search, _: &mut Context<Self>) { self.searches += 1 }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let entry = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("entry", Entry::default).at(entry)))?;
    /// # for _ in 0..3 {
    /// #     entry.send(Key);
    /// #     sim.run_for(Duration::from_millis(100));
    /// # }
    /// # sim.run_for(Duration::from_secs(1));
    /// # assert_eq!(sim.with(entry, |entry| entry.searches), Some(1));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn cancel(&mut self, what: impl Into<Key>) -> bool {
        let (here, key) = (self.here(), what.into());
        if here.forget_thing(key, self.slot) {
            return true;
        }
        let body = here.remove_thing(key, self.slot);
        match &body {
            Some(Body::Once(once)) if once.has_token() => here.give_up(key, self.slot),
            Some(Body::Link(linked)) => here.forget_asker(self.slot, linked.service()),
            _ => {}
        }
        body.is_some()
    }

    /// Asks another actor; `then` is called in this actor's context, exactly once unless the
    /// request is cancelled or the instance ends.
    ///
    /// Errors: [`Timeout`](RequestError::Timeout) after `limit`, [`Ended`](RequestError::Ended) if
    /// the other actor ends first, [`Dropped`](RequestError::Dropped) if it drops the request,
    /// [`Full`](RequestError::Full), [`Gone`](RequestError::Gone). A request to an actor that has not started
    /// yet, or is being restarted, waits for it. Do not [hold](Self::hold) a start for the answer of a sibling
    /// that is declared later: it starts after this one.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Weather(&'static str);
    /// impl Request for Weather { type Reply = i8; }
    /// struct Station;
    /// impl Actor for Station {}
    /// impl Handler<Ask<Weather>> for Station {
    ///     fn handle(&mut self, ask: Ask<Weather>, _: &mut Context<Self>) {
    ///         let degrees = if ask.request.0 == "Oslo" { -4 } else { 20 };
    ///         ask.reply(degrees);
    ///     }
    /// }
    /// struct Display { station: Addr<Station>, text: String }
    /// impl Actor for Display {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.request(self.station, Weather("Oslo"), Duration::from_secs(1), |me, answer, _| {
    ///             me.text = match answer { // later, in a call of its own
    ///                 Ok(degrees) => format!("{degrees} degrees"),
    ///                 Err(error) => error.to_string(), // in any case within a second
    ///             };
    ///         });
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (station, display) = (here.reserve(), here.reserve());
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("station", || Station).at(station))
    /// #     .child(Child::new("display", move || Display { station, text: String::new() }).at(display)))?;
    /// # sim.run_until_idle();
    /// # assert_eq!(sim.with(display, |d| d.text.clone()), Some("-4 degrees".to_owned()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn request<B, Q>(
        &mut self,
        to: Addr<B>,
        question: Q,
        limit: Duration,
        then: impl FnOnce(&mut A, Result<Q::Reply, RequestError>, &mut Context<A>) + 'static,
    ) -> PendingRequest
    where
        Q: Request,
        B: TryHandler<Ask<Q>>,
    {
        self.request_from(to.to(), question, limit, then)
    }

    /// [`request`](Self::request) through a recipient.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// struct Price(&'static str);
    /// impl Request for Price { type Reply = u64; }
    /// struct Till { prices: Recipient<Ask<Price>>, sum: u64 }
    /// impl Actor for Till {}
    /// impl Handler<&'static str> for Till {
    ///     fn handle(&mut self, what: &'static str, cx: &mut Context<Self>) {
    ///         let limit = Duration::from_secs(1);
    ///         let asked: PendingRequest =
    ///             cx.request_from(self.prices, Price(what), limit, |me, price, _| {
    ///                 me.sum += price.unwrap_or(0);
    ///             });
    ///         let _ = asked; // for `cx.cancel`
    ///     }
    /// }
    /// ```
    pub fn request_from<Q: Request>(
        &mut self,
        to: Recipient<Ask<Q>>,
        question: Q,
        limit: Duration,
        then: impl FnOnce(&mut A, Result<Q::Reply, RequestError>, &mut Context<A>) + 'static,
    ) -> PendingRequest {
        PendingRequest(request::request(
            self.here(),
            self.slot,
            to,
            question,
            limit,
            then,
        ))
    }

    /// Runs a future in the locality, on every backend; `then` gets its output in this actor's
    /// context.
    ///
    /// The future need not be `Send`. It is polled between messages, never inside a handler, and
    /// ends with the instance. A panic in it is a panic of the actor, or an output, by
    /// [`catch_panic`](crate::catch_panic). It may be a [job](Locality::job) for another thread;
    /// [`spawn_each`](Self::spawn_each) runs the futures of a list, so many at a time.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Fetch(u32);
    /// impl Request for Fetch { type Reply = u32; }
    /// # struct Store;
    /// # impl Actor for Store {}
    /// # impl Handler<Ask<Fetch>> for Store {
    /// #     fn handle(&mut self, ask: Ask<Fetch>, _: &mut Context<Self>) { let n = ask.request.0; ask.reply(2 * n) }
    /// # }
    /// struct Sum { store: Addr<Store>, sum: u32 }
    /// impl Actor for Sum {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let (store, limit) = (self.store, Duration::from_secs(1));
    ///         let fetch = async move { // several steps, one after the other
    ///             let first = store.ask(Fetch(1), limit).await?;
    ///             store.ask(Fetch(first), limit).await
    ///         };
    ///         cx.spawn(fetch, |me, output, cx| match output {
    ///             Ok(n) => me.sum += n,
    ///             Err(error) => cx.fail(error),
    ///         });
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (store, sum) = (here.reserve(), here.reserve());
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("store", || Store).at(store))
    /// #     .child(Child::new("sum", move || Sum { store, sum: 0 }).at(sum)))?;
    /// # sim.run_until_idle();
    /// # assert_eq!(sim.with(sum, |sum| sum.sum), Some(4));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn spawn<F: Future + 'static>(
        &mut self,
        future: F,
        then: impl FnOnce(&mut A, F::Output, &mut Context<A>) + 'static,
    ) -> Task {
        task::spawn(self.here(), self.slot, future, then)
    }

    /// Runs the futures of a list in the locality, at most `most` at a time; `then` gets each output as
    /// it comes, in this actor's context, and `None` when there are no more.
    ///
    /// A future is taken from the list when there is room for it. It is boxed, and polled only when
    /// it was woken itself. All of them end with the instance; [`cancel`](Self::cancel) ends all of
    /// them, too. A panic in one of them is a panic of the actor, or an output, by
    /// [`catch_panic`](crate::catch_panic). A limit of zero counts as one.
    ///
    /// Files that are read on a thread of its own, two of which are asked for at a time:
    /// ```
    /// use rotor_core::*;
    /// use std::{fs, path::PathBuf};
    /// struct Index { disk: Locality, bytes: usize }
    /// impl Actor for Index {}
    /// impl Handler<Vec<PathBuf>> for Index {
    ///     fn handle(&mut self, paths: Vec<PathBuf>, cx: &mut Context<Self>) {
    ///         let disk = self.disk.clone();
    ///         let reads = paths.into_iter().map(move |path| disk.job(move || fs::read(path)));
    ///         cx.spawn_each(2, reads, |me, read, cx| match read {
    ///             Some(Ok(Ok(text))) => me.bytes += text.len(),
    ///             Some(Ok(Err(error))) => println!("{error}"), // of the file
    ///             Some(Err(error)) => cx.fail(error), // a panic there, or the thread has ended
    ///             None => {
    ///                 println!("{} bytes", me.bytes);
    ///                 cx.stop();
    ///             }
    ///         });
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let main = ThreadLoop::new();
    /// # let index = main.locality().reserve();
    /// # index.send(vec!["Cargo.toml".into(), "src/lib.rs".into(), "no such file".into()]);
    /// let disk = ThreadLoop::spawn("disk")?;
    /// let child = Child::new("index", move || Index { disk: disk.clone(), bytes: 0 });
    /// # let child = child.at(index);
    /// main.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(child.transient().significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn_each<F: Future + 'static>(
        &mut self,
        most: usize,
        futures: impl IntoIterator<Item = F, IntoIter: 'static>,
        then: impl FnMut(&mut A, Option<F::Output>, &mut Context<A>) + 'static,
    ) -> Task {
        let list = futures.into_iter();
        many::spawn_each((self.here(), self.slot), (most, false), list, then)
    }

    /// [`spawn_each`](Self::spawn_each) with the outputs in the order of the list. One that has to wait
    /// for others before it counts as running.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Page(u32);
    /// impl Request for Page { type Reply = String; }
    /// # struct Store;
    /// # impl Actor for Store {}
    /// # impl Handler<Ask<Page>> for Store {
    /// #     fn handle(&mut self, ask: Ask<Page>, _: &mut Context<Self>) { let n = ask.request.0; ask.reply(n.to_string()) }
    /// # }
    /// struct Book { store: Addr<Store>, text: String }
    /// impl Actor for Book {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let store = self.store;
    ///         let pages = (1..=9).map(move |n| store.ask(Page(n), Duration::from_secs(1)));
    ///         cx.spawn_each_in_order(3, pages, |me, page, cx| match page {
    ///             Some(Ok(page)) => me.text += &page,
    ///             Some(Err(error)) => cx.fail(error),
    ///             None => {} // the book is complete
    ///         });
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (store, book) = (here.reserve(), here.reserve());
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("store", || Store).at(store))
    /// #     .child(Child::new("book", move || Book { store, text: String::new() }).at(book)))?;
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(book, |book| book.text.clone()), Some("123456789".to_owned()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn spawn_each_in_order<F: Future + 'static>(
        &mut self,
        most: usize,
        futures: impl IntoIterator<Item = F, IntoIter: 'static>,
        then: impl FnMut(&mut A, Option<F::Output>, &mut Context<A>) + 'static,
    ) -> Task {
        let list = futures.into_iter();
        many::spawn_each((self.here(), self.slot), (most, true), list, then)
    }

    /// Keeps the start (in [`Actor::start`] or a factory) or the stop open until the hold is dropped,
    /// under the child's limit.
    ///
    /// One that an actor takes while it runs is about the stop that may come: the hook is called then
    /// and messages are refused, but children and state stay until what was begun is done. Given back
    /// before, it delays nothing. In a [`Hook`](crate::Hook) that is asked about a message it is about
    /// that message, and in a start that is called off it is forgotten.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Ready;
    /// struct Device { warming: Option<Hold> }
    /// impl Actor for Device {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         self.warming = Some(cx.hold("warming up"));
    ///         cx.after(std::time::Duration::from_secs(2), Ready);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Ready> for Device {
    ///     fn handle(&mut self, _: Ready, _: &mut Context<Self>) {
    ///         self.warming = None; // operational: the next child starts
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let device = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("device", || Device { warming: None }).at(device)))?;
    /// # sim.run_until_idle();
    /// # assert_eq!(app.tree().nodes[1].holds, ["warming up"]);
    /// # assert_eq!(device.address().state(), Lifecycle::Starting);
    /// # sim.run_for(std::time::Duration::from_secs(2));
    /// # assert_eq!(device.address().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    ///
    /// A payment that was begun is not cut off:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Pay;
    /// struct Till { paid: u32 }
    /// impl Actor for Till {}
    /// impl Handler<Pay> for Till {
    ///     fn handle(&mut self, _: Pay, cx: &mut Context<Self>) {
    ///         let hold = cx.hold("a payment");
    ///         let bank = async { /* talk to it here */ };
    ///         cx.spawn(bank, |me, (), _| {
    ///             me.paid += 1;
    ///             drop(hold);
    ///         });
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let till = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("till", || Till { paid: 0 }).at(till).transient()))?;
    /// till.send(Pay);
    /// # sim.run_until_idle();
    /// till.stop(); // now or a moment later
    /// # sim.run_until_idle();
    /// # assert_eq!(till.address().state(), Lifecycle::Down);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn hold(&mut self, why: impl Into<Cow<'static, str>>) -> Hold {
        Hold::told(self.here(), self.slot, why.into())
    }

    /// Keeps the start or the stop open, as [`hold`](Self::hold) does, but for at most this long: then
    /// it goes on as if the hold was dropped.
    ///
    /// For what is worth to wait for, up to a point. The limit of the child holds as well, and removes
    /// by force.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Statistics { upload: Option<Hold> }
    /// impl Actor for Statistics {
    ///     fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
    ///         self.upload = Some(cx.hold_within("upload", Duration::from_secs(2)));
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let statistics = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("statistics", || Statistics { upload: None }).at(statistics).transient()))?;
    /// # sim.run_until_idle();
    /// statistics.stop();
    /// sim.run_for(Duration::from_secs(1));
    /// assert_eq!(statistics.address().state(), Lifecycle::Stopping);
    /// sim.run_for(Duration::from_secs(1));
    /// assert_eq!(statistics.address().state(), Lifecycle::Down); // in order, with what it had
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn hold_within(&mut self, why: impl Into<Cow<'static, str>>, limit: Duration) -> Hold {
        Hold::within(self.here(), self.slot, why.into(), limit)
    }

    /// Waits for an actor with this name, as long as it takes; `then` gets its address, in this
    /// actor's context.
    ///
    /// A name that is there already is found after this handler. In [`Actor::start`] and in a factory
    /// it keeps the start open until `then` has returned, under the child's limit; a start that waits
    /// for nothing but names of children that start after it fails at once, with
    /// [`ExitReason::Stalled`]. If the owner is no `B`, or nobody can have the name, this instance ends
    /// with [`ExitReason::Name`]. The wait ends with the instance, or by [`cancel`](Self::cancel).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Store;
    /// impl Actor for Store {}
    /// const STORE: Name<Store> = Name::new("store");
    /// struct Session { store: Option<Addr<Store>> }
    /// impl Actor for Session {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.find(STORE, |me, store, _| me.store = Some(store)); // the start waits for it
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let session = sim.locality("here").reserve();
    /// sim.start(Supervisor::rest_for_one("app")
    ///     .child(Child::new("store", || Store).named(STORE))
    ///     .child(Child::new("session", || Session { store: None }).at(session)))?;
    /// sim.run_until_idle();
    /// assert!(sim.with(session, |session| session.store.is_some()).unwrap());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn find<B: Actor>(
        &mut self,
        name: Name<B>,
        then: impl FnOnce(&mut A, Addr<B>, &mut Context<A>) + 'static,
    ) -> Key {
        let then = |me: &mut A, found, cx: &mut Context<A>| match found {
            Ok(addr) => then(me, addr, cx),
            Err(error) => {
                // As with links, not a failure on a message: the answer is one of this library.
                let exit = Exit::of(ExitReason::Name(error));
                cx.here().exit_after(cx.slot, exit);
            }
        };
        find::find(self.here(), self.slot, name, Patience::Hold, then)
    }

    /// Waits for an actor with this name, as [`find`](Self::find) does, and links this one to it, as
    /// [`link`](Self::link) does, unless that is linked to it already under another name. A start waits
    /// for both.
    ///
    /// `then` is called when the link is ordered. The key is that of the wait.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Store;
    /// impl Actor for Store {}
    /// const STORE: Name<Store> = Name::new("store");
    /// struct Session { store: Option<Addr<Store>> }
    /// impl Actor for Session {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.find_linked(STORE, |me, store, _| me.store = Some(store));
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn find_linked<B: Actor>(
        &mut self,
        name: Name<B>,
        then: impl FnOnce(&mut A, Addr<B>, &mut Context<A>) + 'static,
    ) -> Key {
        self.find(name, |me, service, cx| {
            let (client, to) = (cx.addr().address(), service.address());
            let registry = cx.here().registry_of(cx.slot);
            if !registry.is_some_and(|registry| registry.is_linked(client, to)) {
                cx.link(to);
            }
            then(me, service, cx);
        })
    }

    /// Waits for an actor with this name for at most `limit`, and does not keep a start open.
    ///
    /// `then` is called exactly once, unless the wait is cancelled or the instance ends. Errors:
    /// [`NameError::NotFound`] after the limit, [`NameError::WrongType`], [`NameError::Bad`],
    /// [`NameError::TreeEnded`] for a name in another tree.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// # struct Printer;
    /// # impl Actor for Printer {}
    /// # struct Desk { printer: Option<Addr<Printer>> }
    /// # impl Actor for Desk {}
    /// const PRINTER: Name<Printer> = Name::new("printer");
    /// fn look_for_printer(cx: &mut Context<Desk>) {
    ///     cx.find_within(PRINTER, Duration::from_secs(1), |me, found, _| match found {
    ///         Ok(printer) => me.printer = Some(printer),
    ///         Err(NameError::NotFound { .. }) => println!("on screen only"),
    ///         Err(error) => println!("{error}"),
    ///     });
    /// }
    /// ```
    pub fn find_within<B: Actor>(
        &mut self,
        name: Name<B>,
        limit: Duration,
        then: impl FnOnce(&mut A, Result<Addr<B>, NameError>, &mut Context<A>) + 'static,
    ) -> Key {
        find::find(self.here(), self.slot, name, Patience::Limit(limit), then)
    }

    /// Finds an actor by its name, now.
    ///
    /// A name of this tree that was found on this locality before is found again without a lock.
    ///
    /// # Errors
    /// [`NameError::NotFound`]; [`NameError::TreeEnded`]; [`NameError::WrongType`] if the owner is no `B`.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Log;
    /// impl Actor for Log {}
    /// impl Handler<String> for Log { fn handle(&mut self, _: String, _: &mut Context<Self>) {} }
    /// const LOG: Name<Log> = Name::new("log");
    /// struct Worker;
    /// impl Actor for Worker {}
    /// impl Handler<u32> for Worker {
    ///     fn handle(&mut self, n: u32, cx: &mut Context<Self>) {
    ///         if let Ok(log) = cx.lookup(LOG) { // where the program has one
    ///             log.send(format!("{n}"));
    ///         }
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let worker = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("worker", || Worker).at(worker)))?;
    /// # worker.send(1);
    /// # sim.run_until_idle();
    /// # assert_eq!(worker.address().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn lookup<B: Actor>(&self, name: Name<B>) -> Result<Addr<B>, NameError> {
        self.here().lookup(self.slot, name).map(Addr::new)
    }

    /// Registers a name of this actor at run time: others find it at once, also during its start.
    ///
    /// The name belongs to the actor's address, as that of [`Child::named`](crate::Child::named)
    /// does, and registering it again does nothing. With [`Name::of`] it is registered in another
    /// tree.
    ///
    /// # Errors
    /// [`NameError::Taken`] if another actor has it, or its spec declares it; [`NameError::Bad`];
    /// [`NameError::Ending`]; [`NameError::TreeEnded`].
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Node { votes: u32 }
    /// impl Actor for Node {}
    /// const LEADER: Name<Node> = Name::new("leader");
    /// struct Vote;
    /// impl TryHandler<Vote> for Node {
    ///     fn try_handle(&mut self, _: Vote, cx: &mut Context<Self>) -> Result {
    ///         self.votes += 1;
    ///         if self.votes == 3 {
    ///             cx.register(LEADER)?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// struct Resign;
    /// impl Handler<Resign> for Node {
    ///     fn handle(&mut self, _: Resign, cx: &mut Context<Self>) {
    ///         cx.unregister(LEADER);
    ///     }
    /// }
    /// ```
    pub fn register(&mut self, name: Name<A>) -> Result<(), NameError> {
        self.here().register(self.slot, name.spec())
    }

    /// Takes a name of this actor out of the registry. False if it had none of this text.
    ///
    /// One that its spec declares comes back when the actor is started again.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Printer;
    /// impl Actor for Printer {}
    /// const PRINTER: Name<Printer> = Name::new("printer");
    /// impl Handler<bool> for Printer {
    ///     fn handle(&mut self, has_paper: bool, cx: &mut Context<Self>) {
    ///         if !has_paper {
    ///             cx.unregister(PRINTER); // nobody new finds it
    ///         }
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let printer = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("printer", || Printer).at(printer).named(PRINTER)))?;
    /// # sim.run_until_idle();
    /// # assert!(app.lookup(PRINTER).is_ok());
    /// printer.send(false);
    /// sim.run_until_idle();
    /// assert!(app.lookup(PRINTER).is_err());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn unregister(&mut self, name: Name<A>) -> bool {
        self.here().unregister(self.slot, &name.spec())
    }

    /// Mints a further address for this actor, to be subscribed and published to. It ends with the
    /// instance.
    ///
    /// ```
    /// use rotor_core::*;
    /// #[derive(Clone)] struct Line(String);
    /// struct Log { errors: Address }
    /// impl Actor for Log {}
    /// impl Handler<Line> for Log {
    ///     fn handle(&mut self, line: Line, cx: &mut Context<Self>) {
    ///         // By which of its addresses it came.
    ///         let is_error = cx.published_to() == Some(self.errors);
    ///         println!("{}{}", if is_error { "error: " } else { "" }, line.0);
    ///     }
    /// }
    /// fn log() -> Child<Log> {
    ///     Child::with("log", |cx| {
    ///         let errors = cx.make_address();
    ///         cx.subscribe(errors.topic::<Line>());
    ///         Ok(Log { errors })
    ///     })
    /// }
    /// ```
    pub fn make_address(&mut self) -> Address {
        self.here().mint_identity(self.slot)
    }

    /// Mints an address that ends with the instance, as a topic.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// #[derive(Clone)] struct Changed(u32);
    /// struct Model { value: u32, changes: Topic<Changed> }
    /// impl Actor for Model {}
    /// impl Handler<u32> for Model {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) {
    ///         self.value = n;
    ///         self.changes.publish(Changed(n));
    ///     }
    /// }
    /// let model = Child::with("model", |cx| Ok(Model { value: 0, changes: cx.topic() }));
    /// # let mut sim = Sim::new(1);
    /// # let addr = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(model.at(addr)))?;
    /// # sim.run_until_idle();
    /// # let changes = sim.with(addr, |model| model.changes).unwrap();
    /// # let heard = sim.listen(changes);
    /// # sim.run_until_idle();
    /// # addr.send(7);
    /// # sim.run_until_idle();
    /// # assert_eq!(heard.take().len(), 1);
    /// # assert_eq!(sim.with(addr, |model| model.value), Some(7));
    /// # let _ = |changed: Changed| changed.0;
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn topic<M: Clone + Send + 'static>(&mut self) -> Topic<M> {
        self.make_address().topic()
    }

    /// Subscribes the actor to a topic, until the instance ends.
    ///
    /// Subscribing again does nothing. To a topic of another locality it takes effect when that
    /// has confirmed; a start waits for this. If that locality has ended, or nobody has it any more,
    /// the subscription is refused: no start waits for it, and the observer is told of an undelivered
    /// `Topic<M>` ([`Reason::Closed`](crate::Reason::Closed)).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// #[derive(Clone)] struct Price(u32);
    /// struct Ticker { prices: Topic<Price>, last: u32 }
    /// impl Actor for Ticker {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.subscribe(self.prices);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Price> for Ticker {
    ///     fn handle(&mut self, Price(n): Price, _: &mut Context<Self>) { self.last = n }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let (prices, ticker) = (here.topic(), here.reserve());
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("ticker", move || Ticker { prices, last: 0 }).at(ticker)))?;
    /// # sim.run_until_idle();
    /// prices.publish(Price(7));
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(ticker, |ticker| ticker.last), Some(7));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn subscribe<M: Clone + Send + 'static>(&mut self, topic: Topic<M>)
    where
        A: TryHandler<M>,
    {
        topic::subscribe::<A, M>(self.here(), self.slot, topic);
    }

    /// Ends a subscription.
    ///
    /// ```
    /// # use rotor_core::*;
    /// #[derive(Clone)] struct News;
    /// struct Once { news: Topic<News> }
    /// impl Actor for Once {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.subscribe(self.news);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<News> for Once {
    ///     fn handle(&mut self, _: News, cx: &mut Context<Self>) {
    ///         cx.unsubscribe(self.news); // one was enough
    ///     }
    /// }
    /// ```
    pub fn unsubscribe<M: Clone + Send + 'static>(&mut self, topic: Topic<M>) {
        let here = self.here();
        let serial = here.seat(self.slot, |seat| seat.serial);
        topic::unsubscribe::<M>(here, topic.address(), serial);
    }

    /// The address that the message being handled was published to, if it was.
    ///
    /// One actor, two topics of the same type:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Hall { inside: Topic<i32>, outside: Topic<i32>, seen: Vec<String> }
    /// impl Actor for Hall {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.subscribe(self.inside);
    ///         cx.subscribe(self.outside);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<i32> for Hall {
    ///     fn handle(&mut self, degrees: i32, cx: &mut Context<Self>) {
    ///         let inside = cx.published_to() == Some(self.inside.address());
    ///         self.seen.push(format!("{degrees} {}", if inside { "in" } else { "out" }));
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (inside, outside, hall) = (here.topic(), here.topic(), here.reserve());
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("hall", move || Hall { inside, outside, seen: Vec::new() }).at(hall)))?;
    /// # sim.run_until_idle();
    /// # outside.publish(-3);
    /// # sim.run_until_idle();
    /// # assert_eq!(sim.with(hall, |hall| hall.seen.join("")), Some("-3 out".to_owned()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn published_to(&self) -> Option<Address> {
        self.here().published_to.get()
    }

    /// Watches an actor: exactly one [`Down`] when its instance ends, at once if it is down or gone.
    ///
    /// That is so on every locality, and when one is lost. An actor that has not been started yet, or is
    /// between two instances, is watched for the end of the next one. A second monitor gives a second
    /// notice.
    /// [Cancelled](Self::cancel), it gives none, even if that is queued already. It ends with the
    /// instance that watches.
    ///
    /// Who monitors one that is down again in the handler of its `Down` is told again at once, without an end,
    /// and its loop is busy with nothing else. Look at the state before:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Nurse { patient: Address }
    /// impl Actor for Nurse {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.monitor(self.patient);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Down> for Nurse {
    ///     fn handle(&mut self, down: Down, cx: &mut Context<Self>) {
    ///         println!("{:?} ended: {}", down.who, down.exit);
    ///         match self.patient.state() {
    ///             Lifecycle::Down | Lifecycle::Gone => {} // for good, unless somebody starts it again
    ///             _ => drop(cx.monitor(self.patient)), // the next instance
    ///         }
    ///     }
    /// }
    /// # struct Patient;
    /// # impl Actor for Patient {}
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (patient, nurse) = (here.reserve(), here.reserve::<Nurse>());
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("patient", || Patient).at(patient).transient())
    /// #     .child(Child::new("nurse", move || Nurse { patient: patient.address() }).at(nurse)))?;
    /// # sim.run_until_idle();
    /// # patient.address().kill();
    /// # sim.run_until_idle();
    /// # assert_eq!(patient.address().state(), Lifecycle::Running);
    /// # patient.stop();
    /// # sim.run_until_idle();
    /// # assert_eq!(patient.address().state(), Lifecycle::Down);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn monitor(&mut self, who: Address) -> Key
    where
        A: TryHandler<Down>,
    {
        monitor::monitor::<A>(self.here(), self.slot, who)
    }

    /// Links this actor to a service, which then ends after it: before the service ends in order, it
    /// has its clients end, and serves on until they have.
    ///
    /// A start waits until the service is operational, and fails at once with
    /// [`ExitReason::Stalled`] if that cannot be before it is over. The link belongs to the
    /// instance, and ends with it, or when it is [cancelled](Self::cancel). A service waits for at most
    /// half of its own stop limit; then it ends, and the observer is told. Asked to leave, this instance
    /// ends with [`ExitReason::Shutdown`](crate::ExitReason::Shutdown), so that a transient one stays down;
    /// to decide otherwise, use [`link_with`](Self::link_with). If no link can be made, or the service
    /// ends without asking, this instance ends with [`ExitReason::Link`]: one that starts has failed to.
    /// What is above its service in the tree is not asked, as it ends after it anyhow.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Session { database: Address }
    /// impl Actor for Session {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.link(self.database);
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn link(&mut self, service: Address) -> Key {
        link::link(self.here(), self.slot, service, None)
    }

    /// Links this actor to a service, as [`link`](Self::link) does, and decides itself what follows
    /// when the service wants to end, or has: it is sent an [`Unlink`](crate::Unlink).
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Cache { store: Address, offline: bool }
    /// impl Actor for Cache {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.link_with(self.store);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Unlink> for Cache {
    ///     fn handle(&mut self, unlink: Unlink, _: &mut Context<Self>) {
    ///         println!("{:?} ends: {}", unlink.service, unlink.exit);
    ///         self.offline = true; // lives on; the store ends when `unlink` is dropped
    ///     }
    /// }
    /// ```
    pub fn link_with(&mut self, service: Address) -> Key
    where
        A: TryHandler<Unlink>,
    {
        let asked = link::asked::<A>();
        link::link(self.here(), self.slot, service, Some(asked))
    }

    /// Adds a child at run time. It is started after this handler, and stopped with this actor.
    ///
    /// A child that cannot be added (this actor is stopping, the reserved address is claimed, or no path
    /// can be made of the name) gives an address that is gone already: monitors say so at once.
    /// [`try_child`](Self::try_child) says why.
    ///
    /// A first start that fails, of a child that was added in a handler, removes that child: monitors are told
    /// why, and the observer by [`start_failed`](crate::Observer::start_failed). Of one that was added in
    /// [`start`](Actor::start), it fails the start of this actor, unless that
    /// [decides](Actor::decide) that it can do without.
    ///
    /// Restarts of its children count for this actor, as for a supervisor: after more than 1 in 5 s, which
    /// cannot be changed, it ends with them. Where more are to be allowed, it asks itself for a supervisor that
    /// allows them (`cx.addr().address().admin()`, [`StartChild`](crate::StartChild)), and that one for the
    /// children. Requests for what is added here name it by its address: its name may be that of a sibling.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Accepted(u32);
    /// struct Connection(u32);
    /// impl Actor for Connection {}
    /// struct Server { connections: Vec<Addr<Connection>> }
    /// impl Actor for Server {}
    /// impl Handler<Accepted> for Server {
    ///     fn handle(&mut self, Accepted(n): Accepted, cx: &mut Context<Self>) {
    ///         let child = Child::new(format!("connection {n}"), move || Connection(n)).temporary();
    ///         self.connections.push(cx.child(child));
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let server = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("server", || Server { connections: Vec::new() }).at(server)))?;
    /// server.send(Accepted(1));
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().nodes[2].name, "connection 1"); // below the server
    /// # let first = sim.with(server, |server| server.connections[0]).unwrap();
    /// # assert_eq!(sim.with(first, |connection| connection.0), Some(1));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn child<B: Actor>(&mut self, child: Child<B>) -> Addr<B> {
        self.try_child(child).unwrap_or_else(|_| {
            let here = self.here();
            let (slot, _) = here.mint();
            let gone = here.address_of(slot);
            here.free_slot(slot);
            Addr::new(gone)
        })
    }

    /// Adds a child at run time, or says why not.
    ///
    /// # Errors
    /// [`StartError::ClaimedTwice`], [`StartError::WrongLocality`] or [`StartError::Unbounded`] for its
    /// reserved address, [`StartError::Name`] for one of its names in the registry,
    /// [`StartError::BadName`] for its own;
    /// [`StartError::Significant`] or [`StartError::Backoff`] for what means nothing here;
    /// [`StartError::Stopping`] while this actor stops.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Guest;
    /// impl Actor for Guest {}
    /// struct Hotel;
    /// impl Actor for Hotel {}
    /// impl Handler<&'static str> for Hotel {
    ///     fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
    ///         match cx.try_child(Child::new(name, || Guest).temporary()) {
    ///             Ok(guest) => drop(cx.monitor(guest.address())),
    ///             Err(why) => println!("{name} cannot stay: {why}"),
    ///         }
    ///     }
    /// }
    /// impl Handler<Down> for Hotel {
    ///     fn handle(&mut self, _: Down, _: &mut Context<Self>) {}
    /// }
    /// ```
    pub fn try_child<B: Actor>(&mut self, child: Child<B>) -> Result<Addr<B>, StartError> {
        let here = self.here();
        if here.seat(self.slot, |seat| seat.is_ending()) {
            return Err(StartError::Stopping);
        }
        here.add_child(self.slot, child.spec).map(Addr::new)
    }

    /// Runs `f` on this thread after the turn, when no handler is on the stack: the place to open a
    /// modal dialog, which runs a loop of its own.
    ///
    /// In order; a panic in it is a panic of this actor.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # fn show_dialog() {}
    /// struct View;
    /// impl Actor for View {}
    /// struct Clicked;
    /// impl Handler<Clicked> for View {
    ///     fn handle(&mut self, _: Clicked, cx: &mut Context<Self>) {
    ///         cx.defer_to_host(show_dialog); // a loop in here would find every actor busy
    ///     }
    /// }
    /// ```
    pub fn defer_to_host(&mut self, f: impl FnOnce() + 'static) {
        let here = self.here();
        let serial = here.seat(self.slot, |seat| seat.serial);
        here.host_jobs
            .borrow_mut()
            .push_back((self.slot, serial, Box::new(f)));
    }

    /// Hands over at once what was sent to other localities in this slice.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Control { motor: Recipient<u32> }
    /// impl Actor for Control {}
    /// impl Handler<u32> for Control {
    ///     fn handle(&mut self, speed: u32, cx: &mut Context<Self>) {
    ///         self.motor.send(speed);
    ///         cx.flush(); // it is on its way before the slow part
    ///         self.remember(speed);
    ///     }
    /// }
    /// # impl Control { fn remember(&self, _: u32) {} }
    /// # let mut sim = Sim::new(1);
    /// # let control = sim.locality("here").reserve();
    /// # let probe = sim.probe();
    /// # let motor = probe.recipient();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("control", move || Control { motor }).at(control)))?;
    /// # control.send(3);
    /// # sim.run_until_idle();
    /// # assert_eq!(probe.take(), [3]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn flush(&mut self) {
        self.here().flush();
    }

    /// Runs code that takes long: hands over first what was sent to other localities.
    ///
    /// It blocks the whole locality, so it belongs on a
    /// [`ThreadLoop`](crate::ThreadLoop) of its own.
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::{fs, path::PathBuf};
    /// struct Disk { progress: Recipient<String> }
    /// impl Actor for Disk {}
    /// impl TryHandler<PathBuf> for Disk {
    ///     fn try_handle(&mut self, path: PathBuf, cx: &mut Context<Self>) -> Result {
    ///         self.progress.send(format!("reading {}", path.display())); // seen while it is read
    ///         let text = cx.blocking(|| fs::read_to_string(&path))?;
    ///         self.progress.send(format!("{} bytes", text.len()));
    ///         Ok(())
    ///     }
    /// }
    /// let disk = ThreadLoop::spawn("disk")?.reserve::<Disk>(); // a thread of its own
    /// # let _ = disk;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn blocking<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.flush();
        f()
    }

    /// For backends: something that the driver of this locality was given with
    /// [`Driver::extend`](crate::Driver::extend).
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::{cell::RefCell, rc::Rc, sync::Arc};
    /// #[derive(Default)]
    /// struct Screen(RefCell<Vec<&'static str>>); // what a backend lends to its actors
    /// struct Title;
    /// impl Actor for Title {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let screen = cx.extension::<Screen>().ok_or_else(|| Error::message("no screen here"))?;
    ///         screen.0.borrow_mut().push("title");
    ///         Ok(())
    ///     }
    /// }
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// let driver = Driver::new(Arc::new(Nothing), Clock::real());
    /// let screen = Rc::new(Screen::default());
    /// driver.extend(screen.clone());
    /// # let here = Locality::new("here");
    /// # driver.open(&here).unwrap();
    /// # driver.start(Supervisor::one_for_one("app").child(Child::new("title", || Title)))?;
    /// driver.run_until_idle();
    /// assert_eq!(*screen.0.borrow(), ["title"]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn extension<T: 'static>(&self) -> Option<Rc<T>> {
        let all = self.here().extensions.borrow();
        let found: Rc<dyn Any> = all.get(&std::any::TypeId::of::<T>())?.clone();
        drop(all);
        found.downcast().ok()
    }

    /// Has `f` run on this thread when the instance ends, whatever the reason: what an instance has
    /// made elsewhere goes with it, such as a window, or what a backend keeps. A panic in it is
    /// swallowed. It cannot be taken back, and `f` is kept until then: what comes and goes while the
    /// instance lives, such as a dialog, belongs in a field, to be destroyed in `Drop`.
    ///
    /// A page of a window goes when the instance that has made it does, also when that panics:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::{cell::RefCell, rc::Rc};
    /// type Pages = Rc<RefCell<Vec<&'static str>>>; // stands for a widget
    /// struct Page;
    /// impl Actor for Page {}
    /// impl Handler<()> for Page {
    ///     fn handle(&mut self, _: (), _: &mut Context<Self>) { panic!("a bug") }
    /// }
    /// let pages = Pages::default();
    /// # let all = pages.clone();
    /// let child = Child::with("page", move |cx| {
    ///     all.borrow_mut().push("page");
    ///     let all = all.clone();
    ///     cx.at_end(move || { all.borrow_mut().pop(); });
    ///     Ok(Page)
    /// });
    /// # let mut sim = Sim::new(1);
    /// # let page = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(child.at(page).temporary()))?;
    /// # sim.run_until_idle();
    /// # assert_eq!(*pages.borrow(), ["page"]);
    /// page.send(());
    /// sim.run_until_idle();
    /// assert!(pages.borrow().is_empty());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn at_end(&mut self, f: impl FnOnce() + 'static) {
        let run = move |_: &Local| {
            let _ = crate::here::guard(f);
        };
        self.here().at_end(self.slot, Box::new(run));
    }

    /// For backends: a way to send this instance results of its own doing, such as I/O readiness.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::rc::Rc;
    /// # use std::cell::RefCell;
    /// /// What a backend keeps of those who wait for a key.
    /// #[derive(Default)]
    /// struct Keys(RefCell<Vec<(u64, Notifier<char>)>>);
    ///
    /// fn listen<A: TryHandler<char>>(keys: &Rc<Keys>, id: u64, cx: &mut Context<A>) {
    ///     keys.0.borrow_mut().push((id, cx.notifier()));
    ///     let all = keys.clone();
    ///     cx.at_end(move || all.0.borrow_mut().retain(|(other, _)| *other != id));
    /// }
    /// fn pressed(keys: &Keys, key: char) {
    ///     keys.0.borrow().iter().for_each(|(_, whom)| whom.notify(key));
    /// }
    /// ```
    pub fn notifier<M: 'static>(&mut self) -> Notifier<M>
    where
        A: TryHandler<M>,
    {
        Notifier::new::<A>(self.here(), self.slot)
    }
}
