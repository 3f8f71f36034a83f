//! Futures that run in a locality.

#![expect(unsafe_code)]

use std::future::Future;
use std::hint::cold_path;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::task::{Context as TaskContext, Poll, RawWaker, RawWakerVTable, Waker};

use crossbeam_queue::SegQueue;

use crate::actor::Actor;
use crate::address::Address;
use crate::aim::Aim;
use crate::context::Context;
use crate::gate::Gate;
use crate::here::HERE;
use crate::lane::NORMAL;
use crate::locality::Local;
use crate::message::{Header, Inline, Kind, Record, Way};
use crate::things::{Body, Key};

/// Names a future that runs in a locality; for [`Context::cancel`].
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Start;
/// struct Halt;
/// #[derive(Default)] struct Player { playing: Option<Task> }
/// impl Actor for Player {}
/// impl Handler<Start> for Player {
///     fn handle(&mut self, _: Start, cx: &mut Context<Self>) {
///         self.playing = Some(cx.spawn(std::future::pending::<()>(), |_, _, _| ()));
///     }
/// }
/// impl Handler<Halt> for Player {
///     fn handle(&mut self, _: Halt, cx: &mut Context<Self>) {
///         if let Some(task) = self.playing.take() {
///             cx.cancel(task); // the future is dropped
///         }
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let player = sim.locality("here").reserve();
/// # let app = sim.start(Supervisor::one_for_one("app")
/// #     .child(Child::new("player", Player::default).at(player)))?;
/// player.send(Start);
/// sim.run_until_idle();
/// assert_eq!(app.tree().localities[0].open, 1);
/// player.send(Halt);
/// sim.run_until_idle();
/// assert_eq!(app.tree().localities[0].open, 0);
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Task(pub(crate) Key);

impl From<Task> for Key {
    fn from(task: Task) -> Key {
        task.0
    }
}

/// A future with what is done with its output.
pub(crate) trait TaskBody: 'static {
    /// Polls; when it is ready, hands the output to the actor.
    ///
    /// # Safety
    /// `actor` is the live instance of `slot`, of the type that spawned the task. It stays where it
    /// is from its first poll to its drop.
    unsafe fn poll(
        &mut self,
        cell: &'static WakeCell,
        actor: *mut (),
        here: &Local,
        slot: u32,
    ) -> Poll<()>;
}

struct TaskOf<A, F, T> {
    future: F,
    then: Option<T>,
    actor: PhantomData<fn(A)>,
}

impl<A, F, T> TaskBody for TaskOf<A, F, T>
where
    A: Actor,
    F: Future + 'static,
    T: FnOnce(&mut A, F::Output, &mut Context<A>) + 'static,
{
    #[inline(always)]
    unsafe fn poll(
        &mut self,
        cell: &'static WakeCell,
        actor: *mut (),
        here: &Local,
        slot: u32,
    ) -> Poll<()> {
        let waker = cell.waker();
        // SAFETY: as the caller says, it is not moved.
        let future = unsafe { Pin::new_unchecked(&mut self.future) };
        let output = match future.poll(&mut TaskContext::from_waker(&waker)) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(output) => output,
        };
        let then = self
            .then
            .take()
            .expect("a task is not polled after it was ready");
        // SAFETY: as the caller says; the future, which is user code, has returned.
        let actor = unsafe { &mut *actor.cast::<A>() };
        then(actor, output, &mut Context::new(here, slot));
        Poll::Ready(())
    }
}

/// Starts a future for the actor in `slot`.
pub(crate) fn spawn<A: Actor, F: Future + 'static>(
    here: &Local,
    slot: u32,
    future: F,
    then: impl FnOnce(&mut A, F::Output, &mut Context<A>) + 'static,
) -> Task {
    add(here, slot, |_| TaskOf {
        future,
        then: Some(then),
        actor: PhantomData,
    })
}

/// Adds a task for the actor in `slot`, and has it polled.
pub(crate) fn add<B: TaskBody>(
    here: &Local,
    slot: u32,
    make: impl FnOnce(&'static WakeCell) -> B,
) -> Task {
    let cell = WakeCell::take();
    let key = here.add_thing(slot, Body::Task(Running::new(cell, make(cell))));
    cell.aim(here, here.address_of(slot), key);
    cell.wake();
    Task(key)
}

/// A task, for the instance that it belongs to: ends it when it is dropped.
pub(crate) struct Running {
    cell: &'static WakeCell,
    body: *mut dyn TaskBody,
}

impl Running {
    fn new<B: TaskBody>(cell: &'static WakeCell, body: B) -> Self {
        let body = Box::into_raw(Box::new(body));
        cell.body.store(body.cast(), Ordering::Relaxed);
        let sort = ptr::from_ref(Sort::of::<B>()).cast_mut();
        cell.sort.store(sort, Ordering::Relaxed);
        Running { cell, body }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cell.retire();
        // A task that cancels itself is freed when its poll returns.
        if !self.cell.polled.load(Ordering::Relaxed) {
            // SAFETY: made from this box, of which nobody else knows any more.
            unsafe { free(self.cell, self.body) }
        }
    }
}

/// Frees the cell of a task that is over, and drops it.
///
/// # Safety
/// `body` came from [`Running::new`], for this cell, and is freed once.
#[inline(never)]
unsafe fn free<B: TaskBody + ?Sized>(cell: &'static WakeCell, body: *mut B) {
    CELLS.push(cell);
    // SAFETY: as the caller says.
    drop(unsafe { Box::from_raw(body) });
}

/// Asks for a poll of a task, on the way through the queue.
pub(crate) struct Call {
    cell: &'static WakeCell,
    /// Of the task: the cell may be another one's by then.
    serial: u64,
}

impl Call {
    /// Whether its task is over.
    pub(crate) fn is_stale(&self) -> bool {
        self.cell.far.serial() != self.serial
    }
}

/// The poll that answers wakes from the task's own locality. There may be two for a task, this and
/// the one for those from [elsewhere](Far).
struct Near<B>(PhantomData<B>);

impl<B: TaskBody> Record for Near<B> {
    type Message = Call;
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Own;

    fn name() -> &'static str {
        std::any::type_name::<Task>()
    }

    #[inline(always)]
    unsafe fn run(Call { cell, serial }: Call, actor: *mut (), here: &Local, slot: u32) {
        // Made while this locality had the cell, for the task that it had then: if that is still
        // the one, it is in this slot, of this type, and its instance is.
        if cell.far.serial() == serial {
            cell.near.store(false, Ordering::Relaxed);
            // SAFETY: dispatch passes the live instance; the rest as above.
            unsafe { poll::<B>(cell, actor, here, slot) }
        }
    }
}

/// The poll that answers wakes from elsewhere.
struct Far;

impl Record for Far {
    type Message = Call;
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Own;

    fn name() -> &'static str {
        std::any::type_name::<Task>()
    }

    unsafe fn run(Call { cell, serial }: Call, actor: *mut (), here: &Local, slot: u32) {
        // What it says may be a mixture of two tasks. Only this thread writes this locality into a cell,
        // and when it has given the cell away, finds it there no more.
        let is_here = ptr::eq(cell.local.load(Ordering::Relaxed), here);
        let of = Header::split(cell.far.target()).0;
        if is_here && of == slot && cell.far.serial() == serial {
            cell.far.begin();
            // SAFETY: the task is one of this slot, whose live instance dispatch passes.
            unsafe { (cell.sort().poll)(cell, actor, here, slot) }
        }
    }
}

/// What is known of tasks of one type.
#[repr(C)] // the kind is where a cell points to
struct Sort {
    near: Kind,
    poll: unsafe fn(&'static WakeCell, *mut (), &Local, u32),
}

impl Sort {
    const fn of<B: TaskBody>() -> &'static Sort {
        const {
            &Sort {
                near: *Near::<B>::INLINE,
                poll: poll::<B>,
            }
        }
    }
}

/// # Safety
/// The cell is that of a task of this locality, type and slot, and `actor` its instance.
#[inline(always)]
unsafe fn poll<B: TaskBody>(cell: &'static WakeCell, actor: *mut (), here: &Local, slot: u32) {
    let polled = Polled::<B>::begin(cell);
    let (body, serial) = (polled.body, polled.serial);
    // SAFETY: it is freed only when it is not polled, and polled only here, which is not entered
    // again meanwhile: no other reference to it exists. The rest is as the caller says.
    let is_ready = unsafe { (*body).poll(cell, actor, here, slot) }.is_ready();
    drop(polled);
    if is_ready {
        // If it has cancelled itself, the cell may tell another place: with another serial.
        let index = cell.index.load(Ordering::Relaxed);
        drop(here.remove_thing(Key { index, serial }, slot));
    }
}

/// A task that is polled: it is not freed meanwhile, but when that ends, also by a panic.
struct Polled<B: TaskBody> {
    cell: &'static WakeCell,
    serial: u64,
    body: *mut B,
}

impl<B: TaskBody> Polled<B> {
    #[inline(always)]
    fn begin(cell: &'static WakeCell) -> Self {
        cell.polled.store(true, Ordering::Relaxed);
        Polled {
            cell,
            serial: cell.far.serial(),
            body: cell.body.load(Ordering::Relaxed).cast(),
        }
    }
}

impl<B: TaskBody> Drop for Polled<B> {
    #[inline(always)]
    fn drop(&mut self) {
        self.cell.polled.store(false, Ordering::Relaxed);
        if self.cell.far.serial() != self.serial {
            cold_path();
            // SAFETY: its `Running` was dropped meanwhile, and has left it to this.
            unsafe { free(self.cell, self.body) }
        }
    }
}

/// What the wakers of a task point to. Pooled and never freed, so that wakers need no count.
///
/// A waker that outlives its task finds another serial, or wakes another task of the cell's next
/// life once for nothing, which the contract of `poll` allows.
///
/// All of it is for the thread of the locality that has it, but for what a wake from elsewhere reads.
#[repr(align(64))] // in one line of memory
pub(crate) struct WakeCell {
    /// The locality that has it, or [`NOBODY`].
    local: AtomicPtr<Local>,
    /// Whether a poll is on its way for a wake from its own locality, whose slices alone look at it: a
    /// flag by which no two threads speak costs no locked operation.
    near: AtomicBool,
    /// The same for wakes from elsewhere, and where those go.
    far: Aim<Gate>,
    /// Whether the task is polled now.
    polled: AtomicBool,
    index: AtomicU32,
    sort: AtomicPtr<Sort>,
    body: AtomicPtr<()>,
}

/// In place of a locality: none that runs, nor null.
const NOBODY: *mut Local = ptr::dangling_mut();

const _: () = assert!(size_of::<WakeCell>() == 64);

static CELLS: SegQueue<&'static WakeCell> = SegQueue::new();

impl WakeCell {
    fn take() -> &'static WakeCell {
        CELLS.pop().unwrap_or_else(|| {
            Box::leak(Box::new(WakeCell {
                local: AtomicPtr::new(NOBODY),
                near: AtomicBool::new(false),
                far: Aim::new(),
                polled: AtomicBool::new(false),
                index: AtomicU32::new(0),
                sort: AtomicPtr::new(ptr::null_mut()),
                body: AtomicPtr::new(ptr::null_mut()),
            }))
        })
    }

    /// Its task is over: no wake asks for a poll any more.
    fn retire(&self) {
        self.far.clear();
        // From now on no wake of this thread is near, until it takes the cell again itself.
        self.local.store(NOBODY, Ordering::Relaxed);
    }

    fn aim(&self, here: *const Local, to: Address, key: Key) {
        self.index.store(key.index, Ordering::Relaxed);
        self.local.store(here.cast_mut(), Ordering::Relaxed);
        self.near.store(false, Ordering::Relaxed);
        let gate = ptr::from_ref(to.gate()).cast_mut();
        let target = Header::target(to.slot, to.generation);
        self.far.set(gate, target, key.serial);
    }

    /// The entry of its task.
    pub(crate) fn key(&self) -> Key {
        Key {
            index: self.index.load(Ordering::Relaxed),
            serial: self.far.serial(),
        }
    }

    /// The sort of its task.
    ///
    /// # Safety
    /// It has one.
    #[inline(always)]
    unsafe fn sort(&self) -> &'static Sort {
        // SAFETY: as the caller says: `Running::new` has stored one, and they are constants.
        unsafe { &*self.sort.load(Ordering::Relaxed) }
    }

    fn call(&'static self) -> Call {
        Call {
            cell: self,
            serial: self.far.serial(),
        }
    }

    pub(crate) fn wake(&'static self) {
        let running = HERE.with(|here| here.local.get());
        if ptr::eq(running, self.local.load(Ordering::Relaxed)) {
            // The slice of its locality runs on this thread, which alone gives the cell away: what it
            // says is of one task.
            if !self.near.load(Ordering::Relaxed) {
                self.near.store(true, Ordering::Relaxed);
                // SAFETY: `slice` has set it, which keeps the locality; the cell has a task.
                let (local, sort) = unsafe { (&*running, self.sort()) };
                let (kind, target) = (&sort.near, self.far.target());
                local.push(NORMAL, Header { kind, target }, Inline(self.call()));
            }
        } else if self.far.ask() {
            self.push_away();
        }
    }

    /// Asks for a poll from elsewhere.
    fn push_away(&'static self) {
        // A cell that is taken again while a stale waker reads it may give a mixture of two tasks. The
        // poll takes only a task of the locality and slot that it comes for: a mixture misses, or polls
        // one of that instance's own for nothing. The poll that the new task needs is its own first one.
        let call = self.call();
        let gate = self.far.gate();
        // SAFETY: gates are never freed; `aim` came before the cell's first waker.
        let Some(gate) = (unsafe { gate.as_ref() }) else {
            return;
        };
        let (slot, generation) = Header::split(self.far.target());
        Far::push(Address::new(gate, slot, generation), call);
    }

    fn waker(&'static self) -> Waker {
        // SAFETY: the functions of the table keep the contract: the cell lives for ever, is
        // `Sync`, and needs no count.
        unsafe { Waker::from_raw(RawWaker::new(ptr::from_ref(self).cast(), &TABLE)) }
    }
}

static TABLE: RawWakerVTable = RawWakerVTable::new(
    |data| RawWaker::new(data, &TABLE),
    wake_raw,
    wake_raw,
    |_| {},
);

unsafe fn wake_raw(data: *const ()) {
    // SAFETY: `waker` put a `&'static WakeCell` here.
    unsafe { &*data.cast::<WakeCell>() }.wake();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, Locality};

    struct Nobody;
    impl Actor for Nobody {}

    #[test]
    fn s12_a_cell_that_a_stale_waker_has_woken_is_woken_for_its_next_task() {
        let here = Locality::new("here");
        let to = here.reserve::<Nobody>().address();
        let cell = WakeCell::take();
        for serial in 1..3 {
            cell.aim(NOBODY, to, Key { index: 0, serial });
            cell.near.store(true, Ordering::Relaxed); // as a wake of the task before may have left it
            assert!(cell.far.ask(), "nobody has asked for this task");
            cell.aim(NOBODY, to, Key { index: 0, serial });
            assert!(!cell.near.load(Ordering::Relaxed));
        }
        cell.retire();
        CELLS.push(cell);
    }
}
