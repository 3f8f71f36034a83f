#!/bin/sh
# Fuzzes parts of the core, where a nightly toolchain and a C++ compiler are: first what is in the corpus,
# then for a while what libFuzzer makes of it. What it finds is written to target/fuzz, and fails.
#
#   fuzz.sh [SECONDS] [TARGET]...   each target for so long (10 s); or these only
#   fuzz.sh --merge [TARGET]...     makes the corpus anew: the fewest of it and of what earlier runs have
#                                   found that reach the same places of the code, at most 60
set -eu
cd "$(dirname "$0")/.."

MOST=60

merge=
seconds=10
case ${1:-} in
    --merge) merge=yes; shift ;;
    [0-9]*) seconds=$1; shift ;;
esac
targets=${*:-queue timers strategy lifecycle}

host=$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p') || host=
if [ -z "$host" ] || ! command -v c++ >/dev/null 2>&1; then
    echo 'NOT RUN: no nightly toolchain or no C++ compiler, so nothing was fuzzed beyond the corpus'
    echo '         (rustup toolchain install nightly; g++)'
    exit 0
fi

fail() {
    printf 'fuzz: %s\n' "$*" >&2
    exit 1
}

out=${CARGO_TARGET_DIR:-target}/fuzz
mkdir -p "$out"
out=$(cd "$out" && pwd)

# What cargo-fuzz would say. The encoded form would win over RUSTFLAGS.
unset CARGO_ENCODED_RUSTFLAGS
RUSTFLAGS='--cfg rotor_fuzz -Zsanitizer=address -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
    -Cllvm-args=-sanitizer-coverage-stack-depth'
CARGO_TARGET_DIR=$out/build
export RUSTFLAGS CARGO_TARGET_DIR
cargo +nightly build --release --target "$host" --manifest-path rotor-core/fuzz/Cargo.toml </dev/null
programs=$CARGO_TARGET_DIR/$host/release

for target in $targets; do
    corpus=rotor-core/fuzz/corpus/$target
    found=$out/found/$target
    mkdir -p "$found" "$corpus"
    set -- "$programs/$target" -max_len=1024 -timeout=20 -print_final_stats=0
    if [ "$merge" ]; then
        least=$out/least
        rm -rf "$least"
        mkdir "$least"
        # Which code is reached counts here, not how often: the corpus stays small.
        "$@" -set_cover_merge=1 -use_counters=0 "$least" "$corpus" "$found" \
            >"$out/log" 2>&1 </dev/null || { tail -n 60 "$out/log"; fail "$target fails"; }
        rm -rf "$corpus"
        mkdir "$corpus"
        # Not too many: the longest reach most.
        ls -S "$least" | head -n "$MOST" | while read -r name; do
            cp "$least/$name" "$corpus"
        done
        printf 'fuzz: corpus of %s: %s files\n' "$target" "$(ls "$corpus" | wc -l)"
        continue
    fi
    [ -n "$(ls "$corpus")" ] || fail "$target has no corpus"
    "$@" -artifact_prefix="$out/$target-" -max_total_time="$seconds" "$found" "$corpus" \
        >"$out/log" 2>&1 </dev/null || {
        tail -n 60 "$out/log"
        fail "$target fails"
    }
    # A fuzzer that tells nothing about the code, or runs nothing, finds nothing either.
    runs=$(sed -n 's/^Done \([1-9][0-9]*\) runs in .*/\1/p' "$out/log")
    reached=$(sed -n 's/.*DONE  *cov: \([1-9][0-9]*\) .*/\1/p' "$out/log")
    [ "$runs" ] && [ "$reached" ] || { cat "$out/log"; fail "$target was not run"; }
    printf 'fuzz: %s holds: %s stories, %s places of the code reached\n' "$target" "$runs" "$reached"
done
