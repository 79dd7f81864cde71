"""Frameworks that fork their workers: all workers keep one rate limit, and each gets a fair part of it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import World, until
from scripts import run
from servers import Server, free_port

WORKERS = 4
# For how many seconds the test sends requests: about five windows of the limit, because `timeScale` is 4.
SECONDS = 12.0

CLIENT = """
import os
from hightouch_sdk import Hightouch

ht = Hightouch(ca_bundle=os.environ["HIGHTOUCH_DEMO_CA"], _internal={"timeScale": float(os.environ["TIME_SCALE"])})
"""
# gunicorn loads this program before it forks. So the workers inherit a client that the master process has used.
WEB = (
    CLIENT
    + """
ht.syncs.get(1)

def app(environ, start_response):
    ht.syncs.get(1)
    scope = ht.stats().scope
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {scope}".encode()]
"""
)
TASKS = (
    CLIENT
    + """
from celery import Celery

app = Celery("tasks", broker=os.environ["BROKER"])
app.conf.worker_prefetch_multiplier = 1
ht.syncs.get(1)

@app.task
def get():
    ht.syncs.get(1)
    # Several processes can append short lines to the same file without mixing the lines.
    with open(os.environ["DONE"], "a") as done:
        done.write(f"{os.getpid()} {ht.stats().scope}\\n")
"""
)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server("redis-server")
    yield server
    server.end()


@pytest.fixture
def busy_world(new_world: Callable[..., World]) -> World:
    return new_world(timeScale=4, limit={"requests": 200, "seconds": 10, "counter": "two-bucket", "phase": 0.7})


@pytest.fixture(params=["host", "fleet"])
def scope(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def environment(world: World, server: Server, scope: str, **more: str) -> dict[str, str]:
    told = {"HIGHTOUCH_LIMIT_SCOPE": server.url if scope == "fleet" else scope}
    return {**world.environment(), **told, **more}


def check(world: World, scope: str, done: Counter[str], part: float, workers: int = WORKERS) -> None:
    """Checks that no request was refused, and that each worker had at least ``part`` of an equal share of the calls."""
    log = world.log()
    assert (log["refused"], log["violations"]) == (0, [])
    calls, shared = Counter[str](), 0
    for line, count in done.items():
        process, used = line.split()
        calls[process] += count
        shared += count * (used == scope)
    # The Redis server has 800 ms to answer. On a busy machine it may be too late, and then a process goes on alone for
    # a moment.
    assert shared >= calls.total() * (0.9 if scope == "fleet" else 1), done
    assert len(calls) == workers
    assert min(calls.values()) >= calls.total() / workers * part, done


def test_the_workers_of_gunicorn_share_one_limit_after_a_preload(
    busy_world: World, server: Server, scope: str, tmp_path: Path
) -> None:
    (tmp_path / "web.py").write_text(WEB)
    port = free_port()
    options = ["--preload", "--workers", str(WORKERS), "--threads", "4", "--bind", f"127.0.0.1:{port}"]
    # gunicorn kills a worker that is busy for longer than `--timeout` seconds. The workers here wait for the rate
    # limit, so they get more time than by default.
    options += ["--timeout", "120", "--graceful-timeout", "1", "--no-control-socket"]
    gunicorn = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "web:app"],
        cwd=tmp_path,
        env=environment(busy_world, server, scope),
    )
    done: Counter[str] = Counter()
    lock = threading.Lock()
    end = time.monotonic() + SECONDS

    def visit() -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < end:
            with opener.open(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                line = answer.read().decode()
            with lock:
                done[line] += 1

    try:
        until(lambda: answers(port))
        end = time.monotonic() + SECONDS
        # There are many more visitors than threads of workers, so that every worker always has a request to answer.
        visitors = [threading.Thread(target=visit) for _ in range(WORKERS * 12)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
    finally:
        gunicorn.terminate()
        gunicorn.wait(60)
    # On a busy machine, a few workers accept most connections. So the others may make far fewer calls than the average.
    check(busy_world, scope, done, part=0.05)


def test_the_processes_of_a_prefork_pool_of_celery_share_one_limit(
    busy_world: World, server: Server, scope: str, tmp_path: Path
) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    done = tmp_path / "done"
    tasks = 500
    given = environment(
        busy_world, server, scope, BROKER=f"{server.url}/{1 if scope == 'host' else 2}", DONE=str(done), PYTHONPATH="."
    )
    send = f"from tasks import get\nfor _ in range({tasks}): get.delay()"
    subprocess.run([sys.executable, "-c", send], cwd=tmp_path, env=given, check=True)
    pool = ["--pool", "prefork", "--concurrency", str(WORKERS), "-O", "fair", "--without-gossip", "--without-mingle"]
    celery = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tasks", "worker", *pool, "--loglevel", "ERROR"],
        cwd=tmp_path,
        env={**given, "C_FORCE_ROOT": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: done.exists() and done.read_text().count("\n") == tasks)
    finally:
        celery.terminate()
        celery.wait(60)
    check(busy_world, scope, Counter(done.read_text().splitlines()), part=0.2)


def test_a_process_that_forks_in_mid_load_shares_one_limit_with_its_children(
    busy_world: World, server: Server, scope: str
) -> None:
    out, _ = run(
        busy_world,
        f"""
        ht = Hightouch(**settings)
        lock, done = threading.Lock(), 0
        def work():
            global done
            while time.monotonic() < end:
                ht.syncs.get(1)
                with lock:
                    done += 1
        def load():
            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            return threads
        def report():
            last = time.monotonic() + 30
            while ht.stats().scope != {scope!r} and time.monotonic() < last:
                time.sleep(0.05)
            os.write(1, f"{{os.getpid()}} {{ht.stats().scope}} {{done}}\\n".encode())
        end = time.monotonic() + 2
        before = load()
        time.sleep(1)
        # The threads hold locks, wait for the limit and have requests in flight now.
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                lock, done = threading.Lock(), 0
                end = time.monotonic() + {SECONDS}
                for thread in load():
                    thread.join()
                report()
                os._exit(0)
            children.append(child)
        for thread in before:
            thread.join()
        done, end = 0, time.monotonic() + {SECONDS} - 1
        for thread in load():
            thread.join()
        report()
        assert [end_of(child) for child in children] == [0, 0, 0]
        """.replace(
            "ht = Hightouch(",
            f"os.environ['HIGHTOUCH_LIMIT_SCOPE'] = {server.url if scope == 'fleet' else scope!r}\n"
            "        ht = Hightouch(",
        ),
    )
    lines = [line.rsplit(" ", 1) for line in out.splitlines()]
    check(busy_world, scope, Counter({line: int(count) for line, count in lines}), part=0.2)
