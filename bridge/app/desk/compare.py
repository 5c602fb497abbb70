"""Both records of a pair as they are now, beside what both sides agreed on and what would be written, by field."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.admin.operation import NotThere, Person
from bridge.app.build import Bridge
from bridge.app.desk.records import Which, kept_in_sync, link_names
from bridge.app.desk.words import name, shown, when
from bridge.connectors.lines import read_whole
from bridge.domain.errors import RemoteError
from bridge.domain.record import Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.base import Base, load_base
from bridge.mapping.merge import Action, Decision, Times, merge
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, LinkId, Reference, parts_of, with_parts
from bridge.store.model import Link, Scope

READ_SECONDS = 10.0


class WhichPair(Which):
    """One record in one mapping."""

    mapping: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One field. Values are None where they are empty. `to_left`, `to_right`: whether that side would be written, with
    `value`. `why`: what the merge says."""

    field: str
    left: str | None
    left_base: str | None
    right: str | None
    right_base: str | None
    left_changed: bool
    right_changed: bool
    differs: bool
    to_left: bool
    to_right: bool
    value: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`fault`: why one of the records could not be read; then there are no fields."""

    mapping: str
    sides: list[str]
    records: list[str]
    modified: list[str | None]
    read_at: str | None
    fields: list[Compared]
    differing: int
    fault: str


class Comparer:
    """Reads both records at their systems, and lets the merge say what it would do."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def compare(self, person: Person, which: WhichPair) -> Comparison:
        plan, store = self._bridge.plan, self._bridge.store
        here = [(s, side) for s, side in kept_in_sync(plan.scopes, which) if s.mapping == which.mapping]
        if not here:
            raise NotThere(f"{which.side} {which.entity} is not in a mapping called `{which.mapping}`")
        scope, side = here[0]
        link = await store.links.of(scope.mapping, side, which.record)
        if link is None or link.left is None or link.right is None:
            raise NotThere(f"{which.side} {which.entity} {which.record} is not linked in mapping {which.mapping}")
        mapping = plan.mappings[scope.mapping]
        found = await asyncio.gather(*(self._read(scope, link, one) for one in Side))
        records = {one: record for one, record in zip(Side, found, strict=True) if isinstance(record, Record)}
        faults = [text for text in found if isinstance(text, str)]
        rows = [] if faults else await self._fields(mapping, link, records)
        return Comparison(
            mapping=mapping.name,
            sides=[mapping.left.name, mapping.right.name],
            records=[name(scope.endpoint(one), link.rec(one)) for one in Side],
            modified=[_modified(records.get(one)) for one in Side],
            read_at=when(store.now()),
            fields=rows,
            differing=sum(row.differs for row in rows),
            fault="; ".join(faults),
        )

    async def _read(self, scope: Scope, link: Link, side: Side) -> Record | str:
        """The record, or why it cannot be shown."""
        end = scope.endpoint(side)
        ref = end.ref(str(link.rec(side)))
        unusable = await self._bridge.store.systems.unusable(end.system)
        if unusable:
            return unusable
        try:
            async with asyncio.timeout(READ_SECONDS):
                lines = self._bridge.plan.mappings[scope.mapping].line_columns(side)
                found = await read_whole(self._bridge.connectors[end.system], ref, lines)
        except RemoteError as error:
            return f"{name(end, ref.id)} cannot be read: {error}"
        except TimeoutError:
            return f"{name(end, ref.id)} cannot be read: no answer within {READ_SECONDS:.0f} s"
        return f"{name(end, ref.id)} is not there any more" if isinstance(found, Gone) else found

    async def _fields(self, mapping: RecordMapping, link: Link, records: Mapping[Side, Record]) -> list[Compared]:
        base = load_base(mapping, link.base)
        readings = {side: translate.read(mapping, side, record.fields) for side, record in records.items()}
        off = frozenset[str]().union(*(reading.off for reading in readings.values()))
        readings = {side: translate.without(reading, off) for side, reading in readings.items()}
        readings = await self._resolved(readings)
        left, right = readings[Side.LEFT], readings[Side.RIGHT]
        times = Times(records[Side.LEFT].modified_at, records[Side.RIGHT].modified_at, 1.0)
        decisions: dict[str, list[Decision]] = {}
        for one in merge(mapping, left, right, base, times):
            decisions.setdefault(one.field, []).append(one)
        known = [one for entry in base.values() for value in (entry.left, entry.right) for one in parts_of(value)]
        named = await self._names([*_values(readings), *known])
        return [
            _compared(mapping, row.name, readings, base, decisions.get(row.name, []), named)
            for row in mapping.fields
            if row.set_on != "create"
        ]

    async def _resolved(self, readings: Mapping[Side, Reading]) -> dict[Side, Reading]:
        """References that are linked become links, as they are when a record is synchronized."""
        found: dict[Reference, LinkId] = {}
        for value in _values(readings):
            if isinstance(value, Reference):
                link = await self._bridge.store.links.of(value.mapping, value.side, value.id)
                if link is not None:
                    found[value] = LinkId(link.id)
        return {
            side: replace(
                reading,
                values={
                    key: with_parts(value, lambda one: found.get(one, one) if isinstance(one, Reference) else one)
                    for key, value in reading.values.items()
                },
            )
            for side, reading in readings.items()
        }

    async def _names(self, values: Sequence[Any]) -> dict[Side, dict[int, str]]:
        ids = {value.id for value in values if isinstance(value, LinkId)}
        return link_names((await self._bridge.store.links.many(ids)).values())


def _values(readings: Mapping[Side, Reading]) -> list[Any]:
    return [one for reading in readings.values() for value in reading.values.values() for one in parts_of(value)]


def _compared(
    mapping: RecordMapping,
    field: str,
    readings: Mapping[Side, Reading],
    base: Base,
    decisions: Sequence[Decision],
    named: Mapping[Side, Mapping[int, str]],
) -> Compared:
    row, entry = mapping.named[field], base.get(field)
    values = [readings[side].values.get(field, UNREAD) for side in Side]
    were = [entry.left, entry.right] if entry is not None else [UNREAD, UNREAD]
    changed = [
        entry is not None and value is not UNREAD and not translate.same(row, value, was)
        for value, was in zip(values, were, strict=True)
    ]
    writes = [one for one in decisions if one.action in (Action.TO_LEFT, Action.TO_RIGHT)]
    target = Side.LEFT if writes and writes[0].action is Action.TO_LEFT else Side.RIGHT
    differs = UNREAD not in values and not translate.same(row, *values)
    return Compared(
        field=field,
        left=shown(values[0], named[Side.LEFT]),
        left_base=shown(were[0], named[Side.LEFT]) if entry is not None else None,
        right=shown(values[1], named[Side.RIGHT]),
        right_base=shown(were[1], named[Side.RIGHT]) if entry is not None else None,
        left_changed=changed[0],
        right_changed=changed[1],
        differs=differs,
        to_left=any(one.action is Action.TO_LEFT for one in writes),
        to_right=any(one.action is Action.TO_RIGHT for one in writes),
        value=shown(writes[0].value, named[target]) if writes else None,
        why="; ".join(dict.fromkeys(one.reason for one in decisions if one.reason)),
    )


def _modified(record: Record | None) -> str | None:
    return when(record.modified_at.timestamp()) if record is not None and record.modified_at is not None else None
