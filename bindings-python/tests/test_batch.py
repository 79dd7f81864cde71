"""Many syncs at once, with the blocking client."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from hightouch_sdk import (
    BatchItem,
    ClientClosedError,
    ConflictError,
    Hightouch,
    InvalidRequestError,
    NotFoundError,
    RunFailedError,
    SyncBatch,
    WaitTimeoutError,
)
from sandbox import World, until

SLUGS = [f"sync-{number}" for number in range(1, 8)]
ENDS = {
    "sync-2": {"status": "failed", "error": "the destination refused the key"},
    "sync-4": {"status": "failed"},
    "sync-5": {"status": "warning"},
}


@pytest.fixture
def seven(new_world: Callable[..., World]) -> World:
    """A world with seven syncs: the runs of two syncs fail, and the run of a third sync ends with a warning."""
    runs = {"seconds": 20, "queuedSeconds": 0, "bySlug": ENDS}
    return new_world(syncs=7, pastRuns=0, slugs=SLUGS, timeScale=10, runs=runs)


@pytest.fixture
def endless(new_world: Callable[..., World]) -> World:
    """A world with seven syncs. Their runs do not end."""
    return new_world(syncs=7, pastRuns=0, slugs=SLUGS, runs={"seconds": 100_000, "queuedSeconds": 0})


def triggers(world: World) -> int:
    return sum(request["method"] == "POST" for request in world.requests())


def started(batch: Any) -> list[BatchItem]:
    return [item for item in batch.items if item.run_token is not None]


def test_one_error_names_every_sync_that_failed(seven: World) -> None:
    with Hightouch(**seven.settings()) as client:
        batch = client.syncs.run_many(["sync-1", "sync-2", 3, "sync-4", "no-such-sync"])
        assert isinstance(batch, SyncBatch)
        with pytest.raises(RunFailedError) as raised:
            batch.wait()
    text = str(raised.value)
    assert "3 of 5 syncs did not succeed" in text
    assert "sync-2" in text
    assert "the destination refused the key" in text
    assert "sync-4" in text
    assert "no-such-sync" in text
    two, four, unknown = raised.value.items
    assert [item.outcome for item in batch.items] == ["success", "failure", "success", "failure", "not_started"]
    assert raised.value.items == [batch.items[index] for index in (1, 3, 4)]
    assert (two.sync, two.sync_id, two.error) == ("sync-2", 2, None)
    assert two.state is not None
    assert (two.state.id, two.state.status) == (two.run_id, "failed")
    assert four.run_token is not None
    assert isinstance(unknown.error, NotFoundError)
    assert (unknown.run_token, unknown.run_id, unknown.sync_id) == (None, None, None)
    assert triggers(seven) == 4


def test_the_error_of_a_batch_can_be_pickled_and_has_no_single_result(seven: World) -> None:
    with Hightouch(**seven.settings()) as client, pytest.raises(RunFailedError) as raised:
        client.syncs.run_many([4, "no-such-sync"]).wait()
    assert not hasattr(raised.value, "result")
    again: RunFailedError = pickle.loads(pickle.dumps(raised.value))
    assert [item.sync for item in again.items] == [4, "no-such-sync"]
    assert isinstance(again.items[1].error, NotFoundError)


def test_failures_and_warnings_are_returned_or_raised_as_the_caller_wants(seven: World) -> None:
    with Hightouch(**seven.settings()) as client:
        batch = client.syncs.run_many([4, 5, 6])
        items = batch.wait(on_failure="return")
        assert [item.outcome for item in items] == ["failure", "warning", "success"]
        with pytest.raises(RunFailedError) as raised:
            batch.wait(on_failure="return", on_warning="raise")
        assert [item.sync for item in raised.value.items] == [5]
    assert triggers(seven) == 3


def test_items_come_once_each_as_they_end(new_world: Callable[..., World]) -> None:
    slow = {"sync-1": {"seconds": 90}}
    runs = {"seconds": 10, "queuedSeconds": 0, "bySlug": slow}
    world = new_world(syncs=3, pastRuns=0, slugs=SLUGS[:3], timeScale=10, runs=runs)
    with Hightouch(**world.settings()) as client, client.syncs.run_many([1, 2, 3]) as batch:
        iterator = iter(batch)
        first = next(iterator)
        assert first.outcome == "success"
        assert batch.items[0].outcome is None
        rest = list(iterator)
        assert sorted(item.sync for item in (first, *rest)) == [1, 2, 3]
        assert rest[-1].sync == 1
        assert next(iterator, None) is None
        # A second iteration yields all items again.
        assert list(batch) == [first, *rest]
        assert [item.sync for item in batch.wait()] == [1, 2, 3]


def test_at_most_so_many_syncs_are_in_progress_at_once(seven: World) -> None:
    most: list[int] = []
    with Hightouch(**seven.settings()) as client:
        batch = client.syncs.run_many(range(1, 8), at_once=2)
        batch.wait(on_failure="return", progress=lambda _: most.append(sum(item.in_progress for item in batch.items)))
    # The maximum may be less than 2, because a run may start and end between two calls of `progress`.
    assert max(most) <= 2
    assert triggers(seven) == 7


def test_a_wait_that_times_out_can_be_repeated(new_world: Callable[..., World]) -> None:
    # The client learns that the runs have ended only once it has read a source.
    held = {"when": {"operation": "ListSyncRuns"}, "answer": {"until": {"operation": "GetSource"}}, "times": 1000}
    world = new_world(syncs=7, pastRuns=0, script=[held])
    with Hightouch(**world.settings()) as client:
        batch = client.syncs.run_many([1, 3, 6], at_once=2)
        with pytest.raises(WaitTimeoutError, match="3 of 3 syncs had not ended"):
            batch.wait(timeout=0.1)
        client.sources.get(1)
        assert [item.outcome for item in batch.wait()] == ["success"] * 3


def test_a_batch_goes_on_while_nobody_waits_for_it(seven: World) -> None:
    with Hightouch(**seven.settings()) as client:
        batch = client.syncs.run_many([1, 3, 6], at_once=1)
        until(lambda: triggers(seven) == 3)
        assert [item.outcome for item in batch.items] == [None] * 3
        assert len(batch.wait()) == 3


WRONG: list[tuple[object, dict[str, Any], str]] = [
    ("sync-1", {}, "`syncs` must be a list"),
    (7, {}, "`syncs` must be a list"),
    ([1, None], {}, "syncs"),
    ([1, "no slug"], {}, "no slug"),
    ([1], {"at_once": 0}, "`at_once` must be at least 1"),
    ([1], {"at_once": True}, "`at_once`"),
    ([1], {"full_resync": "yes"}, "`full_resync`"),
    ([1], {"if_running": "explode"}, "if_running"),
    ([1], {"timeout": -1}, "`timeout`"),
]


@pytest.mark.parametrize(("syncs", "more", "said"), WRONG)
def test_a_wrong_argument_sends_nothing(client: Hightouch, world: World, syncs: Any, more: Any, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        client.syncs.run_many(syncs, **more)
    assert world.requests() == []


def test_a_wrong_argument_of_a_wait_does_not_stop_the_batch(seven: World) -> None:
    with Hightouch(**seven.settings()) as client:
        batch = client.syncs.run_many([1])
        wrong: Any
        for wrong in ({"timeout": -1}, {"progress": "yes"}, {"on_failure": "explode"}):
            with pytest.raises(InvalidRequestError):
                batch.wait(**wrong)
        assert [item.outcome for item in batch.wait()] == ["success"]


def test_the_options_apply_to_each_request_and_syncs_may_be_values(seven: World) -> None:
    with Hightouch(**seven.settings()) as client:
        sync = client.syncs.get("sync-6")
        batch = client.syncs.run_many(iter([sync]), full_resync=True, headers={"x-batch": "night"})
        assert [item.sync for item in batch.items] == [6]
        batch.wait()
    [trigger] = [request for request in seven.requests() if request["operation"] == "TriggerRun"]
    assert trigger["body"] == {"fullResync": True, "resetCDC": False, "clearAndFill": False}
    assert trigger["headers"]["x-batch"] == "night"


def test_a_trigger_may_join_a_run_in_progress(endless: World) -> None:
    with Hightouch(**endless.settings()) as client:
        handle = client.syncs.trigger(1)
        batch = client.syncs.run_many([1], if_running="join")
        while not started(batch):
            with pytest.raises(WaitTimeoutError):
                batch.wait(timeout=0.2)
        assert [(item.run_id, item.joined, item.adopted) for item in batch.items] == [(handle.id, True, False)]


def test_a_batch_of_no_syncs_has_ended(client: Hightouch, world: World) -> None:
    batch = client.syncs.run_many([])
    assert list(batch) == batch.wait() == batch.stop() == []
    assert world.requests() == []


def test_a_closed_client_ends_its_batches_and_starts_none(endless: World) -> None:
    client = Hightouch(**endless.settings())
    batch = client.syncs.run_many([1, 2, 3], at_once=2)
    # Waits for the answers to both triggers. If the client were closed before an answer arrived, the outcome of this
    # trigger would be unknown.
    while len(started(batch)) < 2:
        with suppress(WaitTimeoutError):
            batch.wait(timeout=0.1)
    client.close()
    with pytest.raises(RunFailedError) as raised:
        batch.wait()
    assert [type(item.error) for item in raised.value.items] == [ClientClosedError] * 3
    assert len(batch.stop()) == 3
    with pytest.raises(ClientClosedError):
        client.syncs.run_many([1])
    assert triggers(endless) == 2


def test_the_repr_of_a_batch_counts_its_items(seven: World) -> None:
    with Hightouch(**seven.settings()) as client:
        batch = client.syncs.run_many(["sync-2", 3, "no-such-sync"])
        batch.wait(on_failure="return")
    assert repr(batch) == "<SyncBatch: 3 of 3 ended, 2 failed>"


def test_options_that_contradict_each_other_send_nothing(client: Hightouch, world: World) -> None:
    with pytest.raises((InvalidRequestError, RunFailedError), match="join"):
        client.syncs.run_many([1, 2], if_running="join", full_resync=True).wait()
    assert world.requests() == []


def test_an_item_of_a_run_that_was_refused_has_the_error(new_world: Callable[..., World]) -> None:
    refuse = {"when": {"operation": "TriggerRun"}, "answer": {"status": 409, "body": {"message": "busy"}}}
    world = new_world(syncs=2, pastRuns=0, script=[refuse], runs={"seconds": 1})
    with Hightouch(**world.settings()) as client:
        items = client.syncs.run_many([1, 2], at_once=1).wait(on_failure="return")
    assert [item.outcome for item in items] == ["not_started", "success"]
    assert isinstance(items[0].error, ConflictError)
