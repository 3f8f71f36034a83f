//! What the owner of a socket is told.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use mio::{Token, net};

use crate::reactor::Entry;

/// Names one registered socket, to tell them apart in an actor that owns several.
///
/// A number is not used again for another socket of the loop, until the oldest come up again: after
/// some 2³² registrations, or 2¹⁶ where an address has 32 bits. The first token of a guest takes from that,
/// but leaves 2¹⁵.
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Ready, SourceId, TcpStream};
/// use std::collections::HashMap;
/// struct Switch { streams: HashMap<SourceId, TcpStream> }
/// impl Actor for Switch {}
/// impl Handler<Ready> for Switch {
///     fn handle(&mut self, ready: Ready, _: &mut Context<Self>) {
///         if ready.error.is_some() {
///             self.streams.remove(&ready.id);
///         }
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub(crate) Token);

/// A socket can be read or written, or has come to its end.
///
/// Sent to the instance that registered it, through its `TryHandler<Ready>`, in the lane that says.
/// At most one is on its way per socket; what happens meanwhile is told when it has been handled
/// (dropped). Whoever has read, but not all, gets another one in a later turn. Whoever reads nothing
/// is told again when more arrives or when it has read: not reading is how back-pressure is applied,
/// and costs nothing.
///
/// It can be late: reading may find nothing, and then says `WouldBlock`. It is not `Send`:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// fn away(ready: rotor_mio::Ready) {
///     send(ready);
/// }
/// ```
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Ready, TcpStream};
/// struct Peer { stream: TcpStream, got: Vec<u8> }
/// impl Actor for Peer {}
/// impl TryHandler<Ready> for Peer {
///     fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
///         if let Some(kind) = ready.error {
///             return Err(std::io::Error::from(kind).into()); // its supervisor connects anew
///         }
///         if ready.readable {
///             let mut buffer = [0; 4096];
///             match self.stream.read(&mut buffer)? {
///                 0 => cx.stop(), // the end
///                 n => self.got.extend(&buffer[..n]), // if there is more, another one comes
///             }
///         }
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Ready {
    /// The socket: [`Stream::id`](crate::Stream::id), [`Datagram::id`](crate::Datagram::id).
    pub id: SourceId,
    /// There is something to read, or the end of it.
    pub readable: bool,
    /// The connection is made, or a [`write`](crate::Stream::write) or send that said `WouldBlock`
    /// can be tried again.
    pub writable: bool,
    /// The peer sends no more: after what can still be read comes `Ok(0)`, or the error.
    pub closed: bool,
    /// What broke the connection, or kept it from being made. If bytes may have arrived before, it
    /// is told by a `Ready` of its own, after one to read them at. The next write returns the error
    /// itself, or the next read once nothing else is left.
    pub error: Option<io::ErrorKind>,
    pub(crate) _told: Told,
}

/// Somebody has connected to a [`Listener`](crate::Listener).
///
/// Sent to the instance that registered the listener. The stream is not registered yet: give it to
/// [`Io::adopt`](crate::Io::adopt) in the actor that is to own it, here or on another loop (the
/// stream is `Send`, this message is not). Dropping it closes the connection. 64 of them are on
/// their way at most; then accepting waits until some are handled.
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Accepted, Io, Ready, TcpStream};
/// struct Door;
/// impl Actor for Door {}
/// impl Handler<Accepted> for Door {
///     fn handle(&mut self, accepted: Accepted, cx: &mut Context<Self>) {
///         cx.child(Child::once("guest", move |cx| {
///             Ok(Visitor { stream: Io::of(cx)?.adopt(cx, accepted.stream)? })
///         }));
///     }
/// }
/// struct Visitor { stream: TcpStream }
/// impl Actor for Visitor {}
/// impl TryHandler<Ready> for Visitor {
///     fn try_handle(&mut self, _: Ready, _: &mut Context<Self>) -> Result {
///         Ok(self.stream.write_all_queued(b"nobody is at home\n")?)
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted<S = net::TcpStream, P = SocketAddr> {
    /// The listener: [`Listener::id`](crate::Listener::id).
    pub id: SourceId,
    /// The connection, of mio's own type.
    pub stream: S,
    /// Who connected.
    pub peer: P,
    pub(crate) _told: Told,
}

/// Somebody has connected to a [`UnixListener`](crate::UnixListener).
///
/// ```
/// # use rotor_core::*;
/// # use rotor_mio::{Io, Ready, UnixAccepted, UnixStream};
/// # struct Session { stream: UnixStream }
/// # impl Actor for Session {}
/// # impl Handler<Ready> for Session {
/// #     fn handle(&mut self, _: Ready, _: &mut Context<Self>) { let _ = self.stream.id(); }
/// # }
/// struct Door;
/// impl Actor for Door {}
/// impl Handler<UnixAccepted> for Door {
///     fn handle(&mut self, accepted: UnixAccepted, cx: &mut Context<Self>) {
///         let stream = accepted.stream; // mio's own, for whoever is to have it
///         cx.child(Child::once("session", move |cx| {
///             Ok(Session { stream: Io::of(cx)?.adopt(cx, stream)? })
///         }));
///     }
/// }
/// ```
#[cfg(unix)]
pub type UnixAccepted = Accepted<net::UnixStream, std::os::unix::net::SocketAddr>;

/// What [`write_all_queued`](crate::Stream::write_all_queued) had queued is gone; asked for with
/// [`when_drained`](crate::Stream::when_drained).
///
/// The last words reach the peer before the connection is closed:
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Drained, TcpStream};
/// struct Goodbye;
/// struct Session { stream: TcpStream }
/// impl Actor for Session {}
/// impl TryHandler<Goodbye> for Session {
///     fn try_handle(&mut self, _: Goodbye, cx: &mut Context<Self>) -> Result {
///         self.stream.write_all_queued(b"bye\n")?;
///         self.stream.when_drained(cx);
///         Ok(())
///     }
/// }
/// impl Handler<Drained> for Session {
///     fn handle(&mut self, drained: Drained, cx: &mut Context<Self>) {
///         if drained.lost > 0 { println!("{} bytes did not arrive", drained.lost) }
///         cx.stop();
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// The stream.
    pub id: SourceId,
    /// Bytes that will never be written, because the connection broke. 0: the kernel has all.
    pub lost: usize,
}

/// Tells a source, when it is dropped, that its message was handled.
pub(crate) struct Told(pub(crate) Rc<dyn Entry>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.clone().handled();
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}
