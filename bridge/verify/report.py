"""What a verification found: numbers by kind with a few examples, as JSON, as lines, and as a summary for the store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.domain.record import SIDES, Side
from bridge.mapping.types.numbers import plain
from bridge.mapping.values import Money
from bridge.sync.shadow import Difference

EXAMPLES = 5
"""How many examples of each kind are named."""
WRONG = ("differing", "gone", "dead", "unread")
ALONE_WRONG = ("not matched", "dead")
PAIR_STATES = ("equal", "differing", "waiting", "dead", "frozen", "gone", "unread")


@dataclass(slots=True)
class Tally:
    """A number, and the first few examples of what was counted."""

    number: int = 0
    examples: list[Any] = field(default_factory=list)

    def add(self, example: Any) -> None:
        self.number += 1
        if len(self.examples) < EXAMPLES and example not in self.examples:
            self.examples.append(example)


def tallies() -> defaultdict[Any, Tally]:
    return defaultdict(Tally)


@dataclass(slots=True)
class Report:
    """The verification of one mapping. `sample`: only this many random pairs were read; None: everything.

    `pairs`: by state. `fault`: why it ended early; then the numbers cover what was read before.
    """

    mapping: str
    ends: Mapping[Side, tuple[str, str]]  # each side's name and its entity
    started_at: float
    sample: int | None = None
    seconds: float = 0.0
    rows: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    skipped: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    pairs: dict[str, Tally] = field(default_factory=lambda: {state: Tally() for state in PAIR_STATES})
    fields: defaultdict[str, Tally] = field(default_factory=tallies)
    kept: defaultdict[str, Tally] = field(default_factory=tallies)
    sums: dict[str, dict[Side, dict[str, Decimal]]] = field(default_factory=dict)
    alone: dict[Side, defaultdict[str, Tally]] = field(default_factory=lambda: {side: tallies() for side in SIDES})
    duplicates: dict[Side, Tally] = field(default_factory=lambda: {side: Tally() for side in SIDES})
    references: defaultdict[str, Tally] = field(default_factory=tallies)
    unshown: set[str] = field(default_factory=set)
    repaired: int = 0
    fault: str = ""

    @property
    def number(self) -> int:
        """The number of pairs that were compared."""
        return sum(tally.number for tally in self.pairs.values())

    @property
    def agrees(self) -> bool | None:
        """Whether nothing differs, no record is missing, and none needs a person. A record that waits is not a
        difference, because the bridge will sync it. None: it ended early, and found no difference before."""
        pairs = sum(self.pairs[state].number for state in WRONG)
        if pairs or any(by[why].number for by in self.alone.values() for why in ALONE_WRONG if why in by):
            return False
        return None if self.fault else True

    def add_sum(self, name: str, side: Side, amount: Money | None) -> None:
        """Add one record's amount."""
        sums = self.sums.setdefault(name, {one: {} for one in SIDES})[side]
        if amount is not None:
            currency = amount.currency or ""
            sums[currency] = sums.get(currency, Decimal(0)) + amount.amount

    def summary(self) -> dict[str, Any]:
        """Return the numbers for the store, which keeps no personal data of a verification."""
        return {
            **{state: tally.number for state, tally in self.pairs.items()},
            "pairs": self.number,
            "agrees": self.agrees,
            "fields": _numbers(self.fields),
            "kept": _numbers(self.kept),
            "alone": {side.value: _numbers(self.alone[side]) for side in SIDES},
            "duplicates": {side.value: self.duplicates[side].number for side in SIDES},
            "references": _numbers(self.references),
            "repaired": self.repaired,
            "sample": self.sample,
            "seconds": round(self.seconds, 1),
            "fault": self.fault,
        }

    @property
    def names(self) -> dict[Side, str]:
        """Return each side with its entity, as `crm person`."""
        return {side: " ".join(end) for side, end in self.ends.items()}

    def document(self) -> dict[str, Any]:
        """Return the whole report, for programs."""
        names = {side: name for side, (name, _) in self.ends.items()}
        return {
            "mapping": self.mapping,
            "agrees": self.agrees,
            "pairs": self.number,
            **{state: _as_json(tally) for state, tally in self.pairs.items() if state != "equal"},
            "equal": self.pairs["equal"].number,
            "fields": {name: _as_json(tally) for name, tally in sorted(self.fields.items())},
            "kept": {name: _as_json(tally) for name, tally in sorted(self.kept.items())},
            "sums": {
                name: {names[side]: {cur: plain(total) for cur, total in sorted(by[side].items())} for side in SIDES}
                for name, by in sorted(self.sums.items())
            },
            "alone": {
                names[side]: {why: _as_json(tally) for why, tally in sorted(self.alone[side].items())} for side in SIDES
            },
            "duplicates": {names[side]: _as_json(self.duplicates[side]) for side in SIDES},
            "references": {name: _as_json(tally) for name, tally in sorted(self.references.items())},
            "not compared": sorted(self.unshown),
            "rows": {names[side]: self.rows[side] for side in SIDES},
            "rows not understood": {names[side]: self.skipped[side] for side in SIDES},
            "sample": self.sample,
            "seconds": round(self.seconds, 1),
            "repaired": self.repaired,
            "fault": self.fault,
        }

    def lines(self) -> list[str]:
        """Return the whole report as lines, for people."""
        drawn = " drawn at random" if self.sample is not None else ""
        lines = [f"{self.mapping}: {self.pairs['equal'].number} of {self.number} pairs{drawn} equal"]
        lines += [f"  {text}" for text in self._lines()]
        return lines

    def _lines(self) -> Iterable[str]:
        for state, (one, several) in PAIR_WORDS.items():
            tally = self.pairs[state]
            if tally.number:
                yield f"{_count(tally.number, 'pair')} {one if tally.number == 1 else several}{_such(tally)}"
        yield from self._of_fields()
        for side in SIDES:
            yield from self._of_side(side)
        for name, tally in sorted(self.references.items()):
            yield f"{name}: {_count(tally.number, 'reference')} to a record that is not linked{_such(tally)}"
        if self.unshown:
            yield f"not shown by the vendor and so not compared: {', '.join(sorted(self.unshown))}"
        if self.repaired:
            yield f"{self.repaired} marked as due"
        if self.fault:
            yield f"ended early: {self.fault}"

    def _of_fields(self) -> Iterable[str]:
        for name, tally in sorted(self.fields.items()):
            yield f"{name}: differs in {_count(tally.number, 'pair')}"
            yield from (f"  {line}" for line in map(example_line, tally.examples))
        for name, by in sorted(self.sums.items()):
            yield f"{name}, sum: {'; '.join(f'{self.names[side]} {total_line(by[side])}' for side in SIDES)}"
        for name, tally in sorted(self.kept.items()):
            yield f"{name}: differs in {_count(tally.number, 'pair')}, and the bridge leaves that as is{_such(tally)}"

    def _of_side(self, side: Side) -> Iterable[str]:
        for why, tally in sorted(self.alone[side].items()):
            such = "" if why in EXPECTED else _such(tally)
            yield f"only in {self.names[side]}: {tally.number} {ALONE_WORDS[why]}{such}"
        if self.duplicates[side].number:
            keys = _count(self.duplicates[side].number, "match key")
            yield f"duplicates in {self.names[side]}: {keys} shown by several records{_such(self.duplicates[side])}"
        if self.skipped[side]:
            yield f"{self.names[side]}: {_count(self.skipped[side], 'row')} could not be understood"


PAIR_WORDS = {
    "differing": ("differs", "differ"),
    "gone": ("has lost a record, unnoticed until now", "have lost a record, unnoticed until now"),
    "waiting": (
        "waits to be looked at, or was edited a moment ago",
        "wait to be looked at, or were edited a moment ago",
    ),
    "dead": ("needs a person (`bridge dead-letters list`)", "need a person (`bridge dead-letters list`)"),
    "frozen": ("is outside of `where` and left as it is", "are outside of `where` and left as they are"),
    "unread": ("could not be read", "could not be read"),
}
"""The words for each state, for one pair and for several."""
ALONE_WORDS = {
    "not matched": "not matched",
    "filtered": "outside of `where`",
    "never crosses": "not copied, as the mapping says",
    "waiting": "waiting",
    "dead": "dead letters",
    "shadow": "decided in shadow mode",
    "before going live": "from before going live",
    "counterpart gone": "whose counterpart was deleted or merged away",
    "duplicate": "reported as duplicates",
    "forgotten": "forgotten",
    "unlinked": "unlinked by a person",
}


EXPECTED = ("filtered", "never crosses")
"""Reasons why a record is on one side only on purpose. Such records are not named."""


def pair_example(records: Mapping[str, str], difference: Difference) -> dict[str, Any]:
    """Return an example of a pair that differs in a field. `records`: the names of both, by side."""
    return {"records": records, "values": difference.values, "why": difference.why}


def _numbers(found: Mapping[str, Tally]) -> dict[str, int]:
    return {name: tally.number for name, tally in sorted(found.items())}


def _as_json(tally: Tally) -> dict[str, Any]:
    return {"number": tally.number, "examples": tally.examples}


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _such(tally: Tally) -> str:
    named = [one for one in tally.examples if isinstance(one, str)]
    more = ", ..." if tally.number > len(named) else ""
    return f": {', '.join(named)}{more}" if named else ""


def example_line(example: Any) -> str:
    """Return a line with the values of one field in both records of a pair."""
    values = [f"{record}: {_value(example['values'].get(side))}" for side, record in example["records"].items()]
    why = f" ({example['why']})" if example["why"] else ""
    return f"{', '.join(values)}{why}"


def _value(value: Any) -> str:
    return "(empty)" if value is None else repr(value)


def total_line(sums: Mapping[str, Any]) -> str:
    """Return the sums as text. `sums`: by currency, as numbers or as their texts."""
    return " + ".join(f"{plain(Decimal(total))} {currency}".strip() for currency, total in sorted(sums.items())) or "0"
