.PHONY: bench-limit prove-limit

# The shipped profile but for its slow link.
LIMIT_FAST := CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16

# Nanoseconds a decision of the limit takes.
bench-limit:
	$(LIMIT_FAST) cargo bench --locked -p hightouch-limit-proofs --bench limit

# The limit in ten times as many worlds as the tests play.
prove-limit:
	LIMIT_SEEDS=100 $(LIMIT_FAST) cargo test --locked --release -p hightouch-limit-proofs --test simulation -- --nocapture
