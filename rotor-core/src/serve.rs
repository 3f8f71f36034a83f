//! How a supervisor serves administrative requests: one after the other, between its passes.

use std::any::{TypeId, type_name};
use std::borrow::Cow;

use crate::actor::Actor;
use crate::address::Address;
use crate::admin::{Admin, AdminError, ChildCount, ChildInfo, ChildState, Reply, Started};
use crate::adopt::How;
use crate::check::{check_added, check_name};
use crate::error::StartError;
use crate::exit::Exit;
use crate::here;
use crate::locality::Local;
use crate::request::{RequestError, Verdict};
use crate::slot::Parent;
use crate::strategy::{ChildId, DeedResult, Event, Refusal};
use crate::supervisor::{Node, NodeKind, Stock};

impl Local {
    /// A request has come for the actor in `slot`.
    pub(crate) fn asked(&self, slot: u32, admin: Admin) {
        let refused = self.seat(slot, |seat| {
            if seat.is_ending() {
                return Some((admin, seat.exit.clone().unwrap_or(Exit::normal())));
            }
            seat.kin_mut().requests.push(admin);
            None
        });
        match refused {
            Some((admin, exit)) => refuse(&exit, admin),
            None => {
                self.recall(slot);
                self.family(slot, Event::Asked);
            }
        }
    }

    pub(crate) fn suspend(&self, to: Address, on: bool) {
        if let Some(slot) = self.find(to) {
            self.family(slot, if on { Event::Suspend } else { Event::Resume });
        }
    }

    /// Finds out what the next request means to the family.
    pub(crate) fn next_request(&self, slot: u32) -> Event {
        let admin = self.seat(slot, |seat| seat.kin.as_mut()?.requests.pop());
        // What it brings, and what is dropped of it, is a user's.
        let asked = admin.map(|admin| here::guard(|| (admin.serve)(self, slot)));
        asked.and_then(Result::ok).unwrap_or(Event::Served)
    }

    /// Keeps what is to be told of the request that is served.
    pub(crate) fn promise(&self, slot: u32, reply: Reply) {
        let kept = |kin: &mut Box<crate::kin::Kin>| kin.serving.replace(reply);
        let old = self.seat(slot, |seat| seat.kin.as_mut().and_then(kept));
        debug_assert!(old.is_none(), "one request at a time");
    }

    /// Tells what came of the request that is served.
    pub(crate) fn answer(&self, slot: u32, outcome: DeedResult) {
        let Some((reply, place)) = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            let runs = outcome.as_ref().ok().copied().flatten();
            let place = runs.and_then(|(child, _)| kin.entry(child).map(|e| e.place));
            Some((kin.serving.take()?, place))
        }) else {
            return;
        };
        let path = |child| self.child_path(slot, child).into();
        let ended = |child| {
            self.seat(slot, |seat| {
                seat.kin.as_ref().is_some_and(|kin| kin.has_ended(child))
            })
        };
        let started = |(_, instance)| Started {
            address: place.expect("a child that runs has an entry"),
            instance,
        };
        reply(match outcome {
            Ok(child) => Ok(child.map(started)),
            Err(Refusal::Running(child)) if !ended(child) => {
                Err(AdminError::Running { child: path(child) })
            }
            Err(Refusal::Running(child) | Refusal::Restarting(child)) => {
                Err(AdminError::Restarting { child: path(child) })
            }
            Err(Refusal::Failed(exit)) => Err(AdminError::StartFailed(exit)),
        });
    }

    /// The actor ends: whoever has asked it, and has no answer yet, is told.
    pub(crate) fn refuse_requests(&self, slot: u32, exit: &Exit) {
        let open = self.seat(slot, |seat| {
            let kin = seat.kin.as_mut()?;
            let open = !kin.requests.is_empty() || kin.serving.is_some();
            open.then(|| (std::mem::take(&mut kin.requests), kin.serving.take()))
        });
        if let Some(open) = open {
            refuse(exit, open);
        }
    }

    pub(crate) fn is_pool(&self, slot: u32) -> bool {
        self.seat(slot, |seat| {
            seat.kin.as_ref().is_some_and(|kin| kin.template.is_some())
        })
    }

    pub(crate) fn child_named(&self, slot: u32, name: &str) -> Result<ChildId, AdminError> {
        if self.is_pool(slot) {
            return Err(AdminError::not_by_name());
        }
        let found = self.seat(slot, |seat| seat.kin_mut().family.find(name));
        found.ok_or_else(|| self.no_child(slot, Some(name.to_owned().into())))
    }

    /// That the actor in `slot` has no child of this name, or at the address that was asked for.
    pub(crate) fn no_child(&self, slot: u32, child: Option<Cow<'static, str>>) -> AdminError {
        let supervisor = self.path_text(slot).into();
        AdminError::NotFound {
            supervisor,
            child,
            is_actor: self.is_actor(slot),
        }
    }

    /// Whether the supervisor in `slot` is an actor of its own.
    fn is_actor(&self, slot: u32) -> bool {
        let type_id = self.seat(slot, |seat| seat.ops.map(|ops| ops.type_id));
        type_id != Some(TypeId::of::<Stock>())
    }

    /// The child with this address; `None` for an instance that is gone.
    pub(crate) fn child_at(
        &self,
        slot: u32,
        address: Address,
        instance: Option<u64>,
    ) -> Result<Option<ChildId>, AdminError> {
        let me = self.address_of(slot);
        let here = address.gate() == self.gate;
        let place = if here { self.find(address) } else { None };
        let noted = place.and_then(|place| {
            self.seat(place, |seat| match seat.parent {
                Parent::Actor { address, child } if address == me => Some(child),
                _ => None,
            })
        });
        let found = self.seat(slot, |seat| {
            let kin = seat.kin_mut();
            let child = if here {
                // The order to free the slot of one that was deleted may be on its way.
                noted.filter(|&child| kin.is_at(child, address))
            } else {
                kin.far(address)
            };
            let gone = here && child.is_none() && (place.is_none() || noted.is_some());
            if gone && (instance.is_some() || kin.template.is_some()) {
                return Some(None);
            }
            let child = child.filter(|&child| !kin.family.row(child).removed)?;
            let meant = instance.is_none_or(|it| kin.family.row(child).last_up == it);
            Some(meant.then_some(child))
        });
        found.ok_or_else(|| self.no_child(slot, None))
    }

    pub(crate) fn children_of(&self, slot: u32) -> Vec<ChildInfo> {
        self.seat(slot, |seat| {
            let kin = seat.kin_mut();
            let ids: Vec<ChildId> = kin.family.visible().collect();
            let info = |id| {
                let row = kin.family.row(id);
                let (name, state) = (row.name.to_cow(), kin.child_state(id));
                let is_supervisor = row.supervisor;
                let entry = kin.entry(id)?;
                Some(ChildInfo {
                    name,
                    address: entry.place,
                    is_supervisor,
                    state,
                })
            };
            ids.into_iter().filter_map(info).collect()
        })
    }

    pub(crate) fn count_children(&self, slot: u32) -> ChildCount {
        self.seat(slot, |seat| {
            let kin = seat.kin_mut();
            let pool = kin.template.is_some();
            let tally = kin.family.tally();
            // As in OTP: a pool does not look whether an instance has just ended.
            let ended = if pool { tally.ended } else { 0 };
            let early = kin.early.iter().flat_map(|early| early.all());
            let wait = early.filter(|&id| kin.has_ended(id));
            ChildCount {
                specs: if pool { 1 } else { tally.all },
                active: tally.up + ended - wait.count(),
                supervisors: tally.supervisors,
                workers: tally.all - tally.supervisors,
            }
        })
    }

    /// Adds the child that a request wants, if there is none of its name.
    pub(crate) fn add_asked(
        &self,
        slot: u32,
        build: Box<dyn FnOnce() -> Node + Send>,
    ) -> Result<ChildId, AdminError> {
        let (flags, pool) = self.seat(slot, |seat| {
            let kin = seat.kin_mut();
            let makes = kin.template.as_ref().map(|template| template.makes);
            (kin.family.flags(), makes)
        });
        if let Some((actor, argument)) = pool {
            let why = format!("this is a pool: ask for a `StartInstance<{actor}, {argument}>`");
            return Err(AdminError::Pool { why: why.into() });
        }
        let node = here::guard(build).map_err(|caught| {
            let (supervisor, text) = (self.path_text(slot).into(), caught.text);
            AdminError::BadSpec(StartError::BuildPanicked { supervisor, text })
        })?;
        if self.is_actor(slot) {
            // As of a child that the actor adds itself.
            let path = || self.path_below(slot, node.name());
            check_name(node.name(), || Some(self.path_text(slot).into()))
                .and_then(|()| node.as_child().check(None, path))
                .map_err(AdminError::BadSpec)?;
        }
        let (node, places) = check_added(
            node,
            (self.names_to(slot), flags),
            self.gate,
            self.locality.name(),
        )
        .map_err(AdminError::BadSpec)?;
        self.check_name(slot, node.name())?;
        let (child, _) = self
            .adopt_child(slot, node.0, How::Asked)
            .map_err(AdminError::BadSpec)?;
        // Not before: nobody waits for a loop on which nothing was ever placed.
        self.add_places(slot, places);
        Ok(child)
    }

    fn check_name(&self, slot: u32, name: &str) -> Result<(), AdminError> {
        let found = self.seat(slot, |seat| {
            let kin = seat.kin_mut();
            let child = kin.family.find(name)?;
            let place = kin.entry(child).map(|entry| entry.place);
            Some((kin.child_state(child), place))
        });
        let Some((state, place)) = found else {
            return Ok(());
        };
        let child = self.path_below(slot, name).into();
        Err(match (state, place) {
            (ChildState::Running { .. }, Some(address)) => {
                AdminError::AlreadyStarted { child, address }
            }
            _ => AdminError::AlreadyPresent { child },
        })
    }

    /// Adds an instance to a pool.
    pub(crate) fn add_instance<A: Actor, T: Clone + 'static>(
        &self,
        slot: u32,
        argument: T,
    ) -> Result<ChildId, AdminError> {
        let (template, instances, decides) = self.seat(slot, |seat| {
            let kin = seat.kin_mut();
            (kin.template.clone(), kin.family.len(), kin.decides)
        });
        let most = template.as_ref().map_or(u32::MAX, |template| template.most);
        let makes = template.as_ref().map(|template| template.makes);
        let spec = template.and_then(|template| {
            // The names of two instances differ, also that of one that has gone.
            let name = format!("{}#{}", self.name_of(slot), template.made + 1);
            template.spec::<A, T>(name.into(), argument, decides)
        });
        let asked = (type_name::<A>(), type_name::<T>());
        let spec = spec.ok_or(AdminError::NotThisPool { makes, asked })?;
        if instances >= most as usize {
            return Err(AdminError::Full { most });
        }
        self.seat(slot, |seat| {
            let template = seat.kin_mut().template.as_mut();
            template.expect("it is a pool").made += 1;
        });
        let (child, _) = self
            .adopt_child(slot, NodeKind::Actor(spec), How::Instance)
            .map_err(AdminError::BadSpec)?;
        Ok(child)
    }
}

/// Drops requests; their askers learn how the supervisor ended.
fn refuse<T>(exit: &Exit, requests: T) {
    let ended = RequestError::Ended(exit.clone());
    let _verdict = Verdict::set(&ended);
    // The closure that builds a child is user code.
    let _ = here::guard(|| drop(requests));
}
