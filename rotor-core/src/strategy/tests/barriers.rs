//! A synchronized start.

use super::*;
use crate::error::StartError;
use crate::here::Caught;
use crate::link::LinkError;

fn synchronized() -> Play {
    Play::with(Flags {
        synchronized: true,
        ..Flags::new(Strategy::OneForOne)
    })
}

/// Of `a` and `b` both are initialized, and the supervisor waits for the word to go on.
fn at_the_gate() -> Play {
    let mut play = synchronized().permanent("a b").late();
    play.start();
    play.answer("a");
    play.queue.push_back(Event::Initialized(1, 2));
    play.puppets.get_mut(&1).expect("b").life = Life::Ready;
    assert!(play.turn());
    assert_eq!(play.did(), "ready");
    play
}

#[test]
fn synchronized_children_go_on_when_all_are_initialized() {
    let mut play = synchronized().permanent("a b c").plan("b", &[Ignores]);
    let did = "start a, start b, start c, ready, go a, go c, up";
    assert_eq!(play.start(), did);
    assert_eq!(play.crash("a"), "start a", "a restart does not wait");
    assert_eq!(play.add("d", Restart::Permanent), "start d");
    assert_eq!(play.stop(), "stop d, forget d, stop c, stop a, ended");
}

#[test]
fn a_synchronized_start_that_fails_stops_those_that_wait() {
    let mut play = synchronized().permanent("a b c").plan("c", &[Fails]);
    let did = "start a, start b, start c, stop b, stop a, start failed";
    assert_eq!(play.start(), did);
    assert_eq!(
        play.start(),
        "start a, start b, start c, ready, go a, go b, go c, up"
    );
}

#[test]
fn a_child_that_ends_while_it_waits_for_the_others_fails_their_start() {
    let mut play = synchronized().permanent("a b").late();
    play.start();
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.crash("a"), "stop b");
    assert_eq!(play.answer("b"), "start failed");
    let exit = play.ended.take().expect("it ended");
    assert_eq!(exit.cause().expect("a child").0, "a");
    // At the gate itself, and on the way through it.
    for passed in 0..3 {
        let mut play = at_the_gate();
        let stopped = match passed {
            0 => {
                play.queue.clear();
                play.crash("a")
            }
            1 => {
                assert!(play.turn());
                play.crash("b")
            }
            _ => {
                play.run();
                assert_eq!(play.answer("a"), "go b");
                play.limit("b")
            }
        };
        let did = ["stop b", "go a, stop a", "kill b, stop a"];
        assert_eq!(stopped, did[passed]);
        let left = if passed == 0 { "b" } else { "a" };
        assert_eq!(play.answer(left), "start failed");
    }
}

#[test]
fn who_ends_on_the_way_through_the_gate_and_is_left_is_not_started() {
    let mut play = at_the_gate();
    play.said = Some(|_, _, _| Decision::Stop);
    assert!(play.turn());
    assert_eq!(play.crash("b"), "go a");
    assert_eq!(play.answer("a"), "up");
}

#[test]
fn the_word_to_go_on_means_nothing_while_a_failed_start_is_undone() {
    let mut play = at_the_gate();
    play.queue.clear(); // the word is still to come
    assert!(matches!(play.family.on_go(), OnGo::Told(Event::Go)));
    assert_eq!(play.crash("b"), "stop a");
    assert!(matches!(play.family.on_go(), OnGo::Ends));
    assert_eq!(play.answer("a"), "start failed");
}

#[test]
fn a_stop_while_children_wait_for_each_other_stops_them() {
    let mut play = synchronized().permanent("a b").late();
    play.start();
    play.answer("a");
    assert_eq!(play.stop(), "stop b");
    assert_eq!(play.answer("b"), "stop a");
    assert_eq!(play.answer("a"), "ended");
}

#[test]
fn the_first_start_is_not_undone_by_a_child_that_ends_meanwhile() {
    let mut play = Play::new(Strategy::OneForOne)
        .permanent("a b")
        .plan("a", &[Crashes]);
    assert_eq!(play.start(), "start a, start b, up, start a");
}

#[test]
fn a_child_that_ended_during_a_failed_first_start_is_not_waited_for() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b c").late();
    play.start();
    play.answer("a");
    assert_eq!(play.crash("a"), "");
    assert_eq!(play.answer("b"), "start c");
    let id = play.id("c");
    let failed = play.answer_of(id, Fails).expect("c starts");
    assert_eq!(play.tell(failed), "stop b");
    assert_eq!(play.answer("b"), "start failed");
}

#[test]
fn restart_kinds_against_exits() {
    let abnormal = [
        Exit::killed(),
        Exit::failed(std::io::Error::other("disk full")),
        Exit::panicked(Caught {
            text: "text".into(),
            location: None,
        }),
        Exit::lost("there".into()),
        Exit::of(ExitReason::Link(LinkError::AlreadyLinked)),
        Exit::of(ExitReason::Refused(StartError::TooDeep)),
        Exit::of(ExitReason::Overloaded(1)),
        Exit::of(ExitReason::Spent),
    ];
    let orderly = [Exit::normal(), Exit::shutdown()];
    let restarted = |restart, exit: &Exit| {
        let mut play = Play::new(Strategy::OneForOne).child("a", restart);
        play.start();
        play.ends("a", exit.clone());
        match &*play.run() {
            "start a" => true,
            "" => false,
            other => panic!("{other}"),
        }
    };
    for exit in abnormal {
        assert!(restarted(Restart::Permanent, &exit));
        assert!(restarted(Restart::Transient, &exit));
        assert!(!restarted(Restart::Temporary, &exit));
    }
    for exit in orderly {
        assert!(restarted(Restart::Permanent, &exit));
        assert!(!restarted(Restart::Transient, &exit));
        assert!(!restarted(Restart::Temporary, &exit));
    }
}

#[test]
fn one_for_one_restarts_the_child_alone() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b c");
    play.start();
    assert_eq!(play.crash("b"), "start b");
}

#[test]
fn one_for_all_restarts_siblings_in_start_order() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b c");
    play.start();
    let did = "stop c, stop a, start a, start b, start c";
    assert_eq!(play.crash("b"), did);
    assert!(play.stops.iter().all(|(_, keep, _)| *keep));
}

#[test]
fn rest_for_one_restarts_those_after_it() {
    let mut play = Play::new(Strategy::RestForOne).permanent("e a c b d");
    play.start();
    let did = "stop d, stop b, start c, start b, start d";
    assert_eq!(play.crash("c"), did);
    assert_eq!(play.crash("d"), "start d");
    let did = "stop d, stop b, stop c, stop a, stop e, ended";
    assert_eq!(play.stop(), did);
}
