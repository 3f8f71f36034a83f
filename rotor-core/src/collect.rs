//! Gathering a stream: many messages in one.

use std::marker::PhantomData;
use std::time::Duration;

use crate::actor::{Actor, Handler};
use crate::context::Context;
use crate::exit::Exit;
use crate::recipient::Recipient;
use crate::timer::Timer;

/// An actor that passes messages on together: when so many have come, or some time after the first.
///
/// For rows of a table, lines of a log, writes to a disk: whatever is cheaper at once than one by one.
/// Nothing is left out, and all stay in order. What waits at the end of the instance is passed on then,
/// but is lost with one that is killed, panics or overruns its stop limit, or whose loop is lost.
///
/// A child like any other, best beside whoever sends so much.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// # let mut sim = Sim::new(1);
/// # let locality = sim.locality("work");
/// # let probe = sim.probe::<Vec<u32>>();
/// # let table = probe.recipient();
/// let rows = locality.reserve();
/// let frame = Duration::from_millis(16);
/// let tree = Supervisor::one_for_one("app")
///     .child(Child::new("rows", move || Collect::new(table, 100, frame)).at(rows));
/// sim.start(tree)?;
/// for row in 0..250 {
///     rows.send(row);
/// }
/// sim.run_for(frame);
/// let lengths: Vec<_> = probe.take().iter().map(Vec::len).collect();
/// assert_eq!(lengths, [100, 100, 50]);
/// # Ok::<_, StartError>(())
/// ```
pub struct Collect<M> {
    to: Recipient<Vec<M>>,
    most: usize,
    within: Duration,
    waiting: Vec<M>,
    /// Runs while something waits.
    timer: Option<Timer>,
}

/// The first one has waited long enough.
struct Over<M>(PhantomData<fn(M)>);

impl<M: Send + 'static> Collect<M> {
    /// Passes on `most` messages at a time, fewer when the first of them has waited for `within`.
    ///
    /// Zero messages count as one.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// fn child(disk: Recipient<Vec<String>>) -> Child<Collect<String>> {
    ///     Child::new("log", move || Collect::new(disk, 1000, Duration::from_millis(100)))
    /// }
    /// ```
    pub fn new(to: Recipient<Vec<M>>, most: usize, within: Duration) -> Self {
        Collect {
            to,
            most: most.max(1),
            within,
            waiting: Vec::new(),
            timer: None,
        }
    }

    fn pass_on(&mut self) {
        if !self.waiting.is_empty() {
            self.to.send(std::mem::take(&mut self.waiting));
        }
    }
}

impl<M: Send + 'static> Actor for Collect<M> {
    fn stop(&mut self, _: &Exit, _: &mut Context<Self>) {
        self.pass_on();
    }
}

#[diagnostic::do_not_recommend]
impl<M: Send + 'static> Handler<M> for Collect<M> {
    fn handle(&mut self, message: M, cx: &mut Context<Self>) {
        self.waiting.push(message);
        if self.waiting.len() >= self.most {
            if let Some(timer) = self.timer.take() {
                cx.cancel(timer);
            }
            self.pass_on();
        } else if self.timer.is_none() {
            self.timer = Some(cx.after(self.within, Over::<M>(PhantomData)));
        }
    }
}

#[diagnostic::do_not_recommend]
impl<M: Send + 'static> Handler<Over<M>> for Collect<M> {
    fn handle(&mut self, _: Over<M>, _: &mut Context<Self>) {
        self.timer = None;
        self.pass_on();
    }
}
