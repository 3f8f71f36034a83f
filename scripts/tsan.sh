#!/bin/sh
# Runs the conformance suite, all backends included, under the thread sanitizer, where a nightly
# toolchain can build it into the standard library.
set -eu
cd "$(dirname "$0")/.."

host=$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p') || host=
source=$(rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library
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

# Left out: each body once more, and what is no matter of threads.
cargo +nightly test -Zbuild-std --target "$host" -p rotor-tests --lib -- \
    --skip every_body_runs --skip row_m04 --skip e14_
