"""Sends traces with OpenTelemetry (the extra `otel`).

The trace of an event is found by the event's number, so that nothing must be stored about it between callback and
claim: the trace id and the id of the first span are a hash of instance and number. Times come from the machine's clock,
as for all spans.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from importlib.metadata import version
from typing import Any, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from bridge.domain.seams import NO_HEADERS, NO_STEP, Attribute, Step
from bridge.monitoring.traces import Traced

Ids = tuple[int, int]
FIRST: ContextVar[Ids | None] = ContextVar("first span", default=None)


class OfEvents:
    """Gives random ids, except for the first span of an event. It has the methods of an `IdGenerator` and is not a
    subclass, because mypy may not find that class."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        ids = FIRST.get()
        return int(self._random.generate_trace_id() if ids is None else ids[0])

    def generate_span_id(self) -> int:
        ids = FIRST.get()
        return int(self._random.generate_span_id() if ids is None else ids[1])

    def is_trace_id_random(self) -> bool:
        return False


class OtelStep:
    """A span that has not ended."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, name: str, value: Attribute) -> None:
        """Set an attribute of the span."""
        self._span.set_attribute(name, value)


class Otel:
    """Implements domain.seams.Tracing."""

    def __init__(self, traced: Traced, bridge: str, instance: str, processor: SpanProcessor) -> None:
        self._bridge, self._propagate = bridge, traced.propagate
        about = {
            "service.name": "sync-bridge",
            "service.namespace": bridge,
            "service.instance.id": instance,
            "service.version": version("sync-bridge"),
        }
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(traced.sample),
            resource=Resource.create(about),
            id_generator=cast(Any, OfEvents()),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("bridge")

    @contextmanager
    def step(self, name: str, event: int | None = None, **about: Attribute) -> Iterator[Step]:
        """Record a step. Of an error that ends it, only the class is noted, because its text may contain personal
        data."""
        if event is None and not trace.get_current_span().get_span_context().is_valid:
            yield NO_STEP  # sweeps and audits make thousands of calls that belong to no record
            return
        context = None if event is None else self._after(event)
        attributes = about if event is None else {**about, "event": event}
        with self._tracer.start_as_current_span(
            name, context, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield OtelStep(span)
            except BaseException as error:
                span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
                raise

    def took(self, name: str, event: int, seconds: float, **about: Attribute) -> None:
        """Record the first span of an event, after it has ended."""
        ended = time.time_ns()
        token = FIRST.set(ids_of(self._bridge, event))
        try:
            begun = ended - int(seconds * 1e9)
            span = self._tracer.start_span(name, Context(), attributes={**about, "event": event}, start_time=begun)
        finally:
            FIRST.reset(token)
        span.end(ended)

    def headers(self) -> Mapping[str, str]:
        """Return the W3C `traceparent` of the current step."""
        context = trace.get_current_span().get_span_context()
        if not self._propagate or not context.is_valid:
            return NO_HEADERS
        return {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}

    def shutdown(self) -> None:
        """Send the spans that are left. This takes as long as the endpoint needs, perhaps more than ten seconds."""
        self._provider.shutdown()

    def _after(self, event: int) -> Context:
        trace_id, span_id = ids_of(self._bridge, event)
        first = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(1))
        return trace.set_span_in_context(trace.NonRecordingSpan(first), Context())


def ids_of(bridge: str, event: int) -> Ids:
    """Return the trace id and the id of the first span of an event."""
    digest = sha256(f"{bridge}/{event}".encode()).digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1


def exporting(traced: Traced, bridge: str, instance: str) -> Otel:
    """Return traces that are sent in the background. Spans that find the queue full are dropped, so nothing waits."""
    headers = {"Authorization": traced.authorization} if traced.authorization else None
    return Otel(
        traced, bridge, instance, BatchSpanProcessor(OTLPSpanExporter(endpoint=traced.endpoint, headers=headers))
    )
