//! The actor that starts the clock, waits for the total, and reports.

use std::cell::Cell;
use std::rc::Rc;

use rotor_core::{Actor, Addr, Child, Context, Handler, Locality, Result, Supervisor};

use super::host::{Host, root};
use crate::harness::{Clock, CpuClock};

/// What the figure is.
#[derive(Clone, Copy)]
pub enum Measure {
    /// Time, per operation.
    Wall,
    /// Processor time of the whole process, per operation: for workloads that wait.
    Cpu,
    /// The total itself, per operation.
    Total,
}

/// One measured run: what is counted, what must come out, and what begins it.
pub struct Match<B> {
    pub measure: Measure,
    /// How many operations there are.
    pub ops: u64,
    /// What the one `Total` must be, unless it is measured.
    pub total: u64,
    pub begin: B,
}

impl<B: FnOnce() + 'static> Match<B> {
    /// Runs the tree that `build` makes around the referee, on a loop of this thread.
    ///
    /// `build` gets the locality, the root, and the address that waits for the [`Total`]. Its
    /// children are operational before `begin`.
    pub fn play<H: Host>(
        build: impl FnOnce(&Locality, Supervisor, Addr<Referee>) -> (Supervisor, Self),
    ) -> f64 {
        let host = H::here();
        let referee = host.locality().reserve();
        let (tree, this) = build(&host.locality(), root(), referee);
        let result = Rc::new(Cell::new(None));
        let report = result.clone();
        let tree = tree.child(
            Child::once("referee", move |_| {
                Ok(Referee {
                    measure: this.measure,
                    ops: this.ops,
                    total: this.total,
                    begin: Some(Box::new(this.begin)),
                    clocks: None,
                    report,
                })
            })
            .at(referee)
            .significant(),
        );
        let exit = host.run(tree);
        assert!(!exit.is_abnormal(), "{exit}");
        result.take().expect("the referee has reported")
    }
}

pub struct Referee {
    measure: Measure,
    ops: u64,
    total: u64,
    begin: Option<Box<dyn FnOnce()>>,
    clocks: Option<(Clock, CpuClock)>,
    report: Rc<Cell<Option<f64>>>,
}

struct Begin;

/// What the workload has counted: the end of the run.
pub struct Total(pub u64);

impl Actor for Referee {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.addr().send(Begin);
        Ok(())
    }
}

impl Handler<Begin> for Referee {
    fn handle(&mut self, _: Begin, _: &mut Context<Self>) {
        self.clocks = Some((Clock::start(), CpuClock::start()));
        self.begin.take().expect("begins once")();
    }
}

impl Handler<Total> for Referee {
    fn handle(&mut self, total: Total, cx: &mut Context<Self>) {
        let (wall, cpu) = self.clocks.as_ref().expect("has begun");
        let figure = match self.measure {
            Measure::Wall => wall.per(self.ops),
            Measure::Cpu => cpu.per(self.ops),
            Measure::Total => total.0 as f64 / self.ops as f64,
        };
        if !matches!(self.measure, Measure::Total) {
            assert_eq!(total.0, self.total);
        }
        self.report.set(Some(figure));
        cx.stop();
    }
}
