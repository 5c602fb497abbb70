"""All capabilities of one account. Hooks and callbacks: `connectors/polled` says that there are none."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.polled import Polled
from bridge.connectors.product import Construction
from bridge.connectors.protocols import Identity, Page, Written
from bridge.connectors.rows import Listings
from bridge.connectors.sample.client import SampleClient
from bridge.connectors.sample.manifest import MANIFEST
from bridge.connectors.sample.options import SampleOptions
from bridge.connectors.sample.records import Items
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.event import Event
from bridge.domain.record import Fields, Gone, Record, RecordRef


class SampleConnector:
    manifest = MANIFEST

    def __init__(self, construction: Construction) -> None:
        options: SampleOptions = construction.options
        self.system = construction.system
        self._polled = Polled(construction.system)
        self._client = SampleClient(construction)
        listings = Listings(construction.system, construction.skipped)
        self._items = Items(self._client, listings, options.page_size)

    async def identity(self) -> Identity:
        """Return an id that never changes for an account: the bridge stops when the credentials open another one."""
        me = await self._client.account()
        return Identity(str(me["id"]), str(me.get("name") or me["id"]))

    async def probe(self) -> None:
        await self._client.account()

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        return {}

    async def read(self, ref: RecordRef) -> Record | Gone:
        return await self._items.read(ref)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        return await self._items.list(since, page)

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        return await self._items.newest(after)

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        return await self._items.find(column, value)

    async def create(self, entity: str, fields: Fields) -> Written:
        return await self._items.create(fields)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        return await self._items.update(fresh, changes)

    async def delete(self, fresh: Record) -> None:
        await self._items.delete(fresh)

    async def archive(self, fresh: Record) -> None:
        raise Rejected(self.system, "a Sample item cannot be archived")

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return self._polled.hooks_for(entities)

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        return self._polled.hooks()

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        return self._polled.create_hook()

    async def remove_hook(self, hook_id: str) -> None:
        """Do nothing: there are no hooks."""

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        self._polled.refuse()

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        self._polled.refuse()

    def decode(self, callback: Callback) -> Sequence[Event]:
        return []
