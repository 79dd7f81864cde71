"""Reads a sync again and again, in eight threads, for SECONDS seconds: ``load.py NAME SECONDS``.

Each request has the header `X-Load: NAME`.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from hightouch_sdk import Hightouch


def main() -> None:
    name, seconds = sys.argv[1], float(sys.argv[2])
    end = time.monotonic() + seconds
    with Hightouch(ca_bundle=os.environ["HIGHTOUCH_DEMO_CA"], headers={"X-Load": name}) as ht:

        def load() -> None:
            while time.monotonic() < end:
                ht.syncs.get(1)

        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(load) for _ in range(8)]:
                done.result()


if __name__ == "__main__":
    main()
