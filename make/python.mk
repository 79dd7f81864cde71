.PHONY: demo test-python check-python docs-python python-wheel

# Any CPython from 3.10 on.
PYTHON ?= python3
PYTHON_DIR := $(ROOT)/bindings-python
# The tools and the package as tests see it; the demonstration has a place of its own, like a user's.
PYTHON_VENV := $(ROOT)/build/python/venv
PYTHON_DEMO := $(ROOT)/build/python/demo

$(PYTHON_VENV)/ready: bindings-python/requirements-dev.txt
	$(PYTHON) -m venv --clear "$(PYTHON_VENV)"
	"$(PYTHON_VENV)/bin/pip" install -q --require-virtualenv -r "$(PYTHON_DIR)/requirements-dev.txt"
	touch "$@"

# A wheel as users get it, but for the optimiser; installed, so that what is tested is what is packed.
python-wheel: $(PYTHON_VENV)/ready
	rm -rf "$(ROOT)/build/python/wheels"
	"$(PYTHON_VENV)/bin/maturin" build -q --locked --profile dev -m "$(PYTHON_DIR)/Cargo.toml" -o "$(ROOT)/build/python/wheels"
	"$(PYTHON_VENV)/bin/pip" install -q --require-virtualenv --force-reinstall --no-deps "$(ROOT)"/build/python/wheels/*.whl

# The main job from Python against the sandbox over HTTPS; needs cargo and Python, nothing else. Built without the
# optimiser, which would take minutes and show nothing more.
demo: sandbox
	[ -x "$(PYTHON_DEMO)/bin/pip" ] || $(PYTHON) -m venv "$(PYTHON_DEMO)"
	"$(PYTHON_DEMO)/bin/pip" install -q --require-virtualenv --config-settings build-args="--profile dev" "$(PYTHON_DIR)"
	tests/house/with-sandbox "$(SANDBOX)" "$(PYTHON_DEMO)/bin/python" "$(PYTHON_DIR)/examples/trigger_and_wait.py"

test-python: scenarios python-wheel
	cd "$(PYTHON_DIR)" && HIGHTOUCH_SANDBOX="$(SANDBOX)" HIGHTOUCH_SCENARIOS="$(SCENARIOS)" "$(PYTHON_VENV)/bin/python" -m pytest -q -p no:cacheprovider

# What users read, from the installed package; a name on no page, or a reference that leads nowhere, fails. Sphinx needs
# Python 3.11, one newer than the package does.
docs-python: python-wheel
	rm -rf "$(ROOT)/build/python/docs"
	"$(PYTHON_VENV)/bin/python" -m sphinx -q -n -W --keep-going -E -d "$(ROOT)/build/python/doctrees" "$(PYTHON_DIR)/docs" "$(ROOT)/build/python/docs"

check-python: python-wheel docs-python
	cd "$(PYTHON_DIR)" && "$(PYTHON_VENV)/bin/ruff" format --check .
	cd "$(PYTHON_DIR)" && "$(PYTHON_VENV)/bin/ruff" check .
	cd "$(PYTHON_DIR)" && "$(PYTHON_VENV)/bin/mypy" python/hightouch_sdk tests examples
	cd "$(PYTHON_DIR)" && "$(PYTHON_VENV)/bin/pyright" --pythonpath "$(PYTHON_VENV)/bin/python" python/hightouch_sdk examples
