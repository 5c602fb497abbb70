"""Deskera as one connector: `protocols.Connector` over the Sales API and Books."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.deskera.books.kinds import KINDS
from bridge.connectors.deskera.books.records import BooksRecords
from bridge.connectors.deskera.callbacks import CONTACT, DEAL, decode
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.contact_listing import ContactListing
from bridge.connectors.deskera.contacts import Contacts, people
from bridge.connectors.deskera.deal_listing import DealListing
from bridge.connectors.deskera.deals import Deals
from bridge.connectors.deskera.hooks import DeskeraHooks, hooks_for
from bridge.connectors.deskera.identity import identity, probe
from bridge.connectors.deskera.manifest import MANIFEST
from bridge.connectors.deskera.options import DeskeraOptions
from bridge.connectors.deskera.recent import may_equal, newest_contacts, newest_deals
from bridge.connectors.deskera.records import Records
from bridge.connectors.deskera.values import known_reference
from bridge.connectors.product import Construction
from bridge.connectors.protocols import Identity, Page, Written
from bridge.connectors.ties import Ties
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.event import Event
from bridge.domain.record import Fields, Gone, Record, RecordRef

SEARCHABLE = ("email", "name", "phone")


class DeskeraConnector:
    """One organisation. Raises only `domain.errors`."""

    manifest = MANIFEST

    def __init__(self, made: Construction) -> None:
        options: DeskeraOptions = made.options
        self.system = made.system
        self._client = DeskeraClient(made, options)
        deals = Deals(self._client)
        self._records = {
            CONTACT: Records(self._client, Contacts(self._client), versioned=True),
            DEAL: Records(self._client, deals, versioned=False),
        }
        self._books = {name: BooksRecords(self._client, kind, options.page_size) for name, kind in KINDS.items()}
        self._contact_pages = ContactListing(self._client, options.page_size)
        self._deal_pages = DealListing(self._client, deals.pipelines, options.page_size)
        self._hooks = DeskeraHooks(self._client, options)

    async def identity(self) -> Identity:
        return await identity(self._client, self._contact_pages)

    async def probe(self) -> None:
        await probe(self._client)

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        """The custom fields, and the columns for labels, pipelines and stages with this account's choices."""
        return self._books[entity].columns() if entity in self._books else await self._of(entity).of.columns()

    async def read(self, ref: RecordRef) -> Record | Gone:
        return await self._calls(ref.entity).read(ref.id)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        """Always lists everything, because Deskera has no filter by time of change."""
        if entity in self._books:
            return await self._books[entity].list(page)
        records = self._of(entity)
        if entity == CONTACT:
            got, following = await self._contact_pages.page(page, where)
        else:
            got, following = await self._deal_pages.page(page)
        return await records.page(got, following, begins=page is None)

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        """The rows of the listing, not read one by one: after a burst there are hundreds, and the caller
        reads the few that matter."""
        if entity in self._books:
            return await self._books[entity].everything()
        if entity == CONTACT:
            rows = await newest_contacts(self._contact_pages, after)
        else:
            rows = await newest_deals(self._deal_pages, after)
        return await self._of(entity).newest(rows)

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        """Searches contacts by e-mail, name or phone. A read may not show the phone, so such a
        candidate may lack the column."""
        if entity != CONTACT or column not in SEARCHABLE or not isinstance(value, str) or not value:
            return []
        records = self._of(entity)
        rows = await self._contact_pages.search(column, value)
        return await records.reread([raw for raw in rows if may_equal(raw, column, value)])

    async def create(self, entity: str, fields: Fields) -> Written:
        return await self._calls(entity).create(fields)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        return await self._calls(fresh.ref.entity).update(fresh, changes)

    def ties(self, fresh: Record, changes: Fields) -> Ties:
        """A company is sent with the list of its people, as it was read; so it moves back one who just left it."""
        if fresh.ref.entity != CONTACT or not isinstance(fresh.raw, Mapping):
            return Ties()
        left = [fresh.fields.get("organization_id")] if "organization_id" in changes else []
        return Ties(self._contacts(people(fresh.raw)), self._contacts(left))

    def _contacts(self, ids: Iterable[Any]) -> Sequence[RecordRef]:
        found = [known_reference(each) for each in ids]
        return [RecordRef(self.system, CONTACT, each) for each in found if each is not None]

    async def delete(self, fresh: Record) -> None:
        await self._calls(fresh.ref.entity).delete(fresh)

    async def archive(self, fresh: Record) -> None:
        raise Rejected(self.system, f"Deskera cannot archive a {fresh.ref.entity}")

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return hooks_for(entities)

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        return await self._hooks.seen()

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        """Deskera takes neither a secret nor a name, so `url` must contain the secret."""
        return await self._hooks.create(spec.key, url)

    async def remove_hook(self, hook_id: str) -> None:
        await self._hooks.remove(hook_id)

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        """The head contains no credential to check."""

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        """Deskera signs nothing and sends no password: the token in the address is the credential.

        The callback listener compares it before it calls this method, so nothing is left to check here.
        """

    def decode(self, callback: Callback) -> Sequence[Event]:
        return decode(callback)

    def _calls(self, entity: str) -> Records | BooksRecords:
        return self._books[entity] if entity in self._books else self._of(entity)

    def _of(self, entity: str) -> Records:
        found = self._records.get(entity)
        if found is None:
            known = ", ".join([*self._records, *self._books])
            raise Rejected(self.system, f"Deskera has no entity {entity!r} (it has {known})")
        return found
