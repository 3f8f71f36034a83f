//! Which test proves which rule.
//!
//! Every id in [`RULES`] has a body that is named after it and runs on every backend, or a line in
//! [`ELSEWHERE`] that says what proves it, or one in [`BY_HAND`] that says why no loop does, or one in
//! [`WITHOUT`] that says why nothing does. Every such test, and every body, fails by one of the mutants.
//! Where a part of a rule is otherwise here, [`OTHERWISE`] says so.
//! [`otp`] says the same of the cases of OTP's tests.

mod otp;

use std::collections::BTreeSet;
use std::path::Path;

use crate::sources::files;

/// What must be proved, as it begins the names of tests: rows of the foundation and of supervision
/// (those that share a number with a rule of behaviour as `row_`), rules of behaviour, holes of soundness, behaviour
/// cases of rotor, and of other systems.
const RULES: &str = "
    a01 a02 a03 a04 a05 a06 a16 a17 a18 a20 a22 a26 a28 a29 a30 a31
    e01 e02 e03 e04 e05 e06 e07 e10 e11 e14 e16 e17 e18
    k01 k03 l05 l07 l08 l09 l12 l13 l16 n01 n02 n03 n04 o08 row_m03 row_m04 row_m07 v10 v14

    m01 m02 m03 m04 m05 m06 m07 m08 m09 m10 m11 m12
    m13 m14 m15 m16 m17 m18 m19 m20 m21 m22 m23 m24

    s01 s02 s03 s04 s05 s06 s07 s08 s09 s10 s11 s12
    s13 s14 s15 s16 s17 s18 s19 s20 s21 s22 s23 s24

    r1 r2 r3 r5 r6 r7 r9 r10 r11 r13 r14 r15 r17 r18 r19 r21 r22 r23 r25 r26 r27 r29 r30 r31 r33
    r34 r35 r37 r38 r39 r41 r42 r43 r45 r46 r47 r49 r50 r51 r53 r54 r55 r57 r58 r59 r61 r62 r69 r70 r95 r96 r97 r101 r103 r104 r105 r107 r108 r109 r111 r112 r113
    r115 r116 r117 r119 r120 r121 r123 r124 r125 r127 r128 r129 r131 r132 r133 r135

    c_lp_07 c_lp_09 c_lp_15 c_lp_21 c_opp_01 c_opp_13 c_opp_14
    c_so_39 c_so_41 c_so_49 c_so_50 c_so_51 c_so_53 c_so_54 c_so_55

    a07 a08 a09 a10 a24 a32 l01 l02 l03 l04 l06 l10 l11 l14 l15 l17 l18 l19 l20 l21 l22 l23 l24
    l26 l27 l28 l29 l30 o09 t01 t02 row_m06
    r63 r65 r66 r67 r71 r73 r74 r75 r77 r78 r79 r81 r82 r83 r85 r86 r87 r89 r90 r91 r92b r92c r93
    r99 r100
    c_lp_01 c_lp_10 c_lp_11 c_opp_02 c_opp_10 c_opp_17 c_opp_18 c_so_01 c_so_02 c_so_03 c_so_05
    c_so_06 c_so_07 c_so_09 c_so_10 c_so_11 c_so_13 c_so_14 c_so_15 c_so_17 c_so_18 c_so_19 c_so_21
    c_so_22 c_so_23 c_so_31 c_so_33 c_so_34 c_so_35 c_so_37 c_so_38 c_so_81";

/// A rule, a file, and a text in it: the head of a test, of a program that must not compile, or
/// what a check runs. A body of this suite stands for every backend.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    // Rows.
    ("k03", "Cargo.toml", "missing_docs = \"deny\""),
    (
        "k03",
        "tests/sources.rs",
        "fn k03_every_public_item_has_an_example_of_its_own()",
    ),
    (
        "row_m07",
        "tests/sources.rs",
        "fn row_m07_the_core_has_few_dependencies()",
    ),
    ("a03", ALLOCATIONS, "fn a03_recipients_take_no_memory()"),
    (
        "a10",
        ALLOCATIONS,
        "fn a10_a_request_that_is_passed_on_takes_no_memory()",
    ),
    (
        "row_m06",
        ALLOCATIONS,
        "fn row_m06_a_future_takes_memory_when_it_is_spawned_and_no_more()",
    ),
    (
        "v14",
        "tests/sources.rs",
        "fn v14_thirty_mistakes_do_not_compile()",
    ),
    (
        "row_m04",
        "tests/diagnostics.rs",
        "fn row_m04_the_compiler_explains_what_is_missing()",
    ),
    (
        "e17",
        LOCAL_PATH,
        "fn e17_a_message_within_a_locality_executes_no_atomic_operation()",
    ),
    (
        "e17",
        "tests/sources.rs",
        "fn e17_unsafe_code_is_where_the_architecture_says()",
    ),
    (
        "l30",
        LOCAL_PATH,
        "fn l30_hooks_of_others_cost_a_message_nothing()",
    ),
    (
        "row_m06",
        LOCAL_PATH,
        "fn row_m06_futures_of_others_cost_a_message_nothing()",
    ),
    (
        "e02",
        MIO_LOOPS,
        "fn an_applications_poll_serves_its_own_sockets_and_the_actors()",
    ),
    ("e02", MIO_LOOPS, "fn an_idle_loop_is_not_woken()"),
    (
        "e02",
        "rotor-mio/tests/streams.rs",
        "fn a_burst_loses_no_edge_with_a_budget_of_one_message()",
    ),
    (
        "e02",
        "rotor-mio/tests/instances.rs",
        "fn a_stale_token_of_the_same_batch_misses_the_next_socket()",
    ),
    (
        "e03",
        GLIB_GUESTS,
        "fn a_tree_that_ends_does_not_quit_the_applications_loop()",
    ),
    (
        "e03",
        "rotor-glib/tests/nested.rs",
        "fn a_loop_opened_inside_a_handler_handles_nothing_and_loses_nothing()",
    ),
    ("e04", SMOL_EXECUTORS, "fn a_tree_runs_under_any_block_on()"),
    (
        "e04",
        SMOL_EXECUTORS,
        "fn a_tree_is_a_task_of_a_tokio_runtime_beside_others()",
    ),
    (
        "e04",
        "rotor-smol/tests/futures.rs",
        "fn two_actors_talk_over_a_socket()",
    ),
    ("e05", "tests/backend.rs", "name: \"loop-less\","),
    ("e05", GUIDE, "pub mod backends"),
    (
        "e10",
        "tests/threads.rs",
        "fn m17_localities_of_one_driver_share_its_budget(",
    ),
    (
        "e10",
        MIO_LOOPS,
        "fn e10_sockets_are_served_while_an_actor_floods_itself()",
    ),
    (
        "e10",
        SMOL_EXECUTORS,
        "fn other_tasks_of_a_local_executor_are_not_starved_by_a_flood()",
    ),
    (
        "e10",
        "rotor-smol/tests/futures.rs",
        "fn e10_sockets_are_served_while_an_actor_floods_itself()",
    ),
    (
        "e10",
        "rotor-glib/tests/watches.rs",
        "fn e10_a_descriptor_is_served_while_an_actor_floods_itself()",
    ),
    (
        "e10",
        "examples/gtk/tests/flood.rs",
        "fn a_flood_loses_no_frame_and_a_click_is_handled_within_one_slice()",
    ),
    (
        "e11",
        GLIB_GUESTS,
        "fn e11_a_flood_starves_neither_redraw_nor_urgent_messages()",
    ),
    (
        "e11",
        GLIB_GUESTS,
        "fn e11_what_comes_to_a_parked_loop_goes_before_redraw_and_a_backlog_goes_behind()",
    ),
    (
        "e11",
        GLIB_GUESTS,
        "fn e11_an_idle_source_gets_its_turn_when_the_backlog_is_done()",
    ),
    (
        "e16",
        "rotor-core/src/spin.rs",
        "fn e16_a_loop_spins_only_where_each_locality_has_a_processor()",
    ),
    (
        "e16",
        "rotor-core/src/thread.rs",
        "fn e16_a_game_between_spinning_threads_comes_to_its_end()",
    ),
    (
        "e16",
        "tests/idle.rs",
        "fn e16_an_idle_thread_loop_is_not_woken()",
    ),
    ("e16", MIO_LOOPS, "fn an_idle_loop_is_not_woken()"),
    ("e16", GLIB_GUESTS, "fn an_idle_loop_is_not_woken()"),
    ("e16", SMOL_EXECUTORS, "fn an_idle_loop_is_not_woken()"),
    (
        "e16",
        MIO_LOOPS,
        "fn a_game_between_spinning_loops_comes_to_its_end()",
    ),
    (
        "e14",
        GLIB_GUESTS,
        "fn a_tree_that_ends_does_not_quit_the_applications_loop()",
    ),
    (
        "e14",
        MIO_LOOPS,
        "fn an_applications_poll_serves_its_own_sockets_and_the_actors()",
    ),
    (
        "n01",
        "rotor-core/src/gate.rs",
        "fn s02_the_next_life_of_a_gate_begins_above_the_last_one()",
    ),
    ("k01", GUIDE, "pub mod glib_program"),
    ("k01", GUIDE, "pub mod mixing_loops"),
    ("k01", GUIDE, "pub mod supervision"),
    ("k01", GUIDE, "pub mod testing"),
    ("k01", GUIDE, "//! # relm4"),
    ("k01", GUIDE, "//! # SObjectizer"),
    ("v10", "scripts/loom.sh", "prove loom_gate $GATE"),
    ("v10", "scripts/loom.sh", "prove loom_bells $BELLS"),
    (
        "v10",
        "scripts/tsan.sh",
        "cargo +nightly test -Zbuild-std --target \"$host\" -p rotor-tests",
    ),
    (
        "v10",
        "scripts/miri.sh",
        "cargo +nightly miri test -p rotor-core",
    ),
    (
        "v10",
        "rotor-core/src/strategy/tests/model.rs",
        "fn random_stories_go_as_in_a_naive_model()",
    ),
    (
        "v10",
        "rotor-core/src/wheel.rs",
        "fn a_random_wheel_behaves_like_a_sorted_vector()",
    ),
    // Soundness, where a backend or a compiler is needed.
    (
        "s01",
        CORE_SOUNDNESS,
        "fn s01_a_removed_childs_address_never_reaches_the_next_one_in_its_slot()",
    ),
    (
        "s10",
        GLIB_GUESTS,
        "fn a_thread_that_iterates_a_context_whose_owner_let_it_go_loses_the_locality()",
    ),
    (
        "s10",
        MISUSE,
        "`s10`: a driver stays on its thread, and what an inbox receives may come from another one:",
    ),
    (
        "s11",
        MISUSE,
        "`s11`: what a remote subtree captures is `Send`",
    ),
    (
        "s14",
        MISUSE,
        "`s14`: requests and replies cross threads, so both are `Send`:",
    ),
    (
        "s14",
        CORE_SOUNDNESS,
        "fn s14_a_reply_token_answers_from_another_thread()",
    ),
    (
        "s17",
        MISUSE,
        "`s17`: a context is not kept and not shared:",
    ),
    // A rule of use, which no code can keep.
    ("s22", "rotor-core/src/lib.rs", "must not be unloaded."),
    // Cases of rotor that are the same story under our rules as one with another number.
    ("r1", "tests/hooks.rs", "fn l30_hooks_are_asked_in_order("),
    ("r42", MISUSE, "`r42`: a second answer, whole or split:"),
    (
        "r132",
        "examples/tests/mirror/ends.rs",
        "fn an_interrupt_ends_the_run_in_order()",
    ),
    (
        "a07",
        REQUESTS,
        "fn r37_a_request_fails_when_its_limit_passes(",
    ),
    (
        "a07",
        REQUESTS,
        "fn m04_a_dropped_token_tells_its_asker_at_once(",
    ),
    (
        "a07",
        REQUESTS,
        "fn m04_a_token_that_dies_with_its_instance_says_ended(",
    ),
    ("a07", MISUSE, "`a07`: every request has a time limit:"),
    (
        "a09",
        REQUESTS,
        "fn m04_a_dropped_token_tells_its_asker_at_once(",
    ),
    (
        "a09",
        REQUESTS,
        "fn m04_a_token_that_was_passed_on_outlives_its_first_holder(",
    ),
    (
        "a09",
        REQUESTS,
        "fn a29_a_token_may_be_answered_by_a_plain_thread(",
    ),
    ("a10", REQUESTS, "fn r43_a_request_may_be_sent_on("),
    (
        "l01",
        SUPERVISION,
        "fn r23_the_hooks_of_an_instance_run_once_and_in_order(",
    ),
    (
        "l02",
        SUPERVISION,
        "fn r25_a_start_that_takes_too_long_is_a_failed_start(",
    ),
    (
        "l04",
        SCALE,
        "fn all_children_start_and_stop_at_the_same_pace_in_any_crowd()",
    ),
    (
        "l04",
        SCALE,
        "fn all_instances_of_a_pool_stop_at_the_same_pace_in_any_crowd()",
    ),
    (
        "l04",
        SCALE,
        "fn l04_children_are_counted_at_the_same_cost_in_any_crowd()",
    ),
    (
        "l12",
        SCALE,
        "fn the_monitors_of_one_actor_cost_what_each_costs()",
    ),
    (
        "l14",
        "tests/barriers.rs",
        "fn l15_a_failed_start_leaves_nobody_operational(",
    ),
    (
        "l14",
        "tests/parking.rs",
        "fn m01_a_message_to_a_starting_actor_is_parked(",
    ),
    (
        "l15",
        "tests/lives.rs",
        "fn o09_the_events_of_a_run_are_told_in_order_by_each_locality(",
    ),
    (
        "l18",
        SUPERVISION,
        "fn m13_stop_overtakes_queued_messages_and_drain_does_not(",
    ),
    (
        "l18",
        "tests/lives.rs",
        "fn r1_a_start_and_a_stop_wait_for_every_hold(",
    ),
    (
        "l21",
        "tests/parking.rs",
        "fn m01_queued_messages_are_handled_by_the_next_instance(",
    ),
    (
        "l21",
        SUPERVISION,
        "fn m09_declared_children_keep_their_addresses_over_the_restart_of_an_ancestor(",
    ),
    (
        "l19",
        PANICS,
        "fn s09_a_panic_in_a_handler_restarts_the_actor(",
    ),
    (
        "l19",
        PANICS,
        "fn s09_a_panic_in_a_start_is_a_failed_start(",
    ),
    (
        "l19",
        PANICS,
        "fn s09_a_panic_in_a_stop_hook_ends_the_instance_all_the_same(",
    ),
    (
        "l19",
        PANICS,
        "fn s09_a_panic_in_a_factory_is_a_failed_start(",
    ),
    (
        "l19",
        PANICS,
        "fn s09_a_panic_in_a_timer_restarts_the_actor(",
    ),
    (
        "l19",
        PANICS,
        "fn s09_a_panic_in_the_drop_of_an_actor_is_contained(",
    ),
    (
        "l19",
        PANICS,
        "fn s09_a_panic_in_the_drop_of_a_message_is_contained(",
    ),
    (
        "l19",
        PANICS,
        "fn s09_a_panic_in_a_future_restarts_the_actor(",
    ),
    (
        "l19",
        "tests/hooks.rs",
        "fn l30_a_panic_in_a_hook_is_one_of_the_instance(",
    ),
    (
        "l19",
        "rotor-glib/tests/guards.rs",
        "fn a_panic_in_a_signal_closure_is_one_of_the_actor()",
    ),
    (
        "l21",
        REQUESTS,
        "fn m04_a_token_that_dies_with_its_instance_says_ended(",
    ),
    (
        "l23",
        "rotor-core/src/strategy/tests/requests.rs",
        "fn requests_wait_for_the_pass_in_order()",
    ),
    (
        "l23",
        "tests/admin.rs",
        "fn m22_a_program_administers_its_tree_by_its_handle(",
    ),
    (
        "l23",
        "tests/admin.rs",
        "fn m22_children_are_administered_by_requests(",
    ),
    // What a loop lends is no hold, other than the rule says: a listener would keep each stop open up to
    // its limit. It is closed before anybody is told of the end instead; a loop without I/O lends nothing.
    (
        "l28",
        "rotor-mio/tests/lent.rs",
        "fn l28_a_socket_is_closed_before_anybody_is_told_of_its_actors_end(",
    ),
    (
        "l28",
        "rotor-glib/tests/lent.rs",
        "fn l28_a_watch_and_a_source_are_gone_before_anybody_is_told_of_their_actors_end(",
    ),
    (
        "l28",
        "rotor-smol/tests/lent.rs",
        "fn l28_what_a_future_waits_for_is_closed_before_anybody_is_told_of_its_actors_end(",
    ),
    // Cases of other systems.
    (
        "c_so_13",
        ALLOCATIONS,
        "fn restarts_leave_no_memory_behind()",
    ),
    (
        "r113",
        "rotor-core/src/error/tests.rs",
        "fn r113_what_is_refused_says_why_and_what_to_do()",
    ),
];

const ALLOCATIONS: &str = "rotor-core/tests/allocations.rs";
const CORE_SOUNDNESS: &str = "rotor-core/tests/soundness.rs";
const GLIB_GUESTS: &str = "rotor-glib/tests/guests.rs";
const GUIDE: &str = "rotor-core/src/guide.rs";
const LOCAL_PATH: &str = "rotor-core/tests/local_path.rs";
const MIO_LOOPS: &str = "rotor-mio/tests/loops.rs";
const MISUSE: &str = "tests/misuse.rs";
const PANICS: &str = "tests/panics.rs";
const REQUESTS: &str = "tests/requests.rs";
const SCALE: &str = "rotor-core/tests/scale.rs";
const SMOL_EXECUTORS: &str = "rotor-smol/tests/executors.rs";
const SUPERVISION: &str = "tests/supervision.rs";

/// A test of a rule that no mutant makes fail, and why.
const UNBROKEN: &[(&str, &str)] = &[
    (
        "e17_unsafe_code_is_where_the_architecture_says",
        THE_REPOSITORY,
    ),
    (K03, THE_REPOSITORY),
    (ROW_M07, THE_REPOSITORY),
    (V14, THE_REPOSITORY),
    (
        "row_m04_the_compiler_explains_what_is_missing",
        "about what the compiler says",
    ),
];

const K03: &str = "k03_every_public_item_has_an_example_of_its_own";
const ROW_M07: &str = "row_m07_the_core_has_few_dependencies";
const THE_REPOSITORY: &str = "about the repository itself";
const V14: &str = "v14_thirty_mistakes_do_not_compile";

/// A part of a rule that is otherwise here, and why: what proves the rule does not show that part.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "a08",
        "the limit of a future that was dropped is swept out with others, or passes unheard: only `cancel` \
         frees it at once",
    ),
    (
        "c_so_15",
        "an actor is not kept: an error that a handler returns is the end of its instance",
    ),
    (
        "c_so_37",
        "what is published is bounded where it is parked, by `Child::capacity`, and not by a `Bound`",
    ),
    (
        "c_so_38",
        "there are no filters: a subscriber gets all that is published to the address in its type",
    ),
    (
        "c_so_81",
        "a message counts until its handler begins, not until that has ended",
    ),
    (
        "e10",
        "of the frames and slices of a flood a few of a hundred may be late: the machine is shared",
    ),
    (
        "c_so_19",
        "a hold that is taken while the actor stops is not refused: the stop waits for it, too",
    ),
    (
        "l20",
        "a message that caused a panic is not handled again: redelivery is for later",
    ),
    (
        "l22",
        "a message that crashes its actor again and again is counted and reported, not set aside",
    ),
    (
        "l28",
        "file descriptors and sources of a loop are owned by their guards, not by holds",
    ),
    (
        "l09",
        "there is no `resume`, for the same reason as in c_so_15: what may go on is handled, not returned",
    ),
    (
        "r2",
        "hooks that were asked before the one that fails are not asked to undo it: the instance is dropped, and \
         all are asked anew",
    ),
    (
        "r97",
        "the first start of a declared child is all or nothing: its factory is called once, whatever its kind",
    ),
    (
        "a10",
        "a request has no cause with it: which message has caused which is for later",
    ),
    (
        "c_lp_11",
        "no handler is told of a sender: an answer goes to the first asker, whoever has passed the request on, and \
         `Undeliverable::from` is who has sent it last",
    ),
    (
        "l01",
        "what an actor sends itself in its start comes behind what has waited for it (M2): what has to come first is \
         a result of its own, with a hold",
    ),
    (
        "l13",
        "a link waits until its service is operational, within a start barrier until it is initialized: which of \
         both is no option",
    ),
    (
        "l17",
        "the message that is handled, and its age, are told only where the observer wants counts: noting them costs \
         each message",
    ),
    (
        "l26",
        "it is a supervisor's own stop that ends its starts: in a tree that stops, one that is not told yet, as \
         its later siblings end first, starts again who was ended by a service there, as OTP's would",
    ),
    (
        "m09",
        "there is no `reconfigure`: a supervisor is replaced as a whole",
    ),
    (
        "m22",
        "an instance of a pool whose restart is ignored is dropped, as in newer releases: OTP 25 keeps an entry",
    ),
];

/// A rule whose bodies turn a driver by hand, and why none needs the loops of the backends.
const BY_HAND: &[(&str, &str)] = &[
    ("e01", "that there need be no loop is the rule itself"),
    (
        "m17",
        "what a turn may handle is an argument of it; that a loop leaves others their turns is e10",
    ),
];

/// A rule that no test proves, and why.
const WITHOUT: &[(&str, &str)] = &[("l11", "two-way links are for later")];

fn rules() -> impl Iterator<Item = &'static str> {
    let all = [RULES, otp::CASES].into_iter();
    all.flat_map(str::split_whitespace)
}

fn elsewhere() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    ELSEWHERE.iter().chain(otp::ELSEWHERE)
}

/// Whether a line is about a rule: it may name several.
fn is_about(ids: &str, rule: &str) -> bool {
    ids.split_whitespace().any(|id| id == rule)
}

#[test]
fn every_rule_has_a_test_or_a_reason() {
    let (mut named, mut elsewheres, mut without) = (0, 0, Vec::new());
    let mut wrong = Vec::new();
    for rule in rules() {
        let begin = format!("{rule}_");
        let reasons = WITHOUT.iter().chain(otp::WITHOUT);
        let reasons: Vec<_> = reasons.filter(|(ids, _)| is_about(ids, rule)).collect();
        let by_hand = BY_HAND.iter().any(|(id, _)| *id == rule);
        let mut bodies = crate::FILES.iter().flat_map(|file| file.iter());
        let is_named = bodies
            .any(|body| body.name.starts_with(&begin) && (by_hand || body.is_on_every_backend()));
        let is_elsewhere = elsewhere().any(|(ids, ..)| is_about(ids, rule));
        match (is_named, is_elsewhere, &reasons[..]) {
            (true, _, []) => named += 1,
            (false, true, []) => elsewheres += 1,
            (false, false, [(_, why)]) => without.push(format!("{rule}: {why}")),
            (false, false, []) => {
                wrong.push(format!("{rule}: no test on every backend, no reason"))
            }
            (_, _, [..]) => wrong.push(format!("{rule}: proved, so no reason belongs in WITHOUT")),
        }
    }
    println!(
        "{named} rules have a test named after them, {elsewheres} are proved elsewhere, {} are not:",
        without.len()
    );
    println!("{}", without.join("\n"));
    let otherwise = OTHERWISE.iter().chain(otp::OTHERWISE);
    let otherwise: Vec<_> = otherwise.map(|(id, how)| format!("{id}: {how}")).collect();
    println!("parts of them are otherwise:\n{}", otherwise.join("\n"));
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_line_is_about_one_of_the_rules() {
    let known: BTreeSet<_> = rules().collect();
    assert_eq!(rules().count(), known.len(), "a rule is listed twice");
    let told = elsewhere().map(|(ids, ..)| *ids);
    let untold = [WITHOUT, BY_HAND, OTHERWISE, otp::WITHOUT, otp::OTHERWISE];
    let untold = untold.into_iter().flatten().map(|(ids, _)| *ids);
    let all = told.chain(untold).flat_map(str::split_whitespace);
    let unknown: Vec<_> = all.filter(|id| !known.contains(id)).collect();
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn what_is_proved_elsewhere_is_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let missing: Vec<_> = elsewhere()
        .filter(|(_, file, text)| {
            let source = std::fs::read_to_string(top.join(file)).unwrap_or_default();
            !source.contains(text)
        })
        .collect();
    assert_eq!(missing, [&("", "", ""); 0]);
}

/// Tests whose names begin with the id of a rule.
fn tests_of_rules(text: &str) -> impl Iterator<Item = &str> {
    let all = text.split("#[test]").skip(1);
    let names = all.filter_map(|text| text.split_once("fn ")?.1.split('(').next());
    names.filter(|name| {
        let id = name.split('_').next().unwrap_or_default();
        id.len() > 1 && id[1..].starts_with(|c: char| c.is_ascii_digit())
            || name.starts_with("row_")
    })
}

/// Each with the suite that `scripts/mutants.sh` finds it in.
#[test]
fn every_test_of_a_rule_is_broken_by_a_mutant() {
    let mut broken = BTreeSet::new();
    for (_, text) in files("tests/mutants", "txt") {
        for line in text.lines().filter_map(|line| line.strip_prefix("fails ")) {
            let (suite, tests) = line.split_once(' ').unwrap();
            broken.extend(
                tests
                    .split_whitespace()
                    .map(|test| format!("{suite} {test}")),
            );
        }
    }
    let bodies = crate::FILES.iter().flat_map(|file| file.iter());
    let mut tests: Vec<_> = bodies
        .map(|body| format!("conformance {}", body.function))
        .collect();
    for (folder, suite) in [
        ("tests", "conformance"),
        ("rotor-core/src", "core"),
        ("rotor-core/tests", ""),
        ("rotor-mio", "mio"),
        ("rotor-glib", "glib"),
        ("rotor-smol", "smol"),
    ] {
        for (path, text) in files(folder, "rs") {
            let stem = path.file_stem().unwrap().to_string_lossy();
            let suite = if suite.is_empty() { &stem } else { suite };
            tests.extend(tests_of_rules(&text).map(|test| format!("{suite} {test}")));
        }
    }
    println!("{} tests are broken by mutants", broken.len());
    tests.retain(|test| !broken.contains(test));
    tests.retain(|test| !UNBROKEN.iter().any(|(name, _)| test.ends_with(name)));
    assert_eq!(tests, [""; 0]);
}
