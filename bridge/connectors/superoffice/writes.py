"""Writing records. Vendor page "PATCH"."""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from email.utils import format_datetime
from typing import Any

from bridge.connectors.protocols import Written
from bridge.connectors.rows import MAKES_NO_SENSE
from bridge.connectors.superoffice.account import Account
from bridge.connectors.superoffice.client import IN_UTC
from bridge.connectors.superoffice.columns import Resource
from bridge.connectors.superoffice.records import SuperOfficeReads
from bridge.connectors.superoffice.shape import BadField, Change, changes_of, patch, whole
from bridge.domain.errors import OutcomeUnknown, Rejected, RemoteError, WriteConflict
from bridge.domain.record import Fields, Record

_DEPRECATED = ("UserDefinedFields", "ExtraFields")


class SuperOfficeWrites:
    """`reads`: it reads the records in the answers."""

    def __init__(self, account: Account, reads: SuperOfficeReads) -> None:
        self._account, self._reads = account, reads
        self._system = account.system

    async def create(self, entity: str, fields: Fields) -> Written:
        """Fetches the vendor's default, which contains its preferences, and fills it in."""
        resource = self._account.resource(entity)
        await self._changes(entity, fields, {})  # a value that cannot be written is refused before any call
        default = await self._account.client.get(f"{resource.path}/default", template=f"{resource.path}/default")
        default = default if isinstance(default, dict) else {}
        changes = await self._changes(entity, fields, default)
        body = whole(default, changes)
        for name in _DEPRECATED:
            if not any(change.name == name for change in changes):
                body.pop(name, None)
        said = await self._account.client.write("POST", resource.path, body, headers=self._zone(resource))
        return await self._written(entity, said)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        """Writes only if nobody changed the record since it was read, compared to the second."""
        if not changes:
            return Written(fresh.ref.id, fresh)
        resource = self._account.resource(fresh.ref.entity)
        prepared = await self._changes(fresh.ref.entity, changes, fresh.raw)
        method, body = ("PATCH", patch(prepared)) if resource.patched else ("PUT", whole(fresh.raw, prepared))
        said = await self._account.client.write(
            method,
            f"{resource.path}/{fresh.ref.id}",
            body,
            template=f"{resource.path}/:id",
            headers={**_unchanged(fresh), **self._zone(resource)},
        )
        return await self._written(fresh.ref.entity, {resource.key: fresh.ref.id, **said})

    async def delete(self, fresh: Record) -> None:
        resource = self._account.resource(fresh.ref.entity)
        path, template = f"{resource.path}/{fresh.ref.id}", f"{resource.path}/:id"
        done = await self._account.client.delete(path, template=template, headers=_unchanged(fresh))
        if not done and await self._reads.raw(resource, fresh.ref.id) is not None:
            raise WriteConflict(self._system, f"DELETE {template}: the record changed since it was read (412)")

    async def archive(self, fresh: Record) -> None:
        raise Rejected(self._system, f"a SuperOffice {fresh.ref.entity} cannot be archived")

    @staticmethod
    def _zone(resource: Resource) -> Mapping[str, str]:
        return IN_UTC if resource.utc else {}

    async def _changes(self, entity: str, fields: Fields, raw: Mapping[str, Any]) -> Sequence[Change]:
        catalogs = self._account.catalogs
        catalog = await catalogs.of(entity)
        try:
            try:
                return changes_of(entity, fields, catalog, raw)
            except BadField as bad:
                if not bad.unresolved or not await catalogs.reload_for(entity, str(bad)):
                    raise
            return changes_of(entity, fields, catalog, raw)
        except BadField as bad:
            raise Rejected(self._system, f"{entity} {bad}", field=bad.column) from None

    async def _written(self, entity: str, said: Mapping[str, Any]) -> Written:
        """The write took effect, so the id must survive any failure to understand its answer."""
        resource = self._account.resource(entity)
        record_id = str(said.get(resource.key) or "")
        if not (record_id.isascii() and record_id.isdecimal()) or record_id == "0":
            raise OutcomeUnknown(self._system, f"the answer to the write of a {entity} contains no id")
        try:
            record = await self._reads.record(entity, said)
        except (RemoteError, *MAKES_NO_SENSE):
            return Written(record_id)
        shown = isinstance(record, Record) and (record.modified_at is not None or not resource.dated)
        return Written(record_id, record if shown and isinstance(record, Record) else None)


def _unchanged(fresh: Record) -> Mapping[str, str]:
    """The condition of a write. The vendor compares whole seconds: a fraction is rounded up, or the
    condition could never hold."""
    if fresh.modified_at is None:
        return {}
    moment = fresh.modified_at.astimezone(UTC)
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    return {"if-unmodified-since": format_datetime(moment, usegmt=True)}
