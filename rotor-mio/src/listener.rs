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
pub struct Listener<L: Accept> {
    door: Rc<Door<L>>,
}

/// A TCP [`Listener`].
pub type TcpListener = Listener<net::TcpListener>;

/// A Unix [`Listener`].
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
