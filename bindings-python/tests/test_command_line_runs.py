"""The commands ``run`` and ``follow``."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import COMMAND, command, environment, finished, on_terminal, seen_on_terminal, start
from hightouch_sdk._cli._status import Status
from sandbox import World

SLUGS = [f"sync-{number}" for number in range(1, 8)]
ENDS = {
    "sync-2": {"status": "failed", "error": "the destination \x1b[2Jrefused the key"},
    "sync-4": {"status": "cancelled"},
    "sync-5": {"status": "warning"},
}
DESTRUCTIVE = ["fullResync", "resetCDC", "clearAndFill"]


@pytest.fixture
def seven(new_world: Callable[..., World]) -> World:
    """A world with seven syncs: one run fails, one is cancelled, and one ends with a warning."""
    return new_world(syncs=7, pastRuns=0, slugs=SLUGS, runs={"seconds": 2, "bySlug": ENDS})


@pytest.fixture
def endless(new_world: Callable[..., World]) -> World:
    """A world with seven syncs. Their runs do not end."""
    return new_world(syncs=7, pastRuns=0, slugs=SLUGS, runs={"seconds": 1_000_000, "queuedSeconds": 0})


def triggers(world: World) -> list[dict[str, Any]]:
    return [request for request in world.requests() if request["method"] == "POST"]


def test_two_failing_and_three_good_syncs_name_both_and_fail(seven: World) -> None:
    done = command(seven, "run", "sync-1", "sync-2", "3", "sync-4", "sync-6", "--json")
    assert done.status == Status.FAILED
    outcomes = [(row["sync"], row["outcome"], row["status"]) for row in done.rows]
    assert outcomes == [
        ("sync-1", "success", "success"),
        ("sync-2", "failure", "failed"),
        (3, "success", "success"),
        ("sync-4", "failure", "cancelled"),
        ("sync-6", "success", "success"),
    ]
    block = done.err[done.err.index("error: ") :].splitlines()
    assert block[0] == "error: 2 of 5 syncs did not succeed."
    assert re.fullmatch(r"  sync-2 \(run \d+\): failed: the destination  \[2Jrefused the key", block[1])
    assert re.match(r"  sync-4 \(run \d+\): cancelled", block[2])
    assert len(block) == 3


def test_all_good_syncs_are_done(seven: World) -> None:
    done = command(seven, "run", "sync-1", "3", "--json")
    assert done.status == Status.DONE
    assert "error" not in done.err
    [one, three] = done.rows
    assert (one["sync_id"], three["sync_id"]) == (1, 3)
    assert one["run_id"] != three["run_id"]
    assert one["successful_added"] == one["planned_added"]
    assert one["error"] is None
    # If standard error is a pipe, the command writes a line for each change of a run.
    assert re.search(r"^hightouch: sync-1 \(run \d+\): success, ", done.err, re.MULTILINE)
    assert "hightouch: 2 of 2 ended" in done.err


def test_quiet_shows_no_progress(seven: World) -> None:
    assert command(seven, "run", "1", "--quiet").err == ""


def test_warnings_fail_if_asked(seven: World) -> None:
    assert command(seven, "run", "sync-5").status == Status.DONE
    done = command(seven, "run", "sync-5", "--on-warning", "fail", "-q")
    assert done.status == Status.FAILED
    assert re.search(r"^  sync-5 \(run \d+\): warning", done.err, re.MULTILINE)


@pytest.mark.parametrize(
    ("syncs", "status"),
    [(["no-such-sync", "1"], Status.NOT_FOUND), (["no-such-sync", "sync-2"], Status.FAILED)],
    ids=["not found", "a failed run counts more"],
)
def test_a_sync_that_was_not_started_says_the_status(seven: World, syncs: list[str], status: Status) -> None:
    done = command(seven, "run", *syncs, "--json")
    assert done.status == status
    assert done.rows[0]["outcome"] == "not_started"
    assert "no sync has this slug" in done.rows[0]["error"]
    assert "no-such-sync: not started: " in done.err


def test_a_trigger_that_may_have_started_a_run_says_the_status(new_world: Callable[..., World]) -> None:
    lost = {"when": {"operation": "TriggerRun"}, "answer": {"status": 502}}
    world = new_world(syncs=2, slugs=SLUGS, pastRuns=0, script=[lost])
    done = command(world, "run", "1", "--full-resync", "--yes", "--json")
    assert (done.status, done.rows[0]["outcome"]) == (Status.UNKNOWN, "unknown")
    assert "sync 1: unknown: " in done.err


def test_a_run_whose_end_cannot_be_learned_is_named_with_its_token(new_world: Callable[..., World]) -> None:
    refused = {"when": {"operation": "ListSyncRuns"}, "answer": {"status": 403}, "times": 99}
    world = new_world(syncs=1, pastRuns=0, script=[refused])
    done = command(world, "run", "1", "--json")
    assert (done.status, done.rows[0]["outcome"]) == (Status.KEY, "unknown")
    assert tokens(done.err) == [done.rows[0]["token"]]


def test_a_refused_key_starts_nothing(seven: World) -> None:
    done = command(seven, "run", "1", "2", HIGHTOUCH_API_KEY=seven.keys.invalid)
    assert done.status == Status.KEY


def test_syncs_come_from_arguments_files_tags_and_models(new_world: Callable[..., World], tmp_path: Path) -> None:
    # Every third sync of the sandbox has the tag `team=growth`, and every eleventh sync is disabled.
    world = new_world(syncs=34, pastRuns=0, slugs=SLUGS, models=2, runs={"seconds": 1})
    file = tmp_path / "syncs"
    file.write_text("# nightly\nsync-1\n\n3  # by its id\nsync-2\n")
    listed = ("run", "sync-2", "--file", str(file), "--dry-run")
    assert command(world, *listed).out == "sync-2\nsync-1\n3\n"
    assert command(world, "run", "--file", "-", "--dry-run", stdin="7\n8\n").out == "7\n8\n"
    tagged = command(world, *listed, "--tag", "team=growth").out.splitlines()
    # 3 syncs were named, and 11 have the tag. Sync 3 was named and has the tag, but runs once. Sync 33 is disabled.
    assert len(tagged) == 3 + 11 - 1 - 1
    assert "sync-3" not in tagged
    assert "sync-6" in tagged
    everyone = command(world, "run", "--tag", "team=growth", "--include-disabled", "--dry-run")
    assert len(everyone.out.splitlines()) == 11
    left_out = command(world, "run", "--tag", "team=growth", "--dry-run").err
    assert re.fullmatch(r"disabled and left out: \S+-33\n", left_out)
    both = command(world, "run", "--tag", "team=growth", "--model", "1", "--dry-run").out.splitlines()
    assert 0 < len(both) < 10
    assert triggers(world) == []
    assert command(world, "run", "--tag", "team=nobody").status == Status.NOT_FOUND
    done = command(world, "run", "--tag", "team=growth", "--model", "1", "--json")
    assert (done.status in {Status.DONE, Status.FAILED}, len(done.rows)) == (True, len(both))
    assert len(triggers(world)) == len(both)


def test_nothing_destructive_is_sent_unless_asked_and_confirmed(seven: World) -> None:
    assert command(seven, "run", "1").status == Status.DONE
    flags = ["--full-resync", "--reset-cdc", "--clear-and-fill"]
    for flag in flags:
        refused = command(seven, "run", "1", flag)
        assert (refused.status, "--yes" in refused.err) == (Status.USAGE, True)
    for flag in flags:
        assert command(seven, "run", "1", flag, "--yes").status == Status.DONE
    bodies = [[request["body"][name] for name in DESTRUCTIVE] for request in triggers(seven)]
    assert bodies == [[False, False, False], [True, False, False], [False, True, False], [False, False, True]]


@pytest.mark.parametrize(("answer", "status", "count"), [("n", Status.INTERRUPTED, 0), ("y", Status.DONE, 1)])
def test_a_terminal_asks_before_something_destructive(seven: World, answer: str, status: Status, count: int) -> None:
    terminal = on_terminal(seven, "run", "sync-1", "--full-resync")
    terminal.read_until(lambda text: "Run sync-1 with --full-resync? [y/N]" in text)
    terminal.press(f"{answer}\n")
    assert terminal.finish().status == status
    assert len(triggers(seven)) == count


def test_a_run_in_progress_can_be_joined(endless: World) -> None:
    first = command(endless, "run", "1", "--timeout", "2", "--json")
    second = command(endless, "run", "1", "--timeout", "2", "--json", "--if-running", "join")
    assert (first.status, second.status) == (Status.TIMEOUT, Status.TIMEOUT)
    assert first.rows[0]["run_id"] == second.rows[0]["run_id"]
    assert len(triggers(endless)) == 1


def tokens(err: str) -> list[str]:
    return re.findall(r"goes on: hightouch-sdk follow (\S+)$", err, re.MULTILINE)


def test_when_the_time_is_over_tokens_name_the_runs_that_go_on(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=3, pastRuns=0, slugs=SLUGS[:3], runs={"seconds": 160, "queuedSeconds": 0})
    done = command(world, "run", "sync-1", "2", "3", "--at-once", "2", "--timeout", "2s", "--json")
    assert done.status == Status.TIMEOUT
    assert [row["outcome"] for row in done.rows] == ["in_progress", "in_progress", "not_started"]
    found = tokens(done.err)
    assert found == [row["token"] for row in done.rows[:2]]
    assert "not started: 3" in done.err
    assert "sync-1 (run" in done.err
    after = command(world, "follow", *found, "--json")
    assert after.status == Status.DONE
    assert [(row["kind"], row["parent_id"], row["outcome"]) for row in after.rows] == [
        ("sync", 1, "success"),
        ("sync", 2, "success"),
    ]
    assert [row["run_id"] for row in after.rows] == [row["run_id"] for row in done.rows[:2]]


def test_follow_has_the_statuses_of_run(seven: World, endless: World) -> None:
    ran = command(seven, "run", "sync-1", "sync-2", "sync-5", "--json", "-q").rows
    good, bad, warned = (row["token"] for row in ran)
    done = command(seven, "follow", good, bad, "--json")
    assert (done.status, [row["outcome"] for row in done.rows]) == (Status.FAILED, ["success", "failure"])
    assert done.rows[1]["error"] == "the destination \x1b[2Jrefused the key"
    assert done.err.count("error: ") == 1
    assert "goes on" not in done.err
    assert command(seven, "follow", warned).status == Status.DONE
    assert command(seven, "follow", warned, "--on-warning", "fail").status == Status.FAILED
    [row] = command(endless, "run", "1", "--timeout", "1", "--json").rows
    done = command(endless, "follow", row["token"], "--timeout", "1", "--json")
    assert (done.status, done.rows[0]["outcome"]) == (Status.TIMEOUT, "in_progress")
    assert f"hightouch-sdk follow {row['token']}" in done.err


def follow_both(requests: list[dict[str, Any]]) -> bool:
    """Whether the requests follow the run of sync 1 and the run of sync 2."""
    read = Counter(request["path"] for request in requests if request["operation"] == "ListSyncRuns")
    return min(read["/syncs/1/runs"], read["/syncs/2/runs"]) >= 2


SIGNALS = [(signal.SIGINT, Status.INTERRUPTED, "interrupted"), (signal.SIGTERM, Status.TERMINATED, "terminated")]


@pytest.mark.parametrize(("number", "status", "how"), SIGNALS)
def test_a_signal_stops_the_command_and_names_the_runs_that_go_on(
    endless: World, number: int, status: Status, how: str
) -> None:
    process = start(endless, "run", "sync-1", "2", "3", "--at-once", "2", "--json")
    endless.wait_for(follow_both)
    process.send_signal(number)
    done = finished(process)
    assert done.status == status
    assert f"error: {how}." in done.err
    assert [row["outcome"] for row in done.rows] == ["in_progress", "in_progress", "not_started"]
    assert tokens(done.err) == [row["token"] for row in done.rows[:2]]
    assert done.err.count(done.rows[0]["token"]) == 1
    assert "not started: 3" in done.err
    assert len(triggers(endless)) == 2


@pytest.mark.parametrize(("number", "status", "how"), SIGNALS)
def test_a_signal_ends_following_and_names_the_runs(endless: World, number: int, status: Status, how: str) -> None:
    rows = command(endless, "run", "1", "2", "--timeout", "2", "--json").rows
    before = len(endless.requests())
    process = start(endless, "follow", *(row["token"] for row in rows))
    endless.wait_for(lambda requests: len(requests) > before)
    process.send_signal(number)
    done = finished(process)
    assert done.status == status
    for row in rows:
        assert done.err.count(f"hightouch-sdk follow {row['token']}") == 1


def test_ctrl_c_on_a_terminal_ends_cleanly(endless: World) -> None:
    terminal = on_terminal(endless, "run", "sync-1")
    terminal.read_until(lambda text: "querying" in text)
    terminal.press("\x03")
    seen = terminal.finish()
    assert seen.status == Status.INTERRUPTED
    assert "Traceback" not in seen.text
    joined = "".join(seen.screen)
    assert re.search(r"sync-1 \(run \d+\) goes on: hightouch-sdk follow ", joined)
    assert "error: interrupted." in joined


def test_a_terminal_shows_progress_and_then_a_table(seven: World) -> None:
    seen = seen_on_terminal(seven, "run", "sync-1", "sync-2")
    assert seen.status == Status.FAILED
    # The command always draws the first state, however soon the runs end.
    assert "0 of 2 ended" in seen.text
    text = "\n".join(seen.screen)
    assert "2 of 2 ended, 1 failed" in text
    assert re.search(r"^sync +run id +outcome +status", text, re.MULTILINE)
    assert "error: 1 of 2 syncs did not succeed." in text
    # The error text of the server contains a sequence that clears a screen. The terminal must not receive it.
    assert "\x1b[2J" not in seen.text


def test_the_columns_of_runs_are_stable(seven: World) -> None:
    rows = (
        "status,created_at,started_at,finished_at,seconds,planned_added,planned_changed,planned_removed,"
        "successful_added,successful_changed,successful_removed,failed_added,failed_changed,failed_removed,error,token"
    )
    done = command(seven, "run", "1", "-q")
    assert done.out.splitlines()[0] == f"sync,sync_id,run_id,outcome,{rows}"
    token = done.out.splitlines()[1].rpartition(",")[2]
    assert command(seven, "follow", token).out.splitlines()[0] == f"kind,parent_id,run_id,outcome,{rows}"


def test_a_sequence_and_a_graph_can_be_followed(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 2}, graphs={"seconds": 2})
    script = (
        "from hightouch_sdk import Hightouch\n"
        "with Hightouch() as ht:\n"
        "    print(ht.sync_sequences.trigger('nightly').token, ht.identity_graphs.trigger('customers').token)\n"
    )
    line = [COMMAND[0], "-c", script]
    made = subprocess.run(line, env=environment(world), capture_output=True, text=True, check=True)
    done = command(world, "follow", *made.stdout.split(), "--json")
    assert done.status == Status.DONE
    assert [(row["kind"], row["parent_id"], row["status"]) for row in json.loads(done.out)] == [
        ("sequence", "nightly", "done"),
        ("identity_graph", "customers", "SUCCESS"),
    ]
