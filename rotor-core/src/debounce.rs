//! Thinning a stream: the message after which there is a pause.

use std::time::Duration;

use crate::actor::{Actor, Handler};
use crate::context::Context;
use crate::exit::Exit;
use crate::recipient::Recipient;
use crate::timer::Timer;

/// An actor that passes a message on when none has come after it for a time.
///
/// For what is worth doing only when it is over: typing, a change of size, a burst of events about one
/// file. What a later message replaces is not undelivered: it is out of date. What waits at the end of
/// the instance is passed on then, but is lost with one that is killed, panics or overruns its stop
/// limit, or whose loop is lost. As long as messages come without such a pause, nothing is passed on:
/// see [`Throttle`](crate::Throttle).
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::time::Duration;
/// # let mut sim = Sim::new(1);
/// # let locality = sim.locality("ui");
/// # let probe = sim.probe::<&'static str>();
/// # let search = probe.recipient();
/// let typed = locality.reserve();
/// let pause = Duration::from_millis(300);
/// let tree = Supervisor::one_for_one("app")
///     .child(Child::new("typed", move || Debounce::new(search, pause)).at(typed));
/// sim.start(tree)?;
/// for text in ["r", "ro", "rot"] {
///     typed.send(text);
///     sim.run_for(Duration::from_millis(200));
/// }
/// assert!(probe.take().is_empty());
/// sim.run_for(Duration::from_millis(100));
/// assert_eq!(probe.take(), ["rot"]);
/// # Ok::<_, StartError>(())
/// ```
pub struct Debounce<M> {
    to: Recipient<M>,
    pause: Duration,
    waiting: Option<(M, Timer)>,
}

/// Nothing has come meanwhile.
struct Pause<M>(std::marker::PhantomData<fn(M)>);

impl<M: Send + 'static> Debounce<M> {
    /// Passes on a message after which there is a `pause`. With one of zero it is the latest when the loop looks
    /// at its clock, which it does after some messages at the latest.
    ///
    /// ```
    /// # use rotor_core::*;
    /// # use std::time::Duration;
    /// fn child(layout: Recipient<(u32, u32)>) -> Child<Debounce<(u32, u32)>> {
    ///     Child::new("resized", move || Debounce::new(layout, Duration::from_millis(100)))
    /// }
    /// ```
    pub fn new(to: Recipient<M>, pause: Duration) -> Self {
        Debounce {
            to,
            pause,
            waiting: None,
        }
    }

    fn pass_on(&mut self) {
        if let Some((message, _)) = self.waiting.take() {
            self.to.send(message);
        }
    }
}

impl<M: Send + 'static> Actor for Debounce<M> {
    fn stop(&mut self, _: &Exit, _: &mut Context<Self>) {
        self.pass_on();
    }
}

#[diagnostic::do_not_recommend]
impl<M: Send + 'static> Handler<M> for Debounce<M> {
    fn handle(&mut self, message: M, cx: &mut Context<Self>) {
        let timer = cx.after(self.pause, Pause::<M>(std::marker::PhantomData));
        if let Some((_, before)) = self.waiting.replace((message, timer)) {
            cx.cancel(before);
        }
    }
}

#[diagnostic::do_not_recommend]
impl<M: Send + 'static> Handler<Pause<M>> for Debounce<M> {
    fn handle(&mut self, _: Pause<M>, _: &mut Context<Self>) {
        self.pass_on();
    }
}
