"""Handles of runs, for asyncio. A handle follows its run to the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ._door import decoded, decoder
from ._encoding import Seconds
from ._progress import AsyncObserver, AsyncProgress, run_display
from ._public import public
from ._runs import BaseHandle, OfIdentityGraph, OfSequence, OfSync, Policy, RunWait, result_of

if TYPE_CHECKING:
    from ._async_door import AsyncDoor
    from ._models import IdentityGraphRun, SequenceRun, SyncRun  # noqa: F401 (in strings)

S = TypeVar("S")


@public
class AsyncRun(BaseHandle[S]):
    """The handle of one run, for asyncio. Each kind of run has a subclass."""

    def __init__(self, door: AsyncDoor, body: bytes, slug: str | None = None) -> None:
        super().__init__(body, slug)
        self._door = door

    async def state(self) -> S:
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
            return decoded(decoder(self._state), (await self._door.call("run.state", {"run": self.token}))[1])

    async def states(self) -> AsyncIterator[S]:
        """Iterates over the states of the run as they change, up to the last state.

        If the run fails, the iteration raises nothing. The last state shows the failure.

        Raises:
            HightouchError: The run could not be read. Temporary outages do not end the iteration.
        """
        finished = False
        with RunWait(self.token, self._slug, self._state, None, "return", "return") as wait:
            while not finished:
                step = wait.take((await self._door.call("run", wait.args()))[1])
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
        """Waits for the end of the run.

        Args:
            timeout: How long to wait, in seconds or as a timedelta. Default: no time limit.
            progress: ``True`` shows how far the run is, on standard error or in the notebook. A function is called
                with each state; if the function returns an awaitable, the wait awaits the result.
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
        with waiting as wait, AsyncObserver(progress, partial(run_display, self._name(), self._door.local)) as observer:
            while True:
                step = wait.take((await self._door.call("run", wait.args()))[1])
                if step.changed:
                    await observer.see(step.state)
                if step.finished:
                    return result_of(step.state)


@public
class AsyncSyncRunHandle(OfSync, AsyncRun["SyncRun"]):
    """The handle of one run of a sync, for asyncio."""


@public
class AsyncSequenceRunHandle(OfSequence, AsyncRun["SequenceRun"]):
    """The handle of one run of a sync sequence, for asyncio."""


@public
class AsyncIdentityGraphRunHandle(OfIdentityGraph, AsyncRun["IdentityGraphRun"]):
    """The handle of one run of an identity graph, for asyncio."""


AnyAsyncRun: TypeAlias = AsyncSyncRunHandle | AsyncSequenceRunHandle | AsyncIdentityGraphRunHandle
"""The handle of a run of any kind, for asyncio."""
