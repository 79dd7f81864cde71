.PHONY: wheel wheel-sandbox wheels sdist wheel-check notices check-notices

# The packages for PyPI, in build/dist.
DIST := $(ROOT)/build/dist
PACKAGING := $(ROOT)/build/packaging
PACKAGING_TOOLS := $(PACKAGING)/bin
# The platform of the wheels. The compiler and linker of zig build for an old glibc, on any machine with Rust.
WHEEL_TARGET ?= x86_64-unknown-linux-gnu
WHEEL_TAG ?= manylinux2014
MATURIN_RELEASE = PATH="$(PACKAGING_TOOLS):$$PATH" maturin build -q --locked --release --zig --target $(WHEEL_TARGET) \
    --compatibility $(WHEEL_TAG) -o "$(DIST)"

$(PACKAGING)/ready: packaging/requirements.txt
	$(PYTHON) -m venv --clear "$(PACKAGING)"
	"$(PACKAGING_TOOLS)/pip" install -q --require-virtualenv -r packaging/requirements.txt
	touch "$@"

# Builds the wheel of the Python package: one for all versions of CPython.
wheel: $(PACKAGING)/ready
	mkdir -p "$(DIST)" && rm -f "$(DIST)"/hightouch_sdk-*.whl
	packaging/third_party.py sbom hightouch-python $(WHEEL_TARGET) "$(PACKAGING)/hightouch-python.cdx.json"
	$(MATURIN_RELEASE) --sbom-include "$(PACKAGING)/hightouch-python.cdx.json" -m "$(PYTHON_DIR)/Cargo.toml"
	"$(PACKAGING_TOOLS)/python" packaging/repack.py "$(DIST)"/hightouch_sdk-*.whl

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

# Checks the packages in build/dist with the checkers that registries and users have, and uses them on every CPython
# here and on an old Debian, without cargo.
wheel-check: $(PACKAGING)/ready
	"$(PACKAGING_TOOLS)/python" packaging/check_wheels.py "$(DIST)"

# Writes the licences of the crates that a package contains. Needs the sources of crates for every platform.
notices:
	packaging/third_party.py notices

check-notices:
	packaging/third_party.py notices --check
