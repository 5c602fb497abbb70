"""Users: people's logins. Source: the vendor's OpenAPI description (Users; searches of version 4)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.connectors.entrust.account import Account, missing
from bridge.connectors.entrust.catalog import ATTRIBUTES, GROUPS, ORGANIZATIONS
from bridge.connectors.entrust.columns import COLLECTIONS, STATES, USER, USER_SETS, Property
from bridge.connectors.entrust.feed import Feed
from bridge.connectors.entrust.shape import read_collections, read_row, rows_of, write_custom, write_row
from bridge.connectors.entrust.values import read_moment, write_text
from bridge.connectors.names import Names, Unresolved
from bridge.connectors.protocols import Page, Written
from bridge.connectors.rows import MAKES_NO_SENSE, Understood, one_record, read_all
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import Rejected, RemoteError, RetryLater
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef

SEARCH = "v4/userspaged"
ALL, ONE, TEMPLATE = "v3/users", "v3/users/{}", "v3/users/:id"
INACTIVE = STATES[1]
_FOUND_BY = {"user_id": "v3/users/userid", "external_id": "v3/users/externalid"}
_SETS = {"groups": GROUPS, "organizations": ORGANIZATIONS}
_WRITTEN = {**USER, "aliases": Property("userAliases", USER_SETS["aliases"])}


class Users:
    def __init__(self, account: Account, feed: Feed) -> None:
        self._account, self._feed = account, feed
        self._client, self._lists = account.client, account.lists

    async def columns(self) -> Mapping[str, ColumnSpec]:
        attributes = await self._lists.of(ATTRIBUTES, fresh=True)
        own = {}
        for name in attributes.names.names():
            row = attributes.rows[attributes.names.key(name)]
            own[f"custom.{name}"] = ColumnSpec(Column.TEXT, required=bool(row.get("mandatory")))
        for column, kind in _SETS.items():
            names = (await self._lists.of(kind, fresh=True)).names.names()
            own[column] = ColumnSpec(Column.SET, choices=tuple(names))
        return own

    async def probe(self) -> None:
        await self._client.page(SEARCH, {"limit": 1})

    async def read(self, ref: RecordRef) -> Record | Gone:
        with one_record(self._account.system, f"GET {TEMPLATE}"):
            return await self._read(ref)

    async def _read(self, ref: RecordRef) -> Record | Gone:
        raw = await self._account.one(ref, ALL)
        return missing(ref) if raw is None else await self._record(raw)

    async def list(self, since: datetime | None, page: str | None, where: Fields) -> Page:
        """With `since`, reads the users that the audit events name. Without the right to read
        events, it lists all users."""
        if since is not None and self._feed.available and (part := await self._feed.page(since, page)) is not None:
            found = await self._read_all(part.changed, part.removed)
            self._account.listings.note("users changed", found, begins=page is None)
            return Page(found.rows, part.next, skipped=part.skipped + found.skipped)
        body: dict[str, Any] = {"limit": self._account.options.page_size, "attributes": [*COLLECTIONS]}
        if page is not None:
            body["cursor"] = page
        else:
            body["orderByAttribute"] = {"name": "userId", "ascending": True}
            if where.get("state") in STATES:
                body["searchByAttributes"] = [{"name": "state", "operator": "EQUALS", "value": where["state"]}]
        rows, cursor = await self._client.page(SEARCH, body)
        found = await self._account.listings.read_each("user", rows, self._record, begins=page is None)
        return Page(found.rows, cursor, skipped=found.skipped)

    async def newest(self, after: datetime) -> Sequence[Record]:
        """Lists all users, because they cannot be listed by age. The unique user id prevents a second create."""
        floor, found, page = after.astimezone(UTC).replace(microsecond=0), [], None
        while True:
            got = await self.list(None, page, {})
            if got.skipped:
                raise RetryLater(self._account.system, "the listing of users holds rows that cannot be understood")
            found += [row for row in got.rows if isinstance(row, Record) and row.created_at and row.created_at >= floor]
            page = got.next
            if page is None:
                return found

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        """The vendor also finds a user id by any alias."""
        path = _FOUND_BY.get(column)
        if path is None or not isinstance(value, str) or not value.strip():
            return []
        raw = await self._client.query(path, {"userId": value}, absent=frozenset({404}))
        rows = [] if raw is None else [raw]
        return (await self._account.listings.read_each("user found", rows, self._record)).rows

    async def create(self, fields: Fields) -> Written:
        """Sends no registration request and no e-mail, unless the options or the fields say so."""
        options = self._account.options
        if not options.create_users:
            text = "the bridge does not create users (logins) here: set the option `create_users: true` to allow it"
            raise Rejected(self._account.system, text)
        if not fields.get("user_id"):
            raise Rejected(self._account.system, "user user_id: a new user needs one", field="user_id")
        body = {
            "registrationRequired": options.registration_required,
            "verificationRequired": options.verification_required,
            **await self._body(fields, {}),
        }
        said = await self._account.create(ALL, body, "user_id")
        try:
            return Written(str(said["id"]), await self._record(said))
        except (RemoteError, *MAKES_NO_SENSE):  # the user exists, even if the answer cannot be read now
            return Written(str(said["id"]))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        if not changes:
            return Written(fresh.ref.id, fresh)
        self._account.refuse_foreign(fresh)
        body = await self._body(changes, fresh.raw)
        try:
            await self._account.update(ONE.format(fresh.ref.id), body, template=TEMPLATE)
        except Rejected as refused:
            if refused.status == 400:
                self._lists.forget()  # an attribute may have been replaced by another one with the same name
            raise
        return Written(fresh.ref.id)

    async def delete(self, fresh: Record) -> None:
        if not self._account.options.delete_users:
            text = "the bridge does not delete users (logins) here: set the option `delete_users: true` to allow it"
            raise Rejected(self._account.system, text)
        self._account.refuse_foreign(fresh)
        await self._client.delete(ONE.format(fresh.ref.id), template=TEMPLATE)

    async def archive(self, fresh: Record) -> None:
        """Makes the user inactive. The user can no longer sign in, and keeps all credentials."""
        self._account.refuse_foreign(fresh)
        if not fresh.archived:
            path, template = f"v1/users/{fresh.ref.id}/state", "v1/users/:id/state"
            await self._account.update(path, {"state": INACTIVE}, template=template)

    async def _read_all(self, changed: Sequence[str], removed: frozenset[str]) -> Understood[Record | Gone]:
        """Read the users, a few at a time. A user that has gone, and was removed according to the
        events, is reported as deleted."""
        refs = [RecordRef(self._account.system, "user", each) for each in changed]
        found = await read_all(refs, self._read, self._account.options.calls_at_once)
        rows = [
            Gone(row.ref, Evidence.EVENT) if isinstance(row, Gone) and row.ref.id in removed else row
            for row in found.rows
        ]
        return Understood(rows, found.skipped, found.why)

    async def _record(self, raw: Any) -> Record:
        """Fetches a list only if the answer names something in it."""
        raw = self._account.identified(raw)
        groups = await self._names(GROUPS, bool(raw.get("groups")))
        organizations = await self._names(ORGANIZATIONS, bool(raw.get("organizations")))
        attributes = await self._names(ATTRIBUTES, raw.get("userAttributeValues") is not None)
        return Record(
            RecordRef(self._account.system, "user", raw["id"]),
            {**read_row(USER, raw), **read_collections(raw, groups, organizations, attributes)},
            read_moment(raw.get("lastModified")),
            read_moment(raw.get("userCreationTime")),
            archived=raw.get("state") == INACTIVE,
            raw=raw,
        )

    async def _names(self, kind: str, needed: bool) -> Names:
        return (await self._lists.of(kind)).names if needed else Names()

    async def _body(self, fields: Fields, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The body to write. `raw`: the user as just read, empty for a new one."""
        plain = {column: value for column, value in fields.items() if column not in (*_SETS, "organization", "custom")}
        body = self._account.checked("user", lambda: write_row("user", _WRITTEN, plain))
        body["emailVerification"] = self._account.options.email_verification
        for column, kind in _SETS.items():
            if column in fields:
                body[column] = [await self._key(kind, name, column) for name in self._labels(column, fields[column])]
        if "organization" in fields:
            if "organizations" in fields or len(rows_of(raw, "organizations") or ()) > 1:
                raise self._bad("organization", "the user has several: write the set `organizations`")
            body["organizations"] = [str(fields["organization"])] if fields["organization"] is not None else []
        if "custom" in fields:
            body["userAttributeValues"] = await self._custom(fields["custom"], raw)
        return body

    async def _custom(self, value: Any, raw: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
        if not isinstance(value, Mapping):
            raise self._bad("custom", "must be custom fields by name")
        if raw and rows_of(raw, "userAttributeValues") is None:
            raise self._bad("custom", "Entrust did not show this user's attributes, so the bridge cannot preserve them")
        changes = []
        for name, item in value.items():
            column = f"custom.{name}"
            key = await self._key(ATTRIBUTES, name, column)
            try:
                changes.append((key, write_text(item)))
            except ValueError as wrong:
                raise self._bad(column, str(wrong)) from None
        return self._account.checked("user", lambda: write_custom(raw, changes))

    async def _key(self, kind: str, name: str, column: str) -> str:
        try:
            return (await self._lists.of(kind)).names.key(name)
        except Unresolved as problem:
            if problem.twice or not await self._lists.reload_for(kind, name):
                raise self._bad(column, str(problem)) from None
        try:
            return (await self._lists.of(kind)).names.key(name)
        except Unresolved as problem:
            raise self._bad(column, str(problem)) from None

    def _labels(self, column: str, value: Any) -> Sequence[str]:
        labels = [] if value is None else value
        if not isinstance(labels, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in labels):
            raise self._bad(column, "must be a list of names")
        return sorted(labels)

    def _bad(self, column: str, message: str) -> Rejected:
        return Rejected(self._account.system, f"user {column}: {message}", field=column)
