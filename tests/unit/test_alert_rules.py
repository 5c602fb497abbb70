"""Each alert rule is evaluated over metrics for which it must fire, and over metrics for which it must not.

A sample inside `rate` and `increase` stands for their result, because no time passes here.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import pytest

from tests.unit.test_monitoring_files import RULES

promql = pytest.importorskip("promql_parser", reason="promql-parser is not installed: `pip install promql-parser`")

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
COMPARED: Mapping[str, Callable[[float, float], bool]] = {">": operator.gt, "<": operator.lt, "==": operator.eq}
COUNTED: Mapping[str, Callable[[float, float], float]] = {"/": operator.truediv, "*": operator.mul}
FITS: Mapping[str, Callable[[str, str], bool]] = {
    "MatchOp.Equal": operator.eq,
    "MatchOp.NotEqual": operator.ne,
    "MatchOp.Re": lambda pattern, text: re.fullmatch(pattern, text) is not None,
}


def vector(text: str) -> dict[str, Vector]:
    """Return series by name, from lines such as `bridge_hooks{state="wanted"} 3`."""
    found: dict[str, Vector] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        shown = re.fullmatch(r"(\w+)(?:\{(.*)\})? ([\d.]+)", line)
        assert shown is not None, line
        labels = frozenset(re.findall(r'(\w+)="([^"]*)"', shown[2] or ""))
        found.setdefault(shown[1], {})[labels] = float(shown[3])
    return found


def kept(labels: Labels, names: Sequence[str] | None) -> Labels:
    return labels if names is None else frozenset((name, value) for name, value in labels if name in names)


def quantile(wanted: float, buckets: Vector) -> Vector:
    """Return the upper bound of the bucket that holds the quantile."""
    found: Vector = {}
    plain = sorted(
        ((kept(labels, ["system"]), dict(labels)["le"], value) for labels, value in buckets.items()), key=str
    )
    for labels, rows in groupby(plain, key=lambda row: row[0]):
        counts = sorted((float(le), value) for _, le, value in rows)
        found[labels] = next(le for le, value in counts if value >= wanted * counts[-1][1])
    return found


def called(name: str, arguments: list[Any]) -> Vector:
    if name in ("rate", "increase"):
        return dict(arguments[0])
    if name == "absent":
        return {} if arguments[0] else {frozenset(): 1.0}
    assert name == "histogram_quantile", f"unknown function {name}"
    return quantile(*arguments)


def joined(operation: str, left: Vector, right: Vector, on: Sequence[str] | None) -> Vector:
    there = {kept(labels, on): value for labels, value in right.items()}
    if operation == "or":
        return {**right, **left}
    pairs = {labels: (value, there[kept(labels, on)]) for labels, value in left.items() if kept(labels, on) in there}
    if operation == "and":
        return {labels: value for labels, (value, _) in pairs.items()}
    if operation in COMPARED:
        return {labels: a for labels, (a, b) in pairs.items() if COMPARED[operation](a, b)}
    return {labels: COUNTED[operation](a, b) for labels, (a, b) in pairs.items()}


def evaluated(node: Any, series: Mapping[str, Vector]) -> Any:
    """Return an instant vector or a number; supports only the parts of PromQL that the rules use."""
    if isinstance(node, promql.NumberLiteral):
        return node.val
    if isinstance(node, promql.ParenExpr):
        return evaluated(node.expr, series)
    if isinstance(node, promql.MatrixSelector):
        return evaluated(node.vector_selector, series)
    if isinstance(node, promql.VectorSelector):
        matchers = node.matchers.matchers
        return {
            labels: value
            for labels, value in series.get(node.name, {}).items()
            if all(FITS[str(one.op)](one.value, dict(labels).get(one.name, "")) for one in matchers)
        }
    if isinstance(node, promql.Call):
        return called(node.func.name, [evaluated(argument, series) for argument in node.args])
    if isinstance(node, promql.AggregateExpr):
        names = node.modifier.labels if node.modifier is not None else []
        groups: dict[Labels, list[float]] = {}
        for labels, value in evaluated(node.expr, series).items():
            groups.setdefault(kept(labels, names), []).append(value)
        return {labels: {"max": max, "sum": sum}[str(node.op)](values) for labels, values in groups.items()}
    left, right = evaluated(node.lhs, series), evaluated(node.rhs, series)
    if isinstance(right, float):
        right = dict.fromkeys(left, right)
    matching = node.modifier.matching if node.modifier is not None else None
    return joined(str(node.op), left, right, matching.labels if matching is not None else None)


WANTED = 'bridge_hooks{system="crm1",state="wanted"} 2\n'
EXAMPLES: Mapping[str, tuple[str, str]] = {
    "BridgeAbsent": ("", 'bridge_build_info{version="1"} 1'),
    "BridgePartFails": (
        'bridge_part_status{part="store",status="fail"} 1',
        'bridge_part_status{part="store",status="warn"} 1',
    ),
    "BridgePartWarns": (
        'bridge_part_status{part="store",status="warn"} 1',
        'bridge_part_status{part="store",status="warn"} 0',
    ),
    "BridgeChangesWait": ("bridge_oldest_waiting_seconds 3601", "bridge_oldest_waiting_seconds 3600"),
    "BridgeDeadLetters": ('bridge_dead_letters{mapping="people",reason="refused"} 1', ""),
    "BridgeDeletesHeld": (
        'bridge_waiting_records{mapping="people",reason="threshold_reached"} 1',
        'bridge_waiting_records{mapping="people",reason="due"} 1',
    ),
    "BridgeHooksMissing": (
        WANTED + 'bridge_hooks{system="crm1",state="registered"} 1',
        WANTED + 'bridge_hooks{system="crm1",state="registered"} 2\nbridge_hooks{system="crm1",state="stopped"} 1',
    ),
    "BridgeCallbacksRefused": (
        'bridge_callbacks_total{system="crm1",status="401"} 0.1',
        'bridge_callbacks_total{system="crm1",status="404"} 0.1',
    ),
    "BridgeCallbacksSlow": (
        'bridge_callback_duration_seconds_bucket{system="crm1",le="1.0"} 90\n'
        'bridge_callback_duration_seconds_bucket{system="crm1",le="2.5"} 100',
        'bridge_callback_duration_seconds_bucket{system="crm1",le="1.0"} 99\n'
        'bridge_callback_duration_seconds_bucket{system="crm1",le="2.5"} 100',
    ),
    "BridgeCallsFail": (
        'bridge_call_duration_seconds_count{system="crm1",answer="none"} 3\n'
        'bridge_call_duration_seconds_count{system="crm1",answer="ok"} 7',
        'bridge_call_duration_seconds_count{system="crm1",answer="refused"} 3\n'
        'bridge_call_duration_seconds_count{system="crm1",answer="ok"} 7',
    ),
    "BridgeQuotaNearlySpent": (
        'bridge_quota_left_units{system="crm1"} 9\nbridge_quota_limit_units{system="crm1"} 100',
        'bridge_quota_left_units{system="crm1"} 10\nbridge_quota_limit_units{system="crm1"} 100',
    ),
    "BridgeOutOfFiles": (
        'process_open_fds{instance="a",job="b"} 95\nprocess_max_fds{instance="a",job="b"} 100\n'
        'bridge_build_info{instance="a",job="b",version="1"} 1',
        'process_open_fds{instance="a",job="c"} 95\nprocess_max_fds{instance="a",job="c"} 100\n'
        'bridge_build_info{instance="a",job="b",version="1"} 1',
    ),
    "BridgeAlertsNotDelivered": (
        'bridge_alert_messages_total{target="mail",state="failed"} 4',
        'bridge_alert_messages_total{target="mail",state="sent"} 4',
    ),
}
"""For each rule: metrics for which it fires, and metrics for which it does not."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_fires_when_it_should_and_only_then(rule: dict[str, Any]) -> None:
    wrong, well = EXAMPLES[rule["alert"]]
    parsed = promql.parse(rule["expr"])
    assert evaluated(parsed, vector(wrong))
    assert not evaluated(parsed, vector(well))


def test_without_any_registered_hook_hooks_are_missing() -> None:
    (rule,) = [rule for rule in RULES if rule["alert"] == "BridgeHooksMissing"]
    assert evaluated(promql.parse(rule["expr"]), vector(WANTED))
