"""Checkpoints of batches, and batches in processes that a signal ends."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from hightouch_sdk import AsyncHightouch, BatchEstimate, Hightouch, InvalidRequestError, RunFailedError
from sandbox import World, until
from scripts import run, start
from test_batch import endless as endless
from test_batch import seven as seven
from test_batch import triggers


def ended(process: Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=60)
    except BaseException:
        process.kill()
        raise
    return process.returncode, out, err


def test_a_resumed_batch_starts_only_what_was_not_started(seven: World, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    with Hightouch(**seven.settings()) as client:
        batch = client.syncs.run_many([1, 3, 6], at_once=1, checkpoint=path)
        until(lambda: triggers(seven) >= 2)
        batch.stop()
        again = client.syncs.run_many([1, 3, 6], checkpoint=str(path))
        items = again.wait()
    assert [item.outcome for item in items] == ["success"] * 3
    assert triggers(seven) == 3


def test_a_wait_after_a_stop_returns_what_is_known(seven: World) -> None:
    with Hightouch(**seven.settings()) as client:
        batch = client.syncs.run_many([1, 2])
        batch.wait(on_failure="return")
        items = batch.stop()
        assert batch.wait(on_failure="return") == items
        with pytest.raises(RunFailedError) as raised:
            batch.wait()
        assert [item.sync for item in raised.value.items] == [2]


def test_failed_runs_are_repeated_only_if_asked(seven: World, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    with Hightouch(**seven.settings()) as client:
        for retry, sent in [(None, 1), (False, 1), (True, 2)]:
            batch = client.syncs.run_many([2], checkpoint=path, retry_failed=retry)
            assert batch.wait(on_failure="return")[0].outcome == "failure"
            assert triggers(seven) == sent


@pytest.mark.parametrize("retry", [False, True])
def test_a_sync_whose_run_may_have_been_started_is_started_again_only_if_asked(
    retry: bool, new_world: Callable[..., World], tmp_path: Path
) -> None:
    lost = {"when": {"operation": "TriggerRun", "nth": 1}, "answer": {"reset": "before-headers"}}
    world = new_world(syncs=2, script=[lost])
    path = tmp_path / "batch.jsonl"
    with Hightouch(**world.settings()) as client:
        first = client.syncs.run_many([1], checkpoint=path).wait(on_failure="return")
        again = client.syncs.run_many([1], checkpoint=path, retry_unknown=retry).wait(on_failure="return")
    assert first[0].outcome == "unknown"
    assert again[0].outcome == ("success" if retry else "unknown")
    assert triggers(world) == (2 if retry else 1)


def test_a_checkpoint_that_cannot_be_used_is_refused(seven: World, tmp_path: Path) -> None:
    with Hightouch(**seven.settings()) as client:
        with pytest.raises(InvalidRequestError, match="is a directory, and must be a file") as raised:
            client.syncs.run_many([1], checkpoint=tmp_path)
        assert raised.value.code == "checkpoint"
        for path in [7, b"bytes"]:
            with pytest.raises(InvalidRequestError, match="`checkpoint` must be the path of a file"):
                client.syncs.run_many([1], checkpoint=path)  # type: ignore[arg-type]
        with pytest.raises(InvalidRequestError, match="`retry_unknown` and `retry_failed` need a `checkpoint`"):
            client.syncs.run_many([1], retry_failed=True)
    assert triggers(seven) == 0


def test_a_disk_that_is_full_ends_the_starts_and_not_the_runs(seven: World, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    out, _ = run(
        seven,
        f"""
        import resource
        # A write beyond this size fails, as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1200, 1200))
        with Hightouch(**settings) as client:
            batch = client.syncs.run_many([1, 3, 6, 7, 2], at_once=2, checkpoint={str(path)!r})
            for item in batch.wait(on_failure="return"):
                print(item.outcome, item.run_token is not None, item.error)
        """,
    )
    lines = out.splitlines()
    # Once the disk is full, the batch starts no more runs, but still follows the runs that it started before.
    assert "success True None" in lines
    refused = [line for line in lines if line.startswith("not_started False ")]
    assert refused
    for line in refused:
        assert f"the checkpoint {path} cannot be written: File too large" in line
        assert "No more syncs are started." in line
    assert triggers(seven) == len(lines) - len(refused)
    # Only the last line of the checkpoint is incomplete, so the batch can be resumed.
    with Hightouch(**seven.settings()) as client:
        items = client.syncs.run_many([1, 3, 6, 7, 2], checkpoint=path).wait(on_failure="return")
    assert [item.outcome for item in items] == ["success"] * 4 + ["failure"]


def test_an_estimate_sends_nothing(seven: World) -> None:
    with Hightouch(**seven.settings()) as client:
        told = client.syncs.estimate_many(["sync-1", 3], at_once=1, run_time=60)
    assert told == BatchEstimate(lookups=1, triggers=2, looks=2, requests=5, seconds=told.seconds)
    assert told.seconds == pytest.approx(120 / 10)
    assert seven.requests() == []


async def _estimate(world: World) -> BatchEstimate:
    async with AsyncHightouch(**world.settings()) as client:
        return await client.syncs.estimate_many(["sync-1", 3])


def test_an_estimate_of_an_async_client_is_the_same(seven: World) -> None:
    assert asyncio.run(_estimate(seven)).requests == 5


WAITS = {
    "wait": """
        with Hightouch(**settings) as client:
            client.syncs.run_many([1, 2, 3], at_once=2).wait()
    """,
    "block": """
        with Hightouch(**settings) as client, client.syncs.run_many([1, 2, 3], at_once=2) as batch:
            time.sleep(60)
    """,
    "async": """
        async def main():
            async with AsyncHightouch(**settings) as client:
                batch = await client.syncs.run_many([1, 2, 3], at_once=2)
                await batch.wait()
        asyncio.run(main())
    """,
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_process_that_is_asked_to_end_says_which_runs_go_on(wait: str, endless: World) -> None:
    process = start(endless, WAITS[wait])
    until(lambda: triggers(endless) == 2)
    # Once the batch has read the states of runs twice, the answers to both triggers have most likely arrived.
    endless.wait_for(lambda log: sum(request["operation"] == "ListSyncRuns" for request in log) >= 2)
    process.send_signal(signal.SIGTERM)
    code, _, err = ended(process)
    assert code == 128 + signal.SIGTERM, err
    assert "The batch was stopped. Runs go on: 2." in err
    assert "Syncs that were not started: 3." in err
    assert triggers(endless) == 2


def test_a_handler_of_the_program_stays_in_place(endless: World) -> None:
    process = start(
        endless,
        """
        def own(*_):
            print("own", flush=True)
            os._exit(7)
        signal.signal(signal.SIGTERM, own)
        with Hightouch(**settings) as client:
            client.syncs.run_many([1]).wait()
        """,
    )
    until(lambda: triggers(endless) == 1)
    process.send_signal(signal.SIGTERM)
    assert ended(process)[:2] == (7, "own\n")


def test_a_forked_child_and_a_thread_end_as_usual(endless: World) -> None:
    out, _ = run(
        endless,
        """
        with Hightouch(**settings) as client, client.syncs.run_many([1]) as batch:
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(9)
            time.sleep(0.2)
            os.kill(child, signal.SIGTERM)
            print(end_of(child))
        with Hightouch(**settings) as client:
            batch = client.syncs.run_many([2])
            seen = []
            def wait():
                try:
                    batch.wait(timeout=0.3)
                except WaitTimeoutError:
                    seen.append("timeout")
            thread = threading.Thread(target=wait)
            thread.start()
            time.sleep(0.1)
            print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
            thread.join()
            print(seen)
        """,
    )
    assert out == f"{-signal.SIGTERM}\nTrue\n['timeout']\n"


def test_a_forked_child_with_a_batch_of_its_own_ends_as_cleanly_as_its_parent(endless: World) -> None:
    out, err = run(
        endless,
        """
        with Hightouch(**settings) as client:
            with client.syncs.run_many([1]):
                child = os.fork()
                if child == 0:
                    try:
                        with Hightouch(**settings) as own, own.syncs.run_many([2]) as batch:
                            while not any(item.in_progress for item in batch.items):
                                try:
                                    batch.wait(timeout=0.2)
                                except WaitTimeoutError:
                                    pass
                            os.kill(os.getpid(), signal.SIGTERM)
                            time.sleep(60)
                    except SystemExit as ended:
                        left = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
                        print(ended.code, "Runs go on: 1" in ended.__notes__[0], left, flush=True)
                        os._exit(0)
                print(end_of(child), flush=True)
                print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, flush=True)
            print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        """,
    )
    assert out.split() == ["143", "True", "True", "0", "False", "True"], err


def test_a_later_wait_is_not_taken_for_one_that_was_asked_to_end(endless: World) -> None:
    _, err = run(
        endless,
        """
        with Hightouch(**settings) as client:
            for text, end in (("first", lambda: os.kill(os.getpid(), signal.SIGTERM)), ("second", lambda: 1 / 0)):
                try:
                    with client.syncs.run_many([1, 2], at_once=1) as batch:
                        end()
                except (SystemExit, ZeroDivisionError):
                    print(text, file=sys.stderr, flush=True)
        """,
    )
    first, second = err.split("first")
    assert "The batch was stopped." in first
    assert "The batch was stopped." not in second


def test_the_usual_handler_is_back_after_a_wait(seven: World) -> None:
    out, _ = run(
        seven,
        """
        before = signal.getsignal(signal.SIGTERM)
        with Hightouch(**settings) as client:
            with client.syncs.run_many([1]) as batch:
                assert signal.getsignal(signal.SIGTERM) is not before
                batch.wait()
                for _ in batch:
                    pass
                assert signal.getsignal(signal.SIGTERM) is not before
        print(signal.getsignal(signal.SIGTERM) is before)
        """,
    )
    assert out == "True\n"


def test_the_checkpoint_of_one_language_is_read_by_the_others(seven: World, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    with Hightouch(**seven.settings()) as client:
        client.syncs.run_many([1], checkpoint=path).wait()
    header = json.loads(path.read_text().splitlines()[0])
    assert (header["checkpoint"], header["format"], header["syncs"]) == ("syncs.run_many", 1, [1])
    assert seven.settings()["api_key"] not in path.read_text()
