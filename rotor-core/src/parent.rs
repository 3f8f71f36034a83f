//! What passes between a parent and its children: reports, orders, limits.

use std::time::Duration;

use smallvec::SmallVec;

use crate::address::Address;
use crate::admin::Who;
use crate::adopt::Adoption;
use crate::child::LIMIT;
use crate::decision::Decision;
use crate::early::{self, Early, Siblings};
use crate::error::TimedOut;
use crate::exit::{Exit, ExitReason, Plain};
use crate::kin::{Kin, Limits};
use crate::late::Overrun;
use crate::locality::{Control, Local, News, StartOrder};
use crate::message::{Command, LOCALITY};
use crate::naming::Above;
use crate::observe::Observer;
use crate::removal::Kill;
use crate::slot::{Parent, Seat, State};
use crate::states::Lifecycle;
use crate::strategy::{Action, ChildId, Event, KEEP, RowState, Step};
use crate::things::Body;
use crate::timer::nanos;

/// A supervisor's start of a child that a request wants to be none.
#[derive(Clone, Copy)]
struct Recall {
    by: Address,
    child: ChildId,
    incarnation: u64,
}

/// What most children tell, to a parent on the same locality: a short record, as there may be very many.
struct ReportHere {
    slot: u32,
    generation: u32,
    child: ChildId,
    /// How it has ended, or that it has started.
    ended: Option<Plain>,
    incarnation: u64,
}

impl Command for ReportHere {
    fn run(self, here: &Local, _: u32) {
        let to = Address::new(here.gate, self.slot, self.generation);
        let news = match self.ended {
            None => News::Started,
            Some(plain) => News::Exited(plain.into()),
        };
        here.report(to, self.child, self.incarnation, news);
    }
}

impl News {
    /// What of it fits in a short record.
    fn short(&self) -> Option<Option<Plain>> {
        match self {
            News::Started => Some(None),
            News::Exited(exit) => exit.plain().map(Some),
            _ => None,
        }
    }
}

impl Local {
    pub(crate) fn tell_parent(&self, slot: u32, news: News) {
        let (parent, incarnation) = self.seat(slot, |seat| (seat.parent.clone(), seat.incarnation));
        match parent {
            Parent::Actor { address: to, child }
                if to.gate() == self.gate
                    && let Some(ended) = news.short() =>
            {
                let report = ReportHere {
                    slot: to.slot,
                    generation: to.generation,
                    child,
                    ended,
                    incarnation,
                };
                report.push(Address::new(self.gate, LOCALITY, 0));
            }
            Parent::Actor { address: to, child } => Control::post(
                to.gate(),
                Control::Report {
                    to,
                    child,
                    incarnation,
                    news,
                },
            ),
            Parent::Nobody => {}
            Parent::Lost => match news {
                News::Initialized | News::Started | News::Ending => {}
                News::Ignored | News::Failed(_) | News::Exited(_) => self.remove_orphan(slot),
            },
            Parent::App(app) => match news {
                // A supervisor's own start is never ignored.
                News::Initialized | News::Started | News::Ignored | News::Ending => {}
                News::Failed(exit) | News::Exited(exit) => {
                    self.remove(slot);
                    app.root_ended(exit);
                }
            },
        }
    }

    pub(crate) fn report(&self, to: Address, child: u32, incarnation: u64, news: News) {
        let Some(slot) = self.find(to) else { return };
        self.count(slot);
        let mut said = None;
        if let News::Failed(exit) | News::Exited(exit) = &news {
            let services = self.services_first(slot, child, exit);
            if !services.is_empty() {
                said = self.ask_early(slot, child, incarnation, exit);
                let end = (exit, said);
                if self.is_early(slot, child, incarnation, end, services) {
                    self.step_is_over(slot, child, incarnation, false);
                    self.check_stalls_below(slot);
                    return;
                }
            }
        }
        self.take_report(slot, child, incarnation, news, said);
    }

    /// The services for which a child makes way, or with which it has failed.
    fn services_first(&self, slot: u32, child: u32, exit: &Exit) -> Siblings {
        if self.is_nobody_asked() {
            return Siblings::new();
        }
        let place = self.child_place(slot, child);
        place.map_or_else(Siblings::new, |place| self.leave_first(place, slot, exit))
    }

    /// What the supervising actor says to the end of a child that runs, before that waits.
    fn ask_early(&self, slot: u32, child: u32, incarnation: u64, exit: &Exit) -> Option<Decision> {
        let runs = |seat: &mut Seat| {
            let kin = seat.kin.as_ref();
            kin.is_some_and(|kin| kin.family.row(child).state == RowState::Up)
        };
        let asks = self.seat(slot, runs);
        asks.then(|| self.decide(slot, child, incarnation, exit))
    }

    /// Whether the end of a child waits for that of its service: started again before, the client
    /// would wait for the service, and the start of that for the client's. Of a restart that has failed, the
    /// next attempt does: it would fail like this one.
    fn is_early(
        &self,
        slot: u32,
        child: u32,
        incarnation: u64,
        (exit, said): (&Exit, Option<Decision>),
        mut services: Siblings,
    ) -> bool {
        let is_early = |seat: &mut Seat| {
            let kin = seat.kin.as_mut().filter(|kin| kin.has(child))?;
            let row = kin.family.row(child);
            let family = &kin.family;
            let failed = row.state == RowState::Starting && family.is_restart();
            let end = said
                .filter(|said| row.state == RowState::Up && family.restarts(child, exit, *said));
            let is_it = row.incarnation == incarnation && (failed || end.is_some());
            let waiting = kin.early.as_deref();
            let ends = |id| {
                family.row(id).state == RowState::Up || !early::is_settled(waiting, family, id)
            };
            // One of them may wait for this one: neither would ever be reported.
            let is_behind =
                |id| waiting.is_some_and(|waiting| waiting.is_behind(family, id, child));
            services.retain(|service| ends(*service) && !is_behind(*service));
            (is_it && !services.is_empty()).then(|| {
                let early = Early {
                    child,
                    incarnation,
                    end: end.map(|said| (exit.clone(), said)),
                };
                kin.family.settled.get_or_insert_default();
                let waiting = kin.early.get_or_insert_default();
                waiting.add(early, &services);
                !failed
            })
        };
        self.seat(slot, is_early) == Some(true)
    }

    /// Reports the ends that have waited for children which are settled now.
    fn report_early(&self, slot: u32) {
        let is_due = |seat: &mut Seat| {
            let kin = seat.kin.as_mut()?;
            let early = kin.early.as_mut()?;
            let mut settled = std::mem::take(kin.family.settled.as_mut()?);
            settled.retain(|child| early::is_settled(Some(early), &kin.family, *child));
            early.settle(settled.into_iter());
            Some(early.is_due())
        };
        if self.seat(slot, is_due) != Some(true) {
            return;
        }
        let next = |seat: &mut Seat| {
            let kin = seat.kin.as_mut()?;
            let next = kin.early.as_mut()?.next();
            if next.is_none() {
                kin.forget_early();
            }
            next
        };
        while let Some(early) = self.seat(slot, next) {
            let (child, incarnation) = (early.child, early.incarnation);
            match early.end {
                Some((exit, said)) => {
                    let news = News::Exited(exit);
                    self.take_report(slot, child, incarnation, news, Some(said));
                }
                None => self.retry_later(slot, child, incarnation),
            }
        }
    }

    /// What a child tells is for the table; what the supervising actor has said to it, if that was asked.
    fn take_report(
        &self,
        slot: u32,
        child: u32,
        incarnation: u64,
        news: News,
        said: Option<Decision>,
    ) {
        let ended = matches!(news, News::Exited(_));
        let quiet = self.seat(slot, |seat| {
            seat.kin.take_if(|kin| kin.takes_at_once(child, &news))
        });
        match quiet {
            Some(kin) => {
                let event = match news {
                    News::Exited(exit) => Event::Exited(child, incarnation, exit, Decision::Usual),
                    _ => Event::Started(child, incarnation),
                };
                self.handle_with(slot, kin, event);
            }
            None => self.weigh_report(slot, child, incarnation, news, said),
        }
        if ended {
            self.check_stalls_below(slot);
        }
    }

    fn weigh_report(
        &self,
        slot: u32,
        child: u32,
        incarnation: u64,
        news: News,
        said: Option<Decision>,
    ) {
        match news {
            // Perhaps it was told to stop while this was on its way.
            News::Initialized | News::Started => self.step_is_over(slot, child, incarnation, true),
            News::Ending => {}
            News::Ignored | News::Failed(_) | News::Exited(_) => {
                self.step_is_over(slot, child, incarnation, false);
            }
        }
        let decide =
            |exit: &Exit| said.unwrap_or_else(|| self.decide(slot, child, incarnation, exit));
        let event = match news {
            News::Initialized => Event::Initialized(child, incarnation),
            News::Started => Event::Started(child, incarnation),
            News::Ignored => Event::Ignored(child, incarnation),
            News::Ending => return self.limit_end(slot, child, incarnation),
            News::Failed(exit) => {
                self.build_again(slot, child);
                let decision = decide(&exit);
                Event::Failed(child, incarnation, exit, decision)
            }
            News::Exited(exit) => {
                let decision = decide(&exit);
                Event::Exited(child, incarnation, exit, decision)
            }
        };
        self.family(slot, event);
    }

    /// A child on another locality could not start, perhaps because it could not be built: that is tried
    /// again, too. What was built is built once.
    fn build_again(&self, slot: u32, child: u32) {
        self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            kin.entry(child)?.remote_mut()?.built = 0;
            Some(())
        });
    }

    /// A child that runs, or starts, ends by itself: the limit of its stop holds from now on, unless that of
    /// its start passes before.
    fn limit_end(&self, slot: u32, child: u32, incarnation: u64) {
        let limit = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut().filter(|kin| kin.has(child))?;
            let runs = kin.family.runs(child, incarnation);
            let starts = kin.family.awaited_start() == Some((child, incarnation));
            let limited = kin.has_limit(child);
            let entry = kin.entry(child).filter(|_| runs || starts)?;
            let Limits { start, stop } = entry.limits();
            let sooner = starts && stop < start;
            stop.filter(|_| !limited || sooner)
        });
        if limit.is_some() {
            self.arm_limit(slot, child, incarnation, limit);
        }
    }

    pub(crate) fn retry(&self, to: Address, child: u32, incarnation: u64) {
        if let Some(slot) = self.find(to) {
            self.family(slot, Event::Retry(child, incarnation));
        }
    }

    /// The limit of a child's step passed, or the wait before its restart.
    pub(crate) fn limit_passed(&self, slot: u32, child: u32, incarnation: u64) {
        let passed = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            let state = kin.family.row(child).state;
            let index = kin.take_limit(child)?;
            self.forget_limit(index, (slot, child), &mut seat.things);
            if state == RowState::Waiting {
                return Some(Ok(Event::Due(child, incarnation)));
            }
            let step = match state {
                RowState::Starting => Step::Start,
                _ => Step::Stop,
            };
            Some(Err(kin.entry(child)?.overrun(step)))
        });
        let event = match passed {
            None => return,
            Some(Ok(due)) => due,
            Some(Err(Overrun { step, limit })) => {
                let place = self.child_place(slot, child);
                let here = place.filter(|to| to.gate() == self.gate);
                let late = Exit::of(ExitReason::TimedOut(TimedOut {
                    path: self.child_path(slot, child),
                    step: step.text(),
                    limit,
                    held_by: here.map_or(Vec::new(), |to| self.held_by(to.slot)),
                }));
                let decision = self.decide(slot, child, incarnation, &late);
                Event::Limit(child, incarnation, late, decision)
            }
        };
        self.family(slot, event);
    }

    /// Whether a supervisor here does not wait any more for the start of an instance that it has ordered: it
    /// was told to stop, or to end, or was killed meanwhile. Then the order is not obeyed, so that nothing
    /// starts once a stop has begun, or below somebody who is down.
    pub(crate) fn is_recalled(&self, by: Address, child: u32, incarnation: u64) -> bool {
        let here = by.gate() == self.gate;
        let parent = if here { self.find(by) } else { None };
        parent.is_some_and(|slot| {
            self.seat(slot, |seat| {
                let kin = seat.kin.as_mut().filter(|kin| kin.has(child));
                kin.is_none_or(|kin| {
                    let row = kin.family.row(child);
                    row.state != RowState::Starting || row.incarnation != incarnation
                })
            })
        })
    }

    /// Ends the limit of the step that a child reports on: of a stop, only if it is not its start that
    /// it reports. Late news of one that was removed by force do not end the wait before its restart.
    pub(crate) fn step_is_over(&self, slot: u32, child: u32, incarnation: u64, start: bool) {
        self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            if !kin.has(child) || !kin.has_limit(child) {
                return None; // as most
            }
            let row = kin.family.row(child);
            let meant = match row.state {
                RowState::Waiting => false,
                RowState::Stopping => !start,
                _ => true,
            };
            if meant && row.incarnation == incarnation {
                let index = kin.take_limit(child)?;
                self.forget_limit(index, (slot, child), &mut seat.things);
            }
            Some(())
        });
    }

    /// Forgets the limit of a child's step, unless it ended with the parent's instance.
    #[inline]
    fn forget_limit(&self, index: u32, (slot, child): (u32, ChildId), head: &mut u32) {
        let mut things = self.things.borrow_mut();
        if let Some(key) = things.limit_at(index, slot, child) {
            things.forget(key, slot, head);
        }
    }

    /// Asks the table what an event means, and does it.
    pub(crate) fn family(&self, slot: u32, event: Event) {
        let quiet = |seat: &mut Seat| seat.kin.take_if(|kin| kin.early.is_none());
        if let Some(kin) = self.seat(slot, quiet) {
            return self.handle_with(slot, kin, event);
        }
        self.handle(slot, event);
        self.report_early(slot);
    }

    fn handle(&self, slot: u32, event: Event) {
        if let Some(kin) = self.seat(slot, |seat| seat.kin.take()) {
            self.handle_with(slot, kin, event);
        }
    }

    /// The same for a table that was taken out of its seat.
    fn handle_with(&self, slot: u32, kin: Box<Kin>, event: Event) {
        let (mut kin, mut next) = (kin, event);
        loop {
            let mut actions = self.actions.take();
            kin.family.handle(next, self.now.get(), &mut actions);
            let ends = kin.stop_limit.is_some() && kin.family.is_ending();
            self.seat(slot, |seat| seat.kin = Some(kin));
            if ends {
                self.arm_tree_limit(slot);
            }
            let mut served = None;
            actions.reverse();
            while let Some(action) = actions.pop() {
                match action {
                    // Always the last: what the request means is the next event.
                    Action::Serve => served = Some(self.next_request(slot)),
                    action => self.act(slot, action),
                }
            }
            if actions.capacity() > KEEP {
                actions = Vec::new(); // those of a pass over many children
            }
            self.actions.set(actions);
            let Some(event) = served else { return };
            let Some(again) = self.seat(slot, |seat| seat.kin.take()) else {
                return;
            };
            (kin, next) = (again, event);
        }
    }

    fn act(&self, slot: u32, action: Action) {
        match action {
            Action::Start(child, incarnation) => self.start_child(slot, child, incarnation, false),
            Action::Prepare(child, incarnation) => self.start_child(slot, child, incarnation, true),
            Action::Go(child, incarnation) => {
                if let Some(to) = self.child_place(slot, child) {
                    Control::post(to.gate(), Control::Go { to, incarnation });
                }
            }
            Action::Stop {
                child,
                incarnation,
                keep,
                exit,
            } => {
                let found = self.seat(slot, |seat| {
                    let kin = seat.kin.as_mut()?;
                    let limited = kin.has_limit(child);
                    let entry = kin.entry(child)?;
                    Some((entry.place, entry.limits().stop, limited))
                });
                let Some((to, limit, limited)) = found else {
                    return;
                };
                let has_ended = |seat: &mut Seat| {
                    let kin = seat.kin.as_mut()?;
                    let early = kin.early.as_mut()?.take(child, incarnation);
                    kin.forget_early();
                    early
                };
                if let Some(early) = self.seat(slot, has_ended) {
                    if !keep {
                        self.lay_child_down(slot, child, to, &exit);
                    }
                    let news = News::Exited(early);
                    return self.report_later(slot, child, incarnation, news);
                }
                if to.gate().entrance.is_closed() {
                    let gone = to.gate().lost();
                    return self.report_later(slot, child, incarnation, News::Exited(gone));
                }
                if self.withdraw(slot, child, incarnation) {
                    let none = News::Exited(Exit::shutdown());
                    return self.report_later(slot, child, incarnation, none);
                }
                if limit == Some(Duration::ZERO) {
                    let kill = Kill {
                        to,
                        incarnation,
                        keep,
                        late: None,
                    };
                    if to.gate() != self.gate {
                        // Its loop may be stuck.
                        self.arm_limit(slot, child, incarnation, Some(LIMIT));
                    }
                    return Control::post(to.gate(), Control::Kill(kill));
                }
                // One that ends by itself has its limit already.
                if !(limited && to.state() == Lifecycle::Stopping) {
                    if to.gate() != self.gate {
                        self.arm_limit(slot, child, incarnation, limit);
                    } else if limited {
                        self.end_limit(slot, child);
                    }
                }
                Control::post(
                    to.gate(),
                    Control::Stop {
                        to,
                        incarnation,
                        keep,
                        exit,
                    },
                );
            }
            Action::Overrun {
                child,
                incarnation,
                step,
                keep,
            } => self.remove_late(slot, (child, incarnation), step, keep),
            Action::Drop(exit) => _ = crate::here::guard(|| drop(exit)),
            Action::Retry(child, incarnation) => {
                let waits = |seat: &mut Seat| {
                    let kin = seat.kin.as_mut()?;
                    let early = kin.early.as_mut()?;
                    let waits = early.is_put_off(child, incarnation);
                    if waits && kin.family.is_left(child) {
                        early.call_off(child);
                        kin.forget_early();
                        return None;
                    }
                    Some(waits)
                };
                if self.seat(slot, waits) != Some(true) {
                    self.retry_later(slot, child, incarnation);
                }
            }
            Action::Wait {
                child,
                incarnation,
                least,
                most,
            } => {
                let wait = Duration::from_nanos(self.random.within(least, most));
                self.arm_limit(slot, child, incarnation, Some(wait));
            }
            Action::StopWaiting(child) => self.end_limit(slot, child),
            Action::Forget(child) => {
                let entry = self.seat(slot, |seat| {
                    let kin = seat.kin.as_mut()?;
                    if let Some(index) = kin.take_limit(child) {
                        self.forget_limit(index, (slot, child), &mut seat.things);
                    }
                    kin.take_entry(child)
                });
                let Some(entry) = entry else { return };
                self.release_planned(entry.plans());
                self.forget(&entry);
                let _ = crate::here::guard(|| drop(entry));
            }
            Action::Ready => {
                if self.seat(slot, |seat| seat.state == State::Preparing) {
                    self.initialized(slot);
                } else {
                    self.family(slot, Event::Go);
                }
            }
            Action::Up => {
                if self.seat(slot, |seat| seat.state.is_early()) {
                    self.operational(slot);
                }
            }
            Action::StartFailed(exit) => {
                self.vacate(slot, &exit);
                self.start_failed(slot, exit);
            }
            Action::GaveUp(child) => {
                self.tell_ending(slot);
                self.tell_of(slot, child, |o, (who, name), (child, its)| {
                    o.gave_up(who, name, child, its);
                });
            }
            Action::Escalated(child) => {
                self.tell_ending(slot);
                self.tell_of(slot, child, |o, (who, name), (child, its)| {
                    o.escalated(who, name, child, its);
                });
            }
            Action::LayDown(child, exit) => {
                if let Some(to) = self.child_place(slot, child) {
                    self.lay_child_down(slot, child, to, &exit);
                }
            }
            Action::PutAside(child) => self.put_aside(slot, child),
            Action::TakeUp(child) => self.take_up(slot, child),
            Action::AutoShutdown => {
                self.tell_ending(slot);
                let (who, name) = (self.address_of(slot), self.name_of(slot));
                self.gate.tell_observer(|o| o.auto_shutdown(who, &name));
            }
            Action::Serve => unreachable!("`family` does it"),
            Action::Kill(..) => unreachable!("`abandon_children` does it"),
            Action::Answer(outcome) => self.answer(slot, outcome),
            Action::Ended(exit) => self.family_ended(slot, exit),
        }
    }

    /// Tells the observer of a supervisor and a child: their addresses and names.
    fn tell_of(
        &self,
        slot: u32,
        child: u32,
        tell: impl Fn(&dyn Observer, (Address, &str), (Address, &str)),
    ) {
        let named = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            Some((kin.entry(child)?.place, kin.family.row(child).name.clone()))
        });
        if let Some((child, its)) = named {
            let (who, name) = (self.address_of(slot), self.name_of(slot));
            self.gate
                .tell_observer(|o| tell(o, (who, &name), (child, &its)));
        }
    }

    /// Every child is stopped. The actor ends: it was ending, or its children made it.
    fn family_ended(&self, slot: u32, exit: Exit) {
        let stopping = self.seat(slot, |seat| seat.state == State::Stopping);
        if stopping {
            let exit = self.seat(slot, |seat| seat.exit.clone()).unwrap_or(exit);
            return self.finish(slot, exit);
        }
        self.end(slot, exit);
    }

    fn child_place(&self, slot: u32, child: u32) -> Option<Address> {
        self.seat(slot, |seat| Some(seat.kin.as_mut()?.entry(child)?.place))
    }

    fn start_child(&self, slot: u32, child: u32, incarnation: u64, gated: bool) {
        let found = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            let restarts = kin.family.is_restart();
            let entry = kin.entry(child)?;
            let again = restarts || seat.again && seat.state.is_early();
            Some((entry.place, entry.limits().start, again))
        });
        let Some((to, limit, again)) = found else {
            return;
        };
        let here = self.address_of(slot);
        if to.gate() != self.gate {
            if !self.order_child(slot, child, incarnation, to) {
                return;
            }
            self.arm_limit(slot, child, incarnation, limit);
        }
        let start = StartOrder {
            to,
            incarnation,
            from: here,
            child,
            gated,
            again,
        };
        Control::post(to.gate(), Control::Start(start));
        if to.gate() != self.gate && to.gate().is_unturned() {
            self.recall_upwards(slot);
        }
    }

    /// Has a child built on another locality, if that has not been done in its present life. False if
    /// that is closed.
    fn order_child(&self, slot: u32, child: u32, incarnation: u64, to: Address) -> bool {
        let unbuilt = self.seat(slot, |seat| {
            let remote = seat.kin.as_mut()?.entry(child)?.remote_mut()?;
            remote.unbuilt.take()
        });
        drop(unbuilt); // it waits again, also for an attempt after this one
        self.peer_with(to.gate());
        if to.gate().entrance.is_closed() {
            let lost = News::Failed(to.gate().lost());
            self.report_later(slot, child, incarnation, lost);
            return false;
        }
        // The opening is looked at after the state: one that is not closed has the number of the
        // life that gets the order.
        let build = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            let restart = kin.family.row(child).restart;
            let entry = kin.entry(child)?;
            let stop_limit = entry.limits().stop;
            let remote = entry.remote_mut()?;
            let openings = remote.remote.locality.openings().max(1);
            (remote.built != openings).then(|| {
                remote.built = openings;
                let (shell, build) = (remote.shell.clone(), remote.remote.build.clone());
                (shell, build, restart, stop_limit)
            })
        });
        if let Some((shell, build, restart, stop_limit)) = build {
            let adoption = Adoption {
                to,
                shell,
                build,
                restart,
                stop_limit,
                parent: self.address_of(slot),
                child,
                registry: self.registry_of(slot).unwrap_or_default(),
                above: Above {
                    slots: self.path_of(slot).into(),
                    names: self.names_to(slot).into(),
                    scopes: self.scopes_of(slot).into_iter().flatten().collect(),
                    lives: self.lives_down_to(slot),
                },
            };
            // Whoever adopts learns of our loss, also of one that comes before the order.
            self.gate.add_peer(to.gate());
            Control::post(to.gate(), Control::Adopt(Box::new(adoption)));
        }
        true
    }

    /// Takes the order to start a child back if its locality has had no turn since it was opened, or ever:
    /// nothing of it is there, and whoever runs it later finds the instance disowned.
    fn withdraw(&self, slot: u32, child: u32, incarnation: u64) -> bool {
        let withdrawn = |seat: &mut Seat| {
            let entry = seat.kin.as_mut()?.entry(child)?;
            let kill = Kill {
                to: entry.place,
                incarnation,
                keep: true,
                late: None,
            };
            Some(entry.remote().is_some() && kill.to.gate().withdraw(kill))
        };
        self.seat(slot, withdrawn) == Some(true)
    }

    /// Ends the start that the table waits for, if somebody asks that the child be terminated, and nobody
    /// else might: what it waits for itself is a loop that has had no turn, or it is a restart that holds
    /// keep open.
    pub(crate) fn recall(&self, slot: u32) {
        let awaited = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut().filter(|kin| kin.requests.ends_some())?;
            let (child, incarnation) = kin.family.awaited_start()?;
            let again = kin.family.is_restart();
            let place = kin.entry(child)?.place;
            let row = kin.family.row(child);
            let ends = [
                Who::Name(row.name.to_cow()),
                Who::Address(place, None),
                Who::Address(place, Some(row.last_up)),
            ];
            let ends = ends.into_iter().filter(|who| kin.requests.ends(who));
            let ends: SmallVec<[Who; 3]> = ends.collect();
            Some((child, incarnation, place, again, ends))
        });
        let Some((child, incarnation, place, again, ends)) = awaited else {
            return;
        };
        let is_meant = |who: Who| matches!(who.find(self, slot), Ok(Some(found)) if found == child);
        if !ends.into_iter().any(is_meant) {
            return;
        }
        let held = |seat: &mut Seat| seat.state == State::Starting && seat.is_held();
        if again && place.gate() == self.gate && self.seat(place.slot, held) {
            return self.end(place.slot, Exit::shutdown());
        }
        let recall = Recall {
            by: self.address_of(slot),
            child,
            incarnation,
        };
        self.recall_if_unturned(place, incarnation, recall);
    }

    /// The same for it and for each supervisor above it.
    fn recall_upwards(&self, slot: u32) {
        let mut above = None;
        for at in self.upwards(slot).collect::<Vec<_>>() {
            self.recall(at);
            above = Some(self.seat(at, |seat| seat.parent.clone()));
        }
        if let Some(Parent::Actor { address, .. }) = above {
            Control::call(address.gate(), move |there| {
                if let Some(slot) = there.find(address) {
                    there.recall_upwards(slot);
                }
            });
        }
    }

    /// Ends a start if this one, below it or the same, waits for a loop that has had no turn.
    fn recall_if_unturned(&self, to: Address, incarnation: u64, recall: Recall) {
        if to.gate() == self.gate {
            let awaited = |seat: &mut Seat| {
                let kin = seat.kin.as_mut()?;
                let (child, next) = kin.family.awaited_start()?;
                let place = kin.entry(child)?.place;
                (seat.incarnation == incarnation).then_some((place, next))
            };
            let awaited = self.find(to).and_then(|slot| self.seat(slot, awaited));
            if let Some((below, next)) = awaited {
                self.recall_if_unturned(below, next, recall);
            }
        } else if to.gate().is_unturned() {
            let Recall {
                by,
                child,
                incarnation,
            } = recall;
            Control::call(by.gate(), move |there| {
                if let Some(slot) = there.find(by) {
                    there.family(slot, Event::Recall(child, incarnation));
                }
            });
        } else {
            Control::call(to.gate(), move |there| {
                there.recall_if_unturned(to, incarnation, recall);
            });
        }
    }

    fn retry_later(&self, slot: u32, child: u32, incarnation: u64) {
        let to = self.address_of(slot);
        let retry = Control::Retry {
            to,
            child,
            incarnation,
        };
        Control::post(self.gate, retry);
    }

    fn report_later(&self, slot: u32, child: u32, incarnation: u64, news: News) {
        let to = self.address_of(slot);
        Control::post(
            self.gate,
            Control::Report {
                to,
                child,
                incarnation,
                news,
            },
        );
    }

    /// A child here has begun what its parent has ordered. Most have done it by then; where it takes longer,
    /// its limit holds from now on, if the parent is here, too.
    pub(crate) fn limit_step(&self, to: Address, incarnation: u64, step: Step) {
        let Some(slot) = self.find(to) else { return };
        let parent = self.seat(slot, |seat| {
            let started = matches!(seat.state, State::Running | State::Ready);
            let goes_on = seat.state.has_instance() && !(step == Step::Start && started);
            match seat.parent {
                Parent::Actor { address, child } if address.gate() == self.gate => {
                    (goes_on || seat.incarnation != incarnation).then_some((address, child))
                }
                _ => None,
            }
        });
        let Some((parent, child)) = parent else {
            return;
        };
        let Some(slot) = self.find(parent) else {
            return;
        };
        let limit = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut().filter(|kin| kin.has(child))?;
            let row = kin.family.row(child);
            let state = match step {
                Step::Start => RowState::Starting,
                Step::Stop => RowState::Stopping,
            };
            let meant = row.state == state && row.incarnation == incarnation;
            let meant = meant && !kin.has_limit(child);
            let entry = kin.entry(child).filter(|_| meant)?;
            match step {
                Step::Start => entry.limits().start,
                Step::Stop => entry.limits().stop,
            }
        });
        if limit.is_some() {
            self.arm_limit(slot, child, incarnation, limit);
        }
    }

    /// Ends the limit of a child's step, or the wait before its restart.
    fn end_limit(&self, slot: u32, child: u32) {
        self.seat(slot, |seat| {
            let index = seat.kin.as_mut()?.take_limit(child)?;
            self.forget_limit(index, (slot, child), &mut seat.things);
            Some(())
        });
    }

    fn arm_limit(&self, slot: u32, child: u32, incarnation: u64, limit: Option<Duration>) {
        self.seat(slot, |seat| {
            let kin = seat.kin.as_mut().filter(|kin| kin.has(child))?;
            if let Some(old) = kin.take_limit(child) {
                self.forget_limit(old, (slot, child), &mut seat.things);
            }
            let mut things = self.things.borrow_mut();
            let body = Body::Limit { child, incarnation };
            let limit = nanos(limit?);
            let key = things.insert(slot, &mut seat.things, body);
            things.arm_later(key, limit, &self.clock);
            kin.set_limit(child, key);
            Some(())
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::here::with_local;
    use crate::locality::{Control, StartOrder};
    use crate::sim::Sim;
    use crate::*;

    struct Kid;
    impl Actor for Kid {}

    /// An order may outlive whoever has given it: an orphan that makes way, say.
    #[test]
    fn m11_an_order_of_somebody_else_starts_nothing() {
        let mut sim = Sim::new(1);
        let (here, there) = (sim.locality("here"), sim.locality("there"));
        let kid = here.reserve();
        let child = Child::new("kid", || Kid).at(kid).transient();
        let app = sim.start(Supervisor::one_for_one("app").child(child));
        app.expect("a sound tree");
        sim.run_until_idle();
        kid.stop();
        sim.run_until_idle();
        let order = StartOrder {
            to: kid.address(),
            incarnation: 99,
            from: there.reserve::<Kid>().address(),
            child: 0,
            gated: false,
            again: false,
        };
        Control::post(here.gate(), Control::Start(order));
        sim.run_until_idle();
        assert_eq!(kid.address().state(), Lifecycle::Down);
    }

    /// And nothing is left of that of one that is over.
    #[test]
    fn l17_a_start_that_goes_on_has_its_limit() {
        struct Slow(Option<Hold>);
        impl Actor for Slow {
            fn start(&mut self, cx: &mut Context<Self>) -> Result {
                self.0 = Some(cx.hold("something"));
                Ok(())
            }
        }
        let mut sim = Sim::new(1);
        let here = sim.locality("here");
        let things = || with_local(here.gate(), |local| local.unwrap().things.borrow().len());
        let tree = Supervisor::one_for_one("app").child(Child::new("kid", || Kid));
        let app = sim.start(tree.child(Child::new("slow", || Slow(None))));
        let app = app.expect("a sound tree");
        sim.run_until_idle();
        assert_eq!(things(), 1, "that of the slow one");
        sim.run_for(Duration::from_secs(5));
        let exit = app.tree().ended.expect("it was late");
        assert!(matches!(
            exit.root_cause().reason(),
            ExitReason::TimedOut(_)
        ));
    }

    #[test]
    fn a_wait_that_is_over_takes_no_room() {
        let mut sim = Sim::new(1);
        let here = sim.locality("here");
        let kid = here.reserve();
        let second = Duration::from_secs(1);
        let child = Child::new("kid", || Kid).at(kid);
        let child = child.backoff(Backoff::fixed(second));
        let tree = Supervisor::one_for_one("app").intensity(9, second);
        let app = sim.start(tree.child(child)).unwrap();
        sim.run_until_idle();
        let things = || with_local(here.gate(), |local| local.unwrap().things.borrow().len());
        let before = things();
        for lives in 2..5 {
            kid.address().kill();
            sim.run_for(3 * second);
            assert_eq!(app.tree().nodes[1].instances, lives);
            assert_eq!(things(), before);
        }
    }
}
