"""Runs the syncs of the models that dbt has just built: `dbt build && python dbt_after_run.py`.

A hook of dbt (`post-hook`, `on-run-end`) can only run SQL, so this program runs after dbt. A model names its syncs in
its configuration:

    {{ config(meta={"hightouch_syncs": ["orders-to-salesforce"]}) }}
"""

import json
import sys
from pathlib import Path

from hightouch_sdk import Hightouch, HightouchError

target = Path(sys.argv[1] if len(sys.argv) > 1 else "target")
results = json.loads((target / "run_results.json").read_text())["results"]
nodes = json.loads((target / "manifest.json").read_text())["nodes"]

# `dbt build` also builds functions, which `nodes` does not contain.
done = [result["unique_id"] for result in results if result["status"] == "success"]
built = [nodes[name] for name in done if name in nodes]
# A sync that several models name runs once. The syncs run in the order of the models.
syncs = list(dict.fromkeys(sync for node in built for sync in node["config"]["meta"].get("hightouch_syncs", [])))
if not syncs:
    sys.exit("No model that was built names a sync.")

with Hightouch() as ht:
    try:
        for item in ht.syncs.run_many(syncs).wait(timeout=3600, progress=True):
            print(item.sync, item.outcome, item.run_id)
    except HightouchError as error:
        sys.exit(str(error))
