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
///
/// Whatever an instance is made of, its factory makes anew after a crash:
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Counter(u32);
/// impl Actor for Counter {}
/// impl Handler<u32> for Counter {
///     fn handle(&mut self, n: u32, _: &mut Context<Self>) {
///         self.0 = self.0.checked_add(n).expect("no overflow");
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let counter = sim.locality("here").reserve();
/// sim.start(Supervisor::one_for_one("app").child(Child::new("counter", || Counter(0)).at(counter)))?;
/// for n in [7, u32::MAX, 3] { // the second one is the end of the first instance
///     counter.send(n);
/// }
/// sim.run_until_idle();
/// assert_eq!(sim.with(counter, |counter| counter.0), Some(3));
/// # Ok::<_, StartError>(())
/// ```
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
    /// What it sends to itself here has its place among its messages: behind those that have waited for
    /// it, ahead of those that actors of its locality send it later. What must come before all of them
    /// is done here, or, if it takes time, by its own timers, answers and futures while a hold keeps the
    /// start open: these are handled meanwhile, messages are not.
    ///
    /// # Errors
    /// An error makes the start fail; the supervisor decides what follows. So does
    /// [`Context::fail`].
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// #[derive(Clone)] struct Tick;
    /// #[derive(Default)] struct Clockwork { ticks: u32 }
    /// impl Actor for Clockwork {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         cx.every(Duration::from_secs(1), Tick); // each instance has its own
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Tick> for Clockwork {
    ///     fn handle(&mut self, _: Tick, _: &mut Context<Self>) { self.ticks += 1 }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let clock = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("clock", Clockwork::default).at(clock)))?;
    /// # sim.run_for(Duration::from_secs(3));
    /// # assert_eq!(sim.with(clock, |clock| clock.ticks), Some(3));
    /// # Ok::<_, StartError>(())
    /// ```
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let _ = cx;
        Ok(())
    }

    /// Runs once when the instance ends in an orderly way, before its children are stopped.
    ///
    /// A [hold](Context::hold) made here keeps the instance until it is dropped, under the child's
    /// stop limit. It does not run after a panic, a failure or a removal by force: `Drop` does.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Editor { text: String, disk: Recipient<String> }
    /// impl Actor for Editor {
    ///     fn stop(&mut self, _: &Exit, _: &mut Context<Self>) {
    ///         self.disk.send(std::mem::take(&mut self.text)); // what would be lost
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # sim.locality("here");
    /// # let probe = sim.probe();
    /// # let disk = probe.recipient();
    /// # let app = sim.start(Supervisor::one_for_one("app").child(
    /// #     Child::new("editor", move || Editor { text: "unsaved".to_owned(), disk })))?;
    /// # sim.run_until_idle();
    /// app.shutdown();
    /// # sim.run_until_idle();
    /// # assert_eq!(probe.take(), ["unsaved"]);
    /// # Ok::<_, StartError>(())
    /// ```
    fn stop(&mut self, reason: &Exit, cx: &mut Context<Self>) {
        let _ = (reason, cx);
    }

    /// Decides what follows when a child that this actor [has added](Context::child) has ended by
    /// itself, or could not be started: with this actor, or again. By default what the child's spec
    /// says.
    ///
    /// Runs between messages, when the exit comes; not while this actor stops, nor for a child that it
    /// has stopped. Nor is it asked when the first start of a child fails that a handler or a request has added,
    /// which is removed then, nor when a start fails that a request has asked for: a monitor, or the answer,
    /// says why. When such a child ends later, it is asked as about any other.
    ///
    /// What it decides waits its turn if children are being restarted. A panic is a panic of this actor, caused
    /// by the exit. For a [`Supervisor`](crate::Supervisor) see
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
/// Instead of several message types, one enum and a `match` serve as well. A handler that may fail is a
/// [`TryHandler`]: of a `handle` that returns a `Result`, the compiler says that it expects `()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle messages of type `{M}`",
    note = "write `impl Handler<{M}> for {Self}`, or `TryHandler` if it may fail",
    note = "`_` stands for the type of the argument that is marked; of a request it is `Ask<_>`"
)]
pub trait Handler<M>: Actor {
    /// The lane of these messages.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Cancel;
    /// struct Job(&'static str);
    /// struct Printer { printed: Vec<&'static str>, cancelled: bool }
    /// impl Actor for Printer {}
    /// impl Handler<Job> for Printer {
    ///     fn handle(&mut self, job: Job, _: &mut Context<Self>) {
    ///         if !self.cancelled { self.printed.push(job.0) }
    ///     }
    /// }
    /// impl Handler<Cancel> for Printer {
    ///     const LANE: Lane = Lane::Urgent; // goes ahead of the jobs that wait
    ///     fn handle(&mut self, _: Cancel, _: &mut Context<Self>) { self.cancelled = true }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let printer = sim.locality("here").reserve();
    /// # sim.start(Supervisor::one_for_one("app").child(
    /// #     Child::new("printer", || Printer { printed: Vec::new(), cancelled: false }).at(printer)))?;
    /// # sim.run_until_idle();
    /// printer.send(Job("report"));
    /// printer.send(Cancel);
    /// sim.run_until_idle();
    /// assert_eq!(sim.with(printer, |p| p.printed.len()), Some(0));
    /// # Ok::<_, StartError>(())
    /// ```
    const LANE: Lane = Lane::Normal;

    /// Handles one message. A panic ends the instance, and its supervisor decides what follows.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Greet { name: String, answer_to: Recipient<String> }
    /// struct Greeter { greeted: usize }
    /// impl Actor for Greeter {}
    /// impl Handler<Greet> for Greeter {
    ///     fn handle(&mut self, Greet { name, answer_to }: Greet, _: &mut Context<Self>) {
    ///         self.greeted += 1; // nobody else touches it: no lock, no cell
    ///         answer_to.send(format!("hello, {name}"));
    ///     }
    /// }
    /// ```
    /// It returns nothing: for `?`, implement [`TryHandler`] instead.
    fn handle(&mut self, message: M, cx: &mut Context<Self>);
}

/// Handles messages of type `M`; an error ends the instance.
///
/// Every [`Handler`] is one. A type implements one of both for a message.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Parse(&'static str);
/// struct Sum(i64);
/// impl Actor for Sum {}
/// impl TryHandler<Parse> for Sum {
///     fn try_handle(&mut self, Parse(text): Parse, _: &mut Context<Self>) -> Result {
///         self.0 += text.parse::<i64>()?; // any error
///         Ok(())
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let sum = sim.locality("here").reserve();
/// let app = sim.start(Supervisor::one_for_one("app").intensity(0, std::time::Duration::from_secs(1))
///     .child(Child::new("sum", || Sum(0)).at(sum)))?;
/// sum.send(Parse("seven"));
/// sim.run_until_idle();
/// let exit = app.tree().ended.expect("its only child may not be restarted");
/// assert_eq!(exit.root_cause().to_string(), "failed: invalid digit found in string");
/// # Ok::<_, StartError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle messages of type `{M}`",
    note = "write `impl Handler<{M}> for {Self}`, or `TryHandler` if it may fail",
    note = "`_` stands for the type of the argument that is marked; of a request it is `Ask<_>`"
)]
pub trait TryHandler<M>: Actor {
    /// The lane of these messages.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Save;
    /// struct Document;
    /// impl Actor for Document {}
    /// impl TryHandler<Save> for Document {
    ///     const LANE: Lane = Lane::Urgent; // asked for by the user, who waits
    ///     fn try_handle(&mut self, _: Save, _: &mut Context<Self>) -> Result {
    ///         std::fs::write("document.txt", "text")?;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    const LANE: Lane = Lane::Normal;

    /// Handles one message.
    ///
    /// # Errors
    /// An error ends the instance with [`ExitReason::Failed`](crate::ExitReason::Failed).
    ///
    /// # Examples
    /// ```
    /// # use rotor_core::*;
    /// struct Withdraw(u64);
    /// struct Account { balance: u64 }
    /// impl Actor for Account {}
    /// impl TryHandler<Withdraw> for Account {
    ///     fn try_handle(&mut self, Withdraw(sum): Withdraw, _: &mut Context<Self>) -> Result {
    ///         let left = self.balance.checked_sub(sum);
    ///         self.balance = left.ok_or_else(|| Error::message("the books are wrong"))?;
    ///         Ok(())
    ///     }
    /// }
    /// ```
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
