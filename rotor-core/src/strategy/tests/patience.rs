//! Restarts that wait.

use super::*;

/// 10, 20, 40, 40 and so on; the first again after a life of 100.
fn doubling() -> Backoff {
    Backoff::exponential(Duration::from_nanos(10), Duration::from_nanos(40))
        .reset_after(Duration::from_nanos(100))
}

impl Play {
    /// A permanent child whose restarts wait.
    fn patient(mut self, name: &str) -> Play {
        self.new_row(NewRow {
            name: name.to_owned().into(),
            restart: Restart::Permanent,
            significant: false,
            escalating: false,
            supervisor: false,
            dynamic: false,
            named: true,
            backoff: Some(doubling()),
            at_most: None,
        });
        self
    }

    /// The wait of a child is over.
    fn wait_is_over(&mut self, name: &str) -> String {
        let id = self.id(name);
        let incarnation = self.waits.remove(&id).expect("it waits");
        self.tell(Event::Due(id, incarnation))
    }
}

#[test]
fn l07_a_restart_waits_and_grows() {
    let mut play = Play::new(Strategy::OneForOne).patient("a").permanent("b");
    play.start();
    assert_eq!(play.crash("a"), "a waits 10 to 10");
    assert_eq!(play.state("a"), RowState::Waiting);
    assert_eq!(play.wait_is_over("a"), "start a");
    assert_eq!(play.crash("a"), "a waits 20 to 20");
    assert_eq!(play.wait_is_over("a"), "start a");
    assert_eq!(play.crash("b"), "start b", "the other one does not wait");
}

#[test]
fn l07_a_wait_is_the_first_one_again_after_a_healthy_life() {
    let mut play = Play::new(Strategy::OneForOne).patient("a");
    play.family.flags.intensity = 10;
    play.start();
    for waits in ["a waits 10 to 10", "a waits 20 to 20", "a waits 40 to 40"] {
        play.now += 99;
        assert_eq!(play.crash("a"), waits);
        // The time that is waited is none of a life.
        play.now += 1000;
        play.wait_is_over("a");
    }
    play.now += 100;
    assert_eq!(play.crash("a"), "a waits 10 to 10");
}

#[test]
fn l07_a_failed_restart_waits_longer_and_is_no_healthy_life() {
    let fails = [Starts, Fails, Fails];
    let mut play = Play::new(Strategy::OneForOne)
        .patient("a")
        .plan("a", &fails);
    play.start();
    play.crash("a");
    play.now += 1000;
    assert_eq!(play.wait_is_over("a"), "start a, a waits 20 to 20");
    play.now += 1000;
    assert_eq!(play.wait_is_over("a"), "start a, a waits 40 to 40");
    assert_eq!(play.wait_is_over("a"), "start a");
}

#[test]
fn m14_an_attempt_counts_when_its_wait_begins_and_one_too_many_does_not_wait() {
    let mut play = Play::new(Strategy::OneForOne).patient("a");
    play.start();
    for _ in 0..3 {
        play.crash("a");
        play.wait_is_over("a");
    }
    assert_eq!(play.crash("a"), "gave up, ended");
}

#[test]
fn m14_attempts_are_forgotten_after_the_period_also_if_they_wait() {
    let mut play = Play::new(Strategy::OneForOne).patient("a");
    play.start();
    for _ in 0..9 {
        play.crash("a");
        play.now += 2 * SECOND;
        assert_eq!(play.wait_is_over("a"), "start a");
    }
}

#[test]
fn l07_the_others_run_on_while_one_waits() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a").patient("b");
    play.start();
    assert_eq!(play.crash("b"), "b waits 10 to 10");
    assert_eq!(play.state("a"), RowState::Up);
    assert_eq!(play.wait_is_over("b"), "stop a, start a, start b");
}

#[test]
fn m14_a_pass_that_reaches_a_child_starts_it_now() {
    let mut play = Play::new(Strategy::RestForOne).permanent("a").patient("b");
    play.start();
    play.crash("b");
    let (id, stale) = play.waits.first_key_value().map(|(a, b)| (*a, *b)).unwrap();
    assert_eq!(play.crash("a"), "b does not wait, start a, start b");
    assert_eq!(play.tell(Event::Due(id, stale)), "", "nobody waited for it");
    assert_eq!(play.crash("b"), "b waits 20 to 20");
    assert_eq!(
        play.tell(Event::Due(id, stale)),
        "",
        "that of another instance"
    );
}

#[test]
fn m14_a_wait_that_is_over_during_a_pass_waits_for_its_end() {
    let mut play = Play::new(Strategy::OneForOne)
        .permanent("a")
        .patient("b")
        .late();
    play.start();
    play.answer("a");
    play.answer("b");
    play.crash("b");
    assert_eq!(play.crash("a"), "start a");
    play.did();
    assert_eq!(play.wait_is_over("b"), "");
    assert_eq!(play.answer("a"), "start b");
}

#[test]
fn m14_a_stop_ends_the_wait() {
    for strategy in STRATEGIES {
        let mut play = Play::new(strategy).patient("a");
        play.start();
        play.crash("a");
        assert_eq!(play.stop(), "a does not wait, ended");
        assert_eq!(play.start(), "start a, up");
        assert_eq!(
            play.crash("a"),
            "a waits 10 to 10",
            "of this start, the first"
        );
    }
}

#[test]
fn m14_a_child_that_waits_is_restarting_to_those_who_ask() {
    let mut play = Play::new(Strategy::OneForOne).patient("a");
    play.start();
    play.crash("a");
    assert_eq!(play.ask(Question::List), "list: a restarting");
    let name = || "a".to_owned();
    assert_eq!(play.ask(Question::Restart(name())), "answer: restarting");
    assert_eq!(play.ask(Question::Delete(name())), "answer: restarting");
    let did = play.ask(Question::Terminate(name()));
    assert_eq!(did, "a does not wait, answer: done");
    assert_eq!(play.ask(Question::List), "list: a down");
    assert_eq!(
        play.ask(Question::Restart(name())),
        "start a, answer: a runs"
    );
}
