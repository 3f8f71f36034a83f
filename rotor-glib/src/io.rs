//! Readiness of file descriptors, as messages.

#![expect(unsafe_code)]

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::HashSet;
use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::{Rc, Weak};

use glib::{IOCondition, ffi};
use rotor_core::{Actor, Address, Context, Notifier, TryHandler};

/// Watches file descriptors for the actors of a GLib locality.
///
/// ```
/// use rotor_core::*;
/// use rotor_glib::{Io, Ready, Watch};
/// use std::{io::Read, os::unix::net::UnixStream};
///
/// struct Reader {
///     stream: UnixStream,
///     _watch: Watch,
/// }
/// impl Reader {
///     fn new(cx: &mut Context<Self>, stream: UnixStream) -> Result<Self> {
///         stream.set_nonblocking(true)?;
///         let fd = stream.try_clone()?.into();
///         let watch = Io::of(cx)?.watch(cx, fd, glib::IOCondition::IN);
///         Ok(Reader { stream, _watch: watch })
///     }
/// }
/// impl Actor for Reader {}
/// impl TryHandler<Ready> for Reader {
///     fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
///         let mut buffer = [0; 512];
///         match self.stream.read(&mut buffer)? {
///             0 => cx.stop(),
///             n => println!("{n} bytes; more: {}", ready.condition().contains(glib::IOCondition::IN)),
///         }
///         Ok(()) // `ready` is dropped: the descriptor is watched again
///     }
/// }
/// ```
pub struct Io {
    /// Null once the source is finalized: an actor may have kept this for longer.
    source: Cell<*mut ffi::GSource>,
    watches: RefCell<Vec<Rc<Entry>>>,
    /// Whose end is waited for: once for all watches of an instance.
    owners: RefCell<HashSet<Address>>,
}

struct Entry {
    fd: OwnedFd,
    owner: Address,
    /// What the source polls. It lies here, because to ask GLib what one descriptor of its own making is
    /// ready for, it looks through all those of the source.
    poll: UnsafeCell<ffi::GPollFD>,
    /// Not while a [`Ready`] of it is about: the descriptor is not polled at all then, for an end that
    /// hung up is reported even to those who ask for no events.
    is_polled: Cell<bool>,
    notify: Box<dyn Fn(Ready)>,
}

/// The actor is not on a GLib locality.
///
/// ```
/// use rotor_core::*;
/// use rotor_glib::{Io, WrongLoop};
/// struct Reader;
/// impl Actor for Reader {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         Io::of(cx)?; // on a thread loop
///         Ok(())
///     }
/// }
/// let exit = ThreadLoop::new()
///     .run(Supervisor::one_for_one("app").child(Child::new("reader", || Reader)))?;
/// let ExitReason::Failed(error) = exit.root_cause().reason() else { panic!("{exit}") };
/// assert_eq!(error.downcast_ref::<WrongLoop>(), Some(&WrongLoop));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLoop;

impl fmt::Display for WrongLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the actor is placed on a locality that no GLib loop drives")
    }
}

impl std::error::Error for WrongLoop {}

/// A watched descriptor. Dropping it ends the watch; so does the end of the instance that made it.
///
/// Kept for as long as there is something to wait for:
/// ```
/// use rotor_core::*;
/// use rotor_glib::{Io, Ready, Watch};
/// use std::{io::Read, os::unix::net::UnixStream};
/// struct Once { stream: UnixStream, watch: Option<Watch>, byte: u8 }
/// impl Actor for Once {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         let fd = self.stream.try_clone()?.into();
///         self.watch = Some(Io::of(cx)?.watch(cx, fd, glib::IOCondition::IN));
///         Ok(())
///     }
/// }
/// impl TryHandler<Ready> for Once {
///     fn try_handle(&mut self, _: Ready, _: &mut Context<Self>) -> Result {
///         self.stream.read_exact(std::slice::from_mut(&mut self.byte))?;
///         self.watch = None; // one was enough
///         Ok(())
///     }
/// }
/// ```
#[must_use = "dropping it ends the watch"]
pub struct Watch {
    io: Weak<Io>,
    entry: Weak<Entry>,
}

/// A descriptor is ready. It is watched again when this message is dropped: once per handler, and
/// never while one is queued.
///
/// Kept, it is back-pressure: nothing more is told until it is dropped.
/// ```
/// use rotor_core::*;
/// use rotor_glib::{Ready, Watch};
/// struct Written;
/// struct Copier { _watch: Watch, reading: Option<Ready> }
/// impl Actor for Copier {}
/// impl Handler<Ready> for Copier {
///     fn handle(&mut self, ready: Ready, _: &mut Context<Self>) {
///         self.reading = Some(ready); // read, pass it on, and wait until it is written
///     }
/// }
/// impl Handler<Written> for Copier {
///     fn handle(&mut self, _: Written, _: &mut Context<Self>) {
///         self.reading = None; // the next, please
///     }
/// }
/// ```
pub struct Ready {
    condition: IOCondition,
    fd: RawFd,
    io: Weak<Io>,
    entry: Weak<Entry>,
}

impl Entry {
    /// What the descriptor is ready for, by the loop's last poll; nothing if it is not polled.
    fn condition(&self) -> IOCondition {
        if !self.is_polled.get() {
            return IOCondition::empty();
        }
        // SAFETY: GLib writes this between two calls of the source only, on the thread that has the
        // context; nobody keeps a reference to it.
        IOCondition::from_bits_truncate(unsafe { (*self.poll.get()).revents }.into())
    }
}

impl Io {
    pub(crate) fn new(source: *mut ffi::GSource) -> Self {
        Io {
            source: Cell::new(source),
            watches: RefCell::new(Vec::new()),
            owners: RefCell::default(),
        }
    }

    /// The source goes, and with it what it had of each watch: nothing is watched any more.
    pub(crate) fn close(&self) {
        self.source.set(std::ptr::null_mut());
        for entry in &*self.watches.borrow() {
            entry.is_polled.set(false);
        }
    }

    /// The descriptors of the loop that drives this actor.
    ///
    /// # Errors
    /// [`WrongLoop`] if that is not a GLib loop.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use rotor_glib::{Io, WrongLoop};
    /// struct Reader;
    /// impl Actor for Reader {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         // Virtual time knows no descriptors.
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
    pub fn of<A: Actor>(cx: &Context<A>) -> Result<Rc<Io>, WrongLoop> {
        cx.extension::<Io>().ok_or(WrongLoop)
    }

    /// Sends the actor a [`Ready`] when the descriptor is ready for any of `events`, or broken.
    ///
    /// The watch owns the descriptor: give it a duplicate of the one that is read and written.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::{GlibLoop, Io, Ready, Watch};
    /// use std::{io::{Read, Write}, os::unix::net::UnixStream};
    /// struct Reader { stream: UnixStream, _watch: Watch }
    /// impl Actor for Reader {}
    /// impl TryHandler<Ready> for Reader {
    ///     fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
    ///         let mut word = [0; 5];
    ///         self.stream.read_exact(&mut word)?;
    ///         assert_eq!(&word, b"hello");
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (stream, mut far) = UnixStream::pair()?;
    /// far.write_all(b"hello")?;
    /// # GlibLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any).child(
    /// Child::once("reader", move |cx| {
    ///     let fd = stream.try_clone()?.into(); // owned by the watch
    ///     let _watch = Io::of(cx)?.watch(cx, fd, glib::IOCondition::IN);
    ///     Ok(Reader { stream, _watch })
    /// })
    /// # .significant()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch<A: TryHandler<Ready>>(
        self: &Rc<Self>,
        cx: &mut Context<A>,
        fd: OwnedFd,
        events: IOCondition,
    ) -> Watch {
        let notifier: Notifier<Ready> = cx.notifier();
        let owner = cx.addr().address();
        let poll = ffi::GPollFD {
            fd: fd.as_raw_fd(),
            events: events.bits() as u16,
            revents: 0,
        };
        let entry = Rc::new(Entry {
            fd,
            owner,
            poll: UnsafeCell::new(poll),
            is_polled: Cell::new(false),
            notify: Box::new(move |ready| notifier.notify(ready)),
        });
        self.arm(&entry);
        self.watches.borrow_mut().push(entry.clone());
        if self.owners.borrow_mut().insert(owner) {
            let io = Rc::downgrade(self);
            cx.at_end(move || {
                if let Some(io) = io.upgrade() {
                    io.instance_ended(owner);
                }
            });
        }
        Watch {
            io: Rc::downgrade(self),
            entry: Rc::downgrade(&entry),
        }
    }

    fn instance_ended(&self, owner: Address) {
        self.owners.borrow_mut().remove(&owner);
        let all = self.watches.borrow().clone();
        for entry in all.iter().filter(|entry| entry.owner == owner) {
            self.remove(entry);
        }
    }

    /// Whether any descriptor is ready.
    pub(crate) fn is_ready(&self) -> bool {
        let watches = self.watches.borrow();
        watches.iter().any(|entry| !entry.condition().is_empty())
    }

    /// Sends what the loop's last poll has found.
    pub(crate) fn dispatch(self: &Rc<Self>) {
        let ready: Vec<_> = {
            let watches = self.watches.borrow();
            let all = watches.iter().map(|entry| (entry, entry.condition()));
            all.filter(|(_, condition)| !condition.is_empty())
                .map(|(entry, condition)| (entry.clone(), condition))
                .collect()
        };
        for (entry, condition) in ready {
            self.disarm(&entry);
            (entry.notify)(Ready {
                condition,
                fd: entry.fd.as_raw_fd(),
                io: Rc::downgrade(self),
                entry: Rc::downgrade(&entry),
            });
        }
    }

    fn arm(&self, entry: &Entry) {
        let source = self.source.get();
        if source.is_null() || entry.is_polled.get() {
            return;
        }
        // SAFETY: the source is live: `close` has not run. It may be destroyed already, by somebody
        // else: then it takes no descriptors. This one is open, and its entry stays where it is, until
        // `remove`, which disarms it first.
        unsafe {
            if ffi::g_source_is_destroyed(source) == ffi::GFALSE {
                ffi::g_source_add_poll(source, entry.poll.get());
                entry.is_polled.set(true);
            }
        }
    }

    fn disarm(&self, entry: &Entry) {
        let source = self.source.get();
        // SAFETY: as in `arm`. A source that is destroyed polls nothing any more, and gives nothing back.
        unsafe {
            if entry.is_polled.replace(false) && ffi::g_source_is_destroyed(source) == ffi::GFALSE {
                ffi::g_source_remove_poll(source, entry.poll.get());
            }
        }
    }

    fn remove(&self, entry: &Rc<Entry>) {
        let mut watches = self.watches.borrow_mut();
        let Some(at) = watches.iter().position(|other| Rc::ptr_eq(other, entry)) else {
            return;
        };
        let entry = watches.swap_remove(at);
        drop(watches);
        self.disarm(&entry);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let (Some(io), Some(entry)) = (self.io.upgrade(), self.entry.upgrade()) {
            io.remove(&entry);
        }
    }
}

impl Ready {
    /// What the descriptor is ready for.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use rotor_glib::Ready;
    /// use glib::IOCondition;
    /// struct Pipe;
    /// impl Actor for Pipe {}
    /// impl Handler<Ready> for Pipe {
    ///     fn handle(&mut self, ready: Ready, cx: &mut Context<Self>) {
    ///         let what = ready.condition();
    ///         if what.intersects(IOCondition::ERR | IOCondition::HUP) && !what.contains(IOCondition::IN) {
    ///             cx.stop(); // nobody writes any more, and nothing is left to read
    ///         }
    ///     }
    /// }
    /// ```
    pub fn condition(&self) -> IOCondition {
        self.condition
    }

    /// The watched descriptor's number, to tell several apart.
    ///
    /// ```
    /// use rotor_core::*;
    /// use rotor_glib::{Ready, Watch};
    /// use std::collections::HashMap;
    /// struct Many { watches: HashMap<i32, Watch> }
    /// impl Actor for Many {}
    /// impl Handler<Ready> for Many {
    ///     fn handle(&mut self, ready: Ready, _: &mut Context<Self>) {
    ///         if ready.condition().contains(glib::IOCondition::HUP) {
    ///             self.watches.remove(&ready.fd()); // ends the watch, and closes its descriptor
    ///         }
    ///     }
    /// }
    /// ```
    pub fn fd(&self) -> RawFd {
        self.fd
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let (Some(io), Some(entry)) = (self.io.upgrade(), self.entry.upgrade())
            && io
                .watches
                .borrow()
                .iter()
                .any(|other| Rc::ptr_eq(other, &entry))
        {
            io.arm(&entry);
        }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watches = self.watches.borrow().len(); // what is written to may be a user's
        f.debug_struct("Io").field("watches", &watches).finish()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("fd", &self.fd)
            .field("condition", &self.condition)
            .finish()
    }
}
