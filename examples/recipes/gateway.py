"""Calls through a gateway that holds the key, as data platforms such as Databricks offer for external services.

The gateway has an address of its own and takes a token of its own, which lasts for minutes. It puts the key into the
request and passes it on to Hightouch.
"""

import os
from pathlib import Path

from hightouch_sdk import Hightouch


def token() -> str:
    """Called before the first request, and again when the gateway refuses the token (401)."""
    return Path(os.environ["GATEWAY_TOKEN_FILE"]).read_text().strip()


# The path of the gateway takes the place of /api/v1.
with Hightouch(
    base_url=os.environ["GATEWAY_URL"] + "/connections/hightouch/proxy",
    api_key=token,
    headers={"X-Gateway-Caller": "nightly"},
) as ht:
    print(ht.syncs.get("orders-to-salesforce").id)
    print(ht.syncs.trigger("orders-to-salesforce").wait(timeout=1800).status)
