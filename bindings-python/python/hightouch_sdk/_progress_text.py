"""Progress as plain text."""

from __future__ import annotations

import os
from typing import TextIO

from ._native import monotonic
from ._progress_rows import Frame, Row

REPEAT_S = 30.0
"""While a run keeps its status, the log shows at most one line for the run in this many seconds."""


class Terminal:
    """Redraws lines in place, with control sequences that every terminal understands."""

    pause = 0.1

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._height = 0

    def tell(self, changed: Row) -> None:
        pass

    def draw(self, frame: Frame) -> None:
        width, height = self._size()
        self._show(table_lines(frame.cropped(height - 1), width - 1))

    def left(self, frame: Frame) -> None:
        pass

    def end(self, frame: Frame) -> None:
        self.draw(frame)
        if self._height:
            self._stream.write("\n")
            self._stream.flush()
        self._height = 0

    def _show(self, lines: list[str]) -> None:
        up = f"\x1b[{self._height - 1}A" if self._height > 1 else ""
        # Clears each line before writing it, and at the end clears everything below the last line.
        text = "\n".join(f"\x1b[2K{line}" for line in lines)
        self._stream.write(f"\r{up}{text}\x1b[J")
        self._stream.flush()
        self._height = len(lines)

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return 80, 24
        # A terminal that does not know its size reports 0.
        return size.columns or 80, size.lines or 24


def table_lines(frame: Frame, width: int) -> list[str]:
    """Returns a frame as lines of at most ``width`` characters."""
    names = max((len(row.name) for row in frame.rows), default=0)
    states = max((len(row.state) for row in frame.rows), default=0)
    times = max((len(row.time) for row in frame.rows), default=0)
    lines = [
        f"{row.name:<{names}}  {row.state:<{states}}  {row.time:>{times}}  {row.detail}".rstrip() for row in frame.rows
    ]
    lines += [text for text in (frame.summary, frame.notice) if text]
    return [line if len(line) <= width else f"{line[: max(0, width - 1)]}…" for line in lines]


class Log:
    """Writes a line for each change of a status, to outputs that cannot be redrawn, such as the log of a CI job."""

    pause = 1.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: dict[str, tuple[str, float]] = {}
        self._noticed = False

    def draw(self, frame: Frame) -> None:
        if bool(frame.notice) != self._noticed:
            self._noticed = bool(frame.notice)
            if frame.notice:
                self._write(frame.notice)

    def tell(self, changed: Row) -> None:
        state, at = self._told.get(changed.name, ("", 0.0))
        now = monotonic()
        if changed.state != state or now - at >= REPEAT_S:
            self._told[changed.name] = changed.state, now
            self._write(changed.line())

    def left(self, frame: Frame) -> None:
        if frame.summary:
            self._write(frame.summary)

    end = left

    def _write(self, line: str) -> None:
        self._stream.write(f"hightouch: {line}\n")
        self._stream.flush()
