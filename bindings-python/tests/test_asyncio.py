"""The asynchronous client with the tasks, timeouts and event loops of asyncio."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from hightouch_sdk import (
    AsyncHightouch,
    ClientClosedError,
    InternalError,
    InvalidRequestError,
    NotFoundError,
    SyncRun,
)
from hightouch_sdk._async_door import AsyncDoor
from sandbox import World, gone, until

HANG = [{"when": {"operation": "ListSync"}, "answer": {"hang": True}, "times": 50}]


def test_methods_return_coroutines_that_create_task_and_gather_accept(world: World) -> None:
    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            coroutine = client.request("GET", "/syncs")
            assert inspect.iscoroutine(coroutine)
            task = asyncio.create_task(coroutine)
            answers = await asyncio.gather(task, client.diagnose(), client.syncs.trigger(1), client.syncs.list())
            assert len(answers[0]["data"]) == len(answers[3]) == 3
            assert answers[1].ok
            assert answers[2].sync_id == 1

    asyncio.run(main())


if sys.version_info >= (3, 11):

    def test_a_task_group_that_fails_stops_its_other_calls(new_world: Callable[..., World]) -> None:
        world = new_world(script=[{"when": {"path": "/syncs"}, "answer": {"hang": True}}])

        async def main() -> None:
            async with AsyncHightouch(**world.settings()) as client:
                with pytest.RaisesGroup(NotFoundError):
                    async with asyncio.TaskGroup() as group:
                        group.create_task(client.request("GET", "/syncs"))
                        await asyncio.to_thread(world.wait_for, bool)
                        group.create_task(client.syncs.trigger("no-such-slug"))

        asyncio.run(main())
        world.wait_for(lambda requests: "gone_ms" in requests[0])

    def test_asyncio_timeout_stops_the_request(new_world: Callable[..., World]) -> None:
        world = new_world(script=HANG)

        async def main() -> None:
            async with AsyncHightouch(**world.settings()) as client:
                await client.syncs.get(1)
                with pytest.raises(TimeoutError) as raised:
                    async with asyncio.timeout(4):
                        await client.request("GET", "/syncs")
                assert type(raised.value) is TimeoutError

        asyncio.run(main())
        world.wait_for(lambda requests: gone(requests[1:]))


def test_wait_for_stops_the_request(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            await client.syncs.get(1)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.request("GET", "/syncs"), 4)

    asyncio.run(main())
    world.wait_for(lambda requests: gone(requests[1:]))


def test_the_loop_goes_on_while_calls_wait(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            call = asyncio.create_task(client.request("GET", "/syncs"))
            await asyncio.to_thread(world.wait_for, bool)
            for _ in range(10):
                await asyncio.sleep(0.01)
            assert not call.done()
            call.cancel()

    asyncio.run(main())


def test_one_client_serves_event_loops_one_after_the_other_and_in_threads(world: World) -> None:
    client = AsyncHightouch(**world.settings())

    async def count() -> int:
        return len([sync async for sync in client.syncs.list()])

    assert [asyncio.run(count()), asyncio.run(count())] == [3, 3]
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(asyncio.run(count()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [3, 3, 3, 3]


def test_two_hundred_calls_at_once_all_get_their_own_answer(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=200)

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            calls = [client.request("GET", "/syncs", query={"offset": n, "limit": 1}) for n in range(200)]
            answers = await asyncio.gather(*calls)
            assert [answer["data"][0]["id"] for answer in answers] == list(range(1, 201))

    asyncio.run(main())
    assert world.log()["refused"] == 0


class WithoutDescriptors(asyncio.SelectorEventLoop):
    """An event loop that cannot watch file descriptors, like the default event loop on Windows."""

    def add_reader(self, fd: object, callback: object, *args: object) -> None:
        raise NotImplementedError


def test_a_loop_without_descriptors_is_served_by_a_thread(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"when": {"nth": 21}, "answer": {"hang": True}}])
    loop = WithoutDescriptors()

    async def main() -> None:
        client = AsyncHightouch(**world.settings())
        answers = await asyncio.gather(*(client.request("GET", "/syncs") for _ in range(20)))
        assert len(answers) == 20
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.request("GET", "/syncs"), 4)
        assert len((await client.syncs.list()).items) == 3

    loop.run_until_complete(main())
    loop.close()
    for thread in threading.enumerate():
        if thread.name == "hightouch-sdk-listener":
            thread.join(30)
            assert not thread.is_alive()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system has no /proc/self/fd")
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, WithoutDescriptors])
def test_a_loop_that_is_closed_with_a_call_in_flight_is_garbage_collected(
    new_world: Callable[..., World], new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    world = new_world(script=HANG)
    client = AsyncHightouch(**world.settings())
    asyncio.run(client.request("GET", "/models"))

    def leave() -> weakref.ref[asyncio.AbstractEventLoop]:
        loop = new_loop()
        task = loop.create_task(client.request("GET", "/syncs"))
        before = len(world.requests())
        loop.run_until_complete(asyncio.to_thread(world.wait_for, lambda requests: len(requests) > before))
        loop.run_until_complete(loop.shutdown_default_executor())
        assert not task.done()
        loop.close()
        return weakref.ref(loop)

    def collected(loops: list[weakref.ref[asyncio.AbstractEventLoop]]) -> bool:
        gc.collect()
        return all(loop() is None for loop in loops)

    def descriptors() -> int:
        return len([*Path("/proc/self/fd").iterdir()])

    first = leave()
    until(lambda: collected([first]))
    world.wait_for(lambda requests: gone(requests[1:]))
    before = descriptors()
    loops = [leave() for _ in range(5)]
    until(lambda: collected(loops))
    world.wait_for(lambda requests: gone(requests[1:], 6))
    until(lambda: descriptors() <= before)


def test_calls_under_way_fail_when_their_client_is_closed(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)

    async def main() -> None:
        client = AsyncHightouch(**world.settings())
        call = asyncio.create_task(client.request("GET", "/syncs"))
        await asyncio.to_thread(world.wait_for, bool)
        await client.close()
        with pytest.raises(ClientClosedError):
            await call
        with pytest.raises(ClientClosedError):
            await client.request("GET", "/syncs")

    asyncio.run(main())


def test_a_defect_of_the_core_is_an_internal_error_and_the_client_works_on(world: World) -> None:
    settings = world.settings()
    settings["_internal"] |= {"selfTest": True}

    async def main() -> None:
        client = AsyncHightouch(**settings)
        for call in (client._local.call, AsyncDoor(client._local).call):
            with pytest.raises(InternalError):
                answer = call("client.panic")
                assert inspect.isawaitable(answer)
                await answer
        assert len(await client.syncs.list()) == 3

    asyncio.run(main())


def test_a_coroutine_function_that_shows_progress_is_awaited(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 4})
    seen: list[str] = []

    async def show(state: SyncRun) -> None:
        await asyncio.sleep(0)
        seen.append(state.status)

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            run = await client.syncs.trigger(1)
            await run.wait(timeout=60, progress=show)
            assert seen[-1] == "success"
            await run.wait(progress=lambda state: seen.append(f"again {state.status}"))
            assert seen[-1] == "again success"
            with pytest.raises(InvalidRequestError, match="`progress`"):
                await run.wait(progress="bar")  # type: ignore[arg-type]

    asyncio.run(main())


def test_lists_can_be_awaited_iterated_and_paged(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=5)

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            listing = client.syncs.list(limit=2)
            page = await listing
            assert [sync.id for sync in page] == [1, 2]
            assert page.has_next
            assert page == await listing.first_page()
            assert [sync.id async for sync in listing] == [1, 2, 3, 4, 5]
            assert [len(page) async for page in listing.pages()][:2] == [2, 2]

    asyncio.run(main())
