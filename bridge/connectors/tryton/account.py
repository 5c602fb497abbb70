"""What the parts of the connector share, and how every entity is read, written and removed."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

from bridge.connectors.protocols import Page
from bridge.connectors.rows import Listings, Row, understand_each
from bridge.connectors.tryton.catalog import Catalog, Lists
from bridge.connectors.tryton.client import BY_ID, Domain, TrytonClient
from bridge.connectors.tryton.deleted import Deleted
from bridge.connectors.tryton.options import TrytonOptions
from bridge.connectors.tryton.shape import USERS, BadField
from bridge.domain.errors import Rejected, WriteConflict
from bridge.domain.frozen import dataclass
from bridge.domain.record import Evidence, Gone, Record, RecordRef

DIGITS = re.compile(r"[0-9]{1,18}")
FIND_LIMIT = 50
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    system: str
    client: TrytonClient
    catalog: Catalog
    listings: Listings
    deleted: Deleted
    options: TrytonOptions


@dataclass(frozen=True, slots=True)
class Kind:
    """One entity as a model: which fields are read, and how rows become records.

    `model`: the model whose ids are the record ids. `fields`: the fields to read of each row. `changed`: the domain of
    the rows that changed since a moment. `seen`: the timestamps in a row that a conditional write sends.
    """

    entity: str
    model: str
    fields: Sequence[str]
    lists: frozenset[str]
    read: Callable[[str, Row, Lists], Record | Gone]
    changed: Callable[[datetime], Domain]
    seen: Callable[[Row], Mapping[str, str]]


class Table:
    """Reads, writes and removes the records of one kind."""

    def __init__(self, account: Account, kind: Kind) -> None:
        self._account, self.kind = account, kind
        self._fields = kind.fields

    async def rows(self, domain: Domain, limit: int | None = None) -> list[Any]:
        """Leave out the names of users once it is known that our user may not read them."""
        try:
            return await self._read_rows(domain, limit, self._fields)
        except Rejected:
            plain = [name for name in self._fields if not name.endswith(USERS)]
            if len(plain) == len(self._fields):
                raise
            rows = await self._read_rows(domain, limit, plain)
        self._fields = plain
        return rows

    async def _read_rows(self, domain: Domain, limit: int | None, fields: Sequence[str]) -> list[Any]:
        return await self._account.client.search_read(self.kind.model, domain, fields, limit=limit, order=BY_ID)

    async def read(self, ref: RecordRef) -> Record | Gone:
        """A missing record was deleted if the log says so; otherwise it may only be hidden from our user."""
        if DIGITS.fullmatch(ref.id) is None:
            return Gone(ref, Evidence.NOT_FOUND)
        rows = await self.rows([["id", "=", int(ref.id)]])
        if rows:
            return await self.one(rows[0])
        seen = await self._account.deleted.knows(self.kind.model, ref.id)
        return Gone(ref, Evidence.FLAG if seen else Evidence.NOT_FOUND)

    async def one(self, row: Row) -> Record | Gone:
        return self.kind.read(self._account.system, row, await self._account.catalog.of(self.kind.lists))

    async def list(self, since: datetime | None, page: str | None) -> Page:
        """Pages in order of id. With `since`, the last page holds the deleted records, from the
        log; its name is `deleted`."""
        if page is not None and page.startswith("deleted"):
            return await self._deleted(since, page)
        domain: list[Any] = [] if since is None else [self.kind.changed(since)]
        size = self._account.options.page_size
        rows = await self.rows([*domain, *([["id", ">", int(page)]] if page else [])], size)
        found = await self._account.listings.read_each(self.kind.entity, rows, self.one, begins=page is None)
        if len(rows) == size:
            return Page(found.rows, str(rows[-1]["id"]), skipped=found.skipped)
        return Page(found.rows, None if since is None else "deleted", skipped=found.skipped)

    async def _deleted(self, since: datetime | None, page: str) -> Page:
        assert since is not None
        ids = await self._account.deleted.since(self.kind.model, since)
        refs = [RecordRef(self._account.system, self.kind.entity, each) for each in ids]
        return Page([Gone(ref, Evidence.FLAG) for ref in refs])

    async def newest(self, after: datetime) -> Sequence[Record]:
        rows = await self.rows([["create_date", ">=", after.replace(microsecond=0)]])
        found = self._account.listings.whole(self.kind.entity, await understand_each(rows, self.one))
        return [each for each in found if isinstance(each, Record)]

    async def found(self, domain: Domain) -> Sequence[Record]:
        rows = await self.rows(domain, FIND_LIMIT)
        found = await self._account.listings.read_each(f"{self.kind.entity} found", rows, self.one)
        return [each for each in found.rows if isinstance(each, Record)]

    async def there(self, ref: RecordRef) -> bool:
        return bool(await self._account.client.search(self.kind.model, [["id", "=", int(ref.id)]]))

    @asynccontextmanager
    async def while_there(self, ref: RecordRef) -> AsyncIterator[None]:
        """Raises WriteConflict when the record has gone. Tryton refuses such a write without a code, like any mistake,
        so a refusal is followed by a check whether the record still exists."""
        try:
            yield
        except Rejected as refused:
            if await self.there(ref):
                raise
            raise WriteConflict(self._account.system, f"{ref} is gone: {refused.message}") from None

    async def write(self, model: str, record: int, values: Mapping[str, Any], fresh: Record) -> None:
        """Raises WriteConflict when the record was changed since `fresh` was read, or has gone."""
        async with self.while_there(fresh.ref):
            await self._account.client.write(model, [record], values, seen=self.kind.seen(fresh.raw))

    async def remove(self, model: str, record: int, fresh: Record, *, unseen: bool = False) -> None:
        """Deleting a missing record is not an error. `unseen`: the record changed since `fresh`, by our own writes."""
        seen = {} if unseen else self.kind.seen(fresh.raw)
        try:
            await self._account.client.delete(model, record, seen)
        except Rejected:
            if await self.there(fresh.ref):
                raise

    async def made(self, make: Callable[[Lists], T], also: frozenset[str] = frozenset()) -> T:
        """The values to send. A name that the database does not know may be new there, so its
        list is loaded again, once."""
        catalog, wanted = self._account.catalog, self.kind.lists | also
        try:
            return make(await catalog.of(wanted))
        except BadField as bad:
            if bad.unresolved is None or not await catalog.reload_for(bad.unresolved):
                raise self.refused(bad) from None
        try:
            return make(await catalog.of(wanted))
        except BadField as bad:
            raise self.refused(bad) from None

    def refused(self, bad: BadField) -> Rejected:
        return Rejected(self._account.system, f"{self.kind.entity} {bad}", field=bad.column)
