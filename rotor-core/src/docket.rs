//! Administrative requests that wait until their supervisor is free.

use std::collections::VecDeque;

use crate::admin::{Admin, Who};
use crate::fixed_map::FixedMap;

/// Those, with an index of whom they are to end: each start of a child asks for that.
#[derive(Default)]
pub(crate) struct Docket {
    /// Oldest first.
    queue: VecDeque<Admin>,
    /// How many are to end each.
    ends: FixedMap<Who, u32>,
}

impl Docket {
    pub(crate) fn push(&mut self, admin: Admin) {
        if let Some(who) = &admin.ends {
            *self.ends.entry(who.clone()).or_default() += 1;
        }
        self.queue.push_back(admin);
    }

    pub(crate) fn pop(&mut self) -> Option<Admin> {
        let admin = self.queue.pop_front()?;
        if let Some(who) = &admin.ends
            && let Some(count) = self.ends.get_mut(who)
        {
            *count -= 1;
            if *count == 0 {
                self.ends.remove(who);
            }
        }
        Some(admin)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether any is to end somebody.
    pub(crate) fn ends_some(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Whether any is to end whoever is meant by this.
    pub(crate) fn ends(&self, who: &Who) -> bool {
        self.ends.contains_key(who)
    }
}
