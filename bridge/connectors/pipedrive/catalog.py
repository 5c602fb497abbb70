"""Names in the account's own lists: custom fields, options, labels, pipelines, stages."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from bridge.connectors.account_list import AccountList
from bridge.connectors.names import Names, Pins, Unresolved, pair_of
from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.pipedrive.manifest import RESOURCES
from bridge.connectors.rows import Listings, Row, row_id
from bridge.domain.seams import Clock


class Catalog:
    """The names of one entity.

    `lists`: `field`, `pipeline`, `stage <pipeline key>`, `option <code of field>`, and one per named column.
    """

    def __init__(self, entity: str) -> None:
        self._entity = entity
        self.lists: dict[str, Names] = {}
        self.types: dict[str, str] = {}
        self.pipeline_of: dict[str, str] = {}

    def names_of(self, kind: str) -> Names:
        return self.lists.setdefault(kind, Names(f"{self._entity} {kind}"))


class Catalogs:
    """The catalogs of an account."""

    def __init__(self, client: PipedriveClient, pins: Pins, listings: Listings, clock: Clock) -> None:
        self._client, self._pins, self._listings = client, pins, listings
        self._kept = {entity: AccountList(clock, partial(self._load, entity, Catalog(entity))) for entity in RESOURCES}

    async def of(self, entity: str, *, fresh: bool = False) -> Catalog:
        return await self._kept[entity].get(fresh=fresh)

    async def reload_for(self, entity: str, unresolved: Iterable[Unresolved]) -> bool:
        """Reload the catalog of this entity if that may help. Return True if it was reloaded."""
        return await self._kept[entity].again_for(problem.mark for problem in unresolved if not problem.twice)

    async def _load(self, entity: str, catalog: Catalog, oldest: float) -> Catalog:
        resource = RESOURCES[entity]
        fields = await self._client.all_rows(resource.fields_path) if resource.fields_path else []
        pipelines = await self._client.all_rows("api/v2/pipelines") if entity == "deal" else []
        stages = await self._client.all_rows("api/v2/stages") if entity == "deal" else []
        await self._take_fields(entity, catalog, fields)
        if entity == "deal":
            await self._take_stages(catalog, pipelines, stages)
        if entity == "lead":
            labels, _ = await self._client.rows("api/v1/leadLabels", ())
            await self._pins.update(catalog.names_of("labels"), labels, pair_of("id", "name"))
        return catalog

    async def _take_fields(self, entity: str, catalog: Catalog, rows: list[Any]) -> None:
        found = await self._listings.read(f"{entity} fields", rows, lambda row: (row_id(row, "field_code"), row))
        by_code = dict(found.rows)
        own = {code: row for code, row in by_code.items() if row.get("is_custom_field")}
        catalog.types = {code: str(row.get("field_type")) for code, row in own.items()}
        await self._take(catalog, "field", own.values(), "field_code", "field_name")
        for code, row in own.items():
            await self._take(catalog, f"option {code}", _options(row), "id", "label")
        for column, (_, code) in RESOURCES[entity].named.items() if entity != "lead" else ():
            row = by_code.get(code) or by_code.get(code.removesuffix("_ids")) or {}
            await self._take(catalog, column, _options(row), "id", "label")

    async def _take_stages(self, catalog: Catalog, pipelines: list[Any], stages: list[Any]) -> None:
        await self._pins.update(catalog.names_of("pipeline"), pipelines, _live_pair)
        found = await self._listings.read("deal stages", stages, _stage)
        live = [(key, pipeline, row) for key, pipeline, row in found.rows if not row.get("is_deleted")]
        catalog.pipeline_of = {key: pipeline for key, pipeline, _ in live}
        for pipeline in set(catalog.pipeline_of.values()):
            inside = [row for _, holder, row in live if holder == pipeline]
            await self._take(catalog, f"stage {pipeline}", inside, "id", "name")

    async def _take(self, catalog: Catalog, kind: str, rows: Iterable[Any], key: str, name: str) -> None:
        await self._pins.update(catalog.names_of(kind), rows, pair_of(key, name))


def _live_pair(row: Row) -> tuple[str, Any] | None:
    return None if row.get("is_deleted") else (row_id(row), row.get("name"))


def _stage(row: Row) -> tuple[str, str, Row]:
    return row_id(row), row_id(row, "pipeline_id"), row


def _options(row: Mapping[str, Any]) -> list[Any]:
    options = row.get("options")
    return options if isinstance(options, list) else []
