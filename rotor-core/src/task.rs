//! Futures that run in a locality.

use std::cell::UnsafeCell;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll, RawWaker, RawWakerVTable, Waker};

use crossbeam_queue::SegQueue;

use crate::actor::Actor;
use crate::address::Address;
use crate::context::Context;
use crate::gate::Gate;
use crate::here::HERE;
use crate::lane::NORMAL;
use crate::locality::Local;
use crate::message::{Header, Inline, Record, Way};
use crate::scheduled::Scheduled;
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
pub(crate) trait TaskBody {
    /// Polls, which answers all wakes [of its kind](Wakened) until now; when it is ready, hands the
    /// output to the actor.
    ///
    /// # Safety
    /// `actor` is the live instance of `slot`, of the type that spawned the task.
    unsafe fn poll(&mut self, near: bool, actor: *mut (), here: &Local, slot: u32) -> Poll<()>;
    /// The cell that its wakers point to.
    fn cell(&self) -> &'static WakeCell;
}

struct TaskOf<A, F: Future, T> {
    cell: &'static WakeCell,
    /// A cell, since the future may refer to itself: a `&self` must not claim to read it.
    future: UnsafeCell<F>,
    then: Option<T>,
    actor: PhantomData<fn(A)>,
}

impl<A, F, T> TaskBody for TaskOf<A, F, T>
where
    A: Actor,
    F: Future + 'static,
    T: FnOnce(&mut A, F::Output, &mut Context<A>) + 'static,
{
    unsafe fn poll(&mut self, near: bool, actor: *mut (), here: &Local, slot: u32) -> Poll<()> {
        let cell = self.cell;
        cell.begin(near);
        let waker = cell.waker();
        // SAFETY: a `TaskOf` lives in one box from its first poll to its drop.
        let future = unsafe { Pin::new_unchecked(self.future.get_mut()) };
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

    fn cell(&self) -> &'static WakeCell {
        self.cell
    }
}

/// Starts a future for the actor in `slot`.
pub(crate) fn spawn<A: Actor, F: Future + 'static>(
    here: &Local,
    slot: u32,
    future: F,
    then: impl FnOnce(&mut A, F::Output, &mut Context<A>) + 'static,
) -> Task {
    add(here, slot, |cell| {
        Box::new(TaskOf {
            cell,
            future: UnsafeCell::new(future),
            then: Some(then),
            actor: PhantomData,
        })
    })
}

/// Adds a task for the actor in `slot`, and has it polled.
pub(crate) fn add(
    here: &Local,
    slot: u32,
    make: impl FnOnce(&'static WakeCell) -> Box<dyn TaskBody>,
) -> Task {
    let cell = WakeCell::take();
    let key = here.add_thing(slot, Body::Task(Some(make(cell))));
    cell.aim(here.address_of(slot), key);
    cell.wake();
    Task(key)
}

/// A task that wants to be polled, on its way through the queue. There may be two for a task: one
/// for wakes from its own locality (`NEAR`), and one for those from elsewhere.
struct Wakened<const NEAR: bool>;

impl<const NEAR: bool> Record for Wakened<NEAR> {
    type Message = Key;
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Own;

    fn name() -> &'static str {
        std::any::type_name::<Task>()
    }

    unsafe fn run(key: Key, actor: *mut (), here: &Local, slot: u32) {
        // SAFETY: passed on.
        unsafe { poll::<NEAR>(key, actor, here, slot) }
    }
}

/// # Safety
/// `actor` is the live instance of `slot`.
unsafe fn poll<const NEAR: bool>(key: Key, actor: *mut (), here: &Local, slot: u32) {
    // Only the box is moved, not the whole entry, which was written in other pieces than it is read.
    let Some(task) = (match here.things.borrow_mut().own(key, slot) {
        Some(Body::Task(task)) => task.take(),
        _ => None,
    }) else {
        return;
    };
    let mut out = Out {
        task: ManuallyDrop::new(task),
        here,
        key,
    };
    // SAFETY: dispatch passes the live instance; the key belongs to it or misses.
    let polled = unsafe { out.task.poll(NEAR, actor, here, slot) };
    let task = out.end();
    if polled.is_pending() {
        return put_back(here, key, task);
    }
    drop(here.remove_thing(key, slot));
    free(task);
}

/// A task that is out of its entry while it is polled, from which it comes back also by a panic.
struct Out<'a> {
    task: ManuallyDrop<Box<dyn TaskBody>>,
    here: &'a Local,
    key: Key,
}

impl Out<'_> {
    /// The poll has returned.
    #[inline(always)]
    fn end(self) -> Box<dyn TaskBody> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: nobody uses `this` again.
        unsafe { ManuallyDrop::take(&mut this.task) }
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        // SAFETY: it is being dropped, and was not ended.
        let task = unsafe { ManuallyDrop::take(&mut self.task) };
        put_back(self.here, self.key, task);
    }
}

/// Puts a task back into its entry, or frees it if that is gone.
#[inline(always)]
fn put_back(here: &Local, key: Key, task: Box<dyn TaskBody>) {
    if let Some(Body::Task(place)) = here.things.borrow_mut().body(key) {
        let before = place.replace(task);
        debug_assert!(before.is_none(), "it was out");
        return std::mem::forget(before); // nothing to be dropped
    }
    free(task);
}

/// Frees the cell of a task that is over, and drops it.
#[inline(never)]
fn free(task: Box<dyn TaskBody>) {
    task.cell().give_back();
    drop(task);
}

/// What the wakers of a task point to. Pooled and never freed, so that wakers need no count.
///
/// A waker that outlives its task finds another serial, or wakes another task of the cell's next
/// life once for nothing, which the contract of `poll` allows.
pub(crate) struct WakeCell {
    gate: AtomicPtr<Gate>,
    /// Slot and generation, as in a [`Header`].
    target: AtomicU64,
    index: AtomicU32,
    serial: AtomicU64,
    /// Whether a poll is on its way for a wake from elsewhere.
    scheduled: Scheduled,
    /// The same for wakes from its own locality, whose slices alone look at it: a flag by which no two
    /// threads speak costs no locked operation.
    near: AtomicBool,
}

static CELLS: SegQueue<&'static WakeCell> = SegQueue::new();

impl WakeCell {
    fn take() -> &'static WakeCell {
        CELLS.pop().unwrap_or_else(|| {
            Box::leak(Box::new(WakeCell {
                gate: AtomicPtr::new(std::ptr::null_mut()),
                target: AtomicU64::new(0),
                index: AtomicU32::new(0),
                serial: AtomicU64::new(0),
                scheduled: Scheduled::new(),
                near: AtomicBool::new(false),
            }))
        })
    }

    /// Frees the cell for another task.
    pub(crate) fn give_back(&'static self) {
        self.serial.store(0, Ordering::Relaxed);
        // From now on no wake of this thread is near, until it takes the cell again itself.
        self.gate.store(std::ptr::null_mut(), Ordering::Relaxed);
        CELLS.push(self);
    }

    fn aim(&self, to: Address, key: Key) {
        self.gate
            .store(std::ptr::from_ref(to.gate()).cast_mut(), Ordering::Relaxed);
        self.target
            .store(Header::target(to.slot, to.generation), Ordering::Relaxed);
        self.index.store(key.index, Ordering::Relaxed);
        self.serial.store(key.serial, Ordering::Relaxed);
        self.near.store(false, Ordering::Relaxed);
        self.scheduled.begin();
    }

    /// The poll begins that answers the wakes of one kind.
    pub(crate) fn begin(&self, near: bool) {
        if near {
            self.near.store(false, Ordering::Relaxed);
        } else {
            self.scheduled.begin();
        }
    }

    /// The entry of its task.
    pub(crate) fn key(&self) -> Key {
        Key {
            index: self.index.load(Ordering::Relaxed),
            serial: self.serial.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn wake(&self) {
        let gate = self.gate.load(Ordering::Relaxed);
        let (running, local) = HERE.with(|here| (here.gate.get(), here.local.get()));
        if std::ptr::eq(running, gate) && !gate.is_null() {
            // The slice of its locality runs on this thread, which alone gives the cell away: what it
            // says is of one task.
            if !self.near.load(Ordering::Relaxed) {
                self.near.store(true, Ordering::Relaxed);
                let kind = Wakened::<true>::KIND;
                let target = self.target.load(Ordering::Relaxed);
                // SAFETY: both are set together, by `slice`, which keeps the locality.
                let local = unsafe { &*local };
                local.push(NORMAL, Header { kind, target }, Inline(self.key()));
            }
        } else if self.scheduled.ask() {
            self.push_away();
        }
    }

    /// Asks for a poll from elsewhere.
    fn push_away(&self) {
        // A cell that is taken again while a stale waker reads it may give a mixture of two tasks. The
        // poll takes only a task of the slot that it comes for: a mixture misses, or polls one of that
        // instance's own for nothing. The poll that the new task needs is its own first one.
        let key = self.key();
        let gate = self.gate.load(Ordering::Relaxed);
        // SAFETY: gates are never freed; `aim` came before the cell's first waker.
        let Some(gate) = (unsafe { gate.as_ref() }) else {
            return;
        };
        let (slot, generation) = Header::split(self.target.load(Ordering::Relaxed));
        Wakened::<false>::push(Address::new(gate, slot, generation), key);
    }

    fn waker(&'static self) -> Waker {
        // SAFETY: the functions of the table keep the contract: the cell lives for ever, is
        // `Sync`, and needs no count.
        unsafe { Waker::from_raw(RawWaker::new(std::ptr::from_ref(self).cast(), &TABLE)) }
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
            cell.aim(to, Key { index: 0, serial });
            cell.near.store(true, Ordering::Relaxed); // as a wake of the task before may have left it
            assert!(cell.scheduled.ask(), "nobody has asked for this task");
            cell.aim(to, Key { index: 0, serial });
            assert!(!cell.near.load(Ordering::Relaxed));
        }
        cell.give_back();
    }
}
