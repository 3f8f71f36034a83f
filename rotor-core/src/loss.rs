//! The loss of a locality: on both sides, from one's own tables.

use crate::exit::Exit;
use crate::gate::Gate;
use crate::locality::{Control, Local, Locality};
use crate::lock::lock;
use crate::removal::Kill;
use crate::request::RequestError;
use crate::slot::{Parent, State};
use crate::strategy::{ChildId, Event};
use crate::things::serials;

/// The life of a locality that is over: it may have been opened again before everybody has heard.
#[derive(Clone, Copy)]
pub(crate) struct Over {
    opening: u32,
    /// The keys of its actors have lower serials, those of its next life have not.
    before: u64,
    /// What lived there was not dropped, and never will be.
    abandoned: bool,
    /// It has ended in order, and nobody opens it again.
    ended: bool,
}

impl Local {
    /// Another locality has no driver any more: everything here that hangs on it learns it from our
    /// own tables.
    pub(crate) fn peer_closed(&self, peer: &Locality, life: Over) {
        let gate = peer.gate();
        let until = self.peered_until(gate, life.opening);
        if life.ended {
            // In order: nobody was left. But a monitor may have been on its way, and a client wait.
            self.monitors_lost(gate, until, &Exit::gone());
            self.links_gone(gate, until);
            // Or the order to build a child, which came when it had found that nothing is placed there.
            return self.children_lost(gate, &gate.lost());
        }
        let exit = gate.lost();
        if life.abandoned {
            // Elsewhere a token that was dropped says so itself, and one that was passed on lives.
            let asked = self.things.borrow().asked(gate, until);
            for (slot, key) in asked {
                self.give_up(key, slot); // a token that has got out of there is still somewhere
                crate::request::fail_later(self, slot, key, RequestError::Ended(exit.clone()));
            }
        }
        self.monitors_lost(gate, until, &exit);
        self.links_lost(gate, until, &exit);
        self.clients_lost(gate, life.before);
        self.topics_lost(gate, life.opening);
        self.kin_lost(gate, &exit);
    }

    fn children_lost(&self, gate: &'static Gate, exit: &Exit) {
        for (slot, child) in self.children_at(gate) {
            self.child_lost(slot, child, gate, exit);
        }
    }

    fn kin_lost(&self, gate: &'static Gate, exit: &Exit) {
        self.children_lost(gate, exit);
        for slot in self.subtrees_of(gate) {
            // It may have been built in the locality's next life, before this news came; whoever has lost
            // another one above it has its parent, and hears of its end from that.
            if self.has_parent_at(gate, slot) && self.is_orphan(slot) {
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
            let is_it = place.gate() == gate && !kin.has_ended(child);
            is_it.then_some((incarnation, place, is_down))
        });
        let Some((incarnation, place, is_down)) = lost else {
            return;
        };
        self.step_is_over(slot, child, incarnation, false);
        self.forget_client(place); // it makes way for nobody any more
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
        if is_down {
            // It stays so: what was lost does not know, nor do those below it who were told to end.
            self.lay_far_down(slot, child, place, exit);
            self.peer_with(gate); // nor does its next life
        }
        self.check_stalls_below(slot); // what is down is noted
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

    /// Whether the loop right above an actor's part of the tree is lost: nobody is told of its end.
    pub(crate) fn is_orphan(&self, slot: u32) -> bool {
        let lives = self.lives_above(slot);
        lives.last().is_some_and(|&(gate, life)| !gate.is_in(life))
    }

    /// Whether nothing is placed here any more, and no job is to be done, of one that has been used. It may have
    /// been vacant before, and what is for it now be on its way.
    pub(crate) fn is_done(&self) -> bool {
        self.vacant.get() && !self.has_specs() && self.locality.is_vacant()
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
        let life = Over {
            opening: gate.openings(),
            before: serials(),
            abandoned,
            ended: locality.has_ended(),
        };
        // Not before: the names and peers that its next life has are not those of this one.
        locality.set_lost();
        gate.rooms.tell_lost();
        for peer in peers {
            let locality = locality.clone();
            Control::post(peer, Control::Closed { locality, life });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sim::Sim;
    use crate::{
        Actor, Addr, Address, Ask, Child, Context, Down, Handler, Lifecycle, Request, Supervisor,
        Unlink,
    };

    struct Nothing;
    impl Actor for Nothing {}

    /// Loses a locality, opens it again, and leaves it to the caller when another one hears of that:
    /// one peer is told after the other, so it may be after what the next life does.
    fn lose(sim: &mut Sim, lost: &Locality, unaware: &Locality) -> impl Fn() + use<> {
        let life = Over {
            opening: lost.gate().openings(),
            before: serials(),
            abandoned: true,
            ended: false,
        };
        lock(&lost.gate().peers).retain(|&peer| peer != unaware.gate());
        sim.lose(lost);
        sim.open(lost.clone());
        sim.run_for(Duration::from_secs(1));
        let (locality, to) = (lost.clone(), unaware.gate());
        move || {
            let locality = locality.clone();
            Control::post(to, Control::Closed { locality, life });
        }
    }

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
        let tell = lose(&mut sim, &near, &far);
        assert_eq!(at.address().state(), Lifecycle::Running);
        tell();
        sim.run_for(Duration::from_secs(1));
        assert_eq!(at.address().state(), Lifecycle::Running);
    }

    struct Question;
    impl Request for Question {
        type Reply = ();
    }
    /// Answers nothing.
    struct Leaf(Vec<Ask<Question>>);
    impl Actor for Leaf {}
    impl Handler<Ask<Question>> for Leaf {
        fn handle(&mut self, ask: Ask<Question>, _: &mut Context<Self>) {
            self.0.push(ask);
        }
    }

    struct Watcher(Addr<Leaf>, Vec<String>);
    impl Actor for Watcher {}
    impl Handler<Down> for Watcher {
        fn handle(&mut self, down: Down, _: &mut Context<Self>) {
            self.1.push(down.exit.to_string());
        }
    }
    type Deed = fn(&mut Watcher, &mut Context<Watcher>);
    struct Do(Deed);
    impl Handler<Do> for Watcher {
        fn handle(&mut self, Do(deed): Do, cx: &mut Context<Self>) {
            deed(self, cx);
        }
    }
    impl Handler<Unlink> for Watcher {
        fn handle(&mut self, unlink: Unlink, _: &mut Context<Self>) {
            self.1.push(format!("asked: {}", unlink.exit));
        }
    }
    const MONITOR: Deed = |me, cx| {
        cx.monitor(me.0.address());
    };
    const LINK: Deed = |me, cx| {
        cx.link_with(me.0.address());
    };
    const REQUEST: Deed = |me, cx| {
        let limit = Duration::from_secs(1_000);
        cx.request(me.0, Question, limit, |me, answer, _| {
            me.1.push(answer.unwrap_err().to_string());
        });
    };

    /// Does not let its service go.
    struct Client(Address, Vec<Unlink>);
    impl Actor for Client {}
    struct Link;
    impl Handler<Link> for Client {
        fn handle(&mut self, _: Link, cx: &mut Context<Self>) {
            cx.link_with(self.0);
        }
    }
    impl Handler<Unlink> for Client {
        fn handle(&mut self, unlink: Unlink, _: &mut Context<Self>) {
            self.1.push(unlink);
        }
    }

    #[test]
    fn m11_late_news_of_a_loss_tell_of_nothing_of_the_next_life() {
        let mut sim = Sim::new(1);
        sim.locality("home");
        let (near, far) = (sim.locality("near"), sim.locality("far"));
        let (at, near_client) = (near.reserve(), near.reserve());
        let (watcher, service, far_client) = (far.reserve(), far.reserve(), far.reserve());
        let client = |at, service| Child::new("client", move || Client(service, vec![])).at(at);
        let one = Supervisor::one_for_one("one").on(&near, move |s| {
            let leaf = Child::new("leaf", || Leaf(Vec::new())).at(at);
            s.child(leaf).child(client(near_client, service.address()))
        });
        let two = Supervisor::one_for_one("two").on(&far, move |s| {
            let watches = Child::new("watcher", move || Watcher(at, Vec::new()));
            let serves = Child::new("service", || Nothing).at(service).transient();
            let child = client(far_client, at.address());
            s.child(watches.at(watcher)).child(serves).child(child)
        });
        let root = Supervisor::one_for_one("root").child(two).child(one);
        sim.start(root).expect("a sound tree");
        sim.run_until_idle();
        watcher.send(Do(MONITOR));
        watcher.send(Do(REQUEST));
        far_client.send(Link);
        sim.run_until_idle();
        let tell = lose(&mut sim, &near, &far);
        far_client.address().kill(); // it is linked to what was lost
        sim.run_for(Duration::from_secs(1));
        watcher.send(Do(MONITOR));
        watcher.send(Do(REQUEST));
        far_client.send(Link);
        near_client.send(Link);
        sim.run_for(Duration::from_secs(1));
        let heard = |sim: &mut Sim| sim.with(watcher, |watcher| watcher.1.clone()).unwrap();
        let asked = |sim: &mut Sim, client: Addr<Client>| sim.with(client, |client| client.1.len());
        // The tokens of requests that were dropped there say so themselves.
        let dropped = "the actor ended before it answered: locality near was lost";
        assert_eq!(heard(&mut sim), [dropped]);
        tell();
        sim.run_for(Duration::from_secs(1));
        let down = "locality near was lost";
        assert_eq!(heard(&mut sim), [dropped, down], "of what was lost");
        assert_eq!(asked(&mut sim, far_client), Some(0), "its service runs");
        service.stop();
        sim.run_for(Duration::from_secs(1));
        assert_eq!(asked(&mut sim, near_client), Some(1));
        let waits = service.address().state();
        assert_eq!(waits, Lifecycle::Running, "its client has not left");
        sim.run_for(Duration::from_secs(60)); // restarts count for a while
        sim.lose(&near);
        sim.open(near.clone());
        sim.run_for(Duration::from_secs(1));
        assert_eq!(heard(&mut sim).len(), 4, "of both again");
        assert_eq!(asked(&mut sim, far_client), Some(1));
        assert_eq!(service.address().state(), Lifecycle::Down);
    }

    #[test]
    fn m11_late_news_of_a_loss_say_so_when_the_locality_has_ended() {
        let mut sim = Sim::new(1);
        sim.locality("home");
        let (near, far) = (sim.locality("near"), sim.locality("far"));
        let (at, watcher) = (near.reserve(), far.reserve());
        let watches = Supervisor::one_for_one("watches").on(&far, move |s| {
            s.child(Child::new("watcher", move || Watcher(at, Vec::new())).at(watcher))
        });
        let watching = sim.start(Supervisor::one_for_one("watching").child(watches));
        let leaves = Supervisor::one_for_one("leaves").on(&near, move |s| {
            s.child(Child::new("leaf", || Leaf(Vec::new())).at(at))
        });
        let watched = sim.start(Supervisor::one_for_one("watched").child(leaves));
        let (_watching, watched) = (
            watching.expect("a sound tree"),
            watched.expect("a sound tree"),
        );
        sim.run_until_idle();
        watcher.send(Do(MONITOR));
        watcher.send(Do(REQUEST));
        sim.run_until_idle();
        let tell = lose(&mut sim, &near, &far);
        watched.shutdown();
        sim.run_for(Duration::from_secs(1));
        sim.lose(&near); // with nothing on it
        assert!(near.has_ended());
        tell();
        sim.run_for(Duration::from_secs(1));
        let heard = sim.with(watcher, |watcher| watcher.1.clone()).unwrap();
        let lost = "locality near was lost";
        let dropped = format!("the actor ended before it answered: {lost}");
        assert_eq!(heard, [dropped, lost.into()]);
    }

    /// What hangs on the next life first says from when on that is so.
    #[test]
    fn m11_late_news_of_a_loss_tell_nothing_to_the_first_of_the_next_life() {
        for first in [MONITOR, LINK, REQUEST] {
            let mut sim = Sim::new(1);
            sim.locality("home");
            let (near, far) = (sim.locality("near"), sim.locality("far"));
            let (at, watcher) = (near.reserve(), far.reserve());
            let one = Supervisor::one_for_one("one").on(&near, move |s| {
                s.child(Child::new("leaf", || Leaf(Vec::new())).at(at))
            });
            let two = Supervisor::one_for_one("two").on(&far, move |s| {
                let watches = Child::new("watcher", move || Watcher(at, Vec::new()));
                s.child(watches.at(watcher))
            });
            let root = Supervisor::one_for_one("root").child(one).child(two);
            sim.start(root).expect("a sound tree");
            sim.run_until_idle();
            watcher.send(Do(MONITOR));
            sim.run_until_idle();
            let tell = lose(&mut sim, &near, &far);
            watcher.send(Do(first));
            sim.run_until_idle();
            tell();
            sim.run_until_idle();
            let heard = sim.with(watcher, |watcher| watcher.1.clone()).unwrap();
            assert_eq!(heard, ["locality near was lost"], "of its first life");
        }
    }

    /// Holds its end open.
    struct Stays(Option<crate::Hold>);
    impl Actor for Stays {
        fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
            self.0 = Some(cx.hold_within("what takes long", Duration::from_secs(1)));
        }
    }

    /// Another loop above is lost by then, which the parent has heard of: it waits for what is below it.
    #[test]
    fn m11_late_news_of_a_loss_take_no_child_from_a_parent_that_lives() {
        let mut sim = Sim::new(1);
        sim.locality("home");
        let [mid, near, far] = ["mid", "near", "far"].map(|name| sim.locality(name));
        let (at, places) = (near.reserve(), [near.clone(), far.clone()]);
        let one = Supervisor::one_for_one("one").on(&mid, move |s| {
            let [near, far] = places.clone();
            s.child(Supervisor::one_for_one("two").on(&near, move |s| {
                let three = Supervisor::one_for_one("three").on(&far, |s| s);
                s.child(three)
                    .child(Child::new("stays", || Stays(None)).at(at))
            }))
        });
        let anchor = Supervisor::one_for_one("anchor").on(&near, |s| s);
        let root = Supervisor::one_for_one("root").intensity(9, Duration::from_secs(9));
        let app = sim
            .start(root.child(one).child(anchor))
            .expect("a sound tree");
        sim.run_until_idle();
        let tell = lose(&mut sim, &near, &far);
        let nodes = app.tree().nodes;
        let [two, three] = ["two", "three"].map(|name| {
            let node = nodes.iter().find(|node| node.name == name);
            node.expect("it was built again").address
        });
        sim.lose(&mid);
        sim.run_for(Duration::from_millis(10));
        assert_eq!(at.address().state(), Lifecycle::Stopping);
        tell();
        sim.run_until_idle();
        assert_eq!(
            three.state(),
            Lifecycle::Running,
            "it is told when it is its turn"
        );
        app.shutdown();
        sim.run_for(Duration::from_secs(60));
        assert_eq!(two.state(), Lifecycle::Gone, "{}", app.tree());
    }
}
