"""Runs Python scripts in separate processes. The environment of each script has the key and address of a world."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import hightouch_sdk
from sandbox import World

PREAMBLE = """
import asyncio, os, signal, sys, threading, time
import hightouch_sdk

settings = dict(
    ca_bundle=os.environ["HIGHTOUCH_DEMO_CA"], _internal={"timeScale": float(os.environ["TIME_SCALE"])}
)

def end_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def whole(script: str) -> str:
    """Returns the program that runs a script. Like a user's program, it imports only the names that the script uses."""
    names = [name for name in hightouch_sdk.__all__ if re.search(rf"\b{name}\b", script)]
    imports = f"from hightouch_sdk import {', '.join(names)}\n" if names else ""
    return PREAMBLE + imports + textwrap.dedent(script)


def start(world: World, script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", whole(script)],
        env=world.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    world: World, script: str, when: Callable[[list[dict[str, Any]]], bool] | None = None, *, hung_after: float = 60
) -> tuple[str, str]:
    """Runs a script, and returns its standard output and standard error. Fails if the script hangs or crashes.

    ``when`` is a condition on the requests of the world. Once it is met, the script receives a line on standard input.
    A script that runs longer than ``hung_after`` seconds counts as hung.
    """
    process = start(world, script)
    try:
        if when is not None:
            world.wait_for(when)
            assert process.stdin is not None
            process.stdin.write("\n")
        out, err = process.communicate(timeout=hung_after)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, f"ended with {process.returncode}: {out}{err}"
    return out, err
