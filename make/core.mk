# How an OpenAPI file differs from what the SDK knows. Its last line says how bad that is; make itself exits with 2 for
# whatever is not known, so who asks for the status calls tests/house/spec-check.
spec-check:
	@tests/house/spec-check "$(FILE)"

.PHONY: spec-check generate check-generated test-core check-core demo-rust

# Writes the hosts' generated files from the catalogue.
generate:
	cargo run --locked -q -p hightouch-codegen -- --root "$(ROOT)"

check-generated:
	cargo run --locked -q -p hightouch-codegen -- --check --root "$(ROOT)"

# Then beside a crate that turns on every feature of serde_json; what else it is built of is there already.
test-core:
	cargo test --locked -p hightouch-sdk -p hightouch-codegen -p hightouch-limit-proofs
	cargo test --locked -p hightouch-neighbour

# Clippy for the bindings one at a time, as they are built.
check-core:
	cargo fmt --all --check
	cargo clippy --locked -q --all-targets -- -D warnings
	for package in hightouch-python hightouch-node hightouch-swift hightouch-uniffi-bindgen hightouch-bench hightouch-limit-proofs hightouch-neighbour; do \
	    cargo clippy --locked -q -p $$package -- -D warnings; \
	done
	RUSTDOCFLAGS="-D warnings" cargo doc --locked -q --no-deps -p hightouch-sdk -p hightouch-sandbox

demo-rust: sandbox
	cargo build --locked -q --release -p hightouch-sdk --example trigger_and_wait
	tests/house/with-sandbox "$(SANDBOX)" "$(CARGO_TARGET_DIR)/release/examples/trigger_and_wait"
