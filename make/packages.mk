.PHONY: wheel wheel-free-threaded wheel-sandbox wheels sdist wheel-check notices check-notices node-packages node-check

# The packages for PyPI, in build/dist.
DIST := $(ROOT)/build/dist
PACKAGING := $(ROOT)/build/packaging
PACKAGING_TOOLS := $(PACKAGING)/bin
# The platform of the wheels. The compiler and linker of zig produce programs for an old glibc, however new the glibc of
# this machine is.
WHEEL_TARGET ?= x86_64-unknown-linux-gnu
WHEEL_TAG ?= manylinux2014
MATURIN_RELEASE = PATH="$(PACKAGING_TOOLS):$$PATH" maturin build -q --locked --release --zig --target $(WHEEL_TARGET) \
    --compatibility $(WHEEL_TAG) -o "$(DIST)"

# By default, zig links an unwinder of its own. In CPython older than 3.14, a thread that still waits in a call while the
# interpreter shuts down is ended by an unwinding of the C library, which crashes if the module has another unwinder.
# For another platform than that of this machine, zig's unwinder stays, because the libgcc_s here does not fit there.
RUST_HOST = $(shell rustc -vV | sed -n 's/^host: //p')
MATURIN_UNWINDER = $(if $(findstring -linux-gnu,$(filter $(RUST_HOST),$(WHEEL_TARGET))),\
    -- -C link-arg="$$(gcc -print-file-name=libgcc_s.so.1)")

$(PACKAGING)/ready: packaging/requirements.txt
	$(PYTHON) -m venv --clear "$(PACKAGING)"
	"$(PACKAGING_TOOLS)/pip" install -q --require-virtualenv --require-hashes -r packaging/requirements.txt
	touch "$@"

# Builds the wheel of the Python package: one for all versions of CPython.
wheel: $(PACKAGING)/ready
	mkdir -p "$(DIST)" && rm -f "$(DIST)"/hightouch_sdk-*.whl
	packaging/third_party.py sbom hightouch-python $(WHEEL_TARGET) "$(PACKAGING)/hightouch-python.cdx.json"
	$(MATURIN_RELEASE) --sbom-include "$(PACKAGING)/hightouch-python.cdx.json" -m "$(PYTHON_DIR)/Cargo.toml" \
	    $(MATURIN_UNWINDER)
	"$(PACKAGING_TOOLS)/python" packaging/repack.py "$(DIST)"/hightouch_sdk-*.whl

# Builds the wheel for one version of free-threaded CPython, which cannot load the other one. FREE_THREADED names the
# version or an interpreter; the version needs no interpreter on this machine.
FREE_THREADED ?= 3.14t
wheel-free-threaded: $(PACKAGING)/ready
	rm -rf "$(DIST)/free-threaded" && mkdir -p "$(DIST)/free-threaded"
	packaging/third_party.py sbom hightouch-python $(WHEEL_TARGET) "$(PACKAGING)/hightouch-python.cdx.json"
	$(MATURIN_RELEASE)/free-threaded -i "$(FREE_THREADED)" --sbom-include "$(PACKAGING)/hightouch-python.cdx.json" \
	    -m "$(PYTHON_DIR)/Cargo.toml" $(MATURIN_UNWINDER)
	"$(PACKAGING_TOOLS)/python" packaging/repack.py "$(DIST)"/free-threaded/*.whl

# Builds the wheel of the sandbox, which the extra `sandbox` installs.
wheel-sandbox: $(PACKAGING)/ready
	mkdir -p "$(DIST)" && rm -f "$(DIST)"/hightouch_sandbox-*.whl
	packaging/third_party.py sbom hightouch-sandbox $(WHEEL_TARGET) "$(PACKAGING)/hightouch-sandbox.cdx.json"
	$(MATURIN_RELEASE) --sbom-include "$(PACKAGING)/hightouch-sandbox.cdx.json" -m "$(ROOT)/tests/sandbox/Cargo.toml"
	"$(PACKAGING_TOOLS)/python" packaging/repack.py "$(DIST)"/hightouch_sandbox-*.whl

sdist: $(PACKAGING)/ready
	mkdir -p "$(DIST)" && rm -f "$(DIST)"/hightouch_sdk-*.tar.gz
	PATH="$(PACKAGING_TOOLS):$$PATH" maturin sdist -m "$(PYTHON_DIR)/Cargo.toml" -o "$(DIST)" 2>/dev/null

wheels: wheel wheel-sandbox sdist

# Checks the packages in build/dist with the tools of the registry. Then installs and uses them without cargo, on every
# CPython of this machine and on an old Debian. Fails if a version of CPython from 3.10 to 3.14 is missing, unless
# WHEEL_CHECK is --allow-missing.
WHEEL_CHECK ?=
wheel-check: $(PACKAGING)/ready
	FREE_THREADED="$(FREE_THREADED)" "$(PACKAGING_TOOLS)/python" packaging/check_wheels.py "$(DIST)" $(WHEEL_CHECK)

# Writes the licences of the crates that a package contains. Needs the sources of the crates for every platform.
notices:
	packaging/third_party.py notices

check-notices:
	packaging/third_party.py notices --check

# Builds the packages for npm into build/npm/packages, for one platform. The addon and the sandbox in them need glibc
# 2.28, as Node.js itself does.
NPM := $(ROOT)/build/npm
NPM_TARGET ?= linux-x64-gnu
ZIGBUILD = PATH="$(PACKAGING_TOOLS):$$PATH" CARGO_PROFILE_RELEASE_STRIP=symbols cargo zigbuild -q --locked --release \
    --target $(WHEEL_TARGET).2.28
node-packages: node-dist $(PACKAGING)/ready
	$(ZIGBUILD) -p hightouch-node
	$(ZIGBUILD) -p hightouch-sandbox
	rm -rf "$(NPM)" && mkdir -p "$(NPM)/built"
	cp "$(CARGO_TARGET_DIR)/$(WHEEL_TARGET)/release/libhightouch_node.so" "$(NPM)/built/hightouch-sdk.$(NPM_TARGET).node"
	cp "$(CARGO_TARGET_DIR)/$(WHEEL_TARGET)/release/hightouch-sandbox" "$(NPM)/built/hightouch-sandbox.$(NPM_TARGET)"
	node "$(NODE_DIR)/tools/platform-packages.mjs" "$(NPM)/built" "$(NPM)/packages"

# Checks the packages in build/npm/packages, and uses them without cargo: installed by npm, pnpm and Yarn, from files and
# from a registry on this machine, on an old Debian, in Jest and Vitest on each version of Node.js, in several versions of
# TypeScript, and in the bundles of each bundler. `make node-check NODE_CHECKS=bundlers` runs only one of these files.
# The check installs 900 MB into temporary folders, and deletes them.
NODE_CHECKS ?= installers registry runners types bundlers
node-check: node-dist node-versions sandbox
	cd "$(NODE_DIR)" && rm -rf dist-test && npx tsc --project test
	cd "$(NODE_DIR)" && for name in sdk sandbox; do npx publint "$(NPM)/packages/hightouch-$$name"-[0-9]*.tgz --strict; done
	cd "$(NODE_DIR)" && HIGHTOUCH_SANDBOX="$(SANDBOX)" HIGHTOUCH_PACKAGES="$(NPM)/packages" \
	    node --test --test-reporter spec $(NODE_CHECKS:%=dist-test/%.check.js)
