"""Sale opportunities: their state is a workflow and changes by buttons alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bridge.connectors.protocols import Written
from bridge.connectors.rows import Row
from bridge.connectors.several import Calls, one_after_another
from bridge.connectors.tryton.account import Account, Kind, Table
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.client import Domain
from bridge.connectors.tryton.columns import OPPORTUNITY, STATES
from bridge.connectors.tryton.parties import escaped
from bridge.connectors.tryton.shape import (
    BadField,
    moment,
    needed,
    read_columns,
    record_id,
    timestamps,
    write_columns,
)
from bridge.domain.errors import Rejected, RemoteError
from bridge.domain.record import Fields, Gone, Record, RecordRef

MODEL = "sale.opportunity"
FIELDS = (
    *(each.name for each in OPPORTUNITY.values()),
    "state",
    "create_date",
    "last_modified_at",
    "_timestamp",
)
BUTTONS: Mapping[str, Mapping[str, str]] = {
    "lead": {"opportunity": "opportunity", "lost": "lost", "cancelled": "cancel"},
    "opportunity": {"lead": "lead", "converted": "convert", "lost": "lost", "cancelled": "cancel"},
    "lost": {"lead": "lead"},
    "cancelled": {"lead": "lead"},
    "converted": {},
    "won": {},
}
"""State -> the states its buttons lead to, and their names. `won` comes with the sale, never by a button."""
OPEN = ("lead", "opportunity")
"""Where fields can be written; elsewhere the server refuses most of them."""


def way(begin: str, end: str) -> Sequence[str] | None:
    """The buttons to press, fewest first; None: there is no way."""
    ways: dict[str, list[str]] = {begin: []}
    queue = [begin]
    while queue and end not in ways:
        state = queue.pop(0)
        for other, button in BUTTONS.get(state, {}).items():
            if other not in ways:
                ways[other] = [*ways[state], button]
                queue.append(other)
    return ways.get(end)


def states_between(fresh: Record | None, changes: Fields | None) -> Sequence[Fields]:
    """The states of an opportunity while such a write presses its buttons; the last one of a write is its end."""
    begin = "lead" if fresh is None else str(fresh.raw.get("state"))
    end = "cancelled" if changes is None else changes.get("state", begin)
    passed, state = ([begin] if fresh is None else []), begin
    for button in way(begin, end) or ():
        state = next(other for other, name in BUTTONS[state].items() if name == button)
        passed.append(state)
    return [{"state": each} for each in passed if each != end or changes is None]


def read_opportunity(system: str, row: Row, lists: Lists) -> Record | Gone:
    fields = read_columns(OPPORTUNITY, row, lists)
    if row.get("state") in STATES:
        fields["state"] = row["state"]
    ref = RecordRef(system, "opportunity", str(record_id(row)))
    return Record(ref, fields, moment(row, "last_modified_at"), moment(row, "create_date"), raw=row)


def _changed(since: datetime) -> Domain:
    return ["last_modified_at", ">=", since]


def seen(row: Row) -> Mapping[str, str]:
    return timestamps(MODEL, [row])


KIND = Kind("opportunity", MODEL, FIELDS, frozenset(needed(OPPORTUNITY)), read_opportunity, _changed, seen)


class Opportunities(Table):
    def __init__(self, account: Account) -> None:
        super().__init__(account, KIND)
        self._client, self._system = account.client, account.system

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        if column not in ("number", "reference", "description") or not isinstance(value, str) or not value.strip():
            return []
        return await self.found([[column, "ilike", escaped(value)]])

    async def create(self, fields: Fields) -> Written:
        """Made as a lead; the buttons follow. When one fails the record is there all the same."""
        buttons = self._buttons("lead", fields)
        plain = {column: value for column, value in fields.items() if column != "state"}
        values = await self.made(lambda lists: write_columns("opportunity", OPPORTUNITY, plain, lists))
        made = await self._client.create(MODEL, values)
        try:
            await one_after_another(self._system, self._presses(made, buttons))
        except RemoteError:
            return Written(str(made), whole=False)
        return Written(str(made))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        """Fields are written while the opportunity is open: before it is closed, or after it was opened again."""
        state = str(fresh.raw.get("state"))
        buttons = self._buttons(state, changes)
        plain = {column: value for column, value in changes.items() if column != "state"}
        values = await self.made(lambda lists: write_columns("opportunity", OPPORTUNITY, plain, lists))
        first = buttons if values and state not in OPEN else ()
        last = () if first else buttons
        record, unseen = int(fresh.ref.id), {} if first else seen(fresh.raw)
        write = partial(self._client.write, MODEL, [record], values, seen=unseen)
        middle: Calls = [write] if values else []
        calls = [*self._presses(record, first), *middle, *self._presses(record, last)]
        async with self.while_there(fresh.ref):
            await one_after_another(self._system, calls)
        return Written(fresh.ref.id, None if values or buttons else fresh)

    async def delete(self, fresh: Record) -> None:
        """Only a cancelled one can be deleted. The button moves the version, so the delete is not conditional then."""
        buttons = self._buttons(str(fresh.raw.get("state")), {"state": "cancelled"})
        if await self.there(fresh.ref):
            remove = partial(self.remove, MODEL, int(fresh.ref.id), fresh, unseen=bool(buttons))
            await one_after_another(self._system, [*self._presses(int(fresh.ref.id), buttons), remove])

    async def archive(self, fresh: Record) -> None:
        raise Rejected(self._system, "a Tryton opportunity cannot be archived")

    def _buttons(self, state: str, fields: Fields) -> Sequence[str]:
        wanted = fields.get("state", state)
        buttons = way(state, wanted) if isinstance(wanted, str) else None
        if buttons is None:
            raise self.refused(BadField("state", f"no button of Tryton leads from {state} to {wanted}"))
        return buttons

    def _presses(self, record: int, buttons: Sequence[str]) -> Calls:
        return [partial(self._client.press, MODEL, button, record) for button in buttons]
