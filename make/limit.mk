.PHONY: bench-limit prove-limit test-loom

# The release profile without link-time optimisation, because that takes minutes.
LIMIT_FAST := CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16

# Measures how many nanoseconds a decision of the limit takes.
bench-limit:
	$(LIMIT_FAST) cargo bench --locked -p hightouch-limit-proofs --bench limit

# Runs the limit's simulations with ten times as many seeds as the tests.
prove-limit:
	LIMIT_SEEDS=100 $(LIMIT_FAST) cargo test --locked --release -p hightouch-limit-proofs --test simulation -- --nocapture
	LIMIT_SEEDS=10 $(LIMIT_FAST) cargo test --locked --release -p hightouch-limit-proofs --test fleet -- --nocapture

# Explores the gate's interleavings with loom. RUSTFLAGS apply to every crate, so this build has a folder of its own.
test-loom:
	CARGO_INCREMENTAL=0 RUSTFLAGS="--cfg limit_loom" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/loom" \
	    cargo test --locked -q -p hightouch-limit-proofs --test interleavings
