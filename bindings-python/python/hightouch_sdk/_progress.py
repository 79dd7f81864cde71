"""Passes the states of a wait to the caller's function, or shows the states on a display."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, final

from ._callables import check_function
from ._errors import LOADING, InvalidRequestError

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._batch_items import BatchItem
    from ._door import Door
    from ._progress_display import Display

S = TypeVar("S")

Progress: TypeAlias = bool | Callable[[S], object]
"""``True`` shows the progress, ``False`` does not, and a function is called with each state."""

AsyncProgress: TypeAlias = bool | Callable[[S], Awaitable[object] | object]
"""Like ``Progress``, for asyncio. If the function returns an awaitable, the wait awaits the result before going on."""


def _check(progress: object) -> None:
    if not isinstance(progress, bool) and not callable(progress):
        raise InvalidRequestError(f"`progress` must be True, False or a function, not {progress!r}.")


class _Observer(Generic[S]):
    """Passes states to a function or a display."""

    def __init__(self, progress: object, display: Callable[[], Display]) -> None:
        self._display = display() if progress is True else None
        self._tell: Callable[[Any], Any] | None = progress if callable(progress) else self._display

    def __enter__(self) -> Self:
        if self._display is not None:
            try:
                self._display.start()
            except BaseException:
                self._display.end()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._display is not None:
            self._display.end()


@final
class Observer(_Observer[S]):
    """Observes a wait of the blocking client."""

    def __init__(self, progress: Progress[S], display: Callable[[], Display]) -> None:
        _check(progress)
        if callable(progress):
            check_function("progress", progress, InvalidRequestError)
        super().__init__(progress, display)

    def see(self, state: S | None) -> None:
        """Passes a state, unless it is None, to the function or the display."""
        if state is not None and self._tell is not None:
            self._tell(state)


@final
class AsyncObserver(_Observer[S]):
    """Observes a wait of the asynchronous client. Awaits the result of the function if the result is an awaitable."""

    def __init__(self, progress: AsyncProgress[S], display: Callable[[], Display]) -> None:
        _check(progress)
        super().__init__(progress, display)

    async def see(self, state: S | None) -> None:
        """Passes a state, unless it is None, to the function or the display."""
        if state is not None and self._tell is not None:
            told = self._tell(state)
            if isinstance(told, Awaitable):
                await told


def run_display(name: str, door: Door) -> Display:
    """Creates the display of one run."""
    with LOADING:
        from ._progress_display import Display
        from ._progress_rows import RunBoard

    return Display(RunBoard(name), door)


def batch_display(items: Sequence[BatchItem], door: Door) -> Display:
    """Creates the display of a batch. The batch replaces each item in ``items`` that changes."""
    with LOADING:
        from ._progress_display import Display
        from ._progress_rows import BatchBoard

    return Display(BatchBoard(items), door)
