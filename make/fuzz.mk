.PHONY: fuzz fuzz-build

# How long each target is fuzzed, in seconds, and the targets.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= answers errors door settings limits
FUZZ_DIR := $(ROOT)/build/fuzz
FUZZ_HOST := $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ := $(CARGO_TARGET_DIR)/fuzz/$(FUZZ_HOST)/release/fuzz
# The flags of cargo-fuzz, in a form that stable Rust accepts. So fuzzing needs no nightly Rust, but a C++ compiler.
FUZZ_FLAGS := -Cpasses=sancov-module -Ccodegen-units=1 \
    $(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 inline-8bit-counters pc-table trace-compares)

# With --target, cargo does not apply the flags to build scripts. The copied Cargo.lock gives dependencies the versions
# of the workspace.
fuzz-build:
	cp Cargo.lock core/fuzz/Cargo.lock
	RUSTFLAGS="$(FUZZ_FLAGS)" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/fuzz" cargo build -q --release \
	    --manifest-path core/fuzz/Cargo.toml --target "$(FUZZ_HOST)"
	HIGHTOUCH_FUZZ_SEEDS="$(FUZZ_DIR)/seeds" cargo test --locked -q -p hightouch-sdk --test fuzz -- --ignored seeds_and

# Stops at the first input that fails, and keeps this input in build/fuzz/broken. After the fix, move the input to
# core/fuzz/findings, because every test run replays the inputs there. The corpus stays in build/fuzz/corpus.
fuzz: fuzz-build
	mkdir -p "$(FUZZ_DIR)/broken"
	for target in $(FUZZ_TARGETS); do \
	    mkdir -p "$(FUZZ_DIR)/corpus/$$target" "core/fuzz/findings/$$target"; \
	    HIGHTOUCH_FUZZ_TARGET=$$target "$(FUZZ)" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
	        -max_len=16384 -dict="$(FUZZ_DIR)/seeds/words" -print_final_stats=1 -verbosity=1 \
	        -artifact_prefix="$(FUZZ_DIR)/broken/$$target-" \
	        "$(FUZZ_DIR)/corpus/$$target" "$(FUZZ_DIR)/seeds/$$target" "core/fuzz/findings/$$target"; \
	done
