"""The processes of one machine share the rate limit of their workspace."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hightouch_sdk import ConfigError, Hightouch
from sandbox import World
from scripts import run, start

LOAD = """
ht = Hightouch(**settings)
left = {requests}
lock = threading.Lock()
def work():
    global left
    while True:
        with lock:
            if left == 0:
                return
            left -= 1
        ht.syncs.get(1)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(ht.stats().scope)
"""

COUNTERS = [{"counter": "exact"}, {"counter": "fixed", "phase": 0.4}, {"counter": "two-bucket", "phase": 0.7}]


def load(world: World, requests: int) -> subprocess.Popen[str]:
    return start(world, LOAD.format(requests=requests))


def finish(processes: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    return [process.communicate(timeout=100) for process in processes]


def within_the_limit(world: World) -> bool:
    log: dict[str, Any] = world.log()
    return bool(log["refused"] == 0 and log["violations"] == [])


@pytest.mark.parametrize("counter", COUNTERS, ids=lambda counter: counter["counter"])
def test_four_processes_keep_within_the_limit_together(
    new_world: Callable[..., World], counter: dict[str, Any]
) -> None:
    world = new_world(timeScale=4, limit={"requests": 200, "seconds": 10, **counter})
    assert finish([load(world, 150) for _ in range(4)]) == [("host\n", "")] * 4
    assert within_the_limit(world)
    assert len(world.requests()) == 600


def test_processes_that_are_killed_and_stopped_leave_the_others_within_the_limit(
    new_world: Callable[..., World],
) -> None:
    world = new_world(timeScale=4)
    processes = [load(world, 200) for _ in range(5)]
    world.wait_for(lambda requests: len(requests) > 60)
    processes[0].kill()
    processes[1].send_signal(signal.SIGSTOP)
    world.wait_for(lambda requests: len(requests) > 300)
    processes[1].send_signal(signal.SIGCONT)
    assert [out for out, _ in finish(processes)[1:]] == ["host\n"] * 4
    assert within_the_limit(world)


def test_a_forked_child_shares_the_limit_of_its_parent_under_load(new_world: Callable[..., World]) -> None:
    world = new_world(timeScale=4)
    out, _ = run(
        world,
        """
        ht = Hightouch(**settings)
        def use():
            for _ in range(80):
                ht.syncs.get(1)
        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        child = os.fork()
        if child == 0:
            use()
            os._exit(0)
        for thread in threads:
            thread.join()
        print(end_of(child), ht.stats().scope)
        """,
    )
    assert out == "0 host\n"
    assert within_the_limit(world)


def test_two_keys_of_one_workspace_share_its_limit_across_processes(new_world: Callable[..., World]) -> None:
    world = new_world(timeScale=4)
    one = load(world, 250)
    environment = {**world.environment(), "HIGHTOUCH_API_KEY": world.keys.second}
    world.environment = lambda: environment  # type: ignore[method-assign]
    assert finish([one, load(world, 250)]) == [("host\n", "")] * 2
    assert within_the_limit(world)


REPORT = """
        import logging
        import resource
        logging.basicConfig(level=logging.INFO)
        ht = Hightouch(**settings)
        ht.syncs.get(1)
        {meanwhile}
        ht.syncs.get(2)
        print(ht.stats().scope, ht.stats().fallback)
        print(ht.diagnose().ok, *(finding.code for finding in ht.diagnose().findings))
"""


def alone(world: World, folder: Path, meanwhile: str = "") -> str:
    """Runs a program with ``folder`` as its folder for temporary files. Checks that the program cannot share its rate
    limit, and reports this exactly once. Returns the reason."""
    environment = {**world.environment(), "TMPDIR": str(folder)}
    world.environment = lambda: environment  # type: ignore[method-assign]
    out, err = run(world, REPORT.format(meanwhile=meanwhile))
    stats, diagnosis = out.splitlines()
    assert stats.startswith("process ")
    assert diagnosis == "True ok limit_not_shared"
    [told] = [line for line in err.splitlines() if "do not share" in line]
    sync = 2 if meanwhile else 1
    assert told.startswith(f"INFO:hightouch_sdk:syncs.get (sync {sync}) keeps within a rate limit that other processes")
    assert within_the_limit(world)
    return stats


def test_a_folder_that_cannot_be_used_leaves_each_process_its_own_limit(world: World, tmp_path: Path) -> None:
    (tmp_path / f"hightouch-sdk-{os.geteuid()}").write_text("not a folder")
    assert "is not a folder that only its owner may use" in alone(world, tmp_path)


def test_a_system_that_is_read_only_leaves_each_process_its_own_limit(world: World) -> None:
    """Not even the superuser can create a folder in ``/proc`` of Linux, or in ``/dev`` of macOS."""
    folder = next(path for path in (Path("/proc/self"), Path("/dev")) if path.is_dir())
    assert "cannot be used" in alone(world, folder)


def test_a_disk_that_fills_up_leaves_each_process_its_own_limit(world: World, tmp_path: Path) -> None:
    """A limit on the size of files makes writes fail, as a full disk does."""
    full = "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))"
    assert "its file cannot be used: File too large" in alone(world, tmp_path, full)


def test_the_scope_is_a_setting_and_a_variable(world: World) -> None:
    with Hightouch(**world.settings(limit_scope="process")) as client:
        client.syncs.get(1)
        assert client.stats().scope == "process"
        assert client.stats().fallback is None
    with pytest.raises(ConfigError, match="`limit_scope` must be `process`, `host` or the URL of a Redis server"):
        Hightouch(**world.settings(limit_scope="galaxy"))
    environment = {**world.environment(), "HIGHTOUCH_LIMIT_SCOPE": "process"}
    world.environment = lambda: environment  # type: ignore[method-assign]
    out, _ = run(world, "ht = Hightouch(**settings); ht.syncs.get(1); print(ht.stats().scope)")
    assert out == "process\n"
