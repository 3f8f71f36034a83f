//! The driver: what a backend turns.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::app::App;
use crate::clock::Clock;
use crate::dispatch::Limit;
use crate::entrance::Wake;
use crate::error::{BindError, StartError};
use crate::exit::{Exit, ExitReason};
use crate::here::{self, HERE};
use crate::locality::{Control, Local, Locality, StartOrder};
use crate::lock::lock;
use crate::observe::Reason;
use crate::random::Random;
use crate::request::RequestError;
use crate::supervisor::Supervisor;
use crate::timer::nanos;

/// How much a turn may do before it lets its host breathe.
///
/// ```
/// use rotor_core::Budget;
/// use std::time::Duration;
/// // A loop that draws: leave most of a frame to it.
/// let small = Budget { time: Duration::from_millis(1), ..Budget::default() };
/// assert_eq!(small.messages, 4096);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Messages, over all localities of the driver. Zero means one.
    pub messages: u32,
    /// Time, over all localities of the driver. The clock is read behind each stride, of 4 messages if they take
    /// long, of up to 256 if they do not. Zero means that one locality gets a stride.
    pub time: Duration,
}

impl Default for Budget {
    /// 4 096 messages or 2 ms.
    fn default() -> Self {
        Budget {
            messages: 4096,
            time: Duration::from_millis(2),
        }
    }
}

/// What a turn wants of its host.
///
/// What a loop makes of it, here one that parks its thread:
/// ```
/// use rotor_core::*;
/// use std::{sync::Arc, thread, time::Instant};
/// let driver = Driver::new(Arc::new(thread::current()), Clock::real()); // wakes by `unpark`
/// # let here = Locality::new("here");
/// # driver.open(&here).unwrap();
/// # driver.start(Supervisor::one_for_one("app"))?.shutdown();
/// let exit = loop {
///     match driver.turn(Budget::default()) {
///         Turn::Again => {} // a loop with I/O looks at it here
///         Turn::Park(None) => thread::park(),
///         Turn::Park(Some(until)) => thread::park_timeout(until - Instant::now()),
///         Turn::Done(exit) => break exit,
///         Turn::Nested => unreachable!("called inside no handler"),
///     }
/// };
/// assert!(!exit.is_failure());
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
pub enum Turn {
    /// There is more to do: turn again, after I/O, input and redraw.
    Again,
    /// Nothing to do until a wake, or until this time, which has not come yet: that of the next timer, or up
    /// to a millisecond later where they fire by the dozen. With a [manual](Clock::manual) clock always until
    /// a wake.
    Park(Option<Instant>),
    /// A handler, or what else a loop of this thread runs, is on the stack, or this driver is about to start a
    /// tree: nothing was done. The answer of the outer turn counts, or of the next one.
    Nested,
    /// The tree has ended, or nothing is placed here any more: detach. Told once; afterwards every
    /// turn answers `Park(None)`.
    Done(Exit),
}

/// Drives one or more localities on one thread: the core object that a backend turns.
///
/// Core wakes, the backend waits. A backend implements [`Wake`] and calls [`turn`](Self::turn)
/// whenever it is woken, when the deadline of the last `Park` has passed, and soon after `Again`.
///
/// Without a loop it can be used by itself:
///
/// ```
/// use rotor_core::*;
/// # struct Nothing;
/// # impl Wake for Nothing { fn wake(&self) {} }
/// struct Greeter;
/// impl Actor for Greeter {}
/// impl Handler<&'static str> for Greeter {
///     fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
///         println!("hello, {name}");
///         cx.stop();
///     }
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let driver = Driver::new(std::sync::Arc::new(Nothing), Clock::real());
/// let here = Locality::new("here");
/// driver.open(&here)?;
/// let greeter = here.reserve();
/// greeter.send("world");
/// driver.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///     .child(Child::new("greeter", || Greeter).at(greeter).transient().significant()))?;
/// assert!(matches!(driver.run_until_idle(), Turn::Done(exit) if !exit.is_abnormal()));
/// # Ok(())
/// # }
/// ```
///
/// It stays on its thread:
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// fn away(driver: rotor_core::Driver) {
///     send(driver);
/// }
/// ```
pub struct Driver {
    inner: Rc<Inner>,
}

struct Inner {
    wake: Arc<dyn Wake>,
    clock: Clock,
    /// The thread that made it: localities are pinned to it.
    thread: usize,
    locals: RefCell<Vec<Rc<Local>>>,
    extensions: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
    app: RefCell<Option<App>>,
    hosted: Cell<bool>,
    done: Cell<bool>,
    /// A tree is being started.
    starting: Cell<bool>,
    next: Cell<usize>,
    /// How many deadlines had passed when it rested last.
    passed: Cell<u64>,
}

/// A tree is being started: what its specs build starts no other one.
struct Starting<'a>(&'a Cell<bool>);

impl<'a> Starting<'a> {
    fn begin(starting: &'a Cell<bool>) -> Self {
        starting.set(true);
        Starting(starting)
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// How often it is looked whether something has come between two looks at the clock.
const LOOKS: u32 = 32;

/// The localities that a turn is about. Few loops have more, and a turn is to take no memory.
type Turned = SmallVec<[Rc<Local>; 2]>;

impl Driver {
    /// Makes a driver without localities for the loop that `wake` wakes.
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::sync::{Arc, mpsc};
    /// /// Wakes a loop that waits for events of its own.
    /// struct Wakeup(mpsc::SyncSender<()>);
    /// impl Wake for Wakeup {
    ///     fn wake(&self) {
    ///         let _ = self.0.try_send(()); // one that is there already is enough
    ///     }
    /// }
    /// let (give, events) = mpsc::sync_channel(1);
    /// let driver = Driver::new(Arc::new(Wakeup(give)), Clock::real());
    /// let here = Locality::new("here");
    /// driver.open(&here).unwrap();
    /// let app = driver.start(Supervisor::one_for_one("app"))?;
    /// driver.run_until_idle();
    /// std::thread::spawn(move || app.shutdown()); // elsewhere
    /// events.recv().unwrap();
    /// assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn new(wake: Arc<dyn Wake>, clock: Clock) -> Self {
        Driver {
            inner: Rc::new(Inner {
                wake,
                clock,
                thread: here::thread(),
                locals: RefCell::new(Vec::new()),
                extensions: RefCell::new(Vec::new()),
                app: RefCell::new(None),
                hosted: Cell::new(false),
                starting: Cell::new(false),
                done: Cell::new(false),
                next: Cell::new(0),
                passed: Cell::new(0),
            }),
        }
    }

    /// Drives a locality from now on: a fresh one, or one whose loop was lost.
    ///
    /// # Errors
    /// [`BindError::AlreadyOpen`] if another driver or thread has it, [`BindError::Ended`] if its driver has
    /// ended in order, [`BindError::DriverEnded`] after [`Turn::Done`].
    ///
    /// # Examples
    /// Two localities of one loop: what is sent from one to the other stays on the thread.
    /// ```
    /// use rotor_core::*;
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// let driver = Driver::new(std::sync::Arc::new(Nothing), Clock::real());
    /// let (ui, model) = (Locality::new("ui"), Locality::new("model"));
    /// driver.open(&ui)?; // trees start here
    /// driver.open(&model)?;
    /// driver.start(Supervisor::one_for_one("app")
    ///     .child(Supervisor::one_for_one("model").on(&model, |s| s)))?;
    /// # assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(&self, locality: &Locality) -> Result<(), BindError> {
        self.open_with(locality, Random::unseeded())
    }

    /// Whether a tree that is here has more localities with a loop than there are processors.
    pub(crate) fn is_crowded(&self) -> bool {
        let locals = self.inner.locals.borrow();
        let mut gates = locals.iter().map(|local| local.gate);
        gates.any(|gate| gate.crowded.load(Ordering::Relaxed))
    }

    /// Drives a locality whose random numbers come from this source.
    pub(crate) fn open_with(&self, locality: &Locality, random: Random) -> Result<(), BindError> {
        let inner = &*self.inner;
        if inner.done.get() {
            return Err(BindError::DriverEnded);
        }
        // What the handler that runs has sent there goes ahead of what it sends from now on.
        here::flush();
        locality.set_open()?;
        let local = Rc::new(Local::new(locality, inner.clock.clone(), random));
        for (id, value) in &*inner.extensions.borrow() {
            local.extensions.borrow_mut().insert(*id, value.clone());
        }
        let alone = inner.locals.borrow().is_empty();
        inner.locals.borrow_mut().push(local.clone()); // what is listed below is kept
        locality.gate().set_clock(&inner.clock);
        locality.gate().open(inner.wake.clone());
        local.behind.set(!local.is_gate_empty());
        HERE.with(|here| {
            local.next_pinned.set(here.pinned.get());
            here.pinned.set(Rc::as_ptr(&local));
        });
        if inner.hosted.get() {
            self.host_one(&local);
        }
        if !alone {
            // The loop may wait for the others only. A panic is the trouble of its wake.
            let _ = here::guard(|| inner.wake.wake());
        }
        Ok(())
    }

    /// For backends: lends a value to the actors of this driver, by its type; see
    /// [`Context::extension`](crate::Context::extension).
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::{cell::Cell, rc::Rc, sync::Arc};
    /// struct Led(Cell<bool>);
    /// /// The call that this backend gives its actors.
    /// fn set_led<A: Actor>(cx: &Context<A>, on: bool) {
    ///     cx.extension::<Led>().expect("an actor of this loop").0.set(on);
    /// }
    /// struct Blink;
    /// impl Actor for Blink {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         set_led(cx, true);
    ///         Ok(())
    ///     }
    /// }
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// let driver = Driver::new(Arc::new(Nothing), Clock::real());
    /// # let here = Locality::new("here");
    /// # driver.open(&here).unwrap();
    /// let led = Rc::new(Led(Cell::new(false)));
    /// driver.extend(led.clone());
    /// driver.start(Supervisor::one_for_one("app").child(Child::new("blink", || Blink)))?;
    /// driver.run_until_idle();
    /// assert!(led.0.get());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn extend<T: 'static>(&self, value: Rc<T>) {
        let id = TypeId::of::<T>();
        for local in &*self.inner.locals.borrow() {
            local.extensions.borrow_mut().insert(id, value.clone());
        }
        self.inner.extensions.borrow_mut().push((id, value));
    }

    /// For backends that spawn a thread: `turn` answers `Done` when no live spec places anything
    /// on the driver's localities any more.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// let driver = Driver::new(std::sync::Arc::new(Nothing), Clock::real());
    /// let here = Locality::new("here");
    /// assert_eq!(driver.open(&here), Ok(()));
    /// assert_eq!(driver.open(&here), Err(BindError::AlreadyOpen));
    /// driver.host();
    /// drop(here); // nobody can place anything on it any more
    /// assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    /// ```
    pub fn host(&self) {
        self.inner.hosted.set(true);
        for local in &*self.inner.locals.borrow() {
            self.host_one(local);
        }
    }

    fn host_one(&self, local: &Local) {
        local.locality.host();
        // What was placed there may have gone while no loop could be told.
        Control::post(local.gate, Control::Vacant);
    }

    /// Checks a tree and starts it on the locality that was opened first.
    ///
    /// The actors start in the turns that follow.
    ///
    /// # Errors
    /// What is wrong with the tree, [`StartError::Nested`] in a handler of this driver, or in what else its
    /// localities run; then nothing of it was started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// # struct Part;
    /// # impl Actor for Part {}
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// # let driver = Driver::new(std::sync::Arc::new(Nothing), Clock::real());
    /// # let here = Locality::new("here");
    /// # driver.open(&here).unwrap();
    /// let wrong = Supervisor::one_for_one("app")
    ///     .child(Child::new("part", || Part))
    ///     .child(Child::new("part", || Part));
    /// let refused = driver.start(wrong);
    /// assert!(matches!(refused, Err(StartError::DuplicateName { .. })));
    /// let app = driver.start(Supervisor::one_for_one("app").child(Child::new("part", || Part)))?;
    /// driver.run_until_idle();
    /// assert_eq!(app.root().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn start(&self, mut tree: Supervisor) -> Result<App, StartError> {
        let inner = &*self.inner;
        if inner.app.borrow().is_some() || inner.starting.get() {
            return Err(StartError::AlreadyStarted);
        }
        let _starting = Starting::begin(&inner.starting);
        // Its localities are there until the last of them has ended.
        if inner.done.get() {
            return Err(StartError::DriverEnded);
        }
        // What runs below this may be in the midst of freeing what the tree claims.
        if self.runs() {
            return Err(StartError::Nested);
        }
        let local = inner.locals.borrow().first().cloned();
        let Some(local) = local else {
            return Err(StartError::NoLocality);
        };
        tree.check_root()?;
        let mut places = tree.check(Vec::new(), local.gate, local.locality.name())?;
        let app = App::new(local.locality.clone(), tree.observer.take());
        if !places.contains(&local.locality) {
            places.push(local.locality.clone());
        }
        let root = local.adopt_root(tree, app.shared.clone())?;
        for place in places {
            app.shared.add_place(place);
        }
        app.set_root(root);
        *inner.app.borrow_mut() = Some(app.clone());
        let start = StartOrder {
            to: root,
            incarnation: 1,
            from: root,
            child: 0,
            gated: false,
            again: false,
        };
        Control::post(local.gate, Control::Start(start));
        Ok(app)
    }

    /// Runs what is queued, within the budget, and says when to come again.
    ///
    /// Never blocks. Panics of actors do not get out of it. Called on a thread that is not the
    /// driver's, it leaves everything as it is, marks its localities lost and answers `Done`.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let driver = Driver::new(std::sync::Arc::new(Nothing), Clock::real());
    /// # driver.open(&Locality::new("here"))?;
    /// let app = driver.start(Supervisor::one_for_one("app"))?;
    /// app.shutdown();
    /// let exit = loop {
    ///     match driver.turn(Budget::default()) {
    ///         Turn::Again => {} // here a loop looks at its I/O
    ///         Turn::Park(until) => println!("wait for a wake, or until {until:?}"),
    ///         Turn::Nested => unreachable!("no handler is below this"),
    ///         Turn::Done(exit) => break exit,
    ///     }
    /// };
    /// assert_eq!(exit.to_string(), "shutdown");
    /// # Ok(())
    /// # }
    /// ```
    pub fn turn(&self, budget: Budget) -> Turn {
        if self.is_nested() {
            return Turn::Nested;
        }
        let inner = &*self.inner;
        let elsewhere = inner.thread != here::thread();
        // What starts a tree may be in the midst of freeing what was in its way.
        if !elsewhere && inner.starting.get() {
            return Turn::Nested;
        }
        inner.rouse();
        if elsewhere {
            return self.turned_elsewhere();
        }
        if inner.done.get() {
            return Turn::Park(None);
        }
        let mut locals = Turned::new();
        self.meet(&mut locals);
        for local in &locals {
            local.gate.entrance.unpark();
        }
        let more = self.slices(&locals, budget);
        self.meet(&mut locals);
        self.run_host_jobs(&locals);
        if inner.done.get() {
            return Turn::Park(None); // a job has turned it, and was told of the end
        }
        self.meet(&mut locals);
        if let Some(exit) = self.end(&locals) {
            return Turn::Done(exit);
        }
        if more || locals.iter().any(|local| !local.is_idle()) {
            return Turn::Again;
        }
        self.park(&locals)
    }

    /// Whether this is called inside a handler of any loop of this thread.
    ///
    /// Turns do not nest: a loop that is entered here, and left at its tree's end, is never left.
    ///
    /// ```
    /// # use rotor_core::*;
    /// fn run(driver: &Driver, tree: Supervisor) -> std::result::Result<Exit, StartError> {
    ///     if driver.is_nested() {
    ///         return Err(StartError::Nested);
    ///     }
    ///     driver.start(tree)?;
    ///     loop {
    ///         if let Turn::Done(exit) = driver.run_until_idle() {
    ///             return Ok(exit);
    ///         }
    ///         // here a loop waits for a wake, or for its deadline
    ///     }
    /// }
    /// ```
    pub fn is_nested(&self) -> bool {
        here::in_turn()
    }

    /// Whether a slice of one of its localities runs on this thread now.
    fn runs(&self) -> bool {
        let locals = self.inner.locals.borrow();
        locals.iter().any(|local| here::runs(local.gate))
    }

    /// Whether it drives nothing any more.
    pub(crate) fn is_done(&self) -> bool {
        self.inner.done.get()
    }

    /// Turns until nothing is left to do now: the answer is `Park`, `Done` or `Nested`.
    ///
    /// It does not return while there always is something, such as the next tick of a timer whose handler takes
    /// longer than its period.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Sum(u32);
    /// impl Actor for Sum {}
    /// impl Handler<u32> for Sum {
    ///     fn handle(&mut self, n: u32, cx: &mut Context<Self>) {
    ///         self.0 += n;
    ///         if n > 1 { cx.addr().send(n - 1) }
    ///     }
    /// }
    /// # struct Nothing;
    /// # impl Wake for Nothing { fn wake(&self) {} }
    /// # let driver = Driver::new(std::sync::Arc::new(Nothing), Clock::real());
    /// # let here = Locality::new("here");
    /// # driver.open(&here).unwrap();
    /// # let sum = here.reserve();
    /// # let app = driver.start(Supervisor::one_for_one("app").child(Child::new("sum", || Sum(0)).at(sum)))?;
    /// sum.send(4); // and what follows from it
    /// assert!(matches!(driver.run_until_idle(), Turn::Park(None))); // no timer is set
    /// # app.shutdown();
    /// # assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn run_until_idle(&self) -> Turn {
        loop {
            match self.turn(Budget::default()) {
                Turn::Again => {}
                other => return other,
            }
        }
    }

    /// Adds those that were opened meanwhile: by a handler, or by what one has deferred.
    fn meet(&self, locals: &mut Turned) {
        let all = self.inner.locals.borrow();
        while let Some(local) = all.get(locals.len()) {
            locals.push(local.clone());
        }
    }

    fn slices(&self, locals: &[Rc<Local>], budget: Budget) -> bool {
        struct Turning;
        impl Drop for Turning {
            fn drop(&mut self) {
                HERE.with(|here| here.turning.set(false));
            }
        }
        HERE.with(|here| here.turning.set(true));
        let _turning = Turning;
        let time = nanos(budget.time);
        let now = self.inner.clock.nanos();
        let mut limit = Limit {
            messages: budget.messages.max(1),
            until: now.saturating_add(time),
            time,
        };
        let first = self.inner.next.get();
        self.inner.next.set(first.wrapping_add(1));
        let mut more = false;
        for i in 0..locals.len() {
            // One budget for all, and each turn starts with another: nobody is starved.
            let left = (locals.len() - i) as u32;
            let share = limit.messages.div_ceil(left);
            let mut part = Limit {
                messages: share,
                ..limit
            };
            let now = if i == 0 {
                now
            } else {
                self.inner.clock.nanos()
            };
            if i > 0 && now >= limit.until {
                break; // the next turn begins with another
            }
            more |= locals[(first + i) % locals.len()].slice(&mut part, now);
            limit.messages -= share - part.messages;
        }
        more
    }

    fn run_host_jobs(&self, locals: &[Rc<Local>]) {
        for local in locals {
            // One that turns the driver does those that are left, before what comes meanwhile.
            loop {
                let Some((slot, serial, job)) = local.host_jobs.borrow_mut().pop_front() else {
                    break;
                };
                if let Err(caught) = here::guard(job) {
                    let crash = Control::Crash {
                        slot,
                        serial,
                        caught,
                    };
                    Control::post(local.gate, crash);
                }
            }
        }
    }

    /// The end, if it has come.
    pub(crate) fn end(&self, locals: &[Rc<Local>]) -> Option<Exit> {
        let inner = &*self.inner;
        let bug = locals
            .iter()
            .find_map(|local| local.bug.borrow_mut().take());
        let app = || inner.app.borrow().clone();
        let is_over = |app: &App| app.shared.is_over();
        let exit = if let Some(text) = bug {
            let exit = Exit::of(ExitReason::Bug(text.into()));
            let app = app();
            // Before the loss, which would be its exit otherwise.
            if let Some(app) = &app {
                app.shared.root_ended(exit.clone());
            }
            inner.done.set(true); // what is dropped now opens nothing
            self.close();
            if let Some(app) = app {
                app.shared.finish();
            }
            return Some(exit);
        } else if inner.app.borrow().as_ref().is_some_and(is_over) {
            let app = app()?;
            inner.done.set(true); // before its hooks, which may turn it
            app.shared.finish()?
        } else if inner.hosted.get() && locals.iter().all(|local| local.is_done()) {
            Exit::normal()
        } else {
            return None;
        };
        inner.done.set(true);
        self.close();
        Some(exit)
    }

    fn park(&self, locals: &[Rc<Local>]) -> Turn {
        for local in locals {
            local.rest();
        }
        let due = locals.iter().filter_map(|local| local.next_due()).min();
        let passed = locals.iter().map(|local| local.things.borrow().passed());
        let passed = passed.sum::<u64>();
        let Ok(until) = self.inner.sleep(due, passed) else {
            return Turn::Again;
        };
        if park_gates(locals) {
            Turn::Park(until)
        } else {
            Turn::Again
        }
    }

    /// Looks again and again, until `is_over`, whether something has come through a gate, or
    /// `is_woken`. Nobody has to be woken for that: the gates are not parked meanwhile. False if they
    /// are parked again.
    pub(crate) fn look_out(
        &self,
        is_woken: impl Fn() -> bool,
        mut is_over: impl FnMut() -> bool,
    ) -> bool {
        let mut locals = Turned::new();
        self.meet(&mut locals);
        for local in &locals {
            local.gate.entrance.unpark();
        }
        let has_come = |local: &Rc<Local>| !local.gate.entrance.is_empty();
        loop {
            for _ in 0..LOOKS {
                std::hint::spin_loop();
                if locals.iter().any(has_come) || is_woken() {
                    return true;
                }
            }
            // Also what `is_woken` has sent, if it does such things: nobody is woken for that either.
            if locals.iter().any(|local| !local.is_idle()) {
                return true;
            }
            if is_over() {
                return !park_gates(&locals);
            }
        }
    }

    /// It ends: its localities end in order, or are lost if actors live there; what is left is
    /// undelivered. Nothing is opened any more.
    fn close(&self) {
        struct Pins<'a>(&'a [Rc<Local>]);
        impl Drop for Pins<'_> {
            fn drop(&mut self) {
                self.0.iter().for_each(here::unpin);
            }
        }
        let locals = self.inner.locals.borrow().clone();
        // Whatever happens below: nothing is found that is not kept any more.
        let _pins = Pins(&locals);
        for local in &locals {
            // Also one that the subtree placed here has not reached yet.
            if local.has_specs() || local.locality.is_placed() {
                local.lose();
                refuse_parked(local, Reason::Closed);
            } else {
                // Reserved addresses that nobody has claimed: what is parked there is reported.
                refuse_parked(local, Reason::Unclaimed);
                for slot in 0..local.slots.len() {
                    local.notify_watchers(slot, &Exit::gone());
                }
                local.locality.set_ended();
            }
            local.discard_all();
            // First this: handles of the locality that go with the news have something to say, too.
            here::unpin(local);
            Local::tell_peers(local.gate, &local.locality, false);
        }
        drop(std::mem::take(&mut *self.inner.locals.borrow_mut()));
    }

    #[cold]
    fn turned_elsewhere(&self) -> Turn {
        let inner = &*self.inner;
        if inner.done.replace(true) {
            return Turn::Park(None);
        }
        // The actors may hold what must not be touched here, not even to drop it.
        let locals = std::mem::take(&mut *inner.locals.borrow_mut());
        let exit = locals
            .first()
            .map_or_else(Exit::normal, |local| local.gate.lost());
        for local in locals {
            local.abandoned.store(true, Ordering::Relaxed);
            local.gate.abandoned.store(true, Ordering::Relaxed); // read by who opens it, after it is closed
            local
                .gate
                .entrance
                .close(|parcel| local.gate.reject(parcel, Reason::Closed));
            // As of what is dropped: nobody else would end the loops below.
            let placed = std::mem::take(&mut *lock(&local.gate.placed));
            drop(placed);
            Local::tell_peers(local.gate, &local.locality, true);
            std::mem::forget(local);
        }
        if let Some(app) = &*inner.app.borrow() {
            app.shared.root_ended(exit.clone());
            app.shared.finish();
        }
        Turn::Done(exit)
    }
}

impl Inner {
    /// The number by which a manual clock knows it.
    fn number(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// When so many deadlines have passed in all.
    fn sleep(&self, due: Option<u64>, passed: u64) -> std::result::Result<Option<Instant>, ()> {
        let since = passed.saturating_sub(self.passed.get());
        let until = self.clock.sleep(self.number(), &self.wake, due, since)?;
        self.passed.set(passed);
        Ok(until)
    }

    fn rouse(&self) {
        self.clock.rouse(self.number());
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let inner = &*self.inner;
        inner.rouse();
        if inner.thread != here::thread() {
            self.turned_elsewhere();
            return;
        }
        if !inner.done.replace(true) {
            self.close();
            if let Some(app) = &*inner.app.borrow() {
                app.shared.root_ended(app.shared.home.gate().lost());
                app.shared.finish();
            }
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not under the borrow: what is written to may be a user's.
        let locals = self.inner.locals.borrow().clone();
        f.debug_list()
            .entries(locals.iter().map(|local| &local.locality))
            .finish()
    }
}

/// Says that these wait. False, and none does, if something has come for one of them.
fn park_gates(locals: &[Rc<Local>]) -> bool {
    for (i, local) in locals.iter().enumerate() {
        if !local.gate.entrance.park() {
            for parked in &locals[..i] {
                parked.gate.entrance.unpark();
            }
            return false;
        }
    }
    true
}

/// Refuses everything that waits for an instance.
fn refuse_parked(local: &Local, reason: Reason) {
    for slot in 0..local.slots.len() {
        local.refuse_parked(slot, reason, &RequestError::Gone);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::AtomicBool;
    use std::task::{Context as TaskContext, Poll, Waker};

    use super::*;
    use crate::entrance::Nothing;
    use crate::lane::NORMAL;
    use crate::locality::Placement;
    use crate::message::{Command, LOCALITY};
    use crate::{Actor, Address, AdminError, Context, Handler, StartChild};

    /// A record of core's own that panics.
    struct Broken;

    impl Command for Broken {
        const LANE: usize = NORMAL;

        fn run(self, _: &Local, _: u32) {
            panic!("broken");
        }
    }

    fn hosts(all: &[&Locality]) -> Driver {
        let driver = Driver::new(Arc::new(Nothing), Clock::manual());
        for one in all {
            driver.open(one).expect("a fresh locality");
        }
        driver.host();
        driver
    }

    fn is_done(driver: &Driver) -> bool {
        matches!(driver.run_until_idle(), Turn::Done(_))
    }

    #[test]
    fn m23_a_loop_of_two_localities_ends_when_nothing_is_placed_on_either() {
        let [a, b] = ["a", "b"].map(Locality::new);
        let driver = hosts(&[&a, &b]);
        let on_b = Placement::new(&b);
        drop(Placement::new(&a));
        assert!(!is_done(&driver));
        let on_a = Placement::new(&a); // again, and what comes there is on its way
        drop(on_b);
        assert!(!is_done(&driver));
        drop(on_a);
        assert!(is_done(&driver));
    }

    /// What it was given before it ends is done.
    #[test]
    fn m23_a_loop_of_two_localities_ends_when_no_job_is_left_on_either() {
        let [a, b] = ["a", "b"].map(Locality::new);
        let driver = hosts(&[&a, &b]);
        let on_b = Placement::new(&b);
        drop(Placement::new(&a));
        assert!(!is_done(&driver));
        let local = driver.inner.locals.borrow()[0].clone();
        let job = Arc::new(AtomicBool::new(false));
        let asked = a.job({
            let job = job.clone();
            move || job.store(true, Ordering::Relaxed)
        });
        drop(on_b);
        assert!(!local.is_done(), "it was vacant, and has a job now");
        assert!(is_done(&driver));
        assert!(job.load(Ordering::Relaxed));
        drop(asked);
    }

    #[test]
    fn m23_a_loop_that_hosts_may_open_one_more_locality() {
        let [own, late] = ["own", "late"].map(Locality::new);
        let driver = hosts(&[&own]);
        driver.open(&late).expect("a fresh locality");
        let placed = Placement::new(&late);
        drop(Placement::new(&own));
        assert!(!is_done(&driver));
        drop(placed);
        assert!(is_done(&driver)); // whoever has a handle of it
    }

    thread_local! {
        static HOME: RefCell<Option<Driver>> = const { RefCell::new(None) };
    }

    struct Nobody;
    impl Actor for Nobody {}

    /// Turns another loop when it is dropped.
    struct Turns;
    impl Handler<Turns> for Nobody {
        fn handle(&mut self, _: Turns, _: &mut Context<Self>) {}
    }
    impl Drop for Turns {
        fn drop(&mut self) {
            HOME.with_borrow(|home| home.iter().for_each(|home| drop(home.run_until_idle())));
        }
    }

    /// What was ordered there is thrown away, by which nobody is told of it.
    #[test]
    fn a_child_that_comes_to_a_loop_while_that_ends_is_lost() {
        let [here, there] = ["here", "there"].map(Locality::new);
        let [home, far] = [&here, &there].map(|place| {
            let driver = Driver::new(Arc::new(Nothing), Clock::manual());
            driver.open(place).expect("a fresh locality");
            driver
        });
        let app = home.start(Supervisor::one_for_one("app")).expect("sound");
        home.run_until_idle();
        there.reserve::<Nobody>().send(Turns);
        far.run_until_idle(); // it is parked
        let place = there.clone();
        let part = move || Supervisor::one_for_one("part").on(&place, |s| s);
        let admin = app.root().admin();
        let mut started = pin!(admin.ask(StartChild::new(part), Duration::MAX));
        let mut cx = TaskContext::from_waker(Waker::noop());
        assert!(started.as_mut().poll(&mut cx).is_pending());
        HOME.set(Some(home));
        drop(far);
        let home = HOME.take().expect("set above");
        home.run_until_idle();
        let answer = started.poll(&mut cx);
        assert!(
            matches!(&answer, Poll::Ready(Ok(Err(AdminError::StartFailed(_))))),
            "{answer:?}"
        );
    }

    /// Nobody could say what still holds: the driver ends, and says why.
    #[test]
    fn s09_a_panic_of_the_library_ends_its_driver() {
        let driver = Driver::new(Arc::new(Nothing), Clock::manual());
        let here = Locality::new("here");
        driver.open(&here).expect("a fresh locality");
        let app = driver.start(Supervisor::one_for_one("app")).expect("sound");
        assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
        let to = Address::new(here.gate(), LOCALITY, 0);
        Broken.push(to);
        let Turn::Done(exit) = driver.run_until_idle() else {
            panic!("the driver goes on");
        };
        assert!(matches!(exit.reason(), ExitReason::Bug(text) if &**text == "broken"));
        assert_eq!(exit.to_string(), "failed: a bug in rotor-core: broken");
        assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
        let same = app.wait().expect("no loop is left on this thread");
        assert_eq!(same.to_string(), exit.to_string());
    }
}
