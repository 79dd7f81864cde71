"""Tests the recipes for FastAPI, Celery, AWS Lambda, a gateway and GitHub Actions, and the notebook."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import nbclient
import nbconvert
import nbformat
import yaml

from conftest import RECIPES, ROOT, environment, triggers
from programs import WEB_WORLD, Gateway, call, free_port, running, starts_runs_and_looks_at_them
from sandbox import World, until


def answers(url: str) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            call("GET", url)
        except OSError:
            return False
        return True

    return asked


def test_fastapi_starts_each_run_once_and_looks_at_it(new_world: Callable[..., World], tmp_path: Path) -> None:
    world, port = new_world(**WEB_WORLD), free_port()
    command = [sys.executable, "-m", "uvicorn", "fastapi_app:app", "--app-dir", str(RECIPES), "--port", str(port)]
    with running(command, environment(world), tmp_path):
        url = f"http://127.0.0.1:{port}"
        until(answers(f"{url}/openapi.json"))
        starts_runs_and_looks_at_them(url)
    assert triggers(world) == 2
    assert world.log()["left"]["script"] == [0]  # the first answer was lost


START = """\
from celery_tasks import start, finish
(start.s("orders-to-salesforce") | finish.s()).apply_async(task_id="the-job")
"""
# Prints the run, or the type and the text of the error with which the job failed.
ASK = """\
from celery_tasks import app
result = app.AsyncResult("the-job")
done = result.get(timeout=60, propagate=False)
print(done if result.successful() else f"{type(done).__name__}: {done}")
"""


@contextmanager
def celery(world: World, folder: Path) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], str]]]:
    """Runs Redis and a worker of Celery. Gives the worker's process, and a function that runs a program in Python."""
    port = free_port()
    redis = f"redis://127.0.0.1:{port}/0"
    server = Path(os.environ.get("HIGHTOUCH_SERVERS") or ROOT / "build/servers") / "redis-server"
    env = environment(world, CELERY_BROKER_URL=redis, CELERY_RESULT_BACKEND=redis, PYTHONPATH=str(RECIPES))
    worker = ["celery", "--app", "celery_tasks", "worker", "--concurrency", "2", "--loglevel", "INFO"]
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def run(program: str) -> str:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + (folder / "output").read_text()
        return done.stdout.strip()

    with running([str(server), *settings], env, folder):
        until(lambda: "eady to accept" in (folder / "output").read_text())
        with running(worker, env, folder) as process:
            yield process, run


def test_celery_finishes_a_run_although_its_worker_is_killed(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(runs={"seconds": 200})
    with celery(world, tmp_path) as (process, run):
        run(START)
        # Once the second task has read the state of the run, kills all processes that work on tasks.
        world.wait_for(lambda requests: any(request["path"].endswith("/runs") for request in requests))
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        assert int(run(ASK)) > 0
    assert triggers(world) == 1


def test_a_run_that_fails_makes_the_job_of_celery_fail(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(runs={"seconds": 20, "status": "failed", "error": "the password has expired"})
    with celery(world, tmp_path) as (_, run):
        run(START)
        shown = run(ASK)
    assert shown.startswith("RunFailedError: "), shown
    assert "the password has expired" in shown
    assert triggers(world) == 1


def frozen(world_url: str, env: dict[str, str]) -> subprocess.Popen[str]:
    """Starts a process that passes each line of its input to the handler, as Lambda does with events."""
    loop = (
        "import json, sys; from lambda_handler import handler\n"
        "for line in sys.stdin: print(json.dumps(handler(json.loads(line), None)), flush=True)"
    )
    own = env | {"HIGHTOUCH_BASE_URL": world_url, "PYTHONPATH": str(RECIPES)}
    return subprocess.Popen(
        [sys.executable, "-c", loop], env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def send(process: subprocess.Popen[str], event: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(event) + "\n")
    process.stdin.flush()


def receive(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    answer: dict[str, object] = json.loads(process.stdout.readline())
    return answer


def test_a_handler_works_after_it_was_frozen_and_its_connections_were_closed(new_world: Callable[..., World]) -> None:
    world = new_world()
    base = world.answer["httpBaseUrl"]
    gateway = Gateway(base, lambda path, headers: (path, headers))
    process = frozen(gateway.url, environment(world))
    send(process, {"sync": "orders-to-salesforce"})
    token = receive(process)["token"]
    for event in [{"token": token}, {"sync": 2}, {"token": token}, {"sync": 2}]:
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.5)
        gateway.close_connections()
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.2)  # the time that an event may take from the platform to the process
        send(process, event)
        assert receive(process)["token"]
    assert triggers(world) == 3
    assert gateway.accepted > 3
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0


def test_a_handler_that_is_frozen_during_a_call_ends_it_after_the_thaw(new_world: Callable[..., World]) -> None:
    slow = {"when": {"operation": "GetSync", "nth": 1}, "answer": {"delayMs": 1000}}
    world = new_world(script=[slow])
    process = frozen(world.answer["httpBaseUrl"], environment(world))
    send(process, {"sync": "orders-to-salesforce"})
    until(lambda: len(world.requests()) >= 1)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(process.pid, signal.SIGCONT)
    assert receive(process)["ended"] is False
    assert triggers(world) == 1
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0


def test_a_gateway_gets_its_own_token_again_when_it_has_expired(
    new_world: Callable[..., World], tmp_path: Path
) -> None:
    world = new_world()
    file = tmp_path / "token"
    file.write_text("token-1\n")
    seen: list[str] = []

    def change(path: str, headers: dict[str, str]) -> tuple[str, dict[str, str]] | None:
        assert headers["x-gateway-caller"] == "nightly"
        seen.append(headers["authorization"])
        if len(seen) == 2:
            file.write_text("token-2\n")
        if headers["authorization"] != f"Bearer {file.read_text().strip()}":
            return None
        key = f"Bearer {world.answer['apiKey']}"
        return path.removeprefix("/connections/hightouch/proxy"), headers | {"authorization": key}

    gateway = Gateway(
        world.answer["httpBaseUrl"], lambda path, headers: change(path, {k.lower(): v for k, v in headers.items()})
    )
    env = environment(world, GATEWAY_URL=gateway.url, GATEWAY_TOKEN_FILE=str(file))
    for name in ("HIGHTOUCH_API_KEY", "HIGHTOUCH_BASE_URL"):
        del env[name]
    done = subprocess.run(
        [sys.executable, str(RECIPES / "gateway.py")], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "success"]
    assert set(seen) == {"Bearer token-1", "Bearer token-2"}
    assert triggers(world) == 1


def shell_of_the_action(step: dict[str, str]) -> list[str]:
    """Returns the command with which GitHub runs a step. GitHub documents the command at `defaults.run.shell`."""
    defaults = yaml.safe_load((RECIPES / "github_action.yml").read_text()).get("defaults", {})
    named = step.get("shell", defaults.get("run", {}).get("shell"))
    options = {None: ["-e"], "bash": ["--noprofile", "--norc", "-eo", "pipefail"]}[named]
    return ["bash", *options, "-c", step["run"]]


def test_the_lines_of_the_github_action_run(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world()
    steps = yaml.safe_load((RECIPES / "github_action.yml").read_text())["jobs"]["syncs"]["steps"]
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    summary = tmp_path / "summary"
    env = environment(world, GITHUB_STEP_SUMMARY=str(summary), PIP_FIND_LINKS=os.environ["HIGHTOUCH_WHEELS"])
    env["PATH"] = f"{tmp_path / 'venv/bin'}:{env['PATH']}"
    for step in steps:
        if "run" in step:
            done = subprocess.run(
                shell_of_the_action(step), env=env, cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    assert summary.read_text().count(",success,") == 2
    assert triggers(world) == 2


def test_the_github_action_fails_with_a_run_that_fails(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(runs={"seconds": 20, "status": "failed", "error": "the password has expired"})
    steps = yaml.safe_load((RECIPES / "github_action.yml").read_text())["jobs"]["syncs"]["steps"]
    env = environment(world, GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    done = subprocess.run(
        shell_of_the_action(steps[-1]), env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "the password has expired" in done.stderr


def executed(
    world: World, folder: Path, *more: str, notebook: nbformat.NotebookNode | None = None
) -> nbformat.NotebookNode:
    """Runs the notebook with the additional cells ``more`` at its end. Returns the notebook with its outputs."""
    notebook = notebook or nbformat.read(RECIPES / "notebook.ipynb", as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in more]
    resources = {"metadata": {"path": str(folder)}}
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
    client.execute(env=environment(world))
    return notebook


def test_the_notebook_runs_from_its_first_cell_to_its_last(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world()
    notebook = executed(world, tmp_path)
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("orders-to-salesforce" in output.get("data", {}).get("text/html", "") for output in shown)
    assert triggers(world) == 2


class Tables(HTMLParser):
    """Reads an HTML page: the tables, as the texts of their cells, and the text of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[list[list[str]]] = []
        self.text = ""
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, _: object) -> None:
        if tag == "table":
            self.all.append([])
        elif tag == "tr":
            self.all[-1].append([])
        elif tag in ("td", "th"):
            self.all[-1][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.all[-1][-1][-1] += data

    def headed(self, *first: str) -> list[list[str]]:
        """Returns the only table that begins with these cells. Each cell is given as a pattern."""
        pattern = "\n".join(first)
        [found] = (table for table in self.all if re.match(pattern, "\n".join(table[0])))
        return found


def test_the_page_of_the_notebook_shows_progress_lists_and_values(
    new_world: Callable[..., World], tmp_path: Path
) -> None:
    ends = {"sync-2": {"status": "failed", "error": "the <password> has expired"}}
    slugs = ["orders-to-salesforce", *(f"sync-{number}" for number in range(2, 31))]
    world = new_world(syncs=30, slugs=slugs, runs={"seconds": 20, "bySlug": ends})
    more = [
        "ht.syncs.list().first_page()",
        "ht.syncs.list()",
        "ht.syncs.get(2)",
        "batch = ht.syncs.run_many([1, 2]); batch.wait(on_failure='return'); batch",
    ]
    notebook = nbformat.read(RECIPES / "notebook.ipynb", as_version=4)
    [cell] = (cell for cell in notebook.cells if "progress=True" in cell.source)
    cell.source = cell.source.replace("progress=True", "progress=True, on_failure='return'")
    notebook = executed(world, tmp_path, *more, notebook=notebook)
    page = Tables(nbconvert.HTMLExporter().from_notebook_node(notebook)[0])

    # The output shows the last state of the table. Texts of the server are shown as text, and not as HTML.
    [good, bad] = page.headed(r"orders-to-salesforce \(run \d+\)", "success")
    assert re.fullmatch(r"sync 2 \(run \d+\)", bad[0])
    assert bad[1] == "failed"
    assert re.fullmatch(r"\d+ of \d+ rows", good[3])
    assert bad[3].endswith("the <password> has expired")
    assert "2 of 2 ended, 1 failed" in page.text

    [_, *rows] = page.headed("id", "slug")
    assert [row[1] for row in rows] == slugs[:20]
    assert "Page of 30 rows" in page.text
    assert "10 more rows" in page.text
    assert "<Listing of syncs.list()>" in page.text
    assert ["slug", "sync-2"] in page.headed("id", "2")
    [head, *rows] = page.headed("sync", "run_id")
    assert [dict(zip(head, row, strict=True))["outcome"] for row in rows] == ["success", "failure"]
