.PHONY: site site-look check-site

# The site needs CPython 3.11 or newer, because Sphinx does. It is built from README.md and docs/ into build/site/html.
# A broken link, a missing heading and a page without a place in site/navigation.toml are errors. The references that
# `make docs` has built become a part of the site.
SITE := $(ROOT)/build/site
$(SITE)/venv/ready: site/requirements.txt
	$(PYTHON) -m venv --clear "$(SITE)/venv"
	"$(SITE)/venv/bin/pip" install -q --require-virtualenv -r site/requirements.txt
	touch "$@"

site: $(SITE)/venv/ready
	rm -rf "$(SITE)/html"
	"$(SITE)/venv/bin/python" site/stage.py "$(SITE)/source" "$(SITE)/html"
	"$(SITE)/venv/bin/python" -m sphinx -q -W --keep-going -E -c site -d "$(SITE)/doctrees" "$(SITE)/source" "$(SITE)/html"

# Opens the site in Chromium (Debian's package `chromium`; CHROMIUM names another). Writes build/site/pictures.
site-look: site
	npm install --silent --no-audit --no-fund --no-save --prefix "$(SITE)/node" playwright-core@1.65.1
	node site/look.mjs "$(SITE)/html" "$(SITE)/pictures"

# Ruff ignores the order of imports here, because it would have to know each framework.
check-site: site $(PYTHON_VENV)/ready
	"$(PYTHON_VENV)/bin/ruff" format --check site examples
	"$(PYTHON_VENV)/bin/ruff" check site examples
