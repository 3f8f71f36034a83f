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
//! [`MioLoop::new`] makes a loop for this thread, whose [`run`](MioLoop::run) ends with the tree, and
//! [`serve`](MioLoop::serve) with the parts of other trees that are placed there.
//! [`MioLoop::spawn`] starts a thread with a loop, for a part of a tree.
//! [`MioLoop::attach`] makes actors guests of a [`Poll`](mio::Poll) that the application runs. Each may
//! [`open`](MioLoop::open) a locality whose loop was lost. An idle loop does nothing: no turn, no wake.
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

//! # A poll of one's own
//!
//! The program polls, with its sockets, timers and tokens; the actors are guests. It shares its waker
//! with them, leaves them the tokens from some number on, shows them the events of each poll, and polls
//! no longer than they say.
//! ```
//! use std::{io::ErrorKind, sync::Arc, time::Duration};
//! use mio::{Events, Interest, Poll, Token, Waker};
//! use rotor_core::*;
//! use rotor_mio::{MioLoop, Step};
//!
//! const WAKE: Token = Token(0);
//! const SOCKET: Token = Token(1); // the program's own
//! const ACTORS: Token = Token(2); // this one, and all above it
//!
//! struct Counter { bytes: usize }
//! impl Actor for Counter {}
//! impl Handler<Vec<u8>> for Counter {
//!     fn handle(&mut self, packet: Vec<u8>, cx: &mut Context<Self>) {
//!         self.bytes += packet.len();
//!         if self.bytes >= 10 { cx.stop() }
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut poll = Poll::new()?;
//!     let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
//!     let guest = MioLoop::attach(poll.registry(), waker, ACTORS)?;
//!     let counter = guest.locality().reserve();
//!     guest.start(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
//!         .child(Child::new("counter", || Counter { bytes: 0 }).at(counter)
//!             .transient().significant()))?;
//!
//!     let mut socket = mio::net::UdpSocket::bind("127.0.0.1:0".parse()?)?;
//!     poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
//!     # let peer = std::net::UdpSocket::bind("127.0.0.1:0")?;
//!     # peer.connect(socket.local_addr()?)?;
//!     # (peer.send(b"hello")?, peer.send(b"world")?);
//!     let (mut events, mut timeout) = (Events::with_capacity(64), Some(Duration::ZERO));
//!     loop {
//!         match poll.poll(&mut events, timeout) {
//!             Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
//!             _ => {} // a signal, such as that of Ctrl-Z and `fg`, is no reason not to turn
//!         }
//!         if events.iter().any(|event| event.token() == SOCKET) {
//!             let mut packet = [0; 1500];
//!             while let Ok(n) = socket.recv(&mut packet) {
//!                 counter.send(packet[..n].to_vec()); // on this thread: no wake is needed
//!             }
//!         }
//!         match guest.turn(&events) {
//!             Step::Poll(most) => timeout = most, // or less, if the program has timers
//!             Step::Done(exit) => return Ok(assert!(!exit.is_failure())),
//!         }
//!     }
//! }
//! ```
//!
#![forbid(unsafe_code)]

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
