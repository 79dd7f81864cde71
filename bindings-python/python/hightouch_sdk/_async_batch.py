"""The batches of the asynchronous client; see `_batch`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

import hightouch_sdk

from ._arguments import options
from ._async_calls import AsyncResource
from ._base import Priority
from ._batch import FOLLOW, INTERRUPTED_S, Batch, Ended, Limit, asked
from ._batch_items import BatchEstimate, BatchItem, Items, Step, estimate_of
from ._encoding import Args, Seconds, milliseconds
from ._errors import ClientClosedError, HightouchError, RunFailedError
from ._models import Sync
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


class AsyncRunMany(AsyncResource):
    """The methods of ``client.syncs`` that start or estimate batches."""

    async def run_many(
        self,
        syncs: Iterable[int | str | Sync],
        *,
        full_resync: bool | UnsetType = UNSET,
        reset_cdc: bool | UnsetType = UNSET,
        clear_and_fill: bool | UnsetType = UNSET,
        if_running: hightouch_sdk.IfRunning | UnsetType = UNSET,
        at_once: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        retry_unknown: bool | None = None,
        retry_failed: bool | None = None,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        max_retries: int | None = None,
        max_wait: Seconds | None = None,
        priority: Priority | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncSyncBatch:
        """Starts a run of each given sync and returns a batch, which follows the runs in the background. A failure of
        one sync does not affect the others. But after a failure that would affect every sync, such as a refused API
        key, the batch starts no more syncs. The method does not wait for the server's answers; ``wait`` says what
        failed.

        Args:
            syncs: The ids or slugs of the syncs.
            full_resync: Send every row again, even if it was synced before. Default: false.
            reset_cdc: Process every row without making changes at the destination. Default: false.
            clear_and_fill: Empty the audience, then send all rows of the query's result. Default: false.
            if_running: What to do while a run of a sync is in progress. Default: ``queue``.
            at_once: How many syncs may be in progress at a time, at least 1. A sync is in progress from its trigger to
                the end of its run. Default: 50.
            checkpoint: The file that records what was started. If the file exists, the batch in the file is resumed: a
                run that has ended is not repeated, a run in progress is followed, and a sync that was not started is
                started. If it is unknown whether a run was started, the item has the outcome ``"unknown"``.
            retry_unknown: Start a sync again if it is unknown whether its run was started. The sync may then run twice.
                Default: false.
            retry_failed: Start a sync again if its run failed, was cancelled or was interrupted. Default: false.
            timeout: Time limit of one attempt, in seconds or as a timedelta, above 0.
            deadline: Time limit of each call of the batch, with its waiting and retries, in seconds or as a timedelta,
                above 0.
            max_retries: How many times each call may be sent again after a failure, if that is safe.
            max_wait: How long each call may wait for the rate limit, in seconds or as a timedelta. With 0, a request is
                sent at once or fails.
            priority: The priority of each call while it waits for the rate limit: ``"trigger"``, ``"poll"``,
                ``"read"`` or ``"bulk"``, the highest first.
            headers: Headers to send in addition to the client's headers. Headers of the call replace headers of the
                client with the same name.

        Returns:
            The batch.

        Raises:
            InvalidRequestError: An argument is wrong, or the checkpoint cannot be used; then ``code`` is
                ``"checkpoint"``. Nothing was sent.
            ClientClosedError: The client is closed.
        """  # noqa: D205
        args = asked(
            syncs,
            {
                "fullResync": full_resync,
                "resetCDC": reset_cdc,
                "clearAndFill": clear_and_fill,
                "ifRunning": if_running,
            },
            checkpoint,
            atOnce=at_once,
            retryUnknown=retry_unknown,
            retryFailed=retry_failed,
        )
        opts = options(timeout, deadline, max_retries, max_wait, priority, headers)
        door = self._calls.door
        with ExitStack() as stack:
            # The core may need the API key until the batch ends. So the context in which the key function may run stays
            # open until then.
            stack.enter_context(door.asking())
            asking = ExitStack()
            teller = Teller(door.local)
            batch = partial(AsyncSyncBatch, door, args, teller, asking)
            # If the task is cancelled but the batch was started, `call` passes the late result to `batch`. Nobody keeps
            # the object that `batch` creates, so Python deletes the object, which stops the batch.
            started = batch((await door.call("syncs.run_many", {**args, **teller.args()}, opts, batch))[1])
            asking.push(stack.pop_all())
        return started

    async def estimate_many(
        self,
        syncs: Iterable[int | str | Sync],
        *,
        if_running: hightouch_sdk.IfRunning | UnsetType = UNSET,
        at_once: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        run_time: Seconds | None = None,
    ) -> BatchEstimate:
        """Estimates how many requests and how much time ``run_many`` needs at least. Sends nothing.

        Args:
            syncs: The ids or slugs of the syncs.
            if_running: As in ``run_many``.
            at_once: As in ``run_many``.
            checkpoint: As in ``run_many``. The file is not read.
            run_time: The time that you expect one run to take, in seconds or as a timedelta. Default: 0.

        Returns:
            The least numbers of requests, and the least time.

        Raises:
            InvalidRequestError: An argument is wrong.
            ClientClosedError: The client is closed.
        """
        given = {"ifRunning": if_running}
        time = milliseconds("run_time", run_time)
        args = asked(syncs, given, checkpoint, atOnce=at_once, runTimeMs=time)
        return estimate_of((await self._calls.door.call("syncs.estimate_many", args))[1])
