//! Actors with supervision trees on mio: in loops of their own, or as guests of a poll that you run.
//!
//! ```
//! use rotor_core::*;
//! use rotor_mio::{Accepted, Io, MioLoop, TcpListener};
//!
//! struct Once { _listener: TcpListener }
//! impl Actor for Once {}
//! impl Handler<Accepted> for Once {
//!     fn handle(&mut self, accepted: Accepted, cx: &mut Context<Self>) {
//!         println!("{} was here", accepted.peer);
//!         cx.stop();
//!     }
//! }
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
//!         .child(Child::with("once", |cx| {
//!             let _listener = Io::of(cx)?.listen(cx, "127.0.0.1:0".parse()?)?;
//!             let at = _listener.with(|socket| socket.local_addr())?;
//!             std::net::TcpStream::connect(at)?; // a guest
//!             Ok(Once { _listener })
//!         }).transient().significant()))?;
//!     Ok(())
//! }
//! ```
//!
//! It resolves no names, encrypts nothing, and knows no protocol: it tells actors what their
//! sockets can do, and they read and write. For futures and their crates there is rotor-smol, for a
//! GUI rotor-glib, for work that blocks [`ThreadLoop`](rotor_core::ThreadLoop). All of them join in
//! one tree.
//!
//! # Which loop?
//!
//! [`MioLoop::new`] makes a loop for this thread, whose [`run`](MioLoop::run) ends with the tree.
//! [`MioLoop::spawn`] starts a thread with a loop, for a part of a tree.
//! [`MioLoop::attach`] makes actors guests of a [`Poll`](mio::Poll) that the application runs. An
//! idle loop does nothing: no turn, no wake.
//!
//! # How does an actor get a socket?
//!
//! By [`Io::of`] in its factory or in a handler, and then [`connect`](Io::connect),
//! [`listen`](Io::listen), [`udp`](Io::udp), their Unix siblings, or [`adopt`](Io::adopt) for one
//! that exists already. The wrapper is a field of the actor. It belongs to that instance: when that
//! ends, the socket is closed, and nothing about it reaches the next one.
//!
//! # What is it told?
//!
//! [`Ready`] about streams and datagram sockets, [`Accepted`] about listeners, [`Drained`] when
//! asked for, each through the actor's own handler, in that handler's lane. Edges of the poll are
//! not lost, however little is read at a time: who has read something, but not all, is told again.
//! Who reads nothing is left alone, which is how back-pressure is applied.
//!
//! # How does it write?
//!
//! [`write_all_queued`](Stream::write_all_queued) takes all, and queues what the kernel does not
//! take; [`queued`](Stream::queued) and [`Drained`] are there to keep the queue short.
//! [`write`](Stream::write) queues nothing.

// From the loop to the sockets.
mod guest; // Guest: turns a driver for a poll that somebody else runs
mod mio_loop; // MioLoop: a thread with a poll
mod signal; // the wake

mod message; // Ready, Accepted, Drained
mod reactor; // what is registered: tokens, owners, who has something to tell

mod io; // Io: how an actor gets sockets
mod link; // the inside of streams and datagram sockets
mod socket; // what is needed of mio's sockets

mod datagram; // UDP and Unix datagrams
mod listener; // listeners
mod stream; // TCP and Unix streams

pub use datagram::{Datagram, UdpSocket};
pub use guest::{Guest, Step};
pub use io::{Adopt, Io, WrongLoop};
pub use listener::{Listener, TcpListener};
pub use message::{Accepted, Drained, Ready, SourceId};
pub use mio_loop::MioLoop;
pub use stream::{Stream, TcpStream};
#[cfg(unix)]
pub use {
    datagram::UnixDatagram, listener::UnixListener, message::UnixAccepted, stream::UnixStream,
};
