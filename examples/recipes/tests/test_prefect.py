from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import RECIPES, environment, triggers
from sandbox import World


ROWS = {"added": 3, "changed": 0, "removed": 0}


def flow(world: World, home: Path) -> subprocess.CompletedProcess[str]:
    env = environment(
        world,
        PREFECT_HOME=str(home),
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        # On a busy machine, Prefect's server does not start within the default of 20 seconds.
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="300",
        DO_NOT_TRACK="1",
    )
    command = [sys.executable, str(RECIPES / "prefect_flow.py")]
    return subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=False)


def test_the_flow_starts_each_sync_once_and_waits_for_all(new_world: Callable[..., World], tmp_path: Path) -> None:
    # The first wait for the run of sync 2 breaks, so Prefect waits for this run again.
    broken = {"when": {"operation": "ListSyncRuns", "path": "/syncs/2/runs"}, "answer": {"status": 400}}
    world = new_world(runs={"seconds": 20, "rows": {"planned": ROWS, "successful": ROWS}}, script=[broken])
    done = flow(world, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "6"
    assert done.stderr.count("Retry 1/3") == 1, done.stderr
    assert triggers(world) == 2


def test_a_run_that_fails_makes_the_flow_fail(new_world: Callable[..., World], tmp_path: Path) -> None:
    fails = {"status": "failed", "error": "the password has expired"}
    world = new_world(runs={"seconds": 20, "bySlug": {"orders-to-salesforce": fails}})
    done = flow(world, tmp_path)
    assert done.returncode != 0
    assert "the password has expired" in done.stderr
    assert "Retry 1/3" not in done.stderr, done.stderr
    assert triggers(world) == 2
