"""The account's own lists that an entity uses: list items, custom fields and their lists.

Sources: the vendor's OpenAPI description (List, UdefLayout, MDOList).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bridge.connectors.account_list import AccountList
from bridge.connectors.names import Names, Pins, pair_of
from bridge.connectors.rows import Listings, Row, row_id
from bridge.connectors.superoffice.client import SuperOfficeClient
from bridge.connectors.superoffice.columns import RESOURCES
from bridge.domain.catalog import Column
from bridge.domain.seams import Clock

_KEYS = ("Id", "CountryId", "CurrencyId", "SaleTypeId", "SaleStageId", "TaskListItemId")
_NAMES = ("TwoLetterISOCountry", "Name", "Value")  # a country's code does not depend on the language

CUSTOM_TYPES: Mapping[str, Column] = {
    "Number": Column.INTEGER,
    "ShortText": Column.TEXT,
    "LongText": Column.TEXT,
    "Date": Column.DATE,
    "UnlimitedDate": Column.DATE,
    "Checkbox": Column.BOOLEAN,
    "List": Column.CHOICE,
    "Decimal": Column.DECIMAL,
}


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field. `items`: path of the list that holds the names of a choice."""

    type: Column
    writable: bool = True
    items: str = ""
    max_length: int | None = None


@dataclass(slots=True)
class Catalog:
    """`lists`: by list name or path. `labels`: programmatic id <-> label of the custom fields."""

    labels: Names
    lists: dict[str, Names] = field(default_factory=dict)
    fields: dict[str, CustomField] = field(default_factory=dict)


class Catalogs:
    """The catalogs of an account. The entities share the lists."""

    def __init__(self, client: SuperOfficeClient, pins: Pins, listings: Listings, clock: Clock) -> None:
        self._client, self._pins, self._listings, self._clock = client, pins, listings, clock
        self._lists: dict[str, AccountList[Names]] = {}
        self._kept = {
            entity: AccountList(clock, partial(self._load, entity, Catalog(Names(f"custom fields of {entity}"))))
            for entity in RESOURCES
        }

    async def of(self, entity: str, *, fresh: bool = False) -> Catalog:
        return await self._kept[entity].get(fresh=fresh)

    async def reload_for(self, entity: str, wanted: str) -> bool:
        """Reload the catalog of this entity if that may help. Return True if it was reloaded."""
        return await self._kept[entity].again_for([wanted])

    async def _load(self, entity: str, catalog: Catalog, oldest: float) -> Catalog:
        resource = RESOURCES[entity]
        rows = await self._client.rows(f"{resource.path}/UdefLayout/Published") if resource.custom else []
        await self._take_fields(entity, catalog, rows)
        wanted = {each.items for each in resource.properties.values() if each.items}
        wanted |= {own.items for own in catalog.fields.values() if own.items}
        for name in sorted(wanted):
            catalog.lists[name] = await self._list(name).newer_than(oldest)
        return catalog

    def _list(self, name: str) -> AccountList[Names]:
        """The list called `name`: a list of the vendor's, or a path."""
        if name not in self._lists:
            self._lists[name] = AccountList(self._clock, partial(self._load_list, name, Names(f"list {name}")))
        return self._lists[name]

    async def _load_list(self, name: str, names: Names, oldest: float) -> Names:
        rows = await self._client.rows(name if "/" in name else f"List/{name}/Items")
        await self._pins.update(names, rows, _pair)
        return names

    async def _take_fields(self, entity: str, catalog: Catalog, rows: list[Any]) -> None:
        found = await self._listings.read(
            f"fields of {entity}", rows, lambda row: (row_id(row, "ProgId"), row, _custom_field(row))
        )
        catalog.fields = {prog_id: each for prog_id, _, each in found.rows}
        own = [row for _, row, _ in found.rows]
        await self._pins.update(catalog.labels, own, pair_of("ProgId", "FieldLabel"))


def _pair(row: Row) -> tuple[Any, Any] | None:
    """The key and the text of an item, which each list names differently. None for a deleted
    item: a record shows its text."""
    if row.get("Deleted"):
        return None
    key = next((name for name in _KEYS if row.get(name) is not None), _KEYS[0])
    return row_id(row, key), next((row[name] for name in _NAMES if row.get(name)), None)


def _custom_field(row: Mapping[str, Any]) -> CustomField:
    type_ = CUSTOM_TYPES.get(str(row.get("FieldType")), Column.TEXT)
    length = row.get("TextLength")
    return CustomField(
        type_,
        writable=not row.get("IsReadOnly"),
        items=_items(row) if type_ is Column.CHOICE else "",
        max_length=length if type_ is Column.TEXT and isinstance(length, int) and length > 0 else None,
    )


def _items(row: Mapping[str, Any]) -> str:
    """The path of a field's list. User-defined lists are read by id, the vendor's own lists by their MDO name."""
    number = row.get("UDListDefinitionId")
    if isinstance(number, int) and number > 0:
        return f"List/{number}/Items"
    return f"MDOList/{row['MdoListName']}" if row.get("MdoListName") else ""
