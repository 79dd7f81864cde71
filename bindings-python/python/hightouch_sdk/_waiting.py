"""Waits for answers that arrive in a mailbox. In a program that gevent has patched, other greenlets run meanwhile."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._native import Mailbox, monotonic

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._door import Answer
    from ._native import Engine

_CANCEL_S = 1.0
"""How long to wait for the outcome of a call after its cancellation."""

_DAY_MS = 86_400_000


def _gevent() -> Any:
    """Returns the package gevent; None unless it has patched the sockets of this process."""
    # In a patched program, a wait that blocks the thread would hold up all of its greenlets, and no `gevent.Timeout`
    # could end it.
    monkey = sys.modules.get("gevent.monkey")
    return sys.modules["gevent"] if monkey is not None and monkey.is_module_patched("socket") else None


def called(
    engine: Engine, op: str, args: str, opts: str, listener: Callable[[str], None] | None
) -> tuple[Answer | None, BaseException | None]:
    """Makes a call and waits. Returns the answer and the exception that interrupted the wait, as far as there are."""
    if _gevent() is None:
        _warn_in_event_loop()
        return engine.call(op, args, opts, listener)
    mailbox = Mailbox()
    call = engine.start(op, args, opts, mailbox, 0, listener is not None)
    try:
        return _answer(mailbox, None, listener), None
    except BaseException as raised:
        call.cancel()
        with suppress(BaseException):
            return _answer(mailbox, monotonic() + _CANCEL_S, None), raised
        return None, raised


def _answer(mailbox: Mailbox, until: float | None, listener: Callable[[str], None] | None) -> Answer | None:
    while until is None or monotonic() < until:
        arrived(mailbox, None if until is None else until - monotonic())
        answers = mailbox.drain()
        for notice in mailbox.notices():
            if listener is not None:
                listener(notice)
        if answers:
            return answers[0][1]
    return None


def arrived(mailbox: Mailbox, seconds: float | None) -> bool:
    """Waits until the mailbox holds an answer. Returns False if the time is over first; None means no limit."""
    gevent = _gevent()
    descriptor = mailbox.fileno()
    if gevent is None or descriptor is None:
        return _blocking(mailbox, seconds) if gevent is None else _in_thread(gevent, mailbox, seconds)
    hub = gevent.get_hub()
    watcher = hub.loop.io(descriptor, 1)
    try:
        with gevent.Timeout(seconds, False):
            hub.wait(watcher)
        return mailbox.wait(0)
    finally:
        watcher.close()


def _blocking(mailbox: Mailbox, seconds: float | None) -> bool:
    if seconds is not None:
        return mailbox.wait(int(seconds * 1000))
    while not mailbox.wait(_DAY_MS):
        pass
    return True


def _in_thread(gevent: Any, mailbox: Mailbox, seconds: float | None) -> bool:
    # On Windows a mailbox has no descriptor that gevent could watch.
    return bool(gevent.get_hub().threadpool.apply(_blocking, (mailbox, seconds)))


_warned = False


def _warn_in_event_loop() -> None:
    """Warns once if the blocking client is used inside a running event loop, which stands still meanwhile."""
    global _warned
    asyncio = sys.modules.get("asyncio")
    # A notebook runs its cells inside an event loop, and blocking calls are usual there.
    if _warned or asyncio is None or asyncio._get_running_loop() is None or "ipykernel" in sys.modules:
        return
    _warned = True
    import inspect
    import warnings

    frame, depth = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__package__") == __package__:
        frame, depth = frame.f_back, depth + 1
    warnings.warn(
        "A call of `Hightouch` blocks the running event loop until its answer arrives. Use `AsyncHightouch`, or make"
        " the call in a thread with `asyncio.to_thread`.",
        RuntimeWarning,
        stacklevel=depth,
    )
