"""Hooks, log records and spans of the requests that a batch sends in the background."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from hightouch_sdk import AsyncHightouch, CallEnd, CallStart, Hightouch, NotFoundError, RunFailedError
from hightouch_sdk.otel import instrument
from sandbox import World

Heard = list[CallStart | CallEnd]


def a_world(new_world: Callable[..., World]) -> World:
    return new_world(syncs=3, pastRuns=0, slugs=["orders"], timeScale=50, runs={"seconds": 1})


def trace(heard: Heard) -> dict[str, Any]:
    def started(call: CallStart) -> None:
        heard.append(call)
        if call.operation == "syncs.run_many":
            call.headers["traceparent"] = f"00-{call.call_id}-00f067aa0ba902b7-01"

    return {"on_start": started, "on_end": heard.append}


def drive(world: World, flavour: str, **hooks: Any) -> None:
    """Runs a batch of three syncs to its end. One of the syncs does not exist."""
    syncs: list[int | str] = ["orders", 2, 999]
    if flavour == "blocking":
        with Hightouch(**world.settings(**hooks)) as client, pytest.raises(RunFailedError):
            client.syncs.run_many(syncs).wait(timeout=60)
        return

    async def main() -> None:
        async with AsyncHightouch(**world.settings(**hooks)) as client:
            batch = await client.syncs.run_many(syncs)
            with pytest.raises(RunFailedError):
                await batch.wait(timeout=60)

    asyncio.run(main())


@pytest.mark.parametrize("flavour", ["blocking", "asyncio"])
def test_hooks_see_each_request_of_a_batch_with_the_headers_that_the_start_of_the_batch_got(
    new_world: Callable[..., World], flavour: str
) -> None:
    world = a_world(new_world)
    heard: Heard = []
    before = time.time() * 1000
    drive(world, flavour, **trace(heard))
    starts, ends = heard[0::2], heard[1::2]
    assert all(isinstance(start, CallStart) for start in starts)
    assert all(isinstance(end, CallEnd) for end in ends)
    assert [start.call_id for start in starts] == [end.call_id for end in ends]
    batch, of_batch = starts[0], starts[1:]
    assert (batch.operation, batch.batch_call_id) == ("syncs.run_many", None)
    assert {start.batch_call_id for start in of_batch} == {batch.call_id}
    sent = world.requests()
    assert {request["headers"]["traceparent"] for request in sent} == {f"00-{batch.call_id}-00f067aa0ba902b7-01"}
    metas = [end.meta for end in ends[1:] if isinstance(end, CallEnd) and end.meta is not None]
    assert sorted(meta.request_id for meta in metas) == sorted(request["headers"]["x-request-id"] for request in sent)
    for start, end in zip(of_batch, ends[1:], strict=True):
        assert isinstance(start, CallStart)
        assert isinstance(end, CallEnd)
        assert end.meta is not None
        assert (end.operation, end.sync, end.batch_call_id) == (start.operation, start.sync, batch.call_id)
        assert end.meta.waited_ms >= 0
        assert len(end.meta.attempts) == 1
        assert before - 1 <= start.started_ms <= time.time() * 1000
        assert start.headers == {"traceparent": f"00-{batch.call_id}-00f067aa0ba902b7-01"}
    triggers = {start.sync for start in of_batch if start.operation == "syncs.trigger"}
    assert triggers == {"orders", "2", "999"}
    looks = [start for start in of_batch if start.operation == "run"]
    assert {start.sync for start in looks} == {"1", "2"}
    errors = [end.error for end in ends if isinstance(end, CallEnd) and end.error is not None]
    assert [type(error) for error in errors] == [NotFoundError]


def test_stopping_a_batch_calls_the_hooks_for_what_it_has_sent(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=2, pastRuns=0, runs={"seconds": 100_000})
    heard: Heard = []
    with Hightouch(**world.settings(**trace(heard))) as client:
        batch = client.syncs.run_many([1])
        while not world.requests():
            time.sleep(0.01)
        batch.stop()
    assert "syncs.trigger" in {event.operation for event in heard}


def test_a_batch_that_is_stopped_twice_reports_each_request_once(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=2, pastRuns=0, runs={"seconds": 100_000})
    heard: Heard = []
    with Hightouch(**world.settings(**trace(heard))) as client, client.syncs.run_many([1, 2]) as batch:
        while len(world.requests()) < 2:
            time.sleep(0.01)
        batch.stop()
    triggers = [end for end in heard if isinstance(end, CallEnd) and end.operation == "syncs.trigger"]
    assert sorted(str(end.sync) for end in triggers) == ["1", "2"]


def test_an_asyncio_batch_that_is_stopped_twice_reports_each_request_once(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=2, pastRuns=0, runs={"seconds": 100_000})
    heard: Heard = []

    async def main() -> None:
        client = AsyncHightouch(**world.settings(**trace(heard)))
        async with client, await client.syncs.run_many([1, 2]) as batch:
            while len(world.requests()) < 2:
                await asyncio.sleep(0.01)
            await batch.stop()

    asyncio.run(main())
    triggers = [end for end in heard if isinstance(end, CallEnd) and end.operation == "syncs.trigger"]
    assert sorted(str(end.sync) for end in triggers) == ["1", "2"]


@pytest.mark.parametrize("flavour", ["blocking", "asyncio"])
def test_the_log_has_the_notices_and_the_ends_of_a_batch_once(
    new_world: Callable[..., World], caplog: pytest.LogCaptureFixture, flavour: str
) -> None:
    caplog.set_level(logging.DEBUG, "hightouch_sdk")
    world = a_world(new_world)
    drive(world, flavour)
    records: list[Any] = list(caplog.records)
    started = [record for record in records if getattr(record, "event", None) == "started"]
    assert {(record.levelname, record.operation, record.sync) for record in started} == {
        ("INFO", "syncs.trigger", "orders"),
        ("INFO", "syncs.trigger", "2"),
    }
    ended = [record for record in records if getattr(record, "event", None) == "ended"]
    assert len([record for record in ended if record.operation != "close"]) == 1 + len(world.requests())
    assert len([record for record in ended if record.operation == "syncs.run_many"]) == 1
    assert {record.call_id for record in started} <= {record.call_id for record in ended}


def test_hooks_and_filters_that_raise_change_no_batch(
    new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(event: object) -> bool:
        raise LookupError("a defect")

    reports: list[Any] = []
    log = logging.getLogger("hightouch_sdk")
    monkeypatch.setattr(sys, "unraisablehook", reports.append)
    monkeypatch.setattr(log, "filters", [broken])
    monkeypatch.setattr(log, "level", logging.INFO)
    log.manager._clear_cache()  # type: ignore[attr-defined]
    try:
        with Hightouch(**a_world(new_world).settings()) as client:
            assert [item.outcome for item in client.syncs.run_many([1, 2]).wait(timeout=60)] == ["success"] * 2
    finally:
        monkeypatch.undo()
        log.manager._clear_cache()  # type: ignore[attr-defined]
    assert {type(report.exc_value) for report in reports} == {LookupError}
    with Hightouch(**a_world(new_world).settings(on_start=broken, on_end=broken)) as client:
        assert [item.outcome for item in client.syncs.run_many([1, 2]).wait(timeout=60)] == ["success"] * 2


@pytest.mark.parametrize("flavour", ["blocking", "asyncio"])
def test_the_spans_of_a_batch_are_children_of_its_call(new_world: Callable[..., World], flavour: str) -> None:
    world = a_world(new_world)
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = tracers.get_tracer("test")
    syncs: list[int | str] = ["orders", 2]
    if flavour == "blocking":
        with tracer.start_as_current_span("nightly"), Hightouch(**world.settings()) as client:
            instrument(client, tracer_provider=tracers)
            client.syncs.run_many(syncs).wait(timeout=60)
    else:

        async def main() -> None:
            with tracer.start_as_current_span("nightly"):
                async with AsyncHightouch(**world.settings()) as client:
                    instrument(client, tracer_provider=tracers)
                    await (await client.syncs.run_many(syncs)).wait(timeout=60)

        asyncio.run(main())
    spans = {span.context.span_id: span for span in exporter.get_finished_spans() if span.context is not None}
    tracers.shutdown()

    def named(name: str) -> list[ReadableSpan]:
        return [span for span in spans.values() if span.name == name]

    (nightly,), (batch,) = named("nightly"), named("syncs.run_many")
    assert batch.parent is not None
    assert nightly.context is not None
    assert batch.context is not None
    assert batch.parent.span_id == nightly.context.span_id
    requests = [span for span in spans.values() if span not in (nightly, batch)]
    sent = world.requests()
    assert len(requests) == len(sent)
    for span in requests:
        assert span.parent is not None
        assert (span.parent.span_id, span.parent.is_remote) == (batch.context.span_id, False)
        assert span.start_time is not None
        assert span.end_time is not None
        assert batch.start_time is not None
        # The core reports times in whole milliseconds, so a request may seem to begin up to two milliseconds before the
        # batch that sent it.
        assert batch.start_time - 2_000_000 <= span.start_time <= span.end_time <= time.time_ns()
        assert "hightouch.attempt" in {event.name for event in span.events}
    assert len(named("syncs.trigger")) == 2
    parents = {request["headers"]["traceparent"] for request in sent}
    flags = f"{batch.context.trace_flags:02x}"
    assert parents == {f"00-{batch.context.trace_id:032x}-{batch.context.span_id:016x}-{flags}"}


def test_each_request_has_its_span_if_several_threads_wait_for_a_batch(new_world: Callable[..., World]) -> None:
    slugs = [f"sync-{index}" for index in range(20)]
    world = new_world(syncs=20, pastRuns=0, slugs=slugs, timeScale=50, runs={"seconds": 20})
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    with Hightouch(**world.settings()) as client:
        instrument(client, tracer_provider=tracers)
        client.add_hooks(on_start=lambda _: time.sleep(0.02))
        batch = client.syncs.run_many(slugs)
        threads = [threading.Thread(target=batch.wait, kwargs={"timeout": 60}) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [span for span in exporter.get_finished_spans() if span.name in {"syncs.list", "syncs.trigger"}]
    tracers.shutdown()
    sent = [request for request in world.requests() if request["operation"] != "ListSyncRuns"]
    assert len(found) == len(sent)
