"""The batches of the blocking client: the runs of many syncs, which are started and followed together."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from ._batch_items import BatchItem, Items, Step, summary
from ._door import read
from ._encoding import Args, Seconds, milliseconds
from ._errors import ClientClosedError, HightouchError, InvalidRequestError, RunFailedError
from ._models import Sync
from ._native import monotonic
from ._progress import Observer, Progress, batch_display
from ._public import public
from ._runs import Policy
from ._schedules import sync_id
from ._terminate import Terminable
from ._told import Teller

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._door import Door, Pending

INTERRUPTED_S = 5.0
"""For how many seconds an interrupted wait still waits for the answers to triggers in progress."""

FOLLOW: Args = {"onFailure": "return", "onWarning": "return"}
"""The arguments of ``batch.next`` with which a failed sync raises no error."""


class Limit:
    """The arguments of each call of ``batch.next`` during one wait, and the deadline of the wait."""

    def __init__(self, timeout: Seconds | None, on_failure: Policy, on_warning: Policy) -> None:
        limit = milliseconds("timeout", timeout)
        self._end = None if limit is None else monotonic() + limit / 1000
        self._policies = {"onFailure": on_failure, "onWarning": on_warning}

    def args(self) -> Args:
        left = UNSET if self._end is None else max(0, round((self._end - monotonic()) * 1000))
        return {**self._policies, "timeoutMs": left, "expire": self._end is not None}


def asked(
    syncs: Any, given: Mapping[str, object], checkpoint: str | os.PathLike[str] | None = None, **more: object
) -> dict[str, Any]:
    """Returns the arguments of ``syncs.run_many`` or ``syncs.estimate_many``. Leaves out None values in ``more``.

    Raises:
        InvalidRequestError: ``syncs`` is not a collection of syncs, or ``checkpoint`` is not a path.
    """
    if isinstance(syncs, (str, bytes, Sync)) or not isinstance(syncs, Iterable):
        raise InvalidRequestError(f"`syncs` must be a list of ids and slugs, not {syncs!r}.")
    path: object = None
    if checkpoint is not None:
        try:
            path = os.fspath(checkpoint)
        except TypeError:
            path = b""
        if not isinstance(path, str):
            raise InvalidRequestError(f"`checkpoint` must be the path of a file, not {checkpoint!r}.")
    more = {**more, "checkpoint": path}
    return {
        "syncs": [sync_id(sync) for sync in syncs],  # pyright: ignore[reportUnknownVariableType]
        **given,
        **{name: value for name, value in more.items() if value is not None},
    }


class Batch:
    """The code that the batches of the blocking and the asynchronous client share."""

    def __init__(self, door: Door, args: Mapping[str, Any], teller: Teller, body: bytes) -> None:
        self._local = door
        self._known = Items(args["syncs"], body, teller)
        self._is_stopped = False

    @property
    def items(self) -> list[BatchItem]:
        """What is known of each sync now, in the order of the syncs. Reading this attribute sends nothing."""
        return list(self._known.all)

    def __len__(self) -> int:
        return len(self._known.all)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {summary(self._known.all)}>"

    def _repr_html_(self) -> str:
        from ._html import batch_html

        return batch_html(repr(self), self.items)

    def __del__(self) -> None:
        # While the interpreter shuts down, the modules that `_abandon` needs may be gone, and `suppress` too.
        try:  # noqa: SIM105
            self._abandon()
        except Exception:  # noqa: S110
            pass

    def _abandon(self) -> None:
        """Stops the batch without waiting for anything."""
        known = self._known
        if known.is_here and not sys.is_finalizing():
            self._is_stopped = True
            self._local.begin("batch.close", self._named())

    def _named(self) -> dict[str, object]:
        """Returns the argument that names the batch.

        Raises:
            ClientClosedError: The batch was started by the parent of this process.
        """
        if not self._known.is_here:
            raise ClientClosedError("The batch belongs to another process, from which this one was forked.")
        return {"batch": self._known.batch}


class Ended:
    """The position of an iteration in the list of ended items."""

    def __init__(self, known: Items) -> None:
        self._known = known
        self._at = 0

    def next(self) -> tuple[BatchItem | None, bool]:
        """Returns the next ended item and False. If there is none yet, returns None and whether the batch has ended."""
        # Reads `finished` before the list. So if `finished` is true, no further item will enter the list.
        finished = self._known.finished
        ended = self._known.ended[self._at : self._at + 1]
        self._at += len(ended)
        return (ended[0], False) if ended else (None, finished)


class _Iterator:
    """Yields the items of a batch as they end."""

    def __init__(self, known: Items, follow: Callable[[], None]) -> None:
        self._follow = follow
        self._known = known
        self._ended = Ended(known)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BatchItem:
        while True:
            item, finished = self._ended.next()
            if item is not None:
                return item
            if finished:
                raise StopIteration
            self._follow()


class _Stopping:
    """Stops the batch if the ``with`` block raises an exception that is not a ``HightouchError``."""

    def __init__(self, interrupt: Callable[[BaseException], None]) -> None:
        self._interrupt = interrupt

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        if raised is not None and not isinstance(raised, HightouchError):
            self._interrupt(raised)


@public
class SyncBatch(Batch):
    """Starts runs of many syncs and follows the runs in the background, even while nobody waits for the batch.

    Iterating over a batch yields each item once, as it ends; an item that failed raises nothing. The end of a ``with``
    block stops the batch, and so does garbage collection. Runs that were started go on.

    If an exception such as ``KeyboardInterrupt`` interrupts the wait or the iteration, the batch stops. A note on the
    exception then names the runs that go on, with their tokens. SIGTERM has the same effect. During a wait, an
    iteration or a ``with`` block in the main thread, the signal raises ``SystemExit(143)``, and the note is logged as a
    warning. If the program handles SIGTERM itself, the program's handler stays in place.
    """

    def __init__(self, door: Door, args: Mapping[str, Any], teller: Teller, body: bytes) -> None:
        super().__init__(door, args, teller, body)
        self._closing: Pending | None = None
        self._block = ExitStack()

    def __iter__(self) -> Iterator[BatchItem]:
        return _Iterator(self._known, self._follow)

    def wait(
        self,
        timeout: Seconds | None = None,
        *,
        progress: Progress[BatchItem] = False,
        on_failure: Policy = "raise",
        on_warning: Policy = "return",
    ) -> list[BatchItem]:
        """Waits for the end of every sync.

        Args:
            timeout: The longest wait, in seconds or as a timedelta. Default: no time limit.
            progress: ``True`` shows a row for each sync, and a summary, on standard error or in the notebook. A
                function is called with each item that has changed.
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
        with Terminable(), _Stopping(self._interrupt), Observer(progress, display) as observer:
            while True:
                step = self._step(limit.args())
                for item in step.changed:
                    observer.see(item)
                if step.finished:
                    return self.items

    def stop(self) -> list[BatchItem]:
        """Starts no more syncs, and waits for the answers to triggers in progress. Runs that were started go on.

        Returns:
            All items, in the order of the syncs. ``client.run(item.run_token)`` follows a run that goes on.
        """
        self._stop(None)
        return self.items

    def __enter__(self) -> Self:
        self._block.enter_context(Terminable())
        return self

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        with self._block:
            if raised is None:
                self._stop(None)
            else:
                self._interrupt(raised)

    def _follow(self) -> None:
        """Waits until items have changed."""
        with Terminable(), _Stopping(self._interrupt):
            try:
                self._step(FOLLOW)
            except ClientClosedError:
                # If another thread has stopped the batch, the iteration ends without an error.
                if not self._is_stopped:
                    raise
                self._stop(None)

    def _interrupt(self, raised: BaseException) -> None:
        """Stops the batch because of an exception, and adds a note to this exception."""
        answered = False
        try:
            answered = self._stop(INTERRUPTED_S)
        finally:
            self._known.note(raised, answered=answered)

    def _step(self, args: Args) -> Step:
        # Another thread that waits may have received changes and not recorded them yet, so `all` asks for every item.
        args = {**args, **self._named(), "all": True}
        try:
            return self._known.take(self._local.call("batch.next", args, late=self._known.take)[1])
        except RunFailedError as error:
            with suppress(HightouchError):
                self._known.take(self._local.call("batch.next", {**args, **FOLLOW})[1])
            error.of_batch(self._known.all)
            raise

    def _stop(self, seconds: float | None) -> bool:
        """Stops the batch. Returns whether all triggers in progress ended within ``seconds``."""
        if not self._known.is_here:
            return True
        if self._closing is None:
            self._is_stopped = True
            self._closing = self._local.begin("batch.stop", self._named())
        answer = self._closing.wait(seconds)
        if answer is not None:
            # `batch.stop` fails with this error if the batch was closed already.
            with suppress(ClientClosedError):
                self._known.take_stop(read(answer, "batch.stop")[1])
            self._known.finished = True
        return answer is not None
