"""The command that writes a report."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from ._message import say
from ._options import client, client_options
from ._values import Moment


@click.command()
@click.argument("syncs", nargs=-1)
@click.option(
    "--since",
    type=Moment(),
    default="30d",
    show_default=True,
    help="Only runs that started since then: a duration, such as 7d, or a time, such as 2026-01-31.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="report.html",
    show_default=True,
    help="The file to write or replace, or - for standard output.",
)
@client_options
def report(syncs: tuple[str, ...], since: datetime, output: str, **settings: Any) -> None:
    """Write one HTML page about the runs of SYNCS (ids or slugs), or of all syncs if none is named.

    If a sync cannot be read, the page says so, and the exit status is still 0.
    """
    from hightouch_sdk.report import runs_report

    with client(**settings) as ht:
        try:
            made = runs_report(
                ht, since=since, syncs=syncs or None, output=sys.stdout if output == "-" else output, progress=True
            )
        except OSError as error:
            raise click.FileError(output, error.strerror) from None
    say(str(made) if output == "-" else f"{made} The page is {output}.")
