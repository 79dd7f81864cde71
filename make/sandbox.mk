.PHONY: sandbox test-sandbox

# The API as a local server; `$(SANDBOX) --help` says the rest.
SANDBOX := $(CARGO_TARGET_DIR)/debug/hightouch-sandbox

sandbox:
	cargo build --locked -p hightouch-sandbox

test-sandbox:
	cargo test --locked -p hightouch-sandbox
