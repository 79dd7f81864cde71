"""Several event loops in one process: some make calls, and some have no call in progress."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import World
from scripts import run
from test_event_loop import SWITCHES
from test_event_loop import pytestmark as pytestmark

TURNS = """
        from asyncio.selector_events import BaseSelectorEventLoop
        turns = {}
        def counted(loop, descriptor, callback, *args, add=BaseSelectorEventLoop.add_reader):
            def turn():
                name = threading.current_thread().name
                turns[name] = turns.get(name, 0) + 1
                callback()
            add(loop, descriptor, turn if callback.__name__ == "turn" else callback, *args)
        BaseSelectorEventLoop.add_reader = counted
"""


def test_loops_with_calls_at_once_are_woken_only_for_their_answers(new_world: Callable[..., World]) -> None:
    out, err = run(
        new_world(limit=[100_000, 10]),
        SWITCHES
        + TURNS
        + """
        both, counts, marks = threading.Barrier(2), [], {}
        async def calls(ht, count):
            for _ in range(count):
                assert (await ht.syncs.get(1)).id == 1
                marks.setdefault(threading.current_thread().name, []).append(time.monotonic())

        async def main():
            async with AsyncHightouch(**settings, limit=(100_000, 10), limit_scope="process") as ht:
                both.wait()
                await calls(ht, 5)
                both.wait()
                turns.clear()
                both.wait()
                await calls(ht, 50)
                both.wait()
                counts.append(turns.get(threading.current_thread().name, 0))
        threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        end = max(max(ends) for ends in marks.values())
        pauses = [two - one for ends in marks.values() for one, two in zip(ends, [*ends[1:], end])]
        print(*counts, max(pauses))

        time.sleep(1.2)
        async def alone():
            async with AsyncHightouch(**settings, limit=(100_000, 10), limit_scope="process") as ht:
                await calls(ht, 5)
                before, begun = switches(), time.monotonic()
                await calls(ht, 50)
                print(switches() - before, time.monotonic() - begun)
        asyncio.run(alone())
        """,
    )
    assert err == ""
    first, second, pause, switched, seconds = map(float, out.split())
    # If one loop has no call for a second, the other does the I/O itself.
    assert first + second <= 2 or pause > 0.9, "a loop was woken for a call of the other one"
    assert switched < 25 + 4 * seconds, f"the thread of the SDK ran {switched} times during 50 calls, in {seconds} s"


def test_two_copies_of_the_package_use_one_loop(new_world: Callable[..., World]) -> None:
    """Tools that reload modules import the package again. There is one native module, so both copies use its driver."""
    out, err = run(
        new_world(limit=[100_000, 10]),
        SWITCHES
        + """
        for name in [name for name in sys.modules if name.split(".")[0] == "hightouch_sdk"]:
            if name != "hightouch_sdk._bridge":
                del sys.modules[name]
        from hightouch_sdk import AsyncHightouch as Again
        assert Again is not AsyncHightouch
        async def main():
            more = {"limit": (100_000, 10), "limit_scope": "process"}
            async with AsyncHightouch(**settings, **more) as first, Again(**settings, **more) as second:
                await first.syncs.get(1)
                await second.syncs.get(1)
                before, begun = switches(), time.monotonic()
                for _ in range(10):
                    for ht in (first, first, second, second):
                        await ht.syncs.get(1)
                print(switches() - before, time.monotonic() - begun)
        asyncio.run(main())
        """,
    )
    assert err == ""
    switched, seconds = map(float, out.split())
    assert switched < 10 + 4 * seconds, "the thread of the SDK did the I/O"


def test_a_loop_without_calls_is_not_woken_and_later_does_its_own_io(new_world: Callable[..., World]) -> None:
    out, err = run(
        new_world(limit=[100_000, 10]),
        SWITCHES
        + TURNS
        + """
        async def main():
            async with AsyncHightouch(**settings, limit=(100_000, 10)) as ht:
                await ht.syncs.get(1)
                def other():
                    async def calls():
                        async with AsyncHightouch(**settings, limit=(100_000, 10)) as ht:
                            for _ in range(50):
                                await ht.syncs.get(1)
                    asyncio.run(calls())
                turns.clear()
                await asyncio.to_thread(other)
                print(turns.get(threading.current_thread().name, 0))
                await asyncio.sleep(1.2)
                before, begun = switches(), time.monotonic()
                for _ in range(50):
                    await ht.syncs.get(1)
                print(switches() - before, time.monotonic() - begun)
        asyncio.run(main())
        """,
    )
    assert err == ""
    turned, switched, seconds = map(float, out.split())
    assert turned < 5
    assert switched < 25 + 4 * seconds, f"the thread of the SDK ran {switched} times during 50 calls, in {seconds} s"
