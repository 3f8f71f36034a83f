#!/bin/sh
# Runs the tests of the backends under the address sanitizer, which also finds leaks, where there is a
# nightly toolchain.
#
#   asan.sh [PACKAGE]...   the tests of these packages; by default those of the three backends
set -eu
cd "$(dirname "$0")/.."

host=$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p') || host=
runtime=$(rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/$host/lib || runtime=
if [ -z "$host" ] || ! ls "$runtime" | grep -q asan; then
    echo 'NOT RUN: no nightly toolchain with an address sanitizer, so the backends were not checked by it'
    echo '         (rustup toolchain install nightly)'
    exit 0
fi

CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/asan
CARGO_PROFILE_DEV_DEBUG=line-tables-only
RUSTFLAGS=-Zsanitizer=address
# The encoded form would win over RUSTFLAGS.
unset CARGO_ENCODED_RUSTFLAGS
LSAN_OPTIONS=suppressions=$PWD/scripts/leaks.supp:print_suppressions=0
export CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG RUSTFLAGS LSAN_OPTIONS

packages=
for package in ${*:-rotor-mio rotor-glib rotor-smol}; do
    packages="$packages -p $package"
done
# The list of words is meant to be split.
cargo +nightly test --target "$host" $packages --lib --tests --no-fail-fast </dev/null
echo 'asan: no invalid access and no leak was found'
