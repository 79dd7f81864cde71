"""OpenTelemetry: spans and metrics of the calls of a client. Needs ``hightouch-sdk[otel]``.

The package ``hightouch_sdk`` does not import this module::

    from hightouch_sdk import Hightouch
    from hightouch_sdk.otel import instrument

    ht = Hightouch()
    instrument(ht)
    ht.syncs.get(7)
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from ._async_client import AsyncHightouch
from ._client import Hightouch
from ._errors import HightouchError
from ._names import __version__
from ._threads import guard

try:
    from opentelemetry import context, metrics, propagate, trace
    from opentelemetry.metrics import MeterProvider, Observation
    from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TracerProvider
except ImportError as _missing:
    raise ImportError(
        "hightouch_sdk.otel needs the package opentelemetry-api. Install `hightouch-sdk[otel]`.", name=_missing.name
    ) from _missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Meter
    from opentelemetry.trace import Span, Tracer

    from ._errors import Meta
    from ._health import Stats
    from ._hooks import CallEnd, CallStart

__all__ = ["instrument"]

_Value: TypeAlias = str | bool | int | float

_SCOPE = "hightouch_sdk"
_SCHEMA = "https://opentelemetry.io/schemas/1.36.0"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300)
"""The bounds of the buckets for durations, in seconds. OpenTelemetry recommends the bounds up to 10 s for HTTP."""

_instrumented: weakref.WeakSet[Hightouch | AsyncHightouch] = weakref.WeakSet()


def instrument(
    client: Hightouch | AsyncHightouch,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    attributes: Mapping[str, str | bool | int | float] | None = None,
) -> None:
    """Creates a span for each call of a client, and measures the calls and the rate limit.

    Each request of a call sends the context of the span. Each page of a list, each step of following a run and each
    request of a batch is a call. The spans of a batch's requests are children of the span of ``syncs.run_many``, and
    end after that span. Instrumenting a client again changes nothing.

    Args:
        client: The client.
        tracer_provider: Creates the spans. Default: the global provider.
        meter_provider: Creates the metrics. Default: the global provider.
        attributes: Attributes to add to all spans and metrics of this client. The figures of the rate limit belong to a
            workspace. If a program uses several workspaces, give each client an attribute that names its workspace.
    """
    with guard():
        if client in _instrumented:
            return
        _instrumented.add(client)
    meter = metrics.get_meter(_SCOPE, __version__, meter_provider, _SCHEMA)
    tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider, _SCHEMA)
    own = dict(attributes or {})
    telemetry = _Telemetry(tracer, meter, own)
    client.add_hooks(on_start=telemetry.started, on_end=telemetry.ended)
    _observe_limit(meter, weakref.ref(client), own)


class _Telemetry:
    """The hooks that create spans and metrics for one client."""

    def __init__(self, tracer: Tracer, meter: Meter, attributes: dict[str, _Value]) -> None:
        self._tracer = tracer
        self._attributes = attributes
        self._calls: dict[tuple[str, int], tuple[Span, int, dict[str, _Value]]] = {}
        self._duration = meter.create_histogram(
            "hightouch.client.call.duration",
            unit="s",
            description="Duration of a call, with all its attempts and waits.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._waited = meter.create_histogram(
            "hightouch.client.limit.wait.duration",
            unit="s",
            description="How long a call waited for the rate limit.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._cuts = meter.create_counter(
            "hightouch.client.limit.cuts",
            unit="{cut}",
            description="Refusals (429) that lowered the rate limit.",
        )

    def started(self, call: CallStart) -> None:
        given = {
            "http.request.method": call.http_method,
            "url.template": call.url_template,
            "server.address": call.server_address,
            "server.port": call.server_port,
            "hightouch.operation": call.operation,
        }
        # Metrics have these attributes too, so each attribute may have only a few different values.
        common: dict[str, _Value] = {
            **self._attributes,
            **{name: value for name, value in given.items() if value is not None},
        }
        named = {
            "hightouch.operation.id": call.operation_id,
            "hightouch.call.id": call.call_id,
            "hightouch.resource": call.resource,
            "hightouch.sync": call.sync,
        }
        own = {name: value for name, value in named.items() if value is not None}
        in_batch = call.batch_call_id is not None
        start = int(call.started_ms * 1e6) if in_batch else time.time_ns()
        span = self._tracer.start_span(
            call.operation,
            _parent_of_request(call) if in_batch else None,
            SpanKind.CLIENT,
            {**common, **own},
            start_time=start,
        )
        if not in_batch:
            propagate.inject(call.headers, trace.set_span_in_context(span))
        self._calls[_key(call)] = (span, start, common)

    def ended(self, call: CallEnd) -> None:
        known = self._calls.pop(_key(call), None)
        if known is None:
            return
        span, start, common = known
        end = time.time_ns()
        if call.batch_call_id is not None and call.meta is not None:
            end = start + int(call.meta.duration_ms * 1e6)
        if call.error is not None:
            common["error.type"] = _error_type(call.error)
        if span.is_recording():
            _describe(span, start, call)
        span.end(end)
        self._duration.record((end - start) / 1e9, common)
        if call.meta is not None:
            self._waited.record(call.meta.waited_ms / 1000, common)
            if call.meta.cuts:
                self._cuts.add(len(call.meta.cuts), common)


def _key(call: CallStart | CallEnd) -> tuple[str, int]:
    """Identifies a call. Requests of a batch can share an id, so the result contains the current thread too."""
    return call.call_id, 0 if call.batch_call_id is None else threading.get_ident()


def _parent_of_request(call: CallStart) -> Context:
    """Returns the context of the span of ``syncs.run_many``. The headers of a batch's requests contain this context."""
    current = context.get_current()
    found = trace.get_current_span(propagate.extract(call.headers, current)).get_span_context()
    if not found.is_valid:
        return current
    # The propagator marks the span as remote. But the span belongs to this process, so `near` lacks this mark.
    near = SpanContext(found.trace_id, found.span_id, False, found.trace_flags, found.trace_state)
    return trace.set_span_in_context(NonRecordingSpan(near), current)


def _error_type(error: BaseException) -> str:
    return error.kind if isinstance(error, HightouchError) else type(error).__qualname__


def _describe(span: Span, start: int, call: CallEnd) -> None:
    if call.meta is not None:
        _describe_attempts(span, start, call.meta)
    if call.error is not None:
        span.set_attribute("error.type", _error_type(call.error))
        if isinstance(call.error, HightouchError) and call.error.code is not None:
            span.set_attribute("hightouch.error.code", call.error.code)
        span.set_status(Status(StatusCode.ERROR, str(call.error)))


def _describe_attempts(span: Span, start: int, meta: Meta) -> None:
    span.set_attribute("hightouch.limit.wait.duration", meta.waited_ms / 1000)
    for number, attempt in enumerate(meta.attempts):
        about: dict[str, _Value] = {"hightouch.attempt.duration": attempt.ms / 1000}
        if number > 0:
            about["http.request.resend_count"] = number
        if attempt.status is not None:
            about["http.response.status_code"] = attempt.status
        if attempt.failure is not None:
            about["error.type"] = attempt.failure
        span.add_event("hightouch.attempt", about, start + int(attempt.at_ms * 1e6))
    for cut in meta.cuts:
        span.add_event(
            "hightouch.limit.cut",
            {"hightouch.limit.allowed": cut.allowed, "hightouch.limit.closed": cut.closed_ms / 1000},
        )
    for change in meta.scope_changes:
        told: dict[str, _Value] = {"hightouch.limit.scope": change.scope}
        if change.fallback is not None:
            told["hightouch.limit.fallback"] = change.fallback
        span.add_event("hightouch.limit.scope", told)
    if meta.attempts:
        last = meta.attempts[-1]
        if last.status is not None:
            span.set_attribute("http.response.status_code", last.status)
        if len(meta.attempts) > 1:
            span.set_attribute("http.request.resend_count", len(meta.attempts) - 1)


def _observe_limit(
    meter: Meter, client: weakref.ref[Hightouch | AsyncHightouch], attributes: dict[str, _Value]
) -> None:
    def gauge(name: str, description: str, read: Callable[[Stats], int]) -> None:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            alive = client()
            return [] if alive is None else [Observation(read(alive.stats()), attributes)]

        meter.create_observable_gauge(
            f"hightouch.client.limit.{name}", [observe], unit="{request}", description=description
        )

    def waiting(stats: Stats) -> int:
        line = stats.waiting
        return line.trigger + line.poll + line.read + line.bulk

    gauge("waiting", "Calls that wait for the rate limit.", waiting)
    gauge("in_flight", "Requests in progress.", lambda stats: stats.in_flight)
    gauge("allowed", "Requests that are sent per window at present.", lambda stats: stats.allowed)
