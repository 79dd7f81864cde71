"""Calls Hightouch through a gateway that holds the API key. Data platforms such as Databricks offer such gateways.

The program sends requests to the gateway's address, with a short-lived token of the gateway. The gateway replaces the
token by the key and passes the request on to Hightouch.
"""

import os
from pathlib import Path

from hightouch_sdk import Hightouch


def token() -> str:
    """Returns the token. The client calls this function before the first request, and after each answer 401."""
    return Path(os.environ["GATEWAY_TOKEN_FILE"]).read_text().strip()


# The path of the gateway takes the place of /api/v1.
with Hightouch(
    base_url=os.environ["GATEWAY_URL"] + "/connections/hightouch/proxy",
    api_key=token,
    headers={"X-Gateway-Caller": "nightly"},
) as ht:
    print(ht.syncs.get("orders-to-salesforce").id)
    print(ht.syncs.trigger("orders-to-salesforce").wait(timeout=1800).status)
