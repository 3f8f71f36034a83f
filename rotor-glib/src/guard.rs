//! What ties an instance to signals and objects.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::{Poll, Waker};

use glib::object::ObjectExt;
use glib::prelude::IsA;
use glib::{Object, SignalHandlerId};
use rotor_core::{Actor, Context, Exit};

/// Ties signals and objects to one instance of an actor: a panic in a signal closure is one of the
/// actor, a connection ends with the instance, and the instance with an object.
///
/// A plain closure that panics ends the process, for a panic must not cross the C code that calls
/// it. What stands in [`run`](Self::run) may panic: the signal is answered with a fallback, the
/// instance ends with that panic as its exit, and its supervisor decides. Most closures need no
/// guard: one that only sends cannot panic.
///
/// `Clone`, not `Send`: it stays on the thread of the instance.
///
/// ```
/// use glib::prelude::*;
/// use rotor_core::{*, sim::Sim};
/// use rotor_glib::Guard;
///
/// struct Door { door: glib::Object } // a widget is one
/// impl Actor for Door {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         let guard = Guard::of(cx);
///         guard.follow(&self.door); // ends with the object
///         let run = guard.clone();
///         let knock = move |_: &glib::Object, _: &glib::ParamSpec| {
///             run.run((), || panic!("nobody is at home")) // a restart
///         };
///         // The next instance connects anew, so this one must not stay connected.
///         guard.keep(&self.door, self.door.connect_notify_local(None, knock));
///         Ok(())
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Guard(Rc<Inner>);

struct Inner {
    /// The instance has ended, or is about to.
    ended: Cell<bool>,
    news: RefCell<Option<News>>,
    waker: RefCell<Option<Waker>>,
    /// Each takes back something that was tied; none once the instance has ended.
    ties: RefCell<Option<Vec<Tie>>>,
}

type Tie = Box<dyn FnOnce()>;

/// What the instance is told, once.
enum News {
    Panicked(Box<dyn Any + Send>),
    Gone,
}

impl Guard {
    /// A guard for this instance. Each of them costs a task.
    pub fn of<A: Actor>(cx: &mut Context<A>) -> Self {
        let inner = Rc::new(Inner {
            ended: Cell::new(false),
            news: RefCell::new(None),
            waker: RefCell::new(None),
            ties: RefCell::new(Some(Vec::new())),
        });
        let wait = inner.clone();
        let news = poll_fn(move |task| match wait.news.take() {
            Some(news) => Poll::Ready(news),
            None => {
                wait.waker.replace(Some(task.waker().clone()));
                Poll::Pending
            }
        });
        cx.spawn(news, |_, news, cx| match news {
            News::Panicked(panic) => resume_unwind(panic),
            News::Gone => cx.stop_with(Exit::shutdown_with("the object it follows is gone")),
        });
        let ending = inner.clone();
        cx.at_end(move || ending.end());
        Guard(inner)
    }

    /// Runs `f`, and returns its result. If it panics, the instance ends with that panic after what
    /// is queued for it, and the result is `fallback`; so it is from then on without running `f`.
    pub fn run<R>(&self, fallback: R, f: impl FnOnce() -> R) -> R {
        if self.0.ended.get() {
            return fallback;
        }
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(result) => result,
            Err(panic) => {
                self.0.tell(News::Panicked(panic));
                fallback
            }
        }
    }

    /// Disconnects a signal when the instance ends; at once if it has ended.
    pub fn keep(&self, object: &impl IsA<Object>, id: SignalHandlerId) {
        let object = object.as_ref().downgrade();
        self.0.tie(move || {
            if let Some(object) = object.upgrade() {
                object.disconnect(id);
            }
        });
    }

    /// Stops the instance, with [`ExitReason::Shutdown`](rotor_core::ExitReason::Shutdown), when
    /// the object is disposed. An actor that is to stay down then is transient, and holds the
    /// object weakly or has it disposed by somebody else, as a container does with its widgets.
    pub fn follow(&self, object: &impl IsA<Object>) {
        let inner = self.0.clone();
        let gone = move || inner.tell(News::Gone);
        let notify = object.as_ref().add_weak_ref_notify_local(gone);
        self.0.tie(move || notify.disconnect());
    }
}

impl Inner {
    fn tell(&self, news: News) {
        // The first news counts. What comes later is a panic in a closure that another one called.
        if !self.ended.replace(true) {
            self.news.replace(Some(news));
        } else {
            std::mem::forget(news); // a payload may panic when it is dropped
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn tie(&self, untie: impl FnOnce() + 'static) {
        if let Some(ties) = &mut *self.ties.borrow_mut() {
            return ties.push(Box::new(untie));
        }
        untie();
    }

    fn end(&self) {
        self.ended.set(true);
        for untie in self.ties.take().into_iter().flatten() {
            untie();
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("ended", &self.0.ended)
            .finish_non_exhaustive()
    }
}
