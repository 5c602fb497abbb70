"""Names of the account's own things: custom fields, options, labels, pipelines, stages."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.connectors.names import STALE_SECONDS, Misses, Names, Pins, Unresolved
from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.pipedrive.manifest import RESOURCES
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
        self.loaded_at: float | None = None
        self.misses = Misses()

    def names_of(self, kind: str) -> Names:
        return self.lists.setdefault(kind, Names(f"{self._entity} {kind}"))


class Catalogs:
    """Loads and keeps the catalogs of an account; one load at a time."""

    def __init__(self, client: PipedriveClient, pins: Pins, clock: Clock) -> None:
        self._client, self._pins, self._clock = client, pins, clock
        self._catalogs: dict[str, Catalog] = {}
        self._lock = asyncio.Lock()

    async def of(self, entity: str, *, fresh: bool = False) -> Catalog:
        asked = self._clock.monotonic()
        async with self._lock:
            catalog = self._catalogs.setdefault(entity, Catalog(entity))
            loaded = catalog.loaded_at
            if loaded is None or loaded <= (asked if fresh else asked - STALE_SECONDS):
                await self._load(entity, catalog)
            return catalog

    async def reload_for(self, entity: str, unresolved: Iterable[Unresolved]) -> bool:
        """Loads anew when that may help: not for what was looked for in vain a moment ago. True: loaded."""
        catalog, now = self._catalogs[entity], self._clock.monotonic()
        due = catalog.misses.due((problem.mark for problem in unresolved if not problem.twice), now)
        if due:
            await self.of(entity, fresh=True)
            catalog.misses.add(due, now)
        return bool(due)

    async def _load(self, entity: str, catalog: Catalog) -> None:
        resource, started = RESOURCES[entity], self._clock.monotonic()
        fields = await self._client.all_rows(resource.fields_path) if resource.fields_path else []
        pipelines = await self._client.all_rows("api/v2/pipelines") if entity == "deal" else []
        stages = await self._client.all_rows("api/v2/stages") if entity == "deal" else []
        await self._take_fields(entity, catalog, fields)
        await self._take_stages(catalog, pipelines, stages)
        if entity == "lead":
            labels, _ = await self._client.rows("api/v1/leadLabels", ())
            await self._take(catalog, "labels", ((row.get("id"), row.get("name")) for row in labels))
        catalog.loaded_at = started

    async def _take_fields(self, entity: str, catalog: Catalog, rows: list[Mapping[str, Any]]) -> None:
        by_code = {str(row.get("field_code")): row for row in rows}
        own = {code: row for code, row in by_code.items() if row.get("is_custom_field")}
        catalog.types = {code: str(row.get("field_type")) for code, row in own.items()}
        await self._take(catalog, "field", ((code, row.get("field_name")) for code, row in own.items()))
        for code, row in own.items():
            await self._take(catalog, f"option {code}", _options(row))
        for column, (_, code) in RESOURCES[entity].named.items() if entity != "lead" else ():
            row = by_code.get(code) or by_code.get(code.removesuffix("_ids")) or {}
            await self._take(catalog, column, _options(row))

    async def _take_stages(
        self, catalog: Catalog, pipelines: list[Mapping[str, Any]], stages: list[Mapping[str, Any]]
    ) -> None:
        live = [row for row in stages if not row.get("is_deleted")]
        catalog.pipeline_of = {str(row.get("id")): str(row.get("pipeline_id")) for row in live}
        named = [(row.get("id"), row.get("name")) for row in pipelines if not row.get("is_deleted")]
        await self._take(catalog, "pipeline", named)
        for pipeline in set(catalog.pipeline_of.values()):
            inside = [row for row in live if str(row.get("pipeline_id")) == pipeline]
            named = [(row.get("id"), row.get("name")) for row in inside]
            await self._take(catalog, f"stage {pipeline}", named)

    async def _take(self, catalog: Catalog, kind: str, pairs: Iterable[tuple[Any, Any]]) -> None:
        await self._pins.update(catalog.names_of(kind), pairs)


def _options(row: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    options = row.get("options")
    if not isinstance(options, list):
        return []
    return [(option.get("id"), option.get("label")) for option in options if isinstance(option, dict)]
