"""The parts of a wait's progress: a row for each run, a summary and a notice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ._batch_items import BatchItem, summary
from ._models import IdentityGraphRun, RowCounts, SequenceRun, SyncRun
from ._native import monotonic

if TYPE_CHECKING:
    from ._health import Stats

NOTICE_S = 3.0
"""The display shows a notice once calls have waited for the rate limit for this many seconds."""

FAILED = {"failed", "cancelled", "interrupted", "FAILURE", "CANCELLED"}

ENDED = {"success", "warning", "done", "SUCCESS", *FAILED}


class Row(NamedTuple):
    """One run, as a line of the display."""

    name: str
    """The name of the run, such as ``orders (run 7)``."""
    state: str
    detail: str
    """How far the run is, or why it failed."""
    time: str
    """How long the wait for the run has lasted, such as ``1:42``."""
    is_running: bool = False
    is_failed: bool = False

    def line(self) -> str:
        """Returns the row as one line of a log."""
        return f"{self.name}: {', '.join(part for part in (self.state, self.detail, self.time) if part)}"


class Frame(NamedTuple):
    """Everything that is shown at one moment."""

    rows: list[Row]
    summary: str = ""
    notice: str = ""
    """A text that says that calls wait for the rate limit; empty if no calls wait."""

    def cropped(self, height: int) -> Frame:
        """Drops rows until the frame fits ``height`` lines. Keeps runs in progress longest, then failed runs."""
        room = max(1, height - bool(self.summary) - bool(self.notice))
        if len(self.rows) <= room:
            return self
        order = sorted(range(len(self.rows)), key=lambda index: self._rank(self.rows[index]))
        shown = sorted(order[: room - 1])
        left = Row(f"… and {len(self.rows) - len(shown)} more", "", "", "")
        return self._replace(rows=[*(self.rows[index] for index in shown), left])

    def _rank(self, row: Row) -> int:
        return 0 if row.is_running else 1 if row.is_failed else 2


class Board(Protocol):
    """Collects the states of one wait, and creates frames from these states."""

    def see(self, state: object, /) -> Row: ...
    def frame(self) -> Frame: ...


def printable(text: str) -> str:
    """Replaces characters that could control a terminal. Texts of the server may contain such characters."""
    return "".join(char if char.isprintable() else " " for char in text)


def clock(seconds: float) -> str:
    """Writes a duration as ``1:42`` or ``2:01:42``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _total(rows: RowCounts) -> int:
    return rows.added_count + rows.changed_count + rows.removed_count


def detail_of(state: object) -> str:
    """Says how far a run is."""
    match state:
        case SyncRun():
            planned, rejected = _total(state.planned_rows), _total(state.failed_rows)
            if not planned and state.status not in ENDED:
                return ""
            rows = f"{_total(state.successful_rows):,} of {planned:,} rows"
            return f"{rows}, {rejected:,} rejected" if rejected else rows
        case SequenceRun():
            ended = sum(member.finished_at is not None for member in state.sync_runs)
            return f"{ended} of {len(state.sync_runs)} syncs ended"
        case _:
            return ""


def first_line(text: str | None) -> str:
    """Returns the first line of a text; empty if the text is None or blank."""
    return next(iter((text or "").strip().splitlines()), "")


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


class Waited:
    """Measures how long a wait lasts, until ``end`` is called. ``str()`` writes the time."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._ended: float | None = None

    def end(self) -> None:
        if self._ended is None:
            self._ended = monotonic()

    def __str__(self) -> str:
        return clock((monotonic() if self._ended is None else self._ended) - self._began)


class RunBoard:
    """Collects the states of one run, and shows the run as a single row."""

    def __init__(self, name: str) -> None:
        self._name = printable(name)
        self._waited = Waited()
        self._state: SyncRun | SequenceRun | IdentityGraphRun | None = None

    def see(self, state: object, /) -> Row:
        if isinstance(state, (SyncRun, SequenceRun, IdentityGraphRun)):
            self._state = state
            if state.status in ENDED:
                self._waited.end()
        return self._row()

    def frame(self) -> Frame:
        return Frame([self._row()])

    def _row(self) -> Row:
        state = self._state
        if state is None:
            return Row(self._name, "waiting", "", str(self._waited), is_running=True)
        why = "" if isinstance(state, SequenceRun) else first_line(state.error)
        return Row(
            name=self._name,
            state=printable(state.status),
            detail=printable(_joined(detail_of(state), why)),
            time=str(self._waited),
            is_running=state.status not in ENDED,
            is_failed=state.status in FAILED,
        )


class BatchBoard:
    """Collects the states of a batch, and shows a row for each sync, and a summary."""

    def __init__(self, items: Sequence[BatchItem]) -> None:
        self._items = items
        self._waited: dict[int, Waited] = {}
        for item in items:
            self._time(item)

    def see(self, state: object, /) -> Row:
        item: BatchItem = state  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        return self._row(item)

    def frame(self) -> Frame:
        return Frame([self._row(item) for item in self._items], summary(self._items))

    def _time(self, item: BatchItem) -> str:
        """Returns for how long the run has been followed; an empty text before the run starts."""
        if item.run_token is None:
            return ""
        waited = self._waited.setdefault(item.index, Waited())
        if item.outcome is not None:
            waited.end()
        return str(waited)

    def _row(self, item: BatchItem) -> Row:
        failed = item.outcome in {"failure", "not_started", "unknown"}
        if item.error is not None:
            state, detail = str(item.outcome).replace("_", " "), first_line(item.error.message)
        elif item.state is not None:
            state, detail = item.state.status, _joined(detail_of(item.state), first_line(item.state.error))
        else:
            state, detail = "waiting" if item.run_token is None else "started", ""
        return Row(
            name=printable(name_of(item.sync, item.run_id)),
            state=printable(state),
            detail=printable(detail),
            time=self._time(item),
            is_running=item.outcome is None and item.run_token is not None,
            is_failed=failed,
        )


def name_of(sync: int | str, run_id: int | None) -> str:
    """Returns the name of a run of a sync: the slug, or the id if the slug is not known."""
    name = sync if isinstance(sync, str) and not sync.isdigit() else f"sync {sync}"
    return name if run_id is None else f"{name} (run {run_id})"


class LimitNotice:
    """Says that calls wait for the rate limit, once they have waited for some seconds."""

    def __init__(self) -> None:
        self._since: float | None = None

    def text(self, stats: Stats) -> str:
        """Returns the notice; empty if no call waits, or calls wait only briefly."""
        closed = stats.closed_for_ms / 1000
        waiting = stats.waiting
        calls = waiting.trigger + waiting.read + waiting.bulk
        # Calls that read the state of a run (`poll`) often wait, because they may use only a tenth of the rate limit.
        # So the notice includes them only if the whole rate limit is used up, or if no call may be sent at present.
        if stats.used >= stats.allowed or closed > 0:
            calls += waiting.poll
        if not calls:
            self._since = None
            return ""
        now = monotonic()
        self._since = now if self._since is None else self._since
        waited = now - self._since
        if max(waited, closed) < NOTICE_S:
            return ""
        if closed > 0:
            return f"waiting {closed:.0f} s for the rate limit, because the server refused a request (429)"
        return f"waiting for the rate limit, for {waited:.0f} s so far"
