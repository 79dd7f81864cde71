.PHONY: sandbox test-sandbox coverage-check

# The API as a local server; `$(SANDBOX) --help` says the rest.
SANDBOX := $(CARGO_TARGET_DIR)/debug/hightouch-sandbox
PLAYERS ?= rust,python,python-async,node,swift

sandbox:
	cargo build --locked -p hightouch-sandbox

test-sandbox:
	cargo test --locked -p hightouch-sandbox

# What the players left in HIGHTOUCH_COVERAGE. No scenario meets `internal`: it takes a defect of ours.
coverage-check: sandbox
	mkdir -p "$(ROOT)/build"
	cargo run --locked -q -p hightouch-codegen -- --print >"$(ROOT)/build/catalogue.json"
	"$(SANDBOX)" coverage --file "$${HIGHTOUCH_COVERAGE:-$(ROOT)/build/coverage.jsonl}" \
	    --scenarios "$(ROOT)/tests/scenarios" --players "$(PLAYERS)" \
	    --catalogue "$(ROOT)/build/catalogue.json" --except internal
