"""Both records of a pair as they are now, beside the values last agreed on and those that would be written, by field.

The synchronizer itself decides what would be written (`sync/shadow`).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from bridge.admin.operation import NotThere, Person
from bridge.app.build import Bridge
from bridge.app.desk.records import Which, kept_in_sync
from bridge.app.desk.words import name, when
from bridge.connectors.lines import read_whole
from bridge.domain.errors import RemoteError
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Gone, Record, Side
from bridge.store.model import Link, Scope, TaskKey
from bridge.sync.shadow import FieldBeside, State, beside
from bridge.verify.look import Subject, decided

READ_SECONDS = 10.0


class WhichPair(Which):
    """One record in one mapping."""

    mapping: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One field. Empty values are None. `to_left`, `to_right`: whether that side would be written, with `left_value` or
    `right_value`. `why`: the bridge's reason."""

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
    left_value: str | None
    right_value: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`state`: equal, differing (something would be written), or frozen (outside of `where`, and left as it is).

    `fault`: why one of the records could not be read; then there are neither state nor fields. `differing`: the number
    of fields that differ.
    """

    mapping: str
    sides: list[str]
    records: list[str]
    modified: list[str | None]
    read_at: str | None
    fields: list[Compared]
    state: str
    differing: int
    fault: str


class Comparer:
    """Reads both records at their systems, and returns what the bridge would do."""

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
        found = await asyncio.gather(*(self._read(scope, link, one) for one in SIDES))
        records = {one: record for one, record in zip(Side, found, strict=True) if isinstance(record, Record)}
        fault = "; ".join(text for text in found if isinstance(text, str))
        state, rows = ("", ()) if fault else await self._decided(scope, link, records)
        return Comparison(
            mapping=scope.mapping,
            sides=[scope.endpoint(one).name for one in SIDES],
            records=[name(scope.endpoint(one), link.record_id(one)) for one in SIDES],
            modified=[_modified(records.get(one)) for one in SIDES],
            read_at=when(store.now()),
            fields=[_compared(row) for row in rows],
            state=state,
            differing=sum(row.differs for row in rows),
            fault=fault,
        )

    async def _decided(
        self, scope: Scope, link: Link, records: Mapping[Side, Record]
    ) -> tuple[State, tuple[FieldBeside, ...]]:
        bridge, plan = self._bridge, self._bridge.plan
        subject = Subject(
            plan.mappings[scope.mapping], plan.scopes, bridge.connectors, bridge.store, bridge.seams.clock
        )
        keys = [TaskKey(scope.mapping, side, str(link.record_id(side))) for side in SIDES]
        tasks = list((await bridge.store.verifications.tasks(keys)).values())
        return await decided(subject, link, records, beside, tasks)

    async def _read(self, scope: Scope, link: Link, side: Side) -> Record | str:
        """Return the record, or the reason why it cannot be shown."""
        end = scope.endpoint(side)
        ref = end.ref(str(link.record_id(side)))
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


def _compared(row: FieldBeside) -> Compared:
    left, right = Side.LEFT, Side.RIGHT
    now = {side: _now(row, side) for side in SIDES}
    agreed = {side: None if row.agreed is None else _text(row.agreed[side]) for side in SIDES}
    return Compared(
        field=row.field,
        left=now[left],
        left_base=agreed[left],
        right=now[right],
        right_base=agreed[right],
        left_changed=left in row.changed,
        right_changed=right in row.changed,
        differs=row.differs,
        to_left=left in row.gets,
        to_right=right in row.gets,
        left_value=_text(row.gets.get(left)),
        right_value=_text(row.gets.get(right)),
        why=row.why,
    )


def _now(row: FieldBeside, side: Side) -> str | None:
    if row.off:
        return "not in sync: `when` does not hold"
    return "not read" if side in row.unread else _text(row.now[side])


def _text(value: Any) -> str | None:
    """Return a value as text for people; None if it is empty. Each line of a table becomes a line of text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return "\n".join(", ".join(f"{name} {_text(part)}" for name, part in one.items()) for one in value)
    if isinstance(value, list):
        return ", ".join(sorted(map(str, value))) or None
    return None if value is None or value == "" else str(value)


def _modified(record: Record | None) -> str | None:
    return when(record.modified_at.timestamp()) if record is not None and record.modified_at is not None else None
