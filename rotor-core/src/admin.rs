//! Administrative requests: what a running supervisor can be asked to do.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::actor::Actor;
use crate::address::{Addr, Address};
use crate::error::StartError;
use crate::exit::Exit;
use crate::locality::Local;
use crate::message::{Command, Commanded, LOCALITY, Record, Request, Way};
use crate::recipient::Recipient;
use crate::request::{Ask, ReplyTo};
use crate::strategy::{ChildId, Deed, Event};
use crate::supervisor::Node;

/// Asks a supervisor to start a further child, last in its start order.
///
/// Answered when the child is operational: with its address, or `None` if its start was ignored. A
/// child that cannot start leaves nothing behind. The child does not outlive the supervisor's
/// instance: when that is restarted, only what its spec declares comes back.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// struct Plugin(&'static str);
/// impl Actor for Plugin {}
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("plugins"))?;
/// let start = StartChild::new(|| Child::new("spelling", || Plugin("spelling")));
/// let answer = sim.block_on(app.root().admin().ask(start, Duration::MAX)).unwrap();
/// let Ok(Ok(Some(started))) = answer else { panic!("it starts") };
/// assert_eq!(started.address.state(), Lifecycle::Running);
/// # Ok::<_, StartError>(())
/// ```
pub struct StartChild {
    build: Box<dyn FnOnce() -> Node + Send>,
}

impl StartChild {
    /// A child, or a supervisor with its children, from a closure that runs on the thread of the
    /// supervisor: what it builds need not be `Send`.
    ///
    /// A whole subtree is one child:
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// # struct Tab;
    /// # impl Actor for Tab {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let app = sim.start(Supervisor::one_for_one("app"))?;
    /// let window = StartChild::new(|| Supervisor::one_for_all("window")
    ///     .child(Child::new("tab 1", || Tab))
    ///     .child(Child::new("tab 2", || Tab)));
    /// let answer = sim.block_on(app.root().admin().ask(window, Duration::MAX));
    /// assert!(matches!(answer, Some(Ok(Ok(Some(_))))));
    /// assert_eq!(app.tree().nodes.len(), 4); // the root, the window and its tabs
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn new<N: Into<Node>>(build: impl FnOnce() -> N + Send + 'static) -> Self {
        StartChild {
            build: Box::new(move || build().into()),
        }
    }
}

/// Asks a pool, made by [`Supervisor::simple_one_for_one`](crate::Supervisor::simple_one_for_one),
/// for a further child of its template. Answered as [`StartChild`].
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// struct Player { name: String }
/// impl Actor for Player {}
/// struct Game { players: Address, joined: Vec<Addr<Player>> }
/// impl Actor for Game {}
/// impl Handler<String> for Game {
///     fn handle(&mut self, name: String, cx: &mut Context<Self>) {
///         let start = StartInstance::<Player, _>::new(name);
///         cx.request_from(self.players.admin(), start, Duration::MAX, |me, answer, _| {
///             if let Ok(Ok(Some(player))) = answer {
///                 me.joined.push(player.address); // typed: an `Addr<Player>`
///             }
///         });
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let (_here, there) = (sim.locality("here"), sim.locality("there"));
/// # let game = there.reserve();
/// # let pool = sim.start(Supervisor::simple_one_for_one("players",
/// #     |name: String, _: &mut Context<Player>| Player { name }))?;
/// # let players = pool.root();
/// # sim.start(Supervisor::one_for_one("app")
/// #     .child(Child::new("game", move || Game { players, joined: Vec::new() }).at(game)))?;
/// game.send("Ada".to_owned());
/// sim.run_until_idle();
/// let ada = sim.with(game, |game| game.joined[0]).unwrap();
/// assert_eq!(sim.with(ada, |player| player.name.clone()), Some("Ada".to_owned()));
/// # Ok::<_, StartError>(())
/// ```
pub struct StartInstance<A, T> {
    argument: T,
    actor: PhantomData<fn(A)>,
}

impl<A: Actor, T: Clone + Send + 'static> StartInstance<A, T> {
    /// A child that is made with this argument, also when it is restarted.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// # struct Session(u32);
    /// # impl Actor for Session {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let pool = sim.start(Supervisor::simple_one_for_one("sessions",
    ///     |id: u32, _: &mut Context<Session>| Session(id)))?;
    /// let start = StartInstance::<Session, _>::new(7_u32); // the template's types
    /// let answer = sim.block_on(pool.root().admin().ask(start, Duration::MAX));
    /// let Some(Ok(Ok(Some(session)))) = answer else { panic!("it starts") };
    /// session.address.address().kill();
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(session.address, |session| session.0), Some(7)); // also after a restart
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn new(argument: T) -> Self {
        StartInstance {
            argument,
            actor: PhantomData,
        }
    }
}

/// Asks a supervisor to stop a child, as it does when it ends itself, or to give its restart up.
///
/// Answered when the child is gone, or was given up at its stop limit: what hangs on another loop goes when that
/// turns again. Its spec stays, so that [`RestartChild`] can start it again; that
/// of a temporary child, and of a child of a pool, is removed.
///
/// ```
/// # use rotor_core::{sim::Sim, *};
/// # use std::time::Duration;
/// # struct Sync;
/// # impl Actor for Sync {}
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("app").child(Child::new("sync", || Sync)))?;
/// // While the machine is on battery: no restart brings it back.
/// let stop = TerminateChild::named("sync");
/// let answer = sim.block_on(app.root().admin().ask(stop, Duration::MAX));
/// assert!(matches!(answer, Some(Ok(Ok(())))));
/// let count = sim.block_on(app.root().admin().ask(CountChildren, Duration::MAX)).unwrap();
/// assert!(count.is_ok_and(|count| count.specs == 1 && count.active == 0));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TerminateChild {
    who: Who,
}

/// Which child a request is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Name(Cow<'static, str>),
    /// With the instance, if only one is meant.
    Address(Address, Option<u64>),
}

impl Who {
    /// The child that is meant; `None` for an instance that is gone.
    pub(crate) fn find(self, here: &Local, slot: u32) -> Result<Option<ChildId>, AdminError> {
        match self {
            Who::Name(name) => here.child_named(slot, &name).map(Some),
            Who::Address(address, instance) => here.child_at(slot, address, instance),
        }
    }

    /// The same for requests about specs, which the children of a pool have not.
    fn find_spec(self, here: &Local, slot: u32) -> Result<ChildId, AdminError> {
        let by_address = !matches!(self, Who::Name(_));
        if here.is_pool(slot) {
            return Err(match by_address {
                true => AdminError::Pool {
                    why: "an instance of a pool cannot be restarted or deleted: terminate it, and start \
                          another with `StartInstance`"
                        .into(),
                },
                false => AdminError::not_by_name(),
            });
        }
        let child = self.find(here, slot)?;
        child.ok_or_else(|| here.no_child(slot, None))
    }
}

impl TerminateChild {
    /// The child that was declared or started by a request under this name.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let app = sim.start(Supervisor::one_for_one("app"))?;
    /// let stop = TerminateChild::named("nobody");
    /// let answer = sim.block_on(app.root().admin().ask(stop, Duration::MAX));
    /// assert!(matches!(answer, Some(Ok(Err(AdminError::NotFound { .. })))));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        let who = Who::Name(name.into());
        TerminateChild { who }
    }

    /// The child with this address.
    ///
    /// The children of a pool are not asked for by the names that reports give them:
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// # struct Session(u32);
    /// # impl Actor for Session {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let pool = sim.start(Supervisor::simple_one_for_one("sessions",
    /// #     |id: u32, _: &mut Context<Session>| Session(id)))?;
    /// # let start = StartInstance::<Session, _>::new(7_u32);
    /// # let answer = sim.block_on(pool.root().admin().ask(start, Duration::MAX));
    /// # let Some(Ok(Ok(Some(session)))) = answer else { panic!("it starts") };
    /// let stop = TerminateChild::at(session.address.address());
    /// let answer = sim.block_on(pool.root().admin().ask(stop, Duration::MAX));
    /// assert!(matches!(answer, Some(Ok(Ok(())))));
    /// sim.run_until_idle();
    /// assert_eq!(session.address.address().state(), Lifecycle::Gone);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn at(address: Address) -> Self {
        let who = Who::Address(address, None);
        TerminateChild { who }
    }

    /// This instance, or the restart that follows from its end; not the instance after it.
    ///
    /// One that is gone is no error.
    ///
    /// The one that was seen, not one that came after it:
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// # struct Worker;
    /// # impl Actor for Worker {}
    /// # let mut sim = Sim::new(1);
    /// # let worker = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("worker", || Worker).at(worker)))?;
    /// let seen = sim.block_on(app.root().admin().ask(WhichChildren, Duration::MAX)).unwrap().unwrap();
    /// let ChildState::Running { instance } = seen[0].state else { panic!("it runs") };
    /// worker.address().kill(); // a new one comes
    /// sim.run_until_idle();
    /// let stop = TerminateChild::instance(worker.address(), instance);
    /// let answer = sim.block_on(app.root().admin().ask(stop, Duration::MAX));
    /// assert!(matches!(answer, Some(Ok(Ok(()))))); // the one that was meant is gone
    /// assert_eq!(worker.address().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn instance(address: Address, instance: u64) -> Self {
        let who = Who::Address(address, Some(instance));
        TerminateChild { who }
    }
}

/// Asks a supervisor to start a child that is down. Answered as [`StartChild`]; the attempt does not
/// count for the restart intensity, and is not repeated.
///
/// An actor that wants itself started anew asks for both, [`TerminateChild`] and this, in one handler:
/// they are served in order. The answers are for an instance that is gone by then.
/// ```
/// # use rotor_core::{sim::Sim, *};
/// # use std::time::Duration;
/// struct Server { port: u16 }
/// impl Actor for Server {}
/// struct Reload;
/// impl Handler<Reload> for Server {
///     fn handle(&mut self, _: Reload, cx: &mut Context<Self>) {
///         let Some(above) = cx.supervisor() else { return };
///         let me = cx.addr().address();
///         let (stop, start) = (TerminateChild::at(me), RestartChild::at(me));
///         cx.request_from(above.admin(), stop, Duration::MAX, |_, _, _| ());
///         cx.request_from(above.admin(), start, Duration::MAX, |_, _, _| ());
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let server = sim.locality("here").reserve();
/// # let mut port = 0;
/// # let make = move || { port += 1; Server { port } };
/// # sim.start(Supervisor::one_for_one("app").child(Child::new("server", make).at(server)))?;
/// server.send(Reload);
/// sim.run_until_idle();
/// assert_eq!(sim.with(server, |server| server.port), Some(2)); // made again
/// # Ok::<_, StartError>(())
/// ```
///
/// Stop and start from outside, such as after its configuration was changed:
/// ```
/// # use rotor_core::{sim::Sim, *};
/// # use std::time::Duration;
/// # struct Server;
/// # impl Actor for Server {}
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("server", || Server)))?;
/// let root = app.root();
/// let stopped = sim.block_on(root.admin().ask(TerminateChild::named("server"), Duration::MAX));
/// assert!(matches!(stopped, Some(Ok(Ok(())))));
/// let again = sim.block_on(root.admin().ask(RestartChild::named("server"), Duration::MAX));
/// assert!(matches!(again, Some(Ok(Ok(Some(_))))));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RestartChild {
    who: Who,
}

impl RestartChild {
    /// The child that was declared or started by a request under this name.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// # struct Part;
    /// # impl Actor for Part {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("part", || Part)))?;
    /// let again = RestartChild::named("part");
    /// let answer = sim.block_on(app.root().admin().ask(again, Duration::MAX));
    /// assert!(matches!(answer, Some(Ok(Err(AdminError::Running { .. })))));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        let who = Who::Name(name.into());
        RestartChild { who }
    }

    /// The child with this address.
    ///
    /// The children that an actor has added are known by their addresses only:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Job;
    /// impl Actor for Job {}
    /// struct Boss { job: Option<Addr<Job>> }
    /// impl Actor for Boss {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         self.job = Some(cx.child(Child::new("job", || Job).transient()));
    ///         Ok(())
    ///     }
    /// }
    /// struct Repeat;
    /// impl Handler<Repeat> for Boss {
    ///     fn handle(&mut self, _: Repeat, cx: &mut Context<Self>) {
    ///         let Some(job) = self.job else { return };
    ///         let again = RestartChild::at(job.address());
    ///         cx.request_from(cx.addr().address().admin(), again, Duration::MAX, |_, _, _| ());
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let boss = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("boss", || Boss { job: None }).at(boss)))?;
    /// # sim.run_until_idle();
    /// # let job = sim.with(boss, |boss| boss.job.unwrap()).unwrap();
    /// job.stop(); // done
    /// sim.run_until_idle();
    /// assert_eq!(job.address().state(), Lifecycle::Down);
    /// boss.send(Repeat);
    /// sim.run_until_idle();
    /// assert_eq!(job.address().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn at(address: Address) -> Self {
        let who = Who::Address(address, None);
        RestartChild { who }
    }
}

/// Asks a supervisor to remove the spec of a child that is down.
///
/// Nothing shows it any more, and its names, those that specs below it declare included, are free for
/// others when that is answered. Of those that live on other localities, two kinds are free when these have
/// had their next turn: a name [of another tree](crate::Name::of), and one whose owner was removed by force.
/// A declared child comes back when the supervisor itself is restarted, with its names; if somebody else has
/// one of them then, its start fails. Until then its reserved addresses are those of a child that is
/// [down](crate::Lifecycle::Down). What was added at run time is gone.
///
/// ```
/// # use rotor_core::{sim::Sim, *};
/// # use std::time::Duration;
/// # struct Server;
/// # impl Actor for Server {}
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("server", || Server)))?;
/// let root = app.root();
/// let delete = || DeleteChild::named("server");
/// let refused = sim.block_on(root.admin().ask(delete(), Duration::MAX));
/// assert!(matches!(refused, Some(Ok(Err(AdminError::Running { .. })))));
/// let _ = sim.block_on(root.admin().ask(TerminateChild::named("server"), Duration::MAX));
/// let deleted = sim.block_on(root.admin().ask(delete(), Duration::MAX));
/// assert!(matches!(deleted, Some(Ok(Ok(())))));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeleteChild {
    who: Who,
}

impl DeleteChild {
    /// The child that was declared or started by a request under this name.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let app = sim.start(Supervisor::one_for_one("app"))?;
    /// let delete = DeleteChild::named("nobody");
    /// let answer = sim.block_on(app.root().admin().ask(delete, Duration::MAX));
    /// assert!(matches!(answer, Some(Ok(Err(AdminError::NotFound { .. })))));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        let who = Who::Name(name.into());
        DeleteChild { who }
    }

    /// The child with this address, which ends with the spec of a child that was added at run time.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # use std::time::Duration;
    /// # struct Tab;
    /// # impl Actor for Tab {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let app = sim.start(Supervisor::one_for_one("app"))?;
    /// let start = StartChild::new(|| Child::new("tab", || Tab).transient());
    /// let started = sim.block_on(app.root().admin().ask(start, Duration::MAX));
    /// let Some(Ok(Ok(Some(tab)))) = started else { panic!("it starts") };
    /// tab.address.stop();
    /// sim.run_until_idle();
    /// let delete = DeleteChild::at(tab.address);
    /// let deleted = sim.block_on(app.root().admin().ask(delete, Duration::MAX));
    /// assert!(matches!(deleted, Some(Ok(Ok(())))));
    /// sim.run_until_idle();
    /// assert_eq!(tab.address.state(), Lifecycle::Gone);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn at(address: Address) -> Self {
        let who = Who::Address(address, None);
        DeleteChild { who }
    }
}

/// Asks a supervisor for its children, in start order.
///
/// ```
/// # use rotor_core::{sim::Sim, *};
/// # use std::time::Duration;
/// # struct Part;
/// # impl Actor for Part {}
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("app")
///     .child(Child::new("first", || Part))
///     .child(Child::new("second", || Part)))?;
/// let children = sim.block_on(app.root().admin().ask(WhichChildren, Duration::MAX)).unwrap();
/// let names: Vec<_> = children.unwrap().into_iter().map(|child| child.name).collect();
/// assert_eq!(names, ["first", "second"]);
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WhichChildren;

/// Asks a supervisor how many children it has.
///
/// ```
/// # use rotor_core::{sim::Sim, *};
/// # use std::time::Duration;
/// # struct Part;
/// # impl Actor for Part {}
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("app")
///     .child(Child::new("here", || Part))
///     .child(Child::new("not needed", || None::<Part>)))?; // an ignored start
/// let count = sim.block_on(app.root().admin().ask(CountChildren, Duration::MAX)).unwrap().unwrap();
/// assert_eq!((count.specs, count.active, count.workers), (2, 1, 2));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CountChildren;

/// A child that runs because of a request. `T` is its address, typed if the request knows its type.
///
/// ```
/// use rotor_core::*;
/// /// What a handler that has asked for a child does with the answer.
/// fn told(answer: Result<Option<Started>, AdminError>) -> String {
///     match answer {
///         Ok(Some(child)) => format!("instance {} runs", child.instance),
///         Ok(None) => "not needed here".to_owned(),
///         Err(error) => error.to_string(),
///     }
/// }
/// let running = AdminError::Running { child: "app/net".into() };
/// assert_eq!(told(Err(running)), "app/net runs: terminate it first");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started<T = Address> {
    /// Its address.
    pub address: T,
    /// Which instance it is: see [`Observer::started`](crate::Observer::started).
    pub instance: u64,
}

/// A child as its supervisor sees it.
///
/// ```
/// use rotor_core::*;
/// fn line(child: &ChildInfo) -> String {
///     let kind = if child.is_supervisor { "supervisor" } else { "worker" };
///     format!("{} ({kind}): {:?}", child.name, child.state)
/// }
/// # use rotor_core::sim::Sim;
/// # struct Part;
/// # impl Actor for Part {}
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// # let app = sim.start(Supervisor::one_for_one("app").child(Child::new("lazy", || None::<Part>)))?;
/// # let all = app.root().admin().ask(WhichChildren, std::time::Duration::MAX);
/// # let all = sim.block_on(all).unwrap().unwrap();
/// assert_eq!(line(&all[0]), "lazy (worker): Down");
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its address.
    pub address: Address,
    /// Whether it is a supervisor.
    pub is_supervisor: bool,
    /// What its supervisor knows of it.
    pub state: ChildState,
}

/// What a supervisor knows of a child.
///
/// ```
/// use rotor_core::*;
/// fn needs_attention(children: &[ChildInfo]) -> bool {
///     children.iter().any(|child| child.state == ChildState::Restarting)
/// }
/// # assert!(!needs_attention(&[]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// This instance of it runs. If it has just ended, its supervisor has not been told yet; one on a loop
    /// that hangs counts as running.
    Running {
        /// Which instance it is: see [`Observer::started`](crate::Observer::started).
        instance: u64,
    },
    /// It is going to be started again: when its backoff is over, or because it could not be.
    Restarting,
    /// It is not there, and is not started by itself: it ended and is not restarted, was terminated, was left out
    /// when it could not start, or its start was ignored. One that was given up on a loop that hangs may still
    /// be in its handler.
    Down,
}

/// How many children a supervisor has.
///
/// ```
/// use rotor_core::*;
/// fn is_idle(pool: ChildCount) -> bool {
///     pool.active == 0
/// }
/// # assert!(is_idle(ChildCount::default()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildCount {
    /// Specs; 1 for the template of a pool.
    pub specs: usize,
    /// Children that run, as [`ChildState::Running`] says.
    pub active: usize,
    /// Children that are supervisors, running or not.
    pub supervisors: usize,
    /// Children that are not, running or not.
    pub workers: usize,
}

/// Why a supervisor did not do what it was asked to.
///
/// ```
/// use rotor_core::*;
/// /// Makes "start it if it is not there" of an answer.
/// fn there(answer: Result<Option<Started>, AdminError>) -> Result<Option<Address>, AdminError> {
///     match answer {
///         Ok(started) => Ok(started.map(|started| started.address)),
///         Err(AdminError::AlreadyStarted { address, .. }) => Ok(Some(address)),
///         Err(error) => Err(error),
///     }
/// }
/// # assert!(there(Err(AdminError::AlreadyPresent { child: "app/net".into() })).is_err());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AdminError {
    /// No child has this name or address.
    NotFound {
        /// The path of the supervisor that was asked.
        supervisor: Cow<'static, str>,
        /// The name; none if it was asked by an address.
        child: Option<Cow<'static, str>>,
        /// It is an actor of its own, and no [`Supervisor`](crate::Supervisor): the children that it
        /// [adds itself](crate::Context::child) are asked for by their addresses.
        is_actor: bool,
    },
    /// The child runs.
    Running {
        /// Its path.
        child: Cow<'static, str>,
    },
    /// The child is going to be restarted.
    Restarting {
        /// Its path.
        child: Cow<'static, str>,
    },
    /// A child of this name runs already.
    AlreadyStarted {
        /// Its path.
        child: Cow<'static, str>,
        /// Its address.
        address: Address,
    },
    /// A child of this name has a spec already, and does not run.
    AlreadyPresent {
        /// Its path.
        child: Cow<'static, str>,
    },
    /// The spec is wrong.
    BadSpec(StartError),
    /// The child could not start.
    StartFailed(Exit),
    /// A pool's children are made of its one template, and are not asked for by name: [`StartInstance`]
    /// and [`TerminateChild::at`] are for it.
    Pool {
        /// What to do instead.
        why: Cow<'static, str>,
    },
    /// [`StartInstance`] was sent to a supervisor that is no pool, or to a pool that makes something
    /// else: another type of actor, or from another type of argument.
    NotThisPool {
        /// Type names of the pool's actor and argument, if it is a pool.
        makes: Option<(&'static str, &'static str)>,
        /// Type names of the actor and the argument that were asked for.
        asked: (&'static str, &'static str),
    },
    /// The pool has as many children as it [may](crate::Supervisor::instances_at_most), those that
    /// wait for a restart included.
    Full {
        /// How many those are.
        most: u32,
    },
}

impl AdminError {
    /// A pool was asked for an instance by a name.
    pub(crate) fn not_by_name() -> Self {
        AdminError::Pool {
            why: "the instances of a pool are not asked for by name, and have no specs of their own: \
                  terminate them by their addresses"
                .into(),
        }
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdminError::NotFound {
                supervisor,
                child: Some(child),
                is_actor: false,
            } => write!(f, "{supervisor} has no child named {child}"),
            AdminError::NotFound {
                supervisor,
                child: Some(child),
                is_actor: true,
            } => write!(
                f,
                "{supervisor} has no child named {child}: one that an actor adds itself is asked for by its \
                 address, not by its name"
            ),
            AdminError::NotFound {
                supervisor,
                child: None,
                ..
            } => write!(f, "{supervisor} has no child at that address"),
            AdminError::Running { child } => write!(f, "{child} runs: terminate it first"),
            AdminError::Restarting { child } => {
                write!(f, "{child} is being restarted: terminate it first")
            }
            AdminError::AlreadyStarted { child, address } => {
                write!(f, "{child} runs already, at {address:?}")
            }
            AdminError::AlreadyPresent { child } => write!(
                f,
                "{child} is there already, and does not run: restart or delete it, or terminate it first if \
                 it waits for a restart"
            ),
            AdminError::BadSpec(error) => write!(f, "the spec is wrong: {error}"),
            AdminError::StartFailed(exit) => write!(f, "the child could not start: {exit}"),
            AdminError::Pool { why } => f.write_str(why),
            AdminError::NotThisPool { makes: None, .. } => write!(
                f,
                "this supervisor is not a pool: `StartChild` adds a child to it"
            ),
            AdminError::NotThisPool {
                makes: Some((actor, argument)),
                asked: (other, of),
            } => write!(
                f,
                "this pool makes {actor} of {argument}, not {other} of {of}: ask for a \
                 `StartInstance<{actor}, {argument}>`"
            ),
            AdminError::Full { most } => write!(
                f,
                "the pool has all the instances that its `instances_at_most` allows, {most}: raise that, or \
                 end one first"
            ),
        }
    }
}

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AdminError::BadSpec(error) => Some(error),
            AdminError::StartFailed(exit) => Some(exit),
            _ => None,
        }
    }
}

/// A request that is served by the supervisor at an address: see
/// [`Address::admin`](crate::Address::admin).
///
/// What holds for all of them can be written once:
/// ```
/// use rotor_core::*;
/// use std::time::Duration;
/// fn ask_blocking<Q: AdminRequest>(whom: Address, request: Q) -> Result<Q::Reply, RequestError> {
///     whom.admin().ask_blocking(request, Duration::from_secs(5))
/// }
/// # struct Nobody;
/// # impl Actor for Nobody {}
/// let nobody = Locality::new("gone").reserve::<Nobody>().address();
/// assert!(matches!(ask_blocking(nobody, CountChildren), Err(RequestError::Gone)));
/// ```
pub trait AdminRequest: Request + sealed::Sealed {}

impl<Q: Request + sealed::Sealed> AdminRequest for Q {}

mod sealed {
    pub trait Sealed: super::Request {
        /// The request with its token, as its supervisor keeps it until it is free.
        fn admin(self, reply: super::ReplyTo<Self::Reply>) -> super::Admin;
    }
}

/// A request that waits until its supervisor is free. Does it, or finds out what it asks the family
/// for; called between messages.
pub struct Admin {
    pub(crate) serve: Box<Serve>,
    /// Whom it is to end, if that is what it asks for.
    pub(crate) ends: Option<Who>,
}

type Serve = dyn FnOnce(&Local, u32) -> Event;

impl Admin {
    fn new(serve: impl FnOnce(&Local, u32) -> Event + 'static) -> Self {
        Admin {
            serve: Box::new(serve),
            ends: None,
        }
    }

    /// A request that looks at the children only.
    fn look<R: Send>(reply: ReplyTo<R>, look: fn(&Local, u32) -> R) -> Self {
        Admin::new(move |here, slot| {
            reply.send(look(here, slot));
            Event::Served
        })
    }
}

/// What is told to the asker of the request that is served: the child that runs now, if one does.
pub(crate) type Reply = Box<dyn FnOnce(Result<Option<Started>, AdminError>)>;

pub(crate) fn recipient<Q: AdminRequest>(to: Address) -> Recipient<Ask<Q>> {
    Recipient::new(to, Commanded::<Ask<Q>>::KIND)
}

/// An administrative request on its way.
impl<Q: AdminRequest> Command for Ask<Q> {
    const WAY: Way = Way::Address;

    fn name() -> &'static str {
        std::any::type_name::<Q>()
    }

    fn run(self, here: &Local, slot: u32) {
        // Not that actor's code: it would be blamed for a panic.
        let before = here.current.replace(LOCALITY);
        let (request, reply) = self.split();
        here.asked(slot, request.admin(reply));
        here.current.set(before);
    }
}

impl Request for StartChild {
    type Reply = Result<Option<Started>, AdminError>;
}

impl sealed::Sealed for StartChild {
    fn admin(self, reply: ReplyTo<Self::Reply>) -> Admin {
        Admin::new(move |here, slot| {
            let added = here.add_asked(slot, self.build);
            promise(here, slot, added.map(Deed::Launch), |result| {
                reply.send(result);
            })
        })
    }
}

impl<A: Actor, T: Clone + Send + 'static> Request for StartInstance<A, T> {
    type Reply = Result<Option<Started<Addr<A>>>, AdminError>;
}

impl<A: Actor, T: Clone + Send + 'static> sealed::Sealed for StartInstance<A, T> {
    fn admin(self, reply: ReplyTo<Self::Reply>) -> Admin {
        let typed = |started: Started| Started {
            address: Addr::new(started.address),
            instance: started.instance,
        };
        Admin::new(move |here, slot| {
            let added = here.add_instance::<A, T>(slot, self.argument);
            promise(here, slot, added.map(Deed::Launch), move |result| {
                reply.send(result.map(|started| started.map(typed)));
            })
        })
    }
}

impl Request for TerminateChild {
    type Reply = Result<(), AdminError>;
}

impl sealed::Sealed for TerminateChild {
    fn admin(self, reply: ReplyTo<Self::Reply>) -> Admin {
        let ends = Some(self.who.clone());
        let terminate = Admin::new(
            move |here, slot| match self.who.find(here, slot).transpose() {
                Some(child) => {
                    let deed = child.map(Deed::Terminate);
                    promise(here, slot, deed, |result| reply.send(result.map(drop)))
                }
                None => {
                    reply.send(Ok(()));
                    Event::Served
                }
            },
        );
        Admin { ends, ..terminate }
    }
}

impl Request for RestartChild {
    type Reply = Result<Option<Started>, AdminError>;
}

impl sealed::Sealed for RestartChild {
    fn admin(self, reply: ReplyTo<Self::Reply>) -> Admin {
        Admin::new(move |here, slot| {
            let deed = self.who.find_spec(here, slot).map(Deed::Restart);
            promise(here, slot, deed, |result| reply.send(result))
        })
    }
}

impl Request for DeleteChild {
    type Reply = Result<(), AdminError>;
}

impl sealed::Sealed for DeleteChild {
    fn admin(self, reply: ReplyTo<Self::Reply>) -> Admin {
        Admin::new(move |here, slot| {
            let deed = self.who.find_spec(here, slot).map(Deed::Delete);
            promise(here, slot, deed, |result| reply.send(result.map(drop)))
        })
    }
}

impl Request for WhichChildren {
    type Reply = Vec<ChildInfo>;
}

impl sealed::Sealed for WhichChildren {
    fn admin(self, reply: ReplyTo<Self::Reply>) -> Admin {
        Admin::look(reply, Local::children_of)
    }
}

impl Request for CountChildren {
    type Reply = ChildCount;
}

impl sealed::Sealed for CountChildren {
    fn admin(self, reply: ReplyTo<Self::Reply>) -> Admin {
        Admin::look(reply, Local::count_children)
    }
}

/// Asks the family for a deed and has its outcome told, or tells why there is none to ask for.
fn promise(
    here: &Local,
    slot: u32,
    deed: Result<Deed, AdminError>,
    tell: impl FnOnce(Result<Option<Started>, AdminError>) + 'static,
) -> Event {
    match deed {
        Ok(deed) => {
            here.promise(slot, Box::new(tell));
            Event::Do(deed)
        }
        Err(error) => {
            tell(Err(error));
            Event::Served
        }
    }
}

impl fmt::Debug for StartChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StartChild")
    }
}

impl<A, T: fmt::Debug> fmt::Debug for StartInstance<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StartInstance")
            .field(&self.argument)
            .finish()
    }
}
