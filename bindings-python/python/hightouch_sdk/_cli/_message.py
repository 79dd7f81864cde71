"""Writes the messages of the command line to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from hightouch_sdk import BatchItem, HightouchError, RunFailedError
from hightouch_sdk._progress_rows import first_line, name_of, printable

PROGRAM = "hightouch-sdk"


def colored() -> bool | None:
    """Returns False if texts must have no colours; None if the terminal decides."""
    return False if os.environ.get("NO_COLOR") else None


def say(text: str) -> None:
    """Writes a line to standard error, without characters that could control a terminal."""
    _write(printable(text))


def _write(text: str) -> None:
    # If standard error cannot be written, there is nobody to tell.
    if sys.stderr is not None:
        with suppress(OSError):
            click.echo(text, err=True, color=colored())


def say_error(text: str, *hints: str | None) -> None:
    """Writes an error as one block: what happened, and below it what to do."""
    _write(f"{click.style('error:', fg='red', bold=True)} {printable(text)}")
    for hint in hints:
        for line in (hint or "").splitlines():
            say(f"  {line}")


def explain(error: HightouchError) -> None:
    """Writes an error of the package: message, hint, how to follow a run that has perhaps not ended, and request id."""
    may_go_on = error.run_token is not None and not isinstance(error, RunFailedError)
    resume = f"Follow the run: {PROGRAM} follow {error.run_token}" if may_go_on else None
    request = f"request id: {error.request_id}" if error.request_id else None
    say_error(error.message, error.hint, resume, request)


def explain_failures(items: Sequence[BatchItem], *, warnings_fail: bool) -> None:
    """Names every sync that did not succeed, with its reason."""
    bad = [item for item in items if item.outcome not in {None, "success", *([] if warnings_fail else ["warning"])}]
    if bad:
        say_error(f"{len(bad)} of {len(items)} syncs did not succeed.", *(_reason(item) for item in bad))


def _reason(item: BatchItem) -> str:
    name = name_of(item.sync, item.run_id)
    if item.error is not None:
        outcome = "unknown" if item.outcome == "unknown" else "not started"
        return f"{name}: {outcome}: {item.error}"
    if item.state is None:
        return f"{name}: {item.outcome}"
    why = first_line(item.state.error)
    return f"{name}: {item.state.status}{f': {why}' if why else ''}"


def going_on(items: Sequence[BatchItem], *, ended: bool = False) -> list[str]:
    """Names the runs that go on, with their tokens, and the syncs that were not started; with ``ended``, all runs."""
    runs = [item for item in items if item.in_progress or (ended and item.run_token is not None)]
    lines = [
        f"{name_of(item.sync, item.run_id)} {'goes on' if item.in_progress else 'has ended'}:"
        f" {PROGRAM} follow {item.run_token}"
        for item in runs
    ]
    unsent = [str(item.sync) for item in items if item.run_token is None and item.outcome is None]
    return [*lines, f"not started: {', '.join(unsent)}"] if unsent else lines


def say_going_on(items: Sequence[BatchItem]) -> None:
    """Names the runs that go on, with their tokens, and the syncs that were not started."""
    for line in going_on(items):
        say(line)
