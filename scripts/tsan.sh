#!/bin/sh
# Runs the conformance suite, all backends included, and the tests of the backends under the thread
# sanitizer, where a nightly toolchain can build it into the standard library.
set -eu
cd "$(dirname "$0")/.."

host=$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p') || host=
source=$(rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library || source=
if [ -z "$host" ] || [ ! -d "$source" ]; then
    echo 'NOT RUN: nightly has no rust-src, so the backends were not checked for data races'
    echo '         (rustup toolchain install nightly --component rust-src)'
    exit 0
fi

CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/tsan
RUSTFLAGS=-Zsanitizer=thread
# The encoded form would win over RUSTFLAGS.
unset CARGO_ENCODED_RUSTFLAGS
export CARGO_TARGET_DIR RUSTFLAGS

# The verdict is about data races. A body that is too slow for its own limits here has been judged by
# `make test`; it is named, and no more, unless there are several. One that kills the run leaves it
# without a result.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
verdict=0

# judge NAME LEAST: says how the run went whose output is in the log.
judge() {
    if grep -q 'ThreadSanitizer' "$log" || ! grep -q '^test result:' "$log"; then
        cat "$log"
        verdict=1
    fi
    scripts/tally.sh "$1" "$log" "$2" 10 || verdict=1
}

# GLib is not built for the sanitizer, which sees of it what passes through libc (memory, locks of
# pthreads, descriptors), but not its atomic operations and its futexes. So its slices would be taken for
# races: one thread gets what another gave back. What else is known to be its own is in the file.
G_SLICE=always-malloc
TSAN_OPTIONS="${TSAN_OPTIONS:-} suppressions=$PWD/scripts/races.supp print_suppressions=0"
export G_SLICE TSAN_OPTIONS

# A panic on purpose is no news, and here it takes seconds to say where it was.
RUST_BACKTRACE=0
export RUST_BACKTRACE

# Left out: each body once more, what takes long on one thread, and a million messages.
cargo +nightly test -Zbuild-std --target "$host" -p rotor-tests --lib -- \
    --skip every_body_runs --skip row_m04 --skip e14_ --skip l26_once_a_stop_has_begun \
    --skip storms:: --skip l16_starts_and_stops --skip a16_an_urgent_message_is_next --skip s24_a_very_deep_tree \
    >"$log" 2>&1 </dev/null || true
judge 'conformance' 884

# What each backend has of its own.
cargo +nightly test -Zbuild-std --target "$host" -p rotor-mio -p rotor-glib -p rotor-smol \
    --lib --tests --no-fail-fast >"$log" 2>&1 </dev/null || true
judge 'backends' 115

[ "$verdict" = 0 ] || exit 1
echo 'no data race was found'
