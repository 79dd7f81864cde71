"""Ends a wait for a batch cleanly when the process is asked to end (SIGTERM)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class _State:
    waits = 0
    """How many waits in the main thread rely on the handler of SIGTERM."""
    pid = 0
    """The id of the process to which ``waits`` belongs. A forked child has another id."""
    was_asked = False
    """Whether SIGTERM has asked the waits of this process to end."""


def was_asked() -> bool:
    return _State.was_asked


def _end(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _State.pid:
        # A forked child inherits the handler. Until the child itself begins a wait, SIGTERM ends the child as usual.
        import signal

        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return
    _State.was_asked = True
    # A shell shows this status for a process that was ended by a signal.
    raise SystemExit(128 + number)


class Terminable:
    """Makes SIGTERM raise ``SystemExit`` within a block, and restores the default handler after the block.

    Does nothing if the program has a handler of its own, or if the block is not in the main thread.
    """

    def __init__(self) -> None:
        self._pid: int | None = None
        """The id of the process that counts this block in ``waits``; None if the block is not counted."""

    def __enter__(self) -> None:
        if sys.is_finalizing():  # While Python shuts down, it imports no modules and handles no signals.
            return
        # Imported here, because the imports are slow and most programs wait for no batch.
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
            except ValueError:  # Only the main interpreter can set a handler.
                return
        elif handler is not _end:
            return
        _State.waits += 1
        self._pid = _State.pid

    def __exit__(self, kind: object, raised: object, trace: object) -> None:
        # If a process forks inside the block, the child exits the block too. But only the parent has counted the block.
        if self._pid != os.getpid():
            return
        import signal

        self._pid = None
        _State.waits -= 1
        if _State.waits == 0 and signal.getsignal(signal.SIGTERM) is _end:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
