"""Writing records: REST v2, and v1 for leads and notes."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bridge.connectors.pipedrive.account import Account
from bridge.connectors.pipedrive.deal_products import line_calls
from bridge.connectors.pipedrive.manifest import MANIFEST, RESOURCES
from bridge.connectors.pipedrive.records import PipedriveReads
from bridge.connectors.pipedrive.shape import BadField, write_row
from bridge.connectors.protocols import Written
from bridge.connectors.several import Calls, one_after_another
from bridge.domain.errors import Rejected, RemoteError
from bridge.domain.record import Fields, Record

PRODUCTS = ("deal", "products")


class PipedriveWrites:
    """`reads`: it reads the records in the answers."""

    def __init__(self, account: Account, reads: PipedriveReads) -> None:
        self._account, self._reads = account, reads
        self._system = account.system

    async def create(self, entity: str, fields: Fields) -> Written:
        self._allowed("created", entity, MANIFEST.entities[entity].creates)
        body = await self._body(entity, fields)
        row = await self._account.client.create(RESOURCES[entity].path, body)
        return await self._written(entity, row)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        entity = fresh.ref.entity
        if not changes:
            return Written(fresh.ref.id, fresh)
        self._allowed("changed", entity, MANIFEST.entities[entity].updates)
        own = {name: value for name, value in changes.items() if (entity, name) != PRODUCTS}
        client, record_id = self._account.client, fresh.ref.id
        lines: Calls = ()
        if len(own) < len(changes):
            held, wanted = fresh.fields.get("products") or (), changes["products"] or ()
            lines = line_calls(client, self._system, record_id, held, wanted)
        body = await self._body(entity, own, fresh.raw.get("pipeline_id")) if own else {}
        change = partial(client.change, RESOURCES[entity].path, record_id, body, RESOURCES[entity].update)
        if len(own) == len(changes):
            return await self._written(entity, await change())
        await one_after_another(self._system, [*([change] if own else []), *lines])
        return Written(record_id)  # the next read shows the ids of new lines, and the deal's new value

    async def delete(self, fresh: Record) -> None:
        self._allowed("deleted", fresh.ref.entity, MANIFEST.entities[fresh.ref.entity].deletes)
        await self._account.client.delete(RESOURCES[fresh.ref.entity].path, fresh.ref.id)

    async def archive(self, fresh: Record) -> None:
        entity = fresh.ref.entity
        self._allowed("archived", entity, MANIFEST.entities[entity].archives)
        if not fresh.archived:
            await self._account.client.change(RESOURCES[entity].path, fresh.ref.id, {"is_archived": True})

    def _allowed(self, what: str, entity: str, can: bool) -> None:
        if not can:
            raise Rejected(self._system, f"a Pipedrive {entity} cannot be {what}")

    async def _body(self, entity: str, fields: Fields, pipeline_id: Any = None) -> Mapping[str, Any]:
        catalogs = self._account.catalogs
        catalog = await catalogs.of(entity)
        try:
            try:
                return write_row(entity, fields, catalog, pipeline_id=pipeline_id)
            except BadField as bad:
                if bad.unresolved is None or not await catalogs.reload_for(entity, [bad.unresolved]):
                    raise
            return write_row(entity, fields, catalog, pipeline_id=pipeline_id)
        except BadField as bad:
            raise Rejected(self._system, f"{entity} {bad}", field=bad.column) from None

    async def _written(self, entity: str, row: Mapping[str, Any]) -> Written:
        """The write took effect, so the id must survive any failure to understand its answer."""
        try:
            record = await self._reads.one(entity, row)
        except RemoteError:
            return Written(str(row["id"]))
        shown = isinstance(record, Record) and record.modified_at is not None
        return Written(str(row["id"]), record if shown and isinstance(record, Record) else None)
