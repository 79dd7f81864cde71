"""Progress in a notebook."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from ._progress_rows import Frame, Row
from ._progress_text import table_lines

HEIGHT = 200
"""How many lines of a frame are shown, at most."""


class _Shown:
    """Wraps a frame for IPython, which shows the frame as HTML or as text."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in (row.name, row.state, row.time, row.detail))}</tr>"
            for row in self._frame.rows
        )
        texts = "".join(f"<div>{escape(text)}</div>" for text in (self._frame.summary, self._frame.notice) if text)
        return f"<table><tbody>{rows}</tbody></table>{texts}"

    def __repr__(self) -> str:
        return "\n".join(table_lines(self._frame, 120))


class Notebook:
    """Shows frames in one output of a notebook's cell."""

    pause = 0.5

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Any = None

    def tell(self, changed: Row) -> None:
        pass

    def draw(self, frame: Frame) -> None:
        shown = _Shown(frame.cropped(HEIGHT))
        if self._handle is None:
            self._handle = self._display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def left(self, frame: Frame) -> None:
        pass

    def end(self, frame: Frame) -> None:
        self.draw(frame)
