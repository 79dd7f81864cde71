"""A plugin for pytest. The extra ``hightouch-sdk[sandbox]`` registers the plugin.

A test that uses the fixture ``hightouch_world``, or has the mark ``hightouch_world``, gets a world of its own.
``Hightouch()`` and ``AsyncHightouch()`` use this world if they are called during the test, because the fixture sets
``HIGHTOUCH_API_KEY`` and ``HIGHTOUCH_BASE_URL``. A client that was created before the test, such as a client that a
module creates at its import, keeps its own settings. After the body of the test, the judge of the world checks the
requests. If the judge finds something wrong, the test fails. The mark ``hightouch_world`` has the arguments of
:class:`World <hightouch_sdk.testing.World>`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator

import pytest

from hightouch_sdk._client import Hightouch

from ._server import Sandbox, shared
from ._world import World, WorldError

__all__ = ["hightouch_client", "hightouch_sandbox", "hightouch_world", "new_hightouch_world"]

_NONE: list[World] = []
_WORLDS = pytest.StashKey[list[World]]()


def pytest_configure(config: pytest.Config) -> None:
    """Registers the mark."""
    config.addinivalue_line(
        "markers", "hightouch_world(**settings): settings of the world that the fixture hightouch_world creates"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Lets the judges of the test's worlds check the requests, unless the test failed."""
    result = yield
    for world in item.stash.get(_WORLDS, _NONE):
        if world.judged and world.is_open:
            complaint = _complaint(world)
            if complaint is not None:
                pytest.fail(complaint, pytrace=False)
    return result


def _complaint(world: World) -> str | None:
    try:
        world.check()
    except WorldError as error:
        return str(error)
    return None


@pytest.fixture(autouse=True)
def _hightouch_world_of_the_mark(request: pytest.FixtureRequest) -> None:
    """Gives a marked test its world, even if the test does not name the fixture."""
    node: pytest.Item = request.node
    if node.get_closest_marker("hightouch_world") is not None:
        request.getfixturevalue("hightouch_world")


@pytest.fixture(scope="session")
def hightouch_sandbox() -> Iterator[Sandbox]:
    """The server of the session. With pytest-xdist, each process has its own server."""
    server = shared()
    yield server
    server.close()


@pytest.fixture
def new_hightouch_world(hightouch_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Callable[..., World]]:
    """A function that creates a world for this test. The function takes the arguments of ``World``."""
    node: pytest.Item = request.node
    worlds = node.stash.setdefault(_WORLDS, [])

    def create(**settings: object) -> World:
        world = World(sandbox=hightouch_sandbox, **settings)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        worlds.append(world)
        return world

    yield create
    for world in worlds:
        world.close()


@pytest.fixture
def hightouch_world(
    new_hightouch_world: Callable[..., World], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> World:
    """A world for this test. ``Hightouch()`` and ``AsyncHightouch()`` use this world."""
    node: pytest.Item = request.node
    settings: dict[str, object] = {}
    for mark in node.iter_markers("hightouch_world"):
        if mark.args:
            raise pytest.UsageError("The mark hightouch_world has named arguments only, such as syncs=3.")
        settings = {**mark.kwargs, **settings}
    world = new_hightouch_world(**settings)
    for name in os.environ:
        if name.startswith("HIGHTOUCH_") and name != "HIGHTOUCH_SANDBOX":
            monkeypatch.delenv(name)
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    return world


@pytest.fixture
def hightouch_client(hightouch_world: World) -> Hightouch:
    """A blocking client of the test's world. The fixture closes the client after the test."""
    return hightouch_world.client()
