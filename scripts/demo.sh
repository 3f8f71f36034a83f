#!/bin/sh
# Mirrors this repository into a temporary folder under seeded chaos, and proves the copy with
# diff, and by the times of files and folders. The last line is `identical: N files, M bytes, R restarts`.
set -eu
cd "$(dirname "$0")/.."

SEED=${SEED:-7}

fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# A hook of git would point every git command at its own repository.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# An empty prefix means that this folder itself is the top of a checkout.
if prefix=$(git rev-parse --show-prefix 2>/dev/null) && [ -z "$prefix" ]; then
    git clone --quiet --no-hardlinks . "$tmp/src"
else
    mkdir "$tmp/src"
    tar -cf "$tmp/src.tar" --exclude ./target .
    tar -xf "$tmp/src.tar" -C "$tmp/src"
    rm "$tmp/src.tar"
fi

status=0
cargo run -q --release -p rotor-examples --bin mirror -- \
    "$tmp/src" "$tmp/dst" --chaos "$SEED" --json >"$tmp/out" || status=$?
cat "$tmp/out"
[ "$status" = 0 ] || fail "mirror ended with exit code $status"

# The last line of the output is one flat JSON object.
report=$(sed -n '$p' "$tmp/out")
number() {
    printf '%s\n' "$report" | sed -n "s/^{.*\"$1\": *\([0-9][0-9]*\) *[,}].*/\1/p"
}

files=$(number files)
bytes=$(number bytes)
restarts=$(number restarts)
[ -n "$files" ] && [ -n "$bytes" ] && [ -n "$restarts" ] ||
    fail "mirror's last line is no report: $report"
[ "$(number failed)" = 0 ] || fail "files failed: $report"
case $report in
    *'"verified":true'* | *'"verified": true'*) ;;
    *) fail "not verified: $report" ;;
esac
[ "$files" -gt 0 ] || fail 'nothing was mirrored'

status=0
diff -r --no-dereference "$tmp/src" "$tmp/dst" || status=$?
case $status in
    0) ;;
    1) fail 'the copy differs' ;;
    *) fail 'diff could not compare; it has to be one that knows --no-dereference (GNU diffutils)' ;;
esac

# diff does not look at times.
(cd "$tmp/src" && find . ! -type l) >"$tmp/names"
while IFS= read -r name; do
    if [ "$tmp/src/$name" -nt "$tmp/dst/$name" ] || [ "$tmp/src/$name" -ot "$tmp/dst/$name" ]; then
        fail "$name has another time"
    fi
done <"$tmp/names"

printf 'identical: %s files, %s bytes, %s restarts\n' "$files" "$bytes" "$restarts"
