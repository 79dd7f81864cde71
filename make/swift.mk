SWIFT := bindings-swift/toolchain swift
# Package.swift does not set these flags, because SwiftPM rejects a dependency that has such flags.
SWIFT_FLAGS := -Xswiftc -warnings-as-errors
SWIFT_ENV := PKG_CONFIG_PATH="$(CARGO_TARGET_DIR)/swift$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))"
SWIFT_SOURCES := Package.swift bindings-swift/Sources/HightouchSDK bindings-swift/Sources/HightouchTesting bindings-swift/Tests bindings-swift/Examples tests/fleet/swift

.PHONY: swift-library swift-outside generate-swift check-swift docs-swift swift-tests test-swift demo-swift

swift-library:
	bindings-swift/native library

# Generates the bridge with uniffi; `make generate` generates models, settings and methods.
generate-swift:
	bindings-swift/native sources

check-swift: swift-library
	bindings-swift/native check
	$(SWIFT) format lint --strict --recursive --configuration bindings-swift/.swift-format $(SWIFT_SOURCES)
	$(SWIFT_ENV) $(SWIFT) build $(SWIFT_FLAGS)
	$(SWIFT_ENV) bindings-swift/docs "$(ROOT)/build/docs/swift" $(SWIFT_FLAGS)

# Builds build/docs/swift/HightouchSDK.doccarchive, which Xcode or a web server can show.
docs-swift: swift-library
	$(SWIFT_ENV) bindings-swift/docs "$(ROOT)/build/docs/swift" $(SWIFT_FLAGS)

# Builds the tests, which takes a minute.
swift-tests: swift-library scenarios
	HIGHTOUCH_SCENARIOS="$(SCENARIOS)" bindings-swift/scenario-tests
	bindings-swift/example-tests
	$(SWIFT_ENV) $(SWIFT) build --build-tests $(SWIFT_FLAGS)

# The folder for temporary files is below the root, which bindings-swift/toolchain mounts. It would leave an empty folder
# in its tree as the mount point of any other folder.
test-swift: swift-tests scenarios servers
	TMPDIR="$(ROOT)/build" HIGHTOUCH_SCENARIOS="$(SCENARIOS)" $(LEAVES_NOTHING) bindings-swift/run-tests "$(SANDBOX)"

# Takes about a minute, because the example waits for a run and for the rate limit.
demo-swift: swift-library sandbox
	$(SWIFT_ENV) $(SWIFT) build --product trigger-and-wait $(SWIFT_FLAGS)
	tests/house/with-sandbox "$(SANDBOX)" bindings-swift/toolchain .build/debug/trigger-and-wait

# Builds, tests and runs a package that depends on the last commit of this repository by URL, without cargo. Packs the
# library without optimisation; `make release-check-swift` packs it as in a release.
swift-outside: sandbox
	bindings-swift/artifact --debug "$(ROOT)/build/swift/debug" >/dev/null
	HIGHTOUCH_SANDBOX="$(SANDBOX)" bindings-swift/outside "$(ROOT)/build/swift/debug"
