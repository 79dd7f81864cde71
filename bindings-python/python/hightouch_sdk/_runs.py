"""Handles of runs. A handle follows its run to the end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

from msgspec import UNSET, Struct
from msgspec.json import Decoder

import hightouch_sdk

from ._door import add_note, decoded, decoder, note_run
from ._encoding import Seconds, milliseconds
from ._errors import HightouchError, ProtocolError, RunFailedError
from ._native import monotonic
from ._progress import Observer, Progress, run_display
from ._public import public

if TYPE_CHECKING:
    from ._door import Door
    from ._models import IdentityGraphRun, SequenceRun, SyncRun  # noqa: F401 (in strings)

S = TypeVar("S")

Policy: TypeAlias = Literal["raise", "return"]
"""What ``wait`` does after a failure or after warnings: ``"raise"`` an error, or ``"return"`` the result."""


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


class RunWait(Generic[S]):
    """The arguments of each step of a wait, and the deadline of the wait."""

    def __init__(
        self,
        token: str,
        slug: str | None,
        state: type[S],
        timeout: Seconds | None,
        on_failure: Policy,
        on_warning: Policy,
    ) -> None:
        limit = milliseconds("timeout", timeout)
        self._end = None if limit is None else monotonic() + limit / 1000
        self._token = token
        self._slug = slug
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

    def __enter__(self) -> RunWait[S]:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RunFailedError):
            error.of(self._state)
        if isinstance(error, HightouchError) and self._slug is not None:
            add_note(error, f"The run is of the sync {self._slug!r}.")
        if error is not None and not isinstance(error, (HightouchError, GeneratorExit)):
            note_run(error, self._token)


def result_of(state: S | None) -> S:
    if state is None:
        raise ProtocolError("The run has ended, but the answer does not contain its state.")
    return state


class BaseHandle(Generic[S]):
    """The code that the handles of the blocking and the asynchronous client share."""

    kind: str
    """The kind of thing that runs: ``"sync"``, ``"sequence"`` or ``"identity_graph"``."""
    _state_name: str

    def __init__(self, body: bytes, slug: str | None = None) -> None:
        self._opened = decoded(_OPENED, body)
        self._slug = slug

    @property
    def id(self) -> int | str:
        """The run's id."""
        return self._opened.id

    @property
    def _state(self) -> type[S]:
        """The type of the run's states. A program imports only the types of the runs that it follows."""
        state: type[S] = getattr(hightouch_sdk, self._state_name)
        return state

    @property
    def token(self) -> str:
        """A text that names the run. ``client.run(token)`` returns a handle, also in another process or language."""
        return self._opened.token

    @property
    def adopted(self) -> bool:
        """Whether the answer to the trigger was lost, and the client then found the run in the list of runs.

        The client takes such a run only if the trigger cannot have started a different run.
        """
        return self._opened.adopted

    @property
    def joined(self) -> bool:
        """Whether the run was in progress already and the trigger started no other run (``if_running="join"``)."""
        return self._opened.joined

    def __repr__(self) -> str:
        shown = [f"id={self.id!r}", *self._of()]
        shown += [f"{name}=True" for name in ("adopted", "joined") if getattr(self, name)]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _of(self) -> list[str]:
        """Returns the part of the repr that names the sync, sequence or identity graph of the run."""
        return []

    def _name(self) -> str:
        """Returns the name of the run in a display of its progress."""
        return f"{self.kind.replace('_', ' ')} {self._opened.parent} (run {self.id})"


@public
class Run(BaseHandle[S]):
    """The handle of one run. Each kind of run has a subclass."""

    def __init__(self, door: Door, body: bytes, slug: str | None = None) -> None:
        super().__init__(body, slug)
        self._door = door

    def state(self) -> S:
        """Reads the run once.

        Unlike :meth:`wait`, this method raises an error during an outage. If the run failed, the method raises nothing:
        the state shows the failure.

        Returns:
            The state of the run.

        Raises:
            NotFoundError: The server does not list the run. A new run may not be listed yet.
            HightouchError: The run could not be read for another reason.
        """
        with RunWait(self.token, self._slug, self._state, None, "return", "return"):
            return decoded(decoder(self._state), self._door.call("run.state", {"run": self.token})[1])

    def states(self) -> Iterator[S]:
        """Iterates over the states of the run as they change, up to the last state.

        If the run fails, the iteration raises nothing. The last state shows the failure.

        Raises:
            HightouchError: The run could not be read. Temporary outages do not end the iteration.
        """
        finished = False
        with RunWait(self.token, self._slug, self._state, None, "return", "return") as wait:
            while not finished:
                step = wait.take(self._door.call("run", wait.args())[1])
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
        """Waits for the end of the run.

        Args:
            timeout: How long to wait, in seconds or as a timedelta. Default: no time limit.
            progress: ``True`` shows how far the run is, on standard error or in the notebook. A function is called
                with each state.
            on_failure: What to do if the run failed, was cancelled or was interrupted: ``"raise"`` an error or
                ``"return"`` the run.
            on_warning: What to do if the run ended with warnings: ``"raise"`` an error or ``"return"`` the run.

        Returns:
            The last state of the run.

        Raises:
            InvalidRequestError: An argument is wrong. Nothing was sent.
            RunFailedError: The run failed or ended with warnings, and ``on_failure`` or ``on_warning`` is ``"raise"``.
                The ``result`` of the error is the last state of the run.
            WaitTimeoutError: ``timeout`` expired. The run goes on; ``client.run(error.run_token)`` follows it again.
            HightouchError: The run could not be read. Temporary outages do not end the wait.
        """
        waiting = RunWait(self.token, self._slug, self._state, timeout, on_failure, on_warning)
        with waiting as wait, Observer(progress, partial(run_display, self._name(), self._door)) as observer:
            while True:
                step = wait.take(self._door.call("run", wait.args())[1])
                if step.changed:
                    observer.see(step.state)
                if step.finished:
                    return result_of(step.state)


class OfSync(BaseHandle["SyncRun"]):
    kind = "sync"
    _state_name = "SyncRun"

    @property
    def id(self) -> int:
        """The run's id."""
        return int(self._opened.id)

    @property
    def sync_id(self) -> int:
        """The id of the sync."""
        return int(self._opened.parent)

    @property
    def slug(self) -> str | None:
        """The slug of the sync, if the call that returned the handle named the sync by its slug; else None."""
        return self._slug

    def _name(self) -> str:
        return super()._name() if self._slug is None else f"{self._slug} (run {self.id})"

    def _of(self) -> list[str]:
        return [f"sync_id={self.sync_id}"] + ([] if self._slug is None else [f"slug={self._slug!r}"])


class OfSequence(BaseHandle["SequenceRun"]):
    kind = "sequence"
    _state_name = "SequenceRun"

    @property
    def id(self) -> str:
        """The run's id."""
        return self._opened.id

    @property
    def sequence_id(self) -> str:
        """The id of the sync sequence."""
        return self._opened.parent

    def _of(self) -> list[str]:
        return [f"sequence_id={self.sequence_id!r}"]


class OfIdentityGraph(BaseHandle["IdentityGraphRun"]):
    kind = "identity_graph"
    _state_name = "IdentityGraphRun"

    @property
    def id(self) -> str:
        """The run's id."""
        return self._opened.id

    @property
    def graph_id(self) -> str:
        """The id of the identity graph."""
        return self._opened.parent

    def _of(self) -> list[str]:
        return [f"graph_id={self.graph_id!r}"]


@public
class SyncRunHandle(OfSync, Run["SyncRun"]):
    """The handle of one run of a sync."""


@public
class SequenceRunHandle(OfSequence, Run["SequenceRun"]):
    """The handle of one run of a sync sequence."""


@public
class IdentityGraphRunHandle(OfIdentityGraph, Run["IdentityGraphRun"]):
    """The handle of one run of an identity graph."""


AnyRun: TypeAlias = SyncRunHandle | SequenceRunHandle | IdentityGraphRunHandle
"""The handle of a run of any kind."""
