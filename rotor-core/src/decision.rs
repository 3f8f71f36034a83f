//! What a supervising actor says to the end of a child.

#![expect(unsafe_code)]

use std::fmt;

use crate::address::Address;
use crate::exit::Exit;
use crate::here;
use crate::locality::Local;
use crate::message::LOCALITY;
use crate::strategy::ChildId;

/// What follows when a child has ended by itself; said by [`Actor::decide`](crate::Actor::decide).
///
/// ```
/// use rotor_core::*;
/// let net = Supervisor::one_for_one("net").decide(|child| match child.exit.reason() {
///     ExitReason::Failed(error) if error.downcast_ref::<std::io::Error>().is_some() => {
///         Decision::Restart // the peer went away, which is usual
///     }
///     ExitReason::Panicked(_) => Decision::Escalate, // a bug: build all of it anew
///     _ => Decision::Usual,
/// });
/// # assert!(net.plan(&Locality::new("here")).is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// What the child's [restart kind](crate::Restart) says. The default. A restart that has failed is
    /// tried again, unless the child is temporary.
    #[default]
    Usual,
    /// It is restarted, whatever its kind, and with it whom the strategy says. That counts.
    ///
    /// What is sent to a child that is restarted against its kind is not parked meanwhile.
    Restart,
    /// It is not restarted. Its spec stays, unless it is temporary or a child of a pool. Of a
    /// child that could not start when its supervisor did: the start goes on without it, which
    /// otherwise fails, whatever else is said. So does a restart that it has failed, with those that
    /// were to start after it.
    Stop,
    /// This supervisor ends, with [`ExitReason::Escalated`](crate::ExitReason::Escalated): its own
    /// supervisor decides what follows.
    Escalate,
}

/// A child that has ended by itself, or could not be started; see
/// [`Actor::decide`](crate::Actor::decide), also for which starts nobody is asked about.
///
/// ```
/// use rotor_core::*;
/// fn decide(child: &ChildExit<'_>) -> Decision {
///     eprintln!("{} has ended: {}", child.name, child.exit);
///     match child.name {
///         "cache" => Decision::Stop, // the others do without it
///         _ => Decision::Usual,
///     }
/// }
/// let tree = Supervisor::one_for_one("app").decide(decide);
/// # let _ = tree;
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ChildExit<'a> {
    /// Its name in its spec.
    pub name: &'a str,
    /// Its address.
    pub address: Address,
    /// Why it ended.
    pub exit: &'a Exit,
}

impl fmt::Debug for ChildExit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChildExit({}: {})", self.name, self.exit)
    }
}

/// How a stock supervisor decides.
pub(crate) type Decide = dyn Fn(&ChildExit<'_>) -> Decision + Send + Sync;

impl Local {
    /// Asks the actor in `slot` what follows the end of a child, if it is to be asked. A panic of it
    /// is its own end.
    pub(crate) fn decide(
        &self,
        slot: u32,
        child: ChildId,
        incarnation: u64,
        exit: &Exit,
    ) -> Decision {
        let asked = self.seat(slot, |seat| {
            let runs = seat.state.is_alive() && seat.exit.is_none();
            let kin = seat.kin.as_mut().filter(|kin| runs && kin.decides)?;
            let asked = kin.family.is_asked_about(child, incarnation);
            let name = asked.then(|| kin.family.row(child).name.clone())?;
            Some((seat.ops?, name, kin.entry(child)?.place))
        });
        let actor = self.slots.actor(slot);
        let Some((ops, name, address)) = asked.filter(|_| !actor.is_null()) else {
            return Decision::Usual;
        };
        let child = ChildExit {
            name: &name,
            address,
            exit,
        };
        self.current.set(slot);
        // SAFETY: the instance is live, and nothing else refers to it between messages.
        let decided = here::guard(|| unsafe { (ops.decide)(actor, &child, self, slot) });
        self.current.set(LOCALITY);
        decided.unwrap_or_else(|caught| {
            let panicked = Exit::panicked(caught);
            self.crash(slot, panicked.because(name.to_cow(), exit.clone()));
            Decision::Usual
        })
    }
}
