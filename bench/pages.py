"""Reads two pages of a list from the sandbox, and saves both for the server of the benchmark: ``pages.py FOLDER``.

Run this program with tests/house/with-sandbox. The pages have the size and shape of answers of the API.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import urllib.request
from pathlib import Path

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
context = ssl.create_default_context(cafile=os.environ["HIGHTOUCH_DEMO_CA"])
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
for name, limit in {"one": 1, "hundred": 100}.items():
    request = urllib.request.Request(
        f"{os.environ['HIGHTOUCH_BASE_URL']}/syncs?orderBy=id&offset=0&limit={limit}",
        headers={"Authorization": f"Bearer {os.environ['HIGHTOUCH_API_KEY']}", "Accept": "application/json"},
    )
    with opener.open(request, timeout=30) as answer:
        text = answer.read()
    if len(json.loads(text)["data"]) != limit:
        raise SystemExit(f"pages: the sandbox did not return {limit} syncs.")
    (folder / f"{name}.json").write_bytes(text)
