"""What one claim's work has in hand: both sides' systems, the mapping, and the results it gathers."""

import asyncio
from collections.abc import Coroutine
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bridge.connectors.protocols import Connector
from bridge.domain.catalog import EntityManifest
from bridge.domain.errors import OutcomeUnknown, RetryLater
from bridge.domain.event import EventKind
from bridge.domain.record import Record, RecordRef, Side
from bridge.domain.seams import Seams
from bridge.mapping import translate
from bridge.mapping.model import Mapping
from bridge.store.engine import Store
from bridge.store.model import (
    RETRIED,
    Claim,
    Completion,
    Endpoint,
    JournalEntry,
    Json,
    KeyNote,
    KnownRecord,
    Link,
    LinkWrite,
    Mode,
    Outcome,
    RecordNote,
    Scope,
    Task,
    TaskKey,
)

CROSSED = (Outcome.APPLIED, Outcome.UNCHANGED)
DELETED = frozenset({EventKind.DELETED.value, EventKind.MERGED.value})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of the worker. Seconds and counts."""

    workers: int = 8
    attempts: int = 8
    lease_seconds: float = 120.0
    write_seconds: float = 45.0  # a remote write has ended, or its outcome is unknown, after this long
    backoff_first_seconds: float = 2.0
    backoff_cap_seconds: float = 900.0
    loop_writes: int = 20
    loop_window_seconds: float = 600.0
    brake_count: int = 25
    brake_window_seconds: float = 3600.0
    wait_seconds: float = 300.0  # a task waiting for another record is looked at again after this long


@dataclass(frozen=True, slots=True)
class Parts:
    """What every claim shares. `mappings` and `scopes` are replaced as a whole when mapping files are reloaded."""

    store: Store
    connectors: MappingOf[str, Connector]
    mappings: MappingOf[str, Mapping]
    scopes: MappingOf[str, Scope]
    seams: Seams
    limits: Limits


@dataclass(slots=True)
class Work:
    """One claim under way. Lists gather what its completion will store."""

    parts: Parts
    claim: Claim
    mapping: Mapping
    records: list[RecordNote] = field(default_factory=list)
    keys: list[KeyNote] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)
    links: list[LinkWrite] = field(default_factory=list)
    read_at: dict[RecordRef, float] = field(default_factory=dict)
    referred: list[tuple[Link, Side]] = field(default_factory=list)  # links whose records the write names there
    unlinked: dict[TaskKey, list[TaskKey]] = field(default_factory=dict)  # by record: what it names, not linked
    row_hash: str | None = None  # of the claim's record as read, over the columns listings show too
    look_at: float = 0.0  # when the outcome of the last write must be visible

    @property
    def key(self) -> TaskKey:
        return self.claim.key

    @property
    def side(self) -> Side:
        return self.claim.key.side

    @property
    def store(self) -> Store:
        return self.parts.store

    @property
    def shadow(self) -> bool:
        return self.claim.scope.mode is Mode.SHADOW

    @property
    def retried(self) -> bool:
        """Whether a person looked at the dead letter and wants it tried again."""
        return any(task.reason == RETRIED for task in self.claim.tasks)

    def task_of(self, side: Side, rec: str | None) -> Task | None:
        """The claim's task of this record, None when the record itself was not due."""
        return next((task for task in self.claim.tasks if task.key.side is side and task.key.rec == rec), None)

    def deleted_by_event(self, side: Side, rec: str | None) -> bool:
        """Whether a delete or merge event named the record since its task was last done."""
        task = self.task_of(side, rec)
        return task is not None and bool(DELETED & task.kinds)

    def now(self) -> float:
        return self.store.now()

    def endpoint(self, side: Side) -> Endpoint:
        return self.claim.scope.endpoint(side)

    def ref(self, side: Side, rec: str) -> RecordRef:
        return self.endpoint(side).ref(rec)

    def connector(self, side: Side) -> Connector:
        return self.parts.connectors[self.endpoint(side).system]

    def manifest(self, side: Side) -> EntityManifest:
        return self.connector(side).manifest.entities[self.endpoint(side).entity]

    def side_name(self, side: Side) -> str:
        return self.mapping.side(side).name

    async def send(self, side: Side, call: Coroutine[Any, Any, T], deadline: float) -> T:
        """A write at `side`. Whoever looks for its outcome looks after the deadline: nothing is sent later than that.

        Raises OutcomeUnknown when it has not ended by then, RetryLater when it is too late to begin.
        """
        left, system = deadline - self.now(), self.endpoint(side).system
        if left <= 0:
            call.close()
            raise RetryLater(system, "too late to send a write that was decided a while ago")
        try:
            async with asyncio.timeout(left):
                return await call
        except TimeoutError:
            raise OutcomeUnknown(system, f"a write did not end within {left:.1f} s") from None

    async def known(self, ref: RecordRef) -> KnownRecord | None:
        """What the store knows of a record: as the claim found it, or as it is now for records leased later."""
        if ref in self.claim.known:
            return self.claim.known[ref]
        return (await self.store.records.known([ref])).get(ref)

    def note_read(self, ref: RecordRef) -> None:
        self.read_at[ref] = self.now()

    def believe(self, *, alive: bool) -> None:
        """The reads are believed: how long earlier ones lagged, or showed nothing, counts no longer."""
        first, *rest = self.claim.tasks
        gone_since = None if alive else first.gone_since
        self.claim = replace(self.claim, tasks=(replace(first, stale_since=None, gone_since=gone_since), *rest))

    async def lease(self, side: Side, rec: str) -> Completion | None:
        """Take one more record under the claim's fence; when somebody else has it, the task goes back with jitter."""
        leased = await self.store.tasks.lease(self.claim, [self.ref(side, rec)])
        if leased is None:
            return self.later(self.now() + self.jitter(1.0), f"{self.named(side, rec)} is being worked on")
        self.claim = leased
        return None

    def jitter(self, seconds: float) -> float:
        """Half to one and a half times `seconds`, so that two who wait for each other part."""
        return seconds * (0.5 + self.parts.seams.random.random())

    def is_old(self, record: Record, seconds: float) -> bool:
        """Whether the record was read longer ago than this."""
        return self.now() - self.read_at.get(record.ref, 0.0) > seconds

    def named(self, side: Side, rec: str | None = None) -> str:
        """A record in the words people use: `crm deal 7`, or `a new crm deal` while it has no id."""
        name = f"{self.side_name(side)} {self.endpoint(side).entity}"
        return f"{name} {rec}" if rec else f"a new {name}"

    def say(
        self, what: str, text: str, detail: Json | None = None, *, link: Link | None = None, other: str | None = None
    ) -> None:
        """Note a journal entry about the claim's record, and about its counterpart: the link's, or `other`."""
        if other is None and link is not None:
            other = link.rec(self.side.other)
        self.journal.append(
            JournalEntry(
                mapping=self.key.mapping,
                side=self.side,
                rec=self.key.rec,
                what=what,
                text=text,
                detail=detail or {},
                link=link.id if link else None,
                other_rec=other,
            )
        )

    def note_keys(self, side: Side, rec: str, values: MappingOf[str, Any]) -> None:
        """Keep the match index in step with what a record was just seen to hold."""
        if self.mapping.match:
            self.keys.append(KeyNote(self.mapping.name, side, rec, translate.index_hashes(self.mapping, values)))

    def note_wrote(self, side: Side, rec: str, record: Record | None) -> None:
        """Note our own write, so that its echo and reads that lag behind it are recognised."""
        version = record.modified_at.timestamp() if record and record.modified_at else None
        self.records.append(
            RecordNote(self.ref(side, rec), version=version, own_version=version, own_write_at=self.now())
        )

    def done(self, outcome: Outcome, reason: str = "", **more: Any) -> Completion:
        """End the claim, with everything gathered on the way."""
        completion = Completion(
            claim=self.claim,
            outcome=outcome,
            reason=reason,
            records=tuple(self.records),
            keys=tuple(self.keys),
            journal=tuple(self.journal),
            links=tuple(self.links),
            decided_hash=self.row_hash if outcome in (Outcome.FILTERED, Outcome.DEAD) else None,
            unlinked=self.unlinked if outcome in CROSSED else {},
        )
        return replace(completion, **more)

    def later(self, due: float, reason: str, *, attempt: bool = False, **more: Any) -> Completion:
        """Put the task off until `due`; unless `attempt`, the claim does not count against the record."""
        task = self.claim.tasks[0]
        kept = {"stale_since": task.stale_since, "gone_since": task.gone_since, "decided_hash": task.decided_hash}
        return self.done(Outcome.WAITING, reason, due=due, attempt=attempt, **{**kept, **more})

    def dead(self, reason: str) -> Completion:
        """A person is needed; `reason` says what for."""
        self.say("dead", reason, link=self.claim.link)
        return self.done(Outcome.DEAD, reason)
