"""Parties: people and companies, with their contact mechanisms and addresses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bridge.connectors.protocols import Written
from bridge.connectors.rows import Row
from bridge.connectors.tryton.account import Account, Kind, Table
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.client import Domain
from bridge.connectors.tryton.columns import CATEGORIES, COUNTRIES, MECHANISMS, PARTY, PARTY_LISTS
from bridge.connectors.tryton.shape import (
    EDITORS,
    BadField,
    Values,
    checked,
    editor,
    moment,
    needed,
    read_address,
    read_category,
    read_columns,
    read_mechanisms,
    record_id,
    related,
    timestamps,
    write_address,
    write_category,
    write_columns,
    write_mechanisms,
)
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef

MODEL, MECHANISM, ADDRESS = "party.party", "party.contact_mechanism", "party.address"
_OF_MECHANISMS = ("type", "value", "sequence", "active", "_timestamp")
_OF_ADDRESSES = (
    "party_name",
    "street",
    "postal_code",
    "city",
    "country",
    "subdivision.name",
    "sequence",
    "active",
    "_timestamp",
)
FIELDS = (
    *(each.name for each in PARTY.values()),
    "categories",
    "replaced_by",
    "create_date",
    "last_modified_at",
    "_timestamp",
    *EDITORS,
    *(f"contact_mechanisms.{name}" for name in _OF_MECHANISMS),
    *(f"addresses.{name}" for name in _OF_ADDRESSES),
)


def read_party(system: str, row: Row, lists: Lists) -> Record | Gone:
    """A party that was merged into another one names it in `replaced_by`. A change of a mechanism or an address does
    not change the party's version."""
    ref = RecordRef(system, "party", str(record_id(row)))
    if row.get("replaced_by"):
        return Gone(ref, Evidence.FLAG, str(row["replaced_by"]), moment(row, "last_modified_at"))
    mechanisms, addresses = in_order(row, "contact_mechanisms"), in_order(row, "addresses")
    fields = read_columns(PARTY, row, lists)
    fields |= {column: read_mechanisms(mechanisms, kinds) for column, kinds in MECHANISMS.items()}
    fields["address"] = read_address(addresses, lists)
    fields |= read_category(row, lists)
    return Record(
        ref,
        fields,
        moment(row, "last_modified_at"),
        moment(row, "create_date"),
        archived=not row.get("active", True),
        raw=row,
        modified_by=editor(row),
    )


def in_order(row: Row, name: str) -> list[Row]:
    """The rows in the party's own order: first those without a `sequence`, then by `sequence`."""
    return sorted(
        related(row, name), key=lambda each: (each.get("sequence") is not None, each.get("sequence"), record_id(each))
    )


def _changed(since: datetime) -> Domain:
    """A mechanism or an address can be written on its own. The party's own time does not show that."""
    own = [[name, ">=", since] for name in ("last_modified_at", *(f"{one}.last_modified_at" for one in RELATED))]
    return ["OR", *own]


def seen(row: Row) -> Mapping[str, str]:
    return {
        **timestamps(MODEL, [row]),
        **timestamps(MECHANISM, related(row, "contact_mechanisms")),
        **timestamps(ADDRESS, related(row, "addresses")),
    }


RELATED = ("contact_mechanisms", "addresses")
KIND = Kind("party", MODEL, FIELDS, frozenset({*needed(PARTY), COUNTRIES, CATEGORIES}), read_party, _changed, seen)


class Parties(Table):
    def __init__(self, account: Account) -> None:
        super().__init__(account, KIND)
        self._client = account.client

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        if not isinstance(value, str) or not value.strip():
            return []
        if column in MECHANISMS:
            kinds = list(MECHANISMS[column])
            within = [["type", "in", kinds], ["value", "ilike", escaped(value)]]
            return await self.found([["contact_mechanisms", "where", within]])
        if column in ("name", "code"):
            return await self.found([[column, "ilike", escaped(value)]])
        return []

    async def create(self, fields: Fields) -> Written:
        values = await self.made(lambda lists: _values(fields, {}, lists))
        return Written(str(await self._client.create(MODEL, values)))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        """Writes everything in one transaction.

        Raises WriteConflict when the party, one of its mechanisms or one of its addresses was changed since `fresh` was
        read.
        """
        values = await self.made(lambda lists: _values(changes, fresh.raw, lists))
        if values:
            await self.write(MODEL, int(fresh.ref.id), values, fresh)
        return Written(fresh.ref.id, None if values else fresh)

    async def delete(self, fresh: Record) -> None:
        await self.remove(MODEL, int(fresh.ref.id), fresh)

    async def archive(self, fresh: Record) -> None:
        if not fresh.archived:
            await self.write(MODEL, int(fresh.ref.id), {"active": False}, fresh)


def _values(fields: Fields, row: Row, lists: Lists) -> Values:
    """The values to send. `row`: the party as just read, empty for a new one. Raises BadField."""
    if "custom" in fields:
        raise BadField("custom", "a Tryton party has no custom fields")
    plain = {column: value for column, value in fields.items() if column not in (*PARTY_LISTS, "category")}
    values = write_columns("party", PARTY, plain, lists)
    commands = []
    for column in MECHANISMS:
        if column in fields:
            there = in_order(row, "contact_mechanisms") if row else []
            commands += checked(column, partial(write_mechanisms, column, fields[column], there))
    if commands:
        values["contact_mechanisms"] = commands
    if "category" in fields:
        values["categories"] = checked("category", lambda: write_category(fields["category"], row, lists))
    if "address" in fields:
        there = in_order(row, "addresses") if row else []
        if made := checked("address", lambda: write_address(fields["address"], there, lists)):
            values["addresses"] = made
    return values


def escaped(value: str) -> str:
    """A text that `ilike` takes literally: without wildcards."""
    return value.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
