//! The instances of one actor: how many there were, and why each but the last has ended.

use crate::texts::Texts;

/// The instances of one actor. That one has ended is told by its tree, that the next is there by
/// itself, so the two may come in either order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives {
    instances: u64,
    causes: Texts,
    /// Restarts whose cause is still to be told.
    owing: u64,
    /// The end of an instance after which none has come yet.
    last: Option<String>,
}

impl Lives {
    /// Counts an instance; returns whether there was one before.
    pub fn up(&mut self) -> bool {
        self.instances += 1;
        if self.instances == 1 {
            return false;
        }
        match self.last.take() {
            Some(cause) => self.causes.add(cause),
            None => self.owing += 1,
        }
        true
    }

    /// Keeps why an instance has ended.
    pub fn ended(&mut self, cause: String) {
        if self.owing == 0 {
            self.last = Some(cause);
        } else {
            self.owing -= 1;
            self.causes.add(cause);
        }
    }

    /// Returns how often the actor was started again.
    pub fn restarts(&self) -> u64 {
        self.instances.saturating_sub(1)
    }

    /// Returns a cause for each restart.
    pub fn causes(&self) -> Texts {
        let mut causes = self.causes.clone();
        (0..self.owing).for_each(|_| causes.add("nobody has said why".into()));
        causes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_restart_has_one_cause_in_whatever_order_they_come() {
        let mut lives = Lives::default();
        assert!(!lives.up());
        lives.ended("early".into());
        assert!(lives.up(), "there was one before");
        assert!(lives.up());
        lives.ended("late".into());
        assert!(lives.up()); // nobody says why
        assert_eq!((lives.restarts(), lives.causes().sum()), (3, 3));
        let causes = lives.causes();
        let texts: Vec<_> = causes.iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["early", "late", "nobody has said why"]);
        lives.ended("late".into());
        lives.ended("the end of the run".into()); // no restart follows
        assert_eq!((lives.restarts(), lives.causes().sum()), (3, 3));
        assert!(lives.causes().iter().any(|counted| counted == ("late", 2)));
    }
}
