//! Actors and their handlers.

use crate::context::Context;
use crate::decision::{ChildExit, Decision};
use crate::error::Result;
use crate::exit::Exit;
use crate::lane::Lane;

/// State with handlers, owned by one locality, that handles one message at a time.
///
/// It need not be `Send`: it is made by its factory on the thread it lives on. Both hooks have
/// defaults, so the smallest actor is `impl Actor for Mine {}`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    note = "write `impl Actor for {Self} {{}}`"
)]
pub trait Actor: Sized + 'static {
    /// Runs once per instance, before its first message.
    ///
    /// The actor is operational, and the next child of its supervisor is started, when this has
    /// returned and every [hold](Context::hold) made in it is dropped.
    ///
    /// # Errors
    /// An error makes the start fail; the supervisor decides what follows.
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let _ = cx;
        Ok(())
    }

    /// Runs once when the instance ends in an orderly way, before its children are stopped.
    ///
    /// A [hold](Context::hold) made here keeps the instance until it is dropped, under the child's
    /// stop limit. It does not run after a panic, a failure or a removal by force: `Drop` does.
    fn stop(&mut self, reason: &Exit, cx: &mut Context<Self>) {
        let _ = (reason, cx);
    }

    /// Decides what follows when a child that this actor [has added](Context::child) has ended by
    /// itself, or could not be restarted. By default what the child's spec says.
    ///
    /// Runs between messages, when the exit comes; not while this actor starts or stops, nor for a
    /// child that it has stopped. What it decides waits its turn if children are being restarted. A
    /// panic is a panic of this actor. For a [`Supervisor`](crate::Supervisor) see
    /// [`Supervisor::decide`](crate::Supervisor::decide).
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Crawler { given_up: Vec<String> }
    /// impl Actor for Crawler {
    ///     fn decide(&mut self, child: &ChildExit<'_>, _: &mut Context<Self>) -> Decision {
    ///         match child.exit.reason() {
    ///             ExitReason::Failed(error) if error.downcast_ref::<std::io::Error>().is_some() => {
    ///                 self.given_up.push(child.name.to_owned());
    ///                 Decision::Stop // a page that is not there
    ///             }
    ///             _ => Decision::Usual,
    ///         }
    ///     }
    /// }
    /// ```
    fn decide(&mut self, child: &ChildExit<'_>, cx: &mut Context<Self>) -> Decision {
        let _ = (child, cx);
        Decision::Usual
    }
}

/// Handles messages of type `M`; cannot fail.
///
/// ```
/// use rotor_core::*;
/// struct Counter(u32);
/// impl Actor for Counter {}
/// impl Handler<u32> for Counter {
///     fn handle(&mut self, n: u32, cx: &mut Context<Self>) {
///         self.0 += n;
///         if self.0 > 10 {
///             cx.stop();
///         }
///     }
/// }
/// ```
///
/// Instead of several message types, one enum and a `match` serve as well.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle messages of type `{M}`",
    note = "write `impl Handler<{M}> for {Self}`, or `TryHandler` if it may fail"
)]
pub trait Handler<M>: Actor {
    /// The lane of these messages.
    const LANE: Lane = Lane::Normal;

    /// Handles one message. A panic ends the instance, and its supervisor decides what follows.
    fn handle(&mut self, message: M, cx: &mut Context<Self>);
}

/// Handles messages of type `M`; an error ends the instance.
///
/// Every [`Handler`] is one. A type implements one of both for a message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle messages of type `{M}`",
    note = "write `impl Handler<{M}> for {Self}`, or `TryHandler` if it may fail"
)]
pub trait TryHandler<M>: Actor {
    /// The lane of these messages.
    const LANE: Lane = Lane::Normal;

    /// Handles one message.
    ///
    /// # Errors
    /// An error ends the instance with [`ExitReason::Failed`](crate::ExitReason::Failed).
    fn try_handle(&mut self, message: M, cx: &mut Context<Self>) -> Result;
}

impl<M, A: Handler<M>> TryHandler<M> for A {
    const LANE: Lane = <A as Handler<M>>::LANE;

    #[inline(always)]
    fn try_handle(&mut self, message: M, cx: &mut Context<Self>) -> Result {
        self.handle(message, cx);
        Ok(())
    }
}
