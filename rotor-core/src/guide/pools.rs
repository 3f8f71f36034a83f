//! Pools, and what a running supervisor can be asked.
//!
//! # Instances of one template
//!
//! Where children are many of a kind and come and go, a *pool* makes them: a supervisor that starts
//! without children, and makes an instance for each argument it is given.
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::time::Duration;
//! struct Session { user: String }
//! impl Actor for Session {}
//! # fn main() -> Result<(), StartError> {
//! let pool = Supervisor::simple_one_for_one("sessions", |user: String, _: &mut Context<Session>| {
//!     Session { user }
//! })
//! .instances(Restart::Transient)
//! .intensity(10, Duration::from_secs(1));
//! let mut sim = Sim::new(1);
//! sim.locality("here");
//! let app = sim.start(pool)?;
//! let sessions = app.root();
//! for user in ["ada", "bob"] {
//!     let start = StartInstance::<Session, _>::new(user.to_owned());
//!     let started = sim.block_on(sessions.admin().ask(start, Duration::MAX)).unwrap();
//!     assert!(matches!(started, Ok(Ok(Some(_)))));
//! }
//! let count = sim.block_on(sessions.admin().ask(CountChildren, Duration::MAX)).unwrap();
//! assert_eq!(count.unwrap().active, 2);
//! # Ok(())
//! # }
//! ```
//! An instance that is [restarted](crate::Supervisor::instances) gets its argument again, a clone of
//! it. One that is not leaves nothing behind. All are stopped at the same time when the pool ends.
//! How many there may be is set by [`instances_at_most`](crate::Supervisor::instances_at_most), their
//! limits by [`instance_limits`](crate::Supervisor::instance_limits), and how long their
//! restarts wait by [`instance_backoff`](crate::Supervisor::instance_backoff).
//!
//! A pool does not route messages: whoever starts an instance gets its address.
//!
//! # Requests
//!
//! Every supervisor, and every actor that has children, can be asked, by actors
//! ([`Context::request_from`](crate::Context::request_from) with [`Address::admin`](crate::Address::admin)), by
//! futures and by plain threads:
//!
//! | request | does |
//! |---|---|
//! | [`StartChild`](crate::StartChild) | adds a child to a supervisor, and starts it |
//! | [`StartInstance`](crate::StartInstance) | the same in a pool |
//! | [`TerminateChild`](crate::TerminateChild) | stops a child; its spec stays, unless it is temporary or of a pool |
//! | [`RestartChild`](crate::RestartChild) | starts one that is down |
//! | [`DeleteChild`](crate::DeleteChild) | forgets one that is down |
//! | [`WhichChildren`](crate::WhichChildren), [`CountChildren`](crate::CountChildren) | tell what is there, at one point in time |
//!
//! They are answered in order, between what the supervisor has to do: one that comes during a restart
//! waits for its end. They are never parked. A supervisor that does not run ends a request at once, and
//! so does one that ends while the request waits. Whom an actor may ask about itself it learns from
//! [`Context::supervisor`](crate::Context::supervisor).
//!
//! A child that is started like this is checked like the specs of the tree, when the request is
//! served; what is wrong with it is the answer, [`AdminError::BadSpec`](crate::AdminError::BadSpec).
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::time::Duration;
//! struct Worker;
//! impl Actor for Worker {}
//! # fn main() -> Result<(), StartError> {
//! let mut sim = Sim::new(1);
//! sim.locality("here");
//! let app = sim.start(Supervisor::one_for_one("app"))?;
//! let start = StartChild::new(|| Child::new("worker", || Worker).significant());
//! let told = sim.block_on(app.root().admin().ask(start, Duration::MAX)).unwrap();
//! assert!(matches!(told, Ok(Err(AdminError::BadSpec(StartError::Significant { .. })))));
//! # Ok(())
//! # }
//! ```
