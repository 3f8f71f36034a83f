//! What the end of a child means: nothing, a restart, perhaps after a wait, or the supervisor's end.

use super::*;
use crate::exit::GaveUp;
use crate::timer::nanos;

/// How a child's restarts are put off.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    backoff: Backoff,
    /// Restarts in a row.
    tries: u32,
    /// When its last instance was operational.
    up: Option<u64>,
}

impl Patience {
    pub(super) fn new(backoff: Backoff) -> Box<Self> {
        Box::new(Patience {
            backoff,
            tries: 0,
            up: None,
        })
    }
}

impl Row {
    pub(super) fn note_up(&mut self, now: u64) {
        if let Some(patience) = &mut self.backoff {
            patience.up = Some(now);
        }
    }

    /// The supervisor starts anew.
    pub(super) fn forgive(&mut self) {
        if let Some(patience) = &mut self.backoff {
            patience.tries = 0;
            patience.up = None;
        }
    }

    /// Bounds of the wait before the restart that is made now, if it is put off.
    fn next_wait(&mut self, now: u64) -> Option<(u64, u64)> {
        let patience = self.backoff.as_mut()?;
        let life = patience.up.take().map(|then| now.saturating_sub(then));
        if life.is_some_and(|life| patience.backoff.is_healthy(life)) {
            patience.tries = 0;
        }
        patience.tries = patience.tries.saturating_add(1);
        Some(patience.backoff.window(patience.tries))
    }
}

impl Family {
    pub(super) fn exited(
        &mut self,
        id: ChildId,
        incarnation: u64,
        exit: Exit,
        now: u64,
        out: &mut Vec<Action>,
    ) {
        let deaf = self.is_deaf();
        let Some(row) = self.rows.get_mut(id as usize) else {
            return;
        };
        if row.state == RowState::Free || row.incarnation != incarnation {
            return; // a stale notice of an earlier instance
        }
        match row.state {
            RowState::Starting => return self.start_failed(id, exit, out),
            RowState::Stopping => return self.stopped(id, out),
            RowState::Up if deaf => {
                // A pass that comes to stop it before the exit's turn, this one or a later one,
                // consumes the exit: it is not counted, and no answer of a gone instance awaited.
                row.state = RowState::Ended;
                self.deferred
                    .push_back(Event::Exited(id, incarnation, exit));
                return;
            }
            RowState::Ended if deaf => return, // told twice
            RowState::Up | RowState::Ended => {}
            _ => return,
        }
        let row = &self.rows[id as usize];
        if row.restart.wants(&exit) {
            return self.restart(id, exit, now, out);
        }
        let (significant, name) = (row.significant, row.name.clone());
        self.down(id);
        self.forget_if_over(id, out);
        if significant && self.shuts_down() {
            out.push(Action::AutoShutdown);
            self.end(Exit::shutdown().because(name, exit), self.kept, out);
        }
    }

    /// Whether the end of a significant child ends the supervisor.
    fn shuts_down(&self) -> bool {
        match self.flags.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::Any => true,
            AutoShutdown::All => !self.ids().any(|id| {
                let row = self.row(id);
                let over = matches!(row.state, RowState::New | RowState::Down | RowState::Free);
                row.significant && !over
            }),
        }
    }

    /// Counts an attempt to restart and makes the pass for it, or gives up.
    pub(super) fn restart(&mut self, id: ChildId, exit: Exit, now: u64, out: &mut Vec<Action>) {
        let window = nanos(self.flags.period);
        while self
            .restarts
            .front()
            .is_some_and(|&then| now.saturating_sub(then) > window)
        {
            self.restarts.pop_front();
        }
        self.restarts.push_back(now);
        self.rows[id as usize].state = RowState::Down;
        if self.restarts.len() > self.flags.intensity as usize {
            let name = self.rows[id as usize].name.clone();
            out.push(Action::GaveUp(id));
            let gave_up = GaveUp {
                restarts: self.restarts.len() as u32,
                period: self.flags.period,
            };
            let exit = Exit::shutdown().giving_up(name, exit, gave_up);
            return self.end(exit, self.kept, out);
        }
        match self.rows[id as usize].next_wait(now) {
            Some((least, most)) => {
                let row = &mut self.rows[id as usize];
                row.state = RowState::Waiting;
                out.push(Action::Wait {
                    child: id,
                    incarnation: row.incarnation,
                    least,
                    most,
                });
            }
            None => self.again(id, out),
        }
    }

    /// The wait of a child is over, unless a pass has come to it before.
    pub(super) fn due(&mut self, id: ChildId, incarnation: u64, out: &mut Vec<Action>) {
        let row = self.rows.get_mut(id as usize);
        let waits =
            |row: &&mut Row| row.state == RowState::Waiting && row.incarnation == incarnation;
        let Some(row) = row.filter(waits) else { return };
        if self.pass.is_some() || self.serving || self.suspended {
            return self.deferred.push_back(Event::Due(id, incarnation));
        }
        row.state = RowState::Down;
        self.again(id, out);
    }

    /// Makes the pass for a child that is started again.
    fn again(&mut self, id: ChildId, out: &mut Vec<Action>) {
        let mut starts: Ids = match self.flags.strategy {
            Strategy::OneForOne | Strategy::SimpleOneForOne => SmallVec::from_slice(&[id]),
            Strategy::OneForAll => self.ids().collect(),
            Strategy::RestForOne => self.ids().skip_while(|&other| other != id).collect(),
        };
        starts.retain(|id| self.rows[*id as usize].state != RowState::New);
        let others = starts.iter().rev().filter(|&&other| other != id);
        let stops = others.copied().collect();
        self.begin(stops, starts, Then::Restarted, out);
    }
}
