"""Calls that wait for the key function, and the lifetime of the thread that calls this function."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hightouch_sdk import (
    AsyncHightouch,
    Hightouch,
    RequestTimeoutError,
)
from sandbox import World, until
from scripts import run as run_script
from vault import Vault


def test_cancelling_a_task_that_waits_for_the_key_does_not_affect_other_tasks(world: World) -> None:
    asked = 0

    async def main() -> None:
        asking, gate = asyncio.Event(), asyncio.Event()

        async def ask() -> str:
            nonlocal asked
            asked += 1
            asking.set()
            await gate.wait()
            return str(world.answer["apiKey"])

        async with AsyncHightouch(**world.settings(api_key=ask)) as client:
            first = asyncio.create_task(client.request("GET", "/syncs"))
            await asking.wait()
            others = [asyncio.create_task(client.request("GET", "/syncs")) for _ in range(3)]
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            gate.set()
            assert [len((await other)["data"]) for other in others] == [3, 3, 3]

    asyncio.run(main())
    assert asked == 1


def test_interrupting_a_thread_that_waits_for_the_key_does_not_affect_other_threads(world: World) -> None:
    gate = threading.Event()
    vault = Vault(world.answer["apiKey"], before=lambda _: gate.wait(60))
    with Hightouch(**world.settings(api_key=vault)) as client, ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: len(list(client.syncs.list())))
        until(lambda: vault.asked == 1)
        main = threading.get_ident()
        with pytest.raises(KeyboardInterrupt):
            threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
            list(client.syncs.list())
        gate.set()
        assert other.result() == 3
    assert vault.asked == 1


def test_a_call_waits_for_the_function_no_longer_than_its_deadline(world: World) -> None:
    gate = threading.Event()
    vault = Vault(world.answer["apiKey"], before=lambda _: gate.wait(60))
    with Hightouch(**world.settings(api_key=vault)) as client:
        with pytest.raises(RequestTimeoutError):
            client.request("GET", "/syncs", deadline=0.5)
        gate.set()
        assert len(client.request("GET", "/syncs")["data"]) == 3
    assert vault.asked == 1


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "hightouch-sdk-key"]


class Owner:
    """Owns a client. A method of this object is the key function of that client."""

    def __init__(self, world: World, client: Callable[..., Any]) -> None:
        self.client = client(**world.settings(api_key=self.key))
        self._key = world.answer["apiKey"]

    def key(self) -> str:
        return str(self._key)


def test_the_thread_of_the_key_function_ends_with_its_client(world: World) -> None:
    until(lambda: not threads())  # threads of earlier tests may still be ending
    for close in (True, False):
        owner = Owner(world, Hightouch)
        assert not threads()
        assert len(list(owner.client.syncs.list())) == 3
        asynchronous = Owner(world, AsyncHightouch)
        assert asyncio.run(asynchronous.client.request("GET", "/syncs"))
        assert len(threads()) == 2
        if close:
            owner.client.close()
            asyncio.run(asynchronous.client.close())
        else:
            del owner, asynchronous
            gc.collect()
        until(lambda: not threads())


def test_the_key_function_is_called_again_if_its_event_loop_was_stopped(world: World) -> None:
    vault = Vault(world.answer["apiKey"])
    loop = asyncio.new_event_loop()
    asking = threading.Event()

    async def ask() -> str:
        if not asking.is_set():
            asking.set()
            await asyncio.sleep(3600)
        return vault()

    client = AsyncHightouch(**world.settings(api_key=ask))
    task = loop.create_task(client.request("GET", "/syncs"))
    while not asking.is_set():
        loop.run_until_complete(asyncio.sleep(0.01))
    assert len(asyncio.run(client.request("GET", "/syncs"))["data"]) == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    for left in asyncio.all_tasks(loop):
        left.cancel()
        loop.run_until_complete(asyncio.wait([left]))
    loop.close()


def test_a_forked_child_inherits_the_key_and_calls_the_key_function_itself(world: World) -> None:
    out, _ = run_script(
        world,
        """
        key, asked = os.environ["HIGHTOUCH_API_KEY"], []
        def ask():
            asked.append(os.getpid())
            if len(asked) == 2:
                forked.set()
                time.sleep(3600)
            return key
        forked = threading.Event()
        ht = Hightouch(api_key=ask, **settings)
        list(ht.syncs.list())
        child = os.fork()
        if child == 0:
            list(ht.syncs.list())
            os._exit(len(asked))
        print(end_of(child))
        ht.set_api_key("not-this-one")
        threading.Thread(target=lambda: list(ht.syncs.list()), daemon=True).start()
        forked.wait()
        child = os.fork()
        if child == 0:
            os._exit(10 * len(list(ht.syncs.list())) + len(asked))
        print(end_of(child))
        """,
    )
    assert out.split() == ["1", "33"]
