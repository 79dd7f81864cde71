"""Every line of the docs that begins with ``hightouch-sdk`` or ``python -m hightouch_sdk`` runs unchanged."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import blocks
from command import command, environment
from sandbox import ROOT, World

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines() -> list[str]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = [block for page in pages for block in BLOCK.findall(page.read_text())]
    command = re.compile(r"(eval .*)?(hightouch-sdk|python -m hightouch_sdk) ")
    return [line for block in found for line in block.splitlines() if command.match(line)]


LINES = lines()


def test_the_docs_show_every_command() -> None:
    shown = {match[1] for line in LINES if (match := re.search(r"hightouch.sdk ([a-z]+)", line))}
    assert shown == {"completion", "doctor", "follow", "limit", "report", "request", "run", "runs", "syncs"}


def test_no_other_command_stands_in_the_blocks_that_this_file_must_run() -> None:
    lines = {line for block in blocks.assigned("test_command_line_docs.py") for line in block.splitlines()}
    # The environment of the test has this variable.
    assert lines - set(LINES) == {"export HIGHTOUCH_API_KEY=..."}


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_docs_runs_as_it_stands(new_world: Callable[..., World], tmp_path: Path, line: str) -> None:
    world = new_world(syncs=10, slugs=["orders-to-salesforce"], runs={"seconds": 1})
    for name, arguments in {"hightouch-sdk": "-m hightouch_sdk", "python": ""}.items():
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        program.chmod(0o755)
    (tmp_path / "nightly.txt").write_text("orders-to-salesforce\n7\n")
    (tmp_path / ".config" / "fish" / "completions").mkdir(parents=True)
    [row] = command(world, "run", "7", "--json", "-q").rows
    env = environment(world, PATH=f"{tmp_path}:{environment(world)['PATH']}", HOME=str(tmp_path), token=row["token"])
    if "zsh" in line:
        # zsh may not be installed, and bash cannot run the script for zsh. So the test only checks that the script is
        # not empty.
        line = line.replace("eval", "test -n")
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
