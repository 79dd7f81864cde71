from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import RECIPES, environment, triggers
from sandbox import World


def materialize(world: World, home: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "dagster",
        "asset",
        "materialize",
        "-f",
        str(RECIPES / "dagster_asset.py"),
        "--select",
        "*",
    ]
    env = environment(world, DAGSTER_HOME=str(home), DAGSTER_DISABLE_TELEMETRY="1")
    return subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=False)


def test_a_materialization_is_one_run_with_its_rows(new_world: Callable[..., World], tmp_path: Path) -> None:
    rows = {"planned": {"added": 3, "changed": 0, "removed": 0}, "successful": {"added": 3, "changed": 0, "removed": 0}}
    world = new_world(runs={"seconds": 20, "rows": rows})
    done = materialize(world, tmp_path)
    assert done.returncode == 0, done.stderr
    assert triggers(world) == 1
    # Reads the metadata from the database of the Dagster instance.
    script = (
        "import dagster as dg; event = dg.DagsterInstance.get().get_latest_materialization_event("
        "dg.AssetKey('salesforce_orders')); print(event.asset_materialization.metadata['added'].value)"
    )
    env = environment(world, DAGSTER_HOME=str(tmp_path))
    shown = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "3"


def test_a_run_that_fails_makes_the_materialization_fail(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(runs={"seconds": 20, "status": "failed", "error": "the password has expired"})
    done = materialize(world, tmp_path)
    assert done.returncode != 0
    assert "the password has expired" in done.stdout + done.stderr
    assert triggers(world) == 1
