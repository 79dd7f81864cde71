"""The command line with a standard output that cannot be written, or with closed standard streams."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from command import COMMAND, environment
from hightouch_sdk._cli._status import Status
from sandbox import World

WITHOUT_CLICK = "import sys; sys.modules['click'] = None; from hightouch_sdk._cli import main; main()"


def redirected(world: World, where: str, *command_line: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with a redirection of the shell, such as ``>&-``."""
    line = ["sh", "-c", f'exec "$@" {where}', "sh", *command_line]
    return subprocess.run(line, env=environment(world), capture_output=True, text=True, timeout=100, check=False)


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
COMMANDS = {
    "a list": ["syncs"],
    "a list as JSON": ["syncs", "--json"],
    "a table": ["runs", "1", "--table"],
    "an answer": ["request", "GET", "/syncs"],
    "the limit": ["limit"],
    "a diagnosis": ["doctor"],
    "a script": ["completion", "bash"],
    "help": ["--help"],
    "help about a command": ["syncs", "--help"],
    "the version": ["--version"],
    "syncs that would run": ["run", "1", "--dry-run"],
}


@needs_full
@pytest.mark.parametrize("what", COMMANDS)
def test_a_full_disk_is_one_error_with_a_status_of_its_own(what: str, world: World) -> None:
    done = redirected(world, ">/dev/full", *COMMAND, *COMMANDS[what])
    assert done.stderr == "error: Standard output cannot be written: No space left on device.\n"
    assert done.returncode == Status.OUTPUT


@needs_full
def test_a_full_disk_loses_no_token_of_a_run(world: World) -> None:
    done = redirected(world, ">/dev/full", *COMMAND, "run", "1", "2", "--quiet")
    first, *tokens = done.stderr.splitlines()
    assert first == "error: Standard output cannot be written: No space left on device."
    assert [re.sub(r"\d{4}|\S{30,}", "…", line) for line in tokens] == [
        f"  sync {sync} (run …) has ended: hightouch-sdk follow …" for sync in (1, 2)
    ]
    assert done.returncode == Status.OUTPUT


@needs_full
def test_after_a_timeout_a_full_disk_loses_no_token_of_a_run_either(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 1e6})
    done = redirected(world, ">/dev/full", *COMMAND, "run", "1", "2", "--quiet", "--timeout", "2s", "--at-once", "1")
    first, token, unsent = done.stderr.splitlines()
    assert first == "error: Standard output cannot be written: No space left on device."
    assert re.fullmatch(r"  sync 1 \(run \d+\) goes on: hightouch-sdk follow \S+", token)
    assert unsent == "  not started: 2"
    assert done.returncode == Status.OUTPUT


@pytest.mark.parametrize("what", COMMANDS)
def test_a_closed_standard_output_is_the_null_device(what: str, world: World) -> None:
    done = redirected(world, ">&-", *COMMAND, *COMMANDS[what])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_full
@pytest.mark.parametrize("command_line", [["doctor"], ["--help"]], ids=["doctor", "help"])
def test_without_the_extra_the_output_has_the_same_status(command_line: list[str], world: World) -> None:
    line = [sys.executable, "-c", WITHOUT_CLICK, *command_line]
    done = redirected(world, ">/dev/full", *line)
    assert done.stderr == "error: Standard output cannot be written: No space left on device.\n"
    assert done.returncode == Status.OUTPUT
    done = redirected(world, ">&-", *line)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_can_collect_the_output_in_memory(world: World) -> None:
    script = """
import io, sys
from hightouch_sdk._cli import main
sys.argv, before, sys.stdout = ["hightouch-sdk", "syncs"], sys.stdout, io.StringIO()
try:
    main()
except SystemExit:
    before.write(sys.stdout.getvalue())
"""
    done = redirected(world, "", sys.executable, "-c", script)
    assert (done.stdout.splitlines()[0][:8], done.stderr) == ("id,slug,", "")


@needs_full
def test_a_standard_error_that_cannot_be_written_does_not_change_the_status(world: World) -> None:
    done = redirected(world, "2>/dev/full", *COMMAND, "runs", "no-such-sync")
    assert done.returncode == Status.NOT_FOUND


def test_a_closed_standard_input_is_no_list_and_answers_no_question(world: World) -> None:
    for arguments, complaint in (
        (["--file", "-"], "Standard input cannot be read: it is closed."),
        (["1", "--full-resync"], "Add --yes to run syncs with --full-resync."),
    ):
        done = redirected(world, "<&-", *COMMAND, "run", *arguments)
        assert complaint in done.stderr
        assert done.returncode == Status.USAGE
    assert world.requests() == []
