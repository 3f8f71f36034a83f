#!/bin/sh
# limit.sh SECONDS COMMAND...: runs the command, and ends it when it takes longer.
set -eu

seconds=$1
shift

if command -v timeout >/dev/null 2>&1; then
    exec timeout -k 10 "$seconds" "$@"
elif command -v gtimeout >/dev/null 2>&1; then
    exec gtimeout -k 10 "$seconds" "$@"
else
    # macOS has neither, but it has perl.
    exec perl -e 'alarm shift; exec @ARGV or die "limit: $ARGV[0]: $!\n"' "$seconds" "$@"
fi
