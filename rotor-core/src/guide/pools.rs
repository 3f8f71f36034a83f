//! Pools, and what a running supervisor can be asked.
//!
//! # Children of one template
//!
//! Where children are many of a kind and come and go, a *pool* makes them: a supervisor that starts
//! without children, and makes a child for each argument it is given.
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::time::Duration;
//! struct Session { user: String }
//! impl Actor for Session {}
//! fn main() -> Result<(), StartError> {
//!     let pool = Supervisor::simple_one_for_one("sessions", |user: String, _: &mut Context<Session>| {
//!         Session { user }
//!     })
//!     .instances(Restart::Transient)
//!     .intensity(10, Duration::from_secs(1));
//!     let mut sim = Sim::new(1);
//!     sim.locality("here");
//!     let app = sim.start(pool)?;
//!     let sessions = app.root();
//!     for user in ["ada", "bob"] {
//!         let start = StartInstance::<Session, _>::new(user.to_owned());
//!         let started = sim.block_on(sessions.admin().ask(start, Duration::MAX)).unwrap();
//!         assert!(matches!(started, Ok(Ok(Some(_)))));
//!     }
//!     let count = sim.block_on(sessions.admin().ask(CountChildren, Duration::MAX)).unwrap();
//!     assert_eq!(count.unwrap().active, 2);
//!     Ok(())
//! }
//! ```
//! A child that is [restarted](crate::Supervisor::instances) gets its argument again, a clone of
//! it. One that is not leaves nothing behind. All are stopped at the same time when the pool ends.
//! How many there may be is set by [`instances_at_most`](crate::Supervisor::instances_at_most), their
//! limits by [`instance_limits`](crate::Supervisor::instance_limits), and how long their
//! restarts wait by [`instance_backoff`](crate::Supervisor::instance_backoff).
//!
//! A pool does not route messages: whoever starts a child gets its address. In pictures, reports and
//! errors a child of the pool `sessions` is `sessions#1`, the next one `sessions#2`: it keeps its number
//! over restarts, and no other one gets it.
//!
//! # A pool on another locality
//!
//! A pool is placed like any supervisor, by [`on`](crate::Supervisor::on). But what it makes need not be
//! `Send`, so it cannot be said here and taken there. The pool is made there: the closure of `on` ignores the
//! supervisor that it is given, and returns a pool of the same name, with its intensity and all else that is
//! said of how it treats its instances: said outside, that would be lost, and is refused.
//! ```
//! use rotor_core::*;
//! use std::time::Duration;
//! struct Session { user: String }
//! impl Actor for Session {}
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let net = ThreadLoop::spawn("net")?;
//!     let pool = Supervisor::one_for_one("sessions").on(&net, |_| {
//!         let make = |user, _: &mut Context<Session>| Session { user };
//!         Supervisor::simple_one_for_one("sessions", make).instances(Restart::Transient)
//!     });
//!     let tree = Supervisor::one_for_one("app").child(pool.stop_limit(Duration::from_secs(3)));
//!     ThreadLoop::new().run_with(tree, |app| {
//!         let ask = move || {
//!             let limit = Duration::from_secs(5);
//!             let children = app.root().admin().ask_blocking(WhichChildren, limit).expect("the root runs");
//!             let pool = children.iter().find(|child| child.name == "sessions").expect("it is declared");
//!             let start = StartInstance::<Session, _>::new("ada".to_owned());
//!             let started = pool.address.admin().ask_blocking(start, limit);
//!             assert!(matches!(started, Ok(Ok(Some(_)))));
//!             app.shutdown();
//!         };
//!         std::thread::spawn(ask);
//!     })?;
//!     Ok(())
//! }
//! ```
//! What the pool is to its own supervisor, such as its stop limit, is said where it is placed; what it
//! makes, and how its instances are restarted, in the closure.
//!
//! # Requests
//!
//! Every supervisor and every actor can be asked, by actors
//! ([`Context::request_from`](crate::Context::request_from) with [`Address::admin`](crate::Address::admin)), by
//! futures and by plain threads. An actor has no children until one is started, by itself or by a request:
//! until then it gives an empty list of them. (How several requests follow each other, and what the layers
//! of an answer are, such as `Ok(Ok(Some(_)))`, is said in
//! [supervision](super::supervision#changing-a-running-tree).)
//!
//! | request | does |
//! |---|---|
//! | [`StartChild`](crate::StartChild) | adds a child to a supervisor or another actor, and starts it |
//! | [`StartInstance`](crate::StartInstance) | the same in a pool |
//! | [`TerminateChild`](crate::TerminateChild) | stops a child; its spec stays, unless it is temporary or of a pool |
//! | [`RestartChild`](crate::RestartChild) | starts one that is down |
//! | [`DeleteChild`](crate::DeleteChild) | forgets one that is down: its name is free |
//! | [`WhichChildren`](crate::WhichChildren), [`CountChildren`](crate::CountChildren) | tell what is there, at one point in time |
//!
//! A child is named by the name in its spec (`named`), or by its address (`at`): those of a pool, and those
//! that an actor has added with [`Context::child`](crate::Context::child), by their addresses only.
//!
//! Requests are answered in order. While the supervisor starts or restarts a child, they wait until that is
//! over; while a restart waits for its [backoff](crate::Child::backoff), they do not. One kind does not wait: a
//! `TerminateChild` of the very child that is being started ends its start, if that start waits
//!
//! - for a loop that nobody has run so far: that of the child, or one below it;
//! - in a restart, also for a hold, such as one that waits for a name.
//!
//! Requests are never parked. A supervisor that does not run ends them at once, and so does one that ends
//! while they wait. One whose time limit has passed is not taken back: it is served all the same, later.
//! An actor learns from [`Context::supervisor`](crate::Context::supervisor) whom it may ask about itself.
//!
//! A child that is started like this is checked like the specs of the tree, when the request is
//! served; what is wrong with it is the answer, [`AdminError::BadSpec`](crate::AdminError::BadSpec).
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::time::Duration;
//! struct Worker;
//! impl Actor for Worker {}
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     sim.locality("here");
//!     let app = sim.start(Supervisor::one_for_one("app"))?;
//!     let start = StartChild::new(|| Child::new("worker", || Worker).significant());
//!     let told = sim.block_on(app.root().admin().ask(start, Duration::MAX)).unwrap();
//!     assert!(matches!(told, Ok(Err(AdminError::BadSpec(StartError::Significant { .. })))));
//!     Ok(())
//! }
//! ```
//!
//! # Where a supervisor is
//!
//! Supervisors and pools have no names of the registry, and no reserved addresses. Who needs the address of
//! one is near it, or has it told:
//!
//! - its children, by [`Context::supervisor`](crate::Context::supervisor);
//! - who has started it with [`StartChild`](crate::StartChild), by the answer;
//! - who asks the supervisor above it for [`WhichChildren`](crate::WhichChildren), from
//!   [`App::root`](crate::App::root) on downwards, by its name;
//! - who looks at the [live tree](crate::App::tree), which has the address of each node.
//!
//! The address of a declared one stays over its restarts, as that of an actor. It can be asked, monitored
//! and linked to. An actor that needs a pool, or any other subtree, may have one below itself, which ends
//! with it:
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::time::Duration;
//! struct Session { user: String }
//! impl Actor for Session {}
//! struct Desk { sessions: Option<Address> }
//! impl Actor for Desk {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         let pool = StartChild::new(|| {
//!             let make = |user, _: &mut Context<Session>| Session { user };
//!             Supervisor::simple_one_for_one("sessions", make)
//!         });
//!         let myself = cx.addr().address().admin();
//!         cx.request_from(myself, pool, Duration::MAX, |me, started, _| {
//!             if let Ok(Ok(Some(pool))) = started { me.sessions = Some(pool.address) }
//!         });
//!         Ok(())
//!     }
//! }
//! struct Login(String);
//! impl Handler<Login> for Desk {
//!     fn handle(&mut self, Login(user): Login, cx: &mut Context<Self>) {
//!         let Some(pool) = self.sessions else { return };
//!         let start = StartInstance::<Session, _>::new(user);
//!         cx.request_from(pool.admin(), start, Duration::MAX, |_, _, _| ());
//!     }
//! }
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     let desk = sim.locality("here").reserve();
//!     let child = Child::new("desk", || Desk { sessions: None }).at(desk);
//!     let app = sim.start(Supervisor::one_for_one("app").child(child))?;
//!     sim.run_until_idle();
//!     desk.send(Login("ada".to_owned()));
//!     sim.run_until_idle();
//!     let tree = app.tree();
//!     let session = tree.nodes.iter().find(|node| node.name == "sessions#1").expect("it runs");
//!     assert_eq!(tree.path(session.address).as_deref(), Some("app/desk/sessions/sessions#1"));
//!     Ok(())
//! }
//! ```
//!
//! # Groups
//!
//! Members of a group come and go by themselves. Where it is enough that all of them get the same, a
//! [`Topic`](crate::Topic) is a group. One that knows its members is an actor, which they join in their
//! start, and monitors have them leave at their end. [`Group`](crate::Group) does this; the following shows
//! how such an actor is made:
//! ```
//! use rotor_core::{sim::Sim, *};
//! /// All desks, in the order in which they have joined.
//! #[derive(Default)]
//! struct Desks { open: Vec<(Addr<Desk>, Key)>, next: usize }
//! struct Join(Addr<Desk>);
//! struct Customer(u32);
//! impl Actor for Desks {}
//! impl Handler<Join> for Desks {
//!     fn handle(&mut self, Join(desk): Join, cx: &mut Context<Self>) {
//!         // It has been restarted, and the end of its last instance was not told yet.
//!         if let Some(at) = self.open.iter().position(|(open, _)| *open == desk) {
//!             cx.cancel(self.open.remove(at).1);
//!         }
//!         self.open.push((desk, cx.monitor(desk.address())));
//!     }
//! }
//! impl Handler<Down> for Desks {
//!     fn handle(&mut self, down: Down, _: &mut Context<Self>) {
//!         self.open.retain(|(desk, _)| desk.address() != down.who);
//!     }
//! }
//! impl Handler<Customer> for Desks {
//!     fn handle(&mut self, customer: Customer, _: &mut Context<Self>) {
//!         self.next += 1; // each in turn; `for (desk, _) in &self.open` is to all
//!         if let Some((desk, _)) = self.open.get(self.next % self.open.len().max(1)) {
//!             desk.send(customer);
//!         }
//!     }
//! }
//! const DESKS: Name<Desks> = Name::new("desks");
//! #[derive(Default)]
//! struct Desk { served: Vec<u32> }
//! impl Actor for Desk {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         cx.find(DESKS, |_, desks, cx| desks.send(Join(cx.addr())));
//!         Ok(())
//!     }
//! }
//! impl Handler<Customer> for Desk {
//!     fn handle(&mut self, Customer(n): Customer, _: &mut Context<Self>) { self.served.push(n) }
//! }
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     let here = sim.locality("here");
//!     let (desks, left, right) = (here.reserve(), here.reserve(), here.reserve());
//!     sim.start(Supervisor::rest_for_one("office")
//!         .child(Child::new("desks", Desks::default).at(desks).named(DESKS))
//!         .child(Child::new("left", Desk::default).at(left).transient())
//!         .child(Child::new("right", Desk::default).at(right)))?;
//!     sim.run_until_idle();
//!     (0..4).for_each(|n| desks.send(Customer(n)));
//!     sim.run_until_idle();
//!     assert_eq!(sim.with(left, |desk| desk.served.clone()), Some(vec![1, 3]));
//!     left.stop();
//!     sim.run_until_idle();
//!     assert_eq!(sim.with(desks, |desks| desks.open[0].0), Some(right));
//!     Ok(())
//! }
//! ```
//! If the group itself may be restarted, restart those behind it too, as here: they join anew.
