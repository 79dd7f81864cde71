"""Runs commands on a pseudo-terminal, and shows what a person would see on it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pyte


class Seen(NamedTuple):
    """What a command wrote to a terminal."""

    status: int
    screen: list[str]
    """The lines on the screen at the end, without empty ones."""
    text: str
    """Everything that was written, with its control sequences."""
    out: str
    """Standard output, if it was a pipe."""


class Terminal:
    """A command whose standard error, and perhaps its standard input and output, are a terminal."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (120, 30), *, out: bool = False
    ) -> None:
        self._size = size
        self._master, slave = pty.openpty()
        columns, lines = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        # These variables would tell `rich` another size, or that it does not write to a terminal.
        left_out = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CI", "TTY_COMPATIBLE"}
        own = {name: value for name, value in env.items() if name not in left_out}
        self.process = subprocess.Popen(
            command,
            env={**own, "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave if out else subprocess.PIPE,
            stderr=slave,
            start_new_session=True,
            preexec_fn=self._take,
        )
        os.close(slave)
        self._text = b""

    @staticmethod
    def _take() -> None:
        # Makes it the controlling terminal, so that Ctrl-C reaches the command.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read_until(self, condition: Callable[[str], bool]) -> None:
        """Reads until the text meets a condition; fails if the command ends first."""
        while not condition(self._text.decode(errors="replace")):
            more = self._read()
            assert more, f"the command ended: {self._text.decode(errors='replace')}"

    def finish(self) -> Seen:
        while self._read():
            pass
        out = "" if self.process.stdout is None else self.process.stdout.read().decode()
        if self.process.stdout is not None:
            self.process.stdout.close()
        status = self.process.wait(60)
        os.close(self._master)
        text = self._text.decode(errors="replace")
        screen = pyte.Screen(*self._size)
        pyte.Stream(screen).feed(text)
        return Seen(status, [line.rstrip() for line in screen.display if line.strip()], text, out)

    def _read(self) -> bytes:
        try:
            more = os.read(self._master, 65536)
        except OSError:
            # Linux says EIO once nobody holds the other end.
            more = b""
        self._text += more
        return more
