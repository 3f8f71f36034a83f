//! Several windows, each with a subtree of its own.
//!
//! What belongs to a window fails, restarts and ends with it: a supervisor for each. Those that are
//! opened later are started by a request to the supervisor above them, a
//! [`StartChild`](crate::StartChild), whose answer is
//! [taken apart](super::supervision#changing-a-running-tree) below.
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::time::Duration;
//!
//! struct Document;
//! impl Actor for Document {}
//! struct View; // owns the widgets, see the chapter on GLib
//! impl Actor for View {}
//! struct Close;
//! impl Handler<Close> for View {
//!     fn handle(&mut self, _: Close, cx: &mut Context<Self>) { cx.stop() }
//! }
//! /// A window: it ends with its view, and alone, also if it crashes too often.
//! fn window(title: String, view: Addr<View>) -> Supervisor {
//!     Supervisor::rest_for_one(title).auto_shutdown(AutoShutdown::Any)
//!         .temporary().significant()
//!         .child(Child::new("document", || Document))
//!         .child(Child::new("view", || View).at(view).transient().significant())
//! }
//!
//! /// Opens windows: told to by a menu, or by another process.
//! struct Desk { views: Vec<Addr<View>> }
//! impl Actor for Desk {}
//! struct Open(&'static str);
//! impl Handler<Open> for Desk {
//!     fn handle(&mut self, Open(title): Open, cx: &mut Context<Self>) {
//!         let Some(root) = cx.supervisor() else { return };
//!         let view = cx.locality().reserve();
//!         let start = StartChild::new(move || window(title.to_owned(), view));
//!         cx.request_from(root.admin(), start, Duration::MAX, move |me, started, _| {
//!             match started {
//!                 Ok(Ok(Some(_))) => me.views.push(view),
//!                 other => eprintln!("no window: {other:?}"), // such as one that is open
//!             }
//!         });
//!     }
//! }
//!
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1); // here in place of the main loop
//!     let desk = sim.locality("ui").reserve();
//!     // Ends with its last window.
//!     let app = sim.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::All)
//!         .child(Child::new("desk", || Desk { views: Vec::new() }).at(desk)))?;
//!     desk.send(Open("letter"));
//!     desk.send(Open("map"));
//!     sim.run_until_idle();
//!     let views = sim.with(desk, |desk| desk.views.clone()).unwrap();
//!     views[0].address().kill(); // a crash
//!     sim.run_until_idle();
//!     assert_eq!(views[0].address().state(), Lifecycle::Running); // another view of the same window
//!     views[0].send(Close);
//!     sim.run_until_idle();
//!     assert!(app.tree().ended.is_none());
//!     views[1].send(Close);
//!     sim.run_until_idle();
//!     assert!(app.tree().ended.is_some());
//!     Ok(())
//! }
//! ```
//! **What windows share** (settings, a connection) is declared in the root before them, and found by
//! address or by [name](super::discovery).
//!
//! **A window that crashes too often** ends alone, because it is temporary, and another one may have its
//! name. A transient one would stay down as well, since a supervisor that gives up ends in order, and
//! would keep its name until it is [deleted](crate::DeleteChild). A permanent one would be opened again,
//! and count for the root.
//!
//! **Many alike**, each made of one actor, are a [pool](super::pools).
