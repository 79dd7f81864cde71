.PHONY: requirements

# Packages from PyPI that checks and builds install. `X.in` names packages: most with an exact version, some with a lower
# bound, and some with the version of another `.in`, which a line `-c` names. From it, uv writes `X.txt`: these packages
# and all of their dependencies, with exact versions and hashes, for all platforms and each CPython from 3.10. The files
# in REQUIREMENTS_311 are for CPython from 3.11. The recipes install only wheels.
REQUIREMENTS := $(wildcard bench/requirements.in bench/requirements/*.in bindings-python/requirements-*.in \
    packaging/requirements*.in site/requirements.in tests/house/requirements/*.in examples/recipes/requirements/*.in)
REQUIREMENTS_RECIPES := $(wildcard examples/recipes/requirements/*.in)
REQUIREMENTS_311 := site/requirements.in tests/house/requirements/release.in $(REQUIREMENTS_RECIPES)
REQUIREMENTS_UV := $(ROOT)/build/requirements/bin/uv

$(REQUIREMENTS_UV): tests/house/requirements/uv.txt
	$(PYTHON) -m venv --clear "$(ROOT)/build/requirements"
	"$(ROOT)/build/requirements/bin/pip" install -q --require-virtualenv --require-hashes -r "$<"
	touch "$@"

# Writes the `.txt` of each `.in`. A version that still fits stays as it is. `make requirements UPGRADE=--upgrade` takes
# the newest versions of all dependencies that no `.in` pins.
requirements: $(REQUIREMENTS:=.locked)

.PHONY: $(REQUIREMENTS:=.locked)
$(REQUIREMENTS:=.locked): REQUIREMENTS_PYTHON := 3.10
$(REQUIREMENTS_311:=.locked): REQUIREMENTS_PYTHON := 3.11
$(REQUIREMENTS_RECIPES:=.locked): REQUIREMENTS_WHEELS := --only-binary :all:
$(REQUIREMENTS:=.locked): %.in.locked: $(REQUIREMENTS_UV)
	"$(REQUIREMENTS_UV)" pip compile -q $(UPGRADE) --universal --generate-hashes --python-version $(REQUIREMENTS_PYTHON) \
	    $(REQUIREMENTS_WHEELS) --custom-compile-command "make requirements" $*.in -o $*.txt
