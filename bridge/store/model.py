"""Plain values that cross the store's border, and what the store refuses.

Times are epoch seconds of the store's clock; JSON is JSON-able.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from bridge.domain.errors import BridgeError
from bridge.domain.event import Event, Lane
from bridge.domain.frozen import dataclass
from bridge.domain.record import RecordRef, Side, why_unstorable

Json = Mapping[str, Any]


class Endpoint(NamedTuple):
    """One side of a mapping, bound to a configured system. `role`: the side's name in the mapping file.

    `read_lag`: seconds that its reads may lag. `versioned`: it shows usable modification times.
    """

    system: str
    entity: str
    read_lag: float = 2.0
    versioned: bool = True
    role: str = ""

    @property
    def name(self) -> str:
        return self.role or self.system

    def ref(self, record_id: str) -> RecordRef:
        return RecordRef(self.system, self.entity, record_id)


class Mode(StrEnum):
    SHADOW = "shadow"  # everything but writes
    LIVE = "live"


Pair = frozenset[str]
"""The two systems that a mapping keeps in sync. Each pair has workers of its own."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A mapping as this instance runs it: bound to systems, with the fingerprint of its definition."""

    mapping: str
    fingerprint: str
    match_fingerprint: str
    mode: Mode
    left: Endpoint
    right: Endpoint
    refers: bool = True
    """Whether its records refer to other records (it has field rules with links)."""

    def endpoint(self, side: Side) -> Endpoint:
        return self.left if side is Side.LEFT else self.right

    @property
    def pair(self) -> Pair:
        return frozenset((self.left.system, self.right.system))


@dataclass(frozen=True, slots=True)
class Route:
    """A mapping and side whose tasks become due by events of a system + entity."""

    mapping: str
    side: Side
    endpoint: Endpoint
    quiet: "Quiet | None" = None


class Quiet(NamedTuple):
    """An edited record is synced after `seconds` without another edit; `code` and `reason` say so.

    A record that is edited all the time is synced `LONGEST_QUIET` times `seconds` after the first edit.
    """

    seconds: float
    code: str
    reason: str


LONGEST_QUIET = 10

Routes = Mapping[tuple[str, str], Sequence[Route]]
"""(system, entity) -> routes. `app` computes it from mappings and settings."""


@dataclass(frozen=True, slots=True)
class MappingState:
    """What the store knows of a mapping. `indexed`: sides whose match keys a complete listing has filled.

    `problems`: what the accounts lack of its columns; None until this was checked.
    """

    name: str
    fingerprint: str
    match_fingerprint: str
    mode: Mode
    paused: bool
    live_since: float | None
    indexed: frozenset[Side]
    pause_reason: str = ""
    approved_until: float | None = None
    problems: tuple[str, ...] | None = None

    def runs(self, scope: Scope) -> bool:
        """Whether `scope` is the stored definition; instances with another one claim nothing."""
        return (self.fingerprint, self.mode) == (scope.fingerprint, scope.mode)


class TaskState(StrEnum):
    IDLE = "idle"
    DUE = "due"
    WAITING = "waiting"  # for another record; `due` is when it is processed anyway
    DEAD = "dead"


class TaskKey(NamedTuple):
    mapping: str
    side: Side
    record_id: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task row as claimed or listed. `taken` events of `pending` belong to the running claim."""

    key: TaskKey
    state: TaskState
    lane: Lane
    due: float
    generation: int
    pending: int
    taken: int
    attempts: int
    reason: str
    first_due: float
    source_at: float | None
    kinds: frozenset[str]  # event kinds since the task was last finished
    decided_hash: str | None
    stale_since: float | None  # first read older than a version already known; None when reads are accepted
    gone_since: float | None  # first read that found no live record
    waits_for: TaskKey | None = None
    outcome: str | None = None  # see tables.tasks
    code: str = ""  # why it waits or how it ended, for programs; `reason` is for people
    retried: bool = False  # a person retried this dead letter, and it has not ended since
    both_sides: bool = True  # something other than an event about its own record made it due
    instructed: bool = False  # a person gave an instruction about the record, see store.instructions
    run: str | None = None  # the sweep, backfill or undo that made it due
    event: int | None = None  # the newest event that made it due, directly or by another record


class LinkState(StrEnum):
    """Two states have the stored words of the first versions, because two versions may run on one store for a while."""

    INTENDED = "intended"  # a create was decided and is not settled
    LIVE = "live"
    FROZEN = "frozen"  # left the mapping's `where`
    TOMBSTONE = "tombstone"  # one record was deleted; the other one stays and is not copied again
    ALIAS = "alias"  # merged away; `alias_of` is the survivor's link
    DUPLICATE = "twin"  # reported duplicate of `alias_of`
    UNKNOWN = "doubt"  # a create whose outcome is unknown: a dead letter
    PARTED = "parted"  # a person ended the pair; it holds until one of the records is edited


@dataclass(frozen=True, slots=True)
class Link:
    """A row of `links`. `base` is mapping.merge's dumped form; `sent_*` hold dumped values of an unconfirmed write."""

    id: int
    mapping: str
    left: str | None
    right: str | None
    state: LinkState
    made: str
    seq: int
    alias_of: int | None = None
    base: Json = field(default_factory=dict)
    held: Json | None = None
    sent_left: Json | None = None
    sent_right: Json | None = None
    sent_until: float | None = None
    payload: Json | None = None
    deadline: float | None = None
    look_at: float | None = None
    gone_left: float | None = None
    gone_right: float | None = None
    writes: int = 0
    window_at: float = 0.0

    def record_id(self, side: Side) -> str | None:
        return self.left if side is Side.LEFT else self.right

    def sent(self, side: Side) -> Json | None:
        return self.sent_left if side is Side.LEFT else self.sent_right


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased record (and its counterpart) with the due tasks of both in one mapping.

    `tasks[0]` is the task that was picked; a second entry is the counterpart's due task. `link`: as it was at the claim
    (aliases followed). `expires` is when the lease ends. `paused`: only recovery may be done, nothing sent. `known`:
    what was known of the records that were leased at the claim, read in the same transaction. No other worker's write
    can change it before the claim ends, and an event that changes it makes the record due again.
    """

    scope: Scope
    fence: int
    expires: float
    tasks: tuple[Task, ...]
    leased: tuple[RecordRef, ...]
    link: Link | None
    paused: bool = False
    known: Mapping[RecordRef, "KnownRecord | None"] = field(default_factory=dict)

    @property
    def key(self) -> TaskKey:
        return self.tasks[0].key

    @property
    def run(self) -> str | None:
        """The sweep, backfill or undo that caused it."""
        return next((task.run for task in self.tasks if task.run), None)

    @property
    def event(self) -> int | None:
        """The number of the newest event that caused it. Log lines, journal and traces contain it."""
        return max((task.event for task in self.tasks if task.event is not None), default=None)


class Outcome(StrEnum):
    """How taken events end. WAITING and DEAD keep them on the task; the others count one, and the rest as coalesced."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    FILTERED = "filtered"
    WAITING = "waiting"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Move:
    """One named change of a link, made by `moves`. `id`: None inserts a row. `values`: columns of Link by name.

    `refs`: (field, link id) pairs this link's base names; None leaves them as they are.
    """

    kind: str
    id: int | None
    values: Json
    refs: Sequence[tuple[str, int]] | None = None


class RecordNote(NamedTuple):
    """New facts about a record; None leaves a column as it is. `own_version`: the version of our own write."""

    ref: RecordRef
    version: float | None = None
    own_version: float | None = None
    own_write_at: float | None = None
    told_at: float | None = None
    row_hash: str | None = None
    gone_at: float | None = None
    gone_how: str | None = None
    alive: bool = False  # clears gone_at and gone_how
    seen_sweep: int | None = None


class KeyNote(NamedTuple):
    """The match keys a record shows now in a mapping; replaces what the index held for it."""

    mapping: str
    side: Side
    record_id: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What was decided and done, and why. `text` is plain words for people; `detail` never holds secrets."""

    mapping: str
    side: Side
    record_id: str
    what: str  # created, updated, deleted, matched, unchanged, filtered, waiting, dead, conflict, duplicate ...
    text: str
    detail: Json = field(default_factory=dict)
    link: int | None = None
    other_record_id: str | None = None
    run: str | None = None  # the sweep, backfill or undo that caused it
    version: str | None = None  # of the mapping file that was used
    undone: str | None = None  # the run that undid this write
    event: int | None = None  # the newest event that caused it


class Instruction(NamedTuple):
    """What a person requested for a record. `run`: the name by which people refer to it."""

    key: TaskKey
    kind: str  # "undo", "remove created", "link", "unlink", "restore"
    detail: Json
    run: str
    at: float


class Fulfilled(NamedTuple):
    """The instruction about this record was carried out or refused. `undone`: journal rows that `run` has undone.

    `redone`: the undo run that was itself undone; the writes that it had undone count as done again.
    """

    key: TaskKey
    run: str
    undone: tuple[int, ...] = ()
    redone: str | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """Ends a claim: one outcome for its taken events, and everything gathered, in one transaction under its fence.

    due: when the task is processed again (needed for WAITING; for the others only if it must stay due).
    waits_for: the task whose end makes this one due; it may be set for a dead letter as well.
    attempt: False gives the claim's attempt back (rate limits, systems down, waits). decided_hash: row hash of a record
    on which the decision was "nothing". stale_since, gone_since: new values for the task (None clears).
    mark: further tasks to make due without an event (pairs whose base names a changed link).
    narrow: the task's events report all that was found, so a later look need not read the other side.
    unlinked: by record that was read, the unlinked records that it refers to, so that the reference did not cross. As
    soon as one of them is linked, the record is due again. Entries of other records stay.
    fulfilled: a person's instruction that has ended; one that has not is kept, whatever the outcome.
    """

    claim: Claim
    outcome: Outcome
    reason: str = ""
    due: float | None = None
    attempt: bool = True
    waits_for: TaskKey | None = None
    decided_hash: str | None = None
    stale_since: float | None = None
    gone_since: float | None = None
    links: Sequence[Move] = ()
    records: Sequence[RecordNote] = ()
    keys: Sequence[KeyNote] = ()
    journal: Sequence[JournalEntry] = ()
    mark: Sequence[TaskKey] = ()
    unlinked: Mapping[TaskKey, Sequence[TaskKey]] = field(default_factory=dict)
    code: str = ""
    narrow: bool = False
    fulfilled: Fulfilled | None = None


class Unless(NamedTuple):
    """What prevents a pending write.

    `reported`: records, each with a moment after which no edit of it may be known. `leased`: records that no other
    worker may hold.
    """

    reported: Mapping[RecordRef, float] = MappingProxyType({})
    leased: Set[RecordRef] = frozenset()


NEVER = Unless()


class KnownRecord(NamedTuple):
    """A row of `records`. `told_at`: when a callback last reported the record without its version."""

    ref: RecordRef
    first_seq: int
    version: float | None = None
    own_version: float | None = None
    own_write_at: float | None = None
    told_at: float | None = None
    row_hash: str | None = None
    gone_at: float | None = None
    gone_how: str | None = None


class IntentOpened(NamedTuple):
    link: int


class IntentWait(NamedTuple):
    """An older open intent may be about this record: wait for it until `look_at`.

    `person`: the task that a person must decide first, because that create's outcome is unknown; None while it is open.
    """

    link: int
    look_at: float
    person: TaskKey | None = None


class AlreadyLinked(NamedTuple):
    """The record was linked meanwhile: decide again."""

    link: Link


IntentResult = IntentOpened | IntentWait | AlreadyLinked


STOPPED = "stopped"  # by `bridge hooks stop`, until `bridge hooks start`
OFF = "off"  # by the settings
DEACTIVATED = "deactivated"  # at the vendor, and the settings say to respect that
ON_PURPOSE = frozenset({STOPPED, OFF, DEACTIVATED})
"""States of hooks that a person stopped. No audit registers them again."""


@dataclass(frozen=True, slots=True)
class HookRow:
    """A registration of ours as last seen.

    state: "registered", "missing", "replaced" (another one was registered in its place, and it may still exist), or one
    of ON_PURPOSE.
    """

    system: str
    key: str
    url: str
    vendor_id: str | None
    state: str
    registered_at: float | None = None
    seen_at: float | None = None
    delivered_at: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SystemRow:
    """What the store knows of a system. `stopped`: why nothing is sent to it until a person acts ("" when fine)."""

    name: str
    identity_key: str | None = None
    identity_label: str = ""
    down_since: float | None = None
    down_reason: str = ""
    stopped: str = ""


# ---- What the store refuses ----


class CursorMoved(BridgeError):
    """Another sweep moved the cursor first; nothing was written."""


class LinkTaken(BridgeError):
    """A record is already named by another intended, live or frozen link of the mapping; nothing was written."""


class ThresholdReached(BridgeError):
    """One more delete, archive or blanked field would pass the mapping's limit; nothing was written."""

    def __init__(self, mapping: str, hits: int, limit: int) -> None:
        super().__init__(f"{mapping}: {hits} of {limit} allowed removals are used up in the window")
        self.mapping = mapping
        self.hits = hits
        self.limit = limit


class ReportedMeanwhile(BridgeError):
    """A callback reported an edit that the decision does not know; nothing was written. `at`: when it was stored.

    `ours`: not a callback; the bridge wrote the record itself.
    """

    def __init__(self, ref: RecordRef, at: float, *, ours: bool = False) -> None:
        who = "the bridge wrote it" if ours else "a callback told of an edit"
        super().__init__(f"{ref.entity} {ref.id}: {who} since it was read")
        self.ref, self.at, self.ours = ref, at, ours


class LeasedMeanwhile(BridgeError):
    """Another worker has leased a record that a write concerns; nothing was written."""

    def __init__(self, ref: RecordRef) -> None:
        super().__init__(f"{ref.entity} {ref.id}: another worker has leased it")
        self.ref = ref


class Unstorable(BridgeError):
    """A value that the database cannot store (a NUL character, half a surrogate pair). To try again does not help."""


# ---- Ids are checked before a transaction begins: a bad one fails alone, in the same way on both databases ----


Named = tuple[str, str | None]
"""A description of an id for people, and the id."""


def require_storable(named: Iterable[Named]) -> None:
    """Raises Unstorable that names the first id that cannot be stored."""
    for what, value in named:
        wrong = why_unstorable(value) if value is not None else ""
        if wrong:
            raise Unstorable(f"{what} cannot be kept: {wrong} ({value[:40] if value else value!a})")


def of_event(event: Event) -> Iterator[Named]:
    whose = f"an event of {event.system}"
    yield f"the system of {whose}", event.system
    yield f"the entity of {whose}", event.entity
    yield f"the record id of {whose}", event.id
    yield f"the id of {whose}", event.vendor_id
    yield f"the id of the surviving record in {whose}", event.merged_into


def of_notes(records: Iterable[RecordNote], keys: Iterable[KeyNote]) -> Iterator[Named]:
    for note in records:
        yield f"the id of a {note.ref.system} {note.ref.entity}", note.ref.id
    for key in keys:
        yield f"a record id of {key.mapping}", key.record_id


def of_tasks(keys: Iterable[TaskKey]) -> Iterator[Named]:
    for key in keys:
        yield f"the id of a record that {key.mapping} names", key.record_id


def of_completion(one: Completion) -> Iterator[Named]:
    """Every id that the end of a claim would store."""
    yield from of_notes(one.records, one.keys)
    yield from of_tasks(one.mark)
    for child, parents in one.unlinked.items():
        yield from of_tasks((child, *parents))
    if one.waits_for is not None:
        yield from of_tasks((one.waits_for,))
    for write in one.links:
        for side in ("left", "right"):
            yield f"a record id of a link of {one.claim.key.mapping}", write.values.get(side)
