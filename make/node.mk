NODE_DIR := $(ROOT)/bindings-node
NODE_BUILD := $(ROOT)/build/node
# What `npm ci` installed; the lock file says what that is.
NODE_MODULES := $(NODE_DIR)/node_modules/.package-lock.json
$(NODE_MODULES): $(NODE_DIR)/package.json $(NODE_DIR)/package-lock.json
	cd "$(NODE_DIR)" && npm ci
	touch $@

.PHONY: node-dist demo-node test-node check-node docs-node

node-dist: $(NODE_MODULES)
	cd "$(NODE_DIR)" && rm -rf dist && npx tsc

# The package as a user has it: packed, installed in an empty folder, run against the sandbox over HTTPS.
demo-node: node-dist sandbox
	node "$(NODE_DIR)/tools/build-native.mjs" --release
	rm -rf "$(NODE_BUILD)" && mkdir -p "$(NODE_BUILD)/app"
	cd "$(NODE_DIR)" && npm pack --silent --pack-destination "$(NODE_BUILD)"
	cd "$(NODE_BUILD)/app" && npm init --yes >/dev/null && npm install --silent --offline ../hightouch-sdk-*.tgz
	cp "$(NODE_DIR)/examples/trigger-and-wait.mjs" "$(NODE_BUILD)/app"
	tests/house/with-sandbox "$(SANDBOX)" node "$(NODE_BUILD)/app/trigger-and-wait.mjs"

test-node: node-dist scenarios
	node "$(NODE_DIR)/tools/build-native.mjs"
	cd "$(NODE_DIR)" && rm -rf dist-test && npx tsc --project test
	cd "$(NODE_DIR)" && RUST_BACKTRACE=0 HIGHTOUCH_SANDBOX="$(SANDBOX)" HIGHTOUCH_SCENARIOS="$(SCENARIOS)" node --test dist-test/

# What users read, from the comments in the sources; whatever has none, or points nowhere, fails.
docs-node: $(NODE_MODULES)
	cd "$(NODE_DIR)" && npx typedoc --out "$(NODE_BUILD)/docs"

check-node: node-dist docs-node
	cargo fmt --package hightouch-node --check
	cargo clippy --locked --package hightouch-node --no-deps -- --deny warnings
	cd "$(NODE_DIR)" && npx prettier --check . && npx eslint . && npx tsc --noEmit --project test
	mkdir -p "$(NODE_BUILD)" && cd "$(NODE_DIR)" && npm pack --silent --pack-destination "$(NODE_BUILD)" >/dev/null
	cd "$(NODE_DIR)" && npx attw "$(NODE_BUILD)"/hightouch-sdk-*.tgz && npx publint "$(NODE_BUILD)"/hightouch-sdk-*.tgz --strict
