"""The options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from hightouch_sdk import Hightouch

from ._values import Duration

F = TypeVar("F", bound=Callable[..., Any])

_CONNECTION = [
    click.option("--api-key-file", metavar="FILE", type=click.Path(), help="Read the API key from this file."),
    click.option("--base-url", metavar="URL", help="The address of the API, with its /api/v1."),
    click.option("--ca-bundle", metavar="FILE", type=click.Path(), help="Also trust the certificates in this file."),
    click.option("--proxy", metavar="URL", help="Use this proxy."),
]
_MAX_WAIT = click.option(
    "--max-wait",
    type=Duration(),
    help="How long a request may wait for the rate limit. With 0 it is sent at once or fails. Default: no limit.",
)
_FORMATS = [
    click.option("--table", "form", flag_value="table", help="Print a table, as on a terminal."),
    click.option("--csv", "form", flag_value="csv", help="Print CSV, as into a pipe."),
    click.option("--json", "form", flag_value="json", help="Print a JSON array of objects."),
]


def _all(options: list[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def connection(command: F) -> F:
    """Adds the options that say how to reach the API."""
    return _all(_CONNECTION)(command)


def client_options(command: F) -> F:
    """Adds the options of commands that send requests."""
    return _all([*_CONNECTION, _MAX_WAIT])(command)


def output(command: F) -> F:
    """Adds the options that say how rows are printed."""
    return _all(_FORMATS)(command)


def client(
    api_key_file: str | None, base_url: str | None, ca_bundle: str | None, proxy: str | None, max_wait: timedelta | None
) -> Hightouch:
    """Creates the client. The key comes from the file or from the environment."""
    return Hightouch(api_key_file=api_key_file, base_url=base_url, ca_bundle=ca_bundle, proxy=proxy, max_wait=max_wait)
