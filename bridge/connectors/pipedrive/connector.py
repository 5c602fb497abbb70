"""All methods of one account: reads, writes, hooks, callbacks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.names import Pins
from bridge.connectors.pipedrive.account import Account
from bridge.connectors.pipedrive.callbacks import decode, verify
from bridge.connectors.pipedrive.catalog import Catalogs
from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.pipedrive.hooks import PipedriveHooks
from bridge.connectors.pipedrive.manifest import MANIFEST
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.pipedrive.records import PipedriveReads
from bridge.connectors.pipedrive.writes import PipedriveWrites
from bridge.connectors.product import Construction
from bridge.connectors.protocols import Identity, Page, Written
from bridge.connectors.rows import Listings
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec
from bridge.domain.event import Event
from bridge.domain.record import Fields, Gone, Record, RecordRef


class PipedriveConnector:
    manifest = MANIFEST

    def __init__(self, construction: Construction) -> None:
        options: PipedriveOptions = construction.options
        self.system = construction.system
        client = PipedriveClient(construction)
        listings = Listings(construction.system, construction.skipped)
        pins = Pins(construction.system, construction.cache, listings)
        catalogs = Catalogs(client, pins, listings, construction.seams.clock)
        account = Account(
            construction.system,
            client,
            catalogs,
            listings,
            options.page_size,
            options.hook_user_id,
            options.hook_version,
        )
        self._reads = PipedriveReads(account)
        self._writes = PipedriveWrites(account, self._reads)
        self._hooks = PipedriveHooks(account)

    async def identity(self) -> Identity:
        return await self._reads.identity()

    async def probe(self) -> None:
        await self._reads.probe()

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        return await self._reads.columns(entity)

    async def read(self, ref: RecordRef) -> Record | Gone:
        return await self._reads.read(ref)

    async def lines(self, entity: str, column: str, record_ids: Sequence[str]) -> Mapping[str, Sequence[Fields]]:
        return await self._reads.lines(entity, column, record_ids)

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
        verify(head, secret)

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        verify(callback, secret)

    def decode(self, callback: Callback) -> Sequence[Event]:
        return decode(callback)
