"""How a wait shows itself to a person."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._models import RowCounts, SyncRun

Progress: TypeAlias = "bool | Callable[[SyncRun], object]"
"""``True`` for a live line on a terminal, ``False`` for silence, or a function that is given each state."""


def _total(rows: RowCounts) -> int:
    return rows.added_count + rows.changed_count + rows.removed_count


@final
class LiveLine:
    """One line on standard error that each state overwrites."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._width = 0

    def __call__(self, state: SyncRun) -> None:
        planned, done = (_total(rows) for rows in (state.planned_rows, state.successful_rows))
        text = f"run {self._run_id}: {state.status}, {done} of {planned} rows"
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def end(self) -> None:
        """Leave the last state standing."""
        if self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self._width = 0


@final
class Observer:
    """Whoever watches a wait, if anybody does; leaving it ends the live line."""

    def __init__(self, progress: Progress, run_id: int) -> None:
        self._line = LiveLine(run_id) if progress is True and sys.stderr.isatty() else None
        self._see = progress if callable(progress) else self._line

    def __enter__(self) -> Observer:
        return self

    def see(self, state: SyncRun | None) -> None:
        """Show a state."""
        if state is not None and self._see is not None:
            self._see(state)

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.end()
