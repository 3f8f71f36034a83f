//! Actors in a loop that no crate knows yet.
//!
//! Core does not wait; a loop does. Whoever has one, of an engine, a toolkit or a device, makes a
//! [`Driver`](crate::Driver) for it and does three things:
//!
//! 1. **Be woken.** [`Wake::wake`](crate::Wake::wake) makes the loop come back from its wait. It is
//!    called on any thread, at any time, also more often than needed, and one that comes while
//!    nobody waits has to be remembered: write to a pipe or an `eventfd`, post an event, unpark.
//! 2. **Turn.** Whenever the loop was woken, and when the time of the last
//!    [`Turn::Park`](crate::Turn::Park) has come, it calls [`turn`](crate::Driver::turn), on the
//!    thread that made the driver. On [`Turn::Again`](crate::Turn::Again) there is more to do: look at
//!    input, output and redraw first, then turn again.
//! 3. **Stop.** [`Turn::Done`](crate::Turn::Done) comes once, when the tree has ended.
//!
//! A whole loop, whose events are closures on a channel:
//!
//! ```
//! use rotor_core::*;
//! use std::sync::{Arc, mpsc};
//! use std::time::Instant;
//!
//! /// What the loop does anyway.
//! type Event = Box<dyn FnOnce() + Send>;
//!
//! /// A wake is an event that does nothing: the channel remembers it.
//! struct Bell(mpsc::Sender<Event>);
//!
//! impl Wake for Bell {
//!     fn wake(&self) {
//!         let _ = self.0.send(Box::new(|| ()));
//!     }
//! }
//!
//! fn run(driver: &Driver, events: &mpsc::Receiver<Event>) -> Exit {
//!     loop {
//!         let next = match driver.turn(Budget::default()) {
//!             Turn::Again => events.try_recv().ok(),
//!             Turn::Park(None) => events.recv().ok(),
//!             Turn::Park(Some(due)) => {
//!                 let left = due.saturating_duration_since(Instant::now());
//!                 events.recv_timeout(left).ok()
//!             }
//!             Turn::Nested => unreachable!("this loop calls nothing that runs it"),
//!             Turn::Done(exit) => return exit,
//!         };
//!         if let Some(event) = next {
//!             event();
//!         }
//!     }
//! }
//!
//! struct Worker;
//! impl Actor for Worker {}
//! impl Handler<&'static str> for Worker {
//!     fn handle(&mut self, text: &'static str, cx: &mut Context<Self>) {
//!         assert_eq!(text, "from another thread");
//!         cx.stop();
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (sender, events) = mpsc::channel();
//!     let driver = Driver::new(Arc::new(Bell(sender)), Clock::real());
//!     let here = Locality::new("here");
//!     driver.open(&here)?;
//!     let worker = here.reserve();
//!     driver.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
//!         .child(Child::new("worker", || Worker).at(worker).transient().significant()))?;
//!     std::thread::spawn(move || worker.send("from another thread"));
//!     assert!(!run(&driver, &events).is_failure());
//!     Ok(())
//! }
//! ```
//!
//! What the loop offers to actors, such as readiness of descriptors, it lends them with
//! [`Driver::extend`](crate::Driver::extend), and tells them with a
//! [`Notifier`](crate::Notifier). A locality with a thread of its own is
//! [`Locality::spawn`](crate::Locality::spawn), whose closure makes such a loop. The sources of
//! rotor-mio, rotor-glib and rotor-smol are three examples, of a few hundred lines each; the
//! conformance suite in `tests` runs with one more line in `tests/backend.rs`.
