from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_services import Services
from conftest import RECIPES, environment, triggers
from hightouch_sdk import Hightouch, SyncRunHandle
from sandbox import World


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Returns an Airflow home with the recipe as a plugin and with its DAG."""
    for folder, name in [("plugins", "airflow_hightouch.py"), ("dags", "airflow_dag.py")]:
        (tmp_path / folder).mkdir()
        shutil.copy(RECIPES / name, tmp_path / folder)
    return tmp_path


@pytest.fixture
def airflow(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Returns a function that runs a command of Airflow."""

    def run(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = environment(
            world,
            AIRFLOW_HOME=str(home),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            PYTHONPATH=str(home / "plugins"),
        )
        command = [sys.executable, "-m", "airflow", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    return run


def test_the_task_defers_with_a_token_until_its_run_has_ended(
    new_world: Callable[..., World], airflow: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    world = new_world()
    with Hightouch(**world.settings()) as ht:
        ht.syncs.trigger("orders-to-salesforce")
    assert airflow(world, "db", "migrate").returncode == 0
    done = airflow(world, "dags", "test", "nightly")
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert "Pausing task as DEFERRED" in shown, shown
    assert "Trigger completed" in shown, shown
    # The first try of a task starts a run of its own, even while another run is in progress.
    assert triggers(world) == 2


def test_a_retry_joins_the_run_that_is_in_progress(
    new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world(runs={"seconds": 100_000})
    for name, value in environment(world).items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(RECIPES)
    from airflow.sdk.exceptions import TaskDeferred
    from airflow_hightouch import HightouchSync

    with Hightouch() as ht:
        run = ht.syncs.trigger("orders-to-salesforce")
        with pytest.raises(TaskDeferred) as deferred:
            HightouchSync(task_id="orders", sync="orders-to-salesforce").execute({"ti": SimpleNamespace(try_number=2)})
        assert ht.run(deferred.value.trigger.token).id == run.id
    assert triggers(world) == 1


def test_a_run_that_fails_makes_the_task_fail_with_its_reason(
    new_world: Callable[..., World], airflow: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    world = new_world(runs={"seconds": 20, "status": "failed", "error": "the password has expired"})
    assert airflow(world, "db", "migrate").returncode == 0
    done = airflow(world, "dags", "test", "nightly")
    assert done.returncode != 0
    assert "the password has expired" in done.stdout + done.stderr
    assert triggers(world) == 1


# Prints the triggers in Airflow's database, which encrypts their arguments.
TRIGGERS = """
import json

from airflow.models.trigger import Trigger
from airflow.utils.session import create_session

with create_session() as session:
    print(json.dumps([[row.classpath, row.kwargs] for row in session.query(Trigger).order_by(Trigger.id)]))
"""


def test_a_scheduler_and_a_separate_triggerer_run_the_dag(new_world: Callable[..., World], home: Path) -> None:
    fails = {"status": "failed", "error": "the password has expired"}
    world = new_world(slugs=["orders-to-salesforce", "invoices"], runs={"seconds": 20, "bySlug": {"invoices": fails}})
    dag = (home / "dags/airflow_dag.py").read_text()
    (home / "dags/failing.py").write_text(dag.replace("nightly", "failing").replace("orders-to-salesforce", "invoices"))
    with closing(Services(home, world)) as airflow:

        def states(table: str) -> dict[str, str]:
            return dict(airflow.rows(f"SELECT dag_id, state FROM {table}"))

        def both_are_deferred() -> bool:
            found = states("task_instance")
            assert not {"success", "failed"} & set(found.values()), airflow.output()
            return found == {"nightly": "deferred", "failing": "deferred"}

        airflow.run("db", "migrate")
        airflow.start("api-server")
        airflow.until(airflow.answers)
        airflow.start("scheduler", "dag-processor")
        airflow.until(lambda: len(airflow.rows("SELECT dag_id FROM serialized_dag")) == 2)
        for name in ("nightly", "failing"):
            airflow.run("dags", "trigger", name)
        # No triggerer runs yet, so both tasks stay deferred, and the database holds their triggers.
        airflow.until(both_are_deferred)
        shown = subprocess.run([sys.executable, "-c", TRIGGERS], env=airflow.env, stdout=subprocess.PIPE, check=True)
        held = json.loads(shown.stdout.splitlines()[-1])
        assert {path for path, _ in held} == {"airflow_hightouch.HightouchRun"}
        assert [list(arguments) for _, arguments in held] == [["token"]] * 2
        with Hightouch(**world.settings(base_url=world.answer["httpBaseUrl"])) as ht:
            first, second = (ht.run(arguments["token"]) for _, arguments in held)
        assert isinstance(first, SyncRunHandle) and isinstance(second, SyncRunHandle)
        runs = {first.sync_id: first.id, second.sync_id: second.id}
        assert sorted(runs) == [1, 2]
        assert states("dag_run") == {"nightly": "running", "failing": "running"}

        airflow.start("triggerer")
        airflow.until(lambda: set(states("dag_run").values()) <= {"success", "failed"})
        ended = {"nightly": "success", "failing": "failed"}
        assert states("dag_run") == states("task_instance") == ended, airflow.output()
        assert triggers(world) == 2
        # The task went on in a worker, with the token that the triggerer had returned.
        xcoms = airflow.rows("SELECT dag_id, value FROM xcom WHERE key = 'return_value'")
        assert xcoms == [("nightly", runs[1])]
        for name in ended:
            [of_trigger] = [log for log in airflow.logs(name) if ".trigger." in log.name]
            assert "TriggerEvent" in of_trigger.read_text(), airflow.output()
        [of_task] = [log for log in airflow.logs("failing") if ".trigger." not in log.name]
        assert "the password has expired" in of_task.read_text(), airflow.output()


XCOM = """
import json

from airflow.sdk.serde import deserialize, serialize
from hightouch_sdk import Hightouch, NotFoundError, RunFailedError

with Hightouch() as ht:
    run = ht.syncs.trigger(3).wait(on_failure="return")
    batch = ht.syncs.run_many(["orders-to-salesforce", "no-such-sync"])
    try:
        batch.wait()
    except RunFailedError as error:
        failed = error
    try:
        ht.syncs.get("no-such-sync")
    except NotFoundError as error:
        missing = error

dicts = [value.to_dict() for value in (run, *batch.items, failed, missing)]
for before in dicts:
    # A task sends its XCom to the scheduler as JSON.
    after = deserialize(json.loads(json.dumps(serialize(before))))
    assert after == before, (before, after)
assert dicts[0]["started_at"].tzinfo is not None
assert [item["sync"] for item in dicts[3]["items"]] == ["orders-to-salesforce", "no-such-sync"]
assert dicts[3]["items"][0]["problem"]["summary"]
assert dicts[4]["kind"] == "not_found"
print("the same", len(dicts))
"""


def test_dicts_of_runs_items_and_errors_pass_through_an_xcom(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(runs={"seconds": 1, "status": "failed", "error": "the password has expired"})
    env = environment(world, AIRFLOW_HOME=str(tmp_path), AIRFLOW__CORE__LOAD_EXAMPLES="False")
    done = subprocess.run([sys.executable, "-c", XCOM], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "the same 5"
