"""What a decision knows and gathers: what all claims share, what is known of this one, what it may ask, note and plan.

`load` fills a Situation. `decide` reads it through a Draft, and answers with a Completion or a plan, or raises Wanted.
`apply` carries a plan out. No I/O.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from bridge.connectors.protocols import Connector
from bridge.domain.catalog import EntityManifest
from bridge.domain.event import EventKind
from bridge.domain.frozen import dataclass, replace
from bridge.domain.record import Fields, Gone, Record, RecordRef, Side
from bridge.domain.seams import Seams
from bridge.mapping import translate
from bridge.mapping.merge import Base
from bridge.mapping.model import DeletePolicy, Mapping
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, Lines, LinkId, is_empty, parts_of, with_parts
from bridge.store.engine import Store
from bridge.store.model import (
    Claim,
    Completion,
    Endpoint,
    Fulfilled,
    Instruction,
    JournalEntry,
    Json,
    KeyNote,
    KnownRecord,
    Link,
    LinkState,
    Mode,
    Move,
    Outcome,
    RecordNote,
    Scope,
    Task,
    TaskKey,
)
from bridge.store.questions import InstructionOf, Known, LinkById, Question
from bridge.sync.reasons import Reason, Why


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of the worker. Seconds and counts."""

    workers: int = 8  # claims at the same time, for each pair of systems
    attempts: int = 8
    lease_seconds: float = 120.0
    write_seconds: float = 45.0  # a remote write has ended, or its outcome is unknown, after this long
    backoff_first_seconds: float = 2.0
    backoff_cap_seconds: float = 900.0
    loop_writes: int = 20
    loop_window_seconds: float = 600.0
    deletion_limit: int = 25
    deletion_window_seconds: float = 3600.0
    wait_seconds: float = 300.0  # a task that waits for another record is processed again after this long


@dataclass(frozen=True, slots=True)
class Parts:
    """What every claim shares. `mappings` and `scopes` are replaced as a whole when mapping files are reloaded."""

    store: Store
    connectors: MappingOf[str, Connector]
    mappings: MappingOf[str, Mapping]
    scopes: MappingOf[str, Scope]
    seams: Seams
    limits: Limits


# ---- All that is known about one claim at one moment ----


@dataclass(frozen=True, slots=True)
class Situation:
    """`facts`: the answers so far, by question. `now`: epoch seconds. `chance`: 0 to 1, drawn once for the claim.

    `manifests`: what each side's system can do. `scopes`: all mappings that run, for the records that this one names.
    """

    claim: Claim
    mapping: Mapping
    manifests: MappingOf[Side, EntityManifest]
    scopes: MappingOf[str, Scope]
    limits: Limits
    now: float
    chance: float = 0.5
    facts: MappingOf[Question[Any], Any] = field(default_factory=dict)


class Wanted(Exception):
    """A decision cannot be made before these are answered. Raised by `Draft.ask` only, caught by `load` only."""

    def __init__(self, needs: tuple[Question[Any], ...]) -> None:
        super().__init__("something must be looked at first")
        self.needs = needs


# ---- What a decision needs beyond what the store can answer; `load` alone answers it ----


@dataclass(frozen=True, slots=True)
class Seen:
    """What one read of a record showed, and when it was made. `accept` says whether it may be used."""

    found: Record | Gone
    at: float


class Moment(StrEnum):
    """When a record is read, if the same record is read more than once."""

    FIRST = "first"
    LEASED = "leased"  # once no other worker can change it


@dataclass(frozen=True, slots=True)
class Look(Question[Seen]):
    """The record as one read shows it. The read may lag; `accept` says whether it may be used."""

    ref: RecordRef
    moment: Moment = Moment.FIRST


@dataclass(frozen=True, slots=True)
class Search(Question[tuple[str, ...]]):
    """Ids of the records whose column has this value, by the vendor's own search, which may miss recent writes."""

    system: str
    entity: str
    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class Newest(Question[tuple[Record, ...]]):
    """Records created at or after a time, through reads that see recent writes."""

    system: str
    entity: str
    after: datetime


@dataclass(frozen=True, slots=True)
class CanSee(Question[bool]):
    """Whether other records of this side can be seen, so that one that is not shown is really gone: the canary read."""

    side: Side
    record_id: str


@dataclass(frozen=True, slots=True)
class Lease(Question[bool]):
    """Lease one more record under the claim's fence. False: another worker has it."""

    ref: RecordRef


@dataclass(frozen=True, slots=True)
class WaitFor(Question[Link | None]):
    """Make the parent due and wait for it. The answer is its link if it is linked already."""

    parent: TaskKey


@dataclass(frozen=True, slots=True)
class RequestListing(Question[None]):
    """Have the whole entity listed, so that its match keys are indexed."""

    system: str
    entity: str


@dataclass(frozen=True, slots=True)
class NoteMerge(Question[None]):
    """Store that the record was merged into another one."""

    loser: RecordRef
    survivor: str


@dataclass(frozen=True, slots=True)
class ForgetMerge(Question[None]):
    """Delete what is stored about a merge, because the record that was merged away exists again."""

    loser: RecordRef


# ---- A decision while it is made: it reads the facts, and gathers what to store at the claim's end ----


CROSSED = (Outcome.APPLIED, Outcome.UNCHANGED)
DELETED = frozenset({EventKind.DELETED.value, EventKind.MERGED.value})
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Stale:
    """A read that is not accepted: the record is read again at `due`. `since`: when its reads began to lag."""

    due: float
    why: Why
    since: float


class Draft:
    """What one run of a decision gathers. A run that lacks a fact stops, and the next run begins with a new draft."""

    def __init__(self, situation: Situation, before: "Draft | None" = None) -> None:
        self.situation = situation
        self.mapping: Mapping = situation.mapping
        self.limits: Limits = situation.limits
        self.key: TaskKey = situation.claim.key
        self.side: Side = self.key.side
        self.claim: Claim = before.claim if before else situation.claim
        self.first: Task = before.first if before else situation.claim.tasks[0]
        self.records: list[RecordNote] = list(before.records) if before else []
        self.keys: list[KeyNote] = list(before.keys) if before else []
        self.journal: list[JournalEntry] = list(before.journal) if before else []
        self.moves: list[Move] = list(before.moves) if before else []
        self.referred: list[tuple[Link, Side]] = list(before.referred) if before else []
        """(link, side): the records of that side that the write refers to, by their links."""
        self.unlinked: dict[TaskKey, list[TaskKey]] = dict(before.unlinked) if before else {}
        """By record, the records that it refers to and that are not linked."""
        self.row_hash: str | None = before.row_hash if before else None
        """The hash of the claim's record as read, over the columns that listings show too."""
        self.accepted: dict[RecordRef, Record | Gone] = {}
        """Reads that may be used."""
        self.look_at: float = before.look_at if before else 0.0
        """When the outcome of the last write must be visible."""
        self.requests: list[Json] = list(before.requests) if before else []
        """Requests that were sent to a system and are not in the journal yet."""
        self.run: str | None = before.run if before else situation.claim.run
        """The name of the run that this claim's journal entries belong to."""

    # Asking for facts.

    def ask(self, question: Question[Answer]) -> Answer:
        """The answer to a question or request. Raises Wanted when it is not known yet."""
        try:
            answer: Answer = self.situation.facts[question]
        except KeyError:
            raise Wanted((question,)) from None
        return answer

    def ask_all(self, questions: Iterable[Question[Answer]]) -> list[Answer]:
        """The answers in the same order. Raises Wanted for all missing ones together."""
        wanted = list(questions)
        missing = tuple(dict.fromkeys(one for one in wanted if one not in self.situation.facts))
        if missing:
            raise Wanted(missing)
        return [self.situation.facts[one] for one in wanted]

    def look(self, ref: RecordRef, moment: Moment = Moment.FIRST) -> Record | Gone:
        """What one read of a record showed. The read may lag."""
        return self.ask(Look(ref, moment)).found

    def known(self, ref: RecordRef) -> KnownRecord | None:
        """What the store knew of a record when it was claimed or leased; of any other record, what it knows now."""
        return self.claim.known[ref] if ref in self.claim.known else self.ask(Known(ref))

    def seen(self, ref: RecordRef) -> Seen | None:
        """The latest read of a record, None when there was none."""
        looks: list[Seen] = [
            self.situation.facts[look] for moment in Moment if (look := Look(ref, moment)) in self.situation.facts
        ]
        return max(looks, key=lambda seen: seen.at, default=None)

    def lease(self, side: Side, record_id: str) -> Completion | None:
        """Lease one more record under the claim's fence. If another worker has it, the claim ends for now."""
        if self.ask(Lease(self.ref(side, record_id))):
            return None
        return self.later(self.now + self.jitter(1.0), Reason.RECORD_BUSY.of(record=self.named(side, record_id)))

    # What the claim is about.

    @property
    def now(self) -> float:
        return self.situation.now

    @property
    def shadow(self) -> bool:
        return self.claim.scope.mode is Mode.SHADOW

    @property
    def retried(self) -> bool:
        """Whether a person retried the dead letter."""
        return any(task.retried for task in self.claim.tasks)

    def instruction(self) -> Instruction | None:
        """The instruction about one of the claim's records, if it may be carried out now.

        A create of unknown outcome is recovered first. While the mapping is paused, only recovery runs.
        """
        told = [task for task in self.claim.tasks if task.instructed]
        link = self.claim.link
        if not told or self.claim.paused or (link is not None and link.state is LinkState.INTENDED):
            return None
        return next((found for task in told if (found := self.ask(InstructionOf(task.key))) is not None), None)

    def task_of(self, side: Side, record_id: str | None) -> Task | None:
        """The claim's task of this record, None when the record itself was not due."""
        return next(
            (task for task in self.claim.tasks if task.key.side is side and task.key.record_id == record_id), None
        )

    def deleted_by_event(self, side: Side, record_id: str | None) -> bool:
        """Whether a delete or merge event named the record since its task was last done."""
        task = self.task_of(side, record_id)
        return task is not None and bool(DELETED & task.kinds)

    def endpoint(self, side: Side) -> Endpoint:
        return self.claim.scope.endpoint(side)

    def ref(self, side: Side, record_id: str) -> RecordRef:
        return self.endpoint(side).ref(record_id)

    def manifest(self, side: Side) -> EntityManifest:
        return self.situation.manifests[side]

    def side_name(self, side: Side) -> str:
        return self.mapping.side(side).name

    def named(self, side: Side, record_id: str | None = None) -> str:
        """A record in the words people use: `crm deal 7`, or `a new crm deal` while it has no id."""
        name = f"{self.side_name(side)} {self.endpoint(side).entity}"
        return f"{name} {record_id}" if record_id else f"a new {name}"

    def jitter(self, seconds: float) -> float:
        """Half to one and a half times `seconds`, so that two claims that wait for each other separate."""
        return seconds * (0.5 + self.situation.chance)

    # Gathering notes.

    def accept(self, *, alive: bool) -> None:
        """Note that the reads are accepted. It no longer counts how long reads lagged or, if `alive`, found nothing."""
        gone_since = None if alive else self.first.gone_since
        if (self.first.stale_since, self.first.gone_since) != (None, gone_since):
            self.first = replace(self.first, stale_since=None, gone_since=gone_since)

    def say(
        self, what: str, text: str, detail: Json | None = None, *, link: Link | None = None, other: str | None = None
    ) -> None:
        """Note a journal entry about the claim's record, and about its counterpart: the link's, or `other`.

        The entry contains the requests that were sent for it.
        """
        self.journal.append(self.entry(what, text, {**(detail or {}), **self.sent()}, link=link, other=other))

    def sent(self) -> Json:
        """Take the requests that were sent since the last entry, as the next entry stores them."""
        told, self.requests = self.requests, []
        return {"requests": told} if told else {}

    def entry(
        self, what: str, text: str, detail: Json | None = None, *, link: Link | None = None, other: str | None = None
    ) -> JournalEntry:
        if other is None and link is not None:
            other = link.record_id(self.side.other)
        return JournalEntry(
            mapping=self.key.mapping,
            side=self.side,
            record_id=self.key.record_id,
            what=what,
            text=text,
            detail=detail or {},
            link=link.id if link else None,
            other_record_id=other,
            run=self.run,
            version=self.mapping.version or None,
            event=self.situation.claim.event,
        )

    def note_keys(self, side: Side, record_id: str, values: MappingOf[str, Any]) -> None:
        """Keep the match index in sync with what a record was just seen to hold."""
        if self.mapping.match:
            self.keys.append(KeyNote(self.mapping.name, side, record_id, translate.index_hashes(self.mapping, values)))

    def note_wrote(self, side: Side, record_id: str, record: Record | None) -> None:
        """Note our own write, so that its echo and reads that lag behind it are recognised."""
        version = record.modified_at.timestamp() if record and record.modified_at else None
        own = RecordNote(self.ref(side, record_id), version=version, own_version=version, own_write_at=self.now)
        self.records.append(own)

    # How the claim ends.

    def done(self, outcome: Outcome, why: Why, **more: Any) -> Completion:
        """End the claim, with everything gathered on the way."""
        decided = self.row_hash if outcome in (Outcome.FILTERED, Outcome.DEAD) else None
        crossed = self.unlinked if outcome in CROSSED else {}
        end = Completion(self.claim, outcome, why.text, code=why.code.value, decided_hash=decided, unlinked=crossed)
        return replace(self.gathered(end), **more)

    def gathered(self, end: Completion) -> Completion:
        """The same end with everything that was gathered until now."""
        return replace(
            end,
            claim=self.claim,
            records=tuple(self.records),
            keys=tuple(self.keys),
            journal=tuple(self.journal),
            links=tuple(self.moves),
        )

    def later(self, due: float, why: Why, *, attempt: bool = False, **more: Any) -> Completion:
        """Put the task off until `due`. The claim counts as a failed attempt only if `attempt`."""
        task = self.first
        kept = {"stale_since": task.stale_since, "gone_since": task.gone_since, "decided_hash": task.decided_hash}
        return self.done(Outcome.WAITING, why, due=due, attempt=attempt, **{**kept, **more})

    def stale(self, read: Stale, *, narrow: bool = False) -> Completion:
        """Put the task off until the record can be read again."""
        return self.later(read.due, read.why, stale_since=read.since, narrow=narrow)

    def filtered(self, why: Why) -> Completion:
        return self.done(Outcome.FILTERED, why)

    def dead(self, why: Why, **more: Any) -> Completion:
        """End the claim as a dead letter. The reason says what a person must do."""
        self.say("dead", why.text, link=self.claim.link)
        return self.done(Outcome.DEAD, why, **more)

    def may_not_write(self) -> Completion | None:
        """Why the claim ends before it writes anything; None when it may write."""
        if self.first.attempts > self.limits.attempts:
            return self.dead(Reason.NO_WRITE_ANSWERED.of(attempts=self.limits.attempts))
        if self.claim.paused:  # only recovery is claimed while a mapping is paused, and nothing is sent
            return self.later(self.now + self.limits.wait_seconds, Reason.MAPPING_PAUSED.of())
        return None


# ---- Canonical values as people read them in the journal ----


def plain(value: Any) -> Any:
    """A value without its type; JSON-able. A link is its id: see `in_words`."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if value is UNREAD:
        return None
    if isinstance(value, Lines):
        return [{name: plain(one) for name, one in line.values if not is_empty(one)} for line in value.rows]
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def printable(values: MappingOf[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}


def in_words(draft: Draft, side: Side, values: MappingOf[str, Any]) -> dict[str, Any]:
    """Plain values, in which a link is the record it means on this side."""
    named = dict.fromkeys(one for value in values.values() for one in parts_of(value) if isinstance(one, LinkId))
    links = dict(zip(named, draft.ask_all(LinkById(one.id) for one in named), strict=True))

    def told(value: Any) -> Any:
        link = links.get(value) if isinstance(value, LinkId) else None
        return value if link is None or link.record_id(side) is None else f"{link.mapping} {link.record_id(side)}"

    return printable({name: with_parts(value, told) for name, value in values.items()})


# ---- Plans: what a decision wants written ----


@dataclass(frozen=True, slots=True)
class Create:
    """Create the counterpart of the claim's record. `source`: that record as it was read.

    chosen: canonical values; fields: the same as the target's columns; words: the same as people read them, for the
    journal. keys: hashes of the match keys that the intent holds meanwhile. first_seq: when the record was first known.
    made_at: when it was created, as its system says. unlike: records of its side that the match index has under these
    keys, and that do not show them any more; None where duplicates are copied. again: when it must be processed once
    more. left_out: by field why a reference is not among the values.
    """

    target: Side
    source: Reading
    chosen: MappingOf[str, Any]
    fields: Fields
    keys: Sequence[str]
    first_seq: int
    words: MappingOf[str, Any]
    made_at: float | None = None
    unlike: frozenset[str] | None = None
    again: float | None = None
    left_out: MappingOf[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SideWrite:
    """What one side of a pair is to get. `chosen`: canonical values; `values`: the same with the target's own ids.

    record, read_at, before: the target as it was read when this was decided. changes: columns to send, empty when the
    record holds all of it already. losers: journal entries of what a conflict overwrites. unfinished: sets that the
    other side must still get; until then their base stays, because only with it can the adds and removes of both sides
    be found again. blanked: how many filled fields are emptied. unreadable: fields whose former value is not known.
    beside: what the other side holds and keeps, where a person wants both sides to differ. why: by field the rule that
    says so.
    """

    target: Side
    record: Record
    read_at: float
    before: Reading
    chosen: MappingOf[str, Any]
    values: MappingOf[str, Any]
    changes: Fields
    story: JournalEntry
    losers: Sequence[JournalEntry] = ()
    unfinished: frozenset[str] = frozenset()
    blanked: int = 0
    unreadable: frozenset[str] = frozenset()
    beside: MappingOf[str, Any] = field(default_factory=dict)
    why: MappingOf[str, str] = field(default_factory=dict)

    @property
    def remembered(self) -> dict[str, Any]:
        return {name: value for name, value in self.chosen.items() if name not in self.unfinished}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pair is: what both sides agree on, what they hold, what was written. Nothing is changed in place.

    parents: records that it refers to and that were never decided on; they become due. again: when both sides are read
    again. look_at: when a write that its answer did not confirm is checked. fulfils: the person's instruction that
    these writes carry out.
    """

    link: Link
    base: Base
    readings: MappingOf[Side, Reading]
    parents: Sequence[TaskKey] = ()
    written: Sequence[str] = ()
    again: float | None = None
    look_at: float | None = None
    fulfils: Fulfilled | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Write one or both sides of a pair, one after the other.

    blocked: how the claim ends after these writes, where something keeps the rest from being written now.
    """

    pair: Progress
    writes: Sequence[SideWrite]
    blocked: Completion | None = None


@dataclass(frozen=True, slots=True)
class Undoing:
    """How the removal of what the bridge created ends. `shown`: what the pair's records hold, see `moves.part`."""

    fulfils: Fulfilled
    shown: MappingOf[Side, Json]


@dataclass(frozen=True, slots=True)
class MergedInto:
    """The record that a link's record was merged into, and that survivor's own link."""

    survivor: str
    link: Link


@dataclass(frozen=True, slots=True)
class Removal:
    """Delete or archive the counterpart of a record that is gone on `side`. `record`: that counterpart as read.

    values: what it holds, as the journal keeps it. undoes: set if a person undoes the create of `record`; then the
    record of `side` exists. merged: set if the record of `side` was merged away, and `record` is left over.
    """

    link: Link
    side: Side
    record: Record
    policy: DeletePolicy
    values: Json
    undoes: Undoing | None = None
    merged: MergedInto | None = None


Plan = Create | Update | Removal
