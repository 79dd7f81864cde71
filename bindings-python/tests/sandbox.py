"""Creates worlds from the JSON that scenarios contain. The log of such a world is plain JSON, too."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hightouch_sdk import testing

ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition; fails if the condition is not met within a minute."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("the condition is not met after a minute")


def gone(requests: list[dict[str, Any]], count: int = 1) -> bool:
    """Whether exactly ``count`` requests have arrived and the client has abandoned all of them."""
    return len(requests) == count and all("gone_ms" in request for request in requests)


def falls_silent(world: World) -> bool:
    """Whether no request arrives for 1.5 seconds. On a busy machine, requests that were sent before may still arrive.

    A wait that goes on would read its run at least every 0.75 seconds.
    """

    def silent() -> bool:
        before = len(world.requests())
        time.sleep(1.5)
        return len(world.requests()) == before

    return any(silent() for _ in range(3))


class Sandbox(testing.Sandbox):
    """The sandbox server that this build has compiled."""

    def __init__(self) -> None:
        target = os.environ.get("CARGO_TARGET_DIR") or ROOT / "target"
        program = os.environ.get("HIGHTOUCH_SANDBOX") or Path(target) / "debug" / "hightouch-sandbox"
        coverage = os.environ.get("HIGHTOUCH_COVERAGE")
        super().__init__(str(program), arguments=["--coverage", coverage] if coverage else [])
        self.line: dict[str, Any] = {
            "url": self.url,
            "httpUrl": self.http_url,
            "ca": self.ca_bundle,
            "closed": self.closed_address,
        }

    def world(self, asked: dict[str, Any] | None = None) -> World:
        return World(self, self.control("POST", "", asked or {}))


class World:
    """A workspace of the sandbox for one test."""

    def __init__(self, sandbox: Sandbox, answer: dict[str, Any]) -> None:
        self.sandbox = sandbox
        self.answer = answer
        self.path = f"/{answer['id']}"
        self.keys = SimpleNamespace(**answer["keys"])

    def settings(self, **more: object) -> dict[str, Any]:
        """Returns the arguments that create a client of this world."""
        settings: dict[str, Any] = {
            "api_key": self.answer["apiKey"],
            "base_url": self.answer["baseUrl"],
            "ca_bundle": self.sandbox.line["ca"],
            "_internal": {"timeScale": self.answer["timeScale"], "environment": {}},
        }
        return settings | more

    def environment(self) -> dict[str, str]:
        """Returns the environment variables of a process that creates a client of this world."""
        own = {
            "HIGHTOUCH_API_KEY": self.answer["apiKey"],
            "HIGHTOUCH_BASE_URL": self.answer["baseUrl"],
            "HIGHTOUCH_DEMO_CA": self.sandbox.line["ca"],
            "TIME_SCALE": str(self.answer["timeScale"]),
        }
        return {**os.environ, **own}

    def log(self) -> dict[str, Any]:
        log: dict[str, Any] = self.sandbox.control("GET", f"{self.path}/log")
        return log

    def requests(self) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = self.log()["requests"]
        return requests

    def wait_for(self, condition: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Waits until the requests of the world meet a condition, and returns the requests."""
        until(lambda: condition(self.requests()))
        return self.requests()

    def judge(self, player: str, scenario: str, wire: object) -> list[str]:
        verdict = {"player": player, "scenario": scenario, "wire": wire}
        complaints: list[str] = self.sandbox.control("POST", f"{self.path}/judge", verdict)["complaints"]
        return complaints

    def end(self) -> None:
        self.sandbox.control("DELETE", self.path)
