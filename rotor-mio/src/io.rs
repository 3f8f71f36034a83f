//! The way of an actor to the sockets of its loop.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::rc::Rc;

use mio::net;
use rotor_core::{Actor, Context, TryHandler};

use crate::datagram::{Datagram, UdpSocket};
use crate::listener::{Listener, TcpListener};
use crate::message::{Accepted, Ready};
use crate::reactor::Reactor;
use crate::stream::{Stream, TcpStream};
#[cfg(unix)]
use crate::{
    datagram::UnixDatagram, listener::UnixListener, message::UnixAccepted, stream::UnixStream,
};

/// Opens sockets for an actor on a mio loop.
///
/// What is opened belongs to the instance of `cx`: its messages go there, and it is closed when
/// that ends, however it does, before anybody is told. A stop does not wait for what is queued: see
/// [`Stream::when_drained`]. Events that were on their way then never reach the next instance. Nothing
/// blocks; registering allocates once or twice. Cheap to get and to clone. Not `Send`.
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Io, Ready, TcpStream};
/// struct Uplink { stream: TcpStream }
/// impl Actor for Uplink {}
/// impl Handler<Ready> for Uplink {
///     fn handle(&mut self, _: Ready, _: &mut Context<Self>) {}
/// }
/// fn uplink(peer: std::net::SocketAddr) -> Child<Uplink> {
///     Child::with("uplink", move |cx| {
///         Ok(Uplink { stream: Io::of(cx)?.connect(cx, peer)? })
///     })
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// fn away(io: rotor_mio::Io) {
///     send(io);
/// }
/// ```
#[derive(Clone)]
pub struct Io {
    reactor: Rc<Reactor>,
}

/// The actor is not on a mio loop: its locality is driven by another backend.
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Io, TcpListener, Accepted};
/// struct Server { _listener: TcpListener }
/// impl Actor for Server {}
/// impl Handler<Accepted> for Server { fn handle(&mut self, _: Accepted, _: &mut Context<Self>) {} }
/// let server = Child::with("server", |cx| {
///     Ok(Server { _listener: Io::of(cx)?.listen(cx, "127.0.0.1:0".parse()?)? })
/// });
/// // On a thread loop there are no sockets: the start fails, and says so.
/// let exit = ThreadLoop::new().run(Supervisor::one_for_one("app").child(server))?;
/// let ExitReason::Failed(error) = exit.root_cause().reason() else { panic!("{exit}") };
/// assert!(error.downcast_ref::<rotor_mio::WrongLoop>().is_some());
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLoop;

impl fmt::Display for WrongLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the actor's locality is not driven by a mio loop")
    }
}

impl std::error::Error for WrongLoop {}

impl Io {
    /// The sockets of the loop that runs this actor.
    ///
    /// # Errors
    /// [`WrongLoop`] if that is not one of this crate.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use rotor_mio::{Io, WrongLoop};
    /// struct Reader;
    /// impl Actor for Reader {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         // Virtual time knows no sockets.
    ///         assert_eq!(Io::of(cx).unwrap_err(), WrongLoop);
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// sim.locality("here");
    /// sim.start(Supervisor::one_for_one("app").child(Child::new("reader", || Reader)))?;
    /// sim.run_until_idle();
    /// # Ok(())
    /// # }
    /// ```
    pub fn of<A: Actor>(cx: &Context<A>) -> Result<Self, WrongLoop> {
        match cx.extension::<Reactor>() {
            Some(reactor) => Ok(Io { reactor }),
            None => Err(WrongLoop),
        }
    }

    /// Begins to connect. A [`Ready`] tells when the connection is made (`writable`), or why not
    /// (`error`).
    ///
    /// Bytes can be [queued](Stream::write_all_queued) at once.
    ///
    /// # Errors
    /// Those that are known at once: no descriptor left, no route.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, MioLoop, Ready, TcpStream};
    /// struct Client { stream: TcpStream }
    /// impl Actor for Client {}
    /// impl TryHandler<Ready> for Client {
    ///     fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
    ///         if let Some(kind) = ready.error {
    ///             return Err(std::io::Error::from(kind).into()); // refused, unreachable, ..
    ///         }
    ///         self.stream.write_all_queued(b"hello")?; // connected
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let peer = server.local_addr()?;
    /// MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    ///     .child(Child::with("client", move |cx| {
    ///         Ok(Client { stream: Io::of(cx)?.connect(cx, peer)? })
    ///     }).transient().significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect<A: TryHandler<Ready>>(
        &self,
        cx: &mut Context<A>,
        peer: SocketAddr,
    ) -> io::Result<TcpStream> {
        Stream::new(&self.reactor, cx, net::TcpStream::connect(peer)?, true)
    }

    /// Listens for TCP connections. With port 0 the system chooses one; see
    /// [`Listener::with`].
    ///
    /// # Errors
    /// Those of the system, such as an address in use.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Accepted, Io, MioLoop, TcpListener};
    /// struct Door { _listener: TcpListener } // kept: dropped, it would close
    /// impl Actor for Door {}
    /// impl Handler<Accepted> for Door {
    ///     fn handle(&mut self, accepted: Accepted, cx: &mut Context<Self>) {
    ///         println!("{} is there", accepted.peer);
    ///         cx.stop();
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any).child(
    /// Child::with("door", |cx| {
    ///     let listener = Io::of(cx)?.listen(cx, "127.0.0.1:0".parse()?)?;
    ///     let at = listener.with(|socket| socket.local_addr())?;
    ///     std::net::TcpStream::connect(at)?; // somebody
    ///     Ok(Door { _listener: listener })
    /// })
    /// # .transient().significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen<A: TryHandler<Accepted>>(
        &self,
        cx: &mut Context<A>,
        at: SocketAddr,
    ) -> io::Result<TcpListener> {
        Listener::adopt(&self.reactor, cx, net::TcpListener::bind(at)?)
    }

    /// Opens a UDP socket.
    ///
    /// # Errors
    /// Those of the system, such as an address in use.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, Ready, UdpSocket};
    /// struct Clock { socket: UdpSocket }
    /// impl Actor for Clock {}
    /// impl Handler<Ready> for Clock {
    ///     fn handle(&mut self, _: Ready, _: &mut Context<Self>) {
    ///         let mut question = [0; 16];
    ///         while let Ok((_, peer)) = self.socket.recv_from(&mut question) {
    ///             let _ = self.socket.send_to(b"late\n", peer);
    ///         }
    ///     }
    /// }
    /// fn clock() -> Child<Clock> {
    ///     Child::with("clock", |cx| {
    ///         let at = "127.0.0.1:0".parse()?;
    ///         Ok(Clock { socket: Io::of(cx)?.udp(cx, at)? })
    ///     })
    /// }
    /// ```
    pub fn udp<A: TryHandler<Ready>>(
        &self,
        cx: &mut Context<A>,
        at: SocketAddr,
    ) -> io::Result<UdpSocket> {
        Datagram::adopt(&self.reactor, cx, net::UdpSocket::bind(at)?)
    }

    /// Connects to a Unix socket. It is connected when this returns.
    ///
    /// # Errors
    /// Those of the system; `WouldBlock` if too many wait to be accepted there.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, Ready, UnixStream};
    /// use std::path::PathBuf;
    /// struct Client { stream: UnixStream, lines: usize }
    /// impl Actor for Client {}
    /// impl TryHandler<Ready> for Client {
    ///     fn try_handle(&mut self, ready: Ready, _: &mut Context<Self>) -> Result {
    ///         if ready.readable {
    ///             let mut buffer = [0; 4096];
    ///             let n = self.stream.read(&mut buffer)?;
    ///             self.lines += buffer[..n].iter().filter(|&&byte| byte == b'\n').count();
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// fn client(path: PathBuf) -> Child<Client> {
    ///     Child::with("client", move |cx| {
    ///         let mut stream = Io::of(cx)?.connect_unix(cx, &path)?;
    ///         stream.write_all_queued(b"subscribe\n")?;
    ///         Ok(Client { stream, lines: 0 })
    ///     })
    /// }
    /// ```
    #[cfg(unix)]
    pub fn connect_unix<A: TryHandler<Ready>>(
        &self,
        cx: &mut Context<A>,
        path: impl AsRef<Path>,
    ) -> io::Result<UnixStream> {
        Stream::new(&self.reactor, cx, net::UnixStream::connect(path)?, false)
    }

    /// Listens for Unix connections at a path, which must not exist, and which stays when the
    /// listener is closed.
    ///
    /// # Errors
    /// Those of the system.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, Ready, UnixAccepted, UnixListener, UnixStream};
    /// use std::path::PathBuf;
    /// struct Door { listener: UnixListener }
    /// impl Actor for Door {}
    /// impl Handler<UnixAccepted> for Door {
    ///     fn handle(&mut self, accepted: UnixAccepted, _: &mut Context<Self>) {
    ///         // One at a time: dropped, the connection is closed.
    ///         assert_eq!(accepted.id, self.listener.id());
    ///         if let Some(why) = self.listener.paused() {
    ///             println!("others have to wait: {why}");
    ///         }
    ///     }
    /// }
    /// struct Visitor { stream: UnixStream }
    /// impl Actor for Visitor {}
    /// impl TryHandler<Ready> for Visitor {
    ///     fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
    ///         if self.stream.read(&mut [0; 64])? == 0 {
    ///             cx.stop();
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// fn both(path: PathBuf) -> Supervisor {
    ///     let same = path.clone();
    ///     Supervisor::rest_for_one("both")
    ///         .child(Child::with("door", move |cx| {
    ///             Ok(Door { listener: Io::of(cx)?.listen_unix(cx, &path)? })
    ///         }))
    ///         .child(Child::with("visitor", move |cx| {
    ///             Ok(Visitor { stream: Io::of(cx)?.connect_unix(cx, &same)? })
    ///         }))
    /// }
    /// ```
    #[cfg(unix)]
    pub fn listen_unix<A>(
        &self,
        cx: &mut Context<A>,
        path: impl AsRef<Path>,
    ) -> io::Result<UnixListener>
    where
        A: TryHandler<UnixAccepted>,
    {
        Listener::adopt(&self.reactor, cx, net::UnixListener::bind(path)?)
    }

    /// Opens a Unix datagram socket at a path, which must not exist, and which stays when the
    /// socket is closed.
    ///
    /// # Errors
    /// Those of the system.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, Ready, UnixDatagram};
    /// struct Logger { socket: UnixDatagram }
    /// impl Actor for Logger {}
    /// impl Handler<Ready> for Logger {
    ///     fn handle(&mut self, _: Ready, _: &mut Context<Self>) {
    ///         let mut line = [0; 512];
    ///         while let Ok(n) = self.socket.recv(&mut line) {
    ///             println!("{}", String::from_utf8_lossy(&line[..n]));
    ///         }
    ///     }
    /// }
    /// fn logger(path: std::path::PathBuf) -> Child<Logger> {
    ///     Child::with("logger", move |cx| {
    ///         Ok(Logger { socket: Io::of(cx)?.unix_datagram(cx, &path)? })
    ///     })
    /// }
    /// ```
    #[cfg(unix)]
    pub fn unix_datagram<A: TryHandler<Ready>>(
        &self,
        cx: &mut Context<A>,
        path: impl AsRef<Path>,
    ) -> io::Result<UnixDatagram> {
        Datagram::adopt(&self.reactor, cx, net::UnixDatagram::bind(path)?)
    }

    /// Registers a socket that exists already, of mio or of the standard library: one that was
    /// accepted, inherited, or made in a pair.
    ///
    /// One of the standard library is made non-blocking.
    ///
    /// # Errors
    /// Those of the registration; the socket is closed then.
    ///
    /// # Examples
    /// A connection that was accepted elsewhere gets an actor here:
    /// ```
    /// use rotor_core::*;
    /// use rotor_mio::{Io, MioLoop, Ready, UnixStream};
    /// struct Session { stream: UnixStream }
    /// impl Actor for Session {}
    /// impl TryHandler<Ready> for Session {
    ///     fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
    ///         if self.stream.read(&mut [0; 64])? == 0 {
    ///             cx.stop(); // the peer is gone
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (near, far) = std::os::unix::net::UnixStream::pair()?;
    /// # drop(far);
    /// let session = Child::once("session", move |cx| {
    ///     Ok(Session { stream: Io::of(cx)?.adopt(cx, near)? })
    /// });
    /// # MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    /// #     .child(session.significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn adopt<A, S>(&self, cx: &mut Context<A>, socket: S) -> io::Result<S::Adopted>
    where
        S: Adopt,
        A: TryHandler<S::Message>,
    {
        socket.adopt(self, cx)
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Io")
    }
}

/// Sockets that [`Io::adopt`] takes: streams, listeners and datagram sockets of mio and of the
/// standard library.
///
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Adopt, Io, Listener};
/// /// Of mio or of the standard library: both become the same.
/// fn listen<A: Actor, S>(io: &Io, cx: &mut Context<A>, socket: S) -> std::io::Result<S::Adopted>
/// where
///     S: Adopt<Adopted = Listener<mio::net::TcpListener>>,
///     A: TryHandler<S::Message>,
/// {
///     io.adopt(cx, socket)
/// }
/// ```
pub trait Adopt: sealed::Sealed + Sized {
    /// What the owner is sent.
    type Message: 'static;
    /// What it becomes.
    type Adopted;

    #[doc(hidden)]
    fn adopt<A: TryHandler<Self::Message>>(
        self,
        io: &Io,
        cx: &mut Context<A>,
    ) -> io::Result<Self::Adopted>;
}

mod sealed {
    pub trait Sealed {}
}

/// Each socket of mio, and the one of the standard library that becomes it.
macro_rules! adopt {
    ($socket:ty, $std:ty, $message:ty, $adopted:ident) => {
        impl sealed::Sealed for $socket {}

        impl Adopt for $socket {
            type Message = $message;
            type Adopted = $adopted<$socket>;

            fn adopt<A: TryHandler<$message>>(
                self,
                io: &Io,
                cx: &mut Context<A>,
            ) -> io::Result<Self::Adopted> {
                $adopted::adopt(&io.reactor, cx, self)
            }
        }

        impl sealed::Sealed for $std {}

        impl Adopt for $std {
            type Message = $message;
            type Adopted = $adopted<$socket>;

            fn adopt<A: TryHandler<$message>>(
                self,
                io: &Io,
                cx: &mut Context<A>,
            ) -> io::Result<Self::Adopted> {
                self.set_nonblocking(true)?;
                <$socket>::from_std(self).adopt(io, cx)
            }
        }
    };
}

adopt!(net::TcpStream, std::net::TcpStream, Ready, Stream);
adopt!(net::TcpListener, std::net::TcpListener, Accepted, Listener);
adopt!(net::UdpSocket, std::net::UdpSocket, Ready, Datagram);

#[cfg(unix)]
mod unix {
    use std::os::unix::net as std_net;

    use super::*;

    adopt!(net::UnixStream, std_net::UnixStream, Ready, Stream);
    adopt!(
        net::UnixListener,
        std_net::UnixListener,
        UnixAccepted,
        Listener
    );
    adopt!(net::UnixDatagram, std_net::UnixDatagram, Ready, Datagram);
}
