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
use glib::{Object, SignalHandlerId, WeakRef};
use rotor_core::{Actor, Context, Exit};

/// Ties signals and objects to one instance of an actor: a panic in a signal closure is one of the
/// actor, a connection ends with the instance, and the instance with an object.
///
/// A plain closure that panics ends the process, for a panic must not cross the C code that calls
/// it. What stands in [`run`](Self::run) may panic: the signal is answered with a fallback, the
/// instance ends with that panic as its exit, and its supervisor decides. Most closures need no
/// guard: one that only sends cannot panic.
///
/// A source that an actor attaches to the loop itself, such as a timeout, ends with the instance by
/// [`Context::at_end`]: `cx.at_end(move || source.destroy())`.
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
    /// None once the instance has ended.
    ties: RefCell<Option<Vec<Tie>>>,
    /// At so many ties, those whose object is gone are taken out.
    full: Cell<usize>,
}

/// Something that is taken back at the end of the instance, if the object is there still.
struct Tie {
    object: WeakRef<Object>,
    untie: Box<dyn FnOnce(&Object)>,
}

/// How many ties to objects that are gone may be kept, beside one for each to an object that is there.
const SLACK: usize = 16;

/// What the instance is told, once.
enum News {
    Panicked(Box<dyn Any + Send>),
    Gone,
}

impl Guard {
    /// A guard for this instance. Each of them costs a task.
    ///
    /// A widget of another page that the actor only listens to:
    /// ```
    /// use glib::prelude::*;
    /// use rotor_core::*;
    /// use rotor_glib::Guard;
    /// struct Page { model: glib::Object }
    /// struct Changed;
    /// impl Actor for Page {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let (guard, me) = (Guard::of(cx), cx.addr());
    ///         let id = self.model.connect_notify_local(None, move |_, _| me.send(Changed));
    ///         guard.keep(&self.model, id); // so long as this instance lives
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Changed> for Page { fn handle(&mut self, _: Changed, _: &mut Context<Self>) {} }
    /// ```
    pub fn of<A: Actor>(cx: &mut Context<A>) -> Self {
        let inner = Rc::new(Inner {
            ended: Cell::new(false),
            news: RefCell::new(None),
            waker: RefCell::new(None),
            ties: RefCell::new(Some(Vec::new())),
            full: Cell::new(SLACK),
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
    ///
    /// A signal whose answer has to be there at once, from code that may panic:
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use rotor_glib::Guard;
    /// type Validate = Box<dyn Fn(&str) -> bool>; // stands for a signal closure
    /// struct Form { validate: Option<Validate> }
    /// impl Actor for Form {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let guard = Guard::of(cx);
    ///         self.validate = Some(Box::new(move |text| {
    ///             guard.run(false, || text.parse::<u8>().expect("a number") < 100) // false, if it panics
    ///         }));
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let form = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("form", || Form { validate: None }).at(form)))?;
    /// # sim.run_until_idle();
    /// let validate = sim.with(form, |form| form.validate.take()).flatten().unwrap();
    /// assert!(validate("7"));
    /// assert!(!validate("seven")); // answered, and the end of this instance
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().nodes[1].instances, 2);
    /// # Ok::<_, StartError>(())
    /// ```
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
    ///
    /// ```
    /// use glib::prelude::*;
    /// use rotor_core::{*, sim::Sim};
    /// use rotor_glib::Guard;
    /// use std::{cell::Cell, rc::Rc};
    /// struct Counter { button: glib::Object, clicks: Rc<Cell<u32>> }
    /// impl Actor for Counter {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let (guard, clicks) = (Guard::of(cx), self.clicks.clone());
    ///         let id = self.button.connect_notify_local(None, move |_, _| clicks.set(clicks.get() + 1));
    ///         guard.keep(&self.button, id); // else each restart would count twice as much
    ///         Ok(())
    ///     }
    /// }
    /// # let button: glib::Object = glib::Object::new();
    /// # let clicks = Rc::new(Cell::new(0));
    /// # let (all, same) = (clicks.clone(), button.clone());
    /// # let mut sim = Sim::new(1);
    /// # let counter = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("counter", move || {
    /// #     Counter { button: same.clone(), clicks: all.clone() }
    /// # }).at(counter).transient()))?;
    /// # sim.run_until_idle();
    /// counter.stop();
    /// sim.run_until_idle();
    /// assert_eq!(Rc::strong_count(&clicks), 2); // the factory has it, no closure any more
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn keep(&self, object: &impl IsA<Object>, id: SignalHandlerId) {
        self.0
            .tie(object.as_ref(), move |object| object.disconnect(id));
    }

    /// Stops the instance, with [`ExitReason::Shutdown`](rotor_core::ExitReason::Shutdown), when
    /// the object is disposed. An actor that is to stay down then is transient.
    ///
    /// An object is disposed when nobody holds it any more, so the actor and its factory hold it
    /// weakly. That goes for GTK 4, too: a window that was closed, and a widget that was taken out
    /// of one, are there as long as somebody holds them. An actor that owns its window ends by a
    /// signal of it: `guard.keep(&window, window.connect_unrealize(move |_| me.stop()))`.
    ///
    /// ```
    /// use rotor_core::{*, sim::Sim};
    /// use rotor_glib::Guard;
    /// use glib::{WeakRef, prelude::*};
    /// struct Tab { page: WeakRef<glib::Object> }
    /// impl Actor for Tab {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         let page = self.page.upgrade().ok_or_else(|| Error::message("it is closed"))?;
    ///         Guard::of(cx).follow(&page);
    ///         Ok(())
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let tab = sim.locality("here").reserve();
    /// let page: glib::Object = glib::Object::new(); // stands for a page of a notebook
    /// let weak = page.downgrade();
    /// let child = Child::new("tab", move || Tab { page: weak.clone() }).transient();
    /// sim.start(Supervisor::one_for_one("app").child(child.at(tab)))?;
    /// sim.run_until_idle();
    /// drop(page); // the user has closed it
    /// sim.run_until_idle();
    /// assert_eq!(tab.address().state(), Lifecycle::Down);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn follow(&self, object: &impl IsA<Object>) {
        let inner = self.0.clone();
        let gone = move || inner.tell(News::Gone);
        let object = object.as_ref();
        let notify = object.add_weak_ref_notify_local(gone);
        self.0.tie(object, move |_| notify.disconnect());
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

    fn tie(&self, object: &Object, untie: impl FnOnce(&Object) + 'static) {
        // Dropped after the borrow: if another thread lets go of one meanwhile, it ends here.
        let mut there = Vec::new();
        if let Some(ties) = &mut *self.ties.borrow_mut() {
            ties.push(Tie {
                object: object.downgrade(),
                untie: Box::new(untie),
            });
            if ties.len() >= self.full.get() {
                ties.retain(|tie| {
                    let object = tie.object.upgrade();
                    let is_there = object.is_some();
                    there.extend(object);
                    is_there
                });
                self.full.set(2 * ties.len() + SLACK);
            }
            return;
        }
        untie(object);
    }

    fn end(&self) {
        self.ended.set(true);
        for tie in self.ties.take().into_iter().flatten() {
            if let Some(object) = tie.object.upgrade() {
                (tie.untie)(&object);
            }
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

#[cfg(test)]
mod tests {
    use rotor_core::sim::Sim;
    use rotor_core::{Child, Supervisor};

    use super::*;

    struct List(Guard);

    impl Actor for List {}

    #[test]
    fn connections_to_objects_that_are_gone_take_no_room() {
        let mut sim = Sim::new(1);
        let list = sim.locality("here").reserve();
        let child = Child::with("list", |cx| Ok(List(Guard::of(cx)))).transient();
        let tree = Supervisor::one_for_one("app").child(child.at(list));
        sim.start(tree).unwrap();
        sim.run_until_idle();
        let guard = sim.with(list, |list| list.0.clone()).unwrap();

        let (window, token) = (Object::new::<Object>(), Rc::new(()));
        let is_connected = token.clone();
        let moved = window.connect_notify_local(None, move |_, _| _ = &is_connected);
        guard.keep(&window, moved);
        for _ in 0..1000 {
            let row = Object::new::<Object>();
            guard.keep(&row, row.connect_notify_local(None, |_, _| {}));
        }
        let ties = guard.0.ties.borrow().as_ref().unwrap().len();
        assert!(ties < 100, "{ties} ties");

        list.stop();
        sim.run_until_idle();
        assert_eq!(Rc::strong_count(&token), 1, "it was tied all the time");
    }
}
