"""Metrics are counted where events happen and shown as text; no label grows without bound."""

import ast
import re
from pathlib import Path

import pytest

import bridge.connectors
from bridge.app.progress import Progress
from bridge.app.quotas import Queued
from bridge.domain.priority import Priority
from bridge.monitoring.health import Status
from bridge.monitoring.metrics import Metrics, _template
from bridge.store.cursors import Cursor


def text(metrics: Metrics) -> list[str]:
    return metrics.render().decode().splitlines()


def test_every_figure_is_counted_under_its_labels() -> None:
    metrics = Metrics()
    metrics.callback("crm1", 200)
    metrics.callback("crm1", 200)
    metrics.outcome("people", "applied")
    metrics.sweep("crm1", "person", "full", 100, 3)
    metrics.hook_registered("crm1")
    metrics.part("store", Status.PASS)
    metrics.part("hooks", Status.WARN)
    metrics.part("worker", Status.FAIL)
    metrics.oldest.set(12)
    metrics.waiting({("people", "system"): 3})
    metrics.events({"people": {"accepted": 9, "applied": 5, "waiting": 4}})
    metrics.callback_took("crm1", 0.004)
    metrics.written("people", 3.0)
    metrics.hooks_seen({("crm1", "registered"): 2}, {("crm1",): 1000.0})
    metrics.removals({("people",): 7})
    metrics.paused("crm1", 12.0)
    waits = Queued(Priority.BACKFILL, used=250, left=50, records=40, seconds=None)
    metrics.quotas({("crm1",): 1000}, {("crm1",): 700}, {("crm1",): 8.0}, {("crm1", "backfill"): waits})
    metrics.hooks(
        {("crm1", "any.deal", "sweep", "day"): 2}, {("crm1", "any.deal", "day"): 1}, {("crm1", "any.deal"): 9}
    )
    metrics.column_changes({("crm1", "warn"): 3})
    metrics.progress([Progress(Cursor("crm1", "person", "backfill people", sweep=1), 30, 90, 10, 8.0, None, "")])
    metrics.alert("mail", "failed")
    shown = text(metrics)
    for line in (
        'bridge_callbacks_total{status="200",system="crm1"} 2.0',
        'bridge_outcomes_total{mapping="people",outcome="applied"} 1.0',
        'bridge_sweeps_total{entity="person",kind="full",system="crm1"} 1.0',
        'bridge_sweep_rows_total{entity="person",system="crm1"} 100.0',
        'bridge_sweep_changed_rows_total{entity="person",system="crm1"} 3.0',
        'bridge_hook_registrations_total{system="crm1"} 1.0',
        'bridge_part_status{part="store",status="pass"} 1.0',
        'bridge_part_status{part="store",status="warn"} 0.0',
        'bridge_part_status{part="hooks",status="warn"} 1.0',
        'bridge_part_status{part="hooks",status="fail"} 0.0',
        'bridge_part_status{part="worker",status="pass"} 0.0',
        'bridge_part_status{part="worker",status="fail"} 1.0',
        "bridge_oldest_waiting_seconds 12.0",
        'bridge_waiting_records{mapping="people",reason="system"} 3.0',
        'bridge_events_total{fate="applied",mapping="people"} 5.0',
        'bridge_open_events{mapping="people",state="waiting"} 4.0',
        'bridge_callback_duration_seconds_bucket{le="0.005",system="crm1"} 1.0',
        'bridge_callback_to_write_seconds_bucket{le="2.5",mapping="people"} 0.0',
        'bridge_callback_to_write_seconds_bucket{le="5.0",mapping="people"} 1.0',
        'bridge_hooks{state="registered",system="crm1"} 2.0',
        'bridge_hook_last_delivery_timestamp_seconds{system="crm1"} 1000.0',
        'bridge_deletion_threshold_removals{mapping="people"} 7.0',
        'bridge_pause_seconds{system="crm1"} 12.0',
        'bridge_quota_limit_units{system="crm1"} 1000.0',
        'bridge_quota_left_units{system="crm1"} 700.0',
        'bridge_quota_calls_per_second{system="crm1"} 8.0',
        'bridge_quota_used_units{priority="backfill",system="crm1"} 250.0',
        'bridge_quota_waiting_records{priority="backfill",system="crm1"} 40.0',
        'bridge_hook_changes{found_by="sweep",hook="any.deal",system="crm1",window="day"} 2.0',
        'bridge_hook_repairs{hook="any.deal",system="crm1",window="day"} 1.0',
        'bridge_hook_delivery_age_seconds{hook="any.deal",system="crm1"} 9.0',
        'bridge_column_changes{level="warn",system="crm1"} 3.0',
        'bridge_run_done_records{entity="person",kind="backfill",mapping="people",system="crm1"} 20.0',
        'bridge_run_total_records{entity="person",kind="backfill",mapping="people",system="crm1"} 90.0',
        'bridge_alert_messages_total{state="failed",target="mail"} 1.0',
    ):
        assert line in shown
    assert not [line for line in shown if line.startswith(("bridge_quota_done_seconds{", "bridge_run_left_seconds{"))]


def test_work_that_no_longer_waits_is_no_longer_shown() -> None:
    metrics = Metrics()
    metrics.waiting({("people", "system"): 3, ("deals", "due"): 1})
    metrics.dead_letters({("people", "refused"): 2})
    assert 'bridge_waiting_records{mapping="people",reason="system"} 3.0' in text(metrics)
    assert 'bridge_dead_letters{mapping="people",reason="refused"} 2.0' in text(metrics)
    metrics.waiting({("deals", "due"): 2})
    metrics.dead_letters({})
    shown = [line for line in text(metrics) if line.startswith(("bridge_waiting_records{", "bridge_dead_letters{"))]
    assert shown == ['bridge_waiting_records{mapping="deals",reason="due"} 2.0']


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v2/deals/42", "/v2/deals/{id}"),
        ("/api/v2/deals/42/products/7", "/api/v2/deals/{id}/products/{id}"),
        ("/crm/contacts/c-7f3a/notes", "/crm/contacts/{id}/notes"),
        ("/deals?start=100", "/deals"),
        ("https://oauth.example/token?code=9", "/token"),
        ("/deals/{id}", "/deals/{id}"),
        ("api/v2/deals/:id/products/:id", "/api/v2/deals/{id}/products/{id}"),
        ("api/state/:tenant", "/api/state/{tenant}"),
        ("api/accounts/:id/", "/api/accounts/{id}/"),
    ],
)
def test_ids_never_become_labels(path: str, template: str) -> None:
    metrics = Metrics()
    metrics.remote_call("crm1", "GET", path, 200, 0.2)
    assert f'bridge_calls_total{{method="GET",path="{template}",status="200",system="crm1"}} 1.0' in text(metrics)


def templates() -> set[str]:
    """Return paths and templates as the connectors write them, with `x` for the parts that are filled in."""
    found = set()
    for path in (Path(bridge.connectors.__file__).parent).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)
            if re.fullmatch(r"[\w./:{}-]+", text) and re.search(r"/(?::|\{)[a-z]+", text):
                found.add(text)
    return found


def test_one_path_has_one_label_however_a_connector_writes_it() -> None:
    found = templates()
    assert any("/:id" in path for path in found)
    assert any("/{id}" in path for path in found)
    for path in found:
        assert re.fullmatch(r"(/([\w.-]|\{[a-z]+\})*)+", _template(path)), path
        assert _template(_template(path)) == _template(path)


@pytest.mark.parametrize(
    ("status", "answer"), [(0, "none"), (204, "ok"), (404, "refused"), (429, "limited"), (503, "failed")]
)
def test_the_time_of_a_call_is_counted_by_the_meaning_of_its_answer(status: int, answer: str) -> None:
    metrics = Metrics()
    metrics.remote_call("crm1", "GET", "/deals", status, 0.2)
    named = f'answer="{answer}",'
    assert f'bridge_call_duration_seconds_bucket{{{named}le="0.25",method="GET",system="crm1"}} 1.0' in text(metrics)


def test_two_bridges_in_one_process_count_separately() -> None:
    first, second = Metrics(), Metrics()
    first.callback("crm1", 200)
    assert "bridge_callbacks_total{" not in second.render().decode()
