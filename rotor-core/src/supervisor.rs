//! Supervisors: the tree as data, built and checked before anything starts.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::actor::Actor;
use crate::backoff::Backoff;
use crate::child::{IntoActor, Maker, Spec, limited};
use crate::context::Context;
use crate::decision::{ChildExit, Decide, Decision};
use crate::error::StartError;
use crate::here;
use crate::locality::Locality;
use crate::observe::Observer;
use crate::pool::Template;
use crate::registry::Declared;
use crate::strategy::{AutoShutdown, Flags, Restart, Strategy};

/// A supervisor: what it starts, in which order, and what it does when a child ends.
///
/// Children are started in order, each when the one before is operational, and stopped in reverse.
/// More than *intensity* restarts within *period* make the supervisor stop its children and end, so
/// that its own supervisor decides. Rules and defaults (1 restart in 5 s) are those of Erlang/OTP.
///
/// A spec stays on its thread (it is not [`Send`]); what is to live on another loop is made there, by
/// the closure of [`on`](Self::on).
///
/// ```
/// use rotor_core::*;
/// use std::time::Duration;
/// struct Worker;
/// impl Actor for Worker {}
/// let tree = Supervisor::one_for_one("app")
///     .intensity(5, Duration::from_secs(10))
///     .child(Child::new("worker", || Worker))
///     .child(Supervisor::rest_for_one("pair")
///         .child(Child::new("first", || Worker))
///         .child(Child::new("second", || Worker)));
/// ```
#[must_use = "a tree does nothing until it is started"]
pub struct Supervisor {
    pub(crate) name: Cow<'static, str>,
    pub(crate) flags: Flags,
    pub(crate) restart: Restart,
    pub(crate) significant: bool,
    pub(crate) escalating: bool,
    pub(crate) decide: Option<Arc<Decide>>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) start_limit: Option<Duration>,
    pub(crate) stop_limit: Option<Duration>,
    pub(crate) children: Vec<Node>,
    pub(crate) own_names: bool,
    /// What its children are made from, if it is a pool.
    pub(crate) template: Option<Template>,
    /// The call that has spoken of the children of a pool without a template.
    pub(crate) no_pool: Option<&'static str>,
    /// What was said of it that its closure has to say, if that returns a pool.
    said: Option<&'static str>,
    /// It is the one that a closure of [`on`](Self::on) was given.
    given: bool,
    /// Levels of the tree from here down.
    pub(crate) levels: usize,
    /// A child was left out, because it had too many levels.
    pub(crate) too_deep: bool,
    pub(crate) place: Option<Remote>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// A child of a supervisor: an actor or another supervisor. Made by `into` from
/// [`Child`](crate::Child) and [`Supervisor`].
///
/// ```
/// use rotor_core::*;
/// struct Worker;
/// impl Actor for Worker {}
/// let parts: Vec<Node> = vec![
///     Child::new("worker", || Worker).into(),
///     Supervisor::one_for_one("more").into(),
/// ];
/// let tree = parts.into_iter().fold(Supervisor::one_for_one("app"), |s, part| s.child(part));
/// ```
pub struct Node(pub(crate) NodeKind);

/// Levels that a spec may have, so that whoever walks it does so on any stack.
pub(crate) const MOST_LEVELS: usize = 100;

pub(crate) enum NodeKind {
    Actor(Spec),
    Supervisor(Box<Supervisor>),
}

/// A subtree on another locality: it is built over there, and once here, to be checked.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) locality: Locality,
    pub(crate) build: Build,
    /// It was placed before, by another closure.
    pub(crate) again: bool,
    /// Known when it was checked.
    pub(crate) declared: OnceCell<Declared>,
}

pub(crate) type Build = Arc<Mutex<dyn FnMut(Supervisor) -> Supervisor + Send>>;

/// The actor behind a stock supervisor: its work is done by the core.
pub(crate) struct Stock(Option<Arc<Decide>>);

impl Actor for Stock {
    fn decide(&mut self, child: &ChildExit<'_>, _: &mut Context<Self>) -> Decision {
        let usual = Decision::Usual;
        self.0.as_ref().map_or(usual, |decide| decide(child))
    }
}

impl Stock {
    pub(crate) fn maker(decide: Option<Arc<Decide>>) -> Maker {
        Maker::of(move |_| Ok(Some(Stock(decide.clone()))))
    }
}

impl Supervisor {
    pub(crate) fn new(name: Cow<'static, str>, flags: Flags) -> Self {
        Supervisor {
            name,
            flags,
            restart: Restart::Permanent,
            significant: false,
            escalating: false,
            decide: None,
            backoff: None,
            start_limit: None,
            stop_limit: None,
            children: Vec::new(),
            own_names: false,
            template: None,
            no_pool: None,
            said: None,
            given: false,
            levels: 1,
            too_deep: false,
            place: None,
            observer: None,
        }
    }

    /// Restarts only the child that ended.
    ///
    /// For children that do not need each other:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Job;
    /// impl Actor for Job {}
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (a, b) = (here.reserve(), here.reserve());
    /// let app = sim.start(Supervisor::one_for_one("jobs")
    ///     .child(Child::new("a", || Job).at(a))
    ///     .child(Child::new("b", || Job).at(b)))?;
    /// sim.run_until_idle();
    /// a.address().kill();
    /// sim.run_until_idle();
    /// let lives: Vec<_> = app.tree().nodes[1..].iter().map(|child| child.instances).collect();
    /// assert_eq!(lives, [2, 1]); // b has not noticed
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn one_for_one(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name.into(), Flags::new(Strategy::OneForOne))
    }

    /// Restarts all children when one ends.
    ///
    /// For children whose states have to fit:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Side;
    /// impl Actor for Side {}
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let (encoder, decoder) = (here.reserve(), here.reserve());
    /// let app = sim.start(Supervisor::one_for_all("codec")
    ///     .child(Child::new("encoder", || Side).at(encoder))
    ///     .child(Child::new("decoder", || Side).at(decoder)))?;
    /// sim.run_until_idle();
    /// decoder.address().kill();
    /// sim.run_until_idle();
    /// assert!(app.tree().nodes[1..].iter().all(|child| child.instances == 2)); // both are new
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn one_for_all(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name.into(), Flags::new(Strategy::OneForAll))
    }

    /// Restarts the child that ended and those started after it.
    ///
    /// For children that need those before them:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Part;
    /// impl Actor for Part {}
    /// # let mut sim = Sim::new(1);
    /// # let here = sim.locality("here");
    /// # let login = here.reserve();
    /// let app = sim.start(Supervisor::rest_for_one("session")
    ///     .child(Child::new("connection", || Part))
    ///     .child(Child::new("login", || Part).at(login)) // is worth nothing on another connection
    ///     .child(Child::new("inbox", || Part)))?;
    /// sim.run_until_idle();
    /// login.address().kill();
    /// sim.run_until_idle();
    /// let lives: Vec<_> = app.tree().nodes[1..].iter().map(|child| child.instances).collect();
    /// assert_eq!(lives, [1, 2, 2]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn rest_for_one(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name.into(), Flags::new(Strategy::RestForOne))
    }

    /// A pool: starts without children, and makes children of one template as it is asked to, each
    /// with an argument of its own; see [`StartInstance`](crate::StartInstance).
    ///
    /// A child of the pool `sessions` has a name like `sessions#7`, which no other one gets. One that ends
    /// is restarted with the same argument, by itself. One that is not restarted, or
    /// whose restart is ignored, leaves nothing behind; in OTP 25 the latter left a row that broke the
    /// pool's end. When the pool ends, its children are stopped all at the same time. To place a pool
    /// on another locality, [`on`](Self::on)'s closure returns one.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use std::time::Duration;
    /// struct Session { user: String }
    /// impl Actor for Session {}
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// sim.locality("here");
    /// let app = sim.start(
    ///     Supervisor::simple_one_for_one("sessions", |user: String, _: &mut Context<Session>| {
    ///         Session { user }
    ///     })
    ///     .instances(Restart::Temporary),
    /// )?;
    /// let start = StartInstance::<Session, _>::new("ada".to_owned());
    /// let started = sim.block_on(app.root().admin().ask(start, Duration::MAX)).unwrap();
    /// let session = started.unwrap().unwrap().unwrap().address;
    /// assert_eq!(sim.with(session, |s| s.user.clone()), Some("ada".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn simple_one_for_one<A, T, R>(
        name: impl Into<Cow<'static, str>>,
        make: impl Fn(T, &mut Context<A>) -> R + 'static,
    ) -> Self
    where
        A: Actor,
        T: Clone + Send + 'static,
        R: IntoActor<A>,
    {
        let make = move |argument: T, cx: &mut Context<A>| make(argument, cx).into_actor();
        Supervisor {
            template: Some(Template::new(make)),
            ..Self::new(name.into(), Flags::new(Strategy::SimpleOneForOne))
        }
    }

    /// When the children of a pool are restarted. [`Restart::Permanent`] by default.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Job(u32);
    /// impl Actor for Job {}
    /// let pool = Supervisor::simple_one_for_one("jobs", |n: u32, _: &mut Context<Job>| Job(n))
    ///     .instances(Restart::Temporary); // a job that fails is not repeated
    /// ```
    pub fn instances(mut self, restart: Restart) -> Self {
        match &mut self.template {
            Some(template) => template.restart = restart,
            None => self.no_pool = Some("instances"),
        }
        self
    }

    /// How long the start and the stop of a child of a pool may take: see
    /// [`Child::start_limit`](crate::Child::start_limit) and
    /// [`Child::stop_limit`](crate::Child::stop_limit).
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// struct Session;
    /// impl Actor for Session {}
    /// let second = Duration::from_secs(1);
    /// let pool = Supervisor::simple_one_for_one("sessions", |_: u32, _: &mut Context<Session>| Session)
    ///     .instance_limits(10 * second, Duration::ZERO); // time to connect, no hook at the end
    /// # assert!(pool.plan(&Locality::new("here")).is_ok());
    /// ```
    pub fn instance_limits(mut self, start: Duration, stop: Duration) -> Self {
        match &mut self.template {
            Some(template) => {
                template.start_limit = limited(start);
                template.stop_limit = limited(stop);
            }
            None => self.no_pool = Some("instance_limits"),
        }
        self
    }

    /// How many children a pool may have at a time; any number by default. Those that start, stop or
    /// wait for a restart count. One more is refused, with [`AdminError::Full`](crate::AdminError::Full).
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use std::time::Duration;
    /// struct Guest;
    /// impl Actor for Guest {}
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// sim.locality("here");
    /// let inn = Supervisor::simple_one_for_one("inn", |(), _: &mut Context<Guest>| Guest);
    /// let app = sim.start(inn.instances_at_most(1))?;
    /// let mut arrive = || {
    ///     let guest = StartInstance::<Guest, _>::new(());
    ///     sim.block_on(app.root().admin().ask(guest, Duration::MAX)).unwrap().unwrap()
    /// };
    /// assert!(arrive().is_ok());
    /// assert!(matches!(arrive(), Err(AdminError::Full { most: 1 })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn instances_at_most(mut self, most: u32) -> Self {
        match &mut self.template {
            Some(template) => template.most = most,
            None => self.no_pool = Some("instances_at_most"),
        }
        self
    }

    /// Has each restart of a child of a pool wait: see [`Child::backoff`](crate::Child::backoff).
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// struct Peer;
    /// impl Actor for Peer {}
    /// let peers = Supervisor::simple_one_for_one("peers", |_: u32, _: &mut Context<Peer>| Peer)
    ///     .instance_backoff(Backoff::fixed(Duration::ZERO));
    /// let refused = peers.plan(&Locality::new("here"));
    /// assert!(matches!(refused, Err(StartError::Backoff { .. })));
    /// ```
    pub fn instance_backoff(mut self, backoff: Backoff) -> Self {
        match &mut self.template {
            Some(template) => template.backoff = Some(backoff),
            None => self.no_pool = Some("instance_backoff"),
        }
        self
    }

    /// Gives up after more than `restarts` restarts within `period`. 1 in 5 s by default; a period
    /// of zero is a [`StartError`].
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Worker;
    /// impl Actor for Worker {}
    /// # let mut sim = Sim::new(1);
    /// # let worker = sim.locality("here").reserve();
    /// let app = sim.start(Supervisor::one_for_one("app").intensity(2, Duration::from_secs(10))
    ///     .child(Child::new("worker", || Worker).at(worker)))?;
    /// for _ in 0..3 {
    ///     sim.run_for(Duration::from_secs(4)); // three in 8 s, which is one too many
    ///     assert!(app.tree().ended.is_none());
    ///     worker.address().kill();
    /// }
    /// sim.run_until_idle();
    /// assert!(app.tree().ended.is_some_and(|exit| exit.gave_up().is_some()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.said = Some("intensity");
        self.flags.intensity = restarts;
        self.flags.period = period;
        self
    }

    /// Ends by itself when significant children have ended.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Report;
    /// impl Actor for Report {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         println!("all is well");
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// // `run` returns, because the only thing that the program is for has ended.
    /// let exit = ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("report", || Report).transient().significant()))?;
    /// assert!(!exit.is_failure());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn auto_shutdown(mut self, when: AutoShutdown) -> Self {
        self.said = Some("auto_shutdown");
        self.flags.auto_shutdown = when;
        self
    }

    /// Has its children become operational together: none before all are initialized, then one after
    /// the other in start order.
    ///
    /// A child that is initialized can be [found](Context::find) and linked to by its siblings, but it
    /// handles no messages yet, which are parked. If one fails meanwhile, all are stopped, and none has
    /// been operational. This is so whenever the supervisor itself starts; a child that is restarted,
    /// or added later, does not wait. A synchronized supervisor below another one waits for that.
    ///
    /// *Source*: the C++ library rotor, whose children initialize at the same time; here one after the
    /// other, as without it.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// /// Takes its time to start.
    /// struct Slow;
    /// struct Warm(Hold);
    /// impl Actor for Slow {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let cold = cx.hold("it warms up");
    ///         cx.after(Duration::from_secs(1), Warm(cold));
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Warm> for Slow {
    ///     fn handle(&mut self, _: Warm, _: &mut Context<Self>) {}
    /// }
    /// struct Fast;
    /// impl Actor for Fast {}
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let here = sim.locality("here");
    /// let (fast, slow) = (here.reserve(), here.reserve());
    /// sim.start(Supervisor::one_for_one("app")
    ///     .synchronize_start()
    ///     .child(Child::new("fast", || Fast).at(fast))
    ///     .child(Child::new("slow", || Slow).at(slow)))?;
    /// sim.run_for(Duration::from_millis(500));
    /// assert_eq!(fast.address().state(), Lifecycle::Initialized);
    /// assert_eq!(slow.address().state(), Lifecycle::Starting);
    /// sim.run_for(Duration::from_secs(1));
    /// assert_eq!(fast.address().state(), Lifecycle::Running);
    /// assert_eq!(slow.address().state(), Lifecycle::Running);
    /// # Ok(())
    /// # }
    /// ```
    pub fn synchronize_start(mut self) -> Self {
        self.said = Some("synchronize_start");
        self.flags.synchronized = true;
        self
    }

    /// Has the names of all that is below it be found there only: other parts of the tree may have
    /// actors of the same names.
    ///
    /// An actor gets its names in the innermost such subtree around it. It finds those of each subtree
    /// around it, and of the tree; of two alike, the inner one, which hides the outer one also while it
    /// cannot be found, until its spec is gone. [`App::lookup`](crate::App::lookup) finds the names of
    /// the tree. On the root it changes nothing.
    ///
    /// Two windows that are built alike:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// const VIEW: Name<View> = Name::new("view");
    /// #[derive(Default)] struct View { clicks: u32 }
    /// impl Actor for View {}
    /// impl Handler<()> for View {
    ///     fn handle(&mut self, (): (), _: &mut Context<Self>) { self.clicks += 1 }
    /// }
    /// struct Button;
    /// impl Actor for Button {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.find(VIEW, |_, view, _| view.send(())); // that of its own window
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let here = sim.locality("here");
    /// let window = |name, view| Supervisor::one_for_all(name).own_names()
    ///     .child(Child::new("view", View::default).at(view).named(VIEW))
    ///     .child(Child::new("button", || Button));
    /// let (left, right) = (here.reserve(), here.reserve());
    /// sim.start(Supervisor::one_for_one("app")
    ///     .child(window("left", left))
    ///     .child(window("right", right)))?;
    /// sim.run_until_idle();
    /// assert_eq!([left, right].map(|view| sim.with(view, |view| view.clicks)), [Some(1), Some(1)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn own_names(mut self) -> Self {
        self.said = Some("own_names");
        self.own_names = true;
        self
    }

    /// Decides what follows when a child has ended by itself, or could not be started.
    ///
    /// [`Decision::Stop`] has a start go on without a child that it can do without. `decide` is asked as
    /// [`Actor::decide`](crate::Actor::decide) is, which says when: not about the first start of a child that a
    /// request has added. It runs on the supervisor's locality, wherever that is [placed](Self::on).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Step;
    /// impl Actor for Step {}
    /// impl Handler<&'static str> for Step {
    ///     fn handle(&mut self, what: &'static str, cx: &mut Context<Self>) {
    ///         cx.fail(Error::message(what));
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let step = sim.locality("here").reserve();
    /// let app = sim.start(Supervisor::one_for_one("job")
    ///     .decide(|child| match child.exit.reason() {
    ///         ExitReason::Failed(error) if error.to_string() == "no such order" => Decision::Stop,
    ///         _ => Decision::Usual,
    ///     })
    ///     .child(Child::new("step", || Step).at(step)))?;
    /// step.send("too slow");
    /// step.send("no such order");
    /// sim.run_until_idle();
    /// assert_eq!(step.address().state(), Lifecycle::Down);
    /// assert!(app.tree().ended.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn decide(
        mut self,
        decide: impl Fn(&ChildExit<'_>) -> Decision + Send + Sync + 'static,
    ) -> Self {
        self.said = Some("decide");
        self.decide = Some(Arc::new(decide));
        self
    }

    /// Adds a child at the end of the start order.
    ///
    /// A spec has a hundred levels at most, from the root to its last leaf: with more,
    /// [`StartError::TooDeep`] comes of it.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Log;
    /// impl Actor for Log {}
    /// struct Socket;
    /// impl Actor for Socket {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let app = sim.start(Supervisor::rest_for_one("app")
    ///     .child(Child::new("log", || Log)) // first
    ///     .child(Supervisor::one_for_all("net") // a supervisor is a child like any other
    ///         .child(Child::new("socket", || Socket))))?;
    /// sim.run_until_idle();
    /// let names: Vec<_> = app.tree().nodes.into_iter().map(|node| node.name).collect();
    /// assert_eq!(names, ["app", "log", "net", "socket"]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn child(mut self, child: impl Into<Node>) -> Self {
        let node = child.into();
        let levels = match &node.0 {
            NodeKind::Actor(_) => 1,
            NodeKind::Supervisor(below) => below.levels,
        };
        if levels < MOST_LEVELS {
            self.levels = self.levels.max(levels + 1);
            self.children.push(node);
        } else {
            // Dropped here, while that takes no deeper stack. Nothing of the tree will start.
            self.too_deep = true;
        }
        self
    }

    /// As a child, it is restarted only after an abnormal exit. To give up is none, as in OTP: it stays
    /// down then, and nothing climbs further.
    ///
    /// A part that ends by itself, in order, and is built again if it is killed:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Step;
    /// impl Actor for Step {}
    /// # let mut sim = Sim::new(1);
    /// # let step = sim.locality("here").reserve();
    /// let import = Supervisor::one_for_one("import").auto_shutdown(AutoShutdown::Any).transient()
    ///     .child(Child::new("step", || Step).at(step).transient().significant());
    /// let app = sim.start(Supervisor::one_for_one("app").child(import))?;
    /// sim.run_until_idle();
    /// step.stop(); // done, and so is the import
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().nodes[1].state, "down");
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn transient(mut self) -> Self {
        self.restart = Restart::Transient;
        self
    }

    /// As a child, it is never restarted.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let session = Supervisor::one_for_all("session").temporary();
    /// let tree = Supervisor::one_for_one("app").child(session);
    /// # let _ = tree;
    /// ```
    pub fn temporary(mut self) -> Self {
        self.restart = Restart::Temporary;
        self
    }

    /// As a child, its end can end its supervisor. It is transient or temporary then, and that supervisor has
    /// an [`auto_shutdown`](Self::auto_shutdown); else it is a
    /// [`StartError`](crate::StartError::Significant).
    ///
    /// The program ends when its main part has:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Step;
    /// impl Actor for Step {}
    /// # let mut sim = Sim::new(1);
    /// # let step = sim.locality("here").reserve();
    /// let job = Supervisor::one_for_one("job").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("step", || Step).at(step).transient().significant());
    /// let app = sim.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(job.transient().significant()))?;
    /// # sim.run_until_idle();
    /// step.stop();
    /// sim.run_until_idle();
    /// assert!(app.tree().ended.is_some());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn significant(mut self) -> Self {
        self.significant = true;
        self
    }

    /// As a child, its failure is that of its supervisor: see
    /// [`Child::escalating`](crate::Child::escalating). One that gives up has not failed: it ends with
    /// [`ExitReason::Shutdown`](crate::ExitReason::Shutdown), as in OTP.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Part;
    /// impl Actor for Part {}
    /// # let mut sim = Sim::new(1);
    /// # let key = sim.locality("here").reserve();
    /// // Its key cannot be made twice: without it there is no vault, and without a vault no bank.
    /// let vault = Supervisor::one_for_one("vault").escalating()
    ///     .child(Child::new("key", || Part).at(key).escalating());
    /// let app = sim.start(Supervisor::one_for_one("bank").child(vault))?;
    /// # sim.run_until_idle();
    /// key.address().kill();
    /// sim.run_until_idle();
    /// let exit = app.tree().ended.unwrap();
    /// assert_eq!(exit.to_string(),
    ///     "escalated, because vault ended: escalated, because key ended: killed");
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn escalating(mut self) -> Self {
        self.escalating = true;
        self
    }

    /// As a child, it waits before each restart: see [`Child::backoff`](crate::Child::backoff).
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// let second = Duration::from_secs(1);
    /// let net = Supervisor::one_for_one("net").backoff(Backoff::fixed(3 * second));
    /// let app = Supervisor::one_for_one("app").intensity(2, 5 * second).child(net);
    /// let plan = app.plan(&Locality::new("here"))?;
    /// assert_eq!(plan.warnings, [
    ///     "app never gives up because of app/net, which waits too long for 3 restarts in 5s: \
    ///      raise the period, or lower the waits",
    /// ]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// How long its start may take, with those of all children. No limit by default, as in OTP: those of its
    /// children have theirs. It is not for the root, which nobody starts again.
    ///
    /// One that takes longer has failed: what is there of it is removed by force. A restart is tried again, and
    /// counts: its supervisor needs a [period](Self::intensity) in which so many of them fit, else it never gives
    /// up because of them, of which [`Plan::warnings`](crate::Plan::warnings) tells. A first start that is late is
    /// the failure of that supervisor, unless it [decides](Self::decide) to go on without.
    ///
    /// On its parent's locality it runs from when the start goes on, on another one from the order to start. So it
    /// is for subtrees on loops that may hang. The thread is still waited for when the tree ends, if it was
    /// spawned.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// # struct Printer;
    /// # impl Actor for Printer {}
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("main");
    /// let driver = Locality::new("driver"); // of a thread that never comes to it
    /// let printer = Supervisor::one_for_one("printer").on(&driver, |s| {
    ///     s.child(Child::new("printer", || Printer))
    /// });
    /// let app = sim.start(Supervisor::one_for_one("app")
    ///     .child(printer.start_limit(Duration::from_secs(10))))?;
    /// sim.run_for(Duration::from_secs(10));
    /// let exit = app.tree().ended.unwrap();
    /// assert!(matches!(exit.root_cause().reason(), ExitReason::TimedOut(_)));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limited(limit);
        self
    }

    /// It is removed by force if its stop takes longer; of the root it is the limit of the whole tree.
    /// No limit by default, as in OTP.
    ///
    /// On its parent's locality it runs from when its stop has begun, on another one from the order to stop: a
    /// loop that does not turn is late, too. It goes on when an order comes to one that ends already. Zero is at
    /// once, without stop hooks: a loop elsewhere has 5 s to obey.
    ///
    /// A tree that has overrun its limit ends with [`ExitReason::TimedOut`](crate::ExitReason::TimedOut).
    /// The threads that were spawned for it are not waited for then: one of them may be in a handler that
    /// never returns. (They are if it ends in time, though a part of it was given up before.)
    /// [`Observer::late`] tells who it was.
    ///
    /// For a part that may hang when the program is to end:
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Stuck { hold: Option<Hold> }
    /// impl Actor for Stuck {
    ///     fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) { self.hold = Some(cx.hold("for ever")) }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let plugins = Supervisor::one_for_one("plugins").stop_limit(Duration::from_secs(3))
    ///     .child(Child::new("stuck", || Stuck { hold: None }).stop_limit(Duration::MAX));
    /// let app = sim.start(Supervisor::one_for_one("app").child(plugins))?;
    /// sim.run_until_idle();
    /// app.shutdown();
    /// sim.run_for(Duration::from_secs(3));
    /// assert!(app.tree().ended.is_some());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.stop_limit = limited(limit);
        self
    }

    /// Tells `observer` of starts, exits and undelivered messages in every locality of the tree. On
    /// the root; anywhere else it is ignored, of which [`Plan::warnings`](crate::Plan::warnings) tells.
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
    /// #[derive(Default)]
    /// struct Lives(AtomicU32);
    /// impl Observer for Lives {
    ///     fn started(&self, _: Address, _: &str, _: u64) {
    ///         self.0.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// }
    /// # struct Part;
    /// # impl Actor for Part {}
    /// let lives = Arc::new(Lives::default());
    /// let tree = Supervisor::one_for_one("app").observer(lives.clone())
    ///     .child(Child::new("part", || Part));
    /// ThreadLoop::new().run_with(tree, |app| app.shutdown())?;
    /// # assert!(lives.0.load(Ordering::Relaxed) <= 2); // it may have been told to stop before it started
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Places the supervisor and its children on another locality.
    ///
    /// `build` adds the children to the supervisor that it is given, and returns that: another one would
    /// not know what was said of this one, and is refused. It runs on that locality's thread, again when
    /// a lost locality is opened by a new loop, and once on the starting thread, where the tree is
    /// checked: it must do nothing but build. It may say how the supervisor treats its children; its name,
    /// and what it is to its own supervisor (restart kind, significance, escalation, backoff, limits), are
    /// said here, and refused there: [`StartError::Built`]. Children are added there, and refused here:
    /// [`StartError::Outside`]. A pool is made and returned there, with all that is said of its
    /// instances and of how it treats them, which is refused here, as it would be lost:
    /// [`StartError::Pool`]. A root is where it is started, and refused: [`StartError::RootPlaced`]; so is
    /// a second place: [`StartError::PlacedTwice`].
    /// What its factories make need not be `Send`; what it captures must be:
    ///
    /// ```compile_fail,E0277
    /// use rotor_core::*;
    /// use std::rc::Rc;
    /// struct View(Rc<str>);
    /// impl Actor for View {}
    /// fn place(far: &Locality, text: Rc<str>) -> Supervisor {
    ///     Supervisor::one_for_one("far").on(far, move |s| {
    ///         let text = text.clone(); // an `Rc` must not reach another thread
    ///         s.child(Child::new("view", move || View(text.clone())))
    ///     })
    /// }
    /// ```
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::thread::{self, ThreadId};
    /// struct Where { tell: Recipient<ThreadId> }
    /// impl Actor for Where {
    ///     fn start(&mut self, _: &mut Context<Self>) -> Result {
    ///         self.tell.send(thread::current().id());
    ///         Ok(())
    ///     }
    /// }
    /// let inbox = Inbox::new(1);
    /// let tell = inbox.recipient();
    /// let disk = ThreadLoop::spawn("disk")?;
    /// let app = Supervisor::one_for_one("app")
    ///     .child(Supervisor::one_for_one("files").on(&disk, move |s| {
    ///         s.child(Child::new("where", move || Where { tell })) // made over there
    ///     }));
    /// ThreadLoop::new().run_with(app, move |app| {
    ///     thread::spawn(move || {
    ///         assert_ne!(inbox.recv().ok(), Some(thread::current().id()));
    ///         app.shutdown();
    ///     });
    /// })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(
        mut self,
        locality: &Locality,
        build: impl FnMut(Supervisor) -> Supervisor + Send + 'static,
    ) -> Self {
        self.place = Some(Remote {
            locality: locality.clone(),
            build: Arc::new(Mutex::new(build)),
            again: self.place.is_some(),
            declared: OnceCell::new(),
        });
        self
    }

    /// The data of this supervisor without its children: what a remote build starts from.
    pub(crate) fn shell(&self) -> Shell {
        Shell {
            name: self.name.clone(),
            flags: self.flags,
            decide: self.decide.clone(),
            own_names: self.own_names,
            said: self.said,
        }
    }

    /// Its own instances' maker.
    pub(crate) fn maker(&self) -> Maker {
        Stock::maker(self.decide.clone())
    }
}

/// What a child is to its supervisor.
#[derive(Clone, Copy)]
pub(crate) struct AsChild {
    pub(crate) restart: Restart,
    pub(crate) significant: bool,
    pub(crate) escalating: bool,
    pub(crate) supervisor: bool,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) at_most: Option<u32>,
    /// Where it says one: supervisors wait.
    pub(crate) start_limit: Option<Duration>,
    pub(crate) stop_limit: Option<Duration>,
}

impl Supervisor {
    pub(crate) fn as_child(&self) -> AsChild {
        AsChild {
            restart: self.restart,
            significant: self.significant,
            escalating: self.escalating,
            supervisor: true,
            backoff: self.backoff,
            at_most: None,
            start_limit: self.start_limit,
            stop_limit: self.stop_limit,
        }
    }
}

impl Spec {
    pub(crate) fn as_child(&self) -> AsChild {
        let extra = self.extra();
        AsChild {
            restart: self.restart,
            significant: self.significant,
            escalating: self.escalating,
            supervisor: false,
            backoff: extra.backoff,
            at_most: extra.at_most,
            start_limit: extra.start_limit,
            stop_limit: extra.stop_limit,
        }
    }
}

impl Template {
    pub(crate) fn as_child(&self) -> AsChild {
        AsChild {
            restart: self.restart,
            significant: false,
            escalating: false,
            supervisor: false,
            backoff: self.backoff,
            at_most: None,
            start_limit: self.start_limit,
            stop_limit: self.stop_limit,
        }
    }
}

impl Node {
    pub(crate) fn as_child(&self) -> AsChild {
        match &self.0 {
            NodeKind::Actor(spec) => spec.as_child(),
            NodeKind::Supervisor(s) => s.as_child(),
        }
    }

    pub(crate) fn is_significant(&self) -> bool {
        self.as_child().significant
    }

    pub(crate) fn name(&self) -> &Cow<'static, str> {
        match &self.0 {
            NodeKind::Actor(spec) => &spec.name,
            NodeKind::Supervisor(s) => &s.name,
        }
    }
}

/// Name, flags and decisions of a supervisor, which are `Send`.
#[derive(Clone)]
pub(crate) struct Shell {
    pub(crate) name: Cow<'static, str>,
    pub(crate) flags: Flags,
    decide: Option<Arc<Decide>>,
    own_names: bool,
    said: Option<&'static str>,
}

impl Shell {
    /// Runs the closure that adds the children of the supervisor of this path.
    pub(crate) fn build(
        &self,
        build: &Build,
        path: impl FnOnce() -> Cow<'static, str>,
    ) -> Result<Supervisor, StartError> {
        let bare = Supervisor {
            decide: self.decide.clone(),
            own_names: self.own_names,
            given: true,
            ..Supervisor::new(self.name.clone(), self.flags)
        };
        let mut build = build
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let built = match here::guard(|| build(bare)) {
            Ok(built) => built,
            Err(caught) => {
                let (supervisor, text) = (path(), caught.text);
                return Err(StartError::BuildPanicked { supervisor, text });
            }
        };
        if let Some(what) = built.says_too_much(&self.name) {
            let supervisor = path();
            return Err(StartError::Built { supervisor, what });
        }
        match self.lost().filter(|_| built.template.is_some()) {
            Some(why) => {
                let supervisor = path();
                Err(StartError::Pool { supervisor, why })
            }
            None => Ok(built),
        }
    }

    /// What is said here that a pool, which its closure returns, would know nothing of.
    fn lost(&self) -> Option<Cow<'static, str>> {
        let made = match self.flags.strategy {
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
            Strategy::OneForOne | Strategy::SimpleOneForOne => return self.said.map(said_outside),
        };
        Some(Cow::Owned(format!(
            "is made by `{made}`, but the closure of `on` returns a pool: make it by `one_for_one`, or leave \
             the pool out"
        )))
    }
}

/// That a call is made on what is placed, and not on the pool.
pub(crate) fn said_outside(call: &str) -> Cow<'static, str> {
    Cow::Owned(format!(
        "calls `{call}` outside of the closure of `on`, which returns the pool: \
         `on(&place, |_| Supervisor::simple_one_for_one(..).{call}(..))`"
    ))
}

impl Supervisor {
    /// What a closure has said of a supervisor of this name that is for those to say who place it, and
    /// what to write instead.
    fn says_too_much(&self, name: &str) -> Option<Cow<'static, str>> {
        let child = self.as_child();
        if self.name != name {
            let other = &self.name;
            return Some(Cow::Owned(format!(
                "returns one named {other}: return the one that it is given, or a pool named {name}"
            )));
        }
        if !self.given && self.template.is_none() {
            return Some(
                "returns another one: return the one that it is given, with all that was said of it".into(),
            );
        }
        if self.place.is_some() {
            return Some("calls `on`, but it is placed already: call `on` once".into());
        }
        if self.observer.is_some() {
            return Some("calls `observer`: call that on the root".into());
        }
        let call = if child.restart == Restart::Transient {
            "transient()"
        } else if child.restart == Restart::Temporary {
            "temporary()"
        } else if child.significant {
            "significant()"
        } else if child.escalating {
            "escalating()"
        } else if child.backoff.is_some() {
            "backoff(..)"
        } else if self.start_limit.is_some() {
            "start_limit(..)"
        } else if self.stop_limit.is_some() {
            "stop_limit(..)"
        } else {
            return None;
        };
        let what = format!("calls `{call}`: call that on what `on` returns, `.on(..).{call}`");
        Some(Cow::Owned(what))
    }
}
