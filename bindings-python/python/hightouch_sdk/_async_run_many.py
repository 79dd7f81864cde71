"""The methods of the asynchronous client that start batches. The first call imports the code of batches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial

from msgspec import UNSET, UnsetType

import hightouch_sdk

from ._arguments import options
from ._async_calls import AsyncResource
from ._base import Priority
from ._encoding import Seconds, milliseconds
from ._errors import LOADING
from ._models import Sync


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
    ) -> hightouch_sdk.AsyncSyncBatch:
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
        with LOADING:
            from ._async_batch import AsyncSyncBatch
            from ._batch import asked
            from ._told import Teller

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
    ) -> hightouch_sdk.BatchEstimate:
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
        with LOADING:
            from ._batch import asked
            from ._batch_items import estimate_of

        given = {"ifRunning": if_running}
        time = milliseconds("run_time", run_time)
        args = asked(syncs, given, checkpoint, atOnce=at_once, runTimeMs=time)
        return estimate_of((await self._calls.door.call("syncs.estimate_many", args))[1])
