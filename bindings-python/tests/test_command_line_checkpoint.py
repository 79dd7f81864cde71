"""``run --checkpoint`` continues where an earlier command ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from command import command, finished, start
from hightouch_sdk._cli._status import Status
from sandbox import World
from test_command_line_runs import endless as endless
from test_command_line_runs import follow_both, triggers
from test_command_line_runs import seven as seven


def outcomes(rows: list[dict[str, Any]]) -> list[str]:
    return [row["outcome"] for row in rows]


def test_a_checkpoint_repeats_nothing_that_has_ended(seven: World, tmp_path: Path) -> None:
    file = str(tmp_path / "nightly.jsonl")
    line = ("run", "sync-1", "sync-2", "3", "--checkpoint", file, "--json", "-q")
    first = command(seven, *line)
    assert (first.status, outcomes(first.rows)) == (Status.FAILED, ["success", "failure", "success"])
    assert len(triggers(seven)) == 3
    again = command(seven, *line)
    assert (again.status, outcomes(again.rows)) == (first.status, outcomes(first.rows))
    assert [row["run_id"] for row in again.rows] == [row["run_id"] for row in first.rows]
    assert len(triggers(seven)) == 3
    assert command(seven, *line, "--retry-failed").status == Status.FAILED
    assert len(triggers(seven)) == 4


def test_a_killed_command_is_continued(endless: World, tmp_path: Path) -> None:
    file = str(tmp_path / "nightly.jsonl")
    line = ("run", "1", "2", "3", "--at-once", "2", "--checkpoint", file, "--json", "-q")
    process = start(endless, *line)
    endless.wait_for(follow_both)
    process.kill()
    finished(process)
    done = command(endless, *line, "--timeout", "3")
    assert (done.status, outcomes(done.rows)) == (Status.TIMEOUT, ["in_progress", "in_progress", "not_started"])
    assert len(triggers(endless)) == 2


def test_a_checkpoint_that_cannot_be_used_starts_nothing(seven: World, tmp_path: Path) -> None:
    file = tmp_path / "nightly.jsonl"
    file.write_text("no checkpoint\n")
    done = command(seven, "run", "1", "--checkpoint", str(file))
    assert (done.status, done.out) == (Status.USAGE, "")
    assert triggers(seven) == []


@pytest.mark.parametrize("option", ["--retry-failed", "--retry-unknown"])
def test_options_of_a_checkpoint_need_one(seven: World, option: str) -> None:
    done = command(seven, "run", "1", option)
    assert (done.status, "--checkpoint" in done.err) == (Status.USAGE, True)
    assert triggers(seven) == []
