//! Monitors: exactly one notice when an instance ends.
//!
//! The watcher's side has an entry among the things of its instance, which is there until the notice
//! is handled; the other side has a note in the seat. Whatever is told twice, or too late, misses the
//! entry.

use crate::actor::TryHandler;
use crate::address::{Address, push_message};
use crate::exit::Exit;
use crate::gate::Gate;
use crate::locality::{Control, Local};
use crate::message::{Kind, Notice, Noticed, Record};
use crate::slot::{Seat, State};
use crate::things::{Body, Key};
use crate::ties::About;

/// The notice that a monitored actor's instance has ended. Sent once per
/// [`Context::monitor`](crate::Context::monitor).
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Worker;
/// impl Actor for Worker {}
/// struct Office { worker: Addr<Worker>, ended: Vec<String> }
/// impl Actor for Office {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         cx.monitor(self.worker.address());
///         Ok(())
///     }
/// }
/// impl Handler<Down> for Office {
///     fn handle(&mut self, down: Down, _: &mut Context<Self>) {
///         assert_eq!(down.who, self.worker.address()); // to tell several apart
///         self.ended.push(down.exit.to_string());
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let here = sim.locality("here");
/// # let (worker, office) = (here.reserve(), here.reserve());
/// # sim.start(Supervisor::one_for_one("app").child(Child::new("worker", || Worker).at(worker))
/// #     .child(Child::new("office", move || Office { worker, ended: Vec::new() }).at(office)))?;
/// # sim.run_until_idle();
/// worker.address().kill();
/// sim.run_until_idle();
/// assert_eq!(sim.with(office, |office| office.ended.clone()), Some(vec!["killed".to_owned()]));
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Down {
    /// The address that was monitored.
    pub who: Address,
    /// Why the instance ended; [`Gone`](crate::ExitReason::Gone) if it had before, and nothing is known of
    /// it any more. A child that is down is remembered, as long as its supervisor has its spec.
    pub exit: Exit,
}

/// The watcher's side of a monitor. Dropped unanswered, it ends the watch over there.
pub(crate) struct Watch {
    who: Address,
    key: Key,
    /// Of the notice, for the watcher's type.
    notice: &'static Kind,
    /// The notice is on its way through the queue.
    pub(crate) told: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let (who, key) = (self.who, self.key);
        if !self.told && !who.gate().entrance.is_closed() {
            Control::post(who.gate(), Control::Unwatch { who, key });
        }
    }
}

/// The other side of a monitor.
#[derive(Clone, Copy)]
struct Watcher {
    gate: &'static Gate,
    key: Key,
}

/// Who watches the instance in a seat, in the order in which they came.
#[derive(Default)]
pub(crate) struct Watchers {
    list: Vec<Watcher>,
    /// Those that have gone since the list was swept: not one by one, or many would cost the square.
    gone: Vec<u64>,
}

impl Watchers {
    fn remove(&mut self, key: Key) {
        self.gone.push(key.serial);
        if self.gone.len() * 2 >= self.list.len() {
            let mut gone = std::mem::take(&mut self.gone);
            gone.sort_unstable();
            let stays = |watcher: &Watcher| gone.binary_search(&watcher.key.serial).is_err();
            self.list.retain(stays);
        }
    }
}

/// The order to watch, on its way. Thrown away by a locality that ends, it is answered.
pub(crate) struct Order {
    who: Address,
    from: &'static Gate,
    key: Key,
    open: bool,
}

impl Order {
    /// The watcher's key.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// The target's end is this one.
    pub(crate) fn end(mut self, exit: Exit) {
        self.open = false;
        self.answer(exit);
    }

    fn answer(&self, exit: Exit) {
        Control::post(
            self.from,
            Control::Down {
                key: self.key,
                exit,
            },
        );
    }

    pub(crate) fn accept(mut self) -> (&'static Gate, Key) {
        self.open = false;
        (self.from, self.key)
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        if self.open {
            let gate = self.who.gate();
            let in_order = gate.is_over(self.who);
            self.answer(if in_order { Exit::gone() } else { gate.lost() });
        }
    }
}

/// A notice on its way through the watcher's queue.
struct Notified {
    key: Key,
    down: Down,
}

impl Notice for Notified {
    type Message = Down;

    fn open(self, here: &Local, slot: u32) -> Option<Down> {
        here.remove_thing(self.key, slot).map(|_| self.down)
    }
}

/// Watches `who` for the instance in `slot`.
pub(crate) fn monitor<A: TryHandler<Down>>(here: &Local, slot: u32, who: Address) -> Key {
    let from = here.gate;
    here.peer_with(who.gate());
    let key = here.add_thing(slot, Body::Polling);
    let watch = Watch {
        who,
        key,
        notice: Noticed::<A, Notified>::KIND,
        told: false,
    };
    if let Some(body) = here.things.borrow_mut().body(key) {
        *body = Body::Monitor(Box::new(watch));
    }
    here.tie(who.gate(), About::Thing(key));
    let order = Order {
        who,
        from,
        key,
        open: true,
    };
    if who.gate().is_past(who) {
        order.end(Exit::gone()); // its gate is somebody else's, who may take long to answer
    } else if !who.gate().entrance.is_closed() {
        Control::post(who.gate(), Control::Watch(order));
    }
    key
}

impl Local {
    /// A locality watches an instance here.
    pub(crate) fn watch(&self, order: Order) {
        let who = order.who;
        let (from, key) = order.accept();
        let gone = match self.find_or_await(who) {
            None => Some(Exit::gone()),
            Some(slot) => self.seat(slot, |seat| match seat.state {
                State::Vacant | State::Down => Some(seat.exit.clone().unwrap_or(Exit::gone())),
                _ => {
                    let watchers = &mut seat.rare_mut().watchers;
                    watchers.list.push(Watcher { gate: from, key });
                    None
                }
            }),
        };
        if let Some(exit) = gone {
            Control::post(from, Control::Down { key, exit });
        }
    }

    /// The target of a monitor ended: tells the watcher, once.
    pub(crate) fn down(&self, key: Key, exit: Exit) {
        let told = {
            let mut things = self.things.borrow_mut();
            let slot = things.slot_of(key);
            match (slot, things.body(key)) {
                (Some(slot), Some(Body::Monitor(watch))) if !watch.told => {
                    watch.told = true;
                    Some((slot, watch.notice, watch.who))
                }
                _ => None,
            }
        };
        if let Some((slot, notice, who)) = told {
            let down = Down { who, exit };
            let message = Notified { key, down };
            push_message(self.address_of(slot), notice, notice.lane as usize, message);
        }
    }

    pub(crate) fn unwatch(&self, who: Address, key: Key) {
        if let Some(slot) = self.find_or_await(who) {
            self.seat(slot, |seat| {
                if let Some(rare) = &mut seat.rare {
                    rare.watchers.remove(key);
                }
            });
        }
    }

    /// An instance has ended, or will not come: tells who watches.
    #[inline]
    pub(crate) fn notify_watchers(&self, slot: u32, exit: &Exit) {
        if let Some(watchers) = self.seat(slot, Seat::take_watchers) {
            self.tell_watchers(watchers, exit);
        }
    }

    fn tell_watchers(&self, watchers: Watchers, exit: &Exit) {
        for Watcher { gate, key } in watchers.list {
            if self.losing.get() && *gate != *self.gate {
                continue; // it makes a notice of its own when it learns of the loss
            }
            let exit = exit.clone();
            Control::post(gate, Control::Down { key, exit });
        }
    }

    /// Ends the monitors of actors of a lost locality, those with lower serials, in the order in which
    /// they were made.
    pub(crate) fn monitors_lost(&self, gate: &'static Gate, until: u64, exit: &Exit) {
        for key in self.things_at(gate, until) {
            self.down(key, exit.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::Sim;
    use crate::*;

    struct Watcher(Vec<String>);
    impl Actor for Watcher {}
    impl Handler<Down> for Watcher {
        fn handle(&mut self, down: Down, _: &mut Context<Self>) {
            self.0.push(down.exit.to_string());
        }
    }
    struct Watch(Address);
    impl Handler<Watch> for Watcher {
        fn handle(&mut self, Watch(who): Watch, cx: &mut Context<Self>) {
            cx.monitor(who);
        }
    }
    struct Link(Address);
    impl Handler<Link> for Watcher {
        fn handle(&mut self, Link(whom): Link, cx: &mut Context<Self>) {
            cx.link(whom);
        }
    }

    /// An address of a locality that nobody has any more, and who has its gate now: nobody opens that.
    fn stale() -> (Address, Vec<Locality>) {
        loop {
            let old = Locality::new("old").reserve::<Watcher>().address();
            let mut taken = Vec::new();
            // Unless another test was first.
            while taken.len() < 1_000 {
                let next = Locality::new("next");
                let found = next.gate() == old.gate();
                taken.push(next);
                if found {
                    return (old, taken);
                }
            }
        }
    }

    #[test]
    fn m11_a_monitor_of_an_address_whose_gate_is_another_ones_ends_at_once() {
        let mut sim = Sim::new(1);
        let watcher = sim.locality("here").reserve();
        let child = Child::new("watcher", || Watcher(Vec::new())).at(watcher);
        let app = sim
            .start(Supervisor::one_for_one("app").child(child.transient()))
            .unwrap();
        sim.run_until_idle();
        let (old, taken) = stale();
        watcher.send(Watch(old));
        sim.run_until_idle();
        let told = sim.with(watcher, |watcher| watcher.0.clone());
        assert_eq!(told, Some(vec!["gone, its end is not known".to_owned()]));
        watcher.send(Link(old));
        sim.run_until_idle();
        assert_eq!(app.tree().nodes[1].instances, 2, "its link has failed");
        drop(taken);
    }
}
