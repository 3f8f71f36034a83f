#!/bin/sh
# Proves the gate's wake protocol and the bells of the loops with loom, then proves that the proof is
# worth something: with one step taken out, the test that is named beside it must fail.
set -eu
cd "$(dirname "$0")/.."

# Each mutant, and a test that must fail with it: the whole model would take much longer.
GATE='no_sender_fence:one_item_is_never_missed
    no_owner_fence:one_item_is_never_missed
    no_sender_swap:two_senders_wake_once_for_each_park
    no_owner_compare:a_turn_does_not_open_what_is_closed
    no_recheck:one_item_is_never_missed
    no_other_lanes:one_item_is_never_missed
    no_close_fence:closing_handles_or_rejects_each_item_once
    no_close_drain:closing_handles_or_rejects_each_item_once
    no_second_look:a_stale_sender_does_not_reject_an_item_of_the_new_life
    no_drain_fence:a_stale_sender_does_not_reject_an_item_of_the_new_life
    no_reopen_fence:a_stale_sender_does_not_reject_an_item_of_the_new_life
    no_reopen_wait:a_stale_sender_does_not_reject_an_item_of_the_new_life
    no_poll_swap:a_wake_during_a_poll_is_never_lost
    no_release:items_of_several_lengths_are_taken_in_order
    no_acquire:items_of_several_lengths_are_taken_in_order
    late_block:two_threads_may_push_at_the_end_of_a_block
    late_close_lock:what_was_there_goes_to_the_owner_that_closes'
BELLS='no_flag_set_swap:what_comes_before_each_set_is_seen_by_who_takes
    no_flag_take_swap:what_comes_before_each_set_is_seen_by_who_takes
    no_flag_acquire:what_comes_before_each_set_is_seen_by_who_takes
    no_up_swap:a_call_of_a_mio_loop_is_never_lost
    no_down_compare:a_call_of_a_mio_loop_is_never_lost
    no_context_swap:a_call_of_a_main_context_is_never_lost
    no_future_swap:a_call_of_a_future_is_never_lost
    early_waker:a_call_of_a_future_is_never_lost
    early_aim:a_stale_waker_swallows_no_wake_of_the_next_task
    no_host_fence:whoever_lets_go_of_a_locality_last_is_noticed
    no_gone_fence:whoever_lets_go_of_a_locality_last_is_noticed
    early_jobs:a_job_that_was_given_before_the_end_keeps_the_loop'
SECONDS_EACH=${SECONDS_EACH:-600}

CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom
export CARGO_TARGET_DIR
# The encoded form would win over RUSTFLAGS, and hide the switches.
unset CARGO_ENCODED_RUSTFLAGS

out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    cat "$out"
    printf 'loom: %s\n' "$*" >&2
    exit 1
}

# The switch goes everywhere, so that it selects the dependency too; a mutant only to the test.
RUSTFLAGS='--cfg rotor_loom'
# Linking is most of the work, and the model gains nothing from a fat one.
CARGO_PROFILE_RELEASE_LTO=off
export RUSTFLAGS CARGO_PROFILE_RELEASE_LTO

# build MODEL [FLAG]...: builds the model with these compiler flags and sets $test to its executable.
build() {
    test=
    name=$1
    shift
    cargo rustc --quiet -p rotor-core --release --test "$name" \
        --message-format json-render-diagnostics -- "$@" >"$out" </dev/null &&
        test=$(sed -n '/"name":"'"$name"'"/s/.*"executable":"\([^"]*\)".*/\1/p' "$out")
    : >"$out"
    [ -n "$test" ]
}

# run [ARGUMENT]...: runs what was built last, and sets $status.
run() {
    status=0
    scripts/limit.sh "$SECONDS_EACH" "$test" "$@" >"$out" 2>&1 </dev/null || status=$?
}

# prove MODEL MUTANT:TEST...: runs a model, and then with each of these mutants the test that sees it.
prove() {
    model=$1
    shift
    build "$model" || fail 'the model does not compile'
    run
    [ "$status" = 0 ] || fail "the model failed (exit $status, limit $SECONDS_EACH s)"
    # A model that is compiled out passes as well.
    passed=$(sed -n 's/^test result: ok\. \([1-9][0-9]*\) passed.*/\1/p' "$out")
    [ -n "$passed" ] || fail 'the model ran no test'
    printf 'loom: %s holds, %s tests\n' "$model" "$passed"

    for one in "$@"; do
        mutant=${one%%:*} by=${one#*:}
        # A mutant that does not compile proves nothing.
        build "$model" --cfg "rotor_mutant=\"$mutant\"" || fail "mutant $mutant does not compile"
        run --exact "$by"
        [ "$status" != 0 ] || fail "mutant $mutant survived: $by does not see what it takes out"
        # Nor does one that ran out of time or of loom's own limits.
        if grep -q 'Model exceeded maximum' "$out"; then
            fail "mutant $mutant hit a limit of loom instead of a failure"
        fi
        grep -q '^test result: FAILED' "$out" ||
            fail "mutant $mutant ended without a failed test (exit $status, limit $SECONDS_EACH s)"
        printf 'loom: mutant %s is caught by %s\n' "$mutant" "$by"
    done
}

# The names are meant as several.
prove loom_gate $GATE
prove loom_bells $BELLS
