"""The command line without other libraries. It has one command, ``doctor``."""

from __future__ import annotations

import argparse
import sys

from hightouch_sdk import __version__

from ._doctor import ABOUT, STATUS, examine
from ._status import Status
from ._stdout import OutputError, discard

COMMANDS = ("syncs", "runs", "run", "follow", "limit", "request", "completion")


def run(args: list[str]) -> int:
    """Runs the command line and returns its exit status."""
    try:
        try:
            return _run(args)
        finally:
            # argparse ends with a `SystemExit` after a help text, which must be written too.
            sys.stdout.flush()
    except OutputError as error:
        discard()
        if error.is_closed_pipe:
            return Status.PIPE
        if sys.stderr is not None:
            sys.stderr.write(f"error: {error}\n")
        return Status.OUTPUT


def _run(args: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="hightouch-sdk")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    # Abbreviations are refused, because `--api-key` would be taken for `--api-key-file`.
    doctor = commands.add_parser("doctor", help=ABOUT, description=ABOUT, epilog=STATUS, allow_abbrev=False)
    doctor.add_argument("--api-key-file", metavar="FILE", help="read the key from this file")
    doctor.add_argument("--base-url", metavar="URL", help="the address of the API, with its /api/v1")
    doctor.add_argument("--ca-bundle", metavar="FILE", help="also trust the certificates in this PEM file")
    doctor.add_argument("--proxy", metavar="URL", help="use this proxy")
    doctor.add_argument("--json", action="store_true", help="print the diagnosis as JSON")
    if args and args[0] in COMMANDS:
        parser.error(f"`{args[0]}` needs more libraries. Install them: pip install 'hightouch-sdk[cli]'")
    given, unknown = parser.parse_known_args(args)
    if unknown:
        # An unexpected argument may be an API key that was given by mistake, so the message shows only options.
        names = [argument.partition("=")[0] for argument in unknown if argument.startswith("-")]
        parser.error(f"unknown: {', '.join(names) or 'an argument'}")
    return examine(
        api_key_file=given.api_key_file,
        base_url=given.base_url,
        ca_bundle=given.ca_bundle,
        proxy=given.proxy,
        json=given.json,
    )
