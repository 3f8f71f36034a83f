//! Child specs: how a supervisor makes an actor, and when again.

#![expect(unsafe_code)]

use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::time::Duration;

use crate::actor::Actor;
use crate::address::{Addr, Address};
use crate::backoff::Backoff;
use crate::bound::Bound;
use crate::context::Context;
use crate::decision::{ChildExit, Decision};
use crate::error::{Error, Result};
use crate::exit::{Exit, ExitReason};
use crate::hook::{self, AnyHook, Hook};
use crate::locality::Local;
use crate::name::{Name, NameSpec};
use crate::strategy::Restart;
use crate::supervisor::{Node, NodeKind, Supervisor};

/// Limit for the start and the stop of an actor, unless its spec says otherwise.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);

/// How to make a child, and what its supervisor does when it ends.
///
/// By default permanent, with 5 s to start and 5 s to stop. The factory runs on the thread of the
/// child's locality, once per instance, so what it captures and makes need not be `Send`; only the
/// closure that places a subtree on another locality must be, see
/// [`Supervisor::on`](crate::Supervisor::on).
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// struct Store(Vec<u32>);
/// impl Actor for Store {}
/// # let mut sim = Sim::new(1);
/// let store = sim.locality("here").reserve();
/// let child = Child::new("store", || Store(Vec::new())) // how it is made, each time
///     .at(store) // where it is found
///     .transient() // restarted after a failure, not after an orderly end
///     .stop_limit(Duration::from_secs(30));
/// sim.start(Supervisor::one_for_one("app").child(child))?;
/// sim.run_until_idle();
/// assert_eq!(store.address().state(), Lifecycle::Running);
/// # Ok::<_, StartError>(())
/// ```
#[must_use = "a spec does nothing until it is given to a supervisor"]
pub struct Child<A> {
    pub(crate) spec: Spec,
    actor: PhantomData<A>,
}

/// A child spec without its type.
pub(crate) struct Spec {
    pub(crate) name: Cow<'static, str>,
    pub(crate) restart: Restart,
    pub(crate) significant: bool,
    pub(crate) escalating: bool,
    /// It makes one instance and no more.
    pub(crate) once: bool,
    pub(crate) reserved: Option<Address>,
    pub(crate) maker: Maker,
    /// What few specs say.
    pub(crate) extra: Option<Box<Extra>>,
}

// There may be very many, and they are moved about.
const _: () = assert!(size_of::<Spec>() <= 80);

/// What few specs say.
pub(crate) struct Extra {
    pub(crate) backoff: Option<Backoff>,
    pub(crate) at_most: Option<u32>,
    pub(crate) start_limit: Option<Duration>,
    pub(crate) stop_limit: Option<Duration>,
    /// None is the default.
    pub(crate) capacity: Option<u32>,
    pub(crate) bound: Option<Bound>,
    pub(crate) names: Vec<NameSpec>,
    /// Names of the services that each instance is linked to.
    pub(crate) needs: Vec<NameSpec>,
    pub(crate) hooks: Vec<Box<dyn AnyHook>>,
}

impl Extra {
    /// What is so if nothing is said.
    const NONE: Extra = Extra {
        backoff: None,
        at_most: None,
        start_limit: Some(LIMIT),
        stop_limit: Some(LIMIT),
        capacity: None,
        bound: None,
        names: Vec::new(),
        needs: Vec::new(),
        hooks: Vec::new(),
    };
}

impl Spec {
    pub(crate) fn extra(&self) -> &Extra {
        self.extra.as_deref().unwrap_or(const { &Extra::NONE })
    }

    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_with(|| Box::new(Extra::NONE))
    }

    /// The bound of its address, once.
    pub(crate) fn take_bound(&mut self) -> Option<Bound> {
        self.extra.as_mut()?.bound.take()
    }
}

/// What makes the instances.
pub(crate) struct Maker {
    pub(crate) make: Make,
    pub(crate) ops: &'static Ops,
}

pub(crate) type Make = Box<dyn FnMut(&Local, u32) -> Result<Option<NonNull<()>>, Exit>>;

/// In place of what has made its only instance: takes no memory, and there may be very many.
pub(crate) fn spent_make() -> Make {
    Box::new(|_, _| Err(Exit::of(ExitReason::Spent)))
}

/// What can be done with an instance whose type is forgotten.
///
/// All pointers are to the live instance, of the type that the table was made for.
pub(crate) struct Ops {
    pub(crate) start: unsafe fn(*mut (), &Local, u32) -> Result,
    pub(crate) stop: unsafe fn(*mut (), &Exit, &Local, u32),
    pub(crate) decide: unsafe fn(*mut (), &ChildExit<'_>, &Local, u32) -> Decision,
    pub(crate) drop: unsafe fn(*mut ()),
    pub(crate) type_name: fn() -> &'static str,
    pub(crate) type_id: TypeId,
}

struct OpsOf<A>(PhantomData<A>);

impl<A: Actor> OpsOf<A> {
    const OPS: &'static Ops = &Ops {
        start: Self::start,
        stop: Self::stop,
        decide: Self::decide,
        drop: Self::drop,
        type_name: type_name::<A>,
        type_id: TypeId::of::<A>(),
    };

    unsafe fn start(actor: *mut (), here: &Local, slot: u32) -> Result {
        // SAFETY: see `Ops`.
        unsafe { &mut *actor.cast::<A>() }.start(&mut Context::new(here, slot))
    }

    unsafe fn stop(actor: *mut (), exit: &Exit, here: &Local, slot: u32) {
        // SAFETY: see `Ops`.
        unsafe { &mut *actor.cast::<A>() }.stop(exit, &mut Context::new(here, slot));
    }

    unsafe fn decide(actor: *mut (), child: &ChildExit<'_>, here: &Local, slot: u32) -> Decision {
        // SAFETY: see `Ops`.
        unsafe { &mut *actor.cast::<A>() }.decide(child, &mut Context::new(here, slot))
    }

    unsafe fn drop(actor: *mut ()) {
        // SAFETY: see `Ops`; `Maker::of` made the box.
        drop(unsafe { Box::from_raw(actor.cast::<A>()) });
    }
}

impl Maker {
    pub(crate) fn of<A: Actor>(
        mut factory: impl FnMut(&mut Context<A>) -> Result<Option<A>> + 'static,
    ) -> Self {
        let make = move |here: &Local, slot: u32| {
            let actor = factory(&mut Context::new(here, slot)).map_err(Exit::failed)?;
            Ok(actor.map(|actor| NonNull::from(Box::leak(Box::new(actor))).cast()))
        };
        Maker {
            make: Box::new(make),
            ops: OpsOf::<A>::OPS,
        }
    }

    /// Has something done for each instance that is made, before its start.
    fn and<A: Actor>(self, then: impl Fn(&mut Context<A>) + 'static) -> Self {
        let mut make = self.make;
        let make = move |here: &Local, slot: u32| {
            let made = make(here, slot)?;
            if made.is_some() {
                then(&mut Context::new(here, slot));
            }
            Ok(made)
        };
        Maker {
            make: Box::new(make),
            ops: self.ops,
        }
    }
}

/// What a factory may return: an actor, an option of one, or a result of either.
///
/// `None` means that the start is *ignored*: there is no instance, and that is no error. The spec is
/// kept (that of a temporary child is not), and the next child is started.
///
/// ```
/// use rotor_core::*;
/// struct Worker(u32);
/// impl Actor for Worker {}
/// /// A factory's result, whatever it is.
/// fn worker<R: IntoActor<Worker>>(make: impl FnMut() -> R + 'static) -> Child<Worker> {
///     Child::new("worker", make)
/// }
/// let steady = worker(|| Worker(1));
/// let perhaps = worker(|| "2".parse().map(Worker));
/// # let _ = (steady, perhaps);
/// ```
#[diagnostic::on_unimplemented(
    message = "a factory cannot return `{Self}`",
    note = "return an actor (`impl Actor`), an `Option` of one, or a `Result` of either",
    note = "the error of a `Result` is a `std::error::Error` or the library's `Error`: use `Error::message` for a text"
)]
pub trait IntoActor<A>: sealed::Sealed<A> {
    /// The result.
    ///
    /// # Errors
    /// The factory's own error; it makes the start fail.
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::*;
    /// struct Port(u16);
    /// impl Actor for Port {}
    /// assert!("80".parse().map(Port).into_actor().is_ok());
    /// assert!("http".parse().map(Port).into_actor().is_err()); // the start fails
    /// assert!(matches!(None::<Port>.into_actor(), Ok(None))); // the start is ignored
    /// ```
    fn into_actor(self) -> Result<Option<A>>;
}

mod sealed {
    pub trait Sealed<A> {}
    impl<A: crate::Actor> Sealed<A> for A {}
    impl<A: crate::Actor> Sealed<A> for Option<A> {}
    impl<A: crate::Actor, E: Into<crate::Error>> Sealed<A> for Result<A, E> {}
    impl<A: crate::Actor, E: Into<crate::Error>> Sealed<A> for Result<Option<A>, E> {}
}

impl<A: Actor> IntoActor<A> for A {
    fn into_actor(self) -> Result<Option<A>> {
        Ok(Some(self))
    }
}

impl<A: Actor> IntoActor<A> for Option<A> {
    fn into_actor(self) -> Result<Option<A>> {
        Ok(self)
    }
}

impl<A: Actor, E: Into<Error>> IntoActor<A> for Result<A, E> {
    fn into_actor(self) -> Result<Option<A>> {
        self.map(Some).map_err(Into::into)
    }
}

impl<A: Actor, E: Into<Error>> IntoActor<A> for Result<Option<A>, E> {
    fn into_actor(self) -> Result<Option<A>> {
        self.map_err(Into::into)
    }
}

impl<A: Actor> Child<A> {
    /// A child made by a closure that returns the actor, an option, or a result: see [`IntoActor`].
    ///
    /// Its name is part of its path in pictures, reports and errors: not empty, without a slash, and no
    /// other child that its supervisor declares has it.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Log(std::fs::File);
    /// impl Actor for Log {}
    /// let steady = Child::new("log", || std::fs::File::create("log.txt").map(Log));
    /// let wanted = std::env::var_os("LOG").is_some();
    /// let at_times = Child::new("log", move || match wanted {
    ///     true => std::fs::File::create("log.txt").map(|file| Some(Log(file))),
    ///     false => Ok(None), // ignored: nothing runs, and nothing is wrong
    /// });
    /// ```
    pub fn new<R: IntoActor<A>>(
        name: impl Into<Cow<'static, str>>,
        mut factory: impl FnMut() -> R + 'static,
    ) -> Self {
        Self::made(name, move |_| factory().into_actor())
    }

    /// A child made by a closure that gets the context of the instance to be: it can register I/O,
    /// reserve topics, or start timers.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// struct Clock { tick: Timer }
    /// impl Actor for Clock {}
    /// impl Handler<()> for Clock { fn handle(&mut self, (): (), _: &mut Context<Self>) {} }
    /// let clock = Child::with("clock", |cx| {
    ///     Ok(Clock { tick: cx.every(Duration::from_secs(1), ()) })
    /// });
    /// ```
    pub fn with(
        name: impl Into<Cow<'static, str>>,
        mut factory: impl FnMut(&mut Context<A>) -> Result<A> + 'static,
    ) -> Self {
        Self::made(name, move |cx| factory(cx).map(Some))
    }

    fn made(
        name: impl Into<Cow<'static, str>>,
        factory: impl FnMut(&mut Context<A>) -> Result<Option<A>> + 'static,
    ) -> Self {
        Child {
            spec: Spec {
                name: name.into(),
                restart: Restart::Permanent,
                significant: false,
                escalating: false,
                once: false,
                reserved: None,
                maker: Maker::of(factory),
                extra: None,
            },
            actor: PhantomData,
        }
    }

    /// A temporary child from a closure that can be called once only: it may give away what it
    /// captured, such as an accepted connection. A second start, which a
    /// [`Decision`](crate::Decision) or another restart kind would have, fails with
    /// [`ExitReason::Spent`].
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Guest(std::net::TcpStream);
    /// impl Actor for Guest {}
    /// struct Door;
    /// impl Actor for Door {}
    /// impl Handler<std::net::TcpStream> for Door {
    ///     fn handle(&mut self, stream: std::net::TcpStream, cx: &mut Context<Self>) {
    ///         cx.child(Child::once("guest", move |_| Ok(Guest(stream))));
    ///     }
    /// }
    /// ```
    pub fn once(
        name: impl Into<Cow<'static, str>>,
        factory: impl FnOnce(&mut Context<A>) -> Result<A> + 'static,
    ) -> Self {
        let mut factory = Some(factory);
        let mut child = Self::with(name, move |cx| {
            let factory = factory.take().expect("what has made it once is replaced");
            factory(cx)
        });
        child.spec.once = true;
        child.temporary()
    }

    /// Gives the child a reserved address. Claiming one twice, or one of another locality, is a
    /// [`StartError`](crate::StartError).
    ///
    /// Two actors that know each other from the start:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Ping { peer: Addr<Pong> }
    /// struct Pong { peer: Addr<Ping> }
    /// impl Actor for Ping {}
    /// impl Actor for Pong {}
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// let (ping, pong) = (here.reserve(), here.reserve());
    /// sim.start(Supervisor::one_for_all("app")
    ///     .child(Child::new("ping", move || Ping { peer: pong }).at(ping))
    ///     .child(Child::new("pong", move || Pong { peer: ping }).at(pong)))?;
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(pong, |pong| pong.peer), Some(ping));
    /// # assert_eq!(sim.with(ping, |ping| ping.peer), Some(pong));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn at(mut self, reserved: Addr<A>) -> Self {
        self.spec.reserved = Some(reserved.address());
        self
    }

    /// Gives the child a name by which others [find](Context::find) it. It may have several.
    ///
    /// It can be found when its first start is over, and stays over restarts. A name that another
    /// child of the tree has is a [`StartError`](crate::StartError).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Settings;
    /// impl Actor for Settings {}
    /// const SETTINGS: Name<Settings> = Name::new("settings");
    /// struct Page { settings: Option<Addr<Settings>> }
    /// impl Actor for Page {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         self.settings = Some(cx.lookup(SETTINGS)?); // it has started before this one
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let page = sim.locality("here").reserve();
    /// sim.start(Supervisor::rest_for_one("app")
    ///     .child(Child::new("settings", || Settings).named(SETTINGS))
    ///     .child(Child::new("page", || Page { settings: None }).at(page)))?;
    /// # sim.run_until_idle();
    /// # assert!(sim.with(page, |page| page.settings.is_some()).unwrap());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn named(mut self, name: Name<A>) -> Self {
        self.spec.extra_mut().names.push(name.spec());
        self
    }

    /// Declares that the actor needs a service: each instance is linked to the actor of this name, as
    /// by [`Context::find_linked`], and its start waits for that.
    ///
    /// Where the tree's specs have the name, it must be of an actor that starts before this one: the
    /// other order, and actors that need each other in a circle, are a
    /// [`StartError`](crate::StartError). Any other name is waited for, as long as the start may take:
    /// somebody may register it. [`Plan::warnings`](crate::Plan::warnings) tells of each.
    ///
    /// This gives no address: a factory may capture one that was [reserved](crate::Locality::reserve), and a
    /// running actor may [look the name up](Context::lookup). Who wants the address as soon as it is linked uses
    /// [`Context::find_linked`] instead.
    ///
    /// If the service crashes, this actor fails with it. That is a restart of its own, unless the supervisor
    /// of both starts them again together, as [`rest_for_one`](crate::Supervisor::rest_for_one) does:
    /// `Plan::warnings` tells as well of a service whose crash its supervisor would not survive.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Store;
    /// impl Actor for Store {}
    /// struct Cache;
    /// impl Actor for Cache {}
    /// const STORE: Name<Store> = Name::new("store");
    /// let store = || Child::new("store", || Store).named(STORE);
    /// let cache = || Child::new("cache", || Cache).needs(STORE);
    /// let here = Locality::new("here");
    /// let app = || Supervisor::rest_for_one("app");
    /// assert!(app().child(store()).child(cache()).plan(&here).is_ok());
    /// let error = app().child(cache()).child(store()).plan(&here).unwrap_err();
    /// assert_eq!(error.to_string(), "app/cache needs app/store, which starts after it: declare app/store before app/cache");
    /// ```
    pub fn needs<B: Actor>(mut self, service: Name<B>) -> Self {
        self.spec.extra_mut().needs.push(service.clone().spec());
        self.spec.maker = self.spec.maker.and::<A>(move |cx| {
            cx.find_linked(service.clone(), |_, _, _| ());
        });
        self
    }

    /// Has a hook asked before each instance starts, before it handles a message, and when it stops.
    /// Behind those that were given before.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Cache;
    /// impl Actor for Cache {}
    /// struct Announce;
    /// impl Hook<Cache> for Announce {
    ///     fn start(&mut self, cx: &mut Context<Cache>) -> Result {
    ///         println!("a cache comes to {:?}", cx.addr().address());
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let cache = sim.locality("here").reserve();
    /// sim.start(Supervisor::one_for_one("app")
    ///     .child(Child::new("cache", || Cache).hook(Announce).at(cache)))?;
    /// # sim.run_until_idle();
    /// # assert_eq!(cache.address().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn hook(mut self, hook: impl Hook<A>) -> Self {
        self.spec.extra_mut().hooks.push(hook::erased(hook));
        self
    }

    /// Restarted only after an abnormal exit.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Job;
    /// impl Actor for Job {}
    /// impl Handler<bool> for Job {
    ///     fn handle(&mut self, done: bool, cx: &mut Context<Self>) {
    ///         if done { cx.stop() } else { cx.fail(Error::message("the line broke")) }
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let job = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(
    /// Child::new("job", || Job).transient()
    /// #     .at(job)))?;
    /// # job.send(false);
    /// # sim.run_until_idle();
    /// # assert_eq!(job.address().state(), Lifecycle::Running); // started again
    /// # job.send(true);
    /// # sim.run_until_idle();
    /// # assert_eq!(job.address().state(), Lifecycle::Down); // its work is done
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn transient(mut self) -> Self {
        self.spec.restart = Restart::Transient;
        self
    }

    /// Never restarted.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # struct Guest;
    /// # impl Actor for Guest {}
    /// let guest = Child::new("guest", || Guest).temporary();
    /// let kinds = [Restart::Permanent, Restart::Transient, Restart::Temporary];
    /// assert_eq!(Restart::default(), kinds[0]);
    /// # let _ = Supervisor::one_for_one("app").child(guest);
    /// ```
    pub fn temporary(mut self) -> Self {
        self.spec.restart = Restart::Temporary;
        self
    }

    /// Its end can end the supervisor: see [`AutoShutdown`](crate::AutoShutdown). It is transient or
    /// temporary then, and that supervisor has an [`auto_shutdown`](crate::Supervisor::auto_shutdown); else it
    /// is a [`StartError`](crate::StartError::Significant).
    ///
    /// The program ends when its window does:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Window;
    /// impl Actor for Window {}
    /// struct Service;
    /// impl Actor for Service {}
    /// # let mut sim = Sim::new(1);
    /// # let window = sim.locality("here").reserve();
    /// let app = sim.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("service", || Service))
    ///     .child(Child::new("window", || Window).at(window).transient().significant()))?;
    /// sim.run_until_idle();
    /// window.stop();
    /// sim.run_until_idle();
    /// assert!(app.tree().ended.is_some()); // the service, too
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn significant(mut self) -> Self {
        self.spec.significant = true;
        self
    }

    /// Its failure is that of its supervisor, which ends with
    /// [`ExitReason::Escalated`](crate::ExitReason::Escalated) instead of restarting it. An orderly
    /// end of it means what its restart kind says.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Disk;
    /// impl Actor for Disk {}
    /// struct Full;
    /// impl TryHandler<Full> for Disk {
    ///     fn try_handle(&mut self, _: Full, _: &mut Context<Self>) -> Result {
    ///         Err(Error::message("no space left"))
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let disk = sim.locality("here").reserve();
    /// let app = sim.start(Supervisor::one_for_one("app").intensity(100, std::time::Duration::MAX)
    ///     .child(Child::new("disk", || Disk).at(disk).escalating()))?;
    /// disk.send(Full);
    /// sim.run_until_idle();
    /// let exit = app.tree().ended.unwrap();
    /// assert!(matches!(exit.reason(), ExitReason::Escalated));
    /// assert_eq!(exit.root_cause().to_string(), "failed: no space left");
    /// # Ok(())
    /// # }
    /// ```
    pub fn escalating(mut self) -> Self {
        self.spec.escalating = true;
        self
    }

    /// Has the supervisor give up after fewer restarts of this child than its
    /// [intensity](crate::Supervisor::intensity) allows for all: after more than this many within the
    /// same period.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Frail;
    /// impl Actor for Frail {}
    /// impl Handler<()> for Frail {
    ///     fn handle(&mut self, (): (), _: &mut Context<Self>) { panic!("again") }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let frail = sim.locality("here").reserve();
    /// let tree = Supervisor::one_for_one("app").intensity(100, Duration::from_secs(60));
    /// let app = sim.start(tree.child(Child::new("frail", || Frail).at(frail).restarts_at_most(2)))?;
    /// (0..3).for_each(|_| frail.send(()));
    /// sim.run_until_idle();
    /// let exit = app.tree().ended.unwrap();
    /// assert_eq!(exit.gave_up().unwrap().allowed, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn restarts_at_most(mut self, restarts: u32) -> Self {
        self.spec.extra_mut().at_most = Some(restarts);
        self
    }

    /// Has each restart of it wait. At once by default.
    ///
    /// Meanwhile the supervisor serves requests, and handles other ends. Whatever the strategy restarts with
    /// it runs on, and is stopped and started with it when the wait is over; what is sent to it is parked. It
    /// is stopped, terminated or started with others as if it were down: then nobody waits any more. A
    /// restart counts for the intensity of the supervisor when the wait begins; one that fails waits again.
    ///
    /// A wait that can never be, or that of a child that is never restarted, is a
    /// [`StartError`](crate::StartError). [`Plan::warnings`](crate::Plan::warnings) tells of one so
    /// long that the child can never make its supervisor give up.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Uplink;
    /// impl Actor for Uplink {}
    /// # let mut sim = Sim::new(1);
    /// # let uplink = sim.locality("here").reserve();
    /// let second = Duration::from_secs(1);
    /// # sim.start(Supervisor::one_for_one("app").child(
    /// Child::new("uplink", || Uplink).backoff(Backoff::exponential(second, 60 * second))
    /// # .at(uplink)))?;
    /// # sim.run_until_idle();
    /// # uplink.address().kill();
    /// # sim.run_for(Duration::from_millis(999));
    /// # assert_eq!(uplink.address().state(), Lifecycle::Waiting);
    /// # sim.run_for(Duration::from_millis(1));
    /// # assert_eq!(uplink.address().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.spec.extra_mut().backoff = Some(backoff);
        self
    }

    /// How long the start may take, with its holds. 5 s by default; [`Duration::MAX`] is no limit.
    ///
    /// It runs from when the start goes on: when [`Actor::start`] has returned, or a [hook](crate::Hook) before
    /// it that holds it. What runs until then blocks the loop, and is not measured.
    ///
    /// A restart that takes too long is tried again, and counts. A supervisor that is to give up because
    /// of it needs a [period](crate::Supervisor::intensity) in which so many of them fit:
    /// [`Plan::warnings`](crate::Plan::warnings) tells of a limit that is too long for that.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Index { building: Option<Hold> }
    /// impl Actor for Index {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         self.building = Some(cx.hold("the index is built"));
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let index = Child::new("index", || Index { building: None })
    ///     .start_limit(Duration::from_secs(60)); // it takes long on a slow disk
    /// let app = sim.start(Supervisor::one_for_one("app").child(index))?;
    /// sim.run_for(Duration::from_secs(60)); // longer than that is a failed start
    /// let exit = app.tree().ended.unwrap();
    /// assert!(matches!(exit.root_cause().reason(), ExitReason::TimedOut(_)));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.spec.extra_mut().start_limit = limited(limit);
        self
    }

    /// How long the stop may take, with its holds; then the child is removed by force. 5 s by
    /// default; zero is at once, without a stop hook; [`Duration::MAX`] is no limit.
    ///
    /// It runs from when the stop goes on: when [`Actor::stop`] has returned, and what
    /// [hooks](crate::Hook::stop) do at once after it, or when a service has asked its clients to leave. It goes
    /// on when the supervisor's instance ends meanwhile, and holds for a stop of the child's own, too: removed by
    /// force, it has failed.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// struct Writer { flushing: Option<Hold> }
    /// impl Actor for Writer {
    ///     fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
    ///         self.flushing = Some(cx.hold("what is written goes to the disk"));
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let writer = sim.locality("here").reserve();
    /// let child = Child::new("writer", || Writer { flushing: None }).stop_limit(Duration::from_secs(2));
    /// let app = sim.start(Supervisor::one_for_one("app").child(child.at(writer)))?;
    /// sim.run_until_idle();
    /// app.shutdown();
    /// sim.run_for(Duration::from_secs(1));
    /// assert_eq!(writer.address().state(), Lifecycle::Stopping);
    /// sim.run_for(Duration::from_secs(1));
    /// assert!(app.tree().ended.is_some()); // nobody waits any longer
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.spec.extra_mut().stop_limit = limited(limit);
        self
    }

    /// How many messages may wait for it while it does not run. 1 024 by default.
    ///
    /// The newest is rejected and reported; with zero nothing waits, and all that comes between two
    /// instances is refused. Messages in the locality's queue are not counted, and what a
    /// [`bound`](Self::bound) has let in is neither counted nor refused.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Screen { shown: u32 }
    /// impl Actor for Screen {}
    /// impl Handler<u32> for Screen {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.shown += n }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let screen = sim.locality("here").reserve();
    /// // What was to be shown while there is no screen is of little use afterwards.
    /// let child = Child::new("screen", || Screen { shown: 0 }).capacity(1)
    ///     .backoff(Backoff::fixed(std::time::Duration::from_secs(1)));
    /// sim.start(Supervisor::one_for_one("app").child(child.at(screen)))?;
    /// # sim.run_until_idle();
    /// screen.address().kill(); // the next one comes in a second
    /// for n in [1, 10, 100] {
    ///     screen.send(n);
    /// }
    /// sim.run_for(std::time::Duration::from_secs(1));
    /// assert_eq!(sim.with(screen, |screen| screen.shown), Some(1));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn capacity(mut self, messages: u32) -> Self {
        self.spec.extra_mut().capacity = Some(messages);
        self
    }

    /// How many messages may wait for it at any time, and what becomes of what is too much.
    ///
    /// A reserved address must have been reserved [with a bound](crate::Locality::reserve_bounded),
    /// which this one takes the place of; else that is a [`StartError`](crate::StartError).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Door;
    /// impl Actor for Door {}
    /// struct Guest(u32);
    /// impl Actor for Guest {}
    /// impl Handler<u32> for Guest {
    ///     fn handle(&mut self, word: u32, _: &mut Context<Self>) { self.0 += word }
    /// }
    /// impl Handler<()> for Door {
    ///     fn handle(&mut self, (): (), cx: &mut Context<Self>) {
    ///         let guest = cx.child(Child::new("guest", || Guest(0)).bound(Bound::reject(2)));
    ///         let taken = (0..10).filter(|&word| guest.try_send(word).is_ok());
    ///         assert_eq!(taken.count(), 2);
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let door = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("door", || Door).at(door)))?;
    /// # door.send(());
    /// # sim.run_until_idle();
    /// # assert_eq!(app.tree().nodes[2].bound, Some(2));
    /// # assert_eq!(app.tree().nodes[1].instances, 1);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn bound(mut self, bound: Bound) -> Self {
        self.spec.extra_mut().bound = Some(bound);
        self
    }
}

/// The limit, if it is one.
pub(crate) fn limited(limit: Duration) -> Option<Duration> {
    (limit < Duration::MAX).then_some(limit)
}

impl<A: Actor> From<Child<A>> for Node {
    fn from(child: Child<A>) -> Node {
        Node(NodeKind::Actor(child.spec))
    }
}

impl From<Supervisor> for Node {
    fn from(supervisor: Supervisor) -> Node {
        Node(NodeKind::Supervisor(Box::new(supervisor)))
    }
}
