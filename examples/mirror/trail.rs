//! How far the walk has come, kept over all crashes.

use std::path::PathBuf;

/// What the walk is asked next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// What the last answer named, to be removed now: what is removed before the plan knows of it
    /// could be forgotten in a crash.
    pub doomed: Vec<PathBuf>,
    /// Where to go on from.
    pub place: Option<PathBuf>,
}

/// Where the walk stands.
#[derive(Default)]
pub struct Trail {
    leg: Leg,
    end: bool,
    /// Somebody works on a question.
    asked: bool,
}

impl Trail {
    /// The next question, unless one is open or all was found.
    pub fn ask(&mut self) -> Option<Leg> {
        if self.end || !self.ask_last() {
            return None;
        }
        Some(self.leg.clone())
    }

    /// Whether the last question can be asked, if all was found; then it is open.
    pub fn ask_last(&mut self) -> bool {
        !std::mem::replace(&mut self.asked, true)
    }

    /// Takes in the answer.
    pub fn found(&mut self, next: Leg, end: bool) {
        (self.leg, self.end) = (next, end);
    }

    /// Nobody works on the question any more. Without an answer it is asked again.
    pub fn over(&mut self) {
        self.asked = false;
    }

    /// Whether all was found.
    pub fn is_whole(&self) -> bool {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_question_is_open_at_a_time_and_asked_until_it_is_answered() {
        let mut trail = Trail::default();
        assert_eq!(trail.ask(), Some(Leg::default()));
        assert_eq!(trail.ask(), None);
        trail.over();
        assert_eq!(trail.ask(), Some(Leg::default()), "nobody answered");
        let next = Leg {
            doomed: vec!["old".into()],
            place: Some("b".into()),
        };
        trail.found(next.clone(), false);
        assert_eq!(trail.ask(), None, "whoever answered may still be at work");
        for _ in 0..2 {
            trail.over();
            assert_eq!(trail.ask().as_ref(), Some(&next));
        }
        trail.found(Leg::default(), true);
        trail.over();
        assert_eq!(trail.ask(), None);
        assert!(trail.is_whole() && trail.ask_last() && !trail.ask_last());
    }
}
