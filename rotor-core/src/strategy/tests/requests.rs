//! Requests, pools, ignored starts and suspension, case by case.

use super::*;

fn start(name: &str, restart: Restart) -> Question {
    Question::Start(name.into(), restart)
}

fn restart(name: &str) -> Question {
    Question::Restart(name.into())
}

fn terminate(name: &str) -> Question {
    Question::Terminate(name.into())
}

fn delete(name: &str) -> Question {
    Question::Delete(name.into())
}

fn pool() -> Play {
    let mut play = Play::new(Strategy::SimpleOneForOne);
    assert_eq!(play.start(), "up");
    play
}

// Requests.

#[test]
fn the_whole_cycle_of_a_child() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a");
    play.start();
    let kind = Restart::Permanent;
    assert_eq!(play.ask(start("a", kind)), "answer: started already");
    assert_eq!(play.ask(terminate("b")), "answer: not found");
    assert_eq!(play.ask(delete("a")), "answer: running");
    assert_eq!(play.ask(restart("a")), "answer: running");
    assert_eq!(play.ask(terminate("a")), "stop a, answer: done");
    let (_, keep, _) = play.stops.last().expect("it was stopped");
    assert!(!keep, "it is not started again by itself");
    assert_eq!(play.ask(Question::List), "list: a down");
    assert_eq!(play.ask(terminate("a")), "answer: done");
    assert_eq!(play.ask(start("a", kind)), "answer: present already");
    assert_eq!(play.ask(restart("a")), "start a, answer: a runs");
    assert_eq!(play.ask(terminate("a")), "stop a, answer: done");
    assert_eq!(play.ask(delete("a")), "answer: done");
    assert_eq!(play.ask(restart("a")), "answer: not found");
    assert_eq!(play.ask(Question::List), "list: ");
}

#[test]
fn a_deleted_child_comes_back_with_the_supervisor_in_its_old_place() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b");
    play.start();
    play.ask(terminate("a"));
    play.ask(delete("a"));
    let again = start("a", Restart::Permanent);
    assert_eq!(play.ask(again), "start a, answer: a runs");
    assert_eq!(play.ask(Question::List), "list: b up a up");
    assert_eq!(play.crash("b"), "stop a, start b, start a");
    assert_eq!(play.stop(), "stop a, forget a, stop b, ended");
    assert_eq!(play.start(), "start a, start b, up");
    assert_eq!(play.ask(terminate("a")), "stop a, answer: done");
}

#[test]
fn a_temporary_child_leaves_its_name() {
    let mut play = Play::new(Strategy::OneForOne).child("t", Restart::Temporary);
    play.start();
    assert_eq!(play.ask(terminate("t")), "stop t, answer: done");
    assert_eq!(play.ask(terminate("t")), "answer: not found");
    let again = start("t", Restart::Temporary);
    assert_eq!(play.ask(again), "start t, answer: t runs");
    assert_eq!(play.crash("t"), "forget t");
}

#[test]
fn a_child_that_cannot_start_leaves_nothing_behind_and_is_not_tried_again() {
    let mut play = Play::new(Strategy::OneForOne)
        .plan("x", &[Fails, Starts, Fails])
        .permanent("a");
    play.start();
    let added = start("x", Restart::Permanent);
    assert_eq!(play.ask(added.clone()), "start x, forget x, answer: failed");
    assert_eq!(play.ask(added), "start x, answer: x runs");
    play.ask(terminate("x"));
    assert_eq!(play.ask(restart("x")), "start x, answer: failed");
    assert_eq!(play.ask(Question::List), "list: a up x down");
}

/// A request does not count for the intensity: 0 stands any number of them.
#[test]
fn a_restart_by_request_does_not_count() {
    let mut play = Play::with(Flags {
        intensity: 0,
        ..Flags::new(Strategy::OneForOne)
    });
    play.row("a", Restart::Transient, false, false);
    play.start();
    for _ in 0..5 {
        play.finish("a");
        assert_eq!(play.ask(restart("a")), "start a, answer: a runs");
    }
    assert_eq!(play.crash("a"), "gave up, ended");
}

#[test]
fn requests_are_served_between_the_attempts_of_a_restart() {
    let mut play = Play::new(Strategy::RestForOne)
        .permanent("a b c")
        .plan("b", &[Starts, Fails]);
    play.start();
    play.ends("b", Exit::killed());
    for question in [
        start("b", Restart::Permanent),
        restart("b"),
        delete("b"),
        Question::List,
        terminate("b"),
    ] {
        play.queue_question(question);
    }
    let did = "stop c, start b, answer: present already, answer: restarting, \
               answer: restarting, list: a up b restarting c down, answer: done";
    assert_eq!(play.run(), did, "the retry finds nothing to do");
    assert_eq!(play.ask(Question::List), "list: a up b down c down");
    assert_eq!(play.ask(restart("b")), "start b, answer: b runs");
    assert_eq!(
        play.ask(Question::List),
        "list: a up b up c down",
        "what the pass had stopped stays down"
    );
}

#[test]
fn a_terminated_child_comes_back_with_a_pass() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b");
    play.start();
    play.ask(terminate("a"));
    assert_eq!(play.crash("b"), "start a, start b");
}

#[test]
fn requests_wait_for_the_pass_in_order() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    play.start();
    play.answer("a");
    play.answer("b");
    assert_eq!(play.ask(terminate("a")), "stop a");
    assert_eq!(play.ask(Question::List), "");
    assert_eq!(play.ask(start("c", Restart::Permanent)), "");
    assert_eq!(play.crash("b"), "");
    let did = "answer: done, list: a down b up, start c";
    assert_eq!(play.answer("a"), did, "b has ended, and nobody knows yet");
    assert_eq!(play.answer("c"), "answer: c runs, start b");
}

/// What comes while a request is with whoever looks up what it means waits behind it.
#[test]
fn nothing_is_handled_while_a_request_is_looked_up() {
    let mut family = Play::new(Strategy::OneForOne).permanent("a").family;
    let mut out = Vec::new();
    family.handle(Event::Start, 0, &mut out);
    family.handle(Event::Started(0, 1), 0, &mut out);
    out.clear();
    family.handle(Event::Asked, 0, &mut out);
    assert!(matches!(out[..], [Action::Serve]));
    family.handle(
        Event::Exited(0, 1, Exit::killed(), Decision::Usual),
        0,
        &mut out,
    );
    family.handle(Event::Asked, 0, &mut out);
    assert_eq!(out.len(), 1, "both wait");
    family.handle(Event::Served, 0, &mut out);
    assert!(matches!(out[1..], [Action::Start(0, 2)]));
    family.handle(Event::Started(0, 2), 0, &mut out);
    assert!(matches!(out[2..], [Action::Serve]));
}

#[test]
fn requests_wait_for_the_first_start() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
    play.queue_question(Question::List);
    assert_eq!(play.start(), "start a");
    assert_eq!(play.answer("a"), "up, list: a up");
}

#[test]
fn an_end_by_request_is_no_auto_shutdown() {
    for when in [AutoShutdown::Any, AutoShutdown::All] {
        let mut play = Play::with(Flags {
            auto_shutdown: when,
            ..Flags::new(Strategy::OneForOne)
        })
        .significant("a", Restart::Transient)
        .significant("b", Restart::Temporary);
        play.start();
        assert_eq!(play.ask(terminate("a")), "stop a, answer: done");
        assert_eq!(play.ask(terminate("b")), "stop b, answer: done");
        assert!(play.ended.is_none());
    }
}

/// A stop does not wait for what a request has begun.
#[test]
fn a_stop_ends_what_a_request_has_begun() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
    play.start();
    play.answer("a");
    assert_eq!(play.ask(start("x", Restart::Permanent)), "start x");
    assert_eq!(play.ask(Question::List), "");
    assert_eq!(play.stop(), "stop x");
    assert_eq!(play.answer("x"), "forget x, stop a");
    assert_eq!(play.answer("a"), "ended", "nobody is answered");
}

// Ignored starts.

#[test]
fn an_ignored_start_is_no_failure() {
    let mut play = Play::new(Strategy::OneForAll)
        .permanent("a b")
        .child("t", Restart::Temporary)
        .plan("a", &[Ignores, Starts])
        .plan("t", &[Ignores, Starts]);
    assert_eq!(play.start(), "start a, start b, start t, up");
    assert_eq!(play.ask(Question::List), "list: a down b up");
    assert_eq!(play.crash("b"), "start a, start b", "a pass tries it again");
    assert_eq!(play.ask(Question::List), "list: a up b up");
    play.stop();
    assert_eq!(play.start(), "start a, start b, start t, up");
}

#[test]
fn an_ignored_restart_is_not_tried_again() {
    let mut play = Play::new(Strategy::OneForOne)
        .permanent("a")
        .plan("a", &[Starts, Ignores]);
    play.start();
    assert_eq!(play.crash("a"), "start a");
    assert_eq!(play.ask(Question::List), "list: a down");
}

#[test]
fn an_ignored_start_by_request_is_done() {
    let mut play = Play::new(Strategy::OneForOne)
        .plan("x", &[Ignores])
        .plan("t", &[Ignores]);
    play.start();
    let added = start("x", Restart::Permanent);
    assert_eq!(play.ask(added.clone()), "start x, answer: done");
    assert_eq!(play.ask(added), "answer: present already");
    let added = start("t", Restart::Temporary);
    assert_eq!(play.ask(added), "start t, forget t, answer: done");
}

#[test]
fn a_start_that_is_ignored_while_it_is_stopped_has_stopped() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
    play.start();
    assert_eq!(play.stop(), "stop a");
    let id = play.id("a");
    play.puppets.get_mut(&id).expect("it has an id").life = Life::Dead;
    assert_eq!(play.tell(Event::Ignored(id, 1)), "ended");
}

// Pools.

#[test]
fn an_instance_that_is_not_restarted_leaves_nothing() {
    let mut play = pool();
    for (name, kind) in [("i", Restart::Transient), ("t", Restart::Temporary)] {
        let did = format!("start {name}, answer: {name} runs");
        assert_eq!(play.ask(start(name, kind)), did);
    }
    assert_eq!(play.crash("i"), "start i");
    assert_eq!(play.finish("i"), "forget i");
    assert_eq!(play.crash("t"), "forget t");
    assert_eq!(play.ask(Question::List), "list: ");
}

#[test]
fn instances_are_restarted_by_themselves_and_counted_together() {
    let mut play = pool();
    for name in ["i", "j"] {
        play.ask(start(name, Restart::Permanent));
    }
    assert_eq!(play.crash("i"), "start i");
    assert_eq!(play.crash("j"), "start j");
    assert_eq!(play.finish("i"), "start i");
    assert_eq!(
        play.crash("j"),
        "gave up, forget j, stop i, forget i, ended"
    );
}

#[test]
fn a_terminated_instance_is_gone_also_while_it_is_restarted() {
    let mut play = pool().plan("j", &[Starts, Fails]);
    for name in ["i", "j"] {
        play.ask(start(name, Restart::Permanent));
    }
    assert_eq!(play.ask(terminate("i")), "stop i, forget i, answer: done");
    play.ends("j", Exit::killed());
    play.queue_question(Question::List);
    play.queue_question(terminate("j"));
    let did = "start j, list: j restarting, forget j, answer: done";
    assert_eq!(play.run(), did);
}

#[test]
fn an_instance_whose_start_or_restart_is_ignored_is_dropped() {
    let mut play = pool().plan("i", &[Ignores]).plan("j", &[Starts, Ignores]);
    let kind = Restart::Permanent;
    assert_eq!(
        play.ask(start("i", kind)),
        "start i, forget i, answer: done"
    );
    assert_eq!(play.ask(start("j", kind)), "start j, answer: j runs");
    assert_eq!(play.crash("j"), "start j, forget j");
}

#[test]
fn instances_are_stopped_together() {
    let mut play = pool().late();
    for name in ["i", "j", "k"] {
        play.ask(start(name, Restart::Permanent));
        play.answer(name);
    }
    assert_eq!(play.stop(), "stop k, stop j, stop i");
    assert_eq!(play.answer("j"), "forget j");
    assert_eq!(play.limit("i"), "kill i, forget i");
    assert_eq!(play.answer("k"), "forget k, ended");
}

#[test]
fn a_pool_that_ends_while_an_instance_starts_or_stops_waits_for_it() {
    let mut play = pool().late();
    play.ask(start("i", Restart::Permanent));
    play.answer("i");
    assert_eq!(play.ask(start("j", Restart::Permanent)), "start j");
    assert_eq!(play.stop(), "stop j, stop i");
    assert_eq!(play.answer("i"), "forget i");
    assert_eq!(play.answer("j"), "forget j, ended");

    let mut play = pool().late();
    play.ask(start("i", Restart::Permanent));
    play.answer("i");
    assert_eq!(play.ask(terminate("i")), "stop i");
    assert_eq!(play.stop(), "", "it is told once");
    assert_eq!(play.answer("i"), "forget i, ended");
}

// Suspension.

#[test]
fn what_comes_to_a_suspended_supervisor_is_handled_in_order() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b");
    play.start();
    play.tell(Event::Suspend);
    assert_eq!(play.crash("a"), "");
    assert_eq!(play.ask(Question::List), "");
    assert_eq!(play.crash("b"), "");
    assert_eq!(
        play.tell(Event::Resume),
        "start a, start b, list: a up b up",
        "the second exit was consumed by the pass"
    );
}

#[test]
fn a_stop_ends_a_suspension() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a");
    play.start();
    play.tell(Event::Suspend);
    play.ask(Question::List);
    assert_eq!(play.stop(), "stop a, ended");
    assert_eq!(play.start(), "start a, up");
    assert_eq!(play.crash("a"), "start a");
}

// Retries.

/// A row that is used again is not served by the retry of the one before.
#[test]
fn a_retry_is_for_its_own_row() {
    let mut play = pool().plan("i", &[Starts, Fails]);
    play.ask(start("i", Restart::Permanent));
    let id = play.id("i");
    play.ends("i", Exit::killed());
    play.queue_question(terminate("i"));
    play.run_until_restarting("i");
    let retry = Event::Retry(id, play.puppets[&id].incarnation);
    play.run();
    let mut play = play.plan("j", &[Starts, Fails]);
    play.ask(start("j", Restart::Permanent));
    assert_eq!(play.id("j"), id);
    play.ends("j", Exit::killed());
    play.run_until_restarting("j");
    play.did();
    play.queue.clear();
    assert_eq!(play.tell(retry), "");
    assert_eq!(play.state("j"), RowState::Restarting);
}
