.PHONY: bench bench-rust bench-python bench-node bench-sizes bench-lanes bench-peers-python bench-starts-python \
    bench-peers-node bench-profile

# Compares the CPU time of a call of the SDK with that of each language's usual clients and of bare reqwest. Prints
# tables of ratios with the goals of bench/goals.py, and writes build/bench/pages/*.json. A missed goal is no failure.
# The first build takes about twenty minutes, and measuring about eight.
bench: bench-rust bench-python bench-node bench-swift bench-sizes bench-limit

BENCH := $(ROOT)/build/bench
BENCH_RUST := $(CARGO_TARGET_DIR)/speed/hightouch-bench-rust
BENCH_SERVER := $(CARGO_TARGET_DIR)/speed/hightouch-bench-server
BENCH_PYTHON := $(BENCH)/python/bin/python
BENCH_RUN = python3 "$(ROOT)/bench/run.py"
# Two lanes, which are processes that make calls with one client, for bare reqwest, the usual client of Rust. One lane
# drops the bytes of an answer, and the other parses them into a tree.
BENCH_FLOOR := "reqwest-bytes=$(BENCH_RUST) reqwest-bytes" "reqwest-value=$(BENCH_RUST) reqwest-value"

# Saves pages from the sandbox. A minimal server replays them, so that the server costs as little as possible.
bench-lanes: sandbox
	cargo build --locked -q --profile speed -p hightouch-bench
	tests/house/with-sandbox "$(SANDBOX)" python3 "$(ROOT)/bench/pages.py" "$(BENCH)/pages"

bench-rust: bench-lanes
	$(BENCH_RUN) rust "$(BENCH)/pages" "$(BENCH_SERVER)" \
	    "sdk=$(BENCH_RUST) sdk" "door=$(BENCH_RUST) door" $(BENCH_FLOOR) \
	    "reqwest-bytes-http1=$(BENCH_RUST) reqwest-bytes-http1" "hyper-bytes=$(BENCH_RUST) hyper-bytes"

# Installs the release build of the package, and the clients that it is compared with at the versions in
# bench/requirements.txt.
bench-peers-python:
	[ -x "$(BENCH_PYTHON)" ] || $(PYTHON) -m venv "$(BENCH)/python"
	"$(BENCH_PYTHON)" -m pip install -q --require-virtualenv --require-hashes -r "$(ROOT)/bench/requirements.txt"
	rm -rf "$(BENCH)/wheels"
	"$(BENCH)/python/bin/maturin" build -q --locked --release -m "$(PYTHON_DIR)/Cargo.toml" -o "$(BENCH)/wheels"
	"$(BENCH_PYTHON)" -m pip install -q --require-virtualenv --force-reinstall --no-deps "$(BENCH)"/wheels/*.whl

# Installs each client into an environment of its own. Some packages import others only if these are installed, so a
# start in an environment with all clients would take longer: msgspec, for example, then imports typing_extensions,
# which httpx needs and the SDK does not.
bench-starts-python: bench-peers-python
	for client in sdk requests httpx aiohttp; do $(PYTHON) -m venv --clear "$(BENCH)/starts/$$client" || exit; done
	for client in requests httpx aiohttp; do \
	    "$(BENCH)/starts/$$client/bin/python" -m pip install -q --require-virtualenv --require-hashes \
	        -r "$(ROOT)/bench/requirements/$$client.txt" || exit; \
	done
	"$(BENCH)/starts/sdk/bin/python" -m pip install -q --require-virtualenv --require-hashes \
	    -r packaging/requirements-runtime.txt
	"$(BENCH)/starts/sdk/bin/python" -m pip install -q --require-virtualenv --no-deps "$(BENCH)"/wheels/*.whl

bench-python: bench-lanes bench-starts-python
	lane='$(BENCH_PYTHON) $(ROOT)/bench/python/lane.py'; \
	start() { echo "$$2=$(BENCH)/starts/$$1/bin/python $(ROOT)/bench/python/lane.py $$2"; }; \
	$(BENCH_RUN) python "$(BENCH)/pages" "$(BENCH_SERVER)" \
	    "sdk=$$lane sdk" "sdk-asyncio=$$lane sdk-asyncio" "sdk-untyped=$$lane sdk-untyped" \
	    "requests=$$lane requests" "httpx=$$lane httpx" "aiohttp=$$lane aiohttp" $(BENCH_FLOOR) \
	    --start "$$(start sdk sdk)" "$$(start sdk sdk-asyncio)" "$$(start requests requests)" \
	        "$$(start httpx httpx)" "$$(start aiohttp aiohttp)"

# Copies lane.mjs to the folder in which npm installs the packages that it imports.
bench-peers-node: node-dist
	node "$(NODE_DIR)/tools/build-native.mjs" --release
	rm -rf "$(BENCH)/node/pack" && mkdir -p "$(BENCH)/node/pack"
	cd "$(NODE_DIR)" && npm pack --silent --pack-destination "$(BENCH)/node/pack" >/dev/null
	cp "$(ROOT)/bench/node/package.json" "$(ROOT)/bench/node/lane.mjs" "$(BENCH)/node/"
	cd "$(BENCH)/node" && npm install --silent --no-audit --no-fund && npm install --silent --no-save --no-audit --no-fund ./pack/*.tgz

bench-node: bench-lanes bench-peers-node
	lane='node $(BENCH)/node/lane.mjs'; \
	$(BENCH_RUN) node "$(BENCH)/pages" "$(BENCH_SERVER)" \
	    "sdk=$$lane sdk" "sdk-untyped=$$lane sdk-untyped" "fetch=$$lane fetch" "undici=$$lane undici" \
	    "axios=$$lane axios" $(BENCH_FLOOR) --start sdk fetch undici axios

bench-sizes: bench-peers-python bench-peers-node
	python3 "$(ROOT)/bench/sizes.py" "$(BENCH)"/wheels/*.whl "$(BENCH)"/node/pack/*.tgz

.PHONY: bench-swift bench-peers-swift

# The release build for Swift has a folder of its own, because it shares nothing with the debug build. The first use of
# bindings-swift/toolchain may install Swift.
BENCH_SWIFT := bindings-swift/toolchain env PKG_CONFIG_PATH="$(BENCH)/swift" swift build --configuration release \
    --package-path "$(ROOT)/bench/swift" --scratch-path "$(BENCH)/swift/build"

bench-peers-swift:
	cargo build --locked -q --release -p hightouch-swift
	mkdir -p "$(BENCH)/swift"
	cp "$(CARGO_TARGET_DIR)/release/libhightouch_swift.a" "$(BENCH)/swift/"
	printf '%s\n' 'Name: hightouch-swift' 'Description: The core of the Hightouch SDK' 'Version: 0' \
	    'Libs: -L$(BENCH)/swift -lhightouch_swift -lgcc_s -lm -ldl -lpthread' >"$(BENCH)/swift/hightouch-swift.pc"
	rm -f "$(BENCH)/swift/build/release/lane"
	$(BENCH_SWIFT)

bench-swift: bench-lanes bench-peers-swift
	lane='$(ROOT)/bench/swift/lane $(BENCH)/swift/build/release/lane'; \
	$(BENCH_RUN) swift "$(BENCH)/pages" "$(BENCH_SERVER)" \
	    "sdk=$$lane sdk" "urlsession=$$lane urlsession" $(BENCH_FLOOR)

# Prints what the CPU time of the calls is spent on. Needs `perf`.
bench-profile: bench-lanes bench-peers-python bench-peers-node
	python='$(BENCH_PYTHON) $(ROOT)/bench/python/lane.py' node='node $(BENCH)/node/lane.mjs'; \
	python3 "$(ROOT)/bench/profile_calls.py" "$(BENCH)/pages" "$(BENCH_SERVER)" "rust=$(BENCH_RUST) sdk" \
	    "door=$(BENCH_RUST) door" $(BENCH_FLOOR) "python=$$python sdk" "asyncio=$$python sdk-asyncio" \
	    "aiohttp=$$python aiohttp" "node=$$node sdk" "undici=$$node undici"
