//! What a supervisor does, case by case.

use super::*;

// Starts, stops and restarts.

#[test]
fn children_start_in_order_and_stop_in_reverse() {
    for strategy in STRATEGIES {
        let mut play = Play::new(strategy).permanent("a b c");
        assert_eq!(play.start(), "start a, start b, start c, up");
        assert_eq!(play.stop(), "stop c, stop b, stop a, ended");
    }
}

#[test]
fn a_step_waits_for_the_answer_to_the_one_before() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    assert_eq!(play.start(), "start a");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.answer("b"), "up");
    assert_eq!(play.stop(), "stop b");
    assert_eq!(play.answer("b"), "stop a");
    assert_eq!(play.answer("a"), "ended");
}

#[test]
fn a_supervisor_without_children_is_up_at_once() {
    let mut play = Play::new(Strategy::OneForAll);
    assert_eq!(play.start(), "up");
    assert_eq!(play.stop(), "ended");
}

#[test]
fn a_failed_first_start_stops_those_that_were_started() {
    for strategy in STRATEGIES {
        let mut play = Play::new(strategy).permanent("a b c d").plan("c", &[Fails]);
        let did = "start a, start b, start c, stop b, stop a, start failed";
        assert_eq!(play.start(), did);
        let exit = play.ended.take().expect("it ended");
        assert!(!exit.is_abnormal());
        assert_eq!(exit.cause().expect("a child").0, "c");
        let kept = play.stops.iter().all(|(_, keep, _)| *keep);
        assert!(kept, "the supervisor may be started again");
        assert_eq!(play.start(), "start a, start b, start c, start d, up");
    }
}

#[test]
fn a_failed_first_start_forgets_dynamic_rows() {
    let mut play = Play::new(Strategy::OneForOne)
        .permanent("a")
        .plan("x", &[Fails]);
    for name in ["w", "x", "y"] {
        play.row(name, Restart::Permanent, false, true);
    }
    let did = "start a, start w, start x, forget x, stop w, forget w, stop a, start failed";
    assert_eq!(play.start(), did);
    assert!(!play.is_known("x") && !play.is_known("y"));
    assert_eq!(play.start(), "start a, up");
}

// The ten points.

#[test]
fn point_1_each_attempt_to_restart_counts() {
    let mut play = Play::new(Strategy::OneForOne)
        .permanent("a b")
        .plan("a", &[Starts, Fails, Fails, Fails]);
    play.start();
    let did = "start a, start a, start a, gave up, stop b, ended";
    assert_eq!(play.crash("a"), did);
}

#[test]
fn point_2_a_failed_restart_is_retried_behind_what_is_queued() {
    let mut play = Play::new(Strategy::OneForOne)
        .permanent("a b")
        .plan("a", &[Starts, Fails]);
    play.start();
    play.ends("a", Exit::killed());
    play.ends("b", Exit::killed());
    play.row_later("x", Restart::Permanent);
    play.run_until_restarting("a");
    assert_eq!(play.did(), "start a");
    assert_eq!(play.run(), "start b, start x, start a");
}

/// They are told of at once, and started one by one.
#[test]
fn those_added_in_a_row_start_without_one_that_is_gone() {
    for (first, gone) in [(false, 0), (false, 1), (true, 1), (true, 2), (true, 3)] {
        let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
        play.start();
        play.answer("a");
        let added = ["w", "x", "y", "z"];
        let ids = added.map(|name| play.row_later(name, Restart::Permanent));
        if first {
            assert_eq!(play.run(), "start w");
        }
        play.family.remove(ids[gone]);
        play.puppets.remove(&ids[gone]);
        let again = play.row_later("v", Restart::Permanent);
        assert_eq!(again, ids[gone], "at its place");
        let mut left = added.to_vec();
        left[gone] = "v";
        let mut did = match first {
            true => "start w".to_owned(),
            false => play.run(),
        };
        for name in left {
            assert_eq!(did, format!("start {name}"));
            did = play.answer(name);
        }
        assert_eq!(did, "");
    }
}

#[test]
fn point_3_a_stop_cancels_the_retry() {
    let mut play = Play::new(Strategy::RestForOne)
        .permanent("a b c")
        .plan("b", &[Starts, Fails]);
    play.start();
    play.ends("b", Exit::killed());
    // The stop arrives before the retry, and finds "c" down.
    let (exit, keep) = (Exit::shutdown(), false);
    play.queue.push_back(Event::Stop { exit, keep });
    assert_eq!(play.run(), "stop c, start b, stop a, ended");
}

#[test]
fn point_4_a_pass_starts_children_that_were_down_on_purpose() {
    let mut play = Play::new(Strategy::OneForAll)
        .child("a", Restart::Transient)
        .permanent("b")
        .child("c", Restart::Transient);
    play.start();
    assert_eq!(play.finish("a"), "");
    assert_eq!(play.finish("c"), "");
    assert_eq!(play.crash("b"), "start a, start b, start c");

    let mut play = Play::new(Strategy::RestForOne)
        .child("a", Restart::Transient)
        .permanent("b")
        .child("c", Restart::Transient);
    play.start();
    play.finish("a");
    play.finish("c");
    assert_eq!(play.crash("b"), "start b, start c");
}

#[test]
fn point_5_temporary_siblings_are_removed_by_a_pass() {
    let mut play = Play::new(Strategy::OneForAll)
        .child("t", Restart::Temporary)
        .permanent("a");
    play.start();
    play.add("x", Restart::Temporary);
    let did = "stop x, forget x, stop t, start a";
    assert_eq!(play.crash("a"), did);
    let kept = play.stops.iter().any(|(_, keep, _)| *keep);
    assert!(!kept, "temporary children do not come back");
    assert_eq!(play.crash("a"), "start a", "nor later");
    // A declared one belongs to the supervisor's next start.
    assert_eq!(play.stop(), "stop a, ended");
    assert_eq!(play.start(), "start t, start a, up");
}

#[test]
fn point_6_one_for_all_starts_over_after_a_failed_start() {
    let mut play = Play::new(Strategy::OneForAll)
        .permanent("a b c")
        .plan("b", &[Starts, Fails]);
    play.start();
    let did = "stop c, stop b, start a, start b, stop a, start a, start b, start c";
    assert_eq!(play.crash("a"), did);
}

#[test]
fn point_6_rest_for_one_goes_on_from_the_failed_child() {
    let mut play = Play::new(Strategy::RestForOne)
        .permanent("a b c")
        .plan("b", &[Starts, Fails]);
    play.start();
    let did = "stop c, stop b, start a, start b, start b, start c";
    assert_eq!(play.crash("a"), did);
}

#[test]
fn point_6_a_transient_child_is_retried_too() {
    let mut play = Play::new(Strategy::OneForAll)
        .permanent("a")
        .child("b", Restart::Transient)
        .plan("b", &[Starts, Fails]);
    play.start();
    let did = "stop b, start a, start b, stop a, start a, start b";
    assert_eq!(play.crash("a"), did);
}

#[test]
fn point_7_two_simultaneous_exits_are_one_pass_of_one_for_all() {
    let mut play = Play::with(Flags {
        intensity: 1,
        ..Flags::new(Strategy::OneForAll)
    })
    .permanent("a b c");
    play.start();
    play.ends("a", Exit::killed());
    play.ends("b", Exit::killed());
    assert_eq!(play.run(), "stop c, start a, start b, start c");
}

#[test]
fn point_7_two_simultaneous_exits_are_two_restarts_of_one_for_one() {
    let mut play = Play::with(Flags::new(Strategy::OneForOne)).permanent("a b c");
    play.start();
    play.ends("a", Exit::killed());
    play.ends("b", Exit::killed());
    assert_eq!(play.run(), "start a, gave up, stop c, stop a, ended");
}

#[test]
fn point_8_a_supervisor_that_gives_up_exits_with_shutdown() {
    let mut play = Play::with(Flags {
        intensity: 0,
        ..Flags::new(Strategy::OneForOne)
    })
    .permanent("a b c");
    play.start();
    let failed = Exit::failed(std::io::Error::other("disk full"));
    play.ends("b", failed);
    assert_eq!(play.run(), "gave up, stop c, stop a, ended");
    let exit = play.ended.expect("it ended");
    assert!(matches!(exit.reason(), ExitReason::Shutdown));
    assert!(!Restart::Transient.wants(&exit) && Restart::Permanent.wants(&exit));
    assert_eq!(
        exit.to_string(),
        "shutdown, gave up restarting b, which ended: failed: disk full"
    );
    let (_, _, told) = &play.stops[0];
    assert_eq!(told.to_string(), exit.to_string(), "the children hear why");
}

/// Two significant children, one that is not.
fn shutting_down(when: AutoShutdown, strategy: Strategy, kind: Restart) -> Play {
    let mut play = Play::with(Flags {
        intensity: 3,
        auto_shutdown: when,
        ..Flags::new(strategy)
    })
    .significant("a", kind)
    .significant("b", kind)
    .permanent("c");
    play.start();
    play
}

#[test]
fn point_9_a_significant_child_that_a_pass_stops_does_not_end_the_supervisor() {
    for when in [AutoShutdown::Any, AutoShutdown::All] {
        let transient = Restart::Transient;
        let mut play = shutting_down(when, Strategy::OneForAll, transient);
        let did = "stop b, stop a, start a, start b, start c";
        assert_eq!(play.crash("c"), did);
        let temporary = Restart::Temporary;
        let mut play = shutting_down(when, Strategy::OneForAll, temporary);
        assert_eq!(play.crash("c"), "stop b, stop a, start c");
    }
}

#[test]
fn point_9_an_exit_that_a_pass_consumes_does_not_end_the_supervisor() {
    let transient = Restart::Transient;
    let mut play = shutting_down(AutoShutdown::Any, Strategy::OneForAll, transient);
    play.ends("c", Exit::killed());
    play.ends("a", Exit::normal());
    assert_eq!(play.run(), "stop b, start a, start b, start c");
}

#[test]
fn point_10_the_window_is_exact() {
    // 2 restarts in 5 s: the third attempt gives up if the first is at most 5 s old.
    let third_at = |nanos: u64| {
        let mut play = Play::with(Flags {
            intensity: 2,
            ..Flags::new(Strategy::OneForOne)
        })
        .permanent("a");
        play.start();
        play.now = 3 * SECOND + 999_999_999;
        assert_eq!(play.crash("a"), "start a");
        play.now += SECOND;
        assert_eq!(play.crash("a"), "start a");
        play.now = 3 * SECOND + 999_999_999 + nanos;
        play.crash("a")
    };
    assert_eq!(third_at(5 * SECOND - 1), "gave up, ended");
    assert_eq!(third_at(5 * SECOND), "gave up, ended", "the end counts");
    assert_eq!(third_at(5 * SECOND + 1), "start a");
}

#[test]
fn the_attempt_after_intensity_gives_up() {
    for intensity in 0..5 {
        let mut play = Play::with(Flags {
            intensity,
            ..Flags::new(Strategy::OneForOne)
        })
        .permanent("a");
        play.start();
        for _ in 0..intensity {
            assert_eq!(play.crash("a"), "start a");
        }
        assert_eq!(play.crash("a"), "gave up, ended");
    }
}

#[test]
fn slow_crashes_never_give_up_and_all_children_share_the_window() {
    let mut play = Play::with(Flags::new(Strategy::OneForOne)).permanent("a b");
    play.start();
    for name in ["a", "b", "a", "a", "b"] {
        assert_eq!(play.crash(name), format!("start {name}"));
        play.now += 5 * SECOND + 1;
    }
    assert_eq!(play.crash("a"), "start a");
    assert_eq!(play.crash("b"), "gave up, stop a, ended");
}

/// A supervisor that stands 9 restarts in 5 seconds, of `a` only one.
fn strict_with_one() -> Play {
    let mut play = Play::with(Flags {
        intensity: 9,
        ..Flags::new(Strategy::OneForAll)
    });
    play.new_row(NewRow {
        name: "a".into(),
        restart: Restart::Permanent,
        significant: false,
        escalating: false,
        supervisor: false,
        dynamic: false,
        named: true,
        backoff: None,
        at_most: Some(1),
    });
    let mut play = play.permanent("b");
    play.start();
    play
}

#[test]
fn l06_a_child_may_have_a_limit_of_its_own() {
    let mut play = strict_with_one();
    for _ in 0..3 {
        assert_eq!(
            play.crash("b"),
            "stop a, start a, start b",
            "the others' restarts"
        );
    }
    assert_eq!(play.crash("a"), "stop b, start a, start b");
    assert_eq!(play.crash("a"), "gave up, stop b, ended");
    let exit = play.ended.take().expect("it ended");
    assert_eq!(exit.gave_up().expect("it did").allowed, 1);
    play.start();
    assert_eq!(play.crash("a"), "stop b, start a, start b", "counted anew");
}

#[test]
fn l06_a_limit_of_a_child_is_for_the_period() {
    let mut play = strict_with_one();
    for _ in 0..9 {
        play.now += 6 * SECOND;
        assert_eq!(play.crash("a"), "stop b, start a, start b");
    }
}

#[test]
fn l06_the_intensity_counts_beside_a_limit_of_a_child() {
    let mut play = strict_with_one();
    play.family.flags.intensity = 1;
    play.crash("b");
    assert_eq!(play.crash("a"), "gave up, stop b, ended");
}

/// Three at most, within the period, the latest first, whichever child it was; and no tree of them:
/// those below have none of their own.
#[test]
fn l06_the_reason_names_what_was_before_it() {
    let told = |play: &mut Play| -> Vec<String> {
        let exit = play.ended.take().expect("it ended");
        let past = exit.gave_up().expect("it did").before.clone();
        let told = past.iter().map(|(who, exit)| format!("{who}: {exit:#}"));
        told.collect()
    };
    let mut play = Play::with(Flags {
        intensity: 4,
        ..Flags::new(Strategy::OneForAll)
    })
    .permanent("a b");
    play.start();
    let fail = |play: &mut Play, name: &str, text: &'static str| {
        play.ends(name, Exit::failed(crate::Error::message(text)));
        play.run();
    };
    for (name, text) in [("a", "one"), ("b", "two"), ("a", "three"), ("b", "four")] {
        fail(&mut play, name, text);
        play.now += SECOND;
    }
    play.crash("a");
    let before = ["b: failed: four", "a: failed: three", "b: failed: two"];
    assert_eq!(told(&mut play), before);

    play.start();
    play.family.flags.intensity = 2;
    for text in ["old", "one", "two"] {
        fail(&mut play, "a", text);
        play.now += 3 * SECOND;
    }
    play.now -= SECOND;
    play.crash("b");
    assert_eq!(told(&mut play), ["a: failed: two", "a: failed: one"]);

    play.start();
    play.family.flags.intensity = 3;
    for n in 2..6 {
        let inner = Exit::shutdown().giving_up(
            "leaf".into(),
            Exit::killed(),
            crate::exit::GaveUp {
                allowed: n,
                period: Duration::from_secs(1),
                before: vec![("leaf".into(), Exit::killed())],
            },
        );
        play.ends("b", inner);
        play.run();
    }
    let below = |n| {
        format!(
            "b: shutdown, gave up restarting leaf (limit: {n} restarts in 1s, used up), which ended: killed"
        )
    };
    assert_eq!(told(&mut play), [below(4), below(3), below(2)]);
}

/// Whatever is remembered is handed over in the end: the errors in it are users'.
#[test]
fn l06_a_supervisor_that_has_stopped_remembers_no_ends() {
    let mut play = Play::with(Flags {
        intensity: 9,
        ..Flags::new(Strategy::OneForOne)
    })
    .permanent("a");
    for _ in 0..2 {
        play.start();
        for _ in 0..4 {
            play.crash("a");
        }
        play.now += 6 * SECOND;
        play.crash("a");
        play.stop();
    }
    assert_eq!(play.dropped, 10);
}

#[test]
fn the_next_start_of_the_supervisor_forgets_old_restarts() {
    let mut play = Play::with(Flags::new(Strategy::OneForOne)).permanent("a");
    play.start();
    play.crash("a");
    play.stop();
    play.start();
    assert_eq!(play.crash("a"), "start a");
    assert_eq!(play.crash("a"), "gave up, ended");
}

#[test]
fn a_period_of_ages_and_a_clock_at_its_end_do_not_overflow() {
    let mut play = Play::with(Flags {
        period: Duration::MAX,
        ..Flags::new(Strategy::OneForOne)
    })
    .permanent("a");
    play.start();
    play.crash("a");
    play.now = u64::MAX;
    assert_eq!(play.crash("a"), "gave up, ended");
}

// Auto-shutdown.

#[test]
fn auto_shutdown_any_ends_with_the_first_significant_child() {
    for kind in [Restart::Transient, Restart::Temporary] {
        let mut play = shutting_down(AutoShutdown::Any, Strategy::OneForOne, kind);
        assert_eq!(play.finish("a"), "auto-shutdown, stop c, stop b, ended");
        let exit = play.ended.expect("it ended");
        assert!(matches!(exit.reason(), ExitReason::Shutdown));
        assert_eq!(exit.cause().expect("a child").0, "a");
    }
}

#[test]
fn auto_shutdown_all_ends_with_the_last_significant_child() {
    for kind in [Restart::Transient, Restart::Temporary] {
        let mut play = shutting_down(AutoShutdown::All, Strategy::OneForOne, kind);
        assert_eq!(play.finish("a"), "");
        assert_eq!(play.finish("b"), "auto-shutdown, stop c, ended");
    }
}

#[test]
fn auto_shutdown_never_and_children_that_do_not_matter_end_nothing() {
    let transient = Restart::Transient;
    let mut play = shutting_down(AutoShutdown::Never, Strategy::OneForOne, transient);
    assert_eq!(play.finish("a"), "");
    assert_eq!(play.finish("b"), "");
    let flags = Flags {
        auto_shutdown: AutoShutdown::Any,
        ..Flags::new(Strategy::OneForOne)
    };
    let mut play = Play::with(flags)
        .child("x", Restart::Temporary)
        .significant("y", Restart::Transient);
    play.start();
    assert_eq!(play.crash("x"), "");
}

#[test]
fn a_crash_of_a_significant_transient_child_restarts_it() {
    for when in [AutoShutdown::Any, AutoShutdown::All] {
        let transient = Restart::Transient;
        let mut play = shutting_down(when, Strategy::OneForOne, transient);
        assert_eq!(play.crash("a"), "start a");
    }
}

#[test]
fn a_crash_of_a_significant_temporary_child_is_an_end() {
    let temporary = Restart::Temporary;
    let mut play = shutting_down(AutoShutdown::Any, Strategy::OneForOne, temporary);
    assert_eq!(play.crash("b"), "auto-shutdown, stop c, stop a, ended");
}

#[test]
fn auto_shutdown_all_waits_for_a_pending_retry() {
    let transient = Restart::Transient;
    let mut play =
        shutting_down(AutoShutdown::All, Strategy::OneForOne, transient).plan("a", &[Fails]);
    play.ends("a", Exit::killed());
    play.ends("b", Exit::normal());
    assert_eq!(play.run(), "start a, start a", "b ends before the retry");
    assert_eq!(play.finish("a"), "auto-shutdown, stop c, ended");
}

#[test]
fn auto_shutdown_all_counts_a_child_whose_exit_is_still_to_be_handled() {
    let transient = Restart::Transient;
    let mut play = shutting_down(AutoShutdown::All, Strategy::OneForOne, transient).late();
    assert_eq!(play.crash("c"), "start c");
    assert_eq!(play.finish("a"), "");
    assert_eq!(play.crash("b"), "");
    assert_eq!(play.answer("c"), "start b", "b crashed: it is restarted");
}

// Stops that come in between.

#[test]
fn a_stop_during_a_start_stops_the_starting_child_first() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b c").late();
    play.start();
    play.answer("a");
    assert_eq!(play.stop(), "stop b");
    let id = play.id("b");
    let incarnation = play.puppets[&id].incarnation;
    // It had become operational just before it read the order.
    assert_eq!(play.tell(Event::Started(id, incarnation)), "");
    assert_eq!(play.answer("b"), "stop a");
    assert_eq!(play.answer("a"), "ended");
}

#[test]
fn a_child_that_fails_to_start_while_it_is_stopped_is_stopped() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    play.start();
    play.answer("a");
    assert_eq!(play.stop(), "stop b");
    let id = play.id("b");
    let puppet = play.puppets.get_mut(&id).expect("b");
    puppet.life = Life::Dead;
    let failed = Event::Failed(id, puppet.incarnation, Exit::killed(), Decision::Usual);
    assert_eq!(play.tell(failed), "stop a");
    assert_eq!(play.answer("a"), "ended");
}

#[test]
fn a_stop_during_a_restart_pass_lets_the_running_stop_go_on() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b c").late();
    play.start();
    play.answer("a");
    play.answer("b");
    play.answer("c");
    assert_eq!(play.crash("b"), "stop c");
    assert_eq!(play.stop(), "", "the step under way goes on");
    assert_eq!(play.answer("c"), "stop a", "b is down already");
    assert_eq!(play.answer("a"), "ended");
}

#[test]
fn a_stop_between_the_starts_of_a_pass_stops_the_starting_child() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b c").late();
    play.start();
    for name in ["a", "b", "c"] {
        play.answer(name);
    }
    play.crash("b");
    play.answer("c");
    assert_eq!(play.answer("a"), "start a");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.stop(), "stop b");
    assert_eq!(play.answer("b"), "stop a");
    assert_eq!(play.answer("a"), "ended");
}

#[test]
fn a_stop_does_not_wait_for_a_child_whose_exit_was_put_off() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b c").late();
    play.start();
    for name in ["a", "b", "c"] {
        play.answer(name);
    }
    assert_eq!(play.crash("a"), "start a");
    assert_eq!(play.crash("b"), "", "it waits for the pass");
    assert_eq!(play.stop(), "stop a");
    assert_eq!(play.answer("a"), "stop c");
    assert_eq!(play.answer("c"), "ended");
}

#[test]
fn a_second_stop_joins_the_first() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    play.start();
    play.answer("a");
    play.answer("b");
    let keep = true;
    let exit = Exit::shutdown().because("disk".into(), Exit::killed());
    assert_eq!(play.tell(Event::Stop { exit, keep }), "stop b");
    assert_eq!(play.stop(), "");
    assert_eq!(play.answer("b"), "stop a");
    assert_eq!(play.stop(), "");
    assert_eq!(play.answer("a"), "ended");
    let exit = play.ended.expect("it ended");
    assert_eq!(exit.cause().expect("the first reason wins").0, "disk");
    assert!(play.stops.iter().all(|(_, keep, _)| *keep));
}

#[test]
fn a_stop_joins_a_give_up_and_an_undone_start() {
    let flags = Flags {
        intensity: 0,
        ..Flags::new(Strategy::OneForOne)
    };
    let mut play = Play::with(flags).permanent("a b").late();
    play.start();
    play.answer("a");
    play.answer("b");
    assert_eq!(play.crash("b"), "gave up, stop a");
    assert_eq!(play.stop(), "");
    assert_eq!(play.answer("a"), "ended");

    play.start();
    play.ended = None;
    play.answer("a");
    let id = play.id("b");
    let failed = play.answer_of(id, Fails).expect("b starts");
    assert_eq!(play.tell(failed), "stop a");
    assert_eq!(play.stop(), "");
    assert_eq!(play.answer("a"), "start failed");
}

#[test]
fn exits_during_the_end_are_consumed() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b c").late();
    play.start();
    for name in ["a", "b", "c"] {
        play.answer(name);
    }
    assert_eq!(play.stop(), "stop c");
    assert_eq!(play.crash("a"), "");
    assert_eq!(play.answer("c"), "stop b");
    assert_eq!(play.answer("b"), "ended");
}

#[test]
fn an_exit_meets_the_order_to_stop() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b").late();
    play.start();
    play.answer("a");
    play.answer("b");
    play.ends("b", Exit::killed()); // its notice comes behind that of "a"
    let notice = play.queue.pop_front().expect("b ended");
    assert_eq!(play.crash("a"), "", "b gets an order, and gives no answer");
    assert_eq!(play.tell(notice), "start a");
}

#[test]
fn an_exit_that_was_put_off_is_consumed_by_the_next_pass() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b c").late();
    play.start();
    for name in ["a", "b", "c"] {
        play.answer(name);
    }
    assert_eq!(play.crash("c"), "stop b");
    play.answer("b");
    assert_eq!(play.answer("a"), "start a");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.answer("b"), "start c");
    // Both of the new instances are gone before the pass is over.
    assert_eq!(play.crash("b"), "");
    assert_eq!(play.crash("a"), "");
    assert_eq!(play.answer("c"), "stop c", "one pass, for b");
    assert_eq!(play.answer("c"), "start a");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.answer("b"), "start c");
    assert_eq!(play.answer("c"), "");
    assert_eq!(play.crash("a"), "stop c", "the third restart of three");
}

#[test]
fn a_child_that_ends_after_its_restart_in_a_pass_is_restarted_again() {
    let mut play = Play::new(Strategy::RestForOne)
        .permanent("a b")
        .plan("a", &[Starts, Crashes]);
    play.start();
    let did = "stop b, start a, start b, stop b, start a, start b";
    assert_eq!(play.crash("a"), did);
}

#[test]
fn a_second_crash_while_another_is_restarting_retries_once() {
    let mut play = Play::new(Strategy::OneForAll)
        .permanent("a b")
        .plan("b", &[Starts, Fails]);
    play.start();
    play.ends("b", Exit::killed());
    play.run_until_restarting("b");
    play.ends("a", Exit::killed());
    play.queue.swap(0, 1); // ahead of the retry, which then finds b running
    play.did();
    assert_eq!(play.run(), "start a, start b");
    assert_eq!(play.crash("a"), "stop b, start a, start b", "the third");
}

#[test]
fn a_retry_that_was_overtaken_serves_the_next_failure() {
    let flags = Flags {
        intensity: 9,
        ..Flags::new(Strategy::RestForOne)
    };
    let mut play = Play::with(flags)
        .permanent("a b")
        .plan("a", &[Starts, Crashes])
        .plan("b", &[Starts, Fails, Fails]);
    play.start();
    play.ends("b", Exit::killed());
    play.ends("a", Exit::killed());
    // The second pass, for "a", fails at "b" again; its retry is behind the new exit of "a", the
    // first one is not.
    let did = "start b, start a, start b, start b, stop b, start a, start b";
    assert_eq!(play.run(), did);
}

#[test]
fn a_retry_from_before_the_supervisors_start_is_ignored() {
    let mut play = Play::new(Strategy::OneForOne)
        .permanent("a")
        .plan("a", &[Starts, Fails, Starts, Fails]);
    play.start();
    play.ends("a", Exit::killed());
    play.run_until_restarting("a");
    let old = play.queue.pop_front().expect("the retry");
    play.stop();
    play.start();
    play.ends("a", Exit::killed());
    play.run_until_restarting("a");
    play.did();
    play.queue.push_front(old);
    assert!(play.turn());
    assert_eq!(play.did(), "");
    assert_eq!(play.run(), "start a");
}

// Limits.

#[test]
fn a_first_start_over_its_limit_is_killed_and_fails() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    play.start();
    play.answer("a");
    assert_eq!(play.limit("b"), "kill b, stop a");
    assert_eq!(play.answer("a"), "start failed");
}

#[test]
fn a_restart_over_its_limit_is_killed_and_retried() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
    play.start();
    play.answer("a");
    assert_eq!(play.crash("a"), "start a");
    let (id, late) = (play.id("a"), play.puppets[&play.id("a")].incarnation);
    assert_eq!(play.limit("a"), "kill a, start a", "at once, and it counts");
    assert_eq!(play.tell(Event::Started(id, late)), "", "too late");
    let exited = Event::Exited(id, late, Exit::killed(), Decision::Usual);
    assert_eq!(play.tell(exited), "", "it was killed");
    assert_eq!(play.answer("a"), "");
    assert_eq!(play.state("a"), RowState::Up);
}

#[test]
fn a_stop_over_its_limit_is_killed_and_the_pass_goes_on() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b c").late();
    play.start();
    for name in ["a", "b", "c"] {
        play.answer(name);
    }
    assert_eq!(play.crash("a"), "stop c");
    assert_eq!(play.limit("c"), "kill c, stop b");
    assert_eq!(play.answer("b"), "start a");
    play.answer("a");
    play.answer("b");
    play.answer("c");
    assert_eq!(play.stop(), "stop c");
    assert_eq!(play.limit("c"), "kill c, stop b");
    assert_eq!(play.limit("b"), "kill b, stop a");
    assert_eq!(play.limit("a"), "kill a, ended");
}

#[test]
fn an_added_child_over_its_limit_is_killed_and_forgotten() {
    let mut play = Play::new(Strategy::OneForOne).late();
    play.start();
    assert_eq!(play.add("x", Restart::Permanent), "start x");
    assert_eq!(play.limit("x"), "kill x, forget x");
    assert_eq!(play.stop(), "ended");
}

#[test]
fn a_limit_of_a_step_that_is_over_does_nothing() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    play.start();
    play.answer("a");
    play.answer("b");
    play.stop();
    play.answer("b");
    assert_eq!(play.limit("b"), "");
}

/// Its end is that of one that has failed, and waits its turn like others.
#[test]
fn l17_a_stop_of_ones_own_over_its_limit_is_a_failure() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    play.start();
    play.answer("a");
    assert_eq!(play.limit("a"), "kill a", "b starts meanwhile");
    assert_eq!(play.answer("b"), "up, start a");
    play.answer("a");
    assert_eq!(play.limit("b"), "kill b, start b");
    let kept = ["a", "b"].map(|name| (name.to_owned(), true));
    assert_eq!(play.overruns, kept);
}

// Stale notices.

#[test]
fn notices_of_an_earlier_instance_are_ignored() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
    play.start();
    let (id, old) = (play.id("a"), play.puppets[&play.id("a")].incarnation);
    play.answer("a");
    assert_eq!(play.crash("a"), "start a");
    let stale = || {
        let exit = Exit::killed();
        [
            Event::Started(id, old),
            Event::Failed(id, old, exit.clone(), Decision::Usual),
            Event::Exited(id, old, exit.clone(), Decision::Usual),
            Event::Limit(id, old, exit, Decision::Usual),
            Event::Retry(id, old),
        ]
    };
    for event in stale() {
        assert_eq!(play.tell(event), "");
        assert_eq!(play.state("a"), RowState::Starting);
    }
    play.answer("a");
    for event in stale() {
        assert_eq!(play.tell(event), "");
        assert_eq!(play.state("a"), RowState::Up);
    }
    assert_eq!(play.stop(), "stop a");
    for event in stale() {
        assert_eq!(play.tell(event), "");
        assert_eq!(play.state("a"), RowState::Stopping);
    }
    assert_eq!(play.answer("a"), "ended");
    for event in stale() {
        assert_eq!(play.tell(event), "");
    }
}

#[test]
fn an_exit_told_twice_counts_once() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b").late();
    play.start();
    play.answer("a");
    play.answer("b");
    play.crash("a");
    play.ends("b", Exit::killed());
    play.queue.push_back(play.queue[0].clone());
    assert_eq!(play.run(), "");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.answer("b"), "");
    assert_eq!(play.crash("a"), "start a", "the third of three");
}

#[test]
fn notices_for_a_forgotten_row_are_ignored_also_by_the_next_in_its_place() {
    let mut play = Play::new(Strategy::OneForOne);
    play.start();
    play.add("x", Restart::Temporary);
    let id = play.id("x");
    let old = play.puppets[&id].incarnation;
    assert_eq!(play.finish("x"), "forget x");
    let exited = Event::Exited(id, old, Exit::killed(), Decision::Usual);
    assert_eq!(play.tell(exited.clone()), "");
    assert_eq!(play.tell(Event::Retry(id, old)), "");
    assert_eq!(play.add("y", Restart::Permanent), "start y");
    assert_eq!(play.id("y"), id, "rows are used again");
    assert_eq!(play.tell(exited), "");
    assert_eq!(play.state("y"), RowState::Up);
}

// Children that come and go.

#[test]
fn an_added_child_is_started_last_and_stopped_first() {
    let mut play = Play::new(Strategy::RestForOne).permanent("a b");
    play.start();
    assert_eq!(play.add("x", Restart::Permanent), "start x");
    assert_eq!(play.crash("b"), "stop x, start b, start x");
    assert_eq!(play.stop(), "stop x, forget x, stop b, stop a, ended");
    let (_, keep, _) = &play.stops[1];
    assert!(!keep, "its slot goes with the supervisor's instance");
    assert_eq!(
        play.start(),
        "start a, start b, up",
        "it is not brought back"
    );
}

#[test]
fn an_added_child_that_fails_to_start_is_forgotten() {
    let mut play = Play::new(Strategy::OneForAll)
        .permanent("a")
        .plan("x", &[Fails]);
    play.start();
    assert_eq!(play.add("x", Restart::Permanent), "start x, forget x");
    assert_eq!(play.crash("a"), "start a", "no attempt, no retry");
}

#[test]
fn children_added_while_busy_wait_for_the_end_of_the_pass() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b").late();
    assert_eq!(play.start(), "start a");
    assert_eq!(play.add("x", Restart::Permanent), "");
    assert_eq!(play.add("y", Restart::Permanent), "");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.answer("b"), "up, start x");
    assert_eq!(play.answer("x"), "start y");
    assert_eq!(play.answer("y"), "");
    assert_eq!(play.crash("y"), "stop x");
}

#[test]
fn a_child_added_during_a_pass_is_no_part_of_the_next_one() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a b").late();
    play.start();
    play.answer("a");
    play.answer("b");
    assert_eq!(play.crash("b"), "stop a");
    play.answer("a");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(play.crash("a"), "", "it waits for the pass");
    assert_eq!(play.add("t", Restart::Temporary), "");
    assert_eq!(play.add("x", Restart::Permanent), "");
    assert_eq!(play.answer("b"), "stop b");
    assert_eq!(play.answer("b"), "start a");
    assert_eq!(play.answer("a"), "start b");
    assert_eq!(
        play.answer("b"),
        "start t",
        "they come in the order of asking"
    );
    assert_eq!(play.answer("t"), "start x");
    assert_eq!(play.answer("x"), "");
}

#[test]
fn a_row_used_again_during_a_pass_is_no_part_of_it() {
    let mut play = Play::new(Strategy::OneForAll).permanent("a").late();
    play.start();
    play.answer("a");
    play.add("t", Restart::Temporary);
    play.answer("t");
    let id = play.id("t");
    assert_eq!(play.crash("a"), "stop t");
    assert_eq!(play.answer("t"), "forget t, start a");
    assert_eq!(play.add("x", Restart::Permanent), "");
    assert_eq!(play.id("x"), id);
    assert_eq!(play.answer("a"), "start x");
    let failed = play.answer_of(id, Fails).expect("x starts");
    assert_eq!(play.tell(failed), "forget x", "it is not retried");
}

#[test]
fn a_child_added_during_the_end_is_forgotten() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
    play.start();
    play.answer("a");
    assert_eq!(play.stop(), "stop a");
    play.add("x", Restart::Permanent);
    assert_eq!(play.answer("a"), "ended");
    assert!(!play.is_known("x"));
    assert_eq!(play.start(), "start a");
    assert_eq!(play.answer("a"), "up");
}

#[test]
fn a_temporary_child_leaves_its_row() {
    let mut play = Play::new(Strategy::OneForOne).child("t", Restart::Temporary);
    play.start();
    play.add("x", Restart::Temporary);
    assert_eq!(play.crash("t"), "", "a declared one keeps its place");
    assert_eq!(play.crash("x"), "forget x");
    assert_eq!(play.stop(), "ended");
    assert_eq!(play.start(), "start t, up");
}

#[test]
fn a_transient_child_that_is_done_stays_down() {
    let mut play = Play::new(Strategy::OneForOne).child("a", Restart::Transient);
    play.start();
    play.add("x", Restart::Transient);
    assert_eq!(play.finish("a"), "");
    assert_eq!(play.finish("x"), "");
    assert_eq!(play.state("x"), RowState::Down);
    assert_eq!(play.stop(), "forget x, ended");
}

#[test]
fn removal_by_force_leaves_no_instance_and_no_dynamic_row() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a b c").late();
    play.start();
    for name in ["a", "b", "c"] {
        play.answer(name);
    }
    for (name, kind) in [("x", Restart::Permanent), ("y", Restart::Temporary)] {
        play.add(name, kind);
        play.answer(name);
    }
    play.crash("b");
    play.crash("c");
    let mut actions = Vec::new();
    play.family.abandon(&mut actions);
    for action in actions {
        play.act(action);
    }
    let did = "kill a, kill b, kill x, kill y, forget x, forget y";
    assert_eq!(play.did(), did);
    assert!(!play.family.is_busy());
    assert_eq!(play.start(), "start a");
}

#[test]
fn only_declared_children_are_kept_for_the_supervisors_next_start() {
    let mut play = Play::new(Strategy::OneForOne).permanent("a").late();
    play.start();
    play.answer("a");
    play.add("x", Restart::Permanent);
    play.answer("x");
    play.add("y", Restart::Permanent);
    let (exit, keep) = (Exit::shutdown(), true);
    assert_eq!(play.tell(Event::Stop { exit, keep }), "stop y");
    assert_eq!(play.answer("y"), "forget y, stop x");
    assert_eq!(play.answer("x"), "forget x, stop a");
    assert_eq!(play.answer("a"), "ended");
    let kept: Vec<bool> = play.stops.iter().map(|(_, keep, _)| *keep).collect();
    assert_eq!(kept, [false, false, true]);
}

#[test]
fn a_supervisor_that_gives_up_and_is_started_again_keeps_its_declared_children() {
    for kept in [false, true] {
        let mut play = Play::new(Strategy::OneForOne).permanent("a b");
        if kept {
            play.family.restart = Restart::Permanent;
        }
        play.start();
        play.crash("a");
        play.crash("a");
        play.crash("a");
        assert_eq!(play.crash("a"), "gave up, stop b, ended");
        let last = play.stops.last().map(|(name, keep, _)| (&name[..], *keep));
        assert_eq!(last, Some(("b", kept)));
    }
}
