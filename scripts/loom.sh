#!/bin/sh
# Proves the gate's wake protocol and the bells of the loops with loom, then proves that the proof is
# worth something: with one step taken out, the same tests must fail.
set -eu
cd "$(dirname "$0")/.."

GATE='no_sender_fence no_owner_fence no_sender_swap no_owner_compare no_recheck no_other_lanes
    no_close_fence no_close_drain no_second_look no_drain_fence no_reopen_fence no_reopen_wait no_poll_swap
    no_release no_acquire late_block late_close_lock'
BELLS='no_flag_set_swap no_flag_take_swap no_flag_acquire no_up_swap no_down_compare no_context_swap no_future_swap
    early_waker early_aim'
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
    cargo rustc -p rotor-core --release --test "$name" \
        --message-format json-render-diagnostics -- "$@" >"$out" </dev/null &&
        test=$(sed -n '/"name":"'"$name"'"/s/.*"executable":"\([^"]*\)".*/\1/p' "$out")
    : >"$out"
    [ -n "$test" ]
}

# run: runs what was built last, and sets $status.
run() {
    status=0
    scripts/limit.sh "$SECONDS_EACH" "$test" >"$out" 2>&1 </dev/null || status=$?
}

# prove MODEL MUTANT...: runs a model, and then with each of these mutants.
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

    for mutant in "$@"; do
        # A mutant that does not compile proves nothing.
        build "$model" --cfg "rotor_mutant=\"$mutant\"" || fail "mutant $mutant does not compile"
        run
        [ "$status" != 0 ] || fail "mutant $mutant survived: the model does not see what it takes out"
        # Nor does one that ran out of time or of loom's own limits.
        if grep -q 'Model exceeded maximum' "$out"; then
            fail "mutant $mutant hit a limit of loom instead of a failure"
        fi
        grep -q '^test result: FAILED' "$out" ||
            fail "mutant $mutant ended without a failed test (exit $status, limit $SECONDS_EACH s)"
        printf 'loom: mutant %s is caught by: %s\n' "$mutant" \
            "$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$out" | sort -u | tr '\n' ' ')"
    done
}

# The names are meant as several.
prove loom_gate $GATE
prove loom_bells $BELLS
