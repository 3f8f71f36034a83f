#!/bin/sh
# Tests the GTK examples on a display that nobody sees, where GTK 4 is there or can be installed.
set -eu
cd "$(dirname "$0")/.."

status=0
scripts/setup-gui.sh test || status=$?
if [ "$status" = 3 ]; then
    echo 'NOT RUN: what GTK programs are tested with is not here and cannot be installed (see above)'
    exit 0
fi
[ "$status" = 0 ] || exit "$status"

package='--manifest-path examples/gtk/Cargo.toml'
# The list of words is meant to be split. One window at a time: some measure how it is drawn.
cargo clippy $package --all-targets -- -D warnings
cargo test $package -- --test-threads=1
