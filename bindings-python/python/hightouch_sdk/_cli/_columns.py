"""The columns of the rows that each command prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias, TypeVar

from msgspec.structs import asdict

from hightouch_sdk import (
    BatchItem,
    CronRule,
    IdentityGraphRun,
    Interval,
    IntervalRule,
    RowCounts,
    Schedule,
    SequenceRun,
    Stats,
    Sync,
    SyncRun,
)

from ._output import Column, text_of

T = TypeVar("T")

State: TypeAlias = SyncRun | SequenceRun | IdentityGraphRun | None


class Followed(NamedTuple):
    """One row of the command ``follow``: a run and its outcome."""

    kind: str
    parent_id: int | str
    run_id: int | str
    outcome: str
    state: State
    error: str | None
    token: str


def _schedule(schedule: Schedule | None) -> str | None:
    if schedule is None:
        return None
    match schedule.schedule:
        case CronRule(expression=str(expression)):
            return expression
        case IntervalRule(interval=Interval(unit=str(unit), quantity=quantity)) if quantity is not None:
            return f"every {quantity} {unit}{'' if quantity == 1 else 's'}"
        case _:
            return schedule.type


def _seconds(state: State) -> float | None:
    """Returns how long a run took, in seconds; None if a time is absent. A run of a sequence has no times."""
    if isinstance(state, SequenceRun) or state is None or state.started_at is None or state.finished_at is None:
        return None
    return (state.finished_at - state.started_at).total_seconds()


def _status(state: State) -> str | None:
    return None if state is None else state.status


def _time(state: State, name: str) -> datetime | None:
    at: datetime | None = getattr(state, name, None)
    return at


def _total(counts: RowCounts) -> int:
    return counts.added_count + counts.changed_count + counts.removed_count


def _rows(state: State) -> str | None:
    if not isinstance(state, SyncRun):
        return None
    return f"{_total(state.successful_rows):,} of {_total(state.planned_rows):,}"


def _rejected(state: State) -> int | None:
    return _total(state.failed_rows) if isinstance(state, SyncRun) else None


def _counts(state_of: Callable[[T], State]) -> list[Column[T]]:
    """Returns the columns with the row counts of a run of a sync. Runs of other kinds leave these columns empty."""

    def count(of: str, kind: str) -> Column[T]:
        def value(row: T) -> int | None:
            counts: RowCounts | None = getattr(state_of(row), f"{of}_rows", None)
            return None if counts is None else int(getattr(counts, f"{kind}_count"))

        return Column[T](f"{of}_{kind}", value, in_table=False)

    return [count(of, kind) for of in ("planned", "successful", "failed") for kind in ("added", "changed", "removed")]


def _of_run(state_of: Callable[[T], State]) -> list[Column[T]]:
    """Returns the columns that describe a run. ``state_of`` returns the state of the run in a row."""
    return [
        Column[T]("status", lambda row: _status(state_of(row))),
        Column[T]("created_at", lambda row: _time(state_of(row), "created_at"), in_table=False),
        Column[T]("started_at", lambda row: _time(state_of(row), "started_at")),
        Column[T]("finished_at", lambda row: _time(state_of(row), "finished_at"), in_table=False),
        Column[T](
            "seconds", lambda row: _seconds(state_of(row)), show=lambda value: "" if value is None else f"{value:.0f}"
        ),
        *_counts(state_of),
        Column[T]("rows", lambda row: _rows(state_of(row)), in_data=False),
        Column[T]("rejected", lambda row: _rejected(state_of(row)), in_data=False),
    ]


def _state_of_run(run: SyncRun) -> State:
    return run


def _state_of_item(item: BatchItem) -> State:
    return item.state


def _state_of_followed(row: Followed) -> State:
    return row.state


SYNCS: Sequence[Column[Sync]] = [
    Column[Sync]("id", lambda sync: sync.id, show=text_of),
    Column[Sync]("slug", lambda sync: sync.slug),
    Column[Sync]("status", lambda sync: sync.status),
    Column[Sync]("disabled", lambda sync: sync.disabled),
    Column[Sync]("model_id", lambda sync: sync.model_id, in_table=False, show=text_of),
    Column[Sync]("destination_id", lambda sync: sync.destination_id, in_table=False, show=text_of),
    Column[Sync]("schedule", lambda sync: _schedule(sync.schedule)),
    Column[Sync]("last_run_at", lambda sync: sync.last_run_at),
    Column[Sync]("tags", lambda sync: sync.tags or {}),
]

RUNS: Sequence[Column[SyncRun]] = [
    Column[SyncRun]("id", lambda run: run.id, show=text_of),
    *_of_run(_state_of_run),
    Column[SyncRun]("query_size", lambda run: run.query_size, in_table=False),
    Column[SyncRun]("completion_ratio", lambda run: run.completion_ratio, in_table=False),
    Column[SyncRun]("error", lambda run: run.error),
]


def _item_error(item: BatchItem) -> str | None:
    if item.error is not None:
        return str(item.error)
    return None if item.state is None else item.state.error


ITEMS: Sequence[Column[BatchItem]] = [
    Column[BatchItem]("sync", lambda item: item.sync, show=text_of),
    Column[BatchItem]("sync_id", lambda item: item.sync_id, in_table=False, show=text_of),
    Column[BatchItem]("run_id", lambda item: item.run_id, show=text_of),
    Column[BatchItem]("outcome", lambda item: item.outcome or ("in_progress" if item.in_progress else "not_started")),
    *_of_run(_state_of_item),
    Column[BatchItem]("error", _item_error),
    Column[BatchItem]("token", lambda item: item.run_token, in_table=False),
]

FOLLOWED: Sequence[Column[Followed]] = [
    Column[Followed]("kind", lambda row: row.kind),
    Column[Followed]("parent_id", lambda row: row.parent_id, show=text_of),
    Column[Followed]("run_id", lambda row: row.run_id, show=text_of),
    Column[Followed]("outcome", lambda row: row.outcome),
    *_of_run(_state_of_followed),
    Column[Followed]("error", lambda row: row.error),
    Column[Followed]("token", lambda row: row.token, in_table=False),
]


def _waiting(stats: Stats) -> int:
    return sum(asdict(stats.waiting).values()) if stats.waiting_total is None else stats.waiting_total


LIMIT: Sequence[Column[Stats]] = [
    Column[Stats]("limit", lambda stats: stats.limit),
    Column[Stats]("allowed", lambda stats: stats.allowed),
    Column[Stats]("used", lambda stats: stats.used),
    Column[Stats]("in_flight", lambda stats: stats.in_flight),
    Column[Stats]("waiting", _waiting),
    Column[Stats]("closed_for_seconds", lambda stats: stats.closed_for_ms / 1000),
    Column[Stats]("refused", lambda stats: stats.refused),
    Column[Stats]("cuts", lambda stats: stats.cuts),
    Column[Stats]("granted", lambda stats: stats.granted),
    Column[Stats]("scope", lambda stats: stats.scope),
    Column[Stats]("members", lambda stats: stats.members),
    Column[Stats]("fallback", lambda stats: stats.fallback, in_table=False),
]
