from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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


def test_the_syncs_of_the_models_that_were_built_run_once(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world()
    env = environment(world, DBT_SEND_ANONYMOUS_USAGE_STATS="false", DBT_PROFILES_DIR=str(tmp_path))
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    (tmp_path / "profiles.yml").write_text(PROFILE)
    (tmp_path / "models").mkdir()
    for name, sql in MODELS.items():
        (tmp_path / "models" / f"{name}.sql").write_text(sql)
    built = subprocess.run(["dbt", "build"], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 1, built.stdout  # one of the models is broken
    # Adds a function to the results, as dbt does. The `nodes` of the manifest do not contain the function.
    results = tmp_path / "target/run_results.json"
    told = json.loads(results.read_text())
    told["results"].append({"unique_id": "function.shop.double_it", "status": "success"})
    results.write_text(json.dumps(told))
    command = [sys.executable, str(RECIPES / "dbt_after_run.py")]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outcomes = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert outcomes == {"orders-to-salesforce": "success", "2": "success", "3": "success"}
    assert triggers(world) == 3
