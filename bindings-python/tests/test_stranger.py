"""Runs the code of docs/testing.md and of two READMEs as a user would: in an empty folder, with the packages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import blocks
import interpreters
from sandbox import ROOT
from stranger import pages, pytest_in, run_the_page

SANDBOX_WHEELS = ROOT / "build" / "python" / "sandbox-wheels"
ASYNC = """
import asyncio
import os
import subprocess
import sys

import pytest
from hightouch_sdk import AsyncHightouch, Hightouch
from hightouch_sdk.testing import Sandbox, World


@pytest.mark.anyio
async def test_anyio(hightouch_world: World) -> None:
    hightouch_world.fail_next("syncs.get", 503)
    async with AsyncHightouch() as ht:
        assert (await ht.syncs.get(1)).id == 1


@pytest.mark.asyncio
async def test_asyncio(hightouch_world: World) -> None:
    async with hightouch_world.async_client() as ht:
        run = await ht.syncs.trigger(1)
        assert (await run.wait()).status == "success"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("n", range(8))
def test_parallel(hightouch_client: Hightouch, hightouch_sandbox: Sandbox, n: int) -> None:
    assert hightouch_client.syncs.get(1).id == 1
    with open(f"server-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}-{hightouch_sandbox.http_url[-5:]}", "w"):
        pass


def test_child_process(hightouch_world: World) -> None:
    code = "from hightouch_sdk import Hightouch; print(Hightouch().syncs.get(2).id)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout == b"2\\n"
    assert len(hightouch_world.requests("syncs.get")) == 1


@pytest.mark.hightouch_world(syncs=1)
class TestMarks:
    def test_of_the_class(self, hightouch_world: World) -> None:
        with Hightouch() as ht:
            assert len(list(ht.syncs.list())) == 1

    def test_without_the_fixture(self) -> None:
        with Hightouch() as ht:
            assert len(list(ht.syncs.list())) == 1

    @pytest.mark.hightouch_world(syncs=2)
    def test_of_the_function(self, hightouch_world: World) -> None:
        with Hightouch() as ht:
            assert len(list(ht.syncs.list())) == 2
"""
WRONG = """
import pytest
from hightouch_sdk import Hightouch


def test_wrong(hightouch_world, hightouch_client):
    hightouch_client.request("GET", "/syncs", query={"colour": "red"})


def test_not_met(new_hightouch_world):
    new_hightouch_world().fail_next("syncs.get", 503)


def test_broken(hightouch_world):
    hightouch_world.fail_next("syncs.get", 503)
    raise KeyError("mine")


@pytest.mark.hightouch_world(judge=False)
def test_turned_off(hightouch_world):
    hightouch_world.fail_next("syncs.get", 503)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an environment in which pytest and the wheels under test are installed."""
    folder = tmp_path_factory.mktemp("project")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = interpreters.WHEELS.glob("*.whl")
    tools = ("pytest", "pytest-xdist", "pytest-asyncio", "anyio")
    package = f"hightouch-sdk[sandbox] @ {wheel.as_uri()}"
    interpreters.install(python, "--find-links", SANDBOX_WHEELS, package, *tools)
    return folder


@pytest.mark.timeout(600)
def test_the_project_of_the_page_passes(project: Path) -> None:
    assert " passed" in run_the_page(project)


@pytest.mark.timeout(600)
def test_the_readme_of_the_sandbox_runs_as_it_stands(project: Path) -> None:
    [test] = [text for text in blocks.assigned("test_stranger.py") if text.startswith("def test_")]
    [command] = [text for text in blocks.assigned("test_stranger.py") if text.startswith("hightouch-sandbox ")]
    (project / "test_readme.py").write_text(test)
    done = pytest_in(project, "test_readme.py", "--strict-markers")
    assert re.search(r"^1 passed", done.stdout, re.MULTILINE), done.stdout
    environment = {"PATH": f"{project / 'venv' / 'bin'}:/usr/bin:/bin"}
    # With `exec` the program takes the place of the shell, so the test can end it.
    with subprocess.Popen(["sh", "-c", f"exec {command}"], env=environment, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        world = json.loads(server.stdout.readline())
        server.terminate()
    assert world["baseUrl"].startswith("https:")
    assert world["apiKey"]


@pytest.mark.timeout(600)
def test_the_readme_of_the_package_installs_it(project: Path, tmp_path: Path) -> None:
    """Lets pip look for the package in the folder of the built wheels only, because no index has the package yet."""
    [command] = [text for text in blocks.assigned("test_stranger.py") if text.startswith("pip install ")]
    found = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(interpreters.WHEELS), "PIP_NO_DEPS": "1"}
    environment = {"PATH": f"{project / 'venv' / 'bin'}:/usr/bin:/bin", "PIP_TARGET": str(tmp_path), **found}
    subprocess.run(["sh", "-c", command], env=environment, check=True)
    assert (tmp_path / "hightouch_sdk" / "__init__.py").exists()


def test_every_block_that_this_file_must_run_is_run() -> None:
    parts = "".join(pages().values())
    other = ("def test_", "hightouch-sandbox ", "pip install ")
    texts = [text for text in blocks.assigned("test_stranger.py") if not text.startswith(other)]
    assert [text for text in texts if text.partition("\n")[2] not in parts] == []


@pytest.mark.timeout(600)
# By default, pytest-xdist may give one worker all tests that call a server. With `each`, every worker runs every test.
@pytest.mark.parametrize("workers", [[], ["-n", "2", "--dist", "each"]])
def test_asyncio_and_parallel_tests_pass(project: Path, workers: list[str]) -> None:
    (project / "test_async.py").write_text(ASYNC)
    for left in project.glob("server-*"):
        left.unlink()
    done = pytest_in(project, "test_async.py", *workers)
    assert done.returncode == 0, done.stdout
    assert len(list(project.glob("server-*"))) == (2 if workers else 1)
    listed = subprocess.run(["ps", "-eo", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert str(project / "venv" / "bin" / "hightouch-sandbox") not in listed


@pytest.mark.timeout(600)
def test_findings_fail_a_test_unless_they_are_turned_off(project: Path) -> None:
    (project / "test_wrong.py").write_text(WRONG)
    done = pytest_in(project, "test_wrong.py", "-rf")
    assert re.search(r"^3 failed, 1 passed", done.stdout, re.MULTILINE), done.stdout
    assert "document: " in done.stdout
    assert "fail_next('syncs.get', 503) was met 0 times instead of 1." in done.stdout
    assert "KeyError: 'mine'" in done.stdout


@pytest.mark.timeout(600)
def test_the_project_of_the_page_passes_a_strict_type_check(tmp_path: Path) -> None:
    for name, text in {**pages(), "test_async.py": ASYNC}.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


WITHOUT_SDK = """
import sys

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "hightouch_sdk":
            raise ModuleNotFoundError(name, name="hightouch_sdk")

sys.meta_path.insert(0, Absent())
import pytest
sys.exit(pytest.main(["-q", "-p", "hightouch_sandbox._pytest", "-p", "no:cacheprovider", "test_it.py"]))
"""


def test_the_plugin_does_no_harm_without_the_sdk(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    shutil.copytree(ROOT / "tests" / "sandbox" / "python" / "hightouch_sandbox", tmp_path / "hightouch_sandbox")
    command = [sys.executable, "-c", WITHOUT_SDK]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
