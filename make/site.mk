.PHONY: site site-look site-full site-links check-site

# Builds the site from README.md and docs/ into build/site/html. Sphinx needs CPython 3.11 or newer. A broken link, a
# missing heading, or a page that site/navigation.toml does not list is an error. The references that `make docs` has
# built become a part of the site. With REFERENCES=all, a reference that is not built is an error.
SITE := $(ROOT)/build/site
REFERENCES ?=
$(SITE)/venv/ready: site/requirements.txt
	$(PYTHON) -m venv --clear "$(SITE)/venv"
	"$(SITE)/venv/bin/pip" install -q --no-compile --require-virtualenv --require-hashes -r site/requirements.txt
	touch "$@"

site: $(SITE)/venv/ready
	rm -rf "$(SITE)/html"
	"$(SITE)/venv/bin/python" site/stage.py "$(SITE)/source" "$(SITE)/html" $(REFERENCES)
	"$(SITE)/venv/bin/python" -m sphinx -q -W --keep-going -E -c site -d "$(SITE)/doctrees" "$(SITE)/source" "$(SITE)/html"

# Opens the site in Chromium and writes build/site/pictures. Chromium comes from Debian's package `chromium`; the
# variable CHROMIUM names another program.
site-look: site
	npm install --silent --no-audit --no-fund --no-save --prefix "$(SITE)/node" playwright-core@1.65.1
	node site/look.mjs "$(SITE)/html" "$(SITE)/pictures" $(REFERENCES)

# Builds the reference of each language and the site, and looks at both. Removes what an earlier build left of the
# reference of Rust, because rustdoc keeps the pages of other crates and of deleted items.
site-full:
	rm -rf "$(CARGO_TARGET_DIR)/doc"
	$(MAKE) docs
	$(MAKE) site-look REFERENCES=all

# Asks the servers of all external links for their pages, so it needs the network. `make site` checks internal links.
site-links: $(SITE)/venv/ready
	rm -rf "$(SITE)/links"
	"$(SITE)/venv/bin/python" site/stage.py "$(SITE)/links/source" "$(SITE)/links/html"
	"$(SITE)/venv/bin/python" -m sphinx -q -W --keep-going -b linkcheck -c site -d "$(SITE)/links/doctrees" "$(SITE)/links/source" "$(SITE)/links"

# The settings of Ruff here ignore the order of imports, because Ruff would have to know each framework.
check-site: site $(PYTHON_VENV)/ready
	"$(SITE)/venv/bin/python" site/try_links.py
	"$(PYTHON_VENV)/bin/ruff" format --check site examples
	"$(PYTHON_VENV)/bin/ruff" check site examples
