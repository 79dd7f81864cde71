"""Starts the sandbox server, once for all tests, and creates worlds in it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition; fails after a minute."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("the condition is not met after a minute")


def gone(requests: list[dict[str, Any]], count: int = 1) -> bool:
    """Whether ``count`` requests have arrived and the client has abandoned all of them."""
    return len(requests) == count and all("gone_ms" in request for request in requests)


class Sandbox:
    """The server, in a child process that ends when this process ends."""

    def __init__(self, directory: Path) -> None:
        target = os.environ.get("CARGO_TARGET_DIR") or ROOT / "target"
        binary = os.environ.get("HIGHTOUCH_SANDBOX") or Path(target) / "debug" / "hightouch-sandbox"
        command = [str(binary), "--exit-with-stdin", "--dir", str(directory)]
        coverage = os.environ.get("HIGHTOUCH_COVERAGE")
        if coverage:
            command += ["--coverage", coverage]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.line: dict[str, Any] = json.loads(self._process.stdout.readline())

    def world(self, asked: dict[str, Any] | None = None) -> World:
        return World(self, self.send("POST", "/_worlds", asked or {}))

    def send(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.line["httpUrl"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        return json.loads(text) if text else None

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


class World:
    """A workspace of the sandbox for one test."""

    def __init__(self, sandbox: Sandbox, answer: dict[str, Any]) -> None:
        self.sandbox = sandbox
        self.answer = answer
        self.path = f"/_worlds/{answer['id']}"
        self.keys = SimpleNamespace(**answer["keys"])

    def settings(self, **more: object) -> dict[str, Any]:
        """Returns the settings of a client of this world."""
        settings: dict[str, Any] = {
            "api_key": self.answer["apiKey"],
            "base_url": self.answer["baseUrl"],
            "ca_bundle": self.sandbox.line["ca"],
            "_internal": {"timeScale": self.answer["timeScale"], "environment": {}},
        }
        return settings | more

    def environment(self) -> dict[str, str]:
        """Returns the environment of a process with a client of this world."""
        own = {
            "HIGHTOUCH_API_KEY": self.answer["apiKey"],
            "HIGHTOUCH_BASE_URL": self.answer["baseUrl"],
            "HIGHTOUCH_DEMO_CA": self.sandbox.line["ca"],
            "TIME_SCALE": str(self.answer["timeScale"]),
        }
        return {**os.environ, **own}

    def log(self) -> dict[str, Any]:
        log: dict[str, Any] = self.sandbox.send("GET", f"{self.path}/log")
        return log

    def requests(self) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = self.log()["requests"]
        return requests

    def wait_for(self, condition: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Returns the requests once they meet the condition."""
        until(lambda: condition(self.requests()))
        return self.requests()

    def judge(self, player: str, scenario: str, wire: object) -> list[str]:
        verdict = {"player": player, "scenario": scenario, "wire": wire}
        complaints: list[str] = self.sandbox.send("POST", f"{self.path}/judge", verdict)["complaints"]
        return complaints

    def end(self) -> None:
        self.sandbox.send("DELETE", self.path)
