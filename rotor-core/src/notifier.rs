//! Notifiers: how a backend tells one instance what it has waited for.

use std::marker::PhantomData;

use crate::actor::TryHandler;
use crate::address::{Address, push_local, rouse_if};
use crate::here::{flush_ahead_of, with_local};
use crate::locality::Local;
use crate::message::{Kind, Notice, Noticed, Record};

/// Sends messages to one instance, not to its successors: for backends, see
/// [`Context::notifier`](crate::Context::notifier). Not `Send`.
///
/// ```
/// use rotor_core::*;
/// /// What a backend does when its sensor has a value.
/// struct Sensor { whom: Option<Notifier<f32>> }
/// impl Sensor {
///     fn measured(&self, value: f32) {
///         if let Some(whom) = &self.whom {
///             whom.notify(value); // the instance that has asked for it, not the one after it
///         }
///     }
/// }
/// # Sensor { whom: None }.measured(1.0);
/// ```
pub struct Notifier<M> {
    to: Address,
    serial: u64,
    kind: &'static Kind,
    message: PhantomData<*mut M>,
}

impl<M: 'static> Notifier<M> {
    /// A notifier for the instance in a slot, an `A`.
    pub(crate) fn new<A: TryHandler<M>>(here: &Local, slot: u32) -> Self {
        Notifier {
            to: here.address_of(slot),
            serial: here.seat(slot, |seat| seat.serial),
            kind: Noticed::<A, Noted<M>>::KIND,
            message: PhantomData,
        }
    }

    /// Sends a message to the instance; dropped if that has ended.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Plug { notes: Option<Notifier<u32>>, got: u32 }
    /// impl Actor for Plug {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         self.notes = Some(cx.notifier());
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<u32> for Plug {
    ///     fn handle(&mut self, n: u32, _: &mut Context<Self>) { self.got += n }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let plug = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("plug", || Plug { notes: None, got: 0 }).at(plug)))?;
    /// # sim.run_until_idle();
    /// let notes = sim.with(plug, |plug| plug.notes.clone()).flatten().unwrap();
    /// notes.notify(7);
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(plug, |plug| plug.got), Some(7));
    /// plug.address().kill();
    /// notes.notify(8); // not for the next instance
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(plug, |plug| plug.got), Some(0));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn notify(&self, message: M) {
        let gate = self.to.gate();
        let serial = self.serial;
        let message = Noted { serial, message };
        flush_ahead_of(gate);
        let rests = with_local(gate, |local| {
            local.is_some_and(|local| push_local(local, self.to, self.kind, message))
        });
        rouse_if(rests, gate);
    }
}

impl<M> Clone for Notifier<M> {
    fn clone(&self) -> Self {
        Notifier {
            message: PhantomData,
            ..*self
        }
    }
}

/// A message for one instance.
struct Noted<M> {
    serial: u64,
    message: M,
}

impl<M: 'static> Notice for Noted<M> {
    type Message = M;

    fn open(self, here: &Local, slot: u32) -> Option<M> {
        let serial = here.seat(slot, |seat| seat.serial);
        (serial == self.serial).then_some(self.message)
    }
}
