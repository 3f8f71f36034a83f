//! The inside of streams and datagram sockets: readiness, its messages, and the write queue.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Interest, Registry, Token};
use rotor_core::{Context, Notifier, TryHandler};

use crate::message::{Drained, Ready, SourceId, Told};
use crate::reactor::{Entry, Reactor, Tie};
use crate::socket::Socket;

/// Bytes of a queue that are written before others have their turn.
const FLUSH: usize = 256 * 1024;
/// Capacity of an empty queue that is kept.
const KEEP: usize = 64 * 1024;
/// How long a datagram waits that was refused although the poll had promised room.
const PAUSE: Duration = Duration::from_millis(10);

const READ: u8 = 1;
const WRITE: u8 = 2;
const CLOSED: u8 = 4;
const FAILED: u8 = 8;

/// A socket with what is known about it.
pub(crate) struct Link<S> {
    tie: Tie,
    /// None when the registration has ended.
    socket: RefCell<Option<S>>,
    notifier: Notifier<Ready>,
    /// What the owner does not know yet: READ, WRITE, CLOSED, FAILED.
    news: Cell<u8>,
    /// A `Ready` is on its way or being handled.
    told: Cell<bool>,
    connecting: Cell<bool>,
    closed: Cell<bool>,
    /// The error that broke it, until somebody was given it, and its kind for good.
    failure: RefCell<Option<io::Error>>,
    error: Cell<Option<ErrorKind>>,
    /// The kernel takes bytes, as far as is known.
    takes: Cell<bool>,
    /// A write of the owner was refused.
    refused: Cell<bool>,
    /// The poll has promised room for datagrams, and none was taken since. It knows nothing of the
    /// receiver's queue if a Unix socket is not connected to it.
    promised: Cell<bool>,
    /// The poll is asked for writability.
    watches_writes: Cell<bool>,
    queue: RefCell<VecDeque<u8>>,
    drained: RefCell<Option<Notifier<Drained>>>,
    /// Bytes that were queued when it broke.
    lost: Cell<usize>,
}

impl<S: Socket> Link<S> {
    pub(crate) fn new<A: TryHandler<Ready>>(
        reactor: &Rc<Reactor>,
        cx: &mut Context<A>,
        socket: S,
        connecting: bool,
    ) -> io::Result<Rc<Self>> {
        let notifier = cx.notifier();
        reactor.tie(cx, |tie| Link {
            tie,
            socket: RefCell::new(Some(socket)),
            notifier,
            news: Cell::new(0),
            told: Cell::new(false),
            connecting: Cell::new(connecting),
            closed: Cell::new(false),
            failure: RefCell::new(None),
            error: Cell::new(None),
            takes: Cell::new(!connecting),
            refused: Cell::new(false),
            promised: Cell::new(false),
            watches_writes: Cell::new(S::IS_QUIET || connecting),
            queue: RefCell::default(),
            drained: RefCell::default(),
            lost: Cell::new(0),
        })
    }

    pub(crate) fn id(&self) -> SourceId {
        SourceId(self.tie.token())
    }

    /// Runs `f` with the socket.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&S) -> io::Result<R>) -> io::Result<R> {
        match &*self.socket.borrow() {
            Some(socket) => f(socket),
            None => Err(ended()),
        }
    }

    /// Takes the socket out and ends the registration.
    pub(crate) fn release(&self) -> io::Result<S> {
        let mut socket = self.socket.borrow_mut().take().ok_or_else(ended)?;
        let done = self.tie.registry().deregister(&mut socket);
        self.tie.untie(self);
        done.map(|()| socket)
    }

    pub(crate) fn end(&self) {
        self.tie.untie(self);
    }

    // ---- reading -----------------------------------------------------------------------------

    /// Reads bytes of a stream, until `buf` is full or no more are there.
    pub(crate) fn read(self: &Rc<Self>, buf: &mut [u8]) -> io::Result<usize> {
        if self.connecting.get() {
            return Err(ErrorKind::WouldBlock.into());
        }
        if buf.is_empty() {
            return Ok(0);
        }
        // What is short need not be all: the kernel also stops at an urgent byte, and behind a
        // descriptor that came along.
        let (mut n, mut end) = (0, Ok(()));
        while n < buf.len() && end.is_ok() {
            match self.with(|socket| again(|| socket.read_some(&mut buf[n..]))) {
                Ok(0) => break,
                Ok(more) => n += more,
                Err(error) => end = Err(error),
            }
        }
        if n == 0 {
            self.has_read(false);
            // What broke it comes after what had arrived before.
            return match self.failure.take() {
                Some(error) => Err(error),
                None => end.map(|()| 0),
            };
        }
        let more = match end {
            // What comes later is a new edge.
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            // The kernel tells it once; the next read is to have it.
            Err(error) if self.error.get().is_none() => {
                self.fail(error);
                true
            }
            _ => true,
        };
        self.has_read(more);
        Ok(n)
    }

    /// Receives a datagram.
    pub(crate) fn receive<R>(
        self: &Rc<Self>,
        mut f: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let result = self.with(|socket| again(|| f(socket)));
        // An error is that of an earlier datagram: others may be behind it.
        let more = match &result {
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::WouldBlock && self.tie.is_tied(),
        };
        self.has_read(more);
        result
    }

    /// Whoever has read, but not all, is told again.
    fn has_read(self: &Rc<Self>, more: bool) {
        if more {
            self.add_news(READ);
        } else {
            self.news.set(self.news.get() & !READ);
        }
    }

    // ---- writing -----------------------------------------------------------------------------

    /// Writes what the kernel takes.
    pub(crate) fn write(self: &Rc<Self>, buf: &[u8]) -> io::Result<usize> {
        if let Some(error) = self.failure.borrow_mut().take() {
            return Err(error);
        }
        if self.connecting.get() || !self.queue.borrow().is_empty() {
            self.refused.set(true);
            return Err(ErrorKind::WouldBlock.into());
        }
        self.send(|socket| socket.write_some(buf))
    }

    /// Sends a datagram.
    pub(crate) fn send<R>(self: &Rc<Self>, f: impl Fn(&S) -> io::Result<R>) -> io::Result<R> {
        let result = self.with(|socket| again(|| f(socket)));
        match &result {
            Ok(_) => self.promised.set(false),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let waits = self.refused.replace(true);
                self.takes.set(false);
                if !self.promised.get() {
                    self.watch_writes(true)?;
                } else if !waits {
                    // The poll would say at once that there is room.
                    self.tie.pause(self.clone(), Instant::now() + PAUSE);
                }
            }
            Err(_) => {}
        }
        result
    }

    /// Writes what the kernel takes and queues the rest.
    pub(crate) fn write_queued(&self, mut buf: &[u8]) -> io::Result<()> {
        if let Some(error) = self.failure.borrow_mut().take() {
            return Err(error);
        }
        if !self.tie.is_tied() {
            return Err(ended());
        }
        if let Some(kind) = self.error.get() {
            return Err(kind.into());
        }
        let direct = self.takes.get() && self.queue.borrow().is_empty();
        while direct && !buf.is_empty() {
            match self.with(|socket| again(|| socket.write_some(buf))) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => buf = &buf[n..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => return Err(e),
            }
        }
        if !buf.is_empty() {
            self.queue.borrow_mut().extend(buf);
            if direct {
                self.takes.set(false);
                self.watch_writes(true)?;
            }
        }
        Ok(())
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Tells, once, that the queue is empty.
    pub(crate) fn when_drained(&self, notifier: Notifier<Drained>) {
        *self.drained.borrow_mut() = Some(notifier);
        if self.queue.borrow().is_empty() {
            self.tell_drained();
        }
    }

    fn tell_drained(&self) {
        let notifier = self.drained.borrow_mut().take();
        if let Some(notifier) = notifier {
            notifier.notify(Drained {
                id: self.id(),
                lost: self.lost.get(),
            });
        }
    }

    /// Writes a piece of the queue. True if there is more that the kernel would take.
    fn flush(&self) -> bool {
        if !self.takes.get() || self.queue.borrow().is_empty() {
            return false;
        }
        let mut left = FLUSH;
        while left > 0 {
            let mut queue = self.queue.borrow_mut();
            let (next, _) = queue.as_slices();
            if next.is_empty() {
                queue.shrink_to(KEEP);
                break;
            }
            match self.with(|socket| again(|| socket.write_some(next))) {
                Ok(0) => {
                    drop(queue);
                    self.fail(ErrorKind::WriteZero.into());
                    return false;
                }
                Ok(n) => {
                    queue.drain(..n);
                    left = left.saturating_sub(n);
                }
                Err(e) => {
                    drop(queue);
                    if e.kind() != ErrorKind::WouldBlock {
                        self.fail(e);
                        return false;
                    }
                    self.takes.set(false);
                    if let Err(e) = self.watch_writes(true) {
                        self.fail(e);
                    }
                    return false;
                }
            }
        }
        if !self.queue.borrow().is_empty() {
            return true;
        }
        self.tell_drained();
        if self.refused.take() {
            self.news.set(self.news.get() | WRITE);
        }
        false
    }

    /// Asks the poll for writability, or no longer.
    fn watch_writes(&self, on: bool) -> io::Result<()> {
        if S::IS_QUIET || self.watches_writes.get() == on {
            return Ok(());
        }
        let mut socket = self.socket.borrow_mut();
        let socket = socket.as_mut().ok_or_else(ended)?;
        self.tie
            .registry()
            .reregister(socket, self.tie.token(), interest(on))?;
        self.watches_writes.set(on);
        Ok(())
    }

    // ---- state -------------------------------------------------------------------------------

    fn add_news(self: &Rc<Self>, news: u8) {
        self.news.set(self.news.get() | news);
        if !self.told.get() {
            self.tie.heat(self.clone());
        }
    }

    /// The connection is broken, or was never made.
    fn fail(&self, error: io::Error) {
        let kind = error.kind();
        // What was reset was connected, if only before it was adopted.
        let reset = matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
        let unread = match self.connecting.replace(false) && !reset {
            true => 0,
            false => READ,
        };
        self.error.set(Some(kind));
        *self.failure.borrow_mut() = Some(error);
        self.takes.set(false);
        self.closed.set(true);
        self.news.set(self.news.get() | CLOSED | FAILED | unread);
        self.lost.set(self.queue.take().len());
        self.tell_drained();
    }

    /// What became of a connecting stream: `Ok(false)` if it still connects.
    fn connected(&self, over: bool) -> io::Result<bool> {
        self.with(|socket| match socket.kept_error()? {
            Some(error) => Err(error),
            None if socket.has_peer()? => Ok(true),
            None if over => Err(ErrorKind::NotConnected.into()),
            None => Ok(false),
        })
    }

    fn note_connecting(&self, event: &Event) -> bool {
        let over = event.is_error() || event.is_write_closed();
        match self.connected(over) {
            Ok(false) => return false,
            Ok(true) => {
                self.connecting.set(false);
                self.takes.set(true);
                self.refused.set(false);
                self.news.set(self.news.get() | WRITE);
            }
            Err(error) => self.fail(error),
        }
        true
    }
}

impl<S: Socket> Entry for Link<S> {
    fn tie(&self) -> &Tie {
        &self.tie
    }

    fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let mut socket = self.socket.borrow_mut();
        let socket = socket.as_mut().ok_or_else(ended)?;
        registry.register(socket, token, interest(self.watches_writes.get()))
    }

    fn note(&self, event: &Event) {
        if self.connecting.get() && !self.note_connecting(event) {
            return;
        }
        if self.error.get().is_some() {
            return;
        }
        if S::IS_STREAM
            && event.is_error()
            && let Ok(Some(error)) = self.with(S::kept_error)
        {
            return self.fail(error);
        }
        let mut news = self.news.get();
        // An error of a datagram socket is read.
        if event.is_readable() || (!S::IS_STREAM && event.is_error()) {
            news |= READ;
        }
        let ends = event.is_read_closed() || event.is_write_closed();
        if S::IS_STREAM && ends && !self.closed.replace(true) {
            news |= CLOSED | READ;
        }
        if event.is_writable() {
            self.takes.set(true);
            if self.queue.borrow().is_empty() && self.refused.take() {
                news |= WRITE;
                self.promised.set(!S::IS_STREAM);
            }
        }
        self.news.set(news);
    }

    fn serve(self: Rc<Self>) {
        if self.flush() {
            self.tie.heat(self.clone());
        } else if self.takes.get()
            && self.watches_writes.get()
            && let Err(error) = self.watch_writes(false)
        {
            self.fail(error);
        }
        if self.told.get() || self.news.get() == 0 {
            return;
        }
        let news = self.news.take();
        let mut error = self.error.get();
        if news & READ != 0 && news & FAILED != 0 {
            // Told next: who ends at an error is to read first what had arrived before.
            self.news.set(FAILED);
            error = None;
        }
        self.told.set(true);
        self.notifier.notify(Ready {
            id: self.id(),
            readable: news & (READ | CLOSED | FAILED) != 0,
            writable: news & WRITE != 0,
            closed: self.closed.get(),
            error,
            _told: Told(self.clone()),
        });
    }

    fn handled(self: Rc<Self>) {
        self.told.set(false);
        if self.news.get() != 0 {
            self.tie.heat(self.clone());
        }
    }

    fn resume(&self) {
        if self.refused.take() {
            self.news.set(self.news.get() | WRITE);
        }
    }

    fn close(&self, registry: &Registry) {
        let socket = self.socket.borrow_mut().take();
        if let Some(mut socket) = socket {
            // Closing the descriptor deregisters it, too; mio asks for this all the same.
            let _ = registry.deregister(&mut socket);
        }
        self.queue.take();
        self.drained.take();
    }
}

fn interest(writes: bool) -> Interest {
    match writes {
        true => Interest::READABLE | Interest::WRITABLE,
        false => Interest::READABLE,
    }
}

fn ended() -> io::Error {
    io::Error::new(
        ErrorKind::NotConnected,
        "the socket's registration has ended",
    )
}

/// Repeats what a signal interrupts.
fn again<R>(mut f: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match f() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
