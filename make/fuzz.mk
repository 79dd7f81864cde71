.PHONY: fuzz fuzz-build

# Seconds for each target; FUZZ_TARGETS narrows them.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= answers errors door settings
FUZZ_DIR := $(ROOT)/build/fuzz
FUZZ_HOST := $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ := $(CARGO_TARGET_DIR)/fuzz/$(FUZZ_HOST)/release/fuzz
# What cargo-fuzz would pass, by flags that stable takes: neither it nor a nightly is needed, only a C++ compiler.
FUZZ_FLAGS := -Cpasses=sancov-module -Ccodegen-units=1 \
    $(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 inline-8bit-counters pc-table trace-compares)

# With the target named the flags are not for build scripts. What is fuzzed is what is locked for the workspace.
fuzz-build:
	cp Cargo.lock core/fuzz/Cargo.lock
	RUSTFLAGS="$(FUZZ_FLAGS)" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/fuzz" cargo build -q --release \
	    --manifest-path core/fuzz/Cargo.toml --target "$(FUZZ_HOST)"
	HIGHTOUCH_FUZZ_SEEDS="$(FUZZ_DIR)/seeds" cargo test --locked -q -p hightouch-sdk --test fuzz -- --ignored seeds_and

# Ends at the first input that breaks a promise: shown, and kept in build/fuzz/broken. Once mended, it belongs into
# core/fuzz/findings, where every test run replays it. What was learnt is kept in build/fuzz/corpus.
fuzz: fuzz-build
	mkdir -p "$(FUZZ_DIR)/broken"
	for target in $(FUZZ_TARGETS); do \
	    mkdir -p "$(FUZZ_DIR)/corpus/$$target" "core/fuzz/findings/$$target"; \
	    HIGHTOUCH_FUZZ_TARGET=$$target "$(FUZZ)" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
	        -max_len=16384 -dict="$(FUZZ_DIR)/seeds/words" -print_final_stats=1 -verbosity=1 \
	        -artifact_prefix="$(FUZZ_DIR)/broken/$$target-" \
	        "$(FUZZ_DIR)/corpus/$$target" "$(FUZZ_DIR)/seeds/$$target" "core/fuzz/findings/$$target"; \
	done
