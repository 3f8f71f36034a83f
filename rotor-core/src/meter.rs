//! How much actors have to do: how many messages they have handled, and how many wait.
//!
//! Nobody pays who does not look. While an observer wants counts the slots are shut, as for a
//! fault, so that messages are counted on the cold path. What waits is counted in the queues when a
//! picture is taken.

use std::sync::atomic::Ordering;

use crate::chunk::Chunk;
use crate::lane::{NORMAL, URGENT};
use crate::locality::Local;
use crate::message::{Header, Way};
use crate::parcel::Contents;
use crate::room::{Room, is_ticket};
use crate::slot::Seat;

/// What waits for a slot in the queues of its thread.
#[derive(Clone, Copy, Default)]
pub(crate) struct Queued {
    plain: u64,
    /// What stands for messages in a room, by lane: perhaps more than there are messages.
    tickets: [u64; 2],
}

impl Queued {
    fn add(&mut self, head: Header) {
        if is_ticket(head.kind) {
            self.tickets[head.kind.lane as usize - URGENT] += 1;
        } else {
            self.plain += 1;
        }
    }

    /// How many messages those are. Of the tickets, the first ones have one each, as long as there are any
    /// `left`.
    fn messages(self, left: &mut [u64; 2]) -> u64 {
        let tickets = self.tickets.into_iter().zip(left);
        let taken = tickets.map(|(tickets, left)| {
            let taken = tickets.min(*left);
            *left -= taken;
            taken
        });
        self.plain + taken.sum::<u64>()
    }
}

/// How many messages are parked in a seat, and how many of those are `queued` that come behind.
pub(crate) fn lengths(seat: &Seat, queued: Queued, room: Option<&Room>) -> (u32, u64) {
    let mut left = room.map_or([0; 2], Room::lens);
    let parked = match room {
        None => seat.parked_count(),
        Some(_) => {
            let mut parked = Queued::default();
            seat.each_parked(|head| parked.add(head));
            parked.messages(&mut left) as u32
        }
    };
    (parked, queued.messages(&mut left))
}

impl Local {
    /// Whether messages are counted.
    pub(crate) fn is_metered(&self) -> bool {
        self.gate.counts.load(Ordering::Relaxed)
    }

    /// Counts a message that is about to be handled, if they are counted.
    #[inline]
    pub(crate) fn count(&self, slot: u32) {
        if self.is_metered() {
            self.count_one(slot);
        }
    }

    fn count_one(&self, slot: u32) {
        let mut handled = self.handled.borrow_mut();
        let slot = slot as usize;
        if handled.len() <= slot {
            handled.resize(slot + 1, 0);
        }
        handled[slot] += 1;
    }

    /// How many messages were handled in a slot, if they are counted.
    pub(crate) fn handled(&self, slot: u32) -> Option<u64> {
        let handled = self.handled.borrow();
        let count = handled.get(slot as usize).copied();
        self.is_metered().then(|| count.unwrap_or_default())
    }

    /// The actor in a slot is gone for good.
    pub(crate) fn end_count(&self, slot: u32) {
        if let Some(count) = self.handled.borrow_mut().get_mut(slot as usize) {
            *count = 0;
        }
    }

    /// What waits for each slot in the queues of this thread. What is published waits for nobody in
    /// particular.
    pub(crate) fn queued(&self) -> Vec<Queued> {
        let mut queued = vec![Queued::default(); self.slots.len() as usize];
        let mut count = |head: Header| {
            if head.kind.way != Way::Address
                && let Some(count) = queued.get_mut(head.slot() as usize)
                && head.generation() == self.slots.generation(head.slot())
            {
                count.add(head);
            }
        };
        for (lane, chunk) in self.lanes.iter().zip(&self.chunks) {
            // The record that is run does not wait any more.
            let mut skip = self.run_from.get() == lane.cursor();
            lane.each(|head| {
                if !std::mem::take(&mut skip) {
                    count(head);
                }
            });
            if let Some(chunk) = &*chunk.borrow() {
                chunk.each(&mut count);
            }
        }
        queued
    }

    /// Takes in what has come from other threads, so that it can be counted. Not while any of it is
    /// run. What a bound has let in makes room for others then.
    pub(crate) fn gather(&self) {
        for lane in [URGENT, NORMAL] {
            let mut chunk = self.chunks[lane].borrow_mut();
            // No more than has come by now: the others may go on sending.
            for _ in 0..self.gate.entrance.lane_len(lane) {
                let Some(contents) = self.take_parcel(lane) else {
                    break;
                };
                match (contents, &*chunk) {
                    (Contents::Chunk(first), None) => *chunk = Some(first),
                    (contents, _) => {
                        let emptied = chunk.get_or_insert_with(Chunk::new).append(contents);
                        emptied
                            .into_iter()
                            .for_each(|more| more.give_back(self.gate));
                    }
                }
            }
        }
    }
}
