"""Employees. They are read-only. Their name and e-mail address are those of their party."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.protocols import Written
from bridge.connectors.rows import Row
from bridge.connectors.tryton.account import Account, Kind, Table
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.client import Domain
from bridge.connectors.tryton.parties import in_order
from bridge.connectors.tryton.shape import EDITORS, editor, moment, read_mechanisms, record_id, timestamps
from bridge.domain.errors import Rejected
from bridge.domain.record import Fields, Gone, Record, RecordRef

MODEL = "company.employee"
_MECHANISMS = ("type", "value", "sequence", "active")
FIELDS = (
    "rec_name",
    "end_date",
    "create_date",
    "last_modified_at",
    "_timestamp",
    *EDITORS,
    "party.name",
    *(f"party.contact_mechanisms.{name}" for name in _MECHANISMS),
)


def read_employee(system: str, row: Row, lists: Lists) -> Record | Gone:
    party = row.get("party.")
    emails = read_mechanisms(in_order(party, "contact_mechanisms"), ("email",)) if isinstance(party, Mapping) else []
    fields = {
        "name": row.get("rec_name") or None,
        "email": emails[0]["value"] if emails else None,
        "end_date": row.get("end_date"),
    }
    ref = RecordRef(system, "employee", str(record_id(row)))
    changed, created = moment(row, "last_modified_at"), moment(row, "create_date")
    return Record(ref, fields, changed, created, raw=row, modified_by=editor(row))


def _changed(since: datetime) -> Domain:
    names = ("last_modified_at", "party.last_modified_at", "party.contact_mechanisms.last_modified_at")
    return ["OR", *([name, ">=", since] for name in names)]


def seen(row: Row) -> Mapping[str, str]:
    return timestamps(MODEL, [row])


KIND = Kind("employee", MODEL, FIELDS, frozenset(), read_employee, _changed, seen)


class Employees(Table):
    def __init__(self, account: Account) -> None:
        super().__init__(account, KIND)
        self._system = account.system

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        return []

    async def create(self, fields: Fields) -> Written:
        raise self._read_only()

    async def update(self, fresh: Record, changes: Fields) -> Written:
        raise self._read_only()

    async def delete(self, fresh: Record) -> None:
        raise self._read_only()

    async def archive(self, fresh: Record) -> None:
        raise self._read_only()

    def _read_only(self) -> Rejected:
        return Rejected(self._system, "employees of Tryton are read only")
