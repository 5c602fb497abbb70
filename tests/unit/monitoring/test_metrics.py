"""Figures: counted where they happen, shown as text, no labels without end."""

import pytest

from bridge.monitoring.health import Status
from bridge.monitoring.metrics import Metrics


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
    metrics.quota("crm1", 12.0, 300, 1000)
    metrics.quota("erp1", 0.0, None, None)
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
        'bridge_alert_messages_total{state="failed",target="mail"} 1.0',
    ):
        assert line in shown


def test_what_waits_no_longer_is_shown_no_longer() -> None:
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
    ],
)
def test_ids_never_become_labels(path: str, template: str) -> None:
    metrics = Metrics()
    metrics.remote_call("crm1", "GET", path, 200, 0.2)
    assert f'bridge_calls_total{{method="GET",path="{template}",status="200",system="crm1"}} 1.0' in text(metrics)


@pytest.mark.parametrize(
    ("status", "answer"), [(0, "none"), (204, "ok"), (404, "refused"), (429, "limited"), (503, "failed")]
)
def test_the_time_of_a_call_is_told_by_what_its_answer_means(status: int, answer: str) -> None:
    metrics = Metrics()
    metrics.remote_call("crm1", "GET", "/deals", status, 0.2)
    named = f'answer="{answer}",'
    assert f'bridge_call_duration_seconds_bucket{{{named}le="0.25",method="GET",system="crm1"}} 1.0' in text(metrics)


def test_two_bridges_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.callback("crm1", 200)
    assert "bridge_callbacks_total{" not in second.render().decode()
