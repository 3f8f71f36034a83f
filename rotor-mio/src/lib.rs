//! Actors with supervision trees, on mio: loops of their own, or guests of your poll.
mod datagram;
mod guest;
mod io;
mod link;
mod listener;
mod message;
mod mio_loop;
mod reactor;
mod signal;
mod socket;
mod stream;

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
