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
    """The exit status of a command, and what the command wrote to a terminal."""

    status: int
    screen: list[str]
    """The lines on the screen at the end, without empty lines."""
    text: str
    """Everything that the command wrote to the terminal, with control sequences."""
    out: str
    """What the command wrote to standard output, if standard output was a pipe; otherwise empty."""


class Terminal:
    """A command on a pseudo-terminal.

    The terminal is the standard input and the standard error of the command and, with ``out``, its standard output.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (120, 30), *, out: bool = False
    ) -> None:
        self._size = size
        self._master, slave = pty.openpty()
        columns, lines = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        # `rich` would read another size from these variables, or would not treat its output as a terminal.
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
        # The pseudo-terminal becomes the controlling terminal of the command, so that Ctrl-C reaches the command.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read_until(self, condition: Callable[[str], bool]) -> None:
        """Reads until the output meets a condition; fails if the command ends first."""
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
            # On Linux, the read fails with EIO once the command has closed its end of the terminal.
            more = b""
        self._text += more
        return more
