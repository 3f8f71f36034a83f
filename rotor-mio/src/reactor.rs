//! What is registered with a poll: tokens, owners, and who has something to tell.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Instant;

use mio::event::Event;
use mio::{Registry, Token};
use rotor_core::{Actor, Address, Context};

use crate::signal::Signal;

/// Bits of a token that are the index into the table. The rest is a serial number, so that an event
/// of a source that is gone misses the one that has its place now.
const INDEX_BITS: u32 = usize::BITS / 2;
/// Serial numbers that there are at least, so that none comes again soon. A system of 32 bits has twice
/// as many.
const SERIALS: usize = 1 << 15;

/// A registered source.
pub(crate) trait Entry {
    fn tie(&self) -> &Tie;

    /// Registers the socket.
    fn register(&self, registry: &Registry, token: Token) -> io::Result<()>;

    /// Notes what the poll says. Sends nothing.
    fn note(&self, event: &Event);

    /// Does what is to be done: sends messages, writes, accepts. Between turns.
    fn serve(self: Rc<Self>);

    /// A message of this source was handled, or thrown away.
    fn handled(self: Rc<Self>);

    /// Its pause is over.
    fn resume(&self) {}

    /// Drops the socket, after `deregister`.
    fn close(&self, registry: &Registry);
}

/// The tie of a source to its reactor.
pub(crate) struct Tie {
    reactor: Rc<Reactor>,
    token: Token,
    index: Cell<Option<usize>>,
    /// It is on the list of those to be served.
    hot: Cell<bool>,
}

/// The sources of one loop.
pub(crate) struct Reactor {
    registry: Registry,
    /// Of the loop that is to serve them.
    signal: Arc<Signal>,
    first: usize,
    /// How many serial numbers there are above `first`.
    serials: usize,
    table: RefCell<Table>,
    /// Sources with something to do, in the order in which it came up. Their rows keep them: a strong
    /// pointer would keep the reactor of a loop that ends, which they refer to.
    hot: RefCell<Vec<Weak<dyn Entry>>>,
    /// Sources that wait for better times.
    paused: RefCell<Vec<(Instant, Weak<dyn Entry>)>>,
    /// Indices of the sources of each instance that has some.
    owners: RefCell<HashMap<Address, HashSet<usize>>>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    free: Vec<usize>,
    next_serial: usize,
}

struct Row {
    serial: usize,
    owner: Option<Address>,
    entry: Option<Rc<dyn Entry>>,
}

impl Reactor {
    /// A reactor whose tokens are `first` and above.
    pub(crate) fn new(
        registry: Registry,
        signal: Arc<Signal>,
        first: Token,
    ) -> io::Result<Rc<Self>> {
        let serials = (usize::MAX - first.0) >> INDEX_BITS;
        if serials < SERIALS {
            let text = "there are too few tokens above the first one";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(Rc::new(Reactor {
            registry,
            signal,
            first: first.0,
            serials,
            table: RefCell::default(),
            hot: RefCell::default(),
            paused: RefCell::default(),
            owners: RefCell::default(),
        }))
    }

    /// Registers a source for the instance that `cx` belongs to.
    pub(crate) fn tie<A: Actor, E: Entry + 'static>(
        self: &Rc<Self>,
        cx: &mut Context<A>,
        make: impl FnOnce(Tie) -> E,
    ) -> io::Result<Rc<E>> {
        let owner = cx.addr().address();
        let (index, token) = self.take_row()?;
        let entry = Rc::new(make(Tie {
            reactor: self.clone(),
            token,
            index: Cell::new(Some(index)),
            hot: Cell::new(false),
        }));
        if let Err(error) = entry.register(&self.registry, token) {
            self.table.borrow_mut().free.push(index);
            return Err(error);
        }
        let mut table = self.table.borrow_mut();
        table.rows[index].owner = Some(owner);
        table.rows[index].entry = Some(entry.clone());
        drop(table);
        let mut owners = self.owners.borrow_mut();
        let owned = owners.entry(owner).or_insert_with(|| {
            // Once per instance: one that reconnects for ever must not collect closures.
            let this = Rc::downgrade(self);
            cx.at_end(move || Reactor::instance_ended(&this, owner));
            HashSet::new()
        });
        owned.insert(index);
        Ok(entry)
    }

    /// Notes an event, if it is for a source that is still there.
    pub(crate) fn note(&self, event: &Event) {
        if let Some(entry) = self.find(event.token()) {
            entry.note(event);
            self.heat(&entry);
        }
    }

    /// Serves those that have something to do, once each. True if there were some.
    pub(crate) fn serve(&self) -> bool {
        self.resume();
        let hot = std::mem::take(&mut *self.hot.borrow_mut());
        let any = !hot.is_empty();
        for entry in hot.iter().filter_map(Weak::upgrade) {
            entry.tie().hot.set(false);
            if entry.tie().is_tied() {
                entry.serve();
            }
        }
        any
    }

    /// Whether somebody has something to do now.
    pub(crate) fn is_hot(&self) -> bool {
        !self.hot.borrow().is_empty()
    }

    /// When the next pause is over.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.paused.borrow().iter().map(|(due, _)| *due).min()
    }

    /// Whether nothing is registered.
    pub(crate) fn is_empty(&self) -> bool {
        let table = self.table.borrow();
        table.rows.len() == table.free.len()
    }

    fn resume(&self) {
        if self.paused.borrow().is_empty() {
            return;
        }
        let now = Instant::now();
        let all = std::mem::take(&mut *self.paused.borrow_mut());
        for (due, entry) in all {
            if due > now {
                self.paused.borrow_mut().push((due, entry));
            } else if let Some(entry) = entry.upgrade() {
                entry.resume();
                self.heat(&entry);
            }
        }
    }

    fn heat(&self, entry: &Rc<dyn Entry>) {
        if entry.tie().is_tied() && !entry.tie().hot.replace(true) {
            self.hot.borrow_mut().push(Rc::downgrade(entry));
            // Whoever holds a message, or a socket, may use it, or let go of it, while the loop waits.
            self.signal.rouse();
        }
    }

    fn take_row(&self) -> io::Result<(usize, Token)> {
        let mut table = self.table.borrow_mut();
        let serial = table.next_serial;
        table.next_serial = (serial + 1) % self.serials;
        let index = match table.free.pop() {
            Some(index) => index,
            None if table.rows.len() >> INDEX_BITS == 0 => {
                table.rows.push(Row {
                    serial,
                    owner: None,
                    entry: None,
                });
                table.rows.len() - 1
            }
            None => return Err(io::Error::other("no token is left")),
        };
        table.rows[index].serial = serial;
        Ok((index, Token(self.first + (serial << INDEX_BITS | index))))
    }

    fn find(&self, token: Token) -> Option<Rc<dyn Entry>> {
        let value = token.0.checked_sub(self.first)?;
        let (serial, index) = (value >> INDEX_BITS, value & ((1 << INDEX_BITS) - 1));
        let table = self.table.borrow();
        let row = table.rows.get(index).filter(|row| row.serial == serial)?;
        row.entry.clone()
    }

    fn remove(&self, index: usize) {
        let mut table = self.table.borrow_mut();
        let row = &mut table.rows[index];
        let (entry, owner) = (row.entry.take(), row.owner.take());
        table.free.push(index);
        drop(table);
        if let Some(owner) = owner
            && let Some(owned) = self.owners.borrow_mut().get_mut(&owner)
        {
            owned.remove(&index);
        }
        drop(entry);
    }

    /// Closes what an instance has left open, wherever the wrappers are now.
    fn instance_ended(this: &Weak<Self>, owner: Address) {
        let Some(this) = this.upgrade() else { return };
        let owned = this.owners.borrow_mut().remove(&owner);
        for index in owned.into_iter().flatten() {
            let entry = this.table.borrow().rows[index].entry.clone();
            if let Some(entry) = entry {
                entry.tie().untie(&*entry);
            }
        }
    }
}

impl Tie {
    pub(crate) fn token(&self) -> Token {
        self.token
    }

    pub(crate) fn is_tied(&self) -> bool {
        self.index.get().is_some()
    }

    /// Has the source served before the next turn.
    pub(crate) fn heat(&self, entry: Rc<dyn Entry>) {
        self.reactor.heat(&entry);
    }

    /// Has the source resumed at some time.
    pub(crate) fn pause(&self, entry: Rc<dyn Entry>, until: Instant) {
        let entry = Rc::downgrade(&entry);
        self.reactor.paused.borrow_mut().push((until, entry));
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.reactor.registry
    }

    /// Ends the registration and closes the socket. Does nothing the second time.
    pub(crate) fn untie(&self, entry: &dyn Entry) {
        if let Some(index) = self.index.take() {
            entry.close(&self.reactor.registry);
            self.reactor.remove(index);
        }
    }
}
