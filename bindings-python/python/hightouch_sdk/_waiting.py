"""Waits for answers of the core. The answers arrive in a mailbox of the bridge.

In a program that gevent has patched, other greenlets run during a wait.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._native import Mailbox, monotonic, unraisable
from ._threads import guard, loaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._door import Answer
    from ._native import Engine

_CANCEL_S = 1.0
"""For how many seconds to wait for the outcome of a call after its cancellation."""

_DAY_MS = 86_400_000


def _gevent() -> Any:
    """Returns the package gevent; None unless gevent has patched the sockets of this process."""
    # In a patched program, a wait that blocks the thread would hold up all greenlets of the thread, and no
    # `gevent.Timeout` could end that wait.
    if "gevent.monkey" not in sys.modules:
        return None
    monkey = loaded("gevent.monkey")
    return sys.modules["gevent"] if monkey is not None and monkey.is_module_patched("socket") else None


def called(
    engine: Engine, op: str, args: str, opts: str, listener: Callable[[str], None] | None
) -> tuple[Answer | None, BaseException | None]:
    """Makes a call and waits for its answer.

    Returns:
        The answer, or None if no answer came; and the exception that interrupted the wait, or None.
    """
    if _gevent() is None:
        _warn_in_event_loop()
        return engine.call(op, args, opts, listener)
    mailbox = Mailbox()
    call = engine.start(op, args, opts, mailbox, 0, listener is not None)
    answer: Answer | None = None
    try:
        while answer is None:
            arrived(mailbox, None)
            # Takes the answer before the listener is called, so that the answer is not lost if the listener raises.
            answer = _taken(mailbox)
            _tell(mailbox, listener)
    except BaseException as raised:
        if answer is None:
            call.cancel()
            with suppress(BaseException):
                answer = _last(mailbox)
        return answer, raised
    return answer, None


def _taken(mailbox: Mailbox) -> Answer | None:
    answers = mailbox.drain()
    return answers[0][1] if answers else None


def _tell(mailbox: Mailbox, listener: Callable[[str], None] | None) -> None:
    for notice in mailbox.notices():
        try:
            if listener is not None:
                listener(notice)
        except Exception as error:  # noqa: PERF203
            unraisable(error, listener)


def _last(mailbox: Mailbox) -> Answer | None:
    """Waits for the answer of a call that was cancelled."""
    until = monotonic() + _CANCEL_S
    while (left := until - monotonic()) > 0:
        arrived(mailbox, left)
        if (answer := _taken(mailbox)) is not None:
            return answer
        mailbox.notices()
    return None


def arrived(mailbox: Mailbox, seconds: float | None) -> bool:
    """Waits until the mailbox holds an answer or a notice. Returns False if ``seconds`` pass first.

    With None, waits forever.
    """
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
    """Warns once if a blocking call is made inside a running event loop, because the call blocks the loop."""
    global _warned
    if _warned or "asyncio" not in sys.modules:
        return
    asyncio = loaded("asyncio")
    # A notebook runs its cells inside an event loop, and blocking calls are usual there.
    if asyncio is None or asyncio._get_running_loop() is None or "ipykernel" in sys.modules:
        return
    with guard():
        if _warned:
            return
        _warned = True
    import inspect
    import warnings

    frame, depth = inspect.currentframe(), 1
    # The operations of resources are in a package within this package.
    while frame is not None and str(frame.f_globals.get("__package__")).partition(".")[0] == __package__:
        frame, depth = frame.f_back, depth + 1
    warnings.warn(
        "A call of `Hightouch` blocks the running event loop until its answer arrives. Use `AsyncHightouch`, or make"
        " the call in a thread with `asyncio.to_thread`.",
        RuntimeWarning,
        stacklevel=depth,
    )
