"""Ends a wait for a batch cleanly when the process is asked to end (SIGTERM)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class _State:
    waits = 0
    """How many waits in the main thread rely on the handler."""
    pid = 0
    """The process whose waits these are."""
    was_asked = False
    """Whether the waits of this process have been asked to end."""


def was_asked() -> bool:
    return _State.was_asked


def _end(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _State.pid:
        # A forked child inherits the handler. As long as it has begun no wait itself, it ends as if there were none.
        import signal

        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return
    _State.was_asked = True
    # The status that a shell shows for a process that a signal has ended.
    raise SystemExit(128 + number)


class Terminable:
    """Within the block, SIGTERM raises ``SystemExit``, and the usual handler is back after it.

    Nothing changes if the program has a handler of its own, or in another thread than the main one.
    """

    def __init__(self) -> None:
        self._pid: int | None = None
        """The process in which the block counts."""

    def __enter__(self) -> None:
        # Not imported with the package, because importing them takes a while.
        import signal
        import threading

        if threading.current_thread() is not threading.main_thread():
            return
        if _State.pid != os.getpid():
            _State.waits, _State.pid = 0, os.getpid()
        if _State.waits == 0:
            _State.was_asked = False
        handler = signal.getsignal(signal.SIGTERM)
        if _State.waits == 0 and handler is signal.SIG_DFL:
            try:
                signal.signal(signal.SIGTERM, _end)
            except ValueError:  # Only the main interpreter has signals.
                return
        elif handler is not _end:
            return
        _State.waits += 1
        self._pid = _State.pid

    def __exit__(self, kind: object, raised: object, trace: object) -> None:
        # In a forked child, a block of the parent ends without having counted.
        if self._pid != os.getpid():
            return
        import signal

        self._pid = None
        _State.waits -= 1
        if _State.waits == 0 and signal.getsignal(signal.SIGTERM) is _end:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
