//! Records: how a message of any type lies in a queue, and how it finds its handler.

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};

use crate::actor::TryHandler;
use crate::context::Context;
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
pub trait Request: Send + 'static {
    /// What the asker gets.
    type Reply: Send + 'static;
}

/// First words of a record: what it is, and for whom.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) kind: &'static Kind,
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// The slot number that means "the locality itself".
pub(crate) const LOCALITY: u32 = u32::MAX;

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

/// What can be done with a record; one constant per message and actor type.
pub(crate) struct Kind {
    /// Length of the record with its header.
    pub(crate) words: u32,
    /// The lane that it travels in.
    pub(crate) lane: u8,
    /// Whom it is for.
    pub(crate) way: Way,
    /// Moves the payload out and handles it. The pointer to the actor is valid, or null for kinds
    /// that find their target themselves.
    pub(crate) run: unsafe fn(Payload<'_>, *mut (), &Local, u32),
    /// Moves the payload out and drops it.
    pub(crate) discard: unsafe fn(*mut Word),
    /// Type name of the message.
    pub(crate) name: fn() -> &'static str,
}

/// Largest payload that lies in the queue itself; above it the copies cost more than a box.
const INLINE: usize = 128;

/// Whether a `T` lies in the record itself. More alignment than a word's goes into a box.
pub(crate) const fn is_inline<T>() -> bool {
    size_of::<T>() <= INLINE && align_of::<T>() <= align_of::<Word>()
}

/// Words of a record with an inline payload `T`.
pub(crate) const fn words_for<T>() -> u32 {
    (HEADER + size_of::<T>().div_ceil(size_of::<Word>())) as u32
}

/// A payload as it is stored: the message, or a box of it.
pub(crate) trait Stored: Sized {
    /// The message.
    type Message;
    fn open(self) -> Self::Message;
}

/// Stored in the record.
pub(crate) struct Inline<M>(pub(crate) M);
/// Stored in a box.
pub(crate) struct Boxed<M>(pub(crate) Box<M>);

impl<M> Stored for Inline<M> {
    type Message = M;
    #[inline(always)]
    fn open(self) -> M {
        self.0
    }
}

impl<M> Stored for Boxed<M> {
    type Message = M;
    fn open(self) -> M {
        *self.0
    }
}

/// The payload of a record at the head of a queue, and the cursor of that queue.
///
/// Whoever takes the payload moves the cursor on. It knows the record's length as a constant; if the
/// loop took it from the record instead, each message would wait for three loads that follow each
/// other.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    at: *mut Word,
    cursor: &'a Cell<*mut Word>,
}

impl<'a> Payload<'a> {
    /// # Safety
    /// `record` points to a record that is taken once, and is what `cursor` is set to move past; a
    /// record outside a queue has a cursor that nobody reads.
    #[inline(always)]
    pub(crate) unsafe fn of(record: *mut Word, cursor: &'a Cell<*mut Word>) -> Self {
        // SAFETY: a record has a header.
        let at = unsafe { record.add(HEADER) };
        Payload { at, cursor }
    }

    /// Moves the payload out and the cursor on: any code may run from here on.
    ///
    /// # Safety
    /// The payload is stored as `T`.
    #[inline(always)]
    pub(crate) unsafe fn take<T>(self) -> T {
        let words = const { words_for::<T>() as usize - HEADER };
        // SAFETY: the record is as long as its kind says, which was made for `T`.
        self.cursor.set(unsafe { self.at.add(words) });
        // SAFETY: as the caller says.
        unsafe { take(self.at) }
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

impl<A: TryHandler<M>, M: 'static> Typed<A, M> {
    pub(crate) const INLINE: &'static Kind = &Self::kind::<Inline<M>>();
    pub(crate) const BOXED: &'static Kind = &Self::kind::<Boxed<M>>();
    pub(crate) const KIND: &'static Kind = if is_inline::<M>() {
        Self::INLINE
    } else {
        Self::BOXED
    };

    const fn kind<S: Stored<Message = M>>() -> Kind {
        Kind {
            words: words_for::<S>(),
            lane: <A as TryHandler<M>>::LANE.index() as u8,
            way: Way::Actor,
            run: Self::run::<S>,
            discard: discard::<S>,
            name: std::any::type_name::<M>,
        }
    }

    unsafe fn run<S: Stored<Message = M>>(
        payload: Payload<'_>,
        actor: *mut (),
        here: &Local,
        slot: u32,
    ) {
        // SAFETY: a record of this kind has a payload `S`, taken once.
        let message = unsafe { payload.take::<S>() }.open();
        // SAFETY: dispatch compared the generation, and a generation is minted for one type.
        unsafe { Self::call(message, actor, here, slot) }
    }

    /// Calls the handler.
    ///
    /// # Safety
    /// `actor` is the live instance of `slot`, an `A`, and nothing else refers to it.
    #[inline(always)]
    pub(crate) unsafe fn call(message: M, actor: *mut (), here: &Local, slot: u32) {
        // SAFETY: as the caller says. Instances live in a box of their own, so that the table may
        // grow meanwhile, and are removed only between messages.
        let actor = unsafe { &mut *actor.cast::<A>() };
        let mut cx = Context::new(here, slot);
        if let Err(error) = actor.try_handle(message, &mut cx) {
            here.fail(slot, error);
        }
    }
}

/// A message `N` that is made into an `M` for an actor `A` by a function without state.
pub(crate) struct Mapped<A, N, M, F>(PhantomData<(A, N, M, F)>);

impl<A, N, M, F> Mapped<A, N, M, F>
where
    A: TryHandler<M>,
    N: 'static,
    M: 'static,
    F: Fn(N) -> M + Copy + 'static,
{
    const INLINE: &'static Kind = &Self::kind::<Inline<N>>();
    const BOXED: &'static Kind = &Self::kind::<Boxed<N>>();
    pub(crate) const KIND: &'static Kind = {
        assert!(
            size_of::<F>() == 0,
            "the function must not capture anything"
        );
        if is_inline::<N>() {
            Self::INLINE
        } else {
            Self::BOXED
        }
    };

    const fn kind<S: Stored<Message = N>>() -> Kind {
        Kind {
            words: words_for::<S>(),
            lane: <A as TryHandler<M>>::LANE.index() as u8,
            way: Way::Actor,
            run: Self::run::<S>,
            discard: discard::<S>,
            name: std::any::type_name::<N>,
        }
    }

    unsafe fn run<S: Stored<Message = N>>(
        payload: Payload<'_>,
        actor: *mut (),
        here: &Local,
        slot: u32,
    ) {
        // SAFETY: a record of this kind has a payload `S`.
        let message = unsafe { payload.take::<S>() }.open();
        // SAFETY: `F` is `Copy` and has no bytes; `Addr::map` was given one.
        let map = unsafe { std::ptr::NonNull::<F>::dangling().read() };
        // SAFETY: as in `Typed::run`.
        unsafe { Typed::<A, M>::call(map(message), actor, here, slot) }
    }
}
