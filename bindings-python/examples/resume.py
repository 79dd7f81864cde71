"""Starts a run and prints the run's token. If the first argument is a token, waits for the run of the token instead.

Another process or another language may have started the run. Reads HIGHTOUCH_API_KEY and HIGHTOUCH_BASE_URL.
HIGHTOUCH_DEMO_CA names a PEM file of certificates to trust in addition to the system's.
"""

from __future__ import annotations

import os
import sys

from hightouch_sdk import Hightouch


def main() -> None:
    with Hightouch(ca_bundle=os.environ.get("HIGHTOUCH_DEMO_CA")) as ht:
        if len(sys.argv) == 1:
            print(ht.syncs.trigger("orders-to-salesforce").token)
        else:
            ended = ht.run(sys.argv[1]).wait()
            print(ended.id, ended.status)


if __name__ == "__main__":
    main()
