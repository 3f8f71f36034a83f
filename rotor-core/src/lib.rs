//! Actors with supervision trees, inside the event loops that a program already has.
//!
//! ```
//! use rotor_core::*;
//! struct Greeter;
//! impl Actor for Greeter {}
//! impl Handler<&'static str> for Greeter {
//!     fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
//!         println!("hello, {name}");
//!         cx.stop();
//!     }
//! }
//! fn main() -> Result<Exit, StartError> {
//!     let main = ThreadLoop::new();
//!     let greeter = main.locality().reserve();
//!     greeter.send("world"); // before the start: parked, then delivered
//!     main.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
//!         .child(Child::new("greeter", || Greeter).at(greeter).transient().significant()))
//! }
//! ```
//!
//! A `significant` child whose end ends the program: that is what stops the loop here. If you have never
//! used actors, go on with the [first steps](guide::first_steps); chapters on placing, supervising and
//! testing them are in the [`guide`].
//!
//! | to | see |
//! |---|---|
//! | send | [`Addr::send`], [`Recipient`]; [`Topic`] to many |
//! | do something later | [`Context::after`], [`every`](Context::every); [`spawn`](Context::spawn) a future |
//! | bound what waits | [`Bound`] (by [`latest`](Bound::latest) a newer message takes the place of an older one), [`Child::capacity`] (while it does not run), [`Locality::set_bound`]; [`Throttle`], [`Debounce`], [`Collect`] |
//! | ask | [`Context::request`], [`Ask`], [`Addr::ask`] |
//! | start, restart, stop | [`Supervisor`], [`Child`] ([`transient`](Child::transient), [`temporary`](Child::temporary)), [the guide](guide::supervision) |
//! | change a running tree | [`Context::child`], [`Address::admin`], [`StartChild`], [`TerminateChild`] |
//! | see it | [`Supervisor::plan`], [`App::tree`]: data, text and DOT; [`Observer`] |
//! | end the program | [`AutoShutdown`], [`App::shutdown`] |
//! | find, link, watch | [`Name`], [`Child::needs`], [`Context::monitor`] |
//! | talk with plain threads | [`Inbox`], [`Addr::ask_blocking`] |
//! | test | [`sim`] |
//!
//! Examples show what they are about: `use` lines of the standard library are often left out, `sim`
//! is a [`Sim`](sim::Sim), made by `Sim::new(1)`, and other names that nothing shows come from lines that are
//! left out as well. `use rotor_core::*` brings a `Result` whose error is [`Error`], if no other is named; beside
//! another glob that has such names, import them by name.
//!
//! # Words
//!
//! - *Actor*: a struct with handlers. *Instance*: one life of it, from a start to an end; a restart
//!   makes the next one.
//! - *Address*: names an actor, and survives its restarts; `reserve` makes one before the actor
//!   exists. What is sent to an actor that does not run yet is *parked*: kept for it.
//! - *Spec*: says how a child is made and what follows when it ends: a [`Child`], a [`Supervisor`].
//!   *Factory*: the closure in it that makes each instance.
//! - *Supervisor*: an actor that starts children in order, each when the one before is
//!   *operational* (it and its own children have started), restarts them when they fail,
//!   and stops them in reverse.
//! - *Intensity*: how many restarts within a period are allowed. One more, and the supervisor gives
//!   up: it ends, and its own supervisor decides.
//! - *Tree*: supervisors and actors below a *root*, the supervisor that is started. [`App`] is the
//!   handle of one that runs.
//! - *Locality*: what runs on one loop; its actors share a thread and a queue. *Backend*: the crate of
//!   a loop. As a *guest* it works inside a loop that the program runs itself.
//! - *Turn*: what a loop gives to actors before it looks at the rest of the world again. *Slice*: the
//!   part of a turn that one locality has.
//! - *Lane*: one of the queues of a locality; what is urgent goes first.
//! - *Permanent*, the default, *transient*, *temporary*: a child that is started again after every end,
//!   after a failure, never. *Significant*: one whose end may end its supervisor.
//! - *Recipient*: an address of which is known only what it takes, not whose it is; [`Addr::to`] gives one.
//!   *Inbox*: where a plain thread, one without actors, receives.
//! - *Hold*: keeps a start or a stop open. *Monitor*: is told once of the end of an actor. *Topic*: an
//!   address to publish to. *Pool*: a supervisor whose children are all made in one way.
//! - *Service link*: ties a *client* to a *service*, so that the service ends after the client.
//!
//! # Dynamic libraries
//!
//! Queues, recipients and wakers hold pointers to functions: a library whose code has sent or
//! received a message must not be unloaded. Two copies of this crate in one process are two worlds,
//! whose types differ.

// The path of a message, in the order of the modules.
mod address; // Address, Addr: handles that name a slot
mod message; // records: a message of any type as it lies in a queue
mod recipient; // Recipient: an address known by its message type
mod signed; // messages that carry who sent them, while an observer asks for it
mod topic; // Topic: publishing to whoever is subscribed

mod batch; // what is collected for another locality
mod bound; // Bound: how much may wait
mod chunk; // what goes there, packed
mod entrance; // the way in from other threads: queues and the wake protocol
mod flag; // set by many threads, taken by one
mod gate; // the tag of a locality, the way into it
mod here; // which locality runs on this thread
mod inbound; // the queue of one of its lanes
mod lane; // priority classes
mod locality; // Locality, and what it keeps while a driver has it open
mod lock; // locks that no panic poisons
mod parcel; // what travels between localities
mod queue; // the flat queue
mod room; // what waits for a bounded address
mod vacancy; // whether anybody needs the loop of a locality

mod clock; // where time comes from
mod dispatch; // taking records out and running their handlers
mod driver; // Driver: what a backend turns
mod slot; // the slot table
mod spin; // waiting for a wake while the thread keeps its processor
mod states; // what slots are doing, for other threads
mod table; // a vector that is read without a borrow

mod actor; // Actor, Handler, TryHandler
mod aim; // where wakes of a task go
mod ask_limits; // time limits of requests whose askers are futures
mod context; // what a handler can do
mod find; // waiting for a name
mod given_up; // requests that nobody waits for any more
mod hold; // what keeps a start or a stop open
mod hook; // Hook: what is asked before an actor starts, handles a message, or is gone
mod job; // blocking work on another locality
mod many; // lists of futures, and panics of futures
mod notifier; // Notifier: how a backend tells one instance
mod request; // Ask, ReplyTo: messages that expect an answer
mod scheduled; // whether a poll of a task is on its way
mod sending; // Sending: a send that waits for room
mod small; // erased values, inline
mod task; // futures in a locality
mod things; // what an instance owns beside its state
mod timer; // messages to oneself, later
mod wheel; // all deadlines of a locality

mod admin; // requests to a running supervisor
mod adopt; // specs get slots
mod app; // App: a running tree from outside
mod backoff; // Backoff: how long a restart waits
mod check; // what is wrong with a tree
mod child; // Child: how to make an actor
mod claims; // reserved slots of subtrees, for the next life of a lost locality
mod decision; // what a supervising actor says to the end of a child
mod docket; // requests that wait until their supervisor is free
mod drain; // a stop behind what is queued
mod early; // ends of clients wait for those of their services
mod exit; // why an actor ended
mod group; // Group: actors that are sent to together
mod kin; // the children of an actor and where they live
mod label; // names as tables keep them
mod late; // Late: who was late
mod lifecycle; // start, stop, crash
mod link; // services outlive their clients
mod loss; // the loss of a locality, on both sides
mod monitor; // Down
mod name; // Name: how actors are found
mod naming; // the names of a locality's actors
mod needs; // service links that specs declare
mod notes; // what is noted when it begins, and not when it ends
mod owned; // children that end with their guard
mod parent; // reports and orders between parent and child
mod pool; // the template of a pool's children
mod registry; // the names of a tree
mod removal; // force, and the end of slots
mod serve; // how a supervisor serves requests
mod strategy; // what a supervisor does, as a pure function
mod supervisor; // Supervisor: the tree as data
mod ties; // what hangs on other localities
mod unbuilt; // what is down, and nobody has built

mod collect; // many messages in one
mod debounce; // the message before a pause
mod dot; // pictures for Graphviz
mod error; // errors
mod fault; // panics that a simulation orders
mod fixed_map; // hash maps that are the same in every run
mod inbox; // receiving on a plain thread
mod incident; // failures and the messages they came with
mod meter; // how many messages actors have handled, and how many wait
mod observe; // what would otherwise go unnoticed
mod outbox; // sending in bulk from a plain thread
mod panic_hook; // where a panic was
mod plan; // the tree as its spec has it, as a picture
mod random; // where random numbers come from
mod roster; // lists whose entries are found by their keys
mod thread; // the thread loop
mod throttle; // at most one message in a period
mod tree; // the live tree as a picture

pub mod sim;

#[cfg(any(test, rotor_fuzz))]
#[doc(hidden)]
pub mod fuzz; // stories drawn from a seed, or from what a fuzzer gives

pub use actor::{Actor, Handler, TryHandler};
pub use address::{Addr, Address, Undelivered};
pub use admin::{
    AdminError, AdminRequest, ChildCount, ChildInfo, ChildState, CountChildren, DeleteChild,
    RestartChild, StartChild, StartInstance, Started, TerminateChild, WhichChildren,
};
pub use app::{App, WouldDeadlock};
pub use backoff::Backoff;
pub use bound::Bound;
pub use child::{Child, IntoActor};
pub use clock::Clock;
pub use collect::Collect;
pub use context::Context;
pub use debounce::Debounce;
pub use decision::{ChildExit, Decision};
pub use driver::{Budget, Driver, Turn};
pub use entrance::Wake;
pub use error::{BindError, Error, Result, StartError, StartStalled, TimedOut};
pub use exit::{Exit, ExitReason, GaveUp, Incident};
pub use group::{Group, Membership};
pub use hold::Hold;
pub use hook::Hook;
pub use inbox::{Inbox, RecvError};
pub use lane::Lane;
pub use late::{Handling, Late};
pub use link::{LinkError, Unlink};
pub use locality::Locality;
pub use many::catch_panic;
pub use message::Request;
pub use monitor::Down;
pub use name::{Name, NameError};
pub use notifier::Notifier;
pub use observe::{Observer, Reason, Undeliverable};
pub use outbox::Outbox;
pub use owned::Owned;
pub use panic_hook::install_panic_hook;
pub use plan::{Plan, PlanNode};
pub use recipient::Recipient;
pub use request::{Ask, Asking, PendingRequest, ReplyTo, RequestError};
pub use sending::Sending;
pub use states::Lifecycle;
pub use strategy::{AutoShutdown, Restart};
pub use supervisor::{Node, Supervisor};
pub use task::Task;
pub use things::Key;
pub use thread::ThreadLoop;
pub use throttle::Throttle;
pub use timer::{Missed, Timer};
pub use topic::Topic;
pub use tree::{LocalityPicture, Tree, TreeNode};

#[cfg(any(doc, doctest))]
pub mod guide; // chapters for users
