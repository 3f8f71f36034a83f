//! What supervising actors say to the ends of their children.

use super::*;

impl Play {
    /// A child of one_for_one whose failure is that of the supervisor.
    fn escalating(mut self, name: &str, restart: Restart) -> Play {
        self.new_row(NewRow {
            name: name.to_owned().into(),
            restart,
            significant: false,
            escalating: true,
            supervisor: false,
            dynamic: false,
            named: true,
            backoff: None,
            at_most: None,
        });
        self
    }

    /// An instance ends by itself, and this is said to it.
    fn ends_so(&mut self, name: &str, exit: Exit, said: Decision) -> String {
        self.ends(name, exit);
        match self.queue.back_mut() {
            Some(Event::Exited(.., decision)) => *decision = said,
            other => panic!("{other:?}"),
        }
        self.run()
    }

    fn up(strategy: Strategy) -> Play {
        let mut play = Play::new(strategy).permanent("a b");
        play.start();
        play
    }
}

const KINDS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];

/// Restart kinds, and what may be said to an exit, against orderly and abnormal exits.
#[test]
fn l05_the_truth_table_of_kinds_and_decisions() {
    let kinds = KINDS
        .into_iter()
        .zip([(true, true), (false, true), (false, false)]);
    for (restart, usual) in kinds {
        for abnormal in [false, true] {
            let outcome = |said| {
                let mut play = Play::new(Strategy::OneForOne).child("a", restart);
                play.start();
                let exit = if abnormal {
                    Exit::killed()
                } else {
                    Exit::normal()
                };
                play.ends_so("a", exit, said)
            };
            let usual = if abnormal { usual.1 } else { usual.0 };
            let usual = if usual { "start a" } else { "" };
            assert_eq!(outcome(Decision::Usual), usual, "{restart:?} {abnormal}");
            assert_eq!(outcome(Decision::Restart), "start a");
            assert_eq!(outcome(Decision::Stop), "");
            assert_eq!(outcome(Decision::Escalate), "escalated, ended");
        }
    }
}

#[test]
fn l09_a_restart_that_was_decided_counts_and_goes_by_the_strategy() {
    // By its kind it would not be restarted.
    let mut play = Play::new(Strategy::OneForAll)
        .child("a", Restart::Transient)
        .permanent("b");
    play.start();
    for _ in 0..3 {
        let did = play.ends_so("a", Exit::normal(), Decision::Restart);
        assert_eq!(did, "stop b, start a, start b");
    }
    let did = play.ends_so("a", Exit::normal(), Decision::Restart);
    assert_eq!(did, "gave up, stop b, ended");
}

#[test]
fn l09_a_child_that_is_not_restarted_stays_and_counts_for_nothing() {
    let mut play = Play::up(Strategy::OneForAll);
    for _ in 0..9 {
        assert_eq!(play.ends_so("a", Exit::killed(), Decision::Stop), "");
        assert_eq!(play.ask(Question::List), "list: a down b up");
        let name = "a".to_owned();
        assert_eq!(play.ask(Question::Restart(name)), "start a, answer: a runs");
    }
    assert_eq!(play.laid_down, ["a"; 9]);
}

#[test]
fn l09_an_orderly_end_of_a_transient_child_needs_no_word_to_those_who_wait() {
    let mut play = Play::new(Strategy::OneForOne).child("a", Restart::Transient);
    play.start();
    assert_eq!(play.ends_so("a", Exit::normal(), Decision::Stop), "");
    assert_eq!(play.laid_down, [""; 0]);
}

#[test]
fn l10_a_significant_child_that_is_not_restarted_ends_the_supervisor() {
    let mut play = Play::with(Flags {
        auto_shutdown: AutoShutdown::Any,
        ..Flags::new(Strategy::OneForOne)
    });
    play = play.significant("a", Restart::Transient);
    play.start();
    let did = play.ends_so("a", Exit::killed(), Decision::Stop);
    assert_eq!(did, "auto-shutdown, ended");
}

#[test]
fn l09_what_is_said_during_a_pass_counts_after_it() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    play.start();
    play.answer("a");
    play.answer("b");
    play.crash("a");
    assert_eq!(play.ends_so("b", Exit::killed(), Decision::Stop), "");
    assert_eq!(play.answer("a"), "");
    assert_eq!(play.state("b"), RowState::Down);
}

#[test]
fn l09_a_pass_consumes_an_exit_whatever_was_said_to_it() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b c").late();
    play.start();
    for name in ["a", "b", "c"] {
        play.answer(name);
    }
    assert_eq!(play.crash("c"), "stop b");
    assert_eq!(play.ends_so("a", Exit::killed(), Decision::Escalate), "");
    assert_eq!(play.answer("b"), "start a");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.answer("b"), "start c");
    assert_eq!(play.answer("c"), "", "it was the exit of another instance");
}

#[test]
fn l08_an_escalation_stops_the_others_and_is_a_failure() {
    let mut play = Play::up(Strategy::OneForOne);
    let did = play.ends_so("a", Exit::killed(), Decision::Escalate);
    assert_eq!(did, "escalated, stop b, ended");
    let exit = play.ended.take().expect("it ended");
    assert!(matches!(exit.reason(), ExitReason::Escalated));
    assert!(exit.is_abnormal());
    let (who, cause) = exit.cause().expect("the child");
    assert!(who == "a" && matches!(cause.reason(), ExitReason::Killed));
}

/// A transient supervisor is started again after it, so its children's slots are kept.
#[test]
fn l08_an_escalation_keeps_the_children_of_a_supervisor_that_comes_back() {
    for (restart, kept) in KINDS.into_iter().zip([true, true, false]) {
        let mut play = Play::up(Strategy::OneForOne);
        play.family.restart = restart;
        play.ends_so("a", Exit::killed(), Decision::Escalate);
        let last = play.stops.last().map(|(name, keep, _)| (&name[..], *keep));
        assert_eq!(last, Some(("b", kept)), "{restart:?}");
    }
}

#[test]
fn r29_a_failure_of_an_escalating_child_is_its_supervisors() {
    for restart in KINDS {
        let started = || {
            let mut play = Play::new(Strategy::OneForOne).escalating("a", restart);
            play.start();
            play
        };
        assert_eq!(started().crash("a"), "escalated, ended");
        let again = if restart == Restart::Permanent {
            "start a"
        } else {
            ""
        };
        assert_eq!(started().finish("a"), again);
        let mut play = started();
        assert_eq!(play.ends_so("a", Exit::killed(), Decision::Stop), "");
    }
}

#[test]
fn r101_a_restart_that_fails_escalates_too() {
    let mut play = Play::new(Strategy::OneForOne)
        .escalating("a", Restart::Permanent)
        .plan("a", &[Starts, Fails]);
    play.start();
    assert_eq!(play.finish("a"), "start a, escalated, ended");
}

#[test]
fn l09_what_is_said_to_a_failed_restart_is_done_in_its_turn() {
    let outcome_of = |kind, said| {
        let play = Play::new(Strategy::OneForOne).child("a", kind);
        let mut play = play.permanent("b").late();
        play.start();
        play.answer("a");
        play.answer("b");
        play.ends_so("a", Exit::killed(), Decision::Restart);
        let (id, incarnation) = (play.id("a"), play.puppets[&play.id("a")].incarnation);
        assert!(play.family.is_asked_about(id, incarnation));
        play.puppets.get_mut(&id).expect("known").life = Life::Dead;
        let failed = Event::Failed(id, incarnation, Exit::killed(), said);
        (play.tell(failed), play)
    };
    let outcome = |said| outcome_of(Restart::Permanent, said);
    for (kind, usual) in KINDS.into_iter().zip(["start a", "start a", ""]) {
        assert_eq!(outcome_of(kind, Decision::Usual).0, usual, "{kind:?}");
        assert_eq!(outcome_of(kind, Decision::Restart).0, "start a");
    }
    assert_eq!(outcome(Decision::Escalate).0, "escalated, stop b");
    let (did, play) = outcome(Decision::Stop);
    assert_eq!((&did[..], &play.laid_down[..]), ("", &["a".to_owned()][..]));
    assert_eq!(play.state("a"), RowState::Down);
}

/// Those that the restart has stopped, or had to start, are as good as those of a first start.
#[test]
fn l09_a_restart_that_fails_and_is_not_tried_again_starts_the_others() {
    use Restart::{Permanent, Temporary, Transient};
    let outcome = |strategy, kind, dynamic, said| {
        let mut play = Play::new(strategy).permanent("a");
        play.row("b", kind, false, dynamic);
        play = play
            .permanent("c")
            .child("d", Transient)
            .plan("b", &[Starts, Fails]);
        play.start();
        play.ends("b", Exit::killed());
        match play.queue.back_mut() {
            Some(Event::Exited(.., decision)) => *decision = Decision::Restart,
            other => panic!("{other:?}"),
        }
        play.run_until_restarting("b");
        let failed = play.family.failures.values_mut().next();
        failed.expect("its start has failed").1 = said;
        play.did();
        (play.run(), play)
    };
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        for (kind, dynamic, said) in [
            (Temporary, false, Decision::Usual),
            (Temporary, true, Decision::Usual),
            (Transient, false, Decision::Stop),
            (Permanent, true, Decision::Stop),
        ] {
            let (did, mut play) = outcome(strategy, kind, dynamic, said);
            let forgets = if dynamic && kind == Temporary {
                "forget b, "
            } else {
                ""
            };
            assert_eq!(
                did,
                format!("{forgets}start c, start d"),
                "{strategy:?} {kind:?}"
            );
            let b = if kind == Temporary { "" } else { " b down" };
            let list = format!("list: a up{b} c up d up");
            assert_eq!(play.ask(Question::List), list);
            let forgotten = !forgets.is_empty();
            assert_eq!(play.laid_down, &["b"][usize::from(forgotten)..]);
        }
    }
    // They are nobody's concern under one_for_one.
    let (did, _) = outcome(Strategy::OneForOne, Temporary, false, Decision::Usual);
    assert_eq!(did, "");
}

#[test]
fn l10_a_failed_restart_that_is_left_ends_nobody_who_is_still_to_start() {
    let transient = Restart::Transient;
    for (when, ended) in [
        (AutoShutdown::All, "start c"),
        (AutoShutdown::Any, "auto-shutdown, ended"),
    ] {
        let mut play = Play::with(Flags {
            auto_shutdown: when,
            ..Flags::new(Strategy::OneForAll)
        });
        play = play
            .significant("b", transient)
            .significant("c", transient)
            .plan("b", &[Starts, Fails]);
        play.start();
        play.ends("b", Exit::killed());
        play.run_until_restarting("b");
        let failed = play.family.failures.values_mut().next();
        failed.expect("its start has failed").1 = Decision::Stop;
        play.did();
        assert_eq!(play.run(), ended);
    }
}

#[test]
fn r77_a_first_start_goes_on_without_a_child_that_is_said_to_stop() {
    for synchronized in [false, true] {
        let outcome = |said| {
            let mut play = Play::with(Flags {
                synchronized,
                ..Flags::new(Strategy::OneForOne)
            });
            play = play.permanent("a").child("b", Restart::Temporary).late();
            play = play.permanent("c");
            play.start();
            play.answer("a");
            let (id, incarnation) = (play.id("b"), play.puppets[&play.id("b")].incarnation);
            assert!(play.family.is_asked_about(id, incarnation));
            play.puppets.get_mut(&id).expect("known").life = Life::Dead;
            let failed = Event::Failed(id, incarnation, Exit::killed(), said);
            (play.tell(failed), play)
        };
        for said in [Decision::Usual, Decision::Restart, Decision::Escalate] {
            assert_eq!(outcome(said).0, "stop a");
        }
        let (did, mut play) = outcome(Decision::Stop);
        assert_eq!(
            (&did[..], &play.laid_down[..]),
            ("start c", &["b".to_owned()][..])
        );
        if synchronized {
            assert_eq!(play.answer("c"), "ready, go a");
            play.answer("a");
        }
        assert_eq!(play.answer("c"), "up");
        let list = "list: a up c up";
        assert_eq!(
            play.ask(Question::List),
            list,
            "a temporary one leaves nothing"
        );
    }
}

#[test]
fn l09_nobody_is_asked_about_what_was_stopped() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
    play.start();
    let (id, incarnation) = (play.id("a"), play.puppets[&play.id("a")].incarnation);
    play.answer("a");
    assert!(play.family.is_asked_about(id, incarnation));
    assert!(!play.family.is_asked_about(id, incarnation + 1));
    assert!(!play.family.is_asked_about(id + 1, incarnation));
    play.stop();
    assert!(!play.family.is_asked_about(id, incarnation));
}

#[test]
fn m01_a_child_that_is_terminated_while_it_waits_does_not_come_back() {
    let mut play = Play::new(Strategy::OneForOne)
        .permanent("a b")
        .plan("a", &[Starts, Fails]);
    play.start();
    play.ends("a", Exit::killed());
    // Before the retry, which its failed start posts.
    play.queue_question(Question::Terminate("a".to_owned()));
    play.ask(Question::Terminate("b".to_owned()));
    assert_eq!(play.laid_down, ["a", "b"], "b may have ended before");
}

/// Those that the pass has stopped wait for it, and for another one that starts them as well.
#[test]
fn m01_a_restart_that_is_called_off_leaves_nobody_waiting() {
    use RowState::{Down, Restarting, Up, Waiting};
    let left = |strategy, states: [RowState; 4], called_off| {
        let mut play = Play::new(strategy).permanent("a b c d");
        play.start();
        for (name, state) in ["a", "b", "c", "d"].into_iter().zip(states) {
            play.family.set(play.id(name), state);
        }
        let mut out = Vec::new();
        let id = play.id(called_off);
        play.family.call_off(id, &Exit::killed(), &mut out);
        out.into_iter().for_each(|action| play.act(action));
        play.laid_down.concat()
    };
    let none = "";
    let all = [Down, Restarting, Down, Down];
    assert_eq!(left(Strategy::OneForOne, all, "b"), none);
    assert_eq!(left(Strategy::OneForAll, all, "b"), "acd");
    assert_eq!(left(Strategy::RestForOne, all, "b"), "cd");
    let rest = [Up, Waiting, Down, Restarting];
    assert_eq!(left(Strategy::OneForAll, rest, "b"), none);
    assert_eq!(left(Strategy::RestForOne, rest, "b"), "c");
    assert_eq!(left(Strategy::RestForOne, rest, "d"), none);
}

#[test]
fn m01_a_stop_over_its_limit_says_whether_another_instance_comes() {
    for (restart, kept) in [(Restart::Permanent, true), (Restart::Temporary, false)] {
        let mut play = Play::new(Strategy::OneForAll)
            .permanent("a")
            .child("b", restart)
            .late();
        play.start();
        play.answer("a");
        play.answer("b");
        play.crash("a");
        play.limit("b");
        assert_eq!(play.overruns, [("b".to_owned(), kept)]);
        play.answer("a");
        if kept {
            play.answer("b");
        }
        play.ask(Question::Terminate("a".to_owned()));
        play.limit("a");
        assert_eq!(play.overruns[1], ("a".to_owned(), false));
    }
}
