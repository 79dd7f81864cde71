"""Properties that are computed from the fields of values. ``SyncRun``, for example, inherits ``SyncRunFacts``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ._value import Value


class SyncRunFacts(Value, frozen=True):
    """Properties of a run of a sync."""

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended. A run with a status that this version does not know counts as in progress."""
        return _status(self) in {"success", "warning", "failed", "cancelled", "interrupted"}

    @property
    def duration(self) -> timedelta | None:
        """The time from ``started_at`` to ``finished_at``; ``None`` if either time is absent."""
        return _duration(self)


class SequenceRunFacts(Value, frozen=True):
    """Properties of a run of a sequence."""

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended. A run with a status that this version does not know counts as in progress."""
        return _status(self) in {"done", "failed", "cancelled"}


class IdentityGraphRunFacts(Value, frozen=True):
    """Properties of a run of an identity graph."""

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended. A run with a status that this version does not know counts as in progress."""
        return _status(self) in {"SUCCESS", "FAILURE", "CANCELLED"}

    @property
    def duration(self) -> timedelta | None:
        """The time from ``started_at`` to ``finished_at``; ``None`` if either time is absent."""
        return _duration(self)


class RowCountsFacts(Value, frozen=True):
    """Properties of row counts."""

    @property
    def total(self) -> int:
        """The sum of the added, changed and removed rows."""
        counts: Any = self
        total: int = counts.added_count + counts.changed_count + counts.removed_count
        return total


def _status(run: Any) -> str:
    status: str = run.status
    return status


def _duration(run: Any) -> timedelta | None:
    if run.started_at is None or run.finished_at is None:
        return None
    duration: timedelta = run.finished_at - run.started_at
    return duration
