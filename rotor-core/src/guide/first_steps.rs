//! From no actor to a supervised program, for those who have never used actors.
//!
//! # An actor and a message
//!
//! An actor is a struct that nobody else can touch. Others send it messages, values of any type, and
//! it handles them one after the other, with `&mut self`. So it needs no lock, and shares nothing.
//! ```
//! use rotor_core::*;
//! struct Total(u32);
//! impl Actor for Total {}
//! impl Handler<u32> for Total {
//!     fn handle(&mut self, n: u32, cx: &mut Context<Self>) {
//!         self.0 += n;
//!         println!("{} so far", self.0);
//!         if self.0 >= 3 { cx.stop() } // the work is done
//!     }
//! }
//! fn main() -> Result<Exit, StartError> {
//!     let main = ThreadLoop::new(); // a loop for this thread, where actors run
//!     let total = main.locality().reserve(); // an address, for whoever is to send something
//!     total.send(1);
//!     total.send(2);
//!     let child = Child::new("total", || Total(0)).at(total); // how the actor is made, and where it is
//!     main.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
//!         .child(child.transient().significant())) // its end is that of the program
//! }
//! ```
//! Every actor is the child of a supervisor, which starts it, and starts it again if it fails. `run`
//! returns when the supervisor has ended, and says how. Most never end by themselves. This one does:
//!
//! - `transient`: a child whose work is done is not started again;
//! - `significant`: the end of this child matters to its supervisor;
//! - `auto_shutdown(AutoShutdown::Any)`: when any significant child has ended, so does the supervisor.
//!
//! Without them a program runs until somebody calls
//! [`App::shutdown`](crate::App::shutdown), on the handle that
//! [`run_with`](crate::ThreadLoop::run_with) gives. (Other loops [give it elsewhere](super::mixing_loops).)
//! With the crate `ctrlc`, for one:
//! ```text
//! main.run_with(tree, |app| {
//!     ctrlc::set_handler(move || app.shutdown()).expect("no other handler");
//! })
//! ```
//!
//! What goes wrong first:
//! - An address keeps what it gets until a child is `at` it. If a program waits for ever, or the
//!   compiler asks for the type of an `Addr<_>`, look for a `.at(..)` that is missing.
//! - A part of the tree that is placed on a loop which nobody runs does not start, and nothing after it
//!   does: print [`App::tree`](crate::App::tree), which says "waits".
//! - A [`Handler`](crate::Handler) returns nothing. One that may fail is a
//!   [`TryHandler`](crate::TryHandler), and returns rotor's `Result`, as `start` and factories do.
//!   [`Error::message`](crate::Error::message) makes an error of a text.
//! - Nothing is awaited in a handler, and a handler is no `async fn`: give the future to
//!   [`cx.spawn`](crate::Context::spawn), which calls a closure with what comes of it, or ask with
//!   [`cx.request`](crate::Context::request).
//! - A supervisor is asked at `address.admin()`: an [`Address`](crate::Address) alone has no `ask`, and from
//!   a handler it is [`cx.request_from`](crate::Context::request_from).
//! - "Mismatched types" at a `send` means that the actor has a handler, but for another type; "cannot be
//!   sent between threads safely", that the message is not `Send`:
//!   [`send_local`](crate::Addr::send_local) takes it to an actor of the same thread.
//! - The closure of a child makes each of its instances: what it gives them it has to clone.
//! - A start does not tell what is allowed and probably not meant: in debug builds, print the
//!   [warnings](crate::Plan::warnings) of `tree.plan(main.locality())?` before it.
//!
//! # A timer
//!
//! Inside a handler, `cx.after(Duration::from_secs(1), Tick)` sends the actor a message once, and
//! `cx.every(Duration::from_secs(1), Tick)` again and again, a clone each time. Timers end with the actor.
//! [`Context::after`](crate::Context::after) has a program.
//!
//! # A question
//!
//! A message that wants an answer is a [`Request`](crate::Request), and comes as an
//! [`Ask`](crate::Ask), which answers it, now or later. Who asks does not wait: the answer is a call of
//! its own, later, and so is the lack of one.
//!
//! The client below tells its results to a [`Recipient`](crate::Recipient): an address of which it knows
//! only what it takes; [`to`](crate::Addr::to) makes one of any `Addr`. Here it is that of an
//! [`Inbox`](crate::Inbox), where a thread without actors receives: with `recv`, which waits,
//! `recv_within`, which waits so long at most, or `try_recv`.
//! ```
//! use rotor_core::*;
//! use std::time::Duration;
//!
//! struct Count(&'static str);
//! impl Request for Count { type Reply = usize; }
//!
//! struct Counter;
//! impl Actor for Counter {}
//! impl Handler<Ask<Count>> for Counter {
//!     fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) {
//!         let words = ask.request.0.split_whitespace().count();
//!         assert!(words > 0, "nothing to count"); // see below
//!         ask.reply(words);
//!     }
//! }
//!
//! struct Client { counter: Addr<Counter>, texts: Vec<&'static str>, out: Recipient<String> }
//! impl Client {
//!     fn next(&mut self, cx: &mut Context<Self>) {
//!         let Some(text) = self.texts.pop() else { return cx.stop() };
//!         cx.request(self.counter, Count(text), Duration::from_secs(1), |me, answer, cx| {
//!             me.out.send(match answer {
//!                 Ok(words) => format!("{words} words"),
//!                 Err(error) => error.to_string(),
//!             });
//!             me.next(cx);
//!         });
//!     }
//! }
//! impl Actor for Client {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         self.next(cx);
//!         Ok(())
//!     }
//! }
//!
//! /// The counter may live anywhere; it is the first to start, so that the client finds it. It has a
//! /// supervisor of its own: directly below this `rest_for_one`, a crash of it would restart the client.
//! fn tree(counting: Supervisor, counter: Addr<Counter>, out: Recipient<String>) -> Supervisor {
//!     let texts = vec!["one", "", "one two"]; // taken from the end
//!     Supervisor::rest_for_one("app").auto_shutdown(AutoShutdown::Any)
//!         .child(counting)
//!         .child(Child::new("client", move || Client { counter, texts: texts.clone(), out })
//!             .transient().significant())
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Counting takes long, so it has a thread of its own.
//!     let (main, work) = (ThreadLoop::new(), ThreadLoop::spawn("work")?);
//!     let counter = work.reserve();
//!     let counting = Supervisor::one_for_one("counting").on(&work, move |s| {
//!         s.child(Child::new("counter", || Counter).at(counter))
//!     });
//!     let lines = Inbox::new(16); // it keeps as many as 16
//!     let exit = main.run(tree(counting, counter, lines.recipient()))?;
//!     assert!(!exit.is_failure());
//!     assert_eq!(lines.try_recv()?, "2 words");
//!     assert_eq!(lines.try_recv()?,
//!         "the actor ended before it answered: panicked: nothing to count");
//!     assert_eq!(lines.try_recv()?, "1 words");
//! #     // The same on virtual time.
//! #     let mut sim = sim::Sim::new(1);
//! #     let counter = sim.locality("here").reserve();
//! #     let probe = sim.probe();
//! #     let counting = Supervisor::one_for_one("counting")
//! #         .child(Child::new("counter", || Counter).at(counter));
//! #     sim.start(tree(counting, counter, probe.recipient()))?;
//! #     sim.run_until_idle();
//! #     assert_eq!(probe.take().len(), 3);
//!     Ok(())
//! }
//! ```
//!
//! # A crash
//!
//! The empty text made the counter panic. That was the end of one *instance* of it. Who had asked was
//! told, the supervisor made the next instance, and the address went on being valid: the client asked
//! again, and nothing in its code is about restarts. A crash is a restart, not the end of the program,
//! unless it happens more often than the supervisor [allows](crate::Supervisor::intensity). Then the
//! tree ends, and the exit that `run` returns says why: a program that drops it says nothing. An
//! [`Observer`](crate::Observer) is told of each restart;
//! [`install_panic_hook`](crate::install_panic_hook) adds to a panic's text where it was.
//!
//! # A test
//!
//! A [`Sim`](crate::sim::Sim) takes the place of the loops, and a
//! [`Probe`](crate::sim::Probe) that of the inbox. With the actors and the `tree` from above:
//! ```text
//! let mut sim = sim::Sim::new(1);
//! let counter = sim.locality("here").reserve();
//! let probe = sim.probe();
//! let counting = Supervisor::one_for_one("counting")
//!     .child(Child::new("counter", || Counter).at(counter));
//! sim.start(tree(counting, counter, probe.recipient()))?;
//! sim.run_until_idle();
//! assert_eq!(probe.take().len(), 3);
//! ```
//!
//! # From here
//!
//! [Supervision](super::supervision) says which strategy for what, and what survives a restart;
//! [mixing loops](super::mixing_loops) places parts of a tree; [testing](super::testing) goes on from
//! the lines above. Whoever knows actors from elsewhere starts with
//! [where they come from](super::coming_from).
