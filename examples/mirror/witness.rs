//! Tells the plan why actors end, so that the report can.

use rotor_core::{Address, Exit, ExitReason, Observer};

use crate::plan::Ended;
use crate::wiring::Wiring;

/// The observer of a run's tree. Undelivered messages it keeps to itself: they are part of crashing,
/// and what they were about is done again.
pub struct Witness(Wiring);

impl Witness {
    /// A witness for the plan of this run.
    pub fn new(wiring: Wiring) -> Self {
        Self(wiring)
    }
}

impl Observer for Witness {
    fn start_failed(&self, who: Address, name: &str, exit: &Exit) {
        self.exited(who, name, exit);
    }

    fn exited(&self, who: Address, name: &str, exit: &Exit) {
        let role = self.0.role(who);
        // An orderly end is news only where a restart may follow.
        if role.is_some() || exit.is_abnormal() {
            self.0.plan.send(Ended {
                role,
                name: name.into(),
                why: why(exit),
            });
        }
    }
}

/// What is said of an end: a crash on purpose for itself, others with what is known of them.
fn why(exit: &Exit) -> String {
    match exit.reason() {
        ExitReason::Panicked(text) if text.starts_with("chaos: ") => text.to_string(),
        _ => format!("{exit:#}"),
    }
}
