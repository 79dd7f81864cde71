"""The commands that list things."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from hightouch_sdk import Hightouch, Sync

from ._columns import RUNS, SYNCS
from ._options import client, client_options, output
from ._output import write
from ._values import Moment, Pair


def selected(ht: Hightouch, tags: tuple[tuple[str, str], ...], model: int | None) -> Iterator[Sync]:
    """Lists the syncs that have all of these tags and, if ``model`` is given, belong to that model."""
    # The API cannot select syncs by tags, so all syncs are read.
    for sync in ht.syncs.list(model_id=model):
        if all((sync.tags or {}).get(name) == value for name, value in tags):
            yield sync


@click.command()
@click.option(
    "--tag", "tags", type=Pair(), multiple=True, help="Only syncs with this tag. If repeated, all tags must match."
)
@click.option("--model", type=int, metavar="ID", help="Only syncs of this model.")
@click.option("--status", help="Only syncs with this status, such as failed.")
@output
@client_options
def syncs(
    tags: tuple[tuple[str, str], ...], model: int | None, status: str | None, form: str | None, **settings: Any
) -> None:
    """List the syncs of the workspace."""
    with client(**settings) as ht:
        found = selected(ht, tags, model)
        write((sync for sync in found if status is None or sync.status == status), SYNCS, form)


@click.command()
@click.argument("sync")
@click.option(
    "--since",
    type=Moment(),
    default="7d",
    show_default=True,
    help="Only runs that started since then: a duration, such as 7d, or a time, such as 2026-01-31.",
)
@output
@client_options
def runs(sync: str, since: datetime, form: str | None, **settings: Any) -> None:
    """List the runs of SYNC, an id or a slug, the newest first."""
    with client(**settings) as ht:
        found = sorted(ht.syncs.runs(sync, after=since), key=lambda run: run.id, reverse=True)
        write(found, RUNS, form)
