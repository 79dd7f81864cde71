"""The items of a batch, and what is known of the items."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from msgspec import Raw, Struct

from ._door import add_note, decoded, decoder
from ._errors import HightouchError, failure
from ._log import logger
from ._models import SyncRun
from ._terminate import was_asked
from ._told import Teller, Told
from ._value import Value

ItemOutcome: TypeAlias = Literal["success", "warning", "failure", "not_started", "unknown"]
"""How one sync of a batch ended. ``"failure"``: its run failed, was cancelled or was interrupted. ``"not_started"``: no
run was started. ``"unknown"``: a run may have been started, or nobody knows how the run ended."""


class BatchItem(Value, frozen=True, kw_only=True):
    """One sync of a batch, and what is known of its run."""

    index: int
    """The position of the sync in the batch, from 0."""
    sync: int | str
    """The id or slug of the sync, as the caller gave it."""
    sync_id: int | None = None
    """The id of the sync, once its run was started."""
    run_id: int | None = None
    """The id of the run, once it was started."""
    run_token: str | None = None
    """The token of the run, once it was started. ``client.run(token)`` returns a handle that follows the run."""
    adopted: bool = False
    """Whether the answer to the trigger was lost, and the batch then found the run in the list of runs. The batch uses
    such a run only if the trigger cannot have started a different run."""
    joined: bool = False
    """Whether the run was in progress already and the trigger started no other run (``if_running="join"``)."""
    state: SyncRun | None = None
    """The state of the run when the batch last read it."""
    outcome: ItemOutcome | None = None
    """How the sync ended; None while the sync waits or is in progress."""
    error: HightouchError | None = None
    """Why no run was started, or why the end of the run is not known. ``state.error`` says why a run failed."""

    @property
    def in_progress(self) -> bool:
        """Whether a run was started and its end is not known."""
        return self.run_token is not None and self.outcome in {None, "unknown"}


class BatchEstimate(Value, frozen=True, kw_only=True):
    """The least number of requests and the least time that a batch needs.

    A run that is still in progress when it is first read needs more requests.
    """

    lookups: int
    """Requests that prepare triggers: one for each slug (unless the client remembers its id), one for each sync with
    ``if_running="join"``, and one if a checkpoint needs the server's time."""
    triggers: int
    """Requests that start runs: one for each sync."""
    looks: int
    """Requests that read how runs ended: one for each sync."""
    requests: int
    """The sum of ``lookups``, ``triggers`` and ``looks``."""
    seconds: float
    """The least time until the last run has ended, given the rate limit and the expected time of a run."""


class _Estimated(Struct, rename="camel"):
    lookups: int
    triggers: int
    looks: int
    requests: int
    duration_ms: int


def estimate_of(body: bytes) -> BatchEstimate:
    told = decoded(decoder(_Estimated), body)
    return BatchEstimate(
        lookups=told.lookups,
        triggers=told.triggers,
        looks=told.looks,
        requests=told.requests,
        seconds=told.duration_ms / 1000,
    )


class _Received(Struct, rename="camel"):
    index: int
    sync: int | str
    run: str | None
    sync_id: str | None
    run_id: str | None
    adopted: bool
    joined: bool
    state: SyncRun | None
    outcome: ItemOutcome | None
    failure: Raw = Raw(b"null")

    def item(self) -> BatchItem:
        told = bytes(self.failure)
        return BatchItem(
            index=self.index,
            sync=self.sync,
            sync_id=None if self.sync_id is None else int(self.sync_id),
            run_id=None if self.run_id is None else int(self.run_id),
            run_token=self.run,
            adopted=self.adopted,
            joined=self.joined,
            state=self.state,
            outcome=self.outcome,
            error=None if told == b"null" else failure(told),
        )


class _Changed(Struct):
    items: list[_Received]
    finished: bool
    told: list[Told] = []


class _Started(Struct):
    batch: int


def summary(items: Sequence[BatchItem]) -> str:
    """Returns the counts of items as text, such as ``3 of 5 ended, 2 in progress, 1 failed``."""
    ended = [item for item in items if item.outcome is not None]
    running = sum(item.outcome is None and item.run_token is not None for item in items)
    failed = sum(item.outcome not in {"success", "warning"} for item in ended)
    parts = [f"{len(ended)} of {len(items)} ended"]
    parts += [f"{running} in progress"] if running else []
    parts += [f"{failed} failed"] if failed else []
    return ", ".join(parts)


class Step(NamedTuple):
    """One answer to ``batch.next``: the items that have changed, and whether the batch has ended."""

    changed: list[BatchItem]
    finished: bool


class Items:
    """The items of one batch, with all changes that this process has received."""

    def __init__(self, syncs: Iterable[Any], body: bytes, teller: Teller) -> None:
        self.batch = decoded(decoder(_Started), body).batch
        """The number that names the batch in calls to the core."""
        named = [sync if isinstance(sync, str) else int(sync) for sync in syncs]
        self.all = [BatchItem(index=index, sync=sync) for index, sync in enumerate(named)]
        self.ended: list[BatchItem] = []
        """The items that have ended, in the order in which they ended."""
        self.finished = False
        self._teller = teller
        self._stop_told = threading.Lock()
        # A signal handler can interrupt a thread that holds the lock, and stop the batch in this thread. So a thread
        # must be able to take the lock twice.
        self._lock = threading.RLock()
        self._pid = os.getpid()

    @property
    def is_here(self) -> bool:
        """Whether this process started the batch. A forked child cannot use the batch of its parent."""
        return self._pid == os.getpid()

    def take_stop(self, body: bytes) -> None:
        """Takes the answer of ``batch.stop``. Only the first answer is passed on to the hooks and the log."""
        self._take(body, tell=self._stop_told.acquire(blocking=False))

    def take(self, body: bytes) -> Step:
        """Takes the items that have changed. Calls hooks and writes the log for requests that have ended."""
        return self._take(body, tell=True)

    def _take(self, body: bytes, *, tell: bool) -> Step:
        answer = decoded(decoder(_Changed), body)
        changed: list[BatchItem] = []
        with self._lock:
            for item in [it.item() for it in answer.items]:
                # If two threads receive changes, an older change may arrive after a newer one. An item that has ended
                # does not change again, so a change that arrives after the end is outdated.
                if self.all[item.index].outcome is not None:
                    continue
                if item.outcome is not None:
                    self.ended.append(item)
                self.all[item.index] = item
                changed.append(item)
            self.finished = self.finished or answer.finished
        # Hooks and log come last: if a signal handler raises meanwhile, no change is lost.
        if tell:
            self._teller.tell(answer.told)
        return Step(changed, answer.finished)

    def note(self, raised: BaseException, *, answered: bool) -> None:
        """Adds a note to an exception. The note says which runs of the stopped batch go on.

        Args:
            raised: The exception that stopped the batch.
            answered: Whether all triggers in progress have ended, so that no further run can have been started.
        """
        running = [item for item in self.all if item.in_progress]
        unsent = [item for item in self.all if item.run_token is None and item.outcome is None]
        unknown = [item for item in self.all if item.run_token is None and item.outcome == "unknown"]
        lines: list[str] = []
        if running:
            lines.append(f"The batch was stopped. Runs go on: {len(running)}. Resume each with `client.run(token)`:")
            lines += [f"  sync {item.sync!r}, run {item.run_id}: {item.run_token}" for item in running]
        elif unknown:
            lines.append("The batch was stopped. None of its runs is known to be in progress.")
        elif unsent:
            lines.append("The batch was stopped. None of its runs is in progress.")
        if unknown:
            lines.append(f"Whether a run was started is not known: {', '.join(repr(item.sync) for item in unknown)}.")
        if unsent and answered:
            lines.append(f"Syncs that were not started: {', '.join(repr(item.sync) for item in unsent)}.")
        elif unsent:
            lines.append(
                "Triggers were in progress and had no answer yet, so a run may also have been started for some of these"
                f" syncs: {', '.join(repr(item.sync) for item in unsent)}."
            )
        text = "\n".join(lines)
        if text and text not in getattr(raised, "__notes__", ()):
            add_note(raised, text)
            # Python does not print the notes of a `SystemExit`, so the log gets the note.
            if was_asked() and (log := logger()) is not None:
                log.warning("%s", text)
