"""Spans and metrics, with the exporters of OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import typing
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from hightouch_sdk import AsyncHightouch, ConfigError, Hightouch, NotFoundError
from hightouch_sdk.otel import instrument
from sandbox import World


class Collected:
    """Spans and metrics of one test."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._metrics])

    def instrument(self, client: Hightouch | AsyncHightouch, **attributes: str) -> None:
        instrument(client, tracer_provider=self.tracers, meter_provider=self.meters, attributes=attributes)

    def spans(self) -> Sequence[ReadableSpan]:
        return self._spans.get_finished_spans()

    def points(self) -> dict[str, list[Any]]:
        """Returns the data points of each metric."""
        data = self._metrics.get_metrics_data()
        resources = [] if data is None else data.resource_metrics
        scopes = [scope for resource in resources for scope in resource.scope_metrics]
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


@pytest.fixture
def collected() -> Iterator[Collected]:
    made = Collected()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


def attributes(of: Any) -> dict[str, Any]:
    return dict(of.attributes)


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def test_a_call_is_a_span_with_its_attempts_as_events(new_world: Callable[..., World], collected: Collected) -> None:
    world = new_world(script=[{"when": {"nth": 1}, "answer": {"status": 503}}])
    with Hightouch(**world.settings()) as client:
        collected.instrument(client)
        client.syncs.get(1)
    (span,) = collected.spans()
    address = urllib.parse.urlsplit(world.answer["baseUrl"])
    assert (span.name, span.kind, span.status.status_code) == ("syncs.get", SpanKind.CLIENT, StatusCode.UNSET)
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "hightouch_sdk"
    shown = attributes(span)
    assert len(shown.pop("hightouch.call.id")) == 32
    assert shown.pop("hightouch.limit.wait.duration") >= 0
    assert shown == {
        "http.request.method": "GET",
        "url.template": "/syncs/{syncId}",
        "server.address": address.hostname,
        "server.port": address.port,
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
        "hightouch.operation": "syncs.get",
        "hightouch.operation.id": "GetSync",
        "hightouch.resource": "sync 1",
        "hightouch.sync": "1",
    }
    first, second = span.events
    assert [event.name for event in (first, second)] == ["hightouch.attempt"] * 2
    assert attributes(first)["http.response.status_code"] == 503
    assert "http.request.resend_count" not in attributes(first)
    assert (attributes(second)["http.response.status_code"], attributes(second)["http.request.resend_count"]) == (
        200,
        1,
    )
    assert span.start_time is not None
    assert span.end_time is not None
    # The times of attempts are whole milliseconds, so both attempts may have the same time.
    assert span.start_time <= first.timestamp <= second.timestamp <= span.end_time


def test_an_error_is_named_by_its_kind(world: World, collected: Collected) -> None:
    with Hightouch(**world.settings()) as client:
        collected.instrument(client, deployment="test")
        with pytest.raises(NotFoundError) as raised:
            client.syncs.get(999)
    (span,) = collected.spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, str(raised.value))
    assert attributes(span)["error.type"] == "not_found"
    assert attributes(span)["http.response.status_code"] == 404
    (duration,) = collected.points()["hightouch.client.call.duration"]
    assert (attributes(duration)["error.type"], attributes(duration)["deployment"]) == ("not_found", "test")
    assert "hightouch.call.id" not in attributes(duration)


def test_the_context_goes_along_with_all_requests_of_a_call(
    new_world: Callable[..., World], collected: Collected
) -> None:
    world = new_world(slugs=["orders"])
    with Hightouch(**world.settings()) as client:
        collected.instrument(client)
        with collected.tracers.get_tracer("test").start_as_current_span("outer") as outer:
            client.syncs.trigger("orders", headers={"x-kept": "yes"})
    trigger, _ = collected.spans()
    assert trigger.parent == outer.get_span_context()
    sent = [request["headers"] for request in world.requests()]
    assert [headers["traceparent"] for headers in sent] == [trace_of(trigger)] * 2
    assert {headers["x-kept"] for headers in sent} == {"yes"}


def test_calls_at_once_in_an_event_loop_have_their_own_spans_and_parents(world: World, collected: Collected) -> None:
    tracer = collected.tracers.get_tracer("test")

    async def one(client: AsyncHightouch, sync: int) -> None:
        with tracer.start_as_current_span(f"outer {sync}"):
            await client.syncs.get(sync)

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            collected.instrument(client)
            await asyncio.gather(*(one(client, sync) for sync in (1, 2, 3)))

    asyncio.run(main())
    spans = collected.spans()
    outer = {span.context.span_id: span.name for span in spans if span.context and span.name.startswith("outer")}
    calls = [span for span in spans if span.name == "syncs.get"]
    assert len(calls) == 3
    for span in calls:
        assert span.parent is not None
        assert outer[span.parent.span_id] == f"outer {attributes(span)['hightouch.sync']}"
    assert sorted(request["headers"]["traceparent"] for request in world.requests()) == sorted(map(trace_of, calls))


def test_a_cancelled_call_ends_its_span(new_world: Callable[..., World], collected: Collected) -> None:
    world = new_world(script=[{"answer": {"hang": True}}])

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            collected.instrument(client)
            call = asyncio.create_task(client.syncs.get(1))
            await asyncio.to_thread(world.wait_for, lambda requests: len(requests) == 1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(main())
    (span,) = collected.spans()
    assert attributes(span)["error.type"] == "CancelledError"
    assert span.status.status_code == StatusCode.ERROR


def test_the_limit_is_measured(new_world: Callable[..., World], collected: Collected) -> None:
    world = new_world(
        script=[
            {"when": {"nth": 1}, "answer": {"status": 429, "headers": {"Retry-After": "8"}}},
            {"when": {"nth": 3}, "answer": {"hang": True}},
        ],
    )

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            collected.instrument(client)
            await client.syncs.get(1)
            call = asyncio.create_task(client.syncs.get(2))
            await asyncio.to_thread(world.wait_for, lambda requests: len(requests) == 3)
            points = collected.points()
            assert [point.value for point in points["hightouch.client.limit.in_flight"]] == [1]
            assert [point.value for point in points["hightouch.client.limit.waiting"]] == [0]
            assert 0 < points["hightouch.client.limit.allowed"][0].value < 200
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(main())
    points = collected.points()
    assert [point.value for point in points["hightouch.client.limit.cuts"]] == [1]
    waited = points["hightouch.client.limit.wait.duration"][0]
    shown = [attributes(span).get("hightouch.limit.wait.duration", 0) for span in collected.spans()]
    assert waited.count == 1
    assert waited.sum == pytest.approx(sum(shown))
    assert waited.sum > 0
    (cut,) = [event for span in collected.spans() for event in span.events if event.name == "hightouch.limit.cut"]
    assert attributes(cut)["hightouch.limit.allowed"] == 140
    duration = points["hightouch.client.call.duration"]
    assert sum(point.count for point in duration) == 2
    assert duration[0].explicit_bounds[0] == 0.005


def test_a_client_that_is_gone_is_measured_no_more(world: World, collected: Collected) -> None:
    client = Hightouch(**world.settings())
    collected.instrument(client)
    assert "hightouch.client.limit.allowed" in collected.points()
    client.close()
    del client
    gc.collect()
    assert "hightouch.client.limit.allowed" not in collected.points()


def test_a_client_is_instrumented_once_and_keeps_its_own_hooks(world: World, collected: Collected) -> None:
    heard: list[str] = []
    hooks = {"on_start": lambda _: heard.append("own start"), "on_end": lambda _: heard.append("own end")}
    with Hightouch(**world.settings(**hooks)) as client:
        collected.instrument(client)
        collected.instrument(client)
        client.add_hooks(on_start=lambda _: heard.append("later start"), on_end=lambda _: heard.append("later end"))
        client.syncs.get(1)
        with pytest.raises(ConfigError, match="`on_end` must be a function"):
            client.add_hooks(on_end="x")  # type: ignore[arg-type]
    assert len(collected.spans()) == 1
    assert heard == ["own start", "later start", "later end", "own end"]


def test_an_unsampled_parent_is_sent_along_and_nothing_is_exported(world: World, collected: Collected) -> None:
    parent = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(0))
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(parent)))
    with Hightouch(**world.settings()) as client:
        collected.instrument(client)
        client.syncs.get(1)
    context.detach(token)
    assert collected.spans() == ()
    assert world.requests()[0]["headers"]["traceparent"].endswith("-00")


def test_without_opentelemetry_the_error_names_the_extra_and_the_package_works() -> None:
    code = """
import sys
sys.modules["opentelemetry"] = None
import hightouch_sdk
try:
    import hightouch_sdk.otel
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("Install `hightouch-sdk[otel]`.")


def test_the_types_of_the_function_are_known_at_run_time() -> None:
    hints = typing.get_type_hints(instrument)
    assert hints["tracer_provider"] == trace.TracerProvider | None


def test_the_package_does_not_import_opentelemetry() -> None:
    code = "import hightouch_sdk, sys; hightouch_sdk.Hightouch; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_span_tells_that_others_do_not_share_the_limit(world: World, collected: Collected) -> None:
    # Nothing listens on this port, so the client cannot share the limit.
    with Hightouch(**world.settings(limit_scope="redis://127.0.0.1:1")) as client:
        collected.instrument(client)
        client.syncs.get(1)
    (span,) = collected.spans()
    (event,) = [event for event in span.events if event.name == "hightouch.limit.scope"]
    assert attributes(event)["hightouch.limit.scope"] == "process"
    assert attributes(event)["hightouch.limit.fallback"].endswith("it cannot be reached: connection refused")
