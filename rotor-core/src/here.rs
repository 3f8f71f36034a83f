//! What this thread is doing: the locality whose slice runs here, and those pinned here.
//!
//! Only constant thread-locals without destructors: they work at any time, also while the thread
//! ends.

#![expect(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use crate::gate::Gate;
use crate::locality::Local;
use crate::message::INLINE;
use crate::panic_hook;
use crate::queue::Word;
use crate::request::RequestError;

/// The thread's own state.
pub(crate) struct Here {
    /// Gate of the locality whose slice runs on this thread now, unless that signs what it sends.
    pub(crate) gate: Cell<*const Gate>,
    /// That locality.
    pub(crate) local: Cell<*const Local>,
    /// The locality whose slice runs on this thread now, if it signs: see `signed`.
    pub(crate) signing: Cell<*const Local>,
    /// First of the localities that are pinned to this thread.
    pub(crate) pinned: Cell<*const Local>,
    /// A driver of this thread is inside a turn.
    pub(crate) turning: Cell<bool>,
    /// The thread's number; 0 until it is asked for.
    pub(crate) thread: Cell<usize>,
    /// What a request token that is dropped now tells its asker.
    pub(crate) verdict: Cell<*const RequestError>,
    /// How many messages, one because of the other, are being redirected.
    pub(crate) redirects: Cell<u8>,
    /// What is lost is counted, and the observer is not told.
    hushed: Cell<bool>,
    /// Where the payload of a long message lies on its way to another locality.
    pub(crate) aside: UnsafeCell<[Word; INLINE / size_of::<Word>()]>,
}

thread_local! {
    pub(crate) static HERE: Here = const {
        Here {
            gate: Cell::new(ptr::null()),
            local: Cell::new(ptr::null()),
            signing: Cell::new(ptr::null()),
            pinned: Cell::new(ptr::null()),
            turning: Cell::new(false),
            thread: Cell::new(0),
            verdict: Cell::new(ptr::null()),
            redirects: Cell::new(0),
            hushed: Cell::new(false),
            aside: UnsafeCell::new([Word::uninit(); INLINE / size_of::<Word>()]),
        }
    };
}

impl Here {
    /// The locality whose slice runs on this thread now, or null.
    pub(crate) fn running(&self) -> *const Local {
        let local = self.local.get();
        if local.is_null() {
            self.signing.get()
        } else {
            local
        }
    }
}

/// Gate of the locality whose slice runs on this thread now.
pub(crate) fn running_gate() -> Option<&'static Gate> {
    let local = HERE.with(Here::running);
    // SAFETY: its slice keeps it.
    unsafe { local.as_ref() }.map(|local| local.gate)
}

/// Whether a slice of the locality of `gate` runs on this thread now.
pub(crate) fn runs(gate: &Gate) -> bool {
    running_gate().is_some_and(|running| ptr::eq(running, gate))
}

/// Takes a locality off this thread's list.
pub(crate) fn unpin(local: &Rc<Local>) {
    HERE.with(|here| {
        let mut link = &here.pinned;
        loop {
            // SAFETY: what is listed is kept by its driver, which takes it off before it lets go.
            let Some(at) = (unsafe { link.get().as_ref() }) else {
                return;
            };
            if ptr::eq(at, Rc::as_ptr(local)) {
                return link.set(at.next_pinned.get());
            }
            link = &at.next_pinned;
        }
    });
}

/// Hands over what the locality that runs on this thread now has collected for others.
pub(crate) fn flush() {
    let local = HERE.with(Here::running);
    // SAFETY: its slice keeps it.
    if let Some(local) = unsafe { local.as_ref() } {
        local.flush();
    }
}

/// Hands over what the running locality has collected, if what is sent to this gate now goes behind
/// that.
///
/// Before the locality is looked for: what is refused on the way is dropped, which may end it.
pub(crate) fn flush_ahead_of(gate: &'static Gate) {
    if with_local(gate, |local| local.is_some_and(Local::is_behind)) {
        flush();
    }
}

/// Whether a driver of this thread is inside a turn: what blocks here, blocks its localities.
pub(crate) fn in_turn() -> bool {
    HERE.with(|here| here.turning.get())
}

/// A number that names this thread, and no other one, ever; never 0.
///
/// Not the address of a thread-local: a thread that is started later may get the same.
pub(crate) fn thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    HERE.with(|here| {
        if here.thread.get() == 0 {
            here.thread.set(NEXT.fetch_add(1, Relaxed));
        }
        here.thread.get()
    })
}

/// While it is there, observers are not told on this thread of what is lost: it is what they have sent
/// themselves, and would be without end.
pub(crate) struct Hush(());

impl Hush {
    /// None if there is one.
    pub(crate) fn begin() -> Option<Self> {
        let hushed = HERE.with(|here| here.hushed.replace(true));
        (!hushed).then(|| Hush(())) // one that is made and dropped would end the other
    }

    /// Whether there is one.
    pub(crate) fn is_there() -> bool {
        HERE.with(|here| here.hushed.get())
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        HERE.with(|here| here.hushed.set(false));
    }
}

/// Runs `f` with the locality of `gate` if it is pinned to this thread.
///
/// Inside a slice of that locality, and also outside any turn. `f` runs no user code, which might drop
/// the driver, and the locality with it.
#[inline]
pub(crate) fn with_local<R>(gate: &'static Gate, f: impl FnOnce(Option<&Local>) -> R) -> R {
    let mut local = HERE.with(|here| {
        if ptr::eq(here.gate.get(), gate) {
            here.local.get()
        } else {
            here.pinned.get()
        }
    });
    loop {
        // SAFETY: `local` runs now or is pinned. The driver keeps it allocated while it is listed
        // here, and takes it off this list, on this thread, before it lets go of it: not in `f`.
        match unsafe { local.as_ref() } {
            None => return f(None),
            Some(found) if ptr::eq(found.gate, gate) && !found.abandoned.load(Relaxed) => {
                return f(Some(found));
            }
            Some(other) => local = other.next_pinned.get(),
        }
    }
}

/// From where a locality is found by [`with_reachable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From everywhere on its thread.
    Thread,
    /// Not from slices of other localities: a simulation keeps its localities apart, as if each had
    /// a thread.
    Outside,
    /// From its own slices only: another locality of the simulation is being dropped.
    Itself,
}

/// As [`with_local`], for what would go through the gate if the locality were on another thread.
#[inline]
pub(crate) fn with_reachable<R>(gate: &'static Gate, f: impl FnOnce(Option<&Local>) -> R) -> R {
    with_local(gate, |local| {
        f(local.filter(|local| match local.reach.get() {
            Reach::Thread => true,
            Reach::Outside => running_gate().is_none_or(|running| ptr::eq(running, gate)),
            Reach::Itself => runs(gate),
        }))
    })
}

/// Runs user code and catches its panic; the panic's text is the error.
pub(crate) fn guard<R>(f: impl FnOnce() -> R) -> Result<R, Caught> {
    catch_unwind(AssertUnwindSafe(f)).map_err(Caught::of)
}

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Caught {
    pub(crate) text: String,
    /// Where it was, if that was noted.
    pub(crate) location: Option<Box<str>>,
}

impl Caught {
    /// Takes what is known of a panic, and drops its payload.
    pub(crate) fn of(payload: Box<dyn Any + Send>) -> Self {
        let text = text_of(&*payload).unwrap_or("a panic whose payload is no text");
        let location = panic_hook::take(text);
        let text = text.to_owned();
        drop_payload(payload);
        Caught { text, location }
    }
}

/// The text in the payload of a panic.
pub(crate) fn text_of(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// Drops the payload of a panic, which may panic again.
fn drop_payload(payload: Box<dyn Any + Send>) {
    // A payload that panics when it is dropped gives another one, and so on: not for ever.
    let mut next = Some(payload);
    for _ in 0..8 {
        let Some(payload) = next.take() else { break };
        next = catch_unwind(AssertUnwindSafe(|| drop(payload))).err();
    }
    std::mem::forget(next);
}
