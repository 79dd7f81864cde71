"""Calls hooks and writes the log for the requests that the core sends in the background for a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw, Struct

from ._errors import Meta, failure
from ._hooks import CallStart, began
from ._log import listener, log_ended, shows_ends, tell
from ._native import unraisable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._door import Door
    from ._encoding import Args


class Told(Struct, rename="camel"):
    """Something that a batch reports: a notice for the log, or a request that has ended."""

    notice: str | None = None
    call: CallStart | None = None
    started_ago_ms: float = 0.0
    meta: Meta | None = None
    failure: Raw = Raw(b"null")


class Teller:
    """Calls the hooks that the client had when a batch started, and writes the log."""

    __slots__ = ("_hooks",)

    def __init__(self, door: Door) -> None:
        self._hooks = door.hooks

    def args(self) -> Args:
        """Returns the arguments that make the core report what the hooks and the log need."""
        return {
            "tellCalls": self._hooks is not None or shows_ends(),
            "tellNotices": listener() is not None,
        }

    def tell(self, all_told: Iterable[Told]) -> None:
        for told in all_told:
            self._tell(told)

    def _tell(self, told: Told) -> None:
        try:
            if told.notice is not None:
                tell(told.notice)
            elif told.call is not None and told.meta is not None:
                began(told.call, told.started_ago_ms)
                self._tell_of_call(told.call, told.meta, bytes(told.failure))
        except Exception as error:
            # A log filter that raises must not change the outcome of the batch, so the exception is only reported.
            unraisable(error, tell)

    def _tell_of_call(self, call: CallStart, meta: Meta, failed: bytes) -> None:
        error = None if failed == b"null" else failure(failed)
        if self._hooks is not None:
            self._hooks.started(call)
            self._hooks.ended(call, meta, error)
        log_ended(error, meta)
