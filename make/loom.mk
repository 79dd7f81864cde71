.PHONY: test-loom

# The gate's interleavings, explored by loom; in a folder of its own, since the flag is for the whole build.
test-loom:
	CARGO_INCREMENTAL=0 RUSTFLAGS="--cfg limit_loom" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/loom" \
	    cargo test --locked -q -p hightouch-limit-proofs --test interleavings
