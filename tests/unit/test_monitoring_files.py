"""The dashboard and the alert rules name metrics and labels that exist, and point to commands and pages that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bridge.monitoring.describe import figures
from bridge.monitoring.metrics import Metrics
from tests.unit.test_standing_still import leaf, parses

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "config" / "monitoring"
BOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = YAML(typ="safe").load((FOLDER / "prometheus-rules.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
FIGURES = figures(Metrics())
SCRAPED = {"instance", "job", "le"}
"""Labels that Prometheus adds."""
SELECTOR = re.compile(r"\b((?:bridge|process)_[a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def expressions() -> Iterator[tuple[str, str]]:
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}, {target['refId']}", target["expr"]
    for rule in RULES:
        yield f"alert {rule['alert']}", rule["expr"]


EXPRESSIONS = dict(expressions())


def plain(expression: str) -> str:
    """Return the expression as Grafana sends it to Prometheus."""
    return expression.replace("$__rate_interval", "5m")


def family(name: str) -> str:
    """Return the metric's name; the series of a histogram are named after its parts."""
    for part in ("_bucket", "_count", "_sum"):
        if name not in FIGURES and FIGURES.get(name.removesuffix(part)):
            return name.removesuffix(part)
    return name


def wrong(expression: str) -> list[str]:
    """Return metrics that do not exist, labels that they do not have, and counters that are not used as rates."""
    found, labels = [], set(SCRAPED)
    for name, matchers in SELECTOR.findall(expression):
        figure = FIGURES.get(family(name))
        if figure is None:
            found.append(name)
            continue
        labels |= set(figure.labels)
        named = re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", matchers)
        found += [f"{name}: {label}" for label in named if label not in {*figure.labels, *SCRAPED}]
        if figure.type != "gauge" and not re.search(rf"(rate|increase)\({re.escape(name)}", expression):
            found.append(f"{name} is no rate")
    for group in GROUPED.findall(expression):
        found += [f"by {label}" for label in re.split(r",\s*", group) if label not in labels]
    return found


@pytest.mark.parametrize("place", sorted(EXPRESSIONS))
def test_every_expression_names_existing_metrics_and_labels(place: str) -> None:
    assert SELECTOR.search(EXPRESSIONS[place])
    assert wrong(EXPRESSIONS[place]) == []


@pytest.mark.parametrize(
    "expression",
    [
        "max(bridge_gone_seconds)",
        'bridge_hooks{mapping="people"}',
        "sum by (record) (bridge_hooks)",
        "sum(bridge_calls_total)",
        "rate(bridge_call_duration_seconds_bucket{path='/'}[5m])",
    ],
)
def test_the_rule_on_expressions_can_fail(expression: str) -> None:
    assert wrong(expression)


@pytest.mark.parametrize("place", sorted(EXPRESSIONS))
def test_every_expression_can_be_parsed(place: str) -> None:
    parser = pytest.importorskip("promql_parser", reason="promql-parser is not installed: `pip install promql-parser`")
    parser.parse(plain(EXPRESSIONS[place]))


def headings(page: Path) -> set[str]:
    """Return anchors as GitHub and mkdocs make them."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    return {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_names_the_problem_a_command_and_a_page(rule: dict[str, Any]) -> None:
    told = rule["annotations"]
    assert set(told) == {"summary", "command", "docs"}
    assert told["summary"].endswith(".")
    assert rule["labels"]["severity"] in ("page", "ticket")
    words = told["command"].split()
    assert words[0] == "bridge"
    leaf(words[1:])
    parses(words[1:])
    page, _, anchor = told["docs"].partition("#")
    assert anchor in headings(ROOT / page)
    shown = set(re.findall(r"\$labels\.([a-z]+)", told["summary"]))
    grouped = {label for group in GROUPED.findall(rule["expr"]) for label in re.split(r",\s*", group)}
    assert shown <= grouped


def test_no_two_panels_overlap() -> None:
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_every_command_the_dashboard_names_exists() -> None:
    texts = " ".join(panel["description"] for panel in BOARD["panels"])
    named = re.findall(r"`bridge ([^`]+)`", texts)
    assert named
    for words in named:
        leaf(words.split())
