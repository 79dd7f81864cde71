.PHONY: generate check-generated

# Writes the hosts' generated files from the catalogue.
generate:
	cargo run -q -p hightouch-codegen -- --root "$(ROOT)"

check-generated:
	cargo run -q -p hightouch-codegen -- --check --root "$(ROOT)"
