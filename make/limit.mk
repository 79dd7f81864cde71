.PHONY: bench-limit

# Nanoseconds a decision of the limit takes; the shipped profile but for its slow link.
bench-limit:
	CARGO_PROFILE_BENCH_LTO=false CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 \
	cargo bench -p hightouch-sdk --bench limit
