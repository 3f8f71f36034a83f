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
/// not take is refused with `WouldBlock`, and a [`Ready`] that is `writable` follows. If a Unix socket
/// is not connected to a receiver that is full, the poll cannot know when to try: then one follows at
/// once, and after each further try in vain one 10 ms later. Whoever has received something, but not
/// until `WouldBlock`, gets another `Ready` in a later turn.
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
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Io, Ready, UdpSocket};
/// struct Ears { socket: UdpSocket }
/// impl Actor for Ears {}
/// impl TryHandler<Ready> for Ears {
///     fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
///         let mut buffer = [0; 64];
///         let (n, _) = self.socket.recv_from(&mut buffer)?;
///         assert_eq!(&buffer[..n], b"hello");
///         cx.stop();
///         Ok(())
///     }
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # rotor_mio::MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any).child(
/// Child::with("ears", |cx| {
///     let socket = Io::of(cx)?.udp(cx, "127.0.0.1:0".parse()?)?; // any port
///     let at = socket.with(|socket| socket.local_addr())?;
///     std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(b"hello", at)?;
///     Ok(Ears { socket })
/// })
/// # .transient().significant()))?;
/// # Ok(())
/// # }
/// ```
pub type UdpSocket = Datagram<net::UdpSocket>;

/// A Unix [`Datagram`] socket.
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Io, Ready, UnixDatagram};
/// struct Ears { socket: UnixDatagram }
/// impl Actor for Ears {}
/// impl TryHandler<Ready> for Ears {
///     fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
///         let mut buffer = [0; 64];
///         assert_eq!(self.socket.recv(&mut buffer)?, 5);
///         cx.stop();
///         Ok(())
///     }
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (near, far) = std::os::unix::net::UnixDatagram::pair()?;
/// far.send(b"hello")?;
/// let ears = Child::once("ears", move |cx| {
///     Ok(Ears { socket: Io::of(cx)?.adopt(cx, near)? })
/// });
/// # rotor_mio::MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
/// #     .child(ears.significant()))?;
/// # Ok(())
/// # }
/// ```
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
    ///
    /// # Examples
    /// ```
    /// # use rotor_mio::UdpSocket;
    /// use std::io::ErrorKind;
    /// /// All that is there, until it would block.
    /// fn drain(socket: &mut UdpSocket) -> std::io::Result<Vec<Vec<u8>>> {
    ///     let (mut all, mut buffer) = (Vec::new(), [0; 1500]);
    ///     loop {
    ///         match socket.recv(&mut buffer) {
    ///             Ok(n) => all.push(buffer[..n].to_vec()),
    ///             Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(all),
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    /// }
    /// ```
    pub fn recv(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.link.receive(|socket| socket.read_some(buf))
    }

    /// Sends a datagram to the peer that the socket is connected to (with [`with`](Self::with)).
    ///
    /// # Errors
    /// `WouldBlock` if the kernel takes none now. Those of the system.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, Ready, UdpSocket};
    /// struct Statistics { socket: UdpSocket }
    /// impl Actor for Statistics {}
    /// impl Handler<Ready> for Statistics { fn handle(&mut self, _: Ready, _: &mut Context<Self>) {} }
    /// impl Handler<u32> for Statistics {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) {
    ///         let _ = self.socket.send(format!("visits:{n}|c").as_bytes()); // lost, if it must be
    ///     }
    /// }
    /// fn statistics(server: std::net::SocketAddr) -> Child<Statistics> {
    ///     Child::with("statistics", move |cx| {
    ///         let socket = Io::of(cx)?.udp(cx, "0.0.0.0:0".parse()?)?;
    ///         socket.with(|socket| socket.connect(server))?;
    ///         Ok(Statistics { socket })
    ///     })
    /// }
    /// ```
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
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_mio::{Ready, UdpSocket};
    /// struct Both { local: UdpSocket, public: UdpSocket, seen: [u32; 2] }
    /// impl Actor for Both {}
    /// impl Handler<Ready> for Both {
    ///     fn handle(&mut self, ready: Ready, _: &mut Context<Self>) {
    ///         let is_public = ready.id == self.public.id();
    ///         let socket = if is_public { &mut self.public } else { &mut self.local };
    ///         while socket.recv(&mut [0; 1500]).is_ok() {
    ///             self.seen[usize::from(is_public)] += 1;
    ///         }
    ///     }
    /// }
    /// ```
    pub fn id(&self) -> SourceId {
        self.link.id()
    }

    /// Lends the socket, for its addresses and options, and to connect it.
    ///
    /// # Errors
    /// Those of `f`; `NotConnected` after the end of the instance.
    ///
    /// # Examples
    /// ```
    /// # use rotor_mio::UdpSocket;
    /// /// Its port, and that it may reach everybody on its net.
    /// fn announce(socket: &UdpSocket) -> std::io::Result<u16> {
    ///     socket.with(|socket| {
    ///         socket.set_broadcast(true)?;
    ///         Ok(socket.local_addr()?.port())
    ///     })
    /// }
    /// ```
    pub fn with<R>(&self, f: impl FnOnce(&S) -> io::Result<R>) -> io::Result<R> {
        self.link.with(f)
    }
}

impl Datagram<net::UdpSocket> {
    /// Receives a datagram and says how long it was and who sent it.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Ready, UdpSocket};
    /// use std::{collections::HashMap, net::SocketAddr};
    /// struct Census { socket: UdpSocket, packets: HashMap<SocketAddr, u32> }
    /// impl Actor for Census {}
    /// impl Handler<Ready> for Census {
    ///     fn handle(&mut self, _: Ready, _: &mut Context<Self>) {
    ///         while let Ok((_, peer)) = self.socket.recv_from(&mut [0; 1500]) {
    ///             *self.packets.entry(peer).or_default() += 1;
    ///         }
    ///     }
    /// }
    /// ```
    pub fn recv_from(&mut self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.link.receive(|socket| socket.recv_from(buf))
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_mio::{Ready, UdpSocket};
    /// use std::net::SocketAddr;
    /// struct Beacon { socket: UdpSocket, peers: Vec<SocketAddr> }
    /// impl Actor for Beacon {}
    /// impl Handler<Ready> for Beacon { fn handle(&mut self, _: Ready, _: &mut Context<Self>) {} }
    /// #[derive(Clone)] struct Beat;
    /// impl Handler<Beat> for Beacon {
    ///     fn handle(&mut self, _: Beat, _: &mut Context<Self>) {
    ///         for &peer in &self.peers {
    ///             let _ = self.socket.send_to(b"here", peer); // one that is lost is followed by others
    ///         }
    ///     }
    /// }
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # use rotor_mio::UnixDatagram;
    /// /// A question, and where to send the answer, if its sender has a path.
    /// fn question(socket: &mut UnixDatagram) -> std::io::Result<(Vec<u8>, Option<std::path::PathBuf>)> {
    ///     let mut buffer = [0; 512];
    ///     let (n, from) = socket.recv_from(&mut buffer)?;
    ///     Ok((buffer[..n].to_vec(), from.as_pathname().map(Into::into)))
    /// }
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # use rotor_mio::UnixDatagram;
    /// /// Tells a service manager that the program is ready.
    /// fn notify(socket: &mut UnixDatagram) -> std::io::Result<()> {
    ///     if let Some(path) = std::env::var_os("NOTIFY_SOCKET") {
    ///         socket.send_to(b"READY=1", path)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
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
