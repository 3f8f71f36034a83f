#!/bin/sh
# Runs the tests of the backends under valgrind's memcheck, where that is installed: it also knows what
# was never written, and what the C libraries below do.
#
#   valgrind.sh [PACKAGE]...   the tests of these packages; by default those of the three backends
set -eu
cd "$(dirname "$0")/.."

SECONDS_EACH=${SECONDS_EACH:-600}

if ! command -v valgrind >/dev/null 2>&1; then
    echo 'NOT RUN: valgrind is not installed, so the backends were not checked by it'
    exit 0
fi

packages=
for package in ${*:-rotor-mio rotor-glib rotor-smol}; do
    packages="$packages -p $package"
done

log=$(mktemp)
all=$(mktemp)
trap 'rm -f "$log" "$all"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The list of words is meant to be split.
tests=$(cargo test $packages --lib --tests --no-run --message-format json-render-diagnostics </dev/null |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
[ -n "$tests" ] || { echo 'valgrind: no tests were built' >&2; exit 1; }

# The verdict is about memory. A test that is too slow for its own limits here has been judged by
# `make test`; it is named, and no more, unless there are several. One that kills the run leaves it
# without a result.
failed=
for test in $tests; do
    status=0
    # The allocator of GLib's slices would hide what is freed.
    G_SLICE=always-malloc scripts/limit.sh "$SECONDS_EACH" valgrind -q --error-exitcode=99 \
        --fair-sched=yes --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --suppressions=scripts/valgrind.supp "$test" --test-threads=2 >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" = 99 ] || ! grep -q '^test result:' "$log"; then
        cat "$log"
        failed="$failed ${test##*/}"
    fi
    cat "$log" >>"$all"
    printf 'valgrind: %s %s\n' "${test##*/}" "$(sed -n 's/^test result: //p' "$log" | tail -n 1)"
done
least=115
[ $# = 0 ] || least=1
scripts/tally.sh valgrind "$all" "$least" 5
[ -z "$failed" ] || { echo "valgrind: errors in$failed" >&2; exit 1; }
echo 'valgrind: no invalid access, no use of what was never written and no leak was found'
