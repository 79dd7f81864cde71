"""Ctrl-C and cancelled tasks stop a call wherever it is."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from hightouch_sdk import AsyncHightouch, AsyncSyncRunHandle, Hightouch, SyncRunHandle
from sandbox import World, gone, until
from scripts import start

HANG = [{"when": {"operation": "ListSync"}, "answer": {"hang": True}}]
SLOW_RUN = {"seconds": 100_000}


def interrupted(call: Callable[[], object], when: Callable[[], bool]) -> None:
    """Make the call and press Ctrl-C once it is where it should be."""
    main = threading.get_ident()

    def press() -> None:
        until(when)
        signal.pthread_kill(main, signal.SIGINT)

    finger = threading.Thread(target=press, daemon=True)
    finger.start()
    with pytest.raises(KeyboardInterrupt):
        call()
    finger.join()


def cancelled(call: Callable[[], Coroutine[Any, Any, object]], when: Callable[[], bool]) -> None:
    """Make the call in a task and cancel that once it is where it should be."""

    async def main() -> None:
        task = asyncio.create_task(call())
        await asyncio.to_thread(until, when)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


class Deaf:
    """A server that accepts a connection and never says a word."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}/api/v1"
        self.reached, self.left = threading.Event(), threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            while connection.recv(4096):
                self.reached.set()
            self.left.set()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    server = Deaf()
    yield server
    server.listener.close()


def test_ctrl_c_ends_the_program_and_its_request(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    process = start(world, "list(Hightouch(**settings).syncs.list())")
    world.wait_for(lambda requests: len(requests) == 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err.rstrip().endswith("KeyboardInterrupt")
    world.wait_for(gone)


def test_after_ctrl_c_the_client_works_on(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    with Hightouch(**world.settings()) as client:
        interrupted(lambda: list(client.syncs.list()), when=lambda: len(world.requests()) == 1)
        assert len(list(client.syncs.list())) == 3
    assert "gone_ms" in world.requests()[0]


def test_a_blocking_call_stops_while_it_reads(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    with Hightouch(**world.settings()) as client:
        interrupted(lambda: client.request("GET", "/syncs"), when=lambda: len(world.requests()) == 1)
        world.wait_for(gone)


def test_a_task_stops_while_it_reads(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    client = AsyncHightouch(**world.settings())
    cancelled(lambda: client.request("GET", "/syncs"), when=lambda: len(world.requests()) == 1)
    world.wait_for(gone)


def test_a_blocking_call_stops_while_it_connects(deaf: Deaf, world: World) -> None:
    client = Hightouch(**world.settings(base_url=deaf.url))
    interrupted(lambda: client.request("GET", "/syncs"), when=deaf.reached.is_set)
    assert deaf.left.wait(30)


def test_a_task_stops_while_it_connects(deaf: Deaf, world: World) -> None:
    client = AsyncHightouch(**world.settings(base_url=deaf.url))
    cancelled(lambda: client.request("GET", "/syncs"), when=deaf.reached.is_set)
    assert deaf.left.wait(30)


def test_a_blocking_call_stops_while_it_waits_for_the_limit(new_world: Callable[..., World]) -> None:
    world = new_world(timeScale=1, limit={"requests": 2, "seconds": 600})
    with Hightouch(**world.settings(limit=(2, 600))) as client:
        for _ in range(2):
            client.request("GET", "/syncs")
        interrupted(lambda: client.request("GET", "/syncs"), when=lambda: client.stats().waiting.read == 1)
        assert client.stats().waiting.read == 0
        assert len(world.requests()) == 2


def test_a_task_stops_while_it_waits_for_the_limit(new_world: Callable[..., World]) -> None:
    world = new_world(timeScale=1, limit={"requests": 2, "seconds": 600})
    client = AsyncHightouch(**world.settings(limit=(2, 600)))

    async def three() -> None:
        for _ in range(3):
            await client.request("GET", "/syncs")

    cancelled(three, when=lambda: client.stats().waiting.read == 1)
    # The task ends at once, its place in the line a moment later.
    until(lambda: client.stats().waiting.read == 0)
    assert len(world.requests()) == 2


def polls(world: World) -> int:
    return sum(request["operation"] == "ListSyncRuns" for request in world.requests())


def polls_no_more(world: World) -> None:
    before = polls(world)
    time.sleep(1.5)
    assert polls(world) == before


def test_a_blocking_wait_stops_between_two_polls(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    with Hightouch(**world.settings()) as client:
        run: SyncRunHandle = client.syncs.trigger(1)
        interrupted(run.wait, when=lambda: polls(world) >= 2)
        polls_no_more(world)


def test_a_waiting_task_stops_between_two_polls(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    client = AsyncHightouch(**world.settings())

    async def wait() -> None:
        run: AsyncSyncRunHandle = await client.syncs.trigger(1)
        await run.wait()

    cancelled(wait, when=lambda: polls(world) >= 2)
    polls_no_more(world)


def test_a_wait_that_is_given_up_leaves_the_run_alone(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 40})
    with Hightouch(**world.settings()) as client:
        run = client.syncs.trigger(1)
        interrupted(run.wait, when=lambda: polls(world) > 0)
        assert client.run(run.token).wait(timeout=60).status == "success"


def test_a_handler_that_does_not_raise_lets_the_call_go_on(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"answer": {"delayMs": 1000}}])
    calls: list[int] = []
    previous = signal.signal(signal.SIGALRM, lambda *_: calls.append(1))
    try:
        with Hightouch(**world.settings()) as client:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            assert len(list(client.syncs.list())) == 3
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert calls == [1]
    assert len(world.requests()) == 1
