"""Reads and writes of one database. There are no hooks and no callbacks (`connectors/polled`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.names import Pins
from bridge.connectors.polled import Polled
from bridge.connectors.product import Construction
from bridge.connectors.protocols import Identity, Page, Written
from bridge.connectors.rows import Listings
from bridge.connectors.tryton.account import Account
from bridge.connectors.tryton.catalog import Catalog
from bridge.connectors.tryton.client import TrytonClient
from bridge.connectors.tryton.deleted import Deleted
from bridge.connectors.tryton.manifest import manifest_of
from bridge.connectors.tryton.options import TrytonOptions
from bridge.connectors.tryton.place import Place
from bridge.connectors.tryton.records import WORKFLOWS, Records, custom_columns, records_of
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.event import Event
from bridge.domain.record import Fields, Gone, Record, RecordRef


class TrytonConnector:
    def __init__(self, construction: Construction) -> None:
        options: TrytonOptions = construction.options
        client = TrytonClient(construction)
        listings = Listings(construction.system, construction.skipped)
        pins = Pins(construction.system, construction.cache, listings)
        self.system = construction.system
        self._polled = Polled(construction.system)
        self.manifest = manifest_of(options)
        self._catalog = Catalog(client, pins, construction.seams.clock)
        self._place = Place(client, options.company)
        account = Account(construction.system, client, self._catalog, listings, Deleted(client), options)
        self._records = records_of(account)

    async def identity(self) -> Identity:
        return await self._place.identity()

    async def probe(self) -> None:
        await self._place.probe()

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        await self._of(entity)
        return await custom_columns(entity, self._catalog)

    async def read(self, ref: RecordRef) -> Record | Gone:
        return await (await self._of(ref.entity)).read(ref)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        """Filters are not sent. A listing of changed records must also show records that no longer pass the filter."""
        return await (await self._of(entity)).list(since, page)

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        return await (await self._of(entity)).newest(after)

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        return await (await self._of(entity)).find(column, value)

    async def create(self, entity: str, fields: Fields) -> Written:
        return await (await self._of(entity)).create(fields)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        return await (await self._of(fresh.ref.entity)).update(fresh, changes)

    async def delete(self, fresh: Record) -> None:
        await (await self._of(fresh.ref.entity)).delete(fresh)

    async def archive(self, fresh: Record) -> None:
        await (await self._of(fresh.ref.entity)).archive(fresh)

    def between(self, entity: str, fresh: Record | None, changes: Fields | None) -> Sequence[Fields]:
        workflow = WORKFLOWS.get(entity)
        return workflow.between(fresh, changes) if workflow is not None else ()

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return self._polled.hooks_for(entities)

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        return self._polled.hooks()

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        return self._polled.create_hook()

    async def remove_hook(self, hook_id: str) -> None:
        """There is nothing to remove."""

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        self._polled.refuse()

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        self._polled.refuse()

    def decode(self, callback: Callback) -> Sequence[Event]:
        return []

    async def _of(self, entity: str) -> Records:
        """The records of this entity. Before the first call, it fetches the company and the language."""
        found = self._records.get(entity)
        if found is None:
            raise Rejected(self.system, f"Tryton has no entity {entity!r} (it has {', '.join(self._records)})")
        await self._place.known()
        return found
