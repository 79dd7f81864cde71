SWIFT := bindings-swift/toolchain swift
# Of our own builds alone: a package with such flags in its manifest could not be depended on.
SWIFT_FLAGS := -Xswiftc -warnings-as-errors
SWIFT_ENV := PKG_CONFIG_PATH="$(CARGO_TARGET_DIR)/swift$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))"
SWIFT_SOURCES := Package.swift bindings-swift/Sources/HightouchSDK bindings-swift/Tests bindings-swift/Examples

.PHONY: swift-library generate-swift check-swift docs-swift test-swift demo-swift

swift-library:
	bindings-swift/native library

# Writes uniffi's half of the bridge; `make generate` writes models, settings and methods.
generate-swift:
	bindings-swift/native sources

check-swift: swift-library
	bindings-swift/native check
	$(SWIFT) format lint --strict --recursive --configuration bindings-swift/.swift-format $(SWIFT_SOURCES)
	$(SWIFT_ENV) $(SWIFT) build $(SWIFT_FLAGS)
	$(SWIFT_ENV) bindings-swift/docs "$(ROOT)/build/docs/swift"

# build/docs/swift/HightouchSDK.doccarchive, which a web server or Xcode shows.
docs-swift: swift-library
	$(SWIFT_ENV) bindings-swift/docs "$(ROOT)/build/docs/swift"

test-swift: swift-library scenarios
	HIGHTOUCH_SCENARIOS="$(SCENARIOS)" bindings-swift/scenario-tests
	$(SWIFT_ENV) $(SWIFT) build --build-tests $(SWIFT_FLAGS)
	$(SWIFT_ENV) HIGHTOUCH_SCENARIOS="$(SCENARIOS)" tests/house/with-sandbox "$(SANDBOX)" \
	    $(SWIFT) test --skip-build --disable-swift-testing $(SWIFT_FLAGS)

# A window of the API is 10 s long, so this takes about a minute.
demo-swift: swift-library sandbox
	$(SWIFT_ENV) $(SWIFT) build --product trigger-and-wait $(SWIFT_FLAGS)
	tests/house/with-sandbox "$(SANDBOX)" bindings-swift/toolchain .build/debug/trigger-and-wait
