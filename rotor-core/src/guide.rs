//! Chapters for users: how to use the parts together.
//!
//! | chapter | |
//! |---|---|
//! | [`first_steps`] | for those who have never used actors |
//! | [`supervision`] | recipes: strategies, restarts, starts and stops that wait |
//! | [`glib_program`] | a tree inside a GTK or GLib program: signals, dialogs, the end |
//! | [`mixing_loops`] | several loops, one tree |
//! | [`windows`] | several windows, each with a subtree |
//! | [`long_work`] | work that takes long, its progress, cancelling it |
//! | [`discovery`] | names, service links, monitors |
//! | [`pools`] | pools, requests to running supervisors, and groups |
//! | [`testing`] | unit tests on virtual time |
//! | [`backends`] | a loop that no crate knows yet |
//! | [`coming_from`] | Erlang, C++ rotor, actix, relm4, SObjectizer |
//!
//! What belongs to one loop stands on the first page of its crate: a poll of one's own in rotor-mio,
//! futures of GLib and gio in rotor-glib, executors in rotor-smol. What each item does in detail stands
//! at the item. Small programs, one idea each, are in the folder `examples`. The words are explained on
//! the [first page](crate#words) of this crate.
//!
//! The examples can be pasted. One without `main` is the inside of one that returns a
//! `Result<(), Box<dyn std::error::Error>>`, and ends in `Ok(())`; one that is marked as text needs a crate
//! beside this one, or what was written above it.

pub mod glib_program {
    //! A tree inside a GTK or GLib program.
    //!
    //! The program keeps its main loop. In rotor-glib, `GlibLoop::attach` makes the main context of
    //! this thread drive a locality, and `start` starts the tree and returns. This is the inside of a
    //! function `open` that returns rotor's `Result`:
    //!
    //! ```text
    //! let ui = GlibLoop::attach()?;
    //! let work = SmolLoop::spawn("work")?;
    //! let (view, counter) = (ui.locality().reserve(), work.reserve());
    //! button.connect_clicked(move |_| view.send(Clicked));   // nothing to clone, nothing weak
    //! let app = ui.start(Supervisor::rest_for_one("app")
    //!     .intensity(5, Duration::from_secs(10))
    //!     .child(Supervisor::one_for_one("work").on(&work, move |s|
    //!         s.child(Child::new("counter", || Counter).at(counter))))
    //!     .child(Child::new("view", move || View::new(label.clone(), counter)).at(view)))?;
    //! app.on_exit(end);                                      // see below
    //! // The window closes when the tree has ended: GTK would not wait for it.
    //! window.connect_close_request(move |_| { app.shutdown(); glib::Propagation::Stop });
    //! ```
    //!
    //! What is around it, with [`Exit`](crate::Exit) as what `main` returns: a tree that gave up is
    //! printed, and is a failure of the program. Nobody else tells of it.
    //!
    //! ```text
    //! static END: OnceLock<Exit> = OnceLock::new();
    //! fn end(exit: Exit) {
    //!     let _ = END.set(exit);
    //!     // Not captured, since `on_exit` takes what is `Send`.
    //!     gio::Application::default().expect("it runs").quit();
    //! }
    //! fn main() -> ExitCode {
    //!     let program = gtk::Application::new(Some("org.example.app"), Default::default());
    //!     program.connect_activate(|program| match program.active_window() {
    //!         Some(window) => window.present(),              // it was activated before
    //!         None => open(program).unwrap_or_else(|error| end(Exit::failed(error))),
    //!     });
    //!     let code = program.run();
    //!     match END.get() {
    //!         Some(exit) => exit.clone().report(),           // of `std::process::Termination`
    //!         None => code.into(),                           // no display, or it runs already
    //!     }
    //! }
    //! ```
    //!
    //! A program with an application id is activated again when somebody starts it a second time, hence
    //! the `match`. Several windows are a [chapter of their own](crate::guide::windows).
    //!
    //! **Signals send, actors act.** A signal closure captures an address, which is `Copy`, and sends
    //! a message. What it would have done stands in a handler, where a panic ends one actor and not
    //! the program. A panic in the closure itself would end the process, as always with GTK: where a
    //! closure does more than send, let it run in a `rotor_glib::Guard`, and its panic is one of the
    //! actor that has made the guard.
    //!
    //! **A widget in a message** goes by [`send_local`](crate::Addr::send_local), which takes what is
    //! not `Send` to an actor of this thread; of `send` the compiler says that it "cannot be sent
    //! between threads safely".
    //!
    //! **A signal that needs an answer** gets it at once, and the actor does the rest later:
    //!
    //! ```text
    //! window.connect_close_request(move |_| {
    //!     match view.address().state() {
    //!         Lifecycle::Running => view.send(CloseRequest), // it may ask and save, then `cx.stop()`
    //!         _ => app.shutdown(),          // it does not run now: nobody could ask
    //!     }
    //!     glib::Propagation::Stop           // for now: no
    //! });
    //! ```
    //!
    //! With this in the place of the handler above, a view that is `.transient().significant()` in a
    //! tree with `.auto_shutdown(AutoShutdown::Any)` ends the tree by its own end. A message
    //! alone would not do: to a view that does not run it is parked, and the window cannot be closed.
    //!
    //! **Widgets live in actors.** An actor need not be `Send`, so it may own widgets. They stay on
    //! their thread because the actor does. The factory clones them for each instance: after a
    //! panic the window is still there, and the next instance sets it to a known state in `start`.
    //!
    //! ```
    //! use rotor_core::{sim::Sim, *};
    //! use std::{cell::RefCell, rc::Rc};
    //!
    //! #[derive(Clone, Default)]
    //! struct Label(Rc<RefCell<String>>); // stands for a widget: reference counted, not `Send`
    //! impl Label {
    //!     fn set(&self, text: &str) {
    //!         *self.0.borrow_mut() = text.to_owned();
    //!     }
    //! }
    //!
    //! struct Clicked;
    //! struct View { label: Label, clicks: u32 }
    //! impl Actor for View {
    //!     fn start(&mut self, _: &mut Context<Self>) -> Result {
    //!         self.label.set("ready"); // also after a crash
    //!         Ok(())
    //!     }
    //! }
    //! impl Handler<Clicked> for View {
    //!     const LANE: Lane = Lane::Urgent; // input goes ahead of everything queued
    //!     fn handle(&mut self, _: Clicked, _: &mut Context<Self>) {
    //!         self.clicks += 1;
    //!         if self.clicks == 2 { panic!("a bug") }
    //!         self.label.set("clicked");
    //!     }
    //! }
    //!
    //! fn main() -> Result<(), StartError> {
    //!     let mut sim = Sim::new(1); // here in place of the main loop
    //!     let label = Label::default();
    //!     let view = sim.locality("ui").reserve::<View>();
    //!     let widget = label.clone();
    //!     sim.start(Supervisor::one_for_one("app")
    //!         .child(Child::new("view", move || View { label: widget.clone(), clicks: 0 }).at(view)))?;
    //!     view.send(Clicked);
    //!     sim.run_until_idle();
    //!     assert_eq!(*label.0.borrow(), "clicked");
    //!     view.send(Clicked);
    //!     sim.run_until_idle();
    //!     assert_eq!(*label.0.borrow(), "ready");
    //!     Ok(())
    //! }
    //! ```
    //!
    //! **Lives are tied** in both directions. An actor ends with a widget or any other object that its
    //! guard follows (`guard.follow(&page)`; such a child is transient, and holds the object weakly). One
    //! that owns its window ends when that is closed, by
    //! `guard.keep(&window, window.connect_unrealize(move |_| me.stop()))`. A widget ends with the
    //! instance that has made it: `cx.at_end(move || stack.remove(&page))`. That stays until the instance
    //! ends. What comes and goes before, as dialogs do, is kept in a field and destroyed in `Drop`. Signals
    //! that an instance has connected are given to its guard (`guard.keep(&button, id)`), so that the next
    //! one does not find them connected twice.
    //!
    //! **A dialog** of GTK 4 is shown, and the call returns; its answer comes later, as a signal that sends,
    //! or as a future, which the actor [spawns](crate::Context::spawn):
    //!
    //! ```text
    //! let dialog = gtk::MessageDialog::new(/* of the window, modal */);
    //! self.dialog = Some(dialog.clone());   // and `Drop` destroys it, so it goes with this instance
    //! cx.spawn(async move { dialog.run_future().await }, |me, answer, cx| {
    //!     if let Some(dialog) = me.dialog.take() { dialog.destroy() }
    //!     if answer == gtk::ResponseType::Yes { cx.stop() }
    //! });
    //! ```
    //!
    //! **A loop inside a call**, as other toolkits have for dialogs, keeps every actor of this loop
    //! waiting while it runs, if a handler or a future of an actor makes that call.
    //! [`Context::defer_to_host`](crate::Context::defer_to_host) makes it after the turn, and they go on.
    //!
    //! **A flood of messages** does not freeze the window: while a backlog lasts, the source has a
    //! lower priority than redraw. Computation belongs on another loop all the same.
    //!
    //! **The end.** The library never quits a loop that it does not own. `app.shutdown()` stops the
    //! tree in order and returns at once; [`App::on_exit`](crate::App::on_exit) says when to quit. Other
    //! ways out (a menu entry, a signal of the system) call `app.shutdown()`, too, not the loop's quit.
    //! The exit that `on_exit` gets says how the tree has ended. It [is a failure](crate::Exit::is_failure)
    //! when something crashes more often than the root allows: once in 5 s, unless the tree says more, as
    //! the one above does with `intensity`. Two clicks on a broken button are more. What blocks delays the
    //! end: see [long work](crate::guide::long_work).
    //!
    //! Whole programs are in the folder `examples/gtk`: a window with a button, and one that shows the
    //! live tree of a program and lets people crash its actors.
}

pub mod mixing_loops {
    //! Several loops, one tree.
    //!
    //! A supervisor built [`on`](crate::Supervisor::on) another locality runs there with all its
    //! children, and is a child like any other: started in its turn, restarted, stopped in its turn.
    //! The thread of a spawned loop ends with the tree.
    //!
    //! ```
    //! use rotor_core::*;
    //! use std::time::Duration;
    //!
    //! struct Hash(Vec<u8>);
    //! impl Request for Hash { type Reply = u64; }
    //!
    //! struct Hasher;
    //! impl Actor for Hasher {}
    //! impl Handler<Ask<Hash>> for Hasher {
    //!     fn handle(&mut self, ask: Ask<Hash>, _: &mut Context<Self>) {
    //!         let (Hash(bytes), reply) = ask.split();
    //!         reply.send(bytes.iter().fold(7, |h, &b| h * 31 + u64::from(b)));
    //!     }
    //! }
    //!
    //! struct Asker { hasher: Addr<Hasher> }
    //! impl Actor for Asker {
    //!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    //!         let limit = Duration::from_secs(5);
    //!         cx.request(self.hasher, Hash(vec![1, 2]), limit, |_, hash, cx| match hash {
    //!             Ok(hash) => {
    //!                 assert_eq!(hash, 6760);
    //!                 cx.stop();
    //!             }
    //!             Err(error) => cx.fail(error),
    //!         });
    //!         Ok(())
    //!     }
    //! }
    //!
    //! fn main() -> Result<(), Box<dyn std::error::Error>> {
    //!     let main = ThreadLoop::new();
    //!     let far = ThreadLoop::spawn("far")?; // or `MioLoop`, `GlibLoop`, `SmolLoop`: the same verb
    //!     let hasher = far.reserve();
    //!     main.run(Supervisor::rest_for_one("app").auto_shutdown(AutoShutdown::Any)
    //!         .child(Supervisor::one_for_one("work").on(&far, move |s|
    //!             s.child(Child::new("hasher", || Hasher).at(hasher))))
    //!         .child(Child::new("asker", move || Asker { hasher }).transient().significant()))?;
    //!     Ok(())
    //! }
    //! ```
    //!
    //! **Which loop for what**
    //!
    //! | work | loop |
    //! |---|---|
    //! | widgets | the main context of the program, `rotor_glib` |
    //! | sockets, many of them, with messages when they are ready | `rotor_mio` |
    //! | futures: a client library, a protocol written with `await` | `rotor_smol` |
    //! | calls that block: files, databases, long computations | [`ThreadLoop`](crate::ThreadLoop), one for each that may block at the same time |
    //!
    //! **Where the `App` comes from.** Of a `ThreadLoop` from [`run_with`](crate::ThreadLoop::run_with), of a
    //! `GlibLoop` and a `SmolLoop` from `start`, of mio from the `start` of the guest that `MioLoop::attach`
    //! makes: `MioLoop::run` gives none, so a program that needs it runs the root on one of the others, and
    //! spawns the `MioLoop`; of a loop of one's own from [`Driver::start`](crate::Driver::start).
    //!
    //! **Wiring.** [`Locality::reserve`](crate::Locality::reserve) mints the address of an actor that
    //! does not exist yet. Factories capture addresses, in circles too. Messages sent early wait: any number
    //! until the loop runs, then 1 024 until a child claims the address.
    //!
    //! **What crosses.** The closure given to `on` and every message to another locality must be
    //! `Send`; what the factories make need not be. On one thread
    //! [`send_local`](crate::Addr::send_local) takes what is not. Messages to another locality are collected and
    //! handed over at the end of the slice; [`Context::flush`](crate::Context::flush) hands them over
    //! now, and [`Context::blocking`](crate::Context::blocking) does so before it blocks.
    //!
    //! **Threads without a loop** send to any address, through an [`Outbox`](crate::Outbox) where the
    //! messages are many, ask with [`Addr::ask_blocking`](crate::Addr::ask_blocking), and receive
    //! with an [`Inbox`](crate::Inbox): [`recv`](crate::Inbox::recv) waits for the next message,
    //! [`recv_within`](crate::Inbox::recv_within) for so long at most, [`try_recv`](crate::Inbox::try_recv)
    //! not at all. Several inboxes at once are waited for [with one wake](crate::Inbox::with_wake).
    //!
    //! **Order** is kept from one sender to one actor in one lane, on any loop.
    //!
    //! **A loop that nobody runs** starts nothing: what is placed there waits for it, without end unless it has a
    //! [`start_limit`](crate::Supervisor::start_limit), and so do those that start after it. [`App::tree`](crate::App::tree) says for which loop. A stop of it,
    //! or of what is above it, does not wait for that loop, which finds nothing to start if it comes
    //! later. [`TerminateChild`](crate::TerminateChild) is such a stop, for what is placed there and for a
    //! supervisor above whose start waits for it.
    //!
    //! **When a loop is lost** (its thread ended, its driver was dropped), what lived there ends with
    //! [`ExitReason::Lost`](crate::ExitReason::Lost), requests to it fail, and its supervisor decides. Until
    //! the locality is opened again, each restart of it fails at once, and counts. To open it again, make a loop
    //! on a thread, have it [open](crate::ThreadLoop::open) the locality, and let it
    //! [serve](crate::ThreadLoop::serve): that returns when nothing is placed there any more. The calls are the
    //! same for each backend; a loop of one's own has [`Driver::open`](crate::Driver::open). A program that
    //! means to do so gives the subtree a [`backoff`](crate::Supervisor::backoff), say of a fifth of a second,
    //! and its supervisor an [`intensity`](crate::Supervisor::intensity) that allows for as many attempts as
    //! there may be until then, say 20 in 10 s: by default it gives up after one. One that does not has
    //! [`decide`](crate::Supervisor::decide) stop or escalate that subtree, or makes it temporary, and starts
    //! another one with [`StartChild`](crate::StartChild).
    //!
    //! ```
    //! use rotor_core::*;
    //! use std::thread;
    //! /// Drives what has lost its loop. The tree does not wait for this thread, as it does for a spawned one.
    //! fn take_over(lost: Locality) -> thread::JoinHandle<()> {
    //!     thread::spawn(move || {
    //!         let next = ThreadLoop::new(); // or `MioLoop`, `GlibLoop`, `SmolLoop`: the same calls
    //!         if let Err(error) = next.open(&lost) {
    //!             return eprintln!("{} is not taken over: {error}", lost.name());
    //!         }
    //!         let exit = next.serve();
    //!         eprintln!("{} is served no more: {exit:?}", lost.name());
    //!     })
    //! }
    //! # let _ = take_over;
    //! ```
    //! It is for whoever learns of the loss: `decide` of the supervisor above, which is told
    //! [`Lost`](crate::ExitReason::Lost), or an actor that monitors one there. `decide` is asked again about
    //! each attempt that fails; a second loop finds the locality open, and ends.
    //!
    //! **A thread that hangs** is not lost, but late, and nobody is told: who wants to know asks it for
    //! something, with a time limit. A [`TerminateChild`](crate::TerminateChild) of what is placed there gives
    //! that up at its [`stop_limit`](crate::Supervisor::stop_limit); a restart there is given up at its
    //! [`start_limit`](crate::Supervisor::start_limit). Until the handler returns, its locality is open, and its
    //! actors count as running: they keep their names, and those linked to them are not told. So what takes
    //! its place is another subtree, on another locality, with addresses and names of its own: have the
    //! service and its clients below one supervisor with [`own_names`](crate::Supervisor::own_names), terminate
    //! and delete that, and start another one with `StartChild`.
    //!
    //! While a loop is lost, its addresses are [`Gone`](crate::Lifecycle::Gone): what is sent there is
    //! refused, and links fail at once. When it is opened again, the addresses wait, then run. A client of
    //! a reserved address there that is a sibling of the subtree is started again after that. Any
    //! other one waits for a name as long as its start may take, so give it a limit that is longer than the
    //! loss; with an address only it fails at each of its restarts, and needs a backoff of its own.
}

pub mod supervision {
    //! Recipes for supervision.
    //!
    //! # Which strategy
    //!
    //! | the children | strategy |
    //! |---|---|
    //! | do not depend on each other | [`one_for_one`](crate::Supervisor::one_for_one) |
    //! | depend on those before them | [`rest_for_one`](crate::Supervisor::rest_for_one) |
    //! | are of use only together | [`one_for_all`](crate::Supervisor::one_for_all) |
    //! | are many of a kind, made on demand | [`simple_one_for_one`](crate::Supervisor::simple_one_for_one) |
    //!
    //! A child is *permanent* unless told otherwise: started again whatever its end was.
    //! [`transient`](crate::Child::transient): only after an error or a panic.
    //! [`temporary`](crate::Child::temporary): never.
    //! So an actor that ends by itself, with [`cx.stop()`](crate::Context::stop), is made transient. A permanent
    //! one is started again after that as well, ends again, and its supervisor soon gives up; the exit then
    //! says that the child "ended: normal".
    //!
    //! More than *intensity* restarts in a period (1 in 5 s by default) and the supervisor ends as
    //! well; its own supervisor decides. So trouble that a restart does not cure climbs until
    //! something higher up is rebuilt, or the root ends and the program learns why. A supervisor that gives
    //! up ends in order, with [`Shutdown`](crate::ExitReason::Shutdown): one that is itself transient stays
    //! down then, and nothing climbs further.
    //!
    //! # When the root ends
    //!
    //! No supervisor is above it: the program decides. Its exit says why: which child was not restarted any
    //! more, [after how many restarts](crate::GaveUp) and what ends, and the causes below.
    //!
    //! - *Exit code*: `main` returns the [`Exit`](crate::Exit). A failure is printed, and fails the program.
    //! - *A hook*: [`App::on_exit`](crate::App::on_exit) is called on the thread of the root's loop. A
    //!   loop that belongs to the application goes on, with its windows; the hook tells the user, or
    //!   attaches anew and starts the next tree.
    //! - *Run on*: `run` has returned, and the thread goes on, with the next tree if need be:
    //! ```
    //! use rotor_core::*;
    //! struct Server(u32);
    //! impl Actor for Server {
    //!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    //!         if self.0 < 2 { return Err(Error::message("the port is taken")) }
    //!         cx.stop();
    //!         Ok(())
    //!     }
    //! }
    //! fn tree(attempt: u32) -> Supervisor {
    //!     Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    //!         .child(Child::new("server", move || Server(attempt)).transient().significant())
    //! }
    //! for attempt in 0.. {
    //!     let exit = ThreadLoop::new().run(tree(attempt))?;
    //!     if !exit.is_failure() {
    //!         break;
    //!     }
    //!     eprintln!("{exit:#}"); // all that is known; and wait, ask the user, take another port
    //! }
    //! # Ok::<_, StartError>(())
    //! ```
    //! A root that should rather lose a part than end [decides](crate::Supervisor::decide) so:
    //! [`Decision::Stop`](crate::Decision::Stop) leaves the child out, and the others run on.
    //!
    //! # Changing a running tree
    //!
    //! An actor adds children of its own with [`Context::child`](crate::Context::child). A supervisor
    //! is asked to: by any actor, a future or a plain thread, wherever it lives. Requests to it are sent to
    //! its address, seen as one of a supervisor: [`admin()`](crate::Address::admin). How that address is found
    //! stands in [where a supervisor is](crate::guide::pools#where-a-supervisor-is).
    //! ```
    //! use rotor_core::{sim::Sim, *};
    //! use std::time::Duration;
    //! struct Worker;
    //! impl Actor for Worker {}
    //! fn main() -> Result<(), StartError> {
    //!     let mut sim = Sim::new(1);
    //!     sim.locality("here");
    //!     let app = sim.start(Supervisor::one_for_one("app"))?;
    //!     let root = app.root();
    //!     let start = StartChild::new(|| Child::new("worker", || Worker));
    //!     let answer = sim.block_on(root.admin().ask(start, Duration::MAX)).expect("it comes");
    //!     match &answer {
    //!         Ok(Ok(Some(worker))) => println!("it runs, at {:?}", worker.address),
    //!         Ok(Ok(None)) => println!("its factory has made none"),
    //!         Ok(Err(refused)) => println!("the supervisor says no: {refused}"), // an `AdminError`
    //!         Err(error) => println!("the supervisor says nothing: {error}"), // a `RequestError`
    //!     }
    //! #     assert!(matches!(answer, Ok(Ok(Some(_)))));
    //!     let stop = TerminateChild::named("worker");
    //!     let stopped = sim.block_on(root.admin().ask(stop, Duration::MAX)).expect("it comes");
    //!     assert!(matches!(stopped, Ok(Ok(()))));
    //!     Ok(())
    //! }
    //! ```
    //! The answer is one thing in another, from the outside to the inside:
    //!
    //! - whether the supervisor has answered. If it does not run, is gone, or the time limit is over, there
    //!   is a [`RequestError`](crate::RequestError), as for any request;
    //! - what it has answered. If it refuses, or the child cannot start, that is an
    //!   [`AdminError`](crate::AdminError);
    //! - of a start, the child. `None` if its factory [has made no actor](crate::IntoActor), which is no error.
    //!
    //! (`block_on` of a simulation wraps this in one more, `None` if an answer can never come. No other
    //! way of asking does.)
    //!
    //! [`RestartChild`](crate::RestartChild) starts it again, [`DeleteChild`](crate::DeleteChild)
    //! forgets it; [`WhichChildren`](crate::WhichChildren) and
    //! [`CountChildren`](crate::CountChildren) tell what is there. A supervisor that is busy answers
    //! when it is done, also one whose child [waits in its start](crate::guide::discovery#a-service-that-stays-away).
    //! On a plain thread it is
    //! `root.admin().ask_blocking(stop, limit)`; a request that timed out is served later all the same.
    //!
    //! An actor that has several steps to make, one after the other, writes them as a future:
    //! ```
    //! use rotor_core::{sim::Sim, *};
    //! use std::time::Duration;
    //! const LIMIT: Duration = Duration::from_secs(5);
    //! struct Codec { version: u32 }
    //! impl Actor for Codec {}
    //! struct Upgrade(u32);
    //! struct Updater { version: u32 }
    //! impl Actor for Updater {}
    //! impl Handler<Upgrade> for Updater {
    //!     fn handle(&mut self, Upgrade(version): Upgrade, cx: &mut Context<Self>) {
    //!         let Some(root) = cx.supervisor() else { return };
    //!         let steps = async move {
    //!             root.admin().ask(TerminateChild::named("codec"), LIMIT).await??;
    //!             root.admin().ask(DeleteChild::named("codec"), LIMIT).await??;
    //!             let new = StartChild::new(move || Child::new("codec", move || Codec { version }));
    //!             root.admin().ask(new, LIMIT).await??;
    //!             Ok(version)
    //!         };
    //!         cx.spawn(steps, |me, outcome: Result<u32>, cx| match outcome {
    //!             Ok(version) => me.version = version,
    //!             Err(error) => cx.fail(error), // of whichever step: the later ones were not made
    //!         });
    //!     }
    //! }
    //! fn main() -> Result<(), StartError> {
    //!     let mut sim = Sim::new(1);
    //!     let updater = sim.locality("here").reserve();
    //!     sim.start(Supervisor::one_for_one("app")
    //!         .child(Child::new("codec", || Codec { version: 1 }))
    //!         .child(Child::new("updater", || Updater { version: 1 }).at(updater)))?;
    //!     sim.run_until_idle();
    //!     updater.send(Upgrade(2));
    //!     sim.run_until_idle();
    //!     assert_eq!(sim.with(updater, |me| me.version), Some(2));
    //!     Ok(())
    //! }
    //! ```
    //!
    //! # The program ends when its main part does
    //!
    //! Mark that part `significant`, and let the supervisor shut down by itself:
    //! ```
    //! use rotor_core::*;
    //! struct Job;
    //! impl Actor for Job {
    //!     fn start(&mut self, cx: &mut Context<Self>) -> Result { cx.stop(); Ok(()) }
    //! }
    //! fn main() -> Result<(), StartError> {
    //!     let tree = Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    //!         .child(Child::new("job", || Job).transient().significant());
    //!     let exit = ThreadLoop::new().run(tree)?;
    //!     assert_eq!(exit.to_string(), "shutdown, because job ended: normal");
    //!     Ok(())
    //! }
    //! ```
    //!
    //! A tree that could not start, or whose root gave up, ends with the reason `Shutdown`, too: what
    //! happened is at the end of the chain of exits that caused each other, which
    //! [`root_cause`](crate::Exit::root_cause) gives. For the program's exit code, ask that:
    //! ```
    //! use rotor_core::*;
    //! struct Bad;
    //! impl Actor for Bad {
    //!     fn start(&mut self, _: &mut Context<Self>) -> Result { Err(Error::message("no disk")) }
    //! }
    //! fn main() -> Result<(), StartError> {
    //!     let exit = ThreadLoop::new()
    //!         .run(Supervisor::one_for_one("app").child(Child::new("log", || Bad)))?;
    //!     assert_eq!(exit.to_string(), "shutdown, because log failed to start: no disk");
    //!     assert!(exit.is_failure());
    //!     Ok(())
    //! }
    //! ```
    //!
    //! # Fail early, let the supervisor retry
    //!
    //! A handler that may fail implements [`TryHandler`](crate::TryHandler): `?` ends the instance.
    //! A factory may fail as well, and then the start does.
    //! ```
    //! use rotor_core::*;
    //! use std::fs::File;
    //! use std::io::Write;
    //! struct Line(String);
    //! struct Log(File);
    //! impl Actor for Log {}
    //! impl TryHandler<Line> for Log {
    //!     fn try_handle(&mut self, Line(text): Line, _: &mut Context<Self>) -> Result {
    //!         writeln!(self.0, "{text}")?; // disk full: a new instance opens the file again
    //!         Ok(())
    //!     }
    //! }
    //! let open = || File::options().append(true).create(true).open("log.txt").map(Log);
    //! let log = Child::new("log", open);
    //! ```
    //! If a first start fails, so does that of its supervisor, unless that
    //! [says](crate::Supervisor::decide) that it can do without. A restart that fails is tried again,
    //! at once, or when the sibling that it waits for is over its own restart, and counts against the
    //! intensity. Where waiting helps, as for a peer that is away, have restarts
    //! [wait](crate::Child::backoff), longer each time. The last line looks at the tree before it starts:
    //! [`plan`](crate::Supervisor::plan) checks it, and warns of what is probably not meant. For that it needs
    //! a locality, and one without a loop will do.
    //! ```
    //! use rotor_core::*;
    //! use std::time::Duration;
    //! struct Uplink;
    //! impl Actor for Uplink {}
    //! let second = Duration::from_secs(1);
    //! // The first restart waits for a second, each next one twice as long, up to a minute; each of them up to
    //! // 30 % less, by chance, so that not all who wait come back at once.
    //! let patient = Backoff::exponential(second, 60 * second).jitter(30);
    //! let uplink = Child::new("uplink", || Uplink).backoff(patient);
    //! let tree = Supervisor::one_for_one("net").intensity(5, 120 * second).child(uplink);
    //! assert!(tree.plan(&Locality::new("here"))?.warnings.is_empty());
    //! # Ok::<_, StartError>(())
    //! ```
    //! The address stays valid, and what is sent to it waits, 1 024 messages unless its
    //! [`capacity`](crate::Child::capacity) says otherwise. The intensity still counts: the plan
    //! warns if waits are so long that it can never be used up, and `net` would never give up. It warns as
    //! well of a [`start_limit`](crate::Child::start_limit) that lets starts hang for so long.
    //!
    //! # Deciding by the kind of failure
    //!
    //! Restart kinds know orderly and abnormal ends. A supervisor that should tell more apart is told
    //! how it [decides](crate::Supervisor::decide), and an actor with children of its own
    //! [decides itself](crate::Actor::decide):
    //! ```
    //! use rotor_core::*;
    //! struct Job;
    //! impl Actor for Job {}
    //! let jobs = Supervisor::one_for_one("jobs")
    //!     .decide(|child| match child.exit.reason() {
    //!         ExitReason::Panicked(_) => Decision::Stop, // a bug: the same would happen again
    //!         ExitReason::TimedOut(_) => Decision::Escalate, // others may wait for the same
    //!         _ => Decision::Usual,
    //!     })
    //!     .child(Child::new("job", || Job));
    //! # let _ = jobs;
    //! ```
    //! Where a restart never helps, let the failure climb at once:
    //! [`escalating`](crate::Child::escalating).
    //!
    //! # A start that waits
    //!
    //! The next child starts when this one is operational. A [`Hold`](crate::Hold) keeps that open, for at
    //! most the child's [`start_limit`](crate::Child::start_limit): 5 s, unless it says otherwise. Do not hold
    //! it for the answer of a sibling that is declared later: that starts after this one.
    //! ```
    //! use rotor_core::{sim::Sim, *};
    //! use std::time::Duration;
    //! struct Link;
    //! impl Actor for Link {
    //!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    //!         let hold = cx.hold("connecting");
    //!         let connecting = async { /* connect here */ };
    //!         cx.spawn(connecting, |_, (), _| drop(hold)); // operational
    //!         Ok(())
    //!     }
    //! }
    //! fn main() -> Result<(), StartError> {
    //!     let mut sim = Sim::new(1);
    //!     sim.locality("here");
    //!     let app = sim.start(Supervisor::rest_for_one("app")
    //!         .child(Child::new("link", || Link).start_limit(Duration::from_secs(10)))
    //!         .child(Child::new("user", || Link)))?;
    //!     sim.run_until_idle();
    //!     assert!(app.tree().nodes.iter().all(|node| node.state == "running"));
    //!     Ok(())
    //! }
    //! ```
    //!
    //! # A stop that waits
    //!
    //! [`Actor::stop`](crate::Actor::stop) is called when the actor is told to stop, or has said so itself.
    //! A hold that is taken there keeps it until its last work is done, within the
    //! [stop limit](crate::Child::stop_limit). Meanwhile it gets its own answers, timers and futures, and
    //! no messages of others: those are parked for the next instance, or refused.
    //! ```
    //! use rotor_core::{sim::Sim, *};
    //! use std::time::Duration;
    //! struct Save(String);
    //! impl Request for Save { type Reply = (); }
    //! #[derive(Default)] struct Disk { saved: Vec<String> }
    //! impl Actor for Disk {}
    //! impl Handler<Ask<Save>> for Disk {
    //!     fn handle(&mut self, ask: Ask<Save>, _: &mut Context<Self>) {
    //!         let (Save(text), reply) = ask.split();
    //!         self.saved.push(text);
    //!         reply.send(());
    //!     }
    //! }
    //! struct Editor { text: String, disk: Addr<Disk> }
    //! impl Actor for Editor {
    //!     fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
    //!         let hold = cx.hold("saving");
    //!         let save = Save(std::mem::take(&mut self.text));
    //!         // Dropped with the answer, or after a second without one.
    //!         cx.request(self.disk, save, Duration::from_secs(1), |_, _, _| drop(hold));
    //!     }
    //! }
    //! fn main() -> Result<(), StartError> {
    //!     let mut sim = Sim::new(1);
    //!     let here = sim.locality("here");
    //!     let (disk, editor) = (here.reserve(), here.reserve());
    //!     let make = move || Editor { text: "a letter".to_owned(), disk };
    //!     sim.start(Supervisor::rest_for_one("app")
    //!         .child(Child::new("disk", Disk::default).at(disk))
    //!         .child(Child::new("editor", make).at(editor).transient()))?;
    //!     sim.run_until_idle();
    //!     editor.stop();
    //!     sim.run_until_idle();
    //!     assert_eq!(editor.address().state(), Lifecycle::Down);
    //!     assert_eq!(sim.with(disk, |disk| disk.saved.clone()).unwrap(), ["a letter"]);
    //!     Ok(())
    //! }
    //! ```
    //! A hold that is taken in a handler delays the stop that comes meanwhile: what was begun is not cut
    //! off. [`hold_within`](crate::Context::hold_within) waits up to a point. After a failure or a panic
    //! `stop` is not called; `Drop` runs always.
    //!
    //! # Around an actor
    //!
    //! What is not the actor's own business (a quota, an audit, waiting for a lock file) stands around it:
    //! a [`Hook`](crate::Hook) of its spec is asked before each start, before each message, and in
    //! each stop. Holds delay there, too; a message that it refuses is reported as undelivered.
    //!
    //! # Finding each other
    //!
    //! Reserved addresses are the shortest wiring: they are values that factories capture. Where the
    //! two sides do not know each other, one is [`named`](crate::Child::named), and the other
    //! [finds](crate::Context::find) it, from any locality of the tree. In a start, finding waits:
    //! ```
    //! use rotor_core::*;
    //! struct Thermometer;
    //! impl Actor for Thermometer {}
    //! const THERMOMETER: Name<Thermometer> = Name::new("thermometer");
    //! struct Display { source: Option<Addr<Thermometer>> }
    //! impl Actor for Display {
    //!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    //!         cx.find(THERMOMETER, |me, addr, _| me.source = Some(addr));
    //!         Ok(())
    //!     }
    //! }
    //! let tree = Supervisor::rest_for_one("station")
    //!     .child(Child::new("thermometer", || Thermometer).named(THERMOMETER))
    //!     .child(Child::new("display", || Display { source: None }));
    //! ```
    //! Declare names before those who need them: children start in order. What happens to a start that
    //! looks for a name which is not there depends on who has it:
    //!
    //! | whose name it is | the start |
    //! |---|---|
    //! | that of a child which starts later | fails at once, with [`Stalled`](crate::ExitReason::Stalled) |
    //! | that of a child which is down, of the same supervisor | fails at once, too: the supervisor is busy with this start, and starts nobody else. In a restart it waits, up to its limit: before the next attempt the supervisor serves a request to start the other one |
    //! | that of a child which is down, of another supervisor | waits: that supervisor can be asked to start it, unless this start keeps it busy, or one above it |
    //! | no spec declares it | waits: any running actor may [register](crate::Context::register) it |
    //!
    //! To wait is to wait until the start limit. Then the start fails, and the error says
    //! [what it has waited for](crate::TimedOut::held_by), and of a name that nobody declares it.
    //!
    //! There are other ways to look. [`find_within`](crate::Context::find_within) waits without keeping the
    //! start open, and [`lookup`](crate::Context::lookup) does not wait. From outside of the tree it is
    //! [`App::lookup`](crate::App::lookup), and in an actor of another tree `find(THERMOMETER.of(&app), ..)`
    //! with the handle of the one that has the name.
    //!
    //! # Children that come and go
    //!
    //! Any actor may have children: one for each connection, say. They are stopped before it is. A
    //! [monitor](crate::Context::monitor) tells it of the end of each, by a message, a [`Down`](crate::Down),
    //! also of one whose first start fails, which is removed. (Of one that is added in `start`, that fails the
    //! actor's own start.) More than 1 restart of its children in 5 s ends the actor; where children may crash
    //! more often, make them temporary, or ask for a supervisor below the actor, as
    //! [`Context::child`](crate::Context::child) says. Requests name such children by address, not by name.
    //! `once` is for a child that gets what cannot be cloned: it is temporary.
    //! ```
    //! use rotor_core::*;
    //! struct Accepted(std::net::TcpStream);
    //! struct Connection(std::net::TcpStream);
    //! impl Actor for Connection {}
    //! struct Listener { open: usize }
    //! impl Actor for Listener {}
    //! impl Handler<Accepted> for Listener {
    //!     fn handle(&mut self, Accepted(stream): Accepted, cx: &mut Context<Self>) {
    //!         let made = cx.child(Child::once("connection", |_| Ok(Connection(stream))));
    //!         cx.monitor(made.address());
    //!         self.open += 1;
    //!     }
    //! }
    //! impl Handler<Down> for Listener {
    //!     fn handle(&mut self, _: Down, _: &mut Context<Self>) { self.open -= 1 }
    //! }
    //! ```
    //!
    //! # What survives a restart
    //!
    //! The address, and the messages in the queue: all of them if the next instance starts at once, else as many
    //! as its [`capacity`](crate::Child::capacity) lets wait. Not the state, the timers, the futures, the
    //! subscriptions and the open requests: they belong to one instance. The message that caused the
    //! crash is not delivered again. State that must survive belongs to an actor that does nothing
    //! else, or is captured by the factory:
    //! ```
    //! use rotor_core::{sim::Sim, *};
    //! use std::{cell::Cell, rc::Rc};
    //! struct Sold(u32);
    //! struct Till { total: Rc<Cell<u32>> }
    //! impl Actor for Till {}
    //! impl Handler<Sold> for Till {
    //!     fn handle(&mut self, Sold(n): Sold, _: &mut Context<Self>) {
    //!         if n == 0 { panic!("nothing was sold") }
    //!         self.total.set(self.total.get() + n);
    //!     }
    //! }
    //! fn main() -> Result<(), StartError> {
    //!     let mut sim = Sim::new(1);
    //!     let till = sim.locality("here").reserve();
    //!     let total = Rc::new(Cell::new(0));
    //!     let kept = total.clone();
    //!     sim.start(Supervisor::one_for_one("shop")
    //!         .child(Child::new("till", move || Till { total: kept.clone() }).at(till)))?;
    //!     for n in [2, 0, 3] {
    //!         till.send(Sold(n));
    //!     }
    //!     sim.run_until_idle();
    //!     assert_eq!(total.get(), 5);
    //!     Ok(())
    //! }
    //! ```
    //!
    //! # Seeing what happens
    //!
    //! An [`Observer`](crate::Observer) on the root is told of every start, also one that
    //! [fails](crate::Observer::start_failed), of every end, of who is [late](crate::Observer::late), of
    //! supervisors that give up, and of every message that was not delivered. [`App::tree`](crate::App::tree) is the live tree; print it, or draw it with
    //! [`Tree::dot`](crate::Tree::dot). Below its actors stands what is amiss with a loop: that it does not
    //! answer, and in which handler it hangs; what could not be delivered; what waits for an address
    //! that [no child has](crate::LocalityPicture::unclaimed). [Where the `App` comes from](super::mixing_loops)
    //! depends on the loop.
    //!
    //! An exit keeps what is known: the [reason](crate::Exit::reason), whose exit
    //! [caused](crate::Exit::cause) it, whether a supervisor [gave up](crate::Exit::gave_up), and after
    //! which ends, and of a failure the type of the message that was handled, how often such a message was the end of
    //! this actor, and where the panic was: [`Exit::incident`](crate::Exit::incident). `{:#}` prints
    //! all of it on one line. All of it can be matched. Nothing has to be downcast but an error that the
    //! program's own code has returned: [`ExitReason::Failed`](crate::ExitReason::Failed).
    //!
    //! Before anything starts, [`Supervisor::plan`](crate::Supervisor::plan) gives a picture of the tree.
    //! Kept in a file and compared by a test, it shows in review when the
    //! architecture changes; the example `architecture` does that.
}

pub mod backends;
pub mod discovery;
pub mod first_steps;
pub mod long_work;
pub mod pools;
pub mod windows;

pub mod testing {
    //! Unit tests on virtual time.
    //!
    //! [`Sim`](crate::sim::Sim) drives localities in one thread, with a clock that moves when it is
    //! told to. Actors run in it unchanged: they take the time from
    //! [`Context::now`](crate::Context::now) and wait with timers, so an hour takes no time.
    //!
    //! ```
    //! use rotor_core::{sim::Sim, *};
    //! use std::time::Duration;
    //!
    //! #[derive(Clone)] struct Beat;
    //! struct Silence;
    //! /// Reports when no beat came for a minute.
    //! struct Watchdog { timer: Option<Timer>, out: Recipient<Alarm> }
    //! #[derive(Debug, PartialEq)] struct Alarm;
    //! impl Actor for Watchdog {}
    //! impl Handler<Beat> for Watchdog {
    //!     fn handle(&mut self, _: Beat, cx: &mut Context<Self>) {
    //!         if let Some(timer) = self.timer.take() {
    //!             cx.cancel(timer);
    //!         }
    //!         self.timer = Some(cx.after(Duration::from_secs(60), Silence));
    //!     }
    //! }
    //! impl Handler<Silence> for Watchdog {
    //!     fn handle(&mut self, _: Silence, _: &mut Context<Self>) { self.out.send(Alarm) }
    //! }
    //!
    //! fn main() -> Result<(), StartError> {
    //!     let mut sim = Sim::new(7);
    //!     let dog = sim.locality("here").reserve();
    //!     let alarms = sim.probe(); // collects what it is sent
    //!     let out = alarms.recipient();
    //!     sim.start(Supervisor::one_for_one("test")
    //!         .child(Child::new("dog", move || Watchdog { timer: None, out }).at(dog)))?;
    //!     dog.send(Beat);
    //!     sim.run_for(Duration::from_secs(59));
    //!     dog.send(Beat);
    //!     sim.run_for(Duration::from_secs(59));
    //!     assert_eq!(alarms.take(), []);
    //!     sim.run_for(Duration::from_secs(1)); // what is due exactly at the end fires
    //!     assert_eq!(alarms.take(), [Alarm]);
    //!     Ok(())
    //! }
    //! ```
    //!
    //! **Probes**: what an actor sends to a recipient goes to a [`probe`](crate::sim::Sim::probe),
    //! requests too, which the test answers; [`Sim::listen`](crate::sim::Sim::listen) hears what is
    //! published.
    //!
    //! **Answers** come with [`Sim::block_on`](crate::sim::Sim::block_on), which moves the clock as
    //! far as needed; **state** with [`Sim::with`](crate::sim::Sim::with).
    //!
    //! **Several loops** are several localities of one simulation. Which takes its next message is
    //! drawn from the seed, so a loop over seeds tries many orders, and the seed of a failure is
    //! printed and gives the same run again:
    //! ```
    //! use rotor_core::{sim::Sim, *};
    //! use std::time::Duration;
    //! struct Add(u32);
    //! impl Request for Add { type Reply = u32; }
    //! struct Sum(u32);
    //! impl Actor for Sum {}
    //! impl Handler<Ask<Add>> for Sum {
    //!     fn handle(&mut self, ask: Ask<Add>, _: &mut Context<Self>) {
    //!         self.0 += ask.request.0;
    //!         ask.reply(self.0);
    //!     }
    //! }
    //! fn main() -> Result<(), StartError> {
    //!     for seed in 0..20 {
    //!         let mut sim = Sim::new(seed);
    //!         let (_near, far) = (sim.locality("near"), sim.locality("far"));
    //!         let sum = far.reserve();
    //!         sim.start(Supervisor::one_for_one("test")
    //!             .child(Supervisor::one_for_one("away").on(&far, move |s|
    //!                 s.child(Child::new("sum", || Sum(0)).at(sum)))))?;
    //!         let answer = sim.block_on(sum.ask(Add(3), Duration::from_secs(1)));
    //!         assert!(matches!(answer, Some(Ok(3)))); // `None`: it can never come; `Err`: nobody has answered
    //!     }
    //!     Ok(())
    //! }
    //! ```
    //!
    //! **Strict**: after [`Sim::strict`](crate::sim::Sim::strict) a message that cannot be delivered is
    //! a failure, which names it, its target and the reason.
    //!
    //! **Faults** come when the test says so: [`Sim::panic_at`](crate::sim::Sim::panic_at) makes an
    //! actor panic at its nth message, [`Sim::delay`](crate::sim::Sim::delay) makes the way from one
    //! locality to another longer, [`Sim::lose`](crate::sim::Sim::lose) drops a loop as if its
    //! thread had died, and [`Address::kill`](crate::Address::kill) removes an instance by force.
    //! [`sim::explore`](crate::sim::explore) runs a test with many seeds, and a failure names its
    //! seed. Here it looks for the orders in which a relay that crashes loses something:
    //! ```
    //! use rotor_core::{sim, *};
    //! struct Relay { to: Recipient<u32> }
    //! impl Actor for Relay {}
    //! impl Handler<u32> for Relay {
    //!     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.to.send(n) }
    //! }
    //! sim::explore(0..100, |sim| {
    //!     let (relay, out) = (sim.locality("here").reserve(), sim.probe());
    //!     let to = out.recipient();
    //!     sim.start(Supervisor::one_for_one("test")
    //!         .child(Child::new("relay", move || Relay { to }).at(relay))).expect("a sound tree");
    //!     sim.panic_at(relay.address(), 3);
    //!     for n in 1..=5 {
    //!         relay.send(n);
    //!     }
    //!     sim.run_until_idle();
    //!     assert_eq!(out.take(), [1, 2, 4, 5]); // the message of the crash only, in every order
    //! });
    //! ```
    //! The localities of a simulation are kept apart, as if each had a thread: what one sends to
    //! another is handed over at the end of the slice.
    //!
    //! Futures of actors run in a simulation if something in it wakes them. Sockets and the timers
    //! of an async library have a reactor of their own, and real time: test those on their loop.
    //!
    //! **On the real loop** actors are tested with a clock that is set by hand, too: each backend has
    //! a `with_clock`. The test then runs its loop without waiting (polls with a timeout of zero,
    //! iterates a main context, ticks an executor) and moves the time between: from one
    //! [`next_deadline`](crate::Clock::next_deadline) to the other, each timer sees its own time as
    //! now. Without a loop, [`Driver`](crate::Driver) does the same. The example
    //! `supervision_trace` plays its scenarios in all of these ways.
}

pub mod coming_from {
    //! Coming from Erlang, C++ rotor, actix, relm4 or SObjectizer.
    //!
    //! # Erlang/OTP
    //!
    //! | there | here |
    //! |---|---|
    //! | process | actor: a slot of a locality, not a task of its own |
    //! | scheduler | the loops of the program; an actor stays on the one it is placed on |
    //! | pid | [`Addr`](crate::Addr), valid across restarts |
    //! | `register`, `whereis` | [`Name`](crate::Name): typed, one registry for each tree; [`Context::register`](crate::Context::register), [`lookup`](crate::Context::lookup) |
    //! | `gen_server:cast` | [`Addr::send`](crate::Addr::send) |
    //! | `gen_server:call` | [`Context::request`](crate::Context::request), whose answer is a later call; or `addr.ask(..).await` |
    //! | `noreply`, then `gen_server:reply` | keep the [`Ask`](crate::Ask), or the [`ReplyTo`](crate::ReplyTo) in it |
    //! | `init` | the factory, then [`Actor::start`](crate::Actor::start) |
    //! | `terminate` | [`Actor::stop`](crate::Actor::stop) if it was orderly; `Drop` always |
    //! | `handle_continue` after `init` | a message to oneself from `start` |
    //! | `send_after`, `send_interval` | [`Context::after`](crate::Context::after), [`Context::every`](crate::Context::every) |
    //! | `monitor`, `'DOWN'` | [`Context::monitor`](crate::Context::monitor), [`Down`](crate::Down); for `noproc`, [`ExitReason::Gone`](crate::ExitReason::Gone) |
    //! | child spec; `permanent`, `transient`, `temporary` | [`Child`](crate::Child); the same words |
    //! | `shutdown`: `5000`, `infinity`, `brutal_kill` | [`Child::stop_limit`](crate::Child::stop_limit): 5 s unless told otherwise, `Duration::MAX`, `Duration::ZERO` |
    //! | `intensity`, `period` | [`Supervisor::intensity`](crate::Supervisor::intensity) |
    //! | `simple_one_for_one` | [`Supervisor::simple_one_for_one`](crate::Supervisor::simple_one_for_one): a pool of one template |
    //! | `auto_shutdown`, `any_significant` | [`AutoShutdown::Any`](crate::AutoShutdown::Any), [`Child::significant`](crate::Child::significant) |
    //! | `supervisor:start_child`, `terminate_child`, `which_children` | [`StartChild`](crate::StartChild), [`TerminateChild`](crate::TerminateChild), [`WhichChildren`](crate::WhichChildren), asked of [`Address::admin`](crate::Address::admin) |
    //! | `pg` | [`Group`](crate::Group): an actor whose members join, leave, and are sent to together |
    //! | `exit(Pid, kill)` | [`Address::kill`](crate::Address::kill) |
    //!
    //! Strategies, intensity and auto-shutdown are those of OTP, with its defaults. What differs: the start of
    //! an actor has a limit, too ([`Child::start_limit`](crate::Child::start_limit)). A handler is not
    //! preempted, so one that blocks stops its whole locality. There is no selective receive: a later answer
    //! comes to a closure. The queue outlives the instance: after a crash the next one gets what was waiting,
    //! as much of it as its [`capacity`](crate::Child::capacity) lets wait. Links are one-way
    //! ([`Context::link`](crate::Context::link): a client ends before its service); there are no remote nodes.
    //!
    //! # C++ rotor
    //!
    //! | there | here |
    //! |---|---|
    //! | supervisor of a loop, `system_context_t` | [`Locality`](crate::Locality), driven by a backend |
    //! | a root for each loop, joined by a registry | one tree; a supervisor built [`on`](crate::Supervisor::on) another locality |
    //! | `address_ptr_t` | [`Address`](crate::Address): `Copy`, not counted |
    //! | `send<payload::T>(addr, ..)` | `addr.send(value)`; compiles if the actor handles it |
    //! | `create_address()`, several identities | [`Context::make_address`](crate::Context::make_address) |
    //! | subscribing to an address | [`Topic`](crate::Topic), [`Context::subscribe`](crate::Context::subscribe) |
    //! | `request(..).send(timeout)`, `reply_to` | [`Context::request`](crate::Context::request), [`Ask::reply`](crate::Ask::reply) |
    //! | `register_name`, `discover_name` | [`Child::named`](crate::Child::named), [`Context::find`](crate::Context::find), typed |
    //! | `resources->acquire()`, `release()` | [`Context::hold`](crate::Context::hold), drop it |
    //! | plugins, `configure` | `start`, and the context; a [`Hook`](crate::Hook) where it is not the actor's own |
    //! | tags and `intercept` | [`Hook::message`](crate::Hook::message) |
    //! | `synchronize_start` | [`Supervisor::synchronize_start`](crate::Supervisor::synchronize_start) |
    //! | `policy`: shut the failed child down | [`Supervisor::decide`](crate::Supervisor::decide), [`Decision::Stop`](crate::Decision::Stop) |
    //! | `do_shutdown()` | [`Context::stop`](crate::Context::stop), [`Addr::stop`](crate::Addr::stop) |
    //! | `on_child_shutdown` | [`Context::monitor`](crate::Context::monitor) |
    //! | `do_process()` in a test | [`Driver::run_until_idle`](crate::Driver::run_until_idle), or [`sim`](crate::sim) |
    //!
    //! What differs: a message has one receiver unless it is published. Children start one after the
    //! other, each when the one before is operational. A panic ends one instance, not the process. A
    //! child whose stop overruns its limit is removed by force, and the others go on.
    //!
    //! # actix
    //!
    //! | there | here |
    //! |---|---|
    //! | `Handler<M>` with `type Result` | [`Handler<M>`](crate::Handler) without; [`Handler<Ask<Q>>`](crate::Ask) with a reply |
    //! | `Context<Self>` | [`Context<Self>`](crate::Context) |
    //! | `Addr<A>`: counted, the last one stops the actor | [`Addr<A>`](crate::Addr): `Copy`, keeps nothing alive |
    //! | `Recipient<M>` | [`Recipient<M>`](crate::Recipient) |
    //! | `do_send`, `try_send` | [`send`](crate::Addr::send), [`try_send`](crate::Addr::try_send) |
    //! | `addr.send(m).await` | [`addr.ask(q, limit).await`](crate::Addr::ask) |
    //! | `run_later`, `run_interval` | [`after`](crate::Context::after), [`every`](crate::Context::every) |
    //! | `ctx.spawn(fut.into_actor(self).map(..))` | [`cx.spawn(fut, \|me, output, cx\| ..)`](crate::Context::spawn) |
    //! | `Supervisor::start`, `Supervised::restarting` | a tree; each restart makes a new instance |
    //! | `SystemService`, `from_registry` | a child of the tree with a [`Name`](crate::Name) |
    //! | `Arbiter` | a locality: `ThreadLoop::spawn`, or that of another backend |
    //! | `SyncArbiter` | actors on thread loops |
    //! | `System::current().stop()` | [`App::shutdown`](crate::App::shutdown), or a significant child that ends |
    //!
    //! What differs: actors are started by a tree, so each has somebody who decides when it ends. No
    //! runtime is needed. Every request is given a time limit; `Duration::MAX` is none.
    //!
    //! # relm4
    //!
    //! | there | here |
    //! |---|---|
    //! | `Component` with its widgets | an actor that owns its widgets, on the loop of the GUI |
    //! | `type Init`, `init` | what the factory captures, and the factory |
    //! | `type Input`, `update` | a [`Handler`](crate::Handler) for each message, or one for an enum |
    //! | `ComponentSender::input`, `Controller::emit` | [`Addr::send`](crate::Addr::send), from any thread |
    //! | `type Output`, `forward` | a [`Recipient`](crate::Recipient) that the factory is given; [`Addr::map`](crate::Addr::map) |
    //! | `oneshot_command`, `update_cmd` | [`Context::spawn`](crate::Context::spawn), whose output comes to a closure |
    //! | `Worker`, `detach_worker` | an actor on another locality, such as a [`ThreadLoop`](crate::ThreadLoop) |
    //! | `FactoryVecDeque` | children that are added with [`Context::child`](crate::Context::child) |
    //! | `MessageBroker`, `SharedState` | a [`Name`](crate::Name); a [`Topic`](crate::Topic) |
    //! | `RelmApp::run` | the application's own main loop, with a tree attached to it |
    //!
    //! What differs: there is no view macro, a handler changes its widgets itself; components of
    //! relm4 may stand beside actors in one window. A panic in a handler is a restart of that actor,
    //! and the window stays. No other runtime is needed for what takes time.
    //!
    //! # SObjectizer
    //!
    //! | there | here |
    //! |---|---|
    //! | agent | actor |
    //! | cooperation | a supervisor with its children: all of them start, or none stays |
    //! | dispatcher, binder | the locality that a subtree is placed [`on`](crate::Supervisor::on) |
    //! | direct mbox, `send<M>(agent, ..)` | [`Addr`](crate::Addr), [`send`](crate::Addr::send): the value is moved, as a `mutable_msg` is |
    //! | MPMC mbox, `so_subscribe` | [`Topic`](crate::Topic), [`Context::subscribe`](crate::Context::subscribe) |
    //! | `so_evt_start`, `so_evt_finish` | [`Actor::start`](crate::Actor::start), [`Actor::stop`](crate::Actor::stop) |
    //! | `send_delayed`, `send_periodic` | [`Context::after`](crate::Context::after), [`Context::every`](crate::Context::every) |
    //! | mchain, `receive` | [`Inbox`](crate::Inbox), for plain threads |
    //! | message limits | [`Bound`](crate::Bound) of an actor, [`Locality::set_bound`](crate::Locality::set_bound) of what comes from outside |
    //! | agent priorities | [`Lane`](crate::Lane)s of messages |
    //! | `exception_reaction`; inherited from the cooperation, its parent, the environment | the restart kind of a child, the strategy of its supervisor; [`escalating`](crate::Child::escalating) leaves it to the next level |
    //! | stop guard | [`Context::hold`](crate::Context::hold), in `stop` or before |
    //! | `deregister_coop` | [`Addr::stop`](crate::Addr::stop) |
    //! | `so_change_state` | a field and a `match` |
    //! | `so_5::launch`, environment | a loop's `run`; several trees stand side by side |
    //!
    //! What differs: a locality stays on its thread, there are no pools of threads. What nobody is
    //! subscribed to is reported. Actors need not be safe to share, and may hold what is not `Send`.
}
