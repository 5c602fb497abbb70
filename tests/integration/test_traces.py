"""One trace leads from the callback to the write, found by the event's number; without tracing it costs nothing."""

import asyncio
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.domain.seams import NO_STEP, NO_TRACING
from bridge.monitoring.traces import Traced
from tests.pairs.calls import NO_SWEEPS
from tests.pairs.scenario import hooks_are_registered
from tests.pairs.site import pair_site


@pytest.fixture
def otel() -> Any:
    pytest.importorskip("opentelemetry.sdk", reason="traces need the extra: pip install 'sync-bridge[otel]'")
    from bridge.monitoring import otel

    return otel


@pytest.fixture
def spans(otel: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The spans that would be sent, kept in memory; calls carry traceparent."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()

    def exporting(traced: Any, bridge: str, instance: str) -> Any:
        return otel.Otel(traced, bridge, instance, SimpleSpanProcessor(kept))

    monkeypatch.setattr(otel, "exporting", exporting)
    yield kept
    kept.shutdown()


async def test_a_trace_leads_from_the_callback_to_the_write(tmp_path: Path, spans: Any, otel: Any) -> None:
    swap = {**NO_SWEEPS, "sync:": "traces: {endpoint: 'http://127.0.0.1:1/v1/traces', propagate: true}\nsync:"}
    async with pair_site(tmp_path, "pipedrive", "deskera", swap=swap) as site:
        await hooks_are_registered(site)
        site.source.create(("Ana Lund", "ana@x.example"))
        await site.until_there(("Ana Lund", "ana@x.example"))
        await site.until_in_sync()
    found = spans.get_finished_spans()
    claim = next(one for one in found if one.name == "claim" and one.attributes["outcome"] == "applied")
    trace_id = claim.context.trace_id
    mine = {one.context.span_id: one for one in found if one.context.trace_id == trace_id}
    assert (trace_id, claim.parent.span_id) == otel.ids_of("pairs", claim.attributes["event"])
    assert {one.name for one in mine.values()} == {"callback", "claim", "load", "apply", "call"}
    roots = [one for one in mine.values() if one.parent is None]
    assert [one.name for one in roots] == ["callback"]
    assert roots[0].start_time <= claim.start_time

    def above(one: Any) -> list[str]:
        names = []
        while one.parent is not None:
            one = mine[one.parent.span_id]
            names.append(one.name)
        return names

    calls = [
        (one.attributes["system"], one.attributes["method"], above(one)) for one in mine.values() if one.name == "call"
    ]
    assert ("deskera", "POST", ["apply", "claim", "callback"]) in calls
    assert any(system == "pipedrive" and names[0] == "load" for system, _, names in calls)
    assert all(one.attributes["status"] == 200 for one in mine.values() if one.name == "call")


async def test_traceparent_is_sent_with_calls_only_where_the_settings_say_so(spans: Any, otel: Any) -> None:

    for propagate in (False, True):
        tracing = otel.exporting(Traced("http://127.0.0.1:1", propagate=propagate), "acme", "one")
        assert tracing.headers() == {}
        with tracing.step("claim", 7):
            trace_id, _ = otel.ids_of("acme", 7)
            sent = tracing.headers().get("traceparent", "")
            assert sent.startswith(f"00-{trace_id:032x}-") is propagate


def test_a_sample_of_events_is_traced_whole_or_not_at_all(spans: Any, otel: Any) -> None:

    tracing = otel.exporting(Traced("http://127.0.0.1:1", sample=0.3), "acme", "one")
    for event in range(1, 401):
        tracing.took("callback", event, 0.01)
        with tracing.step("claim", event), tracing.step("load"):
            pass
    found = spans.get_finished_spans()
    by_trace: dict[int, set[str]] = {}
    for one in found:
        by_trace.setdefault(one.context.trace_id, set()).add(one.name)
    assert 80 <= len(by_trace) <= 160
    assert all(names == {"callback", "claim", "load"} for names in by_trace.values())


def test_a_call_that_belongs_to_no_event_makes_no_span(spans: Any, otel: Any) -> None:

    tracing = otel.exporting(Traced("http://127.0.0.1:1"), "acme", "one")
    with tracing.step("call", system="crm1") as step:
        step.set("status", 200)
    assert spans.get_finished_spans() == ()


def test_an_error_is_noted_by_its_kind_and_not_by_its_words(spans: Any, otel: Any) -> None:

    tracing = otel.exporting(Traced("http://127.0.0.1:1"), "acme", "one")
    with pytest.raises(ValueError, match="hunter"), tracing.step("claim", 7):
        raise ValueError("hunter-2222")
    (span,) = spans.get_finished_spans()
    assert (span.status.is_ok, span.status.description) == (False, "ValueError")
    assert "hunter" not in span.to_json()


async def test_spans_arrive_at_a_collector_over_http(otel: Any) -> None:
    """The real exporter sends to an endpoint that reads what OTLP says a collector gets."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
    )

    got: list[tuple[str | None, Any]] = []

    async def collect(request: web.Request) -> web.Response:
        raw = await request.read()
        body = gzip.decompress(raw) if request.headers.get("Content-Encoding") == "gzip" else raw
        got.append((request.headers.get("Authorization"), ExportTraceServiceRequest.FromString(body)))
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )

    app = web.Application()
    app.router.add_post("/v1/traces", collect)
    async with TestServer(app) as server:
        traced = Traced(str(server.make_url("/v1/traces")), authorization="Bearer of-the-collector")
        tracing = otel.exporting(traced, "acme", "one")
        tracing.took("callback", 7, 0.01, system="crm1")
        with tracing.step("claim", 7, outcome="applied"), tracing.step("call", method="POST"):
            pass
        await asyncio.to_thread(tracing.shutdown)
    assert {authorization for authorization, _ in got} == {"Bearer of-the-collector"}
    resources = [resource for _, request in got for resource in request.resource_spans]
    about = {one.key: one.value.string_value for one in resources[0].resource.attributes}
    assert (about["service.name"], about["service.namespace"]) == ("sync-bridge", "acme")
    sent = {span.name: span for one in resources for scope in one.scope_spans for span in scope.spans}
    assert sent.keys() == {"callback", "claim", "call"}
    trace_id, first = otel.ids_of("acme", 7)
    assert {int.from_bytes(span.trace_id) for span in sent.values()} == {trace_id}
    assert int.from_bytes(sent["claim"].parent_span_id) == int.from_bytes(sent["callback"].span_id) == first
    assert sent["call"].parent_span_id == sent["claim"].span_id


def test_without_traces_nothing_of_opentelemetry_is_imported() -> None:
    import subprocess
    import sys

    code = (
        "import sys, bridge.app.daemon; print([n for n in sys.modules if n.startswith(('opentelemetry', 'apprise'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_untraced_steps_are_one_object() -> None:
    assert NO_TRACING.step("claim", 7) is NO_STEP
    assert NO_TRACING.step("call", system="crm1") is NO_STEP
