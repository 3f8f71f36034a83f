#!/bin/sh
# Takes one rule at a time out of the code, and makes sure that the tests named after it then fail.
# The mutants, and their form, are in tests/mutants.
#
#   mutants.sh [--resume] [ID]...   runs those whose id begins like this, or all of them;
#                                   with --resume only those that have no verdict yet
#   mutants.sh --check              makes sure that each one can be applied; builds nothing
set -eu
cd "$(dirname "$0")/.."

SECONDS_EACH=${SECONDS_EACH:-20}
SHARED=${CARGO_TARGET_DIR:-target}/mutants

fail() {
    printf 'mutants: %s\n' "$*" >&2
    exit 1
}

# mutants MODE ROOT [NUMBER]: see mutants.awk.
mutants() {
    awk -v mode="$1" -v root="$2" -v pick="${3:-0}" -f scripts/mutants.awk tests/mutants/*.txt
}

# The arguments by which cargo finds a suite of tests.
suite() {
    case $1 in
        conformance) echo '-p rotor-tests --lib' ;;
        core) echo '-p rotor-core --lib' ;;
        soundness | foreign_code | local_path | scale | allocations | depth | ends | turns) echo "-p rotor-core --test $1" ;;
        doc) echo '-p rotor-core --doc' ;;
        mio | glib | smol) echo "-p rotor-$1 --tests" ;;
        *) fail "no suite is named $1" ;;
    esac
}

check() {
    mutants check .
    for test in $(mutants list . | cut -f 4); do
        suite "${test%%:*}" >/dev/null
        case $test in
            doc:*) ;; # named by their place
            *) grep -rq "fn ${test#*:}\b" tests rotor-*/ --include '*.rs' ||
                fail "no test is named ${test#*:}" ;;
        esac
    done
    printf 'mutants: %s can be applied\n' "$(mutants list . | wc -l)"
}

resume=
case ${1:-} in
    --check) check; exit ;;
    --resume) resume=yes; shift ;;
esac

out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# in_copy COMMAND...: runs it in the copy, where all builds share a folder.
in_copy() {
    (
        cd "$tree"
        # Some mutants would eat all memory, where that can be limited.
        ulimit -v 16000000 2>/dev/null || true
        "$limit" "$SECONDS_EACH" "$@"
    ) >"$out" 2>&1 </dev/null
}

# verdict SUITE TEST: sets $verdict to how the test went.
verdict() {
    status=0
    # The arguments of a suite are meant as several. Some tests wait for `make scale` otherwise.
    in_copy cargo test $(suite "$1") -- --include-ignored "$2" || status=$?
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        verdict=hung
    elif grep -q "^test .*$2.*FAILED" "$out"; then
        verdict=failed
    elif [ "$status" = 0 ] && grep -q "^test .*$2.* ok" "$out"; then
        verdict=passed
    elif grep -q 'signal: ' "$out"; then
        verdict=aborted
    else
        cat "$out"
        fail "$2 of $1 cannot be run"
    fi
}

# build SUITE...: builds the tests of these suites.
build() {
    for suite in "$@"; do
        case $suite in
            # Nothing else can be built of them. They must fail, but not because the library does.
            doc) SECONDS_EACH=1200 in_copy cargo build -p rotor-core || return 1 ;;
            *) SECONDS_EACH=1200 in_copy cargo test $(suite "$suite") --no-run || return 1 ;;
        esac
    done
}

suites() {
    printf '%s\n' "$@" | sed 's/:.*//' | sort -u
}

check
mkdir -p "$SHARED"
SHARED=$(cd "$SHARED" && pwd)
limit=$PWD/scripts/limit.sh
pristine=$SHARED/pristine
tree=$SHARED/tree
results=$SHARED/results
[ -n "$resume" ] || : >"$results"
touch "$results"

CARGO_TARGET_DIR=$SHARED/build
CARGO_PROFILE_DEV_DEBUG=0
CARGO_BUILD_JOBS=${CARGO_BUILD_JOBS:-2}
export CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG CARGO_BUILD_JOBS CARGO_TERM_COLOR=never

rm -rf "$pristine" "$tree"
mkdir "$pristine"
tar -cf - --exclude ./target --exclude ./.git . | tar -xf - -C "$pristine"
cp -rp "$pristine" "$tree"
# Nothing of this run changes when the sources do.
cd "$pristine"
# Cargo goes by time: whatever the last run had built of a mutant is older than this.
find "$tree" -path '*/src/*.rs' -exec touch {} +

selected=$(mutants list . | while IFS="$(printf '\t')" read -r number id title tests; do
    for prefix in "${@:-}"; do
        case $id in "$prefix"*) ;; *) continue ;; esac
        grep -qF "	$id	$title	" "$results" ||
            printf '%s\t%s\t%s\t%s\n' "$number" "$id" "$title" "$tests"
        break
    done
done)
[ -n "$selected" ] || fail 'none is left to run'

# A test that fails anyway proves nothing.
tests=$(printf '%s\n' "$selected" | cut -f 4 | tr ' ' '\n' | sort -u)
build $(suites $tests) || { cat "$out"; fail 'the tests do not build'; }
for suite in $(suites $tests); do
    for name in $(printf '%s\n' $tests | sed -n "s/^$suite://p"); do
        verdict "$suite" "$name"
        # Nor does one that takes too long anyway.
        [ "$verdict" = passed ] || { cat "$out"; fail "$name of $suite does not pass without any mutant: $verdict"; }
    done
done

printf '%s\n' "$selected" | while IFS="$(printf '\t')" read -r number id title tests; do
    changed=$(mutants apply "$tree" "$number")
    said=
    if build $(suites $tests); then
        how=caught
        for test in $tests; do
            verdict "${test%%:*}" "${test#*:}"
            [ "$verdict" != passed ] || how=SURVIVED
            said="$said    $verdict: ${test#*:}
"
        done
    else
        how='NOT BUILT'
    fi
    # Copied anew, so that the next build sees a change.
    for file in $changed; do
        cp "$pristine/$file" "$tree/$file"
    done
    printf '%-9s %-5s %s\n%s' "$how" "$id" "$title" "$said"
    printf '%s\t%s\t%s\t\n' "$how" "$id" "$title" >>"$results"
done

cut -f 1 "$results" | sort | uniq -c
! grep -qv '^caught' "$results" || exit 1
