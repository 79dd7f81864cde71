SWIFT := bindings-swift/toolchain swift
SWIFT_FLAGS := -Xswiftc -warnings-as-errors
SWIFT_LIBRARY := $(CARGO_TARGET_DIR)/debug/libhightouch_swift.a
# The linker takes from its folders whatever fits: this one holds the one library and its .pc file.
SWIFT_PC := $(CARGO_TARGET_DIR)/swift
SWIFT_NATIVE := bindings-swift/Sources/HightouchNative/HightouchNative.swift
SWIFT_HEADER := bindings-swift/Sources/HightouchNativeFFI/HightouchNativeFFI.h

.PHONY: swift-library swift-native generate-swift check-swift test-swift demo-swift

# Built here and linked by Swift, perhaps inside of the toolchain's tree: a library of an older C library fits a newer.
swift-library:
	cd $(ROOT)
	cargo build --locked -p hightouch-swift
	mkdir -p $(SWIFT_PC)
	ln -f $(SWIFT_LIBRARY) $(SWIFT_PC)/
	printf '%s\n' 'Name: hightouch-swift' 'Description: The Hightouch SDK core' 'Version: 0' \
	    'Libs: -L$(SWIFT_PC) -lhightouch_swift -lgcc_s -lm -ldl -lpthread' > $(SWIFT_PC)/hightouch-swift.pc
	# SwiftPM does not see that a library it links has changed; without its products it links again.
	stamp=$(SWIFT_PC)/linked
	if [ ! $$stamp -nt $(SWIFT_LIBRARY) ]; then
	    rm -rf .build/debug/*.xctest .build/debug/trigger-and-wait
	    touch $$stamp
	fi
