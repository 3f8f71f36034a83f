//! Recipients: an address known only by the message type it takes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::time::Duration;

use crate::address::{Address, Undelivered, push_message, try_push};
use crate::message::{Kind, Request};
use crate::request::{Ask, Asking, RequestError, ask_blocking};
use crate::sending::Sending;

/// The address of some actor that handles `M`.
///
/// `Copy`, 24 bytes; equality, order and hash go by the address. Made by
/// [`Addr::to`](crate::Addr::to).
///
/// Whoever has it does not know who is behind it: a log, a test's probe, an inbox.
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Thermometer { out: Recipient<f32> }
/// impl Actor for Thermometer {
///     fn start(&mut self, _: &mut Context<Self>) -> Result {
///         self.out.send(21.5);
///         Ok(())
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// let probe = sim.probe();
/// let out: Recipient<f32> = probe.recipient();
/// sim.start(Supervisor::one_for_one("app")
///     .child(Child::new("thermometer", move || Thermometer { out })))?;
/// sim.run_until_idle();
/// assert_eq!(probe.take(), [21.5]);
/// # Ok::<_, StartError>(())
/// ```
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
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Subscribers(Vec<Recipient<String>>);
    /// impl Subscribers {
    ///     /// Takes out whoever has ended.
    ///     fn sweep(&mut self) {
    ///         self.0.retain(|whom| whom.address().state() != Lifecycle::Gone);
    ///     }
    /// }
    /// let inbox = Inbox::new(1);
    /// let mut all = Subscribers(vec![inbox.recipient()]);
    /// drop(inbox);
    /// all.sweep();
    /// assert!(all.0.is_empty());
    /// ```
    pub fn address(self) -> Address {
        self.address
    }

    /// Sends a message. Any thread; never blocks. See [`Addr::send`](crate::Addr::send).
    ///
    /// ```
    /// # use rotor_core::*;
    /// fn tell_all(whom: &[Recipient<String>], text: &str) {
    ///     for recipient in whom {
    ///         recipient.send(text.to_owned());
    ///     }
    /// }
    /// let (one, two) = (Inbox::new(1), Inbox::new(1));
    /// tell_all(&[one.recipient(), two.recipient()], "closing time");
    /// assert_eq!(two.try_recv().as_deref(), Ok("closing time"));
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::*;
    /// let inbox = Inbox::new(1);
    /// let jobs = inbox.recipient();
    /// assert!(jobs.try_send("first").is_ok());
    /// let back = jobs.try_send("second").unwrap_err();
    /// assert_eq!((back.message, back.reason), ("second", Reason::Full)); // for somebody else
    /// ```
    pub fn try_send(self, message: M) -> Result<(), Undelivered<M>>
    where
        M: Send,
    {
        try_push(self.address, self.kind, message, false)
    }

    /// Sends a message as soon as there is room for it: a future. See
    /// [`Addr::send_within`](crate::Addr::send_within).
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// async fn forward(lines: Vec<String>, to: Recipient<String>) -> usize {
    ///     let mut lost = 0;
    ///     for line in lines {
    ///         let sent = to.send_within(line, Duration::from_millis(100)).await;
    ///         lost += usize::from(sent.is_err());
    ///     }
    ///     lost
    /// }
    /// # let _ = forward(Vec::new(), Inbox::new(1).recipient());
    /// ```
    pub fn send_within(self, message: M, limit: Duration) -> Sending<M>
    where
        M: Send,
    {
        Sending::new(self.address, self.kind, message, limit)
    }
}

impl<Q: Request> Recipient<Ask<Q>> {
    /// Asks and returns a future of the answer. See [`Addr::ask`](crate::Addr::ask).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// struct Age(&'static str);
    /// impl Request for Age { type Reply = u8; }
    /// /// Whoever can answer.
    /// async fn is_older(whom: Recipient<Ask<Age>>, a: &'static str, b: &'static str) -> Option<bool> {
    ///     let limit = Duration::from_secs(1);
    ///     Some(whom.ask(Age(a), limit).await.ok()? > whom.ask(Age(b), limit).await.ok()?)
    /// }
    /// # struct People;
    /// # impl Actor for People {}
    /// # impl Handler<Ask<Age>> for People {
    /// #     fn handle(&mut self, ask: Ask<Age>, _: &mut Context<Self>) {
    /// #         let age = ask.request.0.len() as u8;
    /// #         ask.reply(age);
    /// #     }
    /// # }
    /// # let mut sim = Sim::new(1);
    /// # let people = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("people", || People).at(people)))?;
    /// assert_eq!(sim.block_on(is_older(people.to(), "Methuselah", "Ada")), Some(Some(true)));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn ask(self, request: Q, limit: Duration) -> Asking<Q::Reply> {
        Asking::start(self, request, limit)
    }

    /// Asks from a plain thread and blocks it. See [`Addr::ask_blocking`](crate::Addr::ask_blocking).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Examples
    /// Here both sides are plain threads:
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// struct Square(u32);
    /// impl Request for Square { type Reply = u32; }
    /// let inbox = Inbox::<Ask<Square>>::new(4);
    /// let squares = inbox.recipient();
    /// std::thread::spawn(move || {
    ///     while let Ok(ask) = inbox.recv() {
    ///         let n = ask.request.0;
    ///         ask.reply(n * n);
    ///     }
    /// });
    /// assert_eq!(squares.ask_blocking(Square(7), Duration::from_secs(5)).ok(), Some(49));
    /// ```
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
