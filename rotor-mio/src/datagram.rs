//! Datagram sockets: UDP and Unix.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::rc::Rc;

use mio::net;
use rotor_core::{Context, TryHandler};

use crate::link::Link;
use crate::message::{Ready, SourceId};
use crate::reactor::Reactor;
use crate::socket::Socket;

/// A datagram socket of an actor, which is sent [`Ready`] messages about it.
///
/// Made by [`Io::udp`](crate::Io::udp), [`Io::unix_datagram`](crate::Io::unix_datagram) or
/// [`Io::adopt`](crate::Io::adopt). Nothing here blocks, allocates or queues: what the kernel does
/// not take is refused with `WouldBlock`, and a [`Ready`] that is `writable` follows. Whoever has
/// received something, but not until `WouldBlock`, gets another `Ready` in a later turn.
///
/// Dropping it closes the socket; so does the end of the instance that registered it, whoever holds
/// it: then every operation fails with [`NotConnected`](io::ErrorKind::NotConnected). Not `Send`.
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Ready, UdpSocket};
/// struct Echo { socket: UdpSocket }
/// impl Actor for Echo {}
/// impl Handler<Ready> for Echo {
///     fn handle(&mut self, _: Ready, _: &mut Context<Self>) {
///         let mut buf = [0; 1500];
///         if let Ok((n, peer)) = self.socket.recv_from(&mut buf) {
///             let _ = self.socket.send_to(&buf[..n], peer); // lost if the kernel is full
///         }
///     }
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// fn away(socket: rotor_mio::UdpSocket) {
///     send(socket);
/// }
/// ```
pub struct Datagram<S: Socket> {
    link: Rc<Link<S>>,
}

/// A UDP [`Datagram`] socket.
pub type UdpSocket = Datagram<net::UdpSocket>;

/// A Unix [`Datagram`] socket.
#[cfg(unix)]
pub type UnixDatagram = Datagram<net::UnixDatagram>;

impl<S: Socket> Datagram<S> {
    pub(crate) fn adopt<A: TryHandler<Ready>>(
        reactor: &Rc<Reactor>,
        cx: &mut Context<A>,
        socket: S,
    ) -> io::Result<Self> {
        let link = Link::new(reactor, cx, socket, false)?;
        Ok(Datagram { link })
    }

    /// Receives a datagram and says how long it was, as far as `buf` holds it.
    ///
    /// # Errors
    /// `WouldBlock` if there is none. What the peer's system reported of an earlier one.
    /// `NotConnected` after the end of the instance.
    pub fn recv(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.link.receive(|socket| socket.read_some(buf))
    }

    /// Sends a datagram to the peer that the socket is connected to (with [`with`](Self::with)).
    ///
    /// # Errors
    /// `WouldBlock` if the kernel takes none now. Those of the system.
    pub fn send(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.link.send(|socket| socket.write_some(buf))
    }

    /// Ends the registration and gives the socket back, to be adopted by another actor.
    ///
    /// # Errors
    /// Those of the deregistration; `NotConnected` after the end of the instance.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Datagram, Io, Ready, UdpSocket};
    /// struct First { socket: Option<UdpSocket>, second: Addr<Second> }
    /// impl Actor for First {}
    /// impl TryHandler<Ready> for First {
    ///     fn try_handle(&mut self, _: Ready, _: &mut Context<Self>) -> Result {
    ///         if let Some(socket) = self.socket.take() {
    ///             self.second.send(socket.into_inner()?); // mio's own socket is `Send`
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// struct Second { socket: Option<UdpSocket> }
    /// impl Actor for Second {}
    /// impl TryHandler<mio::net::UdpSocket> for Second {
    ///     fn try_handle(&mut self, socket: mio::net::UdpSocket, cx: &mut Context<Self>) -> Result {
    ///         let adopted: Datagram<_> = Io::of(cx)?.adopt(cx, socket)?;
    ///         self.socket = Some(adopted);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Ready> for Second {
    ///     fn handle(&mut self, _: Ready, _: &mut Context<Self>) {}
    /// }
    /// ```
    pub fn into_inner(self) -> io::Result<S> {
        self.link.release()
    }

    /// What its messages call it.
    pub fn id(&self) -> SourceId {
        self.link.id()
    }

    /// Lends the socket, for its addresses and options, and to connect it.
    ///
    /// # Errors
    /// Those of `f`; `NotConnected` after the end of the instance.
    pub fn with<R>(&self, f: impl FnOnce(&S) -> io::Result<R>) -> io::Result<R> {
        self.link.with(f)
    }
}

impl Datagram<net::UdpSocket> {
    /// Receives a datagram and says how long it was and who sent it.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn recv_from(&mut self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.link.receive(|socket| socket.recv_from(buf))
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_to(&mut self, buf: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.link.send(|socket| socket.send_to(buf, to))
    }
}

#[cfg(unix)]
impl Datagram<net::UnixDatagram> {
    /// Receives a datagram and says how long it was and who sent it.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn recv_from(
        &mut self,
        buf: &mut [u8],
    ) -> io::Result<(usize, std::os::unix::net::SocketAddr)> {
        self.link.receive(|socket| socket.recv_from(buf))
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_to(&mut self, buf: &[u8], to: impl AsRef<Path>) -> io::Result<usize> {
        self.link.send(|socket| socket.send_to(buf, to.as_ref()))
    }
}

impl<S: Socket> Drop for Datagram<S> {
    fn drop(&mut self) {
        self.link.end();
    }
}

impl<S: Socket> fmt::Debug for Datagram<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Datagram").field(&self.id()).finish()
    }
}
