//! Listeners: accepting is done here, their owner gets the connections.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Interest, Registry, Token, net};
use rotor_core::{Context, Notifier, TryHandler};

use crate::message::{Accepted, SourceId, Told};
use crate::reactor::{Entry, Reactor, Tie};
use crate::socket::Accept;

/// Connections that may be on their way to the owner.
const MOST_WAITING: u32 = 64;
/// How long nothing is accepted after an error, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening socket of an actor, which is sent an [`Accepted`] for each connection.
///
/// Made by [`Io::listen`](crate::Io::listen), [`Io::listen_unix`](crate::Io::listen_unix) or
/// [`Io::adopt`](crate::Io::adopt). Accepting is done between turns; nothing is accepted while 64
/// connections wait to be handled. If the system has no descriptor or no memory for another one,
/// accepting pauses for 100 ms; [`paused`](Self::paused) says so. Other connections wait in the
/// kernel meanwhile.
///
/// Dropping it closes the socket; so does the end of the instance. Not `Send`:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// fn away(listener: rotor_mio::TcpListener) {
///     send(listener);
/// }
/// ```
///
/// One of any kind, for an actor that only counts:
/// ```
/// use rotor_core::*;
/// use rotor_mio::{Accepted, Io, Listener, MioLoop};
/// struct Counter { _listener: Listener<mio::net::TcpListener>, left: u32 }
/// impl Actor for Counter {}
/// impl Handler<Accepted> for Counter {
///     fn handle(&mut self, _: Accepted, cx: &mut Context<Self>) { // dropped: it is closed
///         self.left -= 1;
///         if self.left == 0 { cx.stop() }
///     }
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?; // such as one that was inherited
/// let (_one, _two) = (std::net::TcpStream::connect(listener.local_addr()?)?,
///     std::net::TcpStream::connect(listener.local_addr()?)?);
/// MioLoop::new()?.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///     .child(Child::once("counter", move |cx| {
///         Ok(Counter { _listener: Io::of(cx)?.adopt(cx, listener)?, left: 2 })
///     }).significant()))?;
/// # Ok(())
/// # }
/// ```
pub struct Listener<L: Accept> {
    door: Rc<Door<L>>,
}

/// A TCP [`Listener`].
///
/// ```
/// # use rotor_core::*;
/// # use rotor_mio::{Accepted, Io, TcpListener};
/// struct Server { at: Vec<TcpListener> } // several, such as for IPv4 and IPv6
/// impl Actor for Server {}
/// impl Handler<Accepted> for Server {
///     fn handle(&mut self, accepted: Accepted, _: &mut Context<Self>) {
///         let which = self.at.iter().position(|listener| listener.id() == accepted.id);
///         println!("{} came by door {which:?}", accepted.peer);
///     }
/// }
/// fn server(doors: Vec<std::net::SocketAddr>) -> Child<Server> {
///     Child::with("server", move |cx| {
///         let io = Io::of(cx)?;
///         let at: std::io::Result<_> = doors.iter().map(|&door| io.listen(cx, door)).collect();
///         Ok(Server { at: at? })
///     })
/// }
/// ```
pub type TcpListener = Listener<net::TcpListener>;

/// A Unix [`Listener`].
///
/// ```
/// # use rotor_core::*;
/// # use rotor_mio::{Io, UnixAccepted, UnixListener};
/// struct Control { _listener: UnixListener }
/// impl Actor for Control {}
/// impl Handler<UnixAccepted> for Control {
///     fn handle(&mut self, accepted: UnixAccepted, _: &mut Context<Self>) {
///         println!("somebody gives orders: {:?}", accepted.peer);
///     }
/// }
/// fn control(path: std::path::PathBuf) -> Child<Control> {
///     Child::with("control", move |cx| {
///         let _ = std::fs::remove_file(&path); // one of an earlier run, or of an earlier instance
///         Ok(Control { _listener: Io::of(cx)?.listen_unix(cx, &path)? })
///     })
/// }
/// ```
#[cfg(unix)]
pub type UnixListener = Listener<net::UnixListener>;

/// The inside of a listener.
struct Door<L: Accept> {
    tie: Tie,
    /// None when the registration has ended.
    socket: RefCell<Option<L>>,
    notifier: Notifier<Accepted<L::Stream, L::Peer>>,
    /// The kernel may have connections.
    ready: Cell<bool>,
    /// How many are on their way.
    waiting: Cell<u32>,
    paused: Cell<Option<ErrorKind>>,
}

impl<L: Accept> Listener<L> {
    pub(crate) fn adopt<A: TryHandler<Accepted<L::Stream, L::Peer>>>(
        reactor: &Rc<Reactor>,
        cx: &mut Context<A>,
        socket: L,
    ) -> io::Result<Self> {
        let notifier = cx.notifier();
        let door = reactor.tie(cx, |tie| Door {
            tie,
            socket: RefCell::new(Some(socket)),
            notifier,
            ready: Cell::new(false),
            waiting: Cell::new(0),
            paused: Cell::new(None),
        })?;
        Ok(Listener { door })
    }

    /// What its messages call it.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_mio::{Accepted, TcpListener};
    /// struct Server { public: TcpListener, _admin: TcpListener }
    /// impl Actor for Server {}
    /// impl Handler<Accepted> for Server {
    ///     fn handle(&mut self, accepted: Accepted, _: &mut Context<Self>) {
    ///         let is_public = accepted.id == self.public.id();
    ///         println!("{} may {}", accepted.peer, if is_public { "look" } else { "do everything" });
    ///     }
    /// }
    /// ```
    pub fn id(&self) -> SourceId {
        SourceId(self.door.tie.token())
    }

    /// Lends the socket, for its address and options.
    ///
    /// ```
    /// # use rotor_mio::TcpListener;
    /// fn port(listener: &TcpListener) -> std::io::Result<u16> {
    ///     Ok(listener.with(|socket| socket.local_addr())?.port())
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of `f`; [`NotConnected`](ErrorKind::NotConnected) if the instance that registered it
    /// has ended.
    pub fn with<R>(&self, f: impl FnOnce(&L) -> io::Result<R>) -> io::Result<R> {
        match &*self.door.socket.borrow() {
            Some(socket) => f(socket),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Why nothing is accepted at present, if the last attempt failed.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_mio::{Accepted, TcpListener};
    /// struct Server { listener: TcpListener, idle: Vec<mio::net::TcpStream> }
    /// impl Actor for Server {}
    /// impl Handler<Accepted> for Server {
    ///     fn handle(&mut self, accepted: Accepted, _: &mut Context<Self>) {
    ///         if self.listener.paused().is_some() {
    ///             self.idle.clear(); // no descriptors are left: those who only wait have to go
    ///         }
    ///         self.idle.push(accepted.stream);
    ///     }
    /// }
    /// ```
    pub fn paused(&self) -> Option<ErrorKind> {
        self.door.paused.get()
    }
}

impl<L: Accept> Drop for Listener<L> {
    fn drop(&mut self) {
        self.door.tie.untie(&*self.door);
    }
}

impl<L: Accept> fmt::Debug for Listener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.id()).finish()
    }
}

impl<L: Accept> Door<L> {
    fn accept(self: &Rc<Self>) -> io::Result<()> {
        while self.ready.get() && self.waiting.get() < MOST_WAITING {
            let accepted = match &*self.socket.borrow() {
                Some(socket) => socket.accept_one(),
                None => return Ok(()),
            };
            match accepted {
                Ok((stream, peer)) => {
                    self.waiting.set(self.waiting.get() + 1);
                    self.notifier.notify(Accepted {
                        id: SourceId(self.tie.token()),
                        stream,
                        peer,
                        _told: Told(self.clone()),
                    });
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.ready.set(false),
                // A connection that was given up before it was accepted is not ours to report.
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::Interrupted
                            | ErrorKind::ConnectionAborted
                            | ErrorKind::ConnectionReset
                    ) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl<L: Accept> Entry for Door<L> {
    fn tie(&self) -> &Tie {
        &self.tie
    }

    fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut *self.socket.borrow_mut() {
            Some(socket) => registry.register(socket, token, Interest::READABLE),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn note(&self, event: &Event) {
        if event.is_readable() || event.is_error() {
            self.ready.set(true);
        }
    }

    fn serve(self: Rc<Self>) {
        if self.paused.get().is_some() {
            return;
        }
        if let Err(error) = self.accept() {
            // An edge does not come again, and trying at once would only use up the processor.
            self.paused.set(Some(error.kind()));
            self.tie.pause(self.clone(), Instant::now() + PAUSE);
        }
    }

    fn handled(self: Rc<Self>) {
        self.waiting.set(self.waiting.get() - 1);
        if self.ready.get() && self.paused.get().is_none() {
            self.tie.heat(self.clone());
        }
    }

    fn resume(&self) {
        self.paused.set(None);
    }

    fn close(&self, registry: &Registry) {
        let socket = self.socket.borrow_mut().take();
        if let Some(mut socket) = socket {
            // Closing the descriptor deregisters it, too; mio asks for this all the same.
            let _ = registry.deregister(&mut socket);
        }
    }
}
