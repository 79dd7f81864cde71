"""What stops a batch of syncs, and which runs go on after the stop."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable

import pytest

from hightouch_sdk import AsyncHightouch, BatchItem, ClientClosedError, Hightouch, SyncBatch, _progress_display
from sandbox import World, falls_silent, until
from scripts import run
from test_batch import SLUGS, started, triggers
from test_batch import endless as endless
from test_batch import seven as seven
from test_interruption import interrupted, notes


def test_a_batch_that_is_stopped_twice_has_each_item_once(new_world: Callable[..., World]) -> None:
    endless = {SLUGS[1]: {"seconds": 100_000}}
    world = new_world(syncs=2, pastRuns=0, slugs=SLUGS[:2], runs={"seconds": 2, "bySlug": endless})
    with Hightouch(**world.settings()) as client:
        batch = client.syncs.run_many([1, 2], at_once=1)
        until(lambda: triggers(world) == 2)
        assert batch.stop()[0].outcome == "success"
        batch.stop()
        assert [item.sync for item in batch] == [1]


def test_a_batch_that_is_stopped_starts_nothing_more_and_its_runs_go_on(endless: World) -> None:
    with Hightouch(**endless.settings()) as client:
        batch = client.syncs.run_many(range(1, 8), at_once=2)
        until(lambda: triggers(endless) == 2)
        items = batch.stop()
        assert [item.in_progress for item in items] == [True, True, *[False] * 5]
        assert items == batch.stop()
        assert list(batch) == []
        with pytest.raises(ClientClosedError):
            batch.wait()
        assert items[0].run_token is not None
        assert client.run(items[0].run_token).id == items[0].run_id
        time.sleep(0.5)
    assert triggers(endless) == 2


def test_a_block_stops_its_batch_at_its_end(endless: World) -> None:
    with Hightouch(**endless.settings()) as client:
        with client.syncs.run_many(SLUGS, at_once=3) as batch:
            until(lambda: triggers(endless) == 3)
        assert len(started(batch)) == 3
        time.sleep(0.5)
    assert triggers(endless) == 3


def test_an_error_that_leaves_the_block_says_which_runs_go_on(endless: World) -> None:
    with (
        Hightouch(**endless.settings()) as client,
        pytest.raises(ValueError, match="own") as raised,
        client.syncs.run_many([1, 2, 3], at_once=2) as batch,
    ):
        until(lambda: triggers(endless) == 2)
        raise ValueError("own")
    said = notes(raised.value)
    assert [str(item.run_token) in said for item in started(batch)] == [True, True]
    assert "Syncs that were not started: 3." in said


def test_another_thread_may_stop_a_batch(endless: World) -> None:
    with Hightouch(**endless.settings()) as client:
        batch = client.syncs.run_many([1, 2])
        threading.Timer(0.5, batch.stop).start()
        assert list(batch) == []
        assert len(started(batch)) == 2


def test_a_batch_that_is_collected_starts_nothing_more(endless: World) -> None:
    with Hightouch(**endless.settings()) as client:
        batch = client.syncs.run_many(SLUGS, at_once=1)
        until(lambda: triggers(endless) == 1)
        del batch
        gc.collect()
        # Only the batch followed the run, and the batch is gone. So no more requests are sent.
        assert falls_silent(endless)
    assert triggers(endless) == 1


def test_ctrl_c_stops_a_batch_and_says_which_runs_go_on(endless: World) -> None:
    with Hightouch(**endless.settings()) as client:
        batch = client.syncs.run_many(SLUGS, at_once=2)
        said = interrupted(batch.wait, when=lambda: len(started(batch)) == 2)
        for item in started(batch):
            assert item.run_token is not None
            assert said.count(item.run_token) == 1
        assert "'sync-3', 'sync-4'" in said
        time.sleep(0.5)
        assert triggers(endless) == 2
        assert client.syncs.get(1).id == 1


def test_ctrl_c_during_an_iteration_in_a_block_is_noted_once(endless: World) -> None:
    def follow() -> None:
        with client.syncs.run_many([1, 2]) as batch:
            batches.append(batch)
            for _ in batch:
                pass

    batches: list[SyncBatch] = []
    with Hightouch(**endless.settings()) as client:
        said = interrupted(follow, when=lambda: bool(batches) and len(started(batches[0])) == 2)
        assert said.count("The batch was stopped") == 1


def test_ctrl_c_does_not_wait_long_for_a_trigger_without_an_answer(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=2, script=[{"when": {"operation": "TriggerRun"}, "answer": {"hang": True}}])
    with Hightouch(**world.settings()) as client:
        batch = client.syncs.run_many([1])
        before = time.monotonic()
        said = interrupted(batch.wait, when=lambda: triggers(world) == 1)
        assert time.monotonic() - before < 20
    assert "may also have been started for some of these syncs: 1." in said


def test_an_error_in_the_function_of_progress_stops_the_batch(endless: World) -> None:
    def fail(_: BatchItem) -> None:
        raise ValueError("own")

    with Hightouch(**endless.settings()) as client:
        batch = client.syncs.run_many([1, 2, 3], at_once=1)
        with pytest.raises(ValueError, match="own") as raised:
            batch.wait(progress=fail)
        assert "The batch was stopped. Runs go on: 1." in notes(raised.value)
    assert triggers(endless) == 1


def test_the_note_names_the_syncs_of_which_nothing_is_known(new_world: Callable[..., World]) -> None:
    lost = {"when": {"operation": "TriggerRun"}, "answer": {"reset": "before-headers"}}
    world = new_world(syncs=2, pastRuns=0, script=[lost])
    with (
        Hightouch(**world.settings()) as client,
        pytest.raises(ValueError, match="own") as raised,
        client.syncs.run_many([1]) as batch,
    ):
        assert batch.wait(on_failure="return")[0].outcome == "unknown"
        raise ValueError("own")
    said = notes(raised.value)
    assert "None of its runs is known to be in progress." in said
    assert "Whether a run was started is not known: 1." in said


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_display_that_cannot_start_stops_the_batch_and_ends(
    endless: World, monkeypatch: pytest.MonkeyPatch, asynchronous: bool
) -> None:
    drawn: list[str] = []

    class Screen:
        pause = 0.0

        def draw(self, _: object) -> None:
            drawn.append("draw")
            raise LookupError("no screen")

        def end(self, _: object) -> None:
            drawn.append("end")

    monkeypatch.setattr(_progress_display, "_screen", lambda _: Screen())
    said = ""
    if asynchronous:

        async def main() -> str:
            async with AsyncHightouch(**endless.settings()) as client:
                batch = await client.syncs.run_many([1, 2], at_once=1)
                await asyncio.to_thread(until, lambda: triggers(endless) == 1)
                with pytest.raises(LookupError) as raised:
                    await batch.wait(progress=True)
                return notes(raised.value)

        said = asyncio.run(main())
    else:
        with Hightouch(**endless.settings()) as client:
            batch = client.syncs.run_many([1, 2], at_once=1)
            until(lambda: triggers(endless) == 1)
            with pytest.raises(LookupError) as raised:
                batch.wait(progress=True)
            said = notes(raised.value)
    assert "Runs go on: 1." in said
    assert drawn == ["draw", "end"]


def test_a_forked_child_leaves_the_batch_to_its_parent(endless: World) -> None:
    script = """
        ht = Hightouch(**settings)
        batch = ht.syncs.run_many([1, 2])
        child = os.fork()
        if child == 0:
            own = ht.syncs.run_many([3])
            try:
                batch.wait(timeout=1)
            except ClientClosedError as error:
                print("closed", flush=True)
            batch.stop()
            del batch
            try:
                own.wait(timeout=1)
            except WaitTimeoutError:
                print("own", flush=True)
            os._exit(0)
        assert end_of(child) == 0
        try:
            batch.wait(timeout=1)
        except WaitTimeoutError:
            print(sum(item.in_progress for item in batch.items))
    """
    out, _ = run(endless, script)
    assert out.split() == ["closed", "own", "2"]
