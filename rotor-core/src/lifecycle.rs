//! The life of an instance: start, stop, crash. Runs between messages only.

#![expect(unsafe_code)]

use crate::address::Address;
use crate::child::{Ops, spent_make};
use crate::drain::Drain;
use crate::error::{Result, StartError};
use crate::exit::{Exit, ExitReason};
use crate::here;
use crate::hold::Why;
use crate::label::Label;
use crate::locality::{Control, Local, News, StartOrder};
use crate::message::LOCALITY;
use crate::observe::Reason;
use crate::request::{RequestError, Verdict};
use crate::slot::{Seat, State};
use crate::strategy::{ChildId, Event, OnGo};
use crate::things::{AtEnd, Body, Key, NO_THINGS};
use crate::unbuilt::Unbuilt;

impl Local {
    /// Makes an instance.
    pub(crate) fn start(&self, order: StartOrder) {
        let StartOrder {
            to,
            incarnation,
            from,
            child,
            gated,
            again,
        } = order;
        let slot = self
            .find(to)
            .filter(|&slot| self.seat(slot, |seat| from == to || seat.is_child(from, child)));
        let Some(slot) = slot else {
            // Nobody was adopted at this address in this life of the locality, or somebody else has it now.
            let news = News::Failed(self.gate.lost());
            let report = Control::Report {
                to: from,
                child,
                incarnation,
                news,
            };
            return Control::post(from.gate(), report);
        };
        if from != to && self.is_recalled(from, child, incarnation) {
            self.seat(slot, |seat| seat.incarnation = incarnation);
            return self.tell_parent(slot, News::Exited(Exit::shutdown()));
        }
        let ready = self.reseat(slot, |seat| {
            let free = matches!(seat.state, State::Waiting | State::Down);
            if !free || seat.is_disowned(incarnation) {
                return None;
            }
            let was_down = seat.state == State::Down;
            if was_down {
                seat.drain = Drain::No; // it was meant for those before
            }
            seat.incarnation = incarnation;
            let Some(make) = seat.make.take() else {
                return Some(Err(seat.exit.clone().unwrap_or(Exit::killed())));
            };
            seat.state = if gated {
                State::Preparing
            } else {
                State::Starting
            };
            seat.again = again;
            seat.keep = false;
            seat.ordered = None;
            seat.hooked = false;
            seat.instances = seat.instances.saturating_add(1);
            seat.serial = self.things.borrow_mut().serial();
            let restarts = seat.instances - 1;
            let rare = seat.rare.as_mut().filter(|_| was_down);
            let early = rare.and_then(|rare| rare.early_stop.take()); // so was that
            let old = (seat.exit.take(), early);
            Some(Ok((make, seat.once, old, restarts, seat.marked)))
        });
        let (mut make, once, old, restarts, marked) = match ready {
            None => return,
            Some(Err(exit)) => {
                let (who, name) = (self.address_of(slot), self.name_of(slot));
                self.gate
                    .tell_observer(|o| o.start_failed(who, &name, &exit));
                return self.tell_parent(slot, News::Failed(exit));
            }
            Some(Ok(ready)) => ready,
        };
        drop(old);
        self.tell_change(slot);
        self.tell_restart(slot, restarts);
        if marked && let Err(error) = self.claim_lapsed(slot) {
            self.seat(slot, |seat| seat.make = Some(make));
            let child = self.path_text(slot).into();
            let refused = ExitReason::Refused(StartError::Name { child, error });
            return self.start_failed(slot, Exit::of(refused));
        }
        self.current.set(slot);
        let made = here::guard(|| make(self, slot));
        if once {
            // What it has captured, which a user's code has used up: its room is for the next child.
            let spent = std::mem::replace(&mut make, spent_make());
            let _ = here::guard(|| drop(spent));
        }
        let ops = self.seat(slot, |seat| {
            seat.make = Some(make);
            seat.ops.expect("a spec has them")
        });
        let instance = match made {
            Ok(Ok(Some(instance))) => instance,
            Ok(Ok(None)) => return self.start_ignored(slot),
            Ok(Err(exit)) => return self.start_failed(slot, exit),
            Err(text) => return self.start_failed(slot, Exit::panicked(text)),
        };
        self.slots.set_actor(slot, instance.as_ptr());
        if self.begin_hooks(slot) {
            self.current.set(LOCALITY);
            return self.settle_start(slot);
        }
        self.start_with(slot, ops);
    }

    /// Has an instance start that was made.
    pub(crate) fn start_actor(&self, slot: u32) {
        let ops = self.seat(slot, |seat| seat.ops.expect("a spec has them"));
        self.start_with(slot, ops);
    }

    fn start_with(&self, slot: u32, ops: &Ops) {
        let actor = self.slots.actor(slot);
        self.current.set(slot);
        // SAFETY: the instance is live, and nothing else refers to it between messages.
        let started = here::guard(|| unsafe { (ops.start)(actor, self, slot) });
        self.current.set(LOCALITY);
        match started {
            Ok(Ok(())) if self.is_up(slot) => self.open(slot),
            Ok(Ok(())) => return self.started(slot),
            Ok(Err(error)) => return self.crash(slot, Exit::failed(error)),
            Err(text) => return self.crash(slot, Exit::panicked(text)),
        }
        self.tell_up(slot);
    }

    /// Whether an instance is operational whose start hook has returned, since it has nothing that would
    /// be asked first: as most.
    fn is_up(&self, slot: u32) -> bool {
        self.has_no_hooks()
            && self.reseat(slot, |seat| {
                let plain = seat.state == State::Starting && seat.is_plain();
                let up = plain && seat.exit.is_none() && seat.parked.is_none();
                if up {
                    seat.state = State::Running;
                }
                up
            })
    }

    /// The start hook has returned.
    fn started(&self, slot: u32) {
        let (failed, early) = self.seat(slot, |seat| {
            let failed = seat.exit.take_if(|exit| exit.is_abnormal());
            let early = if failed.is_some() {
                None
            } else {
                seat.take_early_stop()
            };
            (failed, early)
        });
        if let Some(exit) = failed {
            return self.crash(slot, exit); // as if the hook had returned the error
        }
        match early {
            Some(exit) => self.stop_self(self.address_of(slot), exit),
            None => self.settle_start(slot),
        }
    }

    /// Goes on with a start when nothing holds it.
    pub(crate) fn settle_start(&self, slot: u32) {
        let (open, held, idle) = self.seat(slot, |seat| {
            let starting = seat.state.is_starting();
            let idle = seat.kin.as_ref().map(|kin| !kin.family.is_busy());
            (starting && !seat.is_held(), starting, idle)
        });
        if !open {
            if held {
                self.check_stall(slot);
            }
            return;
        }
        if self.start_next(slot) {
            return;
        }
        match idle {
            Some(true) => self.family(slot, Event::Start),
            Some(false) => {}
            None => self.operational(slot),
        }
    }

    /// The parent's word that siblings are initialized as well.
    pub(crate) fn go(&self, to: Address, incarnation: u64) {
        let Some(slot) = self.find(to) else { return };
        let word = self.reseat(slot, |seat| {
            let meant = seat.state == State::Ready && seat.incarnation == incarnation;
            meant.then(|| {
                seat.state = State::Going;
                let kin = seat.kin.as_ref();
                kin.map_or(OnGo::Up, |kin| kin.family.on_go())
            })
        });
        match word {
            None | Some(OnGo::Ends) => {}
            Some(OnGo::Told(event)) => self.family(slot, event),
            Some(OnGo::Up) => self.operational(slot),
        }
    }

    /// Nothing holds the start of an instance any more, which waits for its siblings. It can be found
    /// and linked to by them, but handles no messages yet.
    pub(crate) fn initialized(&self, slot: u32) {
        let (named, serves) = self.reseat(slot, |seat| {
            seat.state = State::Ready;
            (seat.marked, seat.serves)
        });
        self.tell_change(slot);
        if named {
            self.publish_names(slot);
        }
        if serves {
            self.serve_waiting(slot);
        }
        self.tell_parent(slot, News::Initialized);
    }

    pub(crate) fn operational(&self, slot: u32) {
        let runs = self.reseat(slot, |seat| {
            if seat.state == State::Preparing {
                return None;
            }
            seat.state = State::Running;
            Some((seat.parked.is_some(), seat.marked, seat.serves))
        });
        let Some((parked, named, serves)) = runs else {
            return self.initialized(slot);
        };
        if named {
            self.publish_names(slot);
        }
        if serves {
            self.serve_waiting(slot);
        }
        if parked {
            self.unparking.borrow_mut().push_back(slot);
        } else if self.seat(slot, |seat| seat.exit.is_none()) {
            self.open(slot);
        }
        self.tell_up(slot);
    }

    /// Tells that an instance is operational.
    fn tell_up(&self, slot: u32) {
        self.tell_change(slot);
        if let Some(observer) = self.gate.observer() {
            let (who, name) = (self.address_of(slot), self.name_of(slot));
            let instance = self.seat(slot, |seat| seat.incarnation);
            let _ = here::guard(|| observer.started(who, &name, instance));
        }
        self.tell_parent(slot, News::Started);
    }

    /// A start came to nothing: there is no instance.
    pub(crate) fn start_failed(&self, slot: u32, exit: Exit) {
        self.current.set(LOCALITY);
        self.purge(slot, &exit);
        // Children that the instance has added go with it, also those not started yet.
        self.abandon_children(slot);
        self.refuse_requests(slot, &exit);
        self.reseat(slot, |seat| seat.state = State::Waiting);
        self.set_exit(slot, Some(exit.clone()));
        let (who, name) = (self.address_of(slot), self.name_of(slot));
        self.gate
            .tell_observer(|o| o.start_failed(who, &name, &exit));
        self.tell_change(slot);
        self.notify_watchers(slot, &exit);
        if self.seat(slot, |seat| seat.serves) {
            self.service_ended(slot, &exit, true); // initialized, it may have had clients
        }
        self.tell_parent(slot, News::Failed(exit));
    }

    /// A factory made nothing, and meant it: as after an orderly end.
    fn start_ignored(&self, slot: u32) {
        self.current.set(LOCALITY);
        let exit = Exit::normal();
        self.purge(slot, &exit);
        self.abandon_children(slot);
        self.refuse_requests(slot, &exit);
        self.reseat(slot, |seat| seat.state = State::Down);
        self.set_exit(slot, Some(exit.clone()));
        self.lay_down(slot, &exit);
        let (who, name) = (self.address_of(slot), self.name_of(slot));
        self.gate.tell_observer(|o| o.start_ignored(who, &name));
        self.tell_change(slot);
        self.notify_watchers(slot, &exit);
        if self.seat(slot, |seat| seat.serves) {
            self.service_ended(slot, &exit, false);
        }
        self.tell_parent(slot, News::Ignored);
    }

    /// The parent wants the instance to end.
    pub(crate) fn stop(&self, to: Address, incarnation: u64, keep: bool, exit: Exit) {
        let Some(slot) = self.find(to) else { return };
        let state = self.seat(slot, |seat| {
            if seat.incarnation != incarnation {
                return None;
            }
            if seat.state.has_instance() {
                seat.ordered = Some(keep);
            }
            Some(seat.state)
        });
        match state {
            None => {}
            Some(State::Waiting) if !keep => self.lay_down(slot, &exit),
            Some(_) => self.end(slot, exit),
        }
    }

    /// Somebody asks an actor to stop: the instance that runs or starts, else the next one. One that
    /// stops already does so as its parent wants.
    pub(crate) fn stop_self(&self, to: Address, exit: Exit) {
        let ends = self.find_or_await(to).and_then(|slot| {
            self.seat(slot, |seat| match seat.state {
                state if state.is_alive() => Some(slot),
                State::Reserved | State::Waiting => {
                    let early = &mut seat.rare_mut().early_stop;
                    early.get_or_insert_with(|| exit.clone());
                    None
                }
                _ => None,
            })
        });
        match ends {
            Some(slot) => self.end(slot, exit),
            None => drop(exit),
        }
    }

    /// Removes an actor's instance by force because somebody asked for it.
    pub(crate) fn kill_self(&self, to: Address) {
        let Some(slot) = self.find(to) else { return };
        let keep = self.seat(slot, |seat| {
            let said = seat.exit.as_ref().filter(|_| seat.state.is_alive());
            seat.is_kept(said.unwrap_or(&Exit::killed()))
        });
        self.kill_slot(slot, keep);
    }

    /// Ends the instance after the handler that runs now. The first reason wins.
    pub(crate) fn exit_after(&self, slot: u32, exit: Exit) {
        let in_hook = self.in_hook.get() == slot;
        if in_hook {
            self.in_hook.set(LOCALITY);
        }
        let (serial, old) = self.seat(slot, |seat| {
            if seat.exit.is_some() && !in_hook {
                return (None, Some(exit));
            }
            let old = seat.exit.replace(exit);
            ((!in_hook).then_some(seat.serial), old)
        });
        drop(old);
        if let Some(serial) = serial {
            self.slots.shut(slot);
            Control::post(self.gate, Control::SelfExit { slot, serial });
        }
    }

    pub(crate) fn self_exit(&self, slot: u32, serial: u64) {
        if self.seat(slot, |seat| seat.serial == serial)
            && let Some(exit) = self.take_said(slot)
        {
            if exit.is_abnormal() {
                self.crash(slot, exit);
            } else {
                self.end_in_order(slot, exit);
            }
        }
    }

    /// How an instance that does not end yet has said that it does.
    pub(crate) fn take_said(&self, slot: u32) -> Option<Exit> {
        self.seat(slot, |seat| {
            let alive = seat.state.is_alive();
            seat.exit.take_if(|_| alive)
        })
    }

    /// Somebody wants an instance to end. The first reason wins, but a failure of its own that is still
    /// on its way is not lost.
    pub(crate) fn end(&self, slot: u32, exit: Exit) {
        match self.take_said(slot) {
            Some(failed) if failed.is_abnormal() => self.crash(slot, failed),
            _ => self.end_in_order(slot, exit),
        }
    }

    /// Begins the orderly end of an instance, whose clients leave first.
    fn end_in_order(&self, slot: u32, exit: Exit) {
        let leaves = self.seat(slot, |seat| seat.serves) && self.leave(slot, &exit);
        let ended = !leaves && self.end_now(slot, exit);
        if !ended {
            self.tell_ending(slot);
        }
    }

    /// An instance ends by itself, and is not done with it: its limit holds, as it would if its
    /// parent had told it to.
    pub(crate) fn tell_ending(&self, slot: u32) {
        let ending = |seat: &mut Seat| seat.ordered.is_none() && seat.state.has_instance();
        if self.seat(slot, ending) {
            self.tell_parent(slot, News::Ending);
        }
    }

    /// Whether it has ended when this returns.
    pub(crate) fn end_now(&self, slot: u32, exit: Exit) -> bool {
        let begun = self.reseat(slot, |seat| {
            match seat.state {
                state if state.is_alive() => {}
                State::Stopping => {
                    // The parent's word on what comes after counts.
                    seat.keep = seat.ordered.unwrap_or(seat.keep);
                    return None;
                }
                _ => return None,
            }
            // The first reason wins: its children may have made it end already.
            let first = seat.kin.as_ref().and_then(|kin| kin.family.ends_with());
            let exit = first.unwrap_or(&exit).clone();
            seat.state = State::Stopping;
            seat.drain = Drain::No;
            seat.keep = seat.is_kept(&exit);
            // Those of a start that is called off mean nothing any more.
            if let Some(rare) = &mut seat.rare {
                rare.holds.retain(|_, why| matches!(why, Why::Guard(_)));
            }
            let hooked = std::mem::replace(&mut seat.hooked, true);
            let old = seat.exit.replace(exit.clone());
            Some((if hooked { None } else { seat.ops }, old, exit))
        });
        let Some((ops, old, exit)) = begun else {
            return false;
        };
        self.slots.shut(slot);
        self.tell_change(slot);
        drop(old);
        let actor = self.slots.actor(slot);
        if let Some(ops) = ops.filter(|_| !actor.is_null()) {
            self.in_stop(slot, || {
                // SAFETY: the instance is live, and nothing else refers to it between messages.
                unsafe { (ops.stop)(actor, &exit, self, slot) };
                Ok(())
            });
        }
        self.settle_stop(slot)
    }

    /// Runs user code that may say how an instance ends which stops.
    pub(crate) fn in_stop(&self, slot: u32, hook: impl FnOnce() -> Result) {
        self.current.set(slot);
        self.in_hook.set(slot);
        let failed = match here::guard(hook) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Exit::failed(error)),
            Err(caught) => Some(Exit::panicked(caught)),
        };
        self.current.set(LOCALITY);
        let told = failed.is_some();
        if told {
            self.set_exit(slot, failed);
        }
        let silent = self.in_hook.replace(LOCALITY) == slot;
        if silent && !told {
            return;
        }
        let failed = self.seat(slot, |seat| seat.exit.clone().filter(Exit::is_abnormal));
        if let Some(failed) = failed {
            self.vacate(slot, &failed);
        }
    }

    /// Goes on with a stop when nothing holds it. Whether nothing is left to be done then.
    fn settle_stop(&self, slot: u32) -> bool {
        let next = self.seat(slot, |seat| {
            if seat.state != State::Stopping || seat.is_held() {
                return None;
            }
            let busy = seat.kin.as_ref().is_some_and(|kin| kin.family.is_busy());
            Some((busy, seat.exit.clone().unwrap_or(Exit::normal()), seat.keep))
        });
        match next {
            None => {}
            Some((_, exit, _)) if self.stop_next(slot, &exit) => return self.settle_stop(slot),
            Some((true, exit, keep)) => self.family(slot, Event::Stop { exit, keep }),
            Some((false, exit, _)) => {
                self.finish(slot, exit);
                return true;
            }
        }
        false
    }

    /// An instance ends at once: its state is dropped, then its children are stopped.
    pub(crate) fn crash(&self, slot: u32, exit: Exit) {
        let state = self.reseat(slot, |seat| {
            let state = seat.state;
            if !state.has_instance() {
                return None; // it has ended already, in order
            }
            let starting = state.is_early();
            seat.state = State::Stopping;
            seat.keep = starting || seat.is_kept(&exit);
            seat.hooked = true;
            seat.clear_holds();
            Some((starting, state == State::Stopping))
        });
        let Some((starting, stopped)) = state else {
            return;
        };
        self.slots.shut(slot);
        if !stopped {
            self.tell_change(slot);
        }
        self.set_exit(slot, Some(exit.clone()));
        self.settle_dropped(Some((slot, &exit)));
        self.vacate(slot, &exit);
        if starting
            && self.seat(slot, |seat| {
                seat.kin.as_ref().is_none_or(|k| !k.family.is_busy())
            })
        {
            return self.start_failed(slot, exit);
        }
        if !self.settle_stop(slot) {
            self.tell_ending(slot);
        }
    }

    /// Drops the state of an instance, and all that it owned.
    pub(crate) fn vacate(&self, slot: u32, exit: &Exit) {
        self.end_asking(slot);
        let actor = self.slots.actor(slot);
        // Vacant before the drop: a panic in it is not repeated.
        self.slots.shut(slot);
        self.slots.set_actor(slot, std::ptr::null_mut());
        let ended = RequestError::Ended(exit.clone());
        let _verdict = Verdict::set(&ended);
        if !actor.is_null() {
            let ops = self.seat(slot, |seat| seat.ops.expect("a spec has them"));
            self.current.set(slot);
            // SAFETY: the instance is live, and nobody else has its pointer any more.
            let _ = here::guard(|| unsafe { (ops.drop)(actor) });
            self.current.set(LOCALITY);
        }
        self.purge(slot, exit);
    }

    /// Drops what an instance owned beside its state. The limits of steps that its children go on with hold.
    fn purge(&self, slot: u32, exit: &Exit) {
        let (has_things, has_holds) =
            self.seat(slot, |seat| (seat.things != NO_THINGS, seat.rare.is_some()));
        let waited = has_things && self.purge_things(slot, exit);
        self.end_requests(slot, waited);
        if has_things || has_holds {
            self.seat(slot, Seat::clear_holds);
        }
    }

    /// Whether there were answers that it waited for.
    fn purge_things(&self, slot: u32, exit: &Exit) -> bool {
        let mut ends = Vec::new();
        let mut waited = false;
        let goes_on = |seat: &mut Seat| seat.kin.as_ref().is_some_and(|kin| kin.family.is_busy());
        let limits = self.seat(slot, goes_on);
        let goes =
            |body: &Body| !(limits && matches!(body, Body::Limit { .. } | Body::TreeLimit(_)));
        let ended = RequestError::Ended(exit.clone());
        let _verdict = Verdict::set(&ended);
        loop {
            let bodies = self.sweep_things(slot, goes);
            if bodies.is_empty() {
                break; // nor has what was dropped added any
            }
            for body in bodies {
                if let Body::AtEnd(end) = body {
                    ends.push(end);
                    continue;
                }
                waited |= matches!(&body, Body::Once(once) if once.has_token());
                let _ = here::guard(|| drop(body));
            }
        }
        for end in ends {
            end(self);
        }
        waited
    }

    /// Notes why an instance ends, or that there is no reason. The error in an exit is a user's: the
    /// old one is dropped when nothing is open.
    fn set_exit(&self, slot: u32, exit: Option<Exit>) {
        let old = self.seat(slot, |seat| std::mem::replace(&mut seat.exit, exit));
        drop(old);
    }

    /// Has `f` run when the instance in a slot ends, after all else that it owns is gone; the latest
    /// first.
    pub(crate) fn at_end(&self, slot: u32, f: AtEnd) -> Key {
        self.add_thing(slot, Body::AtEnd(f))
    }

    /// The last step of an end: everything below is gone.
    pub(crate) fn finish(&self, slot: u32, exit: Exit) {
        self.vacate(slot, &exit);
        if self.is_gone(slot, &exit) {
            return self.tell_parent(slot, News::Exited(exit));
        }
        if self.seat(slot, |seat| seat.kin.is_some()) {
            self.abandon_children(slot);
            self.refuse_requests(slot, &exit);
        }
        let (keep, serves, old) = self.reseat(slot, |seat| {
            seat.state = if seat.keep {
                State::Waiting
            } else {
                State::Down
            };
            (seat.keep, seat.serves, seat.exit.replace(exit.clone()))
        });
        drop(old);
        if !keep {
            self.lay_down(slot, &exit);
        }
        let who = self.address_of(slot);
        self.gate
            .tell_observer(|o| o.exited(who, &self.name_of(slot), &exit));
        self.tell_change(slot);
        self.notify_watchers(slot, &exit);
        if serves {
            self.service_ended(slot, &exit, keep);
        }
        self.tell_parent(slot, News::Exited(exit));
    }

    /// Whether nobody but the parent is to be told of the end of an instance, which is over then: as of most.
    fn is_gone(&self, slot: u32, exit: &Exit) -> bool {
        if self.gate.is_observed() || !self.has_no_hooks() {
            return false;
        }
        let old = self.reseat(slot, |seat| {
            let plain = seat.is_plain() && (seat.keep || seat.parked.is_none());
            plain.then(|| {
                seat.state = if seat.keep {
                    State::Waiting
                } else {
                    State::Down
                };
                seat.exit.replace(exit.clone())
            })
        });
        old.is_some()
    }

    /// The parent does not start an actor again that waits for that.
    pub(crate) fn wait_no_more(&self, to: Address, exit: &Exit) {
        let Some(slot) = self.find(to) else {
            return self.lay_unbuilt_down(to, exit);
        };
        if self.seat(slot, |seat| seat.state == State::Waiting) {
            self.lay_down(slot, exit);
        }
    }

    /// The same for a child, wherever it is.
    pub(crate) fn lay_child_down(&self, slot: u32, child: ChildId, to: Address, exit: &Exit) {
        if to.gate() == self.gate {
            self.wait_no_more(to, exit);
        } else {
            self.lay_far_down(slot, child, to, exit);
        }
    }

    /// The same elsewhere: if the locality is lost, in its next life.
    pub(crate) fn lay_far_down(&self, slot: u32, child: ChildId, to: Address, exit: &Exit) {
        if self.is_bereft(slot) {
            return; // who had that built knows whether it comes again
        }
        self.note_unbuilt(slot, child, exit);
        let exit = exit.clone();
        let lay_down = move |there: &Local| there.wait_no_more(to, &exit);
        to.gate().call_when_open(lay_down);
    }

    /// An actor is not started again by itself, and so is nothing below it: what is parked for them
    /// will not be handled.
    fn lay_down(&self, slot: u32, exit: &Exit) {
        let mut all = self.lay_one_down(slot, exit);
        while let Some(slot) = all.pop() {
            all.extend(self.lay_one_down(slot, exit));
        }
    }

    /// The same for one of them; its children here are returned, those elsewhere are told.
    fn lay_one_down(&self, slot: u32, exit: &Exit) -> Vec<u32> {
        let (marked, waits, is_plain) = self.seat(slot, |seat| {
            let is_plain = seat.parked.is_none() && seat.kin.is_none();
            (seat.marked, seat.state == State::Waiting, is_plain)
        });
        if is_plain && !marked && !waits && !self.is_hooked(slot) {
            return Vec::new(); // as most are
        }
        if marked {
            self.withdraw_names(slot);
        }
        if waits {
            // An instance was to come; who watched it has waited for that.
            self.reseat(slot, |seat| seat.state = State::Down);
            self.tell_change(slot);
            self.notify_watchers(slot, exit);
            if self.seat(slot, |seat| seat.serves) {
                self.service_ended(slot, exit, false);
            }
        }
        let children: Vec<(ChildId, Address)> = self.seat(slot, |seat| {
            let kin = seat.kin.as_ref();
            kin.map_or(Vec::new(), |kin| {
                kin.entries().map(|(id, e)| (id, e.place)).collect()
            })
        });
        if self.has_parked(slot) {
            let reason = self.unless_lost(Reason::Stopped);
            self.refuse_parked(slot, reason, &RequestError::Ended(exit.clone()));
        }
        if children.is_empty() {
            return Vec::new();
        }
        let (here, away): (Vec<_>, Vec<_>) = children
            .into_iter()
            .partition(|(_, child)| child.gate() == self.gate);
        for (id, child) in away {
            self.lay_far_down(slot, id, child, exit);
        }
        here.into_iter().map(|(_, child)| child.slot).collect()
    }

    /// What the spec of a child declares that is down, and on another locality, is down with it: if nobody
    /// there has built that, or it is lost, nobody there says so.
    fn note_unbuilt(&self, slot: u32, child: ChildId, exit: &Exit) {
        let all = self.seat(slot, |seat| {
            let entry = seat.kin.as_mut()?.entry(child)?;
            let (top, remote) = (entry.place, entry.remote()?);
            if remote.unbuilt.is_some() || remote.is_ordered() && !top.gate().is_unturned() {
                return None;
            }
            Some((top, [top].into_iter().chain(remote.reserved()).collect()))
        });
        let Some((top, all)) = all else { return };
        let unbuilt = Unbuilt::new(self.gate, top, all, exit);
        self.seat(slot, |seat| {
            let remote = seat.kin.as_mut()?.entry(child)?.remote_mut()?;
            remote.unbuilt = Some(unbuilt);
            Some(())
        });
    }

    /// Tells the observer where an actor is in its life now.
    #[inline(always)]
    pub(crate) fn tell_change(&self, slot: u32) {
        if self.gate.is_observed() {
            self.tell_change_to_observer(slot);
        }
    }

    fn tell_change_to_observer(&self, slot: u32) {
        if let Some(observer) = self.gate.observer() {
            let state = self.seat(slot, |seat| seat.state.lifecycle());
            let (who, name) = (self.address_of(slot), self.name_of(slot));
            let _ = here::guard(|| observer.changed(who, &name, state));
        }
    }

    /// Tells the observer that an actor starts again, if it does.
    fn tell_restart(&self, slot: u32, restarts: u32) {
        if restarts > 0 {
            let who = self.address_of(slot);
            self.gate
                .tell_observer(|o| o.restarted(who, &self.name_of(slot), restarts));
        }
    }

    pub(crate) fn name_of(&self, slot: u32) -> Label {
        self.seat(slot, |seat| seat.name.clone())
    }

    /// A hold was dropped, or has expired.
    pub(crate) fn release(&self, slot: u32, id: u64, expiry: Option<Key>) {
        if slot >= self.slots.len() {
            return; // a hold of an earlier life of this gate
        }
        if let Some(key) = expiry {
            drop(self.remove_thing(key, slot));
        }
        let state = self.seat(slot, |seat| {
            let holds = seat.rare.as_mut().map(|rare| &mut rare.holds);
            let was_open = holds.is_some_and(|holds| holds.remove(&id).is_some());
            was_open.then_some(seat.state)
        });
        match state {
            Some(state) if state.is_starting() => self.settle_start(slot),
            Some(State::Running) => self.let_go(slot),
            Some(State::Stopping) => _ = self.settle_stop(slot),
            _ => {}
        }
    }
}
