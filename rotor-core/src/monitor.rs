//! Monitors: exactly one notice when an instance ends.

use std::collections::HashMap;

use crate::actor::TryHandler;
use crate::address::{Address, push_message};
use crate::context::Noted;
use crate::exit::Exit;
use crate::gate::Gate;
use crate::locality::{Control, Local};
use crate::message::{Kind, Record};
use crate::slot::State;

/// The notice that a monitored actor's instance has ended. Sent once per
/// [`Context::monitor`](crate::Context::monitor).
#[derive(Clone, Debug)]
pub struct Down {
    /// The address that was monitored.
    pub who: Address,
    /// Why the instance ended; `Normal` with no instance if it was gone already.
    pub exit: Exit,
}

/// One monitor, kept on the side of the watcher.
struct Monitor {
    who: Address,
    slot: u32,
    serial: u64,
    kind: &'static Kind,
}

/// The monitors of a locality's actors.
pub(crate) struct Monitors {
    list: HashMap<u64, Monitor, ahash::RandomState>,
}

impl Monitors {
    pub(crate) fn new() -> Self {
        // Fixed seeds: nothing may differ from run to run.
        let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
        Monitors {
            list: HashMap::with_hasher(hasher),
        }
    }
}

/// Watches `who` for the instance in `slot`.
pub(crate) fn monitor<A: TryHandler<Down>>(here: &Local, slot: u32, who: Address) {
    let serial = here.seat(slot, |seat| seat.serial);
    let id = here.things.borrow_mut().serial();
    let kind = Noted::<A, Down>::KIND;
    let monitor = Monitor {
        who,
        slot,
        serial,
        kind,
    };
    here.monitors.borrow_mut().list.insert(id, monitor);
    let forget = move |here: &Local| {
        let open = here.monitors.borrow_mut().list.remove(&id).is_some();
        if open && !who.gate.entrance.is_closed() {
            Control::call(who.gate, move |there| there.unwatch(who, id));
        }
    };
    here.at_end(slot, Box::new(forget));
    here.peer_with(who.gate);
    let from = here.gate;
    if who.gate.entrance.is_closed() {
        let exit = Exit::lost("closed");
        Control::post(from, Control::Down { id, exit });
    } else {
        Control::call(who.gate, move |there| there.watch(who, from, id));
    }
}

impl Local {
    /// A locality watches an instance here.
    fn watch(&self, who: Address, from: &'static Gate, id: u64) {
        let gone = match self.find(who) {
            None => Some(Exit::normal()),
            Some(slot) => self.seat(slot, |seat| match seat.state {
                State::Vacant | State::Down => Some(seat.exit.clone().unwrap_or(Exit::normal())),
                _ => {
                    seat.watchers.push((from, id));
                    None
                }
            }),
        };
        if let Some(exit) = gone {
            Control::post(from, Control::Down { id, exit });
        }
    }

    /// The target of a monitor ended: tells the watcher, once.
    pub(crate) fn down(&self, id: u64, exit: Exit) {
        let Some(monitor) = self.monitors.borrow_mut().list.remove(&id) else {
            return;
        };
        // For that instance only: the next one has not asked.
        let (to, down) = (
            self.address_of(monitor.slot),
            Down {
                who: monitor.who,
                exit,
            },
        );
        let lane = monitor.kind.lane as usize;
        push_message(to, monitor.kind, lane, (monitor.serial, down));
    }

    fn unwatch(&self, who: Address, id: u64) {
        if let Some(slot) = self.find(who) {
            self.seat(slot, |seat| seat.watchers.retain(|(_, other)| *other != id));
        }
    }

    /// Ends every monitor of actors of a lost locality.
    pub(crate) fn monitors_lost(&self, gate: &Gate, exit: &Exit) {
        let mut lost: Vec<u64> = {
            let monitors = self.monitors.borrow();
            let at_gate = |(id, m): (&u64, &Monitor)| (m.who.gate == gate).then_some(*id);
            monitors.list.iter().filter_map(at_gate).collect()
        };
        lost.sort_unstable();
        for id in lost {
            self.down(id, exit.clone());
        }
    }
}
