"""Error reports and tools that inspect objects do not find the key."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any

import pytest

import hightouch_sdk
from hightouch_sdk import AsyncHightouch, ConfigError, Hightouch
from sandbox import World

KEY = "canary-2f1c9e-key"
PROXY = f"http://user:{KEY}@proxy.example:port"
OWN = hightouch_sdk.__name__


def reachable(*roots: object) -> list[object]:
    """Returns all objects that can be reached from ``roots``, except modules, classes and their contents."""
    seen: dict[int, object] = {}
    line = [*roots]
    while line:
        thing = line.pop()
        if id(thing) in seen or isinstance(thing, type) or inspect.ismodule(thing) or inspect.isframe(thing):
            continue
        if isinstance(thing, dict) and "__builtins__" in thing:
            continue
        seen[id(thing)] = thing
        if not inspect.isfunction(thing):
            line += gc.get_referents(thing)
    return [*seen.values()]


def holds(thing: object) -> bool:
    """Whether an object is text, or bytes, with the key in it."""
    return (isinstance(thing, str) and KEY in thing) or (isinstance(thing, bytes) and KEY.encode() in thing)


def frames(trace: TracebackType | None) -> list[tuple[str, dict[str, Any]]]:
    """Returns the frames of the package in a traceback, with their local variables."""
    found = []
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_globals.get("__name__", "").startswith(OWN):
            found.append((frame.f_code.co_qualname if hasattr(frame.f_code, "co_qualname") else "", frame.f_locals))
        trace = trace.tb_next
    return found


def check(error: BaseException | None) -> None:
    """Checks that a chain of errors does not show the key to an error tracker, in texts or in local variables."""
    while error is not None:
        assert KEY not in f"{error!s} {error!r} {error.args} {vars(error)}"
        for name, values in frames(error.__traceback__):
            for local, value in values.items():
                assert KEY not in repr(value), (name, local)
                parts = [value] if not isinstance(value, BaseException) else [vars(value)]
                assert not [part for part in reachable(*parts) if holds(part)], (name, local)
        error = error.__cause__ or error.__context__


WRONG: list[dict[str, Any]] = [
    {"timeout": "soon"},
    {"deadline": float("nan")},
    {"timeout": -1},
    {"max_retries": -1},
    {"max_retries": object()},
    {"share": 7},
    {"base_url": "http://example.com"},
    {"limit": (0, 1)},
    {"ca_bundle": object()},
    {"proxy": PROXY},
    {"headers": {"X": 1}},
    {"headers": {"X-Gate": KEY + "\n"}},
    {"headers": 7},
    {"on_start": "x"},
    {"on_end": 7},
    {"api_key_file": object()},
    {"api_key": KEY + "\ud800"},
    {"api_key": KEY + "\n" + KEY},
    {"api_key": KEY.encode()},
    {"api_key": [KEY]},
]


@pytest.mark.parametrize("client", [Hightouch, AsyncHightouch])
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong)))
def test_no_frame_of_an_error_of_a_constructor_holds_the_key(client: Callable[..., Any], wrong: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, TypeError)) as raised:
        client(**{"api_key": KEY, "_internal": {"environment": {"HIGHTOUCH_API_KEY": KEY}}, **wrong})
    check(raised.value)


@pytest.mark.parametrize("wrong", [{"timeout": "soon"}, {"ca_bundle": object()}, {"api_key": KEY.encode()}])
def test_no_frame_of_an_error_of_a_diagnosis_holds_the_key(wrong: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, TypeError)) as raised:
        hightouch_sdk.diagnose(**{"api_key": KEY, "base_url": "http://127.0.0.1:9", **wrong})
    check(raised.value)


@pytest.mark.parametrize("key", [f"{KEY} {KEY}", f"{KEY}\ud800", KEY.encode(), [KEY]])
def test_no_frame_of_an_error_of_set_api_key_holds_the_key(world: World, key: Any) -> None:
    with Hightouch(**world.settings()) as client, pytest.raises(ConfigError) as raised:
        client.set_api_key(key)
    check(raised.value)


def test_no_object_that_a_client_holds_shows_the_key(world: World) -> None:
    proxy = f"http://user:{KEY}@127.0.0.1:9"
    plain = world.settings(api_key=KEY)
    made: list[Any] = [
        Hightouch(**plain),
        AsyncHightouch(**plain),
        Hightouch(**plain, proxy=proxy),
        Hightouch(**world.settings()),
    ]
    made[-1].set_api_key(KEY)
    for client in made:
        assert not [thing for thing in reachable(client, client.syncs, vars(client)) if holds(thing)]
