"""Ends a wait for a batch cleanly when the process is asked to end (SIGTERM)."""

from __future__ import annotations

import signal
from types import FrameType


class _State:
    waits = 0
    """How many waits in the main thread rely on the handler."""
    was_asked = False
    """Whether a wait of this process has been asked to end."""


def was_asked() -> bool:
    return _State.was_asked


def _end(number: int, frame: FrameType | None) -> None:
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
        try:
            if _State.waits == 0 and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                # Fails in any other thread.
                signal.signal(signal.SIGTERM, _end)
            elif _State.waits == 0 or signal.getsignal(signal.SIGTERM) is not _end:
                return
        except ValueError:
            return
        _State.waits += 1
        self._counts = True

    def __exit__(self, kind: object, raised: object, trace: object) -> None:
        if not self._counts:
            return
        self._counts = False
        _State.waits -= 1
        if _State.waits == 0 and signal.getsignal(signal.SIGTERM) is _end:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
