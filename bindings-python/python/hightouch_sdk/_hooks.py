"""Hooks, which are called before and after each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ._callables import check_function
from ._errors import ConfigError, HightouchError, Meta
from ._log import logger
from ._names import OPERATION_IDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class CallStart(Struct, frozen=True, kw_only=True):
    """A call that is about to start."""

    operation: str
    """The method, such as ``"syncs.list"``. ``"run"`` is a step of :meth:`Run.wait` or :meth:`Run.states`."""
    operation_id: str | None = None
    """The API's own name of the operation, such as ``"ListSync"``; None if the method has no such name."""


class CallEnd(Struct, frozen=True, kw_only=True):
    """A call that has ended."""

    operation: str
    """The method, as in :class:`CallStart`."""
    operation_id: str | None = None
    """The API's own name of the operation, as in :class:`CallStart`."""
    meta: Meta | None = None
    """The metadata of the call. None if the call was interrupted; may be None if it failed before anything was sent."""
    error: BaseException | None = None
    """The exception that the call raises; None if the call succeeded."""


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
        """Returns a context manager that calls the hooks before and after one call."""
        return Around(self, CallStart(operation=op.removeprefix("client."), operation_id=OPERATION_IDS.get(op)))

    def started(self, call: CallStart) -> None:
        if self._on_start is not None:
            _run(self._on_start, call)

    def ended(self, call: CallStart, meta: Meta | None, error: BaseException | None) -> None:
        if self._on_end is not None:
            end = CallEnd(operation=call.operation, operation_id=call.operation_id, meta=meta, error=error)
            _run(self._on_end, end)


class Around:
    """One call between its hooks. ``meta`` is set once the call has succeeded."""

    __slots__ = ("_call", "_hooks", "meta")

    def __init__(self, hooks: Hooks, call: CallStart) -> None:
        self._hooks = hooks
        self._call = call
        self.meta: Meta | None = None

    def __enter__(self) -> Around:  # noqa: PYI034
        self._hooks.started(self._call)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        meta = error.meta if isinstance(error, HightouchError) else self.meta
        self._hooks.ended(self._call, meta, error)


def _run(hook: Callable[[Any], object], event: object) -> None:
    try:
        hook(event)
    except Exception:
        # A hook must not change the outcome of a call, so its exception is only logged.
        log = logger(wanted=True)
        if log is not None:
            log.exception("A hook raised an exception.")
