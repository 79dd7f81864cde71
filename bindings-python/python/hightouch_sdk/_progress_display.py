"""Shows the progress of a wait where people see it: on a terminal, in a notebook, or as lines of a log."""

from __future__ import annotations

import contextvars
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

from ._door import decoded, decoder
from ._errors import HightouchError
from ._health import Stats
from ._progress_rows import Board, Frame, LimitNotice, Row

if TYPE_CHECKING:
    from ._door import Door

TICK_S = 1.0
"""How often the times are redrawn, and the rate limit is looked at."""


class Screen(Protocol):
    """Something that frames are drawn on."""

    def draw(self, frame: Frame, changed: Row | None) -> None:
        """Draws a frame in place of the last one. ``changed`` is the row that has changed, if one has."""

    def end(self, frame: Frame) -> None:
        """Draws the last frame, which stays visible."""


class Display:
    """Draws the rows of a board when a state has changed, and once a second."""

    def __init__(self, board: Board, door: Door) -> None:
        self._board = board
        self._door = door
        self._limit = LimitNotice()
        self._notice = ""
        self._screen = screen()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None

    def start(self) -> None:
        """Draws the first frame."""
        if self._screen is None:
            return
        self._draw(None)
        # In a notebook, the context says to which cell an output belongs.
        context = contextvars.copy_context()
        self._ticker = threading.Thread(target=context.run, args=(self._tick,), daemon=True, name="hightouch-progress")
        self._ticker.start()

    def __call__(self, state: Any, /) -> None:
        """Draws a frame with a state that has changed."""
        self._draw(self._board.see(state))

    def end(self) -> None:
        """Draws the last frame, which stays visible."""
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        self._notice = ""
        self._draw(None, last=True)

    def _draw(self, changed: Row | None, *, last: bool = False) -> None:
        with self._lock:
            if self._screen is None:
                return
            frame = self._board.frame()._replace(notice=self._notice)
            try:
                if last:
                    self._screen.end(frame)
                else:
                    self._screen.draw(frame, changed)
            except (OSError, ValueError):
                # The terminal is gone. A wait must not fail because nobody watches it.
                self._screen = None

    def _tick(self) -> None:
        while not self._over.wait(TICK_S):
            try:
                stats = decoded(decoder(Stats), self._door.local("client.stats")[1])
            except HightouchError:
                # The client was closed. The wait itself says so.
                return
            self._notice = self._limit.text(stats)
            self._draw(None)


def screen() -> Screen | None:
    """Chooses where frames are drawn; None if there is no standard error."""
    kernel_display = _notebook()
    if kernel_display is not None:
        from ._progress_notebook import Notebook

        return Notebook(kernel_display)
    stream: Any = sys.stderr
    # A program without a console, such as `pythonw`, has no standard error.
    if stream is None or stream.closed:
        return None
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        from ._progress_text import Log

        return Log(stream)
    try:
        from ._progress_rich import RichScreen
    except ImportError:
        from ._progress_text import Log, Terminal

        # The older consoles of Windows print the control sequences of a terminal. `rich` knows how to treat them.
        return Log(stream) if os.name == "nt" else Terminal(stream)
    return RichScreen(stream)


def _notebook() -> Any:
    """Returns the function ``display`` of IPython if this is a kernel of Jupyter; else None."""
    ipython: Any = sys.modules.get("IPython")
    if ipython is None:
        return None
    shell = ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    from importlib import import_module

    return import_module("IPython.display").display
