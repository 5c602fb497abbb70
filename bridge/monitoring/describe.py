"""The tables of figures and labels in docs/monitoring.md, made from the figures themselves."""

from collections.abc import Mapping

from bridge.domain.values import dataclass
from bridge.monitoring.metrics import LABELS, MOST_VALUES, Metrics

SUFFIXES = {"counter": "_total"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric as Prometheus knows it; `type` is counter, gauge or histogram."""

    type: str
    text: str
    labels: tuple[str, ...]


def figures(metrics: Metrics) -> Mapping[str, Figure]:
    """By name as scraped; a histogram's name is that before `_bucket`, `_sum` and `_count`."""
    return {
        family.name + SUFFIXES.get(family.type, ""): Figure(
            family.type, family.documentation, metrics.labels.get(family.name, ())
        )
        for family in metrics.registry.collect()
    }


def metrics_table() -> str:
    """Markdown."""
    lines = ["| metric | type | labels | what it says |", "| --- | --- | --- | --- |"]
    for name, one in sorted(figures(Metrics()).items()):
        named = ", ".join(f"`{label}`" for label in one.labels) or "-"
        lines.append(f"| `{name}` | {one.type} | {named} | {one.text.removesuffix('.')} |")
    return "\n".join(lines) + "\n"


def labels_table() -> str:
    """Markdown."""
    lines = ["| label | its values |", "| --- | --- |"]
    lines += [f"| `{label}` | {text.format(most=MOST_VALUES)} |" for label, text in LABELS.items()]
    return "\n".join(lines) + "\n"
