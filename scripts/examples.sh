#!/bin/sh
# Runs every small example without arguments. Each has to end by itself, with success, in time.
set -eu
cd "$(dirname "$0")/.."

# Run by `make demo`, or with a scenario by its tests.
NOT_HERE='mirror supervision_trace'
SECONDS_EACH=${SECONDS_EACH:-60}

# Asked for a target without a name, cargo lists those there are.
targets() {
    cargo run -p rotor-examples "$1" 2>&1 </dev/null | sed -n 's/^    \([A-Za-z0-9_-]*\)$/\1/p'
}

skipped() {
    set -f
    for pattern in $NOT_HERE; do
        # The pattern is meant as one: no quotes.
        case $1 in $pattern) set +f; return 0 ;; esac
    done
    set +f
    return 1
}

cargo build -p rotor-examples --bins --examples

out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

count=0
failed=
for kind in --bin --example; do
    for name in $(targets "$kind"); do
        skipped "$name" && continue
        count=$((count + 1))
        status=0
        scripts/limit.sh "$SECONDS_EACH" cargo run -q -p rotor-examples "$kind" "$name" \
            >"$out" 2>&1 </dev/null || status=$?
        if [ "$status" = 0 ]; then
            printf 'example %s ... ok\n' "$name"
        else
            printf 'example %s ... FAILED (exit %s, limit %s s)\n' "$name" "$status" "$SECONDS_EACH"
            sed 's/^/    /' "$out"
            failed="$failed $name"
        fi
    done
done

if [ "$count" = 0 ]; then
    echo 'examples: found none to run' >&2
    exit 1
fi
if [ -n "$failed" ]; then
    printf 'examples: failed:%s\n' "$failed" >&2
    exit 1
fi
printf 'examples: %s ran\n' "$count"
