//! Requests whose askers do not wait any more, for those who are to answer.
//!
//! In the locality of the asker its own table tells. Other threads cannot read that, so what is given up
//! is noted at the gate: a request that is cancelled, or has timed out, until its token comes back,
//! used or dropped; and of an instance that ends with open requests, that it has ended. A request that
//! is answered in time leaves nothing to note, and costs nothing.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::fixed_map::FixedMap;
use crate::here::with_reachable;
use crate::locality::Local;
use crate::lock::lock;
use crate::request::Token;
use crate::things::{self, Key};

/// What is noted at a gate.
#[derive(Default)]
pub(crate) struct GivenUp(Mutex<Notes>);

#[derive(Default)]
struct Notes {
    /// Requests with lower serials are of an earlier life of the locality.
    life: u64,
    /// By slot: those with lower serials are of instances that have ended.
    ended: FixedMap<u32, u64>,
    /// Slots and serials of the others.
    requests: BTreeSet<(u32, u64)>,
}

impl GivenUp {
    /// The locality is opened, or has ended: nobody waits for what was asked before.
    pub(crate) fn renew(&self) {
        *lock(&self.0) = Notes {
            life: things::serials(),
            ..Notes::default()
        };
    }

    fn has(&self, slot: u32, serial: u64) -> bool {
        let notes = lock(&self.0);
        let ended = notes.ended.get(&slot).copied().unwrap_or(0);
        serial < notes.life.max(ended) || notes.requests.contains(&(slot, serial))
    }
}

impl Token {
    /// Whether its asker does not wait for the answer any more. Any thread.
    pub(crate) fn is_given_up(&self) -> bool {
        let Token { asker, key } = *self;
        let gate = asker.gate();
        let is_open = with_reachable(gate, |local| {
            local.map(|local| local.things.borrow_mut().own(key, asker.slot).is_some())
        });
        match is_open {
            Some(is_open) => !is_open,
            None => gate.entrance.is_closed() || gate.given_up.has(asker.slot, key.serial),
        }
    }
}

impl Local {
    /// An instance does not wait for an answer any more.
    pub(crate) fn give_up(&self, key: Key, slot: u32) {
        let mut notes = lock(&self.gate.given_up.0);
        notes.requests.insert((slot, key.serial));
        self.given_up.set(notes.requests.len());
    }

    /// A token has come back, for which nobody waits.
    pub(crate) fn token_came(&self, key: Key, slot: u32) {
        if self.given_up.get() > 0 {
            let mut notes = lock(&self.gate.given_up.0);
            notes.requests.remove(&(slot, key.serial));
            self.given_up.set(notes.requests.len());
        }
    }

    /// An instance has ended; `waited` if there were answers that it waited for.
    #[inline]
    pub(crate) fn end_requests(&self, slot: u32, waited: bool) {
        if waited || self.given_up.get() > 0 {
            self.note_requests_ended(slot, waited);
        }
    }

    fn note_requests_ended(&self, slot: u32, waited: bool) {
        let serial = self.things.borrow_mut().serial();
        let mut notes = lock(&self.gate.given_up.0);
        let mut waited = waited;
        while let Some(&first) = notes.requests.range((slot, 0)..=(slot, u64::MAX)).next() {
            notes.requests.remove(&first);
            waited = true;
        }
        if waited {
            notes.ended.insert(slot, serial);
        }
        self.given_up.set(notes.requests.len());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::entrance::Nothing;
    use crate::sim::Sim;
    use crate::*;

    struct Question;
    impl Request for Question {
        type Reply = ();
    }

    /// Keeps what it is asked, until it is told to drop or to answer it.
    #[derive(Default)]
    struct Slow(Vec<Ask<Question>>);
    impl Actor for Slow {}
    impl Handler<Ask<Question>> for Slow {
        fn handle(&mut self, ask: Ask<Question>, _: &mut Context<Self>) {
            self.0.push(ask);
        }
    }
    impl Handler<bool> for Slow {
        fn handle(&mut self, answers: bool, _: &mut Context<Self>) {
            for ask in self.0.drain(..) {
                if answers {
                    ask.reply(());
                }
            }
        }
    }

    /// Makes two requests, and cancels the first.
    struct Asker(Addr<Slow>);
    impl Actor for Asker {}
    impl Handler<()> for Asker {
        fn handle(&mut self, (): (), cx: &mut Context<Self>) {
            let second = Duration::from_secs(1);
            let one = cx.request(self.0, Question, second, |_, _, _| ());
            cx.request(self.0, Question, second, |_, _, _| ());
            cx.cancel(one);
        }
    }

    #[test]
    fn a08_what_was_given_up_is_forgotten_when_its_token_comes_back() {
        let mut sim = Sim::new(1);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let (asker, slow) = (here.reserve(), away.reserve());
        let far = Supervisor::one_for_one("far").on(&away, move |s| {
            s.child(Child::new("slow", Slow::default).at(slow))
        });
        let child = Child::new("asker", move || Asker(slow)).at(asker);
        sim.start(Supervisor::one_for_one("app").child(far).child(child))
            .unwrap();
        let noted = || lock(&here.gate().given_up.0).requests.len();
        for answers in [true, false] {
            asker.send(());
            sim.run_for(Duration::from_secs(2));
            assert_eq!(noted(), 2, "cancelled, and too late");
            slow.send(answers);
            sim.run_until_idle();
            assert_eq!(noted(), 0);
        }
        asker.send(());
        sim.run_for(Duration::from_secs(2));
        asker.address().kill();
        sim.run_until_idle();
        assert_eq!(noted(), 0, "it goes with its asker");
    }

    /// None of its instances has ended.
    #[test]
    fn a08_nobody_waits_on_a_loop_that_was_lost() {
        let here = Locality::new("here");
        let asker: Addr<Asker> = here.reserve();
        let open = || {
            let driver = Driver::new(Arc::new(Nothing), Clock::manual());
            driver.open(&here).unwrap();
            driver
        };
        let ask = || Token {
            asker: asker.address(),
            key: Key {
                index: 0,
                serial: things::Things::new().serial(),
            },
        };
        let is_given_up = |token: Token| {
            let elsewhere = std::thread::spawn(move || token.is_given_up());
            elsewhere.join().unwrap()
        };
        let driver = open();
        driver.start(Supervisor::one_for_one("app")).unwrap();
        let early = ask();
        assert!(!is_given_up(early));
        drop(driver);
        assert!(is_given_up(early), "it is lost");
        let _driver = open();
        assert!(is_given_up(early), "it was lost");
        assert!(!is_given_up(ask()));
    }
}
