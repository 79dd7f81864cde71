"""The figures of a report: numbers of runs and rows for a sync, a part of the period or the whole report."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, final

from ._period import Period
from ._reasons import Reason, reason_of

if TYPE_CHECKING:
    from hightouch_sdk._errors import HightouchError
    from hightouch_sdk._models import RowCounts, Sync, SyncRun

FAILURES = ("failed", "cancelled", "interrupted")
MOST_REASONS = 20
"""How many different reasons are kept for each sync. The API does not bound the number of reasons."""


def _rows(counts: RowCounts) -> int:
    return counts.added_count + counts.changed_count + counts.removed_count


@final
@dataclass(slots=True)
class RunFigures:
    """The numbers of runs and rows, and how long the runs took."""

    succeeded: int = 0
    """Runs that ended with ``success``."""
    warned: int = 0
    """Runs that ended with ``warning``."""
    failed: int = 0
    """Runs that ended as ``failed``, ``cancelled`` or ``interrupted``."""
    in_progress: int = 0
    """Runs that had not ended when they were read, and runs with a status that this version does not know."""
    accepted_rows: int = 0
    """Rows that the destinations accepted."""
    rejected_rows: int = 0
    """Rows that the destinations rejected."""
    timed: int = 0
    """Runs that ended and have a start time and an end time."""
    seconds: float = 0.0
    """How long the runs in ``timed`` took together, in seconds."""
    longest_seconds: float = 0.0
    """How long the longest of the runs in ``timed`` took, in seconds."""

    @property
    def ended(self) -> int:
        """The number of runs that ended."""
        return self.succeeded + self.warned + self.failed

    @property
    def success_rate(self) -> float | None:
        """The share of ended runs that did not fail, from 0 to 1; warnings count as success. None if no run ended."""
        return (self.succeeded + self.warned) / self.ended if self.ended else None

    @property
    def mean_seconds(self) -> float | None:
        """How long a run took on average, in seconds, without the time in the queue. None if unknown."""
        return self.seconds / self.timed if self.timed else None

    def count(self, run: SyncRun) -> None:
        """Counts one run."""
        match run.status:
            case "success":
                self.succeeded += 1
            case "warning":
                self.warned += 1
            case status if status in FAILURES:
                self.failed += 1
            case _:
                self.in_progress += 1
                return
        self.accepted_rows += _rows(run.successful_rows)
        self.rejected_rows += _rows(run.failed_rows)
        if run.started_at is not None and run.finished_at is not None:
            took = max(0.0, (run.finished_at - run.started_at).total_seconds())
            self.timed += 1
            self.seconds += took
            self.longest_seconds = max(self.longest_seconds, took)

    def add(self, other: RunFigures) -> None:
        """Adds the figures of other runs."""
        longest = max(self.longest_seconds, other.longest_seconds)
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        self.longest_seconds = longest


@final
@dataclass(slots=True)
class ReasonCount:
    """How often runs of one sync ended for one reason."""

    reason: Reason
    """Why the runs did not succeed."""
    is_failure: bool
    """Whether the runs failed; false if the runs ended with warnings."""
    last_at: datetime
    """When the latest run with this reason started."""
    last_run_id: int
    """The id of the latest run with this reason."""
    runs: int = 0
    """How many runs ended for this reason."""


@final
@dataclass(slots=True)
class SyncFigures:
    """The figures of one sync."""

    id: int
    """The id of the sync."""
    slug: str
    """The slug of the sync."""
    disabled: bool
    """Whether scheduled runs of the sync are switched off."""
    total: RunFigures = field(default_factory=RunFigures)
    """The figures of the whole period."""
    buckets: dict[int, RunFigures] = field(default_factory=dict[int, RunFigures])
    """The figures of each bucket in which runs started. The key is the index in the report's ``bucket_starts``."""
    reasons: list[ReasonCount] = field(default_factory=list[ReasonCount])
    """Why runs did not succeed: the first 20 different reasons. ``other_reasons`` counts runs with further reasons."""
    other_reasons: int = 0
    """How many runs did not succeed for a reason that is not in ``reasons``."""
    last_status: str | None = None
    """The status of the run that started last, among the runs of the period that have ended."""
    last_at: datetime | None = None
    """When the run of ``last_status`` started."""

    @classmethod
    def of(cls, sync: Sync) -> SyncFigures:
        """Returns the figures of a sync before any of its runs is counted."""
        return cls(sync.id, sync.slug, bool(sync.disabled))

    @property
    def is_failing(self) -> bool:
        """Whether ``last_status`` is ``failed``, ``cancelled`` or ``interrupted``."""
        return self.last_status in FAILURES

    def count(self, run: SyncRun, period: Period) -> None:
        """Counts one run. A run that started before the period, or has no time at all, is left out."""
        at = run.started_at or run.created_at
        index = None if at is None else period.bucket(at)
        if at is None or index is None:
            return
        self.total.count(run)
        self.buckets.setdefault(index, RunFigures()).count(run)
        if run.status not in ("success", "warning", *FAILURES):
            return
        if self.last_at is None or at >= self.last_at:
            self.last_status, self.last_at = run.status, at
        if run.status != "success":
            self._count_reason(run, at)

    def _count_reason(self, run: SyncRun, at: datetime) -> None:
        reason, is_failure = reason_of(run), run.status in FAILURES
        if reason is None:
            return
        same = (each for each in self.reasons if each.reason == reason and each.is_failure == is_failure)
        found = next(same, None)
        if found is None:
            if len(self.reasons) >= MOST_REASONS:
                self.other_reasons += 1
                return
            found = ReasonCount(reason, is_failure, at, run.id)
            self.reasons.append(found)
        found.runs += 1
        if at >= found.last_at:
            found.last_at, found.last_run_id = at, run.id


@final
@dataclass(slots=True)
class UnreadSync:
    """A sync that could not be read."""

    sync: int | str
    """The id of the sync, or the slug if only the slug is known."""
    slug: str | None
    """The slug of the sync, if it is known."""
    error: HightouchError
    """Why the sync or its runs could not be read."""


def by_trouble(sync: SyncFigures) -> tuple[Any, ...]:
    """Returns the sort key of a sync: syncs that fail now come first, then syncs with the most failed runs."""
    total = sync.total
    return (not sync.is_failing, -total.failed, -total.rejected_rows, -total.warned, sync.slug, sync.id)
