"""Reports how far the reading for a report has come: on a terminal, or to the caller's function."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, final

from msgspec import Struct

from hightouch_sdk._callables import check_function
from hightouch_sdk._errors import InvalidRequestError

if TYPE_CHECKING:
    from typing_extensions import Self


class ReportProgress(Struct, frozen=True):
    """How far the reading for a report has come."""

    syncs_read: int
    """How many syncs are done. A sync is done once its runs were read or could not be read."""
    syncs: int
    """For how many syncs the report reads the runs."""
    requests: int
    """The number of requests so far, not counting retries."""
    expected_requests: int
    """The least number of requests that the report needs: the requests so far, and one request for each sync that is
    not yet read. A sync with more than 100 runs in the period needs one request for each 100 runs."""

    def __str__(self) -> str:
        if self.syncs_read == self.syncs:
            return f"the runs of {self.syncs} syncs were read with {self.requests} requests"
        left = self.expected_requests - self.requests
        return f"the runs of {self.syncs_read} of {self.syncs} syncs were read; at least {left} requests are left"


@final
class Told:
    """Shows the progress in a line on a terminal, or passes the progress to the caller's function."""

    def __init__(self, progress: object) -> None:
        """Checks the argument ``progress``.

        Raises:
            InvalidRequestError: ``progress`` is neither a bool nor a function.
        """
        if not isinstance(progress, bool) and not callable(progress):
            raise InvalidRequestError(f"`progress` must be True, False or a function, not {progress!r}.")
        self._width = 0
        self._tell: Callable[[ReportProgress], Any] | None = None
        if callable(progress):
            self._tell = progress
        elif progress and sys.stderr.isatty():
            self._tell = self._show

    @classmethod
    def by(cls, progress: object) -> Self:
        """Checks the argument ``progress`` of the blocking client.

        Raises:
            InvalidRequestError: ``progress`` is neither a bool nor a plain function.
        """
        if callable(progress):
            check_function("progress", progress, InvalidRequestError)
        return cls(progress)

    def see(self, state: ReportProgress) -> Any:
        """Shows a state, or passes the state to the function. Returns what the function returns."""
        return None if self._tell is None else self._tell(state)

    async def see_async(self, state: ReportProgress) -> None:
        """Shows a state, or passes the state to the function. If the function returns an awaitable, awaits it."""
        told = self.see(state)
        if isinstance(told, Awaitable):
            await told

    def _show(self, state: ReportProgress) -> None:
        text = f"report: {state}"
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()
