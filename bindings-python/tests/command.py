"""Runs the package's command line in a separate process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, NamedTuple

from sandbox import World
from terminal import Seen, Terminal

COMMAND = [sys.executable, "-m", "hightouch_sdk"]


class Done(NamedTuple):
    """The exit status and the outputs of a command that has ended."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Returns the rows that a command with ``--json`` printed."""
        rows: list[dict[str, Any]] = json.loads(self.out)
        return rows


def environment(world: World, **more: str) -> dict[str, str]:
    return {**world.environment(), "HIGHTOUCH_BASE_URL": world.answer["httpBaseUrl"], **more}


def start(world: World, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """Starts a command. Its standard input, output and error are pipes."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(world, **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str], stdin: str | None = None) -> Done:
    """Waits for the end of a command. Fails if the command printed a traceback."""
    out, err = process.communicate(stdin, timeout=100)
    assert "Traceback" not in err, err
    return Done(process.returncode, out, err)


def command(world: World, *arguments: str, stdin: str | None = None, **more: str) -> Done:
    """Runs a command to its end, with pipes. Fails if the command printed a traceback or the key."""
    done = finished(start(world, *arguments, **more), stdin)
    key = more.get("HIGHTOUCH_API_KEY", world.answer["apiKey"])
    assert not key or key not in done.out + done.err
    return done


def on_terminal(world: World, *arguments: str, size: tuple[int, int] = (120, 40)) -> Terminal:
    """Starts a command on a pseudo-terminal of ``size`` (columns, lines)."""
    return Terminal([*COMMAND, *arguments], environment(world), size, out=True)


def seen_on_terminal(world: World, *arguments: str, size: tuple[int, int] = (120, 40)) -> Seen:
    """Runs a command to its end on a pseudo-terminal. Fails if the command printed a traceback."""
    seen = on_terminal(world, *arguments, size=size).finish()
    assert "Traceback" not in seen.text
    return seen
