.PHONY: prove-fleet

# Proves in real time that several hosts keep one limit. The hosts are three network namespaces with delays between
# them. Runs first with a Redis server and then with a Valkey server. Takes about 20 minutes, and must run as root.
prove-fleet: servers sandbox
	set -e; worker=$$(cargo test --locked -q $(ONE_BUILD) -p hightouch-sdk --test sandboxed --no-run --message-format=json \
	    | $(PYTHON) -c 'import json, sys; print([line["executable"] for line in map(json.loads, sys.stdin) if line.get("executable")][-1])'); \
	for server in redis-server valkey-server; do \
	    tests/fleet/prove --server "$(SERVERS)/$$server" --worker "$$worker" --sandbox "$(SANDBOX)"; \
	done
