//! The way from one locality to another, made longer.

#![expect(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::lane::LANES;
use crate::locality::Locality;
use crate::parcel::Parcel;

/// What one locality has handed over to another, and that has not arrived yet.
///
/// A simulation runs in one thread: whatever came into `to` during a step of `from` is from there.
///
/// It keeps both, so that nobody else gets their gates meanwhile.
pub(super) struct Link {
    pub(super) from: Locality,
    pub(super) to: Locality,
    by: Duration,
    /// In order of arrival: when, in which lane, what. None is beyond the end of time. One that is due earlier than the one before,
    /// because the way has become shorter, waits for it.
    held: VecDeque<(Option<Instant>, usize, Parcel)>,
    /// What `to` had not taken yet when the step began, by lane.
    before: [usize; LANES],
}

impl Link {
    pub(super) fn new(from: Locality, to: Locality) -> Self {
        Link {
            from,
            to,
            by: Duration::ZERO,
            held: VecDeque::new(),
            before: [0; LANES],
        }
    }

    /// How long the way takes for what is handed over from now on.
    pub(super) fn set_delay(&mut self, by: Duration) {
        self.by = by;
    }

    /// Begins a step of `from`.
    pub(super) fn begin(&mut self) {
        let entrance = &self.to.gate().entrance;
        self.before = std::array::from_fn(|lane| entrance.lane_len(lane));
    }

    /// Ends it: takes what it handed over. Only while the simulation drives `to`.
    pub(super) fn end(&mut self, now: Instant) {
        let due = now.checked_add(self.by);
        for (lane, &before) in self.before.iter().enumerate() {
            let entrance = &self.to.gate().entrance;
            for _ in 0..before {
                // Older ones go round, behind the new ones, which are taken out next.
                // SAFETY: the simulation drives it, on this thread, and is not within a step of it.
                let Some(older) = (unsafe { entrance.pop(lane) }) else {
                    break;
                };
                self.to.gate().push_always(lane, older);
            }
            let new = entrance.lane_len(lane).saturating_sub(before);
            // SAFETY: as above.
            let new = (0..new).filter_map(|_| unsafe { entrance.pop(lane) });
            self.held.extend(new.map(|parcel| (due, lane, parcel)));
        }
        self.arrive(now);
    }

    /// Hands over what is due.
    pub(super) fn arrive(&mut self, now: Instant) {
        while self.due().is_some_and(|due| due <= now) {
            let (_, lane, parcel) = self.held.pop_front().expect("looked at just now");
            self.to.gate().push_always(lane, parcel);
        }
    }

    /// Hands over everything now.
    pub(super) fn cut_short(&mut self) {
        for (_, lane, parcel) in self.held.drain(..) {
            self.to.gate().push_always(lane, parcel);
        }
    }

    /// When the next parcel arrives.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.front().and_then(|(due, ..)| *due)
    }
}

impl Drop for Link {
    /// Nothing gets lost with the simulation: what is under way is rejected by its locality.
    fn drop(&mut self) {
        self.cut_short();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} parcels {:?} late", self.held.len(), self.by)
    }
}
