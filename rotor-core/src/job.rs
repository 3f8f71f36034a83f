//! Jobs: blocking work on another locality, as futures.

use crate::here;
use crate::lane::NORMAL;
use crate::locality::{Control, Errand, Local, Locality};
use crate::request::Asking;

impl Locality {
    /// Has `f` run on the thread of this locality, between its messages; its result comes as a future.
    ///
    /// Any thread. For work that blocks, on a [`ThreadLoop`](crate::ThreadLoop) that has nothing else to
    /// do: while it runs, nothing else of its locality does. Jobs are run in the order in which
    /// they were given by one sender. Nothing interrupts one that runs, and it has no time limit; one
    /// whose future is dropped before its turn, because its actor has ended or does not want
    /// it any more, is not run. A spawned thread runs what it was given before it ends.
    ///
    /// # Errors
    /// [`Ended`](crate::RequestError::Ended) with the panic, if `f` panics: its thread goes on;
    /// [`Gone`](crate::RequestError::Gone) if the locality ends, or is lost, before it was run.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// struct Sort(Vec<u32>);
    /// struct Table { work: Locality, rows: Vec<u32> }
    /// impl Actor for Table {}
    /// impl Handler<Sort> for Table {
    ///     fn handle(&mut self, Sort(mut rows): Sort, cx: &mut Context<Self>) {
    ///         let sorted = self.work.job(move || { rows.sort(); rows });
    ///         cx.spawn(sorted, |me, sorted, cx| match sorted {
    ///             Ok(rows) => {
    ///                 me.rows = rows; // here again: the table can be shown
    ///                 cx.stop();
    ///             }
    ///             Err(error) => cx.fail(error),
    ///         });
    ///     }
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let main = ThreadLoop::new();
    /// # let table = main.locality().reserve();
    /// # table.send(Sort(vec![3, 1, 2]));
    /// let work = ThreadLoop::spawn("work")?;
    /// let child = Child::new("table", move || Table { work: work.clone(), rows: Vec::new() });
    /// # let child = child.at(table);
    /// # let exit = main.run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
    /// #     .child(child.transient().significant()))?;
    /// # assert!(!exit.is_failure());
    /// # Ok(())
    /// # }
    /// ```
    pub fn job<R: Send + 'static>(&self, f: impl FnOnce() -> R + Send + 'static) -> Asking<R> {
        let (asking, reply) = Asking::promised();
        let errand = Errand::new(self);
        let job = move |there: &Local| {
            let _errand = errand;
            if reply.is_given_up() {
                return;
            }
            there.flush(); // what has been sent from there must not wait for it
            reply.settle(here::guard(f));
            there.flush(); // nor the result for the next job
        };
        Control::post_in(self.gate(), NORMAL, Control::Call(Box::new(job)));
        asking
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Clock, Driver, Turn, Wake};
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    struct Nothing;

    impl Wake for Nothing {
        fn wake(&self) {}
    }

    /// However little is done in a turn.
    #[test]
    fn a32_jobs_are_run_though_nobody_holds_their_loop_any_more() {
        let driver = Driver::new(Arc::new(Nothing), Clock::manual());
        let here = Locality::new("here");
        driver.open(&here).unwrap();
        driver.host();
        let jobs = [here.job(|| 1), here.job(|| 2)];
        drop(here);
        let budget = Budget {
            messages: 1,
            ..Budget::default()
        };
        while !matches!(driver.turn(budget), Turn::Done(_)) {}
        let cx = &mut Context::from_waker(Waker::noop());
        let done = jobs.map(|job| match pin!(job).poll(cx) {
            Poll::Ready(Ok(n)) => n,
            Poll::Ready(Err(error)) => panic!("{error}"),
            Poll::Pending => panic!("it waits"),
        });
        assert_eq!(done, [1, 2]);
    }
}
