"""Connectors that read the real systems and write nothing. A write is only recorded, and later reads show it."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from bridge.connectors.holding import Held, writes_held
from bridge.connectors.lines import ReadsLines
from bridge.connectors.protocols import Connector, Identity, Page, Written
from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.catalog import ColumnSpec, Manifest
from bridge.domain.errors import RateLimited
from bridge.domain.event import Event
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef
from bridge.domain.seams import Clock
from bridge.planning.spool import Spool

NEW = re.compile(r"new-[0-9]+")
"""The id of a record that exists only in a plan."""

LONGEST_PAUSE_SECONDS = 300.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """A write that was recorded and not sent. `ref`: for a create, it has the id that the plan gave the record."""

    what: str  # create, update, delete, archive
    ref: RecordRef
    fields: Fields


@dataclass(slots=True)
class Notes:
    """What all connectors of one plan share. `writes`: the writes since the list was last emptied. `calls`: the calls
    that the held writes would have made, by system, method and path. `say`: called with a text before each wait."""

    spool: Spool
    now: Callable[[], datetime]
    writes: list[Write] = field(default_factory=list)
    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    say: Callable[[str], None] = lambda text: None
    made: int = 0

    def new_id(self) -> str:
        self.made += 1
        return f"new-{self.made}"


class Pretending:
    """One system as a plan sees it. Implements `protocols.Connector`."""

    def __init__(self, real: Connector, notes: Notes, clock: Clock) -> None:
        self._real = real
        self._notes = notes
        self._clock = clock
        self.system = real.system

    @property
    def manifest(self) -> Manifest:
        return self._real.manifest

    # Reads call the real system. A record that would have been written shows what it would hold.

    async def identity(self) -> Identity:
        return await self._patiently(self._real.identity)

    async def probe(self) -> None:
        await self._patiently(self._real.probe)

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        return await self._patiently(lambda: self._real.columns(entity))

    async def read(self, ref: RecordRef) -> Record | Gone:
        state = self._notes.spool.pretended(ref)
        if state is not None:
            return state
        if is_new(ref.id):
            return Gone(ref, Evidence.NOT_FOUND)
        return await self._patiently(lambda: self._real.read(ref))

    async def lines(self, entity: str, column: str, record_ids: Sequence[str]) -> Mapping[str, Sequence[Fields]]:
        """Return the lines of records that the plan does not create. `read` shows the lines of written records."""
        real, there = self._real, [record_id for record_id in record_ids if not is_new(record_id)]
        if not there or not isinstance(real, ReadsLines):
            return {}
        return await self._patiently(lambda: real.lines(entity, column, there))

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        return await self._patiently(lambda: self._real.list(entity, since=since, page=page, where=where))

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        return await self._patiently(lambda: self._real.newest(entity, after=after))

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        return await self._patiently(lambda: self._real.find(entity, column, value))

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call. Wait in real time, not by the plan's clock, when the vendor demands a pause."""
        waited = 0.0
        while True:
            try:
                return await call()
            except RateLimited as error:
                waited += max(error.after_seconds, 1.0)
                if error.daily or waited > LONGEST_PAUSE_SECONDS:
                    raise
                self._notes.say(f"waiting {error.after_seconds:.0f} s, as {self.system} asks")
                await self._clock.sleep(max(error.after_seconds, 1.0))

    # Writes are prepared by the real connector, which may refuse them, and then recorded.

    async def create(self, entity: str, fields: Fields) -> Written:
        await self._prepared(fields, lambda: self._real.create(entity, fields), "POST", entity)
        ref, now = RecordRef(self.system, entity, self._notes.new_id()), self._notes.now()
        columns = self.manifest.entities[entity].columns
        empty = {name: None for name, column in columns.items() if column.writable}
        record = Record(ref, {**empty, **fields}, now, now)  # columns that are not sent are shown as empty
        self._note(Write("create", ref, fields), record)
        return Written(ref.id, record)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        if not is_new(fresh.ref.id):
            await self._prepared(changes, lambda: self._real.update(fresh, changes), "PATCH", fresh.ref.entity)
        record = replace(fresh, fields=changed(fresh.fields, changes), modified_at=self._notes.now())
        self._note(Write("update", fresh.ref, changes), record)
        return Written(fresh.ref.id, record)

    async def delete(self, fresh: Record) -> None:
        await self._prepared({}, lambda: self._real.delete(fresh), "DELETE", fresh.ref.entity)
        self._note(Write("delete", fresh.ref, {}), Gone(fresh.ref, Evidence.FLAG, modified_at=self._notes.now()))

    async def archive(self, fresh: Record) -> None:
        await self._prepared({}, lambda: self._real.archive(fresh), "PATCH", fresh.ref.entity)
        self._note(Write("archive", fresh.ref, {}), replace(fresh, archived=True, modified_at=self._notes.now()))

    async def _prepared(self, fields: Fields, write: Callable[[], Awaitable[Any]], method: str, entity: str) -> None:
        """Let the connector prepare the call, and hold it back. Raises the error with which the connector refuses.

        A write that refers to a record that exists only in the plan cannot be prepared, so its call is only counted.
        """
        if _names_new(fields):
            self._notes.calls[self.system, method, entity] += 1
            return
        try:
            with writes_held():
                await self._patiently(write)
        except Held as held:
            self._notes.calls[self.system, held.method, held.path] += 1

    def _note(self, write: Write, state: Record | Gone) -> None:
        self._notes.spool.pretend(write.ref, state)
        self._notes.writes.append(write)

    # Hooks are listed and never changed. A plan receives no callbacks.

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return self._real.hooks_for(entities)

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        return await self._patiently(self._real.list_hooks)

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        raise AssertionError("a plan does not register hooks")

    async def remove_hook(self, hook_id: str) -> None:
        raise AssertionError("a plan does not remove hooks")

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        raise AssertionError("a plan receives no callbacks")

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        raise AssertionError("a plan receives no callbacks")

    def decode(self, callback: Callback) -> Sequence[Event]:
        raise AssertionError("a plan receives no callbacks")


def changed(before: Fields, changes: Fields) -> Fields:
    """Return the columns after an update as connectors do it: top columns are replaced, `custom` merges by name."""
    after = {**before, **changes}
    if isinstance(before.get("custom"), Mapping) and isinstance(changes.get("custom"), Mapping):
        after["custom"] = {**before["custom"], **changes["custom"]}
    return after


def is_new(record_id: str) -> bool:
    """Return whether this is the id of a record that exists only in a plan."""
    return NEW.fullmatch(record_id) is not None


def _names_new(value: Any) -> bool:
    if isinstance(value, str):
        return is_new(value)
    if isinstance(value, Mapping):
        return any(map(_names_new, value.values()))
    return isinstance(value, list | tuple) and any(map(_names_new, value))
