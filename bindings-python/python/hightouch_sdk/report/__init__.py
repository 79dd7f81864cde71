"""A report on the runs of a workspace, as one HTML page.

This module needs the extra ``report``: ``pip install "hightouch-sdk[report]"``. ::

    from hightouch_sdk import Hightouch
    from hightouch_sdk.report import runs_report

    with Hightouch() as ht:
        print(runs_report(ht, output="report.html"))
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta, timezone, tzinfo
from typing import IO, TYPE_CHECKING, final

from hightouch_sdk._errors import ConfigError
from hightouch_sdk._models import Sync
from hightouch_sdk._progress import AsyncProgress, Progress

from ._figures import ReasonCount, RunFigures, SyncFigures, UnreadSync
from ._period import Period
from ._progress import ReportProgress
from ._read import Reading, read, read_async
from ._reasons import Reason

if TYPE_CHECKING:
    from hightouch_sdk._async_client import AsyncHightouch
    from hightouch_sdk._client import Hightouch

    from ._page import Output

__all__ = [
    "Reason",
    "ReasonCount",
    "ReportProgress",
    "RunFigures",
    "RunsReport",
    "SyncFigures",
    "UnreadSync",
    "async_runs_report",
    "runs_report",
]

MONTH = timedelta(days=30)


@final
class RunsReport:
    """The figures of a report. ``print`` shows them in a line, and ``save`` writes the page."""

    def __init__(self, reading: Reading) -> None:
        self.period: Period = reading.period
        self.start: datetime = reading.period.start
        """The start of the period, in the time zone of the report."""
        self.end: datetime = reading.period.end
        """The end of the period: when the report was begun."""
        self.syncs: list[SyncFigures] = reading.sorted()
        """The syncs, sorted: those with a failed last run come first. Within each group, syncs with more failed runs
        come first, then those with more rejected rows, then those with more warnings."""
        self.unread: list[UnreadSync] = reading.unread
        """The syncs that could not be read. The figures leave out the runs of these syncs."""
        self.requests: int = reading.requests
        """The number of requests that were sent, not counting retries."""
        self.total: RunFigures = RunFigures()
        """The figures of all syncs."""
        self.bucket_starts: list[datetime] = reading.period.starts
        """The start of each bucket of the period: of each hour, each day, each 7 days or each 28 days."""
        self.buckets: dict[int, RunFigures] = {}
        """The figures of each bucket in which runs started. The key is the index in ``bucket_starts``."""
        for sync in self.syncs:
            self.total.add(sync.total)
            for index, figures in sync.buckets.items():
                self.buckets.setdefault(index, RunFigures()).add(figures)

    def __str__(self) -> str:
        from ._format import number, percent, plural

        total = self.total
        text = f"{plural(total.ended, 'run')} of {plural(len(self.syncs), 'sync')} ended"
        if total.ended:
            text += f", {percent(total.success_rate)} without failure, {number(total.rejected_rows)} rows rejected"
        return f"{text}; {plural(len(self.unread), 'sync')} could not be read." if self.unread else f"{text}."

    def __repr__(self) -> str:
        return f"<RunsReport: {self}>"

    def save(self, output: str | os.PathLike[str] | IO[str]) -> None:
        """Writes the page.

        Args:
            output: The file to write or replace, or a text stream.

        Raises:
            OSError: The file could not be written. An existing file is unchanged.
        """
        with _output(output) as page:
            page.write(self)


def runs_report(
    ht: Hightouch,
    *,
    since: timedelta | datetime = MONTH,
    syncs: Iterable[int | str | Sync] | None = None,
    output: str | os.PathLike[str] | IO[str] | None = "report.html",
    zone: tzinfo = timezone.utc,
    progress: Progress[ReportProgress] = False,
) -> RunsReport:
    """Reads the runs of a workspace and writes one page about them.

    The page is one file that loads nothing from elsewhere. The function writes the file once it has read all runs.
    Requests have the priority ``"bulk"``, so that they delay nothing else. A request reads up to 100 syncs of the
    workspace, or up to 100 runs of one sync. A sync that certainly did not run in the period needs no request for its
    runs.

    Args:
        ht: The client.
        since: The length of the period up to now, or the start of the period. The length is at most 3,660 days. The
            period begins at the start of its first day, or of its first hour if the period is at most three days long.
            Default: 30 days.
        syncs: The syncs to read: ids, slugs or ``Sync`` values. Each id and slug costs one or two requests more.
            Default: all syncs of the workspace.
        output: The file to write or replace, a text stream, or None to write nothing.
        zone: The time zone of the days and times on the page. The page names the zone. Default: UTC, so that a page
            looks the same wherever it is written.
        progress: ``True`` shows on a terminal how many requests are left, and ``False`` shows nothing. A function is
            called with each :class:`ReportProgress`. An error that the function raises ends the reading.

    Returns:
        The figures. If a sync or its runs cannot be read, ``unread`` and the page name the sync, and the other syncs
        are still read.

    Raises:
        ConfigError: The extra ``report`` is not installed, and ``output`` is not None. Nothing was sent.
        InvalidRequestError: An argument is wrong. Nothing was sent.
        OSError: The file could not be written. An existing file is unchanged.
        AuthenticationError: The key was refused.
        HightouchError: The list of syncs could not be read.
    """
    reading = Reading(Period(since, zone), syncs)
    with _wanted(output) as page:
        read(ht, reading, progress)
        report = RunsReport(reading)
        if page is not None:
            page.write(report)
    return report


async def async_runs_report(
    ht: AsyncHightouch,
    *,
    since: timedelta | datetime = MONTH,
    syncs: Iterable[int | str | Sync] | None = None,
    output: str | os.PathLike[str] | IO[str] | None = "report.html",
    zone: tzinfo = timezone.utc,
    progress: AsyncProgress[ReportProgress] = False,
) -> RunsReport:
    """Reads the runs of a workspace and writes one page about them, with the asynchronous client.

    Unlike :func:`runs_report`, this function reads the runs of eight syncs at a time, and draws the page in a thread.

    Args:
        ht: The client.
        since: See :func:`runs_report`.
        syncs: See :func:`runs_report`.
        output: See :func:`runs_report`.
        zone: See :func:`runs_report`.
        progress: See :func:`runs_report`. If the function returns an awaitable, the awaitable is awaited.

    Returns:
        The figures.

    Raises:
        ConfigError: The extra ``report`` is not installed, and ``output`` is not None. Nothing was sent.
        InvalidRequestError: An argument is wrong. Nothing was sent.
        OSError: The file could not be written. An existing file is unchanged.
        AuthenticationError: The key was refused.
        HightouchError: The list of syncs could not be read.
    """
    reading = Reading(Period(since, zone), syncs)
    with _wanted(output) as page:
        await read_async(ht, reading, progress)
        report = RunsReport(reading)
        if page is not None:
            await asyncio.to_thread(page.write, report)
    return report


def _output(output: str | os.PathLike[str] | IO[str]) -> Output:
    """Opens the output.

    Raises:
        ConfigError: The extra is not installed.
    """
    try:
        from ._page import Output
    except ImportError as error:
        if error.name not in {"jinja2", "markupsafe", "vl_convert"}:
            raise
        raise ConfigError(
            f"A report needs the package {error.name}, which is not installed.",
            hint='Install it with `pip install "hightouch-sdk[report]"`.',
        ) from None
    return Output(output)


def _wanted(output: str | os.PathLike[str] | IO[str] | None) -> AbstractContextManager[Output | None]:
    return nullcontext() if output is None else _output(output)
