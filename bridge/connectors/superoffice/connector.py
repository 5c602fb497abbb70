"""All methods of one tenant: reads, writes, hooks, callbacks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.names import Pins
from bridge.connectors.product import Construction
from bridge.connectors.protocols import Identity, Page, Written
from bridge.connectors.rows import Listings
from bridge.connectors.superoffice.account import Account
from bridge.connectors.superoffice.callbacks import check_head, decode, verify
from bridge.connectors.superoffice.catalog import Catalogs
from bridge.connectors.superoffice.client import SuperOfficeClient
from bridge.connectors.superoffice.hooks import SuperOfficeHooks
from bridge.connectors.superoffice.manifest import MANIFEST
from bridge.connectors.superoffice.records import SuperOfficeReads
from bridge.connectors.superoffice.writes import SuperOfficeWrites
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec
from bridge.domain.event import Event
from bridge.domain.record import Fields, Gone, Record, RecordRef


class SuperOfficeConnector:
    manifest = MANIFEST

    def __init__(self, construction: Construction) -> None:
        self.system = construction.system
        client, clock = SuperOfficeClient(construction), construction.seams.clock
        listings = Listings(construction.system, construction.skipped)
        catalogs = Catalogs(client, Pins(construction.system, construction.cache, listings), listings, clock)
        account = Account(construction.system, client, catalogs, listings, clock, construction.options)
        self._reads = SuperOfficeReads(account)
        self._writes = SuperOfficeWrites(account, self._reads)
        self._hooks = SuperOfficeHooks(account)

    async def identity(self) -> Identity:
        return await self._reads.identity()

    async def probe(self) -> None:
        await self._reads.probe()

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        return await self._reads.columns(entity)

    async def read(self, ref: RecordRef) -> Record | Gone:
        return await self._reads.read(ref)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        return await self._reads.list(entity, since=since, page=page, where=where)

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        return await self._reads.newest(entity, after=after)

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        return await self._reads.find(entity, column, value)

    async def create(self, entity: str, fields: Fields) -> Written:
        return await self._writes.create(entity, fields)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        return await self._writes.update(fresh, changes)

    async def delete(self, fresh: Record) -> None:
        await self._writes.delete(fresh)

    async def archive(self, fresh: Record) -> None:
        await self._writes.archive(fresh)

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return self._hooks.hooks_for(entities)

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        return await self._hooks.list_hooks()

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        return await self._hooks.create_hook(spec, url, secret, name)

    async def remove_hook(self, hook_id: str) -> None:
        await self._hooks.remove_hook(hook_id)

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        check_head(head)

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        verify(callback, secret)

    def decode(self, callback: Callback) -> Sequence[Event]:
        return decode(callback)
