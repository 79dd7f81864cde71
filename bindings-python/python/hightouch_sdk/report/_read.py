"""Reads the syncs and their runs, for the blocking and the asynchronous client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, final

from hightouch_sdk._errors import (
    AuthenticationError,
    CallCancelledError,
    ClientClosedError,
    ConfigError,
    ConnectError,
    HightouchError,
    InvalidRequestError,
    ProxyError,
    RateLimitedError,
    RequestTimeoutError,
    TlsError,
)
from hightouch_sdk._models import Sync, SyncRun

from ._figures import SyncFigures, UnreadSync, by_trouble
from ._period import Period
from ._progress import ReportProgress, Told

if TYPE_CHECKING:
    from hightouch_sdk._async_client import AsyncHightouch
    from hightouch_sdk._client import Hightouch
    from hightouch_sdk._progress import AsyncProgress, Progress

AT_ONCE = 8
"""How many syncs the asynchronous client reads at a time."""
# After one of these errors, reading any other sync would fail in the same way.
FATAL = (AuthenticationError, CallCancelledError, ClientClosedError, ConfigError, ProxyError, TlsError)
UNREACHABLE = (ConnectError, RateLimitedError, RequestTimeoutError)
MOST_IN_A_ROW = 5
"""The report ends with an error once this many syncs in a row have failed with an error in ``UNREACHABLE``."""


@final
class Reading:
    """The syncs to read for a report, and the figures so far. This class sends nothing itself."""

    def __init__(self, period: Period, syncs: Iterable[int | str | Sync] | None) -> None:
        self.period = period
        self.wanted: list[int | str | Sync] | None = None if syncs is None else wanted(syncs)
        self.requests: int = 0
        self.read: list[SyncFigures] = []
        self.unread: list[UnreadSync] = []
        self.queue: list[SyncFigures] = []
        self._known: set[int] = set()
        self._handled = 0
        self._in_a_row = 0

    def found(self, sync: Sync, *, is_fresh: bool = True) -> None:
        """Adds a sync to the report.

        The runs of the sync are not read if the sync was read just now and last ran before the period.

        Args:
            sync: The sync.
            is_fresh: Whether the sync was read just now. A sync that was read earlier may have run since, so its runs
                are read in any case.
        """
        if sync.id in self._known:
            return
        self._known.add(sync.id)
        # The runs of a sync without `last_run_at` are read too: its first run may have just started.
        if not is_fresh or sync.last_run_at is None or sync.last_run_at >= self.period.start:
            self.queue.append(SyncFigures.of(sync))
        else:
            self.read.append(SyncFigures.of(sync))

    def is_unread(self, sync: int | str, slug: str | None, error: HightouchError) -> None:
        """Notes a sync that cannot be read.

        Raises:
            HightouchError: ``error`` itself, if other syncs would most likely fail with this error too.
        """
        self._in_a_row = self._in_a_row + 1 if isinstance(error, UNREACHABLE) else 0
        if isinstance(error, FATAL) or self._in_a_row == MOST_IN_A_ROW:
            raise error
        self.unread.append(UnreadSync(sync, slug, error))

    def is_read(self, figures: SyncFigures, error: HightouchError | None) -> None:
        """Notes that all runs of a sync were counted, or that ``error`` ended the counting.

        Raises:
            HightouchError: See ``is_unread``.
        """
        self._handled += 1
        if error is None:
            self._in_a_row = 0
            self.read.append(figures)
        else:
            self.requests += 1
            self.is_unread(figures.id, figures.slug, error)

    def count(self, figures: SyncFigures, runs: Iterable[SyncRun]) -> None:
        """Counts one page of runs."""
        self.requests += 1
        for run in runs:
            figures.count(run, self.period)

    @property
    def progress(self) -> ReportProgress:
        """The number of syncs and requests so far, and how many are left."""
        total = len(self.queue)
        return ReportProgress(self._handled, total, self.requests, self.requests + total - self._handled)

    def sorted(self) -> list[SyncFigures]:
        """Returns the syncs that were read. Syncs with the most trouble come first."""
        return sorted(self.read, key=by_trouble)

    def filters(self) -> dict[str, Any]:
        """Returns the arguments that list the runs of the period.

        The API lists only runs that started later than ``after``, so ``after`` is a millisecond before the period.
        """
        return {"after": self.period.start - timedelta(milliseconds=1), "priority": "bulk"}


def wanted(syncs: Any) -> list[int | str | Sync]:
    """Checks the argument ``syncs``.

    Raises:
        InvalidRequestError: ``syncs`` is not a collection of ids, slugs and syncs.
    """
    if isinstance(syncs, (str, bytes, Sync)) or not isinstance(syncs, Iterable):
        raise InvalidRequestError(f"`syncs` must be a list of ids and slugs, not {syncs!r}.")
    found: list[Any] = list(syncs)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    for each in found:
        if isinstance(each, bool) or not isinstance(each, (int, str, Sync)):
            raise InvalidRequestError(f"`syncs` must contain ids, slugs and syncs, not {each!r}.")
    return found


def read(ht: Hightouch, reading: Reading, progress: Progress[ReportProgress]) -> None:
    """Reads everything with the blocking client, one request after the other."""
    with Told.by(progress) as told:
        if reading.wanted is None:
            for page in ht.syncs.list(priority="bulk").pages():
                reading.requests += 1
                for sync in page:
                    reading.found(sync)
        else:
            for each in reading.wanted:
                _find(ht, reading, each)
        told.see(reading.progress)
        for figures in reading.queue:
            reading.is_read(figures, _count(ht, reading, figures))
            told.see(reading.progress)


def _find(ht: Hightouch, reading: Reading, sync: int | str | Sync) -> None:
    if isinstance(sync, Sync):
        reading.found(sync, is_fresh=False)
        return
    reading.requests += 1
    try:
        reading.found(ht.syncs.get(sync, priority="bulk"))
    except HightouchError as error:
        reading.is_unread(sync, None, error)


def _count(ht: Hightouch, reading: Reading, figures: SyncFigures) -> HightouchError | None:
    try:
        for page in ht.syncs.runs(figures.id, **reading.filters()).pages():
            reading.count(figures, page)
    except HightouchError as error:
        return error
    return None


async def read_async(ht: AsyncHightouch, reading: Reading, progress: AsyncProgress[ReportProgress]) -> None:
    """Reads everything with the asynchronous client, the runs of eight syncs at a time."""
    with Told(progress) as told:
        if reading.wanted is None:
            async for page in ht.syncs.list(priority="bulk").pages():
                reading.requests += 1
                for sync in page:
                    reading.found(sync)
        else:
            for each in reading.wanted:
                await _find_async(ht, reading, each)
        await told.see_async(reading.progress)
        left = iter(reading.queue)

        async def work() -> None:
            for figures in left:
                reading.is_read(figures, await _count_async(ht, reading, figures))
                await told.see_async(reading.progress)

        workers = [asyncio.ensure_future(work()) for _ in range(min(AT_ONCE, len(reading.queue)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


async def _find_async(ht: AsyncHightouch, reading: Reading, sync: int | str | Sync) -> None:
    if isinstance(sync, Sync):
        reading.found(sync, is_fresh=False)
        return
    reading.requests += 1
    try:
        reading.found(await ht.syncs.get(sync, priority="bulk"))
    except HightouchError as error:
        reading.is_unread(sync, None, error)


async def _count_async(ht: AsyncHightouch, reading: Reading, figures: SyncFigures) -> HightouchError | None:
    try:
        async for page in ht.syncs.runs(figures.id, **reading.filters()).pages():
            reading.count(figures, page)
    except HightouchError as error:
        return error
    return None
