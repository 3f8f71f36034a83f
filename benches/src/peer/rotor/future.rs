//! Futures of one actor that wake each other.

use std::rc::Rc;

use rotor_core::{Actor, Addr, Child, Context, Result};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};
use crate::harness::Slot;

struct Pair {
    slots: [Rc<Slot>; 2],
    referee: Addr<Referee>,
}

impl Actor for Pair {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        for i in 0..2 {
            let (me, next) = (self.slots[i].clone(), self.slots[1 - i].clone());
            let future = async move {
                loop {
                    match me.take().await {
                        0 => return,
                        left => next.put(left - 1),
                    }
                }
            };
            cx.spawn(future, |me, (), _| me.referee.send(Total(0)));
        }
        Ok(())
    }
}

/// Ns per wake and poll of a future.
pub fn wakes<H: Host>(wakes: u64) -> f64 {
    Match::play::<H>(|_, tree, referee| {
        let slots: [Rc<Slot>; 2] = Default::default();
        let first = slots[0].clone();
        let child = Child::new("pair", move || Pair {
            slots: slots.clone(),
            referee,
        });
        let this = Match {
            measure: Measure::Wall,
            ops: wakes,
            total: 0,
            begin: move || {
                assert!(first.is_awaited());
                first.put(wakes - 1);
            },
        };
        (tree.child(child), this)
    })
}
