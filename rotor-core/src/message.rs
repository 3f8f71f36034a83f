//! Records: how a message of any type lies in a queue, and how it finds its handler.

#![expect(unsafe_code)]

use std::any::Any;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};

use crate::actor::TryHandler;
use crate::address::{Address, push_message};
use crate::context::Context;
use crate::exit::Exit;
use crate::gate::BOUNDED;
use crate::lane::SYSTEM;
use crate::locality::Local;
use crate::queue::{HEADER, Word};

/// A message that expects an answer.
///
/// Requests and replies are `Send`, also between actors of one locality.
///
/// ```
/// use rotor_core::Request;
/// struct Count(String);
/// impl Request for Count {
///     type Reply = usize;
/// }
/// ```
///
/// A reply that stays on its thread is rejected:
/// ```compile_fail,E0277
/// # use rotor_core::Request;
/// struct Bad;
/// impl Request for Bad {
///     type Reply = std::rc::Rc<()>;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request",
    note = "write `impl Request for {Self} {{ type Reply = ..; }}`"
)]
pub trait Request: Send + 'static {
    /// What the asker gets.
    type Reply: Send + 'static;
}

/// First words of a record: what it is, and for whom.
///
/// Two words and no more fields: such a pair is passed in registers, also to a function that is not
/// inlined. One that was passed in memory would be copied from there by one wide load over two
/// narrow stores, which processors do not forward.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) kind: &'static Kind,
    /// The slot, and above it the generation.
    pub(crate) target: u64,
}

impl Header {
    #[inline(always)]
    pub(crate) fn new(kind: &'static Kind, slot: u32, generation: u32) -> Self {
        let target = Header::target(slot, generation);
        Header { kind, target }
    }

    /// A target of a slot and a generation.
    #[inline(always)]
    pub(crate) const fn target(slot: u32, generation: u32) -> u64 {
        (generation as u64) << 32 | slot as u64
    }

    /// The slot and the generation in a target.
    #[inline(always)]
    pub(crate) const fn split(target: u64) -> (u32, u32) {
        (target as u32, (target >> 32) as u32)
    }

    #[inline(always)]
    pub(crate) fn slot(self) -> u32 {
        Header::split(self.target).0
    }

    #[inline(always)]
    pub(crate) fn generation(self) -> u32 {
        Header::split(self.target).1
    }

    /// Whether what waits at its address is bounded.
    #[inline(always)]
    pub(crate) fn is_bounded(self) -> bool {
        self.generation() & BOUNDED != 0 && self.kind.way == Way::Actor
    }

    /// Whether it is core's own, for a locality itself.
    pub(crate) fn is_control(self) -> bool {
        self.slot() == LOCALITY && self.kind.way == Way::Own
    }
}

/// The slot number that means "the locality itself".
pub(crate) const LOCALITY: u32 = u32::MAX;
/// In place of a slot number: the target of the record that is run.
pub(crate) const RECORD: u32 = u32::MAX - 1;
/// In place of a slot number: a message is cloned for a subscriber, which has no instance to blame.
pub(crate) const CLONE: u32 = u32::MAX - 2;

/// Whom a record is for, when its slot has no running instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The actor in the slot: parked until it runs.
    Actor,
    /// The instance in the slot: a reply, timer or task of its own, which ends with it.
    Own,
    /// The address: publishing to its subscribers does not need an actor there.
    Address,
}

/// What can be done with a record; one constant per [`Record`] and way of storing it.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Length of the record with its header.
    pub(crate) words: u32,
    /// The lane that it travels in.
    pub(crate) lane: u8,
    /// Whom it is for.
    pub(crate) way: Way,
    /// Moves the payload out of a record, handles it, and returns the length of the record in bytes.
    ///
    /// The length comes from here because it is a constant here: a loop that took it from the
    /// record would wait for three loads that follow each other before it knew the next record. The
    /// pointer to the actor is valid, or null for kinds that find their target themselves.
    pub(crate) run: unsafe fn(*mut Word, *mut (), &Local, u32) -> usize,
    /// Moves the payload out and drops it.
    pub(crate) discard: unsafe fn(*mut Word),
    /// Type name of the message.
    pub(crate) name: fn() -> &'static str,
    /// Shows the message in a payload, without moving it: see [`Record::look`].
    pub(crate) look: unsafe fn(*mut Word) -> *const dyn Any,
    /// Tells where the message in a payload was published: see [`Record::topic`].
    pub(crate) topic: unsafe fn(*mut Word) -> Option<Address>,
}

impl Kind {
    /// Length of the record in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.words as usize * size_of::<Word>()
    }

    const fn of<R: Record, S: Stored<Message = R::Message>>() -> Kind {
        Kind {
            words: words_for::<S>(),
            lane: R::LANE as u8,
            way: R::WAY,
            run: run::<R, S>,
            discard: discard::<S>,
            name: R::name,
            look: look::<R, S>,
            topic: topic::<R, S>,
        }
    }
}

/// What a record holds, and what is done with that.
pub(crate) trait Record: Sized {
    /// What it holds.
    type Message: 'static;
    /// The lane that it travels in.
    const LANE: usize;
    /// Whom it is for.
    const WAY: Way;

    /// The kind of records whose message lies in the record itself.
    const INLINE: &'static Kind = &Kind::of::<Self, Inline<Self::Message>>();
    /// The kind of records whose message lies in a box.
    const BOXED: &'static Kind = &Kind::of::<Self, Boxed<Self::Message>>();
    /// The kind that its messages have by their size.
    const KIND: &'static Kind = if is_inline::<Self::Message>() {
        Self::INLINE
    } else {
        Self::BOXED
    };

    /// Type name of the message, as reports show it.
    fn name() -> &'static str {
        std::any::type_name::<Self::Message>()
    }

    /// The message as hooks see it; of what is for a locality, the address that it was sent to.
    fn look(message: &Self::Message) -> &dyn Any {
        message
    }

    /// Where the message was published, as hooks know it; of what is sent, nowhere.
    fn topic(_: &Self::Message) -> Option<Address> {
        None
    }

    /// Handles the message.
    ///
    /// # Safety
    /// `actor` is what the kind's [`Way`] says: the live instance of `slot`, of the type that the
    /// record was made for, and nothing else refers to it; or null.
    unsafe fn run(message: Self::Message, actor: *mut (), here: &Local, slot: u32);

    /// Sends a message of this kind.
    #[inline(always)]
    fn push(to: Address, message: Self::Message) {
        push_message(to, Self::KIND, Self::LANE, message);
    }
}

/// What a locality is told, or an address whoever has it: an order or a report, which looks at no actor. So
/// nobody who writes one needs unsafe code.
pub(crate) trait Command: Sized + 'static {
    /// The lane that it travels in.
    const LANE: usize = SYSTEM;
    /// Whom it is for.
    const WAY: Way = Way::Own;

    /// Type name of the message, as reports show it.
    fn name() -> &'static str {
        std::any::type_name::<Self>()
    }

    /// What reports see of it: of a message for whoever has an address, that.
    fn look(&self) -> &dyn Any {
        self
    }

    /// Does what it says. The slot is the one that it was sent to, or `LOCALITY`.
    fn run(self, here: &Local, slot: u32);

    /// Sends it.
    #[inline(always)]
    fn push(self, to: Address) {
        Commanded::push(to, self);
    }
}

/// The records of a command.
pub(crate) struct Commanded<C>(PhantomData<C>);

impl<C: Command> Record for Commanded<C> {
    type Message = C;
    const LANE: usize = C::LANE;
    const WAY: Way = C::WAY;

    fn name() -> &'static str {
        C::name()
    }

    fn look(command: &C) -> &dyn Any {
        command.look()
    }

    #[inline(always)]
    unsafe fn run(command: C, _: *mut (), here: &Local, slot: u32) {
        command.run(here, slot);
    }
}

/// What one instance is told, if it still waits for that when it comes.
pub(crate) trait Notice: Sized + 'static {
    /// What the instance handles.
    type Message: 'static;

    /// The message, if it is for the instance that is in the slot now.
    fn open(self, here: &Local, slot: u32) -> Option<Self::Message>;
}

/// The records of a notice for an actor `A`.
pub(crate) struct Noticed<A, N>(PhantomData<(A, N)>);

impl<A: TryHandler<N::Message>, N: Notice> Record for Noticed<A, N> {
    type Message = N;
    const LANE: usize = <A as TryHandler<N::Message>>::LANE.index();
    const WAY: Way = Way::Own;

    fn name() -> &'static str {
        std::any::type_name::<N::Message>()
    }

    unsafe fn run(notice: N, actor: *mut (), here: &Local, slot: u32) {
        if let Some(message) = notice.open(here, slot) {
            // SAFETY: passed on.
            unsafe { Typed::<A, N::Message>::run(message, actor, here, slot) }
        }
    }
}

/// # Safety
/// `at` is a record with this function in its kind, whose payload is not used again; `actor` as for
/// [`Record::run`].
unsafe fn run<R: Record, S: Stored<Message = R::Message>>(
    at: *mut Word,
    actor: *mut (),
    here: &Local,
    slot: u32,
) -> usize {
    // SAFETY: a record of this kind has a payload `S`. It is moved out before any other code runs.
    let message = unsafe { take::<S>(at.add(HEADER)) }.open();
    // SAFETY: passed on.
    unsafe { R::run(message, actor, here, slot) };
    const { words_for::<S>() as usize * size_of::<Word>() }
}

/// # Safety
/// `payload` is one of a record with this function in its kind, and has not been moved out.
unsafe fn look<R: Record, S: Stored<Message = R::Message>>(payload: *mut Word) -> *const dyn Any {
    // SAFETY: a record of this kind has a payload `S`.
    R::look(unsafe { &*payload.cast::<S>() }.look())
}

/// # Safety
/// As for [`look`].
unsafe fn topic<R: Record, S: Stored<Message = R::Message>>(payload: *mut Word) -> Option<Address> {
    // SAFETY: a record of this kind has a payload `S`.
    R::topic(unsafe { &*payload.cast::<S>() }.look())
}

/// Largest payload that lies in the queue itself; above it the copies cost more than a box.
pub(crate) const INLINE: usize = 128;

/// Whether a `T` lies in the record itself. More alignment than a word's goes into a box.
pub(crate) const fn is_inline<T>() -> bool {
    size_of::<T>() <= INLINE && align_of::<T>() <= align_of::<Word>()
}

/// Whether a `T` is passed in registers: up to two words are.
pub(crate) const fn in_registers<T>() -> bool {
    size_of::<T>() <= 2 * size_of::<Word>()
}

/// Words of a record with an inline payload `T`.
pub(crate) const fn words_for<T>() -> u32 {
    (HEADER + size_of::<T>().div_ceil(size_of::<Word>())) as u32
}

/// A payload as it is stored: the message, or a box of it.
pub(crate) trait Stored: Sized {
    /// The message.
    type Message: 'static;
    fn open(self) -> Self::Message;
    fn look(&self) -> &Self::Message;
}

/// Stored in the record.
pub(crate) struct Inline<M>(pub(crate) M);
/// Stored in a box.
pub(crate) struct Boxed<M>(pub(crate) Box<M>);

impl<M: 'static> Stored for Inline<M> {
    type Message = M;
    #[inline(always)]
    fn open(self) -> M {
        self.0
    }

    fn look(&self) -> &M {
        &self.0
    }
}

impl<M: 'static> Stored for Boxed<M> {
    type Message = M;
    fn open(self) -> M {
        *self.0
    }

    fn look(&self) -> &M {
        &self.0
    }
}

/// Takes a payload out of a record.
///
/// # Safety
/// `payload` points to the payload of a record stored as `T`, which nobody reads again.
#[inline(always)]
pub(crate) unsafe fn take<T>(payload: *mut Word) -> T {
    // SAFETY: the caller vouches; payloads are aligned to words and `T` needs no more.
    unsafe { payload.cast::<T>().read() }
}

/// Drops a payload stored as `T`.
///
/// # Safety
/// As for [`take`].
pub(crate) unsafe fn discard<T>(payload: *mut Word) {
    // SAFETY: as the caller says.
    drop(unsafe { take::<T>(payload) });
}

/// A message `M` for an actor `A`.
pub(crate) struct Typed<A, M>(PhantomData<(A, M)>);

impl<A: TryHandler<M>, M: 'static> Record for Typed<A, M> {
    type Message = M;
    const LANE: usize = <A as TryHandler<M>>::LANE.index();
    const WAY: Way = Way::Actor;

    #[inline(always)]
    unsafe fn run(message: M, actor: *mut (), here: &Local, slot: u32) {
        // SAFETY: passed on.
        unsafe { Self::call(actor, message, here, slot) }
    }
}

impl<A: TryHandler<M>, M: 'static> Typed<A, M> {
    /// Has an instance handle a message. The instance comes first, as it does for its handler: what is
    /// in registers stays where it is.
    ///
    /// The one caller of the handler, which is thus a part of it, whatever else points here.
    ///
    /// # Safety
    /// As for [`Record::run`].
    #[inline]
    pub(crate) unsafe fn call(actor: *mut (), message: M, here: &Local, slot: u32) {
        // SAFETY: as the caller says. Instances live in a box of their own, so that the table may
        // grow meanwhile, and are removed only between messages.
        let actor = unsafe { &mut *actor.cast::<A>() };
        let mut cx = Context::new(here, slot);
        if let Err(error) = actor.try_handle(message, &mut cx) {
            here.fail(slot, Exit::failed(error));
        }
    }
}

/// A message `N` that is made into an `M` for an actor `A` by a function without state.
pub(crate) struct Mapped<A, N, M, F>(PhantomData<(A, N, M, F)>);

impl<A, N, M, F> Record for Mapped<A, N, M, F>
where
    A: TryHandler<M>,
    N: 'static,
    M: 'static,
    F: Fn(N) -> M + Copy + 'static,
{
    type Message = N;
    const LANE: usize = <A as TryHandler<M>>::LANE.index();
    const WAY: Way = {
        assert!(
            size_of::<F>() == 0,
            "the function must not capture anything"
        );
        Way::Actor
    };

    unsafe fn run(message: N, actor: *mut (), here: &Local, slot: u32) {
        // SAFETY: `F` is `Copy` and has no bytes; `Addr::map` was given one.
        let map = unsafe { std::ptr::NonNull::<F>::dangling().read() };
        // SAFETY: passed on.
        unsafe { Typed::<A, M>::run(map(message), actor, here, slot) }
    }
}
