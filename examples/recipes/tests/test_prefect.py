from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import RECIPES, environment, triggers
from sandbox import World


def test_the_flow_starts_each_sync_once_and_waits_for_all(new_world: Callable[..., World], tmp_path: Path) -> None:
    rows = {"planned": {"added": 3, "changed": 0, "removed": 0}, "successful": {"added": 3, "changed": 0, "removed": 0}}
    world = new_world(runs={"seconds": 20, "rows": rows})
    env = environment(
        world,
        PREFECT_HOME=str(tmp_path),
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        # On a busy machine, Prefect's server does not start within the default of 20 seconds.
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="300",
        DO_NOT_TRACK="1",
    )
    command = [sys.executable, str(RECIPES / "prefect_flow.py")]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "6"
    assert triggers(world) == 2
