"""Names of the account's own things: custom fields, options, labels, pipelines, stages.

A name is pinned to the vendor's key when it is first seen: mappings speak in names, and a rename must not silently turn
one thing into another. Two things of equal name are left out, and refused when used.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.pipedrive.manifest import RESOURCES
from bridge.domain.seams import Clock

log = logging.getLogger(__name__)

STALE_SECONDS = 3600.0
UNKNOWN_AGAIN_SECONDS = 600.0


class Unresolved(Exception):
    """A name or key of list `kind` that the account does not have (`known` False) or has twice."""

    def __init__(self, kind: str, wanted: Any, *, twice: bool = False) -> None:
        super().__init__(f"{wanted!r} exists twice, rename one" if twice else f"{wanted!r} does not exist there")
        self.mark = (kind, str(wanted))
        self.twice = twice


class Names:
    """One list of keys and names."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._pinned: dict[str, str] = {}
        self._now: dict[str, str] = {}
        self._keys: dict[str, list[str]] = {}

    def update(self, pairs: Iterable[tuple[Any, Any]]) -> list[str]:
        """Takes over the account's list; returns a sentence for each rename."""
        now = {str(key): str(name).strip() for key, name in pairs}
        renamed = []
        for key, name in now.items():
            if self._now.get(key, name) != name:
                renamed.append(
                    f"{self._kind}: {self._now[key]!r} is now called {name!r} (mappings still say the old name)"
                )
            self._pinned.setdefault(key, name)
        self._now = now
        self._keys = {}
        for key in now:
            self._keys.setdefault(self._pinned[key], []).append(key)
        return renamed

    def names(self) -> list[str]:
        """The names that can be used."""
        return [name for name, keys in self._keys.items() if len(keys) == 1]

    def doubled(self) -> list[str]:
        return [name for name, keys in self._keys.items() if len(keys) > 1]

    def name(self, key: Any) -> str:
        text = str(key)
        if text not in self._now:
            raise Unresolved(self._kind, key)
        name = self._pinned[text]
        if len(self._keys[name]) > 1:
            raise Unresolved(self._kind, name, twice=True)
        return name

    def key(self, name: Any) -> str:
        """By the pinned name, else by today's name of a renamed thing."""
        keys = self._keys.get(str(name)) or [key for key, today in self._now.items() if today == name]
        if len(keys) != 1:
            raise Unresolved(self._kind, name, twice=len(keys) > 1)
        return keys[0]


class Catalog:
    """The names of one entity.

    `lists`: `field`, `pipeline`, `stage <pipeline key>`, `option <code of field>`, and one per named column.
    """

    def __init__(self) -> None:
        self.lists: dict[str, Names] = {}
        self.types: dict[str, str] = {}
        self.pipeline_of: dict[str, str] = {}
        self.loaded_at: float | None = None
        self.unknown_at: dict[tuple[str, str], float] = {}

    def names_of(self, kind: str) -> Names:
        return self.lists.setdefault(kind, Names(kind))


class Catalogs:
    """Loads and keeps the catalogs of an account; one load at a time."""

    def __init__(self, system: str, client: PipedriveClient, clock: Clock) -> None:
        self._system, self._client, self._clock = system, client, clock
        self._catalogs: dict[str, Catalog] = {}
        self._lock = asyncio.Lock()

    async def of(self, entity: str, *, fresh: bool = False) -> Catalog:
        asked = self._clock.monotonic()
        async with self._lock:
            catalog = self._catalogs.setdefault(entity, Catalog())
            loaded = catalog.loaded_at
            if loaded is None or loaded <= (asked if fresh else asked - STALE_SECONDS):
                await self._load(entity, catalog)
            return catalog

    async def reload_for(self, entity: str, unresolved: Iterable[Unresolved]) -> bool:
        """Loads anew when that may help: not for what was looked for in vain a moment ago. True: loaded."""
        catalog, now = self._catalogs[entity], self._clock.monotonic()
        unknown = [problem.mark for problem in unresolved if not problem.twice]
        due = [
            mark
            for mark in unknown
            if now - catalog.unknown_at.get(mark, -UNKNOWN_AGAIN_SECONDS) >= UNKNOWN_AGAIN_SECONDS
        ]
        if not due:
            return False
        await self.of(entity, fresh=True)
        catalog.unknown_at = {mark: at for mark, at in catalog.unknown_at.items() if now - at < UNKNOWN_AGAIN_SECONDS}
        catalog.unknown_at.update(dict.fromkeys(due, now))
        return True

    async def _load(self, entity: str, catalog: Catalog) -> None:
        resource, started = RESOURCES[entity], self._clock.monotonic()
        fields = await self._client.all_rows(resource.fields_path) if resource.fields_path else []
        pipelines = await self._client.all_rows("api/v2/pipelines") if entity == "deal" else []
        stages = await self._client.all_rows("api/v2/stages") if entity == "deal" else []
        self._take_fields(entity, catalog, fields)
        self._take_stages(catalog, pipelines, stages)
        if entity == "lead":
            labels, _ = await self._client.rows("api/v1/leadLabels", ())
            self._take(catalog, "labels", ((row.get("id"), row.get("name")) for row in labels))
        catalog.loaded_at = started

    def _take_fields(self, entity: str, catalog: Catalog, rows: list[Mapping[str, Any]]) -> None:
        by_code = {str(row.get("field_code")): row for row in rows}
        own = {code: row for code, row in by_code.items() if row.get("is_custom_field")}
        catalog.types = {code: str(row.get("field_type")) for code, row in own.items()}
        self._take(catalog, "field", ((code, row.get("field_name")) for code, row in own.items()))
        for doubled in sorted(catalog.names_of("field").doubled()):
            log.warning("%s: %s has several custom fields called %r; they are left out", self._system, entity, doubled)
        for code, row in own.items():
            self._take(catalog, f"option {code}", _options(row))
        for column, (_, code) in RESOURCES[entity].named.items() if entity != "lead" else ():
            self._take(catalog, column, _options(by_code.get(code) or by_code.get(code.removesuffix("_ids")) or {}))

    def _take_stages(
        self, catalog: Catalog, pipelines: list[Mapping[str, Any]], stages: list[Mapping[str, Any]]
    ) -> None:
        live = [row for row in stages if not row.get("is_deleted")]
        catalog.pipeline_of = {str(row.get("id")): str(row.get("pipeline_id")) for row in live}
        self._take(
            catalog, "pipeline", ((row.get("id"), row.get("name")) for row in pipelines if not row.get("is_deleted"))
        )
        for pipeline in set(catalog.pipeline_of.values()):
            inside = [row for row in live if str(row.get("pipeline_id")) == pipeline]
            self._take(catalog, f"stage {pipeline}", ((row.get("id"), row.get("name")) for row in inside))

    def _take(self, catalog: Catalog, kind: str, pairs: Iterable[tuple[Any, Any]]) -> None:
        for renamed in catalog.names_of(kind).update(pairs):
            log.warning("%s: %s", self._system, renamed)


def _options(row: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    options = row.get("options")
    if not isinstance(options, list):
        return []
    return [(option.get("id"), option.get("label")) for option in options if isinstance(option, dict)]
