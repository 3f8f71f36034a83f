#!/bin/sh
# Runs the core's tests under Miri, where a nightly toolchain has it, and checks the error codes of the
# programs that must not compile, which only a nightly compiler does.
#
#   miri.sh [all]   also the tests of what is far from any unsafe code
set -eu
cd "$(dirname "$0")/.."

if ! cargo +nightly miri --version >/dev/null 2>&1; then
    echo 'NOT RUN: Miri is not installed, so the core was not checked for undefined behaviour'
    echo '         (rustup toolchain install nightly --component miri,rust-src)'
    exit 0
fi

CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/miri
MIRIFLAGS=${MIRIFLAGS:--Zmiri-strict-provenance}
export CARGO_TARGET_DIR MIRIFLAGS

# Sums, texts and decisions, which are far from any unsafe code.
safe='--skip backoff::tests --skip exit::tests --skip roster::tests --skip strategy::tests --skip wheel::tests --skip corpus_of_strategy'
[ "${1:-}" != all ] || safe=
# They are meant as several. Miri's first run asks a question when it can; without an input it does not wait
# for an answer.
cargo +nightly miri test -p rotor-core --lib --tests -- --skip fuzz::tests $safe </dev/null
# A few of the stories that the fuzzer has found, which are files: what is shut out else may be read here.
MIRIFLAGS="$MIRIFLAGS -Zmiri-disable-isolation" \
    cargo +nightly miri test -p rotor-core --lib -- fuzz::tests $safe </dev/null

# What only examples reach within the core: lists of futures, keys and redirects of bounds, groups.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo +nightly miri test -p rotor-core --doc -- spawn_each_in_order many::catch_panic \
    Bound::latest Bound::redirect group::Group 'Group<M>>::members' 'Addr<A>::ask_blocking' \
    >"$log" 2>&1 </dev/null || { cat "$log"; exit 1; }
scripts/tally.sh 'examples' "$log" 9 0 # all are found by their names

CARGO_TARGET_DIR=${CARGO_TARGET_DIR%/miri}/nightly cargo +nightly test --doc --no-fail-fast \
    -p rotor-core -p rotor-mio -p rotor-tests </dev/null
