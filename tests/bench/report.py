"""The results: a table, ratios to the forwarder, and the bars."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.phases import Result

FORWARDER = "forwarder"
MB = 1_000_000


@dataclass
class Measured:
    """One subject: a phase's name -> its result. `compared`: another subject to compare this one with, if any."""

    label: str
    results: dict[str, Result] = field(default_factory=dict)
    peak_bytes: int = 0
    compared: str = ""
    least_ratio: float = 0.0  # of the compared subject's records/s
    most_ratio: float = 0.0  # of its CPU and latency; such a subject has no other bars


@dataclass(frozen=True)
class Bar:
    """A figure and its limit: at least this value for `least` bars, at most this value for the others."""

    what: str
    value: float
    bar: float
    goal: float | None = None
    unit: str = ""
    least: bool = False

    @property
    def met(self) -> bool:
        return self._reaches(self.bar)

    @property
    def reached(self) -> bool:
        return self.goal is not None and self._reaches(self.goal)

    def _reaches(self, wanted: float) -> bool:
        return self.value >= wanted if self.least else self.value <= wanted

    def line(self) -> str:
        sign = ">=" if self.least else "<="
        verdict = "pass" if self.met else "MISSED"
        goal = "" if self.goal is None else f", goal {self.goal:g}{' reached' if self.reached else ''}"
        return f"  {verdict:6}  {self.what}: {self.value:.3g}{self.unit} ({sign} {self.bar:g}{self.unit}{goal})"


COLUMNS = ("records/s", "CPU s/1000", "SQL", "trans.", "calls", "p50 ms", "p99 ms")


def figures(phase: str, result: Result) -> tuple[float, ...]:
    """Return figures in the order of COLUMNS. A rate means nothing for phases with fixed times: 0."""
    rate = 0.0 if phase in ("ack", "idle") else result.rate
    return (
        rate,
        result.cpu_ms,
        result.statements_each,
        result.transactions_each,
        result.calls_each,
        result.latency_ms(50),
        result.latency_ms(99),
    )


def table(subjects: Sequence[Measured]) -> str:
    """Return a block for each phase: every subject, and its ratio to the forwarder."""
    lines = [_row("", COLUMNS)]
    floor = next((one for one in subjects if one.label == FORWARDER), None)
    for phase in subjects[0].results:
        lines += ["", phase]
        for one in subjects:
            lines.append(_row(f"  {one.label}", [_number(value) for value in figures(phase, one.results[phase])]))
            if floor is not None and one is not floor and not one.most_ratio:
                lines.append(_row("    : forwarder", _ratios(phase, one, floor)))
            other = next((each for each in subjects if each.label == one.compared), None)
            if other is not None:
                lines.append(_row(f"    : {other.label}", _ratios(phase, one, other)))
    lines += ["", "peak RSS  " + ", ".join(f"{one.label} {one.peak_bytes / MB:.0f} MB" for one in subjects)]
    return "\n".join([*lines, *_notes(subjects)])


def _ratios(phase: str, one: Measured, other: Measured) -> list[str]:
    pairs = zip(figures(phase, one.results[phase]), figures(phase, other.results[phase]), strict=True)
    return [f"{mine / theirs:.3g} x" if mine and theirs else "-" for mine, theirs in pairs]


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 100 else f"{value:.2f}" if value else "-"


def _row(first: str, cells: Sequence[str]) -> str:
    return first.ljust(34) + "".join(cell.rjust(12) for cell in cells)


def _notes(subjects: Sequence[Measured]) -> Iterator[str]:
    for one in subjects:
        if (result := one.results.get("backlog")) is not None:
            rate = result.records / result.intake_seconds if result.intake_seconds > 0 else 0.0
            yield f"backlog: {one.label} took {result.records} callbacks in at {rate:.0f}/s while it was paused"
        if (result := one.results.get("ack")) is not None and result.refused:
            yield f"ack: {one.label} refused {result.refused} of {result.records} callbacks"


def bars(subjects: Sequence[Measured]) -> list[tuple[str, list[Bar]]]:
    """Return the bars of each subject but the forwarder, for the phases that ran; a full store has its own."""
    by_label = {one.label: one for one in subjects}
    found = []
    for one in subjects:
        if one.label != FORWARDER:
            own = [] if one.most_ratio else [*_bars(one, by_label.get(FORWARDER))]
            other = by_label.get(one.compared)
            found.append((one.label, own + ([*_compared(one, other)] if other else [])))
    return found


def _bars(one: Measured, floor: Measured | None) -> Iterator[Bar]:
    if (update := one.results.get("update")) is not None:
        if floor is not None:
            of = floor.results["update"]
            yield Bar("CPU of an update and its echo : forwarder", update.cpu_ms / of.cpu_ms, 8, 4, " x")
            yield Bar("updates/s : forwarder", update.rate / of.rate, 0.12, 0.3, " x", least=True)
        yield Bar("SQL statements of an update", update.statements_each, 15, 8)
        yield Bar("remote calls of an update", round(update.calls_each, 2), 4)
    if (same := one.results.get("no-change")) is not None:
        yield Bar("CPU of a callback that changes nothing", same.cpu_ms, 1.5, 0.8, " ms")
    if (create := one.results.get("create")) is not None:
        yield Bar("CPU of a create", create.cpu_ms, 5, 2.5, " ms")
    if (ack := one.results.get("ack")) is not None and floor is not None:
        ratio = ack.latency_ms(99) / floor.results["ack"].latency_ms(99)
        yield Bar("acknowledgement p99 at 200/s : forwarder", ratio, 3, 2, " x")
    if (idle := one.results.get("idle")) is not None:
        yield Bar("an edit on an idle bridge until the target shows it, p50", idle.latency_ms(50), 50, None, " ms")
    yield Bar("peak RSS", one.peak_bytes / MB, 110, 90, " MB")


def _compared(one: Measured, other: Measured) -> Iterator[Bar]:
    for phase, result in one.results.items():
        of = other.results[phase]
        if one.least_ratio and phase in ("create", "update"):
            yield Bar(f"{phase}s/s : {other.label}", result.rate / of.rate, one.least_ratio, 1, " x", least=True)
        if one.most_ratio:
            yield Bar(f"CPU of {phase} : {other.label}", result.cpu_ms / of.cpu_ms, one.most_ratio, 1.1, " x")
            if result.latencies:
                ratio = result.latency_ms(99) / of.latency_ms(99)
                yield Bar(f"p99 of {phase} : {other.label}", ratio, one.most_ratio, 1.1, " x")
    if one.most_ratio:
        yield Bar(f"peak RSS : {other.label}", one.peak_bytes / other.peak_bytes, one.most_ratio, 1.1, " x")


def verdicts(found: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    return "\n".join(line for label, some in found for line in ("", label, *(bar.line() for bar in some)))


def as_json(subjects: Sequence[Measured], found: Sequence[tuple[str, Sequence[Bar]]]) -> dict[str, Any]:
    """Return the same figures for programs."""
    return {
        "subjects": {one.label: {"peak_mb": one.peak_bytes / MB, "phases": _phases(one.results)} for one in subjects},
        "bars": [
            {"subject": label, "what": bar.what, "value": bar.value, "bar": bar.bar, "goal": bar.goal, "met": bar.met}
            for label, some in found
            for bar in some
        ],
    }


def _phases(results: Mapping[str, Result]) -> dict[str, Any]:
    return {
        phase: {
            "records": result.records,
            "seconds": result.seconds,
            "records_per_second": result.rate,
            "cpu_ms": result.cpu_ms,
            "statements": result.statements_each,
            "transactions": result.transactions_each,
            "calls": result.calls_each,
            "calls_by_route": dict(result.calls),
            "latency_p50_ms": result.latency_ms(50),
            "latency_p99_ms": result.latency_ms(99),
            "refused": result.refused,
            "intake_seconds": result.intake_seconds,
        }
        for phase, result in results.items()
    }
