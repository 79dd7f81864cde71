"""The property `problem`, which says why a run did not succeed, and handles of runs that exist already."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Callable

import pytest

from hightouch_sdk import AsyncHightouch, Hightouch, RowCounts, RunFailedError, SequenceRun, SyncRun
from sandbox import World

FAILED = {"status": "failed", "error": "SLACK_NO_TEXT", "seconds": 1}


def test_an_error_keeps_its_problem_when_it_is_pickled(new_world: Callable[..., World]) -> None:
    with Hightouch(**new_world(runs=FAILED).settings()) as client, pytest.raises(RunFailedError) as caught:
        client.syncs.trigger(1).wait()
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.problem is not None
    assert (error.problem.code, error.problem.guessed) == ("SLACK_NO_TEXT", False)
    assert str(error).endswith(f"{error.problem.summary} {error.problem.advice}")


def test_the_runs_of_a_page_and_the_items_of_a_batch_have_problems(new_world: Callable[..., World]) -> None:
    with Hightouch(**new_world(runs=FAILED, pastRuns=0).settings()) as client:
        with pytest.raises(RunFailedError) as caught:
            client.syncs.run_many([1, 2]).wait()
        assert caught.value.problem is None
        states = [item.state for item in caught.value.items]
        assert [state and state.problem and state.problem.code for state in states] == ["SLACK_NO_TEXT"] * 2
        assert [run.problem and run.problem.category for run in client.syncs.runs(1)] == ["invalid_data"]


def test_a_value_that_a_user_creates_has_a_problem_too() -> None:
    run = SyncRun(id=1, status="warning", failed_rows=RowCounts(added_count=2), error="half a pair: \N{GRINNING FACE}")
    assert run.problem is not None
    assert (run.problem.category, run.problem.rejected_rows) == ("rejected_rows", 2)
    assert SyncRun(id=1, status="success").problem is None
    assert SequenceRun(id="s", status="failed").problem is not None


def test_the_handle_of_a_run_that_exists_knows_the_slug(new_world: Callable[..., World]) -> None:
    with Hightouch(**new_world(slugs=["orders"]).settings()) as client:
        latest = client.syncs.latest_run("orders")
        assert latest is not None
        assert (latest.slug, latest.sync_id, latest.joined, latest.adopted) == ("orders", 1, False, False)
        assert client.syncs.run(1, latest.id).slug is None
        raw = client.syncs.with_raw_response.latest_run("orders")
        parsed = raw.parse()
        assert parsed is not None
        assert (raw.status, parsed.id) == (200, latest.id)


def test_a_latest_run_may_be_none_in_a_raw_answer(new_world: Callable[..., World]) -> None:
    world = new_world(pastRuns=0)
    with Hightouch(**world.settings()) as client:
        assert client.syncs.with_raw_response.latest_run(1).parse() is None

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            assert (await client.syncs.with_raw_response.latest_run(1)).parse() is None
            assert await client.syncs.latest_run(1) is None

    asyncio.run(main())


def test_importing_the_package_imports_no_problem() -> None:
    code = "import sys, hightouch_sdk; sys.exit('hightouch_sdk._problem' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
