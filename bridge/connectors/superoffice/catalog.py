"""The account's own things an entity uses: list items, custom fields and their lists.

Sources: the vendor's OpenAPI description (List, UdefLayout, MDOList).
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.connectors.names import STALE_SECONDS, Misses, Names, Pins
from bridge.connectors.superoffice.client import SuperOfficeClient
from bridge.connectors.superoffice.entities import RESOURCES
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
    """`items`: path of the list that names the keys of a choice."""

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
    loaded_at: float | None = None
    misses: Misses = field(default_factory=Misses)


class Catalogs:
    """Loads and keeps the catalogs of an account; one load at a time. Lists are shared by the entities."""

    def __init__(self, client: SuperOfficeClient, pins: Pins, clock: Clock) -> None:
        self._client, self._pins, self._clock = client, pins, clock
        self._catalogs: dict[str, Catalog] = {}
        self._lists: dict[str, Names] = {}
        self._list_at: dict[str, float] = {}
        self._lock = asyncio.Lock()

    async def of(self, entity: str, *, fresh: bool = False) -> Catalog:
        asked = self._clock.monotonic()
        async with self._lock:
            catalog = self._catalogs.setdefault(entity, Catalog(Names(f"custom fields of {entity}")))
            oldest = asked if fresh else asked - STALE_SECONDS
            if catalog.loaded_at is None or catalog.loaded_at <= oldest:
                await self._load(entity, catalog, oldest)
            return catalog

    async def reload_for(self, entity: str, wanted: str) -> bool:
        """Loads anew when that may help: not for what was looked for in vain a moment ago. True: loaded."""
        catalog, now = self._catalogs[entity], self._clock.monotonic()
        due = catalog.misses.due([wanted], now)
        if due:
            await self.of(entity, fresh=True)
            catalog.misses.add(due, now)
        return bool(due)

    async def _load(self, entity: str, catalog: Catalog, oldest: float) -> None:
        resource, started = RESOURCES[entity], self._clock.monotonic()
        rows = await self._client.rows(f"{resource.path}/UdefLayout/Published") if resource.custom else []
        await self._take_fields(entity, catalog, rows)
        wanted = {each.items for each in resource.properties.values() if each.items}
        wanted |= {own.items for own in catalog.fields.values() if own.items}
        for name in sorted(wanted):
            catalog.lists[name] = await self._list(name, oldest)
        catalog.loaded_at = started

    async def _list(self, name: str, oldest: float) -> Names:
        """`name` is a list of the vendor's, or a path."""
        names, read_at = self._lists.setdefault(name, Names(f"list {name}")), self._list_at.get(name)
        if read_at is None or read_at <= oldest:
            started = self._clock.monotonic()
            rows = await self._client.rows(name if "/" in name else f"List/{name}/Items")
            await self._pins.update(names, _pairs(rows))
            self._list_at[name] = started
        return names

    async def _take_fields(self, entity: str, catalog: Catalog, rows: list[Mapping[str, Any]]) -> None:
        own = {str(row["ProgId"]): row for row in rows if row.get("ProgId")}
        catalog.fields = {prog_id: _custom_field(row) for prog_id, row in own.items()}
        labels = [(prog_id, row.get("FieldLabel")) for prog_id, row in own.items()]
        await self._pins.update(catalog.labels, labels)


def _pairs(rows: Iterable[Mapping[str, Any]]) -> Iterable[tuple[Any, Any]]:
    """Each list has its own names for key and text. Deleted items are left out: a record shows their text itself."""
    for row in rows:
        key = next((row[name] for name in _KEYS if row.get(name) is not None), None)
        name = next((row[name] for name in _NAMES if row.get(name)), None)
        if key is not None and name is not None and not row.get("Deleted"):
            yield key, name


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
    """User-defined lists go by id, the vendor's own lists by their MDO name."""
    number = row.get("UDListDefinitionId")
    if isinstance(number, int) and number > 0:
        return f"List/{number}/Items"
    return f"MDOList/{row['MdoListName']}" if row.get("MdoListName") else ""
