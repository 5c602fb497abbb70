"""All methods of one tenant: reads, writes, hooks, callbacks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bridge.connectors.entrust.account import Account
from bridge.connectors.entrust.callbacks import DeliveryCheck, decode
from bridge.connectors.entrust.catalog import Lists
from bridge.connectors.entrust.client import EntrustClient
from bridge.connectors.entrust.feed import Feed
from bridge.connectors.entrust.hook_tokens import HookTokens
from bridge.connectors.entrust.hooks import EntrustHooks
from bridge.connectors.entrust.manifest import MANIFEST, SWITCHES
from bridge.connectors.entrust.options import EntrustOptions
from bridge.connectors.entrust.records import Records, records_of
from bridge.connectors.entrust.users import Users
from bridge.connectors.names import Pins
from bridge.connectors.product import Construction, allowed
from bridge.connectors.protocols import Identity, Page, Written
from bridge.connectors.rows import Listings
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec, Manifest
from bridge.domain.errors import Rejected
from bridge.domain.event import Event
from bridge.domain.frozen import replace
from bridge.domain.record import Fields, Gone, Record, RecordRef


class EntrustConnector:
    def __init__(self, construction: Construction) -> None:
        options: EntrustOptions = construction.options
        clock, client = construction.seams.clock, EntrustClient(construction)
        listings = Listings(construction.system, construction.skipped)
        tokens = HookTokens(construction.system, construction.vault, clock)
        account = Account(
            construction.system,
            client,
            Lists(client, Pins(construction.system, construction.cache, listings), listings, clock),
            listings,
            options,
            clock,
        )
        self.system = construction.system
        self._options = options
        self._feed = Feed(client, listings, clock, wanted=options.audit_feed)
        self._users = Users(account, self._feed)
        self._records = records_of(account, self._users)
        self._hooks = EntrustHooks(client, listings, tokens, options)
        self._check = DeliveryCheck(tokens, options)
        self._allowed = allowed(MANIFEST, SWITCHES, options)

    @property
    def manifest(self) -> Manifest:
        """What the options allow. Without the right to read audit events, every sweep of users is a full one."""
        if self._feed.available:
            return self._allowed
        users = replace(self._allowed.entities["user"], since=False)
        return replace(self._allowed, entities={**self._allowed.entities, "user": users})

    async def identity(self) -> Identity:
        """The tenant's address, because nothing that every role may read names the account."""
        await self.probe()
        await self._feed.find_out()
        host = urlsplit(self._options.base_url).netloc.lower()
        return Identity(host, f"Entrust {host}", self._options.application_id)

    async def probe(self) -> None:
        await self._users.probe()

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        return await self._of(entity).columns()

    async def read(self, ref: RecordRef) -> Record | Gone:
        return await self._of(ref.entity).read(ref)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        return await self._of(entity).list(since, page, where)

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        return await self._of(entity).newest(after)

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        return await self._of(entity).find(column, value)

    async def create(self, entity: str, fields: Fields) -> Written:
        return await self._of(entity).create(fields)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        return await self._of(fresh.ref.entity).update(fresh, changes)

    async def delete(self, fresh: Record) -> None:
        await self._of(fresh.ref.entity).delete(fresh)

    async def archive(self, fresh: Record) -> None:
        await self._of(fresh.ref.entity).archive(fresh)

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return self._hooks.wanted(entities)

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        return await self._hooks.seen()

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        """`secret` is not sent. Entrust makes the token that deliveries are signed with."""
        return await self._hooks.create(spec, url, name)

    async def remove_hook(self, hook_id: str) -> None:
        await self._hooks.remove(hook_id)

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        self._check.check_head(head)

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        await self._check.check(callback)

    def decode(self, callback: Callback) -> Sequence[Event]:
        return decode(callback)

    def _of(self, entity: str) -> Records:
        found = self._records.get(entity)
        if found is None:
            raise Rejected(self.system, f"Entrust has no entity {entity!r} (it has {', '.join(self._records)})")
        return found
