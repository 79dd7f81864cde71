"""The command ``doctor``, which checks the settings, the connection and the key."""

from __future__ import annotations

import sys

from msgspec.json import encode

from hightouch_sdk import __version__, diagnose

ABOUT = (
    "Check the settings in HIGHTOUCH_API_KEY and HIGHTOUCH_BASE_URL, the connection and the key, with one handshake and"
    " one read."
)
STATUS = "The exit status is 0 if a read of the API succeeds, 1 if it fails, and 2 if the command line is wrong."


def examine(
    *, api_key_file: str | None, base_url: str | None, ca_bundle: str | None, proxy: str | None, json: bool
) -> int:
    """Prints a diagnosis and returns the exit status."""
    diagnosis = diagnose(api_key_file=api_key_file, base_url=base_url, ca_bundle=ca_bundle, proxy=proxy)
    if json:
        sys.stdout.write(f"{encode(diagnosis).decode()}\n")
    else:
        sys.stdout.write(f"hightouch-sdk {__version__}\n{diagnosis}\n")
    return 0 if diagnosis.ok else 1
