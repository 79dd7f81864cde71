"""The commands that start and follow runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from hightouch_sdk import (
    UNSET,
    BatchItem,
    Hightouch,
    HightouchError,
    IdentityGraphRunHandle,
    IfRunning,
    RunFailedError,
    SequenceRun,
    SequenceRunHandle,
    SyncBatch,
    SyncRunHandle,
    WaitTimeoutError,
)
from hightouch_sdk._native import monotonic
from hightouch_sdk._progress_rows import FAILED
from hightouch_sdk._runs import AnyRun

from ._columns import FOLLOWED, ITEMS, Followed
from ._commands_lists import selected
from ._message import PROGRAM, explain, explain_failures, going_on, say, say_error, say_going_on
from ._options import client, client_options, output
from ._output import write
from ._status import Status, status_of_items
from ._stdout import OutputError
from ._values import Duration, Pair, names_in, read_text

_TIMEOUT = click.option(
    "--timeout", type=Duration(), help="How long to wait, such as 30m. Runs go on after it. Default: no limit."
)
_ON_WARNING = click.option(
    "--on-warning",
    type=click.Choice(["ok", "fail"]),
    default="ok",
    show_default=True,
    help="Whether a run that ends with warnings counts as failed.",
)
_QUIET = click.option("--quiet", "-q", is_flag=True, help="Show no progress.")


@click.command("run")
@click.argument("syncs", nargs=-1, metavar="[SYNC]...")
@click.option(
    "--tag",
    "tags",
    type=Pair(),
    multiple=True,
    help="Also run the syncs with this tag. If repeated, all tags must match.",
)
@click.option("--model", type=int, metavar="ID", help="Also run the syncs of this model; with --tag, only those.")
@click.option(
    "--file", "lists", multiple=True, metavar="FILE", help="Also run the syncs in this file, one on each line."
)
@click.option("--include-disabled", is_flag=True, help="Let --tag and --model select disabled syncs, too.")
@_TIMEOUT
@_ON_WARNING
@click.option("--at-once", type=click.IntRange(min=1), metavar="N", help="At most N syncs in progress. Default: 50.")
@click.option(
    "--if-running",
    type=click.Choice(["queue", "join"]),
    help="If a run of the sync is in progress: queue another run behind it, or join it. Default: queue.",
)
@click.option(
    "--checkpoint",
    metavar="FILE",
    type=click.Path(),
    help="Record in this file what was started, and continue from it.",
)
@click.option("--retry-failed", is_flag=True, help="With --checkpoint: repeat runs that failed.")
@click.option("--retry-unknown", is_flag=True, help="With --checkpoint: repeat triggers that may have started a run.")
@click.option("--full-resync", is_flag=True, help="Send every row again, even if it was synced before.")
@click.option("--reset-cdc", is_flag=True, help="Process every row without making changes at the destination.")
@click.option("--clear-and-fill", is_flag=True, help="Empty the audience, then send all rows.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before a run with one of these three options.")
@click.option("--dry-run", is_flag=True, help="Print the syncs that would run, and start nothing.")
@_QUIET
@output
@client_options
def run_syncs(
    syncs: tuple[str, ...],
    tags: tuple[tuple[str, str], ...],
    model: int | None,
    lists: tuple[str, ...],
    include_disabled: bool,
    timeout: timedelta | None,
    on_warning: str,
    at_once: int | None,
    if_running: IfRunning | None,
    checkpoint: str | None,
    retry_failed: bool,
    retry_unknown: bool,
    full_resync: bool,
    reset_cdc: bool,
    clear_and_fill: bool,
    yes: bool,
    dry_run: bool,
    quiet: bool,
    form: str | None,
    **settings: Any,
) -> Status:
    """Run several syncs at the same time, and wait for the end of every run.

    SYNC is an id or a slug. A failure of one sync does not affect the others. At the end, a row for each sync is
    printed.
    """
    if not (syncs or tags or lists or model is not None):
        raise click.UsageError("Name at least one sync, or select syncs with --tag, --model or --file.")
    recorded: dict[str, Any] = {"checkpoint": checkpoint}
    recorded |= {"retry_failed": True} if retry_failed else {}
    recorded |= {"retry_unknown": True} if retry_unknown else {}
    if checkpoint is None:
        if len(recorded) > 1:
            raise click.UsageError("--retry-failed and --retry-unknown need --checkpoint.")
        recorded = {}
    named = [*syncs, *(name for path in lists for name in names_in(read_text(path)))]
    with client(**settings) as ht:
        chosen = named
        if tags or model is not None:
            chosen = [*named, *_found(ht, tags, model, named, include_disabled=include_disabled)]
        chosen = list(dict.fromkeys(chosen))
        if not chosen:
            say_error("No sync was selected.", "Nothing was started.")
            return Status.NOT_FOUND
        if dry_run:
            sys.stdout.writelines(f"{sync}\n" for sync in chosen)
            return Status.DONE
        flags = {"--full-resync": full_resync, "--reset-cdc": reset_cdc, "--clear-and-fill": clear_and_fill}
        if not yes and not _confirmed([flag for flag, is_set in flags.items() if is_set], chosen):
            say("Nothing was started.")
            return Status.INTERRUPTED
        batch = ht.syncs.run_many(
            chosen,
            at_once=at_once,
            if_running=UNSET if if_running is None else if_running,
            full_resync=full_resync,
            reset_cdc=reset_cdc,
            clear_and_fill=clear_and_fill,
            **recorded,
        )
        return _wait(batch, timeout, quiet=quiet, warnings_fail=on_warning == "fail", form=form)


def _found(
    ht: Hightouch, tags: tuple[tuple[str, str], ...], model: int | None, named: list[str], *, include_disabled: bool
) -> list[str]:
    """Returns the slugs of the syncs that the tags and the model select. Leaves out syncs with an id in ``named``.

    Leaves out disabled syncs too, unless ``include_disabled`` is true, and names them on standard error.
    """
    found = list(selected(ht, tags, model))
    disabled = [sync.slug for sync in found if sync.disabled and not include_disabled]
    if disabled:
        say(f"disabled and left out: {', '.join(disabled)}")
    return [sync.slug for sync in found if sync.slug not in disabled and str(sync.id) not in named]


def _confirmed(flags: list[str], syncs: list[str]) -> bool:
    """Asks the user to confirm options with effects that cannot be undone.

    Raises:
        click.UsageError: Standard input is no terminal, so nobody can be asked.
    """
    if not flags:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(f"Add --yes to run syncs with {' '.join(flags)}.")
    return click.confirm(f"Run {', '.join(syncs)} with {' '.join(flags)}?", err=True)


def _wait(batch: SyncBatch, timeout: timedelta | None, *, quiet: bool, warnings_fail: bool, form: str | None) -> Status:
    try:
        items = batch.wait(timeout, progress=not quiet, on_failure="return")
    except WaitTimeoutError as error:
        items = batch.stop()
        _report(items, form, warnings_fail=warnings_fail)
        say_error(error.message)
        say_going_on(items)
        return Status.TIMEOUT
    except HightouchError:
        items = batch.stop()
        _report(items, form, warnings_fail=warnings_fail)
        say_going_on(items)
        raise
    except BaseException as raised:
        # The output below says the same as the notes of the exception, so the notes are removed.
        getattr(raised, "__notes__", []).clear()
        _report(batch.items, form, warnings_fail=warnings_fail)
        say_going_on(batch.items)
        raise
    _report(items, form, warnings_fail=warnings_fail)
    # A run may still be in progress, for example because the key was refused and the batch could not follow the run.
    say_going_on(items)
    return status_of_items(items, warnings_fail=warnings_fail)


def _report(items: Sequence[BatchItem], form: str | None, *, warnings_fail: bool) -> None:
    try:
        write(items, ITEMS, form)
        sys.stdout.flush()
    except OutputError as error:
        error.hints = going_on(items, ended=True)
        raise
    finally:
        explain_failures(items, warnings_fail=warnings_fail)


@click.command(short_help="Follow runs to their end by their tokens.")
@click.argument("tokens", nargs=-1, required=True, metavar="TOKEN...")
@_TIMEOUT
@_ON_WARNING
@_QUIET
@output
@client_options
def follow(
    tokens: tuple[str, ...], timeout: timedelta | None, on_warning: str, quiet: bool, form: str | None, **settings: Any
) -> Status:
    """Follow runs to their end. Each TOKEN names a run; any command, process or language may have started the run."""
    end = None if timeout is None else monotonic() + timeout.total_seconds()
    worst = Status.DONE
    rows: list[Followed] = []
    with client(**settings) as ht:
        handles = [ht.run(token) for token in dict.fromkeys(tokens)]
        try:
            # Following one run after another takes no longer than following all together: the runs go on at Hightouch
            # meanwhile.
            for handle in handles:
                left = None if end is None else max(0.0, end - monotonic())
                row, status = _followed(handle, left, quiet=quiet, warnings_fail=on_warning == "fail")
                rows.append(row)
                worst = max(worst, status, key=_SEVERITY.index)
        except BaseException as raised:
            getattr(raised, "__notes__", []).clear()
            for handle in handles[len(rows) :]:
                say(f"run {handle.id}, perhaps still in progress: {PROGRAM} follow {handle.token}")
            raise
        finally:
            write(rows, FOLLOWED, form)
    return worst


_SEVERITY = [Status.DONE, Status.FAILED, Status.TIMEOUT]
"""The statuses of followed runs, from the best to the worst. The command exits with the worst status."""


def _followed(handle: AnyRun, left: float | None, *, quiet: bool, warnings_fail: bool) -> tuple[Followed, Status]:
    """Follows a run, and explains on standard error why the run did not succeed."""
    outcome, status, error, state = "success", Status.DONE, None, None
    try:
        state = handle.wait(left, progress=not quiet, on_warning="raise")
    except RunFailedError as raised:
        state = raised.result
        outcome = "failure" if state.status in FAILED else "warning"
        error = None if isinstance(state, SequenceRun) else state.error
        if outcome == "failure" or warnings_fail:
            explain(raised)
            status = Status.FAILED
    except WaitTimeoutError as raised:
        explain(raised)
        outcome, status = "in_progress", Status.TIMEOUT
    match handle:
        case SyncRunHandle():
            parent: int | str = handle.sync_id
        case SequenceRunHandle():
            parent = handle.sequence_id
        case IdentityGraphRunHandle():
            parent = handle.graph_id
    return Followed(handle.kind, parent, handle.id, outcome, state, error, handle.token), status
