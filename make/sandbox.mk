.PHONY: sandbox scenarios test-sandbox coverage-check

# Builds the sandbox. `$(SANDBOX) --help` describes its options.
SANDBOX := $(CARGO_TARGET_DIR)/debug/hightouch-sandbox
PLAYERS ?= rust,python,python-async,node,swift

sandbox:
	cargo build --locked $(ONE_BUILD) -p hightouch-sandbox

# Writes all scenarios into one folder for the players, including those expanded from tests/scenarios/table.
SCENARIOS := $(ROOT)/build/scenarios
scenarios: sandbox
	"$(SANDBOX)" scenarios --from "$(ROOT)/tests/scenarios" --to "$(SCENARIOS)"

test-sandbox:
	$(LEAVES_NOTHING) cargo test --locked $(ONE_BUILD) -p hightouch-sandbox

# Checks that each player covered every operation and every kind of error. The players write to HIGHTOUCH_COVERAGE. The
# kind `internal` is excepted, because it stands for a bug of the SDK, which no scenario can cause.
coverage-check: scenarios codegen
	"$(CODEGEN)" --print >"$(ROOT)/build/catalogue.json"
	"$(SANDBOX)" coverage --file "$${HIGHTOUCH_COVERAGE:-$(ROOT)/build/coverage.jsonl}" \
	    --scenarios "$(SCENARIOS)" --players "$(PLAYERS)" \
	    --catalogue "$(ROOT)/build/catalogue.json" --except internal
