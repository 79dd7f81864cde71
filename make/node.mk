NODE_DIR := $(ROOT)/bindings-node
NODE_BUILD := $(ROOT)/build/node
# Stripped by cargo: napi's own --strip builds everything a second time, for a target that is named.
# The native part is built by napi's own tool, alone: built with the other bindings it would share their features.
NAPI_BUILD := export CARGO_PROFILE_RELEASE_STRIP=symbols && cd $(NODE_DIR) && npx napi build --platform --no-js --manifest-path native/Cargo.toml --output-dir prebuilt

# What `npm ci` installed; the lock file says what that is.
NODE_MODULES := $(NODE_DIR)/node_modules/.package-lock.json
$(NODE_MODULES): $(NODE_DIR)/package.json $(NODE_DIR)/package-lock.json
	cd $(NODE_DIR) && npm ci
	touch $@

.PHONY: node-dist demo-node test-node check-node

node-dist: $(NODE_MODULES)
	cd $(NODE_DIR) && rm -rf dist && npx tsc

# The package as a user has it: packed, installed in an empty folder, run against the sandbox over HTTPS.
demo-node: node-dist
	rm -rf $(NODE_DIR)/prebuilt
	$(NAPI_BUILD) --release
	cargo build --package hightouch-sandbox
	rm -rf $(NODE_BUILD) && mkdir -p $(NODE_BUILD)/app
	cd $(NODE_DIR) && npm pack --silent --pack-destination $(NODE_BUILD)
	cd $(NODE_BUILD)/app && npm init --yes >/dev/null && npm install --silent --offline ../hightouch-sdk-*.tgz
	node $(NODE_DIR)/tools/demo.mjs $(CARGO_TARGET_DIR)/debug/hightouch-sandbox $(NODE_BUILD)/app

test-node: node-dist
	$(NAPI_BUILD)
	cargo build --package hightouch-sandbox
	cd $(NODE_DIR) && rm -rf dist-test && npx tsc --project test
	cd $(NODE_DIR) && HIGHTOUCH_SANDBOX=$(CARGO_TARGET_DIR)/debug/hightouch-sandbox node --test dist-test/

check-node: node-dist
	cargo fmt --package hightouch-node --check
	cargo clippy --package hightouch-node --no-deps -- --deny warnings
	cd $(NODE_DIR) && npx prettier --check . && npx eslint . && npx tsc --noEmit --project test
	mkdir -p $(NODE_BUILD) && cd $(NODE_DIR) && npm pack --silent --pack-destination $(NODE_BUILD) >/dev/null
	cd $(NODE_DIR) && npx attw $(NODE_BUILD)/hightouch-sdk-*.tgz && npx publint $(NODE_BUILD)/hightouch-sdk-*.tgz --strict
