"""Without an argument it starts a run and prints its token; with a token it waits for the end of that run.

The run may have been started anywhere: in another process, by another language. Reads HIGHTOUCH_API_KEY,
HIGHTOUCH_BASE_URL and HIGHTOUCH_DEMO_CA.
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
