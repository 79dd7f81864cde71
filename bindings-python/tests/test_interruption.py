"""Ctrl-C, or the cancellation of a task, ends a call at any point."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from hightouch_sdk import AsyncHightouch, AsyncSyncRunHandle, Hightouch, SyncRunHandle
from hightouch_sdk._door import note
from sandbox import World, falls_silent, gone, until
from scripts import start

HANG = [{"when": {"operation": "ListSync"}, "answer": {"hang": True}}]
SLOW_RUN = {"seconds": 100_000}


def interrupted(call: Callable[[], object], when: Callable[[], bool]) -> str:
    """Makes a call, simulates Ctrl-C once ``when`` is true, and returns the notes of the exception."""
    main = threading.get_ident()

    def press() -> None:
        until(when)
        signal.pthread_kill(main, signal.SIGINT)

    finger = threading.Thread(target=press, daemon=True)
    finger.start()
    with pytest.raises(KeyboardInterrupt) as raised:
        call()
    finger.join()
    return notes(raised.value)


def cancelled(call: Callable[[], Coroutine[Any, Any, object]], when: Callable[[], bool]) -> str:
    """Makes a call in a task, cancels the task once ``when`` is true, and returns the notes of the exception."""
    seen: list[str] = []

    async def inside() -> None:
        try:
            await call()
        except asyncio.CancelledError as error:
            seen.append(notes(error))
            raise

    async def main() -> None:
        task = asyncio.create_task(inside())
        await asyncio.to_thread(until, when)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    return seen[0]


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", []))


class Deaf:
    """A server that accepts connections and never answers."""

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
    _, err = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in err.splitlines()
    world.wait_for(gone)


def test_after_ctrl_c_the_client_works_on(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    with Hightouch(**world.settings()) as client:
        interrupted(lambda: list(client.syncs.list()), when=lambda: len(world.requests()) == 1)
        assert len(list(client.syncs.list())) == 3
    world.wait_for(lambda requests: "gone_ms" in requests[0])


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
    # The task ends at once, but its request leaves the queue only a moment later.
    until(lambda: client.stats().waiting.read == 0)
    assert len(world.requests()) == 2


def polls(world: World) -> int:
    return sum(request["operation"] == "ListSyncRuns" for request in world.requests())


def test_a_blocking_wait_stops_between_two_polls(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    with Hightouch(**world.settings()) as client:
        run: SyncRunHandle = client.syncs.trigger(1)
        interrupted(run.wait, when=lambda: polls(world) >= 2)
        assert falls_silent(world)


def test_a_waiting_task_stops_between_two_polls(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    client = AsyncHightouch(**world.settings())

    async def wait() -> None:
        run: AsyncSyncRunHandle = await client.syncs.trigger(1)
        await run.wait()

    cancelled(wait, when=lambda: polls(world) >= 2)
    assert falls_silent(world)


def test_a_wait_that_is_given_up_leaves_the_run_alone(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    with Hightouch(**world.settings()) as client:
        run = client.syncs.trigger(1)
        interrupted(run.wait, when=lambda: polls(world) > 0)
        assert not client.run(run.token).state().has_ended


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


LOST = [{"when": {"operation": "TriggerRun"}, "answer": {"hang": True}}]
MAY = "may have"


def triggered(world: World) -> bool:
    return any(request["operation"] == "TriggerRun" for request in world.requests())


def test_ctrl_c_after_a_trigger_has_left_says_that_a_run_may_have_started(new_world: Callable[..., World]) -> None:
    world = new_world(script=LOST)
    with Hightouch(**world.settings()) as client:
        said = interrupted(lambda: client.syncs.trigger(1), when=lambda: triggered(world))
    assert MAY in said


def test_a_cancelled_trigger_that_has_left_says_that_a_run_may_have_started(new_world: Callable[..., World]) -> None:
    world = new_world(script=LOST)
    client = AsyncHightouch(**world.settings())
    said = cancelled(lambda: client.syncs.trigger(1), when=lambda: triggered(world))
    assert MAY in said


def test_an_exception_of_a_signal_handler_gets_the_same_note(new_world: Callable[..., World]) -> None:
    world = new_world(script=LOST)

    class StopError(Exception):
        pass

    def stop(*_: object) -> None:
        raise StopError

    def press() -> None:
        until(lambda: triggered(world))
        signal.raise_signal(signal.SIGTERM)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        with Hightouch(**world.settings()) as client, pytest.raises(StopError) as raised:
            threading.Thread(target=press, daemon=True).start()
            client.syncs.trigger(1)
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert MAY in notes(raised.value)
    assert raised.traceback[-1].name == "stop"


def test_an_interrupted_trigger_that_was_not_sent_does_not_say_that_a_run_may_have_started(
    new_world: Callable[..., World],
) -> None:
    world = new_world(timeScale=1, limit={"requests": 1, "seconds": 600})
    with Hightouch(**world.settings(limit=(1, 600))) as client:
        client.request("GET", "/syncs")
        said = interrupted(lambda: client.syncs.trigger(1), when=lambda: client.stats().waiting.trigger == 1)
    assert said
    assert MAY not in said


def test_an_interrupted_wait_names_the_token_of_its_run(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    with Hightouch(**world.settings()) as client:
        run = client.syncs.trigger(1)
        assert run.token in interrupted(run.wait, when=lambda: polls(world) > 0)


def test_a_cancelled_wait_names_the_token_of_its_run(new_world: Callable[..., World]) -> None:
    world = new_world(runs=SLOW_RUN)
    client = AsyncHightouch(**world.settings())
    tokens: list[str] = []

    async def wait() -> None:
        run = await client.syncs.trigger(1)
        tokens.append(run.token)
        await run.wait()

    assert cancelled(wait, when=lambda: polls(world) > 0).count(tokens[0]) == 1


def test_a_task_that_is_cancelled_twice_is_cancelled(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)

    async def main() -> None:
        client = AsyncHightouch(**world.settings())
        task = asyncio.create_task(client.request("GET", "/syncs"))
        await asyncio.to_thread(world.wait_for, bool)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    world.wait_for(gone)


def test_a_call_that_succeeded_while_it_was_interrupted_says_so() -> None:
    error = KeyboardInterrupt()
    note(error, "syncs.trigger", (True, "{}", b'{"token":"t0"}'))
    note(error, "syncs.list", (True, "{}", b"[]"))
    note(error, "run", None)
    first, run, second, third = notes(error).splitlines()
    assert "succeeded" in first
    assert "run('t0')" in run
    assert "succeeded" in second
    assert "is not known" in third
