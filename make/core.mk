# How an OpenAPI file differs from what the SDK knows; status 0: only in what is known, 1: something is new, 2: something
# that the SDK counts on is gone or changed.
spec-check:
	@cargo run --locked -q -p hightouch-codegen -- --spec-check "$(FILE)"

.PHONY: spec-check generate check-generated test-core check-core demo-rust

# Writes the hosts' generated files from the catalogue.
generate:
	cargo run --locked -q -p hightouch-codegen -- --root "$(ROOT)"

check-generated:
	cargo run --locked -q -p hightouch-codegen -- --check --root "$(ROOT)"

test-core:
	cargo test --locked -p hightouch-sdk -p hightouch-codegen

# Clippy for the bindings one at a time, as they are built.
check-core:
	cargo fmt --all --check
	cargo clippy --locked -q --all-targets -- -D warnings
	for package in hightouch-python hightouch-node hightouch-swift hightouch-uniffi-bindgen hightouch-bench; do \
	    cargo clippy --locked -q -p $$package -- -D warnings; \
	done
	RUSTDOCFLAGS="-D warnings" cargo doc --locked -q --no-deps -p hightouch-sdk -p hightouch-sandbox

demo-rust: sandbox
	cargo build --locked -q --release -p hightouch-sdk --example trigger_and_wait
	tests/house/with-sandbox "$(SANDBOX)" "$(CARGO_TARGET_DIR)/release/examples/trigger_and_wait"
