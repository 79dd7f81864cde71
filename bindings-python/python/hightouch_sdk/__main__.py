"""``python -m hightouch_sdk doctor``: what stands between this machine and the API."""

from __future__ import annotations

import argparse
import sys

from . import Hightouch, HightouchError, __version__


def main() -> int:
    """Run the command line; 0 if the API answers, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m hightouch_sdk")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    doctor = commands.add_parser(
        "doctor", help="check the settings in HIGHTOUCH_API_KEY and HIGHTOUCH_BASE_URL, the connection and the key"
    )
    doctor.add_argument("--ca-bundle", metavar="FILE", help="trust the certificates in this PEM file too")
    arguments = parser.parse_args()
    try:
        with Hightouch(ca_bundle=arguments.ca_bundle) as client:
            diagnosis = client.diagnose()
    except HightouchError as error:
        sys.stdout.write(f"{error.kind}: {error}\n")
        return 1
    sys.stdout.write(f"hightouch-sdk {__version__}\n{diagnosis}\n")
    return 0 if diagnosis.ok else 1


if __name__ == "__main__":
    sys.exit(main())
