"""Shows the progress of waits where people see it: on a terminal, in a notebook, or as lines of a log."""

from __future__ import annotations

import contextvars
import os
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from ._door import decoded, decoder
from ._errors import HightouchError
from ._health import Stats
from ._native import monotonic
from ._progress_rows import Board, Frame, LimitNotice, Row

if TYPE_CHECKING:
    from ._door import Door

TICK_S = 1.0
"""How often, in seconds, a thread reads the rate limit and draws a frame with the current times."""

ENDED_ROWS = 100
"""How many rows of ended waits stay on the screen at most, while other waits go on."""


class Screen(Protocol):
    """Draws frames: on a terminal, in a notebook, or as lines of a log."""

    pause: float
    """The minimum time between two frames, in seconds. Rows that change more often wait for the next frame."""

    def tell(self, changed: Row) -> None:
        """Takes a row that has changed, before a frame with this row is drawn."""

    def draw(self, frame: Frame) -> None:
        """Draws a frame in place of the previous frame."""

    def left(self, frame: Frame) -> None:
        """Notes that one of several waits has ended. ``frame`` is the last frame of that wait alone."""

    def end(self, frame: Frame) -> None:
        """Draws the last frame, which stays visible."""


class Display:
    """The display of one wait. Several waits at the same time share the lines of a terminal."""

    def __init__(self, board: Board, door: Door) -> None:
        self.board = board
        self._door = door
        self._limit = LimitNotice()
        self.stage: _Stage | None = None
        """The stage on which the display is drawn; None until the display has started. The stage is set before the
        first frame is drawn, so that ``end`` works even if the drawing fails."""

    def start(self) -> None:
        """Draws the first frame."""
        _join(self)

    def __call__(self, state: Any, /) -> None:
        """Draws a frame with a state that has changed."""
        row = self.board.see(state)
        if self.stage is not None:
            self.stage.draw(row)

    def end(self) -> None:
        """Draws the last frame, which stays visible."""
        if self.stage is not None:
            self.stage.leave(self)

    def notice(self) -> str:
        """Returns a text that says that calls wait for the rate limit; empty if no calls wait."""
        try:
            return self._limit.text(decoded(decoder(Stats), self._door.local("client.stats")[1]))
        except HightouchError:
            # Reading the statistics fails only if the client was closed. In this case, the wait itself raises an error.
            return ""


class _Stage:
    """The displays that share a screen. The stage draws them when a state has changed, and once a second."""

    def __init__(self, stream: object, screen: Screen) -> None:
        self.stream = stream
        self._screen: Screen | None = screen
        self._displays: list[Display] = []
        self._ended: deque[Row] = deque(maxlen=ENDED_ROWS)
        self._notice = ""
        self._drawn: float | None = None
        """When the latest frame was drawn, as a time of ``monotonic``; None before the first frame."""
        self._lock = threading.Lock()
        self._over = threading.Event()

    def open(self, display: Display) -> None:
        """Adds the first display, and starts the thread that draws once a second."""
        self._displays.append(display)
        display.stage = self
        self.draw()
        # In a notebook, the context says to which cell an output belongs, so the thread runs in a copy of the context.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._tick,), daemon=True, name="hightouch-progress").start()

    def add(self, display: Display) -> bool:
        """Adds a display. Returns False if the screen has ended, because all other displays were removed."""
        with self._lock:
            if not self._displays:
                return False
            self._displays.append(display)
            display.stage = self
        self.draw()
        return True

    def leave(self, display: Display) -> None:
        """Removes a display. The last rows of the display stay visible."""
        with self._lock:
            own = display.board.frame()
            self._displays.remove(display)
            self._ended.extend(own.rows)
            if self._displays:
                self._on_screen("left", own)
                return
            self._over.set()
            self._notice = ""
            self._on_screen("end", self._frame()._replace(summary=own.summary))

    def draw(self, changed: Row | None = None) -> None:
        """Draws a frame. If ``changed`` is given soon after the last frame, only passes this row to the screen.

        The thread that draws once a second then draws the row.
        """
        with self._lock:
            if self._screen is None or not self._displays:
                return
            now = monotonic()
            soon = self._drawn is not None and now - self._drawn < self._screen.pause
            if changed is not None:
                self._on_screen("tell", changed)
            if changed is None or not soon:
                self._drawn = now
                self._on_screen("draw", self._frame())

    def _on_screen(self, method: str, shown: Frame | Row) -> None:
        try:
            if self._screen is not None:
                getattr(self._screen, method)(shown)
        except (OSError, ValueError):
            # The terminal is gone. The wait goes on without a display.
            self._screen = None

    def _frame(self) -> Frame:
        frames = [display.board.frame() for display in self._displays]
        rows = [*self._ended, *(row for frame in frames for row in frame.rows)]
        return Frame(rows, "; ".join(frame.summary for frame in frames if frame.summary), self._notice)

    def _tick(self) -> None:
        while not self._over.wait(TICK_S):
            with self._lock:
                displays = list(self._displays)
            # Shows the first notice that is not empty. Displays of one workspace have the same notice.
            self._notice = next((text for display in displays if (text := display.notice())), "")
            self.draw()


class _Stages:
    """Holds the stage of standard error, which all waits of this process share.

    A thread holds ``lock`` while it joins this stage or replaces it.
    """

    lock: threading.Lock
    current: _Stage | None

    @classmethod
    def reset(cls) -> None:
        cls.lock = threading.Lock()
        cls.current = None


_Stages.reset()
# A forked child has none of the threads that draw, and its copy of the lock may stay locked for ever. So the child
# forgets the displays of its parent.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Stages.reset)


def _join(display: Display) -> None:
    """Shows a display: in a notebook, in the output of the current cell; elsewhere, on standard error."""
    kernel_display = _notebook()
    if kernel_display is not None:
        from ._progress_notebook import Notebook

        # In a notebook, each wait has its own output, and therefore its own stage.
        _Stage(None, Notebook(kernel_display)).open(display)
        return
    # While `rich` draws, `sys.stderr` is a proxy. The proxy's attribute `rich_proxied_file` is the real stream.
    stream: Any = getattr(sys.stderr, "rich_proxied_file", sys.stderr)
    # A program without a console, such as `pythonw`, has no standard error.
    if stream is None or stream.closed:
        return
    with _Stages.lock:
        current = _Stages.current
        if current is not None and current.stream is stream and current.add(display):
            return
        stage = _Stages.current = _Stage(stream, _screen(stream))
        stage.open(display)


def _screen(stream: Any) -> Screen:
    """Chooses how frames are drawn on standard error."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        from ._progress_text import Log

        return Log(stream)
    try:
        from ._progress_rich import RichScreen
    except ImportError:
        from ._progress_text import Log, Terminal

        # Older consoles of Windows print control sequences as text. Only `rich` can draw on such a console.
        return Log(stream) if os.name == "nt" else Terminal(stream)
    return RichScreen(stream)


def _notebook() -> Any:
    """Returns the function ``display`` of IPython if this process is a kernel of Jupyter; else None."""
    ipython: Any = sys.modules.get("IPython")
    if ipython is None:
        return None
    shell = ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    from importlib import import_module

    return import_module("IPython.display").display
