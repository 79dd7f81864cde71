"""The package in programs that use gevent, trio or mocks, or that block an event loop."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from unittest.mock import create_autospec

import pytest

from hightouch_sdk import AsyncHightouch, Hightouch
from sandbox import World, gone, until
from scripts import run
from test_fork_and_exit import HANG

GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent

turns = 0
def count():
    global turns
    while True:
        turns += 1
        gevent.sleep(0.01)
gevent.spawn(count)
"""


def in_gevent(world: World, script: str) -> str:
    # gevent must patch the standard library before anything else is imported, so the patches come first.
    return run(world, GEVENT + script)[0].strip()


def test_waits_in_gevent_let_other_greenlets_run(new_world: Callable[..., World]) -> None:
    printed = in_gevent(
        new_world(runs={"seconds": 40}),
        """
ht = Hightouch(**settings)
ends = [gevent.spawn(lambda sync: ht.syncs.trigger(sync).wait().status, sync) for sync in (1, 2, 3)]
gevent.joinall(ends)
print(*(end.value for end in ends), turns > 10)
""",
    )
    assert printed == "success success success True"


def test_a_gevent_timeout_ends_a_call_and_its_request(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    printed = in_gevent(
        world,
        """
ht = Hightouch(**settings)
ht.syncs.get(1)  # imports and connects, so that the timeout covers only the next request
try:
    with gevent.Timeout(3):
        ht.syncs.list().first_page()
except gevent.Timeout as timeout:
    print("timeout", *timeout.__notes__)
""",
    )
    assert printed.startswith("timeout")
    assert "syncs.list(): the call was cancelled." in printed
    until(lambda: gone(world.requests()[1:]))


def test_a_key_function_and_a_batch_work_in_gevent(world: World) -> None:
    printed = in_gevent(
        world,
        """
def key():
    gevent.sleep(0.05)
    return os.environ["HIGHTOUCH_API_KEY"]
with Hightouch(api_key=key, **settings) as ht:
    print(*(item.outcome for item in ht.syncs.run_many([1, 2]).wait()), turns > 5)
""",
    )
    assert printed == "success success True"


def test_trio_is_refused_with_advice() -> None:
    import trio

    client = AsyncHightouch(api_key="key")

    async def call() -> None:
        await client.syncs.get(7)

    with pytest.raises(RuntimeError, match=r"No event loop of asyncio is running.*trio\.to_thread"):
        trio.run(call)


def test_a_blocking_call_in_an_event_loop_warns_once_and_names_the_callers_line(world: World) -> None:
    printed, errors = run(
        world,
        """
        ht = Hightouch(**settings)
        async def main():
            ht.syncs.get(1)
            ht.syncs.get(2)
        ht.syncs.get(1)
        asyncio.run(main())
        """,
    )
    assert printed == ""
    assert errors.count("RuntimeWarning: A call of `Hightouch` blocks the running event loop") == 1
    assert errors.startswith("<string>:")


def test_a_blocking_call_in_another_thread_of_an_asyncio_program_does_not_warn(client: Hightouch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(asyncio.to_thread(client.syncs.get, 1)).id == 1


def test_a_mock_with_the_clients_spec_knows_resources_and_signatures() -> None:
    mock = create_autospec(Hightouch, instance=True)
    mock.syncs.get.return_value = "a sync"
    assert mock.syncs.get("orders") == "a sync"
    mock.syncs.get.assert_called_once_with("orders")
    with pytest.raises(AttributeError):
        mock.syncs.gett("orders")
    with pytest.raises(TypeError):
        mock.syncs.get()
