from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import RECIPES, environment, triggers
from sandbox import World

PROJECT = """\
name: shop
version: "1.0"
profile: shop
model-paths: [models]
"""
PROFILE = """\
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: shop.duckdb}
"""
MODELS = {
    "orders": "{{ config(meta={'hightouch_syncs': ['orders-to-salesforce', 2]}) }} select 1 as id",
    "customers": "{{ config(meta={'hightouch_syncs': [2, 3]}) }} select 1 as id",
    "plain": "select 1 as id",
    "broken": "{{ config(meta={'hightouch_syncs': [4]}) }} select 1 / 'x' as id from nowhere",
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds a project with dbt. Returns the folder with what dbt wrote."""
    project = tmp_path_factory.mktemp("project")
    env = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_PROFILES_DIR": str(project)}
    (project / "dbt_project.yml").write_text(PROJECT)
    (project / "profiles.yml").write_text(PROFILE)
    (project / "models").mkdir()
    for name, sql in MODELS.items():
        (project / "models" / f"{name}.sql").write_text(sql)
    dbt = str(Path(sys.executable).parent / "dbt")
    built = subprocess.run([dbt, "build"], env=env, cwd=project, capture_output=True, text=True, check=False)
    assert built.returncode == 1, built.stdout  # one of the models is broken
    # Adds a function to the results, as dbt does. The `nodes` of the manifest do not contain the function.
    results = project / "target/run_results.json"
    told = json.loads(results.read_text())
    told["results"].append({"unique_id": "function.shop.double_it", "status": "success"})
    results.write_text(json.dumps(told))
    return results.parent


def after_run(world: World, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RECIPES / "dbt_after_run.py")]
    return subprocess.run(
        command, env=environment(world), cwd=target.parent, capture_output=True, text=True, check=False
    )


def test_the_syncs_of_the_models_that_were_built_run_once(new_world: Callable[..., World], target: Path) -> None:
    world = new_world()
    done = after_run(world, target)
    assert done.returncode == 0, done.stderr
    outcomes = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert outcomes == {"orders-to-salesforce": "success", "2": "success", "3": "success"}
    assert triggers(world) == 3


def test_a_run_that_fails_makes_the_program_fail(new_world: Callable[..., World], target: Path) -> None:
    fails = {"status": "failed", "error": "the password has expired"}
    world = new_world(runs={"seconds": 20, "bySlug": {"orders-to-salesforce": fails}})
    done = after_run(world, target)
    assert done.returncode == 1, done.stdout
    assert "orders-to-salesforce" in done.stderr.splitlines()[-1]
    assert "the password has expired" in done.stderr
    # The other syncs run, too.
    assert triggers(world) == 3
