"""Mapping files for people: a table, the round-trip checks and examples, and a trial with a record."""

import asyncio
from dataclasses import field

from pydantic import Field as Described

from bridge.admin.operation import Given, Nothing, NotThere, Person
from bridge.app.build import Bridge
from bridge.app.desk.overview import mode_of
from bridge.app.desk.words import arrow, sides
from bridge.app.rehearsal import pasted_record, written_record
from bridge.connectors.lines import read_whole
from bridge.connectors.registry import CONNECTORS
from bridge.domain.errors import ConfigError, Problem, RemoteError
from bridge.domain.frozen import dataclass
from bridge.domain.guess import did_you_mean
from bridge.domain.record import SIDES, Fields, Gone, Side
from bridge.mapping.examples import run_tests
from bridge.mapping.explain import explain
from bridge.mapping.model import Conflict, Field, Mapping, Policy
from bridge.mapping.round_trip import Verdict, round_trips

READ_SECONDS = 10.0


class Named(Given):
    """A mapping by its name."""

    mapping: str = Described(max_length=200)


class Trial(Named):
    """A record to try a mapping with: the id of a live one, or one written as JSON."""

    side: str = Described(default="", max_length=100, description="The record's side; empty: the mapping's first one.")
    record: str = Described(default="", max_length=200, description="The id of a live record, which is read now.")
    fields: str = Described(default="", max_length=100_000, description='A record as JSON: {"column": "value"}.')


@dataclass(frozen=True, slots=True)
class Card:
    """One mapping in the list. `problems`: what the file names and the account does not have."""

    name: str
    file: str
    sides: str
    mode: str
    fields: int
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Cards:
    """Every mapping of the settings' folder."""

    mappings: list[Card]


@dataclass(frozen=True, slots=True)
class Rule:
    """One field rule of the mapping. `arrow`: ↔, →, ← or =. `notes`: what else the file says about it."""

    field: str
    type: str
    left: str
    arrow: str
    right: str
    conflict: str
    notes: list[str]
    line: str


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a value that a field rule writes is read back as the same value."""

    field: str
    holds: bool
    verdict: str
    how: str
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Example:
    """An example of the file, run in one direction."""

    name: str
    direction: str
    passed: bool
    differences: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping file as a table. `facts`: what it says about the whole mapping, as (word, meaning)."""

    name: str
    file: str
    version: str
    mode: str
    sides: list[str]
    ends: list[str]
    facts: list[tuple[str, str]]
    rules: list[Rule]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Checks:
    """The round-trip checks of every field rule, and the examples of the file."""

    mapping: str
    checks: list[Check]
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class TrialRow:
    """What a field rule does with the record. `why`: why nothing is written; "" if the value is written."""

    field: str
    rule: str
    before: dict[str, str]
    value: str
    after: dict[str, str]
    why: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What the mapping does with a record. `record`: the record as JSON, to edit and try again. `fault`: why it could
    not be tried; then there are no rows."""

    mapping: str
    side: str
    about: str
    rows: list[TrialRow] = field(default_factory=list)
    record: str = ""
    fault: str = ""


class Library:
    """The mappings of the running plan."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def mappings(self, person: Person, given: Nothing) -> Cards:
        plan = self._bridge.plan
        states = await self._bridge.store.mappings.states()
        return Cards(
            [
                Card(
                    name=name,
                    file=mapping.place.file,
                    sides=sides(mapping),
                    mode=mode_of(states.get(name), plan.scopes[name]),
                    fields=len(mapping.fields),
                    problems=list(states[name].problems or ()) if name in states else [],
                )
                for name, mapping in sorted(plan.mappings.items())
            ]
        )

    async def mapping(self, person: Person, named: Named) -> Table:
        mapping = self._find(named.mapping)
        states = await self._bridge.store.mappings.states()
        state = states.get(mapping.name)
        return Table(
            name=mapping.name,
            file=mapping.place.file,
            version=mapping.version,
            mode=mode_of(state, self._bridge.plan.scopes[mapping.name]),
            sides=[mapping.left.name, mapping.right.name],
            ends=[f"{one.product} {one.entity}" for one in (mapping.left, mapping.right)],
            facts=_facts(mapping),
            rules=[_rule(mapping, row) for row in mapping.fields],
            problems=list(state.problems or ()) if state is not None else [],
        )

    async def checks(self, person: Person, named: Named) -> Checks:
        """Return the checks. They take some ten milliseconds of CPU, so they run in a thread."""
        mapping = self._find(named.mapping)
        return await asyncio.to_thread(_checks, mapping)

    async def trial(self, person: Person, trial: Trial) -> Tried:
        """Return what the mapping does with the record. Raises NotThere for an unknown mapping, side or live record."""
        mapping = self._find(trial.mapping)
        named = {mapping.side(side).name: side for side in SIDES}
        if trial.side and trial.side not in named:
            raise NotThere(f"mapping {mapping.name} has no side `{trial.side}`; it has {' and '.join(named)}")
        side = named[trial.side] if trial.side else Side.LEFT
        end = mapping.side(side)
        try:
            fields = await self._record(mapping, side, trial)
        except ConfigError as error:
            return Tried(mapping.name, end.name, "", fault="; ".join(str(fault) for fault in error.problems))
        about, rows = explain(mapping, side, fields)
        told = [
            TrialRow(row.field, row.rule, _texts(row.before), row.value, _texts(row.after), row.why) for row in rows
        ]
        return Tried(mapping.name, end.name, about, told, written_record(fields))

    async def _record(self, mapping: Mapping, side: Side, trial: Trial) -> Fields:
        """Return the record that is named or pasted. Raises ConfigError if the text is not a record."""
        end = mapping.side(side)
        if trial.fields.strip():
            return pasted_record(trial.fields, CONNECTORS[end.product].manifest.entities[end.entity])
        if trial.record.strip():
            return await self._live(mapping, side, trial.record.strip())
        raise ConfigError([Problem("record", "none is given", "name the id of a live one, or paste one as JSON")])

    async def _live(self, mapping: Mapping, side: Side, record_id: str) -> Fields:
        end = self._bridge.plan.scopes[mapping.name].endpoint(side)
        try:
            async with asyncio.timeout(READ_SECONDS):
                connector = self._bridge.connectors[end.system]
                found = await read_whole(connector, end.ref(record_id), mapping.line_columns(side))
        except TimeoutError:
            raise RemoteError(end.system, f"no answer within {READ_SECONDS:.0f} s") from None
        if isinstance(found, Gone):
            raise NotThere(f"there is no {end.entity} {record_id} in {end.system}")
        return found.fields

    def _find(self, name: str) -> Mapping:
        return find_mapping(self._bridge, name)


def find_mapping(bridge: Bridge, name: str) -> Mapping:
    """Return a mapping of the running plan. Raises NotThere."""
    mapping = bridge.plan.mappings.get(name)
    if mapping is None:
        raise NotThere(f"no mapping is called `{name}`; {did_you_mean(name, bridge.plan.mappings)}")
    return mapping


def _checks(mapping: Mapping) -> Checks:
    checks = [
        Check(
            check.field,
            check.verdict is not Verdict.LOSES,
            check.verdict.value,
            check.how,
            [f"{one.what} - {one.instead}" for one in check.broken],
        )
        for check in round_trips(mapping)
    ]
    tests = [
        Example(one.name, one.direction, one.passed, [str(difference) for difference in one.differences])
        for one in run_tests([mapping])
    ]
    return Checks(mapping.name, checks, tests)


def _rule(mapping: Mapping, row: Field) -> Rule:
    notes = []
    if row.link:
        notes.append(f"link to {row.link}; when that is missing: {row.missing}")
    if row.required:
        notes.append("required")
    if row.set_on:
        notes.append(f"constant {row.value}, set {row.set_on}")
    if row.default is not None:
        notes.append(f"default {row.default}")
    if row.absent == "keep":
        notes.append("an empty value does not cross")
    if row.lossy:
        notes.append("may lose values (lossy: true)")
    if row.table is not None:
        notes += [f"{left} ↔ {right}" for left, right in row.table.items()]
    for side in SIDES:
        if (columns := row.columns_of(side)) is not None and columns.via:
            notes.append(f"{mapping.side(side).name} through {', '.join(columns.via)}")
    left, right = (", ".join(row.column_names(side)) for side in SIDES)
    kind = f"link to {row.link}" if row.link else "table" if row.lines else row.type
    policy = _policy(mapping, row.policy) if row.two_way else ""
    return Rule(row.name, kind, left, arrow(row.flows), right, policy, notes, str(row.place.line))


def _policy(mapping: Mapping, policy: Policy | None) -> str:
    if policy is None:
        return ""
    if policy.kind is Conflict.SIDE and policy.side is not None:
        return f"{mapping.side(policy.side).name} wins"
    if policy.kind is Conflict.NEWEST and policy.side is not None:
        return f"the newer wins, else {mapping.side(policy.side).name}"
    return {Conflict.ASK: "a person chooses", Conflict.FILL_EMPTY: "the empty side is filled"}.get(policy.kind, "")


def _facts(mapping: Mapping) -> list[tuple[str, str]]:
    names = {side: mapping.side(side).name for side in SIDES}
    facts = [
        ("writes", ", ".join(names[side] for side in SIDES if side in mapping.writes) or "nothing"),
        ("creates in", ", ".join(names[side] for side in SIDES if side in mapping.creates) or "neither side"),
        ("matched by", ", then ".join(" + ".join(one) for one in mapping.match) or "nothing: always created"),
        ("duplicates", mapping.duplicates.value),
    ]
    if mapping.quiet:
        facts.append(("quiet time", f"an edit crosses after {mapping.quiet:.0f} s without another one"))
    facts += [(f"when deleted in {names[side]}", mapping.deleted[side].value) for side in SIDES]
    for side in SIDES:
        where = mapping.side(side).where
        if where.parts:
            facts.append((f"only {names[side]} records with", str(where)))
    return facts


def _texts(columns: object) -> dict[str, str]:
    assert hasattr(columns, "items")
    return {str(path): "(empty)" if raw is None else str(raw) for path, raw in columns.items()}
