#!/bin/sh
# Counts the tests in the output of `cargo test`, or of a test program: for checks that are about something
# else, and let a few tests be too slow.
#
#   tally.sh NAME LOG LEAST MOST   fails if fewer than LEAST have passed, or more than MOST have failed;
#                                  names those that have
set -eu

name=$1 log=$2 least=$3 most=$4

grep '^test .* FAILED$' "$log" || true
sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed;.*/\1 \2/p' "$log" | {
    passed=0 failed=0
    while read -r more less; do
        passed=$((passed + more)) failed=$((failed + less))
    done
    echo "$name: $passed tests passed, $failed failed"
    if [ "$passed" -lt "$least" ] || [ "$failed" -gt "$most" ]; then
        echo "$name: $least must pass, and $most may fail" >&2
        exit 1
    fi
}
