"""The command line: ``python -m hightouch_sdk doctor`` checks the settings, the connection and the key."""

from __future__ import annotations

import argparse
import sys

from msgspec.json import encode

from . import __version__, diagnose

STATUS = "The exit status is 0 if the API answers, 1 if it does not, and 2 if the command line is wrong."


def main() -> int:
    """Runs the command line and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m hightouch_sdk")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    doctor = commands.add_parser(
        "doctor",
        help="check the settings in HIGHTOUCH_API_KEY and HIGHTOUCH_BASE_URL, the connection and the key",
        description="Check the settings in HIGHTOUCH_API_KEY and HIGHTOUCH_BASE_URL, the connection and the key, with"
        " one handshake and one read.",
        epilog=STATUS,
    )
    doctor.add_argument("--api-key-file", metavar="FILE", help="read the key from this file")
    doctor.add_argument("--base-url", metavar="URL", help="the address of the API, with its /api/v1")
    doctor.add_argument("--ca-bundle", metavar="FILE", help="also trust the certificates in this PEM file")
    doctor.add_argument("--proxy", metavar="URL", help="use this proxy")
    doctor.add_argument("--json", action="store_true", help="print the diagnosis as JSON")
    arguments = parser.parse_args()
    diagnosis = diagnose(
        api_key_file=arguments.api_key_file,
        base_url=arguments.base_url,
        ca_bundle=arguments.ca_bundle,
        proxy=arguments.proxy,
    )
    if arguments.json:
        sys.stdout.write(f"{encode(diagnosis).decode()}\n")
    else:
        sys.stdout.write(f"hightouch-sdk {__version__}\n{diagnosis}\n")
    return 0 if diagnosis.ok else 1


if __name__ == "__main__":
    sys.exit(main())
