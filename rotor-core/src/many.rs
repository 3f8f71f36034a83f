//! A list of futures of which a few run at a time.

#![expect(unsafe_code)]

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use crate::actor::Actor;
use crate::context::Context;
use crate::dispatch::SHARE;
use crate::exit::Exit;
use crate::flag::Flag;
use crate::here;
use crate::locality::Local;
use crate::task::{self, Task, TaskBody, WakeCell};

/// The futures of a list, as one task.
struct Many<A, I: Iterator<Item: Future>, T> {
    cell: &'static WakeCell,
    /// Those that are not taken yet.
    list: std::iter::Fuse<I>,
    /// Those that run, and outputs that wait for the ones before them; in the order of the list.
    taken: VecDeque<Member<I::Item>>,
    most: usize,
    in_order: bool,
    then: T,
    actor: PhantomData<fn(A)>,
}

struct Member<F: Future> {
    mark: Arc<Mark>,
    state: State<F>,
}

enum State<F: Future> {
    Running(Pin<Box<F>>),
    Done(F::Output),
}

/// Says that a future has been woken since it was polled last: only those are polled.
struct Mark {
    woken: Flag,
    cell: &'static WakeCell,
}

impl Wake for Mark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Before the wake: the swap with which the poll begins that answers it sees this.
        self.woken.set();
        self.cell.wake();
    }
}

impl<F: Future> Member<F> {
    fn new(future: F, cell: &'static WakeCell) -> Self {
        Member {
            mark: Arc::new(Mark {
                woken: Flag::new(true),
                cell,
            }),
            state: State::Running(Box::pin(future)),
        }
    }

    fn poll(&mut self) {
        if let State::Running(future) = &mut self.state
            && self.mark.woken.take()
        {
            let waker = Waker::from(self.mark.clone());
            if let Poll::Ready(output) = future.as_mut().poll(&mut TaskContext::from_waker(&waker))
            {
                self.state = State::Done(output);
            }
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }
}

impl<A, I, T> Many<A, I, T>
where
    A: Actor,
    I: Iterator<Item: Future>,
    T: FnMut(&mut A, Option<<I::Item as Future>::Output>, &mut Context<A>),
{
    /// Takes as many from the list as may run, and polls those that were woken.
    fn advance(&mut self) {
        while self.taken.len() < self.most
            && let Some(future) = self.list.next()
        {
            self.taken.push_back(Member::new(future, self.cell));
        }
        self.taken.iter_mut().for_each(Member::poll);
    }

    /// An output that may be handed over.
    fn take_done(&mut self) -> Option<<I::Item as Future>::Output> {
        let look = if self.in_order { 1 } else { self.taken.len() };
        let at = self.taken.iter().take(look).position(Member::is_done)?;
        match self.taken.remove(at)?.state {
            State::Done(output) => Some(output),
            State::Running(_) => unreachable!("looked for those that are done"),
        }
    }

    /// Whether the task was cancelled by the actor.
    fn is_cancelled(&self, here: &Local, slot: u32) -> bool {
        let mut things = here.things.borrow_mut();
        things.own(self.cell.key(), slot).is_none()
    }
}

impl<A, I, T> TaskBody for Many<A, I, T>
where
    A: Actor,
    I: Iterator<Item: Future + 'static> + 'static,
    T: FnMut(&mut A, Option<<I::Item as Future>::Output>, &mut Context<A>) + 'static,
{
    unsafe fn poll(
        &mut self,
        cell: &'static WakeCell,
        actor: *mut (),
        here: &Local,
        slot: u32,
    ) -> Poll<()> {
        for _ in 0..SHARE {
            let mut output = self.take_done();
            if output.is_none() {
                self.advance();
                output = self.take_done();
            }
            if output.is_none() && !self.taken.is_empty() {
                return Poll::Pending;
            }
            let is_last = output.is_none();
            // SAFETY: as the caller says; the futures, which are user code, have returned.
            let actor = unsafe { &mut *actor.cast::<A>() };
            (self.then)(actor, output, &mut Context::new(here, slot));
            if is_last {
                return Poll::Ready(());
            }
            if self.is_cancelled(here, slot) {
                return Poll::Pending;
            }
            // Its actor has said that it ends: nothing comes before that, and after it what its stop waits for.
            if here.seat(slot, |seat| seat.exit.is_some() && seat.state.is_alive()) {
                break;
            }
        }
        cell.wake(); // others have their turn in between
        Poll::Pending
    }
}

/// Runs the futures of a list for the actor in `slot`, at most so many at a time.
pub(crate) fn spawn_each<A, I>(
    (here, slot): (&Local, u32),
    (most, in_order): (usize, bool),
    list: I,
    then: impl FnMut(&mut A, Option<<I::Item as Future>::Output>, &mut Context<A>) + 'static,
) -> Task
where
    A: Actor,
    I: Iterator<Item: Future + 'static> + 'static,
{
    task::add(here, slot, |cell| Many {
        cell,
        list: list.fuse(),
        taken: VecDeque::new(),
        most: most.max(1),
        in_order,
        then,
        actor: PhantomData,
    })
}

/// Makes a future whose panic is an output: an [`Exit`] with
/// [`ExitReason::Panicked`](crate::ExitReason::Panicked), in place of the end of the actor that it runs
/// for.
///
/// The future is dropped after a panic, before that is handed over. It lies in a box.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Parse(&'static str);
/// #[derive(Default)] struct Editor { status: String }
/// impl Actor for Editor {}
/// impl Handler<Parse> for Editor {
///     fn handle(&mut self, Parse(text): Parse, cx: &mut Context<Self>) {
///         let plugin = async move { text.parse::<u8>().expect("a small number") }; // of somebody else
///         cx.spawn(catch_panic(plugin), |me, number, _| {
///             me.status = match number {
///                 Ok(number) => format!("read {number}"),
///                 Err(exit) => exit.to_string(),
///             };
///         });
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let editor = sim.locality("here").reserve();
/// # sim.start(Supervisor::one_for_one("app").child(Child::new("editor", Editor::default).at(editor)))?;
/// editor.send(Parse("many"));
/// sim.run_until_idle();
/// let status = sim.with(editor, |editor| editor.status.clone()).unwrap();
/// assert!(status.starts_with("panicked: a small number"));
/// # Ok::<_, StartError>(())
/// ```
pub fn catch_panic<F: Future>(future: F) -> impl Future<Output = Result<F::Output, Exit>> {
    let mut future = Some(Box::pin(future));
    poll_fn(move |cx| {
        let running = future.as_mut().expect("not polled after it was ready");
        let polled = match here::guard(|| running.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(caught) => Err(caught),
        };
        let dropped = here::guard(|| drop(future.take()));
        Poll::Ready(
            polled
                .and_then(|output| dropped.map(|()| output))
                .map_err(Exit::panicked),
        )
    })
}
