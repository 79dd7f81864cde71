NODE_DIR := $(ROOT)/bindings-node
NODE_BUILD := $(ROOT)/build/node
# npm writes this file whenever it installs packages, so its time says when the packages were installed.
NODE_MODULES := $(NODE_DIR)/node_modules/.package-lock.json
$(NODE_MODULES): $(NODE_DIR)/package.json $(NODE_DIR)/package-lock.json
	cd "$(NODE_DIR)" && npm ci
	touch $@

# Other versions of Node.js, which also run the examples of the documentation. They come from the npm package `node`.
NODE_VERSIONS ?= 22.23.3 24.21.0
NODE_BINARIES := $(NODE_VERSIONS:%=$(ROOT)/build/nodes/%/node_modules/node/bin/node)
$(NODE_BINARIES): $(ROOT)/build/nodes/%/node_modules/node/bin/node:
	mkdir -p "$(ROOT)/build/nodes/$*"
	npm install --silent --no-save --prefix "$(ROOT)/build/nodes/$*" node@$*

.PHONY: node-dist node-versions demo-node test-node check-node docs-node

node-versions: $(NODE_BINARIES)

node-dist: $(NODE_MODULES)
	cd "$(NODE_DIR)" && rm -rf dist sandbox/dist && npx tsc && node tools/bundle.mjs && npx tsc --project sandbox

# Packs the package, installs it in an empty folder and runs an example against the sandbox, over HTTPS.
demo-node: node-dist sandbox
	node "$(NODE_DIR)/tools/build-native.mjs" --release
	rm -rf "$(NODE_BUILD)" && mkdir -p "$(NODE_BUILD)/app"
	cd "$(NODE_DIR)" && npm pack --silent --pack-destination "$(NODE_BUILD)"
	cd "$(NODE_BUILD)/app" && npm init --yes >/dev/null && npm install --silent --offline ../hightouch-sdk-*.tgz
	cp "$(NODE_DIR)/examples/trigger-and-wait.mjs" "$(NODE_BUILD)/app"
	tests/house/with-sandbox "$(SANDBOX)" node "$(NODE_BUILD)/app/trigger-and-wait.mjs"

# Most tests wait for a server, so more of them run at once than there are cores.
test-node: node-dist node-versions scenarios servers
	node "$(NODE_DIR)/tools/build-native.mjs"
	cd "$(NODE_DIR)" && rm -rf dist-test && npx tsc --project test
	cd "$(NODE_DIR)" && RUST_BACKTRACE=0 HIGHTOUCH_SANDBOX="$(SANDBOX)" HIGHTOUCH_SCENARIOS="$(SCENARIOS)" $(LEAVES_NOTHING) node --test --test-concurrency=3 dist-test/*.test.js

# Builds the reference. An export without a comment, or a link to nothing, is an error.
docs-node: node-dist
	cd "$(NODE_DIR)" && npx typedoc --out "$(NODE_BUILD)/docs"
	cd "$(NODE_DIR)" && npx typedoc --options sandbox/typedoc.json --out "$(NODE_BUILD)/docs-sandbox"

check-node: node-dist docs-node
	cd "$(NODE_DIR)" && npx prettier --check . && npx eslint . && npx tsc --noEmit --project test
	mkdir -p "$(NODE_BUILD)" && cd "$(NODE_DIR)" && npm pack --silent --pack-destination "$(NODE_BUILD)" >/dev/null
	cd "$(NODE_DIR)/sandbox" && npm pack --silent --pack-destination "$(NODE_BUILD)" >/dev/null
	cd "$(NODE_DIR)" && npx attw "$(NODE_BUILD)"/hightouch-sdk-*.tgz && npx publint "$(NODE_BUILD)"/hightouch-sdk-*.tgz --strict
	cd "$(NODE_DIR)" && npx publint "$(NODE_BUILD)"/hightouch-sandbox-*.tgz --strict
	cd "$(NODE_DIR)" && npx attw "$(NODE_BUILD)"/hightouch-sandbox-*.tgz --exclude-entrypoints vitest
	cd "$(NODE_DIR)" && npx attw "$(NODE_BUILD)"/hightouch-sandbox-*.tgz --entrypoints vitest --profile esm-only
