"""Sale opportunities. Their state is a workflow."""

from collections.abc import Mapping
from datetime import datetime

from bridge.connectors.rows import Row
from bridge.connectors.tryton.account import Account, Kind
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.client import Domain
from bridge.connectors.tryton.columns import OPPORTUNITY, STATES
from bridge.connectors.tryton.shape import (
    EDITORS,
    Values,
    editor,
    moment,
    needed,
    read_columns,
    record_id,
    timestamps,
    write_columns,
)
from bridge.connectors.tryton.workflow import Documents, Workflow
from bridge.domain.record import Fields, Gone, Record, RecordRef

MODEL = "sale.opportunity"
FIELDS = (
    *dict.fromkeys(each.name for each in OPPORTUNITY.values()),
    "state",
    "create_date",
    "last_modified_at",
    "_timestamp",
    *EDITORS,
)
WORKFLOW = Workflow(
    {
        "lead": {"opportunity": "opportunity", "lost": "lost", "cancelled": "cancel"},
        "opportunity": {"lead": "lead", "converted": "convert", "lost": "lost", "cancelled": "cancel"},
        "lost": {"lead": "lead"},
        "cancelled": {"lead": "lead"},
        "converted": {},
        "won": {},
    },
    first="lead",
    open=("lead", "opportunity"),
    ends=("cancelled",),
)
"""No button leads to `won`: this state comes from the opportunity's sale."""


def read_opportunity(system: str, row: Row, lists: Lists) -> Record | Gone:
    fields = read_columns(OPPORTUNITY, row, lists)
    if row.get("state") in STATES:
        fields["state"] = row["state"]
    ref = RecordRef(system, "opportunity", str(record_id(row)))
    changed, created = moment(row, "last_modified_at"), moment(row, "create_date")
    return Record(ref, fields, changed, created, raw=row, modified_by=editor(row))


def _changed(since: datetime) -> Domain:
    return ["last_modified_at", ">=", since]


def seen(row: Row) -> Mapping[str, str]:
    return timestamps(MODEL, [row])


KIND = Kind("opportunity", MODEL, FIELDS, frozenset(needed(OPPORTUNITY)), read_opportunity, _changed, seen)


class Opportunities(Documents):
    def __init__(self, account: Account) -> None:
        super().__init__(account, KIND, WORKFLOW, ("number", "reference", "description"))

    async def values(self, fields: Fields, fresh: Record | None) -> Values:
        return await self.made(lambda lists: write_columns("opportunity", OPPORTUNITY, fields, lists))
