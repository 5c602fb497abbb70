"""The entities by name, and their records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from bridge.connectors.protocols import Page, Written
from bridge.connectors.tryton import opportunities, sales
from bridge.connectors.tryton.account import Account
from bridge.connectors.tryton.catalog import Catalog
from bridge.connectors.tryton.columns import CATEGORIES, CATEGORY, OPPORTUNITY, PARTY, SALE, TEMPLATE, Property
from bridge.connectors.tryton.employees import Employees
from bridge.connectors.tryton.opportunities import Opportunities
from bridge.connectors.tryton.parties import Parties
from bridge.connectors.tryton.products import Products
from bridge.connectors.tryton.sales import Sales
from bridge.connectors.tryton.shape import needed
from bridge.connectors.tryton.workflow import Workflow
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.record import Fields, Gone, Record, RecordRef

NAMED: Mapping[str, Mapping[str, Property]] = {
    "party": {**PARTY, "category": Property("categories", CATEGORY, CATEGORIES)},
    "product": TEMPLATE,
    "opportunity": OPPORTUNITY,
    "sale": SALE,
    "employee": {},
}
"""By entity, the columns with Tryton's fields. Some of their values are names from the database's own lists."""


class Records(Protocol):
    """The records of one entity; `connectors.protocols` describes each method."""

    async def read(self, ref: RecordRef) -> Record | Gone: ...
    async def list(self, since: datetime | None, page: str | None) -> Page: ...
    async def newest(self, after: datetime) -> Sequence[Record]: ...
    async def find(self, column: str, value: Any) -> Sequence[Record]: ...
    async def create(self, fields: Fields) -> Written: ...
    async def update(self, fresh: Record, changes: Fields) -> Written: ...
    async def delete(self, fresh: Record) -> None: ...
    async def archive(self, fresh: Record) -> None: ...


def records_of(account: Account) -> Mapping[str, Records]:
    return {
        "party": Parties(account),
        "product": Products(account),
        "opportunity": Opportunities(account),
        "sale": Sales(account),
        "employee": Employees(account),
    }


WORKFLOWS: Mapping[str, Workflow] = {"opportunity": opportunities.WORKFLOW, "sale": sales.WORKFLOW}


async def custom_columns(entity: str, catalog: Catalog) -> Mapping[str, ColumnSpec]:
    """The columns whose choices are defined in the database."""
    properties = {column: each for column, each in NAMED[entity].items() if each.items}
    lists = await catalog.of(needed(properties), fresh=True)
    return {
        column: ColumnSpec(Column.CHOICE, required=each.spec.required, choices=tuple(lists[each.items].names()))
        for column, each in properties.items()
    }
