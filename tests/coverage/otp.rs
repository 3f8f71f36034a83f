//! The cases of OTP's own tests of `supervisor`, and those that these lack.
//!
//! The tables are like those of the rules, but that a line may be about several cases. What is about
//! processes, modules or the text of a log is left out.

/// What must be proved: starts, stops, requests, restart kinds, strategies, significant children, and
/// what OTP's tests lack.
pub const CASES: &str = "
    otp_sup_start_normal otp_sup_start_ignore_init otp_sup_start_ignore_child
    otp_sup_start_ignore_temporary_child otp_sup_start_ignore_temporary_child_start_child
    otp_sup_start_ignore_temporary_child_start_child_simple
    otp_sup_start_ignore_permanent_child_start_child_simple otp_sup_start_error_return
    otp_sup_start_fail otp_sup_start_restart_child_returns_error otp_sup_start_child_returns_error
    otp_sup_start_child_returns_error_simple otp_sup_start_map otp_sup_start_map_simple
    otp_sup_start_map_faulty_specs otp_already_started_outside_supervisor

    otp_sup_stop_infinity otp_sup_stop_timeout otp_sup_stop_timeout_dynamic otp_sup_stop_brutal_kill
    otp_sup_stop_brutal_kill_dynamic otp_sup_stop_race otp_sup_stop_non_shutdown_exit_dynamic

    otp_child_adm otp_child_adm_simple otp_extra_return otp_child_specs otp_child_specs_map
    otp_sup_flags otp_which_children otp_which_children_simple_one_for_one otp_count_children
    otp_count_children_supervisor otp_count_restarting_children

    otp_permanent_normal otp_permanent_shutdown otp_permanent_abnormal otp_transient_normal
    otp_transient_shutdown otp_transient_abnormal otp_temporary_normal otp_temporary_shutdown
    otp_temporary_abnormal otp_temporary_bystander otp_external_start_no_progress_log
    otp_faulty_application_shutdown

    otp_multiple_restarts otp_one_for_one otp_one_for_one_escalation otp_one_for_all
    otp_one_for_all_escalation otp_one_for_all_other_child_fails_restart otp_rest_for_one
    otp_rest_for_one_escalation otp_rest_for_one_other_child_fails_restart otp_simple_one_for_one
    otp_simple_one_for_one_extra otp_simple_one_for_one_restart_ignore otp_simple_one_for_one_shutdown
    otp_simple_one_for_one_corruption otp_simple_one_for_one_escalation otp_tree otp_order_of_children
    otp_hanging_restart_loop otp_hanging_restart_loop_rest_for_one otp_hanging_restart_loop_simple
    otp_do_not_save_start_parameters_for_temporary_children
    otp_do_not_save_child_specs_for_temporary_children
    otp_simple_one_for_one_scale_many_temporary_children otp_scale_start_stop_many_children
    otp_simple_global_supervisor

    otp_nonsignificant_temporary otp_nonsignificant_transient otp_significant_temporary
    otp_significant_transient otp_significant_simple otp_significant_bystander
    otp_significant_escalation otp_significant_upgrade_never_any otp_significant_upgrade_any_never
    otp_significant_upgrade_never_all otp_significant_upgrade_all_never otp_significant_upgrade_any_all
    otp_significant_upgrade_all_any otp_significant_upgrade_child otp_code_change otp_code_change_map
    otp_code_change_simple otp_code_change_simple_map

    otp_lacks_1 otp_lacks_2 otp_lacks_3 otp_lacks_4 otp_lacks_5 otp_lacks_6 otp_lacks_7 otp_lacks_8";

/// As the table of the rules. A trace of Erlang is played by
/// `m22_the_public_cases_give_the_traces_of_erlang`, on every backend.
pub const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "otp_sup_start_normal",
        "tests/addresses.rs",
        "fn c_opp_01_an_empty_tree_starts_and_ends(",
    ),
    (
        "otp_sup_start_normal",
        STORIES,
        "fn a_supervisor_without_children_is_up_at_once(",
    ),
    (
        "otp_sup_start_ignore_init",
        "tests/lives.rs",
        "fn o09_the_events_of_a_run_are_told_in_order_by_each_locality(",
    ),
    (
        "otp_sup_start_ignore_child otp_sup_start_ignore_temporary_child \
         otp_sup_start_ignore_temporary_child_start_child",
        BODIES,
        "fn otp_who_is_ignored_is_kept_as_its_kind_says(",
    ),
    (
        "otp_sup_start_ignore_temporary_child_start_child_simple \
         otp_sup_start_ignore_permanent_child_start_child_simple otp_sup_start_child_returns_error_simple",
        BODIES,
        "fn otp_an_instance_that_does_not_start_leaves_nothing(",
    ),
    (
        "otp_sup_start_fail otp_faulty_application_shutdown",
        "tests/failures.rs",
        "fn l29_a_first_start_that_fails_is_told_as_one(",
    ),
    (
        "otp_sup_start_fail",
        "tests/panics.rs",
        "fn s09_a_panic_in_a_start_is_a_failed_start(",
    ),
    (
        "otp_faulty_application_shutdown",
        SUPERVISION,
        "fn l14_a_failed_start_of_a_group_stops_what_was_started(",
    ),
    (
        "otp_sup_start_restart_child_returns_error",
        ADMIN,
        "fn m22_a_program_administers_its_tree_by_its_handle(",
    ),
    (
        "otp_sup_start_restart_child_returns_error otp_sup_start_child_returns_error",
        CORE_REQUESTS,
        "fn a_child_that_cannot_start_leaves_nothing_behind_and_is_not_tried_again(",
    ),
    (
        "otp_sup_start_child_returns_error",
        ADMIN,
        "fn m22_what_cannot_be_started_leaves_nothing(",
    ),
    (
        "otp_sup_start_map",
        SIM_TIME,
        "fn m08_leaves_have_five_seconds(",
    ),
    (
        "otp_sup_start_map",
        SIM_TIME,
        "fn m08_supervisors_have_no_limit(",
    ),
    (
        "otp_sup_start_map",
        SUPERVISION,
        "fn l05_restart_kinds_decide_by_the_reason(",
    ),
    (
        "otp_sup_start_map",
        ADMIN,
        "fn m22_children_are_administered_by_requests(",
    ),
    (
        "otp_sup_start_map_simple",
        ADMIN,
        "fn m22_a_pool_makes_instances_of_one_template(",
    ),
    (
        "otp_sup_start_map_faulty_specs otp_child_specs otp_child_specs_map otp_sup_flags \
         otp_significant_simple",
        SUPERVISION,
        "fn l24_a_tree_is_checked_before_it_starts(",
    ),
    (
        "otp_already_started_outside_supervisor",
        "tests/registry.rs",
        "fn n02_a_second_owner_of_a_name_is_refused(",
    ),
    (
        "otp_sup_stop_infinity otp_sup_stop_timeout otp_sup_stop_brutal_kill",
        BODIES,
        "fn otp_a_child_ends_within_its_limit_or_by_force(",
    ),
    (
        "otp_sup_stop_timeout_dynamic otp_sup_stop_brutal_kill_dynamic otp_sup_stop_non_shutdown_exit_dynamic",
        BODIES,
        "fn otp_instances_of_a_pool_end_each_in_its_way(",
    ),
    (
        "otp_child_adm",
        ADMIN,
        "fn m22_children_are_administered_by_requests(",
    ),
    (
        "otp_child_adm",
        ADMIN,
        "fn m22_a_program_administers_its_tree_by_its_handle(",
    ),
    (
        "otp_child_adm",
        ADMIN,
        "fn m01_administrative_requests_are_never_parked(",
    ),
    (
        "otp_child_adm",
        CORE_REQUESTS,
        "fn the_whole_cycle_of_a_child(",
    ),
    (
        "otp_child_adm_simple",
        ADMIN,
        "fn m22_a_pool_makes_instances_of_one_template(",
    ),
    (
        "otp_child_adm_simple",
        P05,
        r#"{"ev":"reply","i":13,"result":"error:simple_one_for_one"}"#,
    ),
    (
        "otp_which_children",
        ADMIN,
        "fn m22_children_are_administered_by_requests(",
    ),
    (
        "otp_which_children",
        P01,
        r#""children":[{"id":"perm","type":"worker","state":"running","n":4},{"id":"trans","type":"worker","state":"undefined","n":null}]}"#,
    ),
    (
        "otp_which_children_simple_one_for_one",
        ADMIN,
        "fn m22_an_instance_of_a_pool_has_a_name_of_its_own(",
    ),
    (
        "otp_which_children_simple_one_for_one",
        P05,
        r#""children":[{"id":"d2","type":"worker","state":"running","n":2},{"id":"d3","type":"worker","state":"running","n":1}]}"#,
    ),
    (
        "otp_count_children_supervisor",
        ADMIN,
        "fn m22_a_program_administers_its_tree_by_its_handle(",
    ),
    (
        "otp_permanent_normal otp_permanent_shutdown otp_permanent_abnormal otp_transient_normal \
         otp_transient_shutdown otp_transient_abnormal otp_temporary_normal otp_temporary_shutdown \
         otp_temporary_abnormal",
        SUPERVISION,
        "fn l05_restart_kinds_decide_by_the_reason(",
    ),
    (
        "otp_permanent_normal otp_permanent_shutdown otp_permanent_abnormal otp_transient_normal \
         otp_transient_shutdown otp_transient_abnormal otp_temporary_normal otp_temporary_shutdown \
         otp_temporary_abnormal otp_do_not_save_child_specs_for_temporary_children",
        BODIES,
        "fn otp_a_name_is_free_when_a_temporary_child_has_ended(",
    ),
    (
        "otp_permanent_abnormal",
        P01,
        r#"{"ev":"start","child":"perm","n":2,"result":"ok"}"#,
    ),
    (
        "otp_permanent_normal",
        P01,
        r#"{"ev":"start","child":"perm","n":3,"result":"ok"}"#,
    ),
    (
        "otp_permanent_shutdown",
        P01,
        r#"{"ev":"start","child":"perm","n":4,"result":"ok"}"#,
    ),
    (
        "otp_transient_abnormal",
        P01,
        r#"{"ev":"start","child":"trans","n":2,"result":"ok"}"#,
    ),
    (
        "otp_transient_normal",
        P01,
        r#"{"ev":"reply","i":7,"result":"ok","child":"trans","n":3}"#,
    ),
    (
        "otp_transient_shutdown",
        P01,
        r#"{"ev":"exit","child":"trans","n":3,"reason":"shutdown:done"}"#,
    ),
    (
        "otp_temporary_abnormal otp_do_not_save_child_specs_for_temporary_children",
        P01,
        r#"{"ev":"reply","i":11,"result":"ok","specs":2,"active":1,"supervisors":0,"workers":2}"#,
    ),
    (
        "otp_temporary_normal otp_temporary_shutdown otp_temporary_abnormal",
        CORE_REQUESTS,
        "fn a_temporary_child_leaves_its_name(",
    ),
    (
        "otp_temporary_bystander",
        STORIES,
        "fn point_5_temporary_siblings_are_removed_by_a_pass(",
    ),
    (
        "otp_temporary_bystander",
        P02,
        r#"{"ev":"start","child":"d","n":2,"result":"ok"}"#,
    ),
    (
        "otp_temporary_bystander",
        P03,
        r#"{"ev":"start","child":"c","n":2,"result":"ok"}"#,
    ),
    (
        "otp_multiple_restarts",
        STORIES,
        "fn slow_crashes_never_give_up_and_all_children_share_the_window(",
    ),
    (
        "otp_multiple_restarts",
        SIM_TIME,
        "fn l06_the_window_of_restarts_slides(",
    ),
    (
        "otp_one_for_one otp_one_for_one_escalation otp_one_for_all otp_one_for_all_escalation \
         otp_rest_for_one otp_rest_for_one_escalation otp_simple_one_for_one \
         otp_simple_one_for_one_escalation",
        BODIES,
        "fn otp_who_cannot_be_kept_up_ends_its_supervisor(",
    ),
    (
        "otp_one_for_one",
        P04,
        r#"{"ev":"gave_up","sup":"s","n":1,"child":"y"}"#,
    ),
    (
        "otp_one_for_all",
        P02,
        r#"{"ev":"start","child":"d","n":4,"result":"ok"}"#,
    ),
    (
        "otp_rest_for_one",
        P03,
        r#"{"ev":"start","child":"s","n":2,"result":"ok"}"#,
    ),
    (
        "otp_simple_one_for_one",
        P05,
        r#"{"ev":"gave_up","sup":"pool","n":1,"child":"d4"}"#,
    ),
    (
        "otp_one_for_all_other_child_fails_restart",
        STORIES,
        "fn point_6_one_for_all_starts_over_after_a_failed_start(",
    ),
    (
        "otp_one_for_all_other_child_fails_restart",
        P06,
        r#"{"ev":"start","child":"c","n":3,"result":"error"}"#,
    ),
    (
        "otp_rest_for_one_other_child_fails_restart",
        STORIES,
        "fn point_6_rest_for_one_goes_on_from_the_failed_child(",
    ),
    (
        "otp_simple_one_for_one_restart_ignore",
        ADMIN,
        "fn m22_an_instance_that_is_ignored_at_its_restart_is_dropped(",
    ),
    (
        "otp_simple_one_for_one_shutdown",
        ADMIN,
        "fn m22_the_instances_of_a_pool_stop_together(",
    ),
    (
        "otp_simple_one_for_one_shutdown",
        "tests/shutdowns.rs",
        "fn l04_a_pool_stops_within_one_limit(",
    ),
    (
        "otp_simple_one_for_one_corruption otp_do_not_save_start_parameters_for_temporary_children",
        BODIES,
        "fn otp_a_temporary_instance_keeps_no_argument(",
    ),
    (
        "otp_tree",
        P03,
        r#"{"ev":"start","child":"s_a","n":3,"result":"ok"}"#,
    ),
    (
        "otp_order_of_children",
        "rotor-core/src/strategy/tests/barriers.rs",
        "fn rest_for_one_restarts_those_after_it(",
    ),
    (
        "otp_order_of_children",
        SUPERVISION,
        "fn l03_rest_for_one_restarts_the_later_ones(",
    ),
    (
        "otp_order_of_children",
        SUPERVISION,
        "fn l16_children_start_in_order_and_stop_in_reverse(",
    ),
    (
        "otp_hanging_restart_loop otp_hanging_restart_loop_rest_for_one",
        CORE_REQUESTS,
        "fn requests_are_served_between_the_attempts_of_a_restart(",
    ),
    (
        "otp_hanging_restart_loop",
        "tests/backoffs.rs",
        "fn m14_a_child_that_waits_is_restarting(",
    ),
    (
        "otp_hanging_restart_loop",
        "tests/backoffs.rs",
        "fn m14_a_stop_does_not_wait_for_a_restart(",
    ),
    (
        "otp_hanging_restart_loop",
        P06,
        r#"{"ev":"reply","i":2,"k":3,"result":"error:restarting"}"#,
    ),
    (
        "otp_hanging_restart_loop_simple",
        CORE_REQUESTS,
        "fn a_terminated_instance_is_gone_also_while_it_is_restarted(",
    ),
    (
        "otp_hanging_restart_loop_simple otp_lacks_1",
        BODIES,
        "fn otp_count_restarting_children_is_exact(",
    ),
    (
        "otp_simple_one_for_one_scale_many_temporary_children",
        SCALE,
        "fn an_instance_of_a_pool_ends_and_comes_back_at_the_same_cost_in_any_crowd(",
    ),
    (
        "otp_simple_one_for_one_scale_many_temporary_children",
        SCALE,
        "fn all_instances_of_a_pool_stop_at_the_same_pace_in_any_crowd(",
    ),
    (
        "otp_scale_start_stop_many_children",
        SCALE,
        "fn all_children_start_and_stop_at_the_same_pace_in_any_crowd(",
    ),
    (
        "otp_simple_global_supervisor",
        "tests/registry.rs",
        "fn n02_a_name_stays_over_restarts_and_goes_with_its_owner(",
    ),
    (
        "otp_nonsignificant_temporary otp_nonsignificant_transient otp_significant_temporary \
         otp_significant_transient",
        BODIES,
        "fn otp_significant_children_end_their_supervisor_by_their_own_ends(",
    ),
    (
        "otp_lacks_2",
        STORIES,
        "fn point_7_two_simultaneous_exits_are_one_pass_of_one_for_all(",
    ),
    (
        "otp_lacks_2",
        P06,
        r#"{"ev":"reply","i":1,"k":2,"result":"ok"}"#,
    ),
    ("otp_lacks_3", STORIES, "fn point_10_the_window_is_exact("),
    (
        "otp_lacks_3",
        SIM_TIME,
        "fn l06_the_window_of_restarts_slides(",
    ),
    (
        "otp_lacks_4",
        "tests/subtrees.rs",
        "fn r87_a_shutdown_does_not_wait_for_a_start(",
    ),
    (
        "otp_lacks_4",
        CORE_REQUESTS,
        "fn a_stop_ends_what_a_request_has_begun(",
    ),
    (
        "otp_lacks_4",
        CORE_REQUESTS,
        "fn requests_wait_for_the_first_start(",
    ),
    (
        "otp_lacks_5",
        "tests/localities.rs",
        "fn m11_the_loss_of_a_loop_is_an_exit_a_down_and_a_failed_request(",
    ),
    (
        "otp_lacks_5",
        SUPERVISION,
        "fn l16_order_holds_over_localities(",
    ),
    (
        "otp_lacks_5",
        "tests/messages.rs",
        "fn a06_order_is_kept_per_sender_between_localities(",
    ),
    (
        "otp_lacks_6",
        "tests/lanes.rs",
        "fn m15_supervision_counts_for_the_budget(",
    ),
    (
        "otp_lacks_6",
        "tests/lanes.rs",
        "fn m15_retries_of_a_failing_start_do_not_starve_user_messages(",
    ),
    (
        "otp_lacks_7",
        "tests/panics.rs",
        "fn s09_a_panic_in_a_start_is_a_failed_start(",
    ),
    (
        "otp_lacks_7",
        "tests/panics.rs",
        "fn s09_a_panic_in_a_handler_restarts_the_actor(",
    ),
    (
        "otp_lacks_7",
        "tests/panics.rs",
        "fn s09_a_panic_in_a_stop_hook_ends_the_instance_all_the_same(",
    ),
    (
        "otp_lacks_7",
        "tests/panics.rs",
        "fn s09_a_panic_in_the_drop_of_an_actor_is_contained(",
    ),
    (
        "otp_lacks_7",
        "tests/panics.rs",
        "fn s09_the_text_of_a_panic_reaches_the_exit(",
    ),
    (
        "otp_lacks_8",
        "tests/parking.rs",
        "fn m01_queued_messages_are_handled_by_the_next_instance(",
    ),
    (
        "otp_lacks_8",
        "tests/parking.rs",
        "fn m01_results_of_an_instance_are_dropped_with_it(",
    ),
    (
        "otp_lacks_8",
        "tests/parking.rs",
        "fn m01_a_message_to_a_removed_actor_is_gone(",
    ),
    (
        "otp_lacks_8",
        SUPERVISION,
        "fn l12_a_notice_is_for_the_instance_that_asked(",
    ),
    (
        "otp_lacks_8",
        SUPERVISION,
        "fn l12_a_monitor_of_a_removed_child_answers_at_once(",
    ),
];

const ADMIN: &str = "tests/admin.rs";
const BODIES: &str = "tests/otp.rs";
const CORE_REQUESTS: &str = "rotor-core/src/strategy/tests/requests.rs";
const P01: &str = "examples/tests/supervision-cases/p01_one_for_one_restart_types.trace";
const P02: &str = "examples/tests/supervision-cases/p02_one_for_all_order.trace";
const P03: &str = "examples/tests/supervision-cases/p03_rest_for_one_tree.trace";
const P04: &str = "examples/tests/supervision-cases/p04_intensity_escalates.trace";
const P05: &str = "examples/tests/supervision-cases/p05_simple_one_for_one.trace";
const P06: &str = "examples/tests/supervision-cases/p06_burst_double_crash.trace";
const SCALE: &str = "rotor-core/tests/scale.rs";
const SIM_TIME: &str = "tests/sim_time.rs";
const STORIES: &str = "rotor-core/src/strategy/tests/stories.rs";
const SUPERVISION: &str = "tests/supervision.rs";

/// A part of a case that is otherwise here, and why.
pub const OTHERWISE: &[(&str, &str)] = &[
    (
        "otp_sup_start_ignore_init",
        "a supervisor has no hook that could say so: an actor that has children does",
    ),
    (
        "otp_sup_start_map_simple",
        "the spec of an instance cannot be asked for",
    ),
    (
        "otp_sup_start_map_faulty_specs otp_child_specs otp_child_specs_map otp_sup_flags",
        "what is left out, or is no flag, key or number, does not compile",
    ),
    (
        "otp_count_children_supervisor",
        "a template makes actors: what is counted as a supervisor is a declared or an added one",
    ),
    (
        "otp_do_not_save_start_parameters_for_temporary_children",
        "a factory stays as long as its temporary child, since a decision may start that again: that of \
         `Child::once` goes",
    ),
    (
        "otp_simple_global_supervisor",
        "the address stays, with the name: it is the instance that is another one",
    ),
];

/// A case that no test proves, and why.
pub const WITHOUT: &[(&str, &str)] = &[
    (
        "otp_sup_start_error_return",
        "what a start returns has a type: there is no nonsense to return",
    ),
    (
        "otp_extra_return otp_simple_one_for_one_extra",
        "a start returns its actor and nothing beside it: what others are to have of it is sent to them",
    ),
    (
        "otp_external_start_no_progress_log",
        "there is no log, and there are no levels: an observer is told of each start, whoever has wanted it",
    ),
    (
        "otp_significant_upgrade_never_any otp_significant_upgrade_any_never \
         otp_significant_upgrade_never_all otp_significant_upgrade_all_never otp_significant_upgrade_any_all \
         otp_significant_upgrade_all_any otp_significant_upgrade_child otp_code_change otp_code_change_map \
         otp_code_change_simple otp_code_change_simple_map",
        "there is no `reconfigure`",
    ),
];
