"""An event loop that does the I/O of its calls itself, and what happens if it cannot."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from hightouch_sdk import AsyncHightouch, Hightouch, Sync
from sandbox import World, until
from scripts import run

pytestmark = pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="event loops do the I/O only on Linux")

SWITCHES = """
        def switches():
            # How many times the thread of the SDK has gone to sleep.
            for task in os.listdir("/proc/self/task"):
                with open(f"/proc/self/task/{task}/status") as file:
                    status = dict(line.split(":", 1) for line in file)
                if status["Name"].strip() == "hightouch-sdk":
                    return int(status["voluntary_ctxt_switches"])
"""


@pytest.mark.parametrize("flight", [1, 8])
def test_the_thread_of_the_sdk_does_nothing_while_the_loop_does_the_io(
    new_world: Callable[..., World], flight: int
) -> None:
    out, err = run(
        new_world(limit=[100_000, 10]),
        SWITCHES
        + f"""
        async def main():
            async with AsyncHightouch(**settings, limit=(100_000, 10), limit_scope="process") as ht:
                async def calls(count):
                    for _ in range(count):
                        assert (await ht.syncs.get(1)).id == 1
                await asyncio.gather(*(calls(5) for _ in range({flight})))
                before, begun = switches(), time.monotonic()
                await asyncio.gather(*(calls(60) for _ in range({flight})))
                print(switches() - before, time.monotonic() - begun)
        asyncio.run(main())
        """,
    )
    assert err == ""
    switched, seconds = map(float, out.split())
    # The thread checks twice a second whether the event loop still does the I/O.
    assert switched <= 4 + 4 * seconds, f"the thread ran {switched} times during {60 * flight} calls, in {seconds} s"


def test_a_call_ends_while_its_loop_is_blocked(new_world: Callable[..., World]) -> None:
    # A call with a slug needs two requests, and the second is sent only after the answer to the first.
    world = new_world(script=[{"when": {"nth": 1}, "answer": {"delayMs": 500}}], slugs=["orders"])

    async def main() -> Sync:
        async with AsyncHightouch(**world.settings()) as client:
            task = asyncio.create_task(client.syncs.get("orders"))
            await asyncio.sleep(0)
            until(lambda: [request.get("status") for request in world.requests()] == [200, 200])
            time.sleep(1)  # noqa: ASYNC251 - blocks the loop on purpose
            # The answer has arrived, so the call ends without another wait.
            for _ in range(20):
                await asyncio.sleep(0)
            assert task.done()
            # The loop does the I/O again.
            return await client.syncs.get(task.result().id)

    assert asyncio.run(main()).slug == "orders"


def test_a_call_goes_on_while_its_loop_is_stopped(new_world: Callable[..., World]) -> None:
    """IPython in a terminal, for example, runs its loop only while it executes an input."""
    slow = [{"when": {"nth": nth}, "answer": {"delayMs": 500}} for nth in (1, 3)]
    world = new_world(script=slow, slugs=["orders"])
    client = AsyncHightouch(**world.settings())
    loop = asyncio.new_event_loop()
    for sync, requests in (("orders", 2), (1, 3)):
        task = loop.create_task(client.syncs.get(sync))
        loop.run_until_complete(asyncio.sleep(0))
        assert not task.done()
        world.wait_for(lambda sent, requests=requests: len(sent) == requests)  # type: ignore[misc]
        assert loop.run_until_complete(asyncio.wait_for(task, 60)).slug == "orders"
    loop.run_until_complete(client.close())
    loop.close()


def test_an_answer_that_is_ready_at_once_wakes_the_loop(world: World) -> None:
    async def main() -> None:
        client = AsyncHightouch(**world.settings())
        for _ in range(3):
            estimate = await asyncio.wait_for(client.syncs.estimate_many([1, 2]), 10)
            assert estimate.requests >= 2
        await client.close()

    asyncio.run(main())
    assert world.requests() == []


def test_loops_and_threads_use_one_process(new_world: Callable[..., World]) -> None:
    world = new_world(limit=[100_000, 10])
    settings = world.settings(limit=(100_000, 10))
    blocking, client = Hightouch(**settings), AsyncHightouch(**settings)
    ended: list[int] = []

    async def calls() -> None:
        for _ in range(30):
            answers = await asyncio.gather(*(client.syncs.get(1) for _ in range(3)))
            ended.extend(answer.id for answer in answers)

    def thread() -> None:
        ended.extend(blocking.syncs.get(1).id for _ in range(30))

    works = [*[thread] * 2, *[lambda: asyncio.run(asyncio.wait_for(calls(), 60))] * 4]
    threads = [threading.Thread(target=work) for work in works]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert ended == [1] * (2 * 30 + 4 * 30 * 3)
    blocking.close()
    asyncio.run(client.close())


def test_a_blocking_call_inside_the_loop_lets_the_other_calls_go_on(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"when": {"nth": 2}, "answer": {"delayMs": 1000}}])
    settings = world.settings()

    async def main() -> None:
        async with AsyncHightouch(**settings) as client:
            await client.syncs.get(1)
            task = asyncio.create_task(client.syncs.get(1))
            await asyncio.sleep(0)
            with Hightouch(**settings) as blocking, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # The package warns once about a blocking call in an event loop.
                assert blocking.syncs.get(1).id == 1
            assert (await asyncio.wait_for(task, 60)).id == 1

    asyncio.run(main())


class _Refusing(asyncio.SelectorEventLoop):
    """An event loop that cannot watch one kind of descriptor."""

    kind = ""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:  # type: ignore[override]
        if str(Path(f"/proc/self/fd/{fd}").readlink()) == f"anon_inode:{self.kind}":
            raise PermissionError("this loop watches no such descriptor")
        return super().add_reader(fd, callback, *args)


@pytest.mark.parametrize("kind", ["[eventpoll]", "[eventfd]"])
def test_a_loop_that_watches_only_one_of_the_descriptors_makes_calls(world: World, kind: str) -> None:
    loop = _Refusing()
    loop.kind = kind

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            for _ in range(3):
                answers = await asyncio.gather(*(client.syncs.get(1) for _ in range(5)))
                assert [answer.id for answer in answers] == [1] * 5

    loop.run_until_complete(asyncio.wait_for(main(), 60))
    loop.close()


def test_loops_one_after_the_other_leave_no_descriptor_behind(world: World) -> None:
    client = AsyncHightouch(**world.settings())

    def descriptors() -> int:
        return len([*Path("/proc/self/fd").iterdir()])

    asyncio.run(asyncio.wait_for(client.syncs.get(1), 60))
    before = descriptors()
    for _ in range(20):
        asyncio.run(asyncio.wait_for(client.syncs.get(1), 60))
    until(lambda: descriptors() <= before)
    asyncio.run(client.close())


def test_debug_mode_finds_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = 30
        async with AsyncHightouch(**world.settings()) as client:
            await asyncio.gather(*(client.syncs.get(1) for _ in range(5)))
            task = asyncio.create_task(client.syncs.get(1))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(main(), debug=True)
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


def test_an_interruption_during_the_delivery_loses_no_other_answer(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"when": {"nth": nth}, "answer": {"delayMs": 500}} for nth in (2, 3, 4)])
    client = AsyncHightouch(**world.settings())
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.syncs.get(1))
    answered: list[int] = []

    async def call() -> None:
        answered.append((await client.syncs.get(1)).id)
        if len(answered) == 1:
            raise KeyboardInterrupt

    tasks = [loop.create_task(call()) for _ in range(3)]
    loop.run_until_complete(asyncio.sleep(0))
    # All answers arrive while the loop is stopped.
    until(lambda: len(world.requests()) == 4)
    time.sleep(2)
    loop.call_later(20, loop.stop)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    loop.run_until_complete(asyncio.wait(tasks, timeout=5))
    assert answered == [1, 1, 1]
    assert [type(task.exception()) for task in tasks if task.exception()] == [KeyboardInterrupt]
    loop.run_until_complete(client.close())
    loop.close()


def test_a_loop_can_run_again_inside_a_task(world: World) -> None:
    """With nest_asyncio, which notebooks use, a task can run its event loop again. The inner loop needs the callback
    that delivers answers, so this callback must end before the task goes on."""
    pytest.importorskip("nest_asyncio2")
    out, err = run(
        world,
        SWITCHES
        + """
        import nest_asyncio2
        nest_asyncio2.apply()
        async def main():
            async with AsyncHightouch(**settings) as ht:
                loop = asyncio.get_running_loop()
                await ht.syncs.get(1)
                before, begun = switches(), time.monotonic()
                for _ in range(10):
                    await ht.syncs.get(1)
                    assert loop.run_until_complete(ht.syncs.get(2)).id == 2
                print(switches() - before, time.monotonic() - begun)
        asyncio.run(main())
        """,
    )
    assert err == ""
    switched, seconds = map(float, out.split())
    assert switched < 10 + 4 * seconds, "the thread of the SDK did the I/O"


def test_anyio_can_wait_until_all_tasks_wait(world: World) -> None:
    out, err = run(
        world,
        """
        import anyio
        async def main():
            async with AsyncHightouch(**settings) as ht:
                task = asyncio.create_task(ht.syncs.get(1))
                await anyio.wait_all_tasks_blocked()
                print((await task).id)
        asyncio.run(main())
        """,
    )
    assert (out.split(), err) == (["1"], "")


def test_tasks_written_in_python_await_calls(new_world: Callable[..., World]) -> None:
    """Some libraries have task classes of their own. asyncio has a second one, which is written in Python."""
    world = new_world(script=[{"when": {"nth": 6}, "answer": {"delayMs": 1000}}])
    loop = asyncio.new_event_loop()
    loop.set_task_factory(lambda of, coro, **options: asyncio.tasks._PyTask(coro, loop=of, **options))  # type: ignore[attr-defined]

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            answers = await asyncio.gather(*(client.syncs.get(1) for _ in range(5)))
            assert [answer.id for answer in answers] == [1] * 5
            task = asyncio.ensure_future(client.syncs.get(1))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    loop.run_until_complete(asyncio.wait_for(main(), 60))
    loop.close()


def test_a_cancelled_call_keeps_the_message(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"when": {"nth": 1}, "answer": {"delayMs": 1000}}])

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            task = asyncio.create_task(client.syncs.get(1))
            await asyncio.sleep(0)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
            # asyncio of CPython 3.10 raises a new exception without the message, whatever the task waits for.
            assert raised.value.args == (("enough",) if sys.version_info >= (3, 11) else ())

    asyncio.run(main())


def test_each_task_keeps_its_context(world: World) -> None:
    number: ContextVar[int] = ContextVar("number", default=0)

    async def call(client: AsyncHightouch, given: int) -> None:
        number.set(given)
        for _ in range(3):
            await client.syncs.get(1)
            assert number.get() == given

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            await asyncio.gather(*(call(client, given) for given in (1, 2, 3)))
            assert number.get() == 0

    asyncio.run(main())


def test_calls_that_end_at_once_do_not_hold_up_the_loop(world: World) -> None:
    out, err = run(
        world,
        """
        async def main():
            async with AsyncHightouch(**settings) as ht:
                over = asyncio.Event()
                async def ask():
                    calls = 0
                    while not over.is_set():
                        # The core refuses this call before it sends anything.
                        try:
                            await ht.syncs.get("")
                        except ValueError:
                            calls += 1
                    return calls
                task = asyncio.create_task(ask())
                await asyncio.sleep(0.2)
                over.set()
                print(await task > 0)
        asyncio.run(main())
        """,
    )
    assert (out, err) == ("True\n", "")


def test_a_fork_in_a_running_loop_leaves_its_calls_to_the_parent(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"when": {"nth": 2}, "answer": {"delayMs": 3000}}])
    out, err = run(
        world,
        """
        import select
        async def main():
            ht = AsyncHightouch(**settings)
            await ht.syncs.get(1)
            task = asyncio.create_task(ht.syncs.get(1))
            await asyncio.to_thread(input)
            loop = asyncio.get_running_loop()
            over, tell = os.pipe()
            child = os.fork()
            if child == 0:
                # The child's copy of the loop runs on. Both loops share one selector, so the copy also notices when the
                # parent's descriptors become readable.
                os.close(tell)
                end = loop.create_future()
                def look():
                    if select.select([over], [], [], 0)[0]:
                        loop.call_later(0.5, end.set_result, None)
                    else:
                        loop.call_later(0.02, look)
                look()
                await end
                os._exit(task.done())
            print((await asyncio.wait_for(task, 20)).id)
            os.close(tell)
            assert await asyncio.to_thread(end_of, child) == 0
            child = os.fork()
            if child == 0:
                # A new loop in the child makes calls of its own.
                os._exit(asyncio.run(ht.syncs.get(1)).id)
            print(end_of(child), (await ht.syncs.get(1)).id)
            await ht.close()
        asyncio.run(main())
        """,
        when=lambda requests: len(requests) == 2,
    )
    assert (out.split(), err) == (["1", "1", "1"], "")
