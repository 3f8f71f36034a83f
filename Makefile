# `make demo` and `make test` are all one needs on a fresh machine with Rust and make.

.PHONY: help setup demo test lint loom miri mutants bench scripts ci

help:
	@echo 'make demo     mirror this repository under chaos, and prove the copy'
	@echo 'make test     all tests, doc tests and small examples'
	@echo 'make lint     formatting, clippy and docs, warnings are errors'
	@echo 'make loom     the proof of the wake protocol, and that its mutants fail'
	@echo 'make miri     the core under Miri, where it is installed'
	@echo 'make mutants  each rule taken out once: its tests must fail (long)'
	@echo 'make bench    the message path against its floor'
	@echo 'make scripts  self-check of the scripts, without a network'
	@echo 'make ci       all of these but mutants and bench'

setup:
	@scripts/setup.sh

demo: setup
	cargo build --release -p rotor-examples --bin mirror
	@scripts/demo.sh

test: setup
	cargo test --workspace
	@scripts/examples.sh

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	@scripts/mutants.sh --check

loom: setup
	@scripts/loom.sh

miri: setup
	@scripts/miri.sh

mutants: setup
	@scripts/mutants.sh $(ONLY)

bench: setup
	cargo run --release -p rotor-examples --bin bench_local
	cargo run --release -p rotor-examples --bin bench_handover

scripts:
	@scripts/setup_test.sh

ci:
	@.ci/run
