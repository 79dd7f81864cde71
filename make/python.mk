.PHONY: demo test-python check-python docs-python python-wheel python-sandbox-wheel

# CPython 3.11 or newer. The demo and the tests also work with CPython 3.10.
PYTHON ?= python3
PYTHON_DIR := $(ROOT)/bindings-python
# One environment for tools and tests, and one for the demo, which builds and installs the package with pip. In the first,
# pip does not compile the modules, of which the tests use few: CPython compiles a module when it is first imported.
PYTHON_VENV := $(ROOT)/build/python/venv
PYTHON_DEMO := $(ROOT)/build/python/demo

$(PYTHON_VENV)/ready: bindings-python/requirements-dev.txt
	$(PYTHON) -m venv --clear "$(PYTHON_VENV)"
	"$(PYTHON_VENV)/bin/pip" install -q --no-compile --require-virtualenv --require-hashes -r "$(PYTHON_DIR)/requirements-dev.txt"
	touch "$@"

# Builds an unoptimised wheel and installs it, so that the tests run against what the wheel contains. It is built without
# tests/house/one-build, as by a user, so that the build fails if the core does not name a feature that it needs.
python-wheel: $(PYTHON_VENV)/ready
	rm -rf "$(ROOT)/build/python/wheels"
	"$(PYTHON_VENV)/bin/maturin" build -q --locked --profile dev -m "$(PYTHON_DIR)/Cargo.toml" -o "$(ROOT)/build/python/wheels"
	"$(PYTHON_VENV)/bin/pip" install -q --require-virtualenv --force-reinstall --no-deps "$(ROOT)"/build/python/wheels/*.whl

# Builds an unoptimised wheel of the sandbox. The tests install this wheel as a user does.
python-sandbox-wheel: $(PYTHON_VENV)/ready
	rm -rf "$(ROOT)/build/python/sandbox-wheels"
	"$(PYTHON_VENV)/bin/maturin" build -q --locked --profile dev --features one-build -m "$(ROOT)/tests/sandbox/Cargo.toml" -o "$(ROOT)/build/python/sandbox-wheels"

# Runs the example in Python against the sandbox over HTTPS. Needs cargo and Python. The build is unoptimised, because
# an optimised build takes minutes. It is not incremental either, because a first build then takes longer. So does the
# build that all tests share.
demo: export CARGO_INCREMENTAL := 0
demo: ONE_BUILD :=
demo: sandbox
	[ -x "$(PYTHON_DEMO)/bin/pip" ] || $(PYTHON) -m venv "$(PYTHON_DEMO)"
	"$(PYTHON_DEMO)/bin/pip" install -q --require-virtualenv --require-hashes -r packaging/requirements-runtime.txt
	"$(PYTHON_DEMO)/bin/pip" install -q --require-virtualenv --no-deps --config-settings=build-args=--profile=dev "$(PYTHON_DIR)"
	tests/house/with-sandbox "$(SANDBOX)" "$(PYTHON_DEMO)/bin/python" "$(PYTHON_DIR)/examples/trigger_and_wait.py"

# Most tests wait for a server, so four processes need a third of the time of one. All tests of a file run in the same
# process, because they may share environments and worlds.
test-python: scenarios servers python-wheel python-sandbox-wheel
	cd "$(PYTHON_DIR)" && HIGHTOUCH_SANDBOX="$(SANDBOX)" HIGHTOUCH_SCENARIOS="$(SCENARIOS)" $(LEAVES_NOTHING) "$(PYTHON_VENV)/bin/python" -m pytest -q -p no:cacheprovider -n 4 --dist loadfile

# Builds the documentation of the installed package. It fails if a public name is on no page or a reference is broken.
# Sphinx needs Python 3.11.
docs-python: python-wheel
	rm -rf "$(ROOT)/build/python/docs"
	"$(PYTHON_VENV)/bin/python" -m sphinx -q -n -W --keep-going -E -d "$(ROOT)/build/python/doctrees" "$(PYTHON_DIR)/docs" "$(ROOT)/build/python/docs"

check-python: python-wheel docs-python
	cd "$(PYTHON_DIR)" && "$(PYTHON_VENV)/bin/ruff" format --check .
	cd "$(PYTHON_DIR)" && "$(PYTHON_VENV)/bin/ruff" check .
	cd "$(PYTHON_DIR)" && "$(PYTHON_VENV)/bin/mypy" python/hightouch_sdk tests examples
	cd "$(PYTHON_DIR)" && "$(PYTHON_VENV)/bin/pyright" --pythonpath "$(PYTHON_VENV)/bin/python" python/hightouch_sdk examples
	cd "$(ROOT)/build/python" && PATH="$(PYTHON_VENV)/bin:$$PATH" pyright --verifytypes hightouch_sdk --ignoreexternal
	"$(PYTHON_VENV)/bin/stubtest" hightouch_sdk._bridge
