//! Streams: TCP and Unix connections of an actor.

use std::fmt;
use std::io::{self, Read, Write};
use std::rc::Rc;

use mio::net;
use rotor_core::{Context, TryHandler};

use crate::link::Link;
use crate::message::{Drained, Ready, SourceId};
use crate::reactor::Reactor;
use crate::socket::Socket;

/// A connection of an actor, which is sent [`Ready`] messages about it.
///
/// Made by [`Io::connect`](crate::Io::connect), [`Io::connect_unix`](crate::Io::connect_unix) or
/// [`Io::adopt`](crate::Io::adopt). Nothing here blocks. Reading and writing go straight to the
/// kernel; only [`write_all_queued`](Self::write_all_queued) allocates, and only if the kernel does
/// not take all.
///
/// Dropping it closes the connection, without what is still queued: wait for [`Drained`] first. So
/// does the end of the instance that registered it, whoever holds it; then every operation fails
/// with [`NotConnected`](io::ErrorKind::NotConnected). It is also [`Read`] and [`Write`], for code
/// that knows what `WouldBlock` means. Not `Send`:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// fn away(stream: rotor_mio::TcpStream) {
///     send(stream);
/// }
/// ```
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Ready, TcpStream};
/// struct Echo { stream: TcpStream }
/// impl Actor for Echo {}
/// impl TryHandler<Ready> for Echo {
///     fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
///         let mut buf = [0; 4096];
///         if ready.readable {
///             match self.stream.read(&mut buf) {
///                 Ok(0) => cx.stop(),
///                 Ok(n) => self.stream.write_all_queued(&buf[..n])?, // if more: another `Ready`
///                 Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
///                 Err(e) => return Err(e.into()),
///             }
///         }
///         Ok(())
///     }
/// }
/// ```
pub struct Stream<S: Socket> {
    link: Rc<Link<S>>,
}

/// A TCP [`Stream`].
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Io, Ready, TcpStream};
/// struct Uplink { stream: TcpStream }
/// impl Actor for Uplink {}
/// impl Handler<Ready> for Uplink { fn handle(&mut self, _: Ready, _: &mut Context<Self>) {} }
/// impl TryHandler<String> for Uplink {
///     fn try_handle(&mut self, line: String, _: &mut Context<Self>) -> Result {
///         Ok(self.stream.write_all_queued(line.as_bytes())?) // broken: a new instance connects
///     }
/// }
/// fn uplink(peer: std::net::SocketAddr) -> Child<Uplink> {
///     Child::with("uplink", move |cx| {
///         let stream = Io::of(cx)?.connect(cx, peer)?;
///         stream.with(|socket| socket.set_nodelay(true))?;
///         Ok(Uplink { stream })
///     })
/// }
/// ```
pub type TcpStream = Stream<net::TcpStream>;

/// A Unix [`Stream`].
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Io, MioLoop, Ready, UnixStream};
/// use std::io::Write;
/// struct Reader { stream: UnixStream }
/// impl Actor for Reader {}
/// impl TryHandler<Ready> for Reader {
///     fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
///         let mut word = [0; 5];
///         self.stream.read(&mut word)?;
///         assert_eq!(&word, b"hello");
///         cx.stop();
///         Ok(())
///     }
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (near, mut far) = std::os::unix::net::UnixStream::pair()?;
/// far.write_all(b"hello")?;
/// # MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any).child(
/// Child::once("reader", move |cx| Ok(Reader { stream: Io::of(cx)?.adopt(cx, near)? }))
/// # .significant()))?;
/// # Ok(())
/// # }
/// ```
#[cfg(unix)]
pub type UnixStream = Stream<net::UnixStream>;

impl<S: Socket> Stream<S> {
    pub(crate) fn new<A: TryHandler<Ready>>(
        reactor: &Rc<Reactor>,
        cx: &mut Context<A>,
        socket: S,
        connecting: bool,
    ) -> io::Result<Self> {
        let link = Link::new(reactor, cx, socket, connecting)?;
        Ok(Stream { link })
    }

    pub(crate) fn adopt<A: TryHandler<Ready>>(
        reactor: &Rc<Reactor>,
        cx: &mut Context<A>,
        socket: S,
    ) -> io::Result<Self> {
        let connecting = !socket.has_peer()?;
        Self::new(reactor, cx, socket, connecting)
    }

    /// Reads what has arrived, as far as `buf` holds it.
    ///
    /// 0 is the end: the peer sends no more. Otherwise another [`Ready`] follows: in a later turn if
    /// `buf` was filled, else when more comes, or the end.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there, or the connection is not made yet. What broke the
    /// connection or kept it from being made. `NotConnected` after the end of the instance.
    ///
    /// # Examples
    /// ```
    /// # use rotor_mio::TcpStream;
    /// use std::io::ErrorKind;
    /// /// What has arrived, and whether more may come.
    /// fn read_some(stream: &mut TcpStream, into: &mut Vec<u8>) -> std::io::Result<bool> {
    ///     let mut buffer = [0; 4096];
    ///     match stream.read(&mut buffer) {
    ///         Ok(0) => Ok(false),
    ///         Ok(n) => { into.extend(&buffer[..n]); Ok(true) }
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true), // later
    ///         Err(error) => Err(error),
    ///     }
    /// }
    /// ```
    pub fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.link.read(buf)
    }

    /// Writes what the kernel takes now, and says how much that was.
    ///
    /// # Errors
    /// `WouldBlock` if that is nothing, if something is queued (it goes first), or if the
    /// connection is not made yet: a [`Ready`] that is `writable` follows. What broke the
    /// connection. `NotConnected` after the end of the instance.
    ///
    /// # Examples
    /// A sender of frames that are of no use when they come late:
    /// ```
    /// # use rotor_mio::TcpStream;
    /// use std::io::ErrorKind;
    /// /// Whether the kernel took it: all of it, or nothing.
    /// fn offer(stream: &mut TcpStream, frame: &[u8]) -> std::io::Result<bool> {
    ///     match stream.write(frame) {
    ///         Ok(n) => {
    ///             stream.write_all_queued(&frame[n..])?; // what is begun is finished
    ///             Ok(true)
    ///         }
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false), // skipped
    ///         Err(error) => Err(error),
    ///     }
    /// }
    /// ```
    pub fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.link.write(buf)
    }

    /// Writes all of it: what the kernel does not take now is queued, and written between turns as
    /// soon as it does.
    ///
    /// Also while the connection is being made. The queue has no bound of its own: whoever writes
    /// faster than the peer reads must look at [`queued`](Self::queued), and go on when
    /// [`Drained`] comes.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Drained, TcpStream};
    /// struct Sender { stream: TcpStream, left: u32 }
    /// impl Actor for Sender {}
    /// impl TryHandler<Drained> for Sender {
    ///     fn try_handle(&mut self, _: Drained, cx: &mut Context<Self>) -> Result {
    ///         while self.left > 0 && self.stream.queued() == 0 {
    ///             self.stream.write_all_queued(&[0; 4096])?;
    ///             self.left -= 1;
    ///         }
    ///         match self.left {
    ///             0 if self.stream.queued() == 0 => cx.stop(),
    ///             _ => self.stream.when_drained(cx),
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// What broke the connection; then part of the bytes may have been written. `NotConnected`
    /// after the end of the instance.
    pub fn write_all_queued(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.link.write_queued(bytes)
    }

    /// Has the actor sent one [`Drained`], as soon as nothing is queued: at once (through the
    /// actor's queue) if that is so now.
    ///
    /// It comes also if the connection breaks, and says how much was lost. Asked for again before
    /// it came, it comes once.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Drained, TcpStream};
    /// struct Polite { stream: TcpStream, leaving: Option<Hold> }
    /// impl Actor for Polite {
    ///     fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
    ///         let _ = self.stream.write_all_queued(b"bye\n");
    ///         self.stream.when_drained(cx);
    ///         self.leaving = Some(cx.hold("flush")); // the stop waits for it
    ///     }
    /// }
    /// impl Handler<Drained> for Polite {
    ///     fn handle(&mut self, _: Drained, _: &mut Context<Self>) {
    ///         self.leaving = None;
    ///     }
    /// }
    /// ```
    pub fn when_drained<A: TryHandler<Drained>>(&mut self, cx: &mut Context<A>) {
        self.link.when_drained(cx.notifier());
    }

    /// Ends the registration and gives the socket back, to be adopted by another actor, here or on
    /// another loop. What is queued is lost; a message about it may be on its way.
    ///
    /// # Errors
    /// Those of the deregistration; `NotConnected` after the end of the instance.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, Ready, Stream, TcpStream};
    /// struct Greeter { stream: Option<TcpStream>, worker: Addr<Worker> }
    /// impl Actor for Greeter {}
    /// impl TryHandler<Ready> for Greeter {
    ///     fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
    ///         if let Some(stream) = self.stream.take() {
    ///             self.worker.send(stream.into_inner()?); // mio's own stream is `Send`
    ///             cx.stop();
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// struct Worker { streams: Vec<TcpStream> }
    /// impl Actor for Worker {}
    /// impl TryHandler<mio::net::TcpStream> for Worker {
    ///     fn try_handle(&mut self, stream: mio::net::TcpStream, cx: &mut Context<Self>) -> Result {
    ///         let adopted: Stream<_> = Io::of(cx)?.adopt(cx, stream)?;
    ///         self.streams.push(adopted);
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Ready> for Worker {
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
    /// # use rotor_mio::{Ready, TcpStream};
    /// /// Passes on what comes, either way.
    /// struct Proxy { client: TcpStream, server: TcpStream }
    /// impl Actor for Proxy {}
    /// impl TryHandler<Ready> for Proxy {
    ///     fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
    ///         let (from, to) = match ready.id == self.client.id() {
    ///             true => (&mut self.client, &mut self.server),
    ///             false => (&mut self.server, &mut self.client),
    ///         };
    ///         let mut buffer = [0; 4096];
    ///         match from.read(&mut buffer)? {
    ///             0 => cx.stop(),
    ///             n => to.write_all_queued(&buffer[..n])?,
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn id(&self) -> SourceId {
        self.link.id()
    }

    /// How many bytes wait for the kernel to take them.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_mio::TcpStream;
    /// struct Feed { stream: TcpStream }
    /// impl Actor for Feed {}
    /// impl TryHandler<String> for Feed {
    ///     fn try_handle(&mut self, line: String, _: &mut Context<Self>) -> Result {
    ///         if self.stream.queued() > 1 << 20 {
    ///             return Err(Error::message("the peer does not read")); // memory is not for that
    ///         }
    ///         Ok(self.stream.write_all_queued(line.as_bytes())?)
    ///     }
    /// }
    /// ```
    pub fn queued(&self) -> usize {
        self.link.queued()
    }

    /// Lends the socket, for its addresses and options. Reading through it is not seen here: then
    /// no further [`Ready`] may come.
    ///
    /// # Errors
    /// Those of `f`; `NotConnected` after the end of the instance.
    ///
    /// # Examples
    /// ```
    /// # use rotor_mio::TcpStream;
    /// /// For a log, and small packets at once.
    /// fn greet(stream: &TcpStream) -> std::io::Result<String> {
    ///     stream.with(|socket| {
    ///         socket.set_nodelay(true)?;
    ///         Ok(format!("{} is there", socket.peer_addr()?))
    ///     })
    /// }
    /// ```
    pub fn with<R>(&self, f: impl FnOnce(&S) -> io::Result<R>) -> io::Result<R> {
        self.link.with(f)
    }
}

impl<S: Socket> Read for Stream<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.link.read(buf)
    }
}

/// Writes like [`Stream::write`], without queueing.
impl<S: Socket> Write for Stream<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.link.write(buf)
    }

    /// Does nothing: what the kernel has needs no flush, what is queued is flushed by itself.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Socket> Drop for Stream<S> {
    fn drop(&mut self) {
        self.link.end();
    }
}

impl<S: Socket> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("id", &self.id())
            .field("queued", &self.queued())
            .finish()
    }
}
