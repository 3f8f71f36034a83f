//! The loss of a locality: on both sides, from one's own tables.

use crate::exit::Exit;
use crate::gate::Gate;
use crate::locality::{Control, Local, Locality};
use crate::lock::lock;
use crate::removal::Kill;
use crate::request::RequestError;
use crate::slot::{Parent, State};
use crate::strategy::{ChildId, Event};

impl Local {
    /// Another locality has no driver any more: everything here that hangs on it learns it from our
    /// own tables.
    pub(crate) fn peer_closed(&self, peer: &Locality, abandoned: bool) {
        let gate = peer.gate();
        self.peered.borrow_mut().retain(|(peer, _)| *peer != gate);
        if peer.has_ended() {
            // In order: nobody was left. But a monitor may have been on its way.
            return self.monitors_lost(gate, &Exit::gone());
        }
        let exit = gate.lost();
        if abandoned {
            // Elsewhere a token that was dropped says so itself, and one that was passed on lives.
            let asked = self.things.borrow().asked(gate);
            for (slot, key) in asked {
                self.give_up(key, slot); // a token that has got out of there is still somewhere
                crate::request::fail_later(self, slot, key, RequestError::Ended(exit.clone()));
            }
        }
        self.peer_lost(gate, &exit);
    }

    fn peer_lost(&self, gate: &'static Gate, exit: &Exit) {
        self.monitors_lost(gate, exit);
        self.links_lost(gate, exit);
        self.topics_lost(gate);
        for (slot, child) in self.children_at(gate) {
            self.child_lost(slot, child, gate, exit);
        }
        for slot in self.subtrees_of(gate) {
            // It may have been built in the locality's next life, before this news came.
            if self.has_parent_at(gate, slot) && self.is_bereft(slot) {
                self.seat(slot, |seat| seat.parent = Parent::Lost);
                self.orphaned(slot, exit);
            }
        }
    }

    fn child_lost(&self, slot: u32, child: ChildId, gate: &'static Gate, exit: &Exit) {
        let lost = self.seat(slot, |seat| {
            let waits = seat.state == State::Waiting;
            let kin = seat.kin.as_mut()?;
            let place = kin.entry(child)?.place;
            let is_down = kin.family.is_over(child) && !waits;
            let incarnation = kin.family.row(child).incarnation;
            (place.gate() == gate).then_some((incarnation, place, is_down))
        });
        let Some((incarnation, place, is_down)) = lost else {
            return;
        };
        self.step_is_over(slot, child, incarnation, false);
        // It may have been started in the locality's next life, before this news came.
        gate.kill(Kill {
            to: place,
            incarnation,
            keep: true,
            late: None,
        });
        let decision = self.decide(slot, child, incarnation, exit);
        let event = Event::Exited(child, incarnation, exit.clone(), decision);
        self.family(slot, event);
        self.check_stalls_below(slot);
        if is_down {
            // It stays so: what was lost does not know, nor do those below it who were told to end.
            self.lay_far_down(slot, child, place, exit);
            self.peer_with(gate); // nor does its next life
        }
    }

    /// Ends an instance whose parent is lost; one that is not there goes at once.
    fn orphaned(&self, slot: u32, exit: &Exit) {
        let live = self.seat(slot, |seat| seat.state.has_instance());
        if live {
            self.seat(slot, |seat| seat.ordered = Some(false));
            self.end(slot, exit.clone());
        } else {
            self.remove_orphan(slot);
        }
    }

    /// The orphan that an actor is below, or is itself; of one on another locality, what is here.
    pub(crate) fn orphan_above(&self, slot: u32) -> Option<u32> {
        let top = self.upwards(slot).last()?;
        self.is_bereft(top).then_some(top)
    }

    /// Whether a loop above an actor is lost, also if the news of that have not come, or it has come again:
    /// whoever builds anew what was there says what becomes of what is below.
    pub(crate) fn is_bereft(&self, slot: u32) -> bool {
        let lives = self.lives_above(slot);
        lives.iter().any(|&(gate, life)| !gate.is_in(life))
    }

    /// Whether anything is placed here, running or not.
    pub(crate) fn has_specs(&self) -> bool {
        (0..self.slots.len()).any(|slot| self.seat(slot, |seat| seat.ops.is_some()))
    }

    /// The driver goes away while actors live: they are dropped, children first, and everybody who
    /// hangs on this locality is told.
    pub(crate) fn lose(&self) {
        self.losing.set(true);
        for slot in 0..self.slots.len() {
            let top = self.seat(slot, |seat| match &seat.parent {
                Parent::Actor { address, .. } => address.gate() != self.gate,
                _ => true,
            });
            if top {
                self.seat(slot, |seat| {
                    if let Parent::Actor { .. } = seat.parent {
                        seat.parent = Parent::Nobody; // told by the loss itself
                    }
                });
                let app = self.seat(slot, |seat| match &seat.parent {
                    Parent::App(app) => Some(app.clone()),
                    _ => None,
                });
                self.seat(slot, |seat| seat.parent = Parent::Nobody);
                self.remove(slot);
                if let Some(app) = app {
                    app.root_ended(self.gate.lost());
                }
            }
        }
    }

    /// Tells the localities that hang on this one that it has no driver any more.
    pub(crate) fn tell_peers(gate: &'static Gate, locality: &Locality, abandoned: bool) {
        gate.registries.lost(gate);
        let peers = std::mem::take(&mut *lock(&gate.peers));
        // Not before: the names and peers that its next life has are not those of this one.
        locality.set_lost();
        for peer in peers {
            let locality = locality.clone();
            let closed = Control::Closed {
                locality,
                abandoned,
            };
            Control::post(peer, closed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sim::Sim;
    use crate::{Actor, Child, Lifecycle, Supervisor};

    struct Nothing;
    impl Actor for Nothing {}

    /// One peer is told after the other: the loop may have come again before the last of them is.
    #[test]
    fn m11_late_news_of_a_loss_ends_nothing_of_the_next_life() {
        let mut sim = Sim::new(1);
        sim.locality("home");
        let (near, far) = (sim.locality("near"), sim.locality("far"));
        let (at, below) = (far.reserve::<Nothing>(), far.clone());
        let one = Supervisor::one_for_one("one").on(&near, move |s| {
            let two = Supervisor::one_for_one("two");
            s.child(two.on(&below, move |s| {
                s.child(Child::new("leaf", || Nothing).at(at))
            }))
        });
        let app = sim.start(Supervisor::one_for_one("root").child(one));
        app.expect("a sound tree");
        sim.run_until_idle();
        sim.lose(&near);
        sim.open(near.clone());
        sim.run_for(Duration::from_secs(1));
        assert_eq!(at.address().state(), Lifecycle::Running);
        let closed = Control::Closed {
            locality: near,
            abandoned: false,
        };
        Control::post(far.gate(), closed);
        sim.run_for(Duration::from_secs(1));
        assert_eq!(at.address().state(), Lifecycle::Running);
    }
}
