"""Hooks, which are called before and after each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ._callables import check_function
from ._errors import ConfigError, HightouchError, Meta
from ._log import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class CallStart(Struct, frozen=True, kw_only=True):
    """A call that is about to start."""

    op: str
    """The method, such as ``"syncs.list"``. ``"runs.next"`` is a step of following a run."""


class CallEnd(Struct, frozen=True, kw_only=True):
    """A call that has ended."""

    op: str
    """The method, such as ``"syncs.list"``."""
    meta: Meta | None = None
    """The metadata of the call; None if it was interrupted or failed before anything was sent."""
    error: BaseException | None = None
    """The exception that the call raises; None if it succeeded."""


class Hooks:
    """The hooks of a client."""

    __slots__ = ("_on_end", "_on_start")

    def __init__(
        self,
        on_start: Callable[[CallStart], object] | None,
        on_end: Callable[[CallEnd], object] | None,
    ) -> None:
        check_function("on_start", on_start, ConfigError)
        check_function("on_end", on_end, ConfigError)
        self._on_start = on_start
        self._on_end = on_end

    def around(self, op: str) -> Around:
        """Calls the hooks around one call."""
        return Around(self, op)

    def started(self, op: str) -> None:
        if self._on_start is not None:
            _run(self._on_start, CallStart(op=op))

    def ended(self, op: str, meta: Meta | None, error: BaseException | None) -> None:
        if self._on_end is not None:
            _run(self._on_end, CallEnd(op=op, meta=meta, error=error))


class Around:
    """One call between its hooks. ``meta`` is set once the call has succeeded."""

    __slots__ = ("_hooks", "_op", "meta")

    def __init__(self, hooks: Hooks, op: str) -> None:
        self._hooks = hooks
        self._op = op
        self.meta: Meta | None = None

    def __enter__(self) -> Around:  # noqa: PYI034
        self._hooks.started(self._op)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        meta = error.meta if isinstance(error, HightouchError) else self.meta
        self._hooks.ended(self._op, meta, error)


def _run(hook: Callable[[Any], object], event: object) -> None:
    try:
        hook(event)
    except Exception:
        # A hook must not change the outcome of a call.
        log = logger(wanted=True)
        if log is not None:
            log.exception("A hook raised an exception.")
