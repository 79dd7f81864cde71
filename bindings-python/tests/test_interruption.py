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

from hightouch_sdk import AsyncHightouch, AsyncRun, Hightouch, Run
from sandbox import World
from scripts import start

HANG = [{"when": {"operation": "ListSync"}, "answer": {"hang": True}}]
SLOW_RUN = {"seconds": 100_000}


def interrupted(call: Callable[[], object], after: float = 0.7) -> None:
    """Make the call and press Ctrl-C."""
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        with pytest.raises(KeyboardInterrupt):
            call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def cancelled(call: Callable[[], Coroutine[Any, Any, object]], after: float = 0.7) -> None:
    """Make the call in a task and cancel that."""

    async def main() -> None:
        task = asyncio.create_task(call())
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def all_gone(requests: list[dict[str, Any]]) -> bool:
    return bool(requests) and all("gone_ms" in request for request in requests)


@pytest.fixture
def deaf() -> Iterator[tuple[str, threading.Event]]:
    """A server that accepts a connection and never says a word, and whether its client has left."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(4096):
                pass
            left.set()

    threading.Thread(target=serve, daemon=True).start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}/api/v1", left
    listener.close()


def test_ctrl_c_ends_the_program_and_its_request(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    process = start(world, "list(Hightouch(**settings).syncs.list())")
    world.wait_for(lambda requests: len(requests) == 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err.rstrip().endswith("KeyboardInterrupt")
    world.wait_for(all_gone)


def test_after_ctrl_c_the_client_works_on(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    with Hightouch(**world.settings()) as client:
        interrupted(lambda: list(client.syncs.list()))
        assert len(list(client.syncs.list())) == 3
    assert "gone_ms" in world.requests()[0]


def test_a_blocking_call_stops_while_it_reads(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    with Hightouch(**world.settings()) as client:
        interrupted(lambda: client.request("GET", "/syncs"))
        world.wait_for(all_gone)


def test_a_task_stops_while_it_reads(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    client = AsyncHightouch(**world.settings())
    cancelled(lambda: client.request("GET", "/syncs"))
    world.wait_for(all_gone)


def test_a_blocking_call_stops_while_it_connects(deaf: tuple[str, threading.Event], world: World) -> None:
    url, left = deaf
    client = Hightouch(**world.settings(base_url=url))
    interrupted(lambda: client.request("GET", "/syncs"))
    assert left.wait(30)


def test_a_task_stops_while_it_connects(deaf: tuple[str, threading.Event], world: World) -> None:
    url, left = deaf
    client = AsyncHightouch(**world.settings(base_url=url))
    cancelled(lambda: client.request("GET", "/syncs"))
    assert left.wait(30)


def test_a_blocking_call_stops_while_it_waits_for_the_limit(new_world: Callable[..., World]) -> None:
    world = new_world(timeScale=1, limit={"requests": 2, "seconds": 600})
    with Hightouch(**world.settings(limit=(2, 600))) as client:
        for _ in range(2):
            client.request("GET", "/syncs")
        interrupted(lambda: client.request("GET", "/syncs"))
        assert client.stats().waiting.read == 0
        assert len(world.requests()) == 2


def test_a_task_stops_while_it_waits_for_the_limit(new_world: Callable[..., World]) -> None:
    world = new_world(timeScale=1, limit={"requests": 2, "seconds": 600})
    client = AsyncHightouch(**world.settings(limit=(2, 600)))

    async def three() -> None:
        for _ in range(3):
            await client.request("GET", "/syncs")

    cancelled(three)
    # The task ends at once, its place in the line a moment later.
    for _ in range(600):
        if client.stats().waiting.read == 0:
            break
        time.sleep(0.05)
    assert client.stats().waiting.read == 0
    assert len(world.requests()) == 2


def polls(requests: list[dict[str, Any]]) -> int:
    return sum(request["operation"] == "ListSyncRuns" for request in requests)


def stays_at(world: World, count: int) -> None:
    time.sleep(1.5)
    assert polls(world.requests()) == count


def test_a_blocking_wait_stops_between_two_polls(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    with Hightouch(**world.settings()) as client:
        run: Run = client.syncs.trigger(1)
        interrupted(run.wait)
        stays_at(world, polls(world.requests()))


def test_a_waiting_task_stops_between_two_polls(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    client = AsyncHightouch(**world.settings())

    async def wait() -> None:
        run: AsyncRun = await client.syncs.trigger(1)
        await run.wait()

    cancelled(wait)
    stays_at(world, polls(world.requests()))


def test_a_wait_that_is_given_up_leaves_the_run_alone(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 40})
    with Hightouch(**world.settings()) as client:
        run = client.syncs.trigger(1)
        interrupted(run.wait, after=0.3)
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
