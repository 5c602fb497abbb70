"""Reading records.

Listings show texts in the user's language and format, so they are used only for ids. Each record is then read by
itself. Vendor pages "OData", "Archive providers".
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.protocols import Identity, Page
from bridge.connectors.rows import NotUnderstood, Row, Understood, one_record, read_all, understand
from bridge.connectors.superoffice.account import Account
from bridge.connectors.superoffice.client import IN_UTC
from bridge.connectors.superoffice.columns import Resource
from bridge.connectors.superoffice.merges import Merges
from bridge.connectors.superoffice.shape import (
    custom_columns,
    read_entity,
    without_bulk,
)
from bridge.connectors.superoffice.values import known_instant
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import Rejected, RetryLater
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef

PRINCIPAL = "User/currentPrincipal"
NEWEST_PAGE = 20
FOUND_AT_MOST = 50
FUTURE = timedelta(days=400)


class SuperOfficeReads:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._system = account.system
        self._to_the_second: dict[str, bool] = {}
        self._asked = 0
        self._merges = Merges(account)

    async def identity(self) -> Identity:
        """The tenant or the address. Onsite installations may all be called "Default", so their
        address tells them apart."""
        principal = await self._principal()
        context = str(principal.get("DatabaseContextIdentifier") or "")
        options = self._account.options
        key = options.tenant or options.base_url or context
        return Identity(key, f"SuperOffice {context or key}", str(principal.get("AssociateId") or ""))

    async def probe(self) -> None:
        await self._principal()

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        self._account.resource(entity)
        return custom_columns(entity, await self._account.catalogs.of(entity, fresh=True))

    async def read(self, ref: RecordRef) -> Record | Gone:
        """The server answers for soft-deleted contacts and persons as for missing ones. The recycle bin shows them."""
        with one_record(self._system, f"GET {self._account.resource(ref.entity).path}"):
            return await self._read(ref)

    async def _read(self, ref: RecordRef) -> Record | Gone:
        """Raises NotUnderstood when the answer is not this record."""
        resource = self._account.resource(ref.entity)
        if not (ref.id.isascii() and ref.id.isdecimal()):
            return Gone(ref, Evidence.NOT_FOUND)
        raw = await self.raw(resource, ref.id)
        if raw is None:
            return await self._gone(resource, ref)
        if not isinstance(raw, Mapping) or str(raw.get(resource.key)) != ref.id:
            raise NotUnderstood("it is a different record, or no record")
        return await self.record(ref.entity, raw)

    async def _gone(self, resource: Resource, ref: RecordRef) -> Gone:
        survivor = await self._merges.survivor(resource, ref.id)
        shown = survivor is not None or await self._is_recycled(resource, ref.id)
        return Gone(ref, Evidence.FLAG if shown else Evidence.NOT_FOUND, merged_into=survivor)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        """Pages in order of id. The token is the last id seen. Only an empty page ends the listing, because the server
        may return smaller pages than requested."""
        resource, key = self._account.resource(entity), self._account.resource(entity).key_column
        last = int(page or 0)
        conditions = [f"{key} gt {last}"]
        if since is not None:
            conditions.append(await self._changed_since(entity, resource, since))
        keys = await self._ids(resource, conditions, f"{key} asc", self._account.options.page_size)
        self._account.listings.note(entity, keys, begins=page is None)
        if not keys.rows and not keys.skipped:
            return Page(await self._merged(entity, resource, since))
        if not keys.rows or min(keys.rows) <= last:
            raise RetryLater(self._system, f"the listing of {resource.path} does not advance")
        found = self._account.listings.note(entity, await self._read_all(entity, keys.rows), begins=False)
        rows = [row for row in found.rows if _is_wanted(row, since)]
        return Page(rows, str(max(keys.rows)), skipped=keys.skipped + found.skipped)

    async def _merged(self, entity: str, resource: Resource, since: datetime | None) -> Sequence[Record | Gone]:
        """Records that were merged since then. No listing shows them, so they follow at the end of a
        listing by time of change."""
        if since is None:
            return []
        refs = [RecordRef(self._system, entity, loser) for loser in await self._merges.since(resource, since)]
        found = await read_all(refs, self._read, self._account.options.calls_at_once)
        return [row for row in found.rows if isinstance(row, Gone) and row.merged_into is not None]

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        """Reads the highest ids first, until a record is older than `after`."""
        resource = self._account.resource(entity)
        floor, key = after.astimezone(UTC).replace(microsecond=0), resource.key_column
        found: list[Record] = []
        if not resource.dated:
            return found
        below = ""
        whole, listing = self._account.listings.whole, f"newest {entity}"
        while True:
            conditions = [self._uncached(key), below]
            ids = whole(listing, await self._ids(resource, conditions, f"{key} desc", NEWEST_PAGE))
            shown = whole(listing, await self._read_all(entity, ids))
            page = [each for each in shown if isinstance(each, Record)]
            young = [each for each in page if each.created_at is not None and each.created_at >= floor]
            found += young
            if not ids or len(young) < len(page):
                return found
            below = f"{key} lt {min(ids)}"

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        """Uses the vendor's own comparison, which may ignore case."""
        resource = self._account.resource(entity)
        archive_column = await self._archive_column(entity, resource, column)
        if archive_column is None or not isinstance(value, str) or not value.strip():
            return []
        quoted = value.replace("'", "''")
        conditions = [f"{archive_column} is '{quoted}'", self._uncached(resource.key_column)]
        listings, listing = self._account.listings, f"{entity} found"
        ids = await self._ids(resource, conditions, f"{resource.key_column} asc", FOUND_AT_MOST)
        keys = listings.note(listing, ids)
        found = listings.note(listing, await self._read_all(entity, list(dict.fromkeys(keys.rows))), begins=False)
        return [each for each in found.rows if isinstance(each, Record)]

    async def _archive_column(self, entity: str, resource: Resource, column: str) -> str | None:
        """The archive column to search. Of custom fields only texts have one, because other
        types compare differently."""
        name, _, label = column.partition(".")
        if name != "custom":
            return resource.found_by.get(name)
        catalog = await self._account.catalogs.of(entity)
        if not resource.custom_found_by or label not in catalog.labels.names():
            return None
        prog_id = catalog.labels.key(label)
        return f"{resource.custom_found_by}/{prog_id}" if catalog.fields[prog_id].type is Column.TEXT else None

    async def _principal(self) -> Mapping[str, Any]:
        said = await self._account.client.get(PRINCIPAL, template=PRINCIPAL, most_bytes=SMALL_BYTES)
        if not isinstance(said, dict):
            raise RetryLater(self._system, "GET User/currentPrincipal did not name the bridge's user")
        return said

    async def raw(self, resource: Resource, record_id: str) -> Any:
        """The answer for a record, whatever it is; None if it does not exist.

        Most dates are days in the tenant's zone and are read as they are. Only instants are read in UTC.
        """
        path, template = f"{resource.path}/{record_id}", f"{resource.path}/:id"
        return await self._account.client.get(path, template=template, headers=IN_UTC if resource.utc else None)

    async def _is_recycled(self, resource: Resource, record_id: str) -> bool:
        if resource.recycled is None:
            return False
        condition = f"{resource.key_column} eq {record_id}"
        query = [("$select", resource.key_column), ("$filter", condition), ("$top", "1")]
        try:
            return bool(await self._account.client.archive(f"Archive/{resource.recycled}", query))
        except Rejected:
            return False  # the server lacks this archive, or our user may not see it

    async def _ids(self, resource: Resource, conditions: Sequence[str], order: str, most: int) -> Understood[int]:
        query = [
            ("$select", resource.key_column),
            ("$filter", " and ".join(each for each in conditions if each)),
            ("$orderBy", order),
            ("$top", str(most)),
        ]
        return await understand(await self._account.client.archive(resource.path, query), _key)

    def _uncached(self, key: str) -> str:
        """A condition that is always true and never the same. The server may answer an identical query
        from a cache of a minute."""
        self._asked += 1
        return f"{key} gt -{int(self._account.clock.now().timestamp()) % 1_000_000 * 1000 + self._asked % 1000}"

    async def _changed_since(self, entity: str, resource: Resource, since: datetime) -> str:
        """The filter by time of change: to the second if the server can. The vendor documents it only for
        whole days, so it is tried."""
        column = resource.changed_column
        if entity not in self._to_the_second:
            never = f"{column} afterTime '{_stamp(self._account.clock.now() + FUTURE)}'"
            query = [("$select", resource.key_column), ("$filter", never), ("$top", "1")]
            self._to_the_second[entity] = await self._account.client.archive_or_none(resource.path, query) == []
        if self._to_the_second[entity]:
            return f"{column} afterTime '{_stamp(since)}'"
        day_before = since.astimezone(UTC).date() - timedelta(days=1)
        return f"{column} after '{day_before.isoformat()}'"

    async def _read_all(self, entity: str, ids: Sequence[int]) -> Understood[Record | Gone]:
        """Read the records, a few at a time, so that other calls get their turn in between."""
        refs = [RecordRef(self._system, entity, str(each)) for each in ids]
        return await read_all(refs, self._read, self._account.options.calls_at_once)

    async def record(self, entity: str, raw: Mapping[str, Any]) -> Record | Gone:
        resource = self._account.resource(entity)
        ref = RecordRef(self._system, entity, str(raw[resource.key]))
        changed, created = known_instant(raw.get("UpdatedDate")), known_instant(raw.get("CreatedDate"))
        if resource.recycled and raw.get("Deleted"):
            return Gone(ref, Evidence.FLAG, modified_at=changed)
        fields = read_entity(entity, raw, await self._account.catalogs.of(entity))
        modified = (changed or created) if resource.dated else None
        by = _person(raw.get("CreatedBy" if changed is None else "UpdatedBy")) if resource.dated else None
        return Record(ref, fields, modified, created, raw=without_bulk(raw), modified_by=by)


def _person(associate: Any) -> str | None:
    """The name of the associate in an entity's `CreatedBy` or `UpdatedBy`."""
    if not isinstance(associate, Mapping):
        return None
    names = (associate.get("FullName"), associate.get("Name"))
    return next((name for name in names if isinstance(name, str) and name), None)


def _key(row: Row) -> int:
    return int(row["PrimaryKey"])


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _is_wanted(row: Record | Gone, since: datetime | None) -> bool:
    """False for rows that a server with a filter by day lists although they are older."""
    if since is None or row.modified_at is None:
        return True
    return row.modified_at >= since.astimezone(UTC).replace(microsecond=0)
