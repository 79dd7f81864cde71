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
    """The process that installed the handler."""
    was_asked = False
    """Whether a wait of this process has been asked to end."""


def was_asked() -> bool:
    return _State.was_asked


def _end(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _State.pid:
        # A forked child waits for no batch, so it ends as if the handler were not there.
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
        self._counts = False

    def __enter__(self) -> None:
        # Not imported with the package, because importing them takes a while.
        import signal
        import threading

        if threading.current_thread() is not threading.main_thread():
            return
        handler = signal.getsignal(signal.SIGTERM)
        if _State.waits == 0 and handler is signal.SIG_DFL:
            try:
                signal.signal(signal.SIGTERM, _end)
            except ValueError:  # Only the main interpreter has signals.
                return
            _State.pid = os.getpid()
        elif handler is not _end:
            return
        _State.waits += 1
        self._counts = True

    def __exit__(self, kind: object, raised: object, trace: object) -> None:
        if not self._counts:
            return
        import signal

        self._counts = False
        _State.waits -= 1
        if _State.waits == 0 and signal.getsignal(signal.SIGTERM) is _end:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
