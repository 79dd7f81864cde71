"""The log records of the package."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import ANY

import pytest

from hightouch_sdk import AsyncHightouch, CallEnd, Cut, Hightouch, NotFoundError, _waiting
from hightouch_sdk import _log as package_log
from sandbox import World
from scripts import run
from test_asyncio import WithoutDescriptors

EXTRA = ("event", "call_id", "operation", "operation_id", "resource", "sync", "attempt", "waited")


def extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in EXTRA}


def events(records: list[logging.LogRecord]) -> list[str]:
    assert {record.name for record in records} <= {"hightouch_sdk"}
    return [extra(record)["event"] for record in records]


def without_waits(records: list[logging.LogRecord]) -> list[logging.LogRecord]:
    """Leaves out waits for the limit. A call waits if another process of this machine locks the limit's file."""
    return [record for record in records if extra(record)["event"] not in ("waiting", "waited")]


class Watch(logging.Handler):
    """Notes each record's event, and how many requests the world had received when the record was written."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.INFO)
        self.world = world
        self.seen: list[tuple[str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append((extra(record)["event"], len(self.world.requests())))


@contextmanager
def watching(world: World) -> Iterator[list[tuple[str, int]]]:
    """Yields the events of all records, each with the number of requests that the world had received by then."""
    watch = Watch(world)
    logging.getLogger("hightouch_sdk").addHandler(watch)
    yield watch.seen
    logging.getLogger("hightouch_sdk").removeHandler(watch)


@pytest.fixture
def info(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "hightouch_sdk")
    return caplog


def test_a_call_is_logged_without_its_arguments(
    client: Hightouch, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "hightouch_sdk"):
        list(client.syncs.list(slug="quite-private"))
        client.set_api_key(world.keys.readOnly)
    assert [record.levelno for record in caplog.records] == [logging.DEBUG, logging.DEBUG]
    assert caplog.messages[0].startswith("syncs.list succeeded in ")
    assert "attempts [200]" in caplog.messages[0]
    assert "quite-private" not in caplog.text
    assert world.keys.readOnly not in caplog.text


def test_the_record_of_a_call_has_its_id_its_method_and_its_sync(
    new_world: Callable[..., World], caplog: pytest.LogCaptureFixture
) -> None:
    ends: list[CallEnd] = []
    world = new_world(slugs=["orders"])
    with (
        Hightouch(**world.settings(on_end=ends.append)) as client,
        caplog.at_level(logging.DEBUG, "hightouch_sdk"),
    ):
        client.syncs.get("orders")
        with pytest.raises(NotFoundError):
            client.syncs.get(999)
    by_slug, by_id = caplog.records[:2]
    assert extra(by_slug) == {
        "event": "ended",
        "call_id": ends[0].call_id,
        "operation": "syncs.get",
        "operation_id": "GetSync",
        "resource": 'sync "orders"',
        "sync": "orders",
        "attempt": 2,
        "waited": pytest.approx(0, abs=1),  # another process of this machine may lock the limit's file for a moment
    }
    assert by_slug.getMessage().startswith('syncs.get (sync "orders") succeeded in ')
    assert extra(by_id)["call_id"] == ends[1].call_id != ends[0].call_id
    assert by_id.getMessage().startswith("syncs.get (sync 999) failed (not_found) in ")


def test_a_trigger_says_which_run_it_started(new_world: Callable[..., World], info: pytest.LogCaptureFixture) -> None:
    with Hightouch(**new_world(slugs=["orders"]).settings()) as client:
        client.syncs.get("orders")
        client.syncs.trigger("orders")
    (record,) = without_waits(info.records)
    assert (record.levelno, record.getMessage()) == (
        logging.INFO,
        'syncs.trigger (sync "orders") has started run 9001.',
    )
    assert (extra(record)["event"], extra(record)["sync"]) == ("started", "orders")


def test_a_lost_trigger_is_told_when_the_search_begins(
    new_world: Callable[..., World], info: pytest.LogCaptureFixture
) -> None:
    lost = {"when": {"operation": "TriggerRun"}, "answer": {"reset": "before-headers", "apply": True}}
    world = new_world(script=[lost])
    with watching(world) as seen, Hightouch(**world.settings()) as client:
        assert client.syncs.trigger(1).adopted
    records = without_waits(info.records)
    assert events(records) == ["searching", "adopted"]
    assert records[1].getMessage() == "syncs.trigger (sync 1) has found its run: 9001."
    # Between the two records, the client reads the list of runs, so the server has received more requests.
    requests = dict(seen)
    assert requests["searching"] < requests["adopted"]


def refusals() -> list[dict[str, Any]]:
    """Answers of the server: a failure, then a refusal that asks for a pause of 30 seconds of the world."""
    return [
        {"when": {"nth": 1}, "answer": {"status": 503}},
        {"when": {"nth": 2}, "answer": {"status": 429, "headers": {"Retry-After": "30"}}},
    ]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_retries_cuts_and_long_waits_are_told_while_the_call_goes_on(
    new_world: Callable[..., World], info: pytest.LogCaptureFixture, asynchronous: bool
) -> None:
    # The pause takes about 4 real seconds, so the first record of the wait is written long before its end.
    world = new_world(script=refusals(), timeScale=8)
    ends: list[CallEnd] = []

    async def main() -> None:
        async with AsyncHightouch(**world.settings(on_end=ends.append)) as client:
            await client.syncs.get(1)

    with watching(world) as seen:
        if asynchronous:
            asyncio.run(main())
        else:
            with Hightouch(**world.settings(on_end=ends.append)) as client:
                client.syncs.get(1)
    assert events(info.records) == ["retry", "cut", "waiting", "waited"]
    assert {extra(record)["call_id"] for record in info.records} == {ends[0].call_id}
    assert [extra(record)["attempt"] for record in info.records] == [1, 2, 2, 2]
    # The record `waiting` was written during the wait: the third of three requests was not yet sent.
    assert seen[2] == ("waiting", 2)
    meta = ends[0].meta
    assert meta is not None
    assert meta.cuts == [Cut(allowed=140, closed_ms=ANY)]
    assert "140 requests" in info.records[1].getMessage()
    assert extra(info.records[3])["waited"] == pytest.approx(meta.waited_ms / 1000, abs=0.01)


def test_an_outage_during_a_wait_is_told_once_and_so_is_its_end(
    new_world: Callable[..., World], info: pytest.LogCaptureFixture
) -> None:
    out = {"when": {"operation": "ListSyncRuns"}, "answer": {"status": 503}, "times": 8}
    with Hightouch(**new_world(runs={"seconds": 1}, script=[out]).settings()) as client:
        client.syncs.trigger(1).wait(timeout=600)
    told = [record for record in info.records if extra(record)["event"] in ("unreachable", "reachable")]
    assert events(told) == ["unreachable", "reachable"]
    assert told[1].getMessage() == "run 9001 of sync 1 can be read again."
    assert extra(told[0])["sync"] == "1"


def test_a_program_that_shows_no_records_of_this_level_pays_for_none(
    new_world: Callable[..., World], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "hightouch_sdk")
    assert package_log.listener() is None
    with Hightouch(**new_world(script=refusals()).settings()) as client:
        client.syncs.get(1)
    assert caplog.records == []
    caplog.set_level(logging.INFO, "hightouch_sdk")
    assert package_log.listener() is package_log.tell


@pytest.mark.parametrize("module", ["", "from gevent import monkey; monkey.patch_all()"])
def test_a_signal_whose_handler_runs_while_a_record_is_written_ends_the_call(
    new_world: Callable[..., World], module: str
) -> None:
    printed, errors = run(
        new_world(script=refusals()),
        f"""
        {module}
        import logging
        log = logging.getLogger("hightouch_sdk")
        log.setLevel(logging.INFO)
        raised = []
        def press(record):
            if not raised:
                raised.append(record)
                signal.raise_signal(signal.SIGINT)
            return True
        log.addFilter(press)
        try:
            Hightouch(**settings).syncs.get(1)
        except KeyboardInterrupt as error:
            print("interrupted", *error.__notes__)
        """,
    )
    assert printed.startswith("interrupted"), (printed, errors)
    assert "the call was cancelled" in printed
    assert "ignored" not in errors


def test_an_interrupted_listener_does_not_lose_the_answer_that_has_arrived() -> None:
    class Box:
        def fileno(self) -> None:
            return None

        def wait(self, milliseconds: int) -> bool:
            return True

        def drain(self) -> list[Any]:
            return [(0, (True, "{}", b"answer"))]

        def notices(self) -> list[str]:
            return ["notice"]

    class Engine:
        def start(self, *_: object) -> Any:
            return Any

    def called_with(raised: BaseException) -> tuple[Any, BaseException | None]:
        def tell(_: str) -> None:
            raise raised

        return _waiting.called(cast(Any, Engine()), "syncs.get", "", "", tell)

    reports: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_waiting, "Mailbox", Box)
        patch.setattr(_waiting, "_gevent", lambda: Box)
        patch.setattr(_waiting, "arrived", lambda *_: True)
        patch.setattr(sys, "unraisablehook", lambda report: reports.append(report.exc_value))
        pressed, defect = KeyboardInterrupt(), LookupError("a filter with a defect")
        assert called_with(pressed) == ((True, "{}", b"answer"), pressed)
        assert called_with(defect) == ((True, "{}", b"answer"), None)
    assert reports == [defect]


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, WithoutDescriptors])
def test_a_filter_that_raises_does_not_stop_later_answers_of_its_event_loop(
    new_world: Callable[..., World],
    monkeypatch: pytest.MonkeyPatch,
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    def broken(record: logging.LogRecord) -> bool:
        raise LookupError("a filter with a defect")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with AsyncHightouch(**new_world(script=refusals()).settings()) as client:
            for sync in (1, 2, 3):
                assert (await asyncio.wait_for(client.syncs.get(sync), 60)).id == sync

    log = logging.getLogger("hightouch_sdk")
    monkeypatch.setattr(log, "filters", [broken])
    monkeypatch.setattr(log, "level", logging.INFO)
    log.manager._clear_cache()  # type: ignore[attr-defined]
    loop = new_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
        monkeypatch.undo()
        log.manager._clear_cache()  # type: ignore[attr-defined]


def test_a_filter_that_raises_changes_no_call(new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[Any] = []
    log = logging.getLogger("hightouch_sdk")

    def broken(record: logging.LogRecord) -> bool:
        raise LookupError("a filter with a defect")

    monkeypatch.setattr(sys, "unraisablehook", reports.append)
    monkeypatch.setattr(log, "filters", [broken])
    monkeypatch.setattr(log, "level", logging.INFO)
    log.manager._clear_cache()  # type: ignore[attr-defined]
    try:
        with Hightouch(**new_world(script=refusals()).settings()) as client:
            assert client.syncs.get(1).id == 1
        assert {type(report.exc_value) for report in reports} == {LookupError}

        async def main() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: reports.append(context["exception"]))
            async with AsyncHightouch(**new_world(script=refusals()).settings()) as client:
                assert (await client.syncs.get(1)).id == 1

        reports.clear()
        asyncio.run(main())
        assert {type(report) for report in reports} == {LookupError}
    finally:
        monkeypatch.undo()
        log.manager._clear_cache()  # type: ignore[attr-defined]


def test_no_answer_is_missed_among_many_records(
    new_world: Callable[..., World], info: pytest.LogCaptureFixture
) -> None:
    world = new_world(script=[{"answer": {"status": 503}, "times": 40}])

    async def main() -> None:
        # The retry budget of a single client allows fewer than 40 retries, so the test has many clients.
        clients = [AsyncHightouch(**world.settings(max_retries=20)) for _ in range(20)]
        await asyncio.gather(*(client.syncs.get(sync) for client in clients for sync in (1, 2, 3)))
        await asyncio.gather(*(client.close() for client in clients))

    asyncio.run(main())
    assert events(without_waits(info.records)) == ["retry"] * 40
