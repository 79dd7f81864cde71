.PHONY: sandbox scenarios test-sandbox coverage-check

# The API as a local server; `$(SANDBOX) --help` says the rest.
SANDBOX := $(CARGO_TARGET_DIR)/debug/hightouch-sandbox
PLAYERS ?= rust,python,python-async,node,swift

sandbox:
	cargo build --locked -p hightouch-sandbox

# All scenarios in one folder, with those that the table of operations stands for: what the players play.
SCENARIOS := $(ROOT)/build/scenarios
scenarios: sandbox
	"$(SANDBOX)" scenarios --from "$(ROOT)/tests/scenarios" --to "$(SCENARIOS)"

test-sandbox:
	cargo test --locked -p hightouch-sandbox

# What the players left in HIGHTOUCH_COVERAGE. No scenario meets `internal`: it takes a defect of ours.
coverage-check: scenarios
	cargo run --locked -q -p hightouch-codegen -- --print >"$(ROOT)/build/catalogue.json"
	"$(SANDBOX)" coverage --file "$${HIGHTOUCH_COVERAGE:-$(ROOT)/build/coverage.jsonl}" \
	    --scenarios "$(SCENARIOS)" --players "$(PLAYERS)" \
	    --catalogue "$(ROOT)/build/catalogue.json" --except internal
