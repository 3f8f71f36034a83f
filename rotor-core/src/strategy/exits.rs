//! What the end of a child means: nothing, a restart, perhaps after a wait, or the supervisor's end.

use super::*;
use crate::exit::{ExitReason, GaveUp};
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

/// How often a child may be restarted within the period.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    at_most: u32,
    /// When that was tried, in nanoseconds: at most once more than it may be.
    restarts: VecDeque<u64>,
}

/// What a spec says of the restarts of one child: few specs do.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    patience: Option<Patience>,
    quota: Option<Quota>,
}

impl Terms {
    pub(super) fn new(backoff: Option<Backoff>, at_most: Option<u32>) -> Option<Self> {
        let is_said = backoff.is_some() || at_most.is_some();
        is_said.then(|| {
            let patience = |backoff| Patience {
                backoff,
                tries: 0,
                up: None,
            };
            let quota = |at_most| Quota {
                at_most,
                restarts: VecDeque::new(),
            };
            Terms {
                patience: backoff.map(patience),
                quota: at_most.map(quota),
            }
        })
    }

    /// The supervisor starts anew.
    pub(super) fn forgive(&mut self) {
        if let Some(patience) = &mut self.patience {
            patience.tries = 0;
            patience.up = None;
        }
        if let Some(quota) = &mut self.quota {
            quota.restarts.clear();
        }
    }
}

/// Most ends that are remembered, beside the last one.
const REMEMBERED: usize = 3;

/// An end that was answered with a restart.
#[derive(Debug)]
pub(super) struct Past {
    at: u64,
    who: Label,
    exit: Exit,
}

/// Notes an attempt, and forgets those that are older than the window. How many are left.
fn count(restarts: &mut VecDeque<u64>, now: u64, window: u64) -> u32 {
    let old = |then: &u64| now.saturating_sub(*then) > window;
    while restarts.front().is_some_and(old) {
        restarts.pop_front();
    }
    restarts.push_back(now);
    restarts.len() as u32
}

impl Family {
    fn patience(&mut self, id: ChildId) -> Option<&mut Patience> {
        self.terms.get_mut(&id)?.patience.as_mut()
    }

    fn quota(&mut self, id: ChildId) -> Option<&mut Quota> {
        self.terms.get_mut(&id)?.quota.as_mut()
    }

    /// Whether a backoff has the restarts of a child wait.
    #[cfg(any(test, rotor_fuzz))]
    pub(super) fn is_put_off(&self, id: ChildId) -> bool {
        let terms = self.terms.get(&id);
        terms.is_some_and(|terms| terms.patience.is_some())
    }

    pub(super) fn note_up(&mut self, id: ChildId, now: u64) {
        if let Some(patience) = self.patience(id) {
            patience.up = Some(now);
        }
    }

    /// Bounds of the wait before the restart of a child that is made now, if it is put off.
    fn next_wait(&mut self, id: ChildId, now: u64) -> Option<(u64, u64)> {
        let patience = self.patience(id)?;
        let life = patience.up.take().map(|then| now.saturating_sub(then));
        if life.is_some_and(|life| patience.backoff.is_healthy(life)) {
            patience.tries = 0;
        }
        patience.tries = patience.tries.saturating_add(1);
        Some(patience.backoff.window(patience.tries))
    }
}

pub(super) fn is_lost(exit: &Exit) -> bool {
    matches!(exit.reason(), ExitReason::Lost(_))
}

impl Family {
    pub(super) fn exited(
        &mut self,
        id: ChildId,
        incarnation: u64,
        (exit, decision): (Exit, Decision),
        now: u64,
        out: &mut Vec<Action>,
    ) {
        let deaf = self.is_deaf();
        let Some(row) = self.rows.get(id as usize) else {
            return;
        };
        if row.state == RowState::Free || row.incarnation != incarnation {
            return; // a stale notice of an earlier instance
        }
        match row.state {
            RowState::Starting => return self.start_failed(id, exit, decision, out),
            RowState::Ready => return self.ready_ended(id, exit, decision, out),
            RowState::Stopping => return self.stopped(id, out),
            RowState::Up if deaf => {
                // A pass that comes to stop it before the exit's turn, this one or a later one,
                // consumes the exit: it is not counted, and no answer of a gone instance awaited.
                self.set(id, RowState::Ended);
                let event = Event::Exited(id, incarnation, exit, decision);
                return self.deferred.push_back(event);
            }
            RowState::Ended if deaf && !is_lost(&exit) => return, // told twice
            RowState::Ended if deaf => {
                let event = Event::Lost(id, incarnation, exit);
                return self.deferred.push_back(event);
            }
            RowState::Up | RowState::Ended => {}
            _ => return,
        }
        let usual = self.rows[id as usize].restart.wants(&exit);
        let decision = self.judge(id, &exit, decision, usual);
        self.settle(id, exit, decision, now, out);
    }

    /// A child that had ended was lost before it could be told to lay itself down.
    pub(super) fn lost(
        &mut self,
        id: ChildId,
        incarnation: u64,
        exit: Exit,
        out: &mut Vec<Action>,
    ) {
        let is_it = |row: &Row| row.incarnation == incarnation;
        if self.rows.get(id as usize).is_some_and(is_it) && self.is_over(id) {
            out.push(Action::LayDown(id, exit));
        }
    }

    /// Whether a child that has ended like this is started again, with what is said to it.
    pub(crate) fn restarts(&self, id: ChildId, exit: &Exit, said: Decision) -> bool {
        let usual = self.row(id).restart.wants(exit);
        self.judge(id, exit, said, usual) == Decision::Restart
    }

    /// Whether a child whose restart has failed is not started again in its turn, or ends its supervisor then.
    pub(crate) fn is_left(&self, id: ChildId) -> bool {
        let failed = self.failures.get(&id);
        let failed = failed.filter(|_| self.row(id).state == RowState::Restarting);
        failed.is_some_and(|(exit, said)| self.judge_restart(id, exit, *said) != Decision::Restart)
    }

    /// What is done about a child whose restart has failed.
    pub(super) fn judge_restart(&self, id: ChildId, exit: &Exit, said: Decision) -> Decision {
        // Against its kind it was restarted by a decision, which was about one restart.
        let usual = self.row(id).restart != Restart::Temporary;
        self.judge(id, exit, said, usual)
    }

    /// What is done about a child: never the usual.
    pub(super) fn judge(&self, id: ChildId, exit: &Exit, said: Decision, usual: bool) -> Decision {
        match said {
            Decision::Usual if exit.is_abnormal() && self.row(id).escalating => Decision::Escalate,
            Decision::Usual if usual => Decision::Restart,
            Decision::Usual => Decision::Stop,
            said => said,
        }
    }

    /// Does what is to be done about a child that has ended, or whose restart has failed.
    pub(super) fn settle(
        &mut self,
        id: ChildId,
        exit: Exit,
        decision: Decision,
        now: u64,
        out: &mut Vec<Action>,
    ) {
        match decision {
            Decision::Restart | Decision::Usual => self.restart(id, exit, now, out),
            Decision::Stop => self.leave(id, exit, out),
            Decision::Escalate => self.escalate(id, exit, out),
        }
    }

    /// The child is not restarted.
    fn leave(&mut self, id: ChildId, exit: Exit, out: &mut Vec<Action>) {
        let row = &self.rows[id as usize];
        let significant = row.significant;
        let restarted = row.is_restarted();
        // What is lost cannot lay itself down.
        let expected = restarted || is_lost(&exit) || row.restart.wants(&exit);
        let others = match restarted {
            true => self.started_after(id),
            false => Ids::new(),
        };
        self.down(id);
        self.forget_if_over(id, out);
        if expected && self.rows[id as usize].state == RowState::Down {
            out.push(Action::LayDown(id, exit.clone()));
        }
        if significant && self.shuts_down(&others) {
            out.push(Action::AutoShutdown);
            let name = self.rows[id as usize].name.to_cow(); // there until another row takes its place
            let exit = Exit::shutdown().because(name, exit);
            return self.end_by_itself(exit, out);
        }
        if !others.is_empty() {
            // As a first start, the restart goes on without it: a pass has stopped them for it.
            self.begin(Ids::new(), others, Then::Restarted, out);
        }
    }

    /// The children that a restart starts after this one.
    fn started_after(&self, id: ChildId) -> Ids {
        match self.flags.strategy {
            Strategy::OneForOne | Strategy::SimpleOneForOne => Ids::new(),
            Strategy::OneForAll | Strategy::RestForOne => self.ids_from(id).skip(1).collect(),
        }
    }

    /// Somebody asks that a restart be none that was to come. As in OTP, it starts none of the others any
    /// more that a pass has stopped for it, unless one that is still to come does.
    pub(super) fn call_off(&mut self, id: ChildId, exit: &Exit, out: &mut Vec<Action>) {
        let ids = match self.flags.strategy {
            Strategy::OneForOne | Strategy::SimpleOneForOne => return,
            Strategy::OneForAll | Strategy::RestForOne => self.ids(),
        };
        let all = self.flags.strategy == Strategy::OneForAll;
        let mut left = Ids::new();
        let mut behind = all;
        for other in ids {
            let row = self.row(other);
            if other == id {
                behind = true;
            } else if row.is_restarted() {
                if all || !behind {
                    return;
                }
                break;
            } else if behind && row.state == RowState::Down && !row.removed {
                left.push(other);
            }
        }
        out.extend(left.into_iter().map(|id| Action::LayDown(id, exit.clone())));
    }

    /// The supervisor ends because the child has.
    fn escalate(&mut self, id: ChildId, exit: Exit, out: &mut Vec<Action>) {
        let name = self.rows[id as usize].name.to_cow();
        self.down(id);
        out.push(Action::Escalated(id));
        self.end_by_itself(Exit::escalated().because(name, exit), out);
    }

    /// Ends, and may be started again by its own supervisor: messages for its children wait then.
    fn end_by_itself(&mut self, exit: Exit, out: &mut Vec<Action>) {
        let keep = self.restart.wants(&exit);
        self.end(exit, keep, out);
    }

    /// Whether the supervising actor has a say in what follows the end of this instance.
    pub(crate) fn is_asked_about(&self, id: ChildId, incarnation: u64) -> bool {
        let Some(row) = self.rows.get(id as usize) else {
            return false;
        };
        let decides = |pass: &Pass| matches!(pass.then, Then::Up | Then::Ready | Then::Restarted);
        let open = match row.state {
            RowState::Up => true,
            RowState::Starting | RowState::Ready => self.pass.as_ref().is_some_and(decides),
            _ => false,
        };
        open && row.incarnation == incarnation
    }

    /// Whether the end of a significant child ends the supervisor, which is to start these then.
    fn shuts_down(&self, to_start: &[ChildId]) -> bool {
        let starts = |&id: &ChildId| {
            let row = &self.rows[id as usize];
            row.significant && !row.removed
        };
        match self.flags.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::Any => true,
            AutoShutdown::All => self.significant == 0 && !to_start.iter().any(starts),
        }
    }

    /// Counts an attempt to restart and makes the pass for it, or gives up.
    pub(super) fn restart(&mut self, id: ChildId, exit: Exit, now: u64, out: &mut Vec<Action>) {
        let window = nanos(self.flags.period);
        self.down(id);
        let all = count(&mut self.restarts, now, window);
        let intensity = self.flags.intensity;
        let mut too_many = (all > intensity).then_some(intensity);
        if let Some(quota) = self.quota(id) {
            let its_own = count(&mut quota.restarts, now, window);
            let at_most = quota.at_most;
            too_many = too_many.or((its_own > at_most).then_some(at_most));
        }
        let who = self.rows[id as usize].name.clone();
        self.forget_past(|past| now.saturating_sub(past.at) > window, out);
        if let Some(allowed) = too_many {
            out.push(Action::GaveUp(id));
            let past = self.past.iter().rev();
            let gave_up = GaveUp {
                allowed,
                period: self.flags.period,
                before: past.map(|p| (p.who.to_cow(), p.exit.curt())).collect(),
            };
            let exit = Exit::shutdown().giving_up(who.to_cow(), exit, gave_up);
            return self.end_by_itself(exit, out);
        }
        if self.past.len() == REMEMBERED {
            let mut oldest = true;
            self.forget_past(|_| std::mem::take(&mut oldest), out);
        }
        self.past.push_back(Past { at: now, who, exit });
        match self.next_wait(id, now) {
            Some((least, most)) => {
                self.set(id, RowState::Waiting);
                let row = &self.rows[id as usize];
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

    /// Forgets ends from the oldest on. The errors in them are users', who may drop the last of them.
    pub(super) fn forget_past(
        &mut self,
        mut old: impl FnMut(&Past) -> bool,
        out: &mut Vec<Action>,
    ) {
        while self.past.front().is_some_and(&mut old) {
            out.extend(self.past.pop_front().map(|past| Action::Drop(past.exit)));
        }
    }

    /// The wait of a child is over, unless a pass has come to it before.
    pub(super) fn due(&mut self, id: ChildId, incarnation: u64, out: &mut Vec<Action>) {
        let row = self.rows.get(id as usize);
        let waits = |row: &Row| row.state == RowState::Waiting && row.incarnation == incarnation;
        if !row.is_some_and(waits) {
            return;
        }
        if self.pass.is_some() || self.serving || self.suspended {
            return self.deferred.push_back(Event::Due(id, incarnation));
        }
        self.down(id);
        self.again(id, out);
    }

    /// Makes the pass for a child that is started again.
    fn again(&mut self, id: ChildId, out: &mut Vec<Action>) {
        let mut starts: Ids = match self.flags.strategy {
            Strategy::OneForOne | Strategy::SimpleOneForOne => SmallVec::from_slice(&[id]),
            Strategy::OneForAll => self.ids().collect(),
            Strategy::RestForOne => self.ids_from(id).collect(),
        };
        starts.retain(|id| self.rows[*id as usize].state != RowState::New);
        let others = starts.iter().rev().filter(|&&other| other != id);
        let stops = others.copied().collect();
        self.begin(stops, starts, Then::Restarted, out);
    }
}
