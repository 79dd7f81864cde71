SWIFT := bindings-swift/toolchain swift
SWIFT_PC := $(CARGO_TARGET_DIR)/swift
SWIFT_FLAGS := -Xswiftc -warnings-as-errors
SWIFT_NATIVE := bindings-swift/Sources/HightouchNative/HightouchNative.swift
SWIFT_HEADER := bindings-swift/Sources/HightouchNativeFFI/HightouchNativeFFI.h
export PKG_CONFIG_PATH := $(SWIFT_PC)$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))

.PHONY: swift-library generate-swift check-swift test-swift demo-swift

# The library stands in a folder of its own: the linker takes from -L whatever fits, and
# $(CARGO_TARGET_DIR)/debug holds other crates' libraries too.
swift-library:
	cd $(ROOT)
	cargo build -p hightouch-swift --release
	mkdir -p $(SWIFT_PC)
	ln -sf ../release/libhightouch_swift.a $(SWIFT_PC)/libhightouch_swift.a
