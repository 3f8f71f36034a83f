//! Actors with supervision trees inside a GLib main loop: the GLib backend of rotor.
//!
//! ```
//! use rotor_core::*;
//! use rotor_glib::GlibLoop;
//!
//! struct Greeter;
//! impl Actor for Greeter {}
//! impl Handler<&'static str> for Greeter {
//!     fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
//!         println!("hello, {name}");
//!         cx.stop();
//!     }
//! }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The application's own loop, on the context of this thread.
//! let main_loop = glib::MainLoop::new(None, false);
//! let ui = GlibLoop::attach()?;
//! let greeter = ui.locality().reserve();
//! let app = ui.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
//!     .child(Child::new("greeter", || Greeter).at(greeter).transient().significant()))?;
//! // A signal only sends. Addresses are `Copy`: nothing to clone, nothing weak.
//! glib::idle_add_local_once(move || greeter.send("world"));
//! let quit = main_loop.clone();
//! app.on_exit(move |_| quit.quit()); // the library never quits the application's loop
//! main_loop.run();
//! # Ok(())
//! # }
//! ```
//!
//! [`GlibLoop::attach`] is a guest of a loop that the application runs: with a tree, by
//! [`start`](GlibLoop::start), or for parts of trees that start elsewhere, by [`host`](GlibLoop::host).
//! [`GlibLoop::new`] makes a loop of its own, for this thread: [`run`](GlibLoop::run) and
//! [`serve`](GlibLoop::serve) are the same two there. [`GlibLoop::spawn`] makes one on a thread of its own.
//! Before it is run, a loop may [`open`](GlibLoop::open) a locality whose loop was lost.
//!
//! What is not `Send`, as widgets are not, goes to actors of the same thread by
//! [`send_local`](rotor_core::Addr::send_local). One source serves all actors of the loop; while a backlog
//! lasts its priority (125) is below that of GTK's redraw (120), so the window is drawn and input is served
//! first. A [`Guard`] makes a panic in a signal closure a restart of the actor that has connected it, and
//! ties the lives of actors and widgets. How all of it is used together, with dialogs and the end of a
//! program, is the chapter `glib_program` of rotor-core's guide.
//!
//! # Futures of GLib and gio
//!
//! What GLib does asynchronously, in its own types (`glib::timeout_future`) or in gio
//! (`gio::File::load_contents_future`), are futures that the main context of their thread wakes. An
//! actor of that context [spawns](rotor_core::Context::spawn) them as any others: they end with the
//! instance, and what comes of them comes to it. The other way round, code that is no actor, in
//! [`glib::spawn_future_local`], awaits the answers of actors.
//! ```
//! use rotor_core::*;
//! use rotor_glib::GlibLoop;
//! use std::time::Duration;
//!
//! struct Load(&'static str);
//! impl Request for Load { type Reply = usize; }
//!
//! struct Loader;
//! impl Actor for Loader {}
//! impl Handler<Ask<Load>> for Loader {
//!     fn handle(&mut self, ask: Ask<Load>, cx: &mut Context<Self>) {
//!         let (Load(text), reply) = ask.split();
//!         let load = async move { // such as `gio::File::for_path(..).load_contents_future()`
//!             glib::timeout_future(Duration::from_millis(1)).await;
//!             text.len()
//!         };
//!         cx.spawn(load, |_, length, _| reply.send(length)); // in the actor again
//!     }
//! }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (main_loop, ui) = (glib::MainLoop::new(None, false), GlibLoop::attach()?);
//! let loader = ui.locality().reserve();
//! let app = ui.start(Supervisor::one_for_one("app")
//!     .child(Child::new("loader", || Loader).at(loader)))?;
//! let quit = main_loop.clone();
//! app.on_exit(move |_| quit.quit());
//! glib::spawn_future_local(async move { // in a signal closure, say
//!     let length = loader.ask(Load("text"), Duration::from_secs(5)).await;
//!     assert_eq!(length.ok(), Some(4));
//!     app.shutdown();
//! });
//! main_loop.run();
//! # Ok(())
//! # }
//! ```
//!
//! On a loop of [`GlibLoop::new`] or [`spawn`](GlibLoop::spawn) the same futures run. Sources that
//! GLib adds to the global context, as `glib::timeout_add_local` does, do not: that is not the context
//! of such a thread.

mod bell;
mod guard;
mod io;
mod source;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use glib::{MainContext, MainLoop};
use rotor_core::{App, BindError, Clock, Driver, Exit, Locality, StartError, Supervisor};

pub use guard::Guard;
pub use io::{Io, Ready, Watch, WrongLoop};
use source::{Attached, Source};

/// A locality on a GLib main context.
///
/// A loop of its own, such as in a test or a program without windows:
/// ```
/// use rotor_core::*;
/// use rotor_glib::GlibLoop;
/// struct Tick;
/// struct Clock;
/// impl Actor for Clock {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         let me = cx.addr();
///         // Sources of GLib's own run beside the actors: here on this thread's context, where
///         // `glib::timeout_add_local` would use the global one.
///         glib::spawn_future_local(async move {
///             glib::timeout_future(std::time::Duration::from_millis(1)).await;
///             me.send(Tick);
///         });
///         Ok(())
///     }
/// }
/// impl Handler<Tick> for Clock {
///     fn handle(&mut self, _: Tick, cx: &mut Context<Self>) { cx.stop() }
/// }
/// GlibLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///     .child(Child::new("clock", || Clock).transient().significant()))?;
/// # Ok::<_, StartError>(())
/// ```
#[derive(Debug)]
pub struct GlibLoop {
    source: Attached,
    locality: Locality,
}

/// Another thread owns the main context.
///
/// ```
/// use rotor_glib::{ContextBusy, GlibLoop};
/// let context = glib::MainContext::new();
/// let ui = GlibLoop::attach_to(&context)?; // this thread's from now on
/// std::thread::scope(|s| {
///     s.spawn(|| assert_eq!(GlibLoop::attach_to(&context).err(), Some(ContextBusy)));
/// });
/// # drop(ui);
/// # Ok::<_, ContextBusy>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextBusy;

impl fmt::Display for ContextBusy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another thread owns the main context")
    }
}

impl std::error::Error for ContextBusy {}

impl GlibLoop {
    /// A loop with a main context of its own, for [`run`](Self::run) on this thread.
    ///
    /// ```
    /// # use rotor_glib::GlibLoop;
    /// let main = GlibLoop::new(); // for `run`; the default context stays free
    /// assert_eq!(main.locality().name(), "glib");
    /// ```
    #[allow(
        clippy::new_without_default,
        reason = "it binds to the thread it is made on"
    )]
    pub fn new() -> Self {
        Self::attach_to(&MainContext::new()).expect("nobody else knows the context")
    }

    /// Attaches to the main context of this thread: its thread-default one, else the global one.
    ///
    /// The application runs the loop, before or after this.
    ///
    /// # Errors
    /// [`ContextBusy`] if another thread owns the context.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::GlibLoop;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ui = GlibLoop::attach()?; // in `connect_activate` of a GTK application, say
    /// let app = ui.start(Supervisor::one_for_one("app"))?; // returns: the application runs its loop
    /// while glib::MainContext::default().iteration(false) {} // here in its place
    /// assert_eq!(app.root().state(), Lifecycle::Running);
    /// # app.shutdown();
    /// # while glib::MainContext::default().iteration(false) {}
    /// # assert!(app.tree().ended.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach() -> Result<Self, ContextBusy> {
        Self::attach_to(&MainContext::ref_thread_default())
    }

    /// Attaches to a main context, which this thread owns from now on, until the tree ends.
    ///
    /// # Errors
    /// [`ContextBusy`] if another thread owns the context.
    ///
    /// ```
    /// use rotor_glib::{ContextBusy, GlibLoop};
    /// let context = glib::MainContext::new();
    /// let ui = GlibLoop::attach_to(&context)?; // this thread owns the context from now on
    /// let other = std::thread::spawn(move || GlibLoop::attach_to(&context).err());
    /// assert_eq!(other.join().unwrap(), Some(ContextBusy));
    /// # drop(ui);
    /// # Ok::<(), ContextBusy>(())
    /// ```
    pub fn attach_to(context: &MainContext) -> Result<Self, ContextBusy> {
        Self::with_clock(context, Clock::real())
    }

    /// [`attach_to`](Self::attach_to), with the clock that the actors get the time from: for tests,
    /// which set it by hand.
    ///
    /// # Errors
    /// [`ContextBusy`] if another thread owns the context.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::GlibLoop;
    /// use std::time::Duration;
    /// # struct Nap;
    /// # impl Actor for Nap {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    /// #         cx.after(Duration::from_secs(3600), "up");
    /// #         Ok(())
    /// #     }
    /// # }
    /// # impl Handler<&'static str> for Nap {
    /// #     fn handle(&mut self, _: &'static str, cx: &mut Context<Self>) { cx.stop() }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (context, clock) = (glib::MainContext::new(), Clock::manual());
    /// let app = GlibLoop::with_clock(&context, clock.clone())?.start(Supervisor::one_for_one("app")
    ///     .auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("nap", || Nap).transient().significant()))?; // it naps for an hour
    /// while context.iteration(false) {}
    /// assert!(app.tree().ended.is_none());
    /// clock.advance(Duration::from_secs(3600));
    /// while context.iteration(false) {}
    /// assert!(app.tree().ended.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_clock(context: &MainContext, clock: Clock) -> Result<Self, ContextBusy> {
        Self::drive(Locality::new("glib"), context, clock)
    }

    /// The locality that this loop has of its own: trees start there.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_glib::GlibLoop;
    /// struct View;
    /// impl Actor for View {}
    /// struct Clicked;
    /// impl Handler<Clicked> for View { fn handle(&mut self, _: Clicked, _: &mut Context<Self>) {} }
    /// let ui = GlibLoop::new();
    /// let view: Addr<View> = ui.locality().reserve();
    /// let clicked = move || view.send(Clicked); // a signal closure, before there is a view
    /// # clicked();
    /// # assert_eq!(view.address().state(), Lifecycle::Waiting);
    /// ```
    pub fn locality(&self) -> &Locality {
        &self.locality
    }

    /// Drives one more locality: one whose loop was lost, as a rule. Its supervisor's next restart builds
    /// there what was lost, at the same addresses.
    ///
    /// A tree starts on the loop's own locality, and its end is that of the loop: what other trees have placed
    /// there is lost again.
    ///
    /// # Errors
    /// [`BindError::AlreadyOpen`] if a loop has it, also this one, or another thread is to open it,
    /// [`BindError::Ended`] if its loop has ended in order.
    ///
    /// # Examples
    /// Here a new one; of one whose loop was lost there is nothing else to do:
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::GlibLoop;
    /// # struct Worker;
    /// # impl Actor for Worker {
    /// #     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
    /// # }
    /// # fn main() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let far = Locality::new("far");
    /// let place = far.clone();
    /// let thread = std::thread::spawn(move || {
    ///     let next = GlibLoop::new();
    ///     next.open(&place)?;
    ///     next.serve()?;
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    /// });
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any)
    ///         .on(&far, |s| s.child(Child::new("worker", || Worker).transient().significant()))
    ///         .transient().significant()))?;
    /// thread.join().expect("nothing panics there")
    /// # }
    /// ```
    pub fn open(&self, locality: &Locality) -> Result<(), BindError> {
        self.source.driver().open(locality)
    }

    /// Starts a tree and returns. It lives in the context's loop until it ends; the loop is never
    /// quit, see [`App::on_exit`].
    ///
    /// The context is kept that long: to let go of it does not end the tree. If this thread ends before, its
    /// locality is lost: its actors are dropped, children first. The main thread, by its name `main`, ends
    /// with the process, and drops nothing.
    ///
    /// # Errors
    /// What is wrong with the tree; then nothing of it was started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::GlibLoop;
    /// # struct View;
    /// # impl Actor for View {}
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (main_loop, ui) = (glib::MainLoop::new(None, false), GlibLoop::attach()?);
    /// let app = ui.start(Supervisor::one_for_one("app").child(Child::new("view", || View)))?;
    /// let (close, quit) = (app.clone(), main_loop.clone());
    /// glib::idle_add_local_once(move || close.shutdown()); // such as when the window closes
    /// app.on_exit(move |_| quit.quit()); // when all actors have ended in order
    /// main_loop.run();
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(self, tree: Supervisor) -> Result<App, StartError> {
        let app = self.source.driver().start(tree)?;
        self.source.keep();
        Ok(app)
    }

    /// Starts a tree, runs the context's loop until the tree has ended, and returns its exit.
    ///
    /// # Errors
    /// What is wrong with the tree, [`StartError::Nested`] inside a handler of any loop of this thread;
    /// then nothing of it was started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::GlibLoop;
    /// struct Job;
    /// impl Actor for Job {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// let exit = GlibLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::new("job", || Job).transient().significant()))?;
    /// assert!(!exit.is_failure());
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn run(self, tree: Supervisor) -> Result<Exit, StartError> {
        if self.source.driver().is_nested() {
            return Err(StartError::Nested);
        }
        let app = self.source.driver().start(tree)?;
        let exit = run_until_done(self.source);
        Ok(app.wait().unwrap_or(exit))
    }

    /// Serves the subtrees that trees of other loops place on its localities, on this thread, and returns
    /// when nothing is placed there any more. Its exit is a normal one, however those end, and a failure if
    /// somebody destroys the source by which it turns: then they are lost.
    ///
    /// It is [`host`](Self::host), and runs the context's loop.
    ///
    /// # Errors
    /// [`StartError::Nested`] inside a handler of any loop of this thread.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::GlibLoop;
    /// struct Bus;
    /// impl Actor for Bus {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         assert!(glib::MainContext::ref_thread_default().is_owner());
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// let main = GlibLoop::new();
    /// let here = main.locality().clone();
    /// let root = std::thread::spawn(move || {
    ///     // The root lives on another thread.
    ///     let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///         .child(Supervisor::one_for_one("bus").auto_shutdown(AutoShutdown::Any)
    ///             .on(&here, |s| s.child(Child::new("bus", || Bus).transient().significant()))
    ///             .transient().significant());
    ///     drop(here);
    ///     ThreadLoop::new().run(tree)
    /// });
    /// main.serve()?;
    /// assert!(matches!(root.join(), Ok(Ok(exit)) if !exit.is_failure()));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn serve(self) -> Result<Exit, StartError> {
        let GlibLoop { source, locality } = self;
        if source.driver().is_nested() {
            return Err(StartError::Nested);
        }
        drop(locality); // held, it would count as a user of the thread
        source.driver().host();
        Ok(run_until_done(source))
    }

    /// Serves subtrees that trees of other loops place on this locality, as a guest of the loop
    /// that the application runs. It detaches when nothing is placed here any more.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::GlibLoop;
    /// struct View;
    /// impl Actor for View {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let main_loop = glib::MainLoop::new(None, false);
    /// let ui = GlibLoop::attach()?.host();
    /// let quit = main_loop.clone();
    /// std::thread::spawn(move || {
    ///     // The root lives on another thread, its widgets on the application's.
    ///     let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///         .child(Supervisor::one_for_one("ui").auto_shutdown(AutoShutdown::Any)
    ///             .on(&ui, |s| s.child(Child::new("view", || View).transient().significant()))
    ///             .transient().significant());
    ///     drop(ui);
    ///     ThreadLoop::new().run(tree).unwrap();
    ///     quit.quit();
    /// });
    /// main_loop.run();
    /// # Ok(())
    /// # }
    /// ```
    pub fn host(self) -> Locality {
        self.source.driver().host();
        self.source.keep();
        self.locality
    }

    /// Starts a thread with a context and a loop of its own. It ends when nothing is placed on its
    /// locality any more, and is joined when the tree that used it ends.
    ///
    /// # Errors
    /// The thread could not be started.
    ///
    /// # Examples
    /// A part that needs a main context, in a program whose root is elsewhere:
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::GlibLoop;
    /// struct Bus;
    /// impl Actor for Bus {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         assert!(glib::MainContext::ref_thread_default().is_owner());
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = GlibLoop::spawn("bus")?;
    /// ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Supervisor::one_for_one("bus").auto_shutdown(AutoShutdown::Any)
    ///         .on(&bus, |s| s.child(Child::new("bus", || Bus).transient().significant()))
    ///         .transient().significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn(name: impl Into<Cow<'static, str>>) -> std::io::Result<Locality> {
        Locality::spawn(name, |locality| {
            let context = MainContext::new();
            let this = Self::drive(locality, &context, Clock::real());
            let this = this.expect("nobody else knows the context");
            this.serve().map(drop).map_err(std::io::Error::other)
        })
    }

    fn drive(locality: Locality, context: &MainContext, clock: Clock) -> Result<Self, ContextBusy> {
        let bell = bell::Bell::new(context);
        let driver = Driver::new(bell.clone(), clock);
        driver
            .open(&locality)
            .expect("a locality that no driver has");
        let source = Source::attach(driver, bell, context)?;
        Ok(GlibLoop { source, locality })
    }
}

/// Runs the context's loop until the driver of this source is done, or somebody else has destroyed it.
fn run_until_done(source: Attached) -> Exit {
    let context = source.context().clone();
    let main_loop = MainLoop::new(Some(&context), false);
    let exit = Rc::new(RefCell::new(None));
    source.when_done({
        let (main_loop, exit) = (main_loop.clone(), exit.clone());
        move |end| {
            *exit.borrow_mut() = Some(end);
            main_loop.quit();
        }
    });
    source.keep(); // held here, it would not be dropped by who destroys it
    let run = || main_loop.run();
    context
        .with_thread_default(run)
        .expect("this thread owns the context");
    exit.take().expect("the end has quit the loop")
}
