//! A question to the walk, which nobody forgets.

use rotor_core::Addr;

use crate::plan::{Over, Plan};

/// Goes with a question to whoever works on it, be it on a thread that outlives the actor which was
/// asked. The plan hears of its end, whatever becomes of it, and asks nothing else before: two that
/// walk at once would undo each other's work.
pub struct Question(Addr<Plan>);

impl Question {
    /// A question of this plan.
    pub fn new(plan: Addr<Plan>) -> Self {
        Self(plan)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.0.send(Over);
    }
}
