"""A product in memory behind the connector seam: the other side for tests of the worker, with faults on request."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.connectors.protocols import Identity, Page, Written
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import Column, ColumnSpec, EntityManifest, Lookup, Manifest
from bridge.domain.errors import OutcomeUnknown, RetryLater, Unreachable
from bridge.domain.event import Event
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef
from bridge.domain.seams import Clock

TEXT = ColumnSpec(Column.TEXT)
COLUMNS: Mapping[str, ColumnSpec] = {
    "name": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "notes": TEXT,
    "amount": ColumnSpec(Column.DECIMAL),
    "company_id": ColumnSpec(Column.REFERENCE, to="company"),
}


def manifest(**facts: Any) -> Manifest:
    """The manifest of a product with persons and companies; `facts`: fields of EntityManifest."""
    facts = {"lookup": Lookup.NONE, "read_lag": 2.0, **facts}
    entity = EntityManifest(columns=COLUMNS, events=frozenset({"created", "changed", "deleted"}), **facts)
    return Manifest("fake", {"person": entity, "company": entity})


@dataclass
class Row:
    """One stored record, and the states that reads may still show while they lag."""

    fields: dict[str, Any]
    created: datetime
    modified: datetime
    deleted: bool = False
    merged_into: str | None = None
    before: list[tuple[float, dict[str, Any] | None, datetime, bool]] = field(default_factory=list)


@dataclass
class FakeProduct:
    """Implements connectors.protocols.Connector. `trim`: how the server changes text; `lag` delays reads (seconds).

    `fail`: called before and after each call with its name ("before create", "after update" ...); may raise.
    """

    system: str
    clock: Clock
    manifest: Manifest = field(default_factory=manifest)
    lag: float = 0.0
    trim: Callable[[str], str] = lambda text: text
    answers_record: bool = True
    whole_seconds: bool = True
    hard_delete: bool = False
    fail: Callable[[str], None] = lambda name: None
    calls: list[str] = field(default_factory=list)
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: itertools.count(1))
    account: str = "account-1"
    editor: str | None = None
    """The user whom records name as the last to change them."""

    # -- what a person does -----------------------------------------------------------------------------------------
    def person_creates(self, entity: str, **fields: Any) -> str:
        return self._insert(entity, fields)

    def person_edits(self, entity: str, record_id: str, **fields: Any) -> None:
        self._change(self.rows[entity, record_id], fields)

    def person_deletes(self, entity: str, record_id: str) -> None:
        row = self.rows[entity, record_id]
        self._remember(row)
        row.deleted, row.modified = True, self._stamp()

    def person_merges(self, entity: str, loser: str, survivor: str) -> None:
        self.person_deletes(entity, loser)
        self.rows[entity, loser].merged_into = survivor

    def person_restores(self, entity: str, record_id: str) -> None:
        row = self.rows[entity, record_id]
        self._remember(row)
        row.deleted, row.merged_into, row.modified = False, None, self._stamp()

    def live(self, entity: str) -> dict[str, dict[str, Any]]:
        """Return the records that a person sees: id -> fields of the records that are not deleted."""
        return {
            record_id: row.fields for (kind, record_id), row in self.rows.items() if kind == entity and not row.deleted
        }

    # -- reads ------------------------------------------------------------------------------------------------------
    async def identity(self) -> Identity:
        self._called("identity")
        return Identity(self.account, self.account)

    async def probe(self) -> None:
        self._called("probe")

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        return {}

    async def read(self, ref: RecordRef) -> Record | Gone:
        self._called("read")
        row = self.rows.get((ref.entity, ref.id))
        if row is None:
            return Gone(ref, Evidence.NOT_FOUND)
        fields, modified, deleted = self._visible(row)
        if fields is None:
            return Gone(ref, Evidence.NOT_FOUND)
        if deleted:
            evidence = Evidence.NOT_FOUND if self.hard_delete else Evidence.FLAG
            return Gone(ref, evidence, row.merged_into if evidence is Evidence.FLAG else None, modified)
        return self._record(ref, fields, modified, row.created)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        self._called("list")
        found = []
        for (kind, record_id), row in sorted(self.rows.items(), key=lambda item: int(item[0][1])):
            if kind == entity and not row.deleted and (since is None or row.modified >= since):
                ref = RecordRef(self.system, entity, record_id)
                found.append(self._record(ref, row.fields, row.modified, row.created))
        return Page(found)

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        self._called("newest")
        page = await self.list(entity, since=None, page=None, where={})
        return [row for row in page.rows if isinstance(row, Record) and row.created_at and row.created_at >= after]

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        self._called("find")
        page = await self.list(entity, since=None, page=None, where={})
        return [row for row in page.rows if isinstance(row, Record) and row.fields.get(column) == value]

    # -- writes -----------------------------------------------------------------------------------------------------
    async def create(self, entity: str, fields: Fields) -> Written:
        self._called("create")
        record_id = self._insert(entity, dict(fields))
        answer = self._written(entity, record_id)
        self._after("create")
        return answer

    async def update(self, fresh: Record, changes: Fields) -> Written:
        self._called("update")
        row = self.rows[fresh.ref.entity, fresh.ref.id]
        if row.deleted:
            raise RetryLater(self.system, f"{fresh.ref} is deleted")
        self._change(row, dict(changes))
        answer = self._written(fresh.ref.entity, fresh.ref.id)
        self._after("update")
        return answer

    async def delete(self, fresh: Record) -> None:
        self._called("delete")
        if not self.rows[fresh.ref.entity, fresh.ref.id].deleted:
            self.person_deletes(fresh.ref.entity, fresh.ref.id)
        self._after("delete")

    async def archive(self, fresh: Record) -> None:
        await self.delete(fresh)

    # -- hooks and callbacks are not this fake's matter -------------------------------------------------------------
    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return ()

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        return []

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        raise NotImplementedError

    async def remove_hook(self, hook_id: str) -> None:
        raise NotImplementedError

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        raise NotImplementedError

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        raise NotImplementedError

    def decode(self, callback: Callback) -> Sequence[Event]:
        raise NotImplementedError

    # -- inside -----------------------------------------------------------------------------------------------------
    def writes(self) -> Sequence[str]:
        """Return the names of the writing calls so far."""
        return [name for name in self.calls if name in ("create", "update", "delete")]

    def _called(self, name: str) -> None:
        self.calls.append(name)
        self.fail(f"before {name}")

    def _after(self, name: str) -> None:
        self.fail(f"after {name}")

    def _stamp(self) -> datetime:
        now = self.clock.now()
        return now.replace(microsecond=0) if self.whole_seconds else now

    def _made(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {name: self.trim(value) if isinstance(value, str) else value for name, value in fields.items()}

    def _insert(self, entity: str, fields: dict[str, Any]) -> str:
        record_id, stamp = str(next(self.ids)), self._stamp()
        whole = {**dict.fromkeys(COLUMNS), **self._made(fields)}
        row = self.rows[entity, record_id] = Row(whole, stamp, stamp)
        row.before.append((self.clock.now().timestamp(), None, stamp, False))
        return record_id

    def _remember(self, row: Row) -> None:
        row.before.append((self.clock.now().timestamp(), dict(row.fields), row.modified, row.deleted))

    def _change(self, row: Row, fields: dict[str, Any]) -> None:
        self._remember(row)
        row.fields = {**row.fields, **self._made(fields)}
        row.modified = self._stamp()

    def _visible(self, row: Row) -> tuple[dict[str, Any] | None, datetime, bool]:
        """Return the state `lag` seconds ago: fields (None before the record existed), version, deleted or not."""
        horizon = self.clock.now().timestamp() - self.lag
        for replaced_at, fields, modified, deleted in row.before:
            if self.lag and replaced_at > horizon:
                return fields, modified, deleted
        return row.fields, row.modified, row.deleted

    def _record(self, ref: RecordRef, fields: dict[str, Any], modified: datetime, created: datetime) -> Record:
        versioned = self.manifest.entities[ref.entity].version_resolution is not None
        return Record(ref, dict(fields), modified if versioned else None, created, modified_by=self.editor)

    def _written(self, entity: str, record_id: str) -> Written:
        if not self.answers_record:
            return Written(record_id)
        row = self.rows[entity, record_id]
        return Written(
            record_id, self._record(RecordRef(self.system, entity, record_id), row.fields, row.modified, row.created)
        )


def unreachable(*names: str) -> Callable[[str], None]:
    """A `fail` that makes these calls unreachable."""

    def fail(name: str) -> None:
        if name in names:
            raise Unreachable("erp", f"connection refused ({name})")

    return fail


def lost_answer(name: str, times: int = 1) -> Callable[[str], None]:
    """A `fail` that loses the answer of the next calls with this name, after (or before) they took effect."""
    left = itertools.count(times, -1)

    def fail(called: str) -> None:
        if called == name and next(left) > 0:
            raise OutcomeUnknown("erp", f"timed out ({name})")

    return fail


def killed(name: str, times: int = 1) -> Callable[[str], None]:
    """A `fail` that kills the process in the middle of a call."""
    left = itertools.count(times, -1)

    def fail(called: str) -> None:
        if called == name and next(left) > 0:
            raise asyncio.CancelledError

    return fail


def raising(name: str, error: Exception, times: int = 1) -> Callable[[str], None]:
    """A `fail` that raises this error in the next calls with this name."""
    left = itertools.count(times, -1)

    def fail(called: str) -> None:
        if called == name and next(left) > 0:
            raise error

    return fail
