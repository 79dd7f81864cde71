"""Runs the services of Airflow, each in a process of its own, on a loopback port and with a database in SQLite."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from conftest import environment
from programs import call, free_port, running
from sandbox import World

OPTIONS = {
    "api-server": ["--workers", "1"],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


class Services:
    """The services of one Airflow home."""

    def __init__(self, home: Path, world: World) -> None:
        self.home = home
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.env = environment(
            world,
            AIRFLOW_HOME=str(home),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="False",
            AIRFLOW__CORE__EXECUTOR="LocalExecutor",
            AIRFLOW__CORE__PARALLELISM="2",
            AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"{self.url}/execution/",
            # A worker gives up early by default, and the API server of a busy machine may answer late.
            AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT="120",
            AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
            AIRFLOW__API__HOST="127.0.0.1",
            AIRFLOW__API__PORT=str(port),
            # The services check each other's tokens and read each other's triggers.
            AIRFLOW__API_AUTH__JWT_SECRET="a-secret-that-all-services-of-the-test-share-0123456789-0123456789",
            AIRFLOW__CORE__FERNET_KEY="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            PYTHONPATH=str(home / "plugins"),
            NO_PROXY="127.0.0.1",
            no_proxy="127.0.0.1",
        )
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self._running = ExitStack()

    def close(self) -> None:
        """Stops the services that were started."""
        self._running.close()

    def run(self, *arguments: str) -> str:
        """Runs a command of Airflow until its end."""
        done = subprocess.run(command(*arguments), env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *services: str) -> None:
        for service in services:
            folder = self.home / service
            folder.mkdir()
            started = running(command(service, *OPTIONS[service]), self.env, folder)
            self.processes[service] = self._running.enter_context(started)

    def answers(self) -> bool:
        """Returns whether the API for workers answers, which a task needs from its start."""
        try:
            return call("GET", f"{self.url}/execution/health")[0] == 200
        except (OSError, ValueError):  # it may answer before it is ready, and then not in JSON
            return False

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Reads from Airflow's database."""
        connection = sqlite3.connect(f"file:{self.home / 'airflow.db'}?mode=ro", uri=True, timeout=60)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits for a condition. Fails if a service ends, or if the condition is not met within five minutes."""
        limit = time.monotonic() + 300
        while not condition():
            ended = [service for service, process in self.processes.items() if process.poll() is not None]
            assert not ended, f"{ended} ended:\n{self.output()}"
            assert time.monotonic() < limit, f"the condition is not met:\n{self.output()}"
            time.sleep(0.5)

    def output(self) -> str:
        """Returns the last lines of the output of each service, and all logs of tasks and triggers."""
        shown = [(service, (self.home / service / "output").read_text()[-5000:]) for service in self.processes]
        shown += [(str(log), log.read_text()) for log in self.logs("*")]
        return "\n".join(f"--- {name}\n{text}" for name, text in shown)

    def logs(self, dag: str) -> list[Path]:
        """Returns the files of the logs of a DAG. The triggerer writes into a file of its own beside the task's."""
        return sorted((self.home / "logs").glob(f"dag_id={dag}/**/*.log"))
