.PHONY: spec-check generate check-generated test-core check-core faults demo-rust

# Compares an OpenAPI file with the catalogue: `make spec-check FILE=...`. make exits with 2 after any failure. To get
# the exit status of the check, call tests/house/spec-check.
spec-check:
	@tests/house/spec-check "$(FILE)"

# Writes all files that are generated from the catalogue.
generate:
	cargo run --locked -q -p hightouch-codegen -- --root "$(ROOT)"

check-generated:
	cargo run --locked -q -p hightouch-codegen -- --check --root "$(ROOT)"

# Most tests wait for a server, so more of them run at once than there are cores.
test-core: export RUST_TEST_THREADS ?= 4
# The second command tests the feature `tracing`. The third runs tests of the core in a build with every feature of
# serde_json.
test-core: servers
	$(LEAVES_NOTHING) cargo test --locked -p hightouch-sdk -p hightouch-codegen
	$(LEAVES_NOTHING) cargo test --locked -p hightouch-sdk --features tracing --test sandboxed -- spans hooks leaks
	$(LEAVES_NOTHING) cargo test --locked -p hightouch-neighbour

# The packages are checked in one command, because each other set of packages would check their dependencies again. The
# neighbour has a command of its own, because it enables features that change the other packages.
CLIPPY := cargo clippy --locked -q --workspace --exclude hightouch-neighbour
check-core:
	cargo fmt --all --check
	$(CLIPPY) --all-targets -- -D warnings
	$(CLIPPY) --features hightouch-sdk/tracing --lib --test sandboxed -- -D warnings
	cargo clippy --locked -q -p hightouch-neighbour -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked -q --no-deps -p hightouch-sdk -p hightouch-sandbox

# Prints how a read, a write and a trigger end after each failure of the network and the server.
faults:
	cargo test --locked -q -p hightouch-sdk --test faults -- --nocapture

demo-rust: sandbox
	cargo build --locked -q --release -p hightouch-sdk --example trigger_and_wait
	tests/house/with-sandbox "$(SANDBOX)" "$(CARGO_TARGET_DIR)/release/examples/trigger_and_wait"
