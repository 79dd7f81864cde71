"""Lists the syncs, triggers one sync, follows its run, and stays within the workspace's rate limit.

Reads HIGHTOUCH_API_KEY and HIGHTOUCH_BASE_URL. HIGHTOUCH_DEMO_CA names a PEM file of certificates to trust in
addition to the system's. The first argument is the slug of the sync to trigger; ``orders-to-salesforce`` by default.
``make demo`` runs this program against the sandbox.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from hightouch_sdk import Hightouch, RowCounts

SLUG = "orders-to-salesforce"
READS = 300


def say(text: str = "") -> None:
    print(text, flush=True)


def rows(counts: RowCounts) -> str:
    return f"{counts.added_count} added, {counts.changed_count} changed, {counts.removed_count} removed"


def list_syncs(ht: Hightouch) -> None:
    sizes: list[int] = []
    for page in ht.syncs.list().pages():
        sizes.append(len(page))
        say(f"  page {len(sizes)}: {len(page)} syncs, {page.items[0].slug} ... {page.items[-1].slug}" if page else "")
    say(f"  {sum(sizes)} syncs on {len(sizes)} pages")


def trigger_and_follow(ht: Hightouch, slug: str) -> None:
    run = ht.syncs.trigger(slug)
    say(f"  run {run.id} of sync {run.sync_id}")
    shown: list[str] = []
    for state in run.states():
        if state.status not in shown:
            shown.append(state.status)
        if sys.stderr.isatty():
            print(f"\r  {state.status} {state.completion_ratio:.0%}   ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    result = run.wait()
    say(f"  {' -> '.join(shown)}")
    say(f"  planned    {rows(result.planned_rows)}")
    say(f"  successful {rows(result.successful_rows)}")
    say(f"  failed     {rows(result.failed_rows)}")
    say(f"  ended with {result.status}: {result.error or 'no error'}")


def read_a_lot(ht: Hightouch) -> None:
    def read(offset: int) -> None:
        ht.request("GET", "/syncs", query={"limit": 1, "offset": offset})

    before = ht.stats()
    free = before.limit - before.used
    started = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(read, range(READS)))
    took = time.monotonic() - started
    say(f"  {READS} reads from 32 threads took {took:.1f} s; the server refused {ht.stats().refused - before.refused}")
    say(f"  The ideal is 10 s: of {before.limit} requests in 10 s the steps above still hold {before.used},")
    say(f"  so {free} reads may leave at once and the other {READS - free} when those leave the window. How the server")
    say("  counts is not documented: if it estimates by two buckets, about 15 s is the earliest that is never refused.")


def main() -> None:
    with Hightouch(ca_bundle=os.environ.get("HIGHTOUCH_DEMO_CA")) as ht:
        say("The way to the API")
        for line in str(ht.diagnose()).splitlines():
            say(f"  {line}")
        say("The workspace's syncs")
        list_syncs(ht)
        slug = sys.argv[1] if len(sys.argv) > 1 else SLUG
        say(f"Trigger {slug} and follow that run")
        trigger_and_follow(ht, slug)
        say("A burst of reads")
        read_a_lot(ht)


if __name__ == "__main__":
    main()
