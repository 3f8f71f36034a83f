//! Who is there, who must stay, and who has gone: names, service links and monitors.
//!
//! | question | answer |
//! |---|---|
//! | Where is it? | a [name](crate::Name), or a reserved address |
//! | May it end before me? | no: a [link](crate::Context::link) |
//! | Has it ended? | a [monitor](crate::Context::monitor) |
//!
//! All three work over localities, and survive what they must: the loss of a loop is an end, too.
//!
//! # Names
//!
//! A name is declared by the spec of its owner, and typed: what is found is an
//! [`Addr`](crate::Addr) of that type. It can be found when the owner is operational, and stays while
//! the address does, over restarts. Who looks for it may be anywhere in the tree:
//!
//! - in a start, [`find`](crate::Context::find) waits, and the start with it;
//! - [`find_within`](crate::Context::find_within) waits so long, and keeps no start open;
//! - [`lookup`](crate::Context::lookup) does not wait.
//!
//! Parts that are built alike, such as the windows of a program, may each have actors of the same names:
//! [`Supervisor::own_names`](crate::Supervisor::own_names).
//!
//! An actor may also [register](crate::Context::register) a name while it runs, and give it back.
//!
//! # A service outlives its clients
//!
//! Actors end for many reasons, in an order that nobody has planned. A client that still writes
//! needs its store to be there. It is linked to it: then the store, when it is told to end, has its
//! clients end first, and serves on until they have, for at most half of its own stop limit: a store
//! whose clients take their time to stop has a limit of more than twice that.
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::sync::{Arc, Mutex};
//! const STORE: Name<Part> = Name::new("store");
//! /// Says when it ends.
//! struct Part(&'static str, Arc<Mutex<Vec<&'static str>>>);
//! impl Actor for Part {}
//! impl Drop for Part {
//!     fn drop(&mut self) {
//!         self.1.lock().unwrap().push(self.0);
//!     }
//! }
//! fn main() -> Result<(), StartError> {
//!     let ended = Arc::new(Mutex::new(Vec::new()));
//!     let part = |name| {
//!         let ended = ended.clone();
//!         Child::new(name, move || Part(name, ended.clone())).transient()
//!     };
//!     let mut sim = Sim::new(1);
//!     let store = sim.locality("here").reserve();
//!     sim.start(Supervisor::rest_for_one("app") // a crash of the store is one restart: see below
//!         .child(part("store").at(store).named(STORE))
//!         .child(part("session").needs(STORE)))?;
//!     sim.run_until_idle();
//!     store.stop();
//!     sim.run_until_idle();
//!     assert_eq!(*ended.lock().unwrap(), ["session", "store"]);
//!     Ok(())
//! }
//! ```
//! [`needs`](crate::Child::needs) declares it in the spec, where the order of starts and circles are
//! checked before anything runs. A name that no spec declares is not refused: somebody may register it, so
//! [`plan`](crate::Supervisor::plan) warns of it, and the start waits up to its limit. An actor that learns
//! at run time what it needs calls
//! [`link`](crate::Context::link), or [`find_linked`](crate::Context::find_linked) with a name. One
//! that would rather decide itself when it is asked to leave uses
//! [`link_with`](crate::Context::link_with): it gets an [`Unlink`](crate::Unlink), and the service
//! waits until that is dropped, for at most half of its stop limit.
//!
//! A service that crashes asks nobody. Its clients fail with [`LinkError::Broken`](crate::LinkError::Broken);
//! their supervisor starts them again, and their new links wait until the service is back (if its loop was
//! lost, see [mixing loops](super::mixing_loops)). Each of them is a restart, and so is that of the service: a
//! `one_for_one` supervisor of all of them gives up at once unless its
//! [intensity](crate::Supervisor::intensity) allows one more than there are clients, clients of clients
//! included. So does one that has the clients only, if they are more than it allows. For
//! [`rest_for_one`](crate::Supervisor::rest_for_one), above, all of it is one restart, since clients start
//! after their service. [`plan`](crate::Supervisor::plan) warns of a service whose crash its supervisor would
//! not survive, as far as specs say who needs it.
//! ```
//! use rotor_core::{sim::Sim, *};
//! const STORE: Name<Part> = Name::new("store");
//! struct Part;
//! impl Actor for Part {}
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     let here = sim.locality("here");
//!     let store = here.reserve();
//!     let tree = |app: Supervisor| app
//!         .child(Child::new("store", || Part).at(store).named(STORE))
//!         .child(Child::new("session", || Part).needs(STORE));
//!     assert_eq!(tree(Supervisor::one_for_one("app")).plan(&here)?.warnings, [
//!         "app gives up at the first crash of app/store, which takes 1 client with it: 2 restarts, 1 allowed: \
//!          make it rest_for_one, or allow more (`intensity`)",
//!     ]);
//!     let app = sim.start(tree(Supervisor::rest_for_one("app")))?;
//!     sim.run_until_idle();
//!     store.address().kill(); // as good as a crash
//!     sim.run_until_idle();
//!     let again = |node: &TreeNode| (node.state, node.instances) == ("running", 2);
//!     assert!(app.tree().nodes[1..].iter().all(again));
//!     Ok(())
//! }
//! ```
//! A service that is terminated and started again by
//! [requests](crate::guide::supervision#changing-a-running-tree) costs restarts as well: permanent clients
//! are started again at once, and wait for it.
//!
//! # A service that stays away
//!
//! While a service is down, and nobody starts it again, its clients cannot start:
//!
//! - A client that has the address of the service fails at once, with
//!   [`LinkError::NotLinkable`](crate::LinkError::NotLinkable).
//! - A client that needs it by name waits for somebody to start it, and fails at its start limit.
//!
//! Each attempt to restart a client counts for the intensity. So the supervisor of a permanent client gives up
//! in the end, as in Erlang, unless the attempts take so long that there are never too many within a period:
//! one that waits by name for 5 s, as it does by default, is tried again and again by a supervisor that allows
//! one restart in 5 s. There are two ways to have it otherwise. A [`transient`](crate::Child::transient) client
//! stays down when its service has asked it to leave: it has ended by itself, also as a significant child.
//! (Where a restart of the service takes it along, as under `rest_for_one`, it starts again with it.) And its
//! supervisor can [decide](crate::Supervisor::decide) that it stays down:
//! ```
//! use rotor_core::{sim::Sim, *};
//! struct Service;
//! impl Actor for Service {}
//! struct Client { service: Address }
//! impl Actor for Client {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         cx.link(self.service);
//!         Ok(())
//!     }
//! }
//! /// There is nobody to be a client of.
//! fn is_alone(exit: &Exit) -> bool {
//!     matches!(exit.reason(), ExitReason::Link(LinkError::NotLinkable { .. }))
//! }
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     let here = sim.locality("here");
//!     let (service, client) = (here.reserve(), here.reserve());
//!     let app = sim.start(Supervisor::rest_for_one("app")
//!         .decide(|child| if is_alone(child.exit) { Decision::Stop } else { Decision::Usual })
//!         .child(Child::new("service", || Service).at(service).transient())
//!         .child(Child::new("client", move || Client { service: service.address() }).at(client)))?;
//!     sim.run_until_idle();
//!     service.stop();
//!     sim.run_until_idle();
//!     assert_eq!(client.address().state(), Lifecycle::Down); // until both are started again
//!     assert!(app.tree().ended.is_none());
//!     Ok(())
//! }
//! ```
//!
//! While a supervisor starts or restarts a child, it does nothing else, as in Erlang: requests to it wait until
//! the attempt is over, and so do the ends of other children. Take a client that waits for a service of the
//! same supervisor. A request to start that service is not served, because the client waits; so the client
//! waits until its limit, and fails; then the request is served, before the next attempt. There are three ways
//! around that:
//!
//! - End the client's attempt: a [`TerminateChild`](crate::TerminateChild) of the child that is being
//!   restarted does not wait. Then the other requests have their turn.
//! - To have a service made anew, send the requests for its end and for its start at once, not the second
//!   one after the answer to the first. They are served one after the other, before the client's restart.
//! - Put the clients below a supervisor of their own. Then that one waits, and nobody else; but whoever is
//!   above it does while he starts or restarts it, up to the start limit of the client:
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::time::Duration;
//! const STORE: Name<Part> = Name::new("store");
//! struct Part;
//! impl Actor for Part {}
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     let session = sim.locality("here").reserve();
//!     let app = sim.start(Supervisor::one_for_one("app")
//!         .child(Child::new("store", || Part).named(STORE))
//!         .child(Supervisor::one_for_one("sessions")
//!             .child(Child::new("session", || Part).needs(STORE).at(session))))?;
//!     let root = app.root();
//!     let ended = sim.block_on(root.admin().ask(TerminateChild::named("store"), Duration::MAX));
//!     assert!(matches!(ended, Some(Ok(Ok(()))))); // the supervisor has answered: done
//!     sim.run_for(Duration::from_secs(1));
//!     assert_eq!(session.address().state(), Lifecycle::Starting); // it waits, and `app` does not
//!     let again = sim.block_on(root.admin().ask(RestartChild::named("store"), Duration::MAX));
//!     assert!(matches!(again, Some(Ok(Ok(Some(_)))))); // it has started
//!     sim.run_until_idle();
//!     assert_eq!(session.address().state(), Lifecycle::Running);
//!     Ok(())
//! }
//! ```
//!
//! # Exactly one notice
//!
//! A monitor does not hold anything: it tells. One [`Down`](crate::Down) comes for each monitor, when
//! the instance ends, or at once if it is down or gone; also if its loop is lost. If it was down already, the
//! notice says how it had ended, as long as that is known; later it says [`Gone`](crate::ExitReason::Gone),
//! which is no orderly end. Who monitors an actor again in the handler of its `Down` is told again at once while that
//! is down: better wait until it is [found](crate::Context::find).
//! ```
//! use rotor_core::{sim::Sim, *};
//! struct Worker;
//! impl Actor for Worker {}
//! struct Office { worker: Address, notices: Vec<String> }
//! impl Actor for Office {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         cx.monitor(self.worker);
//!         Ok(())
//!     }
//! }
//! impl Handler<Down> for Office {
//!     fn handle(&mut self, down: Down, _: &mut Context<Self>) {
//!         self.notices.push(down.exit.to_string());
//!     }
//! }
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     let here = sim.locality("here");
//!     let (worker, office) = (here.reserve(), here.reserve());
//!     sim.start(Supervisor::one_for_one("app")
//!         .child(Child::new("worker", || Worker).at(worker).transient())
//!         .child(Child::new("office", move || Office {
//!             worker: worker.address(),
//!             notices: Vec::new(),
//!         }).at(office)))?;
//!     sim.run_until_idle();
//!     worker.stop();
//!     sim.run_until_idle();
//!     assert_eq!(sim.with(office, |o| o.notices.clone()).unwrap(), ["shutdown"]);
//!     Ok(())
//! }
//! ```
//!
//! # Seeing it
//!
//! The [observer](crate::Observer) is told when a name can be found
//! ([`registered`](crate::Observer::registered)), when a link is made
//! ([`linked`](crate::Observer::linked)), and when a service did not wait any longer
//! ([`unlinked`](crate::Observer::unlinked)). A start that waits shows what for in
//! [`App::tree`](crate::App::tree).
