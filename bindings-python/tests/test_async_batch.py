"""Many syncs at once, with the asynchronous client."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hightouch_sdk import (
    AsyncHightouch,
    AsyncSyncBatch,
    BatchItem,
    ClientClosedError,
    InvalidRequestError,
    RunFailedError,
    WaitTimeoutError,
)
from sandbox import World, falls_silent, until
from test_batch import SLUGS, started, triggers
from test_batch import endless as endless
from test_batch import seven as seven
from test_interruption import cancelled, notes


def played(world: World, play: Callable[[AsyncHightouch], Coroutine[Any, Any, None]], **more: Any) -> None:
    async def main() -> None:
        async with AsyncHightouch(**world.settings(**more)) as client:
            await play(client)

    asyncio.run(main())


async def reached(world: World, count: int) -> None:
    await asyncio.to_thread(until, lambda: triggers(world) == count)


def test_one_error_names_every_sync_that_failed(seven: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        batch = await client.syncs.run_many(["sync-1", "sync-2", 3, "sync-4", "no-such-sync"])
        assert isinstance(batch, AsyncSyncBatch)
        with pytest.raises(RunFailedError) as raised:
            await batch.wait()
        for name in ("sync-2", "sync-4", "no-such-sync"):
            assert name in str(raised.value)
        assert [item.sync for item in raised.value.items] == ["sync-2", "sync-4", "no-such-sync"]
        again = await batch.wait(on_failure="return")
        assert [item.outcome for item in again] == ["success", "failure", "success", "failure", "not_started"]

    played(seven, play)


def test_items_come_once_each_as_they_end(seven: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        async with await client.syncs.run_many(range(1, 8), at_once=3) as batch:
            items = [item async for item in batch]
        assert sorted(item.sync for item in items) == list(range(1, 8))
        assert all(item.outcome is not None for item in items)
        assert [item async for item in batch] == items

    played(seven, play)


def test_at_most_so_many_syncs_are_in_progress_at_once(seven: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        most: list[int] = []

        async def see(_: BatchItem) -> None:
            await asyncio.sleep(0)
            most.append(sum(item.in_progress for item in batch.items))

        batch = await client.syncs.run_many(range(1, 8), at_once=2)
        await batch.wait(on_failure="return", progress=see)
        assert max(most) <= 2

    played(seven, play)


def test_a_wait_that_times_out_can_be_repeated(seven: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        batch = await client.syncs.run_many([1, 3, 6], at_once=2)
        with pytest.raises(WaitTimeoutError):
            await batch.wait(timeout=0.1)
        assert [item.outcome for item in await batch.wait()] == ["success"] * 3

    played(seven, play)


def test_a_batch_that_is_stopped_starts_nothing_more(endless: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        batch = await client.syncs.run_many(range(1, 8), at_once=2)
        await reached(endless, 2)
        waiting = asyncio.create_task(anext_or_none(batch))
        await asyncio.sleep(0)
        items = await batch.stop()
        assert await waiting is None
        assert [item.in_progress for item in items] == [True, True, *[False] * 5]
        with pytest.raises(ClientClosedError):
            await batch.wait()
        await asyncio.sleep(0.5)
        assert triggers(endless) == 2

    played(endless, play)


async def anext_or_none(batch: AsyncSyncBatch) -> BatchItem | None:
    async for item in batch:
        return item
    return None


def test_a_cancelled_wait_stops_the_batch_and_says_which_runs_go_on(endless: World) -> None:
    client = AsyncHightouch(**endless.settings())
    batches: list[AsyncSyncBatch] = []

    async def wait() -> None:
        async with await client.syncs.run_many(SLUGS, at_once=2) as batch:
            batches.append(batch)
            await batch.wait()

    said = cancelled(wait, when=lambda: bool(batches) and len(started(batches[0])) == 2)
    for item in started(batches[0]):
        assert item.run_token is not None
        assert said.count(item.run_token) == 1
    assert said.count("The batch was stopped") == 1
    time.sleep(0.5)
    assert triggers(endless) == 2


def test_a_cancelled_iteration_stops_the_batch(endless: World) -> None:
    client = AsyncHightouch(**endless.settings())
    batches: list[AsyncSyncBatch] = []

    async def iterate() -> None:
        batches.append(await client.syncs.run_many(SLUGS, at_once=1))
        async for _ in batches[0]:
            pass

    said = cancelled(iterate, when=lambda: bool(batches) and len(started(batches[0])) == 1)
    assert "Runs go on: 1." in said
    assert "Syncs that were not started: 'sync-2'" in said


def test_a_batch_that_is_collected_starts_nothing_more(endless: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        batch = await client.syncs.run_many(SLUGS, at_once=1)
        await reached(endless, 1)
        del batch
        gc.collect()
        assert await asyncio.to_thread(falls_silent, endless)

    played(endless, play)


def test_an_abandoned_wait_stops_the_batch(endless: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        batch = await client.syncs.run_many(SLUGS, at_once=1)
        waiting = batch.wait()
        waiting.send(None)
        await reached(endless, 1)
        waiting.close()
        with pytest.raises(ClientClosedError):
            while True:
                await batch.wait(timeout=10)

    played(endless, play)


def test_an_error_that_leaves_the_block_says_which_runs_go_on(endless: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        with pytest.raises(ValueError, match="own") as raised:
            async with await client.syncs.run_many([1, 2, 3], at_once=2):
                await reached(endless, 2)
                raise ValueError("own")
        assert "Runs go on: 2." in notes(raised.value)

    played(endless, play)


def test_a_key_function_is_called_in_the_loop_while_nobody_waits_for_the_batch(seven: World) -> None:
    key = seven.answer["apiKey"]

    async def give() -> str:
        await asyncio.sleep(0.2)
        return str(key)

    async def play(client: AsyncHightouch) -> None:
        batch = await client.syncs.run_many([1])
        await reached(seven, 1)
        assert [item.outcome for item in await batch.wait()] == ["success"]

    played(seven, play, api_key=give)


def test_a_wrong_argument_sends_nothing(world: World) -> None:
    async def play(client: AsyncHightouch) -> None:
        wrong: Any
        for wrong in ("sync-1", [None], ["no slug"], [1.5]):
            with pytest.raises(InvalidRequestError):
                await client.syncs.run_many(wrong)
        with pytest.raises(InvalidRequestError, match="`at_once`"):
            await client.syncs.run_many([1], at_once=0)

    played(world, play)
    assert world.requests() == []


def test_a_closed_client_starts_no_batch(world: World) -> None:
    async def main() -> None:
        client = AsyncHightouch(**world.settings())
        await client.close()
        with pytest.raises(ClientClosedError):
            await client.syncs.run_many([1])

    asyncio.run(main())
