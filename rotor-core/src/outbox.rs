//! Sending in bulk from a plain thread.

use crate::actor::TryHandler;
use crate::address::Addr;
use crate::batch::Batch;
use crate::gate::Gate;
use crate::message::{Boxed, Header, Inline, Record, Typed, is_inline};

/// Collects messages of a plain thread and hands them over in chunks.
///
/// For streams of messages from outside any locality: one hand-over for many, where
/// [`Addr::send`] makes one each. Inside handlers sends are collected without it. It counts as a sender of its own: its
/// messages arrive in order among themselves. Handed over at 16 KiB per destination, by
/// [`flush`](Self::flush) and when it is dropped.
///
/// ```
/// use rotor_core::*;
/// struct Adder(u64);
/// impl Actor for Adder {}
/// impl Handler<u64> for Adder {
///     fn handle(&mut self, n: u64, cx: &mut Context<Self>) {
///         self.0 += n;
///         if n == 999 {
///             assert_eq!(self.0, 499_500);
///             cx.stop();
///         }
///     }
/// }
/// # fn main() -> Result<(), StartError> {
/// let main = ThreadLoop::new();
/// let adder = main.locality().reserve();
/// std::thread::spawn(move || {
///     let mut out = Outbox::new();
///     for n in 0..1000_u64 {
///         out.send(adder, n);
///     }
/// });
/// main.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
///     .child(Child::new("adder", || Adder(0)).at(adder).transient().significant()))?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Outbox {
    batches: Vec<Batch>,
}

impl Outbox {
    /// Makes an empty outbox. Allocates nothing.
    ///
    /// ```
    /// use rotor_core::*;
    /// # struct Sum(u64);
    /// # impl Actor for Sum {}
    /// # impl Handler<u64> for Sum { fn handle(&mut self, n: u64, _: &mut Context<Self>) { self.0 += n } }
    /// fn replay(log: impl Iterator<Item = u64> + Send + 'static, to: Addr<Sum>) {
    ///     std::thread::spawn(move || {
    ///         let mut outbox = Outbox::new(); // one for each thread that sends much
    ///         log.for_each(|n| outbox.send(to, n));
    ///     }); // dropped: the rest is handed over
    /// }
    /// # replay(0..10, Locality::new("here").reserve());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message for an actor. Never blocks; allocates a chunk now and then. One for a
    /// [bounded](crate::Bound) actor is sent at once.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Sum(u64);
    /// impl Actor for Sum {}
    /// impl Handler<u64> for Sum { fn handle(&mut self, n: u64, _: &mut Context<Self>) { self.0 += n } }
    /// # let mut sim = Sim::new(1);
    /// # let sum = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("sum", || Sum(0)).at(sum)))?;
    /// let mut outbox = Outbox::new();
    /// for n in 1..=1000 {
    ///     outbox.send(sum, n); // one wake for many
    /// }
    /// drop(outbox);
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(sum, |sum| sum.0), Some(500_500));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn send<A, M>(&mut self, to: Addr<A>, message: M)
    where
        A: TryHandler<M>,
        M: Send + 'static,
    {
        let address = to.address();
        if address.is_bounded() {
            return to.send(message); // one by one
        }
        let head = Header::new(Typed::<A, M>::KIND, address.slot, address.generation);
        let batch = self.batch(address.gate(), <A as TryHandler<M>>::LANE.index());
        if is_inline::<M>() {
            batch.add(head, Inline(message));
        } else {
            batch.add(head, Boxed(Box::new(message)));
        }
    }

    /// Hands over everything that was collected.
    ///
    /// ```
    /// # use rotor_core::{sim::Sim, *};
    /// # struct Sum(u64);
    /// # impl Actor for Sum {}
    /// # impl Handler<u64> for Sum { fn handle(&mut self, n: u64, _: &mut Context<Self>) { self.0 += n } }
    /// # let mut sim = Sim::new(1);
    /// # let sum = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("sum", || Sum(0)).at(sum)))?;
    /// let mut outbox = Outbox::new();
    /// outbox.send(sum, 7);
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(sum, |sum| sum.0), Some(0)); // still here
    /// outbox.flush(); // such as at the end of a batch, before waiting for the next one
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(sum, |sum| sum.0), Some(7));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn flush(&mut self) {
        self.batches.iter_mut().for_each(Batch::flush);
    }

    fn batch(&mut self, to: &'static Gate, lane: usize) -> &mut Batch {
        let found = self
            .batches
            .iter()
            .position(|batch| batch.to == to && batch.lane == lane);
        let at = found.unwrap_or_else(|| {
            self.batches.push(Batch::new(to, lane));
            self.batches.len() - 1
        });
        &mut self.batches[at]
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.flush();
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbox")
    }
}
