//! Recipients: an address known only by the message type it takes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::time::Duration;

use crate::address::{Address, Undelivered, push_message};
use crate::message::{Kind, Request};
use crate::request::{Ask, Asking, RequestError, ask_blocking};

/// The address of some actor that handles `M`.
///
/// `Copy`, 24 bytes; equality, order and hash go by the address. Made by
/// [`Addr::to`](crate::Addr::to).
pub struct Recipient<M> {
    address: Address,
    kind: &'static Kind,
    message: PhantomData<fn(M)>,
}

impl<M: 'static> Recipient<M> {
    pub(crate) fn new(address: Address, kind: &'static Kind) -> Self {
        Recipient {
            address,
            kind,
            message: PhantomData,
        }
    }

    /// The address behind it.
    pub fn address(self) -> Address {
        self.address
    }

    /// Sends a message. Any thread; never blocks. See [`Addr::send`](crate::Addr::send).
    #[inline]
    pub fn send(self, message: M)
    where
        M: Send,
    {
        push_message(self.address, self.kind, self.kind.lane as usize, message);
    }

    /// Sends a message, or hands it back if it is known at once that it cannot be delivered. See
    /// [`Addr::try_send`](crate::Addr::try_send).
    ///
    /// # Errors
    /// As there.
    pub fn try_send(self, message: M) -> Result<(), Undelivered<M>>
    where
        M: Send,
    {
        match self.address.obstacle() {
            Some(reason) => Err(Undelivered { message, reason }),
            None => {
                self.send(message);
                Ok(())
            }
        }
    }
}

impl<Q: Request> Recipient<Ask<Q>> {
    /// Asks and returns a future of the answer. See [`Addr::ask`](crate::Addr::ask).
    pub fn ask(self, request: Q, limit: Duration) -> Asking<Q::Reply> {
        Asking::start(self, request, limit)
    }

    /// Asks from a plain thread and blocks it. See [`Addr::ask_blocking`](crate::Addr::ask_blocking).
    ///
    /// # Errors
    /// As there.
    pub fn ask_blocking(self, request: Q, limit: Duration) -> Result<Q::Reply, RequestError> {
        ask_blocking(self, request, limit)
    }
}

impl<M> Clone for Recipient<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Recipient<M> {}

impl<M> PartialEq for Recipient<M> {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl<M> Eq for Recipient<M> {}

impl<M> PartialOrd for Recipient<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> Ord for Recipient<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.address.cmp(&other.address)
    }
}

impl<M> Hash for Recipient<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
    }
}

impl<M> fmt::Debug for Recipient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.address, f)
    }
}
