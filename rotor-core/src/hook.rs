//! Hooks: what is asked before an actor starts, handles a message, or is gone.
//!
//! An actor without hooks pays nothing for those of others. The slot of one that has hooks stays shut
//! while it runs, as for a fault or while messages are counted: so its messages take the cold path,
//! where the hooks are asked. A start and a stop go on where nothing holds them any more, which is
//! where the next hook is asked.

#![expect(unsafe_code)]

use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

use crate::actor::Actor;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::here;
use crate::locality::Local;
use crate::message::LOCALITY;
use crate::observe::Reason;
use crate::queue::Word;
use crate::request::RequestError;
use crate::signed::{self, LONGEST};

/// Stands around the actors that a child spec makes: is asked before each instance starts, before it
/// handles a message, and when it stops; given with [`Child::hook`](crate::Child::hook).
///
/// A child may have several. They are asked in the order in which they were given, in a stop in
/// reverse, each when the one before is *ready*: it has returned, and every
/// [hold](Context::hold) that it has made is dropped. One that keeps a hold is *pending*, and what
/// it was asked about waits. A hook belongs to the spec: it outlives the instances. All runs on the
/// thread of the actor, between messages; a panic in it is one of the instance.
///
/// A child without hooks pays nothing for them. The messages of one with hooks are looked at one by
/// one, and take the longer way of those that were parked.
///
/// Who may use an actor is not its own business:
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::any::Any;
/// struct Account { balance: i64 }
/// impl Actor for Account {}
/// struct Transfer(i64);
/// impl Handler<Transfer> for Account {
///     fn handle(&mut self, Transfer(sum): Transfer, _: &mut Context<Self>) { self.balance += sum }
/// }
/// struct Limit(i64);
/// impl Hook<Account> for Limit {
///     fn message(&mut self, _: &'static str, message: &dyn Any, _: &mut Context<Account>) -> bool {
///         message.downcast_ref().is_none_or(|Transfer(sum)| sum.abs() <= self.0)
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let account = sim.locality("here").reserve();
/// # let app = sim.start(Supervisor::one_for_one("bank").child(
/// Child::new("account", || Account { balance: 0 }).hook(Limit(100))
/// #     .at(account)))?;
/// # sim.run_until_idle();
/// account.send(Transfer(70));
/// account.send(Transfer(7000)); // reported as undelivered: `Reason::Refused`
/// sim.run_until_idle();
/// assert_eq!(sim.with(account, |account| account.balance), Some(70));
/// # assert_eq!(app.tree().localities[0].undelivered, [(Reason::Refused, 1)]);
/// # Ok::<_, StartError>(())
/// ```
pub trait Hook<A: Actor>: 'static {
    /// Is asked when an instance has been made and nothing holds its start, before its own
    /// [`start`](Actor::start), which comes when all hooks are ready. The child's start limit runs.
    ///
    /// # Errors
    /// An error makes the start fail: the instance is dropped without having started.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// struct Go(Hold);
    /// struct Server;
    /// impl Actor for Server {}
    /// impl Handler<Go> for Server {
    ///     fn handle(&mut self, _: Go, _: &mut Context<Self>) {}
    /// }
    /// /// Leaves a port time to become free.
    /// struct Pause(Duration);
    /// impl Hook<Server> for Pause {
    ///     fn start(&mut self, cx: &mut Context<Server>) -> Result {
    ///         let hold = cx.hold("pause");
    ///         cx.after(self.0, Go(hold));
    ///         Ok(())
    ///     }
    /// }
    /// # use rotor_core::sim::Sim;
    /// # let mut sim = Sim::new(1);
    /// # let server = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(
    /// Child::new("server", || Server).hook(Pause(Duration::from_secs(1)))
    /// #     .at(server)))?;
    /// # sim.run_until_idle();
    /// # assert_eq!(server.address().state(), Lifecycle::Starting);
    /// # sim.run_for(Duration::from_secs(1));
    /// # assert_eq!(server.address().state(), Lifecycle::Running);
    /// # Ok::<_, StartError>(())
    /// ```
    fn start(&mut self, cx: &mut Context<A>) -> Result {
        let _ = cx;
        Ok(())
    }

    /// Is asked about each message that is sent, or published, to the actor, when its turn to be
    /// handled comes; not about its own timers, replies and outputs. `false` refuses the message: it
    /// is reported as undelivered, with [`Reason::Refused`], and an asker learns
    /// [`RequestError::Dropped`](crate::RequestError::Dropped).
    ///
    /// `name` is its type's name; a request comes as an [`Ask`](crate::Ask). While a hook is pending
    /// the messages behind are parked; a [`Bound`](crate::Bound) does not count this one any more. If the
    /// instance ends meanwhile, the message is the first of the next one, whose hooks are asked anew.
    ///
    /// ```
    /// use rotor_core::*;
    /// use std::any::Any;
    /// /// Shows what is sent to an actor of any type.
    /// struct Show;
    /// impl<A: Actor> Hook<A> for Show {
    ///     fn message(&mut self, name: &'static str, _: &dyn Any, cx: &mut Context<A>) -> bool {
    ///         println!("{:?} gets {name}", cx.addr().address());
    ///         true
    ///     }
    /// }
    /// # struct Part;
    /// # impl Actor for Part {}
    /// # let _ = Child::new("part", || Part).hook(Show);
    /// ```
    fn message(&mut self, name: &'static str, message: &dyn Any, cx: &mut Context<A>) -> bool {
        let _ = (name, message, cx);
        true
    }

    /// Is asked in an orderly stop, after the actor's own [`stop`](Actor::stop) and before its children
    /// stop, if it was asked in the start. The child's stop limit runs.
    ///
    /// # Errors
    /// The instance ends with this failure, and the other hooks are not asked.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::rc::Rc;
    /// use std::cell::Cell;
    /// struct Session;
    /// impl Actor for Session {}
    /// /// Counts those that are open.
    /// struct Open(Rc<Cell<u32>>);
    /// impl Hook<Session> for Open {
    ///     fn start(&mut self, _: &mut Context<Session>) -> Result {
    ///         self.0.set(self.0.get() + 1);
    ///         Ok(())
    ///     }
    ///     fn stop(&mut self, _: &Exit, _: &mut Context<Session>) -> Result {
    ///         self.0.set(self.0.get() - 1);
    ///         Ok(())
    ///     }
    /// }
    /// let open = Rc::new(Cell::new(0));
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// let session = |name| Child::new(name, || Session).hook(Open(open.clone()));
    /// let app = sim.start(Supervisor::one_for_one("app").child(session("a")).child(session("b")))?;
    /// sim.run_until_idle();
    /// assert_eq!(open.get(), 2);
    /// app.shutdown();
    /// sim.run_until_idle();
    /// assert_eq!(open.get(), 0);
    /// # Ok::<_, StartError>(())
    /// ```
    fn stop(&mut self, exit: &Exit, cx: &mut Context<A>) -> Result {
        let _ = (exit, cx);
        Ok(())
    }
}

/// A hook for an actor whose type is forgotten.
pub(crate) trait AnyHook {
    fn start(&mut self, here: &Local, slot: u32) -> Result;
    fn message(&mut self, name: &'static str, message: &dyn Any, here: &Local, slot: u32) -> bool;
    fn stop(&mut self, exit: &Exit, here: &Local, slot: u32) -> Result;
}

struct HookOf<A, H>(H, PhantomData<fn(A)>);

impl<A: Actor, H: Hook<A>> AnyHook for HookOf<A, H> {
    fn start(&mut self, here: &Local, slot: u32) -> Result {
        self.0.start(&mut Context::new(here, slot))
    }

    fn message(&mut self, name: &'static str, message: &dyn Any, here: &Local, slot: u32) -> bool {
        self.0.message(name, message, &mut Context::new(here, slot))
    }

    fn stop(&mut self, exit: &Exit, here: &Local, slot: u32) -> Result {
        self.0.stop(exit, &mut Context::new(here, slot))
    }
}

/// Forgets the type of the actor, which is that of the spec.
pub(crate) fn erased<A: Actor>(hook: impl Hook<A>) -> Box<dyn AnyHook> {
    Box::new(HookOf(hook, PhantomData))
}

/// The hooks of the actor in a slot, and how far they have been asked.
pub(crate) struct Hooks {
    /// One that is asked is away.
    all: Vec<Option<Box<dyn AnyHook>>>,
    /// How many were asked in the start of the instance, and are to be asked in its stop.
    started: usize,
    /// The instance's own start has run, or must not.
    begun: bool,
    /// Which is the next to be asked about the message at hand.
    next: usize,
    held: Option<Held>,
}

/// A message that waits for a hook: the first of all that are parked.
struct Held {
    record: Box<[Word; LONGEST]>,
    /// The numbers of the holds that keep it, while one of them does.
    by: Option<Range<u64>>,
}

impl Hooks {
    pub(crate) fn new(all: Vec<Box<dyn AnyHook>>) -> Self {
        Hooks {
            all: all.into_iter().map(Some).collect(),
            started: 0,
            begun: true,
            next: 0,
            held: None,
        }
    }

    /// The next to be asked about the message at hand, if there is one.
    fn next_asked(&mut self) -> Option<usize> {
        let i = self.next;
        let is_left = i < self.all.len();
        self.next = if is_left { i + 1 } else { 0 };
        is_left.then_some(i)
    }
}

impl Local {
    #[inline]
    fn hooks<R>(&self, slot: u32, f: impl FnOnce(&mut Hooks) -> R) -> Option<R> {
        let mut hooks = self.hooks.borrow_mut();
        if hooks.is_empty() {
            return None;
        }
        hooks.get_mut(&slot).map(f)
    }

    /// The hooks of a spec, for the slot that it has now.
    pub(crate) fn add_hooks(&self, slot: u32, hooks: Vec<Box<dyn AnyHook>>) {
        if !hooks.is_empty() {
            self.hooks.borrow_mut().insert(slot, Hooks::new(hooks));
        }
    }

    /// Whether no actor here has hooks.
    pub(crate) fn has_no_hooks(&self) -> bool {
        self.hooks.borrow().is_empty()
    }

    /// Whether the actor in a slot has hooks.
    pub(crate) fn is_hooked(&self, slot: u32) -> bool {
        self.hooks(slot, |_| ()).is_some()
    }

    /// Takes a hook out to ask it.
    fn ask_hook<R>(&self, slot: u32, i: usize, ask: impl FnOnce(&mut dyn AnyHook) -> R) -> R {
        /// Puts it back, also after a panic.
        struct Back<'a>(&'a Local, u32, usize, Option<Box<dyn AnyHook>>);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                let hook = self.3.take();
                self.0.hooks(self.1, |hooks| hooks.all[self.2] = hook);
            }
        }
        let hook = self.hooks(slot, |hooks| hooks.all[i].take()).flatten();
        let mut back = Back(self, slot, i, hook);
        ask(&mut **back.3.as_mut().expect("each is asked alone"))
    }

    /// An instance was made. True if there are hooks, which are asked before it starts.
    pub(crate) fn begin_hooks(&self, slot: u32) -> bool {
        let begun = self.hooks(slot, |hooks| {
            hooks.started = 0;
            hooks.begun = false;
            hooks.next = 0;
            if let Some(held) = &mut hooks.held {
                held.by = None; // those were holds of another instance
            }
        });
        if begun.is_some() {
            // What has not started is not told to stop.
            self.seat(slot, |seat| seat.hooked = true);
        }
        begun.is_some()
    }

    /// Goes on with a start that nothing holds. False if there is nothing left to ask.
    pub(crate) fn start_next(&self, slot: u32) -> bool {
        let next = self.hooks(slot, |hooks| {
            if hooks.begun {
                return None;
            }
            hooks.begun = hooks.started == hooks.all.len();
            let asked = (!hooks.begun).then_some(hooks.started);
            hooks.started += usize::from(asked.is_some());
            Some(asked)
        });
        match next.flatten() {
            None => return false,
            Some(None) => {
                self.seat(slot, |seat| seat.hooked = false);
                self.start_actor(slot);
            }
            Some(Some(i)) => {
                self.current.set(slot);
                let asked = here::guard(|| self.ask_hook(slot, i, |hook| hook.start(self, slot)));
                self.current.set(LOCALITY);
                match asked {
                    Ok(Ok(())) => self.settle_start(slot),
                    Ok(Err(error)) => self.crash(slot, Exit::failed(error)),
                    Err(caught) => self.crash(slot, Exit::panicked(caught)),
                }
            }
        }
        true
    }

    /// Asks the next hook in a stop that nothing holds. False if there is none.
    pub(crate) fn stop_next(&self, slot: u32, exit: &Exit) -> bool {
        let next = self.hooks(slot, |hooks| {
            hooks.started = hooks.started.checked_sub(1)?;
            Some(hooks.started)
        });
        let Some(i) = next.flatten() else {
            return false;
        };
        self.in_stop(slot, || {
            self.ask_hook(slot, i, |hook| hook.stop(exit, self, slot))
        });
        true
    }

    /// The instance has ended, in one way or the other.
    pub(crate) fn end_asking(&self, slot: u32) {
        self.hooks(slot, |hooks| {
            hooks.started = 0;
            hooks.begun = true;
        });
    }

    /// Asks the hooks of a running actor about a message, a copy of whose record this is, and has it
    /// handled if they let it through. False if it waits, with all that come after it.
    pub(crate) fn meet_hooks(&self, slot: u32, mut record: [Word; LONGEST]) -> bool {
        let at = record.as_mut_ptr();
        while let Some(i) = self.hooks(slot, Hooks::next_asked).flatten() {
            let first = self.things.borrow_mut().serial();
            let goes_on = self.ask_about(slot, i, at);
            let by = first..self.things.borrow_mut().serial();
            if !goes_on {
                self.hooks(slot, |hooks| hooks.next = 0);
                // SAFETY: a record that was taken out; its payload is still there.
                unsafe {
                    self.gate
                        .refuse(at, Reason::Refused, &RequestError::Dropped)
                };
                return true;
            }
            let ends = self.seat(slot, |seat| seat.exit.is_some());
            let is_held = self.hold_message(slot, &by);
            if ends || is_held {
                let held = Held {
                    record: Box::new(record),
                    by: is_held.then_some(by),
                };
                self.hooks(slot, |hooks| hooks.held = Some(held));
                self.seat(slot, |seat| {
                    seat.park_all();
                });
                return false;
            }
        }
        // SAFETY: the instance runs, and the record was made for its slot and generation.
        unsafe { self.run_copy(slot, at) };
        true
    }

    /// Asks a hook about a message. A panic is one of the instance; the message is then gone.
    fn ask_about(&self, slot: u32, i: usize, at: *mut Word) -> bool {
        /// Drops the message on the way out of a panic.
        struct Lost(*mut Word);
        impl Drop for Lost {
            fn drop(&mut self) {
                // SAFETY: the record was copied out of its queue, and the panic has come before its
                // payload was.
                let _ = here::guard(|| unsafe {
                    let (kind, payload, _) = signed::open(self.0);
                    (kind.discard)(payload);
                });
            }
        }
        // SAFETY: `at` is a record whose payload is there, and stays where it is meanwhile.
        let (name, message, topic) = unsafe {
            let (kind, payload, _) = signed::open(at);
            let message = &*(kind.look)(payload);
            ((kind.name)(), message, (kind.topic)(payload))
        };
        let lost = Lost(at);
        let cursor = Cell::new(at);
        let walked = self.published_to.replace(topic);
        let goes_on = self.at_cursor(&cursor, || {
            self.ask_hook(slot, i, |hook| hook.message(name, message, self, slot))
        });
        self.published_to.set(walked);
        std::mem::forget(lost);
        goes_on
    }

    /// Has the holds of the actor with numbers in this range be about a message: they delay no stop.
    /// Whether there are any.
    fn hold_message(&self, slot: u32, by: &Range<u64>) -> bool {
        self.seat(slot, |seat| {
            let rare = seat.rare.iter_mut();
            let holds = rare.flat_map(|rare| rare.holds.range_mut(by.clone()));
            holds.map(|(_, why)| why.spare_the_stop()).count() > 0
        })
    }

    /// Whether a message waits for a hook of a running actor.
    pub(crate) fn is_waiting(&self, slot: u32) -> bool {
        let held = |hooks: &mut Hooks| hooks.held.as_ref().is_some_and(|held| held.by.is_some());
        self.hooks(slot, held).unwrap_or(false)
    }

    /// How many messages lie beside those that are parked.
    pub(crate) fn held_count(&self, slot: u32) -> u32 {
        self.hooks(slot, |hooks| u32::from(hooks.held.is_some()))
            .unwrap_or(0)
    }

    /// A hold of a running actor was dropped.
    pub(crate) fn let_go(&self, slot: u32) {
        let by = |hooks: &mut Hooks| hooks.held.as_ref().and_then(|held| held.by.clone());
        let Some(by) = self.hooks(slot, by).flatten() else {
            return;
        };
        if !self.hold_message(slot, &by) {
            self.hooks(slot, |hooks| hooks.held.as_mut().map(|held| held.by = None));
            self.unparking.borrow_mut().push_back(slot);
        }
    }

    /// Takes the message that waits for a hook, or for the next instance.
    pub(crate) fn take_held(&self, slot: u32) -> Option<[Word; LONGEST]> {
        let held = self.hooks(slot, |hooks| hooks.held.take()).flatten()?;
        Some(*held.record)
    }

    /// Has the message that waits for a hook wait for whoever claims the address next, whose hooks are others.
    pub(crate) fn park_held(&self, slot: u32) {
        if let Some(mut record) = self.take_held(slot) {
            // SAFETY: a copy of a record that was taken out.
            self.seat(slot, |seat| unsafe { seat.park_first(record.as_mut_ptr()) });
        }
    }

    /// The actor in a slot is gone for good, and so are its hooks.
    pub(crate) fn end_hooks(&self, slot: u32) {
        if self.hooks.borrow().is_empty() {
            return;
        }
        let hooks = self.hooks.borrow_mut().remove(&slot);
        // A user's.
        let _ = here::guard(|| drop(hooks));
    }
}
