"""Following a run to its end, and taking it up again elsewhere."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import UNSET, Struct
from msgspec.json import Decoder

from ._door import decoded, milliseconds
from ._errors import ProtocolError
from ._models import SyncRun
from ._progress import Observer, Progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ._async_door import AsyncDoor
    from ._door import Door, Seconds

Policy: TypeAlias = Literal["raise", "return"]
"""Whether an ending is raised as an error or returned as a result."""


class _Opened(Struct):
    token: str
    kind: str
    id: str
    parent: str | None = None
    adopted: bool = False


class _Step(Struct):
    state: SyncRun | None
    seen: str
    changed: bool
    finished: bool


_OPENED = Decoder(_Opened)
_STEP = Decoder(_Step)


class _Wait:
    """What a wait asks for at each of its steps."""

    def __init__(
        self,
        token: str,
        timeout: Seconds | None,
        on_failure: Policy,
        on_warning: Policy,
    ) -> None:
        limit = milliseconds("timeout", timeout)
        self._end = None if limit is None else monotonic() + limit / 1000
        self._fixed = {"run": token, "onFailure": on_failure, "onWarning": on_warning}
        self._step: _Step | None = None

    def args(self) -> dict[str, object]:
        left = UNSET if self._end is None else max(0, round((self._end - monotonic()) * 1000))
        seen = UNSET if self._step is None else self._step.seen
        return {
            **self._fixed,
            "seen": seen,
            "timeoutMs": left,
            "expire": self._end is not None,
        }

    def take(self, body: bytes) -> _Step:
        self._step = decoded(_STEP, body)
        return self._step


def _result(state: SyncRun | None) -> SyncRun:
    if state is None:
        raise ProtocolError("The run has ended but its last state is missing.")
    return state


class _Handle:
    """What sync and asynchronous handles have in common."""

    def __init__(self, body: bytes) -> None:
        self._opened = decoded(_OPENED, body)

    @property
    def id(self) -> int:
        """The run's id."""
        return int(self._opened.id)

    @property
    def sync_id(self) -> int:
        """The id of the sync that runs."""
        return int(self._opened.parent or 0)

    @property
    def token(self) -> str:
        """Names the run in every language: ``Hightouch.run(token)`` takes it up again, also in another process."""
        return self._opened.token

    @property
    def adopted(self) -> bool:
        """Whether the trigger's answer was lost and this is the one run that it can have started."""
        return self._opened.adopted

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id}, sync_id={self.sync_id}, adopted={self.adopted})"


class Run(_Handle):
    """A run of a sync: this one and no other."""

    def __init__(self, door: Door, body: bytes) -> None:
        super().__init__(body)
        self._door = door

    def states(self) -> Iterator[SyncRun]:
        """Give each state of the run as it changes, up to its last; how it ends raises nothing."""
        wait = _Wait(self.token, None, "return", "return")
        finished = False
        while not finished:
            step = wait.take(self._door.call("runs.next", wait.args())[1])
            finished = step.finished
            if step.changed and step.state is not None:
                yield step.state

    def wait(
        self,
        timeout: Seconds | None = None,
        *,
        progress: Progress = False,
        on_failure: Policy = "raise",
        on_warning: Policy = "return",
    ) -> SyncRun:
        """Wait for the end of the run and return its last state.

        Args:
            timeout: How long to wait at most: seconds or a timedelta. Without it there is no limit.
            progress: ``True`` shows a live line on a terminal; a function is called with each state.
            on_failure: What to do with a run that failed, was cancelled or was interrupted.
            on_warning: What to do with a run that ended with warnings.

        Raises:
            RunFailedError: The run ended badly; ``result`` holds its last state.
            WaitTimeoutError: ``timeout`` ran out. The run goes on; ``run_token`` takes it up again.
            HightouchError: The run could not be looked at. Outages that pass do not end the wait.
        """
        wait = _Wait(self.token, timeout, on_failure, on_warning)
        with Observer(progress, self.id) as observer:
            while True:
                step = wait.take(self._door.call("runs.next", wait.args())[1])
                if step.changed:
                    observer.see(step.state)
                if step.finished:
                    return _result(step.state)


class AsyncRun(_Handle):
    """A run of a sync: this one and no other."""

    def __init__(self, door: AsyncDoor, body: bytes) -> None:
        super().__init__(body)
        self._door = door

    async def states(self) -> AsyncIterator[SyncRun]:
        """Give each state of the run as it changes, up to its last; how it ends raises nothing."""
        wait = _Wait(self.token, None, "return", "return")
        finished = False
        while not finished:
            step = wait.take((await self._door.call("runs.next", wait.args()))[1])
            finished = step.finished
            if step.changed and step.state is not None:
                yield step.state

    async def wait(
        self,
        timeout: Seconds | None = None,
        *,
        progress: Progress = False,
        on_failure: Policy = "raise",
        on_warning: Policy = "return",
    ) -> SyncRun:
        """Wait for the end of the run and return its last state.

        Args:
            timeout: How long to wait at most: seconds or a timedelta. Without it there is no limit.
            progress: ``True`` shows a live line on a terminal; a function is called with each state.
            on_failure: What to do with a run that failed, was cancelled or was interrupted.
            on_warning: What to do with a run that ended with warnings.

        Raises:
            RunFailedError: The run ended badly; ``result`` holds its last state.
            WaitTimeoutError: ``timeout`` ran out. The run goes on; ``run_token`` takes it up again.
            HightouchError: The run could not be looked at. Outages that pass do not end the wait.
        """
        wait = _Wait(self.token, timeout, on_failure, on_warning)
        with Observer(progress, self.id) as observer:
            while True:
                step = wait.take((await self._door.call("runs.next", wait.args()))[1])
                if step.changed:
                    observer.see(step.state)
                if step.finished:
                    return _result(step.state)
