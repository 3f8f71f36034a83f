# `make demo` and `make test` are all one needs on a fresh machine with Rust and make.

.PHONY: help setup demo test storms scale lint loom miri tsan asan valgrind fuzz proof mutants bench bench-smoke gui test-gui scripts ci

# The peers on tokio are most of the build, so what is run often does without them.
BENCH = --manifest-path benches/Cargo.toml
BENCH_OURS = $(BENCH) --no-default-features --features rotor

GTK = --manifest-path examples/gtk/Cargo.toml

help:
	@echo 'For whoever looks at it or builds on it:'
	@echo 'make demo     mirror this repository under chaos, and prove the copy'
	@echo 'make gui      the window of mirror (GTK 4)'
	@echo 'make test     tests, doc tests and small examples; not those of the GTK programs'
	@echo 'make test-gui the GTK programs, clicked on a display that nobody sees'
	@echo 'make bench    what a message costs, beside other crates and the floors'
	@echo 'make setup    installs what a build needs and is missing; all of these do so first'
	@echo
	@echo 'For whoever works on it:'
	@echo 'make ci       all of these but fuzz, proof and mutants, a moment of bench, the demo, and test-gui'
	@echo 'make storms   ten thousand schedules of panics, kills, lost loops and delays within three minutes,'
	@echo '              three thousand of links within five'
	@echo 'make scale    instructions of supervision among ten and among 100 000 children'
	@echo 'make lint     formatting, clippy and docs, warnings are errors'
	@echo 'make loom     models of the wake protocol, in all orders up to a bound, and that their mutants fail'
	@echo 'make miri     the core under Miri, where it is installed'
	@echo 'make tsan     the backends under the thread sanitizer, where it can be built'
	@echo 'make asan     the backends under the address and leak sanitizer, where it can be built'
	@echo 'make valgrind the backends under memcheck, where valgrind is installed'
	@echo 'make fuzz     queue, timers, strategy and lifecycle under libFuzzer, where it can be built'
	@echo 'make proof    hours: loom with a higher bound, all tests under Miri that it can run, the sanitizers,'
	@echo '              valgrind, ten minutes of each fuzz target'
	@echo 'make mutants  each rule taken out once: its tests must fail (long)'
	@echo 'make bench-smoke  a moment of bench, without the crates on tokio'
	@echo 'make scripts  self-check of the scripts, without a network'

setup:
	@scripts/setup.sh

demo: setup
	cargo build --release -p rotor-examples --bin mirror
	@scripts/demo.sh

test: setup
	cargo test --workspace
	@scripts/examples.sh

# Ten thousand storms take three minutes at most, in whatever they are built; those of links are beside that.
storms: setup
	cargo test --workspace --no-run
	STORMS=10000 scripts/limit.sh 180 cargo test --workspace --lib storms
	STORMS=3000 scripts/limit.sh 300 cargo test --workspace --lib links_in_a_storm

scale: setup
	cargo test --release -p rotor-core --test scale -- --nocapture --test-threads=1

lint: setup
	cargo fmt --all --check
	cargo fmt $(BENCH) --check
	cargo fmt $(GTK) --check
	cargo fmt --manifest-path rotor-core/fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy $(BENCH_OURS) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	@scripts/mutants.sh --check

loom: setup
	@scripts/loom.sh

miri: setup
	@scripts/miri.sh

tsan: setup
	@scripts/tsan.sh

asan: setup
	@scripts/asan.sh

valgrind: setup
	@scripts/valgrind.sh

fuzz: setup
	@scripts/fuzz.sh

# Hours: every model with one preemption more than its bound.
proof: setup
	SECONDS_EACH=7200 MORE_PREEMPTIONS=1 scripts/loom.sh
	@scripts/miri.sh all
	@scripts/tsan.sh
	@scripts/asan.sh
	@scripts/asan.sh rotor-core
	@scripts/valgrind.sh
	@scripts/fuzz.sh 600

mutants: setup
	@scripts/mutants.sh $(ONLY)

bench: setup
	cargo run --release $(BENCH) -- targets --all --write benches/RESULTS.md

bench-smoke: setup
	cargo run --release $(BENCH_OURS) -- targets --all --runs 1 --scale 0.02

gui:
	@scripts/setup-gui.sh
	cargo run $(GTK) --bin mirror-gtk

test-gui:
	@scripts/test-gui.sh

scripts:
	@scripts/setup_test.sh

ci:
	@.ci/run
