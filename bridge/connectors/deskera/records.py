"""The calls for one Sales entity, from read to delete. What differs between the entities is a `Translation`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.listing import Rows
from bridge.connectors.deskera.values import Unreadable, deleted, instant, known_reference, reference
from bridge.connectors.protocols import Page, Written
from bridge.connectors.rows import MAKES_NO_SENSE, NotUnderstood, one_record, row_id, understand_each
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import OutcomeUnknown, RemoteError
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef


class Translation(Protocol):
    """Translates one entity: `Contacts`, `Deals`."""

    @property
    def entity(self) -> str: ...
    @property
    def path(self) -> str: ...
    async def columns(self) -> dict[str, ColumnSpec]: ...
    async def fields(self, raw: Mapping[str, Any]) -> Fields: ...
    async def body(self, raw: Mapping[str, Any] | None, changes: Fields) -> dict[str, Any]: ...


class Records:
    """The calls for one entity. `versioned`: the entity's `updated_at` is its version."""

    def __init__(self, client: DeskeraClient, of: Translation, *, versioned: bool) -> None:
        self._client = client
        self.of = of
        self._versioned = versioned
        self._template = f"{of.path}/{{id}}"

    async def read(self, record_id: str) -> Record | Gone:
        raw = await self._client.get_one(f"{self.of.path}/{record_id}", template=self._template)
        if isinstance(raw, int):
            evidence = Evidence.FLAG if raw == 410 else Evidence.NOT_FOUND
            return Gone(self._ref(record_id), evidence)
        if isinstance(raw, dict) and isinstance(raw.get("data"), dict):
            raw = raw["data"]
        with one_record(self._client.system, f"GET {self._template}"):
            if not isinstance(raw, dict) or reference(raw.get("id")) != record_id:
                raise NotUnderstood("it is a different record, or no record")
            return await self.row(raw)

    async def row(self, raw: Mapping[str, Any]) -> Record | Gone:
        """The record in an answer. Raises NotUnderstood, or another of `MAKES_NO_SENSE`."""
        record_id = reference(raw.get("id"))
        if record_id is None:
            raise NotUnderstood("it has no id")
        changed = _moment(raw.get("updated_at")) if self._versioned else None
        if deleted(raw):
            return Gone(self._ref(record_id), Evidence.FLAG, modified_at=changed)
        fields = await self.of.fields(raw)
        created = _moment(raw.get("created_at"))
        by = _person(raw.get("updated_by") or raw.get("created_by")) if self._versioned else None
        return Record(self._ref(record_id), fields, changed, created, raw=raw, modified_by=by)

    async def page(self, got: Rows, following: str | None, *, begins: bool) -> Page:
        found = await self._client.listings.read_each(self.of.entity, got.rows, self.row, begins=begins)
        return Page(found.rows, following, got.total, skipped=found.skipped)

    async def newest(self, rows: Sequence[Any]) -> Sequence[Record]:
        """The records of these rows. Raises RetryLater if one of them cannot be understood."""
        found = self._client.listings.whole(f"newest {self.of.entity}", await understand_each(rows, self.row))
        return [each for each in found if isinstance(each, Record)]

    async def reread(self, rows: Sequence[Any]) -> list[Record]:
        """The records of these rows, read one by one, because listings show less than reads."""
        ids = await self._client.listings.read(f"{self.of.entity} found", rows, row_id)
        found = [await self.read(each) for each in dict.fromkeys(ids.rows)]
        return [each for each in found if isinstance(each, Record)]

    async def create(self, fields: Fields) -> Written:
        body = await self.of.body(None, fields)
        answer = await self._client.write("POST", self.of.path, body)
        shown = answer.loose_json()
        if isinstance(shown, dict) and isinstance(shown.get("data"), dict):
            shown = shown["data"]
        record_id = known_reference(shown.get("id", shown.get("Id"))) if isinstance(shown, dict) else None
        if record_id is None:
            raise OutcomeUnknown(self._client.system, f"POST {self.of.path} did not answer with an id")
        return Written(record_id, await self._shown(shown))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        """Sends the whole record, because it is not documented whether PUT accepts a part."""
        if not changes:
            return Written(fresh.ref.id, fresh)
        body = await self.of.body(fresh.raw, changes)
        answer = await self._client.write("PUT", f"{self.of.path}/{fresh.ref.id}", body, template=self._template)
        return Written(fresh.ref.id, await self._shown(answer.loose_json()))

    async def delete(self, fresh: Record) -> None:
        await self._client.delete(f"{self.of.path}/{fresh.ref.id}", template=self._template)

    async def _shown(self, raw: Any) -> Record | None:
        """The record, if a write's answer shows more than its id.

        The write took effect, so a failure here must not look like a failed write.
        """
        if not isinstance(raw, dict) or "name" not in raw or "owner_id" not in raw:
            return None
        try:
            found = await self.row(raw)
        except (RemoteError, *MAKES_NO_SENSE):
            return None
        return found if isinstance(found, Record) else None

    def _ref(self, record_id: str) -> RecordRef:
        return RecordRef(self._client.system, self.of.entity, record_id)


def _moment(value: Any) -> datetime | None:
    try:
        return instant(value)
    except Unreadable:
        return None


def _person(value: Any) -> str | None:
    number = known_reference(value)
    return f"user {number}" if number else None
