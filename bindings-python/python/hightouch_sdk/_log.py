"""Writes the log records of calls to the logger of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._answers import NOTICE, Notice
from ._errors import HightouchError, Meta
from ._threads import loaded

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger
    from types import ModuleType

_DEBUG, _INFO = 10, 20
"""The values of ``logging.DEBUG`` and ``logging.INFO``, repeated here because this module does not import
``logging``."""


def logger() -> Logger | None:
    """Imports ``logging`` to log an error, and returns the logger; None if the interpreter is shutting down.

    Without any other handler, the last-resort handler of ``logging`` prints the error.
    """
    try:
        import logging
    except ImportError:
        return None
    return logging.getLogger("hightouch_sdk")


_last: tuple[ModuleType, Logger] | None = None
"""The module ``logging`` that ``_enabled`` used last, and the logger of this package in that module."""


def _enabled(level: int) -> Logger | None:
    """Returns the logger; None if nobody would see a record of this level.

    If the program has not imported ``logging``, no handler exists.
    """
    # Every call runs this function twice, and `getLogger` takes a lock. So the function remembers the logger.
    global _last
    module = loaded("logging")
    if module is None:
        return None
    last = _last
    if last is None or last[0] is not module:
        last = _last = module, module.getLogger("hightouch_sdk")
    return last[1] if last[1].isEnabledFor(level) else None


def listener() -> Callable[[str], None] | None:
    """Returns the function that logs what happens during a call; None if nobody would see the records."""
    return None if _enabled(_INFO) is None else tell


def tell(notice: str) -> None:
    """Logs something that happened during a call."""
    log = _enabled(_INFO)
    if log is not None:
        it = NOTICE.decode(notice)
        log.info("%s", it.text, extra=_extra(it, it.event, it.attempt))


def shows_ends() -> bool:
    """Whether somebody sees the records of calls that have ended."""
    return _enabled(_DEBUG) is not None


def log_ended(error: HightouchError | None, meta: Meta) -> None:
    log = _enabled(_DEBUG)
    if log is None:
        return
    log.debug(
        "%s %s in %.0f ms, of which it waited %.0f ms for the rate limit; attempts %s, mended %s, request %s",
        _named(meta),
        "succeeded" if error is None else f"failed ({error.kind})",
        meta.duration_ms,
        meta.waited_ms,
        [attempt.failure or attempt.status for attempt in meta.attempts],
        meta.mended,
        meta.request_id,
        extra=_extra(meta, "ended", len(meta.attempts)),
    )


def _named(meta: Meta) -> str:
    if meta.operation == "run" and meta.resource is not None:
        return meta.resource
    return meta.operation if meta.resource is None else f"{meta.operation} ({meta.resource})"


def _extra(it: Notice | Meta, event: str, attempt: int) -> dict[str, Any]:
    return {
        "event": event,
        "call_id": it.call_id,
        "operation": it.operation,
        "operation_id": it.operation_id,
        "resource": it.resource,
        "sync": it.sync,
        "attempt": attempt,
        "waited": it.waited_ms / 1000,
    }
