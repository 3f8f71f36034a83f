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
            if reply.is_cancelled() {
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
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::*;
    use crate::entrance::Nothing;
    use crate::{Budget, Clock, Driver, RequestError, Supervisor, Turn};

    /// A driver of a locality that hosts parts of trees.
    fn host(place: &Locality) -> Driver {
        let driver = Driver::new(Arc::new(Nothing), Clock::manual());
        driver.open(place).unwrap();
        driver.host();
        driver
    }

    /// Turns a driver to its end, however little is done in a turn.
    fn end(driver: &Driver) {
        while !matches!(driver.turn(LITTLE), Turn::Done(_)) {}
    }

    fn result(job: Asking<u32>) -> Result<u32, RequestError> {
        match pin!(job).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it waits"),
        }
    }

    const LITTLE: Budget = Budget {
        messages: 1,
        time: Duration::from_secs(1),
    };

    #[test]
    fn a32_jobs_are_run_though_nobody_holds_their_loop_any_more() {
        let away = Locality::new("away");
        let driver = host(&away);
        let jobs = [away.job(|| 1), away.job(|| 2)];
        drop(away);
        end(&driver);
        assert!(matches!(jobs.map(result), [Ok(1), Ok(2)]));
    }

    #[test]
    fn a32_jobs_are_run_though_the_tree_that_used_their_loop_has_ended() {
        let (here, away) = (Locality::new("here"), Locality::new("away"));
        let (main, far) = (Driver::new(Arc::new(Nothing), Clock::manual()), host(&away));
        main.open(&here).unwrap();
        let work = Supervisor::one_for_one("work").on(&away, |s| s);
        let app = main
            .start(Supervisor::one_for_one("app").child(work))
            .unwrap();
        let turn = || [&main, &far].map(|driver| drop(driver.turn(LITTLE)));
        while !away.is_placed() {
            turn();
        }
        app.shutdown();
        while away.is_placed() {
            turn();
        }
        let jobs = [away.job(|| 1), away.job(|| 2)];
        end(&far);
        assert!(matches!(jobs.map(result), [Ok(1), Ok(2)]));
    }
}
