"""Shows the progress of a wait."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, final

from ._callables import check_function
from ._errors import InvalidRequestError

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._models import RowCounts

S = TypeVar("S")

Progress: TypeAlias = bool | Callable[[S], object]
"""``True`` for a live line on a terminal, ``False`` for none, or a function to call with each state."""

AsyncProgress: TypeAlias = bool | Callable[[S], Awaitable[object] | object]
"""The same as ``Progress``, for asyncio. An awaitable that the function returns is awaited before the wait goes on."""


class Line(Protocol):
    """What ``progress=True`` shows on a terminal."""

    def __call__(self, state: Any, /) -> None: ...
    def end(self) -> None:
        """Ends the line, so that the last state stays visible."""


def _total(rows: RowCounts) -> int:
    return rows.added_count + rows.changed_count + rows.removed_count


def describe(state: object) -> str:
    from ._models import IdentityGraphRun, SequenceRun, SyncRun

    match state:
        case SyncRun():
            return f"{state.status}, {_total(state.successful_rows)} of {_total(state.planned_rows)} rows"
        case SequenceRun():
            ended = sum(member.finished_at is not None for member in state.sync_runs)
            return f"{state.status}, {ended} of {len(state.sync_runs)} syncs ended"
        case IdentityGraphRun():
            return state.status
        case _:
            return ""


class LiveLine:
    """One line on standard error, which each text overwrites."""

    def __init__(self) -> None:
        self._width = 0

    def show(self, text: str) -> None:
        """Shows a text in place of the last one."""
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def end(self) -> None:
        """Ends the line, so that the last state stays visible."""
        if self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self._width = 0


@final
class RunLine(LiveLine):
    """Shows the states of one run."""

    def __init__(self, run_id: int | str) -> None:
        super().__init__()
        self._run_id = run_id

    def __call__(self, state: object, /) -> None:
        self.show(f"run {self._run_id}: {describe(state)}")


def _check(progress: object) -> None:
    if not isinstance(progress, bool) and not callable(progress):
        raise InvalidRequestError(f"`progress` must be True, False or a function, not {progress!r}.")


class _Observer(Generic[S]):
    """Passes states to a function or a live line."""

    def __init__(self, progress: object, line: Line) -> None:
        self._line = line if progress is True and sys.stderr.isatty() else None
        self._tell: Callable[[Any], Any] | None = progress if callable(progress) else self._line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.end()


@final
class Observer(_Observer[S]):
    """Observes a wait of the blocking client."""

    def __init__(self, progress: Progress[S], line: Line) -> None:
        _check(progress)
        if callable(progress):
            check_function("progress", progress, InvalidRequestError)
        super().__init__(progress, line)

    def see(self, state: S | None) -> None:
        """Shows a state."""
        if state is not None and self._tell is not None:
            self._tell(state)


@final
class AsyncObserver(_Observer[S]):
    """Observes a wait of the asynchronous client. If the function returns an awaitable, it is awaited."""

    def __init__(self, progress: AsyncProgress[S], line: Line) -> None:
        _check(progress)
        super().__init__(progress, line)

    async def see(self, state: S | None) -> None:
        """Shows a state."""
        if state is not None and self._tell is not None:
            told = self._tell(state)
            if isinstance(told, Awaitable):
                await told
