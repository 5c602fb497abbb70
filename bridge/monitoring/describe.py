"""Generates the tables of metrics and labels in docs/monitoring.md from the metrics themselves."""

from collections.abc import Mapping

from bridge.domain.frozen import dataclass
from bridge.monitoring.metrics import LABELS, MOST_VALUES, Metrics

SUFFIXES = {"counter": "_total"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric as Prometheus knows it. `type` is counter, gauge or histogram."""

    type: str
    text: str
    labels: tuple[str, ...]


def figures(metrics: Metrics) -> Mapping[str, Figure]:
    """Return the metrics by their scraped name; for a histogram, the name without `_bucket`, `_sum` and `_count`."""
    return {
        family.name + SUFFIXES.get(family.type, ""): Figure(
            family.type, family.documentation, metrics.labels.get(family.name, ())
        )
        for family in metrics.registry.collect()
    }


def metrics_table() -> str:
    """Return the table of metrics in Markdown."""
    lines = ["| metric | type | labels | what it says |", "| --- | --- | --- | --- |"]
    for name, one in sorted(figures(Metrics()).items()):
        named = ", ".join(f"`{label}`" for label in one.labels) or "-"
        lines.append(f"| `{name}` | {one.type} | {named} | {one.text.removesuffix('.')} |")
    return "\n".join(lines) + "\n"


def labels_table() -> str:
    """Return the table of labels in Markdown."""
    lines = ["| label | its values |", "| --- | --- |"]
    lines += [f"| `{label}` | {text.format(most=MOST_VALUES)} |" for label, text in LABELS.items()]
    return "\n".join(lines) + "\n"
