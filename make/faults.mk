.PHONY: faults

# The fault matrix: what a read, a write and a trigger make of each way in which the network and the server fail.
faults:
	cargo test --locked -q -p hightouch-sdk --test faults -- --nocapture
