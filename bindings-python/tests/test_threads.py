"""Threads that share clients. The tests run with the GIL, and on free-threaded Python."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hightouch_sdk import AsyncHightouch, BatchItem, ClientClosedError, Hightouch, RunFailedError, Sync, SyncBatch
from sandbox import World, gone
from scripts import run

THREADS = 8
SLUGS = [f"sync-{index}" for index in range(12)]
HANG = [{"when": {"operation": "ListSync"}, "answer": {"hang": True}, "times": 50}]
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


@pytest.fixture(autouse=True)
def _take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def at_once(*functions: Callable[[], Any]) -> list[Any]:
    """Runs functions in threads that start at once. Returns the results, or raises what a function raised."""
    barrier = threading.Barrier(len(functions))
    results: list[Any] = [None] * len(functions)
    raised: list[BaseException] = []

    def work(index: int, function: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[index] = function()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=work, args=each, daemon=True) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive(), "a thread hangs"
    if raised:
        raise raised[0]
    return results


def test_the_package_leaves_the_gil_as_the_interpreter_has_it() -> None:
    """If a module does not declare that it works without the GIL, free-threaded CPython switches the GIL on and warns.
    On an interpreter that always has a GIL, the test only checks that the import does not warn."""
    code = """if True:
        import sys
        has_gil = getattr(sys, "_is_gil_enabled", lambda: True)
        before = has_gil()
        import hightouch_sdk
        hightouch_sdk.AsyncHightouch
        print(before, has_gil())
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (told.stdout.split(), told.stderr) == ([str(not FREE_THREADED)] * 2, "")


def test_each_thread_gets_the_answers_of_its_own_calls(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=12, slugs=SLUGS, limit=[100_000, 10])
    with Hightouch(**world.settings(limit=(100_000, 10))) as client:

        def work(first: int) -> Callable[[], None]:
            def calls() -> None:
                for turn in range(20):
                    sync = (first + turn) % 12 + 1
                    assert client.syncs.get(sync).id == sync
                    assert client.syncs.with_raw_response.get(sync).parse().id == sync
                    assert len(list(client.syncs.list(limit=5))) == 12
                    client.stats()

            return calls

        at_once(*(work(first) for first in range(THREADS)))


def test_the_first_uses_of_the_package_may_be_in_many_threads(world: World) -> None:
    out, err = run(
        world,
        """
        barrier = threading.Barrier(12)
        failed = []
        ht = Hightouch(**settings)
        def aio():
            async def main():
                async with AsyncHightouch(**settings) as other:
                    return await other.syncs.get(1)
            return asyncio.run(main())
        uses = [
            lambda: ht.syncs.get(1).configuration.value,
            lambda: list(ht.syncs.list()),
            lambda: list(ht.syncs.list().records()),
            lambda: ht.syncs.with_raw_response.get(1).parse(),
            aio,
            lambda: ht.diagnose(),
        ]
        def work(use):
            barrier.wait()
            try:
                use()
            except BaseException as error:
                failed.append(repr(error))
        threads = [threading.Thread(target=work, args=(use,)) for use in uses * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(failed)
        """,
    )
    assert (out.strip(), err) == ("[]", "")


class _SlowToCheck:
    """A hook. Adding it takes a while, during which other threads run."""

    def __init__(self, told: list[str], name: str) -> None:
        self.told = told
        self.name = name

    def __call__(self, event: object) -> None:
        self.told.append(self.name)

    def __getattr__(self, name: str) -> object:
        time.sleep(0.001)
        raise AttributeError(name)


def test_no_hook_is_lost_if_threads_add_hooks_at_once(world: World) -> None:
    hooks = 5
    told: list[str] = []
    with Hightouch(**world.settings()) as client:

        def add(first: int) -> Callable[[], None]:
            def adds() -> None:
                for index in range(first, first + hooks):
                    start, end = _SlowToCheck(told, f"start {index}"), _SlowToCheck(told, f"end {index}")
                    client.add_hooks(on_start=start, on_end=end)

            return adds

        at_once(*(add(thread * hooks) for thread in range(THREADS)))
        client.syncs.get(1)
    assert len(told) == len(set(told)) == 2 * hooks * THREADS


def test_hooks_see_the_calls_of_their_own_thread(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=12, slugs=SLUGS, limit=[100_000, 10])
    seen: dict[str, list[tuple[str, int]]] = {"start": [], "end": []}
    with Hightouch(
        **world.settings(limit=(100_000, 10)),
        on_start=lambda call: seen["start"].append((call.call_id, threading.get_ident())),
        on_end=lambda call: seen["end"].append((call.call_id, threading.get_ident())),
    ) as client:
        at_once(*[lambda: [client.syncs.get(1) for _ in range(20)]] * THREADS)
    assert sorted(seen["start"]) == sorted(seen["end"])
    assert len({call for call, _ in seen["start"]}) == 20 * THREADS


def test_closing_a_client_ends_the_calls_of_all_threads(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    client = Hightouch(**world.settings())

    def call() -> None:
        with pytest.raises(ClientClosedError):
            list(client.syncs.list())

    def close() -> None:
        world.wait_for(lambda requests: len(requests) == THREADS)
        at_once(client.close, client.close)

    at_once(*[call] * THREADS, close)
    world.wait_for(lambda requests: gone(requests, THREADS))


def test_event_loops_of_several_threads_share_a_client_while_calls_are_cancelled(
    new_world: Callable[..., World],
) -> None:
    world = new_world(limit=[100_000, 10])
    client = AsyncHightouch(**world.settings(limit=(100_000, 10)))

    async def main() -> int:
        ended = 0
        for turn in range(10):
            tasks = [asyncio.create_task(client.syncs.get(1)) for _ in range(8)]
            for _ in range(turn):
                await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(answer, (Sync, asyncio.CancelledError)) for answer in answers)
            ended += sum(isinstance(answer, Sync) for answer in answers[1::2])
        return ended

    assert at_once(*[lambda: asyncio.run(main())] * 4) == [40] * 4
    asyncio.run(client.close())


def test_children_that_are_forked_under_load_use_the_client_from_several_threads(
    new_world: Callable[..., World],
) -> None:
    out, err = run(
        new_world(limit=[100_000, 10]),
        """
        key = os.environ.pop("HIGHTOUCH_API_KEY")
        wide = dict(settings, limit=(100_000, 10))
        ht = Hightouch(api_key=lambda: key, **wide)
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                ht.syncs.get(1)
                other = Hightouch(api_key=key, **wide)
                other.add_hooks(on_start=lambda call: None)
                other.close()
        def loop():
            async def main():
                async with AsyncHightouch(api_key=key, **wide) as other:
                    while not stop.is_set():
                        task = asyncio.create_task(other.syncs.get(1))
                        await other.syncs.get(1)
                        task.cancel()
            asyncio.run(main())
        def child():
            barrier = threading.Barrier(4)
            found = []
            def use():
                barrier.wait()
                found.append(ht.syncs.get(1).id)
                ht.add_hooks(on_start=lambda call: None)
            threads = [threading.Thread(target=use) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            keys = [thread for thread in threading.enumerate() if thread.name == "hightouch-sdk-key"]
            return 0 if found == [1] * 4 and len(keys) == 1 else 1
        threads = [threading.Thread(target=work) for work in (busy, busy, loop)]
        for thread in threads:
            thread.start()
        ht.syncs.get(1)
        ends = []
        for _ in range(12):
            pid = os.fork()
            if pid == 0:
                try:
                    os._exit(child())
                finally:
                    os._exit(2)
            ends.append(end_of(pid))
        stop.set()
        for thread in threads:
            thread.join()
        print(ends, ht.syncs.get(1).id)
        """,
        hung_after=100,
    )
    assert out.strip() == f"{[0] * 12} 1", err


@pytest.mark.parametrize("failing", [False, True])
def test_each_thread_that_follows_a_batch_gets_every_item(new_world: Callable[..., World], failing: bool) -> None:
    """Incident: a thread missed items, because it saw the end of the batch before another thread had recorded them."""
    runs: dict[str, Any] = {"seconds": 1}
    if failing:
        runs["bySlug"] = {SLUGS[-1]: {"status": "failed"}}
    world = new_world(syncs=12, pastRuns=0, slugs=SLUGS, timeScale=1000, runs=runs, limit=[100_000, 10])
    with Hightouch(**world.settings(limit=(100_000, 10))) as client:
        for _ in range(30):
            batch = client.syncs.run_many(SLUGS, if_running="queue")

            named: list[list[int]] = []

            def wait(batch: SyncBatch = batch, named: list[list[int]] = named) -> list[BatchItem]:
                try:
                    return batch.wait(timeout=60)
                except RunFailedError as error:
                    named.append([item.index for item in error.items])
                    return batch.items

            results = at_once(*[wait, lambda batch=batch: list(batch)] * 3)
            assert named == ([[11]] * 3 if failing else [])
            for items in results:
                assert sorted(item.index for item in items) == list(range(12))
                assert [item.index for item in items if item.outcome != "success"] == ([11] if failing else [])


def test_threads_that_iterate_over_a_batch_end_once_another_thread_stops_it(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=12, pastRuns=0, slugs=SLUGS, runs={"seconds": 100_000})
    with Hightouch(**world.settings()) as client:
        batch = client.syncs.run_many(SLUGS, at_once=4)
        *lists, stopped, again = at_once(*[lambda: list(batch)] * 4, batch.stop, batch.stop)
        assert lists == [[]] * 4
        assert [item.outcome for item in stopped] == [item.outcome for item in again]


class _SlowToHash(Hightouch):
    """A client. Adding it to a set takes a while, during which other threads run."""

    def __hash__(self) -> int:
        time.sleep(0.01)
        return id(self)


def test_an_instrumented_client_stays_so_if_threads_instrument_it_at_once(world: World) -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from hightouch_sdk.otel import instrument

    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    with _SlowToHash(**world.settings()) as client:
        at_once(*[lambda: instrument(client, tracer_provider=tracers)] * THREADS)
        client.syncs.get(1)
    tracers.shutdown()
    assert len(exporter.get_finished_spans()) == 1
