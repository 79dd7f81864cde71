.PHONY: recipes

# Runs every recipe of examples/recipes on its framework. `make test` does not include this target, because the
# frameworks need 2.5 GB in build/recipes. On a machine with two cores, a run takes about ten minutes, and the
# first run more, because it also builds and installs packages. `make recipes RECIPES=airflow` runs only one environment.
RECIPES_DIR := $(ROOT)/build/recipes
RECIPES ?= airflow dagster prefect dbt web node report
RECIPES_PYTHON = $(RECIPES_DIR)/$*/bin
RECIPES_WHEELS := $(ROOT)/build/python/wheels

recipes: $(RECIPES:%=recipe-%)

# Without this line, make would delete these files as intermediate files, and install everything again.
.SECONDARY: $(RECIPES:%=$(RECIPES_DIR)/%/ready)

# Installs only wheels, because some dependencies of frameworks download more when they are built from source.
$(RECIPES_DIR)/%/ready: examples/recipes/requirements/%.txt
	$(PYTHON) -m venv --clear "$(RECIPES_DIR)/$*"
	"$(RECIPES_PYTHON)/pip" install -q --require-virtualenv --require-hashes --only-binary :all: -r "$<"
	touch "$@"

recipe-%: $(RECIPES_DIR)/%/ready python-wheel sandbox servers
	"$(RECIPES_PYTHON)/pip" install -q --require-virtualenv --force-reinstall --no-deps "$(RECIPES_WHEELS)"/*.whl
	cd examples/recipes && HIGHTOUCH_SANDBOX="$(SANDBOX)" HIGHTOUCH_SERVERS="$(SERVERS)" HIGHTOUCH_WHEELS="$(RECIPES_WHEELS)" \
	    "$(RECIPES_PYTHON)/python" -m pytest -q -p no:cacheprovider "tests/test_$*.py"

# Installs the packed package with Express and the bundlers, as an application does.
recipe-node: node-dist sandbox $(RECIPES_DIR)/web/ready
	node "$(NODE_DIR)/tools/build-native.mjs"
	rm -rf "$(RECIPES_DIR)/pack" "$(RECIPES_DIR)/node/node_modules/hightouch-sdk" && mkdir -p "$(RECIPES_DIR)/node" "$(RECIPES_DIR)/pack"
	cd "$(NODE_DIR)" && npm pack --silent --pack-destination "$(RECIPES_DIR)/pack"
	cp examples/recipes/requirements/package.json "$(RECIPES_DIR)/node/"
	cd "$(RECIPES_DIR)/node" && npm install --silent --no-audit --no-fund && \
	    npm install --silent --no-save --no-audit --no-fund "$(RECIPES_DIR)"/pack/hightouch-sdk-*.tgz
	cd examples/recipes && HIGHTOUCH_SANDBOX="$(SANDBOX)" HIGHTOUCH_NODE_APP="$(RECIPES_DIR)/node" \
	    "$(RECIPES_DIR)/web/bin/python" -m pytest -q -p no:cacheprovider tests/test_node.py

# Opens reports in Chromium and writes build/site/pictures. Chromium comes from Debian's package `chromium`; the
# variable CHROMIUM names another program. Without Chromium, the tests fail; RECIPES can leave them out.
recipe-report: python-wheel sandbox
	npm install --silent --no-audit --no-fund --no-save --prefix "$(ROOT)/build/site/node" playwright-core@1.65.1
	cd "$(PYTHON_DIR)" && HIGHTOUCH_SANDBOX="$(SANDBOX)" "$(PYTHON_VENV)/bin/python" -m pytest -q -p no:cacheprovider tests/look_at_report.py
