"""Following a run to its end, and taking it up again elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

from msgspec import UNSET, Struct
from msgspec.json import Decoder

from ._door import decoded, decoder, milliseconds, note_run
from ._errors import HightouchError, InvalidRequestError, ProtocolError, RunFailedError
from ._models import IdentityGraphRun, SequenceRun, SyncRun
from ._native import monotonic
from ._progress import AsyncObserver, AsyncProgress, Observer, Progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ._async_door import AsyncDoor
    from ._door import Door, Seconds

S = TypeVar("S")

Policy: TypeAlias = Literal["raise", "return"]
"""Whether an ending is raised as an error or returned as a result."""


class _Opened(Struct):
    token: str
    kind: str
    id: str
    parent: str = ""
    adopted: bool = False
    joined: bool = False


class _Step(Struct, Generic[S]):
    state: S | None
    seen: str
    changed: bool
    finished: bool


_OPENED = Decoder(_Opened)


class _Wait(Generic[S]):
    """What a wait asks for at each of its steps."""

    def __init__(
        self,
        token: str,
        state: type[S],
        timeout: Seconds | None,
        on_failure: Policy,
        on_warning: Policy,
    ) -> None:
        limit = milliseconds("timeout", timeout)
        if limit is not None and limit < 0:
            raise InvalidRequestError(f"`timeout` must be at least 0 seconds, not {timeout!r}.")
        self._end = None if limit is None else monotonic() + limit / 1000
        self._token = token
        self._fixed = {"run": token, "onFailure": on_failure, "onWarning": on_warning}
        self._state = state
        self._step: _Step[S] | None = None

    def args(self) -> dict[str, object]:
        left = UNSET if self._end is None else max(0, round((self._end - monotonic()) * 1000))
        seen = UNSET if self._step is None else self._step.seen
        return {
            **self._fixed,
            "seen": seen,
            "timeoutMs": left,
            "expire": self._end is not None,
        }

    def take(self, body: bytes) -> _Step[S]:
        step: type[_Step[S]] = _Step[self._state]  # type: ignore[name-defined]
        self._step = decoded(decoder(step), body)
        return self._step

    def __enter__(self) -> _Wait[S]:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RunFailedError):
            error.of(self._state)
        if error is not None and not isinstance(error, (HightouchError, GeneratorExit)):
            note_run(error, self._token)


def _result(state: S | None) -> S:
    if state is None:
        raise ProtocolError("The run has ended but its last state is missing.")
    return state


class _Handle(Generic[S]):
    """What sync and asynchronous handles have in common."""

    kind: str
    """What runs: ``sync``, ``sequence`` or ``identity_graph``."""
    _state: type[S]

    def __init__(self, body: bytes) -> None:
        self._opened = decoded(_OPENED, body)

    @property
    def id(self) -> int | str:
        """The run's id."""
        return self._opened.id

    @property
    def token(self) -> str:
        """Names the run in every language: ``Hightouch.run(token)`` takes it up again, also in another process."""
        return self._opened.token

    @property
    def adopted(self) -> bool:
        """Whether the trigger's answer was lost and this is the one run that it can have started."""
        return self._opened.adopted

    @property
    def joined(self) -> bool:
        """Whether the run was under way before: the trigger joined it (``if_running="join"``) and started none."""
        return self._opened.joined

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, of={self._opened.parent!r}, adopted={self.adopted})"


class Run(_Handle[S]):
    """A run: this one and no other. Its subclasses say of what."""

    def __init__(self, door: Door, body: bytes) -> None:
        super().__init__(body)
        self._door = door

    def states(self) -> Iterator[S]:
        """Give each state of the run as it changes, up to its last; how it ends raises nothing."""
        finished = False
        with _Wait(self.token, self._state, None, "return", "return") as wait:
            while not finished:
                step = wait.take(self._door.call("runs.next", wait.args())[1])
                finished = step.finished
                if step.changed and step.state is not None:
                    yield step.state

    def wait(
        self,
        timeout: Seconds | None = None,
        *,
        progress: Progress[S] = False,
        on_failure: Policy = "raise",
        on_warning: Policy = "return",
    ) -> S:
        """Wait for the end of the run and return its last state.

        Args:
            timeout: How long to wait at most: seconds or a timedelta. Without it there is no limit.
            progress: ``True`` shows a live line on a terminal; a function is called with each state.
            on_failure: What to do with a run that failed, was cancelled or was interrupted.
            on_warning: What to do with a run that ended with warnings.

        Raises:
            InvalidRequestError: An argument is wrong; nothing was sent.
            RunFailedError: The run ended badly; ``result`` holds its last state.
            WaitTimeoutError: ``timeout`` ran out. The run goes on; ``run_token`` takes it up again.
            HightouchError: The run could not be looked at. Outages that pass do not end the wait.
        """
        waiting = _Wait(self.token, self._state, timeout, on_failure, on_warning)
        with waiting as wait, Observer(progress, self.id) as observer:
            while True:
                step = wait.take(self._door.call("runs.next", wait.args())[1])
                if step.changed:
                    observer.see(step.state)
                if step.finished:
                    return _result(step.state)


class AsyncRun(_Handle[S]):
    """A run: this one and no other. Its subclasses say of what."""

    def __init__(self, door: AsyncDoor, body: bytes) -> None:
        super().__init__(body)
        self._door = door

    async def states(self) -> AsyncIterator[S]:
        """Give each state of the run as it changes, up to its last; how it ends raises nothing."""
        finished = False
        with _Wait(self.token, self._state, None, "return", "return") as wait:
            while not finished:
                step = wait.take((await self._door.call("runs.next", wait.args()))[1])
                finished = step.finished
                if step.changed and step.state is not None:
                    yield step.state

    async def wait(
        self,
        timeout: Seconds | None = None,
        *,
        progress: AsyncProgress[S] = False,
        on_failure: Policy = "raise",
        on_warning: Policy = "return",
    ) -> S:
        """Wait for the end of the run and return its last state.

        Args:
            timeout: How long to wait at most: seconds or a timedelta. Without it there is no limit.
            progress: ``True`` shows a live line on a terminal; a function is called with each state, and awaited if it
                is a coroutine function.
            on_failure: What to do with a run that failed, was cancelled or was interrupted.
            on_warning: What to do with a run that ended with warnings.

        Raises:
            InvalidRequestError: An argument is wrong; nothing was sent.
            RunFailedError: The run ended badly; ``result`` holds its last state.
            WaitTimeoutError: ``timeout`` ran out. The run goes on; ``run_token`` takes it up again.
            HightouchError: The run could not be looked at. Outages that pass do not end the wait.
        """
        waiting = _Wait(self.token, self._state, timeout, on_failure, on_warning)
        with waiting as wait, AsyncObserver(progress, self.id) as observer:
            while True:
                step = wait.take((await self._door.call("runs.next", wait.args()))[1])
                if step.changed:
                    await observer.see(step.state)
                if step.finished:
                    return _result(step.state)


class _OfSync(_Handle[SyncRun]):
    kind = "sync"
    _state = SyncRun

    @property
    def id(self) -> int:
        """The run's id."""
        return int(self._opened.id)

    @property
    def sync_id(self) -> int:
        """The id of the sync that runs."""
        return int(self._opened.parent)


class _OfSequence(_Handle[SequenceRun]):
    kind = "sequence"
    _state = SequenceRun

    @property
    def id(self) -> str:
        """The run's id."""
        return self._opened.id

    @property
    def sequence_id(self) -> str:
        """The id of the sync sequence that runs."""
        return self._opened.parent


class _OfIdentityGraph(_Handle[IdentityGraphRun]):
    kind = "identity_graph"
    _state = IdentityGraphRun

    @property
    def id(self) -> str:
        """The run's id."""
        return self._opened.id

    @property
    def graph_id(self) -> str:
        """The id of the identity graph that runs."""
        return self._opened.parent


class SyncRunHandle(_OfSync, Run[SyncRun]):
    """A run of a sync: this one and no other."""


class SequenceRunHandle(_OfSequence, Run[SequenceRun]):
    """A run of a sync sequence: this one and no other."""


class IdentityGraphRunHandle(_OfIdentityGraph, Run[IdentityGraphRun]):
    """A run of an identity graph: this one and no other."""


class AsyncSyncRunHandle(_OfSync, AsyncRun[SyncRun]):
    """A run of a sync: this one and no other."""


class AsyncSequenceRunHandle(_OfSequence, AsyncRun[SequenceRun]):
    """A run of a sync sequence: this one and no other."""


class AsyncIdentityGraphRunHandle(_OfIdentityGraph, AsyncRun[IdentityGraphRun]):
    """A run of an identity graph: this one and no other."""


AnyRun: TypeAlias = SyncRunHandle | SequenceRunHandle | IdentityGraphRunHandle
"""A run of whichever kind a token names."""
AnyAsyncRun: TypeAlias = AsyncSyncRunHandle | AsyncSequenceRunHandle | AsyncIdentityGraphRunHandle
"""A run of whichever kind a token names."""


def opened(door: Door, body: bytes) -> AnyRun:
    """The handle of the kind that was opened."""
    match decoded(_OPENED, body).kind:
        case "sync":
            return SyncRunHandle(door, body)
        case "sequence":
            return SequenceRunHandle(door, body)
        case "identity_graph":
            return IdentityGraphRunHandle(door, body)
        case other:
            raise _unknown(other)


def opened_async(door: AsyncDoor, body: bytes) -> AnyAsyncRun:
    """The handle of the kind that was opened."""
    match decoded(_OPENED, body).kind:
        case "sync":
            return AsyncSyncRunHandle(door, body)
        case "sequence":
            return AsyncSequenceRunHandle(door, body)
        case "identity_graph":
            return AsyncIdentityGraphRunHandle(door, body)
        case other:
            raise _unknown(other)


def _unknown(kind: str) -> ProtocolError:
    return ProtocolError(f"This version does not know runs of the kind {kind!r}.")
