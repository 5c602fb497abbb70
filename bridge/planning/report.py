"""A plan as people and programs read it: totals and samples, or every row on request."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bridge.domain.seams import from_epoch
from bridge.planning.cost import Cost
from bridge.planning.rows import HEADINGS, NEEDS_PERSON, REMEMBERED, WRITES, Kind, Row

if TYPE_CHECKING:
    from bridge.planning.spool import Spool  # needs SQLite, which a bridge on PostgreSQL does not import

SAMPLES = 3
"""The number of rows of each kind that are shown, unless all are requested."""

LONGEST = 100


@dataclass(frozen=True, slots=True)
class Head:
    """One mapping of a plan. `version`: of its file as loaded. `notes`: what a reader must know first."""

    name: str
    version: str
    sides: tuple[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HookRow:
    """A registration that would be made, adopted or removed. `what`: "create", "adopt" or "remove"."""

    system: str
    what: str
    hook: str
    why: str


@dataclass(slots=True)
class Report:
    """A plan that was made. `waiting`: by mapping and heading, the number of records that waited before the plan; the
    heading names the command that shows them. `made`: the calls that were made for the plan, by system."""

    at: float
    heads: Sequence[Head]
    spool: "Spool"
    hooks: Sequence[HookRow] = ()
    hook_faults: Mapping[str, str] = field(default_factory=dict)
    costs: Sequence[Cost] = ()
    made: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def changes(self) -> bool:
        """Return whether anything would be written, linked or registered, or would need a person."""
        kinds = {kind for (_, kind), number in self.spool.totals().items() if number}
        return bool(self.hooks or kinds & (WRITES | REMEMBERED | NEEDS_PERSON))

    # For people.

    def lines(self, most: int | None = SAMPLES) -> Iterator[str]:
        """Yield the lines of the plan. most: the number of rows of each kind that are shown; None: all."""
        totals = self.spool.totals()
        yield f"Plan of {_moment(self.at)} UTC. {self._summary(totals)} Nothing was written."
        if any(kind is Kind.CREATE for _, kind in totals):
            yield "Records that do not exist yet are called new-1, new-2 and so on."
        yield from self._hook_lines()
        for head in self.heads:
            yield from self._mapping_lines(head, totals, most)
        yield from self._cost_lines()
        if most is not None and any(number > most for number in totals.values()):
            yield ""
            yield "`--all` shows every record."

    def _summary(self, totals: Counter[tuple[str, Kind]]) -> str:
        if not self.changes():
            return "There is nothing to do."
        written = sum(number for (_, kind), number in totals.items() if kind in WRITES)
        linked = sum(number for (_, kind), number in totals.items() if kind in REMEMBERED)
        asked = sum(number for (_, kind), number in totals.items() if kind in NEEDS_PERSON)
        parts = [_count(written, "write")] if written else []
        parts += [_count(linked, "change") + " to pairs"] if linked else []
        parts += [_count(len(self.hooks), "change") + " to hooks"] if self.hooks else []
        parts += [_count(asked, "record") + " for a person"] if asked else []
        return f"Carried out, it makes {', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}."

    def _hook_lines(self) -> Iterator[str]:
        if self.hooks or self.hook_faults:
            yield ""
            yield "hooks, which `bridge run` and `bridge hooks repair` register or remove"
        grouped = groupby(self.hooks, key=lambda row: (row.what, row.system, row.why))
        for (what, system, why), rows in grouped:
            yield f"  {what} at {system}: {', '.join(row.hook for row in rows)} ({why})"
        for system, fault in self.hook_faults.items():
            yield f"  {system}: {fault}"

    def _mapping_lines(self, head: Head, totals: Counter[tuple[str, Kind]], most: int | None) -> Iterator[str]:
        yield ""
        yield f"{head.name}: {head.sides[0]} and {head.sides[1]}"
        yield from (f"  {note}" for note in head.notes)
        kinds = [kind for kind in HEADINGS if totals[head.name, kind]]
        if not kinds:
            yield "  nothing to do"
        for kind in kinds:
            yield f"  {totals[head.name, kind]:>6}  {HEADINGS[kind]}"
        yield from self._rest_lines(head.name)
        for kind in kinds:
            number = totals[head.name, kind]
            yield ""
            yield f"  {HEADINGS[kind]}:"
            for row in self.spool.rows(head.name, kind, -1 if most is None else most):
                yield from (f"    {line}" for line in row_lines(row))
            if most is not None and number > most:
                yield f"    and {number - most} more"

    def _rest_lines(self, mapping: str) -> Iterator[str]:
        """Yield the totals of records that are left alone, and of those that waited before the plan."""
        alone = self._left_alone().get(mapping, {})
        if alone:
            reasons = ", ".join(f"{code} {number}" for code, number in sorted(alone.items()))
            yield f"  {sum(alone.values()):>6}  left alone ({reasons})"
        for text, number in self.waiting.get(mapping, {}).items():
            yield f"  {number:>6}  {text}"

    def _left_alone(self) -> dict[str, dict[str, int]]:
        """Return by mapping and reason how many records are left alone."""
        nothing = self.spool.nothing_done().items()
        return _nested({(name, code): number for (name, outcome, code), number in nothing if outcome == "filtered"})

    def _cost_lines(self) -> Iterator[str]:
        yield ""
        made = ", ".join(f"{system} {number}" for system, number in sorted(self.made.items()))
        yield f"calls made for this plan: {made or 'none'}"
        if not self.changes():
            return
        yield "calls needed to carry it out, without those that compare both sides:"
        for cost in self.costs:
            yield f"  {_cost_line(cost)}"

    # For programs.

    def head_json(self) -> dict[str, Any]:
        """Return everything except the rows."""
        return {
            "made_at": _moment(self.at),
            "changes": self.changes(),
            "mappings": [asdict(head) for head in self.heads],
            "totals": _nested(dict(self.spool.totals())),
            "left alone": self._left_alone(),
            "waiting": {name: dict(found) for name, found in self.waiting.items()},
            "hooks": [asdict(row) for row in self.hooks],
            "hook faults": dict(self.hook_faults),
            "cost": [{**asdict(cost), "days": round(cost.days, 2), "told": _cost_line(cost)} for cost in self.costs],
            "calls made": dict(self.made),
        }

    def shown(self, most: int | None = SAMPLES) -> Iterator[Row]:
        """Yield the rows that are shown: at most `most` of each kind, or all."""
        if most is None:
            yield from self.spool.rows()
            return
        for mapping, kind in sorted(self.spool.totals()):
            yield from self.spool.rows(mapping, kind, most)


def row_lines(row: Row) -> Iterator[str]:
    """Yield the lines of a row: the record, and its fields below it."""
    if row.kind is Kind.CREATE:
        yield f"{row.record} -> {row.target}"
    elif row.kind in WRITES:
        yield f"{row.target}" + (f", because of {row.record}" if row.target != row.record else "")
    elif row.kind in REMEMBERED:
        yield row.why or row.record
    elif row.kind is Kind.HOLD:  # the list of dead letters will say what to do
        yield row.why.split(". ")[0]
    else:
        yield f"{row.record}: {row.why}"
    for name, change in row.fields.items():
        yield f"  {name}: {change_line(change)}"
    if row.why and row.kind in WRITES:
        yield f"  {row.why}"


def change_line(change: Mapping[str, Any]) -> str:
    """Return the values of a field before and after, and the reason, as one text."""
    if "left out" in change:
        return f"left out ({change['left out']})"
    if "values" in change:
        return ", ".join(f"{side} has {_value(value)}" for side, value in change["values"].items())
    texts = [_value(change[when]) for when in ("before", "after") if when in change]
    why = f"   ({change['why']})" if change.get("why") else ""
    return " -> ".join(texts) + (", which this plan creates" if change.get("new") else "") + why


def _value(value: Any) -> str:
    text = "(empty)" if value is None else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _cost_line(cost: Cost) -> str:
    return f"{cost.system}: {cost.reads} to read, {cost.writes} to write{_quota(cost)}; {_lasts(cost)}"


def _quota(cost: Cost) -> str:
    if cost.unit:
        most = f" of the daily {cost.per_day}" if cost.per_day else ""
        return f", {cost.units} {cost.unit}{most}"
    return f", at {cost.per_second:g} per second" if cost.per_second else ""


def _lasts(cost: Cost) -> str:
    if cost.days > 1:
        return f"that takes {cost.days:.1f} days of its quota"
    return f"about {_duration(cost.seconds)}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{max(seconds, 0.1):.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _moment(at: float) -> str:
    return from_epoch(at).strftime("%Y-%m-%d %H:%M:%S")


def _nested(counted: Mapping[Any, int]) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (first, second), number in sorted(counted.items()):
        nested.setdefault(first, {})[str(second)] = number
    return nested
