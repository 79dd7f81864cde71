"""Fixtures for the tests of the recipes. Each test runs a recipe as a user does, against a world of the sandbox."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RECIPES = Path(__file__).resolve().parents[1]
ROOT = RECIPES.parents[1]
sys.path.insert(0, str(ROOT / "bindings-python/tests"))

from sandbox import Sandbox, World  # noqa: E402


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


@pytest.fixture
def new_world(sandbox: Sandbox) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(**asked: object) -> World:
        worlds.append(sandbox.world({"slugs": ["orders-to-salesforce"], "syncs": 10, "runs": {"seconds": 20}} | asked))
        return worlds[-1]

    yield make
    for world in worlds:
        world.end()


def environment(world: World, **more: str) -> dict[str, str]:
    """Returns the environment of a program that uses a world."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HIGHTOUCH_")}
    own = {"HIGHTOUCH_API_KEY": world.answer["apiKey"], "HIGHTOUCH_BASE_URL": world.answer["httpBaseUrl"]}
    # Programs in the framework's environment, such as `celery`, come first in PATH.
    return {**kept, **own, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", **more}


def triggers(world: World) -> int:
    """Returns how many triggers the world has received."""
    return sum(request["path"].endswith("/trigger") for request in world.requests())
