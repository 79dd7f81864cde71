"""Standard output. Each error of writing to it is an :class:`OutputError`, which no library handles by itself."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Buffer


class OutputError(Exception):
    """Standard output cannot be written, for example because the disk is full."""

    def __init__(self, error: OSError) -> None:
        self.is_closed_pipe = isinstance(error, BrokenPipeError)
        """Whether the reader, such as ``head``, has closed the pipe."""
        super().__init__(f"Standard output cannot be written: {error.strerror}.")
        self.hints: list[str] = []
        """What the user must know because the output is lost, such as the tokens of runs that were started."""


class _Output(FileIO):
    def write(self, data: Buffer) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputError(error) from None


def prepare() -> None:
    """Sets standard output up. A standard output that the caller has closed becomes the null device."""
    stdout: Any = sys.stdout
    if stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    elif stdout.isatty():
        stdout.reconfigure(errors="replace")
    else:
        # A program that calls `main` may have replaced standard output by an object that is no file.
        with suppress(AttributeError, OSError):
            # Files and pipes get UTF-8, whatever the locale is. A terminal keeps its own encoding.
            writer = BufferedWriter(_Output(stdout.fileno(), "w", closefd=False))
            sys.stdout = TextIOWrapper(writer, encoding="utf-8", errors="replace")


def discard() -> None:
    """Discards the rest of the output. Python flushes standard output again at exit, and this flush must not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
