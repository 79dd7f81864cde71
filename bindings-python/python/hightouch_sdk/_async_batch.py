"""The batches of the asynchronous client; see `_batch`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ._batch import FOLLOW, INTERRUPTED_S, Batch, Ended, Limit
from ._batch_items import BatchItem, Items, Step
from ._encoding import Args, Seconds
from ._errors import ClientClosedError, HightouchError, RunFailedError
from ._progress import AsyncObserver, AsyncProgress, batch_display
from ._public import public
from ._runs import Policy
from ._terminate import Terminable
from ._told import Teller

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._async_door import AsyncDoor


class _Iterator:
    """Yields the items of a batch as they end."""

    def __init__(self, known: Items, follow: Callable[[], Awaitable[None]]) -> None:
        self._follow = follow
        self._known = known
        self._ended = Ended(known)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BatchItem:
        while True:
            item, finished = self._ended.next()
            if item is not None:
                return item
            if finished:
                raise StopAsyncIteration
            await self._follow()


class _Stopping:
    """Stops the batch if the ``async with`` block raises an exception that is not a ``HightouchError``."""

    def __init__(self, interrupt: Callable[[BaseException], Awaitable[None]]) -> None:
        self._interrupt = interrupt

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        if raised is not None and not isinstance(raised, HightouchError):
            await self._interrupt(raised)


@public
class AsyncSyncBatch(Batch):
    """Starts runs of many syncs and follows the runs in the background, even while nobody waits for the batch.

    Iterating over a batch yields each item once, as it ends; an item that failed raises nothing. The end of an
    ``async with`` block stops the batch, and so does garbage collection. Runs that were started go on.

    If the task is cancelled, or another exception interrupts the wait or the iteration, the batch stops. A note on the
    exception then names the runs that go on, with their tokens. SIGTERM has the same effect. During a wait, an
    iteration or an ``async with`` block in the main thread, the signal raises ``SystemExit(143)`` in the event loop.
    Then ``asyncio.run`` cancels its tasks, and the notes are logged as warnings. If the program handles SIGTERM itself,
    the program's handler stays in place.
    """

    def __init__(
        self, door: AsyncDoor, args: Mapping[str, Any], teller: Teller, asking: ExitStack, body: bytes
    ) -> None:
        super().__init__(door.local, args, teller, body)
        self._door = door
        self._asking = asking
        self._closing: asyncio.Task[tuple[str, bytes]] | None = None
        self._block = ExitStack()

    def __aiter__(self) -> AsyncIterator[BatchItem]:
        return _Iterator(self._known, self._follow)

    async def wait(
        self,
        timeout: Seconds | None = None,
        *,
        progress: AsyncProgress[BatchItem] = False,
        on_failure: Policy = "raise",
        on_warning: Policy = "return",
    ) -> list[BatchItem]:
        """Waits for the end of every sync.

        Args:
            timeout: The longest wait, in seconds or as a timedelta. Default: no time limit.
            progress: ``True`` shows a row for each sync, and a summary, on standard error or in the notebook. A
                function is called with each item that has changed. A coroutine function is awaited.
            on_failure: What to do if a sync was not started, or its run failed, was cancelled or was interrupted:
                ``"raise"`` an error, once every sync has ended, or ``"return"`` the items.
            on_warning: What to do if a run ended with warnings: ``"raise"`` or ``"return"``, as for ``on_failure``.

        Returns:
            All items, in the order of the syncs.

        Raises:
            InvalidRequestError: An argument is wrong.
            RunFailedError: A sync failed and ``on_failure`` is ``"raise"``, or a run ended with warnings and
                ``on_warning`` is ``"raise"``. The message names at most 20 of these syncs, with their reasons. The
                ``items`` of the error list all of them.
            WaitTimeoutError: ``timeout`` expired. The batch goes on, and you can wait again.
            ClientClosedError: The batch was stopped before every sync had ended.
        """
        limit = Limit(timeout, on_failure, on_warning)
        display = partial(batch_display, self._known.all, self._local)
        with Terminable():
            async with _Stopping(self._interrupt):
                with AsyncObserver(progress, display) as observer:
                    while True:
                        step = await self._step(limit.args())
                        for item in step.changed:
                            await observer.see(item)
                        if step.finished:
                            return self.items

    async def stop(self) -> list[BatchItem]:
        """Starts no more syncs, and waits for the answers to triggers in progress. Runs that were started go on.

        Returns:
            All items, in the order of the syncs. ``client.run(item.run_token)`` follows a run that goes on.
        """
        await self._stop(None)
        return self.items

    async def __aenter__(self) -> Self:
        self._block.enter_context(Terminable())
        return self

    async def __aexit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        with self._block:
            if raised is None:
                await self._stop(None)
            else:
                await self._interrupt(raised)

    async def _follow(self) -> None:
        """Waits until items have changed."""
        with Terminable():
            async with _Stopping(self._interrupt):
                try:
                    await self._step(FOLLOW)
                except ClientClosedError:
                    if not self._is_stopped:
                        raise
                    # Another task has stopped the batch, so the iteration ends without an error.
                    self._known.finished = True

    async def _interrupt(self, raised: BaseException) -> None:
        """Stops the batch because of an exception, and adds a note to this exception."""
        if isinstance(raised, GeneratorExit):
            # The coroutine was abandoned, so it must not wait for anything.
            self._abandon()
            return
        answered = False
        try:
            # A cancellation during this wait only ends the wait. The caller still gets the exception in `raised`.
            with suppress(asyncio.CancelledError):
                answered = await self._stop(INTERRUPTED_S)
        finally:
            self._known.note(raised, answered=answered)

    async def _step(self, args: Args) -> Step:
        args = {**args, **self._named()}
        try:
            step = self._known.take((await self._door.call("batch.next", args, late=self._known.take))[1])
        except RunFailedError as error:
            error.of_batch(self._known.all)
            raise
        if step.finished:
            self._asking.close()
        return step

    async def _stop(self, seconds: float | None) -> bool:
        """Stops the batch. Returns whether all triggers in progress ended within ``seconds``."""
        if not self._known.is_here:
            return True
        if self._closing is None:
            self._is_stopped = True
            self._closing = self._door.begin("batch.stop", self._named())
        # If this wait is cancelled, `asyncio.wait` does not cancel the closing task.
        await asyncio.wait([self._closing], timeout=seconds)
        # `asyncio.run` cancels all tasks at its end, so the closing task may be cancelled.
        if not self._closing.done() or self._closing.cancelled():
            return False
        # `batch.stop` fails with this error if an abandoned task has closed the batch already.
        with suppress(ClientClosedError):
            self._known.take_stop(self._closing.result()[1])
        self._known.finished = True
        self._asking.close()
        return True
