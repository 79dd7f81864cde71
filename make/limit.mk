.PHONY: bench-limit prove-host prove-limit proofs test-limit test-loom

# The release profile without link-time optimisation, which would take minutes.
LIMIT_FAST := CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16

# Measures how many nanoseconds a decision of the limit takes.
bench-limit:
	$(LIMIT_FAST) cargo bench --locked -p hightouch-limit-proofs --bench limit

# Builds the simulations of the limit. tests/house/test-all does so first: the build locks the folder in which the other
# parts build, and with a low priority it would lock it for long.
proofs:
	cargo test --locked -q --no-run $(ONE_BUILD) -p hightouch-limit-proofs

# Runs the simulations of the limit. They compute for minutes, but the other tests mostly wait. So they run beside the
# other tests, with the time of the processors that those leave.
test-limit: proofs
	nice -n 19 $(LEAVES_NOTHING) cargo test --locked $(ONE_BUILD) -p hightouch-limit-proofs

# Runs the limit's simulations with ten times as many seeds as the tests, and with every combination of faults that can
# happen to a fleet.
prove-limit:
	LIMIT_SEEDS=100 $(LIMIT_FAST) cargo test --locked --release -p hightouch-limit-proofs --test simulation -- --nocapture
	LIMIT_SEEDS=10 $(LIMIT_FAST) cargo test --locked --release -p hightouch-limit-proofs --test fleet --test moves -- --nocapture
	$(LIMIT_FAST) cargo test --locked --release -p hightouch-limit-proofs --test fleet -- --ignored --nocapture

# Explores the gate's interleavings with loom. RUSTFLAGS apply to every crate, so this build has a folder of its own.
test-loom:
	CARGO_INCREMENTAL=0 RUSTFLAGS="--cfg limit_loom" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/loom" \
	    cargo test --locked -q -p hightouch-limit-proofs --test interleavings

# Lets two processes of each language share the limit of this host: a minute for each way in which a server may count
# requests, and another minute each while random processes are killed and stopped. The builds are unoptimised.
PROVE_SECONDS ?= 60
prove-host: sandbox python-wheel node-dist swift-library
	cargo build --locked -q $(ONE_BUILD) -p hightouch-sdk --example load
	node "$(NODE_DIR)/tools/build-native.mjs"
	$(SWIFT_ENV) $(SWIFT) build --product load $(SWIFT_FLAGS)
	tests/house/with-sandbox "$(SANDBOX)" tests/fleet/host --seconds $(PROVE_SECONDS) \
	    "rust=$(CARGO_TARGET_DIR)/debug/examples/load" \
	    "python=$(PYTHON_VENV)/bin/python tests/fleet/load.py" \
	    "node=node tests/fleet/load.mjs" \
	    "swift=bindings-swift/toolchain .build/debug/load"
