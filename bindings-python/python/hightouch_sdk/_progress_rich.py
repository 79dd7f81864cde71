"""Progress on a terminal, drawn by ``rich``."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ._progress_rows import Frame, Row

STYLES = {"success": "green", "done": "green", "SUCCESS": "green", "warning": "yellow"}


class RichScreen:
    """Draws each frame as a table in place of the previous frame."""

    pause = 0.1

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream)
        # The program's standard output may be a pipe, so `rich` must not redirect it to this console.
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False)

    def tell(self, changed: Row) -> None:
        pass

    def draw(self, frame: Frame) -> None:
        if not self._live.is_started:
            self._live.start()
        self._live.update(_drawn(frame.cropped(self._console.height - 1)), refresh=True)

    def left(self, frame: Frame) -> None:
        pass

    def end(self, frame: Frame) -> None:
        self.draw(frame)
        self._live.stop()


def _drawn(frame: Frame) -> RenderableType:
    table = Table.grid(padding=(0, 2), expand=False)
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, overflow="ellipsis")
    for row in frame.rows:
        # `Text` shows square brackets as they are; a string would be read as markup.
        style = "red" if row.is_failed else STYLES.get(row.state, "cyan" if row.is_running else "")
        table.add_row(Text(row.name), Text(row.state, style), Text(row.time, "dim"), Text(row.detail))
    parts: list[RenderableType] = [table]
    parts += [Text(frame.summary, "bold")] if frame.summary else []
    parts += [Text(frame.notice, "yellow")] if frame.notice else []
    return Group(*parts)
