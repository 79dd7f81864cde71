.PHONY: check-alone spec-check codegen generate check-generated test-core check-core faults demo-rust

# Compares an OpenAPI file with the catalogue: `make spec-check FILE=...`. make exits with 2 after any failure. To get
# the exit status of the check, call tests/house/spec-check.
spec-check:
	@tests/house/spec-check "$(FILE)"

# Builds the generator. With an example, Cargo builds the core with what its tests need, and need not build it again.
CODEGEN := $(CARGO_TARGET_DIR)/debug/hightouch-codegen
codegen:
	cargo build --locked -q $(ONE_BUILD) -p hightouch-sdk -p hightouch-codegen --bin hightouch-codegen --example resume

# Writes all files that are generated from the catalogue.
generate: codegen
	"$(CODEGEN)" --root "$(ROOT)"

check-generated: codegen
	"$(CODEGEN)" --check --root "$(ROOT)"

# Most tests wait for a server, so more of them run at once than there are cores.
test-core: export RUST_TEST_THREADS ?= 4
# The program of the sandbox is for the tests of docs/testing.md and of the neighbour.
test-core: export HIGHTOUCH_SANDBOX = $(SANDBOX)
# The second command tests the core in a build with every feature of serde_json and a second TLS provider.
test-core: servers sandbox
	$(LEAVES_NOTHING) cargo test --locked $(ONE_BUILD) -p hightouch-sdk -p hightouch-codegen
	$(LEAVES_NOTHING) cargo test --locked $(ONE_BUILD) -p hightouch-neighbour

# The packages are checked in one command, because each other set of packages would check their dependencies again. The
# second command checks what is compiled without `tracing`. `make check-alone` checks the packages that are left out: the
# neighbour, whose features change the other packages, and uniffi's generator, a single call with many dependencies.
CLIPPY := cargo clippy --locked -q --workspace --exclude hightouch-neighbour --exclude hightouch-uniffi-bindgen
check-core:
	cargo fmt --all --check
	$(CLIPPY) --features hightouch-sdk/tracing --all-targets -- -D warnings
	$(CLIPPY) --lib -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked -q --no-deps $(ONE_BUILD) -p hightouch-sdk -p hightouch-sandbox

# Compiles each package with only the features that it names, which the builds of the tests do not show. Compiles uniffi's
# generator, and generates its code again.
check-alone:
	cargo clippy --locked -q -p hightouch-neighbour --lib --test tls -- -D warnings
	for package in hightouch-sdk hightouch-codegen hightouch-sandbox hightouch-node hightouch-swift; do \
	    cargo check --locked -q -p $$package || exit; \
	done
	bindings-swift/native sources && git diff --exit-code bindings-swift

# Prints how a read, a write and a trigger end after each failure of the network and the server.
faults:
	cargo test --locked -q $(ONE_BUILD) -p hightouch-sdk --test faults -- --nocapture

# Runs the examples in Rust against the sandbox, over HTTPS. The second example, that of docs/blocking-rust.md, has no
# setting for certificates. An unoptimised build is enough for it.
demo-rust: sandbox
	cargo build --locked -q --release -p hightouch-sdk --example trigger_and_wait
	tests/house/with-sandbox "$(SANDBOX)" "$(CARGO_TARGET_DIR)/release/examples/trigger_and_wait"
	cargo build --locked -q $(ONE_BUILD) -p hightouch-sdk --example blocking
	tests/house/with-sandbox "$(SANDBOX)" bash -c 'SSL_CERT_FILE=$$HIGHTOUCH_DEMO_CA "$$0"' \
	    "$(CARGO_TARGET_DIR)/debug/examples/blocking" | grep -xE '(success|warning) [1-9][0-9]*'
