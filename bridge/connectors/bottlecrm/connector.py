"""All methods of one organisation: reads, writes, hooks, callbacks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.bottlecrm.account import Account
from bridge.connectors.bottlecrm.callbacks import DeliveryCheck, decode
from bridge.connectors.bottlecrm.catalog import Catalog
from bridge.connectors.bottlecrm.client import BottleClient
from bridge.connectors.bottlecrm.columns import RESOURCES
from bridge.connectors.bottlecrm.hook_secrets import HookSecrets
from bridge.connectors.bottlecrm.hooks import BottleHooks
from bridge.connectors.bottlecrm.manifest import MANIFEST, without_hooks
from bridge.connectors.bottlecrm.options import BottleOptions, quota
from bridge.connectors.bottlecrm.records import Records
from bridge.connectors.names import Pins
from bridge.connectors.product import Construction
from bridge.connectors.protocols import Identity, Page, Written
from bridge.connectors.rows import Listings, one_record
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.event import Event
from bridge.domain.record import Fields, Gone, Record, RecordRef

ORGANISATIONS = "api/org"


class BottleConnector:
    def __init__(self, construction: Construction) -> None:
        options: BottleOptions = construction.options
        clock, gate = construction.seams.clock, construction.gate(quota(options))
        self._client = BottleClient(construction, gate)
        listings = Listings(construction.system, construction.skipped)
        catalog = Catalog(self._client, Pins(construction.system, construction.cache, listings), clock)
        account = Account(construction.system, self._client, catalog, listings, options)
        secrets = HookSecrets(construction.system, construction.vault, clock)
        hooked = options.admin_refresh_token is not None
        self.system = construction.system
        self.manifest = MANIFEST if hooked else without_hooks()
        self._records = {entity: Records(account, entity) for entity in RESOURCES}
        self._hooks = (
            BottleHooks(BottleClient(construction, gate, for_hooks=True), listings, secrets) if hooked else None
        )
        self._check = DeliveryCheck(secrets, options)

    async def identity(self) -> Identity:
        said = await self._client.get(ORGANISATIONS)
        with one_record(self.system, f"GET {ORGANISATIONS}/"):
            (found,) = said["profile_org_list"][:1]
            return Identity(str(found["org"]["id"]), f"BottleCRM {found['org']['name']}", str(found["role"]))

    async def probe(self) -> None:
        await self._client.get(ORGANISATIONS)

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        return await self._of(entity).columns()

    async def read(self, ref: RecordRef) -> Record | Gone:
        return await self._of(ref.entity).read(ref)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        """Lists all records, because no listing can be filtered by time. The caller applies the filters."""
        return await self._of(entity).list(page)

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
        raise Rejected(self.system, f"a BottleCRM {fresh.ref.entity} cannot be archived")

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return self._hooks.wanted(entities) if self._hooks is not None else []

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        return await self._hooks.seen() if self._hooks is not None else []

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        """`secret` is not sent. BottleCRM makes its own."""
        if self._hooks is None:
            raise Rejected(self.system, "hooks need the option admin_refresh_token")
        return await self._hooks.create(spec, url, name)

    async def remove_hook(self, hook_id: str) -> None:
        if self._hooks is not None:
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
            raise Rejected(self.system, f"BottleCRM has no entity {entity!r} (it has {', '.join(self._records)})")
        return found
