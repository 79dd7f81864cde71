from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hightouch_sdk import Hightouch
from sandbox import Sandbox, World

# Some tests simulate Ctrl-C, which is the signal SIGINT. If a shell script starts the tests in the background, the
# process ignores SIGINT. So the default handler is set here.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


@pytest.fixture
def new_world(sandbox: Sandbox) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(**asked: Any) -> World:
        worlds.append(sandbox.world(asked))
        return worlds[-1]

    yield make
    for world in worlds:
        world.end()


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world()


@pytest.fixture
def client(world: World) -> Iterator[Hightouch]:
    with Hightouch(**world.settings()) as client:
        yield client
