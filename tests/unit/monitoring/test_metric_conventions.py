"""Every metric follows the conventions of Prometheus, and no label can grow without bound."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.app.progress import Progress
from bridge.app.quotas import Queued
from bridge.domain.priority import Priority
from bridge.monitoring.describe import Figure, figures
from bridge.monitoring.health import Status
from bridge.monitoring.metrics import LABELS, MOST_VALUES, OTHER, Metrics
from bridge.store.cursors import Cursor

FIGURES = figures(Metrics())
OURS = {name: figure for name, figure in FIGURES.items() if name.startswith("bridge_")}
TIMES = re.compile(r"(^|_)(seconds|duration|age|ms|minutes|hours)(_|$)")
COUNTED = {
    *("calls", "rows", "tokens", "records", "events", "pairs", "bytes", "letters", "hooks", "connections"),
    *("units", "changes", "repairs"),
}
NO_UNIT = {"bridge_build_info", "bridge_part_status", "bridge_connections_limit", "bridge_quota_calls_per_second"}
"""Exceptions: levels without a unit, a limit named after its subject, and a rate named as people say it."""


def wrong(name: str, figure: Figure) -> list[str]:
    """Return what is wrong with a metric by the conventions (prometheus.io, "Metric and label naming")."""
    found = []
    if not re.fullmatch(r"bridge_[a-z]+(_[a-z]+)*", name):
        found.append("name")
    if name.endswith("_total") != (figure.type == "counter"):
        found.append("_total")
    if TIMES.search(name) and not re.search(r"_seconds(_total)?$", name):
        found.append("unit")
    if figure.type == "histogram" and not name.endswith("_seconds"):
        found.append("unit")
    if figure.type not in ("counter", "gauge", "histogram"):
        found.append("type")
    if figure.type == "gauge" and name not in NO_UNIT and not name.endswith("_seconds"):
        counted = COUNTED | {"removals", "limit"}
        if name.rsplit("_", 1)[-1] not in counted:
            found.append("unit")
    if not figure.text or figure.text.endswith(".") or not (figure.text[0].isupper() or figure.text[0].isdigit()):
        found.append("help")
    found += [f"label {label}" for label in figure.labels if label not in LABELS]
    found += [f"label {label} in the name" for label in figure.labels if f"_by_{label}" in name]
    return found


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_figure_keeps_the_conventions(name: str) -> None:
    assert wrong(name, OURS[name]) == []


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("bridge_calls", Figure("counter", "Calls", ())),
        ("bridge_waiting_total", Figure("gauge", "Waiting", ())),
        ("bridge_call_duration", Figure("histogram", "Calls", ())),
        ("bridge_call_ms", Figure("gauge", "Calls", ())),
        ("bridge_quota_left", Figure("gauge", "Left", ())),
        ("calls_total", Figure("counter", "Calls", ())),
        ("bridge_calls_total", Figure("counter", "Calls.", ())),
        ("bridge_calls_total", Figure("counter", "", ())),
        ("bridge_calls_total", Figure("counter", "Calls", ("record",))),
    ],
)
def test_the_rule_on_figures_can_fail(name: str, figure: Figure) -> None:
    assert wrong(name, figure)


def test_every_label_that_is_listed_is_used() -> None:
    assert {label for figure in OURS.values() for label in figure.labels} == set(LABELS)


def test_the_process_and_its_version_are_shown() -> None:
    text = Metrics().render().decode()
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"} <= set(FIGURES)
    assert "process_start_time_seconds" in FIGURES
    assert re.search(r'^bridge_build_info{python="3[.0-9]+",version="[^"]+"} 1.0$', text, re.M)


RUN = Progress(Cursor("crm1", "person", "full", sweep=1), 2, 3, 1, 1.0, 60.0, "")


def filled() -> Metrics:
    """Return metrics in which every metric has a value."""
    metrics = Metrics()
    metrics.callback("crm1", 200)
    metrics.callback_took("crm1", 0.1)
    metrics.outcome("people", "applied")
    metrics.written("people", 1.0)
    metrics.remote_call("crm1", "GET", "/deals", 200, 0.1)
    metrics.sweep("crm1", "person", "full", 1, 1)
    metrics.skipped("crm1", "deals", 1)
    metrics.hook_registered("crm1")
    metrics.alert("mail", "sent")
    metrics.connection_ended("admin", "idle")
    metrics.connections.labels("admin").set(1)
    metrics.connections_limit.labels("admin").set(1)
    metrics.part("store", Status.PASS)
    metrics.events({"people": {"accepted": 1, "dead": 1}})
    metrics.waiting({("people", "due"): 1})
    metrics.dead_letters({("people", "refused"): 1})
    metrics.verified({("people", "equal"): 1}, {("people",): 1.0})
    metrics.hooks_seen({("crm1", "wanted"): 1}, {("crm1",): 1.0})
    metrics.removals({("people",): 1})
    metrics.hooks(
        {("crm1", "any.deal", "callback", "day"): 1}, {("crm1", "any.deal", "day"): 1}, {("crm1", "any.deal"): 1}
    )
    metrics.column_changes({("crm1", "fail"): 1})
    metrics.paused("crm1", 0.0)
    metrics.quotas(
        {("crm1",): 1}, {("crm1",): 1}, {("crm1",): 1}, {("crm1", "live"): Queued(Priority.LIVE, 1, None, 1, 1.0)}
    )
    metrics.progress([RUN])
    return metrics


def test_no_series_shows_when_another_one_was_created() -> None:
    assert "_created" not in filled().render().decode()


LISTED = st.text("abcdefgh/ ", min_size=1, max_size=12)


@given(st.lists(LISTED, min_size=1, max_size=30))
def test_labels_stay_bounded_for_any_names_of_a_vendor(words: list[str]) -> None:
    metrics = Metrics()
    for number, word in enumerate(words):
        for at in range(20):
            metrics.remote_call("crm1", "GET", f"/{word}/{'abcdefghij'[at % 10]}/{'x' * at}", 200, 0.1)
            metrics.skipped("crm1", f"{word} {'y' * at}{'z' * number}", 1)
    for family, most in (("bridge_calls", MOST_VALUES + 1), ("bridge_skipped_rows", MOST_VALUES + 1)):
        (found,) = [one for one in metrics.registry.collect() if one.name == family]
        assert len(found.samples) <= most


def test_beyond_the_bound_a_path_is_called_other() -> None:
    metrics = Metrics()
    for at in range(MOST_VALUES + 3):
        metrics.remote_call("crm1", "GET", f"/{'x' * at}", 200, 0.1)
    assert f'bridge_calls_total{{method="GET",path="{OTHER}",status="200",system="crm1"}} 3.0' in (
        metrics.render().decode()
    )


def test_every_figure_can_be_filled() -> None:
    text = filled().render().decode()
    empty = [name for name in OURS if not re.search(rf"^{name}(_bucket)?[ {{]", text, re.M)]
    assert empty == []
