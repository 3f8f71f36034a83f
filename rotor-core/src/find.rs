//! Finding an actor by its name, now or when it is there.

#![expect(unsafe_code)]

use std::borrow::Cow;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

use crate::actor::Actor;
use crate::address::{Addr, Address};
use crate::context::Context;
use crate::hold::{Hold, Why};
use crate::lane::NORMAL;
use crate::locality::Local;
use crate::message::{Record, Way};
use crate::name::{Name, NameError};
use crate::registry::{Registry, Scope, Waiter};
use crate::request::RequestError;
use crate::small::{Small, Table, drop_of, fits, free_box};
use crate::things::{Body, Key};
use crate::timer::nanos;

/// What became of a name that somebody looked for.
pub(crate) type Found = Result<Address, NameError>;

/// An answer of a registry on its way to the instance that waits for it.
pub(crate) struct Answer;

impl Record for Answer {
    type Message = (Key, Found);
    const LANE: usize = NORMAL;
    const WAY: Way = Way::Own;

    fn name() -> &'static str {
        std::any::type_name::<NameError>()
    }

    unsafe fn run((key, found): Self::Message, actor: *mut (), here: &Local, slot: u32) {
        let mut found = ManuallyDrop::new(found);
        let is_awaited = here.take_once(key, slot, |finding| {
            // SAFETY: the serial names this wait, whose table takes a `Found` and moves it out; the
            // actor is the live instance that waits.
            unsafe { finding.call(actor, (&raw mut found).cast(), here, slot) }
        });
        if !is_awaited {
            // It was cancelled, or its time limit came first.
            drop(ManuallyDrop::into_inner(found));
        }
    }
}

/// A wait of an instance; it ends with this value, whatever uses that up.
struct Wait {
    registry: Option<(Arc<Registry>, u64)>,
    /// Where it looks.
    scopes: Arc<[Scope]>,
    name: Cow<'static, str>,
    to: Address,
    /// Keeps a start open. Goes last.
    hold: Option<Hold>,
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some((registry, number)) = self.registry.take() {
            let from = (&self.name, &*self.scopes);
            registry.forget(from, number, self.to, self.hold.is_some());
        }
        drop(self.hold.take());
    }
}

/// The closure that gets what was found.
struct Finding<A, B, F> {
    then: F,
    wait: Wait,
    types: PhantomData<fn(A, B)>,
}

impl<A, B, F> Finding<A, B, F>
where
    A: Actor,
    B: Actor,
    F: FnOnce(&mut A, Result<Addr<B>, NameError>, &mut Context<A>) + 'static,
{
    const TABLE: &'static Table = &Table {
        call: Self::call,
        repeat: None,
        fail: Some(Self::fail),
        asks: None,
        trivial: false,
        drop: drop_of::<Self>(),
        free: if fits::<Self>() {
            None
        } else {
            Some(free_box::<Self>)
        },
    };

    unsafe fn call(this: *mut (), actor: *mut (), found: *mut (), here: &Local, slot: u32) {
        // SAFETY: the table belongs to `Self`; `found` is a `Found` to move out.
        let (this, found) = unsafe { (this.cast::<Self>().read(), found.cast::<Found>().read()) };
        // The registry has compared the owner's type with `B`.
        let found = found.map(Addr::new);
        // SAFETY: as the caller says.
        unsafe { this.tell(actor, found, here, slot) }
    }

    /// The time limit has passed.
    unsafe fn fail(this: *mut (), actor: *mut (), _: RequestError, here: &Local, slot: u32) {
        // SAFETY: the table belongs to `Self`.
        let this = unsafe { this.cast::<Self>().read() };
        let name = this.wait.name.clone();
        // SAFETY: as the caller says.
        unsafe { this.tell(actor, Err(NameError::NotFound { name }), here, slot) }
    }

    /// # Safety
    /// `actor` is the live instance of `slot`, an `A`.
    unsafe fn tell(
        self,
        actor: *mut (),
        found: Result<Addr<B>, NameError>,
        here: &Local,
        slot: u32,
    ) {
        // The hold goes when the closure has returned.
        let Finding {
            then, wait: _wait, ..
        } = self;
        // SAFETY: as the caller says.
        let actor = unsafe { &mut *actor.cast::<A>() };
        then(actor, found, &mut Context::new(here, slot));
    }
}

/// How long to wait for a name.
pub(crate) enum Patience {
    /// As long as it takes; a start waits, too, within its own limit.
    Hold,
    /// This long; a start does not wait.
    Limit(Duration),
}

/// Has `then` called in the context of the instance in `slot` when the name is there.
pub(crate) fn find<A: Actor, B: Actor>(
    here: &Local,
    slot: u32,
    name: Name<B>,
    patience: Patience,
    then: impl FnOnce(&mut A, Result<Addr<B>, NameError>, &mut Context<A>) + 'static,
) -> Key {
    fn small<A, B, F>(then: F, wait: Wait) -> Small
    where
        A: Actor,
        B: Actor,
        F: FnOnce(&mut A, Result<Addr<B>, NameError>, &mut Context<A>) + 'static,
    {
        let types = PhantomData;
        Small::new(
            Finding::<A, B, F> { then, wait, types },
            Finding::<A, B, F>::TABLE,
        )
    }
    let name = name.spec();
    let (to, text, wanted) = (here.address_of(slot), name.text.clone(), name.actor);
    let scopes: Arc<[Scope]> = here.scopes_for(slot, &name).into();
    let (hold, limit) = match patience {
        Patience::Hold => {
            let why = match name.registry {
                None => Why::Name(text.clone()),
                Some(_) => Why::FarName(text.clone()),
            };
            (Hold::of_start(here, slot, why), None)
        }
        Patience::Limit(limit) => (None, Some(limit)),
    };
    let registry = here.registry_for(slot, &name);
    let numbered = registry.as_ref().ok().map(|r| (r.clone(), r.number()));
    let number = numbered.as_ref().map(|(_, number)| *number);
    let wait = Wait {
        registry: numbered,
        scopes: scopes.clone(),
        name: name.text,
        to,
        hold,
    };
    let key = here.add_thing(slot, Body::Once(small::<A, B, _>(then, wait)));
    if let Some(limit) = limit {
        here.things
            .borrow_mut()
            .arm_later(key, nanos(limit), &here.clock);
    }
    let waiter = Waiter {
        to,
        key,
        wanted,
        scopes,
        number: number.unwrap_or_default(),
    };
    let answer = match registry {
        Ok(registry) => registry.wait(&text, waiter),
        Err(error) => Some((waiter, Err(error))),
    };
    if let Some((waiter, found)) = answer {
        waiter.tell(found);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Sim;
    use crate::{Child, Supervisor};

    struct Waiting;

    impl Actor for Waiting {
        fn start(&mut self, cx: &mut Context<Self>) -> crate::Result {
            let never = Name::<Waiting>::new("never");
            let cancelled = cx.find(never.clone(), |_, _, _| ());
            cx.find_within(never.clone(), Duration::from_secs(1), |_, _, _| ());
            cx.find_within(never, Duration::from_secs(60), |_, _, _| ());
            assert!(cx.cancel(cancelled));
            Ok(())
        }
    }

    /// The answer is a message of this library, and nobody's that was handled.
    #[test]
    fn a_name_of_another_type_is_no_failure_on_a_message() {
        struct Other;
        impl Actor for Other {}
        struct Seeks;
        impl Actor for Seeks {
            fn start(&mut self, cx: &mut Context<Self>) -> crate::Result {
                cx.find(Name::<Waiting>::new("other"), |_, _, _| ());
                Ok(())
            }
        }
        let mut sim = Sim::new(1);
        sim.locality("here");
        let other = Child::new("other", || Other).named(Name::new("other"));
        let tree = Supervisor::one_for_one("root").child(other);
        let app = sim
            .start(tree.child(Child::new("seeks", || Seeks)))
            .expect("a sound tree");
        sim.run_until_idle();
        let exit = app.tree().ended.expect("its start failed");
        let text = format!("{exit:#}");
        assert!(text.contains("has to be of its type"), "{text}");
        assert!(!text.contains("(on "), "{text}");
    }

    /// Not by a cancel, nor by a limit, nor by the end of the instance.
    #[test]
    fn a_wait_that_is_over_leaves_nothing_in_the_registry() {
        let mut sim = Sim::new(1);
        let a = sim.locality("here").reserve();
        let child = Child::new("a", || Waiting).at(a).transient();
        let app = sim
            .start(Supervisor::one_for_one("root").child(child))
            .expect("a sound tree");
        sim.run_until_idle();
        assert_eq!(app.shared.registry.waits_open(), 2);
        sim.run_for(Duration::from_secs(1));
        assert_eq!(app.shared.registry.waits_open(), 1);
        a.stop();
        sim.run_until_idle();
        assert_eq!(app.shared.registry.waits_open(), 0);
    }
}
